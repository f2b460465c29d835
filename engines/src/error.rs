//! The one error type of all engines.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The result of every fallible engine operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an engine refused or failed an operation.
#[derive(Debug)]
pub enum Error {
    /// The operating system failed a file operation.
    Io(io::Error),
    /// A file holds bytes that this engine cannot have written, or lacks bytes that it had made durable.
    Corrupt {
        /// The damaged file.
        path: PathBuf,
        /// Where in the file the damage was noticed.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// A key, value, or parameter that the format cannot hold.
    Invalid(&'static str),
    /// An earlier write or sync failed: what is on disk is unknown until the store is opened again.
    Poisoned,
    /// Another handle, perhaps of another process, has this store open.
    Locked(PathBuf),
}

impl Error {
    /// Damage at `offset` of `path`.
    pub(crate) fn corrupt(path: &Path, offset: u64, what: &'static str) -> Self {
        Self::Corrupt { path: path.to_owned(), offset, what }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::Corrupt { path, offset, what } => {
                write!(f, "{} is corrupt at byte {offset}: {what}", path.display())
            }
            Self::Invalid(what) => write!(f, "{what}"),
            Self::Poisoned => write!(f, "an earlier write failed; reopen the store"),
            Self::Locked(dir) => write!(f, "{} is open elsewhere", dir.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
