//! Reads configuration: `fsynclint.toml`, or a manifest's `[workspace.metadata.fsynclint]` and `[package.metadata.fsynclint]`. What
//! cannot be used is a [`Fault`] that points at it; the rest is read all the same, so that an editor can go on.

use super::{Config, NamePattern, PathPattern, Platform, Policies, Policy, RuleLevel, Scope};
use crate::apis::Table;
use crate::check::is_type;
use crate::checks::registry::RULES;
use crate::discover::{self, ConfigFile, Problem, Texts, Workspace};
use crate::finding::{Confidence, Level};
use crate::source::{FileId, SourceMap, Span};
use crate::spelling::did_you_mean;
use serde::Deserialize;
use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The configuration that `fsynclint init` writes.
pub const START: &str = include_str!("start.toml");

/// Something in a configuration file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub span: Span,
    /// What is wrong, lower case, no trailing stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The settings: what the caller said and what the files say.
    pub config: Config,
    /// What cannot be used of the files.
    pub faults: Vec<Fault>,
    /// Files that cannot be read at all.
    pub problems: Vec<Problem>,
    /// The texts that faults point into.
    pub sources: SourceMap,
    /// The platforms that files name, and where.
    platforms: Vec<(Platform, Span)>,
}

/// Adds to `config` what the files say that were found with `workspace`.
pub fn load(config: Config, workspace: &Workspace, texts: &dyn Texts) -> Loaded {
    let mut loaded = Loaded { config, ..Loaded::default() };
    for file in &workspace.configs {
        loaded.read(file, texts);
    }
    loaded.agree_on_platform();
    loaded
}

/// Adds to `config` what `file` says, and nothing else. Its paths are relative to the current folder.
pub fn load_file(config: Config, file: &Path, texts: &dyn Texts) -> Loaded {
    let mut loaded = Loaded { config, ..Loaded::default() };
    loaded.read(&ConfigFile { path: file.to_path_buf(), folder: discover::canonical(Path::new("")) }, texts);
    loaded.agree_on_platform();
    loaded
}

impl Loaded {
    fn read(&mut self, file: &ConfigFile, texts: &dyn Texts) {
        let text = match texts.read(&file.path) {
            Ok(text) => text,
            Err(problem) => return self.problems.push(problem),
        };
        let id = self.sources.add(file.path.clone(), text.clone());
        let is_manifest = file.path.file_name().is_some_and(|name| name == "Cargo.toml");
        let (table, errors) = DeTable::parse_recoverable(&text);
        let mut reader = Reader { file: id, text: &text, faults: Vec::new(), platforms: Vec::new() };
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            reader.fault(span, error.message().lines().collect::<Vec<_>>().join(", "), None);
        }
        let syntax = std::mem::take(&mut reader.faults);
        let scope = Scope { file: file.path.clone(), folder: file.folder.clone(), ..Scope::default() };
        let mut scopes = Vec::new();
        if is_manifest {
            // That the manifest itself is broken is told by whoever reads it as one.
            for holder in ["workspace", "package"] {
                let metadata = table.get_ref().get(holder).and_then(|holder| holder.get_ref().get("metadata"));
                if let Some(own) = metadata.and_then(|metadata| metadata.get_ref().get("fsynclint")) {
                    let mut scope = scope.clone();
                    let what = format!("{holder}.metadata.fsynclint");
                    if let Some(table) = reader.table(own, &what) {
                        reader.scope(table, &mut scope);
                    }
                    scopes.push(scope);
                }
            }
        } else {
            let mut scope = scope;
            reader.scope(table.get_ref(), &mut scope);
            scopes.push(scope);
        }
        // What the parser put where it could not read on is nobody's mistake: the mistake is what it could not read.
        let Reader { mut faults, platforms, .. } = reader;
        let guessed = |fault: &Fault| syntax.iter().any(|error| error.span.start == fault.span.start);
        let (guesses, own): (Vec<Fault>, Vec<Fault>) = faults.drain(..).partition(guessed);
        let told = |error: &Fault| !is_manifest || guesses.iter().any(|guess| guess.span.start == error.span.start);
        let mut faults: Vec<Fault> = syntax.iter().filter(|error| told(error)).cloned().chain(own).collect();
        faults.sort_by_key(|fault| fault.span.start);
        self.faults.extend(faults);
        self.platforms.extend(platforms);
        self.config.scopes.extend(scopes);
    }

    /// A program is read for one platform at a time.
    fn agree_on_platform(&mut self) {
        if self.config.platform.is_some() {
            return;
        }
        let Some((platform, first)) = self.platforms.first().copied() else { return };
        let others = self.platforms.iter().filter(|(other, _)| *other != platform);
        let (path, line) = (self.sources.path(first.file), self.sources.line_column(first.file, first.start).0);
        self.faults.extend(others.map(|(_, span)| Fault {
            span: *span,
            message: format!("another platform than in {}:{line}", path.display()),
            help: Some("a run reads for one platform: check the two apart, or say `--platform`".into()),
        }));
    }
}

type Value<'t> = Spanned<DeValue<'t>>;

/// The keys there are.
pub const KEYS: &[&str] =
    &["platform", "min-level", "min-confidence", "exclude", "rules", "policy", "api", "type", "alias", "extends"];
/// The language of a project's own rows: the only one there is so far.
const LANGUAGE: &str = "rust";
/// Of these, the keys of a table of API rows.
const API_KEYS: &[&str] = &["api", "type", "alias", "extends"];
/// Of a row, the keys whose values are texts.
const ROW_TEXTS: &[&str] =
    &["path", "effect", "on", "to", "dir", "to_dir", "op", "when", "returns", "example", "source", "kind", "inner"];
const POLICY_KEYS: &[&str] = &["default", "paths", "modules", "types", "functions"];
const POLICIES: &[(&str, Policy)] = &[("none", Policy::None), ("atomic", Policy::Atomic), ("durable", Policy::Durable)];
const LEVELS: &[(&str, Level)] = &[("info", Level::Info), ("warning", Level::Warning), ("error", Level::Error)];
const RULE_LEVELS: &[(&str, RuleLevel)] = &[
    ("off", RuleLevel::Off),
    ("info", RuleLevel::At(Level::Info)),
    ("warning", RuleLevel::At(Level::Warning)),
    ("error", RuleLevel::At(Level::Error)),
];
const CONFIDENCES: &[(&str, Confidence)] =
    &[("low", Confidence::Low), ("medium", Confidence::Medium), ("high", Confidence::High)];
const PLATFORMS: &[(&str, Platform)] =
    &[("unix", Platform::Unix), ("windows", Platform::Windows), ("macos", Platform::Macos)];

/// A file under way.
struct Reader<'a> {
    file: FileId,
    text: &'a str,
    faults: Vec<Fault>,
    platforms: Vec<(Platform, Span)>,
}

impl Reader<'_> {
    fn span(&self, range: Range<usize>) -> Span {
        let end = |at: usize| at.min(self.text.len()) as u32;
        Span::new(self.file, end(range.start), end(range.end))
    }

    fn fault(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.faults.push(Fault { span: self.span(span), message, help });
    }

    fn scope(&mut self, table: &DeTable<'_>, scope: &mut Scope) {
        self.known_keys(table, KEYS, "key");
        scope.platform = self.choice(table, "platform", PLATFORMS);
        if let (Some(platform), Some(value)) = (scope.platform, table.get("platform")) {
            let span = self.span(value.span());
            self.platforms.push((platform, span));
        }
        scope.min_level = self.choice(table, "min-level", LEVELS);
        scope.min_confidence = self.choice(table, "min-confidence", CONFIDENCES);
        scope.exclude = self.exclude(table);
        if let Some(rules) = self.section(table, "rules") {
            self.rules(rules, scope);
        }
        if let Some(policy) = self.section(table, "policy") {
            scope.policies = self.policies(policy);
        }
        scope.apis = self.apis(table);
    }

    /// Every key of `table` is one of `known`.
    fn known_keys(&mut self, table: &DeTable<'_>, known: &[&str], what: &str) {
        for key in table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref();
            let all = || format!("there are {}", known.join(", "));
            let help = did_you_mean(name, known.iter().copied()).unwrap_or_else(all);
            self.fault(key.span(), format!("no {what} is called `{name}`"), Some(help));
        }
    }

    fn table<'t, 'v>(&mut self, value: &'v Value<'t>, what: &str) -> Option<&'v DeTable<'t>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(value, what, "a table");
        }
        table
    }

    fn section<'t, 'v>(&mut self, table: &'v DeTable<'t>, key: &str) -> Option<&'v DeTable<'t>> {
        table.get(key).and_then(|value| self.table(value, key))
    }

    fn wrong_type(&mut self, value: &Value<'_>, what: &str, wanted: &str) {
        let found = match value.get_ref().type_str() {
            kind @ ("array" | "integer") => format!("an {kind}"),
            kind => format!("a {kind}"),
        };
        self.fault(value.span(), format!("`{what}` is {found}, not {wanted}"), None);
    }

    /// One of several words under `key`.
    fn choice<T: Copy>(&mut self, table: &DeTable<'_>, key: &str, choices: &[(&str, T)]) -> Option<T> {
        self.chosen(table.get(key)?, key, choices)
    }

    fn chosen<T: Copy>(&mut self, value: &Value<'_>, what: &str, choices: &[(&str, T)]) -> Option<T> {
        let words = choices.iter().map(|(word, _)| *word);
        let all = words.clone().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(value, what, &format!("one of {all}"));
            return None;
        };
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        if found.is_none() {
            let help = did_you_mean(text, words);
            self.fault(value.span(), format!("`{what}` cannot be \"{text}\": it is one of {all}"), help);
        }
        found
    }

    fn exclude(&mut self, table: &DeTable<'_>) -> Vec<PathPattern> {
        let Some(value) = table.get("exclude") else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(value, "exclude", "an array of path patterns");
            return Vec::new();
        };
        let mut found = Vec::new();
        for value in array.iter() {
            match value.get_ref().as_str() {
                Some(text) => found.extend(self.pattern(text, value.span(), PathPattern::new)),
                None => self.wrong_type(value, "exclude", "a path pattern"),
            }
        }
        found
    }

    fn pattern<P>(&mut self, text: &str, span: Range<usize>, read: fn(&str) -> Result<P, String>) -> Option<P> {
        read(text).map_err(|message| self.fault(span, format!("the pattern `{text}` {}", told(&message)), None)).ok()
    }

    fn rules(&mut self, table: &DeTable<'_>, scope: &mut Scope) {
        let ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        for (key, value) in table.iter() {
            let id = key.get_ref();
            if !ids.contains(&id.as_ref()) {
                let help = did_you_mean(id, ids.iter().copied());
                let help = help.unwrap_or_else(|| "`fsynclint rules` lists them".into());
                self.fault(key.span(), format!("no rule is called `{id}`"), Some(help));
            } else if let Some(level) = self.chosen(value, id, RULE_LEVELS) {
                scope.levels.insert(id.to_string(), level);
            }
        }
    }

    fn policies(&mut self, table: &DeTable<'_>) -> Policies {
        self.known_keys(table, POLICY_KEYS, "kind of policy");
        Policies {
            default: self.choice(table, "default", POLICIES),
            paths: self.patterns(table, "paths", PathPattern::new),
            modules: self.patterns(table, "modules", NamePattern::new),
            types: self.patterns(table, "types", NamePattern::new),
            functions: self.patterns(table, "functions", NamePattern::new),
        }
    }

    /// Pairs of pattern and policy, those that say most first.
    fn patterns<P>(&mut self, table: &DeTable<'_>, key: &str, read: fn(&str) -> Result<P, String>) -> Vec<(P, Policy)> {
        let Some(section) = self.section(table, key) else { return Vec::new() };
        let mut found = Vec::new();
        for (pattern, value) in section.iter() {
            let text = pattern.get_ref();
            let policy = self.chosen(value, text, POLICIES);
            if let (Some(policy), Some(pattern)) = (policy, self.pattern(text, pattern.span(), read)) {
                let letters = text.chars().filter(|letter| !"*?[]{}".contains(*letter)).count();
                found.push((letters, pattern, policy));
            }
        }
        found.sort_by_key(|(letters, ..)| std::cmp::Reverse(*letters));
        found.into_iter().map(|(_, pattern, policy)| (pattern, policy)).collect()
    }

    /// Whether the value of `key`, one of [`API_KEYS`], is built as a table of rows is: the library that reads rows takes more, and says
    /// in words of its own what it does not take.
    fn is_api_section(&mut self, key: &str, value: &Value<'_>) -> bool {
        let before = self.faults.len();
        if !matches!(key, "api" | "type") {
            for (name, value) in self.table(value, key).into_iter().flat_map(|names| names.iter()) {
                if value.get_ref().as_str().is_none() {
                    self.wrong_type(value, name.get_ref(), "a string");
                }
            }
            return self.faults.len() == before;
        }
        let rows = value.get_ref().as_array();
        if rows.is_none() {
            self.wrong_type(value, key, &format!("an array of tables, `[[{key}]]`"));
        }
        for row in rows.into_iter().flat_map(|rows| rows.iter()) {
            for (name, value) in self.table(row, key).into_iter().flat_map(|row| row.iter()) {
                let name = name.get_ref().as_ref();
                if ROW_TEXTS.contains(&name) && value.get_ref().as_str().is_none() {
                    self.wrong_type(value, name, "a string");
                }
            }
        }
        self.faults.len() == before
    }

    /// What the rows say that their functions give back is a type.
    fn returned_types(&mut self, rows: Option<&Value<'_>>) {
        let rows = rows.and_then(|rows| rows.get_ref().as_array()).into_iter().flat_map(|rows| rows.iter());
        for value in rows.filter_map(|row| row.get_ref().get("returns")) {
            if let Some(text) = value.get_ref().as_str().filter(|text| !is_type(LANGUAGE, text)) {
                self.fault(value.span(), format!("`returns` is no type: \"{text}\""), None);
            }
        }
    }

    /// The rows for the project's own wrappers.
    fn apis(&mut self, table: &DeTable<'_>) -> Option<Table> {
        let own_rows = table.get("api");
        let mut own = DeTable::new();
        let mut span: Option<Range<usize>> = None;
        let mut sound = true;
        for (key, value) in table.iter().filter(|(key, _)| API_KEYS.contains(&key.get_ref().as_ref())) {
            sound &= self.is_api_section(key.get_ref(), value);
            own.insert(key.clone(), value.clone());
            let outer =
                span.map_or(value.span(), |span| span.start.min(value.span().start)..span.end.max(value.span().end));
            span = Some(outer);
        }
        let span = span.filter(|_| sound)?;
        let language = DeValue::String(Cow::Borrowed(LANGUAGE));
        own.insert(Spanned::new(span.clone(), Cow::Borrowed("language")), Spanned::new(span.clone(), language));
        match Table::deserialize(toml::Deserializer::from(Spanned::new(span.clone(), own))) {
            Ok(table) => {
                for (span, message) in table.faults() {
                    self.fault(span, message, None);
                }
                self.returned_types(own_rows);
                Some(table)
            }
            Err(error) => {
                let (message, help) = unknown_name(error.message());
                self.fault(error.span().unwrap_or(span), message, help);
                None
            }
        }
    }
}

/// A pattern library's message as the rest of a sentence.
fn told(message: &str) -> String {
    if message.starts_with("fits ") { message.to_string() } else { format!("cannot be read: {message}") }
}

/// Of a message "unknown field `of`, expected one of `on`, `to`": what is wrong, and which of the expected names is near.
fn unknown_name(message: &str) -> (String, Option<String>) {
    let message = message.lines().collect::<Vec<_>>().join(", ");
    let Some((wrong, expected)) = message.split_once(", expected") else { return (message, None) };
    let names: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    let word = wrong.split('`').nth(1).unwrap_or_default();
    match did_you_mean(word, names) {
        Some(help) if wrong.starts_with("unknown") => (wrong.to_string(), Some(help)),
        _ => (message, None),
    }
}
