//! The record frame of every corrected log: how a torn tail is told from corruption.
//!
//! A frame is `u8 magic · u32 crc · u32 len · u64 durable · payload`, little endian. The crc covers everything after itself, seeded with the
//! file's salt and the frame's own offset, so neither zeros nor stale bytes of another file or place are ever valid.
//!
//! `durable` is the length of the file that was synced before this frame was written. Unsynced bytes may survive a power cut in any
//! order, so a bad frame followed by a valid one can be innocent: both were in flight. It is corruption only if a later valid
//! frame testifies that the bad one had been synced.

use std::path::Path;

use crate::codec::Fields;
use crate::error::{Error, Result};

const MAGIC: u8 = 0xF5;
const HEADER_LEN: usize = 1 + 4 + 4 + 8;

/// A valid frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// Where it starts in the file.
    pub(crate) offset: u64,
    /// Where the next one starts.
    pub(crate) end: u64,
    /// How much of the file was durable when it was written.
    pub(crate) durable: u64,
    /// What the log's user stored.
    pub(crate) payload: &'a [u8],
}

/// What follows the last valid frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing.
    Clean,
    /// Bytes from this offset on that no acknowledgement depended on.
    Torn(u64),
    /// A frame at this offset that had been durable and no longer is valid.
    Corrupt(u64),
}

/// The crc-32 of `bytes`, seeded.
fn seeded_crc(salt: u64, offset: u64, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(&offset.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// The size of a frame with a payload of `len` bytes.
pub(crate) fn framed_len(len: usize) -> u64 {
    (HEADER_LEN + len) as u64
}

/// Appends to `out` a frame that will lie at `offset` of the file salted with `salt`.
pub(crate) fn encode(out: &mut Vec<u8>, salt: u64, offset: u64, durable: u64, payload: &[u8]) -> Result<()> {
    let len = u32::try_from(payload.len()).map_err(|_| Error::Invalid("a record is limited to 4 GiB"))?;
    let start = out.len();
    out.push(MAGIC);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&durable.to_le_bytes());
    out.extend_from_slice(payload);
    let crc = seeded_crc(salt, offset, &out[start + 5..]);
    out[start + 1..start + 5].copy_from_slice(&crc.to_le_bytes());
    Ok(())
}

/// The frame at `offset` of a file with content `file`, if a valid one lies there.
pub(crate) fn decode(file: &[u8], salt: u64, offset: u64) -> Option<Frame<'_>> {
    decode_at(file.get(usize::try_from(offset).ok()?..)?, salt, offset)
}

/// The frame at the start of `bytes`, which lie at `offset` of their file.
pub(crate) fn decode_at(bytes: &[u8], salt: u64, offset: u64) -> Option<Frame<'_>> {
    let mut fields = Fields::new(bytes);
    if u8::from_le_bytes(fields.array()?) != MAGIC {
        return None;
    }
    let crc = u32::from_le_bytes(fields.array()?);
    let len = u32::from_le_bytes(fields.array()?) as usize;
    let durable = u64::from_le_bytes(fields.array()?);
    let payload = fields.bytes(len)?;
    if durable > offset || crc != seeded_crc(salt, offset, &bytes[5..HEADER_LEN + len]) {
        return None;
    }
    Some(Frame { offset, end: offset + framed_len(len), durable, payload })
}

/// All valid frames of `file` from `start` on, and what follows them.
pub(crate) fn scan(file: &[u8], salt: u64, start: u64) -> (Vec<Frame<'_>>, Tail) {
    let mut frames = Vec::new();
    let mut at = start;
    while let Some(frame) = decode(file, salt, at) {
        at = frame.end;
        frames.push(frame);
    }
    (frames, classify(file, salt, at))
}

/// What the bytes from `bad` on are, given that no valid frame starts there.
pub(crate) fn classify(file: &[u8], salt: u64, bad: u64) -> Tail {
    if bad >= file.len() as u64 {
        return Tail::Clean;
    }
    // Crafted bytes could make every position look like a long frame; beyond this much work the file is not a torn one.
    let mut budget = (file.len() as u64).saturating_mul(16);
    for at in bad + 1..file.len() as u64 {
        let bytes = &file[at as usize..];
        let Some(len) = claimed_len(bytes, bad, at) else {
            continue;
        };
        if budget < len || decode_at(bytes, salt, at).is_some() {
            return Tail::Corrupt(bad);
        }
        budget -= len;
    }
    Tail::Torn(bad)
}

/// The length of the frame that `bytes` at offset `at` claim to be, if it fits and would testify that `bad` was durable.
fn claimed_len(bytes: &[u8], bad: u64, at: u64) -> Option<u64> {
    let mut fields = Fields::new(bytes);
    if u8::from_le_bytes(fields.array()?) != MAGIC {
        return None;
    }
    let _crc: [u8; 4] = fields.array()?;
    let len = u32::from_le_bytes(fields.array()?) as usize;
    let durable = u64::from_le_bytes(fields.array()?);
    fields.bytes(len)?;
    (durable > bad && durable <= at).then_some(len as u64)
}

/// The length of every file header.
pub(crate) const FILE_HEADER_LEN: u64 = 24;

/// The header of a log file: magic, version, the number that salts its frames, crc.
pub(crate) fn file_header(magic: [u8; 8], number: u64) -> Vec<u8> {
    let mut header = Vec::with_capacity(FILE_HEADER_LEN as usize);
    header.extend_from_slice(&magic);
    header.extend_from_slice(&1_u32.to_le_bytes());
    header.extend_from_slice(&number.to_le_bytes());
    let crc = crc32fast::hash(&header);
    header.extend_from_slice(&crc.to_le_bytes());
    header
}

/// Reads a log file's header and returns its number, or says what is wrong.
pub(crate) fn check_file_header(path: &Path, file: &[u8], magic: [u8; 8]) -> Result<u64> {
    let header = file
        .get(..FILE_HEADER_LEN as usize)
        .ok_or_else(|| Error::corrupt(path, 0, "the file is shorter than its header"))?;
    let mut number = [0; 8];
    number.copy_from_slice(&header[12..20]);
    let number = u64::from_le_bytes(number);
    if header != file_header(magic, number) {
        return Err(Error::corrupt(path, 0, "not a file of this kind and version"));
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three frames; the first two were durable when the next was written.
    fn log() -> (Vec<u8>, Vec<u64>) {
        let mut file = vec![0; 3];
        let mut starts = Vec::new();
        for payload in ["one", "two", "three"] {
            let at = file.len() as u64;
            starts.push(at);
            encode(&mut file, 7, at, at, payload.as_bytes()).unwrap();
        }
        (file, starts)
    }

    #[test]
    fn every_prefix_ends_in_a_torn_tail_at_a_frame_boundary() {
        let (file, starts) = log();
        for len in 3..file.len() {
            let (frames, tail) = scan(&file[..len], 7, 3);
            let cut = starts.iter().rev().find(|start| **start <= len as u64);
            let expected = match cut {
                Some(start) if *start == len as u64 => Tail::Clean,
                Some(start) => Tail::Torn(*start),
                None => unreachable!("the first frame starts at 3"),
            };
            assert_eq!(tail, expected, "prefix of {len} bytes");
            assert_eq!(
                frames.len(),
                starts.iter().filter(|start| **start < len as u64).count() - usize::from(tail != Tail::Clean)
            );
        }
    }

    #[test]
    fn damage_before_a_frame_that_testifies_is_corruption() {
        let (mut file, starts) = log();
        file[starts[1] as usize + HEADER_LEN] ^= 1;
        assert_eq!(scan(&file, 7, 3).1, Tail::Corrupt(starts[1]));
    }

    #[test]
    fn damage_among_frames_in_flight_is_a_torn_tail() {
        let mut file = Vec::new();
        for payload in ["one", "two", "three"] {
            let at = file.len() as u64;
            encode(&mut file, 7, at, 0, payload.as_bytes()).unwrap();
        }
        file[HEADER_LEN] ^= 1;
        assert_eq!(scan(&file, 7, 0).1, Tail::Torn(0));
    }

    #[test]
    fn zeros_and_frames_of_another_place_are_invalid() {
        assert_eq!(decode(&[0; 64], 0, 0), None);
        let (file, starts) = log();
        assert_eq!(decode(&file, 8, starts[0]), None);
        assert_eq!(decode_at(&file[starts[1] as usize..], 7, starts[0]), None);
    }
}
