//! `fsynclint lsp`.

use crate::lsp::{self, Ended};
use clap::Args;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct LspArgs {
    /// Taken because editors pass it: there is no other way to talk
    #[arg(long, hide = true)]
    stdio: bool,
}

/// Serves the editor that started this program. Status 1 if it went away without a word.
pub(super) fn run() -> Result<ExitCode, String> {
    if io::stdin().is_terminal() {
        let _ = writeln!(io::stderr(), "waiting for messages on standard input: this is for editors to start");
    }
    let ended = lsp::run().map_err(|error| format!("cannot serve: {error}"))?;
    Ok(ExitCode::from(u8::from(ended == Ended::Abruptly)))
}
