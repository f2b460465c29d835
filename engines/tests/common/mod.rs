//! What all suites share.
#![allow(dead_code)] // each suite uses its own part

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// An empty directory, in memory where the system has one: these suites look at content, not at the disk.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary directory")
}

/// What a killed process would leave: a copy of the files of `dir` as the system sees them now, while the store still has them open.
pub fn killed(dir: &Path) -> TempDir {
    let copy = scratch();
    for path in files(dir) {
        let name = path.file_name().expect("a file has a name");
        fs::copy(&path, copy.path().join(name)).expect("a copy");
    }
    copy
}

/// The files of `dir`, sorted.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// The files of `dir` whose name ends in `suffix`, sorted.
pub fn files_with(dir: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut paths = files(dir);
    paths.retain(|path| path.to_string_lossy().ends_with(suffix));
    paths
}

/// The sum of all file lengths in `dir`.
pub fn disk_usage(dir: &Path) -> u64 {
    let len = |path: &PathBuf| fs::metadata(path).expect("metadata").len();
    files(dir).iter().map(len).sum()
}

/// Inverts the byte at `offset` of the file at `path`.
pub fn flip(path: &Path, offset: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[offset] ^= 0xFF;
    fs::write(path, bytes).expect("a write");
}

/// Cuts `count` bytes off the end of the file at `path`.
pub fn cut(path: &Path, count: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes.truncate(bytes.len() - count);
    fs::write(path, bytes).expect("a write");
}

/// Appends `more` to the file at `path`.
pub fn extend(path: &Path, more: &[u8]) {
    let mut bytes = fs::read(path).expect("a file");
    bytes.extend_from_slice(more);
    fs::write(path, bytes).expect("a write");
}

/// Runs every named generic test against both versions of an engine. A test that is not named is dead code, which the
/// compiler reports.
#[macro_export]
macro_rules! both_versions {
    ($audited:ty, $corrected:ty; $($test:ident),* $(,)?) => {
        mod as_audited {
            $(#[test] fn $test() { super::$test::<$audited>(); })*
        }
        mod as_corrected {
            $(#[test] fn $test() { super::$test::<$corrected>(); })*
        }
    };
}
