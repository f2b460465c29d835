//! All is synced but the removal of old logs: one can be back after a crash. Whether opening the store passes over it is not known.
//!
//! row: Logs | yes | n/a | no | no (removals) | unknown (a removed file can be back after a crash, and whether that does harm cannot be told)

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Logs {
    dir: PathBuf,
    number: u64,
    file: File,
}

impl Logs {
    pub fn open(dir: &Path) -> io::Result<Logs> {
        let file = File::create(dir.join("0"))?;
        File::open(dir)?.sync_all()?;
        Ok(Logs { dir: dir.to_owned(), number: 0, file })
    }

    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        self.file.write_all(record)?;
        self.file.sync_data()
    }

    pub fn forget(&mut self, number: u64) -> io::Result<()> {
        fs::remove_file(self.dir.join(number.to_string()))
    }
}
