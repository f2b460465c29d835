//! The cells of rewrites: whether what they put out is durable before it counts, and whether inputs go first.

use super::deeds::{is_content, retires, writes};
use super::evidence::{Evidence, UNCERTAIN};
use super::roles::{Role, Roles};
use super::table::{Cell, Verdict};
use crate::flow::state::{How, Pending};
use crate::flow::summary::{Act, Deed, Did};
use crate::ir::FuncId;

impl<'a> Evidence<'a> {
    /// Whether what rewrites put out is durable before it counts, and whether inputs go first.
    pub(super) fn rewrites(&self, roles: &Roles) -> (Cell, Cell) {
        let (mut synced, mut first): (Option<Cell>, Option<Cell>) = (None, None);
        let mut retires_any = false;
        for (&function, &role) in roles {
            let short = self.short(function);
            let own: Vec<&Deed> = self.deeds(function).iter().filter(|deed| !deed.failing).collect();
            retires_any |= own.iter().any(|deed| {
                let written = own.iter().any(|other| writes(other) && other.file == deed.file);
                retires(deed) && !(deed.did == Did::Overwrite && written)
                    || matches!(deed.did, Did::Pend(How::Renamed, _))
            }) || matches!(role, Role::Rewrite { in_place: true });
            if let Some(pending) = self.retired_too_early(function, role) {
                let text = format!("`{short}` retires its input while its output is not synced");
                first = Some(Cell::new(Verdict::Yes).because(text, pending.trace.origin().span));
            }
            let culprits = || {
                let successes = self.successes(function).iter();
                let left = successes.flat_map(|moment| moment.pending.iter().map(move |pending| (*moment, pending)));
                left.filter(|(_, pending)| is_content(pending))
            };
            let certain = culprits().find(|(moment, pending)| self.is_certain(moment, pending));
            let left = certain.or_else(|| culprits().next());
            let in_place = matches!(role, Role::Rewrite { in_place: true });
            let counts = matches!(role, Role::Rewrite { .. }) || own.iter().any(|deed| deed.did == Did::Remove);
            let cell = match (left, self.unseen(function)) {
                _ if !counts => continue,
                (Some((_, pending)), _) => {
                    let text = format!("`{short}` leaves its output unsynced");
                    let cell = match certain {
                        Some(_) => Cell::new(Verdict::No),
                        None => Cell::detailed(Verdict::Unknown, UNCERTAIN),
                    };
                    cell.because(text, pending.trace.origin().span)
                }
                (None, Some(why)) => Cell::detailed(Verdict::Unknown, format!("`{short}`: {why}")),
                (None, None) if in_place => {
                    let cut = own.iter().find(|deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Cut, _)));
                    let span =
                        cut.map_or(self.program.functions[function.index()].name_span, |deed| deed.trace.origin().span);
                    let text = format!("`{short}` cuts a live file and fills it again in place");
                    Cell::detailed(Verdict::Yes, "in place").because(text, span)
                }
                (None, None) => Cell::new(Verdict::Yes),
            };
            let weight = |cell: &Cell| match cell.verdict {
                Verdict::No => 3,
                Verdict::Unknown => 2,
                _ => i32::from(cell.detail.is_some()),
            };
            if synced.as_ref().is_none_or(|old| weight(old) < weight(&cell)) {
                synced = Some(cell);
            }
        }
        let rewrite = synced.unwrap_or(Cell::new(Verdict::NotApplicable));
        let never = rewrite.verdict != Verdict::NotApplicable && !retires_any;
        let kept = if never { Cell::detailed(Verdict::No, "never deletes them") } else { Cell::new(Verdict::No) };
        (rewrite, first.unwrap_or(kept))
    }

    /// The output that is not synced when a function removes, cuts or replaces an input.
    fn retired_too_early(&self, function: FuncId, role: Role) -> Option<&'a Pending> {
        self.acts(function).iter().find_map(|moment| {
            let (file, read) = match moment.act {
                Act::Remove { file, .. } | Act::Cut { file, .. } => (file, true),
                Act::Rename { file, to, .. } => (file, moment.fact(to).read),
                _ => return None,
            };
            let old = moment.fact(file);
            let is_replaced = matches!(moment.act, Act::Rename { .. }) && read;
            if !is_replaced && (matches!(moment.act, Act::Rename { .. }) || old.created || old.temporary) {
                return None;
            }
            // A rewrite destroys what it read; something else that it removes is no input.
            let is_input = old.read || is_replaced || matches!(role, Role::Checkpoint);
            moment.pending.iter().filter(|_| is_input).find(|pending| {
                is_content(pending)
                    && self.is_certain(moment, pending)
                    && (pending.file == file) == is_replaced
                    && pending.how != How::Cut
            })
        })
    }
}
