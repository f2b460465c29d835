//! The durability table of small stores. Each says in its first lines which rows it must give: `row: store | normal writes | rewrite |
//! inputs deleted first | directory | crash-safe`.

use fsynclint::audit::Row;
use fsynclint::check::{AuditReport, audit};
use fsynclint::config::Config;
use fsynclint::discover::{DiscoverOptions, DiskTexts, discover};
use std::fs;
use std::path::{Path, PathBuf};

fn stores() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audit/stores");
    let mut stores: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    stores.sort();
    stores
}

/// The table of the sources at `path`, read where no package of ours is around.
fn audited(path: &Path) -> AuditReport {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(path.file_name().unwrap());
    copy_tree(path, &copy);
    audit(&discover(&[copy], &DiscoverOptions::default()), &DiskTexts, &Config::default())
}

fn copy_tree(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy_tree(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// A row as the stores spell theirs.
fn line(row: &Row) -> String {
    let cells = [&row.writes, &row.rewrite, &row.deletes_first, &row.directory, &row.safe].map(|cell| cell.words());
    format!("{} | {}", row.store, cells.join(" | "))
}

/// The rows that the text of a store, or its manifest, asks for.
fn expected(path: &Path) -> Vec<String> {
    let head = if path.is_dir() { path.join("Cargo.toml") } else { path.to_owned() };
    let text = fs::read_to_string(&head).unwrap();
    let rows = text.lines().filter_map(|line| line.trim_start_matches(['/', '!', '#', ' ']).strip_prefix("row: "));
    rows.map(str::to_string).collect()
}

#[test]
fn each_store_gives_its_rows() {
    let mut differences = String::new();
    for path in stores() {
        let (report, expected) = (audited(&path), expected(&path));
        assert!(!expected.is_empty(), "{}: says no row", path.display());
        assert!(report.problems.is_empty(), "{}: {:?}", path.display(), report.problems);
        let found: Vec<String> = report.rows.iter().map(line).collect();
        if found != expected {
            differences += &format!("{}\n  asks for {expected:#?}\n  gives {found:#?}\n", path.display());
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
}

#[test]
fn what_is_unknown_or_broken_says_why() {
    for path in stores() {
        for row in audited(&path).rows {
            let cells = [&row.writes, &row.rewrite, &row.deletes_first, &row.directory, &row.safe];
            for cell in cells {
                let words = cell.words();
                assert!(words != "unknown", "{}: {}: a cell is unknown for no reason", path.display(), row.store);
            }
            let is_broken = row.safe.words() == "no";
            assert!(!is_broken || row.reason().is_some(), "{}: {}: not safe for no reason", path.display(), row.store);
        }
    }
}

/// The table of one file with this text.
fn audited_text(text: &str) -> AuditReport {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.rs");
    fs::write(&path, text).unwrap();
    audited(&path)
}

#[test]
fn a_file_that_cannot_be_read_is_told_beside_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audit/stores/tool.rs");
    fs::copy(store, folder.path().join("store.rs")).unwrap();
    fs::write(folder.path().join("broken.rs"), "pub fn open( {").unwrap();
    let report = audited(folder.path());
    assert_eq!(report.rows.iter().map(|row| row.store.as_str()).collect::<Vec<_>>(), ["Store"]);
    let [problem] = report.problems.as_slice() else { panic!("{:?}", report.problems) };
    assert!(problem.path.ends_with("broken.rs") && problem.line == 1 && !problem.message.is_empty(), "{problem:?}");
}

#[test]
fn where_nothing_keeps_files_there_is_no_row() {
    let empty = tempfile::tempdir().unwrap();
    assert!(audited(empty.path()).rows.is_empty());
    assert!(
        audited_text(
            "pub struct Memory { rows: Vec<u8> }\nimpl Memory { pub fn put(&mut self, b: u8) { self.rows.push(b) } }"
        )
        .rows
        .is_empty()
    );
}

/// A function that is too large to be followed to its end decides nothing: what it writes is unknown, and the cell names it.
#[test]
fn a_function_beyond_every_bound_is_unknown_by_name() {
    let branches: String = (0..3000)
        .map(|number| format!("        if bytes.len() == {number} {{ self.file.write_all(&bytes[{number}..])?; self.file.sync_data()?; }}\n"))
        .collect();
    let report = audited_text(&format!(
        "use std::fs::File;\nuse std::io::{{self, Write}};\nuse std::path::Path;\n\
         pub struct Store {{ file: File }}\n\
         impl Store {{\n    pub fn open(path: &Path) -> io::Result<Store> {{ Ok(Store {{ file: File::create(path)? }}) }}\n    \
         pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {{\n{branches}        Ok(())\n    }}\n}}\n"
    ));
    let [row] = report.rows.as_slice() else { panic!("{:?}", report.rows) };
    assert_eq!(row.writes.words(), "unknown (`put`: it is too large or too deep to be followed to its end)");
}

/// What each operation of the only store in `text` does: its effects in a line each.
fn told(text: &str) -> Vec<(String, Vec<String>, Vec<String>)> {
    let report = audited_text(text);
    let [row] = report.rows.as_slice() else { panic!("{:?}", report.rows) };
    let operations = row.operations.iter().map(|operation| {
        let effect = |effect: &fsynclint::audit::Effect| {
            let to = effect.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
            let by = effect.by.map(|by| format!(" by {by}")).unwrap_or_default();
            let when: String = effect.conditions.iter().map(|condition| format!(" if {condition}")).collect();
            format!("{} {}{to}{by}{when}", effect.what, effect.file)
        };
        let missing = operation.missing.iter().map(|missing| missing.text.clone()).collect();
        (operation.name.to_string(), operation.effects.iter().map(effect).collect(), missing)
    });
    operations.collect()
}

#[test]
fn each_effect_is_told_once_with_names_as_they_are_by_then() {
    let operations = told(
        "use std::fs::{self, File};\nuse std::io::{self, Write};\nuse std::path::{Path, PathBuf};\n\
         pub struct Store { dir: PathBuf, sync: bool }\n\
         fn fill(path: &Path, bytes: &[u8]) -> io::Result<File> { let mut file = File::create(path)?; file.write_all(bytes)?; Ok(file) }\n\
         impl Store {\n    pub fn save(&self, bytes: &[u8]) -> io::Result<()> {\n        \
         let file = fill(&self.dir.join(\"new\"), bytes)?;\n        if self.sync { file.sync_all()?; }\n        \
         fs::rename(self.dir.join(\"new\"), self.dir.join(\"state\"))?;\n        \
         fs::remove_file(self.dir.join(\"old\"))?;\n        File::open(&self.dir)?.sync_all()\n    }\n}\n",
    );
    let [(name, effects, missing)] = operations.as_slice() else { panic!("{operations:?}") };
    assert_eq!(name, "Store::save");
    assert_eq!(
        effects,
        &[
            "create or truncate self.dir/new by fill",
            "write self.dir/new by fill",
            "sync self.dir/new if sync is on",
            "rename self.dir/new to self.dir/state",
            "unlink self.dir/old",
            "sync directory self.dir",
        ]
    );
    let left =
        "if sync is off, a sync of `self.dir/state`; a crash can leave what was written whole, in part, or not at all";
    assert!(missing.iter().any(|text| text == left), "{missing:?}");
}

/// Memory that is written to like a file is none; a write in place without a log, and an input that goes early, are told with the
/// operation that does it.
#[test]
fn what_is_missing_on_the_way_is_told_with_the_operation() {
    let operations = told(
        "use std::fs::{self, File};\nuse std::io::{self, Write};\nuse std::path::PathBuf;\n\
         pub struct Store { dir: PathBuf }\nimpl Store {\n    pub fn merge(&self) -> io::Result<()> {\n        \
         let (one, all) = (self.dir.join(\"one\"), self.dir.join(\"all\"));\n        let text = fs::read(&one)?;\n        \
         let mut packed = Vec::new();\n        packed.write_all(&text)?;\n        let mut out = File::create(&all)?;\n        \
         out.write_all(&packed)?;\n        fs::remove_file(&one)?;\n        out.sync_all()?;\n        \
         File::open(&self.dir)?.sync_all()\n    }\n}\n",
    );
    let [(_, effects, missing)] = operations.as_slice() else { panic!("{operations:?}") };
    assert!(effects.iter().all(|effect| !effect.contains("packed") && !effect.contains("made here")), "{effects:?}");
    let early = "a sync of `self.dir/all` before `self.dir/one` is removed; a crash on the way can leave neither";
    assert_eq!(missing, &[early]);
}

/// Whatever makes a row `no` is missing in some operation.
#[test]
fn a_row_that_is_not_safe_has_an_operation_that_lacks_something() {
    for path in stores() {
        for row in audited(&path).rows.iter().filter(|row| row.safe.words() == "no") {
            let lacking = row.operations.iter().any(|operation| !operation.missing.is_empty());
            assert!(lacking, "{}: {}", path.display(), row.store);
        }
    }
}

/// However large a program is, an audit reads all of it: a read that was left out would take the rewrite out of the table.
#[test]
fn a_large_program_gives_the_row_of_a_small_one() {
    let store = "use std::fs::{self, File};\nuse std::io::{self, Write};\nuse std::os::unix::fs::FileExt;\nuse std::path::PathBuf;\n\
                 pub struct Blocks { file: File, dir: PathBuf }\n\
                 impl Blocks {\n    pub fn pick(&self, at: u64, mut buf: Vec<u8>) -> io::Result<Vec<u8>> {\n        \
                 let end = at.checked_add(buf.len() as u64).ok_or(io::ErrorKind::InvalidInput)?;\n        \
                 if end > self.file.metadata()?.len() {\n            buf.clear();\n        }\n        \
                 self.file.read_exact_at(&mut buf, at)?;\n        Ok(buf)\n    }\n}\n\
                 pub struct Store { blocks: Blocks }\n\
                 impl Store {\n    pub fn merge(&self) -> io::Result<()> {\n        \
                 let bytes = self.blocks.pick(0, vec![0; 8])?;\n        let tmp = self.blocks.dir.join(\"tmp\");\n        \
                 let mut out = File::create(&tmp)?;\n        out.write_all(&bytes)?;\n        out.sync_all()?;\n        \
                 fs::rename(&tmp, self.blocks.dir.join(\"all\"))?;\n        File::open(&self.blocks.dir)?.sync_all()\n    }\n}\n";
    let cells = |report: AuditReport| report.rows.iter().map(line).collect::<Vec<_>>();
    let small = cells(audited_text(store));
    let writes = "unknown (nothing was seen to be written other than by what rewrites)";
    assert!(small[0].starts_with(&format!("Store | {writes} | unknown (what `merge` reads")), "{small:?}");
    // Many files that declare a function of the same name, and lines without end.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("store.rs"), store).unwrap();
    for number in 0..8 {
        let text = format!("pub fn pick() {{}}{}", "\n".repeat(20_000));
        fs::write(folder.path().join(format!("other{number}.rs")), text).unwrap();
    }
    let large = cells(audited(folder.path()));
    assert_eq!(large.iter().map(|row| row.replace("store::", "")).collect::<Vec<_>>(), small);
}

/// Of a function with very many acts not all are passed on to its caller. Whether an input went first is unknown then.
#[test]
fn acts_beyond_the_bound_leave_it_open_whether_inputs_go_first() {
    let table = |renames: usize| {
        let moves: String =
            (0..renames).map(|at| format!("    fs::rename(dir.join(\"a{at}\"), dir.join(\"b{at}\"))?;\n")).collect();
        let report = audited_text(&format!(
            "use std::fs::{{self, File}};\nuse std::io::{{self, Write}};\nuse std::path::{{Path, PathBuf}};\n\
             fn tidy(dir: &Path) -> io::Result<()> {{\n{moves}    fs::remove_file(dir.join(\"old\"))\n}}\n\
             pub struct Store {{ dir: PathBuf }}\nimpl Store {{\n    \
             pub fn put(&self, bytes: &[u8]) -> io::Result<()> {{ fs::write(self.dir.join(\"old\"), bytes) }}\n    \
             pub fn merge(&self) -> io::Result<()> {{\n        let bytes = fs::read(self.dir.join(\"old\"))?;\n        let mut out = File::create(self.dir.join(\"new\"))?;\n        \
             out.write_all(&bytes)?;\n        tidy(&self.dir)?;\n        out.sync_all()?;\n        \
             File::open(&self.dir)?.sync_all()\n    }}\n}}\n"
        ));
        let [row] = report.rows.as_slice() else { panic!("{:?}", report.rows) };
        row.deletes_first.words()
    };
    assert_eq!(table(2), "yes");
    assert_eq!(table(60), "unknown (below `merge` more is done than is passed on to it)");
}

/// Only so much that is pending is kept at once. What was forgotten for that was not seen to be synced.
#[test]
fn more_pending_than_is_kept_is_unknown() {
    let table = |writes: usize| {
        let data = "        self.data.write_all(bytes)?;\n".repeat(writes);
        let report = audited_text(&format!(
            "use std::fs::File;\nuse std::io::{{self, Write}};\nuse std::path::Path;\n\
             pub struct Store {{ index: File, data: File }}\nimpl Store {{\n    \
             pub fn open(dir: &Path) -> io::Result<Store> {{\n        \
             Ok(Store {{ index: File::create(dir.join(\"index\"))?, data: File::create(dir.join(\"data\"))? }})\n    }}\n    \
             pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {{\n        self.index.write_all(bytes)?;\n{data}        \
             self.data.sync_all()\n    }}\n}}\n"
        ));
        let [row] = report.rows.as_slice() else { panic!("{:?}", report.rows) };
        row.writes.words()
    };
    assert_eq!(table(2), "no");
    assert_eq!(table(120), "unknown (`put`: it is too large or too deep to be followed to its end)");
}
