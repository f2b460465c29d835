//! A log that is opened by a name in the working directory, and kept in a field; and one that is opened by it each time.
//!
//! row: Kept | yes | n/a | no | no | no
//! row: Reopened | no | n/a | no | no | no

use std::fs::{File, OpenOptions};
use std::io::{self, Write};

pub struct Kept {
    file: File,
}

impl Kept {
    pub fn open() -> io::Result<Kept> {
        Ok(Kept { file: OpenOptions::new().create(true).append(true).open("kept.log")? })
    }

    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        self.file.write_all(record)?;
        self.file.sync_data()
    }
}

pub struct Reopened;

const NAME: &str = "reopened.log";

impl Reopened {
    pub fn append(&self, record: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(NAME)?;
        file.write_all(record)
    }
}
