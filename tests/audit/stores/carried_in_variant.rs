//! An offset that was read, and decoded into one variant of several, is in what is written over it, unless the new one is larger.
//!
//! row: Offsets | conditional (sync) | conditional (sync) | conditional (sync) | no | no

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

enum Stored {
    Value { offset: u64 },
    Torn,
}

pub struct Offsets {
    path: PathBuf,
    sync: bool,
}

fn decode(bytes: &[u8]) -> Stored {
    match bytes.first_chunk::<8>() {
        Some(bytes) => Stored::Value { offset: u64::from_le_bytes(*bytes) },
        None => Stored::Torn,
    }
}

impl Offsets {
    pub fn store(&self, offset: u64) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&self.path)?;
        file.write_all(&offset.to_le_bytes())?;
        if self.sync {
            file.sync_data()?;
        }
        Ok(())
    }

    pub fn raise(&self, offset: u64) -> io::Result<()> {
        let stored = match decode(&fs::read(&self.path)?) {
            Stored::Value { offset } => Some(offset),
            Stored::Torn => None,
        };
        let raised = stored.map_or(offset, |stored| stored.max(offset));
        self.store(raised)
    }
}
