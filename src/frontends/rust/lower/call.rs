//! Calls by path and of values.

use super::control::unwrapped;
use super::*;
use crate::apis::{Api, Slot};
use crate::effects::Effect;
use crate::frontends::rust::hir::{Expr, ExprKind, Path, SelfKind};
use crate::frontends::rust::methods::Method;
use crate::frontends::rust::types::{args, is_pointer, last, substitute, unify};
use crate::frontends::rust::words;
use crate::frontends::rust::world::{AdtData, Def, Ns, Res};

/// Rows speak of the types of at most so many arguments (`Arg0`, `Call0`, …).
pub(super) const NAMED_ARGS: usize = 3;

/// An argument that was evaluated.
pub(super) type Given = (Val, Passing);

impl<'h> Lower<'h> {
    pub(super) fn call(&mut self, func: &'h Expr, list: &'h [Expr], expect: Option<&Ty>, sp: Sp) -> Val {
        if let ExprKind::Closure(closure) = &func.kind {
            let values: Vec<Val> = list.iter().map(|arg| self.expr(arg, None)).collect();
            return self.inline(closure, &values, sp);
        }
        let ExprKind::Path(path) = &func.kind else {
            let callee = self.expr(func, None);
            let values = list.iter().map(|arg| self.expr(arg, None)).collect();
            return self.call_value(callee, values, sp);
        };
        if let Some(name) = path.single() {
            if let Some(var) = self.variable(name) {
                let callee = Val { op: Operand::Place(var.place), ty: var.ty };
                let values = list.iter().map(|arg| self.expr(arg, None)).collect();
                return self.call_value(callee, values, sp);
            }
            if let Some(found) = self.wrapper(name, list, expect, sp) {
                return found;
            }
        }
        let wanted = self.wanted(path, expect);
        let mut given = Vec::new();
        for (at, arg) in list.iter().enumerate() {
            given.push(self.argument(arg, wanted.get(at), wanted.is_empty()));
        }
        self.call_known(path, given, list, expect, sp, func.span)
    }

    /// `Some(x)`, `Ok(x)`, `Err(e)`, `drop(x)`.
    fn wrapper(&mut self, name: Ustr, list: &'h [Expr], expect: Option<&Ty>, sp: Sp) -> Option<Val> {
        let [only] = list else { return None };
        let inner = expect.filter(|ty| ty.is_option() || ty.is_result()).map(unwrapped);
        match name.as_str() {
            "Some" => {
                let value = self.expr(only, inner.as_ref());
                Some(self.retype(&value, Ty::option(value.ty.clone())))
            }
            "Ok" => {
                let value = self.expr(only, inner.as_ref());
                self.give(&value);
                let error = expect.map(|ty| ty.peel().arg(1)).unwrap_or_default();
                let ty = match inner {
                    Some(inner) if !vague(&inner) && vague(&value.ty) => inner,
                    _ => value.ty.clone(),
                };
                if value.ty.is_result() && !self.f.dead {
                    // There are no wrappers around wrappers: its failure is the failure of the whole. A future that is given back
                    // is such a result.
                    return Some(Val { op: value.op, ty: Ty::result(ty, error) });
                }
                Some(self.value(Rvalue::Success(value.op), Ty::result(ty, error), sp))
            }
            "Err" => {
                let value = self.expr(only, None);
                let ok = inner.unwrap_or_default();
                Some(self.value(Rvalue::Failure(value.op), Ty::result(ok, value.ty), sp))
            }
            "drop" => {
                let value = self.expr(only, None);
                self.drop_value(&value, sp);
                Some(Val::unit())
            }
            _ => None,
        }
    }

    pub(super) fn drop_value(&mut self, value: &Val, sp: Sp) {
        let local = match value.whole() {
            Some(local) => local,
            None => {
                // A part that is dropped by itself: `drop(self.file)`.
                if matches!(value.ty, Ty::Ref(..)) || !self.world.holds_handle(&value.ty, 0) {
                    return;
                }
                let local = self.temp(value.ty.clone());
                self.assign(Place::local(local), Rvalue::Use(value.op.clone()), sp);
                local
            }
        };
        if self.f.is_given(local) || matches!(self.f.tys[local.index()], Ty::Ref(..)) {
            return;
        }
        if self.world.holds_handle(&value.ty, 0) || matches!(value.ty, Ty::Unknown) {
            self.drop_local(local, sp);
        }
        self.f.give(local);
    }

    /// An argument; closures are made values if `closures`.
    pub(super) fn argument(&mut self, arg: &'h Expr, wanted: Option<&Ty>, lazy_closures: bool) -> Given {
        if let ExprKind::Closure(closure) = &arg.kind {
            if lazy_closures && wanted.is_none() {
                // Whether it becomes a value or is called at once depends on the callee.
                return (Val::unit(), Passing::Move);
            }
            let params = wanted.map(Ty::call_params).unwrap_or_default();
            return (self.closure_value(closure, &params, arg.span), Passing::Move);
        }
        let value = self.expr(arg, wanted);
        let passing = passing_of(arg, &value.ty, wanted);
        (value, passing)
    }

    /// Parameter types of the workspace function that `path` leads to.
    fn wanted(&mut self, path: &'h Path, _expect: Option<&Ty>) -> Vec<Ty> {
        match self.resolve_callee(path) {
            Callable::Own(ids, _) => {
                let sig = self.world.sig(ids[0]);
                sig.self_ty.iter().chain(&sig.params).cloned().collect()
            }
            Callable::Record(id, variant) => match (&self.world.adts[id as usize].data, variant) {
                (AdtData::Struct(fields), _) => fields
                    .list
                    .iter()
                    .map(|(name, _)| self.world.field(id, &[], None, *name).unwrap_or_default())
                    .collect(),
                (AdtData::Enum(variants), Some(at)) => variants[at as usize]
                    .fields
                    .list
                    .iter()
                    .map(|(name, _)| self.world.field(id, &[], variant, *name).unwrap_or_default())
                    .collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// A call by path of values that are there already.
    pub(super) fn call_path(
        &mut self,
        path: &'h Path,
        values: Vec<Val>,
        expect: Option<&Ty>,
        sp: Sp,
        focus: Sp,
    ) -> Val {
        if let (Some(name), [value]) = (path.single(), &values[..]) {
            match name.as_str() {
                "Some" => return self.retype(value, Ty::option(value.ty.clone())),
                "Ok" => {
                    return self.value(
                        Rvalue::Success(value.op.clone()),
                        Ty::result(value.ty.clone(), Ty::Unknown),
                        sp,
                    );
                }
                "Err" => {
                    return self.value(
                        Rvalue::Failure(value.op.clone()),
                        Ty::result(Ty::Unknown, value.ty.clone()),
                        sp,
                    );
                }
                "drop" => {
                    self.drop_value(value, sp);
                    return Val::unit();
                }
                _ => {}
            }
        }
        let given = values.into_iter().map(|value| {
            let passing = passing_of_type(&value.ty);
            (value, passing)
        });
        self.call_known(path, given.collect(), &[], expect, sp, focus)
    }

    fn call_known(
        &mut self,
        path: &'h Path,
        mut given: Vec<Given>,
        list: &'h [Expr],
        expect: Option<&Ty>,
        sp: Sp,
        _focus: Sp,
    ) -> Val {
        let name = path.last();
        let turbofish: Vec<Ty> = path
            .segs
            .last()
            .map_or_else(Vec::new, |seg| seg.args.iter().map(|ty| self.world.ty(ty, &self.f.scope)).collect());
        match self.resolve_callee(path) {
            Callable::Own(ids, of) => {
                let ids: SmallVec<[u32; 2]> = ids.into_iter().filter(|id| self.takes(*id, given.len())).collect();
                if ids.is_empty() {
                    return self.unknown_call(name, given, Ty::Unknown, sp, sp);
                }
                self.call_own(&ids, name, given, of, &turbofish, sp, sp)
            }
            Callable::Record(id, variant) => self.record(id, variant, given, expect, sp),
            Callable::Row(api, of) => {
                self.close(&mut given, list);
                let takes_self = self.world.apis.get(api).has_receiver();
                let receiver = if takes_self { given.first().map(|(value, _)| value.ty.clone()) } else { of };
                self.call_row(api, name, given, receiver, &turbofish, true, sp, sp)
            }
            Callable::Ext(path, of) => self.call_ext(path, of, given, list, expect, sp, sp),
            Callable::Value(value) => {
                let values = given.into_iter().map(|(value, _)| value).collect();
                self.call_value(value, values, sp)
            }
        }
    }

    /// Whether a function of the workspace takes so many arguments, with its receiver. One that does not, and is called with so many,
    /// is not the one that is written there: an attribute has made another of it.
    fn takes(&self, id: u32, count: usize) -> bool {
        let hir = self.world.fns[id as usize].hir;
        hir.params.len() + usize::from(hir.receiver != SelfKind::None) == count
    }

    /// Makes values of the closures that [`Self::argument`] left.
    pub(super) fn close(&mut self, given: &mut [Given], list: &'h [Expr]) {
        for (at, arg) in list.iter().enumerate() {
            if let ExprKind::Closure(closure) = &arg.kind
                && let Some(slot) = given.get_mut(at)
                && slot.0.op == Operand::Unit
            {
                slot.0 = self.closure_value(closure, &[], arg.span);
            }
        }
    }

    fn resolve_callee(&mut self, path: &'h Path) -> Callable {
        let names: Vec<Ustr> = path.segs.iter().map(|seg| seg.name).collect();
        let mut library = None;
        if path.qself.is_none() && names.first().is_some_and(|first| first != "Self") {
            match self.world.resolve(self.scope().module, &names, path.leading, Ns::Value) {
                Some((Res::Def(def), taken)) if taken == names.len() => match def {
                    Def::Fn(id) => return Callable::Own(SmallVec::from_slice(&[id]), None),
                    Def::Adt(id) => return Callable::Record(id, None),
                    Def::Variant(id, at) => return Callable::Record(id, Some(at)),
                    Def::Const(_) | Def::Static(_) => {
                        if let Some(value) = self.global(def) {
                            return Callable::Value(value);
                        }
                    }
                    _ => {}
                },
                Some((Res::Ext(found), _)) => library = Some(found),
                _ => {}
            }
        }
        if let Some(found) = library
            && let Some(api) = self.world.apis.find(found.as_str())
        {
            let of = self
                .type_and_name(path)
                .map(|(of, _)| of)
                .filter(|of| matches!(of, Ty::Ext(path, _) if last(*path).starts_with(char::is_uppercase)));
            return Callable::Row(api, of);
        }
        if let Some((of, name)) = self.type_and_name(path) {
            if let Some(found) = self.by_type(path, &of, name) {
                return found;
            }
            if library.is_none()
                && let Ty::Ext(of_path, _) = of.peel_refs()
            {
                return Callable::Ext(super::super::world::join(*of_path, name), Some(of.clone()));
            }
            return Callable::Ext(library.unwrap_or(name), Some(of));
        }
        if names.len() == 1
            && names[0] == "Self"
            && let Some(Ty::Adt(id, _)) = self.scope().self_ty.as_ref().map(Ty::peel_refs)
        {
            return Callable::Record(*id, None);
        }
        Callable::Ext(library.unwrap_or_else(|| path.last()), None)
    }

    fn by_type(&mut self, path: &'h Path, of: &Ty, name: Ustr) -> Option<Callable> {
        if let Some(at) = self.variant_of(of, name)
            && let Ty::Adt(id, _) = of.peel_refs()
        {
            return Some(Callable::Record(*id, Some(at)));
        }
        match self.world.associated(of, name) {
            Some(Method::Own(ids, of)) => return Some(Callable::Own(ids, Some(of))),
            Some(Method::Api(api, of)) => return Some(Callable::Row(api, Some(of))),
            None => {}
        }
        // `<T as Trait>::name` and `Trait::name`.
        let (trait_len, start) = match &path.qself {
            Some(qself) => (qself.1, 0),
            None => (path.segs.len() - 1, 0),
        };
        let segs = path.segs.get(start..trait_len)?.to_vec();
        let of_trait = self.world.trait_ref(&Path { leading: path.leading, qself: None, segs }, self.scope(), 0)?;
        match of_trait.id {
            super::super::types::TraitId::Own(id) => {
                let mut found = SmallVec::new();
                self.world.trait_method(id, name, &mut found, 0);
                (!found.is_empty()).then(|| Callable::Own(found, Some(of.clone())))
            }
            super::super::types::TraitId::Ext(path) => {
                let api = self.world.apis.find(&format!("{path}::{name}"))?;
                Some(Callable::Row(api, Some(of.clone())))
            }
        }
    }

    fn global(&mut self, def: Def) -> Option<Val> {
        let (name, module, hir) = match def {
            Def::Static(id) => (
                self.world.statics[id as usize].name,
                self.world.statics[id as usize].module,
                self.world.statics[id as usize].hir,
            ),
            Def::Const(id) => (
                self.world.consts[id as usize].name,
                self.world.consts[id as usize].module,
                self.world.consts[id as usize].hir,
            ),
            _ => return None,
        };
        let scope = Scope { module, ..Scope::default() };
        let ty = self.world.ty(&hir.ty, &scope);
        Some(Val { op: Operand::Place(Place { base: Base::Global(name), steps: ThinVec::new() }), ty })
    }

    fn record(&mut self, id: u32, variant: Option<u32>, given: Vec<Given>, expect: Option<&Ty>, sp: Sp) -> Val {
        let mut fields = Vec::new();
        let mut found = Bindings::new();
        for (at, (value, _)) in given.into_iter().enumerate() {
            self.give(&value);
            let name = ustr(&at.to_string());
            if let Some(open) = self.world.field(id, &[], variant, name) {
                unify(&open, &value.ty, &mut found, 0);
            }
            fields.push((self.payload_name(Some(id), variant, name), value.op));
        }
        let mut ty = self.instance(id, &found);
        if let (true, Some(Ty::Adt(known, list))) = (found.is_empty(), expect.map(Ty::peel_refs))
            && *known == id
        {
            ty = Ty::Adt(id, list.clone());
        }
        let type_name = Some(self.adt_name(id, variant));
        self.value(Rvalue::Aggregate { type_name, fields, base: None }, ty, sp)
    }

    /// Calls functions of the workspace.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn call_own(
        &mut self,
        ids: &[u32],
        name: Ustr,
        given: Vec<Given>,
        of: Option<Ty>,
        turbofish: &[Ty],
        sp: Sp,
        focus: Sp,
    ) -> Val {
        let world = self.world;
        if let [id] = ids
            && let Some(api) = self.told_by_row(*id)
        {
            let of = of.or_else(|| given.first().map(|(value, _)| value.ty.clone()));
            return self.call_row(api, name, given, of, turbofish, true, sp, focus);
        }
        let mut ret = Ty::Unknown;
        let mut fallible = false;
        for &id in ids {
            let sig = world.sig(id);
            let mut bound = Bindings::new();
            if let (Some(Ty::Adt(_, list)), Some(at)) = (of.as_ref().map(Ty::core), world.fns[id as usize].of_impl)
                && let Some(Ty::Adt(_, own)) = &world.impl_scope(at).self_ty
            {
                for (pattern, ty) in own.iter().zip(list.iter()) {
                    unify(pattern, ty, &mut bound, 0);
                }
            }
            for (name, ty) in world.fns[id as usize].hir.generics.params.iter().zip(turbofish) {
                bound.push((*name, ty.clone()));
            }
            let declared = sig.self_ty.iter().chain(&sig.params);
            for (pattern, (value, _)) in declared.zip(&given) {
                unify(pattern, &value.ty, &mut bound, 0);
            }
            fallible |= sig.ret.is_result();
            let found = substitute(&sig.ret, &bound, 0);
            if vague(&ret) {
                ret = found;
            }
        }
        let funcs: SmallVec<[FuncId; 2]> = ids.iter().filter_map(|id| world.fns[*id as usize].func()).collect();
        if funcs.is_empty() && ids.iter().all(|id| world.fns[*id as usize].of_trait.is_none()) {
            // Its body was not worth parsing: it does nothing to files.
            return self.unknown_call(name, given, ret, sp, focus);
        }
        let callee = if funcs.is_empty() { Callee::Unknown } else { Callee::Functions(funcs) };
        let sig = world.sig(ids[0]);
        let declared: Vec<Ty> = sig.self_ty.iter().chain(&sig.params).cloned().collect();
        let given = given.into_iter().enumerate().map(|(at, (value, passing))| match declared.get(at) {
            Some(Ty::Ref(mutable, _)) => (value, if *mutable { Passing::Mutable } else { Passing::Shared }),
            _ => (value, passing),
        });
        let value = self.emit_call(callee, name, given.collect(), ret, fallible, sp, focus);
        if let Operand::Place(Place { base: Base::Local(local), .. }) = value.op
            && ids.iter().all(|&id| world.fns[id as usize].hir.is_async)
        {
            let span = self.span(sp);
            self.f.futures.insert(local, span);
        }
        value
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn emit_call(
        &mut self,
        callee: Callee,
        name: Ustr,
        given: Vec<Given>,
        ret: Ty,
        fallible: bool,
        sp: Sp,
        focus: Sp,
    ) -> Val {
        let mut list = Vec::new();
        for (value, passing) in given {
            if passing == Passing::Move {
                self.give(&value);
            }
            let kind = self.world.kind(&value.ty);
            list.push(Arg { value: value.op, kind, passing });
        }
        let result = self.temp(ret.clone());
        let owned = self.world.holds_handle(&ret, 0);
        let call = Call { callee, name, args: list, result, fallible, guessed: false };
        self.emit_at(InstKind::Call(call), sp, focus);
        if ret == Ty::Never {
            self.abort();
            self.f.die();
            return Val::never();
        }
        if owned && let Some(scope) = self.f.scopes.last_mut() {
            scope.drops.push(result);
        }
        Val { op: Operand::local(result), ty: ret }
    }

    /// The row that the project has for a function of its own: whoever wrote it knows more than the body tells.
    fn told_by_row(&self, id: u32) -> Option<ApiId> {
        let apis = self.world.apis;
        if !apis.has_own() {
            return None;
        }
        let (name, _) = qualified_name(self.world, id);
        let module = &self.world.modules[self.world.fns[id as usize].module as usize];
        let of_crate = || {
            let krate = self.world.crates[module.krate as usize].name;
            apis.find_own(&format!("{krate}::{name}"))
        };
        apis.find_own(&name).or_else(of_crate)
    }

    /// Calls a row of the API tables.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn call_row(
        &mut self,
        api: ApiId,
        name: Ustr,
        given: Vec<Given>,
        of: Option<Ty>,
        turbofish: &[Ty],
        certain: bool,
        sp: Sp,
        focus: Sp,
    ) -> Val {
        let row = self.world.apis.get(api);
        let has_receiver = row.has_receiver();
        let own = of.clone().unwrap_or_default().peel_refs().clone();
        let mut known = vec![(ustr("Inner"), self.world.inner(&own)), (ustr("Self"), own)];
        for (at, (value, _)) in given.iter().skip(usize::from(has_receiver)).take(NAMED_ARGS).enumerate() {
            // A future is what it gives.
            let result = if value.ty.is_function() { value.ty.call_result() } else { value.ty.clone() };
            known.push((ustr(&format!("Call{at}")), result));
            known.push((ustr(&format!("Arg{at}")), value.ty.peel_refs().clone()));
        }
        let mut ret = substitute(&self.cx.returns[api.index()], &known, 0);
        if let Ty::Ext(path, list) = &ret
            && list.is_empty()
            && !turbofish.is_empty()
        {
            ret = Ty::Ext(*path, args(turbofish.iter().cloned()));
        }
        let given: Vec<Given> = given
            .into_iter()
            .enumerate()
            .map(|(at, (value, passing))| {
                let passing = if at == 0 && has_receiver { receiver_passing(row, &value.ty) } else { passing };
                (value, passing)
            })
            .collect();
        if row.effect == Effect::Abort {
            self.abort();
            self.f.die();
            return Val::never();
        }
        if let Some((target, method)) = self.own_writer(row, &given) {
            let content = match row.to {
                Some(Slot::Arg(at)) => {
                    given.get(usize::from(at) + usize::from(has_receiver)).map(|(value, _)| value.clone())
                }
                _ => None,
            };
            let content = (content.unwrap_or_else(Val::unit), Passing::Shared);
            let args = if method == "write" { vec![content] } else { vec![waker(), content] };
            let written = self.method_on(target, ustr(method), args, None, sp, focus);
            return self.retype(&written, ret);
        }
        if let Some((target, method)) = self.own_polled(row, name, &given) {
            let args = std::iter::once(waker()).chain(given.into_iter().skip(1)).collect();
            let done = self.method_on(target, ustr(method), args, None, sp, focus);
            return self.retype(&done, ret);
        }
        let fallible = ret.is_result();
        self.emit_call(Callee::Api { api, certain }, name, given, ret, fallible, sp, focus)
    }

    /// The argument that a row writes into, if the program brings its `Write` or `AsyncWrite` itself, and the method that does it: what that
    /// does, its own text tells.
    fn own_writer(&self, row: &Api, given: &[Given]) -> Option<(Val, &'static str)> {
        let (Effect::Write, true, Some(Slot::Arg(at))) = (row.effect, row.first.is_empty(), row.on) else {
            return None;
        };
        let (value, _) = given.get(usize::from(at) + usize::from(row.has_receiver()))?;
        let methods = [("write", 1, "Write"), ("poll_write", 2, "AsyncWrite")];
        let found = methods.into_iter().find(|&(method, count, of)| self.has_own(value, method, count, of));
        found.map(|(method, ..)| (value.clone(), method))
    }

    /// The receiver of a row that writes, flushes or reads, if the program brings its `AsyncWrite` or `AsyncRead` itself, and the method that is
    /// polled for it.
    fn own_polled(&self, row: &Api, name: Ustr, given: &[Given]) -> Option<(Val, &'static str)> {
        let (true, Some(Slot::Receiver)) = (row.first.is_empty(), row.on) else { return None };
        let (method, count, of) = match (row.effect, name.as_str()) {
            (Effect::Write, name) if name.starts_with("write") => ("poll_write", 2, "AsyncWrite"),
            (Effect::Flush, "flush") => ("poll_flush", 1, "AsyncWrite"),
            (Effect::Flush, "shutdown") => ("poll_shutdown", 1, "AsyncWrite"),
            (Effect::Flush, "close") => ("poll_close", 1, "AsyncWrite"),
            (Effect::Read, name) if name.starts_with("read") => ("poll_read", 2, "AsyncRead"),
            _ => return None,
        };
        let (value, _) = given.first()?;
        self.has_own(value, method, count, of).then(|| (value.clone(), method))
    }

    /// Whether the program's own text tells what the method `name` of a value does, for the trait `of`.
    fn has_own(&self, value: &Val, name: &str, count: usize, of: &str) -> bool {
        let of_trait = |id: &u32| self.world.trait_name(*id).is_some_and(|name| last(name) == of);
        matches!(value.ty.peel(), Ty::Adt(..))
            && match self.world.method(&value.ty, ustr(name), count) {
                Some(Method::Own(ids, _)) => ids.iter().all(of_trait),
                _ => false,
            }
    }

    /// Calls a function value.
    pub(super) fn call_value(&mut self, callee: Val, values: Vec<Val>, sp: Sp) -> Val {
        let ret = callee.ty.call_result();
        let fallible = ret.is_result();
        let given = values.into_iter().map(|value| {
            let passing = passing_of_type(&value.ty);
            (value, passing)
        });
        let name = match &callee.op {
            Operand::Place(place) => match (place.steps.last(), place.base) {
                (Some(Step::Field { name, .. }), _) => *name,
                (None, Base::Local(local)) => self.f.locals[local.index()].name.unwrap_or_else(|| ustr("{closure}")),
                _ => ustr("{closure}"),
            },
            _ => ustr("{closure}"),
        };
        self.emit_call(Callee::Value(callee.op), name, given.collect(), ret, fallible, sp, sp)
    }

    /// Calls something of a library that has no row.
    #[allow(clippy::too_many_arguments)]
    fn call_ext(
        &mut self,
        path: Ustr,
        of: Option<Ty>,
        mut given: Vec<Given>,
        list: &'h [Expr],
        expect: Option<&Ty>,
        sp: Sp,
        focus: Sp,
    ) -> Val {
        let name = last(path);
        if is_exit(path.as_str()) {
            self.abort();
            self.f.die();
            return Val::never();
        }
        // Closures that somebody else runs: once, here.
        if let Some(result) = self.run_closures(None, &mut given, list, sp) {
            return result;
        }
        let of_name = of.as_ref().and_then(Ty::ext_name).unwrap_or_default();
        if let [(value, _)] = &given[..] {
            let wraps = is_pointer(of_name)
                && matches!(name, "new" | "pin" | "from" | "new_const" | "Borrowed" | "Owned" | "clone" | "downgrade");
            if wraps && !of_name.is_empty() {
                let ty = match name {
                    "clone" | "downgrade" => value.ty.peel_refs().clone(),
                    _ => Ty::ext(of_name, [value.ty.clone()]),
                };
                return self.retype(value, ty);
            }
            if name.starts_with("spawn")
                && let Operand::Place(Place { base: Base::Local(local), .. }) = value.op
            {
                self.f.started.push(local);
            }
            if words::PASSING.has(name)
                || (name == "from" && matches!(of_name, "PathBuf" | "String" | "OsString" | "Option"))
            {
                let ty = match (&of, name) {
                    (Some(of), "from") if !of.is_unknown() => of.clone(),
                    (_, "clone") => value.ty.peel_refs().clone(),
                    _ => value.ty.clone(),
                };
                return self.retype(value, ty);
            }
        }
        if let Some(wrapped) = self.wrapped_writer(&of, name, &given) {
            return wrapped;
        }
        if matches!(name, "take" | "swap" | "replace")
            && path.as_str().contains("mem")
            && let Some(found) = self.mem(name, &given, sp)
        {
            return found;
        }
        if name == "drop"
            && let [(value, _)] = &given[..]
        {
            let value = value.clone();
            self.drop_value(&value, sp);
            return Val::unit();
        }
        let ty = self.ext_result(name, of, expect);
        self.unknown_call(path, given, ty, sp, focus)
    }

    /// Calls the closures among the arguments `given`, which stand in `list`, with what is made of the others and of the receiver; gives back
    /// the result of the last.
    pub(super) fn run_closures(
        &mut self,
        receiver: Option<&Val>,
        given: &mut Vec<Given>,
        list: &'h [Expr],
        sp: Sp,
    ) -> Option<Val> {
        let receiver = receiver.map(|value| value.op.clone());
        let mut result = None;
        for arg in list {
            if let ExprKind::Closure(closure) = &arg.kind {
                let callee = self.closure_value(closure, &[], arg.span);
                let others: Vec<Operand> =
                    receiver.iter().cloned().chain(given.iter().map(|(value, _)| value.op.clone())).collect();
                let mut values = Vec::new();
                for _ in &closure.params {
                    values.push(self.made_of(others.clone(), Ty::Unknown, arg.span));
                }
                result = Some(self.call_value(callee, values, sp));
            }
        }
        if result.is_none()
            && let Some(at) = given.iter().position(|(value, _)| value.ty.is_function())
        {
            let (callee, _) = given.remove(at);
            let others: Vec<Operand> =
                receiver.iter().cloned().chain(given.iter().map(|(value, _)| value.op.clone())).collect();
            let mut values = Vec::new();
            for ty in callee.ty.call_params() {
                values.push(self.made_of(others.clone(), ty, sp));
            }
            result = Some(self.call_value(callee, values, sp));
        }
        result
    }

    /// `mem::take`, `mem::replace`, `mem::swap`.
    fn mem(&mut self, name: &str, given: &[Given], sp: Sp) -> Option<Val> {
        let (first, _) = given.first()?;
        let Operand::Place(place) = &first.op else { return None };
        let ty = first.ty.peel_refs().clone();
        let old = self.value(Rvalue::Use(first.op.clone()), ty, sp);
        match (name, given.get(1)) {
            ("take", _) => {
                let value = if old.ty.is_option() { Rvalue::Use(Operand::Absent) } else { Rvalue::Opaque(Vec::new()) };
                self.assign(place.clone(), value, sp);
            }
            ("replace", Some((new, _))) => {
                self.give(new);
                self.assign(place.clone(), Rvalue::Use(new.op.clone()), sp);
            }
            ("swap", Some((new, _))) => {
                self.assign(place.clone(), Rvalue::Use(new.op.clone()), sp);
                if let Operand::Place(other) = &new.op {
                    self.assign(other.clone(), Rvalue::Use(old.op.clone()), sp);
                }
                return Some(Val::unit());
            }
            _ => {}
        }
        Some(old)
    }

    fn ext_result(&self, name: &str, of: Option<Ty>, expect: Option<&Ty>) -> Ty {
        let made = matches!(
            name,
            "new"
                | "default"
                | "with_capacity"
                | "from"
                | "builder"
                | "from_iter"
                | "with_capacity_and_hasher"
                | "now"
                | "empty"
                | "open"
        );
        match of {
            Some(Ty::Ext(path, list)) if made => {
                let wanted = expect
                    .map(Ty::peel_refs)
                    .filter(|ty| matches!(ty, Ty::Ext(known, _) if last(*known) == last(path)));
                match wanted {
                    Some(wanted) if list.is_empty() => wanted.clone(),
                    _ => Ty::Ext(path, list),
                }
            }
            // Derived: there is no text of it.
            Some(own @ Ty::Adt(..)) if name == "default" => own,
            _ if name == "size_of" => Ty::ext("usize", []),
            _ => expect.filter(|ty| !vague(ty)).cloned().unwrap_or_default(),
        }
    }

    /// Somebody's encoder, archive or writer that is made around a handle: what goes through it goes to the handle.
    fn wrapped_writer(&self, of: &Option<Ty>, name: &str, given: &[Given]) -> Option<Val> {
        let Some(Ty::Ext(path, _)) = of.as_ref().map(Ty::peel_refs) else { return None };
        let makes = matches!(name, "new" | "from" | "wrap" | "builder")
            || ["new_", "from_", "with_"].iter().any(|start| name.starts_with(start));
        if !makes || !self.world.is_foreign_writer(*path) {
            return None;
        }
        let mut moved =
            given.iter().filter(|(value, passing)| *passing == Passing::Move && self.world.holds_handle(&value.ty, 0));
        let (value, _) = moved.next()?;
        let ty = Ty::ext(path.as_str(), [value.ty.clone()]);
        moved.next().is_none().then(|| self.retype(value, ty))
    }

    /// Something without a row: an operation if it is given no handle, else a call about which nothing is known.
    pub(super) fn unknown_call(&mut self, path: Ustr, given: Vec<Given>, ty: Ty, sp: Sp, focus: Sp) -> Val {
        let handles = given.iter().any(|(value, passing)| {
            let kind = self.world.kind(&value.ty);
            let handle = matches!(
                kind,
                ValueKind::File
                    | ValueKind::BufferedFile
                    | ValueKind::AsyncFile
                    | ValueKind::TempFile
                    | ValueKind::Mapping
            );
            handle
                || (kind == ValueKind::Aggregate
                    && *passing != Passing::Shared
                    && self.world.holds_handle(value.ty.peel_refs(), 0))
                || value.ty.is_function()
        });
        let name = last(path);
        if handles {
            let fallible = ty.is_result();
            // Who is given one of several owners of a handle seldom writes through it.
            let shared = |ty: &Ty| matches!(ty, Ty::Ext(path, _) if matches!(last(*path), "Arc" | "Rc"));
            let given: Vec<Given> = given
                .into_iter()
                .map(|(value, passing)| if shared(&value.ty) { (value, Passing::Shared) } else { (value, passing) })
                .collect();
            return self.emit_call(Callee::Unknown, ustr(name), given, ty, fallible, sp, focus);
        }
        let args = given.into_iter().map(|(value, _)| value.op).collect();
        if words::IMPURE.has(name) {
            return self.made_of(args, ty, sp);
        }
        self.operation(path.as_str(), args, ty, sp)
    }
}

/// What a path in a call leads to.
pub(super) enum Callable {
    /// Functions of the workspace, and the type by which they were named.
    Own(SmallVec<[u32; 2]>, Option<Ty>),
    Record(u32, Option<u32>),
    Row(ApiId, Option<Ty>),
    Ext(Ustr, Option<Ty>),
    Value(Val),
}

pub(super) fn passing_of(arg: &Expr, ty: &Ty, wanted: Option<&Ty>) -> Passing {
    match (&arg.kind, wanted) {
        (ExprKind::Ref(true, _), _) => Passing::Mutable,
        (ExprKind::Ref(false, _), _) => Passing::Shared,
        (_, Some(Ty::Ref(true, _))) => Passing::Mutable,
        (_, Some(Ty::Ref(false, _))) => Passing::Shared,
        _ => passing_of_type(ty),
    }
}

pub(super) fn passing_of_type(ty: &Ty) -> Passing {
    match ty {
        Ty::Ref(true, _) => Passing::Mutable,
        Ty::Ref(false, _) => Passing::Shared,
        _ => Passing::Move,
    }
}

/// How a row's method takes its receiver.
fn receiver_passing(row: &Api, ty: &Ty) -> Passing {
    let consumes = matches!(row.effect, Effect::Persist | Effect::PersistSynced | Effect::ReplaceDurably) || {
        let name = last(row.path);
        name.starts_with("into_") || matches!(name, "finish" | "close" | "keep" | "commit")
    };
    match ty {
        Ty::Ref(true, _) => Passing::Mutable,
        Ty::Ref(false, _) => Passing::Shared,
        _ if consumes => Passing::Move,
        _ if matches!(
            row.effect,
            Effect::SyncAll
                | Effect::SyncData
                | Effect::SetLength
                | Effect::OptionsOpen
                | Effect::PathOp
                | Effect::Nothing
        ) =>
        {
            Passing::Shared
        }
        _ => Passing::Mutable,
    }
}

fn is_exit(path: &str) -> bool {
    matches!(
        path,
        "std::process::exit"
            | "std::process::abort"
            | "process::exit"
            | "process::abort"
            | "libc::exit"
            | "libc::_exit"
            | "libc::abort"
            | "std::panic::resume_unwind"
            | "std::panic::panic_any"
            | "std::hint::unreachable_unchecked"
            | "core::intrinsics::abort"
    )
}

/// What a poll is given besides: who is woken is nobody's file.
fn waker() -> Given {
    (Val::unit(), Passing::Mutable)
}
