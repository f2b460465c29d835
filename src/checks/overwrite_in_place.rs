//! `overwrite-in-place`: a file that the program reads back is cut and filled again under its name, so that for a while there is no copy.

use super::places::{self, Alias};
use super::{Context, provenance, purpose, story};
use crate::finding::{Confidence, Finding, FindingStep, Level};
use crate::flow::state::{Facts, Guard, How, Kind, Origin, Pending};
use crate::flow::summary::{Act, Summary, Trigger};
use crate::flow::terms::{Term, Value};
use crate::ir::{FuncId, PackageId};
use crate::source::Span;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use ustr::Ustr;

/// Its id.
pub const ID: &str = "overwrite-in-place";

const MESSAGE: &str = "live file is cut and filled again in place";
const CRASH: &str = "the file can be empty or partial, and what was in it before is gone: there is no other copy";
const HELP: &str = "write a temporary beside it, sync that, and rename it over the file";

/// At most so many calls may lie between a function and a cut that it is blamed for.
const MAX_DEPTH: usize = 3;

/// So many calls above a cut it is asked what was there before.
const ASKED_ABOVE: usize = 3;

/// At most so many callers of one cut are reported.
const MAX_CALLERS: usize = 4;

/// What functions do to files elsewhere, by the ways the files are known.
#[derive(Default)]
struct Elsewhere {
    readers: FxHashMap<(PackageId, Alias), Vec<FuncId>>,
    renamed: FxHashSet<(PackageId, Alias)>,
}

/// Why a cut is a fault.
struct Case<'a> {
    function: FuncId,
    trigger: &'a Trigger,
    /// Who reads the file; `None`: the same function did, before.
    reader: Option<FuncId>,
    sure: Confidence,
}

/// Reports cuts of files that the program reads back.
pub fn run(context: &Context<'_>, out: &mut Vec<Finding>) {
    let elsewhere = elsewhere(context);
    let mut cases: BTreeMap<Origin, Vec<Case<'_>>> = BTreeMap::new();
    for (&function, summary) in &context.flow.summaries {
        for trigger in &summary.triggers {
            if let Some((reader, mut sure)) = judge(context, function, summary, trigger, &elsewhere) {
                let disclaims = |function: FuncId| {
                    context.policy(function).is_none()
                        && purpose::disclaims_durability(&context.program.functions[function.index()])
                };
                if reader.is_some() && is_written_off(context, function, trigger)
                    || trigger.trace.functions().into_iter().any(disclaims)
                {
                    sure = Confidence::Low;
                }
                let case = Case { function, trigger, reader, sure };
                cases.entry(trigger.trace.origin()).or_default().push(case);
            }
        }
    }
    for (origin, mut list) in cases {
        list.retain(|case| !is_called_where_absent(context, origin, case.function, ASKED_ABOVE));
        if list.is_empty() {
            continue;
        }
        list.sort_by_key(|case| (case.trigger.trace.depth(), std::cmp::Reverse(case.sure), case.function));
        // What holds in the function that cuts holds for its callers. Whoever gives it the path is told at the call; what is cut whoever
        // calls is told once.
        let nearest = list[0].trigger.trace.depth();
        let given = is_given(context, origin);
        let mut told: Vec<Origin> = Vec::new();
        for case in list.iter().filter(|case| case.trigger.trace.depth() == nearest) {
            let place = if given { case.trigger.trace.start() } else { origin };
            if !told.contains(&place) && told.len() < MAX_CALLERS {
                told.push(place);
                out.push(finding(context, case, place));
            }
        }
    }
}

/// Whether a failure to fill the file is passed over, here, by what else the function writes to it, or by whoever calls it. What was read
/// from it is lost all the same.
fn is_written_off(context: &Context<'_>, function: FuncId, trigger: &Trigger) -> bool {
    let mut writes = context.successes(function).iter().flat_map(|moment| &moment.pending);
    let origin = trigger.trace.origin();
    let mut callers = context.flow.callers[function.index()].iter().peekable();
    context.is_best_effort(function, &trigger.trace)
        || callers.peek().is_some() && callers.all(|caller| context.flow.best_effort.contains(&(*caller, origin)))
        || trigger.act.operands().next().is_some_and(|file| {
            writes.any(|pending| {
                let whole = matches!(pending.how, How::Written | How::WrittenWhole);
                pending.file == file && whole && context.flow.best_effort.contains(&(function, pending.origin))
            })
        })
}

/// Whether the function that cuts a file cuts the one that it is given.
fn is_given(context: &Context<'_>, origin: Origin) -> bool {
    let terms = context.terms.borrow();
    let own = context.flow.summaries.get(&origin.function).into_iter().flat_map(|summary| &summary.triggers);
    own.filter(|trigger| trigger.trace.depth() == 0 && trigger.trace.origin() == origin).any(|trigger| {
        match trigger.act {
            Act::Cut { file, .. } | Act::WriteOver { file } => matches!(terms.get(file), Term::Param(_)),
            _ => false,
        }
    })
}

/// Whether `function`, which leads to the cut at `origin`, is called, and always where nothing is there yet that can be lost, as its callers or
/// those above them have found.
fn is_called_where_absent(context: &Context<'_>, origin: Origin, function: FuncId, above: usize) -> bool {
    let callers = &context.flow.callers[function.index()];
    let has_found = |caller: FuncId| {
        let seen = context.flow.summaries.get(&caller).filter(|summary| !summary.bounded && !summary.acts_lost);
        let Some(summary) = seen else { return false };
        let cuts = |spared: bool| summary.cuts.contains(&(origin, spared));
        match cuts(false) {
            true => above > 1 && caller != function && is_called_where_absent(context, origin, caller, above - 1),
            false => cuts(true),
        }
    };
    !callers.is_empty() && callers.iter().all(|&caller| has_found(caller))
}

/// Collects who reads and who renames what, in packages with an act that is asked about.
fn elsewhere(context: &Context<'_>) -> Elsewhere {
    let mut found = Elsewhere::default();
    let package = |function: FuncId| context.program.functions[function.index()].package;
    let asks = |trigger: &Trigger| matches!(trigger.act, Act::Cut { .. } | Act::WriteOver { .. }) && is_near(trigger);
    let asking = context.flow.summaries.iter().filter(|(_, summary)| summary.triggers.iter().any(asks));
    let asking: FxHashSet<PackageId> = asking.map(|(function, _)| package(*function)).collect();
    for (&function, summary) in &context.flow.summaries {
        let package = package(function);
        if !asking.contains(&package) {
            continue;
        }
        let mut read: Vec<Value> = Vec::new();
        // What reads like a file for whoever holds it tells nothing of what the file is for.
        let interface = context.program.functions[function.index()].interface;
        let like_a_file = interface.is_some_and(|interface| interface.ends_with("Read"));
        let facts = summary.outcomes.iter().flat_map(|outcome| &outcome.facts);
        for (file, _) in facts.filter(|(_, facts)| facts.read && !like_a_file) {
            if !read.contains(file) {
                read.push(*file);
            }
        }
        for file in read {
            for alias in places::aliases(context, function, file).iter() {
                let readers = found.readers.entry((package, *alias)).or_default();
                if !readers.contains(&function) {
                    readers.push(function);
                }
            }
        }
        for trigger in &summary.triggers {
            if let Act::Rename { file, from, .. } = trigger.act {
                for file in [file, from] {
                    let aliases = places::aliases(context, function, file);
                    found.renamed.extend(aliases.iter().map(|alias| (package, *alias)));
                }
            }
        }
    }
    for readers in found.readers.values_mut() {
        readers.sort();
        // Who calls a reader reads it no more than the one that does it.
        let callers = |function: &FuncId| &context.flow.callers[function.index()];
        let known = readers.clone();
        let direct = |reader: &FuncId| {
            !known
                .iter()
                .any(|below| below != reader && callers(below).contains(reader) && !callers(reader).contains(below))
        };
        readers.retain(direct);
    }
    found
}

/// Who reads what the trigger cuts, and how sure that makes it.
fn judge(
    context: &Context<'_>,
    function: FuncId,
    summary: &Summary,
    trigger: &Trigger,
    elsewhere: &Elsewhere,
) -> Option<(Option<FuncId>, Confidence)> {
    let (file, by_handle, cut) = match trigger.act {
        Act::Cut { file, by_handle } => (file, by_handle, true),
        Act::WriteOver { file } => (file, false, false),
        _ => return None,
    };
    let depth = trigger.trace.depth();
    let before = fact(&trigger.facts, file);
    if !is_near(trigger)
        // A handle is cut by one function and written by another: a log that is repaired or reset.
        || by_handle && depth > 0
        || before.created
        || before.unusable
        || before.temporary
        || before.written
        || purpose::is_disposable(context, function, file)
        || purpose::is_in_disposable(context, &trigger.trace)
        || is_tool(context, function)
        || is_temporary(context, file)
        || purpose::is_for_reading(context, function, file)
        || purpose::is_handed_out(context, function, file)
        || !by_handle && purpose::is_path_handed_out(context, file)
        || purpose::is_among_sources(context, file)
        || purpose::is_called_by_caches(context, trigger.trace.origin().function, 2)
        || is_restored(context, function, file)
        || is_below_what_goes(context, function, summary, trigger, file)
        || purpose::is_in_temporary(context, file)
        || places::is_next_of_several(&context.terms.borrow(), file)
        || !cut && is_device(context, function, file)
        || !is_filled_again(context, summary, file, before.read && cut)
        || depth > 0 && is_filled_before(context, function, trigger)
        // What gives back a record of its own may be the opening of a store.
        || !cut && !gives_nothing_back(context, summary)
    {
        return None;
    }
    let package = context.program.functions[function.index()].package;
    let aliases = places::aliases(context, function, file);
    let strong = |alias: &&Alias| !matches!(alias, Alias::Given(_));
    if aliases.iter().filter(strong).any(|alias| elsewhere.renamed.contains(&(package, *alias))) {
        return None;
    }
    // What was there is kept aside.
    if is_kept_aside(context, function, trigger, file) {
        return None;
    }
    // A copy fills it at once, and its original stays.
    if is_cut_by_a_copy(context, function, trigger) {
        return None;
    }
    let first = makes_the_first(context, function);
    if before.read && cut && is_made_of_itself(context, function, file) {
        // A tool that edits what its user hands it is none that keeps a state, unless it shows that it minds a crash.
        let own = places::is_of_record(&context.terms.borrow(), file)
            || context.flow.intents.syncing_packages.contains(&package);
        let sure = match depth {
            _ if !own || first => Confidence::Low,
            0 => Confidence::High,
            _ => Confidence::Medium,
        };
        return Some((None, sure));
    }
    let (varies, several) = {
        let terms = context.terms.borrow();
        (places::varies(&terms, file), places::is_of_several(&terms, file))
    };
    let on_the_way = trigger.trace.functions();
    let new = (first || varies) && !(several && purpose::is_precious(context, function, file));
    // A copy has its original. What gives way to a constant is no longer wanted.
    if is_copied(context, function, file) || is_filled_with_constants(context, function, file) {
        return None;
    }
    // Who runs a program sees what it wrote, and can run it again.
    let by_main = &*context.program.functions[function.index()].short_name == "main";
    let new = new
        || is_filled_anew(context, function, file)
        || by_main && !context.flow.intents.syncing_packages.contains(&package);
    let mut best: Option<(Option<FuncId>, Confidence)> = None;
    for &alias in aliases.iter() {
        let readers = elsewhere.readers.get(&(package, alias)).into_iter().flatten();
        // Who reads it on the way to the cut was asked above.
        let others = readers.copied().filter(|reader| !on_the_way.contains(reader));
        // Who reads it by its own text tells more than who does so by what it calls.
        let far = |reader: &FuncId| (!context.is_beside(*reader, function), !reads_itself(context, *reader), *reader);
        let Some(reader) = others.min_by_key(far) else { continue };
        let sure = match alias {
            Alias::Place(_) if !new => Confidence::Medium,
            // A name alone says little, unless it stands in the same text.
            Alias::Name(_)
                if !new
                    && context.is_beside(reader, function)
                    && !reads_another(context, reader, alias, function, file) =>
            {
                Confidence::Medium
            }
            _ => Confidence::Low,
        };
        if best.is_none_or(|(_, known)| sure > known) {
            best = Some((Some(reader), sure));
        }
    }
    best
}

/// Whether a function's own text reads content from a file.
fn reads_itself(context: &Context<'_>, function: FuncId) -> bool {
    let body = &context.program.functions[function.index()];
    let mut insts = body.blocks.iter().flat_map(|block| &block.insts);
    insts.any(|inst| context.flow.intents.reads.contains(&inst.focus))
}

/// Whether all files that `reader` knows by `alias` lie elsewhere in the same directory as `file` of `function`.
fn reads_another(context: &Context<'_>, reader: FuncId, alias: Alias, function: FuncId, file: Value) -> bool {
    let Some(summary) = context.flow.summaries.get(&reader) else { return false };
    let facts = summary.outcomes.iter().flat_map(|outcome| &outcome.facts);
    let mut read = facts.filter(|(_, facts)| facts.read).map(|(file, _)| *file);
    let mut named = read.by_ref().filter(|read| places::aliases(context, reader, *read).contains(&alias)).peekable();
    named.peek().is_some() && named.all(|read| places::surely_differ(context, (reader, read), (function, file)))
}

/// Whether the function fills the file with what it read, so that this is in memory alone meanwhile. What was only compared with the new
/// content, or asked for, is of no more use.
fn is_made_of_itself(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    let pending = context.successes(function).iter().flat_map(|moment| &moment.pending);
    let mut writes = pending.filter(|pending| {
        pending.file == file && matches!(pending.how, How::Written | How::WrittenWhole | How::HandedOver)
    });
    let made_of =
        |pending: &Pending| provenance::may_write_what_was_read(context, function, &pending.trace, Some(file));
    match writes.next() {
        Some(first) => made_of(first) || writes.any(made_of),
        // What is synced afterwards is not told write by write.
        None => provenance::writes_what_was_read(context, function, file),
    }
}

/// Whether the function has copied what the file held to another file before it cuts it, and leaves that there.
fn is_kept_aside(context: &Context<'_>, function: FuncId, trigger: &Trigger, file: Value) -> bool {
    let cut = trigger.trace.start().span;
    let mut pending = context.successes(function).iter().flat_map(|moment| &moment.pending);
    pending.any(|pending| {
        pending.how == How::Copied
            && pending.file != file
            && pending.sources[..] == [file]
            && pending.trace.start().span.start < cut.start
    })
}

/// Whether what cuts the file is a copy of another one over it.
fn is_cut_by_a_copy(context: &Context<'_>, function: FuncId, trigger: &Trigger) -> bool {
    let origin = trigger.trace.origin();
    let mut pending = context.successes(function).iter().flat_map(|moment| &moment.pending);
    pending.any(|pending| pending.origin == origin && pending.how == How::Copied)
}

/// Whether all that the function fills the file with is a copy of another file, which stays.
fn is_copied(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    let pending = context.successes(function).iter().flat_map(|moment| &moment.pending);
    let mut writes = pending.filter(|pending| pending.file == file && pending.kind != Kind::Name).peekable();
    writes.peek().is_some() && writes.all(|pending| pending.how == How::Copied)
}

/// Whether all that the function fills the file with are constants of the program.
fn is_filled_with_constants(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    let pending = context.successes(function).iter().flat_map(|moment| &moment.pending);
    let mut writes = pending
        .filter(|pending| {
            pending.file == file && matches!(pending.how, How::Written | How::WrittenWhole | How::HandedOver)
        })
        .peekable();
    writes.peek().is_some() && writes.all(|pending| provenance::is_constant(context, &pending.trace))
}

/// Whether all that the function fills the file with was put together for that, and carries nothing on that was there before: who writes a
/// first content, or wants another one, does without the old one.
fn is_filled_anew(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    let pending = context.successes(function).iter().flat_map(|moment| &moment.pending);
    let is_content = |how: How| matches!(how, How::Written | How::WrittenWhole | How::HandedOver);
    let mut writes = pending.filter(|pending| pending.file == file && is_content(pending.how)).peekable();
    writes.peek().is_some() && writes.all(|pending| provenance::is_made_anew(context, &pending.trace))
}

/// The last write to the file that was cut, where it is not synced after that.
fn filled_here<'a>(context: &'a Context<'_>, case: &Case<'_>) -> Option<&'a Pending> {
    let file = case.trigger.act.operands().next()?;
    let pending = context.successes(case.function).iter().flat_map(|moment| &moment.pending);
    let writes = pending.filter(|pending| {
        pending.file == file && matches!(pending.how, How::Written | How::WrittenWhole | How::HandedOver | How::Copied)
    });
    writes.max_by_key(|pending| (std::cmp::Reverse(pending.trace.depth()), pending.trace.origin().span))
}

/// Whether a function can be blamed for what it does there.
fn is_near(trigger: &Trigger) -> bool {
    !trigger.failing && trigger.trace.depth() <= MAX_DEPTH
}

fn fact(facts: &[(Value, Facts)], file: Value) -> Facts {
    facts.iter().find(|(known, _)| *known == file).map(|(_, facts)| *facts).unwrap_or_default()
}

/// Whether a path says that what is there is not the thing itself: a temporary, or a copy kept aside.
fn is_temporary(context: &Context<'_>, file: Value) -> bool {
    let words = ["tmp", "temp", "temporary", "new", "partial", "part", "backup", "bak", "old", "staging", "swp"];
    context.terms.borrow().texts(file).iter().any(|text| purpose::has_any(text, &words))
}

/// Whether the function removes a directory that the file is in, with all that is below it, and so leaves nothing of what it wrote to the file.
fn is_below_what_goes(context: &Context<'_>, function: FuncId, summary: &Summary, cut: &Trigger, file: Value) -> bool {
    let mut terms = context.terms.borrow_mut();
    let together = |other: &Trigger| {
        let other_way = |guard: &Guard| cut.guards.contains(&(guard.0, guard.1, !guard.2));
        !other.guards.iter().any(other_way) && other.trace.start().span.start > cut.trace.start().span.start
    };
    let goes = summary.triggers.iter().any(|trigger| match trigger.act {
        Act::Remove { file: removed, tree: true, .. } => {
            removed != file && terms.is_under(file, removed) && together(trigger)
        }
        _ => false,
    });
    let mut left = context.successes(function).iter().flat_map(|moment| &moment.pending);
    goes && !left.any(|pending| pending.file == file)
}

/// Whether names say that it is where something is brought to that stays elsewhere.
fn is_restored(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    let given = purpose::given_names(context, function, file);
    let body = &context.program.functions[function.index()];
    let owner = body.owner.iter().map(|owner| Ustr::from(purpose::type_of(owner)));
    owner.chain(given).any(|name| purpose::has_any(&name, &["dest", "destination"]))
        || purpose::has_any(&body.short_name, &["restore", "rollback", "undo"])
}

/// Whether names say that it is no file but a device, whose content is laid out by places.
fn is_device(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    let words = ["device", "dev", "devnode", "blockdev", "blkdev"];
    let texts = context.terms.borrow().texts(file);
    let given = purpose::given_names(context, function, file);
    given.iter().chain(&texts).any(|name| purpose::has_any(name, &words))
}

/// Whether all that is written to the file elsewhere in the function, as far as that can be seen, stands before the call that cuts it.
fn is_filled_before(context: &Context<'_>, function: FuncId, trigger: &Trigger) -> bool {
    let Some(file) = trigger.act.operands().next() else { return false };
    let cut = trigger.trace.start().span;
    let pending = context.successes(function).iter().flat_map(|moment| &moment.pending);
    let is_write = |how: How| matches!(how, How::Written | How::WrittenWhole | How::HandedOver | How::Copied);
    let mut writes = pending.filter(|pending| pending.file == file && is_write(pending.how)).peekable();
    writes.peek().is_some() && writes.all(|pending| pending.trace.start().span < cut)
}

fn gives_nothing_back(context: &Context<'_>, summary: &Summary) -> bool {
    let terms = context.terms.borrow();
    let mut successes = summary.outcomes.iter().filter(|outcome| outcome.success);
    successes.all(|outcome| {
        let result = terms.unbuffered(outcome.result);
        // The result of the last write or sync is the function's.
        matches!(terms.get(result), Term::Unit | Term::Absent | Term::Const(_))
    })
}

/// Whether the function says that it makes what was not there before.
fn makes_the_first(context: &Context<'_>, function: FuncId) -> bool {
    let words = [
        "create",
        "new",
        "init",
        "initialize",
        "generate",
        "gen",
        "setup",
        "materialize",
        "install",
        "bootstrap",
        "scaffold",
        "upgrade",
        "migrate",
        "make",
        "import",
    ];
    purpose::has_any(&context.program.functions[function.index()].short_name, &words)
}

/// Whether the function belongs to a tool of the programmers, or to what writes for others to read.
fn is_tool(context: &Context<'_>, function: FuncId) -> bool {
    let words = [
        "dev",
        "vdev",
        "xtask",
        "codegen",
        "smoketest",
        "conformance",
        "fixture",
        "ci",
        "release",
        "bundle",
        "dump",
        "build",
        "fake",
    ];
    let body = &context.program.functions[function.index()];
    let package = &context.program.packages[body.package.index()].name;
    purpose::has_any(package, &words) || purpose::has_any(&body.name, &words)
}

/// Whether the function goes on to write the file, succeeds, and keeps no handle to it: a handle that lives on is a log that was
/// begun, not a content that was replaced, unless it was `read` before.
fn is_filled_again(context: &Context<'_>, summary: &Summary, file: Value, read: bool) -> bool {
    let terms = context.terms.borrow();
    let keeps = |value: Value| {
        terms
            .parts(value)
            .iter()
            .any(|part| matches!(terms.get(*part), Term::Handle { file: known, .. } if *known == file))
    };
    let mut written = summary.outcomes.iter().filter(|outcome| outcome.success && !outcome.failing).filter(|outcome| {
        let facts = fact(&outcome.facts, file);
        facts.written && !facts.renamed
    });
    written.any(|outcome| read || !keeps(outcome.result) && !outcome.heap.iter().any(|(_, value)| keeps(*value)))
}

/// Whether a step of such a finding tells what is done to the file.
pub fn is_done_to_file(step: &FindingStep) -> bool {
    !step.message.starts_with("calls `") && !step.message.starts_with("read back by `")
}

fn finding(context: &Context<'_>, case: &Case<'_>, place: Origin) -> Finding {
    let mut steps: Vec<FindingStep> = Vec::new();
    if let Some(reader) = case.reader {
        let body = &context.program.functions[reader.index()];
        let message = format!("read back by `{}`: the file is live", body.short_name);
        steps.push(FindingStep { span: body.name_span, function: body.name, message });
    }
    let cut = match case.reader {
        _ if matches!(case.trigger.act, Act::WriteOver { .. }) => "opened to be written over: there is no other copy",
        Some(_) => "cut: until it is filled again and synced there is no copy",
        None => "cut: what was read from it is now in memory alone",
    };
    story::steps(context, &case.trigger.trace, cut, &mut steps);
    if let Some(filled) = filled_here(context, case) {
        let known: Vec<Span> = steps.iter().map(|step| step.span).collect();
        let mut more = Vec::new();
        story::steps(context, &filled.trace, story::how(filled), &mut more);
        steps.extend(more.into_iter().filter(|step| !known.contains(&step.span)));
    }
    Finding {
        rule: ID,
        level: Level::Warning,
        confidence: case.sure,
        message: MESSAGE.to_string(),
        span: place.span,
        function: context.program.functions[place.function.index()].name,
        steps,
        crash: CRASH.to_string(),
        help: HELP.to_string(),
        condition: None,
        exposed_on: story::EVERYWHERE.to_vec(),
        masked_on: Vec::new(),
        fix: None,
    }
}
