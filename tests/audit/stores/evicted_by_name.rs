//! A cache takes in what was renamed into place, and makes room for it by its list of names: what goes is of the kind that comes, and no log.
//!
//! row: Cache | no | unknown (what `put` leaves unsynced was not seen to stand for what it takes away) | unknown (what `put` takes away was not seen to be in what it writes) | no | no

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

pub struct Cache {
    root: PathBuf,
    names: Vec<String>,
}

impl Cache {
    pub fn open(root: &Path) -> Cache {
        Cache { root: root.to_owned(), names: Vec::new() }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.root.join(format!("{name}.entry"))
    }

    pub fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.root)?;
        file.write_all(bytes)?;
        while self.names.len() > 100 {
            let oldest = self.names.remove(0);
            fs::remove_file(self.place(&oldest))?;
        }
        file.persist(self.place(name))?;
        self.names.push(name.to_owned());
        Ok(())
    }

    pub fn get(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.place(name))
    }
}
