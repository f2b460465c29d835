//! Nothing is written over: records go to the end of the log, after a look at an earlier one, and a new table's header is filled in last.
//!
//! row: Tables | yes | yes | no | yes | yes

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub struct Tables {
    dir: PathBuf,
    log: File,
}

impl Tables {
    pub fn open(dir: &Path) -> io::Result<Tables> {
        let log = OpenOptions::new().create(true).read(true).write(true).open(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        Ok(Tables { dir: dir.to_owned(), log })
    }

    pub fn get(&mut self, offset: u64) -> io::Result<[u8; 8]> {
        let mut record = [0; 8];
        self.log.seek(SeekFrom::Start(offset))?;
        self.log.read_exact(&mut record)?;
        Ok(record)
    }

    pub fn put(&mut self, offset: u64, record: [u8; 8]) -> io::Result<()> {
        if self.get(offset)? == record {
            return Ok(());
        }
        self.log.seek(SeekFrom::End(0))?;
        self.log.write_all(&record)?;
        self.log.sync_data()
    }

    pub fn merge(&mut self, old: &str, new: &str) -> io::Result<()> {
        let entries = fs::read(self.dir.join(old))?;
        let tmp = self.dir.join("table.tmp");
        let mut table = File::create(&tmp)?;
        table.write_all(&[0; 8])?;
        table.write_all(&entries)?;
        table.seek(SeekFrom::Start(0))?;
        table.write_all(&entries.len().to_le_bytes())?;
        table.sync_all()?;
        fs::rename(&tmp, self.dir.join(new))?;
        File::open(&self.dir)?.sync_all()?;
        fs::remove_file(self.dir.join(old))?;
        File::open(&self.dir)?.sync_all()
    }
}
