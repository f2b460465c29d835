//! Every row of the API tables is what its example calls: the front end reads the examples and must come to just these rows.

use fsynclint::apis::{Api, Apis, BUILTIN, Slot, Table};
use fsynclint::discover::{Entry, FoundFile, Problem, SourcePackage, Texts, Workspace};
use fsynclint::effects::Effect;
use fsynclint::frontends::rust;
use fsynclint::ir::{Call, Callee, FuncId, Function, FunctionKind, InstKind, Program, Terminator, ValueKind};
use fsynclint::source::SourceMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct OneText(Arc<str>);

impl Texts for OneText {
    fn read(&self, _: &Path) -> Result<Arc<str>, Problem> {
        Ok(self.0.clone())
    }
}

fn read(text: String, apis: &Apis) -> (Program, Vec<Problem>) {
    let path = PathBuf::from("examples.rs");
    let workspace = Workspace {
        packages: vec![SourcePackage {
            name: "examples".into(),
            entries: vec![Entry { path: path.clone(), name: "examples".into(), library: true }],
            files: vec![FoundFile { path: path.clone(), shown: path }],
            ..SourcePackage::default()
        }],
        ..Workspace::default()
    };
    let output =
        rust::read(&workspace, &OneText(text.into()), &mut SourceMap::default(), apis, &rust::Options::default());
    (output.program, output.problems)
}

/// The examples of a table as a source file: row `n`'s is in function `row_n`.
fn source(table: &Table) -> String {
    let head = table.prelude.find("fn example(").expect("a prelude ends with the head of `fn example`");
    let start = table.prelude[..head].strip_suffix("async ").map_or(head, str::len);
    let (uses, head) = table.prelude.split_at(start);
    let mut text = uses.to_string();
    for (number, row) in table.api.iter().enumerate() {
        let head = head.trim_end().replacen("fn example(", &format!("fn row_{number}("), 1);
        text += &format!("{head} {{ let _result = {}; }}\n", row.get_ref().example);
    }
    text
}

/// All calls of `function` and of the closures in it, each with the function that it stands in.
fn calls<'p>(program: &'p Program, function: &'p Function) -> Vec<(&'p Function, &'p Call)> {
    let at = program.functions.iter().position(|one| std::ptr::eq(one, function)).expect("it is one of them");
    let insts = function.blocks.iter().flat_map(|block| &block.insts);
    let own = insts.filter_map(|inst| match &inst.kind {
        InstKind::Call(call) => Some((function, call)),
        _ => None,
    });
    let kind = FunctionKind::Closure { parent: FuncId(at as u32) };
    let closures = program.functions.iter().filter(|one| one.kind == kind);
    own.chain(closures.flat_map(|closure| calls(program, closure))).collect()
}

/// Whether the front end says the same as `row` without a call of it: an end, or (for what gives back what it got) nothing at all.
fn needs_no_call(row: &Api, function: &Function, calls: &[(&Function, &Call)]) -> bool {
    let name = row.path.rsplit("::").next().unwrap_or_default();
    match row.effect {
        Effect::Abort => function.blocks.iter().any(|block| matches!(block.end, Terminator::Abort)),
        Effect::Same | Effect::WrapRead | Effect::Nothing => calls.iter().all(|(_, call)| call.name != name),
        _ => false,
    }
}

/// Whether the operands that `row` names are there in `call`.
fn has_operands(call: &Call, row: &Api) -> bool {
    let receiver = usize::from(row.has_receiver());
    let slots = row.steps().flat_map(|step| [step.on, step.to]).chain([row.dir, row.to_dir]).flatten();
    slots.into_iter().all(|slot| match slot {
        Slot::Receiver => !call.args.is_empty(),
        Slot::Arg(number) => usize::from(number) + receiver < call.args.len(),
        Slot::Result => true,
    })
}

/// Whether `kind` can be what `row` says it gives back: a handle where it makes one (that is not a number).
fn gives_its_kind(row: &Api, kind: ValueKind) -> bool {
    use Effect::*;
    let bare = ["libc::c_int", "std::os::fd::RawFd", "*mut std::ffi::c_char"];
    if row.returns.as_ref().is_some_and(|ty| bare.contains(&ty.as_str())) {
        return true;
    }
    let file = matches!(kind, ValueKind::File | ValueKind::AsyncFile | ValueKind::BufferedFile | ValueKind::Reader);
    match row.effect {
        OpenRead | OpenWrite | OpenAppend | OptionsOpen | Create | CreateNew => file,
        CreateTemp | CreateReplacement => file || matches!(kind, ValueKind::TempFile | ValueKind::Aggregate),
        WrapBuffer => matches!(kind, ValueKind::BufferedFile | ValueKind::Memory),
        WrapRead => matches!(kind, ValueKind::Reader | ValueKind::File | ValueKind::AsyncFile | ValueKind::Mapping),
        Unwrap | Duplicate => !matches!(kind, ValueKind::Unknown | ValueKind::Path),
        Same => kind != ValueKind::Unknown,
        _ => true,
    }
}

#[test]
fn every_example_resolves_to_its_row() {
    let apis = Apis::builtin("rust").unwrap();
    let mut wrong = Vec::new();
    for (name, text) in BUILTIN {
        let table = Table::parse(name, text).unwrap();
        if table.language != "rust" {
            continue;
        }
        let (program, problems) = read(source(&table), &apis);
        assert_eq!(problems, [], "{name}");
        for (number, row) in table.api.iter().enumerate() {
            let row = row.get_ref();
            if let Some(why) = fault(&program, number, row, &apis) {
                wrong.push(format!("{name}: {}: `{}` {why}", row.path, row.example));
            }
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is wrong with the example in function `row_{number}`.
fn fault(program: &Program, number: usize, row: &Api, apis: &Apis) -> Option<String> {
    let short = format!("row_{number}");
    let function = program.functions.iter().find(|one| one.kind == FunctionKind::Named && one.short_name == *short);
    let function = function.expect("every example is a function");
    let calls = calls(program, function);
    let met = |call: &Call| matches!(call.callee, Callee::Api { api, certain: true } if apis.get(api).path == row.path);
    let Some((holder, call)) = calls.iter().find(|(_, call)| met(call)) else {
        let found: Vec<_> = calls.iter().map(|(_, call)| callee(call, apis)).collect();
        return (!needs_no_call(row, function, &calls)).then(|| format!("is {}", found.join(", ")));
    };
    let kind = holder.locals[call.result.index()].kind;
    if !has_operands(call, row) {
        return Some("lacks an operand".into());
    }
    (!gives_its_kind(row, kind)).then(|| format!("gives {kind:?}"))
}

fn callee(call: &Call, apis: &Apis) -> String {
    match &call.callee {
        Callee::Api { api, certain } => {
            format!("{}{}", apis.get(*api).path, if *certain { "" } else { " (by its name)" })
        }
        Callee::Functions(_) => format!("{}: a function of the program", call.name),
        Callee::Value(_) => format!("{}: a function value", call.name),
        Callee::Unknown => format!("{}: unknown", call.name),
    }
}
