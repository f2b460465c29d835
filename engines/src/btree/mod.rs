//! A B-tree of fixed pages in `btree.dat`, with a redo log in `btree.wal`.
//!
//! Keys are strings, values are bytes. Leaves are chained for scans. Deleting never merges nodes; a leaf that became empty goes to the free
//! list if its left neighbour under the same parent can take over its place in the chain.

pub mod audited;
pub mod corrected;

mod node;
mod search;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// How a tree is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// Length of a page in bytes.
    pub page_size: u32,
    /// A node with more keys than this is split; by default as many as make 100-byte pairs fill a page.
    pub max_keys: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self { page_size: 4096, max_keys: None }
    }
}

impl Options {
    /// The page size and the key limit, checked.
    fn limits(&self) -> Result<(usize, usize)> {
        let page_size = self.page_size as usize;
        if !(64..=1 << 24).contains(&page_size) {
            return Err(Error::Invalid("a page has between 64 bytes and 16 MiB"));
        }
        let max_keys = self.max_keys.unwrap_or(4.max((page_size - 7) / 100));
        if !(2..=usize::from(u16::MAX) - 1).contains(&max_keys) {
            return Err(Error::Invalid("a node has between 2 and 65534 keys"));
        }
        Ok((page_size, max_keys))
    }
}

/// The shape of a tree and the work of its last operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Levels, counting the leaves.
    pub height: u32,
    /// Entries.
    pub total_keys: u32,
    /// Pages ever allocated, the meta page included.
    pub total_pages: u32,
    /// Internal nodes reachable from the root.
    pub internal_nodes: u32,
    /// Leaves reachable from the root.
    pub leaf_nodes: u32,
    /// Pages read by the last operation.
    pub pages_read: u64,
    /// Pages written by the last operation.
    pub pages_written: u64,
}

fn data_path(dir: &Path) -> PathBuf {
    dir.join("btree.dat")
}

fn log_path(dir: &Path) -> PathBuf {
    dir.join("btree.wal")
}
