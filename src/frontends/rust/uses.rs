//! `use` items, read from their text: they are many, and what they say is little, so no syntax tree is made of those that stand
//! plainly in a file.

use super::extract::name_of;
use super::hir::Use;
use super::lex::{Scanner, Token};
use std::ops::Range;
use ustr::Ustr;

/// A `use` item at the top of a file, in bytes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseItem {
    /// With its attributes and the semicolon.
    pub item: Range<usize>,
    /// Between `use` and the semicolon.
    pub tree: Range<usize>,
}

/// What the tree of a `use` item brings; nothing if `text` is no such tree.
pub fn read(text: &str) -> Option<Vec<Use>> {
    let mut reader = Reader { text, tokens: Scanner::new(text), ahead: None, depth: 0, out: Vec::new() };
    reader.ahead = reader.tokens.next();
    let leading = reader.skips_colons();
    reader.tree(&mut Vec::new(), leading)?;
    reader.ahead.is_none().then_some(reader.out)
}

/// What names nothing: the parser tells what is wrong with it.
const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "dyn", "else", "enum", "extern", "false", "fn", "for", "if",
    "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "static", "struct", "trait",
    "true", "type", "unsafe", "use", "where", "while",
];

/// Deepest nesting of braces that is read here.
const MAX_DEPTH: usize = 32;

struct Reader<'t> {
    text: &'t str,
    tokens: Scanner<'t>,
    ahead: Option<Token>,
    /// How many braces are open.
    depth: usize,
    out: Vec<Use>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<Token> {
        std::mem::replace(&mut self.ahead, self.tokens.next())
    }

    fn skips(&mut self, punct: u8) -> bool {
        let is_there = matches!(self.ahead, Some(Token::Punct(at)) if self.text.as_bytes()[at] == punct);
        if is_there {
            self.next();
        }
        is_there
    }

    fn skips_colons(&mut self) -> bool {
        self.skips(b':') && self.skips(b':')
    }

    fn ident(&mut self) -> Option<Ustr> {
        match self.next()? {
            Token::Ident(range) => {
                let is_raw = self.text[..range.start].ends_with("r#");
                let text = &self.text[range];
                (is_raw || !KEYWORDS.contains(&text)).then(|| name_of(text))
            }
            _ => None,
        }
    }

    fn add(&mut self, mut path: Vec<Ustr>, leading: bool, alias: Option<Ustr>) {
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        self.out.push(Use { leading, path, alias });
    }

    /// A tree below `prefix`, which it leaves as it was if it could be read.
    fn tree(&mut self, prefix: &mut Vec<Ustr>, leading: bool) -> Option<()> {
        let above = prefix.len();
        loop {
            match self.ahead.as_ref()? {
                Token::Ident(_) => {
                    let name = self.ident()?;
                    if self.skips(b':') {
                        if !self.skips(b':') {
                            return None;
                        }
                        prefix.push(name);
                        continue;
                    }
                    let own = if name == "self" { prefix.last().copied() } else { Some(name) };
                    let alias = match &self.ahead {
                        Some(Token::Ident(range)) if &self.text[range.clone()] == "as" => {
                            self.next();
                            Some(self.ident()?)
                        }
                        _ => own,
                    };
                    let path = prefix.iter().copied().chain([name]).collect();
                    self.add(path, leading, alias);
                }
                Token::Punct(_) => {
                    if !self.skips(b'*') {
                        return None;
                    }
                    self.add(prefix.clone(), leading, None);
                }
                Token::Open(at) if self.text.as_bytes()[*at] == b'{' && self.depth < MAX_DEPTH => {
                    self.depth += 1;
                    self.next();
                    while !matches!(self.ahead.as_ref()?, Token::Close(_)) {
                        self.tree(prefix, leading)?;
                        if !self.skips(b',') && !matches!(self.ahead, Some(Token::Close(_))) {
                            return None;
                        }
                    }
                    self.depth -= 1;
                    self.next();
                }
                _ => return None,
            }
            prefix.truncate(above);
            return Some(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<Vec<String>> {
        let told = |used: Use| {
            let leading = if used.leading { "::" } else { "" };
            let path: Vec<_> = used.path.iter().map(Ustr::as_str).collect();
            format!("{leading}{} {}", path.join("::"), used.alias.map_or("*", |alias| alias.as_str()))
        };
        Some(read(text)?.into_iter().map(told).collect())
    }

    #[test]
    fn trees_are_read() {
        let tree = " a::{self, b::{c as d, r#type}, /* e::f, */ g::*, self as h,}";
        let all = ["a a", "a::b::c d", "a::b::type type", "a::g *", "a h"];
        assert_eq!(told(tree).unwrap(), all);
        assert_eq!(told("::a::b as _").unwrap(), ["::a::b _"]);
        assert_eq!(told("{a, super::*}").unwrap(), ["a a", "super *"]);
        assert_eq!(told("self::a").unwrap(), ["self::a a"]);
        assert_eq!(told("a::{}").unwrap(), [""; 0]);
    }

    #[test]
    fn keywords_are_left_to_the_parser() {
        for text in ["match::a", "a::{fn}", "a as type"] {
            assert_eq!(told(text), None, "{text}");
        }
        assert_eq!(told("r#match::a as r#type").unwrap(), ["match::a type"]);
    }

    #[test]
    fn what_is_no_tree_is_not_read() {
        for text in [
            "",
            "a::",
            "a:b",
            "a b",
            "a::{b c}",
            "a::{b",
            "$crate::a",
            "a::b<c>",
            "a as 1",
            "{::a}",
            "\"a\"",
            "a::*::b",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
        assert_eq!(told(&"{".repeat(100_000)), None);
        assert_eq!(told(&format!("{}a", "a::".repeat(100_000))).unwrap().len(), 1);
    }
}
