//! `fsynclint check`.

use super::UNUSABLE;
use super::terminal::write;
use super::work::{Failure, WorkArgs, analyse, nothing_read};
use crate::check::{Report, check};
use crate::config::{Config, Policy};
use crate::finding::{Confidence, Level};
use crate::report::{github, human, json, sarif};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// What `check` is asked.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    work: WorkArgs,
    /// The files named are those that changed, as for a commit hook: pass over what a check of their packages would not read, such as tests
    #[arg(long)]
    changed: bool,
    /// How to report: for people, as JSON, as SARIF 2.1.0, as annotations of a GitHub workflow
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Write the report to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Report everything, whatever its level, confidence and policy
    #[arg(long)]
    output_all: bool,
    /// Report (and fail on) findings of this level and above [default: warning]
    #[arg(long, value_enum, value_name = "LEVEL")]
    min_level: Option<LevelArg>,
    /// Report findings of this confidence and above [default: medium]
    #[arg(long, value_enum, value_name = "CONFIDENCE")]
    min_confidence: Option<ConfidenceArg>,
    /// Ask this of all code: nothing, that what is live is whole, or that what was promised is there too
    #[arg(long, value_enum)]
    policy: Option<PolicyArg>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
    Sarif,
    Github,
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
enum PolicyArg {
    None,
    Atomic,
    Durable,
}

/// Checks and reports.
pub(super) fn run(args: &CheckArgs, style: human::Style) -> Result<ExitCode, Failure> {
    let (report, nothing_read) = analyse(&args.work, args.changed, args.config(), |workspace, texts, config| {
        let report = check(workspace, texts, config);
        let nothing_read = nothing_read(workspace, &report.problems);
        (report, nothing_read)
    })?;
    write(args.output.as_deref(), style, |style, out| match args.format {
        Format::Human => human::render(&report, style, out),
        Format::Json => json::render(&report, out),
        Format::Sarif => sarif::render(&report, out),
        Format::Github => github::render(&report, out),
    })?;
    Ok(status(&report, nothing_read))
}

impl CheckArgs {
    fn config(&self) -> Config {
        Config {
            output_all: self.output_all,
            min_level: self.min_level.map(|level| match level {
                LevelArg::Info => Level::Info,
                LevelArg::Warning => Level::Warning,
                LevelArg::Error => Level::Error,
            }),
            min_confidence: self.min_confidence.map(|confidence| match confidence {
                ConfidenceArg::Low => Confidence::Low,
                ConfidenceArg::Medium => Confidence::Medium,
                ConfidenceArg::High => Confidence::High,
            }),
            policy: self.policy.map(|policy| match policy {
                PolicyArg::None => Policy::None,
                PolicyArg::Atomic => Policy::Atomic,
                PolicyArg::Durable => Policy::Durable,
            }),
            ..Config::default()
        }
    }
}

/// Findings fail the run if they would have been shown without `--output-all`. If nothing could be read, nothing was checked.
fn status(report: &Report, nothing_read: bool) -> ExitCode {
    if report.failing > 0 {
        return ExitCode::from(1);
    }
    ExitCode::from(if nothing_read { UNUSABLE } else { 0 })
}
