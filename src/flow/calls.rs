//! One call: a library's effect, or the summary of a function of the program, told in the caller's terms.

use super::Engine;
use super::exec::{At, MAX_DEEDS, Run, found_files, read_files};
use super::intent::{FieldKey, asks_for_a_sync, names_a_sync};
use super::state::{Guard, How, Kind, Origin, Pending, Question, Shared, State, Trace, Transit, add_sources, held_by};
use super::summary::{Act, Did, Outcome, Summary};
use super::terms::{ABSENT, Replace, Site, Term, Terms, UNIT, Value};
use super::transfer::is_settled_as;
use crate::effects::Effect;
use crate::ir::{Call, Callee, FuncId, Function, Inst, InstKind, Passing, Program, ValueKind};
use litemap::LiteMap;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::cell::RefCell;
use ustr::Ustr;

/// At most so many implementations are looked into at a dispatched call.
const MAX_DISPATCH: usize = 4;

/// Of so many cuts below one function it is known what was there before.
const MAX_CUTS: usize = 64;

/// Turns the terms of one callee into those of the caller at one call.
struct Translation<'a> {
    caller: FuncId,
    callee: FuncId,
    replace: Replace<'a>,
    /// File keys so far.
    keys: FxHashMap<Value, Value>,
    heap: Shared<Heap>,
    names: Shared<LiteMap<Value, Value>>,
    /// The fields that were asked for, and what the heap had there.
    loads: RefCell<Vec<Load>>,
    /// Some of it was translated before, for the same operands.
    known: bool,
}

/// Fields that were assigned.
type Heap = LiteMap<(Value, Ustr), Value>;
/// A field, and what the heap has there.
type Load = ((Value, Ustr), Option<Value>);

/// What was translated at one call, for states with equal operands, and equal fields where fields were asked for.
pub(super) struct Translated {
    args: Vec<Value>,
    heap: Shared<Heap>,
    names: Shared<LiteMap<Value, Value>>,
    callee: FuncId,
    done: FxHashMap<Value, Value>,
    keys: FxHashMap<Value, Value>,
    loads: Vec<Load>,
}

/// At most so many of those are kept a call.
const MAX_TRANSLATED: usize = 8;

impl Translation<'_> {
    fn value(&mut self, terms: &mut Terms, value: Value) -> Value {
        let (heap, loads) = (&self.heap, &self.loads);
        terms.replace(value, &mut self.replace, &|terms, base, name| {
            let base = terms.unbuffered(base);
            let known = heap.get(&(base, name)).copied();
            loads.borrow_mut().push(((base, name), known));
            known.unwrap_or_else(|| terms.field(base, name))
        })
    }

    /// A callee's answer as the caller's: a caller that gives `!flag` answers what the callee asks of its flag the other way round.
    fn asked(
        &mut self,
        terms: &mut Terms,
        &(theirs, question, answer): &(Value, Question, bool),
    ) -> (Value, Question, bool) {
        let value = self.value(terms, theirs);
        match terms.unnegated(value) {
            (bare, true) if question == Question::True => (bare, question, !answer),
            _ => (value, question, answer),
        }
    }

    /// A callee's file key: where the caller's names lead, handles looked through.
    fn key(&mut self, engine: &mut Engine<'_>, key: Value) -> Value {
        if let Some(&done) = self.keys.get(&key) {
            return done;
        }
        let told = self.find_key(engine, key);
        self.keys.insert(key, told);
        told
    }

    fn find_key(&mut self, engine: &mut Engine<'_>, key: Value) -> Value {
        let value = self.value(&mut engine.terms, key);
        let value = engine.terms.unbuffered(value);
        if let Term::Handle { file, .. } = engine.terms.get(value) {
            return *file;
        }
        match engine.linked(self.caller, &self.heap, value) {
            Some(path) => held_by(&self.names, path, &engine.terms),
            None => self.names.get(&value).copied().unwrap_or(value),
        }
    }
}

impl<'p> Run<'_, 'p> {
    /// Runs a call.
    pub fn call(&mut self, mut state: State, at: At<'_>) -> Vec<State> {
        let At { call, inst, site } = at;
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            let value = self.operand(&mut state, &arg.value);
            args.push(self.engine.terms.bare(value));
        }
        match &call.callee {
            Callee::Api { api, certain } => {
                let apis = self.engine.apis;
                let row = apis.get(*api);
                let states = self.api(state, row, &args, at, *certain);
                if row.effect == Effect::Nothing {
                    self.note_made_of(&states, call, &args);
                }
                if row.effect == Effect::CallArg { states } else { self.close_moved(states, call, inst, &args) }
            }
            Callee::Functions(functions) => self.dispatch(state, functions, &args, at),
            Callee::Value(operand) => {
                let value = self.operand(&mut state, operand);
                self.call_value(state, value, &args, at)
            }
            Callee::Unknown => {
                self.may_settle(&mut state, &args);
                self.hand_over(&mut state, &args, call, inst);
                let mut states = vec![state];
                for &arg in &args {
                    if matches!(self.engine.terms.get(arg), Term::Closure(..)) {
                        states = states.into_iter().flat_map(|state| self.call_value(state, arg, &[], at)).collect();
                    }
                }
                for state in &mut states {
                    let result = self.fresh(state, site, 0);
                    state.env[call.result.index()] = result;
                }
                self.note_made_of(&states, call, &args);
                self.close_moved(states, call, inst, &args)
            }
        }
    }

    /// What nobody can see into makes something of what was read, or of a file that it reads itself: if it finds nothing, the file holds
    /// nothing that can be used.
    fn note_made_of(&mut self, states: &[State], call: &Call, args: &[Value]) {
        let Some(result) = states.first().map(|state| state.env[call.result.index()]) else { return };
        // Out of what was asked of a file.
        if let (&[arg], "len" | "size") = (args, call.name.as_str())
            && let Some(&file) = self.engine.lengths.get(&(self.id, arg))
        {
            self.engine.lengths.insert((self.id, result), file);
        }
        let source = args.iter().find_map(|&arg| {
            let known = self.engine.read_results.get(&(self.id, arg)).map(|(file, _)| *file);
            known.or_else(|| match self.engine.terms.get(self.engine.terms.unbuffered(arg)) {
                Term::Handle { file, writable: false, .. } => Some(*file),
                _ => None,
            })
        });
        if let Some(file) = source {
            self.engine.read_results.insert((self.id, result), (file, false));
        }
    }

    /// Handles with buffers that were given away to somebody who keeps nothing are dropped there.
    fn close_moved(&mut self, mut states: Vec<State>, call: &Call, inst: &Inst, args: &[Value]) -> Vec<State> {
        let writes = |effect| matches!(effect, Effect::Write | Effect::WriteBuffered | Effect::WriteFlushed);
        let ends = match &call.callee {
            Callee::Unknown => true,
            Callee::Api { api, .. } => self.engine.apis.get(*api).steps().any(|step| writes(step.effect)),
            _ => false,
        };
        if !ends {
            return states;
        }
        for state in &mut states {
            for (arg, &value) in call.args.iter().zip(args) {
                if arg.passing != Passing::Move {
                    continue;
                }
                if arg.kind == ValueKind::BufferedFile {
                    self.drop_value(state, value, None, 0);
                }
                // What the caller gave away for that goes there, whatever it is.
                let bare = self.engine.terms.unbuffered(value);
                let owned = |number: u16| {
                    let local =
                        self.function.params.get(number as usize).map(|local| &self.function.locals[local.index()]);
                    local.is_some_and(|local| !local.lent)
                };
                if let &Term::Param(number) = self.engine.terms.get(bare)
                    && matches!(arg.kind, ValueKind::BufferedFile | ValueKind::Unknown | ValueKind::Other)
                    && owned(number)
                    && !state.past.dropped.iter().any(|(dropped, _)| *dropped == bare)
                {
                    let trace = self.here(inst);
                    state.past.dropped.push((bare, trace));
                }
            }
        }
        states
    }

    /// A function nobody can see into gets a handle: for an audit, which must not guess, it may have synced it.
    fn may_settle(&mut self, state: &mut State, args: &[Value]) {
        if !self.engine.plan.tell_deeds || state.pending.is_empty() {
            return;
        }
        for &value in args {
            let file = self.file_of(state, value);
            let terms = &self.engine.terms;
            let whole = terms.unbuffered(value);
            let settled = |pending: &Pending| {
                let given =
                    pending.file == file || terms.is_part(pending.file, whole) || terms.is_part(whole, pending.file);
                pending.kind != Kind::Name && given && !pending.doubt
            };
            if state.pending.iter().any(settled) {
                state.pending.iter_mut().filter(|pending| settled(pending)).for_each(|pending| pending.doubt = true);
            }
        }
    }

    /// A function nobody can see into gets a handle that can write: it may have written.
    fn hand_over(&mut self, state: &mut State, args: &[Value], call: &Call, inst: &Inst) {
        let trace = self.here(inst);
        for (number, (arg, &value)) in call.args.iter().zip(args).enumerate() {
            if number == 0 && call.args.len() == 1 {
                // `handle.method()` without arguments asks, it does not write.
                continue;
            }
            let writes = matches!(
                arg.kind,
                ValueKind::File | ValueKind::BufferedFile | ValueKind::AsyncFile | ValueKind::TempFile
            ) && arg.passing != Passing::Shared;
            if !writes || self.engine.terms.is_read_only(value) {
                if self.engine.terms.is_read_only(value) {
                    let file = self.file_of(state, value);
                    self.engine.intents.reads.insert(trace.origin().span);
                    state.fact(file).read = true;
                }
                continue;
            }
            let file = self.file_of(state, value);
            let buffered = arg.kind == ValueKind::BufferedFile || self.engine.terms.is_buffered(value);
            state.fact(file).written = true;
            self.pend(state, if buffered { Kind::Buffer } else { Kind::Data }, file, UNIT, How::HandedOver, &trace);
        }
    }

    /// Calls a function value once.
    pub fn call_value(&mut self, mut state: State, value: Value, args: &[Value], at: At<'_>) -> Vec<State> {
        let At { call, inst, site } = at;
        let value = self.engine.terms.unbuffered(value);
        let functions = self.functions_of(value);
        if functions.is_empty() {
            if self.engine.terms.is_stable(value) && !self.summary.calls.contains(&value) {
                self.summary.calls.push(value);
            }
            let offset = call.args.len().saturating_sub(args.len());
            let trace = self.here(inst);
            for (arg, &value) in call.args[offset..].iter().zip(args) {
                let writable = matches!(
                    arg.kind,
                    ValueKind::File | ValueKind::BufferedFile | ValueKind::AsyncFile | ValueKind::TempFile
                );
                if writable && arg.passing == Passing::Mutable {
                    let file = self.file_of(&state, value);
                    let buffered = arg.kind == ValueKind::BufferedFile || self.engine.terms.is_buffered(value);
                    state.fact(file).written = true;
                    self.pend(
                        &mut state,
                        if buffered { Kind::Buffer } else { Kind::Data },
                        file,
                        UNIT,
                        How::HandedOver,
                        &trace,
                    );
                }
            }
            let result = self.fresh(&mut state, site, 0);
            state.env[call.result.index()] = result;
            return vec![state];
        }
        let closure = self.engine.program.functions[functions[0].index()].kind;
        let with_environment: Vec<Value> = match closure {
            crate::ir::FunctionKind::Closure { .. } => std::iter::once(value).chain(args.iter().copied()).collect(),
            _ => args.to_vec(),
        };
        self.dispatch(state, &functions, &with_environment, at)
    }

    /// Calls one of several functions, which one the receiver decides.
    fn dispatch(&mut self, state: State, functions: &[FuncId], args: &[Value], at: At<'_>) -> Vec<State> {
        let At { call, site, .. } = at;
        let mut candidates: Vec<FuncId> = functions.to_vec();
        if candidates.len() > 1 {
            let effective: Vec<FuncId> =
                candidates.iter().copied().filter(|function| self.engine.plan.effective[function.index()]).collect();
            candidates = if effective.is_empty() { candidates[..1].to_vec() } else { effective };
            // An audit, which must not guess, says that it did not look into all of them.
            self.summary.bounded |= self.engine.plan.tell_deeds && candidates.len() > MAX_DISPATCH;
            candidates.truncate(MAX_DISPATCH);
        }
        // Of one that leads back here nothing is known yet: what the others do is what there is to begin with.
        let known: Vec<FuncId> =
            candidates.iter().copied().filter(|&function| !self.engine.is_unknown_yet(function)).collect();
        if !known.is_empty() {
            candidates = known;
        }
        if candidates.len() == 1 {
            return self.enter(state, candidates[0], args, at);
        }
        let receiver = args.first().copied().unwrap_or(UNIT);
        let mut states = Vec::new();
        for function in candidates {
            // One object has one type: later calls on it go to the same implementation.
            let owner = self.engine.program.functions[function.index()].owner.unwrap_or_default();
            let question = Question::Variant(owner);
            match self.answer(&state, receiver, question) {
                Some(false) => continue,
                answer => {
                    let mut state = state.clone();
                    if answer.is_none() {
                        state.guards.insert((receiver, question), true);
                    }
                    states.extend(self.enter(state, function, args, at));
                }
            }
        }
        if states.is_empty() {
            // By what an earlier call was taken for, none of them is meant: that one may have been taken for the wrong one.
            self.summary.bounded |= self.engine.plan.tell_deeds;
            let mut state = state;
            let result = self.fresh(&mut state, site, 0);
            state.env[call.result.index()] = result;
            states.push(state);
        }
        states
    }

    /// Calls one function of the program.
    fn enter(&mut self, state: State, function: FuncId, args: &[Value], at: At<'_>) -> Vec<State> {
        let At { inst, site, .. } = at;
        let program = self.engine.program;
        let body = &program.functions[function.index()];
        let effective = self.engine.plan.effective[function.index()];
        if !effective && !self.engine.plan.small[function.index()] {
            return vec![self.pass_by(state, body.name, args, at)];
        }
        let mut summary = self.engine.summary(function, Vec::new());
        let mut translation = self.translation(&state, function, args, site);
        if !summary.calls.is_empty() {
            let binding = self.bindings(&summary, &mut translation);
            if !binding.is_empty() {
                summary = self.engine.summary(function, binding);
            }
        }
        if summary.outcomes.is_empty() {
            if !summary.bounded
                && effective
                && !body.blocks.is_empty()
                && self.engine.known(&(function, Vec::new())).is_some()
            {
                // It never comes back.
                self.due(&state, &summary, inst, &mut translation);
                self.pass_on_deeds(&state, &summary, inst, &mut translation);
                return Vec::new();
            }
            self.summary.bounded |= summary.bounded;
            self.summary.acts_lost |= summary.acts_lost;
            return vec![self.pass_by(state, body.name, args, at)];
        }
        let each = 1 + (state.pending.len() + state.guards.len() + state.facts.len()) / 8;
        self.work += summary.triggers.len() * each + summary.deeds.len();
        self.due(&state, &summary, inst, &mut translation);
        self.pass_on_deeds(&state, &summary, inst, &mut translation);
        let unseen = syncs_unseen(body, &summary);
        let mut states = Vec::new();
        for outcome in &summary.outcomes {
            let mut left = self.outcome_at(&state, outcome, &mut translation, at);
            if let Some(state) = left.as_mut().filter(|_| unseen && outcome.success) {
                state.vague_sync = true;
                self.doubt_all(state);
            }
            states.extend(left);
        }
        self.keep_translation(translation, site);
        states
    }

    /// Calls a function of the program that is not looked into.
    fn pass_by(&mut self, mut state: State, name: Ustr, args: &[Value], at: At<'_>) -> State {
        let At { call, inst, site } = at;
        self.hand_over(&mut state, args, call, inst);
        let result = self.opaque_result(&mut state, name, args, site);
        state.env[call.result.index()] = result;
        state
    }

    /// The translation at the call at `site`, with what was translated there from an equal state before.
    fn translation<'a>(&mut self, state: &State, callee: FuncId, args: &'a [Value], site: Site) -> Translation<'a> {
        let known = self.translated.entry(site).or_default();
        let alike = |old: &Translated| {
            old.callee == callee
                && old.args == args
                && (old.heap == state.heap
                    || old.loads.iter().all(|(place, was)| state.heap.get(place) == was.as_ref()))
        };
        let old = known.iter().position(alike).map(|place| known.swap_remove(place));
        // Where a file's key leads depends on more than the fields that were asked for.
        let same = |old: &Translated| old.heap == state.heap && old.names == state.names;
        let is_known = old.is_some();
        let (done, keys, loads) = match old {
            Some(old) if same(&old) => (old.done, old.keys, old.loads),
            Some(old) => (old.done, FxHashMap::default(), old.loads),
            None => {
                let about = known.last().map_or(0, |old| old.done.len());
                (FxHashMap::with_capacity_and_hasher(about, Default::default()), FxHashMap::default(), Vec::new())
            }
        };
        Translation {
            caller: self.id,
            callee,
            replace: Replace { args, call: site, done, added: Vec::new() },
            keys,
            heap: state.heap.clone(),
            names: state.names.clone(),
            loads: RefCell::new(loads),
            known: is_known,
        }
    }

    fn keep_translation(&mut self, translation: Translation<'_>, site: Site) {
        self.note_fields_of_callee(&translation);
        let Translation { callee, replace, heap, names, keys, loads, .. } = translation;
        let known = self.translated.entry(site).or_default();
        if known.len() >= MAX_TRANSLATED {
            known.remove(0);
        }
        let (done, loads) = (replace.done, loads.into_inner());
        known.push(Translated { args: replace.args.to_vec(), heap, names, callee, done, keys, loads });
    }

    /// What the callee stored into a field, or read from one, is of that field here too.
    fn note_fields_of_callee(&mut self, translation: &Translation<'_>) {
        let Translation { callee, replace, .. } = translation;
        let mut told: Vec<(Value, FieldKey)> = Vec::new();
        let args: &[Value] = if translation.known { &[] } else { replace.args };
        for (number, &arg) in args.iter().enumerate() {
            let param = self.engine.terms.make(Term::Param(number as u16));
            told.extend(self.engine.fields_of(*callee, param).iter().map(|field| (arg, *field)));
        }
        for &(theirs, ours) in &replace.added {
            told.extend(self.engine.fields_of(*callee, theirs).iter().map(|field| (ours, *field)));
        }
        for (value, field) in told {
            self.engine.note_field(self.id, value, field, false);
        }
    }

    /// The value of a call that cannot be looked into: the same for equal arguments.
    fn opaque_result(&mut self, state: &mut State, name: Ustr, args: &[Value], site: Site) -> Value {
        if args.iter().all(|&arg| self.engine.terms.is_stable(arg)) {
            self.engine.terms.op(name, args)
        } else {
            self.fresh(state, site, 0)
        }
    }

    /// Which function values of ours the callee will call.
    fn bindings(&mut self, summary: &Summary, translation: &mut Translation<'_>) -> Vec<(Value, FuncId)> {
        let mut binding = Vec::new();
        for &called in &summary.calls {
            let value = translation.value(&mut self.engine.terms, called);
            if let Some(&function) = self.functions_of(value).first() {
                binding.push((called, function));
            }
        }
        binding.sort();
        binding
    }

    /// Checks the callee's acts against what is pending here, and passes them on.
    fn due(&mut self, state: &State, summary: &Summary, inst: &Inst, translation: &mut Translation<'_>) {
        self.summary.effective |= summary.effective;
        self.summary.touches |= summary.touches;
        self.summary.bounded |= summary.bounded;
        self.summary.acts_lost |= summary.acts_lost;
        if summary.triggers.is_empty() {
            return;
        }
        for trigger in &summary.triggers {
            let terms = &mut self.engine.terms;
            let guards: Vec<_> = trigger.guards.iter().map(|guard| translation.asked(terms, guard)).collect();
            if guards.iter().any(|&(value, question, answer)| {
                self.answer(state, value, question).is_some_and(|known| known != answer)
            }) {
                continue;
            }
            let engine = &mut *self.engine;
            let killed: Vec<_> =
                trigger.killed.iter().map(|&(key, kind)| (translation.key(engine, key), kind)).collect();
            let flushed: Vec<_> = trigger.flushed.iter().map(|&key| translation.key(engine, key)).collect();
            let act = translate_act(trigger.act, translation, engine);
            if matches!(act, Act::Remove { file, .. } if self.is_gone(file)) {
                continue;
            }
            if let Act::Cut { file, .. } | Act::WriteOver { file } = act {
                let absent = self.is_absent(state, file);
                let known = state.facts.get(&file).copied().unwrap_or_default();
                let cut = (trigger.trace.origin(), absent || known.unusable || known.created);
                if !self.summary.cuts.contains(&cut) {
                    self.summary.acts_lost |= self.summary.cuts.len() >= MAX_CUTS;
                    self.summary.cuts.truncate(MAX_CUTS - 1);
                    self.summary.cuts.push(cut);
                }
                if absent {
                    continue;
                }
            }
            // What the callee made itself, it told of.
            if let (Act::Rename { file: theirs, .. }, Act::Rename { file, .. }) = (trigger.act, act)
                && !matches!(self.engine.terms.get(theirs), Term::Op(..) | Term::Fresh(..))
            {
                self.retires(file, file);
            }
            let trace = self.engine.via(Origin { span: inst.focus, function: self.id }, &trigger.trace);
            let terms = &self.engine.terms;
            let mut pending =
                still_pending(terms, &state.pending, &killed, &flushed, trigger.all_killed, trigger.vague_sync);
            for apart in &trigger.apart {
                let file = translation.key(self.engine, apart.file);
                if act.operands().next() == Some(file) {
                    let trace = self.engine.via(Origin { span: inst.focus, function: self.id }, &apart.trace);
                    pending.push(Pending { file, trace, when: Vec::new(), sources: SmallVec::new(), ..apart.clone() });
                }
            }
            let mut at = state.clone();
            for &(value, question, answer) in &guards {
                at.answer(value, question, answer);
            }
            at.vague_sync |= trigger.vague_sync;
            at.failing |= trigger.failing;
            at.all_killed |= trigger.all_killed;
            extend_with(&mut at.past.killed, &killed);
            extend_with(&mut at.past.flushed, &flushed);
            let failing = at.failing;
            let due = !pending.is_empty() || matches!((act, &*trigger.trace), (Act::Sync { .. }, Trace::Here(_)));
            if !due && self.trigger_again(&at, act, &trace) {
                continue;
            }
            for &(key, facts) in &trigger.facts {
                let key = translation.key(self.engine, key);
                at.absorb(key, facts);
            }
            if due {
                self.moment(&at, act, trace.clone(), pending, failing);
            }
            self.trigger(&at, act, trace);
        }
    }

    /// The callee's deeds are the caller's.
    fn pass_on_deeds(&mut self, state: &State, summary: &Summary, inst: &Inst, translation: &mut Translation<'_>) {
        if summary.deeds.is_empty() {
            return;
        }
        let here = Origin { span: inst.focus, function: self.id };
        let own = self.stable_guards(state);
        let found_before = found_files(&state.facts);
        for (number, deed) in summary.deeds.iter().enumerate() {
            if deed.trace.depth() >= self.engine.plan.followed {
                self.summary.bounded = true;
                continue;
            }
            let terms = &mut self.engine.terms;
            let mut guards: Vec<_> = deed.guards.iter().map(|guard| translation.asked(terms, guard)).collect();
            if guards.iter().any(|&(value, question, answer)| self.answer(state, value, question) == Some(!answer)) {
                continue;
            }
            let terms = &mut self.engine.terms;
            guards.retain(|(value, ..)| terms.is_stable(*value));
            guards.extend(own.iter().copied());
            let file = translation.key(self.engine, deed.file);
            if matches!(deed.did, Did::Remove | Did::Pend(How::Removed, _)) && self.is_gone(file) {
                continue;
            }
            if self.engine.terms.is_kernels(file) {
                continue;
            }
            let to = deed.to.map(|to| translation.value(&mut self.engine.terms, to));
            let trace = self.engine.via(here, &deed.trace);
            let failing = state.failing || deed.failing;
            let mut sources = SmallVec::new();
            if matches!(deed.did, Did::Overwrite | Did::Pend(_, Kind::Buffer | Kind::Data)) {
                add_sources(&mut sources, found_before.iter().copied());
                let translated = deed.sources.iter().map(|&source| translation.key(self.engine, source));
                add_sources(&mut sources, translated);
            }
            // Several functions may be meant by one call.
            let number = MAX_DEEDS * (1 + translation.callee.index()) + number;
            self.deed(number, super::summary::Deed { did: deed.did, file, to, trace, guards, failing, sources });
        }
    }

    /// The state after the call left in one way; `None` if it cannot leave so from here.
    fn outcome_at(
        &mut self,
        before: &State,
        outcome: &Outcome,
        translation: &mut Translation<'_>,
        at: At<'_>,
    ) -> Option<State> {
        let At { call, inst, .. } = at;
        self.work += 4 + 3 * outcome.pending.len() + outcome.heap.len() + outcome.facts.len() + outcome.names.len();
        let mut state = before.clone();
        for &(theirs, question, answer) in &outcome.guards {
            if question == Question::Succeeded
                && self
                    .went_well(&mut state, theirs, call, translation.replace.args)
                    .is_some_and(|known| known != answer)
            {
                return None;
            }
            let (value, question, answer) = translation.asked(&mut self.engine.terms, &(theirs, question, answer));
            match self.answer(&state, value, question) {
                Some(known) if known != answer => return None,
                Some(_) => self.choose(&mut state, translation.callee, theirs, value, question, answer),
                None => {
                    state.guards.insert((value, question), answer);
                }
            }
        }
        for &key in &outcome.flushed {
            let key = translation.key(self.engine, key);
            let trace = self.here(inst);
            self.drain(&mut state, key, Some(&trace));
            if !state.past.flushed.contains(&key) && state.past.flushed.len() < 32 {
                state.past.flushed.push(key);
            }
        }
        if outcome.all_killed {
            self.note_settled(&state, |pending| pending.kind != Kind::Buffer);
            state.pending.retain(|pending| pending.kind == Kind::Buffer);
            state.all_killed = true;
        }
        for &(theirs, kind) in &outcome.killed {
            let key = translation.key(self.engine, theirs);
            if kind == Kind::Data {
                self.note_sync(&state, key);
                self.settle(&mut state, key, outcome.maybe_directories.contains(&theirs));
            }
        }
        for &key in &outcome.unopened {
            let key = translation.key(self.engine, key);
            self.unopened(&mut state, key);
        }
        if outcome.vague_sync {
            state.vague_sync = true;
            self.doubt_all(&mut state);
        }
        self.adopt(&mut state, outcome, translation, at);
        self.let_go(&mut state, outcome, translation, at);
        if !before.failing {
            for (file, trace) in &outcome.failed_syncs {
                let file = translation.key(self.engine, *file);
                let trace = self.engine.via(Origin { span: inst.focus, function: self.id }, trace);
                state.past.sync_failed(file, &trace);
            }
            outcome.failed_changes.iter().for_each(|place| state.past.change_failed(*place, false));
        }
        // What was read there, and did not do.
        if !outcome.success || outcome.result == ABSENT {
            for &arg in translation.replace.args {
                if let Some(&(file, _)) = self.engine.read_results.get(&(self.id, arg)) {
                    state.fact(file).unusable = true;
                }
            }
            for (key, _) in outcome.facts.iter().filter(|(_, facts)| facts.read && !facts.written) {
                let key = translation.key(self.engine, *key);
                state.fact(key).unusable = true;
            }
        }
        state.failing |= !outcome.success && outcome.changed || outcome.failing;
        let result = translation.value(&mut self.engine.terms, outcome.result);
        if let Some(file) = self.engine.read_result(translation.callee, outcome.result) {
            let file = translation.key(self.engine, file);
            self.engine.read_results.insert((self.id, result), (file, false));
            self.engine.intents.note_read((self.id, inst.focus), Some(file));
        }
        state.env[call.result.index()] = if !call.fallible {
            result
        } else if outcome.success {
            let bare = self.engine.terms.bare(result);
            self.engine.terms.make(Term::Success(bare))
        } else {
            let bare = self.engine.terms.bare(result);
            self.engine.terms.make(Term::Failure(bare))
        };
        Some(state)
    }

    /// A constant for a flag of the callee's is a choice of this function's: it is told by the flag's name.
    fn choose(
        &mut self,
        state: &mut State,
        callee: FuncId,
        theirs: Value,
        value: Value,
        question: Question,
        answer: bool,
    ) {
        let (&Term::Param(number), Term::Const(_)) = (self.engine.terms.get(theirs), self.engine.terms.get(value))
        else {
            return;
        };
        let body = &self.engine.program.functions[callee.index()];
        let name = body.params.get(number as usize).and_then(|local| body.locals[local.index()].name);
        if let (Some(name), Question::True) = (name, question) {
            let flag = self.engine.terms.make(Term::Global(name));
            if !state.guards.contains_key(&(flag, question)) {
                state.guards.insert((flag, question), answer);
            }
        }
    }

    /// Whether the result that the callee is given as its `param` is a success, where that is known here.
    fn went_well(&mut self, state: &mut State, param: Value, call: &Call, args: &[Value]) -> Option<bool> {
        let &Term::Param(number) = self.engine.terms.get(param) else { return None };
        let arg = call.args.get(number as usize).filter(|_| args.len() == call.args.len())?;
        let given = self.operand(state, &arg.value);
        match self.engine.terms.get(given) {
            Term::Success(_) => Some(true),
            Term::Failure(_) => Some(false),
            _ => None,
        }
    }

    /// What the callee was given and let go is gone here too, but for what it gave back of it.
    fn let_go(&mut self, state: &mut State, outcome: &Outcome, translation: &mut Translation<'_>, at: At<'_>) {
        let At { call, inst, .. } = at;
        if outcome.dropped.is_empty() || state.pending.iter().all(|pending| pending.kind == Kind::Name) {
            return;
        }
        let result = translation.value(&mut self.engine.terms, outcome.result);
        let kept = self.engine.terms.parts(result);
        for (dropped, trace) in &outcome.dropped {
            // A type parameter may stand for a reference.
            let lent = |number: u16| call.args.get(number as usize).is_none_or(|arg| arg.passing != Passing::Move);
            if matches!(self.engine.terms.get(*dropped), &Term::Param(number) if lent(number)) {
                continue;
            }
            let value = translation.value(&mut self.engine.terms, *dropped);
            let value = self.engine.terms.unbuffered(value);
            let now = |&(name, field): &(Ustr, Value)| state.heap.get(&(value, name)).copied().unwrap_or(field);
            let gone: Vec<Value> = match self.engine.terms.get(value) {
                Term::Aggregate { fields, .. } => fields.iter().map(now).collect(),
                _ => vec![value],
            };
            let trace = self.engine.via(Origin { span: inst.focus, function: self.id }, trace);
            for value in gone {
                if !kept.contains(&self.engine.terms.unbuffered(value)) {
                    self.drop_value(state, value, Some(&trace), 1);
                }
            }
        }
    }

    /// Takes over names, fields, facts and pending effects of a callee.
    fn adopt(&mut self, state: &mut State, outcome: &Outcome, translation: &mut Translation<'_>, at: At<'_>) {
        let At { call, inst, .. } = at;
        let args = translation.replace.args;
        let before = state.facts.clone();
        let engine = &mut *self.engine;
        let names: Vec<_> = outcome
            .names
            .iter()
            .map(|&(path, key)| (translation.value(&mut engine.terms, path), translation.key(engine, key)))
            .collect();
        for (path, key) in names {
            if state.names.get(&path) != Some(&key) {
                state.names.insert(path, key);
            }
        }
        for &((base, name), value) in &outcome.heap {
            let terms = &mut self.engine.terms;
            let base = translation.value(terms, base);
            let base = terms.unbuffered(base);
            let value = translation.value(terms, value);
            state.heap.insert((base, name), value);
        }
        for &(key, facts) in &outcome.facts {
            let key = translation.key(self.engine, key);
            // What the callee renamed, and settled, has lost the name that was pending here.
            if facts.renamed && outcome.success {
                self.lose_made_name(state, key);
            }
            state.absorb(key, facts);
        }
        // What the callee renamed or removed has lost the name that was pending here.
        for pending in &outcome.pending {
            let file = translation.key(self.engine, pending.file);
            let removed = |old: &Pending| old.file == file;
            match pending.how {
                How::Renamed => self.lose_made_name(state, file),
                How::Removed => state.pending.retain(|old| !removed(old)),
                _ => {}
            }
        }
        let here = Origin { span: inst.focus, function: self.id };
        let read_before = read_files(&before);
        let mut adopted = Vec::with_capacity(outcome.pending.len());
        for pending in &outcome.pending {
            let terms = &mut self.engine.terms;
            if let &Term::Param(number) = terms.get(pending.file)
                && call
                    .args
                    .get(number as usize)
                    .is_some_and(|arg| matches!(arg.kind, ValueKind::Memory | ValueKind::Other))
                && args.len() == call.args.len()
                && !is_told_by_path(self.engine.program, translation.callee, number)
            {
                continue;
            }
            if pending.trace.depth() >= self.engine.plan.followed {
                continue;
            }
            let file_value = translation.value(terms, pending.file);
            let Some(when) = self.conditions(state, &pending.when, translation) else { continue };
            let terms = &mut self.engine.terms;
            // What is made of nothing (`Vec::new()`) is no file, unless it was opened: then it is a path from elsewhere.
            let is_opened = || outcome.facts.iter().any(|&(known, facts)| known == pending.file && facts.opened);
            if terms.is_of_nothing(terms.unbuffered(file_value)) && !is_opened() {
                continue;
            }
            let file = translation.key(self.engine, pending.file);
            if self.engine.terms.is_kernels(file) {
                continue;
            }
            // What was made here, or is gone already, leaves nothing behind.
            if pending.how == How::Removed
                && (self.is_gone(file) || before.get(&file).is_some_and(|facts| facts.created))
            {
                continue;
            }
            let terms = &self.engine.terms;
            let kind = if pending.kind == Kind::Data && terms.is_buffered(file_value) && pending.flushed.is_none() {
                Kind::Buffer
            } else {
                pending.kind
            };
            let dir = translation.key(self.engine, pending.dir);
            let trace = self.engine.via(here, &pending.trace);
            let flushed = pending.flushed.as_ref().map(|flush| self.engine.via(here, flush));
            let lost = pending.lost.as_ref().map(|lost| self.engine.via(here, lost));
            let in_background = pending.transit == Transit::Written
                && kind == Kind::Data
                && state.facts.get(&file).is_some_and(|facts| facts.background);
            let transit = if in_background { Transit::Background } else { pending.transit };
            let mut sources = SmallVec::new();
            if kind != Kind::Name {
                if pending.how != How::Copied {
                    add_sources(&mut sources, read_before.iter().copied());
                }
                for &source in &pending.sources {
                    let source = translation.key(self.engine, source);
                    add_sources(&mut sources, [source]);
                }
            }
            // Who had synced the file before it was given to what renames it cares for its name.
            let cared = pending.cared
                || pending.how == How::Renamed && before.get(&file).is_some_and(|facts| facts.synced && facts.written);
            let new =
                Pending { kind, file, dir, trace, flushed, transit, lost, when, sources, cared, ..pending.clone() };
            self.summary.effective = true;
            adopted.push(new);
        }
        state.add_all(&adopted);
    }
}

impl Run<'_, '_> {
    /// Whether nothing has the name any more that led there.
    fn is_gone(&self, file: Value) -> bool {
        matches!(self.engine.terms.get(file), Term::Gone(_))
    }

    /// The name that `file` was made under is no longer its name.
    fn lose_made_name(&mut self, state: &mut State, file: Value) {
        let made = |old: &Pending| {
            old.kind == Kind::Name && old.file == file && matches!(old.how, How::Created | How::MaybeCreated)
        };
        if state.pending.iter().any(made) {
            self.note_settled(state, made);
            state.pending.retain(|old| !made(old));
        }
    }

    /// The conditions of a callee's pending effect as the caller sees them; `None` if they do not hold here.
    fn conditions(&mut self, state: &State, when: &[Guard], translation: &mut Translation<'_>) -> Option<Vec<Guard>> {
        let mut told = Vec::new();
        for &(value, question, answer) in when {
            let value = translation.value(&mut self.engine.terms, value);
            match self.answer(state, value, question) {
                Some(known) if known != answer => return None,
                None if self.engine.terms.is_setting(value, question) => told.push((value, question, answer)),
                _ => {}
            }
        }
        Some(told)
    }
}

/// Whether `body` is named after a sync, and its text hides whether there is one: it calls what cannot be looked into.
fn syncs_unseen(body: &Function, summary: &Summary) -> bool {
    let hides = |inst: &Inst| match &inst.kind {
        InstKind::Call(call) => matches!(call.callee, Callee::Unknown | Callee::Value(_)),
        _ => false,
    };
    let asks = asks_for_a_sync(&body.short_name);
    (asks || names_a_sync(&body.short_name))
        && summary.outcomes.iter().all(|outcome| outcome.killed.is_empty() && !outcome.all_killed)
        && (asks
            || summary.bounded
            || !body.unread.is_empty()
            || body.blocks.iter().flat_map(|block| &block.insts).any(hides))
}

/// What of `pending` survives the callee's syncs and flushes up to its act.
fn still_pending(
    terms: &Terms,
    pending: &Shared<Vec<Pending>>,
    killed: &[(Value, Kind)],
    flushed: &[Value],
    all_killed: bool,
    vague: bool,
) -> Shared<Vec<Pending>> {
    let drained = |pending: &Pending| pending.kind == Kind::Buffer && flushed.contains(&pending.file);
    let gone = |pending: &Pending| match pending.kind {
        Kind::Buffer if !drained(pending) => false,
        kind => {
            let kind = if kind == Kind::Buffer { Kind::Data } else { kind };
            all_killed || killed.iter().any(|&(key, of)| of == kind && is_settled_as(kind, pending, key, terms))
        }
    };
    let untouched = |pending: &Pending| !drained(pending) && !gone(pending) && (pending.doubt || !vague);
    if pending.iter().all(untouched) {
        return pending.clone();
    }
    let survives = |old: &Pending| {
        let mut pending = old.clone();
        if drained(old) {
            pending.kind = Kind::Data;
        }
        pending.doubt |= vague;
        pending
    };
    pending.iter().filter(|pending| !gone(pending)).map(survives).collect::<Vec<_>>().into()
}

/// Adds what is not there yet.
fn extend_with<T: Copy + PartialEq>(list: &mut Shared<Vec<T>>, more: &[T]) {
    for one in more {
        if !list.contains(one) {
            list.push(*one);
        }
    }
}

fn translate_act(act: Act, translation: &mut Translation<'_>, engine: &mut Engine<'_>) -> Act {
    match act {
        Act::Rename { file, from, to, temporary } => Act::Rename {
            file: translation.key(engine, file),
            from: translation.value(&mut engine.terms, from),
            to: translation.value(&mut engine.terms, to),
            temporary,
        },
        Act::Link { file, to } => {
            Act::Link { file: translation.key(engine, file), to: translation.value(&mut engine.terms, to) }
        }
        Act::Remove { file, path, tree } => {
            Act::Remove { file: translation.key(engine, file), path: translation.value(&mut engine.terms, path), tree }
        }
        Act::Cut { file, by_handle } => Act::Cut { file: translation.key(engine, file), by_handle },
        Act::WriteOver { file } => Act::WriteOver { file: translation.key(engine, file) },
        Act::Sync { file } => Act::Sync { file: translation.key(engine, file) },
        Act::Succeed => Act::Succeed,
    }
}

/// Whether a function is given the name of a file as a parameter, a path or a string, rather than something to write to.
fn is_told_by_path(program: &Program, function: FuncId, number: u16) -> bool {
    let function = &program.functions[function.index()];
    let local = function.params.get(number as usize).map(|local| &function.locals[local.index()]);
    local.is_some_and(|local| matches!(local.kind, ValueKind::Path | ValueKind::Other))
}
