//! Who calls whom, and who can matter.

use crate::apis::Apis;
use crate::effects::Effect;
use crate::ir::{Callee, FuncId, InstKind, Program, Rvalue};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashSet;

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
    pub fn bottom_up(&self) -> Vec<Vec<FuncId>> {
        kosaraju_scc(&self.graph)
            .into_iter()
            .map(|component| {
                let mut functions: Vec<_> = component.into_iter().map(|node| FuncId(node.index() as u32)).collect();
                functions.sort();
                functions
            })
            .collect()
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
