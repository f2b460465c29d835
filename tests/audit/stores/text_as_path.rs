//! A text that is changed in place is another path than before: what is written beside a file, and takes its place by a rename, is not the
//! file.
//!
//! row: Beside | yes | yes | no | unknown (a sync that could not be resolved may cover it) | unknown (a sync that could not be resolved may cover it)

use std::fs::{self, File};
use std::io::{self, Write};

pub struct Beside {
    dir: String,
    name: String,
}

impl Beside {
    pub fn open(dir: &str) -> Beside {
        Beside { dir: dir.to_string(), name: format!("{dir}/rows") }
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rows = File::options().append(true).open(&self.name)?;
        rows.write_all(bytes)?;
        rows.sync_all()
    }

    pub fn compact(&mut self) -> io::Result<()> {
        let rows = fs::read(&self.name)?;
        let mut beside = self.name.clone();
        beside.push_str(".new");
        let mut file = File::create(&beside)?;
        file.write_all(&rows)?;
        file.sync_all()?;
        fs::rename(&beside, &self.name)?;
        File::open(&self.dir)?.sync_all()
    }

    pub fn shorten(&mut self) -> io::Result<()> {
        let rows = fs::read(&self.name)?;
        let mut beside = self.name.clone();
        beside.insert(0, '/');
        let mut file = File::create(&beside)?;
        file.write_all(&rows[1..])?;
        file.sync_all()?;
        fs::rename(&beside, &self.name)?;
        File::open(&self.dir)?.sync_all()
    }
}
