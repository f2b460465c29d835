//! A thread that is started on the way to an open store writes the log, and compacts it. That votes are written and synced at once says
//! nothing of the log.
//!
//! row: Log | unknown (`start` hands on a function that writes files, perhaps to a thread) | unknown (`open` hands on a function that rewrites files, perhaps to a thread) | unknown (`open` hands on a function that rewrites files, perhaps to a thread) | yes | unknown (`start` hands on a function that writes files, perhaps to a thread)

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

enum Action {
    Append(Vec<u8>),
    Compact,
}

pub struct Log {
    dir: PathBuf,
    sender: mpsc::Sender<Action>,
}

impl Log {
    pub fn open(dir: &Path) -> io::Result<Log> {
        let log = OpenOptions::new().create(true).append(true).open(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        let sender = start(dir.to_owned(), log);
        Ok(Log { dir: dir.to_owned(), sender })
    }

    pub fn append(&self, entry: &[u8]) -> io::Result<()> {
        self.sender.send(Action::Append(entry.to_vec())).map_err(io::Error::other)
    }

    pub fn compact(&self) -> io::Result<()> {
        self.sender.send(Action::Compact).map_err(io::Error::other)
    }

    pub fn vote(&self, vote: &[u8]) -> io::Result<()> {
        let mut file = File::create(self.dir.join("vote"))?;
        file.write_all(vote)?;
        file.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }
}

fn start(dir: PathBuf, log: File) -> mpsc::Sender<Action> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || run(&receiver, &dir, log));
    sender
}

fn run(receiver: &mpsc::Receiver<Action>, dir: &Path, mut log: File) -> io::Result<()> {
    while let Ok(action) = receiver.recv() {
        match action {
            Action::Append(entry) => log.write_all(&entry)?,
            Action::Compact => compact(dir)?,
        }
    }
    log.sync_all()
}

fn compact(dir: &Path) -> io::Result<()> {
    let entries = fs::read(dir.join("log"))?;
    let mut file = File::create(dir.join("log.new"))?;
    file.write_all(&entries[entries.len() / 2..])?;
    file.sync_all()?;
    fs::rename(dir.join("log.new"), dir.join("log"))?;
    File::open(dir)?.sync_all()
}
