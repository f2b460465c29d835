//! What is opened by options that are given may be made, and may be the successor of what is removed: that there is no rewrite was not seen.
//!
//! row: Logs | no | unknown (`opened` opens by options that it is given, which may make the successor of what `merge` removes) | unknown (`opened` opens by options that it is given, which may make the successor of what `merge` removes) | no | no

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

fn opened(path: PathBuf, options: &OpenOptions) -> io::Result<File> {
    options.open(path)
}

fn to_make() -> OpenOptions {
    OpenOptions::new().create(true).append(true).to_owned()
}

pub struct Logs {
    dir: PathBuf,
}

impl Logs {
    pub fn open(dir: &Path) -> Logs {
        Logs { dir: dir.to_owned() }
    }

    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let mut log = File::options().create(true).append(true).open(self.dir.join("log"))?;
        log.write_all(bytes)
    }

    pub fn merge(&self) -> io::Result<()> {
        let mut rows = Vec::new();
        opened(self.dir.join("log"), &OpenOptions::new().read(true).to_owned())?.read_to_end(&mut rows)?;
        let mut merged = opened(self.dir.join("merged"), &to_make())?;
        merged.write_all(&rows)?;
        fs::remove_file(self.dir.join("log"))
    }
}
