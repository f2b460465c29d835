//! Which stores a program has, and what their operations are.

use super::evidence::Evidence;
use super::types::{TypeId, Types};
use crate::flow::state::{How, Kind};
use crate::flow::summary::{Deed, Did};
use crate::flow::terms::{Term, Value};
use crate::ir::{FuncId, PackageId};
use std::collections::{BTreeMap, BTreeSet};
use ustr::Ustr;

/// The types of a store with its operations.
pub(super) struct Store {
    /// The outermost of its types, or its module.
    pub name: Ustr,
    /// The package it is in.
    pub package: PackageId,
    /// The outermost of its types, by its name in the program; none if it has no types.
    pub top: Option<Ustr>,
    /// Its types.
    pub members: BTreeSet<TypeId>,
    /// What can be asked of it, in the order of the text.
    pub operations: Vec<FuncId>,
    /// Of these, the ones that are given no open store: they make one.
    pub openings: BTreeSet<FuncId>,
    /// The functions that make one, public or not: what other operations do by way of these is an opening.
    pub makers: BTreeSet<FuncId>,
    /// The first operation of the outermost type.
    pub first: FuncId,
}

impl Store {
    /// Whether a function is a method of one of its types.
    pub(super) fn owns(&self, evidence: &Evidence<'_>, function: FuncId) -> bool {
        let Some(owner) = evidence.owner(function) else { return false };
        let package = evidence.program.functions[function.index()].package;
        self.members.iter().any(|member| member.name == owner && member.package == package)
    }
}

impl<'a> Evidence<'a> {
    /// The stores, in the order of their names.
    pub(super) fn stores(&self) -> Vec<Store> {
        let types = Types::new(self).without_commands();
        let mut groups: BTreeMap<TypeId, BTreeSet<TypeId>> = BTreeMap::new();
        for (of, tops) in types.tops() {
            for top in tops {
                groups.entry(top).or_default().insert(of);
            }
        }
        // What works through other groups is a tool for them; but if these keep nothing themselves, what they do is its own.
        let mut found: BTreeMap<TypeId, Store> = BTreeMap::new();
        let mut others: BTreeSet<TypeId> = groups.values().flatten().copied().collect();
        for _ in 0..2 {
            for (&top, members) in &groups {
                if found.contains_key(&top) || !self.keeps_files(members, &others, &types) {
                    continue;
                }
                let of_types = |id: FuncId| types.owner(id).is_some_and(|owner| members.contains(&owner));
                let store = self.store(top, members, &types);
                found.extend(store.filter(|store| self.is_found_again(store, &of_types)).map(|store| (top, store)));
            }
            others = found.keys().flat_map(|top| &groups[top]).copied().collect();
        }
        let mut stores: Vec<Store> = found.into_values().chain(self.modules()).collect();
        let mut seen: BTreeMap<Ustr, usize> = BTreeMap::new();
        stores.iter().for_each(|store| *seen.entry(store.name).or_default() += 1);
        for store in stores.iter_mut().filter(|store| seen[&store.name] > 1) {
            let package = self.program.packages[store.package.index()].name;
            store.name = Ustr::from(&format!("{package}::{}", store.name));
        }
        stores
    }

    /// The store of a type and its parts.
    fn store(&self, top: TypeId, members: &BTreeSet<TypeId>, types: &Types<'_, '_>) -> Option<Store> {
        let operations = self.operations(top, members, types);
        let first = *operations.iter().find(|&&id| types.owner(id) == Some(top)).or(operations.first())?;
        let makes = |operation: &FuncId| match types.owner(*operation) {
            Some(owner) => !types.is_given(*operation, owner),
            None => !members.iter().any(|&member| types.is_given(*operation, member)),
        };
        let openings = operations.iter().copied().filter(makes).collect();
        let makers = types.openings(top);
        let (name, package) = (top.name, top.package);
        let members = members.clone();
        Some(Store { name, package, top: Some(name), members, operations, openings, makers, first })
    }

    /// Whether a group of types makes, replaces, removes or syncs files on its own, not only through `others` or for somebody who lends it a
    /// handle.
    fn keeps_files(&self, members: &BTreeSet<TypeId>, others: &BTreeSet<TypeId>, types: &Types<'_, '_>) -> bool {
        let is_other = |owner: &TypeId| others.contains(owner) && !members.contains(owner);
        members.iter().flat_map(|&member| types.methods(member)).any(|&method| {
            let keeps = |deed: &&Deed| match deed.did {
                Did::Overwrite | Did::Remove => true,
                Did::Pend(how, Kind::Name) => how != How::DirectoryMade,
                Did::Sync => !self.is_lent(method, deed.file),
                _ => false,
            };
            self.deeds(method).iter().filter(keeps).filter(|deed| !self.is_passing(method, deed.file)).any(|deed| {
                let on_the_way = deed.trace.functions();
                !on_the_way.iter().any(|&function| types.owner(function).is_some_and(|owner| is_other(&owner)))
            })
        })
    }

    /// Whether something of what it leaves in files is to be found again: it is synced or renamed into place, or some function of it, these
    /// are its `own`, reads, removes, cuts or adds to what it did not make, or fills anew a file at a place of its own. What only makes new
    /// files where its callers want them keeps none. Functions without a type know no place of their own: of what they fill something must be
    /// read, or changed, by them.
    fn is_found_again(&self, store: &Store, own: &dyn Fn(FuncId) -> bool) -> bool {
        let functions = (0..self.program.functions.len()).map(|at| FuncId(at as u32));
        let mut functions = functions.filter(|&id| own(id) || store.operations.contains(&id));
        functions.any(|id| {
            // What the only operation reads to write something else is no more than its source.
            let is_source = |file: Value| {
                let changed = |deed: &Deed| deed.file == file && !matches!(deed.did, Did::Read | Did::Flush);
                store.operations == [id] && !self.deeds(id).iter().any(changed)
            };
            self.unseen(id).is_some()
                || self.deeds(id).iter().enumerate().any(|(at, deed)| {
                    let made = |before: &Deed| {
                        let makes = matches!(before.did, Did::Overwrite | Did::Pend(How::Created | How::Copied, _));
                        makes && before.file == deed.file
                    };
                    let is_new = || self.deeds(id)[..at].iter().any(made);
                    if self.is_passing(id, deed.file) {
                        return false;
                    }
                    match deed.did {
                        Did::Sync | Did::Pend(How::Renamed | How::MaybeCreated, _) => true,
                        Did::Overwrite => store.top.is_some() && !is_new() && !self.is_where_told(id, deed.file),
                        Did::Read => {
                            let may_be_filled =
                                || store.top.is_some() || self.may_be_filled_by(deed.file, &store.operations);
                            !is_new() && !is_source(deed.file) && may_be_filled()
                        }
                        Did::Remove | Did::Place => !is_new(),
                        Did::Pend(_, Kind::Buffer | Kind::Data) => !is_new() && !self.is_lent(id, deed.file),
                        Did::Pend(..) | Did::Flush => false,
                    }
                })
        })
    }

    /// Whether the place of a file is an argument of the function's, not something that its type knows.
    fn is_where_told(&self, function: FuncId, file: Value) -> bool {
        let own = usize::from(self.owner(function).is_some_and(|owner| {
            let function = &self.program.functions[function.index()];
            let first = function.params.first().map(|local| &function.locals[local.index()]);
            first.is_some_and(|local| local.type_name == Some(owner))
        }));
        let root = self.flow.terms.root(file);
        matches!(self.flow.terms.get(root), Term::Param(number) if usize::from(*number) >= own)
    }

    /// What others can ask of a store: the public methods of its outermost type, those of what it hands out, those of its other parts that
    /// nobody in its package calls, and the public functions outside any type that call them.
    fn operations(&self, top: TypeId, members: &BTreeSet<TypeId>, types: &Types<'_, '_>) -> Vec<FuncId> {
        let inside = |caller: FuncId, of: TypeId| {
            types
                .owner(caller)
                .is_some_and(|owner| members.contains(&owner) || owner != of && owner.package == of.package)
        };
        let is_used =
            |method: FuncId, of: TypeId| self.flow.callers[method.index()].iter().any(|&caller| inside(caller, of));
        let handed_out: BTreeSet<TypeId> =
            members.iter().copied().filter(|&member| types.is_handed_out(member, members)).collect();
        let is_offered = |method: FuncId| {
            let function = &self.program.functions[method.index()];
            types.owner(method).is_some_and(|of| {
                // A part from another package has users of its own; what answers an interface is asked by whoever knows that.
                let is_own = || function.package == top.package && function.interface.is_none();
                of == top
                    || types.is_given(method, of) && (handed_out.contains(&of) || is_own() && !is_used(method, of))
            })
        };
        let methods = members.iter().flat_map(|&member| types.methods(member)).copied();
        let mut operations: BTreeSet<FuncId> =
            methods.clone().filter(|&id| self.is_public(id) && is_offered(id)).collect();
        operations.extend(types.unseen(top));
        let callers = methods.flat_map(|method| &self.flow.callers[method.index()]).copied();
        operations.extend(
            callers.filter(|&caller| types.owner(caller).is_none() && self.is_public(caller) && !is_used(caller, top)),
        );
        let mut operations: Vec<FuncId> = operations.into_iter().collect();
        operations.sort_by_key(|id| self.program.functions[id.index()].span);
        operations
    }

    /// Stores without a type: the public functions of a module that write files and that no method or other module uses.
    fn modules(&self) -> Vec<Store> {
        let mut by_module: BTreeMap<(Ustr, PackageId), Vec<FuncId>> = BTreeMap::new();
        for (at, function) in self.program.functions.iter().enumerate() {
            let id = FuncId(at as u32);
            let writes = |deed: &Deed| !matches!(deed.did, Did::Read | Did::Sync | Did::Flush);
            if function.owner.is_none() && self.is_public(id) && self.deeds(id).iter().any(writes) {
                let module = function.name.rsplit_once("::").map_or("", |(module, _)| module);
                by_module.entry((Ustr::from(module), function.package)).or_default().push(id);
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
        let stores = by_module
            .into_iter()
            .filter(|((name, _), functions)| !is_used(name, functions) && !uses_types(functions))
            .map(|((name, package), operations)| {
                let first = operations[0];
                Store {
                    name,
                    package,
                    top: None,
                    members: BTreeSet::new(),
                    operations,
                    openings: BTreeSet::new(),
                    makers: BTreeSet::new(),
                    first,
                }
            });
        let of_module = |store: &Store, id: FuncId| {
            let function = &self.program.functions[id.index()];
            function.package == store.package
                && function.owner.is_none()
                && module(id).as_deref() == Some(store.name.as_str())
        };
        stores.filter(|store| self.is_found_again(store, &|id| of_module(store, id))).collect()
    }
}
