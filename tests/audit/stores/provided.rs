//! The methods that a trait provides are operations on whatever it is implemented for, which is there already: they open nothing.
//!
//! row: Layers | no | n/a | no | no | no

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

pub trait Layers {
    fn path(&self) -> PathBuf;

    fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(self.path())?;
        file.write_all(bytes)
    }
}

pub struct Folder {
    path: PathBuf,
}

impl Layers for Folder {
    fn path(&self) -> PathBuf {
        self.path.clone()
    }
}
