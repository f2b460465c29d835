//! Which paths of different functions are the same file: told in words that mean the same in all of them.
//!
//! A term is meaningful inside one function. Across functions a path is known by the field it lives in (`Store.path`), by how it is made
//! from such fields and from constants (`join(Store.dir, "state.json")`), or, weaker, by a constant file name alone.

use super::{Context, purpose};
use crate::flow::intent::FieldKey;
use crate::flow::terms::{Term, Terms, Value};
use crate::ir::{FuncId, Function, PackageId, ValueKind};
use rustc_hash::FxHashSet;
use std::fmt::Write;
use std::rc::Rc;
use ustr::Ustr;

/// A way in which a path is known, and how much that says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alias {
    /// By a constant file name.
    Name(Ustr),
    /// As what methods of a type are given: none of its own state, but the type's methods mean the same by it.
    Given(Ustr),
    /// By how it is made, or where it lives.
    Place(Ustr),
}

/// The ways in which a path is known.
pub type Aliases = Rc<[Alias]>;

/// The ways in which the path `file` of `function` is known elsewhere.
pub fn aliases(context: &Context<'_>, function: FuncId, file: Value) -> Aliases {
    let known = context.index.aliases.borrow().get(&(function, file)).cloned();
    known.unwrap_or_else(|| {
        let found: Aliases = find_aliases(context, function, file).into();
        context.index.aliases.borrow_mut().insert((function, file), found.clone());
        found
    })
}

fn find_aliases(context: &Context<'_>, function: FuncId, file: Value) -> Vec<Alias> {
    let body = &context.program.functions[function.index()];
    let terms = context.terms.borrow();
    let mut found = Vec::new();
    // What others wrap around any path that they are given tells no file.
    let is_given = matches!(terms.get(file), Term::Param(_));
    let wraps = |field: &FieldKey| is_given && context.flow.intents.is_passed_on(function, file, *field);
    for (owner, field) in context.flow.intents.fields_of(function, file).iter().filter(|field| !wraps(field)) {
        found.push(Alias::Place(Ustr::from(&format!("{owner}.{field}"))));
    }
    let told = Told { body, terms: &terms };
    let mut specific = false;
    let mut text = String::new();
    told.write(file, &mut text, &mut specific, 0);
    if specific {
        found.push(Alias::Place(Ustr::from(&text)));
    }
    if let Some(name) = file_name(&terms, file) {
        found.push(Alias::Name(name));
    }
    if let (&Term::Param(number), Some(owner)) = (terms.get(file), body.owner)
        && number > 0
    {
        let kind = body.params.get(number as usize).map(|local| body.locals[local.index()].kind);
        if kind == Some(ValueKind::Path) {
            found.push(Alias::Given(owner));
        }
    }
    found
}

/// Whether some function of the same package reads the file that is `file` in the terms of `function`.
pub fn is_read_back(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    let package = context.program.functions[function.index()].package;
    let mut read = context.index.read.borrow_mut();
    let read = read.entry(package).or_insert_with(|| files_read(context, package));
    aliases(context, function, file).iter().any(|alias| !matches!(alias, Alias::Given(_)) && read.contains(alias))
}

/// Whether what is written is hardly a file: a stream by its name, a value of the program's own, something given of which no more is known
/// than that it can be written to.
pub fn is_no_file(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    match context.terms.borrow().get(file) {
        Term::Field(_, name) | Term::Global(name) | Term::Op(name, _) => purpose::is_stream(name),
        Term::Aggregate { .. } => true,
        _ => is_any_writer(context, function, file),
    }
}

/// Whether it is something that the function was given, and of which no more is known than that it can be written to.
pub fn is_any_writer(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    let body = &context.program.functions[function.index()];
    match context.terms.borrow().get(file) {
        Term::Param(number) => {
            let local = body.params.get(*number as usize).map(|local| &body.locals[local.index()]);
            local.is_some_and(|local| matches!(local.kind, ValueKind::Unknown | ValueKind::Other | ValueKind::Memory))
        }
        _ => false,
    }
}

/// Whether two paths of perhaps different functions start from what is told alike in both, and go on by constants that differ.
pub fn surely_differ(context: &Context<'_>, one: (FuncId, Value), other: (FuncId, Value)) -> bool {
    let terms = context.terms.borrow();
    let split = |(function, path): (FuncId, Value)| {
        let told = Told { body: &context.program.functions[function.index()], terms: &terms };
        let mut below: Vec<&str> = Vec::new();
        let mut at = path;
        while let Term::Op(name, args) = terms.get(at)
            && *name == terms.ops.join
            && args.len() == 2
            && let Term::Const(text) = terms.get(args[1])
        {
            below.extend(text.trim_matches('"').rsplit('/').filter(|part| !part.is_empty()));
            at = args[0];
        }
        let (mut root, mut specific) = (String::new(), false);
        told.write(at, &mut root, &mut specific, 0);
        (specific && !root.contains('?')).then_some((root, below))
    };
    match (split(one), split(other)) {
        (Some((root, below)), Some((other_root, other_below))) => root == other_root && below != other_below,
        _ => false,
    }
}

/// The files that functions of `package` read.
fn files_read(context: &Context<'_>, package: PackageId) -> FxHashSet<Alias> {
    let mut read = FxHashSet::default();
    for (&reader, summary) in &context.flow.summaries {
        if context.program.functions[reader.index()].package != package {
            continue;
        }
        let facts = summary.outcomes.iter().flat_map(|outcome| &outcome.facts);
        let files: FxHashSet<Value> =
            facts.filter(|(_, facts)| facts.read && !facts.written).map(|(file, _)| *file).collect();
        for file in files {
            read.extend(aliases(context, reader, file).iter().copied());
        }
    }
    read
}

/// The constant name of a file, if it says enough to be its own.
pub fn file_name(terms: &Terms, file: Value) -> Option<Ustr> {
    let last = match terms.get(file) {
        Term::Op(name, args) if (*name == terms.ops.join || *name == terms.ops.with_file_name) && args.len() == 2 => {
            args[1]
        }
        _ => file,
    };
    match terms.get(last) {
        // A whole path is that file alone, whatever others of its name there are.
        Term::Const(text) if text.starts_with("\"/") && last == file => None,
        Term::Const(text) if text.starts_with('"') => {
            let name = text.trim_matches('"').rsplit('/').next().unwrap_or_default();
            (name.len() >= 4 && name.chars().any(char::is_alphabetic)).then(|| Ustr::from(name))
        }
        // `{}/schema`: the last component is constant all the same.
        Term::Op(name, _) if name.starts_with("format:") => {
            let last = name["format:".len()..].rsplit_once('/')?.1;
            (last.len() >= 4 && !last.contains('{')).then(|| Ustr::from(last))
        }
        Term::Global(name) => Some(*name),
        _ => None,
    }
}

/// Whether the path is made from an element of some collection: one of several that are there.
pub fn is_of_several(terms: &Terms, file: Value) -> bool {
    terms.parts(file).iter().any(|part| matches!(terms.get(*part), Term::Element(_)))
}

/// Whether the path starts from a field of a record: it is the record's own.
pub fn is_of_record(terms: &Terms, file: Value) -> bool {
    matches!(terms.get(file), Term::Field(..))
        || matches!(terms.get(file), Term::Op(_, args) if args.iter().any(|&arg| is_of_record(terms, arg)))
}

/// Whether a path has a part that was counted up: the next of several files, which is not there yet.
pub fn is_next_of_several(terms: &Terms, file: Value) -> bool {
    terms.parts(file).into_iter().any(|part| match terms.get(part) {
        Term::Op(name, args) if name == "+" => args.iter().any(|&arg| matches!(terms.get(arg), Term::Const(_))),
        _ => false,
    })
}

/// Whether the name of the file (not of its directories) is made anew from something that varies.
pub fn varies(terms: &Terms, file: Value) -> bool {
    match terms.get(file) {
        Term::Op(name, args)
            if (*name == terms.ops.join || *name == terms.ops.with_file_name || *name == terms.ops.with_extension)
                && args.len() == 2 =>
        {
            if *name == terms.ops.with_extension {
                varies(terms, args[0])
            } else {
                !is_constant(terms, args[1])
            }
        }
        Term::Op(name, args) if name.starts_with("format:") => {
            name.rsplit('/').next().is_some_and(|last| last.contains('{'))
                && !is_constant(terms, file)
                && !args.is_empty()
        }
        Term::Op(_, args) => args.iter().any(|&arg| varies(terms, arg)),
        Term::Fresh(..) | Term::Element(_) => true,
        _ => false,
    }
}

fn is_constant(terms: &Terms, value: Value) -> bool {
    match terms.get(value) {
        Term::Const(_) | Term::Global(_) => true,
        Term::Op(_, args) => args.iter().all(|&arg| is_constant(terms, arg)),
        _ => false,
    }
}

/// Tells terms of one function in words of the program.
struct Told<'a> {
    body: &'a Function,
    terms: &'a Terms,
}

impl Told<'_> {
    /// Adds what tells `value` to `out`. `specific` becomes true if that has a part that is not just any value.
    fn write(&self, value: Value, out: &mut String, specific: &mut bool, depth: usize) {
        if depth > 12 {
            out.push('…');
            return;
        }
        let start = out.len();
        match self.terms.get(value) {
            Term::Param(number) => self.param(*number, out, specific),
            Term::Field(base, name) => {
                self.write(*base, out, specific, depth + 1);
                *specific |= out[start..] != *"?";
                let _ = write!(out, ".{name}");
            }
            Term::Op(name, args) => {
                *specific |= !self.is_plain(name);
                let _ = write!(out, "{name}(");
                for (number, &arg) in args.iter().enumerate() {
                    out.push_str(if number > 0 { "," } else { "" });
                    self.write(arg, out, specific, depth + 1);
                }
                out.push(')');
            }
            Term::Const(text) => {
                *specific |= text.chars().filter(|c| c.is_alphabetic()).count() >= 3;
                out.push_str(text);
            }
            Term::Global(name) => {
                *specific = true;
                out.push_str(name);
            }
            Term::Handle { file, .. } => self.write(*file, out, specific, depth + 1),
            Term::Success(inner) | Term::Buffered(inner) => self.write(*inner, out, specific, depth + 1),
            Term::Element(inner) => {
                self.write(*inner, out, specific, depth + 1);
                if out[start..] != *"?" {
                    out.push_str("[]");
                }
            }
            Term::Aggregate { type_name: Some(name), .. } => out.push_str(name),
            _ => out.push('?'),
        }
    }

    fn param(&self, number: u16, out: &mut String, specific: &mut bool) {
        let local = self.body.params.get(number as usize).map(|local| &self.body.locals[local.index()]);
        let of_type = match (number, self.body.owner) {
            (0, Some(owner)) => Some(owner),
            _ => local.filter(|local| local.kind == ValueKind::Aggregate).and_then(|local| local.type_name),
        };
        *specific |= of_type.is_some();
        out.push_str(of_type.as_ref().map_or("?", |name| name.as_str()));
    }

    /// Operations that say nothing of what they are applied to.
    fn is_plain(&self, operation: &str) -> bool {
        operation == self.terms.ops.join
            || operation == self.terms.ops.parent
            || operation == self.terms.ops.with_extension
            || operation == self.terms.ops.with_file_name
            || operation.starts_with("format:")
            || operation == "+"
            || operation == "clone"
            || ["to_", "as_", "into", "from", "try_into", "try_from"].iter().any(|form| operation.starts_with(form))
    }
}
