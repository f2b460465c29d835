//! Where a program shows that it cares whether data survives: the evidence on which the durable rules speak up.

use super::terms::Value;
use crate::ir::{FuncId, PackageId};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// A field of a type: (the type, the field).
pub type FieldKey = (Ustr, Ustr);

/// The evidence.
#[derive(Debug, Default)]
pub struct Intents {
    /// Which field a value of a function was read from or stored to.
    pub fields: FxHashMap<(FuncId, Value), FieldKey>,
    /// Fields whose file is synced somewhere.
    pub synced_fields: FxHashSet<FieldKey>,
    /// Types some field of which is synced somewhere.
    pub synced_types: FxHashSet<Ustr>,
    /// Packages that sync file content somewhere, and how many places do.
    pub syncing_packages: FxHashMap<PackageId, u32>,
    /// Packages that sync a directory somewhere.
    pub directory_syncing_packages: FxHashSet<PackageId>,
    /// Texts in the paths of files that are synced somewhere.
    pub synced_texts: FxHashSet<(PackageId, Ustr)>,
}

impl Intents {
    /// The field that `value` of `function` came from or went to.
    pub fn field_of(&self, function: FuncId, value: Value) -> Option<FieldKey> {
        self.fields.get(&(function, value)).copied()
    }

    /// Whether the file behind `value` of `function` lives in a field that is synced somewhere.
    pub fn is_synced_field(&self, function: FuncId, value: Value) -> bool {
        self.field_of(function, value).is_some_and(|field| self.synced_fields.contains(&field))
    }
}
