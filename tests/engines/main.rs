//! The engines as what the linter is judged on: the durability table of all twelve from analysis alone, every mark in the audited
//! ones, and silence about the corrected ones.

#[path = "../marks/mod.rs"]
mod marks;
mod rename;

use fsynclint::check::{AuditReport, audit, check};
use fsynclint::config::Config;
use fsynclint::discover::{DiscoverOptions, DiskTexts, discover};
use fsynclint::finding::Level;
use marks::{Differences, Mark, Spot, marks, spots};
use std::fs;
use std::path::{Path, PathBuf};

fn engines() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("engines")
}

/// The table of the sources at `path`: per store its name and five cells.
fn table(path: &Path) -> (Vec<[String; 6]>, AuditReport) {
    let workspace = discover(&[path.to_path_buf()], &DiscoverOptions::default());
    let report = audit(&workspace, &DiskTexts, &Config::default());
    let row = |row: &fsynclint::audit::Row| {
        let [writes, rewrite, first] = [&row.writes, &row.rewrite, &row.deletes_first].map(|cell| cell.words());
        [row.store.to_string(), writes, rewrite, first, row.directory.words(), row.safe.words()]
    };
    (report.rows.iter().map(row).collect(), report)
}

/// Every cell: store, normal writes, rewrite, inputs deleted first, directory, crash-safe. The B-tree rewrites nothing: its pages are
/// written in place behind a log, which is emptied in the same operation. The log of the corrected write-ahead log is cut by removing
/// whole segments once a mark says so durably.
const TABLE: [[&str; 6]; 12] = [
    ["btree::audited::BTree", "via log", "n/a", "no", "no", "no"],
    ["btree::corrected::BTree", "via log", "n/a", "no", "yes", "yes"],
    ["hash_index::audited::HashIndex", "conditional (sync_writes)", "no", "yes", "no", "no"],
    ["hash_index::corrected::HashIndex", "conditional (sync_writes)", "yes", "no", "yes", "yes"],
    ["hash_table::audited::HashTable", "no", "no", "yes", "no", "no"],
    ["hash_table::corrected::HashTable", "conditional (policy)", "yes", "no", "yes", "yes"],
    ["lsm::audited::LsmTree", "no", "no", "yes", "no", "no"],
    ["lsm::corrected::LsmTree", "conditional (policy)", "yes", "no", "yes", "yes"],
    ["sstable::audited::CompactionManager", "no", "no", "no (never deletes them)", "no", "no"],
    ["sstable::corrected::CompactionManager", "yes", "yes", "no", "yes", "yes"],
    ["wal::audited::WriteAheadLog", "conditional (sync_mode)", "yes (in place)", "no", "no", "no"],
    ["wal::corrected::WriteAheadLog", "conditional (sync_mode)", "yes", "no", "yes", "yes"],
];

#[test]
fn the_table_of_the_engines_is_exact() {
    let (rows, report) = table(&engines());
    assert_eq!(rows, TABLE.map(|row| row.map(str::to_string)));
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    for row in &report.rows {
        let safe = row.safe.words() == "yes";
        assert_eq!(row.reason().is_none(), safe, "{}: a row that is not safe says why, and no other", row.store);
        if row.store.as_str() == "btree::audited::BTree" {
            // Pages that are allocated or freed go over live ones unlogged.
            assert!(
                row.reason().is_some_and(|reason| reason.text.contains("with no log before it")),
                "{:?}",
                row.reason()
            );
        }
        assert!(!row.operations.is_empty() && row.operations.iter().any(|operation| !operation.effects.is_empty()));
    }
}

#[test]
fn names_do_not_matter() {
    let copy = tempfile::tempdir().unwrap();
    let names = rename::engines(&engines(), copy.path());
    let (mut rows, _) = table(copy.path());
    let renamed = |text: &str| names.renamed(text);
    let mut expected: Vec<[String; 6]> = TABLE
        .iter()
        .map(|row| {
            let mut row = row.map(str::to_string);
            row[0] = row[0].split("::").map(renamed).collect::<Vec<_>>().join("::");
            if let Some((verdict, option)) = row[1].clone().split_once(" (") {
                row[1] = format!("{verdict} ({})", renamed(option.trim_end_matches(')')));
            }
            row
        })
        .collect();
    rows.sort();
    expected.sort();
    assert_eq!(rows, expected);
}

/// All marks below `folder`, with the texts that they stand in.
fn marked(folder: &Path, found: &mut Vec<(Spot, Mark)>, texts: &mut Vec<(PathBuf, String)>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            marked(&path, found, texts);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            found.extend(marks(&path, &text));
            texts.push((path, text));
        }
    }
}

#[test]
fn the_audited_engines_are_reported_where_they_are_marked() {
    let (mut all, mut texts) = (Vec::new(), Vec::new());
    marked(&engines().join("src"), &mut all, &mut texts);
    let workspace = discover(&[engines()], &DiscoverOptions::default());
    let report = check(&workspace, &DiskTexts, &Config::default());
    let mut differences = Differences::default();
    differences.compare(&all, &spots(&report), &report.problems);
    let out = differences.to_string();
    assert!(out.is_empty(), "\n{out}");
    assert!(all.len() >= 21, "{} marks", all.len());

    // What an option asks for is told with its condition, and to those only who ask for everything.
    let everything = check(&workspace, &DiskTexts, &Config { output_all: true, ..Config::default() });
    for (spot, _) in all.iter().filter(|(_, mark)| *mark == Mark::Told) {
        let at = spots(&everything).iter().position(|other| other == spot);
        let finding = at.map(|at| &everything.findings[at]).unwrap_or_else(|| panic!("{spot:?} is not told"));
        assert!(finding.level == Level::Info && finding.condition.is_some(), "{spot:?}: {finding:?}");
    }
}

#[test]
fn the_corrected_engines_are_clean_at_every_level_without_suppressions() {
    let (mut all, mut texts) = (Vec::new(), Vec::new());
    marked(&engines().join("src"), &mut all, &mut texts);
    for (path, text) in texts {
        assert!(!text.contains("fsynclint"), "{}: names the linter", path.display());
    }
    let workspace = discover(&[engines()], &DiscoverOptions::default());
    let report = check(&workspace, &DiskTexts, &Config { output_all: true, ..Config::default() });
    let elsewhere: Vec<Spot> =
        spots(&report).into_iter().filter(|spot| spot.path.file_stem().is_none_or(|stem| stem != "audited")).collect();
    assert_eq!(elsewhere, []);
}

/// The shape that other programs read: it only grows.
#[test]
fn the_table_as_json_has_the_shape_that_was_promised() {
    let (_, report) = table(&engines());
    let mut out = Vec::new();
    fsynclint::report::audit::json::render(&report, &mut out).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(json["version"], 1);
    assert!(json["unparsed"].as_array().is_some_and(Vec::is_empty) && json["stats"]["functions"].is_u64());
    let stores = json["stores"].as_array().unwrap();
    assert_eq!(stores.len(), TABLE.len());
    let verdicts = ["yes", "no", "conditional", "via_log", "not_applicable", "unknown"];
    for store in stores {
        assert!(store["store"].is_string() && store["path"].is_string() && store["line"].is_u64(), "{store}");
        for cell in ["normal_writes", "rewrite", "deletes_inputs_first", "directory", "crash_safe"] {
            assert!(verdicts.iter().any(|verdict| store[cell]["verdict"] == *verdict), "{cell}: {store}");
            assert!(store[cell].get("detail").is_some() && store[cell].get("reason").is_some(), "{cell}: {store}");
        }
        for operation in store["operations"].as_array().unwrap() {
            for key in ["name", "path", "line", "column", "effects", "missing", "unseen"] {
                assert!(operation.get(key).is_some(), "`{key}` is missing: {operation}");
            }
            for effect in operation["effects"].as_array().unwrap() {
                assert!(
                    effect["effect"].is_string() && effect["file"].is_string() && effect["line"].is_u64(),
                    "{effect}"
                );
            }
        }
    }
}

/// Every operation fits a terminal of 100 columns, whatever its paths are.
#[test]
fn the_operations_fit_their_lines() {
    let (_, report) = table(&engines());
    let style = fsynclint::report::human::Style { color: false, width: 100, quiet: false };
    let mut out = Vec::new();
    fsynclint::report::audit::human::render(&report, true, style, &mut out).unwrap();
    // A path is one word, and this test's are as long as the folder that it runs in.
    let text = String::from_utf8(out).unwrap().replace(&*engines().to_string_lossy(), "engines");
    let long: Vec<&str> = text.lines().filter(|line| line.chars().count() > 100).collect();
    assert_eq!(long, Vec::<&str>::new());
    assert!(text.contains("rename") && text.contains("sync directory") && text.contains("missing after line"));
}
