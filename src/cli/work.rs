//! What all commands that read code have in common: what is asked of the system they look at, and how the work is run.

use super::STACK_BYTES;
use super::terminal::{CountedTexts, Progress};
use crate::config::{Config, Platform};
use crate::discover::{self, DiscoverOptions, Problem, Texts, Workspace};
use clap::ValueEnum;
use rustc_hash::FxHashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum PlatformArg {
    Unix,
    Windows,
    Macos,
}

impl PlatformArg {
    pub fn platform(self) -> Platform {
        match self {
            PlatformArg::Unix => Platform::Unix,
            PlatformArg::Windows => Platform::Windows,
            PlatformArg::Macos => Platform::Macos,
        }
    }
}

/// Runs `work` on what is found at `paths`, with room on the stack and a line of progress.
pub(super) fn analyse<T>(
    paths: &[PathBuf],
    config: &Config,
    work: impl FnOnce(&Workspace, &dyn Texts) -> T,
) -> Result<T, String> {
    let missing = discover::missing(paths);
    if let Some(path) = missing.first() {
        let more = if missing.len() > 1 { format!(" (and {} more)", missing.len() - 1) } else { String::new() };
        return Err(format!("{}: no such file or folder{more}", path.display()));
    }
    // Syntax trees are walked recursively; what a thread reserves it need not use.
    let _ = rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES).build_global();
    let work = || {
        let texts = CountedTexts::default();
        let progress = Progress::start(&texts.read);
        let workspace = discover::discover(paths, &DiscoverOptions { include_tests: config.include_tests });
        let done = work(&workspace, &texts);
        drop(progress);
        done
    };
    // A panic is a mistake of this program, not of the code it reads: it says so, and does not look like "no findings".
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| "internal error: this is a bug in fsynclint".to_string())
}

/// Whether there is a problem with each file that was found.
pub(super) fn nothing_read(workspace: &Workspace, problems: &[Problem]) -> bool {
    let unread: FxHashSet<&Path> = problems.iter().map(|problem| problem.path.as_path()).collect();
    let mut files = workspace.packages.iter().flat_map(|package| &package.files);
    !unread.is_empty() && files.all(|file| unread.contains(file.shown.as_path()))
}
