//! `create-without-dir-sync`: a new file is filled and synced, its name never made durable.

use super::success::SuccessRule;
use super::{Context, places, purpose, success::Left};
use crate::finding::{Confidence, Level};
use crate::flow::intent::FieldKey;
use crate::flow::state::{How, Kind, Pending};

/// The rule.
pub const RULE: SuccessRule = SuccessRule {
    id: "create-without-dir-sync",
    level: Level::Warning,
    judge,
    message: |_, _| "file is created and synced, and its directory is never synced".to_string(),
    at_success: "success is reported: the new file may have no name on disk",
    crash: "after the crash the file can be missing from its directory, with all that was synced to it",
    help: "sync the directory too after creating the file, before anything in it is promised",
    masked_on: &["ext4", "xfs", "btrfs", "zfs"],
};

fn judge(context: &Context<'_>, left: &Left<'_>) -> Option<Confidence> {
    let pending = left.pending;
    if pending.kind != Kind::Name
        || !matches!(pending.how, How::Created | How::MaybeCreated)
        || left.is_disposable(context)
        || purpose::is_in_temporary(context, pending.file)
    {
        return None;
    }
    let intents = &context.flow.intents;
    // A temporary: what counts is the name it is given in the end.
    if left.lives_in(context, context.index.given_up.get_or_init(|| intents.given_up())) {
        return None;
    }
    // Who runs a program sees what it wrote, and can run it again.
    let top = &context.program.functions[left.moment.function.index()];
    let seen = top.short_name == "main"
        && pending.trace.depth() == 0
        && !places::is_read_back(context, left.moment.function, pending.file);
    if !left.must_be_durable(context) && (seen || left.syncs_a_directory_handle(context)) {
        return Some(Confidence::Low);
    }
    // Who ends the value that holds the file syncs the directory.
    let ended = |field: &FieldKey| intents.directory_synced_at_end.contains(&field.0);
    let mut holders = left.left_by.iter().flat_map(|(function, pending)| intents.fields_of(*function, pending.file));
    if !left.must_be_durable(context) && holders.any(ended) {
        return None;
    }
    if left.must_be_durable(context) || left.left_by.iter().any(|(_, pending)| pending.cared) {
        return Some(if pending.how == How::Created { Confidence::High } else { Confidence::Medium });
    }
    // Its content is lost with it: that is told where the content was due.
    let lost = |other: &Pending| other.kind == Kind::Data && other.closed && other.file == pending.file;
    if left.moment.pending.iter().any(lost) {
        return None;
    }
    // The file lives on in a field that is synced elsewhere.
    let lives_on = left.lives_in_own(context, &intents.synced_fields);
    lives_on.then_some(Confidence::Medium)
}
