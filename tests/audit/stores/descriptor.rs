//! What is written to is a descriptor that was not opened by a path: it wakes somebody, and is no file. That cannot be told.
//!
//! row: Ring | unknown (it goes through a `std::os::fd::OwnedFd`, whose code was not seen) | n/a | no | no (removals) | unknown (it goes through a `std::os::fd::OwnedFd`, whose code was not seen)

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};

pub struct Ring {
    dir: PathBuf,
    wake: OwnedFd,
}

impl Ring {
    pub fn new(dir: &Path) -> io::Result<Ring> {
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
        let wake = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Ring { dir: dir.to_owned(), wake })
    }

    pub fn submit(&self, value: u64) -> io::Result<()> {
        let bytes = value.to_ne_bytes();
        let written = unsafe { libc::write(self.wake.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
        if written < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    pub fn forget(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.dir.join(name))
    }
}
