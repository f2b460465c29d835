//! What one operation reads into memory, another one writes to a new file, and a third removes the old one: together they rewrite, though none
//! of them does.
//!
//! row: Tables | no | unknown (what `reclaim` reads may get into what `flush` writes, and others remove files) | unknown (what `reclaim` reads may get into what `flush` writes, and others remove files) | no | no

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

pub struct Row {
    pub value: Vec<u8>,
}

pub struct Tables {
    dir: PathBuf,
    rows: Vec<Row>,
    next: u64,
}

impl Tables {
    pub fn open(dir: &Path) -> Tables {
        Tables { dir: dir.to_owned(), rows: Vec::new(), next: 0 }
    }

    pub fn put(&mut self, value: Vec<u8>) {
        self.rows.push(Row { value });
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.next += 1;
        let mut table = File::create(self.dir.join(format!("{}.table", self.next)))?;
        for row in &self.rows {
            table.write_all(&row.value)?;
        }
        Ok(())
    }

    pub fn reclaim(&mut self, number: u64) -> io::Result<()> {
        let mut value = Vec::new();
        File::open(self.dir.join(format!("{number}.table")))?.read_to_end(&mut value)?;
        self.rows.push(Row { value });
        Ok(())
    }

    pub fn clean(&mut self, number: u64) -> io::Result<()> {
        fs::remove_file(self.dir.join(format!("{number}.table")))
    }
}
