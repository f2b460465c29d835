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
        let mut reader = Reader { file: id, text: &text, faults: Vec::new() };
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
            for error in errors {
                let span = error.span().unwrap_or(0..0);
                reader.fault(span, error.message().lines().collect::<Vec<_>>().join(", "), None);
            }
            let mut scope = scope;
            reader.scope(table.get_ref(), &mut scope);
            scopes.push(scope);
        }
        reader.faults.sort_by_key(|fault| fault.span.start);
        self.faults.extend(reader.faults);
        self.config.scopes.extend(scopes);
    }

    /// A program is read for one platform at a time.
    fn agree_on_platform(&mut self) {
        if self.config.platform.is_some() {
            return;
        }
        let mut said = self.config.scopes.iter().filter_map(|scope| Some((scope, scope.platform?)));
        let Some((first, platform)) = said.next() else { return };
        let others = said.filter(|(_, other)| *other != platform);
        let problem = |(scope, _): (&Scope, Platform)| Problem {
            path: scope.file.clone(),
            line: 1,
            message: format!(
                "names another platform than {}: check the two apart, or say `--platform`",
                first.file.display()
            ),
        };
        self.problems.extend(others.map(problem).collect::<Vec<_>>());
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
}

impl Reader<'_> {
    fn fault(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        let end = |at: usize| at.min(self.text.len()) as u32;
        self.faults.push(Fault { span: Span::new(self.file, end(span.start), end(span.end)), message, help });
    }

    fn scope(&mut self, table: &DeTable<'_>, scope: &mut Scope) {
        self.known_keys(table, KEYS, "key");
        scope.platform = self.choice(table, "platform", PLATFORMS);
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
        for (key, value) in table.iter().filter(|(key, _)| API_KEYS.contains(&key.get_ref().as_ref())) {
            own.insert(key.clone(), value.clone());
            let outer =
                span.map_or(value.span(), |span| span.start.min(value.span().start)..span.end.max(value.span().end));
            span = Some(outer);
        }
        let span = span?;
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
