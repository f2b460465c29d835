//! A server is made and run by one function, which is too deep to be followed: what it writes while the store is open was not seen, and that
//! nothing else writes proves nothing.
//!
//! row: Server | unknown (`run`: it is too large or too deep to be followed to its end) | unknown (`run`: it is too large or too deep to be followed to its end) | unknown (`run`: it is too large or too deep to be followed to its end) | no (removals) | unknown (`run`: it is too large or too deep to be followed to its end)

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Server {
    socket: PathBuf,
}

impl Server {
    pub fn run(dir: &Path, requests: &[u8]) -> io::Result<()> {
        let server = Server { socket: dir.join("socket") };
        one(dir, requests)?;
        server.stop()
    }

    pub fn stop(&self) -> io::Result<()> {
        fs::remove_file(&self.socket)
    }
}

fn one(dir: &Path, requests: &[u8]) -> io::Result<()> {
    two(dir, requests)
}

fn two(dir: &Path, requests: &[u8]) -> io::Result<()> {
    three(dir, requests)
}

fn three(dir: &Path, requests: &[u8]) -> io::Result<()> {
    four(dir, requests)
}

fn four(dir: &Path, requests: &[u8]) -> io::Result<()> {
    five(dir, requests)
}

fn five(dir: &Path, requests: &[u8]) -> io::Result<()> {
    six(dir, requests)
}

fn six(dir: &Path, requests: &[u8]) -> io::Result<()> {
    seven(dir, requests)
}

fn seven(dir: &Path, requests: &[u8]) -> io::Result<()> {
    eight(dir, requests)
}

fn eight(dir: &Path, requests: &[u8]) -> io::Result<()> {
    nine(dir, requests)
}

fn nine(dir: &Path, requests: &[u8]) -> io::Result<()> {
    File::create(dir.join("log"))?.write_all(requests)
}
