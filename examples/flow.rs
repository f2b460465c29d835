//! For those who work on the flow: `flow PATH…` prints what each function does to its caller.

use fsynclint::apis::Apis;
use fsynclint::discover::{DiscoverOptions, DiskTexts, discover};
use fsynclint::flow::analyse;
use fsynclint::frontends::rust::{Options, read};
use fsynclint::source::SourceMap;
use std::path::PathBuf;

fn main() {
    let paths: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let workspace = discover(&paths, &DiscoverOptions::default());
    let apis = Apis::builtin("rust").expect("built-in tables load");
    let output = read(&workspace, &DiskTexts, &mut SourceMap::default(), &apis, &Options::default());
    let flow = analyse(&output.program, &apis, true);
    let terms = &flow.terms;
    let mut functions: Vec<_> = flow.summaries.iter().collect();
    functions.sort_by_key(|(function, _)| **function);
    for (function, summary) in functions {
        let body = &output.program.functions[function.index()];
        println!(
            "fn {} (effective {}, bounded {}, calls {:?})",
            body.name, summary.effective, summary.bounded, summary.calls
        );
        for outcome in &summary.outcomes {
            println!("  {} failing {}", if outcome.success { "success" } else { "failure" }, outcome.failing);
            for (value, question, answer) in &outcome.guards {
                println!("    if {} {question:?} = {answer}", terms.show(*value));
            }
            for pending in &outcome.pending {
                let (file, dir) = (terms.show(pending.file), terms.show(pending.dir));
                println!(
                    "    pending {:?} {:?} {file} in {dir} doubt {} cared {} closed {} flushed {}",
                    pending.kind,
                    pending.how,
                    pending.doubt,
                    pending.cared,
                    pending.closed,
                    pending.flushed.is_some()
                );
                for (value, question, answer) in &pending.when {
                    println!("      only if {} {question:?} = {answer}", terms.show(*value));
                }
            }
            for (file, kind) in &outcome.killed {
                println!("    durable {kind:?} {}", terms.show(*file));
            }
            for file in &outcome.flushed {
                println!("    flushed {}", terms.show(*file));
            }
            for file in &outcome.maybe_directories {
                println!("    perhaps a directory {}", terms.show(*file));
            }
            for ((base, field), value) in &outcome.heap {
                println!("    sets {}.{field} = {}", terms.show(*base), terms.show(*value));
            }
            for (path, key) in &outcome.names {
                println!("    name {} -> {}", terms.show(*path), terms.show(*key));
            }
            println!("    gives {}", terms.show(outcome.result));
        }
        for trigger in &summary.triggers {
            println!("  act {:?} failing {}", trigger.act, trigger.failing);
        }
    }
}
