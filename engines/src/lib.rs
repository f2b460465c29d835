//! Six small storage engines, each written twice, side by side:
//!
//! * `audited` keeps the I/O order of an implementation that was audited and found wanting, with every sync it forgot. A trailing
//!   comment names the rule on each line that a crash-safety linter must report;
//! * `corrected` has the same API and behaviour and survives a power cut at any instruction.
//!
//! | module | engine |
//! |---|---|
//! | [`wal`] | write-ahead log in numbered segments |
//! | [`btree`] | B-tree of fixed pages with a redo log |
//! | [`hash_index`] | append-only data files under an in-memory hash index, strings, with compaction and hints |
//! | [`lsm`] | log-structured merge tree |
//! | [`hash_table`] | append-only segments under an in-memory hash index, bytes, with automatic compaction |
//! | [`sstable`] | sorted tables with size-tiered and leveled compaction |
//!
//! The corrected versions assume the strictest crash model: an unsynced write, truncation, rename or unlink survives or not, each
//! on its own, and a directory entry is durable only once its directory was synced. They need a system on which a
//! directory can be synced, that is, any Unix. `README.md` tells the I/O order of each engine and what it can lose.

pub mod btree;
pub mod error;
pub mod hash_index;
pub mod hash_table;
pub mod lsm;
pub mod policy;
pub mod sstable;
pub mod wal;

mod block_table;
mod codec;
mod durable;
mod files;
mod frame;
mod hint;
mod manifest;
mod record;

pub use error::{Error, Result};
pub use policy::SyncPolicy;

/// For unit tests.
#[cfg(test)]
mod scratch {
    /// An empty directory, in memory where the system has one.
    pub(crate) fn dir() -> tempfile::TempDir {
        let in_memory = tempfile::tempdir_in("/dev/shm");
        in_memory.or_else(|_| tempfile::tempdir()).expect("a temporary directory")
    }
}
