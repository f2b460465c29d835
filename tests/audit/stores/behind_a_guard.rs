//! Settings are read, changed and put into a file that is cut, all by way of a guard whose code was not seen: that nothing is rewritten there
//! cannot be said.
//!
//! row: Settings | unknown (what it goes to was not seen to be opened, and may be no file) | unknown (what `insert` reads and writes was not seen to be opened, and may be the file that it makes anew) | unknown (what `insert` reads and writes was not seen to be opened, and may be the file that it makes anew) | unknown (nothing was seen to be put into that file: it may be there to be locked) | unknown (what it goes to was not seen to be opened, and may be no file)

use guarded_files::{LockRead, LockWrite};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

pub struct Settings {
    path: PathBuf,
}

impl Settings {
    pub fn insert(&self, line: &str) -> io::Result<()> {
        let file = File::open(&self.path)?;
        let mut guard = file.lock_read().map_err(|lock| lock.error)?;
        let mut text = Vec::new();
        guard.read_to_end(&mut text)?;
        text.extend_from_slice(line.as_bytes());
        put(&self.path, &text)
    }

    pub fn clear(&self) -> io::Result<()> {
        put(&self.path, b"")
    }
}

fn put(path: &Path, text: &[u8]) -> io::Result<()> {
    let file = File::create(path)?;
    let mut guard = file.lock_write().map_err(|lock| lock.error)?;
    guard.write_all(text)?;
    guard.flush()
}
