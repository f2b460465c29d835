//! What gets too large for memory is spilled to a file without a name, and owed to nobody. What is put into a file with a name is.
//!
//! row: Spilling | yes | n/a | no | n/a | yes
//! row: Spooling | no | n/a | no | no | no

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Spilling {
    dir: PathBuf,
    log: File,
    held: Vec<u8>,
    spill: Option<File>,
}

impl Spilling {
    pub fn open(dir: &Path) -> io::Result<Spilling> {
        let log = OpenOptions::new().append(true).open(dir.join("log"))?;
        Ok(Spilling { dir: dir.to_path_buf(), log, held: Vec::new(), spill: None })
    }

    pub fn hold(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.held.extend_from_slice(bytes);
        if self.held.len() > 4096 {
            let mut file = tempfile::tempfile_in(&self.dir)?;
            file.write_all(&self.held)?;
            self.held.clear();
            self.spill = Some(file);
        }
        Ok(())
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log.write_all(bytes)?;
        self.log.sync_data()
    }
}

pub struct Spooling {
    dir: PathBuf,
    log: File,
    held: Vec<u8>,
}

impl Spooling {
    pub fn open(dir: &Path) -> io::Result<Spooling> {
        let log = OpenOptions::new().append(true).open(dir.join("log"))?;
        Ok(Spooling { dir: dir.to_path_buf(), log, held: Vec::new() })
    }

    pub fn hold(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.held.extend_from_slice(bytes);
        if self.held.len() > 4096 {
            let mut file = File::create(self.dir.join("spool"))?;
            file.write_all(&self.held)?;
            self.held.clear();
        }
        Ok(())
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log.write_all(bytes)?;
        self.log.sync_data()
    }
}
