//! From the findings of an analysis to what an editor shows, each where its text is by now.

use super::analysis::{Answer, Examined, Outcome};
use super::documents::{self, Document, Documents};
use super::pages::Pages;
use super::position::{Encoding, Lines};
use crate::config::Fault;
use crate::discover::Problem;
use crate::finding::{Confidence, Finding, FindingStep, Level};
use crate::source::{SourceMap, Span};
use lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString, Range, Uri,
};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::path::Path;

/// Who says it.
const SOURCE: &str = "fsynclint";

/// How diagnostics are written for a client.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// How columns are counted.
    pub encoding: Encoding,
    /// The client shows related information. If not, the steps are part of the message as well.
    pub shows_steps: bool,
}

/// The diagnostics of `answer`, which is that of `outcome`, by document or file, as the texts are now. Nothing is said of places that
/// are gone.
pub fn diagnostics(
    outcome: &Outcome,
    answer: &Answer,
    documents: &Documents,
    style: Style,
    pages: &mut Pages,
) -> BTreeMap<String, (Uri, Vec<Diagnostic>)> {
    let Answer { report, faults, settings } = answer;
    let mut view = View { outcome, documents, style, files: FxHashMap::default() };
    let mut all: BTreeMap<String, (Uri, Vec<Diagnostic>)> = BTreeMap::new();
    let mut add = |uri: Uri, diagnostic: Diagnostic| {
        all.entry(uri.as_str().into()).or_insert_with(|| (uri, Vec::new())).1.push(diagnostic);
    };
    for finding in &report.findings {
        let Some(place) = view.location(&report.sources, finding.span) else { continue };
        let link = pages.link(finding.rule);
        add(place.uri, view.finding(&report.sources, finding, place.range, link));
    }
    for fault in faults {
        if let Some(place) = view.location(settings, fault.span) {
            add(place.uri, remark(place.range, DiagnosticSeverity::ERROR, fault_message(fault)));
        }
    }
    for problem in &report.problems {
        // What an open document has against being read is told below, of the text that is in the editor.
        let examined = outcome.examined(&problem.path).filter(|examined| examined.problem.is_some());
        if let (None, Some((uri, diagnostic))) = (examined, view.problem(problem)) {
            add(uri, diagnostic);
        }
    }
    for examined in outcome.documents.iter().filter(|examined| outcome.is_read(examined)) {
        if let Some(problem) = &examined.problem {
            let lines = Lines::new(&examined.text);
            let range = line_range(&examined.text, &lines, problem.line, style.encoding);
            let stays =
                if examined.analysed == examined.revision { "" } else { "; what is shown of it is from before that" };
            let message = format!("not checked as it is: {}{stays}", problem.message);
            add(examined.uri.clone(), remark(range, DiagnosticSeverity::INFORMATION, message));
        }
    }
    all
}

impl Outcome {
    /// The document that stands at `path` of the report.
    fn examined(&self, path: &Path) -> Option<&Examined> {
        self.places.get(path).map(|at| &self.documents[*at])
    }

    /// Whether a document is among what was to be analysed.
    fn is_read(&self, examined: &Examined) -> bool {
        self.places.values().any(|at| self.documents[*at].uri == examined.uri)
    }
}

/// The texts of a report, and where they are in the editor.
struct View<'a> {
    outcome: &'a Outcome,
    documents: &'a Documents,
    style: Style,
    files: FxHashMap<&'a Path, Option<Shown<'a>>>,
}

/// One file.
struct Shown<'a> {
    uri: Uri,
    text: &'a str,
    lines: Lines,
    /// The document in which it is open, and what state of it was analysed.
    open: Option<(&'a Document, u64)>,
}

impl<'a> View<'a> {
    fn open(&self, path: &Path, text: &'a str) -> Option<Shown<'a>> {
        let Some(examined) = self.outcome.examined(path) else {
            return Some(Shown { uri: documents::uri(path)?, text, lines: Lines::new(text), open: None });
        };
        let document = self.documents.get(&examined.uri)?;
        let open = Some((document, examined.analysed));
        Some(Shown { uri: document.uri.clone(), text: &document.text, lines: Lines::new(&document.text), open })
    }

    /// Where `span` of `sources` is by now.
    fn location(&mut self, sources: &'a SourceMap, span: Span) -> Option<Location> {
        let path = sources.path(span.file);
        if !self.files.contains_key(path) {
            let shown = self.open(path, sources.text(span.file));
            self.files.insert(path, shown);
        }
        let shown = self.files.get(path)?.as_ref()?;
        let place = span.start as usize..span.end as usize;
        let place = match shown.open {
            Some((document, analysed)) => document.now(analysed, place)?,
            None => place,
        };
        let range = shown.lines.range(shown.text, place.start, place.end, self.style.encoding);
        Some(Location { uri: shown.uri.clone(), range })
    }

    fn finding(&mut self, sources: &'a SourceMap, finding: &Finding, range: Range, link: Option<Uri>) -> Diagnostic {
        let steps: Vec<(usize, &FindingStep, Location)> = finding
            .steps
            .iter()
            .enumerate()
            .filter_map(|(at, step)| Some((at + 1, step, self.location(sources, step.span)?)))
            .collect();
        let related = steps.iter().map(|(number, step, place)| DiagnosticRelatedInformation {
            location: place.clone(),
            message: format!("{number}: {}", step.message),
        });
        Diagnostic {
            range,
            severity: Some(match finding.level {
                Level::Error => DiagnosticSeverity::ERROR,
                Level::Warning => DiagnosticSeverity::WARNING,
                Level::Info => DiagnosticSeverity::INFORMATION,
            }),
            code: Some(NumberOrString::String(finding.rule.into())),
            code_description: link.map(|href| CodeDescription { href }),
            source: Some(SOURCE.into()),
            message: message(finding, if self.style.shows_steps { &[] } else { &steps }),
            related_information: (!steps.is_empty()).then(|| related.collect()),
            ..Diagnostic::default()
        }
    }

    fn problem(&self, problem: &Problem) -> Option<(Uri, Diagnostic)> {
        let examined = self.outcome.examined(&problem.path);
        let uri = match examined {
            Some(examined) => examined.uri.clone(),
            None => documents::uri(&problem.path)?,
        };
        // The text of a file that could not be read is not at hand: its line is enough.
        let line = problem.line.max(1) as u32 - 1;
        let whole_line = Range::new(lsp_types::Position::new(line, 0), lsp_types::Position::new(line + 1, 0));
        let range = examined.map_or(whole_line, |examined| {
            line_range(&examined.text, &Lines::new(&examined.text), problem.line, self.style.encoding)
        });
        let source = problem.path.extension().is_some_and(|extension| extension == "rs");
        let severity = if source { DiagnosticSeverity::INFORMATION } else { DiagnosticSeverity::WARNING };
        let message = if source { format!("not checked: {}", problem.message) } else { problem.message.clone() };
        Some((uri, remark(range, severity, message)))
    }
}

fn remark(range: Range, severity: DiagnosticSeverity, message: String) -> Diagnostic {
    Diagnostic { range, severity: Some(severity), source: Some(SOURCE.into()), message, ..Diagnostic::default() }
}

fn fault_message(fault: &Fault) -> String {
    let help = fault.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    format!("{}{help}", fault.message)
}

/// What stands in the 1-based `line` of `text`.
fn line_range(text: &str, lines: &Lines, line: usize, encoding: Encoding) -> Range {
    let start = text.split_inclusive('\n').take(line.max(1) - 1).map(str::len).sum::<usize>();
    let content = text[start..].lines().next().unwrap_or_default();
    let indent = content.len() - content.trim_start().len();
    lines.range(text, start + indent, start + content.trim_end().len().max(indent), encoding)
}

/// The words of a finding, one thing a line: what is wrong here, what a crash does, when, how sure, and what to do.
fn message(finding: &Finding, steps: &[(usize, &FindingStep, Location)]) -> String {
    let mut lines = vec![finding.message.clone()];
    for (number, step, place) in steps {
        let file = place.uri.as_str().rsplit('/').next().unwrap_or_default();
        lines.push(format!("{number}: {} ({file}:{})", step.message, place.range.start.line + 1));
    }
    if !finding.crash.is_empty() {
        lines.push(format!("after a crash: {}", finding.crash));
    }
    lines.extend(finding.condition.clone());
    if !finding.masked_on.is_empty() {
        let (exposed, masked) = (finding.exposed_on.join(", "), finding.masked_on.join(", "));
        lines.push(format!("file systems: exposed on {exposed}; masked on {masked}"));
    }
    match finding.confidence {
        Confidence::High => {}
        Confidence::Medium => lines.push("confidence: medium (a link of this was inferred)".into()),
        Confidence::Low => lines.push("confidence: low (a link of this is a guess)".into()),
    }
    if !finding.help.is_empty() {
        lines.push(format!("help: {}", finding.help));
    }
    lines.join("\n")
}
