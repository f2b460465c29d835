//! What moves to another tier is synced, and its name is not, whichever tier that is: whether inputs go first does not depend on it. Where one
//! way makes the name durable, it does.
//!
//! row: Tiers | yes | yes | yes (its name is not durable) | no | no
//! row: Careful | yes | yes | conditional (tier) | no | no

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Clone, Copy)]
pub enum Tier {
    Hot,
    Warm,
    Cold,
}

trait Remote {
    fn upload(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
}

struct Folder {
    dir: PathBuf,
}

impl Remote for Folder {
    fn upload(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fill(&self.dir.join(name), bytes)
    }
}

fn fill(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

pub struct Tiers {
    dir: PathBuf,
    remote: Option<Arc<dyn Remote>>,
}

impl Tiers {
    pub fn new(dir: PathBuf) -> Tiers {
        let cold = dir.join("cold");
        Tiers { dir, remote: Some(Arc::new(Folder { dir: cold })) }
    }

    pub fn add(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fill(&self.dir.join("hot").join(name), bytes)
    }

    pub fn migrate(&self, name: &str, tier: Tier) -> io::Result<()> {
        let from = self.dir.join("hot").join(name);
        let bytes = fs::read(&from)?;
        match tier {
            Tier::Hot => fill(&self.dir.join("hotter").join(name), &bytes)?,
            Tier::Warm => fill(&self.dir.join("warm").join(name), &bytes)?,
            Tier::Cold => {
                let remote = self.remote.as_ref().ok_or(io::ErrorKind::NotFound)?;
                remote.upload(name, &bytes)?;
            }
        }
        fs::remove_file(&from)
    }
}

pub struct Careful {
    dir: PathBuf,
}

impl Careful {
    pub fn add(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fill(&self.dir.join("hot").join(name), bytes)
    }

    pub fn migrate(&self, name: &str, tier: Tier) -> io::Result<()> {
        let from = self.dir.join("hot").join(name);
        let bytes = fs::read(&from)?;
        match tier {
            Tier::Hot => fill(&self.dir.join("hotter").join(name), &bytes)?,
            Tier::Warm => fill(&self.dir.join("warm").join(name), &bytes)?,
            Tier::Cold => {
                fill(&self.dir.join("cold").join(name), &bytes)?;
                File::open(self.dir.join("cold"))?.sync_all()?;
            }
        }
        fs::remove_file(&from)
    }
}
