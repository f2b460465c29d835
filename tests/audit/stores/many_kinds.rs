//! There are more implementations of an interface than are looked into at one call: what the rest of them do is not known.
//!
//! row: Store | unknown (`put`: it is too large or too deep to be followed to its end) | unknown (`put`: it is too large or too deep to be followed to its end) | unknown (`put`: it is too large or too deep to be followed to its end) | unknown (`put`: it is too large or too deep to be followed to its end) | unknown (`put`: it is too large or too deep to be followed to its end)

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

trait Medium {
    fn keep(&mut self, bytes: &[u8]) -> io::Result<()>;
}

struct One(File);
struct Two(File);
struct Three(File);
struct Four(File);
struct Five(File);

impl Medium for One {
    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)?;
        self.0.sync_all()
    }
}

impl Medium for Two {
    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)?;
        self.0.sync_data()
    }
}

impl Medium for Three {
    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(&[3])?;
        self.0.write_all(bytes)?;
        self.0.sync_data()
    }
}

impl Medium for Four {
    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(&[4])?;
        self.0.write_all(bytes)?;
        self.0.sync_data()
    }
}

impl Medium for Five {
    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }
}

pub struct Store {
    medium: Box<dyn Medium>,
}

impl Store {
    pub fn open(path: PathBuf, kind: u8) -> io::Result<Store> {
        let file = OpenOptions::new().append(true).open(path)?;
        let medium: Box<dyn Medium> = match kind {
            1 => Box::new(One(file)),
            2 => Box::new(Two(file)),
            3 => Box::new(Three(file)),
            4 => Box::new(Four(file)),
            _ => Box::new(Five(file)),
        };
        Ok(Store { medium })
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.medium.keep(bytes)
    }
}
