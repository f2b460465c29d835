//! Files are opened by options that somebody else made: whether that makes them cannot be told, so that no directory is *n/a*. Where the options
//! are made on the spot it can.
//!
//! row: Given | yes | n/a | no | unknown (`opened` opens by options that it is given, which may make files) | unknown (`opened` opens by options that it is given, which may make files)
//! row: Made | yes | n/a | no | n/a | yes

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

pub struct Given {
    file: File,
}

impl Given {
    pub fn create(path: &Path) -> io::Result<Given> {
        let mut options = options();
        options.create(true);
        Ok(Given { file: opened(&options, path)? })
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    options
}

fn opened(options: &OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

pub struct Made {
    file: File,
}

impl Made {
    pub fn open(path: &Path) -> io::Result<Made> {
        let mut options = OpenOptions::new();
        options.append(true);
        Ok(Made { file: options.open(path)? })
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }
}
