//! What was seen of a program, arranged for the questions that the cells ask: who does what, what is left when success is reported, and
//! how sure that is.

use super::builders::Builders;
use super::certainty::{Declared, TEMPORARY};
use super::content::Contents;
use super::made::Made;
use super::reach::Reach;
use super::table::{Cell, Verdict};
use crate::apis::Apis;
use crate::flow::intent::FieldKey;
use crate::flow::state::{How, Kind, Trace};
use crate::flow::summary::{Act, Deed, Did};
use crate::flow::terms::{Term, Value};
use crate::flow::{Flow, Moment};
use crate::ir::{Exit, FuncId, FunctionKind, Inst, Program, Terminator, ValueKind};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;
use std::rc::Rc;
use ustr::Ustr;

/// Tasks, each after the function that starts it.
pub(super) type Tasks = Rc<[(FuncId, FuncId)]>;

/// A program and what flow found in it.
pub(super) struct Evidence<'a> {
    /// The program.
    pub program: &'a Program,
    /// What was found.
    pub flow: &'a Flow,
    /// What calls do.
    pub apis: &'a Apis,
    successes: FxHashMap<FuncId, Vec<&'a Moment>>,
    acts: FxHashMap<FuncId, Vec<&'a Moment>>,
    /// Fields with the name of a file that some method of the type renames.
    built: FxHashSet<FieldKey>,
    /// Fields that files without a name are kept in.
    nameless: FxHashSet<FieldKey>,
    /// What fields are.
    pub declared: Declared,
    /// What functions could make durable.
    pub reach: Reach,
    /// Files that the program fills itself.
    pub made: Made,
    /// Types that make files step by step.
    pub builders: Builders,
    /// Where content goes.
    pub contents: Contents,
    /// Of a store, told by its first operation: the tasks that sync something, each with the function that starts it.
    pub syncing_tasks: RefCell<FxHashMap<FuncId, Tasks>>,
}

impl<'a> Evidence<'a> {
    /// Arranges what `flow`, which was told to keep deeds, found in `program`, whose calls `apis` explain.
    pub(super) fn new(program: &'a Program, flow: &'a Flow, apis: &'a Apis) -> Evidence<'a> {
        let (mut successes, mut acts): (FxHashMap<_, Vec<_>>, FxHashMap<_, Vec<_>>) = Default::default();
        for moment in flow.moments.iter().filter(|moment| !moment.failing) {
            let of = if moment.act == Act::Succeed { &mut successes } else { &mut acts };
            of.entry(moment.function).or_default().push(moment);
        }
        let mut built = FxHashSet::default();
        for (function, summary) in &flow.summaries {
            let Some(owner) = program.functions[function.index()].owner else { continue };
            for trigger in &summary.triggers {
                if let Act::Rename { from, .. } = trigger.act
                    && let Term::Field(base, name) = flow.terms.get(from)
                    && matches!(flow.terms.get(*base), Term::Param(0))
                {
                    built.insert((owner, *name));
                }
            }
        }
        let mut nameless = FxHashSet::default();
        for moment in &flow.moments {
            for (file, facts) in moment.facts.iter() {
                if facts.temporary && !facts.renamed && matches!(flow.terms.get(*file), Term::Fresh(..)) {
                    nameless.extend(flow.intents.fields_of(moment.function, *file));
                }
            }
        }
        let (declared, reach) = (Declared::new(program, apis), Reach::new(program, flow, apis));
        let made = Made::new(program, flow);
        let (builders, contents, syncing_tasks) = (Builders::default(), Contents::default(), RefCell::default());
        let mut evidence = Evidence {
            program,
            flow,
            apis,
            successes,
            acts,
            built,
            nameless,
            declared,
            reach,
            made,
            builders,
            contents,
            syncing_tasks,
        };
        evidence.builders = evidence.find_builders();
        evidence
    }

    /// The type a function belongs to; a closure to its parent's.
    pub(super) fn owner(&self, function: FuncId) -> Option<Ustr> {
        self.program.functions[self.named(function).index()].owner
    }

    /// The named function that holds a closure.
    pub(super) fn named(&self, function: FuncId) -> FuncId {
        let mut at = function;
        for _ in 0..8 {
            match self.program.functions[at.index()].kind {
                FunctionKind::Closure { parent } => at = parent,
                _ => break,
            }
        }
        at
    }

    /// What a function does to files, in order.
    pub(super) fn deeds(&self, function: FuncId) -> &'a [Deed] {
        self.flow.summaries.get(&function).map_or(&[], |summary| summary.deeds.as_slice())
    }

    /// What is pending, and known, where a function reports success.
    pub(super) fn successes(&self, function: FuncId) -> &[&'a Moment] {
        self.successes.get(&function).map_or(&[], |list| list.as_slice())
    }

    /// What is pending, and known, at each act of a function.
    pub(super) fn acts(&self, function: FuncId) -> &[&'a Moment] {
        self.acts.get(&function).map_or(&[], |list| list.as_slice())
    }

    /// Whether the file is behind a handle that the function was lent.
    pub(super) fn is_lent(&self, function: FuncId, file: Value) -> bool {
        let body = &self.program.functions[function.index()];
        match self.flow.terms.get(file) {
            Term::Param(number) => {
                let local = body.params.get(*number as usize).map(|local| &body.locals[local.index()]);
                // A string is none: the file behind it was opened by it.
                local.is_some_and(|local| !matches!(local.kind, ValueKind::Path | ValueKind::Other))
            }
            _ => false,
        }
    }

    /// Whether what goes by this name is gone soon, and owed to nobody: it lies in a directory for temporary files, and `function` moves nothing
    /// out of one, or in a directory that `function` removes in the end, or `function` makes it and removes it, or it is the name of a socket then,
    /// or it never has a name.
    pub(super) fn is_passing(&self, function: FuncId, file: Value) -> bool {
        let is_socket = || self.successes(function).iter().any(|moment| moment.fact(file).socket);
        let is_nameless = || self.successes(function).iter().any(|moment| self.is_nameless(moment, file));
        self.is_temporary(function, file) && !self.moves_out(function)
            || self.goes_with_its_tree(function, file)
            || self.is_made_and_removed(function, file)
            || is_socket()
            || is_nameless()
    }

    /// Whether a file has no name at a `moment`, and never gets one as far as that is told: it is made without, or kept where such files are.
    pub(super) fn is_nameless(&self, moment: &Moment, file: Value) -> bool {
        let facts = moment.fact(file);
        let kept = || self.flow.intents.fields_of(moment.function, file);
        match self.flow.terms.get(file) {
            Term::Fresh(..) => facts.temporary && !facts.renamed,
            Term::Field(..) => !facts.renamed && kept().iter().any(|field| self.nameless.contains(field)),
            _ => false,
        }
    }

    /// Whether `function` removes a directory that the file lies in after all that it does to it.
    pub(super) fn goes_with_its_tree(&self, function: FuncId, file: Value) -> bool {
        let directories = self.directories(file);
        let deeds = self.deeds(function);
        let Some(last) = deeds.iter().rposition(|deed| deed.file == file) else { return false };
        // On every way to the last deed it goes.
        let goes = |deed: &Deed| {
            let always = deed.guards.iter().all(|guard| deeds[last].guards.contains(guard));
            deed.did == Did::Remove && !deed.failing && always && directories.contains(&deed.file)
        };
        !directories.is_empty() && deeds[last..].iter().any(goes)
    }

    /// Whether `function` makes a file, reads nothing of it, and removes it in the end, whenever it makes it and all goes well: it tries something
    /// out.
    fn is_made_and_removed(&self, function: FuncId, file: Value) -> bool {
        let mut done = self.deeds(function).iter().filter(|deed| !deed.failing && deed.file == file).peekable();
        let is_made = |deed: &&&Deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Created, Kind::Name));
        let is_kept = |deed: &Deed| matches!(deed.did, Did::Read | Did::Pend(How::Renamed | How::Linked, _));
        let Some(&first) = done.peek() else { return false };
        let all: Vec<&Deed> = done.collect();
        let last = all[all.len() - 1];
        let always = last.guards.iter().all(|guard| first.guards.contains(guard));
        all.iter().take(2).any(|deed| is_made(&deed))
            && last.did == Did::Remove
            && always
            && !all.iter().any(|deed| is_kept(deed))
    }

    /// The directories that a path lies in, as far as it tells them.
    fn directories(&self, path: Value) -> Vec<Value> {
        let terms = &self.flow.terms;
        let (mut directories, mut at) = (Vec::new(), path);
        for _ in 0..16 {
            at = match terms.get(at) {
                Term::Op(name, args) if args.len() == 2 && *name == terms.ops.join => args[0],
                Term::Element(list) => match terms.get(*list) {
                    Term::Op(name, args) if args.len() == 1 && *name == terms.ops.entries => args[0],
                    _ => break,
                },
                Term::Success(inner) | Term::Buffered(inner) | Term::Handle { file: inner, .. } => {
                    at = *inner;
                    continue;
                }
                _ => break,
            };
            directories.push(at);
        }
        directories
    }

    /// Whether a path of `function` lies in a directory for temporary files.
    pub(super) fn is_temporary(&self, function: FuncId, path: Value) -> bool {
        let fields = |value| self.flow.intents.fields_of(function, value).iter();
        let mut at = path;
        for _ in 0..16 {
            at = match self.flow.terms.get(at) {
                Term::Op(name, _) if name == TEMPORARY => return true,
                Term::Field(..) => return fields(at).any(|field| self.declared.is_temporary(field)),
                Term::Op(_, args) if !args.is_empty() => args[0],
                Term::Success(inner) | Term::Buffered(inner) | Term::Handle { file: inner, .. } => *inner,
                _ => return false,
            };
        }
        false
    }

    /// Whether `function` gives something in a directory for temporary files, or such a directory itself, a name elsewhere.
    fn moves_out(&self, function: FuncId) -> bool {
        let triggers = self.flow.summaries.get(&function).map_or(&[] as &[_], |summary| summary.triggers.as_slice());
        let acts =
            triggers.iter().map(|trigger| trigger.act).chain(self.acts(function).iter().map(|moment| moment.act));
        acts.into_iter().any(|act| match act {
            Act::Rename { from, to, .. } => self.is_temporary(function, from) && !self.is_temporary(function, to),
            _ => false,
        })
    }

    /// Whether others can call it by name.
    pub(super) fn is_public(&self, function: FuncId) -> bool {
        let function = &self.program.functions[function.index()];
        function.public && function.kind == FunctionKind::Named
    }

    /// Whether the file gets its name later, by another operation of its type: nothing in it counts before.
    pub(super) fn is_being_built(&self, function: FuncId, file: Value) -> bool {
        let Some(owner) = self.owner(function) else { return false };
        let in_field = |field: &FieldKey| self.built.contains(field);
        match *self.flow.terms.get(file) {
            Term::Field(base, name) if matches!(self.flow.terms.get(base), Term::Param(0)) => in_field(&(owner, name)),
            // Not in a field yet.
            _ => self.flow.intents.fields_of(function, file).iter().any(|field| field.0 == owner && in_field(field)),
        }
    }

    /// Why not all of a function was seen.
    pub(super) fn unseen(&self, function: FuncId) -> Option<&'static str> {
        let summary = self.flow.summaries.get(&function)?;
        if self.flow.broken.contains(&function) {
            return Some("it could not be analysed");
        }
        let is_unseen = summary.bounded && self.reach.could_change(function);
        is_unseen.then_some("it is too large or too deep to be followed to its end")
    }

    /// The cell that follows from a function that was not seen to its end.
    pub(super) fn unseen_cell(&self, function: FuncId) -> Option<Cell> {
        let why = self.unseen(function)?;
        Some(Cell::detailed(Verdict::Unknown, format!("`{}`: {why}", self.short(function))))
    }

    /// The cell that follows from writes, those `written`, that an operation does not get back from: they are on no way to its success,
    /// which proves nothing then.
    pub(super) fn endless_cell<'d>(&self, written: impl Iterator<Item = &'d Deed>) -> Option<Cell> {
        let never_returns = |function: &FuncId| {
            let summary = self.flow.summaries.get(function);
            summary.is_some_and(|summary| !summary.bounded && summary.outcomes.iter().all(|outcome| !outcome.success))
        };
        let mut on_the_way = written.flat_map(|deed| deed.trace.functions());
        let endless = on_the_way.find(never_returns)?;
        let name = self.short(self.named(endless));
        let how = if self.named(endless) == endless { "" } else { "a part of " };
        let why = format!("{how}`{name}` was not seen to come back from what it writes, which a thread may do");
        Some(Cell::detailed(Verdict::Unknown, why))
    }

    /// Whether the text has a way from the place that `trace` leads to on to a success, in each function on the way: not only to a panic.
    pub(super) fn leads_to_success(&self, trace: &Trace) -> bool {
        trace.origins().into_iter().all(|origin| {
            let blocks = &self.program.functions[origin.function.index()].blocks;
            let is_it = |inst: &Inst| inst.focus == origin.span;
            let starts = (0..blocks.len()).filter(|&at| blocks[at].insts.iter().any(is_it));
            let mut work: Vec<usize> = starts.collect();
            // What goes away is no instruction of the text.
            if work.is_empty() {
                return true;
            }
            let mut seen: FxHashSet<usize> = work.iter().copied().collect();
            while let Some(at) = work.pop() {
                let end = &blocks[at].end;
                if matches!(end, Terminator::Return { exit, .. } if *exit != Exit::Failure) {
                    return true;
                }
                let next = end.successors().into_iter().map(|block| block.index());
                work.extend(next.filter(|&block| seen.insert(block)));
            }
            false
        })
    }

    /// What a person calls a function.
    pub(super) fn short(&self, function: FuncId) -> Ustr {
        self.program.functions[function.index()].short_name
    }
}
