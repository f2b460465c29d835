//! What is written below `/sys` is a message to the kernel, whichever way its path is put together: no store keeps it, and nothing of it
//! is there to be synced. The cells are those of the log alone.
//!
//! row: Volume | yes | n/a | no | yes | yes

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Volume {
    log: File,
    device: String,
}

fn tell(path: &Path, event: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(event.as_bytes())
}

impl Volume {
    pub fn create(dir: &Path, device: &str) -> io::Result<Volume> {
        let log = File::create_new(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        Ok(Volume { log, device: device.to_owned() })
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log.write_all(bytes)?;
        self.log.sync_data()
    }

    /// Reads a name, and tells it to whoever listens to changes of the device.
    pub fn announce(&self, names: &Path) -> io::Result<()> {
        let name = fs::read_to_string(names)?;
        let event = ["/sys/dev/block", &self.device, "uevent"].iter().collect::<PathBuf>();
        OpenOptions::new().write(true).open(event)?.write_all(name.as_bytes())
    }

    pub fn limit(&self, pages: u64) -> io::Result<()> {
        fs::write("/proc/sys/vm/nr_hugepages", pages.to_string())?;
        tell(Path::new(&format!("/sys/block/{}/queue/scheduler", self.device)), "none")
    }
}
