//! The opening starts a thread that folds the log into a snapshot, again and again: no operation of the store, and yet a rewrite.
//!
//! row: Store | yes | unknown (`open` hands on a function that rewrites files, perhaps to a thread) | unknown (`open` hands on a function that rewrites files, perhaps to a thread) | yes | unknown (`open` hands on a function that rewrites files, perhaps to a thread)

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::thread;

pub struct Store {
    log: File,
}

impl Store {
    pub fn open(dir: &Path, full: Receiver<u64>) -> io::Result<Store> {
        let log = OpenOptions::new().create(true).append(true).open(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        let dir = dir.to_owned();
        thread::spawn(move || {
            for number in full {
                if fold(&dir, number).is_err() {
                    return;
                }
            }
        });
        Ok(Store { log })
    }

    pub fn put(&mut self, key: &[u8]) -> io::Result<()> {
        self.log.write_all(key)?;
        self.log.sync_data()
    }
}

fn fold(dir: &PathBuf, number: u64) -> io::Result<()> {
    let old = dir.join(format!("{number}.log"));
    let entries = fs::read(&old)?;
    let tmp = dir.join("snapshot.tmp");
    let mut snapshot = File::create(&tmp)?;
    snapshot.write_all(&entries)?;
    snapshot.sync_all()?;
    fs::rename(&tmp, dir.join("snapshot"))?;
    File::open(dir)?.sync_all()?;
    fs::remove_file(&old)?;
    File::open(dir)?.sync_all()
}
