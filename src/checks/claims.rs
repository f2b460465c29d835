//! What code claims of itself: that something is synced now, where nothing was. Told under `flush-is-not-sync`.

use super::{Context, asked, promises, purpose, regions};
use crate::flow::state::Kind;
use crate::flow::summary::{Outcome, Summary};
use crate::ir::{BlockId, FuncId, Function, InstKind, Operand, Place, Rvalue, Step};
use crate::source::Span;
use ustr::Ustr;

/// Adds the claims that nothing stands behind.
pub fn run(context: &Context<'_>, out: &mut Vec<promises::Promised>) {
    for (at, function) in context.program.functions.iter().enumerate() {
        let id = FuncId(at as u32);
        let changes_files = || context.flow.summaries.get(&id).is_some_and(|summary| summary.effective);
        // What could not be read may be the sync.
        if !function.unread.is_empty()
            || context.policy(id).is_none() && purpose::is_tool(context, id)
            || !context.flow.intents.syncing_packages.contains(&function.package) && !changes_files()
        {
            continue;
        }
        let Some((mark, span)) = unfounded(context, id, function) else { continue };
        let message = format!("`{mark}` is set as after a sync, and nothing was synced");
        let told = "from here on others take it that all is on disk".to_string();
        out.push((promises::UNSYNCED, promises::finding_at(function, span, message, told)));
    }
}

/// A field of the thing itself that is set as after a sync, where no way leads through both it and a sync, in a function that does not only
/// take note of what others did.
fn unfounded(context: &Context<'_>, id: FuncId, function: &Function) -> Option<(Ustr, Span)> {
    let summary = context.flow.summaries.get(&id);
    let named = purpose::is_named_after_sync(&function.short_name) || purpose::has_any(&function.short_name, &["sync"]);
    let handles = || {
        summary.is_some_and(|summary| {
            let mut successes = promises::successes(summary);
            successes.any(|outcome| !outcome.flushed.is_empty() || outcome.pending.iter().any(|one| !one.doubt))
        })
    };
    let unseen = || summary.is_some_and(|summary| summary.bounded || summary.acts_lost || !summary.calls.is_empty());
    let of_others = purpose::has_any(
        &function.short_name,
        &["mark", "set", "note", "on", "new", "update", "reset", "revert", "truncate", "load", "open"],
    );
    let marks = function.blocks.iter().enumerate().flat_map(|(at, block)| {
        let marks = block.insts.iter().filter_map(|inst| Some((marked(&inst.kind)?, inst.span)));
        marks.map(move |(mark, span)| (BlockId(at as u32), mark, span))
    });
    let mut marks = marks.peekable();
    if of_others || marks.peek().is_none() || unseen() || !is_near_a_sync(context, function, summary) {
        return None;
    }
    // Where a mode is asked for a sync, it is in that branch.
    let is_asked_for = |mark: BlockId| {
        (0..function.blocks.len()).any(|at| {
            let asked = asked::asked(function, BlockId(at as u32));
            asked.is_some_and(|asked| regions::behind(function, BlockId(at as u32), asked.for_it)[mark.index()])
        })
    };
    let settled = |mark: BlockId| {
        let around = regions::around(function, mark);
        let blocks = function.blocks.iter().zip(around).filter(|(_, is_around)| *is_around);
        blocks.flat_map(|(block, _)| &block.insts).any(|inst| regions::may_sync(context, id, inst))
    };
    let found = marks.find(|(at, _, _)| (named || handles() || is_asked_for(*at)) && !settled(*at));
    found.map(|(_, mark, span)| (mark, span))
}

/// Whether a function has to do with files that are synced: its type or the text around it syncs some, or it holds a handle. What else is
/// synced may be a clock, or another machine.
fn is_near_a_sync(context: &Context<'_>, function: &Function, summary: Option<&std::sync::Arc<Summary>>) -> bool {
    let intents = &context.flow.intents;
    let held = |outcome: &Outcome| {
        !outcome.flushed.is_empty()
            || outcome.pending.iter().any(|pending| !pending.closed && pending.kind != Kind::Name)
    };
    intents.syncing_sources.contains(&function.file)
        || function.owner.is_some_and(|owner| intents.syncing_types.contains(&owner))
        || function.locals.iter().any(|local| promises::is_handle(local.kind))
        || summary.is_some_and(|summary| summary.outcomes.iter().any(held))
}

/// The name of a field of the thing itself that is set there as it is after a sync.
fn marked(kind: &InstKind) -> Option<Ustr> {
    match kind {
        InstKind::Assign { value: Rvalue::Op { op, args }, .. } if op == "store" => stored(args.first()?, args.get(1)?),
        InstKind::Assign { place, value } => {
            let name = field_name(place)?;
            let value = match value {
                Rvalue::Use(Operand::Const(text)) => Some(text.as_str()),
                Rvalue::Use(Operand::Absent) => Some("none"),
                _ => None,
            };
            purpose::marks_as_synced(&name, value).then_some(name)
        }
        InstKind::Call(call) if call.name == "store" => stored(&call.args.first()?.value, &call.args.get(1)?.value),
        _ => None,
    }
}

/// The name of the field that `target` is, if `value`, put into it as into an atomic, marks it as synced.
fn stored(target: &Operand, value: &Operand) -> Option<Ustr> {
    let Operand::Place(place) = target else { return None };
    let name = field_name(place)?;
    let value = match value {
        Operand::Const(text) => Some(text.as_str()),
        _ => None,
    };
    purpose::marks_as_synced(&name, value).then_some(name)
}

/// The field that a place ends in.
fn field_name(place: &Place) -> Option<Ustr> {
    match place.steps.last() {
        Some(Step::Field { name, .. }) => Some(*name),
        _ => None,
    }
}
