//! The combinators of std's `Option`, `Result` and iterators: branches and loops that run their closures where they stand.

use super::control::unwrapped;
use super::*;
use crate::frontends::rust::hir::{Expr, ExprKind, MethodCall};
use crate::frontends::rust::types::{is_collection, is_map, last};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Optional,
    Fallible,
    Iterator,
    Open,
    Other,
}

impl<'h> Lower<'h> {
    fn class(&self, ty: &Ty) -> Class {
        if ty.is_option() {
            return Class::Optional;
        }
        if ty.is_result() || ty.peel_refs().ext_name() == Some("LockResult") {
            return Class::Fallible;
        }
        match ty.core() {
            Ty::Slice(_) => Class::Iterator,
            Ty::Ext(path, _) if is_collection(last(*path)) || is_map(last(*path)) || matches!(last(*path), "ReadDir" | "Entry") => Class::Iterator,
            Ty::Bound(bounds) if bounds.assoc("Item").is_some() => Class::Iterator,
            Ty::Unknown | Ty::Never => Class::Open,
            Ty::Ext(..) | Ty::Bound(_) => Class::Open,
            _ => Class::Other,
        }
    }

    pub(super) fn combinator(&mut self, recv: &Val, call: &'h MethodCall, expect: Option<&Ty>, sp: Sp) -> Option<Val> {
        let name = call.name.as_str();
        let takes_function = call.args.iter().any(|arg| matches!(arg.kind, ExprKind::Closure(_) | ExprKind::Path(_)));
        let closure = call.args.iter().any(|arg| matches!(arg.kind, ExprKind::Closure(_)));
        let class = match self.class(&recv.ty) {
            Class::Other => return None,
            Class::Open => match name {
                "map_err" | "with_context" | "context" | "or_else" | "inspect_err" | "wrap_err" | "wrap_err_with" | "unwrap_or_else" | "ok" | "map_or_else" if !matches!(recv.ty, Ty::Bound(_)) => Class::Fallible,
                "ok_or" | "ok_or_else" | "is_some_and" | "is_none_or" => Class::Optional,
                "for_each" | "try_for_each" | "filter_map" | "flat_map" | "fold" | "try_fold" | "any" | "all" | "find" | "find_map" | "position" | "take_while" | "skip_while" | "for_each_concurrent" if closure => Class::Iterator,
                "map" | "and_then" | "filter" | "inspect" | "map_or" if closure => Class::Fallible,
                "then" if closure => return Some(self.then(recv, &call.args[0], sp)),
                _ => return None,
            },
            class => class,
        };
        if class != Class::Iterator && recv.ty.ext_name() == Some("bool") {
            return None;
        }
        match class {
            Class::Iterator => self.iterate(recv, call, expect, sp),
            class => self.choose(recv, class, call, takes_function, expect, sp),
        }
    }

    /// `condition.then(|| …)`
    fn then(&mut self, recv: &Val, f: &'h Expr, sp: Sp) -> Val {
        let (yes, no, join) = (self.block(), self.block(), self.block());
        let result = self.temp(Ty::Unknown);
        self.branch_on(recv, yes, no, sp);
        self.start(yes);
        let value = self.apply(f, &[], sp);
        let value = self.retype(&value, Ty::option(value.ty.clone()));
        self.settle(result, &value, join, sp);
        self.start(no);
        self.settle(result, &Val { op: Operand::Absent, ty: Ty::Unknown }, join, sp);
        self.start(join);
        self.result_of(result)
    }

    /// `Option` and `Result`.
    fn choose(&mut self, recv: &Val, class: Class, call: &'h MethodCall, takes_function: bool, expect: Option<&Ty>, sp: Sp) -> Option<Val> {
        let name = call.name.as_str();
        let good = self.retype(recv, unwrapped(&recv.ty));
        let error = self.retype(recv, recv.ty.peel().arg(1));
        let fallible = class == Class::Fallible;
        let args = &call.args[..];
        let wrap = |lower: &mut Self, value: Val| -> Val {
            if fallible {
                let ty = Ty::result(value.ty, Ty::Unknown);
                lower.value(Rvalue::Success(value.op), ty, sp)
            } else {
                Val { op: value.op, ty: Ty::option(value.ty) }
            }
        };
        let kept = |lower: &mut Self| -> Val { lower.retype(recv, if fallible { Ty::Unknown } else { Ty::Unknown }) };
        Some(match (name, args) {
            ("map", [f]) => self.two_ways(recv, class, sp, |lower| { let v = lower.apply(f, &[good], sp); wrap(lower, v) }, kept),
            ("and_then", [f]) => self.two_ways(recv, class, sp, |lower| lower.apply(f, &[good], sp), kept),
            ("inspect", [f]) => self.two_ways(recv, class, sp, |lower| { lower.apply(f, &[good], sp); recv.clone() }, |_| recv.clone()),
            ("inspect_err", [f]) => self.two_ways(recv, class, sp, |_| recv.clone(), |lower| { lower.apply(f, &[error], sp); recv.clone() }),
            ("map_err", [f]) => self.two_ways(recv, class, sp, |_| recv.clone(), |lower| {
                let value = lower.apply(f, &[error], sp);
                if lower.f.dead { return Val::never(); }
                lower.value(Rvalue::Failure(value.op), Ty::Unknown, sp)
            }),
            ("with_context" | "wrap_err_with", [f]) if fallible => self.two_ways(recv, class, sp, |_| recv.clone(), |lower| {
                lower.apply(f, &[], sp);
                lower.retype(recv, Ty::Unknown)
            }),
            ("context" | "wrap_err", [text]) if fallible => {
                self.expr(text, None);
                recv.clone()
            }
            ("ok_or" | "context", [e]) => {
                let e = self.expr(e, None);
                self.two_ways(recv, class, sp, |lower| lower.value(Rvalue::Success(good.op), Ty::result(good.ty, Ty::Unknown), sp), |lower| lower.value(Rvalue::Failure(e.op), Ty::Unknown, sp))
            }
            ("ok_or_else" | "with_context", [f]) => self.two_ways(recv, class, sp, |lower| lower.value(Rvalue::Success(good.op), Ty::result(good.ty, Ty::Unknown), sp), |lower| {
                let e = lower.apply(f, &[], sp);
                if lower.f.dead { return Val::never(); }
                lower.value(Rvalue::Failure(e.op), Ty::Unknown, sp)
            }),
            ("or_else", [f]) => {
                let list = if fallible { vec![error] } else { Vec::new() };
                self.two_ways(recv, class, sp, |_| recv.clone(), |lower| lower.apply(f, &list, sp))
            }
            ("or", [other]) => {
                let other = self.expr(other, None);
                self.two_ways(recv, class, sp, |_| recv.clone(), |_| other)
            }
            ("unwrap_or_else", [f]) => {
                let list = if fallible { vec![error] } else { Vec::new() };
                if recv.ty.peel_refs().ext_name() == Some("LockResult") { return Some(good); }
                self.two_ways(recv, class, sp, |_| good, |lower| lower.apply(f, &list, sp))
            }
            ("unwrap_or", [other]) => {
                let other = self.expr(other, Some(&good.ty.clone()));
                self.two_ways(recv, class, sp, |_| good, |_| other)
            }
            ("map_or", [other, f]) => {
                let other = self.expr(other, None);
                self.two_ways(recv, class, sp, |lower| lower.apply(f, &[good], sp), |_| other)
            }
            ("map_or_else", [g, f]) => {
                let list = if fallible { vec![error] } else { Vec::new() };
                self.two_ways(recv, class, sp, |lower| lower.apply(f, &[good], sp), |lower| lower.apply(g, &list, sp))
            }
            ("filter", [f]) => self.two_ways(recv, class, sp, |lower| lower.filtered(recv, f, good, sp), |_| Val { op: Operand::Absent, ty: Ty::Unknown }),
            ("is_some_and" | "is_ok_and", [f]) => {
                self.two_ways(recv, class, sp, |lower| lower.apply(f, &[good], sp), |_| Val::constant("false", Ty::ext("bool", [])))
            }
            ("is_none_or" | "is_err_and", [f]) => {
                let list = if name == "is_none_or" { good } else { error };
                if name == "is_none_or" {
                    self.two_ways(recv, class, sp, |lower| lower.apply(f, &[list], sp), |_| Val::constant("true", Ty::ext("bool", [])))
                } else {
                    self.two_ways(recv, class, sp, |_| Val::constant("false", Ty::ext("bool", [])), |lower| lower.apply(f, &[list], sp))
                }
            }
            ("is_ok" | "is_some", []) => self.two_ways(recv, class, sp, |_| Val::constant("true", Ty::ext("bool", [])), |_| Val::constant("false", Ty::ext("bool", []))),
            ("is_err" | "is_none", []) => self.two_ways(recv, class, sp, |_| Val::constant("false", Ty::ext("bool", [])), |_| Val::constant("true", Ty::ext("bool", []))),
            ("ok", []) if fallible => self.two_ways(recv, class, sp, |lower| lower.retype(recv, Ty::option(good.ty)), |_| Val { op: Operand::Absent, ty: Ty::Unknown }),
            ("err", []) if fallible => self.two_ways(recv, class, sp, |_| Val { op: Operand::Absent, ty: Ty::option(error.ty.clone()) }, |_| recv.clone()),
            ("get_or_insert_with" | "get_or_insert", [f]) => self.two_ways(recv, class, sp, |_| good, |lower| {
                let value = if name == "get_or_insert" { lower.expr(f, None) } else { lower.apply(f, &[], sp) };
                if let Operand::Place(place) = &recv.op {
                    lower.store(place.clone(), &value, sp);
                    return lower.retype(recv, value.ty);
                }
                value
            }),
            ("replace" | "insert", [new]) if !fallible => {
                let new = self.expr(new, None);
                let Operand::Place(place) = &recv.op else { return Some(new) };
                let old = self.value(Rvalue::Use(recv.op.clone()), recv.ty.peel_refs().clone(), sp);
                self.store(place.clone(), &new, sp);
                if name == "replace" { old } else { self.retype(recv, new.ty) }
            }
            ("flatten" | "transpose", []) => self.retype(recv, unwrapped(&recv.ty)),
            ("iter" | "iter_mut" | "into_iter", []) => self.retype(recv, Ty::ext("Iter", [good.ty])),
            _ => {
                let _ = (takes_function, expect);
                return None;
            }
        })
    }

    fn filtered(&mut self, recv: &Val, f: &'h Expr, good: Val, sp: Sp) -> Val {
        let held = self.apply(f, &[good], sp);
        let (yes, no, join) = (self.block(), self.block(), self.block());
        let result = self.temp(Ty::Unknown);
        self.branch_on(&held, yes, no, sp);
        self.start(yes);
        self.settle(result, recv, join, sp);
        self.start(no);
        self.settle(result, &Val { op: Operand::Absent, ty: Ty::Unknown }, join, sp);
        self.start(join);
        self.result_of(result)
    }

    /// Branches on whether the value is there (succeeded), and joins what the two ways give.
    fn two_ways(&mut self, recv: &Val, class: Class, sp: Sp, yes: impl FnOnce(&mut Self) -> Val, no: impl FnOnce(&mut Self) -> Val) -> Val {
        let (good, bad, join) = (self.block(), self.block(), self.block());
        let result = self.temp(Ty::Unknown);
        let cond = match class {
            _ if recv.ty.peel_refs().ext_name() == Some("LockResult") => Cond::Unknown,
            Class::Optional => Cond::Present(recv.op.clone()),
            _ => Cond::Succeeded(recv.op.clone()),
        };
        self.branch(cond, good, bad, sp);
        self.start(good);
        self.push_scope();
        let value = yes(self);
        let given = value.whole();
        self.settle_scope(result, &value, join, sp);
        self.start(bad);
        self.push_scope();
        let value = no(self);
        self.settle_scope(result, &value, join, sp);
        let _ = given;
        self.start(join);
        self.result_of(result)
    }

    fn settle_scope(&mut self, result: LocalId, value: &Val, join: BlockId, sp: Sp) {
        self.give(value);
        if !self.f.dead && value.op != Operand::Unit {
            self.assign(Place::local(result), Rvalue::Use(value.op.clone()), sp);
            self.refine(result, &value.ty);
        } else if !self.f.dead {
            self.refine(result, &value.ty);
        }
        self.pop_scope(sp);
        self.goto(join);
    }

    /// Iterators: the closure is the body of a loop that runs at least once.
    fn iterate(&mut self, recv: &Val, call: &'h MethodCall, expect: Option<&Ty>, sp: Sp) -> Option<Val> {
        let name = call.name.as_str();
        let args = &call.args[..];
        let boolean = Ty::ext("bool", []);
        Some(match (name, args) {
            ("map" | "flat_map" | "filter_map" | "map_while" | "then" | "and_then" | "map_ok" | "scan" | "try_filter_map" | "map_with" | "map_init", [.., f]) => {
                let found = self.rounds(recv, f, &[], sp, |_, value, _| value);
                let kept = if matches!(name, "filter_map" | "map_while" | "flat_map") { unwrapped(&found.ty) } else { found.ty.clone() };
                let kept = if name == "flat_map" && !kept.element().is_unknown() { kept.element() } else { kept };
                let found = self.retype(&found, kept);
                self.collection(&found, "Iter", sp)
            }
            ("filter" | "inspect" | "take_while" | "skip_while" | "retain" | "retain_mut" | "sort_by_key" | "partition" | "max_by_key" | "min_by_key" | "sort_by" | "sort_unstable_by_key" | "position" | "dedup_by_key", [f]) => {
                self.rounds(recv, f, &[], sp, |_, value, _| value);
                match name {
                    "position" => self.opaque(Ty::option(Ty::ext("usize", [])), sp),
                    "max_by_key" | "min_by_key" => {
                        let item = self.item(recv, sp);
                        self.retype(&item, Ty::option(item.ty.clone()))
                    }
                    _ => recv.clone(),
                }
            }
            ("find" | "rfind", [f]) => {
                self.rounds(recv, f, &[], sp, |_, value, _| value);
                let item = self.item(recv, sp);
                self.retype(&item, Ty::option(item.ty.clone()))
            }
            ("find_map", [f]) => self.rounds(recv, f, &[], sp, |_, value, _| value),
            ("for_each" | "for_each_concurrent", [.., f]) => {
                self.rounds(recv, f, &[], sp, |_, value, _| value);
                Val::unit()
            }
            ("any" | "all", [f]) => {
                self.rounds(recv, f, &[], sp, |_, value, _| value);
                self.opaque(boolean, sp)
            }
            ("try_for_each" | "try_for_each_concurrent", [.., f]) => self.rounds_until_failure(recv, f, None, sp),
            ("fold" | "try_fold", [start, f]) => {
                let start = self.expr(start, expect);
                let state = self.temp(start.ty.clone());
                self.assign(Place::local(state), Rvalue::Use(start.op), sp);
                if name == "fold" {
                    let so_far = Val { op: Operand::local(state), ty: start.ty };
                    let found = self.rounds(recv, f, std::slice::from_ref(&so_far), sp, |lower, value, sp| {
                        lower.assign(Place::local(state), Rvalue::Use(value.op.clone()), sp);
                        value
                    });
                    Val { op: Operand::local(state), ty: found.ty }
                } else {
                    self.rounds_until_failure(recv, f, Some((state, start.ty)), sp)
                }
            }
            ("collect" | "sum" | "max" | "min" | "count" | "last" | "chunks" | "buffer_unordered" | "buffered" | "try_collect" | "unzip" | "product", _) => {
                for arg in args {
                    self.expr(arg, None);
                }
                match (name, expect) {
                    ("sum" | "count" | "product", _) => self.opaque(Ty::ext("u64", []), sp),
                    ("collect" | "try_collect", Some(wanted)) if !vague(wanted) => self.retype(recv, wanted.clone()),
                    _ => recv.clone(),
                }
            }
            ("or_insert" | "or_insert_with" | "or_default" | "or_try_insert_with" | "and_modify" | "or_insert_with_key" | "and_try_compute", _) if recv.ty.core().ext_name() == Some("Entry") => {
                if let [f] = args {
                    let value = if name == "or_insert" {
                        self.expr(f, None)
                    } else {
                        let inner = self.retype(recv, recv.ty.core().arg(0));
                        self.apply(f, &[inner], sp)
                    };
                    if let (Operand::Place(place), true) = (&recv.op, name.starts_with("or_")) {
                        self.store(place.clone(), &value, sp);
                    }
                }
                if name == "and_modify" { recv.clone() } else { self.retype(recv, Ty::Ref(true, Arc::new(recv.ty.core().arg(0)))) }
            }
            _ => return None,
        })
    }

    /// Runs `f` for the elements of `of`; gives what the last round made.
    fn rounds(&mut self, of: &Val, f: &'h Expr, before: &[Val], sp: Sp, after: impl FnOnce(&mut Self, Val, Sp) -> Val) -> Val {
        let (head, exit) = (self.block(), self.block());
        self.goto(head);
        self.start(head);
        self.push_scope();
        let mut list = before.to_vec();
        list.push(self.item(of, sp));
        let value = self.apply(f, &list, sp);
        let value = after(self, value, sp);
        self.give(&value);
        self.pop_scope(sp);
        if self.f.dead {
            self.start(exit);
            return Val::never();
        }
        self.branch(Cond::Unknown, head, exit, sp);
        self.start(exit);
        value
    }

    fn rounds_until_failure(&mut self, of: &Val, f: &'h Expr, state: Option<(LocalId, Ty)>, sp: Sp) -> Val {
        let (head, good, exit) = (self.block(), self.block(), self.block());
        let result = self.temp(Ty::Unknown);
        self.goto(head);
        self.start(head);
        self.push_scope();
        let mut list = Vec::new();
        if let Some((state, ty)) = &state {
            list.push(Val { op: Operand::local(*state), ty: ty.clone() });
        }
        list.push(self.item(of, sp));
        let value = self.apply(f, &list, sp);
        if self.f.dead {
            self.f.scopes.pop();
            self.start(exit);
            return self.result_of(result);
        }
        if let Some((state, _)) = &state {
            self.assign(Place::local(*state), Rvalue::Use(value.op.clone()), sp);
        }
        self.assign(Place::local(result), Rvalue::Use(value.op.clone()), sp);
        let ty = if value.ty.is_unknown() { Ty::result(Ty::Unknown, Ty::Unknown) } else { value.ty.clone() };
        self.refine(result, &ty);
        self.pop_scope(sp);
        self.branch(Cond::Succeeded(Operand::local(result)), good, exit, sp);
        self.start(good);
        self.branch(Cond::Unknown, head, exit, sp);
        self.start(exit);
        self.result_of(result)
    }
}
