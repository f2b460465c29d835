//! A snapshot is copied from what was written for it, and those before it are removed while the copy is not synced. They were not read, and
//! may be what the copy is for.
//!
//! row: Snapshots | no | unknown (what `build` leaves unsynced was not seen to be made of what it read, and to take its place) | unknown (what `build` takes away was not seen to be read, and may be what its output is for) | no | no

use std::fs;
use std::io;
use std::path::PathBuf;

pub struct Snapshots {
    dir: PathBuf,
    last: Option<u64>,
}

impl Snapshots {
    fn place(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number}.snapshot"))
    }

    pub fn build(&mut self, number: u64) -> io::Result<()> {
        let source = self.dir.join(format!("{number}.snapshot"));
        fs::copy(source, self.place(number + 1))?;
        if let Some(last) = self.last.replace(number) {
            fs::remove_file(self.dir.join(format!("{last}.old")))?;
        }
        Ok(())
    }
}
