//! The whole way from found files to findings: front ends, flow, checks. The command line and the editor both come through here.

use crate::config::Config;
use crate::discover::{Problem, Texts, Workspace};
use crate::finding::Finding;
use crate::source::SourceMap;
use rayon::prelude::*;
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
    read(workspace, texts, &mut report);
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

/// Stands in for the front end.
fn read(workspace: &Workspace, texts: &dyn Texts, report: &mut Report) {
    let files: Vec<_> = workspace.packages.iter().flat_map(|package| &package.files).collect();
    report.stats.files = files.len();
    let read: Vec<_> = files.par_iter().map(|file| (*file, texts.read(&file.path))).collect();
    for (file, text) in read {
        match text {
            Ok(text) => report.stats.lines += text.lines().count(),
            Err(problem) => report.problems.push(Problem { path: file.shown.clone(), ..problem }),
        }
    }
}
