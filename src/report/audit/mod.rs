//! How the durability table is shown: one file a format. Everything here reads [`crate::check::AuditReport`] and changes nothing.

pub mod human;
pub mod json;
pub mod markdown;

use crate::audit::{Cell, Effect, Operation, Reason, Row};
use crate::source::{SourceMap, Span};

/// What each column asks, in order.
pub(super) const QUESTIONS: [&str; 5] = [
    "normal writes fsync?",
    "rewrite/compaction fsync?",
    "inputs deleted before output synced?",
    "directory synced?",
    "crash-safe?",
];

/// The cells of a row in the order of [`QUESTIONS`].
pub(super) fn cells(row: &Row) -> [&Cell; 5] {
    [&row.writes, &row.rewrite, &row.deletes_first, &row.directory, &row.safe]
}

/// `path:line` of the start of `span`.
pub(super) fn place(span: Span, sources: &SourceMap) -> String {
    format!("{}:{}", sources.path(span.file).display(), sources.line_column(span.file, span.start).0)
}

/// A reason with its place.
pub(super) fn reason(reason: &Reason, sources: &SourceMap) -> String {
    format!("{}: {}", place(reason.span, sources), reason.text)
}

/// What is to be said of an operation below its effects: what is missing, what a crash leaves, what was not seen.
pub(super) fn remarks(operation: &Operation, sources: &SourceMap) -> Vec<String> {
    let missing = |missing: &Reason| {
        let line = near(missing.span, operation.span, sources);
        format!("missing after {line}: {}", missing.text)
    };
    let mut remarks: Vec<String> = operation.missing.iter().map(missing).collect();
    match operation.unseen {
        Some(why) => remarks.push(format!("not all of it was seen: {why}")),
        None if remarks.is_empty() => remarks.push("nothing is pending when it reports success".to_string()),
        None => {}
    }
    match operation.elsewhere {
        0 => {}
        1 => remarks.push("left out: one effect on what was not seen to be a file".to_string()),
        count => remarks.push(format!("left out: {count} effects on what was not seen to be a file")),
    }
    remarks
}

/// Where `span` is, for somebody who is told of the code at `around`: `line 12` if it is in the same file.
pub(super) fn near(span: Span, around: Span, sources: &SourceMap) -> String {
    if span.file == around.file {
        format!("line {}", sources.line_column(span.file, span.start).0)
    } else {
        place(span, sources)
    }
}

/// What an operation of a store is called beside its store: without the store's name.
pub(super) fn short_name<'a>(operation: &'a Operation, row: &Row) -> &'a str {
    let name = operation.name.as_str();
    name.strip_prefix(row.store.as_str()).and_then(|rest| rest.strip_prefix("::")).unwrap_or(name)
}

/// What an effect is on: the file, and for a rename the name that it gets.
pub(super) fn object(effect: &Effect) -> String {
    match &effect.to {
        Some(to) => format!("{} to {to}", effect.file),
        None => effect.file.clone(),
    }
}

/// The conditions that all effects of an operation have: they are told once.
pub(super) fn common_conditions(operation: &Operation) -> Vec<&str> {
    let Some((first, others)) = operation.effects.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Vec::new();
    };
    let is_common = |condition: &&String| others.iter().all(|effect| effect.conditions.contains(condition));
    first.conditions.iter().filter(is_common).map(String::as_str).collect()
}

/// The conditions of an effect besides those that are told once, as `, if …`; nothing if there are none.
pub(super) fn own_conditions(effect: &Effect, common: &[&str]) -> String {
    let own: Vec<&str> =
        effect.conditions.iter().map(String::as_str).filter(|condition| !common.contains(condition)).collect();
    if own.is_empty() { String::new() } else { format!(", if {}", own.join(", ")) }
}

/// Which function has an effect, as `, in …`; nothing if the operation itself has it.
pub(super) fn whereabouts(effect: &Effect) -> String {
    match (effect.by, effect.via) {
        (Some(by), Some(via)) => format!(", in `{by}` for `{via}`"),
        (Some(by), None) => format!(", in `{by}`"),
        (None, _) => String::new(),
    }
}
