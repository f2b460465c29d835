//! A tree that is built at once of what its opening is given, and not synced: that what is added later is synced does not make its writes
//! durable. A head that no caller gave is no content.
//!
//! row: Tree | unknown (`from_leaves`, an opening, is given content, and does not sync what it writes) | n/a | no | yes | unknown (`from_leaves`, an opening, is given content, and does not sync what it writes)
//! row: Log | yes | n/a | no | yes | yes

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

pub struct Tree {
    file: File,
    len: u64,
}

impl Tree {
    pub fn from_leaves(dir: &Path, leaves: &[u8]) -> io::Result<Tree> {
        let file = OpenOptions::new().write(true).read(true).create_new(true).open(dir.join("tree"))?;
        fill(&file, leaves)?;
        File::open(dir)?.sync_all()?;
        Ok(Tree { file, len: leaves.len() as u64 })
    }

    pub fn push(&mut self, leaf: &[u8]) -> io::Result<()> {
        self.file.write_all_at(leaf, self.len)?;
        self.len += leaf.len() as u64;
        self.file.sync_data()
    }
}

fn fill(file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, 0)
}

pub struct Log {
    file: File,
}

impl Log {
    pub fn create(dir: &Path) -> io::Result<Log> {
        let mut file = OpenOptions::new().append(true).create_new(true).open(dir.join("log"))?;
        file.write_all(b"log 1\n")?;
        File::open(dir)?.sync_all()?;
        Ok(Log { file })
    }

    pub fn add(&mut self, line: &[u8]) -> io::Result<()> {
        self.file.write_all(line)?;
        self.file.sync_data()
    }
}
