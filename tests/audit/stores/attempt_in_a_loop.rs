//! What an attempt has left in a file that it did not give its name is taken for nothing also where many are made one after the other.
//!
//! row: Batches | unknown (it lies in a file that is renamed on other ways, and may be what an attempt that failed has left) | n/a | no | no | no

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Batches {
    dir: PathBuf,
}

impl Batches {
    pub fn open(dir: &Path) -> Batches {
        Batches { dir: dir.to_owned() }
    }

    pub fn put(&self, batches: &[Vec<u8>]) -> io::Result<()> {
        for (number, batch) in batches.iter().enumerate() {
            self.put_one(number, batch)?;
        }
        Ok(())
    }

    fn put_one(&self, number: usize, batch: &[u8]) -> io::Result<()> {
        let part = self.dir.join("part");
        let mut file = File::create(&part)?;
        file.write_all(batch)?;
        if !batch.ends_with(b"\n") {
            return Ok(());
        }
        file.sync_all()?;
        fs::rename(part, self.dir.join(format!("{number}.batch")))
    }
}
