//! What cells rest on that was not seen. That nothing of a kind is done can only be said of what was read; where something is asked that could
//! do it, the cell is *unknown*.

use super::deeds::writes;
use super::evidence::Evidence;
use super::reach::gives_away;
use super::roles::is_more_than_a_write;
use super::stores::Store;
use super::table::{Cell, Verdict};
use crate::apis::Slot;
use crate::effects::Effect;
use crate::flow::state::{How, Kind, Origin, Pending};
use crate::flow::summary::{Deed, Did};
use crate::ir::{
    Base, Call, Callee, Exit, FuncId, Function, FunctionKind, InstKind, LocalId, Operand, Rvalue, Terminator, ValueKind,
};
use crate::source::Span;
use rustc_hash::FxHashSet;
use ustr::Ustr;

impl Evidence<'_> {
    /// Takes back what the cells of rewrites and directories say where what they deny may be done by what was not seen, or where nobody looked:
    /// by options that are given, in a macro, by who is not an operation, in an opening, or through what is not known to be a file.
    pub(super) fn beside_unseen(&self, store: &Store, writes: &Cell, cells: [&mut Cell; 3]) {
        use Verdict::{No, NotApplicable, Unknown, Yes};
        let [rewrite, inputs, directory] = cells;
        let functions = (0..self.program.functions.len()).map(|at| FuncId(at as u32));
        // What was not seen to do anything to files is no operation.
        let methods = functions.filter(|&id| store.owns(self, self.named(id)));
        let below = self.below(&store.operations.iter().copied().chain(methods).collect::<Vec<_>>());
        if matches!(directory.verdict, Yes | NotApplicable)
            && let Some(&opener) = below.iter().find(|&&id| self.opens_as_it_is_told(id))
        {
            let why = format!("`{}` opens by options that it is given, which may make files", self.short(opener));
            *directory = Cell::detailed(Unknown, why);
        }
        if directory.verdict == NotApplicable
            && let Some(maker) = self.maker_of_its_files(store)
        {
            let why = format!("`{}`, which is no part of it, makes its files", self.short(self.named(maker)));
            *directory = Cell::detailed(Unknown, why);
        }
        let is_unread = |id: &&FuncId| {
            let function = &self.program.functions[id.index()];
            function.package == store.package && !function.unread.is_empty()
        };
        if let Some(&unread) = below.iter().find(is_unread) {
            let why = format!("`{}` has parts that could not be read", self.short(self.named(unread)));
            for cell in [&mut *rewrite, &mut *directory].into_iter().filter(|cell| cell.verdict == NotApplicable) {
                *cell = Cell::detailed(Unknown, why.clone());
            }
        }
        let by_others = || {
            let other = self.rewrites_for_others(store)?;
            let why =
                format!("`{}` rewrites or removes files, and is asked by what is no operation", self.short(other));
            Some((why, matches!(rewrite.verdict, Yes | NotApplicable)))
        };
        let opening = || {
            let opening = self.opening_that_rewrites(store).filter(|_| rewrite.verdict == NotApplicable)?;
            Some((format!("`{}`, an opening, makes new content of what it reads", self.short(opening)), true))
        };
        let by_memory = || {
            let (reader, writer) =
                self.carries_between_operations(store).filter(|_| rewrite.verdict == NotApplicable)?;
            let (reader, writer) = (self.short(reader), self.short(writer));
            let why = format!("what `{reader}` reads may get into what `{writer}` writes, and others remove files");
            Some((why, true))
        };
        let by_options = || {
            let open = store.operations.iter().filter(|id| !store.openings.contains(id));
            let mut open = open.filter(|_| rewrite.verdict == NotApplicable);
            let remover = open.find(|&&id| self.removes_what_lasts(id))?;
            let opener = below.iter().find(|&&id| self.opens_as_it_is_told(id))?;
            let why = format!(
                "`{}` opens by options that it is given, which may make the successor of what `{}` removes",
                self.short(*opener),
                self.short(*remover)
            );
            Some((why, true))
        };
        let by_mapping = || {
            let operation = self.maps_and_makes(store).filter(|_| rewrite.verdict == NotApplicable)?;
            let why = format!(
                "`{}` maps a file to read it, and makes another: what of the one gets into the other was not seen",
                self.short(operation)
            );
            Some((why, true))
        };
        let destructor = || {
            let destructor = self.destructor_that_removes(store, &below)?;
            let owner = self.owner(destructor)?;
            let owner = owner.rsplit_once("::").map_or(owner.as_str(), |(_, last)| last);
            let why =
                format!("a `{owner}` that goes removes a file under some condition, and when it goes cannot be told");
            Some((why, rewrite.verdict == NotApplicable))
        };
        let unresolved = || {
            let is_unresolved = writes.verdict == Unknown && rewrite.verdict == NotApplicable;
            let open = store.operations.iter().filter(|id| is_unresolved && !store.openings.contains(id));
            let remover = open.copied().find(|&id| self.replaces(id))?;
            let &giver = below.iter().find(|&&id| gives_away(self.program, id))?;
            let (giver, remover) = (self.short(self.named(giver)), self.short(remover));
            let why = format!(
                "`{giver}` gives a file to code that was not seen, which may fill it with what `{remover}` removes"
            );
            Some((why, true))
        };
        let out_of_sight = || {
            let why = self.rewrites_out_of_sight(store).filter(|_| rewrite.verdict == NotApplicable)?;
            Some((why, true))
        };
        let Some((why, is_open)) = by_others()
            .or_else(opening)
            .or_else(by_memory)
            .or_else(by_options)
            .or_else(by_mapping)
            .or_else(destructor)
            .or_else(unresolved)
            .or_else(out_of_sight)
        else {
            return;
        };
        if is_open {
            *rewrite = Cell::detailed(Unknown, why.clone());
        }
        if inputs.verdict == No {
            *inputs = Cell::detailed(Unknown, why);
        }
    }

    /// Why code that was not seen may rewrite: an operation on an open store cuts or makes a file that nothing is seen to be put into, and reads
    /// from and writes to what was not seen to be a file.
    fn rewrites_out_of_sight(&self, store: &Store) -> Option<String> {
        let mut open = store.operations.iter().copied().filter(|id| !store.openings.contains(id));
        let makes = |deed: &Deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Created, Kind::Name));
        let operation = open.find(|&id| {
            let done = || self.deeds(id).iter().filter(|deed| !deed.failing);
            let unseen = || done().filter(|deed| !self.was_a_file(id, deed.file));
            let is_filled = |made: &Deed| done().any(|deed| writes(deed) && deed.file == made.file);
            done().any(|deed| makes(deed) && !is_filled(deed) && !self.is_passing(id, deed.file))
                && unseen().any(|deed| deed.did == Did::Read)
                && unseen().any(writes)
        })?;
        let short = self.short(operation);
        Some(format!(
            "what `{short}` reads and writes was not seen to be opened, and may be the file that it makes anew"
        ))
    }

    /// Two operations on an open store, one of which reads what may get, by way of what the store keeps in memory, into a new file that the other
    /// one fills, where some operation removes a file: together they may rewrite.
    fn carries_between_operations(&self, store: &Store) -> Option<(FuncId, FuncId)> {
        // What only reads is no operation, and yet it can be asked.
        let functions = (0..self.program.functions.len()).map(|at| FuncId(at as u32));
        let is_open = |&id: &FuncId| {
            let can_be_asked = self.is_public(id) && store.owns(self, id) || store.operations.contains(&id);
            can_be_asked && !store.openings.contains(&id) && !store.makers.contains(&id)
        };
        let open: Vec<FuncId> = functions.filter(is_open).collect();
        let done = |id: FuncId| self.deeds(id).iter().filter(|deed| !deed.failing);
        let makes = |deed: &Deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Created, Kind::Name));
        let is_new = |id: FuncId, deed: &Deed| done(id).any(|other| makes(other) && other.file == deed.file);
        if !open.iter().any(|&id| self.removes_what_lasts(id)) {
            return None;
        }
        let of = |is: &dyn Fn(FuncId, &Deed) -> bool| -> Vec<(FuncId, Origin)> {
            let deeds = open.iter().flat_map(|&id| done(id).map(move |deed| (id, deed)));
            deeds.filter(|(id, deed)| is(*id, deed)).map(|(id, deed)| (id, deed.trace.origin())).collect()
        };
        // What is given back is what was asked for, and what makes a part of a store anew is an opening.
        let keeps = |id: FuncId| {
            let function = &self.program.functions[id.index()];
            let given = function.params.first().and_then(|local| function.locals[local.index()].type_name);
            given.is_some() && given == function.owner && !self.gives_back(id)
        };
        let read = of(&|id, deed| deed.did == Did::Read && keeps(id));
        let written = of(&|id, deed| writes(deed) && is_new(id, deed));
        self.carried_by_type(&open, &read, &written)
    }

    /// Whether a function gives back something of a known type, or memory.
    fn gives_back(&self, function: FuncId) -> bool {
        let function = &self.program.functions[function.index()];
        function.blocks.iter().any(|block| {
            let Terminator::Return { value, exit, .. } = &block.end else { return false };
            let local = variable(value).map(|local| &function.locals[local.index()]);
            *exit != Exit::Failure
                && local.is_some_and(|local| local.type_name.is_some() || local.kind == ValueKind::Memory)
        })
    }

    /// Whether an operation takes away a file that lasts, and that it did not make.
    fn removes_what_lasts(&self, operation: FuncId) -> bool {
        let makes = |deed: &Deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Created, Kind::Name));
        let done = || self.deeds(operation).iter().filter(|deed| !deed.failing);
        let is_new = |gone: &Deed| done().any(|deed| makes(deed) && deed.file == gone.file);
        done().any(|deed| deed.did == Did::Remove && !self.is_passing(operation, deed.file) && !is_new(deed))
    }

    /// An operation on an open store that maps a file which it did not make, and fills one that it makes afterwards: what is read through a
    /// mapping no call shows.
    fn maps_and_makes(&self, store: &Store) -> Option<FuncId> {
        let maps = |deed: &Deed| {
            let origin = deed.trace.origin();
            deed.did == Did::Read
                && calls_of(&self.program.functions[origin.function.index()]).any(|(call, focus)| {
                    let is_mapping = |api| self.apis.get(api).effect == Effect::WrapRead;
                    focus == origin.span && matches!(call.callee, Callee::Api { api, .. } if is_mapping(api))
                })
        };
        let makes = |deed: &Deed| matches!(deed.did, Did::Overwrite | Did::Pend(How::Created, Kind::Name));
        let operations = store.operations.iter().copied().filter(|id| !store.openings.contains(id));
        operations.into_iter().find(|&id| {
            let done: Vec<&Deed> = self.deeds(id).iter().filter(|deed| !deed.failing).collect();
            done.iter().enumerate().any(|(at, mapped)| {
                let is_made = done[..at].iter().any(|deed| makes(deed) && deed.file == mapped.file);
                maps(mapped) && !is_made && done[at..].iter().any(|deed| makes(deed))
            })
        })
    }

    /// What runs when values of a type go that functions of `below` have, and then removes a file that lasts, and not always: what is always
    /// removed lives no longer than the value. What an operation was seen to run is judged there.
    fn destructor_that_removes(&self, store: &Store, below: &[FuncId]) -> Option<FuncId> {
        let removes = |id: FuncId| {
            self.deeds(id).iter().any(|deed| {
                let lasts = deed.did == Did::Remove && !deed.failing && !self.is_passing(id, deed.file);
                lasts && self.is_passed_by(id, deed.trace.start().span)
            })
        };
        let is_seen = |id: FuncId| {
            let mut deeds = store.operations.iter().flat_map(|&operation| self.deeds(operation));
            deeds.any(|deed| deed.trace.functions().contains(&id))
        };
        let is_had = |of: Ustr| {
            below.iter().any(|&id| {
                let function = &self.program.functions[id.index()];
                function.owner == Some(of) || function.locals.iter().any(|local| local.type_name == Some(of))
            })
        };
        let mut functions = (0..self.program.functions.len()).map(|at| FuncId(at as u32));
        functions.find(|&id| {
            let function = &self.program.functions[id.index()];
            function.kind == FunctionKind::Destructor
                && function.package == store.package
                && removes(id)
                && !is_seen(id)
                && function.owner.is_some_and(is_had)
        })
    }

    /// Whether `function` has a way to its end that passes by the call at `span`.
    fn is_passed_by(&self, function: FuncId, span: Span) -> bool {
        let blocks = &self.program.functions[function.index()].blocks;
        let holds = |block: usize| blocks[block].insts.iter().any(|inst| inst.focus == span);
        let (mut seen, mut work) = (FxHashSet::from_iter([0]), vec![0]);
        while let Some(at) = work.pop() {
            if holds(at) {
                continue;
            }
            if matches!(blocks[at].end, Terminator::Return { .. }) {
                return true;
            }
            let next = blocks[at].end.successors().into_iter().map(|block| block.index());
            work.extend(next.filter(|&block| seen.insert(block)));
        }
        false
    }

    /// A function that is no part of `store`, and makes files which are kept in fields of its types.
    pub(super) fn maker_of_its_files(&self, store: &Store) -> Option<FuncId> {
        let is_its_own = |owner: Ustr| store.members.iter().any(|member| member.name == owner);
        let makes = |id: FuncId, deed: &Deed| {
            let is_new = matches!(deed.did, Did::Pend(How::Created | How::MaybeCreated, Kind::Name)) && !deed.failing;
            is_new && self.flow.intents.fields_of(id, deed.file).iter().any(|field| is_its_own(field.0))
        };
        let mut functions = (0..self.program.functions.len()).map(|at| FuncId(at as u32));
        functions.find(|&id| !store.owns(self, id) && self.deeds(id).iter().any(|deed| makes(id, deed)))
    }

    /// Whether an operation takes away a file that lasts, and gives another one a new name.
    fn replaces(&self, operation: FuncId) -> bool {
        let mut done = self.deeds(operation).iter().filter(|deed| !deed.failing);
        let renames = done.clone().any(|deed| matches!(deed.did, Did::Pend(How::Renamed, Kind::Name)));
        renames && done.any(|deed| deed.did == Did::Remove && !self.is_passing(operation, deed.file))
    }

    /// A method of `store` that does more than write, that somebody calls, and that no operation gets to.
    fn rewrites_for_others(&self, store: &Store) -> Option<FuncId> {
        let reached: FxHashSet<FuncId> = self.below(&store.operations).into_iter().collect();
        let mut methods = (0..self.program.functions.len()).map(|at| FuncId(at as u32));
        methods.find(|&id| {
            let is_named = self.program.functions[id.index()].kind == FunctionKind::Named;
            let is_its_own = is_named && store.owns(self, id) && !store.makers.contains(&id);
            is_its_own
                && !reached.contains(&id)
                && !self.flow.callers[id.index()].is_empty()
                && is_more_than_a_write(self, id)
        })
    }

    /// For a new name: the function that makes it only if options which are not written out say so, neither there nor where it is called.
    pub(super) fn opens_as_told(&self, pending: &Pending) -> Option<FuncId> {
        if pending.kind != Kind::Name || !matches!(pending.how, How::Created | How::MaybeCreated) {
            return None;
        }
        let way = pending.trace.origins();
        let opener = way.last()?.function;
        let (body, at) = (&self.program.functions[opener.index()], way.last()?.span);
        let calls = || calls_of(body);
        let is = |call: &Call, effect: Effect| match call.callee {
            Callee::Api { api, .. } => self.apis.get(api).steps().any(|step| step.effect == effect),
            _ => false,
        };
        if !calls().any(|(call, focus)| focus == at && is(call, Effect::OptionsOpen)) {
            return None;
        }
        let makes = |call: &Call| is(call, Effect::OptionsSet) && matches!(call.name.as_str(), "create" | "create_new");
        let flags: Vec<Option<&Operand>> =
            calls().filter(|(call, _)| makes(call)).map(|(call, _)| call.args.get(1).map(|arg| &arg.value)).collect();
        let is_on = |flag: &Option<&Operand>| flag.is_none_or(|flag| self.is_always_on(flag, &way));
        (!flags.is_empty() && !flags.iter().any(is_on)).then_some(opener)
    }

    /// Whether a flag is written out as on, or is an argument that is, at each call on the `way`.
    fn is_always_on(&self, flag: &Operand, way: &[Origin]) -> bool {
        let (Operand::Place(_), Some((last, before))) = (flag, way.split_last()) else {
            return matches!(flag, Operand::Const(text) if text == "true");
        };
        let params = &self.program.functions[last.function.index()].params;
        let number = variable(flag).and_then(|local| params.iter().position(|&param| param == local));
        let (Some(number), Some(caller)) = (number, before.last()) else { return false };
        let mut asked = calls_of(&self.program.functions[caller.function.index()]);
        asked.any(|(call, focus)| {
            let is_it = matches!(&call.callee, Callee::Functions(functions) if functions.contains(&last.function));
            let given = call.args.get(number).map(|arg| &arg.value);
            focus == caller.span && is_it && given.is_some_and(|given| self.is_always_on(given, before))
        })
    }

    /// Whether `function` opens something by options that it did not make itself, and was not seen to make a file by that.
    fn opens_as_it_is_told(&self, function: FuncId) -> bool {
        let body = &self.program.functions[function.index()];
        let insts = || body.blocks.iter().flat_map(|block| &block.insts);
        let calls = || calls_of(body);
        let does = |call: &Call, effect: Effect| match call.callee {
            Callee::Api { api, .. } => self.apis.get(api).steps().any(|step| step.effect == effect),
            _ => false,
        };
        if !calls().any(|(call, _)| does(call, Effect::OptionsOpen)) {
            return false;
        }
        // The variables with options that are made here, and what is set on them.
        let mut made: FxHashSet<LocalId> =
            calls().filter(|(call, _)| does(call, Effect::OptionsNew)).map(|(call, _)| call.result).collect();
        loop {
            let known = made.len();
            for inst in insts() {
                match &inst.kind {
                    InstKind::Call(call)
                        if does(call, Effect::OptionsSet)
                            && call
                                .args
                                .first()
                                .and_then(|arg| variable(&arg.value))
                                .is_some_and(|on| made.contains(&on)) =>
                    {
                        made.insert(call.result);
                    }
                    InstKind::Assign { place, value: Rvalue::Use(from) | Rvalue::Success(from) } => {
                        if let Base::Local(to) = place.base
                            && place.steps.is_empty()
                            && variable(from).is_some_and(|from| made.contains(&from))
                        {
                            made.insert(to);
                        }
                    }
                    _ => {}
                }
            }
            if made.len() == known {
                break;
            }
        }
        calls().filter(|(call, _)| does(call, Effect::OptionsOpen)).any(|(call, focus)| {
            let Callee::Api { api, .. } = call.callee else { return false };
            let row = self.apis.get(api);
            let step = row.steps().find(|step| step.effect == Effect::OptionsOpen);
            let at = match step.and_then(|step| step.on) {
                Some(Slot::Arg(number)) => usize::from(number) + usize::from(row.has_receiver()),
                _ => 0,
            };
            let is_made = call.args.get(at).and_then(|arg| variable(&arg.value)).is_some_and(|on| made.contains(&on));
            let makes = |deed: &Deed| matches!(deed.did, Did::Pend(_, Kind::Name)) && deed.trace.origin().span == focus;
            let is_new = || self.deeds(function).iter().any(makes);
            !is_made && !is_new()
        })
    }
}

/// The calls of a function, each with its place.
fn calls_of(function: &Function) -> impl Iterator<Item = (&Call, Span)> {
    let insts = function.blocks.iter().flat_map(|block| &block.insts);
    insts.filter_map(|inst| match &inst.kind {
        InstKind::Call(call) => Some((call, inst.focus)),
        _ => None,
    })
}

/// The variable that a place is.
fn variable(operand: &Operand) -> Option<LocalId> {
    match operand {
        Operand::Place(place) => match place.base {
            Base::Local(local) if place.steps.is_empty() => Some(local),
            _ => None,
        },
        _ => None,
    }
}
