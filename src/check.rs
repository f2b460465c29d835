//! The whole way from found files to findings, or to the durability table: front ends, flow, checks. The command line and the editor
//! both come through here.

use crate::apis::Apis;
use crate::audit::Row;
use crate::config::{self, Config};
use crate::discover::{Problem, Texts, Workspace};
use crate::finding::Finding;
use crate::flow::Flow;
use crate::frontends::rust;
use crate::ir::Program;
use crate::source::SourceMap;
use crate::{checks, flow};
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
    read(workspace, texts, config, &mut report);
    let Report { findings, sources, .. } = &mut report;
    findings.retain_mut(|finding| {
        let Some(level) = config.level(finding.rule, finding.level) else { return false };
        finding.level = level;
        config.shows(level, finding.confidence) && !workspace.context.contains(sources.path(finding.span.file))
    });
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
    let mut rows = Vec::new();
    if let Some((program, flow)) = analyse(workspace, texts, config, true, &mut report) {
        rows = crate::audit::audit(&program, &flow);
    }
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

/// Front end, flow and checks.
fn read(workspace: &Workspace, texts: &dyn Texts, config: &Config, report: &mut Report) {
    if let Some((program, flow)) = analyse(workspace, texts, config, false, report) {
        report.findings = checks::run(&program, flow);
    }
}

/// Front end and flow; what goes wrong and the sizes go into `report`. With `tell_deeds` for an audit.
fn analyse(
    workspace: &Workspace,
    texts: &dyn Texts,
    config: &Config,
    tell_deeds: bool,
    report: &mut Report,
) -> Option<(Program, Flow)> {
    let apis = match Apis::builtin("rust") {
        Ok(apis) => apis,
        Err(error) => {
            report.problems.push(Problem { path: error.table.into(), line: 1, message: error.message });
            return None;
        }
    };
    let platform = match config.platform {
        config::Platform::Unix => rust::Platform::Unix,
        config::Platform::Windows => rust::Platform::Windows,
        config::Platform::Macos => rust::Platform::MacOs,
    };
    let options = rust::Options { include_tests: config.include_tests, platform };
    let output = rust::read(workspace, texts, &mut report.sources, &apis, &options);
    report.problems.extend(output.problems);
    report.stats.files = output.stats.files;
    report.stats.parsed = output.stats.parsed;
    report.stats.lines = output.stats.lines;
    report.stats.functions = output.program.functions.len();
    let flow = flow::analyse(&output.program, &apis, tell_deeds);
    for function in &flow.broken {
        let body = &output.program.functions[function.index()];
        report.problems.push(Problem {
            path: report.sources.path(body.file).to_path_buf(),
            line: report.sources.line_column(body.file, body.span.start).0,
            message: format!("`{}` could not be analysed: an internal error", body.name),
        });
    }
    Some((output.program, flow))
}
