//! The whole way from found files to findings, or to the durability table: front ends, flow, checks. The command line and the editor
//! both come through here.

use crate::apis::{ApiError, Apis};
use crate::audit::Row;
use crate::checks::registry;
use crate::config::{self, Code, Config, Policy, Settings};
use crate::discover::{Problem, Texts, Workspace};
use crate::finding::Finding;
use crate::flow::Flow;
use crate::frontends::rust;
use crate::ir::{Function, FunctionKind, Program};
use crate::source::{FileId, SourceMap, Span};
use crate::suppress::{self, Allow};
use crate::{checks, flow, pool};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::path::Path;
use std::time::Instant;

/// Sizes of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Files found.
    pub files: usize,
    /// Of these, files that had to be parsed.
    pub parsed: usize,
    /// Functions analysed.
    pub functions: usize,
    /// Lines of all files that were read.
    pub lines: usize,
    /// Time taken.
    pub elapsed_ms: u64,
}

/// What a run has to say.
#[derive(Debug, Default)]
pub struct Report {
    /// The faults, by path and place.
    pub findings: Vec<Finding>,
    /// How many of them are asked for: with [`Config::output_all`], others are there too.
    pub failing: usize,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Sizes.
    pub stats: Stats,
    /// The texts that findings point into.
    pub sources: SourceMap,
}

/// Analyses `workspace`, whose texts `texts` gives.
pub fn check(workspace: &Workspace, texts: &dyn Texts, config: &Config) -> Report {
    let start = Instant::now();
    let mut report = Report { problems: workspace.problems.clone(), ..Report::default() };
    pool::run(|| {
        let found = read(workspace, texts, config, &mut report);
        judge(found, workspace, config, &mut report);
    });
    let Report { findings, sources, .. } = &mut report;
    findings.sort_by(|a, b| {
        let key = |finding: &Finding| (finding.span.start, finding.span.end, finding.rule);
        sources.path(a.span.file).cmp(sources.path(b.span.file)).then_with(|| key(a).cmp(&key(b)))
    });
    report.problems.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    report.stats.elapsed_ms = start.elapsed().as_millis() as u64;
    report
}

/// What an audit has to say.
#[derive(Debug, Default)]
pub struct AuditReport {
    /// The stores, by path and place.
    pub rows: Vec<Row>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Sizes.
    pub stats: Stats,
    /// The texts that rows point into.
    pub sources: SourceMap,
}

/// The durability table of `workspace`, whose texts `texts` gives. Of `config` it is asked what is read and what it runs on.
pub fn audit(workspace: &Workspace, texts: &dyn Texts, config: &Config) -> AuditReport {
    let start = Instant::now();
    let mut report = Report { problems: workspace.problems.clone(), ..Report::default() };
    let mut rows = pool::run(|| {
        let analysed = analyse(workspace, texts, config, true, &mut report);
        analysed
            .map_or_else(Vec::new, |Analysed { program, flow, apis, .. }| crate::audit::audit(&program, &flow, &apis))
    });
    let Report { mut problems, mut stats, sources, .. } = report;
    rows.retain(|row| !workspace.context.contains(sources.path(row.span.file)));
    rows.sort_by(|a, b| {
        let key = |row: &Row| (row.span.start, row.store);
        sources.path(a.span.file).cmp(sources.path(b.span.file)).then_with(|| key(a).cmp(&key(b)))
    });
    problems.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    stats.elapsed_ms = start.elapsed().as_millis() as u64;
    AuditReport { rows, problems, stats, sources }
}

/// Whether `text` can be parsed, standing at `path`. Errors say what is wrong with it and where.
pub fn readable(path: &Path, text: &str) -> Result<(), Problem> {
    rust::readable(path, text)
}

/// A finding, and the policy that somebody set for the place it is in.
type Found = (Finding, Option<Policy>);

/// Keeps what is asked for: at the levels that are set, and about what was given.
fn judge(found: Vec<Found>, workspace: &Workspace, config: &Config, report: &mut Report) {
    let mut settings: FxHashMap<FileId, Settings<'_>> = FxHashMap::default();
    let mut asked_for = 0;
    for (mut finding, policy) in found {
        let path = report.sources.path(finding.span.file);
        let is_context = |span: Span| workspace.context.contains(report.sources.path(span.file));
        if is_context(finding.span) && finding.steps.iter().all(|step| is_context(step.span)) {
            continue;
        }
        let settings = settings.entry(finding.span.file).or_insert_with(|| config.at(path));
        let Some(level) = settings.level(finding.rule, finding.level) else { continue };
        finding.level = level;
        let needs = registry::find(finding.rule).map(|rule| rule.policy);
        let asked = policy.is_none_or(|policy| needs <= Some(policy)) && settings.wants(level, finding.confidence);
        if asked || config.output_all {
            asked_for += usize::from(asked);
            report.findings.push(finding);
        }
    }
    // Who wants to see everything sees every rule by itself.
    if !config.output_all {
        checks::twins::join(&mut report.findings);
        asked_for = report.findings.len();
    }
    report.failing += asked_for;
}

/// `workspace` without the files that are not to be read.
fn without_excluded<'w>(workspace: &'w Workspace, config: &Config) -> Cow<'w, Workspace> {
    if !config.excludes_any() {
        return Cow::Borrowed(workspace);
    }
    let mut workspace = workspace.clone();
    for package in &mut workspace.packages {
        package.files.retain(|file| !config.at(&file.path).excluded());
    }
    Cow::Owned(workspace)
}

/// Whether `text` is a type of `language`, as the rows of its tables write one.
pub fn is_type(language: &str, text: &str) -> bool {
    language != "rust" || rust::is_type(text)
}

/// The tables of `language`, and the rows of the project's own.
fn tables(language: &str, config: &Config) -> Result<Apis, ApiError> {
    let mut apis = Apis::builtin(language)?;
    for table in config.scopes.iter().filter_map(|scope| scope.apis.as_ref()) {
        if table.language.as_str() == language {
            apis.add_table(table.clone());
        }
    }
    Ok(apis)
}

/// The policies that somebody set, by function.
fn policies(program: &Program, sources: &SourceMap, config: &Config) -> Vec<Option<Policy>> {
    if config.policy.is_none() && config.scopes.is_empty() {
        return Vec::new();
    }
    let mut settings: FxHashMap<FileId, Settings<'_>> = FxHashMap::default();
    let policy = |function: &Function| {
        let settings = settings.entry(function.file).or_insert_with(|| config.at(sources.path(function.file)));
        // A closure belongs to whom the function that holds it belongs to.
        let mut function = function;
        while let FunctionKind::Closure { parent } = function.kind {
            function = &program.functions[parent.index()];
        }
        let owner = function.owner.as_ref().map(|owner| owner.as_str());
        let interface = function.interface.as_ref().map(|interface| interface.as_str());
        settings.policy(Code { name: &function.name, owner, interface })
    };
    program.functions.iter().map(policy).collect()
}

/// The policy of the innermost function around `span`.
fn policy_at(program: &Program, policies: &[Option<Policy>], span: Span) -> Option<Policy> {
    let around = |function: &Function| {
        function.span.file == span.file && function.span.start <= span.start && span.end <= function.span.end
    };
    let functions = program.functions.iter().zip(policies).filter(|(function, _)| around(function));
    functions.min_by_key(|(function, _)| function.span.end - function.span.start).and_then(|(_, policy)| *policy)
}

/// Front end, flow and checks.
fn read(workspace: &Workspace, texts: &dyn Texts, config: &Config, report: &mut Report) -> Vec<Found> {
    let Some(Analysed { program, mut flow, allows, .. }) = analyse(workspace, texts, config, false, report) else {
        return Vec::new();
    };
    let policies = policies(&program, &report.sources, config);
    // To show everything, nothing may be held back; what a policy adds stays.
    let held = policies.iter().map(|policy| policy.filter(|policy| !config.output_all || *policy == Policy::Durable));
    let mut findings = checks::run(&program, &mut flow, &held.collect::<Vec<_>>());
    suppress::apply(&mut findings, &allows);
    let with_policy = |finding: Finding| {
        let policy = policy_at(&program, &policies, finding.span);
        (finding, policy)
    };
    let found = findings.into_iter().map(with_policy).collect();
    // Both are made of many small things: who waits for the report need not wait until they are freed.
    rayon::spawn(move || drop(program));
    rayon::spawn(move || drop(flow));
    found
}

/// What is known before anything is judged.
struct Analysed {
    program: Program,
    flow: Flow,
    apis: Apis,
    allows: Vec<Allow>,
}

/// Front end and flow; what goes wrong and the sizes go into `report`. With `tell_deeds` for an audit.
fn analyse(
    workspace: &Workspace,
    texts: &dyn Texts,
    config: &Config,
    tell_deeds: bool,
    report: &mut Report,
) -> Option<Analysed> {
    let apis = match tables("rust", config) {
        Ok(apis) => apis,
        Err(error) => {
            report.problems.push(Problem { path: error.table.into(), line: 1, message: error.message });
            return None;
        }
    };
    let platform = match config.platform() {
        config::Platform::Unix => rust::Platform::Unix,
        config::Platform::Windows => rust::Platform::Windows,
        config::Platform::Macos => rust::Platform::MacOs,
    };
    // What an audit did not read it cannot tell from what is not there.
    let options = rust::Options { include_tests: config.include_tests, platform, whole: tell_deeds };
    let workspace = without_excluded(workspace, config);
    let output = rust::read(&workspace, texts, &mut report.sources, &apis, &options);
    report.problems.extend(output.problems);
    report.stats.files = output.stats.files;
    report.stats.parsed = output.stats.parsed;
    report.stats.lines = output.stats.lines;
    report.stats.functions = output.program.functions.len();
    let flow = flow::analyse_while(&output.program, &apis, tell_deeds, &|| texts.wanted());
    for function in &flow.broken {
        let body = &output.program.functions[function.index()];
        report.problems.push(Problem {
            path: report.sources.path(body.file).to_path_buf(),
            line: report.sources.line_column(body.file, body.span.start).0,
            message: format!("`{}` could not be analysed: an internal error", body.name),
        });
    }
    Some(Analysed { program: output.program, flow, apis, allows: output.allows })
}
