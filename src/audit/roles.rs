//! What functions are to their store: a rewrite, a checkpoint, or part of a normal write.

use super::deeds::{retires, writes};
use super::evidence::Evidence;
use super::stores::Store;
use crate::flow::Moment;
use crate::flow::state::{How, MAX_SOURCES, Trace};
use crate::flow::summary::{Act, Deed, Did};
use crate::flow::terms::{Terms, Value};
use crate::ir::FuncId;
use rustc_hash::FxHashSet;
use std::collections::{BTreeMap, BTreeSet};

/// What a function is to its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It makes new content of old.
    Rewrite {
        /// It fills the very file that it cut.
        in_place: bool,
        /// What it reads, some of it at least, was seen to be filled by the program itself, or is taken away: no mere source.
        own: bool,
    },
    /// It retires what it neither read nor wrote.
    Checkpoint {
        /// What it retires, some of it at least, was seen to be filled by the program itself.
        own: bool,
    },
}

impl Role {
    /// Whether it makes new content of old.
    pub(super) fn is_rewrite(self) -> bool {
        matches!(self, Role::Rewrite { .. })
    }

    /// Whether it fills the very file that it cut.
    pub(super) fn is_in_place(self) -> bool {
        matches!(self, Role::Rewrite { in_place: true, .. })
    }
}

/// The functions that are more than part of a normal write.
pub(super) type Roles = BTreeMap<FuncId, Role>;

impl<'a> Evidence<'a> {
    /// The smallest functions that rewrite or checkpoint, of those that operations on an open store get to.
    pub(super) fn roles(&self, store: &Store) -> Roles {
        let operations: Vec<FuncId> =
            store.operations.iter().copied().filter(|operation| !store.openings.contains(operation)).collect();
        let mut roles = Roles::new();
        for part in self.parts(&operations, &store.makers) {
            let is_told = |inner: &FuncId| roles.contains_key(inner) || store.makers.contains(inner);
            let own_deeds = self.own_deeds(part, is_told);
            let lasting: Vec<&Deed> = own_deeds.into_iter().filter(|deed| !self.is_passing(part, deed.file)).collect();
            let role = match role(&lasting, &self.flow.terms) {
                Some(Role::Rewrite { in_place, own }) => {
                    Role::Rewrite { in_place, own: own || !in_place && self.reads_its_own(store, part) }
                }
                Some(Role::Checkpoint { .. }) => Role::Checkpoint { own: self.retires_a_log(store, part) },
                None => continue,
            };
            roles.insert(part, role);
        }
        roles
    }

    /// An opening that puts new content in the place of what it read: by a rename, or in place. One that only brings what is there up to date
    /// from a log is a recovery.
    pub(super) fn opening_that_rewrites(&self, store: &Store) -> Option<FuncId> {
        store.openings.iter().copied().find(|&opening| {
            let mut deeds = self.own_deeds(opening, |_| false);
            deeds.retain(|deed| !self.is_passing(opening, deed.file));
            let replaces = |moment: &&Moment| match moment.act {
                Act::Rename { file, to, .. } => moment.fact(to).read && moment.fact(file).written,
                _ => false,
            };
            // What is read only where it was made before is no old content.
            let mut read = deeds.iter().enumerate().filter(|(at, deed)| {
                let made = |before: &&Deed| {
                    matches!(before.did, Did::Overwrite | Did::Pend(How::Created, _)) && before.file == deed.file
                };
                deed.did == Did::Read && !deeds[..*at].iter().any(made)
            });
            read.any(|(at, read)| {
                let after = || deeds[at..].iter().filter(|deed| deed.file == read.file);
                let is_cut = after().any(|deed| matches!(deed.did, Did::Overwrite));
                is_cut && after().any(|deed| writes(deed))
            }) || self.acts(opening).iter().any(replaces)
        })
    }

    /// Whether `function` writes other than by way of the smallest functions below it that rewrite. What checkpoints may write what others wait
    /// for, and take something else away.
    pub(super) fn writes_besides(&self, function: FuncId) -> bool {
        let mut told: BTreeSet<FuncId> = BTreeSet::new();
        // What all of it goes through, and is more than one of them, is what it is.
        let is_all = |part: FuncId| self.deeds(function).iter().all(|deed| deed.trace.functions().contains(&part));
        for part in self.parts(&[function], &BTreeSet::new()) {
            let is_more = is_all(part) && !told.is_empty();
            let own = self.own_deeds(part, |inner| told.contains(inner));
            if !is_more && role(&own, &self.flow.terms).is_some_and(Role::is_rewrite) {
                told.insert(part);
            }
        }
        let in_told = |deed: &Deed| deed.trace.functions().iter().any(|function| told.contains(function));
        self.deeds(function).iter().any(|deed| writes(deed) && !deed.failing && !in_told(deed))
    }

    /// The functions that `operations` get to other than by way of `makers`, and they themselves, callees before callers.
    pub(super) fn parts(&self, operations: &[FuncId], makers: &BTreeSet<FuncId>) -> Vec<FuncId> {
        let mut parts: BTreeSet<FuncId> = BTreeSet::new();
        for &operation in operations {
            parts.insert(operation);
            for deed in self.deeds(operation) {
                let functions = deed.trace.functions();
                if !functions.iter().any(|function| makers.contains(function)) {
                    parts.extend(functions);
                }
            }
        }
        let depth = |id: &FuncId| self.deeds(*id).iter().map(|deed| deed.trace.depth()).max().unwrap_or(0);
        let mut parts: Vec<(usize, FuncId)> = parts.iter().map(|id| (depth(id), *id)).collect();
        parts.sort();
        parts.into_iter().map(|(_, part)| part).collect()
    }

    /// What a function does when all goes well, without what functions below it do that `are_told` of already.
    pub(super) fn own_deeds(&self, function: FuncId, are_told: impl Fn(&FuncId) -> bool) -> Vec<&'a Deed> {
        let below = |deed: &Deed| deed.trace.functions().iter().skip(1).any(&are_told);
        self.deeds(function).iter().filter(|deed| !deed.failing && !below(deed)).collect()
    }
}

/// Whether a function, by all that it does itself and below it, rewrites or checkpoints.
pub(super) fn is_more_than_a_write(evidence: &Evidence<'_>, function: FuncId) -> bool {
    role(&evidence.own_deeds(function, |_| false), &evidence.flow.terms).is_some()
}

/// What a function is by what it does itself, `deeds`. Whose the files are these tell only of one that is read and replaced.
fn role(deeds: &[&Deed], terms: &Terms) -> Option<Role> {
    let files = |is: &dyn Fn(&Deed) -> bool| -> FxHashSet<Value> {
        deeds.iter().filter(|deed| is(deed)).map(|deed| deed.file).collect()
    };
    // What is read only after it was made is no input.
    let made = |deed: &Deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Created | How::Copied, _));
    let mut read = FxHashSet::default();
    let mut made_before = FxHashSet::default();
    for deed in deeds {
        if made(deed) {
            made_before.insert(deed.file);
        } else if deed.did == Did::Read && !made_before.contains(&deed.file) {
            read.insert(deed.file);
        }
    }
    let written = files(&writes);
    let created = files(&|deed| {
        matches!(deed.did, Did::Pend(How::Created | How::MaybeCreated | How::Copied | How::WrittenWhole, _))
    });
    let directories: FxHashSet<Value> = deeds.iter().filter_map(|deed| deed.to).collect();
    let synced = files(&|deed| deed.did == Did::Sync && !directories.contains(&deed.file));
    let is_cut = |deed: &Deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Cut, _));
    let cut = files(&is_cut);
    // What is done only where nothing was found to be read replaces nothing. That a callee read what has no name here may be lost.
    let lost = deeds.iter().any(|deed| deed.did == Did::Read && deed.trace.depth() > 0 && !terms.is_stable(deed.file));
    let may_follow = |deed: &Deed, reads: &dyn Fn(&Value) -> bool| {
        lost || deed.sources.len() >= MAX_SOURCES || deed.sources.iter().any(reads)
    };
    let replaces = |deed: &Deed| {
        let is_replaced = written.contains(&deed.file) && read.contains(&deed.file) && cut.contains(&deed.file);
        is_replaced && (writes(deed) || is_cut(deed))
    };
    let in_place = deeds.iter().any(|deed| replaces(deed) && may_follow(deed, &|source| *source == deed.file));
    let output = deeds.iter().any(|deed| {
        let is_output = writes(deed) && created.contains(&deed.file) && !read.contains(&deed.file);
        is_output && may_follow(deed, &|_| true)
    });
    if !read.is_empty() && (in_place || output) {
        let own = deeds.iter().any(|deed| replaces(deed) && deed.sources.contains(&deed.file));
        return Some(Role::Rewrite { in_place, own });
    }
    let retired = deeds.iter().enumerate().any(|(at, deed)| {
        let is_made = |before: &&Deed| {
            (made(before) || matches!(before.did, Did::Pend(How::MaybeCreated, _))) && before.file == deed.file
        };
        let new = deed.did == Did::Remove && deeds[..at].iter().any(is_made);
        // What is created over and filled is an output.
        retires(deed) && !new && !written.contains(&deed.file) && !read.contains(&deed.file)
    });
    // What is cut first and filled then is an output, too.
    let is_kept = |file: &&Value| {
        let filled = deeds.iter().rposition(|deed| writes(deed) && deed.file == **file).unwrap_or(0);
        !deeds[filled..].iter().any(|deed| retires(deed) && deed.file == **file)
    };
    let kept = written.iter().chain(&synced).any(|file| is_kept(&file));
    (retired && kept).then_some(Role::Checkpoint { own: false })
}

/// Whether what `trace` leads to is part of a rewrite or checkpoint.
pub(super) fn in_role(trace: &Trace, roles: &Roles) -> bool {
    trace.functions().iter().any(|function| roles.contains_key(function))
}
