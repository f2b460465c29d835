//! The report for people: each finding with its source lines, the steps numbered in the order in which the program takes them.
//! The only place that knows the diagnostics library.

use crate::check::{Report, Stats};
use crate::config::Loaded;
use crate::discover::Problem;
use crate::finding::{Confidence, Finding, Level};
use crate::source::{FileId, LineIndex, SourceMap, Span};
use crate::suppress;
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
    /// Nothing but findings and what could not be read.
    pub quiet: bool,
}

/// Labels on one line of source above which a snippet turns into a pile; further ones are told below it.
const LABELS_PER_LINE: usize = 3;

/// Bytes of a line that are underlined at most.
const LONGEST_MARK: usize = 160;

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
    if style.quiet {
        return Ok(());
    }
    writeln!(out, "{}", summary(&report.findings, &report.stats))?;
    // The first of the worst.
    let Some(worst) = report.findings.iter().rev().max_by_key(|finding| finding.level) else { return Ok(()) };
    if report.findings.iter().all(|finding| finding.rule == worst.rule) {
        writeln!(out, "`fsynclint explain {}` tells more", worst.rule)?;
    } else {
        writeln!(out, "`fsynclint explain RULE` tells more about a rule, such as `{}`", worst.rule)?;
    }
    if suppress::OWN.contains(&worst.rule) {
        return Ok(());
    }
    writeln!(out, "if one is meant, say so before its line: `// fsynclint: allow({}) reason=\"…\"`", worst.rule)
}

/// Writes what is wrong with a configuration to `out`.
pub fn faults(loaded: &Loaded, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut view = View::new(&loaded.sources);
    for fault in &loaded.faults {
        let mark = view.mark(fault.span, LabelStyle::Primary, String::new());
        let label = Label::new(LabelStyle::Primary, mark.file, mark.range);
        let notes = fault.help.iter().map(|help| wrap(&printable(help), style.width)).collect();
        let message = printable(&fault.message);
        let diagnostic = Diagnostic::new(Severity::Error).with_message(message).with_label(label).with_notes(notes);
        emit(&diagnostic, &view, style, out)?;
    }
    for problem in &loaded.problems {
        let path = problem.path.to_string_lossy();
        writeln!(out, "error: {}:{}: {}", printable(&path), problem.line, printable(&problem.message))?;
    }
    Ok(())
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

pub(super) fn problems(problems: &[Problem], style: Style, out: &mut dyn Write) -> io::Result<()> {
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

pub(super) fn count(number: usize, one: &str, many: &str) -> String {
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
    /// Further steps on this spot, which are told below the snippet.
    below: Vec<usize>,
}

/// Columns to the left of the source lines.
fn gutter(marks: &[Mark]) -> usize {
    marks.iter().map(|mark| (mark.line + 1).ilog10() as usize + 1).max().unwrap_or(1) + 3
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
        let room = width.saturating_sub(gutter(&marks)).max(30);
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
            let text = printable(&step.message);
            let mark = self.mark(step.span, LabelStyle::Secondary, format!("{}: {text}", at + 1));
            let crowd = marks.iter().filter(|other| (other.file, other.line) == (mark.file, mark.line)).count();
            let same = marks.iter_mut().find(|other| (other.file, &other.range) == (mark.file, &mark.range));
            let place = self.place(step.span);
            match same {
                Some(other) if other.message.is_empty() => other.message = mark.message,
                // Passed twice: `1, 3: calls ...`.
                Some(other) if other.message.ends_with(&format!(": {text}")) && !other.message.contains("; ") => {
                    let numbers = other.message.split(':').next().unwrap_or_default();
                    other.message = format!("{numbers}, {}: {text}", at + 1);
                }
                Some(other) if other.message.len() + mark.message.len() + 2 <= width / 2 => {
                    other.message = format!("{}; {}", other.message, mark.message);
                }
                Some(other) => {
                    other.below.push(at + 1);
                    untold.push(mark.message);
                }
                None if crowd >= LABELS_PER_LINE => untold.push(format!("{} ({place})", mark.message)),
                None => marks.push(mark),
            }
        }
        let gutter = gutter(&marks);
        for mark in &mut marks {
            let list = |numbers: &[usize]| numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
            let below = if mark.below.is_empty() { String::new() } else { format!("; {}", list(&mark.below)) };
            let length = mark.message.chars().count();
            if length > 12 && gutter + self.columns(mark) + 1 + length + below.len() > width {
                let told = std::mem::take(&mut mark.message);
                let parts = told.split("; ").filter_map(|part| part.split(':').next());
                mark.below
                    .extend(parts.flat_map(|part| part.split(", ")).filter_map(|number| number.parse::<usize>().ok()));
                mark.below.sort_unstable();
                mark.message = list(&mark.below);
                untold.push(told);
            } else {
                mark.message.push_str(&below);
            }
        }
        untold.sort_by_key(|text| text.split([':', ',']).next().and_then(|number| number.parse::<usize>().ok()));
        (marks, untold)
    }

    /// Columns of the source line up to the end of a label's line.
    fn columns(&self, mark: &Mark) -> usize {
        let shown = &self.files[&mark.file];
        let start = shown.lines.line_start(mark.line).unwrap_or_default() as usize;
        let before = shown.text.get(start..mark.range.end).unwrap_or_default();
        before.chars().map(|letter| if letter == '\t' { 4 } else { 1 }).sum()
    }

    /// `span` cut to its first line and to whole characters.
    fn mark(&mut self, span: Span, style: LabelStyle, message: String) -> Mark {
        let shown = self.open(span.file);
        let text: &str = &shown.text;
        let start = boundary(text, span.start as usize);
        let end = boundary(text, (span.end as usize).max(start));
        let rest = &text[start..end];
        let first = rest.lines().next().unwrap_or_default().trim_end();
        let first = &first[..boundary(first, LONGEST_MARK)];
        let line = shown.lines.line(start as u32).0;
        Mark { file: span.file, line, range: start..start + first.len(), style, message, below: Vec::new() }
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
            let end = (mark.range.end + 20).min(whole.end);
            let window = start..end;
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
        notes.push(format!("crash: {}", finding.crash));
    }
    if let Some(condition) = &finding.condition {
        notes.push(condition.clone());
    }
    if !finding.exposed_on.is_empty() {
        let masked = finding.masked_on.join(", ");
        let masked = if masked.is_empty() { masked } else { format!("; masked on {masked}") };
        notes.push(format!("file systems: exposed on {}{masked}", finding.exposed_on.join(", ")));
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
pub(super) fn printable(text: &str) -> Cow<'_, str> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::FindingStep;

    /// Marks the nth `what` in `text`.
    fn span(file: FileId, text: &str, what: &str) -> Span {
        let start = text.find(what).unwrap_or_else(|| panic!("no `{what}`")) as u32;
        Span::new(file, start, start + what.len() as u32)
    }

    fn finding(span: Span, steps: &[(Span, &str)]) -> Finding {
        let step = |(span, message): &(Span, &str)| FindingStep {
            span: *span,
            function: "store::Store::save".into(),
            message: message.to_string(),
        };
        Finding {
            rule: "rename-before-sync",
            level: Level::Error,
            confidence: Confidence::High,
            message: "`MANIFEST.tmp` replaces `MANIFEST` before its content is durable".into(),
            span,
            function: "store::Store::save".into(),
            steps: steps.iter().map(step).collect(),
            crash:
                "`MANIFEST` can be empty, short or full of zeros, and the manifest that it replaced is gone with the \
                    generation that it listed"
                    .into(),
            help: "call `file.sync_all()?` after the last write and before the rename".into(),
            condition: Some("only when `sync_writes` is off".into()),
            exposed_on: vec!["posix", "ext4", "xfs", "btrfs"],
            masked_on: vec!["zfs"],
            fix: None,
        }
    }

    fn shown(sources: &SourceMap, findings: Vec<Finding>) -> String {
        let problems = vec![Problem { path: "src/broken.rs".into(), line: 3, message: "expected `;`".into() }];
        let stats = Stats { files: 120, lines: 9000, elapsed_ms: 87, ..Stats::default() };
        let report = Report { findings, problems, stats, sources: sources.clone(), ..Report::default() };
        let mut out = Vec::new();
        render(&report, Style { color: false, width: 100, quiet: false }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    const STORE: &str = "impl Store {\n    pub fn save(&self) -> io::Result<()> {\n        let mut file = File::create(&tmp)?;\n        write_rows(&mut file, &self.rows)?;\n        if self.sync_writes {\n            file.sync_all()?;\n        }\n        fs::rename(&tmp, &path)?;\n        Ok(())\n    }\n}\n";

    #[test]
    fn steps_are_numbered_across_files() {
        let rows = "pub fn write_rows(out: &mut File, rows: &[Row]) -> io::Result<()> {\n    out.write_all(&encode(rows))\n}\n";
        let mut sources = SourceMap::default();
        let store = sources.add("src/store.rs".into(), STORE.into());
        let other = sources.add("src/rows.rs".into(), rows.into());
        let rename = span(store, STORE, "fs::rename(&tmp, &path)");
        let steps = [
            (span(store, STORE, "File::create(&tmp)"), "created here"),
            (span(store, STORE, "write_rows(&mut file, &self.rows)"), "through this call"),
            (span(other, rows, "write_all(&encode(rows))"), "written: now only in the page cache"),
            (span(store, STORE, "write_rows(&mut file, &self.rows)"), "through this call"),
            (rename, "renamed here"),
        ];
        let mut warning = finding(rename, &steps[..2]);
        warning.level = Level::Warning;
        warning.confidence = Confidence::Medium;
        insta::assert_snapshot!(shown(&sources, vec![finding(rename, &steps), warning]));
    }

    #[test]
    fn steps_on_one_spot_are_no_pile() {
        let text = "fn f() { let mut file = File::create(&tmp)?; file.write_all(b\"x\")?; fs::rename(&tmp, &path)?; sync_dir(&dir)?; }\n";
        let mut sources = SourceMap::default();
        let file = sources.add("src/a.rs".into(), text.into());
        let rename = span(file, text, "fs::rename(&tmp, &path)");
        let steps = [
            (span(file, text, "File::create(&tmp)"), "created here"),
            (
                span(file, text, "file.write_all(b\"x\")"),
                "written here, which puts the bytes into the page cache and nowhere else",
            ),
            (rename, "renamed here"),
            (
                rename,
                "and by the same call the old content loses its last name, long before anything else is known of it",
            ),
            (rename, "told"),
            (span(file, text, "sync_dir(&dir)"), "the directory is synced here"),
            (span(file, text, "let mut file"), "and one more"),
        ];
        insta::assert_snapshot!(shown(&sources, vec![finding(rename, &steps)]));
    }

    #[test]
    fn hostile_text_stays_in_its_place() {
        let long = format!(
            "fn f() {{ let x = \"{}\x1b[31mé\"; rename(a, b); let y = \"{}\"; }}\n",
            "é".repeat(3000),
            "z".repeat(3000)
        );
        let mut sources = SourceMap::default();
        let file = sources.add("src/\x1b[2Jlong.rs".into(), long.as_str().into());
        let inside_letter = Span::new(file, 20, 1 << 20);
        let out = shown(
            &sources,
            vec![
                finding(span(file, &long, "rename(a, b)"), &[]),
                finding(inside_letter, &[(Span::new(file, 1 << 20, 1 << 21), "behind the end")]),
            ],
        );
        assert!(!out.contains('\x1b'));
        let widest = out.lines().map(|line| line.chars().count()).max();
        assert!(widest < Some(500), "{widest:?}");
    }
}
