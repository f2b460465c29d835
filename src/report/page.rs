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
    let width = style.width.min(100);
    writeln!(
        out,
        "{} {}",
        paint.with(BOLD, rule.id),
        paint.with(DIM, &format!("({}, {})", level(rule.level), rule.obligation))
    )?;
    writeln!(out, "{}", rule.title)?;
    let mut paragraph = String::new();
    let mut code = false;
    for line in body(rule.page).lines() {
        if line.trim_start().starts_with("```") {
            flush(&mut paragraph, width, &paint, out)?;
            if !code {
                writeln!(out)?;
            }
            code = !code;
        } else if code {
            writeln!(out, "    {}", paint.with(DIM, line))?;
        } else if let Some(title) = line.strip_prefix('#') {
            flush(&mut paragraph, width, &paint, out)?;
            writeln!(out, "\n{}", paint.with(BOLD, title.trim_start_matches('#').trim()))?;
        } else if line.trim().is_empty() {
            flush(&mut paragraph, width, &paint, out)?;
        } else {
            let own_line = ["- ", "* ", "| "].iter().any(|mark| line.trim_start().starts_with(mark));
            if own_line {
                flush(&mut paragraph, width, &paint, out)?;
            }
            paragraph.push_str(line);
            paragraph.push(' ');
            if line.trim_start().starts_with('|') {
                flush(&mut paragraph, usize::MAX, &paint, out)?;
            }
        }
    }
    flush(&mut paragraph, width, &paint, out)
}

/// A page without its front matter.
pub fn body(page: &str) -> &str {
    let Some(rest) = page.strip_prefix("+++\n") else { return page };
    rest.split_once("\n+++\n").map_or(page, |(_, body)| body)
}

/// Writes what `paragraph` holds, and empties it.
fn flush(paragraph: &mut String, width: usize, paint: &Paint, out: &mut dyn Write) -> io::Result<()> {
    let text = std::mem::take(paragraph);
    if text.trim().is_empty() {
        return Ok(());
    }
    let (first, rest) = match text.trim_start().strip_prefix("- ").or_else(|| text.trim_start().strip_prefix("* ")) {
        Some(_) => ("  • ", "    "),
        None => ("  ", "  "),
    };
    let text = text.trim_start().trim_start_matches("- ").trim_start_matches("* ");
    let text = wrap(text, width.saturating_sub(rest.len()));
    for (at, line) in text.lines().enumerate() {
        writeln!(out, "{}{}", if at == 0 { first } else { rest }, paint.inline(line))?;
    }
    Ok(())
}

/// Writes the table of `rules`.
pub fn table(rules: &[RuleInfo], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint { color: style.color };
    let wide = |text: fn(&RuleInfo) -> &str| rules.iter().map(|rule| text(rule).len()).max().unwrap_or(0);
    let (id, obligation) = (wide(|rule| rule.id), wide(|rule| rule.obligation));
    let head = format!("{:id$}  {:7}  {:obligation$}  what", "rule", "level", "obligation");
    writeln!(out, "{}", paint.with(BOLD, head.trim_end()))?;
    for rule in rules {
        writeln!(out, "{:id$}  {:7}  {:obligation$}  {}", rule.id, level(rule.level), rule.obligation, rule.title)?;
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
