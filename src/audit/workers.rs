//! What is handed on to run elsewhere, on a thread perhaps: what it does to files is part of no operation, and yet of the store.

use super::deeds::{retires, writes};
use super::evidence::{Evidence, Tasks};
use super::roles::is_more_than_a_write;
use super::stores::Store;
use super::table::{Cell, Verdict};
use crate::flow::state::{Kind, Pending, Trace};
use crate::flow::summary::{Deed, Did};
use crate::flow::terms::Value;
use crate::ir::{Call, Callee, FuncId, FunctionKind, InstKind, Rvalue};
use crate::source::Span;
use std::collections::BTreeSet;

/// A function value that changes files for good, and that no operation on an open store was seen to call.
struct Worker {
    /// The function of the store that makes it or hands it on.
    by: FuncId,
    function: FuncId,
    /// An opening was seen to run it, there and then or on a thread.
    in_opening: bool,
}

impl Evidence<'_> {
    /// Takes back what cells say where a function that `store` hands on does what they deny: it may be done at any time.
    pub(super) fn beside_workers(&self, store: &Store, cells: [&mut Cell; 4]) {
        let workers = self.workers(store);
        let does = |worker: &Worker, what: &dyn Fn(&Deed) -> bool| {
            self.deeds(worker.function).iter().any(|deed| !deed.failing && what(deed))
        };
        let rewrites = |worker: &Worker| is_more_than_a_write(self, worker.function);
        let unknown = |cell: &mut Cell, worker: Option<&Worker>, does: &str| {
            if let Some(worker) = worker {
                let why =
                    format!("`{}` hands on a function that {does} files, perhaps to a thread", self.short(worker.by));
                *cell = Cell::detailed(Verdict::Unknown, why);
            }
        };
        use Verdict::{Conditional, No, NotApplicable, ViaLog, Yes};
        let [normal, rewrite, inputs, directory] = cells;
        if matches!(normal.verdict, Yes | ViaLog | Conditional | NotApplicable) {
            let is_writer = |worker: &&Worker| match worker.in_opening {
                true => self.writes_besides(worker.function),
                false => does(worker, &writes),
            };
            let writer = workers.iter().find(is_writer);
            unknown(normal, writer, "writes");
        }
        let rewriter =
            || workers.iter().find(|worker| rewrites(worker) || does(worker, &retires) && !worker.in_opening);
        if matches!(rewrite.verdict, Yes | NotApplicable) {
            unknown(rewrite, rewriter(), "rewrites or removes");
        }
        if inputs.verdict == No {
            unknown(inputs, rewriter(), "rewrites or removes");
        }
        let names = |deed: &Deed| matches!(deed.did, Did::Pend(_, Kind::Name) | Did::Remove);
        if matches!(directory.verdict, Yes | NotApplicable) {
            // What is done in an opening was judged there.
            unknown(directory, workers.iter().find(|worker| !worker.in_opening && does(worker, &names)), "names");
        }
    }

    fn workers(&self, store: &Store) -> Vec<Worker> {
        let (mut called, mut opened): (BTreeSet<FuncId>, BTreeSet<FuncId>) = Default::default();
        for operation in &store.operations {
            let reached = if store.openings.contains(operation) { &mut opened } else { &mut called };
            reached.extend(self.deeds(*operation).iter().flat_map(|deed| deed.trace.functions()));
        }
        let changes = |worker: FuncId| {
            let changes = |deed: &Deed| !matches!(deed.did, Did::Read | Did::Place | Did::Flush | Did::Sync);
            let lasting = |deed: &Deed| !self.is_passing(worker, deed.file) && !self.is_lent(worker, deed.file);
            self.deeds(worker).iter().any(|deed| !deed.failing && changes(deed) && lasting(deed))
        };
        let handed_on =
            self.handed_on_by(store).into_iter().filter(|(_, value)| !called.contains(value) && changes(*value));
        handed_on.map(|(by, function)| Worker { by, function, in_opening: opened.contains(&function) }).collect()
    }

    /// The function values that functions of a store, or what is below them in its package, make, each with the function that does.
    fn handed_on_by(&self, store: &Store) -> Vec<(FuncId, FuncId)> {
        let own = (0..self.program.functions.len())
            .map(|at| FuncId(at as u32))
            .filter(|&id| store.owns(self, self.named(id)));
        let own: Vec<FuncId> = own.collect();
        let mut handed_on = Vec::new();
        for id in self.below(&own) {
            let (by, function) = (self.named(id), &self.program.functions[id.index()]);
            // Of what other packages do on the way it cannot be told whether it is done for this store.
            if function.package != store.package {
                continue;
            }
            let insts = function.blocks.iter().flat_map(|block| &block.insts);
            let values = insts.flat_map(|inst| match &inst.kind {
                InstKind::Assign { value: Rvalue::Closure { function, .. }, .. } => vec![*function],
                InstKind::Assign { value: Rvalue::FunctionValue(functions), .. } => functions.to_vec(),
                _ => Vec::new(),
            });
            handed_on.extend(values.map(|value| (by, value)));
        }
        handed_on
    }

    /// The function that starts a task, not on the way of an operation, which syncs the file, or the directory of the name, that is pending in
    /// `function`: whether that waits for it cannot be told.
    pub(super) fn synced_by_a_task(&self, store: &Store, function: FuncId, pending: &Pending) -> Option<FuncId> {
        let tasks = self.syncing_tasks(store);
        let target = if pending.kind == Kind::Name { pending.dir } else { pending.file };
        let is_it = |task: FuncId| {
            let mut synced = self.deeds(task).iter().filter(|deed| deed.did == Did::Sync && !deed.failing);
            synced.any(|deed| self.is_alike((function, target), (task, deed.file)))
        };
        tasks.iter().find(|(_, task)| is_it(*task)).map(|(by, _)| *by)
    }

    /// The tasks of a store that sync something, each with the function that starts it.
    pub(super) fn syncing_tasks(&self, store: &Store) -> Tasks {
        let known = self.syncing_tasks.borrow().get(&store.first).cloned();
        known.unwrap_or_else(|| {
            let syncs = |id: FuncId| self.deeds(id).iter().any(|deed| deed.did == Did::Sync && !deed.failing);
            let tasks = self.tasks_of(store).into_iter().filter(|(_, task)| syncs(*task));
            let tasks: Tasks = tasks.collect();
            self.syncing_tasks.borrow_mut().insert(store.first, tasks.clone());
            tasks
        })
    }

    /// The function that starts a task which could make durable what is pending in `function`, where `function` waits for an answer after it
    /// left that: what for cannot be told.
    pub(super) fn may_be_waited_for(&self, store: &Store, function: FuncId, pending: &Pending) -> Option<FuncId> {
        if !self.reach.waits(function) || !self.waits_after(&pending.trace) {
            return None;
        }
        let target = if pending.kind == Kind::Name { pending.dir } else { pending.file };
        let is_kept = |function: FuncId, file: Value| !self.flow.intents.fields_of(function, file).is_empty();
        // What both keep in fields was told apart.
        let may_be_it = |task: FuncId| {
            let mut synced = self.deeds(task).iter().filter(|deed| deed.did == Did::Sync && !deed.failing);
            let is_untold = !is_kept(function, target) || synced.any(|deed| !is_kept(task, deed.file));
            is_untold && self.reach.could_settle(task, pending.kind)
        };
        self.syncing_tasks(store).iter().find(|(_, task)| may_be_it(*task)).map(|(by, _)| *by)
    }

    /// Whether, in one of the functions on the way of a trace, the text goes on to a wait behind the place that it leads to.
    fn waits_after(&self, trace: &Trace) -> bool {
        trace.origins().into_iter().any(|origin| {
            let body = &self.program.functions[origin.function.index()];
            let is_behind = |span: Span| span.start >= origin.span.end;
            let calls = body.blocks.iter().flat_map(|block| &block.insts).filter(|inst| is_behind(inst.focus));
            let mut callees = calls.filter_map(|inst| match &inst.kind {
                InstKind::Call(Call { callee: Callee::Functions(functions), .. }) => Some(functions),
                _ => None,
            });
            body.waits.iter().any(|wait| is_behind(*wait))
                || callees.any(|functions| functions.iter().any(|&callee| self.reach.waits(callee)))
        })
    }

    /// The function values that functions of a store, or what is below them, have run beside what follows, each with the function that does.
    fn tasks_of(&self, store: &Store) -> Vec<(FuncId, FuncId)> {
        let own = (0..self.program.functions.len())
            .map(|at| FuncId(at as u32))
            .filter(|&id| store.owns(self, self.named(id)));
        let own: Vec<FuncId> = own.collect();
        let mut found = Vec::new();
        for id in self.below(&own) {
            let function = &self.program.functions[id.index()];
            if function.tasks.is_empty() {
                continue;
            }
            for inst in function.blocks.iter().flat_map(|block| &block.insts) {
                let is_task = |at: Span| function.tasks.iter().any(|span| span.contains(at));
                match &inst.kind {
                    InstKind::Assign { value: Rvalue::Closure { function: task, .. }, .. }
                        if is_task(self.program.functions[task.index()].name_span) =>
                    {
                        found.push((self.named(id), *task));
                    }
                    InstKind::Call(Call { callee: Callee::Functions(tasks), .. }) if is_task(inst.focus) => {
                        found.extend(tasks.iter().map(|&task| (self.named(id), task)));
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// An opening that hands on a function value which rewrites or checkpoints, to a thread perhaps: what it does is part of no operation.
    pub(super) fn opening_with_a_worker(&self, store: &Store) -> Option<FuncId> {
        let is_worker = |&function: &FuncId| {
            let is_closure = matches!(self.program.functions[function.index()].kind, FunctionKind::Closure { .. });
            is_closure && is_more_than_a_write(self, function)
        };
        let starts = |opening: &FuncId| {
            self.deeds(*opening).iter().any(|deed| deed.trace.functions().iter().skip(1).any(is_worker))
        };
        store.openings.iter().copied().find(starts)
    }
}
