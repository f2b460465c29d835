//! What is rewritten is read by a type that is gone over with `for`: each step reads from the file.
//!
//! row: Log | yes | yes | no | yes | yes

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

struct Frames<R> {
    reader: R,
}

impl<R: Read> Iterator for Frames<R> {
    type Item = io::Result<[u8; 16]>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut frame = [0; 16];
        match self.reader.read_exact(&mut frame) {
            Ok(()) => Some(Ok(frame)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => Some(Err(error)),
        }
    }
}

pub struct Log {
    dir: PathBuf,
    file: File,
}

impl Log {
    pub fn open(dir: &Path) -> io::Result<Log> {
        let file = OpenOptions::new().create(true).append(true).open(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        Ok(Log { dir: dir.to_owned(), file })
    }

    pub fn append(&mut self, frame: &[u8; 16]) -> io::Result<()> {
        self.file.write_all(frame)?;
        self.file.sync_data()
    }

    pub fn keep_from(&mut self, first: u8) -> io::Result<()> {
        let (path, tmp) = (self.dir.join("log"), self.dir.join("log.tmp"));
        let mut kept = Vec::new();
        for frame in (Frames { reader: BufReader::new(File::open(&path)?) }) {
            let frame = frame?;
            if frame[0] >= first {
                kept.push(frame);
            }
        }
        let mut out = File::create(&tmp)?;
        for frame in &kept {
            out.write_all(frame)?;
        }
        out.sync_all()?;
        fs::rename(&tmp, &path)?;
        File::open(&self.dir)?.sync_all()?;
        self.file = OpenOptions::new().append(true).open(&path)?;
        Ok(())
    }
}
