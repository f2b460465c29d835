//! What code claims of itself: that something is synced now, where nothing was. Told under `flush-is-not-sync`.

use super::flush_is_not_sync::{CRASH, HELP, RULE};
use super::{Context, promises, purpose, story};
use crate::finding::{Confidence, Finding, FindingStep, Level};
use crate::ir::{FuncId, Function, InstKind, Operand, Place, Rvalue, Step};
use crate::source::Span;
use ustr::Ustr;

/// Adds the claims that nothing stands behind.
pub fn run(context: &Context<'_>, out: &mut Vec<Finding>) {
    for (at, function) in context.program.functions.iter().enumerate() {
        let id = FuncId(at as u32);
        let changes_files = || context.flow.summaries.get(&id).is_some_and(|summary| summary.effective);
        // What could not be read may be the sync.
        if !function.unread.is_empty()
            || context.policy(id).is_none() && purpose::is_tool(context, id)
            || !context.flow.intents.syncing_packages.contains_key(&function.package) && !changes_files()
        {
            continue;
        }
        let Some((mark, span)) = unfounded(context, id, function) else { continue };
        let told = out.iter().any(|finding| {
            finding.function == function.name
                && finding.level >= Level::Warning
                && finding.confidence >= Confidence::Medium
                && matches!(finding.rule, "ack-before-sync" | "flush-is-not-sync")
        });
        if !told {
            out.push(finding(function, span, &mark));
        }
    }
}

fn finding(function: &Function, span: Span, mark: &str) -> Finding {
    let message = "from here on others take it that all is on disk".to_string();
    let step = FindingStep { span, function: function.name, message };
    Finding {
        rule: RULE.id,
        level: Level::Warning,
        confidence: Confidence::Medium,
        message: format!("`{mark}` is set as after a sync, and nothing was synced"),
        span,
        function: function.name,
        steps: vec![step],
        crash: CRASH.to_string(),
        help: HELP.to_string(),
        condition: None,
        exposed_on: story::EVERYWHERE.to_vec(),
        masked_on: Vec::new(),
        fix: None,
    }
}

/// A field of the thing itself that is set as after a sync, in a function that syncs nothing and does not only take note of what others did.
fn unfounded(context: &Context<'_>, id: FuncId, function: &Function) -> Option<(Ustr, Span)> {
    let mut insts = function.blocks.iter().flat_map(|block| &block.insts);
    let (mark, span) = insts.find_map(|inst| Some((marked(&inst.kind)?, inst.span)))?;
    let summary = context.flow.summaries.get(&id);
    let named = purpose::is_named_after_sync(&function.short_name) || purpose::has_any(&function.short_name, &["sync"]);
    let handles = || {
        summary.is_some_and(|summary| {
            let mut successes = promises::successes(summary);
            successes.any(|outcome| !outcome.flushed.is_empty() || outcome.pending.iter().any(|one| !one.doubt))
        })
    };
    let syncs = || {
        summary.is_some_and(|summary| {
            summary.bounded
                || summary.acts_lost
                || !summary.calls.is_empty()
                || promises::reaches_sync(summary)
                || promises::successes(summary).any(|outcome| !promises::syncs_nothing(outcome))
        })
    };
    let of_others = purpose::has_any(
        &function.short_name,
        &["mark", "set", "note", "on", "new", "update", "reset", "revert", "truncate", "load", "open"],
    );
    (!of_others && (named || handles()) && !syncs() && !promises::leaves_it_to_others(context, function))
        .then_some((mark, span))
}

/// The name of a field of the thing itself that is set there as it is after a sync.
fn marked(kind: &InstKind) -> Option<Ustr> {
    match kind {
        InstKind::Assign { place, value } => {
            let name = field_name(place)?;
            let value = match value {
                Rvalue::Use(Operand::Const(text)) => Some(text.as_str()),
                Rvalue::Use(Operand::Absent) => Some("none"),
                _ => None,
            };
            purpose::marks_as_synced(&name, value).then_some(name)
        }
        InstKind::Call(call) if call.name == "store" => {
            let Operand::Place(place) = &call.args.first()?.value else { return None };
            let name = field_name(place)?;
            let value = match &call.args.get(1)?.value {
                Operand::Const(text) => Some(text.as_str()),
                _ => None,
            };
            purpose::marks_as_synced(&name, value).then_some(name)
        }
        _ => None,
    }
}

/// The field that a place ends in.
fn field_name(place: &Place) -> Option<Ustr> {
    match place.steps.last() {
        Some(Step::Field { name, .. }) => Some(*name),
        _ => None,
    }
}
