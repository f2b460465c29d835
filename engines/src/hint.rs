//! Hint files: the keys of a sealed data file and where their records are, so that open need not read the values.
//!
//! A hint says nothing that its data file does not: it holds the last record of each key, tombstones included, whatever other files say. It
//! names the data file and its length and has a checksum over everything; a hint that does not match is ignored, and the data is read.

use std::collections::BTreeMap;
use std::path::Path;

use crate::codec::{Fields, put_sized};
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::record::Record;

const MAGIC: [u8; 8] = *b"HINTFIL1";

/// Where the last record of a key is in its data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) is_tombstone: bool,
}

/// What a data file says about its keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Slots {
    /// How many records the file has, counting those that later ones replace.
    pub(crate) records: u64,
    pub(crate) by_key: BTreeMap<String, Slot>,
}

impl Slots {
    /// The slots of the data file at `path`, whose frames these are.
    pub(crate) fn of_frames(path: &Path, frames: &[Frame<'_>]) -> Result<Self> {
        let mut slots = Self::default();
        for frame in frames {
            let record = Record::decode(frame.payload)
                .ok_or_else(|| Error::corrupt(path, frame.offset, "a malformed record"))?;
            slots.add(record.key, frame.offset, frame.end, record.value.is_none());
        }
        Ok(slots)
    }

    /// Adds the record of `key` that lies between `offset` and `end`.
    pub(crate) fn add(&mut self, key: &str, offset: u64, end: u64, is_tombstone: bool) {
        let slot = Slot { offset, len: end - offset, is_tombstone };
        self.records += 1;
        self.by_key.insert(key.to_owned(), slot);
    }

    /// The hint for data file `number`, which is `data_len` bytes long.
    pub(crate) fn encode_hint(&self, number: u64, data_len: u64) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&[0; 4]);
        for field in [number, data_len, self.records, self.by_key.len() as u64] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        for (key, slot) in &self.by_key {
            out.extend_from_slice(&slot.offset.to_le_bytes());
            out.extend_from_slice(&slot.len.to_le_bytes());
            out.push(u8::from(slot.is_tombstone));
            put_sized(&mut out, key.as_bytes());
        }
        let crc = crc32fast::hash(&out[12..]);
        out[8..12].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// What the hint `bytes` say about data file `number` of `data_len` bytes, or `None` if they are not its intact hint.
    pub(crate) fn decode_hint(bytes: &[u8], number: u64, data_len: u64) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        if fields.array()? != MAGIC {
            return None;
        }
        let crc = u32::from_le_bytes(fields.array()?);
        if crc != crc32fast::hash(&bytes[12..]) {
            return None;
        }
        let mut header = || fields.array().map(u64::from_le_bytes);
        if header()? != number || header()? != data_len {
            return None;
        }
        let records = header()?;
        let count = header()?;
        let mut by_key = BTreeMap::new();
        while fields.len() > 0 {
            let slot = Slot {
                offset: u64::from_le_bytes(fields.array()?),
                len: u64::from_le_bytes(fields.array()?),
                is_tombstone: fields.array()? == [1],
            };
            if slot.offset.checked_add(slot.len)? > data_len {
                return None;
            }
            by_key.insert(fields.sized_string()?, slot);
        }
        (by_key.len() as u64 == count).then_some(Self { records, by_key })
    }
}
