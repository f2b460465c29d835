//! A snapshot is synced and renamed, and the log is cut before the directory is synced: after a crash the cut can be there and the new
//! name not.
//!
//! row: Cells | yes | yes | yes (its name is not durable) | yes | no

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Cells {
    dir: PathBuf,
    log: File,
    cells: BTreeMap<u32, u32>,
}

impl Cells {
    pub fn open(dir: &Path) -> io::Result<Cells> {
        let log = OpenOptions::new().create(true).append(true).open(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        Ok(Cells { dir: dir.to_owned(), log, cells: BTreeMap::new() })
    }

    pub fn put(&mut self, at: u32, cell: u32) -> io::Result<()> {
        writeln!(self.log, "{at} {cell}")?;
        self.log.sync_data()?;
        self.cells.insert(at, cell);
        Ok(())
    }

    pub fn checkpoint(&mut self) -> io::Result<()> {
        let tmp = self.dir.join("cells.tmp");
        let mut file = File::create(&tmp)?;
        for (at, cell) in &self.cells {
            writeln!(file, "{at} {cell}")?;
        }
        file.sync_all()?;
        fs::rename(&tmp, self.dir.join("cells"))?;
        fs::remove_file(self.dir.join("log"))?;
        self.log = OpenOptions::new().create(true).append(true).open(self.dir.join("log"))?;
        File::open(&self.dir)?.sync_all()
    }
}
