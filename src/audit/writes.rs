//! The cell of normal writes: whether what operations write is durable when they report success.

use super::certainty::Doubt;
use super::deeds::writes;
use super::evidence::Evidence;
use super::roles::{Roles, in_role};
use super::stores::Store;
use super::table::{Cell, Verdict, in_words, weakest};
use crate::flow::Moment;
use crate::flow::state::{Guard, How, Kind, Origin, Pending, holds};
use crate::flow::summary::{Deed, Did};
use crate::flow::terms::{Term, Value};
use crate::ir::FuncId;
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;
use ustr::Ustr;

impl<'a> Evidence<'a> {
    /// Whether what operations write themselves is durable when they report success.
    pub(super) fn normal_writes(&self, store: &Store, roles: &Roles) -> Cell {
        let takes_data = |operation: FuncId| {
            self.program.functions[operation.index()].params.len() > usize::from(store.top.is_some())
        };
        let cell = self.weakest_write(store, roles, &takes_data);
        // Where every write is a rewrite that is what a normal write is.
        let cell = match cell.verdict {
            Verdict::NotApplicable => self.weakest_write(store, &Roles::new(), &takes_data),
            _ => cell,
        };
        match cell.verdict {
            Verdict::NotApplicable => {}
            Verdict::Yes => return self.opening_that_leaves_content(store).unwrap_or(cell),
            _ => return cell,
        }
        // What is given stays in memory until some operation writes it out.
        let cell = self.weakest_write(store, roles, &|_| true);
        match cell.verdict {
            Verdict::Yes if self.keeps_what_it_is_given(store) => {
                let writing = |&operation: &FuncId| self.operation_writes(store, operation, roles).is_some();
                let mut operations = store.operations.iter().copied();
                let by = operations.find(|operation| !store.openings.contains(operation) && writing(operation));
                let detail = by.map(|by| format!("only when `{}` is called", self.short(by)));
                Cell { detail, ..Cell::new(Verdict::Conditional) }
            }
            // Nobody was seen to write to an open store. What was not followed, such as an opening that goes on with it, may.
            Verdict::NotApplicable => store.operations.iter().find_map(|&id| self.unseen_cell(id)).unwrap_or(cell),
            _ => cell,
        }
    }

    /// The cell of a store that some opening is given content for, and surely leaves it unsynced.
    fn opening_that_leaves_content(&self, store: &Store) -> Option<Cell> {
        store.openings.iter().copied().find_map(|opening| {
            let left =
                self.successes(opening).iter().flat_map(|moment| moment.pending.iter().map(|left| (*moment, left)));
            let is_content = |left: &Pending| left.kind != Kind::Name && !self.is_passing(opening, left.file);
            let mut left = left.filter(|(_, left)| is_content(left) && self.is_given(opening, left.origin));
            let (_, pending) = left.find(|(moment, left)| self.doubt(store, moment, left).is_none())?;
            let short = self.short(opening);
            let why = format!("`{short}`, an opening, is given content, and does not sync what it writes");
            let text = format!("`{short}` reports success while what it wrote is not synced");
            Some(Cell::detailed(Verdict::Unknown, why).because(text, pending.trace.origin().span))
        })
    }

    /// Whether others can give an open store something by a method that does nothing to files.
    fn keeps_what_it_is_given(&self, store: &Store) -> bool {
        let mut functions = (0..self.program.functions.len()).map(|at| FuncId(at as u32));
        functions.any(|id| {
            let function = &self.program.functions[id.index()];
            let first = function.params.first().and_then(|local| function.locals[local.index()].type_name);
            let is_open = first.is_some() && first == function.owner && function.params.len() > 1;
            is_open && self.is_public(id) && store.owns(self, id) && !store.operations.contains(&id)
        })
    }

    /// The weakest cell of the operations on an open store that are `of_interest`.
    fn weakest_write(&self, store: &Store, roles: &Roles, of_interest: &dyn Fn(FuncId) -> bool) -> Cell {
        let operations = store.operations.iter().copied();
        let judged = operations.filter(|&operation| of_interest(operation) && !store.openings.contains(&operation));
        let cells: Vec<Cell> = judged.filter_map(|operation| self.operation_writes(store, operation, roles)).collect();
        // What is weaker by an option only is told as such.
        let weakest = weakest(&cells, |cell| match cell.verdict {
            Verdict::No => 4,
            Verdict::Unknown => 3,
            Verdict::Conditional => 2,
            Verdict::ViaLog => 1,
            _ => 0,
        });
        weakest.unwrap_or(Cell::new(Verdict::NotApplicable))
    }

    /// The same for one operation; `None` if it writes nothing of that kind.
    fn operation_writes(&self, store: &Store, operation: FuncId, roles: &Roles) -> Option<Cell> {
        let normal: Vec<&Deed> = self
            .deeds(operation)
            .iter()
            .filter(|deed| !deed.failing && !in_role(&deed.trace, roles))
            .filter(|deed| !deed.trace.functions().iter().any(|function| store.makers.contains(function)))
            .filter(|deed| !self.is_being_built(operation, deed.file) && !self.is_lent(operation, deed.file))
            .filter(|deed| !self.is_passing(operation, deed.file))
            .collect();
        let written: BTreeSet<Origin> =
            normal.iter().filter(|deed| writes(deed)).map(|deed| deed.trace.origin()).collect();
        if written.is_empty() {
            // It may write where it was not followed to.
            return self.unseen_cell(operation).filter(|_| !roles.contains_key(&operation));
        }
        let left = |pending: &Pending| pending.kind != Kind::Name && written.contains(&pending.trace.origin());
        let guilty: Vec<&Moment> =
            self.successes(operation).iter().copied().filter(|moment| moment.pending.iter().any(left)).collect();
        let all: Vec<&Deed> = self.deeds(operation).iter().filter(|deed| !deed.failing).collect();
        let via_log = is_logged(&normal, &all);
        let Some(first) = guilty.first() else {
            let endless = || self.endless_cell(normal.iter().copied().filter(|deed| writes(deed)));
            // What was neither synced nor seen to be a file is nothing to be sure of.
            let is_seen = || {
                let is_file = |deed: &&Deed| writes(deed) && self.was_a_file(operation, deed.file);
                all.iter().any(|deed| deed.did == Did::Sync) || normal.iter().any(is_file)
            };
            let mut all_written = normal.iter().filter(|deed| writes(deed));
            let mut is_on_a_way = || all_written.any(|deed| self.leads_to_success(&deed.trace));
            return Some(match self.unseen_cell(operation).or_else(endless) {
                Some(cell) => cell,
                None if via_log => Cell::new(Verdict::ViaLog),
                None if !is_on_a_way() => Cell::detailed(
                    Verdict::Unknown,
                    format!("`{}` was not seen to succeed after what it writes", self.short(operation)),
                ),
                None if !is_seen() => Cell::detailed(Verdict::Unknown, Doubt::NoFile(None).words()),
                None => match self.undecided_sync(store, operation) {
                    Some(doubt) => Cell::detailed(Verdict::Unknown, doubt.words()),
                    None => Cell::new(Verdict::Yes),
                },
            });
        };
        let culprits = || guilty.iter().flat_map(|moment| moment.pending.iter().map(move |pending| (*moment, pending)));
        let doubt = |moment: &Moment, pending: &Pending| {
            let own_call = || self.syncing_call(store, operation, pending).map(Doubt::ByItsOwnCall);
            self.doubt(store, moment, pending).or_else(own_call)
        };
        let certain = culprits().find(|(moment, pending)| left(pending) && doubt(moment, pending).is_none());
        let uncertain = || {
            let pending = first.pending.iter().find(|pending| left(pending)).expect("guilty moments have one");
            (*first, pending)
        };
        let (moment, pending) = certain.unwrap_or_else(uncertain);
        let span = pending.trace.origin().span;
        let text = format!("`{}` reports success while what it wrote is not synced", self.short(operation));
        // What an attempt has left is no promise that an option takes back.
        let attempts: FxHashSet<Origin> = culprits()
            .filter(|(moment, pending)| left(pending) && self.is_an_attempt(moment, pending))
            .map(|(_, pending)| pending.trace.origin())
            .collect();
        let promised = |pending: &Pending| left(pending) && !attempts.contains(&pending.trace.origin());
        let (breaking, keeping): (Vec<&Moment>, Vec<&Moment>) =
            self.successes(operation).iter().copied().partition(|moment| moment.pending.iter().any(promised));
        if let Some(options) = self.options(operation, &breaking, &keeping, &promised) {
            let text = format!("{text}, depending on `{}`", in_words(&options));
            // More may be left where it was not followed to.
            if let Some(cell) = self.unseen_cell(operation) {
                return Some(cell.because(text, span));
            }
            return Some(Cell::depending(options).because(text, span));
        }
        if let Some(doubt) = doubt(moment, pending) {
            return Some(Cell::detailed(Verdict::Unknown, doubt.words()).because(text, span));
        }
        if let Some(doubt) = self.is_asked_otherwise(store, operation, &breaking, &keeping, &promised) {
            return Some(Cell::detailed(Verdict::Unknown, doubt.words()).because(text, span));
        }
        Some(Cell::new(Verdict::No).because(text, span))
    }

    /// Why something that is left under one answer to an option only may not be what the operation does under another: there it waits, and
    /// a task syncs.
    fn is_asked_otherwise(
        &self,
        store: &Store,
        operation: FuncId,
        guilty: &[&Moment],
        innocent: &[&Moment],
        left: &dyn Fn(&Pending) -> bool,
    ) -> Option<Doubt> {
        let tasks = self.syncing_tasks(store);
        let &(by, _) = tasks.first().filter(|_| self.reach.waits(operation) && !innocent.is_empty())?;
        let culprits = || guilty.iter().flat_map(|moment| moment.pending.iter().map(move |pending| (*moment, pending)));
        let (moment, pending) = culprits().find(|(_, pending)| left(pending))?;
        let is_common = |guard: &&Guard| {
            let mut all = culprits().filter(|(_, pending)| left(pending));
            all.all(|(moment, pending)| holds(&moment.guards, guard) || holds(&pending.when, guard))
                && innocent.iter().any(|moment| !holds(&moment.guards, guard))
        };
        let mut guards = pending.when.iter().chain(&moment.guards);
        let (option, ..) = guards.find(|guard| self.flow.terms.is_setting(guard.0, guard.1) && is_common(guard))?;
        Some(Doubt::AskedOtherwise(self.name(operation, *option), self.short(by)))
    }

    /// For what a part of a store that is handed out leaves in a file of its own: the operation of a part which syncs this file, and writes
    /// nothing to it; or the last step of the part, which uses it up and syncs.
    fn syncing_call(&self, store: &Store, operation: FuncId, pending: &Pending) -> Option<Ustr> {
        let owner = self.owner(operation).filter(|owner| store.top != Some(*owner))?;
        let terms = &self.flow.terms;
        if !matches!(terms.get(terms.root(pending.file)), Term::Param(0)) {
            return None;
        }
        let fields = self.flow.intents.fields_of(operation, pending.file);
        let of_part = |&&id: &&FuncId| self.owner(id).is_some_and(|owner| store.top != Some(owner));
        let syncs = |&&id: &&FuncId| {
            let is_it = |file: Value| {
                file == pending.file && self.owner(id) == Some(owner)
                    || self.flow.intents.fields_of(id, file).iter().any(|field| fields.contains(field))
            };
            let on_it = || self.deeds(id).iter().filter(|deed| !deed.failing && is_it(deed.file));
            on_it().any(|deed| deed.did == Did::Sync) && !on_it().any(writes)
        };
        let by = store.operations.iter().filter(of_part).find(syncs).copied();
        let last = || self.last_step(operation).or_else(|| self.last_step_of_lender(store, operation, pending.kind));
        by.or_else(last).map(|id| self.short(id))
    }

    /// The options each of which makes every path innocent: whatever is `left` on a guilty path is left under the same answer, which some
    /// path that settles it has not.
    pub(super) fn options(
        &self,
        function: FuncId,
        guilty: &[&Moment],
        innocent: &[&Moment],
        left: &dyn Fn(&Pending) -> bool,
    ) -> Option<Vec<String>> {
        let settling = |moment: &Moment| moment.facts.iter().any(|(_, facts)| facts.written && facts.synced);
        let culprits: Vec<(&Moment, &Pending)> = guilty
            .iter()
            .flat_map(|moment| moment.pending.iter().filter(|pending| left(pending)).map(|pending| (*moment, pending)))
            .collect();
        // What one says by the answer to one question others may imply by that to another.
        let mut said: Vec<&Guard> = Vec::new();
        for guard in culprits.iter().flat_map(|(moment, pending)| pending.when.iter().chain(&moment.guards)) {
            if !said.contains(&guard) {
                said.push(guard);
            }
        }
        let common: Vec<&Guard> = said
            .into_iter()
            .filter(|guard| self.flow.terms.is_setting(guard.0, guard.1))
            .filter(|guard| {
                culprits.iter().all(|(moment, pending)| holds(&moment.guards, guard) || holds(&pending.when, guard))
            })
            .collect();
        let parts = |guard: &Guard| {
            let parted = culprits.iter().any(|(moment, pending)| pending.when.contains(guard) && settling(moment));
            let mut settled = innocent.iter().filter(|moment| settling(moment)).peekable();
            match settled.peek() {
                Some(_) => settled.any(|moment| !holds(&moment.guards, guard)),
                None => parted,
            }
        };
        culprits.first()?;
        let found: Vec<Guard> = common.into_iter().copied().filter(parts).collect();
        if !found.is_empty() {
            let mut names: Vec<String> = Vec::new();
            for name in found.iter().map(|(value, ..)| self.name(function, *value)) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            return Some(names);
        }
        let parting = || {
            let mut answers = culprits.iter().map(|(moment, pending)| self.parting_answer(function, moment, pending));
            let first = answers.next()??;
            answers.all(|answer| answer == Some(first)).then_some(first)
        };
        parting().map(|(value, ..)| vec![self.name(function, value)])
    }
}

/// Whether a log goes first: a file is written and synced, others are written as well, and in the end it is cut.
fn is_logged(normal: &[&Deed], all: &[&Deed]) -> bool {
    all.iter().enumerate().filter(|(_, deed)| matches!(deed.did, Did::Pend(How::Cut, _))).any(|(at, cut)| {
        let log = cut.file;
        // What is cut before it is filled is made anew, and no log.
        if !all[..at].iter().any(|deed| deed.did == Did::Sync && deed.file == log) {
            return false;
        }
        let written = normal.iter().position(|deed| writes(deed) && deed.file == log);
        let synced = normal.iter().position(|deed| deed.did == Did::Sync && deed.file == log);
        let others = normal.iter().any(|deed| writes(deed) && deed.file != log);
        others && written.zip(synced).is_some_and(|(written, synced)| written < synced)
    })
}
