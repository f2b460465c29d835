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
