//! One write, two rules: where a file is cut in place and never synced, both are told as one.

use super::{ack_before_sync, overwrite_in_place};
use crate::finding::Finding;
use rustc_hash::FxHashMap;
use ustr::Ustr;

/// Of `findings`, joins those about content that is not synced with those about the same file being overwritten in place. What mends the
/// second mends both, but a sync alone is better than nothing: so the first is what is left, and says what the second did.
pub fn join(findings: &mut Vec<Finding>) {
    // Where a file is cut, by the function that cuts it.
    let mut cuts: FxHashMap<Ustr, &Finding> = FxHashMap::default();
    for finding in findings.iter().filter(|finding| finding.rule == overwrite_in_place::ID) {
        if let Some(cut) = finding.steps.last() {
            cuts.entry(cut.function).or_insert(finding);
        }
    }
    if cuts.is_empty() {
        return;
    }
    let mut joined: Vec<(usize, Finding)> = Vec::new();
    for (at, finding) in findings.iter().enumerate().filter(|(_, finding)| finding.rule == ack_before_sync::RULE.id) {
        let writes = finding.steps.iter().filter(|step| !step.message.starts_with("calls `"));
        let Some(cut) = writes.filter_map(|step| cuts.get(&step.function)).next() else { continue };
        let message = format!("{}, and the file was cut in place: there is no other copy", finding.message);
        let help = format!("{}; {}", cut.help, finding.help);
        joined.push((at, Finding { message, help, ..finding.clone() }));
    }
    let told: Vec<Ustr> =
        joined.iter().flat_map(|(_, finding)| finding.steps.iter().map(|step| step.function)).collect();
    for (at, finding) in joined {
        findings[at] = finding;
    }
    findings.retain(|finding| {
        finding.rule != overwrite_in_place::ID || !finding.steps.last().is_some_and(|cut| told.contains(&cut.function))
    });
}
