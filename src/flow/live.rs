//! Which variables are still read after the entry of each block. What is not is forgotten there, so that states that differ only in
//! what nobody asks any more are one.

use crate::ir::{Base, Callee, Cond, Function, InstKind, LocalId, Operand, Place, Rvalue, Terminator};

/// A set of locals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Locals(Vec<u64>);

impl Locals {
    fn new(count: usize) -> Locals {
        Locals(vec![0; count.div_ceil(64)])
    }

    /// Whether `local` is in it.
    pub fn contains(&self, local: usize) -> bool {
        self.0.get(local / 64).is_some_and(|word| word >> (local % 64) & 1 == 1)
    }

    fn insert(&mut self, local: LocalId) {
        self.0[local.index() / 64] |= 1 << (local.index() % 64);
    }

    fn remove(&mut self, local: LocalId) {
        self.0[local.index() / 64] &= !(1 << (local.index() % 64));
    }

    /// Adds all of `other`; whether that was anything new.
    fn join(&mut self, other: &Locals) -> bool {
        let mut new = false;
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            new |= theirs & !*mine != 0;
            *mine |= theirs;
        }
        new
    }
}

/// For each block of `function` what is live at its entry.
pub(super) fn at_entries(function: &Function) -> Vec<Locals> {
    let count = function.locals.len();
    let mut entries = vec![Locals::new(count); function.blocks.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for (at, block) in function.blocks.iter().enumerate().rev() {
            let mut live = Locals::new(count);
            end(&block.end, &mut live, &entries);
            for inst in block.insts.iter().rev() {
                inst_kind(&inst.kind, &mut live);
            }
            changed |= entries[at].join(&live);
        }
    }
    entries
}

fn end(end: &Terminator, live: &mut Locals, entries: &[Locals]) {
    match end {
        Terminator::Goto(target) => {
            live.join(&entries[target.index()]);
        }
        Terminator::Branch { cond, then, otherwise, .. } => {
            live.join(&entries[then.index()]);
            live.join(&entries[otherwise.index()]);
            match cond {
                Cond::Succeeded(value) | Cond::Present(value) | Cond::True(value) | Cond::Variant(value, _) => {
                    operand(value, live)
                }
                Cond::Unknown => {}
            }
        }
        Terminator::Return { value, .. } => operand(value, live),
        Terminator::Abort | Terminator::Unreachable => {}
    }
}

fn inst_kind(kind: &InstKind, live: &mut Locals) {
    match kind {
        InstKind::Assign { place, value } => {
            written(place, live);
            rvalue(value, live);
        }
        InstKind::Call(call) => {
            live.remove(call.result);
            if let Callee::Value(value) = &call.callee {
                operand(value, live);
            }
            call.args.iter().for_each(|arg| operand(&arg.value, live));
        }
        InstKind::Drop(local) => live.insert(*local),
    }
}

fn written(place: &Place, live: &mut Locals) {
    if let Base::Local(local) = place.base {
        if place.steps.is_empty() { live.remove(local) } else { live.insert(local) }
    }
}

fn rvalue(value: &Rvalue, live: &mut Locals) {
    match value {
        Rvalue::Use(value) | Rvalue::Success(value) | Rvalue::Failure(value) => operand(value, live),
        Rvalue::Aggregate { fields, base, .. } => {
            fields.iter().for_each(|(_, value)| operand(value, live));
            base.iter().for_each(|value| operand(value, live));
        }
        Rvalue::Closure { captures, .. } => captures.iter().for_each(|(_, value)| operand(value, live)),
        Rvalue::Op { args, .. } => args.iter().for_each(|value| operand(value, live)),
        Rvalue::FunctionValue(_) | Rvalue::Opaque(_) => {}
    }
}

fn operand(operand: &Operand, live: &mut Locals) {
    if let Operand::Place(Place { base: Base::Local(local), .. }) = operand {
        live.insert(*local);
    }
}
