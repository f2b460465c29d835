//! What `--version` says: the version, and the commit that was built, as far as that is known.

/// The commit that whoever built this named, as a workflow without a repository does.
const NAMED: Option<&str> = option_env!("FSYNCLINT_COMMIT");

/// The commit of the repository that the sources lie in; empty if they lie in none.
const FOUND: &str =
    git_version::git_version!(args = ["--always", "--dirty=-modified", "--abbrev=12", "--exclude=*"], fallback = "");

/// `0.1.0 (3be683f8a1b2)`. A published package is told by its version; a repository around it is somebody else's.
pub(super) fn text() -> String {
    let published = env!("CARGO_MANIFEST_DIR").contains("registry");
    let commit = match NAMED {
        Some(named) if !named.is_empty() => named,
        _ if published => "published",
        _ if FOUND.is_empty() => "commit unknown",
        _ => FOUND,
    };
    format!("{} ({commit})", env!("CARGO_PKG_VERSION"))
}
