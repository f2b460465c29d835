//! A transaction keeps what is added to it in a file of its own, and takes it into the store when it is committed: what is only added was
//! promised to nobody.
//!
//! row: Store | unknown (the last step, `commit`, syncs, and it may be of no use before) | yes | no | yes | unknown (the last step, `commit`, syncs, and it may be of no use before)

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Store {
    dir: PathBuf,
}

pub struct Transaction {
    dir: PathBuf,
    staged: File,
}

impl Store {
    pub fn open(dir: &Path) -> io::Result<Store> {
        fs::read(dir.join("data"))?;
        Ok(Store { dir: dir.to_owned() })
    }

    pub fn begin(&self) -> io::Result<Transaction> {
        let staged = OpenOptions::new().append(true).open(self.dir.join("staged"))?;
        Ok(Transaction { dir: self.dir.clone(), staged })
    }

    pub fn set(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(self.dir.join("data.new"))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(self.dir.join("data.new"), self.dir.join("data"))?;
        File::open(&self.dir)?.sync_all()
    }

    pub fn merge(&self) -> io::Result<()> {
        self.begin()?.commit()
    }
}

impl Transaction {
    pub fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.staged.write_all(bytes)
    }

    pub fn commit(self) -> io::Result<()> {
        let bytes = fs::read(self.dir.join("staged"))?;
        let mut file = File::create(self.dir.join("data.new"))?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(self.dir.join("data.new"), self.dir.join("data"))?;
        File::open(&self.dir)?.sync_all()
    }
}
