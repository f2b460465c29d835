//! The types of a program that do something to files, and which of them is part of which: by who makes their values and who uses them.

use super::evidence::Evidence;
use crate::flow::state::How;
use crate::flow::summary::{Deed, Did};
use crate::flow::terms::Term;
use crate::ir::{Base, Exit, FuncId, FunctionKind, InstKind, Operand, PackageId, Place, Rvalue, Step, Terminator};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use ustr::Ustr;

/// A type: packages may have types of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TypeId {
    /// Its qualified name.
    pub name: Ustr,
    /// The package that defines it.
    pub package: PackageId,
}

/// The types that have operations, and how they hang together.
pub(super) struct Types<'e, 'a> {
    evidence: &'e Evidence<'a>,
    /// The packages that define a type of a name.
    defined: FxHashMap<Ustr, BTreeSet<PackageId>>,
    /// The methods that do more to files than read them.
    methods: BTreeMap<TypeId, Vec<FuncId>>,
    /// The functions that put values of a type together, field by field.
    built: FxHashMap<TypeId, Vec<FuncId>>,
    /// The types with a public one among their methods.
    exported: BTreeSet<TypeId>,
}

impl<'e, 'a> Types<'e, 'a> {
    /// Reads them off the program.
    pub(super) fn new(evidence: &'e Evidence<'a>) -> Types<'e, 'a> {
        let functions = &evidence.program.functions;
        let mut defined: FxHashMap<Ustr, BTreeSet<PackageId>> = FxHashMap::default();
        // Only the package that defines a type can give it methods of its own; others can make it implement interfaces.
        for function in functions.iter().filter(|function| function.interface.is_none()) {
            if let Some(owner) = function.owner {
                defined.entry(owner).or_default().insert(function.package);
            }
        }
        let mut types = Types {
            evidence,
            defined,
            methods: BTreeMap::new(),
            built: FxHashMap::default(),
            exported: BTreeSet::new(),
        };
        for (at, function) in functions.iter().enumerate() {
            let id = FuncId(at as u32);
            for inst in function.blocks.iter().flat_map(|block| &block.insts) {
                if let InstKind::Assign { value: Rvalue::Aggregate { type_name: Some(name), .. }, .. } = &inst.kind {
                    let of = types.built_type(function.package, *name);
                    types.built.entry(of).or_default().push(id);
                }
            }
            if let (Some(owner), FunctionKind::Named) = (types.owner(id), function.kind)
                && evidence.deeds(id).iter().any(|deed| deed.did != Did::Read)
            {
                types.methods.entry(owner).or_default().push(id);
            }
        }
        let public = |methods: &[FuncId]| methods.iter().any(|&id| evidence.is_public(id));
        types.exported = types.methods.iter().filter(|(_, methods)| public(methods)).map(|(id, _)| *id).collect();
        types
    }

    /// The type of this name, as code of `package` means it.
    fn named(&self, package: PackageId, name: Ustr) -> TypeId {
        let defined = self.defined.get(&name);
        let package = match defined {
            Some(packages) if packages.len() == 1 => *packages.first().expect("there is one"),
            _ => package,
        };
        TypeId { name, package }
    }

    /// The type of a record; that of an enum, if the record is one of its variants.
    fn built_type(&self, package: PackageId, name: Ustr) -> TypeId {
        let whole = name.rsplit_once("::").map(|(whole, _)| Ustr::from(whole));
        let of = whole.filter(|whole| !self.defined.contains_key(&name) && self.defined.contains_key(whole));
        self.named(package, of.unwrap_or(name))
    }

    /// The type a function belongs to; a closure to that of the function that holds it.
    pub(super) fn owner(&self, function: FuncId) -> Option<TypeId> {
        let function = &self.evidence.program.functions[self.evidence.named(function).index()];
        function.owner.map(|name| self.named(function.package, name))
    }

    /// The methods of a type that do more to files than read them.
    pub(super) fn methods(&self, of: TypeId) -> &[FuncId] {
        self.methods.get(&of).map_or(&[], |methods| methods.as_slice())
    }

    /// The public methods of a type that were not seen to their end: what they do to files is not known.
    pub(super) fn unseen(&self, of: TypeId) -> impl Iterator<Item = FuncId> {
        let functions = (0..self.evidence.program.functions.len()).map(|at| FuncId(at as u32));
        functions.filter(move |&id| {
            self.evidence.is_public(id) && self.owner(id) == Some(of) && self.evidence.unseen(id).is_some()
        })
    }

    /// Whether `function` gets a value of the type from its caller.
    pub(super) fn is_given(&self, function: FuncId, of: TypeId) -> bool {
        let function = &self.evidence.program.functions[function.index()];
        let mut given = function.params.iter().filter_map(|param| function.locals[param.index()].type_name);
        given.any(|name| self.named(function.package, name) == of)
    }

    /// For each exported type the outermost ones that it is part of: itself, if it is part of none.
    pub(super) fn tops(&self) -> BTreeMap<TypeId, BTreeSet<TypeId>> {
        let relation = |above: &dyn Fn(TypeId) -> BTreeSet<TypeId>| -> BTreeMap<TypeId, BTreeSet<TypeId>> {
            self.exported.iter().map(|&of| (of, above(of))).collect()
        };
        let makers = relation(&|of| self.makers(of));
        let users = relation(&|of| self.users(of));
        let mut tops = relation(&|of| BTreeSet::from([of]));
        // Who makes it says more than who uses it.
        for (relation, can_be_shared) in [(&makers, true), (&users, false)] {
            for _ in 0..relation.len() {
                let part = relation.iter().find_map(|(&of, above)| {
                    let mut whole: BTreeSet<TypeId> = above.iter().flat_map(|other| &tops[other]).copied().collect();
                    whole.remove(&of);
                    let is_part = whole.len() == 1 || can_be_shared && !whole.is_empty();
                    (tops[&of].contains(&of) && is_part).then_some((of, whole))
                });
                let Some((of, whole)) = part else { break };
                for top in tops.values_mut().filter(|top| top.contains(&of)) {
                    top.remove(&of);
                    top.extend(&whole);
                }
            }
        }
        tops
    }

    /// Whether one of `members`, when it is there, hands out values of a type that it makes.
    pub(super) fn is_handed_out(&self, of: TypeId, members: &BTreeSet<TypeId>) -> bool {
        self.making(of).0.iter().filter(|(maker, _)| members.contains(maker)).any(|(maker, makes)| {
            makes.iter().any(|&at| self.is_given(at, *maker) && self.hands_out(at, Some(*maker), of))
        })
    }

    /// The functions of a type that make a value of it without having one.
    pub(super) fn openings(&self, of: TypeId) -> BTreeSet<FuncId> {
        let functions = (0..self.evidence.program.functions.len()).map(|at| FuncId(at as u32));
        functions
            .filter(|&id| {
                let is_built = || self.built.get(&of).is_some_and(|built| built.contains(&id));
                self.owner(id) == Some(of) && !self.is_given(id, of) && (is_built() || self.hands_out(id, None, of))
            })
            .collect()
    }

    /// The exported types that make values of one for themselves, or hand them out as part of themselves; none if others are handed
    /// some as well.
    fn makers(&self, of: TypeId) -> BTreeSet<TypeId> {
        let (making, for_others) = self.making(of);
        let (whole, not): (Vec<_>, Vec<_>) =
            making.iter().partition(|(maker, makes)| self.is_whole(**maker, of, makes));
        let handed_out = not.iter().any(|(maker, makes)| makes.iter().any(|&at| self.hands_out(at, Some(**maker), of)));
        if for_others || handed_out {
            return BTreeSet::new();
        }
        whole.into_iter().map(|(maker, _)| *maker).collect()
    }

    /// The methods of other exported types that make values of one, found up the calls from where they are put together; and whether a
    /// public function outside any type hands some out.
    fn making(&self, of: TypeId) -> (BTreeMap<TypeId, BTreeSet<FuncId>>, bool) {
        let evidence = self.evidence;
        let mut methods: BTreeMap<TypeId, BTreeSet<FuncId>> = BTreeMap::new();
        let mut for_others = false;
        let mut seen: BTreeSet<FuncId> = BTreeSet::new();
        let mut work: Vec<FuncId> = self.built.get(&of).cloned().unwrap_or_default();
        while let Some(at) = work.pop() {
            let at = evidence.named(at);
            // Who has one already makes no new one.
            if !seen.insert(at) || self.is_given(at, of) {
                continue;
            }
            let callers = &evidence.flow.callers[at.index()];
            match self.owner(at) {
                Some(maker) if maker != of && self.exported.contains(&maker) => {
                    methods.entry(maker).or_default().insert(at);
                    let own = |caller: &&FuncId| self.owner(**caller) == Some(maker);
                    work.extend(callers.iter().filter(own));
                }
                Some(_) => work.extend(callers),
                None => {
                    for_others |= evidence.is_public(at) && self.hands_out(at, None, of);
                    work.extend(callers);
                }
            }
        }
        (methods, for_others)
    }

    /// Whether `maker`, whose methods `makes` get a value of type `of`, is more than a way to get one.
    fn is_whole(&self, maker: TypeId, of: TypeId, makes: &BTreeSet<FuncId>) -> bool {
        let (later, first): (Vec<FuncId>, Vec<FuncId>) = makes.iter().partition(|&&at| self.is_given(at, maker));
        let acts_besides = |besides: &BTreeSet<FuncId>| {
            let mut others = self.operations(maker).filter(|method| !besides.contains(method));
            others.any(|method| self.acts_without(method, of))
        };
        // What one package offers, others may wrap for somebody else.
        if self.is_interface(maker) || maker.package != of.package && !acts_besides(&BTreeSet::new()) {
            return false;
        }
        // Made with it, for one that is told what to do; or made on the way by what keeps it, or other files, or knows where they are; or
        // handed out by what does more than that. Who only makes one to ask it something is a tool.
        !first.is_empty() && self.is_told(maker)
            || later.iter().any(|&at| !self.hands_out(at, Some(maker), of))
                && (self.keeps(maker, of) || acts_besides(&BTreeSet::new()) || self.knows_where(maker))
            || !later.is_empty() && acts_besides(makes)
    }

    /// Whether something that is asked of a type is done to a file whose place the type itself knows.
    fn knows_where(&self, of: TypeId) -> bool {
        let terms = &self.evidence.flow.terms;
        self.operations(of).any(|id| {
            let own = |deed: &Deed| {
                deed.did != Did::Read
                    && matches!(terms.get(terms.root(deed.file)), Term::Param(0))
                    && deed.file != terms.root(deed.file)
            };
            self.evidence.deeds(id).iter().any(own)
        })
    }

    /// Whether values of `maker` hold one of type `of`.
    fn keeps(&self, maker: TypeId, of: TypeId) -> bool {
        self.evidence.program.functions.iter().any(|function| {
            let is_one = |operand: &Operand| match operand {
                Operand::Place(Place { base: Base::Local(local), steps }) if steps.is_empty() => {
                    let name = function.locals[local.index()].type_name;
                    name.is_some_and(|name| self.named(function.package, name) == of)
                }
                _ => false,
            };
            function.blocks.iter().flat_map(|block| &block.insts).any(|inst| match &inst.kind {
                InstKind::Assign { value: Rvalue::Aggregate { type_name: Some(name), fields, .. }, .. } => {
                    self.built_type(function.package, *name) == maker && fields.iter().any(|(_, field)| is_one(field))
                }
                InstKind::Assign { place, value: Rvalue::Use(operand) } => match place.steps.last() {
                    Some(&Step::Field { owner: Some(owner), .. }) => {
                        self.named(function.package, owner) == maker && is_one(operand)
                    }
                    _ => false,
                },
                _ => false,
            })
        })
    }

    /// Whether others can tell a value of a type what to do: it has a method that is given something besides.
    fn is_told(&self, of: TypeId) -> bool {
        let functions = self.evidence.program.functions.iter().enumerate();
        let mut methods =
            functions.filter(|(_, function)| function.owner == Some(of.name) && function.params.len() > 1);
        methods.any(|(at, _)| {
            let id = FuncId(at as u32);
            let mut callers = self.evidence.flow.callers[at].iter();
            let is_offered = self.evidence.is_public(id) || callers.any(|&caller| self.owner(caller) != Some(of));
            is_offered && self.owner(id) == Some(of) && self.is_given(id, of)
        })
    }

    /// The public methods that work on a value of a type.
    fn operations(&self, of: TypeId) -> impl Iterator<Item = FuncId> + Clone {
        let methods = self.methods(of).iter().copied();
        methods.filter(move |&method| self.evidence.is_public(method) && self.is_given(method, of))
    }

    /// Whether a function does something to files otherwise than through the type: more than read them, or make directories for them.
    fn acts_without(&self, function: FuncId, of: TypeId) -> bool {
        let without = |deed: &Deed| deed.trace.functions().iter().all(|&function| self.owner(function) != Some(of));
        let acts = |deed: &Deed| !matches!(deed.did, Did::Read | Did::Pend(How::DirectoryMade, _));
        self.evidence.deeds(function).iter().any(|deed| acts(deed) && without(deed))
    }

    /// Takes commands out, with what only they ask: see [`Types::is_command`]. What others are part of no more stands for itself.
    pub(super) fn without_commands(mut self) -> Self {
        loop {
            let mut tops: BTreeMap<TypeId, Vec<TypeId>> = BTreeMap::new();
            for (of, above) in self.tops() {
                above.into_iter().for_each(|top| tops.entry(top).or_default().push(of));
            }
            let mut gone: BTreeSet<TypeId> = BTreeSet::new();
            for (&command, members) in tops.iter().filter(|(top, _)| self.is_command(**top)) {
                let steps: BTreeSet<FuncId> = self.operations(command).collect();
                // A step of it: made on the way, asked to go, and told nothing.
                let is_step = |member: &TypeId| {
                    let is_told = |id: FuncId| self.evidence.program.functions[id.index()].params.len() > 1;
                    let mut asked = self.operations(*member).filter(|&id| !self.evidence.uses_up(id));
                    let is_handed_out = || steps.iter().any(|&step| self.hands_out(step, Some(command), *member));
                    !self.methods(*member).is_empty()
                        && self.methods(*member).iter().all(|&method| self.is_below(method, &steps))
                        && !asked.any(is_told)
                        && self.operations(*member).next().is_some()
                        && !is_handed_out()
                };
                gone.insert(command);
                gone.extend(members.iter().filter(|member| is_step(member)));
            }
            if gone.is_empty() {
                return self;
            }
            self.exported.retain(|of| !gone.contains(of));
        }
    }

    /// Whether everything that can be asked of a type, as far as it changes files, uses it up, and nothing else of it touches files: a
    /// command, after which there is nothing left to be asked.
    fn is_command(&self, of: TypeId) -> bool {
        let asked: BTreeSet<FuncId> = self.operations(of).collect();
        let functions = (0..self.evidence.program.functions.len()).map(|at| FuncId(at as u32));
        let mut own = functions.filter(|&id| self.owner(id) == Some(of));
        // What it calls itself, however far down, is part of it.
        let is_part = |id: FuncId| self.owner(id) == Some(of) && self.is_below(id, &asked);
        let is_beside = |deed: &Deed| !deed.trace.functions().into_iter().any(is_part);
        // What gives a store back is a way to open that.
        let opens = |id: &FuncId| self.exported.iter().any(|&other| other != of && self.returns(*id, other));
        !asked.is_empty()
            && !asked.iter().any(opens)
            && asked.iter().all(|&id| self.evidence.uses_up(id))
            && !own.any(|id| self.evidence.deeds(id).iter().any(is_beside))
    }

    /// Whether a function returns a value of a type.
    fn returns(&self, at: FuncId, of: TypeId) -> bool {
        let function = &self.evidence.program.functions[at.index()];
        function.blocks.iter().any(|block| match &block.end {
            Terminator::Return { value: Operand::Place(Place { base: Base::Local(local), steps }), exit, .. } => {
                let name = function.locals[local.index()].type_name;
                let is_one = name.is_some_and(|name| self.named(function.package, name) == of);
                steps.is_empty() && *exit != Exit::Failure && is_one
            }
            _ => false,
        })
    }

    /// Whether a function is one of `above`, or is called by it, however far down.
    fn is_below(&self, function: FuncId, above: &BTreeSet<FuncId>) -> bool {
        let (mut seen, mut work) = (BTreeSet::from([function]), vec![function]);
        while let Some(at) = work.pop().map(|at| self.evidence.named(at)) {
            if above.contains(&at) {
                return true;
            }
            let callers = self.evidence.flow.callers[at.index()].iter().copied();
            work.extend(callers.filter(|&caller| seen.insert(caller)));
        }
        false
    }

    /// Whether a function, a method of `maker` if of any type, returns a value of type `of`, or puts it into something else than itself.
    fn hands_out(&self, at: FuncId, maker: Option<TypeId>, of: TypeId) -> bool {
        let function = &self.evidence.program.functions[at.index()];
        let is_one = |operand: &Operand| match operand {
            Operand::Place(Place { base: Base::Local(local), steps }) if steps.is_empty() => {
                let name = function.locals[local.index()].type_name;
                name.is_some_and(|name| self.named(function.package, name) == of)
            }
            _ => false,
        };
        function.blocks.iter().any(|block| {
            let packed = block.insts.iter().any(|inst| match &inst.kind {
                InstKind::Assign { value: Rvalue::Aggregate { type_name, fields, .. }, .. } => {
                    let into = type_name.map(|name| self.built_type(function.package, name));
                    (into.is_none() || into != maker) && fields.iter().any(|(_, field)| is_one(field))
                }
                _ => false,
            });
            packed || matches!(&block.end, Terminator::Return { value, exit, .. } if *exit != Exit::Failure && is_one(value))
        })
    }

    /// The exported types that use one besides what they do themselves: found up the calls, through everything that is none of these.
    fn users(&self, of: TypeId) -> BTreeSet<TypeId> {
        let evidence = self.evidence;
        let (mut users, mut seen) = (BTreeSet::new(), BTreeSet::new());
        // Whoever only makes one is a builder, not a user.
        let mut work: Vec<FuncId> =
            self.methods(of).iter().copied().filter(|&method| self.is_given(method, of)).collect();
        while let Some(at) = work.pop() {
            for &caller in &evidence.flow.callers[at.index()] {
                // Whoever works through an interface does not know what is behind it.
                let through_interface = evidence.program.functions[at.index()].interface.is_some();
                let foreign = evidence.program.functions[caller.index()].package != of.package;
                if through_interface || foreign || !seen.insert(caller) {
                    continue;
                }
                let named = evidence.named(caller);
                match self.owner(caller) {
                    Some(other) if other == of => {}
                    Some(other) if self.exported.contains(&other) => {
                        // Nor is it theirs if they are lent one, other than to begin with.
                        if !self.is_given(named, of) || !self.is_given(named, other) {
                            users.insert(other);
                        }
                    }
                    _ => work.push(named),
                }
            }
        }
        // Who only passes on what is asked is a tool for it.
        users.retain(|&user| {
            !self.is_interface(user) && self.operations(user).any(|method| self.acts_without(method, of))
        });
        users
    }

    /// Whether it is an interface, whose methods are there for whatever answers it: nothing is part of that.
    fn is_interface(&self, of: TypeId) -> bool {
        let functions = &self.evidence.program.functions;
        self.methods(of).iter().all(|method| functions[method.index()].interface == Some(of.name))
    }
}
