//! Which functions of a large program are lowered: those that do something to files, those that call them, and whom these call. Who
//! calls whom is read off bodies that were lowered; words only say where it is worth looking. Bodies are parsed when it comes to that.

use super::hir::{Body, FnDef};
use super::lower::{self, Context, Lowered};
use super::macros::MacroTable;
use super::prefilter::{BodyAt, Names, Search, changes};
use super::types::Ty;
use super::words;
use super::world::World;
use super::{MACRO_BUDGET, Options, Problem, extract, lex, tree};
use crate::apis::Apis;
use crate::effects::Effect;
use crate::ir::{Callee, FuncId, Function, InstKind, Rvalue};
use crate::source::SourceMap;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// What is asked of.
pub struct Needed<'a> {
    pub context: &'a Context<'a>,
    pub search: &'a Search,
    pub names: Names<'a>,
    pub macros: &'a MacroTable,
    pub options: &'a Options,
    pub sources: &'a SourceMap,
}

/// What a lowered function shows.
#[derive(Default)]
struct Shown {
    /// It does something to files itself.
    effective: bool,
    /// It does more than to open and read.
    changes: bool,
    /// It reads some file itself.
    reads: bool,
    /// Whom it may call, as places among the world's functions.
    calls: Vec<u32>,
    /// Whom it calls if nobody it may call does anything.
    sure: Vec<u32>,
}

/// Rounds of "who calls these?": words let through what is fewer calls up, and some of what is further.
const CALLER_ROUNDS: usize = 3;
/// Rounds of "whom do these call?".
const CALLEE_ROUNDS: usize = 2;
/// The body of a function that is called, and does nothing itself, is read up to so many bytes.
const SHORT: u32 = 1000;

/// A task lowers at most so many functions: they take very different times.
pub const LOWERED_AT_ONCE: usize = 8;

/// A function's place among the world's functions.
type FnAt = u32;

/// The functions that are needed.
pub struct Found {
    /// Their places among the world's functions.
    pub functions: FxHashSet<FnAt>,
    /// What was lowered on the way, of these and others.
    lowered: FxHashMap<FnAt, Lowered>,
    /// The numbers of functions in that: each one's place among the world's functions.
    numbered: Vec<FnAt>,
}

impl Found {
    /// What was made of each of `ids`, if that need not be lowered anew; the world's functions are numbered as they are to be.
    pub fn take(mut self, ids: &[FnAt], world: &World) -> Vec<Option<Lowered>> {
        let taken: Vec<Option<Lowered>> = ids.iter().map(|at| self.lowered.remove(at)).collect();
        let now = |id: FuncId| world.fns[*self.numbered.get(id.index())? as usize].func();
        taken.into_par_iter().map(|lowered| lower::renumber_callees(lowered?, now)).collect()
    }
}

/// What is known on the way.
#[derive(Default)]
struct Known {
    shown: FxHashMap<FnAt, Shown>,
    lowered: FxHashMap<FnAt, Lowered>,
}

impl Needed<'_> {
    fn world(&self) -> &World<'_> {
        self.context.world
    }

    /// The functions that are needed; their bodies are read. Bodies that cannot be parsed are told as `problems`.
    pub fn find(&self, problems: &mut Vec<Problem>) -> Found {
        let numbered = self.world().number(|_, _| true);
        let mut known = Known::default();
        let here = numbered.iter().copied().filter(|at| self.def(*at).body.get().is_some()).collect();
        self.look_at(here, &numbered, &mut known);
        let shown = &known.shown;
        let mut kept: FxHashSet<FnAt> =
            shown.iter().filter(|(_, shown)| shown.effective || shown.reads).map(|(at, _)| *at).collect();
        let mut edge: Vec<FnAt> = shown.iter().filter(|(_, shown)| shown.changes).map(|(at, _)| *at).collect();
        let opening: Vec<FnAt> = kept.iter().copied().filter(|at| !shown[at].changes).collect();
        for (round, called) in (0..CALLER_ROUNDS).map(|round| (round, None)).chain([(CALLER_ROUNDS, Some(opening))]) {
            // What is done with what others opened is done by those who call them.
            let called = called.unwrap_or_else(|| std::mem::take(&mut edge));
            let later = self.later(&numbered);
            let bodies = called.iter().filter_map(|at| self.body_at(*at));
            let candidates = self.search.callers(&self.names, bodies, round == 0, &later);
            let read = self.read(candidates, problems);
            self.look_at(read, &numbered, &mut known);
            let shown = &known.shown;
            let called: FxHashSet<FnAt> = called.into_iter().collect();
            let calls = |shown: &Shown| shown.calls.iter().any(|at| called.contains(at));
            edge = shown.iter().filter(|(at, shown)| !kept.contains(at) && calls(shown)).map(|(at, _)| *at).collect();
            kept.extend(&edge);
        }
        // What is asked to leave nothing undone, and does nothing.
        let types: FxHashSet<u32> = kept.iter().filter_map(|at| self.type_of(*at)).collect();
        let settles = |at: FnAt| {
            words::SETTLING.has(&self.def(at).name) && self.type_of(at).is_some_and(|of| types.contains(&of))
        };
        kept.extend(known.shown.keys().copied().filter(|at| settles(*at)).collect::<Vec<_>>());
        let mut above: Vec<FnAt> = kept.iter().copied().collect();
        for _ in 0..CALLEE_ROUNDS {
            above.sort_unstable();
            let callees: FxHashSet<FnAt> = above.iter().flat_map(|at| &known.shown[at].sure).copied().collect();
            let mut callees: Vec<FnAt> = callees.into_iter().filter(|at| !kept.contains(at)).collect();
            callees.sort_unstable();
            let unread: Vec<FnAt> =
                callees.iter().copied().filter(|at| !known.shown.contains_key(at) && self.is_short(*at)).collect();
            let read = self.read(unread, problems);
            self.look_at(read, &numbered, &mut known);
            callees.retain(|at| known.shown.contains_key(at));
            kept.extend(&callees);
            above = callees;
        }
        Found { functions: kept, lowered: known.lowered, numbered }
    }

    /// The type of the program whose method a function is.
    fn type_of(&self, at: FnAt) -> Option<u32> {
        let of = self.world().fns[at as usize].of_impl?;
        match self.world().impl_scope(of).self_ty.as_ref()?.peel_refs() {
            Ty::Adt(id, _) => Some(*id),
            _ => None,
        }
    }

    fn def(&self, at: FnAt) -> &FnDef {
        self.world().fns[at as usize].hir
    }

    /// Whether a function may be short enough to be run for what it gives back alone.
    fn is_short(&self, at: FnAt) -> bool {
        let def = self.def(at);
        def.body_at.is_none_or(|start| def.span.hi.saturating_sub(start) <= SHORT)
    }

    fn body_at(&self, at: FnAt) -> Option<BodyAt> {
        let info = &self.world().fns[at as usize];
        Some((self.world().files[info.file].number, info.hir.body_at?))
    }

    /// The functions whose bodies were not read yet.
    fn later(&self, numbered: &[FnAt]) -> Vec<(FnAt, BodyAt)> {
        let unread = numbered.iter().filter(|at| self.def(**at).body.get().is_none());
        unread.filter_map(|at| Some((*at, self.body_at(*at)?))).collect()
    }

    /// Lowers functions whose bodies are there.
    fn look_at(&self, functions: Vec<FnAt>, numbered: &[FnAt], known: &mut Known) {
        let apis = self.world().apis;
        let look = |at: &FnAt| {
            let unwind = std::panic::AssertUnwindSafe(|| lower::function(self.context, *at));
            let lowered = std::panic::catch_unwind(unwind).unwrap_or(None)?;
            let shown = show(std::iter::once(&lowered.0).chain(&lowered.1), apis, numbered);
            Some((lowered, shown))
        };
        let found: Vec<_> = functions.par_iter().with_max_len(LOWERED_AT_ONCE).map(look).collect();
        for (at, found) in functions.into_iter().zip(found) {
            // What cannot be lowered is told when it is to be.
            let (lowered, shown) = found.map_or_else(Default::default, |(lowered, shown)| (Some(lowered), shown));
            known.lowered.extend(lowered.map(|lowered| (at, lowered)));
            known.shown.insert(at, shown);
        }
    }

    /// Reads the bodies of `functions`; gives those of which that went well.
    fn read(&self, functions: Vec<FnAt>, problems: &mut Vec<Problem>) -> Vec<FnAt> {
        let mut by_file: FxHashMap<usize, Vec<(FnAt, u32)>> = FxHashMap::default();
        for at in functions {
            let file = self.world().fns[at as usize].file;
            if let Some(start) = self.def(at).body_at {
                by_file.entry(file).or_default().push((at, start));
            }
        }
        let mut by_file: Vec<_> = by_file.into_iter().collect();
        by_file.sort_unstable();
        let read: Vec<_> =
            by_file.par_iter().with_max_len(1).map(|(file, bodies)| self.read_in(*file, bodies)).collect();
        let mut done = Vec::new();
        for (at, result) in read.into_iter().flatten() {
            match result {
                Ok(body) => {
                    let _ = self.def(at).body.set(body);
                    done.push(at);
                }
                Err(problem) => problems.push(problem),
            }
        }
        done
    }

    fn read_in(&self, file: usize, bodies: &[(FnAt, u32)]) -> Vec<(FnAt, Result<Body, Problem>)> {
        let file = &self.world().files[file];
        let text = self.sources.text(file.file);
        let problem = |at: u32, message: String| {
            let line = self.sources.line_column(file.file, at).0;
            Problem { path: self.sources.path(file.file).to_path_buf(), line, message }
        };
        let of = (file.macros, file.package);
        let spans = extract::Spans::new("", 0);
        let mut extractor = extract::Extractor::new(self.options, self.macros, of, spans, MACRO_BUDGET, &[]);
        let mut read = |start: u32| {
            let from = start.saturating_sub(1) as usize;
            let rest = text.get(from..).unwrap_or_default();
            let end = self.search.body_end((file.number, start));
            let body = end.and_then(|end| text.get(from..end + 1)).unwrap_or(rest);
            if let Some(offset) = lex::too_deep(body) {
                return Err(problem((from + offset) as u32, "nested too deeply to be read".into()));
            }
            let parsed = || -> Result<Body, Problem> {
                let line = |line: usize| self.sources.line_column(file.file, from as u32).0 + line - 1;
                let block = tree(body, self.sources.path(file.file), line, extract::body)?;
                extractor.spans = Rc::new(extract::Spans::new(body, from as u32));
                Ok(extractor.later_body(&block))
            };
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(parsed));
            result.unwrap_or_else(|_| Err(problem(start, "reading it failed inside the parser".into())))
        };
        let read = bodies.iter().map(|&(at, start)| (at, read(start))).collect();
        proc_macro2::extra::invalidate_current_thread_spans();
        read
    }
}

/// What a function shows, with the closures in it.
fn show<'f>(functions: impl Iterator<Item = &'f Function>, apis: &Apis, numbered: &[FnAt]) -> Shown {
    let mut shown = Shown::default();
    let place = |func: &FuncId| numbered.get(func.index()).copied();
    for inst in functions.flat_map(|function| &function.blocks).flat_map(|block| &block.insts) {
        let called = match &inst.kind {
            InstKind::Assign { value: Rvalue::FunctionValue(functions), .. } => functions.as_slice(),
            InstKind::Call(call) => match &call.callee {
                Callee::Functions(functions) => functions.as_slice(),
                Callee::Api { api, .. } => {
                    let row = apis.get(*api);
                    shown.effective |= row.steps().any(|step| step.effect.can_matter());
                    shown.changes |= row.steps().any(|step| changes(step.effect));
                    shown.reads |= row.steps().any(|step| step.effect == Effect::Read);
                    &[]
                }
                _ => &[],
            },
            _ => &[],
        };
        shown.calls.extend(called.iter().filter_map(place));
        shown.sure.extend(called.first().and_then(place));
    }
    for list in [&mut shown.calls, &mut shown.sure] {
        list.sort_unstable();
        list.dedup();
    }
    shown
}
