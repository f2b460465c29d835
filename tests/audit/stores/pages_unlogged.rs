//! Pages are written in place and synced, without any log. Whether a page that is written was still needed, only the program knows.
//!
//! row: Pages | yes | n/a | no | yes | unknown (it writes in place with no log before, and whether what was there is still needed cannot be told)

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

pub struct Pages {
    data: File,
}

impl Pages {
    pub fn open(dir: &Path) -> io::Result<Pages> {
        let data = OpenOptions::new().create(true).read(true).write(true).open(dir.join("data"))?;
        File::open(dir)?.sync_all()?;
        Ok(Pages { data })
    }

    pub fn put(&self, page: u64, image: &[u8]) -> io::Result<()> {
        self.data.write_all_at(image, page * 4096)?;
        self.data.sync_data()
    }
}
