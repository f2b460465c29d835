//! SSTables, crash-safe.
//!
//! * A table is written front to back as `*.tmp`, nothing is patched: the number of entries is in the footer. It is synced, renamed, and its
//!   directory synced. A file without an intact footer is no table, and every block has its checksum.
//! * The manifest lists the live tables with level, size, count and key range. A table joins them when
//!   [`add_sstable`](CompactionManager::add_sstable) returns; files that are not listed are removed at open.
//! * Compaction makes its outputs durable, switches the manifest, and only then unlinks its inputs, once nobody reads them any more.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::merge::Merge;
use super::plan::{Plan, plans};
use super::{DEFAULT_BLOCK_SIZE, Entry, Metadata, Strategy};
use crate::block_table::{self, Table, TableWriter};
use crate::codec::{Fields, put_sized};
use crate::durable::{self, DirLock};
use crate::error::{Error, Result};
use crate::files;
use crate::manifest;

/// Writes a table. Nothing is at its path before [`finish`](Self::finish) returns; dropped without it, it leaves nothing behind.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    tmp: PathBuf,
    /// `None` once finished.
    table: Option<TableWriter<BufWriter<File>>>,
}

impl Writer {
    /// Starts a table that will be at `path`; every `block_size`-th entry is indexed.
    pub fn new(path: impl AsRef<Path>, block_size: usize) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let tmp = durable::tmp_path(&path);
        let file = BufWriter::new(File::create(&tmp)?);
        let table = Some(TableWriter::new(file, block_size)?);
        Ok(Self { path, tmp, table })
    }

    /// Adds an entry; without a value it is a tombstone. Keys must ascend.
    pub fn add(&mut self, key: &str, value: Option<&[u8]>, timestamp: f64) -> Result<()> {
        let mut payload = timestamp.to_le_bytes().to_vec();
        payload.push(u8::from(value.is_none()));
        payload.extend_from_slice(value.unwrap_or_default());
        match &mut self.table {
            Some(table) => table.add(key, &payload),
            None => Err(Error::Poisoned),
        }
    }

    /// Completes the table: it and its name are durable on return.
    pub fn finish(mut self) -> Result<Metadata> {
        let table = self.table.take().ok_or(Error::Poisoned)?;
        let (mut file, _) = table.finish()?;
        file.flush()?;
        file.get_ref().sync_all()?;
        fs::rename(&self.tmp, &self.path)?;
        durable::sync_parent(&self.path)?;
        Ok(Reader::open(&self.path)?.metadata)
    }
}

/// Removes what an unfinished table has written. Best effort: a [`CompactionManager`] removes it at its next open.
impl Drop for Writer {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.tmp);
    }
}

/// Reads a table.
#[derive(Debug)]
pub struct Reader {
    table: Table,
    metadata: Metadata,
}

impl Reader {
    /// Opens the table at `path` and checks everything but its blocks, which are checked when read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let table = Table::open(path)?;
        let (min, max) = table.key_range()?.unzip();
        let modified = fs::metadata(path)?.modified()?.duration_since(UNIX_EPOCH);
        let metadata = Metadata {
            path: path.to_owned(),
            min,
            max,
            count: table.entries(),
            size: table.len(),
            level: 0,
            timestamp: modified.unwrap_or_default().as_secs_f64(),
        };
        Ok(Self { table, metadata })
    }

    /// The entry of `key`, a tombstone included.
    pub fn get(&self, key: &str) -> Result<Option<Entry>> {
        let payload = self.table.get(key)?;
        payload.map(|payload| self.decode((key.to_owned(), payload))).transpose()
    }

    /// All entries in order, tombstones included.
    pub fn scan(&self) -> Result<Vec<Entry>> {
        self.entries_from("").collect()
    }

    /// The entries from `start` up to but without `end`, tombstones included.
    pub fn range_scan(&self, start: &str, end: &str) -> Result<Vec<Entry>> {
        let is_inside = |entry: &Result<Entry>| entry.as_ref().map_or(true, |entry| entry.key.as_str() < end);
        self.entries_from(start).take_while(is_inside).collect()
    }

    /// What is known about the table.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The level of the table.
    pub fn level(&self) -> u32 {
        self.metadata.level
    }

    fn entries_from<'a>(&'a self, start: &'a str) -> impl Iterator<Item = Result<Entry>> + 'a {
        self.table.entries_from(start).map(|entry| self.decode(entry?))
    }

    fn decode(&self, (key, payload): block_table::Entry) -> Result<Entry> {
        let malformed = || Error::corrupt(&self.metadata.path, 0, "a malformed entry");
        let (timestamp, rest) = payload.split_first_chunk().ok_or_else(malformed)?;
        let value = match rest.split_first() {
            Some((0, value)) => Some(value.to_vec()),
            Some((1, [])) => None,
            _ => return Err(malformed()),
        };
        Ok(Entry { key, value, timestamp: f64::from_le_bytes(*timestamp) })
    }
}

/// Merges tables into a new one at `out`, which is durable on return. Of each key the highest timestamp wins, then the earlier reader.
pub fn merge(readers: &[&Reader], out: impl AsRef<Path>, remove_tombstones: bool) -> Result<Reader> {
    let mut writer = Writer::new(&out, DEFAULT_BLOCK_SIZE)?;
    for entry in Merge::new(readers.iter().map(|reader| reader.entries_from("")))? {
        let entry = entry?;
        if entry.value.is_some() || !remove_tombstones {
            writer.add(&entry.key, entry.value.as_deref(), entry.timestamp)?;
        }
    }
    writer.finish()?;
    Reader::open(out)
}

/// Keeps a set of tables and merges them by a strategy. The set survives power cuts: after one it is as it was before a compaction, or after.
#[derive(Debug)]
pub struct CompactionManager {
    dir: PathBuf,
    strategy: Strategy,
    tables: Vec<Arc<Reader>>,
    /// Tables that the manifest no longer lists and somebody may still read.
    obsolete: Vec<Arc<Reader>>,
    counter: u64,
    /// Set while the manifest is being switched, so that a switch that fails leaves it set.
    poisoned: bool,
    _lock: DirLock,
}

impl CompactionManager {
    /// Opens the set of tables in `dir`, creating both if absent. If there is a manifest, tables that it does not list are removed; what
    /// it lists must be there and whole.
    pub fn open(dir: impl AsRef<Path>, strategy: Strategy) -> Result<Self> {
        let dir = dir.as_ref();
        durable::create_dir_durably(dir)?;
        let lock = DirLock::acquire(dir)?;
        for leftover in files::with_suffix(dir, &[".tmp"])? {
            fs::remove_file(leftover)?;
        }
        // The manifest and the names found may be volatile: their maker may have died before it could sync them. Nothing must be removed
        // on the word of a manifest that can still vanish.
        durable::sync_dir(dir)?;
        let mut tables = Vec::new();
        if let Some(payload) = manifest::read(dir)? {
            let listed = decode_manifest(dir, &payload).ok_or_else(|| manifest::malformed(dir))?;
            for table in files::with_suffix(dir, &[".sst"])? {
                if !listed.iter().any(|metadata| metadata.path == table) {
                    fs::remove_file(table)?;
                }
            }
            tables = listed.into_iter().map(open_listed).collect::<Result<_>>()?;
        }
        Ok(Self {
            dir: dir.to_owned(),
            strategy,
            tables,
            obsolete: Vec::new(),
            counter: 0,
            poisoned: false,
            _lock: lock,
        })
    }

    /// Takes a table of this directory on, on level 0; from now on it survives an open.
    pub fn add_sstable(&mut self, table: Reader) -> Result<()> {
        let path = &table.metadata.path;
        let is_ours = path.parent().is_some_and(|parent| is_same_dir(parent, &self.dir));
        let name = path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".sst"));
        let Some(name) = name.filter(|_| is_ours) else {
            return Err(Error::Invalid("a table must be an .sst file in the manager's directory"));
        };
        let path = self.dir.join(name);
        if self.tables.iter().chain(&self.obsolete).any(|known| known.metadata.path == path) {
            return Err(Error::Invalid("the table is known already"));
        }
        let file = File::open(&path)?;
        self.refuse_if_poisoned()?;
        // Whoever wrote it may have died before it was durable.
        self.poisoned = true;
        file.sync_all()?;
        durable::sync_dir(&self.dir)?;
        self.poisoned = false;
        let metadata = Metadata { path, level: 0, ..table.metadata };
        let mut tables = self.tables.clone();
        tables.push(Arc::new(Reader { table: table.table, metadata }));
        self.switch_to(tables)
    }

    /// The live tables.
    pub fn get_sstables(&self) -> Vec<Arc<Reader>> {
        self.tables.clone()
    }

    /// Whether the strategy asks for a merge.
    pub fn needs_compaction(&self) -> bool {
        !self.plans().is_empty()
    }

    /// Does the merges that the strategy asks for; the new tables. Tombstones are kept. The files of merged tables are unlinked once
    /// nobody else holds them: now, at a later call, or at the next open.
    pub fn run_compaction(&mut self) -> Result<Vec<Arc<Reader>>> {
        self.refuse_if_poisoned()?;
        let mut merged = Vec::new();
        let mut replaced = BTreeSet::new();
        for Plan { inputs, level } in self.plans() {
            let readers: Vec<&Reader> = inputs.iter().map(|at| &*self.tables[*at]).collect();
            let out = self.next_output_path();
            let output = merge(&readers, out, false);
            let mut output = self.poison_if_failed(output)?;
            output.metadata.level = level;
            merged.push(Arc::new(output));
            replaced.extend(inputs);
            self.counter += 1;
        }
        if merged.is_empty() {
            self.remove_obsolete()?;
            return Ok(merged);
        }
        let (mut kept, mut inputs) = (Vec::new(), Vec::new());
        for (at, table) in self.tables.iter().enumerate() {
            let list = if replaced.contains(&at) { &mut inputs } else { &mut kept };
            list.push(Arc::clone(table));
        }
        kept.extend(merged.iter().cloned());
        self.switch_to(kept)?;
        self.obsolete.extend(inputs);
        self.remove_obsolete()?;
        Ok(merged)
    }

    /// Unlinks the merged tables that nobody else holds and closes the manager.
    pub fn close(mut self) -> Result<()> {
        self.refuse_if_poisoned()?;
        self.remove_obsolete()
    }

    fn refuse_if_poisoned(&self) -> Result<()> {
        if self.poisoned { Err(Error::Poisoned) } else { Ok(()) }
    }

    /// Refuses further writes if a merge failed for want of a write or sync, rather than at a bad record.
    fn poison_if_failed<T>(&mut self, result: Result<T>) -> Result<T> {
        self.poisoned |= matches!(result, Err(Error::Io(_)));
        result
    }

    fn plans(&self) -> Vec<Plan> {
        let metadata: Vec<_> = self.tables.iter().map(|table| table.metadata.clone()).collect();
        plans(&self.strategy, &metadata)
    }

    /// A path at which there is nothing yet.
    fn next_output_path(&self) -> PathBuf {
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let paths = (self.counter..).map(|counter| self.dir.join(format!("compact_{counter}_{millis}.sst")));
        let mut free = paths.filter(|path| !path.exists());
        free.next().unwrap_or_else(|| self.dir.join("compact.sst"))
    }

    /// Makes `tables`, which are durable, the live ones.
    fn switch_to(&mut self, tables: Vec<Arc<Reader>>) -> Result<()> {
        self.refuse_if_poisoned()?;
        self.poisoned = true;
        manifest::replace(&self.dir, &encode_manifest(&tables))?;
        self.tables = tables;
        self.poisoned = false;
        Ok(())
    }

    /// Unlinks the tables that the durable manifest no longer lists and nobody reads.
    fn remove_obsolete(&mut self) -> Result<()> {
        let obsolete = std::mem::take(&mut self.obsolete);
        let (free, held): (Vec<_>, Vec<_>) = obsolete.into_iter().partition(|table| Arc::strong_count(table) == 1);
        self.obsolete = held;
        for table in &free {
            fs::remove_file(&table.metadata.path)?;
        }
        if !free.is_empty() {
            durable::sync_dir(&self.dir)?;
        }
        Ok(())
    }
}

fn is_same_dir(a: &Path, b: &Path) -> bool {
    let a = if a.as_os_str().is_empty() { Path::new(".") } else { a };
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Opens a table and checks that it is the one that the manifest lists.
fn open_listed(listed: Metadata) -> Result<Arc<Reader>> {
    let mut reader = Reader::open(&listed.path)?;
    let Metadata { path, min, max, count, size, level, .. } = listed;
    let found = &reader.metadata;
    if (&found.min, &found.max, found.count, found.size) != (&min, &max, count, size) {
        return Err(Error::corrupt(&path, 0, "not the table that the manifest lists"));
    }
    reader.metadata.level = level;
    Ok(Arc::new(reader))
}

/// For each table `u32 level · u64 size · u64 count · name · min · max`, the strings with their lengths. Without entries, min and max are empty.
fn encode_manifest(tables: &[Arc<Reader>]) -> Vec<u8> {
    let mut out = Vec::new();
    for table in tables {
        let metadata = &table.metadata;
        out.extend_from_slice(&metadata.level.to_le_bytes());
        out.extend_from_slice(&metadata.size.to_le_bytes());
        out.extend_from_slice(&metadata.count.to_le_bytes());
        let name = metadata.path.file_name().unwrap_or_default();
        put_sized(&mut out, name.as_encoded_bytes());
        for key in [&metadata.min, &metadata.max] {
            put_sized(&mut out, key.as_deref().unwrap_or_default().as_bytes());
        }
    }
    out
}

fn decode_manifest(dir: &Path, payload: &[u8]) -> Option<Vec<Metadata>> {
    let mut fields = Fields::new(payload);
    let mut listed: Vec<Metadata> = Vec::new();
    while fields.len() > 0 {
        let level = u32::from_le_bytes(fields.array()?);
        let size = u64::from_le_bytes(fields.array()?);
        let count = u64::from_le_bytes(fields.array()?);
        let name = fields.sized_string()?;
        let path = dir.join(&name);
        let is_plain = path.file_name().is_some_and(|file_name| *file_name == *name);
        if !is_plain || listed.iter().any(|other| other.path == path) {
            return None;
        }
        let min = Some(fields.sized_string()?).filter(|_| count > 0);
        let max = Some(fields.sized_string()?).filter(|_| count > 0);
        listed.push(Metadata { path, min, max, count, size, level, timestamp: 0.0 });
    }
    Some(listed)
}
