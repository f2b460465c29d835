//! `macro_rules!`: matches a call's tokens against the rules and writes out what the first rule that fits makes.
//!
//! The result is text, with the place each of its tokens stands for, so that it can be read like a file.

use super::extract::Spans;
use super::hir::Sp;
use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};
use rustc_hash::FxHashMap;
use std::rc::Rc;
use syn::parse::{ParseStream, Parser};

/// What a macro made.
pub struct Made {
    pub text: String,
    /// Start of each token in `text`, and its place in the file.
    pub places: Vec<(u32, Sp)>,
    /// Which of its rules made it.
    pub arm: usize,
}

/// Largest result, in bytes.
const MAX_TEXT: usize = 256 << 10;

enum Pattern {
    Token(TokenTree),
    Group(Delimiter, Vec<Pattern>),
    Fragment(String, String),
    Repeat { inner: Vec<Pattern>, separator: Vec<TokenTree>, op: char },
}

/// What a name stands for. Each round of a repetition copies all names: that must cost nothing.
#[derive(Clone)]
enum Bound {
    Tokens(Rc<[TokenTree]>, bool),
    Many(Rc<[Bindings]>),
}

type Bindings = FxHashMap<String, Bound>;

/// The rules of a macro, read. They belong to the thread and file that read them, as all tokens do.
pub struct Rules {
    /// What each rule takes, and what it makes; up to the first that cannot be read.
    arms: Vec<(Vec<Pattern>, TokenStream)>,
    definition: Option<Spans>,
}

impl Rules {
    /// Reads `rules`. `own`: where they start, if they are in the file that is read, so that their tokens keep their places; else
    /// everything that is not an argument stands at the call.
    pub fn read(rules: &str, own: Option<u32>) -> Option<Rules> {
        let tokens: TokenStream = rules.parse().ok()?;
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let mut arms = Vec::new();
        let mut at = 0;
        while let (Some(TokenTree::Group(matcher)), Some(TokenTree::Group(body))) = (trees.get(at), trees.get(at + 3)) {
            let Some(pattern) = patterns(matcher.stream(), 0) else { break };
            arms.push((pattern, body.stream()));
            at += 4;
            if matches!(trees.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ';') {
                at += 1;
            }
        }
        Some(Rules { arms, definition: own.map(|start| Spans::new(rules, start)) })
    }

    /// Runs the macro on `args`, whose places `spans` knows.
    pub fn run(&self, args: TokenStream, spans: &Spans, call: Sp) -> Option<Made> {
        let args: Vec<TokenTree> = args.into_iter().collect();
        for (arm, (pattern, body)) in self.arms.iter().enumerate() {
            let mut bindings = Bindings::default();
            if matches(pattern, &args, &mut bindings, 0) == Some(args.len()) {
                let made = Made { text: String::new(), places: Vec::new(), arm };
                let mut out = Writer { made, spans, definition: self.definition.as_ref(), call };
                out.transcribe(body.clone(), &bindings, 0)?;
                return Some(out.made);
            }
        }
        None
    }
}

fn patterns(tokens: TokenStream, depth: usize) -> Option<Vec<Pattern>> {
    if depth > 32 {
        return None;
    }
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < trees.len() {
        match &trees[at] {
            TokenTree::Punct(punct) if punct.as_char() == '$' => match trees.get(at + 1) {
                Some(TokenTree::Ident(name)) if matches!(trees.get(at + 2), Some(TokenTree::Punct(colon)) if colon.as_char() == ':') =>
                {
                    let Some(TokenTree::Ident(kind)) = trees.get(at + 3) else { return None };
                    found.push(Pattern::Fragment(name.to_string(), kind.to_string()));
                    at += 4;
                }
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
                    let (separator, op, next) = repeat_tail(&trees, at + 2)?;
                    found.push(Pattern::Repeat { inner: patterns(group.stream(), depth + 1)?, separator, op });
                    at = next;
                }
                Some(other) => {
                    found.push(Pattern::Token(other.clone()));
                    at += 2;
                }
                None => return None,
            },
            TokenTree::Group(group) => {
                found.push(Pattern::Group(group.delimiter(), patterns(group.stream(), depth + 1)?));
                at += 1;
            }
            other => {
                found.push(Pattern::Token(other.clone()));
                at += 1;
            }
        }
    }
    Some(found)
}

/// Separator and operator of a repetition whose group ended before `at`, and where it goes on.
fn repeat_tail(trees: &[TokenTree], mut at: usize) -> Option<(Vec<TokenTree>, char, usize)> {
    let mut separator = Vec::new();
    loop {
        match trees.get(at)? {
            TokenTree::Punct(punct) if matches!(punct.as_char(), '*' | '+' | '?') => {
                return Some((separator, punct.as_char(), at + 1));
            }
            other if separator.len() < 3 => separator.push(other.clone()),
            _ => return None,
        }
        at += 1;
    }
}

fn same(a: &TokenTree, b: &TokenTree) -> bool {
    match (a, b) {
        (TokenTree::Ident(a), TokenTree::Ident(b)) => a == b,
        (TokenTree::Punct(a), TokenTree::Punct(b)) => a.as_char() == b.as_char(),
        (TokenTree::Literal(a), TokenTree::Literal(b)) => a.to_string() == b.to_string(),
        _ => false,
    }
}

/// How many of `input` the patterns take.
fn matches(patterns: &[Pattern], input: &[TokenTree], bindings: &mut Bindings, depth: usize) -> Option<usize> {
    if depth > 64 {
        return None;
    }
    let mut at = 0;
    for (index, pattern) in patterns.iter().enumerate() {
        match pattern {
            Pattern::Token(token) => {
                if !same(token, input.get(at)?) {
                    return None;
                }
                at += 1;
            }
            Pattern::Group(delimiter, inner) => {
                let TokenTree::Group(group) = input.get(at)? else { return None };
                if group.delimiter() != *delimiter {
                    return None;
                }
                let content: Vec<TokenTree> = group.stream().into_iter().collect();
                if matches(inner, &content, bindings, depth + 1)? != content.len() {
                    return None;
                }
                at += 1;
            }
            Pattern::Fragment(name, kind) => {
                let taken = fragment(kind, &input[at..])?;
                let whole = kind == "expr" && taken > 1;
                bindings.insert(name.clone(), Bound::Tokens(input[at..at + taken].into(), whole));
                at += taken;
            }
            Pattern::Repeat { inner, separator, op } => {
                at += repeat(inner, separator, *op, &patterns[index + 1..], &input[at..], bindings, depth)?;
            }
        }
    }
    Some(at)
}

fn repeat(
    inner: &[Pattern],
    separator: &[TokenTree],
    op: char,
    after: &[Pattern],
    input: &[TokenTree],
    bindings: &mut Bindings,
    depth: usize,
) -> Option<usize> {
    let mut rounds: Vec<Bindings> = Vec::new();
    let mut at = 0;
    loop {
        let mut next = at;
        if !rounds.is_empty() {
            if op == '?' {
                break;
            }
            let fits = separator
                .iter()
                .enumerate()
                .all(|(n, token)| input.get(at + n).is_some_and(|found| same(token, found)));
            if !fits {
                break;
            }
            next += separator.len();
        }
        // Without a separator a token that follows the repetition ends it.
        if let (true, Some(Pattern::Token(token)), Some(found)) = (separator.is_empty(), after.first(), input.get(next))
            && same(token, found)
        {
            break;
        }
        if next >= input.len() {
            break;
        }
        let mut round = Bindings::default();
        match matches(inner, &input[next..], &mut round, depth + 1) {
            Some(taken) if taken > 0 => {
                rounds.push(round);
                at = next + taken;
            }
            _ => break,
        }
    }
    if op == '+' && rounds.is_empty() {
        return None;
    }
    let mut names = Vec::new();
    names_of(inner, &mut names);
    for name in names {
        let many = rounds
            .iter()
            .map(|round| round.iter().filter(|(key, _)| **key == name).map(|(k, v)| (k.clone(), v.clone())).collect());
        bindings.insert(name.clone(), Bound::Many(many.collect()));
    }
    Some(at)
}

fn names_of(patterns: &[Pattern], out: &mut Vec<String>) {
    for pattern in patterns {
        match pattern {
            Pattern::Fragment(name, _) => out.push(name.clone()),
            Pattern::Group(_, inner) | Pattern::Repeat { inner, .. } => names_of(inner, out),
            Pattern::Token(_) => {}
        }
    }
}

/// How many tokens a fragment of `kind` takes.
fn fragment(kind: &str, input: &[TokenTree]) -> Option<usize> {
    match (kind, input.first()) {
        ("tt", Some(TokenTree::Punct(punct))) if punct.as_char() == '\'' => return Some(2.min(input.len())),
        ("tt", Some(_)) => return Some(1),
        ("ident", Some(TokenTree::Ident(_))) => return Some(1),
        ("ident", _) => return None,
        ("block", Some(TokenTree::Group(group))) if group.delimiter() == Delimiter::Brace => return Some(1),
        ("literal", Some(TokenTree::Literal(_))) => return Some(1),
        ("literal", Some(TokenTree::Ident(ident))) if *ident == "true" || *ident == "false" => return Some(1),
        ("lifetime", Some(TokenTree::Punct(_))) => return Some(2),
        ("vis", None) => return Some(0),
        (_, None) => return None,
        _ => {}
    }
    let stream: TokenStream = input.iter().cloned().collect();
    fn rest<T>(input: ParseStream, parse: impl FnOnce(ParseStream) -> syn::Result<T>) -> syn::Result<usize> {
        parse(input)?;
        let rest: TokenStream = input.parse()?;
        Ok(rest.into_iter().count())
    }
    let parser = |input: ParseStream| match kind {
        "expr" | "expr_2021" => rest(input, |input| input.parse::<syn::Expr>().map(drop)),
        "ty" => rest(input, |input| input.parse::<syn::Type>().map(drop)),
        "path" => rest(input, |input| input.parse::<syn::Path>().map(drop)),
        "pat" | "pat_param" => rest(input, |input| syn::Pat::parse_multi(input).map(drop)),
        "stmt" => rest(input, |input| input.parse::<syn::Stmt>().map(drop)),
        "block" => rest(input, |input| input.parse::<syn::Block>().map(drop)),
        "item" => rest(input, |input| input.parse::<syn::Item>().map(drop)),
        "meta" => rest(input, |input| input.parse::<syn::Meta>().map(drop)),
        "vis" => rest(input, |input| input.parse::<syn::Visibility>().map(drop)),
        "literal" => rest(input, |input| input.parse::<syn::Lit>().map(drop)),
        _ => Err(input.error("unknown fragment")),
    };
    let left = parser.parse2(stream).ok()?;
    input.len().checked_sub(left)
}

struct Writer<'a> {
    made: Made,
    spans: &'a Spans,
    definition: Option<&'a Spans>,
    call: Sp,
}

impl Writer<'_> {
    fn place(&self, tree: &TokenTree, argument: bool) -> Sp {
        match (argument, self.definition) {
            (true, _) => self.spans.sp(tree.span()),
            (false, Some(definition)) => definition.sp(tree.span()),
            (false, None) => self.call,
        }
    }

    fn put(&mut self, text: &str, place: Sp, glue: bool) -> Option<()> {
        self.made.places.push((self.made.text.len() as u32, place));
        self.made.text.push_str(text);
        if !glue {
            self.made.text.push(' ');
        }
        (self.made.text.len() <= MAX_TEXT).then_some(())
    }

    fn group(&mut self, group: &Group, argument: bool, inside: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        let tree = TokenTree::Group(group.clone());
        let place = self.place(&tree, argument);
        self.put(open, Sp { lo: place.lo, hi: place.lo + 1 }, false)?;
        inside(self)?;
        self.put(close, Sp { lo: place.hi.saturating_sub(1), hi: place.hi }, false)
    }

    fn tokens(&mut self, trees: &[TokenTree]) -> Option<()> {
        for tree in trees {
            match tree {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    self.group(group, true, |out| out.tokens(&inner))?;
                }
                other => self.leaf(other, true)?,
            }
        }
        Some(())
    }

    fn leaf(&mut self, tree: &TokenTree, argument: bool) -> Option<()> {
        let place = self.place(tree, argument);
        let glue =
            matches!(tree, TokenTree::Punct(punct) if punct.spacing() == Spacing::Joint || punct.as_char() == '\'');
        self.put(&tree.to_string(), place, glue)
    }

    fn transcribe(&mut self, body: TokenStream, bindings: &Bindings, depth: usize) -> Option<()> {
        if depth > 64 {
            return None;
        }
        let trees: Vec<TokenTree> = body.into_iter().collect();
        let mut at = 0;
        while at < trees.len() {
            match &trees[at] {
                TokenTree::Punct(punct) if punct.as_char() == '$' => match trees.get(at + 1) {
                    Some(TokenTree::Ident(name)) => {
                        match bindings.get(&name.to_string()) {
                            Some(Bound::Tokens(tokens, whole)) => self.substitute(tokens, *whole)?,
                            Some(Bound::Many(_)) => return None,
                            None if *name == "crate" => self.put("crate", self.call, false)?,
                            None => return None,
                        }
                        at += 2;
                    }
                    Some(TokenTree::Group(group)) => {
                        let (separator, _, next) = repeat_tail(&trees, at + 2)?;
                        self.rounds(group, &separator, bindings, depth)?;
                        at = next;
                    }
                    _ => return None,
                },
                TokenTree::Group(group) => {
                    let inner = group.stream();
                    self.group(group, false, |out| out.transcribe(inner, bindings, depth + 1))?;
                    at += 1;
                }
                other => {
                    self.leaf(other, false)?;
                    at += 1;
                }
            }
        }
        Some(())
    }

    fn substitute(&mut self, tokens: &[TokenTree], whole: bool) -> Option<()> {
        let first = tokens.first().map_or(self.call, |tree| self.place(tree, true));
        if whole {
            self.put("(", first, false)?;
        }
        self.tokens(tokens)?;
        if whole {
            let last = tokens.last().map_or(self.call, |tree| self.place(tree, true));
            self.put(")", Sp { lo: last.hi.saturating_sub(1), hi: last.hi }, false)?;
        }
        Some(())
    }

    fn rounds(&mut self, group: &Group, separator: &[TokenTree], bindings: &Bindings, depth: usize) -> Option<()> {
        let mut used = Vec::new();
        variables(group.stream(), &mut used, 0);
        let many = used.iter().filter_map(|name| match bindings.get(name) {
            Some(Bound::Many(rounds)) => Some(rounds.len()),
            _ => None,
        });
        let count = many.max()?;
        for round in 0..count {
            if round > 0 {
                for token in separator {
                    self.leaf(token, false)?;
                }
            }
            let mut inner = bindings.clone();
            for name in &used {
                if let Some(Bound::Many(rounds)) = bindings.get(name) {
                    let bound = rounds.get(round)?.get(name)?.clone();
                    inner.insert(name.clone(), bound);
                }
            }
            self.transcribe(group.stream(), &inner, depth + 1)?;
        }
        Some(())
    }
}

fn variables(tokens: TokenStream, out: &mut Vec<String>, depth: usize) {
    let mut dollar = false;
    for tree in tokens {
        match tree {
            TokenTree::Punct(punct) if punct.as_char() == '$' => {
                dollar = true;
                continue;
            }
            TokenTree::Ident(name) if dollar => out.push(name.to_string()),
            TokenTree::Group(group) if depth < 64 => variables(group.stream(), out, depth + 1),
            _ => {}
        }
        dollar = false;
    }
}
