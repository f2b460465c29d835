//! A part is handed out that can be written to in several steps, and is synced by a call of its own: the steps alone have promised nothing.
//!
//! row: Store | unknown (a call of its own, `commit`, syncs it, and it may be of no use before) | n/a | no | yes | unknown (a call of its own, `commit`, syncs it, and it may be of no use before)

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Store {
    dir: PathBuf,
}

pub struct Batch {
    log: File,
}

impl Store {
    pub fn open(dir: &Path) -> io::Result<Store> {
        File::create(dir.join("log"))?.sync_all()?;
        File::open(dir)?.sync_all()?;
        Ok(Store { dir: dir.to_owned() })
    }

    pub fn mark(&self, bytes: &[u8]) -> io::Result<()> {
        let mut mark = File::create_new(self.dir.join("mark"))?;
        mark.write_all(bytes)?;
        mark.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }

    pub fn begin(&self) -> io::Result<Batch> {
        Ok(Batch { log: OpenOptions::new().append(true).open(self.dir.join("log"))? })
    }
}

impl Batch {
    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log.write_all(bytes)
    }

    pub fn commit(&mut self) -> io::Result<()> {
        self.log.sync_data()
    }
}
