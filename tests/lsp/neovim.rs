//! Neovim, with the settings of docs/editors/neovim.lua and nothing else: it opens a file with a fault, shows the finding with its steps, and
//! shows it no more when the fault is edited away. `neovim.lua` is what is done there.

use crate::client::Folder;
use crate::session::{FAULT, RENAME, manifest};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// In front of the programs there are, this one.
fn search_path() -> std::ffi::OsString {
    let own = Path::new(env!("CARGO_BIN_EXE_fsynclint")).parent().unwrap().to_path_buf();
    let others = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&others))).unwrap()
}

#[test]
fn neovim_shows_a_finding_until_it_is_repaired() {
    if Command::new("nvim").arg("--version").stdout(Stdio::null()).status().is_err() {
        assert!(std::env::var_os("CI").is_none(), "Neovim is not installed: .ci/run does that");
        eprintln!("not tested: Neovim is not installed (`nvim`, Debian's package `neovim`)");
        return;
    }
    let folder = Folder::with(&[("Cargo.toml", &manifest("store")), ("src/lib.rs", FAULT)]);
    let home = Folder::with(&[]);
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seen = home.path().join("seen.json");
    let mut neovim = Command::new("nvim");
    neovim.args(["--headless", "--clean", "-S"]).arg(own.join("docs/editors/neovim.lua"));
    neovim.arg("-S").arg(own.join("tests/lsp/neovim.lua"));
    for variable in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        neovim.env(variable, home.path());
    }
    let output = neovim
        .env("PATH", search_path())
        .env("SEEN", &seen)
        .env_remove("NVIM_LISTEN_ADDRESS")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    let text = std::fs::read_to_string(&seen).unwrap_or_else(|_| panic!("Neovim got nowhere: {said}"));
    let seen: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(seen["missed"], Value::Null, "not seen within a minute: {seen:#}\n{said}");
    assert!(output.status.success(), "{said}");
    if std::env::var_os("SHOW").is_some() {
        eprintln!("{seen:#}");
    }

    let line = RENAME + 1;
    let has = |part: &Value, text: &str| part.to_string().contains(text);
    let mark = seen["marks"].as_array().unwrap().iter().find(|mark| has(mark, "renamed into place"));
    assert_eq!(mark.map(|mark| mark["line"].as_u64()), Some(Some(line)), "{:#}", seen["marks"]);
    for part in ["file is renamed into place", "after a crash: the new name", "help: sync the file"] {
        assert!(has(&seen["float"], part), "`{part}` is not in {:#}", seen["float"]);
    }
    assert_eq!((&seen["code"], &seen["severity"]), (&"rename-before-sync".into(), &"ERROR".into()));
    let steps: Vec<(u64, &str)> = seen["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["line"].as_u64().unwrap(), step["text"].as_str().unwrap()))
        .collect();
    let written = (line - 1, "1: written: now only in the page cache");
    assert_eq!(steps, [written, (line, "2: renamed: the name is live, the content may not be")]);
    assert!(has(&seen["list"], "src/lib.rs|7 col"), "{:#}", seen["list"]);
    assert!(has(&seen["repaired"], "    file.sync_all()?;"), "{:#}", seen["repaired"]);
    assert_eq!(seen["returned"], line);
}
