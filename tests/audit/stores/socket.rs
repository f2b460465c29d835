//! The name of a socket leads to nothing that lasts: that its removal is not durable does no harm, whether it goes when the server ends or
//! before the next one takes it. The name of a file does.
//!
//! row: Listener | yes | n/a | no | yes | yes
//! row: Spool | yes | n/a | no | no (removals) | unknown (a removed file can be back after a crash, and whether that does harm cannot be told)

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::PathBuf;

pub struct Listener {
    path: PathBuf,
    log: File,
}

impl Listener {
    pub fn serve(&mut self, greeting: &[u8]) -> io::Result<()> {
        if self.path.exists() {
            fs::remove_file(&self.path)?;
        }
        let listener = UnixListener::bind(&self.path)?;
        let (_, peer) = listener.accept()?;
        self.log.write_all(format!("{greeting:?} {peer:?}").as_bytes())?;
        self.log.sync_data()
    }

    pub fn receive(&mut self, mut bytes: [u8; 64]) -> io::Result<()> {
        let socket = UnixDatagram::bind(&self.path)?;
        let length = socket.recv(&mut bytes)?;
        self.log.write_all(&bytes[..length])?;
        self.log.sync_data()?;
        fs::remove_file(&self.path)
    }

    pub fn rotate(&mut self, to: &PathBuf) -> io::Result<()> {
        self.log = File::create(to)?;
        File::open(to.parent().unwrap())?.sync_all()
    }
}

pub struct Spool {
    path: PathBuf,
}

impl Spool {
    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(&self.path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        File::open(self.path.parent().unwrap())?.sync_all()
    }

    pub fn done(&mut self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}
