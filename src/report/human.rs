//! The report for people: each finding with its source lines, the steps numbered in the order in which the program takes them.
//! The only place that knows the diagnostics library.

use crate::check::{Report, Stats};
use crate::discover::Problem;
use crate::finding::{Confidence, Finding, Level};
use crate::source::{FileId, LineIndex, SourceMap, Span};
use codespan_reporting::diagnostic::{Diagnostic, Label, LabelStyle, Severity};
use codespan_reporting::files::{Error as FilesError, Files};
use codespan_reporting::term::termcolor::{Ansi, NoColor, WriteColor};
use codespan_reporting::term::{Config, Styles, StylesWriter, emit_to_write_style};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range;

/// How to write.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// With colours.
    pub color: bool,
    /// Columns there are.
    pub width: usize,
}

/// Labels on one line of source above which a snippet turns into a pile; further ones are told below it.
const LABELS_PER_LINE: usize = 3;

/// Problems told one by one; the others are counted.
const PROBLEMS_SHOWN: usize = 20;

/// Writes `report` to `out`.
pub fn render(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut view = View::new(&report.sources);
    for finding in &report.findings {
        let diagnostic = view.diagnostic(finding, style.width);
        emit(&diagnostic, &view, style, out)?;
    }
    problems(&report.problems, style, out)?;
    writeln!(out, "{}", summary(&report.findings, &report.stats))
}

fn emit(diagnostic: &Diagnostic<FileId>, view: &View, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let done = if style.color {
        write_styled(Ansi::new(out), diagnostic, view)
    } else {
        write_styled(NoColor::new(out), diagnostic, view)
    };
    done.map_err(|error| match error {
        FilesError::Io(error) => error,
        other => io::Error::other(other.to_string()),
    })
}

fn write_styled<W: WriteColor>(out: W, diagnostic: &Diagnostic<FileId>, view: &View) -> Result<(), FilesError> {
    let styles = Styles::default();
    let config = Config { tab_width: 4, ..Config::default() };
    emit_to_write_style(&mut StylesWriter::new(out, &styles), &config, view, diagnostic)
}

fn problems(problems: &[Problem], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let (bold, reset) = if style.color { ("\x1b[1;33m", "\x1b[0m") } else { ("", "") };
    let what = count(problems.len(), "problem", "problems");
    writeln!(out, "{bold}warning{reset}: {what} with the input; the rest was analysed all the same")?;
    for problem in problems.iter().take(PROBLEMS_SHOWN) {
        let path = printable(&problem.path.to_string_lossy()).into_owned();
        writeln!(out, "  {path}:{}: {}", problem.line, printable(&problem.message))?;
    }
    if problems.len() > PROBLEMS_SHOWN {
        writeln!(out, "  … and {} more (`--format json` has them all)", problems.len() - PROBLEMS_SHOWN)?;
    }
    writeln!(out)
}

/// `3 findings (2 errors, 1 warning) in 120 files, 0.1 s`.
pub fn summary(findings: &[Finding], stats: &Stats) -> String {
    let files = count(stats.files, "file", "files");
    let seconds = stats.elapsed_ms as f64 / 1000.0;
    if stats.files == 0 {
        return "no Rust source files found".into();
    }
    if findings.is_empty() {
        return format!("no findings in {files}, {seconds:.1} s");
    }
    let levels =
        [(Level::Error, "error", "errors"), (Level::Warning, "warning", "warnings"), (Level::Info, "note", "notes")];
    let parts: Vec<String> = levels
        .into_iter()
        .map(|(level, one, many)| (findings.iter().filter(|finding| finding.level == level).count(), one, many))
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| count(number, one, many))
        .collect();
    format!("{} ({}) in {files}, {seconds:.1} s", count(findings.len(), "finding", "findings"), parts.join(", "))
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The sources of a report as the diagnostics library wants them.
struct View<'a> {
    sources: &'a SourceMap,
    files: FxHashMap<FileId, Shown<'a>>,
}

struct Shown<'a> {
    text: Cow<'a, str>,
    lines: LineIndex,
    /// For lines too long to show whole: which part is shown.
    windows: FxHashMap<usize, Range<usize>>,
}

/// A piece of source to point at, within one line.
struct Mark {
    file: FileId,
    line: usize,
    range: Range<usize>,
    style: LabelStyle,
    message: String,
}

impl<'a> View<'a> {
    fn new(sources: &'a SourceMap) -> View<'a> {
        View { sources, files: FxHashMap::default() }
    }

    fn open(&mut self, file: FileId) -> &mut Shown<'a> {
        let sources = self.sources;
        self.files.entry(file).or_insert_with(|| {
            let text = sources.text(file);
            Shown { text: printable(text), lines: LineIndex::new(text), windows: FxHashMap::default() }
        })
    }

    fn diagnostic(&mut self, finding: &Finding, width: usize) -> Diagnostic<FileId> {
        let (marks, untold) = self.marks(finding, width);
        self.frame(&marks, width);
        let severity = match finding.level {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
            Level::Info => Severity::Note,
        };
        let digits = marks.iter().map(|mark| (mark.line + 1).ilog10() as usize + 1).max().unwrap_or(1);
        let room = width.saturating_sub(digits + 3).max(30);
        let labels =
            marks.into_iter().map(|mark| Label::new(mark.style, mark.file, mark.range).with_message(mark.message));
        Diagnostic::new(severity)
            .with_code(finding.rule)
            .with_message(printable(&finding.message))
            .with_labels_iter(labels)
            .with_notes(notes(finding, untold, room))
    }

    /// The places to point at, the primary one's file first; and the steps that are told below instead.
    fn marks(&mut self, finding: &Finding, width: usize) -> (Vec<Mark>, Vec<String>) {
        let steps = &finding.steps;
        let mut marks: Vec<Mark> = vec![self.mark(finding.span, LabelStyle::Primary, String::new())];
        let mut untold = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let message = format!("{}: {}", at + 1, printable(&step.message));
            let mark = self.mark(step.span, LabelStyle::Secondary, message);
            let crowd = marks.iter().filter(|other| (other.file, other.line) == (mark.file, mark.line)).count();
            let same = marks.iter_mut().find(|other| (other.file, &other.range) == (mark.file, &mark.range));
            let place = self.place(step.span);
            match same {
                Some(other) if other.message.is_empty() => other.message = mark.message,
                Some(other) if other.message.len() + mark.message.len() + 2 <= width / 2 => {
                    other.message = format!("{}; {}", other.message, mark.message);
                }
                Some(_) => untold.push(format!("{} ({place})", mark.message)),
                None if crowd >= LABELS_PER_LINE => untold.push(format!("{} ({place})", mark.message)),
                None => marks.push(mark),
            }
        }
        for mark in &mut marks {
            let end = self.columns(mark) + mark.message.chars().count();
            if end > width && mark.message.chars().count() > 12 {
                let number = mark.message.split(':').next().unwrap_or_default().to_string();
                untold.push(std::mem::replace(&mut mark.message, number));
            }
        }
        untold.sort_by_key(|text| text.split(':').next().and_then(|number| number.parse::<usize>().ok()));
        (marks, untold)
    }

    /// Where a label's text would start on the screen.
    fn columns(&self, mark: &Mark) -> usize {
        let shown = &self.files[&mark.file];
        let start = shown.lines.line_start(mark.line).unwrap_or_default() as usize;
        let before = shown.text.get(start..mark.range.end).unwrap_or_default();
        before.chars().map(|letter| if letter == '\t' { 4 } else { 1 }).sum::<usize>() + 8
    }

    /// `span` cut to its first line and to whole characters.
    fn mark(&mut self, span: Span, style: LabelStyle, message: String) -> Mark {
        let shown = self.open(span.file);
        let text: &str = &shown.text;
        let start = boundary(text, span.start as usize);
        let end = boundary(text, (span.end as usize).max(start));
        let rest = &text[start..end];
        let first = rest.lines().next().unwrap_or_default().trim_end();
        let line = shown.lines.line(start as u32).0;
        Mark { file: span.file, line, range: start..start + first.len(), style, message }
    }

    fn place(&self, span: Span) -> String {
        let (line, column) = self.sources.line_column(span.file, span.start);
        format!("{}:{line}:{column}", self.sources.path(span.file).display())
    }

    /// Decides which part of overlong lines is shown.
    fn frame(&mut self, marks: &[Mark], width: usize) {
        for shown in self.files.values_mut() {
            shown.windows.clear();
        }
        for mark in marks {
            let Some(shown) = self.files.get_mut(&mark.file) else { continue };
            let whole = shown.whole_line(mark.line);
            if whole.len() <= width * 2 {
                continue;
            }
            let start = mark.range.start.saturating_sub(20).max(whole.start);
            let end = (mark.range.end.min(start + width * 2) + 20).min(whole.end);
            let window = start..end.max(mark.range.end.min(whole.end));
            let window = match shown.windows.get(&mark.line) {
                Some(other) => other.start.min(window.start)..other.end.max(window.end),
                None => window,
            };
            let window = boundary(&shown.text, window.start)..boundary(&shown.text, window.end);
            shown.windows.insert(mark.line, window);
        }
    }
}

impl Shown<'_> {
    fn whole_line(&self, line: usize) -> Range<usize> {
        let start = self.lines.line_start(line).map_or(self.text.len(), |start| start as usize);
        let end = self.lines.line_start(line + 1).map_or(self.text.len(), |start| start as usize);
        start..end
    }
}

impl<'a> Files<'a> for View<'_> {
    type FileId = FileId;
    type Name = String;
    type Source = &'a str;

    fn name(&'a self, id: FileId) -> Result<String, FilesError> {
        Ok(printable(&self.sources.path(id).to_string_lossy()).into_owned())
    }

    fn source(&'a self, id: FileId) -> Result<&'a str, FilesError> {
        self.files.get(&id).map(|shown| &*shown.text).ok_or(FilesError::FileMissing)
    }

    fn line_index(&'a self, id: FileId, byte: usize) -> Result<usize, FilesError> {
        self.files.get(&id).map(|shown| shown.lines.line(byte as u32).0).ok_or(FilesError::FileMissing)
    }

    fn column_number(&'a self, id: FileId, _line: usize, byte: usize) -> Result<usize, FilesError> {
        Ok(self.sources.line_column(id, byte as u32).1)
    }

    fn line_range(&'a self, id: FileId, line: usize) -> Result<Range<usize>, FilesError> {
        let shown = self.files.get(&id).ok_or(FilesError::FileMissing)?;
        Ok(shown.windows.get(&line).cloned().unwrap_or_else(|| shown.whole_line(line)))
    }
}

/// The last start of a character at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// What stands below the snippet.
fn notes(finding: &Finding, untold: Vec<String>, room: usize) -> Vec<String> {
    let mut notes = untold;
    if !finding.crash.is_empty() {
        notes.push(format!("after a crash: {}", finding.crash));
    }
    if let Some(condition) = &finding.condition {
        notes.push(condition.clone());
    }
    if !finding.exposed_on.is_empty() {
        let masked = finding.masked_on.join(", ");
        let masked = if masked.is_empty() { masked } else { format!("; masked on {masked}") };
        notes.push(format!("exposed on {}{masked}", finding.exposed_on.join(", ")));
    }
    match finding.confidence {
        Confidence::High => {}
        Confidence::Medium => notes.push("confidence: medium (a link of this was inferred)".into()),
        Confidence::Low => notes.push("confidence: low (a link of this is a guess)".into()),
    }
    if !finding.help.is_empty() {
        notes.push(format!("help: {}", finding.help));
    }
    notes.into_iter().map(|note| wrap(&printable(&note), room)).collect()
}

/// Breaks `text` between words so that no line is wider than `width`.
pub(super) fn wrap(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

/// `text` without what would steer the terminal instead of being read; every byte stays where it is.
fn printable(text: &str) -> Cow<'_, str> {
    let steers = |letter: char| {
        letter.is_control() && !matches!(letter, '\n' | '\t' | '\r')
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match (steers(letter), letter.len_utf8()) {
            (false, _) => out.push(letter),
            (true, 3) => out.push('\u{fffd}'),
            (true, bytes) => out.extend(std::iter::repeat_n('?', bytes)),
        }
    }
    Cow::Owned(out)
}
