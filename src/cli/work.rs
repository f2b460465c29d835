//! What all commands that read code have in common: what is asked of the system they look at, and how the work is run.

use super::terminal::{CountedTexts, Progress, tell};
use crate::config::{self, Config, Platform};
use crate::discover::{self, DiscoverOptions, DiskTexts, Problem, Texts, Workspace};
use crate::report::human;
use clap::{Args, ValueEnum};
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

/// Why a command has no result.
#[derive(Debug)]
pub(super) enum Failure {
    /// What is to be said of it.
    Message(String),
    /// What there is to say was said.
    Told,
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure::Message(message)
    }
}

/// What all commands that read code are asked.
#[derive(Debug, Args)]
pub(super) struct WorkArgs {
    /// Packages, workspaces, folders or files
    #[arg(default_value = ".", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Take the settings from this file alone; its paths are relative to the current folder
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Also read tests, benches, examples and build scripts
    #[arg(long)]
    pub include_tests: bool,
    /// The system the program runs on [default: unix]
    #[arg(long, value_enum, hide_default_value = true)]
    platform: Option<PlatformArg>,
}

/// Runs `work` on what `args` name (with `changes`, the files that changed), with room on the stack and a line of progress. `config` is
/// what the command line says; files of settings add to it.
pub(super) fn analyse<T>(
    args: &WorkArgs,
    changes: bool,
    config: Config,
    work: impl FnOnce(&Workspace, &dyn Texts, &Config) -> T,
) -> Result<T, Failure> {
    let given: Vec<PathBuf> = args.paths.iter().chain(&args.config).cloned().collect();
    let missing = discover::missing(&given);
    if let Some(path) = missing.first() {
        let more = if missing.len() > 1 { format!(" (and {} more)", missing.len() - 1) } else { String::new() };
        return Err(format!("{}: no such file or folder{more}", path.display()).into());
    }
    let platform = args.platform.map(PlatformArg::platform);
    let config = Config { include_tests: args.include_tests, platform, ..config };
    let work = || {
        let texts = CountedTexts::default();
        let progress = Progress::start(&texts.read);
        let options = DiscoverOptions { include_tests: config.include_tests, changes };
        let workspace = discover::discover(&args.paths, &options);
        let loaded = match &args.config {
            Some(file) => config::load_file(config, file, &DiskTexts),
            None => config::load(config, &workspace, &DiskTexts),
        };
        if !loaded.faults.is_empty() || !loaded.problems.is_empty() {
            drop(progress);
            tell(|style, out| human::faults(&loaded, style, out));
            return Err(Failure::Told);
        }
        let done = work(&workspace, &texts, &loaded.config);
        drop(progress);
        Ok(done)
    };
    // A panic is a mistake of this program, not of the code it reads: it says so, and does not look like "no findings".
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err("internal error: this is a bug in fsynclint".to_string().into()))
}

/// Whether there is a problem with each file that was found.
pub(super) fn nothing_read(workspace: &Workspace, problems: &[Problem]) -> bool {
    let unread: FxHashSet<&Path> = problems.iter().map(|problem| problem.path.as_path()).collect();
    let mut files = workspace.packages.iter().flat_map(|package| &package.files);
    !unread.is_empty() && files.all(|file| unread.contains(file.shown.as_path()))
}
