//! `rename-before-sync`: a name is given to content that is not durable.

use super::act::ActRule;
use super::{Context, purpose};
use crate::finding::{Confidence, Level};
use crate::flow::Moment;
use crate::flow::state::{How, Kind, Pending, Trace};
use crate::flow::summary::Act;
use crate::flow::terms::{Term, Value};
use crate::ir::FuncId;

/// The rule.
pub const RULE: ActRule = ActRule {
    id: "rename-before-sync",
    level: Level::Error,
    judge: |context, moment, pending| {
        let (file, from, to) = match moment.act {
            Act::Rename { file, from, to, .. } => (file, from, to),
            Act::Link { file, to } if pending.file == file && is_last_name(context, moment, file) => (file, file, to),
            _ => return None,
        };
        let cached = |path| purpose::is_cached(context, moment.function, path);
        if pending.kind != Kind::Data
            || cached(from)
            || cached(to)
            || cached(pending.file)
            || purpose::is_in_temporary(context, to)
        {
            return None;
        }
        if pending.file != file && is_pointed_at(context, moment, pending, file, from, to) {
            return Some(Confidence::Medium);
        }
        if pending.file != file && !context.terms.borrow_mut().is_under(pending.file, file) {
            return None;
        }
        if is_made_again(context, moment, pending, to) || is_put_aside(context, moment, file) {
            return Some(Confidence::Low);
        }
        match pending.how {
            How::Written | How::WrittenWhole | How::Copied => Some(Confidence::High),
            How::HandedOver => Some(Confidence::Medium),
            // A length alone publishes no content.
            _ => None,
        }
    },
    message: |context, moment, pending| match moment.act {
        Act::Rename { file, from, to, .. }
            if pending.file != file && is_pointed_at(context, moment, pending, file, from, to) =>
        {
            "file is renamed into place before the content of what it leads to is durable".to_string()
        }
        Act::Link { .. } => "file is linked into place before its content is durable".to_string(),
        _ => "file is renamed into place before its content is durable".to_string(),
    },
    at_act: |act| match act {
        Act::Link { .. } => "linked: the name is live, the content may not be",
        _ => "renamed: the name is live, the content may not be",
    },
    crash: "the new name can lead to an empty or partial file, and what the name led to before is gone",
    help: "sync the file after the last write and before the rename",
    masked_on: &[],
};

/// Whether the name that a link gives is the one that lasts: the file had none, or loses the one that it had.
fn is_last_name(context: &Context<'_>, moment: &Moment, file: Value) -> bool {
    moment.fact(file).temporary || context.successes(moment.function).iter().any(|success| success.fact(file).renamed)
}

/// Whether what is renamed tells which of several files counts, and the written file is the one that it is about to tell: it was made here, under
/// a number that the renamed file had in its own name, in the directory of the one name that there always is; and what is renamed was synced.
fn is_pointed_at(
    context: &Context<'_>,
    moment: &Moment,
    pending: &Pending,
    file: Value,
    from: Value,
    to: Value,
) -> bool {
    let (facts, made) = (moment.fact(file), moment.fact(pending.file));
    let filled = made.created && !made.renamed && matches!(pending.how, How::Written | How::WrittenWhole);
    let settled = facts.written && facts.synced;
    let renamed = || context.successes(moment.function).iter().any(|success| success.fact(pending.file).renamed);
    if !filled
        || !settled
        || pending.doubt
        || moment.trace.depth() > 2
        || purpose::is_disposable(context, pending.trace.origin().function, pending.file)
        || renamed()
    {
        return false;
    }
    let terms = context.terms.borrow();
    let parts = |path| terms.name_in_directory(path);
    let (Some((dir, name)), Some((beside, told)), Some((_, telling))) = (parts(to), parts(pending.file), parts(from))
    else {
        return false;
    };
    let numbers = |name: Value| match terms.get(name) {
        Term::Op(pattern, args) if pattern.starts_with("format:") => args.as_slice(),
        _ => &[],
    };
    let is_told = |number: &Value| !matches!(terms.get(*number), Term::Const(_)) && numbers(telling).contains(number);
    dir == beside && matches!(terms.get(name), Term::Const(_)) && numbers(told).iter().any(is_told)
}

/// Whether what renames goes on to make the file anew under its old name: what was live there is put aside, under a name that nobody counted
/// on before.
fn is_put_aside(context: &Context<'_>, moment: &Moment, file: Value) -> bool {
    // One that was made for this name is a temporary, and the next one its successor.
    if moment.fact(file).created {
        return false;
    }
    let terms = context.terms.borrow();
    let renamed = moment.trace.origins();
    let follows = |made: &Trace| {
        let made = made.origins();
        let mut parted = renamed.iter().zip(&made).skip_while(|(one, other)| one == other);
        parted.next().is_some_and(|(one, other)| one.function == other.function && one.span < other.span)
    };
    context.successes(moment.function).iter().flat_map(|success| &success.pending).any(|pending| {
        matches!(pending.how, How::Created | How::MaybeCreated)
            && matches!(terms.get(pending.file), Term::Gone(_))
            && follows(&pending.trace)
    })
}

/// Whether names say that another run makes the content again: it was brought from elsewhere by what writes or renames it, in a source that
/// syncs nothing, it is put where its user wants a result, or a program without a state of its own leaves it where it is run.
fn is_made_again(context: &Context<'_>, moment: &Moment, pending: &Pending, to: Value) -> bool {
    let function = |function: FuncId| &context.program.functions[function.index()];
    let brought = |id: FuncId| {
        let body = function(id);
        purpose::disclaims_durability(body) && !context.flow.intents.syncing_sources.contains(&body.file)
    };
    let exports = |id: FuncId| purpose::has_any(&function(id).short_name, &["export"]);
    let left = || {
        let terms = context.terms.borrow();
        let by_main = moment.trace.functions().into_iter().any(|id| function(id).short_name == "main");
        by_main && matches!(terms.get(to), Term::Const(text) if text.starts_with('"') && !text.starts_with("\"/"))
    };
    context.policy(moment.function).is_none()
        && (purpose::is_path_handed_out(context, to)
            || brought(moment.trace.origin().function)
            || brought(pending.trace.origin().function)
            || purpose::is_handed_out(context, moment.function, to)
            || moment.trace.functions().into_iter().any(exports)
            || left())
}
