//! One write, two rules: where a file is cut in place and never synced, both are told as one.

use super::{ack_before_sync, flush_is_not_sync, overwrite_in_place};
use crate::finding::Finding;
use crate::source::Span;
use rustc_hash::{FxHashMap, FxHashSet};

/// Of `findings`, joins those about content that is not synced with those about the same file being overwritten in place. What mends the
/// second mends both, but a sync alone is better than nothing: so the first is what is left, and says what the second did.
pub fn join(findings: &mut Vec<Finding>) {
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
