//! The command line: reads the arguments, runs what was asked, and picks the exit status. One file a command that is more than a line.
//!
//! 0: nothing at or above the failing level. 1: findings. 2: usage, configuration or internal error.

mod audit;
mod check;
mod explain;
mod generated;
mod init;
mod lsp;
mod terminal;
mod version;
mod work;

use crate::checks::registry::RULES;
use crate::report::{human, page};
use clap::{ColorChoice, CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use terminal::{Asked, print, say};
use work::Failure;

/// Finds the places where a power cut loses data.
#[derive(Debug, Parser)]
#[command(name = "fsynclint", version = version::text(), about, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colours
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto, global = true, value_name = "WHEN", display_order = 900)]
    color: ColorChoice,
    /// Say nothing but findings and errors: no summary, no hints, no progress
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Report writes, renames and deletes that a crash can undo
    Check(check::CheckArgs),
    /// Tabulate what each store syncs and what it does not, operation by operation
    Audit(audit::AuditArgs),
    /// Write a commented `fsynclint.toml` to start from
    Init {
        /// The folder to write it to
        #[arg(default_value = ".", value_name = "FOLDER")]
        path: PathBuf,
    },
    /// Tell what a rule is about: the crash, bad and good examples, file systems
    Explain {
        /// The rule's id, `rename-before-sync`
        rule: String,
    },
    /// List the rules
    Rules,
    /// Serve an editor over standard input and output
    Lsp(lsp::LspArgs),
    /// Print what completes this program's arguments in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, of the program or of one of its commands
    Man {
        /// The command
        command: Option<String>,
    },
}

/// Exit status for usage, configuration and internal errors.
const UNUSABLE: u8 = 2;

/// Runs `fsynclint` with the arguments of the process.
pub fn run(args: Vec<OsString>) -> ExitCode {
    match Cli::try_parse_from(args) {
        Ok(cli) => cli.run(),
        Err(error) => {
            let _ = error.print();
            ExitCode::from(if error.use_stderr() { UNUSABLE } else { 0 })
        }
    }
}

/// Runs `cargo fsynclint`: cargo repeats the subcommand's name, and `check` may be left out.
pub fn run_for_cargo(args: Vec<OsString>) -> ExitCode {
    let mut rest: Vec<OsString> = args.into_iter().skip(1).collect();
    if rest.first().is_some_and(|first| first == "fsynclint") {
        rest.remove(0);
    }
    // What is no command (or asks for help or the version) is an argument of `check`.
    let is_command = |first: &OsString| {
        let first = first.to_string_lossy();
        ["help", "-h", "--help", "-V", "--version"].contains(&&*first)
            || Cli::command().get_subcommands().any(|command| command.get_name() == first)
    };
    if !rest.first().is_some_and(is_command) {
        rest.insert(0, "check".into());
    }
    rest.insert(0, "cargo fsynclint".into());
    run(rest)
}

impl Cli {
    fn run(self) -> ExitCode {
        terminal::ask(Asked { color: self.color, quiet: self.quiet });
        let done = match &self.command {
            Command::Check(args) => check::run(args, self.style()),
            Command::Audit(args) => audit::run(args, self.style()),
            Command::Init { path } => init::run(path).map_err(Failure::from),
            Command::Explain { rule } => explain::run(rule, self.style()).map_err(Failure::from),
            Command::Lsp(_) => lsp::run().map_err(Failure::from),
            Command::Rules => {
                let done = print(|out| page::table(RULES, io::stdout().is_terminal(), self.style(), out));
                done.map(|()| ExitCode::SUCCESS).map_err(Failure::from)
            }
            Command::Completions { shell } => generated::completions(*shell, Cli::command()).map_err(Failure::from),
            Command::Man { command } => generated::man(command.as_deref(), Cli::command()).map_err(Failure::from),
        };
        done.unwrap_or_else(|failure| {
            if let Failure::Message(message) = failure {
                say(&message);
            }
            ExitCode::from(UNUSABLE)
        })
    }

    fn style(&self) -> human::Style {
        terminal::style(io::stdout().is_terminal())
    }
}
