//! Light types: what a value is, as far as files care. Nothing is checked; what cannot be told is [`Ty::Unknown`].

use super::hir::{self, Generics, Type};
use super::world::{AdtData, Def, Ns, Res, World, join};
use crate::ir::ValueKind;
use std::sync::Arc;
use ustr::{Ustr, ustr};

/// A type.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Ty {
    #[default]
    Unknown,
    Never,
    /// A struct or enum of the workspace.
    Adt(u32, Args),
    /// A type of a library, by canonical path.
    Ext(Ustr, Args),
    Ref(bool, Arc<Ty>),
    Tuple(Args),
    Slice(Arc<Ty>),
    /// `dyn`, `impl` or a type parameter.
    Bound(Arc<Bounds>),
    /// A function value: what it takes, if known, and gives.
    Fn(Arc<(Vec<Ty>, Ty)>),
}

pub type Args = Arc<[Ty]>;

/// What is known of a value whose type is open.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bounds {
    /// Name of the type parameter.
    pub param: Option<Ustr>,
    pub traits: Vec<TraitRef>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TraitRef {
    pub id: TraitId,
    pub args: Vec<Ty>,
    pub assoc: Vec<(Ustr, Ty)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TraitId {
    Own(u32),
    Ext(Ustr),
}

/// The names of types that code sees besides those of its module.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub module: u32,
    pub params: Vec<(Ustr, Ty)>,
    pub self_ty: Option<Ty>,
    /// The impl or trait it stands in, for associated types.
    pub of_impl: Option<u32>,
}

/// A function's types.
#[derive(Debug, Clone)]
pub struct Sig {
    pub scope: Scope,
    pub self_ty: Option<Ty>,
    pub params: Vec<Ty>,
    pub ret: Ty,
}

/// Deepest type that is looked at.
const MAX_DEPTH: usize = 24;
/// How much of that depth an associated type takes.
const ASSOC_STEP: usize = 8;
/// Most impls that are asked for an associated type: that all of more agree is not to be expected.
const MAX_ASSOC_IMPLS: usize = 12;

pub fn args(list: impl IntoIterator<Item = Ty>) -> Args {
    list.into_iter().collect()
}

impl Ty {
    pub fn unit() -> Ty {
        Ty::Tuple(Args::default())
    }

    pub fn ext(path: &str, list: impl IntoIterator<Item = Ty>) -> Ty {
        Ty::Ext(ustr(path), args(list))
    }

    pub fn option(of: Ty) -> Ty {
        Ty::ext("Option", [of])
    }

    pub fn result(of: Ty, error: Ty) -> Ty {
        Ty::ext("Result", [of, error])
    }

    pub fn is_unknown(&self) -> bool {
        matches!(self, Ty::Unknown)
    }

    /// Last segment of a library type's path.
    pub fn ext_name(&self) -> Option<&'static str> {
        match self {
            Ty::Ext(path, _) => Some(last(*path)),
            _ => None,
        }
    }

    pub fn arg(&self, at: usize) -> Ty {
        match self {
            Ty::Adt(_, list) | Ty::Ext(_, list) | Ty::Tuple(list) => list.get(at).cloned().unwrap_or_default(),
            Ty::Slice(elem) if at == 0 => (**elem).clone(),
            _ => Ty::Unknown,
        }
    }

    /// Without references.
    pub fn peel_refs(&self) -> &Ty {
        let mut ty = self;
        while let Ty::Ref(_, inner) = ty {
            ty = inner;
        }
        ty
    }

    /// Without references, smart pointers and locks.
    pub fn peel(&self) -> &Ty {
        let mut ty = self;
        for _ in 0..MAX_DEPTH {
            match ty {
                Ty::Ref(_, inner) => ty = inner,
                Ty::Ext(path, list) if !list.is_empty() && is_pointer(last(*path)) => ty = &list[0],
                _ => return ty,
            }
        }
        ty
    }

    /// Without references, smart pointers, locks and optional or fallible wrappers.
    pub fn core(&self) -> &Ty {
        let mut ty = self.peel();
        for _ in 0..MAX_DEPTH {
            match ty {
                Ty::Ext(path, list) if !list.is_empty() && matches!(last(*path), "Option" | "Result" | "Poll") => {
                    ty = list[0].peel()
                }
                _ => return ty,
            }
        }
        ty
    }

    /// Whether it is a pointer of which there may be others to the same thing.
    pub fn is_shared(&self) -> bool {
        matches!(self.ext_name(), Some("Rc" | "Arc"))
    }

    pub fn is_option(&self) -> bool {
        self.peel().ext_name() == Some("Option")
    }

    pub fn is_result(&self) -> bool {
        let ty = self.peel();
        match ty.ext_name() {
            Some("Result") => true,
            Some("Poll") => ty.arg(0).is_result(),
            _ => false,
        }
    }

    /// What `for` binds.
    pub fn element(&self) -> Ty {
        match self.core() {
            Ty::Slice(elem) => (**elem).clone(),
            Ty::Ext(path, list) => match last(*path) {
                "HashMap" | "BTreeMap" | "IndexMap" | "DashMap" | "FxHashMap" | "AHashMap" => Ty::Tuple(args([
                    list.first().cloned().unwrap_or_default(),
                    list.get(1).cloned().unwrap_or_default(),
                ])),
                _ if is_collection(last(*path)) => list.first().cloned().unwrap_or_default(),
                "ReadDir" => Ty::result(Ty::ext("std::fs::DirEntry", []), Ty::Unknown),
                _ => Ty::Unknown,
            },
            Ty::Bound(bounds) => bounds.assoc("Item").unwrap_or_default(),
            _ => Ty::Unknown,
        }
    }

    /// What calling it gives.
    pub fn call_result(&self) -> Ty {
        match self.core() {
            Ty::Fn(sig) => sig.1.clone(),
            Ty::Bound(bounds) => bounds.assoc("Output").unwrap_or_default(),
            _ => Ty::Unknown,
        }
    }

    pub fn call_params(&self) -> Vec<Ty> {
        match self.core() {
            Ty::Fn(sig) => sig.0.clone(),
            Ty::Bound(bounds) => {
                bounds.traits.iter().find(|of| of.is_fn()).and_then(|of| of.args.first()).map_or_else(Vec::new, |ty| {
                    match ty {
                        Ty::Tuple(list) => list.to_vec(),
                        _ => Vec::new(),
                    }
                })
            }
            _ => Vec::new(),
        }
    }

    pub fn is_function(&self) -> bool {
        match self.core() {
            Ty::Fn(_) => true,
            Ty::Bound(bounds) => bounds.traits.iter().any(TraitRef::is_fn),
            _ => false,
        }
    }
}

impl Bounds {
    pub fn assoc(&self, name: &str) -> Option<Ty> {
        self.traits.iter().flat_map(|of| &of.assoc).find(|(key, _)| key == name).map(|(_, ty)| ty.clone())
    }
}

impl TraitRef {
    pub fn is_fn(&self) -> bool {
        matches!(self.id, TraitId::Ext(path) if matches!(last(path), "Fn" | "FnMut" | "FnOnce" | "AsyncFn" | "AsyncFnMut" | "AsyncFnOnce"))
    }
}

/// Last segment of a path.
pub fn last(path: Ustr) -> &'static str {
    let path = path.as_str();
    path.rfind(':').map_or(path, |colon| &path[colon + 1..])
}

/// Whether a type that nobody describes is named as one that writes through what it is made around: `GzEncoder<File>`.
fn is_writer(name: &str) -> bool {
    ["Writer", "Encoder", "Serializer", "Compressor", "Archive", "Sink", "Builder"]
        .iter()
        .any(|word| name.contains(word))
}

/// Wrappers whose methods are those of what they wrap.
pub fn is_pointer(name: &str) -> bool {
    matches!(
        name,
        "Box"
            | "Rc"
            | "Arc"
            | "Mutex"
            | "RwLock"
            | "RefCell"
            | "Cell"
            | "OnceCell"
            | "OnceLock"
            | "Lazy"
            | "LazyLock"
            | "LazyCell"
            | "Pin"
            | "ManuallyDrop"
            | "MaybeUninit"
            | "MutexGuard"
            | "RwLockReadGuard"
            | "RwLockWriteGuard"
            | "MappedMutexGuard"
            | "OwnedMutexGuard"
            | "OwnedRwLockWriteGuard"
            | "OwnedRwLockReadGuard"
            | "Ref"
            | "RefMut"
            | "Cow"
            | "Weak"
            | "JoinHandle"
            | "ScopedJoinHandle"
            | "AssertUnwindSafe"
            | "CachePadded"
            | "ArcSwap"
            | "ArcSwapOption"
            | "FairMutex"
            | "ReentrantMutex"
            | "UnsafeCell"
            | "NonNull"
            | "SetOnce"
            | "SyncWrapper"
            | "Wrapping"
            | "Reverse"
            | "ArcMutexGuard"
            | "Instrumented"
            | "AbortOnDrop"
            | "Undo"
            | "ThreadLocal"
            | "LocalKey"
            | "Exclusive"
            | "SpinLock"
            | "AtomicRefCell"
            | "Guard"
            | "Peekable"
    )
}

/// Wrappers that do not end what they wrap when they go away.
fn is_shared(name: &str) -> bool {
    matches!(
        name,
        "Arc" | "Rc" | "Weak" | "Ref" | "RefMut" | "JoinHandle" | "ScopedJoinHandle" | "ArcSwap" | "ManuallyDrop"
    ) || name.ends_with("Guard")
}

/// Collections and iterators: their element is their first argument.
pub fn is_collection(name: &str) -> bool {
    matches!(
        name,
        "Vec"
            | "VecDeque"
            | "HashSet"
            | "BTreeSet"
            | "IndexSet"
            | "BinaryHeap"
            | "LinkedList"
            | "SmallVec"
            | "ArrayVec"
            | "Iter"
            | "Iterator"
            | "FuturesUnordered"
            | "JoinSet"
            | "FxHashSet"
            | "Receiver"
            | "Slab"
            | "SegQueue"
            | "ArrayQueue"
            | "Bytes_"
            | "OrderedSet"
            | "NonEmpty"
    )
}

pub fn is_map(name: &str) -> bool {
    matches!(name, "HashMap" | "BTreeMap" | "IndexMap" | "DashMap" | "FxHashMap" | "AHashMap" | "LruCache")
}

impl World<'_> {
    pub fn params_of(&self, generics: &Generics, scope: &mut Scope) {
        for name in &generics.params {
            scope.params.push((*name, Ty::Bound(Arc::new(Bounds { param: Some(*name), traits: Vec::new() }))));
        }
        let mut found: Vec<(Ustr, Vec<TraitRef>)> = Vec::new();
        for (bounded, bounds) in &generics.bounds {
            let Type::Path(path) = bounded else { continue };
            let Some(name) = path.single() else { continue };
            let traits: Vec<_> = bounds.iter().filter_map(|bound| self.trait_ref(bound, scope, 1)).collect();
            match found.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => known.extend(traits),
                None => found.push((name, traits)),
            }
        }
        for (name, traits) in found {
            if let Some((_, ty)) = scope.params.iter_mut().rev().find(|(known, _)| *known == name) {
                *ty = bound_type(Some(name), traits);
            }
        }
    }

    pub fn trait_ref(&self, path: &hir::Path, scope: &Scope, depth: usize) -> Option<TraitRef> {
        let names: Vec<Ustr> = path.segs.iter().map(|seg| seg.name).collect();
        let id = match self.resolve(scope.module, &names, path.leading, Ns::Type)? {
            (Res::Def(Def::Trait(id)), _) => TraitId::Own(id),
            (Res::Ext(path), _) => TraitId::Ext(std_path(path)),
            _ => return None,
        };
        let seg = path.segs.last()?;
        Some(TraitRef {
            id,
            args: seg.args.iter().map(|ty| self.ty_at(ty, scope, depth + 1)).collect(),
            assoc: seg.assoc.iter().map(|(name, ty)| (*name, self.ty_at(ty, scope, depth + 1))).collect(),
        })
    }

    pub fn ty(&self, ty: &Type, scope: &Scope) -> Ty {
        self.ty_at(ty, scope, 0)
    }

    fn ty_at(&self, ty: &Type, scope: &Scope, depth: usize) -> Ty {
        if depth > MAX_DEPTH {
            return Ty::Unknown;
        }
        match ty {
            Type::Path(path) => self.path_ty(path, scope, depth),
            Type::Ref(mutable, inner) => Ty::Ref(*mutable, Arc::new(self.ty_at(inner, scope, depth + 1))),
            Type::Tuple(list) => Ty::Tuple(list.iter().map(|ty| self.ty_at(ty, scope, depth + 1)).collect()),
            Type::Slice(inner) => Ty::Slice(Arc::new(self.ty_at(inner, scope, depth + 1))),
            Type::Bounds(bounds) => {
                let traits: Vec<_> =
                    bounds.iter().filter_map(|bound| self.trait_ref(bound, scope, depth + 1)).collect();
                bound_type(None, traits)
            }
            Type::Fn(params, ret) => {
                let params = params.iter().map(|ty| self.ty_at(ty, scope, depth + 1)).collect();
                let ret = ret.as_ref().map_or_else(Ty::unit, |ty| self.ty_at(ty, scope, depth + 1));
                Ty::Fn(Arc::new((params, ret)))
            }
            Type::Never => Ty::Never,
            Type::Unknown => Ty::Unknown,
        }
    }

    fn path_ty(&self, path: &hir::Path, scope: &Scope, depth: usize) -> Ty {
        if let Some(qself) = &path.qself {
            let of = self.ty_at(&qself.0, scope, depth + 1);
            let name = path.last();
            return self.assoc_type(&of, name, scope, depth);
        }
        let Some(first) = path.segs.first() else { return Ty::Unknown };
        let mut named = None;
        if first.name == "Self" {
            named = scope.self_ty.clone();
        } else if !path.leading {
            named = scope.params.iter().rev().find(|(name, _)| *name == first.name).map(|(_, ty)| ty.clone());
        }
        if let Some(found) = named {
            return match path.segs.get(1) {
                Some(seg) => self.assoc_type(&found, seg.name, scope, depth),
                None => found,
            };
        }
        let names: Vec<Ustr> = path.segs.iter().map(|seg| seg.name).collect();
        let list = |at: usize| {
            path.segs
                .get(at)
                .map_or_else(Args::default, |seg| seg.args.iter().map(|ty| self.ty_at(ty, scope, depth + 1)).collect())
        };
        match self.resolve(scope.module, &names, path.leading, Ns::Type) {
            Some((Res::Def(def), taken)) => {
                let found = self.def_ty(def, list(taken - 1), depth);
                if taken < names.len() { self.assoc_type(&found, names[taken], scope, depth) } else { found }
            }
            Some((Res::Ext(path), _)) => ext_type(path, list(names.len() - 1)),
            None => Ty::Unknown,
        }
    }

    pub fn def_ty(&self, def: Def, list: Args, depth: usize) -> Ty {
        match def {
            Def::Adt(id) | Def::Variant(id, _) => {
                let generics = self.adts[id as usize].generics;
                if list.is_empty() && !generics.defaults.is_empty() {
                    let scope = Scope { module: self.adts[id as usize].module, ..Scope::default() };
                    let filled = generics.params.iter().map(|name| {
                        match generics.defaults.iter().find(|(known, _)| known == name) {
                            Some((_, ty)) => self.ty_at(ty, &scope, depth + 1),
                            None => Ty::Unknown,
                        }
                    });
                    return Ty::Adt(id, filled.collect());
                }
                Ty::Adt(id, list)
            }
            Def::Alias(id) => {
                let alias = &self.aliases[id as usize];
                let mut scope = Scope { module: alias.module, ..Scope::default() };
                for (at, name) in alias.generics.params.iter().enumerate() {
                    let default = || {
                        alias
                            .generics
                            .defaults
                            .iter()
                            .find(|(known, _)| known == name)
                            .map(|(_, ty)| self.ty_at(ty, &scope, depth + 1))
                    };
                    let ty = list.get(at).cloned().or_else(default).unwrap_or_default();
                    scope.params.push((*name, ty));
                }
                self.ty_at(alias.ty, &scope, depth + 1)
            }
            Def::Trait(id) => {
                bound_type(None, vec![TraitRef { id: TraitId::Own(id), args: list.to_vec(), assoc: Vec::new() }])
            }
            _ => Ty::Unknown,
        }
    }

    fn assoc_type(&self, of: &Ty, name: Ustr, scope: &Scope, depth: usize) -> Ty {
        // Associated types of types that are associated types themselves branch: few steps are enough.
        let depth = depth + ASSOC_STEP;
        if depth > MAX_DEPTH {
            return Ty::Unknown;
        }
        if let Some(id) = scope.of_impl
            && let Some((_, ty)) = self.impls[id as usize].hir.types.iter().find(|(known, _)| *known == name)
            && scope.self_ty.as_ref() == Some(of)
        {
            return self.ty_at(ty, scope, depth + 1);
        }
        match of.peel() {
            Ty::Bound(bounds) => {
                if let Some(found) = bounds.assoc(name.as_str()) {
                    return found;
                }
                // Where implementations differ, it is what the trait says of it.
                let declared =
                    || bounds.traits.iter().find_map(|of| self.declared_type(of.id, name, depth)).unwrap_or_default();
                let mut found = None;
                for of in &bounds.traits {
                    let TraitId::Own(id) = of.id else { continue };
                    let impls = self.tables.impls_of.get(&id).map_or(&[][..], |list| list);
                    if impls.len() > MAX_ASSOC_IMPLS {
                        return declared();
                    }
                    for at in impls {
                        let ty = self.impl_type(*at, name, depth);
                        match (&found, ty) {
                            (_, None) => {}
                            (None, some) => found = some,
                            (Some(one), Some(two)) if *one == two => {}
                            _ => return declared(),
                        }
                    }
                }
                found.unwrap_or_else(declared)
            }
            Ty::Adt(id, _) => {
                let impls = self.tables.impls_for.get(id).into_iter().flatten();
                impls.into_iter().find_map(|at| self.impl_type(*at, name, depth)).unwrap_or_default()
            }
            _ => Ty::Unknown,
        }
    }

    /// The associated type `name` of a trait as far as its bounds there tell: some traits of the program among them.
    fn declared_type(&self, of: TraitId, name: Ustr, depth: usize) -> Option<Ty> {
        let TraitId::Own(id) = of else { return None };
        let of = &self.traits[id as usize];
        let (_, bounds) = of.types.iter().find(|(known, _)| *known == name)?;
        let scope = Scope { module: of.module, ..Scope::default() };
        let traits: Vec<_> = bounds.iter().filter_map(|bound| self.trait_ref(bound, &scope, depth + 1)).collect();
        let tells = |of: &TraitRef| matches!(of.id, TraitId::Own(_));
        traits.iter().any(tells).then(|| bound_type(None, traits))
    }

    fn impl_type(&self, at: u32, name: Ustr, depth: usize) -> Option<Ty> {
        let of = &self.impls[at as usize];
        let (_, ty) = of.hir.types.iter().find(|(known, _)| *known == name)?;
        Some(self.ty_at(ty, self.impl_scope(at), depth + 1))
    }

    pub fn impl_scope(&self, at: u32) -> &Scope {
        let of = &self.impls[at as usize];
        of.scope.get_or_init(|| {
            let mut scope = Scope { module: of.module, of_impl: Some(at), ..Scope::default() };
            self.params_of(&of.hir.generics, &mut scope);
            scope.self_ty = Some(self.ty(&of.hir.self_ty, &scope));
            scope
        })
    }

    pub fn adt_scope(&self, id: u32) -> &Scope {
        let adt = &self.adts[id as usize];
        adt.scope.get_or_init(|| {
            let mut scope = Scope { module: adt.module, ..Scope::default() };
            self.params_of(adt.generics, &mut scope);
            scope
        })
    }

    pub fn sig(&self, id: u32) -> &Sig {
        let info = &self.fns[id as usize];
        info.sig.get_or_init(|| {
            let mut scope = match (info.of_impl, info.of_trait) {
                (Some(at), _) => self.impl_scope(at).clone(),
                (None, Some(at)) => {
                    let of = &self.traits[at as usize];
                    let mut scope = Scope { module: of.module, ..Scope::default() };
                    self.params_of(of.generics, &mut scope);
                    scope.self_ty = Some(bound_type(
                        None,
                        vec![TraitRef { id: TraitId::Own(at), args: Vec::new(), assoc: Vec::new() }],
                    ));
                    scope
                }
                (None, None) => Scope::default(),
            };
            scope.module = info.body_module;
            self.params_of(&info.hir.generics, &mut scope);
            let own = scope.self_ty.clone().unwrap_or_default();
            let self_ty = match info.hir.receiver {
                hir::SelfKind::None => None,
                hir::SelfKind::Value => Some(own),
                hir::SelfKind::Ref => Some(Ty::Ref(false, Arc::new(own))),
                hir::SelfKind::Mut => Some(Ty::Ref(true, Arc::new(own))),
            };
            let params = info.hir.params.iter().map(|(_, ty)| self.ty(ty, &scope)).collect();
            let ret = info.hir.ret.as_ref().map_or_else(Ty::unit, |ty| self.ty(ty, &scope));
            Sig { scope, self_ty, params, ret }
        })
    }

    /// The type of a field, with the type's arguments put in.
    pub fn field(&self, id: u32, list: &[Ty], variant: Option<u32>, name: Ustr) -> Option<Ty> {
        let adt = &self.adts[id as usize];
        let (fields, before) = match (&adt.data, variant) {
            (AdtData::Struct(fields), _) => (*fields, 0),
            (AdtData::Enum(variants), Some(at)) => {
                let before = variants.iter().take(at as usize).map(|variant| variant.fields.list.len()).sum();
                (&variants.get(at as usize)?.fields, before)
            }
            _ => return None,
        };
        let at = fields.list.iter().position(|(known, _)| *known == name)?;
        let ty = &self.field_types(id)[before + at];
        if list.is_empty() || adt.generics.params.is_empty() {
            return Some(ty.clone());
        }
        let bindings: Vec<_> = adt.generics.params.iter().copied().zip(list.iter().cloned()).collect();
        Some(substitute(ty, &bindings, 0))
    }

    /// Types of all fields, variant after variant.
    pub fn field_types(&self, id: u32) -> &[Ty] {
        let adt = &self.adts[id as usize];
        adt.fields.get_or_init(|| {
            let scope = self.adt_scope(id);
            match &adt.data {
                AdtData::Struct(fields) => fields.list.iter().map(|(_, ty)| self.ty(ty, scope)).collect(),
                AdtData::Enum(variants) => {
                    let fields = variants.iter().flat_map(|variant| &variant.fields.list);
                    fields.map(|(_, ty)| self.ty(ty, scope)).collect()
                }
            }
        })
    }

    /// What kind of thing a value of the type is.
    pub fn kind(&self, ty: &Ty) -> ValueKind {
        match ty.core() {
            Ty::Unknown | Ty::Never => ValueKind::Unknown,
            Ty::Adt(id, _) => match &self.adts[*id as usize].data {
                AdtData::Struct(_) => ValueKind::Aggregate,
                AdtData::Enum(variants) if variants.iter().all(|variant| variant.fields.list.is_empty()) => {
                    ValueKind::Other
                }
                AdtData::Enum(_) => ValueKind::Aggregate,
            },
            Ty::Ext(path, list) => self.ext_kind(*path, list),
            Ty::Tuple(list) if list.is_empty() => ValueKind::Other,
            Ty::Tuple(_) => ValueKind::Aggregate,
            Ty::Slice(elem) => {
                if self.holds_handle(elem, 0) {
                    ValueKind::Aggregate
                } else {
                    ValueKind::Other
                }
            }
            Ty::Bound(_) if ty.is_function() => ValueKind::Function,
            Ty::Bound(_) | Ty::Ref(..) => ValueKind::Unknown,
            Ty::Fn(_) => ValueKind::Function,
        }
    }

    /// Whether a library's type that no row describes is named as a writer.
    pub fn is_foreign_writer(&self, path: Ustr) -> bool {
        is_writer(last(path)) && self.apis.find_type(path.as_str()).is_none()
    }

    /// The first type argument, written or not.
    pub fn inner(&self, ty: &Ty) -> Ty {
        match ty {
            Ty::Ext(path, list) if list.is_empty() => {
                let unwritten = self.apis.find_type(path.as_str()).and_then(|row| row.inner);
                unwritten.map_or(Ty::Unknown, |inner| Ty::ext(inner.as_str(), []))
            }
            _ => ty.arg(0),
        }
    }

    fn ext_kind(&self, path: Ustr, list: &[Ty]) -> ValueKind {
        let collects = matches!(last(path), "Vec" | "VecDeque" | "HashMap" | "BTreeMap" | "Iter");
        if collects && list.iter().any(|ty| self.holds_handle(ty, 0)) {
            return ValueKind::Aggregate;
        }
        if let Some(found) = self.apis.find_type(path.as_str()) {
            let kind = ValueKind::from(found.kind);
            if kind == ValueKind::BufferedFile
                && let Some(inner) = list.first()
            {
                return match self.kind(inner) {
                    ValueKind::Memory | ValueKind::Other => ValueKind::Memory,
                    _ if self.passes_on(inner, 0) => ValueKind::Memory,
                    _ => kind,
                };
            }
            return kind;
        }
        match last(path) {
            "Vec" if matches!(list.first(), Some(ty) if ty.ext_name() == Some("u8")) => ValueKind::Memory,
            "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "i128" | "isize"
            | "bool" | "char" | "str" | "String" | "f32" | "f64" | "Vec" | "HashMap" | "HashSet" | "BTreeMap"
            | "BTreeSet" | "VecDeque" | "Duration" | "Instant" | "CStr" | "Formatter" | "Hasher" => ValueKind::Other,
            name if is_writer(name) => match list.first().map(|inner| (self.kind(inner), inner)) {
                Some((kind @ (ValueKind::File | ValueKind::AsyncFile), _)) => kind,
                Some((ValueKind::BufferedFile | ValueKind::TempFile, _)) => ValueKind::File,
                Some((ValueKind::Aggregate | ValueKind::Unknown, inner)) if self.holds_handle(inner, 0) => {
                    ValueKind::File
                }
                _ => ValueKind::Unknown,
            },
            _ => ValueKind::Unknown,
        }
    }

    /// Whether a type of the program has parts that are all known, and none of them is a file, or something else that is written to: what
    /// it is given goes elsewhere, to another thread perhaps.
    fn passes_on(&self, ty: &Ty, depth: usize) -> bool {
        let Ty::Adt(id, list) = ty.core() else { return false };
        let is_no_file = |part: &Ty| match part.core() {
            Ty::Adt(..) => self.passes_on(part, depth + 1),
            Ty::Ext(path, list) => {
                let bare = matches!(self.ext_kind(*path, list), ValueKind::Memory | ValueKind::Other)
                    && list.iter().all(|of| matches!(of, Ty::Ext(..)));
                bare || last(*path).ends_with("Sender")
            }
            _ => false,
        };
        let parts = self.field_types(*id);
        depth < 3 && list.is_empty() && !parts.is_empty() && parts.iter().all(is_no_file)
    }

    /// Whether a value of the type owns a handle that matters when it goes away.
    pub fn holds_handle(&self, ty: &Ty, depth: usize) -> bool {
        if depth > 6 {
            return false;
        }
        match ty {
            Ty::Ref(..) | Ty::Unknown | Ty::Never | Ty::Fn(_) => false,
            Ty::Adt(id, list) => {
                self.tables.droppers.contains_key(id)
                    || self.tables.holders.get(*id as usize).copied().unwrap_or(depth == 0)
                    || list.iter().any(|ty| self.holds_handle(ty, depth + 1))
            }
            Ty::Tuple(list) => list.iter().any(|ty| self.holds_handle(ty, depth + 1)),
            Ty::Slice(elem) => self.holds_handle(elem, depth + 1),
            Ty::Bound(bounds) => bounds.traits.iter().any(|of| match of.id {
                TraitId::Own(_) => true,
                TraitId::Ext(path) => matches!(last(path), "Write" | "AsyncWrite" | "AsyncWriteExt"),
            }),
            Ty::Ext(path, _) if is_shared(last(*path)) => false,
            Ty::Ext(path, list) => {
                let own = self.apis.find_type(path.as_str()).map(|found| ValueKind::from(found.kind));
                match own {
                    Some(ValueKind::File | ValueKind::AsyncFile | ValueKind::TempFile | ValueKind::Mapping) => true,
                    Some(ValueKind::BufferedFile) => self.ext_kind(*path, list) == ValueKind::BufferedFile,
                    _ => list.iter().any(|ty| self.holds_handle(ty, depth + 1)),
                }
            }
        }
    }

    /// Qualified name of a type, wrappers removed.
    pub fn type_name(&self, ty: &Ty) -> Option<Ustr> {
        match ty.core() {
            Ty::Adt(id, _) => Some(self.adts[*id as usize].name),
            Ty::Ext(path, _) => Some(*path),
            _ => None,
        }
    }
}

/// A type known only by its traits; a future is what it gives, `impl AsRef<Path>` is a path.
fn bound_type(param: Option<Ustr>, traits: Vec<TraitRef>) -> Ty {
    for of in &traits {
        let TraitId::Ext(path) = of.id else { continue };
        match last(path) {
            "Future" => {
                return of
                    .assoc
                    .iter()
                    .find(|(name, _)| name == "Output")
                    .map(|(_, ty)| ty.clone())
                    .unwrap_or_default();
            }
            "IntoFuture" => {
                return of
                    .assoc
                    .iter()
                    .find(|(name, _)| name == "Output")
                    .map(|(_, ty)| ty.clone())
                    .unwrap_or_default();
            }
            "AsRef" | "Into" | "Borrow" | "BorrowMut" | "AsMut" | "ToOwned" if traits.len() <= 2 => {
                if let Some(ty) = of.args.first()
                    && matches!(ty, Ty::Ext(..) | Ty::Adt(..))
                {
                    return ty.clone();
                }
            }
            "Deref" | "DerefMut" => {
                if let Some((_, ty)) = of.assoc.iter().find(|(name, _)| name == "Target") {
                    return ty.clone();
                }
            }
            "IntoIterator"
            | "Iterator"
            | "DoubleEndedIterator"
            | "ExactSizeIterator"
            | "Stream"
            | "ParallelIterator"
            | "IntoParallelIterator" => {
                if let Some((_, ty)) = of.assoc.iter().find(|(name, _)| name == "Item") {
                    return Ty::ext("Iter", [ty.clone()]);
                }
            }
            _ => {}
        }
    }
    Ty::Bound(Arc::new(Bounds { param, traits }))
}

/// Names everybody knows without importing them.
fn std_path(path: Ustr) -> Ustr {
    let full = match path.as_str() {
        "File" => "std::fs::File",
        "OpenOptions" => "std::fs::OpenOptions",
        "BufWriter" => "std::io::BufWriter",
        "Path" => "std::path::Path",
        "PathBuf" => "std::path::PathBuf",
        "Write" => "std::io::Write",
        "Read" => "std::io::Read",
        text => match text.strip_prefix("core::").or_else(|| text.strip_prefix("alloc::")) {
            Some(rest) => return join(ustr("std"), ustr(rest)),
            None => return path,
        },
    };
    ustr(full)
}

/// A library type; those that are everywhere by one name, `io::Result` and boxed futures read through.
pub fn ext_type(path: Ustr, list: Args) -> Ty {
    let name = last(path);
    match name {
        "Result" | "Fallible" => {
            let ok = list.first().cloned().unwrap_or_default();
            let error = list
                .get(1)
                .cloned()
                .unwrap_or_else(|| Ty::Ext(ustr(path.as_str().trim_end_matches("Result")), Args::default()));
            Ty::result(ok, error)
        }
        "BoxFuture" | "LocalBoxFuture" | "Ready" => list.first().cloned().unwrap_or_default(),
        "Option" | "Box" | "Rc" | "Arc" | "Vec" | "String" | "HashMap" | "BTreeMap" | "Mutex" | "RwLock"
        | "RefCell"
            if path.as_str().starts_with("std::")
                || path.as_str().starts_with("alloc::")
                || path.as_str().starts_with("core::") =>
        {
            Ty::Ext(ustr(name), list)
        }
        _ => Ty::Ext(std_path(path), list),
    }
}

/// Puts types in for type parameters.
pub fn substitute(ty: &Ty, bindings: &[(Ustr, Ty)], depth: usize) -> Ty {
    if depth > MAX_DEPTH {
        return Ty::Unknown;
    }
    let many = |list: &Args| -> Args { list.iter().map(|ty| substitute(ty, bindings, depth + 1)).collect() };
    match ty {
        Ty::Bound(bounds) => {
            if let Some(name) = bounds.param
                && let Some((_, found)) = bindings.iter().rev().find(|(known, _)| *known == name)
            {
                return if found.is_unknown() { ty.clone() } else { found.clone() };
            }
            if bounds.traits.iter().all(|of| of.assoc.is_empty()) {
                return ty.clone();
            }
            let traits = bounds.traits.iter().map(|of| TraitRef {
                id: of.id,
                args: of.args.iter().map(|ty| substitute(ty, bindings, depth + 1)).collect(),
                assoc: of.assoc.iter().map(|(name, ty)| (*name, substitute(ty, bindings, depth + 1))).collect(),
            });
            Ty::Bound(Arc::new(Bounds { param: bounds.param, traits: traits.collect() }))
        }
        Ty::Adt(id, list) if !list.is_empty() => Ty::Adt(*id, many(list)),
        Ty::Ext(path, list) if !list.is_empty() => Ty::Ext(*path, many(list)),
        Ty::Tuple(list) if !list.is_empty() => Ty::Tuple(many(list)),
        Ty::Slice(elem) => Ty::Slice(Arc::new(substitute(elem, bindings, depth + 1))),
        Ty::Ref(mutable, inner) => Ty::Ref(*mutable, Arc::new(substitute(inner, bindings, depth + 1))),
        Ty::Fn(sig) => Ty::Fn(Arc::new((
            sig.0.iter().map(|ty| substitute(ty, bindings, depth + 1)).collect(),
            substitute(&sig.1, bindings, depth + 1),
        ))),
        other => other.clone(),
    }
}

/// Finds what the type parameters in `pattern` are in `ty`.
pub fn unify(pattern: &Ty, ty: &Ty, bindings: &mut Vec<(Ustr, Ty)>, depth: usize) {
    if depth > MAX_DEPTH || ty.is_unknown() {
        return;
    }
    match (pattern, ty) {
        (Ty::Ref(_, pattern), Ty::Ref(_, ty)) => unify(pattern, ty, bindings, depth + 1),
        (Ty::Ref(_, pattern), ty) => unify(pattern, ty, bindings, depth + 1),
        (Ty::Bound(bounds), ty) => {
            if let Some(name) = bounds.param
                && !bindings.iter().any(|(known, _)| *known == name)
            {
                bindings.push((name, ty.clone()));
            }
            if ty.is_function() {
                let result = ty.call_result();
                for of in bounds.traits.iter().filter(|of| of.is_fn()) {
                    for (_, output) in of.assoc.iter().filter(|(name, _)| name == "Output") {
                        unify(output, &result, bindings, depth + 1);
                    }
                }
            }
        }
        (pattern, Ty::Ref(_, ty)) => unify(pattern, ty, bindings, depth + 1),
        (Ty::Adt(a, one), Ty::Adt(b, two)) if a == b => pairs(one, two, bindings, depth),
        (Ty::Ext(a, one), Ty::Ext(b, two)) if last(*a) == last(*b) => pairs(one, two, bindings, depth),
        (Ty::Tuple(one), Ty::Tuple(two)) => pairs(one, two, bindings, depth),
        (Ty::Slice(one), Ty::Slice(two)) => unify(one, two, bindings, depth + 1),
        (Ty::Slice(one), Ty::Ext(_, two)) if two.len() == 1 => unify(one, &two[0], bindings, depth + 1),
        (Ty::Fn(one), two) => unify(&one.1, &two.call_result(), bindings, depth + 1),
        _ => {}
    }
}

fn pairs(one: &Args, two: &Args, bindings: &mut Vec<(Ustr, Ty)>, depth: usize) {
    for (pattern, ty) in one.iter().zip(two.iter()) {
        unify(pattern, ty, bindings, depth + 1);
    }
}
