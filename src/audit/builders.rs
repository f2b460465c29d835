//! Types that make files step by step: what they write is complete, and perhaps of use, only when a last step has used them up.

use super::evidence::Evidence;
use super::stores::Store;
use crate::flow::state::{How, Kind};
use crate::flow::summary::Did;
use crate::ir::{FuncId, FunctionKind, Local, PackageId};
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// The last step of each type that has one, by the type's package and name.
pub(super) type Builders = FxHashMap<(PackageId, Ustr), FuncId>;

impl<'a> Evidence<'a> {
    /// The types whose methods only make new files, and one of which, public or not, takes the value itself and syncs.
    pub(super) fn find_builders(&self) -> Builders {
        let (mut builders, mut others) = (Builders::default(), FxHashSet::default());
        for (at, function) in self.program.functions.iter().enumerate() {
            let id = FuncId(at as u32);
            let Some(owner) = function.owner.filter(|_| function.kind == FunctionKind::Named) else { continue };
            let key = (function.package, owner);
            let deeds = || self.deeds(id).iter().filter(|deed| !deed.failing);
            if self.uses_up(id) {
                if deeds().any(|deed| deed.did == Did::Sync) {
                    builders.entry(key).or_insert(id);
                }
                continue;
            }
            // What reads, or opens what may have been there, keeps a store.
            let keeps = deeds().any(|deed| matches!(deed.did, Did::Read | Did::Pend(How::MaybeCreated, Kind::Name)));
            if keeps {
                others.insert(key);
            }
        }
        builders.retain(|key, _| !others.contains(key));
        builders
    }

    /// The method of the type that `function` is of which takes the value itself, and syncs, if `function` does not.
    pub(super) fn last_step(&self, function: FuncId) -> Option<FuncId> {
        let (owner, package) = (self.owner(function)?, self.program.functions[function.index()].package);
        let ids = (0..self.program.functions.len()).map(|at| FuncId(at as u32));
        let mut methods = ids.filter(|id| {
            let method = &self.program.functions[id.index()];
            method.owner == Some(owner) && method.package == package && method.kind == FunctionKind::Named
        });
        let syncs = |id: FuncId| self.deeds(id).iter().any(|deed| deed.did == Did::Sync && !deed.failing);
        methods.find(|&id| !self.uses_up(function) && self.uses_up(id) && syncs(id))
    }

    /// The method of another part of the `store` that hands out the part which `function` is of: one that takes the value itself, and could make
    /// durable what is of this kind. A transaction lends its trees, and its commit uses it up.
    pub(super) fn last_step_of_lender(&self, store: &Store, function: FuncId, kind: Kind) -> Option<FuncId> {
        let owner = self.owner(function)?;
        let own = (0..self.program.functions.len()).map(|at| FuncId(at as u32)).filter(|&id| {
            let is_other = self.owner(id).is_some_and(|other| other != owner && store.top != Some(other));
            is_other && self.is_public(id) && store.owns(self, id)
        });
        let own: Vec<FuncId> = own.collect();
        let lends = |other: &FuncId| {
            let has_one = |local: &Local| local.type_name == Some(owner);
            !self.uses_up(*other) && self.program.functions[other.index()].locals.iter().any(has_one)
        };
        let lenders: FxHashSet<Ustr> =
            own.iter().filter(|other| lends(other)).filter_map(|&id| self.owner(id)).collect();
        let is_last = |id: &FuncId| self.uses_up(*id) && self.reach.could_settle(*id, kind);
        own.into_iter().filter(is_last).find(|&id| self.owner(id).is_some_and(|owner| lenders.contains(&owner)))
    }

    /// Whether a method takes the value that it is called on, not a loan of it.
    pub(super) fn uses_up(&self, method: FuncId) -> bool {
        let function = &self.program.functions[method.index()];
        let receiver = function.params.first().map(|local| &function.locals[local.index()]);
        receiver.is_some_and(|local| !local.lent && local.type_name.is_some() && local.type_name == function.owner)
    }

    /// The step that completes what `function` makes, if it is a step before that.
    pub(super) fn completed_by(&self, function: FuncId) -> Option<FuncId> {
        let owner = self.owner(function)?;
        let package = self.program.functions[self.named(function).index()].package;
        let last = *self.builders.get(&(package, owner))?;
        (!self.uses_up(function)).then_some(last)
    }
}
