//! The write-ahead log as audited.
//!
//! Its records are synced, but the names of its files are not, a torn tail is kept and appended behind, and
//! [`truncate`](WriteAheadLog::truncate) rewrites live segments in place.
//!
//! Format, little endian: `u32 length of the rest · u32 crc · u64 seq · u8 op · i32 key_len · key · i32 val_len · value`; the crc
//! covers op, key and value only.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::{Op, Options, Record, SyncMode, segment_numbers, segment_path};
use crate::codec::Fields;
use crate::error::{Error, Result};

/// The bytes that the length field counts besides key and value.
const FIXED_LEN: usize = 21;

/// A write-ahead log; see the [module](self) for what it loses.
#[derive(Debug)]
pub struct WriteAheadLog {
    log: Mutex<Log>,
}

#[derive(Debug)]
struct Log {
    dir: PathBuf,
    options: Options,
    active: BufWriter<File>,
    number: u64,
    position: u64,
    seq: u64,
    unsynced: u32,
}

impl WriteAheadLog {
    /// Opens the log in `dir`, creating both if absent, and continues its numbering.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self> {
        let dir = dir.as_ref().to_owned();
        fs::create_dir_all(&dir)?;
        let mut seq = 0;
        for number in segment_numbers(&dir)? {
            let (records, _) = read_segment(&segment_path(&dir, number))?;
            seq = records.iter().map(|record| record.seq).fold(seq, u64::max);
        }
        let (active, number, position) = open_active(&dir, options.max_file_size)?;
        Ok(Self { log: Mutex::new(Log { dir, options, active, number, position, seq, unsynced: 0 }) })
    }

    /// Appends one record and returns its sequence number. In [`SyncMode::Sync`] it is durable then.
    pub fn append(&self, op: Op, key: &str, value: &str) -> Result<u64> {
        let mut log = self.log.lock();
        let seq = log.buffer(op, key, value)?; //~ INFO ack-before-sync
        match log.options.sync_mode {
            SyncMode::Sync => log.flush_and_sync()?,
            SyncMode::Batch => {
                log.unsynced += 1;
                if log.unsynced >= log.options.batch_sync_count {
                    log.flush_and_sync()?;
                }
            }
            SyncMode::None => {}
        }
        log.rotate_if_full()?;
        Ok(seq)
    }

    /// Appends `entries` and a COMMIT, whose sequence number it returns.
    pub fn append_batch(&self, entries: &[(Op, &str, &str)]) -> Result<u64> {
        let mut log = self.log.lock();
        for (op, key, value) in entries {
            log.buffer(*op, key, value)?;
        }
        let seq = log.buffer(Op::Commit, "", "")?;
        log.flush_and_sync()?;
        log.rotate_if_full()?;
        Ok(seq)
    }

    /// Marks that everything so far is durable elsewhere.
    pub fn checkpoint(&self) -> Result<u64> {
        let mut log = self.log.lock();
        let seq = log.buffer(Op::Checkpoint, "", "")?;
        log.flush_and_sync()?;
        log.rotate_if_full()?;
        Ok(seq)
    }

    /// Forgets all records up to and including `up_to_seq`, by rewriting every segment in place.
    pub fn truncate(&self, up_to_seq: u64) -> Result<()> {
        let mut log = self.log.lock();
        log.flush_and_sync()?;
        for number in segment_numbers(&log.dir)? {
            let path = segment_path(&log.dir, number);
            let (mut kept, _) = read_segment(&path)?;
            kept.retain(|record| record.seq > up_to_seq);
            if kept.is_empty() {
                fs::remove_file(&path)?;
                continue;
            }
            let mut file = BufWriter::new(File::create(&path)?); //~ overwrite-in-place
            for record in &kept {
                file.write_all(&encode(record.seq, record.op, &record.key, &record.value)?)?;
            }
            file.flush()?;
            file.get_ref().sync_all()?;
        }
        let (active, number, position) = open_active(&log.dir, log.options.max_file_size)?;
        log.active = active;
        log.number = number;
        log.position = position;
        Ok(())
    }

    /// All PUT and DELETE records after `after_seq`, in order, up to the first that fails its checksum.
    pub fn replay(&self, after_seq: u64) -> Result<Vec<Record>> {
        let mut records = self.iterate()?;
        records.retain(|record| record.seq > after_seq && record.op.is_mutation());
        Ok(records)
    }

    /// All records, in order, up to the first that fails its checksum.
    pub fn iterate(&self) -> Result<Vec<Record>> {
        let mut log = self.log.lock();
        log.active.flush()?;
        let mut all = Vec::new();
        for number in segment_numbers(&log.dir)? {
            let (records, end) = read_segment(&segment_path(&log.dir, number))?;
            all.extend(records);
            if end == End::BadChecksum {
                break;
            }
        }
        Ok(all)
    }

    /// The sequence number of the last record.
    pub fn current_seq_num(&self) -> u64 {
        self.log.lock().seq
    }

    /// Syncs and closes the log.
    pub fn close(self) -> Result<()> {
        self.log.into_inner().flush_and_sync()
    }
}

impl Log {
    /// Numbers a record and puts it into the user-space buffer.
    fn buffer(&mut self, op: Op, key: &str, value: &str) -> Result<u64> {
        let seq = self.seq.checked_add(1);
        let seq = seq.ok_or(Error::Invalid("the sequence numbers are used up"))?;
        let bytes = encode(seq, op, key, value)?;
        self.active.write_all(&bytes)?;
        self.seq = seq;
        self.position += bytes.len() as u64;
        Ok(self.seq)
    }

    fn flush_and_sync(&mut self) -> Result<()> {
        self.active.flush()?;
        self.active.get_ref().sync_all()?;
        self.unsynced = 0;
        Ok(())
    }

    fn rotate_if_full(&mut self) -> Result<()> {
        if self.position < self.options.max_file_size {
            return Ok(());
        }
        self.flush_and_sync()?;
        let path = segment_path(&self.dir, self.number + 1);
        let file = File::options().create(true).append(true).open(&path)?; //~ create-without-dir-sync
        self.position = file.metadata()?.len();
        self.active = BufWriter::new(file);
        self.number += 1;
        Ok(())
    }
}

/// The newest segment, opened for append behind whatever it ends in, or the next one if that is full; its number and length.
fn open_active(dir: &Path, max_file_size: u64) -> Result<(BufWriter<File>, u64, u64)> {
    let mut number = 1;
    if let Some(newest) = segment_numbers(dir)?.last() {
        let is_full = fs::metadata(segment_path(dir, *newest))?.len() >= max_file_size;
        number = newest.saturating_add(u64::from(is_full));
    }
    let path = segment_path(dir, number);
    let file = File::options().create(true).append(true).open(&path)?; //~ create-without-dir-sync
    let position = file.metadata()?.len();
    Ok((BufWriter::new(file), number, position))
}

/// Where reading a segment stopped.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// At its end, or in a record that the file is too short for.
    File,
    /// At a record that fails its checksum.
    BadChecksum,
}

fn encode(seq: u64, op: Op, key: &str, value: &str) -> Result<Vec<u8>> {
    let too_long = |_| Error::Invalid("a key or value is limited to 2 GiB");
    let key_len = i32::try_from(key.len()).map_err(too_long)?;
    let value_len = i32::try_from(value.len()).map_err(too_long)?;
    let len = u32::try_from(FIXED_LEN + key.len() + value.len())
        .map_err(|_| Error::Invalid("a record is limited to 4 GiB"))?;
    let mut out = Vec::with_capacity(4 + len as usize);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&crc(op.code(), key.as_bytes(), value.as_bytes()).to_le_bytes());
    out.extend_from_slice(&seq.to_le_bytes());
    out.push(op.code());
    out.extend_from_slice(&key_len.to_le_bytes());
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(&value_len.to_le_bytes());
    out.extend_from_slice(value.as_bytes());
    Ok(out)
}

fn crc(op: u8, key: &[u8], value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[op]);
    hasher.update(key);
    hasher.update(value);
    hasher.finalize()
}

/// All valid records of a segment up to the first bad or partial one.
fn read_segment(path: &Path) -> Result<(Vec<Record>, End)> {
    let bytes = fs::read(path)?;
    let mut fields = Fields::new(&bytes);
    let mut records = Vec::new();
    loop {
        let offset = (bytes.len() - fields.len()) as u64;
        let Some(len) = fields.array().map(u32::from_le_bytes) else {
            return Ok((records, End::File));
        };
        if (len as usize) < FIXED_LEN {
            return Err(Error::corrupt(path, offset, "the record length is too small"));
        }
        let Some(body) = fields.bytes(len as usize) else {
            return Ok((records, End::File));
        };
        let malformed = || Error::corrupt(path, offset, "a field reaches outside its record");
        let (crc_matches, record) = decode(body).ok_or_else(malformed)?;
        if !crc_matches {
            return Ok((records, End::BadChecksum));
        }
        records.push(record.ok_or_else(malformed)?);
    }
}

/// Whether the checksum of `body` holds, and the record it makes up, if any.
fn decode(body: &[u8]) -> Option<(bool, Option<Record>)> {
    let mut fields = Fields::new(body);
    let expected = u32::from_le_bytes(fields.array()?);
    let seq = u64::from_le_bytes(fields.array()?);
    let [op] = fields.array()?;
    let key_len = usize::try_from(i32::from_le_bytes(fields.array()?)).ok()?;
    let key = fields.bytes(key_len)?;
    let _value_len: [u8; 4] = fields.array()?;
    let value = fields.rest();
    let record = || {
        Some(Record {
            seq,
            op: Op::from_code(op)?,
            key: String::from_utf8(key.to_vec()).ok()?,
            value: String::from_utf8(value.to_vec()).ok()?,
        })
    };
    Some((crc(op, key, value) == expected, record()))
}
