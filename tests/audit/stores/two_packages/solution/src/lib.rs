//! As it should be.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

pub struct Store {
    log: File,
}

impl Store {
    pub fn open(dir: &Path) -> io::Result<Store> {
        let log = OpenOptions::new().create(true).append(true).open(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        Ok(Store { log })
    }

    pub fn put(&mut self, key: &[u8]) -> io::Result<()> {
        self.log.write_all(key)?;
        self.log.sync_data()
    }
}
