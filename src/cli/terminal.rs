//! Standard output, error messages, and a line about work that takes long.

use crate::discover::{DiskTexts, Problem, Texts};
use crate::report::human;
use clap::ColorChoice;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

/// Writes to standard output. Whoever closes the pipe early has seen enough: no error.
pub(super) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), String> {
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

/// Writes a report to `file`, without colours, or else to standard output.
pub(super) fn write(
    file: Option<&Path>,
    style: human::Style,
    write: impl FnOnce(human::Style, &mut dyn Write) -> io::Result<()>,
) -> Result<(), String> {
    let Some(path) = file else { return print(|out| write(style, out)) };
    let written = File::create(path).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(human::Style { color: false, ..style }, &mut out)?;
        // fsynclint: allow(flush-is-not-sync) reason="a report is made again by the next run"
        out.flush()
    });
    written.map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

/// Writes diagnostics to standard error.
pub(super) fn tell(write: impl FnOnce(human::Style, &mut dyn Write) -> io::Result<()>) {
    let style = style(io::stderr().is_terminal());
    // If nobody can be told, the status still says it.
    let _ = write(style, &mut io::stderr().lock());
}

/// How to write to a stream, given whether it is a terminal.
pub(super) fn style(is_terminal: bool) -> human::Style {
    let asked = asked();
    let color = match asked.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            is_terminal && !refused && !dumb
        }
    };
    let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
    human::Style { color, width: width.clamp(60, 160), quiet: asked.quiet }
}

/// What was asked of everything that is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub color: ColorChoice,
    pub quiet: bool,
}

/// Set once, before anything is written.
static ASKED: OnceLock<Asked> = OnceLock::new();

/// Notes what was asked.
pub(super) fn ask(asked: Asked) {
    let _ = ASKED.set(asked);
}

fn asked() -> Asked {
    ASKED.get().copied().unwrap_or(Asked { color: ColorChoice::Auto, quiet: false })
}

/// Writes what is good to know and no result.
pub(super) fn note(message: &str) -> Result<(), String> {
    if asked().quiet { Ok(()) } else { print(|out| writeln!(out, "{message}")) }
}

/// One line on standard error.
pub(super) fn say(message: &str) {
    let _ = writeln!(io::stderr(), "error: {message}");
}

/// Texts from the disk, counted for the progress line.
#[derive(Default)]
pub(super) struct CountedTexts {
    pub read: Arc<AtomicUsize>,
}

impl Texts for CountedTexts {
    fn read(&self, path: &Path) -> Result<Arc<str>, Problem> {
        self.read.fetch_add(1, Ordering::Relaxed);
        DiskTexts.read(path)
    }
}

/// A line on the terminal about work that takes longer than a second; gone when dropped.
pub(super) struct Progress {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Progress {
    pub fn start(read: &Arc<AtomicUsize>) -> Progress {
        if !io::stderr().is_terminal() || asked().quiet {
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
