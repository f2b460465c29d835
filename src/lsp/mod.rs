//! The editor server: the language server protocol over standard input and output, the findings of [`crate::check::check`] as diagnostics.
//!
//! In reading order: [`transport`] (bytes to messages), [`server`] (the conversation), [`documents`], [`position`] and [`edits`] (the
//! texts), [`settings`], [`analysis`] (the work beside the conversation), [`diagnostics`] and [`pages`] (what is shown). No other part
//! of the program knows the protocol.

mod analysis;
mod diagnostics;
mod documents;
mod edits;
mod pages;
mod position;
mod server;
mod settings;
mod transport;

pub use server::{Ended, Options, serve};

use std::io;

/// Serves the editor at standard input and output until it says goodbye. Nothing but the protocol is written to standard output.
pub fn run() -> io::Result<Ended> {
    let (connection, writer) = transport::connect(io::BufReader::new(io::stdin()), io::stdout())?;
    let options = Options { cache: dirs::cache_dir(), ..Options::default() };
    let ended = serve(connection, options)?;
    // The connection is gone: what is still to be written is written, unless nobody reads it any more.
    let _ = writer.join();
    Ok(ended)
}
