//! Files that others make, and hand over, have names that are not this type's: whether these are durable is not known by looking at it.
//!
//! row: LogFile | no | n/a | no | unknown (`open`, which is no part of it, makes its files) | no

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Opener;

impl Opener {
    pub fn open(&self, path: &Path) -> io::Result<LogFile> {
        Ok(LogFile { file: File::options().create(true).append(true).open(path)?, path: path.to_owned() })
    }
}

pub struct LogFile {
    file: File,
    path: PathBuf,
}

impl LogFile {
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    pub fn synchronize(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    pub fn place(&self) -> &Path {
        &self.path
    }
}
