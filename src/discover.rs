//! Finds what to analyse: packages and their source files. The only reader of the user's files.
//!
//! Manifests are read directly rather than through `cargo metadata`: that costs a process and 100 ms and more, refuses a
//! whole workspace for one broken member, and cannot read a tree of which only a part was exported. `tests/discover.rs`
//! holds the two against each other. Nothing here follows a `mod`: which of the files found belong together is the
//! front end's to say.

mod manifest;
mod tree;

use manifest::Manifest;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tree::Tree;

/// Everything that was found below the paths the user gave.
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    /// The packages: those of readable manifests first, then one for each folder or file that belongs to none.
    pub packages: Vec<SourcePackage>,
    /// What could not be read or understood; everything else is analysed all the same.
    pub problems: Vec<Problem>,
    /// Files (as shown) that are read only because what was given cannot be understood without them. A fault in them is reported only
    /// if its story leads through what was given.
    pub context: BTreeSet<PathBuf>,
    /// Files that hold settings for what was found, outer folders first.
    pub configs: Vec<ConfigFile>,
}

/// A file with settings: a `fsynclint.toml`, or a manifest that speaks of this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Where it is, as the user is told.
    pub path: PathBuf,
    /// The folder that its settings hold for, canonical.
    pub folder: PathBuf,
}

/// The name of the file with settings.
pub const CONFIG_NAME: &str = "fsynclint.toml";

/// What [`discover`] takes in.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiscoverOptions {
    /// Also tests, benches, examples and build scripts.
    pub include_tests: bool,
    /// The files that are given are those that changed: one that a run on its package would not read is passed over.
    pub changes: bool,
}

/// One package.
#[derive(Debug, Clone, Default)]
pub struct SourcePackage {
    /// Its name as in the manifest, or the folder's or file's name where there is none.
    pub name: String,
    /// Entry files of its library and programs with what kind they are. Empty if there is no (readable) manifest: then each
    /// `lib.rs`, `main.rs` or file that no other file declares as a module is an entry.
    pub entries: Vec<Entry>,
    /// Names under which its code knows other packages of the workspace: (name in code, package name). `-` is `_` in the first.
    pub dependencies: Vec<(String, String)>,
    /// It is of edition 2015: paths in `use`, and those that begin with `::`, start at the root of a crate.
    pub edition_2015: bool,
    /// All its source files, absolute or as given, sorted; tests, benches, examples and build scripts only if asked for.
    pub files: Vec<FoundFile>,
}

/// A source file that was found, not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it is.
    pub path: PathBuf,
    /// How the user is told of it: as given on the command line, or relative to what was given.
    pub shown: PathBuf,
}

/// An entry file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file.
    pub path: PathBuf,
    /// The name its root module has in code (`my_crate`).
    pub name: String,
    /// A library can be called from outside; a program cannot.
    pub library: bool,
}

/// Something that could not be read, parsed or understood, told to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file or folder.
    pub path: PathBuf,
    /// 1-based line, 1 where none is known.
    pub line: usize,
    /// What is wrong, lower case, no trailing stop.
    pub message: String,
}

/// Largest file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 8 << 20;

/// Gives the texts of files: from the disk, or from an editor's unsaved buffers.
pub trait Texts: Sync {
    /// The text of `path`. Errors say in words what is wrong (unreadable, too large, not UTF-8).
    fn read(&self, path: &Path) -> Result<Arc<str>, Problem>;

    /// Whether somebody still waits for what is made of the texts. If not, work on them may end early with any result.
    fn wanted(&self) -> bool {
        true
    }
}

/// Texts as they are on the disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiskTexts;

impl Texts for DiskTexts {
    fn read(&self, path: &Path) -> Result<Arc<str>, Problem> {
        let problem = |line, message| Problem { path: path.to_path_buf(), line, message };
        let bytes = read_bytes(path).map_err(|message| problem(1, message))?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
                Err(problem(line, format!("is not UTF-8 (byte 0x{:02x})", error.as_bytes()[at])))
            }
        }
    }
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {}", in_words(&error));
    // Asked before opening: to open a named pipe would wait for its writer.
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err("is not a regular file".into());
    }
    if about.len() > MAX_FILE_BYTES {
        return Err(too_large(about.len()));
    }
    let mut bytes = Vec::with_capacity(about.len() as usize);
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

pub(crate) fn too_large(bytes: u64) -> String {
    format!("is {} MiB large: files above {} MiB are not read", bytes.div_ceil(1 << 20), MAX_FILE_BYTES >> 20)
}

/// An error's own words, without "(os error 13)".
fn in_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// The paths that do not exist: a mistake in what was asked, not in what was found.
pub fn missing(paths: &[PathBuf]) -> Vec<&PathBuf> {
    paths.iter().filter(|path| std::fs::symlink_metadata(path).is_err()).collect()
}

/// `path` by its one true name: absolute, and without links as far as it is on the disk.
pub fn canonical(path: &Path) -> PathBuf {
    let path = std::path::absolute(on_disk(path)).unwrap_or_else(|_| path.to_path_buf());
    for above in path.ancestors() {
        if let (Ok(real), Ok(inside)) = (std::fs::canonicalize(above), path.strip_prefix(above)) {
            return lexical(&real.join(inside));
        }
    }
    path
}

/// Finds the packages and source files below `paths`. A path inside a package brings the rest of its workspace along as
/// [`Workspace::context`].
pub fn discover(paths: &[PathBuf], options: &DiscoverOptions) -> Workspace {
    discover_with(paths, options, &[])
}

/// [`discover`], as if the files `unsaved` were on the disk: an editor has their text, and their folder may be missing as well.
/// `unsaved` and `paths` are absolute.
pub fn discover_with(paths: &[PathBuf], options: &DiscoverOptions, unsaved: &[PathBuf]) -> Workspace {
    let mut search = Search { unsaved: unsaved.to_vec(), ..Search::default() };
    let mut roots: Vec<Root> = paths.iter().flat_map(|path| search.roots(path, options)).collect();
    // Whole trees before single packages, outer before inner: the first to claim a package has all of it. What is there for context
    // alone comes last: a package that was given is told of by the name it was given by.
    roots.sort_by_cached_key(|root| {
        (root.for_context, root.one_package, root.canonical.components().count(), root.canonical.clone())
    });
    roots.dedup_by(|a, b| {
        let key = |root: &Root| (root.for_context, root.one_package, root.include_tests);
        key(a) == key(b) && a.canonical == b.canonical
    });
    for root in &roots {
        search.add_tree(root);
    }
    for (given, canonical) in std::mem::take(&mut search.given_files) {
        search.add_single_file(given, canonical);
    }
    search.finish()
}

/// A folder to look through.
struct Root {
    /// As the user knows it; empty for the current folder.
    shown: PathBuf,
    canonical: PathBuf,
    /// Only the package whose folder this is: it was found from a path inside it.
    one_package: bool,
    /// The workspace of a package that was found so.
    for_context: bool,
    include_tests: bool,
}

/// A discovery under way.
#[derive(Default)]
struct Search {
    workspace: Workspace,
    /// What was given, canonical: files below these are reported.
    given: Vec<PathBuf>,
    /// Single files that were given: shown and canonical.
    given_files: Vec<(PathBuf, PathBuf)>,
    /// Canonical paths of files that have their package.
    claimed: FxHashSet<PathBuf>,
    /// Canonical folders of packages that are done.
    packages: FxHashSet<PathBuf>,
    /// For each package made: what its manifest says of its dependencies, and which folder that is relative to.
    pending: Vec<PendingDependencies>,
    /// Folder (canonical) of each package with a manifest: its name, and the name of its library.
    by_folder: FxHashMap<PathBuf, (String, String)>,
    roots: manifest::Roots,
    /// Canonical folders that were asked for settings.
    configured: FxHashSet<PathBuf>,
    /// Settings in the trees that were walked: they count if a file is read that they are for.
    nested_configs: Vec<ConfigFile>,
    /// Files that only an editor has.
    unsaved: Vec<PathBuf>,
}

struct PendingDependencies {
    package: usize,
    found: Vec<manifest::Resolved>,
}

impl Search {
    /// Where to look for `path`: the folder itself; or the workspace of the package which it is a part of, and that package.
    fn roots(&mut self, path: &Path, options: &DiscoverOptions) -> Vec<Root> {
        let mut shown = tidy(path);
        if shown.file_name().is_some_and(|name| name == "Cargo.toml") {
            shown.pop();
        }
        let about = std::fs::metadata(on_disk(&shown));
        let found = about.and_then(|about| Ok((about.is_dir(), std::fs::canonicalize(on_disk(&shown))?)));
        let (is_dir, canonical) = match found {
            Ok(both) => both,
            Err(_) if self.unsaved.contains(&shown) => (false, canonical(&shown)),
            Err(error) => {
                self.problem(&shown, 1, format!("cannot be read: {}", in_words(&error)));
                return Vec::new();
            }
        };
        if !is_dir && shown.extension().is_none_or(|extension| extension != "rs") {
            self.problem(&shown, 1, "is not a Rust source file".into());
            return Vec::new();
        }
        if options.changes && !options.include_tests && !is_dir && lies_among_tests(&shown, &canonical) {
            return Vec::new();
        }
        self.given.push(canonical.clone());
        self.configs_above(&shown, &canonical, is_dir);
        let root = |shown, canonical, one_package| Root {
            shown,
            canonical,
            one_package,
            for_context: false,
            include_tests: options.include_tests,
        };
        let package = enclosing_package(&shown, &canonical);
        if !is_dir {
            if !options.changes || package.is_none() {
                self.given_files.push((shown.clone(), canonical.clone()));
            }
        } else if canonical.join("Cargo.toml").is_file() {
            return vec![root(shown, canonical, false)];
        }
        match package {
            // The rest of the workspace calls it, and is called; tests are the package's own.
            Some((shown, canonical, false)) => {
                let workspace = enclosing_workspace(&shown, &canonical);
                let workspace =
                    workspace.map(|(shown, canonical)| Root { for_context: true, ..root(shown, canonical, false) });
                workspace.into_iter().chain([root(shown, canonical, true)]).collect()
            }
            Some((shown, canonical, true)) => vec![Root { include_tests: true, ..root(shown, canonical, true) }],
            None if is_dir => vec![root(shown, canonical, false)],
            None => Vec::new(),
        }
    }

    /// Looks for settings in the folder of what was given and in those above it, up to the root of the repository.
    fn configs_above(&mut self, given: &Path, canonical: &Path, is_folder: bool) {
        let mut shown = given.to_path_buf();
        for (at, folder) in canonical.ancestors().enumerate() {
            if at > 0 {
                shown = parent_shown(&shown);
            } else if !is_folder {
                continue;
            }
            if self.configured.contains(folder) {
                return;
            }
            let speaks = |path: &Path| read_bytes(path).is_ok_and(|bytes| has(&bytes, b"fsynclint"));
            if folder.join("Cargo.toml").is_file() && speaks(&folder.join("Cargo.toml")) {
                self.config(&shown, folder, "Cargo.toml");
            }
            // Whatever has the name is meant for settings: what it is instead of a file is told when it is read.
            if std::fs::symlink_metadata(folder.join(CONFIG_NAME)).is_ok() {
                self.config(&shown, folder, CONFIG_NAME);
            }
            self.configured.insert(folder.to_path_buf());
            if folder.join(".git").exists() {
                return;
            }
        }
    }

    fn config(&mut self, shown: &Path, folder: &Path, name: &str) {
        self.workspace.configs.push(ConfigFile { path: shown.join(name), folder: folder.to_path_buf() });
    }

    /// Settings that lie in the tree of `root`.
    fn configs_below(&mut self, root: &Root, tree: &Tree, manifests: &[Manifest]) {
        let speaking =
            manifests.iter().filter(|manifest| manifest.has_settings).map(|manifest| (&manifest.folder, "Cargo.toml"));
        let found: Vec<_> = speaking.chain(tree.configs.iter().map(|folder| (folder, CONFIG_NAME))).collect();
        let mut done = FxHashSet::default();
        for (shown, name) in found {
            let folder = canonical_of(root, shown);
            if !self.configured.contains(&folder) {
                self.nested_configs.push(ConfigFile { path: shown.join(name), folder: folder.clone() });
                done.insert(folder);
            }
        }
        self.configured.extend(done);
    }

    /// Makes the packages of one tree.
    fn add_tree(&mut self, root: &Root) {
        let mut tree = Tree::walk(&root.shown, root.one_package);
        for file in &self.unsaved {
            tree.insert(file);
        }
        let mut manifests = self.read_manifests(&mut tree);
        if root.one_package {
            manifests.retain(|manifest| manifest.folder == root.shown);
        }
        self.configs_below(root, &tree, &manifests);
        self.workspace.problems.append(&mut tree.problems);
        let owners = manifest::owners(&manifests, root.include_tests);
        let mut loose = Vec::new();
        let mut owned: Vec<Vec<PathBuf>> = vec![Vec::new(); manifests.len()];
        for file in tree.files {
            match owners.of(&file) {
                manifest::Owner::Manifest(at) => owned[at].push(file),
                manifest::Owner::Nobody => loose.push(file),
                manifest::Owner::LeftOut => {}
            }
        }
        for (manifest, files) in manifests.iter().zip(owned) {
            if manifest.is_package() && !owners.left_out(&manifest.folder) {
                self.add_package(root, manifest, &manifests, files);
            }
        }
        self.add_loose(root, loose);
    }

    /// Reads the manifests of `tree`, and walks to members that lie outside of it.
    fn read_manifests(&mut self, tree: &mut Tree) -> Vec<Manifest> {
        let mut manifests: Vec<Manifest> = Vec::new();
        let mut at = 0;
        while at < tree.manifests.len() {
            let folder = tree.manifests[at].clone();
            at += 1;
            let manifest = Manifest::read(&folder, &mut self.workspace.problems);
            for (member, line) in manifest.plain_members() {
                let folder = lexical(&folder.join(&member));
                if tree.manifests.contains(&folder) {
                    continue;
                }
                if on_disk(&folder).join("Cargo.toml").is_file() {
                    tree.extend(&folder);
                } else {
                    let message = format!("workspace member `{member}` has no Cargo.toml");
                    self.problem(&manifest.path(), line, message);
                }
            }
            manifests.push(manifest);
        }
        manifests
    }

    fn add_package(&mut self, root: &Root, manifest: &Manifest, all: &[Manifest], files: Vec<PathBuf>) {
        let canonical = canonical_of(root, &manifest.folder);
        if !self.packages.insert(canonical.clone()) {
            return;
        }
        let targets = manifest.targets(&files, root.include_tests, &mut self.workspace.problems);
        let files: Vec<PathBuf> = files.into_iter().filter(|file| targets.takes(file)).collect();
        let files = self.claim(root, files);
        if files.is_empty() {
            return;
        }
        let name = manifest.name();
        let library = targets.entries.iter().find(|entry| entry.library).map(|entry| entry.name.clone());
        self.by_folder.insert(canonical, (name.clone(), library.unwrap_or_else(|| name.replace('-', "_"))));
        let found = manifest.dependencies(all, &mut self.roots, root.include_tests, &mut self.workspace.problems);
        self.pending.push(PendingDependencies { package: self.workspace.packages.len(), found });
        let (entries, edition_2015) = (targets.entries, manifest.edition_2015);
        self.workspace.packages.push(SourcePackage { name, entries, dependencies: Vec::new(), edition_2015, files });
    }

    /// Packages for files that no manifest speaks of: one for each folder with `src/lib.rs` or `src/main.rs`, one for the rest.
    fn add_loose(&mut self, root: &Root, files: Vec<PathBuf>) {
        let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
        for file in &files {
            let source = file.parent().filter(|parent| parent.file_name().is_some_and(|name| name == "src"));
            if let (Some(source), Some("lib.rs" | "main.rs")) =
                (source, file.file_name().and_then(|name| name.to_str()))
            {
                folders.insert(source.parent().map(Path::to_path_buf).unwrap_or_default());
            }
        }
        let mut parts: FxHashMap<PathBuf, Vec<PathBuf>> = FxHashMap::default();
        for file in files {
            let folder = file.ancestors().skip(1).find(|folder| folders.contains(*folder));
            if let Some(folder) = folder
                && !root.include_tests
                && manifest::is_test_path(file.strip_prefix(folder).unwrap_or(&file))
            {
                continue;
            }
            parts.entry(folder.unwrap_or(&root.shown).to_path_buf()).or_default().push(file);
        }
        let mut parts: Vec<_> = parts.into_iter().collect();
        parts.sort();
        let names: Vec<String> = folders.iter().map(|folder| folder_name(folder)).collect();
        for (folder, files) in parts {
            let files = self.claim(root, files);
            if files.is_empty() {
                continue;
            }
            let name = folder_name(&folder);
            // Without manifests nobody says who knows whom: each may know all others, by their folders' names.
            let others = names.iter().filter(|other| **other != name);
            let dependencies = others.map(|other| (other.replace('-', "_"), other.clone())).collect();
            self.workspace.packages.push(SourcePackage {
                name,
                entries: Vec::new(),
                dependencies,
                edition_2015: false,
                files,
            });
        }
    }

    fn add_single_file(&mut self, shown: PathBuf, canonical: PathBuf) {
        if !self.claimed.insert(canonical) {
            return;
        }
        let name = shown.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let files = vec![FoundFile { path: shown.clone(), shown }];
        self.workspace.packages.push(SourcePackage { name, files, ..SourcePackage::default() });
    }

    /// Those of `files` that no other package has, noted as context if they are not below what was given.
    fn claim(&mut self, root: &Root, files: Vec<PathBuf>) -> Vec<FoundFile> {
        let mut found = Vec::new();
        for file in files {
            let canonical = canonical_of(root, &file);
            let reported = self.given.iter().any(|given| canonical.starts_with(given));
            if self.claimed.insert(canonical) {
                if !reported {
                    self.workspace.context.insert(file.clone());
                }
                found.push(FoundFile { path: file.clone(), shown: file });
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }

    fn problem(&mut self, path: &Path, line: usize, message: String) {
        self.workspace.problems.push(Problem { path: on_disk(path).to_path_buf(), line, message });
    }

    /// Names each package's dependencies, now that all packages are known.
    fn finish(mut self) -> Workspace {
        let by_name: FxHashMap<String, String> =
            self.by_folder.values().map(|(name, library)| (name.clone(), library.clone())).collect();
        for PendingDependencies { package, found } in std::mem::take(&mut self.pending) {
            let mut names = Vec::new();
            for dependency in found {
                let folder = dependency.folder.and_then(|folder| std::fs::canonicalize(on_disk(&folder)).ok());
                // A package of that name in the same tree is the same code, whichever version the manifest asks for.
                let target = match folder.and_then(|folder| self.by_folder.get(&folder).cloned()) {
                    Some(target) => Some(target),
                    None => {
                        by_name.get(&dependency.package).map(|library| (dependency.package.clone(), library.clone()))
                    }
                };
                if let Some((name, library)) = target {
                    names.push((if dependency.renamed { dependency.key.replace('-', "_") } else { library }, name));
                }
            }
            names.sort();
            names.dedup();
            self.workspace.packages[package].dependencies = names;
        }
        let read = |config: &ConfigFile| self.claimed.iter().any(|file| file.starts_with(&config.folder));
        self.workspace.configs.extend(self.nested_configs.into_iter().filter(read));
        self.workspace.configs.sort_by_key(|config| config.folder.components().count());
        // A problem that two roots meet is told once.
        let mut seen = FxHashSet::default();
        self.workspace
            .problems
            .retain(|problem| seen.insert((problem.path.clone(), problem.line, problem.message.clone())));
        self.workspace
    }
}

/// The package that `given`, itself without a manifest, is a part of: its folder as shown and canonical, and whether `given` is
/// among its tests. A manifest above that does not compile what was given is nobody's package.
fn enclosing_package(given: &Path, canonical: &Path) -> Option<(PathBuf, PathBuf, bool)> {
    let mut shown = given.to_path_buf();
    for above in canonical.ancestors().skip(1) {
        shown = parent_shown(&shown);
        if !above.join("Cargo.toml").is_file() {
            continue;
        }
        let manifest = Manifest::read(&shown, &mut Vec::new());
        let inside = canonical.strip_prefix(above).ok()?;
        let inner = shown.join(inside);
        if !manifest.is_package() {
            return None;
        }
        if manifest::is_test_path(inside) {
            return Some((shown, above.to_path_buf(), true));
        }
        let takes = manifest.source_folders().iter().any(|folder| inner.starts_with(folder));
        return takes.then(|| (shown, above.to_path_buf(), false));
    }
    None
}

/// Whether a file is part of the tests, benches, examples or build script of a package, be it as a part of another package there.
fn lies_among_tests(shown: &Path, canonical: &Path) -> bool {
    let mut shown = shown.to_path_buf();
    canonical.ancestors().skip(1).any(|above| {
        shown = parent_shown(&shown);
        above.join("Cargo.toml").is_file()
            && canonical.strip_prefix(above).is_ok_and(manifest::is_test_path)
            && Manifest::read(&shown, &mut Vec::new()).is_package()
    })
}

/// The workspace that the package in `folder` is in: its folder as shown and canonical.
fn enclosing_workspace(folder: &Path, canonical: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut shown = folder.to_path_buf();
    for (at, above) in canonical.ancestors().enumerate() {
        if at > 0 {
            shown = parent_shown(&shown);
        }
        if !above.join("Cargo.toml").is_file() {
            continue;
        }
        let manifest = Manifest::read(&shown, &mut Vec::new());
        if manifest.has_workspace {
            let inside = canonical.strip_prefix(above).ok()?;
            return (!manifest.excludes(&shown.join(inside))).then(|| (shown, above.to_path_buf()));
        }
    }
    None
}

/// The folder above, as shown: `src` is in the current folder, that one in `..`.
fn parent_shown(path: &Path) -> PathBuf {
    match path.components().next_back() {
        Some(std::path::Component::Normal(_)) => path.parent().map(Path::to_path_buf).unwrap_or_default(),
        _ => path.join(".."),
    }
}

/// `path` without `.` components: empty for the current folder.
fn tidy(path: &Path) -> PathBuf {
    path.components().filter(|component| *component != std::path::Component::CurDir).collect()
}

/// `path` with `a/..` taken out.
fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in tidy(path).components() {
        let pops = component == std::path::Component::ParentDir
            && matches!(out.components().next_back(), Some(std::path::Component::Normal(_)));
        if pops {
            out.pop();
        } else {
            out.push(component);
        }
    }
    out
}

/// `path` as the system takes it: the empty path is the current folder.
fn on_disk(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// The canonical path of something below `root`, without asking the disk for each.
fn canonical_of(root: &Root, shown: &Path) -> PathBuf {
    match shown.strip_prefix(&root.shown) {
        Ok(inside) => root.canonical.join(inside),
        Err(_) => std::fs::canonicalize(on_disk(shown)).unwrap_or_else(|_| shown.to_path_buf()),
    }
}

fn has(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// A name for a folder without a manifest.
fn folder_name(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    name.or_else(|| {
        let folder = std::fs::canonicalize(on_disk(folder)).ok()?;
        Some(folder.file_name()?.to_string_lossy().into_owned())
    })
    .unwrap_or_else(|| "root".into())
}
