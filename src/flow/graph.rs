//! Who calls whom, and who can matter.

use crate::apis::Apis;
use crate::effects::Effect;
use crate::ir::{Callee, FuncId, InstKind, Program, Rvalue};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashSet;
use std::cmp::Reverse;

/// The call graph.
pub(super) struct CallGraph {
    graph: DiGraph<(), ()>,
    /// The callers of each function; a closure's parent counts as its caller.
    pub callers: Vec<Vec<FuncId>>,
    /// Whether a function does something to files, itself or below, or reads them for one that does.
    pub effective: Vec<bool>,
    /// Whether a function reads a file, or calls one that does: what it reads, some other function may write.
    pub reads: Vec<bool>,
    /// Whether something is made durable in a function's own text or in that of what it calls or makes a value of, on whatever way.
    pub syncs: Vec<bool>,
    /// How many calls below each function the nearest effect that matters is at least.
    pub distance: Vec<u8>,
}

/// What need not be run at once is added to a level until that is so many times as large as the largest that must be: two workers are
/// then done together, and more of them have more than that to do in the levels where all must be run.
const SIDE_BY_SIDE: usize = 2;

/// So many calls above a read it is known what is read: a helper reads what its caller names.
const READ_UP: usize = 2;

impl CallGraph {
    /// Reads the graph off `program`.
    pub fn new(program: &Program, apis: &Apis) -> CallGraph {
        let count = program.functions.len();
        let mut graph = DiGraph::with_capacity(count, count * 4);
        for _ in 0..count {
            graph.add_node(());
        }
        let mut callers = vec![Vec::new(); count];
        let mut effective = vec![false; count];
        let mut reads = vec![false; count];
        let mut syncs = vec![false; count];
        for (at, function) in program.functions.iter().enumerate() {
            let me = FuncId(at as u32);
            let mut calls = |callee: FuncId| {
                if graph.find_edge(NodeIndex::new(at), NodeIndex::new(callee.index())).is_none() {
                    graph.add_edge(NodeIndex::new(at), NodeIndex::new(callee.index()), ());
                    callers[callee.index()].push(me);
                }
            };
            for inst in function.blocks.iter().flat_map(|block| &block.insts) {
                match &inst.kind {
                    InstKind::Assign { value: Rvalue::Closure { function, .. }, .. } => calls(*function),
                    InstKind::Assign { value: Rvalue::FunctionValue(functions), .. } => {
                        functions.iter().for_each(|function| calls(*function))
                    }
                    InstKind::Call(call) => match &call.callee {
                        Callee::Functions(functions) => functions.iter().for_each(|function| calls(*function)),
                        Callee::Api { api, .. } => {
                            effective[at] |= apis.get(*api).steps().any(|step| step.effect.can_matter());
                            syncs[at] |= apis.get(*api).steps().any(|step| step.effect.may_sync());
                            reads[at] |= apis.get(*api).steps().any(|step| step.effect == Effect::Read);
                        }
                        Callee::Unknown => syncs[at] |= super::intent::names_a_sync(&call.name),
                        _ => {}
                    },
                    _ => {}
                }
            }
        }
        let distance = distances(&effective, &callers);
        let near_reads = spread_up_by(reads.clone(), &callers, READ_UP);
        spread_up(&mut effective, &callers);
        spread_up(&mut reads, &callers);
        spread_up(&mut syncs, &callers);
        // What was read decides what a removal or a cut destroys.
        let mut work: Vec<usize> = (0..count).filter(|&at| effective[at]).collect();
        while let Some(at) = work.pop() {
            for callee in graph.neighbors(NodeIndex::new(at)) {
                let callee = callee.index();
                if reads[callee] && !std::mem::replace(&mut effective[callee], true) {
                    work.push(callee);
                }
            }
        }
        CallGraph { graph, callers, effective, reads: near_reads, syncs, distance }
    }

    /// Functions that no effect is followed up to count as doing nothing, but for what they read.
    pub fn limit(&mut self, followed: usize) {
        for (effective, &distance) in self.effective.iter_mut().zip(&self.distance) {
            *effective &= distance == u8::MAX || usize::from(distance) <= followed;
        }
    }

    /// `roots` and all they call.
    pub fn below(&self, roots: &[FuncId]) -> FxHashSet<FuncId> {
        let mut below: FxHashSet<FuncId> = roots.iter().copied().collect();
        let mut work = roots.to_vec();
        while let Some(function) = work.pop() {
            for callee in self.graph.neighbors(NodeIndex::new(function.index())) {
                let callee = FuncId(callee.index() as u32);
                if below.insert(callee) {
                    work.push(callee);
                }
            }
        }
        below
    }

    /// The strongly connected components, callees first.
    pub fn components(&self) -> Components {
        let members: Vec<Vec<FuncId>> = kosaraju_scc(&self.graph)
            .into_iter()
            .map(|component| {
                let mut functions: Vec<_> = component.into_iter().map(|node| FuncId(node.index() as u32)).collect();
                functions.sort();
                functions
            })
            .collect();
        let mut place = vec![0; self.callers.len()];
        for (at, functions) in members.iter().enumerate() {
            functions.iter().for_each(|function| place[function.index()] = at);
        }
        let callees_of = |(at, functions): (usize, &Vec<FuncId>)| {
            let called = functions.iter().flat_map(|function| self.graph.neighbors(NodeIndex::new(function.index())));
            let mut called: Vec<usize> = called.map(|callee| place[callee.index()]).collect();
            called.sort_unstable();
            called.dedup();
            called.retain(|&callee| callee != at);
            called
        };
        let callees = members.iter().enumerate().map(callees_of).collect();
        Components { members, callees, place }
    }
}

/// The strongly connected components of a call graph.
pub(super) struct Components {
    /// The functions of each; callees come first.
    members: Vec<Vec<FuncId>>,
    /// The other components that each leads to by one call.
    callees: Vec<Vec<usize>>,
    /// For each function, which it is in: those of callees are smaller.
    pub place: Vec<usize>,
}

impl Components {
    /// Those with a `size`, in levels: who leads to whom is in a later one. There are as few levels as there can be; what need not be
    /// run at once waits for a level where the others take as long.
    pub fn levels(&self, size: impl Fn(&[FuncId]) -> Option<usize>) -> Vec<Vec<&[FuncId]>> {
        let count = self.members.len();
        let sizes: Vec<Option<usize>> = self.members.iter().map(|functions| size(functions)).collect();
        let takes = |at: usize| usize::from(sizes[at].is_some());
        let mut earliest = vec![0; count];
        for at in 0..count {
            let below = self.callees[at].iter().map(|&callee| earliest[callee] + takes(callee));
            earliest[at] = below.max().unwrap_or(0);
        }
        let last = (0..count).filter(|&at| sizes[at].is_some()).map(|at| earliest[at]).max();
        let Some(last) = last else { return Vec::new() };
        let mut latest = vec![last; count];
        let mut callers = vec![Vec::new(); count];
        for at in (0..count).rev() {
            for &callee in &self.callees[at] {
                latest[callee] = latest[callee].min(latest[at].saturating_sub(takes(callee)));
                callers[callee].push(at);
            }
        }
        let mut missing: Vec<usize> = self.callees.iter().map(Vec::len).collect();
        let mut free: Vec<usize> = (0..count).filter(|&at| missing[at] == 0).collect();
        let mut ready: Vec<usize> = Vec::new();
        let mut levels = Vec::new();
        loop {
            // What is not run is done as soon as all that it calls is.
            while let Some(at) = free.pop() {
                if sizes[at].is_some() {
                    ready.push(at);
                    continue;
                }
                for &caller in &callers[at] {
                    missing[caller] -= 1;
                    free.extend((missing[caller] == 0).then_some(caller));
                }
            }
            if ready.is_empty() {
                return levels;
            }
            let size = |at: usize| sizes[at].unwrap_or(0);
            let is_due = |at: usize| latest[at] <= levels.len();
            ready.sort_unstable_by_key(|&at| (!is_due(at), Reverse(size(at)), at));
            let largest = ready.iter().filter(|&&at| is_due(at)).map(|&at| size(at)).max();
            let mut sum = 0;
            let mut level: Vec<usize> = Vec::new();
            ready.retain(|&at| {
                let fits = largest.is_none_or(|largest| sum + size(at) <= SIDE_BY_SIDE * largest);
                let taken = is_due(at) || fits;
                if taken {
                    sum += size(at);
                    level.push(at);
                }
                !taken
            });
            for &caller in level.iter().flat_map(|&at| &callers[at]) {
                missing[caller] -= 1;
                free.extend((missing[caller] == 0).then_some(caller));
            }
            // The largest begins first.
            level.sort_unstable_by_key(|&at| (Reverse(size(at)), at));
            levels.push(level.into_iter().map(|at| self.members[at].as_slice()).collect());
        }
    }
}

/// What holds for a function holds for its callers.
fn spread_up(holds: &mut [bool], callers: &[Vec<FuncId>]) {
    let mut work: Vec<usize> = (0..holds.len()).filter(|&at| holds[at]).collect();
    while let Some(at) = work.pop() {
        for caller in &callers[at] {
            if !std::mem::replace(&mut holds[caller.index()], true) {
                work.push(caller.index());
            }
        }
    }
}

/// For each function how many calls lie between it and the nearest that `holds` is told of.
fn distances(holds: &[bool], callers: &[Vec<FuncId>]) -> Vec<u8> {
    let mut distance: Vec<u8> = holds.iter().map(|holds| if *holds { 0 } else { u8::MAX }).collect();
    let mut edge: Vec<usize> = (0..holds.len()).filter(|&at| holds[at]).collect();
    for calls in 1..u8::MAX {
        let above = edge.iter().flat_map(|&at| &callers[at]).map(|caller| caller.index());
        let above: Vec<usize> = above.collect();
        edge.clear();
        for at in above {
            if distance[at] == u8::MAX {
                distance[at] = calls;
                edge.push(at);
            }
        }
        if edge.is_empty() {
            break;
        }
    }
    distance
}

/// As [`spread_up`], so many calls far.
fn spread_up_by(mut holds: Vec<bool>, callers: &[Vec<FuncId>], calls: usize) -> Vec<bool> {
    let mut edge: Vec<usize> = (0..holds.len()).filter(|&at| holds[at]).collect();
    for _ in 0..calls {
        let above = edge.iter().flat_map(|&at| &callers[at]).map(|caller| caller.index());
        let above: Vec<usize> = above.collect();
        edge = above.into_iter().filter(|&at| !std::mem::replace(&mut holds[at], true)).collect();
    }
    holds
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of one function, with its callees and its size.
    fn components(of: &[(&[usize], usize)]) -> Components {
        Components {
            members: (0..of.len()).map(|at| vec![FuncId(at as u32)]).collect(),
            callees: of.iter().map(|(callees, _)| callees.to_vec()).collect(),
            place: (0..of.len()).collect(),
        }
    }

    fn levels(of: &[(&[usize], usize)]) -> Vec<Vec<u32>> {
        let components = components(of);
        let size = |component: &[FuncId]| Some(of[component[0].index()].1).filter(|size| *size > 0);
        let levels = components.levels(size);
        levels.iter().map(|level| level.iter().map(|component| component[0].0).collect()).collect()
    }

    #[test]
    fn callees_come_first_also_through_what_is_not_run() {
        assert_eq!(levels(&[(&[], 5), (&[0], 0), (&[1], 5), (&[2, 0], 5)]), [[0], [2], [3]]);
        assert!(levels(&[(&[], 0), (&[0], 0)]).is_empty());
    }

    #[test]
    fn what_can_wait_keeps_the_large_company() {
        // 0 and then 1, which is large: 2 to 4 are called by nobody, and may be run beside either.
        let levels = levels(&[(&[], 4), (&[0], 40), (&[], 30), (&[], 3), (&[], 2)]);
        assert_eq!(levels, [vec![0, 3], vec![1, 2, 4]]);
    }
}
