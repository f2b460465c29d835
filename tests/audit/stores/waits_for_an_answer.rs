//! `Asked::put` makes the next segment, and waits for an answer, which a thread gives after it has synced the segments and their directory.
//! Whether that covers the new one cannot be told. `Unasked::put` has such a thread, and waits for nothing.
//!
//! row: Asked | unknown (an answer is waited for after it, and a task that `start` starts syncs, and may give it) | n/a | no | unknown (a task that `start` starts syncs it, too, and whether that is waited for cannot be told) | unknown (an answer is waited for after it, and a task that `start` starts syncs, and may give it)
//! row: Unasked | no | n/a | no | unknown (a task that `start` starts syncs it, too, and whether that is waited for cannot be told) | no

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;

pub struct Segments {
    dir: PathBuf,
    files: Vec<File>,
}

impl Segments {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let name = format!("{}.log", self.files.len());
        let mut file = OpenOptions::new().append(true).create_new(true).open(self.dir.join(name))?;
        file.write_all(bytes)?;
        self.files.push(file);
        Ok(())
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.files.last_mut().expect("there is one").sync_all()?;
        File::open(&self.dir)?.sync_all()
    }
}

pub struct Syncer {
    segments: Arc<RwLock<Segments>>,
    waiting: Mutex<Vec<Sender<()>>>,
}

impl Syncer {
    fn next_sync(&self) -> Receiver<()> {
        let (sender, receiver) = mpsc::channel();
        self.waiting.lock().unwrap().push(sender);
        receiver
    }

    fn start(syncer: Arc<Syncer>) {
        thread::spawn(move || {
            for _ in 0..u64::MAX {
                syncer.segments.write().unwrap().sync_all().expect("synced");
                for sender in syncer.waiting.lock().unwrap().drain(..) {
                    sender.send(()).unwrap();
                }
            }
        });
    }
}

pub struct Asked {
    segments: Arc<RwLock<Segments>>,
    syncer: Arc<Syncer>,
}

impl Asked {
    pub fn open(dir: &Path) -> Asked {
        let segments = Arc::new(RwLock::new(Segments { dir: dir.to_path_buf(), files: Vec::new() }));
        let syncer = Arc::new(Syncer { segments: segments.clone(), waiting: Mutex::new(Vec::new()) });
        Syncer::start(syncer.clone());
        Asked { segments, syncer }
    }

    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        self.segments.write().unwrap().put(bytes)?;
        let answer = self.syncer.next_sync();
        answer.recv().unwrap();
        Ok(())
    }
}

pub struct Unasked {
    segments: Arc<RwLock<Segments>>,
    syncer: Arc<Syncer>,
}

impl Unasked {
    pub fn open(dir: &Path) -> Unasked {
        let segments = Arc::new(RwLock::new(Segments { dir: dir.to_path_buf(), files: Vec::new() }));
        let syncer = Arc::new(Syncer { segments: segments.clone(), waiting: Mutex::new(Vec::new()) });
        Syncer::start(syncer.clone());
        Unasked { segments, syncer }
    }

    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        self.segments.write().unwrap().put(bytes)
    }

    pub fn waiting(&self) -> usize {
        self.syncer.waiting.lock().unwrap().len()
    }
}
