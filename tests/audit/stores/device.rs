//! What is below `/dev` may be a disk, a terminal, or nothing that keeps anything.
//!
//! row: Console | unknown (it lies below `/dev`, and need not be a disk) | n/a | no | unknown (it lies below `/dev`, and need not be a disk) | unknown (it lies below `/dev`, and need not be a disk)

use std::fs::{File, OpenOptions};
use std::io::{self, Write};

pub struct Console {
    out: File,
}

impl Console {
    pub fn open(number: u8) -> io::Result<Console> {
        let path = format!("/dev/tty{number}");
        Ok(Console { out: OpenOptions::new().write(true).create(true).open(path)? })
    }

    pub fn put(&mut self, line: &str) -> io::Result<()> {
        OpenOptions::new().append(true).open("/dev/kmsg")?.write_all(line.as_bytes())
    }

    pub fn show(&mut self, line: &str) -> io::Result<()> {
        self.out.write_all(line.as_bytes())?;
        self.out.sync_data()
    }
}
