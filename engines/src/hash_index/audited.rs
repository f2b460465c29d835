//! The hash-index store as audited.
//!
//! Compaction unlinks its inputs before its outputs are synced, and renames the active file without telling the directory. The names of
//! new files are never synced, a torn tail is kept and appended behind, records have no checksum, and a hint is believed
//! whatever the data file says.
//!
//! Data record, little endian: `f64 timestamp · u32 key_len · u32 value_len · key · value`; length 0 is a tombstone. Hint
//! record: `u32 file · u64 offset · u32 record size · f64 timestamp · u32 key_len · key`.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Options, data_numbers, data_path, hint_path};
use crate::codec::{Fields, put_sized};
use crate::error::{Error, Result};

const HEADER_LEN: usize = 8 + 4 + 4;

/// A hash-index store; see the [module](self) for what it loses.
#[derive(Debug)]
pub struct HashIndex {
    dir: PathBuf,
    options: Options,
    active: File,
    active_number: u64,
    position: u64,
    index: HashMap<String, Location>,
}

/// Where the newest record of a key is.
#[derive(Debug, Clone, Copy)]
struct Location {
    file: u64,
    offset: u64,
    size: u64,
    timestamp: f64,
}

impl HashIndex {
    /// Opens the store in `dir`, creating both if absent.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self> {
        let dir = dir.as_ref().to_owned();
        fs::create_dir_all(&dir)?;
        let mut index = HashMap::new();
        let numbers = data_numbers(&dir)?;
        for &number in &numbers {
            if hint_path(&dir, number).exists() {
                load_hint(&dir, number, &mut index)?;
            } else {
                load_data(&dir, number, &mut index)?;
            }
        }
        let active_number = numbers.last().copied().unwrap_or(0);
        let path = data_path(&dir, active_number);
        let active = File::options().create(true).append(true).open(&path)?; //~ create-without-dir-sync
        let position = active.metadata()?.len();
        Ok(Self { dir, options, active, active_number, position, index })
    }

    /// Sets `key` to `value`. An empty value cannot be told from an absent one.
    pub fn put(&mut self, key: &str, value: &str) -> Result<()> {
        let location = self.append(key, value)?;
        if value.is_empty() {
            self.index.remove(key);
        } else {
            self.index.insert(key.to_owned(), location);
        }
        Ok(())
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Result<Option<String>> {
        let Some(location) = self.index.get(key) else {
            return Ok(None);
        };
        let path = data_path(&self.dir, location.file);
        let malformed = || Error::corrupt(&path, location.offset, "not a record");
        let record = read_record(&path, location)?;
        let value = record.get(HEADER_LEN + key.len()..).ok_or_else(malformed)?;
        let value = String::from_utf8(value.to_vec()).map_err(|_| malformed())?;
        Ok(Some(value))
    }

    /// Removes `key`, if it is there.
    pub fn delete(&mut self, key: &str) -> Result<()> {
        self.append(key, "")?;
        self.index.remove(key);
        Ok(())
    }

    /// All keys, in no order.
    pub fn keys(&self) -> Vec<String> {
        self.index.keys().cloned().collect()
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Whether `key` has a value.
    pub fn contains(&self, key: &str) -> bool {
        self.index.contains_key(key)
    }

    /// Copies the live records of all files but the active one together and unlinks those files.
    pub fn compact(&mut self) -> Result<()> {
        let mut inputs = data_numbers(&self.dir)?;
        inputs.retain(|number| *number != self.active_number);
        if inputs.is_empty() {
            return Ok(());
        }
        let mut newest = newest_records(&self.dir, &inputs)?;
        newest.retain(|key, _| {
            let location = self.index.get(key);
            location.is_some_and(|location| inputs.contains(&location.file))
        });
        let last_output = self.write_outputs(newest)?;
        for &number in &inputs {
            fs::remove_file(data_path(&self.dir, number))?; //~ delete-before-sync
            if hint_path(&self.dir, number).exists() {
                fs::remove_file(hint_path(&self.dir, number))?;
            }
        }
        self.move_active(last_output + 1)
    }

    /// Closes the store.
    pub fn close(self) -> Result<()> {
        Ok(())
    }

    /// Appends a record to the active file; where it is.
    fn append(&mut self, key: &str, value: &str) -> Result<Location> {
        if self.position >= self.options.max_file_size {
            self.rotate()?;
        }
        let timestamp = now();
        let record = encode(timestamp, key, value)?;
        self.active.write_all(&record)?; //~ INFO ack-before-sync
        if self.options.sync_writes {
            self.active.sync_all()?;
        }
        let location =
            Location { file: self.active_number, offset: self.position, size: record.len() as u64, timestamp };
        self.position += location.size;
        Ok(location)
    }

    fn rotate(&mut self) -> Result<()> {
        let path = data_path(&self.dir, self.active_number + 1);
        self.active = File::options().create(true).append(true).open(&path)?; //~ create-without-dir-sync
        self.active_number += 1;
        self.position = self.active.metadata()?.len();
        Ok(())
    }

    /// Writes `records` to new data files with hints, and points the index at them; the number of the last file.
    fn write_outputs(&mut self, records: BTreeMap<String, (f64, Vec<u8>)>) -> Result<u64> {
        let mut number = self.active_number + 1;
        let mut output = BufWriter::new(open_output(&self.dir, number)?);
        let mut position = 0;
        let mut hint = Vec::new();
        for (key, (timestamp, record)) in records {
            if position >= self.options.max_file_size {
                output.flush()?;
                write_hint(&self.dir, number, &hint)?;
                number += 1;
                output = BufWriter::new(open_output(&self.dir, number)?);
                position = 0;
                hint.clear();
            }
            output.write_all(&record)?;
            let location = Location { file: number, offset: position, size: record.len() as u64, timestamp };
            position += location.size;
            encode_hint(&mut hint, &key, &location)?;
            self.index.insert(key, location);
        }
        output.flush()?;
        write_hint(&self.dir, number, &hint)?;
        Ok(number)
    }

    /// Gives the active file a number above those of the outputs, so that it stays the newest.
    fn move_active(&mut self, number: u64) -> Result<()> {
        let path = data_path(&self.dir, number);
        fs::rename(data_path(&self.dir, self.active_number), &path)?; //~ rename-without-dir-sync
        for location in self.index.values_mut() {
            if location.file == self.active_number {
                location.file = number;
            }
        }
        self.active = File::options().append(true).open(&path)?;
        self.active_number = number;
        Ok(())
    }
}

fn now() -> f64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.map_or(0.0, |duration| duration.as_secs_f64())
}

fn encode(timestamp: f64, key: &str, value: &str) -> Result<Vec<u8>> {
    let too_long = |_| Error::Invalid("keys and values are limited to 4 GiB");
    let key_len = u32::try_from(key.len()).map_err(too_long)?;
    let value_len = u32::try_from(value.len()).map_err(too_long)?;
    let mut out = Vec::with_capacity(HEADER_LEN + key.len() + value.len());
    out.extend_from_slice(&timestamp.to_le_bytes());
    out.extend_from_slice(&key_len.to_le_bytes());
    out.extend_from_slice(&value_len.to_le_bytes());
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(value.as_bytes());
    Ok(out)
}

/// A record as its header describes it; the payload may be shorter than that.
struct Found<'a> {
    timestamp: f64,
    key: String,
    is_tombstone: bool,
    size: u64,
    offset: u64,
    bytes: &'a [u8],
}

/// All records of a data file up to the first short header. A short payload goes unnoticed.
fn scan<'a>(path: &Path, file: &'a [u8]) -> Result<Vec<Found<'a>>> {
    let mut found = Vec::new();
    let mut offset = 0;
    while let Some(bytes) = file.get(offset..).filter(|bytes| bytes.len() >= HEADER_LEN) {
        let mut fields = Fields::new(bytes);
        let (Some(timestamp), Some(key_len), Some(value_len)) = (fields.array(), fields.array(), fields.array()) else {
            break;
        };
        let key_len = u32::from_le_bytes(key_len) as usize;
        let value_len = u32::from_le_bytes(value_len) as usize;
        let key = fields.bytes(key_len.min(fields.len())).unwrap_or_default();
        let size = HEADER_LEN + key_len + value_len;
        let not_utf8 = |_| Error::corrupt(path, offset as u64, "a key that is not UTF-8");
        found.push(Found {
            timestamp: f64::from_le_bytes(timestamp),
            key: String::from_utf8(key.to_vec()).map_err(not_utf8)?,
            is_tombstone: value_len == 0,
            size: size as u64,
            offset: offset as u64,
            bytes: &bytes[..size.min(bytes.len())],
        });
        offset += size;
    }
    Ok(found)
}

fn load_data(dir: &Path, number: u64, index: &mut HashMap<String, Location>) -> Result<()> {
    let path = data_path(dir, number);
    let bytes = fs::read(&path)?;
    for found in scan(&path, &bytes)? {
        if found.is_tombstone {
            index.remove(&found.key);
            continue;
        }
        let location = Location { file: number, offset: found.offset, size: found.size, timestamp: found.timestamp };
        index.insert(found.key, location);
    }
    Ok(())
}

/// The newest record, by timestamp, of every key in the data files `inputs` that has not been deleted there.
fn newest_records(dir: &Path, inputs: &[u64]) -> Result<BTreeMap<String, (f64, Vec<u8>)>> {
    let mut newest: BTreeMap<String, (f64, Vec<u8>)> = BTreeMap::new();
    for &number in inputs {
        let path = data_path(dir, number);
        let bytes = fs::read(&path)?;
        for found in scan(&path, &bytes)? {
            let is_newer = newest.get(&found.key).is_none_or(|(timestamp, _)| found.timestamp > *timestamp);
            if found.is_tombstone {
                newest.remove(&found.key);
            } else if is_newer {
                newest.insert(found.key, (found.timestamp, found.bytes.to_vec()));
            }
        }
    }
    Ok(newest)
}

fn open_output(dir: &Path, number: u64) -> Result<File> {
    let path = data_path(dir, number);
    let output = File::options().create(true).append(true).open(&path)?;
    Ok(output)
}

fn encode_hint(out: &mut Vec<u8>, key: &str, location: &Location) -> Result<()> {
    let too_large = |_| Error::Invalid("hints are limited to 2^32 files and 4 GiB records");
    let file = u32::try_from(location.file).map_err(too_large)?;
    let size = u32::try_from(location.size).map_err(too_large)?;
    out.extend_from_slice(&file.to_le_bytes());
    out.extend_from_slice(&location.offset.to_le_bytes());
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(&location.timestamp.to_le_bytes());
    put_sized(out, key.as_bytes());
    Ok(())
}

fn write_hint(dir: &Path, number: u64, hint: &[u8]) -> Result<()> {
    let mut file = BufWriter::new(File::create(hint_path(dir, number))?);
    file.write_all(hint)?;
    file.flush()?;
    Ok(())
}

fn load_hint(dir: &Path, number: u64, index: &mut HashMap<String, Location>) -> Result<()> {
    let bytes = fs::read(hint_path(dir, number))?;
    let mut fields = Fields::new(&bytes);
    while let Some((key, location)) = decode_hint(&mut fields) {
        index.insert(key, location);
    }
    Ok(())
}

/// The next record of a hint; a short one ends it silently.
fn decode_hint(fields: &mut Fields<'_>) -> Option<(String, Location)> {
    let location = Location {
        file: u64::from(u32::from_le_bytes(fields.array()?)),
        offset: u64::from_le_bytes(fields.array()?),
        size: u64::from(u32::from_le_bytes(fields.array()?)),
        timestamp: f64::from_le_bytes(fields.array()?),
    };
    Some((fields.sized_string()?, location))
}

/// The bytes of a record, as many as there are.
fn read_record(path: &Path, location: &Location) -> Result<Vec<u8>> {
    let file = File::open(path)?;
    let available = file.metadata()?.len().saturating_sub(location.offset);
    let mut bytes = vec![0; location.size.min(available) as usize];
    file.read_exact_at(&mut bytes, location.offset)?;
    Ok(bytes)
}
