use segment::Segment;
use std::io;
use std::path::{Path, PathBuf};

pub struct Log {
    dir: PathBuf,
    segments: Vec<Segment>,
}

impl Log {
    pub fn open(dir: &Path) -> Log {
        Log { dir: dir.to_owned(), segments: Vec::new() }
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.segments.is_empty() {
            let segment = Segment::open(&self.dir, self.segments.len())?;
            self.segments.push(segment);
        }
        self.segments.last_mut().unwrap().write(bytes)
    }
}
