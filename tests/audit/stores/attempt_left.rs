//! A table is made of a snapshot, synced and renamed into place; if that fails, opening goes on without it. What is left unsynced then has not
//! got its name, and counts for nothing.
//!
//! row: Tables | yes | unknown (it lies in a file that is renamed on other ways, and may be what an attempt that failed has left) | no | unknown (a sync that could not be resolved may cover it) | unknown (it lies in a file that is renamed on other ways, and may be what an attempt that failed has left)

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

pub struct Tables {
    dir: PathBuf,
    rows: Vec<u8>,
}

impl Tables {
    pub fn snapshot(&self, rows: &[u8]) -> io::Result<()> {
        let mut file = File::create(self.dir.join("snapshot"))?;
        file.write_all(rows)?;
        file.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }

    pub fn load(&mut self) -> io::Result<()> {
        let rows = fs::read(self.dir.join("snapshot"))?;
        let temporary = self.dir.join("snapshot.tmp");
        if let Err(error) = (|| -> io::Result<()> {
            fs::write(&temporary, &rows)?;
            File::open(&temporary).and_then(|file| file.sync_all())?;
            fs::rename(&temporary, self.dir.join("snapshot"))?;
            File::open(&self.dir)?.sync_all()
        })() {
            eprintln!("table: {error}");
        }
        self.rows = rows;
        Ok(())
    }
}
