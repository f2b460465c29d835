//! Closures: as functions of their own, or inlined where they are called.

use super::*;
use crate::frontends::rust::hir::{Closure, Expr, ExprKind};

/// Most closures in closures.
const MAX_NESTED: usize = 16;

/// What is known of a closure besides its body.
struct Shape {
    list: Vec<LocalId>,
    tys: Vec<Ty>,
    head: Sp,
    moves: bool,
    /// It runs once: what it captured goes away at its end.
    once: bool,
}

impl<'h> Lower<'h> {
    /// A closure as a value: a function with what it captures.
    pub(super) fn closure_value(&mut self, closure: &'h Closure, params: &[Ty], sp: Sp) -> Val {
        self.closure_run(closure, params, false, sp)
    }

    /// [`Self::closure_value`] of one that is run `once`, or as often as its callee likes.
    fn closure_run(&mut self, closure: &'h Closure, params: &[Ty], once: bool, sp: Sp) -> Val {
        if self.outer.len() > MAX_NESTED {
            return self.opaque(Ty::Unknown, sp);
        }
        let ret = closure.ret.as_ref().map(|ty| self.world.ty(ty, self.scope())).unwrap_or_default();
        let open = self.open_closure(ret);
        let mut list = vec![self.temp(Ty::Unknown)];
        let mut later = Vec::new();
        for (at, (pat, ty)) in closure.params.iter().enumerate() {
            let ty = match ty {
                Some(ty) => self.world.ty(ty, self.scope()),
                None => params.get(at).cloned().unwrap_or_default(),
            };
            match pat {
                hir::Pat::Bind { name, sub: None, .. } => list.push(self.declare(*name, ty)),
                pat => {
                    let local = self.temp(ty.clone());
                    list.push(local);
                    later.push((pat, Val { op: Operand::local(local), ty }));
                }
            }
        }
        for (pat, value) in later {
            self.bind(pat, &value);
        }
        self.f.targets.push(Frame { target: Target::Function, loops: 0 });
        self.closure_body(&closure.body);
        let tys = (0..closure.params.len()).map(|at| params.get(at).cloned().unwrap_or_default()).collect();
        let shape = Shape { list, tys, head: closure.head, moves: closure.moves, once: once && closure.moves };
        self.close_closure(open, shape, sp)
    }

    /// A block that runs some time later, as a function value.
    fn block_as_value(&mut self, block: &'h hir::Block, sp: Sp) -> Val {
        let open = self.open_closure(Ty::Unknown);
        let list = vec![self.temp(Ty::Unknown)];
        self.f.targets.push(Frame { target: Target::Function, loops: 0 });
        self.tail_block(block);
        self.close_closure(open, Shape { list, tys: Vec::new(), head: sp, moves: true, once: true }, sp)
    }

    /// A task that is started and not waited for (`spawn(async { … });`): its body is a function that nobody is known to call.
    /// False if `e` is none.
    pub(super) fn detached(&mut self, e: &'h Expr) -> bool {
        let (name, body) = match &e.kind {
            ExprKind::Call(func, list) => match (&func.kind, &list[..]) {
                (ExprKind::Path(path), [body]) => (path.last(), body),
                _ => return false,
            },
            ExprKind::Method(call) => match &call.args[..] {
                // Threads of a scope are waited for at its end.
                [_] if is_scope(&call.recv) => return false,
                [body] => (call.name, body),
                _ => return false,
            },
            _ => return false,
        };
        if !starts_a_task(&name) || self.outer.len() > MAX_NESTED {
            return false;
        }
        let value = match &body.kind {
            ExprKind::Async(block) => self.block_as_value(block, body.span),
            ExprKind::Closure(closure) if closure.params.is_empty() => self.closure_run(closure, &[], true, body.span),
            _ => return false,
        };
        self.emit_call(Callee::Unknown, name, vec![(value, Passing::Move)], Ty::Unknown, false, e.span, e.span);
        true
    }

    /// Begins a function for a closure; [`Self::close_closure`] ends it.
    fn open_closure(&mut self, ret: Ty) -> (usize, Ustr) {
        let inner = FnState::new(self.f.scope.clone(), ret);
        let outer = std::mem::replace(&mut self.f, inner);
        self.outer.push(outer);
        let name = self.name;
        self.name = ustr(&format!("{name}::{{closure}}"));
        self.closures.push(placeholder(self.name, self.short_name, self.package, self.file));
        (self.closures.len() - 1, name)
    }

    fn close_closure(&mut self, (number, name): (usize, Ustr), shape: Shape, sp: Sp) -> Val {
        let mut function = self.finish(shape.list);
        let outer = self.outer.pop().expect("open_closure pushed it");
        let state = std::mem::replace(&mut self.f, outer);
        self.name = name;
        function.kind = FunctionKind::Closure { parent: FuncId(CLOSURE_PARENT) };
        function.span = self.span(sp);
        function.name_span = self.span(shape.head);
        function.fallible = state.ret.is_result() || (state.ret.is_unknown() && state.fails);
        if shape.once {
            self.let_captures_go(&mut function, &state.captures);
        }
        self.closures[number] = function;
        if shape.moves {
            for (_, op, ty) in &state.captures {
                self.give(&Val { op: op.clone(), ty: ty.clone() });
            }
        }
        let captures = state.captures.into_iter().map(|(name, op, _)| (name, op)).collect();
        let value = Rvalue::Closure { function: FuncId(CLOSURE | number as u32), captures };
        self.value(value, Ty::Fn(Arc::new((shape.tys, state.ret))), sp)
    }

    /// What `function` captured and did not give away goes away where it returns.
    fn let_captures_go(&self, function: &mut Function, captures: &[(Ustr, Operand, Ty)]) {
        for (name, _, ty) in captures {
            let mut place = Place::local(LocalId(0));
            place.steps.push(Step::Field { name: *name, owner: None });
            let place = Operand::Place(place);
            if matches!(ty, Ty::Ref(..)) || !self.world.holds_handle(ty, 0) || gives(function, &place) {
                continue;
            }
            let local = LocalId(function.locals.len() as u32);
            let (kind, type_name) = (self.world.kind(ty), self.world.type_name(ty));
            function.locals.push(Local { name: Some(*name), kind, type_name, lent: false });
            for block in &mut function.blocks {
                let Terminator::Return { span, .. } = block.end else { continue };
                let assign = InstKind::Assign { place: Place::local(local), value: Rvalue::Use(place.clone()) };
                block.insts.extend([assign, InstKind::Drop(local)].map(|kind| Inst { kind, span, focus: span }));
            }
        }
    }

    fn closure_body(&mut self, body: &'h Expr) {
        match &body.kind {
            ExprKind::Block(block) if block.label.is_none() => self.tail_block(block),
            ExprKind::Async(block) => self.tail_block(block),
            _ => {
                let ty = self.f.ret.clone();
                let value = self.expr(body, Some(&ty));
                self.leave(value, None, body.span);
            }
        }
    }

    /// Runs a function value here: a closure literal is inlined, anything else is called.
    pub(super) fn apply(&mut self, f: &'h Expr, args: &[Val], sp: Sp) -> Val {
        match &f.kind {
            ExprKind::Closure(closure) => self.inline(closure, args, sp),
            ExprKind::Path(path) if path.single().is_none_or(|name| self.variable(name).is_none()) => {
                self.call_path(path, args.to_vec(), None, sp, f.span)
            }
            _ => {
                let callee = self.expr(f, None);
                self.call_value(callee, args.to_vec(), sp)
            }
        }
    }

    pub(super) fn inline(&mut self, closure: &'h Closure, args: &[Val], sp: Sp) -> Val {
        if self.depth > 24 || self.budget == 0 {
            return self.opaque(Ty::Unknown, sp);
        }
        self.depth += 1;
        let (exit, result) = (self.block(), self.temp(Ty::Unknown));
        let depth = self.f.scopes.len();
        self.push_scope();
        for (at, (pat, ty)) in closure.params.iter().enumerate() {
            let mut value = match args.get(at) {
                Some(value) => value.clone(),
                None => self.opaque(Ty::Unknown, sp),
            };
            if let Some(ty) = ty {
                let declared = self.world.ty(ty, self.scope());
                if !vague(&declared) {
                    value.ty = declared;
                }
            }
            self.bind(pat, &value);
        }
        self.f.targets.push(Frame { target: Target::Inline { exit, result, depth }, loops: self.f.loops.len() });
        let ty = closure.ret.as_ref().map(|ty| self.world.ty(ty, self.scope()));
        let value = self.expr(&closure.body, ty.as_ref());
        self.f.targets.pop();
        self.give(&value);
        self.pop_scope(closure.body.span);
        // One way out: the value needs no variable of its own.
        let untouched = !self.f.dead && !self.f.is_reached(exit);
        self.depth -= 1;
        if untouched {
            return match ty {
                Some(ty) if !vague(&ty) => self.retype(&value, ty),
                _ => value,
            };
        }
        self.settle(result, &value, exit, sp);
        self.start(exit);
        self.result_of(result)
    }
}

/// Whether `function` gives the value away, or another name.
fn gives(function: &Function, value: &Operand) -> bool {
    let in_rvalue = |rvalue: &Rvalue| match rvalue {
        Rvalue::Use(operand) | Rvalue::Success(operand) | Rvalue::Failure(operand) => operand == value,
        Rvalue::Aggregate { fields, base, .. } => {
            fields.iter().any(|(_, operand)| operand == value) || base.as_ref() == Some(value)
        }
        Rvalue::Closure { captures, .. } => captures.iter().any(|(_, operand)| operand == value),
        Rvalue::Op { args, .. } => args.contains(value),
        Rvalue::FunctionValue(_) | Rvalue::Opaque(_) => false,
    };
    function.blocks.iter().any(|block| {
        let returned = matches!(&block.end, Terminator::Return { value: returned, .. } if returned == value);
        returned
            || block.insts.iter().any(|inst| match &inst.kind {
                InstKind::Assign { value, .. } => in_rvalue(value),
                InstKind::Call(call) => call.args.iter().any(|arg| arg.passing == Passing::Move && arg.value == *value),
                InstKind::Drop(_) => false,
            })
    })
}

/// Whether a function of this name runs what it is given beside what follows.
pub(super) fn starts_a_task(name: &str) -> bool {
    matches!(name, "spawn" | "spawn_blocking" | "spawn_local" | "execute")
}

pub(super) fn placeholder(name: Ustr, short_name: Ustr, package: PackageId, file: FileId) -> Function {
    Function {
        name,
        short_name,
        package,
        kind: FunctionKind::Closure { parent: FuncId(CLOSURE_PARENT) },
        owner: None,
        interface: None,
        file,
        span: Span::new(file, 0, 0),
        name_span: Span::new(file, 0, 0),
        docs: String::new(),
        public: false,
        fallible: false,
        params: Vec::new(),
        locals: Vec::new(),
        blocks: Vec::new(),
        tasks: Vec::new(),
        waits: Vec::new(),
        unread: Vec::new(),
    }
}

/// Whether the variable is by its name the scope of scoped threads.
fn is_scope(e: &Expr) -> bool {
    let ExprKind::Path(path) = &e.kind else { return false };
    path.single().is_some_and(|name| matches!(name.as_str(), "s" | "sc" | "scope"))
}
