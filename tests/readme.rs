//! README.md is true: its sample is what the program prints, its table is the registry. `UPDATE_README=1 cargo test --test readme`
//! rewrites both.

mod marks;

use fsynclint::checks::registry::RULES;
use fsynclint::config::Policy;
use fsynclint::finding::Level;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// What stands in `text` between `<!-- name -->` and `<!-- /name -->`.
fn part<'a>(text: &'a str, name: &str) -> &'a str {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let start = text.find(&open).unwrap_or_else(|| panic!("README.md has no {open}")) + open.len();
    let end = text[start..].find(&close).unwrap_or_else(|| panic!("README.md has no {close}"));
    &text[start..start + end]
}

/// Holds a part of README.md to `expected`, or puts it there.
fn hold(name: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let found = part(&text, name);
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(
            &path,
            text.replace(&format!("<!-- {name} -->\n{found}"), &format!("<!-- {name} -->\n{expected}")),
        )
        .unwrap();
        return;
    }
    assert_eq!(found, expected, "README.md is out of date: UPDATE_README=1 cargo test --test readme");
}

fn table() -> String {
    let mut out = "| rule | level | policy | what |\n|---|---|---|---|\n".to_string();
    for rule in RULES {
        let level = match rule.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Info => "info",
        };
        let policy = match rule.policy {
            Policy::None => "none",
            Policy::Atomic => "atomic",
            Policy::Durable => "durable",
        };
        let _ = writeln!(out, "| [`{0}`](rules/{0}.md) | {level} | {policy} | {1} |", rule.id, rule.title);
    }
    out
}

/// The sample: what `check` says of the example store, its errors and its summary, without the time it took; `…` for what is left out.
fn sample() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_fsynclint"))
        .args(["check", "fixtures/example-store"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| match line.rsplit_once(" files, ") {
        Some((counts, _)) => format!("{counts} files, 0.0 s"),
        None => line.trim_end().to_string(),
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "a finding is wider than 100 columns");
    let (findings, summary) = text.rsplit_once("\n\n").unwrap_or(("", &text));
    let mut shown: Vec<&str> =
        findings.split("\n\n").map(|finding| if finding.starts_with("error") { finding } else { "…" }).collect();
    shown.dedup();
    format!("```text\n$ fsynclint check fixtures/example-store\n{}\n\n{summary}\n```\n", shown.join("\n\n"))
}

/// The table of the engines.
fn audit() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_fsynclint"))
        .args(["audit", "engines"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 100), "the table is wider than 100 columns");
    format!("```text\n$ fsynclint audit engines\n{}\n```\n", lines.join("\n"))
}

#[test]
fn parts_are_up_to_date() {
    hold("rules", &table());
    if marks::analyses() {
        hold("audit", &audit());
        hold("sample", &sample());
    }
}
