//! Effects along paths: what is pending when an obligation falls due.
//!
//! [`analyse`] walks the call graph bottom-up, runs every function that can matter through [`exec`], and gives a [`Flow`]: the
//! *moments* at which something was due while something was pending. The checks turn moments into findings. Nothing in here names
//! a library or a language.
//!
//! Reading order: [`terms`] (symbolic values), [`state`] (what is known at a point), [`summary`] (what a function does to its caller),
//! [`exec`] (one function), [`transfer`] (one effect), [`calls`] (one call), [`known`] (many functions side by side).

mod calls;
mod exec;
mod graph;
pub mod intent;
mod known;
mod live;
pub mod state;
pub mod summary;
pub mod terms;
mod transfer;

pub use exec::asks_for_presence;

use crate::apis::Apis;
use crate::ir::{Base, FuncId, Function, Inst, InstKind, Operand, Place, Program, Rvalue, Step, ValueKind};
use crate::source::Span;
use intent::{FieldKey, Intents};
use known::{Found, Key, Known, Part, Told, Traces};
use litemap::LiteMap;
use rustc_hash::{FxHashMap, FxHashSet};
use state::{Facts, Kind, Origin, Pending, Question, Shared, Trace};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use summary::{Act, Summary};
use terms::{Term, Terms, Value};
use ustr::Ustr;

/// Something fell due while something was pending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The function in whose terms it is told.
    pub function: FuncId,
    /// What was done.
    pub act: Act,
    /// Where: from `function` down to the act.
    pub trace: Arc<Trace>,
    /// What was pending, in order of coming.
    pub pending: Shared<Vec<Pending>>,
    /// The answers on the way.
    pub guards: Vec<(Value, Question, bool)>,
    /// An error edge lies behind.
    pub failing: bool,
    /// A sync of something unresolved lies behind.
    pub vague_sync: bool,
    /// What was known of files.
    pub facts: Shared<LiteMap<Value, Facts>>,
    /// What had been made durable since the function's entry.
    pub killed: Shared<Vec<(Value, Kind)>>,
    /// What had been flushed since the function's entry.
    pub flushed: Shared<Vec<Value>>,
}

impl Moment {
    /// What was known of `file`.
    pub fn fact(&self, file: Value) -> Facts {
        self.facts.get(&file).copied().unwrap_or_default()
    }
}

/// A sync that failed, and after which its function reports success exactly as if it had not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredSync {
    /// The function that ignores it.
    pub function: FuncId,
    /// The file, in that function's terms.
    pub file: Value,
    /// The sync.
    pub trace: Arc<Trace>,
    /// Where success is reported.
    pub success: Span,
    /// Bytes written in the function are still pending there.
    pub pending: bool,
}

/// The result of the analysis.
#[derive(Debug)]
pub struct Flow {
    /// The table of values.
    pub terms: Terms,
    /// All moments with something pending, and every success.
    pub moments: Vec<Moment>,
    /// Failed syncs that nobody looks at.
    pub ignored_syncs: Vec<IgnoredSync>,
    /// Changes of files whose failure is passed over, and by which function: it goes on as if nothing had happened.
    pub best_effort: FxHashSet<(FuncId, Origin)>,
    /// Acts and effects were followed up so many calls.
    pub followed: usize,
    /// What each function does to its caller, for those that can matter.
    pub summaries: FxHashMap<FuncId, Arc<Summary>>,
    /// Who calls whom.
    pub callers: Vec<Vec<FuncId>>,
    /// By function: whether something is made durable in its text or below, on whatever way, followed or not.
    pub syncs: Vec<bool>,
    /// Where the program shows that it cares.
    pub intents: Intents,
    /// Functions whose analysis broke off by a fault of ours: nothing is known of them.
    pub broken: Vec<FuncId>,
}

/// Function values that a specialised summary knows: (the callee's term, its body).
type Binding = Vec<(Value, FuncId)>;

/// What is done, and how far.
struct Plan<'p> {
    program: &'p Program,
    apis: &'p Apis,
    /// Functions that do something to files, or may.
    effective: Vec<bool>,
    /// Functions with a text so short that they are run for what they give back alone.
    small: Vec<bool>,
    /// How many calls below each function the nearest effect is.
    distance: Vec<u8>,
    /// Deeds are told, for an audit.
    tell_deeds: bool,
    /// Acts and effects are followed up so many calls.
    followed: usize,
}

/// The analysis of some functions, in progress.
struct Engine<'p> {
    plan: &'p Plan<'p>,
    program: &'p Program,
    apis: &'p Apis,
    /// What is known of functions that were run before.
    before: &'p Known,
    terms: Terms,
    /// What was made of functions, in the order in which they were done.
    runs: Vec<(Key, Arc<Summary>, Told)>,
    /// Where in `runs` each is.
    done: FxHashMap<Key, usize>,
    running: FxHashSet<Key>,
    /// For functions that lead back to themselves: what the round before made of them.
    assumed: FxHashMap<FuncId, Arc<Summary>>,
    /// What the run that ends tells.
    told: Told,
    intents: Intents,
    /// How deep specialised analyses are nested.
    depth: usize,
    traces: Traces,
    /// Functions whose analysis broke off.
    broken: Vec<FuncId>,
    /// Which file the results of a function's reads, and of what it made of those, came from; whether by the read itself.
    read_results: FxHashMap<(FuncId, Value), (Value, bool)>,
    /// By function, values that tell how much a file holds, and which.
    lengths: FxHashMap<(FuncId, Value), Value>,
    /// Whether the run that goes on has found that a field need not hold what it was taken for.
    unlinked: bool,
}

/// So many calls up acts and effects are followed. Who stands further up has other things to promise, and in large programs looking there is
/// most of the work.
const FOLLOWED: usize = 4;
/// So many for an audit, which tells of whole operations.
const FOLLOWED_BY_AUDIT: usize = 8;

/// Deepest nesting of analyses that are run on demand.
const MAX_NESTING: usize = 6;

/// So many instructions and blocks a function has at most that is run for what it gives back alone.
const SMALL: usize = 64;

/// So many instructions and blocks are run by one task at least, if a level has as many.
const GROUPED: usize = 256;

/// Analyses `program`. With `tell_deeds`, summaries also tell what each function does in order.
pub fn analyse(program: &Program, apis: &Apis, tell_deeds: bool) -> Flow {
    analyse_while(program, apis, tell_deeds, &|| true)
}

/// [`analyse`], given up as soon as `wanted` says no: what is there by then is returned, and is of no use.
pub fn analyse_while(program: &Program, apis: &Apis, tell_deeds: bool, wanted: &(dyn Fn() -> bool + Sync)) -> Flow {
    let mut graph = graph::CallGraph::new(program, apis);
    let followed = if tell_deeds { FOLLOWED_BY_AUDIT } else { FOLLOWED };
    if !tell_deeds {
        graph.limit(followed);
    }
    let plan = Plan {
        program,
        apis,
        effective: std::mem::take(&mut graph.effective),
        small: program.functions.iter().map(is_small).collect(),
        distance: std::mem::take(&mut graph.distance),
        tell_deeds,
        followed,
    };
    let components = graph.components();
    let mut turns = vec![Turn::Neither; program.functions.len()];
    for turn in [Turn::Changes, Turn::Makes] {
        let functions = (0..).zip(&program.functions).filter(|(_, function)| Turn::of(function) == turn);
        let roots: Vec<FuncId> = functions.map(|(at, _)| FuncId(at)).collect();
        graph.below(&roots).iter().for_each(|function| turns[function.index()] = turn);
    }
    // What is only read is read by functions that do nothing else; no obligation falls due in them.
    let only_read: Vec<bool> =
        graph.reads.iter().zip(&plan.effective).map(|(reads, effective)| *reads && !effective).collect();
    let levels = |which: &[bool], turn: Option<Turn>| {
        components.levels(|component| {
            let is_run = component.iter().any(|function| which[function.index()]);
            let is_now =
                turn.is_none_or(|turn| component.iter().map(|function| turns[function.index()]).min() == Some(turn));
            (is_run && is_now)
                .then(|| component.iter().map(|function| size(&program.functions[function.index()])).sum())
        })
    };
    let mut terms = Terms::default();
    let mut known = Known::default();
    let mut run = |levels: Vec<Vec<&[FuncId]>>, which: &[bool], tell: bool| {
        for level in levels.into_iter().take_while(|_| wanted()) {
            let shared = std::mem::take(&mut terms).share();
            let run = |group: &&[&[FuncId]]| Engine::new(&plan, &known, shared.begin()).components(group, which);
            let mut adding = known.adding(shared.begin(), tell);
            side_by_side(&groups(program, &level), run, |found| adding.add(found));
            let (more, own) = adding.end();
            terms = shared.end(own);
            known.append(more);
        }
    };
    for turn in [Turn::Makes, Turn::Changes, Turn::Neither] {
        run(levels(&plan.effective, Some(turn)), &plan.effective, true);
    }
    run(levels(&only_read, None), &only_read, false);
    // What is told does not depend on what was run beside what.
    known.moments.sort_by_key(|moment| components.place[moment.function.index()]);
    known.ignored_syncs.sort_by_key(|ignored| components.place[ignored.function.index()]);
    let summaries = known.summaries.into_iter().filter(|((_, binding), _)| binding.is_empty());
    Flow {
        terms,
        moments: known.moments,
        followed,
        ignored_syncs: known.ignored_syncs,
        best_effort: known.best_effort,
        summaries: summaries.map(|((function, _), summary)| (function, summary)).collect(),
        callers: graph.callers,
        syncs: graph.syncs,
        intents: known.intents,
        broken: known.broken,
    }
}

/// Small components of one level, in their order, are run one after the other: to begin and to end takes as long as they do. It depends on
/// nothing but them which.
fn groups<'l, 'p>(program: &Program, level: &'l [&'p [FuncId]]) -> Vec<&'l [&'p [FuncId]]> {
    let size = |component: &[FuncId]| {
        component.iter().map(|function| size(&program.functions[function.index()])).sum::<usize>()
    };
    let (mut groups, mut rest) = (Vec::new(), level);
    while !rest.is_empty() {
        let mut sum = 0;
        let fits = |component: &&&[FuncId]| {
            sum += size(component);
            sum <= GROUPED
        };
        let count = rest.iter().take_while(fits).count().max(1);
        let (group, others) = rest.split_at(count);
        groups.push(group);
        rest = others;
    }
    groups
}

/// Gives `take` what `run` makes of each of `tasks`, in their order, while later ones run. Each thread runs the next task that nobody has
/// begun, and takes what is there unless another one does.
fn side_by_side<T: Sync, R: Send, F: FnMut(R) + Send>(tasks: &[T], run: impl Fn(&T) -> R + Sync, take: F) {
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Option<R>>> = tasks.iter().map(|_| Mutex::new(None)).collect();
    let taking = Mutex::new((0, take));
    let result = |at: usize| done.get(at)?.lock().unwrap_or_else(PoisonError::into_inner).take();
    let take_all = |(at, take): &mut (usize, F)| {
        while let Some(found) = result(*at) {
            *at += 1;
            take(found);
        }
    };
    let work = || {
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some(task) = tasks.get(at)
        {
            let found = run(task);
            *done[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
            if let Ok(mut taking) = taking.try_lock() {
                take_all(&mut taking);
            }
        }
    };
    match tasks {
        [_] => work(),
        _ => rayon::scope(|scope| {
            for _ in 0..rayon::current_num_threads().min(tasks.len()) {
                scope.spawn(|_| work());
            }
        }),
    }
    // What came while another thread was about to stop taking.
    take_all(&mut taking.into_inner().unwrap_or_else(PoisonError::into_inner));
}

/// How many instructions and blocks a function has.
fn size(function: &Function) -> usize {
    function.blocks.iter().map(|block| block.insts.len() + 1).sum()
}

fn is_small(function: &Function) -> bool {
    size(function) <= SMALL
}

/// How a function is about records with handles in them. They tell which path belongs to which handle: those who make them come first,
/// then those who put another handle into one, with all whom they call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Makes,
    Changes,
    Neither,
}

impl Turn {
    fn of(function: &Function) -> Turn {
        let holds = |operand: &Operand| match operand {
            Operand::Place(Place { base: Base::Local(local), steps }) => {
                let kind = function.locals[local.index()].kind;
                steps.is_empty() && !matches!(kind, ValueKind::Unknown | ValueKind::Other | ValueKind::Path)
            }
            _ => false,
        };
        let turn = |inst: &Inst| match &inst.kind {
            InstKind::Assign { value: Rvalue::Aggregate { type_name: Some(_), fields, .. }, .. }
                if fields.iter().any(|(_, operand)| holds(operand)) =>
            {
                Turn::Makes
            }
            InstKind::Assign { place, value: Rvalue::Use(operand) }
                if matches!(place.steps.last(), Some(Step::Field { owner: Some(_), .. })) && holds(operand) =>
            {
                Turn::Changes
            }
            _ => Turn::Neither,
        };
        function.blocks.iter().flat_map(|block| &block.insts).map(turn).min().unwrap_or(Turn::Neither)
    }
}

impl Engine<'_> {
    /// Begins with what is known.
    fn new<'p>(plan: &'p Plan<'p>, before: &'p Known, terms: Terms) -> Engine<'p> {
        Engine {
            plan,
            program: plan.program,
            apis: plan.apis,
            before,
            terms,
            runs: Vec::new(),
            done: FxHashMap::default(),
            running: FxHashSet::default(),
            assumed: FxHashMap::default(),
            told: Told::default(),
            intents: Intents::default(),
            depth: 0,
            traces: Traces::default(),
            broken: Vec::new(),
            read_results: FxHashMap::default(),
            lengths: FxHashMap::default(),
            unlinked: false,
        }
    }

    /// The trace of something done at `origin` itself.
    fn here(&mut self, origin: Origin) -> Arc<Trace> {
        self.trace(Trace::Here(origin))
    }

    /// `inner`, which is one of these traces, seen through the call at `origin`.
    fn via(&mut self, origin: Origin, inner: &Arc<Trace>) -> Arc<Trace> {
        self.trace(Trace::Via(origin, inner.clone()))
    }

    fn trace(&mut self, trace: Trace) -> Arc<Trace> {
        match self.before.traces.find(&trace) {
            Some(known) => known.clone(),
            None => self.traces.add(trace),
        }
    }

    /// The fields that `value` of `function` came from or went to.
    fn fields_of(&self, function: FuncId, value: Value) -> &[FieldKey] {
        let known = self.intents.held(function, value).or_else(|| self.before.intents.held(function, value));
        known.map_or(&[], intent::Held::fields)
    }

    /// Whether what is written to `file` of `function` is durable by the way in which the handle in one of its fields was opened.
    fn is_written_through(&self, function: FuncId, file: Value) -> bool {
        self.fields_of(function, file).iter().any(|field| {
            self.intents.write_through_fields.contains(field)
                || self.before.intents.write_through_fields.contains(field)
        })
    }

    /// The path that a field's handle is always opened by, if it is one.
    fn link(&self, field: FieldKey) -> Option<Value> {
        self.intents.links.get(&field).or_else(|| self.before.intents.links.get(&field)).copied().flatten()
    }

    /// Whether it was seen how a field's handle is opened.
    fn has_link(&self, field: FieldKey) -> bool {
        self.intents.links.contains_key(&field) || self.before.intents.links.contains_key(&field)
    }

    /// Learns the path that a field's handle is opened by in one place, if it can be told.
    fn learn_link(&mut self, field: FieldKey, path: Option<Value>) {
        self.intents.note_link(field, path, &self.before.intents);
    }

    /// The file that a result of `function` was read from, or made of what was.
    fn read_result(&self, function: FuncId, result: Value) -> Option<Value> {
        let own = self.read_results.get(&(function, result)).map(|(file, _)| *file);
        own.or_else(|| self.before.read_results.get(&(function, result)).copied())
    }

    /// Remembers from or to which field a value of `function` goes: by its `own` text, or by a callee's.
    fn note_field(&mut self, function: FuncId, value: Value, field: FieldKey, own: bool) {
        self.note_field_at(function, value, field, own, 0);
    }

    /// As [`Engine::note_field`], `depth` records further in.
    fn note_field_at(&mut self, function: FuncId, value: Value, field: FieldKey, own: bool, depth: usize) {
        let value = self.terms.unbuffered(value);
        let key = match self.terms.get(value) {
            Term::Handle { file, .. } => *file,
            Term::Const(_) | Term::Unit | Term::Absent => return,
            _ => value,
        };
        // What a record holds goes where the record goes.
        if let Term::Aggregate { fields, .. } = self.terms.get(value)
            && depth < 3
        {
            let held: smallvec::SmallVec<[Value; 4]> = fields.iter().map(|(_, value)| *value).collect();
            for inner in held {
                let bare = self.terms.unbuffered(inner);
                if matches!(self.terms.get(bare), Term::Handle { .. } | Term::Aggregate { .. }) {
                    self.note_field_at(function, bare, field, own, depth + 1);
                }
            }
        }
        // What is one of several is each of them.
        self.add_field(function, key, field, own);
        for &one in self.terms.alternatives(key) {
            if let Term::Handle { file, .. } = self.terms.get(self.terms.unbuffered(one)) {
                let before = self.before.intents.held(function, *file);
                self.intents.note_field(function, *file, field, own, before);
            }
        }
    }

    fn add_field(&mut self, function: FuncId, value: Value, field: FieldKey, own: bool) {
        let before = self.before.intents.held(function, value);
        self.intents.note_field(function, value, field, own, before);
    }

    /// The path of the file behind a field that `function` sees at `key`, where every record of the type holds both; `heap` has the
    /// fields that were assigned.
    fn linked(&mut self, function: FuncId, heap: &LiteMap<(Value, Ustr), Value>, key: Value) -> Option<Value> {
        let &Term::Field(mut base, name) = self.terms.get(key) else { return None };
        let owned = |value: Value, name: &str| {
            self.fields_of(function, value).iter().find(|field| field.1 == name).map(|field| field.0)
        };
        let direct = owned(key, &name).map(|owner| (owner, name));
        let mut link = direct.and_then(|field| Some((field, self.link(field)?)));
        if let (None, &Term::Field(outer, outer_name)) = (link, self.terms.get(base))
            && let Some(owner) = owned(base, &outer_name)
        {
            // A record in a record.
            let field = (owner, Ustr::from(&format!("{outer_name}.{name}")));
            link = self.link(field).map(|path| (field, path));
            base = outer;
        }
        let (field, path) = link?;
        let told = self.tell(function, heap, path, base);
        self.note_field(function, told, field, true);
        if let Term::Field(_, name) = *self.terms.get(told) {
            self.note_field(function, told, (field.0, name), true);
        }
        Some(told)
    }

    /// A path that is told by the fields of a record, for the record at `base`.
    fn tell(&mut self, function: FuncId, heap: &LiteMap<(Value, Ustr), Value>, path: Value, base: Value) -> Value {
        let site = self.terms.site(function, 0xF000_0000);
        let mut replace = terms::Replace { args: &[base], call: site, done: FxHashMap::default(), added: Vec::new() };
        self.terms.replace(path, &mut replace, &|terms, base, name| {
            let base = terms.unbuffered(base);
            heap.get(&(base, name)).copied().unwrap_or_else(|| terms.field(base, name))
        })
    }

    /// Analyses the functions of some components of the call graph, whose callees are done; of these, those that are `effective`.
    fn components(mut self, components: &[&[FuncId]], effective: &[bool]) -> Found {
        let parts = components.iter().map(|component| self.component(component, effective)).collect();
        Found { parts, terms: self.terms.into_own(), traces: self.traces }
    }

    /// Analyses one of them. What it finds, the others of the task do not see: it is the same whatever is run by one task with it.
    fn component(&mut self, component: &[FuncId], effective: &[bool]) -> Part {
        let recursive = component.len() > 1
            || component.iter().any(|function| self.program.functions[function.index()].calls(*function));
        for round in 0..if recursive { 2 } else { 1 } {
            for &function in component.iter().filter(|function| effective[function.index()]) {
                if round > 0
                    && let Some(at) = self.done.remove(&(function, Vec::new()))
                {
                    self.assumed.insert(function, self.runs[at].1.clone());
                    for run in self.runs.iter_mut().filter(|(key, ..)| key.0 == function) {
                        run.2 = Told::default();
                    }
                }
                self.summary(function, Vec::new());
            }
        }
        self.assumed.clear();
        let done = std::mem::take(&mut self.done);
        let is_last = |at: usize, key: &Key| done.get(key) == Some(&at);
        let runs = std::mem::take(&mut self.runs).into_iter().enumerate().filter(|(at, (key, ..))| is_last(*at, key));
        Part {
            runs: runs.map(|(_, run)| run).collect(),
            intents: std::mem::take(&mut self.intents),
            read_results: std::mem::take(&mut self.read_results),
            broken: std::mem::take(&mut self.broken),
        }
    }

    /// What is known of a function.
    fn known(&self, key: &Key) -> Option<&Arc<Summary>> {
        match self.done.get(key) {
            Some(&at) => Some(&self.runs[at].1),
            None if self.assumed.contains_key(&key.0) && key.1.is_empty() => None,
            None => self.before.summaries.get(key),
        }
    }

    /// Whether `function` is being analysed for the first time, and so leads back to itself.
    fn is_unknown_yet(&self, function: FuncId) -> bool {
        self.running.contains(&(function, Vec::new())) && !self.assumed.contains_key(&function)
    }

    /// The summary of `function` where the function values in `binding` are known. A function that is being analysed already has
    /// that of the round before, or an empty one.
    fn summary(&mut self, function: FuncId, binding: Binding) -> Arc<Summary> {
        let key = (function, binding);
        if let Some(summary) = self.known(&key) {
            return summary.clone();
        }
        if self.running.contains(&key) {
            let nothing = || Arc::new(Summary { acts_lost: true, ..Summary::default() });
            return self.assumed.get(&key.0).cloned().unwrap_or_else(nothing);
        }
        if self.depth >= MAX_NESTING {
            return Arc::new(Summary { bounded: true, ..Summary::default() });
        }
        self.running.insert(key.clone());
        self.depth += 1;
        let outer = std::mem::take(&mut self.unlinked);
        let mut summary = self.run(function, &key.1);
        // What it did to a file under one name before, it undid under another one.
        if std::mem::replace(&mut self.unlinked, outer) && self.plan.tell_deeds {
            self.told = Told::default();
            summary = self.run(function, &key.1);
            self.unlinked = outer;
        }
        let summary = Arc::new(summary);
        self.depth -= 1;
        self.running.remove(&key);
        self.done.insert(key.clone(), self.runs.len());
        let told = std::mem::take(&mut self.told);
        self.runs.push((key, summary.clone(), told));
        summary
    }

    /// Runs `function` once. A fault of ours costs one function, not the report.
    fn run(&mut self, function: FuncId, binding: &Binding) -> Summary {
        let run = || exec::Run::new(self, function, binding).run();
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or_else(|_| {
            self.broken.push(function);
            self.told = Told::default();
            Summary { bounded: true, ..Summary::default() }
        })
    }
}
