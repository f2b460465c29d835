//! Slots of several slabs are written, and those slabs are synced that were marked: which these are, only the program knows.
//!
//! row: Heap | unknown (of several files some are synced, and it cannot be told which) | n/a | no | yes | unknown (of several files some are synced, and it cannot be told which)

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

pub struct Heap {
    slabs: Vec<Slab>,
}

pub struct Slab {
    file: File,
}

impl Heap {
    pub fn open(dir: &Path) -> io::Result<Heap> {
        let mut slabs = Vec::new();
        for number in 0..8 {
            let path = dir.join(format!("slab_{number}"));
            slabs.push(Slab { file: OpenOptions::new().create(true).read(true).write(true).open(path)? });
        }
        File::open(dir)?.sync_all()?;
        Ok(Heap { slabs })
    }

    pub fn write_batch(&mut self, batch: &[(usize, u64, Vec<u8>)]) -> io::Result<()> {
        let mut dirty = 0_u64;
        for (slab, slot, data) in batch {
            self.slabs[*slab].file.write_all_at(data, *slot)?;
            dirty |= 1 << slab;
        }
        for number in 0..8 {
            if dirty & (1 << number) != 0 {
                self.slabs[number].file.sync_all()?;
            }
        }
        Ok(())
    }
}
