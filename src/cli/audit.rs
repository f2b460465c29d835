//! `fsynclint audit`.

use super::UNUSABLE;
use super::terminal::print;
use super::work::{Failure, WorkArgs, analyse, nothing_read};
use crate::check::audit;
use crate::config::Config;
use crate::report::audit::{human, json, markdown};
use crate::report::human::Style;
use clap::{Args, ValueEnum};
use std::process::ExitCode;

/// What `audit` is asked.
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    #[command(flatten)]
    work: WorkArgs,
    /// How to show the table
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Show every operation with its effects, what is missing and what a crash leaves (JSON always does)
    #[arg(long)]
    detail: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Markdown,
    Json,
}

/// Shows the table. It is an answer, not a verdict on the run: the status is 0 whatever it says, unless nothing could be read.
pub(super) fn run(args: &AuditArgs, style: Style) -> Result<ExitCode, Failure> {
    let (table, nothing_read) = analyse(&args.work, false, Config::default(), |workspace, texts, config| {
        let table = audit(workspace, texts, config);
        let nothing_read = nothing_read(workspace, &table.problems);
        (table, nothing_read)
    })?;
    print(|out| match args.format {
        Format::Human => human::render(&table, args.detail, style, out),
        Format::Markdown => markdown::render(&table, args.detail, out),
        Format::Json => json::render(&table, out),
    })?;
    Ok(ExitCode::from(if nothing_read { UNUSABLE } else { 0 }))
}
