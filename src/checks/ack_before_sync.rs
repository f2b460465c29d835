//! `ack-before-sync`: success is reported while the written bytes are still pending.

use super::success::MAX_INFERRED;
use super::success::SuccessRule;
use super::{Context, places, provenance, purpose, success::Left};
use crate::finding::{Confidence, Level};
use crate::flow::Moment;
use crate::flow::intent::{FieldKey, stored_part, wrapped_part};
use crate::flow::state::{Guard, How, Kind, Pending, Question};
use crate::flow::summary::{Act, Summary, Trigger};
use crate::flow::terms::{Term, Value};
use crate::ir::{
    Arg, Base, Callee, FuncId, Function, FunctionKind, InstKind, Operand, Passing, Place, Rvalue, Step, ValueKind,
};
use ustr::Ustr;

/// The rule.
pub const RULE: SuccessRule = SuccessRule {
    id: "ack-before-sync",
    level: Level::Warning,
    judge: |context, left| {
        if left.pending.flushed.is_some() { None } else { judge(context, left).or_else(|| judge_length(context, left)) }
    },
    message: |_, left| match left.pending.how {
        How::Cut | How::Resized => "success is reported while the new length of the file is not durable".to_string(),
        _ => "success is reported while the written bytes are not durable".to_string(),
    },
    at_success: "success is reported: the bytes may not have reached the disk",
    crash: "what was reported as done is missing, empty or partial after the crash",
    help: "sync the file after the last write and before reporting success",
    masked_on: &[],
};

/// Words in the path of a file that say: what is there, be it always the same, tells how the rest is to be read.
const MARKERS: &[&str] = &[
    "version",
    "manifest",
    "current",
    "format",
    "magic",
    "superblock",
    "journal",
    "wal",
    "meta",
    "metadata",
    "state",
    "commit",
    "committed",
    "done",
    "complete",
    "completed",
    "marker",
];

/// Whether the file is behind a handle that the function was lent.
fn is_somebody_elses(context: &Context<'_>, function: FuncId, file: Value) -> bool {
    let body = &context.program.functions[function.index()];
    match context.terms.borrow().get(file) {
        Term::Param(number) => {
            body.params.get(*number as usize).is_some_and(|local| body.locals[local.index()].kind != ValueKind::Path)
        }
        _ => false,
    }
}

/// Whether what is left was written through a handle that the function which reports success was lent, and that is still open.
pub fn is_lent(context: &Context<'_>, left: &Left<'_>) -> bool {
    !left.pending.closed && is_somebody_elses(context, left.moment.function, left.pending.file)
}

/// Whether a new length that is left pending breaks a promise. A file is made longer to be filled, so only what is said counts, or what
/// is published on top of it.
fn judge_length(context: &Context<'_>, left: &Left<'_>) -> Option<Confidence> {
    let pending = left.pending;
    let length = matches!(pending.how, How::Cut | How::Resized) && pending.kind == Kind::Data;
    if !length || left.is_disposable(context) {
        return None;
    }
    if pending.closed {
        // An empty file is a name and no more.
        return (pending.how == How::Resized && is_named_durably(context, left)).then_some(Confidence::Medium);
    }
    if left.must_be_durable(context) {
        return Some(Confidence::High);
    }
    let body = &context.program.functions[left.origin.function.index()];
    let top = &context.program.functions[left.moment.function.index()];
    let promised = purpose::promises_durability(body) || purpose::promises_durability(top);
    // Another file is synced and renamed into place after it, which so tells of a length that may not be there. That a log is cut to
    // nothing may be lost: it is replayed once more.
    let publishes = || {
        let mut own = context.flow.moments.iter().filter(|moment| moment.function == left.origin.function);
        own.any(|moment| match moment.act {
            Act::Rename { file, .. } => {
                let cut_before = |other: &Pending| other.trace.origin() == left.origin && other.kind == Kind::Data;
                file != pending.file && moment.fact(file).synced && moment.pending.iter().any(cut_before)
            }
            _ => false,
        })
    };
    let synced = || left.lives_in_own(context, &context.flow.intents.synced_fields);
    (promised || pending.how == How::Resized && synced() && publishes()).then_some(Confidence::Medium)
}

/// Whether the operation makes a file of its value longer or shorter and writes to it, and another that makes the same file longer or shorter
/// syncs it before it returns: what follows may follow on either.
fn is_resized_like_others(context: &Context<'_>, left: &Left<'_>) -> bool {
    let fact = left.moment.fact(left.pending.file);
    fact.resized
        && fact.written
        && left.pending.trace.depth() <= 1
        && left.lives_in_own(context, &context.flow.intents.resized_and_synced)
}

/// Whether the file lies in what the type of a method that leaves it wraps around it, another method of the type writes it and syncs it
/// before it returns, and none that callers see only syncs it. What the wrapper offers to all who use it says nothing of that.
fn is_synced_by_other_methods(context: &Context<'_>, left: &Left<'_>) -> bool {
    let intents = &context.flow.intents;
    let top = left.moment.function;
    let on_the_way = left.pending.trace.functions();
    let leaves = |function: FuncId| function == top || on_the_way.contains(&function);
    !purpose::disclaims_durability(&context.program.functions[top.index()])
        && left.left_by.iter().filter(|(function, _)| leaves(*function)).any(|(function, pending)| {
            let owner = context.program.functions[function.index()].owner;
            let part = owner.and_then(|owner| {
                let terms = context.terms.borrow();
                let outcomes = context.flow.summaries.get(function).into_iter().flat_map(|summary| &summary.outcomes);
                let stored = outcomes.flat_map(|outcome| outcome.heap.iter().map(|(place, value)| (place, value)));
                wrapped_part(&terms, owner, pending.file).or_else(|| stored_part(&terms, owner, pending.file, stored))
            });
            part.is_some_and(|part| {
                intents.parts_written_and_synced.contains(&part) && !intents.parts_only_synced.contains(&part)
            })
        })
}

/// Whether a function that leaves it made the file, and synced its directory after this change of it: who sees to the name wants what it
/// leads to.
fn is_named_durably(context: &Context<'_>, left: &Left<'_>) -> bool {
    if !left.pending.closed || left.lives_in(context, &context.flow.intents.retired_fields) {
        return false;
    }
    left.left_by.iter().any(|&(function, pending)| {
        let dir = context.terms.borrow_mut().parent(pending.file);
        let is_this = |other: &Pending| other.kind == pending.kind && other.origin == pending.origin;
        let is_name = |other: &Pending| other.kind == Kind::Name && other.file == pending.file;
        // Opened, and made if it was not there.
        let perhaps_made = context.flow.moments.iter().any(|other| {
            other.function == function
                && matches!(other.act, Act::Sync { file } if file == dir)
                && other.pending.iter().any(|other| is_name(other) && other.how == How::MaybeCreated)
        });
        let named = context.successes(function).iter().any(|moment| {
            let fact = moment.fact(pending.file);
            (fact.created || perhaps_made)
                && !fact.temporary
                && moment.killed.contains(&(dir, Kind::Name))
                && moment.pending.iter().any(|other| is_this(other) && other.closed)
                && !moment.pending.iter().any(is_name)
        });
        named
            && context.flow.moments.iter().any(|other| {
                other.function == function
                    && matches!(other.act, Act::Sync { file } if file == dir)
                    && other.pending.iter().any(is_this)
            })
    })
}

/// Whether a flag that asks for a sync was given to a function that makes the file and leaves it, and is set on a way on which it does; and
/// nothing there syncs it.
fn is_asked_to_sync(context: &Context<'_>, left: &Left<'_>) -> bool {
    let terms = context.terms.borrow();
    left.left_by.iter().filter(|(_, pending)| pending.trace.depth() <= 1).any(|(function, pending)| {
        let body = &context.program.functions[function.index()];
        let asks = |guard: &Guard| {
            let &(value, Question::True, true) = guard else { return false };
            let Term::Param(number) = *terms.get(value) else { return false };
            let name = body.params.get(number as usize).and_then(|local| body.locals[local.index()].name);
            name.is_some_and(|name| purpose::is_sync_option(&name) && !purpose::is_opt_out(&name))
        };
        let is_this = |other: &Pending| other.origin == left.origin && other.kind == left.pending.kind && !other.doubt;
        // Where there is a sync of it, something else decides.
        let syncs = |summary: &Summary| {
            let is_it = |trigger: &Trigger| matches!(trigger.act, Act::Sync { file } if file == pending.file);
            summary.bounded || summary.acts_lost || summary.triggers.iter().any(is_it)
        };
        if context.flow.summaries.get(function).is_none_or(|summary| syncs(summary)) {
            return false;
        }
        context.successes(*function).iter().any(|moment| {
            let made = moment.fact(pending.file).created;
            made && !moment.vague_sync && moment.guards.iter().any(asks) && moment.pending.iter().any(is_this)
        })
    })
}

/// Whether a function that makes the file and lets it go, unsynced, makes another and syncs that: in the same operation, or where it does the same
/// in another way.
fn is_synced_beside(context: &Context<'_>, left: &Left<'_>, in_another_way: bool) -> bool {
    // What is done far below with two files is no one operation, and what two commands of a program do is not done in two ways.
    let near = if in_another_way { 0 } else { 1 };
    let is_program = |function: FuncId| context.program.functions[function.index()].short_name == "main";
    let is_this = |other: &Pending| other.origin == left.origin && other.kind == left.pending.kind;
    let makes = |moment: &Moment, file: Value| {
        moment.pending.iter().any(|other| {
            let made = matches!(other.how, How::Created | How::MaybeCreated);
            other.file == file && made && other.trace.depth() <= near
        })
    };
    let syncs = |moment: &Moment, file: Value| {
        moment.facts.iter().any(|(other, facts)| {
            let left = |one: &Pending| one.file == *other && one.kind != Kind::Name;
            *other != file && facts.written && facts.synced && makes(moment, *other) && !moment.pending.iter().any(left)
        })
    };
    let of_its_own = |pending: &Pending| {
        pending.closed && !pending.doubt && pending.how != How::Copied && pending.trace.depth() <= 2 * near
    };
    let mut operations =
        left.left_by.iter().filter(|(function, pending)| of_its_own(pending) && !is_program(*function));
    operations.any(|&(function, pending)| {
        let file = pending.file;
        let successes = context.successes(function);
        let leaves = |moment: &&&Moment| moment.pending.iter().any(is_this) && makes(moment, file);
        let mut leaving = successes.iter().filter(leaves);
        match in_another_way {
            true => {
                let elsewhere = |moment: &&Moment| !moment.fact(file).written && syncs(moment, file);
                leaving.next().is_some_and(|moment| !syncs(moment, file)) && successes.iter().any(elsewhere)
            }
            false => leaving.any(|moment| syncs(moment, file)),
        }
    })
}

/// Whether a function that makes the file and leaves it so reads it instead where it is there: what is made once is to be found again.
fn is_loaded_or_made(context: &Context<'_>, left: &Left<'_>) -> bool {
    left.left_by.iter().any(|(function, pending)| {
        left.moment.fact(left.pending.file).created
            && context.successes(*function).iter().any(|moment| {
                let fact = moment.fact(pending.file);
                fact.read && !fact.created && !fact.written
            })
    })
}

/// Whether the path is given by callers, and to none of them anything is left: what they give is nothing that lasts.
fn is_nothing_to_callers(context: &Context<'_>, left: &Left<'_>) -> bool {
    let terms = context.terms.borrow();
    let mut callers = context.flow.callers[left.moment.function.index()].iter().peekable();
    callers.peek().is_some()
        && left.pending.closed
        && left.settled_by.is_empty()
        && matches!(terms.get(left.pending.file), Term::Param(_))
        && callers.all(|caller| {
            context.flow.summaries.get(caller).is_some_and(|summary| !summary.bounded && !summary.acts_lost)
        })
}

/// Whether a method gives its value, or a part of it, to somebody who may do anything with it.
fn hands_on(method: &Function) -> bool {
    let own = |arg: &Arg| match &arg.value {
        Operand::Place(Place { base: Base::Local(local), .. }) => method.params.first() == Some(local),
        _ => false,
    };
    method.blocks.iter().flat_map(|block| &block.insts).any(|inst| match &inst.kind {
        InstKind::Call(call) => {
            let unseen = matches!(call.callee, Callee::Unknown | Callee::Value(_));
            call.args.iter().any(|arg| own(arg) && (unseen || arg.passing == Passing::Move))
        }
        _ => false,
    })
}

/// Whether the method that reports success takes the value whose handle it is, and lets it go. Who gives up, or only lets go, promises nothing.
fn ends_with_it(context: &Context<'_>, left: &Left<'_>) -> bool {
    let top = &context.program.functions[left.moment.function.index()];
    let terms = context.terms.borrow();
    let gives_up = ["abort", "discard", "cancel", "drop", "rollback", "clear", "destroy", "delete", "remove"];
    left.pending.closed
        && matches!(top.kind, FunctionKind::Named)
        && top.owner.is_some()
        && !hands_on(top)
        && matches!(terms.get(left.pending.file), Term::Field(..))
        && matches!(terms.get(terms.root(left.pending.file)), Term::Param(0))
        && !purpose::has_any(&top.short_name, &gives_up)
}

/// Whether it is a log of a type that syncs others of its files, and that nobody ever syncs.
fn is_log_left_alone(context: &Context<'_>, left: &Left<'_>) -> bool {
    let (pending, intents) = (left.pending, &context.flow.intents);
    let own_field = |(function, pending): &(FuncId, &Pending)| {
        let mut fields = intents.fields_of(*function, pending.file).iter();
        fields.any(|field| {
            intents.syncing_types.contains(&field.0) && (purpose::is_log(&field.0) || purpose::is_log(&field.1))
        })
    };
    !pending.closed
        && !pending.doubt
        && pending.how != How::HandedOver
        // What is synced there may be another handle of it.
        && !left.moment.killed.iter().any(|(_, kind)| *kind == Kind::Data)
        && !left.lives_in(context, &intents.synced_fields)
        && !left.lives_in(context, &intents.write_through_fields)
        && left.left_by.iter().any(own_field)
        && !left.is_far_fetched()
}

/// Whether the function that writes it says in a field of its value that a sync is owed now: it is for whoever asks that field.
fn owes_openly(context: &Context<'_>, left: &Left<'_>) -> bool {
    let body = &context.program.functions[left.origin.function.index()];
    body.owner.is_some()
        && body.blocks.iter().flat_map(|block| &block.insts).any(|inst| match &inst.kind {
            InstKind::Assign { place, value: Rvalue::Use(Operand::Const(value)) } => match place.steps.last() {
                Some(Step::Field { name, .. }) => purpose::marks_as_owing(name, value),
                _ => false,
            },
            _ => false,
        })
}

/// The function that opens the file, made if it was not there, where that is not the one that writes it.
fn maker<'a>(context: &Context<'_>, left: &Left<'a>) -> Option<(FuncId, &'a Pending)> {
    let makes = |function: FuncId, file: Value| {
        context.successes(function).iter().flat_map(|moment| &moment.pending).any(|name| {
            let made = matches!(name.how, How::Created | How::MaybeCreated);
            made && name.kind == Kind::Name && name.file == file && name.trace.depth() == 0
        })
    };
    let others = left.left_by.iter().filter(|(function, _)| *function != left.origin.function);
    others.copied().find(|(function, pending)| pending.closed && makes(*function, pending.file))
}

/// Whether written bytes that are left pending break a promise.
pub fn judge(context: &Context<'_>, left: &Left<'_>) -> Option<Confidence> {
    let pending = left.pending;
    let written = matches!(pending.how, How::Written | How::WrittenWhole | How::Copied | How::HandedOver);
    let fact = left.moment.fact(pending.file);
    if !matches!(pending.kind, Kind::Data | Kind::Buffer)
        || !written
        || left.is_disposable(context)
        || !fact.renamed && (fact.temporary || purpose::is_in_temporary(context, pending.file))
    {
        return None;
    }
    let body = &context.program.functions[left.origin.function.index()];
    let top = &context.program.functions[left.moment.function.index()];
    let intents = &context.flow.intents;
    // A writer around a writer says that it passed the bytes on, no more.
    if top.interface.is_some_and(|interface| interface.ends_with("Write")) {
        return None;
    }
    // Somebody else's handle, or one that lives on, is theirs to sync.
    let lent = is_lent(context, left);
    let latent = lent || left.is_given_back(context);
    // What a function runs by a closure and a handle is done before its own promise is kept.
    let halfway = lent && matches!(top.kind, FunctionKind::Closure { .. });
    let promised = !halfway
        && (purpose::promises_durability(body) || purpose::promises_durability(top) || is_asked_to_sync(context, left));
    // Who runs a program sees what it wrote, and can run it again.
    let near = body.package == top.package && pending.trace.depth() <= 2;
    if top.short_name == "main" && near && !promised && !left.must_be_durable(context) {
        return Some(Confidence::Low);
    }
    if !promised && !left.must_be_durable(context) && owes_openly(context, left) {
        return None;
    }
    if promised || left.settled_elsewhere && !pending.doubt {
        return Some(Confidence::Medium);
    }
    if latent {
        return None;
    }
    if !left.must_be_durable(context) && is_nothing_to_callers(context, left) {
        return Some(Confidence::Low);
    }
    if !pending.doubt && is_synced_beside(context, left, true) {
        return Some(Confidence::Medium);
    }
    if !left.must_be_durable(context) && context.is_best_effort(left.moment.function, &pending.trace) {
        return Some(Confidence::Low);
    }
    if !pending.doubt && is_named_durably(context, left) {
        return Some(Confidence::Medium);
    }
    let temporary = left.lives_in(context, &intents.retired_fields);
    // Asked for in so many words: no evidence is needed.
    if left.must_be_durable(context) && !temporary {
        return Some(if pending.how == How::HandedOver { Confidence::Medium } else { Confidence::High });
    }
    // Other methods sync it, and this one ends the value, so that nobody can any more.
    if !temporary && !pending.doubt && ends_with_it(context, left) && left.lives_in(context, &intents.synced_fields) {
        return Some(Confidence::Medium);
    }
    // Another operation writes the same file and syncs it before it returns, and no call of its own does.
    if !temporary
        && left.lives_in_own(context, &intents.written_and_synced)
        && !left.lives_in(context, &intents.only_synced)
        && (!left.lives_in(context, &intents.synced_at_end)
            || left.lives_in(context, &intents.written_and_synced_by_own))
    {
        return Some(Confidence::Medium);
    }
    // Others sync what they leave under such a path for somebody else to rename.
    if temporary
        && pending.closed
        && !pending.doubt
        && left.lives_in_own(context, &intents.written_and_synced)
        && !left.lives_in(context, &intents.only_synced)
    {
        return Some(Confidence::Medium);
    }
    if !temporary && !pending.doubt && is_synced_by_other_methods(context, left) {
        return Some(Confidence::Medium);
    }
    if !temporary && !pending.doubt && is_resized_like_others(context, left) {
        return Some(Confidence::Medium);
    }
    if !temporary && is_log_left_alone(context, left) {
        return Some(Confidence::Medium);
    }
    let constant = || provenance::is_constant(context, &pending.trace);
    if !temporary && !left.is_far_fetched() && !constant() && is_synced_beside(context, left, false) {
        return Some(Confidence::Medium);
    }
    let precious = purpose::is_precious(context, left.origin.function, pending.file);
    let syncing = |package| intents.syncing_packages.contains(package);
    let syncs = !intents.syncing_packages.is_empty() && (precious || syncing(&body.package) || syncing(&top.package));
    // The handle is gone: nobody can sync it any more, in a program that does sync what it cares for.
    // A file made here and given away was made to be written.
    let filled = pending.how != How::HandedOver || left.moment.fact(pending.file).created;
    // A sync that is a call of its own is still to come, unless that is what others wrap around the file.
    let (own, file) = (left.moment.function, pending.file);
    let apart = |field: &&FieldKey| intents.only_synced.contains(*field) && !intents.is_passed_on(own, file, **field);
    let synced_apart = intents.fields_of(own, file).iter().any(|field| apart(&field));
    (pending.closed && syncs && filled && !synced_apart)
        .then(|| if is_state(context, left, precious) { Confidence::Medium } else { Confidence::Low })
}

/// Whether what is left, with its handle gone, is state of the program, not output: the program reads the file again, or names say that it is
/// to last and the code around it syncs what it writes.
fn is_state(context: &Context<'_>, left: &Left<'_>, precious: bool) -> bool {
    let (pending, intents) = (left.pending, &context.flow.intents);
    let body = &context.program.functions[left.origin.function.index()];
    let terms = context.terms.borrow();
    let root = terms.root(pending.file);
    // What was given to the function may be anything; a copy has its original.
    let vague = pending.how == How::Copied || root == pending.file && matches!(terms.get(root), Term::Param(_));
    drop(terms);
    let aside = left.left_by.iter().any(|(function, pending)| {
        purpose::is_for_reading(context, *function, pending.file)
            || purpose::is_handed_out(context, *function, pending.file)
    });
    // That a program syncs something somewhere says little of this file, and what a helper does that writes whatever it is given, or that is
    // given the handle to write to, says less of it than who tells which file it is, or made it.
    let maker = maker(context, left);
    let beside = |function: FuncId| {
        let body = &context.program.functions[function.index()];
        body.owner.is_some_and(|owner| intents.syncing_types.contains(&owner))
            || body.owner.is_none() && intents.syncing_sources.contains(&body.file)
    };
    let near = beside(left.who_names_it(context)) || maker.is_some_and(|(function, _)| beside(function));
    let precious =
        precious || maker.is_some_and(|(function, pending)| purpose::is_precious(context, function, pending.file));
    let kept = || purpose::is_kept_as_precious(context, left.origin.function, pending.file);
    let far_fetched = left.is_far_fetched()
        && !(precious && pending.how != How::Copied && left.is_done_where_it_is_named(context))
        && maker.is_none_or(|(_, pending)| pending.trace.depth() > MAX_INFERRED);
    // What is always the same is written again by whoever misses it, unless what is around it minds.
    let is_marker = |text: &Ustr| purpose::has_any(text, MARKERS);
    let again = !near
        && provenance::is_constant(context, &pending.trace)
        && !context.terms.borrow().texts(pending.file).iter().any(is_marker);
    let state =
        || left.left_by.iter().any(|(function, pending)| places::is_read_back(context, *function, pending.file));
    !aside
        && !again
        && (near && (precious || !vague && state())
            || (kept() || (precious || !vague) && context.mostly_syncs(body.package)) && state()
            || is_loaded_or_made(context, left)
            || precious && pending.idle_flush && intents.syncing_packages.contains(&body.package))
        && !far_fetched
}
