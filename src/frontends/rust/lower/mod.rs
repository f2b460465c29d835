//! From [`super::hir`] to [`crate::ir`]: one function at a time.

mod call;
mod closure;
mod combinators;
mod control;
mod expr;
mod method;
mod pat;
mod state;
mod tasks;

use super::hir::{self, FnDef, Sp};
use super::types::{Scope, Ty};
use super::world::World;
use crate::ir::*;
use crate::source::{FileId, Span};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use state::{FnState, Frame, Target, Var};
use std::sync::Arc;
use thin_vec::ThinVec;
use ustr::{Ustr, ustr};

/// Marks the id of a closure until all functions have theirs; the rest is its number within the named function.
pub const CLOSURE: u32 = 1 << 31;

/// What all functions share.
pub struct Context<'h> {
    pub world: &'h World<'h>,
    /// What each row of the tables gives back, with `Self`, `Inner`, `Arg0`, `Call0`, … as type parameters.
    pub returns: &'h [Ty],
}

/// A value: where it is, and what.
#[derive(Debug, Clone)]
pub struct Val {
    pub op: Operand,
    pub ty: Ty,
}

impl Val {
    fn unit() -> Val {
        Val { op: Operand::Unit, ty: Ty::unit() }
    }

    fn never() -> Val {
        Val { op: Operand::Unit, ty: Ty::Never }
    }

    fn constant(text: &str, ty: Ty) -> Val {
        Val { op: Operand::Const(ustr(text)), ty }
    }

    /// The variable that it is the whole of.
    fn whole(&self) -> Option<LocalId> {
        match &self.op {
            Operand::Place(Place { base: Base::Local(local), steps }) if steps.is_empty() => Some(*local),
            _ => None,
        }
    }
}

/// What is done with what a method gives.
#[derive(Debug, Clone, Copy, Default)]
struct Demand {
    /// `.await`
    awaited: bool,
    /// `?`
    tried: bool,
    /// Nothing: it stands as a statement.
    dropped: bool,
}

/// Lowers one function of the workspace and the closures in it.
pub struct Lower<'h> {
    cx: &'h Context<'h>,
    world: &'h World<'h>,
    file: FileId,
    f: FnState,
    /// The functions around the closure that is being lowered.
    outer: Vec<FnState>,
    closures: Vec<Function>,
    name: Ustr,
    short_name: Ustr,
    package: PackageId,
    /// How deep closures stand in closures, for names' sake.
    depth: usize,
    /// The method call that is lowered next, and what is done with what it gives.
    demanded: Option<(Sp, Demand)>,
    /// Blocks that may still be made: bounds what inlined closures and patterns can blow up.
    budget: usize,
}

/// Most blocks of one function.
const MAX_BLOCKS: usize = 20_000;

/// The function `id` and its closures, whose ids are marked with [`CLOSURE`].
pub fn function<'h>(cx: &'h Context<'h>, id: u32) -> Option<Lowered> {
    let world = cx.world;
    let info = &world.fns[id as usize];
    let body = info.hir.body.get()?;
    let sig = world.sig(id);
    let (name, owner) = qualified_name(world, id);
    let file = world.files[info.file].file;
    let mut lower = Lower {
        cx,
        world,
        file,
        f: FnState::new(sig.scope.clone(), sig.ret.clone()),
        outer: Vec::new(),
        closures: Vec::new(),
        name,
        short_name: info.hir.name,
        package: PackageId(world.package_of(info.module) as u32),
        depth: 0,
        demanded: None,
        budget: MAX_BLOCKS,
    };
    let params = lower.params(info.hir, sig.self_ty.clone(), &sig.params);
    lower.body(&body.block);
    let mut function = lower.finish(params);
    let destructor = info.of_impl.is_some()
        && info.hir.name == "drop"
        && world.trait_name(id).is_some_and(|name| super::types::last(name) == "Drop");
    function.kind = match () {
        () if destructor => FunctionKind::Destructor,
        () if owner.is_none() && info.hir.name == "main" && world.modules[info.module as usize].path.is_empty() => {
            FunctionKind::Main
        }
        () => FunctionKind::Named,
    };
    function.owner = owner;
    // Of whom a provided method of a trait is called on nothing else is known than that.
    if sig.self_ty.is_some() {
        let receiver = function.params[0].index();
        function.locals[receiver].type_name = function.locals[receiver].type_name.or(owner);
    }
    function.interface = world.trait_name(id);
    function.span = lower.span(info.hir.span);
    function.name_span = lower.span(info.hir.name_span);
    function.docs = info.hir.docs.clone();
    function.public = info.hir.public;
    function.fallible = sig.ret.is_result();
    function.unread.extend(body.unread.iter().map(|sp| Span::new(file, sp.lo, sp.hi)));
    Some((function, lower.closures))
}

/// Stands for a function that could not be lowered.
pub fn empty(cx: &Context, id: u32) -> Function {
    let info = &cx.world.fns[id as usize];
    let file = cx.world.files[info.file].file;
    let name = qualified_name(cx.world, id).0;
    let mut function =
        closure::placeholder(name, info.hir.name, PackageId(cx.world.package_of(info.module) as u32), file);
    function.kind = FunctionKind::Named;
    function.span = Span::new(file, info.hir.span.lo, info.hir.span.hi);
    function.name_span = Span::new(file, info.hir.name_span.lo, info.hir.name_span.hi);
    function.unread.push(function.span);
    function
}

/// Qualified name of a function and of the type whose method it is.
fn qualified_name(world: &World, id: u32) -> (Ustr, Option<Ustr>) {
    let info = &world.fns[id as usize];
    let owner = match (info.of_impl, info.of_trait) {
        (Some(at), _) => {
            let own = world.impl_scope(at).self_ty.clone().unwrap_or_default();
            match own.peel() {
                _ if world.blanket(at).is_some() => world.blanket(at),
                Ty::Bound(bounds) => bounds.param.or_else(|| {
                    bounds.traits.first().map(|of| match of.id {
                        super::types::TraitId::Own(id) => world.traits[id as usize].name,
                        super::types::TraitId::Ext(path) => path,
                    })
                }),
                other => world.type_name(other),
            }
        }
        (None, Some(at)) => Some(world.traits[at as usize].name),
        (None, None) => None,
    };
    let prefix = owner.unwrap_or(world.modules[info.module as usize].path);
    (super::world::join(prefix, info.hir.name), owner)
}

impl<'h> Lower<'h> {
    fn span(&self, sp: Sp) -> Span {
        Span::new(self.file, sp.lo, sp.hi)
    }

    fn scope(&self) -> &Scope {
        &self.f.scope
    }

    fn params(&mut self, def: &'h FnDef, self_ty: Option<Ty>, tys: &[Ty]) -> Vec<LocalId> {
        let mut params = Vec::new();
        if let Some(ty) = self_ty {
            params.push(self.declare(ustr("self"), ty));
        }
        let mut later = Vec::new();
        for ((pat, _), ty) in def.params.iter().zip(tys) {
            match pat {
                hir::Pat::Bind { name, sub: None, .. } => params.push(self.declare(*name, ty.clone())),
                pat => {
                    let local = self.temp(ty.clone());
                    params.push(local);
                    later.push((pat, local, ty.clone()));
                }
            }
        }
        // What is shared goes on where it came from.
        let shares_itself = def.self_ty.as_ref().is_some_and(|ty| self.world.ty(ty, self.scope()).is_shared());
        for (number, &local) in params.iter().enumerate() {
            if self.f.tys[local.index()].is_shared() || number == 0 && shares_itself {
                self.f.locals[local.index()].lent = true;
                self.f.scopes.iter_mut().for_each(|scope| scope.drops.retain(|owned| *owned != local));
            }
        }
        for (pat, local, ty) in later {
            self.bind(pat, &Val { op: Operand::local(local), ty });
        }
        params
    }

    fn body(&mut self, body: &'h hir::Block) {
        self.f.targets.push(Frame { target: Target::Function, loops: 0 });
        self.tail_block(body);
    }

    fn finish(&mut self, params: Vec<LocalId>) -> Function {
        let state = &mut self.f;
        state.part_failures();
        let mut blocks = state.take_blocks();
        // All of them are kept to the end.
        blocks.shrink_to_fit();
        blocks.iter_mut().for_each(|block| block.insts.shrink_to_fit());
        let tasks = tasks::tasks(&blocks, state, self.world.apis);
        state.locals.shrink_to_fit();
        Function {
            name: self.name,
            short_name: self.short_name,
            package: self.package,
            kind: FunctionKind::Named,
            owner: None,
            interface: None,
            file: self.file,
            span: Span::new(self.file, 0, 0),
            name_span: Span::new(self.file, 0, 0),
            docs: String::new(),
            public: false,
            fallible: false,
            params,
            locals: std::mem::take(&mut state.locals),
            blocks,
            tasks,
            waits: std::mem::take(&mut state.waits),
            unread: std::mem::take(&mut state.unread),
        }
    }

    // ---- variables ----

    fn new_local(&mut self, name: Option<Ustr>, ty: Ty) -> LocalId {
        let id = LocalId(self.f.locals.len() as u32);
        let (kind, type_name) = (self.world.kind(&ty), self.world.type_name(&ty));
        let lent = matches!(ty, Ty::Ref(..));
        self.f.locals.push(Local { name, kind, type_name, lent });
        self.f.tys.push(ty);
        id
    }

    fn temp(&mut self, ty: Ty) -> LocalId {
        self.new_local(None, ty)
    }

    /// A variable that the text names.
    fn declare(&mut self, name: Ustr, ty: Ty) -> LocalId {
        let id = self.new_local(Some(name), ty.clone());
        let owns = self.world.holds_handle(&ty, 0);
        let scope = self.f.scopes.last_mut().expect("a function has a scope");
        scope.vars.push((name, Var { place: Place::local(id), ty }));
        if owns {
            scope.drops.push(id);
        }
        id
    }

    /// What the text means by `name`, looking outwards; variables around a closure are captured.
    fn variable(&mut self, name: Ustr) -> Option<Var> {
        self.variable_at(self.outer.len(), name)
    }

    fn variable_at(&mut self, level: usize, name: Ustr) -> Option<Var> {
        let here = self.outer.len();
        let state = if level == here { &self.f } else { &self.outer[level] };
        if let Some(found) = state.find(name) {
            return Some(found);
        }
        if level == 0 {
            return None;
        }
        let found = self.variable_at(level - 1, name)?;
        let state = if level == here { &mut self.f } else { &mut self.outer[level] };
        let mut place = Place::local(LocalId(0));
        place.steps.push(Step::Field { name, owner: None });
        let var = Var { place, ty: found.ty.clone() };
        state.captures.push((name, Operand::Place(found.place), found.ty));
        state.scopes[0].vars.push((name, var.clone()));
        Some(var)
    }

    // ---- instructions ----

    fn emit(&mut self, kind: InstKind, sp: Sp) {
        self.emit_at(kind, sp, sp);
    }

    fn emit_at(&mut self, kind: InstKind, sp: Sp, focus: Sp) {
        let (span, focus) = (self.span(sp), self.span(focus));
        let at = self.f.cur.index();
        self.f.blocks[at].insts.push(Inst { kind, span, focus });
    }

    fn assign(&mut self, place: Place, value: Rvalue, sp: Sp) {
        self.emit(InstKind::Assign { place, value }, sp);
    }

    /// A temporary that holds `value`.
    fn value(&mut self, value: Rvalue, ty: Ty, sp: Sp) -> Val {
        let local = self.temp(ty.clone());
        match &value {
            Rvalue::Success(_) => drop(self.f.wrapped.insert(local, true)),
            Rvalue::Failure(_) => drop(self.f.wrapped.insert(local, false)),
            _ => {}
        }
        self.assign(Place::local(local), value, sp);
        Val { op: Operand::local(local), ty }
    }

    fn opaque(&mut self, ty: Ty, sp: Sp) -> Val {
        self.made_of(Vec::new(), ty, sp)
    }

    /// Something new that may have in it what `parts` hold.
    fn made_of(&mut self, parts: Vec<Operand>, ty: Ty, sp: Sp) -> Val {
        self.value(Rvalue::Opaque(parts), ty, sp)
    }

    fn operation(&mut self, op: &str, args: Vec<Operand>, ty: Ty, sp: Sp) -> Val {
        self.value(Rvalue::Op { op: ustr(op), args }, ty, sp)
    }

    /// The same value under a type that fits better.
    fn retype(&self, val: &Val, ty: Ty) -> Val {
        Val { op: val.op.clone(), ty }
    }

    /// A value's part.
    fn project(&mut self, val: &Val, step: Step, ty: Ty, sp: Sp) -> Val {
        match &val.op {
            Operand::Place(place) if place.steps.len() < 12 => {
                let mut place = place.clone();
                place.steps.push(step);
                Val { op: Operand::Place(place), ty }
            }
            _ => self.opaque(ty, sp),
        }
    }

    fn element(&mut self, of: &Val, sp: Sp) -> Val {
        let mut ty = of.ty.element();
        if let Ty::Ref(mutable, _) = &of.ty {
            ty = Ty::Ref(*mutable, Arc::new(ty));
        }
        self.project(of, Step::Element, ty, sp)
    }

    // ---- blocks ----

    fn block(&mut self) -> BlockId {
        self.budget = self.budget.saturating_sub(1);
        self.f.new_block()
    }

    fn goto(&mut self, to: BlockId) {
        self.f.goto(to);
    }

    fn start(&mut self, at: BlockId) {
        self.f.start(at);
    }

    fn branch(&mut self, cond: Cond, then: BlockId, otherwise: BlockId, sp: Sp) {
        let span = self.span(sp);
        self.f.branch(cond, then, otherwise, span);
    }

    fn abort(&mut self) {
        self.f.end(Terminator::Abort);
    }

    // ---- moves and drops ----

    /// The value is given away: nothing goes away here at the end of the scope.
    fn give(&mut self, val: &Val) {
        if let Some(local) = val.whole()
            && !matches!(self.f.tys[local.index()], Ty::Ref(..))
        {
            self.f.give(local);
        }
    }

    fn push_scope(&mut self) {
        self.f.scopes.push(Default::default());
    }

    fn pop_scope(&mut self, sp: Sp) {
        let depth = self.f.scopes.len() - 1;
        self.drop_down_to(depth, sp);
        self.f.scopes.pop();
    }

    /// Drops what the scopes from `depth` on own.
    fn drop_down_to(&mut self, depth: usize, sp: Sp) {
        if self.f.dead {
            return;
        }
        for at in (depth..self.f.scopes.len()).rev() {
            let list: SmallVec<[LocalId; 4]> = self.f.scopes[at].drops.iter().rev().copied().collect();
            for local in list {
                if !self.f.is_given(local) {
                    self.drop_local(local, sp);
                }
            }
        }
    }

    fn drop_local(&mut self, local: LocalId, sp: Sp) {
        let ty = self.f.tys[local.index()].clone();
        self.run_destructor(&ty, Operand::local(local), sp, 0);
        self.emit(InstKind::Drop(local), sp);
    }

    /// Calls the workspace's own `Drop` of a type and of what it owns.
    fn run_destructor(&mut self, ty: &Ty, op: Operand, sp: Sp, depth: usize) {
        let Ty::Adt(id, list) = ty.core() else { return };
        if depth > 3 {
            return;
        }
        if let Some(&dropper) = self.world.tables.droppers.get(id)
            && let Some(func) = self.world.fns[dropper as usize].func()
        {
            let result = self.temp(Ty::unit());
            let arg = Arg { value: op.clone(), kind: ValueKind::Aggregate, passing: Passing::Mutable };
            let callee = Callee::Functions(SmallVec::from_slice(&[func]));
            self.emit(
                InstKind::Call(Call {
                    callee,
                    name: ustr("drop"),
                    args: vec![arg],
                    result,
                    fallible: false,
                    guessed: false,
                }),
                sp,
            );
        }
        let super::world::AdtData::Struct(fields) = &self.world.adts[*id as usize].data else { return };
        let Operand::Place(place) = op else { return };
        for (name, _) in &fields.list {
            let Some(ty) = self.world.field(*id, list, None, *name) else { continue };
            if self.has_destructor(&ty, 0) {
                let mut part = place.clone();
                part.steps.push(Step::Field { name: *name, owner: Some(self.world.adts[*id as usize].name) });
                self.run_destructor(&ty, Operand::Place(part), sp, depth + 1);
            }
        }
    }

    fn has_destructor(&self, ty: &Ty, depth: usize) -> bool {
        if depth > 3 || !self.world.holds_handle(ty, 0) {
            return false;
        }
        let Ty::Adt(id, list) = ty.core() else { return false };
        if self.world.tables.droppers.contains_key(id) {
            return true;
        }
        let super::world::AdtData::Struct(fields) = &self.world.adts[*id as usize].data else { return false };
        fields.list.iter().any(|(name, _)| {
            self.world.field(*id, list, None, *name).is_some_and(|ty| self.has_destructor(&ty, depth + 1))
        })
    }

    // ---- leaving ----

    /// Leaves the function, inlined closure or async block with `val`.
    fn leave(&mut self, val: Val, exit: Option<Exit>, sp: Sp) {
        if self.f.dead {
            return;
        }
        if self.f.ret.is_unknown() && !matches!(val.ty, Ty::Never | Ty::Unknown) {
            self.f.ret = val.ty.clone();
        }
        self.give(&val);
        match self.f.targets.last().map(|frame| frame.target.clone()) {
            Some(Target::Inline { exit: to, result, depth }) => {
                if val.op != Operand::Unit {
                    self.assign(Place::local(result), Rvalue::Use(val.op.clone()), sp);
                }
                self.refine(result, &val.ty);
                self.drop_down_to(depth, sp);
                self.goto(to);
            }
            _ => {
                self.drop_down_to(0, sp);
                let exit = exit.unwrap_or_else(|| self.exit_of(&val));
                if exit == Exit::Failure {
                    self.f.fails = true;
                }
                let span = self.span(sp);
                self.f.end(Terminator::Return { value: val.op, exit, span });
            }
        }
        self.f.die();
    }

    fn exit_of(&self, val: &Val) -> Exit {
        if !self.f.ret.is_unknown() && !self.f.ret.is_result() {
            return Exit::Success;
        }
        match val.whole().and_then(|local| self.f.wrapped.get(&local)) {
            Some(true) => Exit::Success,
            Some(false) => Exit::Failure,
            None if val.op == Operand::Unit => Exit::Success,
            None => Exit::AsValue,
        }
    }

    /// A variable's type is better known now.
    fn refine(&mut self, local: LocalId, ty: &Ty) {
        if matches!(ty, Ty::Unknown | Ty::Never) || !vague(&self.f.tys[local.index()]) {
            return;
        }
        self.f.tys[local.index()] = ty.clone();
        let (kind, type_name) = (self.world.kind(ty), self.world.type_name(ty));
        let known = &mut self.f.locals[local.index()];
        known.kind = kind;
        known.type_name = type_name;
        let owns = self.world.holds_handle(ty, 0);
        for scope in self.f.scopes.iter_mut().rev() {
            for (_, var) in scope.vars.iter_mut().rev() {
                if var.place == Place::local(local) {
                    var.ty = ty.clone();
                    if owns && !scope.drops.contains(&local) {
                        scope.drops.push(local);
                    }
                    return;
                }
            }
        }
    }
}

/// Nothing, or no more than the wrapper, is known of the type.
fn vague(ty: &Ty) -> bool {
    match ty {
        Ty::Unknown | Ty::Never => true,
        Ty::Ext(path, list) => {
            let name = super::types::last(*path);
            let wraps = matches!(name, "Option" | "Result" | "Vec" | "VecDeque" | "HashMap" | "BTreeMap")
                || super::types::is_pointer(name);
            wraps && (list.is_empty() || list.iter().take(2).any(vague) && !matches!(name, "Result"))
        }
        _ => false,
    }
}

/// The types that the rows of the tables give back.
pub fn row_types(world: &World, parsed: &[Option<hir::Type>]) -> Vec<Ty> {
    let holder = |name: &str| {
        (ustr(name), Ty::Bound(Arc::new(super::types::Bounds { param: Some(ustr(name)), traits: Vec::new() })))
    };
    let mut params = vec![holder("Self"), holder("Inner")];
    params.extend((0..call::NAMED_ARGS).flat_map(|at| [holder(&format!("Arg{at}")), holder(&format!("Call{at}"))]));
    let scope = Scope { module: super::world::OUTSIDE, params, self_ty: Some(holder("Self").1), of_impl: None };
    parsed.iter().map(|ty| ty.as_ref().map_or(Ty::Unknown, |ty| world.ty(ty, &scope))).collect()
}

/// A function and the closures in it.
pub type Lowered = (Function, Vec<Function>);

/// Gives the functions that are called their ids, in what was lowered when others had been numbered: `now` gives a function's id, unless
/// it has none any more. Nothing is given back where something must be lowered anew for that: of all that could be called there, none
/// has an id.
pub fn renumber_callees(mut lowered: Lowered, now: impl Fn(FuncId) -> Option<FuncId>) -> Option<Lowered> {
    for function in std::iter::once(&mut lowered.0).chain(&mut lowered.1) {
        for inst in function.blocks.iter_mut().flat_map(|block| &mut block.insts) {
            let called = match &mut inst.kind {
                InstKind::Assign { value: Rvalue::FunctionValue(functions), .. } => {
                    *functions = functions.iter().filter_map(|id| now(*id)).collect();
                    functions.len()
                }
                InstKind::Call(Call { callee: Callee::Functions(functions), .. }) => {
                    *functions = functions.iter().filter_map(|id| now(*id)).collect();
                    functions.len()
                }
                _ => continue,
            };
            if called == 0 {
                return None;
            }
        }
    }
    Some(lowered)
}

/// Gives closures their ids: `base` is that of the function's first closure.
pub fn renumber(function: &mut Function, own: FuncId, base: u32) {
    let fix = |id: &mut FuncId| {
        if id.0 == CLOSURE_PARENT {
            *id = own;
        } else if id.0 & CLOSURE != 0 {
            id.0 = base + (id.0 & !CLOSURE);
        }
    };
    if let FunctionKind::Closure { parent } = &mut function.kind {
        fix(parent);
    }
    for inst in function.blocks.iter_mut().flat_map(|block| &mut block.insts) {
        if let InstKind::Assign { value: Rvalue::Closure { function, .. }, .. } = &mut inst.kind {
            fix(function);
        }
    }
}

/// Stands for the named function as the parent of its closures.
pub const CLOSURE_PARENT: u32 = u32::MAX;

type Bindings = Vec<(Ustr, Ty)>;
type Wrapped = FxHashMap<LocalId, bool>;
