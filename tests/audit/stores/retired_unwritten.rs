//! An input that is gone before anything which is made of it is written is gone too early, even if what is written then is synced. What is
//! removed after it was written elsewhere is not.
//!
//! row: Early | yes | yes | yes | yes | no
//! row: Late | yes | yes | no | yes | yes

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Early {
    dir: PathBuf,
}

impl Early {
    pub fn open(dir: &Path) -> Early {
        Early { dir: dir.to_owned() }
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut log = File::options().append(true).open(self.dir.join("log"))?;
        log.write_all(bytes)?;
        log.sync_all()
    }

    pub fn compact(&mut self) -> io::Result<()> {
        let records = fs::read(self.dir.join("log"))?;
        fs::remove_file(self.dir.join("log"))?;
        let mut table = File::create(self.dir.join("table"))?;
        table.write_all(&records)?;
        table.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }
}

pub struct Late {
    dir: PathBuf,
}

impl Late {
    pub fn open(dir: &Path) -> Late {
        Late { dir: dir.to_owned() }
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut log = File::options().append(true).open(self.dir.join("journal"))?;
        log.write_all(bytes)?;
        log.sync_all()
    }

    pub fn compact(&mut self) -> io::Result<()> {
        let records = fs::read(self.dir.join("journal"))?;
        let mut rows = File::create(self.dir.join("rows"))?;
        rows.write_all(&records)?;
        rows.sync_all()?;
        File::open(&self.dir)?.sync_all()?;
        fs::remove_file(self.dir.join("journal"))?;
        let mut index = File::create(self.dir.join("index"))?;
        index.write_all(&records)?;
        index.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }
}
