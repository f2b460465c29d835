//! A list that is missing is made anew where the settings of its store were read: that replaces nothing, as far as can be told. Settings that
//! are made anew of what they were do.
//!
//! row: Missing | no | unknown (what `open_list` leaves unsynced was not seen to be made of what it read, and to take its place) | no (never deletes them) | no | no
//! row: Always | no | no | yes | no | no

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

pub struct Missing {
    dir: PathBuf,
}

impl Missing {
    pub fn set(&self, text: &str) -> io::Result<()> {
        fs::write(self.dir.join("settings"), text)
    }

    pub fn open_list(&self) -> io::Result<File> {
        let settings = fs::read(self.dir.join("settings"))?;
        let list = self.dir.join("list");
        if !list.exists() {
            File::create(&list)?;
        }
        let mut file = File::options().write(true).open(&list)?;
        file.write_all(&settings[..8])?;
        Ok(file)
    }
}

pub struct Always {
    dir: PathBuf,
}

impl Always {
    pub fn set(&self, text: &str) -> io::Result<()> {
        fs::write(self.dir.join("settings"), text)
    }

    pub fn cut(&self) -> io::Result<()> {
        let settings = fs::read(self.dir.join("settings"))?;
        let mut file = File::create(self.dir.join("settings.new"))?;
        file.write_all(&settings[..8])?;
        fs::rename(self.dir.join("settings.new"), self.dir.join("settings"))
    }
}
