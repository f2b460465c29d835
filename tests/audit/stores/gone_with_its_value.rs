//! Files that go with the values that stand for them go at a time that cannot be told, if they do not always go: that may be before what is
//! made of them is durable. What goes with its value whenever that does, such as a lock, is no input of anything.
//!
//! row: Tables | yes | yes | unknown (a `Table` that goes removes a file under some condition, and when it goes cannot be told) | yes | unknown (a `Table` that goes removes a file under some condition, and when it goes cannot be told)
//! row: Locked | yes | yes | no (never deletes them) | yes | yes

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

struct Table {
    path: PathBuf,
    gone: AtomicBool,
}

impl Drop for Table {
    fn drop(&mut self) {
        if self.gone.load(Ordering::SeqCst) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

pub struct Tables {
    dir: PathBuf,
    tables: BTreeMap<u64, Arc<Table>>,
}

impl Tables {
    pub fn open(dir: &Path) -> Tables {
        Tables { dir: dir.to_owned(), tables: BTreeMap::new() }
    }

    pub fn merge(&mut self, one: u64, other: u64) -> io::Result<()> {
        let mut rows = fs::read(&self.tables[&one].path)?;
        rows.extend(fs::read(&self.tables[&other].path)?);
        let path = self.dir.join(format!("{}.table", other + 1));
        let mut merged = File::create(&path)?;
        merged.write_all(&rows)?;
        for old in [one, other] {
            self.tables[&old].gone.store(true, Ordering::SeqCst);
            self.tables.remove(&old);
        }
        self.tables.insert(other + 1, Arc::new(Table { path, gone: AtomicBool::new(false) }));
        merged.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }
}

struct Lock {
    path: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            eprintln!("{error}");
        }
    }
}

pub struct Locked {
    dir: PathBuf,
    lock: Lock,
}

impl Locked {
    pub fn open(dir: &Path) -> Locked {
        Locked { dir: dir.to_owned(), lock: Lock { path: dir.join("lock") } }
    }

    pub fn holder(&self) -> &Path {
        &self.lock.path
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut log = File::options().append(true).open(self.dir.join("log"))?;
        log.write_all(bytes)?;
        log.sync_all()
    }

    pub fn summarise(&mut self) -> io::Result<()> {
        let rows = fs::read(self.dir.join("log"))?;
        let mut summary = File::create(self.dir.join("summary"))?;
        summary.write_all(&rows)?;
        summary.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }
}
