//! One change, two rules: what mends one of two findings mends the other, and both are told as one.

use super::{
    ack_before_sync, create_without_dir_sync, delete_before_sync, flush_is_not_sync, overwrite_in_place,
    rename_before_sync, rename_without_dir_sync,
};
use crate::finding::{Confidence, Finding};
use crate::source::Span;
use rustc_hash::{FxHashMap, FxHashSet};

/// Joins what is told of one change by two rules.
pub fn join(findings: &mut Vec<Finding>) {
    join_cuts(findings);
    drop_replaced(findings);
    drop_told_by_another(findings);
}

/// Takes out what is told of names where another finding tells it: that the old file goes before a new name is durable says that the name is not;
/// a file that is cut in place is there, or is mended by being made under another name, unless it is surer that it is made.
fn drop_told_by_another(findings: &mut Vec<Finding>) {
    let mut renamed: FxHashSet<Span> = FxHashSet::default();
    let mut cut: FxHashMap<Span, Confidence> = FxHashMap::default();
    for finding in findings.iter() {
        let steps = finding.steps.iter().filter(|step| overwrite_in_place::is_done_to_file(step));
        match finding.rule {
            rule if rule == delete_before_sync::RULE.id => renamed.extend(steps.map(|step| step.span)),
            rule if rule == overwrite_in_place::ID => {
                for step in steps {
                    let known = cut.entry(step.span).or_insert(finding.confidence);
                    *known = finding.confidence.max(*known);
                }
            }
            _ => {}
        }
    }
    findings.retain(|finding| match finding.rule {
        rule if rule == rename_without_dir_sync::RULE.id => !renamed.contains(&finding.span),
        rule if rule == create_without_dir_sync::RULE.id => {
            cut.get(&finding.span).is_none_or(|sure| finding.confidence > *sure)
        }
        _ => true,
    });
}

/// Takes out that a file goes before the content of its successor is durable, where that is told at the same place as the same write being renamed
/// there unsynced: one sync mends both.
fn drop_replaced(findings: &mut Vec<Finding>) {
    let first = |finding: &Finding| Some((finding.span, finding.steps.first()?.span));
    let renamed = findings.iter().filter(|finding| finding.rule == rename_before_sync::RULE.id);
    let renamed: FxHashSet<(Span, Span)> = renamed
        .filter(|finding| finding.confidence > Confidence::Low && finding.condition.is_none())
        .filter_map(first)
        .collect();
    findings.retain(|finding| {
        finding.rule != delete_before_sync::RULE.id || first(finding).is_none_or(|told| !renamed.contains(&told))
    });
}

/// Of `findings`, joins those about content that is not synced with those about the same file being overwritten in place. What mends the
/// second mends both, but a sync alone is better than nothing: so the first is what is left, and says what the second did.
fn join_cuts(findings: &mut Vec<Finding>) {
    // Where files are cut, and filled again. That a file is cut in the same function says nothing: it may be another.
    let mut cuts: FxHashMap<Span, usize> = FxHashMap::default();
    for (at, finding) in findings.iter().enumerate().filter(|(_, finding)| finding.rule == overwrite_in_place::ID) {
        for step in finding.steps.iter().filter(|step| overwrite_in_place::is_done_to_file(step)) {
            cuts.entry(step.span).or_insert(at);
        }
    }
    if cuts.is_empty() {
        return;
    }
    let mut told: FxHashSet<usize> = FxHashSet::default();
    let mut joined: Vec<(usize, Finding)> = Vec::new();
    let about_bytes = [ack_before_sync::RULE.id, flush_is_not_sync::RULE.id];
    for (at, finding) in findings.iter().enumerate().filter(|(_, finding)| about_bytes.contains(&finding.rule)) {
        let mut writes = finding.steps.iter().filter(|step| !step.message.starts_with("calls `"));
        let Some(&known) = writes.find_map(|step| cuts.get(&step.span)) else { continue };
        let cut = &findings[known];
        told.insert(known);
        let message = format!("{}, and the file was cut in place: there is no other copy", finding.message);
        let help = format!("{}; {}", cut.help, finding.help);
        let confidence = finding.confidence.max(cut.confidence);
        // The cut comes before what is written after it.
        let mut steps = finding.steps.clone();
        let missing = cut.steps.iter().filter(|step| overwrite_in_place::is_done_to_file(step));
        let missing: Vec<_> =
            missing.filter(|step| !steps.iter().any(|known| known.span == step.span)).cloned().collect();
        let written = steps.iter().position(|step| !step.message.starts_with("calls `")).unwrap_or(0);
        steps.splice(written..written, missing);
        joined.push((at, Finding { message, help, confidence, steps, ..finding.clone() }));
    }
    for (at, finding) in joined {
        findings[at] = finding;
    }
    let mut at = 0..;
    findings.retain(|_| at.next().is_none_or(|at| !told.contains(&at)));
}
