//! Which parts of a function run as tasks of their own: what is handed to somebody else to be run, and not waited for.

use super::state::{Draft, FnState};
use crate::apis::Apis;
use crate::effects::Effect;
use crate::ir::{Base, Block, Call, Callee, InstKind, LocalId, Operand, Place, Rvalue, Terminator, ValueKind};
use crate::source::Span;
use rustc_hash::{FxHashMap, FxHashSet};

/// Of a function with these `blocks`, in which futures are made, started and awaited as `state` tells: the calls and blocks that run beside what
/// follows.
pub(super) fn tasks(blocks: &[Block], state: &FnState, apis: &Apis) -> Vec<Span> {
    let futures = &state.futures;
    let insts = || blocks.iter().flat_map(|block| &block.insts);
    let starts = |call: &Call| match call.callee {
        Callee::Unknown => !futures.is_empty() || is_given_a_function(call),
        Callee::Api { api, .. } => apis.get(api).beside,
        Callee::Functions(_) | Callee::Value(_) => false,
    };
    // What is no call with an effect may be a library's function all the same.
    let foreign = |value: &'_ Rvalue| match value {
        Rvalue::Op { op, .. } => op.contains(char::is_alphanumeric) && !op.starts_with("format:"),
        Rvalue::Opaque(_) => true,
        _ => false,
    };
    let calls = || {
        insts().filter_map(|inst| match &inst.kind {
            InstKind::Call(call) => Some((call, inst.focus)),
            _ => None,
        })
    };
    if futures.is_empty() && !calls().any(|(call, _)| starts(call)) {
        return Vec::new();
    }
    // From variables to those that they are copied, or bundled, from.
    let mut from: FxHashMap<LocalId, Vec<LocalId>> = FxHashMap::default();
    for inst in insts() {
        let InstKind::Assign { place, value } = &inst.kind else { continue };
        let Base::Local(to) = place.base else { continue };
        let parts = from.entry(to).or_default();
        match value {
            Rvalue::Use(operand) | Rvalue::Success(operand) => parts.extend(variable(operand)),
            Rvalue::Aggregate { type_name: None, fields, .. } => {
                parts.extend(fields.iter().filter_map(|(_, field)| variable(field)));
            }
            Rvalue::Op { args, .. } | Rvalue::Opaque(args) => parts.extend(args.iter().filter_map(variable)),
            _ => {}
        }
    }
    // Whoever gets it back waits for it, or hands it on.
    let mut waited: FxHashSet<LocalId> = state.awaited.clone();
    waited.extend(blocks.iter().filter_map(|block| match &block.end {
        Terminator::Return { value, .. } => variable(value),
        _ => None,
    }));
    waited.extend(
        calls().filter(|(call, _)| call.name == "join").filter_map(|(call, _)| variable(&call.args.first()?.value)),
    );
    let mut work: Vec<LocalId> = waited.iter().copied().collect();
    let of_call: FxHashMap<LocalId, &Call> = calls().map(|(call, _)| (call.result, call)).collect();
    while let Some(at) = work.pop() {
        let given = of_call.get(&at).filter(|call| matches!(call.callee, Callee::Unknown | Callee::Api { .. }));
        let args = given.into_iter().flat_map(|call| call.args.iter().filter_map(|arg| variable(&arg.value)));
        let copied = from.get(&at).into_iter().flatten().copied();
        for part in args.chain(copied) {
            if waited.insert(part) {
                work.push(part);
            }
        }
    }
    let (mut tasks, mut given): (Vec<Span>, Vec<LocalId>) = (Vec::new(), state.started.clone());
    for (call, focus) in calls().filter(|(call, _)| starts(call) && !waited.contains(&call.result)) {
        let runs = match call.callee {
            Callee::Api { api, .. } => apis.get(api).steps().any(|step| step.effect == Effect::CallArg),
            _ => super::closure::starts_a_task(&call.name) && is_given_a_function(call),
        };
        if runs {
            tasks.push(focus);
        }
        given.extend(call.args.iter().filter_map(|arg| variable(&arg.value)));
    }
    for inst in insts() {
        if let InstKind::Assign { place, value } = &inst.kind
            && foreign(value)
            && whole(place).is_some_and(|made| !waited.contains(&made))
            && let Rvalue::Op { args, .. } | Rvalue::Opaque(args) = value
        {
            given.extend(args.iter().filter_map(variable));
        }
    }
    let mut seen: FxHashSet<LocalId> = given.iter().copied().collect();
    while let Some(at) = given.pop() {
        tasks.extend(futures.get(&at).filter(|_| !waited.contains(&at)));
        given.extend(from.get(&at).into_iter().flatten().copied().filter(|part| seen.insert(*part)));
    }
    tasks.sort();
    tasks.dedup();
    tasks
}

/// Of the blocks of `state` that are to be awaited those that are not awaited here, nor returned, but given to a call: what becomes of them is
/// told there.
pub(super) fn handed_on(blocks: &[Draft], state: &FnState) -> FxHashSet<LocalId> {
    let mut handed_on = FxHashSet::default();
    if state.ends.is_empty() {
        return handed_on;
    }
    let insts = || blocks.iter().flat_map(|block| &block.insts);
    let mut copies: FxHashMap<LocalId, Vec<LocalId>> = FxHashMap::default();
    let mut given: FxHashSet<LocalId> = FxHashSet::default();
    for inst in insts() {
        match &inst.kind {
            InstKind::Assign { place, value: Rvalue::Use(operand) } => {
                if let (Base::Local(to), Some(from)) = (place.base, variable(operand)) {
                    copies.entry(from).or_default().push(to);
                }
            }
            InstKind::Assign { value: Rvalue::Op { args, .. } | Rvalue::Opaque(args), .. } => {
                given.extend(args.iter().filter_map(variable));
            }
            InstKind::Call(call) => given.extend(call.args.iter().filter_map(|arg| variable(&arg.value))),
            _ => {}
        }
    }
    for end in &state.ends {
        let (mut names, mut at) = (vec![end.result], 0);
        while at < names.len() {
            for copy in copies.get(&names[at]).into_iter().flatten() {
                if !names.contains(copy) {
                    names.push(*copy);
                }
            }
            at += 1;
        }
        if names.iter().any(|name| given.contains(name)) && !names.iter().any(|name| state.awaited.contains(name)) {
            handed_on.insert(end.result);
        }
    }
    handed_on
}

fn is_given_a_function(call: &Call) -> bool {
    call.args.iter().any(|arg| arg.kind == ValueKind::Function)
}

/// The variable that a place is.
fn whole(place: &Place) -> Option<LocalId> {
    match place.base {
        Base::Local(local) if place.steps.is_empty() => Some(local),
        _ => None,
    }
}

fn variable(operand: &Operand) -> Option<LocalId> {
    match operand {
        Operand::Place(place) => whole(place),
        _ => None,
    }
}
