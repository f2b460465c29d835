//! Whether what is written may be made of what was read: content is followed through the variables of one function.
//!
//! It errs on the side of *yes*: whatever comes near what was read is taken to hold it. A *no* says that the two have nothing to do with
//! each other but that one came before the other, as where a text is made anew and written if it differs from the old one.

use super::Context;
use crate::flow::state::Trace;
use crate::ir::{
    Arg, Base, Call, Callee, FuncId, Function, Inst, InstKind, LocalId, Operand, Passing, Place, Rvalue, ValueKind,
};
use rustc_hash::FxHashSet;

/// So many calls below a function it is asked whether they read.
const FOLLOWED: usize = 3;

/// Whether the write at `write`, as `function` sees it, may write what was read from some file in `function` or below.
pub fn may_write_what_was_read(context: &Context<'_>, function: FuncId, write: &Trace) -> bool {
    let place = write.start();
    if place.function != function {
        return true;
    }
    let body = &context.program.functions[function.index()];
    let mut held = Held { context, body, locals: FxHashSet::default() };
    held.fill();
    let insts = || body.blocks.iter().flat_map(|block| &block.insts);
    let mut at_place = insts().filter(|inst| inst.focus == place.span).peekable();
    // What stands somewhere else than it is told is not followed.
    at_place.peek().is_none()
        || at_place.any(|inst| match &inst.kind {
            InstKind::Call(call) if call.args.iter().any(|arg| is_content(arg) && held.operand(&arg.value)) => true,
            // What is read and written by one call is looked at there.
            InstKind::Call(call) if held.reads(inst, call) => match write {
                Trace::Via(_, inner) => may_write_what_was_read(context, inner.start().function, inner),
                Trace::Here(_) => true,
            },
            InstKind::Call(_) => false,
            _ => true,
        })
}

/// Whether anything that `function` may write to files is made of what it read, by its own text or handed to what it calls.
pub fn writes_what_was_read(context: &Context<'_>, function: FuncId) -> bool {
    let body = &context.program.functions[function.index()];
    let mut held = Held { context, body, locals: FxHashSet::default() };
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

    /// Whether a call reads content from a file, itself or below.
    fn reads(&self, inst: &Inst, call: &Call) -> bool {
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
