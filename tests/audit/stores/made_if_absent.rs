//! A log is made by the append that finds none, and its directory is synced then. That these are the same appends is not followed.
//!
//! row: Log | yes | n/a | no | unknown (a sync that could not be resolved may cover it) | unknown (a sync that could not be resolved may cover it)

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Log {
    dir: PathBuf,
    path: PathBuf,
}

impl Log {
    pub fn open(dir: &Path) -> Log {
        Log { dir: dir.to_owned(), path: dir.join("log") }
    }

    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        let is_new = file.metadata()?.len() == 0;
        file.write_all(record)?;
        file.sync_data()?;
        if is_new {
            File::open(&self.dir)?.sync_all()?;
        }
        Ok(())
    }
}
