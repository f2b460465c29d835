//! `delete-without-dir-sync`: a name that was published with care is taken away, and the removal never made durable.

use super::places::{self, Alias};
use super::success::SuccessRule;
use super::{Context, purpose, success::Left};
use crate::finding::{Confidence, Level};
use crate::flow::state::{How, Kind};
use crate::flow::summary::Act;
use crate::flow::terms::{Term, Value};
use crate::ir::{FuncId, Function, PackageId, ValueKind};
use rustc_hash::FxHashSet;

/// The rule.
pub const RULE: SuccessRule = SuccessRule {
    id: "delete-without-dir-sync",
    level: Level::Warning,
    judge,
    message: |_, _| "file is removed and its directory is never synced".to_string(),
    at_success: "success is reported: the removal may not have reached the disk",
    crash: "after the crash the file can be back under its name, and be read as if it had never been removed",
    help: "sync the directory after removing the file, before reporting success",
    masked_on: &["zfs"],
};

/// Words in the name of a function that takes away what is of no use any more: if it comes back, it is taken away again.
const COLLECTORS: &[&str] = &[
    "gc",
    "garbage",
    "collect",
    "collector",
    "clean",
    "cleanup",
    "purge",
    "prune",
    "sweep",
    "evict",
    "expire",
    "trim",
    "obsolete",
    "orphan",
    "orphaned",
    "stale",
    "unused",
    "recycle",
    "discard",
];

/// Names that are given with care: to files whose content is synced.
pub type Published = FxHashSet<(PackageId, Alias)>;

fn judge(context: &Context<'_>, left: &Left<'_>) -> Option<Confidence> {
    let pending = left.pending;
    if pending.kind != Kind::Name
        || pending.how != How::Removed
        || left.is_disposable(context)
        || left.moment.fact(pending.file).temporary
        || left.lives_in(context, &context.flow.intents.retired_fields)
    {
        return None;
    }
    if left.must_be_durable(context) {
        return Some(Confidence::High);
    }
    let body = &context.program.functions[left.origin.function.index()];
    let top = &context.program.functions[left.moment.function.index()];
    let collects = |function: &Function| purpose::has_any(&function.short_name, COLLECTORS);
    if collects(body) || collects(top) || !is_all_it_does(context, left) || !is_asked_for(context, left) {
        return None;
    }
    let promised = purpose::promises_durability(body) || purpose::promises_durability(top);
    if promised || is_published(context, left) {
        return Some(Confidence::Medium);
    }
    None
}

/// Whether the function that removes does nothing but take names away: what else it did, its order decides.
fn is_all_it_does(context: &Context<'_>, left: &Left<'_>) -> bool {
    let summary = context.flow.summaries.get(&left.origin.function);
    let mut facts = summary.iter().flat_map(|summary| &summary.outcomes).flat_map(|outcome| &outcome.facts);
    facts.all(|(_, facts)| !facts.written && !facts.created && !facts.renamed)
}

/// Whether the caller says by a key which file is to go: what is collected as garbage does no harm if it comes back, and what is given a
/// whole path takes part in an operation of somebody else.
fn is_asked_for(context: &Context<'_>, left: &Left<'_>) -> bool {
    let body = &context.program.functions[left.origin.function.index()];
    let terms = context.terms.borrow();
    let is_given = |part: &Value| match terms.get(*part) {
        Term::Param(number) => {
            let local = body.params.get(*number as usize).map(|local| &body.locals[local.index()]);
            local.is_some_and(|local| local.kind != ValueKind::Path) && (*number > 0 || body.owner.is_none())
        }
        _ => false,
    };
    let mut own = left.left_by.iter().filter(|(function, _)| *function == left.origin.function);
    own.any(|(_, pending)| terms.parts(pending.file).iter().any(is_given))
        && (!places::is_of_several(&terms, left.pending.file) || !has_index(context, body.package))
}

/// Whether a file with a constant name is published too: a manifest, which says which of the others count.
fn has_index(context: &Context<'_>, package: PackageId) -> bool {
    let published = context.index.published.get_or_init(|| published(context));
    published.iter().any(|(of, alias)| *of == package && matches!(alias, Alias::Name(_)))
}

/// Whether some other function gives a synced file the name that is taken away here.
fn is_published(context: &Context<'_>, left: &Left<'_>) -> bool {
    let published = context.index.published.get_or_init(|| published(context));
    left.left_by.iter().any(|(function, pending)| {
        let package = context.program.functions[function.index()].package;
        let aliases = places::aliases(context, *function, pending.file);
        let mut places = aliases.iter().filter(|alias| matches!(alias, Alias::Place(_)));
        places.any(|alias| published.contains(&(package, *alias)))
    })
}

/// Collects the names that synced files are given.
fn published(context: &Context<'_>) -> Published {
    let mut found = Published::default();
    let mut add = |function: FuncId, path: Value| {
        let package = context.program.functions[function.index()].package;
        found.extend(places::aliases(context, function, path).iter().map(|alias| (package, *alias)));
    };
    let intents = &context.flow.intents;
    for (&function, summary) in &context.flow.summaries {
        for trigger in &summary.triggers {
            if let Act::Rename { file, to, .. } = trigger.act
                && trigger.facts.iter().any(|(known, facts)| *known == file && facts.synced)
            {
                add(function, to);
            }
        }
        for (file, facts) in summary.outcomes.iter().flat_map(|outcome| &outcome.facts) {
            if facts.created && (facts.synced || intents.lives_in(function, *file, &intents.synced_fields)) {
                add(function, *file);
            }
        }
        // Opened, and made if it was not there, for somebody who syncs it.
        for pending in summary.outcomes.iter().flat_map(|outcome| &outcome.pending) {
            if matches!(pending.how, How::Created | How::MaybeCreated)
                && intents.lives_in(function, pending.file, &intents.synced_fields)
            {
                add(function, pending.file);
            }
        }
    }
    found
}
