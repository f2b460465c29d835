//! The LSM tree as audited.
//!
//! Nothing is ever synced: writes are acknowledged from the page cache, the log is emptied while the table that replaces it is still volatile, and
//! compaction unlinks its inputs likewise. Tables are built under their final names. What its docs promise, it does not keep.
//!
//! Log and table entry, big endian: `u32 key_len · key · u32 value_len · value`. A table ends in its sparse index, `u32 key_len · key · u64 offset`
//! each, and in `u64 start of the index · u32 number of its entries`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Options, table_path};
use crate::codec::Fields;
use crate::error::{Error, Result};
use crate::files;

const FOOTER_LEN: u64 = 8 + 4;

/// An LSM tree; see the [module](self) for what it loses.
#[derive(Debug)]
pub struct LsmTree {
    dir: PathBuf,
    options: Options,
    log: File,
    memtable: BTreeMap<String, String>,
    /// Oldest first.
    tables: Vec<Table>,
    next_number: u64,
}

/// A table and its sparse index.
#[derive(Debug)]
struct Table {
    path: PathBuf,
    index: Vec<(String, u64)>,
    /// Where the entries end.
    end: u64,
}

impl LsmTree {
    /// Opens the tree in `dir`, creating both if absent, and replays its log.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self> {
        let dir = dir.as_ref().to_owned();
        fs::create_dir_all(&dir)?;
        let numbers = files::numbered(&dir, "sst_", ".sst")?;
        let mut tables = Vec::new();
        for &number in &numbers {
            tables.push(open_table(table_path(&dir, number))?);
        }
        let path = log_path(&dir);
        let log = File::options().create(true).append(true).open(&path)?;
        let memtable = read_log(&path)?;
        let next_number = numbers.last().map_or(0, |number| number + 1);
        Ok(Self { dir, options, log, memtable, tables, next_number })
    }

    /// Sets `key` to `value`; an empty value deletes it. The log makes the write durable before this returns.
    pub fn put(&mut self, key: &str, value: &str) -> Result<()> {
        let mut entry = Vec::new();
        encode(&mut entry, key, value)?;
        self.log.write_all(&entry)?; //~ ack-before-sync
        self.memtable.insert(key.to_owned(), value.to_owned());
        if self.memtable.len() >= self.options.memtable_threshold {
            self.flush()?;
        }
        Ok(())
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Result<Option<String>> {
        if let Some(value) = self.memtable.get(key) {
            return Ok(Some(value.clone()).filter(|value| !value.is_empty()));
        }
        for table in self.tables.iter().rev() {
            if let Some(value) = table.get(key)? {
                return Ok(Some(value).filter(|value| !value.is_empty()));
            }
        }
        Ok(None)
    }

    /// Removes `key`, if it is there.
    pub fn delete(&mut self, key: &str) -> Result<()> {
        self.put(key, "")
    }

    /// All pairs from `start` up to but without `end`, in order.
    pub fn range_scan(&self, start: &str, end: &str) -> Result<Vec<(String, String)>> {
        let mut merged = BTreeMap::new();
        for table in &self.tables {
            if table.index.is_empty() {
                return Err(Error::corrupt(&table.path, 0, "a table without entries"));
            }
            merged.extend(table.read(table.block_of(start).unwrap_or(0)..table.index.len())?);
        }
        merged.extend(self.memtable.clone());
        merged.retain(|key, value| !value.is_empty() && key.as_str() >= start && key.as_str() < end);
        Ok(merged.into_iter().collect())
    }

    /// Merges all tables into one, if there are at least two.
    pub fn compact(&mut self) -> Result<()> {
        if self.tables.len() < 2 {
            return Ok(());
        }
        let mut merged = BTreeMap::new();
        for table in &self.tables {
            merged.extend(table.read(0..table.index.len())?);
        }
        merged.retain(|_, value| !value.is_empty());
        let table = self.write_table(&merged)?;
        let inputs = std::mem::replace(&mut self.tables, vec![table]);
        for input in inputs {
            fs::remove_file(&input.path)?; //~ delete-before-sync
        }
        Ok(())
    }

    /// Flushes the memtable and closes the tree.
    pub fn close(mut self) -> Result<()> {
        if !self.memtable.is_empty() {
            self.flush()?;
        }
        Ok(())
    }

    /// Turns the memtable into a table and empties the log.
    fn flush(&mut self) -> Result<()> {
        let memtable = std::mem::take(&mut self.memtable);
        let table = self.write_table(&memtable)?;
        self.tables.push(table);
        let path = log_path(&self.dir);
        drop(File::create(&path)?); //~ truncate-before-sync
        self.log = File::options().append(true).open(&path)?;
        if self.tables.len() >= self.options.compaction_threshold {
            self.compact()?;
        }
        Ok(())
    }

    /// Writes a table with the next number.
    fn write_table(&mut self, entries: &BTreeMap<String, String>) -> Result<Table> {
        let path = table_path(&self.dir, self.next_number);
        self.next_number += 1;
        let mut out = BufWriter::new(File::create(&path)?);
        let mut index = Vec::new();
        let mut entry = Vec::new();
        let mut offset = 0;
        for (i, (key, value)) in entries.iter().enumerate() {
            if i % self.options.sparse_index_interval.max(1) == 0 {
                index.push((key.clone(), offset));
            }
            entry.clear();
            encode(&mut entry, key, value)?;
            out.write_all(&entry)?;
            offset += entry.len() as u64;
        }
        out.write_all(&encode_index(&index, offset)?)?;
        out.flush()?;
        Ok(Table { path, index, end: offset })
    }
}

impl Table {
    /// The value of `key`, or "" for a tombstone.
    fn get(&self, key: &str) -> Result<Option<String>> {
        let Some(block) = self.block_of(key) else {
            return Ok(None);
        };
        let mut entries = self.read(block..block + 1)?.into_iter();
        Ok(entries.find(|entry| entry.0 == key).map(|entry| entry.1))
    }

    /// The stretch between two index entries that `key` is in, if in any.
    fn block_of(&self, key: &str) -> Option<usize> {
        self.index.partition_point(|(first, _)| first.as_str() <= key).checked_sub(1)
    }

    /// The entries of some stretches.
    fn read(&self, blocks: std::ops::Range<usize>) -> Result<Vec<(String, String)>> {
        let offset_of = |block: usize| self.index.get(block).map_or(self.end, |(_, offset)| *offset);
        let (start, end) = (offset_of(blocks.start), offset_of(blocks.end));
        let malformed = || Error::corrupt(&self.path, start, "a malformed entry");
        let len = end.checked_sub(start).filter(|_| end <= self.end).ok_or_else(malformed)?;
        let mut bytes = vec![0; len as usize];
        File::open(&self.path)?.read_exact_at(&mut bytes, start)?;
        let mut fields = Fields::new(&bytes);
        let mut entries = Vec::new();
        while fields.len() > 0 {
            let (key, value) = decode(&mut fields).ok_or_else(malformed)?;
            entries.push((key.ok_or_else(malformed)?, value.ok_or_else(malformed)?));
        }
        Ok(entries)
    }
}

fn log_path(dir: &Path) -> PathBuf {
    dir.join("wal.log")
}

fn encode(out: &mut Vec<u8>, key: &str, value: &str) -> Result<()> {
    for field in [key, value] {
        let too_long = |_| Error::Invalid("keys and values are limited to 4 GiB");
        let len = u32::try_from(field.len()).map_err(too_long)?;
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(field.as_bytes());
    }
    Ok(())
}

/// The next entry, or `None` if it is short; a field is `None` if it is not UTF-8.
fn decode(fields: &mut Fields<'_>) -> Option<(Option<String>, Option<String>)> {
    let mut field = || {
        let len = u32::from_be_bytes(fields.array()?);
        Some(String::from_utf8(fields.bytes(len as usize)?.to_vec()).ok())
    };
    Some((field()?, field()?))
}

fn encode_index(index: &[(String, u64)], start: u64) -> Result<Vec<u8>> {
    let too_long = |_| Error::Invalid("a table is limited to 2^32 index entries");
    let count = u32::try_from(index.len()).map_err(too_long)?;
    let mut out = Vec::new();
    for (key, offset) in index {
        out.extend_from_slice(&(key.len() as u32).to_be_bytes());
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(&offset.to_be_bytes());
    }
    out.extend_from_slice(&start.to_be_bytes());
    out.extend_from_slice(&count.to_be_bytes());
    Ok(out)
}

/// Loads the sparse index of a table. The entries are not looked at.
fn open_table(path: PathBuf) -> Result<Table> {
    let file = File::open(&path)?;
    let len = file.metadata()?.len();
    let malformed = || Error::corrupt(&path, len, "no sparse index");
    let footer_start = len.checked_sub(FOOTER_LEN).ok_or_else(malformed)?;
    let mut start = [0; 8];
    file.read_exact_at(&mut start, footer_start)?;
    let start = u64::from_be_bytes(start);
    let index_len = footer_start.checked_sub(start).ok_or_else(malformed)?;
    let mut bytes = vec![0; (index_len + FOOTER_LEN) as usize];
    file.read_exact_at(&mut bytes, start)?;
    let index = decode_index(&bytes).ok_or_else(malformed)?;
    Ok(Table { path, index, end: start })
}

/// The entries of a sparse index that is followed by the footer.
fn decode_index(bytes: &[u8]) -> Option<Vec<(String, u64)>> {
    let count = u32::from_be_bytes(*bytes.last_chunk()?);
    let mut fields = Fields::new(bytes);
    let mut index = Vec::new();
    for _ in 0..count {
        let len = u32::from_be_bytes(fields.array()?);
        let key = String::from_utf8(fields.bytes(len as usize)?.to_vec()).ok()?;
        index.push((key, u64::from_be_bytes(fields.array()?)));
    }
    Some(index)
}

/// The content of the log up to its first short record.
fn read_log(path: &Path) -> Result<BTreeMap<String, String>> {
    let bytes = fs::read(path)?;
    let mut fields = Fields::new(&bytes);
    let mut memtable = BTreeMap::new();
    while let Some((key, value)) = decode(&mut fields) {
        let not_utf8 = || Error::corrupt(path, (bytes.len() - fields.len()) as u64, "a record that is not UTF-8");
        memtable.insert(key.ok_or_else(not_utf8)?, value.ok_or_else(not_utf8)?);
    }
    Ok(memtable)
}
