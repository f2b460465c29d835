//! A log is made by the append that finds none, and its directory is synced then: the question comes before the answer is made untrue.
//!
//! row: Log | yes | n/a | no | yes | yes

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Log {
    path: PathBuf,
}

impl Log {
    pub fn open(dir: &Path) -> Log {
        Log { path: dir.join("log") }
    }

    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        let is_new = !self.path.exists();
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        file.write_all(record)?;
        file.sync_data()?;
        if is_new {
            File::open(self.path.parent().unwrap())?.sync_all()?;
        }
        Ok(())
    }
}
