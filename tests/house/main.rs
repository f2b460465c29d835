//! The house rules: what each part of the program may know of the others, and how every file has to look. Each rule is a function
//! from a file to what is wrong with it, so that a bad sample can show that it is able to fail.

mod lexer;
mod rules;

use lexer::Source;
use rules::Rule;
use std::fs;
use std::path::{Path, PathBuf};

/// All files below `folder` whose name ends in one of `endings`, as paths from the root of the repository.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if name != "target" && name != ".git" {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path.strip_prefix(root).unwrap().to_path_buf());
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default()
}

/// Fails with all that `rule` has against the files below `src`.
fn hold(rule: Rule) {
    let mut wrong = Vec::new();
    for path in files("src", &[".rs"]) {
        let text = read(&path);
        let name = path.to_string_lossy().replace('\\', "/");
        for (line, message) in rule(&name, &Source::read(&text)) {
            wrong.push(format!("{name}:{line}: {message}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// The rule finds `what` in `text` standing at `path`.
#[track_caller]
fn finds(rule: Rule, path: &str, text: &str, what: &str) {
    let found = rule(path, &Source::read(text));
    assert!(found.iter().any(|(_, message)| message.contains(what)), "{found:?}");
}

#[track_caller]
fn accepts(rule: Rule, path: &str, text: &str) {
    assert_eq!(rule(path, &Source::read(text)), []);
}

#[test]
fn syntax_trees_stay_in_the_front_end() {
    hold(rules::syntax_trees);
    finds(rules::syntax_trees, "src/flow/mod.rs", "//! x\nuse syn::Expr;", "`syn`");
    finds(rules::syntax_trees, "src/ir.rs", "fn f() { proc_macro2::Span::call_site(); }", "`proc_macro2`");
    accepts(rules::syntax_trees, "src/frontends/rust/mod.rs", "use syn::Expr;");
    accepts(rules::syntax_trees, "src/ir.rs", "// syn is not named here\nconst A: &str = \"syn\"; fn sync() {}");
}

#[test]
fn output_libraries_stay_in_their_format() {
    hold(rules::output_libraries);
    finds(
        rules::output_libraries,
        "src/report/mod.rs",
        "use codespan_reporting::files::Files;",
        "`codespan_reporting`",
    );
    finds(rules::output_libraries, "src/finding.rs", "use lsp_types::Range;", "`lsp_types`");
    finds(rules::output_libraries, "src/cli/lsp.rs", "use lsp_server::Connection;", "`lsp_server`");
    accepts(rules::output_libraries, "src/lsp/server.rs", "use lsp_server::Connection;");
    accepts(rules::output_libraries, "src/report/human.rs", "use codespan_reporting::files::Files;");
}

#[test]
fn checks_name_no_api_no_language_no_output() {
    hold(rules::checks);
    let path = "src/checks/rename_before_sync.rs";
    finds(rules::checks, path, "const HELP: &str = \"call `sync_all` first\";", "`sync_all`");
    finds(rules::checks, path, "fn f(name: &str) -> bool { name == \"std::fs::rename\" }", "std::fs::rename");
    finds(rules::checks, path, "const HELP: &str = \"in Rust, drop the file\";", "Rust");
    finds(rules::checks, path, "use crate::apis::Apis;", "crate::apis");
    finds(rules::checks, path, "use crate::report::json;", "crate::report");
    finds(rules::checks, path, "fn f() { println!(\"x\"); }", "println");
    accepts(
        rules::checks,
        path,
        "use crate::finding::Finding;\nconst HELP: &str = \"sync the file before the rename\";",
    );
    accepts(rules::checks, path, "#[cfg(test)]\nmod tests {\n    const CODE: &str = \"std::fs::rename\";\n}");
    accepts(rules::checks, "src/apis.rs", "const A: &str = \"std::fs::rename\";");
}

#[test]
fn flow_knows_effects_only() {
    hold(rules::flow);
    finds(
        rules::flow,
        "src/flow/calls.rs",
        "fn f(p: &str) -> bool { p == \"tokio::fs::rename\" }",
        "tokio::fs::rename",
    );
    finds(rules::flow, "src/flow/mod.rs", "use crate::frontends::rust;", "crate::frontends");
    finds(rules::flow, "src/flow/mod.rs", "use crate::finding::Finding;", "crate::finding");
    finds(rules::flow, "src/ir.rs", "use crate::flow::state::State;", "crate::flow");
    finds(rules::flow, "src/apis.rs", "use crate::finding::Finding;", "crate::finding");
    accepts(rules::flow, "src/flow/calls.rs", "use crate::effects::Effect; fn f(v: &str) { v.rsplit(\"::\"); }");
}

#[test]
fn the_ir_speaks_no_language() {
    hold(rules::languages);
    finds(rules::languages, "src/ir.rs", "/// A Rust closure.\nstruct A;", "Rust");
    finds(rules::languages, "src/flow/mod.rs", "fn f(name: &str) -> bool { name == \"goroutine\" }", "goroutine");
    finds(rules::languages, "src/suppress.rs", "const A: &str = \"a Rust comment\";", "Rust");
    accepts(rules::languages, "src/ir.rs", "/// A function value. Trust it; it goes on.\nstruct A;");
}

#[test]
fn there_is_one_way_to_check() {
    hold(rules::one_check);
    finds(rules::one_check, "src/lsp/analysis.rs", "use crate::frontends::rust;", "crate::frontends");
    finds(rules::one_check, "src/cli/check.rs", "fn f() { crate::checks::run(); }", "checks::run");
    accepts(rules::one_check, "src/check.rs", "use crate::frontends::rust;");
    accepts(rules::one_check, "src/cli/check.rs", "use crate::checks::registry;");
}

#[test]
fn only_discovery_reads_files() {
    hold(rules::reading);
    finds(rules::reading, "src/frontends/rust/modules.rs", "fn f() { std::fs::read_to_string(p); }", "std::fs");
    finds(rules::reading, "src/lsp/server.rs", "fn f() { std::fs::read_to_string(p); }", "std::fs");
    accepts(rules::reading, "src/discover/tree.rs", "fn f() { std::fs::read_dir(p); }");
}

#[test]
fn nothing_prints_but_the_command_line() {
    hold(rules::printing);
    finds(rules::printing, "src/flow/mod.rs", "fn f() { eprintln!(\"{x:?}\"); dbg!(x); }", "eprintln");
    accepts(rules::printing, "src/cli/check.rs", "fn f() { writeln!(io::stderr(), \"x\"); }");
}

#[test]
fn modules_open_with_what_they_are() {
    hold(rules::module_docs);
    finds(rules::module_docs, "src/a.rs", "use std::fs;\n", "`//!`");
    accepts(rules::module_docs, "src/a.rs", "//! What it is.\nuse std::fs;\n");
}

#[test]
fn functions_can_be_read_at_once() {
    hold(rules::function_length);
    let long = format!("impl A {{\n    pub fn long() {{\n{}    }}\n}}\n", "        x();\n".repeat(120));
    finds(rules::function_length, "src/a.rs", &long, "`long`");
    accepts(rules::function_length, "src/a.rs", "fn short() {\n    x();\n}\n");
}

#[test]
fn no_paths_of_anyones_machine() {
    let mut wrong = Vec::new();
    for path in files("", &[".rs", ".md", ".toml", ".yml", ".yaml", ".sh", ".snap", "run"]) {
        for (line, message) in rules::machine_paths(&read(&path)) {
            wrong.push(format!("{}:{line}: {message}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    let sample = format!("see /{}/ann/x for it", "home");
    assert_eq!(rules::machine_paths(&sample).len(), 1);
    assert!(rules::machine_paths("written to /tmp/x, in homework/").is_empty());
}

#[test]
fn rules_have_one_name_everywhere() {
    let pages: Vec<String> = stems("rules", ".md");
    let mut ids: Vec<String> = fsynclint::checks::registry::RULES.iter().map(|rule| rule.id.to_string()).collect();
    ids.sort();
    assert_eq!(pages, ids, "pages in rules/ (left) and rules in src/checks/registry.rs (right) differ");
    let checks = stems("src/checks", ".rs");
    let declared = read(Path::new("src/checks/mod.rs"));
    // Three rules are about what the code says of the others.
    let allows = read(Path::new("src/suppress.rs"));
    for id in &fsynclint::suppress::OWN {
        assert!(allows.contains(&format!("\"{id}\"")), "src/suppress.rs does not name its rule `{id}`");
    }
    for id in ids.iter().filter(|id| !fsynclint::suppress::OWN.contains(&id.as_str())) {
        let module = id.replace('-', "_");
        assert!(checks.contains(&module), "rule `{id}` has no src/checks/{module}.rs");
        assert!(declared.contains(&format!("mod {module};")), "src/checks/mod.rs does not declare `{module}`");
        let text = read(Path::new(&format!("src/checks/{module}.rs")));
        assert!(text.contains(&format!("\"{id}\"")), "src/checks/{module}.rs does not name its rule `{id}`");
    }
    for fixture in stems("fixtures", "") {
        assert!(
            ids.contains(&fixture) || fixture == "silent" || fixture.starts_with("example-"),
            "fixtures/{fixture} is named after no rule"
        );
    }
}

/// Names of the entries of `folder` that end in `ending`, without it; all folders if it is empty.
fn stems(folder: &str, ending: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let wanted = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()) == ending.is_empty());
    let names = wanted.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut stems: Vec<String> = names.filter_map(|name| name.strip_suffix(ending).map(str::to_string)).collect();
    stems.sort();
    stems
}

#[test]
fn a_language_is_a_front_end_and_its_tables() {
    let tables = stems("rules/apis", ".toml");
    let built_in: Vec<&str> = fsynclint::apis::BUILTIN.iter().map(|(name, _)| *name).collect();
    for table in &tables {
        assert!(
            built_in.contains(&format!("{table}.toml").as_str()),
            "rules/apis/{table}.toml is not in apis::BUILTIN"
        );
    }
    assert_eq!(tables.len(), built_in.len(), "apis::BUILTIN names a table twice");
    for language in stems("src/frontends", "") {
        let named = tables.iter().any(|table| table.starts_with(&format!("{language}-")));
        assert!(named, "src/frontends/{language} has no rules/apis/{language}-*.toml");
    }
}
