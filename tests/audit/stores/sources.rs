//! What is only read is a source, not old content: a page is made of a template that nothing here writes. A digest is one more of the
//! notes that it is made of, and a shelf removes the files that it packs.
//!
//! row: Page | no | unknown (what `render` leaves unsynced was not seen to be made of what it read, and to take its place) | no (never deletes them) | no | no
//! row: Digest | no | no | no (never deletes them) | no | no
//! row: Shelf | yes | no | yes | no | no

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

pub struct Page {
    dir: PathBuf,
}

impl Page {
    pub fn show(&self) -> io::Result<String> {
        fs::read_to_string(self.dir.join("page.html"))
    }

    pub fn render(&self, name: &str) -> io::Result<()> {
        let text = fs::read_to_string(self.dir.join("template.html"))?;
        let mut file = File::create(self.dir.join("page.html"))?;
        file.write_all(text.replace("NAME", name).as_bytes())
    }
}

pub struct Digest {
    dir: PathBuf,
}

impl Digest {
    pub fn note(&self, number: u32, text: &str) -> io::Result<()> {
        fs::write(self.dir.join(format!("{number:06}.note")), text)
    }

    pub fn fold(&self, numbers: &[u32], next: u32) -> io::Result<()> {
        let mut out = File::create(self.dir.join(format!("{next:06}.note")))?;
        for id in numbers {
            out.write_all(&fs::read(self.dir.join(format!("{id:06}.note")))?)?;
        }
        Ok(())
    }
}

pub struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    pub fn add(&self, name: &str, text: &str) -> io::Result<()> {
        let mut file = File::create(self.dir.join(name))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    pub fn pack(&self, paths: &[PathBuf]) -> io::Result<()> {
        let mut all = File::create(self.dir.join("all"))?;
        for path in paths {
            all.write_all(&fs::read(path)?)?;
            fs::remove_file(path)?;
        }
        Ok(())
    }
}
