//! A cheap scanner over Rust text: identifiers, brackets and punctuation with strings and comments skipped. It decides what is
//! parsed at all and what is nested too deeply to hand to a parser; it never fails.

use memchr::{memchr, memchr2, memchr3_iter, memmem};
use std::ops::Range;

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Ident(Range<usize>),
    Literal(Range<usize>),
    Open(usize),
    Close(usize),
    Punct(usize),
}

/// Yields the tokens of a text.
pub struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The documentation comments passed so far.
    pub docs: Vec<Range<usize>>,
    /// All comments passed so far, if they are asked for.
    pub comments: Option<Vec<Range<usize>>>,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Scanner<'a> {
        Scanner { bytes: text.as_bytes(), at: 0, docs: Vec::new(), comments: None }
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += memchr(b'\n', rest).unwrap_or(rest.len());
    }

    fn skip_idents(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|byte| !is_ident(*byte)).unwrap_or(rest.len());
    }

    fn skip_block_comment(&mut self) {
        let mut depth = 0usize;
        while self.at < self.bytes.len() {
            if self.byte(0) == b'/' && self.byte(1) == b'*' {
                depth += 1;
                self.at += 2;
            } else if self.byte(0) == b'*' && self.byte(1) == b'/' {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return;
                }
            } else {
                self.at += 1;
            }
        }
    }

    fn note_docs(&mut self, start: usize, letter: u8) {
        let third = self.bytes.get(start + 2).copied();
        if third == Some(letter) || third == Some(b'!') {
            self.docs.push(start..self.at);
        }
        if let Some(comments) = &mut self.comments {
            comments.push(start..self.at);
        }
    }

    fn skip_string(&mut self, quote: u8) {
        self.at += 1;
        while let Some(found) = self.bytes.get(self.at..).and_then(|rest| memchr2(quote, b'\\', rest)) {
            self.at += found + 1;
            if self.bytes[self.at - 1] == quote {
                return;
            }
            self.at += 1;
        }
        self.at = self.bytes.len();
    }

    /// At `#…"` or `"` after a raw prefix; false (and nothing skipped) if it is no raw string.
    fn skip_raw_string(&mut self) -> bool {
        let mut hashes = 0;
        while self.byte(hashes) == b'#' {
            hashes += 1;
        }
        if self.byte(hashes) != b'"' {
            return false;
        }
        self.at += hashes + 1;
        while self.at < self.bytes.len() {
            if self.bytes[self.at] == b'"' && (1..=hashes).all(|n| self.byte(n) == b'#') {
                self.at += hashes + 1;
                return true;
            }
            self.at += 1;
        }
        true
    }

    fn quote(&mut self) -> Token {
        let start = self.at;
        let next = self.byte(1);
        let lifetime = (next == b'_' || next.is_ascii_alphabetic() || next >= 0x80) && {
            let mut ahead = 1;
            while is_ident(self.byte(ahead)) {
                ahead += 1;
            }
            self.byte(ahead) != b'\''
        };
        if lifetime {
            self.at += 1;
            Token::Punct(start)
        } else {
            self.skip_string(b'\'');
            Token::Literal(start..self.at)
        }
    }

    fn ident(&mut self) -> Token {
        let start = self.at;
        self.skip_idents();
        if self.at - start > 2 {
            return Token::Ident(start..self.at);
        }
        match &self.bytes[start..self.at] {
            b"r" | b"br" | b"cr" if matches!(self.byte(0), b'"' | b'#') => {
                if self.skip_raw_string() {
                    return Token::Literal(start..self.at);
                }
                if self.byte(0) == b'#' && is_ident(self.byte(1)) {
                    self.at += 1;
                    let start = self.at;
                    self.skip_idents();
                    return Token::Ident(start..self.at);
                }
            }
            b"b" | b"c" if self.byte(0) == b'"' => {
                self.skip_string(b'"');
                return Token::Literal(start..self.at);
            }
            b"b" if self.byte(0) == b'\'' => {
                self.skip_string(b'\'');
                return Token::Literal(start..self.at);
            }
            _ => {}
        }
        Token::Ident(start..self.at)
    }
}

/// What begins with a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Ident,
    Digit,
    Open,
    Close,
    Slash,
    Quote,
    String,
    Punct,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Punct; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' => Class::Digit,
            b'_' | b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => Class::Ident,
            b'(' | b'[' | b'{' => Class::Open,
            b')' | b']' | b'}' => Class::Close,
            b'/' => Class::Slash,
            b'\'' => Class::Quote,
            b'"' => Class::String,
            space if space.is_ascii_whitespace() => Class::Space,
            _ => Class::Punct,
        };
        byte += 1;
    }
    classes
};

/// Whether `byte` can be part of an identifier.
pub fn is_ident(byte: u8) -> bool {
    matches!(CLASSES[byte as usize], Class::Ident | Class::Digit)
}

impl Iterator for Scanner<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let rest = &self.bytes[self.at..];
            let spaces = rest.iter().position(|byte| CLASSES[*byte as usize] != Class::Space);
            self.at += spaces.unwrap_or(rest.len());
            let start = self.at;
            let class = CLASSES[*self.bytes.get(start)? as usize];
            match class {
                Class::Slash if self.byte(1) == b'/' => {
                    self.skip_line();
                    self.note_docs(start, b'/');
                    continue;
                }
                Class::Slash if self.byte(1) == b'*' => {
                    self.skip_block_comment();
                    self.note_docs(start, b'*');
                    continue;
                }
                Class::Ident => return Some(self.ident()),
                Class::Quote => return Some(self.quote()),
                Class::String => {
                    self.skip_string(b'"');
                    return Some(Token::Literal(start..self.at));
                }
                Class::Digit => {
                    self.skip_idents();
                    return Some(Token::Literal(start..self.at));
                }
                Class::Open | Class::Close | Class::Punct | Class::Slash | Class::Space => {}
            }
            self.at += 1;
            return Some(match class {
                Class::Open => Token::Open(start),
                Class::Close => Token::Close(start),
                _ => Token::Punct(start),
            });
        }
    }
}

/// Deepest nesting of brackets that is read.
const MAX_BRACKETS: usize = 400;
/// Most tokens that may stand, over all open brackets, in expressions or types that have not ended: bounds how deep a syntax
/// tree without brackets (`!!!!x`, `a.b().c()…`, `else if`) can become.
const MAX_RUN: usize = 12_000;

/// The byte offset at which `text` becomes too deeply nested for a recursive reader, if it does.
pub fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    // A token is a byte at least.
    if bytes.len() <= MAX_RUN && memchr3_iter(b'(', b'[', b'{', bytes).take(MAX_BRACKETS + 1).count() <= MAX_BRACKETS {
        return None;
    }
    let mut outer: Vec<usize> = Vec::new();
    let mut outer_sum = 0;
    let mut run = 0usize;
    let mut after_block = false;
    for token in Scanner::new(text) {
        let at = match &token {
            Token::Ident(range) | Token::Literal(range) => range.start,
            Token::Open(at) | Token::Close(at) | Token::Punct(at) => *at,
        };
        if std::mem::take(&mut after_block) {
            let goes_on = match &token {
                Token::Ident(range) => matches!(&text[range.clone()], "else" | "as"),
                Token::Punct(at) => bytes[*at] != b'#',
                _ => false,
            };
            if !goes_on {
                run = 0;
            }
        }
        match token {
            Token::Open(_) => {
                outer.push(run);
                outer_sum += run;
                run = 0;
            }
            Token::Close(at) => {
                run = outer.pop().unwrap_or(0);
                outer_sum -= run;
                after_block = bytes[at] == b'}';
                run += 1;
            }
            Token::Punct(at) if matches!(bytes[at], b';' | b',') => run = 0,
            _ => run += 1,
        }
        if outer.len() > MAX_BRACKETS || outer_sum + run > MAX_RUN {
            return Some(at);
        }
    }
    None
}

/// A `macro_rules!` definition found in a text.
#[derive(Debug, Clone)]
pub struct MacroDef {
    pub name: ustr::Ustr,
    /// Where `macro_rules` stands.
    pub at: usize,
    /// Byte range of what stands between the outer brackets.
    pub body: Range<usize>,
}

/// All `macro_rules!` definitions in `text`.
pub fn macro_defs(text: &str) -> Vec<MacroDef> {
    let mut found = Vec::new();
    if memmem::find(text.as_bytes(), b"macro_rules").is_none() {
        return found;
    }
    let mut tokens = Scanner::new(text);
    while let Some(token) = tokens.next() {
        let Token::Ident(range) = token else { continue };
        if &text[range.clone()] != "macro_rules" {
            continue;
        }
        let Some(Token::Punct(_)) = tokens.next() else { continue };
        let Some(Token::Ident(name)) = tokens.next() else { continue };
        let Some(Token::Open(open)) = tokens.next() else { continue };
        let mut depth = 1usize;
        for token in tokens.by_ref() {
            match token {
                Token::Open(_) => depth += 1,
                Token::Close(at) => {
                    depth -= 1;
                    if depth == 0 {
                        found.push(MacroDef { name: text[name.clone()].into(), at: range.start, body: open + 1..at });
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_not_deep() {
        assert_eq!(too_deep("fn a() { let x = 'a'; let s = \"((((\"; /* (((( */ } // ((("), None);
    }

    #[test]
    fn chains_and_brackets_are_bounded() {
        for text in [
            "(".repeat(100_000),
            "fn f() { x = ".to_string() + &"!".repeat(100_000),
            "fn f() { a".to_string() + &".b()".repeat(100_000),
            "fn f() { if a {}".to_string() + &" else if a {}".repeat(100_000),
            "type A = ".to_string() + &"&".repeat(100_000),
        ] {
            assert!(too_deep(&text).is_some());
        }
        assert_eq!(too_deep(&"fn f() {} ".repeat(100_000)), None);
        assert_eq!(too_deep(&"f(1, 2); ".repeat(100_000)), None);
    }

    #[test]
    fn finds_macros() {
        let text = "macro_rules! m { ($a:expr) => { f(\"}\", $a) } } fn x() {}";
        let found = macro_defs(text);
        assert_eq!(found.len(), 1);
        assert_eq!(&text[found[0].body.clone()], " ($a:expr) => { f(\"}\", $a) } ");
    }
}
