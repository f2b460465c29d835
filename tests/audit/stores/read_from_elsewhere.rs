//! What is downloaded goes to a new file: it is read from something that was not seen to be a file, so it may be no rewrite. And what a
//! buffer is written to that anything can be put behind may be no file.
//!
//! row: Mirror | no | unknown (what `fetch` reads was not seen to be opened, and may be no file) | no (never deletes them) | no | no
//! row: Packer | unknown (what it goes to was not seen to be opened, and may be no file) | n/a | no | no (removals) | unknown (what it goes to was not seen to be opened, and may be no file)

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;

pub struct Mirror {
    dir: PathBuf,
    connection: elsewhere::Connection,
}

impl Mirror {
    pub fn open(dir: PathBuf, address: &str) -> Mirror {
        Mirror { dir, connection: elsewhere::connect(address) }
    }

    pub fn fetch(&mut self, name: &str) -> io::Result<()> {
        let mut text = Vec::new();
        BufReader::new(&mut self.connection).read_to_end(&mut text)?;
        let mut file = File::create(self.dir.join(name))?;
        file.write_all(&text)
    }
}

pub struct Packer<W: Write> {
    inner: BufWriter<W>,
    mark: PathBuf,
}

impl<W: Write> Packer<W> {
    pub fn new(writer: W, mark: PathBuf) -> Packer<W> {
        Packer { inner: BufWriter::new(writer), mark }
    }

    pub fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_all(bytes)
    }

    pub fn finish(&mut self) -> io::Result<()> {
        fs::remove_file(&self.mark)
    }
}
