//! One write, two rules: where a file is cut in place and never synced, both are told as one.

use super::{ack_before_sync, overwrite_in_place};
use crate::finding::Finding;
use crate::source::Span;
use rustc_hash::FxHashMap;

/// Of `findings`, joins those about content that is not synced with those about the same file being overwritten in place. What mends the
/// second mends both, but a sync alone is better than nothing: so the first is what is left, and says what the second did.
pub fn join(findings: &mut Vec<Finding>) {
    // Where files are cut. Only the call that cuts and writes is surely about one file: others in the same function may be about another.
    let mut cuts: FxHashMap<Span, &Finding> = FxHashMap::default();
    for finding in findings.iter().filter(|finding| finding.rule == overwrite_in_place::ID) {
        if let Some(cut) = finding.steps.last() {
            cuts.entry(cut.span).or_insert(finding);
        }
    }
    if cuts.is_empty() {
        return;
    }
    let mut joined: Vec<(usize, Finding)> = Vec::new();
    for (at, finding) in findings.iter().enumerate().filter(|(_, finding)| finding.rule == ack_before_sync::RULE.id) {
        let mut writes = finding.steps.iter().filter(|step| !step.message.starts_with("calls `"));
        let Some(cut) = writes.find_map(|step| cuts.get(&step.span)) else { continue };
        let message = format!("{}, and the file was cut in place: there is no other copy", finding.message);
        let help = format!("{}; {}", cut.help, finding.help);
        joined.push((at, Finding { message, help, ..finding.clone() }));
    }
    let told: Vec<Span> = joined.iter().flat_map(|(_, finding)| finding.steps.iter().map(|step| step.span)).collect();
    for (at, finding) in joined {
        findings[at] = finding;
    }
    findings.retain(|finding| {
        finding.rule != overwrite_in_place::ID || !finding.steps.last().is_some_and(|cut| told.contains(&cut.span))
    });
}
