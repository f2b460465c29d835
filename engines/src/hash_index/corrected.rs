//! The hash-index store, crash-safe.
//!
//! * The manifest lists the live data files in order; the order of versions is the order of files, then of offsets, not of clocks. What the
//!   manifest does not list is garbage of an interrupted rotation or compaction and is removed at open.
//! * A new data file is synced, and its name is, before the manifest lists it, and listed before a record in it is acknowledged.
//! * Compaction writes its outputs as `*.tmp`, syncs and renames them, syncs the directory, switches the manifest, and only then unlinks its
//!   inputs. It may drop tombstones because every older file is among its inputs. The active file is left alone.
//! * Records have a checksum and a tombstone flag; empty values are values. Torn tails are cut at open; damage elsewhere is an error.
//! * A hint is believed only if it fits its data file, and never consulted for the active one.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Options, data_numbers, data_path, hint_path};
use crate::durable::{self, DirLock};
use crate::error::{Error, Result};
use crate::files;
use crate::frame::{self, FILE_HEADER_LEN, Tail};
use crate::hint::Slots;
use crate::manifest::{LiveFiles, SealedFile};
use crate::record::Record;

const DATA_MAGIC: [u8; 8] = *b"HASHIDX1";

/// A hash-index store. When a method returns `Ok` its effect survives a power cut, unless [`Options::sync_writes`] is off: then puts and
/// deletes since the last [`sync`](Self::sync) may be lost, but nothing before it.
#[derive(Debug)]
pub struct HashIndex {
    dir: PathBuf,
    options: Options,
    live: LiveFiles,
    sealed: HashMap<u64, File>,
    active: File,
    /// Length of the active file.
    position: u64,
    /// How much of the active file is synced.
    durable: u64,
    index: HashMap<String, Location>,
    /// Set while a write is under way, so that one that fails leaves it set.
    poisoned: bool,
    _lock: DirLock,
}

/// Where the newest record of a key is.
#[derive(Debug, Clone, Copy)]
struct Location {
    file: u64,
    offset: u64,
    len: u64,
}

impl HashIndex {
    /// Opens the store in `dir`, creating both if absent, and removes what a crash left half done.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self> {
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
        let mut index = HashMap::new();
        let mut sealed = HashMap::new();
        for &file in &live.sealed {
            index_slots(&mut index, file.number, load_sealed(dir, file)?);
            sealed.insert(file.number, File::open(data_path(dir, file.number))?);
        }
        let (active, position, slots) = recover_active(dir, live.active)?;
        index_slots(&mut index, live.active, slots);
        Ok(Self {
            dir: dir.to_owned(),
            options,
            live,
            sealed,
            active,
            position,
            durable: position,
            index,
            poisoned: false,
            _lock: lock,
        })
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, key: &str, value: &str) -> Result<()> {
        let location = self.append(&Record { key, value: Some(value.as_bytes()) })?;
        self.index.insert(key.to_owned(), location);
        Ok(())
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Result<Option<String>> {
        let Some(location) = self.index.get(key) else {
            return Ok(None);
        };
        let malformed = || {
            let path = data_path(&self.dir, location.file);
            Error::corrupt(&path, location.offset, "a live record fails its checksum")
        };
        let bytes = self.read(location)?;
        let frame = frame::decode_at(&bytes, location.file, location.offset);
        let record = frame.and_then(|frame| Record::decode(frame.payload)).ok_or_else(malformed)?;
        let value = record.value.filter(|_| record.key == key).ok_or_else(malformed)?;
        let value = String::from_utf8(value.to_vec()).map_err(|_| malformed())?;
        Ok(Some(value))
    }

    /// Removes `key`, if it is there.
    pub fn delete(&mut self, key: &str) -> Result<()> {
        self.append(&Record { key, value: None })?;
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

    /// Copies the live records of all files but the active one together and unlinks those files. A live record that fails its
    /// checksum aborts the compaction; its file stays.
    pub fn compact(&mut self) -> Result<()> {
        if self.live.sealed.is_empty() {
            return Ok(());
        }
        // The inputs hold older versions of keys whose newest one may still be volatile in the active file.
        self.sync()?;
        let written = self.write_outputs();
        let outputs = self.poison_if_failed(written)?;
        self.poisoned = true;
        let inputs = std::mem::take(&mut self.live.sealed);
        self.live.sealed = outputs.iter().map(|output| output.file).collect();
        self.live.store(&self.dir)?;
        for input in &inputs {
            fs::remove_file(data_path(&self.dir, input.number))?;
            if hint_path(&self.dir, input.number).exists() {
                fs::remove_file(hint_path(&self.dir, input.number))?;
            }
            self.sealed.remove(&input.number);
        }
        durable::sync_dir(&self.dir)?;
        for output in outputs {
            index_slots(&mut self.index, output.file.number, output.slots);
            self.sealed.insert(output.file.number, output.reader);
        }
        self.poisoned = false;
        Ok(())
    }

    /// Makes everything written so far durable.
    pub fn sync(&mut self) -> Result<()> {
        self.refuse_if_poisoned()?;
        self.poisoned = true;
        self.active.sync_all()?;
        self.poisoned = false;
        self.durable = self.position;
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

    /// Appends a record to the active file; where it is.
    fn append(&mut self, record: &Record<'_>) -> Result<Location> {
        self.refuse_if_poisoned()?;
        if self.position >= self.options.max_file_size && self.position > FILE_HEADER_LEN {
            self.rotate()?;
        }
        let mut bytes = Vec::new();
        let payload = record.encode()?;
        frame::encode(&mut bytes, self.live.active, self.position, self.durable, &payload)?;
        self.poisoned = true;
        self.active.write_all(&bytes)?;
        self.poisoned = false;
        let location = Location { file: self.live.active, offset: self.position, len: bytes.len() as u64 };
        self.position += location.len;
        if self.options.sync_writes {
            self.sync()?;
        }
        Ok(location)
    }

    /// Seals the active file and starts the next one.
    fn rotate(&mut self) -> Result<()> {
        self.sync()?;
        self.poisoned = true;
        let number = self.live.next;
        let next = create_data(&self.dir, number)?;
        let full = SealedFile { number: self.live.active, len: self.position };
        self.live.sealed.push(full);
        self.live.active = number;
        self.live.next += 1;
        self.live.store(&self.dir)?;
        let reader = std::mem::replace(&mut self.active, next);
        self.sealed.insert(full.number, reader);
        self.position = FILE_HEADER_LEN;
        self.durable = FILE_HEADER_LEN;
        self.poisoned = false;
        Ok(())
    }

    fn read(&self, location: &Location) -> Result<Vec<u8>> {
        let file = match self.sealed.get(&location.file) {
            Some(file) => file,
            None if location.file == self.live.active => &self.active,
            None => return Err(Error::Poisoned),
        };
        let mut bytes = vec![0; location.len as usize];
        file.read_exact_at(&mut bytes, location.offset)?;
        Ok(bytes)
    }

    /// Copies the live records of the sealed files, oldest first, to new data files, each with its hint.
    fn write_outputs(&mut self) -> Result<Vec<Output>> {
        let mut outputs = Vec::new();
        let mut open: Option<OpenOutput> = None;
        for (key, location) in self.live_records() {
            let bytes = self.read(&location)?;
            let frame = frame::decode_at(&bytes, location.file, location.offset).ok_or_else(|| {
                let path = data_path(&self.dir, location.file);
                Error::corrupt(&path, location.offset, "a live record fails its checksum")
            })?;
            if open.as_ref().is_some_and(|output| output.len >= self.options.max_file_size) {
                outputs.extend(open.take().map(OpenOutput::seal).transpose()?);
            }
            let output = match &mut open {
                Some(output) => output,
                None => {
                    let number = self.live.next;
                    self.live.next += 1;
                    open.insert(OpenOutput::create(&self.dir, number)?)
                }
            };
            output.add(&key, frame.payload)?;
        }
        outputs.extend(open.map(OpenOutput::seal).transpose()?);
        Ok(outputs)
    }

    /// The newest record of every key that is in a sealed file, in the order of files and offsets.
    fn live_records(&self) -> Vec<(String, Location)> {
        let order = |number| self.live.sealed.iter().position(|file| file.number == number);
        let mut records: Vec<_> = self
            .index
            .iter()
            .filter(|(_, location)| location.file != self.live.active)
            .map(|(key, location)| (key.clone(), *location))
            .collect();
        records.sort_by_key(|(_, location)| (order(location.file), location.offset));
        records
    }
}

/// A compaction output being written, under a name that the next open removes.
struct OpenOutput {
    dir: PathBuf,
    number: u64,
    tmp: PathBuf,
    file: BufWriter<File>,
    len: u64,
    slots: Slots,
}

/// A compaction output, complete and synced under its own name.
struct Output {
    file: SealedFile,
    slots: Slots,
    reader: File,
}

impl OpenOutput {
    fn create(dir: &Path, number: u64) -> Result<Self> {
        let tmp = durable::tmp_path(&data_path(dir, number));
        let mut file = BufWriter::new(File::create(&tmp)?);
        file.write_all(&frame::file_header(DATA_MAGIC, number))?;
        Ok(Self { dir: dir.to_owned(), number, tmp, file, len: FILE_HEADER_LEN, slots: Slots::default() })
    }

    fn add(&mut self, key: &str, payload: &[u8]) -> Result<()> {
        let mut bytes = Vec::new();
        frame::encode(&mut bytes, self.number, self.len, 0, payload)?;
        self.file.write_all(&bytes)?;
        let end = self.len + bytes.len() as u64;
        self.slots.add(key, self.len, end, false);
        self.len = end;
        Ok(())
    }

    /// Syncs the file and gives it its name, then does the same for its hint.
    fn seal(mut self) -> Result<Output> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        let path = data_path(&self.dir, self.number);
        fs::rename(&self.tmp, &path)?;
        durable::sync_dir(&self.dir)?;
        let hint = self.slots.encode_hint(self.number, self.len);
        durable::replace_file(&hint_path(&self.dir, self.number), &hint)?;
        Ok(Output {
            file: SealedFile { number: self.number, len: self.len },
            slots: self.slots,
            reader: File::open(&path)?,
        })
    }
}

/// Makes an empty data file, durable together with its name.
fn create_data(dir: &Path, number: u64) -> Result<File> {
    let mut options = File::options();
    options.read(true).append(true).create_new(true);
    let mut file = options.open(data_path(dir, number))?;
    file.write_all(&frame::file_header(DATA_MAGIC, number))?;
    file.sync_all()?;
    durable::sync_dir(dir)?;
    Ok(file)
}

/// Makes the first data file and the first manifest. Data files without a manifest are refused, unless they are the empty
/// one that an earlier attempt left.
fn create_store(dir: &Path) -> Result<LiveFiles> {
    for number in data_numbers(dir)? {
        let path = data_path(dir, number);
        if number > 0 || fs::metadata(&path)?.len() > FILE_HEADER_LEN {
            return Err(Error::corrupt(&path, 0, "a data file, but no manifest"));
        }
        fs::remove_file(path)?;
    }
    create_data(dir, 0)?;
    let live = LiveFiles { next: 1, sealed: Vec::new(), active: 0 };
    live.store(dir)?;
    Ok(live)
}

/// Removes what the manifest does not list: the leftovers of an interrupted rotation or compaction.
fn remove_garbage(dir: &Path, live: &LiveFiles) -> Result<()> {
    for leftover in files::with_suffix(dir, &[".tmp"])? {
        fs::remove_file(leftover)?;
    }
    for number in data_numbers(dir)? {
        if !live.contains(number) {
            fs::remove_file(data_path(dir, number))?;
        }
    }
    for number in files::numbered(dir, "", ".hint")? {
        if !live.contains(number) {
            fs::remove_file(hint_path(dir, number))?;
        }
    }
    Ok(())
}

/// What a sealed file holds, by its hint if that fits.
fn load_sealed(dir: &Path, file: SealedFile) -> Result<Slots> {
    let path = data_path(dir, file.number);
    if fs::metadata(&path)?.len() != file.len {
        return Err(Error::corrupt(&path, file.len, "a sealed file of the wrong length"));
    }
    if let Ok(hint) = fs::read(hint_path(dir, file.number))
        && let Some(slots) = Slots::decode_hint(&hint, file.number, file.len)
    {
        return Ok(slots);
    }
    let bytes = fs::read(&path)?;
    check_number(&path, &bytes, file.number)?;
    let (frames, tail) = frame::scan(&bytes, file.number, FILE_HEADER_LEN);
    if let Tail::Torn(offset) | Tail::Corrupt(offset) = tail {
        return Err(Error::corrupt(&path, offset, "a bad record in a sealed file"));
    }
    Slots::of_frames(&path, &frames)
}

/// Opens the active file for append behind its last valid record; its length and content.
fn recover_active(dir: &Path, number: u64) -> Result<(File, u64, Slots)> {
    let path = data_path(dir, number);
    let bytes = fs::read(&path)?;
    check_number(&path, &bytes, number)?;
    let (frames, tail) = frame::scan(&bytes, number, FILE_HEADER_LEN);
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

fn check_number(path: &Path, bytes: &[u8], number: u64) -> Result<()> {
    if frame::check_file_header(path, bytes, DATA_MAGIC)? != number {
        return Err(Error::corrupt(path, 0, "another file's content"));
    }
    Ok(())
}

/// Applies the records of a file that is newer than all that `index` knows.
fn index_slots(index: &mut HashMap<String, Location>, file: u64, slots: Slots) {
    for (key, slot) in slots.by_key {
        if slot.is_tombstone {
            index.remove(&key);
        } else {
            let location = Location { file, offset: slot.offset, len: slot.len };
            index.insert(key, location);
        }
    }
}
