//! What is written goes to memory, and that to code that was not seen: that nothing of it is left proves nothing of files.
//!
//! row: Cache | unknown (what it goes to was not seen to be opened, and may be no file) | n/a | no | no (removals) | unknown (what it goes to was not seen to be opened, and may be no file)

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

pub struct Cache {
    db: elsewhere::Database,
    mark: PathBuf,
}

impl Cache {
    pub fn open(mark: PathBuf) -> Cache {
        Cache { db: elsewhere::Database::new(), mark }
    }

    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let mut entry = Vec::new();
        encode(&mut entry, bytes)?;
        self.db.insert(entry)
    }

    pub fn clear(&self) -> io::Result<()> {
        fs::remove_file(&self.mark)
    }
}

fn encode<W: Write>(writer: &mut W, bytes: &[u8]) -> io::Result<()> {
    writer.write_all(&bytes.len().to_be_bytes())?;
    writer.write_all(bytes)
}
