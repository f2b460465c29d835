//! What is named after a sync and does none: a function (`sync_dir`), one variant of what it serves (`Sink::Gzip`), a mode that it is
//! asked for (`PersistMode::SyncAll`). Told under `flush-is-not-sync`.

use super::flush_is_not_sync::{CRASH, HELP, RULE};
use super::{Context, purpose, residue, story};
use crate::finding::{Confidence, Finding, FindingStep, Level};
use crate::flow::intent::{FieldKey, asks_for_a_sync};
use crate::flow::state::{Guard, Kind, Question};
use crate::flow::summary::{Act, Outcome, Summary};
use crate::flow::terms::{Term, Terms, Value};
use crate::ir::{
    Base, Call, Callee, Cond, Exit, FuncId, Function, FunctionKind, Inst, InstKind, Operand, Place, Rvalue, Terminator,
    ValueKind,
};
use crate::source::Span;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use ustr::Ustr;

/// How a promise is broken.
enum Broken {
    /// There is no sync.
    Nothing,
    /// This file, as it is shown, is flushed and not synced, and others are.
    Flushed(String),
    /// This file, as it is shown, is written by other methods and not synced, and others are.
    Forgotten(String),
    /// This file, as it is shown, is written by other methods, and synced by some of them only; nobody syncs it for its own sake.
    Left(String),
    /// This file, as it is shown, is written and synced by other methods, and let go without a sync.
    Closed(String),
    /// There is none for this variant or mode, by its short name.
    For(Ustr),
}

/// Adds the functions that reach no sync on some path to success on which one is promised and no option spares it.
pub fn run(context: &Context<'_>, out: &mut Vec<Promised>) {
    let dirty = residue::dirty_types(context);
    let handles = residue::dirty_handles(context);
    let nothing = FxHashSet::default();
    for (at, function) in context.program.functions.iter().enumerate() {
        let id = FuncId(at as u32);
        if matches!(function.kind, FunctionKind::Closure { .. })
            || context.policy(id).is_none() && purpose::is_tool(context, id)
            || leaves_it_to_others(context, function)
        {
            continue;
        }
        let summary = context.flow.summaries.get(&id);
        let held = function.owner.and_then(|owner| dirty.get(&owner));
        let by_name = || {
            if !purpose::is_named_after_sync(&function.short_name) || gives_something_back(function) {
                return None;
            }
            let Some(summary) = summary else {
                return (held.is_some() && is_empty(function)).then_some(Broken::Nothing);
            };
            let found = match broken(context, id, summary, held.unwrap_or(&nothing)) {
                None if purpose::is_named_after_sync_of_all(&function.short_name)
                    && let Some(file) = forgotten(context, id, function, summary, &handles) =>
                {
                    Some(Broken::Forgotten(file))
                }
                None if held.is_some() && does_nothing(function, summary) => Some(Broken::Nothing),
                found => found,
            };
            let keeps = function.owner.is_some_and(|owner| handles.contains_key(&owner));
            // A sync that stands below and was not followed may be the one.
            let excused = || context.flow.syncs[at] || !keeps && brings_in_line(function, summary);
            found.filter(|found| !matches!(found, Broken::Nothing) || !excused())
        };
        let by_mode = || unsynced_mode(context, function, summary?).map(Broken::For);
        let by_rest = || unflushed(context, function, summary, held?).map(Broken::Left);
        let by_end = || unclosed(context, function, summary?, held?).map(Broken::Closed);
        let Some(broken) = by_name().or_else(by_mode).or_else(by_rest).or_else(by_end) else { continue };
        if matches!(broken, Broken::Nothing) && wraps_a_call_of_its_name(context, id) {
            continue;
        }
        out.push((&["ack-before-sync", "flush-is-not-sync", "sync-before-flush"], finding(function, &broken)));
    }
}

/// Whether a method is told what to do it with, and does nothing to any file: it brings other things in line than what its value wrote.
fn brings_in_line(function: &Function, summary: &Summary) -> bool {
    let told = function.params.iter().skip(1).map(|param| function.locals[param.index()].kind);
    let idle = |outcome: &Outcome| outcome.pending.is_empty() && outcome.flushed.is_empty();
    function.owner.is_some()
        && told.len() > 1
        && !told.clone().any(is_handle)
        && purpose::is_named_after_sync_of_all(&function.short_name)
        && successes(summary).all(idle)
}

/// Whether a function is named after a call of somebody else's that it makes, itself or in a closure: it promises what that does.
fn wraps_a_call_of_its_name(context: &Context<'_>, id: FuncId) -> bool {
    let name = context.program.functions[id.index()].short_name;
    let own = |(at, function): &(usize, &Function)| {
        *at == id.index() || matches!(function.kind, FunctionKind::Closure { parent } if parent == id)
    };
    let texts = context.program.functions.iter().enumerate().filter(own);
    let mut insts = texts.flat_map(|(_, function)| function.blocks.iter().flat_map(|block| &block.insts));
    insts.any(|inst| match &inst.kind {
        InstKind::Call(call) => call.name == name && matches!(call.callee, Callee::Api { .. } | Callee::Unknown),
        _ => false,
    })
}

fn finding(function: &Function, broken: &Broken) -> Finding {
    let name = &function.short_name;
    let (message, told) = match broken {
        Broken::Nothing => {
            let told = "reports success after a flush, or after nothing at all".to_string();
            (format!("`{name}` promises a sync and reaches none"), told)
        }
        Broken::Flushed(file) => {
            let told = format!("reports success with `{file}` flushed only");
            (format!("`{name}` promises a sync, and `{file}` is only flushed"), told)
        }
        Broken::Forgotten(file) => {
            let told = format!("reports success, and `{file}` may hold bytes that are not on disk");
            (format!("`{name}` promises a sync, and `{file}` is not synced"), told)
        }
        Broken::Left(file) => {
            let told = format!("reports success, and `{file}` may hold bytes that are not on disk");
            (format!("`{name}` leaves unsynced what others wrote to `{file}`, and nothing else syncs it"), told)
        }
        Broken::Closed(file) => {
            let told = format!("reports success, and `{file}` may hold bytes that are not on disk");
            (format!("`{name}` ends with what others wrote to `{file}` and leaves it unsynced"), told)
        }
        Broken::For(variant) => {
            let told = format!("reports success without a sync where it finds `{variant}`");
            (format!("`{name}` syncs nothing for `{variant}`"), told)
        }
    };
    finding_at(function, function.name_span, message, told)
}

/// The rules that tell of content which is left unsynced: where one of them does, a broken promise is the same fault.
pub(super) const UNSYNCED: &[&str] = &["ack-before-sync", "flush-is-not-sync"];

/// A finding, and the rules that tell the same fault if they tell of its function.
pub(super) type Promised = (&'static [&'static str], Finding);

/// Whether one of the rules tells of the function, and is shown by default.
pub(super) fn is_told((rules, promised): &Promised, findings: &[Finding]) -> bool {
    findings.iter().any(|finding| {
        finding.function == promised.function
            && finding.level >= Level::Warning
            && finding.confidence >= Confidence::Medium
            && rules.contains(&finding.rule)
    })
}

/// A finding at `span` of `function`, and the one step that tells it.
pub(super) fn finding_at(function: &Function, span: Span, message: String, told: String) -> Finding {
    Finding {
        rule: RULE.id,
        level: Level::Warning,
        confidence: Confidence::Medium,
        message,
        span,
        function: function.name,
        steps: vec![FindingStep { span, function: function.name, message: told }],
        crash: CRASH.to_string(),
        help: HELP.to_string(),
        condition: None,
        exposed_on: story::EVERYWHERE.to_vec(),
        masked_on: Vec::new(),
        fix: None,
    }
}

/// Nothing was asked to become durable on that way, as far as that can be seen.
pub(super) fn syncs_nothing(outcome: &Outcome) -> bool {
    !outcome.all_killed && !outcome.vague_sync && outcome.killed.is_empty() && outcome.unopened.is_empty()
}

/// As [`syncs_nothing`], but for directories.
fn syncs_no_content(outcome: &Outcome) -> bool {
    let is_directory = |killed: &Value| outcome.maybe_directories.contains(killed);
    !outcome.all_killed
        && !outcome.vague_sync
        && outcome.unopened.is_empty()
        && outcome.killed.iter().all(|(killed, _)| is_directory(killed))
}

/// Whether it syncs on every way to success, and nothing but what may be directories.
fn syncs_directories_only(summary: &Summary) -> bool {
    !summary.bounded
        && !summary.acts_lost
        && summary.calls.is_empty()
        && successes(summary).all(|outcome| !outcome.killed.is_empty() && syncs_no_content(outcome))
}

/// Some sync is reached in it or below.
pub(super) fn reaches_sync(summary: &Summary) -> bool {
    summary.triggers.iter().any(|trigger| matches!(trigger.act, Act::Sync { .. }))
}

/// The ways to success that lie behind no failure.
pub(super) fn successes(summary: &Summary) -> impl Iterator<Item = &Outcome> {
    summary.outcomes.iter().filter(|outcome| outcome.success && !outcome.failing)
}

/// It handles a file, comes back with success by some way that no option chose, and asks for no sync on it. `held` are the files that
/// other methods of its type write.
fn broken(context: &Context<'_>, id: FuncId, summary: &Summary, held: &FxHashSet<Value>) -> Option<Broken> {
    let function = &context.program.functions[id.index()];
    if summary.bounded || summary.acts_lost || !summary.calls.is_empty() {
        return None;
    }
    let terms = context.terms.borrow();
    let is_given =
        |fits: fn(ValueKind) -> bool| function.params.iter().any(|param| fits(function.locals[param.index()].kind));
    let holds_file = is_given(is_handle);
    // What stands for nothing and is given no file and no path may be about another machine: files below it are no evidence. Who says what
    // is synced, and opens something for it, means that.
    let about_files = function.owner.is_some()
        || function.params.is_empty()
        || is_given(|kind| {
            matches!(kind, ValueKind::Path | ValueKind::Aggregate | ValueKind::Unknown) || is_handle(kind)
        })
        || function.short_name.contains('_') && opens_itself(function);
    let reaches = reaches_sync(summary);
    // Where no way syncs, the way was not chosen for that. What is said of a path only finds out which directory is meant.
    let whatever = successes(summary).all(|outcome| {
        let about_path = |guard: &Guard| matches!(terms.get(guard.0), Term::Op(name, _) if name == "is_empty");
        syncs_nothing(outcome) && outcome.guards.iter().filter(|guard| guard.1 == Question::True).all(about_path)
    });
    let untouched = |outcome: &Outcome| {
        syncs_nothing(outcome)
            && !reaches
            && (summary.touches && about_files || holds_file)
            && (!is_chosen(&terms, outcome) || whatever)
    };
    if successes(summary).any(untouched) {
        return Some(Broken::Nothing);
    }
    let only_flushed = |outcome: &Outcome| {
        let sees_all = !outcome.all_killed && !outcome.vague_sync && outcome.unopened.is_empty();
        // What is synced and was not flushed may be another handle of what was; a directory is none.
        let syncs_flushed = outcome
            .killed
            .iter()
            .all(|(killed, _)| outcome.flushed.contains(killed) || outcome.maybe_directories.contains(killed));
        let absent = outcome.guards.iter().any(|guard| guard.1 == Question::Present && !guard.2);
        if !sees_all || !syncs_flushed || absent || is_set(&terms, outcome) {
            return None;
        }
        let unsynced = |file: &&Value| !outcome.killed.iter().any(|(killed, _)| killed == *file);
        // What something unknown gives may be no file.
        let told = |file: &&Value| !matches!(terms.get(**file), Term::Op(..) | Term::Fresh(..));
        let file = *outcome.flushed.iter().filter(told).find(unsynced)?;
        Some(match terms.get(file) {
            // Other variants are synced.
            Term::Field(_, name) if reaches && name.contains('.') => {
                if purpose::is_stream(name) {
                    return None;
                }
                Broken::For(Ustr::from(name.split('.').next().unwrap_or_default()))
            }
            _ if outcome.killed.is_empty() && !reaches => Broken::Nothing,
            _ => Broken::Flushed(terms.show(file)),
        })
    };
    if let Some(broken) = successes(summary).find_map(only_flushed) {
        return Some(broken);
    }
    // Who is named after a sync, and of nothing in particular, syncs all that its value writes, or says which of it.
    if purpose::is_named_after_sync_of_all(&function.short_name) {
        let own = |file: Value| is_own(&terms, file);
        // Another method may know it by another name than its path.
        let in_field = |known: Value, file: Value| match (terms.get(file), function.owner) {
            (&Term::Field(of, name), Some(owner)) if matches!(terms.get(of), Term::Param(0)) => {
                context.flow.intents.fields_of(id, known).contains(&(owner, name))
            }
            _ => false,
        };
        let synced = |file: Value| {
            successes(summary).any(|outcome| {
                outcome.all_killed || outcome.killed.iter().any(|known| known.0 == file || in_field(known.0, file))
            })
        };
        let seen = |outcome: &Outcome| !outcome.vague_sync && outcome.unopened.is_empty();
        let mut held: Vec<Value> = held.iter().copied().filter(|file| own(*file)).collect();
        held.sort_unstable();
        if successes(summary).all(seen)
            && held.iter().any(|file| synced(*file))
            && let Some(forgotten) = held.iter().find(|file| !synced(**file))
        {
            return Some(Broken::Forgotten(terms.show(*forgotten)));
        }
    }
    let payloads = payloads(&terms, held);
    let sibling = |outcome: &Outcome| {
        let on_this_way = |(value, variant): &&(Value, &str)| {
            let asked = outcome.guards.iter().any(|guard| guard.0 == *value && matches!(guard.1, Question::Variant(_)));
            let others = || successes(summary).filter(|other| !syncs_nothing(other));
            asked && !excludes(outcome, *value, variant) && others().any(|other| excludes(other, *value, variant))
        };
        let owes = |(_, variant): &&(Value, &str)| !purpose::is_stream(variant);
        payloads.iter().filter(owes).find(on_this_way).map(|(_, variant)| Ustr::from(variant))
    };
    successes(summary).filter(|outcome| syncs_nothing(outcome)).find_map(sibling).map(Broken::For)
}

/// A file that is kept open in a field, as it is shown: other methods of the type write it, and this one syncs the file of another such field
/// and not that.
fn forgotten(
    context: &Context<'_>,
    id: FuncId,
    function: &Function,
    summary: &Summary,
    handles: &FxHashMap<Ustr, BTreeSet<Vec<FieldKey>>>,
) -> Option<String> {
    let sees_all = |outcome: &Outcome| !outcome.all_killed && !outcome.vague_sync && outcome.unopened.is_empty();
    if summary.bounded
        || summary.acts_lost
        || !summary.calls.is_empty()
        || !successes(summary).all(sees_all)
        || function.blocks.iter().flat_map(|block| &block.insts).any(is_unseen)
    {
        return None;
    }
    let owner = function.owner?;
    let killed = successes(summary).flat_map(|outcome| &outcome.killed);
    let synced: FxHashSet<FieldKey> =
        killed.flat_map(|(file, _)| context.flow.intents.fields_of(id, *file)).copied().collect();
    // What is put into a field with all that is in it is known by that field alone.
    let holds = |field: &FieldKey, part: &FieldKey| {
        field.0 == part.0 && part.1.strip_prefix(&*field.1).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let is_synced = |fields: &&Vec<FieldKey>| fields.iter().any(|field| synced.iter().any(|known| holds(field, known)));
    let (known, left): (Vec<_>, Vec<_>) = handles.get(&owner)?.iter().partition(is_synced);
    let own = left.into_iter().flatten().filter(|field| field.0 == owner).max_by_key(|field| field.1.len())?;
    (!known.is_empty()).then(|| format!("self.{}", own.1))
}

/// Whether it calls what cannot be looked into.
fn is_unseen(inst: &Inst) -> bool {
    matches!(&inst.kind, InstKind::Call(Call { callee: Callee::Unknown | Callee::Value(_), .. }))
}

/// For a method that others call to have done with what they wrote (`flush`, `commit`), and that syncs nothing: a file of the value, as it is
/// shown, that other methods write, and sync only as an option has it, so that this one is all that is left to those who have not set it.
fn unflushed(
    context: &Context<'_>,
    function: &Function,
    summary: Option<&std::sync::Arc<Summary>>,
    held: &FxHashSet<Value>,
) -> Option<String> {
    let settles = matches!(&*function.short_name, "flush" | "commit" | "checkpoint" | "persist");
    let wraps = function.interface.is_some_and(|interface| interface.ends_with("Write"));
    if !settles || wraps || !function.public && function.interface.is_none() || gives_something_back(function) {
        return None;
    }
    let does_none = match summary {
        None => is_empty(function),
        Some(summary) => is_without_sync(summary),
    };
    let owner = function.owner?;
    let intents = &context.flow.intents;
    let terms = context.terms.borrow();
    let left = |file: &&Value| match terms.get(**file) {
        Term::Field(of, name) if matches!(terms.get(*of), Term::Param(0)) => {
            let field = (owner, *name);
            intents.synced_fields.contains(&field)
                && !intents.only_synced.contains(&field)
                && !intents.synced_at_end.contains(&field)
                && !intents.retired_fields.contains(&field)
        }
        _ => false,
    };
    let mut held: Vec<&Value> = held.iter().filter(left).collect();
    held.sort_unstable();
    held.first().filter(|_| does_none).map(|file| terms.show(**file))
}

/// Whether all of it was seen, and no sync is reached in it or below.
fn is_without_sync(summary: &Summary) -> bool {
    !(summary.bounded || summary.acts_lost)
        && summary.calls.is_empty()
        && !reaches_sync(summary)
        && successes(summary).all(syncs_nothing)
}

/// Names of methods after which nobody writes to a value any more.
const ENDS_USE: &[&str] = &["close", "shutdown", "finish", "finalize", "terminate"];

/// For a method that others call when they have done with a value, and that syncs nothing: a file of the value, as it is shown, that other
/// methods write, and that one of them syncs with what it wrote. A sync that is only offered is for others to ask for.
fn unclosed(context: &Context<'_>, function: &Function, summary: &Summary, held: &FxHashSet<Value>) -> Option<String> {
    let owner = function.owner.filter(|_| function.fallible && ENDS_USE.contains(&&*function.short_name))?;
    // Who offers a sync to all who use it, beside this, leaves it to them.
    let offered = |interface: Ustr| {
        let mut others = context.program.functions.iter().filter(|other| other.interface == Some(interface));
        others.any(|other| purpose::is_named_after_sync(&other.short_name))
    };
    // What it leaves of its own is told where that is due, and what it hands back is not ended.
    let writes = |outcome: &Outcome| outcome.pending.iter().any(|pending| pending.kind != Kind::Name);
    if function.interface.is_some_and(offered)
        || !is_without_sync(summary)
        || gives_something_back(function)
        || successes(summary).any(writes)
    {
        return None;
    }
    let intents = &context.flow.intents;
    let terms = context.terms.borrow();
    let synced = |file: &&Value| match terms.get(**file) {
        Term::Field(of, name) if matches!(terms.get(*of), Term::Param(0)) => {
            intents.written_and_synced_by_own.contains(&(owner, *name))
                && !intents.retired_fields.contains(&(owner, *name))
        }
        _ => false,
    };
    held.iter().filter(synced).min().map(|file| terms.show(*file))
}

/// Whether a file is kept open in a field of the thing itself, or of a part of it. A path is none that is kept open.
fn is_own(terms: &Terms, file: Value) -> bool {
    match terms.get(file) {
        Term::Field(of, name) => {
            !name.contains('.')
                && !purpose::has_any(name, &["path", "dir", "directory"])
                && (matches!(terms.get(*of), Term::Param(0)) || is_own(terms, *of))
        }
        _ => false,
    }
}

/// Whether it is a thing that can be synced.
pub(super) fn is_handle(kind: ValueKind) -> bool {
    matches!(
        kind,
        ValueKind::File | ValueKind::BufferedFile | ValueKind::AsyncFile | ValueKind::TempFile | ValueKind::Mapping
    )
}

/// Whether its own text opens a file or directory.
fn opens_itself(function: &Function) -> bool {
    function.blocks.iter().flat_map(|block| &block.insts).any(|inst| match &inst.kind {
        InstKind::Call(Call { callee: Callee::Api { certain: true, .. }, result, .. }) => {
            is_handle(function.locals[result.index()].kind)
        }
        _ => false,
    })
}

/// Whether a flag or mode led that way.
fn is_set(terms: &Terms, outcome: &Outcome) -> bool {
    let set = |value, question| terms.is_setting(value, question) && !matches!(terms.get(value), Term::Param(0));
    outcome.guards.iter().any(|&(value, question, _)| set(value, question))
}

/// Whether a flag, a mode, an answer of any kind or something that is not there led that way. The variant of the thing itself is what it
/// is, and a file that is there is no reason to leave it.
fn is_chosen(terms: &Terms, outcome: &Outcome) -> bool {
    outcome.guards.iter().any(|&(value, question, answer)| match question {
        Question::Present => !answer,
        Question::True => !(answer && matches!(terms.get(value), Term::Op(name, _) if asks_for_a_name(name))),
        Question::Variant(_) => !matches!(terms.get(value), Term::Param(0)),
        Question::Succeeded | Question::Implementation(_) => false,
    })
}

/// Whether an operation asks if there is a file or directory at a path.
fn asks_for_a_name(operation: &str) -> bool {
    matches!(operation, "exists" | "try_exists" | "is_file" | "is_dir")
}

/// The variants that hold one of the files `held`, each with what it is a variant of.
fn payloads<'t>(terms: &'t Terms, held: &FxHashSet<Value>) -> Vec<(Value, &'t str)> {
    let payload = |part: Value| match terms.get(part) {
        Term::Field(base, name) => name.split_once('.').map(|(variant, _)| (*base, variant)),
        _ => None,
    };
    let mut found: Vec<_> = held.iter().flat_map(|file| terms.parts(*file)).filter_map(payload).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The name of a variant without that of its type.
fn short(variant: &str) -> &str {
    variant.rsplit_once("::").map_or(variant, |(_, short)| short)
}

/// Whether that way is not for `variant` of `value`.
fn excludes(outcome: &Outcome, value: Value, variant: &str) -> bool {
    outcome.guards.iter().any(|&(asked, question, answer)| {
        asked == value && matches!(question, Question::Variant(other) if (short(&other) == variant) != answer)
    })
}

/// A mode that is named after a sync, with which it reports success without one: what it flushed is not synced, or it syncs with others.
fn unsynced_mode(context: &Context<'_>, function: &Function, summary: &Summary) -> Option<Ustr> {
    if summary.bounded || summary.acts_lost || !summary.calls.is_empty() {
        return None;
    }
    let terms = context.terms.borrow();
    let modes = function.blocks.iter().filter_map(|block| match &block.end {
        Terminator::Branch { cond: Cond::Variant(_, variant), .. } => Some(*variant),
        _ => None,
    });
    let reaches = reaches_sync(summary);
    let named = |variant: &Ustr| purpose::is_sync_mode(short(variant));
    let unsynced = |mode: &Ustr| {
        let enumeration = mode.rsplit_once("::").map(|(enumeration, _)| enumeration);
        let is_of_it = |other: Ustr| other.rsplit_once("::").map(|(one, _)| one) == enumeration;
        let about_it = |question: Question| matches!(question, Question::Variant(other) if is_of_it(other));
        let asked: FxHashSet<Value> = successes(summary)
            .flat_map(|outcome| &outcome.guards)
            .filter(|guard| about_it(guard.1))
            .map(|guard| guard.0)
            .collect();
        // What writes go to is a file for sure, or of the thing itself.
        let is_file = |file: &Value| match terms.get(*file) {
            Term::Param(number) => {
                let param = function.params.get(*number as usize);
                param.is_some_and(|param| is_handle(function.locals[param.index()].kind))
            }
            _ => true,
        };
        let flushes = |outcome: &Outcome| syncs_no_content(outcome) && outcome.flushed.iter().any(is_file);
        // Which value is asked is told by the ways on which its answer made a difference.
        let value = match &asked.into_iter().collect::<Vec<_>>()[..] {
            [] => return !reaches && successes(summary).any(flushes),
            &[value] => value,
            _ => return false,
        };
        let is_option = !matches!(terms.get(value), Term::Param(0));
        let syncs = successes(summary).any(|outcome| !syncs_nothing(outcome) && !outcome.all_killed);
        let breaks = |outcome: &Outcome| {
            let otherwise = outcome.guards.iter().any(|guard| !about_it(guard.1) && guard.1 != Question::Succeeded);
            !excludes(outcome, value, short(mode))
                && (flushes(outcome) || syncs_nothing(outcome) && syncs && !otherwise)
        };
        is_option && successes(summary).any(breaks)
    };
    let found = modes.filter(named).find(unsynced);
    found.map(|mode| Ustr::from(short(&mode)))
}

/// It is asked for something else than to do it: who only syncs has nothing to tell but whether it went well.
fn gives_something_back(function: &Function) -> bool {
    let is_nothing = |operand: &Operand| is_nothing(function, operand, 0);
    let mut returned = function.blocks.iter().filter_map(|block| match &block.end {
        Terminator::Return { value, exit, .. } if *exit != Exit::Failure => Some(value),
        _ => None,
    });
    // What never returns promises nothing.
    let first = returned.next();
    first.is_none_or(|first| !is_nothing(first)) || returned.any(|value| !is_nothing(value))
}

/// Whether a value is what a function without an answer gives: nothing, or that it went well, by whichever variables.
fn is_nothing(function: &Function, operand: &Operand, depth: u8) -> bool {
    let Operand::Place(place) = operand else { return *operand == Operand::Unit };
    let insts = || function.blocks.iter().flat_map(|block| &block.insts);
    let mut given = insts().filter_map(|inst| match &inst.kind {
        InstKind::Assign { place: to, value } if to == place => Some(value),
        _ => None,
    });
    let inner = |operand: &Operand| depth < 4 && is_nothing(function, operand, depth + 1);
    let fits = |value: &Rvalue| match value {
        Rvalue::Success(operand) => inner(operand),
        Rvalue::Failure(_) | Rvalue::Use(Operand::Unit) => true,
        Rvalue::Use(operand @ Operand::Place(_)) => depth == 0 || inner(operand),
        _ => false,
    };
    // What a call gives is told by nobody, and where it is wrapped it is something.
    let told =
        depth == 0 || insts().any(|inst| matches!(&inst.kind, InstKind::Assign { place: to, .. } if to == place));
    matches!(place.base, Base::Local(_)) && place.steps.is_empty() && told && given.all(fits)
}

/// Names of calls by which work is given to somebody else.
pub(super) const HANDS_ON: &[&str] = &[
    "send",
    "try_send",
    "submit",
    "push",
    "push_back",
    "enqueue",
    "dispatch",
    "execute",
    "spawn",
    "notify",
    "request",
];

/// It calls something that is named after a sync in its turn: that one is to blame, if anyone.
pub(super) fn leaves_it_to_others(context: &Context<'_>, function: &Function) -> bool {
    if asks_by_message(function) {
        return true;
    }
    function.blocks.iter().flat_map(|block| &block.insts).any(|inst| match &inst.kind {
        InstKind::Call(call) => {
            let named = |name: &str| {
                purpose::is_named_after_sync(name) || name.starts_with("start_sync") || asks_for_a_sync(name)
            };
            match &call.callee {
                // Who hands out a handle leaves the sync to its caller.
                Callee::Functions(functions) => {
                    // Who syncs a directory has done with names, not with what is in files.
                    let does = |callee: &FuncId| {
                        named(&context.program.functions[callee.index()].short_name)
                            && !context
                                .flow
                                .summaries
                                .get(callee)
                                .is_some_and(|summary| syncs_directories_only(summary))
                    };
                    !is_handle(function.locals[call.result.index()].kind) && functions.iter().any(does)
                }
                // A queue or a thread of others is given the sync to do.
                Callee::Unknown => named(&call.name) || HANDS_ON.contains(&call.name.as_str()),
                Callee::Value(_) => true,
                Callee::Api { .. } => false,
            }
        }
        _ => false,
    })
}

/// It passes on something that is named after a sync: a message (`Request::SyncAll`), or the function that does it. Who gets that is asked
/// to do it.
fn asks_by_message(function: &Function) -> bool {
    let insts = || function.blocks.iter().flat_map(|block| &block.insts);
    let named = |text: &str| text.contains("::") && !text.starts_with('"') && purpose::is_sync_mode(short(text));
    let asks = |operand: &Operand| match operand {
        Operand::Const(text) => named(text),
        Operand::Place(Place { base: Base::Global(name), .. }) => named(name),
        Operand::Place(Place { base: Base::Local(local), .. }) => insts().any(|inst| match &inst.kind {
            InstKind::Assign { place, value: Rvalue::Aggregate { type_name: Some(name), .. } } => {
                *place == Place::local(*local) && named(name)
            }
            _ => false,
        }),
        _ => false,
    };
    insts().any(|inst| match &inst.kind {
        InstKind::Call(call) => call.args.iter().any(|arg| asks(&arg.value)),
        // A call that is known to do nothing to files.
        InstKind::Assign { value: Rvalue::Opaque(parts), .. } => parts.iter().any(asks),
        _ => false,
    })
}

/// It has a body and calls nobody: no other thread, no function that cannot be seen into.
fn is_empty(function: &Function) -> bool {
    !function.blocks.is_empty()
        && function.blocks.iter().flat_map(|block| &block.insts).all(|inst| match &inst.kind {
            InstKind::Call(call) => {
                matches!(call.callee, Callee::Api { .. } | Callee::Functions(_)) || is_given_nothing(call)
            }
            _ => true,
        })
}

/// Who is given nothing that the caller has cannot sync it: a clock, a measure of time, a counter that is set.
fn is_given_nothing(call: &Call) -> bool {
    let is_nothing = |operand: &Operand| match operand {
        Operand::Place(place) => matches!(place.base, Base::Global(_)),
        Operand::Const(_) | Operand::Unit | Operand::Absent => true,
    };
    let counts = matches!(&*call.name, "load" | "store" | "fetch_add" | "fetch_sub");
    matches!(call.callee, Callee::Unknown) && (counts || call.args.iter().all(|arg| is_nothing(&arg.value)))
}

/// As [`is_empty`], and nothing below it syncs.
fn does_nothing(function: &Function, summary: &Summary) -> bool {
    is_empty(function)
        && !(summary.bounded || summary.acts_lost)
        && summary.calls.is_empty()
        && !reaches_sync(summary)
        && summary.outcomes.iter().any(|outcome| outcome.success)
        && summary.outcomes.iter().all(|outcome| !outcome.all_killed && outcome.killed.is_empty())
}
