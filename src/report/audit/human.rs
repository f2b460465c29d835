//! The durability table on a terminal: a store's name and place, its cells below, then what decides.

use super::{cells, common_conditions, near, object, own_conditions, place, reason, remarks, short_name, whereabouts};
use crate::audit::{Effect, Row, Verdict};
use crate::check::AuditReport;
use crate::report::human::{self, Style, printable, wrap};
use crate::source::SourceMap;
use std::io::{self, Write};

/// The columns: two lines of heading each.
const HEADINGS: [(&str, &str); 5] = [
    ("normal writes", "fsync?"),
    ("rewrite/compaction", "fsync?"),
    ("inputs deleted", "before output synced?"),
    ("directory", "synced?"),
    ("crash-safe?", ""),
];

/// Room for the first columns of a wide terminal; a cell that needs more is told below the row.
const WIDTHS: [usize; 5] = [27, 20, 24, 11, 11];

/// Writes `report` to `out`; with `detail` every operation with its effects.
pub fn render(report: &AuditReport, detail: bool, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint { color: style.color };
    let width = style.width.min(100);
    if !report.rows.is_empty() {
        for line in 0..2 {
            let heading = |at: usize| if line == 0 { HEADINGS[at].0 } else { HEADINGS[at].1 };
            let cells: String =
                (0..HEADINGS.len()).map(|at| format!("  {:<1$}", heading(at), WIDTHS[at] - 2)).collect();
            writeln!(out, "{}", paint.with(DIM, cells.trim_end()))?;
        }
    }
    for row in &report.rows {
        writeln!(out)?;
        table_row(row, &report.sources, &paint, width, out)?;
        if detail {
            operations(row, &report.sources, &paint, width, out)?;
        }
    }
    if !report.rows.is_empty() {
        writeln!(out)?;
    }
    human::problems(&report.problems, style, out)?;
    let stores = report.rows.len();
    if stores == 0 {
        return writeln!(out, "no stores in {}", human::count(report.stats.files, "file", "files"));
    }
    let count = |verdict: Verdict| report.rows.iter().filter(|row| row.safe.verdict == verdict).count();
    writeln!(
        out,
        "{}: {} crash-safe by the order of effects, {} not, {} unknown",
        human::count(stores, "store", "stores"),
        count(Verdict::Yes),
        count(Verdict::No),
        count(Verdict::Unknown)
    )
}

fn table_row(row: &Row, sources: &SourceMap, paint: &Paint, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let at = place(row.span, sources);
    writeln!(out, "{}  {}", paint.with(BOLD, &printable(&row.store)), paint.with(DIM, &printable(&at)))?;
    let (mut line, mut below) = (String::new(), Vec::new());
    for (number, cell) in cells(row).into_iter().enumerate() {
        let (mut words, room) = (cell.words(), WIDTHS[number] - 2);
        if words.chars().count() > room {
            let heading = HEADINGS[number];
            below.push(format!("{} {} {words}", heading.0, heading.1));
            words = words.split(" (").next().unwrap_or_default().to_string();
        }
        line += &format!(
            "  {}{}",
            paint.verdict(cell.verdict, number, &words),
            " ".repeat(room.saturating_sub(words.chars().count()))
        );
    }
    writeln!(out, "{}", line.trim_end())?;
    below.extend(row.reason().map(|decisive| reason(decisive, sources)));
    for text in below {
        indented(&text, 4, width, out)?;
    }
    Ok(())
}

fn operations(row: &Row, sources: &SourceMap, paint: &Paint, width: usize, out: &mut dyn Write) -> io::Result<()> {
    for operation in &row.operations {
        let common = common_conditions(operation);
        let mut at = near(operation.span, row.span, sources);
        if !common.is_empty() {
            at += &format!(", if {}", common.join(", "));
        }
        let name = short_name(operation, row);
        writeln!(out, "\n    {}  {}", paint.with(BOLD, &printable(name)), paint.with(DIM, &printable(&at)))?;
        let lengths = |of: &dyn Fn(&Effect) -> usize| operation.effects.iter().map(of).max().unwrap_or(0);
        let verbs = lengths(&|effect| effect.what.len());
        // One long name must not push the places of all others away.
        let objects = lengths(&|effect| Some(object(effect).chars().count()).filter(|room| *room <= 36).unwrap_or(0));
        for (number, effect) in operation.effects.iter().enumerate() {
            let at = near(effect.span, operation.span, sources);
            let place = format!("{at}{}{}", whereabouts(effect), own_conditions(effect, &common));
            let text = format!("{:>3}. {:verbs$}  {:objects$}", number + 1, effect.what, object(effect));
            let (text, place) = (printable(&text), printable(&place));
            if 6 + text.chars().count() + 2 + place.chars().count() <= width {
                writeln!(out, "      {text}  {}", paint.with(DIM, &place))?;
            } else {
                match &effect.to {
                    Some(to) if 6 + text.chars().count() > width => {
                        let file = format!("{:>3}. {:verbs$}  {}", number + 1, effect.what, effect.file);
                        writeln!(out, "      {}", printable(&file))?;
                        writeln!(out, "{:1$}to {2}", "", 13 + verbs, printable(to))?;
                    }
                    _ => writeln!(out, "      {}", text.trim_end())?,
                }
                indented(&place, 13 + verbs, width, out)?;
            }
        }
        for remark in remarks(operation, sources) {
            indented(&remark, 6, width, out)?;
        }
    }
    Ok(())
}

/// Writes `text` filled to `width`, `indent` columns in, and two more where it goes on.
fn indented(text: &str, indent: usize, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let filled = wrap(&printable(text), width.saturating_sub(indent + 2));
    for (number, line) in filled.lines().enumerate() {
        let indent = if number == 0 { indent } else { indent + 2 };
        writeln!(out, "{:indent$}{line}", "")?;
    }
    Ok(())
}

const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";

/// Where "yes" is the bad answer.
const DELETES_FIRST: usize = 2;

struct Paint {
    color: bool,
}

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.color { format!("{code}{text}{RESET}") } else { text.to_string() }
    }

    fn verdict(&self, verdict: Verdict, column: usize, text: &str) -> String {
        let code = match (verdict, column) {
            (Verdict::Yes, DELETES_FIRST) => RED,
            (Verdict::No, DELETES_FIRST) => GREEN,
            (Verdict::Yes | Verdict::ViaLog, _) => GREEN,
            (Verdict::No, _) => RED,
            (Verdict::Conditional | Verdict::Unknown, _) => YELLOW,
            (Verdict::NotApplicable, _) => DIM,
        };
        self.with(code, text)
    }
}
