//! What a run is asked: plain data with defaults. The caller (the command line, an editor) says some of it, configuration files
//! say the rest for the folders they stand in; what the caller says wins.

mod file;

pub use file::{Fault, KEYS, Loaded, START, load, load_file};

use crate::apis::Table;
use crate::discover;
use crate::finding::{Confidence, Level};
use globset::GlobMatcher;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How much is asked of the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Nothing: caches, scratch files.
    None,
    /// What is live is whole: publish, destroy, order, atomic, error.
    Atomic,
    /// And what was promised is there.
    Durable,
}

/// The kind of system the program runs on. Some calls mean different things there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Linux and its like.
    #[default]
    Unix,
    /// Windows: directories cannot be synced.
    Windows,
    /// macOS: a plain `fsync(2)` does not reach the disk.
    Macos,
}

/// What is done with the findings of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleLevel {
    /// Not reported.
    Off,
    /// Reported at this level instead of the rule's own.
    #[serde(untagged)]
    At(Level),
}

/// All settings of a run. What is `None` is left to the configuration files, and then to the defaults.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Also tests, benches, examples and build scripts.
    pub include_tests: bool,
    /// What the program runs on.
    pub platform: Option<Platform>,
    /// Everything, whatever its level and confidence, policies ignored.
    pub output_all: bool,
    /// Findings below are not reported.
    pub min_level: Option<Level>,
    /// Findings below are not reported.
    pub min_confidence: Option<Confidence>,
    /// The policy for all code, whatever the files say.
    pub policy: Option<Policy>,
    /// Levels of single rules, by id.
    pub levels: BTreeMap<String, RuleLevel>,
    /// What configuration files say, outer folders first.
    pub scopes: Vec<Scope>,
}

/// What one configuration file says, for the folder it stands in and all below.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The file, as the user is told of it.
    pub file: PathBuf,
    /// The folder, canonical.
    pub folder: PathBuf,
    /// What the program runs on.
    pub platform: Option<Platform>,
    /// Findings below are not reported.
    pub min_level: Option<Level>,
    /// Findings below are not reported.
    pub min_confidence: Option<Confidence>,
    /// Files that are not read.
    pub exclude: Vec<PathPattern>,
    /// Levels of single rules, by id.
    pub levels: BTreeMap<String, RuleLevel>,
    /// What is asked of which code.
    pub policies: Policies,
    /// Rows for the project's own wrappers, in the schema of `rules/apis`.
    pub apis: Option<Table>,
}

/// Policies by place. What says more wins: a function before its type, that before its module, that before its path; of several
/// patterns of one kind, the one with most letters.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// For all code.
    pub default: Option<Policy>,
    /// By file or folder.
    pub paths: Vec<(PathPattern, Policy)>,
    /// By module, with all that is in it.
    pub modules: Vec<(NamePattern, Policy)>,
    /// By type or trait whose method a function is.
    pub types: Vec<(NamePattern, Policy)>,
    /// By function.
    pub functions: Vec<(NamePattern, Policy)>,
}

/// A pattern for paths, relative to a folder. A folder that fits takes all in it along.
#[derive(Debug, Clone)]
pub struct PathPattern(GlobMatcher);

/// A pattern for qualified names (`Store::save`, `cache::*`), which fits a name that ends so.
#[derive(Debug, Clone)]
pub struct NamePattern(GlobMatcher);

/// A function, as policies tell functions apart.
#[derive(Debug, Clone, Copy)]
pub struct Code<'a> {
    /// Its qualified name.
    pub name: &'a str,
    /// The type whose method it is.
    pub owner: Option<&'a str>,
    /// The trait (interface) whose method it is.
    pub interface: Option<&'a str>,
}

impl Config {
    /// What the program runs on.
    pub fn platform(&self) -> Platform {
        self.platform.or_else(|| self.scopes.iter().find_map(|scope| scope.platform)).unwrap_or_default()
    }

    /// The settings for the file at `path`.
    pub fn at(&self, path: &Path) -> Settings<'_> {
        if self.scopes.is_empty() {
            return Settings { config: self, scopes: Vec::new() };
        }
        let path = discover::canonical(path);
        let inside = |scope: &'_ Scope| path.strip_prefix(&scope.folder).ok().map(Path::to_path_buf);
        let scopes = self.scopes.iter().rev().filter_map(|scope| Some((scope, inside(scope)?))).collect();
        Settings { config: self, scopes }
    }

    /// Whether some files are not to be read.
    pub fn excludes_any(&self) -> bool {
        self.scopes.iter().any(|scope| !scope.exclude.is_empty())
    }
}

/// The settings for one file.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    config: &'a Config,
    /// The scopes the file is in, innermost first, with its path in the scope's folder.
    scopes: Vec<(&'a Scope, PathBuf)>,
}

impl Settings<'_> {
    fn first<T>(&self, own: Option<T>, get: impl Fn(&Scope, &Path) -> Option<T>) -> Option<T> {
        own.or_else(|| self.scopes.iter().find_map(|(scope, path)| get(scope, path)))
    }

    /// Whether the file is not to be read.
    pub fn excluded(&self) -> bool {
        self.scopes.iter().any(|(scope, path)| scope.exclude.iter().any(|pattern| pattern.fits(path)))
    }

    /// The level at which findings of `rule` are reported that are `own` by themselves; `None`: not at all.
    pub fn level(&self, rule: &str, own: Level) -> Option<Level> {
        let set = self.first(self.config.levels.get(rule).copied(), |scope, _| scope.levels.get(rule).copied());
        match set {
            None => Some(own),
            Some(RuleLevel::Off) => None,
            Some(RuleLevel::At(level)) => Some(level),
        }
    }

    /// Whether findings of this level and confidence are asked for, [`Config::output_all`] aside.
    pub fn wants(&self, level: Level, confidence: Confidence) -> bool {
        let min_level = self.first(self.config.min_level, |scope, _| scope.min_level).unwrap_or(Level::Warning);
        let least = self.first(self.config.min_confidence, |scope, _| scope.min_confidence);
        level >= min_level && confidence >= least.unwrap_or(Confidence::Medium)
    }

    /// The policy that somebody set for a function in this file; `None`: as the code itself shows its intent.
    pub fn policy(&self, code: Code<'_>) -> Option<Policy> {
        self.first(self.config.policy, |scope, path| scope.policies.policy(path, code))
    }
}

impl Policies {
    /// The policy for `code` in the file at `path`, relative to the folder of the configuration file.
    fn policy(&self, path: &Path, code: Code<'_>) -> Option<Policy> {
        let name = own_name(code.name);
        let of = |list: &[(NamePattern, Policy)], fits: &dyn Fn(&NamePattern) -> bool| {
            list.iter().find(|(pattern, _)| fits(pattern)).map(|(_, policy)| *policy)
        };
        let types = || [code.owner, code.interface].into_iter().flatten();
        of(&self.functions, &|pattern| pattern.fits(name))
            .or_else(|| of(&self.types, &|pattern| types().any(|owner| pattern.fits(owner))))
            .or_else(|| of(&self.modules, &|pattern| modules(name).any(|module| pattern.fits(module))))
            .or_else(|| self.paths.iter().find(|(pattern, _)| pattern.fits(path)).map(|(_, policy)| *policy))
            .or(self.default)
    }
}

/// A function's name without what marks a closure in it.
fn own_name(name: &str) -> &str {
    name.find("::{").map_or(name, |at| &name[..at])
}

/// What a function is in, from the inside out: `a::b` and `a` for `a::b::f`.
fn modules(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(name.rsplit_once("::"), |(outer, _)| outer.rsplit_once("::")).map(|(outer, _)| outer)
}

impl PathPattern {
    /// Reads a pattern; says in words what is wrong with it.
    pub fn new(pattern: &str) -> Result<PathPattern, String> {
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern).trim_end_matches('/');
        if pattern.is_empty() {
            return Err("fits no path: it is empty".into());
        }
        if pattern.starts_with('/') || pattern.split('/').any(|part| part == "..") {
            return Err("fits no path: paths are relative to the folder of this file, and below it".into());
        }
        matcher(pattern).map(PathPattern)
    }

    fn fits(&self, path: &Path) -> bool {
        path.ancestors().take_while(|path| !path.as_os_str().is_empty()).any(|path| self.0.is_match(path))
    }
}

impl NamePattern {
    /// Reads a pattern; says in words what is wrong with it.
    pub fn new(pattern: &str) -> Result<NamePattern, String> {
        let parts: Vec<&str> = pattern.split("::").collect();
        let odd = |letter: char| !(letter.is_alphanumeric() || "_*?[]!{},-".contains(letter));
        if let Some(odd) = parts.iter().find_map(|part| part.chars().find(|letter| odd(*letter))) {
            return Err(format!("fits no name: names have no `{odd}`"));
        }
        if parts.iter().any(|part| part.is_empty()) {
            return Err("fits no name: a part of it is empty".into());
        }
        matcher(&format!("**/{}", parts.join("/"))).map(NamePattern)
    }

    fn fits(&self, name: &str) -> bool {
        self.0.is_match(name.replace("::", "/"))
    }
}

/// A pattern whose `*` and `?` stay within one part.
fn matcher(pattern: &str) -> Result<GlobMatcher, String> {
    let glob = globset::GlobBuilder::new(pattern).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| error.kind().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(pattern: &str, path: &str) -> bool {
        PathPattern::new(pattern).unwrap().fits(Path::new(path))
    }

    fn name(pattern: &str, name: &str) -> bool {
        NamePattern::new(pattern).unwrap().fits(name)
    }

    #[test]
    fn paths() {
        assert!(path("src/cache", "src/cache/disk.rs"));
        assert!(path("src/cache/", "src/cache/disk.rs"));
        assert!(path("src/*/disk.rs", "src/cache/disk.rs"));
        assert!(path("**/generated", "a/b/generated/c/d.rs"));
        assert!(!path("src/*", "lib.rs"));
        assert!(!path("cache", "src/cache/disk.rs"));
        assert!(PathPattern::new("src/[a").is_err());
        assert!(PathPattern::new("../other").unwrap_err().contains("relative"));
        assert!(PathPattern::new("").is_err());
    }

    #[test]
    fn names() {
        assert!(name("Store::save", "app::store::Store::save"));
        assert!(name("Store", "app::store::Store"));
        assert!(name("save_*", "app::Store::save_all"));
        assert!(!name("save", "app::Store::save_all"));
        assert!(!name("save", "app::Store::unsave"));
        assert!(!name("Store::*", "app::Store::inner::save"));
        assert!(NamePattern::new("a::").is_err());
        assert!(NamePattern::new("a b").unwrap_err().contains('`'));
    }

    #[test]
    fn what_says_more_wins() {
        let list = |pattern: &str, policy| vec![(NamePattern::new(pattern).unwrap(), policy)];
        let mut policies = Policies {
            default: Some(Policy::Atomic),
            paths: vec![(PathPattern::new("src/store").unwrap(), Policy::Durable)],
            modules: list("store", Policy::None),
            types: list("Store", Policy::Durable),
            functions: list("Store::hint", Policy::None),
        };
        let method = |name| Code { name, owner: Some("app::store::Store"), interface: None };
        let free = |name| Code { name, owner: None, interface: None };
        let store = Path::new("src/store/mod.rs");
        assert_eq!(policies.policy(store, method("app::store::Store::hint")), Some(Policy::None));
        assert_eq!(policies.policy(store, method("app::store::Store::hint::{closure}")), Some(Policy::None));
        assert_eq!(policies.policy(store, method("app::store::Store::save")), Some(Policy::Durable));
        assert_eq!(policies.policy(store, free("app::store::inner::sweep")), Some(Policy::None));
        policies.modules.clear();
        assert_eq!(policies.policy(store, free("app::store::inner::sweep")), Some(Policy::Durable));
        assert_eq!(policies.policy(Path::new("src/lib.rs"), free("app::run")), Some(Policy::Atomic));
    }
}
