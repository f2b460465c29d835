//! What keeps no files is no store: a command that is used up when it runs, an export that only makes new files, a text that is read to
//! make another. Where what is left is found again there is a row: notes that are added to, a page that is written anew and read again,
//! a report that is synced, a task that is used up while it saves, and whose file is loaded again.
//!
//! row: Notes | no | n/a | no | no | no
//! row: Page | no | n/a | no | no | no
//! row: Report | yes | n/a | no | no | no
//! row: Task | no | n/a | no | no | no

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Upgrade {
    path: PathBuf,
}

impl Upgrade {
    pub fn parse(path: &Path) -> Upgrade {
        Upgrade { path: path.to_owned() }
    }

    pub fn run(self) -> io::Result<()> {
        let text = fs::read_to_string(&self.path)?;
        fs::write(&self.path, text.replace("v1", "v2"))
    }
}

pub struct Export {
    rows: Vec<String>,
}

impl Export {
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let mut file = File::create(path)?;
        for row in &self.rows {
            file.write_all(row.as_bytes())?;
        }
        Ok(())
    }
}

pub struct Template {
    source: PathBuf,
}

impl Template {
    pub fn fill(&self, name: &str, target: &Path) -> io::Result<()> {
        let text = fs::read_to_string(&self.source)?;
        fs::write(target, text.replace("NAME", name))
    }
}

pub struct Notes {
    path: PathBuf,
}

impl Notes {
    pub fn add(&self, line: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        file.write_all(line.as_bytes())
    }
}

pub struct Page {
    path: PathBuf,
}

impl Page {
    pub fn show(&self) -> io::Result<String> {
        fs::read_to_string(&self.path)
    }

    pub fn set(&self, text: &str) -> io::Result<()> {
        fs::write(&self.path, text)
    }
}

pub struct Report {
    lines: Vec<String>,
}

impl Report {
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let mut file = File::create(path)?;
        for line in &self.lines {
            file.write_all(line.as_bytes())?;
        }
        file.sync_all()
    }
}

pub struct Task {
    path: PathBuf,
}

impl Task {
    pub fn load(path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    pub fn run(self, state: &[u8]) -> io::Result<()> {
        fs::write(&self.path, state)
    }
}
