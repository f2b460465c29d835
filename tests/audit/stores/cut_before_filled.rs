//! A temporary file is cut, filled, synced and renamed into place, and another file added to: that is no log. A log is cut in the end.
//!
//! row: Replacing | yes | n/a | no | yes | yes
//! row: Logging | via log | n/a | no | n/a | yes

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub struct Replacing {
    dir: PathBuf,
    seen: File,
}

impl Replacing {
    pub fn open(dir: &Path) -> io::Result<Replacing> {
        let seen = OpenOptions::new().append(true).open(dir.join("seen"))?;
        Ok(Replacing { dir: dir.to_path_buf(), seen })
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.dir.join("secret.tmp");
        let mut file = OpenOptions::new().write(true).truncate(true).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, self.dir.join("secret"))?;
        File::open(&self.dir)?.sync_all()?;
        self.seen.write_all(bytes)?;
        self.seen.sync_data()
    }
}

pub struct Logging {
    log: File,
    pages: File,
}

impl Logging {
    pub fn open(dir: &Path) -> io::Result<Logging> {
        let log = OpenOptions::new().write(true).open(dir.join("log"))?;
        let pages = OpenOptions::new().read(true).write(true).open(dir.join("pages"))?;
        Ok(Logging { log, pages })
    }

    pub fn put(&mut self, at: u64, page: &[u8]) -> io::Result<()> {
        self.log.write_all(page)?;
        self.log.sync_data()?;
        self.pages.seek(SeekFrom::Start(at))?;
        self.pages.write_all(page)?;
        self.pages.sync_data()?;
        self.log.set_len(0)
    }
}
