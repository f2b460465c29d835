//! What is found below a path, and that cargo agrees.

use fsynclint::discover::{DiscoverOptions, Workspace, discover};
use std::fs;
use std::path::{Path, PathBuf};

/// Writes `files` (path, text) below a new folder.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn found(dir: &Path, inside: &[&str]) -> Workspace {
    let paths: Vec<PathBuf> = inside.iter().map(|path| dir.join(path)).collect();
    discover(&paths, &DiscoverOptions::default())
}

/// `name: file file (context file)` for each package, paths relative to `dir`.
fn summary(dir: &Path, workspace: &Workspace) -> Vec<String> {
    let relative = |path: &Path| path.strip_prefix(dir).unwrap_or(path).display().to_string();
    let mut lines: Vec<String> = workspace
        .packages
        .iter()
        .map(|package| {
            let files = package.files.iter().map(|file| {
                let name = relative(&file.shown);
                if workspace.context.contains(&file.shown) { format!("({name})") } else { name }
            });
            format!("{}: {}", package.name, files.collect::<Vec<_>>().join(" "))
        })
        .collect();
    lines.extend(workspace.problems.iter().map(|p| format!("! {}:{} {}", relative(&p.path), p.line, p.message)));
    lines
}

fn check(files: &[(&str, &str)], inside: &[&str], expected: &[&str]) {
    let dir = tree(files);
    assert_eq!(summary(dir.path(), &found(dir.path(), inside)), expected);
}

const STORE: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        "[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"fixtures\"]\n[workspace.dependencies]\nstore-io = { path = \"crates/io\" }\n",
    ),
    (
        "crates/store/Cargo.toml",
        "[package]\nname = \"store\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nstore-io.workspace = true\nwal2 = { path = \"../wal\", package = \"wal\" }\n",
    ),
    ("crates/store/src/lib.rs", ""),
    ("crates/store/src/save.rs", ""),
    ("crates/store/src/bin/dump.rs", ""),
    ("crates/store/tests/it.rs", ""),
    ("crates/store/benches/b.rs", ""),
    ("crates/store/build.rs", ""),
    ("crates/store/scripts/not_compiled.rs", ""),
    (
        "crates/io/Cargo.toml",
        "[package]\nname = \"store-io\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\nname = \"sio\"\npath = \"lib/io.rs\"\n",
    ),
    ("crates/io/lib/io.rs", ""),
    (
        "crates/wal/Cargo.toml",
        "[package]\nname = \"wal\"\nversion = \"0.1.0\"\nedition = \"2021\"\nautobins = false\n[[bin]]\nname = \"walk-wal\"\npath = \"src/walk.rs\"\n",
    ),
    ("crates/wal/src/lib.rs", ""),
    ("crates/wal/src/walk.rs", ""),
    ("fixtures/bad/Cargo.toml", "[package]\nname = \"bad\"\n"),
    ("fixtures/bad/src/lib.rs", ""),
    ("target/debug/build/x/out/gen.rs", ""),
    (".hidden/x.rs", ""),
    ("vendor/foo/.cargo-checksum.json", "{}"),
    ("vendor/foo/Cargo.toml", "[package]\nname = \"foo\"\n"),
    ("vendor/foo/src/lib.rs", ""),
];

#[test]
fn a_workspace() {
    let expected = [
        "store-io: crates/io/lib/io.rs",
        "store: crates/store/src/bin/dump.rs crates/store/src/lib.rs crates/store/src/save.rs",
        "wal: crates/wal/src/lib.rs crates/wal/src/walk.rs",
    ];
    check(STORE, &[""], &expected);
    let dir = tree(STORE);
    let workspace = found(dir.path(), &[""]);
    let store = &workspace.packages[1];
    assert_eq!(store.dependencies, [("sio".into(), "store-io".into()), ("wal2".into(), "wal".into())]);
    let entries: Vec<_> =
        workspace.packages.iter().flat_map(|p| &p.entries).map(|e| (e.name.as_str(), e.library)).collect();
    assert_eq!(entries, [("sio", true), ("store", true), ("dump", false), ("wal", true), ("walk_wal", false)]);
}

#[test]
fn tests_only_if_asked_for() {
    let dir = tree(STORE);
    let workspace = discover(
        &[dir.path().join("crates/store")],
        &DiscoverOptions { include_tests: true, ..DiscoverOptions::default() },
    );
    let expected = "store: crates/store/benches/b.rs crates/store/build.rs crates/store/src/bin/dump.rs \
                    crates/store/src/lib.rs crates/store/src/save.rs crates/store/tests/it.rs";
    assert_eq!(summary(dir.path(), &workspace), [expected]);
}

#[test]
fn a_file_brings_its_workspace_as_context() {
    let rest = ["store-io: (crates/io/lib/io.rs)", "wal: (crates/wal/src/lib.rs) (crates/wal/src/walk.rs)"];
    let files = "store: (crates/store/src/bin/dump.rs) (crates/store/src/lib.rs) crates/store/src/save.rs";
    check(STORE, &["crates/store/src/save.rs"], &[files, rest[0], rest[1]]);
    check(STORE, &["crates/store/src/save.rs", "crates/store/src/save.rs"], &[files, rest[0], rest[1]]);
    let files = "store: crates/store/src/bin/dump.rs (crates/store/src/lib.rs) (crates/store/src/save.rs)";
    check(STORE, &["crates/store/src/bin"], &[files, rest[0], rest[1]]);
    // What is excluded from the workspace stands alone.
    check(STORE, &["fixtures/bad/src/lib.rs"], &["bad: fixtures/bad/src/lib.rs"]);
}

#[test]
fn a_test_that_is_given_is_read() {
    let dir = tree(STORE);
    let workspace = found(dir.path(), &["crates/store/tests"]);
    let read: Vec<_> = workspace.packages.iter().flat_map(|package| &package.files).collect();
    let reported = read.iter().filter(|file| !workspace.context.contains(&file.shown));
    assert_eq!(reported.map(|file| file.shown.file_name().unwrap().to_str().unwrap()).collect::<Vec<_>>(), ["it.rs"]);
}

#[test]
fn what_no_package_compiles_is_read_if_it_is_given() {
    check(STORE, &["fixtures"], &["bad: fixtures/bad/src/lib.rs"]);
    check(STORE, &["crates/store/scripts/not_compiled.rs"], &["not_compiled: crates/store/scripts/not_compiled.rs"]);
    let both = [
        "wal: crates/wal/src/lib.rs crates/wal/src/walk.rs",
        "store-io: (crates/io/lib/io.rs)",
        "store: (crates/store/src/bin/dump.rs) (crates/store/src/lib.rs) (crates/store/src/save.rs)",
        "not_compiled: crates/store/scripts/not_compiled.rs",
    ];
    check(STORE, &["crates/store/scripts/not_compiled.rs", "crates/wal", "crates/wal/src/lib.rs"], &both);
}

#[test]
fn folders_without_manifests() {
    let files = &[
        ("a.rs", ""),
        ("b/c.rs", ""),
        ("d/src/lib.rs", ""),
        ("d/src/x.rs", ""),
        ("d/tests/t.rs", ""),
        ("notes.txt", ""),
    ];
    let dir = tree(files);
    let name = dir.path().file_name().unwrap().to_str().unwrap();
    let rest = format!("{name}: a.rs b/c.rs");
    check_in(dir.path(), &[""], &[&rest, "d: d/src/lib.rs d/src/x.rs"]);
    check_in(dir.path(), &["a.rs"], &["a: a.rs"]);
    check_in(dir.path(), &["notes.txt"], &["! notes.txt:1 is not a Rust source file"]);
}

fn check_in(dir: &Path, inside: &[&str], expected: &[&str]) {
    assert_eq!(summary(dir, &found(dir, inside)), expected);
}

#[test]
fn broken_manifests_are_told_and_the_rest_is_read() {
    check(
        &[
            ("Cargo.toml", "[package]\nname = \"x\"\nversion = = 1\n[lib]\npath = \"code/lib.rs\"\n"),
            ("code/lib.rs", ""),
            ("src/main.rs", ""),
        ],
        &[""],
        &[
            "x: code/lib.rs src/main.rs",
            "! Cargo.toml:3 manifest is broken (extra `=`, expected nothing); what can be read of it is used",
        ],
    );
    check(
        &[("Cargo.toml", "[package]\nname = \"x\"\nversion.workspace = true\n"), ("src/lib.rs", "")],
        &[""],
        &[
            "x: src/lib.rs",
            "! Cargo.toml:3 inherits from a workspace, but no Cargo.toml above it has a [workspace] table",
        ],
    );
    check(
        &[
            ("Cargo.toml", "[workspace]\nmembers = [\n  \"a\",\n  \"gone\",\n]\n"),
            ("a/Cargo.toml", "[package]\nname = \"a\"\n[[bin]]\nname = \"tool\"\npath = \"src/tool.rs\"\n"),
            ("a/src/lib.rs", ""),
        ],
        &[""],
        &[
            "a: a/src/lib.rs",
            "! Cargo.toml:4 workspace member `gone` has no Cargo.toml",
            "! a/Cargo.toml:3 target file `src/tool.rs` does not exist",
        ],
    );
    let message =
        "! Cargo.toml:1 no library or program found (no src/lib.rs, src/main.rs or src/bin): all its files are read";
    check(
        &[("Cargo.toml", "[package]\nname = \"part\"\n"), ("engine/wal.rs", "")],
        &[""],
        &["part: engine/wal.rs", message],
    );
}

#[test]
fn members_outside_of_the_root_are_found() {
    check(
        &[
            ("ws/Cargo.toml", "[workspace]\nmembers = [\"../shared\"]\n"),
            ("shared/Cargo.toml", "[package]\nname = \"shared\"\n"),
            ("shared/src/lib.rs", ""),
        ],
        &["ws"],
        &["shared: (shared/src/lib.rs)"],
    );
}

/// The packages and entry files that cargo names, sorted.
fn of_cargo(dir: &Path) -> Vec<(String, String, PathBuf)> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(dir)
        .no_deps()
        .other_options(["--offline".into()])
        .exec()
        .unwrap();
    let own = |kind: &cargo_metadata::TargetKind| {
        use cargo_metadata::TargetKind::{Bench, CustomBuild, Example, Test};
        !matches!(kind, Bench | CustomBuild | Example | Test)
    };
    let mut all: Vec<_> = metadata
        .packages
        .iter()
        .flat_map(|package| package.targets.iter().map(move |target| (package, target)))
        .filter(|(_, target)| target.kind.iter().all(own))
        .map(|(package, target)| {
            (package.name.to_string(), target.name.replace('-', "_"), target.src_path.clone().into())
        })
        .collect();
    all.sort();
    all
}

fn of_ours(dir: &Path) -> Vec<(String, String, PathBuf)> {
    let workspace = discover(&[dir.to_path_buf()], &DiscoverOptions::default());
    assert_eq!(workspace.problems, []);
    let packages = workspace.packages.into_iter();
    let mut all: Vec<_> = packages
        .flat_map(|package| {
            package.entries.into_iter().map(move |entry| (package.name.clone(), entry.name, entry.path))
        })
        .collect();
    all.sort();
    all
}

#[test]
fn cargo_agrees() {
    let dir = tree(STORE);
    let dir = fs::canonicalize(dir.path()).unwrap();
    assert_eq!(of_ours(&dir), of_cargo(&dir));
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_eq!(of_ours(here), of_cargo(here));
}
