//! The rules by id: what the command line, the documentation and the tests know of them.

use crate::finding::Level;

/// A rule as users meet it. The page's front matter says the same, which a test holds.
#[derive(Debug, Clone, Copy)]
pub struct RuleInfo {
    /// Its id, which names the fault.
    pub id: &'static str,
    /// The fault in a few words.
    pub title: &'static str,
    /// How bad it is, unless configured otherwise.
    pub level: Level,
    /// Which obligation it is an instance of.
    pub obligation: &'static str,
    /// Its page, `rules/<id>.md`.
    pub page: &'static str,
}

/// The rule called `id`.
pub fn find(id: &str) -> Option<&'static RuleInfo> {
    RULES.iter().find(|rule| rule.id == id)
}

/// All rules, grouped by obligation.
pub const RULES: &[RuleInfo] = &[
    RuleInfo { id: "rename-before-sync", title: "", level: Level::Error, obligation: "publish", page: "" },
    RuleInfo { id: "rename-before-flush", title: "", level: Level::Error, obligation: "publish", page: "" },
    RuleInfo { id: "rename-without-dir-sync", title: "", level: Level::Warning, obligation: "name", page: "" },
    RuleInfo { id: "create-without-dir-sync", title: "", level: Level::Warning, obligation: "name", page: "" },
    RuleInfo { id: "delete-before-sync", title: "", level: Level::Error, obligation: "destroy", page: "" },
    RuleInfo { id: "truncate-before-sync", title: "", level: Level::Error, obligation: "destroy", page: "" },
    RuleInfo { id: "sync-before-flush", title: "", level: Level::Error, obligation: "order", page: "" },
    RuleInfo { id: "flush-is-not-sync", title: "", level: Level::Warning, obligation: "acknowledge", page: "" },
    RuleInfo { id: "ack-before-sync", title: "", level: Level::Error, obligation: "acknowledge", page: "" },
];
