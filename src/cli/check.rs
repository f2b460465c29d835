//! `fsynclint check`.

use super::terminal::{CountedTexts, Progress, print};
use super::{STACK_BYTES, UNUSABLE};
use crate::check::{Report, check};
use crate::config::{Config, Platform};
use crate::discover::{self, DiscoverOptions, Workspace};
use crate::finding::{Confidence, Level};
use crate::report::{human, json};
use clap::{Args, ValueEnum};
use rustc_hash::FxHashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `check` is asked.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Packages, workspaces, folders or files
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Report everything, whatever its level, confidence and policy
    #[arg(long)]
    output_all: bool,
    /// Report (and fail on) findings of this level and above
    #[arg(long, value_enum, default_value_t = LevelArg::Warning, value_name = "LEVEL")]
    min_level: LevelArg,
    /// Report findings of this confidence and above
    #[arg(long, value_enum, default_value_t = ConfidenceArg::Medium, value_name = "CONFIDENCE")]
    min_confidence: ConfidenceArg,
    /// Also read tests, benches, examples and build scripts
    #[arg(long)]
    include_tests: bool,
    /// The system the program runs on
    #[arg(long, value_enum, default_value_t = PlatformArg::Unix)]
    platform: PlatformArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LevelArg {
    Info,
    Warning,
    Error,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ConfidenceArg {
    Low,
    Medium,
    High,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PlatformArg {
    Unix,
    Windows,
    Macos,
}

/// Checks and reports.
pub(super) fn run(args: &CheckArgs, style: human::Style) -> Result<ExitCode, String> {
    let missing = discover::missing(&args.paths);
    if let Some(path) = missing.first() {
        let more = if missing.len() > 1 { format!(" (and {} more)", missing.len() - 1) } else { String::new() };
        return Err(format!("{}: no such file or folder{more}", path.display()));
    }
    let config = args.config();
    let paths = args.paths.clone();
    // Syntax trees are walked recursively; what a thread reserves it need not use.
    let _ = rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES).build_global();
    let work = move || {
        let texts = CountedTexts::default();
        let progress = Progress::start(&texts.read);
        let workspace = discover::discover(&paths, &DiscoverOptions { include_tests: config.include_tests });
        let report = check(&workspace, &texts, &config);
        drop(progress);
        let nothing_read = nothing_read(&workspace, &report);
        (report, config, nothing_read)
    };
    // A panic is a mistake of this program, not of the code it reads: it says so, and does not look like "no findings".
    let (report, config, nothing_read) =
        std::panic::catch_unwind(work).map_err(|_| "internal error: this is a bug in fsynclint".to_string())?;
    print(|out| match args.format {
        Format::Human => human::render(&report, style, out),
        Format::Json => json::render(&report, out),
    })?;
    Ok(status(&report, &config, nothing_read))
}

impl CheckArgs {
    fn config(&self) -> Config {
        Config {
            include_tests: self.include_tests,
            platform: match self.platform {
                PlatformArg::Unix => Platform::Unix,
                PlatformArg::Windows => Platform::Windows,
                PlatformArg::Macos => Platform::Macos,
            },
            output_all: self.output_all,
            min_level: match self.min_level {
                LevelArg::Info => Level::Info,
                LevelArg::Warning => Level::Warning,
                LevelArg::Error => Level::Error,
            },
            min_confidence: match self.min_confidence {
                ConfidenceArg::Low => Confidence::Low,
                ConfidenceArg::Medium => Confidence::Medium,
                ConfidenceArg::High => Confidence::High,
            },
            ..Config::default()
        }
    }
}

/// Findings fail the run if they would have been shown without `--output-all`. If nothing could be read, nothing was checked.
fn status(report: &Report, config: &Config, nothing_read: bool) -> ExitCode {
    let judged = Config { output_all: false, ..config.clone() };
    if report.findings.iter().any(|finding| judged.shows(finding.level, finding.confidence)) {
        return ExitCode::from(1);
    }
    ExitCode::from(if nothing_read { UNUSABLE } else { 0 })
}

/// Whether there is a problem with each file that was found.
fn nothing_read(workspace: &Workspace, report: &Report) -> bool {
    let unread: FxHashSet<&Path> = report.problems.iter().map(|problem| problem.path.as_path()).collect();
    let mut files = workspace.packages.iter().flat_map(|package| &package.files);
    !unread.is_empty() && files.all(|file| unread.contains(file.shown.as_path()))
}
