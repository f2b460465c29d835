//! What is put stays in memory until somebody calls `flush`, which is durable.
//!
//! row: Cached | conditional (only when `flush` is called) | n/a | no | yes | yes

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Cached {
    dir: PathBuf,
    entries: BTreeMap<String, String>,
}

impl Cached {
    pub fn open(dir: &Path) -> Cached {
        Cached { dir: dir.to_owned(), entries: BTreeMap::new() }
    }

    pub fn put(&mut self, key: &str, value: &str) {
        self.entries.insert(key.to_owned(), value.to_owned());
    }

    pub fn flush(&self) -> io::Result<()> {
        let tmp = self.dir.join("entries.tmp");
        let mut file = File::create(&tmp)?;
        for (key, value) in &self.entries {
            writeln!(file, "{key}\t{value}")?;
        }
        file.sync_all()?;
        fs::rename(&tmp, self.dir.join("entries"))?;
        File::open(&self.dir)?.sync_all()
    }
}
