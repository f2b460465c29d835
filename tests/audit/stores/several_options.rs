//! Messages are synced by one option, offsets by another: the cell names both. Either of two options has a header synced; of more than
//! can be told there are others.
//!
//! row: Queue | conditional (sync_messages, sync_offsets) | n/a | no | yes | yes
//! row: Head | conditional (careful, paranoid) | n/a | no | yes | yes
//! row: Many | conditional (first, second, third and others) | n/a | no | yes | yes

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

pub struct Queue {
    messages: File,
    offsets: File,
    sync_messages: bool,
    sync_offsets: bool,
}

impl Queue {
    pub fn open(dir: &Path, sync_messages: bool, sync_offsets: bool) -> io::Result<Queue> {
        let messages = File::create(dir.join("messages"))?;
        let offsets = File::create(dir.join("offsets"))?;
        File::open(dir)?.sync_all()?;
        Ok(Queue { messages, offsets, sync_messages, sync_offsets })
    }

    pub fn push(&mut self, message: &[u8]) -> io::Result<()> {
        self.messages.write_all(message)?;
        if self.sync_messages {
            self.messages.sync_data()?;
        }
        Ok(())
    }

    pub fn seen(&mut self, offset: u64) -> io::Result<()> {
        self.offsets.write_all(&offset.to_be_bytes())?;
        if self.sync_offsets {
            self.offsets.sync_data()?;
        }
        Ok(())
    }
}

pub struct Head {
    file: File,
    careful: bool,
    paranoid: bool,
}

impl Head {
    pub fn open(dir: &Path, careful: bool, paranoid: bool) -> io::Result<Head> {
        let file = File::create(dir.join("head"))?;
        File::open(dir)?.sync_all()?;
        Ok(Head { file, careful, paranoid })
    }

    pub fn set(&mut self, head: &[u8]) -> io::Result<()> {
        self.file.write_all(head)?;
        if self.careful || self.paranoid {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

pub struct Many {
    file: File,
    first: bool,
    second: bool,
    third: bool,
    fourth: bool,
}

impl Many {
    pub fn open(dir: &Path, on: [bool; 4]) -> io::Result<Many> {
        let file = File::create(dir.join("many"))?;
        File::open(dir)?.sync_all()?;
        Ok(Many { file, first: on[0], second: on[1], third: on[2], fourth: on[3] })
    }

    pub fn one(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.write_all(text)?;
        if self.first {
            self.file.sync_data()?;
        }
        Ok(())
    }

    pub fn two(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.write_all(text)?;
        if self.second {
            self.file.sync_data()?;
        }
        Ok(())
    }

    pub fn three(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.write_all(text)?;
        if self.third {
            self.file.sync_data()?;
        }
        Ok(())
    }

    pub fn four(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.write_all(text)?;
        if self.fourth {
            self.file.sync_data()?;
        }
        Ok(())
    }
}
