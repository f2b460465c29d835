//! What is put goes to a thread that writes the log, and cuts it once a table is written: nobody knows when. That the table is synced says
//! nothing of the log.
//!
//! row: Store | unknown (`open` hands on a function that writes files, perhaps to a thread) | unknown (`open` hands on a function that rewrites or removes files, perhaps to a thread) | unknown (`open` hands on a function that rewrites or removes files, perhaps to a thread) | yes | unknown (`open` hands on a function that writes files, perhaps to a thread)

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

enum Command {
    Append(Vec<u8>),
    Reset,
}

struct Worker {
    sender: mpsc::Sender<Command>,
}

impl Worker {
    fn start(handler: impl FnOnce(mpsc::Receiver<Command>) + Send + 'static) -> Worker {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || handler(receiver));
        Worker { sender }
    }
}

fn run(receiver: mpsc::Receiver<Command>, mut log: File) {
    while let Ok(command) = receiver.recv() {
        let done = match command {
            Command::Append(bytes) => log.write_all(&bytes),
            Command::Reset => log.set_len(0),
        };
        if let Err(error) = done {
            eprintln!("log: {error}");
        }
    }
}

pub struct Store {
    dir: PathBuf,
    worker: Worker,
    items: Vec<Vec<u8>>,
}

impl Store {
    pub fn open(dir: &Path) -> io::Result<Store> {
        let log = OpenOptions::new().create(true).append(true).open(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        let worker = Worker::start(move |receiver| run(receiver, log));
        Ok(Store { dir: dir.to_owned(), worker, items: Vec::new() })
    }

    pub fn put(&mut self, item: &[u8]) -> io::Result<()> {
        self.worker.sender.send(Command::Append(item.to_vec())).map_err(io::Error::other)?;
        self.items.push(item.to_vec());
        if self.items.len() > 1000 {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut table = File::create(self.dir.join("table"))?;
        for item in &self.items {
            table.write_all(item)?;
        }
        table.sync_all()?;
        File::open(&self.dir)?.sync_all()?;
        self.worker.sender.send(Command::Reset).map_err(io::Error::other)
    }
}
