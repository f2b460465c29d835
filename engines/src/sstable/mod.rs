//! Sorted tables, and size-tiered and leveled compaction of sets of them.
//!
//! A table is written once, keys ascending, and never changes. Every entry has a timestamp; among tables the highest timestamp of a key wins. A
//! [`CompactionManager`](corrected::CompactionManager) merges tables by a [`Strategy`].

pub mod audited;
pub mod corrected;

mod merge;
mod plan;

/// Of so many entries of a table, one is indexed, by default.
pub const DEFAULT_BLOCK_SIZE: usize = 64;

/// One version of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Its value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Decides between versions: the highest wins.
    pub timestamp: f64,
}

/// What is known about a table without reading it.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// Its file.
    pub path: std::path::PathBuf,
    /// Its first key, if it has any.
    pub min: Option<String>,
    /// Its last key, if it has any.
    pub max: Option<String>,
    /// Its number of entries, tombstones included.
    pub count: u64,
    /// Length of the file.
    pub size: u64,
    /// Its level; new tables are on level 0.
    pub level: u32,
    /// When the file was finished, in seconds since 1970.
    pub timestamp: f64,
}

/// Which tables to merge when.
#[derive(Debug, Clone, PartialEq)]
pub enum Strategy {
    /// Tables of about the same size are merged into one.
    SizeTiered {
        /// So many tables in one bucket are merged.
        min_threshold: usize,
        /// Where one bucket ends and the next begins, ascending, in bytes.
        size_thresholds: Vec<u64>,
    },
    /// Tables of level 0 are merged into level 1, and tables of a level that is too large into the next.
    Leveled {
        /// So many tables of level 0 are merged.
        l0_trigger: usize,
        /// How large level 1 may become, in bytes.
        level_base_size: u64,
        /// How much larger each further level may become.
        fanout: u64,
        /// The number of levels.
        max_levels: u32,
    },
}

impl Strategy {
    /// Size-tiered compaction with the usual thresholds.
    pub fn size_tiered() -> Self {
        Self::SizeTiered { min_threshold: 4, size_thresholds: vec![1_000_000, 10_000_000, 100_000_000] }
    }

    /// Leveled compaction with the usual thresholds.
    pub fn leveled() -> Self {
        Self::Leveled { l0_trigger: 4, level_base_size: 10_000_000, fanout: 10, max_levels: 7 }
    }
}
