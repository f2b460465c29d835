//! The same texts give the same report, byte for byte: however many threads read them, and in whatever order they are found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every Rust file of the fixtures below `folder`, by path from there.
fn texts(folder: &Path, inside: &Path, found: &mut Vec<(PathBuf, String)>) {
    let mut entries: Vec<_> = fs::read_dir(folder.join(inside)).unwrap().map(|entry| entry.unwrap()).collect();
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let path = inside.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            texts(folder, &path, found);
        } else {
            found.push((path, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

/// A folder with `files`, made in this order.
fn folder(files: impl Iterator<Item = (PathBuf, String)>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The whole report about `paths` in `folder`, but for how long it took.
fn report(folder: &Path, paths: &[&Path], threads: usize) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_fsynclint"))
        .args(["check", "--format", "json", "--output-all"])
        .args(paths)
        .env("RAYON_NUM_THREADS", threads.to_string())
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (before, after) = text.split_once("\"elapsed_ms\": ").unwrap_or_else(|| panic!("no report: {text}"));
    format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn one_report_for_all_threads_and_orders() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut files = Vec::new();
    texts(&fixtures, Path::new(""), &mut files);
    let one = folder(files.iter().cloned());
    let other = folder(files.iter().rev().cloned());
    let expected = report(one.path(), &[], 1);
    assert!(expected.matches("\"rule\": ").count() > 50, "the fixtures have findings: {expected}");
    for threads in [2, 3, 8] {
        assert_eq!(report(one.path(), &[], threads), expected, "{threads} threads");
        assert_eq!(report(other.path(), &[], threads), expected, "made in another order, {threads} threads");
    }
}

#[test]
fn one_report_for_all_orders_of_arguments() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rename-before-sync");
    let mut files = Vec::new();
    texts(&fixtures, Path::new(""), &mut files);
    files.retain(|(path, _)| path.components().count() == 1 && path.extension().is_some_and(|end| end == "rs"));
    let folder = folder(files.iter().cloned());
    let mut paths: Vec<&Path> = files.iter().map(|(path, _)| path.as_path()).collect();
    assert!(paths.len() > 3, "{paths:?}");
    let expected = report(folder.path(), &paths, 1);
    assert!(expected.contains("\"rule\": "), "{expected}");
    paths.reverse();
    assert_eq!(report(folder.path(), &paths, 2), expected);
    paths.rotate_left(2);
    assert_eq!(report(folder.path(), &paths, 4), expected);
}
