//! Expressions other than calls and control flow.

use super::*;
use crate::frontends::rust::hir::{Expr, ExprKind, Format, UnOp};
use crate::frontends::rust::types::{TraitId, args, last};
use crate::frontends::rust::world::{AdtData, Def, Ns, Res};

impl<'h> Lower<'h> {
    /// The value of `e`, where `expect` is what the context wants it to be.
    pub(super) fn expr(&mut self, e: &'h Expr, expect: Option<&Ty>) -> Val {
        if self.budget == 0 {
            let span = self.span(e.span);
            self.f.unread.push(span);
            return self.opaque(expect.cloned().unwrap_or_default(), e.span);
        }
        let sp = e.span;
        match &e.kind {
            ExprKind::Lit(text, ty) => Val { op: Operand::Const(*text), ty: literal_type(ty) },
            ExprKind::Path(path) => self.path_value(path, expect, sp),
            ExprKind::Call(func, list) => self.call(func, list, expect, sp),
            ExprKind::Method(call) => self.method_call(call, expect, sp),
            ExprKind::Field(base, name) => {
                let base = self.expr(base, None);
                self.field(&base, *name, sp)
            }
            ExprKind::Index(base, index) => self.index(base, index, sp),
            ExprKind::Unary(UnOp::Deref, inner) => {
                let inner = self.expr(inner, expect);
                let ty = match &inner.ty {
                    Ty::Ref(_, of) => (**of).clone(),
                    other => other.clone(),
                };
                self.retype(&inner, ty)
            }
            ExprKind::Unary(op, inner) => {
                let inner = self.expr(inner, expect);
                let name = if *op == UnOp::Not { "!" } else { "neg" };
                self.operation(name, vec![inner.op], inner.ty, sp)
            }
            ExprKind::Ref(mutable, inner) => {
                let inner = self.expr(inner, expect);
                let ty = Ty::Ref(*mutable, Arc::new(inner.ty.clone()));
                self.retype(&inner, ty)
            }
            ExprKind::Cast(inner, ty) => {
                let inner = self.expr(inner, None);
                let ty = self.world.ty(ty, self.scope());
                self.retype(&inner, ty)
            }
            ExprKind::Binary("&&" | "||", ..) | ExprKind::Matches(..) | ExprKind::Let(..) => self.condition_value(e),
            ExprKind::Binary(op, left, right) => {
                let (left, right) = (self.expr(left, None), self.expr(right, None));
                let ty =
                    if matches!(*op, "==" | "!=" | "<" | "<=" | ">" | ">=") { Ty::ext("bool", []) } else { left.ty };
                self.operation(op, vec![left.op, right.op], ty, sp)
            }
            ExprKind::Assign(left, right) => self.assignment(left, right, sp),
            ExprKind::AssignOp(op, left, right) => {
                let right = self.expr(right, None);
                let left = self.expr(left, None);
                if let Operand::Place(place) = &left.op {
                    let value = Rvalue::Op { op: ustr(op), args: vec![left.op.clone(), right.op] };
                    self.assign(place.clone(), value, sp);
                }
                Val::unit()
            }
            ExprKind::Try(inner) => self.question(inner, expect, sp),
            ExprKind::Await(inner) => {
                self.demand(inner, Demand { awaited: true, ..Demand::default() });
                let value = self.expr(inner, expect);
                // What was made elsewhere is somebody else's answer.
                if matches!(inner.kind, ExprKind::Path(_) | ExprKind::Field(..)) {
                    let at = self.span(sp);
                    self.f.waits.push(at);
                }
                if let Operand::Place(Place { base: Base::Local(local), .. }) = value.op {
                    self.f.awaited.insert(local);
                }
                self.awaited(value)
            }
            ExprKind::Closure(closure) => self.closure_value(closure, &[], sp),
            ExprKind::Tuple(list) => self.tuple(list, sp),
            ExprKind::Array(list) => self.array(list, sp),
            ExprKind::Repeat(elem) => {
                let elem = self.expr(elem, None);
                self.collection(&elem, "Vec", sp)
            }
            ExprKind::Struct(lit) => self.struct_value(lit, sp),
            ExprKind::Range(start, end) => {
                let mut parts = Vec::new();
                for part in [start, end].into_iter().flatten() {
                    parts.push(self.expr(part, None).op);
                }
                self.operation("..", parts, Ty::ext("Iter", [Ty::Unknown]), sp)
            }
            ExprKind::Format(format) => self.format(format, sp),
            ExprKind::Write(target, format) => self.write_macro(target, format, sp),
            ExprKind::Make(name, list) => {
                let parts = list.iter().map(|part| self.expr(part, None).op).collect();
                self.made_of(parts, Ty::ext(name.as_str(), []), sp)
            }
            ExprKind::Unread => {
                let span = self.span(sp);
                self.f.unread.push(span);
                self.opaque(Ty::Unknown, sp)
            }
            _ => self.control(e, expect),
        }
    }

    /// A name or path as a value.
    fn path_value(&mut self, path: &'h hir::Path, expect: Option<&Ty>, sp: Sp) -> Val {
        if let Some(name) = path.single() {
            if let Some(var) = self.variable(name) {
                return Val { op: Operand::Place(var.place), ty: var.ty };
            }
            if name == "None" {
                return Val {
                    op: Operand::Absent,
                    ty: expect.filter(|ty| ty.is_option()).cloned().unwrap_or_else(|| Ty::option(Ty::Unknown)),
                };
            }
        }
        let names: Vec<Ustr> = path.segs.iter().map(|seg| seg.name).collect();
        if path.qself.is_none() && names[0] != "Self" {
            match self.world.resolve(self.scope().module, &names, path.leading, Ns::Value) {
                Some((Res::Def(def), taken)) if taken == names.len() => {
                    if let Some(found) = self.def_value(def, expect, sp) {
                        return found;
                    }
                }
                Some((Res::Ext(path), _)) if names.len() > 1 && last(path).starts_with(char::is_uppercase) => {
                    return Val { op: Operand::Const(path), ty: Ty::Unknown };
                }
                _ => {}
            }
        }
        self.associated_value(path, sp)
    }

    fn def_value(&mut self, def: Def, expect: Option<&Ty>, sp: Sp) -> Option<Val> {
        match def {
            Def::Const(id) => {
                let global = &self.world.consts[id as usize];
                let scope = Scope { module: global.module, ..Scope::default() };
                let ty = self.world.ty(&global.hir.ty, &scope);
                Some(self.const_value(global.hir, global.name, ty))
            }
            Def::Static(id) => {
                let global = &self.world.statics[id as usize];
                let scope = Scope { module: global.module, ..Scope::default() };
                let ty = self.world.ty(&global.hir.ty, &scope);
                Some(Val { op: Operand::Place(Place { base: Base::Global(global.name), steps: ThinVec::new() }), ty })
            }
            Def::Variant(id, at) => {
                let AdtData::Enum(variants) = self.world.adts[id as usize].data else { return None };
                let variant = &variants[at as usize];
                let name = super::super::world::join(self.world.adts[id as usize].name, variant.name);
                let ty = match expect.map(Ty::peel_refs) {
                    Some(ty @ Ty::Adt(known, _)) if *known == id => ty.clone(),
                    _ => Ty::Adt(id, Default::default()),
                };
                Some(Val { op: Operand::Const(name), ty })
            }
            Def::Adt(id) => {
                let name = self.world.adts[id as usize].name;
                let ty = Ty::Adt(id, Default::default());
                Some(self.value(Rvalue::Aggregate { type_name: Some(name), fields: Vec::new(), base: None }, ty, sp))
            }
            Def::Fn(id) => Some(self.function_value(&[id], sp)),
            _ => None,
        }
    }

    /// A constant: its literal where it has one.
    pub(super) fn const_value(&mut self, global: &hir::Global, name: Ustr, ty: Ty) -> Val {
        let text = match global.init.as_ref().map(|init| &init.kind) {
            Some(ExprKind::Lit(text, _)) => *text,
            Some(ExprKind::Ref(_, inner)) if matches!(inner.kind, ExprKind::Lit(..)) => match &inner.kind {
                ExprKind::Lit(text, _) => *text,
                _ => name,
            },
            _ => name,
        };
        Val { op: Operand::Const(text), ty }
    }

    pub(super) fn function_value(&mut self, ids: &[u32], sp: Sp) -> Val {
        let funcs: SmallVec<[FuncId; 1]> = ids.iter().filter_map(|id| self.world.fns[*id as usize].func()).collect();
        let sig = self.world.sig(ids[0]);
        let params = sig.self_ty.iter().chain(&sig.params).cloned().collect();
        let ty = Ty::Fn(Arc::new((params, sig.ret.clone())));
        if funcs.is_empty() { self.opaque(ty, sp) } else { self.value(Rvalue::FunctionValue(funcs), ty, sp) }
    }

    /// `Type::CONST`, `Type::method` or something of a library as a value.
    fn associated_value(&mut self, path: &'h hir::Path, sp: Sp) -> Val {
        if let Some((of, name)) = self.type_and_name(path) {
            if let Ty::Adt(id, _) = of.peel_refs() {
                for at in self.world.tables.impls_for.get(id).into_iter().flatten() {
                    let found = &self.world.impls[*at as usize];
                    if let Some(global) = found.hir.consts.iter().find(|global| global.name == name) {
                        let ty = self.world.ty(&global.ty, self.world.impl_scope(*at));
                        let full = super::super::world::join(self.world.adts[*id as usize].name, name);
                        return self.const_value(global, full, ty);
                    }
                }
                if let AdtData::Enum(variants) = self.world.adts[*id as usize].data
                    && let Some(at) = variants.iter().position(|variant| variant.name == name)
                    && let Some(found) = self.def_value(Def::Variant(*id, at as u32), Some(&of.clone()), sp)
                {
                    return found;
                }
            }
            if let Some(super::super::methods::Method::Own(ids, _)) = self.world.associated(&of, name) {
                return self.function_value(&ids, sp);
            }
        }
        let text: Vec<&str> = path.segs.iter().map(|seg| seg.name.as_str()).collect();
        if path.segs.last().is_some_and(|seg| seg.name.as_str().starts_with(|c: char| c.is_uppercase())) {
            return Val { op: Operand::Const(ustr(&text.join("::"))), ty: Ty::Unknown };
        }
        self.opaque(Ty::Unknown, sp)
    }

    /// For `A::b`: the type `A` and the name `b`.
    pub(super) fn type_and_name(&mut self, path: &'h hir::Path) -> Option<(Ty, Ustr)> {
        let (last, front) = path.segs.split_last()?;
        if front.is_empty() {
            return None;
        }
        let mut qself = path.qself.clone();
        if let Some(qself) = &qself
            && qself.1 >= front.len()
        {
            // `<T as Trait>::name`: the trait decides if the type is open.
            let ty = self.world.ty(&qself.0, self.scope());
            return Some((ty, last.name));
        }
        let prefix = hir::Path { leading: path.leading, qself: qself.take(), segs: front.to_vec() };
        Some((self.world.ty(&hir::Type::Path(prefix), self.scope()), last.name))
    }

    /// `base.name`
    pub(super) fn field(&mut self, base: &Val, name: Ustr, sp: Sp) -> Val {
        let mut ty = base.ty.core().clone();
        let mut mutable = matches!(&base.ty, Ty::Ref(true, _));
        let by_ref = matches!(&base.ty, Ty::Ref(..));
        mutable |= !by_ref;
        for _ in 0..6 {
            match &ty {
                Ty::Adt(id, list) => {
                    let owner = Some(self.world.adts[*id as usize].name);
                    if let Some(of) = self.world.field(*id, list, None, name) {
                        let of = lent(of, by_ref, mutable);
                        return self.project(base, Step::Field { name, owner }, of, sp);
                    }
                    match self.world.deref_target(&ty) {
                        Some(inner) => ty = inner.core().clone(),
                        None => return self.project(base, Step::Field { name, owner }, Ty::Unknown, sp),
                    }
                }
                Ty::Tuple(list) => {
                    let of =
                        name.as_str().parse::<usize>().ok().and_then(|at| list.get(at).cloned()).unwrap_or_default();
                    let of = lent(of, by_ref, mutable);
                    return self.project(base, Step::Field { name, owner: None }, of, sp);
                }
                _ => break,
            }
        }
        self.project(base, Step::Field { name, owner: None }, Ty::Unknown, sp)
    }

    fn index(&mut self, base: &'h Expr, index: &'h Expr, sp: Sp) -> Val {
        let base = self.expr(base, None);
        let index_val = self.expr(index, None);
        if matches!(index.kind, ExprKind::Range(..)) {
            return base;
        }
        if !self.world.holds_handle(&base.ty.element(), 0) && !matches!(base.ty.element(), Ty::Unknown) {
            let ty = base.ty.element();
            let ty = if let Ty::Tuple(list) = &ty
                && list.len() == 2
            {
                list[1].clone()
            } else {
                ty
            };
            return self.operation("[]", vec![base.op, index_val.op], ty, sp);
        }
        self.element(&base, sp)
    }

    fn assignment(&mut self, left: &'h Expr, right: &'h Expr, sp: Sp) -> Val {
        match &left.kind {
            ExprKind::Path(path) if path.single().is_some_and(|name| name == "_") => {
                self.expr(right, None);
                return Val::unit();
            }
            ExprKind::Tuple(parts) => {
                let value = self.expr(right, None);
                for (at, part) in parts.iter().enumerate() {
                    let of = self.field(&value, ustr(&at.to_string()), sp);
                    if let Some(place) = self.place_of(part) {
                        self.store(place, &of, sp);
                    }
                }
                return Val::unit();
            }
            _ => {}
        }
        let before = self.place_type(left);
        let value = self.expr(right, before.as_ref());
        if let Some(place) = self.place_of(left) {
            self.store(place, &value, sp);
        }
        Val::unit()
    }

    fn place_type(&mut self, e: &'h Expr) -> Option<Ty> {
        match &e.kind {
            ExprKind::Path(path) => self.variable(path.single()?).map(|var| var.ty),
            ExprKind::Field(base, name) => {
                let base = self.place_type(base)?;
                let Ty::Adt(id, list) = base.core() else { return None };
                self.world.field(*id, list, None, *name)
            }
            ExprKind::Unary(UnOp::Deref, inner) => self.place_type(inner).map(|ty| ty.peel_refs().clone()),
            _ => None,
        }
    }

    /// The place that an assignment to `e` changes.
    fn place_of(&mut self, e: &'h Expr) -> Option<Place> {
        let derefs = matches!(e.kind, ExprKind::Unary(UnOp::Deref, _));
        let value = self.expr(e, None);
        let Operand::Place(place) = value.op else { return None };
        if derefs
            && place.steps.is_empty()
            && let Base::Local(local) = place.base
            && let Some(origin) = self.f.origins.get(&local)
        {
            return Some(origin.clone());
        }
        Some(place)
    }

    /// Puts `value` into `place`; what was there goes away.
    pub(super) fn store(&mut self, place: Place, value: &Val, sp: Sp) {
        self.give(value);
        if place.steps.is_empty()
            && let Base::Local(local) = place.base
        {
            let ty = self.f.tys[local.index()].clone();
            if self.world.holds_handle(&ty, 0) && !self.f.is_given(local) && self.f.locals[local.index()].name.is_some()
            {
                self.drop_local(local, sp);
            }
            self.f.take_back(local);
            self.refine(local, &value.ty);
        }
        self.assign(place, Rvalue::Use(value.op.clone()), sp);
    }

    fn tuple(&mut self, list: &'h [Expr], sp: Sp) -> Val {
        if list.is_empty() {
            return Val::unit();
        }
        let mut fields = Vec::new();
        let mut tys = Vec::new();
        for (at, part) in list.iter().enumerate() {
            let part = self.expr(part, None);
            self.give(&part);
            fields.push((ustr(&at.to_string()), part.op));
            tys.push(part.ty);
        }
        self.value(Rvalue::Aggregate { type_name: None, fields, base: None }, Ty::Tuple(args(tys)), sp)
    }

    fn array(&mut self, list: &'h [Expr], sp: Sp) -> Val {
        let mut ty = Ty::Unknown;
        let mut parts = Vec::new();
        for part in list {
            let part = self.expr(part, None);
            self.give(&part);
            if ty.is_unknown() {
                ty = part.ty.clone();
            }
            parts.push(part);
        }
        let whole = self.temp(Ty::ext("Vec", [ty.clone()]));
        let interesting = parts.iter().any(|part| !matches!(part.op, Operand::Const(_)));
        if parts.is_empty() || !interesting || parts.len() > 64 {
            let args = parts.into_iter().take(64).map(|part| part.op).collect();
            self.assign(Place::local(whole), Rvalue::Op { op: ustr("[..]"), args }, sp);
        } else {
            let fields = parts.into_iter().enumerate().map(|(at, part)| (ustr(&at.to_string()), part.op)).collect();
            self.assign(Place::local(whole), Rvalue::Aggregate { type_name: None, fields, base: None }, sp);
        }
        Val { op: Operand::local(whole), ty: Ty::ext("Vec", [ty]) }
    }

    /// A collection of which some element is `elem`.
    pub(super) fn collection(&mut self, elem: &Val, kind: &str, sp: Sp) -> Val {
        let ty = Ty::ext(kind, [elem.ty.clone()]);
        let whole = self.temp(ty.clone());
        let mut place = Place::local(whole);
        place.steps.push(Step::Element);
        self.assign(place, Rvalue::Use(elem.op.clone()), sp);
        Val { op: Operand::local(whole), ty }
    }

    fn struct_value(&mut self, lit: &'h hir::StructLit, sp: Sp) -> Val {
        let names: Vec<Ustr> = lit.path.segs.iter().map(|seg| seg.name).collect();
        let mut variant = None;
        let mut ty = Ty::Unknown;
        if names.len() == 1 && names[0] == "Self" {
            ty = self.scope().self_ty.clone().unwrap_or_default();
        } else if names.len() == 2 && names[0] == "Self" {
            ty = self.scope().self_ty.clone().unwrap_or_default();
            variant = self.variant_of(&ty, names[1]);
        } else if let Some((Res::Def(def), taken)) =
            self.world.resolve(self.scope().module, &names, lit.path.leading, Ns::Type)
        {
            match def {
                Def::Variant(id, at) => (ty, variant) = (Ty::Adt(id, Default::default()), Some(at)),
                Def::Alias(_) => {
                    ty = self.world.ty(&hir::Type::Path(lit.path.clone()), self.scope());
                    if taken < names.len() {
                        ty = self.world.def_ty(def, Default::default(), 0);
                        variant = self.variant_of(&ty, names[taken]);
                    }
                }
                _ => ty = self.world.ty(&hir::Type::Path(lit.path.clone()), self.scope()),
            }
        }
        let mut fields = Vec::new();
        let mut found = Vec::new();
        let adt = if let Ty::Adt(id, list) = ty.peel_refs() { Some((*id, list.clone())) } else { None };
        for (name, value) in &lit.fields {
            let declared = adt.as_ref().and_then(|(id, list)| self.world.field(*id, list, variant, *name));
            let value = self.expr(value, declared.as_ref());
            self.give(&value);
            if let (Some((id, _)), Some(_)) = (&adt, &declared)
                && let Some(open) = self.world.field(*id, &[], variant, *name)
            {
                super::super::types::unify(&open, &value.ty, &mut found, 0);
            }
            let name = self.payload_name(adt.as_ref().map(|(id, _)| *id), variant, *name);
            fields.push((name, value.op));
        }
        let base = lit.base.as_ref().map(|base| self.expr(base, Some(&ty)).op);
        if let Some((id, list)) = &adt
            && list.is_empty()
        {
            ty = self.instance(*id, &found);
        }
        let type_name = adt.map(|(id, _)| self.adt_name(id, variant));
        self.value(Rvalue::Aggregate { type_name, fields, base }, ty, sp)
    }

    /// The type `id` with arguments that were inferred.
    pub(super) fn instance(&self, id: u32, found: &Bindings) -> Ty {
        let params = &self.world.adts[id as usize].generics.params;
        if found.is_empty() || params.is_empty() {
            return Ty::Adt(id, Default::default());
        }
        let list = params
            .iter()
            .map(|name| found.iter().find(|(known, _)| known == name).map(|(_, ty)| ty.clone()).unwrap_or_default());
        Ty::Adt(id, list.collect())
    }

    pub(super) fn variant_of(&self, ty: &Ty, name: Ustr) -> Option<u32> {
        let Ty::Adt(id, _) = ty.peel_refs() else { return None };
        let AdtData::Enum(variants) = self.world.adts[*id as usize].data else { return None };
        variants.iter().position(|variant| variant.name == name).map(|at| at as u32)
    }

    /// Qualified name of a type or variant.
    pub(super) fn adt_name(&self, id: u32, variant: Option<u32>) -> Ustr {
        let adt = &self.world.adts[id as usize];
        match (&adt.data, variant) {
            (AdtData::Enum(variants), Some(at)) => super::super::world::join(adt.name, variants[at as usize].name),
            _ => adt.name,
        }
    }

    /// A field's name: `Variant.name` in an enum.
    pub(super) fn payload_name(&self, id: Option<u32>, variant: Option<u32>, name: Ustr) -> Ustr {
        match (id.map(|id| &self.world.adts[id as usize].data), variant) {
            (Some(AdtData::Enum(variants)), Some(at)) => ustr(&format!("{}.{name}", variants[at as usize].name)),
            _ => name,
        }
    }

    pub(super) fn format(&mut self, format: &'h Format, sp: Sp) -> Val {
        let args: Vec<Operand> = format.args.iter().map(|arg| self.expr(arg, None).op).collect();
        let template = format.template.unwrap_or_else(|| ustr("{}"));
        if args.is_empty()
            && let Some(template) = format.template
            && !template.contains('{')
        {
            return Val::constant(&format!("{:?}", template.as_str()), Ty::ext("String", []));
        }
        // A path that is written out: `format!("{dir}/name")` lies in `dir` as `dir.join("name")` does.
        if let Some((shown, name)) = template.strip_prefix('{').and_then(|rest| rest.split_once("}/"))
            && shown.chars().all(|c| c == '_' || c.is_alphanumeric())
            && !shown.starts_with(|c: char| c.is_numeric())
            && !name.is_empty()
            && let Some((dir, rest)) = args.split_first()
        {
            let name = if name.contains('{') {
                self.operation(&format!("format:{name}"), rest.to_vec(), Ty::ext("String", []), sp).op
            } else {
                Operand::Const(ustr(&format!("{name:?}")))
            };
            return self.operation("join", vec![dir.clone(), name], Ty::ext("String", []), sp);
        }
        self.operation(&format!("format:{template}"), args, Ty::ext("String", []), sp)
    }

    fn write_macro(&mut self, target: &'h Expr, format: &'h Format, sp: Sp) -> Val {
        let target_val = self.expr(target, None);
        let text = self.format(format, sp);
        let focus = sp;
        if is_text_only(&target_val.ty) {
            if let (Some("String"), Operand::Place(place)) = (target_val.ty.peel_refs().ext_name(), &target_val.op) {
                let parts = vec![target_val.op.clone(), text.op.clone()];
                let longer = self.made_of(parts, Ty::ext("String", []), sp);
                self.assign(place.clone(), Rvalue::Use(longer.op), sp);
            }
            return self.made_of(vec![target_val.op, text.op], Ty::result(Ty::unit(), Ty::Unknown), sp);
        }
        self.method_on(target_val, ustr("write_fmt"), vec![(text, Passing::Shared)], None, sp, focus)
    }

    /// A boolean that is computed by branching.
    fn condition_value(&mut self, e: &'h Expr) -> Val {
        let (yes, no, join) = (self.block(), self.block(), self.block());
        let result = self.temp(Ty::ext("bool", []));
        self.push_scope();
        self.condition(e, yes, no);
        for (at, text) in [(yes, "true"), (no, "false")] {
            self.start(at);
            self.assign(Place::local(result), Rvalue::Use(Operand::Const(ustr(text))), e.span);
            self.goto(join);
        }
        self.start(join);
        self.f.scopes.pop();
        Val { op: Operand::local(result), ty: Ty::ext("bool", []) }
    }
}

/// Whether a value is known only by `std::fmt::Write`: what takes text is no file.
fn is_text_only(ty: &Ty) -> bool {
    let Ty::Bound(bounds) = ty.peel() else { return false };
    let named = |end: &str| bounds.traits.iter().any(|of| matches!(of.id, TraitId::Ext(path) if path.ends_with(end)));
    named("fmt::Write") && !named("io::Write")
}

/// The type of a part of something that is only lent.
fn lent(ty: Ty, by_ref: bool, mutable: bool) -> Ty {
    match ty {
        Ty::Adt(..) | Ty::Ext(..) | Ty::Bound(_) | Ty::Tuple(_) | Ty::Slice(_) if by_ref => {
            Ty::Ref(mutable, Arc::new(ty))
        }
        ty => ty,
    }
}

fn literal_type(ty: &str) -> Ty {
    match ty {
        "" => Ty::ext("i32", []),
        "[u8]" => Ty::Ref(false, Arc::new(Ty::Slice(Arc::new(Ty::ext("u8", []))))),
        other => Ty::ext(other, []),
    }
}
