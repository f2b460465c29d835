//! A database that owns a core that owns a log, hands out transactions, and is made by a builder: one row.
//!
//! row: Database | yes | n/a | no | yes | yes

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Its settings; it makes the database, and is none.
pub struct Builder {
    dir: PathBuf,
}

impl Builder {
    pub fn new(dir: &Path) -> Builder {
        Builder { dir: dir.to_owned() }
    }

    pub fn open(self) -> io::Result<Database> {
        Database::open(&self.dir)
    }
}

pub struct Database {
    core: Arc<Core>,
}

impl Database {
    pub fn open(dir: &Path) -> io::Result<Database> {
        Ok(Database { core: Arc::new(Core::open(dir)?) })
    }

    pub fn put(&self, key: &[u8]) -> io::Result<()> {
        let mut transaction = self.begin();
        transaction.put(key);
        transaction.commit()
    }

    pub fn begin(&self) -> Transaction {
        Transaction { core: Arc::clone(&self.core), writes: Vec::new() }
    }

    pub fn sync(&self) -> io::Result<()> {
        self.core.log.lock().unwrap().sync()
    }
}

pub struct Transaction {
    core: Arc<Core>,
    writes: Vec<u8>,
}

impl Transaction {
    pub fn put(&mut self, key: &[u8]) {
        self.writes.extend_from_slice(key);
    }

    pub fn commit(self) -> io::Result<()> {
        self.core.write(&self.writes)
    }
}

pub struct Core {
    log: Mutex<Log>,
}

impl Core {
    pub fn open(dir: &Path) -> io::Result<Core> {
        Ok(Core { log: Mutex::new(Log::open(dir)?) })
    }

    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut log = self.log.lock().unwrap();
        log.append(bytes)?;
        log.sync()
    }
}

pub struct Log {
    file: File,
}

impl Log {
    pub fn open(dir: &Path) -> io::Result<Log> {
        let file = OpenOptions::new().create(true).append(true).open(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        Ok(Log { file })
    }

    /// No operation of the database: it does not report success after it.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}
