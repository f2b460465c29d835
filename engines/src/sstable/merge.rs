//! The k-way merge; the same for both versions.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::Entry;
use crate::error::Result;

/// The entries of several sorted sources in key order, one version of each key: that with the highest timestamp, and among
/// equal ones that of the earliest source.
#[derive(Debug)]
pub(super) struct Merge<I> {
    sources: Vec<I>,
    heads: BinaryHeap<Head>,
}

/// The next entry of a source. The greatest is the one to come first.
#[derive(Debug)]
struct Head {
    entry: Entry,
    source: usize,
}

impl<I: Iterator<Item = Result<Entry>>> Merge<I> {
    pub(super) fn new(sources: impl IntoIterator<Item = I>) -> Result<Self> {
        let mut merge = Self { sources: sources.into_iter().collect(), heads: BinaryHeap::new() };
        for source in 0..merge.sources.len() {
            merge.pull(source)?;
        }
        Ok(merge)
    }

    /// Takes the next entry of a source, if there is one.
    fn pull(&mut self, source: usize) -> Result<()> {
        let next = self.sources[source].next().transpose()?;
        self.heads.extend(next.map(|entry| Head { entry, source }));
        Ok(())
    }

    /// The first entry in order, stale versions included.
    fn pop(&mut self) -> Result<Option<Entry>> {
        let Some(head) = self.heads.pop() else {
            return Ok(None);
        };
        self.pull(head.source)?;
        Ok(Some(head.entry))
    }

    fn next_entry(&mut self) -> Result<Option<Entry>> {
        let Some(entry) = self.pop()? else {
            return Ok(None);
        };
        while self.heads.peek().is_some_and(|head| head.entry.key == entry.key) {
            self.pop()?;
        }
        Ok(Some(entry))
    }
}

impl<I: Iterator<Item = Result<Entry>>> Iterator for Merge<I> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_entry().transpose()
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_key = other.entry.key.cmp(&self.entry.key);
        let by_age = by_key.then(self.entry.timestamp.total_cmp(&other.entry.timestamp));
        by_age.then(other.source.cmp(&self.source))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}
