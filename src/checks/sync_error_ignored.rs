//! `sync-error-ignored`: a sync fails, nobody looks at its result, and success is reported as if it had not.

use super::{Context, purpose, story};
use crate::finding::{Confidence, Finding, FindingStep, Level};
use crate::flow::IgnoredSync;
use crate::ir::FunctionKind;
use crate::source::Span;
use std::collections::BTreeMap;

/// Its id.
pub const ID: &str = "sync-error-ignored";

const CRASH: &str = "what could not be written is dropped from the page cache as if it were clean: it is lost although success was reported, \
                     and no later sync tells";
const HELP: &str = "pass the error on, or stop: after a failed sync nothing that depends on it may be reported as done";

/// Reports failed syncs that their functions take for successes.
pub fn run(context: &Context<'_>, out: &mut Vec<Finding>) {
    let mut found: BTreeMap<Span, Finding> = BTreeMap::new();
    for ignored in &context.flow.ignored_syncs {
        if let Some(sure) = judge(context, ignored) {
            let finding = finding(context, ignored, sure);
            let old = found.get(&finding.span).is_some_and(|old| old.confidence >= finding.confidence);
            if !old {
                found.insert(finding.span, finding);
            }
        }
    }
    out.extend(found.into_values());
}

fn judge(context: &Context<'_>, ignored: &IgnoredSync) -> Option<Confidence> {
    let body = &context.program.functions[ignored.function.index()];
    // Nobody can be told; or it is only a helper's last try when all is over.
    if !body.fallible
        || !matches!(body.kind, FunctionKind::Named | FunctionKind::Main)
        || purpose::is_disposable(context, ignored.function, ignored.file)
        || purpose::has_any(&body.short_name, &["drop", "close", "shutdown", "stop", "abort", "cleanup", "clean"])
        || is_best_effort(&body.docs)
    {
        return None;
    }
    let words = ["dir", "directory", "parent", "folder"];
    let is_directory = || context.terms.borrow().texts(ignored.file).iter().any(|text| purpose::has_any(text, &words));
    if !ignored.pending && is_directory() {
        return None;
    }
    // Through calls only where the callee is there to sync.
    let callees = ignored.trace.functions();
    let syncs = callees.iter().skip(1).all(|callee| {
        let callee = &context.program.functions[callee.index()];
        purpose::promises_sync(&callee.short_name) && !is_best_effort(&callee.docs)
    });
    if !syncs || callees.len() > 2 {
        return None;
    }
    Some(if ignored.pending { Confidence::High } else { Confidence::Medium })
}

/// Whether documentation says that the sync is one that may fail.
fn is_best_effort(docs: &str) -> bool {
    let docs = docs.to_lowercase();
    ["best effort", "best-effort", "ignore", "may fail", "not fatal", "non-fatal"]
        .iter()
        .any(|word| docs.contains(word))
}

fn finding(context: &Context<'_>, ignored: &IgnoredSync, confidence: Confidence) -> Finding {
    let place = ignored.trace.start();
    let function = context.program.functions[ignored.function.index()].name;
    let mut steps: Vec<FindingStep> = Vec::new();
    story::steps(context, &ignored.trace, "synced: if this fails, nobody looks at it", &mut steps);
    let message = "success is reported, whether the sync succeeded or not".to_string();
    steps.push(FindingStep { span: ignored.success, function, message });
    Finding {
        rule: ID,
        level: Level::Warning,
        confidence,
        message: "a failed sync is taken for a success".to_string(),
        span: place.span,
        function,
        steps,
        crash: CRASH.to_string(),
        help: HELP.to_string(),
        condition: None,
        exposed_on: story::EVERYWHERE.to_vec(),
        masked_on: Vec::new(),
        fix: None,
    }
}
