//! A file without a valid head is new: only then its directory is synced. That a head means that this was done already is what the program
//! knows, not what its effects tell.
//!
//! row: Blobs | yes | n/a | no | unknown (its directory is synced on another way, and which of them makes the file cannot be told) | unknown (its directory is synced on another way, and which of them makes the file cannot be told)

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

pub struct Blobs {
    dir: PathBuf,
}

impl Blobs {
    pub fn new(dir: &Path) -> Blobs {
        Blobs { dir: dir.to_owned() }
    }

    pub fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(self.dir.join(name))?;
        let mut head = [0; 4];
        let is_known = file.read(&mut head)? == 4 && &head == b"BLOB";
        if !is_known {
            let dir: &Path = &self.dir;
            File::open(dir)?.sync_all()?;
            file.write_all(b"BLOB")?;
        }
        file.write_all(bytes)?;
        file.sync_data()
    }
}
