//! The sorted table of the corrected LSM tree and SSTables: bytes only, the callers do the syncing and naming.
//!
//! `magic · blocks · index · footer`, little endian. A block is a run of `u32 len · key · u32 len · payload`. The index has for each block
//! `u64 offset · u32 length · u32 crc · u32 len · first key`. The footer has `u64 index offset · u64 index length · u32 index crc · u64 number of entries
//! · u32 crc of the footer · magic`. Everything is written once, front to back, so a table is whole or has no footer.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::codec::{Fields, put_sized};
use crate::error::{Error, Result};

const MAGIC: [u8; 8] = *b"BLKTABL1";
const FOOTER_LEN: usize = 8 + 8 + 4 + 8 + 4 + 8;

/// A key and what the table's user stored with it.
pub(crate) type Entry = (String, Vec<u8>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    offset: u64,
    len: u32,
    crc: u32,
    first_key: String,
}

/// Writes a table to `out`.
#[derive(Debug)]
pub(crate) struct TableWriter<W> {
    out: W,
    len: u64,
    entries_per_block: usize,
    block: Vec<u8>,
    block_entries: usize,
    block_first_key: String,
    index: Vec<Block>,
    entries: u64,
    last_key: Option<String>,
}

impl<W: Write> TableWriter<W> {
    pub(crate) fn new(mut out: W, entries_per_block: usize) -> Result<Self> {
        out.write_all(&MAGIC)?;
        Ok(Self {
            out,
            len: MAGIC.len() as u64,
            entries_per_block: entries_per_block.max(1),
            block: Vec::new(),
            block_entries: 0,
            block_first_key: String::new(),
            index: Vec::new(),
            entries: 0,
            last_key: None,
        })
    }

    /// Adds an entry; keys must ascend.
    pub(crate) fn add(&mut self, key: &str, payload: &[u8]) -> Result<()> {
        if self.last_key.as_deref().is_some_and(|last| last >= key) {
            return Err(Error::Invalid("the keys of a table must ascend"));
        }
        if u32::try_from(key.len() + payload.len() + 8).is_err() {
            return Err(Error::Invalid("an entry is limited to 4 GiB"));
        }
        if self.block_entries >= self.entries_per_block || self.block.len() >= 1 << 20 {
            self.end_block()?;
        }
        if self.block_entries == 0 {
            key.clone_into(&mut self.block_first_key);
        }
        put_sized(&mut self.block, key.as_bytes());
        put_sized(&mut self.block, payload);
        self.block_entries += 1;
        self.entries += 1;
        self.last_key = Some(key.to_owned());
        Ok(())
    }

    fn end_block(&mut self) -> Result<()> {
        if self.block_entries == 0 {
            return Ok(());
        }
        let too_long = |_| Error::Invalid("a block is limited to 4 GiB");
        self.index.push(Block {
            offset: self.len,
            len: u32::try_from(self.block.len()).map_err(too_long)?,
            crc: crc32fast::hash(&self.block),
            first_key: std::mem::take(&mut self.block_first_key),
        });
        self.out.write_all(&self.block)?;
        self.len += self.block.len() as u64;
        self.block.clear();
        self.block_entries = 0;
        Ok(())
    }

    /// Writes index and footer; the output, not flushed, and the length of the table.
    pub(crate) fn finish(mut self) -> Result<(W, u64)> {
        self.end_block()?;
        let mut index = Vec::new();
        for block in &self.index {
            index.extend_from_slice(&block.offset.to_le_bytes());
            index.extend_from_slice(&block.len.to_le_bytes());
            index.extend_from_slice(&block.crc.to_le_bytes());
            put_sized(&mut index, block.first_key.as_bytes());
        }
        let mut footer = Vec::with_capacity(FOOTER_LEN);
        footer.extend_from_slice(&self.len.to_le_bytes());
        footer.extend_from_slice(&(index.len() as u64).to_le_bytes());
        footer.extend_from_slice(&crc32fast::hash(&index).to_le_bytes());
        footer.extend_from_slice(&self.entries.to_le_bytes());
        let crc = crc32fast::hash(&footer);
        footer.extend_from_slice(&crc.to_le_bytes());
        footer.extend_from_slice(&MAGIC);
        self.out.write_all(&index)?;
        self.out.write_all(&footer)?;
        let len = self.len + (index.len() + footer.len()) as u64;
        Ok((self.out, len))
    }
}

/// A complete table, its index in memory.
#[derive(Debug)]
pub(crate) struct Table {
    path: PathBuf,
    file: File,
    len: u64,
    index: Vec<Block>,
    entries: u64,
}

impl Table {
    /// Opens a table and checks everything but its blocks, which are checked when read.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        let malformed = |what| Error::corrupt(path, len, what);
        let footer_offset = len
            .checked_sub(FOOTER_LEN as u64)
            .filter(|offset| *offset >= MAGIC.len() as u64)
            .ok_or_else(|| malformed("too short for a table"))?;
        let mut magic = MAGIC.map(|_| 0);
        file.read_exact_at(&mut magic, 0)?;
        let mut footer = [0; FOOTER_LEN];
        file.read_exact_at(&mut footer, footer_offset)?;
        let footer = decode_footer(&footer).filter(|_| magic == MAGIC);
        let footer = footer.ok_or_else(|| malformed("no table footer"))?;
        if footer.index_offset.checked_add(footer.index_len) != Some(footer_offset) {
            return Err(malformed("the index is not where the footer says"));
        }
        let mut index = vec![0; footer.index_len as usize];
        file.read_exact_at(&mut index, footer.index_offset)?;
        if crc32fast::hash(&index) != footer.index_crc {
            return Err(malformed("the index fails its checksum"));
        }
        let index = decode_index(&index, footer.index_offset).ok_or_else(|| malformed("a malformed index"))?;
        Ok(Self { path: path.to_owned(), file, len, index, entries: footer.entries })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    /// The first and the last key, if there are any.
    pub(crate) fn key_range(&self) -> Result<Option<(String, String)>> {
        let (Some(first), Some(last)) = (self.index.first(), self.index.last()) else {
            return Ok(None);
        };
        let last_entry = self.read_block(last)?.pop();
        Ok(last_entry.map(|(key, _)| (first.first_key.clone(), key)))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let Some(block) = self.block_of(key) else {
            return Ok(None);
        };
        let mut entries = self.read_block(&self.index[block])?.into_iter();
        Ok(entries.find(|entry| entry.0 == key).map(|entry| entry.1))
    }

    /// All entries from `start` on, reading one block at a time.
    pub(crate) fn entries_from<'a>(&'a self, start: &'a str) -> impl Iterator<Item = Result<Entry>> + 'a {
        let first = self.block_of(start).unwrap_or(0);
        let blocks = self.index[first..].iter().map(|block| self.read_block(block));
        blocks
            .flat_map(|block| match block {
                Ok(entries) => entries.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
            .filter(move |entry| entry.as_ref().map_or(true, |entry| entry.0.as_str() >= start))
    }

    /// The block that `key` is in, if in any.
    fn block_of(&self, key: &str) -> Option<usize> {
        self.index.partition_point(|block| block.first_key.as_str() <= key).checked_sub(1)
    }

    fn read_block(&self, block: &Block) -> Result<Vec<Entry>> {
        let malformed = || Error::corrupt(&self.path, block.offset, "a block fails its checksum");
        let mut bytes = vec![0; block.len as usize];
        self.file.read_exact_at(&mut bytes, block.offset)?;
        if crc32fast::hash(&bytes) != block.crc {
            return Err(malformed());
        }
        let mut entries = Vec::new();
        let mut fields = Fields::new(&bytes);
        while fields.len() > 0 {
            let entry = fields.sized_string().zip(fields.sized_bytes());
            let (key, payload) = entry.ok_or_else(malformed)?;
            entries.push((key, payload.to_vec()));
        }
        Ok(entries)
    }
}

struct Footer {
    index_offset: u64,
    index_len: u64,
    index_crc: u32,
    entries: u64,
}

fn decode_footer(bytes: &[u8]) -> Option<Footer> {
    let mut fields = Fields::new(bytes);
    let footer = Footer {
        index_offset: u64::from_le_bytes(fields.array()?),
        index_len: u64::from_le_bytes(fields.array()?),
        index_crc: u32::from_le_bytes(fields.array()?),
        entries: u64::from_le_bytes(fields.array()?),
    };
    let crc = u32::from_le_bytes(fields.array()?);
    let is_intact = crc == crc32fast::hash(&bytes[..FOOTER_LEN - 12]) && fields.array()? == MAGIC;
    is_intact.then_some(footer)
}

/// The blocks of an index, which must follow each other and end at `end`.
fn decode_index(bytes: &[u8], end: u64) -> Option<Vec<Block>> {
    let mut fields = Fields::new(bytes);
    let mut index = Vec::new();
    let mut expected = MAGIC.len() as u64;
    while fields.len() > 0 {
        let block = Block {
            offset: u64::from_le_bytes(fields.array()?),
            len: u32::from_le_bytes(fields.array()?),
            crc: u32::from_le_bytes(fields.array()?),
            first_key: fields.sized_string()?,
        };
        if block.offset != expected {
            return None;
        }
        expected += u64::from(block.len);
        index.push(block);
    }
    (expected == end).then_some(index)
}
