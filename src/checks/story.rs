//! Words: how traces become numbered steps, and what a crash leaves.

use super::Context;
use crate::finding::FindingStep;
use crate::flow::state::{How, Kind, Pending, Question, Trace};
use crate::flow::terms::{Term, Value};
use ustr::Ustr;

/// Presets in which every rule but those below is exposed.
pub const EVERYWHERE: &[&str] = &["posix", "ext4", "xfs", "btrfs", "zfs", "apfs"];

/// The steps of a trace: the calls on the way down, then the place itself.
pub fn steps(context: &Context<'_>, trace: &Trace, at_end: &str, out: &mut Vec<FindingStep>) {
    let mut at = trace;
    loop {
        let origin = match at {
            Trace::Here(origin) | Trace::Via(origin, _) => *origin,
        };
        let function = &context.program.functions[origin.function.index()];
        let message = match at {
            Trace::Here(_) => at_end.to_string(),
            Trace::Via(_, inner) => {
                let callee = &context.program.functions[inner.start().function.index()];
                format!("calls `{}`", callee.short_name)
            }
        };
        out.push(FindingStep { span: origin.span, function: function.name, message });
        match at {
            Trace::Here(_) => return,
            Trace::Via(_, inner) => at = inner,
        }
    }
}

/// What happened at a pending effect.
pub fn how(pending: &Pending) -> &'static str {
    match (pending.how, pending.kind) {
        (How::Written, Kind::Buffer) => "written: now only in a user-space buffer",
        (How::HandedOver, Kind::Buffer) => "handed over to be written: now only in a user-space buffer",
        (How::Written, _) => "written: now only in the page cache",
        (How::WrittenWhole, _) => "written and closed: now only in the page cache",
        (How::Copied, _) => "copied: the copy is only in the page cache",
        (How::HandedOver, _) => "handed over to be written: now at best in the page cache",
        (How::Resized, _) => "resized: the new length is only in the page cache",
        (How::Cut, _) => "cut to nothing: not yet on disk",
        (How::Created | How::MaybeCreated, _) => "created: its name is not yet durable in its directory",
        (How::Renamed, _) => "renamed: the new name is not yet durable in its directory",
        (How::Symlinked, _) => "linked: the symbolic link is not yet durable in its directory",
        (How::Linked, _) => "linked: the new name is not yet durable in its directory",
        (How::Removed, _) => "removed: the removal is not yet durable in its directory",
        (How::DirectoryMade, _) => "made: the new directory's name is not yet durable in its parent",
    }
}

/// The steps of a pending effect: where it came to be, and where a flush passed it on.
pub fn pending_steps(context: &Context<'_>, pending: &Pending, out: &mut Vec<FindingStep>) {
    steps(context, &pending.trace, how(pending), out);
    if let Some(flush) = pending.flushed.as_ref().filter(|_| pending.kind != Kind::Name) {
        steps(context, flush, "flushed: handed to the kernel, still not on disk", out);
    }
}

/// A condition in words: `only when `sync_writes` is off`.
pub fn condition(context: &Context<'_>, value: Value, question: Question, answer: bool) -> String {
    let terms = context.terms.borrow();
    let name = name(&terms, value);
    match question {
        Question::True => format!("only when `{name}` is {}", if answer { "on" } else { "off" }),
        Question::Present => format!("only when `{name}` is {}", if answer { "there" } else { "absent" }),
        Question::Succeeded => format!("only when `{name}` {}", if answer { "succeeded" } else { "failed" }),
        Question::Variant(variant) => {
            let short = variant.rsplit("::").next().unwrap_or_default().to_string();
            format!("only when `{name}` is {}`{short}`", if answer { "" } else { "not " })
        }
        Question::Implementation(_) => String::new(),
    }
}

fn name(terms: &crate::flow::terms::Terms, value: Value) -> Ustr {
    match terms.get(value) {
        Term::Field(_, name) | Term::Global(name) => *name,
        Term::Op(name, args) if args.len() == 1 && !name.starts_with("format:") => Ustr::from(&terms.show(args[0])),
        _ => Ustr::from(&terms.show(value)),
    }
}
