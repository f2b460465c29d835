//! `Served::open` starts a task that makes files when it is asked to: no opening has to make their names durable. What `Waited::open` starts it
//! waits for.
//!
//! row: Served | yes | n/a | no | unknown (a task that `open` starts does it, and when, and for whom, cannot be told) | unknown (a task that `open` starts does it, and when, and for whom, cannot be told)
//! row: Waited | yes | n/a | no | no | no

use foreign_runtime::spawn;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

async fn serve(dir: PathBuf) -> io::Result<()> {
    let mut out = File::create(dir.join("export"))?;
    out.write_all(b"all")?;
    out.sync_all()
}

pub struct Served {
    log: File,
}

impl Served {
    pub async fn open(dir: &Path) -> io::Result<Served> {
        spawn(serve(dir.to_path_buf()));
        Ok(Served { log: File::options().append(true).open(dir.join("log"))? })
    }

    pub async fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log.write_all(bytes)?;
        self.log.sync_data()
    }
}

pub struct Waited {
    log: File,
}

impl Waited {
    pub async fn open(dir: &Path) -> io::Result<Waited> {
        spawn(serve(dir.to_path_buf())).await?;
        Ok(Waited { log: File::options().append(true).open(dir.join("log"))? })
    }

    pub async fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log.write_all(bytes)?;
        self.log.sync_data()
    }
}
