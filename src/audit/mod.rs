//! The durability table: one row for each store of a program, told by the effects of its operations, never by names.
//!
//! A *store* is a type whose methods make, replace, remove or sync files, with all types that are part of it: those whose values it makes for
//! itself or hands out, and those that it alone uses. Its *operations* are the public methods of the outermost type and of what it hands
//! out, and the public functions outside any type that work on them. What they do is split by effects:
//!
//! * an **opening** is an operation that is not given a store: it makes one;
//! * a **rewrite** is the smallest function that reads files and fills others, or cuts what it read and fills it again;
//! * a **checkpoint** is the smallest function that writes or syncs files and retires others that it neither read nor wrote;
//! * everything else that is written by an operation that is given data is a **normal write**.
//!
//! What was not seen to the end is `unknown`, with the reason.
//!
//! Reading order: [`table`] (what is told), [`evidence`] and [`certainty`] (what was seen, and how sure it is, for which [`reach`] and [`builders`]
//! say more), [`types`], [`stores`] and [`roles`] (who is judged, as what), [`made`] and [`content`] (whose files these are, and where their
//! content goes), then a file for each thing that is judged: [`writes`], [`rewrites`], [`directory`], [`in_place`], [`workers`], [`unseen`]; [`detail`] and [`names`] put the
//! rest into words.

mod builders;
mod certainty;
mod content;
mod deeds;
mod detail;
mod directory;
mod evidence;
mod in_place;
mod made;
mod names;
mod reach;
mod rewrites;
mod roles;
mod stores;
mod table;
mod types;
mod unseen;
mod workers;
mod writes;

pub use table::{Cell, Effect, Operation, Reason, Row, Verdict};

use crate::apis::Apis;
use crate::flow::Flow;
use crate::ir::Program;
use evidence::Evidence;
use stores::Store;

/// The table of `program`, whose `flow` was told to keep deeds, and whose calls `apis` explain.
pub fn audit(program: &Program, flow: &Flow, apis: &Apis) -> Vec<Row> {
    let evidence = Evidence::new(program, flow, apis);
    evidence.stores().iter().filter_map(|store| row(&evidence, store)).collect()
}

fn row(evidence: &Evidence<'_>, store: &Store) -> Option<Row> {
    let roles = evidence.roles(store);
    let mut writes = evidence.normal_writes(store, &roles);
    let (mut rewrite, mut deletes_first) = evidence.rewrites(store, &roles);
    if writes.verdict == Verdict::NotApplicable && rewrite.verdict == Verdict::NotApplicable {
        return None;
    }
    let mut directory = evidence.directory(store);
    if writes.verdict == Verdict::Unknown && directory.verdict == Verdict::NotApplicable {
        // Files that nobody here makes are made by code that was not seen: so may be their names, rewrites and removals.
        let unseen = || Cell::detailed(Verdict::Unknown, "the files are made by code that was not seen");
        directory = unseen();
        if rewrite.verdict == Verdict::NotApplicable {
            (rewrite, deletes_first) = (unseen(), unseen());
        }
    }
    if writes.verdict == Verdict::NotApplicable {
        // What is rewritten was written before, by somebody.
        writes = Cell::detailed(Verdict::Unknown, "nothing was seen to be written other than by what rewrites");
    }
    evidence.beside_workers(store, [&mut writes, &mut rewrite, &mut deletes_first, &mut directory]);
    evidence.beside_unseen(store, &writes, [&mut rewrite, &mut deletes_first, &mut directory]);
    let unlogged = evidence.unlogged(store, &roles);
    let in_place = evidence.in_place(&unlogged);
    let safe = safe(&writes, &rewrite, &deletes_first, &directory, in_place.as_ref());
    let operations = store.operations.iter().map(|&id| evidence.operation(store, id, &roles, &unlogged)).collect();
    let span = evidence.program.functions[store.first.index()].name_span;
    Some(Row { store: store.name, span, writes, rewrite, deletes_first, directory, safe, operations })
}

/// The last cell: what the others add up to.
fn safe(writes: &Cell, rewrite: &Cell, deletes_first: &Cell, directory: &Cell, unlogged: Option<&Cell>) -> Cell {
    let only_removals = |cell: &Cell| cell.detail.as_deref().is_some_and(|why| why.starts_with(directory::REMOVALS));
    let broken = |cell: &&Cell| cell.verdict == Verdict::No && !only_removals(cell);
    let in_place = Some(rewrite).filter(|cell| cell.reason.is_some() && cell.verdict == Verdict::Yes);
    let early = Some(deletes_first).filter(|cell| cell.verdict == Verdict::Yes);
    let others = unlogged.into_iter().chain([writes, rewrite, directory]);
    let decisive = early.or(in_place).or_else(|| others.into_iter().find(broken));
    if let Some(cell) = decisive {
        return Cell { reason: cell.reason.clone(), ..Cell::new(Verdict::No) };
    }
    let unknown = |cell: &&Cell| cell.verdict == Verdict::Unknown;
    if let Some(cell) = [writes, rewrite, deletes_first, directory].into_iter().chain(unlogged).find(unknown) {
        return Cell { detail: cell.detail.clone(), reason: cell.reason.clone(), ..Cell::new(Verdict::Unknown) };
    }
    if directory.verdict == Verdict::No {
        let why = "a removed file can be back after a crash, and whether that does harm cannot be told";
        return Cell { reason: directory.reason.clone(), ..Cell::detailed(Verdict::Unknown, why) };
    }
    // What an option takes back was not promised.
    Cell::new(Verdict::Yes)
}
