//! Finds what to analyse: packages and their source files. The only reader of the user's files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything that was found below the paths the user gave.
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    /// The packages: those of readable manifests first, then one for each folder or file that belongs to none.
    pub packages: Vec<SourcePackage>,
    /// What could not be read or understood; everything else is analysed all the same.
    pub problems: Vec<Problem>,
}

/// One package.
#[derive(Debug, Clone, Default)]
pub struct SourcePackage {
    /// Its name as in the manifest, or the folder's or file's name where there is none.
    pub name: String,
    /// Entry files of its library and programs with what kind they are. Empty if there is no (readable) manifest: then each
    /// `lib.rs`, `main.rs` or file that no other file declares as a module is an entry.
    pub entries: Vec<Entry>,
    /// Names under which its code knows other packages of the workspace: (name in code, package name). `-` is `_` in the first.
    pub dependencies: Vec<(String, String)>,
    /// All its source files, absolute or as given, sorted; tests, benches, examples and build scripts only if asked for.
    pub files: Vec<FoundFile>,
}

/// A source file that was found, not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it is.
    pub path: PathBuf,
    /// How the user is told of it: as given on the command line, or relative to what was given.
    pub shown: PathBuf,
}

/// An entry file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file.
    pub path: PathBuf,
    /// The name its root module has in code (`my_crate`).
    pub name: String,
    /// A library can be called from outside; a program cannot.
    pub library: bool,
}

/// Something that could not be read, parsed or understood, told to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file or folder.
    pub path: PathBuf,
    /// 1-based line, 1 where none is known.
    pub line: usize,
    /// What is wrong, lower case, no trailing stop.
    pub message: String,
}

/// Largest file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 8 << 20;

/// Gives the texts of files: from the disk, or from an editor's unsaved buffers.
pub trait Texts: Sync {
    /// The text of `path`. Errors say in words what is wrong (unreadable, too large, not UTF-8).
    fn read(&self, path: &Path) -> Result<Arc<str>, Problem>;
}
