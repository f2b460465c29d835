//! `sync-before-flush`: the kernel is asked to sync a file whose last bytes it has not been given.

use super::act::ActRule;
use super::{Context, purpose, story};
use crate::finding::{Confidence, Finding, FindingStep, Level};
use crate::flow::Moment;
use crate::flow::state::{How, Kind, Pending, Trace, Transit};
use crate::flow::summary::Act;
use crate::flow::terms::{Term, Value};
use crate::ir::ValueKind;
use std::sync::Arc;
use ustr::Ustr;

/// The rule.
pub const RULE: ActRule = ActRule {
    id: "sync-before-flush",
    level: Level::Error,
    judge: |_, moment, pending| {
        let Act::Sync { file } = moment.act else {
            return None;
        };
        if pending.kind != Kind::Buffer || pending.file != file {
            return None;
        }
        let vague = pending.how == How::HandedOver || is_of_another_round(moment, pending);
        Some(if vague { Confidence::Low } else { Confidence::High })
    },
    message: |_, _, _| "file is synced while part of its content is still in a user-space buffer".to_string(),
    at_act: |_| "synced: without the bytes that are still buffered",
    crash: "the bytes in the buffer are lost although the sync reported success",
    help: "flush the buffer first, then sync the file behind it",
    masked_on: &[],
};

/// Whether the call that syncs also makes the file, and what is pending stands after it: a loop came round, and the file is a new one.
fn is_of_another_round(moment: &Moment, pending: &Pending) -> bool {
    let call = moment.trace.start();
    let made = |other: &Pending| {
        other.kind == Kind::Name && other.file == pending.file && other.trace.depth() > 0 && other.trace.start() == call
    };
    moment.trace.depth() > 0 && pending.trace.start().span > call.span && moment.pending.iter().any(made)
}

/// Functions that promise a sync of the buffered writer they are called on, and sync what is behind it without a flush.
pub fn promises(context: &Context<'_>, out: &mut Vec<Finding>) {
    for moment in &context.flow.moments {
        let Act::Sync { file } = moment.act else { continue };
        let origin = moment.trace.start();
        let function = &context.program.functions[moment.function.index()];
        let receiver = function.params.first().map(|local| function.locals[local.index()].kind);
        let is_receiver = matches!(context.terms.borrow().get(file), Term::Param(0));
        if !is_receiver
            || receiver != Some(ValueKind::BufferedFile)
            || moment.flushed.contains(&file)
            || !purpose::promises_sync(&function.short_name)
        {
            continue;
        }
        // If all who call it flush first, there is nothing to tell.
        let callers = context.flow.callers[moment.function.index()].iter();
        let callers: Vec<Ustr> = callers
            .filter(|caller| **caller != moment.function)
            .map(|caller| context.program.functions[caller.index()].name)
            .collect();
        let is_guilty = |finding: &Finding| {
            finding.rule == RULE.id && finding.steps.iter().any(|step| callers.contains(&step.function))
        };
        if !callers.is_empty() && !out.iter().any(is_guilty) {
            continue;
        }
        // Whoever calls it is told here, not at each call.
        out.retain(|finding| finding.rule != RULE.id || !finding.steps.iter().any(|step| step.span == origin.span));
        let step =
            |message: &str| FindingStep { span: origin.span, function: function.name, message: message.to_string() };
        out.push(Finding {
            rule: RULE.id,
            level: RULE.level,
            confidence: Confidence::High,
            message: (RULE.message)(context, moment, &nothing(file, &moment.trace)),
            span: origin.span,
            function: function.name,
            steps: vec![step((RULE.at_act)(moment.act))],
            crash: RULE.crash.to_string(),
            help: RULE.help.to_string(),
            condition: None,
            exposed_on: story::EVERYWHERE.to_vec(),
            masked_on: Vec::new(),
            fix: None,
        });
    }
}

/// Stands for what callers may have left in the buffer.
fn nothing(file: Value, trace: &Arc<Trace>) -> Pending {
    Pending {
        kind: Kind::Buffer,
        file,
        dir: file,
        how: How::HandedOver,
        trace: trace.clone(),
        origin: trace.origin(),
        flushed: None,
        idle_flush: false,
        cared: false,
        doubt: false,
        closed: false,
        sources: Default::default(),
        transit: Transit::Arrived,
        lost: None,
        when: Vec::new(),
    }
}
