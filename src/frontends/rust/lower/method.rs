//! Method calls: who is meant, and what std's own methods that matter to nobody's files do to values.

use super::call::{Given, passing_of_type};
use super::control::unwrapped;
use super::*;
use crate::apis::SubEffect;
use crate::effects::Effect;
use crate::frontends::rust::hir::{Expr, ExprKind, MethodCall, SelfKind};
use crate::frontends::rust::methods::Method;
use crate::frontends::rust::types::{is_collection, is_map, is_pointer, last};
use crate::frontends::rust::words;

impl<'h> Lower<'h> {
    pub(super) fn method_call(&mut self, call: &'h MethodCall, expect: Option<&Ty>, sp: Sp) -> Val {
        let demand = self.demanded.take().filter(|(at, _)| *at == sp).map(|(_, demand)| demand).unwrap_or_default();
        if let Some(path) = self.path_of_parts(call, expect, sp) {
            return path;
        }
        let name = call.name;
        let recv = self.expr(&call.recv, None);
        let recv = self.lent_by_it(recv, name, call.args.len(), sp);
        let focus = Sp { lo: call.name_span.lo.min(sp.hi), hi: sp.hi };
        if recv.ty == Ty::Never && self.f.dead {
            return Val::never();
        }
        let found = self.world.method(&recv.ty, name, call.args.len());
        let own = matches!(&found, Some(Method::Own(..)));
        if !own && words::WAITING.has(name.as_str()) {
            let at = self.span(focus);
            self.f.waits.push(at);
        }
        let wrapped = recv.ty.is_option() || recv.ty.is_result();
        let outer = self.outer_method(&recv, name, call.args.len());
        if !own && let Some(text) = self.letters(&recv, call, sp) {
            return text;
        }
        // Lines of a file are read from it; those of a text are not.
        let reads = |step: SubEffect| step.effect == Effect::Read;
        let by_pieces = matches!(&found, Some(Method::Api(api, _)) if {
            let row = self.world.apis.get(*api);
            row.effect == Effect::WrapRead && row.steps().any(reads)
        });
        if (!own || wrapped || outer) && !by_pieces {
            if let Some(value) = self.std_method(&recv, call, expect, sp) {
                return value;
            }
            if let Some(value) = self.combinator(&recv, call, expect, sp) {
                return value;
            }
        }
        let turbofish: Vec<Ty> = call.generics.iter().map(|ty| self.world.ty(ty, &self.f.scope)).collect();
        match found {
            Some(Method::Own(ids, of)) => {
                let kept = self.that_fit(&ids, demand);
                let ids = if kept.is_empty() { ids } else { kept };
                self.own_method(ids, of, recv, call, &turbofish, sp, focus)
            }
            Some(Method::Api(api, of)) => {
                let mut given = vec![(recv.clone(), passing_of_type(&recv.ty))];
                self.arguments(&call.args, &mut given);
                self.call_row(api, name, given, Some(of), &turbofish, true, sp, focus)
            }
            None => self.unresolved(recv, call, expect, demand, sp, focus),
        }
    }

    /// `[dir, name].iter().collect::<PathBuf>()`: the parts of a path, written out one by one.
    fn path_of_parts(&mut self, call: &'h MethodCall, expect: Option<&Ty>, sp: Sp) -> Option<Val> {
        let parts = written_out(&call.recv).filter(|parts| call.name == "collect" && !parts.is_empty())?;
        let wanted = call.generics.first().map(|ty| self.world.ty(ty, &self.f.scope));
        let ty = wanted.or_else(|| expect.cloned()).filter(|ty| self.is_path(ty))?;
        let mut path: Option<Val> = None;
        for part in parts {
            let part = self.expr(part, None);
            path = Some(match path {
                Some(dir) => self.operation("join", vec![dir.op, part.op], ty.clone(), sp),
                None => self.retype(&part, ty.clone()),
            });
        }
        path
    }

    /// The letters of a text, and those of more texts after them: what they are put together to is another text, and another path.
    fn letters(&mut self, recv: &Val, call: &'h MethodCall, sp: Sp) -> Option<Val> {
        let letters = Ty::ext("Iter", [Ty::ext("char", [])]);
        let is_text = || matches!(recv.ty.peel(), Ty::Ext(path, _) if matches!(last(*path), "str" | "String"));
        match (call.name.as_str(), &call.args[..]) {
            ("chars", []) if is_text() => Some(self.operation("chars", vec![recv.op.clone()], letters, sp)),
            ("chain", [more]) if recv.ty == letters => {
                let more = self.expr(more, None);
                Some(self.operation("chain", vec![recv.op.clone(), more.op], letters, sp))
            }
            _ => None,
        }
    }

    /// Those of the functions whose results can be used as is demanded.
    fn that_fit(&self, ids: &[u32], demand: Demand) -> SmallVec<[u32; 2]> {
        let fits = |id: u32| {
            let def = self.world.fns[id as usize].hir;
            let ret = &self.world.sig(id).ret;
            // What `Future` gives stands for it: only what is declared to give it at once is no future.
            let at_once = !def.is_async && def.ret.as_ref().is_none_or(gives_at_once);
            let plain = match ret {
                Ty::Adt(..) => !demand.awaited || def.is_async,
                Ty::Tuple(_) | Ty::Slice(_) | Ty::Fn(_) => true,
                Ty::Ext(path, _) => PLAIN.contains(&last(*path)),
                _ => false,
            };
            !(demand.awaited && at_once || demand.tried && plain)
        };
        ids.iter().copied().filter(|id| fits(*id)).collect()
    }

    fn arguments(&mut self, list: &'h [Expr], given: &mut Vec<Given>) {
        for arg in list {
            let value = match &arg.kind {
                ExprKind::Closure(closure) => (self.closure_value(closure, &[], arg.span), Passing::Move),
                _ => self.argument(arg, None, false),
            };
            given.push(value);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn own_method(
        &mut self,
        ids: SmallVec<[u32; 2]>,
        of: Ty,
        recv: Val,
        call: &'h MethodCall,
        turbofish: &[Ty],
        sp: Sp,
        focus: Sp,
    ) -> Val {
        let sig = self.world.sig(ids[0]);
        let passing = match self.world.fns[ids[0] as usize].hir.receiver {
            SelfKind::Mut => Passing::Mutable,
            SelfKind::Value => Passing::Move,
            _ => Passing::Shared,
        };
        let by_value = passing == Passing::Move && !matches!(recv.ty, Ty::Ref(..));
        let mut given = vec![(
            recv,
            if by_value {
                Passing::Move
            } else if passing == Passing::Move {
                Passing::Shared
            } else {
                passing
            },
        )];
        for (at, arg) in call.args.iter().enumerate() {
            given.push(self.argument(arg, sig.params.get(at), false));
        }
        self.call_own(&ids, call.name, given, Some(of), turbofish, sp, focus)
    }

    /// The receiver, or the field that it lends to be asked in its place.
    fn lent_by_it(&mut self, recv: Val, name: Ustr, count: usize, sp: Sp) -> Val {
        match self.world.lent_field(&recv.ty, name, count) {
            Some((field, of)) => Val { ty: Ty::Ref(true, Arc::new(of)), ..self.field(&recv, field, sp) },
            None => recv,
        }
    }

    /// Calls the method `name` of a value, with arguments that are there already.
    pub(super) fn method_on(
        &mut self,
        recv: Val,
        name: Ustr,
        args: Vec<Given>,
        expect: Option<&Ty>,
        sp: Sp,
        focus: Sp,
    ) -> Val {
        let recv = self.lent_by_it(recv, name, args.len(), sp);
        let found = self.world.method(&recv.ty, name, args.len());
        let passing = passing_of_type(&recv.ty);
        let mut given = vec![(recv.clone(), if passing == Passing::Move { Passing::Mutable } else { passing })];
        given.extend(args);
        match found {
            Some(Method::Own(ids, of)) => self.call_own(&ids, name, given, Some(of), &[], sp, focus),
            Some(Method::Api(api, of)) => self.call_row(api, name, given, Some(of), &[], true, sp, focus),
            None => {
                let harmless =
                    matches!(self.world.kind(&recv.ty), ValueKind::Memory | ValueKind::Other | ValueKind::Path);
                let _ = expect;
                match self.world.apis.find_method(name) {
                    Some(api) if !harmless => self.call_row(api, name, given, Some(recv.ty), &[], false, sp, focus),
                    _ if name == "write_fmt" => {
                        let ty = Ty::result(Ty::unit(), Ty::Unknown);
                        let api = self.world.apis.find("std::io::Write::write_fmt");
                        match api {
                            Some(api) if !harmless => {
                                self.call_row(api, name, given, Some(recv.ty), &[], false, sp, focus)
                            }
                            _ if harmless => {
                                let parts = given.into_iter().map(|(value, _)| value.op).collect();
                                self.made_of(parts, ty, sp)
                            }
                            _ => self.emit_call(Callee::Unknown, name, given, ty, true, sp, focus),
                        }
                    }
                    _ => self.unknown_call(name, given, Ty::Unknown, sp, focus),
                }
            }
        }
    }

    /// Whether `name` is a method of a wrapper around the value, not of the value.
    fn outer_method(&self, recv: &Val, name: Ustr, count: usize) -> bool {
        let mut ty = &recv.ty;
        while let Ty::Ref(_, inner) = ty {
            ty = inner;
        }
        let Ty::Ext(path, list) = ty else { return false };
        if list.is_empty() || !is_pointer(last(*path)) {
            return false;
        }
        match (name.as_str(), last(*path)) {
            ("clone", "Arc" | "Rc" | "Weak") => true,
            ("upgrade" | "downgrade", _) => true,
            ("lock" | "try_lock" | "lock_arc" | "lock_owned" | "blocking_lock", _) => count == 0,
            ("read" | "write" | "try_read" | "try_write" | "upgradable_read", _) => count == 0 && layers(ty, "RwLock"),
            ("borrow" | "borrow_mut", _) => count == 0,
            (
                "get" | "get_mut" | "get_or_init" | "get_or_try_init" | "into_inner" | "load" | "store" | "swap"
                | "set" | "take" | "with" | "join",
                _,
            ) => {
                matches!(
                    last(*path),
                    "OnceCell"
                        | "OnceLock"
                        | "Mutex"
                        | "RwLock"
                        | "RefCell"
                        | "ArcSwap"
                        | "ArcSwapOption"
                        | "LocalKey"
                        | "Cell"
                        | "JoinHandle"
                        | "ScopedJoinHandle"
                        | "ThreadLocal"
                )
            }
            _ => false,
        }
    }

    /// Methods of std that leave a value what it is, or only unwrap it.
    fn std_method(&mut self, recv: &Val, call: &'h MethodCall, expect: Option<&Ty>, sp: Sp) -> Option<Val> {
        let name = call.name.as_str();
        let count = call.args.len();
        let unit_args = count == 0;
        let ty = &recv.ty;
        let value = match name {
            "unwrap" | "expect" | "unwrap_or_default" | "unwrap_unchecked" | "expect_err" | "unwrap_err"
                if count <= 1
                    && (ty.is_option()
                        || ty.is_result()
                        || ty.peel().ext_name() == Some("LockResult")
                        || ty.is_unknown()) =>
            {
                for arg in &call.args {
                    self.expr(arg, None);
                }
                self.unwrap(recv, name, sp)
            }
            "unwrap" | "expect" => {
                for arg in &call.args {
                    self.expr(arg, None);
                }
                recv.clone()
            }
            "lock" | "lock_arc" | "lock_owned" | "blocking_lock" | "try_lock"
                // A file has a `lock` of its own.
                if unit_args && (!matches!(self.world.kind(ty), ValueKind::File) || layers(ty, "Mutex")) =>
            {
                self.guard(recv, "Mutex")
            }
            "read" | "write" | "upgradable_read" | "blocking_read" | "blocking_write" | "try_read" | "try_write"
                if unit_args =>
            {
                self.guard(recv, "RwLock")
            }
            "borrow" | "borrow_mut" | "try_borrow" | "try_borrow_mut" | "by_ref" | "as_ref" | "as_mut" | "as_deref"
            | "as_deref_mut" | "as_pin_mut" | "deref" | "deref_mut" | "get_pin_mut" | "upgrade" | "as_ptr" | "leak"
            | "into_boxed_path" | "boxed" | "boxed_local" | "fuse" | "await" | "lock_ref"
                if unit_args =>
            {
                let by = Ty::Ref(name.contains("mut") || matches!(ty, Ty::Ref(true, _)), Arc::new(peel_pointer(ty)));
                self.retype(recv, by)
            }
            "clone" | "cloned" | "copied" | "to_owned" | "clone_from" | "downgrade" if unit_args => {
                let of = if matches!(name, "cloned" | "copied") { shallow(ty) } else { ty.peel_refs().clone() };
                let of = if name == "to_owned" { owned(of) } else { of };
                self.retype(recv, of)
            }
            "into" | "try_into" | "into_owned" | "to_path_buf" | "as_path" | "as_os_str" | "as_std_path"
            | "into_std_path_buf" | "into_os_string" | "to_string" | "as_str" | "to_vec" | "into_boxed_slice"
            | "into_boxed_str" | "as_slice" | "as_mut_slice" | "as_bytes" | "into_bytes" | "into_string" | "to_str"
            | "to_string_lossy" | "display" | "as_os_string" | "into_path_buf" | "to_bytes" | "as_mut_bytes"
            | "into_vec"
                if unit_args && self.row_of(recv, call).is_none() =>
            {
                let of = match (name, expect) {
                    ("into" | "try_into", Some(wanted)) if !vague(wanted) && !matches!(wanted, Ty::Bound(_)) => {
                        wanted.clone()
                    }
                    ("into", _) => ty.clone(),
                    ("to_path_buf" | "into_path_buf" | "into_std_path_buf", _) => Ty::ext("std::path::PathBuf", []),
                    ("to_string" | "into_string", _) => Ty::ext("String", []),
                    ("to_str", _) => Ty::option(Ty::ext("str", [])),
                    ("try_into", _) => Ty::result(Ty::Unknown, Ty::Unknown),
                    _ => ty.peel_refs().clone(),
                };
                self.retype(recv, of)
            }
            "take" if unit_args && (ty.is_option() || ty.is_unknown() || ty.peel().ext_name() == Some("Cell")) => {
                let of = ty.peel().clone();
                let taken = self.value(Rvalue::Use(recv.op.clone()), of, sp);
                if let (Operand::Place(place), true) = (&recv.op, ty.is_option()) {
                    self.assign(place.clone(), Rvalue::Use(Operand::Absent), sp);
                }
                taken
            }
            "join" | "join_unwrap" if unit_args && !self.is_path(ty) => {
                let of = peel_pointer(ty);
                let joined = matches!(ty.peel_refs().ext_name(), Some("JoinHandle" | "ScopedJoinHandle"));
                self.retype(recv, if joined { Ty::ext("LockResult", [of]) } else { of })
            }
            "into_inner" | "get_mut" | "get_ref"
                if unit_args
                    && self.row_of(recv, call).is_none()
                    && is_pointer(ty.peel_refs().ext_name().unwrap_or_default()) =>
            {
                let locks = matches!(ty.peel_refs().ext_name(), Some("Mutex" | "RwLock"));
                let of = peel_pointer(ty);
                self.retype(recv, if locks { Ty::ext("LockResult", [of]) } else { of })
            }
            _ => return self.collection_method(recv, call, sp),
        };
        Some(value)
    }

    fn row_of(&self, recv: &Val, call: &MethodCall) -> Option<ApiId> {
        match self.world.method(&recv.ty, call.name, call.args.len()) {
            Some(Method::Api(api, _)) => Some(api),
            _ => None,
        }
    }

    pub(super) fn is_path(&self, ty: &Ty) -> bool {
        self.world.kind(ty) == ValueKind::Path
    }

    fn guard(&mut self, recv: &Val, _lock: &str) -> Val {
        let ty = recv.ty.peel_refs();
        let std =
            layers(ty, "Mutex") && has_std_lock(ty, "Mutex") || layers(ty, "RwLock") && has_std_lock(ty, "RwLock");
        let inner = Ty::Ref(true, Arc::new(ty.peel().clone()));
        self.retype(recv, if std { Ty::ext("LockResult", [inner]) } else { inner })
    }

    fn unwrap(&mut self, recv: &Val, name: &str, sp: Sp) -> Val {
        if self.f.dead || recv.ty.peel_refs().ext_name() == Some("LockResult") {
            let ty = unwrapped(&recv.ty);
            return self.retype(recv, ty);
        }
        let cond = if recv.ty.is_option() { Cond::Present(recv.op.clone()) } else { Cond::Succeeded(recv.op.clone()) };
        if recv.ty.is_unknown() || name == "unwrap_or_default" {
            let ty = unwrapped(&recv.ty);
            return self.retype(recv, ty);
        }
        let (good, bad) = (self.block(), self.block());
        if name.ends_with("_err") {
            self.branch(cond, bad, good, sp);
        } else {
            self.branch(cond, good, bad, sp);
        }
        self.start(bad);
        self.abort();
        self.start(good);
        let ty = if name.ends_with("_err") { recv.ty.peel().arg(1) } else { unwrapped(&recv.ty) };
        self.retype(recv, ty)
    }

    /// Collections: what is put in is an element, what is taken out is one.
    fn collection_method(&mut self, recv: &Val, call: &'h MethodCall, sp: Sp) -> Option<Val> {
        let name = call.name.as_str();
        let kind = recv.ty.core();
        let of = match kind {
            Ty::Ext(path, _) => last(*path),
            Ty::Slice(_) => "Vec",
            _ => "",
        };
        let (map, list) = (is_map(of), is_collection(of));
        let count = call.args.len();
        if !(map || list || kind.is_unknown() && matches!(name, "push" | "push_back" | "insert") && count >= 1) {
            return words::ITERATING.has(name).then(|| {
                self.evaluate(&call.args);
                self.retype(recv, Ty::ext("Iter", [kind.element()]))
            });
        }
        let value_ty = if map { kind.arg(1) } else { kind.element() };
        if words::PUTTING.has(name) && count >= 1 {
            let mut last = Val::unit();
            for arg in &call.args {
                last = self.expr(arg, None);
                self.give(&last);
            }
            let many = matches!(name, "extend" | "append" | "extend_from_slice");
            let value = if many { self.element(&last, sp) } else { last };
            self.put_in(recv, &value, map, sp);
            return Some(Val { op: Operand::Absent, ty: Ty::option(value_ty) });
        }
        if words::TAKING.has(name) {
            self.evaluate(&call.args);
            let plain = matches!(name, "remove" | "swap_remove") && of.starts_with("Vec");
            return Some(self.taken(recv, name, value_ty, plain, sp));
        }
        if words::COLLECTING.has(name) {
            self.evaluate(&call.args);
            return Some(self.collected(recv, name, map, value_ty));
        }
        match name {
            "enumerate" => {
                let element = self.element(recv, sp);
                let number = self.opaque(Ty::ext("usize", []), sp);
                Some(self.tuples(number, element, sp))
            }
            "zip" if count == 1 => {
                let other = self.expr(&call.args[0], None);
                let (one, two) = (self.element(recv, sp), self.element(&other, sp));
                Some(self.tuples(one, two, sp))
            }
            "entry" => {
                self.evaluate(&call.args);
                Some(self.project(recv, Step::Element, Ty::ext("Entry", [value_ty]), sp))
            }
            _ => None,
        }
    }

    fn evaluate(&mut self, list: &'h [Expr]) {
        for arg in list {
            self.expr(arg, None);
        }
    }

    /// An element that is looked at or taken out.
    fn taken(&mut self, recv: &Val, name: &str, of: Ty, plain: bool, sp: Sp) -> Val {
        let matters = self.world.holds_handle(&of, 0)
            || matches!(of, Ty::Unknown | Ty::Adt(..) | Ty::Bound(_) | Ty::Tuple(_))
            || self.is_path(&of);
        let inner = if words::BORROWING.has(name) && !matches!(of, Ty::Ref(..) | Ty::Unknown) {
            Ty::Ref(name.ends_with("mut"), Arc::new(of))
        } else {
            of
        };
        if matches!(name, "recv" | "try_recv") {
            return self.made_of(vec![recv.op.clone()], Ty::result(inner, Ty::Unknown), sp);
        }
        let ty = if plain { inner } else { Ty::option(inner) };
        if matters { self.project(recv, Step::Element, ty, sp) } else { self.made_of(vec![recv.op.clone()], ty, sp) }
    }

    /// Another view of the same elements.
    fn collected(&mut self, recv: &Val, name: &str, map: bool, value_ty: Ty) -> Val {
        let element = recv.ty.core().element();
        let lent = |mutable: bool, ty: Ty| match ty {
            Ty::Ref(..) | Ty::Unknown => ty,
            ty => Ty::Ref(mutable, Arc::new(ty)),
        };
        let inner = match name {
            "values" => lent(false, value_ty),
            "values_mut" => lent(true, value_ty),
            "into_values" => value_ty,
            "flatten" => unwrapped(&element),
            "cloned" | "copied" => element.peel_refs().clone(),
            "iter" | "par_iter" if !map => lent(false, element),
            "iter_mut" | "par_iter_mut" if !map => lent(true, element),
            _ => element,
        };
        if name == "collect" && inner.is_result() {
            return self.retype(recv, Ty::result(Ty::ext("Vec", [unwrapped(&inner)]), Ty::Unknown));
        }
        if map && !name.contains("values") {
            return recv.clone();
        }
        let kind = if matches!(name, "collect" | "collect_vec" | "to_vec") { "Vec" } else { "Iter" };
        self.retype(recv, Ty::ext(kind, [inner]))
    }

    fn tuples(&mut self, one: Val, two: Val, sp: Sp) -> Val {
        let ty = Ty::Tuple(super::super::types::args([one.ty, two.ty]));
        let fields = vec![(ustr("0"), one.op), (ustr("1"), two.op)];
        let pair = self.value(Rvalue::Aggregate { type_name: None, fields, base: None }, ty, sp);
        self.collection(&pair, "Iter", sp)
    }

    /// Makes `value` an element of the collection.
    fn put_in(&mut self, recv: &Val, value: &Val, map: bool, sp: Sp) {
        let Operand::Place(place) = &recv.op else { return };
        if !matches!(value.op, Operand::Const(_) | Operand::Unit) {
            let mut element = place.clone();
            element.steps.push(Step::Element);
            self.assign(element, Rvalue::Use(value.op.clone()), sp);
        }
        if let (Some(local), false) = (recv.whole(), value.ty.is_unknown()) {
            let name = match recv.ty.core() {
                Ty::Ext(path, _) => last(*path),
                _ => return,
            };
            let ty = if map {
                Ty::ext(name, [Ty::ext("?", []), value.ty.clone()])
            } else {
                Ty::ext(name, [value.ty.clone()])
            };
            self.refine(local, &ty);
        }
    }

    /// Nobody known has that method: few methods of that name in the workspace, a name that speaks for itself, or unknown.
    fn unresolved(
        &mut self,
        recv: Val,
        call: &'h MethodCall,
        expect: Option<&Ty>,
        demand: Demand,
        sp: Sp,
        focus: Sp,
    ) -> Val {
        if let Some(result) = self.extension(&recv, call, sp) {
            return result;
        }
        let name = call.name;
        let kind = self.world.kind(&recv.ty);
        if let (Ty::Ext(_, list), true) = (recv.ty.core(), call.args.is_empty())
            && let Some(inner) = list.first()
            && words::UNWRAPPING.has(name.as_str())
        {
            // Somebody's wrapper that is asked for what it wraps.
            let ty = if name.ends_with("mut") { Ty::Ref(true, Arc::new(inner.clone())) } else { inner.clone() };
            return self.retype(&recv, ty);
        }
        let open = match recv.ty.core() {
            Ty::Unknown | Ty::Bound(_) => true,
            Ty::Ext(path, _) => kind == ValueKind::Unknown || self.world.is_foreign_writer(*path),
            _ => false,
        };
        // A name is joined to a directory, whatever gave that.
        if name == "join"
            && matches!(recv.ty.core(), Ty::Unknown)
            && let [arg] = &call.args[..]
            && names_a_file(arg)
            && let Some(api) = self.world.apis.find("std::path::Path::join")
        {
            let mut given = vec![(recv.clone(), Passing::Shared)];
            self.arguments(&call.args, &mut given);
            return self.call_row(api, name, given, Some(recv.ty), &[], false, sp, focus);
        }
        let open = open || matches!(recv.ty.core(), Ty::Adt(..));
        if open && !matches!(recv.ty.core(), Ty::Adt(..)) {
            let mut ids = self.that_fit(&self.world.guesses(name, call.args.len()), demand);
            // A library's type has no method of the program's, least of all the one that wraps its own.
            let wraps = |id: &u32| qualified_name(self.world, *id).0 == self.name;
            if matches!(recv.ty.core(), Ty::Ext(..)) && ids.iter().any(wraps) {
                ids.clear();
            }
            if !ids.is_empty() {
                let is_unknown = matches!(recv.ty.core(), Ty::Unknown);
                let value = self.own_method(ids, recv.ty.clone(), recv, call, &[], sp, focus);
                if is_unknown {
                    self.note_guess(call.name);
                }
                return value;
            }
        }
        if open
            && let Some(api) = self.world.apis.find_method(name)
            && !self.gives_nothing(api, demand)
        {
            let mut given = vec![(recv.clone(), passing_of_type(&recv.ty))];
            self.arguments(&call.args, &mut given);
            return self.call_row(api, name, given, Some(recv.ty), &[], false, sp, focus);
        }
        if let Some(step) = self.function_field(&recv, call, sp) {
            return step;
        }
        let mut given =
            vec![(recv.clone(), if words::IMPURE.has(name.as_str()) { Passing::Mutable } else { Passing::Shared })];
        for arg in &call.args {
            let value = self.argument(arg, None, true);
            given.push(value);
        }
        let mut rest = given.split_off(1);
        if let Some(result) = self.run_closures(Some(&recv), &mut rest, &call.args, sp) {
            return result;
        }
        given.extend(rest);
        let ty = method_result(name.as_str(), &recv.ty, expect);
        if name.starts_with("into_") {
            self.give(&recv);
        }
        self.unknown_call(name, given, ty, sp, focus)
    }

    /// Whether what is done with the result of a call shows that there is none, where `api` would give one that must be looked at:
    /// `buffer.set_len(count);` makes an array longer. A sync whose result is passed over is a sync nevertheless.
    fn gives_nothing(&self, api: ApiId, demand: Demand) -> bool {
        let row = self.world.apis.get(api);
        demand.dropped && !row.steps().any(|step| step.effect.may_sync())
    }

    /// Notes that the call of this name, just made, is no more than likely.
    fn note_guess(&mut self, name: Ustr) {
        let made = self.f.blocks[self.f.cur.index()].insts.iter_mut().rev();
        let calls = made.filter_map(|inst| match &mut inst.kind {
            InstKind::Call(call) => Some(call),
            _ => None,
        });
        if let Some(call) = calls.take(1).find(|call| call.name == name) {
            call.guessed = true;
        }
    }

    /// `value.call()` of a function value.
    fn function_field(&mut self, recv: &Val, call: &'h MethodCall, sp: Sp) -> Option<Val> {
        if !(recv.ty.is_function() && matches!(call.name.as_str(), "call" | "call_mut" | "call_once")) {
            return None;
        }
        let values = call.args.iter().map(|arg| self.expr(arg, None)).collect();
        Some(self.call_value(recv.clone(), values, sp))
    }
}

/// Whether a text argument is by its looks the name of a file, not what stands between words.
fn names_a_file(arg: &Expr) -> bool {
    match &arg.kind {
        ExprKind::Lit(text, "str") => {
            let text = text.trim_matches('"');
            text.contains(char::is_alphanumeric) && !text.contains(|c: char| c.is_whitespace() || c == '\\')
        }
        ExprKind::Format(_) => true,
        ExprKind::Ref(_, inner) => names_a_file(inner),
        _ => false,
    }
}

/// Types of plain values: neither futures nor results.
const PLAIN: [&str; 14] =
    ["bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i32", "i64", "str", "String", "Vec", "PathBuf"];

/// Whether a declared result is no future: a plain `Result`, an option, a number.
fn gives_at_once(ty: &hir::Type) -> bool {
    match ty {
        hir::Type::Path(path) if path.qself.is_none() => {
            let name = path.last();
            matches!(name.as_str(), "Result" | "Option") || PLAIN.contains(&name.as_str())
        }
        hir::Type::Tuple(list) => list.is_empty(),
        _ => false,
    }
}

/// The lock itself, with nothing but pointers around it.
fn layers(ty: &Ty, name: &str) -> bool {
    let mut ty = ty;
    for _ in 0..8 {
        match ty {
            Ty::Ref(_, inner) => ty = inner,
            Ty::Ext(path, list) if last(*path) == name => return !list.is_empty(),
            Ty::Ext(path, list) if is_pointer(last(*path)) && !list.is_empty() => ty = &list[0],
            _ => return false,
        }
    }
    false
}

fn has_std_lock(ty: &Ty, name: &str) -> bool {
    let mut ty = ty;
    for _ in 0..8 {
        match ty {
            Ty::Ref(_, inner) => ty = inner,
            Ty::Ext(path, _) if last(*path) == name => {
                return path.as_str() == name || path.as_str().starts_with("std::");
            }
            Ty::Ext(path, list) if is_pointer(last(*path)) && !list.is_empty() => ty = &list[0],
            _ => return false,
        }
    }
    false
}

/// Without references and one pointer.
fn peel_pointer(ty: &Ty) -> Ty {
    match ty.peel_refs() {
        Ty::Ext(path, list) if is_pointer(last(*path)) && !list.is_empty() => list[0].clone(),
        other => other.clone(),
    }
}

/// `Option<&T>` as `Option<T>`.
fn shallow(ty: &Ty) -> Ty {
    match ty.peel_refs() {
        Ty::Ext(path, list) if !list.is_empty() => {
            Ty::Ext(*path, list.iter().map(|ty| ty.peel_refs().clone()).collect())
        }
        other => other.clone(),
    }
}

/// Result types of common methods of library types.
fn method_result(name: &str, recv: &Ty, expect: Option<&Ty>) -> Ty {
    match name {
        "len" | "count" | "capacity" => Ty::ext("usize", []),
        "is_empty" | "contains" | "contains_key" | "starts_with" | "ends_with" | "exists" | "is_file" | "is_dir"
        | "eq" | "any" | "all" => Ty::ext("bool", []),
        "send" | "parse" => Ty::result(expect.map(unwrapped).unwrap_or_default(), Ty::Unknown),
        "next" => Ty::option(recv.element()),
        _ => expect.filter(|ty| !vague(ty)).cloned().unwrap_or_default(),
    }
}

/// What a borrowed form becomes when it is owned.
fn owned(of: Ty) -> Ty {
    match of.ext_name() {
        Some("OsStr") => Ty::ext("std::ffi::OsString", []),
        Some("Path") => Ty::ext("std::path::PathBuf", []),
        Some("str") => Ty::ext("String", []),
        _ => of,
    }
}

/// The elements of an array that is gone through, if it is written out right there.
fn written_out(expr: &Expr) -> Option<&[Expr]> {
    match &expr.kind {
        ExprKind::Array(list) => Some(list),
        ExprKind::Ref(_, inner) => written_out(inner),
        ExprKind::Method(call) if matches!(call.name.as_str(), "iter" | "into_iter") => written_out(&call.recv),
        _ => None,
    }
}
