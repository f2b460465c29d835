//! Symbolic values: what a variable holds, told by where it came from. Equal terms are equal values.
//!
//! Terms are hash-consed in one [`Terms`] table for the whole run. A term is meaningful inside one function: it is rooted in that
//! function's parameters, globals, and things made at its own sites. Summaries carry terms of the callee; [`Terms::replace`] turns
//! them into terms of the caller.

use super::state::Question;
use crate::ir::FuncId;
use hashbrown::HashTable;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};
use std::ops::{Index, IndexMut};
use std::sync::Arc;
use ustr::Ustr;

/// A symbolic value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub u32);

/// Names a place in a function where new values are made, and through which calls it was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site(pub u32);

/// A site in full: instruction `point` of `function`, seen through the call at `via`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct SiteKey {
    function: FuncId,
    point: u32,
    via: Option<Site>,
}

/// What a record holds or a function value captures, by name. There are many terms and few with fields: they do not lie in the term.
pub type Fields = SmallVec<[(Ustr, Value); 1]>;

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Term {
    /// Not assigned yet.
    Unset,
    /// Without content.
    Unit,
    /// An optional value that is not there.
    Absent,
    /// A constant, by canonical text.
    Const(Ustr),
    /// Parameter of the function that is looked at.
    Param(u16),
    /// A global variable.
    Global(Ustr),
    /// A field as it was when the function was entered.
    Field(Value, Ustr),
    /// Some element of a collection.
    Element(Value),
    /// A pure operation.
    Op(Ustr, SmallVec<[Value; 2]>),
    /// A handle opened at a site; `file` is the file's key.
    Handle {
        /// Where it was opened.
        site: Site,
        /// Key of its file.
        file: Value,
        /// Can write.
        writable: bool,
    },
    /// A handle with a user-space write buffer around.
    Buffered(Value),
    /// Something new made at a site; the number tells several of them apart.
    Fresh(Site, u32),
    /// What a name leads to after its file was renamed away or removed at the site.
    Gone(Site),
    /// A record.
    Aggregate {
        /// Where it was made.
        site: Site,
        /// Its type or variant.
        type_name: Option<Ustr>,
        /// The fields that were set.
        fields: Fields,
    },
    /// A function value with what it captures.
    Closure(FuncId, Fields),
    /// Named functions as a value.
    Functions(SmallVec<[FuncId; 1]>),
    /// A successful result.
    Success(Value),
    /// A failed result.
    Failure(Value),
}

/// Terms nested deeper than this become opaque: bounds the work on cyclic data.
const MAX_DEPTH: u8 = 24;

/// A term, and what is asked of it again and again.
#[derive(Debug, Clone)]
struct Entry {
    term: Term,
    /// Where in `joins` it stands for several, counted from one; 0 if it does not.
    joined: u32,
    depth: u8,
    /// Told by parameters, globals and constants alone.
    stable: bool,
    /// It or a part of it is something that a caller can tell and no constant.
    rooted: bool,
}

/// A list that grows by whole pieces: there are millions of terms, and none of them moves.
#[derive(Debug, Clone)]
struct Pieces<T>(Vec<Vec<T>>);

impl<T> Default for Pieces<T> {
    fn default() -> Pieces<T> {
        Pieces(Vec::new())
    }
}

/// So many entries are in a piece.
const PIECE: usize = 1 << 12;

impl<T> Pieces<T> {
    fn len(&self) -> usize {
        self.0.last().map_or(0, |last| (self.0.len() - 1) * PIECE + last.len())
    }

    fn push(&mut self, new: T) {
        match self.0.last_mut().filter(|last| last.len() < PIECE) {
            Some(last) => last.push(new),
            None => {
                // Small programs have few terms.
                let mut piece = Vec::with_capacity(if self.0.is_empty() { 0 } else { PIECE });
                piece.push(new);
                self.0.push(piece);
            }
        }
    }
}

impl<T> Index<usize> for Pieces<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        &self.0[at / PIECE][at % PIECE]
    }
}

impl<T> IndexMut<usize> for Pieces<T> {
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.0[at / PIECE][at % PIECE]
    }
}

/// Terms, and the sites where they were made.
#[derive(Debug, Clone, Default)]
struct Table {
    terms: Pieces<Entry>,
    /// The terms by what they are, with the hash of each, so that a table that grows asks none of them; each stands in `terms` alone.
    index: HashTable<(u32, Value)>,
    sites: Vec<SiteKey>,
    site_index: FxHashMap<SiteKey, Site>,
    /// For values that stand for several (a join of paths): which.
    joins: Pieces<Joined>,
}

/// The values that one stands for.
type Joined = SmallVec<[Value; 4]>;

/// At most so many values are known that one stands for.
const MAX_JOINED: usize = 4;

impl Table {
    fn find(&self, term: &Term, hash: u32, first: u32) -> Option<Value> {
        let same =
            |(known, value): &(u32, Value)| *known == hash && self.terms[(value.0 - first) as usize].term == *term;
        self.index.find(spread(hash), same).map(|(_, value)| *value)
    }
}

impl Table {
    /// Adds what a table has that started from this one, which keeps its numbers.
    fn append(&mut self, more: OwnTerms) {
        let OwnTerms { first, own, rejoined } = more;
        assert_eq!(first, (self.terms.len() as u32, self.sites.len() as u32), "it started from another table");
        let Table { terms, index, sites, site_index, joins } = own;
        let joined_before = self.joins.len() as u32;
        for entry in terms.0.into_iter().flatten() {
            let joined = if entry.joined == 0 { 0 } else { entry.joined + joined_before };
            self.terms.push(Entry { joined, ..entry });
        }
        for joined in joins.0.into_iter().flatten() {
            self.joins.push(joined);
        }
        self.index.reserve(index.len(), |(hash, _)| spread(*hash));
        for (hash, value) in index {
            self.index.insert_unique(spread(hash), (hash, value), |(hash, _)| spread(*hash));
        }
        self.sites.extend(sites);
        self.site_index.extend(site_index);
        for (value, list) in rejoined {
            match self.terms[value.0 as usize].joined {
                0 => {
                    self.joins.push(list);
                    self.terms[value.0 as usize].joined = self.joins.len() as u32;
                }
                place => self.joins[place as usize - 1] = list,
            }
        }
    }
}

/// A table of terms: those that were there before, which several tables share and none changes, and its own.
#[derive(Debug)]
pub struct Terms {
    base: Arc<Table>,
    /// The first value of its own, and the first site.
    first: (u32, u32),
    own: Table,
    /// Where more is known of what a value of `base` stands for than is known there: that.
    rejoined: FxHashMap<Value, Joined>,
    /// Those that were asked for last, by the end of their hash: most are asked for again soon, and the index is large.
    recent: Box<[(u32, Value)]>,
    /// Names of operations, interned once.
    pub ops: Ops,
}

/// Names of the operations on paths that terms know the meaning of.
#[derive(Debug, Clone, Copy)]
pub struct Ops {
    /// `join(dir, name)`.
    pub join: Ustr,
    /// `parent(path)`.
    pub parent: Ustr,
    /// `with_extension(path, ext)`.
    pub with_extension: Ustr,
    /// `with_file_name(path, name)`.
    pub with_file_name: Ustr,
    /// `entries(dir)`: the collection of the paths in a directory.
    pub entries: Ustr,
    /// `file_name(path)`.
    pub file_name: Ustr,
    /// What stands for the elements of a collection among its fields.
    pub element: Ustr,
    /// `==`.
    pub equal: Ustr,
}

impl Default for Ops {
    fn default() -> Ops {
        Ops {
            join: "join".into(),
            parent: "parent".into(),
            with_extension: "with_extension".into(),
            with_file_name: "with_file_name".into(),
            entries: "entries".into(),
            file_name: "file_name".into(),
            element: "[]".into(),
            equal: "==".into(),
        }
    }
}

impl Default for Terms {
    fn default() -> Terms {
        let mut terms = Terms::over(Arc::default(), Ops::default());
        assert_eq!(terms.make(Term::Unset), UNSET);
        assert_eq!(terms.make(Term::Unit), UNIT);
        assert_eq!(terms.make(Term::Absent), ABSENT);
        terms
    }
}

/// How many terms are remembered as asked for last; by a table that has made only a few of its own, as most do, [`RECENT_OF_FEW`].
const RECENT: usize = 1 << 12;
const RECENT_OF_FEW: usize = 1 << 8;

/// Room to remember so many terms.
fn recent(count: usize) -> Box<[(u32, Value)]> {
    vec![(0, Value(u32::MAX)); count].into()
}

/// The number of [`Term::Fresh`] values that are made of nothing (an empty collection): memory, no file.
pub const OF_NOTHING: u32 = 0x4000_0000;

/// [`Term::Unset`].
pub const UNSET: Value = Value(0);
/// [`Term::Unit`].
pub const UNIT: Value = Value(1);
/// [`Term::Absent`].
pub const ABSENT: Value = Value(2);

impl Terms {
    fn over(base: Arc<Table>, ops: Ops) -> Terms {
        Terms {
            first: (base.terms.len() as u32, base.sites.len() as u32),
            base,
            own: Table::default(),
            rejoined: FxHashMap::default(),
            recent: recent(RECENT_OF_FEW),
            ops,
        }
    }

    /// How many terms there are.
    fn len(&self) -> usize {
        self.first.0 as usize + self.own.terms.len()
    }

    /// The value of `term`, simplified.
    pub fn make(&mut self, term: Term) -> Value {
        let hash = hash(&term);
        let slot = hash as usize & (self.recent.len() - 1);
        let (last, value) = self.recent[slot];
        if last == hash && value != Value(u32::MAX) && self.entry(value).term == term {
            return value;
        }
        let known = self.own.find(&term, hash, self.first.0).or_else(|| self.base.find(&term, hash, 0));
        if let Some(value) = known {
            self.recent[slot] = (hash, value);
            return value;
        }
        let depth = 1 + children(&term).map(|child| self.entry(child).depth).max().unwrap_or(0);
        if depth > MAX_DEPTH {
            // All too deep terms of one kind collapse: they are never equal to anything that matters.
            let text = Ustr::from("<too deep>");
            return self.make(Term::Const(text));
        }
        let value = Value(self.len() as u32);
        let stable = self.is_stable_term(&term);
        let constant = matches!(term, Term::Const(_) | Term::Unit | Term::Absent);
        let rooted = stable && !constant || children(&term).any(|child| self.entry(child).rooted);
        self.own.terms.push(Entry { term, joined: 0, depth, stable, rooted });
        self.own.index.insert_unique(spread(hash), (hash, value), |(hash, _)| spread(*hash));
        self.recent[slot] = (hash, value);
        if self.recent.len() < RECENT && self.own.terms.len() > RECENT_OF_FEW {
            self.recent = recent(RECENT);
        }
        value
    }

    fn entry(&self, value: Value) -> &Entry {
        match value.0.checked_sub(self.first.0) {
            Some(own) => &self.own.terms[own as usize],
            None => &self.base.terms[value.0 as usize],
        }
    }

    /// What `value` is.
    pub fn get(&self, value: Value) -> &Term {
        &self.entry(value).term
    }

    /// The site `point` of `function`, as seen in that function.
    pub fn site(&mut self, function: FuncId, point: u32) -> Site {
        self.intern_site(SiteKey { function, point, via: None })
    }

    fn intern_site(&mut self, key: SiteKey) -> Site {
        if let Some(&site) = self.own.site_index.get(&key).or_else(|| self.base.site_index.get(&key)) {
            return site;
        }
        let site = Site(self.first.1 + self.own.sites.len() as u32);
        self.own.sites.push(key);
        self.own.site_index.insert(key, site);
        site
    }

    fn site_key(&self, site: Site) -> SiteKey {
        match site.0.checked_sub(self.first.1) {
            Some(own) => self.own.sites[own as usize],
            None => self.base.sites[site.0 as usize],
        }
    }

    /// A callee's `site` as seen from the call at `call`. The chain keeps only the outermost call and the site itself.
    pub fn site_via(&mut self, call: Site, site: Site) -> Site {
        let inner = self.site_key(site);
        self.intern_site(SiteKey { function: inner.function, point: inner.point, via: Some(call) })
    }

    /// A constant.
    pub fn constant(&mut self, text: &str) -> Value {
        self.make(Term::Const(text.into()))
    }

    /// Whether `value` is a text or list without anything in it.
    pub fn is_empty_text(&self, value: Value) -> bool {
        matches!(self.get(value), Term::Const(text) if text.trim_start_matches(char::is_alphabetic) == "\"\"")
    }

    /// `value` without result wrappers.
    pub fn bare(&self, mut value: Value) -> Value {
        while let Term::Success(inner) | Term::Failure(inner) = self.get(value) {
            value = *inner;
        }
        value
    }

    /// `value` without result wrappers and buffers: the handle itself.
    pub fn unbuffered(&self, mut value: Value) -> Value {
        while let Term::Success(inner) | Term::Failure(inner) | Term::Buffered(inner) = self.get(value) {
            value = *inner;
        }
        value
    }

    /// Whether writes through `value` go to a user-space buffer first.
    pub fn is_buffered(&self, value: Value) -> bool {
        match self.get(value) {
            Term::Success(inner) | Term::Failure(inner) => self.is_buffered(*inner),
            Term::Buffered(_) => true,
            _ => false,
        }
    }

    /// Whether `value` is a handle that cannot write.
    pub fn is_read_only(&self, value: Value) -> bool {
        matches!(self.get(self.unbuffered(value)), Term::Handle { writable: false, .. })
    }

    /// A field of `base`, simplified.
    pub fn field(&mut self, base: Value, name: Ustr) -> Value {
        let base = self.unbuffered(base);
        if name == self.ops.element {
            return self.element(base);
        }
        match self.get(base) {
            Term::Aggregate { fields, .. } => {
                if let Some(&(_, value)) = fields.iter().find(|(field, _)| *field == name) {
                    return value;
                }
            }
            Term::Closure(_, captures) => {
                if let Some(&(_, value)) = captures.iter().find(|(field, _)| *field == name) {
                    return value;
                }
            }
            // What a library gives as a handle and a path is told by the handle.
            Term::Handle { .. } if name.bytes().all(|byte| byte.is_ascii_digit()) => return base,
            _ => {}
        }
        // Of one of several records, the fields of each.
        let records: SmallVec<[Value; 4]> = SmallVec::from_slice(self.alternatives(base));
        let field = self.make(Term::Field(base, name));
        if records.is_empty() || !records.iter().all(|&one| matches!(self.get(one), Term::Aggregate { .. })) {
            return field;
        }
        let values: SmallVec<[Value; 4]> = records.iter().map(|&one| self.field(one, name)).collect();
        if values.iter().all(|&value| value == values[0]) {
            return values[0];
        }
        for value in values {
            self.add_alternative(field, value);
        }
        field
    }

    /// What is open under the descriptor that a path stands for: the kernel's name of it, or no name below it.
    pub fn behind_descriptor(&self, path: Value) -> Option<Value> {
        let Term::Op(name, args) = self.get(path) else { return None };
        match args[..] {
            [dir, below] if *name == self.ops.join => match self.get(below) {
                Term::Const(text) if text == "\"\"" => Some(dir),
                _ => self.behind_descriptor(below),
            },
            [open] if name.starts_with("format:/proc/self/fd/{") => Some(self.unbuffered(open)),
            _ => None,
        }
    }

    /// Some element of `base`, simplified: the one element of a record with only one, else a symbolic one.
    pub fn element(&mut self, base: Value) -> Value {
        let base = self.unbuffered(base);
        match self.get(base) {
            Term::Aggregate { fields, type_name: None, .. } if fields.len() == 1 => fields[0].1,
            _ => self.make(Term::Element(base)),
        }
    }

    /// A pure operation, simplified where its meaning is known.
    pub fn op(&mut self, name: Ustr, args: &[Value]) -> Value {
        let args: SmallVec<[Value; 2]> = args.iter().map(|&arg| self.bare(arg)).collect();
        if name == self.ops.parent && args.len() == 1 {
            return self.parent(args[0]);
        }
        if name == self.ops.join
            && let &[dir, last] = args.as_slice()
            && let Term::Op(of, whole) = self.get(last)
            && *of == self.ops.file_name
            && let &[whole] = whole.as_slice()
        {
            // A path taken apart and put together again. Programs put `.` where a path has no directory.
            let at_home = self.parent(whole) == dir || self.is_dot(dir);
            if at_home {
                return whole;
            }
        }
        // The directory of a path below `dir` is the directory of the whole path.
        if name == self.ops.join
            && let &[dir, last] = args.as_slice()
            && let Term::Op(of, below) = self.get(last)
            && *of == self.ops.parent
            && let &[below] = below.as_slice()
        {
            let whole = self.op(name, &[dir, below]);
            return self.parent(whole);
        }
        // One question, one term: `a != b` is `!(a == b)`, and the order of the sides does not matter.
        match (name.as_str(), args.as_slice()) {
            ("!=", &[one, other]) => {
                let equal = self.op(Ustr::from("=="), &[one, other]);
                return self.op(Ustr::from("!"), &[equal]);
            }
            ("==", &[one, other]) if one > other => {
                return self.make(Term::Op(name, SmallVec::from_slice(&[other, one])));
            }
            ("!", &[inner]) => {
                if let Term::Op(not, inner) = self.get(inner)
                    && not == "!"
                {
                    return inner[0];
                }
            }
            _ => {}
        }
        self.make(Term::Op(name, args))
    }

    /// `value` without negations around it, and whether there was an odd number of them.
    pub fn unnegated(&self, value: Value) -> (Value, bool) {
        match self.get(value) {
            Term::Op(name, args) if name == "!" && args.len() == 1 => (args[0], true),
            _ => (value, false),
        }
    }

    /// The directory that holds `path`.
    pub fn parent(&mut self, path: Value) -> Value {
        let path = self.unbuffered(path);
        let ops = self.ops;
        match self.get(path).clone() {
            Term::Op(name, args) if name == ops.join && args.len() == 2 => {
                match self.components(args[1]) {
                    0 | 1 => args[0],
                    // `dir.join("a/b")`: the parent is `dir/a`, told apart from `dir`.
                    _ => self.make(Term::Op(ops.parent, SmallVec::from_slice(&[path]))),
                }
            }
            Term::Op(name, args) if (name == ops.with_extension || name == ops.with_file_name) && !args.is_empty() => {
                self.parent(args[0])
            }
            Term::Op(name, args) if is_suffixing(name, args.len()) => self.parent(args[0]),
            Term::Element(list) if matches!(self.get(list), Term::Op(name, _) if *name == ops.entries) => {
                match self.get(list) {
                    Term::Op(_, args) if args.len() == 1 => args[0],
                    _ => self.make(Term::Op(ops.parent, SmallVec::from_slice(&[path]))),
                }
            }
            Term::Handle { file, .. } => self.parent(file),
            _ => self.make(Term::Op(ops.parent, SmallVec::from_slice(&[path]))),
        }
    }

    /// The directory and the name that a path is put together of.
    pub fn name_in_directory(&self, path: Value) -> Option<(Value, Value)> {
        match self.get(path) {
            Term::Handle { file: inner, .. } | Term::Buffered(inner) => self.name_in_directory(*inner),
            Term::Op(name, args) if *name == self.ops.join && args.len() == 2 && self.components(args[1]) <= 1 => {
                Some((args[0], args[1]))
            }
            _ => None,
        }
    }

    /// Whether `dir` is the directory that the program runs in.
    pub fn is_dot(&self, dir: Value) -> bool {
        matches!(self.get(dir), Term::Const(text) if matches!(text.trim_matches('"'), "." | ""))
    }

    /// Whether `dir` is known only as the parent of some path.
    pub fn is_bare_parent(&self, dir: Value) -> bool {
        matches!(self.get(dir), Term::Op(name, _) if *name == self.ops.parent)
    }

    /// Whether `path` came out of the listing of a directory.
    pub fn is_entry(&self, path: Value) -> bool {
        matches!(self.get(path), Term::Element(list) if matches!(self.get(*list), Term::Op(name, _) if *name == self.ops.entries))
    }

    /// How many path components a name adds: constants are counted, anything else is taken for one.
    fn components(&self, name: Value) -> usize {
        match self.get(name) {
            Term::Const(text) => text.trim_matches('"').split('/').filter(|part| !part.is_empty()).count(),
            _ => 1,
        }
    }

    /// Whether `path` is `dir` or lies below it, as far as the terms show.
    pub fn is_under(&mut self, path: Value, dir: Value) -> bool {
        let (mut at, dir) = (self.unbuffered(path), self.unbuffered(dir));
        for _ in 0..8 {
            if at == dir {
                return true;
            }
            let up = self.parent(at);
            if matches!(self.get(up), Term::Op(name, _) if *name == self.ops.parent) {
                return up == dir;
            }
            at = up;
        }
        false
    }

    /// Whether two paths cannot be the same: constant names under one directory, or a path and something below it.
    pub fn surely_differ(&mut self, one: Value, other: Value) -> bool {
        let (one, other) = (self.unbuffered(one), self.unbuffered(other));
        if one == other {
            return false;
        }
        match (self.get(one).clone(), self.get(other).clone()) {
            (Term::Const(_), Term::Const(_)) => true,
            (Term::Op(a, x), Term::Op(b, y))
                if a == b
                    && x.len() == y.len()
                    && (a == self.ops.join || a == self.ops.with_extension || a == self.ops.with_file_name) =>
            {
                if x[0] == y[0] {
                    matches!((self.get(x[1]), self.get(y[1])), (Term::Const(_), Term::Const(_)))
                } else {
                    false
                }
            }
            _ => self.is_under(one, other) || self.is_under(other, one),
        }
    }

    /// Whether an operation makes a path of a path.
    pub fn is_path_operation(&self, name: Ustr) -> bool {
        let ops = self.ops;
        [ops.join, ops.parent, ops.with_extension, ops.with_file_name].contains(&name)
            || name == "+"
            || name.starts_with("format:")
    }

    /// Whether a path lies in one of `dirs` (`/proc/`), as far as it is written out.
    pub fn starts_in(&self, path: Value, dirs: &[&str]) -> bool {
        let mut at = self.unbuffered(path);
        for _ in 0..16 {
            let text = match self.get(at) {
                Term::Handle { file, .. } => {
                    at = self.unbuffered(*file);
                    continue;
                }
                Term::Op(name, args) => match (name.strip_prefix("format:"), args.first()) {
                    (Some(text), Some(first)) if text.starts_with('{') => {
                        at = self.unbuffered(*first);
                        continue;
                    }
                    (Some(text), _) => text,
                    (None, Some(first)) if self.is_path_operation(*name) => {
                        at = self.unbuffered(*first);
                        continue;
                    }
                    _ => return false,
                },
                Term::Const(text) => text.trim_start_matches('"').trim_end_matches('"'),
                _ => return false,
            };
            return dirs.iter().any(|dir| text.starts_with(dir) || text == dir.trim_end_matches('/'));
        }
        false
    }

    /// Whether what is written to a path goes to the kernel itself: nothing of it is kept, and there is nothing to sync.
    pub fn is_kernels(&self, path: Value) -> bool {
        self.starts_in(path, &["/proc/", "/sys/"])
    }

    /// Whether the value is made of nothing: an empty collection, memory.
    pub fn is_of_nothing(&self, value: Value) -> bool {
        matches!(self.get(value), Term::Fresh(_, OF_NOTHING))
    }

    /// The values that `value` stands for, if it is a join of several.
    pub fn alternatives(&self, value: Value) -> &[Value] {
        let is_own = value.0 >= self.first.0;
        if !is_own
            && !self.rejoined.is_empty()
            && let Some(joined) = self.rejoined.get(&value)
        {
            return joined;
        }
        match self.entry(value).joined {
            0 => &[],
            place => {
                let table = if is_own { &self.own } else { &*self.base };
                &table.joins[place as usize - 1]
            }
        }
    }

    /// Notes that `join` may be `value`.
    pub fn add_alternative(&mut self, join: Value, value: Value) {
        let known = self.alternatives(join);
        if join == value || known.len() >= MAX_JOINED || known.contains(&value) && self.alternatives(value).is_empty() {
            return;
        }
        let flat: Joined = match self.alternatives(value) {
            [] => SmallVec::from_slice(&[value]),
            list => SmallVec::from_slice(list),
        };
        let list = self.joined(join);
        for value in flat {
            if value != join && !list.contains(&value) && list.len() < MAX_JOINED {
                list.push(value);
            }
        }
    }

    /// What `value` stands for, to be added to.
    fn joined(&mut self, value: Value) -> &mut Joined {
        let Some(own) = value.0.checked_sub(self.first.0) else {
            let known = SmallVec::from_slice(self.alternatives(value));
            return self.rejoined.entry(value).or_insert(known);
        };
        let entry = &mut self.own.terms[own as usize];
        if entry.joined == 0 {
            self.own.joins.push(SmallVec::new());
            entry.joined = self.own.joins.len() as u32;
        }
        &mut self.own.joins[entry.joined as usize - 1]
    }

    /// Every sub-term of `value`, itself included, each once, bounded.
    pub fn parts(&self, value: Value) -> SmallVec<[Value; 8]> {
        let mut seen: SmallVec<[Value; 8]> = SmallVec::from_slice(&[value]);
        let mut at = 0;
        while at < seen.len() && seen.len() < 64 {
            for child in children(self.get(seen[at])) {
                if !seen.contains(&child) {
                    seen.push(child);
                }
            }
            at += 1;
        }
        seen
    }

    /// Whether the value is told by parameters, globals and constants alone, so that a caller can tell it too.
    pub fn is_stable(&self, value: Value) -> bool {
        self.entry(value).stable
    }

    /// Whether a caller can tell `value`, or a part of it: by its own terms, or because the part is among what it is `given`.
    pub fn is_visible(&self, value: Value, given: &FxHashSet<Value>) -> bool {
        self.is_stable(value)
            || self.entry(value).rooted
            || !given.is_empty() && self.parts(value).iter().any(|part| given.contains(part))
    }

    fn is_stable_term(&self, term: &Term) -> bool {
        match term {
            Term::Param(_) | Term::Global(_) | Term::Const(_) | Term::Unit | Term::Absent => true,
            Term::Field(base, _) | Term::Element(base) | Term::Success(base) | Term::Buffered(base) => {
                self.is_stable(*base)
            }
            Term::Op(_, args) => args.iter().all(|&arg| self.is_stable(arg)),
            _ => false,
        }
    }

    /// Whether a question is about something that somebody set: a flag or mode in a field, a global or a parameter.
    pub fn is_setting(&self, value: Value, question: Question) -> bool {
        match self.get(value) {
            Term::Op(name, args) if name == "!" && args.len() == 1 => self.is_setting(args[0], question),
            Term::Op(name, args) if name == "==" && args.len() == 2 => {
                let named = |at: usize| matches!(self.get(args[at]), Term::Const(text) if !text.starts_with(|c: char| c.is_ascii_digit()));
                match (named(0), named(1)) {
                    (false, true) => self.is_setting(args[0], question),
                    (true, false) => self.is_setting(args[1], question),
                    _ => false,
                }
            }
            Term::Field(..) | Term::Global(_) | Term::Param(_) => {
                matches!(question, Question::True | Question::Variant(_)) && self.is_stable(value)
            }
            _ => false,
        }
    }

    /// Whether `value` is reached from `whole` through fields alone.
    pub fn is_part(&self, value: Value, whole: Value) -> bool {
        match self.get(value) {
            Term::Field(base, _) | Term::Element(base) => *base == whole || self.is_part(*base, whole),
            _ => false,
        }
    }

    /// The parameter that the value is a part of or made from first, if any.
    pub fn root(&self, value: Value) -> Value {
        match self.get(value) {
            Term::Field(base, _)
            | Term::Element(base)
            | Term::Success(base)
            | Term::Failure(base)
            | Term::Buffered(base) => self.root(*base),
            Term::Op(_, args) if !args.is_empty() => self.root(args[0]),
            Term::Handle { file, .. } => self.root(*file),
            _ => value,
        }
    }

    /// `value` told by `known` parts and constants alone; `None` if it has others.
    pub fn rebase(&mut self, value: Value, known: &FxHashMap<Value, Value>) -> Option<Value> {
        if let Some(&told) = known.get(&value) {
            return Some(told);
        }
        match self.get(value).clone() {
            Term::Const(_) | Term::Global(_) => Some(value),
            Term::Field(base, name) => {
                let base = self.rebase(base, known)?;
                Some(self.field(base, name))
            }
            Term::Op(name, args) => {
                let args: Option<SmallVec<[Value; 4]>> = args.iter().map(|&arg| self.rebase(arg, known)).collect();
                Some(self.op(name, &args?))
            }
            _ => None,
        }
    }

    /// Constant texts within a path term, quotes removed: what its name says.
    pub fn texts(&self, value: Value) -> Vec<Ustr> {
        self.parts(value)
            .into_iter()
            .filter_map(|part| match self.get(part) {
                Term::Const(text) if text.starts_with('"') => Some(Ustr::from(text.trim_matches('"'))),
                // A constant of which only the name is known.
                Term::Const(text) if text.contains("::") && text.ends_with(|c: char| c.is_uppercase()) => Some(*text),
                Term::Op(name, _) if name.starts_with("format:") => Some(Ustr::from(&name["format:".len()..])),
                Term::Field(_, name) | Term::Global(name) => Some(*name),
                _ => None,
            })
            .collect()
    }

    /// A readable form for messages: `self.dir/"MANIFEST"`.
    pub fn show(&self, value: Value) -> String {
        match self.get(value) {
            Term::Const(text) => text.to_string(),
            Term::Field(base, name) => match self.get(*base) {
                Term::Param(0) => format!("self.{name}"),
                _ => name.to_string(),
            },
            Term::Op(name, args) => {
                let args: Vec<_> = args.iter().map(|&arg| self.show(arg)).collect();
                format!("{name}({})", args.join(", "))
            }
            Term::Handle { file, .. } => self.show(*file),
            Term::Success(inner) | Term::Buffered(inner) | Term::Element(inner) => self.show(*inner),
            Term::Global(name) => name.to_string(),
            Term::Param(number) => format!("param{number}"),
            other => format!("{other:?}"),
        }
    }
}

/// Operations that only lengthen the last component of their first operand: `format!("{}.tmp", path)`.
fn is_suffixing(name: Ustr, args: usize) -> bool {
    let shown = |rest: &&str| {
        rest.split_once('}').is_some_and(|(shown, _)| !shown.contains(|c: char| !c.is_alphanumeric() && c != '_'))
    };
    let suffixed = name.strip_prefix("format:{").filter(shown).is_some_and(|rest| !rest.contains('/'));
    args >= 1 && (suffixed || name == "+" || name == "with_added_extension" || name == "add_extension")
}

fn hash(term: &Term) -> u32 {
    let mut hasher = FxHasher::default();
    term.hash(&mut hasher);
    (hasher.finish() >> 32) as u32
}

/// A hash as the table wants it, which looks at both ends.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn children(term: &Term) -> impl Iterator<Item = Value> + '_ {
    let list: SmallVec<[Value; 4]> = match term {
        Term::Field(base, _)
        | Term::Element(base)
        | Term::Success(base)
        | Term::Failure(base)
        | Term::Buffered(base) => SmallVec::from_slice(&[*base]),
        Term::Handle { file, .. } => SmallVec::from_slice(&[*file]),
        Term::Op(_, args) => args.iter().copied().collect(),
        Term::Aggregate { fields, .. } => fields.iter().map(|(_, value)| *value).collect(),
        Term::Closure(_, captures) => captures.iter().map(|(_, value)| *value).collect(),
        _ => SmallVec::new(),
    };
    list.into_iter()
}

/// Terms that several tables start from.
#[derive(Debug)]
pub struct SharedTerms {
    table: Arc<Table>,
    ops: Ops,
}

impl SharedTerms {
    /// A table that starts from this one.
    pub fn begin(&self) -> Terms {
        Terms::over(self.table.clone(), self.ops)
    }

    /// The table itself with what one that started from it has beyond it, once none starts from it any more.
    pub fn end(self, more: OwnTerms) -> Terms {
        let mut own = Arc::unwrap_or_clone(self.table);
        own.append(more);
        Terms { own, ..Terms::over(Arc::default(), self.ops) }
    }
}

/// What a table has of its own.
#[derive(Debug)]
pub struct OwnTerms {
    first: (u32, u32),
    own: Table,
    rejoined: FxHashMap<Value, Joined>,
}

impl Terms {
    /// Makes it what others start from.
    pub fn share(self) -> SharedTerms {
        debug_assert!(self.first == (0, 0), "a table over another is told to that one first");
        SharedTerms { table: Arc::new(self.own), ops: self.ops }
    }

    /// What it has beyond what it started from.
    pub fn into_own(self) -> OwnTerms {
        OwnTerms { first: self.first, own: self.own, rejoined: self.rejoined }
    }
}

/// Tells what one table has of its own in the terms of the table that it started from.
pub struct Retelling<'t> {
    from: OwnTerms,
    to: &'t mut Terms,
    /// What each of `from`'s values is in `to`, as far as that was asked.
    values: Vec<Option<Value>>,
    sites: Vec<Option<Site>>,
    /// Those that stand for several.
    joined: Vec<Value>,
}

impl<'t> Retelling<'t> {
    /// Of `from`, which started from `to`.
    pub fn new(from: OwnTerms, to: &'t mut Terms) -> Retelling<'t> {
        let (values, sites) = (vec![None; from.own.terms.len()], vec![None; from.own.sites.len()]);
        Retelling { from, to, values, sites, joined: Vec::new() }
    }

    /// What `value` is there, if it was told or was there before.
    pub fn told(&self, value: Value) -> Option<Value> {
        match value.0.checked_sub(self.from.first.0) {
            Some(own) => self.values[own as usize],
            None => Some(value),
        }
    }

    /// What `value` is there.
    pub fn value(&mut self, value: Value) -> Value {
        let Some(own) = value.0.checked_sub(self.from.first.0).map(|own| own as usize) else { return value };
        if let Some(told) = self.values[own] {
            return told;
        }
        let entry = &self.from.own.terms[own];
        if entry.joined != 0 {
            self.joined.push(value);
        }
        let term = match entry.term.clone() {
            Term::Field(base, name) => Term::Field(self.value(base), name),
            Term::Element(base) => Term::Element(self.value(base)),
            Term::Op(name, mut args) => {
                args.iter_mut().for_each(|arg| *arg = self.value(*arg));
                if name == self.to.ops.equal {
                    args.sort_unstable();
                }
                Term::Op(name, args)
            }
            Term::Handle { site, file, writable } => {
                Term::Handle { site: self.site(site), file: self.value(file), writable }
            }
            Term::Buffered(inner) => Term::Buffered(self.value(inner)),
            Term::Fresh(site, number) => Term::Fresh(self.site(site), number),
            Term::Gone(site) => Term::Gone(self.site(site)),
            Term::Aggregate { site, type_name, mut fields } => {
                fields.iter_mut().for_each(|(_, value)| *value = self.value(*value));
                Term::Aggregate { site: self.site(site), type_name, fields }
            }
            Term::Closure(function, mut captures) => {
                captures.iter_mut().for_each(|(_, value)| *value = self.value(*value));
                Term::Closure(function, captures)
            }
            Term::Success(inner) => Term::Success(self.value(inner)),
            Term::Failure(inner) => Term::Failure(self.value(inner)),
            term @ (Term::Unset
            | Term::Unit
            | Term::Absent
            | Term::Const(_)
            | Term::Param(_)
            | Term::Global(_)
            | Term::Functions(_)) => term,
        };
        let told = self.to.make(term);
        self.values[own] = Some(told);
        told
    }

    fn site(&mut self, site: Site) -> Site {
        let Some(own) = site.0.checked_sub(self.from.first.1).map(|own| own as usize) else { return site };
        if let Some(told) = self.sites[own] {
            return told;
        }
        let SiteKey { function, point, via } = self.from.own.sites[own];
        let via = via.map(|via| self.site(via));
        let told = self.to.intern_site(SiteKey { function, point, via });
        self.sites[own] = Some(told);
        told
    }

    /// Tells what the values that were told stand for.
    pub fn alternatives(&mut self) {
        let mut rejoined: Vec<_> = std::mem::take(&mut self.from.rejoined).into_iter().collect();
        rejoined.sort_unstable_by_key(|(value, _)| *value);
        for (value, list) in rejoined {
            self.join(value, &list);
        }
        while let Some(value) = self.joined.pop() {
            let own = (value.0 - self.from.first.0) as usize;
            let place = self.from.own.terms[own].joined as usize - 1;
            let list = std::mem::take(&mut self.from.own.joins[place]);
            let told = self.value(value);
            self.join(told, &list);
        }
    }

    /// `told`, of the table that is told to, stands for each of `list` too.
    fn join(&mut self, told: Value, list: &[Value]) {
        for &one in list {
            let one = self.value(one);
            let known = self.to.joined(told);
            if one != told && !known.contains(&one) && known.len() < MAX_JOINED {
                known.push(one);
            }
        }
    }
}

/// Turns a callee's terms into terms of a caller.
pub struct Replace<'a> {
    /// What the parameters are at the call.
    pub args: &'a [Value],
    /// The call.
    pub call: Site,
    /// Results so far.
    pub done: FxHashMap<Value, Value>,
    /// Of these, what was added since the translation began, in order.
    pub added: Vec<(Value, Value)>,
}

impl Terms {
    /// The caller's term for the callee's `value`. `load` reads a field as the caller's heap has it.
    pub fn replace(
        &mut self,
        value: Value,
        with: &mut Replace<'_>,
        load: &dyn Fn(&mut Terms, Value, Ustr) -> Value,
    ) -> Value {
        match *self.get(value) {
            Term::Unset | Term::Unit | Term::Absent | Term::Const(_) => return value,
            Term::Param(number) => {
                return match with.args.get(number as usize) {
                    Some(&arg) => arg,
                    None => self.make(Term::Fresh(with.call, 0x1000 + number as u32)),
                };
            }
            _ => {}
        }
        if let Some(&done) = with.done.get(&value) {
            return done;
        }
        let term = self.get(value).clone();
        let result = match term {
            Term::Unset
            | Term::Unit
            | Term::Absent
            | Term::Const(_)
            | Term::Global(_)
            | Term::Functions(_)
            | Term::Param(_) => value,
            Term::Field(base, name) => {
                let base = self.replace(base, with, load);
                load(self, base, name)
            }
            Term::Element(base) => {
                let base = self.replace(base, with, load);
                if self.is_of_nothing(base) { load(self, base, self.ops.element) } else { self.element(base) }
            }
            Term::Op(name, args) => {
                let args: SmallVec<[Value; 4]> = args.iter().map(|&arg| self.replace(arg, with, load)).collect();
                self.op(name, &args)
            }
            Term::Handle { site, file, writable } => {
                let site = self.site_via(with.call, site);
                let file = self.replace(file, with, load);
                self.make(Term::Handle { site, file, writable })
            }
            Term::Buffered(inner) => {
                let inner = self.replace(inner, with, load);
                self.make(Term::Buffered(inner))
            }
            Term::Success(inner) => {
                let inner = self.replace(inner, with, load);
                self.make(Term::Success(inner))
            }
            Term::Failure(inner) => {
                let inner = self.replace(inner, with, load);
                self.make(Term::Failure(inner))
            }
            Term::Fresh(site, number) => {
                let site = self.site_via(with.call, site);
                let fresh = self.make(Term::Fresh(site, number));
                let list: SmallVec<[Value; 4]> = SmallVec::from_slice(self.alternatives(value));
                with.done.insert(value, fresh);
                for alternative in list {
                    let alternative = self.replace(alternative, with, load);
                    self.add_alternative(fresh, alternative);
                }
                fresh
            }
            Term::Gone(site) => {
                let site = self.site_via(with.call, site);
                self.make(Term::Gone(site))
            }
            Term::Aggregate { site, type_name, mut fields } => {
                let site = self.site_via(with.call, site);
                fields.iter_mut().for_each(|(_, value)| *value = self.replace(*value, with, load));
                self.make(Term::Aggregate { site, type_name, fields })
            }
            Term::Closure(function, mut captures) => {
                captures.iter_mut().for_each(|(_, value)| *value = self.replace(*value, with, load));
                self.make(Term::Closure(function, captures))
            }
        };
        with.done.insert(value, result);
        with.added.push((value, result));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(terms: &mut Terms, name: &str) -> Value {
        let dir = terms.make(Term::Param(0));
        let name = terms.constant(name);
        let join = terms.ops.join;
        terms.op(join, &[dir, name])
    }

    #[test]
    fn the_parent_of_a_joined_path_is_what_it_was_joined_to() {
        let mut terms = Terms::default();
        let dir = terms.make(Term::Param(0));
        let file = path(&mut terms, "\"MANIFEST\"");
        let extension = terms.constant("\"tmp\"");
        let with_extension = terms.ops.with_extension;
        let temporary = terms.op(with_extension, &[file, extension]);
        assert_eq!(terms.parent(file), dir);
        assert_eq!(terms.parent(temporary), dir);
        let nested = path(&mut terms, "\"a/b\"");
        assert_ne!(terms.parent(nested), dir);
    }

    #[test]
    fn paths_differ_surely_only_where_constants_do() {
        let mut terms = Terms::default();
        let (a, b) = (path(&mut terms, "\"a\""), path(&mut terms, "\"b\""));
        let dir = terms.make(Term::Param(0));
        let other = terms.make(Term::Param(1));
        assert!(terms.surely_differ(a, b));
        assert!(terms.surely_differ(a, dir), "a file is not its own directory");
        assert!(!terms.surely_differ(a, a));
        assert!(!terms.surely_differ(dir, other), "two parameters may be equal");
        assert!(terms.is_under(a, dir));
        assert!(!terms.is_under(dir, a));
    }

    #[test]
    fn a_callees_terms_become_the_callers() {
        let mut terms = Terms::default();
        let dir = terms.make(Term::Field(Value(0), "dir".into()));
        let call = terms.site(FuncId(0), 7);
        let file = path(&mut terms, "\"log\"");
        let mut replace = Replace { args: &[dir], call, done: FxHashMap::default(), added: Vec::new() };
        let replaced = terms.replace(file, &mut replace, &|terms, base, name| terms.field(base, name));
        assert_eq!(terms.parent(replaced), dir);
    }

    #[test]
    fn terms_do_not_grow_without_bound() {
        let mut terms = Terms::default();
        let mut value = terms.make(Term::Param(0));
        for _ in 0..1000 {
            value = terms.make(Term::Element(value));
        }
        assert!(terms.len() < 100);
    }

    #[test]
    fn what_two_tables_made_is_one_where_both_started() {
        let mut all = Terms::default();
        let dir = all.make(Term::Param(0));
        let shared = all.share();
        let made = [false, true].map(|reversed| {
            let mut own = shared.begin();
            // Their own values have other numbers, in another order.
            let mut parts = [path(&mut own, "\"a\""), path(&mut own, "\"b\"")];
            if reversed {
                own = shared.begin();
                parts = [path(&mut own, "\"b\""), path(&mut own, "\"a\"")];
            }
            let equal = own.ops.equal;
            let same = own.op(equal, &parts);
            let site = own.site(FuncId(3), 1);
            let either = own.make(Term::Fresh(site, 0));
            parts.iter().for_each(|&part| own.add_alternative(either, part));
            own.add_alternative(dir, parts[0]);
            (own.into_own(), same, either)
        });
        let mut level = shared.begin();
        let told = made.map(|(own, same, either)| {
            let mut retelling = Retelling::new(own, &mut level);
            let told = (retelling.value(same), retelling.value(either));
            retelling.alternatives();
            told
        });
        assert_eq!(told[0], told[1]);
        let mut all = shared.end(level.into_own());
        let names = ["\"a\"", "\"b\""].map(|name| path(&mut all, name));
        let mut either = all.alternatives(told[0].1).to_vec();
        either.sort_unstable();
        assert_eq!(either, names);
        assert_eq!(all.alternatives(dir).len(), 2, "what one table learned of what was there before is known too");
        assert_eq!(all.parent(names[0]), dir);
    }
}
