//! Finding the numbered files of a store.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Numbers from here on were not given by an engine, and counting on from them could overflow.
pub(crate) const MAX_NUMBER: u64 = 1 << 62;

/// The numbers of all files `<prefix><number><suffix>` in `dir`, ascending. Other names are none of our business.
pub(crate) fn numbered(dir: &Path, prefix: &str, suffix: &str) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let digits =
            name.to_str().and_then(|name| name.strip_prefix(prefix)).and_then(|name| name.strip_suffix(suffix));
        let Some(digits) = digits else { continue };
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            numbers.extend(digits.parse::<u64>().ok().filter(|number| *number < MAX_NUMBER));
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// All files of `dir` whose name ends in one of `suffixes`.
pub(crate) fn with_suffix(dir: &Path, suffixes: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| suffixes.iter().any(|suffix| name.ends_with(suffix))) {
            paths.push(path);
        }
    }
    Ok(paths)
}
