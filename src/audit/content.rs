//! Where content goes that was read: whether it gets, changed or not, into something that is written. Told by assignments and calls
//! alone, whatever their order: what a variable holds is in all that it is made part of, and so is what any value of a type keeps in a field.
//!
//! This errs on both sides. What goes through code that was not seen may be missed, and values that one function makes for several callers
//! are not told apart. So that nothing is found proves nothing; that something is found is needed, besides all else, to call what is written
//! a successor of what was read.

use super::deeds::writes;
use super::evidence::Evidence;
use crate::apis::{Api, Apis, Slot};
use crate::effects::Effect;
use crate::flow::state::Origin;
use crate::flow::summary::Did;
use crate::ir::{
    Arg, Base, Call, Callee, Exit, FuncId, Function, FunctionKind, Inst, InstKind, LocalId, Operand, Passing, Place,
    Program, Rvalue, Step, Terminator, ValueKind,
};
use crate::source::Span;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;
use std::rc::Rc;
use ustr::Ustr;

/// Something that holds content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    /// A variable.
    Local(FuncId, LocalId),
    /// What a function gives back.
    Return(FuncId),
    /// What a function value in a variable is called with.
    Asked(FuncId, LocalId),
    /// What a closure captures by a name.
    Captured(FuncId, Ustr),
    /// A field of all values of a type.
    Field(Ustr, Ustr),
    /// All fields of all values of a type.
    Whole(Ustr),
    /// A global variable.
    Global(Ustr),
}

/// What one function does with content.
#[derive(Default)]
struct Text {
    /// What is in the first may be in the second afterwards.
    edges: Vec<(Node, Node)>,
    /// What reads put content into, by where they stand.
    reads: FxHashMap<Span, Vec<Node>>,
    /// What writes take content from.
    writes: FxHashMap<Span, Vec<Node>>,
    /// The functions that it calls or hands on.
    below: Vec<FuncId>,
}

/// Of one function with all below it: reads, and writes that what they read may get into.
type Carried = FxHashSet<(Origin, Origin)>;

/// Places, shared by who asks for them again.
pub(super) type Origins = Rc<FxHashSet<Origin>>;

/// What is known so far.
#[derive(Default)]
pub(super) struct Contents {
    texts: RefCell<FxHashMap<FuncId, Rc<Text>>>,
    carried: RefCell<FxHashMap<FuncId, Rc<Carried>>>,
    /// Of a store, told by its first operation, and one of its checkpoints: see [`Evidence::stand_ins`].
    pub(super) stand_ins: RefCell<FxHashMap<(FuncId, FuncId), Origins>>,
}

/// So many functions below one are looked at, the nearest first.
const MAX_BELOW: usize = 2000;

impl Evidence<'_> {
    /// Whether what is read at `read` may get into what is written at `written`, both in `function` or below it.
    pub(super) fn is_carried(&self, function: FuncId, read: Origin, written: Origin) -> bool {
        read == written || self.carried(function).contains(&(read, written))
    }

    /// Whether anything that `function` reads may get into what is written at `written`.
    pub(super) fn carries_into(&self, function: FuncId, written: Origin) -> bool {
        let mut read = self.deeds(function).iter().filter(|deed| deed.did == Did::Read && !deed.failing);
        read.any(|deed| self.is_carried(function, deed.trace.origin(), written))
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
                let given: Vec<Node> = fields.copied().chain([Node::Local(operation, param)]).collect();
                let reached = reached(&given, &ways);
                let gets = |written: &&Origin| {
                    let text = self.text(written.function);
                    text.writes.get(&written.span).is_some_and(|nodes| nodes.iter().any(|node| reached.contains(node)))
                };
                if other.iter().any(|write| gets(&write)) {
                    sharing.extend(written.iter().filter(gets));
                }
            }
        }
        sharing
    }

    /// Whether what `function`, or what is below it, reads at one of `ones` and at one of `others` gets into one field: it is one state.
    pub(super) fn meet_in_a_field(&self, function: FuncId, ones: &[Origin], others: &[Origin]) -> bool {
        let ways = ways(&self.texts_below(&[function]));
        let fields = |reads: &[Origin]| -> FxHashSet<Node> {
            let filled = reads.iter().flat_map(|read| {
                let text = self.text(read.function);
                text.reads.get(&read.span).cloned().unwrap_or_default()
            });
            let filled: Vec<Node> = filled.collect();
            reached(&filled, &ways).into_iter().filter(|node| matches!(node, Node::Field(..))).collect()
        };
        let ones = fields(ones);
        !ones.is_empty() && fields(others).iter().any(|field| ones.contains(field))
    }

    fn carried(&self, function: FuncId) -> Rc<Carried> {
        if let Some(known) = self.contents.carried.borrow().get(&function) {
            return known.clone();
        }
        let origins = |of: &dyn Fn(&crate::flow::summary::Deed) -> bool| -> FxHashSet<Origin> {
            let deeds = self.deeds(function).iter().filter(|deed| !deed.failing && of(deed));
            deeds.map(|deed| deed.trace.origin()).collect()
        };
        let (read, written) = (origins(&|deed| deed.did == Did::Read), origins(&writes));
        let mut carried = Carried::default();
        if !read.is_empty() && !written.is_empty() {
            let ways = ways(&self.texts_below(&[function]));
            for &read in &read {
                let text = self.text(read.function);
                let reached = reached(text.reads.get(&read.span).map_or(&[], |nodes| nodes.as_slice()), &ways);
                for &written in &written {
                    let text = self.text(written.function);
                    let taken = text.writes.get(&written.span).map_or(&[] as &[Node], |nodes| nodes.as_slice());
                    if taken.iter().any(|node| reached.contains(node)) {
                        carried.insert((read, written));
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

/// Where content goes in one step.
fn ways(texts: &[Rc<Text>]) -> FxHashMap<Node, Vec<Node>> {
    let mut ways: FxHashMap<Node, Vec<Node>> = FxHashMap::default();
    for &(from, to) in texts.iter().flat_map(|text| &text.edges) {
        ways.entry(from).or_default().push(to);
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
                self.flow(value, &[Node::Return(self.id)]);
            }
        }
        self.text
    }

    /// What holds the content of a place: its last field whose type is known, or else the variable.
    fn holder(&self, place: &Place) -> Node {
        let fields = || {
            place.steps.iter().filter_map(|step| match step {
                Step::Field { name, owner } => Some((*name, *owner)),
                Step::Element => None,
            })
        };
        if let Some((name, Some(owner))) = fields().rfind(|(_, owner)| owner.is_some()) {
            return Node::Field(owner, name);
        }
        match place.base {
            Base::Global(name) => Node::Global(name),
            Base::Local(local) => match fields().next() {
                Some((name, _)) if local.index() == 0 && self.is_closure(self.id) => Node::Captured(self.id, name),
                _ => Node::Local(self.id, local),
            },
        }
    }

    fn is_closure(&self, function: FuncId) -> bool {
        matches!(self.program.functions[function.index()].kind, FunctionKind::Closure { .. })
    }

    /// What is to be read where an operand is taken as it is.
    fn of(&self, operand: &Operand) -> Option<Node> {
        match operand {
            Operand::Place(place) => Some(self.holder(place)),
            _ => None,
        }
    }

    /// What is to be read where an operand is taken apart out of sight.
    fn all_of(&self, operand: &Operand) -> impl Iterator<Item = Node> + use<> {
        let whole = match operand {
            Operand::Place(Place { base: Base::Local(local), steps }) if steps.is_empty() => {
                self.function.locals[local.index()].type_name.map(Node::Whole)
            }
            _ => None,
        };
        self.of(operand).into_iter().chain(whole)
    }

    /// What is to be filled where a place is.
    fn filled(&self, place: &Place) -> impl Iterator<Item = Node> + use<> {
        let holder = self.holder(place);
        let whole = match holder {
            Node::Field(owner, _) => Some(Node::Whole(owner)),
            _ => None,
        };
        // A variable of a known type is told by its fields.
        let base = match place.base {
            Base::Local(local) if self.function.locals[local.index()].type_name.is_none() => {
                Some(Node::Local(self.id, local))
            }
            _ => None,
        };
        [Some(holder), whole, base].into_iter().flatten()
    }

    fn filled_by(&self, operand: &Operand) -> Vec<Node> {
        match operand {
            Operand::Place(place) => self.filled(place).collect(),
            _ => Vec::new(),
        }
    }

    fn flow(&mut self, from: &Operand, to: &[Node]) {
        let from = self.of(from);
        self.text.edges.extend(from.into_iter().flat_map(|from| to.iter().map(move |to| (from, *to))));
    }

    /// As [`Reader::flow`], where the operand is taken apart out of sight.
    fn flow_all(&mut self, from: &Operand, to: &[Node]) {
        let from = self.all_of(from);
        self.text.edges.extend(from.flat_map(|from| to.iter().map(move |to| (from, *to))));
    }

    /// The variable with a function value that an operand is.
    fn asked(&self, operand: &Operand) -> Option<Node> {
        match operand {
            Operand::Place(Place { base: Base::Local(local), steps }) if steps.is_empty() => {
                let is_function = self.function.locals[local.index()].kind == ValueKind::Function;
                is_function.then_some(Node::Asked(self.id, *local))
            }
            _ => None,
        }
    }

    fn assign(&mut self, place: &Place, value: &Rvalue) {
        let to: Vec<Node> = self.filled(place).collect();
        match value {
            Rvalue::Use(from) | Rvalue::Success(from) => {
                self.flow(from, &to);
                let pair = self.asked(&Operand::Place(place.clone())).zip(self.asked(from));
                self.text.edges.extend(pair);
            }
            Rvalue::Failure(_) => {}
            Rvalue::Aggregate { type_name, fields, base } => {
                for (name, field) in fields {
                    match type_name.map(|of| declaring(of, *name)).as_ref() {
                        Some(owner) => self.flow(field, &[Node::Field(*owner, *name), Node::Whole(*owner)]),
                        None => self.flow(field, &to),
                    }
                }
                base.iter().for_each(|base| self.flow(base, &to));
                if place.steps.is_empty() && type_name.is_none() {
                    return;
                }
                // Who takes the variable for a value of some other type sees what was put in.
                fields.iter().for_each(|(_, field)| self.flow(field, &to));
            }
            Rvalue::Closure { function, captures } => {
                for (name, captured) in captures {
                    let inside = Node::Captured(*function, *name);
                    self.flow(captured, &[inside]);
                    let back = self.filled_by(captured);
                    self.text.edges.extend(back.into_iter().map(|to| (inside, to)));
                }
                self.made_function(place, &[*function]);
            }
            Rvalue::FunctionValue(functions) => self.made_function(place, functions),
            Rvalue::Op { op, args } => {
                let is_answer = matches!(op.as_str(), "==" | "!=" | "<" | ">" | "<=" | ">=" | "!" | "&&" | "||");
                let is_operator = !op.contains(char::is_alphanumeric) || op.starts_with("format:");
                if !is_answer {
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
        for &function in functions {
            self.text.edges.push((Node::Return(function), Node::Local(self.id, local)));
            let skipped = usize::from(self.is_closure(function));
            let params = self.program.functions[function.index()].params.iter();
            for param in params.filter(|param| param.index() >= skipped) {
                self.text.edges.push((Node::Asked(self.id, local), Node::Local(function, *param)));
            }
        }
    }

    /// Code that was not seen gets `args`, and what it makes goes to `to`. Where nobody looks at what is made, it was called for what it does
    /// to its arguments.
    fn unseen(&mut self, args: &[Operand], to: &[Node], made: Option<&Place>) {
        args.iter().for_each(|arg| self.flow_all(arg, to));
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
                others().for_each(|other| self.flow_all(other, &[asked]));
            }
        }
    }

    fn call(&mut self, call: &Call, inst: &Inst) {
        let result = Place::local(call.result);
        let to: Vec<Node> = self.filled(&result).collect();
        let args: Vec<Operand> = call.args.iter().map(|arg| arg.value.clone()).collect();
        match &call.callee {
            Callee::Functions(functions) => {
                for &function in functions {
                    self.text.below.push(function);
                    self.call_of(function, &call.args, &to);
                }
            }
            Callee::Value(function) => {
                self.flow(function, &to);
                if let Some(asked) = self.asked(function) {
                    args.iter().for_each(|arg| self.flow_all(arg, &[asked]));
                }
            }
            Callee::Unknown => {
                let data = call.args.iter().filter(|arg| !is_handle(arg.kind));
                let taken: Vec<Node> = data.flat_map(|arg| self.all_of(&arg.value)).collect();
                self.text.writes.entry(inst.focus).or_default().extend(taken);
                self.unseen(&args, &to, Some(&result));
            }
            Callee::Api { api, .. } => {
                let row = self.apis.get(*api);
                self.library(row, call, inst, &to, &args);
            }
        }
    }

    /// A call of one of the program's own functions.
    fn call_of(&mut self, function: FuncId, args: &[Arg], to: &[Node]) {
        let body = &self.program.functions[function.index()];
        self.text.edges.extend(to.iter().map(|to| (Node::Return(function), *to)));
        for (arg, &param) in args.iter().zip(&body.params) {
            let inside = Node::Local(function, param);
            self.flow(&arg.value, &[inside]);
            if arg.passing == Passing::Mutable {
                let back = self.filled_by(&arg.value);
                self.text.edges.extend(back.into_iter().map(|to| (inside, to)));
            }
            if let Some(asked) = self.asked(&arg.value) {
                self.text.edges.push((Node::Asked(function, param), asked));
            }
        }
    }

    /// A call of a library that is known.
    fn library(&mut self, row: &Api, call: &Call, inst: &Inst, to: &[Node], args: &[Operand]) {
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
                        filled.extend(to);
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
                    let taken: Vec<Node> = data.iter().flat_map(|arg| self.all_of(arg)).collect();
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
