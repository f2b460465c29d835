//! Renames everything in the engines that they named themselves: modules, types, functions, fields, variants, constants, variables and
//! the names of files, each to a word without meaning, everywhere to the same. What belongs to the language, the standard library or
//! another crate keeps its name.

use proc_macro2::{Ident, Span};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, Item, Member, Pat, ReturnType, Type, UseTree};

/// Names of methods and fields that the engines define and the standard library (or a crate in use) has too. There the type of the
/// receiver decides.
const SHARED: &[&str] = &[
    "add", "append", "bytes", "contains", "create", "end", "exists", "finish", "flush", "get", "insert", "is_empty",
    "iter", "keys", "len", "load", "max", "metadata", "min", "modified", "new", "next", "offset", "open", "parent",
    "path", "pop", "position", "read", "replace", "size", "start", "truncate", "write",
];

/// Names that are the standard library's unless a file takes ours.
const PRELUDE: &[&str] = &["Result"];

/// The names by which things go now.
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// The new name of what was called `old`.
    pub fn renamed(&self, old: &str) -> String {
        self.0.get(old).unwrap_or_else(|| panic!("`{old}` was not renamed")).clone()
    }
}

/// Copies the package at `from` to `to`, everything renamed.
pub fn engines(from: &Path, to: &Path) -> Names {
    fs::copy(from.join("Cargo.toml"), to.join("Cargo.toml")).unwrap();
    let mut files = Vec::new();
    read(&from.join("src"), &mut Vec::new(), &mut files);
    let mut defined = Defined::default();
    for file in &files {
        defined.visit_file(&file.tree);
    }
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let modules = files.iter().flat_map(|file| &file.module).filter(|name| !matches!(name.as_str(), "lib" | "mod"));
    let all: BTreeSet<String> = defined.names.iter().cloned().chain(modules.cloned()).collect();
    // Capitals stay capitals, so that a unit struct in a pattern is no variable.
    for (number, name) in all.iter().enumerate() {
        let new = match name.chars().next() {
            Some(first) if first.is_uppercase() && name.chars().all(|c| !c.is_lowercase()) => format!("X{number}"),
            Some(first) if first.is_uppercase() => format!("Xx{number}"),
            _ => format!("x{number}"),
        };
        names.insert(name.clone(), new);
    }
    for file in &files {
        let mut renamer = Renamer::new(&defined, &names);
        renamer.visit_file(&file.tree);
        let text = renamer.apply(&file.text);
        let mut path = to.join("src");
        for segment in &file.module {
            path.push(names.get(segment).unwrap_or(segment));
        }
        path.set_extension("rs");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Names(names)
}

struct SourceFile {
    /// The path below `src`, without `.rs`.
    module: Vec<String>,
    text: String,
    tree: syn::File,
}

fn read(folder: &Path, module: &mut Vec<String>, files: &mut Vec<SourceFile>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        module.push(path.file_stem().unwrap().to_string_lossy().into_owned());
        if path.is_dir() {
            read(&path, module, files);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let tree = syn::parse_file(&text).unwrap();
            files.push(SourceFile { module: module.clone(), text, tree });
        }
        module.pop();
    }
}

/// What the engines define.
#[derive(Default)]
struct Defined {
    names: BTreeSet<String>,
    /// Free functions, constants and types.
    items: BTreeSet<String>,
    /// Types by name; of one name there can be several, which are taken for one.
    types: HashMap<String, Definition>,
    /// Interfaces of ours by the types that have them.
    interfaces: HashMap<String, BTreeSet<String>>,
    /// What free functions lead to.
    functions: HashMap<String, Option<String>>,
    /// What functions that give several things give.
    tuples: HashMap<String, Vec<Option<String>>>,
    /// The type at hand.
    of: Option<String>,
}

#[derive(Default)]
struct Definition {
    /// Methods, associated constants and variants, with the type that they give.
    members: HashMap<String, Option<String>>,
    fields: HashMap<String, Option<String>>,
}

/// The type that a value of `ty` leads to: references, results, collections and the like are looked through.
fn leads_to(ty: &Type) -> Option<String> {
    match ty {
        Type::Reference(inner) => leads_to(&inner.elem),
        Type::Slice(inner) => leads_to(&inner.elem).map(|of| format!("[{of}]")),
        Type::ImplTrait(several) => several.bounds.iter().find_map(|bound| match bound {
            syn::TypeParamBound::Trait(bound) => Some(bound.path.segments.last()?.ident.to_string()),
            _ => None,
        }),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let list = last.ident == "Vec";
            let wrapper = ["Result", "Option", "Arc", "Mutex", "Vec", "Box"].contains(&last.ident.to_string().as_str());
            match &last.arguments {
                syn::PathArguments::AngleBracketed(args) if wrapper => args.args.iter().find_map(|arg| match arg {
                    syn::GenericArgument::Type(ty) => leads_to(ty).map(|of| if list { format!("[{of}]") } else { of }),
                    _ => None,
                }),
                _ => Some(last.ident.to_string()),
            }
        }
        _ => None,
    }
}

/// One of a list.
fn element(of: Option<String>) -> Option<String> {
    of.map(|of| of.strip_prefix('[').and_then(|of| of.strip_suffix(']')).map_or(of.clone(), str::to_string))
}

/// The types in a tuple, in whatever wrapper.
fn several(ty: &Type) -> Option<Vec<Option<String>>> {
    match ty {
        Type::Tuple(tuple) if !tuple.elems.is_empty() => Some(tuple.elems.iter().map(leads_to).collect()),
        Type::Path(path) => match &path.path.segments.last()?.arguments {
            syn::PathArguments::AngleBracketed(args) => args.args.iter().find_map(|arg| match arg {
                syn::GenericArgument::Type(ty) => several(ty),
                _ => None,
            }),
            _ => None,
        },
        _ => None,
    }
}

/// Whether an interface is one of ours.
fn is_ours(interface: &syn::Path, defined: &BTreeSet<String>) -> bool {
    let foreign = interface.segments.first().is_some_and(|first| first.ident == "std");
    !foreign && interface.segments.last().is_some_and(|last| defined.contains(&last.ident.to_string()))
}

fn is_test(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|attr| {
        attr.path().is_ident("cfg") && attr.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

impl Defined {
    fn name(&mut self, ident: &Ident) -> String {
        let name = ident.to_string();
        self.names.insert(name.clone());
        name
    }

    fn item(&mut self, ident: &Ident) {
        let name = self.name(ident);
        self.items.insert(name);
    }

    fn member(&mut self, of: &str, ident: &Ident, gives: Option<String>) {
        let name = self.name(ident);
        self.types.entry(of.to_string()).or_default().members.insert(name, gives);
    }

    fn signature(&mut self, sig: &syn::Signature) {
        if let ReturnType::Type(_, ty) = &sig.output
            && let Some(parts) = several(ty)
        {
            self.tuples.insert(sig.ident.to_string(), parts);
        }
        let Some(of) = self.of.clone() else { return };
        let gives = match &sig.output {
            ReturnType::Type(_, ty) => leads_to(ty).map(|name| if name == "Self" { of.clone() } else { name }),
            ReturnType::Default => None,
        };
        self.member(&of, &sig.ident, gives);
    }
}

impl<'ast> Visit<'ast> for Defined {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(module) if is_test(&module.attrs) => return,
            Item::Mod(module) => self.item(&module.ident),
            Item::Fn(function) => {
                self.item(&function.sig.ident);
                self.signature(&function.sig);
                if let ReturnType::Type(_, ty) = &function.sig.output {
                    self.functions.insert(function.sig.ident.to_string(), leads_to(ty));
                }
            }
            Item::Const(constant) => self.item(&constant.ident),
            Item::Type(alias) => self.item(&alias.ident),
            Item::Struct(item) => {
                self.item(&item.ident);
                let of = item.ident.to_string();
                for field in &item.fields {
                    if let Some(ident) = &field.ident {
                        let name = self.name(ident);
                        self.types.entry(of.clone()).or_default().fields.insert(name, leads_to(&field.ty));
                    }
                }
            }
            Item::Enum(item) => {
                self.item(&item.ident);
                for variant in &item.variants {
                    self.member(&item.ident.to_string(), &variant.ident, None);
                    for field in &variant.fields {
                        if let Some(ident) = &field.ident {
                            self.name(ident);
                        }
                    }
                }
            }
            Item::Trait(item) => {
                self.item(&item.ident);
                self.of = Some(item.ident.to_string());
                for member in &item.items {
                    if let syn::TraitItem::Fn(function) = member {
                        self.signature(&function.sig);
                    }
                }
            }
            Item::Impl(item) if item.trait_.is_none() => {
                self.of = leads_to(&item.self_ty);
                for member in &item.items {
                    match member {
                        syn::ImplItem::Fn(function) => self.signature(&function.sig),
                        syn::ImplItem::Const(constant) => {
                            let of = self.of.clone().unwrap();
                            self.member(&of, &constant.ident, None);
                        }
                        _ => {}
                    }
                }
            }
            Item::Impl(item) => {
                let interface = item.trait_.as_ref().and_then(|(_, path, _)| path.get_ident());
                if let (Some(of), Some(interface)) = (leads_to(&item.self_ty), interface) {
                    self.interfaces.entry(of).or_default().insert(interface.to_string());
                }
            }
            _ => {}
        }
        visit::visit_item(self, item);
        self.of = None;
    }

    fn visit_pat_ident(&mut self, pat: &'ast syn::PatIdent) {
        if pat.ident != "self" {
            self.name(&pat.ident);
        }
        visit::visit_pat_ident(self, pat);
    }

    fn visit_macro(&mut self, found: &'ast syn::Macro) {
        // `matches!` binds names.
        if let Some((_, pat, _)) = matches_parts(found) {
            let mut bound = Bound(self);
            bound.visit_pat(&pat);
        }
    }
}

/// Collects the names that a pattern binds.
struct Bound<'a>(&'a mut Defined);

impl Visit<'_> for Bound<'_> {
    fn visit_pat_ident(&mut self, pat: &syn::PatIdent) {
        self.0.name(&pat.ident);
    }
}

/// The parts of a `matches!`.
fn matches_parts(found: &syn::Macro) -> Option<(Expr, Pat, Option<Expr>)> {
    if !found.path.is_ident("matches") {
        return None;
    }
    let parts = |input: syn::parse::ParseStream<'_>| {
        let value = input.parse()?;
        input.parse::<syn::Token![,]>()?;
        let pat = Pat::parse_multi_with_leading_vert(input)?;
        let guard = if input.parse::<Option<syn::Token![if]>>()?.is_some() { Some(input.parse()?) } else { None };
        Ok((value, pat, guard))
    };
    parts.parse2(found.tokens.clone()).ok()
}

/// Collects what is to be put where.
struct Renamer<'a> {
    defined: &'a Defined,
    names: &'a BTreeMap<String, String>,
    edits: BTreeMap<usize, (usize, String)>,
    /// The type whose methods are looked at.
    of: Option<String>,
    /// The interface that is implemented is ours.
    ours: bool,
    /// Names that the file takes from others, or defines.
    imported: BTreeSet<String>,
    /// What the variables of the function lead to.
    variables: HashMap<String, Option<String>>,
}

impl<'a> Renamer<'a> {
    fn new(defined: &'a Defined, names: &'a BTreeMap<String, String>) -> Renamer<'a> {
        Renamer {
            defined,
            names,
            edits: BTreeMap::new(),
            of: None,
            ours: true,
            imported: BTreeSet::new(),
            variables: HashMap::new(),
        }
    }

    fn put(&mut self, span: Span, text: String) {
        let range = span.byte_range();
        self.edits.insert(range.start, (range.end, text));
    }

    fn rename(&mut self, ident: &Ident) {
        if let Some(new) = self.names.get(&ident.to_string()) {
            self.put(ident.span(), new.clone());
        }
    }

    fn apply(&self, text: &str) -> String {
        let (mut out, mut at) = (String::new(), 0);
        for (start, (end, new)) in &self.edits {
            out.push_str(&text[at..*start]);
            out.push_str(new);
            at = *end;
        }
        out + &text[at..]
    }

    fn is_member(&self, of: &str, name: &str) -> bool {
        self.member(of, name).is_some()
    }

    /// What a member of a type, or of an interface that it has, leads to.
    fn member(&self, of: &str, name: &str) -> Option<Option<String>> {
        let interfaces = self.defined.interfaces.get(of).into_iter().flatten().map(String::as_str);
        std::iter::once(of).chain(interfaces).find_map(|of| self.defined.types.get(of)?.members.get(name).cloned())
    }

    /// The type of ours that `expr` leads to, as far as that is plain.
    fn type_of(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Path(path) if path.path.segments.len() > 1 => {
                let of = path.path.segments[path.path.segments.len() - 2].ident.to_string();
                self.defined.types.contains_key(&of).then_some(of)
            }
            Expr::Path(path) => {
                let name = path.path.get_ident()?.to_string();
                if name == "self" { self.of.clone() } else { self.variables.get(&name).cloned().flatten() }
            }
            Expr::Field(field) => {
                let base = self.type_of(&field.base)?;
                let Member::Named(name) = &field.member else { return None };
                self.defined.types.get(&base)?.fields.get(&name.to_string()).cloned().flatten()
            }
            Expr::MethodCall(call) => {
                let receiver = self.type_of(&call.receiver);
                let name = call.method.to_string();
                let own = receiver.as_ref().and_then(|of| self.member(of, &name));
                own.unwrap_or_else(|| {
                    let same = [
                        "lock",
                        "clone",
                        "as_ref",
                        "as_mut",
                        "unwrap",
                        "take",
                        "ok_or",
                        "ok_or_else",
                        "iter",
                        "into_inner",
                        "unwrap_or_default",
                        "transpose",
                        "rev",
                        "into_iter",
                        "iter_mut",
                    ];
                    match name.as_str() {
                        "last" | "first" | "pop" => element(receiver),
                        _ => receiver.filter(|_| same.contains(&name.as_str())),
                    }
                })
            }
            Expr::Call(call) => {
                let Expr::Path(path) = &*call.func else { return None };
                let mut segments = path.path.segments.iter().rev().map(|segment| segment.ident.to_string());
                let (function, of) = (segments.next()?, segments.next());
                let of = of.map(|of| if of == "Self" { self.of.clone().unwrap_or(of) } else { of });
                if function == "default" {
                    return of;
                }
                match of.and_then(|of| self.member(&of, &function)) {
                    Some(gives) => gives,
                    None if self.defined.functions.contains_key(&function) => self.defined.functions[&function].clone(),
                    None if matches!(function.as_str(), "Some" | "Ok" | "new" | "clone") => {
                        self.type_of(call.args.first()?)
                    }
                    None => None,
                }
            }
            Expr::Struct(record) => {
                let name = record.path.segments.last()?.ident.to_string();
                if name == "Self" { self.of.clone() } else { Some(name) }
            }
            Expr::Match(choice) => choice.arms.iter().find_map(|arm| self.type_of(&arm.body)),
            Expr::Try(inner) => self.type_of(&inner.expr),
            Expr::Reference(inner) => self.type_of(&inner.expr),
            Expr::Paren(inner) => self.type_of(&inner.expr),
            Expr::Unary(inner) => self.type_of(&inner.expr),
            Expr::Index(index) => element(self.type_of(&index.expr)),
            _ => None,
        }
    }

    /// What the parts of a tuple lead to.
    fn parts_of(&self, expr: &Expr) -> Option<Vec<Option<String>>> {
        let name = match expr {
            Expr::Try(inner) => return self.parts_of(&inner.expr),
            Expr::MethodCall(call)
                if matches!(call.method.to_string().as_str(), "unwrap_or" | "ok_or" | "ok_or_else") =>
            {
                return self.parts_of(&call.receiver);
            }
            Expr::MethodCall(call) => call.method.to_string(),
            Expr::Call(call) => match &*call.func {
                Expr::Path(path) => path.path.segments.last()?.ident.to_string(),
                _ => return None,
            },
            _ => return None,
        };
        self.defined.tuples.get(&name).cloned()
    }

    /// Notes what the variables of a pattern lead to.
    fn bind(&mut self, pat: &Pat, of: Option<String>) {
        match pat {
            Pat::Ident(ident) => drop(self.variables.insert(ident.ident.to_string(), of)),
            Pat::Reference(inner) => self.bind(&inner.pat, of),
            Pat::Type(typed) => self.bind(&typed.pat, leads_to(&typed.ty)),
            Pat::TupleStruct(tuple) if tuple.elems.len() == 1 => {
                let variant = tuple.path.segments.last().map(|segment| segment.ident.to_string());
                let named = variant.filter(|name| self.defined.types.contains_key(name));
                self.bind(&tuple.elems[0], named.or(of));
            }
            Pat::Tuple(tuple) => tuple.elems.iter().for_each(|pat| self.bind(pat, None)),
            _ => {}
        }
    }

    /// A path: what comes behind `crate`, `super`, `self` and behind names of ours is ours.
    fn path(&mut self, path: &syn::Path) {
        let mut before: Option<String> = None;
        for (at, segment) in path.segments.iter().enumerate() {
            let name = segment.ident.to_string();
            let ours = match &before {
                None if at == 0 && PRELUDE.contains(&name.as_str()) && !self.imported.contains(&name) => false,
                None if at == 0 => {
                    self.defined.items.contains(&name) || self.variables.contains_key(&name) && path.segments.len() == 1
                }
                Some(before) if matches!(before.as_str(), "crate" | "super" | "self") => true,
                Some(before) if before == "Self" => self.of.clone().is_some_and(|of| self.is_member(&of, &name)),
                Some(before) if self.defined.types.contains_key(before) => self.is_member(before, &name),
                Some(before) => self.defined.items.contains(before) && self.defined.items.contains(&name),
                None => false,
            };
            if ours {
                self.rename(&segment.ident);
            } else if !matches!(name.as_str(), "crate" | "super" | "self" | "Self") && at == 0 {
                break;
            }
            before = Some(name);
        }
        for segment in &path.segments {
            visit::visit_path_arguments(self, &segment.arguments);
        }
    }

    fn use_tree(&mut self, tree: &UseTree, ours: Option<bool>) {
        match tree {
            UseTree::Path(path) => {
                let name = path.ident.to_string();
                let root = matches!(name.as_str(), "crate" | "super" | "self");
                let ours = ours.unwrap_or_else(|| root || self.defined.items.contains(&name));
                if ours && !root {
                    self.rename(&path.ident);
                }
                self.use_tree(&path.tree, Some(ours));
            }
            UseTree::Name(name) if ours == Some(true) && name.ident != "self" => {
                self.imported.insert(name.ident.to_string());
                self.rename(&name.ident);
            }
            UseTree::Rename(name) if ours == Some(true) => self.rename(&name.ident),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.use_tree(tree, ours)),
            _ => {}
        }
    }

    /// A text: names of variables in braces, and what looks like a part of a file name.
    fn text(&mut self, literal: &syn::LitStr, is_format: bool) {
        let old = literal.token().to_string();
        let Some(inner) = old.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return };
        let is_name = !inner.is_empty() && !inner.contains([' ', '\\']) && inner != ".";
        let (mut new, mut rest) = (String::from("\""), inner);
        while let Some(c) = rest.chars().next() {
            let word = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
            if c == '{' && is_format {
                let end = rest.find('}').map_or(rest.len(), |at| at + 1);
                let name = &rest[1..1 + word(&rest[1..])];
                new += "{";
                new += self.names.get(name).map_or(name, String::as_str);
                new += &rest[1 + name.len()..end];
                rest = &rest[end..];
            } else if word(rest) > 0 {
                let part = &rest[..word(rest)];
                if is_name {
                    new += &part.bytes().map(scrambled).collect::<String>()
                } else {
                    new += part
                }
                rest = &rest[part.len()..];
            } else {
                new.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        self.put(literal.span(), new + "\"");
    }
}

/// Another letter for a letter.
fn scrambled(letter: u8) -> char {
    match letter {
        b'a'..=b'z' => ((letter - b'a' + 13) % 26 + b'a') as char,
        b'A'..=b'Z' => ((letter - b'A' + 13) % 26 + b'A') as char,
        other => other as char,
    }
}

impl<'ast> Visit<'ast> for Renamer<'_> {
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(module) if is_test(&module.attrs) => {
                let range = module.span().byte_range();
                self.edits.insert(range.start, (range.end, String::new()));
                return;
            }
            Item::Mod(module) => self.rename(&module.ident),
            Item::Use(item) => return self.use_tree(&item.tree, None),
            Item::Const(item) => self.rename(&item.ident),
            Item::Type(item) => {
                // A type alias is told by what it stands for, which can have the same name.
                self.rename(&item.ident);
            }
            Item::Struct(item) => self.rename(&item.ident),
            Item::Enum(item) => self.rename(&item.ident),
            Item::Trait(item) => {
                self.rename(&item.ident);
                self.of = Some(item.ident.to_string());
            }
            Item::Impl(item) => {
                self.of = leads_to(&item.self_ty);
                self.ours = item.trait_.as_ref().is_none_or(|(_, path, _)| is_ours(path, &self.defined.items));
            }
            _ => {}
        }
        visit::visit_item(self, item);
        (self.of, self.ours) = (None, true);
    }

    fn visit_signature(&mut self, sig: &'ast syn::Signature) {
        self.variables.clear();
        if self.ours {
            self.rename(&sig.ident);
        }
        for input in &sig.inputs {
            if let syn::FnArg::Typed(typed) = input {
                self.bind(&typed.pat, leads_to(&typed.ty));
            }
        }
        visit::visit_signature(self, sig);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        if self.ours {
            self.rename(&item.ident);
        }
        visit::visit_impl_item_const(self, item);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.rename(&variant.ident);
        visit::visit_variant(self, variant);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if let Some(ident) = &field.ident {
            self.rename(ident);
        }
        visit::visit_field(self, field);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let Some(init) = &local.init {
            self.visit_expr(&init.expr);
            if let Some((_, other)) = &init.diverge {
                self.visit_expr(other);
            }
        }
        let of = local.init.as_ref().and_then(|init| self.type_of(&init.expr));
        let parts = local.init.as_ref().and_then(|init| self.parts_of(&init.expr));
        match (&local.pat, parts) {
            (Pat::Tuple(tuple), Some(parts)) => {
                tuple.elems.iter().zip(parts).for_each(|(pat, of)| self.bind(pat, of));
            }
            (pat, _) => self.bind(pat, of),
        }
        self.visit_pat(&local.pat);
    }

    fn visit_expr_let(&mut self, expr: &'ast syn::ExprLet) {
        self.visit_expr(&expr.expr);
        let of = self.type_of(&expr.expr);
        self.bind(&expr.pat, of);
        self.visit_pat(&expr.pat);
    }

    fn visit_expr_for_loop(&mut self, expr: &'ast syn::ExprForLoop) {
        let of = element(self.type_of(&expr.expr));
        self.bind(&expr.pat, of);
        visit::visit_expr_for_loop(self, expr);
    }

    fn visit_expr_match(&mut self, expr: &'ast syn::ExprMatch) {
        self.visit_expr(&expr.expr);
        let of = self.type_of(&expr.expr);
        for arm in &expr.arms {
            self.bind(&arm.pat, of.clone());
            self.visit_arm(arm);
        }
    }

    fn visit_pat_ident(&mut self, pat: &'ast syn::PatIdent) {
        let name = pat.ident.to_string();
        if name != "self" {
            self.variables.entry(name).or_default();
            self.rename(&pat.ident);
        }
        visit::visit_pat_ident(self, pat);
    }

    fn visit_pat_struct(&mut self, pat: &'ast syn::PatStruct) {
        self.path(&pat.path);
        for field in &pat.fields {
            if let Member::Named(name) = &field.member {
                self.rename(name);
            }
            self.visit_pat(&field.pat);
        }
    }

    fn visit_expr_struct(&mut self, record: &'ast syn::ExprStruct) {
        self.path(&record.path);
        for field in &record.fields {
            if let Member::Named(name) = &field.member {
                self.rename(name);
            }
            if field.colon_token.is_some() {
                self.visit_expr(&field.expr);
            }
        }
        if let Some(rest) = &record.rest {
            self.visit_expr(rest);
        }
    }

    fn visit_expr_field(&mut self, field: &'ast syn::ExprField) {
        self.visit_expr(&field.base);
        if let Member::Named(name) = &field.member
            && self.type_of(&field.base).as_deref() != Some("Range")
        {
            self.rename(name);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.visit_expr(&call.receiver);
        let name = call.method.to_string();
        let of = self.type_of(&call.receiver);
        let known = self.defined.types.values().any(|ty| ty.members.contains_key(&name));
        let ours = match of {
            Some(list) if list.starts_with('[') => known && !SHARED.contains(&name.as_str()),
            Some(of) if self.defined.types.contains_key(&of) => {
                // A type may also have the methods of an interface of ours.
                self.is_member(&of, &name) || known && !SHARED.contains(&name.as_str())
            }
            _ => known && !SHARED.contains(&name.as_str()),
        };
        if ours {
            self.rename(&call.method);
        }
        if let Some(turbofish) = &call.turbofish {
            self.visit_angle_bracketed_generic_arguments(turbofish);
        }
        call.args.iter().for_each(|arg| self.visit_expr(arg));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.path(path);
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.text(literal, false);
    }

    fn visit_macro(&mut self, found: &'ast syn::Macro) {
        if let Some((value, pat, guard)) = matches_parts(found) {
            // The parts live in their own tree: they are visited while it does.
            let mut inner = Renamer {
                edits: BTreeMap::new(),
                of: self.of.clone(),
                imported: self.imported.clone(),
                variables: self.variables.clone(),
                ..*self
            };
            visit_parts(&mut inner, &value, &pat, guard.as_ref());
            self.edits.extend(inner.edits);
            return;
        }
        let Ok(args) = Punctuated::<Expr, syn::Token![,]>::parse_terminated.parse2(found.tokens.clone()) else {
            let repeat = |input: syn::parse::ParseStream<'_>| {
                let value: Expr = input.parse()?;
                input.parse::<syn::Token![;]>()?;
                Ok((value, input.parse::<Expr>()?))
            };
            if let Ok((value, count)) = repeat.parse2(found.tokens.clone()) {
                let mut inner = Renamer {
                    edits: BTreeMap::new(),
                    of: self.of.clone(),
                    imported: self.imported.clone(),
                    variables: self.variables.clone(),
                    ..*self
                };
                inner.visit_expr(&value);
                inner.visit_expr(&count);
                self.edits.extend(inner.edits);
            }
            return;
        };
        let is_format = ["format", "write", "writeln", "panic", "assert", "unreachable", "debug_assert"]
            .iter()
            .any(|name| found.path.is_ident(name));
        let mut inner = Renamer {
            edits: BTreeMap::new(),
            of: self.of.clone(),
            imported: self.imported.clone(),
            variables: self.variables.clone(),
            ..*self
        };
        for arg in &args {
            match arg {
                Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => inner.text(text, is_format),
                arg => inner.visit_expr(arg),
            }
        }
        self.edits.extend(inner.edits);
    }
}

fn visit_parts(renamer: &mut Renamer<'_>, value: &Expr, pat: &Pat, guard: Option<&Expr>) {
    renamer.visit_expr(value);
    renamer.visit_pat(pat);
    if let Some(guard) = guard {
        renamer.visit_expr(guard);
    }
}
