//! Values in words: as the function that has them would write them.

use super::evidence::Evidence;
use crate::flow::terms::{Term, Value};
use crate::ir::FuncId;

impl<'a> Evidence<'a> {
    /// What `function` calls a value, in a few words.
    pub(super) fn name(&self, function: FuncId, value: Value) -> String {
        match self.flow.terms.get(value) {
            Term::Field(_, name) | Term::Global(name) => name.rsplit("::").next().unwrap_or_default().to_string(),
            Term::Op(name, args) if matches!(name.as_str(), "!" | "==" | "!=") && !args.is_empty() => {
                let constant = matches!(self.flow.terms.get(args[0]), Term::Const(_)) && args.len() == 2;
                self.name(function, args[usize::from(constant)])
            }
            _ => self.shown(function, value),
        }
    }

    /// A path or value as `function` would write it: `self.dir/{number:06}.wal`.
    pub(super) fn shown(&self, function: FuncId, value: Value) -> String {
        let terms = &self.flow.terms;
        let ops = terms.ops;
        match terms.get(value) {
            Term::Param(number) => {
                let body = &self.program.functions[function.index()];
                let local = body.params.get(*number as usize).map(|local| &body.locals[local.index()]);
                local.and_then(|local| local.name).map_or_else(|| format!("argument {number}"), |name| name.to_string())
            }
            Term::Field(base, name) => match terms.get(*base) {
                Term::Param(_) | Term::Field(..) => format!("{}.{name}", self.shown(function, *base)),
                _ => name.to_string(),
            },
            Term::Const(text) => text.trim_matches('"').to_string(),
            Term::Global(name) => name.rsplit("::").next().unwrap_or_default().to_string(),
            Term::Op(name, args) if *name == ops.join && args.len() == 2 => {
                format!("{}/{}", self.shown(function, args[0]), self.shown(function, args[1]))
            }
            Term::Op(name, args) if *name == ops.with_extension && args.len() == 2 => {
                format!("{}.{}", self.shown(function, args[0]), self.shown(function, args[1]))
            }
            Term::Op(name, args) if *name == ops.parent && args.len() == 1 => {
                format!("directory of {}", self.shown(function, args[0]))
            }
            // A path or text that another is put behind.
            Term::Op(name, args) if name == "+" && args.len() == 2 && self.is_text(args[1]) => {
                format!("{}{}", self.shown(function, args[0]), self.shown(function, args[1]))
            }
            Term::Op(name, args) => match name.strip_prefix("format:") {
                Some(text) => text.to_string(),
                None if args.is_empty() => "a value made here".to_string(),
                None => format!("{name}({})", self.shown(function, args[0])),
            },
            Term::Element(inner) => format!("{}[…]", self.shown(function, *inner)),
            Term::Success(inner) | Term::Buffered(inner) => self.shown(function, *inner),
            Term::Handle { file, .. } => self.shown(function, *file),
            _ => "a value made here".to_string(),
        }
    }

    fn is_text(&self, value: Value) -> bool {
        matches!(self.flow.terms.get(value), Term::Const(text) if text.starts_with('"'))
    }
}
