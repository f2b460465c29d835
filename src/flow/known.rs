//! What is known of functions that were run, and how what one task found is added to it.
//!
//! Functions that do not lead to each other are run side by side. Each task starts from what was known before, which none of them
//! changes, and tells what it found in terms of its own. What they found is added in the order of the functions, whoever was done
//! first: so the result does not depend on how many there are.

use super::intent::Intents;
use super::state::{Facts, Guard, Kind, Origin, Pending, Shared, Trace};
use super::summary::{Act, Deed, Outcome, Summary, Trigger};
use super::terms::{OwnTerms, Retelling, Terms, Value};
use super::{Binding, IgnoredSync, Moment};
use crate::ir::FuncId;
use litemap::LiteMap;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// A function, and the function values of its caller's that were known when it was run.
pub(super) type Key = (FuncId, Binding);

/// All traces, so that equal ones are one in memory: by where they start, and the place in memory of the rest (0 if there is none).
#[derive(Debug, Default)]
pub(super) struct Traces(FxHashMap<(Origin, usize), Arc<Trace>>);

impl Traces {
    fn key(trace: &Trace) -> (Origin, usize) {
        match trace {
            Trace::Here(origin) => (*origin, 0),
            Trace::Via(origin, inner) => (*origin, Arc::as_ptr(inner).addr()),
        }
    }

    /// The one that is equal to `trace`, whose inner trace is one of these.
    pub fn find(&self, trace: &Trace) -> Option<&Arc<Trace>> {
        self.0.get(&Traces::key(trace))
    }

    /// The one that is equal to `trace`, which is added if there is none.
    pub fn add(&mut self, trace: Trace) -> Arc<Trace> {
        self.0.entry(Traces::key(&trace)).or_insert_with(|| Arc::new(trace)).clone()
    }
}

/// What the run of one function told beside its summary.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub moments: Vec<Moment>,
    pub ignored_syncs: Vec<IgnoredSync>,
    /// Changes of files whose failure is passed over.
    pub best_effort: Vec<Origin>,
}

/// What is known of functions that were run.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub summaries: FxHashMap<Key, Arc<Summary>>,
    pub moments: Vec<Moment>,
    pub ignored_syncs: Vec<IgnoredSync>,
    pub best_effort: FxHashSet<(FuncId, Origin)>,
    pub intents: Intents,
    pub traces: Traces,
    /// Which file the results of a function, by any way out, were read from or made of what was.
    pub read_results: FxHashMap<(FuncId, Value), Value>,
    /// Functions whose analysis broke off.
    pub broken: Vec<FuncId>,
}

/// What a task found.
#[derive(Debug)]
pub(super) struct Found {
    pub terms: OwnTerms,
    pub traces: Traces,
    /// By the components that it ran.
    pub parts: Vec<Part>,
}

/// What was found about the functions of one component.
#[derive(Debug)]
pub(super) struct Part {
    /// In the order in which they were done.
    pub runs: Vec<(Key, Arc<Summary>, Told)>,
    pub intents: Intents,
    pub read_results: FxHashMap<(FuncId, Value), (Value, bool)>,
    pub broken: Vec<FuncId>,
}

impl Known {
    /// Begins to add to what is known, in terms that start from those it is told in. Without `tell`, moments are left out.
    pub fn adding(&self, terms: Terms, tell: bool) -> Adding<'_> {
        Adding { before: self, new: Known::default(), terms, tell }
    }

    /// Adds what was found later, in the same terms.
    pub fn append(&mut self, later: Known) {
        let Known { summaries, moments, ignored_syncs, best_effort, intents, traces, read_results, broken } = later;
        self.summaries.extend(summaries);
        self.moments.extend(moments);
        self.ignored_syncs.extend(ignored_syncs);
        self.best_effort.extend(best_effort);
        self.intents.append(intents);
        self.traces.0.extend(traces.0);
        self.read_results.extend(read_results);
        self.broken.extend(broken);
    }
}

/// What tasks found, while others that started from the same still run.
pub(super) struct Adding<'k> {
    before: &'k Known,
    new: Known,
    terms: Terms,
    tell: bool,
}

impl Adding<'_> {
    /// Adds what a task `found`, in terms of its own. What another task found before counts.
    pub fn add(&mut self, found: Found) {
        let Found { terms: own, traces, parts } = found;
        let traces = self.add_traces(traces);
        let Adding { before, new, terms, tell } = self;
        let mut retold = Retold { terms: Retelling::new(own, terms), traces, parts: Parts::default() };
        parts.into_iter().for_each(|part| new.add_part(part, before, &mut retold, *tell));
    }

    /// All that was added, with the terms in which it is told.
    pub fn end(self) -> (Known, OwnTerms) {
        (self.new, self.terms.into_own())
    }

    /// Adds traces; gives those that were known and what they are here, by the place in memory of the former.
    fn add_traces(&mut self, new: Traces) -> FxHashMap<usize, [Arc<Trace>; 2]> {
        let (before, known) = (&self.before.traces, &mut self.new.traces);
        if new.0.keys().all(|key| !before.0.contains_key(key) && !known.0.contains_key(key)) {
            known.0.extend(new.0);
            return FxHashMap::default();
        }
        // What is inside comes first.
        let mut new: Vec<Arc<Trace>> = new.0.into_values().collect();
        new.sort_by_key(|trace| trace.depth());
        let mut retold: FxHashMap<usize, [Arc<Trace>; 2]> = FxHashMap::default();
        for trace in new {
            let inside = match &*trace {
                Trace::Via(origin, inner) => {
                    let inner = retold.get(&Arc::as_ptr(inner).addr());
                    inner.map(|[_, inner]| Arc::new(Trace::Via(*origin, inner.clone())))
                }
                Trace::Here(_) => None,
            };
            let told = inside.unwrap_or_else(|| trace.clone());
            let key = Traces::key(&told);
            let here = before.0.get(&key).unwrap_or_else(|| known.0.entry(key).or_insert(told)).clone();
            if !Arc::ptr_eq(&trace, &here) {
                retold.insert(Arc::as_ptr(&trace).addr(), [trace, here]);
            }
        }
        retold
    }
}

impl Known {
    fn add_part(&mut self, part: Part, before: &Known, retold: &mut Retold<'_>, tell: bool) {
        let Part { runs, intents, read_results, broken } = part;
        for (mut key, mut summary, told) in runs {
            key.1.iter_mut().for_each(|(value, _)| retold.value(value));
            if before.summaries.contains_key(&key) || self.summaries.contains_key(&key) {
                continue;
            }
            let function = key.0;
            for outcome in &summary.outcomes {
                if let Some(&(mut file, _)) = read_results.get(&(function, outcome.result)) {
                    let mut result = outcome.result;
                    retold.value(&mut result);
                    retold.value(&mut file);
                    self.read_results.insert((function, result), file);
                }
            }
            retold.summary(Arc::make_mut(&mut summary));
            self.summaries.insert(key, summary);
            if tell {
                self.moments.extend(told.moments.into_iter().map(|moment| retold.moment(moment)));
            }
            self.ignored_syncs.extend(told.ignored_syncs.into_iter().map(|mut ignored| {
                retold.value(&mut ignored.file);
                retold.trace(&mut ignored.trace);
                ignored
            }));
            self.best_effort.extend(told.best_effort.into_iter().map(|place| (function, place)));
        }
        self.intents.add(intents, &before.intents, &mut retold.terms);
        self.broken.extend(broken);
    }
}

/// Tells what a task found in the terms of all.
struct Retold<'t> {
    terms: Retelling<'t>,
    /// The task's own, by their places in memory, and what they are for all.
    traces: FxHashMap<usize, [Arc<Trace>; 2]>,
    parts: Parts,
}

/// Parts that moments share.
#[derive(Default)]
struct Parts {
    pending: SharedParts<Vec<Pending>>,
    facts: SharedParts<LiteMap<Value, Facts>>,
    killed: SharedParts<Vec<(Value, Kind)>>,
    flushed: SharedParts<Vec<Value>>,
}

/// By their places in memory, parts of a task, and what they are for all.
type SharedParts<T> = FxHashMap<usize, [Shared<T>; 2]>;

impl Retold<'_> {
    fn value(&mut self, value: &mut Value) {
        *value = self.terms.value(*value);
    }

    fn values<'v>(&mut self, values: impl IntoIterator<Item = &'v mut Value>) {
        values.into_iter().for_each(|value| self.value(value));
    }

    fn trace(&self, trace: &mut Arc<Trace>) {
        if let Some([_, here]) = self.traces.get(&Arc::as_ptr(trace).addr()) {
            *trace = here.clone();
        }
    }

    fn guards(&mut self, guards: &mut [Guard]) {
        self.values(guards.iter_mut().map(|guard| &mut guard.0));
    }

    fn facts(&mut self, facts: &mut [(Value, Facts)]) {
        self.values(facts.iter_mut().map(|(file, _)| file));
    }

    fn pending(&mut self, pending: &mut Pending) {
        self.values([&mut pending.file, &mut pending.dir]);
        self.values(&mut pending.sources);
        self.values(pending.when.iter_mut().map(|guard| &mut guard.0));
        self.trace(&mut pending.trace);
        pending.flushed.iter_mut().chain(&mut pending.lost).for_each(|trace| self.trace(trace));
    }

    fn act(&mut self, act: &mut Act) {
        match act {
            Act::Rename { file, from, to, temporary: _ } => self.values([file, from, to]),
            Act::Link { file, to } => self.values([file, to]),
            Act::Remove { file, path, tree: _ } => self.values([file, path]),
            Act::Cut { file, by_handle: _ } | Act::WriteOver { file } | Act::Sync { file } => self.value(file),
            Act::Succeed => {}
        }
    }

    fn summary(&mut self, summary: &mut Summary) {
        let Summary { outcomes, triggers, deeds, calls, .. } = summary;
        outcomes.iter_mut().for_each(|outcome| self.outcome(outcome));
        triggers.iter_mut().for_each(|trigger| self.trigger(trigger));
        deeds.iter_mut().for_each(|deed| self.deed(deed));
        self.values(calls);
    }

    fn outcome(&mut self, outcome: &mut Outcome) {
        let Outcome {
            guards,
            pending,
            killed,
            flushed,
            dropped,
            failed_syncs,
            names,
            heap,
            facts,
            result,
            unopened,
            maybe_directories,
            success: _,
            failed_changes: _,
            all_killed: _,
            vague_sync: _,
            changed: _,
            failing: _,
        } = outcome;
        self.guards(guards);
        pending.iter_mut().for_each(|pending| self.pending(pending));
        self.values(killed.iter_mut().map(|(key, _)| key));
        self.values(flushed);
        for (value, trace) in dropped.iter_mut().chain(failed_syncs) {
            self.value(value);
            self.trace(trace);
        }
        for (path, key) in names.iter_mut() {
            self.values([path, key]);
        }
        for ((base, _), value) in heap.iter_mut() {
            self.values([base, value]);
        }
        self.facts(facts);
        self.value(result);
        self.values(unopened.iter_mut().chain(maybe_directories));
    }

    fn trigger(&mut self, trigger: &mut Trigger) {
        let Trigger { act, trace, killed, flushed, guards, facts, apart, all_killed: _, failing: _, vague_sync: _ } =
            trigger;
        self.act(act);
        self.trace(trace);
        self.values(killed.iter_mut().map(|(key, _)| key));
        self.values(flushed);
        self.guards(guards);
        self.facts(facts);
        apart.iter_mut().for_each(|pending| self.pending(pending));
    }

    fn deed(&mut self, deed: &mut Deed) {
        let Deed { file, to, trace, guards, sources, did: _, failing: _ } = deed;
        self.value(file);
        self.values(to);
        self.trace(trace);
        self.guards(guards);
        self.values(sources);
    }

    fn moment(&mut self, moment: Moment) -> Moment {
        let Moment { function, mut act, mut trace, pending, mut guards, failing, vague_sync, facts, killed, flushed } =
            moment;
        self.act(&mut act);
        self.trace(&mut trace);
        self.guards(&mut guards);
        let pending = self.part(
            pending,
            |parts| &mut parts.pending,
            |this, pending| {
                pending.iter_mut().for_each(|pending| this.pending(pending));
            },
        );
        let facts = self.part(
            facts,
            |parts| &mut parts.facts,
            |this, facts| {
                let mut known: Vec<_> = std::mem::take(facts).into_iter().collect();
                this.facts(&mut known);
                known.sort_unstable_by_key(|(file, _)| *file);
                *facts = LiteMap::from_sorted_store_unchecked(known);
            },
        );
        let killed = self.part(
            killed,
            |parts| &mut parts.killed,
            |this, killed| {
                this.values(killed.iter_mut().map(|(key, _)| key));
            },
        );
        let flushed = self.part(flushed, |parts| &mut parts.flushed, |this, flushed| this.values(flushed));
        Moment { function, act, trace, pending, guards, failing, vague_sync, facts, killed, flushed }
    }

    /// A part that moments may share, retold once.
    fn part<T: Clone>(
        &mut self,
        part: Shared<T>,
        of: impl Fn(&mut Parts) -> &mut SharedParts<T>,
        retell: impl FnOnce(&mut Self, &mut T),
    ) -> Shared<T> {
        if let Some([_, done]) = of(&mut self.parts).get(&part.place()) {
            return done.clone();
        }
        let mut new = (*part).clone();
        retell(self, &mut new);
        let new = Shared::from(new);
        of(&mut self.parts).insert(part.place(), [part, new.clone()]);
        new
    }
}
