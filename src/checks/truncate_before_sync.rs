//! `truncate-before-sync`: a log is cut before what makes it superfluous is durable.

use super::act::ActRule;
use super::{Context, delete_before_sync, places, provenance, purpose};
use crate::finding::{Confidence, Level};
use crate::flow::Moment;
use crate::flow::state::{How, Kind, Pending};
use crate::flow::summary::Act;
use crate::flow::terms::{Term, Value};
use crate::ir::FuncId;

/// The rule.
pub const RULE: ActRule = ActRule {
    id: "truncate-before-sync",
    level: Level::Error,
    judge,
    message: |_, _, pending| match pending.kind {
        Kind::Name => "file is cut before the name of its successor is durable".to_string(),
        _ => "file is cut before the content of its successor is durable".to_string(),
    },
    at_act: |_| "cut: from here on only the successor is left",
    crash: "the cut can reach the disk first: the log is empty and what it was applied to is not on disk",
    help: "sync the successor and its directory before cutting what it replaces",
    masked_on: &[],
};

fn judge(context: &Context<'_>, moment: &Moment, pending: &Pending) -> Option<Confidence> {
    let Act::Cut { file, by_handle } = moment.act else { return None };
    let cut = moment.fact(file);
    if cut.unusable
        || cut.created
        || cut.temporary
        || moment.failing
        || purpose::is_disposable(context, moment.function, file)
        || purpose::is_in_disposable(context, &pending.trace)
    {
        return None;
    }
    if pending.file == file || places::is_no_file(context, moment.function, pending.file) {
        return None;
    }
    let counts = match pending.kind {
        Kind::Data | Kind::Buffer => {
            matches!(pending.how, How::Written | How::WrittenWhole | How::Copied | How::HandedOver)
        }
        Kind::Name => {
            pending.cared
                && (pending.how == How::Renamed || delete_before_sync::is_made_for_log(context, moment, pending, file))
        }
    };
    if !counts {
        return None;
    }
    // What is made under a name with a number in it, and filled, is a new file.
    if !by_handle && is_filled(context, moment, file) && is_numbered(context, file) {
        return None;
    }
    let near = delete_before_sync::is_one_operation(moment, pending);
    let related = delete_before_sync::shares_root(context, pending.file, file) || moment.fact(pending.file).renamed;
    match by_handle {
        true if near
            && cut.read
            && (pending.kind == Kind::Name || delete_before_sync::is_source(context, pending, file))
            // What is filled again at once is its own successor, unless what was in it is written elsewhere.
            && (!is_filled(context, moment, file)
                || provenance::may_write_what_was_read(context, moment.function, &pending.trace, None)) =>
        {
            Some(Confidence::High)
        }
        // It was read, but after the other was written.
        true if cut.read && pending.kind != Kind::Name => Some(Confidence::Low),
        true if near && is_of_log(context, moment.function, file) && is_known(context, moment, pending.file) => {
            Some(Confidence::Medium)
        }
        // What is cut and filled in one go is replaced, not outlived.
        // A log that nobody reads again is for people.
        false
            if near
                && related
                && delete_before_sync::is_log(context, file)
                && !is_filled(context, moment, file)
                && !purpose::is_for_reading(context, moment.function, file)
                && (is_of_records(context, file) || places::is_read_back(context, moment.function, file)) =>
        {
            Some(Confidence::Medium)
        }
        _ => Some(Confidence::Low),
    }
}

/// Whether the file, the field it lives in or the type that cuts it is named after a log: what is in it was applied elsewhere.
fn is_of_log(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    let words =
        ["wal", "journal", "log", "redo", "undo", "aof", "oplog", "changelog", "binlog", "writeahead", "intent"];
    let body = &context.program.functions[function.index()];
    let fields = context.flow.intents.fields_of(function, file).iter();
    delete_before_sync::is_log(context, file)
        || purpose::given_names(context, function, file).iter().any(|name| purpose::has_any(name, &words))
        || purpose::has_any(&body.name, &words)
        || fields.flat_map(|(owner, name)| [owner, name]).any(|name| purpose::has_any(name, &words))
}

/// Whether a path says that what is in it is there to be read again.
fn is_of_records(context: &Context<'_>, file: Value) -> bool {
    let words = ["wal", "journal", "redo", "undo", "aof", "oplog", "changelog", "binlog"];
    context.terms.borrow().texts(file).iter().any(|text| purpose::has_any(text, &words))
}

/// Whether what is written is surely a file: made on the way, given, or told by a path or a field.
fn is_known(context: &Context<'_>, moment: &Moment, file: Value) -> bool {
    let terms = context.terms.borrow();
    let is_told = |part: &Value| match terms.get(*part) {
        Term::Op(name, _) => {
            *name == terms.ops.join || *name == terms.ops.with_extension || name.starts_with("format:")
        }
        Term::Const(_) | Term::Field(..) | Term::Param(_) => true,
        _ => false,
    };
    moment.fact(file).created || terms.parts(file).iter().any(is_told)
}

/// Whether the function fills the file that it cuts.
fn is_filled(context: &Context<'_>, moment: &Moment, file: Value) -> bool {
    context.successes(moment.function).iter().any(|success| success.fact(file).written)
}

/// Whether the path has a part that changes from file to file.
fn is_numbered(context: &Context<'_>, path: Value) -> bool {
    let terms = context.terms.borrow();
    terms.parts(path).into_iter().any(|part| {
        matches!(terms.get(part), Term::Op(name, args) if name.starts_with("format:") && name.contains('{') && !args.is_empty())
    })
}
