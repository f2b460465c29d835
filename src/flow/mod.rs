//! Effects along paths: what is pending when an obligation falls due.
//!
//! [`analyse`] walks the call graph bottom-up, runs every function that can matter through [`exec`], and gives a [`Flow`]: the
//! *moments* at which something was due while something was pending. The checks turn moments into findings. Nothing in here names
//! a library or a language.
//!
//! Reading order: [`terms`] (symbolic values), [`state`] (what is known at a point), [`summary`] (what a function does to its caller),
//! [`exec`] (one function), [`transfer`] (one effect), [`calls`] (one call).

mod calls;
mod exec;
mod graph;
pub mod intent;
mod live;
pub mod state;
pub mod summary;
pub mod terms;
mod transfer;

pub use exec::asks_for_presence;

use crate::apis::Apis;
use crate::ir::{Base, FuncId, Function, InstKind, Operand, Program, Rvalue, Step, ValueKind};
use crate::source::Span;
use intent::{FieldKey, Intents};
use litemap::LiteMap;
use rustc_hash::{FxHashMap, FxHashSet};
use state::{Facts, Kind, Origin, Pending, Question, Shared, Trace};
use std::rc::Rc;
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
    pub trace: Rc<Trace>,
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
    pub trace: Rc<Trace>,
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
    pub summaries: FxHashMap<FuncId, Rc<Summary>>,
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

/// The analysis in progress.
struct Engine<'p> {
    program: &'p Program,
    apis: &'p Apis,
    terms: Terms,
    summaries: FxHashMap<(FuncId, Binding), Rc<Summary>>,
    running: FxHashSet<(FuncId, Binding)>,
    /// For functions that lead back to themselves: what the round before made of them.
    assumed: FxHashMap<FuncId, Rc<Summary>>,
    moments: Vec<Moment>,
    intents: Intents,
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
    /// How deep specialised analyses are nested.
    depth: usize,
    /// All traces, so that equal ones are one in memory.
    traces: FxHashMap<(Origin, *const Trace), Rc<Trace>>,
    /// Functions whose analysis broke off.
    broken: Vec<FuncId>,
    /// Failed syncs that nobody looks at.
    ignored_syncs: Vec<IgnoredSync>,
    /// Which file the results of a function's reads, and of what it made of those, came from; whether by the read itself.
    read_results: FxHashMap<(FuncId, Value), (Value, bool)>,
    /// By function, values that tell how much a file holds, and which.
    lengths: FxHashMap<(FuncId, Value), Value>,
    /// Changes of files whose failure is passed over, and by which function.
    best_effort: FxHashSet<(FuncId, Origin)>,
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

/// Analyses `program`. With `tell_deeds`, summaries also tell what each function does in order.
pub fn analyse(program: &Program, apis: &Apis, tell_deeds: bool) -> Flow {
    analyse_while(program, apis, tell_deeds, &|| true)
}

/// [`analyse`], given up as soon as `wanted` says no: what is there by then is returned, and is of no use.
pub fn analyse_while(program: &Program, apis: &Apis, tell_deeds: bool, wanted: &dyn Fn() -> bool) -> Flow {
    let mut graph = graph::CallGraph::new(program, apis);
    let followed = if tell_deeds { FOLLOWED_BY_AUDIT } else { FOLLOWED };
    if !tell_deeds {
        graph.limit(followed);
    }
    let mut engine = Engine {
        program,
        apis,
        terms: Terms::default(),
        summaries: FxHashMap::default(),
        running: FxHashSet::default(),
        assumed: FxHashMap::default(),
        moments: Vec::new(),
        intents: Intents::default(),
        effective: graph.effective.clone(),
        small: program.functions.iter().map(is_small).collect(),
        distance: graph.distance.clone(),
        tell_deeds,
        followed,
        depth: 0,
        traces: FxHashMap::default(),
        broken: Vec::new(),
        ignored_syncs: Vec::new(),
        best_effort: FxHashSet::default(),
        read_results: FxHashMap::default(),
        lengths: FxHashMap::default(),
    };
    let components = graph.bottom_up();
    // Records tell which path belongs to which handle: what makes them, and all below, comes first.
    let first = graph.below(&makers(program));
    for in_first in [true, false] {
        for component in &components {
            if component.iter().any(|function| first.contains(function)) == in_first && wanted() {
                engine.component(component, &graph.effective);
            }
        }
    }
    // What is only read is read by functions that do nothing else; no obligation falls due in them.
    let known = engine.moments.len();
    let only_read: Vec<bool> =
        graph.reads.iter().zip(&graph.effective).map(|(reads, effective)| *reads && !effective).collect();
    for component in &components {
        engine.component(component, &only_read);
    }
    engine.moments.truncate(known);
    let summaries = engine
        .summaries
        .into_iter()
        .filter(|((_, binding), _)| binding.is_empty())
        .map(|((function, _), summary)| (function, summary))
        .collect();
    Flow {
        terms: engine.terms,
        moments: engine.moments,
        followed,
        ignored_syncs: engine.ignored_syncs,
        best_effort: engine.best_effort,
        summaries,
        callers: graph.callers,
        syncs: graph.syncs,
        intents: engine.intents,
        broken: engine.broken,
    }
}

fn is_small(function: &Function) -> bool {
    function.blocks.iter().map(|block| block.insts.len() + 1).sum::<usize>() <= SMALL
}

/// Functions that make records with handles in them.
fn makers(program: &Program) -> Vec<FuncId> {
    let holds = |function: &Function, operand: &Operand| match operand {
        Operand::Place(place) => match place.base {
            Base::Local(local) => {
                let kind = function.locals[local.index()].kind;
                place.steps.is_empty() && !matches!(kind, ValueKind::Unknown | ValueKind::Other | ValueKind::Path)
            }
            Base::Global(_) => false,
        },
        _ => false,
    };
    let makes = |function: &Function| {
        function.blocks.iter().flat_map(|block| &block.insts).any(|inst| match &inst.kind {
            InstKind::Assign { value: Rvalue::Aggregate { type_name: Some(_), fields, .. }, .. } => {
                fields.iter().any(|(_, operand)| holds(function, operand))
            }
            InstKind::Assign { place, value: Rvalue::Use(operand) } => {
                matches!(place.steps.last(), Some(Step::Field { owner: Some(_), .. })) && holds(function, operand)
            }
            _ => false,
        })
    };
    (0..program.functions.len()).filter(|&at| makes(&program.functions[at])).map(|at| FuncId(at as u32)).collect()
}

impl Engine<'_> {
    /// The trace of something done at `origin` itself.
    fn here(&mut self, origin: Origin) -> Rc<Trace> {
        self.traces.entry((origin, std::ptr::null())).or_insert_with(|| Rc::new(Trace::Here(origin))).clone()
    }

    /// `inner`, which is one of these traces, seen through the call at `origin`.
    fn via(&mut self, origin: Origin, inner: &Rc<Trace>) -> Rc<Trace> {
        let key = (origin, Rc::as_ptr(inner));
        self.traces.entry(key).or_insert_with(|| Rc::new(Trace::Via(origin, inner.clone()))).clone()
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
        self.intents.note_field(function, key, field, own);
        for &one in self.terms.alternatives(key) {
            if let Term::Handle { file, .. } = self.terms.get(self.terms.unbuffered(one)) {
                self.intents.note_field(function, *file, field, own);
            }
        }
    }

    /// The path of the file behind a field that `function` sees at `key`, where every record of the type holds both; `heap` has the
    /// fields that were assigned.
    fn linked(&mut self, function: FuncId, heap: &LiteMap<(Value, Ustr), Value>, key: Value) -> Option<Value> {
        let &Term::Field(mut base, name) = self.terms.get(key) else { return None };
        let owned = |value: Value, name: &str| {
            self.intents.fields_of(function, value).iter().find(|field| field.1 == name).map(|field| field.0)
        };
        let direct = owned(key, &name).map(|owner| (owner, name));
        let mut link = direct.and_then(|field| Some((field, (*self.intents.links.get(&field)?)?)));
        if let (None, &Term::Field(outer, outer_name)) = (link, self.terms.get(base))
            && let Some(owner) = owned(base, &outer_name)
        {
            // A record in a record.
            let field = (owner, Ustr::from(&format!("{outer_name}.{name}")));
            link = self.intents.links.get(&field).copied().flatten().map(|path| (field, path));
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

    /// Analyses the functions of one component of the call graph, whose callees are done.
    fn component(&mut self, component: &[FuncId], effective: &[bool]) {
        let recursive = component.len() > 1
            || component.iter().any(|function| self.program.functions[function.index()].calls(*function));
        for round in 0..if recursive { 2 } else { 1 } {
            for &function in component.iter().filter(|function| effective[function.index()]) {
                if round > 0 {
                    if let Some(summary) = self.summaries.remove(&(function, Vec::new())) {
                        self.assumed.insert(function, summary);
                    }
                    self.moments.retain(|moment| moment.function != function);
                    self.ignored_syncs.retain(|ignored| ignored.function != function);
                    self.best_effort.retain(|known| known.0 != function);
                }
                self.summary(function, Vec::new());
            }
        }
    }

    /// Whether `function` is being analysed for the first time, and so leads back to itself.
    fn is_unknown_yet(&self, function: FuncId) -> bool {
        self.running.contains(&(function, Vec::new())) && !self.assumed.contains_key(&function)
    }

    /// The summary of `function` where the function values in `binding` are known. A function that is being analysed already has
    /// that of the round before, or an empty one.
    fn summary(&mut self, function: FuncId, binding: Binding) -> Rc<Summary> {
        let key = (function, binding);
        if let Some(summary) = self.summaries.get(&key) {
            return summary.clone();
        }
        if self.running.contains(&key) {
            let nothing = || Rc::new(Summary { acts_lost: true, ..Summary::default() });
            return self.assumed.get(&key.0).cloned().unwrap_or_else(nothing);
        }
        if self.depth >= MAX_NESTING {
            return Rc::new(Summary { bounded: true, ..Summary::default() });
        }
        self.running.insert(key.clone());
        self.depth += 1;
        let run = || exec::Run::new(self, function, &key.1).run();
        // A fault of ours costs one function, not the report.
        let summary = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or_else(|_| {
            self.broken.push(function);
            Summary { bounded: true, ..Summary::default() }
        });
        let summary = Rc::new(summary);
        self.depth -= 1;
        self.running.remove(&key);
        self.summaries.insert(key, summary.clone());
        summary
    }
}
