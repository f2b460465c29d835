//! `fsynclint explain`.

use super::terminal::print;
use crate::checks::registry::{self, RULES};
use crate::report::{human, page};
use std::process::ExitCode;

/// Shows the page of rule `id`, or those that may be meant.
pub(super) fn run(id: &str, style: human::Style) -> Result<ExitCode, String> {
    let Some(rule) = registry::find(id) else {
        let near = nearest(id);
        let hint = if near.is_empty() {
            "`fsynclint rules` lists them".into()
        } else {
            format!("did you mean {}?", near.join(" or "))
        };
        return Err(format!("no rule is called `{id}`; {hint}"));
    };
    print(|out| page::page(rule, style, out))?;
    Ok(ExitCode::SUCCESS)
}
/// Rules whose id is close to `id`.
fn nearest(id: &str) -> Vec<String> {
    let mut near: Vec<(usize, &str)> = RULES.iter().map(|rule| (distance(id, rule.id), rule.id)).collect();
    near.sort();
    let limit = (id.chars().count() / 3).max(2);
    let close = near.iter().filter(|(distance, rule)| *distance <= limit || (id.len() >= 4 && rule.contains(id)));
    close.take(3).map(|(_, rule)| format!("`{rule}`")).collect()
}

/// How many letters have to be added, taken out or changed to make `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(200).enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = changed.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
