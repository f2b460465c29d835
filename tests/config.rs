//! Configuration files: what they say is done, and what is wrong with them is told at its place.

use fsynclint::check::{Report, check};
use fsynclint::config::{Config, KEYS, Loaded, Platform, Policy, START, load, load_file};
use fsynclint::discover::{DiscoverOptions, DiskTexts, discover};
use fsynclint::finding::{Confidence, Finding, Level};
use std::fs;
use std::path::Path;

/// Writes `files` below a new folder.
fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    // The end of the way up.
    fs::create_dir(folder.path().join(".git")).unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn loaded(folder: &Path, given: Config) -> (fsynclint::discover::Workspace, Loaded) {
    let workspace = discover(&[folder.to_path_buf()], &DiscoverOptions::default());
    let loaded = load(given, &workspace, &DiskTexts);
    (workspace, loaded)
}

/// What is found in `files`, of which none may be at fault.
fn checked(files: &[(&str, &str)], given: Config) -> Report {
    let folder = project(files);
    let (workspace, loaded) = loaded(folder.path(), given);
    assert_eq!(loaded.faults, []);
    assert_eq!(loaded.problems, []);
    check(&workspace, &DiskTexts, &loaded.config)
}

/// The rules of what is found in a program with the one file `src/lib.rs`, and with `config` as its settings.
#[track_caller]
fn finds(code: &str, config: &str, expected: &[&str]) {
    let manifest = "[package]\nname = \"app\"\n";
    let report =
        checked(&[("Cargo.toml", manifest), ("src/lib.rs", code), ("fsynclint.toml", config)], Config::default());
    let found: Vec<&str> = report.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(found, expected, "with {config}");
}

/// What is wrong with `config`: line, column, message and help.
fn faults(name: &str, config: &str) -> Vec<(usize, usize, String, String)> {
    let folder = project(&[(name, config), ("src/lib.rs", "")]);
    let (_, loaded) = loaded(folder.path(), Config::default());
    let told = loaded.faults.into_iter().map(|fault| {
        let (line, column) = loaded.sources.line_column(fault.span.file, fault.span.start);
        (line, column, fault.message, fault.help.unwrap_or_default())
    });
    told.collect()
}

const RENAMES: &str = "
pub mod store {
    pub struct Store;
    impl Store {
        pub fn save(&self) -> std::io::Result<()> {
            std::fs::write(\"a.tmp\", b\"x\")?;
            std::fs::rename(\"a.tmp\", \"a\")
        }
    }
}
";

/// Nothing in it says that it means to be durable.
const WRITES: &str = "
pub mod notes {
    pub struct Notes { pub path: std::path::PathBuf }
    impl Notes {
        pub fn keep(&self, text: &str) -> std::io::Result<()> {
            std::fs::write(&self.path, text)
        }
    }
}
";

#[test]
fn a_policy_silences() {
    finds(RENAMES, "", &["rename-before-sync"]);
    for place in [
        "[policy]\ndefault = \"none\"",
        "[policy.paths]\n\"src\" = \"none\"",
        "[policy.paths]\n\"**/*.rs\" = \"none\"",
        "[policy.modules]\nstore = \"none\"",
        "[policy.types]\nStore = \"none\"",
        "[policy.functions]\n\"Store::save\" = \"none\"",
        "[policy.functions]\n\"store::*::sa*\" = \"none\"",
        "[rules]\nrename-before-sync = \"off\"",
        "exclude = [\"src/*.rs\"]",
        "min-level = \"error\"\n[rules]\nrename-before-sync = \"warning\"",
    ] {
        finds(RENAMES, place, &[]);
    }
    for place in ["[policy.modules]\nstorage = \"none\"", "[policy.types]\nOther = \"none\"", "exclude = [\"lib.rs\"]"]
    {
        finds(RENAMES, place, &["rename-before-sync"]);
    }
    finds(RENAMES, "[policy.paths]\nsrc = \"none\"\n[policy.types]\nStore = \"atomic\"", &["rename-before-sync"]);
}

#[test]
fn levels_and_confidences_that_are_asked_for() {
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/example-store/src");
    let sources = ["config.rs", "lib.rs", "snapshot.rs", "wal.rs"]
        .map(|name| (format!("src/{name}"), fs::read_to_string(store.join(name)).unwrap()));
    let found = |config: &str| {
        let mut files = vec![("Cargo.toml", "[package]\nname = \"app\"\n"), ("fsynclint.toml", config)];
        files.extend(sources.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        checked(&files, Config::default()).findings
    };
    let all = found("");
    assert!(all.iter().any(|finding| finding.confidence == Confidence::Medium), "{all:#?}");
    let of = |keep: &dyn Fn(&Finding) -> bool| all.iter().filter(|finding| keep(finding)).cloned().collect::<Vec<_>>();
    let rules = |findings: &[Finding]| findings.iter().map(|finding| finding.rule).collect::<Vec<_>>();
    let sure = of(&|finding| finding.confidence == Confidence::High);
    assert_eq!(rules(&found("min-confidence = \"high\"")), rules(&sure));
    let errors = of(&|finding| finding.level == Level::Error);
    assert_eq!(rules(&found("min-level = \"error\"")), rules(&errors));
    assert!(!sure.is_empty() && sure.len() < all.len() && !errors.is_empty() && errors.len() < all.len());
}

#[test]
fn a_closure_is_its_functions() {
    let code = RENAMES.replace("std::fs::write", "with(|| { std::fs::write").replace("\"a\")", "\"a\") })").replace(
        "pub mod store {",
        "pub mod store {\n    fn with(f: impl Fn() -> std::io::Result<()>) -> std::io::Result<()> { f() }",
    );
    finds(&code, "", &["rename-before-sync"]);
    for place in ["types]\nStore", "functions]\n\"Store::save\"", "modules]\nstore"] {
        finds(&code, &format!("[policy.{place} = \"none\""), &[]);
    }
}

#[test]
fn durable_needs_no_intent() {
    finds(WRITES, "", &[]);
    finds(WRITES, "[policy]\ndefault = \"atomic\"", &[]);
    for place in [
        "[policy]\ndefault = \"durable\"",
        "[policy.types]\nNotes = \"durable\"",
        "[policy.functions]\nkeep = \"durable\"",
    ] {
        finds(WRITES, place, &["ack-before-sync", "create-without-dir-sync"]);
    }
    finds(WRITES, "[policy]\ndefault = \"durable\"\n[rules]\nack-before-sync = \"off\"", &["create-without-dir-sync"]);
}

#[test]
fn a_policy_holds_for_what_an_operation_calls() {
    let code = "
pub mod util {
    pub fn put(path: &std::path::Path) -> std::io::Result<()> { std::fs::write(path, \"x\") }
}
pub struct Notes { pub path: std::path::PathBuf }
impl Notes {
    pub fn keep(&self) -> std::io::Result<()> { crate::util::put(&self.path) }
}
";
    finds(code, "", &[]);
    finds(code, "[policy.types]\nNotes = \"durable\"", &["ack-before-sync", "create-without-dir-sync"]);
    finds(code, "[policy.types]\nNotes = \"durable\"\n[policy.modules]\nutil = \"none\"", &[]);
}

#[test]
fn traits_are_types_too() {
    let code = RENAMES
        .replace("impl Store", "pub trait Saves { fn save(&self) -> std::io::Result<()>; }\n    impl Saves for Store")
        .replace("pub fn save", "fn save");
    finds(&code, "", &["rename-before-sync"]);
    finds(&code, "[policy.types]\n\"store::Saves\" = \"none\"", &[]);
}

#[test]
fn atomic_keeps_durable_rules_silent() {
    let promises = WRITES.replace("pub fn keep", "/// Survives a power cut.\n        pub fn keep");
    finds(&promises, "", &["ack-before-sync"]);
    finds(&promises, "[policy.types]\nNotes = \"atomic\"", &[]);
}

#[test]
fn names_are_silent_where_a_policy_speaks() {
    let cache = RENAMES.replace("Store", "Cache");
    finds(&cache, "", &[]);
    finds(&cache, "[policy.types]\nCache = \"atomic\"", &["rename-before-sync"]);
}

#[test]
fn a_projects_own_wrappers() {
    let code = "
pub fn publish(dir: &std::path::Path) -> std::io::Result<()> {
    let mut file = std::fs::File::create(dir.join(\"a.tmp\"))?;
    std::io::Write::write_all(&mut file, b\"x\")?;
    house::io::make_durable(&file)?;
    std::fs::rename(dir.join(\"a.tmp\"), dir.join(\"a\"))?;
    house::io::make_durable(&std::fs::File::open(dir)?)
}
";
    finds(code, "", &["rename-before-sync"]);
    finds(code, "[[api]]\npath = \"house::io::make_durable\"\neffect = \"sync-all\"\non = \"arg 0\"", &[]);
}

#[test]
fn wrappers_in_the_project_itself() {
    let code = "
pub mod sys {
    pub struct Disk;
    impl Disk { pub fn settle(&self, file: &std::fs::File) { let _ = file.metadata(); } }
    pub fn settle(file: &std::fs::File) { let _ = file.metadata(); }
}
pub fn publish(disk: &sys::Disk, dir: &std::path::Path) -> std::io::Result<()> {
    let mut file = std::fs::File::create(dir.join(\"a.tmp\"))?;
    std::io::Write::write_all(&mut file, b\"x\")?;
    CALL;
    std::fs::rename(dir.join(\"a.tmp\"), dir.join(\"a\"))
}
";
    let (free, method) = (code.replace("CALL", "sys::settle(&file)"), code.replace("CALL", "disk.settle(&file)"));
    let row = |path: &str| format!("[[api]]\npath = \"{path}\"\neffect = \"sync-all\"\non = \"arg 0\"");
    let durable = ["rename-without-dir-sync"];
    finds(&free, "", &["rename-before-sync"]);
    finds(&free, &row("sys::settle"), &durable);
    finds(&free, &row("app::sys::settle"), &durable);
    finds(&free, &row("sys::other"), &["rename-before-sync"]);
    // As a call of a method says: the receiver is no argument.
    let row = format!("{}\nexample = \"disk.settle(&file)\"", row("sys::Disk::settle"));
    finds(&method, "", &["rename-before-sync"]);
    finds(&method, &row, &durable);
}

#[test]
fn manifests_hold_settings_too() {
    let report = |manifest: &str| checked(&[("Cargo.toml", manifest), ("src/lib.rs", RENAMES)], Config::default());
    let package = "[package]\nname = \"app\"\n";
    assert_eq!(report(package).findings.len(), 1);
    assert_eq!(report(&format!("{package}[package.metadata.fsynclint.policy]\ndefault = \"none\"")).findings.len(), 0);
    assert_eq!(
        report(&format!("{package}[workspace.metadata.fsynclint.policy]\ndefault = \"none\"")).findings.len(),
        0
    );
    assert_eq!(report(&format!("{package}[package.metadata.other]\ndefault = \"none\"")).findings.len(), 1);
}

#[test]
fn inner_folders_say_more() {
    let member = |extra: &str| format!("[package]\nname = \"member\"\n{extra}");
    let files = |extra: &str| {
        let member = member(extra);
        let files = [
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"member\"]\n[workspace.metadata.fsynclint.policy]\ndefault = \"none\"",
            ),
            ("member/Cargo.toml", member.as_str()),
            ("member/src/lib.rs", RENAMES),
        ];
        checked(&files, Config::default()).findings.len()
    };
    assert_eq!(files(""), 0);
    assert_eq!(files("[package.metadata.fsynclint.policy]\ndefault = \"atomic\""), 1);
}

#[test]
fn settings_are_found_above_what_is_given() {
    let folder = project(&[("fsynclint.toml", "[policy]\ndefault = \"none\""), ("a/b/x.rs", RENAMES)]);
    for given in ["a/b/x.rs", "a/b", "a", ""] {
        let workspace = discover(&[folder.path().join(given)], &DiscoverOptions::default());
        let loaded = load(Config::default(), &workspace, &DiskTexts);
        assert_eq!(loaded.config.scopes.len(), 1, "{given}");
        assert_eq!(check(&workspace, &DiskTexts, &loaded.config).findings.len(), 0, "{given}");
    }
}

#[test]
fn settings_for_what_is_not_read_do_not_count() {
    let files = [
        ("Cargo.toml", "[package]\nname = \"app\"\n"),
        ("src/lib.rs", RENAMES),
        ("tests/case/fsynclint.toml", "this is no TOML"),
        ("tests/case/src/lib.rs", RENAMES),
    ];
    assert_eq!(checked(&files, Config::default()).findings.len(), 1);
    let folder = project(&files);
    let workspace = discover(&[folder.path().join("src")], &DiscoverOptions::default());
    assert_eq!(load(Config::default(), &workspace, &DiskTexts).faults, []);
    let workspace = discover(&[folder.path().join("tests/case")], &DiscoverOptions::default());
    assert_ne!(load(Config::default(), &workspace, &DiskTexts).faults, []);
}

#[test]
fn what_the_caller_says_wins() {
    let files = [("src/lib.rs", RENAMES), ("fsynclint.toml", "platform = \"windows\"\n[policy]\ndefault = \"none\"")];
    assert_eq!(checked(&files, Config::default()).findings.len(), 0);
    let given = || Config { policy: Some(Policy::Atomic), platform: Some(Platform::Unix), ..Config::default() };
    assert_eq!(checked(&files, given()).findings.len(), 1);
    let folder = project(&files);
    assert_eq!(loaded(folder.path(), given()).1.config.platform(), Platform::Unix);
    assert_eq!(loaded(folder.path(), Config::default()).1.config.platform(), Platform::Windows);
    // What a policy silences is there if all is asked for, and fails nothing.
    let all = checked(&files, Config { output_all: true, ..Config::default() });
    assert!(all.findings.iter().any(|finding| finding.rule == "rename-before-sync"));
    assert_eq!(all.failing, 0);
}

#[test]
fn one_file_alone() {
    let folder = project(&[("strict.toml", "min-level = \"error\""), ("fsynclint.toml", "min-level = \"info\"")]);
    let loaded = load_file(Config::default(), &folder.path().join("strict.toml"), &DiskTexts);
    assert_eq!(loaded.config.scopes.len(), 1);
    assert_eq!(loaded.faults, []);
    let missing = load_file(Config::default(), &folder.path().join("none.toml"), &DiskTexts);
    assert_eq!(missing.problems.len(), 1);
}

#[test]
fn two_platforms_are_one_too_many() {
    let files =
        [("fsynclint.toml", "platform = \"unix\""), ("a/fsynclint.toml", "platform = \"macos\""), ("a/x.rs", "")];
    let folder = project(&files);
    let both = loaded(folder.path(), Config::default()).1;
    let [fault] = &both.faults[..] else { panic!("{:?}", both.faults) };
    assert!(fault.message.starts_with("another platform than in ") && fault.message.ends_with("fsynclint.toml:1"));
    assert_eq!(both.sources.path(fault.span.file), folder.path().join("a/fsynclint.toml"));
    assert_eq!(both.sources.line_column(fault.span.file, fault.span.start), (1, 12));
    assert_eq!(loaded(folder.path(), Config { platform: Some(Platform::Unix), ..Config::default() }).1.faults, []);
}

/// The lines of the start that show a setting, as settings.
fn uncommented() -> String {
    let setting = |line: &str| line.starts_with("# [[") || line.starts_with("# ") && line.contains(" = ");
    START.lines().map(|line| if setting(line) { &line[2..] } else { line }).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_start_can_be_read() {
    assert_eq!(faults("fsynclint.toml", START), []);
    assert_eq!(faults("fsynclint.toml", &uncommented()), []);
    let folder = project(&[("fsynclint.toml", &uncommented())]);
    let scope = &loaded(folder.path(), Config::default()).1.config.scopes[0];
    assert_eq!((scope.levels.len(), scope.exclude.len()), (2, 2));
    assert_eq!(scope.policies.paths.len() + scope.policies.types.len() + scope.policies.functions.len(), 3);
    assert!(scope.apis.as_ref().is_some_and(|table| table.api.len() == 1));
    assert!(scope.platform.is_some() && scope.min_level.is_some() && scope.min_confidence.is_some());
}

#[test]
fn faults_stand_at_their_place() {
    for (config, line, column, message, help) in [
        ("platfrom = \"unix\"", 1, 1, "no key is called `platfrom`", "did you mean `platform`?"),
        ("\nmin-level = \"warnign\"", 2, 13, "`min-level` cannot be \"warnign\"", "did you mean `warning`?"),
        ("min-confidence = 3", 1, 18, "`min-confidence` is an integer, not one of", ""),
        ("exclude = \"src\"", 1, 11, "`exclude` is a string, not an array", ""),
        ("exclude = [\"a\", \"src/[a\"]", 1, 17, "the pattern `src/[a` cannot be read", ""),
        ("exclude = [\"../b\"]", 1, 12, "relative to the folder", ""),
        ("[rules]\nack-before-sink = \"off\"", 2, 1, "no rule is called `ack-before-sink`", "`ack-before-sync`"),
        (
            "[rules]\nRename_before_sync = \"off\"",
            2,
            1,
            "no rule is called `Rename_before_sync`",
            "did you mean `rename-before-sync`?",
        ),
        ("[rules]\nack-before-sync = \"OFF\"", 2, 19, "cannot be \"OFF\"", "did you mean `off`?"),
        ("[rules]\nack-before-sync = \"of\"", 2, 19, "cannot be \"of\"", "did you mean `off`?"),
        ("rules = []", 1, 9, "`rules` is an array, not a table", ""),
        ("policy = \"none\"", 1, 10, "`policy` is a string, not a table", ""),
        ("[policy]\npath = {}", 2, 1, "no kind of policy is called `path`", "did you mean `paths`?"),
        ("[policy.types]\n\"a b\" = \"none\"", 2, 1, "fits no name", ""),
        ("[policy.paths]\nsrc = \"durabel\"", 2, 7, "cannot be \"durabel\"", "did you mean `durable`?"),
        ("[[api]]\npath = \"a::b\"\neffect = \"sink\"", 3, 10, "unknown variant `sink`", ""),
        (
            "[[api]]\npath = \"a::b\"\neffect = \"nothing\"\nonn = \"arg 0\"",
            4,
            1,
            "unknown field `onn`",
            "did you mean `on`",
        ),
        ("[[api]]\npath = \"a::b\"\neffect = \"write\"", 1, 1, "needs `on`", ""),
        ("[[api]]\npath = \" \"\neffect = \"nothing\"", 1, 1, "` ` is no path", ""),
        ("[[api]]\npath = \"a::<b>\"\neffect = \"nothing\"", 1, 1, "`a::<b>` is no path", ""),
        ("[[type]]\npath = \"a b\"\nkind = \"file\"", 1, 1, "`a b` is no path", ""),
        ("api = 1", 1, 7, "`api` is an integer, not an array of tables, `[[api]]`", ""),
        ("type = {}", 1, 8, "`type` is a table, not an array of tables, `[[type]]`", ""),
        ("api = [[]]", 1, 8, "`api` is an array, not a table", ""),
        ("api = [\"a\"]", 1, 8, "`api` is a string, not a table", ""),
        ("alias = []", 1, 9, "`alias` is an array, not a table", ""),
        ("alias = 1979-05-27", 1, 9, "`alias` is a datetime, not a table", ""),
        ("extends = { a = 1 }", 1, 17, "`a` is an integer, not a string", ""),
        ("[[api]]\npath = 1\neffect = \"nothing\"", 2, 8, "`path` is an integer, not a string", ""),
        ("[[api]]\npath = \"a\"\neffect = []", 3, 10, "`effect` is an array, not a string", ""),
        ("[[api]]\neffect = \"nothing\"", 1, 1, "missing field `path`", ""),
        (
            "[[api]]\npath = \"a::b\"\neffect = \"nothing\"\nreturns = \"Result<\"",
            4,
            11,
            "`returns` is no type: \"Result<\"",
            "",
        ),
        ("a = ", 1, 5, "", ""),
        ("a = 1\na = 2", 2, 1, "duplicate", ""),
        ("\u{feff}[[[", 1, 4, "", ""),
    ] {
        let found = faults("fsynclint.toml", config);
        let fits = |fault: &&(usize, usize, String, String)| {
            fault.0 == line && fault.1 == column && fault.2.contains(message) && fault.3.contains(help)
        };
        assert!(found.iter().any(|fault| fits(&fault)), "{config}\n{found:?}");
    }
    let found = faults("Cargo.toml", "[package]\nname = \"a\"\n\n[package.metadata.fsynclint]\nexlude = []\n");
    assert_eq!((found[0].0, found[0].1, found[0].3.as_str()), (5, 1, "did you mean `exclude`?"));
    // What is missing is told, and not what the parser put in its place.
    for (name, head) in
        [("fsynclint.toml", ""), ("Cargo.toml", "[package]\nname = \"a\"\n[package.metadata.fsynclint]\n")]
    {
        let found = faults(name, &format!("{head}min-level = \nexclude = [\"x\"]\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].1 == 13 && !found[0].2.contains("cannot be"), "{found:?}");
    }
}

#[test]
fn bytes_that_are_no_settings() {
    let folder = tempfile::tempdir().unwrap();
    for bytes in [&b"\xff\xfe"[..], b"\0", &[b'['; 100_000][..], &b"a.".repeat(50_000)] {
        fs::write(folder.path().join("fsynclint.toml"), bytes).unwrap();
        let (_, loaded) = loaded(folder.path(), Config::default());
        assert!(!loaded.faults.is_empty() || !loaded.problems.is_empty());
    }
}

/// Whatever has the name of a configuration is one, and is not passed over because it cannot be read.
#[cfg(unix)]
#[test]
fn what_is_no_file() {
    use std::os::unix::fs::symlink;
    type Make = fn(&Path);
    let made: [(&str, Make, &str); 4] = [
        ("a folder", |path| fs::create_dir(path).unwrap(), "is not a regular file"),
        ("a link to itself", |path| symlink("fsynclint.toml", path).unwrap(), "cannot be read: "),
        ("a link to nothing", |path| symlink("nowhere", path).unwrap(), "cannot be read: no such file or directory"),
        ("a device", |path| symlink("/dev/null", path).unwrap(), "is not a regular file"),
    ];
    for (what, make, message) in made {
        for place in ["fsynclint.toml", "src/fsynclint.toml"] {
            let folder = project(&[("Cargo.toml", "[package]\nname = \"app\"\n"), ("src/lib.rs", RENAMES)]);
            make(&folder.path().join(place));
            let problems = loaded(folder.path(), Config::default()).1.problems;
            assert!(problems.len() == 1 && problems[0].message.starts_with(message), "{what}: {problems:?}");
        }
    }
}

#[test]
fn every_key_is_explained() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for key in KEYS {
        let told = [format!("| `{key}`"), format!("`[{key}]`"), format!("`[[{key}]]`")];
        assert!(told.iter().any(|told| readme.contains(told)), "README.md does not explain `{key}`");
    }
}
