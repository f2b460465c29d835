//! Where the file lies only code tells that was not seen, and the function that writes it is the only one to know: what it leaves is left
//! all the same.
//!
//! row: Shell | no | n/a | no | no | no

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

fn history_path() -> PathBuf {
    let mut path = elsewhere::home().unwrap();
    path.push(".history");
    path
}

fn save(lines: &[String]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(history_path())?;
    for line in lines {
        writeln!(file, "{line}")?;
    }
    Ok(())
}

pub struct Shell {
    lines: Vec<String>,
}

impl Shell {
    pub fn enter(&mut self, line: &str) -> io::Result<()> {
        self.lines.push(line.to_owned());
        save(&self.lines)
    }
}
