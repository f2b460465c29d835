//! `truncate-before-sync`: a log is cut before what makes it superfluous is durable.

use super::act::ActRule;
use super::{Context, delete_before_sync, purpose};
use crate::finding::{Confidence, Level};
use crate::flow::Moment;
use crate::flow::state::{How, Kind, Pending};
use crate::flow::summary::Act;

/// The rule.
pub const RULE: ActRule = ActRule {
    id: "truncate-before-sync",
    level: Level::Error,
    judge,
    message: |_, _, pending| match pending.kind {
        Kind::Name => "file is cut before the name of its successor is durable".to_string(),
        _ => "file is cut before the content of its successor is durable".to_string(),
    },
    at_act: "cut: from here on only the successor is left",
    crash: "the cut can reach the disk first: the log is empty and what it was applied to is not on disk",
    help: "sync the successor and its directory before cutting what it replaces",
    masked_on: &[],
};

fn judge(context: &Context<'_>, moment: &Moment, pending: &Pending) -> Option<Confidence> {
    let Act::Cut { file, by_handle } = moment.act else {
        return None;
    };
    let cut = moment.fact(file);
    if cut.created || cut.temporary || moment.failing || pending.file == file {
        return None;
    }
    let counts = match pending.kind {
        Kind::Data | Kind::Buffer => {
            matches!(pending.how, How::Written | How::WrittenWhole | How::Copied | How::HandedOver)
        }
        Kind::Name => pending.how == How::Renamed && pending.cared,
    };
    if !counts || purpose::is_disposable(context, moment.function, file) {
        return None;
    }
    let related = delete_before_sync::shares_root(context, pending.file, file) || moment.fact(pending.file).renamed;
    match (by_handle, cut.read) {
        (_, true) => Some(Confidence::High),
        (true, _) if related || purpose::is_precious(context, moment.function, file) => Some(Confidence::Medium),
        (false, _) if related && purpose::is_precious(context, moment.function, file) => Some(Confidence::Medium),
        _ => Some(Confidence::Low),
    }
}
