//! A report is written step by step, and the one function that offers that has a last step, which nobody else can call, sync it.
//!
//! row: Report | unknown (the last step, `close`, syncs, and it may be of no use before) | n/a | no | unknown (the last step, `close`, syncs, and it may be of no use before) | unknown (the last step, `close`, syncs, and it may be of no use before)

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

pub struct Report {
    file: File,
}

impl Report {
    pub fn save(path: &Path, fill: impl FnOnce(Report) -> io::Result<Report>) -> io::Result<()> {
        let report = Report { file: File::create(path)? };
        fill(report)?.close()
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn close(self) -> io::Result<()> {
        self.file.sync_all()
    }
}
