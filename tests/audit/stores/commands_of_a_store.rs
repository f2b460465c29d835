//! A command that only makes a store to ask it something is a tool, and one that running uses up is no store, whatever else of it only looks
//! at files. What they work on is: settings that several commands share, a store that a program opens and runs, a queue that options open.
//!
//! row: Settings | no | no | yes (in place) | no | no
//! row: Store | no | n/a | no | yes | no
//! row: Queue | no | n/a | no | no | no

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub struct Settings {
    path: PathBuf,
}

impl Settings {
    pub fn new(home: &Path) -> Settings {
        Settings { path: home.join("settings") }
    }

    pub fn set(&mut self, name: &str) -> io::Result<()> {
        let mut text = fs::read_to_string(&self.path)?;
        text.push_str(name);
        fs::write(&self.path, text)
    }

    pub fn forget(&mut self, name: &str) -> io::Result<()> {
        let text = fs::read_to_string(&self.path)?;
        fs::write(&self.path, text.replace(name, ""))
    }
}

pub struct SetCommand {
    name: String,
}

impl SetCommand {
    pub fn execute(&mut self) -> io::Result<()> {
        Settings::new(Path::new("settings")).set(&self.name)
    }
}

pub struct ForgetCommand {
    name: String,
}

impl ForgetCommand {
    pub fn execute(&mut self) -> io::Result<()> {
        Settings::new(Path::new("settings")).forget(&self.name)
    }
}

pub struct Download {
    manifest: PathBuf,
    target: PathBuf,
}

impl Download {
    pub fn plan(&self) -> io::Result<Vec<String>> {
        self.resolve()
    }

    pub fn execute(self) -> io::Result<()> {
        for name in self.resolve()? {
            let part = self.target.join(format!("{name}.part"));
            fs::write(&part, &name)?;
            let text = fs::read(&part)?;
            fs::write(self.target.join(&name), text)?;
            fs::remove_file(&part)?;
        }
        Ok(())
    }

    fn resolve(&self) -> io::Result<Vec<String>> {
        Ok(fs::read_to_string(&self.manifest)?.lines().map(str::to_owned).collect())
    }
}

pub struct Store {
    log: File,
}

impl Store {
    pub fn open(dir: &Path) -> io::Result<Store> {
        let log = OpenOptions::new().create(true).append(true).open(dir.join("log"))?;
        File::open(dir)?.sync_all()?;
        Ok(Store { log })
    }

    pub fn put(&mut self, key: &str) -> io::Result<()> {
        self.log.write_all(key.as_bytes())
    }
}

pub struct App {
    dir: PathBuf,
}

impl App {
    pub fn run(self) -> io::Result<()> {
        let mut store = Store::open(&self.dir)?;
        let mut line = String::new();
        while io::stdin().read_line(&mut line)? > 0 {
            store.put(line.trim())?;
            line.clear();
        }
        Ok(())
    }
}

pub struct Options {
    dir: PathBuf,
}

impl Options {
    pub fn open(self) -> io::Result<Queue> {
        fs::create_dir_all(&self.dir)?;
        Queue::open(&self.dir)
    }
}

pub struct Queue {
    items: File,
}

impl Queue {
    pub fn open(dir: &Path) -> io::Result<Queue> {
        Ok(Queue { items: OpenOptions::new().create(true).append(true).open(dir.join("items"))? })
    }

    pub fn push(&mut self, item: &str) -> io::Result<()> {
        self.items.write_all(item.as_bytes())
    }
}
