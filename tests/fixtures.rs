//! Larger cases. `fixtures/<rule-id>/x.rs` is a package of one file, `fixtures/<rule-id>/x/` a package with `src/`; each reports
//! exactly what its marks say. Files and folders named `fn_*` pin faults that are missed, `fp_*` false reports; a case with both is an
//! `fn_*`. Below `fixtures/silent` nothing is reported but what is pinned.

mod marks;

use fsynclint::check::{Report, check};
use fsynclint::config::Config;
use fsynclint::discover::{DiscoverOptions, DiskTexts, FoundFile, Problem, Texts, discover};
use marks::{Differences, Mark, Spot, marks, spots};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files and folders of `folder`, sorted.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// All marks below `path`.
fn marks_below(path: &Path) -> Vec<(Spot, Mark)> {
    if path.is_dir() {
        return entries(path).iter().flat_map(|path| marks_below(path)).collect();
    }
    if path.extension().is_none_or(|extension| extension != "rs") {
        return Vec::new();
    }
    marks(path, &fs::read_to_string(path).unwrap())
}

/// Adds what is wrong with the case at `path`, which stands in a folder named after `rule`.
fn compare(path: &Path, rule: &str, differences: &mut Differences) {
    let workspace = discover(&[path.to_path_buf()], &DiscoverOptions::default());
    let report = check(&workspace, &DiskTexts, &Config::default());
    let marks = marks_below(path);
    differences.compare(&marks, &spots(&report), &report.problems);
    let name = path.file_name().unwrap().to_string_lossy();
    let has = |wanted: Mark| marks.iter().any(|(_, mark)| *mark == wanted);
    let prefix = match (has(Mark::FalseNegative), has(Mark::FalsePositive)) {
        (true, _) => "fn_",
        (false, true) => "fp_",
        (false, false) => "",
    };
    let given = ["fn_", "fp_"].into_iter().find(|prefix| name.starts_with(prefix)).unwrap_or_default();
    if given != prefix {
        differences.other(format!("{}: by its marks its prefix is `{prefix}`, not `{given}`", path.display()));
    }
    if rule == "silent" && has(Mark::Fault) {
        differences.other(format!("{}: a silent case has no marks", path.display()));
    }
}

#[test]
fn fixtures_report_their_marks() {
    if !marks::analyses() {
        eprintln!("nothing is analysed yet");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut differences = Differences::default();
    let mut cases = 0;
    for folder in entries(&root).iter().filter(|path| path.is_dir()) {
        let rule = folder.file_name().unwrap().to_string_lossy().into_owned();
        if rule.starts_with("example-") {
            compare(folder, &rule, &mut differences);
            cases += 1;
            continue;
        }
        for case in entries(folder).iter().filter(|path| path.is_dir() || path.extension().is_some_and(|e| e == "rs")) {
            compare(case, &rule, &mut differences);
            cases += 1;
        }
    }
    let out = differences.to_string();
    assert!(out.is_empty(), "\n{}", out.replace(&format!("{}/", env!("CARGO_MANIFEST_DIR")), ""));
    assert!(cases > 0, "no fixtures");
}

/// The texts of the disk, and a file of many empty lines.
struct Padded(PathBuf);

impl Texts for Padded {
    fn read(&self, path: &Path) -> Result<Arc<str>, Problem> {
        if *path == self.0 { Ok("\n".repeat(200_000).into()) } else { DiskTexts.read(path) }
    }
}

/// Of a large program not everything is read. What is told is the same.
#[test]
fn in_large_programs_the_same_is_told() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut wrong = Vec::new();
    let mut told = 0;
    for folder in entries(&root).iter().filter(|path| path.is_dir()) {
        for case in entries(folder).iter().filter(|path| path.is_dir() || path.extension().is_some_and(|e| e == "rs")) {
            let mut workspace = discover(&[case.to_path_buf()], &DiscoverOptions::default());
            let places = |report: &Report| {
                let spots = spots(report).into_iter().map(|spot| (spot.rule, spot.line));
                spots.collect::<Vec<_>>()
            };
            let small = places(&check(&workspace, &DiskTexts, &Config::default()));
            let Some(package) = workspace.packages.first_mut() else { continue };
            let lines = case.with_file_name("lines.rs");
            package.files.push(FoundFile { path: lines.clone(), shown: lines.clone() });
            let large = places(&check(&workspace, &Padded(lines), &Config::default()));
            told += small.len();
            if small != large {
                wrong.push(format!("{}: {small:?}, in a large program {large:?}", case.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(told > 0);
}

#[test]
fn a_comparison_can_fail() {
    let path = Path::new("a.rs");
    let text =
        "f(); //~ ack-before-sync\n//~^ rename-before-sync\ng(); //~ FP ack-before-sync\nh(); //~ FN ack-before-sync\n";
    let marks = marks(path, text);
    let spot = |line, rule: &str| Spot { path: path.into(), line, rule: rule.into() };
    let right = [spot(1, "ack-before-sync"), spot(1, "rename-before-sync"), spot(3, "ack-before-sync")];
    let told = |found: &[Spot]| {
        let mut differences = Differences::default();
        differences.compare(&marks, found, &[]);
        differences.to_string()
    };
    assert_eq!(told(&right), "");
    let told = told(&[spot(1, "ack-before-sync"), spot(2, "ack-before-sync"), spot(4, "ack-before-sync")]);
    for part in [
        "false positives (reported, not marked), 1:\n  a.rs:2: ack-before-sync",
        "false negatives (marked, not reported), 1:\n  a.rs:1: rename-before-sync",
        "a.rs:3: ack-before-sync is no longer reported",
        "a.rs:4: ack-before-sync is reported now",
    ] {
        assert!(told.contains(part), "{told}");
    }
}
