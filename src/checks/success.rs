//! Rules that fall due when success is reported: what an operation leaves pending that nobody makes durable afterwards.
//!
//! What a function leaves is its caller's to settle. So an effect is followed up the call graph: it is a fault only where it is left
//! by the topmost function that knows of it, or where some callers settle it and others forget.

use super::act::distinguishing;
use super::{Context, story};
use crate::finding::{Confidence, Finding, FindingStep, Level};
use crate::flow::Moment;
use crate::flow::intent::FieldKey;
use crate::flow::state::{How, Kind, Origin, Pending, Question};
use crate::flow::summary::Act;
use crate::flow::terms::Value;
use crate::ir::FuncId;
use rustc_hash::FxHashSet;
use std::collections::{BTreeMap, BTreeSet};

/// A rule that falls due at success.
pub struct SuccessRule {
    /// Its id.
    pub id: &'static str,
    /// How bad.
    pub level: Level,
    /// Whether what is left is a fault, and how sure that is.
    pub judge: fn(&Context<'_>, &Left<'_>) -> Option<Confidence>,
    /// What is wrong.
    pub message: fn(&Context<'_>, &Left<'_>) -> String,
    /// The last step, where success is reported.
    pub at_success: &'static str,
    /// What the disk can hold after the crash.
    pub crash: &'static str,
    /// What to do.
    pub help: &'static str,
    /// Presets that hide it.
    pub masked_on: &'static [&'static str],
}

/// An effect that is left pending at success, seen from the topmost function that leaves it.
pub struct Left<'a> {
    /// The effect, in that function's terms.
    pub pending: &'a Pending,
    /// The success at which it is pending.
    pub moment: &'a Moment,
    /// The function that did it.
    pub origin: Origin,
    /// All functions that leave it, with the effect in their own terms.
    pub left_by: &'a [(FuncId, &'a Pending)],
    /// Functions that call one of those and leave it settled.
    pub settled_by: &'a [FuncId],
    /// The same function settles it on another path.
    pub settled_elsewhere: bool,
}

impl Left<'_> {
    /// Whether the file lives in one of `fields`, in the terms of any function that leaves it.
    pub fn lives_in(&self, context: &Context<'_>, fields: &FxHashSet<FieldKey>) -> bool {
        self.left_by.iter().any(|(function, pending)| context.flow.intents.lives_in(*function, pending.file, fields))
    }
}

type Key = (Origin, Kind, How);
/// By function: the successes that leave an effect, with the effect in that function's terms.
type LeftBy<'a> = BTreeMap<FuncId, Vec<(&'a Moment, &'a Pending)>>;

/// Runs `rules` over everything that is left at success.
pub fn run(context: &Context<'_>, rules: &[SuccessRule], out: &mut Vec<Finding>) {
    // One fault, one finding: of several writes to one file that are left together, the last.
    let mut last: BTreeMap<(&'static str, FuncId, Value, FuncId), Finding> = BTreeMap::new();
    let mut exits: BTreeMap<FuncId, Vec<&Moment>> = BTreeMap::new();
    let mut left: BTreeMap<Key, LeftBy<'_>> = BTreeMap::new();
    for moment in context.flow.moments.iter().filter(|moment| moment.act == Act::Succeed) {
        exits.entry(moment.function).or_default().push(moment);
        if moment.failing {
            continue;
        }
        for pending in &moment.pending {
            left.entry((pending.trace.origin(), pending.kind, pending.how))
                .or_default()
                .entry(moment.function)
                .or_default()
                .push((moment, pending));
        }
    }
    for (key, functions) in &left {
        let origin = &key.0;
        let left_by: Vec<_> = functions.iter().map(|(function, list)| (*function, list[0].1)).collect();
        let settling = context.flow.intents.settled.get(&(*origin, key.1));
        let settled_by: BTreeSet<FuncId> =
            settling.into_iter().flatten().filter(|function| !functions.contains_key(function)).copied().collect();
        let settled_by: Vec<FuncId> = settled_by.into_iter().collect();
        // The topmost functions that leave it.
        let tops = functions.iter().filter(|(function, _)| {
            !context.flow.callers[function.index()]
                .iter()
                .any(|caller| caller != *function && functions.contains_key(caller))
        });
        // Its callers, all of them, settle it.
        let settled = |function: &FuncId| {
            !settled_by.is_empty()
                && context.flow.callers[function.index()].iter().any(|caller| settled_by.contains(caller))
        };
        // One fault, one finding: the top that is nearest. Where others settle it, a far one is no sibling of theirs.
        let nearest = tops
            .filter(|(function, _)| !settled(function))
            .map(|(function, list)| {
                (list.iter().map(|(_, pending)| pending.trace.depth()).min().unwrap_or(0), function, list)
            })
            .min_by_key(|(depth, function, _)| (*depth, **function));
        if let Some((depth, function, list)) = nearest
            && (settled_by.is_empty() || depth <= 5)
        {
            let innocent: Vec<&Moment> = exits[function]
                .iter()
                .copied()
                .filter(|moment| !list.iter().any(|(guilty, _)| std::ptr::eq(*guilty, *moment)))
                .collect();
            let guilty: Vec<&Moment> = list.iter().map(|(moment, _)| *moment).collect();
            let condition = distinguishing(context, &guilty, &innocent);
            for rule in rules {
                let clear = list.iter().find(|(moment, pending)| !pending.doubt && !moment.vague_sync);
                let (moment, pending) = *clear.unwrap_or(&list[0]);
                let settled_elsewhere = *function == origin.function
                    && innocent.iter().any(|moment| !moment.failing && settles(moment, pending));
                let seen = Left {
                    pending,
                    moment,
                    origin: *origin,
                    left_by: &left_by,
                    settled_by: &settled_by,
                    settled_elsewhere,
                };
                if let Some(sure) = (rule.judge)(context, &seen) {
                    let found = finding(context, rule, &seen, sure, condition);
                    let group = (
                        if pending.kind == Kind::Name { rule.id } else { "bytes" },
                        *function,
                        pending.file,
                        origin.function,
                    );
                    match last.get(&group) {
                        Some(old)
                            if (old.level, old.confidence, old.span) >= (found.level, found.confidence, found.span) => {
                        }
                        _ => {
                            last.insert(group, found);
                        }
                    }
                }
            }
        }
    }
    out.extend(last.into_values());
}

/// Whether a success shows that the effect happened and was made durable.
fn settles(moment: &Moment, pending: &Pending) -> bool {
    moment.fact(pending.file).synced && moment.fact(pending.file).written
}

fn finding(
    context: &Context<'_>,
    rule: &SuccessRule,
    left: &Left<'_>,
    sure: Confidence,
    condition: Option<(Value, Question, bool)>,
) -> Finding {
    let mut steps: Vec<FindingStep> = Vec::new();
    story::pending_steps(context, left.pending, &mut steps);
    story::steps(context, &left.moment.trace, rule.at_success, &mut steps);
    // If some callers settle it and this one does not, the fault is this one's.
    let origin = match &left.pending.flushed {
        Some(flush) if left.pending.kind != Kind::Name => flush.origin(),
        _ => left.origin,
    };
    let place = if left.settled_by.is_empty() { origin } else { left.pending.trace.start() };
    let confidence = if left.pending.doubt || left.moment.vague_sync { Confidence::Low } else { sure };
    Finding {
        rule: rule.id,
        level: if condition.is_some() { Level::Info } else { rule.level },
        confidence,
        message: (rule.message)(context, left),
        span: place.span,
        function: context.program.functions[place.function.index()].name,
        steps,
        crash: rule.crash.to_string(),
        help: rule.help.to_string(),
        condition: condition.map(|(value, question, answer)| story::condition(context, value, question, answer)),
        exposed_on: story::EVERYWHERE.iter().copied().filter(|preset| !rule.masked_on.contains(preset)).collect(),
        masked_on: rule.masked_on.to_vec(),
        fix: None,
    }
}
