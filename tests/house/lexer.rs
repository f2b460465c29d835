//! Just enough of Rust's tokens to tell code from strings and comments.

/// A source file taken apart. Each part has as many lines as the file, so that line numbers are the same in all of them.
pub struct Source {
    /// The whole file.
    pub text: String,
    /// Without comments, strings, quotes of lifetimes and everything below the first `#[cfg(test)]`.
    pub code: String,
    /// The strings of that code: line and content.
    pub strings: Vec<(usize, String)>,
}

impl Source {
    /// Takes `text` apart.
    pub fn read(text: &str) -> Source {
        let own = text.split("#[cfg(test)]").next().unwrap_or_default();
        let mut lexer = Lexer { rest: own, code: String::new(), strings: Vec::new() };
        lexer.run();
        Source { text: text.to_string(), code: lexer.code, strings: lexer.strings }
    }

    /// The lines of code, numbered from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(at, line)| (at + 1, line))
    }
}

struct Lexer<'a> {
    rest: &'a str,
    code: String,
    strings: Vec<(usize, String)>,
}

impl Lexer<'_> {
    fn run(&mut self) {
        while let Some(letter) = self.rest.chars().next() {
            if self.rest.starts_with("//") {
                self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.skip(block_comment(self.rest));
            } else if letter == '"' {
                self.string(1, quoted(self.rest), 1);
            } else if let Some(hashes) = raw_string(self.rest) {
                let close = format!("\"{}", "#".repeat(hashes));
                let open = 2 + hashes;
                let end = self.rest[open..].find(&close).map_or(self.rest.len(), |at| open + at + close.len());
                self.string(open, end, close.len());
            } else if letter == '\'' {
                self.skip(character(self.rest));
            } else {
                // A whole word at once: the `r` that ends one starts no raw string.
                let word = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
                let length = word.max(letter.len_utf8());
                self.code.push_str(&self.rest[..length]);
                self.rest = &self.rest[length..];
            }
        }
    }

    fn string(&mut self, open: usize, end: usize, close: usize) {
        let line = self.code.matches('\n').count() + 1;
        let content = self.rest.get(open..end.saturating_sub(close)).unwrap_or_default();
        self.strings.push((line, content.to_string()));
        self.code.push_str("\"\"");
        self.skip(end);
    }

    /// Leaves out `length` bytes but keeps their lines.
    fn skip(&mut self, length: usize) {
        let (left_out, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.code.extend(left_out.chars().filter(|letter| *letter == '\n'));
        self.rest = rest;
    }
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('r')?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    rest[hashes..].starts_with('"').then_some(hashes)
}

/// Length of a character literal, or 1 for the quote of a lifetime.
fn character(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match (letters.next(), letters.next()) {
        (Some((_, '\\')), Some(_)) => letters.find(|(_, letter)| *letter == '\'').map_or(1, |(at, _)| at + 1),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

#[test]
fn tells_code_from_the_rest() {
    let text = "let a = \"s // \\\" t\"; // c \"x\"\n/* /* d */ \" */ let b = 'x'; let c: &'a u8 = r#\"raw \" z\"#;\n'\\''; e\n";
    let source = Source::read(text);
    assert_eq!(source.code, "let a = \"\"; \n let b = ; let c: &a u8 = \"\";\n; e\n");
    assert_eq!(source.strings, [(1, "s // \\\" t".to_string()), (2, "raw \" z".to_string())]);
}
