//! Rule pages and tables on a terminal.

use super::human::{Style, wrap};
use crate::checks::registry::RuleInfo;
use crate::finding::Level;
use std::io::{self, Write};

const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const CYAN: &str = "\x1b[36m";

/// Writes the page of `rule`: front matter left out, paragraphs filled, code as it stands.
pub fn page(rule: &RuleInfo, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint { color: style.color };
    let about = format!("({}, {})", level(rule.level), rule.obligation);
    writeln!(out, "{} {}", paint.with(BOLD, rule.id), paint.with(DIM, &about))?;
    writeln!(out, "{}", rule.title)?;
    let mut in_list = false;
    for block in blocks(body(rule.page)) {
        let is_item = matches!(block, Block::Item(..));
        if is_item && !in_list {
            writeln!(out)?;
        }
        in_list = is_item;
        block.write(style.width.min(100), &paint, out)?;
    }
    Ok(())
}

/// A page without its front matter.
pub fn body(page: &str) -> &str {
    let Some(rest) = page.strip_prefix("+++\n") else { return page };
    rest.split_once("\n+++\n").map_or(page, |(_, body)| body)
}

/// A part of a page.
#[derive(Debug, PartialEq)]
enum Block<'a> {
    Title(&'a str),
    Paragraph(String),
    /// What stands before it (`- `, `1. `), and the text.
    Item(String, String),
    Code(Vec<&'a str>),
    Table(Vec<Vec<&'a str>>),
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    // A line goes on what the line before it began, if that was a paragraph or an item.
    let mut open = false;
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        let row = trimmed.strip_prefix('|').and_then(|rest| rest.strip_suffix('|'));
        if trimmed.starts_with("```") {
            blocks.push(Block::Code(lines.by_ref().take_while(|line| !line.trim().starts_with("```")).collect()));
        } else if trimmed.starts_with('#') {
            blocks.push(Block::Title(trimmed.trim_start_matches('#').trim()));
        } else if let Some(row) = row {
            let cells: Vec<&str> = row.split(" | ").map(str::trim).collect();
            match blocks.last_mut() {
                Some(Block::Table(rows)) => rows.push(cells),
                _ => blocks.push(Block::Table(vec![cells])),
            }
        } else if let Some((mark, rest)) = item(trimmed) {
            blocks.push(Block::Item(mark, rest.to_string()));
            open = true;
            continue;
        } else if !trimmed.is_empty() {
            match blocks.last_mut() {
                Some(Block::Paragraph(text) | Block::Item(_, text)) if open => *text = format!("{text} {trimmed}"),
                _ => blocks.push(Block::Paragraph(trimmed.to_string())),
            }
            open = true;
            continue;
        }
        open = false;
    }
    blocks
}

/// The mark and the text of an item of a list.
fn item(line: &str) -> Option<(String, &str)> {
    if let Some(rest) = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")) {
        return Some(("• ".into(), rest));
    }
    let (number, rest) = line.split_once(". ")?;
    let is_number = !number.is_empty() && number.len() < 3 && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| (format!("{number}. "), rest))
}

impl Block<'_> {
    fn write(&self, width: usize, paint: &Paint, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Block::Title(title) => writeln!(out, "\n{}", paint.with(BOLD, title)),
            Block::Paragraph(text) => {
                writeln!(out)?;
                hang("  ", "  ", text, width, paint, out)
            }
            Block::Item(mark, text) => {
                hang(&format!("  {mark}"), &" ".repeat(2 + mark.chars().count()), text, width, paint, out)
            }
            Block::Code(lines) => {
                writeln!(out)?;
                for line in lines {
                    let line = format!("    {}", told(line));
                    writeln!(out, "{}", paint.with(DIM, line.trim_end()))?;
                }
                Ok(())
            }
            Block::Table(rows) => {
                let rows = rows.iter().filter(|row| row.iter().any(|cell| !cell.chars().all(|c| "-:|".contains(c))));
                let rows: Vec<_> = rows.collect();
                let first =
                    rows.iter().filter_map(|row| row.first()).map(|cell| cell.chars().count()).max().unwrap_or(0);
                writeln!(out)?;
                for row in rows {
                    let head = format!("  {:first$}  ", row.first().unwrap_or(&""));
                    hang(&head, &" ".repeat(first + 4), &row[1..].join("; "), width, paint, out)?;
                }
                Ok(())
            }
        }
    }
}

/// Examples mark what is reported for the tests that run them; here that is said in words.
fn told(line: &str) -> String {
    line.split_once("//~").map_or(line.to_string(), |(code, _)| format!("{code}// <- reported"))
}

/// Writes `text` filled, `first` in front of its first line and `rest` in front of the others.
fn hang(first: &str, rest: &str, text: &str, width: usize, paint: &Paint, out: &mut dyn Write) -> io::Result<()> {
    let text = wrap(text, width.saturating_sub(rest.chars().count()));
    for (at, line) in text.lines().enumerate() {
        writeln!(out, "{}{}", if at == 0 { first } else { rest }, paint.inline(line))?;
    }
    Ok(())
}

/// Writes the table of `rules`; with `wrapped`, in lines of the width of `style`, and else one line for each rule.
pub fn table(rules: &[RuleInfo], wrapped: bool, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint { color: style.color };
    let wide = |text: fn(&RuleInfo) -> &str| rules.iter().map(|rule| text(rule).len()).max().unwrap_or(0);
    let (id, obligation) = (wide(|rule| rule.id), wide(|rule| rule.obligation));
    let head = format!("{:id$}  {:7}  {:obligation$}  what", "rule", "level", "obligation");
    writeln!(out, "{}", paint.with(BOLD, head.trim_end()))?;
    let before = id + obligation + 7 + 3 * 2;
    let room = if wrapped { style.width.saturating_sub(before).max(20) } else { usize::MAX };
    for rule in rules {
        let title = wrap(rule.title, room).replace('\n', &format!("\n{:before$}", ""));
        writeln!(out, "{:id$}  {:7}  {:obligation$}  {title}", rule.id, level(rule.level), rule.obligation)?;
    }
    writeln!(out, "\n`fsynclint explain RULE` tells why, with examples.")
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "info",
    }
}

struct Paint {
    color: bool,
}

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.color { format!("{code}{text}{RESET}") } else { text.to_string() }
    }

    /// Colours `code` and **bold** where there is colour; leaves the marks where there is none.
    fn inline(&self, line: &str) -> String {
        if !self.color {
            return line.to_string();
        }
        let mut out = String::new();
        for (at, part) in line.split('`').enumerate() {
            match at % 2 {
                0 => {
                    for (at, part) in part.split("**").enumerate() {
                        out.push_str(&if at % 2 == 1 { self.with(BOLD, part) } else { part.to_string() });
                    }
                }
                _ => out.push_str(&self.with(CYAN, part)),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Policy;

    const PAGE: &str = "+++\nid = \"x\"\n+++\n\n## What\n\nA *long* text that goes on\nin a second line with `code`, and is filled as far as the width of the terminal lets it.\n\n1. First,\n   and more.\n2. Second.\n\n## Bad\n\n```rust\nfn f() {\n\n    g(); //~ x\n}\n```\n\nThen:\n\n| | |\n|---|---|\n| ext4 | masked |\n| XFS | exposed |\n\n- a\n- b\n";

    #[test]
    fn the_table_fits_the_terminal() {
        let lines = |wrapped| {
            let mut out = Vec::new();
            table(crate::checks::registry::RULES, wrapped, Style { color: false, width: 80, quiet: false }, &mut out)
                .unwrap();
            String::from_utf8(out).unwrap().lines().map(str::to_string).collect::<Vec<_>>()
        };
        let wrapped = lines(true);
        assert!(wrapped.iter().all(|line| line.chars().count() <= 80), "{wrapped:#?}");
        // For programs, each rule has its line.
        let plain = lines(false);
        assert_eq!(plain.len(), crate::checks::registry::RULES.len() + 3);
        assert!(wrapped.len() > plain.len());
    }

    #[test]
    fn a_page_on_a_terminal() {
        let rule =
            RuleInfo { id: "x", title: "t", level: Level::Error, obligation: "o", policy: Policy::Atomic, page: PAGE };
        let mut out = Vec::new();
        page(&rule, Style { color: false, width: 60, quiet: false }, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
        let mut out = Vec::new();
        page(&rule, Style { color: true, width: 60, quiet: false }, &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("with \x1b[36mcode\x1b[0m"));
    }
}
