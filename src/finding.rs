//! A finding as plain data: what checks make and reports show. No output format leaves a trace here.

use crate::source::Span;
use serde::{Deserialize, Serialize};
use ustr::Ustr;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing; not shown by default.
    Info,
    /// Likely loses data in some crash.
    Warning,
    /// Loses data in some crash.
    Error,
}

/// How sure the analysis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Rests on guesses (unknown callees, unresolved receivers); not shown by default.
    Low,
    /// Some link was inferred from intent or from names, or there are callers further up than was looked.
    Medium,
    /// Every link was seen.
    High,
}

/// One step of the story, in the order in which the program takes them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FindingStep {
    /// Where.
    pub span: Span,
    /// The function it stands in.
    pub function: Ustr,
    /// What happens there, lower case, no trailing stop.
    pub message: String,
}

/// A text insertion or replacement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Edit {
    /// What is replaced (empty: an insertion).
    pub span: Span,
    /// By what.
    pub insert: String,
}

/// A repair.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fix {
    /// Can be applied without a look (DESIGN, "why a fix is safe").
    pub safe: bool,
    /// The edits, not overlapping.
    pub edits: Vec<Edit>,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    /// The rule's id, `rename-before-sync`.
    pub rule: &'static str,
    /// How bad.
    pub level: Level,
    /// How sure.
    pub confidence: Confidence,
    /// One sentence: what is wrong here, lower case, no trailing stop.
    pub message: String,
    /// Where it becomes certain.
    pub span: Span,
    /// The function that holds the place.
    pub function: Ustr,
    /// The story that leads there, in order.
    pub steps: Vec<FindingStep>,
    /// What the disk can hold after the crash, one sentence.
    pub crash: String,
    /// What to do, one sentence.
    pub help: String,
    /// Under which condition only, in words; `None` if always.
    pub condition: Option<String>,
    /// File-system presets on which a crash shows it.
    pub exposed_on: Vec<&'static str>,
    /// Presets that hide it.
    pub masked_on: Vec<&'static str>,
    /// A repair.
    pub fix: Option<Fix>,
}
