//! What is read and what is written are values of one type. `Snapshots` only compares the old one, and makes the new one of what it is given:
//! that it writes what it read cannot be told. `Merged` puts into the old one what it is given, and writes that.
//!
//! row: Snapshots | no | unknown (`update` reads into, and writes, values of one type, and whether it writes what it read cannot be told) | unknown (what `update` read was not seen to be in what it writes) | no | no
//! row: Merged | no | no | yes (in place) | no | no

use std::fs;
use std::io;
use std::path::PathBuf;

pub struct Snapshot {
    head: String,
    body: String,
}

fn parse(text: &str) -> Snapshot {
    let (head, body) = text.split_once('\n').unwrap_or_default();
    Snapshot { head: head.to_string(), body: body.to_string() }
}

fn render(snapshot: &Snapshot) -> String {
    format!("{}\n{}", snapshot.head, snapshot.body)
}

pub struct Snapshots {
    dir: PathBuf,
}

impl Snapshots {
    pub fn add(&self, head: &str, body: &str) -> io::Result<()> {
        let new = Snapshot { head: head.to_string(), body: body.to_string() };
        fs::write(self.dir.join("snapshot"), render(&new))
    }

    pub fn update(&self, head: &str, body: &str) -> io::Result<()> {
        let old = parse(&fs::read_to_string(self.dir.join("snapshot"))?);
        if old.body != body {
            let new = Snapshot { head: head.to_string(), body: body.to_string() };
            fs::write(self.dir.join("snapshot"), render(&new))?;
        }
        Ok(())
    }
}

pub struct Merged {
    dir: PathBuf,
}

impl Merged {
    pub fn add(&self, head: &str, body: &str) -> io::Result<()> {
        let new = Snapshot { head: head.to_string(), body: body.to_string() };
        fs::write(self.dir.join("merged"), render(&new))
    }

    pub fn update(&self, body: &str) -> io::Result<()> {
        let mut old = parse(&fs::read_to_string(self.dir.join("merged"))?);
        old.body.push_str(body);
        fs::write(self.dir.join("merged"), render(&old))
    }
}
