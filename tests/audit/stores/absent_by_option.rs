//! What is there is read, and what is not there is made: whether it is, a helper says by an optional value, so that nothing is ever rewritten.
//! `Counted` writes what it found there, changed: that is a rewrite.
//!
//! row: Known | no | unknown (what `version` leaves unsynced was not seen to be made of what it read, and to take its place) | unknown (what `version` read was not seen to be in what it writes) | no | no
//! row: Counted | no | no | yes (in place) | no | no

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn read_if_there(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn fetch(name: &str) -> String {
    format!("{name} 1.0")
}

pub struct Known {
    dir: PathBuf,
}

impl Known {
    pub fn set(&self, name: &str, version: &str) -> io::Result<()> {
        fs::write(self.dir.join("version"), format!("{name} {version}"))
    }

    pub fn version(&self, name: &str) -> io::Result<String> {
        let path = self.dir.join("version");
        if let Some(version) = read_if_there(&path)? {
            return Ok(version);
        }
        let version = fetch(name);
        fs::write(&path, &version)?;
        Ok(version)
    }
}

pub struct Counted {
    dir: PathBuf,
}

impl Counted {
    pub fn set(&self, number: &str) -> io::Result<()> {
        fs::write(self.dir.join("count"), number)
    }

    pub fn count(&self) -> io::Result<()> {
        let path = self.dir.join("count");
        let mut text = read_if_there(&path)?.unwrap_or_default();
        text.push('|');
        fs::write(&path, text)
    }
}
