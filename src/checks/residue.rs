//! What methods leave pending in the fields of their type: a later method that publishes, cuts or syncs the file of such a field
//! finds it there, although its own text writes nothing.

use super::Context;
use crate::flow::Moment;
use crate::flow::intent::FieldKey;
use crate::flow::state::{How, Kind, Pending};
use crate::flow::summary::Act;
use crate::flow::terms::{Term, Value};
use crate::ir::FuncId;
use rustc_hash::{FxHashMap, FxHashSet};
use ustr::Ustr;

/// By field: what is left there when some method reports success, with the method.
#[derive(Default)]
pub struct Residue(FxHashMap<FieldKey, Vec<(FuncId, Pending)>>);

/// Types some method of which leaves written bytes pending in what the type holds, with the files of those, as methods see them.
pub fn dirty_types(context: &Context<'_>) -> FxHashMap<Ustr, FxHashSet<Value>> {
    let mut dirty: FxHashMap<Ustr, FxHashSet<Value>> = FxHashMap::default();
    for moment in context.flow.moments.iter().filter(|moment| moment.act == Act::Succeed && !moment.failing) {
        let Some(owner) = context.program.functions[moment.function.index()].owner else { continue };
        let terms = context.terms.borrow();
        let held = |pending: &Pending| {
            // A new length alone is no content: what is written to a mapping is told there.
            pending.kind != Kind::Name
                && !matches!(pending.how, How::Resized | How::Cut)
                && !pending.closed
                && matches!(terms.get(pending.file), Term::Field(..))
                && matches!(terms.get(terms.root(pending.file)), Term::Param(0))
        };
        let mut left = moment.pending.iter().filter(|pending| held(pending)).peekable();
        if left.peek().is_some() {
            dirty.entry(owner).or_default().extend(left.map(|pending| pending.file));
        }
    }
    dirty
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
