//! Beside its log there is a file that nothing is ever put into: it is there to be locked, and its name may be lost. That this is all it is
//! for cannot be told.
//!
//! row: Log | yes | n/a | no | unknown (nothing was seen to be put into that file: it may be there to be locked) | unknown (nothing was seen to be put into that file: it may be there to be locked)

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

pub struct Log {
    file: File,
    _lock: File,
}

impl Log {
    pub fn open(dir: &Path) -> io::Result<Log> {
        let file = OpenOptions::new().append(true).open(dir.join("log"))?;
        let lock = File::create(dir.join("LOCK"))?;
        lock.try_lock().map_err(io::Error::other)?;
        Ok(Log { file, _lock: lock })
    }

    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        self.file.write_all(record)?;
        self.file.sync_data()
    }
}
