//! A thread syncs the log when it is asked to, and `Committed::put` waits until it has: that cannot be told from one that does not wait, so
//! that nothing is certain. The thread of `Indexed` syncs its index, and nothing ever its log.
//!
//! row: Committed | unknown (a task that `open` starts syncs it, too, and whether that is waited for cannot be told) | unknown (the files are made by code that was not seen) | unknown (the files are made by code that was not seen) | unknown (the files are made by code that was not seen) | unknown (a task that `open` starts syncs it, too, and whether that is waited for cannot be told)
//! row: Indexed | no | n/a | no | n/a | no

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

pub struct Shared {
    log: Mutex<File>,
    index: Mutex<File>,
}

fn shared(dir: &Path) -> io::Result<Arc<Shared>> {
    let log = OpenOptions::new().append(true).open(dir.join("log"))?;
    let index = OpenOptions::new().append(true).open(dir.join("index"))?;
    Ok(Arc::new(Shared { log: Mutex::new(log), index: Mutex::new(index) }))
}

pub struct Committed {
    shared: Arc<Shared>,
    asks: Sender<Sender<()>>,
}

impl Committed {
    pub fn open(dir: &Path) -> io::Result<Committed> {
        let shared = shared(dir)?;
        let (asks, asked) = mpsc::channel::<Sender<()>>();
        let context = shared.clone();
        thread::spawn(move || {
            for answer in asked {
                context.log.lock().unwrap().sync_data().unwrap();
                answer.send(()).unwrap();
            }
        });
        Ok(Committed { shared, asks })
    }

    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        self.shared.log.lock().unwrap().write_all(bytes)?;
        let (answer, answered) = mpsc::channel();
        self.asks.send(answer).unwrap();
        answered.recv().unwrap();
        Ok(())
    }
}

pub struct Indexed {
    shared: Arc<Shared>,
    asks: Sender<Sender<()>>,
}

impl Indexed {
    pub fn open(dir: &Path) -> io::Result<Indexed> {
        let shared = shared(dir)?;
        let (asks, asked) = mpsc::channel::<Sender<()>>();
        let context = shared.clone();
        thread::spawn(move || {
            for answer in asked {
                context.index.lock().unwrap().sync_data().unwrap();
                answer.send(()).unwrap();
            }
        });
        Ok(Indexed { shared, asks })
    }

    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        self.shared.log.lock().unwrap().write_all(bytes)?;
        let (answer, answered) = mpsc::channel();
        self.asks.send(answer).unwrap();
        answered.recv().unwrap();
        Ok(())
    }
}
