//! How sure it is that something that is pending can be lost, and why not: what is not sure decides no cell, it is a reason for `unknown`.

use super::evidence::Evidence;
use super::stores::Store;
use crate::apis::{Apis, KindName};
use crate::effects::Effect;
use crate::flow::Moment;
use crate::flow::intent::FieldKey;
use crate::flow::state::{How, Kind, Pending, Trace};
use crate::flow::summary::{Act, Deed, Did};
use crate::flow::terms::{Term, Value};
use crate::ir::{
    Base, Call, Callee, FuncId, Function, InstKind, LocalId, Operand, Place, Program, Rvalue, Step, ValueKind,
};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// The operation that gives a path in a directory for temporary files.
pub(super) const TEMPORARY: &str = "temporary_path";

/// Why something that is pending proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It was not seen that a file is written to; if known, what is of which type.
    NoFile(Option<Ustr>),
    /// It is a device: a disk, a terminal, nothing at all.
    Device,
    /// It lies in a directory for temporary files.
    Temporary,
    /// Code that was not seen was given the file, and may have written, or synced it.
    HandedOver,
    /// A sync of something that could not be resolved may cover it.
    Covered,
    /// Of several files some are synced afterwards, and it cannot be told which.
    OneOfSeveral,
    /// This function was not followed to its end, and it could sync it there.
    NotFollowed(Ustr),
    /// On another way its directory is synced, and which way is that of a new file cannot be told.
    OtherWay,
    /// A new file that nothing was seen to be put into.
    Empty,
    /// It lies in a file that is renamed on other ways, and was not on this one: what is left of an attempt, perhaps.
    Unnamed,
    /// It is a step before this one, which uses up what it is part of, and syncs.
    Unfinished(Ustr),
    /// Which of several implementations is asked by this name cannot be told.
    Implementation(Ustr),
    /// What is asked by this name is of a type that is not known.
    Guessed(Ustr),
    /// A task that this function starts does it, at a time of its own.
    Task(Ustr),
    /// A task that this function starts syncs it, too.
    SyncedByTask(Ustr),
    /// It waits for an answer after that, perhaps of a task that this function starts, and that syncs.
    Answered(Ustr),
    /// It lies in a file that never has a name.
    Nameless,
    /// It is made only if the options say so that this function is given.
    AsTold(Ustr),
    /// On the other way of this option an answer is waited for, perhaps of a task that this function starts, and that syncs.
    AskedOtherwise(String, Ustr),
    /// Whoever was handed this part of the store makes it durable by this call, when it has to be.
    ByItsOwnCall(Ustr),
}

impl Doubt {
    /// The reason in words.
    pub(super) fn words(self) -> String {
        match self {
            Doubt::NoFile(Some(name)) => format!("it goes through a `{name}`, whose code was not seen"),
            Doubt::NoFile(None) => "what it goes to was not seen to be opened, and may be no file".to_string(),
            Doubt::Device => "it lies below `/dev`, and need not be a disk".to_string(),
            Doubt::Temporary => "it lies in a directory for temporary files, which need not last".to_string(),
            Doubt::HandedOver => "code that was not seen is given the file, and may sync it".to_string(),
            Doubt::Covered => "a sync that could not be resolved may cover it".to_string(),
            Doubt::OneOfSeveral => "of several files some are synced, and it cannot be told which".to_string(),
            Doubt::NotFollowed(name) => {
                format!("`{name}` is too large or too deep to be followed to its end, and may sync it there")
            }
            Doubt::OtherWay => {
                "its directory is synced on another way, and which of them makes the file cannot be told".to_string()
            }
            Doubt::Empty => "nothing was seen to be put into that file: it may be there to be locked".to_string(),
            Doubt::Unnamed => {
                "it lies in a file that is renamed on other ways, and may be what an attempt that failed has left"
                    .to_string()
            }
            Doubt::Unfinished(name) => format!("the last step, `{name}`, syncs, and it may be of no use before"),
            Doubt::Implementation(name) => {
                format!("`{name}` has several implementations, and which of them is asked cannot be told")
            }
            Doubt::Guessed(name) => {
                format!("`{name}` is asked of something whose type is not known, and may be another function")
            }
            Doubt::Task(name) => {
                format!("a task that `{name}` starts does it, and when, and for whom, cannot be told")
            }
            Doubt::SyncedByTask(name) => {
                format!("a task that `{name}` starts syncs it, too, and whether that is waited for cannot be told")
            }
            Doubt::Answered(name) => {
                format!("an answer is waited for after it, and a task that `{name}` starts syncs, and may give it")
            }
            Doubt::AsTold(name) => format!("`{name}` opens by options that it is given, which need not make files"),
            Doubt::AskedOtherwise(option, name) => format!(
                "by another answer to `{option}` it waits for an answer, and a task that `{name}` starts syncs, and may give it"
            ),
            Doubt::Nameless => "it lies in a file that never has a name, and is gone when that is closed".to_string(),
            Doubt::ByItsOwnCall(name) => {
                format!("a call of its own, `{name}`, syncs it, and it may be of no use before")
            }
        }
    }
}

/// What fields of records are, by their declarations.
#[derive(Default)]
pub(super) struct Declared {
    /// Fields that hold a handle to a file, or the path of one.
    files: FxHashSet<FieldKey>,
    /// The types of fields, where they are known, and other people's.
    types: FxHashMap<FieldKey, Ustr>,
    /// Fields that are put together with memory that can be written to like a file.
    memory: FxHashSet<FieldKey>,
    /// Fields that are put together with a descriptor, which need not be a file's.
    descriptors: FxHashSet<FieldKey>,
    /// Fields that are put together with a path in a temporary directory that goes with some value.
    temporary: FxHashSet<FieldKey>,
    /// Fields that are put together with, or set to, anything else.
    lasting: FxHashSet<FieldKey>,
}

impl Declared {
    /// Reads off how fields are used; `apis` tells what types are.
    pub(super) fn new(program: &Program, apis: &Apis) -> Declared {
        let mut declared = Declared::default();
        for function in &program.functions {
            declared.note_temporary(function, apis);
            for inst in function.blocks.iter().flat_map(|block| &block.insts) {
                match &inst.kind {
                    InstKind::Call(call) => {
                        for arg in &call.args {
                            if let Operand::Place(place) = &arg.value
                                && let Some(field) = field(place)
                                && is_file(arg.kind)
                            {
                                declared.files.insert(field);
                            }
                        }
                    }
                    InstKind::Assign { place, value: Rvalue::Use(Operand::Place(from)) } => {
                        let mut learn = |field: Option<FieldKey>, other: Option<LocalId>| {
                            let Some((field, other)) = field.zip(other) else { return };
                            let local = &function.locals[other.index()];
                            if is_file(local.kind) {
                                declared.files.insert(field);
                            }
                            if let Some(name) = local.type_name {
                                declared.types.insert(field, name);
                            }
                        };
                        learn(field(from), whole(place));
                        learn(field(place), whole(from));
                    }
                    InstKind::Assign { value: Rvalue::Aggregate { type_name: Some(owner), fields, .. }, .. } => {
                        for (name, operand) in fields {
                            if let Operand::Place(place) = operand
                                && let Some(local) = whole(place)
                                && function.locals[local.index()].kind == ValueKind::Memory
                            {
                                declared.memory.insert((*owner, *name));
                            }
                            if let Operand::Place(place) = operand
                                && let Some(local) = whole(place)
                                && let Some(of) = function.locals[local.index()].type_name
                            {
                                declared.types.insert((*owner, *name), of);
                                if apis.find_type(of.as_str()).is_some_and(|of| of.descriptor) {
                                    declared.descriptors.insert((*owner, *name));
                                }
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        // Of a type of the program's own, the code was seen; a buffer is known, and says nothing of what is behind it.
        let own: FxHashSet<Ustr> = program.functions.iter().filter_map(|function| function.owner).collect();
        let is_buffer = |name: &Ustr| apis.find_type(name).is_some_and(|of| of.kind == KindName::BufferedFile);
        declared.types.retain(|_, name| !own.contains(name) && !is_buffer(name));
        declared
    }
}

impl Declared {
    /// Notes which fields `function` puts temporary paths into, and which ones anything else.
    fn note_temporary(&mut self, function: &Function, apis: &Apis) {
        let insts = || function.blocks.iter().flat_map(|block| &block.insts);
        let mut temporary: FxHashSet<LocalId> = FxHashSet::default();
        let is_one = |operand: &Operand, known: &FxHashSet<LocalId>| match operand {
            Operand::Place(place) => whole(place).is_some_and(|local| known.contains(&local)),
            _ => false,
        };
        for inst in insts() {
            let result = match &inst.kind {
                InstKind::Call(Call { callee: Callee::Api { api, .. }, args, result, .. }) => {
                    let row = apis.get(*api);
                    let starts_in_one = || args.first().is_some_and(|arg| is_one(&arg.value, &temporary));
                    let is_path = matches!(row.effect, Effect::PathOp | Effect::Same);
                    // What lasts no longer than a value; the directory of the system is no more than where a setting begins.
                    let is_kept = row.op.is_some_and(|op| op == TEMPORARY) && row.has_receiver();
                    (is_kept || is_path && starts_in_one()).then_some(*result)
                }
                InstKind::Assign { place, value: Rvalue::Use(from) | Rvalue::Success(from) } => {
                    whole(place).filter(|_| is_one(from, &temporary))
                }
                InstKind::Assign { place, value: Rvalue::Op { args, .. } } => {
                    whole(place).filter(|_| args.first().is_some_and(|arg| is_one(arg, &temporary)))
                }
                _ => None,
            };
            temporary.extend(result);
        }
        for inst in insts() {
            let mut note = |field: FieldKey, value: &Operand| {
                let of = if is_one(value, &temporary) { &mut self.temporary } else { &mut self.lasting };
                of.insert(field);
            };
            match &inst.kind {
                InstKind::Assign { value: Rvalue::Aggregate { type_name: Some(owner), fields, .. }, .. } => {
                    fields.iter().for_each(|(name, value)| note((*owner, *name), value));
                }
                InstKind::Assign { place, value: Rvalue::Use(from) } => {
                    if let Some(field) = field(place) {
                        note(field, from);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether a field only ever holds a path in a temporary directory that goes with some value.
    pub(super) fn is_temporary(&self, field: &FieldKey) -> bool {
        self.temporary.contains(field) && !self.lasting.contains(field)
    }

    /// Whether a field holds memory.
    pub(super) fn is_memory(&self, field: &FieldKey) -> bool {
        self.memory.contains(field) && !self.files.contains(field)
    }
}

/// The field that a place leads to.
fn field(place: &Place) -> Option<FieldKey> {
    match place.steps.last() {
        Some(&Step::Field { name, owner: Some(owner) }) => Some((owner, name)),
        _ => None,
    }
}

/// The variable that a place is.
fn whole(place: &Place) -> Option<LocalId> {
    match place.base {
        Base::Local(local) if place.steps.is_empty() => Some(local),
        _ => None,
    }
}

/// Whether it is surely a file, or the path of one: what buffers may do so for anything.
fn is_file(kind: ValueKind) -> bool {
    use ValueKind::*;
    matches!(kind, File | AsyncFile | TempFile | Mapping | Path)
}

impl Evidence<'_> {
    /// Why what is pending is not surely a file's, or may be covered by a sync that could not be resolved.
    pub(super) fn doubt(&self, store: &Store, moment: &Moment, pending: &Pending) -> Option<Doubt> {
        let function = moment.function;
        if let Some(doubt) = self.undecided(store, &pending.trace) {
            return Some(doubt);
        }
        if self.flow.terms.starts_in(pending.file, &["/dev/"]) {
            return Some(Doubt::Device);
        }
        let is_moved = |act: Act| matches!(act, Act::Rename { file, .. } if file == pending.file);
        if self.is_temporary(function, pending.file) && !moment.fact(pending.file).renamed && !is_moved(moment.act) {
            return Some(Doubt::Temporary);
        }
        if self.is_nameless(moment, pending.file) {
            return Some(Doubt::Nameless);
        }
        if !self.is_file(moment, pending) {
            let mut fields = self.flow.intents.fields_of(function, pending.file).iter();
            let of_field = fields.find_map(|field| self.declared.types.get(field).copied());
            return Some(Doubt::NoFile(of_field.or_else(|| self.given_type(function, pending.file))));
        }
        if moment.act == Act::Succeed && self.is_an_attempt(moment, pending) {
            return Some(Doubt::Unnamed);
        }
        // What somebody else may still write to has perhaps not been promised to anybody yet.
        let handed_over = |other: &Pending| other.how == How::HandedOver && other.file == pending.file;
        if moment.pending.iter().any(handed_over) {
            return Some(Doubt::HandedOver);
        }
        if let Some(opener) = self.opens_as_told(pending) {
            return Some(Doubt::AsTold(self.short(opener)));
        }
        if pending.doubt || moment.vague_sync {
            return Some(Doubt::Covered);
        }
        if self.may_be_synced_unnamed(function, pending) {
            return Some(Doubt::Covered);
        }
        if self.is_one_of_several(function, pending) {
            return Some(Doubt::OneOfSeveral);
        }
        if self.unseen(function).is_some() && self.reach.could_settle(function, pending.kind) {
            return Some(Doubt::NotFollowed(self.short(function)));
        }
        if let Some(by) = self.synced_by_a_task(store, function, pending) {
            return Some(Doubt::SyncedByTask(self.short(by)));
        }
        if let Some(by) = self.may_be_waited_for(store, function, pending) {
            return Some(Doubt::Answered(self.short(by)));
        }
        // Whoever has something made step by step leaves its content unfinished where it does not take the last one.
        let below = if pending.kind == Kind::Name { Vec::new() } else { pending.trace.functions() };
        let mut on_the_way = [function].into_iter().chain(below);
        let last = on_the_way.find_map(|function| self.completed_by(function))?;
        Some(Doubt::Unfinished(self.short(last)))
    }

    /// Why it is not sure that what `trace` leads to is done for `store`: on the way one of several implementations is asked, and `store` has
    /// none of its own; or something of unknown type; or a task is started.
    pub(super) fn undecided(&self, store: &Store, trace: &Trace) -> Option<Doubt> {
        self.undecided_until(store, trace, None, &|_| false)
    }

    /// Why it is not sure that what `function` is seen to sync is synced when it reports success: who is asked for it may be another one, which
    /// syncs nothing, or a task does it. A task that an opening starts syncs what it does itself.
    pub(super) fn undecided_sync(&self, store: &Store, function: FuncId) -> Option<Doubt> {
        let syncs = |id: FuncId| self.deeds(id).iter().any(|deed| deed.did == Did::Sync && !deed.failing);
        let synced = self.deeds(function).iter().filter(|deed| deed.did == Did::Sync && !deed.failing);
        let mut doubts = synced.filter_map(|deed| self.undecided_until(store, &deed.trace, None, &syncs));
        doubts.find(|doubt| !matches!(doubt, Doubt::Task(_)) || !store.openings.contains(&function))
    }

    /// As [`Evidence::undecided`], of the way up to one function; where all that may be asked are `alike`, it makes no difference which.
    fn undecided_until(
        &self,
        store: &Store,
        trace: &Trace,
        until: Option<FuncId>,
        alike: &dyn Fn(FuncId) -> bool,
    ) -> Option<Doubt> {
        let mut at = trace;
        loop {
            let origin = at.start();
            if until == Some(origin.function) {
                return None;
            }
            let body = &self.program.functions[origin.function.index()];
            if body.tasks.iter().any(|task| task.contains(origin.span)) {
                return Some(Doubt::Task(self.short(origin.function)));
            }
            let Trace::Via(_, inner) = at else { return None };
            let asked = inner.start().function;
            let insts = body.blocks.iter().flat_map(|block| &block.insts).filter(|inst| inst.focus == origin.span);
            for inst in insts {
                let InstKind::Call(call) = &inst.kind else { continue };
                let Callee::Functions(functions) = &call.callee else { continue };
                if !functions.contains(&asked) || store.owns(self, asked) {
                    continue;
                }
                if functions.len() > 1 && !functions.iter().all(|&function| alike(function)) {
                    return Some(Doubt::Implementation(call.name));
                }
                if call.guessed {
                    return Some(Doubt::Guessed(call.name));
                }
            }
            at = inner;
        }
    }

    /// Why it is not sure that `store` gets to `function` at all.
    pub(super) fn reached_by_chance(&self, store: &Store, function: FuncId) -> Option<Doubt> {
        let mut doubt = None;
        for &operation in &store.operations {
            if operation == function {
                return None;
            }
            let ways = self.deeds(operation).iter().filter(|deed| deed.trace.functions().contains(&function));
            for deed in ways {
                match self.undecided_until(store, &deed.trace, Some(function), &|_| false) {
                    None => return None,
                    found => doubt = doubt.or(found),
                }
            }
        }
        doubt
    }

    /// Whether a function renames the file that something is pending for, and did not on the way to this success.
    fn is_renamed_on_other_ways(&self, moment: &Moment, pending: &Pending) -> bool {
        let renames = |other: &&Moment| matches!(other.act, Act::Rename { file, .. } if file == pending.file);
        let facts = moment.fact(pending.file);
        let is_made_here = || {
            let makes = |deed: &Deed| matches!(deed.did, Did::Pend(How::MaybeCreated, _)) && deed.file == pending.file;
            facts.created || self.deeds(moment.function).iter().any(makes)
        };
        let is_other = !facts.renamed && pending.how != How::Renamed;
        is_other && is_made_here() && self.acts(moment.function).iter().any(renames)
    }

    /// Whether what is pending at a success lies in a file that did not get its name on this way.
    pub(super) fn is_an_attempt(&self, moment: &Moment, pending: &Pending) -> bool {
        self.is_renamed_on_other_ways(moment, pending) || self.is_left_by_an_attempt(pending)
    }

    /// Whether one of the functions on the way leaves it only where it did not rename the file, as it does on other ways. A caller that asks it
    /// again and again takes one file for the other.
    fn is_left_by_an_attempt(&self, pending: &Pending) -> bool {
        let mut at = &pending.trace;
        while let Trace::Via(_, inner) = &**at {
            let left = self.successes(inner.start().function).iter().flat_map(|moment| {
                let is_name = |left: &Pending| left.kind == Kind::Name;
                let is_it = move |left: &&Pending| is_name(left) == is_name(pending) && left.trace == *inner;
                let same = moment.pending.iter().filter(is_it);
                same.map(move |left| (*moment, left))
            });
            let mut left = left.peekable();
            if left.peek().is_some() && left.all(|(moment, left)| self.is_renamed_on_other_ways(moment, left)) {
                return true;
            }
            at = inner;
        }
        false
    }

    /// Whether what is pending is surely a file's.
    fn is_file(&self, moment: &Moment, pending: &Pending) -> bool {
        let facts = moment.fact(pending.file);
        let is_opened = facts.opened || facts.created || facts.temporary;
        self.is_surely_file(moment.function, pending.file, is_opened || pending.kind == Kind::Name, facts.created)
    }

    /// Whether something that `function` reads is surely a file.
    pub(super) fn reads_a_file(&self, function: FuncId) -> bool {
        let mut read = self.deeds(function).iter().filter(|deed| deed.did == Did::Read && !deed.failing);
        read.any(|deed| self.was_a_file(function, deed.file))
    }

    /// Whether what `function` did something to is surely a file, by what is known of it when it reports success.
    pub(super) fn was_a_file(&self, function: FuncId, file: Value) -> bool {
        let facts = || self.successes(function).iter().map(|moment| moment.fact(file));
        let is_opened = facts().any(|facts| facts.opened || facts.created || facts.temporary);
        self.is_surely_file(function, file, is_opened, facts().any(|facts| facts.created))
    }

    /// Whether `file` is surely one, where it `is_opened` by a path, or `is_created`, on the way.
    fn is_surely_file(&self, function: FuncId, file: Value, is_opened: bool, is_created: bool) -> bool {
        let terms = &self.flow.terms;
        match terms.get(file) {
            Term::Param(_) => !self.is_lent(function, file),
            // Something made here that was not opened by a path that can be told: memory, a socket, anything.
            _ if matches!(terms.get(terms.root(file)), Term::Fresh(..)) => is_opened,
            // Somebody's own writer, which may put it anywhere.
            Term::Aggregate { .. } | Term::Closure(..) | Term::Functions(_) => is_opened,
            // A field that is declared to be a file or a path, or that some record keeps a file in.
            Term::Field(..) if !is_created => {
                let mut fields = self.flow.intents.fields_of(function, file).iter();
                fields.any(|field| {
                    let link = self.flow.intents.links.get(field);
                    // A descriptor that was not opened by a path may be anything's.
                    let is_open = link.is_none_or(|path| path.is_none());
                    let is_kept = link.is_some() || self.declared.files.contains(field);
                    is_kept && !(is_open && self.declared.descriptors.contains(field))
                })
            }
            // A path that was opened; not what some function nobody can see into made.
            Term::Op(name, _) => terms.is_path_operation(*name) || is_created,
            _ => true,
        }
    }

    /// The type of a parameter that is written to.
    fn given_type(&self, function: FuncId, file: Value) -> Option<Ustr> {
        let Term::Param(number) = self.flow.terms.get(file) else { return None };
        let body = &self.program.functions[function.index()];
        let local = body.params.get(*number as usize)?;
        let name = body.locals[local.index()].type_name?;
        let is_own = self.program.functions.iter().any(|function| function.owner == Some(name));
        (!is_own).then_some(name)
    }

    /// Whether, after content was written, something is synced that cannot be told, and that nothing was seen to be done to otherwise: it may be
    /// the very file.
    fn may_be_synced_unnamed(&self, function: FuncId, pending: &Pending) -> bool {
        let deeds = self.deeds(function);
        let Some(at) = deeds.iter().rposition(|deed| deed.trace.origin() == pending.trace.origin()) else {
            return false;
        };
        let is_changed = |deed: &Deed| matches!(deed.did, Did::Overwrite | Did::Pend(..) | Did::Remove);
        let is_known = |file: Value| {
            self.flow.terms.is_stable(file) || deeds.iter().any(|deed| deed.file == file && is_changed(deed))
        };
        let synced = |deed: &Deed| deed.did == Did::Sync && !deed.failing && !is_known(deed.file);
        pending.kind != Kind::Name && deeds[at..].iter().any(synced)
    }

    /// Whether it is on some element of a collection, and elements of that collection are synced later on some way.
    fn is_one_of_several(&self, function: FuncId, pending: &Pending) -> bool {
        let terms = &self.flow.terms;
        let is_element = terms.parts(pending.file).iter().any(|&part| matches!(terms.get(part), Term::Element(_)));
        if !is_element || pending.kind == Kind::Name {
            return false;
        }
        let deeds = self.deeds(function);
        let at = deeds.iter().position(|deed| deed.trace.origin() == pending.trace.origin()).unwrap_or(0);
        deeds[at..].iter().any(|deed| deed.did == Did::Sync && deed.file == pending.file && !deed.failing)
    }
}
