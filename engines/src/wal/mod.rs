//! A write-ahead log in numbered segment files.
//!
//! Records get consecutive sequence numbers; a batch ends in a COMMIT record; a checkpoint marks the point up to which the log's user has
//! made its own state durable, so that [`replay`](corrected::WriteAheadLog::replay) may start after it.

pub mod audited;
pub mod corrected;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Result;
use crate::files;

/// What a record says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// A key got a value.
    Put,
    /// A key went away.
    Delete,
    /// The batch before it is complete.
    Commit,
    /// Everything before it is durable elsewhere.
    Checkpoint,
}

impl Op {
    fn code(self) -> u8 {
        match self {
            Self::Put => 1,
            Self::Delete => 2,
            Self::Commit => 3,
            Self::Checkpoint => 4,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Put),
            2 => Some(Self::Delete),
            3 => Some(Self::Commit),
            4 => Some(Self::Checkpoint),
            _ => None,
        }
    }

    /// Whether the record changes the state of the log's user.
    fn is_mutation(self) -> bool {
        matches!(self, Self::Put | Self::Delete)
    }
}

/// One record of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its sequence number.
    pub seq: u64,
    /// What happened.
    pub op: Op,
    /// To which key; empty for COMMIT and CHECKPOINT.
    pub key: String,
    /// The value put; empty otherwise.
    pub value: String,
}

/// When the log is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncMode {
    /// After every record.
    #[default]
    Sync,
    /// After every [`batch_sync_count`](Options::batch_sync_count) records; the last ones may be lost.
    Batch,
    /// Never; no guarantee at all. Batches and checkpoints are synced nevertheless.
    None,
}

/// How a log is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// When the log is synced.
    pub sync_mode: SyncMode,
    /// A segment at least this long is closed and the next one started.
    pub max_file_size: u64,
    /// How many records may be unsynced in [`SyncMode::Batch`].
    pub batch_sync_count: u32,
    /// How long a record may stay unsynced in [`SyncMode::Batch`]. The audited version knows no such bound.
    pub batch_sync_delay: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sync_mode: SyncMode::default(),
            max_file_size: 10 << 20,
            batch_sync_count: 100,
            batch_sync_delay: Duration::from_millis(100),
        }
    }
}

fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:06}.wal"))
}

fn segment_numbers(dir: &Path) -> Result<Vec<u64>> {
    Ok(files::numbered(dir, "", ".wal")?)
}
