//! The files are made by functions that are given their names as strings: what these leave is the operation's as well, on the way that
//! writes and on the one that removes.
//!
//! row: Offsets | conditional (enforce) | n/a | no | no | no

use std::fs::{self, File};
use std::io::{self, Write};

fn persist(path: &str, offset: u64, enforce: bool) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(&offset.to_le_bytes())?;
    if enforce {
        file.sync_data()?;
    }
    Ok(())
}

pub struct Offsets {
    dir: String,
    enforce: bool,
}

impl Offsets {
    pub fn new(dir: &str, enforce: bool) -> Offsets {
        Offsets { dir: dir.to_owned(), enforce }
    }

    pub fn commit(&mut self, consumer: u64, offset: Option<u64>) -> io::Result<()> {
        let path = format!("{}/{consumer}", self.dir);
        match offset {
            Some(offset) => persist(&path, offset, self.enforce),
            None => fs::remove_file(&path),
        }
    }
}
