//! The durability table as JSON, version 1: other programs read it, so its shape only grows.

use crate::audit::{Cell, Effect, Operation, Reason, Row, Verdict};
use crate::check::AuditReport;
use crate::report::json::{JsonProblem, JsonStats, Place, json_problem, place, stats};
use crate::source::SourceMap;
use serde::Serialize;
use std::io::{self, Write};

/// The version of the shape.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    stores: Vec<JsonStore<'a>>,
    unparsed: Vec<JsonProblem<'a>>,
    stats: JsonStats,
}

#[derive(Serialize)]
struct JsonStore<'a> {
    store: &'a str,
    #[serde(flatten)]
    place: Place,
    normal_writes: JsonCell<'a>,
    rewrite: JsonCell<'a>,
    deletes_inputs_first: JsonCell<'a>,
    directory: JsonCell<'a>,
    crash_safe: JsonCell<'a>,
    operations: Vec<JsonOperation<'a>>,
}

#[derive(Serialize)]
struct JsonCell<'a> {
    verdict: &'static str,
    detail: Option<&'a str>,
    reason: Option<JsonReason<'a>>,
}

#[derive(Serialize)]
struct JsonReason<'a> {
    #[serde(flatten)]
    place: Place,
    message: &'a str,
}

#[derive(Serialize)]
struct JsonOperation<'a> {
    name: &'a str,
    #[serde(flatten)]
    place: Place,
    effects: Vec<JsonEffect<'a>>,
    missing: Vec<JsonReason<'a>>,
    unseen: Option<&'a str>,
    elsewhere: usize,
}

#[derive(Serialize)]
struct JsonEffect<'a> {
    effect: &'a str,
    file: &'a str,
    #[serde(flatten)]
    place: Place,
    condition: Option<String>,
    to: Option<&'a str>,
    by: Option<&'a str>,
    via: Option<&'a str>,
}

/// Writes `report` to `out`.
pub fn render(report: &AuditReport, out: &mut dyn Write) -> io::Result<()> {
    let sources = &report.sources;
    let document = Document {
        version: VERSION,
        stores: report.rows.iter().map(|row| store(row, sources)).collect(),
        unparsed: report.problems.iter().map(json_problem).collect(),
        stats: stats(&report.stats),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn store<'a>(row: &'a Row, sources: &SourceMap) -> JsonStore<'a> {
    JsonStore {
        store: row.store.as_str(),
        place: place(row.span, sources),
        normal_writes: cell(&row.writes, sources),
        rewrite: cell(&row.rewrite, sources),
        deletes_inputs_first: cell(&row.deletes_first, sources),
        directory: cell(&row.directory, sources),
        crash_safe: cell(&row.safe, sources),
        operations: row.operations.iter().map(|one| operation(one, sources)).collect(),
    }
}

fn cell<'a>(cell: &'a Cell, sources: &SourceMap) -> JsonCell<'a> {
    JsonCell {
        verdict: match cell.verdict {
            Verdict::Yes => "yes",
            Verdict::No => "no",
            Verdict::Conditional => "conditional",
            Verdict::ViaLog => "via_log",
            Verdict::NotApplicable => "not_applicable",
            Verdict::Unknown => "unknown",
        },
        detail: cell.detail.as_deref(),
        reason: cell.reason.as_ref().map(|one| reason(one, sources)),
    }
}

fn reason<'a>(reason: &'a Reason, sources: &SourceMap) -> JsonReason<'a> {
    JsonReason { place: place(reason.span, sources), message: &reason.text }
}

fn operation<'a>(operation: &'a Operation, sources: &SourceMap) -> JsonOperation<'a> {
    JsonOperation {
        name: operation.name.as_str(),
        place: place(operation.span, sources),
        effects: operation.effects.iter().map(|one| effect(one, sources)).collect(),
        missing: operation.missing.iter().map(|one| reason(one, sources)).collect(),
        unseen: operation.unseen,
        elsewhere: operation.elsewhere,
    }
}

fn effect<'a>(effect: &'a Effect, sources: &SourceMap) -> JsonEffect<'a> {
    JsonEffect {
        effect: effect.what,
        file: &effect.file,
        place: place(effect.span, sources),
        condition: (!effect.conditions.is_empty()).then(|| effect.conditions.join(", ")),
        to: effect.to.as_deref(),
        by: effect.by.as_ref().map(|by| by.as_str()),
        via: effect.via.as_ref().map(|via| via.as_str()),
    }
}
