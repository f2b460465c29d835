//! Given only the files that changed: calls lead into the rest of the workspace, and what is reported leads through a changed file.

use std::fs;
use std::path::Path;
use std::process::Command;

const WORKSPACE: &str = "[workspace]\nmembers = [\"disk\", \"store\"]\n";
const DISK: &str = "[package]\nname = \"disk\"\n";
const STORE: &str = "[package]\nname = \"store\"\n[dependencies]\ndisk = { path = \"../disk\" }\n";
/// Whether it syncs is known in `disk` alone.
const FILL: &str = "use std::io::Write;\npub fn fill(path: &std::path::Path) -> std::io::Result<()> {\n    let mut file = std::fs::File::create(path)?;\n    file.write_all(b\"x\")?;\n    SYNC\n}\n";
const SAVE: &str = "pub mod other;\npub fn save(dir: &std::path::Path) -> std::io::Result<()> {\n    disk::fill(&dir.join(\"a.tmp\"))?;\n    std::fs::rename(dir.join(\"a.tmp\"), dir.join(\"a\"))?;\n    std::fs::File::open(dir)?.sync_all()\n}\n";
/// A fault of its own.
const OTHER: &str = "pub fn swap() -> std::io::Result<()> {\n    std::fs::write(\"b.tmp\", b\"x\")?;\n    std::fs::rename(\"b.tmp\", \"b\")\n}\n";

fn workspace(sync: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let fill = FILL.replace("SYNC", sync);
    for (name, text) in [
        ("Cargo.toml", WORKSPACE),
        ("disk/Cargo.toml", DISK),
        ("disk/src/lib.rs", fill.as_str()),
        ("store/Cargo.toml", STORE),
        ("store/src/lib.rs", SAVE),
        ("store/src/other.rs", OTHER),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Where something is reported if `changed` are given, in the folder `inside`.
fn reported(root: &Path, inside: &str, changed: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_fsynclint"))
        .args(["check", "--format", "json"])
        .args(changed)
        .current_dir(root.join(inside))
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|finding| format!("{}:{}", finding["path"].as_str().unwrap(), finding["line"])).collect()
}

#[test]
fn calls_lead_into_other_packages() {
    let unsynced = workspace("Ok(())");
    assert_eq!(reported(unsynced.path(), "", &["store/src/lib.rs"]), ["store/src/lib.rs:4"]);
    let synced = workspace("file.sync_all()");
    assert_eq!(reported(synced.path(), "", &["store/src/lib.rs"]), [] as [&str; 0]);
}

#[test]
fn a_fault_elsewhere_that_leads_through_a_changed_file() {
    let unsynced = workspace("Ok(())");
    assert_eq!(reported(unsynced.path(), "", &["disk/src/lib.rs"]), ["store/src/lib.rs:4"]);
    assert_eq!(reported(unsynced.path(), "", &["store/src/other.rs"]), ["store/src/other.rs:3"]);
    let synced = workspace("file.sync_all()");
    assert_eq!(reported(synced.path(), "", &["disk/src/lib.rs"]), [] as [&str; 0]);
}

/// What a check of the package does not read is nobody's business when it changes, unless it is named without `--changed`.
#[test]
fn tests_are_passed_over() {
    let folder = workspace("Ok(())");
    let nested = "store/tests/case/src/lib.rs";
    let left_out = ["store/tests/it.rs", "store/examples/a.rs", "store/build.rs", "store/src/orphan/b.rs", nested];
    for name in left_out {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, OTHER).unwrap();
    }
    fs::write(folder.path().join("store/tests/case/Cargo.toml"), DISK).unwrap();
    fs::write(folder.path().join("fsynclint.toml"), "exclude = [\"store/src/orphan\"]").unwrap();
    for name in left_out {
        assert_eq!(reported(folder.path(), "", &["--changed", name]), [] as [&str; 0], "{name}");
    }
    assert_eq!(reported(folder.path(), "store", &["--changed", "tests/it.rs"]), [] as [&str; 0]);
    assert_eq!(reported(folder.path(), "", &["store/tests/it.rs"]), ["store/tests/it.rs:3"]);
    assert_eq!(
        reported(folder.path(), "", &["--changed", "--include-tests", "store/tests/it.rs"]),
        ["store/tests/it.rs:3"]
    );
    // Beside what is read, and for what has no package.
    let both = ["--changed", "store/tests/it.rs", "disk/src/lib.rs"];
    assert_eq!(reported(folder.path(), "", &both), ["store/src/lib.rs:4"]);
    let alone = tempfile::tempdir().unwrap();
    fs::create_dir(alone.path().join("tests")).unwrap();
    fs::write(alone.path().join("tests/a.rs"), OTHER).unwrap();
    assert_eq!(reported(alone.path(), "", &["--changed", "tests/a.rs"]), ["tests/a.rs:3"]);
}

#[test]
fn names_are_those_that_were_given() {
    let unsynced = workspace("Ok(())");
    assert_eq!(reported(unsynced.path(), "store", &["src/lib.rs"]), ["src/lib.rs:4"]);
    assert_eq!(reported(unsynced.path(), "disk", &["src/lib.rs"]), ["../store/src/lib.rs:4"]);
}
