//! A log that goes on in the next file wherever one is full, in a loop: what it writes goes to the file that it was opened with or to one of
//! those, and so does the sync that an option asks for. That another file takes the place of the first one is seen only further down the loop.
//!
//! row: Log | conditional (persist) | n/a | no | yes | yes

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

#[derive(Clone, Copy)]
pub enum Persist {
    Flush,
    Sync,
    Nothing,
}

#[derive(Clone)]
struct Active {
    id: u64,
    file: Arc<Mutex<File>>,
}

impl Active {
    fn open(dir: &Path, id: u64) -> io::Result<Active> {
        let file = OpenOptions::new().create(true).append(true).read(true).open(dir.join(format!("{id:08}")))?;
        Ok(Active { id, file: Arc::new(Mutex::new(file)) })
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.file.lock().unwrap().write_all(bytes)
    }

    fn flush(&self) -> io::Result<()> {
        self.file.lock().unwrap().flush()
    }

    fn sync(&self) -> io::Result<()> {
        self.file.lock().unwrap().sync_data()
    }
}

pub struct Log {
    dir: PathBuf,
    size: usize,
    persist: Persist,
    active: Mutex<Active>,
}

impl Log {
    pub fn open(dir: &Path, size: usize, persist: Persist) -> io::Result<Log> {
        let active = Active::open(dir, 0)?;
        File::open(dir)?.sync_all()?;
        Ok(Log { dir: dir.to_path_buf(), size, persist, active: Mutex::new(active) })
    }

    pub fn append(&self, batches: Vec<Vec<Vec<u8>>>) -> io::Result<()> {
        let mut active = self.active.lock().unwrap().clone();
        let mut buffer = Vec::new();
        for batch in batches {
            for entry in batch {
                buffer.extend_from_slice(&entry);
            }
            if buffer.len() >= self.size {
                active.append(&buffer)?;
                buffer.clear();
                active.sync()?;
                let next = Active::open(&self.dir, active.id + 1)?;
                active = next.clone();
                *self.active.lock().unwrap() = next;
                File::open(&self.dir)?.sync_all()?;
            }
        }
        if !buffer.is_empty() {
            active.append(&buffer)?;
            match self.persist {
                Persist::Flush => active.flush()?,
                Persist::Sync => active.sync()?,
                Persist::Nothing => {}
            }
        }
        Ok(())
    }
}
