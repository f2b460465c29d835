//! The obligations: what must hold at which moment. One file a rule; each is *trigger + requirement* over what `flow` saw.
//!
//! A check names no library, no language and no output. Rules that fall due at an act (a rename, a removal, a cut, a sync) are
//! [`act::ActRule`]s, rules that fall due when a function reports success are [`success::SuccessRule`]s.

mod ack_before_sync;
mod act;
mod asked;
mod async_file_dropped;
mod claims;
mod create_without_dir_sync;
mod delete_before_sync;
mod delete_without_dir_sync;
mod flush_is_not_sync;
mod overwrite_in_place;
mod places;
mod promises;
mod provenance;
mod purpose;
mod regions;
pub mod registry;
mod rename_before_flush;
mod rename_before_sync;
mod rename_without_dir_sync;
mod replaced;
mod residue;
mod story;
mod success;
mod sync_before_flush;
mod sync_error_ignored;
mod truncate_before_sync;
pub mod twins;

use crate::config::Policy;
use crate::finding::{Confidence, Finding};
use crate::flow::intent::FieldKey;
use crate::flow::state::{Kind, Pending, Trace};
use crate::flow::summary::Act;
use crate::flow::terms::{Terms, Value};
use crate::flow::{Flow, Moment};
use crate::ir::{FuncId, Function, FunctionKind, PackageId, Program};
use crate::source::{FileId, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::{OnceCell, RefCell};
use ustr::Ustr;

/// What checks look at.
pub struct Context<'a> {
    /// The program.
    pub program: &'a Program,
    /// What happens in it.
    pub flow: &'a Flow,
    /// The flow's table of values; asking may add to it.
    pub terms: &'a RefCell<Terms>,
    /// The policies that somebody set, by function; empty if nobody did.
    pub policies: &'a [Option<Policy>],
    /// What was looked up once for all questions.
    index: Index<'a>,
}

/// Answers that the checks ask for so often that each of them is found once.
struct Index<'a> {
    /// By function: its successes on the main line.
    successes: FxHashMap<FuncId, Vec<&'a Moment>>,
    /// Types that have functions.
    owners: FxHashSet<Ustr>,
    /// By function and file: whether names say that losing it costs nothing.
    disposable: RefCell<FxHashMap<(FuncId, Value), bool>>,
    /// By function: whether it belongs to a tool of the project's own.
    tools: RefCell<FxHashMap<FuncId, bool>>,
    /// By function: whether it belongs to a tool of the project's own, or a cache.
    beside: RefCell<FxHashMap<FuncId, bool>>,
    /// By function and file: whether names say that it is to outlive a crash.
    precious: RefCell<FxHashMap<(FuncId, Value), bool>>,
    /// By type: whether the documentation of a method promises durability.
    promising: RefCell<FxHashMap<Ustr, bool>>,
    /// By function and file: the ways in which the file is known elsewhere.
    aliases: RefCell<FxHashMap<(FuncId, Value), places::Aliases>>,
    /// By package: the files that are read in it.
    read: RefCell<FxHashMap<PackageId, FxHashSet<places::Alias>>>,
    /// Functions that hold closures.
    with_closures: FxHashSet<FuncId>,
    /// Fields of what gets another name in the end.
    given_up: OnceCell<FxHashSet<FieldKey>>,
    /// Functions named `…_sync` beside one that does the same in the background.
    blocking: OnceCell<FxHashSet<FuncId>>,
    /// Types that take what a program says of its work.
    loggers: OnceCell<FxHashSet<Ustr>>,
    /// Packages that sync much of what they write.
    mostly_syncing: OnceCell<FxHashSet<PackageId>>,
    /// The names that synced files are given.
    published: OnceCell<delete_without_dir_sync::Published>,
}

impl<'a> Index<'a> {
    fn new(program: &Program, flow: &'a Flow) -> Index<'a> {
        let mut successes: FxHashMap<FuncId, Vec<&Moment>> = FxHashMap::default();
        for moment in flow.moments.iter().filter(|moment| moment.act == Act::Succeed && !moment.failing) {
            successes.entry(moment.function).or_default().push(moment);
        }
        let parent = |function: &Function| match function.kind {
            FunctionKind::Closure { parent } => Some(parent),
            _ => None,
        };
        Index {
            successes,
            owners: program.functions.iter().filter_map(|function| function.owner).collect(),
            disposable: RefCell::default(),
            tools: RefCell::default(),
            beside: RefCell::default(),
            precious: RefCell::default(),
            promising: RefCell::default(),
            aliases: RefCell::default(),
            read: RefCell::default(),
            with_closures: program.functions.iter().filter_map(parent).collect(),
            given_up: OnceCell::new(),
            blocking: OnceCell::new(),
            loggers: OnceCell::new(),
            mostly_syncing: OnceCell::new(),
            published: OnceCell::new(),
        }
    }
}

impl<'a> Context<'a> {
    /// The successes of `function` that no failed change lies behind.
    fn successes(&self, function: FuncId) -> &[&'a Moment] {
        self.index.successes.get(&function).map_or(&[], |moments| moments.as_slice())
    }

    /// Whether two functions stand in one source file.
    pub fn is_beside(&self, one: FuncId, other: FuncId) -> bool {
        self.program.functions[one.index()].file == self.program.functions[other.index()].file
    }

    /// Whether `function`, or one on the way to what `trace` tells, passes over a failure of it: who does so promises nothing.
    pub fn is_best_effort(&self, function: FuncId, trace: &Trace) -> bool {
        let origin = trace.origin();
        let passes_over = |function: FuncId| self.flow.best_effort.contains(&(function, origin));
        passes_over(function) || trace.functions().into_iter().any(passes_over)
    }

    /// Whether a package syncs something in at least half of the source files from which it writes: what it does not sync was hardly left on
    /// purpose. Who syncs here and there has said so there.
    pub fn mostly_syncs(&self, package: PackageId) -> bool {
        let mostly = self.index.mostly_syncing.get_or_init(|| {
            let mut writing: FxHashMap<PackageId, FxHashSet<FileId>> = FxHashMap::default();
            let written = |kind: Kind| matches!(kind, Kind::Data | Kind::Buffer);
            for moment in self.flow.moments.iter().filter(|moment| moment.act == Act::Succeed) {
                // A helper that writes what it is given writes for whoever gives it.
                let near = |pending: &&Pending| written(pending.kind) && pending.trace.depth() <= 1;
                if moment.pending.iter().any(|pending| near(&pending)) {
                    let body = &self.program.functions[moment.function.index()];
                    writing.entry(body.package).or_default().insert(body.file);
                }
            }
            let syncing = &self.flow.intents.syncing_sources;
            let mut counts: FxHashMap<PackageId, FxHashSet<FileId>> = FxHashMap::default();
            for body in self.program.functions.iter().filter(|body| syncing.contains(&body.file)) {
                counts.entry(body.package).or_default().insert(body.file);
            }
            let is_most = |(package, synced): (&PackageId, &FxHashSet<FileId>)| {
                let left = writing.get(package).map_or(0, |files| files.difference(synced).count());
                (left <= synced.len()).then_some(*package)
            };
            counts.iter().filter_map(is_most).collect()
        });
        mostly.contains(&package)
    }

    /// The policy that somebody set for `function`; `None`: as the code itself shows its intent.
    pub fn policy(&self, function: FuncId) -> Option<Policy> {
        self.policies.get(function.index()).copied().flatten()
    }
}

/// Runs all checks. `policies` are those that somebody set, by function: they decide where rules speak that need an intent; what a
/// policy silences is left to the caller.
pub fn run(program: &Program, flow: &mut Flow, policies: &[Option<Policy>]) -> Vec<Finding> {
    let terms = std::mem::take(&mut flow.terms).share();
    let flow = &*flow;
    // What is asked side by side is asked in terms of its own.
    let ask = |run: &mut dyn FnMut(&Context<'_>)| {
        let terms = RefCell::new(terms.begin());
        run(&Context { program, flow, terms: &terms, policies, index: Index::new(program, flow) });
    };
    let at_acts = || {
        let (mut findings, mut told) = (Vec::new(), FxHashSet::default());
        ask(&mut |context| {
            told = act::run(context, ACT_RULES, &mut findings);
            told.extend(async_file_dropped::run(context, &told, &mut findings));
        });
        (findings, told)
    };
    let at_successes = || {
        let mut successes = Vec::new();
        ask(&mut |context| success::run(context, SUCCESS_RULES, &mut successes));
        successes
    };
    let at_others = || {
        let mut others = Vec::new();
        ask(&mut |context| {
            overwrite_in_place::run(context, &mut others);
            sync_error_ignored::run(context, &mut others);
        });
        others
    };
    let at_promises = || {
        let mut promised = Vec::new();
        ask(&mut |context| {
            promises::run(context, &mut promised);
            claims::run(context, &mut promised);
            asked::run(context, &mut promised);
            replaced::run(context, &mut promised);
        });
        promised
    };
    // The longest first.
    let ((mut findings, told), (promised, (successes, others))) =
        rayon::join(at_acts, || rayon::join(at_promises, || rayon::join(at_successes, at_others)));
    // What is published or outlived too early is told there, not again where success is reported.
    let is_told =
        |finding: &Finding| is_about_bytes(finding) && finding.steps.iter().any(|step| told.contains(&step.span));
    findings.extend(successes.into_iter().filter(|finding| !is_told(finding)));
    findings.extend(others);
    ask(&mut |context| sync_before_flush::promises(context, &mut findings));
    for promised in promised {
        if !promises::is_told(&promised, &findings) {
            findings.push(promised.1);
        }
    }
    // One story is told once: not at a call as well as at what it leads to.
    let through: FxHashSet<(&str, Span)> = findings
        .iter()
        .flat_map(|finding| finding.steps.iter().map(move |step| (finding, step)))
        .filter(|(finding, step)| step.span != finding.span && step.message.starts_with("calls `"))
        .map(|(finding, step)| (finding.rule, step.span))
        .collect();
    let mut findings: Vec<Finding> = {
        let told_below = |finding: &Finding| is_about_bytes(finding) && through.contains(&(finding.rule, finding.span));
        let keep: Vec<bool> = findings.iter().map(|finding| !told_below(finding)).collect();
        findings.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(finding, _)| finding).collect()
    };
    findings.sort_by(|a, b| (a.span, a.rule).cmp(&(b.span, b.rule)));
    // One write that is not durable where several acts come after it, in branches or one after the other, is one fault.
    let mut begun: FxHashSet<(&str, Ustr, Span)> = FxHashSet::default();
    findings.retain(|finding| {
        let act = ACT_RULES.iter().any(|rule| rule.id == finding.rule);
        let shown = finding.confidence > Confidence::Low && finding.condition.is_none();
        let Some(first) = finding.steps.first().filter(|_| act && shown) else { return true };
        begun.insert((finding.rule, finding.function, first.span))
    });
    findings.dedup_by(|a, b| a.span == b.span && a.rule == b.rule);
    findings
}

/// Whether a finding at success is about content, not names.
fn is_about_bytes(finding: &Finding) -> bool {
    matches!(finding.rule, "ack-before-sync" | "flush-is-not-sync")
}

/// Rules that fall due at an act.
const ACT_RULES: &[act::ActRule] = &[
    rename_before_sync::RULE,
    rename_before_flush::RULE,
    delete_before_sync::RULE,
    truncate_before_sync::RULE,
    sync_before_flush::RULE,
];

/// Rules that fall due when success is reported.
const SUCCESS_RULES: &[success::SuccessRule] = &[
    rename_without_dir_sync::RULE,
    create_without_dir_sync::RULE,
    delete_without_dir_sync::RULE,
    ack_before_sync::RULE,
    flush_is_not_sync::RULE,
];
