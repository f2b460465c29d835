//! `async-file-dropped`: a handle that finishes its writes in the background goes away before the last of them is done.

use super::act::{distinguishing, level};
use super::success::common_setting;
use super::{Context, purpose, rename_before_flush, story};
use crate::finding::{Confidence, Finding, FindingStep, Level};
use crate::flow::Moment;
use crate::flow::state::{How, Kind, Pending, Trace};
use crate::flow::summary::Act;
use crate::flow::terms::Value;
use crate::ir::FuncId;
use crate::source::Span;
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::sync::Arc;
use ustr::Ustr;

/// Its id.
pub const ID: &str = "async-file-dropped";

/// Where it may be lost: the file system is never asked.
const CRASH: &str = "no crash is needed: the last write can fail unseen, come after what reads the file, or be cut off when the program ends";
/// What to do.
const HELP: &str = "flush (or sync) the file after the last write and before it is dropped, and check the result";

/// One function's successes that leave lost bytes behind, and the bytes.
type Lost<'a> = Vec<(&'a Moment, &'a Pending, &'a Arc<Trace>)>;

/// Reports what is lost at success, also where a rename before a sync is reported: that fault needs a crash, this one does not, and a
/// flush mends this one alone. What is still in a buffer is told there: it is the same fault. `told` has the places of such writes.
/// Gives the places of the writes that are reported and shown.
pub fn run(context: &Context<'_>, told: &FxHashSet<Span>, out: &mut Vec<Finding>) -> Vec<Span> {
    let mut reported = Vec::new();
    let unflushed = out.iter().filter(|finding| finding.rule == rename_before_flush::RULE.id);
    let unflushed: FxHashSet<Ustr> = unflushed.map(|finding| finding.function).collect();
    // The function in whose terms it is told is the one nearest to the write.
    let mut lost: BTreeMap<Span, BTreeMap<(usize, FuncId), Lost<'_>>> = BTreeMap::new();
    let mut exits: BTreeMap<FuncId, Vec<&Moment>> = BTreeMap::new();
    for moment in &context.flow.moments {
        if moment.act != Act::Succeed || moment.failing {
            continue;
        }
        exits.entry(moment.function).or_default().push(moment);
        for (pending, dropped) in last_writes(moment) {
            let origin = pending.trace.origin().function;
            if context.policy(origin).is_none() && purpose::is_tool(context, origin) {
                continue;
            }
            let by_function = lost.entry(pending.trace.origin().span).or_default();
            let key = (pending.trace.depth(), moment.function);
            by_function.entry(key).or_default().push((moment, pending, dropped));
        }
    }
    for (place, by_function) in lost {
        let Some(((_, function), list)) = by_function.into_iter().next() else { continue };
        if told.contains(&place) && unflushed.contains(&context.program.functions[function.index()].name) {
            continue;
        }
        let innocent: Vec<&Moment> = exits[&function]
            .iter()
            .copied()
            .filter(|moment| !list.iter().any(|(guilty, ..)| std::ptr::eq(*guilty, *moment)))
            .collect();
        let guilty: Vec<&Moment> = list.iter().map(|(moment, ..)| *moment).collect();
        let left: Vec<(&Moment, &Pending)> = list.iter().map(|(moment, pending, _)| (*moment, *pending)).collect();
        let condition =
            distinguishing(context, &guilty, &innocent).or_else(|| common_setting(context, &left, &innocent));
        let surest = |&&(moment, pending, _): &&(&Moment, &Pending, &Arc<Trace>)| sure(moment, pending);
        let Some(&(moment, pending, dropped)) = list.iter().max_by_key(surest) else { continue };
        let mut steps: Vec<FindingStep> = Vec::new();
        story::steps(context, &pending.trace, written(pending), &mut steps);
        story::steps(context, dropped, "dropped: nobody waits for the write any more", &mut steps);
        // The end of the block that holds the write, not all of it.
        if let Some(last) = steps.last_mut().filter(|step| holds(step.span, place)) {
            last.span.start = last.span.end - 1;
        }
        if sure(moment, pending) > Confidence::Low && condition.is_none() {
            reported.push(place);
        }
        out.push(Finding {
            rule: ID,
            level: level(context, Level::Warning, condition),
            confidence: sure(moment, pending),
            message: "file is dropped while its last write is still on its way".to_string(),
            span: place,
            function: context.program.functions[pending.trace.origin().function.index()].name,
            steps,
            crash: CRASH.to_string(),
            help: HELP.to_string(),
            condition: condition.map(|(value, question, answer)| story::condition(context, value, question, answer)),
            exposed_on: story::EVERYWHERE.to_vec(),
            masked_on: Vec::new(),
            fix: None,
        });
    }
    reported
}

/// What is lost at a success: of several writes to one file the last.
fn last_writes(moment: &Moment) -> Vec<(&Pending, &Arc<Trace>)> {
    let mut last: BTreeMap<Value, (&Pending, &Arc<Trace>)> = BTreeMap::new();
    for pending in &moment.pending {
        if let Some(dropped) = &pending.lost {
            last.insert(pending.file, (pending, dropped));
        }
    }
    last.into_values().collect()
}

fn written(pending: &Pending) -> &'static str {
    match pending.kind {
        Kind::Buffer => "written: now only in a user-space buffer, which nothing empties when it is dropped",
        _ => "written: finished in the background",
    }
}

/// What was handed to somebody unknown may have been flushed there.
fn sure(moment: &Moment, pending: &Pending) -> Confidence {
    match pending.how {
        How::Written if !pending.doubt && !moment.vague_sync => Confidence::High,
        _ => Confidence::Low,
    }
}

fn holds(outer: Span, inner: Span) -> bool {
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}
