//! A harness keeps the output of a server that it starts, and wipes the server's data, which nothing here fills: that is no input of the
//! output. A queue removes the journal that it filled, and that is.
//!
//! row: Harness | no | unknown (what `wipe` leaves unsynced was not seen to stand for what it takes away) | unknown (what `wipe` takes away was not seen to be in what it writes) | no | no
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
    items: String,
}

impl Queue {
    pub fn push(&mut self, item: &str) -> io::Result<()> {
        let mut journal = OpenOptions::new().create(true).append(true).open(self.dir.join("journal"))?;
        journal.write_all(item.as_bytes())?;
        journal.sync_data()?;
        self.items.push_str(item);
        Ok(())
    }

    pub fn checkpoint(&self) -> io::Result<()> {
        let mut file = File::create(self.dir.join("items"))?;
        file.write_all(self.items.as_bytes())?;
        fs::remove_file(self.dir.join("journal"))?;
        file.sync_all()
    }
}
