//! `flush-is-not-sync`: a flush is taken for a sync, or a function that promises a sync does none.

use super::success::SuccessRule;
use super::{Context, ack_before_sync, purpose, residue, story, success::Left};
use crate::finding::{Confidence, Finding, FindingStep, Level};
use crate::flow::state::Kind;
use crate::flow::state::Question;
use crate::flow::summary::{Act, Outcome, Summary};
use crate::flow::terms::Term;
use crate::ir::{
    Base, Callee, Exit, FuncId, Function, FunctionKind, InstKind, Operand, Place, Rvalue, Terminator, ValueKind,
};

/// What the disk can hold.
const CRASH: &str = "what was flushed sits in the page cache: after the crash it is missing, empty or partial";
/// What to do.
const HELP: &str = "a flush only hands bytes to the kernel: sync the file as well";

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
    if let Some(sure) = ack_before_sync::judge(context, left) {
        return Some(sure);
    }
    let fact = left.moment.fact(left.pending.file);
    let temporary = fact.temporary || purpose::is_in_temporary(context, left.pending.file);
    if left.pending.kind != Kind::Data || left.is_disposable(context) || temporary && !fact.renamed {
        return None;
    }
    // A log that is flushed after each record and synced by nobody.
    let in_field = left
        .left_by
        .iter()
        .any(|(function, pending)| !context.flow.intents.fields_of(*function, pending.file).is_empty());
    let synced = left.lives_in(context, &context.flow.intents.synced_fields);
    (in_field
        && !left.is_far_fetched()
        && !synced
        && purpose::is_precious(context, left.origin.function, left.pending.file))
    .then_some(Confidence::Medium)
}

/// Functions whose name promises a sync and that reach none on some path to success that no option chose.
pub fn promises(context: &Context<'_>, out: &mut Vec<Finding>) {
    let dirty = residue::dirty_types(context);
    for (at, function) in context.program.functions.iter().enumerate() {
        if matches!(function.kind, FunctionKind::Closure { .. })
            || !purpose::is_named_after_sync(&function.short_name)
            || context.policy(FuncId(at as u32)).is_none() && purpose::is_tool(context, FuncId(at as u32))
            || gives_something_back(function)
            || leaves_it_to_others(context, function)
        {
            continue;
        }
        let told = out.iter().any(|finding| {
            finding.function == function.name
                && matches!(finding.rule, "ack-before-sync" | "flush-is-not-sync" | "sync-before-flush")
        });
        let holds = function.owner.is_some_and(|owner| dirty.contains(&owner));
        let broken = match context.flow.summaries.get(&FuncId(at as u32)) {
            Some(summary) => breaks_promise(context, function, summary) || holds && does_nothing(function, summary),
            None => holds && is_empty(function),
        };
        if told || !broken {
            continue;
        }
        out.push(Finding {
            rule: "flush-is-not-sync",
            level: Level::Warning,
            confidence: Confidence::Medium,
            message: format!("`{}` promises a sync and reaches none", function.short_name),
            span: function.name_span,
            function: function.name,
            steps: vec![step(function)],
            crash: CRASH.to_string(),
            help: HELP.to_string(),
            condition: None,
            exposed_on: story::EVERYWHERE.to_vec(),
            masked_on: Vec::new(),
            fix: None,
        });
    }
}

/// It is asked for something else than to do it: who only syncs has nothing to tell but whether it went well.
fn gives_something_back(function: &Function) -> bool {
    let is_nothing = |operand: &Operand| match operand {
        Operand::Unit => true,
        Operand::Place(place) => {
            let local = match place.base {
                Base::Local(local) if place.steps.is_empty() => local,
                _ => return false,
            };
            function.blocks.iter().flat_map(|block| &block.insts).all(|inst| match &inst.kind {
                InstKind::Assign { place, value } if *place == Place::local(local) => {
                    matches!(value, Rvalue::Success(Operand::Unit) | Rvalue::Failure(_))
                        || matches!(value, Rvalue::Use(Operand::Unit | Operand::Place(_)))
                }
                _ => true,
            })
        }
        _ => false,
    };
    let mut returned = function.blocks.iter().filter_map(|block| match &block.end {
        Terminator::Return { value, exit, .. } if *exit != Exit::Failure => Some(value),
        _ => None,
    });
    // What never returns promises nothing.
    let first = returned.next();
    first.is_none_or(|first| !is_nothing(first)) || returned.any(|value| !is_nothing(value))
}

/// Names of calls by which work is given to somebody else.
const HANDS_ON: &[&str] = &[
    "send",
    "try_send",
    "submit",
    "push",
    "push_back",
    "enqueue",
    "dispatch",
    "execute",
    "spawn",
    "notify",
    "request",
];

/// It calls something that is named after a sync in its turn: that one is to blame, if anyone.
fn leaves_it_to_others(context: &Context<'_>, function: &Function) -> bool {
    function.blocks.iter().flat_map(|block| &block.insts).any(|inst| match &inst.kind {
        InstKind::Call(call) => {
            let named = |name: &str| purpose::is_named_after_sync(name) || name.starts_with("start_sync");
            match &call.callee {
                Callee::Functions(functions) => {
                    functions.iter().any(|callee| named(&context.program.functions[callee.index()].short_name))
                }
                // A queue or a thread of others is given the sync to do.
                Callee::Unknown => named(&call.name) || HANDS_ON.contains(&call.name.as_str()),
                Callee::Value(_) => true,
                Callee::Api { .. } => false,
            }
        }
        _ => false,
    })
}

/// It has a body and calls nobody: no other thread, no function that cannot be seen into.
fn is_empty(function: &Function) -> bool {
    !function.blocks.is_empty()
        && function.blocks.iter().flat_map(|block| &block.insts).all(|inst| match &inst.kind {
            InstKind::Call(call) => matches!(call.callee, Callee::Api { .. } | Callee::Functions(_)),
            _ => true,
        })
}

/// As [`is_empty`], and nothing below it syncs.
fn does_nothing(function: &Function, summary: &Summary) -> bool {
    is_empty(function)
        && !(summary.bounded || summary.acts_lost)
        && summary.calls.is_empty()
        && !summary.triggers.iter().any(|trigger| matches!(trigger.act, Act::Sync { .. }))
        && summary.outcomes.iter().any(|outcome| outcome.success)
        && summary.outcomes.iter().all(|outcome| !outcome.all_killed && outcome.killed.is_empty())
}

fn step(function: &Function) -> FindingStep {
    FindingStep {
        span: function.name_span,
        function: function.name,
        message: "reports success after a flush, or after nothing at all".to_string(),
    }
}

/// It handles a file, comes back with success by some way that no option chose, and asks for no sync on it.
fn breaks_promise(context: &Context<'_>, function: &Function, summary: &Summary) -> bool {
    if summary.bounded || summary.acts_lost || !summary.calls.is_empty() {
        return false;
    }
    let terms = context.terms.borrow();
    let holds_file = function.params.iter().any(|param| {
        let kind = function.locals[param.index()].kind;
        matches!(
            kind,
            ValueKind::File | ValueKind::BufferedFile | ValueKind::AsyncFile | ValueKind::TempFile | ValueKind::Mapping
        )
    });
    let reaches = summary.triggers.iter().any(|trigger| matches!(trigger.act, Act::Sync { .. }));
    // The variant of the thing itself is what it is; a mode or flag is what somebody chose.
    let chosen = |outcome: &Outcome| {
        outcome.guards.iter().any(|&(value, question, _)| {
            matches!(question, Question::True | Question::Variant(_) | Question::Present)
                && !matches!(terms.get(value), Term::Param(0))
        })
    };
    summary.outcomes.iter().filter(|outcome| outcome.success && !outcome.failing).any(|outcome| {
        let syncs =
            outcome.all_killed || !outcome.unopened.is_empty() || outcome.vague_sync || !outcome.killed.is_empty();
        !syncs && !chosen(outcome) && (!outcome.flushed.is_empty() || !reaches && (summary.touches || holds_file))
    })
}
