//! Two stores of one package make logs of one kind for themselves: the log is part of both, and no row of its own.
//!
//! row: Queue | yes | n/a | no | yes | yes
//! row: Table | no | n/a | no | yes | no

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

pub struct Log {
    file: File,
}

impl Log {
    pub fn open(dir: &Path) -> io::Result<Log> {
        let file = OpenOptions::new().create(true).append(true).open(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        Ok(Log { file })
    }

    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }
}

pub struct Queue {
    log: Log,
}

impl Queue {
    pub fn open(dir: &Path) -> io::Result<Queue> {
        Ok(Queue { log: Log::open(dir)? })
    }

    pub fn push(&mut self, job: &[u8]) -> io::Result<()> {
        self.log.append(job)?;
        self.log.sync()
    }
}

pub struct Table {
    log: Log,
}

impl Table {
    pub fn open(dir: &Path) -> io::Result<Table> {
        Ok(Table { log: Log::open(dir)? })
    }

    pub fn put(&mut self, row: &[u8]) -> io::Result<()> {
        self.log.append(row)
    }
}
