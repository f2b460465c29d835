//! The SARIF 2.1.0 report, for code scanning and other viewers: each finding with its steps as a code flow. The few objects that are
//! used are written out here, and `tests/sarif.rs` holds them to the official schema: a crate that has all of SARIF would cost every
//! user more to build than the rest of this program's reports together.

use crate::check::Report;
use crate::checks::registry::{self, RULES, RuleInfo};
use crate::discover::Problem;
use crate::finding::{Confidence, Finding, Level};
use crate::report::page;
use crate::source::{SourceMap, Span};
use serde::Serialize;
use std::io::Write;
use std::path::{Component, Path};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    column_kind: &'static str,
    invocations: [Invocation<'a>; 1],
    results: Vec<SarifResult<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Message<'static>,
    help: Message<'static>,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties {
    tags: [&'static str; 2],
}

#[derive(Serialize)]
struct Message<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    markdown: Option<&'a str>,
}

impl<'a> Message<'a> {
    fn text(text: &'a str) -> Message<'a> {
        Message { text, markdown: None }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notification<'a> {
    level: &'static str,
    message: Message<'a>,
    locations: [Location<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: OwnMessage,
    locations: [Location<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    code_flows: Vec<CodeFlow<'a>>,
    partial_fingerprints: Fingerprints,
    properties: ResultProperties<'a>,
}

#[derive(Serialize)]
struct OwnMessage {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CodeFlow<'a> {
    thread_flows: [ThreadFlow<'a>; 1],
}

#[derive(Serialize)]
struct ThreadFlow<'a> {
    locations: Vec<FlowLocation<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FlowLocation<'a> {
    location: Location<'a>,
    execution_order: usize,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "fsynclint/v1")]
    own: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultProperties<'a> {
    confidence: Confidence,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'a str>,
    exposed_on: &'a [&'static str],
    masked_on: &'a [&'static str],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    physical_location: Physical,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<Logical<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical<'a> {
    fully_qualified_name: &'a str,
    kind: &'static str,
}

/// Writes `report` to `out`.
pub fn render(report: &Report, out: &mut dyn Write) -> std::io::Result<()> {
    let sources = &report.sources;
    let run = Run {
        tool: Tool {
            driver: Driver {
                name: "fsynclint",
                semantic_version: env!("CARGO_PKG_VERSION"),
                rules: RULES.iter().map(rule).collect(),
            },
        },
        column_kind: "unicodeCodePoints",
        invocations: [Invocation {
            execution_successful: true,
            tool_execution_notifications: report.problems.iter().map(notification).collect(),
        }],
        results: report.findings.iter().map(|finding| result(finding, sources)).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &Log { schema: SCHEMA, version: "2.1.0", runs: [run] })?;
    writeln!(out)
}

fn rule(rule: &RuleInfo) -> Rule {
    let page = page::body(rule.page).trim();
    Rule {
        id: rule.id,
        short_description: Message::text(rule.title),
        help: Message { text: page, markdown: Some(page) },
        default_configuration: Configuration { level: level(rule.level) },
        properties: RuleProperties { tags: ["durability", rule.obligation] },
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "note",
    }
}

fn notification(problem: &Problem) -> Notification<'_> {
    let region = Region { start_line: problem.line.max(1), start_column: None, end_line: None, end_column: None };
    let physical = Physical { artifact_location: Artifact { uri: uri(&problem.path) }, region };
    Notification {
        level: "warning",
        message: Message::text(&problem.message),
        locations: [Location { physical_location: physical, logical_locations: Vec::new(), message: None }],
    }
}

fn result<'a>(finding: &'a Finding, sources: &SourceMap) -> SarifResult<'a> {
    let steps = finding.steps.iter().enumerate().map(|(at, step)| FlowLocation {
        location: location(step.span, &step.function, Some(&step.message), sources),
        execution_order: at + 1,
    });
    let locations: Vec<_> = steps.collect();
    let flow = (!locations.is_empty()).then_some(CodeFlow { thread_flows: [ThreadFlow { locations }] });
    SarifResult {
        rule_id: finding.rule,
        rule_index: registry::RULES.iter().position(|rule| rule.id == finding.rule),
        level: level(finding.level),
        message: OwnMessage { text: message(finding) },
        locations: [location(finding.span, &finding.function, None, sources)],
        code_flows: flow.into_iter().collect(),
        partial_fingerprints: Fingerprints { own: fingerprint(finding, sources) },
        properties: ResultProperties {
            confidence: finding.confidence,
            condition: finding.condition.as_deref(),
            exposed_on: &finding.exposed_on,
            masked_on: &finding.masked_on,
        },
    }
}

/// All there is to say without a snippet.
fn message(finding: &Finding) -> String {
    let condition = finding.condition.iter().map(|condition| format!(" ({condition})"));
    let crash = Some(&finding.crash).filter(|crash| !crash.is_empty()).map(|crash| format!(". After a crash: {crash}"));
    let help = Some(&finding.help).filter(|help| !help.is_empty()).map(|help| format!(". To do: {help}"));
    std::iter::once(finding.message.clone()).chain(condition).chain(crash).chain(help).collect()
}

fn location<'a>(span: Span, function: &'a str, message: Option<&'a str>, sources: &SourceMap) -> Location<'a> {
    let (start_line, start_column) = sources.line_column(span.file, span.start);
    let (end_line, end_column) = sources.line_column(span.file, span.end.max(span.start));
    let region =
        Region { start_line, start_column: Some(start_column), end_line: Some(end_line), end_column: Some(end_column) };
    let logical = Logical { fully_qualified_name: function, kind: "function" };
    Location {
        physical_location: Physical { artifact_location: Artifact { uri: uri(sources.path(span.file)) }, region },
        logical_locations: if function.is_empty() { Vec::new() } else { vec![logical] },
        message: message.map(Message::text),
    }
}

/// `path` as a URI reference: relative to what the report is read from, or with the scheme `file`.
fn uri(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir | Component::RootDir => {}
            part => parts.push(encoded(&part.as_os_str().to_string_lossy())),
        }
    }
    let path_text = parts.join("/");
    if path.is_absolute() { format!("file:///{path_text}") } else { path_text }
}

/// `text` with all but unreserved characters as `%` and two digits.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What stays the same while lines above and below change: the rule, the file, the function and the text of the line.
fn fingerprint(finding: &Finding, sources: &SourceMap) -> String {
    let (line, _) = sources.line_column(finding.span.file, finding.span.start);
    let text = sources.text(finding.span.file).lines().nth(line - 1).unwrap_or_default().trim();
    let path = uri(sources.path(finding.span.file));
    let parts = [finding.rule, path.as_str(), finding.function.as_str(), text];
    // FNV-1a: the same on every machine and in every version.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in parts.join("\0").bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris() {
        assert_eq!(uri(Path::new("src/a b.rs")), "src/a%20b.rs");
        assert_eq!(uri(Path::new("./src/ä#.rs")), "src/%C3%A4%23.rs");
        assert_eq!(uri(Path::new("../x.rs")), "../x.rs");
        #[cfg(unix)]
        assert_eq!(uri(Path::new("/tmp/x.rs")), "file:///tmp/x.rs");
    }
}
