//! How long `check` takes, next to the least that any tool has to do that looks at syntax: parsing every file once.
//!
//! `cargo bench` measures on the crates in cargo's registry; `cargo bench --bench check_vs_parse -- FOLDER…` on any folders. Both
//! sides read the same files on the same threads, in turns, so that what disturbs the one disturbs the other; how much memory each
//! takes at most is measured in a process of its own.

use fsynclint::check::check;
use fsynclint::config::Config;
use fsynclint::discover::{DiscoverOptions, DiskTexts, Texts, Workspace, discover};
use rayon::prelude::*;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Rounds; the median of each side counts.
const ROUNDS: usize = 7;

/// Stack of each thread: syntax trees are parsed recursively.
const STACK_BYTES: usize = 64 << 20;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tell a child process what it is to do.
const CHECK: &str = "--peak-memory-of-check";
const PARSE: &str = "--peak-memory-of-parsing";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut folders: Vec<PathBuf> = args.iter().filter(|arg| !arg.starts_with('-')).map(PathBuf::from).collect();
    if folders.is_empty() {
        folders = registry();
    }
    rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES).build_global().expect("the first pool");
    if let Some(child) = args.iter().find(|arg| [CHECK, PARSE].contains(&arg.as_str())) {
        if child == CHECK {
            run_check(&folders)
        } else {
            parse_all(&find(&folders))
        };
        println!("{}", peak_memory().unwrap_or_default());
        return;
    }
    let workspace = find(&folders);
    let files = workspace.packages.iter().map(|package| package.files.len()).sum::<usize>();
    if files == 0 {
        println!("no Rust files below {folders:?}");
        return;
    }
    let mut parse = Vec::new();
    let mut checked = Vec::new();
    let mut lines = 0;
    let mut findings = 0;
    for _ in 0..=ROUNDS {
        let start = Instant::now();
        lines = parse_all(&find(&folders));
        parse.push(start.elapsed());
        let start = Instant::now();
        findings = run_check(&folders);
        checked.push(start.elapsed());
    }
    // The first round warms the page cache.
    let (parse, checked) = (median(&mut parse[1..]), median(&mut checked[1..]));
    println!("{files} files, {lines} lines, {} threads, {findings} findings", rayon::current_num_threads());
    println!("parse every file: {:>8.1} ms (median of {ROUNDS})", milliseconds(parse));
    println!("check:            {:>8.1} ms", milliseconds(checked));
    println!("check / parse:    {:>8.2}", checked.as_secs_f64() / parse.as_secs_f64());
    for (what, child) in [("parsing:", PARSE), ("check:  ", CHECK)] {
        match peak_of_child(child, &folders) {
            Some(kib) => println!("peak memory of {what} {:>6} MiB", kib / 1024),
            None => println!("peak memory of {what} not known on this system"),
        }
    }
}

/// The crates that cargo has downloaded.
fn registry() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    home.map(|home| home.join("registry/src")).filter(|folder| folder.is_dir()).into_iter().collect()
}

fn find(folders: &[PathBuf]) -> Workspace {
    discover(folders, &DiscoverOptions::default())
}

/// Reads and parses every file; gives the lines.
fn parse_all(workspace: &Workspace) -> usize {
    let files: Vec<_> = workspace.packages.iter().flat_map(|package| &package.files).collect();
    let lines = files.par_iter().map(|file| {
        let Ok(text) = DiskTexts.read(&file.path) else { return 0 };
        std::hint::black_box(syn::parse_file(&text).is_ok());
        text.lines().count()
    });
    lines.sum()
}

/// Finds and checks everything; gives the findings.
fn run_check(folders: &[PathBuf]) -> usize {
    check(&find(folders), &DiskTexts, &Config::default()).findings.len()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Most memory this process ever had, in KiB.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn peak_of_child(what: &str, folders: &[PathBuf]) -> Option<u64> {
    let child = Command::new(std::env::current_exe().ok()?).arg(what).args(folders).output().ok()?;
    String::from_utf8(child.stdout).ok()?.trim().parse().ok().filter(|kib| *kib > 0)
}
