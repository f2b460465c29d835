//! Patterns: tests that branch to where the next arm starts, and bindings.

use super::control::unwrapped;
use super::*;
use crate::frontends::rust::hir::{Pat, Path};
use crate::frontends::rust::world::{AdtData, Def, Ns, Res};

/// What a path in a pattern names.
enum Named {
    Good,
    Bad,
    Present,
    Absent,
    Variant(u32, u32),
    Struct(u32),
    Constant(Val),
    Other(Ustr),
}

impl<'h> Lower<'h> {
    /// Binds a pattern that always fits.
    pub(super) fn bind(&mut self, pat: &'h Pat, value: &Val) {
        self.test(pat, value, None);
    }

    /// Goes on if `pat` fits `value`, else to `fail`; `None`: it is known to fit. Binds its names in the innermost scope.
    pub(super) fn test(&mut self, pat: &'h Pat, value: &Val, fail: Option<BlockId>) {
        let sp = Sp::default();
        match pat {
            Pat::Wild => {}
            Pat::Bind { name, by_ref, sub } => self.test_name(*name, *by_ref, sub.as_deref(), value, fail),
            Pat::Path(path) => {
                let named = self.named(path);
                self.test_named(named, value, fail);
            }
            Pat::Tuple(list, rest) => {
                let total = match value.ty.core() {
                    Ty::Tuple(tys) => tys.len(),
                    _ => list.len(),
                };
                for (at, part) in list.iter().enumerate() {
                    let at = position(at, list.len(), *rest, total);
                    let of = self.field(value, ustr(&at.to_string()), sp);
                    self.test(part, &of, fail);
                }
            }
            Pat::Slice(list) => {
                if let Some(fail) = fail {
                    self.ask(Cond::Unknown, fail);
                }
                for part in list {
                    let of = self.element(value, sp);
                    self.test(part, &of, fail);
                }
            }
            Pat::TupleStruct(path, list, rest) => self.test_tuple_struct(path, list, *rest, value, fail),
            Pat::Struct(path, fields) => self.test_struct(path, fields, value, fail),
            Pat::Or(list) => self.test_or(list, value, fail),
            Pat::Lit(text) => {
                let Some(fail) = fail else { return };
                match text.as_str() {
                    "true" => self.ask(Cond::True(value.op.clone()), fail),
                    "false" => {
                        let good = self.block();
                        self.branch(Cond::True(value.op.clone()), fail, good, sp);
                        self.start(good);
                    }
                    _ => {
                        let args = vec![value.op.clone(), Operand::Const(*text)];
                        let equal = self.operation("==", args, Ty::ext("bool", []), sp);
                        self.ask(Cond::True(equal.op), fail);
                    }
                }
            }
            Pat::Test => {
                if let Some(fail) = fail {
                    self.ask(Cond::Unknown, fail);
                }
            }
        }
    }

    /// Goes on if the condition holds.
    fn ask(&mut self, cond: Cond, fail: BlockId) {
        let good = self.block();
        self.branch(cond, good, fail, Sp::default());
        self.start(good);
    }

    fn test_name(&mut self, name: Ustr, by_ref: bool, sub: Option<&'h Pat>, value: &Val, fail: Option<BlockId>) {
        if sub.is_none() && !by_ref && name.as_str().starts_with(|c: char| c.is_uppercase()) {
            let path = Path {
                leading: false,
                qself: None,
                segs: vec![hir::Seg { name, args: Vec::new(), assoc: Vec::new() }],
            };
            match self.named(&path) {
                Named::Other(_) => {}
                named => return self.test_named(named, value, fail),
            }
        }
        let ty = if by_ref && !matches!(value.ty, Ty::Ref(..)) {
            Ty::Ref(true, Arc::new(value.ty.clone()))
        } else {
            value.ty.clone()
        };
        if let Some(sub) = sub {
            self.test(sub, value, fail);
        }
        let reference = matches!(ty, Ty::Ref(..));
        if !reference {
            self.give(value);
        }
        let local = self.declare(name, ty);
        if let (true, Operand::Place(place)) = (reference, &value.op) {
            self.f.origins.insert(local, place.clone());
        }
        self.assign(Place::local(local), Rvalue::Use(value.op.clone()), Sp::default());
    }

    fn test_named(&mut self, named: Named, value: &Val, fail: Option<BlockId>) {
        let Some(fail) = fail else { return };
        let op = value.op.clone();
        match named {
            Named::Absent => {
                let good = self.block();
                self.branch(Cond::Present(op), fail, good, Sp::default());
                self.start(good);
            }
            Named::Variant(id, at) => {
                let name = self.adt_name(id, Some(at));
                self.ask(Cond::Variant(op, name), fail);
            }
            Named::Constant(constant) => {
                let equal = self.operation("==", vec![op, constant.op], Ty::ext("bool", []), Sp::default());
                self.ask(Cond::True(equal.op), fail);
            }
            Named::Other(name) => self.ask(Cond::Variant(op, name), fail),
            _ => {}
        }
    }

    fn named(&mut self, path: &Path) -> Named {
        match path.single().map(|name| name.as_str()) {
            Some("Ok") => return Named::Good,
            Some("Err") => return Named::Bad,
            Some("Some") => return Named::Present,
            Some("None") => return Named::Absent,
            _ => {}
        }
        let names: Vec<Ustr> = path.segs.iter().map(|seg| seg.name).collect();
        if names.first().is_some_and(|first| first == "Self") {
            let own = self.scope().self_ty.clone().unwrap_or_default();
            if let (Ty::Adt(id, _), Some(name)) = (own.peel_refs(), names.get(1)) {
                if let Some(at) = self.variant_of(&own, *name) {
                    return Named::Variant(*id, at);
                }
            } else if let Ty::Adt(id, _) = own.peel_refs() {
                return Named::Struct(*id);
            }
        }
        let found = self.world.resolve(self.scope().module, &names, path.leading, Ns::Value);
        let found = match found {
            Some((Res::Def(_), taken)) if taken == names.len() => found,
            _ => self.world.resolve(self.scope().module, &names, path.leading, Ns::Type),
        };
        match found {
            Some((Res::Def(Def::Variant(id, at)), taken)) if taken == names.len() => Named::Variant(id, at),
            Some((Res::Def(Def::Adt(id)), taken)) if taken == names.len() => Named::Struct(id),
            Some((Res::Def(def @ Def::Alias(_)), taken)) => {
                let ty = self.world.def_ty(def, Default::default(), 0);
                match (ty.peel_refs(), names.get(taken)) {
                    (Ty::Adt(id, _), Some(name)) => {
                        self.variant_of(&ty, *name).map_or(Named::Other(*name), |at| Named::Variant(*id, at))
                    }
                    (Ty::Adt(id, _), None) => Named::Struct(*id),
                    _ => Named::Other(path.last()),
                }
            }
            Some((Res::Def(Def::Const(id)), _)) => {
                let global = &self.world.consts[id as usize];
                Named::Constant(self.const_value(global.hir, global.name, Ty::Unknown))
            }
            Some((Res::Ext(text), _)) => Named::Other(text),
            _ => {
                let text: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                Named::Other(ustr(&text.join("::")))
            }
        }
    }

    fn test_tuple_struct(
        &mut self,
        path: &'h Path,
        list: &'h [Pat],
        rest: Option<usize>,
        value: &Val,
        fail: Option<BlockId>,
    ) {
        let named = self.named(path);
        match named {
            Named::Good | Named::Bad | Named::Present => {
                let good = matches!(named, Named::Good | Named::Present);
                if let Some(fail) = fail {
                    let cond = if matches!(named, Named::Present) {
                        Cond::Present(value.op.clone())
                    } else {
                        Cond::Succeeded(value.op.clone())
                    };
                    let fits = self.block();
                    if good {
                        self.branch(cond, fits, fail, Sp::default());
                    } else {
                        self.branch(cond, fail, fits, Sp::default());
                    }
                    self.start(fits);
                }
                let ty = if good { unwrapped(&value.ty) } else { value.ty.peel().arg(1) };
                let inner = self.retype(value, ty);
                if let Some(part) = list.first() {
                    self.test(part, &inner, fail);
                }
            }
            named => {
                let (id, variant) = match &named {
                    Named::Variant(id, at) => (Some(*id), Some(*at)),
                    Named::Struct(id) => (Some(*id), None),
                    _ => (None, None),
                };
                if !matches!(named, Named::Struct(_)) {
                    self.test_named(named, value, fail);
                }
                let total = id.map_or(list.len(), |id| match &self.world.adts[id as usize].data {
                    AdtData::Struct(fields) => fields.list.len(),
                    AdtData::Enum(variants) => variant.map_or(0, |at| variants[at as usize].fields.list.len()),
                });
                for (at, part) in list.iter().enumerate() {
                    let name = ustr(&position(at, list.len(), rest, total).to_string());
                    let of = self.payload(value, id, variant, name);
                    self.test(part, &of, fail);
                }
            }
        }
    }

    fn test_struct(&mut self, path: &'h Path, fields: &'h [(Ustr, Pat)], value: &Val, fail: Option<BlockId>) {
        let named = self.named(path);
        let (id, variant) = match &named {
            Named::Variant(id, at) => (Some(*id), Some(*at)),
            Named::Struct(id) => (Some(*id), None),
            _ => (None, None),
        };
        if matches!(named, Named::Variant(..)) || (matches!(named, Named::Other(_)) && path.segs.len() > 1) {
            self.test_named(named, value, fail);
        }
        for (name, part) in fields {
            let of = self.payload(value, id, variant, *name);
            self.test(part, &of, fail);
        }
    }

    /// A field of a struct or variant that a pattern takes apart.
    fn payload(&mut self, value: &Val, id: Option<u32>, variant: Option<u32>, name: Ustr) -> Val {
        let Some(id) = id else {
            return self.project(value, Step::Field { name, owner: None }, Ty::Unknown, Sp::default());
        };
        let list = match value.ty.core() {
            Ty::Adt(known, list) if *known == id => list.clone(),
            _ => Default::default(),
        };
        let mut ty = self.world.field(id, &list, variant, name).unwrap_or_default();
        if let Ty::Ref(mutable, _) = &value.ty
            && !matches!(ty, Ty::Ref(..))
        {
            ty = Ty::Ref(*mutable, Arc::new(ty));
        }
        let owner = Some(self.world.adts[id as usize].name);
        let name = self.payload_name(Some(id), variant, name);
        self.project(value, Step::Field { name, owner }, ty, Sp::default())
    }

    /// Alternatives: all lead to where the pattern has fitted; a name that several bind is one variable.
    fn test_or(&mut self, list: &'h [Pat], value: &Val, fail: Option<BlockId>) {
        let join = self.block();
        let mut bound: Vec<(Ustr, Var)> = Vec::new();
        let count = list.len();
        for (at, part) in list.iter().enumerate() {
            let next = self.block();
            let last = at + 1 == count;
            let to = if last { fail } else { Some(next) };
            self.push_scope();
            self.test(part, value, to);
            let scope = self.f.scopes.pop().unwrap_or_default();
            for (name, var) in scope.vars {
                match bound.iter().find(|(known, _)| *known == name) {
                    Some((_, first)) if first.place != var.place => {
                        let first = first.place.clone();
                        self.assign(first, Rvalue::Use(Operand::Place(var.place)), Sp::default());
                    }
                    Some(_) => {}
                    None => bound.push((name, var)),
                }
            }
            self.goto(join);
            self.start(next);
        }
        self.start(join);
        if let Some(scope) = self.f.scopes.last_mut() {
            scope.vars.append(&mut bound);
        }
    }
}

/// Where the `at`-th of `count` patterns stands among `total` parts, `..` being before the `rest`-th pattern.
fn position(at: usize, count: usize, rest: Option<usize>, total: usize) -> usize {
    match rest {
        Some(rest) if at >= rest => total.saturating_sub(count - at),
        _ => at,
    }
}
