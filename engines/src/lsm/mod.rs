//! A log-structured merge tree: a memtable with its log, and immutable sorted tables.
//!
//! Writes go to the log and the memtable. A full memtable becomes a table; too many tables are merged into one. A lookup asks
//! the memtable, then the tables from the newest to the oldest. An empty value is a tombstone.

pub mod audited;
pub mod corrected;

use std::path::{Path, PathBuf};

/// How a tree is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// A memtable with this many keys is flushed to a table.
    pub memtable_threshold: usize,
    /// Every so many entries of a table are found without a search.
    pub sparse_index_interval: usize,
    /// So many tables are merged into one.
    pub compaction_threshold: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { memtable_threshold: 1000, sparse_index_interval: 16, compaction_threshold: 4 }
    }
}

fn table_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("sst_{number:06}.sst"))
}
