//! `rename-before-sync`: a name is given to content that is not durable.

use super::act::ActRule;
use super::purpose;
use crate::finding::{Confidence, Level};
use crate::flow::state::{How, Kind};
use crate::flow::summary::Act;

/// The rule.
pub const RULE: ActRule = ActRule {
    id: "rename-before-sync",
    level: Level::Error,
    judge: |context, moment, pending| {
        let Act::Rename { file, from, to, .. } = moment.act else {
            return None;
        };
        let cached = |path| purpose::is_cached(context, moment.function, path);
        if pending.kind != Kind::Data || cached(from) || cached(to) || purpose::is_in_temporary(context, to) {
            return None;
        }
        if pending.file != file && !context.terms.borrow_mut().is_under(pending.file, file) {
            return None;
        }
        match pending.how {
            How::Written | How::WrittenWhole | How::Copied => Some(Confidence::High),
            How::HandedOver => Some(Confidence::Medium),
            // A length alone publishes no content.
            _ => None,
        }
    },
    message: |_, _, _| "file is renamed into place before its content is durable".to_string(),
    at_act: "renamed: the name is live, the content may not be",
    crash: "the new name can lead to an empty or partial file, and what the name led to before is gone",
    help: "sync the file after the last write and before the rename",
    masked_on: &[],
};
