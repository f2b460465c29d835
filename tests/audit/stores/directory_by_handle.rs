//! The log keeps its directory open, and syncs it by that when it made a new segment. That this is where segments are made is not told where
//! it is opened by somebody else; `Other` syncs only what it writes.
//!
//! row: Log | yes | n/a | no | unknown (a sync that could not be resolved may cover it) | unknown (a sync that could not be resolved may cover it)
//! row: Other | yes | n/a | no | no | no

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Log {
    place: PathBuf,
    directory: File,
}

impl Log {
    pub fn new(place: PathBuf, directory: File) -> Log {
        Log { place, directory }
    }

    pub fn append(&mut self, number: u64, entry: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().create_new(true).append(true).open(self.place.join(format!("{number}.log")))?;
        file.write_all(entry)?;
        file.sync_all()?;
        self.directory.sync_all()
    }

    pub fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        fs::read(self.place.join(format!("{number}.log")))
    }
}

pub struct Other {
    place: PathBuf,
    last: File,
}

impl Other {
    pub fn open(place: &Path) -> io::Result<Other> {
        let last = OpenOptions::new().append(true).open(place.join("last"))?;
        Ok(Other { place: place.to_owned(), last })
    }

    pub fn append(&mut self, number: u64, entry: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().create_new(true).append(true).open(self.place.join(format!("{number}.log")))?;
        file.write_all(entry)?;
        file.sync_all()?;
        self.last.write_all(entry)?;
        self.last.sync_all()
    }
}
