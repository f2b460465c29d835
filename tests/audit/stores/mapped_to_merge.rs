//! What is read through a mapping no call shows: who maps a file, and then fills another one, may rewrite.
//!
//! row: Runs | no | unknown (what `merge` leaves unsynced was not seen to be made of what it read, and to take its place) | no (never deletes them) | no | no

use memmap2::Mmap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Runs {
    dir: PathBuf,
}

impl Runs {
    pub fn open(dir: &Path) -> Runs {
        Runs { dir: dir.to_owned() }
    }

    fn keys(&self, number: u64) -> io::Result<Vec<u8>> {
        let file = File::open(self.dir.join(format!("{number}.run")))?;
        let mapping = unsafe { Mmap::map(&file)? };
        Ok((0..mapping.len()).map(|at| mapping[at]).collect())
    }

    pub fn merge(&self, number: u64, more: &[u8]) -> io::Result<()> {
        let size = self.keys(number)?.len();
        let mut merged = File::create(self.dir.join("merged"))?;
        merged.write_all(&vec![0; size])?;
        merged.write_all(more)
    }
}
