//! `sync-before-flush`: the kernel is asked to sync a file whose last bytes it has not been given.

use super::act::ActRule;
use crate::finding::{Confidence, Level};
use crate::flow::state::{How, Kind};
use crate::flow::summary::Act;

/// The rule.
pub const RULE: ActRule = ActRule {
    id: "sync-before-flush",
    level: Level::Error,
    judge: |_, moment, pending| {
        let Act::Sync { file } = moment.act else {
            return None;
        };
        if pending.kind != Kind::Buffer || pending.file != file {
            return None;
        }
        Some(if pending.how == How::HandedOver { Confidence::Low } else { Confidence::High })
    },
    message: |_, _, _| "file is synced while part of its content is still in a user-space buffer".to_string(),
    at_act: "synced: without the bytes that are still buffered",
    crash: "the bytes in the buffer are lost although the sync reported success",
    help: "flush the buffer first, then sync the file behind it",
    masked_on: &[],
};
