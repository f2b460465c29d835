//! The manifest: one small file that says which data files make up a store, in order.
//!
//! Each engine has its own payload; this module frames it: `8-byte magic · u32 crc · payload`. It is always replaced as a whole, so a
//! manifest that does not check out is damage, never an unfinished write.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::durable;
use crate::error::{Error, Result};

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
