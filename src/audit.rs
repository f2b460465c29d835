//! The durability table: one row for each store of a program, told by the effects of its operations, never by names.
//!
//! A *store* is a type whose methods put data into files, and that no other such type uses. Its *operations* are its public methods.
//! What an operation does is split by effects:
//!
//! * a **rewrite** is the smallest function that reads files, writes others (or the same) and retires what it read;
//! * a **checkpoint** is the smallest function that writes or syncs files and retires others without having read them;
//! * everything else that is written by an operation is a **normal write**.

use crate::flow::Flow;
use crate::flow::state::{How, Kind, Origin, Pending, Question, Trace};
use crate::flow::summary::{Act, Deed, Did};
use crate::flow::terms::{Term, Value};
use crate::flow::{Moment, terms};
use crate::ir::{FuncId, FunctionKind, Program};
use crate::source::Span;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use ustr::Ustr;

/// One cell of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "why")]
pub enum Cell {
    /// It does, on every path.
    Yes,
    /// It does not, on some path that no option asks for.
    No,
    /// It depends on an option, a mode, a flag.
    Conditional(String),
    /// Not itself: a log that is synced before says the same.
    ViaLog,
    /// There is no such operation.
    NotApplicable,
    /// Cannot be told, and why.
    Unknown(String),
}

/// A place that decides a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// In words.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// An effect of an operation, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// `create`, `write`, `flush`, `sync`, `sync directory`, `rename`, `unlink`, `truncate`, `read`.
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
    /// Its name.
    pub name: Ustr,
    /// Where it stands.
    pub span: Span,
    /// What it does to files, in order.
    pub effects: Vec<Effect>,
    /// What is pending when it reports success, in words.
    pub missing: Vec<Reason>,
}

/// One store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The type, qualified.
    pub store: Ustr,
    /// Where it begins: its first operation.
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
    /// What decides.
    pub reason: Option<Reason>,
    /// The operations.
    pub operations: Vec<Operation>,
}

/// The table of `program`.
pub fn audit(program: &Program, flow: &Flow) -> Vec<Row> {
    let audit = Audit::new(program, flow);
    let mut rows: Vec<Row> =
        audit.stores().into_iter().filter_map(|(store, operations)| audit.row(store, &operations)).collect();
    rows.sort_by_key(|row| (row.span, row.store));
    rows
}

struct Audit<'a> {
    program: &'a Program,
    flow: &'a Flow,
    successes: FxHashMap<FuncId, Vec<&'a Moment>>,
    acts: FxHashMap<FuncId, Vec<&'a Moment>>,
}

/// The role of a function in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Rewrite,
    Checkpoint,
}

impl<'a> Audit<'a> {
    fn new(program: &'a Program, flow: &'a Flow) -> Audit<'a> {
        let (mut successes, mut acts): (FxHashMap<_, Vec<_>>, FxHashMap<_, Vec<_>>) = Default::default();
        for moment in &flow.moments {
            let of = if moment.act == Act::Succeed { &mut successes } else { &mut acts };
            of.entry(moment.function).or_default().push(moment);
        }
        Audit { program, flow, successes, acts }
    }

    /// The type a function belongs to; a closure to its parent's.
    fn owner(&self, function: FuncId) -> Option<Ustr> {
        let mut at = function;
        for _ in 0..8 {
            let body = &self.program.functions[at.index()];
            match body.kind {
                FunctionKind::Closure { parent } => at = parent,
                _ => return body.owner,
            }
        }
        None
    }

    /// The stores with their operations.
    fn stores(&self) -> Vec<(Ustr, Vec<FuncId>)> {
        let mut writing: BTreeMap<Ustr, Vec<FuncId>> = BTreeMap::new();
        for (at, function) in self.program.functions.iter().enumerate() {
            let id = FuncId(at as u32);
            let (Some(owner), FunctionKind::Named) = (function.owner, function.kind) else { continue };
            let Some(summary) = self.flow.summaries.get(&id) else { continue };
            if summary.deeds.iter().any(|deed| !matches!(deed.did, Did::Read)) {
                writing.entry(owner).or_default().push(id);
            }
        }
        let types: FxHashSet<Ustr> = writing.keys().copied().collect();
        let used = |owner: Ustr| {
            writing[&owner].iter().any(|function| {
                self.callers_through_helpers(*function)
                    .into_iter()
                    .any(|caller| self.owner(caller).is_some_and(|other| other != owner && types.contains(&other)))
            })
        };
        writing
            .iter()
            .filter(|(owner, _)| !used(**owner))
            .map(|(owner, functions)| {
                let public = functions
                    .iter()
                    .copied()
                    .filter(|function| self.program.functions[function.index()].public)
                    .collect::<Vec<_>>();
                (*owner, public)
            })
            .filter(|(_, operations)| !operations.is_empty())
            .collect()
    }

    /// Who calls a function, looking through free functions.
    fn callers_through_helpers(&self, function: FuncId) -> BTreeSet<FuncId> {
        let (mut seen, mut work) = (BTreeSet::new(), vec![function]);
        while let Some(at) = work.pop() {
            for &caller in &self.flow.callers[at.index()] {
                if seen.insert(caller) && self.owner(caller).is_none() {
                    work.push(caller);
                }
            }
        }
        seen
    }

    /// The functions in which deeds of `operations` happen: every function on a trace.
    fn parts(&self, operations: &[FuncId]) -> BTreeSet<FuncId> {
        let mut parts: BTreeSet<FuncId> = operations.iter().copied().collect();
        for operation in operations {
            for deed in &self.flow.summaries[operation].deeds {
                parts.extend(deed.trace.functions());
            }
        }
        parts
    }

    /// The smallest functions that retire files, with what they are.
    fn roles(&self, parts: &BTreeSet<FuncId>) -> BTreeMap<FuncId, Role> {
        let mut roles: BTreeMap<FuncId, Role> = BTreeMap::new();
        for &part in parts {
            if let Some(role) = self.role(part) {
                roles.insert(part, role);
            }
        }
        // Who only calls a function that is one is none itself.
        let inner: Vec<FuncId> = roles
            .keys()
            .copied()
            .filter(|outer| {
                self.flow.summaries.get(outer).is_some_and(|summary| {
                    summary.deeds.iter().any(|deed| {
                        retires(deed) && deed.trace.functions().iter().skip(1).any(|below| roles.contains_key(below))
                    })
                })
            })
            .filter(|outer| {
                // Unless it retires something on its own.
                !self.flow.summaries[outer].deeds.iter().any(|deed| {
                    retires(deed) && !deed.trace.functions().iter().skip(1).any(|below| roles.contains_key(below))
                })
            })
            .collect();
        for function in inner {
            roles.remove(&function);
        }
        roles
    }

    fn role(&self, function: FuncId) -> Option<Role> {
        let deeds = &self.flow.summaries.get(&function)?.deeds;
        let main = || deeds.iter().filter(|deed| !deed.failing);
        let read: FxHashSet<Value> = main().filter(|deed| deed.did == Did::Read).map(|deed| deed.file).collect();
        let created: FxHashSet<Value> =
            main().filter(|deed| matches!(deed.did, Did::Pend(How::Created, _))).map(|deed| deed.file).collect();
        let written: FxHashSet<Value> = main().filter(|deed| writes(deed)).map(|deed| deed.file).collect();
        let retired: Vec<&Deed> =
            main().filter(|deed| retires(deed) && !(deed.did == Did::Remove && created.contains(&deed.file))).collect();
        if retired.is_empty() || written.is_empty() {
            return None;
        }
        if !read.is_empty() { Some(Role::Rewrite) } else { Some(Role::Checkpoint) }
    }

    fn row(&self, store: Ustr, operations: &[FuncId]) -> Option<Row> {
        let parts = self.parts(operations);
        let roles = self.roles(&parts);
        let first = &self.program.functions[operations[0].index()];
        let mut reason = None;
        let writes = self.normal_writes(operations, &roles, &mut reason);
        let (rewrite, deletes_first) = self.rewrites(&roles, &mut reason);
        let directory = self.directory(operations, &mut reason);
        if writes == Cell::NotApplicable && rewrite == Cell::NotApplicable {
            return None;
        }
        let good = |cell: &Cell| matches!(cell, Cell::Yes | Cell::Conditional(_) | Cell::ViaLog | Cell::NotApplicable);
        let unknown = [&writes, &rewrite, &directory].iter().any(|cell| matches!(cell, Cell::Unknown(_)));
        let safe = if unknown {
            Cell::Unknown("a cell is unknown".to_string())
        } else if good(&writes)
            && good(&rewrite)
            && matches!(deletes_first, Cell::No | Cell::NotApplicable)
            && good(&directory)
        {
            Cell::Yes
        } else {
            Cell::No
        };
        let operations = operations.iter().map(|&operation| self.operation(operation)).collect();
        Some(Row { store, span: first.span, writes, rewrite, deletes_first, directory, safe, reason, operations })
    }

    /// Whether what an operation writes itself is durable when it reports success.
    fn normal_writes(
        &self,
        operations: &[FuncId],
        roles: &BTreeMap<FuncId, Role>,
        reason: &mut Option<Reason>,
    ) -> Cell {
        let mut cells: Vec<Cell> = Vec::new();
        for &operation in operations {
            let summary = &self.flow.summaries[&operation];
            let normal: BTreeSet<Origin> = summary
                .deeds
                .iter()
                .filter(|deed| {
                    writes(deed) && !deed.failing && !in_role(&deed.trace, roles) && self.takes_data(operation)
                })
                .map(|deed| deed.trace.origin())
                .collect();
            if normal.is_empty() {
                continue;
            }
            let left = |pending: &&Pending| pending.kind != Kind::Name && normal.contains(&pending.trace.origin());
            let successes: Vec<&Moment> = self
                .successes
                .get(&operation)
                .into_iter()
                .flatten()
                .copied()
                .filter(|moment| !moment.failing)
                .collect();
            let guilty: Vec<&Moment> = successes
                .iter()
                .copied()
                .filter(|moment| moment.pending.iter().any(|pending| left(&pending)))
                .collect();
            let Some(first) = guilty.first() else {
                cells.push(Cell::Yes);
                continue;
            };
            let innocent: Vec<&Moment> = successes
                .iter()
                .copied()
                .filter(|moment| !moment.pending.iter().any(|pending| left(&pending)))
                .collect();
            let pending = first.pending.iter().find(left).expect("guilty moments have one");
            let synced: Vec<&Deed> =
                summary.deeds.iter().filter(|deed| deed.did == Did::Sync && !in_role(&deed.trace, roles)).collect();
            if let Some(option) = self.option(&guilty, &innocent) {
                cells.push(Cell::Conditional(option));
            } else if guilty.iter().all(|moment| self.logged(moment, &normal)) && !synced.is_empty() {
                cells.push(Cell::ViaLog);
                continue;
            } else {
                cells.push(Cell::No);
            }
            reason.get_or_insert(Reason {
                text: format!("`{}` reports success while what it wrote is not synced", self.short(operation)),
                span: pending.trace.origin().span,
            });
        }
        // The weakest decides; what is weaker by an option only is told as such.
        [
            |cell: &Cell| *cell == Cell::No,
            |cell: &Cell| matches!(cell, Cell::Conditional(_)),
            |cell: &Cell| *cell == Cell::ViaLog,
            |cell: &Cell| *cell == Cell::Yes,
        ]
        .into_iter()
        .find_map(|is| cells.iter().find(|cell| is(cell)).cloned())
        .unwrap_or(Cell::NotApplicable)
    }

    /// An operation that is given something besides its store: data.
    fn takes_data(&self, operation: FuncId) -> bool {
        self.program.functions[operation.index()].params.len() > 1
    }

    /// Whether some file that the operation wrote is synced at this success, so that a log stands for the rest.
    fn logged(&self, moment: &Moment, normal: &BTreeSet<Origin>) -> bool {
        let pending: FxHashSet<Value> = moment
            .pending
            .iter()
            .filter(|pending| pending.kind != Kind::Name && normal.contains(&pending.trace.origin()))
            .map(|pending| pending.file)
            .collect();
        moment.facts.iter().any(|(file, facts)| facts.written && facts.synced && !pending.contains(file))
    }

    /// The option that tells guilty paths from innocent ones.
    fn option(&self, guilty: &[&Moment], innocent: &[&Moment]) -> Option<String> {
        let first = guilty.first()?;
        if innocent.is_empty() {
            return None;
        }
        let answers = |moment: &Moment, value: Value, question: Question| {
            moment.guards.iter().find(|&&(other, asked, _)| other == value && asked == question).map(|guard| guard.2)
        };
        first.guards.iter().chain(innocent[0].guards.iter()).find_map(|&(value, question, _)| {
            if !self.flow.terms.is_stable(value) || !matches!(question, Question::True | Question::Variant(_)) {
                return None;
            }
            let bad: Vec<_> = guilty.iter().map(|moment| answers(moment, value, question)).collect();
            let good: Vec<_> = innocent.iter().map(|moment| answers(moment, value, question)).collect();
            let tells = good.iter().all(|answer| answer.is_some() && !bad.contains(answer));
            tells.then(|| self.option_name(value))
        })
    }

    fn option_name(&self, value: Value) -> String {
        match self.flow.terms.get(value) {
            Term::Field(_, name) | Term::Global(name) => name.to_string(),
            _ => self.flow.terms.show(value),
        }
    }

    /// Whether what rewrites put out is durable before it counts, and whether inputs go first.
    fn rewrites(&self, roles: &BTreeMap<FuncId, Role>, reason: &mut Option<Reason>) -> (Cell, Cell) {
        let rewrites: Vec<FuncId> =
            roles.iter().filter(|(_, role)| **role == Role::Rewrite).map(|(function, _)| *function).collect();
        if rewrites.is_empty() {
            return (Cell::NotApplicable, self.checkpoints(roles, reason));
        }
        let (mut synced, mut first) = (Cell::Yes, Cell::No);
        for function in rewrites {
            let content =
                |pending: &&Pending| pending.kind != Kind::Name && !matches!(pending.how, How::Resized | How::Cut);
            let left = self
                .successes
                .get(&function)
                .into_iter()
                .flatten()
                .filter(|moment| !moment.failing)
                .find_map(|moment| moment.pending.iter().find(content));
            let retiring = self.acts.get(&function).into_iter().flatten().filter(|moment| {
                !moment.failing && matches!(moment.act, Act::Remove { .. } | Act::Cut { .. } | Act::Rename { .. })
            });
            for moment in retiring {
                let file = match moment.act {
                    Act::Remove { file, .. } | Act::Cut { file, .. } | Act::Rename { file, .. } => file,
                    _ => continue,
                };
                if let Some(pending) = moment.pending.iter().find(|pending| {
                    content(pending) && (pending.file != file || matches!(moment.act, Act::Rename { .. }))
                }) {
                    if matches!(moment.act, Act::Remove { .. } | Act::Cut { .. }) && !moment.fact(file).created {
                        first = Cell::Yes;
                    }
                    synced = Cell::No;
                    reason.get_or_insert(Reason {
                        text: format!("`{}` retires its input while its output is not synced", self.short(function)),
                        span: pending.trace.origin().span,
                    });
                }
            }
            if let Some(pending) = left {
                synced = Cell::No;
                reason.get_or_insert(Reason {
                    text: format!("`{}` leaves its output unsynced", self.short(function)),
                    span: pending.trace.origin().span,
                });
            }
        }
        (synced, first)
    }

    /// Whether checkpoints retire a log before what it stands for is durable.
    fn checkpoints(&self, roles: &BTreeMap<FuncId, Role>, reason: &mut Option<Reason>) -> Cell {
        for (function, _) in roles.iter().filter(|(_, role)| **role == Role::Checkpoint) {
            for moment in self.acts.get(function).into_iter().flatten().filter(|moment| !moment.failing) {
                let (Act::Remove { file, .. } | Act::Cut { file, .. }) = moment.act else { continue };
                if let Some(pending) =
                    moment.pending.iter().find(|pending| pending.kind != Kind::Name && pending.file != file)
                {
                    reason.get_or_insert(Reason {
                        text: format!("`{}` retires a log before what it stands for is synced", self.short(*function)),
                        span: pending.trace.origin().span,
                    });
                    return Cell::Yes;
                }
            }
        }
        Cell::No
    }

    /// Whether every name that operations make or take away is made durable.
    fn directory(&self, operations: &[FuncId], reason: &mut Option<Reason>) -> Cell {
        let mut any = false;
        for &operation in operations {
            any |=
                self.flow.summaries[&operation].deeds.iter().any(|deed| matches!(deed.did, Did::Pend(_, Kind::Name)));
            let left = self
                .successes
                .get(&operation)
                .into_iter()
                .flatten()
                .filter(|moment| !moment.failing)
                .flat_map(|moment| &moment.pending)
                .find(|pending| {
                    pending.kind == Kind::Name
                        && matches!(
                            pending.how,
                            How::Created | How::MaybeCreated | How::Renamed | How::Linked | How::Removed
                        )
                });
            if let Some(pending) = left {
                reason.get_or_insert(Reason {
                    text: format!(
                        "`{}` reports success while a name is not durable in its directory",
                        self.short(operation)
                    ),
                    span: pending.trace.origin().span,
                });
                return Cell::No;
            }
        }
        if any { Cell::Yes } else { Cell::NotApplicable }
    }

    fn short(&self, function: FuncId) -> Ustr {
        self.program.functions[function.index()].short_name
    }

    fn operation(&self, id: FuncId) -> Operation {
        let function = &self.program.functions[id.index()];
        let effects = self.flow.summaries[&id]
            .deeds
            .iter()
            .filter(|deed| !deed.failing)
            .map(|deed| Effect {
                what: words(deed),
                file: self.flow.terms.show(deed.file),
                span: deed.trace.origin().span,
                condition: self.condition(deed),
            })
            .collect();
        let mut missing: Vec<Reason> = Vec::new();
        for pending in self
            .successes
            .get(&id)
            .into_iter()
            .flatten()
            .filter(|moment| !moment.failing)
            .flat_map(|moment| &moment.pending)
        {
            let reason = Reason { text: left_in_words(pending).to_string(), span: pending.trace.origin().span };
            if !missing.contains(&reason) {
                missing.push(reason);
            }
        }
        Operation { name: function.name, span: function.name_span, effects, missing }
    }

    fn condition(&self, deed: &Deed) -> Option<String> {
        let words: Vec<String> = deed
            .guards
            .iter()
            .filter(|(_, question, _)| matches!(question, Question::True | Question::Variant(_)))
            .map(|&(value, question, answer)| {
                let name = self.option_name(value);
                match question {
                    Question::Variant(variant) => format!(
                        "{name} is {}{}",
                        if answer { "" } else { "not " },
                        variant.rsplit("::").next().unwrap_or_default()
                    ),
                    _ => format!("{name} is {}", if answer { "on" } else { "off" }),
                }
            })
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

fn in_role(trace: &Trace, roles: &BTreeMap<FuncId, Role>) -> bool {
    trace.functions().iter().any(|function| roles.contains_key(function))
}

fn writes(deed: &Deed) -> bool {
    matches!(deed.did, Did::Pend(How::Written | How::WrittenWhole | How::Copied | How::HandedOver, _))
}

fn retires(deed: &Deed) -> bool {
    matches!(deed.did, Did::Remove | Did::Pend(How::Cut | How::Renamed, _))
}

fn words(deed: &Deed) -> &'static str {
    match deed.did {
        Did::Read => "read",
        Did::Flush => "flush",
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
        (Kind::Buffer, _) => "bytes still in a user-space buffer",
        (Kind::Data, How::Resized | How::Cut) => "a new length that is not synced",
        (Kind::Data, _) => "bytes that are not synced",
        (Kind::Name, How::Removed) => "a removal that its directory may forget",
        (Kind::Name, _) => "a name that its directory may forget",
    }
}

/// Keeps the table of terms in reach for those who show rows.
pub type Terms = terms::Terms;
