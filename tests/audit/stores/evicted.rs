//! A cache makes room for what it takes in: what goes is no input of that.
//!
//! row: Cache | yes | unknown (what `put` removes was not seen to be a log that is written here, and may be no input) | unknown (what `put` takes away was not seen to be in what it writes) | yes | unknown (what `put` removes was not seen to be a log that is written here, and may be no input)

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Cache {
    dir: PathBuf,
    names: Vec<String>,
}

impl Cache {
    pub fn open(dir: &Path) -> Cache {
        Cache { dir: dir.to_owned(), names: Vec::new() }
    }

    pub fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(self.dir.join(name))?;
        file.write_all(bytes)?;
        while self.names.len() > 100 {
            let oldest = self.names.remove(0);
            fs::remove_file(self.dir.join(oldest))?;
        }
        self.names.push(name.to_owned());
        file.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }

    pub fn get(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.dir.join(name))
    }
}
