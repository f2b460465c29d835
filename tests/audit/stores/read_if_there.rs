//! A key, its settings and a list are read if they are there, and made otherwise: that rewrites nothing, however it is asked and made. The
//! journal is read if it is there, and then replaced in any case.
//!
//! row: Key | no | n/a | no | no | no
//! row: Settings | no | n/a | no | no | no
//! row: List | yes | n/a | no | yes | yes
//! row: Journal | no | no | yes (in place) | no | no

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

pub struct Key {
    dir: PathBuf,
}

impl Key {
    pub fn open(dir: PathBuf) -> Key {
        Key { dir }
    }

    pub fn get(&self, seed: u64) -> io::Result<Vec<u8>> {
        let path = self.dir.join("key");
        match path.try_exists() {
            Ok(true) => fs::read(&path),
            Ok(false) => {
                fs::create_dir_all(&self.dir)?;
                fs::write(&path, seed.to_be_bytes())?;
                Ok(seed.to_be_bytes().to_vec())
            }
            Err(error) => Err(error),
        }
    }
}

pub struct Settings {
    path: PathBuf,
}

impl Settings {
    pub fn open(path: PathBuf) -> Settings {
        Settings { path }
    }

    pub fn load(&self, default: &str) -> io::Result<String> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::write(&self.path, default)?;
                Ok(default.to_string())
            }
            Err(error) => Err(error),
        }
    }
}

pub struct List {
    dir: PathBuf,
}

impl List {
    pub fn open(dir: PathBuf) -> List {
        List { dir }
    }

    pub fn get(&self, first: &[u8]) -> io::Result<Vec<u8>> {
        if self.dir.join("list").exists() {
            return fs::read(self.dir.join("list"));
        }
        let tmp = self.dir.join("list.tmp");
        let mut file = File::create(&tmp)?;
        file.write_all(first)?;
        file.sync_all()?;
        fs::rename(&tmp, self.dir.join("list"))?;
        File::open(&self.dir)?.sync_all()?;
        Ok(first.to_vec())
    }
}

pub struct Journal {
    path: PathBuf,
}

impl Journal {
    pub fn open(path: PathBuf) -> Journal {
        Journal { path }
    }

    pub fn add(&self, line: &str) -> io::Result<()> {
        let mut text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        text.push_str(line);
        fs::write(&self.path, text)
    }
}
