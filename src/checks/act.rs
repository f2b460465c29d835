//! Rules that fall due at an act: *at a rename of P, no write to P's file may be pending*.

use super::residue::Residue;
use super::{Context, places, purpose, story};
use crate::finding::{Confidence, Finding, FindingStep, Level};
use crate::flow::Moment;
use crate::flow::state::{Guard, Origin, Pending, Question, Trace};
use crate::flow::summary::Act;
use crate::flow::terms::{Term, Value};
use crate::ir::{FuncId, FunctionKind, LocalId};
use crate::source::Span;
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::rc::Rc;
use ustr::Ustr;

/// A rule that falls due at an act.
pub struct ActRule {
    /// Its id.
    pub id: &'static str,
    /// How bad.
    pub level: Level,
    /// Whether a pending effect makes the act a fault, and how sure that is.
    pub judge: fn(&Context<'_>, &Moment, &Pending) -> Option<Confidence>,
    /// What is wrong, given the worst pending effect.
    pub message: fn(&Context<'_>, &Moment, &Pending) -> String,
    /// The last step, at the act.
    pub at_act: fn(Act) -> &'static str,
    /// What the disk can hold after the crash.
    pub crash: &'static str,
    /// What to do.
    pub help: &'static str,
    /// Presets that hide it.
    pub masked_on: &'static [&'static str],
}

/// A moment, and what was pending that is not told below.
struct Due<'a> {
    moment: &'a Moment,
    pending: Rc<[&'a Pending]>,
}

/// The guilty pending effects of one moment.
struct Guilt<'a> {
    moment: &'a Moment,
    culprits: Vec<(Pending, Confidence)>,
    condition: Option<(Value, Question, bool)>,
}

/// Runs `rules` over all moments. Gives the places of all writes that a finding which is shown is about.
pub fn run(context: &Context<'_>, rules: &[ActRule], out: &mut Vec<Finding>) -> FxHashSet<Span> {
    let mut told = FxHashSet::default();
    let residue = Residue::new(context);
    // By the act's own place, then by the function in whose terms it is told.
    let mut acts: BTreeMap<(Origin, FuncId), Vec<Due<'_>>> = BTreeMap::new();
    // What comes by one call finds the same pending, mostly.
    let mut last: Option<(&Moment, Rc<[&Pending]>)> = None;
    for moment in &context.flow.moments {
        if moment.act != Act::Succeed {
            let known = last.take().filter(|(other, _)| {
                let by_calls = moment.trace.depth() > 0 && other.trace.depth() > 0;
                by_calls && other.pending.is(&moment.pending) && other.trace.start() == moment.trace.start()
            });
            let told_here = |pending: &&Pending| {
                !is_told_below(context, moment, pending) && !is_of_another_round(context, moment, pending)
            };
            let pending = match known {
                Some((_, pending)) if !context.index.with_closures.contains(&moment.function) => pending,
                _ => moment.pending.iter().filter(told_here).collect(),
            };
            last = Some((moment, pending.clone()));
            acts.entry((moment.trace.origin(), moment.function)).or_default().push(Due { moment, pending });
        }
    }
    for rule in rules {
        let mut places: BTreeMap<Origin, Vec<Guilt<'_>>> = BTreeMap::new();
        for ((origin, _), moments) in &acts {
            if let Some(guilt) = judge(context, rule, moments, &residue) {
                places.entry(*origin).or_default().push(guilt);
            }
        }
        for (origin, guilts) in places {
            let own = guilts.iter().any(|guilt| guilt.moment.function == origin.function);
            let reported = |guilt: &&Guilt<'_>| !own || guilt.moment.function == origin.function;
            for guilt in guilts.iter().filter(reported).filter(|guilt| guilt.condition.is_none()) {
                // What another method left is that one's to tell.
                let sure = guilt.culprits.iter().filter(|(pending, sure)| {
                    *sure > Confidence::Low && pending.trace.start().function == guilt.moment.function
                });
                told.extend(sure.map(|(pending, _)| pending.trace.origin().span));
            }
            report(context, rule, origin, guilts, out);
        }
    }
    told
}

/// The worst of the moments of one act in one function; a fault on some paths only is told with its condition.
fn judge<'a>(context: &Context<'_>, rule: &ActRule, acts: &[Due<'a>], residue: &Residue) -> Option<Guilt<'a>> {
    let mut guilty: Vec<(&Moment, Vec<(Pending, Confidence)>)> = Vec::new();
    let mut innocent: Vec<&Moment> = Vec::new();
    for &Due { moment, ref pending } in acts {
        let judged = pending.iter().filter_map(|&one| Some((one.clone(), (rule.judge)(context, moment, one)?)));
        let mut culprits: Vec<(Pending, Confidence)> =
            judged.filter(|(pending, _)| !purpose::is_beside_the_program(context, &pending.trace)).collect();
        // Nothing was written here: other methods of the type may have.
        if culprits.is_empty()
            && let Act::Rename { file, .. } | Act::Sync { file } = moment.act
            // Who calls a sync may have flushed before.
            && (matches!(moment.act, Act::Rename { .. }) || context.flow.callers[moment.function.index()].is_empty())
        {
            let left = residue.at(context, moment, file);
            let left = left.into_iter().filter(|pending| !purpose::is_beside_the_program(context, &pending.trace));
            culprits.extend(left.filter_map(|pending| {
                let sure = (rule.judge)(context, moment, &pending)?;
                Some((pending, sure.min(Confidence::Medium)))
            }));
        }
        for (pending, sure) in &mut culprits {
            if pending.doubt || moment.vague_sync {
                *sure = Confidence::Low;
            }
        }
        if culprits.is_empty() { innocent.push(moment) } else { guilty.push((moment, culprits)) }
    }
    // A path behind a failed change or sync is not the main line.
    let on_main_line: Vec<_> = guilty.iter().filter(|(moment, _)| !moment.failing).cloned().collect();
    // Who finds another way after that, and reports success, has made it one.
    let goes_on = |moment: &Moment| match moment.act {
        Act::Rename { file, .. } => context.flow.moments.iter().any(|other| {
            let fact = other.fact(file);
            other.function == moment.function
                && other.act == Act::Succeed
                && other.failing
                && fact.renamed
                && fact.written
        }),
        _ => false,
    };
    let only_failing = on_main_line.is_empty() && !guilty.iter().any(|(moment, _)| goes_on(moment));
    let guilty = if on_main_line.is_empty() { guilty } else { on_main_line };
    let does_it = |guard: &Guard| guilty.iter().all(|(moment, _)| is_who_does_it(context, guard, &moment.trace));
    let condition = distinguishing(context, &guilty.iter().map(|(moment, _)| *moment).collect::<Vec<_>>(), &innocent)
        .filter(|guard| !does_it(guard))
        .or_else(|| common_setting(context, &guilty, &innocent));
    // What a setting leaves was given up where it was written. An act elsewhere, on something else, takes nothing more away.
    let apart = |moment: &Moment, pending: &Pending| {
        moment.trace.depth() > 0 && pending.trace.depth() > 0 && moment.trace.start() != pending.trace.start()
    };
    if condition.is_some()
        && guilty.iter().all(|(moment, culprits)| culprits.iter().all(|(pending, _)| apart(moment, pending)))
    {
        return None;
    }
    let (moment, mut culprits) =
        guilty.into_iter().max_by_key(|(_, culprits)| culprits.iter().map(|(_, sure)| *sure).max())?;
    let limit = match moment.failing {
        true if only_failing => Confidence::Low,
        true => Confidence::Medium,
        false => Confidence::High,
    };
    culprits.iter_mut().for_each(|(_, sure)| *sure = (*sure).min(limit));
    culprits.sort_by_key(|(_, sure)| std::cmp::Reverse(*sure));
    Some(Guilt { moment, culprits, condition })
}

/// Whether both happen in one call of this function: what the callee does to its own files is told there. Here it looks as if one round of
/// a loop left what the next acts on.
fn is_told_below(context: &Context<'_>, moment: &Moment, pending: &Pending) -> bool {
    let (Trace::Via(call, below), Trace::Via(other, done)) = (&*moment.trace, &*pending.trace) else { return false };
    let own_closure = |function: FuncId| match context.program.functions[function.index()].kind {
        FunctionKind::Closure { parent } => parent == moment.function,
        _ => false,
    };
    // What only the caller knows to be one file is two below.
    let is_known_below = || {
        let named = match moment.act {
            Act::Rename { file, .. } | Act::Link { file, .. } => file == pending.file,
            _ => false,
        };
        let parts = |other: &&Moment| other.function == below.start().function && *other.trace == **below;
        let is_apart = |other: &Moment| {
            let mut operands = other.act.operands();
            let named = operands.next();
            other.pending.iter().any(|one| one.trace == *done && Some(one.file) != named)
        };
        !(named && context.flow.moments.iter().filter(parts).any(is_apart))
    };
    let by_closure = || done.functions().into_iter().chain(below.functions()).any(own_closure);
    call == other && !(context.index.with_closures.contains(&moment.function) && by_closure()) && is_known_below()
}

/// Whether what is pending at an act was done further down in the text, so that only a loop leads from there to the act, to what is named after
/// an element of a collection: the next round is about the next element, and about another file.
fn is_of_another_round(context: &Context<'_>, moment: &Moment, pending: &Pending) -> bool {
    let (act, done) = (moment.trace.start(), pending.trace.start());
    act.function == done.function
        && act.span.file == done.span.file
        && act.span.start < done.span.start
        && moment
            .act
            .operands()
            .next()
            .is_some_and(|file| file == pending.file && places::is_of_several(&context.terms.borrow(), file))
}

/// A setting under which alone the culprits are pending, on every guilty path, and which some innocent path has not.
fn common_setting(
    context: &Context<'_>,
    guilty: &[(&Moment, Vec<(Pending, Confidence)>)],
    innocent: &[&Moment],
) -> Option<Guard> {
    let (first, culprits) = guilty.first()?;
    let holds = |moment: &Moment, pending: &Pending, guard: &Guard| {
        pending.when.contains(guard) || moment.guards.contains(guard)
    };
    // With nothing pending an act below leaves no trace here: the successes tell.
    let settled = context.successes(first.function).iter().copied().filter(|moment| {
        culprits.iter().any(|(pending, _)| {
            let facts = moment.fact(pending.file);
            facts.written && facts.synced
        })
    });
    let settled: Vec<&Moment> = settled.collect();
    let mut candidates = culprits.iter().flat_map(|(pending, _)| &pending.when).chain(&first.guards);
    let common = candidates.find(|guard| {
        is_option(context, first, guard.0, guard.1)
            && !is_implementation(context, guard.1)
            && guilty.iter().all(|(moment, culprits)| culprits.iter().all(|(pending, _)| holds(moment, pending, guard)))
            && (culprits.iter().any(|(pending, _)| pending.when.contains(guard))
                || innocent.iter().chain(&settled).any(|moment| !moment.failing && !moment.guards.contains(guard)))
    });
    common.copied()
}

/// Whether a question is which type stands behind an interface: nobody set that to get less.
pub fn is_implementation(context: &Context<'_>, question: Question) -> bool {
    match question {
        Question::Variant(name) => context.index.owners.contains(&name),
        _ => false,
    }
}

/// Whether a condition is that the very implementation which does it is asked: that goes without saying.
pub fn is_who_does_it(context: &Context<'_>, condition: &Guard, trace: &Trace) -> bool {
    let &(_, Question::Variant(name), true) = condition else { return false };
    is_implementation(context, condition.1)
        && trace.functions().iter().any(|function| context.program.functions[function.index()].owner == Some(name))
}

/// A question about an option of the program whose answer tells the guilty paths from the innocent ones.
pub fn distinguishing(
    context: &Context<'_>,
    guilty: &[&Moment],
    innocent: &[&Moment],
) -> Option<(Value, Question, bool)> {
    // Paths behind a failure do not tell what somebody chose.
    if innocent.iter().all(|moment| moment.failing) {
        return None;
    }
    let first = guilty.first()?;
    first
        .guards
        .iter()
        .find(|&&(value, question, answer)| {
            is_option(context, first, value, question)
                && guilty.iter().all(|moment| moment.guards.contains(&(value, question, answer)))
                && innocent.iter().filter(|moment| !moment.failing).all(|moment| {
                    moment.guards.contains(&(value, question, !answer)) || variant_differs(moment, value, question)
                })
        })
        .copied()
}

/// A flag that somebody gave to what leaves the effects, and that says that they need not be durable.
pub fn given_up(context: &Context<'_>, list: &[(&Moment, &Pending)]) -> Option<Guard> {
    flag_given(context, list, true)
}

/// A flag that somebody gave to what leaves the effects, and that asks for a sync.
pub fn asked_for(context: &Context<'_>, list: &[(&Moment, &Pending)]) -> Option<Guard> {
    flag_given(context, list, false)
}

/// A flag that somebody gave to what leaves the effects, and that decides how durable they are to be: less than they could be, or not.
fn flag_given(context: &Context<'_>, list: &[(&Moment, &Pending)], less: bool) -> Option<Guard> {
    let (first, pending) = list.first()?;
    let terms = context.terms.borrow();
    let takes = |function: FuncId, flag: Ustr| {
        let mut function = &context.program.functions[function.index()];
        loop {
            let named = |local: &LocalId| function.locals[local.index()].name == Some(flag);
            if function.params.iter().any(named) {
                return true;
            }
            let FunctionKind::Closure { parent } = function.kind else { return false };
            function = &context.program.functions[parent.index()];
        }
    };
    let mut guards = first.guards.iter().chain(&pending.when).copied();
    guards.find(|guard| {
        let (value, Question::True, answer) = *guard else { return false };
        let Term::Global(flag) = *terms.get(value) else { return false };
        purpose::names_an_option(&flag)
            && (answer == purpose::is_opt_out(&flag)) == less
            && list.iter().all(|(moment, pending)| {
                (moment.guards.contains(guard) || pending.when.contains(guard))
                    && pending.trace.functions().into_iter().any(|function| takes(function, flag))
            })
    })
}

fn variant_differs(moment: &Moment, value: Value, question: Question) -> bool {
    matches!(question, Question::Variant(_))
        && moment.guards.iter().any(|&(other, asked, answer)| {
            other == value && answer && asked != question && matches!(asked, Question::Variant(_))
        })
}

/// Whether a question is about something that somebody set: a field, global or mode; a bare flag only if its name speaks of syncing.
pub fn is_option(context: &Context<'_>, moment: &Moment, value: Value, question: Question) -> bool {
    let terms = context.terms.borrow();
    let mut at = value;
    loop {
        match terms.get(at) {
            Term::Op(name, args) if name == "!" && args.len() == 1 => at = args[0],
            Term::Op(name, args) if name == "==" && args.len() == 2 => {
                let constant = |at: usize| matches!(terms.get(args[at]), Term::Const(_));
                match (constant(0), constant(1)) {
                    (false, true) => at = args[0],
                    (true, false) => at = args[1],
                    _ => return false,
                }
            }
            Term::Param(number) if question == Question::True => {
                let body = &context.program.functions[moment.function.index()];
                let local = body.params.get(*number as usize).map(|local| &body.locals[local.index()]);
                return local.and_then(|local| local.name).is_some_and(|name| purpose::names_an_option(&name));
            }
            // A constant that is told by its name: an associated constant, a constant parameter.
            Term::Const(text) => return question == Question::True && text.starts_with(|c: char| c.is_uppercase()),
            // A constant that was given for a flag is told by the flag's name.
            Term::Global(name) if question == Question::True && name.starts_with(char::is_lowercase) => {
                return purpose::names_an_option(name);
            }
            Term::Field(..) | Term::Global(_) if question == Question::True => return terms.is_stable(at),
            // Which kind of operation it is is no option; how durable it is to be is one.
            Term::Param(_) | Term::Field(..) | Term::Global(_) => {
                let Question::Variant(variant) = question else { return false };
                let field = match terms.get(at) {
                    Term::Field(_, name) | Term::Global(name) => purpose::names_a_mode(name),
                    _ => false,
                };
                // What stands behind an interface may be memory, which owes nothing.
                let chosen = field || purpose::names_a_mode(&variant) || is_implementation(context, question);
                return terms.is_stable(at) && chosen;
            }
            _ => return false,
        }
    }
}

/// The level of a finding under `condition`. What an option gives up is meant: it is told, not blamed. What is not even done when the
/// option asks for it is.
pub fn level(context: &Context<'_>, own: Level, condition: Option<(Value, Question, bool)>) -> Level {
    let Some((value, question, answer)) = condition else { return own };
    let terms = context.terms.borrow();
    let (value, negated) = terms.unnegated(value);
    let asks = match (question, terms.get(value)) {
        (Question::True, Term::Field(_, name) | Term::Global(name)) => {
            purpose::names_an_option(name) && (answer != negated) != purpose::is_opt_out(name)
        }
        (Question::Variant(variant), _) => answer && variant.rsplit("::").next().is_some_and(purpose::promises_sync),
        _ => false,
    };
    if asks { own } else { Level::Info }
}

/// One finding for a helper all of whose callers are guilty, else one for each guilty caller.
fn report(context: &Context<'_>, rule: &ActRule, origin: Origin, mut guilts: Vec<Guilt<'_>>, out: &mut Vec<Finding>) {
    guilts.sort_by_key(|guilt| (guilt.moment.trace.depth(), guilt.moment.function));
    let own = guilts.iter().position(|guilt| guilt.moment.function == origin.function);
    if let Some(own) = own {
        out.push(finding(context, rule, &guilts[own], origin));
        return;
    }
    let callers: Vec<FuncId> = guilts.iter().map(|guilt| guilt.moment.function).collect();
    let all = context.flow.callers[origin.function.index()].iter().all(|caller| callers.contains(caller));
    if all {
        out.push(finding(context, rule, &guilts[0], origin));
        return;
    }
    for guilt in &guilts {
        out.push(finding(context, rule, guilt, guilt.moment.trace.start()));
    }
}

fn finding(context: &Context<'_>, rule: &ActRule, guilt: &Guilt<'_>, place: Origin) -> Finding {
    let (worst, confidence) = (&guilt.culprits[0].0, guilt.culprits[0].1);
    let mut steps: Vec<FindingStep> = Vec::new();
    story::pending_steps(context, worst, &mut steps);
    story::steps(context, &guilt.moment.trace, (rule.at_act)(guilt.moment.act), &mut steps);
    steps.dedup_by(|a, b| a.span == b.span && a.message == b.message);
    Finding {
        rule: rule.id,
        level: level(context, rule.level, guilt.condition),
        confidence,
        message: (rule.message)(context, guilt.moment, worst),
        span: place.span,
        function: context.program.functions[place.function.index()].name,
        steps,
        crash: rule.crash.to_string(),
        help: rule.help.to_string(),
        condition: guilt.condition.map(|(value, question, answer)| story::condition(context, value, question, answer)),
        exposed_on: story::EVERYWHERE.iter().copied().filter(|preset| !rule.masked_on.contains(preset)).collect(),
        masked_on: rule.masked_on.to_vec(),
        fix: None,
    }
}
