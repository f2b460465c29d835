//! Whether a rewrite syncs what it puts out, before it replaces what it read, is an option, as it is for normal writes.
//!
//! row: Log | conditional (sync) | conditional (sync) | conditional (sync) | yes | yes

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Log {
    dir: PathBuf,
    sync: bool,
    file: File,
}

impl Log {
    pub fn open(dir: &Path, sync: bool) -> io::Result<Log> {
        let file = OpenOptions::new().create(true).append(true).open(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        Ok(Log { dir: dir.to_owned(), sync, file })
    }

    pub fn append(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.file, "{line}")?;
        if self.sync {
            self.file.sync_data()?;
        }
        Ok(())
    }

    pub fn keep(&mut self, wanted: &str) -> io::Result<()> {
        let (path, tmp) = (self.dir.join("log"), self.dir.join("log.tmp"));
        let text = fs::read_to_string(&path)?;
        let mut out = File::create(&tmp)?;
        for line in text.lines().filter(|line| line.contains(wanted)) {
            writeln!(out, "{line}")?;
        }
        if self.sync {
            out.sync_all()?;
        }
        fs::rename(&tmp, &path)?;
        File::open(&self.dir)?.sync_all()?;
        self.file = OpenOptions::new().append(true).open(&path)?;
        Ok(())
    }
}
