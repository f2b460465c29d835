//! Both read a file that they filled, take it away and fill another. Only `Table` puts what it read into that: it rewrites. `Monitor` looks
//! whether its status says that all is well, and writes what it is told.
//!
//! row: Monitor | no | unknown (what `report` leaves unsynced was not seen to be made of what it read, and to take its place) | unknown (what `report` takes away was not seen to be in what it writes) | no | no
//! row: Table | no | no | yes | no | no

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

pub struct Monitor {
    dir: PathBuf,
}

impl Monitor {
    pub fn note(&self, text: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(self.dir.join("status"))?;
        file.write_all(text.as_bytes())
    }

    pub fn report(&self, text: &str) -> io::Result<()> {
        let status = fs::read_to_string(self.dir.join("status"))?;
        if !status.contains("well") {
            return Ok(());
        }
        let mut file = File::create(self.dir.join("report"))?;
        file.write_all(text.as_bytes())?;
        fs::remove_file(self.dir.join("status"))
    }
}

pub struct Table {
    dir: PathBuf,
}

impl Table {
    pub fn put(&self, line: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(self.dir.join("lines"))?;
        file.write_all(line.as_bytes())
    }

    pub fn compact(&self) -> io::Result<()> {
        let mut last: BTreeMap<String, String> = BTreeMap::new();
        let text = fs::read_to_string(self.dir.join("lines"))?;
        for line in text.lines() {
            let (key, value) = line.split_once('\t').unwrap_or((line, ""));
            last.insert(key.to_owned(), value.to_owned());
        }
        let mut file = File::create(self.dir.join("table"))?;
        for (key, value) in &last {
            file.write_all(format!("{key}\t{value}\n").as_bytes())?;
        }
        fs::remove_file(self.dir.join("lines"))
    }
}
