//! A build unpacks what it is given below a directory that it removes in the end: nothing of that is owed to anybody. Its record is.
//!
//! row: Builder | yes | unknown (what `build` removes was not seen to be a log that is written here, and may be no input) | unknown (what `build` takes away was not seen to be in what it writes) | yes | unknown (what `build` removes was not seen to be a log that is written here, and may be no input)

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

pub struct Builder {
    dir: PathBuf,
}

impl Builder {
    pub fn build(&self, number: u64, source: &[u8]) -> io::Result<()> {
        let room = self.dir.join(format!("build-{number}"));
        fs::create_dir(&room)?;
        let mut file = File::create(room.join("source"))?;
        file.write_all(source)?;
        drop(file);
        let well = run(&room.join("source"));
        self.clear(room);
        let mut record = File::create(self.dir.join("record"))?;
        record.write_all(if well { b"well" } else { b"ill" })?;
        record.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }

    fn clear(&self, room: PathBuf) {
        if let Err(error) = fs::remove_dir_all(&room) {
            eprintln!("{}: {error}", room.display());
        }
    }

    pub fn last(&self) -> io::Result<String> {
        fs::read_to_string(self.dir.join("record"))
    }
}

fn run(source: &std::path::Path) -> bool {
    std::process::Command::new("compile").arg(source).status().is_ok_and(|status| status.success())
}
