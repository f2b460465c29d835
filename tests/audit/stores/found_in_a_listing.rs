//! The segments of a log are opened again as they are found in its directory: that they would be made if they were not there makes no name.
//!
//! row: Log | yes | n/a | no | n/a | yes

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

pub struct Log {
    dir: PathBuf,
    segments: Vec<File>,
}

impl Log {
    pub fn open(dir: &Path) -> io::Result<Log> {
        let mut segments = Vec::new();
        for entry in fs::read_dir(dir)? {
            let file = OpenOptions::new().create(true).read(true).append(true).open(entry?.path())?;
            segments.push(file);
        }
        Ok(Log { dir: dir.to_path_buf(), segments })
    }

    pub fn add(&mut self, at: usize, bytes: &[u8]) -> io::Result<()> {
        self.segments[at].write_all(bytes)?;
        self.segments[at].sync_data()
    }
}
