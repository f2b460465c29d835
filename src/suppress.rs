//! "This one is meant": findings that the code allows are left out, and allows that are wrong are findings themselves. Front ends
//! say where allows stand and what they are about; nothing here knows how a language writes them.
//!
//! An allow is about the place where a finding is reported. A step of its story in an allowed place suppresses nothing.

use crate::checks::registry::{self, RULES};
use crate::finding::{Confidence, Finding, Level};
use crate::source::Span;
use crate::spelling::did_you_mean;
use ustr::Ustr;

/// An allow without a reason.
pub const WITHOUT_REASON: &str = "allow-without-reason";
/// An allow that names no rule, or cannot be read.
pub const UNKNOWN: &str = "unknown-allow";
/// An allow of something that is not found.
pub const UNUSED: &str = "unused-allow";

/// The rules about allows. No allow silences them: that would be one more of what they are about.
pub const OWN: [&str; 3] = [WITHOUT_REASON, UNKNOWN, UNUSED];

/// One allow, as a front end read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// Where it stands.
    pub span: Span,
    /// The rules that it names, and where.
    pub rules: Vec<(String, Span)>,
    /// It says why.
    pub reason: bool,
    /// What it is about; `None`: there is nothing where it stands.
    pub target: Option<Span>,
    /// What is wrong with it if it cannot be read; then it allows nothing.
    pub unreadable: Option<String>,
}

/// Takes out of `findings` what `allows` allow, and adds what is wrong with the allows.
pub fn apply(findings: &mut Vec<Finding>, allows: &[Allow]) {
    let mut used: Vec<Vec<bool>> = allows.iter().map(|allow| vec![false; allow.rules.len()]).collect();
    findings.retain(|finding| {
        let mut allowed = false;
        for (allow, used) in allows.iter().zip(&mut used) {
            let about = allow.target.is_some_and(|target| holds(target, finding.span));
            if !about || allow.unreadable.is_some() {
                continue;
            }
            for ((rule, _), used) in allow.rules.iter().zip(used) {
                if rule == finding.rule {
                    (*used, allowed) = (true, true);
                }
            }
        }
        !allowed
    });
    for (allow, used) in allows.iter().zip(&used) {
        wrong(allow, used, findings);
    }
}

fn holds(target: Span, span: Span) -> bool {
    target.file == span.file && target.start <= span.start && span.end <= target.end
}

/// Adds what is wrong with one allow.
fn wrong(allow: &Allow, used: &[bool], out: &mut Vec<Finding>) {
    if let Some(message) = &allow.unreadable {
        let help = "write `fsynclint: allow(rule-id) reason=\"why\"`";
        out.push(finding(UNKNOWN, allow.span, message.clone(), help.into()));
        return;
    }
    for ((rule, span), used) in allow.rules.iter().zip(used) {
        if OWN.contains(&rule.as_str()) {
            let message = format!("`{rule}` cannot be allowed: it is about allows");
            out.push(finding(
                UNKNOWN,
                *span,
                message,
                "set its level in the configuration, or put the allow right".into(),
            ));
        } else if registry::find(rule).is_none() {
            let ids = RULES.iter().map(|rule| rule.id).filter(|id| !OWN.contains(id));
            let help = did_you_mean(rule, ids).unwrap_or_else(|| "`fsynclint rules` lists them".into());
            out.push(finding(UNKNOWN, *span, format!("no rule is called `{rule}`"), help));
        } else if allow.target.is_none() {
            let message = format!("the allow of `{rule}` stands before nothing that it could be about");
            out.push(finding(
                UNUSED,
                *span,
                message,
                "put it before, or at the end of, the statement it is about".into(),
            ));
        } else if !used {
            let message = format!("`{rule}` is allowed here and not found");
            out.push(finding(UNUSED, *span, message, "take the allow out: it would hide the next fault".into()));
        }
    }
    if !allow.reason {
        let help = "say why losing this in a crash is all right: `reason=\"…\"`";
        out.push(finding(WITHOUT_REASON, allow.span, "the allow gives no reason".into(), help.into()));
    }
}

fn finding(rule: &'static str, span: Span, message: String, help: String) -> Finding {
    Finding {
        rule,
        level: Level::Warning,
        confidence: Confidence::High,
        message,
        span,
        function: Ustr::default(),
        steps: Vec::new(),
        crash: String::new(),
        help,
        condition: None,
        exposed_on: Vec::new(),
        masked_on: Vec::new(),
        fix: None,
    }
}
