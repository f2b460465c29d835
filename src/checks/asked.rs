//! What is asked for and not done: an option or a mode that asks for a sync, and nothing in the branch that is for it. Told under
//! `flush-is-not-sync`.

use super::regions::{self, Blocks};
use super::{Context, promises, purpose};
use crate::flow::state::Kind;
use crate::flow::summary::Outcome;
use crate::ir::{
    Base, Block, BlockId, Cond, Exit, FuncId, Function, Inst, InstKind, LocalId, Operand, Place, Rvalue, Step,
    Terminator,
};
use crate::source::Span;
use rustc_hash::FxHashSet;
use ustr::Ustr;

/// Adds the branches that are for a sync and hold nothing.
pub fn run(context: &Context<'_>, out: &mut Vec<promises::Promised>) {
    for (at, function) in context.program.functions.iter().enumerate() {
        let id = FuncId(at as u32);
        // Others speak of a sync of something else.
        let handles_content = context.flow.summaries.get(&id).is_some_and(|summary| {
            let content = |outcome: &Outcome| {
                !outcome.flushed.is_empty() || outcome.pending.iter().any(|pending| pending.kind != Kind::Name)
            };
            summary.touches || promises::successes(summary).any(content)
        });
        // What could not be read may be the sync.
        if !function.unread.is_empty()
            || context.policy(id).is_none() && purpose::is_tool(context, id)
            || !handles_content
        {
            continue;
        }
        let empty = (0..function.blocks.len()).find_map(|at| {
            let block = BlockId(at as u32);
            let asked = asked(function, block).filter(|asked| asked.direct)?;
            is_nothing(function, &regions::behind(function, block, asked.for_it)).then_some((asked.name, asked.span))
        });
        let Some((name, span)) = empty else { continue };
        let message = format!("`{name}` asks for a sync, and nothing is done for it");
        let told = format!("with `{name}` success is reported as without it");
        out.push((promises::UNSYNCED, promises::finding_at(function, span, message, told)));
    }
}

/// A question if a sync is wanted.
pub(super) struct Asked {
    /// The option or mode, by its own name.
    name: Ustr,
    /// The way that is for the sync.
    pub for_it: BlockId,
    /// The text of the question.
    span: Span,
    /// It is written down what is done for it: one mode in a list of them, or the way whose text comes first. Who asks if there is no wish need
    /// not write down what else is done.
    direct: bool,
}

/// The question if a sync is wanted that a block ends with.
pub(super) fn asked(function: &Function, block: BlockId) -> Option<Asked> {
    let body = &function.blocks[block.index()];
    let Terminator::Branch { cond, then, otherwise, span } = &body.end else { return None };
    let (name, wanted) = match cond {
        Cond::Variant(_, variant) => named_mode(*variant)?,
        Cond::True(operand) => wish(function, operand, &body.insts, 0)?,
        _ => return None,
    };
    let (for_it, other) = if wanted { (*then, *otherwise) } else { (*otherwise, *then) };
    let direct = match cond {
        Cond::Variant(..) => wanted && span.start != span.end,
        // What is written first has the smaller number.
        _ => for_it < other,
    };
    let span = if span.start == span.end { function.name_span } else { *span };
    Some(Asked { name, for_it, span, direct })
}

/// The name of the option or mode behind a truth that is asked after `before`, and whether its being so asks for a sync.
fn wish(function: &Function, operand: &Operand, before: &[Inst], depth: usize) -> Option<(Ustr, bool)> {
    let Operand::Place(place) = operand else { return None };
    let name = match (place.steps.last(), place.base) {
        (Some(Step::Field { name, .. }), _) => Some(*name),
        (None, Base::Global(name)) => Some(name),
        (None, Base::Local(local)) => function.locals[local.index()].name,
        (Some(Step::Element), _) => return None,
    };
    if let Some(found) = name.and_then(|name| Some((name, wanted_by(&name)?))) {
        return Some(found);
    }
    let Base::Local(local) = place.base else { return None };
    if !place.steps.is_empty() || depth > 3 {
        return None;
    }
    let (at, inst) = before.iter().enumerate().rev().find(|(_, inst)| sets(inst, local))?;
    match &inst.kind {
        InstKind::Assign { value: Rvalue::Use(operand), .. } => wish(function, operand, &before[..at], depth + 1),
        InstKind::Assign { value: Rvalue::Op { op, args }, .. } => match (op.as_str(), &args[..]) {
            ("!", [one]) => wish(function, one, &before[..at], depth + 1).map(|(name, wanted)| (name, !wanted)),
            ("==" | "!=", [one, other]) => {
                let mode = |operand: &Operand| match operand {
                    Operand::Const(text) => named_mode(*text),
                    _ => None,
                };
                let (name, wanted) = mode(one).or_else(|| mode(other))?;
                Some((name, wanted == (op == "==")))
            }
            _ => None,
        },
        InstKind::Call(call) if call.args.len() <= 1 => Some((call.name, wanted_by(&call.name)?)),
        _ => None,
    }
}

fn sets(inst: &Inst, local: LocalId) -> bool {
    match &inst.kind {
        InstKind::Assign { place, .. } => *place == Place::local(local),
        InstKind::Call(call) => call.result == local,
        InstKind::Drop(_) => false,
    }
}

/// Whether a flag of that name being set asks for a sync; `None`: it is about something else.
fn wanted_by(name: &str) -> Option<bool> {
    purpose::is_sync_option(name).then(|| !purpose::is_opt_out(name))
}

/// The short name of a variant that asks for a sync, or (`false`) for none.
fn named_mode(variant: Ustr) -> Option<(Ustr, bool)> {
    let (enumeration, short) = variant.rsplit_once("::").unwrap_or(("", &variant));
    let enumeration = purpose::type_of(enumeration);
    let name = Ustr::from(short);
    if purpose::is_sync_mode(short) && purpose::names_a_mode(enumeration)
        || purpose::is_always(short) && purpose::is_sync_policy(enumeration)
    {
        return Some((name, true));
    }
    (purpose::is_never(short) && purpose::is_sync_policy(enumeration)).then_some((name, false))
}

/// Whether nothing is done in `blocks`, and the function goes on after them: no call, nothing that is remembered or given back.
fn is_nothing(function: &Function, blocks: &Blocks) -> bool {
    let inside = || blocks.iter().enumerate().filter(|(_, is_inside)| **is_inside).map(|(at, _)| at);
    let goes_on = inside().any(|at| regions::next(function, at).any(|target| !blocks[target.index()]));
    let mut made: FxHashSet<LocalId> = FxHashSet::default();
    let fails = |at: &usize| matches!(&function.blocks[*at].end, Terminator::Return { exit: Exit::Failure, .. });
    // What is given back if nothing goes wrong, and is more than that, is an answer.
    let answers = |inst: &Inst| match &inst.kind {
        InstKind::Assign { value, .. } => {
            matches!(value, Rvalue::Use(Operand::Const(_)) | Rvalue::Op { .. } | Rvalue::Opaque(_))
        }
        _ => false,
    };
    for inst in inside().filter(|at| !fails(at)).flat_map(|at| &function.blocks[at].insts) {
        let is_field = matches!(&inst.kind, InstKind::Assign { place, .. } if !place.steps.is_empty());
        if answers(inst) && !is_field {
            return false;
        }
    }
    for inst in inside().flat_map(|at| &function.blocks[at].insts) {
        match &inst.kind {
            InstKind::Assign { place, value } => match (place.base, is_unit(value)) {
                (Base::Local(_), true) if place.steps.is_empty() => {}
                (Base::Local(local), false) if place.steps.is_empty() => {
                    made.insert(local);
                }
                _ if is_reset(value) => {}
                _ => return false,
            },
            InstKind::Call(_) => return false,
            InstKind::Drop(_) => {}
        }
    }
    let returns = inside()
        .any(|at| matches!(&function.blocks[at].end, Terminator::Return { exit, .. } if *exit != Exit::Failure));
    goes_on && !returns && !(0..blocks.len()).any(|at| !blocks[at] && uses_one(&function.blocks[at], &made))
}

/// Whether a value says that there is nothing, or nothing left.
fn is_reset(value: &Rvalue) -> bool {
    match value {
        Rvalue::Use(Operand::Const(text)) => matches!(text.as_str(), "0" | "false"),
        Rvalue::Use(Operand::Absent) => true,
        _ => false,
    }
}

/// Whether a value says no more than that it went well.
fn is_unit(value: &Rvalue) -> bool {
    matches!(value, Rvalue::Use(Operand::Unit) | Rvalue::Success(Operand::Unit))
}

/// Whether a block reads one of `locals`.
fn uses_one(block: &Block, locals: &FxHashSet<LocalId>) -> bool {
    let is_one = |operand: &Operand| match operand {
        Operand::Place(Place { base: Base::Local(local), .. }) => locals.contains(local),
        _ => false,
    };
    let in_value = |value: &Rvalue| match value {
        Rvalue::Use(operand) | Rvalue::Success(operand) | Rvalue::Failure(operand) => is_one(operand),
        Rvalue::Aggregate { fields, base, .. } => {
            fields.iter().any(|(_, operand)| is_one(operand)) || base.as_ref().is_some_and(is_one)
        }
        Rvalue::Closure { captures, .. } => captures.iter().any(|(_, operand)| is_one(operand)),
        Rvalue::Op { args, .. } | Rvalue::Opaque(args) => args.iter().any(is_one),
        Rvalue::FunctionValue(_) => false,
    };
    let in_inst = |inst: &Inst| match &inst.kind {
        InstKind::Assign { value, .. } => in_value(value),
        InstKind::Call(call) => call.args.iter().any(|arg| is_one(&arg.value)),
        InstKind::Drop(_) => false,
    };
    block.insts.iter().any(in_inst)
        || match &block.end {
            Terminator::Branch { cond, .. } => match cond {
                Cond::Succeeded(operand) | Cond::Present(operand) | Cond::True(operand) | Cond::Variant(operand, _) => {
                    is_one(operand)
                }
                Cond::Unknown => false,
            },
            Terminator::Return { value, .. } => is_one(value),
            _ => false,
        }
}
