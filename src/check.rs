//! The whole way from found files to findings: front ends, flow, checks. The command line and the editor both come through here.

use crate::apis::Apis;
use crate::config::{self, Config};
use crate::discover::{Problem, Texts, Workspace};
use crate::finding::Finding;
use crate::frontends::rust;
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

/// Front end, flow and checks.
fn read(workspace: &Workspace, texts: &dyn Texts, config: &Config, report: &mut Report) {
    let apis = match Apis::builtin("rust") {
        Ok(apis) => apis,
        Err(error) => {
            report.problems.push(Problem { path: error.table.into(), line: 1, message: error.message });
            return;
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
    let flow = flow::analyse(&output.program, &apis, false);
    for function in &flow.broken {
        let body = &output.program.functions[function.index()];
        report.problems.push(Problem {
            path: report.sources.path(body.file).to_path_buf(),
            line: report.sources.line_column(body.file, body.span.start).0,
            message: format!("`{}` could not be analysed: an internal error", body.name),
        });
    }
    report.findings = checks::run(&output.program, flow);
}
