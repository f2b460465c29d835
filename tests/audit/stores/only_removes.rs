//! Segments are synced before older ones go: nothing is put out, and nothing is rewritten.
//!
//! row: Segments | no | n/a | no | yes | no

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

pub struct Segments {
    dir: PathBuf,
    numbers: Vec<u64>,
    last: File,
}

impl Segments {
    fn place(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number}.segment"))
    }

    pub fn append(&mut self, entry: &[u8]) -> io::Result<()> {
        self.last.write_all(entry)
    }

    pub fn next(&mut self, number: u64) -> io::Result<()> {
        self.last.sync_all()?;
        self.last = OpenOptions::new().create(true).append(true).open(self.place(number))?;
        self.numbers.push(number);
        File::open(&self.dir)?.sync_all()
    }

    pub fn purge(&mut self, below: u64) -> io::Result<()> {
        self.last.sync_all()?;
        let (old, kept): (Vec<u64>, Vec<u64>) = self.numbers.iter().partition(|&&number| number < below);
        for number in old {
            fs::remove_file(self.place(number))?;
        }
        self.numbers = kept;
        File::open(&self.dir)?.sync_all()
    }
}
