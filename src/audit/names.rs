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
                Some(text) => self.filled(function, text, args),
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

    /// A text with places for values, in which those without a name are named by what comes there: `{self.dir}/log`.
    fn filled(&self, function: FuncId, text: &str, values: &[Value]) -> String {
        let places: Vec<&str> =
            text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|at| at.0).collect();
        if places.len() != values.len() || text.contains("{{") {
            return text.to_string();
        }
        let mut parts = text.split('{');
        let mut filled = parts.next().unwrap_or_default().to_string();
        for ((part, place), value) in parts.zip(places).zip(values) {
            let is_named = !place.is_empty() && !place.starts_with(':');
            let name = if is_named { place.to_string() } else { self.shown(function, *value) };
            match name.contains(['{', '(', ' ']) {
                // A text with places of its own stands for itself; what takes a sentence to say is left out.
                true if name.contains('{') && !name.contains('(') => filled += &name,
                true => filled += "{}",
                false => filled += &format!("{{{name}}}"),
            }
            filled += &part[place.len() + 1..];
        }
        filled
    }
}
