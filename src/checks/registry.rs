//! The rules by id: what the command line, the documentation and the tests know of them.

use crate::config::Policy;
use crate::finding::Level;

/// A rule as users meet it. The front matter of its page says the same, which a test holds.
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
    /// The weakest policy that asks for it.
    pub policy: Policy,
    /// Its page, `rules/<id>.md`.
    pub page: &'static str,
}

/// The rule called `id`.
pub fn find(id: &str) -> Option<&'static RuleInfo> {
    RULES.iter().find(|rule| rule.id == id)
}

/// All rules, grouped by obligation.
pub const RULES: &[RuleInfo] = &[
    RuleInfo {
        id: "rename-before-sync",
        title: "a file is renamed into place before its content is durable",
        level: Level::Error,
        obligation: "publish",
        policy: Policy::Atomic,
        page: include_str!("../../rules/rename-before-sync.md"),
    },
    RuleInfo {
        id: "rename-before-flush",
        title: "a file is renamed into place while part of it is still in a user-space buffer",
        level: Level::Error,
        obligation: "publish",
        policy: Policy::Atomic,
        page: include_str!("../../rules/rename-before-flush.md"),
    },
    RuleInfo {
        id: "rename-without-dir-sync",
        title: "a synced file is renamed into place and its directory is never synced",
        level: Level::Warning,
        obligation: "name",
        policy: Policy::Durable,
        page: include_str!("../../rules/rename-without-dir-sync.md"),
    },
    RuleInfo {
        id: "create-without-dir-sync",
        title: "a new file is filled and synced and its directory is never synced",
        level: Level::Warning,
        obligation: "name",
        policy: Policy::Durable,
        page: include_str!("../../rules/create-without-dir-sync.md"),
    },
    RuleInfo {
        id: "delete-without-dir-sync",
        title: "a published file is removed and its directory is never synced",
        level: Level::Warning,
        obligation: "name",
        policy: Policy::Durable,
        page: include_str!("../../rules/delete-without-dir-sync.md"),
    },
    RuleInfo {
        id: "delete-before-sync",
        title: "the last durable copy is deleted before its successor is durable",
        level: Level::Error,
        obligation: "destroy",
        policy: Policy::Atomic,
        page: include_str!("../../rules/delete-before-sync.md"),
    },
    RuleInfo {
        id: "truncate-before-sync",
        title: "a log is cut to nothing before what it protects is durable",
        level: Level::Error,
        obligation: "destroy",
        policy: Policy::Atomic,
        page: include_str!("../../rules/truncate-before-sync.md"),
    },
    RuleInfo {
        id: "sync-before-flush",
        title: "a file is synced while bytes for it are still in a user-space buffer",
        level: Level::Error,
        obligation: "order",
        policy: Policy::Atomic,
        page: include_str!("../../rules/sync-before-flush.md"),
    },
    RuleInfo {
        id: "overwrite-in-place",
        title: "a live file is cut and filled again in place",
        level: Level::Warning,
        obligation: "atomic",
        policy: Policy::Atomic,
        page: include_str!("../../rules/overwrite-in-place.md"),
    },
    RuleInfo {
        id: "flush-is-not-sync",
        title: "a flush is taken for a sync",
        level: Level::Warning,
        obligation: "acknowledge",
        policy: Policy::Durable,
        page: include_str!("../../rules/flush-is-not-sync.md"),
    },
    RuleInfo {
        id: "async-file-dropped",
        title: "an async file is dropped while its last write is still on its way",
        level: Level::Warning,
        obligation: "acknowledge",
        policy: Policy::Atomic,
        page: include_str!("../../rules/async-file-dropped.md"),
    },
    RuleInfo {
        id: "ack-before-sync",
        title: "success is returned while the written bytes are still pending",
        level: Level::Warning,
        obligation: "acknowledge",
        policy: Policy::Durable,
        page: include_str!("../../rules/ack-before-sync.md"),
    },
    RuleInfo {
        id: "sync-error-ignored",
        title: "a failed sync is taken for a success",
        level: Level::Warning,
        obligation: "error",
        policy: Policy::Atomic,
        page: include_str!("../../rules/sync-error-ignored.md"),
    },
    RuleInfo {
        id: "unused-allow",
        title: "something is allowed that is not found",
        level: Level::Warning,
        obligation: "allow",
        policy: Policy::None,
        page: include_str!("../../rules/unused-allow.md"),
    },
    RuleInfo {
        id: "unknown-allow",
        title: "an allow names no rule, or cannot be read",
        level: Level::Warning,
        obligation: "allow",
        policy: Policy::None,
        page: include_str!("../../rules/unknown-allow.md"),
    },
    RuleInfo {
        id: "allow-without-reason",
        title: "an allow does not say why",
        level: Level::Warning,
        obligation: "allow",
        policy: Policy::None,
        page: include_str!("../../rules/allow-without-reason.md"),
    },
];
