//! The durability table as Markdown, for a README or an issue.

use super::{
    QUESTIONS, cells, common_conditions, near, own_conditions, place, reason, remarks, short_name, whereabouts,
};
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
        let (name, common) = (short_name(operation, row), common_conditions(operation));
        let mut at = place(operation.span, sources);
        if !common.is_empty() {
            at += &format!(", if {}", common.join(", "));
        }
        writeln!(out, "\n### `{}` ({})\n", escaped(name), escaped(&at))?;
        for (number, effect) in operation.effects.iter().enumerate() {
            let to = effect.to.as_ref().map(|to| format!(" to `{to}`")).unwrap_or_default();
            let by = whereabouts(effect);
            let at = near(effect.span, operation.span, sources);
            let text = format!("{} `{}`{to} ({at}{by}){}", effect.what, effect.file, own_conditions(effect, &common));
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
