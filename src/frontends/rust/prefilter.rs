//! Which files are worth parsing: those that name what the API tables know, those that could call into them, and those that
//! declare the types these use. Works on bare words; what it lets through too much only costs time.

use super::lex::{Scanner, Token};
use super::words;
use crate::apis::Apis;
use crate::effects::Effect;
use crate::ir::ValueKind;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use std::hash::Hasher;

/// Up to so many lines everything is parsed.
const SMALL: usize = 20_000;
/// Rounds of "who could call these?".
const CALLER_ROUNDS: usize = 2;
/// A name that so many files declare says nothing about which is meant.
const MAX_DECLARATIONS: u32 = 4;
/// Files that only hold the tree of modules together are parsed up to this size.
const MODULE_BYTES: usize = 32 << 10;

/// A word, hashed: a collision lets a file through too much.
type Word = u64;

/// What the words of a file are.
struct Summary {
    /// Sorted.
    words: Vec<Word>,
    /// Functions, types, traits and macros it declares.
    functions: Vec<Word>,
    types: Vec<Word>,
    structural: bool,
}

fn word(text: &str) -> Word {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// For each of `files` (text and whether it is an entry of its package) whether it has to be parsed.
pub fn choose(files: &[(&str, bool)], lines: usize, apis: &Apis) -> Vec<bool> {
    if lines <= SMALL {
        return vec![true; files.len()];
    }
    let known = effect_words(apis);
    let summaries: Vec<Summary> = files.par_iter().map(|(text, _)| summary(text)).collect();
    let declared = count_declarations(&summaries);
    let mut chosen: Vec<bool> = summaries.par_iter().map(|summary| touches(&summary.words, &known)).collect();
    for _ in 0..CALLER_ROUNDS {
        let names = declared_by(&summaries, &chosen, &declared);
        let more = summaries.par_iter().map(|summary| touches(&summary.words, &names));
        let more: Vec<bool> = more.collect();
        chosen.iter_mut().zip(more).for_each(|(chosen, more)| *chosen |= more);
    }
    let used: FxHashSet<Word> = summaries
        .iter()
        .zip(&chosen)
        .filter(|(_, chosen)| **chosen)
        .flat_map(|(summary, _)| summary.words.iter().copied())
        .collect();
    for (at, summary) in summaries.iter().enumerate() {
        let (text, entry) = files[at];
        let holds_modules = entry || (summary.structural && text.len() <= MODULE_BYTES);
        let needed = summary.types.iter().any(|name| used.contains(name) && declared[name] <= 2 * MAX_DECLARATIONS);
        chosen[at] |= holds_modules || needed;
    }
    chosen
}

/// The words that the rows of the tables put into a program.
fn effect_words(apis: &Apis) -> FxHashSet<Word> {
    let mut known = FxHashSet::default();
    for row in apis.rows() {
        let harmless = |effect| {
            matches!(
                effect,
                Effect::Nothing
                    | Effect::Same
                    | Effect::PathOp
                    | Effect::PathChange
                    | Effect::Read
                    | Effect::WrapRead
                    | Effect::CallArg
                    | Effect::PathOf
                    | Effect::Abort
            )
        };
        if row.steps().all(|step| harmless(step.effect)) {
            continue;
        }
        let mut segments = row.path.as_str().rsplit("::");
        let name = segments.next().unwrap_or_default();
        if name.len() > 3 && !words::COMMON.has(name) {
            known.insert(word(name));
        }
        if let Some(module) = segments.next().filter(|module| matches!(*module, "fs" | "libc" | "memmap2" | "tempfile"))
        {
            known.insert(word(module));
        }
    }
    for row in apis.types() {
        let kind = ValueKind::from(row.kind);
        let handle = matches!(
            kind,
            ValueKind::File | ValueKind::BufferedFile | ValueKind::AsyncFile | ValueKind::TempFile | ValueKind::Mapping
        );
        if handle {
            known.insert(word(super::types::last(row.path)));
        }
    }
    known
}

fn summary(text: &str) -> Summary {
    let mut found = Summary { words: Vec::new(), functions: Vec::new(), types: Vec::new(), structural: false };
    let mut before = "";
    for token in Scanner::new(text) {
        let Token::Ident(range) = token else {
            if !matches!(token, Token::Punct(_)) {
                before = "";
            }
            continue;
        };
        let name = &text[range];
        let hashed = word(name);
        match before {
            "fn" | "macro_rules" => found.functions.push(hashed),
            "struct" | "enum" | "trait" | "type" | "union" => found.types.push(hashed),
            "mod" | "pub" if before == "mod" || name == "use" => found.structural = true,
            _ => {}
        }
        if name.len() > 1 {
            found.words.push(hashed);
        }
        before = name;
    }
    found.words.sort_unstable();
    found.words.dedup();
    found.words.shrink_to_fit();
    found
}

fn count_declarations(summaries: &[Summary]) -> FxHashMap<Word, u32> {
    let mut declared = FxHashMap::default();
    for summary in summaries {
        for name in summary.functions.iter().chain(&summary.types) {
            *declared.entry(*name).or_default() += 1;
        }
    }
    declared
}

/// Names by which others could call into the chosen files.
fn declared_by(summaries: &[Summary], chosen: &[bool], declared: &FxHashMap<Word, u32>) -> FxHashSet<Word> {
    let of = summaries.iter().zip(chosen).filter(|(_, chosen)| **chosen);
    let names = of.flat_map(|(summary, _)| summary.functions.iter().chain(&summary.types).copied());
    names.filter(|name| declared[name] <= MAX_DECLARATIONS).collect()
}

fn touches(words: &[Word], known: &FxHashSet<Word>) -> bool {
    words.iter().any(|word| known.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_and_declarations_are_found() {
        let filler = "fn nothing_here() { 1 + 1; }\n";
        let files = [
            ("fn sync_dir(d: &Path) { File::open(d).unwrap().sync_all().unwrap(); }", false),
            ("fn publish() { sync_dir(x); let y: Marker = z(); }", false),
            ("struct Marker;", false),
            (filler, false),
            ("mod a; pub use a::B;", false),
        ];
        let apis = Apis::builtin("rust").unwrap();
        assert_eq!(choose(&files, SMALL + 1, &apis), [true, true, true, false, true]);
        assert_eq!(choose(&files, SMALL, &apis), [true; 5]);
    }
}
