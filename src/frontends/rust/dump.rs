//! The intermediate representation as text, for tests and for looking at it.

use crate::apis::Apis;
use crate::ir::*;
use std::fmt::Write;

/// All functions.
pub fn program(program: &Program, apis: &Apis) -> String {
    let mut out = String::new();
    for (at, function) in program.functions.iter().enumerate() {
        let _ = write!(out, "#{at} ");
        self::function(function, program, apis, &mut out);
    }
    out
}

/// One function.
pub fn function(function: &Function, program: &Program, apis: &Apis, out: &mut String) {
    let text = Text { function, program, apis };
    let params: Vec<String> = function.params.iter().map(|local| text.local(*local)).collect();
    let fallible = if function.fallible { " fallible" } else { "" };
    let _ = writeln!(out, "fn {}({}){fallible} {{", function.name, params.join(", "));
    for (at, block) in function.blocks.iter().enumerate() {
        let _ = writeln!(out, "  b{at}:");
        for inst in &block.insts {
            let _ = writeln!(out, "    {}", text.inst(inst));
        }
        let _ = writeln!(out, "    {}", text.end(&block.end));
    }
    out.push_str("}\n");
}

/// Writes parts of one function.
struct Text<'a> {
    function: &'a Function,
    program: &'a Program,
    apis: &'a Apis,
}

impl Text<'_> {
    fn local(&self, id: LocalId) -> String {
        match self.function.locals.get(id.index()).and_then(|local| local.name) {
            Some(name) => {
                let first = self.function.locals.iter().position(|local| local.name == Some(name));
                if first == Some(id.index()) { name.to_string() } else { format!("{name}.{}", id.0) }
            }
            None => format!("_{}", id.0),
        }
    }

    fn place(&self, place: &Place) -> String {
        let mut out = match place.base {
            Base::Local(local) => self.local(local),
            Base::Global(name) => format!("::{name}"),
        };
        for step in &place.steps {
            match step {
                Step::Field { name, .. } => {
                    let _ = write!(out, ".{name}");
                }
                Step::Element => out.push_str("[]"),
            }
        }
        out
    }

    fn operand(&self, operand: &Operand) -> String {
        match operand {
            Operand::Place(place) => self.place(place),
            Operand::Const(text) => text.to_string(),
            Operand::Absent => "absent".into(),
            Operand::Unit => "()".into(),
        }
    }

    fn operands<'o>(&self, list: impl IntoIterator<Item = &'o Operand>) -> String {
        list.into_iter().map(|operand| self.operand(operand)).collect::<Vec<_>>().join(", ")
    }

    fn named<'o>(&self, list: impl IntoIterator<Item = &'o (ustr::Ustr, Operand)>) -> String {
        list.into_iter()
            .map(|(name, operand)| format!("{name}: {}", self.operand(operand)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn function_name(&self, id: FuncId) -> String {
        self.program
            .functions
            .get(id.index())
            .map_or_else(|| format!("#{}", id.0), |function| function.name.to_string())
    }

    fn rvalue(&self, value: &Rvalue) -> String {
        match value {
            Rvalue::Use(operand) => self.operand(operand),
            Rvalue::Success(operand) => format!("Success({})", self.operand(operand)),
            Rvalue::Failure(operand) => format!("Failure({})", self.operand(operand)),
            Rvalue::Aggregate { type_name, fields, base } => {
                let name = type_name.map_or_else(String::new, |name| name.to_string());
                let base = base.as_ref().map_or_else(String::new, |base| format!(", ..{}", self.operand(base)));
                format!("{name}{{{}{base}}}", self.named(fields))
            }
            Rvalue::Closure { function, captures } => {
                format!("closure {} [{}]", self.function_name(*function), self.named(captures))
            }
            Rvalue::FunctionValue(list) => {
                format!("fn {}", list.iter().map(|id| self.function_name(*id)).collect::<Vec<_>>().join(" | "))
            }
            Rvalue::Op { op, args } => format!("`{op}`({})", self.operands(args)),
            Rvalue::Opaque(_) => "?".into(),
        }
    }

    fn inst(&self, inst: &Inst) -> String {
        match &inst.kind {
            InstKind::Assign { place, value } => format!("{} = {}", self.place(place), self.rvalue(value)),
            InstKind::Drop(local) => format!("drop {}", self.local(*local)),
            InstKind::Call(call) => {
                let callee = match &call.callee {
                    Callee::Functions(list) => {
                        list.iter().map(|id| self.function_name(*id)).collect::<Vec<_>>().join(" | ")
                    }
                    Callee::Api { api, certain } => {
                        format!("{}api {}", if *certain { "" } else { "maybe " }, self.apis.get(*api).path)
                    }
                    Callee::Value(operand) => format!("value {}", self.operand(operand)),
                    Callee::Unknown => format!("unknown {}", call.name),
                };
                let args = call.args.iter().map(|arg| {
                    let passing = match arg.passing {
                        Passing::Move => "",
                        Passing::Shared => "&",
                        Passing::Mutable => "&mut ",
                    };
                    format!("{passing}{}", self.operand(&arg.value))
                });
                format!("{} = call {callee}({})", self.local(call.result), args.collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn end(&self, end: &Terminator) -> String {
        match end {
            Terminator::Goto(to) => format!("goto b{}", to.0),
            Terminator::Branch { cond, then, otherwise, .. } => {
                let cond = match cond {
                    Cond::Succeeded(operand) => format!("succeeded {}", self.operand(operand)),
                    Cond::Present(operand) => format!("present {}", self.operand(operand)),
                    Cond::Variant(operand, name) => format!("{} is {name}", self.operand(operand)),
                    Cond::True(operand) => self.operand(operand),
                    Cond::Unknown => "?".into(),
                };
                format!("if {cond} then b{} else b{}", then.0, otherwise.0)
            }
            Terminator::Return { value, exit, .. } => format!("return {} {exit:?}", self.operand(value)),
            Terminator::Abort => "abort".into(),
            Terminator::Unreachable => "unreachable".into(),
        }
    }
}
