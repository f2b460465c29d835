//! Allows in the code: what they silence, what they do not, and what is wrong with them.

mod marks;

use fsynclint::check::check;
use fsynclint::config::{Config, RuleLevel};
use fsynclint::discover::{DiscoverOptions, DiskTexts, discover};
use marks::{check_text, spots};
use std::fs;
use std::path::Path;

/// `expected` are lines and rules.
#[track_caller]
fn finds(code: &str, expected: &[(usize, &str)]) {
    let report = check_text(Path::new("a.rs"), code);
    assert_eq!(report.problems, []);
    let found = spots(&report);
    let found: Vec<(usize, &str)> = found.iter().map(|spot| (spot.line, spot.rule.as_str())).collect();
    assert_eq!(found, expected, "{code}");
}

const ALLOW: &str = "// fsynclint: allow(rename-before-sync) reason=\"made again\"";

/// Writes on line 2, renames on line 4.
fn save(head: &str, on_write: &str, before: &str, on_rename: &str) -> String {
    format!(
        "{head}pub fn save() -> std::io::Result<()> {{\n    std::fs::write(\"a.tmp\", b\"x\")?; {on_write}\n    {before}\n    std::fs::rename(\"a.tmp\", \"a\") {on_rename}\n}}\n"
    )
}

#[test]
fn by_statement_function_and_file() {
    finds(&save("", "", "", ""), &[(4, "rename-before-sync")]);
    finds(&save("", "", ALLOW, ""), &[]);
    finds(&save("", "", "", ALLOW), &[]);
    finds(&save(&format!("{ALLOW}\n"), "", "", ""), &[]);
    finds(&save("#[cfg_attr(fsynclint, allow(rename_before_sync, reason = \"x\"))] ", "", "", ""), &[]);
    finds(
        &format!(
            "mod m {{\n#![cfg_attr(fsynclint, allow(rename_before_sync, reason = \"x\"))]\n{}}}",
            save("", "", "", "")
        ),
        &[],
    );
    finds(&(save("", "", "", "") + "// fsynclint: allow-file(rename-before-sync) reason=\"x\"\n"), &[]);
    // Somewhere else.
    finds(&(save("", "", "", "") + ALLOW + "\npub fn other() {}\n"), &[(4, "rename-before-sync"), (6, "unused-allow")]);
}

#[test]
fn a_step_in_an_allowed_place_is_no_allowed_finding() {
    finds(&save("", ALLOW, "", ""), &[(2, "unused-allow"), (4, "rename-before-sync")]);
    let code = format!(
        "{ALLOW}\nfn fill() -> std::io::Result<()> {{\n    std::fs::write(\"a.tmp\", b\"x\")\n}}\npub fn save() -> std::io::Result<()> {{\n    fill()?;\n    std::fs::rename(\"a.tmp\", \"a\")\n}}\n"
    );
    finds(&code, &[(1, "unused-allow"), (7, "rename-before-sync")]);
}

#[test]
fn only_the_rule_that_is_named() {
    let other = ALLOW.replace("rename", "delete");
    finds(&save("", "", &other, ""), &[(3, "unused-allow"), (4, "rename-before-sync")]);
    let both = ALLOW.replace("(", "(delete-before-sync, ");
    finds(&save("", "", &both, ""), &[(3, "unused-allow")]);
}

#[test]
fn what_is_wrong_with_an_allow() {
    finds(&save("", "", "// fsynclint: allow(rename-before-sync)", ""), &[(3, "allow-without-reason")]);
    finds(&save("", "", "// fsynclint: allow(rename-before-sync) reason=\" \"", ""), &[(3, "allow-without-reason")]);
    finds(&save("", "", &ALLOW.replace("sync)", "sink)"), ""), &[(3, "unknown-allow"), (4, "rename-before-sync")]);
    finds(
        &save("", "", "// fsynclint: allow(rename-before-sync", ""),
        &[(3, "unknown-allow"), (4, "rename-before-sync")],
    );
    let report = check_text(Path::new("a.rs"), &save("", "", &ALLOW.replace("sync)", "sink)"), ""));
    assert!(report.findings[0].help.contains("did you mean `rename-before-sync`"), "{}", report.findings[0].help);
}

#[test]
fn no_allow_allows_that() {
    let head = "// fsynclint: allow-file(unused-allow, unknown-allow, allow-without-reason) reason=\"x\"\n";
    let code = save(head, "", "// fsynclint: allow(delete-before-sync)", "");
    let unknown = (1, "unknown-allow");
    finds(
        &code,
        &[unknown, unknown, unknown, (4, "allow-without-reason"), (4, "unused-allow"), (5, "rename-before-sync")],
    );
}

#[test]
fn what_is_not_read_has_no_unused_allows() {
    for head in ["#[cfg(test)] ", "#[cfg(windows)] ", "#[test] "] {
        finds(&save(head, "", ALLOW, ""), &[]);
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lib.rs"), "#[cfg(test)]\nmod tests;\n").unwrap();
    fs::write(folder.path().join("tests.rs"), save("", "", ALLOW, "")).unwrap();
    let workspace = discover(&[folder.path().to_path_buf()], &DiscoverOptions::default());
    assert_eq!(check(&workspace, &DiskTexts, &Config::default()).findings, []);
}

#[test]
fn in_a_program_of_which_little_is_parsed() {
    let folder = tempfile::tempdir().unwrap();
    let unused = format!("{ALLOW}\npub fn nothing_at_all() {{}}\n");
    fs::write(folder.path().join("lib.rs"), "pub mod a;\npub mod b;\npub mod long;\n").unwrap();
    fs::write(folder.path().join("a.rs"), save("", "", ALLOW, "")).unwrap();
    fs::write(folder.path().join("b.rs"), unused).unwrap();
    fs::write(folder.path().join("long.rs"), "\n".repeat(200_000)).unwrap();
    let workspace = discover(&[folder.path().to_path_buf()], &DiscoverOptions::default());
    let report = check(&workspace, &DiskTexts, &Config::default());
    let found: Vec<_> =
        report.findings.iter().map(|finding| (finding.rule, report.sources.path(finding.span.file))).collect();
    assert_eq!(found, [("unused-allow", folder.path().join("b.rs").as_path())]);
    assert!(report.stats.parsed < report.stats.files);
}

#[test]
fn levels_hold_for_allows_too() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lib.rs"), format!("{ALLOW}\npub fn f() {{}}\n")).unwrap();
    let workspace = discover(&[folder.path().to_path_buf()], &DiscoverOptions::default());
    let mut config = Config::default();
    assert_eq!(check(&workspace, &DiskTexts, &config).failing, 1);
    config.levels.insert("unused-allow".into(), RuleLevel::Off);
    assert_eq!(check(&workspace, &DiskTexts, &config).findings, []);
}
