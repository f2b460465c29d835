//! What is made step by step, and put aside and taken up again in a loop, is finished by a last step that syncs: that it is left before that
//! step is not certain.
//!
//! row: Tables | unknown (the last step, `finish`, syncs, and it may be of no use before) | n/a | no | no | no

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

struct Writer {
    file: BufWriter<File>,
    size: usize,
}

impl Writer {
    fn create(path: &Path) -> io::Result<Writer> {
        Ok(Writer { file: BufWriter::new(File::create(path)?), size: 0 })
    }

    fn add(&mut self, row: &[u8]) -> io::Result<()> {
        self.size += row.len();
        self.file.write_all(row)
    }

    fn finish(mut self) -> io::Result<()> {
        if self.size == 0 { return Ok(()); }
        self.file.flush()?;
        self.file.get_ref().sync_all()
    }
}

pub struct Tables {
    dir: PathBuf,
    next: u64,
}

impl Tables {
    pub fn open(dir: &Path) -> Tables {
        Tables { dir: dir.to_owned(), next: 0 }
    }

    pub fn put(&mut self, rows: &[Vec<u8>]) -> io::Result<()> {
        let mut open: Option<Writer> = None;
        for row in rows {
            if open.is_none() {
                self.next += 1;
                open = Some(Writer::create(&self.dir.join(format!("{}.table", self.next)))?);
            }
            let writer = open.as_mut().expect("just opened");
            writer.add(row)?;
            if writer.size > 4096 {
                open.take().expect("just written to").finish()?;
            }
        }
        if let Some(writer) = open.take() {
            writer.finish()?;
        }
        Ok(())
    }
}
