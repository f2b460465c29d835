//! Tables go through a writer of another crate, which holds the file and gives it back in the end. Whether it keeps bytes back, and whether
//! what it gives back is the file, is not known.
//!
//! row: Tables | unknown (a sync that could not be resolved may cover it) | n/a | no | yes | unknown (a sync that could not be resolved may cover it)

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

pub struct Tables {
    dir: PathBuf,
    writer: blockfmt::Writer<BufWriter<File>>,
}

impl Tables {
    pub fn open(dir: &Path) -> io::Result<Tables> {
        let file = File::create_new(dir.join("table"))?;
        File::open(dir)?.sync_all()?;
        Ok(Tables { dir: dir.to_owned(), writer: blockfmt::Writer::from_writer(BufWriter::new(file)) })
    }

    pub fn put(&mut self, key: &[u8]) -> io::Result<()> {
        self.writer.write_all(key)?;
        self.writer.sync()?;
        Ok(())
    }

    pub fn delete(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.dir.join(name))?;
        File::open(&self.dir)?.sync_all()
    }
}
