//! Control flow: statements, branches, loops, `?`.

use super::*;
use crate::frontends::rust::hir::{Arm, Block, Expr, ExprKind, Pat, Stmt, UnOp};
use crate::frontends::rust::methods::Method;
use state::{FutureEnd, LoopFrame};

impl<'h> Lower<'h> {
    pub(super) fn control(&mut self, e: &'h Expr, expect: Option<&Ty>) -> Val {
        let sp = e.span;
        match &e.kind {
            ExprKind::Block(block) => match block.label {
                Some(label) => self.labelled(label, block, expect, sp),
                None => self.block_value(block, expect),
            },
            ExprKind::Async(block) => self.async_block(block, sp),
            ExprKind::If(cond, then, otherwise) => self.if_value(cond, then, otherwise.as_deref(), expect, sp),
            ExprKind::Match(scrutinee, arms) => self.match_value(scrutinee, arms, expect, sp),
            ExprKind::While(label, cond, body) => self.while_loop(*label, cond, body, sp),
            ExprKind::Loop(label, body) => self.endless_loop(*label, body, sp),
            ExprKind::For(label, pat, iter, body) => self.for_loop(*label, pat, iter, body, sp),
            ExprKind::Break(label, value) => self.break_out(*label, value.as_deref(), sp),
            ExprKind::Continue(label) => {
                let base = self.f.targets.last().map_or(0, |frame| frame.loops);
                let found = self.f.loops[base..]
                    .iter()
                    .rev()
                    .find(|frame| frame.again.is_some() && (label.is_none() || frame.label == *label))
                    .cloned();
                if let Some(frame) = found {
                    self.drop_down_to(frame.depth, sp);
                    self.goto(frame.again.expect("only loops were asked for"));
                }
                self.f.die();
                Val::never()
            }
            ExprKind::Return(value) => {
                match value {
                    Some(value) => {
                        let ty = self.f.ret.clone();
                        let inline = matches!(self.f.targets.last(), Some(Frame { target: Target::Inline { .. }, .. }));
                        let value = self.expr(value, (!inline).then_some(&ty));
                        self.leave(value, None, sp);
                    }
                    None => self.leave(Val::unit(), None, sp),
                }
                Val::never()
            }
            ExprKind::Eval(list) => {
                for part in list {
                    self.expr(part, None);
                }
                Val::unit()
            }
            ExprKind::Panic(list) => {
                for part in list {
                    self.expr(part, None);
                }
                self.abort();
                self.f.die();
                Val::never()
            }
            ExprKind::Bail(list) => {
                for part in list {
                    self.expr(part, None);
                }
                let error = self.opaque(Ty::Unknown, sp);
                let failure = self.value(Rvalue::Failure(error.op), Ty::result(Ty::Unknown, Ty::Unknown), sp);
                self.leave(failure, Some(Exit::Failure), sp);
                Val::never()
            }
            ExprKind::Select(arms) => self.select(arms, sp),
            ExprKind::Join(list, fails) => self.join(list, *fails, sp),
            _ => self.opaque(Ty::Unknown, sp),
        }
    }

    // ---- statements ----

    fn statements(&mut self, stmts: &'h [Stmt]) {
        for stmt in stmts {
            let mark = self.f.scopes.last().map_or(0, |scope| scope.drops.len());
            match stmt {
                Stmt::Expr(e, true) if self.detached(e) => {}
                Stmt::Let { pat: Pat::Wild, init: Some(e), .. } if self.detached(e) => {}
                Stmt::Expr(e, semicolon) => {
                    if *semicolon {
                        self.demand(e, Demand { dropped: true, ..Demand::default() });
                    }
                    self.expr(e, None);
                    self.drop_temporaries(mark, e.span);
                }
                Stmt::Let { pat, ty, init, otherwise } => {
                    self.let_statement(pat, ty.as_ref(), init.as_ref(), otherwise.as_ref());
                    let borrowed = matches!(init.as_ref().map(|init| &init.kind), Some(ExprKind::Ref(..)));
                    if let (Some(init), false) = (init, borrowed) {
                        self.drop_temporaries(mark, init.span);
                    }
                }
            }
        }
    }

    /// Unnamed values that a statement made go away at its end.
    fn drop_temporaries(&mut self, mark: usize, sp: Sp) {
        let Some(scope) = self.f.scopes.last() else { return };
        let unnamed = |local: &LocalId| self.f.locals[local.index()].name.is_none();
        let list: Vec<LocalId> = scope.drops.iter().skip(mark).rev().copied().filter(unnamed).collect();
        for local in &list {
            if !self.f.dead && !self.f.is_given(*local) {
                self.drop_local(*local, sp);
            }
        }
        if let Some(scope) = self.f.scopes.last_mut() {
            scope.drops.retain(|local| !list.contains(local));
        }
    }

    fn let_statement(
        &mut self,
        pat: &'h Pat,
        ty: Option<&'h hir::Type>,
        init: Option<&'h Expr>,
        otherwise: Option<&'h Block>,
    ) {
        let declared = ty.map(|ty| self.world.ty(ty, self.scope()));
        let Some(init) = init else {
            if let Pat::Bind { name, .. } = pat {
                let local = self.declare(*name, declared.unwrap_or_default());
                self.f.give(local);
            }
            return;
        };
        let mut value = self.expr(init, declared.as_ref());
        if let Some(declared) = declared {
            let better = match (&declared, &value.ty) {
                (Ty::Bound(_), known) if !vague(known) => known.clone(),
                (declared, known) if has_holes(declared) && !vague(known) => known.clone(),
                _ => declared,
            };
            value.ty = better;
        }
        match otherwise {
            None => self.bind(pat, &value),
            Some(otherwise) => {
                let fail = self.block();
                self.test(pat, &value, Some(fail));
                let join = self.block();
                self.goto(join);
                self.start(fail);
                self.push_scope();
                self.block_value(otherwise, None);
                self.f.scopes.pop();
                if !self.f.dead {
                    self.f.end(Terminator::Unreachable);
                }
                self.start(join);
            }
        }
    }

    pub(super) fn block_value(&mut self, block: &'h Block, expect: Option<&Ty>) -> Val {
        self.push_scope();
        let value = match block.stmts.split_last() {
            Some((Stmt::Expr(e, false), front)) => {
                self.statements(front);
                let value = self.expr(e, expect);
                self.give(&value);
                value
            }
            _ => {
                self.statements(&block.stmts);
                if self.f.dead { Val::never() } else { Val::unit() }
            }
        };
        self.pop_scope(block.close);
        if self.f.dead { Val::never() } else { value }
    }

    fn labelled(&mut self, label: Ustr, block: &'h Block, expect: Option<&Ty>, sp: Sp) -> Val {
        let (exit, result) = (self.block(), self.temp(Ty::Unknown));
        self.f.loops.push(LoopFrame { label: Some(label), exit, again: None, result, depth: self.f.scopes.len() });
        let value = self.block_value(block, expect);
        self.f.loops.pop();
        self.settle(result, &value, exit, sp);
        self.start(exit);
        self.result_of(result)
    }

    /// `async` block: runs where it stands; `return` and `?` leave only it.
    fn async_block(&mut self, block: &'h Block, sp: Sp) -> Val {
        let (exit, result) = (self.block(), self.temp(Ty::Unknown));
        let frame =
            Frame { target: Target::Inline { exit, result, depth: self.f.scopes.len() }, loops: self.f.loops.len() };
        self.f.targets.push(frame);
        let value = self.block_value(block, None);
        self.f.targets.pop();
        let leaves_early = self.f.is_reached(exit);
        self.settle(result, &value, exit, sp);
        self.start(exit);
        let span = self.span(sp);
        self.f.futures.insert(result, span);
        let ty = &self.f.tys[result.index()];
        if !self.f.dead && (ty.is_result() || ty.is_unknown() && leaves_early) {
            let (after, failed) = (self.block(), self.block());
            self.goto(after);
            self.f.ends.push(FutureEnd { result, exit, after, failed, span });
            self.start(after);
        }
        self.result_of(result)
    }

    /// Puts the value of one way into the common result and goes to where the ways meet.
    pub(super) fn settle(&mut self, result: LocalId, value: &Val, join: BlockId, sp: Sp) {
        if self.f.dead {
            return;
        }
        self.give(value);
        if value.op != Operand::Unit && value.ty != Ty::unit() {
            self.assign(Place::local(result), Rvalue::Use(value.op.clone()), sp);
        }
        self.refine(result, &value.ty);
        self.goto(join);
    }

    pub(super) fn result_of(&mut self, result: LocalId) -> Val {
        if self.f.dead {
            return Val::never();
        }
        let ty = self.f.tys[result.index()].clone();
        if ty == Ty::unit() { Val::unit() } else { Val { op: Operand::local(result), ty } }
    }

    // ---- branches ----

    fn if_value(
        &mut self,
        cond: &'h Expr,
        then: &'h Block,
        otherwise: Option<&'h Expr>,
        expect: Option<&Ty>,
        sp: Sp,
    ) -> Val {
        let (yes, no, join) = (self.block(), self.block(), self.block());
        let result = self.temp(Ty::Unknown);
        self.push_scope();
        self.condition(cond, yes, no);
        self.start(yes);
        let value = self.block_value(then, expect);
        self.settle(result, &value, join, sp);
        self.f.scopes.pop();
        self.start(no);
        match otherwise {
            Some(otherwise) => {
                let value = self.expr(otherwise, expect);
                self.settle(result, &value, join, sp);
            }
            None => self.goto(join),
        }
        self.start(join);
        self.result_of(result)
    }

    /// Branches on a condition; what its patterns bind is put into the innermost scope.
    pub(super) fn condition(&mut self, e: &'h Expr, yes: BlockId, no: BlockId) {
        match &e.kind {
            ExprKind::Binary("&&", left, right) => {
                let middle = self.block();
                self.condition(left, middle, no);
                self.start(middle);
                self.condition(right, yes, no);
            }
            ExprKind::Binary("||", left, right) => {
                let middle = self.block();
                self.condition(left, yes, middle);
                self.start(middle);
                self.condition(right, yes, no);
            }
            ExprKind::Unary(UnOp::Not, inner) => self.condition(inner, no, yes),
            ExprKind::Let(pat, inner) => {
                let value = self.expr(inner, None);
                self.test(pat, &value, Some(no));
                self.goto(yes);
            }
            ExprKind::Matches(inner, pat, guard) => {
                let value = self.expr(inner, None);
                self.push_scope();
                self.test(pat, &value, Some(no));
                match guard {
                    Some(guard) => self.condition(guard, yes, no),
                    None => self.goto(yes),
                }
                self.f.scopes.pop();
            }
            ExprKind::Method(call)
                if call.args.is_empty() && matches!(call.name.as_str(), "is_ok" | "is_err" | "is_some" | "is_none") =>
            {
                let value = self.expr(&call.recv, None);
                let negative = matches!(call.name.as_str(), "is_err" | "is_none");
                let asked = if matches!(call.name.as_str(), "is_ok" | "is_err") {
                    Cond::Succeeded(value.op)
                } else {
                    Cond::Present(value.op)
                };
                let (yes, no) = if negative { (no, yes) } else { (yes, no) };
                self.branch(asked, yes, no, e.span);
            }
            _ => {
                let value = self.expr(e, None);
                self.branch_on(&value, yes, no, e.span);
            }
        }
    }

    pub(super) fn branch_on(&mut self, value: &Val, yes: BlockId, no: BlockId, sp: Sp) {
        match &value.op {
            Operand::Const(text) if *text == "true" => self.goto(yes),
            Operand::Const(text) if *text == "false" => self.goto(no),
            Operand::Unit => self.branch(Cond::Unknown, yes, no, sp),
            op => self.branch(Cond::True(op.clone()), yes, no, sp),
        }
    }

    fn match_value(&mut self, scrutinee: &'h Expr, arms: &'h [Arm], expect: Option<&Ty>, sp: Sp) -> Val {
        let (join, result) = (self.block(), self.temp(Ty::Unknown));
        self.match_arms(scrutinee, arms, |lower, arm| {
            let value = lower.expr(&arm.body, expect);
            lower.give(&value);
            lower.pop_scope(arm.body.span);
            lower.settle(result, &value, join, sp);
        });
        self.start(join);
        self.result_of(result)
    }

    /// Runs `body` for each arm, in the scope of what its pattern binds, which it must pop.
    fn match_arms(&mut self, scrutinee: &'h Expr, arms: &'h [Arm], mut body: impl FnMut(&mut Self, &'h Arm)) {
        let value = self.expr(scrutinee, None);
        let count = arms.len();
        for (at, arm) in arms.iter().enumerate() {
            let next = self.block();
            self.push_scope();
            // The arms of a match are exhaustive: the last one needs no test.
            let fail = (at + 1 < count || arm.guard.is_some()).then_some(next);
            self.test(&arm.pat, &value, fail);
            if let Some(guard) = &arm.guard {
                let yes = self.block();
                self.condition(guard, yes, next);
                self.start(yes);
            }
            body(self, arm);
            self.start(next);
        }
        if !self.f.dead {
            self.f.end(Terminator::Unreachable);
            self.f.die();
        }
    }

    /// `inner?`
    pub(super) fn question(&mut self, inner: &'h Expr, expect: Option<&Ty>, sp: Sp) -> Val {
        let wanted = expect.filter(|ty| !vague(ty)).map(|ty| Ty::result(ty.clone(), Ty::Unknown));
        self.demand(inner, Demand { tried: true, ..Demand::default() });
        let value = self.expr(inner, wanted.as_ref());
        self.question_of(value, sp)
    }

    /// Notes what is done with what the method call `e` gives: of methods of one name, only those are meant that it can be done with.
    pub(super) fn demand(&mut self, e: &'h Expr, demand: Demand) {
        let mut e = e;
        while let ExprKind::Await(inner) = &e.kind {
            e = inner;
        }
        if matches!(e.kind, ExprKind::Method(_)) {
            let known = self.demanded.filter(|(at, _)| *at == e.span).map(|(_, known)| known).unwrap_or_default();
            let demand = Demand {
                awaited: known.awaited || demand.awaited,
                tried: known.tried || demand.tried,
                dropped: known.dropped || demand.dropped,
            };
            self.demanded = Some((e.span, demand));
        }
    }

    /// What a finished future gives: a task, its result, if it came to an end.
    pub(super) fn awaited(&self, value: Val) -> Val {
        match &value.ty {
            Ty::Ext(path, list) if path.starts_with("tokio::") && ends_as_task(*path) => {
                let ty = Ty::result(list.first().cloned().unwrap_or_default(), Ty::ext("tokio::task::JoinError", []));
                self.retype(&value, ty)
            }
            _ => value,
        }
    }

    pub(super) fn question_of(&mut self, value: Val, sp: Sp) -> Val {
        if self.f.dead {
            return Val::never();
        }
        if matches!(value.ty.peel_refs().ext_name(), Some("LockResult")) {
            return self.retype(&value, value.ty.arg(0));
        }
        let (good, bad) = (self.block(), self.block());
        let optional = value.ty.is_option();
        let cond = if optional { Cond::Present(value.op.clone()) } else { Cond::Succeeded(value.op.clone()) };
        self.branch(cond, good, bad, sp);
        self.start(bad);
        let mark = self.f.ret.clone();
        let given = value.whole().filter(|local| !self.f.is_given(*local));
        if optional {
            self.leave(Val { op: Operand::Absent, ty: Ty::option(Ty::Unknown) }, None, sp);
        } else {
            let failed = Val { op: value.op.clone(), ty: Ty::result(Ty::Unknown, Ty::Unknown) };
            self.leave(failed, Some(Exit::Failure), sp);
        }
        if mark.is_unknown() {
            self.f.ret = mark;
            self.f.fails |= !optional;
        }
        let _ = given;
        self.start(good);
        let ty = match &value.ty {
            ty if ty.is_option() || ty.is_result() => unwrapped(ty),
            // What was thought of the type lacks the wrapper.
            ty @ (Ty::Adt(..) | Ty::Ext(..)) if !vague(ty) => ty.clone(),
            _ => Ty::Unknown,
        };
        self.retype(&value, ty)
    }

    // ---- loops ----

    fn while_loop(&mut self, label: Option<Ustr>, cond: &'h Expr, body: &'h Block, sp: Sp) -> Val {
        let (head, inside, exit) = (self.block(), self.block(), self.block());
        let result = self.temp(Ty::unit());
        self.goto(head);
        self.start(head);
        let depth = self.f.scopes.len();
        self.push_scope();
        self.condition(cond, inside, exit);
        self.start(inside);
        self.f.loops.push(LoopFrame { label, exit, again: Some(head), result, depth });
        self.block_value(body, None);
        self.f.loops.pop();
        self.pop_scope(sp);
        self.goto(head);
        self.start(exit);
        Val::unit()
    }

    fn endless_loop(&mut self, label: Option<Ustr>, body: &'h Block, sp: Sp) -> Val {
        let (head, exit) = (self.block(), self.block());
        let result = self.temp(Ty::Unknown);
        self.goto(head);
        self.start(head);
        self.f.loops.push(LoopFrame { label, exit, again: Some(head), result, depth: self.f.scopes.len() });
        self.block_value(body, None);
        self.f.loops.pop();
        let _ = sp;
        self.goto(head);
        self.start(exit);
        self.result_of(result)
    }

    fn for_loop(&mut self, label: Option<Ustr>, pat: &'h Pat, iter: &'h Expr, body: &'h Block, sp: Sp) -> Val {
        let mut of = self.expr(iter, None);
        // What goes over a type of the program's own is the program's: it may read a file at each step.
        let (into_iter, next) = (ustr("into_iter"), ustr("next"));
        if !self.is_own_method(&of.ty, next) && self.is_own_method(&of.ty, into_iter) {
            of = self.method_on(of, into_iter, Vec::new(), None, iter.span, iter.span);
        }
        let (head, again, exit) = (self.block(), self.block(), self.block());
        let result = self.temp(Ty::unit());
        self.goto(head);
        self.start(head);
        let depth = self.f.scopes.len();
        self.push_scope();
        let element = if self.is_own_method(&of.ty, next) {
            let item = self.method_on(of.clone(), next, Vec::new(), None, iter.span, iter.span);
            Val { ty: unwrapped(&item.ty), ..item }
        } else {
            self.item(&of, iter.span)
        };
        self.bind(pat, &element);
        self.f.loops.push(LoopFrame { label, exit, again: Some(again), result, depth });
        self.block_value(body, None);
        self.f.loops.pop();
        self.pop_scope(sp);
        self.goto(again);
        self.start(again);
        self.branch(Cond::Unknown, head, exit, iter.span);
        self.start(exit);
        Val::unit()
    }

    /// Whether a value of type `ty` has a method `name` without arguments that the program brings itself.
    fn is_own_method(&self, ty: &Ty, name: Ustr) -> bool {
        matches!(self.world.method(ty, name, 0), Some(Method::Own(..)))
    }

    /// What an iteration over `of` binds; of a map, key and value.
    pub(super) fn item(&mut self, of: &Val, sp: Sp) -> Val {
        let is_map =
            matches!(of.ty.core(), Ty::Ext(path, _) if super::super::types::is_map(super::super::types::last(*path)));
        let element = self.element(of, sp);
        if !is_map {
            return element;
        }
        let ty = element.ty.peel_refs().clone();
        let key = self.made_of(vec![of.op.clone()], ty.arg(0), sp);
        let fields = vec![(ustr("0"), key.op), (ustr("1"), element.op)];
        self.value(Rvalue::Aggregate { type_name: None, fields, base: None }, ty, sp)
    }

    fn break_out(&mut self, label: Option<Ustr>, value: Option<&'h Expr>, sp: Sp) -> Val {
        let value = value.map(|value| self.expr(value, None));
        let base = self.f.targets.last().map_or(0, |frame| frame.loops).min(self.f.loops.len());
        let found = self.f.loops[base..].iter().rev().find(|frame| match label {
            Some(_) => frame.label == label,
            None => frame.again.is_some(),
        });
        if let Some(frame) = found.cloned() {
            if let Some(value) = value
                && !self.f.dead
            {
                self.give(&value);
                self.assign(Place::local(frame.result), Rvalue::Use(value.op.clone()), sp);
                self.refine(frame.result, &value.ty);
            } else if !self.f.dead {
                self.refine(frame.result, &Ty::unit());
            }
            self.drop_down_to(frame.depth, sp);
            self.goto(frame.exit);
        }
        self.f.die();
        Val::never()
    }

    fn select(&mut self, arms: &'h [(Pat, Expr, Expr)], sp: Sp) -> Val {
        let (join, result) = (self.block(), self.temp(Ty::Unknown));
        for (at, (pat, future, handler)) in arms.iter().enumerate() {
            let (this, next) = (self.block(), self.block());
            if at + 1 < arms.len() {
                self.branch(Cond::Unknown, this, next, future.span);
            } else {
                self.goto(this);
            }
            self.start(this);
            self.push_scope();
            let value = self.expr(future, None);
            self.f.awaited.extend(value.whole());
            self.bind(pat, &value);
            let value = self.expr(handler, None);
            self.give(&value);
            self.pop_scope(handler.span);
            self.settle(result, &value, join, sp);
            self.start(next);
        }
        self.start(join);
        self.result_of(result)
    }

    fn join(&mut self, list: &'h [Expr], fails: bool, sp: Sp) -> Val {
        let mut fields = Vec::new();
        let mut tys = Vec::new();
        let (bad, join) = (self.block(), self.block());
        let result = self.temp(Ty::Unknown);
        for (at, part) in list.iter().enumerate() {
            let mut part_val = self.expr(part, None);
            self.f.awaited.extend(part_val.whole());
            if fails {
                let good = self.block();
                let failing = self.block();
                self.branch(Cond::Succeeded(part_val.op.clone()), good, failing, part.span);
                self.start(failing);
                self.assign(Place::local(result), Rvalue::Use(part_val.op.clone()), part.span);
                self.goto(bad);
                self.start(good);
                part_val.ty = unwrapped(&part_val.ty);
            }
            fields.push((ustr(&at.to_string()), part_val.op));
            tys.push(part_val.ty);
        }
        let ty = Ty::Tuple(super::super::types::args(tys));
        let whole = self.value(Rvalue::Aggregate { type_name: None, fields, base: None }, ty.clone(), sp);
        if !fails {
            return whole;
        }
        self.assign(Place::local(result), Rvalue::Success(whole.op), sp);
        self.goto(join);
        self.start(bad);
        self.goto(join);
        self.start(join);
        let ty = Ty::result(ty, Ty::Unknown);
        self.refine(result, &ty);
        Val { op: Operand::local(result), ty }
    }

    // ---- the end of a function ----

    pub(super) fn tail_block(&mut self, block: &'h Block) {
        self.push_scope();
        match block.stmts.split_last() {
            Some((Stmt::Expr(e, false), front)) => {
                self.statements(front);
                self.tail(e);
            }
            _ => {
                self.statements(&block.stmts);
                self.leave(Val::unit(), None, block.close);
            }
        }
        self.f.scopes.pop();
    }

    /// An expression whose value the function returns: each of its ways out is a return of its own.
    fn tail(&mut self, e: &'h Expr) {
        match &e.kind {
            ExprKind::Block(block) if block.label.is_none() => self.tail_block(block),
            ExprKind::Async(block) => self.tail_block(block),
            ExprKind::Call(func, list)
                if is_pin(func) && matches!(list[..], [Expr { kind: ExprKind::Async(_), .. }]) =>
            {
                self.tail(&list[0])
            }
            ExprKind::If(cond, then, Some(otherwise)) => {
                let (yes, no) = (self.block(), self.block());
                self.push_scope();
                self.condition(cond, yes, no);
                self.start(yes);
                self.tail_block(then);
                self.f.scopes.pop();
                self.start(no);
                self.tail(otherwise);
            }
            ExprKind::Match(scrutinee, arms) => self.match_arms(scrutinee, arms, |lower, arm| {
                lower.tail(&arm.body);
                lower.f.scopes.pop();
            }),
            _ => {
                let ty = self.f.ret.clone();
                let value = self.expr(e, Some(&ty));
                self.leave(value, None, e.span);
            }
        }
    }
}

fn ends_as_task(path: Ustr) -> bool {
    super::super::types::last(path) == "JoinHandle"
}

fn is_pin(func: &Expr) -> bool {
    matches!(&func.kind, ExprKind::Path(path) if path.segs.len() >= 2 && path.last() == "pin")
}

/// The type of what a `Result` or `Option` wraps.
pub(super) fn unwrapped(ty: &Ty) -> Ty {
    let by_ref = match ty {
        Ty::Ref(mutable, _) => Some(*mutable),
        _ => None,
    };
    let inner = match ty.peel() {
        found if matches!(found.ext_name(), Some("Option" | "Result" | "Poll" | "LockResult")) => found.arg(0),
        found => found.clone(),
    };
    match (by_ref, &inner) {
        (Some(mutable), Ty::Adt(..) | Ty::Ext(..) | Ty::Bound(_) | Ty::Tuple(_)) => Ty::Ref(mutable, Arc::new(inner)),
        _ => inner,
    }
}

fn has_holes(ty: &Ty) -> bool {
    match ty {
        Ty::Unknown => true,
        Ty::Ext(_, list) | Ty::Adt(_, list) | Ty::Tuple(list) => list.iter().any(has_holes),
        Ty::Ref(_, inner) | Ty::Slice(inner) => has_holes(inner),
        _ => false,
    }
}
