//! A slice of a mapping is a writer of its own: what goes through it is in the mapped file, and is lost without a sync of the mapping.
//!
//! row: Left | no | n/a | no | n/a | no
//! row: Kept | yes | n/a | no | n/a | yes

use memmap2::MmapMut;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

fn map(path: &Path) -> io::Result<MmapMut> {
    let file = File::options().read(true).write(true).open(path)?;
    unsafe { MmapMut::map_mut(&file) }
}

pub struct Left {
    map: MmapMut,
}

impl Left {
    pub fn open(path: &Path) -> io::Result<Left> {
        Ok(Left { map: map(path)? })
    }

    pub fn append(&mut self, at: usize, bytes: &[u8]) -> io::Result<()> {
        (&mut self.map[at..at + bytes.len()]).write_all(bytes)
    }

    pub fn flush(&self) -> io::Result<()> {
        self.map.flush()
    }
}

pub struct Kept {
    map: MmapMut,
}

impl Kept {
    pub fn open(path: &Path) -> io::Result<Kept> {
        Ok(Kept { map: map(path)? })
    }

    pub fn append(&mut self, at: usize, bytes: &[u8]) -> io::Result<()> {
        self.map[at..at + bytes.len()].copy_from_slice(bytes);
        self.map.flush()
    }
}
