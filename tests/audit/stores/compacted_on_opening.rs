//! An opening that reads the log, and puts what is still good in its place, rewrites, though no operation does. One that only reads does not.
//!
//! row: Compacting | yes | unknown (`open`, an opening, makes new content of what it reads) | unknown (`open`, an opening, makes new content of what it reads) | yes | unknown (`open`, an opening, makes new content of what it reads)
//! row: Reading | yes | n/a | no | n/a | yes

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

pub struct Compacting {
    log: File,
}

impl Compacting {
    pub fn open(dir: &Path) -> io::Result<Compacting> {
        let path = dir.join("log");
        let mut old = fs::read(&path)?;
        old.retain(|byte| *byte != 0);
        let temporary = dir.join("log.tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(&old)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        File::open(dir)?.sync_all()?;
        Ok(Compacting { log: OpenOptions::new().append(true).open(&path)? })
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log.write_all(bytes)?;
        self.log.sync_data()
    }
}

pub struct Reading {
    log: File,
    held: Vec<u8>,
}

impl Reading {
    pub fn open(dir: &Path) -> io::Result<Reading> {
        let held = fs::read(dir.join("records"))?;
        Ok(Reading { log: OpenOptions::new().append(true).open(dir.join("records"))?, held })
    }

    pub fn held(&self) -> usize {
        self.held.len()
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log.write_all(bytes)?;
        self.log.sync_data()
    }
}
