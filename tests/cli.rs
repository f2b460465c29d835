//! The command line as its users see it: each `tests/cli/*.md` is a session. `TRYCMD=overwrite cargo test --test cli` rewrites
//! what was printed.

#[test]
fn sessions() {
    trycmd::TestCases::new().case("tests/cli/*.md").register_bin("cargo-fsynclint", bin("cargo-fsynclint")).run();
}

fn bin(name: &str) -> std::path::PathBuf {
    trycmd::cargo::cargo_bin(name)
}

fn printed(args: &[&str]) -> String {
    let output = std::process::Command::new(bin("fsynclint")).args(args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = printed(&["completions", shell]);
        for word in ["check", "init", "output-all", "min-confidence"] {
            assert!(text.contains(word), "{shell} has no `{word}`");
        }
    }
}

#[test]
fn manual_pages() {
    let page = printed(&["man"]);
    assert!(page.contains(".TH fsynclint 1 ") && page.contains("fsynclint\\-check(1)"), "{page}");
    let page = printed(&["man", "check"]);
    assert!(page.contains(".TH fsynclint-check 1 ") && page.contains("\\-\\-min\\-level"), "{page}");
}

/// Whether a terminal that `fsynclint` runs in, with `variables` set, is sent colours.
#[cfg(target_os = "linux")]
fn is_coloured(args: &str, variables: &[(&str, &str)]) -> bool {
    let command = format!("{} {args}", bin("fsynclint").display());
    let output = std::process::Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .envs(variables.iter().copied())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("rename-before-sync"), "{text}");
    text.contains('\u{1b}')
}

#[cfg(target_os = "linux")]
#[test]
fn colours() {
    if std::process::Command::new("script").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "`script` is not installed (Debian's package `bsdutils`)");
        eprintln!("not tested: `script`, of util-linux, is not installed");
        return;
    }
    let check = "check fixtures/example-store";
    assert!(is_coloured(check, &[]));
    assert!(is_coloured("rules", &[]));
    assert!(is_coloured(check, &[("NO_COLOR", "")]), "an empty NO_COLOR asks for nothing");
    assert!(!is_coloured(check, &[("NO_COLOR", "1")]));
    assert!(!is_coloured(check, &[("TERM", "dumb")]));
    assert!(!is_coloured(&format!("{check} --color never"), &[]));
    assert!(is_coloured(&format!("{check} --color always"), &[("NO_COLOR", "1")]), "what is asked for wins");
    // Nobody looks: no colours, unless they are asked for.
    assert!(!printed(&["rules"]).contains('\u{1b}'));
    assert!(printed(&["rules", "--color", "always"]).contains('\u{1b}'));
}

#[test]
fn init_writes_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output =
            std::process::Command::new(bin("fsynclint")).args(args).current_dir(folder.path()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    };
    let (status, said) = run(&["init"]);
    assert_eq!((status, said.starts_with("fsynclint.toml is written")), (0, true), "{said}");
    let written = std::fs::read_to_string(folder.path().join("fsynclint.toml")).unwrap();
    assert_eq!(written, fsynclint::config::START);
    assert_eq!(run(&["check"]).0, 0, "it can be used as it is");
    assert_eq!(run(&["init"]), (2, "error: fsynclint.toml is there already\n".into()));
    assert_eq!(std::fs::read_to_string(folder.path().join("fsynclint.toml")).unwrap(), written);
    std::fs::create_dir(folder.path().join("inner")).unwrap();
    assert_eq!(run(&["init", "inner", "--quiet"]), (0, String::new()));
    let (status, said) = run(&["init", "nowhere"]);
    assert_eq!((status, said.contains("nowhere/fsynclint.toml cannot be written: ")), (2, true), "{said}");
}
