//! `rename-without-dir-sync`: the content was synced and renamed into place, the name never made durable.

use super::success::SuccessRule;
use super::{Context, purpose, success::Left};
use crate::finding::{Confidence, Level};
use crate::flow::Moment;
use crate::flow::state::{Facts, How, Kind};
use crate::flow::summary::Act;
use crate::flow::terms::{Term, Value};

/// The rule.
pub const RULE: SuccessRule = SuccessRule {
    id: "rename-without-dir-sync",
    level: Level::Warning,
    judge,
    message: |_, _| "file is renamed into place and its directory is never synced".to_string(),
    at_success: "success is reported: the rename may not have reached the disk",
    crash: "after the crash the name can lead to the old file, or to none, although success was reported",
    help: "sync the directory of the new name before reporting success",
    masked_on: &["zfs"],
};

fn judge(context: &Context<'_>, left: &Left<'_>) -> Option<Confidence> {
    let pending = left.pending;
    if pending.kind != Kind::Name
        || !matches!(pending.how, How::Renamed | How::Linked | How::Symlinked)
        || left.is_disposable(context)
    {
        return None;
    }
    if !left.must_be_durable(context) && left.syncs_a_directory_handle(context) {
        return Some(Confidence::Low);
    }
    let body = &context.program.functions[left.origin.function.index()];
    let cared = left.must_be_durable(context) || left.left_by.iter().any(|(_, pending)| pending.cared);
    match cared {
        true => Some(Confidence::High),
        // A second name is no more than that, unless the first goes: then it was a rename. A symbolic link has no content to lose.
        false if pending.how != How::Renamed => None,
        // That others who call it sync the directory says something of who calls it as they do, not of what uses a helper for all.
        false if !left.settled_by.is_empty() => {
            let leaving = &context.program.functions[left.moment.function.index()];
            let beside = left.settled_by.iter().any(|settling| context.is_beside(*settling, left.moment.function))
                || leaving.package == body.package && pending.trace.depth() <= 1;
            Some(if beside && !is_recovery(context, left) { Confidence::Medium } else { Confidence::Low })
        }
        // What it puts there on another path, it syncs the directory after.
        false if syncs_it_elsewhere(context, left) => Some(Confidence::Medium),
        // The file lives on in a field that is synced elsewhere.
        false if lives_on(context, left) => Some(Confidence::Medium),
        // What its type promises says little of a name whose content nobody synced.
        false if body.owner.is_some_and(|owner| purpose::type_promises(context, owner)) => {
            Some(if renames_its_own(context, left) { Confidence::Medium } else { Confidence::Low })
        }
        // Its job is the rename, of what its caller gives it or its value stands for, in a package that syncs directories: more likely where
        // its own text syncs.
        false
            if (is_given(context, left) || renames_its_own(context, left))
                && context.flow.intents.directory_syncing_packages.contains(&body.package) =>
        {
            // What a helper that others share does says little of who uses it.
            let namer = &context.program.functions[left.who_names_it(context).index()];
            let near = !left.is_far_fetched()
                && renames_what_it_was_told(context, left)
                && context.flow.intents.syncing_sources.contains(&body.file)
                && context.flow.intents.syncing_sources.contains(&namer.file);
            Some(if near && !is_recovery(context, left) { Confidence::Medium } else { Confidence::Low })
        }
        false => None,
    }
}

/// Whether the function that renames it renames another file into the same directory on another path, and syncs the directory then.
fn syncs_it_elsewhere(context: &Context<'_>, left: &Left<'_>) -> bool {
    let function = left.origin.function;
    let mut own = left.left_by.iter().filter(|(leaves, _)| *leaves == function);
    own.any(|(_, pending)| {
        let settled = |moment: &Moment| {
            let renamed = |(file, fact): (&Value, &Facts)| *file != pending.file && fact.renamed;
            moment.killed.contains(&(pending.dir, Kind::Name)) && moment.facts.iter().any(renamed)
        };
        let mut successes = context.flow.moments.iter();
        successes.any(|moment| moment.function == function && moment.act == Act::Succeed && settled(moment))
    })
}

/// Whether a method renames a file that its value stands for: its path lies in a field of that, or the file is kept open in one.
fn renames_its_own(context: &Context<'_>, left: &Left<'_>) -> bool {
    let terms = context.terms.borrow();
    let is_own = |file| matches!(terms.get(file), Term::Field(of, _) if matches!(terms.get(*of), Term::Param(0)));
    let owner = context.program.functions[left.origin.function.index()].owner;
    left.left_by.iter().any(|(function, pending)| {
        let mut fields = context.flow.intents.fields_of(*function, pending.file).iter();
        *function == left.origin.function && (is_own(pending.file) || fields.any(|field| Some(field.0) == owner))
    })
}

/// Whether a function outside any type renames a path that it is given.
fn is_given(context: &Context<'_>, left: &Left<'_>) -> bool {
    let terms = context.terms.borrow();
    context.program.functions[left.origin.function.index()].owner.is_none()
        && left.left_by.iter().any(|(function, pending)| {
            *function == left.origin.function && matches!(terms.get(terms.root(pending.file)), Term::Param(_))
        })
}

/// Whether names say that it puts things in order after something failed: what it did and lost, it does again.
fn is_recovery(context: &Context<'_>, left: &Left<'_>) -> bool {
    let words = ["recover", "recovery", "rollback", "restore", "undo", "revert", "install", "uninstall"];
    purpose::has_any(&context.program.functions[left.origin.function.index()].short_name, &words)
}

/// Whether what it renames is told by a parameter, and not something that a directory was found to hold.
fn renames_what_it_was_told(context: &Context<'_>, left: &Left<'_>) -> bool {
    let terms = context.terms.borrow();
    let given = |file| matches!(terms.get(terms.root(file)), Term::Param(_)) && !terms.is_entry(file);
    left.left_by.iter().any(|(function, pending)| *function == left.origin.function && given(pending.file))
}

/// Whether the file is kept open in a field whose file is synced somewhere.
fn lives_on(context: &Context<'_>, left: &Left<'_>) -> bool {
    let intents = &context.flow.intents;
    left.left_by.iter().any(|(function, pending)| {
        let mut fields = intents.fields_of(*function, pending.file).iter();
        fields.any(|field| intents.synced_fields.contains(field) && intents.links.contains_key(field))
    })
}
