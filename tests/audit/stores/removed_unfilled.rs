//! A harness keeps the output of a server that it starts, and wipes the server's data, which nothing here fills: that is no input of the
//! output. A queue removes the journal that it filled, and that is.
//!
//! row: Harness | no | unknown (what `wipe` removes was not seen to be a log that is written here, and may be no input) | unknown (what `wipe` removes was not seen to be a log that is written here, and may be no input) | no | no
//! row: Queue | yes | yes | yes | no | no

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

pub struct Harness {
    output: PathBuf,
    data: PathBuf,
}

impl Harness {
    pub fn stop(&self, text: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.output)?;
        file.write_all(text.as_bytes())
    }

    pub fn wipe(&self, text: &str) -> io::Result<()> {
        self.stop(text)?;
        fs::remove_dir_all(&self.data)
    }
}

pub struct Queue {
    dir: PathBuf,
}

impl Queue {
    pub fn push(&self, item: &str) -> io::Result<()> {
        let mut journal = OpenOptions::new().create(true).append(true).open(self.dir.join("journal"))?;
        journal.write_all(item.as_bytes())?;
        journal.sync_data()
    }

    pub fn checkpoint(&self, items: &str) -> io::Result<()> {
        let mut file = File::create(self.dir.join("items"))?;
        file.write_all(items.as_bytes())?;
        fs::remove_file(self.dir.join("journal"))?;
        file.sync_all()
    }
}
