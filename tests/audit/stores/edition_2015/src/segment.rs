use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

pub struct Segment {
    file: File,
}

impl Segment {
    pub fn open(dir: &Path, number: usize) -> io::Result<Segment> {
        let file = OpenOptions::new().create(true).append(true).open(dir.join(number.to_string()))?;
        Ok(Segment { file })
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }
}
