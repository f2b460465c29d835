//! The LSM tree, crash-safe.
//!
//! * The manifest lists the tables in order and the log that goes with them. What it does not list is garbage of an interrupted flush
//!   or compaction and is removed at open; what it lists must be there and whole.
//! * A flush writes the table as `*.tmp`, syncs it, renames it, syncs the directory; makes the next log, durable together with its name;
//!   switches the manifest; and only then unlinks the old log. No log is ever truncated to be used again.
//! * A compaction does the same with its output and then unlinks its inputs. It merges all tables, so no older version of a key is
//!   left that a dropped tombstone should have hidden. If nothing is left, no table is written.
//! * Log records have a checksum and a sequence number. A torn tail is cut at open; damage elsewhere is an error.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{Options, table_path};
use crate::block_table::{Table, TableWriter};
use crate::codec::Fields;
use crate::durable::{self, DirLock};
use crate::error::{Error, Result};
use crate::files;
use crate::frame::{self, FILE_HEADER_LEN, Tail};
use crate::manifest::{LiveFiles, SealedFile};
use crate::policy::SyncPolicy;
use crate::record::Record;

const LOG_MAGIC: [u8; 8] = *b"LSMTLOG1";

/// The latest versions of some keys; `None` is a tombstone.
type Versions = BTreeMap<String, Option<String>>;

/// An LSM tree. When a method returns `Ok` its effect survives a power cut, as far as the [`SyncPolicy`] promises.
#[derive(Debug)]
pub struct LsmTree {
    dir: PathBuf,
    options: Options,
    policy: SyncPolicy,
    /// The tables, oldest first, and the log as the active file.
    live: LiveFiles,
    /// The tables of `live`, opened.
    tables: Vec<Table>,
    log: File,
    /// Length of the log.
    position: u64,
    /// How much of the log is synced.
    durable: u64,
    /// Sequence number of the last record in this log.
    seq: u64,
    unsynced: u32,
    memtable: Versions,
    /// Set while a write is under way, so that one that fails leaves it set.
    poisoned: bool,
    _lock: DirLock,
}

impl LsmTree {
    /// Opens the tree in `dir`, creating both if absent; every write is durable when it returns.
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
            None => create_tree(dir)?,
        };
        // The manifest and the names found may be volatile: their maker may have died before it could sync them. Nothing must be removed
        // on the word of a manifest that can still vanish.
        durable::sync_dir(dir)?;
        remove_garbage(dir, &live)?;
        let tables = live.sealed.iter().map(|file| open_table(dir, *file)).collect::<Result<_>>()?;
        let recovered = recover_log(&log_path(dir, live.active), live.active)?;
        Ok(Self {
            dir: dir.to_owned(),
            options,
            policy,
            live,
            tables,
            log: recovered.log,
            position: recovered.len,
            durable: recovered.len,
            seq: recovered.seq,
            unsynced: 0,
            memtable: recovered.memtable,
            poisoned: false,
            _lock: lock,
        })
    }

    /// Sets `key` to `value`; an empty value deletes it.
    pub fn put(&mut self, key: &str, value: &str) -> Result<()> {
        let value = Some(value).filter(|value| !value.is_empty());
        self.append(&Record { key, value: value.map(str::as_bytes) })?;
        self.memtable.insert(key.to_owned(), value.map(str::to_owned));
        if self.memtable.len() >= self.options.memtable_threshold {
            self.flush()?;
        }
        Ok(())
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Result<Option<String>> {
        if let Some(value) = self.memtable.get(key) {
            return Ok(value.clone());
        }
        for table in self.tables.iter().rev() {
            if let Some(payload) = table.get(key)? {
                return decode_value(table, &payload);
            }
        }
        Ok(None)
    }

    /// Removes `key`, if it is there.
    pub fn delete(&mut self, key: &str) -> Result<()> {
        self.put(key, "")
    }

    /// All pairs from `start` up to but without `end`, in order.
    pub fn range_scan(&self, start: &str, end: &str) -> Result<Vec<(String, String)>> {
        let mut versions = self.merge_tables(start, Some(end))?;
        versions.extend(self.memtable.iter().map(|(key, value)| (key.clone(), value.clone())));
        versions.retain(|key, _| key.as_str() >= start && key.as_str() < end);
        Ok(versions.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
    }

    /// Merges all tables into one, if there are at least two.
    pub fn compact(&mut self) -> Result<()> {
        self.refuse_if_poisoned()?;
        if self.tables.len() < 2 {
            return Ok(());
        }
        let mut versions = self.merge_tables("", None)?;
        versions.retain(|_, value| value.is_some());
        self.poisoned = true;
        let mut outputs = Vec::new();
        if !versions.is_empty() {
            outputs.push(self.write_table(self.live.next, &versions)?);
        }
        self.live.next += 1;
        let inputs = std::mem::replace(&mut self.live.sealed, outputs);
        self.live.store(&self.dir)?;
        for input in inputs {
            fs::remove_file(table_path(&self.dir, input.number))?;
        }
        durable::sync_dir(&self.dir)?;
        self.tables = self.live.sealed.iter().map(|file| open_table(&self.dir, *file)).collect::<Result<_>>()?;
        self.poisoned = false;
        Ok(())
    }

    /// Makes everything written so far durable.
    pub fn sync(&mut self) -> Result<()> {
        self.refuse_if_poisoned()?;
        self.poisoned = true;
        self.log.sync_all()?;
        self.poisoned = false;
        self.durable = self.position;
        self.unsynced = 0;
        Ok(())
    }

    /// Syncs the log and closes the tree; the next open replays it.
    pub fn close(mut self) -> Result<()> {
        self.sync()
    }

    fn refuse_if_poisoned(&self) -> Result<()> {
        if self.poisoned { Err(Error::Poisoned) } else { Ok(()) }
    }

    /// Appends a record to the log.
    fn append(&mut self, record: &Record<'_>) -> Result<()> {
        self.refuse_if_poisoned()?;
        let mut payload = (self.seq + 1).to_le_bytes().to_vec();
        payload.extend_from_slice(&record.encode()?);
        let mut bytes = Vec::new();
        frame::encode(&mut bytes, self.live.active, self.position, self.durable, &payload)?;
        self.poisoned = true;
        self.log.write_all(&bytes)?;
        self.poisoned = false;
        self.position += bytes.len() as u64;
        self.seq += 1;
        self.unsynced += 1;
        if self.policy.is_due(self.unsynced) {
            self.sync()?;
        }
        Ok(())
    }

    /// Turns the memtable into a table and starts the next log.
    fn flush(&mut self) -> Result<()> {
        self.refuse_if_poisoned()?;
        self.poisoned = true;
        let old_log = self.live.active;
        let table = self.write_table(self.live.next, &self.memtable)?;
        let log_number = self.live.next + 1;
        let log = create_log(&self.dir, log_number)?;
        self.live.sealed.push(table);
        self.live.active = log_number;
        self.live.next += 2;
        self.live.store(&self.dir)?;
        fs::remove_file(log_path(&self.dir, old_log))?;
        durable::sync_dir(&self.dir)?;
        self.tables.push(open_table(&self.dir, table)?);
        self.memtable.clear();
        self.log = log;
        self.position = FILE_HEADER_LEN;
        self.durable = FILE_HEADER_LEN;
        self.seq = 0;
        self.unsynced = 0;
        self.poisoned = false;
        if self.tables.len() >= self.options.compaction_threshold {
            self.compact()?;
        }
        Ok(())
    }

    /// Makes a table, durable together with its name.
    fn write_table(&self, number: u64, versions: &Versions) -> Result<SealedFile> {
        let path = table_path(&self.dir, number);
        let tmp = durable::tmp_path(&path);
        let file = BufWriter::new(File::create(&tmp)?);
        let mut table = TableWriter::new(file, self.options.sparse_index_interval)?;
        for (key, value) in versions {
            table.add(key, &encode_value(value.as_deref()))?;
        }
        let (mut file, len) = table.finish()?;
        file.flush()?;
        file.get_ref().sync_all()?;
        fs::rename(&tmp, &path)?;
        durable::sync_dir(&self.dir)?;
        Ok(SealedFile { number, len })
    }

    /// The latest version in any table of every key from `start` up to but without `end`.
    fn merge_tables(&self, start: &str, end: Option<&str>) -> Result<Versions> {
        let mut versions = Versions::new();
        for table in &self.tables {
            for entry in table.entries_from(start) {
                let (key, payload) = entry?;
                if end.is_some_and(|end| key.as_str() >= end) {
                    break;
                }
                versions.insert(key, decode_value(table, &payload)?);
            }
        }
        Ok(versions)
    }
}

fn log_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("wal_{number:06}.log"))
}

/// Makes an empty log, durable together with its name.
fn create_log(dir: &Path, number: u64) -> Result<File> {
    let mut options = File::options();
    let mut log = options.append(true).create_new(true).open(log_path(dir, number))?;
    log.write_all(&frame::file_header(LOG_MAGIC, number))?;
    log.sync_all()?;
    durable::sync_dir(dir)?;
    Ok(log)
}

/// Makes the first log and the first manifest. Data files without a manifest are refused, unless they are the empty log that an
/// earlier attempt left.
fn create_tree(dir: &Path) -> Result<LiveFiles> {
    let tables = files::numbered(dir, "sst_", ".sst")?;
    if let Some(number) = tables.first() {
        return Err(Error::corrupt(&table_path(dir, *number), 0, "a table, but no manifest"));
    }
    for number in files::numbered(dir, "wal_", ".log")? {
        let path = log_path(dir, number);
        if number > 0 || fs::metadata(&path)?.len() > FILE_HEADER_LEN {
            return Err(Error::corrupt(&path, 0, "a log, but no manifest"));
        }
        fs::remove_file(path)?;
    }
    create_log(dir, 0)?;
    let live = LiveFiles { next: 1, sealed: Vec::new(), active: 0 };
    live.store(dir)?;
    Ok(live)
}

/// Removes what the manifest does not list: the leftovers of an interrupted flush or compaction.
fn remove_garbage(dir: &Path, live: &LiveFiles) -> Result<()> {
    for leftover in files::with_suffix(dir, &[".tmp"])? {
        fs::remove_file(leftover)?;
    }
    for number in files::numbered(dir, "sst_", ".sst")? {
        if !live.sealed.iter().any(|table| table.number == number) {
            fs::remove_file(table_path(dir, number))?;
        }
    }
    for number in files::numbered(dir, "wal_", ".log")? {
        if number != live.active {
            fs::remove_file(log_path(dir, number))?;
        }
    }
    Ok(())
}

fn open_table(dir: &Path, file: SealedFile) -> Result<Table> {
    let table = Table::open(&table_path(dir, file.number))?;
    if table.len() != file.len {
        return Err(Error::corrupt(table.path(), file.len, "a table of the wrong length"));
    }
    if table.entries() == 0 {
        return Err(Error::corrupt(table.path(), 0, "a table without entries"));
    }
    Ok(table)
}

/// `u8 1` for a tombstone, or `u8 0 · value`.
fn encode_value(value: Option<&str>) -> Vec<u8> {
    let mut payload = vec![u8::from(value.is_none())];
    payload.extend_from_slice(value.unwrap_or_default().as_bytes());
    payload
}

fn decode_value(table: &Table, payload: &[u8]) -> Result<Option<String>> {
    let malformed = || Error::corrupt(table.path(), 0, "a malformed value");
    match payload.split_first() {
        Some((1, [])) => Ok(None),
        Some((0, value)) => Ok(Some(String::from_utf8(value.to_vec()).map_err(|_| malformed())?)),
        _ => Err(malformed()),
    }
}

/// What a log holds.
struct RecoveredLog {
    log: File,
    len: u64,
    seq: u64,
    memtable: Versions,
}

/// Replays a log and opens it for append behind its last valid record.
fn recover_log(path: &Path, number: u64) -> Result<RecoveredLog> {
    let bytes = fs::read(path)?;
    if frame::check_file_header(path, &bytes, LOG_MAGIC)? != number {
        return Err(Error::corrupt(path, 0, "another log's content"));
    }
    let (frames, tail) = frame::scan(&bytes, number, FILE_HEADER_LEN);
    let len = match tail {
        Tail::Clean => bytes.len() as u64,
        Tail::Torn(offset) => offset,
        Tail::Corrupt(offset) => {
            return Err(Error::corrupt(path, offset, "a bad record before good ones"));
        }
    };
    let mut memtable = Versions::new();
    let mut seq = 0;
    for frame in frames {
        let malformed = || Error::corrupt(path, frame.offset, "a malformed record");
        let (found_seq, record) = decode_record(frame.payload).ok_or_else(malformed)?;
        seq += 1;
        if found_seq != seq {
            return Err(Error::corrupt(path, frame.offset, "a record out of sequence"));
        }
        let value = record.value.map(|value| String::from_utf8(value.to_vec())).transpose();
        memtable.insert(record.key.to_owned(), value.map_err(|_| malformed())?);
    }
    let log = File::options().append(true).open(path)?;
    log.set_len(len)?;
    log.sync_all()?;
    Ok(RecoveredLog { log, len, seq, memtable })
}

fn decode_record(payload: &[u8]) -> Option<(u64, Record<'_>)> {
    let mut fields = Fields::new(payload);
    let seq = u64::from_le_bytes(fields.array()?);
    Some((seq, Record::decode(fields.rest())?))
}
