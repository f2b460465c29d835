//! `fsynclint check`.

use super::UNUSABLE;
use super::terminal::print;
use super::work::{PlatformArg, analyse, nothing_read};
use crate::check::{Report, check};
use crate::config::Config;
use crate::finding::{Confidence, Level};
use crate::report::{human, json};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
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

/// Checks and reports.
pub(super) fn run(args: &CheckArgs, style: human::Style) -> Result<ExitCode, String> {
    let config = args.config();
    let (report, nothing_read) = analyse(&args.paths, &config, |workspace, texts| {
        let report = check(workspace, texts, &config);
        let nothing_read = nothing_read(workspace, &report.problems);
        (report, nothing_read)
    })?;
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
            platform: self.platform.platform(),
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
