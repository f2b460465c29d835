//! A task that writes what it is sent, and takes old files away besides, writes what others wait for: what they write themselves is not all.
//!
//! row: Log | unknown (`open` hands on a function that writes files, perhaps to a thread) | unknown (`open` hands on a function that rewrites files, perhaps to a thread) | unknown (`open` hands on a function that rewrites files, perhaps to a thread) | no | no

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

pub struct Log {
    dir: PathBuf,
    sender: Sender<Vec<u8>>,
}

fn write_out(dir: &Path, records: &Receiver<Vec<u8>>) -> io::Result<()> {
    let mut number = 0;
    while let Ok(record) = records.recv() {
        let mut log = File::create(dir.join(format!("{number}.log")))?;
        log.write_all(&record)?;
        fs::remove_file(dir.join(format!("{}.old", number)))?;
        number += 1;
    }
    Ok(())
}

impl Log {
    pub fn open(dir: &Path) -> Log {
        let (sender, records) = channel();
        let folder = dir.to_owned();
        thread::spawn(move || write_out(&folder, &records));
        Log { dir: dir.to_owned(), sender }
    }

    pub fn put(&self, record: Vec<u8>) {
        let _ = self.sender.send(record);
    }

    pub fn mark(&self, mark: &[u8]) -> io::Result<()> {
        let mut file = File::create(self.dir.join("mark"))?;
        file.write_all(mark)?;
        file.sync_all()
    }
}
