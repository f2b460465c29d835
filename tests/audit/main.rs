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
