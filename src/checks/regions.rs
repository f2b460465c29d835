//! Parts of a function's graph: what lies behind one answer to a question, and whether a sync may come before or after a place.

use super::{Context, promises, purpose};
use crate::flow::summary::{Act, Summary};
use crate::ir::{BlockId, Callee, FuncId, Function, Inst, InstKind, Operand, Rvalue, Terminator};

/// A set of blocks, by number.
pub(super) type Blocks = Vec<bool>;

/// The blocks that a block can go on to.
pub(super) fn next(function: &Function, block: usize) -> impl Iterator<Item = BlockId> {
    let (one, other) = match &function.blocks[block].end {
        Terminator::Goto(target) => (Some(*target), None),
        Terminator::Branch { then, otherwise, .. } => (Some(*then), Some(*otherwise)),
        Terminator::Return { .. } | Terminator::Abort | Terminator::Unreachable => (None, None),
    };
    one.into_iter().chain(other)
}

/// The blocks that `from` leads to, itself among them, but by the step `without`.
fn reached(function: &Function, from: BlockId, without: Option<(BlockId, BlockId)>) -> Blocks {
    let mut seen = vec![false; function.blocks.len()];
    let mut work = vec![from.index()];
    seen[from.index()] = true;
    while let Some(at) = work.pop() {
        for target in next(function, at) {
            let is_barred = without == Some((BlockId(at as u32), target));
            if !is_barred && !std::mem::replace(&mut seen[target.index()], true) {
                work.push(target.index());
            }
        }
    }
    seen
}

/// The blocks that are run only if `block`, which asks something, goes on to `answer`.
pub(super) fn behind(function: &Function, block: BlockId, answer: BlockId) -> Blocks {
    let otherwise = reached(function, BlockId(0), Some((block, answer)));
    let mut behind = reached(function, answer, None);
    behind.iter_mut().zip(otherwise).for_each(|(behind, otherwise)| *behind &= !otherwise);
    behind
}

/// The blocks that lie on a way through `block`: before it, after it, and itself.
pub(super) fn around(function: &Function, block: BlockId) -> Blocks {
    let mut around = reached(function, block, None);
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); function.blocks.len()];
    for at in 0..function.blocks.len() {
        next(function, at).for_each(|target| before[target.index()].push(at));
    }
    let mut seen = vec![false; function.blocks.len()];
    let mut work = vec![block.index()];
    while let Some(at) = work.pop() {
        if !std::mem::replace(&mut seen[at], true) {
            around[at] = true;
            work.extend(&before[at]);
        }
    }
    around
}

/// Whether what `function` does at `inst` may be a sync, or lead to one.
pub(super) fn may_sync(context: &Context<'_>, id: FuncId, inst: &Inst) -> bool {
    let InstKind::Call(call) = &inst.kind else { return false };
    let named = |name: &str| purpose::is_named_after_sync(name) || name.starts_with("start_sync");
    match &call.callee {
        Callee::Api { .. } => context.flow.summaries.get(&id).is_some_and(|summary| {
            let at_it = summary
                .triggers
                .iter()
                .any(|trigger| matches!(trigger.act, Act::Sync { .. }) && trigger.trace.start().span == inst.focus);
            at_it || summary.outcomes.iter().any(|outcome| outcome.all_killed)
        }),
        Callee::Functions(functions) => functions.iter().any(|callee| {
            named(&context.program.functions[callee.index()].short_name)
                || context.flow.summaries.get(callee).is_some_and(|summary| may_reach_sync(summary))
        }),
        // A queue or a thread of others is given the sync to do.
        Callee::Unknown => named(&call.name) || promises::HANDS_ON.contains(&call.name.as_str()),
        Callee::Value(value) => closure(&context.program.functions[id.index()], value)
            .is_none_or(|body| context.flow.summaries.get(&body).is_some_and(|summary| may_reach_sync(summary))),
    }
}

/// The closure that a function value of `function` is, if it is made there.
fn closure(function: &Function, value: &Operand) -> Option<FuncId> {
    let Operand::Place(place) = value else { return None };
    let mut insts = function.blocks.iter().flat_map(|block| &block.insts);
    insts.find_map(|inst| match &inst.kind {
        InstKind::Assign { place: made, value: Rvalue::Closure { function, .. } } if made == place => Some(*function),
        _ => None,
    })
}

/// Whether some sync is reached in it or below, as far as it was seen.
fn may_reach_sync(summary: &Summary) -> bool {
    summary.bounded
        || summary.acts_lost
        || !summary.calls.is_empty()
        || promises::reaches_sync(summary)
        || summary.outcomes.iter().any(|outcome| outcome.all_killed || outcome.vague_sync)
}
