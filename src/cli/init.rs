//! `fsynclint init`.

use super::terminal::note;
use crate::config::START;
use crate::discover::CONFIG_NAME;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

/// Writes a configuration to start from. One that is there is left alone.
pub(super) fn run(folder: &Path) -> Result<ExitCode, String> {
    let path = folder.join(CONFIG_NAME);
    let shown = path.strip_prefix(".").unwrap_or(&path).display();
    let file = OpenOptions::new().write(true).create_new(true).open(&path);
    let written = file.and_then(|mut file| {
        file.write_all(START.as_bytes())?;
        file.sync_all()?;
        // Elsewhere folders cannot be synced.
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    });
    match written {
        Ok(()) => {
            note(&format!("{shown} is written: every setting is in it, commented out"))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(format!("{shown} is there already")),
        Err(error) => Err(format!("{shown} cannot be written: {error}")),
    }
}
