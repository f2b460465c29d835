//! What a file is for, as far as names tell: the policy where nothing was configured. Names never make a fault; they decide
//! whether the durable rules speak, and whether a file is one that may be lost.

use super::Context;
use crate::config::Policy;
use crate::flow::state::Trace;
use crate::flow::terms::{Term, UNIT, Value};
use crate::ir::{FuncId, Function, FunctionKind, LocalId, ValueKind};
use rustc_hash::FxHashSet;
use std::cell::RefCell;
use ustr::Ustr;

/// Words in a function's, type's or module's name or in a path that say: losing this costs nothing but time.
const DISPOSABLE: &[&str] = &[
    "cache",
    "cached",
    "caching",
    "cachedir",
    "scratch",
    "test",
    "tests",
    "testing",
    "bench",
    "mock",
    "fuzz",
    "example",
    "demo",
    "profile",
    "debug",
    "lock",
    "lockfile",
    "pid",
    "pidfile",
    "stdout",
    "stderr",
    "socket",
    "fifo",
    "export",
    "cgroup",
    "thumbnail",
    "thumb",
    "ephemeral",
];

/// Words in the name of a package that is there to build, test or measure the others.
const TOOLS: &[&str] = &[
    "test",
    "testing",
    "testutil",
    "testsuite",
    "bench",
    "benchmark",
    "fuzz",
    "xtask",
    "vdev",
    "smoketest",
    "mock",
    "dev",
    "devtool",
    "simulator",
    "dst",
    "harness",
    "torture",
    "stress",
    "chaos",
];

/// Words that tell how a thing works, not what it is.
const LIKE: &[&str] = &["cached", "caching"];

/// Words that say: this can be had again.
const CACHE: &[&str] = &["cache", "cached", "caching", "cachedir", "scratch", "thumbnail", "ephemeral"];

/// Words in a function's, type's or module's name that say: what it writes comes from elsewhere, and can be had again.
const REPEATABLE: &[&str] = &[
    "download",
    "downloader",
    "unpack",
    "extract",
    "unzip",
    "untar",
    "scaffold",
    "template",
    "checkout",
    "materialize",
];

/// Words in the folders of sources that are there to build, test or measure the others.
const FOLDERS: &[&str] =
    &["test", "testing", "testutil", "bench", "benchmark", "fuzz", "xtask", "devtool", "regression", "simulator"];

/// Such folders themselves.
const TOOL_FOLDERS: &[&str] =
    &["dev", "dev-tools", "dev_tools", "script", "scripts", "fake", "fakes", "mock", "mocks", "ci"];

/// Words that say: this is to outlive a crash.
const PRECIOUS: &[&str] = &[
    "sync",
    "fsync",
    "fdatasync",
    "durable",
    "durably",
    "persist",
    "persister",
    "commit",
    "checkpoint",
    "wal",
    "journal",
    "manifest",
    "snapshot",
    "superblock",
    "ledger",
    "metadata",
    "marker",
    "raft",
    "vote",
    "segment",
    "log",
    "store",
    "state",
    "version",
    "meta",
    "index",
    "layout",
];

/// Words that say: this is what the rest is made from again after a crash.
const LOGS: &[&str] = &["wal", "journal", "manifest", "raft", "ledger", "vlog", "superblock", "oplog", "redolog"];

/// Words in documentation that promise durability.
const DOC_PROMISES: &[&str] = &[
    "durable",
    "durably",
    "durability",
    "fsync",
    "fsynced",
    "on stable storage",
    "power cut",
    "power loss",
    "power failure",
    "survives a crash",
    "survive a crash",
    "crash-safe",
    "crash safe",
    "safely on disk",
    "is on disk",
    "are on disk",
    "persisted to disk",
    "synced to disk",
    "syncs to disk",
];

/// The words of an identifier, in lower case: `WriteAheadLog::sync_dir` has `write`, `ahead`, `log`, `sync`, `dir`.
fn words(identifier: &str) -> Vec<String> {
    let words = RefCell::new(Vec::new());
    any_word(identifier, |word| {
        words.borrow_mut().push(word.to_string());
        false
    });
    words.into_inner()
}

/// Whether one of the words of an identifier fits.
fn any_word(identifier: &str, fits: impl Fn(&str) -> bool) -> bool {
    let mut word = String::new();
    let mut previous_lower = false;
    for c in identifier.chars() {
        let ends = !c.is_alphanumeric() || c.is_uppercase() && previous_lower;
        if ends && !word.is_empty() {
            if fits(&word) {
                return true;
            }
            word.clear();
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        previous_lower = c.is_lowercase() || c.is_numeric();
    }
    !word.is_empty() && fits(&word)
}

/// Whether an identifier or path has one of the words in `list`.
pub fn has_any(identifier: &str, list: &[&str]) -> bool {
    has(identifier, list)
}

fn has(identifier: &str, list: &[&str]) -> bool {
    let fits = |word: &str| list.contains(&word) || word.strip_suffix('s').is_some_and(|one| list.contains(&one));
    any_word(identifier, fits)
}

/// Whether `function`, or the file `file` in its terms, says that losing it costs nothing. Where somebody set a policy, that counts and
/// names do not.
pub fn is_disposable(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    if let Some(policy) = context.policy(function) {
        return policy == Policy::None;
    }
    let body = &context.program.functions[function.index()];
    *context.index.disposable.borrow_mut().entry((function, file)).or_insert_with(|| {
        is_named_disposable(body)
            || body.owner.is_some_and(|owner| is_log_of_a_program(context, owner))
            || is_in_logger(context, body)
            || is_tool(context, function)
            || is_path_disposable(context, file)
            || is_below_a_cache(context, file)
            || given_names(context, function, file).iter().any(|name| match name.contains(char::is_uppercase) {
                true => is_disposable_type(name),
                false => has(name, DISPOSABLE),
            })
    })
}

/// Whether a file's path, or the field that holds it, says that losing it costs nothing. A lock around what holds it is no lock file.
fn is_path_disposable(context: &Context<'_>, file: Value) -> bool {
    let terms = context.terms.borrow();
    let around = match terms.get(file) {
        Term::Field(holder, name) if name.contains('.') => match terms.get(*holder) {
            Term::Field(_, around) => Some(*around),
            _ => None,
        },
        _ => None,
    };
    terms.texts(file).iter().any(|text| has(text, DISPOSABLE) && !(Some(*text) == around && has(text, &["lock"])))
}

/// Words in the names of libraries through which a program says what it does.
const LOGGING: &[&str] = &["log", "slog", "simplelog", "logger", "tracing"];

/// Whether a type takes what a program says of its work: what it writes is for people to read.
fn is_log_of_a_program(context: &Context<'_>, owner: Ustr) -> bool {
    let loggers = context.index.loggers.get_or_init(|| {
        let own =
            |library: &str| context.program.packages.iter().any(|package| package.name.replace('-', "_") == library);
        let takes = |function: &&Function| {
            let library = function.interface.as_ref().and_then(|interface| interface.split("::").next());
            library.is_some_and(|library| has(library, LOGGING) && !own(library))
        };
        context.program.functions.iter().filter(takes).filter_map(|function| function.owner).collect()
    });
    loggers.contains(&owner)
}

/// Whether a function belongs to a package that is named after logging and takes what programs say: what it writes is for people to read.
fn is_in_logger(context: &Context<'_>, body: &Function) -> bool {
    let name = &context.program.packages[body.package.index()].name;
    any_word(name, |word| word.starts_with("log")) && {
        let own = context.program.functions.iter().filter(|function| function.package == body.package);
        own.filter_map(|function| function.owner).any(|owner| is_log_of_a_program(context, owner))
    }
}

/// Whether a path lies below the directory that the system has for caches.
fn is_below_a_cache(context: &Context<'_>, file: Value) -> bool {
    let terms = context.terms.borrow();
    let is_cache = |part: &Value| matches!(terms.get(*part), Term::Op(name, _) if name == "cache_dir");
    terms.parts(file).iter().any(is_cache)
}

/// Whether a function's name says that losing its files costs nothing.
fn is_named_disposable(body: &Function) -> bool {
    let Some(owner) = body.owner else { return has(&body.name, DISPOSABLE) };
    let around = body.name.strip_suffix(&*body.short_name).map_or(&*body.name, |rest| rest.trim_end_matches("::"));
    let module = around.rsplit_once("::").map_or("", |(module, _)| module);
    // The module is named after what the store is like.
    let says = match has(type_of(&owner), LIKE) {
        true => has(module, DISPOSABLE) && !has(module, CACHE),
        false => has(module, DISPOSABLE),
    };
    says || has(&body.short_name, DISPOSABLE) || is_disposable_type(&owner)
}

/// Whether a type's name says that losing its files costs nothing. What a store is like (`CachedLabelStore`) says nothing of its files.
fn is_disposable_type(name: &str) -> bool {
    let fits = |word: &str| DISPOSABLE.contains(&word) && !LIKE.contains(&word);
    any_word(type_of(name), |word| fits(word) || word.strip_suffix('s').is_some_and(fits))
}

/// A type's name without those of the modules it is in.
pub fn type_of(name: &str) -> &str {
    name.rsplit_once("::").map_or(name, |(_, own)| own)
}

/// Whether a function belongs to what builds, tests or measures the others, by its package's name or the folders it lies in.
pub fn is_tool(context: &Context<'_>, function: FuncId) -> bool {
    *context.index.tools.borrow_mut().entry(function).or_insert_with(|| lies_among_tools(context, function))
}

fn lies_among_tools(context: &Context<'_>, function: FuncId) -> bool {
    let body = &context.program.functions[function.index()];
    has(&context.program.packages[body.package.index()].name, TOOLS)
        || body
            .name
            .split("::")
            .take_while(|part| *part != &*body.short_name)
            .any(|around| has(around, &["test", "testing", "testutil"]))
        || context.program.places.get(&body.file).is_some_and(|place| {
            let folders = place.rsplit_once('/').map_or("", |(folders, _)| folders);
            // What is left out unless it is asked for was asked for.
            let asked = |folder: &&str| !matches!(*folder, "tests" | "benches" | "examples");
            let mut folders = folders.split('/').filter(asked);
            folders.any(|folder| has(folder, FOLDERS) || TOOL_FOLDERS.contains(&folder))
        })
}

/// The names and types of the parameters that a path is made of.
pub fn given_names(context: &Context<'_>, function: FuncId, file: Value) -> Vec<Ustr> {
    let body = &context.program.functions[function.index()];
    let terms = context.terms.borrow();
    let given = terms.parts(file).into_iter().filter_map(|part| match terms.get(part) {
        Term::Param(number) => body.params.get(*number as usize).map(|local| &body.locals[local.index()]),
        _ => None,
    });
    given.flat_map(|local| [local.name, local.type_name]).flatten().collect()
}

/// Whether names say that a file is a copy of something that can be had again.
pub fn is_cached(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    is_cache(context, function)
        || context.policy(function).is_none()
            && (context.terms.borrow().texts(file).iter().any(|text| has(text, CACHE))
                || given_names(context, function, file).iter().any(|name| has(name, CACHE)))
}

/// Whether something is done by a function that says that losing its files costs nothing. Where somebody set a policy, that counts.
pub fn is_in_disposable(context: &Context<'_>, trace: &Trace) -> bool {
    trace.functions().into_iter().any(|function| is_disposable(context, function, UNIT))
}

/// Whether something is done by a tool of the project's own, for a cache, or for people to read.
pub fn is_beside_the_program(context: &Context<'_>, trace: &Trace) -> bool {
    trace.functions().into_iter().any(|function| {
        *context.index.beside.borrow_mut().entry(function).or_insert_with(|| match context.policy(function) {
            Some(policy) => policy == Policy::None,
            None => {
                let body = &context.program.functions[function.index()];
                is_tool(context, function) || is_cache(context, function) || is_in_logger(context, body)
            }
        })
    })
}

/// Whether a file is written for people to read: what a program says of its work, or what another one said. A log that is read again to
/// find out what was done is named after that.
pub fn is_for_reading(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    let spoken = ["stdout", "stderr"];
    let terms = context.terms.borrow();
    let texts = terms.texts(file);
    let is_text_log =
        |text: &Ustr| text.ends_with(".log") && !has(text, &["wal", "journal", "redo", "undo", "aof", "raft"]);
    texts.iter().any(|text| is_text_log(text) || has(text, &spoken))
        || given_names(context, function, file).iter().any(|name| has(name, &spoken))
}

/// Whether a name says that something that is written to is a stream, not a file.
pub fn is_stream(name: &str) -> bool {
    has(name, &["stdout", "stderr", "stdin", "terminal", "tty", "console", "pipe", "socket", "sink"])
        // A variant that holds whatever can be written to.
        || name.split('.').next().is_some_and(|variant| name.contains('.') && matches!(variant, "Write" | "Writer"))
}

/// Words for where a user wants a result.
const OUTPUT: &[&str] = &["output", "out", "outfile", "outdir"];

/// Whether names say that a file is put where its user wants a result: another run makes it again.
pub fn is_handed_out(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    given_names(context, function, file).iter().any(|name| has(name, OUTPUT))
}

/// As [`is_handed_out`], of a path that lies in fields: what a command was asked to write to. A handle in such a field is any file.
pub fn is_path_handed_out(context: &Context<'_>, file: Value) -> bool {
    let terms = context.terms.borrow();
    terms.parts(file).iter().any(|part| matches!(terms.get(*part), Term::Field(_, name) if has(name, OUTPUT)))
}

/// Whether a path leads into the folders of a program's own sources: what is written there is written by who works on them.
pub fn is_among_sources(context: &Context<'_>, file: Value) -> bool {
    let terms = context.terms.borrow();
    let leads_there = |part: &Value| match terms.get(*part) {
        Term::Const(text) => {
            let mut folders = text.trim_matches('"').trim_start_matches("./").split('/');
            folders.next().is_some_and(|first| matches!(first, "src" | "docs" | "doc" | "crates" | ".github"))
                && folders.next().is_some()
        }
        _ => false,
    };
    leads_there(&terms.root(file))
}

/// Whether all who call a function, or all who call those, stand beside it and say that what they keep can be had again.
pub fn is_called_by_caches(context: &Context<'_>, function: FuncId, above: usize) -> bool {
    let callers = &context.flow.callers[function.index()];
    let says = |caller: FuncId| {
        let body = &context.program.functions[caller.index()];
        has(&body.short_name, CACHE) || body.owner.is_some_and(|owner| has(type_of(&owner), CACHE))
    };
    !callers.is_empty()
        && callers.len() <= ASKED_CALLERS
        && callers.iter().all(|&caller| {
            caller != function
                && context.is_beside(caller, function)
                && (says(caller) || above > 1 && is_called_by_caches(context, caller, above - 1))
        })
}

/// So many callers are asked what they keep.
const ASKED_CALLERS: usize = 6;

/// Whether a path starts from a directory that goes away with the program. What is renamed out of it stays.
pub fn is_in_temporary(context: &Context<'_>, file: Value) -> bool {
    let terms = context.terms.borrow();
    let temporary = |part: &Value| match terms.get(*part) {
        Term::Op(name, _) => name == "temporary_path",
        // Directories that are made anew at each start.
        Term::Const(text) => {
            let path = text.trim_start_matches('"');
            ["/tmp/", "/run/", "/var/run/", "/dev/", "/proc/", "/sys/"]
                .iter()
                .any(|volatile| path.starts_with(volatile))
        }
        _ => false,
    };
    terms.parts(file).iter().any(temporary)
}

/// Whether the type or module a function belongs to is a cache by its policy, or else by its name.
pub fn is_cache(context: &Context<'_>, function: FuncId) -> bool {
    if let Some(policy) = context.policy(function) {
        return policy == Policy::None;
    }
    let body = &context.program.functions[function.index()];
    has(&body.name, CACHE) || body.owner.is_some_and(|owner| has(&owner, CACHE))
}

/// Words that turn a name with `sync` in it into something else: `open_for_sync`, `needs_sync`, `set_sync_policy`, `async_…`.
const NO_PROMISE: &[&str] = &[
    "for", "needs", "need", "is", "should", "no", "not", "without", "un", "last", "start", "spawn", "on", "set", "get",
    "new", "open", "create", "policy", "mode", "interval", "if", "maybe", "with", "unsynced", "from", "state",
    "status", "peer", "block", "blocks", "header", "network", "client", "lock", "mutex", "point", "channel", "loop",
    "task", "worker", "request", "to", "config", "wait", "skip", "pending", "read", "collect", "target", "targets",
    "enable", "disable", "height", "boundary", "server", "protocol", "after", "before", "by", "into",
];

/// What is synced, or comes with a sync, in names of functions that sync: `sync_all`, `sync_dir`.
const SYNCED: &[&str] = &[
    "all",
    "data",
    "file",
    "files",
    "dir",
    "dirs",
    "directory",
    "directories",
    "folder",
    "parent",
    "parents",
    "path",
    "paths",
    "fd",
    "disk",
    "fs",
    "wal",
    "log",
    "logs",
    "journal",
    "segment",
    "segments",
    "blob",
    "blobs",
    "page",
    "pages",
    "db",
    "database",
    "store",
    "storage",
    "table",
    "range",
    "inner",
    "impl",
    "locked",
    "and",
    "then",
    "do",
    "full",
    "force",
    "flush",
    "metadata",
    "meta",
    "index",
    "manifest",
    "checkpoint",
    "snapshot",
    "raw",
    "now",
    "unlocked",
    "internal",
    "blocking",
    "handle",
    "writer",
    "buffer",
    "tree",
    "state",
    "volume",
    "device",
    "mmap",
    "map",
    "archive",
    "output",
    "record",
    "records",
    "commit",
    "tail",
    "head",
    "active",
    "current",
    "write",
    "writes",
    "append",
    "entries",
    "entry",
    "everything",
    "barrier",
    "recursive",
    "recursively",
    "opt",
    "it",
    "self",
];

/// What stands before a sync at the end of a name: `wal_fsync`, `do_sync`. Elsewhere it is the twin of an `_async` one.
const ENDS: &[&str] = &[
    "data",
    "file",
    "files",
    "dir",
    "dirs",
    "directory",
    "parent",
    "fd",
    "disk",
    "fs",
    "wal",
    "log",
    "logs",
    "journal",
    "db",
    "and",
    "then",
    "do",
    "full",
    "force",
    "flush",
    "barrier",
];

/// What a function is named after that makes what it does durable in the end: `write_durably`, `make_durable`.
const DOERS: &[&str] = &[
    "write", "append", "flush", "save", "put", "store", "persist", "commit", "make", "ensure", "create", "rename",
    "replace", "remove", "delete", "close", "finish", "force",
];

/// Whether a function's name says that a sync is what it does: `sync_dir`, `wal_fsync`, `flush_and_sync`, `write_durably`. That others are
/// about what was synced (`read_durable_tails`, `collect_fsync_targets`) promises nothing.
pub fn is_named_after_sync(name: &str) -> bool {
    let is_sync = |word: &String| matches!(word.as_str(), "sync" | "fsync" | "fdatasync" | "synchronize");
    let is_durable = |word: &String| matches!(word.as_str(), "durable" | "durably" | "synced" | "fsynced");
    let words = words(name);
    let starts = words.first().is_some_and(is_sync) && words.get(1).is_none_or(|word| SYNCED.contains(&word.as_str()));
    // `make_temp_file_sync` waits until it is made, as its `_async` twin does not.
    let waits = |before: &str, last: &str| {
        last == "sync" && words.len() > 2 && matches!(before, "file" | "files" | "dir" | "dirs" | "directory" | "data")
    };
    let ends = matches!(&words[..], [.., before, last]
        if is_sync(last) && ENDS.contains(&before.as_str()) && !waits(before, last));
    // `fsynced_write`, `durable_append`.
    let how = words.len() > 1
        && words.first().is_some_and(is_durable)
        && words.last().is_some_and(|word| DOERS.contains(&word.as_str()));
    let does = starts
        || ends
        || how
        || words.windows(2).any(|pair| matches!(pair[0].as_str(), "and" | "then") && is_sync(&pair[1]))
        || words.last().is_some_and(is_durable) && words.first().is_some_and(|word| DOERS.contains(&word.as_str()));
    does && !has(name, NO_PROMISE)
}

/// Whether a function's name says that a sync is all it does, and of nothing in particular.
pub fn is_named_after_sync_of_all(name: &str) -> bool {
    is_named_after_sync(name) && words(name).iter().skip(1).all(|word| word == "all")
}

/// Whether a variant is named after a sync: `SyncAll`, `Fsync`, `FlushAndFsync`.
pub fn is_sync_mode(name: &str) -> bool {
    let words = words(name);
    is_named_after_sync(name)
        && (words.first().is_some_and(|word| matches!(word.as_str(), "sync" | "fsync" | "fdatasync"))
            || words.windows(2).any(|pair| pair[0] == "and" && matches!(pair[1].as_str(), "sync" | "fsync")))
}

/// Whether a variant of a policy says that what it is about is done each time.
pub fn is_always(name: &str) -> bool {
    matches!(
        &words(name).join("_")[..],
        "always" | "immediate" | "every_write" | "each_write" | "every_commit" | "per_write"
    )
}

/// Whether a variant of a policy says that what it is about is not done.
pub fn is_never(name: &str) -> bool {
    matches!(&words(name).join("_")[..], "never" | "disabled" | "off" | "none" | "no" | "no_sync")
}

/// Whether a type's name says that it tells when there is a sync: `SyncPolicy`, `FsyncMode`.
pub fn is_sync_policy(name: &str) -> bool {
    has(type_of(name), &["sync", "fsync"]) && has(type_of(name), &["policy", "mode", "strategy", "option", "schedule"])
}

/// Whether a flag's name says that being set or not decides whether there is a sync: `sync`, `fsync_each_batch`, `should_sync`, `no_sync`. What
/// is synced already, or being so, is no wish.
pub fn is_sync_option(name: &str) -> bool {
    has(name, &["sync", "fsync", "fdatasync"])
        && !has(
            name,
            &[
                "will",
                "auto",
                "checkpoint",
                "async",
                "in",
                "progress",
                "pending",
                "last",
                "done",
                "count",
                "interval",
                "since",
                "time",
                "state",
                "status",
                "running",
                "started",
                "active",
                "finished",
                "failed",
                "ok",
                "result",
                "block",
                "blocks",
                "chain",
                "peer",
                "header",
                "network",
                "client",
                "server",
                "node",
                "lock",
                "mutex",
                "only",
                "performed",
            ],
        )
}

/// Whether a function's name promises that something is durable when it returns.
pub fn promises_sync(name: &str) -> bool {
    is_named_after_sync(name) || has(name, &["fsync", "fdatasync", "durable", "durably"]) && !has(name, NO_PROMISE)
}

/// Whether a flag's name says that it chooses between durable and not.
pub fn names_an_option(name: &str) -> bool {
    has(name, &["sync", "fsync", "flush", "durable", "durability", "safe", "wal", "persist", "force", "lazy"])
}

/// Whether a field of that name with that constant `value`, if it is one, says that a sync was done just now: `synced`, `synced_through`,
/// `last_sync`; of what counts what is not synced yet, that there is nothing.
pub fn marks_as_synced(name: &str, value: Option<&str>) -> bool {
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let nothing = value.is_some_and(|value| matches!(value, "0" | "false" | "none"));
    if has(&["block", "blocks", "height", "peer", "header", "network", "chain", "clock"]) {
        return false;
    }
    if has(&["unsynced"]) || has(&["since"]) && has(&["sync", "fsync"]) {
        return nothing;
    }
    let done = has(&["synced", "fsynced", "synchronized"]) && !has(&["is", "not"])
        || has(&["last"]) && has(&["sync", "fsync", "synced"]);
    done && !nothing
}

/// Whether a field of that name with that constant `value` says that a sync is owed from now on: `dirty`, `needs_sync`, and what says that one
/// was done, taken back.
pub fn marks_as_owing(name: &str, value: &str) -> bool {
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let about = has(&["sync", "fsync", "flush"]) && !has(&["block", "blocks", "peer", "header", "network", "chain"]);
    match value {
        "true" => has(&["dirty", "unsynced"]) || about && has(&["needs", "need", "should", "must", "pending", "wants"]),
        "false" => has(&["synced", "fsynced"]) && !has(&["not"]) && words.len() <= 2,
        _ => false,
    }
}

/// Whether a flag's name says that it takes durability away: `no_sync`, `disable_fsync`.
pub fn is_opt_out(name: &str) -> bool {
    names_an_option(name)
        && has(
            name,
            &[
                "no", "non", "not", "disable", "disabled", "skip", "without", "un", "defer", "deferred", "lazy",
                "relaxed", "async", "unsafe",
            ],
        )
}

/// Whether the name of a field, a type or one of its variants says that it is about how durable something is to be.
pub fn names_a_mode(name: &str) -> bool {
    names_an_option(name) || has(name, &["mode", "policy", "level", "guarantee", "fdatasync"])
}

/// Whether a function's name or documentation promises that what it writes is durable when it returns.
pub fn promises_durability(function: &Function) -> bool {
    let docs = function.docs.to_lowercase();
    // "is not durable until …" is the opposite of a promise.
    let denies = [
        "not durable",
        "no durability",
        "not fsync",
        "without fsync",
        "does not sync",
        "doesn't sync",
        "not synced",
        "until",
        "caller",
        "must call",
        "call [",
        "call `",
        "to make",
        "may be lost",
        "need not",
        "thread",
        "background",
        "interval",
        "later",
        "best effort",
    ]
    .iter()
    .any(|word| docs.contains(word));
    promises_sync(&function.short_name) && !brings_in_line(function)
        || !denies && DOC_PROMISES.iter().any(|word| docs.contains(word))
}

/// Whether a function that is called just after syncing, belongs to no type and is given no file and no path brings things in line with each
/// other: there is nothing that it could make durable.
fn brings_in_line(function: &Function) -> bool {
    let can_hold = |local: &LocalId| {
        let kind = function.locals[local.index()].kind;
        matches!(
            kind,
            ValueKind::File | ValueKind::BufferedFile | ValueKind::AsyncFile | ValueKind::TempFile | ValueKind::Path
        )
    };
    function.owner.is_none()
        && function.short_name == "sync"
        && !function.params.is_empty()
        && !function.params.iter().any(can_hold)
}

/// Whether a function's documentation says that what it writes may be lost, or its name that it can be had again.
pub fn disclaims_durability(function: &Function) -> bool {
    let docs = function.docs.to_lowercase();
    let disclaimers = [
        "best effort",
        "best-effort",
        "not durable",
        "non-durable",
        "not synced",
        "not flushed",
        "without fsync",
        "not host-crash durable",
        "rebuildable",
        "can be rebuilt",
        "advisory",
        "for testing",
        "testing purposes",
        "testing utility",
    ];
    disclaimers.iter().any(|words| docs.contains(words))
        || is_repeatable(function)
        || writes_defaults(&function.short_name)
}

/// Whether a function's name says that what it writes comes from elsewhere, and can be had again.
pub fn is_repeatable(function: &Function) -> bool {
    has(&function.name, REPEATABLE)
}

/// Whether a function's name says that it writes what the program itself has at hand: `write_default_config`.
fn writes_defaults(name: &str) -> bool {
    let words = words(name);
    let last = words.last().is_some_and(|word| word == "default");
    // `save_default` saves at a default place.
    !last
        && has(name, &["default"])
        && has(name, &["write", "save", "create", "store", "generate", "install", "init", "ensure"])
}

/// Whether the documentation of some method of a type promises that what it writes is durable when it returns.
pub fn type_promises(context: &Context<'_>, owner: Ustr) -> bool {
    *context.index.promising.borrow_mut().entry(owner).or_insert_with(|| {
        let mut methods = context.program.functions.iter().filter(|function| function.owner == Some(owner));
        methods.any(promises_durability)
    })
}

/// Whether an identifier names a log that the rest is made from again.
pub fn is_log(identifier: &str) -> bool {
    has(identifier, LOGS)
}

/// What a function's name ends with that waits for what it does, where others do not.
const BLOCKING: &str = "_sync";

/// Whether a function's name says that it waits, and not that it syncs: beside `read_sync` stands `read_async`, or `read`.
fn is_blocking(context: &Context<'_>, function: FuncId) -> bool {
    let blocking = context.index.blocking.get_or_init(|| {
        let names: FxHashSet<&str> = context.program.functions.iter().map(|function| &*function.name).collect();
        let functions = context.program.functions.iter().enumerate();
        let waits = functions.filter(|(_, function)| {
            function
                .name
                .strip_suffix(BLOCKING)
                .is_some_and(|stem| names.contains(stem) || names.contains(&*format!("{stem}_async")))
        });
        waits.map(|(at, _)| FuncId(at as u32)).collect()
    });
    blocking.contains(&function)
}

/// Whether names around the file say that it is to outlive a crash.
pub fn is_precious(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    *context.index.precious.borrow_mut().entry((function, file)).or_insert_with(|| {
        let named = &context.program.functions[named(context, function).index()];
        // A module that is named after a sync may bring anything in line.
        let around = named.name.strip_suffix(&*named.short_name).unwrap_or_default();
        let mut around = around.split("::").filter(|part| *part != "sync");
        around.any(|part| has(part, PRECIOUS)) || is_kept_as_precious(context, function, file)
    })
}

/// As [`is_precious`], by the names of the file itself, of what is done and of the types that keep it. That a module has to do with what is precious
/// says less of each file that is written in it.
pub fn is_kept_as_precious(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    let mut fields = context.flow.intents.fields_of(function, file).iter();
    let named = named(context, function);
    let own = &*context.program.functions[named.index()].short_name;
    let owner = context.program.functions[function.index()].owner;
    let own = own.strip_suffix(BLOCKING).filter(|_| is_blocking(context, named)).unwrap_or(own);
    has(own, PRECIOUS)
        || owner.is_some_and(|owner| has(type_of(&owner), PRECIOUS))
        || fields.any(|&(owner, name)| has(&owner, PRECIOUS) || has(&name, PRECIOUS))
        || context.terms.borrow().texts(file).iter().any(|text| has(text, PRECIOUS))
}

/// The function itself, or the one that holds the closure.
fn named(context: &Context<'_>, function: FuncId) -> FuncId {
    match context.program.functions[function.index()].kind {
        FunctionKind::Closure { parent } => parent,
        _ => function,
    }
}
