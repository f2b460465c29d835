//! Where a program shows that it cares whether data survives: the evidence on which the durable rules speak up.

use super::state::{Kind, Origin};
use super::terms::{Retelling, Term, Terms, Value};
use crate::ir::{FuncId, PackageId};
use crate::source::{FileId, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::hash::Hash;
use ustr::Ustr;

/// A field of a type: (the type, the field).
pub type FieldKey = (Ustr, Ustr);

/// Whether a function's name says that it makes something durable. Where its text hides whether it does, that is a reason to doubt
/// what is pending, and no more.
pub fn names_a_sync(name: &str) -> bool {
    matches!(name, "sync" | "sync_all" | "sync_data" | "fsync" | "fdatasync" | "sync_range" | "persist_durably")
        || ["sync_dir", "fsync_dir", "sync_parent", "fsync_parent", "sync_folder"]
            .iter()
            .any(|start| name.starts_with(start))
}

/// Whether a function's name says that somebody else is asked for a sync: `submit_fsync`.
pub fn asks_for_a_sync(name: &str) -> bool {
    let asks = ["submit_", "request_", "enqueue_", "queue_", "send_", "schedule_", "wait_for_", "await_"];
    asks.iter().any(|start| {
        name.strip_prefix(start)
            .is_some_and(|what| matches!(what, "sync" | "fsync" | "fdatasync") || names_a_sync(what))
    })
}

/// The file `value` as a part of what a method of its `owner` is called on, if it lies in a field of one of its fields.
pub fn wrapped_part(terms: &Terms, owner: Ustr, value: Value) -> Option<FieldKey> {
    let mut names: SmallVec<[Ustr; 4]> = SmallVec::new();
    let mut at = value;
    while let &Term::Field(base, name) = terms.get(at) {
        names.push(name);
        at = terms.unbuffered(base);
    }
    if names.len() < 2 || !matches!(terms.get(at), Term::Param(0)) {
        return None;
    }
    let way: Vec<&str> = names.iter().rev().map(Ustr::as_str).collect();
    Some((owner, Ustr::from(&way.join("."))))
}

/// As [`wrapped_part`], for a file that was opened there and put into what the method is called on: `stored` are the fields that were assigned.
pub fn stored_part<'a>(
    terms: &Terms,
    owner: Ustr,
    file: Value,
    stored: impl Iterator<Item = (&'a (Value, Ustr), &'a Value)>,
) -> Option<FieldKey> {
    let mut own = stored.filter(|((base, _), _)| matches!(terms.get(*base), Term::Param(0)));
    own.find_map(|((_, name), value)| {
        let way = way_to(terms, *value, file, 0)?;
        (!way.is_empty()).then(|| (owner, Ustr::from(&format!("{name}{way}"))))
    })
}

/// The fields on the way from a record to the handle of `file` in it, each after a dot.
fn way_to(terms: &Terms, value: Value, file: Value, depth: u8) -> Option<String> {
    match terms.get(terms.unbuffered(value)) {
        Term::Handle { file: known, .. } => (*known == file).then(String::new),
        Term::Aggregate { fields, .. } if depth < 3 => {
            fields.iter().find_map(|(name, field)| Some(format!(".{name}{}", way_to(terms, *field, file, depth + 1)?)))
        }
        _ => None,
    }
}

/// At most so many fields are known of one value.
const MAX_FIELDS: usize = 4;

/// The fields that one value came from or went to.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    fields: SmallVec<[FieldKey; 1]>,
    /// As bits, which of these only the function's callees know: the fields of what they wrap around the value.
    passed_on: u8,
}

impl Held {
    pub(super) fn fields(&self) -> &[FieldKey] {
        &self.fields
    }

    fn note(&mut self, field: FieldKey, own: bool) {
        match self.fields.iter().position(|known| *known == field) {
            Some(place) if own => self.passed_on &= !(1 << place),
            None if self.fields.len() < MAX_FIELDS => {
                self.passed_on |= u8::from(!own) << self.fields.len();
                self.fields.push(field);
            }
            _ => {}
        }
    }
}

/// Notes a `value`, where there is one of each key or none that can be told. What was known `before` counts as if it had been noted here.
fn note_one<K: Eq + Hash>(
    all: &mut FxHashMap<K, Option<Value>>,
    key: K,
    value: Option<Value>,
    before: Option<&Option<Value>>,
) {
    let known = all.entry(key).or_insert(before.copied().unwrap_or(value));
    if *known != value {
        *known = None;
    }
}

/// The evidence.
#[derive(Debug, Default)]
pub struct Intents {
    /// By function: from or to which fields each value was read or stored. Functions are asked one after the other: small tables are near.
    fields: FxHashMap<FuncId, FxHashMap<Value, Held>>,
    /// Fields whose file is synced somewhere.
    pub synced_fields: FxHashSet<FieldKey>,
    /// Fields whose file some function writes and syncs before it returns.
    pub written_and_synced: FxHashSet<FieldKey>,
    /// Fields whose file some function makes longer or shorter and syncs before it returns.
    pub resized_and_synced: FxHashSet<FieldKey>,
    /// Fields whose file some function syncs without having changed it: the sync is a call of its own.
    pub only_synced: FxHashSet<FieldKey>,
    /// As `only_synced`, by a function that takes the value and ends it.
    pub synced_at_end: FxHashSet<FieldKey>,
    /// Types a method of which ends the value and syncs a directory that the value's own fields tell.
    pub directory_synced_at_end: FxHashSet<Ustr>,
    /// As `written_and_synced`, by a method of the type itself.
    pub written_and_synced_by_own: FxHashSet<FieldKey>,
    /// Files that lie in what a type wraps around them: the type, and the fields on the way (`file.0`). Those that a method of the type,
    /// which is given something, writes and syncs before it returns.
    pub parts_written_and_synced: FxHashSet<FieldKey>,
    /// Those that a method which is given nothing syncs, or one that callers see without having written: the sync is a call of its own.
    pub parts_only_synced: FxHashSet<FieldKey>,
    /// Functions in which an effect of a place is made durable.
    pub settled: FxHashMap<(Origin, Kind), FxHashSet<FuncId>>,
    /// Fields whose file or path is renamed somewhere: a temporary.
    pub retired_fields: FxHashSet<FieldKey>,
    /// Fields whose handle was opened so that each write is durable.
    pub write_through_fields: FxHashSet<FieldKey>,
    /// Where content is read from a file, by the operation itself.
    pub reads: FxHashSet<Span>,
    /// By function: the calls whose result is what was read, or made of it, and from which file (`None`: from several).
    pub read_from: FxHashMap<(FuncId, Span), Option<Value>>,
    /// Packages that sync file content somewhere.
    pub syncing_packages: FxHashSet<PackageId>,
    /// Types a method of which syncs file content.
    pub syncing_types: FxHashSet<Ustr>,
    /// Source files in which file content is synced.
    pub syncing_sources: FxHashSet<FileId>,
    /// Packages that sync a directory somewhere.
    pub directory_syncing_packages: FxHashSet<PackageId>,
    /// Source files in which a directory is synced.
    pub directory_syncing_sources: FxHashSet<FileId>,
    /// For a field that holds a handle: the path it is always opened by, told by the other fields of the same record
    /// (`None`: records differ).
    pub links: FxHashMap<FieldKey, Option<Value>>,
}

impl Intents {
    pub(super) fn held(&self, function: FuncId, value: Value) -> Option<&Held> {
        self.fields.get(&function)?.get(&value)
    }

    /// The fields that `value` of `function` came from or went to.
    pub fn fields_of(&self, function: FuncId, value: Value) -> &[FieldKey] {
        self.held(function, value).map_or(&[], Held::fields)
    }

    /// Whether only callees of `function` know that `value` came from or went to `field`.
    pub fn is_passed_on(&self, function: FuncId, value: Value, field: FieldKey) -> bool {
        self.held(function, value).is_some_and(|held| {
            let place = held.fields.iter().position(|known| *known == field);
            place.is_some_and(|place| held.passed_on >> place & 1 == 1)
        })
    }

    /// Notes that `value` of `function` came from or went to `field`: by its `own` text, or by a callee's. `before` is what else is known
    /// of the value, and counts as if it had been noted here.
    pub(super) fn note_field(
        &mut self,
        function: FuncId,
        value: Value,
        field: FieldKey,
        own: bool,
        before: Option<&Held>,
    ) {
        let held = self.fields.entry(function).or_default().entry(value);
        held.or_insert_with(|| before.cloned().unwrap_or_default()).note(field, own);
    }

    /// Notes the path that a field's handle is opened by in one place; what was known `before` counts.
    pub(super) fn note_link(&mut self, field: FieldKey, path: Option<Value>, before: &Intents) {
        note_one(&mut self.links, field, path, before.links.get(&field));
    }

    /// Notes from which file the result of a call was read.
    pub(super) fn note_read(&mut self, call: (FuncId, Span), file: Option<Value>) {
        note_one(&mut self.read_from, call, file, None);
    }

    /// Adds what a task noted, retold. Of values that nothing else tells of, nobody asks in which fields they live. What was known
    /// `before` counts as if it had been noted here, where more is noted of the same.
    pub(super) fn add(&mut self, mut new: Intents, before: &Intents, retold: &mut Retelling<'_>) {
        let links = new.links.values_mut().chain(new.read_from.values_mut());
        links.flatten().for_each(|value| *value = retold.value(*value));
        retold.alternatives();
        self.absorb(new, before, |value| retold.told(value));
    }

    /// Adds what was noted later, some of it with this in mind.
    pub(super) fn append(&mut self, later: Intents) {
        self.absorb(later, &Intents::default(), Some);
    }

    /// Adds what was noted, with the values for which there is one here. What was known `before` counts.
    fn absorb(&mut self, new: Intents, before: &Intents, told: impl Fn(Value) -> Option<Value>) {
        let Intents {
            fields,
            synced_fields,
            written_and_synced,
            resized_and_synced,
            only_synced,
            synced_at_end,
            directory_synced_at_end,
            written_and_synced_by_own,
            parts_written_and_synced,
            parts_only_synced,
            settled,
            retired_fields,
            write_through_fields,
            reads,
            read_from,
            syncing_packages,
            syncing_types,
            syncing_sources,
            directory_syncing_packages,
            directory_syncing_sources,
            links,
        } = new;
        for (field, path) in links {
            self.note_link(field, path, before);
        }
        for (call, file) in read_from {
            note_one(&mut self.read_from, call, file, before.read_from.get(&call));
        }
        for (function, values) in fields {
            let known = self.fields.entry(function).or_default();
            for (their, held) in values {
                let Some(value) = told(their) else { continue };
                let before = || before.held(function, value).cloned().unwrap_or_default();
                let known = known.entry(value).or_insert_with(before);
                for (place, &field) in held.fields.iter().enumerate() {
                    known.note(field, held.passed_on >> place & 1 == 0);
                }
            }
        }
        for (effect, functions) in settled {
            self.settled.entry(effect).or_default().extend(functions);
        }
        self.synced_fields.extend(synced_fields);
        self.written_and_synced.extend(written_and_synced);
        self.resized_and_synced.extend(resized_and_synced);
        self.only_synced.extend(only_synced);
        self.synced_at_end.extend(synced_at_end);
        self.directory_synced_at_end.extend(directory_synced_at_end);
        self.written_and_synced_by_own.extend(written_and_synced_by_own);
        self.parts_written_and_synced.extend(parts_written_and_synced);
        self.parts_only_synced.extend(parts_only_synced);
        self.retired_fields.extend(retired_fields);
        self.write_through_fields.extend(write_through_fields);
        self.reads.extend(reads);
        self.syncing_packages.extend(syncing_packages);
        self.syncing_types.extend(syncing_types);
        self.syncing_sources.extend(syncing_sources);
        self.directory_syncing_packages.extend(directory_syncing_packages);
        self.directory_syncing_sources.extend(directory_syncing_sources);
    }

    /// The fields whose file or path is given up for another name, or whose values some function takes from them, or puts, into such a field.
    pub fn given_up(&self) -> FxHashSet<FieldKey> {
        let mut given_up = self.retired_fields.clone();
        for held in self.fields.values().flat_map(|values| values.values()) {
            if held.fields.len() > 1 && held.fields.iter().any(|field| self.retired_fields.contains(field)) {
                given_up.extend(held.fields.iter().copied());
            }
        }
        given_up
    }

    /// Whether one of the fields that `value` of `function` lives in is among `fields`.
    pub fn lives_in(&self, function: FuncId, value: Value, fields: &FxHashSet<FieldKey>) -> bool {
        self.fields_of(function, value).iter().any(|field| fields.contains(field))
    }
}
