//! `delete-before-sync`: the last durable copy goes before its successor is durable, in content and in name.

use super::act::ActRule;
use super::{Context, places, provenance, purpose};
use crate::finding::{Confidence, Level};
use crate::flow::Moment;
use crate::flow::state::{How, Kind, MAX_SOURCES, Pending};
use crate::flow::summary::Act;
use crate::flow::terms::Value;

/// The rule.
pub const RULE: ActRule = ActRule {
    id: "delete-before-sync",
    level: Level::Error,
    judge,
    message: |_, _, pending| match pending.kind {
        Kind::Name => "old file is removed before the name of its successor is durable".to_string(),
        _ => "old file is removed before the content of its successor is durable".to_string(),
    },
    at_act: |_| "removed: from here on only the successor is left",
    crash: "the removal can reach the disk first: the old file is gone and the new one empty, partial or without a name",
    help: "sync the successor and its directory before removing what it replaces",
    masked_on: &[],
};

fn judge(context: &Context<'_>, moment: &Moment, pending: &Pending) -> Option<Confidence> {
    let Act::Remove { file, path, .. } = moment.act else {
        return None;
    };
    let removed = moment.fact(file);
    // One's own temporary, or a path that only clears up, destroys nothing.
    // What holds nothing that can be used is no copy.
    if removed.unusable
        || removed.created
        || removed.temporary
        || moment.failing
        || is_related(context, pending.file, file)
        || places::is_no_file(context, moment.function, pending.file)
    {
        return None;
    }
    let counts = match pending.kind {
        Kind::Data => matches!(pending.how, How::Written | How::WrittenWhole | How::Copied | How::HandedOver),
        Kind::Name => pending.cared && (pending.how == How::Renamed || is_made_for_log(context, moment, pending, path)),
        Kind::Buffer => true,
    };
    if !counts
        || purpose::is_disposable(context, moment.function, path)
        || purpose::is_in_temporary(context, path)
        // What is written by a cache or a lock succeeds nothing.
        || purpose::is_in_disposable(context, &pending.trace)
    {
        return None;
    }
    if !is_one_operation(moment, pending) {
        return Some(Confidence::Low);
    }
    if pending.kind != Kind::Name && !may_succeed(context, moment, pending, file) {
        return Some(Confidence::Low);
    }
    if removed.read {
        // What was written before it was read is not made of it.
        let made_of_it = pending.kind == Kind::Name
            || is_source(context, pending, file)
                && (pending.how == How::Copied || takes_its_place(context, moment, pending, path))
                && (pending.how == How::Copied
                    || provenance::may_write_what_was_read(context, moment.function, &pending.trace, None));
        return Some(if made_of_it { Confidence::High } else { Confidence::Low });
    }
    let mut terms = context.terms.borrow_mut();
    let (successor, old) = (terms.parent(pending.file), terms.parent(path));
    // What the successor was made from was read; this is something beside it.
    if moment.facts.iter().any(|(input, facts)| facts.read && !facts.created && terms.parent(*input) == old) {
        return Some(Confidence::Low);
    }
    let same_directory = successor == old || pending.dir == old;
    drop(terms);
    // What was renamed with care is told by its name wherever that is done; mere content says less of what it is for.
    let apart = moment.trace.depth() + pending.trace.depth();
    if apart > if pending.kind == Kind::Name { 3 } else { 2 } {
        return Some(Confidence::Low);
    }
    let published = pending.how == How::Renamed || moment.fact(pending.file).renamed;
    let same_store = same_directory || shares_root(context, pending.file, path);
    let precious = purpose::is_precious(context, moment.function, path);
    match (published, same_store) {
        (true, _) if same_directory || precious => Some(Confidence::Medium),
        // A copy that is not published has its original.
        (false, true)
            if precious
                && pending.how != How::Copied
                && moment.fact(pending.file).created
                && (is_log(context, path) || is_log(context, pending.file)) =>
        {
            Some(Confidence::Medium)
        }
        (_, true) => Some(Confidence::Low),
        _ => None,
    }
}

/// Whether a new file, filled and synced, takes over what was in a log beside it, and its directory is synced in the end: too late for the
/// log. Where that is never done, its name is missing whatever becomes of the log, and is told as that.
pub fn is_made_for_log(context: &Context<'_>, moment: &Moment, pending: &Pending, log: Value) -> bool {
    let settled_later = || {
        let is_this = |other: &Pending| other.kind == Kind::Name && other.origin == pending.origin;
        let mut successes = context.successes(moment.function).iter();
        successes
            .any(|success| success.killed.contains(&(pending.dir, Kind::Name)) && !success.pending.iter().any(is_this))
    };
    let beside = || context.terms.borrow_mut().parent(log) == pending.dir;
    // What is made of other files has those.
    let made_anew = || !moment.facts.iter().any(|(_, facts)| facts.read && !facts.created);
    pending.how == How::Created && is_log(context, log) && beside() && made_anew() && settled_later()
}

/// Whether content that is written can stand for what `file` held: not what goes away with its own name, what is the same whatever was there,
/// or what was made of other files alone.
fn may_succeed(context: &Context<'_>, moment: &Moment, pending: &Pending, file: Value) -> bool {
    let fact = moment.fact(pending.file);
    let passing = !fact.renamed && (fact.temporary || purpose::is_in_temporary(context, pending.file));
    let of_others = || {
        !pending.sources.is_empty()
            && !is_source(context, pending, file)
            && provenance::may_write_what_was_read(context, moment.function, &pending.trace, None)
    };
    !passing && (pending.how == How::Copied || !provenance::is_constant(context, &pending.trace) && !of_others())
}

/// Whether what is written takes the place of what is removed: it was renamed somewhere, lies in the same directory, or both are done in
/// this function, one perhaps by what it calls.
fn takes_its_place(context: &Context<'_>, moment: &Moment, pending: &Pending, path: Value) -> bool {
    let mut terms = context.terms.borrow_mut();
    let old = terms.parent(path);
    moment.trace.depth() + pending.trace.depth() <= 1
        || moment.fact(pending.file).renamed
        || terms.parent(pending.file) == old
        || pending.dir == old
}

/// Whether the content may be made of what was read from `file`, or below it.
pub fn is_source(context: &Context<'_>, pending: &Pending, file: Value) -> bool {
    let mut terms = context.terms.borrow_mut();
    pending.sources.len() >= MAX_SOURCES
        || pending.sources.iter().any(|&source| source == file || terms.is_under(source, file))
}

/// Whether the removed path says that it is what recovery would read: a log, a journal, an old generation.
pub fn is_log(context: &Context<'_>, path: Value) -> bool {
    let terms = context.terms.borrow();
    terms.texts(path).iter().any(|text| {
        purpose::has_any(
            text,
            &["wal", "journal", "log", "segment", "checkpoint", "snapshot", "manifest", "old", "prev", "rollback"],
        )
    })
}

/// Whether the write and the act lie close enough in the call graph to belong to one operation. What is far apart is told with low
/// confidence: a program that opens its store and later tidies up does not replace the one by the other.
pub fn is_one_operation(moment: &Moment, pending: &Pending) -> bool {
    moment.trace.depth() + pending.trace.depth() <= 4
}

/// Whether one lies in or under the other.
fn is_related(context: &Context<'_>, one: Value, other: Value) -> bool {
    let mut terms = context.terms.borrow_mut();
    terms.is_under(one, other) || terms.is_under(other, one)
}

/// Whether both belong to the same store: made from the same parameter or global.
pub fn shares_root(context: &Context<'_>, one: Value, other: Value) -> bool {
    let terms = context.terms.borrow();
    let root = terms.root(one);
    root == terms.root(other) && terms.is_stable(root)
}
