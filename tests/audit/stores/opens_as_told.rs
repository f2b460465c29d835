//! What is opened by options that are given need not be made: who only reads asks for that. Where the options are written out at the call, it is
//! known.
//!
//! row: Told | yes | n/a | no | unknown (`open_by` opens by options that it is given, which need not make files) | unknown (`open_by` opens by options that it is given, which need not make files)
//! row: Makes | yes | n/a | no | no | no

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

pub struct Options {
    pub write: bool,
    pub create: bool,
}

fn open_by(path: &Path, options: &Options) -> io::Result<File> {
    OpenOptions::new().read(true).append(options.write).create(options.create).open(path)
}

fn open_or_make(path: &Path, create: bool) -> io::Result<File> {
    OpenOptions::new().append(true).create(create).open(path)
}

pub struct Told {
    dir: PathBuf,
    by: Options,
}

impl Told {
    pub fn new(dir: &Path, by: Options) -> Told {
        Told { dir: dir.to_owned(), by }
    }

    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = open_by(&self.dir.join("told"), &self.by)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    pub fn get(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        open_by(&self.dir.join("told"), &self.by)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

pub struct Makes {
    dir: PathBuf,
}

impl Makes {
    pub fn new(dir: &Path) -> Makes {
        Makes { dir: dir.to_owned() }
    }

    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = open_or_make(&self.dir.join("made"), true)?;
        file.write_all(bytes)?;
        file.sync_all()
    }
}
