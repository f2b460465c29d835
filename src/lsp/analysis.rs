//! Analyses beside the conversation with the editor: one at a time, on a thread of its own, given up as soon as its answer would be
//! out of date.

use super::documents::{Kind, Revision, Snapshot};
use crate::check::{self, Report};
use crate::config::{self, Config, Fault};
use crate::discover::{
    self, DiscoverOptions, DiskTexts, FoundFile, MAX_FILE_BYTES, Problem, SourcePackage, Texts, Workspace,
};
use crate::source::SourceMap;
use crossbeam_channel::{Receiver, Sender};
use lsp_types::Uri;
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks for an analysis.
pub struct Job {
    /// Which state of everything it is about.
    pub generation: u64,
    /// The folders that are open.
    pub roots: Vec<PathBuf>,
    /// The documents that are open.
    pub documents: Vec<Snapshot>,
    /// What the editor's settings ask for.
    pub config: Config,
    /// Set when nobody waits for it any more.
    pub stop: Arc<AtomicBool>,
}

/// What became of a document.
#[derive(Debug)]
pub struct Examined {
    /// Which one, and which state of it.
    pub uri: Uri,
    /// The state that was asked about.
    pub revision: Revision,
    /// Its text.
    pub text: Arc<str>,
    /// Why that text cannot be parsed.
    pub problem: Option<Problem>,
    /// The state whose text was analysed: the newest that parses.
    pub analysed: Revision,
}

/// What an analysis has to say.
pub struct Answer {
    /// The findings.
    pub report: Report,
    /// What is wrong with the settings in the files.
    pub faults: Vec<Fault>,
    /// The texts that those point into.
    pub settings: SourceMap,
}

/// The end of a [`Job`].
pub struct Outcome {
    /// Of the job.
    pub generation: u64,
    /// What it found out; `Err` if fsynclint itself failed, with its words.
    pub answer: Result<Answer, String>,
    /// The documents.
    pub documents: Vec<Examined>,
    /// Under which paths of the report documents stand, by their place in `documents`.
    pub places: FxHashMap<PathBuf, usize>,
}

/// The thread.
pub struct Worker {
    /// Where jobs go.
    pub jobs: Sender<Job>,
    /// Where answers come from, one for each job.
    pub outcomes: Receiver<Outcome>,
}

impl Worker {
    /// Starts it. It ends when `jobs` is dropped.
    pub fn start() -> std::io::Result<Worker> {
        let (jobs, todo) = crossbeam_channel::unbounded::<Job>();
        let (done, outcomes) = crossbeam_channel::unbounded();
        std::thread::Builder::new().name("analysis".into()).spawn(move || {
            for job in todo {
                if done.send(run(job)).is_err() {
                    break;
                }
            }
        })?;
        Ok(Worker { jobs, outcomes })
    }
}

/// A mistake of this program costs one answer, not the thread.
fn run(job: Job) -> Outcome {
    let generation = job.generation;
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| analyse(&job))).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        let answer = Err(format!("internal error: this is a bug in fsynclint ({said})"));
        Outcome { generation, answer, documents: Vec::new(), places: FxHashMap::default() }
    })
}

/// Decides which text of `document` is analysed.
fn examine(document: &Snapshot) -> (Examined, Arc<str>) {
    let problem = match &document.verdict {
        Some(known) => known.clone(),
        None if document.kind != Kind::Source => None,
        None => check::readable(&document.path, &document.text).err(),
    };
    let (analysed, text) = match (&problem, &document.good) {
        (Some(_), Some((revision, text))) => (*revision, text),
        _ => (document.revision, &document.text),
    };
    let text = Arc::clone(text);
    let (uri, revision) = (document.uri.clone(), document.revision);
    (Examined { uri, revision, text: Arc::clone(&document.text), problem, analysed }, text)
}

fn analyse(job: &Job) -> Outcome {
    let documents = &job.documents;
    let (examined, texts): (Vec<Examined>, Vec<Arc<str>>) = documents.iter().map(examine).unzip();
    let workspace = workspace(job);
    let mut overlay = Overlay { texts: FxHashMap::default(), stop: &job.stop };
    let mut places = FxHashMap::default();
    let mut put = |path: &Path, at: usize| {
        overlay.texts.insert(path.to_path_buf(), Arc::clone(&texts[at]));
        places.insert(path.to_path_buf(), at);
    };
    // The same file can be open under several names: the one that was typed in last has its text.
    let mut order: Vec<usize> = (0..documents.len()).collect();
    order.sort_by_key(|at| documents[*at].revision);
    let real: Vec<PathBuf> = documents.iter().map(|document| discover::canonical(&document.path)).collect();
    let names: FxHashSet<_> = real.iter().filter_map(|path| path.file_name()).collect();
    let sources = workspace.packages.iter().flat_map(|package| &package.files).map(|file| &file.path);
    for path in sources.chain(workspace.configs.iter().map(|file| &file.path)) {
        if let Some(at) = order.iter().rev().find(|at| documents[**at].path == *path) {
            put(path, *at);
        } else if path.file_name().is_some_and(|name| names.contains(name)) {
            let canonical = discover::canonical(path);
            if let Some(at) = order.iter().rev().find(|at| real[**at] == canonical) {
                put(path, *at);
            }
        }
    }
    let loaded = config::load(job.config.clone(), &workspace, &overlay);
    let mut report = check::check(&workspace, &overlay, &loaded.config);
    report.problems.extend(loaded.problems);
    let answer = Ok(Answer { report, faults: loaded.faults, settings: loaded.sources });
    Outcome { generation: job.generation, answer, documents: examined, places }
}

/// The folders, and the documents that lie in none of them, each with its package if it has one.
fn workspace(job: &Job) -> Workspace {
    let (files, unnamed): (Vec<&Snapshot>, Vec<&Snapshot>) =
        job.documents.iter().partition(|document| document.on_disk);
    // In a folder that is no longer there, a document has nothing around it.
    let roots: Vec<&PathBuf> = job.roots.iter().filter(|root| root.is_dir()).collect();
    let real_roots: Vec<PathBuf> = roots.iter().map(|root| discover::canonical(root)).collect();
    let inside = |path: &Path| {
        roots.iter().any(|root| path.starts_with(root))
            || real_roots.iter().any(|root| discover::canonical(path).starts_with(root))
    };
    let mut paths = job.roots.clone();
    let mut all: Vec<PathBuf> = files.iter().map(|document| document.path.clone()).collect();
    paths.extend(all.iter().filter(|path| !inside(path)).cloned());
    all.retain(|path| !path.exists());
    let options = DiscoverOptions { include_tests: job.config.include_tests, changes: false };
    let mut workspace = discover::discover_with(&paths, &options, &all);
    for document in unnamed {
        let found = FoundFile { path: document.path.clone(), shown: document.path.clone() };
        let name = document.uri.as_str().to_string();
        workspace.packages.push(SourcePackage { name, files: vec![found], ..SourcePackage::default() });
    }
    workspace
}

/// What is on the disk, and over it what is typed.
struct Overlay<'a> {
    texts: FxHashMap<PathBuf, Arc<str>>,
    stop: &'a AtomicBool,
}

impl Texts for Overlay<'_> {
    fn read(&self, path: &Path) -> Result<Arc<str>, Problem> {
        let problem = |message: String| Problem { path: path.to_path_buf(), line: 1, message };
        // Nothing read is little to analyse: the quickest way to an end.
        if !self.wanted() {
            return Err(problem("is not wanted any more".into()));
        }
        match self.texts.get(path) {
            Some(text) if text.len() as u64 > MAX_FILE_BYTES => Err(problem(discover::too_large(text.len() as u64))),
            Some(text) => Ok(Arc::clone(text)),
            None => DiskTexts.read(path),
        }
    }

    fn wanted(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_waits_for_ends_early() {
        let text = "pub fn f(a: &std::path::Path) { std::fs::rename(a, a).unwrap(); }\n";
        let job = |stop| Job {
            generation: 1,
            roots: Vec::new(),
            documents: vec![Snapshot {
                uri: "untitled:a".parse().unwrap(),
                path: "untitled:a.rs".into(),
                on_disk: false,
                kind: Kind::Source,
                revision: 1,
                text: text.into(),
                verdict: None,
                good: None,
            }],
            config: Config::default(),
            stop: Arc::new(AtomicBool::new(stop)),
        };
        let parsed = |stop| run(job(stop)).answer.map(|answer| answer.report.stats.parsed);
        assert_eq!((parsed(false), parsed(true)), (Ok(1), Ok(0)));
    }
}
