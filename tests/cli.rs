//! The command line as its users see it: each `tests/cli/*.md` is a session. `TRYCMD=overwrite cargo test --test cli` rewrites
//! what was printed.

#[test]
fn sessions() {
    trycmd::TestCases::new().case("tests/cli/*.md").register_bin("cargo-fsynclint", bin("cargo-fsynclint")).run();
}

fn bin(name: &str) -> std::path::PathBuf {
    trycmd::cargo::cargo_bin(name)
}
