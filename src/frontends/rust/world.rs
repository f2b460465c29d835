//! The whole workspace's names: crates, the module tree, items, `use`. Resolution is lazy and cannot fail: a path that leads out
//! of the workspace is answered with its canonical text.

use super::hir::*;
use crate::apis::Apis;
use crate::discover::Workspace;
use crate::ir::FuncId;
use crate::source::FileId;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::RefCell;
use std::path::{Component, Path as FsPath, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use ustr::{Ustr, ustr};

/// A file that was read.
pub struct Parsed {
    pub path: PathBuf,
    pub package: usize,
    /// Its number among the files that could be read.
    pub number: usize,
    /// Its number among all files, by which macros know whether they are of the same one.
    pub macros: usize,
    pub file: FileId,
    pub hir: FileHir,
}

/// Something a name can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Def {
    Module(u32),
    Adt(u32),
    Variant(u32, u32),
    Trait(u32),
    Alias(u32),
    Fn(u32),
    Const(u32),
    Static(u32),
}

/// What a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Res {
    Def(Def),
    /// An item of a library, by canonical path.
    Ext(Ustr),
}

/// Namespace of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ns {
    Type,
    Value,
}

pub struct Module<'h> {
    pub parent: Option<u32>,
    pub krate: u32,
    /// Path from the crate's root, empty at the root.
    pub path: Ustr,
    pub file: usize,
    /// The scope of a function body.
    pub anonymous: bool,
    types: FxHashMap<Ustr, Def>,
    values: FxHashMap<Ustr, Def>,
    uses: FxHashMap<Ustr, Vec<Import<'h>>>,
    externs: FxHashMap<Ustr, Ustr>,
    globs: Vec<&'h Use>,
    /// Where the globs lead, once that is known.
    glob_targets: Vec<Res>,
}

/// One name that `use` brings.
struct Import<'h> {
    used: &'h Use,
    /// What it means as a type and as a value, once imports are linked.
    known: Option<[Option<Res>; 2]>,
}

pub struct Crate {
    pub name: Ustr,
    pub package: usize,
    pub root: u32,
    pub library: bool,
    /// Paths in `use`, and those that begin with `::`, start at the root.
    pub edition_2015: bool,
}

pub struct Adt<'h> {
    pub name: Ustr,
    pub module: u32,
    pub generics: &'h Generics,
    pub data: AdtData<'h>,
    /// Types of the fields, variant after variant.
    pub fields: OnceLock<Vec<super::types::Ty>>,
    pub scope: OnceLock<super::types::Scope>,
}

pub enum AdtData<'h> {
    Struct(&'h Fields),
    Enum(&'h [Variant]),
}

pub struct Trait<'h> {
    pub name: Ustr,
    pub module: u32,
    pub generics: &'h Generics,
    pub supers: &'h [Path],
    /// Associated types, each with what it is bound by.
    pub types: &'h [(Ustr, Vec<Path>)],
    pub methods: FxHashMap<Ustr, u32>,
}

pub struct Alias<'h> {
    pub module: u32,
    pub generics: &'h Generics,
    pub ty: &'h Type,
}

pub struct GlobalItem<'h> {
    pub name: Ustr,
    pub module: u32,
    pub hir: &'h Global,
}

pub struct ImplInfo<'h> {
    pub module: u32,
    pub hir: &'h Impl,
    pub fns: Vec<u32>,
    pub scope: OnceLock<super::types::Scope>,
}

pub struct FnInfo<'h> {
    pub hir: &'h FnDef,
    pub module: u32,
    /// Which of the files it stands in: a module that is declared twice, for different platforms, is in two.
    pub file: usize,
    /// Scope in which its body resolves names.
    pub body_module: u32,
    pub of_impl: Option<u32>,
    pub of_trait: Option<u32>,
    /// See [`FnInfo::func`].
    func: AtomicU32,
    pub sig: OnceLock<super::types::Sig>,
}

/// Stands for the number of a function without a body.
const NO_BODY: u32 = u32::MAX;

impl FnInfo<'_> {
    /// Its number among the functions that have bodies, as [`World::number`] gave them last.
    pub fn func(&self) -> Option<FuncId> {
        Some(self.func.load(Ordering::Relaxed)).filter(|func| *func != NO_BODY).map(FuncId)
    }
}

/// Everything by name.
pub struct World<'h> {
    pub apis: &'h Apis,
    pub files: &'h [Parsed],
    /// Which files are of modules that are left out.
    pub off: Vec<bool>,
    pub crates: Vec<Crate>,
    pub modules: Vec<Module<'h>>,
    pub adts: Vec<Adt<'h>>,
    pub traits: Vec<Trait<'h>>,
    pub aliases: Vec<Alias<'h>>,
    pub consts: Vec<GlobalItem<'h>>,
    pub statics: Vec<GlobalItem<'h>>,
    pub impls: Vec<ImplInfo<'h>>,
    pub fns: Vec<FnInfo<'h>>,
    /// Per package: name in code -> crate.
    dependencies: Vec<FxHashMap<Ustr, u32>>,
    by_crate_name: FxHashMap<Ustr, u32>,
    pub tables: super::methods::Tables,
}

struct Builder<'h> {
    world: World<'h>,
    by_path: FxHashMap<PathBuf, usize>,
    claimed: Vec<Option<u32>>,
    off: Vec<bool>,
    /// By package: whether it is of edition 2015.
    edition_2015: Vec<bool>,
    /// The file whose items are being added.
    file: usize,
}

/// Stands for a module from which nothing of the workspace is seen.
pub const OUTSIDE: u32 = u32::MAX;

/// Deepest `mod` nesting.
const MAX_MODULES: usize = 128;

impl World<'_> {
    /// Frees what it holds, side by side: it is many small things.
    pub fn free(mut self) {
        let fns = std::mem::take(&mut self.fns);
        rayon::join(|| drop(fns), || drop(self));
    }
}

pub fn build<'h>(workspace: &Workspace, files: &'h [Parsed], apis: &'h Apis) -> World<'h> {
    let world = World {
        apis,
        files,
        off: Vec::new(),
        crates: Vec::new(),
        modules: Vec::new(),
        adts: Vec::new(),
        traits: Vec::new(),
        aliases: Vec::new(),
        consts: Vec::new(),
        statics: Vec::new(),
        impls: Vec::new(),
        fns: Vec::with_capacity(files.iter().map(|file| file.hir.functions).sum()),
        dependencies: Vec::new(),
        by_crate_name: FxHashMap::default(),
        tables: Default::default(),
    };
    let by_path = files.iter().enumerate().map(|(at, file)| (clean(&file.path), at)).collect();
    let edition_2015 = workspace.packages.iter().map(|package| package.edition_2015).collect();
    let claimed = vec![None; files.len()];
    let mut builder = Builder { world, by_path, claimed, off: Vec::new(), edition_2015, file: 0 };
    let left_out: Vec<_> = files.iter().map(|file| (file.path.as_path(), &*file.hir.left_out, file.hir.off)).collect();
    builder.off = left_out_files(&builder.by_path, &left_out);
    builder.entries(workspace);
    builder.orphans(workspace);
    let mut world = builder.world;
    world.off = builder.off;
    world.link(workspace);
    world.link_globs();
    world.link_imports();
    world.tables = super::methods::Tables::build(&world);
    world.find_holders();
    world
}

/// `path` without `.` and `..`.
pub fn clean(path: &FsPath) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// The folder in which the modules that `path` declares lie.
fn child_folder(path: &FsPath, root: bool) -> PathBuf {
    let folder = path.parent().unwrap_or(FsPath::new("")).to_path_buf();
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if root || matches!(stem, "mod" | "lib" | "main") { folder } else { folder.join(stem) }
}

/// Which of the files at `by_path` the declaration of the module `name` means, which stands in the file at `file` and whose files
/// lie in `folder`.
fn candidates(
    by_path: &FxHashMap<PathBuf, usize>,
    folder: &FsPath,
    at_path: Option<&str>,
    file: &FsPath,
    inline: bool,
    name: Ustr,
) -> Option<usize> {
    if let Some(at_path) = at_path {
        let base = if inline { folder.to_path_buf() } else { file.parent().unwrap_or(FsPath::new("")).to_path_buf() };
        return by_path.get(&clean(&base.join(at_path))).copied();
    }
    let flat = clean(&folder.join(format!("{name}.rs")));
    let nested = clean(&folder.join(name.as_str()).join("mod.rs"));
    by_path.get(&flat).or_else(|| by_path.get(&nested)).copied()
}

/// Which of `files` (the path of each, the modules that it leaves out, whether it is left out itself) are of modules that the
/// configuration leaves out, or lie below such. `by_path`: where each is, by its clean path.
pub fn left_out_files(by_path: &FxHashMap<PathBuf, usize>, files: &[(&FsPath, &[LeftOut], bool)]) -> Vec<bool> {
    let mut off: Vec<bool> = files.iter().map(|(.., off)| *off).collect();
    let mut folders = FxHashSet::default();
    for (path, left_out, _) in files {
        for module in *left_out {
            let Some((name, outer)) = module.modules.split_last() else { continue };
            for root in [false, true] {
                let mut folder = child_folder(path, root);
                folder.extend(outer.iter().map(|name| name.as_str()));
                if let Some(at) = candidates(by_path, &folder, module.path.as_deref(), path, !outer.is_empty(), *name) {
                    off[at] = true;
                    folders.insert(child_folder(&clean(files[at].0), false));
                }
            }
        }
    }
    for (path, ..) in files.iter().filter(|(.., off)| *off) {
        folders.insert(child_folder(&clean(path), false));
    }
    // `src/tests/mod.rs` left out takes `src/tests/*` with it, but a left-out `lib.rs` not its whole folder's siblings.
    folders.retain(|folder| folder.file_name().is_some_and(|name| name != "src"));
    if !folders.is_empty() {
        for (at, (path, ..)) in files.iter().enumerate() {
            off[at] |= clean(path).ancestors().skip(1).any(|folder| folders.contains(folder));
        }
    }
    off
}

impl<'h> Builder<'h> {
    fn new_crate(&mut self, name: Ustr, package: usize, file: usize, library: bool) {
        let krate = self.world.crates.len() as u32;
        let root = self.new_module(None, krate, ustr(""), file);
        let edition_2015 = self.edition_2015.get(package).copied().unwrap_or(false);
        self.world.crates.push(Crate { name, package, root, library, edition_2015 });
        self.claimed[file] = Some(root);
        let path = &self.world.files[file].path;
        let folder = child_folder(path, true);
        let hir = &self.world.files[file].hir;
        self.items(root, &hir.items, &folder, file, false, 0);
    }

    fn new_module(&mut self, parent: Option<u32>, krate: u32, path: Ustr, file: usize) -> u32 {
        self.world.modules.push(Module {
            parent,
            krate,
            path,
            file,
            anonymous: false,
            types: FxHashMap::default(),
            values: FxHashMap::default(),
            uses: FxHashMap::default(),
            externs: FxHashMap::default(),
            globs: Vec::new(),
            glob_targets: Vec::new(),
        });
        self.world.modules.len() as u32 - 1
    }

    fn entries(&mut self, workspace: &Workspace) {
        for (at, package) in workspace.packages.iter().enumerate() {
            let mut entries: Vec<_> = package.entries.iter().collect();
            entries.sort_by_key(|entry| !entry.library);
            for entry in entries {
                if let Some(&file) = self.by_path.get(&clean(&entry.path))
                    && self.claimed[file].is_none()
                {
                    self.new_crate(ustr(&entry.name.replace('-', "_")), at, file, entry.library);
                }
            }
        }
    }

    /// Files that nobody declares: placed by their path under a root of their package, or roots of their own.
    fn orphans(&mut self, workspace: &Workspace) {
        let files = self.world.files;
        for (at, file) in files.iter().enumerate() {
            let name = file.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if matches!(name, "lib.rs" | "main.rs") && self.free(at) {
                self.root_of_its_own(workspace, at, name == "lib.rs");
            }
        }
        let mut declared = FxHashSet::default();
        for file in files {
            self.declared(&file.hir.items, &child_folder(&file.path, false), &file.path, false, &mut declared, 0);
        }
        for at in 0..files.len() {
            if self.free(at) && !self.place(at) && !declared.contains(&at) {
                self.root_of_its_own(workspace, at, true);
            }
        }
        for at in 0..files.len() {
            if self.free(at) && !self.place(at) {
                self.root_of_its_own(workspace, at, true);
            }
        }
    }

    fn free(&self, at: usize) -> bool {
        self.claimed[at].is_none() && !self.off[at]
    }

    fn root_of_its_own(&mut self, workspace: &Workspace, at: usize, library: bool) {
        let file = &self.world.files[at];
        let stem = file.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let name = if matches!(stem, "lib" | "main") {
            workspace.packages.get(file.package).map_or(stem, |package| &package.name)
        } else {
            stem
        };
        self.new_crate(ustr(&name.replace('-', "_")), file.package, at, library);
    }

    fn declared(
        &self,
        items: &[Item],
        folder: &FsPath,
        file: &FsPath,
        inline: bool,
        out: &mut FxHashSet<usize>,
        depth: usize,
    ) {
        if depth > MAX_MODULES {
            return;
        }
        for item in items {
            if let ItemKind::Mod { path, items } = &item.kind {
                match items {
                    Some(items) => self.declared(items, &folder.join(item.name.as_str()), file, true, out, depth + 1),
                    None => out.extend(candidates(&self.by_path, folder, path.as_deref(), file, inline, item.name)),
                }
            }
        }
    }

    /// Puts an unclaimed file where its path says it belongs.
    fn place(&mut self, at: usize) -> bool {
        let file = &self.world.files[at];
        let path = clean(&file.path);
        let roots = self.world.crates.iter().enumerate().filter(|(_, krate)| krate.package == file.package);
        let best = roots
            .filter_map(|(index, krate)| {
                let root = &self.world.files[self.world.modules[krate.root as usize].file].path;
                let folder = clean(root.parent()?);
                path.strip_prefix(&folder)
                    .ok()
                    .map(|rest| (folder.as_os_str().len(), krate.library, index, rest.to_path_buf()))
            })
            .max_by_key(|(length, library, index, _)| (*length, *library, std::cmp::Reverse(*index)));
        let Some((_, _, krate, rest)) = best else { return false };
        let mut names: Vec<String> =
            rest.with_extension("").components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        if names.last().is_some_and(|last| last == "mod") {
            names.pop();
        }
        let Some(last) = names.pop() else { return false };
        if names.len() > MAX_MODULES || matches!(last.as_str(), "tests" | "test" | "testing" | "benches") {
            self.off[at] = matches!(last.as_str(), "tests" | "test" | "testing" | "benches");
            return self.off[at];
        }
        let mut module = self.world.crates[krate].root;
        for name in names {
            module = match self.world.modules[module as usize].types.get(&ustr(&name)) {
                Some(Def::Module(inner)) => *inner,
                _ => {
                    let path = self.qualify(module, ustr(&name));
                    let inner = self.new_module(Some(module), krate as u32, path, at);
                    self.world.modules[module as usize].types.insert(ustr(&name), Def::Module(inner));
                    inner
                }
            };
        }
        self.file_module(module, ustr(&last), at, 0);
        true
    }

    fn file_module(&mut self, parent: u32, name: Ustr, file: usize, depth: usize) {
        let krate = self.world.modules[parent as usize].krate;
        let path = self.qualify(parent, name);
        let existing = match self.world.modules[parent as usize].types.get(&name) {
            Some(Def::Module(existing)) => Some(*existing),
            _ => None,
        };
        let module = existing.unwrap_or_else(|| self.new_module(Some(parent), krate, path, file));
        self.world.modules[module as usize].file = file;
        self.claimed[file] = Some(module);
        self.world.modules[parent as usize].types.insert(name, Def::Module(module));
        let parsed = &self.world.files[file];
        self.items(module, &parsed.hir.items, &child_folder(&parsed.path, false), file, false, depth + 1);
    }

    fn qualify(&self, module: u32, name: Ustr) -> Ustr {
        join(self.world.modules[module as usize].path, name)
    }

    fn items(&mut self, module: u32, items: &'h [Item], folder: &FsPath, file: usize, inline: bool, depth: usize) {
        if depth > MAX_MODULES {
            return;
        }
        for item in items {
            match &item.kind {
                ItemKind::Mod { path: at_path, items } => match items {
                    Some(items) => {
                        let path = self.qualify(module, item.name);
                        let krate = self.world.modules[module as usize].krate;
                        let inner = self.new_module(Some(module), krate, path, file);
                        self.world.modules[module as usize].types.insert(item.name, Def::Module(inner));
                        self.items(inner, items, &folder.join(item.name.as_str()), file, true, depth + 1);
                    }
                    None => {
                        let parent_path = &self.world.files[file].path;
                        let Some(found) =
                            candidates(&self.by_path, folder, at_path.as_deref(), parent_path, inline, item.name)
                        else {
                            continue;
                        };
                        match self.claimed[found] {
                            Some(existing) => {
                                self.world.modules[module as usize].types.insert(item.name, Def::Module(existing));
                            }
                            None if self.off[found] && self.world.files[found].hir.off => {}
                            None => self.file_module(module, item.name, found, depth),
                        }
                    }
                },
                _ => {
                    self.file = file;
                    self.plain_item(module, item);
                }
            }
        }
    }

    fn plain_item(&mut self, module: u32, item: &'h Item) {
        let at = module as usize;
        let path = |builder: &Self| builder.qualify(module, item.name);
        match &item.kind {
            ItemKind::Use(uses) => {
                for used in uses {
                    match used.alias {
                        Some(alias) => {
                            self.world.modules[at].uses.entry(alias).or_default().push(Import { used, known: None })
                        }
                        None => self.world.modules[at].globs.push(used),
                    }
                }
            }
            ItemKind::ExternCrate { krate } => {
                self.world.modules[at].externs.insert(item.name, *krate);
            }
            ItemKind::Struct { generics, fields } => {
                let name = path(self);
                self.adt(
                    module,
                    item.name,
                    Adt {
                        name,
                        module,
                        generics,
                        data: AdtData::Struct(fields),
                        fields: OnceLock::new(),
                        scope: OnceLock::new(),
                    },
                );
            }
            ItemKind::Enum { generics, variants } => {
                let name = path(self);
                self.adt(
                    module,
                    item.name,
                    Adt {
                        name,
                        module,
                        generics,
                        data: AdtData::Enum(variants),
                        fields: OnceLock::new(),
                        scope: OnceLock::new(),
                    },
                );
            }
            ItemKind::Alias { generics, ty } => {
                let id = self.world.aliases.len() as u32;
                self.world.aliases.push(Alias { module, generics, ty });
                self.world.modules[at].types.insert(item.name, Def::Alias(id));
            }
            ItemKind::Const(global) => {
                let (id, name) = (self.world.consts.len() as u32, path(self));
                self.world.consts.push(GlobalItem { name, module, hir: global });
                self.world.modules[at].values.insert(item.name, Def::Const(id));
            }
            ItemKind::Static(global) => {
                let (id, name) = (self.world.statics.len() as u32, path(self));
                self.world.statics.push(GlobalItem { name, module, hir: global });
                self.world.modules[at].values.insert(item.name, Def::Static(id));
            }
            ItemKind::Fn(def) => {
                let id = self.function(def, module, None, None);
                self.world.modules[at].values.insert(item.name, Def::Fn(id));
            }
            ItemKind::Trait { generics, supers, fns, types } => {
                let (id, name) = (self.world.traits.len() as u32, path(self));
                let own = Trait { name, module, generics, supers, types, methods: FxHashMap::default() };
                self.world.traits.push(own);
                self.world.modules[at].types.insert(item.name, Def::Trait(id));
                for def in fns {
                    let fn_id = self.function(def, module, None, Some(id));
                    self.world.traits[id as usize].methods.insert(def.name, fn_id);
                }
            }
            ItemKind::Impl(hir) => {
                let id = self.world.impls.len() as u32;
                self.world.impls.push(ImplInfo { module, hir, fns: Vec::new(), scope: OnceLock::new() });
                for def in &hir.fns {
                    let fn_id = self.function(def, module, Some(id), None);
                    self.world.impls[id as usize].fns.push(fn_id);
                }
            }
            ItemKind::Mod { .. } => {}
        }
    }

    fn adt(&mut self, module: u32, name: Ustr, adt: Adt<'h>) {
        let id = self.world.adts.len() as u32;
        if matches!(&adt.data, AdtData::Struct(fields) if fields.tuple || fields.list.is_empty()) {
            self.world.modules[module as usize].values.insert(name, Def::Adt(id));
        }
        self.world.adts.push(adt);
        self.world.modules[module as usize].types.insert(name, Def::Adt(id));
    }

    fn function(&mut self, hir: &'h FnDef, module: u32, of_impl: Option<u32>, of_trait: Option<u32>) -> u32 {
        let id = self.world.fns.len() as u32;
        let func = AtomicU32::new(NO_BODY);
        let file = self.file;
        let info = FnInfo { hir, module, file, body_module: module, of_impl, of_trait, func, sig: OnceLock::new() };
        self.world.fns.push(info);
        if !hir.inner.is_empty() {
            let outer = &self.world.modules[module as usize];
            let (krate, path) = (outer.krate, join(outer.path, hir.name));
            let inner = self.new_module(Some(module), krate, path, file);
            self.world.modules[inner as usize].anonymous = true;
            self.world.fns[id as usize].body_module = inner;
            self.items(inner, &hir.inner, FsPath::new(""), file, true, MAX_MODULES / 2);
        }
        id
    }
}

/// `outer::name`.
pub fn join(outer: Ustr, name: Ustr) -> Ustr {
    thread_local! {
        /// Most are asked for again and again.
        static JOINED: RefCell<FxHashMap<(Ustr, Ustr), Ustr>> = RefCell::default();
    }
    if outer.is_empty() {
        return name;
    }
    JOINED.with_borrow_mut(|joined| *joined.entry((outer, name)).or_insert_with(|| ustr(&format!("{outer}::{name}"))))
}

impl World<'_> {
    fn link(&mut self, workspace: &Workspace) {
        let libraries: FxHashMap<&str, u32> = self
            .crates
            .iter()
            .enumerate()
            .filter(|(_, krate)| krate.library)
            .filter_map(|(at, krate)| Some((workspace.packages.get(krate.package)?.name.as_str(), at as u32)))
            .rev()
            .collect();
        for package in &workspace.packages {
            let mut known = FxHashMap::default();
            for (name, target) in &package.dependencies {
                if let Some(&krate) = libraries.get(target.as_str()) {
                    known.insert(ustr(name), krate);
                }
            }
            if let Some(&own) = libraries.get(package.name.as_str()) {
                known.insert(self.crates[own as usize].name, own);
            }
            self.dependencies.push(known);
        }
        for (at, krate) in self.crates.iter().enumerate() {
            if krate.library {
                self.by_crate_name.entry(krate.name).or_insert(at as u32);
            }
        }
    }

    /// Numbers the functions that have bodies, as far as anything is to be known of them, and gives their places among all functions.
    pub fn number(&self, is_known: impl Fn(u32, &FnInfo) -> bool) -> Vec<u32> {
        let mut known = Vec::new();
        for (id, info) in self.fns.iter().enumerate() {
            let func = if info.hir.has_body() && is_known(id as u32, info) {
                known.push(id as u32);
                known.len() as u32 - 1
            } else {
                NO_BODY
            };
            info.func.store(func, Ordering::Relaxed);
        }
        known
    }

    pub fn package_of(&self, module: u32) -> usize {
        self.crates[self.modules[module as usize].krate as usize].package
    }

    fn krate(&self, from: u32, name: Ustr) -> Option<Def> {
        let known = self.dependencies.get(self.package_of(from)).and_then(|known| known.get(&name));
        let krate = known.or_else(|| self.by_crate_name.get(&name))?;
        Some(Def::Module(self.crates[*krate as usize].root))
    }

    /// What `names`, seen from `module`, means, and how many of them that took: the rest are associated items.
    pub fn resolve(&self, module: u32, names: &[Ustr], leading: bool, ns: Ns) -> Option<(Res, usize)> {
        if module == OUTSIDE {
            let path = names.iter().skip(1).fold(*names.first()?, |path, name| join(path, *name));
            return Some((Res::Ext(path), names.len()));
        }
        self.walk(module, names, leading, ns, &mut Seen::default())
    }

    fn walk(&self, module: u32, names: &[Ustr], leading: bool, ns: Ns, seen: &mut Seen) -> Option<(Res, usize)> {
        let first = *names.first()?;
        let last = names.len() == 1;
        let first_ns = if last { ns } else { Ns::Type };
        let mut here = match first.as_str() {
            _ if leading && !self.is_edition_2015(module) => {
                self.krate(module, first).map(Res::Def).unwrap_or(Res::Ext(first))
            }
            "crate" => Res::Def(Def::Module(self.root(module))),
            "self" => Res::Def(Def::Module(self.named(module))),
            "super" => Res::Def(Def::Module(self.parent(self.named(module)))),
            _ => match self.lexical(if leading { self.root(module) } else { module }, first, first_ns, seen) {
                Some(found) => found,
                None if last && ns == Ns::Value => return None,
                None => match self.krate(module, first) {
                    Some(krate) => Res::Def(krate),
                    None => Res::Ext(first),
                },
            },
        };
        let mut at = 1;
        while at < names.len() {
            let next_ns = if at + 1 == names.len() { ns } else { Ns::Type };
            here = match here {
                Res::Def(Def::Module(inner)) if names[at] == "super" => Res::Def(Def::Module(self.parent(inner))),
                Res::Def(Def::Module(inner)) => self.member(inner, names[at], next_ns, seen)?,
                Res::Def(Def::Adt(adt)) => match self.variant(adt, names[at]) {
                    Some(variant) => Res::Def(variant),
                    None => return Some((here, at)),
                },
                Res::Def(_) => return Some((here, at)),
                Res::Ext(path) => Res::Ext(join(path, names[at])),
            };
            at += 1;
        }
        Some((here, at))
    }

    fn variant(&self, adt: u32, name: Ustr) -> Option<Def> {
        let AdtData::Enum(variants) = self.adts[adt as usize].data else { return None };
        let at = variants.iter().position(|variant| variant.name == name)?;
        Some(Def::Variant(adt, at as u32))
    }

    fn root(&self, module: u32) -> u32 {
        self.crates[self.modules[module as usize].krate as usize].root
    }

    /// Where the path of a `use` in `module` starts.
    fn start_of_use(&self, module: u32, used: &Use) -> u32 {
        let is_relative = used.path.first().is_some_and(|first| matches!(first.as_str(), "self" | "super"));
        if self.is_edition_2015(module) && !is_relative { self.root(module) } else { module }
    }

    fn is_edition_2015(&self, module: u32) -> bool {
        self.crates[self.modules[module as usize].krate as usize].edition_2015
    }

    fn named(&self, mut module: u32) -> u32 {
        while let (true, Some(parent)) = (self.modules[module as usize].anonymous, self.modules[module as usize].parent)
        {
            module = parent;
        }
        module
    }

    fn parent(&self, module: u32) -> u32 {
        self.modules[module as usize].parent.map_or(module, |parent| self.named(parent))
    }

    /// A name as code in `module` sees it.
    fn lexical(&self, module: u32, name: Ustr, ns: Ns, seen: &mut Seen) -> Option<Res> {
        let mut at = module;
        loop {
            if let Some(found) = self.member(at, name, ns, seen) {
                return Some(found);
            }
            let here = &self.modules[at as usize];
            match here.parent {
                Some(parent) if here.anonymous => at = parent,
                _ => return None,
            }
        }
    }

    /// A name as others see it in `module`.
    fn member(&self, module: u32, name: Ustr, ns: Ns, seen: &mut Seen) -> Option<Res> {
        if seen.stack.contains(&(module, name, ns)) || seen.steps > MAX_STEPS || seen.stack.len() > MAX_HOPS {
            return None;
        }
        seen.steps += 1;
        seen.stack.push((module, name, ns));
        let found = self.member_of(module, name, ns, seen);
        seen.stack.pop();
        found
    }

    fn member_of(&self, module: u32, name: Ustr, ns: Ns, seen: &mut Seen) -> Option<Res> {
        let here = &self.modules[module as usize];
        let own = if ns == Ns::Type { &here.types } else { &here.values };
        if let Some(def) = own.get(&name) {
            return Some(Res::Def(*def));
        }
        if let Some(uses) = here.uses.get(&name) {
            for import in uses {
                if let Some(found) = self.imported(module, import, ns, seen) {
                    return Some(found);
                }
            }
        }
        if let Some(krate) = here.externs.get(&name) {
            return Some(self.krate(module, *krate).map_or(Res::Ext(*krate), Res::Def));
        }
        self.through_globs(module, name, ns, seen)
    }

    fn imported(&self, module: u32, import: &Import, ns: Ns, seen: &mut Seen) -> Option<Res> {
        match &import.known {
            Some(known) => known[ns as usize],
            None => self.used(module, import.used, ns, seen),
        }
    }

    fn used(&self, module: u32, used: &Use, ns: Ns, seen: &mut Seen) -> Option<Res> {
        let mut found = self.walk(self.start_of_use(module, used), &used.path, used.leading, ns, seen);
        if found.is_none() && !used.leading {
            // What is known of no edition may be of that one.
            found = self.walk(self.root(module), &used.path, false, ns, seen);
        }
        match found {
            Some((res, taken)) if taken == used.path.len() => match (res, ns) {
                (Res::Def(Def::Fn(_) | Def::Const(_) | Def::Static(_)), Ns::Type) => None,
                (Res::Def(Def::Module(_) | Def::Trait(_) | Def::Alias(_)), Ns::Value) => None,
                _ => Some(res),
            },
            _ => None,
        }
    }

    fn through_globs(&self, module: u32, name: Ustr, ns: Ns, seen: &mut Seen) -> Option<Res> {
        let targets = &self.modules[module as usize].glob_targets;
        for target in targets {
            let found = match target {
                Res::Def(Def::Module(inner)) => self.member(*inner, name, ns, seen),
                Res::Def(Def::Adt(adt)) => self.variant(*adt, name).map(Res::Def),
                _ => None,
            };
            if found.is_some() {
                return found;
            }
        }
        targets.iter().find_map(|target| {
            let Res::Ext(path) = target else { return None };
            let text = format!("{path}::{name}");
            (self.apis.find(&text).is_some() || self.apis.find_type(&text).is_some()).then(|| Res::Ext(ustr(&text)))
        })
    }

    /// Finds where globs lead; globs may lead through globs, so a few rounds are needed.
    fn link_globs(&mut self) {
        for _ in 0..MAX_GLOB_ROUNDS {
            let mut changed = false;
            for module in 0..self.modules.len() {
                let mut targets = Vec::new();
                for used in &self.modules[module].globs {
                    let start = self.start_of_use(module as u32, used);
                    let found = self.walk(start, &used.path, used.leading, Ns::Type, &mut Seen::default());
                    targets.extend(found.filter(|(_, taken)| *taken == used.path.len()).map(|(res, _)| res));
                }
                changed |= targets != self.modules[module].glob_targets;
                self.modules[module].glob_targets = targets;
            }
            if !changed {
                break;
            }
        }
    }

    /// Finds what each import means, before anybody asks: a bound that is hit on the way depends on the question, and must not depend on
    /// which was asked first.
    fn link_imports(&mut self) {
        let meaning = |(at, module): (usize, &Module<'_>)| -> Vec<[Option<Res>; 2]> {
            let imports = module.uses.values().flatten();
            let means = |used: &Use, ns| self.used(at as u32, used, ns, &mut Seen::default());
            imports.map(|import| [Ns::Type, Ns::Value].map(|ns| means(import.used, ns))).collect()
        };
        let found: Vec<_> = self.modules.par_iter().enumerate().map(meaning).collect();
        for (module, found) in self.modules.iter_mut().zip(found) {
            let imports = module.uses.values_mut().flatten();
            imports.zip(found).for_each(|(import, found)| import.known = Some(found));
        }
    }
}

/// The names that are being looked up: `use` may go in circles.
#[derive(Default)]
struct Seen {
    stack: Vec<(u32, Ustr, Ns)>,
    steps: usize,
}

/// Most rounds in which globs are followed.
const MAX_GLOB_ROUNDS: usize = 6;
/// Most lookups that answer one question.
const MAX_STEPS: usize = 2000;
/// Longest chain of re-exports.
const MAX_HOPS: usize = 64;
