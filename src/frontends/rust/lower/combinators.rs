//! The combinators of std's `Option`, `Result` and iterators: branches and loops that run their closures where they stand.

use super::control::unwrapped;
use super::*;
use crate::frontends::rust::hir::{Expr, ExprKind, MethodCall};
use crate::frontends::rust::types::{args, is_collection, is_map, last};
use crate::frontends::rust::words;
use std::slice::from_ref;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Optional,
    Fallible,
    Iterator,
    Open,
    Other,
}

/// An optional or fallible value that a combinator branches on.
struct Choice<'v> {
    recv: &'v Val,
    class: Class,
    /// What is wrapped, on the good side.
    good: Val,
    /// What a closure is given on the other side.
    others: Vec<Val>,
    fallible: bool,
    sp: Sp,
}

fn absent() -> Val {
    Val { op: Operand::Absent, ty: Ty::Unknown }
}

fn boolean(value: bool) -> Val {
    Val::constant(if value { "true" } else { "false" }, Ty::ext("bool", []))
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
            Ty::Ext(path, _)
                if is_collection(last(*path)) || is_map(last(*path)) || matches!(last(*path), "ReadDir" | "Entry") =>
            {
                Class::Iterator
            }
            Ty::Bound(bounds) if bounds.assoc("Item").is_some() => Class::Iterator,
            Ty::Unknown | Ty::Never => Class::Open,
            Ty::Ext(..) | Ty::Bound(_) => Class::Open,
            _ => Class::Other,
        }
    }

    pub(super) fn combinator(&mut self, recv: &Val, call: &'h MethodCall, expect: Option<&Ty>, sp: Sp) -> Option<Val> {
        let name = call.name.as_str();
        let closure = call.args.iter().any(|arg| matches!(arg.kind, ExprKind::Closure(_)));
        let class = match self.class(&recv.ty) {
            Class::Other => return None,
            Class::Open => match name {
                "map_err" | "with_context" | "context" | "or_else" | "inspect_err" | "wrap_err" | "wrap_err_with"
                | "unwrap_or_else" | "ok" | "map_or_else"
                    if !matches!(recv.ty, Ty::Bound(_)) =>
                {
                    Class::Fallible
                }
                "ok_or" | "ok_or_else" | "is_some_and" | "is_none_or" => Class::Optional,
                "for_each"
                | "try_for_each"
                | "filter_map"
                | "flat_map"
                | "fold"
                | "try_fold"
                | "any"
                | "all"
                | "find"
                | "find_map"
                | "position"
                | "take_while"
                | "skip_while"
                | "for_each_concurrent"
                    if closure =>
                {
                    Class::Iterator
                }
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
            class => self.choose(recv, class, call, sp),
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
    fn choose(&mut self, recv: &Val, class: Class, call: &'h MethodCall, sp: Sp) -> Option<Val> {
        let good = self.retype(recv, unwrapped(&recv.ty));
        let error = self.retype(recv, recv.ty.peel().arg(1));
        let fallible = class == Class::Fallible;
        // What closures for the failing side are given.
        let others = if fallible { vec![error] } else { Vec::new() };
        let choice = Choice { recv, class, good, others, fallible, sp };
        if let Some(found) = self.choose_mapped(&choice, call) {
            return Some(found);
        }
        if let Some(found) = self.choose_asked(&choice, call) {
            return Some(found);
        }
        self.choose_other(&choice, call)
    }

    /// Combinators that keep it an `Option` or `Result`.
    fn choose_mapped(&mut self, c: &Choice, call: &'h MethodCall) -> Option<Val> {
        let sp = c.sp;
        Some(match (call.name.as_str(), &call.args[..]) {
            ("map", [f]) => self.two_ways(c, |l| l.mapped(c, f), |l| l.retype(c.recv, Ty::Unknown)),
            ("and_then", [f]) => {
                self.two_ways(c, |l| l.apply(f, from_ref(&c.good), sp), |l| l.retype(c.recv, Ty::Unknown))
            }
            ("inspect", [f]) => self.two_ways(c, |l| l.aside(c, f, from_ref(&c.good)), |_| c.recv.clone()),
            ("inspect_err", [f]) => self.two_ways(c, |_| c.recv.clone(), |l| l.aside(c, f, &c.others)),
            ("map_err", [f]) => self.two_ways(c, |_| c.recv.clone(), |l| l.failed(f, &c.others, sp)),
            ("with_context" | "wrap_err_with", [f]) if c.fallible => {
                self.two_ways(c, |_| c.recv.clone(), |l| l.aside(c, f, &[]))
            }
            ("context" | "wrap_err", [text]) if c.fallible => {
                self.expr(text, None);
                c.recv.clone()
            }
            ("ok_or" | "context", [e]) => {
                let e = self.expr(e, None);
                self.two_ways(c, |l| l.succeeded(c), |l| l.value(Rvalue::Failure(e.op), Ty::Unknown, sp))
            }
            ("ok_or_else" | "with_context", [f]) => self.two_ways(c, |l| l.succeeded(c), |l| l.failed(f, &[], sp)),
            ("or_else", [f]) => self.two_ways(c, |_| c.recv.clone(), |l| l.apply(f, &c.others, sp)),
            ("or", [other]) => {
                let other = self.expr(other, None);
                self.two_ways(c, |_| c.recv.clone(), |_| other)
            }
            ("filter", [f]) => self.two_ways(c, |l| l.filtered(c, f), |_| absent()),
            ("ok", []) if c.fallible => {
                self.two_ways(c, |l| l.retype(c.recv, Ty::option(c.good.ty.clone())), |_| absent())
            }
            ("err", []) if c.fallible => self.two_ways(c, |_| absent(), |_| c.recv.clone()),
            ("flatten" | "transpose", []) => c.good.clone(),
            ("iter" | "iter_mut" | "into_iter", []) => self.retype(c.recv, Ty::ext("Iter", [c.good.ty.clone()])),
            _ => return None,
        })
    }

    /// Those that ask.
    fn choose_asked(&mut self, c: &Choice, call: &'h MethodCall) -> Option<Val> {
        let sp = c.sp;
        Some(match (call.name.as_str(), &call.args[..]) {
            ("is_some_and" | "is_ok_and", [f]) => {
                self.two_ways(c, |l| l.apply(f, from_ref(&c.good), sp), |_| boolean(false))
            }
            ("is_none_or", [f]) => self.two_ways(c, |l| l.apply(f, from_ref(&c.good), sp), |_| boolean(true)),
            ("is_err_and", [f]) => self.two_ways(c, |_| boolean(false), |l| l.apply(f, &c.others, sp)),
            ("is_ok" | "is_some", []) => self.two_ways(c, |_| boolean(true), |_| boolean(false)),
            ("is_err" | "is_none", []) => self.two_ways(c, |_| boolean(false), |_| boolean(true)),
            _ => return None,
        })
    }

    /// Those that unwrap or change it.
    fn choose_other(&mut self, c: &Choice, call: &'h MethodCall) -> Option<Val> {
        let sp = c.sp;
        Some(match (call.name.as_str(), &call.args[..]) {
            ("unwrap_or_else", _) if c.recv.ty.peel_refs().ext_name() == Some("LockResult") => c.good.clone(),
            ("unwrap_or_else", [f]) => self.two_ways(c, |_| c.good.clone(), |l| l.apply(f, &c.others, sp)),
            ("unwrap_or", [other]) => {
                let other = self.expr(other, Some(&c.good.ty));
                self.two_ways(c, |_| c.good.clone(), |_| other)
            }
            ("map_or", [other, f]) => {
                let other = self.expr(other, None);
                self.two_ways(c, |l| l.apply(f, from_ref(&c.good), sp), |_| other)
            }
            ("map_or_else", [g, f]) => {
                self.two_ways(c, |l| l.apply(f, from_ref(&c.good), sp), |l| l.apply(g, &c.others, sp))
            }
            ("get_or_insert_with", [f]) => self.two_ways(
                c,
                |_| c.good.clone(),
                |l| {
                    let value = l.apply(f, &[], sp);
                    l.filled(c, value)
                },
            ),
            ("get_or_insert", [value]) => self.two_ways(
                c,
                |_| c.good.clone(),
                |l| {
                    let value = l.expr(value, None);
                    l.filled(c, value)
                },
            ),
            ("replace" | "insert", [new]) if !c.fallible => {
                let new = self.expr(new, None);
                let Operand::Place(place) = &c.recv.op else { return Some(new) };
                let old = self.value(Rvalue::Use(c.recv.op.clone()), c.recv.ty.peel_refs().clone(), sp);
                self.store(place.clone(), &new, sp);
                if call.name == "replace" { old } else { self.retype(c.recv, new.ty) }
            }
            _ => return None,
        })
    }

    fn mapped(&mut self, c: &Choice, f: &'h Expr) -> Val {
        let value = self.apply(f, from_ref(&c.good), c.sp);
        if c.fallible {
            let carries = value.ty.is_result();
            let ty = Ty::result(value.ty, Ty::Unknown);
            if carries {
                // There are no wrappers around wrappers: its failure is the failure of the whole.
                return Val { op: value.op, ty };
            }
            return self.value(Rvalue::Success(value.op), ty, c.sp);
        }
        Val { op: value.op, ty: Ty::option(value.ty) }
    }

    /// Runs `f` for its effects.
    fn aside(&mut self, c: &Choice, f: &'h Expr, args: &[Val]) -> Val {
        self.apply(f, args, c.sp);
        c.recv.clone()
    }

    /// A method that somebody's trait adds to `Result` (`chain_err`, `into_diagnostic`, …): it changes the error and keeps the rest; its
    /// closures see the error.
    pub(super) fn extension(&mut self, recv: &Val, call: &'h MethodCall, sp: Sp) -> Option<Val> {
        if !recv.ty.is_result() {
            return None;
        }
        let (closures, others): (Vec<&Expr>, Vec<&Expr>) =
            call.args.iter().partition(|arg| matches!(arg.kind, ExprKind::Closure(_)));
        for arg in others {
            self.expr(arg, None);
        }
        let good = self.retype(recv, unwrapped(&recv.ty));
        let c = Choice { recv, class: Class::Fallible, good, others: Vec::new(), fallible: true, sp };
        Some(match closures[..] {
            [f] => self.two_ways(&c, |_| recv.clone(), |l| l.aside(&c, f, &[])),
            _ => recv.clone(),
        })
    }

    fn succeeded(&mut self, c: &Choice) -> Val {
        self.value(Rvalue::Success(c.good.op.clone()), Ty::result(c.good.ty.clone(), Ty::Unknown), c.sp)
    }

    fn failed(&mut self, f: &'h Expr, args: &[Val], sp: Sp) -> Val {
        let value = self.apply(f, args, sp);
        if self.f.dead {
            return Val::never();
        }
        self.value(Rvalue::Failure(value.op), Ty::Unknown, sp)
    }

    fn filled(&mut self, c: &Choice, value: Val) -> Val {
        let Operand::Place(place) = &c.recv.op else { return value };
        self.store(place.clone(), &value, c.sp);
        self.retype(c.recv, value.ty)
    }

    fn filtered(&mut self, c: &Choice, f: &'h Expr) -> Val {
        let held = self.apply(f, from_ref(&c.good), c.sp);
        let (yes, no, join) = (self.block(), self.block(), self.block());
        let result = self.temp(Ty::Unknown);
        self.branch_on(&held, yes, no, c.sp);
        self.start(yes);
        self.settle(result, c.recv, join, c.sp);
        self.start(no);
        self.settle(result, &absent(), join, c.sp);
        self.start(join);
        self.result_of(result)
    }

    /// Branches on whether the value is there (succeeded), and joins what the two ways give.
    fn two_ways(&mut self, c: &Choice, yes: impl FnOnce(&mut Self) -> Val, no: impl FnOnce(&mut Self) -> Val) -> Val {
        let (good, bad, join) = (self.block(), self.block(), self.block());
        let result = self.temp(Ty::Unknown);
        let op = c.recv.op.clone();
        let cond = match c.class {
            _ if c.recv.ty.peel_refs().ext_name() == Some("LockResult") => Cond::Unknown,
            Class::Optional => Cond::Present(op),
            _ => Cond::Succeeded(op),
        };
        self.branch(cond, good, bad, c.sp);
        self.start(good);
        self.push_scope();
        let value = yes(self);
        self.settle_scope(result, &value, join, c.sp);
        self.start(bad);
        self.push_scope();
        let value = no(self);
        self.settle_scope(result, &value, join, c.sp);
        self.start(join);
        self.result_of(result)
    }

    fn settle_scope(&mut self, result: LocalId, value: &Val, join: BlockId, sp: Sp) {
        self.give(value);
        if !self.f.dead {
            if value.op != Operand::Unit {
                self.assign(Place::local(result), Rvalue::Use(value.op.clone()), sp);
            }
            self.refine(result, &value.ty);
        }
        self.pop_scope(sp);
        self.goto(join);
    }

    /// Iterators: the closure is the body of a loop that runs at least once.
    fn iterate(&mut self, recv: &Val, call: &'h MethodCall, expect: Option<&Ty>, sp: Sp) -> Option<Val> {
        let name = call.name.as_str();
        let kept = |_: &mut Self, value: Val, _: Sp| value;
        if recv.ty.core().ext_name() == Some("Entry") {
            return self.entry(recv, call, sp);
        }
        Some(match (name, &call.args[..]) {
            (_, [.., f]) if words::MAPPING.has(name) => {
                let found = self.rounds(recv, f, &[], sp, kept);
                let unwraps = matches!(name, "filter_map" | "map_while" | "flat_map");
                let ty = if unwraps { unwrapped(&found.ty) } else { found.ty.clone() };
                let ty = if name == "flat_map" && !ty.element().is_unknown() { ty.element() } else { ty };
                let found = self.retype(&found, ty);
                self.collection(&found, "Iter", sp)
            }
            // Each part has elements of the whole.
            ("partition", [f]) => {
                self.rounds(recv, f, &[], sp, kept);
                let part = self.retype(recv, Ty::ext("Vec", [recv.ty.core().element()]));
                let ty = Ty::Tuple(args([part.ty.clone(), part.ty.clone()]));
                let fields = vec![(ustr("0"), part.op.clone()), (ustr("1"), part.op)];
                self.value(Rvalue::Aggregate { type_name: None, fields, base: None }, ty, sp)
            }
            (_, [f]) if words::SELECTING.has(name) => {
                self.rounds(recv, f, &[], sp, kept);
                recv.clone()
            }
            ("find" | "rfind" | "max_by_key" | "min_by_key", [f]) => {
                self.rounds(recv, f, &[], sp, kept);
                let item = self.item(recv, sp);
                self.retype(&item, Ty::option(item.ty.clone()))
            }
            ("find_map", [f]) => self.rounds(recv, f, &[], sp, kept),
            ("for_each" | "for_each_concurrent", [.., f]) => {
                self.rounds(recv, f, &[], sp, kept);
                Val::unit()
            }
            ("any" | "all", [f]) => {
                self.rounds(recv, f, &[], sp, kept);
                self.opaque(Ty::ext("bool", []), sp)
            }
            ("position", [f]) => {
                self.rounds(recv, f, &[], sp, kept);
                self.opaque(Ty::option(Ty::ext("usize", [])), sp)
            }
            ("try_for_each" | "try_for_each_concurrent", [.., f]) => self.rounds_until_failure(recv, f, None, sp),
            ("fold" | "try_fold", [start, f]) => self.fold(recv, start, f, name == "fold", sp),
            (_, args) if words::CONSUMING.has(name) => {
                for arg in args {
                    self.expr(arg, None);
                }
                match (name, expect) {
                    ("sum" | "count" | "product", _) => self.opaque(Ty::ext("u64", []), sp),
                    ("collect" | "try_collect", Some(wanted)) if !vague(wanted) => self.retype(recv, wanted.clone()),
                    _ => recv.clone(),
                }
            }
            _ => return None,
        })
    }

    fn fold(&mut self, recv: &Val, start: &'h Expr, f: &'h Expr, plain: bool, sp: Sp) -> Val {
        let start = self.expr(start, None);
        let state = self.temp(start.ty.clone());
        self.assign(Place::local(state), Rvalue::Use(start.op), sp);
        if !plain {
            return self.rounds_until_failure(recv, f, Some((state, start.ty)), sp);
        }
        let so_far = Val { op: Operand::local(state), ty: start.ty };
        let found = self.rounds(recv, f, from_ref(&so_far), sp, |lower, value, sp| {
            lower.assign(Place::local(state), Rvalue::Use(value.op.clone()), sp);
            value
        });
        Val { op: Operand::local(state), ty: found.ty }
    }

    /// A map's entry: what is put in is the element.
    fn entry(&mut self, recv: &Val, call: &'h MethodCall, sp: Sp) -> Option<Val> {
        let name = call.name.as_str();
        if !(name.starts_with("or_") || name.starts_with("and_") || name.starts_with("insert")) {
            return None;
        }
        let ty = recv.ty.core().arg(0);
        if let [f] = &call.args[..] {
            let value = if matches!(name, "or_insert" | "insert" | "insert_entry") {
                self.expr(f, None)
            } else {
                let inner = self.retype(recv, ty.clone());
                self.apply(f, &[inner], sp)
            };
            if let (Operand::Place(place), false) = (&recv.op, name.starts_with("and_")) {
                self.store(place.clone(), &value, sp);
            }
        }
        let ty = if name == "and_modify" { recv.ty.clone() } else { Ty::Ref(true, Arc::new(ty)) };
        Some(self.retype(recv, ty))
    }

    /// Runs `f` for the elements of `of`; gives what the last round made.
    fn rounds(
        &mut self,
        of: &Val,
        f: &'h Expr,
        before: &[Val],
        sp: Sp,
        after: impl FnOnce(&mut Self, Val, Sp) -> Val,
    ) -> Val {
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
