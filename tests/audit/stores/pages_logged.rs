//! Pages are written over in place, all of them behind a log that is synced first and emptied afterwards.
//!
//! row: Pages | via log | n/a | no | yes | yes

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

pub struct Pages {
    data: File,
    log: File,
}

impl Pages {
    pub fn open(dir: &Path) -> io::Result<Pages> {
        let open = |name: &str| OpenOptions::new().create(true).read(true).write(true).open(dir.join(name));
        let (data, log) = (open("data")?, open("log")?);
        File::open(dir)?.sync_all()?;
        Ok(Pages { data, log })
    }

    pub fn put(&mut self, page: u64, image: &[u8]) -> io::Result<()> {
        self.write_logged(page, image)?;
        self.data.sync_all()?;
        self.log.set_len(0)?;
        self.log.sync_all()
    }

    fn write_logged(&mut self, page: u64, image: &[u8]) -> io::Result<()> {
        self.log.write_all(image)?;
        self.log.sync_all()?;
        self.write_page(page, image)
    }

    fn write_page(&mut self, page: u64, image: &[u8]) -> io::Result<()> {
        self.data.seek(SeekFrom::Start(page * 4096))?;
        self.data.write_all(image)
    }
}
