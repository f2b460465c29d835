//! `flush-is-not-sync`: a flush is taken for a sync, or what is named after a sync does none (`promises.rs`).

use super::success::SuccessRule;
use super::{Context, ack_before_sync, places, purpose, success::Left};
use crate::finding::{Confidence, Level};
use crate::flow::state::Kind;

/// What the disk can hold.
pub const CRASH: &str = "what was flushed sits in the page cache: after the crash it is missing, empty or partial";
/// What to do.
pub const HELP: &str = "a flush only hands bytes to the kernel: sync the file as well";

/// The rule, for bytes that were flushed and never synced.
pub const RULE: SuccessRule = SuccessRule {
    id: "flush-is-not-sync",
    level: Level::Warning,
    judge,
    message: |_, _| "bytes are flushed, not synced, and then reported as written".to_string(),
    at_success: "success is reported: the bytes may not have reached the disk",
    crash: CRASH,
    help: HELP,
    masked_on: &[],
};

fn judge(context: &Context<'_>, left: &Left<'_>) -> Option<Confidence> {
    left.pending.flushed.as_ref()?;
    let as_written = ack_before_sync::judge(context, left);
    if as_written > Some(Confidence::Low) {
        return as_written;
    }
    let fact = left.moment.fact(left.pending.file);
    let temporary = fact.temporary || purpose::is_in_temporary(context, left.pending.file);
    if left.pending.kind != Kind::Data || left.is_disposable(context) || temporary && !fact.renamed {
        return as_written;
    }
    // A log that is flushed after each record and synced by nobody. What a function was lent for the call is kept by somebody else.
    let lent = ack_before_sync::is_lent(context, left)
        || places::is_any_writer(context, left.moment.function, left.pending.file);
    let in_field = !lent
        && left
            .left_by
            .iter()
            .any(|(function, pending)| !context.flow.intents.fields_of(*function, pending.file).is_empty());
    let synced = left.lives_in(context, &context.flow.intents.synced_fields);
    let precious = || purpose::is_precious(context, left.origin.function, left.pending.file);
    // Who commits with a flush that does nothing took it for a sync.
    let commits = || {
        let top = &context.program.functions[left.moment.function.index()];
        left.pending.idle_flush && purpose::has_any(&top.short_name, &["commit", "checkpoint"])
    };
    let believed = in_field && !left.is_far_fetched() && !synced && (as_written.is_none() && precious() || commits());
    believed.then_some(Confidence::Medium).or(as_written)
}
