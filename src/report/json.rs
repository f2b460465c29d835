//! The JSON report, version 1: other programs read it, so its shape only grows.

use crate::check::{Report, Stats};
use crate::discover::Problem;
use crate::finding::{Confidence, Edit, Finding, Fix, Level};
use crate::source::{SourceMap, Span};
use serde::Serialize;
use std::io::Write;

/// The version of the shape.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    findings: Vec<JsonFinding<'a>>,
    unparsed: Vec<JsonProblem<'a>>,
    stats: JsonStats,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    rule: &'a str,
    level: Level,
    confidence: Confidence,
    message: &'a str,
    #[serde(flatten)]
    place: Place,
    end_line: usize,
    end_column: usize,
    function: &'a str,
    steps: Vec<JsonStep<'a>>,
    crash: &'a str,
    help: &'a str,
    condition: Option<&'a str>,
    exposed_on: &'a [&'static str],
    masked_on: &'a [&'static str],
    fix: Option<JsonFix<'a>>,
}

#[derive(Serialize)]
pub(super) struct Place {
    path: String,
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct JsonStep<'a> {
    #[serde(flatten)]
    place: Place,
    function: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct JsonFix<'a> {
    safe: bool,
    edits: Vec<JsonEdit<'a>>,
}

#[derive(Serialize)]
struct JsonEdit<'a> {
    path: String,
    start: u32,
    end: u32,
    insert: &'a str,
}

#[derive(Serialize)]
pub(super) struct JsonProblem<'a> {
    path: String,
    line: usize,
    message: &'a str,
}

#[derive(Serialize)]
pub(super) struct JsonStats {
    files: usize,
    parsed: usize,
    functions: usize,
    lines: usize,
    elapsed_ms: u64,
}

/// Writes `report` to `out`.
pub fn render(report: &Report, out: &mut dyn Write) -> std::io::Result<()> {
    let sources = &report.sources;
    let document = Document {
        version: VERSION,
        findings: report.findings.iter().map(|finding| json_finding(finding, sources)).collect(),
        unparsed: report.problems.iter().map(json_problem).collect(),
        stats: stats(&report.stats),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

pub(super) fn stats(stats: &Stats) -> JsonStats {
    JsonStats {
        files: stats.files,
        parsed: stats.parsed,
        functions: stats.functions,
        lines: stats.lines,
        elapsed_ms: stats.elapsed_ms,
    }
}

fn json_finding<'a>(finding: &'a Finding, sources: &SourceMap) -> JsonFinding<'a> {
    let (end_line, end_column) = sources.line_column(finding.span.file, finding.span.end);
    JsonFinding {
        rule: finding.rule,
        level: finding.level,
        confidence: finding.confidence,
        message: &finding.message,
        place: place(finding.span, sources),
        end_line,
        end_column,
        function: finding.function.as_str(),
        steps: finding
            .steps
            .iter()
            .map(|step| JsonStep {
                place: place(step.span, sources),
                function: step.function.as_str(),
                message: &step.message,
            })
            .collect(),
        crash: &finding.crash,
        help: &finding.help,
        condition: finding.condition.as_deref(),
        exposed_on: &finding.exposed_on,
        masked_on: &finding.masked_on,
        fix: finding.fix.as_ref().map(|fix| json_fix(fix, sources)),
    }
}

pub(super) fn place(span: Span, sources: &SourceMap) -> Place {
    let (line, column) = sources.line_column(span.file, span.start);
    Place { path: sources.path(span.file).to_string_lossy().into_owned(), line, column }
}

fn json_fix<'a>(fix: &'a Fix, sources: &SourceMap) -> JsonFix<'a> {
    let edit = |edit: &'a Edit| JsonEdit {
        path: sources.path(edit.span.file).to_string_lossy().into_owned(),
        start: edit.span.start,
        end: edit.span.end,
        insert: &edit.insert,
    };
    JsonFix { safe: fix.safe, edits: fix.edits.iter().map(edit).collect() }
}

pub(super) fn json_problem(problem: &Problem) -> JsonProblem<'_> {
    JsonProblem { path: problem.path.to_string_lossy().into_owned(), line: problem.line, message: &problem.message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::FindingStep;

    /// Every key of the contract, in a finding that has everything and one that has nothing optional.
    #[test]
    fn has_the_shape_that_was_promised() {
        let mut sources = SourceMap::default();
        let file = sources.add("src/a.rs".into(), "fn save() {\n    rename(a, b);\n}\n".into());
        let span = Span::new(file, 16, 28);
        let bare = Finding {
            rule: "rename-before-sync",
            level: Level::Error,
            confidence: Confidence::High,
            message: "m".into(),
            span,
            function: "store::save".into(),
            steps: vec![],
            crash: String::new(),
            help: String::new(),
            condition: None,
            exposed_on: vec![],
            masked_on: vec![],
            fix: None,
        };
        let mut full = bare.clone();
        full.steps.push(FindingStep { span, function: "store::save".into(), message: "written".into() });
        full.condition = Some("only when `sync` is off".into());
        full.exposed_on.push("posix");
        full.fix = Some(Fix { safe: true, edits: vec![Edit { span: Span::new(file, 16, 16), insert: "x".into() }] });
        let problems = vec![Problem { path: "src/b.rs".into(), line: 3, message: "expected `;`".into() }];
        let report = Report { findings: vec![bare, full], problems, sources, ..Report::default() };
        let mut out = Vec::new();
        render(&report, &mut out).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let place = serde_json::json!({"path": "src/a.rs", "line": 2, "column": 5});
        assert_eq!(json["version"], 1);
        for finding in json["findings"].as_array().unwrap() {
            for key in ["path", "line", "column"] {
                assert_eq!(finding[key], place[key], "{key}");
            }
            assert_eq!((&finding["end_line"], &finding["end_column"]), (&2.into(), &17.into()));
            assert_eq!((&finding["level"], &finding["confidence"]), (&"error".into(), &"high".into()));
            assert_eq!(finding["function"], "store::save");
            for key in ["rule", "message", "steps", "condition", "exposed_on", "masked_on", "fix"] {
                assert!(finding.get(key).is_some(), "`{key}` is missing");
            }
        }
        assert!(json["findings"][0]["condition"].is_null() && json["findings"][0]["fix"].is_null());
        let full = &json["findings"][1];
        let step = serde_json::json!({"path": "src/a.rs", "line": 2, "column": 5, "function": "store::save", "message": "written"});
        assert_eq!(full["steps"][0], step);
        let fix =
            serde_json::json!({"safe": true, "edits": [{"path": "src/a.rs", "start": 16, "end": 16, "insert": "x"}]});
        assert_eq!(full["fix"], fix);
        assert_eq!(json["unparsed"], serde_json::json!([{"path": "src/b.rs", "line": 3, "message": "expected `;`"}]));
        for key in ["files", "parsed", "functions", "elapsed_ms"] {
            assert!(json["stats"][key].is_u64(), "{key}");
        }
    }
}
