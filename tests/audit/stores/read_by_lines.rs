//! What is rewritten is read line by line. The lines of a text are read from no file.
//!
//! row: Kept | yes | yes | no | no | no
//! row: Told | yes | n/a | no | no | no

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

pub struct Kept {
    path: PathBuf,
    file: File,
}

impl Kept {
    pub fn open(path: &Path) -> io::Result<Kept> {
        Ok(Kept { path: path.to_owned(), file: OpenOptions::new().append(true).open(path)? })
    }

    pub fn put(&mut self, line: &[u8]) -> io::Result<()> {
        self.file.write_all(line)?;
        self.file.sync_data()
    }

    pub fn compact(&mut self) -> io::Result<()> {
        let mut all = Vec::new();
        for line in BufReader::new(File::open(&self.path)?).lines() {
            let line = line?;
            all.push(line);
        }
        let temporary = self.path.with_extension("tmp");
        let mut file = File::create(&temporary)?;
        for line in &all {
            file.write_all(line.as_bytes())?;
        }
        file.sync_all()?;
        fs::rename(&temporary, &self.path)
    }
}

pub struct Told {
    path: PathBuf,
    file: File,
}

impl Told {
    pub fn open(path: &Path) -> io::Result<Told> {
        Ok(Told { path: path.to_owned(), file: OpenOptions::new().append(true).open(path)? })
    }

    pub fn put(&mut self, line: &[u8]) -> io::Result<()> {
        self.file.write_all(line)?;
        self.file.sync_data()
    }

    pub fn replace(&mut self, text: &str) -> io::Result<()> {
        let temporary = self.path.with_extension("tmp");
        let mut file = File::create(&temporary)?;
        for line in text.lines() {
            file.write_all(line.as_bytes())?;
        }
        file.sync_all()?;
        fs::rename(&temporary, &self.path)
    }
}
