//! The table as plain data: rows of cells, each with what decided it, and the operations behind a row.

use crate::source::Span;
use ustr::Ustr;

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// It does, on every path.
    Yes,
    /// It does not, on some path that no option asks for.
    No,
    /// It depends on an option, a mode, a flag.
    Conditional,
    /// A log is written and synced first, and retired once what it stands for is durable.
    ViaLog,
    /// There is no such operation.
    NotApplicable,
    /// Cannot be told.
    Unknown,
}

/// One cell of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub verdict: Verdict,
    /// On which option it depends, why it is unknown, or what else is to be said.
    pub detail: Option<String>,
    /// What decided.
    pub reason: Option<Reason>,
    /// The options that it depends on, as `detail` names them.
    pub(super) options: Vec<String>,
}

/// More options than that are told as others.
const MAX_OPTIONS: usize = 3;

impl Cell {
    pub(super) fn new(verdict: Verdict) -> Cell {
        Cell { verdict, detail: None, reason: None, options: Vec::new() }
    }

    pub(super) fn detailed(verdict: Verdict, detail: impl Into<String>) -> Cell {
        Cell { detail: Some(detail.into()), ..Cell::new(verdict) }
    }

    /// A cell that depends on options.
    pub(super) fn depending(options: Vec<String>) -> Cell {
        Cell { options: options.clone(), ..Cell::detailed(Verdict::Conditional, in_words(&options)) }
    }

    pub(super) fn because(mut self, text: String, span: Span) -> Cell {
        self.reason = Some(Reason { text, span });
        self
    }

    /// The cell in a few words: `conditional (sync_writes)`.
    pub fn words(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Yes => "yes",
            Verdict::No => "no",
            Verdict::Conditional => "conditional",
            Verdict::ViaLog => "via log",
            Verdict::NotApplicable => "n/a",
            Verdict::Unknown => "unknown",
        };
        match &self.detail {
            Some(detail) => format!("{verdict} ({detail})"),
            None => verdict.to_string(),
        }
    }
}

/// The options in a few words: all, or the first and that there are others.
pub(super) fn in_words(options: &[String]) -> String {
    match options.split_at_checked(MAX_OPTIONS) {
        Some((told, rest)) if !rest.is_empty() => format!("{} and others", told.join(", ")),
        _ => options.join(", "),
    }
}

/// The cell that weighs most, the first of equals. If it depends on options, so do others perhaps, on other ones: then it names them all.
pub(super) fn weakest(cells: &[Cell], weight: impl Fn(&Cell) -> i32) -> Option<Cell> {
    let weakest = cells.iter().rev().max_by_key(|cell| weight(cell))?;
    if weakest.options.is_empty() {
        return Some(weakest.clone());
    }
    let mut options = weakest.options.clone();
    for option in cells.iter().flat_map(|cell| &cell.options) {
        if !options.contains(option) {
            options.push(option.clone());
        }
    }
    Some(Cell { reason: weakest.reason.clone(), ..Cell::depending(options) })
}

/// A place that decides a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// In words.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// An effect of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// `create`, `create if absent`, `create or truncate`, `write`, `write at a place`, `flush`, `sync`, `sync directory`, `rename`, `unlink`, `truncate`, `read`, …
    pub what: &'static str,
    /// The file, in the operation's terms.
    pub file: String,
    /// For a rename: the name that the file gets, in the operation's terms.
    pub to: Option<String>,
    /// The function that does it, if that is not the operation itself.
    pub by: Option<Ustr>,
    /// The function that the operation itself calls for it, if that is another one.
    pub via: Option<Ustr>,
    /// Where.
    pub span: Span,
    /// Only on some paths: the answers about settings there, such as `sync_writes is on`.
    pub conditions: Vec<String>,
}

/// One externally visible operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its qualified name.
    pub name: Ustr,
    /// Where it stands.
    pub span: Span,
    /// What it does to files, in order.
    pub effects: Vec<Effect>,
    /// How many effects are left out, since what they are on was not seen to be a file: memory, perhaps.
    pub elsewhere: usize,
    /// What is missing, and what a crash can leave for that: on the way, or right after it reported success.
    pub missing: Vec<Reason>,
    /// Not all of it was seen, and why.
    pub unseen: Option<&'static str>,
}

/// One store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The type, qualified.
    pub store: Ustr,
    /// Where it is: the name of its first operation.
    pub span: Span,
    /// Normal writes are synced before success is reported.
    pub writes: Cell,
    /// What a rewrite or compaction puts out is synced before it counts.
    pub rewrite: Cell,
    /// Inputs are deleted before the output is durable.
    pub deletes_first: Cell,
    /// Names are made durable by directory syncs.
    pub directory: Cell,
    /// All of it, by the order of effects.
    pub safe: Cell,
    /// The operations, in the order of the text.
    pub operations: Vec<Operation>,
}

impl Row {
    /// What decides whether it is crash-safe.
    pub fn reason(&self) -> Option<&Reason> {
        self.safe.reason.as_ref()
    }
}
