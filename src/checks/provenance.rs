//! Whether what is written may be made of what was read: content is followed through the variables of one function.
//!
//! It errs on the side of *yes*: whatever comes near what was read is taken to hold it. A *no* says that the two have nothing to do with
//! each other but that one came before the other, as where a text is made anew and written if it differs from the old one.

use super::Context;
use crate::flow::state::Trace;
use crate::flow::terms::Value;
use crate::ir::{
    Arg, Base, Call, Callee, FuncId, Function, FunctionKind, Inst, InstKind, LocalId, Operand, Passing, Place, Rvalue,
    ValueKind,
};
use crate::source::Span;
use rustc_hash::FxHashSet;

/// So many calls below a function it is asked whether they read.
const FOLLOWED: usize = 3;

/// Whether the write at `write`, as `function` sees it, may write what was read from the file `of` in `function` or below; `None`: from some file.
pub fn may_write_what_was_read(context: &Context<'_>, function: FuncId, write: &Trace, of: Option<Value>) -> bool {
    may_write(context, function, write, (&[], of))
}

/// [`may_write_what_was_read`], where the function was given what was read as its parameters `given`.
fn may_write(context: &Context<'_>, function: FuncId, write: &Trace, (given, of): (&[usize], Option<Value>)) -> bool {
    let place = write.start();
    if place.function != function {
        return true;
    }
    let body = &context.program.functions[function.index()];
    let given = given.iter().filter_map(|number| body.params.get(*number).copied());
    let mut held = Held { context, body, of: of.map(|file| (function, file)), locals: given.collect() };
    held.fill();
    let insts = || body.blocks.iter().flat_map(|block| &block.insts);
    let mut at_place = insts().filter(|inst| inst.focus == place.span).peekable();
    // What stands somewhere else than it is told is not followed.
    at_place.peek().is_none()
        || at_place.any(|inst| match &inst.kind {
            InstKind::Call(call) => {
                let is_held = |(_, arg): &(usize, &Arg)| is_content(arg) && held.operand(&arg.value);
                let numbers: Vec<usize> = call.args.iter().enumerate().filter(is_held).map(|(at, _)| at).collect();
                if numbers.is_empty() && !held.reads(inst, call) {
                    return false;
                }
                match write {
                    // What is given to one call, or read and written by it, is looked at there; not what a writer was given before.
                    Trace::Via(_, inner)
                        if numbers.first() != Some(&0) && is_called(context, call, inner.start().function) =>
                    {
                        may_write(context, inner.start().function, inner, (&numbers, None))
                    }
                    _ => true,
                }
            }
            _ => true,
        })
}

/// Whether a call leads to `function`, with its arguments as that one's parameters.
fn is_called(context: &Context<'_>, call: &Call, function: FuncId) -> bool {
    let body = &context.program.functions[function.index()];
    matches!(body.kind, FunctionKind::Named)
        && body.params.len() == call.args.len()
        && matches!(&call.callee, Callee::Functions(functions) if functions.contains(&function))
}

/// Whether anything that `function` may write to files is made of what it read from the file `of`, by its own text or handed to what it calls.
pub fn writes_what_was_read(context: &Context<'_>, function: FuncId, of: Value) -> bool {
    let body = &context.program.functions[function.index()];
    let mut held = Held { context, body, of: Some((function, of)), locals: FxHashSet::default() };
    held.fill();
    body.blocks.iter().flat_map(|block| &block.insts).any(|inst| match &inst.kind {
        InstKind::Call(call) => {
            let to_file = call.args.iter().any(|arg| !is_content(arg) && arg.kind != ValueKind::Function);
            // What a function that reads does with what it is given is not followed from here.
            to_file && call.args.iter().any(|arg| is_content(arg) && held.operand(&arg.value))
        }
        // What a closure does is not looked into.
        InstKind::Assign { value: Rvalue::Closure { captures, .. }, .. } => {
            captures.iter().any(|(_, captured)| held.operand(captured))
        }
        _ => false,
    })
}

/// Whether all that is written at the end of `write` is a constant of the program, which another run writes again: by that place itself, or
/// given to it on the way.
pub fn is_constant(context: &Context<'_>, write: &Trace) -> bool {
    let mut asked: Option<Vec<usize>> = None;
    for place in write.origins().into_iter().rev() {
        let body = &context.program.functions[place.function.index()];
        let [call] = calls_at(body, place.span)[..] else { return false };
        let contents: Vec<&Operand> = match &asked {
            None => call.args.iter().filter(|arg| is_content(arg)).map(|arg| &arg.value).collect(),
            Some(numbers) => numbers.iter().filter_map(|number| call.args.get(*number)).map(|arg| &arg.value).collect(),
        };
        let mut given = Vec::new();
        if contents.is_empty() || !contents.iter().all(|content| is_told_by(body, content, &mut given, 0)) {
            return false;
        }
        if given.is_empty() {
            return true;
        }
        asked = Some(given);
    }
    false
}

/// So many calls above a write it is asked what was given to it, and so many callers are asked at each.
const ASKED_ABOVE: usize = 6;

/// Whether what is written at the end of `write` was put together for that on every way that leads there, out of nothing that a file held, that
/// lies outside every function, or that somebody goes on changing: it carries nothing on that was there before.
pub fn is_made_anew(context: &Context<'_>, write: &Trace) -> bool {
    let (mut asked, mut made): (Option<Vec<usize>>, bool) = (None, false);
    for place in write.origins().into_iter().rev() {
        let body = &context.program.functions[place.function.index()];
        let [call] = calls_at(body, place.span)[..] else { return false };
        let contents: Option<Vec<&Operand>> = match &asked {
            None => Some(call.args.iter().filter(|arg| is_content(arg)).map(|arg| &arg.value).collect()),
            Some(numbers) => given_by(call, numbers),
        };
        let mut anew = Anew { context, body, seen: FxHashSet::default(), given: Vec::new(), made };
        match contents {
            Some(contents) if anew.are_so(&contents) => {}
            _ => return false,
        }
        made = anew.made;
        if anew.given.is_empty() {
            return made;
        }
        asked = Some(anew.given);
    }
    asked.is_some_and(|given| is_given_anew(context, write.start().function, (&given, made), 0))
}

/// Whether all who call `function` make anew what they give it as its parameters `given`.
fn is_given_anew(context: &Context<'_>, function: FuncId, (given, made): (&[usize], bool), above: usize) -> bool {
    let callers = &context.flow.callers[function.index()];
    let called = |body: &'_ Function| -> Vec<Call> {
        let insts = body.blocks.iter().flat_map(|block| &block.insts);
        let calls = insts.filter_map(|inst| match &inst.kind {
            InstKind::Call(call) if matches!(&call.callee, Callee::Functions(list) if list.contains(&function)) => {
                Some(call.clone())
            }
            _ => None,
        });
        calls.collect()
    };
    above < ASKED_ABOVE
        && !callers.is_empty()
        && callers.len() <= ASKED_ABOVE
        && callers.iter().all(|&caller| {
            let body = &context.program.functions[caller.index()];
            let calls = called(body);
            caller != function
                && !calls.is_empty()
                && calls.iter().all(|call| {
                    let Some(contents) = given_by(call, given) else { return false };
                    let mut anew = Anew { context, body, seen: FxHashSet::default(), given: Vec::new(), made };
                    anew.are_so(&contents)
                        && match anew.given.is_empty() {
                            true => anew.made,
                            false => is_given_anew(context, caller, (&anew.given, anew.made), above + 1),
                        }
                })
        })
}

/// The calls that stand at `place` in a function.
fn calls_at(body: &Function, place: Span) -> Vec<&Call> {
    let insts = body.blocks.iter().flat_map(|block| &block.insts).filter(|inst| inst.focus == place);
    insts
        .filter_map(|inst| match &inst.kind {
            InstKind::Call(call) => Some(call),
            _ => None,
        })
        .collect()
}

/// What a call gives as the parameters `numbers`; `None` where it gives them up, or lends them to be changed.
fn given_by<'a>(call: &'a Call, numbers: &[usize]) -> Option<Vec<&'a Operand>> {
    let given = numbers.iter().map(|number| call.args.get(*number).filter(|arg| arg.passing != Passing::Mutable));
    given.map(|arg| arg.map(|arg| &arg.value)).collect()
}

/// What [`is_made_anew`] finds in one function.
struct Anew<'a> {
    context: &'a Context<'a>,
    body: &'a Function,
    seen: FxHashSet<LocalId>,
    /// The parameters that it is made of.
    given: Vec<usize>,
    /// Whether anything was put together: a constant alone says which of several things holds.
    made: bool,
}

impl Anew<'_> {
    fn are_so(&mut self, contents: &[&Operand]) -> bool {
        !contents.is_empty() && contents.iter().all(|content| self.operand(content))
    }

    fn operand(&mut self, operand: &Operand) -> bool {
        match operand {
            Operand::Const(_) | Operand::Absent | Operand::Unit => true,
            Operand::Place(Place { base: Base::Global(name), .. }) => is_upper(name),
            Operand::Place(Place { base: Base::Local(local), .. }) => self.local(*local),
        }
    }

    fn local(&mut self, local: LocalId) -> bool {
        if !self.seen.insert(local) {
            return true;
        }
        if let Some(number) = self.body.params.iter().position(|param| *param == local) {
            self.given.push(number);
            // What a closure captured lies in another function.
            return !matches!(self.body.kind, FunctionKind::Closure { .. });
        }
        let body = self.body;
        body.blocks.iter().flat_map(|block| &block.insts).all(|inst| match &inst.kind {
            InstKind::Assign { place, value } if place.base == Base::Local(local) => self.rvalue(value),
            // A method of a library may keep what it is given.
            InstKind::Assign { value: Rvalue::Op { op, args }, .. }
                if op.starts_with(char::is_alphabetic) && !op.starts_with("format:") && is_of(args.first(), local) =>
            {
                args[1..].iter().all(|arg| self.operand(arg))
            }
            InstKind::Assign { value: Rvalue::Opaque(args), .. } if is_of(args.first(), local) => {
                args[1..].iter().all(|arg| self.operand(arg))
            }
            InstKind::Call(call) => {
                // What is done to a value that nothing is known of may be anything.
                let changes = |(number, arg): (usize, &Arg)| {
                    (arg.passing == Passing::Mutable || number == 0 && matches!(call.callee, Callee::Unknown))
                        && is_of(Some(&arg.value), local)
                };
                !(call.result == local || call.args.iter().enumerate().any(changes)) || self.call(inst, call)
            }
            _ => true,
        })
    }

    fn rvalue(&mut self, value: &Rvalue) -> bool {
        match value {
            Rvalue::Use(operand) | Rvalue::Success(operand) | Rvalue::Failure(operand) => self.operand(operand),
            Rvalue::Aggregate { fields, base, .. } => {
                self.made = true;
                fields.iter().all(|(_, field)| self.operand(field)) && base.iter().all(|base| self.operand(base))
            }
            Rvalue::Op { op, args } => {
                self.made |= args.len() > 1 || op.starts_with("format:");
                args.iter().all(|arg| self.operand(arg))
            }
            Rvalue::Opaque(parts) => !parts.is_empty() && parts.iter().all(|part| self.operand(part)),
            Rvalue::Closure { function, captures } => {
                !self.keeps(*function) && captures.iter().all(|(_, captured)| self.operand(captured))
            }
            Rvalue::FunctionValue(functions) => !functions.iter().any(|function| self.keeps(*function)),
        }
    }

    /// Whether a function reads files, or takes what lies outside every function.
    fn keeps(&self, function: FuncId) -> bool {
        reads_below(self.context, function, FOLLOWED)
            || mentions_a_global(&self.context.program.functions[function.index()])
    }

    /// Whether a call reads nothing, asks nobody that keeps something, and is given nothing that was not made anew.
    fn call(&mut self, inst: &Inst, call: &Call) -> bool {
        self.made = true;
        !self.context.flow.intents.reads.contains(&inst.focus)
            && match &call.callee {
                Callee::Functions(functions) => !functions.iter().any(|function| self.keeps(*function)),
                Callee::Value(_) => false,
                // What is given a path may read what lies there.
                Callee::Api { .. } | Callee::Unknown => !call.args.iter().any(|arg| arg.kind == ValueKind::Path),
            }
            && call.args.iter().all(|arg| self.operand(&arg.value))
    }
}

/// Whether an operand is a variable, or a part of it.
fn is_of(operand: Option<&Operand>, local: LocalId) -> bool {
    matches!(operand, Some(Operand::Place(place)) if place.base == Base::Local(local))
}

/// Whether a function takes something that lies outside every function, and is no constant by its name.
fn mentions_a_global(body: &Function) -> bool {
    let is_global = |operand: &Operand| matches!(operand, Operand::Place(Place { base: Base::Global(_), .. }));
    body.blocks.iter().flat_map(|block| &block.insts).any(|inst| match &inst.kind {
        InstKind::Call(call) => call.args.iter().any(|arg| is_global(&arg.value)),
        InstKind::Assign { value: Rvalue::Use(operand), .. } => is_global(operand),
        _ => false,
    })
}

/// Whether a value is told by constants and parameters alone; the numbers of these are added to `given`.
fn is_told_by(body: &Function, value: &Operand, given: &mut Vec<usize>, depth: usize) -> bool {
    let place = match value {
        Operand::Const(text) => return is_template(text) || is_upper(text),
        Operand::Place(place) => place,
        Operand::Absent | Operand::Unit => return false,
    };
    let local = match place.base {
        // What never changes is written in capitals.
        Base::Global(name) => return place.steps.is_empty() && is_upper(&name),
        Base::Local(local) => local,
    };
    if let Some(number) = body.params.iter().position(|param| *param == local) {
        given.push(number);
        return place.steps.is_empty();
    }
    let insts = || body.blocks.iter().flat_map(|block| &block.insts);
    // Whoever else is given it may have made something else of it.
    let uses = insts().filter(|inst| mentions(&inst.kind, local)).count();
    let mut sources = insts().filter_map(|inst| match &inst.kind {
        InstKind::Assign { place, value } if place.base == Base::Local(local) => Some(Some(Source::Value(value))),
        InstKind::Call(call) if call.result == local => Some(is_converting(call).then_some(Source::Call(call))),
        _ => None,
    });
    let mut any = false;
    let told = depth < 4
        && uses <= 1
        && sources.all(|source| {
            any = true;
            match source {
                Some(Source::Value(Rvalue::Use(operand))) => is_told_by(body, operand, given, depth + 1),
                Some(Source::Value(Rvalue::Op { args, .. })) => {
                    args.iter().all(|arg| is_told_by(body, arg, given, depth + 1))
                }
                Some(Source::Call(call)) => call.args.iter().all(|arg| is_told_by(body, &arg.value, given, depth + 1)),
                _ => false,
            }
        });
    any && told
}

/// Whether an instruction takes what a variable holds.
fn mentions(kind: &InstKind, local: LocalId) -> bool {
    let is_it =
        |operand: &Operand| matches!(operand, Operand::Place(Place { base: Base::Local(of), .. }) if *of == local);
    match kind {
        InstKind::Assign { value, .. } => match value {
            Rvalue::Use(operand) | Rvalue::Success(operand) | Rvalue::Failure(operand) => is_it(operand),
            Rvalue::Aggregate { fields, base, .. } => {
                fields.iter().any(|(_, field)| is_it(field)) || base.as_ref().is_some_and(is_it)
            }
            Rvalue::Closure { captures, .. } => captures.iter().any(|(_, captured)| is_it(captured)),
            Rvalue::Op { args, .. } | Rvalue::Opaque(args) => args.iter().any(is_it),
            Rvalue::FunctionValue(_) => false,
        },
        InstKind::Call(call) => call.args.iter().any(|arg| is_it(&arg.value)),
        InstKind::Drop(_) => false,
    }
}

/// What a variable is filled with.
enum Source<'a> {
    Value(&'a Rvalue),
    Call(&'a Call),
}

/// Whether a call gives back the same whenever it is given the same: what a type is by default, or another form of what it is given.
fn is_converting(call: &Call) -> bool {
    let forms = ["to_", "into", "as_", "from", "serialize", "encode", "format", "unwrap", "expect"];
    let name = &*call.name;
    match call.args.is_empty() {
        true => name == "default",
        false => {
            forms.iter().any(|form| name.starts_with(form))
                || matches!(name, "context" | "with_context" | "map_err" | "clone")
        }
    }
}

/// Whether a constant can hardly be one of several that stand for different things: a text of some length, or what says no more than that it is
/// there.
fn is_template(constant: &str) -> bool {
    let text = constant.trim_start_matches('b').trim_matches('"').trim_end_matches("\\n");
    constant.len() >= 64
        || text.contains("\\n")
        || matches!(text, "" | "true" | "1" | "ok" | "done" | "{}" | "[]")
        || text.starts_with('0') && text[1..].chars().all(|c| c.is_ascii_digit() || c == 'u' || c == 'i')
}

/// Whether a global, by its qualified name, is named as constants are.
fn is_upper(name: &str) -> bool {
    let own = name.rsplit("::").next().unwrap_or(name);
    own.chars().all(|c| c.is_alphanumeric() || c == '_')
        && own.contains(char::is_uppercase)
        && !own.contains(char::is_lowercase)
}

/// Whether an argument can be content: no file, and no path.
fn is_content(arg: &Arg) -> bool {
    !matches!(
        arg.kind,
        ValueKind::File
            | ValueKind::BufferedFile
            | ValueKind::AsyncFile
            | ValueKind::TempFile
            | ValueKind::Path
            | ValueKind::Function
    )
}

/// The variables of a function that may hold what was read, or something made of it.
struct Held<'a> {
    context: &'a Context<'a>,
    body: &'a Function,
    /// The file that is asked about, in the terms of that function; `None`: any.
    of: Option<(FuncId, Value)>,
    locals: FxHashSet<LocalId>,
}

impl Held<'_> {
    fn fill(&mut self) {
        // A closure or a loop may come before what it takes: until nothing is new.
        loop {
            let known = self.locals.len();
            let body = self.body;
            for inst in body.blocks.iter().flat_map(|block| &block.insts) {
                self.inst(inst);
            }
            if self.locals.len() == known {
                return;
            }
        }
    }

    fn inst(&mut self, inst: &Inst) {
        match &inst.kind {
            InstKind::Assign { place, value } => {
                if self.value(value) {
                    self.mark(place);
                }
                // A closure that reads may put it into what it captures.
                if let Rvalue::Closure { function, captures } = value
                    && self.is_reader(*function)
                {
                    captures.iter().for_each(|(_, captured)| self.mark_operand(captured));
                    self.mark(place);
                }
            }
            InstKind::Call(call) => {
                let reads = self.reads(inst, call);
                if !reads && !call.args.iter().any(|arg| self.operand(&arg.value)) {
                    return;
                }
                self.locals.insert(call.result);
                // A method that reads may keep it in what it is called on, behind a lock.
                let keeps = reads && self.is_method(call);
                for (number, arg) in call.args.iter().enumerate().filter(|(_, arg)| is_content(arg)) {
                    if arg.passing == Passing::Mutable || keeps && number == 0 {
                        self.mark_operand(&arg.value);
                    }
                }
            }
            InstKind::Drop(_) => {}
        }
    }

    fn value(&self, value: &Rvalue) -> bool {
        match value {
            Rvalue::Use(operand) | Rvalue::Success(operand) | Rvalue::Failure(operand) => self.operand(operand),
            Rvalue::Aggregate { fields, base, .. } => {
                fields.iter().any(|(_, field)| self.operand(field)) || base.iter().any(|base| self.operand(base))
            }
            Rvalue::Closure { captures, .. } => captures.iter().any(|(_, captured)| self.operand(captured)),
            // A comparison tells something of what was read; it does not hold it.
            Rvalue::Op { op, .. } if matches!(op.as_str(), "==" | "!=" | "<" | "<=" | ">" | ">=" | "!") => false,
            Rvalue::Op { args, .. } => args.iter().any(|arg| self.operand(arg)),
            // What is made of nothing that is told may be made of anything.
            Rvalue::Opaque(parts) => {
                let told = parts.iter().any(|part| matches!(part, Operand::Place(_)));
                !told || parts.iter().any(|part| self.operand(part))
            }
            Rvalue::FunctionValue(_) => false,
        }
    }

    fn operand(&self, operand: &Operand) -> bool {
        matches!(operand, Operand::Place(Place { base: Base::Local(local), .. }) if self.locals.contains(local))
            // What lies outside every function may have been filled by anybody.
            || matches!(operand, Operand::Place(Place { base: Base::Global(_), .. }))
    }

    fn mark(&mut self, place: &Place) {
        if let Base::Local(local) = place.base {
            self.locals.insert(local);
        }
    }

    fn mark_operand(&mut self, operand: &Operand) {
        if let Operand::Place(place) = operand {
            self.mark(place);
        }
    }

    /// Whether a call reads content from the file that is asked about, itself or below; from another one, where that can be told, it does not.
    fn reads(&self, inst: &Inst, call: &Call) -> bool {
        let elsewhere = self.of.is_some_and(|(function, file)| {
            let read_from = self.context.flow.intents.read_from.get(&(function, inst.focus));
            read_from.is_some_and(|from| from.is_some_and(|from| from != file))
        });
        !elsewhere && self.reads_any(inst, call)
    }

    fn reads_any(&self, inst: &Inst, call: &Call) -> bool {
        self.context.flow.intents.reads.contains(&inst.focus)
            || match &call.callee {
                Callee::Functions(functions) => functions.iter().any(|function| self.is_reader(*function)),
                _ => false,
            }
    }

    fn is_method(&self, call: &Call) -> bool {
        let Callee::Functions(functions) = &call.callee else { return false };
        functions.iter().any(|function| {
            let body = &self.context.program.functions[function.index()];
            let first = body.params.first().map(|local| &body.locals[local.index()]);
            body.owner.is_some() && first.is_some_and(|local| local.type_name == body.owner)
        })
    }

    fn is_reader(&self, function: FuncId) -> bool {
        reads_below(self.context, function, FOLLOWED)
    }
}

/// Whether content is read in a function, or in what it calls, `calls` deep.
fn reads_below(context: &Context<'_>, function: FuncId, calls: usize) -> bool {
    let below = |function: &FuncId| calls > 0 && reads_below(context, *function, calls - 1);
    let body = &context.program.functions[function.index()];
    body.blocks.iter().flat_map(|block| &block.insts).any(|inst| match &inst.kind {
        InstKind::Call(Call { callee: Callee::Functions(functions), .. }) => functions.iter().any(below),
        InstKind::Assign { value: Rvalue::Closure { function, .. }, .. } => below(function),
        InstKind::Call(_) => context.flow.intents.reads.contains(&inst.focus),
        _ => false,
    })
}
