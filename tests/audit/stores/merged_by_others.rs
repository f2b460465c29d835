//! A merge that no operation gets to: functions beside the store run it on a thread. That there is none cannot be said then. The other store
//! has none.
//!
//! row: Merging | yes | unknown (`merge` rewrites or removes files, and is asked by what is no operation) | unknown (`merge` rewrites or removes files, and is asked by what is no operation) | n/a | unknown (`merge` rewrites or removes files, and is asked by what is no operation)
//! row: Adding | yes | n/a | no | n/a | yes

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

pub struct Merging {
    dir: PathBuf,
    log: Mutex<File>,
}

impl Merging {
    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let mut log = self.log.lock().unwrap();
        log.write_all(bytes)?;
        log.sync_data()
    }

    fn merge(&self) -> io::Result<()> {
        let old = fs::read(self.dir.join("0.data"))?;
        fs::write(self.dir.join("1.data"), old)?;
        fs::remove_file(self.dir.join("0.data"))
    }
}

pub struct Running {
    store: Arc<Merging>,
}

impl Running {
    fn start(dir: &Path) -> io::Result<Running> {
        let log = OpenOptions::new().append(true).open(dir.join("log"))?;
        let store = Arc::new(Merging { dir: dir.to_path_buf(), log: Mutex::new(log) });
        let merged = store.clone();
        thread::spawn(move || merge_now_and_then(merged));
        Ok(Running { store })
    }
}

fn merge_now_and_then(store: Arc<Merging>) {
    let _ = store.merge();
}

pub fn run(dir: &Path) -> io::Result<Arc<Merging>> {
    Ok(Running::start(dir)?.store)
}

pub struct Adding {
    log: Mutex<File>,
}

impl Adding {
    pub fn open(dir: &Path) -> io::Result<Adding> {
        let log = OpenOptions::new().append(true).open(dir.join("log"))?;
        Ok(Adding { log: Mutex::new(log) })
    }

    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let mut log = self.log.lock().unwrap();
        log.write_all(bytes)?;
        log.sync_data()
    }
}
