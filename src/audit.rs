//! The durability table: one row for each store of a program, told by the effects of its operations, never by names.
//!
//! A *store* is a type whose methods make, replace, remove or sync files. A type that only one store uses is part of that store, unless it
//! is used through an interface. Its
//! *operations* are the public methods of its types, and the public functions outside any type that work on them. What they do is split
//! by effects:
//!
//! * an **opening** is an operation that is not given a store: it makes one;
//! * a **rewrite** is the smallest function that reads files and fills others, or cuts what it read and fills it again;
//! * a **checkpoint** is the smallest function that writes or syncs files and retires others that it neither read nor wrote;
//! * everything else that is written by an operation that is given data is a **normal write**.
//!
//! What was not seen to the end is `unknown`, with the reason.

use crate::flow::intent::FieldKey;
use crate::flow::state::{Guard, How, Kind, Origin, Pending, Question, Trace};
use crate::flow::summary::{Act, Deed, Did};
use crate::flow::terms::{Term, Value};
use crate::flow::{Flow, Moment};
use crate::ir::{FuncId, FunctionKind, Program, ValueKind};
use crate::source::Span;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};
use ustr::Ustr;

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// It does, on every path.
    Yes,
    /// It does not, on some path that no option asks for.
    No,
    /// It depends on an option, a mode, a flag.
    Conditional,
    /// A log is written and synced first, and retired once what it stands for is durable.
    ViaLog,
    /// There is no such operation.
    NotApplicable,
    /// Cannot be told.
    Unknown,
}

/// One cell of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub verdict: Verdict,
    /// On which option it depends, why it is unknown, or what else is to be said.
    pub detail: Option<String>,
    /// What decided.
    pub reason: Option<Reason>,
}

impl Cell {
    fn new(verdict: Verdict) -> Cell {
        Cell { verdict, detail: None, reason: None }
    }

    fn detailed(verdict: Verdict, detail: impl Into<String>) -> Cell {
        Cell { verdict, detail: Some(detail.into()), reason: None }
    }

    fn because(mut self, text: String, span: Span) -> Cell {
        self.reason = Some(Reason { text, span });
        self
    }

    /// The cell in a few words: `conditional (sync_writes)`.
    pub fn words(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Yes => "yes",
            Verdict::No => "no",
            Verdict::Conditional => "conditional",
            Verdict::ViaLog => "via log",
            Verdict::NotApplicable => "n/a",
            Verdict::Unknown => "unknown",
        };
        match &self.detail {
            Some(detail) => format!("{verdict} ({detail})"),
            None => verdict.to_string(),
        }
    }
}

/// A place that decides a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// In words.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// An effect of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// `create`, `write`, `flush`, `sync`, `sync directory`, `rename`, `unlink`, `truncate`, `read`, …
    pub what: &'static str,
    /// The file, in the operation's terms.
    pub file: String,
    /// Where.
    pub span: Span,
    /// Only on some paths: which.
    pub condition: Option<String>,
}

/// One externally visible operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its qualified name.
    pub name: Ustr,
    /// Where it stands.
    pub span: Span,
    /// What it does to files, in order.
    pub effects: Vec<Effect>,
    /// What is pending when it reports success, and so what a crash right after it may leave.
    pub missing: Vec<Reason>,
    /// Not all of it was seen, and why.
    pub unseen: Option<&'static str>,
}

/// One store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The type, qualified.
    pub store: Ustr,
    /// Where it is: the name of its first operation.
    pub span: Span,
    /// Normal writes are synced before success is reported.
    pub writes: Cell,
    /// What a rewrite or compaction puts out is synced before it counts.
    pub rewrite: Cell,
    /// Inputs are deleted before the output is durable.
    pub deletes_first: Cell,
    /// Names are made durable by directory syncs.
    pub directory: Cell,
    /// All of it, by the order of effects.
    pub safe: Cell,
    /// The operations, in the order of the text.
    pub operations: Vec<Operation>,
}

impl Row {
    /// What decides whether it is crash-safe.
    pub fn reason(&self) -> Option<&Reason> {
        self.safe.reason.as_ref()
    }
}

/// Why a cell is unknown although something is pending.
const UNCERTAIN: &str = "it may be no file, or a sync that could not be resolved may cover it";

/// The table of `program`, whose `flow` was told to keep deeds.
pub fn audit(program: &Program, flow: &Flow) -> Vec<Row> {
    let audit = Audit::new(program, flow);
    audit.stores().iter().filter_map(|store| audit.row(store)).collect()
}

/// The types of a store with its operations.
struct Store {
    name: Ustr,
    members: BTreeSet<Ustr>,
    operations: Vec<FuncId>,
}

/// What a function is to its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// `in_place`: it fills the very file that it cut.
    Rewrite {
        in_place: bool,
    },
    Checkpoint,
}

type Roles = BTreeMap<FuncId, Role>;

struct Audit<'a> {
    program: &'a Program,
    flow: &'a Flow,
    successes: FxHashMap<FuncId, Vec<&'a Moment>>,
    acts: FxHashMap<FuncId, Vec<&'a Moment>>,
    /// Fields with the name of a file that some method of the type renames.
    built: FxHashSet<FieldKey>,
}

impl<'a> Audit<'a> {
    fn new(program: &'a Program, flow: &'a Flow) -> Audit<'a> {
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
        Audit { program, flow, successes, acts, built }
    }

    // ---- stores ----

    /// The type a function belongs to; a closure to its parent's.
    fn owner(&self, function: FuncId) -> Option<Ustr> {
        self.program.functions[self.named(function).index()].owner
    }

    /// The named function that holds a closure.
    fn named(&self, function: FuncId) -> FuncId {
        let mut at = function;
        for _ in 0..8 {
            match self.program.functions[at.index()].kind {
                FunctionKind::Closure { parent } => at = parent,
                _ => break,
            }
        }
        at
    }

    fn deeds(&self, function: FuncId) -> &'a [Deed] {
        self.flow.summaries.get(&function).map_or(&[], |summary| summary.deeds.as_slice())
    }

    fn stores(&self) -> Vec<Store> {
        let mut methods: BTreeMap<Ustr, Vec<FuncId>> = BTreeMap::new();
        for at in 0..self.program.functions.len() {
            let id = FuncId(at as u32);
            let function = &self.program.functions[at];
            if let (Some(owner), FunctionKind::Named) = (function.owner, function.kind)
                && self.deeds(id).iter().any(|deed| !matches!(deed.did, Did::Read))
            {
                methods.entry(owner).or_default().push(id);
            }
        }
        let public = |owner: &Ustr| methods[owner].iter().any(|&id| self.program.functions[id.index()].public);
        let exported: BTreeSet<Ustr> = methods.keys().filter(|owner| public(owner)).copied().collect();
        let users: BTreeMap<Ustr, BTreeSet<Ustr>> =
            exported.iter().map(|&owner| (owner, self.users(owner, &methods[&owner], &exported))).collect();
        let mut groups: BTreeMap<Ustr, BTreeSet<Ustr>> = BTreeMap::new();
        for (owner, top) in tops(&users) {
            groups.entry(top).or_default().insert(owner);
        }
        let stores = groups.iter().filter(|(top, _)| self.keeps_files(top, &groups, &methods));
        let mut stores: Vec<Store> = stores
            .map(|(&name, members)| Store {
                name,
                members: members.clone(),
                operations: self.operations(members, &methods),
            })
            .collect();
        stores.extend(self.modules());
        stores
    }

    /// The types, of those in `exported`, that use `owner`: found up the calls, through everything that is none of these.
    fn users(&self, owner: Ustr, methods: &[FuncId], exported: &BTreeSet<Ustr>) -> BTreeSet<Ustr> {
        let package = self.program.functions[methods[0].index()].package;
        let (mut users, mut seen) = (BTreeSet::new(), BTreeSet::new());
        // Whoever only makes one is a builder, not a user.
        let makes = |function: &FuncId| {
            let function = &self.program.functions[function.index()];
            !function.params.iter().any(|param| function.locals[param.index()].type_name == Some(owner))
        };
        let mut work: Vec<FuncId> = methods.iter().copied().filter(|method| !makes(method)).collect();
        while let Some(at) = work.pop() {
            for &caller in &self.flow.callers[at.index()] {
                // Whoever works through an interface does not know what is behind it.
                let through_interface = self.program.functions[at.index()].interface.is_some();
                let foreign = self.program.functions[caller.index()].package != package;
                if through_interface || foreign || !seen.insert(caller) {
                    continue;
                }
                match self.owner(caller) {
                    Some(other) if other == owner => {}
                    Some(other) if exported.contains(&other) => {
                        users.insert(other);
                    }
                    _ => work.push(self.named(caller)),
                }
            }
        }
        users
    }

    /// Whether a group makes, replaces, removes or syncs files on its own, not only through other groups or for somebody who lends it
    /// a handle.
    fn keeps_files(
        &self,
        top: &Ustr,
        groups: &BTreeMap<Ustr, BTreeSet<Ustr>>,
        methods: &BTreeMap<Ustr, Vec<FuncId>>,
    ) -> bool {
        let others: BTreeSet<Ustr> =
            groups.iter().filter(|(other, _)| *other != top).flat_map(|(_, members)| members).copied().collect();
        groups[top].iter().flat_map(|member| &methods[member]).any(|&method| {
            let keeps = |deed: &&Deed| match deed.did {
                Did::Overwrite | Did::Remove => true,
                Did::Pend(how, Kind::Name) => how != How::DirectoryMade,
                Did::Sync => !self.is_lent(method, deed.file),
                _ => false,
            };
            self.deeds(method).iter().filter(keeps).any(|deed| {
                let on_the_way = deed.trace.functions();
                !on_the_way.iter().any(|&function| self.owner(function).is_some_and(|owner| others.contains(&owner)))
            })
        })
    }

    /// Whether the file is behind a handle that the function was lent.
    fn is_lent(&self, function: FuncId, file: Value) -> bool {
        let body = &self.program.functions[function.index()];
        match self.flow.terms.get(file) {
            Term::Param(number) => {
                let local = body.params.get(*number as usize).map(|local| &body.locals[local.index()]);
                local.is_some_and(|local| local.kind != ValueKind::Path)
            }
            _ => false,
        }
    }

    /// The public methods of `members` that do something to files, and the public functions outside any type that call them.
    fn operations(&self, members: &BTreeSet<Ustr>, methods: &BTreeMap<Ustr, Vec<FuncId>>) -> Vec<FuncId> {
        let mut operations: BTreeSet<FuncId> =
            members.iter().flat_map(|member| &methods[member]).copied().filter(|&id| self.is_public(id)).collect();
        let helpers: Vec<FuncId> = members
            .iter()
            .flat_map(|member| &methods[member])
            .flat_map(|method| &self.flow.callers[method.index()])
            .copied()
            .filter(|&caller| self.owner(caller).is_none() && self.is_public(caller))
            .collect();
        operations.extend(helpers);
        let mut operations: Vec<FuncId> = operations.into_iter().collect();
        operations.sort_by_key(|id| self.program.functions[id.index()].span);
        operations
    }

    fn is_public(&self, function: FuncId) -> bool {
        let function = &self.program.functions[function.index()];
        function.public && function.kind == FunctionKind::Named
    }

    /// Stores without a type: the public functions of a module that write files and that no method or other module uses.
    fn modules(&self) -> Vec<Store> {
        let mut by_module: BTreeMap<Ustr, Vec<FuncId>> = BTreeMap::new();
        for (at, function) in self.program.functions.iter().enumerate() {
            let id = FuncId(at as u32);
            let writes = |deed: &Deed| !matches!(deed.did, Did::Read | Did::Sync | Did::Flush);
            if function.owner.is_none() && self.is_public(id) && self.deeds(id).iter().any(writes) {
                let module = function.name.rsplit_once("::").map_or("", |(module, _)| module);
                by_module.entry(Ustr::from(module)).or_default().push(id);
            }
        }
        let module = |id: FuncId| {
            self.program.functions[self.named(id).index()].name.rsplit_once("::").map(|at| at.0.to_string())
        };
        let is_used = |name: &Ustr, functions: &Vec<FuncId>| {
            let callers = functions.iter().flat_map(|id| &self.flow.callers[id.index()]);
            callers
                .copied()
                .any(|caller| self.owner(caller).is_some() || module(caller).as_deref() != Some(name.as_str()))
        };
        let uses_types = |functions: &Vec<FuncId>| {
            functions.iter().flat_map(|&id| self.deeds(id)).any(|deed| {
                deed.did != Did::Read && deed.trace.functions().iter().any(|&function| self.owner(function).is_some())
            })
        };
        by_module
            .into_iter()
            .filter(|(name, functions)| !is_used(name, functions) && !uses_types(functions))
            .map(|(name, operations)| Store { name, members: BTreeSet::new(), operations })
            .collect()
    }

    /// Whether an operation is given no store of this kind: it makes one.
    fn is_opening(&self, store: &Store, operation: FuncId) -> bool {
        let function = &self.program.functions[operation.index()];
        let mut params = function.params.iter().map(|param| function.locals[param.index()].type_name);
        !store.members.is_empty()
            && function.owner.is_some()
            && !params.any(|given| given.is_some() && given == function.owner)
    }

    // ---- roles ----

    /// The smallest functions that rewrite or checkpoint, of those that operations on an open store get to.
    fn roles(&self, store: &Store) -> Roles {
        let mut parts: BTreeSet<FuncId> = BTreeSet::new();
        for &operation in store.operations.iter().filter(|&&operation| !self.is_opening(store, operation)) {
            parts.insert(operation);
            for deed in self.deeds(operation) {
                parts.extend(deed.trace.functions());
            }
        }
        // Callees before callers.
        let depth = |id: &FuncId| self.deeds(*id).iter().map(|deed| deed.trace.depth()).max().unwrap_or(0);
        let mut parts: Vec<(usize, FuncId)> = parts.iter().map(|id| (depth(id), *id)).collect();
        parts.sort();
        let mut roles = Roles::new();
        for (_, part) in parts {
            let below = |deed: &&Deed| deed.trace.functions().iter().skip(1).any(|inner| roles.contains_key(inner));
            let own: Vec<&Deed> = self.deeds(part).iter().filter(|deed| !deed.failing && !below(deed)).collect();
            if let Some(role) = role(&own) {
                roles.insert(part, role);
            }
        }
        roles
    }

    // ---- cells ----

    fn row(&self, store: &Store) -> Option<Row> {
        let first = *store.operations.first()?;
        let roles = self.roles(store);
        let writes = self.normal_writes(store, &roles);
        let (rewrite, deletes_first) = self.rewrites(&roles);
        if writes.verdict == Verdict::NotApplicable && rewrite.verdict == Verdict::NotApplicable {
            return None;
        }
        let directory = self.directory(store);
        let safe = safe(&writes, &rewrite, &deletes_first, &directory);
        let operations = store.operations.iter().map(|&operation| self.operation(operation)).collect();
        let span = self.program.functions[first.index()].name_span;
        Some(Row { store: store.name, span, writes, rewrite, deletes_first, directory, safe, operations })
    }

    fn successes(&self, function: FuncId) -> &[&'a Moment] {
        self.successes.get(&function).map_or(&[], |list| list.as_slice())
    }

    /// Whether what operations write themselves is durable when they report success.
    fn normal_writes(&self, store: &Store, roles: &Roles) -> Cell {
        let cell = self.writes(store, roles);
        if cell.verdict != Verdict::NotApplicable {
            return cell;
        }
        // Every write is a rewrite: then that is what a normal write is.
        self.writes(store, &Roles::new())
    }

    fn writes(&self, store: &Store, roles: &Roles) -> Cell {
        let mut cells: Vec<Cell> = Vec::new();
        for &operation in &store.operations {
            let takes_data =
                self.program.functions[operation.index()].params.len() > usize::from(!store.members.is_empty());
            if !takes_data || self.is_opening(store, operation) {
                continue;
            }
            cells.extend(self.operation_writes(operation, roles));
        }
        // The weakest decides; what is weaker by an option only is told as such.
        let order = [Verdict::No, Verdict::Unknown, Verdict::Conditional, Verdict::ViaLog, Verdict::Yes];
        let weakest = order.into_iter().find_map(|is| cells.iter().find(|cell| cell.verdict == is).cloned());
        weakest.unwrap_or(Cell::new(Verdict::NotApplicable))
    }

    /// The same for one operation; `None` if it writes nothing of that kind.
    fn operation_writes(&self, operation: FuncId, roles: &Roles) -> Option<Cell> {
        let normal: Vec<&Deed> = self
            .deeds(operation)
            .iter()
            .filter(|deed| !deed.failing && !in_role(&deed.trace, roles))
            .filter(|deed| !self.is_being_built(operation, deed.file) && !self.is_lent(operation, deed.file))
            .collect();
        let written: BTreeSet<Origin> =
            normal.iter().filter(|deed| writes(deed)).map(|deed| deed.trace.origin()).collect();
        if written.is_empty() {
            return None;
        }
        let left = |pending: &Pending| pending.kind != Kind::Name && written.contains(&pending.trace.origin());
        let (guilty, innocent): (Vec<&Moment>, Vec<&Moment>) =
            self.successes(operation).iter().copied().partition(|moment| moment.pending.iter().any(left));
        let all: Vec<&Deed> = self.deeds(operation).iter().filter(|deed| !deed.failing).collect();
        let via_log = is_logged(&normal, &all);
        let Some(first) = guilty.first() else {
            return Some(match self.unseen(operation) {
                Some(why) => Cell::detailed(Verdict::Unknown, format!("`{}`: {why}", self.short(operation))),
                None if via_log => Cell::new(Verdict::ViaLog),
                None => Cell::new(Verdict::Yes),
            });
        };
        let culprits = || guilty.iter().flat_map(|moment| moment.pending.iter().map(move |pending| (*moment, pending)));
        let certain = culprits().find(|(moment, pending)| left(pending) && self.is_certain(moment, pending));
        let first = first.pending.iter().find(|pending| left(pending)).expect("guilty moments have one");
        let span = certain.map_or(first, |(_, pending)| pending).trace.origin().span;
        let text = format!("`{}` reports success while what it wrote is not synced", self.short(operation));
        if let Some(option) = self.option(operation, &guilty, &innocent, &left) {
            let text = format!("{text}, depending on `{option}`");
            return Some(Cell::detailed(Verdict::Conditional, option).because(text, span));
        }
        if certain.is_none() {
            return Some(Cell::detailed(Verdict::Unknown, UNCERTAIN).because(text, span));
        }
        Some(Cell::new(Verdict::No).because(text, span))
    }

    /// Whether the file gets its name later, by another operation of its type: nothing in it counts before.
    fn is_being_built(&self, function: FuncId, file: Value) -> bool {
        let Some(owner) = self.owner(function) else { return false };
        let in_field = |field: &FieldKey| self.built.contains(field);
        match *self.flow.terms.get(file) {
            Term::Field(base, name) if matches!(self.flow.terms.get(base), Term::Param(0)) => in_field(&(owner, name)),
            // Not in a field yet.
            _ => self.flow.intents.fields_of(function, file).iter().any(|field| field.0 == owner && in_field(field)),
        }
    }

    /// Why not all of a function was seen.
    fn unseen(&self, function: FuncId) -> Option<&'static str> {
        let summary = self.flow.summaries.get(&function)?;
        if self.flow.broken.contains(&function) {
            return Some("it could not be analysed");
        }
        summary.bounded.then_some("it is too large or too deep to be followed to its end")
    }

    /// The option with which no path is guilty: whatever is `left` on a guilty path is left under the same answer, which some path that
    /// settles it has not.
    fn option(
        &self,
        function: FuncId,
        guilty: &[&Moment],
        innocent: &[&Moment],
        left: &dyn Fn(&Pending) -> bool,
    ) -> Option<String> {
        let settling = |moment: &Moment| moment.facts.iter().any(|(_, facts)| facts.written && facts.synced);
        let culprits: Vec<(&Moment, &Pending)> = guilty
            .iter()
            .flat_map(|moment| moment.pending.iter().filter(|pending| left(pending)).map(|pending| (*moment, pending)))
            .collect();
        let (moment, pending) = culprits.first()?;
        let common: Vec<&Guard> = pending
            .when
            .iter()
            .chain(&moment.guards)
            .filter(|guard| self.flow.terms.is_setting(guard.0, guard.1))
            .filter(|guard| {
                culprits.iter().all(|(moment, pending)| holds(&moment.guards, guard) || holds(&pending.when, guard))
            })
            .collect();
        let found = common.into_iter().find(|guard| {
            let parted = culprits.iter().any(|(moment, pending)| pending.when.contains(guard) && settling(moment));
            let mut settled = innocent.iter().filter(|moment| settling(moment)).peekable();
            match settled.peek() {
                Some(_) => settled.any(|moment| !holds(&moment.guards, guard)),
                None => parted,
            }
        });
        found.map(|&(value, ..)| self.name(function, value))
    }

    /// What `function` calls a value, in a few words.
    fn name(&self, function: FuncId, value: Value) -> String {
        match self.flow.terms.get(value) {
            Term::Field(_, name) | Term::Global(name) => name.rsplit("::").next().unwrap_or_default().to_string(),
            Term::Op(name, args) if matches!(name.as_str(), "!" | "==" | "!=") && !args.is_empty() => {
                let constant = matches!(self.flow.terms.get(args[0]), Term::Const(_)) && args.len() == 2;
                self.name(function, args[usize::from(constant)])
            }
            _ => self.shown(function, value),
        }
    }

    /// A path or value as `function` would write it: `self.dir/{number:06}.wal`.
    fn shown(&self, function: FuncId, value: Value) -> String {
        let terms = &self.flow.terms;
        let ops = terms.ops;
        match terms.get(value) {
            Term::Param(number) => {
                let body = &self.program.functions[function.index()];
                let local = body.params.get(*number as usize).map(|local| &body.locals[local.index()]);
                local.and_then(|local| local.name).map_or_else(|| format!("argument {number}"), |name| name.to_string())
            }
            Term::Field(base, name) => match terms.get(*base) {
                Term::Param(_) | Term::Field(..) => format!("{}.{name}", self.shown(function, *base)),
                _ => name.to_string(),
            },
            Term::Const(text) => text.trim_matches('"').to_string(),
            Term::Global(name) => name.rsplit("::").next().unwrap_or_default().to_string(),
            Term::Op(name, args) if *name == ops.join && args.len() == 2 => {
                format!("{}/{}", self.shown(function, args[0]), self.shown(function, args[1]))
            }
            Term::Op(name, args) if *name == ops.with_extension && args.len() == 2 => {
                format!("{}.{}", self.shown(function, args[0]), self.shown(function, args[1]))
            }
            Term::Op(name, args) if *name == ops.parent && args.len() == 1 => {
                format!("directory of {}", self.shown(function, args[0]))
            }
            Term::Op(name, args) => match name.strip_prefix("format:") {
                Some(text) => text.to_string(),
                None if args.is_empty() => "a value made here".to_string(),
                None => format!("{name}({})", self.shown(function, args[0])),
            },
            Term::Element(inner) => format!("{}[…]", self.shown(function, *inner)),
            Term::Success(inner) | Term::Buffered(inner) => self.shown(function, *inner),
            Term::Handle { file, .. } => self.shown(function, *file),
            _ => "a value made here".to_string(),
        }
    }

    /// Whether what rewrites put out is durable before it counts, and whether inputs go first.
    fn rewrites(&self, roles: &Roles) -> (Cell, Cell) {
        let (mut synced, mut first): (Option<Cell>, Option<Cell>) = (None, None);
        let mut retires_any = false;
        for (&function, &role) in roles {
            let short = self.short(function);
            let own: Vec<&Deed> = self.deeds(function).iter().filter(|deed| !deed.failing).collect();
            retires_any |= own.iter().any(|deed| {
                let written = own.iter().any(|other| writes(other) && other.file == deed.file);
                retires(deed) && !(deed.did == Did::Overwrite && written)
                    || matches!(deed.did, Did::Pend(How::Renamed, _))
            }) || matches!(role, Role::Rewrite { in_place: true });
            if let Some(pending) = self.retired_too_early(function, role) {
                let text = format!("`{short}` retires its input while its output is not synced");
                first = Some(Cell::new(Verdict::Yes).because(text, pending.trace.origin().span));
            }
            let culprits = || {
                let successes = self.successes(function).iter();
                let left = successes.flat_map(|moment| moment.pending.iter().map(move |pending| (*moment, pending)));
                left.filter(|(_, pending)| is_content(pending))
            };
            let certain = culprits().find(|(moment, pending)| self.is_certain(moment, pending));
            let left = certain.or_else(|| culprits().next());
            let in_place = matches!(role, Role::Rewrite { in_place: true });
            let counts = matches!(role, Role::Rewrite { .. }) || own.iter().any(|deed| deed.did == Did::Remove);
            let cell = match (left, self.unseen(function)) {
                _ if !counts => continue,
                (Some((_, pending)), _) => {
                    let text = format!("`{short}` leaves its output unsynced");
                    let cell = match certain {
                        Some(_) => Cell::new(Verdict::No),
                        None => Cell::detailed(Verdict::Unknown, UNCERTAIN),
                    };
                    cell.because(text, pending.trace.origin().span)
                }
                (None, Some(why)) => Cell::detailed(Verdict::Unknown, format!("`{short}`: {why}")),
                (None, None) if in_place => {
                    let cut = own.iter().find(|deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Cut, _)));
                    let span =
                        cut.map_or(self.program.functions[function.index()].name_span, |deed| deed.trace.origin().span);
                    let text = format!("`{short}` cuts a live file and fills it again in place");
                    Cell::detailed(Verdict::Yes, "in place").because(text, span)
                }
                (None, None) => Cell::new(Verdict::Yes),
            };
            let weight = |cell: &Cell| match cell.verdict {
                Verdict::No => 3,
                Verdict::Unknown => 2,
                _ => i32::from(cell.detail.is_some()),
            };
            if synced.as_ref().is_none_or(|old| weight(old) < weight(&cell)) {
                synced = Some(cell);
            }
        }
        let rewrite = synced.unwrap_or(Cell::new(Verdict::NotApplicable));
        let never = rewrite.verdict != Verdict::NotApplicable && !retires_any;
        let kept = if never { Cell::detailed(Verdict::No, "never deletes them") } else { Cell::new(Verdict::No) };
        (rewrite, first.unwrap_or(kept))
    }

    /// Whether what is pending is surely on a file, and surely not covered by a sync that could not be resolved.
    fn is_certain(&self, moment: &Moment, pending: &Pending) -> bool {
        let terms = &self.flow.terms;
        let root = terms.root(pending.file);
        let is_file = match terms.get(pending.file) {
            Term::Param(_) => !self.is_lent(moment.function, pending.file),
            // Something made here that was not opened by a path that can be told: memory, a socket, anything.
            _ if matches!(terms.get(root), Term::Fresh(..)) => {
                let facts = moment.fact(pending.file);
                facts.created || facts.temporary || pending.kind == Kind::Name
            }
            // A field that some record keeps a file in, or that is synced somewhere.
            Term::Field(..) => {
                let intents = &self.flow.intents;
                let mut fields = intents.fields_of(moment.function, pending.file).iter();
                fields.any(|field| intents.links.contains_key(field) || intents.synced_fields.contains(field))
            }
            // A path that was opened; not what some function nobody can see into made.
            Term::Op(name, _) => {
                let facts = moment.fact(pending.file);
                terms.is_path_operation(*name) || facts.created || facts.synced
            }
            _ => true,
        };
        is_file && !pending.doubt && !moment.vague_sync && pending.how != How::HandedOver
    }

    /// The output that is not synced when a function removes, cuts or replaces an input.
    fn retired_too_early(&self, function: FuncId, role: Role) -> Option<&'a Pending> {
        let moments = self.acts.get(&function)?;
        moments.iter().find_map(|moment| {
            let (file, read) = match moment.act {
                Act::Remove { file, .. } | Act::Cut { file, .. } => (file, true),
                Act::Rename { file, to, .. } => (file, moment.fact(to).read),
                _ => return None,
            };
            let old = moment.fact(file);
            let is_replaced = matches!(moment.act, Act::Rename { .. }) && read;
            if !is_replaced && (matches!(moment.act, Act::Rename { .. }) || old.created || old.temporary) {
                return None;
            }
            // A rewrite destroys what it read; something else that it removes is no input.
            let is_input = old.read || is_replaced || matches!(role, Role::Checkpoint);
            moment.pending.iter().filter(|_| is_input).find(|pending| {
                is_content(pending)
                    && self.is_certain(moment, pending)
                    && (pending.file == file) == is_replaced
                    && pending.how != How::Cut
            })
        })
    }

    /// Whether every name that operations make or take away is made durable.
    fn directory(&self, store: &Store) -> Cell {
        let named = |pending: &&Pending| {
            pending.kind == Kind::Name
                && matches!(pending.how, How::Created | How::MaybeCreated | How::Renamed | How::Linked | How::Removed)
        };
        let only = self.only_directory(store);
        let (mut any, mut doubtful, mut unseen) = (false, None, None);
        for &operation in &store.operations {
            any |= self
                .deeds(operation)
                .iter()
                .any(|deed| matches!(deed.did, Did::Pend(how, Kind::Name) if how != How::DirectoryMade));
            unseen = unseen.or_else(|| Some((operation, self.unseen(operation)?)));
            for moment in self.successes(operation) {
                // What an opening clears away, the next one clears away again.
                let excused = |pending: &&Pending| {
                    pending.how == How::Removed && self.is_opening(store, operation)
                        || self.is_being_built(operation, pending.file)
                };
                for pending in moment.pending.iter().filter(named).filter(|pending| !excused(pending)) {
                    let elsewhere = self.synced_elsewhere(operation, pending);
                    if elsewhere.is_some() && elsewhere == only {
                        continue;
                    }
                    if !self.is_certain(moment, pending) || elsewhere.is_some() {
                        doubtful = doubtful.or(Some((operation, pending)));
                        continue;
                    }
                    return Cell::new(Verdict::No)
                        .because(self.name_left(operation, pending), pending.trace.origin().span);
                }
            }
        }
        match (any, doubtful, unseen) {
            (_, Some((operation, pending)), _) => Cell::detailed(Verdict::Unknown, UNCERTAIN)
                .because(self.name_left(operation, pending), pending.trace.origin().span),
            (true, None, Some((operation, why))) => {
                Cell::detailed(Verdict::Unknown, format!("`{}`: {why}", self.short(operation)))
            }
            (true, None, None) => Cell::new(Verdict::Yes),
            (false, None, _) => Cell::new(Verdict::NotApplicable),
        }
    }

    /// The one directory that operations on an open store make names in, if there is only one.
    fn only_directory(&self, store: &Store) -> Option<Value> {
        let operations = store.operations.iter().filter(|&&operation| !self.is_opening(store, operation));
        let mut directories = operations.flat_map(|&operation| self.name_directories(operation));
        let first = directories.next()?;
        directories.all(|directory| directory == first).then_some(first)
    }

    /// The directories, told by settings of the store, that an operation makes names in.
    fn name_directories(&self, operation: FuncId) -> impl Iterator<Item = Value> {
        let names = self.deeds(operation).iter().filter(|deed| matches!(deed.did, Did::Pend(_, Kind::Name)));
        names.filter_map(|deed| deed.to).filter(|&directory| matches!(self.flow.terms.get(directory), Term::Field(..)))
    }

    /// For a name whose directory cannot be told: the directory that is synced after it all the same.
    fn synced_elsewhere(&self, operation: FuncId, pending: &Pending) -> Option<Value> {
        if !self.flow.terms.is_bare_parent(pending.dir) {
            return None;
        }
        let origin = pending.trace.origin();
        let deeds = self.deeds(operation);
        let at = deeds.iter().rposition(|deed| deed.trace.origin() == origin)?;
        let directories: Vec<Value> = self.name_directories(operation).collect();
        deeds[at..]
            .iter()
            .find(|deed| {
                deed.did == Did::Sync
                    && (directories.contains(&deed.file)
                        || !deeds.iter().any(|other| writes(other) && other.file == deed.file))
            })
            .map(|deed| deed.file)
    }

    fn name_left(&self, operation: FuncId, pending: &Pending) -> String {
        let what = match pending.how {
            How::Removed => "the removal of a name",
            How::Renamed => "a renamed file's name",
            How::Linked => "a linked file's name",
            _ => "a new file's name",
        };
        format!("`{}` reports success while {what} is not durable in its directory", self.short(operation))
    }

    fn short(&self, function: FuncId) -> Ustr {
        self.program.functions[function.index()].short_name
    }

    // ---- detail ----

    fn operation(&self, id: FuncId) -> Operation {
        let function = &self.program.functions[id.index()];
        let deeds = self.deeds(id);
        let directories: FxHashSet<Value> = deeds.iter().filter_map(|deed| deed.to).collect();
        let effects = deeds
            .iter()
            .filter(|deed| !deed.failing && deed.did != Did::Overwrite)
            .map(|deed| Effect {
                what: words(deed, directories.contains(&deed.file)),
                file: self.shown(id, deed.file),
                span: deed.trace.origin().span,
                condition: self.condition(id, deed),
            })
            .collect();
        let mut missing: Vec<Reason> = Vec::new();
        for pending in self.successes(id).iter().flat_map(|moment| &moment.pending) {
            let reason = Reason { text: left_in_words(pending).to_string(), span: pending.trace.origin().span };
            if !missing.contains(&reason) {
                missing.push(reason);
            }
        }
        Operation { name: function.name, span: function.name_span, effects, missing, unseen: self.unseen(id) }
    }

    fn condition(&self, function: FuncId, deed: &Deed) -> Option<String> {
        let words: Vec<String> = deed
            .guards
            .iter()
            .filter(|(value, question, _)| self.flow.terms.is_setting(*value, *question))
            .map(|&(value, question, answer)| {
                let name = self.name(function, value);
                match question {
                    Question::Variant(variant) => {
                        let variant = variant.rsplit("::").next().unwrap_or_default();
                        format!("{name} is {}{variant}", if answer { "" } else { "not " })
                    }
                    _ => format!("{name} is {}", if answer { "on" } else { "off" }),
                }
            })
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// For each type the one whose store it is part of, by who uses whom: what only one store uses is part of that store.
fn tops(users: &BTreeMap<Ustr, BTreeSet<Ustr>>) -> BTreeMap<Ustr, Ustr> {
    let mut tops: BTreeMap<Ustr, Ustr> = users.keys().map(|owner| (*owner, *owner)).collect();
    for _ in 0..users.len() {
        let part = users.iter().find_map(|(owner, users)| {
            if tops[owner] != *owner {
                return None;
            }
            let above: BTreeSet<Ustr> = users.iter().map(|user| tops[user]).filter(|top| top != owner).collect();
            (above.len() == 1).then(|| (*owner, *above.first().expect("there is one")))
        });
        let Some((owner, top)) = part else { break };
        tops.values_mut().filter(|old| **old == owner).for_each(|old| *old = top);
    }
    tops
}

/// The last cell: what the others add up to.
fn safe(writes: &Cell, rewrite: &Cell, deletes_first: &Cell, directory: &Cell) -> Cell {
    let broken = |cell: &&Cell| cell.verdict == Verdict::No;
    let in_place = Some(rewrite).filter(|cell| cell.reason.is_some() && cell.verdict == Verdict::Yes);
    let early = Some(deletes_first).filter(|cell| cell.verdict == Verdict::Yes);
    let decisive = early.or(in_place).or_else(|| [writes, rewrite, directory].into_iter().find(broken));
    if let Some(cell) = decisive {
        return Cell { verdict: Verdict::No, detail: None, reason: cell.reason.clone() };
    }
    if let Some(cell) = [writes, rewrite, directory].into_iter().find(|cell| cell.verdict == Verdict::Unknown) {
        return Cell { verdict: Verdict::Unknown, detail: cell.detail.clone(), reason: cell.reason.clone() };
    }
    // What an option takes back was not promised.
    Cell::new(Verdict::Yes)
}

/// What a function is by what it does itself, `deeds`.
fn role(deeds: &[&Deed]) -> Option<Role> {
    let files = |is: &dyn Fn(&Deed) -> bool| -> FxHashSet<Value> {
        deeds.iter().filter(|deed| is(deed)).map(|deed| deed.file).collect()
    };
    // What is read only after it was made is no input.
    let made = |deed: &Deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Created | How::Copied, _));
    let mut read = FxHashSet::default();
    let mut made_before = FxHashSet::default();
    for deed in deeds {
        if made(deed) {
            made_before.insert(deed.file);
        } else if deed.did == Did::Read && !made_before.contains(&deed.file) {
            read.insert(deed.file);
        }
    }
    let written = files(&writes);
    let created = files(&|deed| {
        matches!(deed.did, Did::Pend(How::Created | How::MaybeCreated | How::Copied | How::WrittenWhole, _))
    });
    let synced = files(&|deed| deed.did == Did::Sync);
    let cut = files(&|deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Cut, _)));
    let in_place = written.iter().any(|file| read.contains(file) && cut.contains(file));
    let output = written.iter().any(|file| created.contains(file) && !read.contains(file));
    if !read.is_empty() && (in_place || output) {
        return Some(Role::Rewrite { in_place });
    }
    let retired = deeds.iter().any(|deed| {
        let new = deed.did == Did::Remove && created.contains(&deed.file);
        // What is created over and filled is an output.
        retires(deed) && !new && !written.contains(&deed.file) && !read.contains(&deed.file)
    });
    let kept = written.iter().chain(&synced).any(|file| !deeds.iter().any(|deed| retires(deed) && deed.file == *file));
    (retired && kept).then_some(Role::Checkpoint)
}

/// Whether a log goes first: a file is written and synced, others are written as well, and in the end it is cut.
fn is_logged(normal: &[&Deed], all: &[&Deed]) -> bool {
    all.iter().filter(|deed| matches!(deed.did, Did::Pend(How::Cut, _))).any(|cut| {
        let log = cut.file;
        let written = normal.iter().position(|deed| writes(deed) && deed.file == log);
        let synced = normal.iter().position(|deed| deed.did == Did::Sync && deed.file == log);
        let others = normal.iter().any(|deed| writes(deed) && deed.file != log);
        others && written.zip(synced).is_some_and(|(written, synced)| written < synced)
    })
}

/// Whether `guards` say or imply an answer: what is one variant is no other.
fn holds(guards: &[Guard], &(value, question, answer): &Guard) -> bool {
    guards.iter().any(|&(other, asked, said)| {
        other == value
            && (asked == question && said == answer
                || !answer
                    && said
                    && asked != question
                    && matches!((asked, question), (Question::Variant(_), Question::Variant(_))))
    })
}

fn in_role(trace: &Trace, roles: &Roles) -> bool {
    trace.functions().iter().any(|function| roles.contains_key(function))
}

fn is_content(pending: &Pending) -> bool {
    pending.kind != Kind::Name && !matches!(pending.how, How::Resized | How::Cut)
}

fn writes(deed: &Deed) -> bool {
    matches!(deed.did, Did::Pend(How::Written | How::WrittenWhole | How::Copied | How::HandedOver, _))
}

fn retires(deed: &Deed) -> bool {
    matches!(deed.did, Did::Remove | Did::Overwrite | Did::Pend(How::Cut, _))
}

fn words(deed: &Deed, is_directory: bool) -> &'static str {
    match deed.did {
        Did::Read => "read",
        Did::Overwrite => "truncate",
        Did::Flush => "flush",
        Did::Sync if is_directory => "sync directory",
        Did::Sync => "sync",
        Did::Remove => "unlink",
        Did::Pend(how, _) => match how {
            How::Written | How::WrittenWhole | How::HandedOver => "write",
            How::Copied => "copy",
            How::Resized => "resize",
            How::Cut => "truncate",
            How::Created | How::MaybeCreated => "create",
            How::Renamed => "rename",
            How::Linked => "link",
            How::Removed => "unlink",
            How::DirectoryMade => "make directory",
        },
    }
}

fn left_in_words(pending: &Pending) -> &'static str {
    match (pending.kind, pending.how) {
        (Kind::Buffer, _) => "bytes still in a user-space buffer: gone even if only the process is killed",
        (Kind::Data, How::Resized | How::Cut) => {
            "a new length that is not synced: after a crash the old one or the new"
        }
        (Kind::Data, _) => "bytes that are not synced: after a crash there, partly there, or gone",
        (Kind::Name, How::Removed) => "a removal that the directory may forget: after a crash the file can be back",
        (Kind::Name, How::Renamed) => "a rename that the directory may forget: after a crash the old name can be back",
        (Kind::Name, How::DirectoryMade) => "a directory whose parent may forget it, with all that is in it",
        (Kind::Name, _) => "a name that the directory may forget: after a crash the file can be gone",
    }
}
