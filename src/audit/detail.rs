//! The operations behind a row: their effects in order, what is missing, what a crash leaves.

use super::evidence::Evidence;
use super::in_place::Unlogged;
use super::roles::Roles;
use super::stores::Store;
use super::table::{Effect, Operation, Reason};
use crate::flow::Moment;
use crate::flow::state::{Guard, How, Kind, Pending, Question};
use crate::flow::summary::{Act, Deed, Did};
use crate::flow::terms::{Term, Value};
use crate::ir::{FuncId, Function};
use rustc_hash::{FxHashMap, FxHashSet};

impl<'a> Evidence<'a> {
    /// All that is told of one operation of a store whose functions have `roles`, and that writes in place without a log as told by `unlogged`.
    pub(super) fn operation(&self, store: &Store, id: FuncId, roles: &Roles, unlogged: &[Unlogged]) -> Operation {
        let function = &self.program.functions[id.index()];
        let (effects, elsewhere, names) = self.effects(id);
        let mut missing: Vec<Reason> = Vec::new();
        let mut lacks = |text: String, span| {
            let reason = Reason { text, span };
            if !missing.contains(&reason) {
                missing.push(reason);
            }
        };
        for (&part, &role) in roles {
            let gets_there = part == id || self.deeds(id).iter().any(|deed| deed.trace.functions().contains(&part));
            if let Some(late) = self.retired_unwritten(store, part, role).filter(|_| gets_there) {
                let (output, old) = (self.shown(part, late.output.file), self.shown(part, late.gone));
                let text = format!(
                    "this write to `{output}`, and a sync, before `{old}` is removed; a crash on the way can leave neither"
                );
                lacks(doubted(text, late.doubt), late.output.trace.origin().span);
            }
            let Some(early) = self.retired_early(store, part, role, &|_, _| None).filter(|_| gets_there) else {
                continue;
            };
            let output = self.shown(part, early.pending.file);
            let what = match early.pending.kind {
                Kind::Name => format!("a sync of the directory of `{output}`"),
                Kind::Buffer | Kind::Data => format!("a sync of `{output}`"),
            };
            let (old, how) = match early.act {
                Act::Remove { path, .. } => (path, "is removed"),
                Act::Rename { to, .. } => (to, "is replaced"),
                Act::Cut { file, .. } | Act::WriteOver { file } | Act::Sync { file } => (file, "is cut"),
                Act::Link { .. } | Act::Succeed => continue,
            };
            let old = self.shown(part, old);
            let text = format!("{what} before `{old}` {how}; a crash on the way can leave neither");
            let text = match &early.verdict {
                Ok(Some(option)) => format!("depending on {option}, {text}"),
                _ => text,
            };
            lacks(doubted(text, early.verdict.err()), early.pending.trace.origin().span);
        }
        for write in unlogged.iter().filter(|write| write.operation == id) {
            let file = self.shown(id, write.file);
            let text = format!("a log before this write over `{file}`; a crash on the way leaves a mix of old and new");
            let doubt = (!write.beside_logged).then(|| "what was there may not be needed any more".to_string());
            lacks(doubted(text, doubt), write.span);
        }
        let mut told = FxHashSet::default();
        for &moment in self.successes(id) {
            for pending in moment.pending.iter() {
                // What one call leaves is told once, whichever of several files it may be.
                if !told.insert((pending.trace.origin(), pending.kind, pending.how)) {
                    continue;
                }
                let doubt = self.doubt(store, moment, pending).map(|doubt| doubt.words());
                let file = self.shown(id, names.get(&pending.file).copied().unwrap_or(pending.file));
                let left = left_in_words(&file, pending);
                let text = match self.parting_answer(id, moment, pending) {
                    Some(guard) => format!("if {}, {left}", self.answer(id, &guard)),
                    None => left,
                };
                lacks(doubted(text, doubt), pending.trace.origin().span);
            }
        }
        Operation {
            name: function.name,
            span: function.name_span,
            effects,
            elsewhere,
            missing,
            unseen: self.unseen(id),
        }
    }

    /// What an operation does to files when all goes well, in order; how many effects are on what was not seen to be a file; and the names
    /// that files have in the end, where these are new.
    fn effects(&self, id: FuncId) -> (Vec<Effect>, usize, FxHashMap<Value, Value>) {
        let deeds: Vec<&Deed> = self.deeds(id).iter().filter(|deed| !deed.failing).collect();
        let directories: FxHashSet<Value> = deeds.iter().filter_map(|deed| deed.to).collect();
        let same_call = |at: usize, did: &dyn Fn(Did) -> bool| {
            deeds.iter().any(|other| did(other.did) && other.file == deeds[at].file && other.trace == deeds[at].trace)
        };
        let mut elsewhere = 0;
        let mut names: FxHashMap<Value, Value> = FxHashMap::default();
        let mut effects: Vec<Effect> = Vec::new();
        for (at, deed) in deeds.iter().enumerate() {
            let what = match deed.did {
                // It is told by what the same call does to the name.
                Did::Overwrite if same_call(at, &is_creation) => continue,
                Did::Place if same_call(at, &|did| matches!(did, Did::Pend(How::Written, _))) => continue,
                Did::Pend(How::Written, _) if same_call(at, &|did| did == Did::Place) => "write at a place",
                Did::Pend(How::Removed, _) if same_call(at, &|did| did == Did::Remove) => continue,
                Did::Pend(How::Created, _) if same_call(at, &|did| did == Did::Overwrite) => "create or truncate",
                Did::Sync if directories.contains(&deed.file) => "sync directory",
                did => words(did),
            };
            if self.is_of_another(id, deed) {
                continue;
            }
            if !self.is_shown(id, &deeds, deed) {
                elsewhere += 1;
                continue;
            }
            let name = names.get(&deed.file).copied().unwrap_or(deed.file);
            let to = (deed.did == Did::Pend(How::Renamed, Kind::Name)).then(|| self.new_name(id, deed)).flatten();
            names.extend(to.map(|to| (deed.file, to)));
            let by = self.named(deed.trace.origin().function);
            // The first function on the way that is not part of the operation itself.
            let via = deed.trace.functions().into_iter().map(|function| self.named(function)).find(|way| *way != id);
            effects.push(Effect {
                what,
                file: self.shown(id, name),
                to: to.map(|to| self.shown(id, to)),
                by: (by != id).then(|| self.short(by)),
                via: via.filter(|via| *via != by && by != id).map(|via| self.short(via)),
                span: deed.trace.origin().span,
                conditions: self.conditions(id, &deed.guards),
            });
        }
        (effects, elsewhere, names)
    }

    /// The name that a file gets by a rename.
    fn new_name(&self, id: FuncId, rename: &Deed) -> Option<Value> {
        let triggers = self.flow.summaries.get(&id).map_or(&[] as &[_], |summary| summary.triggers.as_slice());
        let told = triggers.iter().map(|trigger| (trigger.act, &trigger.trace));
        let moments = self.acts(id).iter().map(|moment| (moment.act, &moment.trace));
        told.chain(moments).find_map(|(act, trace)| match act {
            Act::Rename { to, .. } if *trace == rename.trace => Some(to),
            _ => None,
        })
    }

    /// Whether it is what some other type does in place of the operation's own, where a call leaves open which type it is for.
    fn is_of_another(&self, id: FuncId, deed: &Deed) -> bool {
        let functions = &self.program.functions;
        let Some(own) = functions[id.index()].owner else { return false };
        deed.trace.functions().iter().any(|other| {
            let other = &functions[other.index()];
            let is_same = |function: &Function| {
                function.owner == Some(own)
                    && function.interface == other.interface
                    && function.short_name == other.short_name
            };
            other.interface.is_some() && other.owner.is_some_and(|of| of != own) && functions.iter().any(is_same)
        })
    }

    /// Whether what is done is done to a file, as far as is known: memory that is written to like a file is none.
    fn is_shown(&self, id: FuncId, deeds: &[&Deed], deed: &Deed) -> bool {
        let terms = &self.flow.terms;
        if matches!(terms.get(terms.root(deed.file)), Term::Fresh(..)) {
            let names = |other: &Deed| matches!(other.did, Did::Pend(_, Kind::Name) | Did::Remove | Did::Overwrite);
            return deed.did == Did::Sync || deeds.iter().any(|other| names(other) && other.file == deed.file);
        }
        let fields = self.flow.intents.fields_of(id, deed.file);
        fields.is_empty() || !fields.iter().all(|field| self.declared.is_memory(field))
    }

    /// Under which answers about settings something is done.
    fn conditions(&self, function: FuncId, guards: &[Guard]) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        // Which type the operation is for is no setting.
        let is_own =
            |value: Value| matches!(self.flow.terms.get(value), Term::Param(0)) && self.owner(function).is_some();
        // What is one variant is no other.
        let is_one =
            |value: Value| guards.iter().any(|guard| matches!(guard, (of, Question::Variant(_), true) if *of == value));
        let is_told = |(value, question, answer): &&Guard| {
            let says_less = matches!(question, Question::Variant(_)) && !answer && is_one(*value);
            self.flow.terms.is_setting(*value, *question) && !is_own(*value) && !says_less
        };
        for guard in guards.iter().filter(is_told) {
            let answer = self.answer(function, guard);
            if !words.contains(&answer) {
                words.push(answer);
            }
        }
        words
    }

    /// An answer in words: `sync_writes is off`.
    fn answer(&self, function: FuncId, &(value, question, answer): &Guard) -> String {
        let name = self.name(function, value);
        match question {
            Question::Variant(variant) => {
                let variant = variant.rsplit("::").next().unwrap_or_default();
                format!("{name} is {}{variant}", if answer { "" } else { "not " })
            }
            _ => format!("{name} is {}", if answer { "on" } else { "off" }),
        }
    }

    /// The answer about a setting under which something is left pending, where a sync of that file is under the opposite one.
    pub(super) fn parting_answer(&self, id: FuncId, moment: &Moment, pending: &Pending) -> Option<Guard> {
        let syncs = || self.deeds(id).iter().filter(|deed| deed.did == Did::Sync && !deed.failing);
        let held = pending.when.iter().chain(&moment.guards);
        let mut parting = held.filter(|(value, question, answer)| {
            let opposite = (*value, *question, !*answer);
            self.flow.terms.is_setting(*value, *question) && syncs().any(|deed| deed.guards.contains(&opposite))
        });
        parting.next().copied()
    }
}

fn is_creation(did: Did) -> bool {
    matches!(did, Did::Pend(How::Created | How::MaybeCreated, Kind::Name))
}

/// `text`, with why it is not certain, if it is not.
fn doubted(text: String, doubt: Option<String>) -> String {
    match doubt {
        Some(doubt) => format!("perhaps {text} (not certain: {doubt})"),
        None => text,
    }
}

fn words(did: Did) -> &'static str {
    match did {
        Did::Read => "read",
        Did::Overwrite => "truncate",
        Did::Place => "seek",
        Did::Flush => "flush",
        Did::Sync => "sync",
        Did::Remove => "unlink",
        Did::Pend(how, _) => match how {
            How::Written | How::WrittenWhole | How::HandedOver => "write",
            How::Copied => "copy",
            How::Resized => "resize",
            How::Cut => "truncate",
            How::Created => "create",
            How::MaybeCreated => "create if absent",
            How::Renamed => "rename",
            How::Linked => "link",
            How::Symlinked => "symlink",
            How::Removed => "unlink",
            How::DirectoryMade => "make directory",
        },
    }
}

/// What is missing for something that is pending when success is reported, and what a crash can leave of it.
fn left_in_words(file: &str, pending: &Pending) -> String {
    match (pending.kind, pending.how) {
        (Kind::Buffer, _) => {
            format!("a flush of `{file}`; what was written is gone even if only the process is killed")
        }
        (Kind::Data, How::Resized | How::Cut) => {
            format!("a sync of `{file}`; a crash can leave the length that it had before")
        }
        (Kind::Data, _) => {
            format!("a sync of `{file}`; a crash can leave what was written whole, in part, or not at all")
        }
        (Kind::Name, How::Removed) => {
            format!("a sync of the directory of `{file}`; after a crash the removed file can be back")
        }
        (Kind::Name, How::Renamed) => {
            format!("a sync of the directory of `{file}`; after a crash it can have its old name again")
        }
        (Kind::Name, How::DirectoryMade) => {
            format!("a sync of the parent of `{file}`; a crash can lose this directory with all that is in it")
        }
        (Kind::Name, _) => format!("a sync of the directory of `{file}`; a crash can lose the new name"),
    }
}
