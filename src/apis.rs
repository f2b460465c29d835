//! The API tables: who has which effect. Rows are data (`rules/apis/*.toml`, embedded, plus a project's own); this module
//! reads them and finds a row by path. It emits no findings and knows no program.

use crate::effects::Effect;
use crate::ir::{ApiId, ValueKind};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;
use std::ops::Range;
use std::sync::LazyLock;
use toml::Spanned;
use ustr::Ustr;

/// Which operand of a call a row speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Slot {
    /// Argument `n` as written, the receiver of a method not counted.
    Arg(u8),
    /// The receiver of a method.
    Receiver,
    /// The value the call gives back.
    Result,
}

impl TryFrom<String> for Slot {
    type Error = String;
    fn try_from(text: String) -> Result<Slot, String> {
        match text.as_str() {
            "receiver" => Ok(Slot::Receiver),
            "result" => Ok(Slot::Result),
            other => other
                .strip_prefix("arg ")
                .and_then(|number| number.parse().ok())
                .filter(|&number| number <= MAX_ARG)
                .map(Slot::Arg)
                .ok_or_else(|| {
                    format!("`{other}` names no operand: use `receiver`, `result` or `arg N` (N from 0 to {MAX_ARG})")
                }),
        }
    }
}

/// No function in any table has more arguments than this allows.
const MAX_ARG: u8 = 9;

/// When the effect has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Only if the call succeeded.
    #[default]
    Ok,
    /// Always.
    Always,
}

/// One row: one function of a library.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Path by which it is called: `std::fs::rename`, `std::fs::File::sync_all`; a trait's method by the trait: `std::io::Write::write_all`.
    pub path: Ustr,
    /// What it does before [`Api::effect`], in order; seldom more than nothing.
    #[serde(default)]
    pub first: Vec<SubEffect>,
    /// What it does.
    pub effect: Effect,
    /// The subject of the effect.
    #[serde(default)]
    pub on: Option<Slot>,
    /// The second operand.
    #[serde(default)]
    pub to: Option<Slot>,
    /// The open directory that path `on` starts from (`openat`).
    #[serde(default)]
    pub dir: Option<Slot>,
    /// The open directory that path `to` starts from (`renameat`).
    #[serde(default)]
    pub to_dir: Option<Slot>,
    /// The operation that a path operation is, if it is not the one the function is named after: `push` is `join`.
    #[serde(default)]
    pub op: Option<Ustr>,
    /// When it has happened.
    #[serde(default)]
    pub when: When,
    /// The type it gives back (when awaited, if it must be), in the language's own syntax; `Self` is the receiver's type, `Inner` the
    /// receiver's first type argument, `Arg0` the type of argument 0, `Call0` what function (or future) argument 0 gives back.
    #[serde(default)]
    pub returns: Option<String>,
    /// What it calls runs beside what follows, until its result is waited for.
    #[serde(default)]
    pub beside: bool,
    /// The method's name alone speaks for it where the receiver's type is unknown (`sync_all`, `write_all`; never `write` or `flush`).
    #[serde(default)]
    pub distinctive: bool,
    /// A call that a test resolves to this row. A project's own rows may do without.
    #[serde(default)]
    pub example: String,
    /// Why we believe it. A project's own rows may do without.
    #[serde(default)]
    pub source: String,
}

/// One of the further effects of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubEffect {
    /// What it does.
    pub effect: Effect,
    /// The subject of the effect.
    #[serde(default)]
    pub on: Option<Slot>,
    /// The second operand.
    #[serde(default)]
    pub to: Option<Slot>,
}

impl Api {
    /// Whether argument 0 of a call is the receiver: some operand is the receiver, or the example calls it as a method.
    pub fn has_receiver(&self) -> bool {
        let receiver = |slot: Option<Slot>| slot == Some(Slot::Receiver);
        let name = self.path.as_str().rsplit("::").next().unwrap_or_default();
        self.steps().any(|step| receiver(step.on) || receiver(step.to))
            || self.example.match_indices(name).any(|(at, _)| {
                self.example[..at].ends_with('.') && self.example[at + name.len()..].starts_with(['(', ':'])
            })
    }

    /// All it does, in order.
    pub fn steps(&self) -> impl Iterator<Item = SubEffect> + '_ {
        let last = SubEffect { effect: self.effect, on: self.on, to: self.to };
        self.first.iter().copied().chain(std::iter::once(last))
    }

    /// What is wrong with the row in itself.
    fn fault(&self) -> Option<String> {
        if !is_path(self.path.as_str()) {
            return Some(no_path(self.path.as_str()));
        }
        let lacking = self.steps().find_map(|step| {
            let operand = match step {
                SubEffect { effect, on: None, .. } if effect.needs_on() => "on",
                SubEffect { effect, to: None, .. } if effect.needs_to() => "to",
                _ => return None,
            };
            Some(format!("`{}`: the effect `{:?}` needs `{operand}`", self.path, step.effect))
        });
        lacking.or_else(|| {
            let stray = (self.dir.is_some() && self.on.is_none()) || (self.to_dir.is_some() && self.to.is_none());
            stray.then(|| format!("`{}`: a directory without the path that starts from it", self.path))
        })
    }
}

/// Whether `text` is names with `::` between them.
fn is_path(text: &str) -> bool {
    let is_name = |name: &str| {
        let mut letters = name.chars();
        letters.next().is_some_and(|first| first == '_' || first.is_alphabetic())
            && letters.all(|letter| letter == '_' || letter.is_alphanumeric())
    };
    text.split("::").all(is_name)
}

fn no_path(text: &str) -> String {
    format!("`{text}` is no path: one is names with `::` between them, without type arguments")
}

/// A type of a library, so that the front end knows what a value of it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiType {
    /// Path of the type: `std::fs::File`.
    pub path: Ustr,
    /// What a value of it is.
    pub kind: KindName,
    /// A wrapper: its methods that have no row are those of its first type argument (`BufWriter<File>` is *not* one: writes differ; `Arc<T>` is).
    #[serde(default)]
    pub transparent: bool,
    /// It leads to anything that can be opened: a file, a socket, a pipe.
    #[serde(default)]
    pub descriptor: bool,
    /// Its first type argument where none is written (`NamedTempFile` is `NamedTempFile<File>`).
    #[serde(default)]
    pub inner: Option<Ustr>,
    /// Traits whose rows hold for it (`std::io::Write`), and types it gives way to (`PathBuf` to `Path`).
    #[serde(default)]
    pub implements: Vec<Ustr>,
}

/// [`ValueKind`] as the tables write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum KindName {
    File,
    BufferedFile,
    AsyncFile,
    TempFile,
    Mapping,
    Reader,
    Path,
    Memory,
    Other,
}

impl From<KindName> for ValueKind {
    fn from(name: KindName) -> ValueKind {
        match name {
            KindName::File => ValueKind::File,
            KindName::BufferedFile => ValueKind::BufferedFile,
            KindName::AsyncFile => ValueKind::AsyncFile,
            KindName::TempFile => ValueKind::TempFile,
            KindName::Mapping => ValueKind::Mapping,
            KindName::Reader => ValueKind::Reader,
            KindName::Path => ValueKind::Path,
            KindName::Memory => ValueKind::Memory,
            KindName::Other => ValueKind::Other,
        }
    }
}

/// One file of rows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// `rust`, `python`, …: which front end reads it.
    pub language: Ustr,
    /// Opens a source text in which a test calls each row's example: what it needs from elsewhere, and the head of a function whose parameters are the variables of the examples.
    #[serde(default)]
    pub prelude: String,
    /// Paths under which the same items are also known: `std` → `core`, `fs_err` → `std::fs`. A path that starts with the key is looked up with the value too.
    #[serde(default)]
    pub alias: FxHashMap<String, String>,
    /// Traits that give methods to all that have another trait's (or type's) rows: `byteorder::WriteBytesExt` → `std::io::Write`.
    #[serde(default)]
    pub extends: FxHashMap<String, String>,
    /// The types.
    #[serde(default, rename = "type")]
    pub types: Vec<Spanned<ApiType>>,
    /// The rows.
    #[serde(default)]
    pub api: Vec<Spanned<Api>>,
}

impl Table {
    /// Reads a table; `name` is for the error.
    pub fn parse(name: &str, text: &str) -> Result<Table, ApiError> {
        let fail = |span, message| ApiError { table: name.to_string(), span, message };
        let table: Table = toml::from_str(text).map_err(|error| fail(error.span(), error.message().to_string()))?;
        match table.faults().into_iter().next() {
            Some((span, message)) => Err(fail(Some(span), message)),
            None => Ok(table),
        }
    }

    /// What is wrong with rows that can be read: where, and in words.
    pub fn faults(&self) -> Vec<(Range<usize>, String)> {
        let mut faults = Vec::new();
        let mut seen = FxHashSet::default();
        for row in &self.types {
            if !seen.insert(row.get_ref().path) {
                faults.push((row.span(), format!("the type `{}` is here twice", row.get_ref().path)));
            } else if !is_path(row.get_ref().path.as_str()) {
                faults.push((row.span(), no_path(row.get_ref().path.as_str())));
            }
        }
        seen.clear();
        for row in &self.api {
            if !seen.insert(row.get_ref().path) {
                faults.push((row.span(), format!("`{}` has a row already", row.get_ref().path)));
            } else if let Some(message) = row.get_ref().fault() {
                faults.push((row.span(), message));
            }
        }
        faults
    }
}

/// All rows of one language.
#[derive(Debug, Clone, Default)]
pub struct Apis {
    rows: Vec<Api>,
    types: Vec<ApiType>,
    /// By the first segment of the name that is replaced.
    aliases: FxHashMap<String, Vec<(String, String)>>,
    /// What is extended, and by which trait.
    extensions: Vec<(Ustr, Ustr)>,
    by_path: FxHashMap<&'static str, ApiId>,
    by_method: FxHashMap<Ustr, ApiId>,
    types_by_path: FxHashMap<&'static str, usize>,
    /// How many rows were built in.
    builtin: usize,
}

/// A table that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// Which table.
    pub table: String,
    /// Byte range in it, if known.
    pub span: Option<std::ops::Range<usize>>,
    /// What is wrong.
    pub message: String,
}

impl Apis {
    /// The embedded tables of `language`. Fails only if a table that was built in is broken, which a test rules out.
    pub fn builtin(language: &str) -> Result<Apis, ApiError> {
        // They are read once, whoever asks how often. Not side by side: who waits for that on a thread of a pool could begin another task
        // that asks for them too.
        static TABLES: LazyLock<Result<Vec<Table>, ApiError>> =
            LazyLock::new(|| BUILTIN.iter().map(|(name, text)| Table::parse(name, text)).collect());
        let mut apis = Apis::default();
        let tables = TABLES.as_ref().map_err(Clone::clone)?;
        tables
            .iter()
            .filter(|table| table.language.as_str() == language)
            .for_each(|table| apis.add_table(table.clone()));
        apis.builtin = apis.rows.len();
        Ok(apis)
    }

    /// Adds the rows of a table that was read. A row with a path that is known already replaces it.
    pub fn add_table(&mut self, table: Table) {
        let mut aliases: Vec<_> = table.alias.into_iter().collect();
        aliases.sort();
        for (from, to) in aliases {
            self.aliases.entry(first_segment(&from).to_string()).or_default().push((from, to));
        }
        let mut extensions: Vec<_> = table.extends.iter().map(|(by, of)| (Ustr::from(of), Ustr::from(by))).collect();
        extensions.sort();
        self.extensions.extend(extensions);
        for row in table.types.into_iter().map(Spanned::into_inner) {
            self.types_by_path.insert(row.path.as_str(), self.types.len());
            self.types.push(row);
        }
        for row in table.api.into_iter().map(Spanned::into_inner) {
            let id = ApiId(self.rows.len() as u32);
            self.by_path.insert(row.path.as_str(), id);
            if row.distinctive {
                self.by_method.insert(last_segment(row.path), id);
            }
            self.rows.push(row);
        }
    }

    /// The row `id`.
    pub fn get(&self, id: ApiId) -> &Api {
        &self.rows[id.index()]
    }

    /// All rows, in order of their ids.
    pub fn rows(&self) -> &[Api] {
        &self.rows
    }

    /// All types.
    pub fn types(&self) -> &[ApiType] {
        &self.types
    }

    /// The row for the item at `path` (aliases are tried).
    pub fn find(&self, path: &str) -> Option<ApiId> {
        self.resolve(path, |path| self.by_path.get(path).copied())
    }

    /// The names of the libraries that the rows are about, and of those by which they can be reached; some more than once.
    pub fn libraries(&self) -> impl Iterator<Item = &str> {
        let rows = self.rows.iter().map(|row| row.path.as_str()).chain(self.types.iter().map(|row| row.path.as_str()));
        rows.map(first_segment).chain(self.aliases.keys().map(String::as_str))
    }

    /// Which rows a program can come to that names libraries only if they are `named`: those of what is named, and of what that leads to by
    /// its aliases and the traits of its types; of the standard library; the project's own, and those that a method's name speaks for.
    pub fn reachable(&self, named: impl Fn(&str) -> bool) -> Vec<bool> {
        let mut known: FxHashSet<&str> = self.libraries().filter(|library| named(library)).collect();
        known.extend(["std", "core", "alloc"]);
        let aliases = self.aliases.values().flatten().map(|(from, to)| (from.as_str(), to.as_str()));
        let traits =
            self.types.iter().flat_map(|row| row.implements.iter().map(move |of| (row.path.as_str(), of.as_str())));
        let extensions = self.extensions.iter().map(|(of, by)| (of.as_str(), by.as_str()));
        let leads: Vec<(&str, &str)> = aliases
            .chain(traits)
            .chain(extensions)
            .map(|(from, to)| (first_segment(from), first_segment(to)))
            .collect();
        loop {
            let before = known.len();
            let more: Vec<&str> = leads.iter().filter(|(from, _)| known.contains(from)).map(|(_, to)| *to).collect();
            known.extend(more);
            if known.len() == before {
                break;
            }
        }
        let is_reached = |(at, row): (usize, &Api)| {
            at >= self.builtin || row.distinctive || known.contains(first_segment(row.path.as_str()))
        };
        self.rows.iter().enumerate().map(is_reached).collect()
    }

    /// Whether there are rows of the project's own.
    pub fn has_own(&self) -> bool {
        self.rows.len() > self.builtin
    }

    /// The row of the project's own for the item at `path`.
    pub fn find_own(&self, path: &str) -> Option<ApiId> {
        self.find(path).filter(|id| id.index() >= self.builtin)
    }

    /// The type at `path` (aliases are tried).
    pub fn find_type(&self, path: &str) -> Option<&ApiType> {
        self.resolve(path, |path| self.types_by_path.get(path).map(|&at| &self.types[at]))
    }

    /// The row for method `name` of the type or trait at `path`: its own, of a trait it implements, of one that extends either.
    pub fn find_of(&self, path: &str, name: &str) -> Option<ApiId> {
        let own = |path: &str| self.find(&format!("{path}::{name}"));
        let rows = self.find_type(path).into_iter().flat_map(|row| std::iter::once(&row.path).chain(&row.implements));
        let held: Vec<&str> = std::iter::once(path).chain(rows.map(|of| of.as_str())).collect();
        let extensions = self.extensions.iter().filter(|(base, _)| held.contains(&base.as_str()));
        held.iter().find_map(|of| own(of)).or_else(|| extensions.map(|(_, by)| by.as_str()).find_map(own))
    }

    /// The row that a method's name alone speaks for.
    pub fn find_method(&self, name: Ustr) -> Option<ApiId> {
        self.by_method.get(&name).copied()
    }

    fn resolve<T>(&self, path: &str, get: impl Fn(&str) -> Option<T>) -> Option<T> {
        if let Some(found) = get(path) {
            return Some(found);
        }
        self.aliases.get(first_segment(path))?.iter().find_map(|(from, to)| {
            let rest = path.strip_prefix(from.as_str())?;
            if !rest.is_empty() && !rest.starts_with("::") {
                return None;
            }
            get(&format!("{to}{rest}"))
        })
    }
}

fn first_segment(path: &str) -> &str {
    path.find(':').map_or(path, |colon| &path[..colon])
}

fn last_segment(path: Ustr) -> Ustr {
    let path = path.as_str();
    path.rfind(':').map_or(path, |colon| &path[colon + 1..]).into()
}

macro_rules! tables {
    ($($name:literal)*) => { &[$(($name, include_str!(concat!("../rules/apis/", $name)))),*] };
}

/// The embedded tables: file name and text.
pub const BUILTIN: &[(&str, &str)] = tables! {
    "rust-async-std.toml"
    "rust-atomic-write-file.toml"
    "rust-atomicwrites.toml"
    "rust-camino.toml"
    "rust-cap-std.toml"
    "rust-dirs.toml"
    "rust-encoders.toml"
    "rust-file-locks.toml"
    "rust-fs-err.toml"
    "rust-fs-extra.toml"
    "rust-futures.toml"
    "rust-glommio.toml"
    "rust-io-uring.toml"
    "rust-libc.toml"
    "rust-locks.toml"
    "rust-memmap2.toml"
    "rust-nix.toml"
    "rust-positioned-io.toml"
    "rust-rayon.toml"
    "rust-rustix.toml"
    "rust-serde.toml"
    "rust-std.toml"
    "rust-tempfile.toml"
    "rust-tokio-util.toml"
    "rust-tokio.toml"
    "rust-windows.toml"
};

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> impl Iterator<Item = (&'static str, Table)> {
        BUILTIN.iter().map(|(name, text)| {
            (*name, Table::parse(name, text).unwrap_or_else(|error| panic!("{name}: {}", error.message)))
        })
    }

    #[test]
    fn every_file_of_rows_is_built_in() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/apis");
        let mut files: Vec<_> =
            std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.retain(|name| name.ends_with(".toml"));
        files.sort();
        assert_eq!(files, BUILTIN.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn no_two_tables_speak_of_the_same() {
        let mut rows = FxHashMap::default();
        let mut types = FxHashMap::default();
        let mut methods = FxHashMap::default();
        let mut aliases = FxHashMap::default();
        for (name, table) in tables() {
            for row in table.api.iter().map(Spanned::get_ref) {
                if let Some(other) = rows.insert(row.path, name) {
                    panic!("{} is in {other} and in {name}", row.path);
                }
                if row.distinctive
                    && let Some(other) = methods.insert(last_segment(row.path), row.path)
                {
                    panic!("{other} and {} cannot both speak for their name", row.path);
                }
            }
            for row in &table.types {
                if let Some(other) = types.insert(row.get_ref().path, name) {
                    panic!("{} is in {other} and in {name}", row.get_ref().path);
                }
            }
            for (from, _) in table.alias {
                if let Some(other) = aliases.insert(from.clone(), name) {
                    panic!("{from} is an alias in {other} and in {name}");
                }
            }
        }
    }

    #[test]
    fn rows_say_where_they_come_from() {
        for (name, table) in tables() {
            for row in table.api.iter().map(Spanned::get_ref) {
                assert!(row.source.starts_with("https://"), "{name}: {}", row.path);
                assert!(!row.example.is_empty(), "{name}: {}", row.path);
            }
            assert!(!table.prelude.is_empty(), "{name}");
        }
    }

    #[test]
    fn what_a_type_implements_has_rows_or_is_a_type() {
        for (name, table) in tables() {
            let apis = Apis::builtin(table.language.as_str()).unwrap();
            for row in &table.types {
                for implemented in &row.get_ref().implements {
                    let prefix = format!("{implemented}::");
                    assert!(
                        apis.rows().iter().any(|api| api.path.starts_with(&prefix)),
                        "{name}: {implemented} has no rows"
                    );
                }
            }
        }
    }

    fn fault(body: &str) -> ApiError {
        Table::parse("t.toml", &format!("language = \"rust\"\n{body}")).unwrap_err()
    }

    const ROW: &str = "[[api]]\npath = \"a::b\"\neffect = \"nothing\"\nexample = \"a::b()\"\nsource = \"https://a\"\n";

    #[test]
    fn faults_point_into_the_table() {
        for (body, words) in [
            (ROW.replace("nothing", "sink"), "unknown variant"),
            (format!("{ROW}on = \"argument 1\"\n"), "names no operand"),
            (format!("{ROW}on = \"arg 10\"\n"), "names no operand"),
            (format!("{ROW}of = \"arg 1\"\n"), "unknown field"),
            (format!("{ROW}{ROW}"), "has a row already"),
            (ROW.replace("nothing", "rename\"\non = \"arg 0"), "needs `to`"),
            (format!("{ROW}first = [{{ effect = \"flush\" }}]\n"), "needs `on`"),
            (format!("{ROW}to_dir = \"arg 0\"\n"), "a directory without"),
            (ROW.replace("a::b\"\n", "a::\"\n"), "is no path"),
        ] {
            let error = fault(&body);
            assert!(error.message.contains(words), "{body}\n{}", error.message);
            assert!(error.span.is_some_and(|span| !span.is_empty()), "{body}\n{}", error.message);
        }
    }

    #[test]
    fn rows_of_libraries_that_nobody_names_are_not_reached() {
        let mut apis = Apis::builtin("rust").unwrap();
        let own = "language = \"rust\"\n[[api]]\npath = \"store::seal\"\neffect = \"nothing\"\n";
        apis.add_table(Table::parse("own", own).unwrap());
        let reached = |named: &[&str], path: &str| {
            let id = apis.find(path).unwrap_or_else(|| panic!("{path}"));
            apis.reachable(|library| named.contains(&library))[id.index()]
        };
        for path in ["std::fs::rename", "std::fs::File::sync_all", "store::seal"] {
            assert!(reached(&[], path), "{path}");
        }
        assert!(!reached(&[], "libc::rename"));
        assert!(reached(&["libc"], "libc::rename"));
        assert!(!reached(&["libc"], "glommio::io::Directory::open_file"));
        // By another name, and by a trait that its files have.
        assert!(!reached(&["libc"], "memmap2::MmapMut::flush") && reached(&["memmap"], "memmap2::MmapMut::flush"));
        let by = "tokio::io::AsyncWriteExt::write_all";
        assert!(apis.get(apis.find(by).unwrap()).distinctive || reached(&["tokio"], by));
    }

    #[test]
    fn aliases_find_rows_and_types() {
        let apis = Apis::builtin("rust").unwrap();
        let find = |path: &str| apis.find(path).map(|id| apis.get(id).path.as_str());
        assert_eq!(find("std::fs::rename"), Some("std::fs::rename"));
        assert_eq!(find("std::os::unix::io::AsRawFd::as_raw_fd"), Some("std::os::fd::AsRawFd::as_raw_fd"));
        assert_eq!(find("standard::fs::rename"), None);
        assert_eq!(apis.find_type("alloc::vec::Vec").map(|row| row.path.as_str()), Some("std::vec::Vec"));
    }

    #[test]
    fn methods_are_found_through_traits_and_their_extensions() {
        let apis = Apis::builtin("rust").unwrap();
        let find = |path: &str, name: &str| apis.find_of(path, name).map(|id| apis.get(id).path.as_str());
        assert_eq!(find("std::fs::File", "sync_all"), Some("std::fs::File::sync_all"));
        assert_eq!(find("fs_err::File", "write_all"), Some("std::io::Write::write_all"));
        assert_eq!(find("std::path::PathBuf", "join"), Some("std::path::Path::join"));
        assert_eq!(find("std::io::BufWriter", "write_u32"), Some("byteorder::WriteBytesExt::write_u32"));
        assert_eq!(find("std::io::Write", "write_u32"), Some("byteorder::WriteBytesExt::write_u32"));
        assert_eq!(find("std::fs::File", "fs_err_metadata"), None);
        assert_eq!(find("tokio::io::AsyncWrite", "write_all"), Some("tokio::io::AsyncWriteExt::write_all"));
    }

    #[test]
    fn a_projects_row_replaces_a_built_in_one() {
        let mut apis = Apis::builtin("rust").unwrap();
        let own = format!("language = \"rust\"\n{}", ROW.replace("a::b\"\n", "std::fs::rename\"\n"));
        apis.add_table(Table::parse("own.toml", &own).unwrap());
        assert_eq!(apis.get(apis.find("std::fs::rename").unwrap()).effect, Effect::Nothing);
    }
}
