//! One effect: what it does to the state.

use super::exec::{At, Run};
use super::state::{Facts, How, Kind, Origin, Pending, Question, State, Trace};
use super::summary::{Act, Did};
use super::terms::{Site, Term, Terms, UNIT, Value};
use crate::apis::{Api, Slot};
use crate::effects::Effect;
use crate::ir::{Call, Operand, Passing, Step, ValueKind};
use smallvec::smallvec;
use std::sync::Arc;
use ustr::Ustr;

/// The operands of one effect of one call.
pub(super) struct Operands {
    on: Value,
    to: Value,
    /// There is a second operand.
    has_to: bool,
    /// What kind of thing the subject is.
    kind: ValueKind,
    /// What kind of thing the result is.
    makes: ValueKind,
    site: Site,
    trace: Arc<Trace>,
    /// The operation that a path operation is, if not the one the call is named after.
    op: Option<Ustr>,
}

/// Who opens again and syncs what was written and closed further down than this does so by chance.
const MAX_REOPEN: usize = 3;

/// How a file is opened.
#[derive(Debug, Clone, Copy, Default)]
struct Mode {
    write: bool,
    create: bool,
    create_new: bool,
    truncate: bool,
    append: bool,
    write_through: bool,
}

impl Run<'_, '_> {
    /// Runs a call of a library function. Gives a state for success and, where that matters, one for failure.
    pub fn api(&mut self, mut state: State, row: &Api, args: &[Value], at: At<'_>, certain: bool) -> Vec<State> {
        let At { call, site, .. } = at;
        let steps: Vec<_> = row.steps().collect();
        if steps.iter().any(|step| step.effect == Effect::Abort) {
            return Vec::new();
        }
        let splits = call.fallible && steps.iter().any(|step| splits_on_failure(step.effect));
        let mut failed = splits.then(|| state.clone());
        let mut states = vec![];
        let mut result = UNIT;
        for (number, step) in steps.iter().enumerate() {
            let operands = self.operands(row, number, args, at);
            if let Some(failed) = &mut failed {
                self.failed(failed, step.effect, &operands);
            }
            if step.effect == Effect::CallArg {
                let given = self.engine.terms.unbuffered(operands.on);
                if self.functions_of(given).is_empty() && !self.engine.terms.is_stable(given) {
                    // What runs elsewhere was told where it was made; whether it went well is kept.
                    let place = call.args.iter().zip(args).position(|(_, &arg)| arg == operands.on);
                    let whole = place.map(|place| self.operand(&mut state, &call.args[place].value));
                    result = whole.unwrap_or(operands.on);
                    state.env[call.result.index()] = result;
                    continue;
                }
                states = self.call_value(state, operands.on, &[], at);
                let Some(next) = states.pop() else {
                    return Vec::new();
                };
                state = next;
                result = state.env[call.result.index()];
                continue;
            }
            result = self.apply(&mut state, step.effect, &operands, call, args);
            if !certain && step.effect.is_sync() {
                self.doubt_all(&mut state);
            }
            // For an audit, which must not guess: what is written to may be no file.
            if !certain
                && self.engine.plan.tell_deeds
                && matches!(step.effect, Effect::Write | Effect::WriteAt | Effect::WriteBuffered)
            {
                let here = |pending: &&mut Pending| Arc::ptr_eq(&pending.trace, &operands.trace);
                state.pending.iter_mut().filter(here).for_each(|pending| pending.doubt = true);
            }
        }
        if splits {
            let bare = self.engine.terms.bare(result);
            result = self.engine.terms.make(Term::Success(bare));
        }
        if steps.last().is_none_or(|step| step.effect != Effect::CallArg) {
            state.env[call.result.index()] = result;
        }
        states.push(state);
        if let Some(mut failed) = failed {
            // Paths on which a change or a sync failed are not the main line; a failed open or read is.
            failed.failing |= steps.iter().any(|step| changes(step.effect));
            if steps.iter().any(|step| splits_on_failure(step.effect) && !step.effect.is_sync()) && call.fallible {
                failed.past.change_failed(Origin { span: at.inst.focus, function: self.id }, false);
            }
            if steps.iter().any(|step| step.effect.is_sync()) {
                let outcome = self.fresh(&mut failed, site, 7);
                failed.guards.insert((outcome, Question::Succeeded), false);
                for state in &mut states {
                    state.guards.insert((outcome, Question::Succeeded), true);
                }
            }
            let why = self.fresh(&mut failed, site, 1);
            failed.env[call.result.index()] = self.engine.terms.make(Term::Failure(why));
            states.push(failed);
        }
        states
    }

    fn operands(&mut self, row: &Api, number: usize, args: &[Value], at: At<'_>) -> Operands {
        let At { call, inst, site } = at;
        let offset = usize::from(row.has_receiver());
        let last = number == row.first.len();
        let step = row.steps().nth(number).expect("the caller counts the steps");
        let place = |slot: Option<Slot>| match slot {
            Some(Slot::Receiver) => Some(0),
            Some(Slot::Arg(number)) => Some(number as usize + offset),
            Some(Slot::Result) | None => None,
        };
        let value = |slot: Option<Slot>| place(slot).and_then(|at| args.get(at).copied());
        let (mut on, mut to) = (value(step.on).unwrap_or(UNIT), value(step.to).unwrap_or(UNIT));
        if last {
            // `openat(dir, name)`: the path starts from an open directory.
            for (path, dir) in [(&mut on, value(row.dir)), (&mut to, value(row.to_dir))] {
                if let Some(dir) = dir
                    && !self.is_working_directory(dir)
                {
                    let dir = self.engine.terms.unbuffered(dir);
                    let dir = match self.engine.terms.get(dir) {
                        Term::Handle { file, .. } => *file,
                        _ => dir,
                    };
                    let join = self.engine.terms.ops.join;
                    *path = self.engine.terms.op(join, &[dir, *path]);
                }
            }
        }
        let kind = place(step.on).and_then(|at| call.args.get(at)).map_or(ValueKind::Unknown, |arg| arg.kind);
        let makes = self.function.locals[call.result.index()].kind;
        Operands { on, to, has_to: step.to.is_some(), kind, makes, site, trace: self.here(inst), op: row.op }
    }

    /// Whether a directory that a path starts from is the one that paths start from anyway.
    fn is_working_directory(&self, dir: Value) -> bool {
        match self.engine.terms.get(dir) {
            Term::Absent => true,
            Term::Const(text) | Term::Global(text) => {
                matches!(text.rsplit("::").next(), Some("AT_FDCWD" | "CWD"))
            }
            _ => false,
        }
    }

    /// What a failed call may have done all the same.
    fn failed(&mut self, state: &mut State, effect: Effect, operands: &Operands) {
        if matches!(effect, Effect::Write | Effect::WriteAt | Effect::WriteFlushed | Effect::WriteBuffered) {
            self.write(state, operands, effect == Effect::WriteBuffered);
        }
        // What cannot write may be a directory, which some platforms refuse to sync.
        if matches!(effect, Effect::SyncData | Effect::SyncAll | Effect::FlushAndSync)
            && !state.failing
            && !self.engine.terms.is_read_only(operands.on)
        {
            let file = self.file_of(state, operands.on);
            state.past.sync_failed(file, &operands.trace);
        }
        if matches!(effect, Effect::OpenRead | Effect::OptionsOpen) {
            // A directory that cannot be opened cannot be synced: some platforms refuse it, and programs let it pass.
            let path = if effect == Effect::OpenRead { operands.on } else { operands.to };
            let key = self.file_of(state, path);
            self.unopened(state, key);
            let fact = state.fact(key);
            (fact.absent, fact.unusable) = (true, true);
        }
    }

    /// A file or directory could not be opened, and the program goes on: if it is a directory, some platforms refuse it, and a sync of
    /// it was perhaps wanted.
    pub fn unopened(&mut self, state: &mut State, key: Value) {
        if !state.past.unopened.contains(&key) && state.past.unopened.len() < 8 {
            state.past.unopened.push(key);
        }
        let terms = &self.engine.terms;
        let dot = terms.is_dot(key);
        for pending in state.pending.iter_mut().filter(|pending| pending.kind == Kind::Name) {
            pending.doubt |= pending.dir == key || dot && terms.is_bare_parent(pending.dir);
        }
    }

    fn apply(&mut self, state: &mut State, effect: Effect, o: &Operands, call: &Call, args: &[Value]) -> Value {
        self.choose_place(state, effect, o);
        match effect {
            Effect::OpenRead => self.open(state, o, o.on, Mode::default()),
            Effect::OpenWrite => self.open(state, o, o.on, Mode { write: true, ..Mode::default() }),
            Effect::Create => {
                self.open(state, o, o.on, Mode { write: true, create: true, truncate: true, ..Mode::default() })
            }
            Effect::CreateNew => self.open(state, o, o.on, Mode { write: true, create_new: true, ..Mode::default() }),
            Effect::OpenAppend => {
                self.open(state, o, o.on, Mode { write: true, create: true, append: true, ..Mode::default() })
            }
            Effect::OptionsNew => self.fresh(state, o.site, 2),
            Effect::OptionsSet => {
                let (options, flag) = (
                    self.engine.terms.bare(o.on),
                    if o.to == UNIT { self.engine.terms.constant("true") } else { o.to },
                );
                state.heap.insert((options, call.name), flag);
                o.on
            }
            Effect::OptionsOpen => {
                let mode = self.mode(state, o.on);
                self.open(state, o, o.to, mode)
            }
            Effect::OpenFlags if self.has_flag(o.to, "O_TMPFILE") => self.create_temporary(state, o, false),
            Effect::OpenFlags => {
                let mode = self.flags_mode(o.to);
                self.open(state, o, o.on, mode)
            }
            Effect::SyncMapping if self.has_flag(o.to, "MS_SYNC") => self.sync(state, o, false),
            Effect::Control if self.has_flag(o.to, "F_FULLFSYNC") => self.sync(state, o, false),
            Effect::Control if self.has_flag(o.to, "F_DUPFD") || self.has_flag(o.to, "F_DUPFD_CLOEXEC") => o.on,
            Effect::CreateTemp | Effect::CreateUnnamed => self.create_temporary(state, o, effect == Effect::CreateTemp),
            Effect::CreateReplacement => self.create_replacement(state, o),
            Effect::Write | Effect::WriteAt => self.write(state, o, false),
            Effect::WriteFlushed => self.write_flushed(state, o),
            Effect::WriteBuffered => self.write(state, o, true),
            Effect::WriteFile => self.write_content(state, o, args),
            Effect::WriteTree => self.write_tree(state, o),
            Effect::CopyFile => self.copy_file(state, o),
            Effect::Read => {
                self.read_file(state, o);
                self.content(state, o, call)
            }
            Effect::Unwrap => self.unwrap(state, o),
            Effect::PathOf => {
                let path = self.file_of(state, o.on);
                if matches!(self.engine.terms.get(path), Term::Handle { .. }) {
                    self.engine.terms.op(Ustr::from("path"), &[path])
                } else {
                    path
                }
            }
            Effect::PathChange => self.path_change(state, o, call, args),
            Effect::SetLength => self.set_length(state, o),
            Effect::Flush => self.flush(state, o),
            Effect::SyncData | Effect::SyncAll => self.sync(state, o, false),
            Effect::FlushAndSync => self.sync(state, o, true),
            Effect::SyncDirectory => {
                let key = self.path_key(state, o.on);
                self.did(state, Did::Sync, key, None, &o.trace);
                self.settle(state, key, true);
                UNIT
            }
            Effect::SyncFileSystem => {
                self.note_settled(state, |pending| pending.kind != Kind::Buffer);
                state.pending.retain(|pending| pending.kind == Kind::Buffer);
                state.all_killed = true;
                self.summary.effective = true;
                UNIT
            }
            Effect::Rename => self.rename(state, o, o.to),
            Effect::Persist | Effect::PersistSynced | Effect::PersistDurably => self.persist(state, o, effect),
            Effect::Link => self.link(state, o),
            Effect::Symlink => self.symlink(state, o),
            Effect::BindSocket => self.bind_socket(state, o),
            Effect::Unlink => self.remove(state, o, false),
            Effect::RemoveTree => self.remove(state, o, true),
            Effect::MakeDirectory | Effect::MakeDirectories => {
                self.make_directory(state, o, effect == Effect::MakeDirectory)
            }
            Effect::WrapBuffer => {
                let inner = self.engine.terms.bare(o.on);
                self.engine.terms.make(Term::Buffered(inner))
            }
            Effect::Duplicate | Effect::Same | Effect::WrapRead => o.on,
            Effect::PathOp => self.path_op(state, o.op.unwrap_or(call.name), args),
            Effect::Map => {
                let file = self.file_of(state, o.on);
                self.engine.terms.make(Term::Handle { site: o.site, file, writable: true })
            }
            Effect::SyncMapping
            | Effect::Control
            | Effect::SyncHint
            | Effect::ReplaceDurably
            | Effect::CallArg
            | Effect::Abort => self.fresh(state, o.site, 0),
            Effect::Seek | Effect::Nothing => self.tell(state, effect, o, call, args),
        }
    }

    fn path_op(&mut self, state: &mut State, op: Ustr, args: &[Value]) -> Value {
        let value = self.engine.terms.op(op, args);
        // What something was joined to is a path: asked for again as the directory of that, it is there.
        if op == self.engine.terms.ops.parent
            && !self.engine.terms.is_bare_parent(value)
            && self.answer(state, value, Question::Present).is_none()
        {
            state.guards.insert((value, Question::Present), true);
        }
        value
    }

    /// Whether a place in a file is counted from its start; what says nothing is the start itself.
    fn is_from_start(&self, place: Value) -> bool {
        match self.engine.terms.get(place) {
            Term::Op(name, _) | Term::Const(name) => {
                let last = name.rsplit("::").next().unwrap_or_default();
                matches!(last, "Start" | "SEEK_SET" | "SeekSet" | "Set")
            }
            term => *term == Term::Unit,
        }
    }

    /// What an operation tells that changes nothing. A question about what does not change has one answer.
    fn tell(&mut self, state: &mut State, effect: Effect, o: &Operands, call: &Call, args: &[Value]) -> Value {
        let has_one_answer =
            effect == Effect::Nothing && !args.is_empty() && args.iter().all(|&arg| self.engine.terms.is_stable(arg));
        let told = if has_one_answer { self.engine.terms.op(call.name, args) } else { self.fresh(state, o.site, 0) };
        match effect {
            Effect::Seek if !self.is_from_start(o.to) => self.note_length(state, told, o.on),
            Effect::Nothing if call.name == "metadata" && args.len() == 1 => self.note_length(state, told, args[0]),
            _ => {}
        }
        told
    }

    /// Notes that a value tells how much the file `of` holds.
    fn note_length(&mut self, state: &mut State, value: Value, of: Value) {
        let file = self.file_of(state, of);
        self.engine.lengths.insert((self.id, value), file);
    }

    /// Notes where an effect makes what is written next to a file go to a place in it that was chosen.
    fn choose_place(&mut self, state: &mut State, effect: Effect, o: &Operands) {
        if effect == Effect::WriteAt || effect == Effect::Seek && self.is_from_start(o.to) {
            let file = self.file_of(state, o.on);
            self.did(state, Did::Place, file, None, &o.trace);
        }
    }

    /// The key of the file or directory at a path; a handle stands for its own.
    fn path_key(&mut self, state: &State, path: Value) -> Value {
        self.file_of(state, path)
    }

    // ---- opening ----

    fn mode(&mut self, state: &State, options: Value) -> Mode {
        let options = self.engine.terms.bare(options);
        let is_on = |name: &str| match state.heap.get(&(options, Ustr::from(name))) {
            Some(&value) => !matches!(self.engine.terms.get(value), Term::Const(text) if text == "false"),
            None => false,
        };
        let append = is_on("append");
        let write_through =
            state.heap.get(&(options, Ustr::from("custom_flags"))).is_some_and(|&flags| self.is_write_through(flags));
        Mode {
            write: is_on("write") || append,
            create: is_on("create"),
            create_new: is_on("create_new"),
            truncate: is_on("truncate"),
            append,
            write_through,
        }
    }

    /// Whether the flags name `flag`, with or without its prefix (`O_`, `MS_`, `F_`).
    fn has_flag(&self, flags: Value, flag: &str) -> bool {
        let bare = flag.split_once('_').map_or(flag, |(_, rest)| rest);
        self.engine.terms.parts(flags).into_iter().any(|part| match self.engine.terms.get(part) {
            Term::Const(text) | Term::Global(text) | Term::Field(_, text) => {
                let last = text.rsplit("::").next().unwrap_or_default();
                last == flag || last == bare
            }
            _ => false,
        })
    }

    /// Whether open flags ask for durable writes; a number is read as Linux has it (`O_DSYNC` is bit 12, and `O_SYNC` contains it).
    fn is_write_through(&self, flags: Value) -> bool {
        let number =
            |text: &str| match text.strip_prefix("0o").or(text.strip_prefix('0').filter(|rest| !rest.starts_with('x')))
            {
                Some(octal) => i64::from_str_radix(octal, 8).ok(),
                None => match text.strip_prefix("0x") {
                    Some(hex) => i64::from_str_radix(hex, 16).ok(),
                    None => text.parse().ok(),
                },
            };
        let bit = |part: &Value| matches!(self.engine.terms.get(*part), Term::Const(text) if number(text).is_some_and(|number| number >> 12 & 1 == 1));
        self.has_flag(flags, "O_DSYNC")
            || self.has_flag(flags, "O_SYNC")
            || self.engine.terms.parts(flags).iter().any(bit)
    }

    fn flags_mode(&self, flags: Value) -> Mode {
        Mode {
            write: self.has_flag(flags, "O_WRONLY") || self.has_flag(flags, "O_RDWR"),
            create: self.has_flag(flags, "O_CREAT") || self.has_flag(flags, "O_CREATE"),
            create_new: self.has_flag(flags, "O_EXCL"),
            truncate: self.has_flag(flags, "O_TRUNC"),
            append: self.has_flag(flags, "O_APPEND"),
            write_through: self.is_write_through(flags),
        }
    }

    fn open(&mut self, state: &mut State, o: &Operands, path: Value, mode: Mode) -> Value {
        let path = self.engine.terms.unbuffered(path);
        let key = self.key_for_open(state, path, mode);
        let absent = self.is_absent(state, key);
        let fresh = mode.truncate || mode.create_new || state.fact(key).created || absent;
        if mode.write && !mode.append && !fresh {
            self.trigger(state, Act::WriteOver { file: key }, o.trace.clone());
        }
        if mode.create || mode.create_new {
            if mode.truncate && !state.fact(key).created && !absent {
                self.act(state, Act::Cut { file: key, by_handle: false }, o.trace.clone());
                self.did(state, Did::Overwrite, key, None, &o.trace);
            }
            let dir = self.engine.terms.parent(path);
            let dir = state.key(dir);
            // What was read here, or found in a directory, has its name already.
            let is_there = self.engine.terms.is_entry(key) || state.fact(key).read;
            let exists = !mode.create_new && is_there && !state.fact(key).created;
            let how = if mode.create_new || mode.truncate { How::Created } else { How::MaybeCreated };
            if exists && mode.truncate {
                self.pend(state, Kind::Data, key, UNIT, How::Cut, &o.trace);
            } else if how == How::Created {
                let fact = state.fact(key);
                fact.created = true;
                fact.synced = false;
                (fact.absent, fact.unusable) = (false, false);
            }
            if !exists {
                self.pend(state, Kind::Name, key, dir, how, &o.trace);
            }
        } else if mode.truncate {
            self.act(state, Act::Cut { file: key, by_handle: true }, o.trace.clone());
            self.pend(state, Kind::Data, key, UNIT, How::Cut, &o.trace);
        }
        self.summary.touches = true;
        if self.engine.plan.tell_deeds {
            state.fact(key).opened = true;
        }
        if mode.write_through {
            state.fact(key).write_through = true;
        }
        if o.makes == ValueKind::AsyncFile {
            state.fact(key).background = true;
        }
        self.engine.terms.make(Term::Handle { site: o.site, file: key, writable: mode.write })
    }

    /// Whether nothing can be at the path: it was looked for, or its directory was made just now.
    pub fn is_absent(&mut self, state: &State, key: Value) -> bool {
        let fact = |key: Value| state.facts.get(&key).copied().unwrap_or_default();
        let mut dir = key;
        fact(key).absent
            || (0..4).any(|_| {
                dir = self.engine.terms.parent(dir);
                fact(dir).made
            })
    }

    /// A path that is created anew after its file went elsewhere is itself again, unless something else still goes by that key.
    fn key_for_open(&mut self, state: &mut State, path: Value, mode: Mode) -> Value {
        let key = self.path_key(state, path);
        let gone = matches!(self.engine.terms.get(key), Term::Gone(_));
        if gone && (mode.create || mode.create_new) && !state.names.values().any(|&value| value == path) {
            state.names.remove(&path);
            state.facts.insert(path, Facts { absent: true, ..Facts::default() });
            return path;
        }
        key
    }

    fn create_temporary(&mut self, state: &mut State, o: &Operands, named: bool) -> Value {
        let name = self.fresh(state, o.site, 3);
        let key = if named && o.on != UNIT { self.engine.terms.op(Ustr::from("join"), &[o.on, name]) } else { name };
        let fact = state.fact(key);
        fact.created = true;
        fact.temporary = true;
        self.engine.terms.make(Term::Handle { site: o.site, file: key, writable: true })
    }

    /// A temporary beside the path that it will replace, which it remembers.
    fn create_replacement(&mut self, state: &mut State, o: &Operands) -> Value {
        let path = self.engine.terms.unbuffered(o.on);
        let name = self.fresh(state, o.site, 3);
        let with_file_name = self.engine.terms.ops.with_file_name;
        let key = self.engine.terms.op(with_file_name, &[path, name]);
        let fact = state.fact(key);
        fact.created = true;
        fact.temporary = true;
        state.heap.insert((key, Ustr::from("<replaces>")), path);
        self.engine.terms.make(Term::Handle { site: o.site, file: key, writable: true })
    }

    /// A temporary takes its place.
    fn persist(&mut self, state: &mut State, o: &Operands, effect: Effect) -> Value {
        if effect != Effect::Persist {
            let file = self.file_of(state, o.on);
            self.drain(state, file, None);
            self.settle(state, file, false);
        }
        let to = self.persist_target(state, o);
        let result = self.rename(state, o, to);
        if effect == Effect::PersistDurably {
            let dir = self.engine.terms.parent(to);
            let dir = self.path_key(state, dir);
            self.settle(state, dir, true);
        }
        result
    }

    /// Where a temporary goes when it is persisted.
    fn persist_target(&mut self, state: &State, o: &Operands) -> Value {
        if o.has_to {
            return o.to;
        }
        let file = self.file_of(state, o.on);
        self.load(state, file, Ustr::from("<replaces>"))
    }

    // ---- content ----

    fn write(&mut self, state: &mut State, o: &Operands, buffered: bool) -> Value {
        if matches!(o.kind, ValueKind::Memory | ValueKind::Other | ValueKind::Reader) {
            return UNIT;
        }
        let buffered = buffered || o.kind == ValueKind::BufferedFile || self.engine.terms.is_buffered(o.on);
        let file = self.file_of(state, o.on);
        // A constant is no handle, but a handle may be opened by a constant path, and kept in a field.
        let on = self.engine.terms.get(self.engine.terms.unbuffered(o.on));
        if matches!(on, Term::Const(_) | Term::Unit | Term::Absent) {
            return UNIT;
        }
        state.fact(file).written = true;
        match o.kind {
            ValueKind::AsyncFile => state.fact(file).background = true,
            ValueKind::File => state.fact(file).background = false,
            _ => {}
        }
        if !buffered && (state.fact(file).write_through || self.engine.is_written_through(self.id, file)) {
            return UNIT;
        }
        self.pend(state, if buffered { Kind::Buffer } else { Kind::Data }, file, UNIT, How::Written, &o.trace);
        UNIT
    }

    fn write_flushed(&mut self, state: &mut State, o: &Operands) -> Value {
        self.write(state, o, false);
        let file = self.file_of(state, o.on);
        self.drain(state, file, None);
        UNIT
    }

    /// What was read goes into what was given for it.
    fn fill(&mut self, state: &mut State, call: &Call, content: Value) {
        for arg in call.args.iter().skip(1).filter(|arg| arg.passing == Passing::Mutable) {
            if let Operand::Place(place) = &arg.value
                && place.steps.is_empty()
                && matches!(arg.kind, ValueKind::Memory | ValueKind::Other)
            {
                self.assign(state, place, content);
            }
        }
    }

    /// What a read gives, and from which file.
    fn content(&mut self, state: &mut State, o: &Operands, call: &Call) -> Value {
        let (content, file) = (self.fresh(state, o.site, 0), self.file_of(state, o.on));
        self.engine.read_results.insert((self.id, content), (file, true));
        self.engine.intents.note_read((self.id, self.focus), Some(file));
        self.fill(state, call, content);
        content
    }

    /// A whole file is written by its path. Without content there are no bytes to lose.
    fn write_content(&mut self, state: &mut State, o: &Operands, args: &[Value]) -> Value {
        let empty = args.get(1).is_some_and(|&content| self.engine.terms.is_empty_text(content));
        self.write_file(state, o, o.on, if empty { How::Cut } else { How::WrittenWhole })
    }

    fn write_file(&mut self, state: &mut State, o: &Operands, path: Value, how: How) -> Value {
        let path = self.engine.terms.unbuffered(path);
        let key = self.key_for_open(state, path, Mode { create: true, ..Mode::default() });
        let dir = self.engine.terms.parent(path);
        let dir = state.key(dir);
        if !self.is_absent(state, key) {
            self.act(state, Act::Cut { file: key, by_handle: false }, o.trace.clone());
        }
        self.did(state, Did::Overwrite, key, None, &o.trace);
        let was_absent = self.is_absent(state, key);
        let fact = state.fact(key);
        fact.written |= how != How::Cut;
        fact.created = true;
        fact.opened = self.engine.plan.tell_deeds;
        fact.absent = false;
        self.pend(state, Kind::Name, key, dir, How::Created, &o.trace);
        if how == How::Cut && was_absent {
            return UNIT;
        }
        self.pend(state, Kind::Data, key, UNIT, how, &o.trace);
        if let Some(pending) = state
            .pending
            .iter_mut()
            .find(|pending| pending.kind == Kind::Data && pending.file == key && pending.how == how)
        {
            pending.closed = true;
        }
        UNIT
    }

    fn copy_file(&mut self, state: &mut State, o: &Operands) -> Value {
        let source = self.file_of(state, o.on);
        // Its content goes from file to file: no value holds it.
        self.did(state, Did::Read, source, None, &o.trace);
        state.fact(source).read = true;
        let result = self.write_file(state, o, o.to, How::Copied);
        // That, and nothing else that was read before.
        for pending in &mut state.pending {
            if pending.how == How::Copied && pending.kind == Kind::Data && Arc::ptr_eq(&pending.trace, &o.trace) {
                pending.sources = smallvec![source];
            }
        }
        result
    }

    /// What is below a directory is pending with it.
    fn write_tree(&mut self, state: &mut State, o: &Operands) -> Value {
        let path = self.engine.terms.unbuffered(o.on);
        let key = self.key_for_open(state, path, Mode { create: true, ..Mode::default() });
        state.fact(key).written = true;
        self.pend(state, Kind::Data, key, UNIT, How::WrittenWhole, &o.trace);
        let here = |pending: &&mut Pending| {
            pending.kind == Kind::Data && pending.file == key && pending.how == How::WrittenWhole
        };
        if let Some(pending) = state.pending.iter_mut().find(here) {
            pending.closed = true;
        }
        UNIT
    }

    fn read_file(&mut self, state: &mut State, o: &Operands) {
        let key = self.file_of(state, o.on);
        self.did(state, Did::Read, key, None, &o.trace);
        self.engine.intents.reads.insert(o.trace.origin().span);
        state.fact(key).read = true;
    }

    fn set_length(&mut self, state: &mut State, o: &Operands) -> Value {
        let file = self.file_of(state, o.on);
        let to_nothing = matches!(self.engine.terms.get(o.to), Term::Const(text) if text.trim_end_matches(|c: char| c.is_alphabetic() || c == '_') == "0" || text.starts_with("0u") || text.starts_with("0_"));
        if to_nothing {
            self.act(state, Act::Cut { file, by_handle: true }, o.trace.clone());
        }
        let how = if to_nothing { How::Cut } else { How::Resized };
        state.fact(file).resized = true;
        self.pend(state, Kind::Data, file, UNIT, how, &o.trace);
        UNIT
    }

    fn flush(&mut self, state: &mut State, o: &Operands) -> Value {
        if o.kind == ValueKind::Memory {
            return o.on;
        }
        let file = self.file_of(state, o.on);
        self.did(state, Did::Flush, file, None, &o.trace);
        if o.kind == ValueKind::File && !self.engine.terms.is_buffered(o.on) {
            let direct = |pending: &Pending| {
                pending.kind == Kind::Data && pending.file == file && pending.flushed.is_none() && !pending.idle_flush
            };
            if state.pending.iter().any(direct) {
                state
                    .pending
                    .iter_mut()
                    .filter(|pending| direct(pending))
                    .for_each(|pending| pending.idle_flush = true);
            }
        }
        self.drain(state, file, Some(&o.trace));
        if !state.past.flushed.contains(&file) && state.past.flushed.len() < 32 {
            state.past.flushed.push(file);
        }
        self.summary.effective = true;
        self.summary.touches = true;
        UNIT
    }

    /// A wrapper ends: what it held goes on to what it was wrapped around.
    fn unwrap(&mut self, state: &mut State, o: &Operands) -> Value {
        let mut outer = self.engine.terms.bare(o.on);
        let file = self.file_of(state, outer);
        let inner = match self.engine.terms.get(outer) {
            Term::Buffered(inner) => *inner,
            _ => outer,
        };
        outer = self.engine.terms.bare(inner);
        if !self.engine.terms.is_buffered(outer) {
            self.drain(state, file, Some(&o.trace));
        }
        outer
    }

    // ---- syncs ----

    fn sync(&mut self, state: &mut State, o: &Operands, flush: bool) -> Value {
        let file = self.file_of(state, o.on);
        // A handle that finishes its own writes knows nothing of a buffer around it.
        if flush && (o.kind == ValueKind::BufferedFile || self.engine.terms.is_buffered(o.on)) {
            self.drain(state, file, None);
        }
        self.act(state, Act::Sync { file }, o.trace.clone());
        self.did(state, Did::Sync, file, None, &o.trace);
        let handle = self.engine.terms.unbuffered(o.on);
        // A handle that cannot write may be a directory's.
        let before = *state.fact(file);
        let maybe_directory =
            matches!(self.engine.terms.get(handle), Term::Handle { writable: false, .. }) && !before.written;
        self.note_sync(state, file);
        // What is synced before anything is written here was left by others, whatever is done after that.
        let asked = self.function.public || self.function.interface.is_some();
        if asked && self.function.params.len() == 1 && !before.written && !before.resized && !before.created {
            let fields = self.engine.fields_of(self.id, file).to_vec();
            self.engine.intents.only_synced.extend(fields);
        }
        self.settle(state, file, maybe_directory);
        // For an audit also a part of what cannot be told.
        let whole = if self.engine.plan.tell_deeds { self.engine.terms.root(file) } else { file };
        if matches!(self.engine.terms.get(whole), Term::Fresh(..)) && !state.fact(file).created {
            self.doubt_all(state);
            state.vague_sync = true;
        }
        UNIT
    }

    /// The file or directory `key` became durable.
    pub fn settle(&mut self, state: &mut State, key: Value, maybe_directory: bool) {
        self.summary.effective = true;
        // A path without a directory is in `.`: programs put that where `parent` gives nothing.
        if self.engine.terms.is_dot(key) {
            let terms = &self.engine.terms;
            let settles = |pending: &Pending| pending.kind == Kind::Name && terms.is_bare_parent(pending.dir);
            state.pending.retain(|pending| !settles(pending));
        }
        for key in self.keys_pending(state, key) {
            if maybe_directory && !state.past.maybe_directories.contains(&key) && state.past.maybe_directories.len() < 8
            {
                state.past.maybe_directories.push(key);
            }
            let terms = &self.engine.terms;
            let settled: Vec<bool> = state.pending.iter().map(|pending| is_settled(pending, key, terms)).collect();
            let mut each = settled.iter();
            self.note_settled(state, |_| each.next() == Some(&true));
            let mut each = settled.iter();
            state.pending.retain(|_| each.next() != Some(&true));
            if state.past.failed_syncs.iter().any(|(file, _)| *file == key) {
                state.past.failed_syncs.retain(|(file, _)| *file != key);
            }
            state.kill(key, Kind::Data);
            state.kill(key, Kind::Name);
            // Two directories that were asked about and are not the same.
            let mut apart: Vec<Value> = Vec::new();
            let dirs = state.pending.iter().filter(|pending| maybe_directory && pending.kind == Kind::Name);
            for dir in dirs.map(|pending| pending.dir).collect::<Vec<_>>() {
                let equal = self.engine.terms.op(self.engine.terms.ops.equal, &[dir, key]);
                if state.guards.get(&(equal, Question::True)) == Some(&false) {
                    apart.push(dir);
                }
            }
            let fact = state.fact(key);
            fact.synced = true;
            let regular = fact.written || fact.created;
            for pending in &mut state.pending {
                if pending.kind == Kind::Name && pending.file == key {
                    pending.cared = true;
                }
                if maybe_directory
                    && !regular
                    && pending.kind == Kind::Name
                    && !apart.contains(&pending.dir)
                    && !self.engine.terms.surely_differ(pending.dir, key)
                {
                    pending.doubt = true;
                }
            }
        }
    }

    /// Remembers that what is pending here and settled by a sync of this function does not go on to its callers.
    pub fn note_settled(&mut self, state: &State, mut settles: impl FnMut(&Pending) -> bool) {
        // The next round of a loop may settle what the round before left: by the same call, that is no care of this function's.
        let here = Origin { span: self.focus, function: self.id };
        let cares = |pending: &Pending| {
            let far = pending.closed && pending.trace.depth() > MAX_REOPEN;
            pending.trace.start() != here && !far
        };
        for pending in state.pending.iter().filter(|pending| cares(pending) && settles(pending)) {
            let settled = self.engine.intents.settled.entry((pending.origin, pending.kind)).or_default();
            settled.insert(self.id);
        }
    }

    /// Something that cannot be told was made durable: it may have been any of what is pending.
    pub fn doubt_all(&mut self, state: &mut State) {
        state.pending.iter_mut().for_each(|pending| pending.doubt = true);
    }

    /// The program shows here that it cares for this file.
    pub fn note_sync(&mut self, state: &State, file: Value) {
        let package = self.function.package;
        // The field that holds the file, and those that hold that; else the first that tells its path.
        let (mut holders, mut at) = (Vec::new(), file);
        loop {
            holders.extend_from_slice(self.engine.fields_of(self.id, at));
            match *self.engine.terms.get(at) {
                Term::Field(base, _) | Term::Element(base) => at = base,
                _ => break,
            }
        }
        if holders.is_empty() {
            let parts = self.engine.terms.parts(file);
            let known = parts.iter().map(|&part| self.engine.fields_of(self.id, part));
            holders.extend(known.filter(|fields| !fields.is_empty()).take(1).flatten().copied());
        }
        self.engine.intents.synced_fields.extend(holders);
        let intents = &mut self.engine.intents;
        intents.syncing_packages.insert(package);
        intents.syncing_types.extend(self.function.owner);
        intents.syncing_sources.insert(self.function.file);
        if state.facts.get(&file).is_none_or(|facts| !facts.written)
            && state.pending.iter().any(|pending| pending.dir == file)
        {
            intents.directory_syncing_packages.insert(package);
            intents.directory_syncing_sources.insert(self.function.file);
        }
    }

    // ---- names ----

    fn rename(&mut self, state: &mut State, o: &Operands, to: Value) -> Value {
        let handle = self.engine.terms.unbuffered(o.on);
        let file = self.file_of(state, handle);
        let from = if matches!(self.engine.terms.get(handle), Term::Handle { .. }) { file } else { handle };
        let to = self.engine.terms.unbuffered(to);
        let temporary = state.fact(file).temporary;
        self.act(state, Act::Rename { file, from, to, temporary }, o.trace.clone());
        self.retires(file, from);
        let dir = self.engine.terms.parent(to);
        let dir = state.key(dir);
        let superseded =
            |pending: &Pending| pending.kind == Kind::Name && pending.file == file && pending.how != How::DirectoryMade;
        self.note_settled(state, superseded);
        state.pending.retain(|pending| !superseded(pending));
        state.names.insert(to, file);
        if from != to {
            let gone = self.engine.terms.make(Term::Gone(o.site));
            state.names.insert(from, gone);
        }
        state.fact(file).renamed = true;
        self.pend(state, Kind::Name, file, dir, How::Renamed, &o.trace);
        if matches!(self.engine.terms.get(handle), Term::Handle { .. }) { handle } else { UNIT }
    }

    fn link(&mut self, state: &mut State, o: &Operands) -> Value {
        let file = self.file_of(state, o.on);
        let to = self.engine.terms.unbuffered(o.to);
        self.act(state, Act::Link { file, to }, o.trace.clone());
        let dir = self.engine.terms.parent(to);
        let dir = state.key(dir);
        state.names.insert(to, file);
        // What had no name to last has one now.
        let fact = state.fact(file);
        fact.renamed |= fact.temporary;
        self.pend(state, Kind::Name, file, dir, How::Linked, &o.trace);
        UNIT
    }

    /// A directory is made; `anew` if it must not have been there.
    fn make_directory(&mut self, state: &mut State, o: &Operands, anew: bool) -> Value {
        let path = self.engine.terms.unbuffered(o.on);
        let path = self.key_for_open(state, path, Mode { create: true, ..Mode::default() });
        state.fact(path).made |= anew;
        let dir = self.engine.terms.parent(path);
        self.pend(state, Kind::Name, path, dir, How::DirectoryMade, &o.trace);
        UNIT
    }

    fn symlink(&mut self, state: &mut State, o: &Operands) -> Value {
        let to = self.engine.terms.unbuffered(o.to);
        let dir = self.engine.terms.parent(to);
        let dir = state.key(dir);
        state.fact(to).created = true;
        self.pend(state, Kind::Name, to, dir, How::Symlinked, &o.trace);
        UNIT
    }

    /// A socket takes a name: whatever had it before is not missed.
    fn bind_socket(&mut self, state: &mut State, o: &Operands) -> Value {
        let path = self.engine.terms.unbuffered(o.on);
        let path = self.key_for_open(state, path, Mode { create: true, ..Mode::default() });
        state.pending.retain(|pending| pending.kind != Kind::Name || pending.file != path);
        let fact = state.fact(path);
        (fact.created, fact.socket, fact.absent) = (true, true, false);
        self.fresh(state, o.site, 0)
    }

    fn remove(&mut self, state: &mut State, o: &Operands, tree: bool) -> Value {
        let handle = self.engine.terms.unbuffered(o.on);
        let file = self.file_of(state, handle);
        // Nothing has that name any more, or what has it holds nothing.
        if matches!(self.engine.terms.get(file), Term::Gone(_)) || state.fact(file).socket {
            return UNIT;
        }
        self.act(state, Act::Remove { file, path: handle, tree }, o.trace.clone());
        self.did(state, Did::Remove, file, None, &o.trace);
        let ours = state.fact(file).created;
        // It lives on under the name that a link gave it.
        let linked = !state.fact(file).renamed && state.names.iter().any(|(path, key)| *key == file && *path != handle);
        let terms = &mut self.engine.terms;
        // What was renamed out of a tree is not in it any more.
        let moved = |file_of: Value, terms: &mut Terms| {
            state.names.iter().any(|(&path, &key)| key == file_of && path != handle && !terms.is_under(path, file))
        };
        let mut gone = |pending: &Pending| match pending.file == file {
            true if linked => pending.kind == Kind::Name && !matches!(pending.how, How::Linked | How::Removed),
            true => true,
            false => tree && terms.is_under(pending.file, file) && !moved(pending.file, terms),
        };
        state.pending.retain(|pending| !gone(pending));
        // A link whose first name goes was a rename in two steps.
        if linked && state.pending.iter().any(|pending| pending.file == file && pending.how == How::Linked) {
            let links = state.pending.iter_mut().filter(|pending| pending.file == file && pending.how == How::Linked);
            links.for_each(|pending| pending.how = How::Renamed);
            state.fact(file).renamed = true;
        }
        let gone = terms.make(Term::Gone(o.site));
        let dir = terms.parent(handle);
        let dir = state.key(dir);
        state.names.insert(handle, gone);
        if !ours {
            self.pend(state, Kind::Name, file, dir, How::Removed, &o.trace);
        }
        UNIT
    }

    // ---- paths ----

    /// `push` and its like: the receiver becomes another path.
    fn path_change(&mut self, state: &mut State, o: &Operands, call: &Call, args: &[Value]) -> Value {
        let changed = self.engine.terms.op(o.op.unwrap_or(call.name), args);
        if let Some(Operand::Place(place)) = call.args.first().map(|arg| &arg.value)
            && !place.steps.contains(&Step::Element)
        {
            self.assign(state, place, changed);
        }
        UNIT
    }
}

/// Whether a sync of `key` makes a pending effect durable. Bytes that went through a record reach the file that it holds.
fn is_settled(pending: &Pending, key: Value, terms: &Terms) -> bool {
    is_settled_as(pending.kind, pending, key, terms)
}

/// As [`is_settled`], where the effect is of that `kind` by now.
pub(super) fn is_settled_as(kind: Kind, pending: &Pending, key: Value, terms: &Terms) -> bool {
    match kind {
        Kind::Data => pending.file == key || terms.is_part(key, pending.file),
        Kind::Name => pending.dir == key,
        Kind::Buffer => false,
    }
}

/// Whether the failure of such a call is worth a path of its own.
fn splits_on_failure(effect: Effect) -> bool {
    !matches!(
        effect,
        Effect::Same
            | Effect::PathOp
            | Effect::Nothing
            | Effect::OptionsNew
            | Effect::OptionsSet
            | Effect::WrapBuffer
            | Effect::WrapRead
            | Effect::CallArg
            | Effect::PathOf
            | Effect::PathChange
            | Effect::BindSocket
            | Effect::SyncHint
            | Effect::Read
    )
}

/// Whether an effect changes something, or makes it durable.
fn changes(effect: Effect) -> bool {
    splits_on_failure(effect)
        && !matches!(
            effect,
            Effect::OpenRead
                | Effect::OpenWrite
                | Effect::OptionsOpen
                | Effect::OpenAppend
                | Effect::CreateNew
                | Effect::Duplicate
                | Effect::Map
        )
}
