//! Entries are written by somebody else, a database perhaps; here they are only compacted. That is not to say that nothing is written.
//!
//! row: Entries | unknown (nothing was seen to be written other than by what rewrites) | yes | no | yes | unknown (nothing was seen to be written other than by what rewrites)

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

pub struct Entries {
    dir: PathBuf,
}

impl Entries {
    pub fn compact(&self) -> io::Result<()> {
        let entries = fs::read(self.dir.join("entries"))?;
        let mut file = File::create(self.dir.join("entries.new"))?;
        file.write_all(&entries)?;
        file.sync_all()?;
        fs::rename(self.dir.join("entries.new"), self.dir.join("entries"))?;
        File::open(&self.dir)?.sync_all()
    }
}
