//! Where something goes before all that is written is durable, and it cannot be told what the one has to do with the other, it cannot be said
//! either that inputs do not go first.
//!
//! row: Consumer | unknown (nothing was seen to be written other than by what rewrites) | unknown (what `done` leaves unsynced was not seen to stand for what it takes away) | unknown (what `done` leaves unsynced was not seen to stand for what it takes away) | no | no

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

pub struct Consumer {
    dir: PathBuf,
    first: u64,
    at: u64,
    open: BufReader<File>,
}

impl Consumer {
    pub fn open(dir: &Path) -> io::Result<Consumer> {
        let open = BufReader::new(File::open(dir.join("0.part"))?);
        Ok(Consumer { dir: dir.to_owned(), first: 0, at: 0, open })
    }

    pub fn next(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.open.read_exact(bytes)?;
        self.at += 1;
        Ok(())
    }

    pub fn done(&mut self) -> io::Result<()> {
        for part in self.first..self.at {
            fs::remove_file(self.dir.join(format!("{part}.part")))?;
        }
        self.first = self.at;
        let mut position = File::create(self.dir.join("position"))?;
        position.write_all(&self.first.to_be_bytes())
    }
}
