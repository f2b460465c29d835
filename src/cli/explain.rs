//! `fsynclint explain`.

use super::terminal::print;
use crate::checks::registry::{self, RULES};
use crate::report::{human, page};
use crate::spelling;
use std::process::ExitCode;

/// Shows the page of rule `id`, or those that may be meant.
pub(super) fn run(id: &str, style: human::Style) -> Result<ExitCode, String> {
    let Some(rule) = registry::find(id) else {
        let near = spelling::did_you_mean(id, RULES.iter().map(|rule| rule.id));
        let hint = near.unwrap_or_else(|| "`fsynclint rules` lists them".into());
        return Err(format!("no rule is called `{id}`; {hint}"));
    };
    print(|out| page::page(rule, style, out))?;
    Ok(ExitCode::SUCCESS)
}
