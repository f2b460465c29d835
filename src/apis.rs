//! The API tables: who has which effect. Rows are data (`rules/apis/*.toml`, embedded, plus a project's own); this module
//! reads them and finds a row by path. It emits no findings and knows no program.

use crate::effects::Effect;
use crate::ir::{ApiId, ValueKind};
use rustc_hash::FxHashMap;
use serde::Deserialize;
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
                .map(Slot::Arg)
                .ok_or_else(|| format!("`{other}` names no operand: use `receiver`, `result` or `arg N`")),
        }
    }
}

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
    /// What it does.
    pub effect: Effect,
    /// The subject of the effect.
    #[serde(default)]
    pub on: Option<Slot>,
    /// The second operand.
    #[serde(default)]
    pub to: Option<Slot>,
    /// When it has happened.
    #[serde(default)]
    pub when: When,
    /// The type it gives back, in the language's own syntax; `Self` is the receiver's type, `Arg0` that of argument 0, `Call0` what function argument 0 gives back.
    #[serde(default)]
    pub returns: Option<String>,
    /// The method's name alone speaks for it where the receiver's type is unknown (`sync_all`, `write_all`; never `write` or `flush`).
    #[serde(default)]
    pub distinctive: bool,
    /// A call that a test resolves to this row.
    pub example: String,
    /// Why we believe it.
    pub source: String,
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
    /// Traits whose rows hold for it (`std::io::Write`).
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
struct Table {
    /// `rust`, `python`, …: which front end reads it.
    language: Ustr,
    /// Paths under which the same items are also known: `std` → `core`, `fs_err` → `std::fs`. A path that starts with the key is looked up with the value too.
    #[serde(default)]
    alias: FxHashMap<String, String>,
    #[serde(default, rename = "type")]
    types: Vec<ApiType>,
    #[serde(default)]
    api: Vec<Api>,
}

/// All rows of one language.
#[derive(Debug, Clone, Default)]
pub struct Apis {
    rows: Vec<Api>,
    types: Vec<ApiType>,
    aliases: Vec<(String, String)>,
    by_path: FxHashMap<Ustr, ApiId>,
    by_method: FxHashMap<Ustr, ApiId>,
    types_by_path: FxHashMap<Ustr, usize>,
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
        let mut apis = Apis::default();
        for (name, text) in BUILTIN {
            apis.add(name, text, language)?;
        }
        Ok(apis)
    }

    /// Adds the rows of one table if it is of `language`. A row with a path that is known already replaces it.
    pub fn add(&mut self, name: &str, text: &str, language: &str) -> Result<(), ApiError> {
        let table: Table = toml::from_str(text).map_err(|error| ApiError {
            table: name.to_string(),
            span: error.span(),
            message: error.message().to_string(),
        })?;
        if table.language.as_str() != language {
            return Ok(());
        }
        let mut aliases: Vec<_> = table.alias.into_iter().collect();
        aliases.sort();
        self.aliases.extend(aliases);
        for row in table.types {
            self.types_by_path.insert(row.path, self.types.len());
            self.types.push(row);
        }
        for row in table.api {
            let id = ApiId(self.rows.len() as u32);
            self.by_path.insert(row.path, id);
            if row.distinctive {
                self.by_method.insert(last_segment(row.path), id);
            }
            self.rows.push(row);
        }
        Ok(())
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
        self.resolve(path, |path| self.by_path.get(&path).copied())
    }

    /// The type at `path` (aliases are tried).
    pub fn find_type(&self, path: &str) -> Option<&ApiType> {
        self.resolve(path, |path| self.types_by_path.get(&path).map(|&at| &self.types[at]))
    }

    /// The row that a method's name alone speaks for.
    pub fn find_method(&self, name: Ustr) -> Option<ApiId> {
        self.by_method.get(&name).copied()
    }

    fn resolve<T>(&self, path: &str, get: impl Fn(Ustr) -> Option<T>) -> Option<T> {
        if let Some(found) = Ustr::from_existing(path).and_then(&get) {
            return Some(found);
        }
        self.aliases.iter().find_map(|(from, to)| {
            let rest = path.strip_prefix(from.as_str())?;
            if !rest.is_empty() && !rest.starts_with("::") {
                return None;
            }
            Ustr::from_existing(&format!("{to}{rest}")).and_then(&get)
        })
    }
}

fn last_segment(path: Ustr) -> Ustr {
    path.as_str().rsplit("::").next().unwrap_or_default().into()
}

/// The embedded tables: file name and text.
pub const BUILTIN: &[(&str, &str)] = &[("rust-std.toml", include_str!("../rules/apis/rust-std.toml"))];
