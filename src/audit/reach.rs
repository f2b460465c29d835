//! What a function could change or make durable, as far as calls tell: for functions that were not followed to their end.

use crate::apis::Apis;
use crate::effects::Effect;
use crate::flow::Flow;
use crate::flow::intent::FieldKey;
use crate::flow::state::{How, Kind};
use crate::flow::summary::{Deed, Did};
use crate::flow::terms::{Term, Value};
use crate::ir::{Callee, FuncId, InstKind, Program, ValueKind};
use rustc_hash::FxHashSet;

/// By function: whether it, or something below it, syncs.
pub(super) struct Reach {
    files: Vec<bool>,
    directories: Vec<bool>,
    /// Whether it, or something below it, could change files.
    changes: Vec<bool>,
    /// Whether it, or something below it, waits for what others answer.
    waits: Vec<bool>,
    /// Fields with files that some function writes to.
    written: FxHashSet<FieldKey>,
    /// Fields with files that some function writes to or syncs.
    filled: FxHashSet<FieldKey>,
    /// Paths, the same everywhere in the program, of files that some function writes to or syncs.
    filled_paths: FxHashSet<Value>,
}

impl Reach {
    /// Reads it off the calls of `program`, and off the deeds that `flow` kept.
    pub(super) fn new(program: &Program, flow: &Flow, apis: &Apis) -> Reach {
        let deeds =
            |id: FuncId| flow.summaries.get(&id).map_or(&[] as &[Deed], |summary| summary.deeds.as_slice()).iter();
        let ids = || (0..program.functions.len()).map(|at| FuncId(at as u32));
        // What some function writes through a field is no directory.
        let (mut written, mut filled): (FxHashSet<FieldKey>, FxHashSet<FieldKey>) = Default::default();
        let mut filled_paths = FxHashSet::default();
        let is_constant = |file: Value| matches!(flow.terms.get(file), Term::Const(_) | Term::Global(_));
        for id in ids() {
            for deed in deeds(id).filter(|deed| is_content(deed) || deed.did == Did::Sync) {
                let fields = flow.intents.fields_of(id, deed.file);
                filled.extend(fields);
                if is_constant(deed.file) {
                    filled_paths.insert(deed.file);
                }
                if is_content(deed) {
                    written.extend(fields);
                }
            }
        }
        let may_sync_directory = |id: FuncId| {
            let is_file = |file: Value| {
                deeds(id).any(|other| other.file == file && (is_content(other) || is_new_name(other)))
                    || flow.intents.fields_of(id, file).iter().any(|field| written.contains(field))
            };
            let mut syncs = deeds(id).filter(|deed| deed.did == Did::Sync && deed.trace.depth() == 0).peekable();
            // A sync that nothing was told of is on a way that was not followed.
            syncs.peek().is_none() || syncs.any(|deed| !is_file(deed.file))
        };
        let is_sync = |effect: Effect| effect.is_sync();
        let files: Vec<bool> = ids().map(|id| calls(program, id, apis, &is_sync)).collect();
        let can_change = |effect: Effect| effect.can_change_files();
        let changes: Vec<bool> =
            ids().map(|id| calls(program, id, apis, &can_change) || gives_away(program, id)).collect();
        let directories = ids().map(|id| files[id.index()] && may_sync_directory(id)).collect();
        let waits = program.functions.iter().map(|function| !function.waits.is_empty()).collect();
        Reach {
            waits: spread(waits, flow),
            files: spread(files, flow),
            directories: spread(directories, flow),
            changes: spread(changes, flow),
            written: written.clone(),
            filled,
            filled_paths,
        }
    }

    /// Whether `function`, or something that it gets to, could change files.
    pub(super) fn could_change(&self, function: FuncId) -> bool {
        self.changes[function.index()]
    }

    /// Whether `function`, or something that it gets to, waits for what another thread or task answers.
    pub(super) fn waits(&self, function: FuncId) -> bool {
        self.waits[function.index()]
    }

    /// Whether some function writes to the file in a field: it is no directory.
    pub(super) fn writes(&self, field: &FieldKey) -> bool {
        self.written.contains(field)
    }

    /// Whether some function writes to, or syncs, the file in a field.
    pub(super) fn fills(&self, field: &FieldKey) -> bool {
        self.filled.contains(field)
    }

    /// Whether some function writes to, or syncs, the file at a path that is the same everywhere.
    pub(super) fn fills_path(&self, path: Value) -> bool {
        self.filled_paths.contains(&path)
    }

    /// Whether `function`, or something that it gets to, could make durable what is pending in this way.
    pub(super) fn could_settle(&self, function: FuncId, kind: Kind) -> bool {
        match kind {
            Kind::Name => self.directories[function.index()],
            Kind::Buffer | Kind::Data => self.files[function.index()],
        }
    }
}

fn is_content(deed: &Deed) -> bool {
    matches!(deed.did, Did::Pend(_, Kind::Buffer | Kind::Data))
}

fn is_new_name(deed: &Deed) -> bool {
    matches!(deed.did, Did::Pend(How::Created | How::MaybeCreated, Kind::Name))
}

/// Whether a function itself calls something with such an effect.
fn calls(program: &Program, function: FuncId, apis: &Apis, of: &dyn Fn(Effect) -> bool) -> bool {
    let blocks = &program.functions[function.index()].blocks;
    blocks.iter().flat_map(|block| &block.insts).any(|inst| match &inst.kind {
        InstKind::Call(call) => match call.callee {
            Callee::Api { api, .. } => apis.get(api).steps().any(|step| of(step.effect)),
            _ => false,
        },
        _ => false,
    })
}

/// Whether a function itself gives a file to code that was not seen.
pub(super) fn gives_away(program: &Program, function: FuncId) -> bool {
    let blocks = &program.functions[function.index()].blocks;
    let is_file = |kind: ValueKind| {
        use ValueKind::*;
        matches!(kind, File | BufferedFile | AsyncFile | TempFile | Mapping)
    };
    blocks.iter().flat_map(|block| &block.insts).any(|inst| match &inst.kind {
        InstKind::Call(call) => {
            matches!(call.callee, Callee::Unknown | Callee::Value(_)) && call.args.iter().any(|arg| is_file(arg.kind))
        }
        _ => false,
    })
}

/// What holds for a function holds for its callers.
fn spread(mut holds: Vec<bool>, flow: &Flow) -> Vec<bool> {
    let mut work: Vec<usize> = (0..holds.len()).filter(|&at| holds[at]).collect();
    while let Some(at) = work.pop() {
        for caller in &flow.callers[at] {
            if !std::mem::replace(&mut holds[caller.index()], true) {
                work.push(caller.index());
            }
        }
    }
    holds
}
