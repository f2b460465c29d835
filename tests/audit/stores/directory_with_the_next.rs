//! A full log is followed by a new one, which is empty when success is reported. Each append syncs the directory before it reports
//! success, so the name is durable before anything in the new file counts. That an append is refused after a failure changes nothing of it: no
//! new file is made then either.
//!
//! row: Log | yes | n/a | no | yes | yes

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Log {
    dir: PathBuf,
    number: u64,
    size: usize,
    failed: bool,
    file: File,
}

impl Log {
    pub fn open(dir: &Path) -> io::Result<Log> {
        let file = OpenOptions::new().create(true).append(true).open(dir.join("0.log"))?;
        File::open(dir)?.sync_all()?;
        Ok(Log { dir: dir.to_owned(), number: 0, size: 0, failed: false, file })
    }

    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        if self.failed {
            return Err(io::ErrorKind::Other.into());
        }
        self.file.write_all(record)?;
        self.file.sync_data()?;
        File::open(&self.dir)?.sync_all()?;
        self.size += record.len();
        if self.size > 1 << 20 {
            self.number += 1;
            let path = self.dir.join(format!("{}.log", self.number));
            self.file = OpenOptions::new().create(true).append(true).open(path)?;
            self.size = 0;
        }
        Ok(())
    }
}
