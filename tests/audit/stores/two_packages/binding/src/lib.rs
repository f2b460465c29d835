//! The store for another language.

use std::io;
use std::path::Path;

pub struct Handle {
    inner: solution::Store,
}

impl Handle {
    pub fn open(dir: &Path) -> io::Result<Handle> {
        Ok(Handle { inner: solution::Store::open(dir)? })
    }

    pub fn put(&mut self, key: &[u8]) -> io::Result<()> {
        self.inner.put(key)
    }
}
