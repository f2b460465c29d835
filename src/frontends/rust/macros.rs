//! Macros: those everyone knows, those of the workspace (by [`super::mbe`]), and a guess for the rest.

use super::Options;
use super::extract::{Extractor, Spans, name};
use super::extract_expr::cfg_value;
use super::hir::*;
use super::mbe;
use proc_macro2::{TokenStream, TokenTree};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Token, parse2};
use ustr::{Ustr, ustr};

/// A `macro_rules!` of the workspace.
#[derive(Debug, Clone)]
pub struct MacroRules {
    pub file: usize,
    pub package: usize,
    /// The text between the outer brackets and where it starts in its file.
    pub text: Arc<str>,
    pub start: u32,
}

/// All of them, by name.
#[derive(Debug, Default)]
pub struct MacroTable {
    pub by_name: FxHashMap<Ustr, Vec<MacroRules>>,
}

impl MacroTable {
    /// The one that is meant by `name` in `file` of `package`.
    pub fn find(&self, name: Ustr, file: usize, package: usize) -> Option<&MacroRules> {
        let all = self.by_name.get(&name)?;
        let by = |test: &dyn Fn(&MacroRules) -> bool| all.iter().find(|rules| test(rules));
        by(&|rules| rules.file == file).or_else(|| by(&|rules| rules.package == package)).or_else(|| all.first())
    }
}

/// Most macros in macros.
const MAX_DEPTH: usize = 12;

fn exprs(tokens: TokenStream) -> Option<Vec<syn::Expr>> {
    let list = Punctuated::<syn::Expr, Token![,]>::parse_terminated.parse2(tokens).ok()?;
    Some(list.into_iter().collect())
}

fn stmts(tokens: TokenStream) -> Option<Vec<syn::Stmt>> {
    syn::Block::parse_within.parse2(tokens).ok()
}

/// The items or statements of the arm of a `cfg_if!` that holds.
pub fn cfg_if(mac: &syn::Macro, options: &Options) -> Option<TokenStream> {
    let parser = |input: ParseStream| {
        let mut chosen = None;
        loop {
            let mut holds = true;
            if input.peek(Token![if]) {
                input.parse::<Token![if]>()?;
                let attrs = input.call(syn::Attribute::parse_outer)?;
                holds = !super::cfg::left_out(&attrs, options);
            }
            let body: proc_macro2::Group = input.parse()?;
            if holds && chosen.is_none() {
                chosen = Some(body.stream());
            }
            if input.parse::<Option<Token![else]>>()?.is_none() {
                break;
            }
        }
        input.parse::<TokenStream>()?;
        Ok(chosen)
    };
    parser.parse2(mac.tokens.clone()).ok()?
}

impl Extractor<'_> {
    /// Runs a macro of the workspace and hands the result, read with spans that lead back to the call, to `take`.
    pub fn expand<T>(&mut self, mac: &syn::Macro, take: impl FnOnce(&mut Self, TokenStream) -> Option<T>) -> Option<T> {
        let called = name(&mac.path.segments.last()?.ident);
        let rules = self.macros.find(called, self.file, self.package)?;
        if self.running.len() >= MAX_DEPTH || self.budget == 0 {
            return None;
        }
        let key = rules.text.as_ptr();
        let place = self.sp(mac.path.span());
        let own = (rules.file == self.file).then_some(rules.start);
        let read = || mbe::Rules::read(&rules.text, own).map(Rc::new);
        let rules = self.rules.entry(rules.text.as_ptr()).or_insert_with(read).clone()?;
        let made = rules.run(mac.tokens.clone(), &self.spans, place)?;
        self.budget = self.budget.saturating_sub(made.text.len() + 1);
        if self.is_namesake(mac, key, made.arm) || super::lex::too_deep(&made.text).is_some() {
            return None;
        }
        let tokens: TokenStream = made.text.parse().ok()?;
        let outer = std::mem::replace(&mut self.spans, Rc::new(Spans::made(&made.text, made.places)));
        self.running.push((key, made.arm, mac.tokens.clone()));
        let result = take(self, tokens);
        self.running.pop();
        self.spans = outer;
        result
    }

    /// Whether a macro that is called while the one whose text lies at `rules` runs has only its name in common with that: the rule `arm`
    /// would be run again, and be given all that it was given. `macro_rules! info { ($($args:tt)+) => { ::log::info!($($args)+) } }` is no
    /// circle.
    fn is_namesake(&self, mac: &syn::Macro, rules: *const u8, arm: usize) -> bool {
        let mut outer = self.running.iter().filter(|(of, by, _)| (*of, *by) == (rules, arm)).peekable();
        if outer.peek().is_none() {
            return false;
        }
        let ours = mac.path.segments.first().is_some_and(|first| {
            let name = name(&first.ident);
            mac.path.segments.len() == 1 || matches!(name.as_str(), "crate" | "self" | "super")
        });
        let given = mac.tokens.to_string();
        outer.any(|(.., args)| {
            let args = args.to_string();
            given == args || !ours && given.contains(&args)
        })
    }

    pub fn stmt_macro(&mut self, stmt: &syn::StmtMacro, out: &mut Vec<Stmt>) {
        let mac = &stmt.mac;
        let called = mac.path.segments.last().map(|last| name(&last.ident)).unwrap_or_default();
        match called.as_str() {
            "macro_rules" => return,
            "cfg_if" => {
                if let Some(found) = cfg_if(mac, self.options).and_then(stmts) {
                    out.append(&mut self.stmts(&found));
                }
                return;
            }
            _ => {}
        }
        let made = self.expand(mac, |reader, tokens| {
            let found = stmts(tokens)?;
            Some(reader.stmts(&found))
        });
        match made {
            Some(mut made) => {
                if let Some(Stmt::Expr(_, semi)) = made.last_mut() {
                    *semi |= stmt.semi_token.is_some();
                }
                out.append(&mut made);
            }
            None => {
                let span = self.macro_span(mac);
                let kind = self.known_macro(mac, span);
                out.push(Stmt::Expr(Expr { kind, span }, stmt.semi_token.is_some()));
            }
        }
    }

    /// From its name to its closing bracket.
    fn macro_span(&self, mac: &syn::Macro) -> Sp {
        let end = match &mac.delimiter {
            syn::MacroDelimiter::Paren(t) => t.span.close(),
            syn::MacroDelimiter::Brace(t) => t.span.close(),
            syn::MacroDelimiter::Bracket(t) => t.span.close(),
        };
        let start = mac.path.segments.first().map_or_else(proc_macro2::Span::call_site, |first| first.ident.span());
        self.sp(start).to(self.sp(end))
    }

    pub fn expr_macro(&mut self, mac: &syn::Macro) -> Expr {
        let span = self.macro_span(mac);
        let made = self.expand(mac, |reader, tokens| {
            if let Ok(expr) = parse2::<syn::Expr>(tokens.clone()) {
                return Some(reader.expr(&expr).kind);
            }
            let found = stmts(tokens)?;
            let stmts = reader.stmts(&found);
            let close = Sp { lo: span.hi, hi: span.hi };
            Some(ExprKind::Block(Box::new(Block { stmts, close, label: None })))
        });
        let kind = made.unwrap_or_else(|| self.known_macro(mac, span));
        Expr { kind, span }
    }

    fn known_macro(&mut self, mac: &syn::Macro, span: Sp) -> ExprKind {
        let called = mac.path.segments.last().map(|last| name(&last.ident)).unwrap_or_default();
        let tokens = mac.tokens.clone();
        let kind = match called.as_str() {
            "write" | "writeln" => self.write_macro(tokens),
            "format" | "format_args" | "concat_string" | "format_compact" | "formatx" | "eformat" => {
                self.format(tokens).map(|f| ExprKind::Format(Box::new(f)))
            }
            "print" | "println" | "eprint" | "eprintln" => {
                self.format(tokens).map(|format| ExprKind::Eval(format.args))
            }
            "concat" | "stringify" | "file" | "line" | "column" | "module_path" | "env" | "option_env"
            | "include_str" | "include_bytes" => Some(ExprKind::Lit(ustr(&format!("{called}!({tokens})")), "str")),
            "panic" | "unreachable" | "todo" | "unimplemented" | "compile_error" => {
                Some(ExprKind::Panic(self.lenient(tokens)))
            }
            "bail" | "eyre_bail" | "bail_spanned" | "throw" | "yeet" => Some(ExprKind::Bail(self.lenient(tokens))),
            "ensure" => self.ensure(tokens),
            "assert" | "debug_assert" | "prop_assert" => self.assert(tokens),
            "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne" | "prop_assert_eq" | "assert_matches" => {
                Some(ExprKind::Eval(self.lenient(tokens)))
            }
            "matches" => self.matches(tokens),
            "vec" | "smallvec" | "indexmap" | "hashset" | "btreeset" | "arrayvec" => {
                // It makes a list, and hides nothing: what of it can be read is enough.
                self.vec(tokens.clone()).or_else(|| Some(ExprKind::Make(called, self.lenient(tokens))))
            }
            "try" | "r#try" | "try_s" => {
                parse2::<syn::Expr>(tokens).ok().map(|e| ExprKind::Try(Box::new(self.expr(&e))))
            }
            "anyhow" | "eyre" | "format_err" | "err" | "Error" => Some(ExprKind::Make(called, self.lenient(tokens))),
            "cfg" => cfg_value(mac, self.options)
                .map(|holds| ExprKind::Lit(ustr(if holds { "true" } else { "false" }), "bool"))
                .or(Some(ExprKind::Eval(Vec::new()))),
            "select" | "select_biased" => self.select(tokens),
            "join" => exprs(tokens).map(|list| ExprKind::Join(list.iter().map(|e| self.expr(e)).collect(), false)),
            "try_join" => exprs(tokens).map(|list| ExprKind::Join(list.iter().map(|e| self.expr(e)).collect(), true)),
            "dbg" | "ready" | "pin" | "black_box" | "addr_of" | "addr_of_mut" => {
                parse2::<syn::Expr>(tokens).ok().map(|e| self.expr(&e).kind)
            }
            "cfg_if" => cfg_if(mac, self.options).and_then(stmts).map(|found| self.block_of(&found, span)),
            "matches_any" | "json" | "quote" | "quote_spanned" | "parse_quote" | "sql" | "query" | "html" | "rsx" => {
                Some(ExprKind::Make(called, Vec::new()))
            }
            "trace" | "debug" | "info" | "warn" | "error" | "log" | "event" | "span" | "trace_span" | "debug_span"
            | "info_span" | "warn_span" | "error_span" | "slog_info" | "crit" | "counter" | "gauge" | "histogram"
            | "instrument" => Some(ExprKind::Eval(self.lenient(tokens))),
            _ => None,
        };
        kind.unwrap_or_else(|| self.guess(called, mac, span))
    }

    fn block_of(&mut self, found: &[syn::Stmt], span: Sp) -> ExprKind {
        let close = Sp { lo: span.hi, hi: span.hi };
        ExprKind::Block(Box::new(Block { stmts: self.stmts(found), close, label: None }))
    }

    /// Somebody else's macro: expressions if they parse as such, statements if not. Around a single call it most likely does with the
    /// error what `?` does: a macro that swallows it would have no reason to be one.
    fn guess(&mut self, called: Ustr, mac: &syn::Macro, span: Sp) -> ExprKind {
        if mac.tokens.is_empty() {
            return ExprKind::Make(called, Vec::new());
        }
        if let Some(list) = exprs(mac.tokens.clone()) {
            if let [call @ (syn::Expr::Call(_) | syn::Expr::MethodCall(_) | syn::Expr::Await(_))] = &list[..] {
                return ExprKind::Try(Box::new(self.expr(call)));
            }
            return ExprKind::Make(called, list.iter().map(|e| self.expr(e)).collect());
        }
        if let Some(found) = stmts(mac.tokens.clone()) {
            return self.block_of(&found, span);
        }
        self.unread.push(span);
        ExprKind::Make(called, self.lenient(mac.tokens.clone()))
    }

    /// The comma-separated parts that parse as expressions (`key = value` and `%value` too); the others are passed over.
    fn lenient(&mut self, tokens: TokenStream) -> Vec<Expr> {
        let mut found = Vec::new();
        for part in split(tokens, |tree| matches!(tree, TokenTree::Punct(p) if matches!(p.as_char(), ',' | ';'))) {
            if let [TokenTree::Literal(lit)] = &part[..] {
                found.append(&mut self.inline_args(lit));
                continue;
            }
            let sigil = matches!(&part[..], [TokenTree::Punct(p), ..] if matches!(p.as_char(), '%' | '?'));
            let value = part.iter().position(|tree| matches!(tree, TokenTree::Punct(p) if p.as_char() == '='));
            let value = value.filter(|at| !matches!(part.get(at + 1), Some(TokenTree::Punct(_))) && *at > 0 && *at < 6);
            let part: TokenStream = match value {
                Some(at) => part[at + 1..].iter().cloned().collect(),
                None => part[usize::from(sigil)..].iter().cloned().collect(),
            };
            if let Ok(expr) = parse2::<syn::Expr>(part) {
                found.push(self.expr(&expr));
            }
        }
        found
    }

    fn inline_args(&mut self, lit: &proc_macro2::Literal) -> Vec<Expr> {
        let place = self.sp(lit.span());
        match syn::Lit::new(lit.clone()) {
            syn::Lit::Str(text) => {
                let names = text.value();
                let names = placeholders(&names).into_iter().filter(|shown| is_name(shown));
                names.map(|shown| name_expr(ustr(shown), place)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn format(&mut self, tokens: TokenStream) -> Option<Format> {
        let parts = split(tokens, |tree| matches!(tree, TokenTree::Punct(p) if p.as_char() == ','));
        let mut parts = parts.into_iter();
        let Some(first) = parts.next() else { return Some(Format { template: None, args: Vec::new() }) };
        let first: TokenStream = first.into_iter().collect();
        let (mut positional, mut named) = (VecDeque::new(), Vec::new());
        let mut template = None;
        let mut place = Sp::default();
        match parse2::<syn::Expr>(first) {
            Ok(syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })) => {
                template = Some(text.value());
                place = self.sp(text.span());
            }
            Ok(expr) => positional.push_back(self.expr(&expr)),
            Err(_) => {}
        }
        for part in parts {
            let part: TokenStream = part.into_iter().collect();
            match parse2::<syn::Expr>(part).ok()? {
                syn::Expr::Assign(assign) => {
                    let ident = match &*assign.left {
                        syn::Expr::Path(path) => path.path.get_ident().map(name),
                        _ => None,
                    };
                    named.push((ident, self.expr(&assign.right)));
                }
                expr => positional.push_back(self.expr(&expr)),
            }
        }
        // As the text shows them: what comes first is what a path starts with.
        let mut args: Vec<Expr> = Vec::new();
        let mut told: Vec<Ustr> = Vec::new();
        for shown in template.iter().flat_map(|template| placeholders(template)) {
            if shown.is_empty() {
                args.extend(positional.pop_front());
            } else if is_name(shown) && !told.iter().any(|known| known == shown) {
                let shown = ustr(shown);
                told.push(shown);
                let given = named.iter().position(|(known, _)| *known == Some(shown));
                args.push(given.map_or_else(|| name_expr(shown, place), |at| named.remove(at).1));
            }
        }
        args.extend(positional);
        args.extend(named.into_iter().map(|(_, value)| value));
        Some(Format { template: template.map(|text| ustr(&text)), args })
    }

    fn write_macro(&mut self, tokens: TokenStream) -> Option<ExprKind> {
        let mut parts = split(tokens, |tree| matches!(tree, TokenTree::Punct(p) if p.as_char() == ',')).into_iter();
        let target: TokenStream = parts.next()?.into_iter().collect();
        let target = parse2::<syn::Expr>(target).ok()?;
        let target = self.expr(&target);
        let mut rest = TokenStream::new();
        for part in parts {
            rest.extend(part);
            rest.extend([TokenTree::Punct(proc_macro2::Punct::new(',', proc_macro2::Spacing::Alone))]);
        }
        let format = self.format(rest)?;
        Some(ExprKind::Write(Box::new(target), Box::new(format)))
    }

    fn ensure(&mut self, tokens: TokenStream) -> Option<ExprKind> {
        let mut parts = split(tokens, |tree| matches!(tree, TokenTree::Punct(p) if p.as_char() == ',')).into_iter();
        let cond: TokenStream = parts.next()?.into_iter().collect();
        let cond = parse2::<syn::Expr>(cond).ok()?;
        let cond = self.expr(&cond);
        let args = parts.flat_map(|part| self.lenient(part.into_iter().collect())).collect();
        Some(unless(cond, ExprKind::Bail(args)))
    }

    fn assert(&mut self, tokens: TokenStream) -> Option<ExprKind> {
        let mut parts = split(tokens, |tree| matches!(tree, TokenTree::Punct(p) if p.as_char() == ',')).into_iter();
        let cond: TokenStream = parts.next()?.into_iter().collect();
        let cond = parse2::<syn::Expr>(cond).ok()?;
        let cond = self.expr(&cond);
        Some(unless(cond, ExprKind::Panic(Vec::new())))
    }

    fn matches(&mut self, tokens: TokenStream) -> Option<ExprKind> {
        let parser = |input: ParseStream| {
            let expr: syn::Expr = input.parse()?;
            input.parse::<Token![,]>()?;
            let pat = syn::Pat::parse_multi_with_leading_vert(input)?;
            let guard =
                if input.parse::<Option<Token![if]>>()?.is_some() { Some(input.parse::<syn::Expr>()?) } else { None };
            input.parse::<Option<Token![,]>>()?;
            Ok((expr, pat, guard))
        };
        let (expr, pat, guard) = parser.parse2(tokens).ok()?;
        let guard = guard.map(|guard| Box::new(self.expr(&guard)));
        Some(ExprKind::Matches(Box::new(self.expr(&expr)), Box::new(self.pat(&pat)), guard))
    }

    fn vec(&mut self, tokens: TokenStream) -> Option<ExprKind> {
        let parser = |input: ParseStream| {
            let expr: syn::Expr = input.parse()?;
            input.parse::<Token![;]>()?;
            input.parse::<syn::Expr>()?;
            Ok(expr)
        };
        if let Ok(elem) = parser.parse2(tokens.clone()) {
            return Some(ExprKind::Repeat(Box::new(self.expr(&elem))));
        }
        Some(ExprKind::Array(exprs(tokens)?.iter().map(|e| self.expr(e)).collect()))
    }

    fn select(&mut self, tokens: TokenStream) -> Option<ExprKind> {
        let parser = |input: ParseStream| {
            let mut arms = Vec::new();
            while !input.is_empty() {
                if input.peek(syn::Ident) && input.peek2(Token![;]) {
                    input.parse::<syn::Ident>()?;
                    input.parse::<Token![;]>()?;
                    continue;
                }
                if input.parse::<Option<Token![else]>>()?.is_some()
                    || (input.peek(syn::Ident) && input.peek2(Token![=>]))
                {
                    input.parse::<Option<syn::Ident>>()?;
                    input.parse::<Token![=>]>()?;
                    arms.push((syn::Pat::parse_multi.parse_str("_")?, None, input.parse::<syn::Expr>()?));
                } else {
                    let pat = syn::Pat::parse_multi(input)?;
                    input.parse::<Token![=]>()?;
                    let future: syn::Expr = input.parse()?;
                    if input.parse::<Option<Token![,]>>()?.is_some() {
                        input.parse::<Token![if]>()?;
                        input.parse::<syn::Expr>()?;
                    }
                    input.parse::<Token![=>]>()?;
                    arms.push((pat, Some(future), syn::Expr::parse_without_eager_brace_or_any(input)?));
                }
                input.parse::<Option<Token![,]>>()?;
            }
            Ok(arms)
        };
        let arms = parser.parse2(tokens).ok()?;
        let mut found = Vec::new();
        for (pat, future, handler) in arms {
            let future =
                future.map_or(Expr { kind: ExprKind::Eval(Vec::new()), span: Sp::default() }, |e| self.expr(&e));
            found.push((self.pat(&pat), future, self.expr(&handler)));
        }
        Some(ExprKind::Select(found))
    }
}

/// Reads the handler of a `select!` arm: a block ends it, else a comma does.
trait Handler: Sized {
    fn parse_without_eager_brace_or_any(input: ParseStream) -> syn::Result<Self>;
}

impl Handler for syn::Expr {
    fn parse_without_eager_brace_or_any(input: ParseStream) -> syn::Result<syn::Expr> {
        if input.peek(syn::token::Brace) {
            let block: syn::Block = input.parse()?;
            return Ok(syn::Expr::Block(syn::ExprBlock { attrs: Vec::new(), label: None, block }));
        }
        input.parse()
    }
}

fn unless(cond: Expr, what: ExprKind) -> ExprKind {
    let span = cond.span;
    let leave = Expr { kind: what, span };
    let cond = Expr { kind: ExprKind::Unary(UnOp::Not, Box::new(cond)), span };
    let then = Block { stmts: vec![Stmt::Expr(leave, true)], close: span, label: None };
    ExprKind::If(Box::new(cond), Box::new(then), None)
}

fn name_expr(name: Ustr, span: Sp) -> Expr {
    let path = Path { leading: false, qself: None, segs: vec![Seg { name, args: Vec::new(), assoc: Vec::new() }] };
    Expr { kind: ExprKind::Path(Box::new(path)), span }
}

/// What a format string says of each thing that it shows: nothing, a number or a name, without the way it is shown (`:?`).
fn placeholders(template: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        rest = &rest[at + 1..];
        if let Some(escaped) = rest.strip_prefix('{') {
            rest = escaped;
            continue;
        }
        let end = rest.find([':', '}']).unwrap_or(rest.len());
        found.push(rest[..end].trim());
        rest = &rest[end..];
    }
    found
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c == '_' || c.is_alphabetic()) && text.chars().all(|c| c == '_' || c.is_alphanumeric())
}

fn split(tokens: TokenStream, separates: impl Fn(&TokenTree) -> bool) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    let mut angle = 0i32;
    let mut previous = ' ';
    for tree in tokens {
        let this = match &tree {
            TokenTree::Punct(punct) => punct.as_char(),
            _ => ' ',
        };
        // Commas between generic arguments (`f::<A, B>()`) do not separate.
        match this {
            '<' if previous == ':' || angle > 0 => angle += 1,
            '>' if angle > 0 && previous != '-' && previous != '=' => angle -= 1,
            _ => {}
        }
        previous = this;
        if angle == 0 && separates(&tree) {
            parts.push(Vec::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(tree);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}
