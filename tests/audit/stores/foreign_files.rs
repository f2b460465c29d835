//! A log whose files are made, renamed and synced by a file manager of another crate: nothing can be told of it.
//!
//! row: Log | unknown (what it goes to was not seen to be opened, and may be no file) | unknown (the files are made by code that was not seen) | unknown (the files are made by code that was not seen) | unknown (the files are made by code that was not seen) | unknown (what it goes to was not seen to be opened, and may be no file)

use filekit::{Manager, Options};
use std::io::{self, Write};
use std::path::PathBuf;

pub struct Log<M: Manager> {
    manager: M,
    path: PathBuf,
    file: M::File,
}

impl<M: Manager> Log<M> {
    pub fn open(manager: M, path: PathBuf) -> io::Result<Log<M>> {
        let file = manager.open(&path, Options::new().create(true).write(true))?;
        manager.sync_all(path.parent().unwrap())?;
        Ok(Log { manager, path, file })
    }

    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        self.file.write_all(record)?;
        self.file.try_clone()?.sync_data()
    }
}
