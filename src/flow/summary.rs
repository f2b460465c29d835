//! What a function does to its caller, in terms of its parameters.

use super::state::{Facts, How, Kind, Origin, Pending, Question, Trace};
use super::terms::Value;
use smallvec::SmallVec;
use std::sync::Arc;
use ustr::Ustr;

/// An act at which an obligation falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Act {
    /// The file gets the name `to`, replacing what was there.
    Rename {
        /// The file's key.
        file: Value,
        /// The name it had.
        from: Value,
        /// The name it gets.
        to: Value,
        /// The file is a temporary by the way it was made.
        temporary: bool,
    },
    /// The file gets one more name, which nothing had.
    Link {
        /// The file's key.
        file: Value,
        /// The name it gets.
        to: Value,
    },
    /// The file loses a name.
    Remove {
        /// The file's key.
        file: Value,
        /// The name.
        path: Value,
        /// It was a whole directory.
        tree: bool,
    },
    /// The file is cut to nothing.
    Cut {
        /// The file's key.
        file: Value,
        /// Through a handle, not by creating over it.
        by_handle: bool,
    },
    /// The file is opened to be written over: not cut, and not for append.
    WriteOver {
        /// The file's key.
        file: Value,
    },
    /// The file is asked to become durable.
    Sync {
        /// The file's key.
        file: Value,
    },
    /// The function tells its caller that all went well.
    Succeed,
}

impl Act {
    /// The files and paths that it is about.
    pub fn operands(&self) -> impl Iterator<Item = Value> {
        let (one, other) = match *self {
            Act::Rename { file, to, .. } => (Some(file), Some(to)),
            Act::Link { file, to } => (Some(file), Some(to)),
            Act::Remove { file, path, .. } => (Some(file), Some(path)),
            Act::Cut { file, .. } | Act::Sync { file } | Act::WriteOver { file } => (Some(file), None),
            Act::Succeed => (None, None),
        };
        one.into_iter().chain(other)
    }
}

/// An act with what had been made durable since the function's entry when it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The act.
    pub act: Act,
    /// Where.
    pub trace: Arc<Trace>,
    /// What was killed before it.
    pub killed: Vec<(Value, Kind)>,
    /// What was flushed before it.
    pub flushed: Vec<Value>,
    /// Everything was synced before it.
    pub all_killed: bool,
    /// Answers on the way, in terms that a caller can tell.
    pub guards: Vec<(Value, Question, bool)>,
    /// It lies behind an error edge.
    pub failing: bool,
    /// A sync of something unresolved came before it.
    pub vague_sync: bool,
    /// What was known of files.
    pub facts: Vec<(Value, Facts)>,
    /// For a new name: content that was pending in what the caller gave beside the named path, which only the caller knows to be the same
    /// file, or another.
    pub apart: Vec<Pending>,
}

/// One way to leave a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// It succeeded.
    pub success: bool,
    /// Answers on the way, in terms that a caller can tell.
    pub guards: Vec<(Value, Question, bool)>,
    /// What it leaves pending.
    pub pending: Vec<Pending>,
    /// What it made durable.
    pub killed: Vec<(Value, Kind)>,
    /// What it flushed.
    pub flushed: Vec<Value>,
    /// What it was given and let go, and where.
    pub dropped: Vec<(Value, Arc<Trace>)>,
    /// If it failed: the syncs that did.
    pub failed_syncs: Vec<(Value, Arc<Trace>)>,
    /// If it failed: the changes of files that did.
    pub failed_changes: Vec<Origin>,
    /// It synced everything.
    pub all_killed: bool,
    /// Names that lead elsewhere afterwards.
    pub names: Vec<(Value, Value)>,
    /// Fields of its caller's things that it assigned.
    pub heap: Vec<((Value, Ustr), Value)>,
    /// What it learned of files.
    pub facts: Vec<(Value, Facts)>,
    /// What it gives back.
    pub result: Value,
    /// A sync of something unresolved lies behind.
    pub vague_sync: bool,
    /// Files and directories that could not be opened on the way.
    pub unopened: Vec<Value>,
    /// What was synced through a handle that cannot write: a directory, perhaps.
    pub maybe_directories: Vec<Value>,
    /// Something was changed, or failed to be, before it left so.
    pub changed: bool,
    /// It lies behind a failed change or sync all the same.
    pub failing: bool,
}

/// Something a function does to a file, for telling what an operation does in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// What.
    pub did: Did,
    /// The file's or directory's key.
    pub file: Value,
    /// For a rename: the name it gets.
    pub to: Option<Value>,
    /// Where.
    pub trace: Arc<Trace>,
    /// Answers on every way to it, in terms that a caller can tell.
    pub guards: Vec<(Value, Question, bool)>,
    /// It lies behind an error edge only.
    pub failing: bool,
    /// For content, and what is cut for it: the files that had been read before it on some way, and something found in them; at most
    /// [`MAX_SOURCES`](super::state::MAX_SOURCES).
    pub sources: SmallVec<[Value; 2]>,
}

/// The kinds of deeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Did {
    /// Its content was read.
    Read,
    /// It was opened so that what was there is cut.
    Overwrite,
    /// It became pending so.
    Pend(How, Kind),
    /// The place in it was chosen that is written next: over what is there, if anything is.
    Place,
    /// Its user-space buffer was flushed.
    Flush,
    /// It was synced (a directory: its names).
    Sync,
    /// It was removed.
    Remove,
}

/// What a function does to its caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The ways to leave it.
    pub outcomes: Vec<Outcome>,
    /// The acts in it and below it.
    pub triggers: Vec<Trigger>,
    /// What it does, in the order of its text and its callees'.
    pub deeds: Vec<Deed>,
    /// Function values of the caller's that it calls.
    pub calls: Vec<Value>,
    /// It does something to files.
    pub effective: bool,
    /// It opens, flushes or writes some file itself.
    pub touches: bool,
    /// Some sync of file content is reached in it or below it on a path to success.
    pub syncs: bool,
    /// A bound was hit: not all of it was seen.
    pub bounded: bool,
    /// Cuts below it, and whether there was nothing in the file that could be lost, as was found here: one entry for each of both.
    pub cuts: SmallVec<[(Origin, bool); 2]>,
    /// There were more acts than are passed on, or it leads back to itself: callers do not see all of them.
    pub acts_lost: bool,
}
