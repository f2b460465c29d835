//! One operation syncs what it writes. What another one writes is left to so deep a function that it cannot be told: it may be a normal
//! write as well.
//!
//! row: Store | unknown (`mark`: it is too large or too deep to be followed to its end) | unknown (`mark`: it is too large or too deep to be followed to its end) | unknown (`mark`: it is too large or too deep to be followed to its end) | unknown (`mark`: it is too large or too deep to be followed to its end) | unknown (`mark`: it is too large or too deep to be followed to its end)

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Store {
    log: PathBuf,
    marks: PathBuf,
}

impl Store {
    pub fn new(dir: &Path) -> Store {
        Store { log: dir.join("log"), marks: dir.join("marks") }
    }

    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let mut log = OpenOptions::new().append(true).open(&self.log)?;
        log.write_all(bytes)?;
        log.sync_data()
    }

    pub fn mark(&self, name: &str) -> io::Result<()> {
        one(&self.marks, name)
    }
}

fn one(path: &Path, name: &str) -> io::Result<()> {
    two(path, name)
}

fn two(path: &Path, name: &str) -> io::Result<()> {
    three(path, name)
}

fn three(path: &Path, name: &str) -> io::Result<()> {
    four(path, name)
}

fn four(path: &Path, name: &str) -> io::Result<()> {
    five(path, name)
}

fn five(path: &Path, name: &str) -> io::Result<()> {
    six(path, name)
}

fn six(path: &Path, name: &str) -> io::Result<()> {
    seven(path, name)
}

fn seven(path: &Path, name: &str) -> io::Result<()> {
    eight(path, name)
}

fn eight(path: &Path, name: &str) -> io::Result<()> {
    nine(path, name)
}

fn nine(path: &Path, name: &str) -> io::Result<()> {
    ten(path, name)
}

fn ten(path: &Path, name: &str) -> io::Result<()> {
    fs::write(path, name)
}
