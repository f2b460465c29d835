//! Annotations for GitHub's workflows: one line a finding, which GitHub shows at the line of the pull request that it is about.

use crate::check::Report;
use crate::finding::{Finding, Level};
use crate::report::human;
use crate::source::SourceMap;
use std::io::{self, Write};

/// Writes `report` to `out`.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        annotation(finding, &report.sources, out)?;
    }
    for problem in &report.problems {
        let path = property(&problem.path.to_string_lossy());
        let message = data(&problem.message);
        writeln!(out, "::warning file={path},line={},title=fsynclint::{message}", problem.line)?;
    }
    writeln!(out, "{}", human::summary(&report.findings, &report.stats))
}

fn annotation(finding: &Finding, sources: &SourceMap, out: &mut dyn Write) -> io::Result<()> {
    let command = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "notice",
    };
    let path = property(&sources.path(finding.span.file).to_string_lossy());
    let (line, column) = sources.line_column(finding.span.file, finding.span.start);
    let (end_line, end_column) = sources.line_column(finding.span.file, finding.span.end);
    // Columns are for places within one line.
    let columns = if line == end_line { format!(",col={column},endColumn={end_column}") } else { String::new() };
    let title = property(&format!("fsynclint: {}", finding.rule));
    let message = data(&text(finding, sources));
    writeln!(out, "::{command} file={path},line={line},endLine={end_line}{columns},title={title}::{message}")
}

/// The story, a line a step.
fn text(finding: &Finding, sources: &SourceMap) -> String {
    let mut lines = vec![finding.message.clone()];
    for (at, step) in finding.steps.iter().enumerate() {
        let (line, _) = sources.line_column(step.span.file, step.span.start);
        lines.push(format!("{}. {}:{line}: {}", at + 1, sources.path(step.span.file).display(), step.message));
    }
    lines.extend(finding.condition.clone());
    let told = [("crash", &finding.crash), ("help", &finding.help)].into_iter().filter(|(_, text)| !text.is_empty());
    lines.extend(told.map(|(what, text)| format!("{what}: {text}")));
    lines.join("\n")
}

/// Text behind `::`, in one line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text of a property, which ends at a comma or colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_command_early() {
        assert_eq!(property("a,b:c%\n::error::x"), "a%2Cb%3Ac%25%0A%3A%3Aerror%3A%3Ax");
        assert_eq!(data("50%\r\n::x"), "50%25%0D%0A::x");
    }
}
