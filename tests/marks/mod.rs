//! Marks in examples: `//~ rule-id` at the line of a finding's primary place, `//~^ rule-id` one line below it (more `^`, more
//! lines). `//~ INFO rule-id`: told at level info only, with its condition, because an option asks for it. `//~ FP rule-id` pins a
//! finding that should not be there, `//~ FN rule-id` one that is not there and should be.

#![allow(dead_code)]

use fsynclint::check::{Report, check};
use fsynclint::config::Config;
use fsynclint::discover::{FoundFile, Problem, SourcePackage, Texts, Workspace};
use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Texts by path.
#[derive(Default)]
pub struct Memory(pub BTreeMap<PathBuf, Arc<str>>);

impl Texts for Memory {
    fn read(&self, path: &Path) -> Result<Arc<str>, Problem> {
        let missing = || Problem { path: path.to_path_buf(), line: 1, message: "is not there".into() };
        self.0.get(path).cloned().ok_or_else(missing)
    }
}

/// A finding, or what is expected as one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    pub path: PathBuf,
    pub line: usize,
    pub rule: String,
}

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is reported, rightly.
    Fault,
    /// It is told, not reported: an option asks for it.
    Told,
    /// It is reported, wrongly.
    FalsePositive,
    /// It is not reported, wrongly.
    FalseNegative,
}

/// The marks in `text`. Panics on one that cannot be read.
pub fn marks(path: &Path, text: &str) -> Vec<(Spot, Mark)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for mark in line.split("//~").skip(1) {
            let above = mark.len() - mark.trim_start_matches('^').len();
            let mut words = mark[above..].split([' ', ',']).filter(|word| !word.is_empty()).peekable();
            let kind = match words.peek() {
                Some(&"INFO") => Mark::Told,
                Some(&"FP") => Mark::FalsePositive,
                Some(&"FN") => Mark::FalseNegative,
                _ => Mark::Fault,
            };
            let rules: Vec<&str> = words.skip(usize::from(kind != Mark::Fault)).collect();
            assert!(!rules.is_empty(), "{}:{}: the mark names no rule", path.display(), at + 1);
            for rule in rules {
                let known = fsynclint::checks::registry::find(rule).is_some();
                assert!(known, "{}:{}: no rule is called `{rule}`", path.display(), at + 1);
                found.push((Spot { path: path.to_path_buf(), line: at + 1 - above, rule: rule.into() }, kind));
            }
        }
    }
    found
}

/// A package of the single file `path` with `text`, checked at default settings.
pub fn check_text(path: &Path, text: &str) -> Report {
    let file = FoundFile { path: path.to_path_buf(), shown: path.to_path_buf() };
    let package = SourcePackage { name: "example".into(), files: vec![file], ..SourcePackage::default() };
    let workspace = Workspace { packages: vec![package], ..Workspace::default() };
    let texts = Memory([(path.to_path_buf(), Arc::from(text))].into());
    check(&workspace, &texts, &Config::default())
}

/// The primary places of a report.
pub fn spots(report: &Report) -> Vec<Spot> {
    let sources = &report.sources;
    let spot = |finding: &fsynclint::finding::Finding| Spot {
        path: sources.path(finding.span.file).to_path_buf(),
        line: sources.line_column(finding.span.file, finding.span.start).0,
        rule: finding.rule.into(),
    };
    report.findings.iter().map(spot).collect()
}

/// How findings differ from marks, in lines for people. False positives and false negatives stand apart.
#[derive(Default)]
pub struct Differences {
    unwanted: Vec<String>,
    missing: Vec<String>,
    moved: Vec<String>,
    other: Vec<String>,
}

impl Differences {
    /// Adds how `found` differs from `marks`.
    pub fn compare(&mut self, marks: &[(Spot, Mark)], found: &[Spot], problems: &[Problem]) {
        let told = |spot: &Spot| format!("{}:{}: {}", spot.path.display(), spot.line, spot.rule);
        let mut found = found.to_vec();
        for (spot, mark) in marks {
            let at = found.iter().position(|other| other == spot);
            if let Some(at) = at {
                found.swap_remove(at);
            }
            match (mark, at.is_some()) {
                (Mark::Fault, false) => self.missing.push(told(spot)),
                (Mark::FalsePositive, false) => {
                    self.moved.push(told(spot) + " is no longer reported: take the `FP` mark out, rename the file");
                }
                (Mark::FalseNegative, true) => {
                    self.moved.push(told(spot) + " is reported now: take `FN` out of the mark, rename the file");
                }
                _ => {}
            }
        }
        found.sort();
        self.unwanted.extend(found.iter().map(told));
        for problem in problems {
            self.other(format!("cannot be read: {}:{}: {}", problem.path.display(), problem.line, problem.message));
        }
    }

    /// Adds something else that is wrong.
    pub fn other(&mut self, line: String) {
        self.other.push(line);
    }
}

impl Display for Differences {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let lists = [
            ("false positives (reported, not marked)", &self.unwanted),
            ("false negatives (marked, not reported)", &self.missing),
            ("pins that moved", &self.moved),
            ("else", &self.other),
        ];
        for (title, lines) in lists.into_iter().filter(|(_, lines)| !lines.is_empty()) {
            writeln!(f, "{title}, {}:", lines.len())?;
            for line in lines {
                writeln!(f, "  {line}")?;
            }
        }
        Ok(())
    }
}

/// Whether the pipeline analyses anything yet.
pub fn analyses() -> bool {
    let text = "pub fn f(a: &str, b: &str) -> std::io::Result<()> { std::fs::rename(a, b) }\n";
    check_text(Path::new("probe.rs"), text).stats.parsed > 0
}
