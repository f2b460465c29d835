//! Crash tests: a workload runs under `strace`; at every system call the power fails in many ways; the store is opened on what is left.
//!
//! It must open, show every acknowledged operation, and show the one under way wholly or not at all. Then it gets one more write,
//! is opened again, and must show that too. The corrected versions must pass, and so that the test is known to be able to fail, the
//! audited ones must not. Where programs cannot be traced these tests pass without looking.

#[path = "../common/mod.rs"]
mod common;

mod disk;
mod subjects;
mod trace;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use disk::{Content, Disk, Effect, Fate, fates};
use fsynclint_engines::{Error, btree, hash_index, hash_table, lsm, sstable, wal};
use subjects::{Op, Subject, Tables};

macro_rules! crash_tests {
    ($($engine:ident: $audited:ty, $corrected:ty;)*) => {$(
        mod $engine {
            use super::*;

            #[test]
            fn corrected_survives() {
                let violations = violations::<$corrected>(concat!(stringify!($engine), "::corrected_workload"));
                assert!(violations.as_deref().unwrap_or_default().is_empty(), "{:#?}", violations);
            }

            #[test]
            fn audited_does_not() {
                let violations = violations::<$audited>(concat!(stringify!($engine), "::audited_workload"));
                assert!(violations.is_none_or(|violations| !violations.is_empty()));
            }

            #[test]
            #[ignore = "run by the other tests"]
            fn corrected_workload() {
                workload::<$corrected>();
            }

            #[test]
            #[ignore = "run by the other tests"]
            fn audited_workload() {
                workload::<$audited>();
            }
        }
    )*};
}

crash_tests! {
    write_ahead_log: wal::audited::WriteAheadLog, wal::corrected::WriteAheadLog;
    b_tree: btree::audited::BTree, btree::corrected::BTree;
    hash_index_store: hash_index::audited::HashIndex, hash_index::corrected::HashIndex;
    lsm_tree: lsm::audited::LsmTree, lsm::corrected::LsmTree;
    log_structured_hash_table: hash_table::audited::HashTable, hash_table::corrected::HashTable;
    sorted_tables: Tables<sstable::audited::CompactionManager>, Tables<sstable::corrected::CompactionManager>;
}

/// Opens the store and runs its workload, from the operation where it is asked to start. Acknowledges the opening and each operation.
fn workload<S: Subject>() {
    let Some(dir) = std::env::var_os("CRASH_DIR") else { return };
    let acks = std::env::var_os("CRASH_ACKS").expect("a file for acknowledgements");
    let start: usize = std::env::var("CRASH_START").expect("a start").parse().expect("a number");
    let ops: Vec<Op> = S::workload().into_iter().skip(start).collect();
    let mut acks = fs::File::create(acks).expect("a file");
    let mut acknowledge = || std::io::Write::write_all(&mut acks, b".").expect("a write");
    let mut store = S::open(Path::new(&dir)).expect("a store");
    acknowledge();
    // After a crash in a crash a few operations are enough.
    for op in ops.iter().take(if start > 0 { 3 } else { usize::MAX }) {
        store.apply(op).expect("an operation");
        acknowledge();
    }
}

/// How the store breaks its promises, at most a few ways; `None` if programs cannot be traced here.
fn violations<S: Subject>(workload: &str) -> Option<Vec<String>> {
    let mut tried = Tried::default();
    crash_everywhere::<S>(workload, &Start::default(), &mut tried)?;
    // Crashes while recovering from a crash of the machine, or of the process alone.
    for starts in [std::mem::take(&mut tried.recovered), std::mem::take(&mut tried.killed)] {
        let step = starts.len().div_ceil(RECOVERIES).max(1);
        for start in starts.into_iter().step_by(step) {
            if tried.violations.is_empty() {
                crash_everywhere::<S>(workload, &start, &mut tried)?;
            }
        }
    }
    Some(tried.violations)
}

/// So many states of either kind are recovered from under further crashes.
const RECOVERIES: usize = 10;

/// Where a workload starts.
#[derive(Default, Clone)]
struct Start {
    /// What is on disk, and what is not yet.
    disk: Disk,
    /// How many operations the store shows when it is opened.
    done: usize,
    /// How many it may show instead after a crash, as long as the opening is not acknowledged.
    shown: Vec<usize>,
}

/// What has been tried.
#[derive(Default)]
struct Tried {
    states: HashSet<(Content, Vec<usize>)>,
    violations: Vec<String>,
    /// States that the store recovered from.
    recovered: Vec<Start>,
    /// The same, if the machine goes on and what is not durable yet may still be lost.
    killed: Vec<Start>,
}

/// Lets the power fail after each effect of a workload.
fn crash_everywhere<S: Subject>(workload: &str, start: &Start, tried: &mut Tried) -> Option<()> {
    let root = common::scratch();
    let dir = root.path().join("store");
    materialize(&dir, &start.disk.crash(&vec![Fate::Kept; start.disk.pending()]));
    let acks = root.path().join("acks");
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "--ignored", "--test-threads=1", workload]);
    command.env("CRASH_DIR", &dir).env("CRASH_ACKS", &acks).env("CRASH_START", start.done.to_string());
    let effects = trace::effects(command, &dir, &acks, &start.disk)?;
    let total = S::workload().len();
    let mut disk = start.disk.clone();
    let mut shown = if start.shown.is_empty() { vec![start.done] } else { start.shown.clone() };
    for (at, effect) in effects.iter().enumerate() {
        disk.apply(effect);
        if let Effect::Acknowledged(count) = effect {
            // The opening is the first to be acknowledged. The operation after the last acknowledged one is under way.
            shown = vec![start.done + count - 1, total.min(start.done + count)];
        }
        if tried.violations.len() > 3 {
            return Some(());
        }
        for (number, fates) in fates(disk.pending(), at as u64).into_iter().enumerate() {
            let content = disk.crash(&fates);
            if !tried.states.insert((content.clone(), shown.clone())) {
                continue;
            }
            match check::<S>(&content, &shown) {
                Ok(done) => {
                    let durable = Disk::durable(&content);
                    tried.recovered.push(Start { disk: durable, done, shown: vec![done] });
                    if number == 0 && disk.pending() > 0 {
                        tried.killed.push(Start { disk: disk.clone(), done, shown: shown.clone() });
                    }
                }
                Err(what) => {
                    let effect = describe(effect);
                    let violation = format!("after effect {at} ({effect}), {shown:?} shown, fates {fates:?}: {what}");
                    tried.violations.push(violation);
                }
            }
        }
    }
    Some(())
}

fn describe(effect: &Effect) -> String {
    let mut text = format!("{effect:?}");
    text.truncate(120);
    text
}

/// Opens a store on `content`, which must show one of `shown` operations, writes to it, and opens it again. How many it showed.
fn check<S: Subject>(content: &Content, shown: &[usize]) -> Result<usize, String> {
    let root = common::scratch();
    let dir = root.path().join("store");
    materialize(&dir, content);
    let mut ops = S::workload();
    let mut store = open::<S>(&dir).map_err(|error| format!("does not open: {error}"))?;
    let view = store.view().map_err(|error| format!("cannot be read: {error}"))?;
    let found = shown.iter().copied().find(|count| S::model(&ops[..*count]) == view);
    let found = found.ok_or_else(|| {
        let expected: Vec<_> = shown.iter().map(|count| S::model(&ops[..*count])).collect();
        format!("shows {view:?}, not one of {expected:?}")
    })?;
    ops.truncate(found);
    ops.push(Op::Put("after".to_owned(), "the crash".to_owned()));
    store.apply(&ops[found]).map_err(|error| format!("cannot be written: {error}"))?;
    drop(store);
    let store = open::<S>(&dir).map_err(|error| format!("does not open the second time: {error}"))?;
    let view = store.view().map_err(|error| format!("cannot be read the second time: {error}"))?;
    if view == S::model(&ops) { Ok(found) } else { Err(format!("shows {view:?} the second time")) }
}

/// Opens a store. A process that another test is just starting holds copies of our locks for a moment.
fn open<S: Subject>(dir: &Path) -> fsynclint_engines::Result<S> {
    for _ in 0..1000 {
        match S::open(dir) {
            Err(Error::Locked(_)) => std::thread::sleep(Duration::from_millis(1)),
            result => return result,
        }
    }
    S::open(dir)
}

fn materialize(dir: &Path, content: &Content) {
    fs::create_dir(dir).expect("a directory");
    for (name, bytes) in content {
        fs::write(dir.join(name), bytes).expect("a file");
    }
}
