//! The manifest: one small file that says which data files make up a store, in order.
//!
//! Each engine has its own payload; this module frames it: `8-byte magic · u32 crc · payload`. It is always replaced as a whole, so a
//! manifest that does not check out is damage, never an unfinished write.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::codec::Fields;
use crate::durable;
use crate::error::{Error, Result};
use crate::files;

const MAGIC: [u8; 8] = *b"MANIFST1";

/// Where the manifest of the store in `dir` is.
pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("MANIFEST")
}

/// The payload of the manifest in `dir`, or `None` if there is no manifest.
pub(crate) fn read(dir: &Path) -> Result<Option<Vec<u8>>> {
    let path = path(dir);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result?,
    };
    let intact = bytes.strip_prefix(&MAGIC).and_then(|rest| {
        let (crc, payload) = rest.split_first_chunk()?;
        (u32::from_le_bytes(*crc) == crc32fast::hash(payload)).then_some(payload)
    });
    match intact {
        Some(payload) => Ok(Some(payload.to_vec())),
        None => Err(Error::corrupt(&path, 0, "the manifest fails its checksum")),
    }
}

/// Makes `payload` the durable manifest of `dir`. On return the switch has happened and survives a crash.
pub(crate) fn replace(dir: &Path, payload: &[u8]) -> Result<()> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    bytes.extend_from_slice(payload);
    durable::replace_file(&path(dir), &bytes)?;
    Ok(())
}

/// A damaged manifest, for payload decoders.
pub(crate) fn malformed(dir: &Path) -> Error {
    Error::corrupt(&path(dir), 12, "the manifest is malformed")
}

/// A data file that is complete and never changes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SealedFile {
    pub(crate) number: u64,
    pub(crate) len: u64,
}

/// The files that make up a log-structured store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveFiles {
    /// The number of the next file to be made. Numbers are never used twice.
    pub(crate) next: u64,
    /// Complete files, oldest content first.
    pub(crate) sealed: Vec<SealedFile>,
    /// The file that grows; newer than all sealed ones.
    pub(crate) active: u64,
}

impl LiveFiles {
    /// The files of the store in `dir`, or `None` if it has no manifest.
    pub(crate) fn load(dir: &Path) -> Result<Option<Self>> {
        let Some(payload) = read(dir)? else {
            return Ok(None);
        };
        let files = Self::decode(&payload).ok_or_else(|| malformed(dir))?;
        Ok(Some(files))
    }

    /// Makes these the durable files of the store in `dir`.
    pub(crate) fn store(&self, dir: &Path) -> Result<()> {
        let mut payload = Vec::new();
        payload.extend_from_slice(&self.next.to_le_bytes());
        payload.extend_from_slice(&self.active.to_le_bytes());
        for file in &self.sealed {
            payload.extend_from_slice(&file.number.to_le_bytes());
            payload.extend_from_slice(&file.len.to_le_bytes());
        }
        replace(dir, &payload)
    }

    /// Whether the store needs file `number`.
    pub(crate) fn contains(&self, number: u64) -> bool {
        number == self.active || self.sealed.iter().any(|file| file.number == number)
    }

    fn decode(payload: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(payload);
        let mut files = Self {
            next: u64::from_le_bytes(fields.array()?),
            active: u64::from_le_bytes(fields.array()?),
            sealed: Vec::new(),
        };
        let mut numbers = BTreeSet::from([files.active]);
        while fields.len() > 0 {
            let file =
                SealedFile { number: u64::from_le_bytes(fields.array()?), len: u64::from_le_bytes(fields.array()?) };
            if !numbers.insert(file.number) {
                return None;
            }
            files.sealed.push(file);
        }
        let is_possible = files.next < files::MAX_NUMBER && numbers.last()? < &files.next;
        is_possible.then_some(files)
    }
}
