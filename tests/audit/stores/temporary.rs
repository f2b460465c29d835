//! What lies in a directory for temporary files is owed to nobody, and who keeps nothing else is no store. What is moved out of there counts,
//! and so does what is written beside it.
//!
//! row: Installed | no | no | yes | no | no
//! row: Results | no | n/a | no | no | no

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub struct Unpacker {
    client: u32,
}

impl Unpacker {
    pub fn fetch(&self, bytes: &[u8]) -> io::Result<TempDir> {
        let dir = TempDir::new()?;
        let mut file = File::create(dir.path().join("artifact"))?;
        file.write_all(bytes)?;
        Ok(dir)
    }
}

pub struct Runner {
    tools: PathBuf,
    scratch: TempDir,
}

impl Runner {
    pub fn prepare(&self) -> io::Result<()> {
        fs::copy(self.tools.join("bench"), self.scratch.path().join("bench"))?;
        Ok(())
    }
}

pub struct Fixture {
    root: PathBuf,
    _scratch: TempDir,
}

impl Fixture {
    pub fn new() -> Fixture {
        let scratch = TempDir::new().unwrap();
        let root = scratch.path().to_path_buf();
        Fixture { root, _scratch: scratch }
    }

    pub fn fill(&self, name: &str, bytes: &[u8]) {
        fs::write(self.root.join(name), bytes).unwrap();
    }

    pub fn held(&self, name: &str) -> Vec<u8> {
        fs::read(self.root.join(name)).unwrap()
    }
}

pub struct Installed {
    dir: PathBuf,
}

impl Installed {
    pub fn install(&self, archive: &Path) -> io::Result<()> {
        let scratch = TempDir::new_in(&self.dir)?;
        fs::copy(archive, scratch.path().join("tool"))?;
        fs::rename(scratch.path().join("tool"), self.dir.join("tool"))
    }

    pub fn upgrade(&self) -> io::Result<()> {
        let scratch = TempDir::new_in(&self.dir)?;
        let old = fs::read(self.dir.join("tool"))?;
        fs::write(scratch.path().join("tool"), old)?;
        fs::rename(scratch.path().join("tool"), self.dir.join("tool"))
    }
}

pub struct Results {
    dir: PathBuf,
}

impl Results {
    pub fn run(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let scratch = TempDir::new()?;
        fs::write(scratch.path().join("input"), bytes)?;
        let mut file = File::options().create(true).append(true).open(self.dir.join(name))?;
        file.write_all(bytes)
    }
}
