//! The cells of rewrites: whether what they put out is durable before it counts, and whether inputs go first.

use super::certainty::Doubt;
use super::deeds::{is_content, retires, writes};
use super::evidence::Evidence;
use super::roles::{Role, Roles};
use super::stores::Store;
use super::table::{Cell, Verdict, weakest};
use crate::flow::Moment;
use crate::flow::state::{How, Pending};
use crate::flow::summary::{Act, Deed, Did};
use crate::ir::FuncId;

impl<'a> Evidence<'a> {
    /// Whether what rewrites put out is durable before it counts, and whether inputs go first.
    pub(super) fn rewrites(&self, store: &Store, roles: &Roles) -> (Cell, Cell) {
        // An operation that was not seen to its end may rewrite anything.
        let unseen: Vec<Cell> = store.operations.iter().filter_map(|&operation| self.unseen_cell(operation)).collect();
        let outputs = roles.iter().filter_map(|(&function, &role)| self.output(function, role));
        let mut outputs: Vec<Cell> = outputs.chain(unseen.clone()).collect();
        if outputs.is_empty()
            && let Some(opening) = self.opening_with_a_worker(store)
        {
            let why = format!("`{}` hands on a function that rewrites files, perhaps to a thread", self.short(opening));
            outputs.push(Cell::detailed(Verdict::Unknown, why));
        }
        let rewrite = weakest(&outputs, |cell| match cell.verdict {
            Verdict::No => 3,
            Verdict::Unknown => 2,
            _ => i32::from(cell.detail.is_some()),
        });
        let inputs = roles.iter().map(|(&function, &role)| self.inputs(function, role));
        let inputs: Vec<Cell> = inputs.chain(unseen).collect();
        let first = weakest(&inputs, |cell| match cell.verdict {
            Verdict::Yes => 2,
            Verdict::Unknown => 1,
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
        }) || role == (Role::Rewrite { in_place: true })
    }

    /// Whether what a rewrite puts out is durable when it reports success; `None` for a checkpoint that retires nothing whole.
    fn output(&self, function: FuncId, role: Role) -> Option<Cell> {
        let counts = matches!(role, Role::Rewrite { .. }) || self.done(function).any(|deed| deed.did == Did::Remove);
        if !counts {
            return None;
        }
        let short = self.short(function);
        let successes = self.successes(function).iter();
        let left = successes.flat_map(|moment| moment.pending.iter().map(move |pending| (*moment, pending)));
        let left = left.filter(|(_, pending)| is_content(pending));
        if let Some((pending, doubt)) = self.surest(left) {
            let text = format!("`{short}` leaves its output unsynced");
            let cell = match doubt {
                None => Cell::new(Verdict::No),
                Some(doubt) => Cell::detailed(Verdict::Unknown, doubt.words()),
            };
            return Some(cell.because(text, pending.trace.origin().span));
        }
        if let Some(cell) = self.unseen_cell(function) {
            return Some(cell);
        }
        if role != (Role::Rewrite { in_place: true }) {
            return Some(Cell::new(Verdict::Yes));
        }
        let cut = self.done(function).find(|deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Cut, _)));
        let span = cut.map_or(self.program.functions[function.index()].name_span, |deed| deed.trace.origin().span);
        let text = format!("`{short}` cuts a live file and fills it again in place");
        Some(Cell::detailed(Verdict::Yes, "in place").because(text, span))
    }

    /// Whether a rewrite or checkpoint destroys an input while its output is not synced.
    fn inputs(&self, function: FuncId, role: Role) -> Cell {
        let early = self.acts(function).iter().flat_map(|moment| {
            let early = moment.pending.iter().filter(|pending| is_retired_before(moment, pending, role));
            early.map(|pending| (*moment, pending))
        });
        let short = self.short(function);
        match self.surest(early) {
            Some((pending, doubt)) => {
                let text = format!("`{short}` retires its input while its output is not synced");
                let cell = match doubt {
                    None if role == Role::Checkpoint && self.syncs_others(function, pending) => {
                        let why =
                            "some of what it writes is synced before, and what stands for its input cannot be told";
                        Cell::detailed(Verdict::Unknown, why)
                    }
                    None => Cell::new(Verdict::Yes),
                    Some(doubt) => Cell::detailed(Verdict::Unknown, doubt.words()),
                };
                cell.because(text, pending.trace.origin().span)
            }
            None => self.unseen_cell(function).unwrap_or(Cell::new(Verdict::No)),
        }
    }

    /// Whether something else that a checkpoint writes is synced where it retires its input.
    fn syncs_others(&self, function: FuncId, pending: &Pending) -> bool {
        let mut early = self.acts(function).iter().filter(|moment| moment.pending.contains(pending));
        early.any(|moment| {
            moment.facts.iter().any(|(file, facts)| *file != pending.file && facts.written && facts.synced)
        })
    }

    /// Of what is pending the first that there is no doubt about, or else the first.
    fn surest<'m>(
        &self,
        pending: impl Iterator<Item = (&'m Moment, &'m Pending)>,
    ) -> Option<(&'m Pending, Option<Doubt>)> {
        let mut doubtful = None;
        for (moment, pending) in pending {
            match self.doubt(moment, pending) {
                None => return Some((pending, None)),
                doubt => doubtful = doubtful.or(Some((pending, doubt))),
            }
        }
        doubtful
    }
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
    let is_input = old.read || is_replaced || role == Role::Checkpoint;
    is_input && is_content(pending) && (pending.file == file) == is_replaced && pending.how != How::Cut
}
