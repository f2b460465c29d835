//! The operations behind a row: their effects in order, what is missing, what a crash leaves.

use super::evidence::Evidence;
use super::table::{Effect, Operation, Reason};
use crate::flow::state::{How, Kind, Pending, Question};
use crate::flow::summary::{Deed, Did};
use crate::flow::terms::Value;
use crate::ir::FuncId;
use rustc_hash::FxHashSet;

impl<'a> Evidence<'a> {
    /// All that is told of one operation.
    pub(super) fn operation(&self, id: FuncId) -> Operation {
        let function = &self.program.functions[id.index()];
        let deeds = self.deeds(id);
        let directories: FxHashSet<Value> = deeds.iter().filter_map(|deed| deed.to).collect();
        let effects = deeds
            .iter()
            .filter(|deed| !deed.failing && deed.did != Did::Overwrite)
            .map(|deed| Effect {
                what: words(deed, directories.contains(&deed.file)),
                file: self.shown(id, deed.file),
                span: deed.trace.origin().span,
                condition: self.condition(id, deed),
            })
            .collect();
        let mut missing: Vec<Reason> = Vec::new();
        for pending in self.successes(id).iter().flat_map(|moment| &moment.pending) {
            let reason = Reason { text: left_in_words(pending).to_string(), span: pending.trace.origin().span };
            if !missing.contains(&reason) {
                missing.push(reason);
            }
        }
        Operation { name: function.name, span: function.name_span, effects, missing, unseen: self.unseen(id) }
    }

    /// Under which answers about settings something is done.
    fn condition(&self, function: FuncId, deed: &Deed) -> Option<String> {
        let words: Vec<String> = deed
            .guards
            .iter()
            .filter(|(value, question, _)| self.flow.terms.is_setting(*value, *question))
            .map(|&(value, question, answer)| {
                let name = self.name(function, value);
                match question {
                    Question::Variant(variant) => {
                        let variant = variant.rsplit("::").next().unwrap_or_default();
                        format!("{name} is {}{variant}", if answer { "" } else { "not " })
                    }
                    _ => format!("{name} is {}", if answer { "on" } else { "off" }),
                }
            })
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

fn words(deed: &Deed, is_directory: bool) -> &'static str {
    match deed.did {
        Did::Read => "read",
        Did::Overwrite => "truncate",
        Did::Place => "seek",
        Did::Flush => "flush",
        Did::Sync if is_directory => "sync directory",
        Did::Sync => "sync",
        Did::Remove => "unlink",
        Did::Pend(how, _) => match how {
            How::Written | How::WrittenWhole | How::HandedOver => "write",
            How::Copied => "copy",
            How::Resized => "resize",
            How::Cut => "truncate",
            How::Created | How::MaybeCreated => "create",
            How::Renamed => "rename",
            How::Linked => "link",
            How::Removed => "unlink",
            How::DirectoryMade => "make directory",
        },
    }
}

fn left_in_words(pending: &Pending) -> &'static str {
    match (pending.kind, pending.how) {
        (Kind::Buffer, _) => "bytes still in a user-space buffer: gone even if only the process is killed",
        (Kind::Data, How::Resized | How::Cut) => {
            "a new length that is not synced: after a crash the old one or the new"
        }
        (Kind::Data, _) => "bytes that are not synced: after a crash there, partly there, or gone",
        (Kind::Name, How::Removed) => "a removal that the directory may forget: after a crash the file can be back",
        (Kind::Name, How::Renamed) => "a rename that the directory may forget: after a crash the old name can be back",
        (Kind::Name, How::DirectoryMade) => "a directory whose parent may forget it, with all that is in it",
        (Kind::Name, _) => "a name that the directory may forget: after a crash the file can be gone",
    }
}
