//! For those who work on the front end: `dump PATH…` prints what it makes, `stats PATH…` which calls it could resolve,
//! `time PATH…` how long it takes next to parsing alone.

use fsynclint::apis::Apis;
use fsynclint::discover::{DiscoverOptions, DiskTexts, Texts, Workspace, discover};
use fsynclint::frontends::rust::{Options, Output, dump, read};
use fsynclint::ir::{Callee, InstKind};
use fsynclint::source::SourceMap;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Names that all but always mean files.
const NAMES: &[&str] = &[
    "sync_all",
    "sync_data",
    "fsync",
    "fdatasync",
    "sync_dir",
    "rename",
    "persist",
    "persist_noclobber",
    "write_all",
    "set_len",
    "remove_file",
    "flush",
    "write_fmt",
];

fn main() {
    let mut args = std::env::args().skip(1);
    let (what, paths): (String, Vec<PathBuf>) = (args.next().unwrap_or_default(), args.map(PathBuf::from).collect());
    let apis = Apis::builtin("rust").expect("the built-in tables are sound");
    let workspace = discover(&paths, &DiscoverOptions::default());
    let mut sources = SourceMap::default();
    let start = std::time::Instant::now();
    let output = read(&workspace, &DiskTexts, &mut sources, &apis, &Options::default());
    let elapsed = start.elapsed();
    for problem in workspace.problems.iter().chain(&output.problems) {
        eprintln!("{}:{}: {}", problem.path.display(), problem.line, problem.message);
    }
    match what.as_str() {
        "time" => parse_alone(&workspace),
        "read" => {}
        "dump" => print!("{}", dump::program(&output.program, &apis)),
        _ => stats(&output, &sources),
    }
    eprintln!("{:?}, {} functions, {elapsed:?}, {} MiB", output.stats, output.program.functions.len(), peak_memory());
}

fn parse_alone(workspace: &Workspace) {
    let pool = rayon::ThreadPoolBuilder::new().stack_size(512 << 20).build().expect("threads");
    let start = std::time::Instant::now();
    let files: Vec<_> = workspace.packages.iter().flat_map(|package| &package.files).collect();
    pool.install(|| {
        files.par_iter().for_each(|file| {
            let text = DiskTexts.read(&file.path).unwrap_or_else(|_| "".into());
            std::hint::black_box(syn::parse_file(&text).is_ok());
        })
    });
    eprintln!("parsing alone: {:?}", start.elapsed());
}

fn stats(output: &Output, sources: &SourceMap) {
    let mut counts: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for function in &output.program.functions {
        for inst in function.blocks.iter().flat_map(|block| &block.insts) {
            let InstKind::Call(call) = &inst.kind else { continue };
            let (at, what) = match &call.callee {
                Callee::Functions(_) => (0, "functions"),
                Callee::Api { certain: true, .. } => (1, "api"),
                Callee::Api { certain: false, .. } => (2, "uncertain"),
                Callee::Unknown | Callee::Value(_) => (3, "unknown"),
            };
            if NAMES.contains(&call.name.as_str()) {
                counts.entry(call.name.as_str()).or_default()[at] += 1;
            }
            let (line, _) = sources.line_column(inst.focus.file, inst.focus.start);
            println!("{what} {} {}:{line} {}", call.name, sources.path(inst.focus.file).display(), function.name);
        }
    }
    for (name, [functions, api, uncertain, unknown]) in counts {
        eprintln!("{name:18} functions {functions:5}  rows {api:5}  uncertain {uncertain:5}  unknown {unknown:5}");
    }
}

/// Most memory used so far, where the system tells.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
