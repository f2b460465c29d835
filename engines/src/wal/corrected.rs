//! The write-ahead log, crash-safe.
//!
//! * A segment is built as `*.tmp`, synced, renamed and its directory synced before the first record goes into it. Its header holds
//!   the first sequence number, so that the numbering survives the truncation of everything before.
//! * A segment is synced before its successor is made: only the newest can have a torn tail. That tail is cut at open, and
//!   the cut synced, before anything is appended. Damage anywhere else is an error.
//! * A batch starts with a BEGIN frame that holds its length, and is written at once. If its tail is missing, it is cut as a whole.
//! * [`truncate`](WriteAheadLog::truncate) rewrites nothing: it makes a low-water mark durable, then unlinks the segments wholly below it.
//! * The records found at open are synced once more before they are shown: the process that wrote them may have died first.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{Op, Options, Record, SyncMode, segment_numbers, segment_path};
use crate::codec::{Fields, put_sized};
use crate::durable::{self, DirLock};
use crate::error::{Error, Result};
use crate::files;
use crate::frame::{self, FILE_HEADER_LEN, Frame, Tail};

const SEGMENT_MAGIC: [u8; 8] = *b"WALSEGM1";
const LOW_WATER_MAGIC: [u8; 8] = *b"WALLOWM1";

/// Far beyond what a log can reach, and far enough from overflow.
const MAX_SEQ: u64 = 1 << 62;

/// The code of the frame that opens a batch. It has no sequence number of its own and is not a [`Record`].
const BEGIN: u8 = 5;

/// A write-ahead log. When a method returns `Ok` its records survive a power cut, unless [`Options::sync_mode`] says otherwise.
#[derive(Debug)]
pub struct WriteAheadLog {
    shared: Arc<Shared>,
    /// Bounds in time what [`SyncMode::Batch`] may lose.
    syncer: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    log: Mutex<Log>,
    /// Wakes the syncer of [`SyncMode::Batch`].
    changed: Condvar,
}

#[derive(Debug)]
struct Log {
    dir: PathBuf,
    options: Options,
    /// All segments, oldest first; the last is the active one.
    segments: Vec<Segment>,
    active: File,
    /// Length of the active segment.
    position: u64,
    /// How much of the active segment is synced.
    durable: u64,
    /// Number of the last record.
    seq: u64,
    /// Records up to this one are truncated.
    low_water: u64,
    unsynced: u32,
    /// When the oldest unsynced record was written.
    unsynced_since: Option<Instant>,
    /// Set while a write is under way, so that one that fails leaves it set.
    poisoned: bool,
    closed: bool,
    _lock: DirLock,
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    number: u64,
    first_seq: u64,
}

impl WriteAheadLog {
    /// Opens the log in `dir`, creating both if absent, cuts a torn tail, and continues its numbering.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self> {
        let is_timed = options.sync_mode == SyncMode::Batch;
        let delay = options.batch_sync_delay;
        let shared = Arc::new(Shared { log: Mutex::new(Log::open(dir.as_ref(), options)?), changed: Condvar::new() });
        let syncer = is_timed.then(|| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || sync_overdue(&shared, delay))
        });
        Ok(Self { shared, syncer })
    }

    /// Appends one record and returns its sequence number.
    pub fn append(&self, op: Op, key: &str, value: &str) -> Result<u64> {
        let mut log = self.shared.log.lock();
        let seq = log.seq + 1;
        let mut bytes = Vec::new();
        log.encode(&mut bytes, op.code(), seq, key, value)?;
        log.write(&bytes, seq)?;
        if log.sync_is_due() {
            log.sync()?;
        } else {
            self.shared.changed.notify_one();
        }
        log.rotate_if_full()?;
        Ok(seq)
    }

    /// Appends `entries` and a COMMIT, whose sequence number it returns. After a crash all of them are there, or none.
    pub fn append_batch(&self, entries: &[(Op, &str, &str)]) -> Result<u64> {
        let mut log = self.shared.log.lock();
        let mut seq = log.seq + 1;
        let mut bytes = Vec::new();
        log.encode(&mut bytes, BEGIN, seq, "", &entries.len().to_string())?;
        for (op, key, value) in entries {
            log.encode(&mut bytes, op.code(), seq, key, value)?;
            seq += 1;
        }
        log.encode(&mut bytes, Op::Commit.code(), seq, "", "")?;
        log.write(&bytes, seq)?;
        log.sync()?;
        log.rotate_if_full()?;
        Ok(seq)
    }

    /// Marks that everything so far is durable elsewhere.
    pub fn checkpoint(&self) -> Result<u64> {
        let mut log = self.shared.log.lock();
        let seq = log.seq + 1;
        let mut bytes = Vec::new();
        log.encode(&mut bytes, Op::Checkpoint.code(), seq, "", "")?;
        log.write(&bytes, seq)?;
        log.sync()?;
        log.rotate_if_full()?;
        Ok(seq)
    }

    /// Forgets all records up to and including `up_to_seq`.
    pub fn truncate(&self, up_to_seq: u64) -> Result<()> {
        let mut log = self.shared.log.lock();
        // A mark above the last durable record would hide records that get the same numbers after a crash.
        log.sync()?;
        log.poisoned = true;
        let low_water = up_to_seq.min(log.seq);
        if low_water > log.low_water {
            let mark = frame::file_header(LOW_WATER_MAGIC, low_water);
            durable::replace_file(&low_water_path(&log.dir), &mark)?;
            log.low_water = low_water;
        }
        log.remove_covered_segments()?;
        log.poisoned = false;
        Ok(())
    }

    /// All PUT and DELETE records after `after_seq`, in order.
    pub fn replay(&self, after_seq: u64) -> Result<Vec<Record>> {
        let mut records = self.iterate()?;
        records.retain(|record| record.seq > after_seq && record.op.is_mutation());
        Ok(records)
    }

    /// All records that are not truncated, in order.
    pub fn iterate(&self) -> Result<Vec<Record>> {
        let log = self.shared.log.lock();
        let mut all = Vec::new();
        for (i, segment) in log.segments.iter().enumerate() {
            let is_active = i + 1 == log.segments.len();
            let path = segment_path(&log.dir, segment.number);
            let mut bytes = fs::read(&path)?;
            if is_active {
                bytes.truncate(usize::try_from(log.position).unwrap_or(usize::MAX));
            }
            let content = read_segment(&path, &bytes)?;
            if content.valid_len != bytes.len() as u64 {
                return Err(Error::corrupt(&path, content.valid_len, "a bad record"));
            }
            all.extend(content.records);
        }
        all.retain(|record| record.seq > log.low_water);
        Ok(all)
    }

    /// The sequence number of the last record.
    pub fn current_seq_num(&self) -> u64 {
        self.shared.log.lock().seq
    }

    /// Makes everything appended so far durable, whatever the mode.
    pub fn sync(&self) -> Result<()> {
        self.shared.log.lock().sync()
    }

    /// Syncs and closes the log.
    pub fn close(self) -> Result<()> {
        self.shared.log.lock().sync()
    }
}

/// Stops the syncer. Best effort only: [`close`](WriteAheadLog::close) is what makes records durable.
impl Drop for WriteAheadLog {
    fn drop(&mut self) {
        self.shared.log.lock().closed = true;
        self.shared.changed.notify_one();
        if let Some(syncer) = self.syncer.take() {
            // A syncer that panicked has nothing left to stop.
            let _ = syncer.join();
        }
    }
}

/// Syncs records that have waited for `delay`, until the log is closed or poisoned.
fn sync_overdue(shared: &Shared, delay: Duration) {
    let mut log = shared.log.lock();
    while !log.closed {
        match log.unsynced_since {
            None => shared.changed.wait(&mut log),
            Some(since) if since.elapsed() >= delay => {
                if log.sync().is_err() {
                    return; // the log is poisoned: the next append says so
                }
            }
            Some(since) => {
                shared.changed.wait_until(&mut log, since + delay);
            }
        }
    }
}

impl Log {
    fn open(dir: &Path, options: Options) -> Result<Self> {
        durable::create_dir_durably(dir)?;
        let lock = DirLock::acquire(dir)?;
        for leftover in files::with_suffix(dir, &[".tmp"])? {
            fs::remove_file(leftover)?;
        }
        let low_water = read_low_water(dir)?;
        if segment_numbers(dir)?.is_empty() {
            if low_water > 0 {
                return Err(Error::corrupt(dir, 0, "all segments are gone"));
            }
            create_segment(dir, 1, 1)?;
        }
        // The mark and the names found may be volatile: their maker may have died before it could sync them. Nothing must be removed on
        // the word of a mark that can still vanish.
        durable::sync_dir(dir)?;
        let recovered = recover(dir, low_water)?;
        let mut log = Self {
            dir: dir.to_owned(),
            options,
            segments: recovered.segments,
            active: recovered.active,
            position: recovered.len,
            durable: recovered.len,
            seq: recovered.seq.max(low_water),
            low_water,
            unsynced: 0,
            unsynced_since: None,
            poisoned: false,
            closed: false,
            _lock: lock,
        };
        log.rotate_if_full()?;
        Ok(log)
    }

    /// Appends a frame to `bytes`, which will be written at the end of the active segment.
    fn encode(&self, bytes: &mut Vec<u8>, code: u8, seq: u64, key: &str, value: &str) -> Result<()> {
        if u32::try_from(key.len()).is_err() {
            return Err(Error::Invalid("a key is limited to 4 GiB"));
        }
        let mut payload = Vec::with_capacity(13 + key.len() + value.len());
        payload.push(code);
        payload.extend_from_slice(&seq.to_le_bytes());
        put_sized(&mut payload, key.as_bytes());
        payload.extend_from_slice(value.as_bytes());
        let offset = self.position + bytes.len() as u64;
        frame::encode(bytes, self.salt(), offset, self.durable, &payload)
    }

    /// Hands records up to number `seq` to the system; they are not durable yet.
    fn write(&mut self, bytes: &[u8], seq: u64) -> Result<()> {
        self.refuse_if_poisoned()?;
        self.poisoned = true;
        self.active.write_all(bytes)?;
        self.poisoned = false;
        self.position += bytes.len() as u64;
        self.seq = seq;
        self.unsynced += 1;
        self.unsynced_since.get_or_insert_with(Instant::now);
        Ok(())
    }

    fn sync_is_due(&self) -> bool {
        match self.options.sync_mode {
            SyncMode::Sync => true,
            SyncMode::Batch => self.unsynced >= self.options.batch_sync_count,
            SyncMode::None => false,
        }
    }

    fn sync(&mut self) -> Result<()> {
        self.refuse_if_poisoned()?;
        self.poisoned = true;
        self.active.sync_all()?;
        self.poisoned = false;
        self.durable = self.position;
        self.unsynced = 0;
        self.unsynced_since = None;
        Ok(())
    }

    fn rotate_if_full(&mut self) -> Result<()> {
        if self.position < self.options.max_file_size || self.position <= FILE_HEADER_LEN {
            return Ok(());
        }
        self.sync()?;
        self.poisoned = true;
        let next =
            Segment { number: self.segments.last().map_or(1, |segment| segment.number + 1), first_seq: self.seq + 1 };
        self.active = create_segment(&self.dir, next.number, next.first_seq)?;
        self.poisoned = false;
        self.segments.push(next);
        self.position = FILE_HEADER_LEN;
        self.durable = FILE_HEADER_LEN;
        Ok(())
    }

    /// Unlinks the segments wholly below the durable low-water mark, oldest first. The newest one stays: it carries the numbering.
    fn remove_covered_segments(&mut self) -> Result<()> {
        let is_covered = |next: &&Segment| next.first_seq <= self.low_water + 1;
        let covered = self.segments.iter().skip(1).take_while(is_covered).count();
        for segment in &self.segments[..covered] {
            match fs::remove_file(segment_path(&self.dir, segment.number)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result?,
            }
        }
        durable::sync_dir(&self.dir)?;
        self.segments.drain(..covered);
        Ok(())
    }

    fn refuse_if_poisoned(&self) -> Result<()> {
        if self.poisoned { Err(Error::Poisoned) } else { Ok(()) }
    }

    /// What makes the frames of the active segment differ from those of any other.
    fn salt(&self) -> u64 {
        self.segments.last().map_or(1, |segment| segment.first_seq)
    }
}

/// Makes an empty segment with a durable name, open for writing behind its header.
fn create_segment(dir: &Path, number: u64, first_seq: u64) -> Result<File> {
    let path = segment_path(dir, number);
    let tmp = durable::tmp_path(&path);
    let mut file = File::create(&tmp)?;
    file.write_all(&frame::file_header(SEGMENT_MAGIC, first_seq))?;
    file.sync_all()?;
    fs::rename(&tmp, &path)?;
    durable::sync_dir(dir)?;
    Ok(file)
}

/// What the segments of a log hold.
struct Recovered {
    segments: Vec<Segment>,
    active: File,
    len: u64,
    seq: u64,
}

/// Checks all segments that the low-water mark does not cover, unlinks the others, cuts the torn tail of the newest, and opens it.
fn recover(dir: &Path, low_water: u64) -> Result<Recovered> {
    let numbers = segment_numbers(dir)?;
    let mut segments: Vec<Segment> = Vec::new();
    let mut newest = None;
    for &number in numbers.iter().rev() {
        let path = segment_path(dir, number);
        let bytes = fs::read(&path)?;
        let content = read_segment(&path, &bytes)?;
        let last_seq = content.first_seq - 1 + content.records.len() as u64;
        match segments.last() {
            None => newest = Some((content.valid_len, last_seq)),
            Some(next) if next.number != number + 1 || next.first_seq != last_seq + 1 => {
                return Err(Error::corrupt(&path, 0, "the segment after this one is missing"));
            }
            Some(_) if content.valid_len != bytes.len() as u64 => {
                return Err(Error::corrupt(&path, content.valid_len, "a bad record in a sealed segment"));
            }
            Some(_) => {}
        }
        segments.push(Segment { number, first_seq: content.first_seq });
        if content.first_seq <= low_water + 1 {
            break;
        }
    }
    segments.reverse();
    let (Some(oldest), Some((len, seq))) = (segments.first().copied(), newest) else {
        return Err(Error::corrupt(dir, 0, "all segments are gone"));
    };
    if oldest.first_seq > low_water + 1 {
        let path = segment_path(dir, oldest.number);
        return Err(Error::corrupt(&path, 0, "the segment before this one is missing"));
    }
    // Unlinks that a crash interrupted. They need no order: the mark covers what they held.
    for number in numbers.iter().take_while(|number| **number < oldest.number) {
        fs::remove_file(segment_path(dir, *number))?;
    }
    let newest_path = segment_path(dir, segments[segments.len() - 1].number);
    let active = File::options().append(true).open(newest_path)?;
    active.set_len(len)?;
    active.sync_all()?;
    Ok(Recovered { segments, active, len, seq })
}

/// The content of one segment.
struct SegmentContent {
    first_seq: u64,
    records: Vec<Record>,
    /// Where the last complete record or batch ends.
    valid_len: u64,
}

/// Reads a segment up to its torn tail; damage before that is an error.
fn read_segment(path: &Path, bytes: &[u8]) -> Result<SegmentContent> {
    let first_seq = frame::check_file_header(path, bytes, SEGMENT_MAGIC)?;
    check_seq(path, first_seq)?;
    let (frames, tail) = frame::scan(bytes, first_seq, FILE_HEADER_LEN);
    if let Tail::Corrupt(offset) = tail {
        return Err(Error::corrupt(path, offset, "a bad record before good ones"));
    }
    let mut records = Vec::new();
    let mut complete = 0;
    let mut valid_len = FILE_HEADER_LEN;
    let mut left_in_batch = 0_u64;
    for frame in frames {
        let malformed = |what| Error::corrupt(path, frame.offset, what);
        let entry = decode(&frame).ok_or_else(|| malformed("a malformed record"))?;
        let expected = first_seq.checked_add(records.len() as u64);
        match entry {
            Entry::Begin { seq, len } if left_in_batch == 0 && Some(seq) == expected => {
                left_in_batch = len.saturating_add(1);
                continue;
            }
            Entry::Record(record) if Some(record.seq) == expected => records.push(record),
            _ => return Err(malformed("a record out of sequence")),
        }
        left_in_batch = left_in_batch.saturating_sub(1);
        if left_in_batch == 0 {
            complete = records.len();
            valid_len = frame.end;
        }
    }
    records.truncate(complete);
    Ok(SegmentContent { first_seq, records, valid_len })
}

/// What a frame holds.
enum Entry {
    Record(Record),
    /// The start of a batch whose first record is number `seq`: `len` records and a COMMIT.
    Begin {
        seq: u64,
        len: u64,
    },
}

fn decode(frame: &Frame<'_>) -> Option<Entry> {
    let mut fields = Fields::new(frame.payload);
    let [code] = fields.array()?;
    let seq = u64::from_le_bytes(fields.array()?);
    let key = fields.sized_string()?;
    let value = String::from_utf8(fields.rest().to_vec()).ok()?;
    if code == BEGIN {
        let len = value.parse().ok()?;
        return Some(Entry::Begin { seq, len });
    }
    let op = Op::from_code(code)?;
    Some(Entry::Record(Record { seq, op, key, value }))
}

fn low_water_path(dir: &Path) -> PathBuf {
    dir.join("low-water-mark")
}

/// The durable low-water mark of the log in `dir`; 0 if nothing was ever truncated.
fn read_low_water(dir: &Path) -> Result<u64> {
    let path = low_water_path(dir);
    match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error.into()),
        Ok(bytes) => {
            let seq = frame::check_file_header(&path, &bytes, LOW_WATER_MAGIC)?;
            check_seq(&path, seq)
        }
    }
}

/// Refuses a number that no log can have reached.
fn check_seq(path: &Path, seq: u64) -> Result<u64> {
    if seq == 0 || seq > MAX_SEQ {
        return Err(Error::corrupt(path, 12, "an impossible sequence number"));
    }
    Ok(seq)
}
