//! What a run is asked to do: plain data with defaults. The command line fills it in; a configuration file will.

use crate::finding::{Confidence, Level};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// All settings of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Also tests, benches, examples and build scripts.
    pub include_tests: bool,
    /// What the program runs on.
    pub platform: Platform,
    /// Everything, whatever its level and confidence, policies ignored.
    pub output_all: bool,
    /// Findings below are not reported.
    pub min_level: Level,
    /// Findings below are not reported.
    pub min_confidence: Confidence,
    /// The policy for all code; `None`: as the code itself shows its intent.
    pub policy: Option<Policy>,
    /// Levels of single rules, by id.
    pub levels: BTreeMap<String, RuleLevel>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            include_tests: false,
            platform: Platform::default(),
            output_all: false,
            min_level: Level::Warning,
            min_confidence: Confidence::Medium,
            policy: None,
            levels: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Whether a finding of this rule, level and confidence is to be shown.
    pub fn shows(&self, level: Level, confidence: Confidence) -> bool {
        self.output_all || level >= self.min_level && confidence >= self.min_confidence
    }

    /// The level at which findings of `rule` are reported that are `own` by themselves; `None`: not at all.
    pub fn level(&self, rule: &str, own: Level) -> Option<Level> {
        match self.levels.get(rule) {
            None => Some(own),
            Some(RuleLevel::Off) => None,
            Some(RuleLevel::At(level)) => Some(*level),
        }
    }
}
