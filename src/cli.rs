//! The command line: reads the arguments, runs what was asked, and picks the exit status.
//!
//! 0: nothing at or above the failing level. 1: findings. 2: usage, configuration or internal error.

use crate::check::{Report, check};
use crate::checks::registry::{self, RULES};
use crate::config::{Config, Platform};
use crate::discover::{self, DiscoverOptions, DiskTexts, Problem, Texts, Workspace};
use crate::finding::{Confidence, Level};
use crate::report::{human, json, page};
use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use rustc_hash::FxHashSet;
use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// Finds the places where a power cut loses data.
#[derive(Debug, Parser)]
#[command(name = "fsynclint", version, about, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colours
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto, global = true, value_name = "WHEN")]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Report writes, renames and deletes that a crash can undo
    Check(CheckArgs),
    /// Tell what a rule is about: the crash, bad and good examples, file systems
    Explain {
        /// The rule's id, `rename-before-sync`
        rule: String,
    },
    /// List the rules
    Rules,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Packages, workspaces, folders or files
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Report everything, whatever its level, confidence and policy
    #[arg(long)]
    output_all: bool,
    /// Report (and fail on) findings of this level and above
    #[arg(long, value_enum, default_value_t = LevelArg::Warning, value_name = "LEVEL")]
    min_level: LevelArg,
    /// Report findings of this confidence and above
    #[arg(long, value_enum, default_value_t = ConfidenceArg::Medium, value_name = "CONFIDENCE")]
    min_confidence: ConfidenceArg,
    /// Also read tests, benches, examples and build scripts
    #[arg(long)]
    include_tests: bool,
    /// The system the program runs on
    #[arg(long, value_enum, default_value_t = PlatformArg::Unix)]
    platform: PlatformArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LevelArg {
    Info,
    Warning,
    Error,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ConfidenceArg {
    Low,
    Medium,
    High,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PlatformArg {
    Unix,
    Windows,
    Macos,
}

/// Exit status for usage, configuration and internal errors.
const UNUSABLE: u8 = 2;

/// Stack of each thread that analyses.
const STACK_BYTES: usize = 64 << 20;

/// Commands that `cargo fsynclint` passes on as they are; anything else is an argument of `check`.
const COMMANDS: [&str; 8] = ["check", "explain", "rules", "help", "-h", "--help", "-V", "--version"];

/// Runs `fsynclint` with the arguments of the process.
pub fn run(args: Vec<OsString>) -> ExitCode {
    match Cli::try_parse_from(args) {
        Ok(cli) => cli.run(),
        Err(error) => {
            let _ = error.print();
            ExitCode::from(if error.use_stderr() { UNUSABLE } else { 0 })
        }
    }
}

/// Runs `cargo fsynclint`: cargo repeats the subcommand's name, and `check` may be left out.
pub fn run_for_cargo(args: Vec<OsString>) -> ExitCode {
    let mut rest: Vec<OsString> = args.into_iter().skip(1).collect();
    if rest.first().is_some_and(|first| first == "fsynclint") {
        rest.remove(0);
    }
    let command = rest.first().and_then(|first| first.to_str()).is_some_and(|first| COMMANDS.contains(&first));
    if !command {
        rest.insert(0, "check".into());
    }
    rest.insert(0, "cargo fsynclint".into());
    run(rest)
}

impl Cli {
    fn run(self) -> ExitCode {
        let done = match &self.command {
            Command::Check(args) => self.check(args),
            Command::Explain { rule } => self.explain(rule),
            Command::Rules => print(|out| page::table(RULES, self.style(), out)).map(|()| ExitCode::SUCCESS),
        };
        done.unwrap_or_else(|message| {
            say(&message);
            ExitCode::from(UNUSABLE)
        })
    }

    fn style(&self) -> human::Style {
        let color = match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                io::stdout().is_terminal() && !refused && !dumb
            }
        };
        let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
        human::Style { color, width: width.clamp(60, 160) }
    }

    fn check(&self, args: &CheckArgs) -> Result<ExitCode, String> {
        let missing = discover::missing(&args.paths);
        if let Some(path) = missing.first() {
            let more = if missing.len() > 1 { format!(" (and {} more)", missing.len() - 1) } else { String::new() };
            return Err(format!("{}: no such file or folder{more}", path.display()));
        }
        let config = args.config();
        let paths = args.paths.clone();
        // Syntax trees are walked recursively; what a thread reserves it need not use.
        let _ = rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES).build_global();
        let work = move || {
            let texts = CountedTexts::default();
            let progress = Progress::start(&texts.read);
            let workspace = discover::discover(&paths, &DiscoverOptions { include_tests: config.include_tests });
            let report = check(&workspace, &texts, &config);
            drop(progress);
            let nothing_read = nothing_read(&workspace, &report);
            (report, config, nothing_read)
        };
        // A panic is a mistake of this program, not of the code it reads: it says so, and does not look like "no findings".
        let (report, config, nothing_read) =
            std::panic::catch_unwind(work).map_err(|_| "internal error: this is a bug in fsynclint".to_string())?;
        print(|out| match args.format {
            Format::Human => human::render(&report, self.style(), out),
            Format::Json => json::render(&report, out),
        })?;
        Ok(status(&report, &config, nothing_read))
    }

    fn explain(&self, id: &str) -> Result<ExitCode, String> {
        let Some(rule) = registry::find(id) else {
            let near = nearest(id);
            let hint = if near.is_empty() {
                "`fsynclint rules` lists them".into()
            } else {
                format!("did you mean {}?", near.join(" or "))
            };
            return Err(format!("no rule is called `{id}`; {hint}"));
        };
        print(|out| page::page(rule, self.style(), out))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl CheckArgs {
    fn config(&self) -> Config {
        Config {
            include_tests: self.include_tests,
            platform: match self.platform {
                PlatformArg::Unix => Platform::Unix,
                PlatformArg::Windows => Platform::Windows,
                PlatformArg::Macos => Platform::Macos,
            },
            output_all: self.output_all,
            min_level: match self.min_level {
                LevelArg::Info => Level::Info,
                LevelArg::Warning => Level::Warning,
                LevelArg::Error => Level::Error,
            },
            min_confidence: match self.min_confidence {
                ConfidenceArg::Low => Confidence::Low,
                ConfidenceArg::Medium => Confidence::Medium,
                ConfidenceArg::High => Confidence::High,
            },
            ..Config::default()
        }
    }
}

/// Findings fail the run if they would have been shown without `--output-all`. If nothing could be read, nothing was checked.
fn status(report: &Report, config: &Config, nothing_read: bool) -> ExitCode {
    let judged = Config { output_all: false, ..config.clone() };
    if report.findings.iter().any(|finding| judged.shows(finding.level, finding.confidence)) {
        return ExitCode::from(1);
    }
    ExitCode::from(if nothing_read { UNUSABLE } else { 0 })
}

/// Whether there is a problem with each file that was found.
fn nothing_read(workspace: &Workspace, report: &Report) -> bool {
    let unread: FxHashSet<&Path> = report.problems.iter().map(|problem| problem.path.as_path()).collect();
    let mut files = workspace.packages.iter().flat_map(|package| &package.files);
    !unread.is_empty() && files.all(|file| unread.contains(file.shown.as_path()))
}

/// Writes to standard output. Whoever closes the pipe early has seen enough: no error.
fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), String> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write the report: {error}")),
        Err(_) => {
            // What is still buffered would fail again when dropped.
            let _ = out.into_parts();
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

fn say(message: &str) {
    let _ = writeln!(io::stderr(), "error: {message}");
}

/// Rules whose id is close to `id`.
fn nearest(id: &str) -> Vec<String> {
    let mut near: Vec<(usize, &str)> = RULES.iter().map(|rule| (distance(id, rule.id), rule.id)).collect();
    near.sort();
    let limit = (id.chars().count() / 3).max(2);
    let close = near.iter().filter(|(distance, rule)| *distance <= limit || (id.len() >= 4 && rule.contains(id)));
    close.take(3).map(|(_, rule)| format!("`{rule}`")).collect()
}

/// How many letters have to be added, taken out or changed to make `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(200).enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = changed.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Texts from the disk, counted for the progress line.
#[derive(Default)]
struct CountedTexts {
    read: Arc<AtomicUsize>,
}

impl Texts for CountedTexts {
    fn read(&self, path: &Path) -> Result<Arc<str>, Problem> {
        self.read.fetch_add(1, Ordering::Relaxed);
        DiskTexts.read(path)
    }
}

/// A line on the terminal about work that takes longer than a second; gone when dropped.
struct Progress {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Progress {
    fn start(read: &Arc<AtomicUsize>) -> Progress {
        if !io::stderr().is_terminal() {
            return Progress { stop: None, thread: None };
        }
        let (stop, stopped) = mpsc::channel();
        let read = Arc::clone(read);
        let thread = std::thread::spawn(move || {
            let mut wait = Duration::from_secs(1);
            let mut shown = false;
            while stopped.recv_timeout(wait) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = write!(io::stderr(), "\r\x1b[Kfsynclint: {} files read …", read.load(Ordering::Relaxed));
                shown = true;
                wait = Duration::from_millis(200);
            }
            if shown {
                let _ = write!(io::stderr(), "\r\x1b[K");
            }
        });
        Progress { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
