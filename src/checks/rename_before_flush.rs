//! `rename-before-flush`: a name is given to a file part of whose content has not even left the program.

use super::act::ActRule;
use crate::finding::{Confidence, Level};
use crate::flow::state::Kind;
use crate::flow::summary::Act;

/// The rule.
pub const RULE: ActRule = ActRule {
    id: "rename-before-flush",
    level: Level::Error,
    judge: |_, moment, pending| {
        let Act::Rename { file, .. } = moment.act else {
            return None;
        };
        (pending.kind == Kind::Buffer && pending.file == file).then_some(Confidence::High)
    },
    message: |_, _, _| "file is renamed into place while part of it is still in a user-space buffer".to_string(),
    at_act: |_| "renamed: the buffered bytes are not in the file yet",
    crash: "the new name leads to a file without its last bytes, even if only the process is killed",
    help: "flush the buffer and sync the file before the rename, and check both results",
    masked_on: &[],
};
