//! What is worth parsing of a large program: functions that name what the API tables know, functions that could call these,
//! functions that these could call, and the types they use. Works on bare words; what it lets through too much only costs time.

use super::lex::{Scanner, Token};
use super::words;
use crate::apis::Apis;
use crate::effects::Effect;
use crate::ir::ValueKind;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use std::borrow::Cow;
use std::hash::Hasher;
use std::ops::Range;

/// Up to so many lines everything is parsed.
const SMALL: usize = 150_000;
/// Rounds of "who could call these?".
const CALLER_ROUNDS: usize = 3;
/// Rounds of "which types hold handles?".
const HOLDER_ROUNDS: usize = 2;
/// Rounds of "whom could these call?".
const CALLEE_ROUNDS: usize = 2;
/// A name that so many files declare says nothing about which is meant.
const MAX_DECLARATIONS: u32 = 4;
/// Files that only hold the tree of modules together are parsed up to this size.
const MODULE_BYTES: usize = 32 << 10;

/// A word, hashed: a collision lets a file through too much.
type Word = u32;

/// A function or the declaration of a type.
#[derive(Default)]
struct Part {
    name: Word,
    is_type: bool,
    /// Types and traits in the head of the `impl` around it.
    owners: Vec<Word>,
    /// Sorted; those that are called (`.name(` or `::name(`) with [`CALLED`] mixed in too.
    words: Vec<Word>,
    /// Where its first attribute or keyword stands.
    start: usize,
    /// Between the braces of a function's body.
    body: Option<Range<usize>>,
    /// A function's documentation, as places among the file's.
    docs: Range<usize>,
}

/// What is to be done with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Nothing.
    Skip,
    /// It is parsed, but for some bodies of functions.
    Parse {
        /// Byte ranges between their braces.
        without: Vec<Range<usize>>,
    },
}

/// `text` with spaces in the place of `ranges`.
pub fn blank<'t>(text: &'t str, ranges: &[Range<usize>]) -> Cow<'t, str> {
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for range in ranges {
        out.push_str(&text[at..range.start]);
        out.extend(text.as_bytes()[range.clone()].iter().map(|byte| if *byte == b'\n' { '\n' } else { ' ' }));
        at = range.end;
    }
    out.push_str(&text[at..]);
    Cow::Owned(out)
}

/// Marks a word that stands where something is called, or named as a function value.
const CALLED: Word = 0x5bd1_e995;
/// Marks a word that is certainly called: `(` follows.
const BRACKET: Word = 0x27d4_eb2f;

/// What a file is made of.
#[derive(Default)]
struct Summary {
    parts: Vec<Part>,
    /// It declares modules or re-exports names.
    structural: bool,
    /// All documentation comments.
    docs: Vec<Range<usize>>,
    /// Between the braces of modules that are there only under test.
    tests: Vec<Range<usize>>,
}

impl Summary {
    /// What need not be parsed if `kept` says which parts must be: whole functions that `used` does not name, bodies of others,
    /// and documentation.
    fn without(&self, kept: &[bool], used: &FxHashSet<Word>) -> Vec<Range<usize>> {
        let mut docs: Vec<Option<Range<usize>>> = self.docs.iter().cloned().map(Some).collect();
        let mut found = Vec::new();
        for (part, kept) in self.parts.iter().zip(kept) {
            match &part.body {
                Some(_) if *kept => docs[part.docs.clone()].fill(None),
                Some(body) if !used.contains(&part.name) => found.push(part.start..body.end + 1),
                Some(body) if body.len() > 2 => found.push(body.clone()),
                _ => {}
            }
        }
        found.extend(docs.into_iter().flatten());
        apart(found.into_iter().chain(self.tests.iter().cloned()).collect())
    }
}

/// Sorted, without those that lie in others.
fn apart(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_by_key(|range| range.start);
    let mut end = 0;
    found.retain(|range| {
        let apart = range.start >= end;
        end = end.max(range.end);
        apart
    });
    found
}

fn word(text: &str) -> Word {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    (hasher.finish() >> 32) as Word
}

/// For each of `files` (text and whether it is an entry of its package) what has to be parsed of it.
pub fn choose(files: &[(&str, bool)], lines: usize, apis: &Apis, include_tests: bool) -> Vec<Choice> {
    let summaries: Vec<Summary> = files.par_iter().map(|(text, _)| Scan::new(text, include_tests).run()).collect();
    if lines <= SMALL {
        return summaries.into_iter().map(|summary| Choice::Parse { without: summary.tests }).collect();
    }
    let declared = count_declarations(&summaries);
    let mut kept: Vec<Vec<bool>> = summaries.iter().map(|summary| vec![false; summary.parts.len()]).collect();
    let effects = EffectWords::new(apis, &summaries);
    keep_more(&summaries, &mut kept, |part| effects.fits(part), |_| {});
    let mut wanted = Wanted::default();
    each_kept(&summaries, &kept, |part| wanted.add(part, &declared));
    for _ in 0..CALLER_ROUNDS {
        let mut next = Wanted::default();
        keep_more(&summaries, &mut kept, |part| wanted.fits(part), |part| next.add(part, &declared));
        wanted = next;
    }
    let mut used = used_words(&summaries, &kept);
    for _ in 0..CALLEE_ROUNDS {
        let mut next = Vec::new();
        keep_more(
            &summaries,
            &mut kept,
            |part| part.is_called_by(&used, &declared),
            |part| next.extend_from_slice(&part.words),
        );
        used.extend(next);
    }
    let needed = |part: &Part| part.is_type && used.contains(&part.name) && declared[&part.name] <= MAX_DECLARATIONS;
    let choose = |((summary, kept), (text, entry)): ((&Summary, &Vec<bool>), &(&str, bool))| {
        let holds_modules = *entry || (summary.structural && text.len() <= MODULE_BYTES);
        if !(holds_modules || kept.contains(&true) || summary.parts.iter().any(needed)) {
            return Choice::Skip;
        }
        Choice::Parse { without: summary.without(kept, &used) }
    };
    summaries.iter().zip(&kept).zip(files).map(choose).collect()
}

/// Keeps the parts that `fits`, and tells `learn` of those that were not kept before.
fn keep_more<'s>(
    summaries: &'s [Summary],
    kept: &mut [Vec<bool>],
    fits: impl Fn(&Part) -> bool + Sync,
    mut learn: impl FnMut(&'s Part),
) {
    let check = |(summary, kept): (&Summary, &Vec<bool>)| -> Vec<bool> {
        summary.parts.iter().zip(kept).map(|(part, kept)| !kept && fits(part)).collect()
    };
    let more: Vec<Vec<bool>> = summaries.par_iter().zip(&*kept).map(check).collect();
    for (summary, (kept, more)) in summaries.iter().zip(kept.iter_mut().zip(more)) {
        for (part, (kept, more)) in summary.parts.iter().zip(kept.iter_mut().zip(more)) {
            if more {
                *kept = true;
                learn(part);
            }
        }
    }
}

/// The words of the parts that are kept.
fn used_words(summaries: &[Summary], kept: &[Vec<bool>]) -> FxHashSet<Word> {
    let parts = summaries.iter().zip(kept).flat_map(|(summary, kept)| summary.parts.iter().zip(kept));
    parts.filter(|(_, kept)| **kept).flat_map(|(part, _)| part.words.iter().chain(&part.owners).copied()).collect()
}

/// Tells `learn` of the parts that are kept.
fn each_kept<'s>(summaries: &'s [Summary], kept: &[Vec<bool>], mut learn: impl FnMut(&'s Part)) {
    let parts = summaries.iter().zip(kept).flat_map(|(summary, kept)| summary.parts.iter().zip(kept));
    parts.filter(|(_, kept)| **kept).for_each(|(part, _)| learn(part));
}

/// The words that the rows of the tables put into a program.
struct EffectWords {
    /// They speak for themselves.
    alone: FxHashSet<Word>,
    /// They need a handle in the type around them.
    vague: FxHashSet<Word>,
    /// The program's types that hold handles.
    holders: FxHashSet<Word>,
}

impl EffectWords {
    fn new(apis: &Apis, summaries: &[Summary]) -> EffectWords {
        use ValueKind::*;
        let mut words =
            EffectWords { alone: FxHashSet::default(), vague: FxHashSet::default(), holders: FxHashSet::default() };
        for row in apis.rows().iter().filter(|row| row.steps().any(|step| matters(step.effect))) {
            let name = super::types::last(row.path);
            if words::VAGUE.has(name) || words::COMMON.has(name) || name.len() <= 3 {
                words.vague.insert(word(name) ^ BRACKET);
            } else {
                words.alone.insert(word(name) ^ BRACKET);
            }
        }
        for row in apis.types() {
            let name = super::types::last(row.path);
            let handle = matches!(ValueKind::from(row.kind), File | BufferedFile | AsyncFile | TempFile | Mapping);
            if handle && !words::VAGUE_TYPES.has(name) {
                words.alone.insert(word(name));
            }
        }
        // `fs::write(…)`, under whatever name the library goes.
        words.alone.extend(["fs", "fs_err", "libc", "rustix"].map(|module| word(module) ^ BRACKET));
        words.find_holders(summaries);
        words
    }

    fn find_holders(&mut self, summaries: &[Summary]) {
        let types: Vec<&Part> =
            summaries.iter().flat_map(|summary| &summary.parts).filter(|part| part.is_type).collect();
        for _ in 0..HOLDER_ROUNDS {
            let holds =
                |part: &&&Part| part.words.iter().any(|word| self.alone.contains(word) || self.holders.contains(word));
            let more: Vec<Word> = types.iter().filter(holds).map(|part| part.name).collect();
            self.holders.extend(more);
        }
    }

    fn fits(&self, part: &Part) -> bool {
        let inside = part.owners.iter().any(|owner| self.holders.contains(owner));
        part.words.iter().any(|word| self.alone.contains(word) || inside && self.vague.contains(word))
    }
}

/// Whether an effect has to do with what lasts.
fn matters(effect: Effect) -> bool {
    use Effect::*;
    !matches!(
        effect,
        Nothing | Same | PathOp | PathChange | Read | WrapRead | CallArg | PathOf | Abort | OptionsSet | OptionsNew
    )
}

impl Part {
    /// Whether code with these words could call it.
    fn is_called_by(&self, used: &FxHashSet<Word>, declared: &FxHashMap<Word, u32>) -> bool {
        let called = !self.is_type && used.contains(&(self.name ^ CALLED));
        called && declared.get(&self.name).is_some_and(|count| *count <= MAX_DECLARATIONS)
    }
}

/// What a function that could call into the relevant ones must name.
#[derive(Default)]
struct Wanted {
    alone: FxHashSet<Word>,
    /// Names that many declare: one of these types or traits has to be named too.
    with_owner: FxHashMap<Word, Vec<Word>>,
}

impl Wanted {
    fn add(&mut self, part: &Part, declared: &FxHashMap<Word, u32>) {
        if part.is_type || part.name == 0 {
            return;
        }
        let distinctive = |name: &Word| declared.get(name).is_some_and(|count| *count <= MAX_DECLARATIONS);
        if distinctive(&part.name) {
            self.alone.insert(part.name ^ CALLED);
        } else {
            let owners = part.owners.iter().copied().filter(distinctive);
            self.with_owner.entry(part.name ^ CALLED).or_default().extend(owners);
        }
    }

    fn fits(&self, part: &Part) -> bool {
        part.words.iter().any(|word| {
            self.alone.contains(word)
                || self.with_owner.get(word).is_some_and(|owners| {
                    owners.iter().any(|owner| part.words.binary_search(owner).is_ok() || part.owners.contains(owner))
                })
        })
    }
}

/// Takes a text apart.
struct Scan<'t> {
    text: &'t str,
    tokens: Scanner<'t>,
    /// The token that was looked at already.
    ahead: Option<Option<Token>>,
    found: Summary,
    part: Part,
    /// Heads of the `impl`s and `trait`s that are open, with the depth at which they end.
    owners: Vec<(usize, Vec<Word>)>,
    depth: usize,
    include_tests: bool,
    /// Where the item began whose end has not come.
    item: Option<usize>,
    /// How much of `cfg(test)` was just read.
    attribute: u8,
    /// `cfg(test)` stands before what comes now.
    under_test: bool,
    /// The documentation comments before the last brace, semicolon or comma.
    docs: usize,
    /// A function's head has begun at this depth.
    head: Option<usize>,
    /// We are in the body of a function whose head stands at this depth.
    body: Option<usize>,
}

impl<'t> Scan<'t> {
    fn new(text: &'t str, include_tests: bool) -> Scan<'t> {
        let tokens = Scanner::new(text);
        Scan {
            text,
            tokens,
            ahead: None,
            include_tests,
            item: None,
            attribute: 0,
            under_test: false,
            docs: 0,
            found: Summary::default(),
            part: Part::default(),
            owners: Vec::new(),
            depth: 0,
            head: None,
            body: None,
        }
    }

    fn next(&mut self) -> Option<Token> {
        self.ahead.take().unwrap_or_else(|| self.tokens.next())
    }

    fn peek(&mut self) -> Option<Token> {
        let tokens = &mut self.tokens;
        self.ahead.get_or_insert_with(|| tokens.next()).clone()
    }

    fn run(mut self) -> Summary {
        let mut before = b' ';
        while let Some(token) = self.next() {
            if let Token::Open(at) | Token::Close(at) | Token::Punct(at) = token
                && matches!(self.text.as_bytes()[at], b'{' | b'}' | b';' | b',')
            {
                self.docs = self.tokens.docs.len();
                self.under_test = false;
            }
            self.note_item(&token);
            self.attribute = match (&token, self.attribute) {
                (Token::Ident(range), _) if &self.text[range.clone()] == "cfg" => 1,
                (Token::Open(_), 1) => 2,
                (Token::Ident(range), 2) if &self.text[range.clone()] == "test" => 3,
                (Token::Close(_), 3) => {
                    self.under_test = true;
                    0
                }
                _ => 0,
            };
            match token {
                Token::Ident(range) => {
                    let name = &self.text[range];
                    self.ident(name, before);
                    before = b'a';
                }
                Token::Open(at) => {
                    if self.head == Some(self.depth) && self.text.as_bytes()[at] == b'{' {
                        self.body = self.head.take();
                        self.part.body = Some(at + 1..at + 1);
                    }
                    self.depth += 1;
                    before = b'(';
                }
                Token::Close(at) => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.body.is_some_and(|depth| depth >= self.depth) {
                        self.body = None;
                        if let Some(body) = &mut self.part.body {
                            body.end = at;
                        }
                    }
                    while self.owners.last().is_some_and(|(depth, _)| *depth >= self.depth) {
                        self.owners.pop();
                    }
                    before = b')';
                }
                Token::Punct(at) => {
                    before = self.text.as_bytes()[at];
                    if before == b';' && self.head == Some(self.depth) {
                        self.head = None;
                    }
                }
                Token::Literal(_) => before = b'0',
            }
        }
        // Brackets that do not match: nothing is known of bodies.
        if self.body.is_some() || self.depth != 0 {
            self.found.tests.clear();
            self.part.body = None;
            self.found.parts.iter_mut().for_each(|part| part.body = None);
        }
        self.close();
        self.found.docs = self.tokens.docs;
        self.found
    }

    fn note_item(&mut self, token: &Token) {
        let start = match token {
            Token::Ident(range) | Token::Literal(range) => range.start,
            Token::Open(at) | Token::Close(at) | Token::Punct(at) => *at,
        };
        if matches!(self.text.as_bytes()[start], b'{' | b'}' | b';') {
            self.item = None;
        } else {
            self.item.get_or_insert(start);
        }
    }

    fn ident(&mut self, name: &'t str, before: u8) {
        match name {
            "fn" | "struct" | "enum" | "union" | "trait" | "type" | "macro_rules"
                if before != b'.' && self.body.is_none() =>
            {
                if name == "macro_rules" {
                    self.next();
                }
                if let Some(Token::Ident(range)) = self.peek() {
                    let called = word(&self.text[range.clone()]);
                    self.close();
                    self.part.name = called;
                    self.part.is_type = !matches!(name, "fn" | "macro_rules");
                    self.head = (name == "fn").then_some(self.depth);
                    self.part.start = self.item.unwrap_or(0);
                    self.part.docs = self.docs.min(self.tokens.docs.len())..self.tokens.docs.len();
                    self.part.owners = self.owners.last().map(|(_, words)| words.clone()).unwrap_or_default();
                    if name == "trait" {
                        self.owners.push((self.depth, vec![called]));
                    }
                }
            }
            "impl" if self.body.is_none() && self.head.is_none() => self.impl_head(),
            "mod" if self.body.is_none() => self.module(),
            "use" => self.found.structural |= before == b'a',
            _ if name.len() > 1 => {
                let hashed = word(name);
                self.part.words.push(hashed);
                let called = self.is_called();
                if called {
                    self.part.words.push(hashed ^ BRACKET);
                }
                if called || matches!(before, b'.' | b':') {
                    self.part.words.push(hashed ^ CALLED);
                }
            }
            _ => {}
        }
    }

    /// Whether `(`, `!` or `::` follows.
    fn is_called(&mut self) -> bool {
        match self.peek() {
            Some(Token::Open(_)) => true,
            Some(Token::Punct(at)) => {
                matches!(self.text.as_bytes()[at], b'!' | b':') && self.text.as_bytes().get(at + 1) != Some(&b' ')
            }
            _ => false,
        }
    }

    /// The types and traits in the head of an `impl`.
    fn impl_head(&mut self) {
        let mut words = Vec::new();
        while let Some(token) = self.peek() {
            match token {
                Token::Open(at) if self.text.as_bytes()[at] == b'{' => break,
                Token::Punct(at) if self.text.as_bytes()[at] == b';' => break,
                Token::Open(_) => self.depth += 1,
                Token::Close(_) => self.depth = self.depth.saturating_sub(1),
                Token::Ident(range) => {
                    let name = &self.text[range.clone()];
                    if name.len() > 1 && name.starts_with(|c: char| c.is_uppercase()) {
                        words.push(word(name));
                    }
                }
                _ => {}
            }
            self.next();
        }
        self.owners.push((self.depth, words));
    }

    /// `mod tests { … }` is passed over.
    fn module(&mut self) {
        let Some(Token::Ident(range)) = self.peek() else { return };
        let name = &self.text[range.clone()];
        self.next();
        if !matches!(self.peek(), Some(Token::Open(_))) {
            self.found.structural = true;
            return;
        }
        if self.include_tests || !(self.under_test || matches!(name, "tests" | "test")) {
            return;
        }
        let (mut depth, mut start) = (0usize, 0);
        while let Some(token) = self.next() {
            match token {
                Token::Open(at) => {
                    if depth == 0 {
                        start = at + 1;
                    }
                    depth += 1;
                }
                Token::Close(at) if depth <= 1 => {
                    self.item = None;
                    if std::mem::take(&mut self.under_test) {
                        self.found.tests.push(start..at);
                    }
                    return;
                }
                Token::Close(_) => depth -= 1,
                _ => {}
            }
        }
        // It does not end.
        self.depth += 1;
    }

    fn close(&mut self) {
        let mut part = std::mem::take(&mut self.part);
        part.words.sort_unstable();
        part.words.dedup();
        part.words.shrink_to_fit();
        if part.name != 0 || !part.words.is_empty() {
            self.found.parts.push(part);
        }
    }
}

fn count_declarations(summaries: &[Summary]) -> FxHashMap<Word, u32> {
    let mut declared = FxHashMap::default();
    for part in summaries.iter().flat_map(|summary| &summary.parts).filter(|part| part.name != 0) {
        *declared.entry(part.name).or_default() += 1;
    }
    declared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(files: &[&str]) -> Vec<Choice> {
        let apis = Apis::builtin("rust").unwrap();
        let files: Vec<_> = files.iter().map(|text| (*text, false)).collect();
        let whole = Choice::Parse { without: Vec::new() };
        assert!(choose(&files, SMALL, &apis, false).iter().all(|choice| *choice == whole));
        choose(&files, SMALL + 1, &apis, false)
    }

    #[track_caller]
    fn parses(files: &[&str], which: &[bool]) {
        let found: Vec<bool> = chosen(files).iter().map(|choice| *choice != Choice::Skip).collect();
        assert_eq!(found, which);
    }

    #[test]
    fn bodies_that_do_not_matter_are_blanked() {
        let text = "fn sync_it(f: &File) { f.sync_all(); } #[a] pub fn b() -> [u8; { 2 }] { ä(\"}\") } fn other() { deep() } \
                    impl X { fn d(&self) { sync_it(other) } }";
        let Choice::Parse { without } = &chosen(&[text])[0] else { panic!() };
        let bodies: Vec<_> = without.iter().map(|range| &text[range.clone()]).collect();
        assert_eq!(bodies, ["#[a] pub fn b() -> [u8; { 2 }] { ä(\"}\") }", " deep() "]);
        let blanked = blank(text, without);
        assert_eq!(blanked.len(), text.len());
        assert!(blanked.contains("fn other() {        }"), "{blanked}");
    }

    #[test]
    fn test_modules_are_blanked() {
        let text =
            "fn a() {} #[cfg(test)] mod x { fn t() { } } mod y { fn u() {} } #[cfg(unix)] mod tests { fn v() {} }";
        let apis = Apis::builtin("rust").unwrap();
        assert_eq!(choose(&[(text, true)], 1, &apis, true), [Choice::Parse { without: Vec::new() }]);
        let found = choose(&[(text, true)], 1, &apis, false);
        let Choice::Parse { without } = &found[0] else { panic!() };
        assert_eq!(without.iter().map(|range| &text[range.clone()]).collect::<Vec<_>>(), [" fn t() { } "]);
    }

    #[test]
    fn callers_and_declarations_are_found() {
        let files = [
            "fn sync_dir(d: &Path) { File::open(d).unwrap().sync_all().unwrap(); }",
            "fn publish() { sync_dir(x); let y: Marker = z(); }",
            "struct Marker;",
            "fn nothing_here() { 1 + 1; }",
            "mod a; pub use a::B;",
            "fn uses_publish(p: u8) { a.publish() }",
        ];
        parses(&files, &[true, true, true, false, true, true]);
    }

    #[test]
    fn owners_of_methods_count() {
        let files = [
            "impl Keep for Store { fn save(&self) { self.file.sync_all() } }",
            "fn other(s: &Store) { s.save() }",
            "trait Keep { fn save(&self); }",
            "struct Store { file: File }",
            "fn third(s: &dyn Keep) { s.save() }",
            "#[serde(rename = \"x\")] struct Plain; mod tests { fn t() { File::open(x) } }",
        ];
        parses(&files, &[true, true, true, true, true, false]);
    }
}
