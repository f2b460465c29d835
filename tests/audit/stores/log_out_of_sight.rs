//! One operation writes a log before it writes over the pages. Whether the other does cannot be told: a function below it is too deep.
//!
//! row: Pages | unknown (`patch`: it is too large or too deep to be followed to its end) | unknown (`patch`: it is too large or too deep to be followed to its end) | unknown (`patch`: it is too large or too deep to be followed to its end) | unknown (`patch`: it is too large or too deep to be followed to its end) | unknown (`patch`: it is too large or too deep to be followed to its end)

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

pub struct Pages {
    log: File,
    pages: File,
}

impl Pages {
    pub fn open(dir: &Path) -> io::Result<Pages> {
        let log = OpenOptions::new().append(true).open(dir.join("log"))?;
        let pages = OpenOptions::new().read(true).write(true).open(dir.join("pages"))?;
        Ok(Pages { log, pages })
    }

    pub fn put(&mut self, at: u64, page: &[u8]) -> io::Result<()> {
        self.log.write_all(page)?;
        self.log.sync_data()?;
        self.fill(at, page)
    }

    pub fn patch(&mut self, at: u64, page: &[u8]) -> io::Result<()> {
        self.one(page)?;
        self.fill(at, page)
    }

    fn fill(&mut self, at: u64, page: &[u8]) -> io::Result<()> {
        self.pages.seek(SeekFrom::Start(at))?;
        self.pages.write_all(page)?;
        self.pages.sync_data()
    }

    fn one(&mut self, page: &[u8]) -> io::Result<()> {
        self.two(page)
    }

    fn two(&mut self, page: &[u8]) -> io::Result<()> {
        self.three(page)
    }

    fn three(&mut self, page: &[u8]) -> io::Result<()> {
        self.four(page)
    }

    fn four(&mut self, page: &[u8]) -> io::Result<()> {
        self.five(page)
    }

    fn five(&mut self, page: &[u8]) -> io::Result<()> {
        self.six(page)
    }

    fn six(&mut self, page: &[u8]) -> io::Result<()> {
        self.seven(page)
    }

    fn seven(&mut self, page: &[u8]) -> io::Result<()> {
        self.eight(page)
    }

    fn eight(&mut self, page: &[u8]) -> io::Result<()> {
        self.nine(page)
    }

    fn nine(&mut self, page: &[u8]) -> io::Result<()> {
        self.log.write_all(page)?;
        self.log.sync_data()
    }
}
