//! What is left unsynced under one answer to an option is not all there is to it where, under the other answer, a task is asked that syncs.
//!
//! row: Grouped | unknown (by another answer to `sync` it waits for an answer, and a task that `open` starts syncs, and may give it) | n/a | no | no | no

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

struct Request {
    bytes: Vec<u8>,
    done: Sender<()>,
}

pub struct Grouped {
    dir: PathBuf,
    sync: bool,
    sender: Sender<Request>,
}

fn group(mut log: File, requests: &Receiver<Request>) -> io::Result<()> {
    while let Ok(request) = requests.recv() {
        log.write_all(&request.bytes)?;
        log.sync_all()?;
        let _ = request.done.send(());
    }
    Ok(())
}

impl Grouped {
    pub fn open(dir: &Path, sync: bool) -> io::Result<Grouped> {
        let (sender, requests) = channel();
        let log = File::options().create(true).append(true).open(dir.join("group.log"))?;
        thread::spawn(move || group(log, &requests));
        Ok(Grouped { dir: dir.to_owned(), sync, sender })
    }

    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        if self.sync {
            let (done, answer) = channel();
            let _ = self.sender.send(Request { bytes: bytes.to_vec(), done });
            answer.recv().map_err(io::Error::other)
        } else {
            let mut file = File::options().append(true).open(self.dir.join("plain.log"))?;
            file.write_all(bytes)
        }
    }
}
