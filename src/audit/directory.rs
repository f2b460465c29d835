//! The cell of directories: whether names that operations make or take away are durable when they report success.

use super::certainty::Doubt;
use super::deeds::writes;
use super::evidence::Evidence;
use super::stores::Store;
use super::table::{Cell, Verdict, in_words};
use crate::flow::Moment;
use crate::flow::state::{How, Kind, Pending};
use crate::flow::summary::{Deed, Did};
use crate::flow::terms::{Term, Value};
use crate::ir::FuncId;

/// What is added to a `no` that only removals cause.
pub(super) const REMOVALS: &str = "removals";

impl<'a> Evidence<'a> {
    /// Whether every name that operations make or take away is made durable.
    pub(super) fn directory(&self, store: &Store) -> Cell {
        let named = |pending: &&Pending| {
            pending.kind == Kind::Name
                && matches!(
                    pending.how,
                    How::Created | How::MaybeCreated | How::Renamed | How::Linked | How::Symlinked | How::Removed
                )
        };
        let only = self.only_directory(store);
        let (mut any, mut doubtful, mut unseen, mut removed) = (false, None, None, None);
        let mut synced = false;
        let mut optional: Option<(FuncId, &Pending, Vec<String>)> = None;
        for &operation in &store.operations {
            any |= self
                .deeds(operation)
                .iter()
                .any(|deed| matches!(deed.did, Did::Pend(how, Kind::Name) if how != How::DirectoryMade));
            synced |= self.syncs_a_directory(operation);
            unseen = unseen.or_else(|| self.unseen_cell(operation));
            for moment in self.successes(operation) {
                // What an opening clears away, the next one clears away again.
                let excused = |pending: &&Pending| {
                    pending.how == How::Removed && store.openings.contains(&operation)
                        || self.is_being_built(operation, pending.file)
                        || self.goes_with_its_tree(operation, pending.file)
                };
                for pending in moment.pending.iter().filter(named).filter(|pending| !excused(pending)) {
                    let elsewhere = self.synced_elsewhere(operation, pending);
                    if elsewhere.is_some() && elsewhere == only {
                        continue;
                    }
                    let next = self.synced_with_the_next(operation, pending);
                    if next == Some(pending.dir) {
                        continue;
                    }
                    if pending.how != How::Removed
                        && self.undecided(store, &pending.trace).is_none()
                        && let Some(options) = self.directory_options(operation, pending)
                    {
                        optional = optional.or(Some((operation, pending, options)));
                        continue;
                    }
                    let doubt = self.doubt(store, moment, pending).or(elsewhere.or(next).map(|_| Doubt::Covered));
                    let other_way = || self.is_synced_on_another_way(operation, pending).then_some(Doubt::OtherWay);
                    let covered = || self.may_be_covered(operation, pending).then_some(Doubt::Covered);
                    let doubt = doubt.or_else(other_way).or_else(covered);
                    if let Some(doubt) = doubt.or_else(|| self.is_empty(operation, pending).then_some(Doubt::Empty)) {
                        doubtful = doubtful.or(Some((operation, pending, doubt)));
                        continue;
                    }
                    if pending.how == How::Removed {
                        removed = removed.or(Some((operation, pending)));
                        continue;
                    }
                    return Cell::new(Verdict::No)
                        .because(self.name_left(operation, pending), pending.trace.origin().span);
                }
            }
        }
        if let Some((operation, pending)) = removed {
            let others =
                optional.map(|(.., options)| format!("{REMOVALS}, and new names depending on {}", in_words(&options)));
            return Cell::detailed(Verdict::No, others.unwrap_or(REMOVALS.to_string()))
                .because(self.name_left(operation, pending), pending.trace.origin().span);
        }
        match (any, doubtful, unseen) {
            (_, Some((operation, pending, doubt)), _) => Cell::detailed(Verdict::Unknown, doubt.words())
                .because(self.name_left(operation, pending), pending.trace.origin().span),
            (_, None, Some(cell)) => cell,
            (true, None, None) if optional.is_some() => {
                let (operation, pending, options) = optional.expect("it is there");
                Cell::depending(options).because(self.name_left(operation, pending), pending.trace.origin().span)
            }
            (true, None, None) if synced => {
                let mut operations = store.operations.iter();
                match operations.find_map(|&operation| self.undecided_sync(store, operation)) {
                    Some(doubt) => Cell::detailed(Verdict::Unknown, doubt.words()),
                    None => Cell::new(Verdict::Yes),
                }
            }
            (true, None, None) => {
                Cell::detailed(Verdict::Unknown, "no name was seen to be left behind, and no directory to be synced")
            }
            (false, None, None) => Cell::new(Verdict::NotApplicable),
        }
    }

    /// The options by which an operation syncs the directory of a name after it made that, or does not.
    fn directory_options(&self, operation: FuncId, pending: &Pending) -> Option<Vec<String>> {
        let deeds = self.deeds(operation);
        let at = deeds.iter().position(|deed| deed.trace.origin() == pending.trace.origin())?;
        let syncs = |deed: &Deed| deed.did == Did::Sync && !deed.failing && deed.file == pending.dir;
        if !deeds[at..].iter().any(syncs) {
            return None;
        }
        let is_left = |left: &Pending| left.kind == Kind::Name && left.trace.origin() == pending.trace.origin();
        let (guilty, innocent): (Vec<&Moment>, Vec<&Moment>) =
            self.successes(operation).iter().copied().partition(|moment| moment.pending.iter().any(is_left));
        self.options(operation, &guilty, &innocent, &is_left)
    }

    /// Whether an operation syncs something that it puts nothing into, or makes a name durable by one call.
    fn syncs_a_directory(&self, operation: FuncId) -> bool {
        let deeds = self.deeds(operation);
        let is_written = |file: Value| deeds.iter().any(|deed| writes(deed) && deed.file == file);
        deeds.iter().any(|deed| deed.did == Did::Sync && !deed.failing && !is_written(deed.file))
    }

    /// For a file that is made if it is not there: whether its directory is synced afterwards on some way, which may be that of new files.
    fn is_synced_on_another_way(&self, operation: FuncId, pending: &Pending) -> bool {
        let deeds = self.deeds(operation);
        let at = deeds.iter().position(|deed| deed.trace.origin() == pending.trace.origin());
        let synced = |deed: &Deed| deed.did == Did::Sync && !deed.failing && deed.file == pending.dir;
        pending.how == How::MaybeCreated && at.is_some_and(|at| deeds[at..].iter().any(synced))
    }

    /// Whether something in a field is synced after a name was made that nothing is ever put into: its directory, perhaps.
    fn may_be_covered(&self, operation: FuncId, pending: &Pending) -> bool {
        let deeds = self.deeds(operation);
        let Some(at) = deeds.iter().position(|deed| deed.trace.origin() == pending.trace.origin()) else {
            return false;
        };
        deeds[at..].iter().filter(|deed| deed.did == Did::Sync && !deed.failing).any(|deed| {
            let fields = self.flow.intents.fields_of(operation, deed.file);
            let is_written = deeds.iter().any(|other| writes(other) && other.file == deed.file);
            !is_written && !fields.is_empty() && !fields.iter().any(|field| self.reach.writes(field))
        })
    }

    /// Whether nothing is seen to be put into a new file, by the operation or through the field that keeps it: it may be there to be locked.
    fn is_empty(&self, operation: FuncId, pending: &Pending) -> bool {
        let is_new = matches!(pending.how, How::Created | How::MaybeCreated);
        let fills = |deed: &Deed| {
            let fills = matches!(deed.did, Did::Pend(_, Kind::Buffer | Kind::Data) | Did::Sync);
            fills && deed.file == pending.file
        };
        let filled =
            || self.flow.intents.fields_of(operation, pending.file).iter().any(|field| self.reach.fills(field));
        is_new && !self.deeds(operation).iter().any(fills) && !filled() && !self.reach.fills_path(pending.file)
    }

    /// The one directory that operations on an open store make names in, if there is only one.
    fn only_directory(&self, store: &Store) -> Option<Value> {
        let operations = store.operations.iter().filter(|&&operation| !store.openings.contains(&operation));
        let mut directories = operations.flat_map(|&operation| self.name_directories(operation));
        let first = directories.next()?;
        directories.all(|directory| directory == first).then_some(first)
    }

    /// The directories, told by settings of the store, that an operation makes names in.
    fn name_directories(&self, operation: FuncId) -> impl Iterator<Item = Value> {
        let names = self.deeds(operation).iter().filter(|deed| matches!(deed.did, Did::Pend(_, Kind::Name)));
        names.filter_map(|deed| deed.to).filter(|&directory| matches!(self.flow.terms.get(directory), Term::Field(..)))
    }

    /// For a name whose directory cannot be told: the directory that is synced after it all the same.
    fn synced_elsewhere(&self, operation: FuncId, pending: &Pending) -> Option<Value> {
        if !self.flow.terms.is_bare_parent(pending.dir) {
            return None;
        }
        let origin = pending.trace.origin();
        let deeds = self.deeds(operation);
        let at = deeds.iter().rposition(|deed| deed.trace.origin() == origin)?;
        let directories: Vec<Value> = self.name_directories(operation).collect();
        deeds[at..]
            .iter()
            .find(|deed| {
                deed.did == Did::Sync
                    && (directories.contains(&deed.file)
                        || !deeds.iter().any(|other| writes(other) && other.file == deed.file))
            })
            .map(|deed| deed.file)
    }

    /// For a new file that nothing is in yet: the directory, or what may be one, that the operation syncs each time before it makes such a
    /// file. The next one syncs it before anything in the new file counts.
    fn synced_with_the_next(&self, operation: FuncId, pending: &Pending) -> Option<Value> {
        let origin = pending.trace.origin();
        let deeds = self.deeds(operation);
        let at = deeds.iter().position(|deed| deed.trace.origin() == origin)?;
        let is_written = |file: Value| deeds.iter().any(|deed| writes(deed) && deed.file == file);
        if !matches!(pending.how, How::Created | How::MaybeCreated) || is_written(pending.file) {
            return None;
        }
        let before = deeds[..at].iter().filter(|deed| deed.did == Did::Sync && !deed.failing);
        let directories: Vec<&Deed> = before.filter(|deed| !is_written(deed.file)).collect();
        // It is synced on every way to the new file if all answers on the way to the sync hold there as well.
        let always = |deed: &Deed| deed.guards.iter().all(|guard| deeds[at].guards.contains(guard));
        let surely = directories.iter().any(|deed| deed.file == pending.dir && always(deed));
        if surely {
            Some(pending.dir)
        } else {
            directories.first().map(|deed| deed.file).filter(|dir| *dir != pending.dir)
        }
    }

    fn name_left(&self, operation: FuncId, pending: &Pending) -> String {
        let what = match pending.how {
            How::Removed => "the removal of a name",
            How::Renamed => "a renamed file's name",
            How::Linked => "a linked file's name",
            How::Symlinked => "a symbolic link",
            _ => "a new file's name",
        };
        format!("`{}` reports success while {what} is not durable in its directory", self.short(operation))
    }
}
