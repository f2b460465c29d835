//! Handlers are handed to a server, which calls them when it is asked to, one without the other: that one takes away what the other wrote says
//! nothing. `Moved` does both itself.
//!
//! row: Handled | no | unknown (what `routes` leaves unsynced was not seen to be made of what it read, and to take its place) | unknown (it is done by functions that are handed to code that was not seen, and in which order cannot be told) | no | no
//! row: Moved | no | no | yes | no | no

use some_server::Routes;
use std::fs;
use std::io;
use std::sync::Mutex;

const OLD: &str = "store/old";
const NEW: &str = "store/new";

static HELD: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn load() -> io::Result<()> {
    *HELD.lock().unwrap() = fs::read(OLD)?;
    Ok(())
}

fn store() -> io::Result<()> {
    fs::write(NEW, HELD.lock().unwrap().as_slice())
}

fn clear() -> io::Result<()> {
    fs::remove_file(OLD)
}

pub struct Handled {
    _own: (),
}

impl Handled {
    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        fs::write(OLD, bytes)
    }

    pub fn routes(&self, routes: &mut Routes) -> io::Result<()> {
        routes.register(load);
        routes.register(store);
        routes.register(clear);
        Ok(())
    }
}

pub struct Moved {
    _own: (),
}

impl Moved {
    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        fs::write(OLD, bytes)
    }

    pub fn shift(&self) -> io::Result<()> {
        load()?;
        store()?;
        clear()
    }
}
