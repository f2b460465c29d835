//! What waits writes only when it gives up: no way to its success leads by the file. That nothing is left then says nothing of what was
//! written.
//!
//! row: Waiter | unknown (`wait` was not seen to succeed after what it writes) | n/a | no | unknown (no name was seen to be left behind, and no directory to be synced) | unknown (`wait` was not seen to succeed after what it writes)

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub struct Waiter {
    dir: PathBuf,
}

impl Waiter {
    pub fn wait(&self, limit: Duration, ready: impl Fn() -> bool) {
        let start = Instant::now();
        while !ready() {
            if start.elapsed() > limit {
                let mut file = File::create(self.dir.join("waited")).expect("the directory is there");
                file.write_all(b"too long").expect("there is room");
                panic!("waited for {limit:?}");
            }
        }
    }

    pub fn last(&self) -> String {
        fs::read_to_string(self.dir.join("waited")).unwrap_or_default()
    }
}
