//! A file that a value keeps open and others of its methods sync, replaced by a new one before what was written to it is synced: nobody has
//! its handle any more. Told under `flush-is-not-sync`.

use super::{Context, promises, purpose, regions, residue};
use crate::flow::summary::{Act, Outcome, Summary};
use crate::flow::terms::{Term, Terms, Value};
use crate::ir::{Base, Callee, FuncId, Function, FunctionKind, Inst, InstKind, Operand, Passing, Place, Rvalue, Step};
use crate::source::Span;
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// Adds the methods that do so.
pub fn run(context: &Context<'_>, out: &mut Vec<promises::Promised>) {
    let dirty = residue::dirty_types(context);
    let mut synced: FxHashMap<Ustr, FxHashSet<Value>> = FxHashMap::default();
    for (id, summary) in &context.flow.summaries {
        if let Some(owner) = context.program.functions[id.index()].owner
            && dirty.contains_key(&owner)
        {
            let killed = promises::successes(summary).flat_map(|outcome| &outcome.killed);
            synced.entry(owner).or_default().extend(killed.map(|(file, _)| *file));
        }
    }
    for (at, function) in context.program.functions.iter().enumerate() {
        let id = FuncId(at as u32);
        let Some(owner) = function.owner else { continue };
        let (Some(dirty), Some(synced)) = (dirty.get(&owner), synced.get(&owner)) else { continue };
        let Some(summary) = context.flow.summaries.get(&id) else { continue };
        if !matches!(function.kind, FunctionKind::Named)
            || !function.unread.is_empty()
            || context.policy(id).is_none() && purpose::is_tool(context, id)
        {
            continue;
        }
        let Some((file, span)) = left_behind(context, id, summary, dirty, synced) else { continue };
        let message =
            format!("`{file}` is replaced by a new file while what was written to the old one is not durable");
        let told = "the last handle of the old file goes here: nobody can sync it any more".to_string();
        out.push((promises::UNSYNCED, promises::finding_at(function, span, message, told)));
    }
}

/// The file that a method replaces unsynced, as it is shown, and where.
fn left_behind(
    context: &Context<'_>,
    id: FuncId,
    summary: &Summary,
    dirty: &FxHashSet<Value>,
    synced: &FxHashSet<Value>,
) -> Option<(String, Span)> {
    // What is renamed, removed or cut there is given up, or published: other rules tell of that.
    let gives_up = summary.triggers.iter().any(|trigger| {
        matches!(trigger.act, Act::Rename { .. } | Act::Remove { .. } | Act::Cut { by_handle: true, .. })
    });
    if summary.bounded || summary.acts_lost || !summary.calls.is_empty() || gives_up {
        return None;
    }
    let function = &context.program.functions[id.index()];
    let terms = context.terms.borrow();
    let mut files: Vec<Value> = dirty.iter().copied().filter(|file| synced.contains(file)).collect();
    files.sort_unstable();
    for file in files {
        let Some(field) = own_field(&terms, file) else { continue };
        let replaces = |outcome: &&Outcome| {
            let new = outcome
                .heap
                .iter()
                .find(|((base, name), _)| *name == field && matches!(terms.get(*base), Term::Param(0)));
            new.is_some_and(|(_, value)| is_opened(&terms, *value, 0))
                && !outcome.all_killed
                && !outcome.vague_sync
                && outcome.unopened.is_empty()
                && !outcome.killed.iter().any(|(killed, _)| *killed == file)
        };
        if !promises::successes(summary).any(|outcome| replaces(&outcome)) || is_taken(function, field) {
            continue;
        }
        let span = replacement(function, field)?;
        if !synced_by_callers(context, id) {
            return Some((terms.show(file), span));
        }
    }
    None
}

/// The field of the thing itself that a file lies in, or in a part of which.
fn own_field(terms: &Terms, file: Value) -> Option<Ustr> {
    match terms.get(file) {
        Term::Field(base, name) if matches!(terms.get(*base), Term::Param(0)) => Some(*name),
        Term::Field(base, _) => own_field(terms, *base),
        _ => None,
    }
}

/// Whether a value is a handle of a file that was opened there, or a record that holds one.
fn is_opened(terms: &Terms, value: Value, depth: usize) -> bool {
    match terms.get(terms.unbuffered(value)) {
        Term::Handle { writable, .. } => *writable,
        Term::Aggregate { fields, .. } => {
            depth < 3 && fields.iter().any(|(_, field)| is_opened(terms, *field, depth + 1))
        }
        _ => false,
    }
}

/// Whether a place is that field of the thing itself.
fn is_field(function: &Function, place: &Place, field: Ustr) -> bool {
    let own = matches!(place.base, Base::Local(local) if function.params.first() == Some(&local));
    own && matches!(&place.steps[..], [Step::Field { name, .. }] if *name == field)
}

/// Where a field of the thing itself is set.
fn replacement(function: &Function, field: Ustr) -> Option<Span> {
    let mut insts = function.blocks.iter().flat_map(|block| &block.insts);
    insts.find_map(|inst| match &inst.kind {
        InstKind::Assign { place, .. } => is_field(function, place, field).then_some(inst.span),
        _ => None,
    })
}

/// Whether what the field holds is taken out of it, for somebody else perhaps.
fn is_taken(function: &Function, field: Ustr) -> bool {
    let taken = |inst: &Inst| match &inst.kind {
        InstKind::Assign { value: Rvalue::Use(Operand::Place(place)), .. } => is_field(function, place, field),
        InstKind::Call(call) => call.args.iter().any(|arg| match &arg.value {
            Operand::Place(place) => arg.passing == Passing::Move && is_field(function, place, field),
            _ => false,
        }),
        _ => false,
    };
    function.blocks.iter().flat_map(|block| &block.insts).any(taken)
}

/// Whether a caller may sync by something else than this call: before it, perhaps.
fn synced_by_callers(context: &Context<'_>, id: FuncId) -> bool {
    context.flow.callers[id.index()].iter().filter(|caller| **caller != id).any(|caller| {
        let body = &context.program.functions[caller.index()];
        let mut others = body.blocks.iter().flat_map(|block| &block.insts).filter(|inst| match &inst.kind {
            InstKind::Call(call) => match &call.callee {
                Callee::Functions(functions) => !functions.contains(&id),
                _ => true,
            },
            _ => false,
        });
        others.any(|inst| regions::may_sync(context, *caller, inst))
    })
}
