//! What a file is for, as far as names tell: the policy where nothing was configured. Names never make a fault; they decide
//! whether the durable rules speak, and whether a file is one that may be lost.

use super::Context;
use crate::flow::terms::Value;
use crate::ir::FuncId;

/// Words in a path, a function, a type or a module that say: losing this costs nothing but time.
const DISPOSABLE: &[&str] = &[
    "cache",
    "scratch",
    "temp",
    "tmp",
    "test",
    "bench",
    "mock",
    "fuzz",
    "example",
    "demo",
    "profile",
    "trace_dump",
    "debug",
    "lock",
    "socket",
    "spill",
];

/// Words that say: this is to outlive a crash.
const PROMISES: &[&str] = &[
    "sync",
    "fsync",
    "fdatasync",
    "durable",
    "durably",
    "persist",
    "commit",
    "checkpoint",
    "wal",
    "journal",
    "manifest",
    "snapshot",
    "superblock",
    "ledger",
    "atomic",
    "metadata",
    "marker",
];

/// The words of an identifier: `WriteAheadLog::sync_dir` has `write`, `ahead`, `log`, `sync`, `dir`.
pub fn words(identifier: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut previous_lower = false;
    for c in identifier.chars() {
        let ends = !c.is_alphanumeric() || c.is_uppercase() && previous_lower;
        if ends && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        previous_lower = c.is_lowercase() || c.is_numeric();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn has(identifier: &str, list: &[&str]) -> bool {
    words(identifier).iter().any(|word| list.contains(&word.as_str()))
}

/// Whether `function`, or the file `file` in its terms, says that losing it costs nothing.
pub fn is_disposable(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    let body = &context.program.functions[function.index()];
    has(&body.name, DISPOSABLE)
        || body.owner.is_some_and(|owner| has(&owner, DISPOSABLE))
        || context.terms.borrow().texts(file).iter().any(|text| has(text, DISPOSABLE))
}

/// Whether a function's name promises that something is durable when it returns.
pub fn promises_sync(name: &str) -> bool {
    has(name, &["sync", "fsync", "fdatasync", "synchronize", "durable", "durably", "syncall", "datasync"])
}

/// Whether names around the file say that it is to outlive a crash.
pub fn is_precious(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    let body = &context.program.functions[function.index()];
    let field = context.flow.intents.field_of(function, file);
    has(&body.name, PROMISES)
        || body.owner.is_some_and(|owner| has(&owner, PROMISES))
        || field.is_some_and(|(owner, name)| has(&owner, PROMISES) || has(&name, PROMISES))
        || context.terms.borrow().texts(file).iter().any(|text| has(text, PROMISES))
}
