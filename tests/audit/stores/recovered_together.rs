//! What a checkpoint is given stands for its log: opening puts what it reads of both into one field. Of what `Traces` removes nothing is read.
//!
//! row: Counts | yes | no | yes | no | no
//! row: Traces | yes | unknown (what `finish` leaves unsynced was not seen to stand for what it takes away) | unknown (what `finish` takes away was not seen to be in what it writes) | no | no

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Counts {
    dir: PathBuf,
    total: String,
}

impl Counts {
    pub fn open(dir: &Path) -> io::Result<Counts> {
        let mut total = fs::read_to_string(dir.join("total"))?;
        total.push_str(&fs::read_to_string(dir.join("journal"))?);
        Ok(Counts { dir: dir.to_owned(), total })
    }

    pub fn total(&self) -> &str {
        &self.total
    }

    pub fn count(&self, item: &str) -> io::Result<()> {
        let mut journal = OpenOptions::new().create(true).append(true).open(self.dir.join("journal"))?;
        journal.write_all(item.as_bytes())?;
        journal.sync_data()
    }

    pub fn checkpoint(&self, total: &str) -> io::Result<()> {
        let mut file = File::create(self.dir.join("total"))?;
        file.write_all(total.as_bytes())?;
        fs::remove_file(self.dir.join("journal"))
    }
}

pub struct Traces {
    dir: PathBuf,
}

impl Traces {
    pub fn add(&self, line: &str) -> io::Result<()> {
        let mut trace = OpenOptions::new().create(true).append(true).open(self.dir.join("trace"))?;
        trace.write_all(line.as_bytes())?;
        trace.sync_data()
    }

    pub fn finish(&self, verdict: &str) -> io::Result<()> {
        let mut file = File::create(self.dir.join("verdict"))?;
        file.write_all(verdict.as_bytes())?;
        fs::remove_file(self.dir.join("trace"))
    }
}
