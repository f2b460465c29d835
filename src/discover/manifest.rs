//! Reads `Cargo.toml`: targets, members, dependencies. Takes from a broken manifest what can be read of it, and falls back on
//! cargo's conventions for the rest.

use super::{Entry, Problem, lexical, on_disk, parent_shown};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

type Value<'t> = Spanned<DeValue<'t>>;

/// Folders of a package that hold tests and the like, by convention.
const TEST_FOLDERS: [&str; 3] = ["tests", "benches", "examples"];

/// Kinds of targets that are read only if tests are asked for: table in the manifest, and folder.
const TEST_TARGETS: [(&str, &str); 3] = [("test", "tests"), ("bench", "benches"), ("example", "examples")];

/// What a manifest says, as far as it matters here.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    /// Its folder as shown.
    pub folder: PathBuf,
    has_package: bool,
    /// It is the root of a workspace.
    pub has_workspace: bool,
    name: Option<String>,
    /// `package.edition` is 2015, or is not there.
    pub edition_2015: bool,
    /// `package.workspace`.
    root: Option<String>,
    library: Option<Target>,
    programs: Vec<Target>,
    /// Tests, benches and examples: folder by convention, target.
    tests: Vec<(&'static str, Target)>,
    /// `build = "…"`.
    build: Option<String>,
    /// `autobins = false` and its like, and `autolib`.
    no_auto: Vec<&'static str>,
    dependencies: Vec<Dependency>,
    /// Line of the first thing that is taken over from the workspace.
    inherits: Option<usize>,
    members: Vec<(String, usize)>,
    exclude: Vec<String>,
    workspace_dependencies: Vec<Dependency>,
    /// It holds settings of this program.
    pub has_settings: bool,
}

#[derive(Debug, Default)]
struct Target {
    name: Option<String>,
    path: Option<String>,
    line: usize,
}

#[derive(Debug, Clone)]
struct Dependency {
    key: String,
    package: Option<String>,
    path: Option<String>,
    inherited: bool,
    /// Only tests, benches, examples or build scripts see it.
    tests: bool,
}

/// A dependency with its workspace's share filled in.
#[derive(Debug)]
pub(super) struct Resolved {
    /// The name in the manifest.
    pub key: String,
    /// The package's name.
    pub package: String,
    /// The key is a name of its own, not the package's.
    pub renamed: bool,
    /// Where it is, if the manifest says.
    pub folder: Option<PathBuf>,
}

/// Root manifests above the folders that are walked, read once.
pub(super) type Roots = FxHashMap<PathBuf, Option<Arc<Manifest>>>;

impl Manifest {
    /// Reads `folder/Cargo.toml`. What is wrong with it goes to `problems`.
    pub fn read(folder: &Path, problems: &mut Vec<Problem>) -> Manifest {
        let mut manifest = Manifest { folder: folder.to_path_buf(), ..Manifest::default() };
        let path = manifest.path();
        let text = match super::read_bytes(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(message) => {
                problems.push(Problem { path, line: 1, message: message + "; the usual layout is assumed" });
                return manifest;
            }
        };
        let (table, errors) = DeTable::parse_recoverable(&text);
        let lines = crate::source::LineIndex::new(&text);
        if let Some(error) = errors.first() {
            let line = error.span().map_or(1, |span| lines.line(span.start as u32).0 + 1);
            let first = error.message().lines().next().unwrap_or_default();
            let message = format!("manifest is broken ({first}); what can be read of it is used");
            problems.push(Problem { path, line, message });
        } else if let Some(name) = table.get_ref().get("package").and_then(|package| package.get_ref().get("name"))
            && name.get_ref().as_str().is_none()
        {
            let line = lines.line(name.span().start as u32).0 + 1;
            problems.push(Problem { path, line, message: "`name` is not a text; the folder's name is used".into() });
        }
        manifest.fill(table.get_ref(), &|span| lines.line(span.start as u32).0 + 1);
        manifest
    }

    fn fill(&mut self, table: &DeTable, line: &dyn Fn(std::ops::Range<usize>) -> usize) {
        let sections = Sections { table, line };
        if let Some(package) = sections.get("package").or_else(|| sections.get("project")) {
            self.has_package = true;
            self.name = text(package, "name");
            self.root = text(package, "workspace");
            let edition = package.get_ref().get("edition");
            self.edition_2015 = edition.is_none_or(|edition| edition.get_ref().as_str() == Some("2015"));
            self.build = text(package, "build");
            let autos = ["autolib", "autobins", "autotests", "autobenches", "autoexamples"];
            self.no_auto = autos.into_iter().filter(|key| flag(package, key) == Some(false)).collect();
        }
        if let Some(workspace) = sections.get("workspace") {
            self.has_workspace = true;
            self.members = sections.texts(workspace, "members");
            self.exclude = sections.texts(workspace, "exclude").into_iter().map(|(text, _)| text).collect();
            self.workspace_dependencies = dependencies(workspace, "dependencies", false);
        }
        self.has_settings = ["package", "workspace"].into_iter().filter_map(|key| sections.get(key)).any(|holder| {
            holder.get_ref().get("metadata").is_some_and(|metadata| metadata.get_ref().get("fsynclint").is_some())
        });
        self.library = sections.get("lib").map(|lib| sections.target(lib));
        self.programs = sections.targets("bin");
        for (table, folder) in TEST_TARGETS {
            self.tests.extend(sections.targets(table).into_iter().map(|target| (folder, target)));
        }
        let platforms = sections.get("target").and_then(as_table).into_iter().flat_map(|targets| targets.values());
        for holder in sections.whole().into_iter().chain(platforms.filter_map(as_table)) {
            for (key, tests) in [("dependencies", false), ("dev-dependencies", true), ("build-dependencies", true)] {
                self.dependencies.extend(holder.get(key).map_or_else(Vec::new, |value| dependencies_in(value, tests)));
            }
        }
        self.inherits = sections.inherits();
    }

    /// Where it stands.
    pub fn path(&self) -> PathBuf {
        self.folder.join("Cargo.toml")
    }

    /// It describes a package. One that says nothing at all is taken for one: what is missing may be what is broken.
    pub fn is_package(&self) -> bool {
        self.has_package || !self.has_workspace
    }

    /// The package's name.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| super::folder_name(&self.folder))
    }

    /// Members that are named one by one, with their lines.
    pub fn plain_members(&self) -> Vec<(String, usize)> {
        self.members.iter().filter(|(member, _)| !member.contains(['*', '?', '['])).cloned().collect()
    }

    /// Folders whose files its library and programs are made of.
    pub fn source_folders(&self) -> BTreeSet<PathBuf> {
        let named = self.library.iter().chain(&self.programs).filter_map(|target| target.path.as_ref());
        let mut folders: BTreeSet<PathBuf> =
            named.filter_map(|path| self.below(path).parent().map(Path::to_path_buf)).collect();
        folders.insert(self.folder.join("src"));
        folders
    }

    fn below(&self, path: &str) -> PathBuf {
        lexical(&self.folder.join(path))
    }

    /// Its targets. `files` are all files of its folder, sorted.
    pub fn targets(&self, files: &[PathBuf], include_tests: bool, problems: &mut Vec<Problem>) -> Targets {
        let mut found = TargetSearch { manifest: self, files, targets: Targets::default(), problems };
        found.library();
        found.programs();
        let own = found.targets.entries.len();
        found.tests(include_tests);
        let tests_only = !found.targets.test_files.is_empty() || files.iter().any(|file| found.is_test(file));
        let mut targets = found.targets;
        if own == 0 && !tests_only && !files.is_empty() {
            let message = "no library or program found (no src/lib.rs, src/main.rs or src/bin): all its files are read";
            problems.push(Problem { path: self.path(), line: 1, message: message.into() });
        }
        if own == 0 {
            targets.folders.push(self.folder.clone());
        }
        targets.include_tests = include_tests;
        targets.package = self.folder.clone();
        targets
    }

    /// Its dependencies. `all` are the manifests of the same tree.
    pub fn dependencies(
        &self,
        all: &[Manifest],
        roots: &mut Roots,
        include_tests: bool,
        problems: &mut Vec<Problem>,
    ) -> Vec<Resolved> {
        let above;
        let root = match self.root_within(all) {
            Some(root) => Some(root),
            None if self.inherits.is_some() => {
                above = root_above(&self.folder, roots);
                above.as_deref()
            }
            None => None,
        };
        if let (None, Some(line)) = (root, self.inherits) {
            let message = "inherits from a workspace, but no Cargo.toml above it has a [workspace] table".into();
            problems.push(Problem { path: self.path(), line, message });
        }
        let wanted = self.dependencies.iter().filter(|dependency| include_tests || !dependency.tests);
        wanted.map(|dependency| self.resolve(dependency, root)).collect()
    }

    fn resolve(&self, dependency: &Dependency, root: Option<&Manifest>) -> Resolved {
        let shared = root.filter(|_| dependency.inherited).and_then(|root| {
            root.workspace_dependencies.iter().find(|shared| shared.key == dependency.key).map(|shared| (root, shared))
        });
        let (base, source) = shared.unwrap_or((self, dependency));
        let package = source.package.clone();
        Resolved {
            key: dependency.key.clone(),
            renamed: package.is_some(),
            package: package.unwrap_or_else(|| dependency.key.clone()),
            folder: source.path.as_ref().map(|path| base.below(path)),
        }
    }

    fn root_within<'a>(&'a self, all: &'a [Manifest]) -> Option<&'a Manifest> {
        let named = self.root.as_ref().map(|root| self.below(root));
        let fits = |manifest: &&Manifest| match &named {
            Some(named) => manifest.folder == *named,
            None => self.folder.starts_with(&manifest.folder),
        };
        all.iter().filter(|manifest| manifest.has_workspace).filter(fits).max_by_key(|m| m.folder.components().count())
    }
}

fn root_above(folder: &Path, roots: &mut Roots) -> Option<Arc<Manifest>> {
    let depth = std::fs::canonicalize(on_disk(folder)).ok()?.components().count();
    let mut folder = folder.to_path_buf();
    for _ in 1..depth {
        folder = parent_shown(&folder);
        let root = roots.entry(folder.clone()).or_insert_with(|| {
            let exists = on_disk(&folder).join("Cargo.toml").is_file();
            exists.then(|| Arc::new(Manifest::read(&folder, &mut Vec::new()))).filter(|found| found.has_workspace)
        });
        if root.is_some() {
            return root.clone();
        }
    }
    None
}

/// The tables of a manifest while it is read.
struct Sections<'a, 't> {
    table: &'a DeTable<'t>,
    line: &'a dyn Fn(std::ops::Range<usize>) -> usize,
}

impl<'a, 't> Sections<'a, 't> {
    fn get(&self, key: &str) -> Option<&'a Value<'t>> {
        self.table.get(key)
    }

    fn whole(&self) -> Option<&'a DeTable<'t>> {
        Some(self.table)
    }

    fn line(&self, value: &Value) -> usize {
        (self.line)(value.span())
    }

    fn texts(&self, holder: &Value, key: &str) -> Vec<(String, usize)> {
        let array = holder.get_ref().get(key).and_then(|value| value.get_ref().as_array());
        let texts = array.into_iter().flat_map(|array| array.iter());
        texts.filter_map(|value| Some((value.get_ref().as_str()?.to_string(), self.line(value)))).collect()
    }

    fn target(&self, value: &Value) -> Target {
        Target { name: text(value, "name"), path: text(value, "path"), line: self.line(value) }
    }

    fn targets(&self, key: &str) -> Vec<Target> {
        let array = self.get(key).and_then(|value| value.get_ref().as_array());
        array.into_iter().flat_map(|array| array.iter()).map(|value| self.target(value)).collect()
    }

    /// Line of the first `workspace = true`.
    fn inherits(&self) -> Option<usize> {
        let mut first = None;
        let mut holders: Vec<&Value> =
            self.table.iter().filter(|(key, _)| key.get_ref() != "workspace").map(|(_, v)| v).collect();
        while let Some(value) = holders.pop() {
            let Some(table) = as_table(value) else { continue };
            if let Some(found) = table.get("workspace").filter(|value| value.get_ref().as_bool() == Some(true)) {
                let line = self.line(found);
                first = Some(first.map_or(line, |first: usize| first.min(line)));
            }
            holders.extend(table.values());
        }
        first
    }
}

fn as_table<'a, 't>(value: &'a Value<'t>) -> Option<&'a DeTable<'t>> {
    value.get_ref().as_table()
}

fn text(holder: &Value, key: &str) -> Option<String> {
    Some(holder.get_ref().get(key)?.get_ref().as_str()?.to_string())
}

fn flag(holder: &Value, key: &str) -> Option<bool> {
    holder.get_ref().get(key)?.get_ref().as_bool()
}

fn dependencies(holder: &Value, key: &str, tests: bool) -> Vec<Dependency> {
    holder.get_ref().get(key).map_or_else(Vec::new, |value| dependencies_in(value, tests))
}

fn dependencies_in(value: &Value, tests: bool) -> Vec<Dependency> {
    let rows = as_table(value).into_iter().flat_map(|table| table.iter());
    rows.map(|(key, value)| Dependency {
        key: key.get_ref().to_string(),
        package: text(value, "package"),
        path: text(value, "path"),
        inherited: flag(value, "workspace") == Some(true),
        tests,
    })
    .collect()
}

/// What is compiled of a package.
#[derive(Debug, Default)]
pub(super) struct Targets {
    /// The entry files.
    pub entries: Vec<Entry>,
    package: PathBuf,
    /// Folders with sources.
    folders: Vec<PathBuf>,
    /// Entry files of tests and the like that stand elsewhere than by convention.
    test_files: FxHashSet<PathBuf>,
    include_tests: bool,
}

impl Targets {
    /// Whether `file` is to be read.
    pub fn takes(&self, file: &Path) -> bool {
        let inside = file.strip_prefix(&self.package).unwrap_or(file);
        let is_test = is_test_path(inside) || self.test_files.contains(file);
        let is_source = self.folders.iter().any(|folder| file.starts_with(folder));
        if is_test { self.include_tests || self.is_own_entry(file) } else { is_source }
    }

    fn is_own_entry(&self, file: &Path) -> bool {
        !self.test_files.contains(file) && self.entries.iter().any(|entry| entry.path == file)
    }
}

struct TargetSearch<'a> {
    manifest: &'a Manifest,
    files: &'a [PathBuf],
    targets: Targets,
    problems: &'a mut Vec<Problem>,
}

impl TargetSearch<'_> {
    fn exists(&self, file: &PathBuf) -> bool {
        self.files.binary_search(file).is_ok() || file.is_file()
    }

    fn is_test(&self, file: &Path) -> bool {
        is_test_path(file.strip_prefix(&self.manifest.folder).unwrap_or(file))
    }

    fn add(&mut self, path: PathBuf, name: &str, library: bool) {
        if self.targets.entries.iter().any(|entry| entry.path == path && entry.library == library) {
            return;
        }
        if let Some(folder) = path.parent()
            && !self.is_test(&path)
        {
            self.targets.folders.push(folder.to_path_buf());
        }
        self.targets.entries.push(Entry { path, name: name.replace('-', "_"), library });
    }

    fn auto(&self, key: &str) -> bool {
        !self.manifest.no_auto.contains(&key)
    }

    fn missing(&mut self, target: &Target, path: &str) {
        let message = format!("target file `{path}` does not exist");
        self.problems.push(Problem { path: self.manifest.path(), line: target.line, message });
    }

    fn library(&mut self) {
        let declared = self.manifest.library.as_ref();
        let path = declared.and_then(|lib| lib.path.as_deref()).unwrap_or("src/lib.rs");
        let file = self.manifest.below(path);
        let name = declared.and_then(|lib| lib.name.clone()).unwrap_or_else(|| self.manifest.name());
        if self.exists(&file) && (declared.is_some() || self.auto("autolib")) {
            self.add(file, &name, true);
        } else if let Some(declared) = declared {
            self.missing(declared, path);
        }
    }

    fn programs(&mut self) {
        for target in &self.manifest.programs {
            let name = target.name.clone().unwrap_or_else(|| self.manifest.name());
            let usual = [format!("src/bin/{name}.rs"), format!("src/bin/{name}/main.rs"), "src/main.rs".to_string()];
            let candidates = target.path.as_ref().map_or(usual.to_vec(), |path| vec![path.clone()]);
            let found = candidates.iter().map(|path| self.manifest.below(path)).find(|file| self.exists(file));
            match found {
                Some(file) => self.add(file, &name, false),
                None => self.missing(target, &candidates[0]),
            }
        }
        if !self.auto("autobins") {
            return;
        }
        let main = self.manifest.folder.join("src/main.rs");
        if self.exists(&main) && !self.has(&main) {
            self.add(main, &self.manifest.name(), false);
        }
        self.discovered("src/bin");
    }

    fn has(&self, file: &Path) -> bool {
        self.targets.entries.iter().any(|entry| entry.path == file)
    }

    /// Adds `folder/*.rs` and `folder/*/main.rs`.
    fn discovered(&mut self, folder: &str) -> Vec<PathBuf> {
        let folder = self.manifest.folder.join(folder);
        let mut found = Vec::new();
        for file in self.files.iter().filter(|file| file.starts_with(&folder)) {
            let inside = file.strip_prefix(&folder).unwrap_or(file);
            let name = match inside.components().count() {
                1 => inside.file_stem(),
                2 if inside.ends_with("main.rs") => inside.parent().map(Path::as_os_str),
                _ => None,
            };
            if let Some(name) = name.and_then(|name| name.to_str())
                && !self.has(file)
            {
                found.push((file.clone(), name.to_string()));
            }
        }
        for (file, name) in &found {
            self.add(file.clone(), name, false);
        }
        found.into_iter().map(|(file, _)| file).collect()
    }

    fn tests(&mut self, include: bool) {
        let own = std::mem::take(&mut self.targets.entries);
        for (folder, target) in &self.manifest.tests {
            let Some(name) = &target.name else { continue };
            let usual = [format!("{folder}/{name}.rs"), format!("{folder}/{name}/main.rs")];
            let candidates = target.path.as_ref().map_or(usual.to_vec(), |path| vec![path.clone()]);
            let file = candidates.iter().map(|path| self.manifest.below(path)).find(|file| self.exists(file));
            if let Some(file) = file {
                self.targets.test_files.insert(file.clone());
                self.targets.entries.push(Entry { path: file, name: name.replace('-', "_"), library: false });
            }
        }
        if let Some(build) = &self.manifest.build {
            self.targets.test_files.insert(self.manifest.below(build));
        }
        let autos = ["autotests", "autobenches", "autoexamples"];
        for ((_, folder), auto) in TEST_TARGETS.into_iter().zip(autos) {
            if self.auto(auto) {
                let found = self.discovered(folder);
                self.targets.test_files.extend(found);
            }
        }
        let build = self.manifest.below(self.manifest.build.as_deref().unwrap_or("build.rs"));
        if self.exists(&build) {
            self.add(build, "build_script_build", false);
        }
        let tests = std::mem::replace(&mut self.targets.entries, own);
        // A file that is the library's or a program's entry too is theirs.
        let own: FxHashSet<PathBuf> = self.targets.entries.iter().map(|entry| entry.path.clone()).collect();
        self.targets.test_files.retain(|file| !own.contains(file));
        if include {
            self.targets.entries.extend(tests.into_iter().filter(|entry| !own.contains(&entry.path)));
        }
    }
}

/// Whether a path inside a package is a test, bench, example or build script, by convention.
pub(super) fn is_test_path(inside: &Path) -> bool {
    let first = inside.iter().next().and_then(|name| name.to_str());
    first.is_some_and(|first| TEST_FOLDERS.contains(&first)) || inside == Path::new("build.rs")
}

/// Whose a file is.
pub(super) enum Owner {
    /// Of the package with this manifest, by index.
    Manifest(usize),
    /// No manifest stands above it.
    Nobody,
    /// A manifest stands above it that does not have it compiled, or does not want it.
    LeftOut,
}

/// Which manifest has which folder.
pub(super) struct Owners {
    folders: FxHashMap<PathBuf, (usize, bool)>,
    left_out: FxHashSet<PathBuf>,
}

/// Sorts out which manifest has which folder.
pub(super) fn owners(manifests: &[Manifest], include_tests: bool) -> Owners {
    let folders: FxHashMap<PathBuf, (usize, bool)> = manifests
        .iter()
        .enumerate()
        .map(|(at, manifest)| (manifest.folder.clone(), (at, manifest.is_package())))
        .collect();
    let mut left_out = FxHashSet::default();
    for manifest in manifests {
        let above = manifest.folder.ancestors().skip(1).find_map(|folder| folders.get(folder));
        let Some(&(above, _)) = above else { continue };
        let inside = manifest.folder.strip_prefix(&manifests[above].folder).unwrap_or(&manifest.folder);
        let in_tests = inside.iter().any(|part| TEST_FOLDERS.iter().any(|folder| part == *folder));
        let excluded = manifests.iter().any(|root| root.excludes(&manifest.folder));
        if excluded || in_tests && !include_tests || left_out.contains(&manifests[above].folder) {
            left_out.insert(manifest.folder.clone());
        }
    }
    Owners { folders, left_out }
}

impl Manifest {
    /// Whether `folder` is excluded from this workspace: by a path that says more than any member's.
    pub fn excludes(&self, folder: &Path) -> bool {
        let depth = |path: &String| {
            let listed = self.below(path);
            folder.starts_with(&listed).then(|| listed.components().count())
        };
        let excluded = self.exclude.iter().filter_map(depth).max();
        let member = self.members.iter().filter_map(|(path, _)| depth(path)).max();
        folder != self.folder && excluded.is_some() && excluded > member
    }
}

impl Owners {
    /// Whose `file` is.
    pub fn of(&self, file: &Path) -> Owner {
        match file.ancestors().skip(1).find_map(|folder| self.folders.get_key_value(folder)) {
            None => Owner::Nobody,
            Some((folder, (at, true))) if !self.left_out.contains(folder) => Owner::Manifest(*at),
            Some(_) => Owner::LeftOut,
        }
    }

    /// Whether the manifest in `folder` is not to be read.
    pub fn left_out(&self, folder: &Path) -> bool {
        self.left_out.contains(folder)
    }
}
