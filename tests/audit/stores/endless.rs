//! A thread saves the state again and again: that is on no way to the success of the operation which starts it, and nothing is ever synced.
//!
//! row: Keeper | unknown (`start` was not seen to come back from what it writes, which a thread may do) | n/a | no | yes | unknown (`start` was not seen to come back from what it writes, which a thread may do)

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub struct Keeper {
    state: PathBuf,
    log: File,
}

impl Keeper {
    pub fn create(dir: &Path) -> io::Result<Keeper> {
        File::create(dir.join("state"))?.sync_all()?;
        let log = File::create_new(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        Ok(Keeper { state: dir.join("state"), log })
    }

    pub fn start(&self, bytes: Arc<Vec<u8>>, every: Duration) {
        let path = self.state.clone();
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(every);
                if let Ok(mut file) = OpenOptions::new().write(true).open(&path) {
                    let _ = file.write_all(&bytes);
                }
            }
        });
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log.write_all(bytes)?;
        self.log.sync_data()
    }
}
