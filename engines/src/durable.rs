//! The few steps of which every crash-safe protocol is made. Used by the corrected versions only.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The name a file has while it is being built.
pub(crate) fn tmp_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

/// Makes every name created, renamed or removed in `dir` so far durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes the name `path` durable in its directory.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_dir(Path::new(".")),
        Some(parent) => sync_dir(parent),
        None => Ok(()),
    }
}

/// Creates `dir` and its missing ancestors, each durable in its parent. The parent of an existing `dir` is synced too: the process
/// that created it may have died before it could.
pub(crate) fn create_dir_durably(dir: &Path) -> io::Result<()> {
    if !dir.is_dir() {
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            create_dir_durably(parent)?;
        }
        match fs::create_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => result?,
        }
    }
    sync_parent(dir)
}

/// Makes `bytes` the whole content of `path`: a crash at any point leaves the old content or the new, never a mix.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let tmp = tmp_path(path);
    let mut file = File::create(&tmp)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&tmp, path)?;
    sync_parent(path)
}

/// Keeps a second handle out of a store for as long as it lives.
#[derive(Debug)]
pub(crate) struct DirLock {
    _file: File,
}

impl DirLock {
    /// Locks `dir`, or says that it is locked already. The lock dies with the process; the file it leaves means nothing.
    pub(crate) fn acquire(dir: &Path) -> Result<Self> {
        let file = File::options().create(true).truncate(false).write(true).open(dir.join("LOCK"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(Error::Locked(dir.to_owned())),
            Err(fs::TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creates_missing_ancestors() {
        let root = crate::scratch::dir();
        let dir = root.path().join("a/b/c");
        create_dir_durably(&dir).unwrap();
        create_dir_durably(&dir).unwrap();
        assert!(dir.is_dir());
    }

    #[test]
    fn replaces_content_and_leaves_no_tmp() {
        let root = crate::scratch::dir();
        let path = root.path().join("x");
        replace_file(&path, b"one").unwrap();
        replace_file(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_dropped() {
        let root = crate::scratch::dir();
        let lock = DirLock::acquire(root.path()).unwrap();
        assert!(matches!(DirLock::acquire(root.path()), Err(Error::Locked(_))));
        drop(lock);
        DirLock::acquire(root.path()).unwrap();
    }
}
