//! Whether a directory is synced can hang on an option as well; where removals never are, the cell says both.
//!
//! row: Kept | conditional (policy) | n/a | no | conditional (policy) | yes
//! row: Queue | yes | n/a | no | no (removals, and new names depending on policy) | unknown (a removed file can be back after a crash, and whether that does harm cannot be told)

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

#[derive(Clone, Copy)]
pub enum Policy {
    Maximal,
    Content,
    Throughput,
}

pub struct Kept {
    dir: PathBuf,
    policy: Policy,
}

impl Kept {
    pub fn open(dir: &Path, policy: Policy) -> Kept {
        Kept { dir: dir.to_owned(), policy }
    }

    pub fn put(&self, number: u64, bytes: &[u8]) -> io::Result<()> {
        let part = self.dir.join(format!("{number}.tmp"));
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        if !matches!(self.policy, Policy::Throughput) {
            file.sync_all()?;
        }
        fs::rename(&part, self.dir.join(format!("{number}.kept")))?;
        if matches!(self.policy, Policy::Maximal) {
            File::open(&self.dir)?.sync_all()?;
        }
        Ok(())
    }
}

pub struct Queue {
    dir: PathBuf,
    policy: Policy,
}

impl Queue {
    pub fn open(dir: &Path, policy: Policy) -> Queue {
        Queue { dir: dir.to_owned(), policy }
    }

    pub fn push(&self, number: u64, bytes: &[u8]) -> io::Result<()> {
        let part = self.dir.join(format!("{number}.new"));
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, self.dir.join(format!("{number}.item")))?;
        if matches!(self.policy, Policy::Maximal) {
            File::open(&self.dir)?.sync_all()?;
        }
        Ok(())
    }

    pub fn done(&self, number: u64) -> io::Result<()> {
        fs::remove_file(self.dir.join(format!("{number}.item")))
    }
}
