//! Runs one function: a worklist over its blocks, with states kept apart while their answers to stable questions differ.

use super::intent::{FieldKey, stored_part, wrapped_part};
use super::live::Live;
use super::state::{
    Facts, Guard, Guards, How, Kind, MAX_SOURCES, Origin, Pending, Question, Shared, State, Trace, Transit,
    add_sources, all_among, held_by, implies, is_surely_there, join_pending, join_values, keep_common_answers,
    not_given,
};
use super::summary::{Act, Deed, Did, Outcome, Summary, Trigger};
use super::terms::{ABSENT, Fields, OF_NOTHING, Site, Term, UNIT, UNSET, Value};
use super::{Binding, Engine, IgnoredSync, Moment};
use crate::ir::{
    Base, BlockId, Call, Cond, Exit, FuncId, Function, FunctionKind, Inst, InstKind, LocalId, Operand, Place, Rvalue,
    Step, Terminator,
};
use crate::source::Span;
use litemap::LiteMap;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use smallvec::{SmallVec, smallvec};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use ustr::Ustr;

/// At most so many states are kept apart at the entry of a block.
const MAX_STATES: usize = 8;
/// A block is run at most so often for each state that is kept.
const MAX_VISITS: u32 = 24;
/// At most so many ways to leave a function by success are kept apart.
const MAX_OUTCOMES: usize = 6;
/// At most so many acts of callees are passed on to callers.
const MAX_TRIGGERS: usize = 48;

/// So much content in other things than the one that is named is passed on with the act.
const MAX_APART: usize = 4;
/// At most so many moments of one function are kept.
const MAX_MOMENTS: usize = 1024;
/// At most so many deeds are told of one function.
pub(super) const MAX_DEEDS: usize = 192;

/// How much work is done for one function. Work is counted so that a unit of it takes about as long wherever it is done: states run
/// through instructions and joined, and what callees tell to them.
#[derive(Clone, Copy)]
struct Bounds {
    /// After so much of it states are joined wherever they meet.
    hasty: usize,
    /// After so much of it the function is given up.
    work: usize,
}

impl Bounds {
    /// For a function that so many calls away from the nearest effect, for an audit or not: what functions further up leave undone was
    /// done far below, and one that reaches no effect is run for what it gives back. An audit takes its time, since what is not seen makes
    /// a cell *unknown*.
    fn at(distance: u8, audit: bool) -> Bounds {
        match (audit, distance) {
            (true, 0..=2) => Bounds { hasty: 60_000, work: 100_000 },
            (true, _) => Bounds { hasty: 15_000, work: 40_000 },
            (false, 0..=1) => Bounds { hasty: 20_000, work: 50_000 },
            (false, 2) => Bounds { hasty: 10_000, work: 20_000 },
            (false, u8::MAX) => Bounds { hasty: 2_000, work: 6_000 },
            (false, _) => Bounds { hasty: 5_000, work: 12_000 },
        }
    }
}

/// States that one state became.
type States = SmallVec<[State; 1]>;
/// Where states go on.
type Ways = SmallVec<[(BlockId, State); 2]>;

/// A call, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub call: &'a Call,
    pub inst: &'a Inst,
    pub site: Site,
}

/// The analysis of one function.
pub(super) struct Run<'e, 'p> {
    pub engine: &'e mut Engine<'p>,
    pub id: FuncId,
    pub function: &'p Function,
    binding: &'e Binding,
    entries: Vec<Vec<State>>,
    /// For each block, as bits: the states at its entry that were not run since they came or changed.
    waiting: Vec<u32>,
    heads: FxHashMap<BlockId, Vec<(Value, Question, bool)>>,
    pub summary: Summary,
    exits: Vec<(State, Value, bool, Span)>,
    pub moments: Vec<Moment>,
    /// Where in `moments` those of one act at one place are.
    moment_index: FxHashMap<(*const Trace, Act, bool), Vec<usize>>,
    /// The block (in reverse post-order) and instruction that is run.
    position: (usize, usize),
    /// Where that instruction stands.
    pub focus: Span,
    deeds: BTreeMap<(usize, usize, usize), Deed>,
    live: Live,
    /// Work done so far.
    pub work: usize,
    bounds: Bounds,
    /// What is given back or stored where callers see it, by any way out.
    given: FxHashSet<Value>,
    /// What gets another name, and by which file it is known.
    retired: Vec<(Value, Value)>,
    /// What takes the place of a whole parameter.
    put_back: FxHashSet<Value>,
    /// What was translated at each call.
    pub translated: FxHashMap<Site, Vec<super::calls::Translated>>,
}

impl<'e, 'p> Run<'e, 'p> {
    pub fn new(engine: &'e mut Engine<'p>, id: FuncId, binding: &'e Binding) -> Run<'e, 'p> {
        let function = &engine.program.functions[id.index()];
        let bounds = Bounds::at(engine.plan.distance[id.index()], engine.plan.tell_deeds);
        Run {
            engine,
            id,
            function,
            binding,
            entries: vec![Vec::new(); function.blocks.len()],
            waiting: vec![0; function.blocks.len()],
            heads: FxHashMap::default(),
            summary: Summary::default(),
            exits: Vec::new(),
            moments: Vec::new(),
            moment_index: FxHashMap::default(),
            position: (0, 0),
            focus: function.span,
            deeds: BTreeMap::new(),
            live: Live::of(function),
            work: 0,
            bounds,
            given: FxHashSet::default(),
            retired: Vec::new(),
            put_back: FxHashSet::default(),
            translated: FxHashMap::default(),
        }
    }

    /// Runs it to the end and sums it up.
    pub fn run(mut self) -> Summary {
        if self.function.blocks.is_empty() {
            return self.summary;
        }
        let mut entry = State::entry(self.function.locals.len());
        for (number, &param) in self.function.params.iter().enumerate() {
            entry.env[param.index()] = self.engine.terms.make(Term::Param(number as u16));
        }
        self.walk(entry);
        self.conclude()
    }

    fn walk(&mut self, entry: State) {
        let order = reverse_post_order(self.function);
        let returns = in_loops(self.function, &order);
        let mut queued: std::collections::BTreeSet<(usize, BlockId)> = Default::default();
        let mut visits = vec![0u32; self.function.blocks.len()];
        self.entries[0].push(entry);
        self.waiting[0] = 1;
        queued.insert((order[0], BlockId(0)));
        while let Some((_, block)) = queued.pop_first() {
            visits[block.index()] += 1;
            if self.work > self.bounds.work {
                self.summary.bounded = true;
                break;
            }
            if visits[block.index()] > MAX_VISITS {
                self.summary.bounded = true;
                continue;
            }
            self.position.0 = order[block.index()];
            let waiting = std::mem::take(&mut self.waiting[block.index()]);
            let is_waiting = |(number, _): &(usize, _)| waiting >> number & 1 == 1;
            // Nobody comes again to a block outside loops: its states need not be kept to be joined with others.
            let entries = &mut self.entries[block.index()];
            let states: Vec<State> = match returns[block.index()] {
                true => entries.iter().cloned().enumerate().filter(is_waiting).map(|(_, state)| state).collect(),
                false => {
                    std::mem::take(entries).into_iter().enumerate().filter(is_waiting).map(|(_, state)| state).collect()
                }
            };
            for state in states {
                for (target, mut next) in self.block(block, state) {
                    if order[target.index()] <= order[block.index()] {
                        self.forget_loop_answers(target, &mut next);
                    } else {
                        let known = self.heads.entry(target).or_default();
                        for (&(value, question), &answer) in &next.guards {
                            if known.len() >= 32 {
                                break;
                            }
                            if !known.contains(&(value, question, answer)) {
                                known.push((value, question, answer));
                            }
                        }
                    }
                    if self.arrive(block, target, next) {
                        queued.insert((order[target.index()], target));
                    }
                }
            }
        }
    }

    /// Going round a loop, questions that were asked inside it are open again.
    fn forget_loop_answers(&self, head: BlockId, state: &mut State) {
        let known = self.heads.get(&head);
        let known = |value, question, answer| known.is_some_and(|known| known.contains(&(value, question, answer)));
        // What somebody set stays so in each round.
        let terms = &self.engine.terms;
        let set = |value, question| matches!(terms.get(value), Term::Global(_)) && terms.is_setting(value, question);
        let keeps = |value, question, answer| set(value, question) || known(value, question, answer);
        if !state.guards.iter().all(|(&(value, question), &answer)| keeps(value, question, answer)) {
            state.guards.retain(|&(value, question), answer| keeps(value, question, *answer));
        }
    }

    /// Adds a state to those at the entry of `block`, where it comes to from another one; whether that told anything new.
    fn arrive(&mut self, from: BlockId, block: BlockId, mut state: State) -> bool {
        for local in self.live.ended(from, block) {
            if state.env[local] != UNSET {
                state.env[local] = UNSET;
            }
        }
        let states = &mut self.entries[block.index()];
        let terms = &mut self.engine.terms;
        let answers_so = |old: &&State| old.failing == state.failing && old.guards == state.guards;
        let same_answers: SmallVec<[bool; MAX_STATES]> = states.iter().map(|old| answers_so(&old)).collect();
        let alike = || states.iter().enumerate().filter(|(at, _)| same_answers[*at]);
        if alike().any(|(_, old)| old.same_content(&state)) {
            return false;
        }
        let place = alike()
            .find(|(_, old)| !old.contradicts(&state, terms))
            .map(|(at, _)| at)
            .or_else(|| states.iter().position(|old| old.same_content(&state)))
            .or_else(|| {
                let hasty = self.work > self.bounds.hasty;
                self.summary.bounded |= hasty;
                states.iter().position(|old| hasty && old.failing == state.failing)
            })
            .or_else(|| crowded(states, &state, terms, None));
        let waiting = &mut self.waiting[block.index()];
        let Some(place) = place else {
            *waiting |= 1 << states.len();
            states.push(state);
            return true;
        };
        let site = terms.site(self.id, 0x8000_0000 | block.0);
        self.work += (states[place].size() + state.size()) / 20;
        let changed = states[place].join(&state, terms, site);
        *waiting |= u32::from(changed) << place;
        changed
    }

    fn block(&mut self, block: BlockId, state: State) -> Ways {
        let body = &self.function.blocks[block.index()];
        let mut states: States = smallvec![state];
        // Whether some of them may have become equal.
        let mut unmerged = false;
        for (number, inst) in body.insts.iter().enumerate() {
            self.position.1 = number;
            self.focus = inst.focus;
            let cost = |state: &State| 1 + (state.pending.len() + state.heap.len() + state.guards.len()) / 8;
            self.work += states.iter().map(cost).sum::<usize>();
            let point = (block.0 << 10) | (number as u32 & 0x3ff);
            match &inst.kind {
                InstKind::Assign { place, value } => {
                    for state in &mut states {
                        let value = self.rvalue(state, value, point);
                        self.assign(state, place, value);
                    }
                    unmerged = states.len() > 1;
                }
                InstKind::Drop(local) => {
                    for state in &mut states {
                        let value = state.env[local.index()];
                        let trace = self.here(inst);
                        self.drop_value(state, value, Some(&trace), 0);
                    }
                    unmerged = states.len() > 1;
                }
                InstKind::Call(call) => {
                    let site = self.engine.terms.site(self.id, point);
                    if std::mem::take(&mut unmerged) {
                        merge_equal(&mut states);
                    }
                    let mut next = States::new();
                    for state in states {
                        for new in self.call(state, At { call, inst, site }) {
                            merge_into(&mut next, new, &mut self.engine.terms, site, call.result);
                        }
                    }
                    states = next;
                }
            }
            // A text without branches can be long too.
            if self.work > 2 * self.bounds.work {
                self.summary.bounded = true;
                return Ways::new();
            }
            if states.is_empty() {
                return Ways::new();
            }
        }
        let mut out = Ways::new();
        for state in states {
            self.work += 4 + state.env.len() / 256;
            self.summary.bounded |= state.overfull;
            self.end(&body.end, state, &mut out);
        }
        out
    }

    fn end(&mut self, end: &Terminator, mut state: State, out: &mut Ways) {
        match end {
            Terminator::Goto(target) => out.push((*target, state)),
            Terminator::Branch { cond, then, otherwise, .. } => self.branch(cond, *then, *otherwise, state, out),
            Terminator::Return { value, exit, span } => {
                let value = self.operand(&mut state, value);
                let success = match exit {
                    Exit::Success => true,
                    Exit::Failure => false,
                    Exit::AsValue => self.answer(&state, value, Question::Succeeded).unwrap_or(true),
                };
                self.leave(state, value, success, *span);
            }
            Terminator::Abort | Terminator::Unreachable => {}
        }
    }

    fn branch(&mut self, cond: &Cond, then: BlockId, otherwise: BlockId, mut state: State, out: &mut Ways) {
        let (value, question) = match cond {
            Cond::Unknown => {
                out.push((then, state.clone()));
                out.push((otherwise, state));
                return;
            }
            Cond::Succeeded(value) => {
                let value = self.operand(&mut state, value);
                if matches!(self.engine.terms.get(value), Term::Failure(_)) && !self.is_passed_over(then, otherwise) {
                    state.look_at_failures();
                }
                (value, Question::Succeeded)
            }
            Cond::Present(asked) => {
                let value = self.operand(&mut state, asked);
                // What was put into a collection does not tell whether there is one left.
                if is_element(asked) && is_surely_there(self.engine.terms.get(value)) {
                    out.push((then, state.clone()));
                    out.push((otherwise, state));
                    return;
                }
                (value, Question::Present)
            }
            Cond::True(value) => {
                let value = self.operand(&mut state, value);
                // Of a result that went well it is asked what it holds.
                let value = self.engine.terms.bare(value);
                let (value, negated) = self.engine.terms.unnegated(value);
                if negated {
                    return self.ask(value, Question::True, [otherwise, then], state, out);
                }
                (value, Question::True)
            }
            Cond::Variant(value, name) => (self.operand(&mut state, value), Question::Variant(*name)),
        };
        self.ask(value, question, [then, otherwise], state, out);
    }

    /// Whether nothing is done where something failed but to go on as where it went well: `if write().is_ok() { … }`.
    fn is_passed_over(&self, well: BlockId, failed: BlockId) -> bool {
        let block = |id: BlockId| &self.function.blocks[id.index()];
        let insts = || self.function.blocks.iter().flat_map(|block| &block.insts);
        // What the whole comes to, if it comes to nothing either way.
        let comes_to_nothing = |known: &Place| {
            insts().all(|inst| match &inst.kind {
                InstKind::Assign { place, value } => place != known || matches!(value, Rvalue::Use(Operand::Unit)),
                _ => true,
            })
        };
        let does_nothing = |inst: &Inst| match &inst.kind {
            InstKind::Drop(_) => true,
            InstKind::Assign { place, .. } => comes_to_nothing(place),
            InstKind::Call(_) => false,
        };
        let (mut at, mut seen) = (failed, 0);
        // As long as there is nothing but to go on.
        while seen < 4 && block(at).insts.iter().all(does_nothing) {
            let Terminator::Goto(next) = block(at).end else { break };
            (at, seen) = (next, seen + 1);
        }
        at != failed && self.reaches(well, at)
    }

    /// Whether one block lies on some way from another that stays in one round of a loop.
    fn reaches(&self, from: BlockId, to: BlockId) -> bool {
        let mut seen = vec![false; self.function.blocks.len()];
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if at == to {
                return true;
            }
            if !std::mem::replace(&mut seen[at.index()], true) {
                open.extend(self.function.blocks[at.index()].end.successors());
            }
        }
        false
    }

    /// Goes on to the first target if the answer is yes, to the second if it is no, to both if it is open.
    fn ask(
        &mut self,
        value: Value,
        question: Question,
        [then, otherwise]: [BlockId; 2],
        mut state: State,
        out: &mut Ways,
    ) {
        match self.answer(&state, value, question) {
            Some(true) => out.push((then, state)),
            Some(false) => out.push((otherwise, state)),
            None => {
                let mut no = state.clone();
                self.found_absent(&mut no, value, question);
                self.found_there(&mut state, value, question);
                self.found_content(&mut state, value, question, true);
                self.found_content(&mut no, value, question, false);
                self.found_failed(&mut no, value, question);
                state.guards.insert((value, question), true);
                no.guards.insert((value, question), false);
                out.push((then, state));
                out.push((otherwise, no));
            }
        }
    }

    /// What was asked whether it went well, and did not, is a failure from here on: ways on which different things failed can be
    /// joined, and it is still one.
    fn found_failed(&mut self, state: &mut State, value: Value, question: Question) {
        if question != Question::Succeeded || !matches!(self.engine.terms.get(value), Term::Op(..) | Term::Fresh(..)) {
            return;
        }
        let failure = self.engine.terms.make(Term::Failure(value));
        for local in 0..state.env.len() {
            if state.env[local] == value {
                state.env[local] = failure;
            }
        }
    }

    /// A question about a path got the answer no: if it asks whether something is there, or to read it, nothing is.
    fn found_absent(&mut self, state: &mut State, value: Value, question: Question) {
        match self.engine.terms.get(value) {
            Term::Op(name, args)
                if args.len() == 1
                    && asks_for_presence(name)
                    && matches!(question, Question::Succeeded | Question::True) =>
            {
                let path = args[0];
                let file = self.file_of(state, path);
                let fact = state.fact(file);
                (fact.absent, fact.unusable) = (true, true);
            }
            Term::Fresh(..) if matches!(question, Question::Succeeded | Question::Present) => {
                if let Some(&(file, direct)) = self.engine.read_results.get(&(self.id, value)) {
                    let file = self.file_of(state, file);
                    let fact = state.fact(file);
                    fact.absent |= direct && question == Question::Succeeded;
                    fact.unusable = true;
                }
            }
            _ => {}
        }
    }

    /// A question whether a file holds something got an answer: one that does was there, and has its name.
    fn found_content(&mut self, state: &mut State, value: Value, question: Question, answer: bool) {
        let terms = &self.engine.terms;
        let (value, negated) = terms.unnegated(value);
        let (Question::True, Term::Op(name, args)) = (question, terms.get(value)) else { return };
        let is_zero =
            |value: Value| matches!(terms.get(value), Term::Const(text) if text == "0" || text.starts_with("0u"));
        let measured = match (name.as_str(), &args[..], answer != negated) {
            ("==", &[zero, length], false) | ("==", &[length, zero], false) if is_zero(zero) => length,
            (">", &[length, zero], true) | ("<", &[zero, length], true) if is_zero(zero) => length,
            _ => return,
        };
        let of = match terms.get(measured) {
            Term::Op(name, args) if args.len() == 1 && matches!(name.as_str(), "len" | "size") => args[0],
            _ => measured,
        };
        let known = |value: Value| self.engine.lengths.get(&(self.id, value)).copied();
        let Some(file) = known(measured).or_else(|| known(of)) else { return };
        let is_named =
            |pending: &Pending| pending.kind == Kind::Name && pending.how == How::MaybeCreated && pending.file == file;
        if state.pending.iter().any(is_named) {
            state.pending.retain(|pending| !is_named(pending));
        }
    }

    /// A question about a path got the answer yes: a file that is made if it is not there was there, and has its name.
    fn found_there(&mut self, state: &mut State, value: Value, question: Question) {
        if question != Question::True {
            return;
        }
        if let Term::Op(name, args) = self.engine.terms.get(value)
            && args.len() == 1
            && asks_for_presence(name)
        {
            let path = args[0];
            let file = self.file_of(state, path);
            let is_named = |pending: &Pending| {
                pending.kind == Kind::Name && pending.how == How::MaybeCreated && pending.file == file
            };
            if state.pending.iter().any(is_named) {
                state.pending.retain(|pending| !is_named(pending));
            }
        }
    }

    /// The answer to `question` about `value`, where the value or an earlier answer tells.
    pub fn answer(&mut self, state: &State, value: Value, question: Question) -> Option<bool> {
        if let Some(&known) = state.guards.get(&(value, question)) {
            return Some(known);
        }
        let terms = &self.engine.terms;
        match (question, terms.get(value)) {
            (Question::Succeeded, Term::Success(_)) => Some(true),
            (Question::Succeeded, Term::Failure(_)) => Some(false),
            (Question::Present, Term::Success(inner)) => {
                let inner = *inner;
                self.answer(state, inner, question)
            }
            (Question::Present, Term::Absent) => Some(false),
            (Question::Present, there) if is_surely_there(there) => Some(true),
            // Every path that names a file has a directory.
            (Question::Present, Term::Op(name, _)) if *name == terms.ops.parent || *name == terms.ops.join => {
                Some(true)
            }
            (Question::True, Term::Const(text)) if text == "true" => Some(true),
            (Question::True, Term::Const(text)) if text == "false" => Some(false),
            (Question::True, Term::Op(name, args)) if name == "!" && args.len() == 1 => {
                let inner = args[0];
                self.answer(state, inner, question).map(|answer| !answer)
            }
            (Question::True, Term::Op(name, args)) if name == "==" && args.len() == 2 => {
                let same = args[0] == args[1];
                let constant = |value: Value| matches!(terms.get(value), Term::Const(_));
                (same || constant(args[0]) && constant(args[1])).then_some(same)
            }
            // Where a path has a directory, that has a name.
            (Question::True, Term::Op(name, args))
                if name == "is_empty" && args.len() == 1 && terms.is_bare_parent(args[0]) =>
            {
                Some(false)
            }
            // What a directory was found to hold, and nobody removed since, is there.
            (Question::True, Term::Op(name, args))
                if (name == "exists" || name == "try_exists") && args.len() == 1 && terms.is_entry(args[0]) =>
            {
                let key = state.key(args[0]);
                let gone = matches!(terms.get(key), Term::Gone(_))
                    || state.pending.iter().any(|pending| pending.file == key && pending.how == How::Removed);
                (!gone).then_some(true)
            }
            // What was made here, or has a new name in it, is there.
            (Question::True, Term::Op(name, args)) if (name == "exists" || name == "is_dir") && args.len() == 1 => {
                let key = state.key(args[0]);
                let made = state.pending.iter().any(|pending| {
                    pending.kind == Kind::Name
                        && (pending.dir == key
                            // It may have been asked before the file was made, if it was not there.
                            || pending.file == key && !matches!(pending.how, How::Removed | How::MaybeCreated))
                });
                (made && !matches!(terms.get(key), Term::Gone(_))).then_some(true)
            }
            (Question::Variant(name), Term::Const(text)) => Some(*text == name),
            (Question::Variant(name), Term::Aggregate { type_name: Some(text), .. }) => Some(*text == name),
            (Question::Variant(name), _) => state
                .guards
                .iter()
                .any(|(&(other, question), &answer)| {
                    other == value && answer && matches!(question, Question::Variant(is) if is != name)
                })
                .then_some(false),
            _ => None,
        }
    }

    /// A value goes away, where `trace` says: what its buffers held reaches the kernel, errors unseen; but not through a handle that
    /// finishes its writes in the background, which waits for nothing.
    pub fn drop_value(&mut self, state: &mut State, value: Value, trace: Option<&Arc<Trace>>, depth: usize) {
        let buffered = self.engine.terms.is_buffered(value);
        let value = self.engine.terms.unbuffered(value);
        if let &Term::Param(number) = self.engine.terms.get(value)
            && self.function.params.get(number as usize).is_some_and(|local| self.function.locals[local.index()].lent)
        {
            // A buffer around what was lent goes; what it stood around stays.
            if buffered {
                let file = self.file_of(state, value);
                self.drain(state, file, None);
            }
            return;
        }
        if let (Term::Param(_), Some(trace)) = (self.engine.terms.get(value), trace)
            && !state.past.dropped.iter().any(|(dropped, _)| *dropped == value)
        {
            state.past.dropped.push((value, trace.clone()));
        }
        if state.pending.iter().all(|pending| pending.kind == Kind::Name) || depth > 3 {
            return;
        }
        if let Term::Aggregate { fields, .. } = self.engine.terms.get(value).clone() {
            for (name, field) in fields {
                let field = state.heap.get(&(value, name)).copied().unwrap_or(field);
                self.drop_value(state, field, trace, depth + 1);
            }
            return;
        }
        let file = self.file_of(state, value);
        let held = !matches!(self.engine.terms.get(value), Term::Handle { .. } | Term::Param(_));
        if let Some(trace) = trace
            && (!held || self.is_captured(value))
        {
            self.lose(state, file, trace);
        }
        self.drain(state, file, None);
        for pending in &mut state.pending {
            if pending.file == file && pending.kind == Kind::Data && !held {
                pending.closed = true;
            }
            // What a record owned goes with it.
            if pending.kind == Kind::Data && self.engine.terms.is_part(pending.file, value) {
                pending.closed = true;
            }
        }
    }

    /// Whether the value is what a function value captured.
    fn is_captured(&self, value: Value) -> bool {
        let captured = |base: &Value| matches!(self.engine.terms.get(*base), Term::Param(0));
        matches!(self.function.kind, FunctionKind::Closure { .. })
            && matches!(self.engine.terms.get(value), Term::Field(base, _) if captured(base))
    }

    /// The handle of `file` goes away: what it had not handed to the kernel yet is lost. Behind a failure nobody counts on it.
    fn lose(&mut self, state: &mut State, file: Value, trace: &Arc<Trace>) {
        if state.failing {
            return;
        }
        let background = state.facts.get(&file).is_some_and(|facts| facts.background);
        let lost = |pending: &Pending| {
            pending.file == file
                && pending.lost.is_none()
                && (pending.transit == Transit::Background || background && pending.kind == Kind::Buffer)
        };
        if state.pending.iter().any(lost) {
            for pending in state.pending.iter_mut().filter(|pending| lost(pending)) {
                pending.lost = Some(trace.clone());
            }
        }
    }

    /// User-space buffers of `file` reach the kernel; by a flush at `flush`, if that is given.
    pub fn drain(&mut self, state: &mut State, file: Value, flush: Option<&Arc<Trace>>) {
        let keys = self.keys_pending(state, file);
        let mut moved = Vec::new();
        state.pending.retain_mut(|pending| {
            if keys.contains(&pending.file) {
                pending.transit = Transit::Arrived;
                if let Some(flush) = flush {
                    pending.flushed = Some(flush.clone());
                }
                if pending.kind == Kind::Buffer {
                    pending.kind = Kind::Data;
                    moved.push(pending.clone());
                    return false;
                }
            }
            true
        });
        for pending in moved {
            state.add(pending);
        }
    }

    /// `file` and, if it stands for several, those.
    pub fn keys(&mut self, state: &State, file: Value) -> Vec<Value> {
        let mut keys = vec![file];
        for alternative in self.several(state, file, 0) {
            let key = match *self.engine.terms.get(self.engine.terms.unbuffered(alternative)) {
                Term::Handle { file, .. } => file,
                Term::Field(..) => match self.engine.linked(self.id, &state.heap, alternative) {
                    Some(path) => held_by(&state.names, path, &self.engine.terms),
                    None => alternative,
                },
                _ => alternative,
            };
            keys.push(key);
        }
        keys
    }

    /// As [`Run::keys`], with what is pending for a file that stands for nothing but some of these: where ways meet several times, one
    /// thing gets several names.
    pub fn keys_pending(&mut self, state: &State, file: Value) -> Vec<Value> {
        let mut keys = self.keys(state, file);
        if keys.len() == 1 || !self.engine.plan.tell_deeds {
            return keys;
        }
        let mut others: Vec<Value> = state.pending.iter().flat_map(|pending| [pending.file, pending.dir]).collect();
        others.sort_unstable();
        others.dedup();
        for other in others {
            if !keys.contains(&other) {
                let stands_for = self.keys(state, other);
                if stands_for.len() > 1 && stands_for[1..].iter().all(|one| keys.contains(one)) {
                    keys.push(other);
                }
            }
        }
        keys
    }

    /// What `value` stands for, if it is a join of several, or lies in one: then it lies in each of those.
    fn several(&mut self, state: &State, value: Value, depth: u8) -> Vec<Value> {
        let own = self.engine.terms.alternatives(value);
        // Findings are told of what is left for sure by one name; a table tells of all that a store may have left.
        if !own.is_empty() || depth > 2 || !self.engine.plan.tell_deeds {
            return own.to_vec();
        }
        let Term::Field(base, name) = *self.engine.terms.get(value) else { return Vec::new() };
        let bases = self.several(state, base, depth + 1);
        bases.into_iter().map(|base| self.load(state, base, name)).collect()
    }

    // ---- values ----

    pub fn operand(&mut self, state: &mut State, operand: &Operand) -> Value {
        match operand {
            Operand::Place(place) => self.read(state, place),
            Operand::Const(text) => self.engine.terms.make(Term::Const(*text)),
            Operand::Absent => ABSENT,
            Operand::Unit => UNIT,
        }
    }

    fn read(&mut self, state: &State, place: &Place) -> Value {
        let mut value = match place.base {
            Base::Local(local) => self.local(state, local),
            Base::Global(name) => self.engine.terms.make(Term::Global(name)),
        };
        for step in &place.steps {
            value = match step {
                Step::Field { name, owner } => {
                    let field = self.load(state, value, *name);
                    if let Some(owner) = owner {
                        self.note_field(field, (*owner, *name));
                    }
                    field
                }
                Step::Element => {
                    let list = self.engine.terms.unbuffered(value);
                    let element = match state.heap.get(&(list, self.engine.terms.ops.element)) {
                        Some(&element) => element,
                        None => self.engine.terms.element(value),
                    };
                    for field in self.engine.fields_of(self.id, value).to_vec() {
                        self.note_field(element, field);
                    }
                    element
                }
            };
        }
        value
    }

    fn local(&mut self, state: &State, local: LocalId) -> Value {
        match state.env[local.index()] {
            UNSET => {
                let site = self.engine.terms.site(self.id, 0xC000_0000);
                self.engine.terms.make(Term::Fresh(site, local.0))
            }
            value => value,
        }
    }

    /// A field as the heap has it.
    pub fn load(&mut self, state: &State, base: Value, name: ustr::Ustr) -> Value {
        let base = self.engine.terms.unbuffered(base);
        match state.heap.get(&(base, name)) {
            Some(&value) => value,
            None => self.engine.terms.field(base, name),
        }
    }

    /// Remembers from or to which field a value goes.
    pub fn note_field(&mut self, value: Value, field: FieldKey) {
        self.engine.note_field(self.id, value, field, true);
    }

    pub fn assign(&mut self, state: &mut State, place: &Place, value: Value) {
        let Some((last, front)) = place.steps.split_last() else {
            if let Base::Local(local) = place.base {
                state.env[local.index()] = value;
                if self.function.params.contains(&local) {
                    self.put_back.insert(value);
                }
            }
            return;
        };
        let base = self.read(state, &Place { base: place.base, steps: front.iter().copied().collect() });
        if let Step::Field { name, owner } = last {
            let base = self.engine.terms.unbuffered(base);
            if let Some(owner) = owner {
                self.note_field(value, (*owner, *name));
                self.check_link(state, base, (*owner, *name), value);
            }
            state.heap.insert((base, *name), value);
        } else {
            self.put_in(state, base, value);
        }
    }

    /// Puts a value into a collection: its element is this, or what it was before.
    fn put_in(&mut self, state: &mut State, list: Value, value: Value) {
        let list = self.engine.terms.unbuffered(list);
        // Of a collection that was not made here nothing is known.
        if !self.engine.terms.is_of_nothing(list) {
            return;
        }
        let place = (list, self.engine.terms.ops.element);
        let value = self.engine.terms.bare(value);
        let joined = match state.heap.get(&place) {
            Some(&old) => {
                let site = self.engine.terms.site(self.id, 0xB000_0000);
                join_values(old, value, &mut self.engine.terms, site, list.0)
            }
            None => value,
        };
        state.heap.insert(place, joined);
    }

    fn rvalue(&mut self, state: &mut State, value: &Rvalue, point: u32) -> Value {
        match value {
            Rvalue::Use(operand) => self.operand(state, operand),
            Rvalue::Success(operand) => {
                let inner = self.operand(state, operand);
                let inner = self.engine.terms.bare(inner);
                self.engine.terms.make(Term::Success(inner))
            }
            Rvalue::Failure(operand) => {
                let inner = self.operand(state, operand);
                let inner = self.engine.terms.bare(inner);
                self.engine.terms.make(Term::Failure(inner))
            }
            Rvalue::Aggregate { type_name, fields, base } => {
                let site = self.engine.terms.site(self.id, point);
                self.aggregate(state, *type_name, fields, base.as_ref(), site)
            }
            Rvalue::Closure { function, captures } => {
                let captures = captures.iter().map(|(name, operand)| (*name, self.operand(state, operand))).collect();
                self.engine.terms.make(Term::Closure(*function, captures))
            }
            Rvalue::FunctionValue(functions) => self.engine.terms.make(Term::Functions(functions.clone())),
            // Each collection is its own, however empty.
            Rvalue::Op { op, args } if args.is_empty() && !op.starts_with("format:") => {
                let site = self.engine.terms.site(self.id, point);
                self.fresh(state, site, OF_NOTHING)
            }
            Rvalue::Op { op, args } => {
                let args: SmallVec<[Value; 4]> = args.iter().map(|arg| self.operand(state, arg)).collect();
                self.engine.terms.op(*op, &args)
            }
            Rvalue::Opaque(_) => {
                let site = self.engine.terms.site(self.id, point);
                self.fresh(state, site, 0)
            }
        }
    }

    fn aggregate(
        &mut self,
        state: &mut State,
        type_name: Option<ustr::Ustr>,
        fields: &[(ustr::Ustr, Operand)],
        base: Option<&Operand>,
        site: Site,
    ) -> Value {
        let mut values = Fields::default();
        for (name, operand) in fields {
            let value = self.operand(state, operand);
            let value = self.engine.terms.bare(value);
            // What tells of a path, as an error does, is no place where a file lives.
            let tells = (name.contains('.') || type_name.is_some_and(|of| self.engine.program.failures.contains(&of)))
                && !matches!(self.engine.terms.get(self.engine.terms.unbuffered(value)), Term::Handle { .. });
            if let Some(owner) = type_name.filter(|_| !tells) {
                self.note_field(value, (owner, *name));
            }
            values.push((*name, value));
        }
        if let Some(base) = base {
            let base = self.operand(state, base);
            let base = self.engine.terms.unbuffered(base);
            if let Term::Aggregate { fields, .. } = self.engine.terms.get(base).clone() {
                for field in fields {
                    if !values.iter().any(|(name, _)| *name == field.0) {
                        values.push(field);
                    }
                }
            }
        }
        if let Some(owner) = type_name {
            self.learn_links(state, owner, &values);
            self.learn_write_through(state, owner, &values);
        }
        self.engine.terms.make(Term::Aggregate { site, type_name, fields: values })
    }

    /// Something new; answers about what was made here before are forgotten.
    pub fn fresh(&mut self, state: &mut State, site: Site, number: u32) -> Value {
        let value = self.engine.terms.make(Term::Fresh(site, number));
        let terms = &self.engine.terms;
        // A term is younger than its parts.
        let tells = |about: Value| about >= value && terms.parts(about).contains(&value);
        if state.guards.keys().any(|(about, _)| tells(*about)) {
            state.guards.retain(|(about, _), _| !tells(*about));
        }
        value
    }

    /// The key of the file that a handle or path leads to.
    pub fn file_of(&mut self, state: &State, value: Value) -> Value {
        let value = self.engine.terms.unbuffered(value);
        let value = self.engine.terms.behind_descriptor(value).unwrap_or(value);
        let key = match self.engine.terms.get(value) {
            Term::Handle { file, .. } => return *file,
            _ => value,
        };
        if let Some(path) = self.engine.linked(self.id, &state.heap, key) {
            return held_by(&state.names, path, &self.engine.terms);
        }
        let alternatives = self.engine.terms.alternatives(key);
        if !alternatives.is_empty() {
            let mut keys = self.keys(state, key);
            keys.remove(0);
            keys.dedup();
            if keys.len() == 1 {
                return keys[0];
            }
        }
        state.key(key)
    }

    /// Learns which fields hold handles whose writes are durable by the way they were opened.
    fn learn_write_through(&mut self, state: &State, owner: ustr::Ustr, fields: &[(ustr::Ustr, Value)]) {
        for &(name, value) in fields {
            if let Term::Handle { file, .. } = *self.engine.terms.get(self.engine.terms.unbuffered(value))
                && state.facts.get(&file).is_some_and(|facts| facts.write_through)
            {
                self.engine.intents.write_through_fields.insert((owner, name));
            }
        }
    }

    /// Learns from a record that holds a handle, itself or in a record in it, and the path it was opened by, or a directory that the
    /// path starts from.
    fn learn_links(&mut self, state: &State, owner: ustr::Ustr, fields: &[(ustr::Ustr, Value)]) {
        let me = self.engine.terms.make(Term::Param(0));
        for (field, file) in self.handles(state, fields) {
            let name = field.split('.').next().unwrap_or_default();
            let known: FxHashMap<Value, Value> = fields
                .iter()
                .filter(|(other, value)| {
                    *other != name && !matches!(self.engine.terms.get(*value), Term::Const(_) | Term::Handle { .. })
                })
                .map(|&(other, value)| (self.engine.terms.unbuffered(value), other))
                .collect::<Vec<_>>()
                .into_iter()
                .map(|(value, other)| (value, self.engine.terms.make(Term::Field(me, other))))
                .collect();
            // Two handles of one file: the later field stands for the earlier.
            let twin = fields.iter().take_while(|(other, _)| *other != name).find(|(_, value)| {
                let value = self.engine.terms.unbuffered(*value);
                matches!(self.engine.terms.get(value), Term::Handle { file: same, .. } if *same == file)
                    || value == file
            });
            let path = match twin {
                Some(&(other, _)) => Some(self.engine.terms.make(Term::Field(me, other))),
                None => self.engine.terms.rebase(file, &known),
            };
            self.engine.learn_link((owner, field), path);
        }
    }

    /// The handles in `fields`, and in records there, by field (`table.out`), with the keys of their files.
    fn handles(&self, state: &State, fields: &[(Ustr, Value)]) -> Vec<(Ustr, Value)> {
        let mut found = Vec::new();
        for &(name, value) in fields {
            match self.engine.terms.get(self.engine.terms.unbuffered(value)) {
                Term::Handle { file, .. } => found.push((name, *file)),
                Term::Aggregate { fields: inner, .. } => {
                    let record = self.engine.terms.unbuffered(value);
                    let before = found.len();
                    for &(inner_name, inner) in inner {
                        let inner = state.heap.get(&(record, inner_name)).copied().unwrap_or(inner);
                        if let Term::Handle { file, .. } = self.engine.terms.get(self.engine.terms.unbuffered(inner)) {
                            found.push((Ustr::from(&format!("{name}.{inner_name}")), *file));
                        }
                    }
                    // A record around one handle stands for it.
                    if let [(_, file)] = found[before..] {
                        found.push((name, file));
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// The path of a file, if that is another field of the `record` that its handle is put into. What a path is made of can change later.
    fn told_beside(&mut self, state: &State, record: Value, file: Value) -> Option<Value> {
        match *self.engine.terms.get(file) {
            Term::Field(base, name) if base == record && !state.heap.contains_key(&(base, name)) => {
                let me = self.engine.terms.make(Term::Param(0));
                Some(self.engine.terms.field(me, name))
            }
            _ => None,
        }
    }

    /// A handle to some other file is put into a field: its path cannot be told from the record any more.
    fn check_link(&mut self, state: &State, record: Value, field: FieldKey, value: Value) {
        for (name, file) in self.handles(state, &[(field.1, value)]) {
            let field = (field.0, name);
            if !self.engine.has_link(field) {
                let path = self.told_beside(state, record, file);
                self.engine.learn_link(field, path);
                continue;
            }
            let link = self.engine.link(field);
            // As the fields are by now.
            let told = link.map(|path| self.engine.tell(self.id, &state.heap, path, record));
            if told != Some(file) {
                self.engine.unlinked |= link.is_some();
                self.engine.intents.links.insert(field, None);
            }
        }
    }

    // ---- the story ----

    /// The trace of something done right here.
    pub fn here(&mut self, inst: &Inst) -> Arc<Trace> {
        self.engine.here(Origin { span: inst.focus, function: self.id })
    }

    /// An act falls due: recorded as a moment if something is pending, and as a trigger for callers.
    pub fn act(&mut self, state: &State, act: Act, trace: Arc<Trace>) {
        self.summary.effective = true;
        self.moment(state, act, trace.clone(), state.pending.clone(), state.failing);
        self.trigger(state, act, trace);
    }

    pub fn moment(&mut self, state: &State, act: Act, trace: Arc<Trace>, pending: Shared<Vec<Pending>>, failing: bool) {
        if act.operands().any(|operand| self.engine.terms.is_kernels(operand)) {
            return;
        }
        // Several states can come here by one path, and come again as they grow: what any of them has counts.
        let guards = || state.guards.iter().map(|(&(value, question), &answer)| (value, question, answer));
        let alike = self.moment_index.entry((Arc::as_ptr(&trace), act, failing)).or_default();
        let old = alike.iter().copied().find(|&at| self.moments[at].guards.iter().copied().eq(guards()));
        if let Some(at) = old {
            let old = &mut self.moments[at];
            if !old.pending.is(&pending) && !all_among(&pending, &old.pending) {
                for pending in &pending {
                    if !old.pending.contains(pending) {
                        old.pending.push(pending.clone());
                    }
                }
            }
            let before = std::mem::replace(&mut old.facts, state.facts.clone());
            for (file, facts) in before.iter().filter(|(_, facts)| !facts.unusable) {
                if old.facts.get(file).is_some_and(|now| now.unusable) {
                    old.facts.insert(*file, Facts { unusable: false, ..*facts });
                }
            }
            old.vague_sync |= state.vague_sync;
        } else if self.moments.len() < MAX_MOMENTS {
            alike.push(self.moments.len());
            self.moments.push(Moment {
                function: self.id,
                act,
                trace,
                pending,
                guards: guards().collect(),
                failing,
                vague_sync: state.vague_sync,
                facts: state.facts.clone(),
                killed: state.past.killed.clone(),
                flushed: state.past.flushed.clone(),
            });
        }
    }

    /// Passes on an act that came in `state` to callers.
    pub fn trigger(&mut self, state: &State, act: Act, trace: Arc<Trace>) {
        if trace.depth() > self.engine.plan.followed || self.trigger_again(state, act, &trace) {
            return;
        }
        if act.operands().any(|operand| self.engine.terms.is_kernels(operand)) {
            return;
        }
        if self.summary.triggers.len() >= MAX_TRIGGERS {
            self.summary.acts_lost = true;
            return;
        }
        self.summary.triggers.push(Trigger {
            act,
            trace,
            killed: state.past.killed.to_vec(),
            flushed: state.past.flushed.to_vec(),
            all_killed: state.all_killed,
            guards: self.stable_guards(state),
            failing: state.failing,
            vague_sync: state.vague_sync,
            facts: state.facts.iter().map(|(file, facts)| (*file, *facts)).collect(),
            apart: self.apart(state, act),
        });
    }

    /// What is pending in one thing that was given to this function when another one gets a name.
    fn apart(&self, state: &State, act: Act) -> Vec<Pending> {
        let (Act::Rename { file: named, .. } | Act::Link { file: named, .. }) = act else { return Vec::new() };
        let terms = &self.engine.terms;
        let is_given = |file: Value| matches!(terms.get(file), Term::Param(_));
        if !is_given(named) {
            return Vec::new();
        }
        let apart = |pending: &&Pending| pending.kind != Kind::Name && pending.file != named && is_given(pending.file);
        state.pending.iter().filter(apart).take(MAX_APART).cloned().collect()
    }

    /// Whether the act is passed on already, under the answers of `state`: then only what holds there too still holds of it.
    pub fn trigger_again(&mut self, state: &State, act: Act, trace: &Arc<Trace>) -> bool {
        let terms = &self.engine.terms;
        let guards = || {
            let stable = state.guards.iter().filter(|((value, _), _)| terms.is_stable(*value));
            stable.map(|(&(value, question), &answer)| (value, question, answer))
        };
        let same = |old: &&mut Trigger| {
            Arc::ptr_eq(&old.trace, trace) && old.act == act && old.guards.iter().copied().eq(guards())
        };
        let Some(old) = self.summary.triggers.iter_mut().find(same) else { return false };
        old.killed.retain(|kill| state.past.killed.contains(kill));
        old.flushed.retain(|file| state.past.flushed.contains(file));
        old.all_killed &= state.all_killed;
        old.failing &= state.failing;
        for (file, facts) in &mut old.facts {
            let now = state.facts.get(file).copied().unwrap_or_default();
            facts.absent &= now.absent;
            facts.unusable &= now.unusable;
        }
        true
    }

    /// Answers that a caller can check too.
    pub fn stable_guards(&self, state: &State) -> Vec<(Value, Question, bool)> {
        state
            .guards
            .iter()
            .filter(|((value, _), _)| self.engine.terms.is_stable(*value))
            .map(|(&(value, question), &answer)| (value, question, answer))
            .collect()
    }

    fn leave(&mut self, state: State, value: Value, success: bool, span: Span) {
        let same = |old: &&mut (State, Value, bool, Span)| {
            old.2 == success
                && old.3 == span
                && old.1 == value
                && old.0.guards == state.guards
                && old.0.failing == state.failing
        };
        if let Some(old) = self.exits.iter_mut().find(same) {
            let site = self.engine.terms.site(self.id, 0xE000_0000);
            old.0.join(&state, &mut self.engine.terms, site);
        } else {
            self.exits.push((state, value, success, span));
        }
    }

    // ---- summing up ----

    fn conclude(mut self) -> Summary {
        let exits = std::mem::take(&mut self.exits);
        self.note_ignored_syncs(&exits);
        self.note_best_effort(&exits);
        self.note_retired(&exits);
        for (state, value, success, span) in exits {
            if success {
                let trace = self.engine.here(Origin { span, function: self.id });
                self.moment(&state, Act::Succeed, trace, state.pending.clone(), state.failing);
            }
            if success && !state.failing {
                self.note_protocol(&state);
            }
            let outcome = self.outcome(state, value, success);
            self.add_outcome(outcome);
        }
        for outcome in &self.summary.outcomes {
            if outcome.success && (outcome.all_killed || outcome.killed.iter().any(|(_, kind)| *kind == Kind::Data)) {
                self.summary.syncs = true;
            }
            if !outcome.pending.is_empty()
                || !outcome.killed.is_empty()
                || !outcome.names.is_empty()
                || outcome.all_killed
            {
                self.summary.effective = true;
            }
        }
        let (terms, given) = (&self.engine.terms, &self.given);
        // An act on what no caller can know of owes callers nothing.
        let mut visible: FxHashMap<Value, bool> = FxHashMap::default();
        let mut visible = |value: Value| *visible.entry(value).or_insert_with(|| terms.is_visible(value, given));
        self.summary.triggers.retain(|trigger| trigger.act.operands().any(&mut visible));
        // Nor does what holds of files that neither they nor the act know of.
        for trigger in &mut self.summary.triggers {
            let act = trigger.act;
            let mut told = |value: Value| act.operands().any(|operand| operand == value) || visible(value);
            trigger.killed.retain(|(key, _)| told(*key));
            trigger.flushed.retain(|file| told(*file));
            // Of other files than its own it counts what they are, not what was done to them.
            let mut counts = |file: Value, facts: Facts| {
                let tells = facts.read || facts.created || facts.temporary || facts.renamed;
                act.operands().any(|operand| operand == file) || tells && visible(file)
            };
            trigger.facts.retain(|(file, facts)| *facts != Facts::default() && counts(*file, *facts));
        }
        self.summary.deeds = std::mem::take(&mut self.deeds).into_values().collect();
        let mut moments = std::mem::take(&mut self.moments);
        moments.iter_mut().for_each(keep_facts);
        // An act with nothing pending on one path says under which condition something is on another.
        let guilty: FxHashSet<Arc<Trace>> =
            moments.iter().filter(|moment| !moment.pending.is_empty()).map(|moment| moment.trace.clone()).collect();
        let mut seen = Seen::default();
        self.engine.told.moments.extend(
            moments
                .into_iter()
                .filter(|moment| {
                    // An act of its own may find what other methods left.
                    let depth = moment.trace.depth();
                    let own = (depth == 0 || depth == 1 && matches!(moment.act, Act::Sync { .. }))
                        && matches!(
                            moment.act,
                            Act::Rename { .. } | Act::Link { .. } | Act::Sync { .. } | Act::Cut { .. }
                        );
                    own || moment.act == Act::Succeed || guilty.contains(&moment.trace)
                })
                .map(|moment| seen.share(moment)),
        );
        self.summary
    }

    /// A file, or a path that leads to it, gets another name.
    pub fn retires(&mut self, file: Value, path: Value) {
        for held in [path, file] {
            // A path that is made of fields is not what a field holds.
            let made = matches!(self.engine.terms.get(held), Term::Op(..)) && self.engine.terms.is_stable(held);
            if !made && !self.retired.contains(&(held, file)) {
                self.retired.push((held, file));
            }
        }
    }

    /// A file that a field holds, and that got another name, is a temporary; but not one whose handle goes on to be held in that field after
    /// the function: it was only put into its place.
    fn note_retired(&mut self, exits: &[(State, Value, bool, Span)]) {
        for (held, file) in std::mem::take(&mut self.retired) {
            let known = self.engine.fields_of(self.id, held);
            if known.is_empty() {
                continue;
            }
            let mut kept: Vec<(Option<Ustr>, Ustr)> = Vec::new();
            for (state, value, ..) in exits.iter().filter(|(_, _, success, _)| *success) {
                self.keepers(state, *value, file, &mut kept);
            }
            let is_kept = |field: &FieldKey| {
                kept.iter().any(|&(owner, name)| name == field.1 && owner.is_none_or(|owner| owner == field.0))
            };
            let fields: Vec<FieldKey> = known.iter().filter(|field| !is_kept(field)).copied().collect();
            self.engine.intents.retired_fields.extend(fields);
        }
    }

    /// Adds the fields in which a handle of the file is given back at an exit, or left in what was given: of which type, if that is known.
    fn keepers(&self, state: &State, result: Value, file: Value, kept: &mut Vec<(Option<Ustr>, Ustr)>) {
        let terms = &self.engine.terms;
        let is_handle = |value: Value| matches!(terms.get(terms.unbuffered(value)), Term::Handle { file: known, .. } if *known == file);
        let stored = state.heap.iter().filter(|((base, _), _)| terms.is_stable(*base));
        let stored: Vec<Value> = stored
            .map(|(&(_, name), &value)| {
                kept.extend(is_handle(value).then_some((None, name)));
                value
            })
            .collect();
        for value in stored.into_iter().chain([result]).chain(self.put_back.iter().copied()) {
            for part in terms.parts(value) {
                if let Term::Aggregate { type_name, fields, .. } = terms.get(part) {
                    let held = fields.iter().filter(|(_, field)| is_handle(*field));
                    kept.extend(held.map(|(name, _)| (*type_name, *name)));
                }
            }
        }
    }

    /// Syncs that failed, and after which the function succeeds all the same, exactly as if they had not.
    fn note_ignored_syncs(&mut self, exits: &[(State, Value, bool, Span)]) {
        if self.summary.bounded {
            return;
        }
        for (state, value, success, span) in exits.iter().filter(|(state, ..)| state.failing) {
            for (file, trace) in &state.past.failed_syncs {
                let failed =
                    |state: &State| state.past.failed_syncs.iter().any(|known| known.0 == *file && known.1 == *trace);
                // Some failures are passed on: whoever wrote that looked at the error.
                if !success || exits.iter().any(|(other, _, well, _)| !well && failed(other)) {
                    continue;
                }
                let alike = exits.iter().any(|(other, given, well, place)| {
                    *well && !other.failing && place == span && given == value && other.heap == state.heap
                });
                let ignored = IgnoredSync {
                    function: self.id,
                    file: *file,
                    trace: trace.clone(),
                    success: *span,
                    pending: state.pending.iter().any(|pending| pending.file == *file && pending.kind != Kind::Name),
                };
                if alike && !self.engine.told.ignored_syncs.contains(&ignored) {
                    self.engine.told.ignored_syncs.push(ignored);
                }
            }
        }
    }

    /// Changes that failed, and after which the function succeeds all the same, as if they had not. Who looks at a failure, could tell of it,
    /// does nothing else to files for it and reports the same success has written it off.
    fn note_best_effort(&mut self, exits: &[(State, Value, bool, Span)]) {
        for (state, value, _, span) in exits.iter().filter(|(state, _, success, _)| *success && state.failing) {
            let alike = |(other, given, well, place): &&(State, Value, bool, Span)| {
                // Who has no way to tell that something failed passes over it whatever it gives back.
                *well && !other.failing && place == span && (given == value || !self.function.fallible)
            };
            let mends = |other: &State| {
                let known = |origin: &Origin| other.pending.iter().any(|pending| pending.origin == *origin);
                state.pending.iter().any(|pending| !known(&pending.origin))
            };
            let written_off = self.function.fallible && exits.iter().filter(alike).any(|(other, ..)| !mends(other));
            let unseen = exits.iter().any(|exit| alike(&exit));
            // What a function below did, it may owe to others.
            let own = |place: &Origin| place.function == self.id;
            let ignored = state.past.failed_changes.iter().filter(|(place, seen)| match seen {
                true => written_off && own(place),
                false => unseen,
            });
            self.engine.told.best_effort.extend(ignored.map(|(place, _)| *place));
        }
    }

    /// Whether files that live in fields are synced together with the write, or by a call of its own.
    fn note_protocol(&mut self, state: &State) {
        let ends =
            |inst: &Inst| matches!(inst.kind, InstKind::Drop(local) if self.function.params.first() == Some(&local));
        let at_end = self.function.blocks.iter().flat_map(|block| &block.insts).any(ends);
        if at_end && let Some(owner) = self.function.owner {
            let terms = &self.engine.terms;
            let own_directory = |&(key, kind): &(Value, Kind)| {
                let directory = matches!(terms.get(key), Term::Op(name, _) if *name == terms.ops.parent)
                    || state.past.maybe_directories.contains(&key);
                kind == Kind::Name && directory && matches!(terms.get(terms.root(key)), Term::Param(0))
            };
            if state.past.killed.iter().any(own_directory) {
                self.engine.intents.directory_synced_at_end.insert(owner);
            }
        }
        for (file, facts) in state.facts.iter().filter(|(_, facts)| facts.synced) {
            let pending = state.pending.iter().any(|pending| pending.file == *file && pending.kind != Kind::Name);
            let method = matches!(self.function.kind, FunctionKind::Named) && !at_end;
            if let Some(owner) = self.function.owner.filter(|_| method)
                && let Some(part) = wrapped_part(&self.engine.terms, owner, *file)
                    .or_else(|| stored_part(&self.engine.terms, owner, *file, state.heap.iter()))
            {
                let intents = &mut self.engine.intents;
                // Who is given nothing writes what was there to be written.
                let given = self.function.params.len() > 1;
                match facts.written {
                    true if !pending && given => drop(intents.parts_written_and_synced.insert(part)),
                    true if given => {}
                    _ if !given || self.function.public => drop(intents.parts_only_synced.insert(part)),
                    _ => {}
                }
            }
            for field in self.engine.fields_of(self.id, *file).to_vec() {
                let intents = &mut self.engine.intents;
                if facts.resized && !pending && !at_end {
                    intents.resized_and_synced.insert(field);
                }
                match facts.written {
                    // Who ends the value says nothing of what others owe before.
                    true if !pending && at_end => drop(intents.synced_at_end.insert(field)),
                    true if !pending => {
                        intents.written_and_synced.insert(field);
                        if self.function.owner == Some(field.0) {
                            intents.written_and_synced_by_own.insert(field);
                        }
                    }
                    false if at_end => drop(intents.synced_at_end.insert(field)),
                    // What nobody outside can call leaves nothing to callers.
                    false if (self.function.public || self.function.interface.is_some()) && !facts.resized => {
                        intents.only_synced.insert(field);
                    }
                    _ => {}
                }
            }
        }
    }

    fn outcome(&mut self, state: State, value: Value, success: bool) -> Outcome {
        let terms = &self.engine.terms;
        let result = if success { terms.bare(value) } else { value };
        let mut given: FxHashSet<Value> = terms.parts(result).into_iter().collect();
        // A record that is given back goes with what was assigned to its fields.
        for ((base, _), value) in &state.heap {
            if given.contains(base) || terms.is_stable(*base) {
                given.extend(terms.parts(*value));
            }
        }
        given.retain(|part| !matches!(terms.get(*part), Term::Const(_) | Term::Unit | Term::Absent));
        let changed = state.failing || !state.pending.is_empty() || !state.past.killed.is_empty();
        let seen = |value: Value| terms.is_visible(value, &given);
        // A path that no caller can tell is that of a file all the same: for an audit, which must not guess, it is left unsynced.
        let is_unnamed = |file: &Value| state.facts.get(file).is_some_and(|facts| facts.opened && !facts.temporary);
        let unnamed: FxHashSet<Value> =
            state.pending.iter().map(|pending| pending.file).filter(|file| !seen(*file) && is_unnamed(file)).collect();
        let heap: Vec<_> = state
            .heap
            .iter()
            .filter(|((base, _), _)| terms.is_stable(*base) || given.contains(base))
            .map(|(place, value)| (*place, *value))
            .take(48)
            .collect();
        let outcome = Outcome {
            success,
            guards: self.stable_guards(&state),
            pending: state
                .pending
                .iter()
                .filter(|pending| pending.trace.depth() < self.engine.plan.followed)
                .filter(|pending| {
                    seen(pending.file)
                        || pending.kind == Kind::Name && seen(pending.dir)
                        || unnamed.contains(&pending.file)
                })
                .cloned()
                .map(|pending| Pending { lost: pending.lost.filter(|_| success), ..pending })
                .collect(),
            dropped: state.past.dropped.iter().filter(|(key, _)| seen(*key)).cloned().collect(),
            failed_syncs: state.past.failed_syncs.iter().filter(|_| !success).cloned().collect(),
            failed_changes: state.past.failed_changes.iter().filter(|_| !success).map(|(place, _)| *place).collect(),
            killed: state.past.killed.iter().copied().filter(|&(key, _)| seen(key)).collect(),
            flushed: state.past.flushed.iter().copied().filter(|&key| seen(key)).collect(),
            all_killed: state.all_killed,
            names: state
                .names
                .iter()
                .map(|(path, key)| (*path, *key))
                .filter(|&(path, _)| seen(path))
                .take(24)
                .collect(),
            heap,
            facts: state
                .facts
                .iter()
                .map(|(file, facts)| (*file, *facts))
                .filter(|&(file, facts)| facts != Facts::default() && (seen(file) || unnamed.contains(&file)))
                .take(32)
                .collect(),
            result,
            vague_sync: state.vague_sync,
            unopened: state.past.unopened.iter().copied().filter(|&key| seen(key)).collect(),
            maybe_directories: state.past.maybe_directories.iter().copied().filter(|&key| seen(key)).collect(),
            changed,
            failing: state.failing,
        };
        self.given.extend(given);
        outcome
    }

    fn add_outcome(&mut self, outcome: Outcome) {
        // Whether there is a result is what comes next.
        let same = |old: &Outcome| {
            old.success == outcome.success
                && old.failing == outcome.failing
                && (old.result == ABSENT) == (outcome.result == ABSENT)
        };
        let list = &mut self.summary.outcomes;
        if list.contains(&outcome) {
            return;
        }
        let limit = if outcome.success && !outcome.failing { MAX_OUTCOMES } else { 1 };
        // Two ways that differ only in what they give are one to callers: what is given is one of both.
        let idle = |outcome: &Outcome| {
            !outcome.changed && outcome.heap.is_empty() && outcome.names.is_empty() && outcome.facts.is_empty()
        };
        let alike = list.iter().position(|old| {
            same(old)
                && (old.result == outcome.result
                    && (old.guards == outcome.guards
                        || content(old) == content(&outcome) && !flush_variants_apart(old, &outcome))
                    || old.guards == outcome.guards && idle(old) && idle(&outcome))
        });
        // Too many: the one that differs least.
        let distance = |old: &Outcome| {
            let lost = old.guards.iter().filter(|guard| !outcome.guards.contains(guard)).count();
            (old.pending != outcome.pending, lost)
        };
        let full = || {
            let alike = (0..list.len()).rev().filter(|&at| same(&list[at]));
            let crowded = alike.clone().count() >= limit;
            crowded.then(|| alike.min_by_key(|&at| distance(&list[at]))).flatten()
        };
        match alike.or_else(full) {
            Some(place) => {
                let site = self.engine.terms.site(self.id, 0xD000_0000 | u32::from(outcome.success));
                join_outcomes(&mut list[place], outcome, &mut self.engine.terms, site);
            }
            None => list.push(outcome),
        }
    }

    /// Which function a value calls, if a specialisation or the value itself tells.
    pub fn functions_of(&self, value: Value) -> Vec<FuncId> {
        let value = self.engine.terms.unbuffered(value);
        match self.engine.terms.get(value) {
            Term::Closure(function, _) => vec![*function],
            Term::Functions(functions) => functions.to_vec(),
            _ => self.binding.iter().filter(|(bound, _)| *bound == value).map(|(_, function)| *function).collect(),
        }
    }

    /// Notes something that is done at the place that is run; `number` tells several at one place apart.
    pub fn deed(&mut self, number: usize, deed: Deed) {
        let key = (self.position.0, self.position.1, number);
        let room = self.deeds.len() < MAX_DEEDS;
        match self.deeds.get_mut(&key) {
            Some(old) => {
                old.guards.retain(|guard| deed.guards.contains(guard));
                old.failing &= deed.failing;
                add_sources(&mut old.sources, deed.sources);
            }
            None if room => {
                self.deeds.insert(key, deed);
            }
            None => self.summary.bounded = true,
        }
    }

    /// Notes something that is done right here.
    pub fn did(&mut self, state: &State, did: Did, file: Value, to: Option<Value>, trace: &Arc<Trace>) {
        if !self.engine.plan.tell_deeds || self.engine.terms.is_kernels(file) {
            return;
        }
        let guards = self.stable_guards(state);
        let number = match did {
            Did::Read => 0,
            Did::Flush => 1,
            Did::Sync => 2,
            Did::Remove => 3,
            Did::Overwrite => 4,
            Did::Place => 5,
            Did::Pend(how, _) => 6 + how as usize,
        };
        let is_content = matches!(did, Did::Overwrite | Did::Pend(_, Kind::Buffer | Kind::Data));
        let sources = if is_content { found_files(&state.facts) } else { SmallVec::new() };
        self.deed(number, Deed { did, file, to, trace: trace.clone(), guards, failing: state.failing, sources });
    }

    /// Adds a pending effect that was done right here.
    pub fn pend(&mut self, state: &mut State, kind: Kind, file: Value, dir: Value, how: How, trace: &Arc<Trace>) {
        if self.engine.terms.is_kernels(file) {
            return;
        }
        self.summary.effective = true;
        self.did(state, Did::Pend(how, kind), file, (kind == Kind::Name).then_some(dir), trace);
        let facts = state.facts.get(&file).copied().unwrap_or_default();
        let cared = kind == Kind::Name && facts.synced;
        let written = kind == Kind::Data && matches!(how, How::Written | How::HandedOver);
        let transit = match written {
            true if facts.background => Transit::Background,
            true => Transit::Written,
            false => Transit::Arrived,
        };
        state.add(Pending {
            kind,
            file,
            dir,
            how,
            trace: trace.clone(),
            origin: trace.origin(),
            flushed: None,
            idle_flush: false,
            cared,
            doubt: false,
            closed: false,
            sources: if kind == Kind::Name { SmallVec::new() } else { read_files(&state.facts) },
            transit,
            lost: None,
            when: Vec::new(),
        });
    }
}

/// The files that were read so far.
pub fn read_files(facts: &LiteMap<Value, Facts>) -> SmallVec<[Value; 2]> {
    facts.iter().filter(|(_, facts)| facts.read).map(|(file, _)| *file).take(MAX_SOURCES).collect()
}

/// Of what is known of files at a moment, what somebody may ask for: of those it is about, of those that are pending, of what was read
/// or written.
fn keep_facts(moment: &mut Moment) {
    let pending: FxHashSet<Value> = moment.pending.iter().map(|pending| pending.file).collect();
    let act = moment.act;
    let asked = |file: &Value, facts: &Facts| {
        let is_needed = facts.read || facts.written || facts.socket;
        is_needed || pending.contains(file) || act.operands().any(|operand| operand == *file)
    };
    if !moment.facts.iter().all(|(file, facts)| asked(file, facts)) {
        moment.facts.retain(asked);
    }
}

/// What moments of one function hold, by its hash: they are many, and most hold the same.
#[derive(Default)]
struct Seen {
    pending: FxHashMap<u64, Shared<Vec<Pending>>>,
    facts: FxHashMap<u64, Shared<LiteMap<Value, Facts>>>,
}

impl Seen {
    /// `moment`, with what an earlier one holds too shared with that.
    fn share(&mut self, moment: Moment) -> Moment {
        let mut hasher = FxHasher::default();
        for pending in &moment.pending {
            (pending.file, pending.origin, pending.kind, pending.how).hash(&mut hasher);
        }
        let pending = self.pending.entry(hasher.finish()).or_insert_with(|| moment.pending.clone());
        let pending = if *pending == moment.pending { pending.clone() } else { moment.pending };
        let mut hasher = FxHasher::default();
        moment.facts.as_slice().hash(&mut hasher);
        let facts = self.facts.entry(hasher.finish()).or_insert_with(|| moment.facts.clone());
        let facts = if *facts == moment.facts { facts.clone() } else { moment.facts };
        Moment { pending, facts, ..moment }
    }
}

/// Whether an operand is what a collection holds.
fn is_element(operand: &Operand) -> bool {
    matches!(operand, Operand::Place(place) if place.steps.last() == Some(&Step::Element))
}

/// Whether an operation on a path asks if there is something.
pub fn asks_for_presence(operation: &str) -> bool {
    matches!(operation, "exists" | "try_exists" | "is_file" | "metadata" | "symlink_metadata" | "canonicalize")
}

/// Whether they are for different variants of one thing, and flush different files: what is flushed for the one is the one's, as what was
/// written for it is.
fn flush_variants_apart(one: &Outcome, other: &Outcome) -> bool {
    one.flushed != other.flushed
        && one.guards.iter().any(|&(value, question, answer)| {
            matches!(question, Question::Variant(_)) && other.guards.contains(&(value, question, !answer))
        })
}

type Content<'a> = (
    &'a [Pending],
    &'a [(Value, Kind)],
    &'a [(Value, Value)],
    &'a [((Value, ustr::Ustr), Value)],
    bool,
    &'a [(Value, Facts)],
);

fn content(outcome: &Outcome) -> Content<'_> {
    (&outcome.pending, &outcome.killed, &outcome.names, &outcome.heap, outcome.all_killed, &outcome.facts)
}

fn join_outcomes(into: &mut Outcome, other: Outcome, terms: &mut super::terms::Terms, site: Site) {
    let answers = |guards: &[Guard]| -> Guards {
        guards.iter().map(|&(value, question, answer)| ((value, question), answer)).collect()
    };
    let (mine, theirs) = (answers(&into.guards), answers(&other.guards));
    let lost = |guards: &[Guard], there: &Guards| -> Vec<Guard> {
        let lost = guards.iter().filter(|(value, question, answer)| !implies(there, &(*value, *question), *answer));
        lost.filter(|(value, question, _)| terms.is_setting(*value, *question)).copied().collect()
    };
    let lost = [lost(&into.guards, &theirs), lost(&other.guards, &mine)];
    into.guards.retain(|(value, question, answer)| implies(&theirs, &(*value, *question), *answer));
    let implied = |(value, question, answer): &&Guard| {
        !mine.contains_key(&(*value, *question)) && implies(&mine, &(*value, *question), *answer)
    };
    into.guards.extend(other.guards.iter().filter(implied));
    for pending in join_pending(&mut into.pending, &other.pending, [&lost[0], &lost[1]]) {
        if !into.pending.contains(&pending) {
            into.pending.push(pending);
        }
    }
    into.killed.retain(|kill| other.killed.contains(kill));
    into.flushed.retain(|file| other.flushed.contains(file));
    into.dropped.retain(|dropped| other.dropped.contains(dropped));
    into.failed_syncs.retain(|failed| other.failed_syncs.contains(failed));
    for place in other.failed_changes {
        if into.failed_changes.len() < 4 && !into.failed_changes.contains(&place) {
            into.failed_changes.push(place);
        }
    }
    into.all_killed &= other.all_killed;
    into.vague_sync |= other.vague_sync;
    into.changed |= other.changed;
    for file in other.unopened {
        if !into.unopened.contains(&file) {
            into.unopened.push(file);
        }
    }
    for key in other.maybe_directories {
        if !into.maybe_directories.contains(&key) {
            into.maybe_directories.push(key);
        }
    }
    for name in other.names {
        if !into.names.iter().any(|(path, _)| *path == name.0) {
            into.names.push(name);
        }
    }
    for field in other.heap {
        if !into.heap.iter().any(|(place, _)| *place == field.0) {
            into.heap.push(field);
        }
    }
    for (file, facts) in &mut into.facts {
        let theirs = other.facts.iter().find(|(known, _)| known == file).map(|(_, facts)| *facts);
        *facts = facts.or(theirs.unwrap_or_default());
    }
    for (file, facts) in other.facts {
        if !into.facts.iter().any(|(known, _)| *known == file) {
            into.facts.push((file, facts.or(Facts::default())));
        }
    }
    if into.result != other.result {
        if matches!(into.result, ABSENT | UNIT) {
            into.result = other.result;
        } else if !matches!(other.result, ABSENT | UNIT) {
            into.result = join_values(into.result, other.result, terms, site, 0);
        }
    }
}

/// Where there are too many states, the one to join a new one with: of those that went as well as it, the one that differs least. If all
/// contradict it, how the `result` that just came went is what comes next.
fn crowded(states: &[State], new: &State, terms: &super::terms::Terms, result: Option<LocalId>) -> Option<usize> {
    if states.len() < MAX_STATES {
        return None;
    }
    let distance = |old: &State| (old.pending != new.pending, not_given(&old.guards, &new.guards).count());
    let alike =
        (0..states.len()).rev().filter(|&at| states[at].failing == new.failing && !states[at].contradicts(new, terms));
    let contradiction = |old: &State| {
        let now = result.is_some_and(|local| old.contradicts_at(local.index(), new, terms));
        (now, old.failing != new.failing, distance(old))
    };
    let least = || (0..states.len()).rev().min_by_key(|&at| contradiction(&states[at]));
    alike.min_by_key(|&at| distance(&states[at])).or_else(|| (states.len() >= 2 * MAX_STATES).then(least).flatten())
}

/// Adds a state behind a call with this `result` to others: those that do not differ are one.
fn merge_into(states: &mut States, new: State, terms: &mut super::terms::Terms, site: Site, result: LocalId) {
    if let Some(old) = states.iter_mut().find(|old| old.same_content(&new)) {
        keep_common_answers(&mut old.guards, &new.guards);
    } else if let Some(place) =
        (states.len() >= 2 * MAX_STATES).then(|| crowded(states, &new, terms, Some(result))).flatten()
    {
        states[place].join(&new, terms, site);
    } else {
        states.push(new);
    }
}

/// States that do not differ are one.
fn merge_equal(states: &mut States) {
    let mut merged = States::new();
    for new in states.drain(..) {
        match merged.iter_mut().find(|old: &&mut State| old.same_content(&new)) {
            Some(old) => drop(keep_common_answers(&mut old.guards, &new.guards)),
            None => merged.push(new),
        }
    }
    *states = merged;
}

/// By block: whether it lies between a loop's head and an end of the loop, in this `order`.
fn in_loops(function: &Function, order: &[usize]) -> Vec<bool> {
    // Where loops begin (1) and behind which numbers they end (-1).
    let mut bounds = vec![0i32; order.len() + 1];
    for (at, block) in function.blocks.iter().enumerate().filter(|(at, _)| order[*at] != usize::MAX) {
        for target in block.end.successors() {
            if order[target.index()] <= order[at] {
                bounds[order[target.index()]] += 1;
                bounds[order[at] + 1] -= 1;
            }
        }
    }
    let depth: Vec<i32> = bounds
        .iter()
        .scan(0, |depth, bound| {
            *depth += bound;
            Some(*depth)
        })
        .collect();
    order.iter().map(|&number| depth.get(number).is_some_and(|depth| *depth > 0)).collect()
}

/// For every block its number in reverse post-order; blocks that are not reached come last.
fn reverse_post_order(function: &Function) -> Vec<usize> {
    let count = function.blocks.len();
    let (mut order, mut seen, mut post) = (vec![usize::MAX; count], vec![false; count], Vec::with_capacity(count));
    let mut stack = vec![(BlockId(0), 0usize)];
    seen[0] = true;
    while let Some((block, next)) = stack.pop() {
        let targets = function.blocks[block.index()].end.successors();
        match targets.get(next) {
            Some(&target) => {
                stack.push((block, next + 1));
                if !std::mem::replace(&mut seen[target.index()], true) {
                    stack.push((target, 0));
                }
            }
            None => post.push(block),
        }
    }
    for (number, block) in post.into_iter().rev().enumerate() {
        order[block.index()] = number;
    }
    order
}

/// The files that were read so far, and that something was found in.
pub fn found_files(facts: &LiteMap<Value, Facts>) -> SmallVec<[Value; 2]> {
    let found = facts.iter().filter(|(_, facts)| facts.read && !facts.unusable);
    found.map(|(file, _)| *file).take(MAX_SOURCES).collect()
}
