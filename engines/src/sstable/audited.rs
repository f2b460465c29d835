//! SSTables as audited.
//!
//! A table is built under its final name, its header is patched at the end, and neither it nor its name is ever synced. A table that a crash
//! cut short still says "no entries" in its header, and is read as an empty one. The set of live tables is only in memory, and
//! merged tables are never unlinked. What its docs promise, it does not keep.
//!
//! Big endian: header `"SSTB" · u16 version · u32 count`; entry `u16 key_len · key · f64 timestamp`, then `u8 255` for a tombstone or
//! `u32 value_len · value`; index `u16 key_len · key · u64 offset`; footer `u64 index offset · u32 index count`.

use std::fs::{self, File};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::merge::Merge;
use super::plan::plans;
use super::{DEFAULT_BLOCK_SIZE, Entry, Metadata, Strategy};
use crate::codec::Fields;
use crate::error::{Error, Result};

const MAGIC: [u8; 4] = *b"SSTB";
const VERSION: u16 = 1;
const HEADER_LEN: u64 = 4 + 2 + 4;
const FOOTER_LEN: u64 = 8 + 4;
const TOMBSTONE: u8 = 0xFF;

/// Writes a table. The caller sorts.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    out: BufWriter<File>,
    block_size: usize,
    offset: u64,
    count: u32,
    index: Vec<(String, u64)>,
    last_key: Option<String>,
}

impl Writer {
    /// Starts a table at `path`; every `block_size`-th entry is indexed.
    pub fn new(path: impl AsRef<Path>, block_size: usize) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let file = File::create(&path)?;
        let mut out = BufWriter::new(file);
        out.write_all(&header(0))?;
        Ok(Self {
            path,
            out,
            block_size: block_size.max(1),
            offset: HEADER_LEN,
            count: 0,
            index: Vec::new(),
            last_key: None,
        })
    }

    /// Adds an entry; without a value it is a tombstone.
    pub fn add(&mut self, key: &str, value: Option<&[u8]>, timestamp: f64) -> Result<()> {
        let entry = encode_entry(key, value, timestamp)?;
        if (self.count as usize).is_multiple_of(self.block_size) {
            self.index.push((key.to_owned(), self.offset));
        }
        self.out.write_all(&entry)?;
        self.offset += entry.len() as u64;
        self.count += 1;
        self.last_key = Some(key.to_owned());
        Ok(())
    }

    /// Completes the table. It is durable when this returns.
    pub fn finish(mut self) -> Result<Metadata> {
        let mut tail = Vec::new();
        for (key, offset) in &self.index {
            tail.extend_from_slice(&(key.len() as u16).to_be_bytes());
            tail.extend_from_slice(key.as_bytes());
            tail.extend_from_slice(&offset.to_be_bytes());
        }
        tail.extend_from_slice(&self.offset.to_be_bytes());
        tail.extend_from_slice(&(self.index.len() as u32).to_be_bytes());
        self.out.write_all(&tail)?;
        self.out.flush()?;
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header(self.count))?;
        self.out.flush()?; //~ flush-is-not-sync
        let metadata = Metadata {
            path: self.path,
            min: self.index.into_iter().next().map(|(key, _)| key),
            max: self.last_key,
            count: u64::from(self.count),
            size: self.offset + tail.len() as u64,
            level: 0,
            timestamp: now().as_secs_f64(),
        };
        Ok(metadata)
    }
}

/// Reads a table.
#[derive(Debug)]
pub struct Reader {
    file: File,
    metadata: Metadata,
    index: Vec<(String, u64)>,
    /// Where the entries end.
    end: u64,
}

impl Reader {
    /// Opens the table at `path`. Only the magic number is checked; a header that counts no entries makes an empty table, whatever follows.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut header = [0; HEADER_LEN as usize];
        file.read_exact_at(&mut header, 0)?;
        if !header.starts_with(&MAGIC) {
            return Err(Error::corrupt(path, 0, "not a sorted table"));
        }
        let [.., a, b, c, d] = header;
        let count = u32::from_be_bytes([a, b, c, d]);
        let mut metadata = Metadata {
            path: path.to_owned(),
            min: None,
            max: None,
            count: u64::from(count),
            size,
            level: 0,
            timestamp: modified(&file)?,
        };
        if count == 0 {
            return Ok(Self { file, metadata, index: Vec::new(), end: HEADER_LEN });
        }
        let (index, end) = read_index(path, &file, size)?;
        metadata.min = index.first().map(|(key, _)| key.clone());
        let mut reader = Self { file, metadata, index, end };
        let last_block = reader.read(reader.index.len().saturating_sub(1)..reader.index.len())?;
        reader.metadata.max = last_block.into_iter().next_back().map(|entry| entry.key);
        Ok(reader)
    }

    /// The entry of `key`, a tombstone included.
    pub fn get(&self, key: &str) -> Result<Option<Entry>> {
        let Some(block) = self.block_of(key) else {
            return Ok(None);
        };
        let mut entries = self.read(block..block + 1)?.into_iter();
        Ok(entries.find(|entry| entry.key == key))
    }

    /// All entries in order, tombstones included.
    pub fn scan(&self) -> Result<Vec<Entry>> {
        self.read(0..self.index.len())
    }

    /// The entries from `start` up to but without `end`, tombstones included.
    pub fn range_scan(&self, start: &str, end: &str) -> Result<Vec<Entry>> {
        let mut entries = self.read(self.block_of(start).unwrap_or(0)..self.index.len())?;
        entries.retain(|entry| entry.key.as_str() >= start && entry.key.as_str() < end);
        Ok(entries)
    }

    /// What is known about the table.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The level of the table.
    pub fn level(&self) -> u32 {
        self.metadata.level
    }

    /// The block that `key` is in, if in any.
    fn block_of(&self, key: &str) -> Option<usize> {
        self.index.partition_point(|(first, _)| first.as_str() <= key).checked_sub(1)
    }

    /// The entries of some blocks.
    fn read(&self, blocks: std::ops::Range<usize>) -> Result<Vec<Entry>> {
        let offset_of = |block: usize| self.index.get(block).map_or(self.end, |(_, offset)| *offset);
        let (start, end) = (offset_of(blocks.start), offset_of(blocks.end));
        let malformed = || Error::corrupt(&self.metadata.path, start, "a malformed entry");
        let len = end.checked_sub(start).filter(|_| end <= self.end).ok_or_else(malformed)?;
        let mut bytes = vec![0; len as usize];
        self.file.read_exact_at(&mut bytes, start)?;
        let mut fields = Fields::new(&bytes);
        let mut entries = Vec::new();
        while fields.len() > 0 {
            entries.push(decode_entry(&mut fields).ok_or_else(malformed)?);
        }
        Ok(entries)
    }
}

/// Merges tables into a new one at `out`. Of each key the highest timestamp wins, then the earlier reader.
pub fn merge(readers: &[&Reader], out: impl AsRef<Path>, remove_tombstones: bool) -> Result<Reader> {
    let mut writer = Writer::new(&out, DEFAULT_BLOCK_SIZE)?;
    let mut sources = Vec::new();
    for reader in readers {
        sources.push(reader.scan()?.into_iter().map(Ok));
    }
    for entry in Merge::new(sources)? {
        let entry = entry?;
        if entry.value.is_some() || !remove_tombstones {
            writer.add(&entry.key, entry.value.as_deref(), entry.timestamp)?;
        }
    }
    writer.finish()?;
    Reader::open(out)
}

/// Merges the tables it is given by a strategy. It knows them only as long as it lives.
#[derive(Debug)]
pub struct CompactionManager {
    dir: PathBuf,
    strategy: Strategy,
    tables: Vec<Arc<Reader>>,
    counter: u64,
}

impl CompactionManager {
    /// A manager without tables that writes to `dir`, which is created if absent.
    pub fn open(dir: impl AsRef<Path>, strategy: Strategy) -> Result<Self> {
        let dir = dir.as_ref().to_owned();
        fs::create_dir_all(&dir)?;
        Ok(Self { dir, strategy, tables: Vec::new(), counter: 0 })
    }

    /// Takes a table on, on level 0.
    pub fn add_sstable(&mut self, table: Reader) -> Result<()> {
        self.tables.push(Arc::new(table));
        Ok(())
    }

    /// The live tables.
    pub fn get_sstables(&self) -> Vec<Arc<Reader>> {
        self.tables.clone()
    }

    /// Whether the strategy asks for a merge.
    pub fn needs_compaction(&self) -> bool {
        !plans(&self.strategy, &self.metadata()).is_empty()
    }

    /// Does the merges that the strategy asks for; the new tables. Tombstones are kept, and so are the files of the old tables.
    pub fn run_compaction(&mut self) -> Result<Vec<Arc<Reader>>> {
        let mut merged = Vec::new();
        let mut replaced = Vec::new();
        for plan in plans(&self.strategy, &self.metadata()) {
            let inputs: Vec<&Reader> = plan.inputs.iter().map(|at| &*self.tables[*at]).collect();
            let name = format!("compact_{}_{}.sst", self.counter, now().as_millis());
            self.counter += 1;
            let mut output = merge(&inputs, self.dir.join(name), false)?;
            output.metadata.level = plan.level;
            merged.push(Arc::new(output));
            replaced.extend(plan.inputs);
        }
        let mut at = 0;
        self.tables.retain(|_| {
            at += 1;
            !replaced.contains(&(at - 1))
        });
        self.tables.extend(merged.iter().cloned());
        Ok(merged)
    }

    fn metadata(&self) -> Vec<Metadata> {
        self.tables.iter().map(|table| table.metadata.clone()).collect()
    }
}

fn now() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn modified(file: &File) -> Result<f64> {
    let modified = file.metadata()?.modified()?;
    Ok(modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64())
}

fn header(count: u32) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&VERSION.to_be_bytes());
    header.extend_from_slice(&count.to_be_bytes());
    header
}

fn encode_entry(key: &str, value: Option<&[u8]>, timestamp: f64) -> Result<Vec<u8>> {
    let key_len = u16::try_from(key.len()).map_err(|_| Error::Invalid("a key is limited to 64 KiB"))?;
    let mut out = key_len.to_be_bytes().to_vec();
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(&timestamp.to_be_bytes());
    match value {
        None => out.push(TOMBSTONE),
        Some(value) => {
            let len = u32::try_from(value.len()).map_err(|_| Error::Invalid("a value is limited to 4 GiB"))?;
            out.extend_from_slice(&len.to_be_bytes());
            out.extend_from_slice(value);
        }
    }
    Ok(out)
}

fn decode_entry(fields: &mut Fields<'_>) -> Option<Entry> {
    let key_len = u16::from_be_bytes(fields.array()?);
    let key = String::from_utf8(fields.bytes(usize::from(key_len))?.to_vec()).ok()?;
    let timestamp = f64::from_be_bytes(fields.array()?);
    let [marker] = fields.array()?;
    if marker == TOMBSTONE {
        return Some(Entry { key, value: None, timestamp });
    }
    let [a, b, c] = fields.array()?;
    let len = u32::from_be_bytes([marker, a, b, c]);
    let value = Some(fields.bytes(len as usize)?.to_vec());
    Some(Entry { key, value, timestamp })
}

/// The index of a table of `size` bytes, and where it starts.
fn read_index(path: &Path, file: &File, size: u64) -> Result<(Vec<(String, u64)>, u64)> {
    let malformed = || Error::corrupt(path, size, "no index");
    let footer_start = size.checked_sub(FOOTER_LEN).ok_or_else(malformed)?;
    let mut start = [0; 8];
    file.read_exact_at(&mut start, footer_start)?;
    let start = u64::from_be_bytes(start);
    let len = size.checked_sub(start).ok_or_else(malformed)?;
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, start)?;
    Ok((decode_index(&bytes).ok_or_else(malformed)?, start))
}

/// The entries of an index that is followed by the footer.
fn decode_index(bytes: &[u8]) -> Option<Vec<(String, u64)>> {
    let count = u32::from_be_bytes(*bytes.last_chunk()?);
    let mut fields = Fields::new(bytes);
    let mut index = Vec::new();
    for _ in 0..count {
        let key_len = u16::from_be_bytes(fields.array()?);
        let key = String::from_utf8(fields.bytes(usize::from(key_len))?.to_vec()).ok()?;
        index.push((key, u64::from_be_bytes(fields.array()?)));
    }
    Some(index)
}
