//! The rule pages are true: their front matter is the registry's, and their examples report what they say.

mod marks;

use fsynclint::checks::registry::{RULES, RuleInfo};
use fsynclint::config::Policy;
use fsynclint::finding::Level;
use marks::{Differences, Mark, check_text, marks, spots};
use std::path::{Path, PathBuf};

/// A code block of a page.
struct Example {
    /// The section it stands in.
    section: String,
    /// Line of the fence in the page.
    line: usize,
    text: String,
}

const SECTIONS: [&str; 7] = ["What", "Why", "Bad", "Good", "Not this", "File systems", "Sources"];

fn sections(page: &str) -> Vec<&str> {
    page.lines().filter_map(|line| line.strip_prefix("## ")).collect()
}

fn examples(page: &str) -> Vec<Example> {
    let mut found = Vec::new();
    let mut section = String::new();
    let mut open: Option<Example> = None;
    for (at, line) in page.lines().enumerate() {
        match &mut open {
            Some(_) if line == "```" => found.extend(open.take()),
            Some(example) => {
                example.text.push_str(line);
                example.text.push('\n');
            }
            None if line == "```rust" => {
                open = Some(Example { section: section.clone(), line: at + 1, text: String::new() })
            }
            None => section = line.strip_prefix("## ").map_or(section, str::to_string),
        }
    }
    found
}

/// Adds what the examples of `rule`'s page get wrong.
fn compare(rule: &RuleInfo, only: &[&str], differences: &mut Differences) {
    for example in examples(rule.page).iter().filter(|example| only.contains(&example.section.as_str())) {
        let path = PathBuf::from(format!("rules/{}.md", rule.id));
        // Empty lines in front: places are those of the page.
        let text = "\n".repeat(example.line) + &example.text;
        let marks = marks(&path, &text);
        let bad = example.section == "Bad";
        let own = marks.iter().all(|(spot, mark)| spot.rule == rule.id && *mark == Mark::Fault);
        if !own || bad == marks.is_empty() {
            let (path, line, section) = (path.display(), example.line, &example.section);
            differences.other(format!("{path}:{line}: a block under `{section}` has the wrong marks"));
        }
        let mut report = check_text(Path::new("example.rs"), &text);
        report.problems.iter_mut().for_each(|problem| problem.path.clone_from(&path));
        let mut found = spots(&report);
        found.iter_mut().for_each(|spot| spot.path.clone_from(&path));
        differences.compare(&marks, &found, &report.problems);
    }
}

fn all(only: &[&str]) {
    if !marks::analyses() {
        eprintln!("nothing is analysed yet");
        return;
    }
    let mut differences = Differences::default();
    for rule in RULES {
        compare(rule, only, &mut differences);
    }
    let wrong = differences.to_string();
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn bad_examples_are_reported() {
    all(&["Bad"]);
}

#[test]
fn good_examples_are_not() {
    all(&["Good", "Not this"]);
}

#[test]
fn pages_have_their_sections_and_examples() {
    for rule in RULES {
        assert_eq!(sections(rule.page), SECTIONS, "rules/{}.md", rule.id);
        for section in ["Bad", "Good"] {
            let examples = examples(rule.page).iter().filter(|example| example.section == section).count();
            assert!(examples > 0, "rules/{}.md has no example under `{section}`", rule.id);
        }
    }
}

#[test]
fn front_matter_is_the_registry_s() {
    for rule in RULES {
        let matter = rule.page.strip_prefix("+++\n").and_then(|rest| rest.split_once("\n+++\n"));
        let (matter, _) =
            matter.unwrap_or_else(|| panic!("rules/{}.md does not open with front matter between `+++`", rule.id));
        let table: toml::Table = matter.parse().unwrap_or_else(|error| panic!("rules/{}.md: {error}", rule.id));
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
        let expected = [
            ("id", rule.id),
            ("title", rule.title),
            ("obligation", rule.obligation),
            ("level", level),
            ("policy", policy),
        ];
        assert_eq!(table.len(), expected.len(), "keys of rules/{}.md", rule.id);
        for (key, value) in expected {
            assert_eq!(
                table[key].as_str(),
                Some(value),
                "`{key}` of rules/{}.md (left) and of the registry (right)",
                rule.id
            );
        }
    }
}

#[test]
fn ids_differ() {
    let mut ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), RULES.len());
}
