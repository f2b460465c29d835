//! What methods leave pending in the fields of their type: a later method that publishes, cuts or syncs the file of such a field
//! finds it there, although its own text writes nothing.

use super::Context;
use crate::flow::Moment;
use crate::flow::intent::FieldKey;
use crate::flow::state::{How, Kind, Pending};
use crate::flow::summary::Act;
use crate::flow::terms::{Term, Terms, Value};
use crate::ir::FuncId;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use ustr::Ustr;

/// By field: what is left there when some method reports success, with the method.
#[derive(Default)]
pub struct Residue(FxHashMap<FieldKey, Vec<(FuncId, Pending)>>);

/// Types some method of which leaves written bytes pending in what the type holds, with the files of those, as methods see them.
pub fn dirty_types(context: &Context<'_>) -> FxHashMap<Ustr, FxHashSet<Value>> {
    let mut dirty: FxHashMap<Ustr, FxHashSet<Value>> = FxHashMap::default();
    for moment in context.flow.moments.iter().filter(|moment| moment.act == Act::Succeed && !moment.failing) {
        let Some(owner) = context.program.functions[moment.function.index()].owner else { continue };
        let mut terms = context.terms.borrow_mut();
        for pending in moment.pending.iter().filter(|pending| is_content(pending)) {
            for file in as_held(&mut terms, pending.file, 0) {
                let in_field = matches!(terms.get(file), Term::Field(..));
                if in_field && matches!(terms.get(terms.root(file)), Term::Param(0)) {
                    dirty.entry(owner).or_default().insert(file);
                }
            }
        }
    }
    dirty
}

/// By type: the files that some method leaves written bytes pending in, each by the fields that its handle lies in. So they are found where a
/// file is known by its path, which can be another each time.
pub fn dirty_handles(context: &Context<'_>) -> FxHashMap<Ustr, BTreeSet<Vec<FieldKey>>> {
    let mut dirty: FxHashMap<Ustr, BTreeSet<Vec<FieldKey>>> = FxHashMap::default();
    let intents = &context.flow.intents;
    for moment in context.flow.moments.iter().filter(|moment| moment.act == Act::Succeed && !moment.failing) {
        let Some(owner) = context.program.functions[moment.function.index()].owner else { continue };
        for pending in moment.pending.iter().filter(|pending| is_content(pending) && !pending.doubt) {
            let fields = intents.fields_of(moment.function, pending.file);
            if fields.iter().any(|field| intents.links.get(field).is_some_and(Option::is_some)) {
                dirty.entry(owner).or_default().insert(fields.to_vec());
            }
        }
    }
    dirty
}

/// Whether written bytes are pending behind a handle that is still open. A new length alone is no content: what is written to a mapping is
/// told there.
fn is_content(pending: &Pending) -> bool {
    pending.kind != Kind::Name && !matches!(pending.how, How::Resized | How::Cut) && !pending.closed
}

/// A file by the names that it has where one of several values lies in a field that it is reached by: a part was replaced on one way.
fn as_held(terms: &mut Terms, file: Value, depth: u8) -> Vec<Value> {
    let &Term::Field(of, name) = terms.get(file) else {
        return if depth == 0 { vec![file] } else { [&[file], terms.alternatives(file)].concat() };
    };
    if depth > 2 {
        return vec![file];
    }
    as_held(terms, of, depth + 1).into_iter().map(|of| terms.field(of, name)).collect()
}

impl Residue {
    /// Collects what is left in fields by methods whose callers do not settle it.
    pub fn new(context: &Context<'_>) -> Residue {
        let mut by_field: FxHashMap<FieldKey, Vec<(FuncId, Pending)>> = FxHashMap::default();
        let mut left: FxHashSet<FuncId> = FxHashSet::default();
        let mut succeeds: FxHashSet<FuncId> = FxHashSet::default();
        let successes = || context.flow.moments.iter().filter(|moment| moment.act == Act::Succeed && !moment.failing);
        for moment in successes() {
            succeeds.insert(moment.function);
            if moment.pending.iter().any(|pending| pending.kind != Kind::Name) {
                left.insert(moment.function);
            }
        }
        let is_left = |moment: &Moment, file: Value| {
            moment.pending.iter().any(|pending| pending.kind != Kind::Name && pending.file == file)
        };
        let settled: FxHashSet<(FuncId, Value)> = successes()
            .flat_map(|moment| moment.facts.iter().map(move |(file, facts)| (moment, *file, facts)))
            .filter(|(moment, file, facts)| facts.written && facts.synced && !is_left(moment, *file))
            .map(|(moment, file, _)| (moment.function, file))
            .collect();
        for moment in successes() {
            let owner = context.program.functions[moment.function.index()].owner;
            let callers = &context.flow.callers[moment.function.index()];
            if callers.iter().any(|caller| succeeds.contains(caller) && !left.contains(caller)) {
                continue;
            }
            let left = moment.pending.iter().filter(|pending| {
                // What another path of the same method settles is left by choice.
                let by_choice = settled.contains(&(moment.function, pending.file));
                pending.kind != Kind::Name && !pending.closed && !pending.doubt && !by_choice
            });
            for pending in left {
                for field in context.flow.intents.fields_of(moment.function, pending.file) {
                    if Some(field.0) == owner {
                        by_field.entry(*field).or_default().push((moment.function, pending.clone()));
                    }
                }
            }
        }
        Residue(by_field)
    }

    /// What another method may have left pending on `file` when `moment` came, told as if it were this function's.
    pub fn at(&self, context: &Context<'_>, moment: &Moment, file: Value) -> Vec<Pending> {
        let owner = context.program.functions[moment.function.index()].owner;
        if !matches!(context.terms.borrow().get(context.terms.borrow().root(file)), Term::Param(0)) {
            return Vec::new();
        }
        let mut found: Vec<Pending> = Vec::new();
        for field in context.flow.intents.fields_of(moment.function, file).iter().filter(|field| Some(field.0) == owner)
        {
            // The handle in the field, where it is known by that alone.
            let is_held = |known: &Value| {
                *known == file || context.flow.intents.fields_of(moment.function, *known).contains(field)
            };
            let is_flushed = moment.flushed.iter().any(is_held);
            let is_synced = moment.killed.iter().any(|(known, kind)| *kind == Kind::Data && is_held(known));
            let settled = |kind: Kind| if kind == Kind::Buffer { is_flushed } else { is_synced };
            for (function, pending) in self.0.get(field).into_iter().flatten() {
                let kind = if pending.kind == Kind::Buffer && is_flushed { Kind::Data } else { pending.kind };
                if *function == moment.function || settled(kind) {
                    continue;
                }
                // Of one kind the first counts; a new length says less than what was written.
                let tells_less = |pending: &Pending| matches!(pending.how, How::Resized | How::Cut);
                let new = Pending { kind, file, ..pending.clone() };
                match found.iter_mut().find(|known| known.kind == kind) {
                    Some(known) if tells_less(known) && !tells_less(&new) => *known = new,
                    Some(_) => {}
                    None => found.push(new),
                }
            }
        }
        found
    }
}
