//! Append-only segments under an in-memory hash index, for byte values, with automatic compaction.
//!
//! Every put and delete appends a record to the active segment; the others are frozen. When enough segments are frozen, a put merges them
//! into one. Hint files, made on request, spare the next open the reading of values.

pub mod audited;
pub mod corrected;

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::files;

/// How a store is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// A segment at least this long is frozen before the next write.
    pub max_segment_size: u64,
    /// A put that leaves so many segments frozen compacts them.
    pub auto_compact_threshold: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_segment_size: 1 << 20, auto_compact_threshold: 5 }
    }
}

/// What is known about one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its number.
    pub id: u64,
    /// Its data file.
    pub path: PathBuf,
    /// Length of the data file.
    pub size: u64,
    /// Records known to be in it, stale ones and tombstones included.
    pub records: u64,
    /// Whether it is the one that grows.
    pub active: bool,
}

fn segment_path(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("segment_{id:06}.dat"))
}

fn hint_path(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("segment_{id:06}.hint"))
}

fn segment_ids(dir: &Path) -> Result<Vec<u64>> {
    Ok(files::numbered(dir, "segment_", ".dat")?)
}
