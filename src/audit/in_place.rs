//! Writes over what a file holds already: whether a log goes before them. A crash in the middle leaves a mix of old and new, and without
//! a log nothing tells what it was.

use super::deeds::{retires, writes};
use super::evidence::Evidence;
use super::roles::{Roles, in_role};
use super::stores::Store;
use super::table::{Cell, Verdict};
use crate::flow::state::{How, Origin};
use crate::flow::summary::{Deed, Did};
use crate::flow::terms::Value;
use crate::ir::FuncId;
use crate::source::Span;
use rustc_hash::FxHashSet;

/// A write over what a file holds, with no log before it.
pub(super) struct Unlogged {
    /// What does it.
    pub operation: FuncId,
    /// The file, in the terms of the operation.
    pub file: Value,
    /// Where.
    pub span: Span,
    /// Others to the same file have a log before them.
    pub beside_logged: bool,
}

impl<'a> Evidence<'a> {
    /// Whether every write over what is there has a log before it: `No` if some have, and others to the same file have not; `Unknown` if
    /// none has, because it cannot be told whether anybody still needs what is written over. `None` if there is nothing to be said.
    pub(super) fn in_place(&self, unlogged: &[Unlogged]) -> Option<Cell> {
        let first = unlogged.iter().find(|write| write.beside_logged).or(unlogged.first())?;
        let short = self.short(first.operation);
        Some(if first.beside_logged {
            let text =
                format!("`{short}` writes over what is in a file with no log before it, unlike other writes to it");
            Cell::new(Verdict::No).because(text, first.span)
        } else {
            let why =
                "it writes in place with no log before, and whether what was there is still needed cannot be told";
            let text = format!("`{short}` writes over what is in a file, if anything is, with no log before it");
            Cell::detailed(Verdict::Unknown, why).because(text, first.span)
        })
    }

    /// The writes over what is in a file, by operations on an open store, that have no log before them.
    pub(super) fn unlogged(&self, store: &Store, roles: &Roles) -> Vec<Unlogged> {
        let operations: Vec<FuncId> =
            store.operations.iter().copied().filter(|operation| !store.openings.contains(operation)).collect();
        let logging = self.logging(&operations, store);
        let mut logged: FxHashSet<Value> = FxHashSet::default();
        let mut logged_at: FxHashSet<Origin> = FxHashSet::default();
        let mut unlogged: Vec<(FuncId, &Deed)> = Vec::new();
        for operation in operations {
            let done: Vec<&Deed> = self.deeds(operation).iter().filter(|deed| !deed.failing).collect();
            for (at, deed) in done.iter().enumerate().filter(|(at, _)| is_placed(&done, *at)) {
                let on_the_way = deed.trace.functions();
                if on_the_way.iter().any(|function| logging.contains(function)) {
                    logged.insert(deed.file);
                    logged_at.extend(deed.trace.origins());
                } else if !in_role(&deed.trace, roles) && self.is_live(operation, &done[..at], deed.file) {
                    unlogged.push((operation, deed));
                }
            }
        }
        let told = |(operation, deed): (FuncId, &Deed)| {
            // Others may go the last part of the way with a log: where it parts from theirs.
            let own = deed.trace.origins().into_iter().rev().find(|origin| !logged_at.contains(origin));
            let span = own.unwrap_or(deed.trace.origin()).span;
            // Where an operation was not followed, it may have written a log.
            let beside_logged = logged.contains(&deed.file) && self.unseen(operation).is_none();
            Unlogged { operation, file: deed.file, span, beside_logged }
        };
        unlogged.into_iter().map(told).collect()
    }

    /// Whether a file was there when the operation began, and has its name.
    fn is_live(&self, operation: FuncId, before: &[&Deed], file: Value) -> bool {
        let is_new = before.iter().any(|deed| {
            let made =
                matches!(deed.did, Did::Overwrite | Did::Pend(How::Created | How::Copied | How::WrittenWhole, _));
            deed.file == file && (made || retires(deed))
        });
        !is_new && !self.is_lent(operation, file) && !self.is_being_built(operation, file)
    }

    /// The smallest functions, of those that `operations` get to, that write to one file and sync it before they write over what is in
    /// another.
    fn logging(&self, operations: &[FuncId], store: &Store) -> FxHashSet<FuncId> {
        let mut logging: FxHashSet<FuncId> = FxHashSet::default();
        for part in self.parts(operations, &store.makers) {
            let own: Vec<&Deed> = self.own_deeds(part, |inner| logging.contains(inner));
            let is_logged = |at: usize| {
                let before = || own[..at].iter().enumerate().filter(|(_, deed)| deed.file != own[at].file);
                before().any(|(synced, deed)| {
                    deed.did == Did::Sync && own[..synced].iter().any(|log| writes(log) && log.file == deed.file)
                })
            };
            if (0..own.len()).any(|at| is_placed(&own, at) && is_logged(at)) {
                logging.insert(part);
            }
        }
        logging
    }
}

/// Whether what is done at `at` is a write to a place that the function which writes has chosen before.
fn is_placed(done: &[&Deed], at: usize) -> bool {
    let write = done[at];
    let by = |deed: &Deed| deed.trace.origin().function;
    writes(write)
        && done[..at].iter().any(|deed| deed.did == Did::Place && deed.file == write.file && by(deed) == by(write))
}
