//! The log-structured hash table as audited.
//!
//! Nothing is ever synced: writes are acknowledged from the page cache, compaction unlinks the frozen segments while their copy is still
//! volatile, and the active segment is renamed in that state. What its docs promise, it does not keep. Hints are rewritten in place and believed whatever the data says.
//!
//! Record, big endian: `u32 crc of key and value · u32 key_len · u32 value_len · key · value`; a certain value is the
//! tombstone. Hint record: `u32 key_len · u32 offset · key`.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Options, SegmentInfo, hint_path, segment_ids, segment_path};
use crate::codec::Fields;
use crate::error::{Error, Result};

const TOMBSTONE: &[u8] = b"__BITCASK_TOMBSTONE__";
const HEADER_LEN: usize = 4 + 4 + 4;

/// A log-structured hash table; see the [module](self) for what it loses.
#[derive(Debug)]
pub struct HashTable {
    dir: PathBuf,
    options: Options,
    active: File,
    active_id: u64,
    position: u64,
    index: HashMap<String, Location>,
    /// How many records each segment has.
    records: BTreeMap<u64, u64>,
}

/// A key and the bytes of its record.
type Copied = (String, Vec<u8>);

/// Where the newest record of a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Location {
    segment: u64,
    offset: u64,
}

impl HashTable {
    /// Opens the store in `dir`, creating both if absent.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self> {
        let dir = dir.as_ref().to_owned();
        fs::create_dir_all(&dir)?;
        let ids = segment_ids(&dir)?;
        let active_id = ids.last().copied().unwrap_or(0);
        let path = segment_path(&dir, active_id);
        let active = File::options().create(true).append(true).open(&path)?;
        let position = active.metadata()?.len();
        let index = HashMap::new();
        let mut table = Self { dir, options, active, active_id, position, index, records: BTreeMap::new() };
        for id in ids {
            if hint_path(&table.dir, id).exists() {
                table.load_hint(id)?;
            } else {
                table.load_segment(id)?;
            }
        }
        Ok(table)
    }

    /// Sets `key` to `value`, durably; where in its segment the record is. May compact.
    pub fn put(&mut self, key: &str, value: &[u8]) -> Result<u64> {
        let location = self.append(key, value)?;
        self.index.insert(key.to_owned(), location);
        if segment_ids(&self.dir)?.len() > self.options.auto_compact_threshold {
            self.compact()?;
        }
        Ok(location.offset)
    }

    /// The value of `key`, or an error if its record fails its checksum.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let Some(location) = self.index.get(key) else {
            return Ok(None);
        };
        let path = segment_path(&self.dir, location.segment);
        let malformed = || Error::corrupt(&path, location.offset, "a record fails its checksum");
        let bytes = read_record(&path, location.offset)?.ok_or_else(malformed)?;
        let record = next_record(&mut Fields::new(&bytes)).filter(|record| record.crc_matches);
        Ok(Some(record.ok_or_else(malformed)?.value.to_vec()))
    }

    /// Removes `key`, durably; whether it was there.
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        if !self.index.contains_key(key) {
            return Ok(false);
        }
        self.append(key, TOMBSTONE)?;
        self.index.remove(key);
        Ok(true)
    }

    /// Whether `key` has a value.
    pub fn contains(&self, key: &str) -> bool {
        self.index.contains_key(key)
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

    /// All live pairs, in no order.
    pub fn iter(&self) -> impl Iterator<Item = Result<(String, Vec<u8>)>> + '_ {
        self.index.keys().filter_map(|key| {
            let value = self.get(key).transpose()?;
            Some(value.map(|value| (key.clone(), value)))
        })
    }

    /// Merges the frozen segments into one; how many stale records that removed.
    pub fn compact(&mut self) -> Result<u64> {
        let mut frozen = segment_ids(&self.dir)?;
        frozen.retain(|id| *id != self.active_id);
        if frozen.is_empty() {
            return Ok(0);
        }
        let (live, seen) = self.live_records(&frozen)?;
        let output_id = self.active_id + 1;
        let mut output = BufWriter::new(File::create(segment_path(&self.dir, output_id))?);
        let mut offset = 0;
        for (key, record) in &live {
            output.write_all(record)?;
            self.index.insert(key.clone(), Location { segment: output_id, offset });
            offset += record.len() as u64;
        }
        output.flush()?;
        for &id in &frozen {
            fs::remove_file(segment_path(&self.dir, id))?; //~ delete-before-sync
            if hint_path(&self.dir, id).exists() {
                fs::remove_file(hint_path(&self.dir, id))?;
            }
            self.records.remove(&id);
        }
        self.records.insert(output_id, live.len() as u64);
        self.move_active(output_id + 1)?;
        Ok(seen - live.len() as u64)
    }

    /// Writes a hint for every frozen segment, over the one it has.
    pub fn create_hint_files(&mut self) -> Result<()> {
        let mut frozen = segment_ids(&self.dir)?;
        frozen.retain(|id| *id != self.active_id);
        for id in frozen {
            let mut hint = BufWriter::new(File::create(hint_path(&self.dir, id))?);
            for (key, location) in self.index.iter().filter(|(_, location)| location.segment == id) {
                let offset = u32::try_from(location.offset);
                let offset = offset.map_err(|_| Error::Invalid("hints are limited to 4 GiB segments"))?;
                hint.write_all(&(key.len() as u32).to_be_bytes())?;
                hint.write_all(&offset.to_be_bytes())?;
                hint.write_all(key.as_bytes())?;
            }
            hint.flush()?; //~ flush-is-not-sync
        }
        Ok(())
    }

    /// Forgets the index and reads all segments again, past the hints.
    pub fn rebuild_index(&mut self) -> Result<()> {
        self.index.clear();
        self.records.clear();
        for id in segment_ids(&self.dir)? {
            self.load_segment(id)?;
        }
        Ok(())
    }

    /// All segments, oldest first.
    pub fn segments(&self) -> Result<Vec<SegmentInfo>> {
        let info = |id| {
            let path = segment_path(&self.dir, id);
            let size = fs::metadata(&path)?.len();
            let records = self.records.get(&id).copied().unwrap_or(0);
            Ok(SegmentInfo { id, path, size, records, active: id == self.active_id })
        };
        segment_ids(&self.dir)?.into_iter().map(info).collect()
    }

    /// The length of all segments together.
    pub fn total_disk_usage(&self) -> Result<u64> {
        Ok(self.segments()?.iter().map(|segment| segment.size).sum())
    }

    /// The number of segments, the active one included.
    pub fn num_segments(&self) -> Result<usize> {
        Ok(segment_ids(&self.dir)?.len())
    }

    /// Closes the store.
    pub fn close(self) -> Result<()> {
        Ok(())
    }

    /// Appends a record to the active segment, durably; where it is.
    fn append(&mut self, key: &str, value: &[u8]) -> Result<Location> {
        if self.position >= self.options.max_segment_size {
            self.rotate()?;
        }
        let record = encode(key, value)?;
        self.active.write_all(&record)?; //~ ack-before-sync
        let location = Location { segment: self.active_id, offset: self.position };
        self.position += record.len() as u64;
        *self.records.entry(self.active_id).or_default() += 1;
        Ok(location)
    }

    fn rotate(&mut self) -> Result<()> {
        let path = segment_path(&self.dir, self.active_id + 1);
        self.active = File::options().create(true).append(true).open(&path)?;
        self.active_id += 1;
        self.position = self.active.metadata()?.len();
        Ok(())
    }

    /// The records of frozen segments that the index points at, and how many records they have in all. Checksums are not looked at.
    fn live_records(&self, frozen: &[u64]) -> Result<(Vec<Copied>, u64)> {
        let mut live = Vec::new();
        let mut seen = 0;
        for &segment in frozen {
            let bytes = fs::read(segment_path(&self.dir, segment))?;
            let mut fields = Fields::new(&bytes);
            let mut offset = 0;
            while let Some(record) = next_record(&mut fields) {
                let end = bytes.len() - fields.len();
                let location = Location { segment, offset: offset as u64 };
                if let Some(key) = record.key.filter(|key| self.index.get(*key) == Some(&location)) {
                    live.push((key.to_owned(), bytes[offset..end].to_vec()));
                }
                seen += 1;
                offset = end;
            }
        }
        Ok((live, seen))
    }

    /// Gives the active segment an id above that of the compaction output, so that it stays the newest.
    fn move_active(&mut self, id: u64) -> Result<()> {
        let path = segment_path(&self.dir, id);
        fs::rename(segment_path(&self.dir, self.active_id), &path)?; //~ rename-before-sync, rename-without-dir-sync
        for location in self.index.values_mut() {
            if location.segment == self.active_id {
                location.segment = id;
            }
        }
        if let Some(records) = self.records.remove(&self.active_id) {
            self.records.insert(id, records);
        }
        self.active = File::options().append(true).open(&path)?;
        self.active_id = id;
        Ok(())
    }

    /// Applies a segment to the index, up to its first short or bad record.
    fn load_segment(&mut self, segment: u64) -> Result<()> {
        let bytes = fs::read(segment_path(&self.dir, segment))?;
        let mut fields = Fields::new(&bytes);
        let mut offset = 0;
        let mut records = 0;
        while let Some(record) = next_record(&mut fields).filter(|record| record.crc_matches) {
            let Some(key) = record.key else { break };
            if record.value == TOMBSTONE {
                self.index.remove(key);
            } else {
                self.index.insert(key.to_owned(), Location { segment, offset });
            }
            records += 1;
            offset = (bytes.len() - fields.len()) as u64;
        }
        self.records.insert(segment, records);
        Ok(())
    }

    /// Applies a hint to the index in place of its segment. A short one ends silently.
    fn load_hint(&mut self, segment: u64) -> Result<()> {
        let bytes = fs::read(hint_path(&self.dir, segment))?;
        let mut fields = Fields::new(&bytes);
        let mut records = 0;
        while let Some((key, offset)) = next_hint(&mut fields) {
            self.index.insert(key, Location { segment, offset });
            records += 1;
        }
        self.records.insert(segment, records);
        Ok(())
    }
}

struct Record<'a> {
    crc_matches: bool,
    /// `None` if it is not UTF-8.
    key: Option<&'a str>,
    value: &'a [u8],
}

/// The next record, or `None` if it is short.
fn next_record<'a>(fields: &mut Fields<'a>) -> Option<Record<'a>> {
    let crc = u32::from_be_bytes(fields.array()?);
    let key_len = u32::from_be_bytes(fields.array()?);
    let value_len = u32::from_be_bytes(fields.array()?);
    let key = fields.bytes(key_len as usize)?;
    let value = fields.bytes(value_len as usize)?;
    Some(Record { crc_matches: crc == checksum(key, value), key: std::str::from_utf8(key).ok(), value })
}

fn next_hint(fields: &mut Fields<'_>) -> Option<(String, u64)> {
    let key_len = u32::from_be_bytes(fields.array()?);
    let offset = u32::from_be_bytes(fields.array()?);
    let key = String::from_utf8(fields.bytes(key_len as usize)?.to_vec()).ok()?;
    Some((key, u64::from(offset)))
}

fn checksum(key: &[u8], value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(value);
    hasher.finalize()
}

fn encode(key: &str, value: &[u8]) -> Result<Vec<u8>> {
    let too_long = |_| Error::Invalid("keys and values are limited to 4 GiB");
    let key_len = u32::try_from(key.len()).map_err(too_long)?;
    let value_len = u32::try_from(value.len()).map_err(too_long)?;
    let mut out = Vec::with_capacity(HEADER_LEN + key.len() + value.len());
    out.extend_from_slice(&checksum(key.as_bytes(), value).to_be_bytes());
    out.extend_from_slice(&key_len.to_be_bytes());
    out.extend_from_slice(&value_len.to_be_bytes());
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(value);
    Ok(out)
}

/// The bytes of the record at `offset`, or `None` if the file is too short for it.
fn read_record(path: &Path, offset: u64) -> Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let available = file.metadata()?.len().saturating_sub(offset);
    if available < HEADER_LEN as u64 {
        return Ok(None);
    }
    let mut header = [0; HEADER_LEN];
    file.read_exact_at(&mut header, offset)?;
    let mut fields = Fields::new(&header[4..]);
    let mut len = HEADER_LEN as u64;
    while let Some(part) = fields.array() {
        len += u64::from(u32::from_be_bytes(part));
    }
    if available < len {
        return Ok(None);
    }
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(Some(bytes))
}
