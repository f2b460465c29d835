//! A table is made step by step, by a type of its own that the last step uses up: that one syncs. Whether anything of the table counts
//! before is not known.
//!
//! row: TableWriter | unknown (the last step, `finish`, syncs, and it may be of no use before) | n/a | no | unknown (the last step, `finish`, syncs, and it may be of no use before) | unknown (the last step, `finish`, syncs, and it may be of no use before)

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct TableWriter {
    dir: PathBuf,
    file: File,
}

impl TableWriter {
    pub fn create(dir: &Path, name: &str) -> io::Result<TableWriter> {
        let file = File::create_new(dir.join(name))?;
        Ok(TableWriter { dir: dir.to_owned(), file })
    }

    pub fn add(&mut self, record: &[u8]) -> io::Result<()> {
        self.file.write_all(record)
    }

    pub fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }
}
