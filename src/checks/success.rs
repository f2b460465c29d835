//! Rules that fall due when success is reported: what an operation leaves pending that nobody makes durable afterwards.
//!
//! What a function leaves is its caller's to settle. So an effect is followed up the call graph: it is a fault only where it is left
//! by the topmost function that knows of it, or where some callers settle it and others forget.

use super::act::{asked_for, distinguishing, given_up, is_implementation, is_option, is_who_does_it, level};
use super::{Context, purpose, story};
use crate::config::Policy;
use crate::finding::{Confidence, Finding, FindingStep, Level};
use crate::flow::Moment;
use crate::flow::intent::FieldKey;
use crate::flow::state::{Guard, How, Kind, Origin, Pending, Question, Trace};
use crate::flow::summary::{Act, Trigger};
use crate::flow::terms::{Term, Value};
use crate::ir::FuncId;
use crate::source::Span;
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

/// What is inferred holds over so many calls.
pub const MAX_INFERRED: usize = 3;

/// A finding with more steps than this is not made longer by what is left beside it.
const MAX_STEPS: usize = 8;

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
    /// Where the fault is reported: if some callers settle it and this one does not, at this one's call.
    fn place(&self) -> Origin {
        match &self.pending.flushed {
            _ if !self.settled_by.is_empty() => self.pending.trace.start(),
            Some(flush) if self.pending.kind != Kind::Name => flush.origin(),
            _ => self.origin,
        }
    }

    /// The policy that somebody set: for the operation that reports success, else for the place that is reported.
    pub fn policy(&self, context: &Context<'_>) -> Option<Policy> {
        context.policy(self.moment.function).or_else(|| context.policy(self.place().function))
    }

    /// Whether somebody said that what this operation writes is to survive a crash.
    pub fn must_be_durable(&self, context: &Context<'_>) -> bool {
        self.policy(context) == Some(Policy::Durable)
    }

    /// Whether losing the file costs nothing: by its policy, or else by what names tell.
    pub fn is_disposable(&self, context: &Context<'_>) -> bool {
        match self.policy(context) {
            Some(policy) => policy < Policy::Durable,
            None => {
                purpose::is_disposable(context, self.origin.function, self.pending.file)
                    || purpose::is_in_disposable(context, &self.pending.trace)
            }
        }
    }

    /// Whether the file lives in one of `fields`, in the terms of any function that leaves it.
    pub fn lives_in(&self, context: &Context<'_>, fields: &FxHashSet<FieldKey>) -> bool {
        self.left_by.iter().any(|(function, pending)| context.flow.intents.lives_in(*function, pending.file, fields))
    }

    /// As [`Left::lives_in`], where the field is of the type whose method leaves it, or is named in the function's own text. What
    /// others wrap around it serves many files.
    pub fn lives_in_own(&self, context: &Context<'_>, fields: &FxHashSet<FieldKey>) -> bool {
        self.left_by.iter().any(|(function, pending)| {
            let owner = context.program.functions[function.index()].owner;
            let intents = &context.flow.intents;
            let own =
                |field: &FieldKey| Some(field.0) == owner || !intents.is_passed_on(*function, pending.file, *field);
            intents.fields_of(*function, pending.file).iter().any(|field| fields.contains(field) && own(field))
        })
    }

    /// Whether the function that leaves it gives the handle to its caller.
    pub fn is_given_back(&self, context: &Context<'_>) -> bool {
        let terms = context.terms.borrow();
        let is_handle =
            |part: &Value| matches!(terms.get(*part), Term::Handle { file, .. } if *file == self.pending.file);
        let summary = context.flow.summaries.get(&self.moment.function);
        !self.pending.closed
            && summary.is_some_and(|summary| {
                let mut successes = summary.outcomes.iter().filter(|outcome| outcome.success);
                successes.any(|outcome| terms.parts(outcome.result).iter().any(is_handle))
            })
    }

    /// Whether a handle that lies in a field named after a directory is synced after it on the way: which directory it is, its path may not tell.
    pub fn syncs_a_directory_handle(&self, context: &Context<'_>) -> bool {
        let words = ["dir", "directory", "folder"];
        let terms = context.terms.borrow();
        self.left_by.iter().any(|&(function, pending)| {
            let is_new = |moment: &Moment| {
                moment.pending.iter().any(|other| other.origin == self.origin && other.kind == Kind::Name)
            };
            let is_directory = |file: Value| {
                // A newtype is told by the field that holds it.
                let mut held = terms.get(file);
                while let Term::Field(holder, name) = held
                    && name == "0"
                {
                    held = terms.get(*holder);
                }
                match held {
                    // A path that is known was synced before, or is another.
                    Term::Field(_, name) => file != pending.dir && purpose::has_any(name, &words),
                    _ => false,
                }
            };
            let given = pending.trace.origins();
            let follows = |synced: &Trace| {
                let synced = synced.origins();
                let mut parted = given.iter().zip(&synced).skip_while(|(one, other)| one == other);
                parted.next().is_none_or(|(one, other)| one.function != other.function || one.span < other.span)
            };
            // What is synced before the name is given is synced for others. A new file can be made for what is put into it later, by who
            // syncs the directory then.
            let comes_after = |file: Value| {
                if matches!(pending.how, How::Created | How::MaybeCreated) {
                    return true;
                }
                let Some(summary) = context.flow.summaries.get(&function) else { return true };
                let names = |trigger: &&Trigger| trigger.trace.origin() == self.origin;
                let mut named = summary.triggers.iter().filter(names).peekable();
                if named.peek().is_none()
                    || named.any(|trigger| !trigger.all_killed && !trigger.killed.contains(&(file, Kind::Name)))
                {
                    return true;
                }
                // It was synced before, and may be once more.
                let is_it = |trigger: &&Trigger| matches!(trigger.act, Act::Sync { file: synced } if synced == file);
                let mut syncs = summary.triggers.iter().filter(is_it).peekable();
                summary.acts_lost && syncs.peek().is_none() || syncs.any(|trigger| follows(&trigger.trace))
            };
            context.successes(function).iter().filter(|moment| is_new(moment)).any(|moment| {
                let mut directories = moment.killed.iter().filter(|(file, _)| is_directory(*file));
                directories.any(|(file, _)| comes_after(*file))
            })
        })
    }

    /// The function that tells which file it is: the lowest on the way that was not just given its path.
    pub fn who_names_it(&self, context: &Context<'_>) -> FuncId {
        let on_the_way = self.pending.trace.functions();
        let terms = context.terms.borrow();
        let is_given = |function: FuncId| {
            let mut own = self.left_by.iter().filter(|(leaves, _)| *leaves == function);
            own.any(|(_, pending)| matches!(terms.get(pending.file), Term::Param(_)))
        };
        let named = on_the_way.iter().rev().find(|function| !is_given(**function));
        named.copied().unwrap_or(self.moment.function)
    }

    /// Whether the success that it is told of is many calls away: whoever reports that has hardly promised this. Counts where nothing but
    /// the surroundings of the write says that it is to last.
    pub fn is_far_fetched(&self) -> bool {
        self.pending.trace.depth() > MAX_INFERRED && self.settled_by.is_empty()
    }

    /// Whether who tells which file it is makes it, without having read it before, and stands near what lets its handle go: nobody above
    /// can sync it any more.
    pub fn is_done_where_it_is_named(&self, context: &Context<'_>) -> bool {
        let names_it = self.who_names_it(context);
        let mut names = self.left_by.iter().filter(|(function, _)| *function == names_it);
        names.next().is_some_and(|(_, pending)| {
            let makes = |moment: &&Moment| {
                let fact = moment.fact(pending.file);
                let is_made = |name: &Pending| {
                    name.file == pending.file
                        && name.kind == Kind::Name
                        && matches!(name.how, How::Created | How::MaybeCreated)
                };
                !fact.read && (fact.created || moment.pending.iter().any(is_made))
            };
            pending.closed && pending.trace.depth() <= MAX_INFERRED && context.successes(names_it).iter().any(makes)
        })
    }

    /// Whether more callers may stand above than the analysis looks at: one of them may settle what is still held open.
    fn is_cut_off(&self, context: &Context<'_>) -> bool {
        let above = context.flow.callers[self.moment.function.index()].iter();
        !self.pending.closed
            && self.pending.trace.depth() + 1 >= context.flow.followed
            && above.filter(|caller| **caller != self.moment.function).count() > 0
    }
}

type Key = (Origin, Kind, How);
/// By function: the successes that leave an effect, with the effect in that function's terms.
type LeftBy<'a> = BTreeMap<FuncId, Vec<(&'a Moment, &'a Pending)>>;

/// Runs `rules` over everything that is left at success.
pub fn run(context: &Context<'_>, rules: &[SuccessRule], out: &mut Vec<Finding>) {
    // One fault, one finding: of several writes to one file that are left together, the last.
    let mut last: BTreeMap<Told, Finding> = BTreeMap::new();
    let mut exits: BTreeMap<FuncId, Vec<&Moment>> = BTreeMap::new();
    let mut left: BTreeMap<Key, LeftBy<'_>> = BTreeMap::new();
    for moment in context.flow.moments.iter().filter(|moment| moment.act == Act::Succeed) {
        exits.entry(moment.function).or_default().push(moment);
        if moment.failing {
            continue;
        }
        for pending in &moment.pending {
            left.entry((pending.origin, pending.kind, pending.how))
                .or_default()
                .entry(moment.function)
                .or_default()
                .push((moment, pending));
        }
    }
    for (key, functions) in &left {
        let origin = &key.0;
        let left_by: Vec<_> = functions.iter().map(|(function, list)| (*function, list[0].1)).collect();
        // What is in a buffer here may have been flushed, and then synced, there.
        let kinds: &[Kind] = if key.1 == Kind::Buffer { &[Kind::Buffer, Kind::Data] } else { &[key.1] };
        let settling = kinds.iter().filter_map(|kind| context.flow.intents.settled.get(&(*origin, *kind)));
        let settled_by: BTreeSet<FuncId> =
            settling.flatten().filter(|function| !functions.contains_key(function)).copied().collect();
        let settled_by: Vec<FuncId> = settled_by.into_iter().collect();
        for (function, list) in guilty_functions(context, functions, &settled_by, &exits) {
            let (guilty, innocent) = parted(&exits[function], list);
            let condition = distinguishing(context, &guilty, &innocent)
                // Who writes through an interface, and how durable that is to be, is chosen with the implementation; a name is a name.
                .filter(|guard| {
                    key.1 != Kind::Name
                        || !list.iter().all(|(_, pending)| is_who_does_it(context, guard, &pending.trace))
                })
                .or_else(|| common_setting(context, list, &innocent))
                .or_else(|| given_up(context, list));
            for rule in rules {
                let clear = list.iter().find(|(moment, pending)| !pending.doubt && !moment.vague_sync);
                let (moment, pending) = *clear.unwrap_or(&list[0]);
                let settled_elsewhere = match *function == origin.function {
                    true => innocent.iter().any(|moment| !moment.failing && settles(moment, pending)),
                    false => syncs_on_other_paths(context, *function, &exits[function], list),
                };
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
                        origin.function,
                        condition,
                        pending.file,
                    );
                    match last.get(&group) {
                        Some(old) if rank(old) >= rank(&found) => {}
                        _ => {
                            last.insert(group, found);
                        }
                    }
                }
            }
        }
    }
    out.extend(joined(last));
}

/// What is left, and by which rule: the rule, the function that reports success, the one that did it, the setting, and the file.
type Told = (&'static str, FuncId, FuncId, Option<Guard>, Value);

/// One finding for the files that one function leaves at one success.
fn joined(last: BTreeMap<Told, Finding>) -> Vec<Finding> {
    let mut joined: BTreeMap<_, Finding> = BTreeMap::new();
    for ((rule, function, origin, condition, _), found) in last {
        match joined.entry((rule, function, origin, condition)) {
            Entry::Vacant(place) => {
                place.insert(found);
            }
            Entry::Occupied(mut place) => {
                let old = place.get_mut();
                let other = if rank(old) >= rank(&found) { found } else { std::mem::replace(old, found) };
                join(old, other);
            }
        }
    }
    joined.into_values().collect()
}

/// Which of several findings of one fault is told.
fn rank(finding: &Finding) -> (Level, Confidence, Span) {
    (finding.level, finding.confidence, finding.span)
}

/// Several files that one function leaves so, all at one success, are one fault, too: adds to a finding where the other was left, before it is
/// due. What is shown only when all is asked for is no part of what is shown anyway.
fn join(kept: &mut Finding, other: Finding) {
    if other.confidence == Confidence::Low && kept.confidence > Confidence::Low || kept.steps.len() > MAX_STEPS {
        return;
    }
    let known: Vec<Span> = kept.steps.iter().map(|step| step.span).collect();
    let more = other.steps.into_iter().filter(|step| !known.contains(&step.span));
    let first = kept.steps.iter().position(|step| !step.message.starts_with("calls `")).unwrap_or(0);
    kept.steps.splice(first..first, more);
}

/// The functions whose fault it is that an effect is left: where nobody ever settles it, the nearest of the topmost that leave it;
/// where some do, the lowest from which no way up leads to one who does.
fn guilty_functions<'f, 'a>(
    context: &Context<'_>,
    functions: &'f LeftBy<'a>,
    settled_by: &[FuncId],
    exits: &BTreeMap<FuncId, Vec<&'a Moment>>,
) -> Vec<(&'f FuncId, &'f Vec<(&'a Moment, &'a Pending)>)> {
    let callers = |function: &FuncId| &context.flow.callers[function.index()];
    let depth =
        |list: &Vec<(&Moment, &Pending)>| list.iter().map(|(_, pending)| pending.trace.depth()).min().unwrap_or(0);
    if settled_by.is_empty() {
        // Who syncs it on other paths, callers rely on.
        let mut answerable = functions
            .iter()
            .filter(|(function, list)| syncs_on_other_paths(context, **function, &exits[function], list))
            .peekable();
        if answerable.peek().is_some() {
            return answerable.min_by_key(|(function, list)| (depth(list), **function)).into_iter().collect();
        }
        // Tools of the project use what it promises to all.
        let is_tool = |function: &FuncId| purpose::is_tool(context, *function);
        let is_top = |function: &FuncId| {
            let leaves = |caller: &&FuncId| *caller != function && functions.contains_key(caller);
            !callers(function).iter().filter(leaves).any(|caller| !is_tool(caller) || is_tool(function))
        };
        let tops = functions.iter().filter(|(function, _)| is_top(function));
        // What a test or a tool of the project does with it says nothing about the others.
        let disposable = |function: FuncId, list: &[(&Moment, &Pending)]| {
            list.iter().all(|(_, pending)| purpose::is_disposable(context, function, pending.file))
        };
        // Nor does who did not ask for a sync about who did.
        let nearest = tops.min_by_key(|(function, list)| {
            let asked = asked_for(context, list).is_some();
            (disposable(**function, list.as_slice()), !asked, depth(list), **function)
        });
        // All of them in a circle: the one that does it.
        return nearest
            .or_else(|| functions.iter().min_by_key(|(function, list)| (depth(list), **function)))
            .into_iter()
            .collect();
    }
    // Functions from which some way up leads to one who settles it.
    let mut excused: BTreeSet<FuncId> = BTreeSet::new();
    loop {
        let more: Vec<FuncId> = functions
            .keys()
            .filter(|function| !excused.contains(function))
            .filter(|function| {
                callers(function).iter().any(|caller| settled_by.contains(caller) || excused.contains(caller))
            })
            .copied()
            .collect();
        if more.is_empty() {
            break;
        }
        excused.extend(more);
    }
    let is_guilty = |function: &FuncId| functions.contains_key(function) && !excused.contains(function);
    let is_lowest = |list: &Vec<(&Moment, &Pending)>| {
        list.iter().any(|(_, pending)| !pending.trace.functions().iter().skip(1).any(is_guilty))
    };
    // What is left too far below to be theirs to know is told once for all who lead to it by the same call.
    let way = |list: &Vec<(&Moment, &Pending)>| {
        (depth(list) >= MAX_INFERRED).then(|| list[0].1.trace.functions().get(1).copied()).flatten()
    };
    let mut told: Vec<FuncId> = Vec::new();
    let mut guilty: Vec<_> =
        functions.iter().filter(|(function, list)| is_guilty(function) && is_lowest(list)).collect();
    guilty.sort_by_key(|(function, list)| (depth(list), **function));
    guilty.retain(|(_, list)| {
        way(list).is_none_or(|way| {
            let new = !told.contains(&way);
            told.push(way);
            new
        })
    });
    guilty.truncate(4);
    guilty
}

/// A setting under which alone an effect is left, on every path that leaves it, and which some path that settles it has not.
pub fn common_setting(context: &Context<'_>, list: &[(&Moment, &Pending)], innocent: &[&Moment]) -> Option<Guard> {
    let (first, pending) = list.first()?;
    let parted = settles(first, pending);
    let mut candidates = pending.when.iter().chain(&first.guards);
    let common = candidates.find(|guard| {
        is_option(context, first, guard.0, guard.1)
            && !is_implementation(context, guard.1)
            && list.iter().all(|(moment, pending)| pending.when.contains(guard) || moment.guards.contains(guard))
            && (parted && pending.when.contains(guard)
                || innocent.iter().any(|moment| settles(moment, pending) && !moment.guards.contains(guard)))
    });
    common.copied()
}

/// The successes of a function that leave an effect, and all its other exits.
fn parted<'a>(exits: &[&'a Moment], list: &[(&'a Moment, &Pending)]) -> (Vec<&'a Moment>, Vec<&'a Moment>) {
    let is_guilty = |moment: &Moment| list.iter().any(|(guilty, _)| std::ptr::eq(*guilty, moment));
    let innocent = exits.iter().copied().filter(|moment| !is_guilty(moment)).collect();
    (list.iter().map(|(moment, _)| *moment).collect(), innocent)
}

/// Whether `function` calls what leaves the effects in `list`, and makes them durable itself, or by what it calls for that, on other paths: not
/// only where there is enough of them or enough time has passed.
fn syncs_on_other_paths(
    context: &Context<'_>,
    function: FuncId,
    exits: &[&Moment],
    list: &[(&Moment, &Pending)],
) -> bool {
    let syncs = |file: Value| {
        let summary = context.flow.summaries.get(&function);
        summary.into_iter().flat_map(|summary| &summary.triggers).any(|trigger| {
            matches!(trigger.act, Act::Sync { file: synced } if synced == file) && trigger.trace.depth() <= 1
        })
    };
    let near = list.iter().all(|(_, pending)| pending.kind != Kind::Name && (1..=2).contains(&pending.trace.depth()));
    near && list.iter().any(|(_, pending)| syncs(pending.file)) && {
        let (guilty, innocent) = parted(exits, list);
        let settling = innocent.iter().filter(|moment| !moment.failing);
        let mut settling = settling.filter(|moment| list.iter().any(|(_, pending)| settles(moment, pending)));
        // What a setting leaves is left on purpose.
        settling.any(|moment| !is_weighed(context, &guilty, moment))
            && distinguishing(context, &guilty, &innocent).is_none()
            && common_setting(context, list, &innocent).is_none()
    }
}

/// Whether what parts the guilty paths from `innocent` is how much or how long, or which implementation is asked: who syncs after so many bytes
/// or so much time leaves the rest on purpose.
fn is_weighed(context: &Context<'_>, guilty: &[&Moment], innocent: &Moment) -> bool {
    let terms = context.terms.borrow();
    let compares = |value: Value| {
        terms.parts(value).iter().any(|part| match terms.get(*part) {
            Term::Op(name, _) => matches!(name.as_str(), "<" | ">" | "<=" | ">=" | "elapsed" | "duration_since"),
            _ => false,
        })
    };
    let parts = |guard: &Guard| {
        innocent.guards.contains(&(guard.0, guard.1, !guard.2))
            && guilty.iter().all(|moment| moment.guards.contains(guard))
    };
    let chosen =
        |guard: &Guard| compares(guard.0) || matches!(guard.1, Question::Implementation(_) | Question::Variant(_));
    guilty.first().is_some_and(|first| first.guards.iter().any(|guard| parts(guard) && chosen(guard)))
}

/// Whether a success shows that the effect happened and was made durable.
fn settles(moment: &Moment, pending: &Pending) -> bool {
    moment.fact(pending.file).synced && moment.fact(pending.file).written
}

/// Whether a name leads to what comes from elsewhere, as names on the way say: whoever misses it gets it once more. Where directories are synced
/// beside it, names are to last all the same.
fn is_name_of_what_can_be_had_again(context: &Context<'_>, left: &Left<'_>) -> bool {
    let body = |function: FuncId| &context.program.functions[function.index()];
    let top = left.moment.function;
    // What stands far above speaks of other things.
    let near = left.pending.trace.depth() <= 1;
    let on_the_way = left.pending.trace.functions();
    left.pending.kind == Kind::Name
        && left.policy(context).is_none()
        && !context.flow.intents.directory_syncing_sources.contains(&body(left.origin.function).file)
        && on_the_way.iter().any(|function| (near || *function != top) && purpose::is_repeatable(body(*function)))
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
    let place = left.place();
    let doubted = left.pending.doubt || left.moment.vague_sync;
    let disclaims = |function: FuncId| purpose::disclaims_durability(&context.program.functions[function.index()]);
    // What stands far above speaks of other things.
    let near = left.pending.trace.depth() <= 1 && disclaims(left.moment.function);
    let disclaimed = sure < Confidence::High
        && !left.pending.cared
        && left.policy(context).is_none()
        && (near || disclaims(left.origin.function));
    let confidence = match doubted || disclaimed || is_name_of_what_can_be_had_again(context, left) {
        true => Confidence::Low,
        false if left.is_cut_off(context) => sure.min(Confidence::Medium),
        false => sure,
    };
    Finding {
        rule: rule.id,
        level: level(context, rule.level, condition),
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
