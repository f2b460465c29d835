//! The function under construction: blocks, variables in scope, what was given away on the way to here.

use super::super::types::{Scope, Ty};
use super::Wrapped;
use crate::ir::*;
use crate::source::Span;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use ustr::Ustr;

/// What a name in the text stands for.
#[derive(Debug, Clone)]
pub struct Var {
    pub place: Place,
    pub ty: Ty,
}

#[derive(Debug, Default)]
pub struct ScopeFrame {
    pub vars: Vec<(Ustr, Var)>,
    /// Variables that may own handles, in the order of their declaration.
    pub drops: Vec<LocalId>,
}

/// Where `return` leads.
#[derive(Debug, Clone)]
pub enum Target {
    Function,
    /// An inlined closure or async block: with the scopes to keep.
    Inline {
        exit: BlockId,
        result: LocalId,
        depth: usize,
    },
}

#[derive(Debug)]
pub struct Frame {
    pub target: Target,
    /// How many loops stand around it: `break` does not lead out.
    pub loops: usize,
}

#[derive(Debug, Clone)]
pub struct LoopFrame {
    pub label: Option<Ustr>,
    pub exit: BlockId,
    /// `None` for labelled blocks.
    pub again: Option<BlockId>,
    pub result: LocalId,
    pub depth: usize,
}

/// Variables that were given away, sorted.
type Given = SmallVec<[LocalId; 8]>;

#[derive(Debug)]
pub struct Draft {
    pub insts: Vec<Inst>,
    end: Option<Terminator>,
    /// What was given away on some way to here; `None`: not reached so far.
    entry: Option<Given>,
}

/// Where a block that is to be awaited ends, if it can fail.
#[derive(Debug, Clone, Copy)]
pub struct FutureEnd {
    /// What it gives.
    pub result: LocalId,
    /// All its ways lead here.
    pub exit: BlockId,
    /// What follows the block in the text.
    pub after: BlockId,
    /// Nothing leads here so far.
    pub failed: BlockId,
    /// The block.
    pub span: Span,
}

#[derive(Debug)]
pub struct FnState {
    pub scope: Scope,
    /// What it returns.
    pub ret: Ty,
    pub locals: Vec<Local>,
    pub tys: Vec<Ty>,
    pub blocks: Vec<Draft>,
    pub cur: BlockId,
    given: Given,
    /// The code here is never reached.
    pub dead: bool,
    pub scopes: Vec<ScopeFrame>,
    pub loops: Vec<LoopFrame>,
    pub targets: Vec<Frame>,
    /// Temporaries that are known to be successes or failures.
    pub wrapped: Wrapped,
    /// For references: the place they lead to.
    pub origins: FxHashMap<LocalId, Place>,
    pub captures: Vec<(Ustr, Operand, Ty)>,
    pub unread: Vec<Span>,
    /// Where it waits for what others answer.
    pub waits: Vec<Span>,
    /// Variables with something that is to be awaited: where it is made.
    pub futures: FxHashMap<LocalId, Span>,
    /// Where those that can fail end.
    pub ends: Vec<FutureEnd>,
    /// Variables with what somebody else is told to run.
    pub started: Vec<LocalId>,
    /// Variables that are awaited.
    pub awaited: FxHashSet<LocalId>,
    /// It has a failing exit.
    pub fails: bool,
}

impl FnState {
    pub fn new(scope: Scope, ret: Ty) -> FnState {
        let mut state = FnState {
            scope,
            ret,
            locals: Vec::new(),
            tys: Vec::new(),
            blocks: Vec::new(),
            cur: BlockId(0),
            given: Given::new(),
            dead: false,
            scopes: vec![ScopeFrame::default()],
            loops: Vec::new(),
            targets: Vec::new(),
            wrapped: Wrapped::default(),
            origins: FxHashMap::default(),
            captures: Vec::new(),
            unread: Vec::new(),
            waits: Vec::new(),
            futures: FxHashMap::default(),
            ends: Vec::new(),
            started: Vec::new(),
            awaited: FxHashSet::default(),
            fails: false,
        };
        let entry = state.new_block();
        state.blocks[entry.index()].entry = Some(Given::new());
        state
    }

    pub fn find(&self, name: Ustr) -> Option<Var> {
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| scope.vars.iter().rev().find(|(known, _)| *known == name))
            .map(|(_, var)| var.clone())
    }

    pub fn new_block(&mut self) -> BlockId {
        self.blocks.push(Draft { insts: Vec::new(), end: None, entry: None });
        BlockId(self.blocks.len() as u32 - 1)
    }

    /// Ends the block, if it has not ended yet.
    pub fn end(&mut self, how: Terminator) {
        let block = &mut self.blocks[self.cur.index()];
        if block.end.is_none() {
            block.end = Some(how);
        }
        self.dead = true;
    }

    /// What follows is never reached.
    pub fn die(&mut self) {
        self.cur = self.new_block();
        self.dead = true;
    }

    fn reach(&mut self, to: BlockId) {
        if self.dead {
            return;
        }
        let given = &self.given;
        match &mut self.blocks[to.index()].entry {
            None => self.blocks[to.index()].entry = Some(given.clone()),
            Some(entry) if entry == given => {}
            Some(entry) => {
                for local in given {
                    if let Err(at) = entry.binary_search(local) {
                        entry.insert(at, *local);
                    }
                }
            }
        }
    }

    pub fn goto(&mut self, to: BlockId) {
        self.reach(to);
        self.end(Terminator::Goto(to));
    }

    pub fn branch(&mut self, cond: Cond, then: BlockId, otherwise: BlockId, span: Span) {
        self.reach(then);
        self.reach(otherwise);
        self.end(Terminator::Branch { cond, then, otherwise, span });
    }

    pub fn start(&mut self, at: BlockId) {
        self.cur = at;
        match &self.blocks[at.index()].entry {
            Some(entry) => {
                self.given = entry.clone();
                self.dead = false;
            }
            None => self.dead = true,
        }
    }

    pub fn is_reached(&self, at: BlockId) -> bool {
        self.blocks[at.index()].entry.is_some()
    }

    pub fn give(&mut self, local: LocalId) {
        if let Err(at) = self.given.binary_search(&local) {
            self.given.insert(at, local);
        }
    }

    pub fn take_back(&mut self, local: LocalId) {
        if let Ok(at) = self.given.binary_search(&local) {
            self.given.remove(at);
        }
    }

    pub fn is_given(&self, local: LocalId) -> bool {
        self.given.binary_search(&local).is_ok()
    }

    /// The failure of what is handed on is told to whoever runs it: what follows here knows nothing of it, and only of its success something
    /// can be said.
    pub fn part_failures(&mut self) {
        let handed_on = super::tasks::handed_on(&self.blocks, self);
        for end in std::mem::take(&mut self.ends) {
            if handed_on.contains(&end.result) {
                let cond = Cond::Succeeded(Operand::local(end.result));
                let branch = Terminator::Branch { cond, then: end.after, otherwise: end.failed, span: end.span };
                self.blocks[end.exit.index()].end = Some(branch);
                self.blocks[end.failed.index()].end = Some(Terminator::Abort);
            }
        }
    }

    /// The blocks that can be reached, numbered anew in their order.
    pub fn take_blocks(&mut self) -> Vec<Block> {
        let drafts = std::mem::take(&mut self.blocks);
        let mut number = vec![u32::MAX; drafts.len()];
        let mut stack = vec![0usize];
        while let Some(at) = stack.pop() {
            if std::mem::replace(&mut number[at], 0) == 0 {
                continue;
            }
            match &drafts[at].end {
                Some(Terminator::Goto(to)) => stack.push(to.index()),
                Some(Terminator::Branch { then, otherwise, .. }) => stack.extend([then.index(), otherwise.index()]),
                _ => {}
            }
        }
        for (next, number) in number.iter_mut().filter(|number| **number == 0).enumerate() {
            *number = next as u32;
        }
        let renumber = |to: BlockId| BlockId(number[to.index()]);
        let kept = drafts.into_iter().enumerate().filter(|(at, _)| number[*at] != u32::MAX);
        kept.map(|(_, draft)| Block {
            insts: draft.insts,
            end: match draft.end.unwrap_or(Terminator::Unreachable) {
                Terminator::Goto(to) => Terminator::Goto(renumber(to)),
                Terminator::Branch { cond, then, otherwise, span } => {
                    Terminator::Branch { cond, then: renumber(then), otherwise: renumber(otherwise), span }
                }
                other => other,
            },
        })
        .collect()
    }
}
