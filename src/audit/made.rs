//! Which files a program fills itself, told by their fields and names: what it only reads is somebody else's, and no state of a store.

use super::content::Origins;
use super::deeds::writes;
use super::evidence::Evidence;
use super::stores::Store;
use crate::flow::intent::FieldKey;
use crate::flow::state::{How, Kind, Origin, Pending};
use crate::flow::summary::{Act, Deed, Did};
use crate::flow::terms::{Term, Terms, Value};
use crate::flow::{Flow, Moment};
use crate::ir::{FuncId, PackageId, Program};
use rustc_hash::FxHashSet;
use std::rc::Rc;

/// What is filled, or given a name, somewhere in a program.
pub(super) struct Made {
    /// Fields that hold such a file, or its path.
    fields: FxHashSet<FieldKey>,
    /// Fields that hold the directory of one.
    directories: FxHashSet<FieldKey>,
    /// The names of such files, by package, as far as they are written out.
    names: FxHashSet<(PackageId, String)>,
    /// The names of their directories.
    directory_names: FxHashSet<(PackageId, String)>,
}

/// What stands in a name for a part of it that is not written out.
const ANY: char = '*';

impl Made {
    /// Reads it off the deeds that `flow` kept.
    pub(super) fn new(program: &Program, flow: &Flow) -> Made {
        let mut made = Made {
            fields: FxHashSet::default(),
            directories: FxHashSet::default(),
            names: FxHashSet::default(),
            directory_names: FxHashSet::default(),
        };
        let mut seen: FxHashSet<(FuncId, Value)> = FxHashSet::default();
        for (&id, summary) in &flow.summaries {
            let filled = summary.deeds.iter().filter(|deed| fills(deed)).map(|deed| deed.file);
            let renamed = summary.triggers.iter().filter_map(|trigger| new_name(trigger.act));
            for file in filled.chain(renamed) {
                if seen.insert((id, file)) {
                    made.note(program.functions[id.index()].package, id, file, flow);
                }
            }
        }
        for moment in &flow.moments {
            if let Some(file) = new_name(moment.act)
                && seen.insert((moment.function, file))
            {
                made.note(program.functions[moment.function.index()].package, moment.function, file, flow);
            }
        }
        made
    }

    fn note(&mut self, package: PackageId, function: FuncId, file: Value, flow: &Flow) {
        self.fields.extend(flow.intents.fields_of(function, file));
        let name = Name::of(&flow.terms, file);
        if let Some(directory) = name.directory {
            self.directories.extend(flow.intents.fields_of(function, directory));
            let of_directory = Name::of(&flow.terms, directory);
            if of_directory.is_telling() {
                self.directory_names.insert((package, of_directory.last));
            }
        }
        if name.is_telling() {
            self.names.insert((package, name.last));
        }
    }

    /// Whether a file that `function`, of one of `packages`, knows as `file` is one of those.
    fn holds(&self, packages: &[PackageId], function: FuncId, file: Value, flow: &Flow) -> bool {
        let told = flow.terms.alternatives(file).iter().copied().chain([file]);
        told.into_iter().any(|file| {
            let in_field = flow.intents.fields_of(function, file).iter().any(|field| {
                let path = flow.intents.links.get(field).copied().flatten();
                let of_path = path.and_then(|path| match flow.terms.get(path) {
                    Term::Field(_, name) => Some((field.0, *name)),
                    _ => None,
                });
                self.fields.contains(field) || of_path.is_some_and(|field| self.fields.contains(&field))
            });
            let name = Name::of(&flow.terms, file);
            let is_named = || packages.iter().any(|package| self.names.contains(&(*package, name.last.clone())));
            // A name that is not written out is told by its directory.
            let is_beside = || {
                name.directory.is_some_and(|directory| {
                    let fields = flow.intents.fields_of(function, directory);
                    let last = Name::of(&flow.terms, directory).last;
                    fields.iter().any(|field| self.directories.contains(field))
                        || packages.iter().any(|package| self.directory_names.contains(&(*package, last.clone())))
                })
            };
            in_field || if name.is_telling() { is_named() } else { is_beside() }
        })
    }
}

/// Whether something is put into a file, or it is made.
fn fills(deed: &Deed) -> bool {
    writes(deed) || matches!(deed.did, Did::Pend(How::Created | How::MaybeCreated | How::Linked, Kind::Name))
}

/// The name that an act gives to a file.
fn new_name(act: Act) -> Option<Value> {
    match act {
        Act::Rename { to, .. } => Some(to),
        _ => None,
    }
}

/// The last part of a path, and the directory before it, as far as they can be told.
struct Name {
    last: String,
    directory: Option<Value>,
}

impl Name {
    fn of(terms: &Terms, path: Value) -> Name {
        let (mut last, mut directory) = Name::read(terms, path, 0);
        if let Some((before, name)) = last.rsplit_once('/') {
            // What comes before is a directory of no name of its own.
            directory = directory.filter(|_| before.is_empty());
            last = name.to_string();
        }
        Name { last, directory }
    }

    /// Whether a part of it is written out that says more than an ending does of all files of a kind.
    fn is_telling(&self) -> bool {
        self.last.chars().any(|letter| letter.is_alphanumeric())
    }

    fn read(terms: &Terms, path: Value, depth: u8) -> (String, Option<Value>) {
        let any = || (ANY.to_string(), None);
        if depth > 8 {
            return any();
        }
        let inner = |value: Value| Name::read(terms, value, depth + 1);
        let ops = terms.ops;
        match terms.get(path) {
            Term::Const(text)
                if text.starts_with(|start: char| start == '"' || start.is_alphabetic() && text.contains('"')) =>
            {
                (text.trim_start_matches(char::is_alphabetic).trim_matches(['"', '#']).to_string(), None)
            }
            Term::Global(name) => (format!("<{name}>"), None),
            Term::Success(inside) | Term::Buffered(inside) | Term::Handle { file: inside, .. } => inner(*inside),
            Term::Element(list) => match terms.get(*list) {
                Term::Op(name, args) if *name == ops.entries => (ANY.to_string(), args.first().copied()),
                _ => any(),
            },
            Term::Op(name, args) => match (name.strip_prefix("format:"), args.as_slice()) {
                (Some(text), args) => (filled(text, args, &|value| inner(value).0), None),
                (None, [directory, last]) if *name == ops.join => (inner(*last).0, Some(*directory)),
                (None, [one, other]) if name == "+" => {
                    let (start, directory) = inner(*one);
                    (start + &inner(*other).0, directory)
                }
                (None, [whole, ending]) if *name == ops.with_extension => {
                    let (start, directory) = inner(*whole);
                    let stem = start.rsplit_once('.').map_or(start.as_str(), |at| at.0);
                    (format!("{stem}.{}", inner(*ending).0), directory)
                }
                (None, [_, last]) if *name == ops.with_file_name => (inner(*last).0, None),
                _ => any(),
            },
            _ => any(),
        }
    }
}

/// Where a path starts, and what is told of its way from there: names as far as they are written out, and one [`ANY`] for those between.
struct Kept {
    base: Value,
    below: Vec<String>,
}

impl Kept {
    fn of(terms: &Terms, path: Value) -> Kept {
        let (mut at, mut names) = (path, Vec::new());
        for _ in 0..8 {
            at = match terms.get(at) {
                Term::Success(inner) | Term::Buffered(inner) | Term::Handle { file: inner, .. } => {
                    at = *inner;
                    continue;
                }
                _ => at,
            };
            let (last, Some(directory)) = Name::read(terms, at, 0) else { break };
            names.extend(last.rsplit('/').map(str::to_string));
            at = directory;
        }
        let told = |name: String| if name.contains(char::is_alphanumeric) { name } else { ANY.to_string() };
        let mut below: Vec<String> = names.into_iter().map(told).collect();
        below.dedup_by(|one, other| one == other && one.contains(ANY));
        Kept { base: at, below }
    }
}

/// A text with places for values, each with what can be told of its value.
fn filled(text: &str, values: &[Value], told: &dyn Fn(Value) -> String) -> String {
    let mut parts = text.split('{');
    let mut name = parts.next().unwrap_or_default().to_string();
    let mut values = values.iter();
    for part in parts {
        let rest = part.split_once('}').map_or(part, |(_, rest)| rest);
        name += &values.next().map_or(ANY.to_string(), |value| told(*value));
        name += rest;
    }
    name
}

impl Evidence<'_> {
    /// Whether something that `function`, a part of `store`, reads is a file that the program fills itself, or takes away; or what gets to it
    /// destroys such a file besides.
    pub(super) fn reads_its_own(&self, store: &Store, function: FuncId) -> bool {
        let reads = |deed: &Deed| deed.did == Did::Read;
        let mut above = store.operations.iter().filter(|&&operation| {
            let mut deeds = self.deeds(operation).iter();
            deeds.any(|deed| !deed.failing && deed.trace.functions().contains(&function))
        });
        self.is_about_its_own(store, function, &reads) || above.any(|&by| self.retires_its_own(store, by))
    }

    /// Whether something that `function`, a part of `store`, destroys is a file that the program fills itself, and no more of the kind that
    /// `function` fills as well: what makes room for another is no input of that.
    pub(super) fn retires_a_log(&self, store: &Store, function: FuncId) -> bool {
        !self.logs(function).is_empty() && self.retires_its_own(store, function)
    }

    /// The files that `function` destroys, as far as they are known by a name or a field, and are no more of the kind that it fills as well.
    fn logs(&self, function: FuncId) -> Vec<Value> {
        let outputs = self.outputs(function);
        let is_kept_by_name = |file: Value| {
            Name::of(&self.flow.terms, file).is_telling() || !self.flow.intents.fields_of(function, file).is_empty()
        };
        self.deeds(function)
            .iter()
            .filter(|deed| !deed.failing && super::deeds::retires(deed) && !outputs.contains(&deed.file))
            .map(|deed| deed.file)
            .filter(|&file| is_kept_by_name(file))
            .filter(|&file| !outputs.iter().any(|&output| self.is_alike((function, output), (function, file))))
            .collect()
    }

    /// The files that `function` fills, by all names that it gives them.
    fn outputs(&self, function: FuncId) -> Vec<Value> {
        let mut outputs: Vec<Value> =
            self.deeds(function).iter().filter(|deed| writes(deed)).map(|deed| deed.file).collect();
        let renamed = self.acts(function).iter().filter_map(|moment| match moment.act {
            Act::Rename { file, to, .. } if outputs.contains(&file) => Some(to),
            _ => None,
        });
        let renamed: Vec<Value> = renamed.collect();
        outputs.extend(renamed);
        outputs
    }

    /// The writes of a checkpoint, `function`, that stand for a log which it retires: something that `store` was given got into both, or
    /// what is read of both gets into one field.
    pub(super) fn stand_ins(&self, store: &Store, function: FuncId) -> Origins {
        let key = (store.first, function);
        if let Some(known) = self.contents.stand_ins.borrow().get(&key) {
            return known.clone();
        }
        let written: FxHashSet<Origin> = self
            .deeds(function)
            .iter()
            .filter(|deed| writes(deed) && !deed.failing)
            .map(|deed| deed.trace.origin())
            .collect();
        let logs = self.logs(function);
        let is_log = |by: FuncId, file: Value| logs.iter().any(|&log| self.is_alike((by, file), (function, log)));
        let logging: FxHashSet<Origin> = store
            .operations
            .iter()
            .flat_map(|&by| self.deeds(by).iter().map(move |deed| (by, deed)))
            .filter(|(by, deed)| writes(deed) && !deed.failing && is_log(*by, deed.file))
            .map(|(_, deed)| deed.trace.origin())
            .filter(|origin| !written.contains(origin))
            .collect();
        let mut stand_ins = self.sharing_a_source(&store.operations, &logging, &written);
        if logs.is_empty() {
            stand_ins.clear();
        } else {
            let outputs = self.outputs(function);
            let is_output =
                |by: FuncId, file: Value| outputs.iter().any(|&output| self.is_alike((by, file), (function, output)));
            let reads = |by: FuncId, of: &dyn Fn(FuncId, Value) -> bool| -> Vec<Origin> {
                let reads = self.deeds(by).iter().filter(|deed| deed.did == Did::Read && of(by, deed.file));
                reads.map(|deed| deed.trace.origin()).collect()
            };
            let mut all = self.flow.summaries.keys().copied();
            let is_recovered = all.any(|by| {
                let (from_log, from_output) = (reads(by, &is_log), reads(by, &is_output));
                !from_log.is_empty() && !from_output.is_empty() && self.meet_in_a_field(by, &from_log, &from_output)
            });
            if is_recovered {
                stand_ins.extend(&written);
            }
        }
        let stand_ins = Rc::new(stand_ins);
        self.contents.stand_ins.borrow_mut().insert(key, stand_ins.clone());
        stand_ins
    }

    /// Whether something that `function`, a part of `store`, destroys is a file that the program fills itself.
    fn retires_its_own(&self, store: &Store, function: FuncId) -> bool {
        // What is created over and filled is an output.
        let is_filled =
            |file: Value| self.deeds(function).iter().any(|deed| writes(deed) && deed.file == file && !deed.failing);
        let retires =
            |deed: &Deed| super::deeds::retires(deed) && !(deed.did == Did::Overwrite && is_filled(deed.file));
        self.is_about_its_own(store, function, &retires)
    }

    /// Whether a file that `function` does something `of_interest` to is the program's own, told by the function or by an operation that
    /// gets to it.
    fn is_about_its_own(&self, store: &Store, function: FuncId, of_interest: &dyn Fn(&Deed) -> bool) -> bool {
        let package = self.program.functions[function.index()].package;
        let told_by = store.operations.iter().copied().filter(|&operation| operation != function).chain([function]);
        told_by.into_iter().any(|by| {
            let deeds = self.deeds(by);
            let packages = [package, store.package, self.program.functions[by.index()].package];
            let through = |deed: &&Deed| {
                !deed.failing && of_interest(deed) && (by == function || deed.trace.functions().contains(&function))
            };
            deeds.iter().filter(through).any(|deed| {
                // A file with a name of its own that nothing here fills is somebody else's, taken away or not.
                let may_be_own = || !Name::of(&self.flow.terms, deed.file).is_telling();
                let takes_away = |other: &Deed| {
                    let is_gone = super::deeds::retires(other) && other.file == deed.file;
                    deed.did == Did::Read && is_gone && !other.failing && may_be_own()
                };
                let is_replaced = || {
                    let onto = |act: Act| new_name(act) == Some(deed.file);
                    deed.did == Did::Read && self.acts(by).iter().any(|moment| onto(moment.act))
                };
                deeds.iter().any(takes_away) || is_replaced() || self.made.holds(&packages, by, deed.file, self.flow)
            })
        })
    }

    /// Whether a file that `function`, a part of `store`, fills at `written` is surely the successor of something it read: that is gone then, or
    /// replaced by it, or a file of the same kind that the program fills.
    pub(super) fn is_successor(&self, store: &Store, function: FuncId, file: Value, written: Origin) -> bool {
        let package = self.program.functions[function.index()].package;
        let told_by = || store.operations.iter().copied().filter(|&operation| operation != function).chain([function]);
        let through =
            |by: FuncId, deed: &Deed| !deed.failing && (by == function || deed.trace.functions().contains(&function));
        let own = |by: FuncId, file: Value| {
            let packages = [package, store.package, self.program.functions[by.index()].package];
            self.made.holds(&packages, by, file, self.flow) || !Name::of(&self.flow.terms, file).is_telling()
        };
        let outputs: Vec<(FuncId, Value)> = told_by()
            .flat_map(|by| {
                let is_it = move |deed: &&Deed| writes(deed) && through(by, deed) && deed.trace.origin() == written;
                self.deeds(by).iter().filter(is_it).map(move |deed| (by, deed.file))
            })
            .chain([(function, file)])
            .collect();
        told_by().any(|by| {
            let deeds = self.deeds(by);
            let is_in_it = |deed: &&Deed| self.is_carried(by, deed.trace.origin(), written);
            let reads: Vec<&Deed> = deeds
                .iter()
                .filter(|deed| deed.did == Did::Read && through(by, deed))
                .filter(is_in_it)
                .collect();
            if reads.is_empty() {
                return false;
            }
            let read: Vec<Value> = reads.iter().map(|read| read.file).collect();
            // What goes besides may be told by another name than it was read by: through a handle, say.
            let is_gone = |deed: &Deed| {
                let goes = matches!(deed.did, Did::Remove | Did::Pend(How::Cut, _)) && !deed.failing;
                let made = deeds.iter().any(|other| fills(other) && other.file == deed.file && through(by, other));
                let may_be_read = || read.iter().any(|&read| self.may_be_one(by, read, deed.file));
                goes && !made && may_be_read() && self.made_or_read(by, deeds, deed, &own)
            };
            let replaces = |read: Value| {
                let onto = |moment: &&Moment| matches!(moment.act, Act::Rename { file, to, .. } if to == read && outputs.contains(&(by, file)));
                outputs.contains(&(by, read)) || self.acts(by).iter().any(onto)
            };
            // What is added to something that is there stands beside what was read, not for it.
            let is_new = |&&(of, file): &&(FuncId, Value)| {
                let makes = |deed: &Deed| {
                    matches!(deed.did, Did::Overwrite | Did::Pend(How::Created | How::Copied | How::WrittenWhole, _))
                };
                self.deeds(of).iter().any(|deed| makes(deed) && deed.file == file && !deed.failing)
            };
            deeds.iter().any(is_gone)
                || reads.iter().any(|read| {
                    let is_alike = |&(of, file): &(FuncId, Value)| self.is_alike((of, file), (by, read.file));
                    replaces(read.file) || own(by, read.file) && outputs.iter().filter(is_new).any(is_alike)
                })
        })
    }

    /// Whether a file has a name of its own, and nothing in the program was seen to fill a file of that name.
    pub(super) fn is_foreign(&self, function: FuncId, file: Value) -> bool {
        let packages = [self.program.functions[function.index()].package];
        Name::of(&self.flow.terms, file).is_telling() && !self.made.holds(&packages, function, file, self.flow)
    }

    /// Whether what goes is the program's own: it was seen to be filled, or it was read, and nothing speaks against it.
    fn made_or_read(&self, by: FuncId, deeds: &[Deed], gone: &Deed, own: &dyn Fn(FuncId, Value) -> bool) -> bool {
        let is_read = || deeds.iter().any(|deed| deed.did == Did::Read && deed.file == gone.file);
        let packages = [self.program.functions[by.index()].package];
        self.made.holds(&packages, by, gone.file, self.flow) || is_read() && own(by, gone.file)
    }

    /// Whether two files of one function may be one, or of one kind: nothing that is known of both speaks against it.
    fn may_be_one(&self, function: FuncId, one: Value, other: Value) -> bool {
        let is_known = |file: Value| {
            Name::of(&self.flow.terms, file).is_telling() || !self.flow.intents.fields_of(function, file).is_empty()
        };
        one == other || !is_known(one) || !is_known(other) || self.is_alike((function, one), (function, other))
    }

    /// Whether two files are of one kind: they are kept in one field, or their names are the same as far as they are written out.
    pub(super) fn is_alike(&self, one: (FuncId, Value), other: (FuncId, Value)) -> bool {
        let intents = &self.flow.intents;
        let fields = |(function, file): (FuncId, Value)| {
            let mut fields: Vec<FieldKey> = intents.fields_of(function, file).to_vec();
            for field in fields.clone() {
                let path = intents.links.get(&field).copied().flatten();
                if let Some(Term::Field(_, name)) = path.map(|path| self.flow.terms.get(path)) {
                    fields.push((field.0, *name));
                }
            }
            fields
        };
        let theirs = fields(other);
        let (mine, other_name) = (Name::of(&self.flow.terms, one.1), Name::of(&self.flow.terms, other.1));
        let is_beside = || match (mine.directory, other_name.directory) {
            (Some(my), Some(their)) => {
                let their_fields = intents.fields_of(other.0, their);
                intents.fields_of(one.0, my).iter().any(|field| their_fields.contains(field))
            }
            _ => false,
        };
        let is_below_one = || {
            let (my, their) = (Kept::of(&self.flow.terms, one.1), Kept::of(&self.flow.terms, other.1));
            let their_fields = || intents.fields_of(other.0, their.base);
            my.below == their.below
                && !my.below.is_empty()
                && (one.0 == other.0 && my.base == their.base
                    || intents.fields_of(one.0, my.base).iter().any(|field| their_fields().contains(field)))
        };
        fields(one).iter().any(|field| theirs.contains(field))
            || mine.last == other_name.last && (mine.is_telling() || is_beside())
            || is_below_one()
    }

    /// Whether what `function` knows as `file` may be among the files that `fillers` fill: of the same name, as far as names are written out.
    pub(super) fn may_be_filled_by(&self, file: Value, fillers: &[FuncId]) -> bool {
        let name = Name::of(&self.flow.terms, file);
        let filled = fillers.iter().flat_map(|&id| self.deeds(id)).filter(|deed| fills(deed));
        filled
            .map(|deed| Name::of(&self.flow.terms, deed.file))
            .any(|other| !name.is_telling() || !other.is_telling() || name.last == other.last)
    }

    /// Whether every way on which `function` makes the file that it writes has found before that nothing is there: it replaces nothing.
    pub(super) fn is_made_where_nothing_was(&self, function: FuncId, pending: &Pending) -> bool {
        // One write may go to one of several files, not each of which is told.
        let written = |deed: &&Deed| deed.trace.origin() == pending.trace.origin() && writes(deed);
        let told: Vec<Value> = self.deeds(function).iter().filter(written).map(|deed| deed.file).collect();
        let files = if told.contains(&pending.file) { vec![pending.file] } else { told };
        let makes = |deed: &&Deed| {
            let makes = matches!(
                deed.did,
                Did::Overwrite | Did::Pend(How::Created | How::MaybeCreated | How::Copied | How::Renamed, Kind::Name)
            );
            makes && files.contains(&deed.file) && !deed.failing
        };
        let makers: Vec<&Deed> = self.deeds(function).iter().filter(makes).collect();
        // Other calls may make it on other ways.
        let is_here = |deed: &&&Deed| deed.trace.origin() == pending.trace.origin();
        let by_the_write: Vec<&Deed> = makers.iter().filter(is_here).copied().collect();
        let makers = if by_the_write.is_empty() { makers } else { by_the_write };
        !makers.is_empty() && makers.iter().all(|deed| self.found_nothing(deed))
    }

    /// Whether it was asked on the way to a deed, in the function itself or further down, if its file is there, and it was not.
    fn found_nothing(&self, deed: &Deed) -> bool {
        use crate::flow::state::{Question, Trace};
        let asked = |deed: &Deed| {
            deed.guards.iter().any(|&(value, question, answer)| {
                let of_file = match self.flow.terms.get(value) {
                    Term::Op(name, args) => crate::flow::asks_for_presence(name) && args.as_slice() == [deed.file],
                    _ => false,
                };
                of_file && !answer && matches!(question, Question::True | Question::Succeeded)
            })
        };
        let (mut at, mut found) = (deed.trace.clone(), asked(deed));
        while let (false, Trace::Via(_, inner)) = (found, &*at.clone()) {
            let below = self.deeds(inner.start().function).iter();
            found = below.filter(|other| other.did == deed.did && other.trace == *inner).any(asked);
            at = inner.clone();
        }
        found
    }
}
