//! The cells of rewrites: whether what they put out is durable before it counts, and whether inputs go first.

use super::certainty::Doubt;
use super::content::Carried;
use super::deeds::{is_content, retires, writes};
use super::evidence::Evidence;
use super::roles::{Role, Roles};
use super::stores::Store;
use super::table::{Cell, Verdict, in_words, weakest};
use crate::flow::Moment;
use crate::flow::state::{Guard, How, Kind, Origin, Pending, Trace, holds};
use crate::flow::summary::{Act, Deed, Did};
use crate::flow::terms::Value;
use crate::ir::{Callee, FuncId, FunctionKind, InstKind};
use rustc_hash::FxHashSet;

impl<'a> Evidence<'a> {
    /// Whether what rewrites put out is durable before it counts, and whether inputs go first.
    pub(super) fn rewrites(&self, store: &Store, roles: &Roles) -> (Cell, Cell) {
        // An operation that was not seen to its end may rewrite anything.
        let unseen: Vec<Cell> = store.operations.iter().filter_map(|&operation| self.unseen_cell(operation)).collect();
        let output_of = |(&function, &role): (&FuncId, &Role)| {
            let cell = self.output(store, function, role).map(|cell| self.if_own(cell, function, role));
            cell.map(|cell| self.if_reached(store, cell, function))
        };
        let by_role: Vec<Option<Cell>> = roles.iter().map(output_of).collect();
        let mut outputs: Vec<Cell> = by_role.iter().flatten().chain(&unseen).cloned().collect();
        if outputs.is_empty()
            && let Some(opening) = self.opening_with_a_worker(store)
        {
            let why = format!("`{}` hands on a function that rewrites files, perhaps to a thread", self.short(opening));
            outputs.push(Cell::detailed(Verdict::Unknown, why));
        }
        let rewrite = weakest(&outputs, |cell| match cell.verdict {
            Verdict::No => 4,
            Verdict::Unknown => 3,
            Verdict::Conditional => 2,
            _ => i32::from(cell.detail.is_some()),
        });
        let inputs = roles.iter().zip(&by_role).map(|((&function, &role), output)| {
            let inputs = self.inputs(store, function, role);
            let inputs = self.if_reached(store, inputs, function);
            let inputs = self.if_output_is_told(function, inputs, output.as_ref());
            // A rewrite that retires what it read shows by that whose it is.
            if role.is_rewrite() || inputs.verdict == Verdict::No {
                inputs
            } else {
                self.if_own(inputs, function, role)
            }
        });
        let inputs: Vec<Cell> = inputs.chain(unseen).collect();
        let first = weakest(&inputs, |cell| match cell.verdict {
            Verdict::Yes => 3,
            Verdict::Unknown => 2,
            Verdict::Conditional => 1,
            _ => 0,
        });
        let rewrite = rewrite.unwrap_or(Cell::new(Verdict::NotApplicable));
        let mut first = first.unwrap_or(Cell::new(Verdict::No));
        let retires_any = roles.iter().any(|(&function, &role)| self.retires_any(function, role));
        if first.verdict == Verdict::No && rewrite.verdict == Verdict::Unknown && roles.is_empty() {
            first = Cell { reason: None, ..rewrite.clone() };
        }
        if first.verdict == Verdict::No && rewrite.verdict != Verdict::NotApplicable && !retires_any {
            first.detail = Some("never deletes them".to_string());
        }
        (rewrite, first)
    }

    /// A cell that holds only if `store` gets to a function.
    fn if_reached(&self, store: &Store, cell: Cell, function: FuncId) -> Cell {
        match self.reached_by_chance(store, function) {
            Some(doubt) if cell.verdict != Verdict::Unknown => {
                Cell { reason: cell.reason, ..Cell::detailed(Verdict::Unknown, doubt.words()) }
            }
            _ => cell,
        }
    }

    /// A cell that holds only if what a function reads, or retires, is the program's own.
    fn if_own(&self, cell: Cell, function: FuncId, role: Role) -> Cell {
        let short = self.short(function);
        let why = match role {
            _ if cell.verdict == Verdict::Unknown => return cell,
            Role::Rewrite { own: false, .. } => {
                format!("what `{short}` reads was not seen to be written here, or to be what it replaces")
            }
            Role::Checkpoint { own: false } => {
                format!("what `{short}` removes was not seen to be a log that is written here, and may be no input")
            }
            _ => return cell,
        };
        Cell { reason: cell.reason, ..Cell::detailed(Verdict::Unknown, why) }
    }

    /// The cell of inputs, a `no` of which holds only if it could be told what the output of a function is, where something goes before all that
    /// the function writes is durable.
    fn if_output_is_told(&self, function: FuncId, inputs: Cell, output: Option<&Cell>) -> Cell {
        let untold = output.filter(|output| output.verdict == Verdict::Unknown && inputs.verdict == Verdict::No);
        let done: Vec<&Deed> = self.done(function).collect();
        let goes_early = |(at, gone): (usize, &&Deed)| {
            let is_made = |deed: &&Deed| {
                let made = matches!(deed.did, Did::Overwrite | Did::Pend(How::Created | How::Copied, _));
                made && deed.file == gone.file
            };
            let follows = || done[at..].iter().any(|deed| writes(deed) && deed.file != gone.file);
            let is_open = || {
                self.acts(function).iter().any(|moment| {
                    let is_it =
                        matches!(moment.act, Act::Remove { file, .. } | Act::Cut { file, .. } if file == gone.file);
                    is_it && moment.pending.iter().any(|left| is_content(left) && left.file != gone.file)
                })
            };
            let is_filled = || done.iter().any(|deed| writes(deed) && deed.file == gone.file);
            let goes = gone.did == Did::Remove || retires(gone) && !is_filled();
            goes && !done[..at].iter().any(is_made) && (follows() || is_open())
        };
        match untold.filter(|_| done.iter().enumerate().any(goes_early)) {
            Some(output) => output.clone(),
            None => inputs,
        }
    }

    /// What a function does when all goes well.
    fn done(&self, function: FuncId) -> impl Iterator<Item = &'a Deed> + Clone {
        self.deeds(function).iter().filter(|deed| !deed.failing)
    }

    /// Whether a function destroys anything that it did not fill itself.
    fn retires_any(&self, function: FuncId, role: Role) -> bool {
        let mut done = self.done(function);
        done.any(|deed| {
            let written = || self.done(function).any(|other| writes(other) && other.file == deed.file);
            retires(deed) && !(deed.did == Did::Overwrite && written())
                || matches!(deed.did, Did::Pend(How::Renamed, _))
        }) || role.is_in_place()
    }

    /// Whether what a rewrite puts out is durable when it reports success; `None` for a checkpoint that retires nothing whole, or writes nothing.
    fn output(&self, store: &Store, function: FuncId, role: Role) -> Option<Cell> {
        // What only syncs puts nothing out.
        let done = |of: &dyn Fn(&Deed) -> bool| self.done(function).any(of);
        let counts = role.is_rewrite() || done(&|deed| deed.did == Did::Remove) && done(&writes);
        if !counts {
            return None;
        }
        let short = self.short(function);
        let is_left = |pending: &Pending| is_content(pending) && !self.goes_with_its_tree(function, pending.file);
        let (guilty, innocent): (Vec<&Moment>, Vec<&Moment>) =
            self.successes(function).iter().copied().partition(|moment| moment.pending.iter().any(is_left));
        let left = guilty.iter().flat_map(|&moment| moment.pending.iter().map(move |pending| (moment, pending)));
        let left = left.filter(|(_, pending)| is_left(pending));
        // What was written before anything was found to be read, or where nothing was, replaces nothing; nor may what is of another kind, or
        // what nothing of it got into.
        let may_be_first = |pending: &Pending| {
            let is_successor = || self.is_successor(store, function, pending.file, pending.trace.origin());
            let is_made_of_it = || self.carries_into(function, pending.trace.origin()) == Some(Carried::Surely);
            self.is_made_where_nothing_was(function, pending)
                || !role.is_rewrite() && !self.stand_ins(store, function).contains(&pending.trace.origin())
                || role.is_rewrite() && self.is_read_apart(function, pending)
                || role.is_rewrite() && (pending.sources.is_empty() || !is_successor() || !is_made_of_it())
        };
        if let Some(options) = self.options(function, &guilty, &innocent, &is_left)
            && let Some(pending) = guilty.iter().flat_map(|moment| moment.pending.iter()).find(|left| is_left(left))
        {
            let text = format!("`{short}` leaves its output unsynced, depending on `{}`", in_words(&options));
            return Some(Cell::depending(options).because(text, pending.trace.origin().span));
        }
        let replacing = self.surest(store, left.clone().filter(|(_, pending)| !may_be_first(pending)));
        if let Some((pending, doubt)) = replacing.or_else(|| self.surest(store, left)) {
            let text = format!("`{short}` leaves its output unsynced");
            let cell = match doubt {
                // What is made of something else than files is no rewrite.
                None if role.is_rewrite() && !self.reads_a_file(function) => {
                    let why = format!("what `{short}` reads was not seen to be opened, and may be no file");
                    Cell::detailed(Verdict::Unknown, why)
                }
                None if may_be_first(pending) && !role.is_rewrite() => {
                    let why = format!("what `{short}` leaves unsynced was not seen to stand for what it takes away");
                    Cell::detailed(Verdict::Unknown, why)
                }
                None if may_be_first(pending) => {
                    let why = match self.carries_into(function, pending.trace.origin()) {
                        Some(Carried::ByType) => format!(
                            "`{short}` reads into, and writes, values of one type, and whether it writes what it read cannot be told"
                        ),
                        _ => format!(
                            "what `{short}` leaves unsynced was not seen to be made of what it read, and to take its place"
                        ),
                    };
                    Cell::detailed(Verdict::Unknown, why)
                }
                None if role.is_rewrite()
                    && guilty.iter().all(|moment| {
                        !moment.pending.contains(pending) || self.syncs_a_successor(function, moment, pending)
                    }) =>
                {
                    let why = format!("`{short}` writes what it read to several files, and syncs one of them");
                    Cell::detailed(Verdict::Unknown, why)
                }
                None => Cell::new(Verdict::No),
                Some(doubt) => Cell::detailed(Verdict::Unknown, doubt.words()),
            };
            return Some(cell.because(text, pending.trace.origin().span));
        }
        let endless = || self.endless_cell(self.done(function).filter(|deed| writes(deed)));
        if let Some(cell) = self.unseen_cell(function).or_else(endless) {
            return Some(cell);
        }
        if let Some(doubt) = self.undecided_sync(store, function) {
            return Some(Cell::detailed(Verdict::Unknown, doubt.words()));
        }
        if !role.is_in_place() {
            return Some(Cell::new(Verdict::Yes));
        }
        let cut = self.done(function).find(|deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Cut, _)));
        let span = cut.map_or(self.program.functions[function.index()].name_span, |deed| deed.trace.origin().span);
        let text = format!("`{short}` cuts a live file and fills it again in place");
        Some(Cell::detailed(Verdict::Yes, "in place").because(text, span))
    }

    /// Whether a rewrite or checkpoint destroys an input while its output is not synced.
    fn inputs(&self, store: &Store, function: FuncId, role: Role) -> Cell {
        // What it writes besides is no successor of what it takes away; nor is what nobody here filled an input.
        let against = |act: Act, pending: &Pending| {
            let gone = match act {
                Act::Remove { file, .. } | Act::Cut { file, .. } => Some(file),
                _ => None,
            };
            let how = if !self.is_made_of_input(store, function, role, act, pending) {
                "be in what it writes"
            } else if gone.is_some_and(|file| self.is_foreign(function, file)) {
                "be written here"
            } else {
                return None;
            };
            Some(format!("what `{}` takes away was not seen to {how}", self.short(function)))
        };
        let Some(Early { pending, verdict, .. }) = self.retired_early(store, function, role, &against) else {
            let unseen = || self.unseen_cell(function).or_else(|| self.acts_lost(function));
            let others = || self.takes_more_away(store, function, role);
            return self
                .cut_in_place(store, function, role)
                .or_else(|| self.retired_unwritten(store, function, role).map(|late| self.late_cell(function, &late)))
                .or_else(unseen)
                .or_else(others)
                .unwrap_or(Cell::new(Verdict::No));
        };
        let lacks = if is_content(pending) { "is not synced" } else { "may lose its name" };
        let text = format!("`{}` retires its input while its output {lacks}", self.short(function));
        let cell = match verdict {
            Ok(Some(option)) => Cell::depending(vec![option]),
            Ok(None) if is_content(pending) => Cell::new(Verdict::Yes),
            Ok(None) => Cell::detailed(Verdict::Yes, "its name is not durable"),
            Err(why) => Cell::detailed(Verdict::Unknown, why),
        };
        cell.because(text, pending.trace.origin().span)
    }

    /// Whether what is `pending` may be made of what was read from the file that `act` destroys, or stands for the log that a checkpoint does.
    fn is_made_of_input(&self, store: &Store, function: FuncId, role: Role, act: Act, pending: &Pending) -> bool {
        // A name has its content from other places.
        let written: Vec<Origin> = match pending.kind {
            Kind::Name => {
                let fills = self.done(function).filter(|deed| writes(deed) && deed.file == pending.file);
                fills.map(|deed| deed.trace.origin()).collect()
            }
            Kind::Buffer | Kind::Data => vec![pending.trace.origin()],
        };
        if !role.is_rewrite() {
            let stand_ins = self.stand_ins(store, function);
            return written.iter().any(|written| stand_ins.contains(written));
        }
        let (Act::Remove { file, .. } | Act::Cut { file, .. } | Act::Rename { to: file, .. }) = act else {
            return false;
        };
        let reads = || self.done(function).filter(|deed| deed.did == Did::Read);
        let is_known = reads().any(|deed| deed.file == file);
        // One that goes by another name where it is read may be any of them.
        let mut read = reads().filter(|deed| !is_known || deed.file == file);
        read.any(|deed| written.iter().any(|&written| self.is_carried(function, deed.trace.origin(), written)))
    }

    /// The cell that follows where the very file that was read is cut and filled again, and that is not synced even in the end.
    fn cut_in_place(&self, store: &Store, function: FuncId, role: Role) -> Option<Cell> {
        if !role.is_in_place() {
            return None;
        }
        let done = |of: &dyn Fn(&Deed) -> bool| self.done(function).any(of);
        let is_refilled = |pending: &Pending| {
            let cuts = |deed: &Deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Cut, _));
            is_content(pending)
                && pending.sources.contains(&pending.file)
                && !self.is_made_where_nothing_was(function, pending)
                && done(&|deed| deed.did == Did::Read && deed.file == pending.file)
                && done(&|deed| cuts(deed) && deed.file == pending.file)
        };
        let successes = || self.successes(function).iter().copied();
        let left = successes().flat_map(|moment| moment.pending.iter().map(move |pending| (moment, pending)));
        let refilled = || left.clone().filter(|(_, pending)| is_refilled(pending));
        let is_made_of_it =
            |pending: &Pending| self.carries_into(function, pending.trace.origin()) == Some(Carried::Surely);
        let of_it = self.surest(store, refilled().filter(|(_, pending)| is_made_of_it(pending)));
        let (pending, doubt) = of_it.or_else(|| self.surest(store, refilled()))?;
        let text =
            format!("`{}` cuts the file that it read, and leaves what it puts there unsynced", self.short(function));
        let guilty: Vec<&Moment> = successes().filter(|moment| moment.pending.iter().any(is_refilled)).collect();
        let innocent: Vec<&Moment> = successes().filter(|moment| !moment.pending.iter().any(is_refilled)).collect();
        let cell = match (doubt, self.options(function, &guilty, &innocent, &is_refilled)) {
            (Some(doubt), _) => Cell::detailed(Verdict::Unknown, doubt.words()),
            _ if !is_made_of_it(pending) => {
                let why = format!("what `{}` read was not seen to be in what it writes", self.short(function));
                Cell::detailed(Verdict::Unknown, why)
            }
            (None, Some(options)) => Cell::depending(options),
            (None, None) => Cell::detailed(Verdict::Yes, "in place"),
        };
        Some(cell.because(text, pending.trace.origin().span))
    }

    /// What a rewrite or checkpoint takes away before anything that is made of it, or stands for it, is written at all.
    pub(super) fn retired_unwritten(&self, store: &Store, function: FuncId, role: Role) -> Option<Late<'a>> {
        let stand_ins = if role.is_rewrite() { Default::default() } else { self.stand_ins(store, function) };
        let done: Vec<&'a Deed> = self.done(function).collect();
        let is_made = |deed: &&Deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Created | How::Copied, _));
        for (at, gone) in done.iter().enumerate() {
            let is_own = || done[..at].iter().filter(|deed| is_made(deed)).any(|deed| deed.file == gone.file);
            if gone.did != Did::Remove || self.is_passing(function, gone.file) || is_own() {
                continue;
            }
            let reads: Vec<Origin> = done[..at]
                .iter()
                .filter(|deed| deed.did == Did::Read && deed.file == gone.file)
                .map(|deed| deed.trace.origin())
                .collect();
            let is_made_of_it = |deed: &Deed| {
                let written = deed.trace.origin();
                if role.is_rewrite() {
                    reads.iter().any(|&read| self.is_carried(function, read, written))
                } else {
                    stand_ins.contains(&written) && !self.is_alike((function, deed.file), (function, gone.file))
                }
            };
            let is_output = |(_, deed): &(usize, &'a Deed)| writes(deed) && is_made_of_it(deed);
            let outputs: Vec<(usize, &'a Deed)> = done.iter().copied().enumerate().filter(is_output).collect();
            let mut late = outputs.iter().filter(|(_, deed)| self.comes_after(&gone.trace, &deed.trace));
            let Some(&(_, late)) = late.next().filter(|_| outputs.iter().all(|(place, _)| *place > at)) else {
                continue;
            };
            let doubt = match self.undecided(store, &gone.trace) {
                Some(doubt) => Some(doubt.words()),
                None if self.is_foreign(function, gone.file) => {
                    let short = self.short(function);
                    Some(format!("what `{short}` takes away was not seen to be written here"))
                }
                // A log is there until what stands for it is: what goes before may be anything else.
                None if !role.is_rewrite() => {
                    let short = self.short(function);
                    Some(format!(
                        "what `{short}` takes away goes before anything that may stand for it is written, and may be no log"
                    ))
                }
                None => None,
            };
            return Some(Late { gone: gone.file, output: late, doubt });
        }
        None
    }

    fn late_cell(&self, function: FuncId, late: &Late<'_>) -> Cell {
        let text = format!("`{}` retires its input before its output is written", self.short(function));
        let cell = match &late.doubt {
            Some(doubt) => Cell::detailed(Verdict::Unknown, doubt.clone()),
            None => Cell::new(Verdict::Yes),
        };
        cell.because(text, late.output.trace.origin().span)
    }

    /// Whether, in the last function that the ways to two places have in common, the text goes on from the way to the `first` to that of the
    /// `other`, not by way of a loop.
    fn comes_after(&self, first: &Trace, other: &Trace) -> bool {
        let (first, other) = (first.origins(), other.origins());
        let Some((one, next)) = first.iter().zip(&other).find(|(one, next)| one != next) else { return false };
        if one.function != next.function || next.span.start < one.span.end {
            return false;
        }
        let blocks = &self.program.functions[one.function.index()].blocks;
        let holds = |block: usize, origin: &Origin| blocks[block].insts.iter().any(|inst| inst.focus == origin.span);
        // The blocks that the text gets to from some, not by way of those in its `way`.
        let reached = |from: Vec<usize>, is_in_its_way: &dyn Fn(usize) -> bool| -> FxHashSet<usize> {
            let mut work = from;
            let mut seen: FxHashSet<usize> = work.iter().copied().collect();
            while let Some(at) = work.pop() {
                let ahead = blocks[at].end.successors().into_iter().map(|block| block.index());
                work.extend(ahead.filter(|&block| !is_in_its_way(block) && seen.insert(block)));
            }
            seen
        };
        let starts: Vec<usize> = (0..blocks.len()).filter(|&block| holds(block, one)).collect();
        // What lies on every way to the first place, such as the head of a loop around it, begins it anew.
        let begins_anew = |block: usize| {
            let others = reached(vec![0], &|other| other == block);
            !starts.contains(&block) && !starts.iter().any(|start| others.contains(start))
        };
        let ahead = reached(starts.clone(), &|_| false);
        let anew: FxHashSet<usize> = ahead.iter().copied().filter(|&block| begins_anew(block)).collect();
        reached(starts, &|block| anew.contains(&block)).into_iter().any(|block| holds(block, next))
    }

    /// The cell that follows from an act further down that retires something, and that a function with very many acts did not pass on.
    fn acts_lost(&self, function: FuncId) -> Option<Cell> {
        let lost = self.done(function).filter(|deed| retires(deed)).any(|deed| match &*deed.trace {
            Trace::Via(_, inner) => self.flow.summaries.get(&inner.start().function).is_some_and(|callee| {
                callee.acts_lost && !callee.triggers.iter().any(|trigger| trigger.trace == *inner)
            }),
            Trace::Here(_) => false,
        });
        let why = || format!("below `{}` more is done than is passed on to it", self.short(function));
        lost.then(|| Cell::detailed(Verdict::Unknown, why()))
    }

    /// The cell that follows where a rewrite takes away something that it was not seen to read, while an output is not durable: that may be
    /// what the output is for.
    fn takes_more_away(&self, store: &Store, function: FuncId, role: Role) -> Option<Cell> {
        let acts = || self.acts(function).iter().filter(|_| role.is_rewrite());
        // What is put in the place of something that was not read.
        let replaced = acts().find_map(|moment| {
            let Act::Rename { file, to, .. } = moment.act else { return None };
            let old = moment.fact(to);
            let is_unread = !old.read && !old.created && !moment.fact(file).read;
            let mut left = moment.pending.iter().filter(|left| is_content(left) && left.file == file);
            left.find(|left| is_unread && self.doubt(store, moment, left).is_none())
        });
        let removed = || {
            acts().find_map(|moment| {
                let (Act::Remove { file, .. } | Act::Cut { file, .. }) = moment.act else { return None };
                let old = moment.fact(file);
                let is_filled = self.done(function).any(|deed| writes(deed) && deed.file == file);
                if old.read || old.created || old.temporary || is_filled {
                    return None;
                }
                moment
                    .pending
                    .iter()
                    .find(|left| is_content(left) && left.file != file && self.doubt(store, moment, left).is_none())
            })
        };
        let early = removed().or(replaced)?;
        let why = format!(
            "what `{}` takes away was not seen to be read, and may be what its output is for",
            self.short(function)
        );
        let text = format!("`{}` takes something away while its output is not synced", self.short(function));
        Some(Cell::detailed(Verdict::Unknown, why).because(text, early.trace.origin().span))
    }

    /// What a rewrite or checkpoint has not made durable where it retires an input: what is sure first, content before names.
    /// `against` tells what speaks against that this is so.
    pub(super) fn retired_early(
        &self,
        store: &Store,
        function: FuncId,
        role: Role,
        against: &dyn Fn(Act, &Pending) -> Option<String>,
    ) -> Option<Early<'a>> {
        let mut found: Option<Early<'a>> = None;
        // The setting that tells which of them are left, with its answers where each one is.
        let mut told: Vec<(Value, Vec<Guard>)> = Vec::new();
        for content in [true, false] {
            for &moment in self.acts(function) {
                // What is created over and filled is an output, too: it is no input whose successor needs a name.
                let is_output = match moment.act {
                    Act::Cut { file, .. } => self.done(function).any(|deed| writes(deed) && deed.file == file),
                    _ => false,
                };
                let is_early = |pending: &&Pending| {
                    is_content(pending) == content
                        && is_retired_before(moment, pending, role)
                        && (content || !is_output)
                };
                for pending in moment.pending.iter().filter(is_early) {
                    let doubt = self.doubt(store, moment, pending).or_else(|| self.undecided(store, &moment.trace));
                    let doubt = doubt.map(Doubt::words);
                    let verdict = match doubt.or_else(|| against(moment.act, pending)) {
                        Some(why) => Err(why),
                        None if self.are_handed_on_apart(&moment.trace, &pending.trace) => Err(
                            "it is done by functions that are handed to code that was not seen, and in which order cannot be told"
                                .to_string(),
                        ),
                        None if role.is_rewrite() && self.syncs_a_successor(function, moment, pending) => {
                            Err("what it read is in several files that it writes, and one of them is synced before".to_string())
                        }
                        None if !role.is_rewrite() && self.syncs_others(function, pending) => {
                            Err("some of what it writes is synced before, and what stands for its input cannot be told"
                                .to_string())
                        }
                        None => {
                            let parting = self.parting_answer(function, moment, pending);
                            if let Some((value, ..)) = parting {
                                let held = pending.when.iter().chain(&moment.guards);
                                told.push((value, held.filter(|guard| guard.0 == value).copied().collect()));
                            }
                            Ok(parting.map(|(value, ..)| self.name(function, value)))
                        }
                    };
                    let early = Early { act: moment.act, pending, verdict };
                    match (&early.verdict, &found) {
                        (Ok(None), _) => return Some(early),
                        (Ok(Some(_)), Some(Early { verdict: Err(_), .. })) | (_, None) => found = Some(early),
                        _ => {}
                    }
                }
            }
        }
        // What is left whatever the answer is does not depend on it.
        if let Some(Early { verdict, .. }) = &mut found
            && let (Ok(Some(_)), Some((setting, _))) = (&*verdict, told.first())
            && told.iter().all(|(value, _)| value == setting)
            && are_all(told.iter().map(|(_, answers)| answers.clone()).collect())
        {
            *verdict = Ok(None);
        }
        found
    }

    /// Whether something else that a checkpoint writes is synced where it retires its input.
    fn syncs_others(&self, function: FuncId, pending: &Pending) -> bool {
        let mut early = self.acts(function).iter().filter(|moment| moment.pending.contains(pending));
        early.any(|moment| {
            moment.facts.iter().any(|(file, facts)| *file != pending.file && facts.written && facts.synced)
        })
    }

    /// Whether something that is written beside what is `pending`, and is synced at a `moment`, is made of something that was read as well. What is
    /// written only by other answers than what is pending is not beside it.
    fn syncs_a_successor(&self, function: FuncId, moment: &Moment, pending: &Pending) -> bool {
        let is_safe = |file| {
            let facts = moment.fact(file);
            file != pending.file && facts.written && facts.synced
        };
        let is_apart = |deed: &Deed| {
            let mut answers = pending.when.iter();
            answers.any(|&(value, question, answer)| holds(&deed.guards, &(value, question, !answer)))
        };
        let beside = |deed: &&Deed| writes(deed) && is_safe(deed.file) && !is_apart(deed);
        let mut others = self.done(function).filter(beside);
        others.any(|deed| self.carries_into(function, deed.trace.origin()) == Some(Carried::Surely))
    }

    /// Whether all that `function` reads is read by other function values that it hands on than the one which writes what is `pending`.
    fn is_read_apart(&self, function: FuncId, pending: &Pending) -> bool {
        let mut reads = self.done(function).filter(|deed| deed.did == Did::Read);
        reads.all(|read| self.are_handed_on_apart(&read.trace, &pending.trace))
    }

    /// Whether two things are done by different function values that are handed to code which was not seen.
    fn are_handed_on_apart(&self, one: &Trace, other: &Trace) -> bool {
        let (one, other) = (self.handed_on(one), self.handed_on(other));
        !one.is_empty() && !other.is_empty() && one != other
    }

    /// The calls on the way of a trace by which code that was not seen is given the function that the way leads on to.
    fn handed_on(&self, trace: &Trace) -> Vec<Origin> {
        let origins = trace.origins();
        let way = origins.iter().zip(origins.iter().skip(1));
        let is_handed = |(at, next): &(&Origin, &Origin)| {
            let insts = self.program.functions[at.function.index()].blocks.iter().flat_map(|block| &block.insts);
            let mut calls = insts.filter(|inst| inst.focus == at.span).filter_map(|inst| match &inst.kind {
                InstKind::Call(call) => Some(call),
                _ => None,
            });
            let is_closure = matches!(self.program.functions[next.function.index()].kind, FunctionKind::Closure { .. });
            // A function by its name is a handler: it is called when there is something to handle.
            calls.any(|call| match call.callee {
                Callee::Unknown => is_closure,
                Callee::Value(_) => !is_closure,
                Callee::Functions(_) | Callee::Api { .. } => false,
            })
        };
        way.filter(is_handed).map(|(at, _)| *at).collect()
    }

    /// Of what is pending the first that there is no doubt about, or else the first.
    fn surest<'m>(
        &self,
        store: &Store,
        pending: impl Iterator<Item = (&'m Moment, &'m Pending)>,
    ) -> Option<(&'m Pending, Option<Doubt>)> {
        let mut doubtful = None;
        for (moment, pending) in pending {
            match self.doubt(store, moment, pending) {
                None => return Some((pending, None)),
                doubt => doubtful = doubtful.or(Some((pending, doubt))),
            }
        }
        doubtful
    }
}

/// An input that is retired while an output can still be lost.
pub(super) struct Early<'a> {
    /// What retires it.
    pub act: Act,
    /// What can be lost.
    pub pending: &'a Pending,
    /// The option that it depends on, if it does; or why it is not certain.
    pub verdict: Result<Option<String>, String>,
}

/// An input that is gone before an output is written.
pub(super) struct Late<'a> {
    /// The input.
    pub gone: Value,
    /// What writes the output.
    pub output: &'a Deed,
    /// Why it is not certain.
    pub doubt: Option<String>,
}

/// Whether any answers at all to questions about one setting fit to one of these.
fn are_all(fitting: Vec<Vec<Guard>>) -> bool {
    let Some(first) = fitting.first() else { return false };
    let Some(&(value, question, _)) = first.first() else { return true };
    [true, false].into_iter().all(|answer| {
        let is_other = |guard: &Guard| (guard.0, guard.1) != (value, question);
        let fits = fitting.iter().filter(|answers| !answers.contains(&(value, question, !answer)));
        are_all(fits.map(|answers| answers.iter().copied().filter(is_other).collect()).collect())
    })
}

/// Whether `pending` is output that is not synced where an input is removed, cut or replaced.
fn is_retired_before(moment: &Moment, pending: &Pending, role: Role) -> bool {
    let (file, read) = match moment.act {
        Act::Remove { file, .. } | Act::Cut { file, .. } => (file, true),
        Act::Rename { file, to, .. } => (file, moment.fact(to).read),
        _ => return false,
    };
    let old = moment.fact(file);
    let is_replaced = matches!(moment.act, Act::Rename { .. }) && read;
    if !is_replaced && (matches!(moment.act, Act::Rename { .. }) || old.created || old.temporary) {
        return false;
    }
    // A rewrite destroys what it read; something else that it removes is no input.
    let is_input = old.read || is_replaced || !role.is_rewrite();
    // An output whose name is forgotten is as lost as one that is not synced.
    let is_name = pending.kind == Kind::Name
        && matches!(pending.how, How::Created | How::Renamed)
        && moment.fact(pending.file).written
        && !is_replaced;
    let is_output = is_content(pending) && pending.how != How::Cut || is_name;
    is_input && is_output && (pending.file == file) == is_replaced
}
