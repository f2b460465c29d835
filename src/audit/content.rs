//! Where content goes that was read: whether it gets, changed or not, into something that is written. Told by assignments and calls
//! alone, whatever their order: what a variable holds is in all that it is made part of, and so is what any value of a type keeps in a field.
//!
//! This is asked in two ways. Of the *very value*: by variables and their parts, and out of a function only to where it was entered from. And of
//! *some value of its type*: fields are followed from wherever they are filled to wherever they are read, which operations have in common.
//! What goes through code that was not seen may be missed by both. So that nothing is found proves nothing; that something is found of the very
//! value is needed, besides all else, to call what is written a successor of what was read.

use super::deeds::writes;
use super::evidence::Evidence;
use crate::apis::{Api, Apis, Slot};
use crate::effects::Effect;
use crate::flow::state::Origin;
use crate::flow::summary::Did;
use crate::ir::{
    Base, Call, Callee, Exit, FuncId, Function, FunctionKind, Inst, InstKind, Local, LocalId, Operand, Passing, Place,
    Program, Rvalue, Step, Terminator, ValueKind,
};
use crate::source::Span;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::rc::Rc;
use ustr::Ustr;

/// Something that holds content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Var {
    /// A variable.
    Local(FuncId, LocalId),
    /// What a function puts into a parameter, for whoever gave it.
    Out(FuncId, LocalId),
    /// What a function gives back.
    Return(FuncId),
    /// What a function value in a variable is called with.
    Asked(FuncId, LocalId),
    /// What a closure captures by a name.
    Captured(FuncId, Ustr),
    /// A global variable.
    Global(Ustr),
}

/// A step down: a field, and the type that declares it, if that is known.
type Down = (Ustr, Option<Ustr>);

/// A part of a variable.
#[derive(Debug, Clone)]
struct Spot {
    var: Var,
    path: SmallVec<[Down; 2]>,
    /// The type of the variable is known: it is told by its fields.
    typed: bool,
}

/// How far a step of content leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Not out of its function.
    Within,
    /// Into a function that is called here.
    Enter(Origin),
    /// Back out of it to where it was called.
    Leave(Origin),
}

/// What is at one spot may be at another afterwards.
#[derive(Debug, Clone)]
struct Move {
    from: Spot,
    /// What is there is taken apart out of sight: all fields of this type may be meant, whosever they are.
    all_of: Option<Ustr>,
    to: Spot,
    /// What is in a part of it is in the same part there.
    keeps_parts: bool,
    way: Way,
    /// Whether this holds of the very value, or only of some value of its type.
    of: Holds,
}

/// Of what a [`Move`] tells something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// Of the value, and so of some value of its type.
    Both,
    /// Of the value alone.
    Value,
    /// Of some value of the type alone.
    Type,
}

/// As [`Var`], with the fields of all values of a type in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    /// Something that holds content.
    Var(Var),
    /// A field of all values of a type.
    Field(Ustr, Ustr),
    /// All fields of all values of a type.
    Whole(Ustr),
}

impl Spot {
    /// What holds it, where values of a type are not told apart: its last field whose type is known, or else the variable.
    fn holder(&self) -> Node {
        let field = self.path.iter().rev().find_map(|&(name, owner)| Some(Node::Field(owner?, name)));
        field.unwrap_or(Node::Var(self.var))
    }

    /// What is to be filled where it is.
    fn filled(&self) -> impl Iterator<Item = Node> + use<> {
        let holder = self.holder();
        let whole = match holder {
            Node::Field(owner, _) => Some(Node::Whole(owner)),
            Node::Var(_) | Node::Whole(_) => None,
        };
        // A variable of a known type is told by its fields.
        let base = matches!(self.var, Var::Local(..)).then_some(Node::Var(self.var)).filter(|_| !self.typed);
        [Some(holder), whole, base].into_iter().flatten()
    }

    /// A field of it.
    fn part(&self, name: Ustr, owner: Option<Ustr>) -> Spot {
        let mut part = self.clone();
        part.path.push((name, owner));
        part
    }
}

/// What one function does with content.
#[derive(Default)]
struct Text {
    /// Where it goes.
    moves: Vec<Move>,
    /// What reads put content into, by where they stand.
    reads: FxHashMap<Span, Vec<Spot>>,
    /// What writes take content from, each with the type that is taken apart if one is.
    writes: FxHashMap<Span, Vec<(Spot, Option<Ustr>)>>,
    /// The functions that it calls or hands on.
    below: Vec<FuncId>,
}

/// How sure it is that what is read gets into what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    /// The very value that was filled there does.
    Surely,
    /// Some value of the same type does, and it cannot be told which.
    ByType,
}

/// Of one function with all below it: reads, and writes that what they read may get into.
type CarriedPairs = FxHashMap<(Origin, Origin), Carried>;

/// Places, shared by who asks for them again.
pub(super) type Origins = Rc<FxHashSet<Origin>>;

/// What is known so far.
#[derive(Default)]
pub(super) struct Contents {
    texts: RefCell<FxHashMap<FuncId, Rc<Text>>>,
    carried: RefCell<FxHashMap<FuncId, Rc<CarriedPairs>>>,
    /// Of a store, told by its first operation, and one of its checkpoints: see [`Evidence::stand_ins`].
    pub(super) stand_ins: RefCell<FxHashMap<(FuncId, FuncId), Origins>>,
}

/// So many functions below one are looked at, the nearest first.
const MAX_BELOW: usize = 2000;
/// So many fields down a part is told from others.
const MAX_PATH: usize = 4;
/// So many calls that content went into are known when it comes out again; where there were more, it comes out at any.
const MAX_CALLS: usize = 2;
/// So many spots are followed from one read; what lies beyond is not found.
const MAX_FOLLOWED: usize = 200_000;

impl Evidence<'_> {
    /// Whether the very value that is read at `read` gets into what is written at `written`, both in `function` or below it.
    pub(super) fn is_carried(&self, function: FuncId, read: Origin, written: Origin) -> bool {
        read == written || self.carried(function).get(&(read, written)) == Some(&Carried::Surely)
    }

    /// Whether something plain that `function` is given, no record, path or handle, gets into what is written at `written`, in it or below it.
    pub(super) fn is_given(&self, function: FuncId, written: Origin) -> bool {
        let body = &self.program.functions[function.index()];
        let is_plain = |local: &Local| {
            let is_told = is_handle(local.kind) || matches!(local.kind, ValueKind::Path | ValueKind::Function);
            !is_told && local.type_name.is_none()
        };
        let plain = body.params.iter().copied().filter(|param| is_plain(&body.locals[param.index()]));
        let given: Vec<Spot> =
            plain.map(|param| Spot { var: Var::Local(function, param), path: SmallVec::new(), typed: false }).collect();
        let texts = self.texts_below(&[function]);
        let parts = followed(&given, &moves(&texts));
        let taken = self.text(written.function).writes.get(&written.span).cloned().unwrap_or_default();
        taken.iter().any(|(spot, _)| is_in(spot, &parts))
    }

    /// How sure it is that anything that `function` reads gets into what is written at `written`; `None` if that was not seen.
    pub(super) fn carries_into(&self, function: FuncId, written: Origin) -> Option<Carried> {
        let read = self.deeds(function).iter().filter(|deed| deed.did == Did::Read && !deed.failing);
        let pairs = self.carried(function);
        let of = |read: Origin| match read == written {
            true => Some(Carried::Surely),
            false => pairs.get(&(read, written)).copied(),
        };
        let found: Vec<Carried> = read.filter_map(|deed| of(deed.trace.origin())).collect();
        found.iter().find(|carried| **carried == Carried::Surely).or(found.first()).copied()
    }

    /// Of the writes `written`, all below `operations`, those that get something which is given to one of these, and which one of the writes
    /// `other` gets as well.
    pub(super) fn sharing_a_source(
        &self,
        operations: &[FuncId],
        other: &FxHashSet<Origin>,
        written: &FxHashSet<Origin>,
    ) -> FxHashSet<Origin> {
        let mut sharing = FxHashSet::default();
        if other.is_empty() || written.is_empty() {
            return sharing;
        }
        let ways = ways(&self.texts_below(operations));
        for &operation in operations {
            let function = &self.program.functions[operation.index()];
            for &param in &function.params {
                let local = &function.locals[param.index()];
                let is_own = local.type_name.is_some() && local.type_name == self.owner(operation);
                if is_own || is_handle(local.kind) || matches!(local.kind, ValueKind::Path | ValueKind::Function) {
                    continue;
                }
                let fields = ways.keys().filter(|node| match node {
                    Node::Field(owner, _) => Some(*owner) == local.type_name,
                    _ => false,
                });
                let given: Vec<Node> = fields.copied().chain([Node::Var(Var::Local(operation, param))]).collect();
                let reached = reached(&given, &ways);
                let gets = |written: &&Origin| self.taken(**written).iter().any(|node| reached.contains(node));
                if other.iter().any(|write| gets(&write)) {
                    sharing.extend(written.iter().filter(gets));
                }
            }
        }
        sharing
    }

    /// Of reads and writes of `functions`, each with the function that does it: two, by different functions, where what is read may get into
    /// what is written, by way of what values of a type keep.
    pub(super) fn carried_by_type(
        &self,
        functions: &[FuncId],
        read: &[(FuncId, Origin)],
        written: &[(FuncId, Origin)],
    ) -> Option<(FuncId, FuncId)> {
        if read.is_empty() || written.is_empty() {
            return None;
        }
        let ways = ways(&self.texts_below(functions));
        read.iter().find_map(|&(reader, read)| {
            let reached = reached(&self.filled_at(read), &ways);
            let gets = |written: Origin| self.taken(written).iter().any(|node| reached.contains(node));
            let found = written.iter().find(|&&(writer, written)| writer != reader && gets(written));
            found.map(|&(writer, _)| (reader, writer))
        })
    }

    /// Whether what `function`, or what is below it, reads at one of `ones` and at one of `others` gets into one field: it is one state.
    pub(super) fn meet_in_a_field(&self, function: FuncId, ones: &[Origin], others: &[Origin]) -> bool {
        let ways = ways(&self.texts_below(&[function]));
        let fields = |reads: &[Origin]| -> FxHashSet<Node> {
            let filled: Vec<Node> = reads.iter().flat_map(|&read| self.filled_at(read)).collect();
            reached(&filled, &ways).into_iter().filter(|node| matches!(node, Node::Field(..))).collect()
        };
        let ones = fields(ones);
        !ones.is_empty() && fields(others).iter().any(|field| ones.contains(field))
    }

    /// What is filled by a read, where values of a type are not told apart.
    fn filled_at(&self, read: Origin) -> Vec<Node> {
        let text = self.text(read.function);
        text.reads.get(&read.span).into_iter().flatten().flat_map(Spot::filled).collect()
    }

    /// What a write takes content from, where values of a type are not told apart.
    fn taken(&self, written: Origin) -> Vec<Node> {
        let text = self.text(written.function);
        let taken = text.writes.get(&written.span).into_iter().flatten();
        taken.flat_map(|(spot, all_of)| [spot.holder()].into_iter().chain(all_of.map(Node::Whole))).collect()
    }

    fn carried(&self, function: FuncId) -> Rc<CarriedPairs> {
        if let Some(known) = self.contents.carried.borrow().get(&function) {
            return known.clone();
        }
        let origins = |of: &dyn Fn(&crate::flow::summary::Deed) -> bool| -> FxHashSet<Origin> {
            let deeds = self.deeds(function).iter().filter(|deed| !deed.failing && of(deed));
            deeds.map(|deed| deed.trace.origin()).collect()
        };
        let (read, written) = (origins(&|deed| deed.did == Did::Read), origins(&writes));
        let mut carried = CarriedPairs::default();
        if !read.is_empty() && !written.is_empty() {
            let texts = self.texts_below(&[function]);
            let (ways, moves) = (ways(&texts), moves(&texts));
            for &read in &read {
                let of_type = reached(&self.filled_at(read), &ways);
                let spots = self.text(read.function).reads.get(&read.span).cloned().unwrap_or_default();
                let of_value = followed(&spots, &moves);
                for &written in &written {
                    let taken = self.text(written.function).writes.get(&written.span).cloned().unwrap_or_default();
                    if taken.iter().any(|(spot, _)| is_in(spot, &of_value)) {
                        carried.insert((read, written), Carried::Surely);
                    } else if self.taken(written).iter().any(|node| of_type.contains(node)) {
                        carried.insert((read, written), Carried::ByType);
                    }
                }
            }
        }
        let carried = Rc::new(carried);
        self.contents.carried.borrow_mut().insert(function, carried.clone());
        carried
    }

    /// The texts of functions and of what they call, however far down.
    fn texts_below(&self, functions: &[FuncId]) -> Vec<Rc<Text>> {
        self.below(functions).into_iter().map(|function| self.text(function)).collect()
    }

    /// Functions and what they call or hand on, however far down: the nearest, if there are very many.
    pub(super) fn below(&self, functions: &[FuncId]) -> Vec<FuncId> {
        let (mut seen, mut order) = (FxHashSet::from_iter(functions.iter().copied()), functions.to_vec());
        let mut next = 0;
        while let Some(&at) = order.get(next) {
            next += 1;
            for &below in &self.text(at).below {
                if seen.len() < MAX_BELOW && seen.insert(below) {
                    order.push(below);
                }
            }
        }
        order
    }

    fn text(&self, function: FuncId) -> Rc<Text> {
        let known = self.contents.texts.borrow().get(&function).cloned();
        known.unwrap_or_else(|| {
            let text = Rc::new(Reader::new(self.program, self.apis, function).read());
            self.contents.texts.borrow_mut().insert(function, text.clone());
            text
        })
    }
}

/// Where content goes in one step, where values of a type are not told apart.
fn ways(texts: &[Rc<Text>]) -> FxHashMap<Node, Vec<Node>> {
    let mut ways: FxHashMap<Node, Vec<Node>> = FxHashMap::default();
    for step in texts.iter().flat_map(|text| &text.moves).filter(|step| step.of != Holds::Value) {
        for from in [step.from.holder()].into_iter().chain(step.all_of.map(Node::Whole)) {
            ways.entry(from).or_default().extend(step.to.filled());
        }
    }
    ways
}

/// What content gets to, however far.
fn reached(from: &[Node], ways: &FxHashMap<Node, Vec<Node>>) -> FxHashSet<Node> {
    let mut reached: FxHashSet<Node> = from.iter().copied().collect();
    let mut work = from.to_vec();
    while let Some(at) = work.pop() {
        for &next in ways.get(&at).map_or(&[] as &[Node], |list| list.as_slice()) {
            if reached.insert(next) {
                work.push(next);
            }
        }
    }
    reached
}

/// The names of the fields down to a part.
type Path = SmallVec<[Ustr; MAX_PATH]>;
/// Where a value is.
type Parts = FxHashMap<Var, FxHashSet<Path>>;

/// Where the very values go in one step, by the variable that they are in.
fn moves(texts: &[Rc<Text>]) -> FxHashMap<Var, Vec<&Move>> {
    let mut moves: FxHashMap<Var, Vec<&Move>> = FxHashMap::default();
    for step in texts.iter().flat_map(|text| &text.moves).filter(|step| step.of != Holds::Type) {
        moves.entry(step.from.var).or_default().push(step);
    }
    moves
}

/// Where what is put into some spots gets to, however far.
fn followed(from: &[Spot], moves: &FxHashMap<Var, Vec<&Move>>) -> Parts {
    type Calls = SmallVec<[Origin; MAX_CALLS]>;
    let mut seen: FxHashSet<(Var, Path, Calls)> = FxHashSet::default();
    let mut work: Vec<(Var, Path, Calls)> = Vec::new();
    for spot in from {
        let path = spot.path.iter().map(|&(name, _)| name).take(MAX_PATH).collect();
        work.push((spot.var, path, Calls::new()));
    }
    seen.extend(work.iter().cloned());
    while let Some((var, path, calls)) = work.pop() {
        if seen.len() > MAX_FOLLOWED {
            break;
        }
        for step in moves.get(&var).map_or(&[] as &[&Move], |list| list.as_slice()) {
            let Some(rest) = rest(&step.from, &path) else { continue };
            let mut calls = calls.clone();
            match step.way {
                Way::Within => {}
                Way::Enter(at) => {
                    if calls.len() == MAX_CALLS {
                        calls.remove(0);
                    }
                    calls.push(at);
                }
                Way::Leave(at) => {
                    if calls.pop().is_some_and(|entered| entered != at) {
                        continue;
                    }
                }
            }
            let down = step.to.path.iter().map(|&(name, _)| name);
            let kept = rest.iter().copied().filter(|_| step.keeps_parts);
            let next = (step.to.var, down.chain(kept).take(MAX_PATH).collect(), calls);
            if seen.insert(next.clone()) {
                work.push(next);
            }
        }
    }
    let mut parts = Parts::default();
    for (var, path, _) in seen {
        parts.entry(var).or_default().insert(path);
    }
    parts
}

/// For something in the part `path` of a variable that is in `spot`: the part of the spot that it is in. What is in the whole is in each part.
fn rest<'p>(spot: &Spot, path: &'p [Ustr]) -> Option<&'p [Ustr]> {
    let is_one = spot.path.iter().zip(path).all(|(&(one, _), other)| one == *other);
    is_one.then(|| path.get(spot.path.len()..).unwrap_or_default())
}

/// Whether something that is in `parts` is in a spot.
fn is_in(spot: &Spot, parts: &Parts) -> bool {
    parts.get(&spot.var).is_some_and(|paths| paths.iter().any(|path| rest(spot, path).is_some()))
}

/// Reads one function.
struct Reader<'p> {
    program: &'p Program,
    apis: &'p Apis,
    id: FuncId,
    function: &'p Function,
    /// Variables that something is made of, or that is given back: not only asked whether it went well.
    used: FxHashSet<LocalId>,
    text: Text,
}

impl<'p> Reader<'p> {
    fn new(program: &'p Program, apis: &'p Apis, id: FuncId) -> Reader<'p> {
        let function = &program.functions[id.index()];
        let mut used = FxHashSet::default();
        let mut note = |operand: &Operand| {
            if let Operand::Place(Place { base: Base::Local(local), .. }) = operand {
                used.insert(*local);
            }
        };
        for block in &function.blocks {
            for inst in &block.insts {
                match &inst.kind {
                    InstKind::Assign { value: Rvalue::Failure(_), .. } | InstKind::Drop(_) => {}
                    InstKind::Assign { value, .. } => operands(value).for_each(&mut note),
                    InstKind::Call(call) => call.args.iter().for_each(|arg| note(&arg.value)),
                }
            }
            match &block.end {
                Terminator::Return { value, exit, .. } if *exit != Exit::Failure => note(value),
                _ => {}
            }
        }
        Reader { program, apis, id, function, used, text: Text::default() }
    }

    fn read(mut self) -> Text {
        for block in &self.function.blocks {
            for inst in &block.insts {
                match &inst.kind {
                    InstKind::Assign { place, value } => self.assign(place, value),
                    InstKind::Call(call) => self.call(call, inst),
                    InstKind::Drop(_) => {}
                }
            }
            if let Terminator::Return { value, exit, .. } = &block.end
                && *exit != Exit::Failure
            {
                self.flow(value, &[self.of_var(Var::Return(self.id))]);
            }
        }
        self.text
    }

    /// The whole of something that is no variable, or one of unknown type.
    fn of_var(&self, var: Var) -> Spot {
        Spot { var, path: SmallVec::new(), typed: false }
    }

    /// What an operand or target names.
    fn spot(&self, place: &Place) -> Spot {
        let mut fields = place.steps.iter().filter_map(|step| match step {
            Step::Field { name, owner } => Some((*name, *owner)),
            Step::Element => None,
        });
        let (var, typed) = match place.base {
            Base::Global(name) => (Var::Global(name), false),
            Base::Local(local) => {
                let typed = self.function.locals[local.index()].type_name.is_some();
                let is_environment = local.index() == 0 && self.is_closure(self.id);
                match is_environment.then(|| fields.next()).flatten() {
                    Some((name, _)) => (Var::Captured(self.id, name), false),
                    None => (Var::Local(self.id, local), typed),
                }
            }
        };
        Spot { var, path: fields.collect(), typed }
    }

    fn is_closure(&self, function: FuncId) -> bool {
        matches!(self.program.functions[function.index()].kind, FunctionKind::Closure { .. })
    }

    fn spot_of(&self, operand: &Operand) -> Option<Spot> {
        match operand {
            Operand::Place(place) => Some(self.spot(place)),
            _ => None,
        }
    }

    /// The type of which all fields are taken where an operand is taken apart out of sight.
    fn all_of(&self, operand: &Operand) -> Option<Ustr> {
        match operand {
            Operand::Place(Place { base: Base::Local(local), steps }) if steps.is_empty() => {
                self.function.locals[local.index()].type_name
            }
            _ => None,
        }
    }

    /// What is filled where something is put into an operand: what leads to somebody else's, that as well.
    fn filled_by(&self, operand: &Operand) -> Vec<Spot> {
        let Some(spot) = self.spot_of(operand) else { return Vec::new() };
        let out = match spot.var {
            Var::Local(function, local) => {
                let leads_out = self.function.locals[local.index()].lent || self.function.params.contains(&local);
                leads_out.then_some(Spot { var: Var::Out(function, local), ..spot.clone() })
            }
            _ => None,
        };
        [Some(spot), out].into_iter().flatten().collect()
    }

    fn move_to(&mut self, from: Spot, to: &[Spot], way: Way, of: Holds) {
        for to in to {
            let of = match to.var {
                Var::Out(..) if of == Holds::Type => continue,
                Var::Out(..) => Holds::Value,
                _ => of,
            };
            self.text.moves.push(Move { from: from.clone(), all_of: None, to: to.clone(), keeps_parts: true, way, of });
        }
    }

    fn flow(&mut self, from: &Operand, to: &[Spot]) {
        if let Some(from) = self.spot_of(from) {
            self.move_to(from, to, Way::Within, Holds::Both);
        }
    }

    /// As [`Reader::flow`], where the operand is taken apart out of sight.
    fn flow_all(&mut self, from: &Operand, to: &[Spot]) {
        let Some(spot) = self.spot_of(from) else { return };
        let all_of = self.all_of(from);
        for to in to {
            let of = if matches!(to.var, Var::Out(..)) { Holds::Value } else { Holds::Both };
            self.text.moves.push(Move {
                from: spot.clone(),
                all_of,
                to: to.clone(),
                keeps_parts: false,
                way: Way::Within,
                of,
            });
        }
    }

    /// What is put into `place`, which leads to something in `source`, is in there.
    fn lead_back(&mut self, place: &Place, source: &Operand, keeps_parts: bool) {
        let Base::Local(local) = place.base else { return };
        if !place.steps.is_empty() || !self.function.locals[local.index()].lent {
            return;
        }
        let from = self.of_var(Var::Out(self.id, local));
        for to in self.filled_by(source) {
            let (from, to) = (from.clone(), to);
            let of = Holds::Value;
            self.text.moves.push(Move { from, all_of: None, to, keeps_parts, way: Way::Within, of });
        }
    }

    /// The variable with a function value that an operand is.
    fn asked(&self, operand: &Operand) -> Option<Spot> {
        match operand {
            Operand::Place(Place { base: Base::Local(local), steps }) if steps.is_empty() => {
                let is_function = self.function.locals[local.index()].kind == ValueKind::Function;
                is_function.then(|| self.of_var(Var::Asked(self.id, *local)))
            }
            _ => None,
        }
    }

    /// What an assignment to a place fills: where the place is a variable, what that led to before is not meant.
    fn assigned(&self, place: &Place) -> Vec<Spot> {
        match place.steps.is_empty() {
            true => vec![self.spot(place)],
            false => self.filled_by(&Operand::Place(place.clone())),
        }
    }

    fn assign(&mut self, place: &Place, value: &Rvalue) {
        let to = self.assigned(place);
        match value {
            Rvalue::Use(from) | Rvalue::Success(from) => {
                self.flow(from, &to);
                self.lead_back(place, from, true);
                if let Some((to, from)) = self.asked(&Operand::Place(place.clone())).zip(self.asked(from)) {
                    self.move_to(to, &[from], Way::Within, Holds::Both);
                }
            }
            Rvalue::Failure(_) => {}
            Rvalue::Aggregate { type_name, fields, base } => {
                for (name, field) in fields {
                    let owner = type_name.map(|of| declaring(of, *name));
                    let parts: Vec<Spot> = to.iter().map(|to| to.part(*name, owner)).collect();
                    // Who takes the variable for a value of some other type sees what was put in.
                    let Some(from) = self.spot_of(field) else { continue };
                    self.move_to(
                        from.clone(),
                        &parts,
                        Way::Within,
                        if owner.is_some() { Holds::Both } else { Holds::Value },
                    );
                    self.move_to(from, &to, Way::Within, Holds::Type);
                }
                base.iter().for_each(|base| self.flow(base, &to));
            }
            Rvalue::Closure { function, captures } => {
                for (name, captured) in captures {
                    let inside = self.of_var(Var::Captured(*function, *name));
                    self.flow(captured, std::slice::from_ref(&inside));
                    let back = self.filled_by(captured);
                    self.move_to(inside, &back, Way::Within, Holds::Both);
                }
                self.made_function(place, &[*function]);
            }
            Rvalue::FunctionValue(functions) => self.made_function(place, functions),
            Rvalue::Op { op, args } => {
                let is_operator = !op.contains(char::is_alphanumeric) || op.starts_with("format:");
                if !is_answer(op) {
                    self.unseen(args, &to, if is_operator { None } else { Some(place) });
                }
            }
            Rvalue::Opaque(parts) => self.unseen(parts, &to, Some(place)),
        }
    }

    /// Functions become a value: asked with something, they give back something.
    fn made_function(&mut self, place: &Place, functions: &[FuncId]) {
        self.text.below.extend(functions);
        let Base::Local(local) = place.base else { return };
        let (whole, asked) = (self.of_var(Var::Local(self.id, local)), self.of_var(Var::Asked(self.id, local)));
        for &function in functions {
            let given_back = self.of_var(Var::Return(function));
            self.move_to(given_back, std::slice::from_ref(&whole), Way::Within, Holds::Both);
            let skipped = usize::from(self.is_closure(function));
            let params = self.program.functions[function.index()].params.iter();
            for param in params.filter(|param| param.index() >= skipped) {
                let inside = self.param(function, *param);
                self.move_to(asked.clone(), &[inside], Way::Within, Holds::Both);
            }
        }
    }

    /// A parameter of a function of the program.
    fn param(&self, function: FuncId, param: LocalId) -> Spot {
        let local = &self.program.functions[function.index()].locals[param.index()];
        Spot { var: Var::Local(function, param), path: SmallVec::new(), typed: local.type_name.is_some() }
    }

    /// Code that was not seen gets `args`, and what it makes goes to `to`. Where nobody looks at what is made, it was called for what it does
    /// to its arguments.
    fn unseen(&mut self, args: &[Operand], to: &[Spot], made: Option<&Place>) {
        args.iter().for_each(|arg| self.flow_all(arg, to));
        if let Some((made, first)) = made.zip(args.first()) {
            self.lead_back(made, first, false);
        }
        let is_idle = |place: &Place| match place.base {
            Base::Local(local) => place.steps.is_empty() && !self.used.contains(&local),
            Base::Global(_) => false,
        };
        let changes = made.is_some_and(is_idle);
        for (at, arg) in args.iter().enumerate() {
            let others = || args.iter().enumerate().filter(move |(other, _)| *other != at).map(|(_, other)| other);
            if changes {
                let to = self.filled_by(arg);
                others().for_each(|other| self.flow_all(other, &to));
            }
            if let Some(asked) = self.asked(arg) {
                others().for_each(|other| self.flow_all(other, std::slice::from_ref(&asked)));
            }
        }
    }

    fn call(&mut self, call: &Call, inst: &Inst) {
        let result = Place::local(call.result);
        let to = vec![self.spot(&result)];
        let args: Vec<Operand> = call.args.iter().map(|arg| arg.value.clone()).collect();
        match &call.callee {
            Callee::Functions(functions) => {
                for &function in functions {
                    self.text.below.push(function);
                    self.call_of(function, call, inst, &to);
                }
                if let Some(first) = args.first() {
                    self.lead_back(&result, first, false);
                }
            }
            Callee::Value(function) => {
                self.flow(function, &to);
                if let Some(asked) = self.asked(function) {
                    args.iter().for_each(|arg| self.flow_all(arg, std::slice::from_ref(&asked)));
                }
            }
            Callee::Unknown => {
                let data = call.args.iter().filter(|arg| !is_handle(arg.kind));
                let taken: Vec<_> = data.filter_map(|arg| self.taken(&arg.value)).collect();
                self.text.writes.entry(inst.focus).or_default().extend(taken);
                if !is_answer(&call.name) {
                    self.unseen(&args, &to, Some(&result));
                }
            }
            Callee::Api { api, .. } => {
                let row = self.apis.get(*api);
                self.library(row, call, inst, &to, &args);
            }
        }
    }

    /// What a write takes of an operand.
    fn taken(&self, operand: &Operand) -> Option<(Spot, Option<Ustr>)> {
        Some((self.spot_of(operand)?, self.all_of(operand)))
    }

    /// A call of one of the program's own functions.
    fn call_of(&mut self, function: FuncId, call: &Call, inst: &Inst, to: &[Spot]) {
        let body = &self.program.functions[function.index()];
        let at = Origin { span: inst.focus, function: self.id };
        let given_back = self.of_var(Var::Return(function));
        self.move_to(given_back, to, Way::Leave(at), Holds::Both);
        for (arg, &param) in call.args.iter().zip(&body.params) {
            let inside = self.param(function, param);
            if let Some(from) = self.spot_of(&arg.value) {
                self.move_to(from, std::slice::from_ref(&inside), Way::Enter(at), Holds::Both);
            }
            let back = self.filled_by(&arg.value);
            if arg.passing == Passing::Mutable {
                self.move_to(inside, &back, Way::Within, Holds::Type);
            }
            // What is behind a lock changes though it is lent for reading.
            if arg.passing != Passing::Move {
                self.move_to(self.of_var(Var::Out(function, param)), &back, Way::Leave(at), Holds::Value);
            }
            if let Some(asked) = self.asked(&arg.value) {
                let from = self.of_var(Var::Asked(function, param));
                self.move_to(from, &[asked], Way::Leave(at), Holds::Both);
            }
        }
    }

    /// A call of a library that is known.
    fn library(&mut self, row: &Api, call: &Call, inst: &Inst, to: &[Spot], args: &[Operand]) {
        let offset = usize::from(row.has_receiver());
        let place = |slot: Option<Slot>| match slot {
            Some(Slot::Receiver) => Some(0),
            Some(Slot::Arg(number)) => Some(usize::from(number) + offset),
            Some(Slot::Result) | None => None,
        };
        let mut is_told = false;
        for step in row.steps() {
            let on = place(step.on);
            match step.effect {
                Effect::Read => {
                    is_told = true;
                    let buffer = place(step.to).and_then(|at| call.args.get(at));
                    let mut filled = buffer.map_or(Vec::new(), |arg| self.filled_by(&arg.value));
                    // A buffer that is given away comes back with the result.
                    if buffer.is_none_or(|arg| arg.passing == Passing::Move) {
                        filled.extend(to.iter().cloned());
                    }
                    // Others may go on reading from the handle.
                    let handle = on
                        .and_then(|at| call.args.get(at))
                        .filter(|arg| is_handle(arg.kind) || arg.kind == ValueKind::Reader);
                    filled.extend(handle.into_iter().flat_map(|arg| self.filled_by(&arg.value)));
                    self.text.reads.entry(inst.focus).or_default().extend(filled);
                }
                Effect::Write
                | Effect::WriteAt
                | Effect::WriteFlushed
                | Effect::WriteBuffered
                | Effect::WriteFile
                | Effect::ReplaceDurably => {
                    is_told = true;
                    let data: Vec<&Operand> = match place(step.to) {
                        Some(at) => args.get(at).into_iter().collect(),
                        None => (0..args.len()).filter(|&at| Some(at) != on).map(|at| &args[at]).collect(),
                    };
                    let taken: Vec<_> = data.iter().filter_map(|arg| self.taken(arg)).collect();
                    self.text.writes.entry(inst.focus).or_default().extend(taken);
                    // What is written to memory is in there.
                    if let Some(arg) = on.and_then(|at| call.args.get(at)).filter(|arg| !is_handle(arg.kind)) {
                        let to = self.filled_by(&arg.value);
                        data.iter().for_each(|data| self.flow_all(data, &to));
                    }
                }
                _ => {}
            }
        }
        if !is_told {
            self.unseen(args, to, Some(&Place::local(call.result)));
        }
    }
}

/// Whether what is computed by an operator, or by a library's function of this name, only says something of its operands, and holds nothing
/// of what is in them.
fn is_answer(name: &str) -> bool {
    let last = name.rsplit("::").next().unwrap_or(name);
    matches!(name, "==" | "!=" | "<" | ">" | "<=" | ">=" | "!" | "&&" | "||")
        || matches!(
            last,
            "len" | "is_empty" | "contains" | "contains_key" | "starts_with" | "ends_with" | "eq" | "ne" | "cmp"
        )
        || matches!(last, "hash" | "digest" | "finalize" | "checksum" | "crc32" | "crc32c" | "checksum_ieee")
}

/// The type that declares a field of a record: of a variant's, the whole.
fn declaring(record: Ustr, field: Ustr) -> Ustr {
    let whole = record.rsplit_once("::").filter(|_| field.contains('.'));
    whole.map_or(record, |(whole, _)| Ustr::from(whole))
}

/// Whether it leads to a file, and has no content of its own.
fn is_handle(kind: ValueKind) -> bool {
    use ValueKind::*;
    matches!(kind, File | BufferedFile | AsyncFile | TempFile | Mapping)
}

/// What a value is computed from.
fn operands(value: &Rvalue) -> Box<dyn Iterator<Item = &Operand> + '_> {
    match value {
        Rvalue::Use(operand) | Rvalue::Success(operand) | Rvalue::Failure(operand) => {
            Box::new(std::iter::once(operand))
        }
        Rvalue::Aggregate { fields, base, .. } => Box::new(fields.iter().map(|(_, field)| field).chain(base)),
        Rvalue::Closure { captures, .. } => Box::new(captures.iter().map(|(_, captured)| captured)),
        Rvalue::Op { args, .. } | Rvalue::Opaque(args) => Box::new(args.iter()),
        Rvalue::FunctionValue(_) => Box::new(std::iter::empty()),
    }
}
