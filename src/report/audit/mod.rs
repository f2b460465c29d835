//! How the durability table is shown: one file a format. Everything here reads [`crate::check::AuditReport`] and changes nothing.

pub mod human;
pub mod json;
pub mod markdown;

use crate::audit::{Cell, Operation, Reason, Row};
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
    let mut remarks: Vec<String> =
        operation.missing.iter().map(|missing| format!("missing: {}", reason(missing, sources))).collect();
    match operation.unseen {
        Some(why) => remarks.push(format!("not all of it was seen: {why}")),
        None if remarks.is_empty() => remarks.push("nothing is pending when it reports success".to_string()),
        None => {}
    }
    remarks
}
