//! Where a program shows that it cares whether data survives: the evidence on which the durable rules speak up.

use super::state::{Kind, Origin};
use super::terms::Value;
use crate::ir::{FuncId, PackageId};
use crate::source::FileId;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
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

/// The evidence.
#[derive(Debug, Default)]
pub struct Intents {
    /// From or to which fields a value of a function was read or stored.
    pub fields: FxHashMap<(FuncId, Value), SmallVec<[FieldKey; 1]>>,
    /// Of these, what only a function's callees know: the fields of what they wrap around a value.
    pub passed_on: FxHashSet<(FuncId, Value, FieldKey)>,
    /// Fields whose file is synced somewhere.
    pub synced_fields: FxHashSet<FieldKey>,
    /// Fields whose file some function writes and syncs before it returns.
    pub written_and_synced: FxHashSet<FieldKey>,
    /// Fields whose file some function syncs without having written to it: the sync is a call of its own.
    pub only_synced: FxHashSet<FieldKey>,
    /// As `only_synced`, by a function that takes the value and ends it.
    pub synced_at_end: FxHashSet<FieldKey>,
    /// Types a method of which ends the value and syncs a directory that the value's own fields tell.
    pub directory_synced_at_end: FxHashSet<Ustr>,
    /// As `written_and_synced`, by a method of the type itself.
    pub written_and_synced_by_own: FxHashSet<FieldKey>,
    /// Functions in which an effect of a place is made durable.
    pub settled: FxHashMap<(Origin, Kind), FxHashSet<FuncId>>,
    /// Fields whose file or path is renamed somewhere: a temporary.
    pub retired_fields: FxHashSet<FieldKey>,
    /// Fields whose handle was opened so that each write is durable.
    pub write_through_fields: FxHashSet<FieldKey>,
    /// Packages that sync file content somewhere, and in how many places.
    pub syncing_packages: FxHashMap<PackageId, u32>,
    /// Types a method of which syncs file content.
    pub syncing_types: FxHashSet<Ustr>,
    /// Source files in which file content is synced.
    pub syncing_sources: FxHashSet<FileId>,
    /// Packages that sync a directory somewhere.
    pub directory_syncing_packages: FxHashSet<PackageId>,
    /// For a field that holds a handle: the path it is always opened by, told by the other fields of the same record
    /// (`None`: records differ).
    pub links: FxHashMap<FieldKey, Option<Value>>,
}

impl Intents {
    /// The fields that `value` of `function` came from or went to.
    pub fn fields_of(&self, function: FuncId, value: Value) -> &[FieldKey] {
        self.fields.get(&(function, value)).map_or(&[], |fields| fields.as_slice())
    }

    /// Whether one of the fields that `value` of `function` lives in is among `fields`.
    pub fn lives_in(&self, function: FuncId, value: Value, fields: &FxHashSet<FieldKey>) -> bool {
        self.fields_of(function, value).iter().any(|field| fields.contains(field))
    }
}
