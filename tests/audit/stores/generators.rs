//! Functions without a type keep files if something of what they fill is read again: a help text that is made of another and left to others is
//! none of theirs, notes are.
//!
//! row: notes | no | n/a | no | no | no

pub mod help {
    use std::fs::{self, File};
    use std::io::{self, Write};
    use std::path::Path;

    pub fn format(name: &str, source: &str) -> io::Result<()> {
        let text = fs::read_to_string(source)?;
        let target = Path::new(&std::env::var("OUT_DIR").unwrap()).join(name);
        let mut file = File::create(target)?;
        file.write_all(text.replace("NAME", name).as_bytes())
    }
}

pub mod notes {
    use std::fs;
    use std::io;
    use std::path::Path;

    pub fn load(home: &Path) -> io::Result<String> {
        fs::read_to_string(home.join("notes"))
    }

    pub fn save(home: &Path, text: &str) -> io::Result<()> {
        fs::write(home.join("notes"), text)
    }
}
