//! `Noted` moves what it read to a new file, syncs that, and notes it in a list that is only added to: that it takes the old away before the
//! list is synced is no reason to say that it is lost. `Listed` has nothing but the list.
//!
//! row: Noted | no | unknown (`rename` writes what it read to several files, and syncs one of them) | unknown (what it read is in several files that it writes, and one of them is synced before) | no | no
//! row: Listed | no | no | yes | no | no

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

pub struct Noted {
    dir: PathBuf,
}

impl Noted {
    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        fs::write(self.dir.join("old.item"), bytes)
    }

    pub fn rename(&self) -> io::Result<()> {
        let bytes = fs::read(self.dir.join("old.item"))?;
        let mut new = File::create(self.dir.join("new.item"))?;
        new.write_all(&bytes)?;
        new.sync_all()?;
        let mut list = OpenOptions::new().create(true).append(true).open(self.dir.join("list"))?;
        list.write_all(&bytes[..8])?;
        File::open(&self.dir)?.sync_all()?;
        fs::remove_file(self.dir.join("old.item"))
    }
}

pub struct Listed {
    dir: PathBuf,
}

impl Listed {
    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        fs::write(self.dir.join("old.item"), bytes)
    }

    pub fn rename(&self) -> io::Result<()> {
        let bytes = fs::read(self.dir.join("old.item"))?;
        let mut list = OpenOptions::new().create(true).append(true).open(self.dir.join("list"))?;
        list.write_all(&bytes)?;
        fs::remove_file(self.dir.join("old.item"))
    }
}
