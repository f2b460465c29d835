//! What is worth parsing of a large program: functions that name what the API tables know, functions that could call these,
//! functions that these could call, and the types they use. Works on words and on how they are called (`.name(`, `Type::name`,
//! `name(`); what it lets through too much only costs time.

use super::hir::LeftOut;
use super::lex::{self, Scanner, Token};
use super::uses::UseItem;
use super::{Options, cfg, words, world};
use crate::apis::{Api, Apis};
use crate::effects::Effect;
use crate::ir::ValueKind;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::hash::Hasher;
use std::ops::Range;
use std::path::Path;
use ustr::ustr;

/// Up to so many lines everything is parsed.
const SMALL: usize = 150_000;
/// Rounds of "who could call these?", for functions that change files. Flow follows effects further up, in what is there: further rounds let
/// through much that only has a name in common with a caller.
const CALLER_ROUNDS: usize = 2;
/// Rounds of "which types hold handles?".
const HOLDER_ROUNDS: usize = 2;
/// The body of a function that only gives access to something is not longer.
const SHORT: usize = 120;
/// A name that so many files declare says nothing about which is meant.
const MAX_DECLARATIONS: u32 = 4;
/// A macro that makes more types than this says nothing about any of them.
const MAX_MADE: usize = 64;
/// A task looks at the words of at most so many files: they differ much in size.
const FILES_AT_ONCE: usize = 16;
/// Files that only hold the tree of modules together are parsed up to this size.
const MODULE_BYTES: usize = 32 << 10;

/// A word, hashed: a collision lets a file through too much.
type Word = u32;

/// A function or the declaration of a type.
#[derive(Default)]
struct Part {
    name: Word,
    kind: Kind,
    /// Types and traits in the head of the `impl` around it.
    owners: Vec<Word>,
    /// The macro in whose rules it stands, in an `impl` there: what it is a method of is told where the macro is called.
    made_by: Option<Word>,
    /// Sorted. Those that are called are there with the marks of how, too.
    words: Vec<Word>,
    /// The configuration leaves it out.
    left_out: bool,
    /// Where its first attribute or keyword stands.
    start: usize,
    /// Between the braces of a function's body.
    body: Option<Range<usize>>,
    /// A function's documentation, as places among the file's.
    docs: Range<usize>,
    /// Items that are declared in the body, `use` among them.
    items: Vec<Range<usize>>,
    /// There may be others in it, no one knows where.
    declares: bool,
    /// It stands in the rules of a macro.
    in_rules: bool,
    /// The name of that macro.
    rules_of: Word,
}

/// What a part is, and so how it is called.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A function, by its own name.
    #[default]
    Free,
    /// A macro: `name!`.
    Macro,
    /// A function with `self`, on a value.
    Method,
    /// A function without, by its type.
    Associated,
    /// Not called at all.
    Type,
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
        /// `use` items that need no parser if their trees can be read without one.
        uses: Vec<UseItem>,
    },
}

/// A text that some of was taken out of: in the place of each part stands a space.
pub struct Squeezed<'t> {
    pub text: Cow<'t, str>,
    /// For each part: where the text goes on behind the space, and how many bytes it has gone on by more before it was squeezed.
    pub cuts: Vec<(u32, u32)>,
}

/// `text` without `ranges`, which are sorted and lie apart.
pub fn squeeze<'t>(text: &'t str, ranges: &[Range<usize>]) -> Squeezed<'t> {
    if ranges.is_empty() {
        return Squeezed { text: Cow::Borrowed(text), cuts: Vec::new() };
    }
    let left = text.len() + ranges.len() - ranges.iter().map(Range::len).sum::<usize>();
    let mut out = String::with_capacity(left);
    let mut cuts = Vec::with_capacity(ranges.len());
    let mut at = 0;
    for range in ranges.iter().filter(|range| !range.is_empty()) {
        out.push_str(&text[at..range.start]);
        out.push(' ');
        at = range.end;
        cuts.push((out.len() as u32, (at - out.len()) as u32));
    }
    out.push_str(&text[at..]);
    Squeezed { text: Cow::Owned(out), cuts }
}

/// Marks a word that `(`, `!` or `::` follows.
const BRACKET: Word = 0x27d4_eb2f;
/// Marks the name of a macro that is called: `name!`.
const BANG: Word = 0x1656_67b1;
/// Marks what is called without a receiver or type: `name(`, `module::name`.
const BARE: Word = 0x5bd1_e995;
/// Marks what is called on a value, or on a type that is not named: `.name(`, `>::name`.
const METHOD: Word = 0x1b87_3593;
/// `lock.write()` does nothing to files, and is not marked with [`BRACKET`]; what does is told what to write or where to read to.
const LOCKING: [&str; 2] = ["read", "write"];
/// Marks what is called on a type that is named: `Type::name`.
const PATH: Word = 0x85eb_ca6b;

/// `owner::name`.
fn pair(owner: Word, name: Word) -> Word {
    owner.rotate_left(7) ^ name.wrapping_mul(0x9e37_79b1)
}

/// What a file is made of.
#[derive(Default)]
struct Summary {
    parts: Vec<Part>,
    /// The types that are declared in it, by its own text or by macros, sorted.
    types: Vec<Word>,
    /// It declares modules or re-exports names.
    structural: bool,
    /// All documentation comments.
    docs: Vec<Range<usize>>,
    /// Attributes that tell nothing that is asked.
    attributes: Vec<Range<usize>>,
    /// Between the braces of modules that are there only under test.
    tests: Vec<Range<usize>>,
    /// Functions that the configuration leaves out, whole.
    functions_out: Vec<Range<usize>>,
    /// Modules whose files the configuration leaves out.
    files_out: Vec<LeftOut>,
    /// Calls of macros outside of functions.
    calls: Vec<ItemCall>,
    /// Definitions of macros, whole.
    rules: Vec<Range<usize>>,
    /// `use` items that stand plainly in the file.
    uses: Vec<UseItem>,
    /// Macros that name functions as their calls say.
    naming: Vec<Word>,
    /// Libraries of the tables that it names.
    libraries: FxHashSet<Word>,
}

/// What a macro of the program makes.
#[derive(Default, Clone, Copy)]
struct Makes {
    /// It may be needed, however it is called.
    needed: bool,
    /// Functions among it have the names that a call gives them.
    names: bool,
}

/// The macros of the program.
struct Macros {
    by_name: FxHashMap<Word, Makes>,
    /// The types that are declared without them.
    declared: FxHashSet<Word>,
}

/// What the macros of a program make, of which `kept` parts do something to files, or call what does.
fn macros(summaries: &[Summary], kept: &[Vec<bool>]) -> Macros {
    let mut macros: FxHashMap<Word, Makes> = FxHashMap::default();
    let mut called: Vec<(Word, &[Word])> = Vec::new();
    for (summary, kept) in summaries.iter().zip(kept) {
        for (part, kept) in summary.parts.iter().zip(kept) {
            let name = match part.kind {
                Kind::Macro => part.name,
                _ if part.in_rules => part.rules_of,
                _ => continue,
            };
            macros.entry(name).or_default().needed |= kept;
            called.push((name, &part.words));
        }
        for name in &summary.naming {
            macros.entry(*name).or_default().names = true;
        }
    }
    // What a macro calls makes it, too.
    let calls: Vec<(Word, Word)> = macros
        .keys()
        .flat_map(|inner| {
            let outer = called.iter().filter(move |(_, words)| words.binary_search(&(inner ^ BANG)).is_ok());
            outer.map(move |(name, _)| (*name, *inner))
        })
        .collect();
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for (outer, inner) in &calls {
            let Makes { needed, names } = macros[inner];
            if let Some(makes) = macros.get_mut(outer) {
                changed |= needed && !makes.needed || names && !makes.names;
                *makes = Makes { needed: makes.needed || needed, names: makes.names || names };
            }
        }
    }
    let types = summaries.iter().flat_map(|summary| types_of(&summary.parts)).filter(|part| !part.in_rules);
    Macros { by_name: macros, declared: types.map(|part| part.name).collect() }
}

/// A call of a macro outside of functions.
#[derive(Default)]
struct ItemCall {
    /// The macro.
    name: Word,
    /// The names of types in its arguments.
    types: Vec<Word>,
    /// Those of them that stand in no bracket there: types that it makes are among them.
    outer: Vec<Word>,
    /// The parts that its arguments are, or hold.
    parts: Range<usize>,
    /// Where it stands, if it stands in the place of an item.
    item: Option<Range<usize>>,
}

impl Summary {
    /// Whether what a call makes may be needed; `macros` are those of the program.
    fn needs(&self, call: &ItemCall, macros: &Macros, kept: &[bool], used: &FxHashSet<Word>) -> bool {
        let Macros { by_name, declared } = macros;
        let Some(made) = by_name.get(&call.name) else { return true };
        let named = |word: &Word| [BARE, METHOD, PATH].iter().any(|mark| used.contains(&(word ^ mark)));
        let is_needed = |(part, kept): (&Part, &bool)| {
            *kept || used.contains(&part.name) || made.names && part.words.iter().any(named)
        };
        let parts = call.parts.clone();
        made.needed
            || call.outer.iter().any(|name| used.contains(name) && !declared.contains(name))
            || self.parts[parts.clone()].iter().zip(&kept[parts]).any(is_needed)
    }

    /// What need not be parsed if `kept` says which parts may be needed: whole functions that `used` does not name, documentation, and
    /// bodies of functions, but for those that are parsed `at_once`.
    fn without(
        &self,
        kept: &[bool],
        used: &FxHashSet<Word>,
        macros: &Macros,
        at_once: impl Fn(&Part) -> bool,
    ) -> Vec<Range<usize>> {
        let mut docs: Vec<Option<Range<usize>>> = self.docs.iter().cloned().map(Some).collect();
        let mut found = Vec::new();
        for (part, kept) in self.parts.iter().zip(kept) {
            match &part.body {
                Some(body) if *kept => {
                    docs[part.docs.clone()].fill(None);
                    if body.len() > 2 && !at_once(part) {
                        // What is declared in it is known from the start.
                        let mut from = body.start;
                        for item in &part.items {
                            found.push(from..item.start);
                            from = item.end;
                        }
                        found.push(from..body.end);
                    }
                }
                Some(body) if !used.contains(&part.name) => found.push(part.start..body.end + 1),
                Some(body) if body.len() > 2 => found.push(body.clone()),
                _ => {}
            }
        }
        found.extend(docs.into_iter().flatten());
        found.extend(self.attributes.iter().chain(&self.tests).chain(&self.functions_out).chain(&self.rules).cloned());
        let calls = self.calls.iter().filter(|call| !self.needs(call, macros, kept, used));
        found.extend(calls.filter_map(|call| call.item.clone()));
        apart(found)
    }
}

/// Sorted, without those that lie in others.
pub fn apart(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_by_key(|range| (range.start, Reverse(range.end)));
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

/// A file that may have to be parsed.
pub struct Candidate<'t> {
    pub path: &'t Path,
    pub text: &'t str,
    /// It is an entry of its package.
    pub entry: bool,
}

/// What is to be parsed.
pub struct Plan {
    /// For each file.
    pub choices: Vec<Choice>,
    /// For a large program: what tells which bodies have to be read besides.
    pub search: Option<Search>,
}

/// What is known of functions by their words.
pub struct Search {
    summaries: Vec<Summary>,
    declared: FxHashMap<Word, u32>,
    /// For each file: the function whose body starts there.
    bodies: Vec<FxHashMap<u32, u32>>,
    /// Functions in macros that change files by their words: which functions of the program they make is not told.
    made: Vec<(u32, u32)>,
}

/// The body of a function: the file's place among the files, and where the body starts.
pub type BodyAt = (usize, u32);

impl Search {
    fn new(summaries: Vec<Summary>, declared: FxHashMap<Word, u32>, effects: &EffectWords) -> Search {
        let starts = |summary: &Summary| {
            let bodies = summary.parts.iter().enumerate();
            bodies.filter_map(|(at, part)| Some((part.body.as_ref()?.start as u32, at as u32))).collect()
        };
        let bodies = summaries.par_iter().with_max_len(FILES_AT_ONCE).map(starts).collect();
        let mut made = Vec::new();
        for (file, summary) in summaries.iter().enumerate() {
            for (at, part) in summary.parts.iter().enumerate() {
                if part.in_rules && effects.fits(part) && effects.changes(part) {
                    made.push((file as u32, at as u32));
                }
            }
        }
        Search { summaries, declared, bodies, made }
    }

    /// The names of the program.
    pub fn names(&self) -> Names<'_> {
        Names::new(&self.summaries, &self.declared)
    }

    fn part(&self, (file, start): BodyAt) -> Option<(&Summary, &Part)> {
        let summary = &self.summaries[file];
        let at = *self.bodies[file].get(&start)?;
        Some((summary, &summary.parts[at as usize]))
    }

    /// Where the closing brace of a body stands.
    pub fn body_end(&self, body: BodyAt) -> Option<usize> {
        Some(self.part(body)?.1.body.as_ref()?.end)
    }

    /// Which of `among` could call one of `called`, by their words; with `made`, or what macros make.
    pub fn callers(
        &self,
        names: &Names,
        called: impl Iterator<Item = BodyAt>,
        made: bool,
        among: &[(u32, BodyAt)],
    ) -> Vec<u32> {
        let mut wanted = Wanted::default();
        called.filter_map(|body| self.part(body)).for_each(|(_, part)| wanted.add(part, names));
        if made {
            let parts = self.made.iter().map(|&(file, at)| &self.summaries[file as usize].parts[at as usize]);
            parts.for_each(|part| wanted.add(part, names));
        }
        let could = |(id, body): &(u32, BodyAt)| {
            let (file, part) = self.part(*body)?;
            wanted.fits(file, part, names).then_some(*id)
        };
        among.par_iter().filter_map(could).collect()
    }
}

/// For each of `files` what has to be parsed of it at first, and what tells what besides.
pub fn choose(files: &[Candidate], lines: usize, apis: &Apis, options: &Options) -> Plan {
    let libraries: FxHashSet<Word> = apis.libraries().map(word).collect();
    let scan = |file: &Candidate| Scan::new(file.text, options, &libraries).run();
    let mut summaries: Vec<Summary> = files.par_iter().with_max_len(1).map(scan).collect();
    if lines <= SMALL || options.whole {
        let choose = |summary: Summary| Choice::Parse { without: summary.tests, uses: summary.uses };
        let choices = summaries.into_iter().map(choose).collect();
        return Plan { choices, search: None };
    }
    let off = {
        let by_path = files.iter().enumerate().map(|(at, file)| (world::clean(file.path), at)).collect();
        let left_out = files.iter().zip(&summaries).map(|(file, summary)| (file.path, &*summary.files_out, false));
        world::left_out_files(&by_path, &left_out.collect::<Vec<_>>())
    };
    summaries.iter_mut().zip(&off).filter(|(_, off)| **off).for_each(|(summary, _)| summary.parts.clear());
    let made = give_owners(&mut summaries);
    let declared = count_declarations(&summaries, &made);
    let mut kept: Vec<Vec<bool>> = summaries.iter().map(|summary| vec![false; summary.parts.len()]).collect();
    let (effects, names) = rayon::join(|| EffectWords::new(apis, &summaries), || Names::new(&summaries, &declared));
    let (mut wanted, mut opened) = (Wanted::default(), Wanted::default());
    keep_more(
        &summaries,
        &mut kept,
        |_, part| effects.fits(part) || effects.settles(part),
        |part| if effects.changes(part) { wanted.add(part, &names) } else { opened.add(part, &names) },
    );
    for _ in 0..CALLER_ROUNDS {
        let mut next = Wanted::default();
        keep_more(&summaries, &mut kept, |file, part| wanted.fits(file, part, &names), |part| next.add(part, &names));
        wanted = next;
    }
    // What is done with what others opened is done by those who call them.
    keep_more(&summaries, &mut kept, |file, part| opened.fits(file, part, &names), |_| {});
    let mut used = used_words(&summaries, &kept);
    let macros = macros(&summaries, &kept);
    let mut next = Vec::new();
    keep_more(
        &summaries,
        &mut kept,
        |_, part| names.is_called_by(part, &used),
        |part| next.extend_from_slice(&part.words),
    );
    used.extend(next);
    // A macro that makes items may make them in a body.
    let rules = summaries.iter().flat_map(|summary| &summary.parts).filter(|part| part.in_rules);
    let declaring: FxHashSet<Word> = rules.map(|part| part.rules_of ^ BANG).collect();
    let needed =
        |name: &Word| used.contains(name) && declared.get(name).is_some_and(|count| *count <= MAX_DECLARATIONS);
    let choose = |(((summary, kept), file), off): (((&Summary, &Vec<bool>), &Candidate), &bool)| {
        let holds_modules = file.entry || (summary.structural && file.text.len() <= MODULE_BYTES);
        if *off || !(holds_modules || kept.contains(&true) || summary.types.iter().any(needed)) {
            return Choice::Skip;
        }
        let at_once = |part: &Part| {
            effects.may_do(part)
                || effects.settles(part)
                || part.declares
                || part.words.iter().any(|word| declaring.contains(word))
        };
        let without = summary.without(kept, &used, &macros, at_once);
        Choice::Parse { without, uses: summary.uses.clone() }
    };
    let choices =
        summaries.par_iter().zip(&kept).zip(files).zip(&off).with_max_len(FILES_AT_ONCE).map(choose).collect();
    Plan { choices, search: Some(Search::new(summaries, declared, &effects)) }
}

/// Keeps the parts that `fits`, and tells `learn` of those that were not kept before.
fn keep_more<'s>(
    summaries: &'s [Summary],
    kept: &mut [Vec<bool>],
    fits: impl Fn(&Summary, &Part) -> bool + Sync,
    mut learn: impl FnMut(&'s Part),
) {
    let check = |(summary, kept): (&Summary, &Vec<bool>)| -> Vec<bool> {
        summary.parts.iter().zip(kept).map(|(part, kept)| !kept && fits(summary, part)).collect()
    };
    let more: Vec<Vec<bool>> = summaries.par_iter().zip(&*kept).with_max_len(FILES_AT_ONCE).map(check).collect();
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

/// The words that the rows of the tables put into a program.
#[derive(Default)]
struct EffectWords {
    /// They speak for themselves.
    alone: FxHashSet<Word>,
    /// They need a handle in the type around them.
    vague: FxHashSet<Word>,
    /// Those that make a function one that may do something itself, or read: names of methods and functions, or types with them.
    doing: FxHashSet<Word>,
    /// Such names that need a handle near.
    doing_near: FxHashSet<Word>,
    /// Handles, and modules with functions on them.
    near: FxHashSet<Word>,
    /// Of both, those that change files or make them durable.
    changing: FxHashSet<Word>,
    /// Modules and types whose functions have common names.
    modules: FxHashSet<Word>,
    /// Names of methods that are asked to leave nothing undone.
    settling: FxHashSet<Word>,
    /// The program's types that hold handles.
    holders: FxHashSet<Word>,
}

impl EffectWords {
    fn new(apis: &Apis, summaries: &[Summary]) -> EffectWords {
        use ValueKind::*;
        let mut words = EffectWords::default();
        let mut others = FxHashSet::default();
        let does = |row: &Api| row.steps().any(|step| step.effect.can_matter());
        let named = |library: &str| {
            let library = word(library);
            summaries.iter().any(|summary| summary.libraries.contains(&library))
        };
        let reachable = apis.reachable(named);
        let rows = || apis.rows().iter().zip(&reachable).filter(|(_, reachable)| **reachable).map(|(row, _)| row);
        for row in rows().filter(|row| row.steps().any(|step| matters(step.effect))) {
            let name = super::types::last(row.path);
            let changing = row.steps().any(|step| changes(step.effect));
            let of = if changing { &mut words.changing } else { &mut others };
            let called = ways_to_call(row);
            of.extend(called);
            let owner = row.path.as_str().rsplit("::").nth(1).filter(|owner| owner.starts_with(char::is_uppercase));
            if words::VAGUE.has(name) || words::COMMON.has(name) || name.len() <= 3 {
                words.vague.extend(called);
                if does(row) {
                    match owner.filter(|_| !row.has_receiver()) {
                        Some(owner) => words.doing.extend([pair(word(owner), word(name))]),
                        None => words.doing_near.extend(called),
                    };
                }
            } else {
                words.alone.extend(called);
                if does(row) {
                    words.doing.extend(called);
                }
            }
        }
        let reads = |row: &&Api| row.steps().any(|step| step.effect == Effect::Read);
        words.doing_near.extend(rows().filter(reads).flat_map(ways_to_call));
        for of in [&mut words.vague, &mut words.doing_near, &mut words.changing] {
            of.extend(["write", "writeln"].map(|name| word(name) ^ BRACKET));
        }
        for row in apis.types() {
            let name = super::types::last(row.path);
            let handle = matches!(ValueKind::from(row.kind), File | BufferedFile | AsyncFile | TempFile | Mapping);
            if handle && !words::VAGUE_TYPES.has(name) {
                words.alone.insert(word(name));
                words.near.insert(word(name));
            }
        }
        // `fs::write(…)`, under whatever name the library goes.
        words.modules.extend(["fs", "fs_err", "libc", "rustix", "OpenOptions"].map(|module| word(module) ^ BRACKET));
        words.alone.extend(&words.modules);
        words.near.extend(&words.modules);
        words.changing.retain(|word| !others.contains(word));
        words.settling.extend(words::SETTLING.iter().map(word));
        words.find_holders(summaries);
        words
    }

    fn find_holders(&mut self, summaries: &[Summary]) {
        let types: Vec<&Part> = summaries.iter().flat_map(|summary| types_of(&summary.parts)).collect();
        for _ in 0..HOLDER_ROUNDS {
            let holds =
                |part: &&&Part| part.words.iter().any(|word| self.alone.contains(word) || self.holders.contains(word));
            let more: Vec<Word> = types.iter().filter(holds).map(|part| part.name).collect();
            self.holders.extend(more);
        }
    }

    /// Whether a part is a method that is asked to leave nothing undone of what its type holds.
    fn settles(&self, part: &Part) -> bool {
        part.kind == Kind::Method
            && self.settling.contains(&part.name)
            && part.owners.iter().any(|owner| self.holders.contains(owner))
    }

    fn fits(&self, part: &Part) -> bool {
        let inside = part.owners.iter().any(|owner| self.holders.contains(owner));
        part.words.iter().any(|word| self.alone.contains(word) || inside && self.vague.contains(word))
    }

    /// Whether a part that fits may read files or do something to them itself, not only by what it calls.
    fn may_do(&self, part: &Part) -> bool {
        let near = || {
            let holds = part.owners.iter().any(|owner| self.holders.contains(owner));
            holds || part.words.iter().any(|word| self.near.contains(word))
        };
        part.words.iter().any(|word| self.doing.contains(word))
            || part.words.iter().any(|word| self.doing_near.contains(word)) && near()
    }

    /// Whether a part that fits does more than to open and read.
    fn changes(&self, part: &Part) -> bool {
        let inside = part.owners.iter().any(|owner| self.holders.contains(owner))
            || part.words.iter().any(|word| self.modules.contains(word));
        part.words.iter().any(|word| self.changing.contains(word) && (inside || self.alone.contains(word)))
    }
}

/// The words of a call of what `row` tells of: on a value or by its type, or by its module or type.
fn ways_to_call(row: &Api) -> [Word; 2] {
    let name = super::types::last(row.path);
    let called = match row.has_receiver() {
        true if LOCKING.contains(&name) => BRACKET,
        true => METHOD,
        false => BARE,
    };
    [word(name) ^ PATH, word(name) ^ called]
}

/// Whether an effect changes what lasts, or makes it last.
pub fn changes(effect: Effect) -> bool {
    use Effect::*;
    let only_handles = matches!(
        effect,
        OpenRead | OpenWrite | OpenAppend | OptionsOpen | OpenFlags | Seek | Unwrap | Control | Duplicate | WrapBuffer
    );
    matters(effect) && !only_handles
}

/// Whether an effect has to do with what lasts.
fn matters(effect: Effect) -> bool {
    effect.can_matter() || matches!(effect, Effect::Seek | Effect::WrapBuffer | Effect::Duplicate)
}

/// What is known of the program's names.
pub struct Names<'s> {
    /// How often each is declared.
    declared: &'s FxHashMap<Word, u32>,
    /// Names of methods that say nothing about whose they are.
    common: FxHashSet<Word>,
    /// The words of the declarations of types.
    types: FxHashMap<Word, Vec<&'s [Word]>>,
}

impl<'s> Names<'s> {
    fn new(summaries: &'s [Summary], declared: &'s FxHashMap<Word, u32>) -> Names<'s> {
        let common = words::ALL.iter().flat_map(|words| words.iter()).map(word).collect();
        let mut types: FxHashMap<Word, Vec<&[Word]>> = FxHashMap::default();
        for part in summaries.iter().flat_map(|summary| types_of(&summary.parts)) {
            types.entry(part.name).or_default().push(&part.words);
        }
        types.retain(|_, found| found.len() <= MAX_DECLARATIONS as usize);
        Names { declared, common, types }
    }

    fn is_rare(&self, name: Word) -> bool {
        self.declared.get(&name).is_some_and(|count| *count <= MAX_DECLARATIONS)
    }

    /// Whether a call of a method of this name is one of these.
    fn is_distinctive(&self, name: Word) -> bool {
        self.is_rare(name) && !self.common.contains(&name)
    }

    /// Whether code with these words could call `part`.
    fn is_called_by(&self, part: &Part, used: &FxHashSet<Word>) -> bool {
        let marked = |mark: Word| used.contains(&(part.name ^ mark));
        // What only gives access to something: by it, a thing stays the same thing.
        let short = part.body.as_ref().is_some_and(|body| body.len() <= SHORT);
        if short && !part.owners.is_empty() && part.owners.iter().any(|owner| used.contains(owner)) {
            let paired = || part.owners.iter().any(|owner| used.contains(&pair(*owner, part.name)));
            return marked(METHOD) && part.kind == Kind::Method || paired();
        }
        match part.kind {
            Kind::Type => false,
            Kind::Free => self.is_rare(part.name) && marked(BARE),
            Kind::Macro => self.is_rare(part.name) && marked(BANG),
            Kind::Method => self.is_distinctive(part.name) && (marked(METHOD) || marked(PATH)),
            Kind::Associated => {
                self.is_rare(part.name) && part.owners.iter().any(|owner| used.contains(&pair(*owner, part.name)))
                    || self.is_distinctive(part.name) && (marked(METHOD) || marked(PATH))
            }
        }
    }

    /// Whether `part` has to do with `owner`: names it, is a method of it or of a type with such a field, or stands in its file.
    fn is_near(&self, file: &Summary, part: &Part, owner: Word) -> bool {
        part.words.binary_search(&owner).is_ok()
            || part.owners.contains(&owner)
            || file.types.binary_search(&owner).is_ok()
            || part
                .owners
                .iter()
                .filter_map(|of| self.types.get(of))
                .flatten()
                .any(|words| words.binary_search(&owner).is_ok())
    }
}

/// Which words may be in a set, by some bits of each: nearly all words that are asked for are in none.
struct Sieve(Box<[u64]>);

/// The binary logarithm of the bits of a sieve.
const SIEVE_BITS: u32 = 16;

impl Default for Sieve {
    fn default() -> Sieve {
        Sieve(vec![0; 1 << (SIEVE_BITS - u64::BITS.ilog2())].into())
    }
}

impl Sieve {
    fn place(word: Word) -> (usize, u64) {
        let place = (word ^ word >> SIEVE_BITS) & ((1 << SIEVE_BITS) - 1);
        ((place / u64::BITS) as usize, 1 << (place % u64::BITS))
    }

    fn insert(&mut self, word: Word) {
        let (at, bit) = Sieve::place(word);
        self.0[at] |= bit;
    }

    fn may_have(&self, word: Word) -> bool {
        let (at, bit) = Sieve::place(word);
        self.0[at] & bit != 0
    }
}

/// What a function that could call into the relevant ones must name.
#[derive(Default)]
struct Wanted {
    alone: FxHashSet<Word>,
    /// Names that many declare: one of these types or traits has to be near too.
    with_owner: FxHashMap<Word, Vec<Word>>,
    /// Of both.
    sieve: Sieve,
}

impl Wanted {
    fn add(&mut self, part: &Part, names: &Names) {
        if part.name == 0 {
            return;
        }
        let owners = part.owners.iter().copied().filter(|owner| names.is_rare(*owner));
        match part.kind {
            Kind::Type => {}
            Kind::Free if names.is_rare(part.name) => self.add_alone(part.name ^ BARE),
            Kind::Macro if names.is_rare(part.name) => self.add_alone(part.name ^ BANG),
            Kind::Free | Kind::Macro => {}
            Kind::Method | Kind::Associated if names.is_distinctive(part.name) => {
                [part.name ^ METHOD, part.name ^ PATH].into_iter().for_each(|word| self.add_alone(word));
                owners.for_each(|owner| self.add_alone(pair(owner, part.name)));
            }
            Kind::Method => {
                owners.clone().for_each(|owner| self.add_alone(pair(owner, part.name)));
                self.sieve.insert(part.name ^ METHOD);
                self.with_owner.entry(part.name ^ METHOD).or_default().extend(owners);
            }
            Kind::Associated => owners.for_each(|owner| self.add_alone(pair(owner, part.name))),
        }
    }

    fn add_alone(&mut self, word: Word) {
        self.sieve.insert(word);
        self.alone.insert(word);
    }

    fn fits(&self, file: &Summary, part: &Part, names: &Names) -> bool {
        part.words.iter().any(|word| self.sieve.may_have(*word) && self.word_fits(file, part, *word, names))
    }

    fn word_fits(&self, file: &Summary, part: &Part, word: Word, names: &Names) -> bool {
        self.alone.contains(&word)
            || self
                .with_owner
                .get(&word)
                .is_some_and(|owners| owners.iter().any(|owner| names.is_near(file, part, *owner)))
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
    /// The words of the part, as they come.
    words: Vec<Word>,
    /// Heads of the `impl`s and `trait`s that are open, with the depth at which they end.
    owners: Vec<(usize, Vec<Word>)>,
    depth: usize,
    options: &'t Options,
    /// Where the item began whose end has not come.
    item: Option<usize>,
    /// The attribute that is open.
    attribute: Option<Attribute>,
    /// Where the item's last attribute ends.
    attribute_end: usize,
    /// One of the item's attributes may leave it out.
    conditional: bool,
    /// How many modules are open within the file.
    inline: Vec<usize>,
    /// The documentation comments before the last brace, semicolon or comma.
    docs: usize,
    /// A function's head has begun at this depth.
    head: Option<usize>,
    /// We are in the body of a function whose head stands at this depth.
    body: Option<usize>,
    /// The rules of a macro that are open: their depth, and its name.
    rules: Option<(usize, Word)>,
    /// Where that definition starts, if it is an item of its own.
    rules_start: Option<usize>,
    /// The depth of the call of a macro that is open in the place of an item.
    call: Option<usize>,
    /// The `use` item whose end has not come: where it starts, and its tree.
    using: Option<(usize, usize)>,
    /// The item in a body whose end has not come.
    inside: Option<Inside>,
    /// Names of libraries that are looked out for.
    libraries: &'t FxHashSet<Word>,
    /// The depth at which the arguments of a macro are open in a body.
    arguments: Option<usize>,
}

/// An attribute.
struct Attribute {
    start: usize,
    /// The depth at which it stands.
    depth: usize,
    /// It may tell something that is asked.
    tells: bool,
}

/// An item in a body.
struct Inside {
    start: usize,
    depth: usize,
    /// A closing brace ends it, too, not only a semicolon.
    braced: bool,
}

/// Whether `text` is what may stand before the keyword of an item: attributes, visibility, qualifiers.
fn begins_item(text: &str) -> bool {
    let mut depth = 0usize;
    let mut before = b' ';
    for token in Scanner::new(text) {
        let at = match &token {
            Token::Open(at) | Token::Close(at) | Token::Punct(at) => *at,
            Token::Ident(range) | Token::Literal(range) => range.start,
        };
        let byte = text.as_bytes()[at];
        match token {
            Token::Close(_) if depth > 0 => depth -= 1,
            Token::Close(_) => return false,
            Token::Open(_) if depth > 0 || (byte, before) == (b'[', b'#') || (byte, before) == (b'(', b'b') => {
                depth += 1
            }
            _ if depth > 0 => {}
            Token::Punct(_) if byte == b'#' => before = b'#',
            Token::Ident(range) => match &text[range] {
                "pub" => before = b'b',
                "async" | "const" | "unsafe" | "default" => before = b'a',
                _ => return false,
            },
            _ => return false,
        }
    }
    depth == 0
}

impl<'t> Scan<'t> {
    fn new(text: &'t str, options: &'t Options, libraries: &'t FxHashSet<Word>) -> Scan<'t> {
        let tokens = Scanner::new(text);
        Scan {
            text,
            tokens,
            ahead: None,
            options,
            item: None,
            attribute: None,
            attribute_end: 0,
            conditional: false,
            inline: Vec::new(),
            docs: 0,
            found: Summary::default(),
            part: Part::default(),
            words: Vec::new(),
            owners: Vec::new(),
            depth: 0,
            head: None,
            body: None,
            rules: None,
            rules_start: None,
            call: None,
            using: None,
            inside: None,
            libraries,
            arguments: None,
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
            }
            self.note_item(&token);
            match token {
                Token::Ident(range) => {
                    self.ident(range, before);
                    before = b'a';
                }
                Token::Open(at) => {
                    if self.head == Some(self.depth) && self.text.as_bytes()[at] == b'{' {
                        self.body = self.head.take();
                        self.part.body = Some(at + 1..at + 1);
                    }
                    if self.body.is_some() && self.arguments.is_none() && before == b'!' {
                        self.arguments = Some(self.depth);
                    }
                    self.depth += 1;
                    before = b'(';
                }
                Token::Close(at) => {
                    self.depth = self.depth.saturating_sub(1);
                    self.arguments = self.arguments.filter(|depth| *depth < self.depth);
                    if self.text.as_bytes()[at] == b'}' {
                        self.end_inside(at, true);
                    }
                    if self.body.is_some_and(|depth| depth >= self.depth) {
                        self.body = None;
                        self.part.declares |= self.inside.take().is_some();
                        if let Some(body) = &mut self.part.body {
                            body.end = at;
                        }
                    }
                    while self.owners.last().is_some_and(|(depth, _)| *depth >= self.depth) {
                        self.owners.pop();
                    }
                    self.end_macro(at);
                    while self.inline.last().is_some_and(|depth| *depth >= self.depth) {
                        self.inline.pop();
                    }
                    if let Some(attribute) = self.attribute.take_if(|attribute| attribute.depth == self.depth) {
                        self.attribute_end = at + 1;
                        // A macro may ask for more.
                        if !attribute.tells && self.rules.is_none() && self.call.is_none() {
                            self.found.attributes.push(attribute.start..at + 1);
                        }
                    }
                    before = b')';
                }
                Token::Punct(at) => {
                    before = self.text.as_bytes()[at];
                    if before == b'#' && self.body.is_none() && self.text.as_bytes().get(at + 1) == Some(&b'[') {
                        self.attribute = Some(Attribute { start: at, depth: self.depth, tells: false });
                    }
                    if before == b';' && self.head == Some(self.depth) {
                        self.head = None;
                    }
                    if before == b';' {
                        if let Some((start, tree)) = self.using.take_if(|_| self.depth == 0) {
                            self.found.uses.push(UseItem { item: start..at + 1, tree: tree..at });
                        }
                        self.end_inside(at, false);
                    }
                }
                Token::Literal(_) => before = b'0',
            }
        }
        // Brackets that do not match: nothing is known of bodies.
        if self.body.is_some() || self.depth != 0 {
            self.found.tests.clear();
            self.found.attributes.clear();
            self.found.functions_out.clear();
            self.found.files_out.clear();
            self.found.rules.clear();
            self.found.uses.clear();
            self.found.calls.iter_mut().for_each(|call| call.item = None);
            self.part.left_out = false;
            self.part.body = None;
            self.found.parts.iter_mut().for_each(|part| part.body = None);
        }
        self.close();
        self.found.docs = self.tokens.docs;
        self.found.types = types_of(&self.found.parts).map(|part| part.name).collect();
        self.found.types.sort_unstable();
        self.found
    }

    fn note_item(&mut self, token: &Token) {
        let start = match token {
            Token::Ident(range) | Token::Literal(range) => range.start,
            Token::Open(at) | Token::Close(at) | Token::Punct(at) => *at,
        };
        if self.attribute.is_some() {
            // An item begins with its first attribute, whatever stands in that.
        } else if matches!(self.text.as_bytes()[start], b'{' | b'}' | b';') {
            self.item = None;
            self.conditional = false;
            self.attribute_end = 0;
        } else {
            self.item.get_or_insert(start);
        }
    }

    fn ident(&mut self, range: Range<usize>, before: u8) {
        let name = &self.text[range.clone()];
        if let Some(attribute) = &mut self.attribute {
            attribute.tells |= cfg::may_tell(name);
            self.conditional |= name == "cfg" || cfg::is_test_attribute(name);
            return;
        }
        if self.body.is_some()
            && self.inside.is_none()
            && matches!(before, b'(' | b')' | b';' | b'a')
            && let Some(braced) = self.declares(name)
        {
            // What a macro is given may be no declaration of the function's.
            let starts = |start: &usize| self.arguments.is_none() && begins_item(&self.text[*start..range.start]);
            match self.item.filter(starts) {
                Some(start) => self.inside = Some(Inside { start, depth: self.depth, braced }),
                None => self.part.declares = true,
            }
        }
        match name {
            "fn" | "struct" | "enum" | "union" | "trait" | "type" | "macro_rules"
                if before != b'.' && self.body.is_none() =>
            {
                if name == "macro_rules" {
                    self.next();
                }
                if name == "fn"
                    && let Some((_, of)) = self.rules
                    && matches!(self.peek(), Some(Token::Punct(at)) if self.text.as_bytes()[at] == b'$')
                {
                    self.found.naming.push(of);
                }
                if let Some(Token::Ident(range)) = self.peek() {
                    let called = word(&self.text[range.clone()]);
                    self.close();
                    if name == "macro_rules" {
                        self.rules = Some((self.depth, called));
                        self.rules_start = self.item.filter(|_| self.call.is_none());
                    }
                    self.part.name = called;
                    self.part.owners = self.owners.last().map(|(_, words)| words.clone()).unwrap_or_default();
                    self.part.kind = match name {
                        "fn" if !self.owners.is_empty() => Kind::Associated,
                        "fn" => Kind::Free,
                        "macro_rules" => Kind::Macro,
                        _ => Kind::Type,
                    };
                    let in_impl = name == "fn" && !self.owners.is_empty();
                    self.part.made_by = self.rules.filter(|_| in_impl).map(|(_, of)| of);
                    self.part.in_rules = name != "macro_rules" && self.rules.is_some();
                    self.part.rules_of = self.rules.map_or(0, |(_, of)| of);
                    self.head = (name == "fn").then_some(self.depth);
                    self.part.start = self.item.unwrap_or(0);
                    self.part.left_out = name == "fn" && self.is_left_out(cfg::left_out);
                    self.part.docs = self.docs.min(self.tokens.docs.len())..self.tokens.docs.len();
                    if name == "trait" {
                        self.owners.push((self.depth, vec![called]));
                    }
                }
            }
            "impl" if self.body.is_none() && self.head.is_none() => self.impl_head(),
            "mod" if self.body.is_none() => self.module(),
            "use" => {
                self.found.structural |= before == b'a';
                self.using = self.begins_use(range.start).map(|start| (start, range.end));
            }
            "self"
                if self.head.is_some()
                    && self.part.kind == Kind::Associated
                    && !self.text[range.end..].starts_with("::") =>
            {
                self.part.kind = Kind::Method;
            }
            _ if name.len() > 1 => self.word(range, before),
            _ => {}
        }
    }

    /// Whether an item is declared where `name` stands in a body, by what follows; and whether a closing brace may end it.
    fn declares(&mut self, name: &str) -> Option<bool> {
        const DECLARING: &[&str] = &[
            "fn",
            "struct",
            "enum",
            "union",
            "trait",
            "type",
            "impl",
            "mod",
            "const",
            "static",
            "macro_rules",
            "use",
            "extern",
        ];
        if !matches!(name.len(), 2..=6 | 11) || !DECLARING.contains(&name) {
            return None;
        }
        let text = self.text;
        let next = match self.peek()? {
            Token::Ident(range) => &text[range],
            Token::Open(at) | Token::Punct(at) => &text[at..at + 1],
            Token::Literal(_) => "\"",
            Token::Close(_) => return None,
        };
        let named = lex::is_ident(next.as_bytes()[0]);
        match name {
            "impl" | "extern" => Some(name == "impl" || next != "crate"),
            "macro_rules" => (next == "!").then_some(true),
            "use" => Some(false),
            // A block, a closure, or a function that is called with the same word.
            "const" | "static" => {
                (named && !matches!(next, "fn" | "unsafe" | "async" | "extern" | "move")).then_some(false)
            }
            "type" => named.then_some(false),
            _ => named.then_some(true),
        }
    }

    /// The item in a body ends behind the token at `at`, if it stands where it does.
    fn end_inside(&mut self, at: usize, brace: bool) {
        if self.inside.as_ref().is_none_or(|item| item.depth != self.depth || brace && !item.braced) {
            return;
        }
        // `A<{ N }>` is a type.
        let text = self.text.as_bytes();
        if brace && matches!(self.peek(), Some(Token::Punct(next)) if matches!(text[next], b'>' | b',')) {
            return;
        }
        self.part.items.extend(self.inside.take().map(|item| item.start..at + 1));
    }

    /// A word of the part, with the marks of how it is called.
    fn word(&mut self, range: Range<usize>, before: u8) {
        let bytes = self.text.as_bytes();
        let hashed = word(&self.text[range.clone()]);
        self.words.push(hashed);
        if self.body.is_none() && self.head.is_none() && self.rules.is_none() {
            self.item_word(&range, hashed);
        }
        let follows = |text: &[u8]| bytes[range.end..].starts_with(text);
        let bracket = match self.peek() {
            Some(Token::Open(at)) => Some(bytes[at]),
            Some(Token::Punct(at)) if matches!(bytes[at], b'!' | b':') && bytes.get(at + 1) != Some(&b' ') => {
                Some(bytes[at])
            }
            _ => None,
        };
        let of_a_lock = follows(b"()") && LOCKING.contains(&&self.text[range.clone()]);
        if bracket.is_some() && !of_a_lock {
            self.words.push(hashed ^ BRACKET);
        }
        if bracket == Some(b':') && self.libraries.contains(&hashed) {
            self.found.libraries.insert(hashed);
        }
        let called = bracket == Some(b'(') || follows(b"::<");
        if follows(b"!") && !follows(b"!=") {
            self.words.push(hashed ^ BANG);
        }
        match before {
            b':' if bytes[..range.start].ends_with(b"::") => {
                let end = range.start - 2;
                let start = bytes[..end].iter().rposition(|byte| !lex::is_ident(*byte)).map_or(0, |at| at + 1);
                match &self.text[start..end] {
                    "Self" => {
                        self.words.push(hashed ^ PATH);
                        let owners = self.part.owners.iter().map(|owner| pair(*owner, hashed));
                        self.words.extend(owners);
                    }
                    owner if owner.len() > 1 && owner.starts_with(|c: char| c.is_uppercase()) => {
                        self.words.extend([hashed ^ PATH, pair(word(owner), hashed)]);
                    }
                    owner if owner.starts_with(|c: char| c.is_lowercase()) => self.words.push(hashed ^ BARE),
                    _ => self.words.push(hashed ^ METHOD),
                }
            }
            b'.' if called => self.words.push(hashed ^ METHOD),
            b'.' => {}
            _ if called => self.words.push(hashed ^ BARE),
            _ => {}
        }
    }

    /// A word outside of functions: it may call a macro, or name a type for one.
    fn item_word(&mut self, range: &Range<usize>, hashed: Word) {
        let bytes = self.text.as_bytes();
        if let Some(depth) = self.call {
            if bytes[range.start].is_ascii_uppercase()
                && let Some(call) = self.found.calls.last_mut()
            {
                call.types.push(hashed);
                if depth + 1 == self.depth {
                    call.outer.push(hashed);
                }
            }
        } else if self.owners.is_empty()
            && bytes[range.end..].starts_with(b"!")
            && !bytes[range.end..].starts_with(b"!=")
        {
            self.close();
            self.call = Some(self.depth);
            let at = self.found.parts.len();
            let item = self.begins_item(range.start).map(|start| start..start);
            self.found.calls.push(ItemCall { name: hashed, parts: at..at, item, ..ItemCall::default() });
        }
    }

    /// Where the item begins that is a call of a macro, whose name stands at `name`.
    fn begins_item(&self, name: usize) -> Option<usize> {
        let start = self.item?;
        let path = self.text[start.max(self.attribute_end)..name].trim();
        let is_path = |c: char| c == ':' || c == '_' || c.is_alphanumeric();
        (path.is_empty() || path.ends_with("::") && path.chars().all(is_path)).then_some(start)
    }

    /// Where the item begins that is a plain `use` at the top of the file: no attribute can leave it out, no documentation is its own.
    fn begins_use(&self, keyword: usize) -> Option<usize> {
        let start = self.item.filter(|_| self.depth == 0 && !self.conditional)?;
        let outer_docs = self.tokens.docs[self.docs..].iter().any(|docs| self.text.as_bytes()[docs.start + 2] != b'!');
        let visibility = self.text[start.max(self.attribute_end)..keyword].trim();
        let within = visibility.strip_prefix("pub(").and_then(|rest| rest.strip_suffix(')'));
        let is_plain = matches!(visibility, "" | "pub") || within.is_some_and(|within| !within.contains([')', '/']));
        (is_plain && !outer_docs && self.rules.is_none() && self.call.is_none()).then_some(start)
    }

    /// The definition or the call of a macro ends with the bracket at `at`, if it is open at its depth.
    fn end_macro(&mut self, at: usize) {
        let after = |scan: &mut Self| match scan.peek() {
            Some(Token::Punct(next)) if scan.text.as_bytes()[at] != b'}' && scan.text.as_bytes()[next] == b';' => {
                next + 1
            }
            _ => at + 1,
        };
        if self.rules.take_if(|(depth, _)| *depth >= self.depth).is_some()
            && let Some(start) = self.rules_start.take()
        {
            let end = after(self);
            self.found.rules.push(start..end);
        }
        if self.call.take_if(|depth| *depth >= self.depth).is_some() {
            self.close();
            let (parts, end) = (self.found.parts.len(), after(self));
            if let Some(call) = self.found.calls.last_mut() {
                call.parts.end = parts;
                if let Some(item) = &mut call.item {
                    item.end = end;
                }
            }
        }
    }

    /// Whether the attributes of the item that begins leave it out.
    fn is_left_out(&self, left_out: fn(&[syn::Attribute], &Options) -> bool) -> bool {
        let Some(start) = self.item.filter(|start| self.conditional && *start < self.attribute_end) else {
            return false;
        };
        cfg::attributes_leave_out(&self.text[start..self.attribute_end], self.options, left_out)
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

    /// Modules that are left out, and `mod tests { … }`, are passed over.
    fn module(&mut self) {
        let Some(Token::Ident(range)) = self.peek() else { return };
        let name = &self.text[range.clone()];
        let left_out = self.is_left_out(cfg::left_out_always);
        let renamed = self.item.is_some_and(|start| self.text[start..range.start].contains("path"));
        self.next();
        if !matches!(self.peek(), Some(Token::Open(_))) {
            if left_out && !renamed && self.inline.is_empty() {
                self.found.files_out.push(LeftOut { modules: vec![ustr(name)], path: None });
            }
            self.found.structural = true;
            return;
        }
        if self.options.include_tests || !(left_out || matches!(name, "tests" | "test")) {
            self.inline.push(self.depth);
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
                    self.conditional = false;
                    if left_out {
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
        if part.left_out {
            self.words.clear();
            self.found.functions_out.extend(part.body.map(|body| part.start..body.end + 1));
            return;
        }
        self.words.sort_unstable();
        self.words.dedup();
        part.words = self.words.as_slice().into();
        self.words.clear();
        if part.name != 0 || !part.words.is_empty() {
            self.found.parts.push(part);
        }
    }
}

fn types_of(parts: &[Part]) -> impl Iterator<Item = &Part> {
    parts.iter().filter(|part| part.kind == Kind::Type)
}

/// Gives the methods that macros make the types they are made for; gives those types.
fn give_owners(summaries: &mut [Summary]) -> FxHashSet<Word> {
    let parts = summaries.iter().flat_map(|summary| &summary.parts);
    let mut made: FxHashMap<Word, Vec<Word>> =
        parts.filter_map(|part| part.made_by).map(|name| (name, Vec::new())).collect();
    for call in summaries.iter().flat_map(|summary| &summary.calls) {
        if let Some(all) = made.get_mut(&call.name) {
            all.extend(&call.types);
        }
    }
    for types in made.values_mut() {
        types.sort_unstable();
        types.dedup();
        if types.len() > MAX_MADE {
            types.clear();
        }
    }
    for summary in summaries {
        for part in &mut summary.parts {
            part.owners.extend(part.made_by.and_then(|name| made.get(&name)).into_iter().flatten());
        }
        let is_made = |call: &&ItemCall| made.get(&call.name).is_some_and(|types| !types.is_empty());
        summary.types.extend(summary.calls.iter().filter(is_made).flat_map(|call| &call.types));
        summary.types.sort_unstable();
    }
    made.into_values().flatten().collect()
}

/// How often each name is declared; the types that are `made` by macros are, once.
fn count_declarations(summaries: &[Summary], made: &FxHashSet<Word>) -> FxHashMap<Word, u32> {
    let mut declared = FxHashMap::default();
    for part in summaries.iter().flat_map(|summary| &summary.parts).filter(|part| part.name != 0) {
        *declared.entry(part.name).or_default() += 1;
    }
    for name in made {
        declared.entry(*name).or_insert(1);
    }
    declared
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: Options =
        Options { include_tests: false, platform: crate::frontends::rust::Platform::Unix, whole: false };

    fn choices(files: &[(&str, &str)], entry: bool, lines: usize, options: &Options) -> Vec<Choice> {
        let apis = Apis::builtin("rust").unwrap();
        let files: Vec<_> =
            files.iter().map(|(path, text)| Candidate { path: Path::new(*path), text, entry }).collect();
        choose(&files, lines, &apis, options).choices
    }

    fn chosen(files: &[&str]) -> Vec<Choice> {
        let paths: Vec<String> = (0..files.len()).map(|at| format!("src/{at}.rs")).collect();
        let files: Vec<_> = paths.iter().map(String::as_str).zip(files.iter().copied()).collect();
        assert!(choices(&files, false, SMALL, &OPTIONS).iter().all(is_whole));
        choices(&files, false, SMALL + 1, &OPTIONS)
    }

    fn is_whole(choice: &Choice) -> bool {
        matches!(choice, Choice::Parse { without, .. } if without.is_empty())
    }

    #[track_caller]
    fn parses(files: &[&str], which: &[bool]) {
        let found: Vec<bool> = chosen(files).iter().map(|choice| *choice != Choice::Skip).collect();
        assert_eq!(found, which);
    }

    /// What is not parsed of `text`.
    fn cut<'t>(text: &'t str, choice: &Choice) -> Vec<&'t str> {
        let Choice::Parse { without, .. } = choice else { panic!("{text}") };
        without.iter().map(|range| &text[range.clone()]).collect()
    }

    #[test]
    fn bodies_that_do_not_matter_are_cut() {
        let text = "fn sync_it(f: &File) { f.sync_all(); } #[a] pub fn b() -> [u8; { 2 }] { ä(\"}\") } fn other() { deep() } \
                    impl X { fn d(&self) { sync_it(other) } }";
        let choice = &chosen(&[text])[0];
        // Who calls it is found later, and read then.
        assert_eq!(cut(text, choice), ["#[a] pub fn b() -> [u8; { 2 }] { ä(\"}\") }", " deep() ", " sync_it(other) "]);
        let Choice::Parse { without, .. } = choice else { panic!() };
        let squeezed = squeeze(text, without);
        assert!(squeezed.text.contains("fn other() { } impl X"), "{}", squeezed.text);
        for (at, ahead) in squeezed.cuts {
            assert_eq!(squeezed.text[at as usize..].chars().next(), text[(at + ahead) as usize..].chars().next());
        }
    }

    #[test]
    fn attributes_go_with_their_function() {
        let text =
            "fn save(p: &Path) { fs::write(p, x); } #[endpoint { path = \"/{id}\"; kind = A }] async fn a() { b() }";
        assert_eq!(cut(text, &chosen(&[text])[0]), ["#[endpoint { path = \"/{id}\"; kind = A }] async fn a() { b() }"]);
    }

    #[test]
    fn attributes_that_tell_nothing_are_cut() {
        let text = "fn save(p: &Path) { fs::write(p, x); } #[derive(A)] #[cfg(unix)] struct S { #[serde(rename = \"b\")] a: u8 } \
                    #[doc = \"Of S.\"] #[inline] fn a(s: S) { save(s) } bitflags! { #[derive(A)] struct T: u8 { } } \
                    macro_rules! m { ($(#[$a:meta])*) => { #[b] struct U; } } #[inline] fn other() { deep() }";
        let rules = "macro_rules! m { ($(#[$a:meta])*) => { #[b] struct U; } }";
        let left = [
            "#[derive(A)]",
            "#[serde(rename = \"b\")]",
            "#[inline]",
            " save(s) ",
            rules,
            "#[inline] fn other() { deep() }",
        ];
        assert_eq!(cut(text, &chosen(&[text])[0]), left);
    }

    #[test]
    fn what_is_declared_in_a_body_stays() {
        let text = "fn save(p: &Path) { fs::write(p, x); } fn a() { use b::c as d; save(x); { use e::f; } } \
                    fn b() { const N: u8 = 1; save(x) } fn c(p: *const u8) { save(x as &'static u8 as *const u8) }";
        let choice = &chosen(&[text])[0];
        let left = [" ", " save(x); { ", " } ", " ", " save(x) ", " save(x as &'static u8 as *const u8) "];
        assert_eq!(cut(text, choice), left);
        let items = [
            "#[cfg(x)] use a::b;",
            "const N: [u8; 2] = { [1; { 2 }] };",
            "#[derive(A)] pub(crate) struct S { a: u8 }",
            "struct T(u8);",
            "async unsafe fn f<T>(x: [u8; { 1 }]) where T: A<{ 2 }> { { g() }; h() }",
            "const fn g() -> u8 { 1 }",
            "impl<'a> A for S<'a> { fn f() { } }",
            "macro_rules! m { ($a:ty) => { const B: $a; } }",
            "static mut X: fn(u8) = y;",
            "pub extern \"C\" fn e() { }",
            "extern \"C\" { fn c(); }",
            "type A = dyn Fn();",
        ];
        for item in items {
            let text = format!(
                "fn save(p: &Path) {{ fs::write(p, x); }} fn a() {{ if b {{ save(x); {item} save(y) }} }} fn b() {{ c() }}"
            );
            assert_eq!(
                cut(&text, &chosen(&[&text])[0]),
                [" if b { save(x); ", " save(y) } ", "fn b() { c() }"],
                "{item}"
            );
        }
        // What a macro is given is no declaration of the function's, and what is no declaration says nothing.
        let text = "fn save(p: &Path) { fs::write(p, x); } fn a() { q!{ use #a::b; }; save(x) } fn b() { t![use]; save(x); } \
                    fn c() { let a: unsafe fn(u8) = const { x as fn(u8) }; (|| save(x))() }";
        let left = [" t![use]; save(x); ", " let a: unsafe fn(u8) = const { x as fn(u8) }; (|| save(x))() "];
        assert_eq!(cut(text, &chosen(&[text])[0]), left);
    }

    #[test]
    fn plain_uses_are_told() {
        let text = "//! Docs.\nuse a::{b, c}; #[allow(unused)] pub(crate) use d; #[cfg(x)] use e; mod f { use g; } m! { use h; } \
                    /// Docs.\n use i; fn j() -> impl K + use<'_> { use l; } pub use m::*; macro_rules! n { () => { use o; } }\
                    unsafe extern \"C\" { fn p(); } pub(in q) use r; #![allow(x)] use s;";
        let Choice::Parse { uses, .. } = &choices(&[("src/lib.rs", text)], true, 1, &OPTIONS)[0] else { panic!() };
        let items: Vec<_> = uses.iter().map(|used| (&text[used.item.clone()], &text[used.tree.clone()])).collect();
        let expected = [
            ("use a::{b, c};", " a::{b, c}"),
            ("#[allow(unused)] pub(crate) use d;", " d"),
            ("pub use m::*;", " m::*"),
            ("pub(in q) use r;", " r"),
        ];
        assert_eq!(items, expected);
        let open = "use a; fn b() { (";
        assert!(
            matches!(&choices(&[("src/lib.rs", open)], true, 1, &OPTIONS)[0], Choice::Parse { uses, .. } if uses.is_empty())
        );
    }

    #[test]
    fn test_modules_are_cut() {
        let text = "fn a() {} #[cfg(test)] mod x { fn t() { } } mod y { fn u() {} } #[cfg(unix)] mod tests { fn v() {} } \
                    #[cfg(all(test, unix))] pub mod z { fn w() {} }";
        let with_tests = Options { include_tests: true, ..OPTIONS };
        let file = [("src/lib.rs", text)];
        assert!(is_whole(&choices(&file, true, 1, &with_tests)[0]));
        assert_eq!(cut(text, &choices(&file, true, 1, &OPTIONS)[0]), [" fn t() { } ", " fn w() {} "]);
    }

    #[test]
    fn what_is_left_out_has_no_say() {
        let text = "fn a() { deep() } /// Docs.\n #[tokio::test] async fn t() { fs::write(a(), b); } fn c() { fs::write(x, y); }";
        assert_eq!(
            cut(text, &chosen(&[text])[0]),
            ["fn a() { deep() }", "/// Docs.", "#[tokio::test] async fn t() { fs::write(a(), b); }"]
        );
        let files = [
            (
                "src/lib.rs",
                "#[cfg(any(test, feature = \"mock\"))] mod checks; mod real; #[path = \"real.rs\"] #[cfg(test)] mod b;",
            ),
            ("src/checks/mod.rs", "fn t() { fs::write(x, y); }"),
            ("src/checks/deeper.rs", "fn t() { fs::write(x, y); }"),
            ("src/real.rs", "fn t() { fs::write(x, y); }"),
        ];
        let found = choices(&files, true, SMALL + 1, &OPTIONS);
        let skipped: Vec<bool> = found.iter().map(|choice| *choice == Choice::Skip).collect();
        assert_eq!(skipped, [false, true, true, false]);
        let with_tests = Options { include_tests: true, ..OPTIONS };
        assert!(!choices(&files, true, SMALL + 1, &with_tests).contains(&Choice::Skip));
    }

    #[test]
    fn callers_and_declarations_are_found() {
        let files = [
            "fn sync_dir(d: &Path) { File::open(d).unwrap().sync_all().unwrap(); }",
            "fn publish() { sync_dir(x); let y: Marker = z(); }",
            "struct Marker;",
            "fn nothing_here() { 1 + 1; }",
            "mod a; pub use a::B;",
            "fn uses_publish(p: u8) { a::publish() }",
            "fn of_a_value(p: u8) { p.publish() }",
            "fn a_field(p: u8) { p.sync_dir = 1; }",
        ];
        parses(&files, &[true, true, true, false, true, true, false, false]);
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

    #[test]
    fn common_names_need_their_owners() {
        let files = [
            "impl Log { fn new(p: &Path) -> Log { fs::write(p, b\"\"); } fn push(&mut self) { self.f.write_all(b) } }",
            "fn of_another() -> Vec<u8> { let mut list = Vec::new(); list.push(1); }",
            "fn made() { Log::new(x) }",
            "struct Holder { log: Log }",
            "impl Holder { fn add(&mut self) { self.log.push(); } }",
            "struct Log { f: File } fn beside(of: &Holder) { of.lock().push() }",
            "fn elsewhere(all: &mut Vec<u8>) { all.push() }",
        ];
        parses(&files, &[true, false, true, true, true, true, false]);
    }

    #[test]
    fn methods_that_macros_make_have_owners() {
        let files = [
            "macro_rules! path_type { ($name:ident) => { struct $name; impl $name { fn write(&self) { fs::write(self, x) } } } }",
            "path_type!(KeyPath); fn beside() { a != b }",
            "fn keys(key: &KeyPath) { key.write() }",
            "fn other(list: &List) { list.write() }",
        ];
        parses(&files, &[true, true, true, false]);
    }

    #[test]
    fn calls_of_macros_that_make_nothing_needed_are_cut() {
        let macros = "macro_rules! plain { ($n:ident, $($a:tt)*) => { struct $n; impl $n { fn init(&self) { 1 } } } } \
                      macro_rules! named { ($n:ident) => { fn $n() { 1 } } } \
                      macro_rules! outer { ($n:ident) => { named!($n); } } \
                      macro_rules! saves { ($n:ident) => { fn save_all() { fs::write(a, b); } } }";
        let code = "fn a(s: &Store) { fs::write(x, y); bb(); let c: Kept = d(); } \
                    #[cfg(x)] plain!(Other, [Kept]); m::plain! { Kept, 1 } plain!(More, { fs::write(x, z); }); \
                    named!(other); named!(bb); outer!(bb); saves!(any); of_a_library!(Other); \
                    plain! { More, fn bb() { 2 } } const N: u8 = plain!(Other);";
        let found = chosen(&[macros, code]);
        let rules = cut(macros, &found[0]);
        assert!(rules.len() == 4 && rules.iter().all(|rules| rules.starts_with("macro_rules! ")), "{rules:?}");
        assert_eq!(cut(code, &found[1]), ["#[cfg(x)] plain!(Other, [Kept]);", "named!(other);", " 2 "]);
    }

    #[test]
    fn of_those_who_only_read_the_next_callers_matter() {
        let files = [
            "fn load(p: &Path) -> String { fs::read_to_string(p) }",
            "fn once() { load(x) }",
            "fn twice() { once() }",
            "fn store(p: &Path) { fs::write(p, x) }",
            "fn one() { store(x) }",
            "fn two() { one() }",
        ];
        parses(&files, &[true, true, false, true, true, true]);
    }

    #[test]
    fn what_gives_access_is_kept() {
        let long = format!("impl Other {{ fn get(&self) {{ {} }} }}", "a + ".repeat(SHORT));
        let files = [
            "fn save(s: &Shared) { s.get().sync_all() }",
            "struct Shared(Arc<File>); impl Shared { fn get(&self) -> &File { &self.0 } fn put(&self) { x } }",
            &long,
        ];
        let found = chosen(&files);
        assert_eq!(cut(files[1], &found[1]), [" &self.0 ", "fn put(&self) { x }"]);
        assert_eq!(found[2], Choice::Skip);
    }
}
