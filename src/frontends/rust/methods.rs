//! Who is meant by `value.method(…)`: tables of impls, and the order in which they are asked.

use super::types::{TraitId, Ty, is_pointer, last};
use super::world::{AdtData, World};
use crate::ir::ApiId;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use ustr::{Ustr, ustr};

/// The type an impl is for, without its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    Adt(u32),
    Ext(Ustr),
    /// `impl dyn Trait`
    Trait(u32),
    /// Every type.
    Any,
    Other,
}

/// Methods by type and name.
#[derive(Default)]
pub struct Tables {
    inherent: FxHashMap<(Key, Ustr), Vec<u32>>,
    of_trait: FxHashMap<(Key, Ustr), Vec<u32>>,
    /// Impls of a trait of the workspace.
    pub impls_of: FxHashMap<u32, Vec<u32>>,
    /// Impls for a type of the workspace.
    pub impls_for: FxHashMap<u32, Vec<u32>>,
    /// Traits (of the workspace) that a type implements.
    traits_for: FxHashMap<Key, Vec<u32>>,
    /// Traits of libraries that a type of the workspace implements.
    ext_traits: FxHashMap<u32, Vec<Ustr>>,
    /// All methods with a body, by name.
    by_name: FxHashMap<Ustr, Vec<u32>>,
    /// Destructors.
    pub droppers: FxHashMap<u32, u32>,
    /// By type: whether it owns handles.
    pub holders: Vec<bool>,
    /// Subtraits: trait -> traits that require it.
    derefs: FxHashMap<u32, u32>,
}

/// What a method call means.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// Functions of the workspace, with the receiver's type.
    Own(SmallVec<[u32; 2]>, Ty),
    /// A row, with the receiver's type.
    Api(ApiId, Ty),
}

/// Longest chain of dereferences.
const MAX_DEREF: usize = 12;
/// Most methods of one name that stand for an unknown receiver.
const MAX_GUESSES: usize = 4;

pub fn key(ty: &Ty) -> Key {
    match ty.peel_refs() {
        Ty::Adt(id, _) => Key::Adt(*id),
        Ty::Ext(path, list) => match list.first() {
            Some(inner) if is_pointer(last(*path)) => key(inner),
            _ => Key::Ext(*path),
        },
        Ty::Bound(bounds) if bounds.param.is_some() => Key::Any,
        Ty::Bound(bounds) => match bounds.traits.first().map(|of| of.id) {
            Some(TraitId::Own(id)) => Key::Trait(id),
            _ => Key::Other,
        },
        Ty::Fn(_) => Key::Other,
        _ => Key::Other,
    }
}

impl Tables {
    pub fn build(world: &World) -> Tables {
        let mut tables = Tables::default();
        for at in 0..world.impls.len() {
            tables.add_impl(world, at as u32);
        }
        for (id, info) in world.fns.iter().enumerate() {
            let method = info.of_impl.is_some() || info.of_trait.is_some();
            if method && info.hir.has_body() && info.hir.receiver != super::hir::SelfKind::None {
                tables.by_name.entry(info.hir.name).or_default().push(id as u32);
            }
        }
        tables
    }

    fn add_impl(&mut self, world: &World, at: u32) {
        let of = &world.impls[at as usize];
        let scope = world.impl_scope(at);
        let key = match world.blanket(at) {
            Some(_) => Key::Any,
            None => key(scope.self_ty.as_ref().unwrap_or(&Ty::Unknown)),
        };
        if let Key::Adt(id) = key {
            self.impls_for.entry(id).or_default().push(at);
        }
        let of_trait = of.hir.of.as_ref().map(|path| world.trait_ref(path, scope, 0).map(|of| of.id));
        for &id in &of.fns {
            let name = world.fns[id as usize].hir.name;
            let table = if of_trait.is_some() { &mut self.of_trait } else { &mut self.inherent };
            table.entry((key, name)).or_default().push(id);
        }
        match of_trait {
            Some(Some(TraitId::Own(id))) => {
                self.impls_of.entry(id).or_default().push(at);
                self.traits_for.entry(key).or_default().push(id);
            }
            Some(Some(TraitId::Ext(path))) => {
                let Key::Adt(adt) = key else { return };
                match last(path) {
                    "Drop" => {
                        if let Some(&id) = of.fns.first() {
                            self.droppers.insert(adt, id);
                        }
                    }
                    "Deref" => {
                        self.derefs.insert(adt, at);
                    }
                    _ => {}
                }
                self.ext_traits.entry(adt).or_default().push(path);
            }
            _ => {}
        }
    }
}

impl World<'_> {
    pub fn find_holders(&mut self) {
        let count = self.adts.len() as u32;
        self.tables.holders = vec![false; self.adts.len()];
        for _ in 0..8 {
            let holds = |id| self.field_types(id).iter().any(|ty| self.holds_handle(ty, 1));
            let next: Vec<bool> = (0..count).into_par_iter().map(holds).collect();
            if next == self.tables.holders {
                break;
            }
            self.tables.holders = next;
        }
    }

    /// The type parameter that an impl is for: what its bounds say it can be made into is not what the impl is for.
    pub fn blanket(&self, at: u32) -> Option<Ustr> {
        let of = self.impls[at as usize].hir;
        match &of.self_ty {
            super::hir::Type::Path(path) => path.single().filter(|name| of.generics.params.contains(name)),
            _ => None,
        }
    }

    /// The method `name` of a value of type `ty`; `count` arguments besides the receiver.
    pub fn method(&self, ty: &Ty, name: Ustr, count: usize) -> Option<Method> {
        let mut here = ty.clone();
        for _ in 0..MAX_DEREF {
            if let Some(found) = self.method_of(&here, name, count) {
                return Some(found);
            }
            here = self.deref(&here)?;
        }
        None
    }

    /// One step of automatic dereference.
    fn deref(&self, ty: &Ty) -> Option<Ty> {
        match ty {
            Ty::Ref(_, inner) => Some((**inner).clone()),
            Ty::Ext(path, list) if !list.is_empty() => {
                let transparent = self.apis.find_type(path.as_str()).is_some_and(|found| found.transparent);
                (transparent || is_pointer(last(*path)) || matches!(last(*path), "Option" | "Result"))
                    .then(|| list[0].clone())
            }
            Ty::Adt(..) => self.deref_target(ty),
            _ => None,
        }
    }

    /// What a type's own `Deref` leads to.
    pub fn deref_target(&self, ty: &Ty) -> Option<Ty> {
        match ty {
            Ty::Adt(id, list) => {
                let at = *self.tables.derefs.get(id)?;
                let (_, target) = self.impls[at as usize].hir.types.first()?;
                let target = self.ty(target, self.impl_scope(at));
                let bindings: Vec<_> =
                    self.impls[at as usize].hir.generics.params.iter().copied().zip(list.iter().cloned()).collect();
                Some(super::types::substitute(&target, &bindings, 0))
            }
            _ => None,
        }
    }

    /// The one field that a type lends by its own `Deref`, where `name` is a method of what it lends and none of the type: what is done by it
    /// is done to that field. Nothing where two fields could be it.
    pub fn lent_field(&self, ty: &Ty, name: Ustr, count: usize) -> Option<(Ustr, Ty)> {
        let outer = ty.peel();
        let Ty::Adt(id, _) = outer else { return None };
        let target = self.deref_target(outer)?;
        let AdtData::Struct(fields) = &self.adts[*id as usize].data else { return None };
        let lends = |of: &Ty| of.core() == target.core() && *target.core() != Ty::Unknown;
        let mut lent = fields.list.iter().zip(self.field_types(*id)).filter(|(_, of)| lends(of));
        let ((field, _), _) = lent.next()?;
        let is_its = lent.next().is_none()
            && self.holds_handle(&target, 0)
            && self.method_of(outer, name, count).is_none()
            && self.method_of(&target, name, count).is_some();
        is_its.then_some((*field, target))
    }

    fn method_of(&self, ty: &Ty, name: Ustr, count: usize) -> Option<Method> {
        match ty {
            Ty::Adt(id, _) => self.adt_method(*id, ty, name, count),
            Ty::Ext(path, _) => {
                if let Some(api) = self.ext_method(*path, name) {
                    return Some(Method::Api(api, ty.clone()));
                }
                self.keyed(Key::Ext(*path), ty, name, count)
            }
            Ty::Bound(bounds) => {
                for of in &bounds.traits {
                    match of.id {
                        TraitId::Own(id) => {
                            if let Some(found) = self.keyed(Key::Trait(id), ty, name, count) {
                                return Some(found);
                            }
                            let mut found = SmallVec::new();
                            self.trait_method(id, name, &mut found, 0);
                            if !found.is_empty() {
                                return Some(Method::Own(found, ty.clone()));
                            }
                        }
                        TraitId::Ext(path) => {
                            if let Some(api) = self.api_of_trait(path, name) {
                                return Some(Method::Api(api, ty.clone()));
                            }
                        }
                    }
                }
                None
            }
            _ => None,
        }
    }

    fn adt_method(&self, id: u32, ty: &Ty, name: Ustr, count: usize) -> Option<Method> {
        if let Some(found) = self.keyed(Key::Adt(id), ty, name, count) {
            return Some(found);
        }
        for path in self.tables.ext_traits.get(&id).into_iter().flatten() {
            if let Some(api) = self.api_of_trait(*path, name) {
                // `write_all` of a type that brings its own `write` ends there.
                let short = name.as_str();
                let base = if short.starts_with("write") || short.starts_with("put") { "write" } else { "read" };
                return match self.tables.of_trait.get(&(Key::Adt(id), ustr(base))) {
                    Some(found) => Some(Method::Own(found.iter().copied().collect(), ty.clone())),
                    None => Some(Method::Api(api, ty.clone())),
                };
            }
        }
        None
    }

    /// Methods that impls give to the type: inherent ones first, then those of traits, then what traits provide.
    fn keyed(&self, key: Key, ty: &Ty, name: Ustr, count: usize) -> Option<Method> {
        for table in [&self.tables.inherent, &self.tables.of_trait] {
            if let Some(found) = table.get(&(key, name)) {
                let fits = |id: &&u32| {
                    self.fns[**id as usize].hir.params.len() == count
                        && self.fns[**id as usize].hir.receiver != super::hir::SelfKind::None
                };
                let mut found: SmallVec<[u32; 2]> = found.iter().filter(fits).copied().collect();
                if found.len() > 1 {
                    self.narrow(&mut found, ty);
                }
                if !found.is_empty() {
                    return Some(Method::Own(found, ty.clone()));
                }
            }
        }
        for id in self.tables.traits_for.get(&key).into_iter().flatten() {
            if let Some(&found) = self.provided(*id, name, 0) {
                return Some(Method::Own(SmallVec::from_slice(&[found]), ty.clone()));
            }
        }
        if key != Key::Any && !matches!(key, Key::Trait(_)) {
            let found = self.tables.of_trait.get(&(Key::Any, name))?;
            let fits = |id: &&u32| self.fns[**id as usize].hir.params.len() == count;
            let found: SmallVec<[u32; 2]> = found.iter().filter(fits).copied().collect();
            return (!found.is_empty()).then(|| Method::Own(found, ty.clone()));
        }
        None
    }

    /// Of several impls, those whose type arguments fit.
    fn narrow(&self, found: &mut SmallVec<[u32; 2]>, ty: &Ty) {
        let fits = |id: u32| {
            let Some(at) = self.fns[id as usize].of_impl else { return true };
            match (&self.impl_scope(at).self_ty, ty) {
                (Some(Ty::Adt(_, one)), Ty::Adt(_, two)) => {
                    one.iter().zip(two.iter()).all(|(one, two)| compatible(one, two))
                }
                _ => true,
            }
        };
        let kept: SmallVec<[u32; 2]> = found.iter().copied().filter(|id| fits(*id)).collect();
        if !kept.is_empty() {
            *found = kept;
        }
    }

    fn provided(&self, id: u32, name: Ustr, depth: usize) -> Option<&u32> {
        let of = &self.traits[id as usize];
        let found = of.methods.get(&name).filter(|found| self.fns[**found as usize].hir.has_body());
        if found.is_some() || depth > 8 {
            return found;
        }
        None
    }

    /// All functions that a method of a trait of the workspace may run.
    pub fn trait_method(&self, id: u32, name: Ustr, out: &mut SmallVec<[u32; 2]>, depth: usize) {
        if depth > 8 {
            return;
        }
        let of = &self.traits[id as usize];
        if let Some(&declared) = of.methods.get(&name) {
            let mut all_override = true;
            for at in self.tables.impls_of.get(&id).into_iter().flatten() {
                match self.impls[*at as usize].fns.iter().find(|id| self.fns[**id as usize].hir.name == name) {
                    Some(found) => out.push(*found),
                    None => all_override = false,
                }
            }
            // The declaration itself stands for its signature, and for its body where an impl has none.
            if !all_override || out.is_empty() {
                out.push(declared);
            }
            return;
        }
        let scope = super::types::Scope { module: of.module, ..Default::default() };
        for path in of.supers {
            if let Some(super_ref) = self.trait_ref(path, &scope, 0)
                && let TraitId::Own(parent) = super_ref.id
                && parent != id
            {
                self.trait_method(parent, name, out, depth + 1);
            }
        }
    }

    /// The row of a library type's method.
    pub fn ext_method(&self, path: Ustr, name: Ustr) -> Option<ApiId> {
        self.apis.find_of(path.as_str(), name.as_str())
    }

    fn api_of_trait(&self, path: Ustr, name: Ustr) -> Option<ApiId> {
        // `AsyncWrite` is what types are bound by, `AsyncWriteExt` is what brings the methods.
        let find = |path: &str| self.apis.find_of(path, name.as_str());
        find(path.as_str()).or_else(|| find(&format!("{path}Ext")))
    }

    /// Methods that an unknown receiver may mean: few, and of a name that is not everybody's.
    pub fn guesses(&self, name: Ustr, count: usize) -> SmallVec<[u32; 2]> {
        let mut found = SmallVec::new();
        if super::words::COMMON.has(name.as_str()) {
            return found;
        }
        let all = self.tables.by_name.get(&name).into_iter().flatten();
        found.extend(all.filter(|id| self.fns[**id as usize].hir.params.len() == count).copied());
        let traits: FxHashSet<_> = found.iter().map(|id| self.trait_of(*id)).collect();
        let one_trait = traits.len() == 1 && !traits.contains(&None);
        if found.len() > MAX_GUESSES && !one_trait {
            found.clear();
        }
        found
    }

    /// The trait of the workspace that a method belongs to.
    pub fn trait_of(&self, id: u32) -> Option<u32> {
        let info = &self.fns[id as usize];
        if info.of_trait.is_some() {
            return info.of_trait;
        }
        let at = info.of_impl?;
        let path = self.impls[at as usize].hir.of.as_ref()?;
        match self.trait_ref(path, self.impl_scope(at), 0)?.id {
            TraitId::Own(id) => Some(id),
            TraitId::Ext(_) => None,
        }
    }

    /// Qualified name of the trait that a method belongs to.
    pub fn trait_name(&self, id: u32) -> Option<Ustr> {
        let info = &self.fns[id as usize];
        if let Some(of) = info.of_trait {
            return Some(self.traits[of as usize].name);
        }
        let at = info.of_impl?;
        let path = self.impls[at as usize].hir.of.as_ref()?;
        match self.trait_ref(path, self.impl_scope(at), 0)?.id {
            TraitId::Own(id) => Some(self.traits[id as usize].name),
            TraitId::Ext(path) => Some(path),
        }
    }

    /// Associated function `name` of a type, called by path.
    pub fn associated(&self, ty: &Ty, name: Ustr) -> Option<Method> {
        match ty.peel_refs() {
            Ty::Adt(id, _) => {
                for table in [&self.tables.inherent, &self.tables.of_trait] {
                    if let Some(found) = table.get(&(Key::Adt(*id), name)) {
                        let mut found: SmallVec<[u32; 2]> = found.iter().copied().collect();
                        self.narrow(&mut found, ty);
                        return Some(Method::Own(found, ty.clone()));
                    }
                }
                let traits = self.tables.traits_for.get(&Key::Adt(*id)).into_iter().flatten();
                let found = traits.into_iter().find_map(|of| self.provided(*of, name, 0))?;
                Some(Method::Own(SmallVec::from_slice(&[*found]), ty.clone()))
            }
            Ty::Ext(path, _) => match self.ext_method(*path, name) {
                Some(api) => Some(Method::Api(api, ty.clone())),
                None => {
                    let found = self.tables.of_trait.get(&(Key::Ext(*path), name))?;
                    Some(Method::Own(found.iter().copied().collect(), ty.clone()))
                }
            },
            Ty::Bound(bounds) => bounds.traits.iter().find_map(|of| match of.id {
                TraitId::Own(id) => {
                    let mut found = SmallVec::new();
                    self.trait_method(id, name, &mut found, 0);
                    (!found.is_empty()).then(|| Method::Own(found, ty.clone()))
                }
                TraitId::Ext(path) => self.api_of_trait(path, name).map(|api| Method::Api(api, ty.clone())),
            }),
            _ => None,
        }
    }
}

fn compatible(one: &Ty, two: &Ty) -> bool {
    match (one.peel_refs(), two.peel_refs()) {
        (Ty::Adt(a, _), Ty::Adt(b, _)) => a == b,
        (Ty::Ext(a, _), Ty::Ext(b, _)) => a == b,
        (Ty::Adt(..), Ty::Ext(..)) | (Ty::Ext(..), Ty::Adt(..)) => false,
        _ => true,
    }
}
