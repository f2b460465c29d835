//! Allows in Rust: comments `fsynclint: allow(rule-id) reason="…"` (on a line of their own before, or at the end of the line of, what
//! they are about), `fsynclint: allow-file(…)`, and attributes `#[cfg_attr(fsynclint, allow(rule_id, reason = "…"))]`.

use super::extract::Spans;
use super::hir::Sp;
use super::lex::{Scanner, Token};
use super::{Options, cfg, lex, skip_head};
use crate::source::{FileId, Span};
use crate::suppress::Allow;
use memchr::memmem;
use rustc_hash::FxHashSet;
use std::ops::Range;
use std::rc::Rc;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Attribute, Meta};

/// An allow in a text, as byte ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextAllow {
    pub at: Range<usize>,
    pub rules: Vec<(String, Range<usize>)>,
    pub reason: bool,
    pub target: Option<Range<usize>>,
    pub unreadable: Option<String>,
}

impl TextAllow {
    /// The same, in `file`.
    pub fn in_file(self, file: FileId) -> Allow {
        let span = |range: Range<usize>| Span::new(file, range.start as u32, range.end as u32);
        Allow {
            span: span(self.at),
            rules: self.rules.into_iter().map(|(rule, at)| (rule, span(at))).collect(),
            reason: self.reason,
            target: self.target.map(span),
            unreadable: self.unreadable,
        }
    }
}

/// The word that opens a comment that is for this program.
const NAME: &str = "fsynclint";

/// The allows in `text`, in order. None if it cannot be parsed: that is told elsewhere. Code that is left out has none.
pub fn read(text: &str, options: &Options) -> Vec<TextAllow> {
    if memmem::find(text.as_bytes(), NAME.as_bytes()).is_none() {
        return Vec::new();
    }
    let comments = Comments::read(text);
    let directives: Vec<Directive> =
        comments.all.iter().filter_map(|range| Directive::read(text, range.clone())).collect();
    let (base, body) = skip_head(text);
    if directives.is_empty() && !text.contains("cfg_attr") || lex::too_deep(body).is_some() {
        return Vec::new();
    }
    // The parser may panic on what it was not made for; whoever parses the file for its code says so.
    let places = std::panic::catch_unwind(|| Places::read(body, base, options)).ok().flatten();
    proc_macro2::extra::invalidate_current_thread_spans();
    let Some(places) = places else { return Vec::new() };
    let mut found = places.attributes.clone();
    for Directive { mut allow, whole_file } in directives {
        allow.target = if whole_file { Some(0..text.len()) } else { places.target(&comments, text, &allow.at) };
        found.push(allow);
    }
    found.retain(|allow| !places.left_out.iter().any(|out| out.start <= allow.at.start && allow.at.end <= out.end));
    found.sort_by_key(|allow| allow.at.start);
    found
}

/// The comments of a text and what stands between them.
struct Comments {
    all: Vec<Range<usize>>,
    tokens: Vec<Range<usize>>,
}

impl Comments {
    fn read(text: &str) -> Comments {
        let mut scanner = Scanner::new(text);
        scanner.comments = Some(Vec::new());
        let mut tokens = Vec::new();
        for token in scanner.by_ref() {
            tokens.push(match token {
                Token::Ident(range) | Token::Literal(range) => range,
                Token::Open(at) | Token::Close(at) | Token::Punct(at) => at..at + 1,
            });
        }
        Comments { all: scanner.comments.take().unwrap_or_default(), tokens }
    }
}

/// A comment that is for this program.
struct Directive {
    allow: TextAllow,
    whole_file: bool,
}

impl Directive {
    fn read(text: &str, comment: Range<usize>) -> Option<Directive> {
        let whole = &text[comment.clone()];
        let marks = whole.len() - whole.trim_start_matches(['/', '*', '!']).len();
        let inside = whole[marks..].strip_suffix("*/").filter(|_| whole.starts_with("/*")).unwrap_or(&whole[marks..]);
        let start = marks + inside.len() - inside.trim_start().len();
        let words = inside.trim();
        let named = words.strip_prefix(NAME)?.trim_start();
        let is_allow = |rest: &str| rest.starts_with("allow(") || rest.starts_with("allow-file(");
        let rest = match named.strip_prefix(':') {
            // A path, not a word to us.
            Some(rest) if rest.starts_with(':') => return None,
            Some(rest) => rest,
            None if is_allow(named) => named,
            None => return None,
        };
        let at = comment.start + start..comment.start + start + words.len();
        let allow = TextAllow { at: at.clone(), rules: Vec::new(), reason: false, target: None, unreadable: None };
        let mut directive = Directive { allow, whole_file: false };
        if matches!(whole.as_bytes(), [b'/', b'/', b'/' | b'!', ..] | [b'/', b'*', b'*' | b'!', ..]) {
            // Documentation speaks of this program as of anything else.
            if !is_allow(rest.trim_start()) {
                return None;
            }
            directive.allow.unreadable = Some("this is documentation: an allow stands in a plain comment, `//`".into());
        } else if rest == named {
            directive.allow.unreadable = Some("`:` is missing behind `fsynclint`".into());
        } else {
            let mut words = Words { text, at: at.end - rest.len(), end: at.end };
            directive.allow.unreadable = directive.words(&mut words).err();
        }
        Some(directive)
    }

    /// `allow(rule, rule) reason="…"`.
    fn words(&mut self, words: &mut Words<'_>) -> Result<(), String> {
        match words.word() {
            "allow" => {}
            "allow-file" => self.whole_file = true,
            "" => return Err("what is to be done is missing: `allow(rule-id)`".into()),
            other => return Err(format!("there is no `{other}`, only `allow` and `allow-file`")),
        }
        words.expect('(')?;
        loop {
            let (rule, at) = words.ranged_word();
            if rule.is_empty() {
                return Err("a rule's id is missing in the brackets".into());
            }
            self.allow.rules.push((rule.to_string(), at));
            if words.eat(',') && !words.eat(')') {
                continue;
            }
            break;
        }
        if !words.text[..words.at].ends_with(')') {
            words.expect(')')?;
        }
        words.eat(',');
        let behind = words.rest();
        match words.word() {
            "" if behind.is_empty() => Ok(()),
            "reason" => {
                words.expect('=')?;
                self.allow.reason = !words.quoted()?.trim().is_empty();
                match words.rest() {
                    "" => Ok(()),
                    rest => Err(format!("`{rest}` behind the reason cannot be read")),
                }
            }
            _ => Err(format!("`{behind}` behind the brackets cannot be read: there is only `reason=\"…\"`")),
        }
    }
}

/// The words of a comment, read from the left.
struct Words<'t> {
    text: &'t str,
    at: usize,
    end: usize,
}

impl<'t> Words<'t> {
    fn rest(&mut self) -> &'t str {
        let rest = &self.text[self.at..self.end];
        self.at += rest.len() - rest.trim_start().len();
        &self.text[self.at..self.end]
    }

    fn ranged_word(&mut self) -> (&'t str, Range<usize>) {
        let rest = self.rest();
        let word = &rest
            [..rest.find(|letter: char| !(letter.is_alphanumeric() || "-_".contains(letter))).unwrap_or(rest.len())];
        let start = self.at;
        self.at += word.len();
        (word, start..self.at)
    }

    fn word(&mut self) -> &'t str {
        self.ranged_word().0
    }

    fn eat(&mut self, letter: char) -> bool {
        let found = self.rest().starts_with(letter);
        self.at += if found { letter.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, letter: char) -> Result<(), String> {
        if self.eat(letter) {
            return Ok(());
        }
        match self.rest().chars().next() {
            Some(other) => Err(format!("`{letter}` is missing before `{other}`")),
            None => Err(format!("`{letter}` is missing at the end")),
        }
    }

    fn quoted(&mut self) -> Result<&'t str, String> {
        self.expect('"')?;
        let rest = &self.text[self.at..self.end];
        let mut escaped = false;
        let closes = |letter: char| {
            let closes = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            closes
        };
        let end = rest.find(closes).ok_or("the reason has no closing `\"`")?;
        self.at += end + 1;
        Ok(&rest[..end])
    }
}

/// Where statements, items and their like stand.
struct Places {
    /// With their attributes, and where these end.
    all: Vec<(Range<usize>, usize)>,
    attributes: Vec<TextAllow>,
    left_out: Vec<Range<usize>>,
}

impl Places {
    fn read(body: &str, base: usize, options: &Options) -> Option<Places> {
        let file: syn::File = syn::parse_str(body).ok()?;
        let places = Places { all: Vec::new(), attributes: Vec::new(), left_out: Vec::new() };
        let end = base + body.len();
        let spans = Rc::new(Spans::new(body, base as u32));
        let mut finder = Finder { options, spans, places, read: FxHashSet::default() };
        finder.attributes(&file.attrs, Some(&(0..end)));
        if cfg::left_out(&file.attrs, options) {
            finder.places.left_out.push(0..end);
        }
        finder.visit_file(&file);
        Some(finder.places)
    }

    /// What a comment at `at` is about: what ends on its line, else what follows it.
    fn target(&self, comments: &Comments, text: &str, at: &Range<usize>) -> Option<Range<usize>> {
        let next = comments.tokens.partition_point(|token| token.start < at.start);
        if let Some(before) = next.checked_sub(1).map(|before| &comments.tokens[before])
            && !text[before.end..at.start].contains('\n')
        {
            return self.innermost(before.start);
        }
        let after = comments.tokens.get(next)?;
        if matches!(&text[after.clone()], "}" | ")" | "]") {
            return None;
        }
        // A comment may stand among the attributes of what it is about.
        let core = |head: usize| comments.tokens.get(comments.tokens.partition_point(|token| token.start < head));
        let starts = self.all.iter().filter(|(range, head)| {
            range.start <= after.start && core(*head).is_some_and(|core| after.start <= core.start)
        });
        let outermost = starts.max_by_key(|(range, _)| range.end - range.start);
        outermost.map(|(range, _)| range.clone()).or_else(|| self.innermost(after.start))
    }

    /// The smallest that holds the byte at `at`.
    fn innermost(&self, at: usize) -> Option<Range<usize>> {
        let around = self.all.iter().map(|(range, _)| range).filter(|range| range.contains(&at));
        around.min_by_key(|range| range.end - range.start).cloned()
    }
}

struct Finder<'a> {
    options: &'a Options,
    spans: Rc<Spans>,
    places: Places,
    /// Where the attributes start that were read with what they are on.
    read: FxHashSet<usize>,
}

impl Finder<'_> {
    fn range(&self, node: &impl Spanned) -> Range<usize> {
        let span = node.span();
        let Sp { lo, hi } = self.spans.sp(span);
        lo as usize..hi as usize
    }

    /// Notes a place.
    fn place(&mut self, node: &impl Spanned, attrs: &[Attribute]) {
        let range = self.range(node);
        let head =
            attrs.iter().filter(|attr| matches!(attr.style, syn::AttrStyle::Outer)).map(|attr| self.range(attr).end);
        let head = head.max().unwrap_or(range.start);
        self.attributes(attrs, Some(&range));
        if cfg::left_out(attrs, self.options) {
            self.places.left_out.push(range.clone());
        }
        self.places.all.push((range, head));
    }

    /// Notes what `attrs` allow in `target`; `None`: they are on something that nothing is reported of.
    fn attributes(&mut self, attrs: &[Attribute], target: Option<&Range<usize>>) {
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("cfg_attr")) {
            let at = self.range(attr);
            if !self.read.insert(at.start) || !mentions_us(&attr.meta) {
                continue;
            }
            let whole = TextAllow {
                at,
                rules: Vec::new(),
                reason: false,
                target: target.cloned(),
                unreadable: Some(format!("the attribute cannot be read: {ATTRIBUTE}")),
            };
            let parts = attr.parse_args_with(Punctuated::<Meta, syn::Token![,]>::parse_terminated).unwrap_or_default();
            let mut parts = parts.iter();
            match parts.next() {
                Some(Meta::Path(condition)) if condition.is_ident(NAME) && parts.len() > 0 => {
                    let allows: Vec<TextAllow> = parts.map(|part| self.attribute(part, whole.clone())).collect();
                    self.places.attributes.extend(allows);
                }
                Some(Meta::List(condition)) if mentions(&condition.tokens) => {
                    let message = format!("the condition of an allow is `{NAME}` alone: {ATTRIBUTE}");
                    self.places.attributes.push(TextAllow { unreadable: Some(message), ..whole });
                }
                // Of another condition, what stands behind it is not about this program.
                Some(_) if parts.len() > 0 => {}
                _ => self.places.attributes.push(whole),
            }
        }
    }

    /// What `meta` allows, given what is known of the attribute it stands in.
    fn attribute(&self, meta: &Meta, whole: TextAllow) -> TextAllow {
        let mut allow = TextAllow { unreadable: None, ..whole };
        let list = meta.require_list().ok().filter(|list| list.path.is_ident("allow"));
        let parts =
            list.and_then(|list| list.parse_args_with(Punctuated::<Meta, syn::Token![,]>::parse_terminated).ok());
        if parts.is_none() && list.is_some_and(|list| list.tokens.to_string().contains('-')) {
            allow.unreadable = Some(format!("in an attribute, `_` stands for `-`: {ATTRIBUTE}"));
        }
        for part in parts.iter().flatten() {
            match part {
                // `rule_id` or `fsynclint::rule_id`.
                Meta::Path(path) => {
                    let name = path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
                    allow.rules.push((name.replace('_', "-"), self.range(path)));
                }
                Meta::NameValue(pair) if pair.path.is_ident("reason") => {
                    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else { continue };
                    allow.reason = !text.value().trim().is_empty();
                }
                _ => allow.unreadable = Some(format!("the attribute cannot be read: {ATTRIBUTE}")),
            }
        }
        if allow.rules.is_empty() && allow.unreadable.is_none() {
            allow.unreadable = Some(format!("the attribute allows nothing: {ATTRIBUTE}"));
        }
        allow
    }
}

/// How an allow is written as an attribute.
const ATTRIBUTE: &str = "`#[cfg_attr(fsynclint, allow(rule_id, reason = \"…\"))]`";

/// Whether this program is named in an attribute.
fn mentions_us(meta: &Meta) -> bool {
    matches!(meta, Meta::List(list) if mentions(&list.tokens))
}

fn mentions(tokens: &proc_macro2::TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        proc_macro2::TokenTree::Ident(name) => name == NAME,
        proc_macro2::TokenTree::Group(group) => mentions(&group.stream()),
        _ => false,
    })
}

/// The attributes of an item.
fn item_attributes(item: &syn::Item) -> &[Attribute] {
    use syn::Item as I;
    match item {
        I::Const(item) => &item.attrs,
        I::Enum(item) => &item.attrs,
        I::ExternCrate(item) => &item.attrs,
        I::Fn(item) => &item.attrs,
        I::ForeignMod(item) => &item.attrs,
        I::Impl(item) => &item.attrs,
        I::Macro(item) => &item.attrs,
        I::Mod(item) => &item.attrs,
        I::Static(item) => &item.attrs,
        I::Struct(item) => &item.attrs,
        I::Trait(item) => &item.attrs,
        I::TraitAlias(item) => &item.attrs,
        I::Type(item) => &item.attrs,
        I::Union(item) => &item.attrs,
        I::Use(item) => &item.attrs,
        _ => &[],
    }
}

impl<'t> Visit<'t> for Finder<'_> {
    fn visit_item(&mut self, item: &'t syn::Item) {
        self.place(item, item_attributes(item));
        syn::visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'t syn::ImplItem) {
        let attrs: &[Attribute] = match item {
            syn::ImplItem::Const(item) => &item.attrs,
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            syn::ImplItem::Macro(item) => &item.attrs,
            _ => &[],
        };
        self.place(item, attrs);
        syn::visit::visit_impl_item(self, item);
    }

    fn visit_trait_item(&mut self, item: &'t syn::TraitItem) {
        let attrs: &[Attribute] = match item {
            syn::TraitItem::Const(item) => &item.attrs,
            syn::TraitItem::Fn(item) => &item.attrs,
            syn::TraitItem::Type(item) => &item.attrs,
            syn::TraitItem::Macro(item) => &item.attrs,
            _ => &[],
        };
        self.place(item, attrs);
        syn::visit::visit_trait_item(self, item);
    }

    fn visit_stmt(&mut self, stmt: &'t syn::Stmt) {
        match stmt {
            syn::Stmt::Local(local) => self.place(stmt, &local.attrs),
            syn::Stmt::Macro(mac) => self.place(stmt, &mac.attrs),
            syn::Stmt::Expr(expr, _) => self.place(stmt, expression_attributes(expr)),
            // Told as an item.
            syn::Stmt::Item(_) => {}
        }
        syn::visit::visit_stmt(self, stmt);
    }

    fn visit_attribute(&mut self, attr: &'t Attribute) {
        self.attributes(std::slice::from_ref(attr), None);
    }

    fn visit_arm(&mut self, arm: &'t syn::Arm) {
        self.place(arm, &arm.attrs);
        syn::visit::visit_arm(self, arm);
    }

    fn visit_field_value(&mut self, field: &'t syn::FieldValue) {
        self.place(field, &field.attrs);
        syn::visit::visit_field_value(self, field);
    }
}

/// The attributes of an expression that stands as a statement.
fn expression_attributes(expr: &syn::Expr) -> &[Attribute] {
    use syn::Expr as E;
    match expr {
        E::Array(expr) => &expr.attrs,
        E::Assign(expr) => &expr.attrs,
        E::Async(expr) => &expr.attrs,
        E::Await(expr) => &expr.attrs,
        E::Binary(expr) => &expr.attrs,
        E::Block(expr) => &expr.attrs,
        E::Break(expr) => &expr.attrs,
        E::Call(expr) => &expr.attrs,
        E::Cast(expr) => &expr.attrs,
        E::Closure(expr) => &expr.attrs,
        E::Const(expr) => &expr.attrs,
        E::Continue(expr) => &expr.attrs,
        E::Field(expr) => &expr.attrs,
        E::ForLoop(expr) => &expr.attrs,
        E::If(expr) => &expr.attrs,
        E::Index(expr) => &expr.attrs,
        E::Let(expr) => &expr.attrs,
        E::Lit(expr) => &expr.attrs,
        E::Loop(expr) => &expr.attrs,
        E::Macro(expr) => &expr.attrs,
        E::Match(expr) => &expr.attrs,
        E::MethodCall(expr) => &expr.attrs,
        E::Paren(expr) => &expr.attrs,
        E::Path(expr) => &expr.attrs,
        E::Range(expr) => &expr.attrs,
        E::Reference(expr) => &expr.attrs,
        E::Repeat(expr) => &expr.attrs,
        E::Return(expr) => &expr.attrs,
        E::Struct(expr) => &expr.attrs,
        E::Tuple(expr) => &expr.attrs,
        E::Unary(expr) => &expr.attrs,
        E::Try(expr) => &expr.attrs,
        E::Unsafe(expr) => &expr.attrs,
        E::While(expr) => &expr.attrs,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the only allow in `text` is about.
    fn target(text: &str) -> String {
        let found = read(text, &Options::default());
        assert_eq!(found.len(), 1, "{text}\n{found:?}");
        assert_eq!(found[0].unreadable, None, "{text}");
        found[0].target.clone().map_or_else(|| "nothing".into(), |range| text[range].to_string())
    }

    const ALLOW: &str = "// fsynclint: allow(ack-before-sync) reason=\"scratch\"";

    #[test]
    fn what_an_allow_is_about() {
        let with = |text: &str| target(&text.replace('@', ALLOW));
        assert_eq!(with("fn f() {\n    @\n    a(b)?;\n    c();\n}"), "a(b)?;");
        assert_eq!(with("fn f() {\n    a(b)?; @\n    c();\n}"), "a(b)?;");
        assert_eq!(
            with("fn f() {\n    x\n        .a(b)? @\n        .c();\n    d();\n}"),
            "x\n        .a(b)? // fsynclint: allow(ack-before-sync) reason=\"scratch\"\n        .c();"
        );
        assert_eq!(with("fn f() {\n    x\n        @\n        .c();\n}").lines().next(), Some("x"));
        assert_eq!(with("@\nfn f() { a(); }\nfn g() {}"), "fn f() { a(); }");
        assert_eq!(with("fn f() { @\n a();\n}\nfn g() {}").lines().last(), Some("}"));
        assert_eq!(with("/// Docs.\n@\n#[inline]\n// More.\npub fn f() {}").lines().next(), Some("/// Docs."));
        assert_eq!(with("@\n#[inline]\nfn f() {}"), "#[inline]\nfn f() {}");
        assert_eq!(with("impl A {\n    @\n    fn f() {}\n    fn g() {}\n}"), "fn f() {}");
        assert_eq!(with("@\nimpl A {\n    fn f() {}\n}"), "impl A {\n    fn f() {}\n}");
        assert_eq!(with("fn f() { match a {\n    B => c(), @\n    _ => d(),\n} }"), "B => c(),");
        assert_eq!(with("fn f() { a(|| {\n    b(); @\n    c();\n}); }"), "b();");
        assert_eq!(with("fn f() {\n    a();\n    @\n}"), "nothing");
        assert_eq!(with("fn f() {}\n@\n"), "nothing");
        assert_eq!(with("\u{feff}fn ä() {\n    let ü = 1; @\n}"), "let ü = 1;");
        assert_eq!(
            target("fn f() { /* fsynclint: allow(ack-before-sync) reason=\"x\" */ a(); b(); }"),
            "fn f() { /* fsynclint: allow(ack-before-sync) reason=\"x\" */ a(); b(); }"
        );
        let whole = "fn f() {}\n// fsynclint: allow-file(ack-before-sync) reason=\"x\"\nfn g() {}\n";
        assert_eq!(target(whole), whole);
    }

    #[test]
    fn attributes() {
        let text = "#[cfg_attr(fsynclint, allow(ack_before_sync, reason = \"x\"))]\nfn f() {}\nfn g() {}";
        assert_eq!(target(text).lines().last(), Some("fn f() {}"));
        let found = read(text, &Options::default());
        assert_eq!(found[0].rules[0].0, "ack-before-sync");
        assert!(found[0].reason);
        assert!(
            !read("#[cfg_attr(fsynclint, allow(fsynclint::ack_before_sync))] fn f() {}", &Options::default())[0].reason
        );
        assert_eq!(
            target("fn f() {\n    #[cfg_attr(fsynclint, allow(a))]\n    let x = b();\n}").lines().last(),
            Some("    let x = b();")
        );
        let whole = "#![cfg_attr(fsynclint, allow(a))]\nfn f() {}";
        assert_eq!(target(whole), whole);
        assert_eq!(read("#[cfg_attr(other, allow(a))] fn f() { fsynclint(); }", &Options::default()), []);
        for (attribute, message) in [
            ("fsynclint, deny(a)", "allows nothing"),
            ("fsynclint, allow(\"a\")", "allows nothing"),
            ("fsynclint, allow(rename-before-sync)", "`_` stands for `-`"),
            ("fsynclint", "cannot be read"),
            ("fsynclint +", "cannot be read"),
            ("all(fsynclint, unix), allow(a)", "`fsynclint` alone"),
            ("any(not(fsynclint)), allow(a)", "`fsynclint` alone"),
        ] {
            let found = read(&format!("#[cfg_attr({attribute})] fn f() {{}}"), &Options::default());
            let told = found.first().and_then(|allow| allow.unreadable.clone()).unwrap_or_default();
            assert!(found.len() == 1 && told.contains(message), "{attribute}: {found:?}");
        }
        // Of what no finding can be about, an allow is told.
        for text in [
            "struct S { #[cfg_attr(fsynclint, allow(a))] file: File }",
            "fn f(#[cfg_attr(fsynclint, allow(a))] file: File) {}",
            "fn f() { g(#[cfg_attr(fsynclint, allow(a))] h()); }",
        ] {
            assert_eq!(target(text), "nothing", "{text}");
        }
        assert_eq!(target("fn f() { #[cfg_attr(fsynclint, allow(a))] &h(); }").lines().count(), 1);
        assert_eq!(read("#[cfg_attr(unix, doc = \"fsynclint\")] fn f() {}", &Options::default()), []);
    }

    #[test]
    fn what_is_left_out_allows_nothing() {
        let test = format!("#[cfg(test)]\nmod tests {{\n    {ALLOW}\n    fn f() {{}}\n}}");
        assert_eq!(read(&test, &Options::default()), []);
        assert_eq!(read(&test, &Options { include_tests: true, ..Options::default() }).len(), 1);
        assert_eq!(read(&format!("#![cfg(windows)]\n{ALLOW}\nfn f() {{}}"), &Options::default()), []);
        assert_eq!(read("fn f() { let x = \"// fsynclint: allow(a)\"; }", &Options::default()), []);
        assert_eq!(read("// fsynclint::lint is called\n// fsynclint is a tool\nfn f() {}", &Options::default()), []);
        assert_eq!(read(&format!("fn f( {{ {ALLOW}\n"), &Options::default()), []);
    }

    #[test]
    fn what_cannot_be_read() {
        for (words, message) in [
            ("alow(a)", "there is no `alow`"),
            ("", "missing"),
            ("allow", "`(` is missing at the end"),
            ("allow()", "a rule's id is missing"),
            ("allow(a", "`)` is missing at the end"),
            ("allow(a b)", "`)` is missing before `b`"),
            ("allow(a) because", "`because` behind the brackets"),
            ("allow(a) reason", "`=` is missing"),
            ("allow(a) reason=x", "`\"` is missing before `x`"),
            ("allow(a) reason=\"x", "no closing"),
            ("allow(a) reason=\"x\" y", "`y` behind the reason"),
            ("allow(a) reason=\"x\\\"", "no closing"),
            ("allow(a) - it is fine", "`- it is fine` behind the brackets"),
        ] {
            let found = read(&format!("// fsynclint: {words}\nfn f() {{}}"), &Options::default());
            let told = found[0].unreadable.clone().unwrap_or_default();
            assert!(told.contains(message), "{words}: {told}");
        }
        let colon = read("// fsynclint allow(a) reason=\"x\"\nfn f() {}", &Options::default());
        assert!(colon[0].unreadable.as_ref().is_some_and(|told| told.contains("`:` is missing")));
        assert_eq!(read("// fsynclint allows it\nfn f() {}", &Options::default()), []);
        let docs = read("/// fsynclint: allow(a)\nfn f() {}", &Options::default());
        assert!(docs[0].unreadable.as_ref().is_some_and(|told| told.contains("documentation")));
        assert_eq!(read("/// fsynclint: allow it to run\nfn f() {}", &Options::default()), []);
        for words in [
            "allow(a, b)",
            "allow( a,b, )",
            "allow(a), reason = \"x\"",
            "allow(a) reason=\"\"",
            "allow(a) reason=\"a \\\"b\\\" 日本語\"",
        ] {
            let found = read(&format!("// fsynclint: {words}\nfn f() {{}}"), &Options::default());
            assert_eq!(found[0].unreadable, None, "{words}");
        }
    }
}
