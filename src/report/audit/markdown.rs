//! The durability table as Markdown, for a README or an issue.

use super::{QUESTIONS, cells, place, reason, remarks};
use crate::audit::{Row, Verdict};
use crate::check::AuditReport;
use crate::source::SourceMap;
use std::io::{self, Write};

/// Writes `report` to `out`; with `detail` every operation with its effects below the table.
pub fn render(report: &AuditReport, detail: bool, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "| implementation | {} | decided by |", QUESTIONS.join(" | "))?;
    writeln!(out, "|{}", "---|".repeat(QUESTIONS.len() + 2))?;
    for row in &report.rows {
        let cells: Vec<String> = cells(row).into_iter().map(|cell| escaped(&cell.words())).collect();
        let decisive = row.reason().map(|decisive| escaped(&reason(decisive, &report.sources))).unwrap_or_default();
        let name = format!("`{}`<br>{}", escaped(&row.store), escaped(&place(row.span, &report.sources)));
        writeln!(out, "| {name} | {} | {decisive} |", cells.join(" | "))?;
    }
    if detail {
        for row in &report.rows {
            operations(row, &report.sources, out)?;
        }
    }
    if !report.problems.is_empty() {
        writeln!(out, "\nNot read:\n")?;
        for problem in &report.problems {
            let at = format!("{}:{}", problem.path.display(), problem.line);
            writeln!(out, "- {}: {}", escaped(&at), escaped(&problem.message))?;
        }
    }
    let unknown = report.rows.iter().filter(|row| row.safe.verdict == Verdict::Unknown).count();
    if unknown > 0 {
        writeln!(out, "\n*unknown*: what was seen of the code does not decide it; it is neither a yes nor a no.")?;
    }
    Ok(())
}

fn operations(row: &Row, sources: &SourceMap, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n## `{}`", escaped(&row.store))?;
    for operation in &row.operations {
        writeln!(out, "\n### `{}` ({})\n", escaped(&operation.name), escaped(&place(operation.span, sources)))?;
        for (number, effect) in operation.effects.iter().enumerate() {
            let condition = effect.condition.as_ref().map(|condition| format!(", if {condition}")).unwrap_or_default();
            let text = format!("{} `{}`{condition} ({})", effect.what, effect.file, place(effect.span, sources));
            writeln!(out, "{}. {}", number + 1, escaped(&text))?;
        }
        writeln!(out)?;
        for remark in remarks(operation, sources) {
            writeln!(out, "- {}", escaped(&remark))?;
        }
    }
    Ok(())
}

/// `text` in one line of a table.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ").replace('<', "&lt;")
}
