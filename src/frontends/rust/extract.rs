//! From the parser's tree to [`super::hir`]: items. Expressions are in [`super::extract_expr`], macros in [`super::macros`].

use super::Options;
use super::cfg;
use super::hir::*;
use super::macros::MacroTable;
use memchr::memchr_iter;
use proc_macro2::Span as PmSpan;
use rustc_hash::{FxHashMap, FxHasher};
use std::cell::RefCell;
use std::fmt::Write;
use std::hash::Hasher;
use std::rc::Rc;
use std::sync::OnceLock;
use syn::spanned::Spanned;
use ustr::Ustr;

/// Turns the parser's line/column places into bytes of the file.
pub struct Spans {
    text: Rc<str>,
    line_starts: Vec<u32>,
    /// A column is a byte.
    ascii: bool,
    /// Where `text` starts in the file.
    base: u32,
    /// What was taken out of the file before: where it goes on, and how much further that is in the file.
    cuts: Vec<(u32, u32)>,
    /// For text that a macro made: token starts in it, and the place in the file each stands for.
    tokens: Option<Vec<(u32, Sp)>>,
}

impl Spans {
    pub fn new(text: &str, base: u32) -> Spans {
        let mut line_starts = vec![0];
        line_starts.extend(memchr_iter(b'\n', text.as_bytes()).map(|at| at as u32 + 1));
        Spans { text: text.into(), line_starts, ascii: text.is_ascii(), base, cuts: Vec::new(), tokens: None }
    }

    /// Of what is left of a file after `cuts` ([`Squeezed`](super::prefilter::Squeezed)), from the byte `base` on.
    pub fn squeezed(text: &str, base: u32, cuts: Vec<(u32, u32)>) -> Spans {
        Spans { cuts, ..Spans::new(text, base) }
    }

    pub fn made(text: &str, tokens: Vec<(u32, Sp)>) -> Spans {
        Spans { tokens: Some(tokens), ..Spans::new(text, 0) }
    }

    fn offset(&self, place: proc_macro2::LineColumn) -> u32 {
        let Some(&start) = self.line_starts.get(place.line.saturating_sub(1)) else { return self.text.len() as u32 };
        let line = &self.text[start as usize..];
        let bytes = line.as_bytes();
        let column = place.column;
        if column <= bytes.len() && (self.ascii || bytes[..column].is_ascii()) {
            return start + column as u32;
        }
        start + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at) as u32
    }

    /// Where a byte of the text stands in the file. No token ends where the file goes on behind a cut.
    fn in_file(&self, at: u32) -> u32 {
        let at = at + self.base;
        let before = self.cuts.partition_point(|(cut, _)| *cut <= at);
        at + before.checked_sub(1).map_or(0, |last| self.cuts[last].1)
    }

    /// The place in the file.
    pub fn sp(&self, span: PmSpan) -> Sp {
        let lo = self.offset(span.start());
        match &self.tokens {
            None => Sp { lo: self.in_file(lo), hi: self.in_file(self.offset(span.end()).max(lo)) },
            Some(tokens) => {
                let at = tokens.partition_point(|(start, _)| *start <= lo).saturating_sub(1);
                tokens.get(at).map_or(Sp::default(), |(_, place)| *place)
            }
        }
    }
}

/// Reads one file.
pub struct Extractor<'a> {
    pub options: &'a Options,
    pub macros: &'a MacroTable,
    /// Index of the file, for macros of the same file.
    pub file: usize,
    pub package: usize,
    pub spans: Rc<Spans>,
    /// Items found in function bodies, until the function takes them.
    pub inner: Vec<Item>,
    pub unread: Vec<Sp>,
    pub left_out: Vec<LeftOut>,
    /// How many functions were read.
    functions: usize,
    pub modules: Vec<Ustr>,
    /// Macros that were run in this file, by where their text lies.
    pub rules: FxHashMap<*const u8, Option<Rc<super::mbe::Rules>>>,
    /// The macros that are being run: where the text of each lies, which of its rules it is, and what it was given.
    pub running: Vec<(*const u8, usize, proc_macro2::TokenStream)>,
    /// How many bytes macros may still make in this file.
    pub budget: usize,
    /// Bodies that were taken out before parsing.
    pub without: &'a [std::ops::Range<usize>],
}

thread_local!(static NAMES: RefCell<Names> = RefCell::default());

/// An identifier, without `r#`.
pub fn name(ident: &proc_macro2::Ident) -> Ustr {
    NAMES.with_borrow_mut(|names| {
        names.text.clear();
        let _ = write!(names.text, "{ident}");
        names.known()
    })
}

/// A name that stands in a text without `r#`.
pub fn name_of(text: &str) -> Ustr {
    NAMES.with_borrow_mut(|names| {
        names.text.clear();
        names.text.push_str(text);
        names.known()
    })
}

/// The binary logarithm of how many names a thread remembers.
const KNOWN_BITS: u32 = 14;

/// Names that a thread has read last: the table of all names is one for all threads, and large.
struct Names {
    text: String,
    last: Vec<Ustr>,
}

impl Default for Names {
    fn default() -> Names {
        Names { text: String::new(), last: vec![Ustr::default(); 1 << KNOWN_BITS] }
    }
}

impl Names {
    /// The name that `text` is.
    fn known(&mut self) -> Ustr {
        let text = self.text.strip_prefix("r#").unwrap_or(&self.text);
        let mut hasher = FxHasher::default();
        hasher.write(text.as_bytes());
        let last = &mut self.last[(hasher.finish() >> (u64::BITS - KNOWN_BITS)) as usize];
        if *last != text {
            *last = text.into();
        }
        *last
    }
}

impl<'a> Extractor<'a> {
    /// For text of one file, of which nothing was read yet; macros may make so many bytes.
    pub fn new(
        options: &'a Options,
        macros: &'a MacroTable,
        (file, package): (usize, usize),
        spans: Spans,
        budget: usize,
        without: &'a [std::ops::Range<usize>],
    ) -> Extractor<'a> {
        Extractor {
            options,
            macros,
            file,
            package,
            spans: Rc::new(spans),
            inner: Vec::new(),
            unread: Vec::new(),
            left_out: Vec::new(),
            functions: 0,
            modules: Vec::new(),
            rules: Default::default(),
            running: Vec::new(),
            budget,
            without,
        }
    }
}

impl Extractor<'_> {
    pub fn file(&mut self, file: &syn::File) -> FileHir {
        if cfg::left_out(&file.attrs, self.options) {
            return FileHir { off: true, ..FileHir::default() };
        }
        let mut items = Vec::new();
        self.items(&file.items, &mut items);
        FileHir { items, left_out: std::mem::take(&mut self.left_out), off: false, functions: self.functions }
    }

    pub fn sp(&self, span: PmSpan) -> Sp {
        self.spans.sp(span)
    }

    pub fn items(&mut self, items: &[syn::Item], out: &mut Vec<Item>) {
        for item in items {
            // What is there without a feature is a program too. It has a place of its own if its module has a name of its own.
            match item {
                syn::Item::Mod(module) if self.off(&module.attrs) => {
                    let twin = items.iter().any(|other| {
                        matches!(other, syn::Item::Mod(other) if other.ident == module.ident && !self.off(&other.attrs))
                    });
                    let off = twin || cfg::left_out_always(&module.attrs, self.options);
                    self.module(module, off, out);
                }
                _ => self.item(item, out),
            }
        }
    }

    pub fn off(&self, attrs: &[syn::Attribute]) -> bool {
        !attrs.is_empty() && cfg::left_out(attrs, self.options)
    }

    pub fn item(&mut self, item: &syn::Item, out: &mut Vec<Item>) {
        use syn::Item as I;
        match item {
            I::Mod(item) => self.module(item, self.off(&item.attrs), out),
            I::Use(item) if !self.off(&item.attrs) => {
                let mut uses = Vec::new();
                use_tree(&item.tree, &mut Vec::new(), item.leading_colon.is_some(), &mut uses);
                out.push(Item { name: Ustr::default(), kind: ItemKind::Use(uses) });
            }
            I::ExternCrate(item) if !self.off(&item.attrs) => {
                let alias = item.rename.as_ref().map_or(&item.ident, |(_, alias)| alias);
                out.push(Item { name: name(alias), kind: ItemKind::ExternCrate { krate: name(&item.ident) } });
            }
            I::Struct(item) if !self.off(&item.attrs) => {
                let kind =
                    ItemKind::Struct { generics: self.generics(&item.generics), fields: self.fields(&item.fields) };
                out.push(Item { name: name(&item.ident), kind });
            }
            I::Union(item) if !self.off(&item.attrs) => {
                let fields =
                    Fields { list: item.fields.named.iter().map(|field| self.field(field, 0)).collect(), tuple: false };
                let kind = ItemKind::Struct { generics: self.generics(&item.generics), fields };
                out.push(Item { name: name(&item.ident), kind });
            }
            I::Enum(item) if !self.off(&item.attrs) => {
                let mut variants = Vec::new();
                for variant in &item.variants {
                    if !self.off(&variant.attrs) {
                        variants.push(Variant { name: name(&variant.ident), fields: self.fields(&variant.fields) });
                    }
                }
                let kind = ItemKind::Enum { generics: self.generics(&item.generics), variants };
                out.push(Item { name: name(&item.ident), kind });
            }
            I::Trait(item) if !self.off(&item.attrs) => self.trait_item(item, out),
            I::Impl(item) if !self.off(&item.attrs) => self.impl_item(item, out),
            I::Type(item) if !self.off(&item.attrs) => {
                let kind = ItemKind::Alias { generics: self.generics(&item.generics), ty: self.ty(&item.ty) };
                out.push(Item { name: name(&item.ident), kind });
            }
            I::Fn(item) if !self.off(&item.attrs) => {
                let public = is_public(&item.vis);
                let span = (first_token(&item.vis, &item.sig), item.block.brace_token.span.close());
                let def = self.function(&item.attrs, public, &item.sig, span, Some(&item.block));
                out.push(Item { name: def.name, kind: ItemKind::Fn(Box::new(def)) });
            }
            I::Const(item) if !self.off(&item.attrs) => {
                let global = self.global(&item.ident, &item.ty, Some(&item.expr));
                out.push(Item { name: global.name, kind: ItemKind::Const(Box::new(global)) });
            }
            I::Static(item) if !self.off(&item.attrs) => {
                let global = self.global(&item.ident, &item.ty, Some(&item.expr));
                out.push(Item { name: global.name, kind: ItemKind::Static(Box::new(global)) });
            }
            I::Macro(item) if !self.off(&item.attrs) => self.item_macro(&item.mac, out),
            _ => {}
        }
    }

    fn global(&mut self, ident: &proc_macro2::Ident, ty: &syn::Type, init: Option<&syn::Expr>) -> Global {
        Global { name: name(ident), ty: self.ty(ty), init: init.map(|init| self.expr(init)) }
    }

    fn module(&mut self, item: &syn::ItemMod, off: bool, out: &mut Vec<Item>) {
        let path = cfg::path_attribute(&item.attrs, self.options);
        self.modules.push(name(&item.ident));
        if off {
            if item.content.is_none() {
                self.left_out.push(LeftOut { modules: self.modules.clone(), path });
            }
        } else {
            let items = item.content.as_ref().map(|(_, items)| {
                let mut inside = Vec::new();
                self.items(items, &mut inside);
                inside
            });
            out.push(Item { name: name(&item.ident), kind: ItemKind::Mod { path, items } });
        }
        self.modules.pop();
    }

    fn trait_item(&mut self, item: &syn::ItemTrait, out: &mut Vec<Item>) {
        let public = is_public(&item.vis);
        let (mut fns, mut types) = (Vec::new(), Vec::new());
        for member in &item.items {
            match member {
                syn::TraitItem::Fn(member) if !self.off(&member.attrs) => {
                    let end = member.default.as_ref().map_or(member.sig.span(), |block| block.brace_token.span.close());
                    let span = (member.sig.span(), end);
                    fns.push(self.function(&member.attrs, public, &member.sig, span, member.default.as_ref()));
                }
                syn::TraitItem::Type(member) if !self.off(&member.attrs) => {
                    types.push((name(&member.ident), self.bounds(&member.bounds)));
                }
                _ => {}
            }
        }
        let (generics, supers) = (self.generics(&item.generics), self.bounds(&item.supertraits));
        let kind = ItemKind::Trait { generics, supers, fns, types };
        out.push(Item { name: name(&item.ident), kind });
    }

    fn impl_item(&mut self, item: &syn::ItemImpl, out: &mut Vec<Item>) {
        if matches!(&item.trait_, Some((Some(_), ..))) {
            return;
        }
        let mut found = Impl {
            generics: self.generics(&item.generics),
            self_ty: self.ty(&item.self_ty),
            of: item.trait_.as_ref().map(|(_, path, _)| self.path(path, None)),
            fns: Vec::new(),
            types: Vec::new(),
            consts: Vec::new(),
        };
        self.impl_members(&item.items, &mut found);
        out.push(Item { name: Ustr::default(), kind: ItemKind::Impl(Box::new(found)) });
    }

    fn impl_members(&mut self, members: &[syn::ImplItem], found: &mut Impl) {
        for member in members {
            match member {
                syn::ImplItem::Fn(member) if !self.off(&member.attrs) => {
                    let public = is_public(&member.vis) || found.of.is_some();
                    let start = if matches!(member.vis, syn::Visibility::Inherited) {
                        member.sig.span()
                    } else {
                        member.vis.span()
                    };
                    let span = (start, member.block.brace_token.span.close());
                    let def = self.function(&member.attrs, public, &member.sig, span, Some(&member.block));
                    found.fns.push(def);
                }
                syn::ImplItem::Type(member) => found.types.push((name(&member.ident), self.ty(&member.ty))),
                syn::ImplItem::Const(member) => {
                    let global = self.global(&member.ident, &member.ty, Some(&member.expr));
                    found.consts.push(global);
                }
                syn::ImplItem::Macro(member) => {
                    let place = self.sp(member.mac.path.span());
                    let made = self.expand(&member.mac, |reader, tokens| {
                        let parser = |input: syn::parse::ParseStream| {
                            let mut members = Vec::new();
                            while !input.is_empty() {
                                members.push(input.parse::<syn::ImplItem>()?);
                            }
                            Ok(members)
                        };
                        let members = syn::parse::Parser::parse2(parser, tokens).ok()?;
                        reader.impl_members(&members, found);
                        Some(())
                    });
                    if made.is_none() {
                        self.unread.push(place);
                    }
                }
                _ => {}
            }
        }
    }

    /// `span`: where the first token starts, and the last one.
    pub fn function(
        &mut self,
        attrs: &[syn::Attribute],
        public: bool,
        sig: &syn::Signature,
        span: (PmSpan, PmSpan),
        body: Option<&syn::Block>,
    ) -> FnDef {
        self.functions += 1;
        let outer = std::mem::take(&mut self.inner);
        let outer_unread = std::mem::take(&mut self.unread);
        let mut def = FnDef {
            name: name(&sig.ident),
            span: self.sp(span.0).to(self.sp(span.1)),
            name_span: self.sp(sig.ident.span()),
            public,
            docs: docs(attrs),
            generics: self.generics(&sig.generics),
            receiver: SelfKind::None,
            self_ty: None,
            params: Vec::new(),
            ret: match &sig.output {
                syn::ReturnType::Default => None,
                syn::ReturnType::Type(_, ty) => Some(self.ty(ty)),
            },
            is_async: sig.asyncness.is_some(),
            body: OnceLock::new(),
            body_at: None,
            later: false,
            inner: Vec::new(),
        };
        for input in &sig.inputs {
            match input {
                syn::FnArg::Receiver(receiver) => {
                    def.receiver = match (&receiver.reference, &receiver.mutability) {
                        (Some(_), Some(_)) => SelfKind::Mut,
                        (Some(_), None) => SelfKind::Ref,
                        (None, _) => SelfKind::Value,
                    };
                    if receiver.colon_token.is_some() {
                        def.self_ty = Some(self.ty(&receiver.ty));
                        def.receiver = match &*receiver.ty {
                            syn::Type::Reference(ty) if ty.mutability.is_some() => SelfKind::Mut,
                            syn::Type::Reference(_) => SelfKind::Ref,
                            syn::Type::Path(path) => pinned(path).unwrap_or(SelfKind::Value),
                            _ => SelfKind::Value,
                        };
                    }
                }
                syn::FnArg::Typed(param) if !self.off(&param.attrs) => {
                    let param = (self.pat(&param.pat), self.ty(&param.ty));
                    def.params.push(param);
                }
                syn::FnArg::Typed(_) => {}
            }
        }
        if let Some(body) = body {
            def.body_at = self.running.is_empty().then(|| self.sp(body.brace_token.span.open()).hi);
            let is_bare = body.stmts.iter().all(|stmt| matches!(stmt, syn::Stmt::Item(_)));
            def.later = is_bare && def.body_at.is_some_and(|start| self.taken_out(start));
            if def.later {
                self.stmts(&body.stmts);
            } else {
                let block = self.block(body, None);
                let unread = std::mem::take(&mut self.unread);
                def.body = OnceLock::from(Body { block, unread });
            }
        }
        def.inner = std::mem::replace(&mut self.inner, outer);
        self.unread = outer_unread;
        def
    }

    /// The body of a function that was taken out before.
    pub fn later_body(&mut self, body: &syn::Block) -> Body {
        let block = self.block(body, None);
        // What is declared in it is known from before.
        self.inner.clear();
        Body { block, unread: std::mem::take(&mut self.unread) }
    }

    /// Whether the body whose text starts there was taken out before parsing.
    fn taken_out(&self, start: u32) -> bool {
        self.without.binary_search_by_key(&(start as usize), |range| range.start).is_ok()
    }

    fn fields(&mut self, fields: &syn::Fields) -> Fields {
        let list = fields.iter().filter(|field| !self.off(&field.attrs)).collect::<Vec<_>>();
        let list = list.into_iter().enumerate().map(|(at, field)| self.field(field, at)).collect();
        Fields { list, tuple: matches!(fields, syn::Fields::Unnamed(_)) }
    }

    fn field(&mut self, field: &syn::Field, at: usize) -> (Ustr, Type) {
        let called = field.ident.as_ref().map_or_else(|| Ustr::from(&at.to_string()), name);
        (called, self.ty(&field.ty))
    }

    pub fn generics(&mut self, generics: &syn::Generics) -> Generics {
        let mut found = Generics::default();
        for param in &generics.params {
            match param {
                syn::GenericParam::Type(param) => {
                    let called = name(&param.ident);
                    found.params.push(called);
                    if !param.bounds.is_empty() {
                        found.bounds.push((lone(called), self.bounds(&param.bounds)));
                    }
                    if let Some(default) = &param.default {
                        found.defaults.push((called, self.ty(default)));
                    }
                }
                syn::GenericParam::Const(param) => found.consts.push(name(&param.ident)),
                syn::GenericParam::Lifetime(_) => {}
            }
        }
        for clause in generics.where_clause.iter().flat_map(|clause| &clause.predicates) {
            if let syn::WherePredicate::Type(clause) = clause {
                let bounded = self.ty(&clause.bounded_ty);
                let bounds = self.bounds(&clause.bounds);
                found.bounds.push((bounded, bounds));
            }
        }
        found
    }

    fn item_macro(&mut self, mac: &syn::Macro, out: &mut Vec<Item>) {
        let called = mac.path.segments.last().map(|last| name(&last.ident)).unwrap_or_default();
        match called.as_str() {
            "macro_rules" => {}
            "cfg_if" => {
                if let Some(tokens) = super::macros::cfg_if(mac, self.options)
                    && let Ok(file) = syn::parse2::<syn::File>(tokens)
                {
                    self.items(&file.items, out);
                }
            }
            "thread_local" | "lazy_static" => self.statics(mac.tokens.clone(), out),
            _ => {
                let made = self.expand(mac, |reader, tokens| {
                    let file = syn::parse2::<syn::File>(tokens).ok()?;
                    reader.items(&file.items, out);
                    Some(())
                });
                if made.is_none() && self.macros.find(called, self.file, self.package).is_none() {
                    // Somebody else's item macro: many (`cfg_rt! { … }`) just wrap items.
                    if let Ok(file) = syn::parse2::<syn::File>(mac.tokens.clone()) {
                        self.items(&file.items, out);
                    }
                }
            }
        }
    }

    /// `thread_local!` and `lazy_static!`: `static [ref] NAME: T = init;`
    fn statics(&mut self, tokens: proc_macro2::TokenStream, out: &mut Vec<Item>) {
        let parser = |input: syn::parse::ParseStream| {
            let mut found = Vec::new();
            while !input.is_empty() {
                input.call(syn::Attribute::parse_outer)?;
                input.parse::<syn::Visibility>()?;
                input.parse::<syn::Token![static]>()?;
                input.parse::<Option<syn::Token![ref]>>()?;
                let ident: syn::Ident = input.parse()?;
                input.parse::<syn::Token![:]>()?;
                let ty: syn::Type = input.parse()?;
                input.parse::<syn::Token![=]>()?;
                let init: syn::Expr = input.parse()?;
                input.parse::<Option<syn::Token![;]>>()?;
                found.push((ident, ty, init));
            }
            Ok(found)
        };
        for (ident, ty, init) in syn::parse::Parser::parse2(parser, tokens).unwrap_or_default() {
            let global = self.global(&ident, &ty, Some(&init));
            out.push(Item { name: global.name, kind: ItemKind::Static(Box::new(global)) });
        }
    }
}

/// Parses the body of a function, which may have attributes of its own.
pub fn body(input: syn::parse::ParseStream) -> syn::Result<syn::Block> {
    let inside;
    let brace_token = syn::braced!(inside in input);
    inside.call(syn::Attribute::parse_inner)?;
    Ok(syn::Block { brace_token, stmts: inside.call(syn::Block::parse_within)? })
}

pub fn lone(name: Ustr) -> Type {
    Type::Path(Path { leading: false, qself: None, segs: vec![Seg { name, args: Vec::new(), assoc: Vec::new() }] })
}

/// Where a function starts, its attributes not counted.
fn first_token(vis: &syn::Visibility, sig: &syn::Signature) -> PmSpan {
    if matches!(vis, syn::Visibility::Inherited) { sig.span() } else { vis.span() }
}

fn is_public(vis: &syn::Visibility) -> bool {
    matches!(vis, syn::Visibility::Public(_))
}

fn docs(attrs: &[syn::Attribute]) -> String {
    let mut docs = String::new();
    for attr in attrs {
        if let syn::Meta::NameValue(pair) = &attr.meta
            && pair.path.is_ident("doc")
            && let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value
        {
            if !docs.is_empty() {
                docs.push('\n');
            }
            docs.push_str(text.value().trim());
        }
    }
    docs
}

fn use_tree(tree: &syn::UseTree, prefix: &mut Vec<Ustr>, leading: bool, out: &mut Vec<Use>) {
    let mut add = |mut path: Vec<Ustr>, alias: Option<Ustr>| {
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        out.push(Use { leading, path, alias });
    };
    match tree {
        syn::UseTree::Path(tree) => {
            prefix.push(name(&tree.ident));
            use_tree(&tree.tree, prefix, leading, out);
            prefix.pop();
        }
        syn::UseTree::Name(tree) => {
            let mut path = prefix.clone();
            path.push(name(&tree.ident));
            let alias = if tree.ident == "self" { prefix.last().copied() } else { path.last().copied() };
            add(path, alias);
        }
        syn::UseTree::Rename(tree) => {
            let mut path = prefix.clone();
            path.push(name(&tree.ident));
            add(path, Some(name(&tree.rename)));
        }
        syn::UseTree::Glob(_) => add(prefix.clone(), None),
        syn::UseTree::Group(tree) => {
            for inner in &tree.items {
                use_tree(inner, prefix, leading, out);
            }
        }
    }
}

/// `Pin<&mut Self>` lends as `&mut self` does.
fn pinned(path: &syn::TypePath) -> Option<SelfKind> {
    let pin = path.path.segments.last().filter(|segment| segment.ident == "Pin")?;
    let syn::PathArguments::AngleBracketed(list) = &pin.arguments else { return None };
    match list.args.first()? {
        syn::GenericArgument::Type(syn::Type::Reference(ty)) => {
            Some(if ty.mutability.is_some() { SelfKind::Mut } else { SelfKind::Ref })
        }
        _ => None,
    }
}
