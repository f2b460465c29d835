//! What is known at one point of one path: where names lead, what is still pending, which questions were answered.

use super::terms::{ABSENT, Site, Term, Terms, UNIT, UNSET, Value};
use crate::ir::FuncId;
use crate::source::Span;
use litemap::LiteMap;
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use ustr::Ustr;

/// The three kinds of effects that wait for something to make them durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Bytes in a user-space buffer; only a flush moves them on (to [`Kind::Data`]).
    Buffer,
    /// Data or size of a file in the page cache.
    Data,
    /// A name in a directory.
    Name,
}

/// What made an effect pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum How {
    /// Bytes written through a handle.
    Written,
    /// A whole file written by path, in one call.
    WrittenWhole,
    /// Filled by a copy of another file.
    Copied,
    /// Given to a function nobody can see into, which may have written.
    HandedOver,
    /// Cut or extended to a length.
    Resized,
    /// Cut to nothing.
    Cut,
    /// Newly created.
    Created,
    /// Opened, and created if it was not there.
    MaybeCreated,
    /// Renamed.
    Renamed,
    /// Given a second name.
    Linked,
    /// A symbolic link was made.
    Symlinked,
    /// Name taken away.
    Removed,
    /// Directory made.
    DirectoryMade,
}

/// How far written bytes have come on their way to the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transit {
    /// The kernel has them: a flush, or the call that wrote them, waited for that.
    Arrived,
    /// The kernel has them unless the handle finishes its writes in the background.
    Written,
    /// The handle finishes the write in the background: it is lost, or its failure unseen, if the handle goes away first.
    Background,
}

/// A place in the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// Where it stands.
    pub span: Span,
    /// The function that holds it.
    pub function: FuncId,
}

/// How one gets from a function to a place in it or below it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trace {
    /// The place itself.
    Here(Origin),
    /// Through a call at a place.
    Via(Origin, Arc<Trace>),
}

impl Trace {
    /// The place at the end.
    pub fn origin(&self) -> Origin {
        match self {
            Trace::Here(origin) => *origin,
            Trace::Via(_, inner) => inner.origin(),
        }
    }

    /// The first place: in the function that the trace starts in.
    pub fn start(&self) -> Origin {
        match self {
            Trace::Here(origin) | Trace::Via(origin, _) => *origin,
        }
    }

    /// The places on the way: the calls, and the place itself.
    pub fn origins(&self) -> Vec<Origin> {
        let (mut origins, mut at) = (Vec::new(), self);
        while let Trace::Via(origin, inner) = at {
            origins.push(*origin);
            at = inner;
        }
        origins.push(at.origin());
        origins
    }

    /// The functions on the way, from the one the trace starts in to the one that holds the place.
    pub fn functions(&self) -> Vec<FuncId> {
        self.origins().into_iter().map(|origin| origin.function).collect()
    }

    /// How many calls lie between.
    pub fn depth(&self) -> usize {
        match self {
            Trace::Here(_) => 0,
            Trace::Via(_, inner) => 1 + inner.depth(),
        }
    }
}

/// One effect that a crash may undo.
#[derive(Debug, Clone, Eq)]
pub struct Pending {
    /// Which kind.
    pub kind: Kind,
    /// The file's key.
    pub file: Value,
    /// For names: the directory's key.
    pub dir: Value,
    /// What did it.
    pub how: How,
    /// Where.
    pub trace: Arc<Trace>,
    /// Where `trace` ends.
    pub origin: Origin,
    /// Where a flush passed it on to the kernel, if one did.
    pub flushed: Option<Arc<Trace>>,
    /// For data: a flush of a handle that holds nothing back came after it, which can only have been meant as a sync.
    pub idle_flush: bool,
    /// For names: the file's content was synced, so somebody cares.
    pub cared: bool,
    /// Something that could not be resolved may have made it durable.
    pub doubt: bool,
    /// For data: the handle it was written through is gone, so nobody can sync it without opening the file again.
    pub closed: bool,
    /// For content: the files that had been read before it was written, which it may be made of; at most [`MAX_SOURCES`].
    pub sources: SmallVec<[Value; 2]>,
    /// How far the bytes have come.
    pub transit: Transit,
    /// Where the handle went away before the bytes had reached the kernel.
    pub lost: Option<Arc<Trace>>,
    /// Answers about settings that held on every path that leaves it, where such paths were joined with others since.
    pub when: Vec<Guard>,
}

/// Equal traces of one analysis are one in memory.
impl PartialEq for Pending {
    fn eq(&self, other: &Pending) -> bool {
        let same = |one: &Option<Arc<Trace>>, other: &Option<Arc<Trace>>| match (one, other) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        self.is_same_effect(other)
            && Arc::ptr_eq(&self.trace, &other.trace)
            && same(&self.flushed, &other.flushed)
            && same(&self.lost, &other.lost)
            && (self.idle_flush, self.cared, self.doubt, self.closed, self.transit)
                == (other.idle_flush, other.cared, other.doubt, other.closed, other.transit)
            && self.sources == other.sources
            && self.when == other.when
    }
}

/// At most so many files are kept as what a content may be made of. Where there were more, any may be.
pub const MAX_SOURCES: usize = 8;

/// Adds to the files that a content may be made of.
pub fn add_sources(sources: &mut SmallVec<[Value; 2]>, more: impl IntoIterator<Item = Value>) {
    for source in more {
        if sources.len() < MAX_SOURCES && !sources.contains(&source) {
            sources.push(source);
        }
    }
}

/// A question, and its answer.
pub type Guard = (Value, Question, bool);

/// Whether `guards` say or imply an answer: what is one variant is no other.
pub fn holds(guards: &[Guard], &(value, question, answer): &Guard) -> bool {
    guards.iter().any(|&(other, asked, said)| {
        other == value
            && (asked == question && said == answer
                || !answer
                    && said
                    && asked != question
                    && matches!((asked, question), (Question::Variant(_), Question::Variant(_))))
    })
}

/// At most so many answers are kept with what is pending.
const MAX_WHEN: usize = 8;

impl Pending {
    /// Whether both are the same effect from the same place.
    fn is_same_effect(&self, other: &Pending) -> bool {
        self.file == other.file
            && self.origin == other.origin
            && self.kind == other.kind
            && self.dir == other.dir
            && self.how == other.how
    }

    /// Notes that it is left only under `guards`.
    fn only_under(&mut self, guards: &[Guard]) {
        for guard in guards {
            if self.when.len() < MAX_WHEN && !self.when.contains(guard) {
                self.when.push(*guard);
            }
        }
    }
}

/// Joins what is pending on two paths: what either has. `lost` are the answers about settings that the paths do not share, mine and
/// theirs.
pub(super) fn join_pending(mine: &mut [Pending], theirs: &[Pending], lost: [&[Guard]; 2]) -> Vec<Pending> {
    let mut met = vec![false; mine.len()];
    let mut new = Vec::new();
    for their in theirs {
        let same = mine.iter().position(|mine| mine.is_same_effect(their));
        let mut their = their.clone();
        their.only_under(lost[1]);
        if let Some(at) = same {
            if !std::mem::replace(&mut met[at], true) {
                mine[at].only_under(lost[0]);
            }
            let mine = &mut mine[at].when;
            let implied = their.when.iter().filter(|guard| !mine.contains(guard) && holds(mine, guard)).copied();
            let implied: Vec<Guard> = implied.collect();
            mine.retain(|guard| holds(&their.when, guard));
            mine.extend(implied);
        }
        new.push(their);
    }
    for (at, mine) in mine.iter_mut().enumerate().filter(|(at, _)| !met[*at]) {
        debug_assert!(!met[at]);
        mine.only_under(lost[0]);
    }
    new
}

/// A question about a value that does not change on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Question {
    /// Did it succeed?
    Succeeded,
    /// Is it there?
    Present,
    /// Is it true?
    True,
    /// Which variant is it?
    Variant(Ustr),
    /// Which implementation is behind it?
    Implementation(FuncId),
}

/// What is known of one file in this function, beyond what is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Facts {
    /// Created on this path.
    pub created: bool,
    /// Opened by a path on this path, so surely a file; noted for an audit alone.
    pub opened: bool,
    /// A temporary by the way it was made.
    pub temporary: bool,
    /// Content was read on this path.
    pub read: bool,
    /// Written on this path.
    pub written: bool,
    /// Its length was changed on this path.
    pub resized: bool,
    /// Its data was synced on this path.
    pub synced: bool,
    /// Got its name by a rename on this path.
    pub renamed: bool,
    /// Opened so that each write is durable.
    pub write_through: bool,
    /// Behind a handle that finishes its writes in the background.
    pub background: bool,
    /// A socket that was bound on this path.
    pub socket: bool,
    /// A directory that was made on this path, and was not there before.
    pub made: bool,
    /// On this path it was found not to be there.
    pub absent: bool,
    /// On this path there is nothing in it that can be used: it is not there, or what was read from it did not do.
    pub unusable: bool,
}

impl Facts {
    /// Takes over what `other` knows.
    pub fn absorb(&mut self, other: Facts) {
        self.created |= other.created;
        self.opened |= other.opened;
        self.temporary |= other.temporary;
        self.read |= other.read;
        self.written |= other.written;
        self.resized |= other.resized;
        self.synced |= other.synced;
        self.renamed |= other.renamed;
        self.write_through |= other.write_through;
        self.background |= other.background;
        self.absent |= other.absent;
        self.unusable |= other.unusable;
        self.made |= other.made;
        self.socket |= other.socket;
    }

    /// What is known where one or the other holds: that nothing usable is there must hold on both ways.
    pub fn or(mut self, other: Facts) -> Facts {
        let (absent, unusable) = (self.absent && other.absent, self.unusable && other.unusable);
        self.absorb(other);
        Facts { absent, unusable, ..self }
    }
}

/// A part that many states share until one of them changes it.
#[derive(Debug, Default)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    /// Whether both are one in memory, and so surely equal.
    pub fn is(&self, other: &Shared<T>) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Its place in memory, which is its own as long as it is held.
    pub(super) fn place(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared(self.0.clone())
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Shared<T>) -> bool {
        self.is(other) || *self.0 == *other.0
    }
}

impl<T: Eq> Eq for Shared<T> {}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Shared<T> {
        Shared(Arc::new(value))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<'a, T> IntoIterator for &'a Shared<T>
where
    &'a T: IntoIterator,
{
    type Item = <&'a T as IntoIterator>::Item;
    type IntoIter = <&'a T as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.0.as_ref().into_iter()
    }
}

impl<'a, T: Clone> IntoIterator for &'a mut Shared<T>
where
    &'a mut T: IntoIterator,
{
    type Item = <&'a mut T as IntoIterator>::Item;
    type IntoIter = <&'a mut T as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        (&mut **self).into_iter()
    }
}

/// What is known at one point of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The locals.
    pub env: Shared<Vec<Value>>,
    /// Fields that were assigned.
    pub heap: Shared<LiteMap<(Value, Ustr), Value>>,
    /// Questions that were answered on the way here.
    pub guards: Shared<Guards>,
    /// Where names lead, where that changed.
    pub names: Shared<LiteMap<Value, Value>>,
    /// What a crash may undo.
    pub pending: Shared<Vec<Pending>>,
    /// What is known of files.
    pub facts: Shared<LiteMap<Value, Facts>>,
    /// What was settled, let go or failed on the way.
    pub past: Shared<Past>,
    /// An error edge lies behind.
    pub failing: bool,
    /// The whole file system was synced on every path since entry.
    pub all_killed: bool,
    /// A sync of something that could not be resolved lies behind.
    pub vague_sync: bool,
    /// More was pending than is kept: some of it is forgotten.
    pub overfull: bool,
}

/// What came about on the way to a point, and on most ways did not: states share it whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Past {
    /// What was made durable on every path since the function's entry: (file key, data) or (directory key, names).
    pub killed: Shared<Vec<(Value, Kind)>>,
    /// Flushes on every path since entry.
    pub flushed: Shared<Vec<Value>>,
    /// What the function was given and let go, and where.
    pub dropped: Shared<Vec<(Value, Arc<Trace>)>>,
    /// Files whose sync failed on the way, where it was asked for, and that were not synced since.
    pub failed_syncs: Shared<Vec<(Value, Arc<Trace>)>>,
    /// Changes of files that failed on this path.
    /// The second part: whether this function looked at the failure since.
    pub failed_changes: Shared<Vec<(Origin, bool)>>,
    /// Files and directories that could not be opened on the way: a sync of them was perhaps wanted.
    pub unopened: Vec<Value>,
    /// What was synced through a handle that cannot write: a directory, perhaps.
    pub maybe_directories: Vec<Value>,
}

/// At most so many pending effects are kept a state; beyond it the oldest names go first, and the state says so.
const MAX_PENDING: usize = 96;

impl State {
    /// How much it knows: what it costs to join it.
    pub fn size(&self) -> usize {
        self.env.len() / 8
            + self.heap.len()
            + self.guards.len()
            + self.names.len()
            + self.facts.len()
            + 2 * self.pending.len()
    }

    /// The state at a function's entry.
    pub fn entry(locals: usize) -> State {
        State {
            env: vec![UNSET; locals].into(),
            heap: Shared::default(),
            guards: Shared::default(),
            names: Shared::default(),
            pending: Shared::default(),
            facts: Shared::default(),
            past: Shared::default(),
            failing: false,
            all_killed: false,
            vague_sync: false,
            overfull: false,
        }
    }

    /// Adds a pending effect; one from the same place to the same file stays single.
    pub fn add(&mut self, new: Pending) {
        self.add_one(&new);
    }

    /// [`State::add`] of several.
    pub fn add_all(&mut self, list: &[Pending]) {
        list.iter().for_each(|new| self.add_one(new));
    }

    fn add_one(&mut self, new: &Pending) {
        if let Some(place) = self.pending.iter().position(|old| old.is_same_effect(new)) {
            if self.pending[place] == *new {
                return;
            }
            let (old, new) = (&mut self.pending[place], new.clone());
            if new.trace.depth() < old.trace.depth() {
                old.trace = new.trace;
            }
            old.doubt &= new.doubt;
            old.idle_flush &= new.idle_flush;
            old.cared |= new.cared;
            old.closed |= new.closed;
            add_sources(&mut old.sources, new.sources);
            old.transit = old.transit.max(new.transit);
            old.lost = old.lost.take().or(new.lost);
            old.when.retain(|guard| new.when.contains(guard));
            old.flushed = old.flushed.take().and(new.flushed);
            return;
        }
        if self.pending.len() >= MAX_PENDING {
            let victim = self.pending.iter().position(|old| old.kind == Kind::Name).unwrap_or(0);
            self.pending.remove(victim);
            self.overfull = true;
        }
        self.pending.push(new.clone());
    }

    /// Notes that `what` was made durable.
    pub fn kill(&mut self, file: Value, kind: Kind) {
        if !self.past.killed.contains(&(file, kind)) && self.past.killed.len() < 64 {
            self.past.killed.push((file, kind));
        }
    }

    /// What is known of `file`.
    pub fn fact(&mut self, file: Value) -> &mut Facts {
        let place = match self.facts.find_index(&file) {
            Ok(place) => place,
            Err(_) => {
                self.facts.insert(file, Facts::default());
                self.facts.find_index(&file).unwrap_or_default()
            }
        };
        self.facts.iter_mut().nth(place).map(|(_, facts)| facts).expect("it was put there")
    }

    /// Where the name at `path` leads.
    pub fn key(&self, path: Value) -> Value {
        self.names.get(&path).copied().unwrap_or(path)
    }

    /// Everything but the answers: states with equal content need not be kept apart.
    pub fn same_content(&self, other: &State) -> bool {
        self.failing == other.failing
            && self.all_killed == other.all_killed
            && self.vague_sync == other.vague_sync
            && self.overfull == other.overfull
            && self.env == other.env
            && self.pending == other.pending
            && self.past == other.past
            && self.heap == other.heap
            && self.names == other.names
            && self.facts == other.facts
    }

    /// Whether some variable holds a success here and a failure there, something here and nothing there, or an answer here and another there
    /// where different things are pending or found: what comes next depends on it.
    pub fn contradicts(&self, other: &State, terms: &Terms) -> bool {
        !self.env.is(&other.env)
            && differing(&self.env, &other.env).any(|local| self.contradicts_at(local, other, terms))
    }

    /// [`State::contradicts`], for one variable.
    pub fn contradicts_at(&self, local: usize, other: &State, terms: &Terms) -> bool {
        let (mine, theirs) = (self.env[local], other.env[local]);
        mine != theirs
            && match (terms.get(mine), terms.get(theirs)) {
                (Term::Success(_), Term::Failure(_)) | (Term::Failure(_), Term::Success(_)) => true,
                (Term::Absent, there) | (there, Term::Absent) => is_surely_there(there),
                _ => {
                    tells_apart(mine, theirs, terms, 0)
                        && (!self.pending.is(&other.pending) || self.finds_otherwise(other))
                }
            }
    }

    /// Whether there is nothing usable in a file here, and there may be there, or the other way round.
    fn finds_otherwise(&self, other: &State) -> bool {
        let more = |mine: &State, theirs: &State| {
            let mut unusable = mine.facts.iter().filter(|(_, facts)| facts.unusable);
            unusable.any(|(file, _)| !theirs.facts.get(file).is_some_and(|facts| facts.unusable))
        };
        !self.facts.is(&other.facts) && (more(self, other) || more(other, self))
    }

    /// Takes over what `other` knows, at the join `site`: what either may have is kept, what both must have is kept. Answers that differ
    /// are forgotten. Whether that changed anything.
    pub fn join(&mut self, other: &State, terms: &mut Terms, site: Site) -> bool {
        // Behind a failure nobody counts on what was left undone: joined with the main line it would seem to be left there.
        if self.failing != other.failing {
            let failed = self.failing;
            if failed {
                *self = other.clone();
            }
            return failed;
        }
        let mut changed = false;
        if !self.env.is(&other.env) {
            let places: SmallVec<[usize; 16]> = differing(&self.env, &other.env).collect();
            for local in places {
                let (mine, theirs) = (self.env[local], other.env[local]);
                if theirs != UNSET {
                    let joined = join_values(mine, theirs, terms, site, local as u32);
                    if joined != mine {
                        self.env[local] = joined;
                        changed = true;
                    }
                }
            }
        }
        if self.heap != other.heap {
            changed |= self.join_heap(other, terms, site);
        }
        let lost = match self.guards == other.guards {
            true => Default::default(),
            false => {
                [lost_settings(&self.guards, &other.guards, terms), lost_settings(&other.guards, &self.guards, terms)]
            }
        };
        changed |= keep_common_answers(&mut self.guards, &other.guards);
        if self.names != other.names {
            changed |= self.join_names(other, terms, site);
        }
        if !self.pending.is(&other.pending) {
            changed |= self.join_pending(&other.pending, [&lost[0], &lost[1]]);
        }
        if self.past != other.past {
            changed |= self.past.join(&other.past);
        }
        if self.facts != other.facts {
            changed |= self.join_facts(other);
        }
        let flags = (self.all_killed, self.vague_sync, self.overfull);
        self.all_killed &= other.all_killed;
        self.vague_sync |= other.vague_sync;
        self.overfull |= other.overfull;
        changed |= flags != (self.all_killed, self.vague_sync, self.overfull);
        changed
    }

    /// Adds what is pending on another path. `lost` are the answers about settings that the paths do not share, mine and theirs.
    fn join_pending(&mut self, other: &Shared<Vec<Pending>>, lost: [&[Guard]; 2]) -> bool {
        let free = lost.iter().all(|lost| lost.is_empty());
        let common = self.pending.iter().zip(other).take_while(|(mine, theirs)| mine == theirs).count();
        if free && all_among(&other[common..], &self.pending) {
            return false;
        }
        let before = self.pending.clone();
        let theirs = join_pending(&mut self.pending[common..], &other[common..], lost);
        self.add_all(&theirs);
        self.pending != before
    }

    /// What is there on one way may be there; the rest that is known of files on either way is known.
    fn join_facts(&mut self, other: &State) -> bool {
        let (mine, theirs) = (self.facts.as_slice(), other.facts.as_slice());
        let mut joined: Vec<(Value, Facts)> = Vec::with_capacity(mine.len().max(theirs.len()));
        let (mut at, mut there) = (0, 0);
        while at < mine.len() || there < theirs.len() {
            let order = match (mine.get(at), theirs.get(there)) {
                (Some(mine), Some(theirs)) => mine.0.cmp(&theirs.0),
                (Some(_), None) => Ordering::Less,
                _ => Ordering::Greater,
            };
            let (file, facts) = match order {
                Ordering::Less => (mine[at].0, mine[at].1.or(Facts::default())),
                Ordering::Greater => (theirs[there].0, theirs[there].1.or(Facts::default())),
                Ordering::Equal => (mine[at].0, mine[at].1.or(theirs[there].1)),
            };
            joined.push((file, facts));
            at += usize::from(order != Ordering::Greater);
            there += usize::from(order != Ordering::Less);
        }
        let changed = joined != mine;
        if changed {
            self.facts = LiteMap::from_sorted_store_unchecked(joined).into();
        }
        changed
    }

    /// The function looks at a failure: what it does then is no accident.
    pub fn look_at_failures(&mut self) {
        if self.past.failed_changes.iter().any(|(_, seen)| !seen) {
            self.past.failed_changes.iter_mut().for_each(|(_, seen)| *seen = true);
        }
    }

    /// Takes over what is known of `file` elsewhere.
    pub fn absorb(&mut self, file: Value, facts: Facts) {
        let old = self.facts.get(&file).copied();
        let mut new = old.unwrap_or_default();
        new.absorb(facts);
        if old != Some(new) {
            self.facts.insert(file, new);
        }
    }

    /// Remembers an answer.
    pub fn answer(&mut self, value: Value, question: Question, answer: bool) {
        if self.guards.get(&(value, question)) != Some(&answer) {
            self.guards.insert((value, question), answer);
        }
    }

    fn join_heap(&mut self, other: &State, terms: &mut Terms, site: Site) -> bool {
        let mut changed: Vec<((Value, Ustr), Value)> = Vec::new();
        let (mine, theirs) = (self.heap.as_slice(), other.heap.as_slice());
        let mut at = 0;
        for (number, &(place, theirs)) in theirs.iter().enumerate() {
            let old = find_from(mine, &mut at, place);
            let mine = match old {
                Some(mine) if mine == theirs => continue,
                Some(mine) => mine,
                // A collection that is empty there has no other elements.
                None if terms.is_of_nothing(place.0) => theirs,
                None => terms.field(place.0, place.1),
            };
            let joined = join_values(mine, theirs, terms, site, 0x8000 + number as u32);
            if old != Some(joined) {
                changed.push((place, joined));
            }
        }
        let mut at = 0;
        for (number, &(place, mine)) in mine.iter().enumerate() {
            if find_from(theirs, &mut at, place).is_none() && !terms.is_of_nothing(place.0) {
                let theirs = terms.field(place.0, place.1);
                if mine == theirs {
                    continue;
                }
                let joined = join_values(mine, theirs, terms, site, 0xC000 + number as u32);
                if joined != mine {
                    changed.push((place, joined));
                }
            }
        }
        let any = !changed.is_empty();
        for (place, value) in changed {
            self.heap.insert(place, value);
        }
        any
    }
}

impl Past {
    /// Takes over what `other` knows: what failed on either way is kept, and what both have of the rest. Whether that changed anything.
    fn join(&mut self, other: &Past) -> bool {
        let mut changed = keep_common(&mut self.killed, &other.killed);
        changed |= keep_common(&mut self.flushed, &other.flushed);
        changed |= keep_common(&mut self.dropped, &other.dropped);
        let failed = self.failed_syncs.len() + self.failed_changes.len();
        for (file, trace) in &other.failed_syncs {
            self.sync_failed(*file, trace);
        }
        for &(place, seen) in &other.failed_changes {
            self.change_failed(place, seen);
        }
        changed |= self.failed_syncs.len() + self.failed_changes.len() > failed;
        changed |= add_missing(&mut self.unopened, &other.unopened);
        changed |= add_missing(&mut self.maybe_directories, &other.maybe_directories);
        changed
    }

    /// Notes that a sync of `file` failed, where `trace` says.
    pub fn sync_failed(&mut self, file: Value, trace: &Arc<Trace>) {
        if self.failed_syncs.len() < 4 && !self.failed_syncs.iter().any(|known| known.0 == file && known.1 == *trace) {
            self.failed_syncs.push((file, trace.clone()));
        }
    }

    /// Notes that a change of a file failed.
    pub fn change_failed(&mut self, place: Origin, seen: bool) {
        if self.failed_changes.len() < 4 && !self.failed_changes.iter().any(|(known, _)| *known == place) {
            self.failed_changes.push((place, seen));
        }
    }
}

/// The places at which two lists of one length differ, in order.
fn differing<'v>(one: &'v [Value], other: &'v [Value]) -> impl Iterator<Item = usize> + 'v {
    // Most of them do not differ: a piece is compared as a whole.
    const PIECE: usize = 16;
    let pieces = one.chunks(PIECE).zip(other.chunks(PIECE)).enumerate();
    let differ = |(_, (one, other)): &(usize, (&[Value], &[Value]))| {
        one.iter().zip(*other).fold(false, |differ, (one, other)| differ | (one != other))
    };
    pieces.filter(differ).flat_map(|(piece, (one, other))| {
        let places = one.iter().zip(other).enumerate().filter(|(_, (one, other))| one != other);
        places.map(move |(at, _)| piece * PIECE + at)
    })
}

/// What a sorted heap has at `place`, looked for from `at` on, which moves up to it: places are asked for in order.
fn find_from(heap: &[((Value, Ustr), Value)], at: &mut usize, place: (Value, Ustr)) -> Option<Value> {
    // Names are texts: that two are one is seen at once.
    let order = |known: (Value, Ustr)| match known == place {
        true => Ordering::Equal,
        false => known.cmp(&place),
    };
    while let Some(&(known, value)) = heap.get(*at) {
        match order(known) {
            Ordering::Less => *at += 1,
            Ordering::Equal => return Some(value),
            Ordering::Greater => break,
        }
    }
    None
}

impl State {
    /// A name that leads to one file here and to another there may lead to either.
    fn join_names(&mut self, other: &State, terms: &mut Terms, site: Site) -> bool {
        let before = self.names.clone();
        let paths: Vec<Value> = self.names.keys().chain(other.names.keys()).copied().collect();
        for (number, path) in paths.into_iter().enumerate() {
            let (mine, theirs) = (self.key(path), other.key(path));
            let gone = |key: Value| matches!(terms.get(key), Term::Gone(_));
            let joined = match (gone(mine), gone(theirs)) {
                _ if mine == theirs => mine,
                (true, _) => theirs,
                (_, true) => mine,
                _ => join_values(mine, theirs, terms, site, 0x4000 + number as u32),
            };
            if self.names.get(&path) != Some(&joined) {
                self.names.insert(path, joined);
            }
        }
        // A path that is on both lists comes twice, and ends as it came.
        self.names != before
    }
}

/// The file of a handle that lies in a field beside `path`, by which it was opened. What was renamed away from there is held on to.
pub(super) fn held_by(names: &LiteMap<Value, Value>, path: Value, terms: &Terms) -> Value {
    match names.get(&path) {
        Some(&key) if matches!(terms.get(key), Term::Gone(_)) && names.values().any(|file| *file == path) => path,
        Some(&key) => key,
        None => path,
    }
}

/// The answers of a path.
pub(super) type Guards = LiteMap<(Value, Question), bool>;

/// Whether `guards` say or imply an answer: what is one variant is no other.
pub(super) fn implies(guards: &Guards, about: &(Value, Question), answer: bool) -> bool {
    match guards.get(about) {
        Some(known) => *known == answer,
        None => excludes(guards, about, answer),
    }
}

/// Whether `guards`, which say nothing themselves, imply an answer, by telling which other variant it is.
fn excludes(guards: &Guards, about: &(Value, Question), answer: bool) -> bool {
    let Question::Variant(name) = about.1 else { return false };
    let from = |place| &guards.as_slice()[place..];
    !answer
        && from(guards.find_index(&(about.0, Question::Succeeded)).unwrap_or_else(|place| place))
            .iter()
            .take_while(|((value, _), _)| *value == about.0)
            .any(|((_, asked), yes)| *yes && matches!(asked, Question::Variant(is) if *is != name))
}

/// The answers of `one` that `other` does not give, and what it says instead.
pub(super) fn not_given<'g>(
    one: &'g Guards,
    other: &'g Guards,
) -> impl Iterator<Item = (&'g (Value, Question), bool, Option<bool>)> {
    let (mut at, theirs) = (0, other.as_slice());
    one.as_slice().iter().filter_map(move |(about, answer)| {
        while theirs.get(at).is_some_and(|(known, _)| known < about) {
            at += 1;
        }
        let said = theirs.get(at).filter(|(known, _)| known == about).map(|(_, said)| *said);
        (said != Some(*answer)).then_some((about, *answer, said))
    })
}

/// The answers of `one` that `other` neither gives nor implies.
fn not_implied<'g>(one: &'g Guards, other: &'g Guards) -> impl Iterator<Item = (&'g (Value, Question), bool)> {
    not_given(one, other)
        .filter(|(about, answer, said)| said.is_some() || !excludes(other, about, *answer))
        .map(|(about, answer, _)| (about, answer))
}

/// Keeps the answers that hold on both paths. Whether that changed anything.
pub(super) fn keep_common_answers(mine: &mut Shared<Guards>, theirs: &Shared<Guards>) -> bool {
    if mine == theirs {
        return false;
    }
    let implied: Vec<_> = not_given(theirs, mine)
        .filter(|(about, answer, said)| said.is_none() && excludes(mine, about, *answer))
        .map(|(about, answer, _)| (*about, answer))
        .collect();
    let lost: Vec<_> = not_implied(mine, theirs).map(|(about, _)| *about).collect();
    let changed = !implied.is_empty() || !lost.is_empty();
    if !lost.is_empty() {
        let mut lost = lost.iter().peekable();
        mine.retain(|about, _| lost.next_if(|lost| *lost == about).is_none());
    }
    for (about, answer) in implied {
        mine.insert(about, answer);
    }
    changed
}

/// Answers about settings in `mine` that `theirs` has not.
fn lost_settings(mine: &Guards, theirs: &Guards, terms: &Terms) -> Vec<Guard> {
    not_implied(mine, theirs)
        .filter(|((value, question), _)| terms.is_setting(*value, *question))
        .map(|(&(value, question), answer)| (value, question, answer))
        .collect()
}

/// Keeps what is in both lists. Whether that changed anything.
fn keep_common<T: Clone + PartialEq>(mine: &mut Shared<Vec<T>>, theirs: &Shared<Vec<T>>) -> bool {
    let changed = !mine.is(theirs) && !mine.iter().all(|one| theirs.contains(one));
    if changed {
        mine.retain(|one| theirs.contains(one));
    }
    changed
}

/// Adds what is not in the list yet. Whether there was any.
fn add_missing(mine: &mut Vec<Value>, theirs: &[Value]) -> bool {
    let before = mine.len();
    for one in theirs {
        if !mine.contains(one) {
            mine.push(*one);
        }
    }
    mine.len() > before
}

/// Whether each of `some` is in `all`, where most stand in the same order.
pub(super) fn all_among(some: &[Pending], all: &[Pending]) -> bool {
    let mut next = 0;
    some.iter().all(|one| {
        let same = |other: &Pending| Arc::ptr_eq(&other.trace, &one.trace) && other == one;
        let found = all[next..].iter().chain(&all[..next]).position(same);
        next = found.map_or(next, |found| (next + found + 1) % all.len());
        found.is_some()
    })
}

/// Whether one value says what the other denies: a flag, or which variant it is, also inside a record.
fn tells_apart(mine: Value, theirs: Value, terms: &Terms, depth: u8) -> bool {
    if mine == theirs || depth > 3 {
        return false;
    }
    match (terms.get(mine), terms.get(theirs)) {
        (Term::Const(mine), Term::Const(theirs)) => {
            matches!((mine.as_str(), theirs.as_str()), ("true", "false") | ("false", "true"))
        }
        (Term::Success(mine), Term::Success(theirs)) => tells_apart(*mine, *theirs, terms, depth + 1),
        (
            Term::Aggregate { type_name: mine, fields: my_fields, .. },
            Term::Aggregate { type_name: theirs, fields: their_fields, .. },
        ) => {
            mine != theirs
                || my_fields.iter().zip(their_fields).any(|((my_name, mine), (their_name, theirs))| {
                    my_name == their_name && tells_apart(*mine, *theirs, terms, depth + 1)
                })
        }
        _ => false,
    }
}

/// Whether an optional value with this content is known to be there.
pub(super) fn is_surely_there(term: &Term) -> bool {
    match term {
        Term::Handle { .. } | Term::Aggregate { .. } | Term::Const(_) | Term::Closure(..) | Term::Unit => true,
        // What was computed or put together here.
        Term::Op(name, _) => {
            matches!(name.as_str(), "+" | "-" | "*" | "/" | "%" | "|" | "&" | "<<" | ">>")
                || name.starts_with("format:")
        }
        _ => false,
    }
}

/// One value for what is `mine` on one path and `theirs` on the other.
pub(super) fn join_values(mine: Value, theirs: Value, terms: &mut Terms, site: Site, number: u32) -> Value {
    if mine == theirs || theirs == UNSET {
        return mine;
    }
    if mine == UNSET {
        return theirs;
    }
    // An optional value that may be absent: what it is if it is there. The question whether it is stays open.
    for (one, other) in [(mine, theirs), (theirs, mine)] {
        if matches!(one, ABSENT | UNIT) {
            return other;
        }
    }
    // Whether it went well is what comes next; it must not get lost.
    match (terms.get(mine), terms.get(theirs)) {
        (&Term::Success(one), &Term::Success(other)) => {
            let inner = join_values(one, other, terms, site, number);
            return terms.make(Term::Success(inner));
        }
        (&Term::Failure(one), &Term::Failure(other)) => {
            let inner = join_values(one, other, terms, site, number);
            return terms.make(Term::Failure(inner));
        }
        _ => {}
    }
    let term = Term::Fresh(site, number);
    let joined = match (*terms.get(mine) == term, *terms.get(theirs) == term) {
        (true, _) => mine,
        (_, true) => theirs,
        _ => terms.make(term),
    };
    terms.add_alternative(joined, mine);
    terms.add_alternative(joined, theirs);
    joined
}
