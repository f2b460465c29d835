//! A shell that merely holds a store, and does what a person types: the row is the store's.
//!
//! row: Store | no | n/a | no | yes | no

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

pub struct Store {
    log: File,
}

impl Store {
    pub fn open(dir: &Path) -> io::Result<Store> {
        let log = OpenOptions::new().create(true).append(true).open(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        Ok(Store { log })
    }

    pub fn put(&mut self, key: &str) -> io::Result<()> {
        self.log.write_all(key.as_bytes())
    }
}

pub struct Shell {
    store: Store,
}

impl Shell {
    pub fn new(store: Store) -> Shell {
        Shell { store }
    }

    pub fn run(mut self) -> io::Result<()> {
        let mut line = String::new();
        while io::stdin().read_line(&mut line)? > 0 {
            self.store.put(line.trim())?;
            line.clear();
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let store = Store::open(Path::new("data"))?;
    Shell::new(store).run()
}
