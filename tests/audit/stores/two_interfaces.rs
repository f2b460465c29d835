//! Writing and syncing are two interfaces, each implemented for whatever has a third: which implementation of one goes with which of the
//! other cannot be told.
//!
//! row: Own | yes | n/a | no | n/a | yes
//! row: Store | unknown (`put`: it is too large or too deep to be followed to its end) | unknown (`put`: it is too large or too deep to be followed to its end) | unknown (`put`: it is too large or too deep to be followed to its end) | unknown (`put`: it is too large or too deep to be followed to its end) | unknown (`put`: it is too large or too deep to be followed to its end)

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

trait Fill {
    fn fill(&mut self, bytes: &[u8]) -> io::Result<()>;
}

trait Settle {
    fn settle(&mut self) -> io::Result<()>;
}

trait Local {
    fn local(&mut self) -> &mut File;
}

struct Own {
    file: File,
}

impl Local for File {
    fn local(&mut self) -> &mut File {
        self
    }
}

impl<W: Write> Fill for W {
    fn fill(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }
}

impl Fill for Own {
    fn fill(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }
}

impl<L: Local> Settle for L {
    fn settle(&mut self) -> io::Result<()> {
        self.local().sync_all()
    }
}

impl Settle for Own {
    fn settle(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }
}

pub struct Store<F> {
    file: F,
}

impl Store<File> {
    pub fn create(dir: &Path) -> io::Result<Store<File>> {
        let file = File::create_new(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        Ok(Store { file })
    }
}

impl<F: Fill + Settle> Store<F> {
    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.fill(bytes)?;
        self.file.settle()
    }
}
