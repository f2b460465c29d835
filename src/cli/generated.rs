//! What is made of the description of the arguments: shell completions and manual pages.

use super::terminal::print;
use super::version;
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use std::process::ExitCode;

/// Prints the completions for `shell`.
pub(super) fn completions(shell: Shell, mut command: Command) -> Result<ExitCode, String> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "fsynclint", &mut text);
    print(|out| out.write_all(&text))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page of the program, or of the command called `name`.
pub(super) fn man(name: Option<&str>, mut command: Command) -> Result<ExitCode, String> {
    command.build();
    let page = match name {
        None => command,
        Some(name) => {
            let found = command.find_subcommand(name).cloned();
            found.ok_or_else(|| format!("no command is called `{name}`; `fsynclint help` lists them"))?
        }
    };
    let source = format!("fsynclint {}", version::text());
    print(|out| Man::new(page).source(source).render(out))?;
    Ok(ExitCode::SUCCESS)
}
