//! A screen hands out a writer of its own, which keeps what it gets in memory: nothing of that is a file. The transcript is one.
//!
//! row: Screen | unknown (what it goes to was not seen to be opened, and may be no file) | n/a | no | no | no

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

struct ScreenWriter {
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Write for ScreenWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.shown.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub struct Screen {
    shown: Arc<Mutex<Vec<u8>>>,
    transcript: PathBuf,
}

impl Screen {
    fn writer(&self) -> Box<dyn Write> {
        Box::new(ScreenWriter { shown: self.shown.clone() })
    }

    pub fn clear(&self, text: &str) -> io::Result<()> {
        let mut writer = self.writer();
        writer.write_all(b"\x1b[2J")?;
        writer.write_all(text.as_bytes())?;
        writer.flush()
    }

    pub fn keep(&self, text: &str) -> io::Result<()> {
        let mut file = File::create(&self.transcript)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    pub fn kept(&self) -> io::Result<String> {
        fs::read_to_string(&self.transcript)
    }
}
