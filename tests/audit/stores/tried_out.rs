//! A file that is made, filled and removed again by one function only tries out whether that can be done: what keeps nothing else is no store.
//! An operation that is given nothing writes no more than what it knows; what others are given before, by methods that do nothing to files, is
//! there only after it.
//!
//! row: Holder | yes | n/a | no | no | no
//! row: Map | conditional (only when `save` is called) | n/a | no | yes | yes

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Settings {
    dir: PathBuf,
}

impl Settings {
    pub fn check(&self) -> Vec<String> {
        try_out(&self.dir).err().map(|why| why.to_string()).into_iter().collect()
    }
}

fn try_out(dir: &Path) -> io::Result<()> {
    let probe = dir.join(".probe");
    fs::write(&probe, b"probe")?;
    fs::remove_file(&probe)
}

pub struct Holder {
    path: PathBuf,
    held: bool,
}

impl Holder {
    pub fn new(dir: &Path) -> Holder {
        Holder { path: dir.join("holder"), held: false }
    }

    pub fn acquire(&mut self) -> io::Result<()> {
        if self.held {
            return Ok(());
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(&self.path)?;
        file.write_all(std::process::id().to_string().as_bytes())?;
        file.sync_all()?;
        self.held = true;
        Ok(())
    }
}

pub struct Map {
    dir: PathBuf,
    items: Vec<(String, Vec<u8>)>,
}

impl Map {
    pub fn open(dir: &Path) -> Map {
        Map { dir: dir.to_path_buf(), items: Vec::new() }
    }

    pub fn set(&mut self, name: String, bytes: Vec<u8>) {
        self.items.push((name, bytes));
    }

    pub fn save(&self) -> io::Result<()> {
        let mut file = File::create(self.dir.join("map"))?;
        for (name, bytes) in &self.items {
            file.write_all(name.as_bytes())?;
            file.write_all(bytes)?;
        }
        file.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }
}
