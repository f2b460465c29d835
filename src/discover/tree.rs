//! Walks a folder for source files and manifests. Written out rather than taken from a crate because what is skipped depends on
//! what else lies in a folder, and each folder is listed once.

use super::{CONFIG_NAME, Problem, in_words, on_disk};
use rustc_hash::FxHashSet;
use std::path::{Path, PathBuf};

/// What lies below a folder.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// The `.rs` files, sorted.
    pub files: Vec<PathBuf>,
    /// Folders with a `Cargo.toml`, outer ones first.
    pub manifests: Vec<PathBuf>,
    /// Folders with a file of settings.
    pub configs: Vec<PathBuf>,
    /// What could not be listed.
    pub problems: Vec<Problem>,
    root: PathBuf,
    /// Folders that were looked into.
    walked: FxHashSet<PathBuf>,
    /// Targets of links to folders that were followed: each once, so that no tangle of links is endless.
    followed: FxHashSet<PathBuf>,
}

/// Kinds of entries that matter.
struct Listing {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    links: Vec<PathBuf>,
    has_manifest: bool,
    has_config: bool,
    /// A cache or a vendored dependency: not the user's own code.
    foreign: bool,
}

impl Tree {
    /// Walks `root`; with `one_package`, not into folders that have a manifest of their own.
    pub fn walk(root: &Path, one_package: bool) -> Tree {
        let mut tree = Tree { root: root.to_path_buf(), ..Tree::default() };
        tree.descend(root, one_package);
        tree
    }

    /// Walks one more folder, outside of the root.
    pub fn extend(&mut self, folder: &Path) {
        self.descend(folder, false);
    }

    fn descend(&mut self, top: &Path, one_package: bool) {
        let mut folders = vec![top.to_path_buf()];
        while let Some(folder) = folders.pop() {
            let listing = match list(&folder) {
                Ok(listing) => listing,
                Err(error) => {
                    let message = format!("folder cannot be listed: {}", in_words(&error));
                    self.problems.push(Problem { path: on_disk(&folder).to_path_buf(), line: 1, message });
                    continue;
                }
            };
            if folder != top && (listing.foreign || one_package && listing.has_manifest) {
                continue;
            }
            self.walked.insert(folder.clone());
            if listing.has_manifest && !self.manifests.contains(&folder) {
                self.manifests.push(folder.clone());
            }
            if listing.has_config && !self.configs.contains(&folder) {
                self.configs.push(folder.clone());
            }
            self.files.extend(listing.files);
            // A `target` beside a manifest is build output; elsewhere it is a module like any other.
            let is_output = |path: &Path| listing.has_manifest && path.file_name().is_some_and(|name| name == "target");
            folders.extend(listing.folders.into_iter().filter(|path| !is_output(path)).rev());
            for link in listing.links {
                self.follow(link, &mut folders);
            }
        }
        self.files.sort();
        self.files.dedup();
    }

    /// Adds a file that is not on the disk, unless it would lie where nobody looks.
    pub fn insert(&mut self, file: &Path) {
        let seen =
            file.ancestors().skip(1).find(|folder| folder.is_dir()).is_some_and(|folder| self.walked.contains(folder));
        let is_source = file.extension().is_some_and(|extension| extension == "rs");
        if let Err(at) = self.files.binary_search_by(|other| other.as_path().cmp(file))
            && seen
            && is_source
        {
            self.files.insert(at, file.to_path_buf());
        }
    }

    fn follow(&mut self, link: PathBuf, folders: &mut Vec<PathBuf>) {
        let is_source = link.extension().is_some_and(|extension| extension == "rs");
        let Ok(about) = std::fs::metadata(&link) else {
            if is_source {
                let message = "is a symbolic link that leads nowhere".into();
                self.problems.push(Problem { path: link, line: 1, message });
            }
            return;
        };
        if about.is_file() && is_source {
            self.files.push(link);
        } else if about.is_dir() && self.worth_following(&link) {
            folders.push(link);
        }
    }

    /// Not into a loop, not to where another link led, and not to a folder that is walked under its own name, unless the link
    /// stands among sources: there it is a module.
    fn worth_following(&mut self, link: &Path) -> bool {
        let Ok(target) = std::fs::canonicalize(link) else { return false };
        let Ok(parent) = std::fs::canonicalize(on_disk(link.parent().unwrap_or(Path::new("")))) else { return false };
        let Ok(root) = std::fs::canonicalize(on_disk(&self.root)) else { return false };
        if parent.starts_with(&target) {
            return false;
        }
        let among_sources = link.strip_prefix(&self.root).unwrap_or(link).iter().any(|part| part == "src");
        (among_sources || !target.starts_with(&root)) && self.followed.insert(target)
    }
}

fn list(folder: &Path) -> std::io::Result<Listing> {
    let mut listing = Listing {
        files: Vec::new(),
        folders: Vec::new(),
        links: Vec::new(),
        has_manifest: false,
        has_config: false,
        foreign: false,
    };
    for entry in std::fs::read_dir(on_disk(folder))? {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        match name.to_str() {
            Some("Cargo.toml") => listing.has_manifest |= !kind.is_dir(),
            Some(CONFIG_NAME) => listing.has_config = true,
            Some("CACHEDIR.TAG" | ".cargo-checksum.json") => listing.foreign = true,
            Some("node_modules") => {}
            _ if name.as_encoded_bytes().starts_with(b".") => {}
            _ if kind.is_dir() => listing.folders.push(folder.join(name)),
            _ if kind.is_symlink() => listing.links.push(folder.join(name)),
            _ if kind.is_file() && name.as_encoded_bytes().ends_with(b".rs") => listing.files.push(folder.join(name)),
            _ => {}
        }
    }
    listing.folders.sort();
    listing.links.sort();
    Ok(listing)
}
