//! The log-structured hash table, crash-safe.
//!
//! * The manifest lists the live segments in order. What it does not list is garbage of an interrupted rotation or compaction and is removed
//!   at open; what it lists must be there and whole.
//! * A new segment is synced, and its name is, before the manifest lists it, and listed before a record in it is acknowledged.
//! * Compaction checks every record of the frozen segments, and stops at a bad one rather than drop it. The output is written as
//!   `*.tmp`, synced, renamed, its directory synced; then the manifest is switched; only then are the frozen segments unlinked. The
//!   active segment is left alone.
//! * A hint depends on its segment alone, which never changes again, and holds tombstones too: no mix of old and new hints can
//!   bring a deleted key back. It names its segment's length and has a checksum; one that does not fit is ignored.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Options, SegmentInfo, hint_path, segment_ids, segment_path};
use crate::durable::{self, DirLock};
use crate::error::{Error, Result};
use crate::files;
use crate::frame::{self, FILE_HEADER_LEN, Tail};
use crate::hint::Slots;
use crate::manifest::{LiveFiles, SealedFile};
use crate::policy::SyncPolicy;
use crate::record::Record;

const SEGMENT_MAGIC: [u8; 8] = *b"HASHTBL1";

/// A log-structured hash table. When a method returns `Ok` its effect survives a power cut, as far as the [`SyncPolicy`] promises.
#[derive(Debug)]
pub struct HashTable {
    dir: PathBuf,
    options: Options,
    policy: SyncPolicy,
    live: LiveFiles,
    frozen: HashMap<u64, File>,
    active: File,
    /// Length of the active segment.
    position: u64,
    /// How much of the active segment is synced.
    durable: u64,
    unsynced: u32,
    index: HashMap<String, Location>,
    /// How many records each segment has.
    records: BTreeMap<u64, u64>,
    /// Set while a write is under way, so that one that fails leaves it set.
    poisoned: bool,
    _lock: DirLock,
}

/// Where the newest record of a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Location {
    segment: u64,
    offset: u64,
    len: u64,
}

impl HashTable {
    /// Opens the store in `dir`, creating both if absent; every write is durable when it returns.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self> {
        Self::open_with(dir, options, SyncPolicy::Always)
    }

    /// As [`open`](Self::open), with another guarantee.
    pub fn open_with(dir: impl AsRef<Path>, options: Options, policy: SyncPolicy) -> Result<Self> {
        let dir = dir.as_ref();
        durable::create_dir_durably(dir)?;
        let lock = DirLock::acquire(dir)?;
        let live = match LiveFiles::load(dir)? {
            Some(live) => live,
            None => create_store(dir)?,
        };
        // The manifest and the names found may be volatile: their maker may have died before it could sync them. Nothing must be removed
        // on the word of a manifest that can still vanish.
        durable::sync_dir(dir)?;
        remove_garbage(dir, &live)?;
        let (active, position, slots) = recover_active(dir, live.active)?;
        let mut table = Self {
            dir: dir.to_owned(),
            options,
            policy,
            live,
            frozen: HashMap::new(),
            active,
            position,
            durable: position,
            unsynced: 0,
            index: HashMap::new(),
            records: BTreeMap::new(),
            poisoned: false,
            _lock: lock,
        };
        for file in table.live.sealed.clone() {
            let slots = load_frozen(dir, file)?;
            table.index_slots(file.number, slots);
            table.frozen.insert(file.number, File::open(segment_path(dir, file.number))?);
        }
        table.index_slots(table.live.active, slots);
        Ok(table)
    }

    /// Sets `key` to `value`; where in its segment the record is. May compact.
    pub fn put(&mut self, key: &str, value: &[u8]) -> Result<u64> {
        let location = self.append(&Record { key, value: Some(value) })?;
        self.index.insert(key.to_owned(), location);
        if self.live.sealed.len() >= self.options.auto_compact_threshold {
            self.compact()?;
        }
        Ok(location.offset)
    }

    /// The value of `key`, or an error if its record fails its checksum.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let Some(location) = self.index.get(key) else {
            return Ok(None);
        };
        let bytes = self.read(location)?;
        let frame = frame::decode_at(&bytes, location.segment, location.offset);
        let record = frame.and_then(|frame| Record::decode(frame.payload));
        let value = record.filter(|record| record.key == key).and_then(|record| record.value);
        let path = segment_path(&self.dir, location.segment);
        let malformed = || Error::corrupt(&path, location.offset, "a record fails its checksum");
        Ok(Some(value.ok_or_else(malformed)?.to_vec()))
    }

    /// Removes `key`; whether it was there.
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        if !self.index.contains_key(key) {
            return Ok(false);
        }
        self.append(&Record { key, value: None })?;
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

    /// Merges the frozen segments into one; how many stale records that removed. A bad record aborts the compaction; its segment stays.
    pub fn compact(&mut self) -> Result<u64> {
        if self.live.sealed.is_empty() {
            return Ok(0);
        }
        // The frozen segments hold older versions of keys whose newest one may still be volatile in the active segment.
        self.sync()?;
        let merged = self.merge_frozen();
        let merged = self.poison_if_failed(merged)?;
        self.poisoned = true;
        let inputs = std::mem::replace(&mut self.live.sealed, vec![merged.file]);
        self.live.store(&self.dir)?;
        for input in &inputs {
            fs::remove_file(segment_path(&self.dir, input.number))?;
            if hint_path(&self.dir, input.number).exists() {
                fs::remove_file(hint_path(&self.dir, input.number))?;
            }
            self.frozen.remove(&input.number);
            self.records.remove(&input.number);
        }
        durable::sync_dir(&self.dir)?;
        let written = merged.slots.records;
        self.index_slots(merged.file.number, merged.slots);
        self.frozen.insert(merged.file.number, merged.reader);
        self.poisoned = false;
        Ok(merged.seen - written)
    }

    /// Writes a hint for every frozen segment.
    pub fn create_hint_files(&mut self) -> Result<()> {
        self.refuse_if_poisoned()?;
        for file in self.live.sealed.clone() {
            let slots = scan_frozen(&segment_path(&self.dir, file.number), file)?;
            let hint = slots.encode_hint(file.number, file.len);
            self.poisoned = true;
            durable::replace_file(&hint_path(&self.dir, file.number), &hint)?;
            self.poisoned = false;
        }
        Ok(())
    }

    /// Forgets the index and reads all segments again, past the hints.
    pub fn rebuild_index(&mut self) -> Result<()> {
        self.refuse_if_poisoned()?;
        self.index.clear();
        self.records.clear();
        for file in self.live.sealed.clone() {
            let slots = scan_frozen(&segment_path(&self.dir, file.number), file)?;
            self.index_slots(file.number, slots);
        }
        let active = SealedFile { number: self.live.active, len: self.position };
        let slots = scan_frozen(&segment_path(&self.dir, active.number), active)?;
        self.index_slots(active.number, slots);
        Ok(())
    }

    /// All segments, oldest first.
    pub fn segments(&self) -> Result<Vec<SegmentInfo>> {
        let info = |id, size, active| {
            let records = self.records.get(&id).copied().unwrap_or(0);
            SegmentInfo { id, path: segment_path(&self.dir, id), size, records, active }
        };
        let mut segments: Vec<_> = self.live.sealed.iter().map(|file| info(file.number, file.len, false)).collect();
        segments.push(info(self.live.active, self.position, true));
        Ok(segments)
    }

    /// The length of all segments together.
    pub fn total_disk_usage(&self) -> Result<u64> {
        Ok(self.segments()?.iter().map(|segment| segment.size).sum())
    }

    /// The number of segments, the active one included.
    pub fn num_segments(&self) -> Result<usize> {
        Ok(self.live.sealed.len() + 1)
    }

    /// Makes everything written so far durable.
    pub fn sync(&mut self) -> Result<()> {
        self.refuse_if_poisoned()?;
        self.poisoned = true;
        self.active.sync_all()?;
        self.poisoned = false;
        self.durable = self.position;
        self.unsynced = 0;
        Ok(())
    }

    /// Syncs and closes the store.
    pub fn close(mut self) -> Result<()> {
        self.sync()
    }

    fn refuse_if_poisoned(&self) -> Result<()> {
        if self.poisoned { Err(Error::Poisoned) } else { Ok(()) }
    }

    /// Refuses further writes if copying failed for want of a write or sync, rather than at a bad record.
    fn poison_if_failed<T>(&mut self, result: Result<T>) -> Result<T> {
        self.poisoned |= matches!(result, Err(Error::Io(_)));
        result
    }

    /// Appends a record to the active segment; where it is.
    fn append(&mut self, record: &Record<'_>) -> Result<Location> {
        self.refuse_if_poisoned()?;
        if self.position >= self.options.max_segment_size && self.position > FILE_HEADER_LEN {
            self.rotate()?;
        }
        let mut bytes = Vec::new();
        let payload = record.encode()?;
        frame::encode(&mut bytes, self.live.active, self.position, self.durable, &payload)?;
        self.poisoned = true;
        self.active.write_all(&bytes)?;
        self.poisoned = false;
        let location = Location { segment: self.live.active, offset: self.position, len: bytes.len() as u64 };
        self.position += location.len;
        self.unsynced += 1;
        *self.records.entry(self.live.active).or_default() += 1;
        if self.policy.is_due(self.unsynced) {
            self.sync()?;
        }
        Ok(location)
    }

    /// Freezes the active segment and starts the next one.
    fn rotate(&mut self) -> Result<()> {
        self.sync()?;
        self.poisoned = true;
        let id = self.live.next;
        let next = create_segment(&self.dir, id)?;
        let full = SealedFile { number: self.live.active, len: self.position };
        self.live.sealed.push(full);
        self.live.active = id;
        self.live.next += 1;
        self.live.store(&self.dir)?;
        let reader = std::mem::replace(&mut self.active, next);
        self.frozen.insert(full.number, reader);
        self.position = FILE_HEADER_LEN;
        self.durable = FILE_HEADER_LEN;
        self.poisoned = false;
        Ok(())
    }

    fn read(&self, location: &Location) -> Result<Vec<u8>> {
        let file = match self.frozen.get(&location.segment) {
            Some(file) => file,
            None if location.segment == self.live.active => &self.active,
            None => return Err(Error::Poisoned),
        };
        let mut bytes = vec![0; location.len as usize];
        file.read_exact_at(&mut bytes, location.offset)?;
        Ok(bytes)
    }

    /// Copies the live records of the frozen segments to a new one, durable together with its name but not listed yet.
    fn merge_frozen(&mut self) -> Result<Merged> {
        let number = self.live.next;
        self.live.next += 1;
        let path = segment_path(&self.dir, number);
        let tmp = durable::tmp_path(&path);
        let mut out = BufWriter::new(File::create(&tmp)?);
        out.write_all(&frame::file_header(SEGMENT_MAGIC, number))?;
        let mut len = FILE_HEADER_LEN;
        let mut slots = Slots::default();
        let mut seen = 0;
        for &file in &self.live.sealed {
            let input = segment_path(&self.dir, file.number);
            let bytes = fs::read(&input)?;
            let input_slots = check_frozen(&input, &bytes, file)?;
            seen += input_slots.records;
            for (key, slot) in input_slots.by_key {
                let location = Location { segment: file.number, offset: slot.offset, len: slot.len };
                if self.index.get(&key) != Some(&location) {
                    continue;
                }
                let frame = frame::decode(&bytes, file.number, slot.offset);
                let malformed = || Error::corrupt(&input, slot.offset, "a record fails its checksum");
                let mut copy = Vec::new();
                frame::encode(&mut copy, number, len, 0, frame.ok_or_else(malformed)?.payload)?;
                out.write_all(&copy)?;
                let end = len + copy.len() as u64;
                slots.add(&key, len, end, false);
                len = end;
            }
        }
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(&tmp, &path)?;
        durable::sync_dir(&self.dir)?;
        let reader = File::open(&path)?;
        Ok(Merged { file: SealedFile { number, len }, slots, reader, seen })
    }

    /// Applies the records of a segment that is newer than all that the index knows.
    fn index_slots(&mut self, segment: u64, slots: Slots) {
        self.records.insert(segment, slots.records);
        for (key, slot) in slots.by_key {
            if slot.is_tombstone {
                self.index.remove(&key);
            } else {
                self.index.insert(key, Location { segment, offset: slot.offset, len: slot.len });
            }
        }
    }
}

/// The output of a compaction.
struct Merged {
    file: SealedFile,
    slots: Slots,
    reader: File,
    /// How many records its inputs had.
    seen: u64,
}

/// Makes an empty segment, durable together with its name.
fn create_segment(dir: &Path, id: u64) -> Result<File> {
    let mut options = File::options();
    options.read(true).append(true).create_new(true);
    let mut segment = options.open(segment_path(dir, id))?;
    segment.write_all(&frame::file_header(SEGMENT_MAGIC, id))?;
    segment.sync_all()?;
    durable::sync_dir(dir)?;
    Ok(segment)
}

/// Makes the first segment and the first manifest. Segments without a manifest are refused, unless they are the empty one that an
/// earlier attempt left.
fn create_store(dir: &Path) -> Result<LiveFiles> {
    for id in segment_ids(dir)? {
        let path = segment_path(dir, id);
        if id > 0 || fs::metadata(&path)?.len() > FILE_HEADER_LEN {
            return Err(Error::corrupt(&path, 0, "a segment, but no manifest"));
        }
        fs::remove_file(path)?;
    }
    create_segment(dir, 0)?;
    let live = LiveFiles { next: 1, sealed: Vec::new(), active: 0 };
    live.store(dir)?;
    Ok(live)
}

/// Removes what the manifest does not list: the leftovers of an interrupted rotation or compaction.
fn remove_garbage(dir: &Path, live: &LiveFiles) -> Result<()> {
    for leftover in files::with_suffix(dir, &[".tmp"])? {
        fs::remove_file(leftover)?;
    }
    for id in segment_ids(dir)? {
        if !live.contains(id) {
            fs::remove_file(segment_path(dir, id))?;
        }
    }
    for id in files::numbered(dir, "segment_", ".hint")? {
        if !live.contains(id) {
            fs::remove_file(hint_path(dir, id))?;
        }
    }
    Ok(())
}

/// What a frozen segment holds, by its hint if that fits.
fn load_frozen(dir: &Path, file: SealedFile) -> Result<Slots> {
    let path = segment_path(dir, file.number);
    if fs::metadata(&path)?.len() != file.len {
        return Err(Error::corrupt(&path, file.len, "a frozen segment of the wrong length"));
    }
    if let Ok(hint) = fs::read(hint_path(dir, file.number))
        && let Some(slots) = Slots::decode_hint(&hint, file.number, file.len)
    {
        return Ok(slots);
    }
    scan_frozen(&path, file)
}

/// What a segment holds by its data, which must be whole.
fn scan_frozen(path: &Path, file: SealedFile) -> Result<Slots> {
    check_frozen(path, &fs::read(path)?, file)
}

fn check_frozen(path: &Path, bytes: &[u8], file: SealedFile) -> Result<Slots> {
    check_id(path, bytes, file.number)?;
    let (frames, tail) = frame::scan(bytes, file.number, FILE_HEADER_LEN);
    if let Tail::Torn(offset) | Tail::Corrupt(offset) = tail {
        return Err(Error::corrupt(path, offset, "a bad record in a frozen segment"));
    }
    if bytes.len() as u64 != file.len {
        return Err(Error::corrupt(path, file.len, "a frozen segment of the wrong length"));
    }
    Slots::of_frames(path, &frames)
}

/// Opens the active segment for append behind its last valid record; its length and content.
fn recover_active(dir: &Path, id: u64) -> Result<(File, u64, Slots)> {
    let path = segment_path(dir, id);
    let bytes = fs::read(&path)?;
    check_id(&path, &bytes, id)?;
    let (frames, tail) = frame::scan(&bytes, id, FILE_HEADER_LEN);
    let len = match tail {
        Tail::Clean => bytes.len() as u64,
        Tail::Torn(offset) => offset,
        Tail::Corrupt(offset) => {
            return Err(Error::corrupt(&path, offset, "a bad record before good ones"));
        }
    };
    let slots = Slots::of_frames(&path, &frames)?;
    let active = File::options().read(true).append(true).open(&path)?;
    active.set_len(len)?;
    active.sync_all()?;
    Ok((active, len, slots))
}

fn check_id(path: &Path, bytes: &[u8], id: u64) -> Result<()> {
    if frame::check_file_header(path, bytes, SEGMENT_MAGIC)? != id {
        return Err(Error::corrupt(path, 0, "another segment's content"));
    }
    Ok(())
}
