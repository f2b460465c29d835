//! Rust: texts are parsed with syn, names are resolved over the whole workspace, function bodies are lowered with light inference.
//!
//! In reading order: [`lex`] and [`cfg`] (what is read), [`allows`] (what the code says is meant), [`hir`] (what is kept), [`extract`], [`extract_expr`], [`macros`] and [`mbe`]
//! (from the parser's tree to it), [`world`] (names), [`types`], [`methods`], and `lower` (to the intermediate representation).
//! The parser's tree and spans never leave the thread that made them.

mod allows;
mod cfg;
pub mod dump;
mod extract;
mod extract_expr;
mod hir;
mod lex;
mod lower;
mod macros;
mod mbe;
mod methods;
mod needed;
mod prefilter;
#[cfg(test)]
mod tests;
mod types;
mod uses;
mod words;
mod world;

use crate::apis::Apis;
use crate::discover::{MAX_FILE_BYTES, Problem, Texts, Workspace};
use crate::ir::{FuncId, Package, Program};
use crate::pool;
use crate::source::{FileId, SourceMap};
use crate::suppress::Allow;
use allows::TextAllow;
use macros::{MacroRules, MacroTable};
use memchr::memchr_iter;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use ustr::{Ustr, ustr};

/// For which of several platforms' code the analysis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Platform {
    /// Linux and its relatives.
    #[default]
    Unix,
    /// Windows.
    Windows,
    /// macOS.
    MacOs,
}

/// What is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Test code too.
    pub include_tests: bool,
    /// Of platform-dependent twins, which one.
    pub platform: Platform,
    /// Of a large program, too, all of it: not only what could matter by its words.
    pub whole: bool,
}

/// How much was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Files found.
    pub files: usize,
    /// Files that were parsed.
    pub parsed: usize,
    /// Lines of all files.
    pub lines: usize,
}

/// The program, and what could not be read of it.
#[derive(Debug, Default)]
pub struct Output {
    /// The program.
    pub program: Program,
    /// What could not be read; everything else is there.
    pub problems: Vec<Problem>,
    /// What the code says is meant.
    pub allows: Vec<Allow>,
    /// How much was read.
    pub stats: Stats,
}

struct Text {
    /// Its number among the files, by which macros know whether they are of the same one.
    number: usize,
    /// Its number among the files that could be read.
    candidate: usize,
    path: PathBuf,
    shown: PathBuf,
    package: usize,
    text: Arc<str>,
    /// Bodies of functions that need not be parsed, as byte ranges between their braces.
    without: Vec<Range<usize>>,
    uses: Vec<uses::UseItem>,
    allows: Vec<TextAllow>,
    /// The macros that it defines, unless the configuration leaves them out.
    macros: Vec<lex::MacroDef>,
    lines: usize,
}

/// Reads the Rust code of `workspace` into a program. Never fails: what cannot be read is a problem of its own.
pub fn read(
    workspace: &Workspace,
    texts: &dyn Texts,
    sources: &mut SourceMap,
    apis: &Apis,
    options: &Options,
) -> Output {
    pool::run(|| read_all(workspace, texts, sources, apis, options))
}

fn read_all(
    workspace: &Workspace,
    texts: &dyn Texts,
    sources: &mut SourceMap,
    apis: &Apis,
    options: &Options,
) -> Output {
    let mut output = Output::default();
    let found: Vec<_> = workspace
        .packages
        .iter()
        .enumerate()
        .flat_map(|(package, of)| of.files.iter().map(move |file| (package, file)))
        .filter(|(_, file)| file.path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    output.stats.files = found.len();
    let read: Vec<Result<Text, Problem>> = found
        .par_iter()
        .enumerate()
        .map(|(number, (package, file))| {
            let text = texts.read(&file.path).map_err(|problem| Problem { path: file.shown.clone(), ..problem })?;
            if text.len() as u64 > MAX_FILE_BYTES {
                return Err(Problem {
                    path: file.shown.clone(),
                    line: 1,
                    message: format!("file is larger than {} MiB", MAX_FILE_BYTES >> 20),
                });
            }
            // All that is asked of the whole text is asked while it is near.
            let allows = allows::read(&text, options);
            let mut macros = lex::macro_defs(&text);
            macros.retain(|def| !cfg::head_left_out(&text[..def.at], options));
            let lines = memchr_iter(b'\n', text.as_bytes()).count();
            Ok(Text {
                without: Vec::new(),
                uses: Vec::new(),
                allows,
                macros,
                lines,
                number,
                candidate: 0,
                path: file.path.clone(),
                shown: file.shown.clone(),
                package: *package,
                text,
            })
        })
        .collect();
    let mut kept = Vec::with_capacity(read.len());
    for result in read {
        match result {
            Ok(text) => kept.push(text),
            Err(problem) => output.problems.push(problem),
        }
    }
    output.stats.lines = kept.iter().map(|text| text.lines).sum();
    let macros = macro_table(&kept);
    let entries: FxHashSet<&Path> =
        workspace.packages.iter().flat_map(|package| &package.entries).map(|entry| entry.path.as_path()).collect();
    let candidates: Vec<_> = kept
        .iter()
        .map(|text| prefilter::Candidate {
            path: &text.path,
            text: &text.text,
            entry: entries.contains(text.path.as_path()),
        })
        .collect();
    let prefilter::Plan { choices, search } = prefilter::choose(&candidates, output.stats.lines, apis, options);
    kept = kept
        .into_iter()
        .enumerate()
        .map(|(candidate, text)| Text { candidate, ..text })
        .zip(choices)
        .filter_map(|(text, choice)| match choice {
            // Whether its allows are used is to be told.
            prefilter::Choice::Skip if !text.allows.is_empty() => Some(text),
            prefilter::Choice::Skip => None,
            prefilter::Choice::Parse { without, uses } => Some(Text { without, uses, ..text }),
        })
        .collect();
    let parsed: Vec<_> = kept.par_iter().with_max_len(1).map(|text| parse(text, &macros, options)).collect();
    let mut files = Vec::with_capacity(parsed.len());
    for (text, result) in kept.into_iter().zip(parsed) {
        match result {
            Ok(hir) => {
                let file = sources.add(text.shown, text.text);
                output.allows.extend(text.allows.into_iter().map(|allow| allow.in_file(file)));
                files.push(world::Parsed {
                    path: text.path,
                    package: text.package,
                    number: text.candidate,
                    macros: text.number,
                    file,
                    hir,
                });
                output.stats.parsed += 1;
            }
            Err(problem) => output.problems.push(problem),
        }
    }
    let (world, (returns, names)) = rayon::join(
        || world::build(workspace, &files, apis),
        || (returns(apis), search.as_ref().map(|search| search.names())),
    );
    let returns = lower::row_types(&world, &returns);
    let context = lower::Context { world: &world, returns: &returns };
    let needed = search.as_ref().zip(names).map(|(search, names)| {
        let needed = needed::Needed { context: &context, search, names, macros: &macros, options, sources };
        needed.find(&mut output.problems)
    });
    let ids = world.number(|id, _| needed.as_ref().is_none_or(|needed| needed.functions.contains(&id)));
    let known = needed.map_or_else(Vec::new, |needed| needed.take(&ids, &world));
    let (program, off) = lower_all(workspace, &context, (&ids, known), &mut output.problems, sources);
    world.free();
    output.program = program;
    // What was kept of the texts is a large tree: it goes while the analysis goes on.
    rayon::spawn(move || drop((files, search)));
    output.allows.retain(|allow| !off.contains(&allow.span.file));
    output
}

fn macro_table(texts: &[Text]) -> MacroTable {
    let mut table = MacroTable::default();
    for text in texts {
        for def in &text.macros {
            let rules = MacroRules {
                file: text.number,
                package: text.package,
                text: text.text[def.body.clone()].into(),
                start: def.body.start as u32,
            };
            table.by_name.entry(def.name).or_default().push(rules);
        }
    }
    table
}

/// How many bytes the macros of one file may make.
const MACRO_BUDGET: usize = 4 << 20;

fn parse(text: &Text, macros: &MacroTable, options: &Options) -> Result<hir::FileHir, Problem> {
    let parse = |without: &[Range<usize>], uses: Vec<hir::Use>| {
        let prefilter::Squeezed { text: left, cuts } = prefilter::squeeze(&text.text, without);
        with_tree(&text.shown, &left, |file, base, body| {
            let of = (text.number, text.package);
            let spans = extract::Spans::squeezed(body, base as u32, cuts);
            let mut extractor = extract::Extractor::new(options, macros, of, spans, MACRO_BUDGET, without);
            let mut hir = extractor.file(file);
            hir.items.push(hir::Item { name: Ustr::default(), kind: hir::ItemKind::Use(uses) });
            hir
        })
    };
    let (mut without, mut uses) = (text.without.clone(), Vec::new());
    for used in &text.uses {
        if let Some(brings) = uses::read(&text.text[used.tree.clone()]) {
            uses.extend(brings);
            without.push(used.item.clone());
        }
    }
    let without = prefilter::apart(without);
    // What is wrong with the whole is told, not what is wrong with what was left of it.
    parse(&without, uses).or_else(|problem| if without.is_empty() { Err(problem) } else { parse(&[], Vec::new()) })
}

/// Whether the file at `path` could be read if `text` was its text; if not, why and where.
pub fn readable(path: &Path, text: &str) -> Result<(), Problem> {
    pool::run(|| with_tree(path, text, |_, _, _| ()))
}

/// Parses `text` and gives its tree to `take`, with the part of it that was parsed and where that starts. The tree and its spans
/// belong to this thread.
fn with_tree<T>(path: &Path, text: &str, take: impl FnOnce(&syn::File, usize, &str) -> T) -> Result<T, Problem> {
    let problem = |line: usize, message: String| Problem { path: path.to_path_buf(), line, message };
    let line_of = |offset: usize| memchr_iter(b'\n', &text.as_bytes()[..offset]).count() + 1;
    let (base, body) = skip_head(text);
    if let Some(offset) = lex::too_deep(body) {
        return Err(problem(line_of(base + offset), "nested too deeply to be read".into()));
    }
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let first_line = line_of(base);
        let file = tree(body, path, |line| line + first_line - 1, <syn::File as syn::parse::Parse>::parse)?;
        Ok(take(&file, base, body))
    }));
    proc_macro2::extra::invalidate_current_thread_spans();
    result.unwrap_or_else(|_| Err(problem(1, "reading it failed inside the parser".into())))
}

/// What `parser` makes of `text`. Errors are told at `path`, in the line that `line` gives for a line of `text` (from 1).
fn tree<P: syn::parse::Parser>(
    text: &str,
    path: &Path,
    line: impl Fn(usize) -> usize,
    parser: P,
) -> Result<P::Output, Problem> {
    let problem = |span: proc_macro2::Span, message: String| Problem {
        path: path.to_path_buf(),
        line: line(span.start().line),
        message,
    };
    let read = |error: proc_macro2::LexError| problem(error.span(), format!("cannot be read: {error}"));
    let tokens: proc_macro2::TokenStream = text.parse().map_err(read)?;
    parser.parse2(tokens).map_err(|error| problem(error.span(), format!("cannot be parsed: {error}")))
}

/// A byte order mark and a `#!` line are no Rust.
fn skip_head(text: &str) -> (usize, &str) {
    let mut base = 0;
    if text.starts_with('\u{feff}') {
        base = 3;
    }
    let rest = &text[base..];
    if rest.starts_with("#!") && !rest[2..].trim_start().starts_with('[') {
        base += rest.find('\n').unwrap_or(rest.len());
    }
    (base, &text[base..])
}

/// The program, of the functions `ids`, of which some may be `known` already, and the files that are of modules which are left out.
fn lower_all(
    workspace: &Workspace,
    context: &lower::Context,
    (ids, mut known): (&[u32], Vec<Option<lower::Lowered>>),
    problems: &mut Vec<Problem>,
    sources: &SourceMap,
) -> (Program, FxHashSet<FileId>) {
    let world = context.world;
    let files = world.files;
    let off = files.iter().zip(&world.off).filter(|(_, off)| **off).map(|(file, _)| file.file).collect();
    known.resize_with(ids.len(), || None);
    let lowered: Vec<Option<lower::Lowered>> = ids
        .par_iter()
        .with_max_len(needed::LOWERED_AT_ONCE)
        .zip(known)
        .map(|(id, known)| {
            if known.is_some() {
                return known;
            }
            let unwind = std::panic::AssertUnwindSafe(|| lower::function(context, *id));
            std::panic::catch_unwind(unwind).unwrap_or(None)
        })
        .collect();
    let places = places(workspace, files.iter().map(|file| file.file), sources);
    let failure = |id: &u32| {
        let sig = world.sig(*id);
        let ret = sig.ret.peel();
        ret.is_result().then(|| world.type_name(&ret.arg(1)))?
    };
    let failures = ids.iter().filter_map(failure).collect();
    let mut program = Program { functions: Vec::with_capacity(lowered.len()), packages: Vec::new(), failures, places };
    program.packages = workspace.packages.iter().map(|package| Package { name: ustr(&package.name) }).collect();
    let mut closures = Vec::new();
    let mut next = lowered.len() as u32;
    for (at, result) in lowered.into_iter().enumerate() {
        let own = FuncId(at as u32);
        let Some((mut function, inner)) = result else {
            let info = &world.fns[ids[at] as usize];
            let file = world.files[info.file].file;
            let line = sources.line_column(file, info.hir.span.lo).0;
            problems.push(Problem {
                path: sources.path(file).to_path_buf(),
                line,
                message: format!("function `{}` could not be analysed", info.hir.name),
            });
            program.functions.push(lower::empty(context, ids[at]));
            continue;
        };
        lower::renumber(&mut function, own, next);
        program.functions.push(function);
        let base = next;
        next += inner.len() as u32;
        for mut closure in inner {
            lower::renumber(&mut closure, own, base);
            closures.push(closure);
        }
    }
    program.functions.append(&mut closures);
    (program, off)
}

/// Whether `text` is a type, as the rows of the tables write one.
pub fn is_type(text: &str) -> bool {
    let read = lex::too_deep(text).is_none() && syn::parse_str::<syn::Type>(text).is_ok();
    proc_macro2::extra::invalidate_current_thread_spans();
    read
}

/// The types that the rows give back, as they are written.
fn returns(apis: &Apis) -> Vec<Option<hir::Type>> {
    let options = Options::default();
    let macros = MacroTable::default();
    let types = apis
        .rows()
        .iter()
        .map(|row| {
            let text = row.returns.as_deref()?;
            let ty: syn::Type = syn::parse_str(text).ok()?;
            let spans = extract::Spans::new("", 0);
            let mut extractor = extract::Extractor::new(&options, &macros, (usize::MAX, usize::MAX), spans, 0, &[]);
            Some(extractor.ty(&ty))
        })
        .collect();
    proc_macro2::extra::invalidate_current_thread_spans();
    types
}

/// Texts that lie in memory, for tests and tools.
#[derive(Debug, Default)]
pub struct MemoryTexts(pub std::collections::BTreeMap<PathBuf, Arc<str>>);

impl Texts for MemoryTexts {
    fn read(&self, path: &Path) -> Result<Arc<str>, Problem> {
        self.0.get(path).cloned().ok_or_else(|| Problem {
            path: path.to_path_buf(),
            line: 1,
            message: "no such file".into(),
        })
    }
}

/// The folders of each file below the one that holds all files of the workspace, and its name.
fn places(workspace: &Workspace, files: impl Iterator<Item = FileId>, sources: &SourceMap) -> FxHashMap<FileId, Ustr> {
    let mut all = workspace.packages.iter().flat_map(|package| &package.files).map(|file| file.path.as_path());
    let mut common = all.next().and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default();
    for path in all {
        while !path.starts_with(&common) && common.pop() {}
    }
    let place = |file: FileId| {
        let path = sources.path(file);
        ustr(&path.strip_prefix(&common).unwrap_or(path).to_string_lossy())
    };
    files.map(|file| (file, place(file))).collect()
}
