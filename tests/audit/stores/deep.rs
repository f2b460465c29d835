//! Functions call one another so far down that what the last of them leaves is not passed on up to the operation: then it cannot be told
//! what the operation leaves.
//!
//! row: Store | unknown (`put`: it is too large or too deep to be followed to its end) | unknown (`put`: it is too large or too deep to be followed to its end) | unknown (`put`: it is too large or too deep to be followed to its end) | unknown (`put`: it is too large or too deep to be followed to its end) | unknown (`put`: it is too large or too deep to be followed to its end)

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Store {
    log: PathBuf,
    index: PathBuf,
}

impl Store {
    pub fn new(dir: &Path) -> Store {
        Store { log: dir.join("log"), index: dir.join("index") }
    }

    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let mut log = OpenOptions::new().append(true).open(&self.log)?;
        log.write_all(bytes)?;
        log.sync_data()?;
        one(&self.index, bytes)
    }
}

fn one(path: &Path, bytes: &[u8]) -> io::Result<()> {
    two(path, bytes)
}

fn two(path: &Path, bytes: &[u8]) -> io::Result<()> {
    three(path, bytes)
}

fn three(path: &Path, bytes: &[u8]) -> io::Result<()> {
    four(path, bytes)
}

fn four(path: &Path, bytes: &[u8]) -> io::Result<()> {
    five(path, bytes)
}

fn five(path: &Path, bytes: &[u8]) -> io::Result<()> {
    six(path, bytes)
}

fn six(path: &Path, bytes: &[u8]) -> io::Result<()> {
    seven(path, bytes)
}

fn seven(path: &Path, bytes: &[u8]) -> io::Result<()> {
    eight(path, bytes)
}

fn eight(path: &Path, bytes: &[u8]) -> io::Result<()> {
    nine(path, bytes)
}

fn nine(path: &Path, bytes: &[u8]) -> io::Result<()> {
    File::create(path)?.write_all(bytes)
}
