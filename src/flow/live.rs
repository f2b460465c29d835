//! Which variables are still read after the entry of each block. What is not is forgotten there, so that states that differ only in
//! what nobody asks any more are one.

use crate::ir::{Base, Block, BlockId, Callee, Cond, Function, InstKind, LocalId, Operand, Place, Rvalue, Terminator};

/// Of each block, as rows of bits, one bit a variable.
pub(super) struct Live {
    /// So many words are a row.
    width: usize,
    /// What is live at its entry.
    entries: Vec<u64>,
    /// What it assigns.
    sets: Vec<u64>,
}

impl Live {
    /// What is live in `function`.
    pub fn of(function: &Function) -> Live {
        let width = function.locals.len().div_ceil(64);
        let mut live = Live { width, entries: Vec::new(), sets: Vec::new() };
        live.entries = vec![0; width * function.blocks.len()];
        live.sets = live.entries.clone();
        for (at, block) in function.blocks.iter().enumerate() {
            let row = at * width..(at + 1) * width;
            Reads { live: &mut live.entries[row.clone()], sets: &mut live.sets[row] }.block(block);
        }
        let mut changed = width > 0;
        while std::mem::take(&mut changed) {
            for (at, block) in function.blocks.iter().enumerate().rev() {
                for next in block.end.successors() {
                    for word in 0..width {
                        let behind = live.entries[next.index() * width + word];
                        let at = at * width + word;
                        let now = live.entries[at] | behind & !live.sets[at];
                        changed |= now != live.entries[at];
                        live.entries[at] = now;
                    }
                }
            }
        }
        // What it is called with is there from the beginning.
        for param in &function.params {
            live.sets[param.index() / 64] |= 1 << (param.index() % 64);
        }
        live
    }

    /// The variables that may hold something at the end of one block and that nobody asks from another one's entry on.
    pub fn ended(&self, from: BlockId, to: BlockId) -> impl Iterator<Item = usize> + '_ {
        let (from, to) = (from.index() * self.width, to.index() * self.width);
        (0..self.width).flat_map(move |word| {
            let mut ended = (self.entries[from + word] | self.sets[from + word]) & !self.entries[to + word];
            std::iter::from_fn(move || {
                let bit = (ended != 0).then(|| ended.trailing_zeros() as usize)?;
                ended &= ended - 1;
                Some(word * 64 + bit)
            })
        })
    }
}

/// What one block reads before it assigns it, and what it assigns, as far as it was read, backwards.
struct Reads<'r> {
    live: &'r mut [u64],
    sets: &'r mut [u64],
}

impl Reads<'_> {
    fn block(&mut self, block: &Block) {
        match &block.end {
            Terminator::Branch { cond, .. } => match cond {
                Cond::Succeeded(value) | Cond::Present(value) | Cond::True(value) | Cond::Variant(value, _) => {
                    self.operand(value)
                }
                Cond::Unknown => {}
            },
            Terminator::Return { value, .. } => self.operand(value),
            Terminator::Goto(_) | Terminator::Abort | Terminator::Unreachable => {}
        }
        block.insts.iter().rev().for_each(|inst| self.inst(&inst.kind));
    }

    fn inst(&mut self, kind: &InstKind) {
        match kind {
            InstKind::Assign { place, value } => {
                if let Base::Local(local) = place.base {
                    if place.steps.is_empty() { self.set(local) } else { self.read(local) }
                }
                self.rvalue(value);
            }
            InstKind::Call(call) => {
                self.set(call.result);
                if let Callee::Value(value) = &call.callee {
                    self.operand(value);
                }
                call.args.iter().for_each(|arg| self.operand(&arg.value));
            }
            InstKind::Drop(local) => self.read(*local),
        }
    }

    fn rvalue(&mut self, value: &Rvalue) {
        match value {
            Rvalue::Use(value) | Rvalue::Success(value) | Rvalue::Failure(value) => self.operand(value),
            Rvalue::Aggregate { fields, base, .. } => {
                fields.iter().for_each(|(_, value)| self.operand(value));
                base.iter().for_each(|value| self.operand(value));
            }
            Rvalue::Closure { captures, .. } => captures.iter().for_each(|(_, value)| self.operand(value)),
            Rvalue::Op { args, .. } => args.iter().for_each(|value| self.operand(value)),
            Rvalue::FunctionValue(_) | Rvalue::Opaque(_) => {}
        }
    }

    fn operand(&mut self, operand: &Operand) {
        if let Operand::Place(Place { base: Base::Local(local), .. }) = operand {
            self.read(*local);
        }
    }

    fn read(&mut self, local: LocalId) {
        self.live[local.index() / 64] |= 1 << (local.index() % 64);
    }

    fn set(&mut self, local: LocalId) {
        let (word, bit) = (local.index() / 64, 1 << (local.index() % 64));
        self.live[word] &= !bit;
        self.sets[word] |= bit;
    }
}
