//! Append-only data files under an in-memory hash index, for string values.
//!
//! Every put and delete appends a record to the active data file; the index says where the newest record of each key is. Compaction copies the
//! live records of all other files together and leaves a hint beside each copy, so that the next open need not read the values.

pub mod audited;
pub mod corrected;

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::files;

/// How a store is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// A data file at least this long is closed before the next write.
    pub max_file_size: u64,
    /// Whether a write is synced before it is acknowledged.
    pub sync_writes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_file_size: 10 << 20, sync_writes: true }
    }
}

fn data_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number}.data"))
}

fn hint_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number}.hint"))
}

fn data_numbers(dir: &Path) -> Result<Vec<u64>> {
    Ok(files::numbered(dir, "", ".data")?)
}
