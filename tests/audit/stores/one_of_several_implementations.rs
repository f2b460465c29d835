//! What is asked of an interface, one implementation does without a sync, and another only in memory: for `Store`, which is given one, it
//! cannot be told which. `Own` makes the one that leaves files unsynced for itself.
//!
//! row: Files | no | n/a | no | no | no
//! row: Store | unknown (`put` has several implementations, and which of them is asked cannot be told) | n/a | no | unknown (`put` has several implementations, and which of them is asked cannot be told) | unknown (`put` has several implementations, and which of them is asked cannot be told)
//! row: Own | no | n/a | no | no | no

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

pub trait Backend {
    fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
}

pub struct Files {
    dir: PathBuf,
}

impl Files {
    pub fn put_all(&mut self, all: &[(String, Vec<u8>)]) -> io::Result<()> {
        all.iter().try_for_each(|(name, bytes)| self.put(name, bytes))
    }
}

impl Backend for Files {
    fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fs::write(self.dir.join(name), bytes)
    }
}

pub struct Memory {
    items: HashMap<String, Vec<u8>>,
}

impl Backend for Memory {
    fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.items.insert(name.to_string(), bytes.to_vec());
        Ok(())
    }
}

pub struct Store {
    dir: PathBuf,
    backend: Box<dyn Backend>,
}

impl Store {
    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.backend.put("item", bytes)
    }

    pub fn mark(&self) -> io::Result<()> {
        let mut mark = File::create(self.dir.join("mark"))?;
        mark.write_all(b"mark")?;
        mark.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }
}

pub struct Own {
    backend: Kept,
}

pub struct Kept {
    dir: PathBuf,
}

impl Backend for Kept {
    fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fs::write(self.dir.join(name), bytes)
    }
}

impl Own {
    pub fn open(dir: PathBuf) -> Own {
        Own { backend: Kept { dir } }
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.backend.put("item", bytes)
    }
}
