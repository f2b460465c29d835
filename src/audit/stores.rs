//! Which stores a program has, and what their operations are.

use super::evidence::Evidence;
use crate::flow::state::{How, Kind};
use crate::flow::summary::{Deed, Did};
use crate::ir::{FuncId, FunctionKind};
use std::collections::{BTreeMap, BTreeSet};
use ustr::Ustr;

/// The types of a store with its operations.
pub(super) struct Store {
    /// The outermost of its types, or its module.
    pub name: Ustr,
    /// Its types; none if it is a module.
    pub members: BTreeSet<Ustr>,
    /// What can be asked of it, in the order of the text.
    pub operations: Vec<FuncId>,
}

impl<'a> Evidence<'a> {
    /// The stores, in the order of their names.
    pub(super) fn stores(&self) -> Vec<Store> {
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
    pub(super) fn is_opening(&self, store: &Store, operation: FuncId) -> bool {
        let function = &self.program.functions[operation.index()];
        let mut params = function.params.iter().map(|param| function.locals[param.index()].type_name);
        !store.members.is_empty()
            && function.owner.is_some()
            && !params.any(|given| given.is_some() && given == function.owner)
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
