//! Running a program under `strace` and reading what it did to one directory.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::disk::{Change, Disk, Effect, NameChange};

const CALLS: &str = "trace=openat,write,pwrite64,ftruncate,lseek,fsync,fdatasync,rename,unlink,close";

/// The effects of `command` on `dir`, which is as `before`, and its acknowledgements, which it writes to the file `acks`. `None` if
/// programs cannot be traced here.
pub fn effects(mut command: Command, dir: &Path, acks: &Path, before: &Disk) -> Option<Vec<Effect>> {
    let log = acks.with_extension("trace");
    let mut traced = Command::new("strace");
    traced.args(["-f", "-xx", "-s", "10000000", "-e", CALLS, "-o"]).arg(&log);
    traced.arg(command.get_program()).args(command.get_args());
    traced.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
    command = traced;
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    let trace = fs::read_to_string(&log).ok()?;
    if !trace.contains("openat(") {
        return None;
    }
    assert!(status.success(), "the workload fails without any crash");
    let mut replay = Replay::new(dir, acks, before);
    // What the test harness prints from its own thread is no effect; nor is the other half of a call that was cut in two.
    let printed =
        |line: &str| [" write(1, ", " write(2, ", "<... write resumed>"].iter().any(|call| line.contains(call));
    for line in trace.lines().filter(|line| !printed(line)) {
        assert!(!line.contains("<unfinished"), "calls of several threads are mixed: {line}");
        replay.call(line);
    }
    Some(replay.effects)
}

/// An open file.
enum Handle {
    File { file: usize, offset: usize, is_append: bool },
    Dir,
    Acks,
}

struct Replay<'a> {
    dir: &'a str,
    acks: &'a str,
    handles: HashMap<i64, Handle>,
    names: BTreeMap<String, usize>,
    /// Length of every file there ever was.
    lens: Vec<usize>,
    acknowledged: usize,
    effects: Vec<Effect>,
}

impl<'a> Replay<'a> {
    fn new(dir: &'a Path, acks: &'a Path, before: &Disk) -> Self {
        let (names, lens) = before.cached();
        Self {
            dir: dir.to_str().expect("UTF-8"),
            acks: acks.to_str().expect("UTF-8"),
            handles: HashMap::new(),
            names,
            lens,
            acknowledged: 0,
            effects: Vec::new(),
        }
    }

    /// The name of a file in the directory.
    fn name(&self, path: &str) -> Option<String> {
        Some(path.strip_prefix(self.dir)?.strip_prefix('/')?.to_owned())
    }

    fn create(&mut self, name: &str) -> usize {
        let file = self.lens.len();
        self.lens.push(0);
        self.names.insert(name.to_owned(), file);
        self.effects.push(Effect::Name(NameChange::Create { name: name.to_owned(), file }));
        file
    }

    fn write(&mut self, file: usize, offset: usize, bytes: Vec<u8>) {
        self.lens[file] = self.lens[file].max(offset + bytes.len());
        self.effects.push(Effect::Data(file, Change::Write { offset, bytes }));
    }

    fn truncate(&mut self, file: usize, len: usize) {
        if self.lens[file] != len {
            self.lens[file] = len;
            self.effects.push(Effect::Data(file, Change::Truncate(len)));
        }
    }

    /// Replays one line: `pid name(argument, …) = result`.
    fn call(&mut self, line: &str) {
        let Some((call, result)) = line.rsplit_once(" = ") else { return };
        let result = result.split(' ').next().and_then(|result| result.parse::<i64>().ok());
        let (Some(result), Some((name, arguments))) = (result.filter(|result| *result >= 0), call.split_once('('))
        else {
            return;
        };
        let arguments: Vec<&str> = arguments.trim_end().trim_end_matches(')').split(", ").collect();
        match name.rsplit(' ').next().unwrap_or_default() {
            "openat" => self.open(&text(arguments[1]), arguments[2], result),
            "rename" => self.rename(&text(arguments[0]), &text(arguments[1])),
            "unlink" => self.unlink(&text(arguments[0])),
            "close" => drop(self.handles.remove(&number(arguments[0]))),
            call => self.on_handle(call, &arguments, result),
        }
    }

    fn open(&mut self, path: &str, flags: &str, fd: i64) {
        if path == self.dir {
            self.handles.insert(fd, Handle::Dir);
        } else if path == self.acks {
            self.handles.insert(fd, Handle::Acks);
        } else if let Some(name) = self.name(path) {
            let file = self.names.get(&name).copied().unwrap_or_else(|| self.create(&name));
            if flags.contains("O_TRUNC") {
                self.truncate(file, 0);
            }
            self.handles.insert(fd, Handle::File { file, offset: 0, is_append: flags.contains("O_APPEND") });
        }
    }

    fn rename(&mut self, from: &str, to: &str) {
        let (Some(from), Some(to)) = (self.name(from), self.name(to)) else { return };
        let file = self.names.remove(&from).expect("a file to rename");
        self.names.insert(to.clone(), file);
        self.effects.push(Effect::Name(NameChange::Rename { from, to, file }));
    }

    fn unlink(&mut self, path: &str) {
        let Some(name) = self.name(path) else { return };
        self.names.remove(&name);
        self.effects.push(Effect::Name(NameChange::Remove { name }));
    }

    fn on_handle(&mut self, call: &str, arguments: &[&str], result: i64) {
        let result = result as usize;
        match (call, self.handles.get_mut(&number(arguments[0]))) {
            ("write", Some(Handle::Acks)) => {
                self.acknowledged += 1;
                self.effects.push(Effect::Acknowledged(self.acknowledged));
            }
            ("fsync", Some(Handle::Dir)) => self.effects.push(Effect::SyncDir),
            ("fsync" | "fdatasync", Some(Handle::File { file, .. })) => self.effects.push(Effect::SyncFile(*file)),
            ("write", Some(Handle::File { file, offset, is_append })) => {
                let start = if *is_append { self.lens[*file] } else { *offset };
                *offset = start + result;
                let file = *file;
                self.write(file, start, bytes(arguments[1])[..result].to_vec());
            }
            ("lseek", Some(Handle::File { offset, .. })) => *offset = result,
            ("pwrite64", Some(Handle::File { file, .. })) => {
                let file = *file;
                self.write(file, number(arguments[3]) as usize, bytes(arguments[1])[..result].to_vec());
            }
            ("ftruncate", Some(Handle::File { file, .. })) => {
                let file = *file;
                self.truncate(file, number(arguments[1]) as usize);
            }
            _ => {}
        }
    }
}

fn number(argument: &str) -> i64 {
    argument.parse().expect("a number")
}

/// The bytes of `"\x66\x6f"`.
fn bytes(argument: &str) -> Vec<u8> {
    let digits = argument.trim_matches('"').split("\\x").skip(1);
    digits.map(|digits| u8::from_str_radix(digits, 16).expect("two digits")).collect()
}

fn text(argument: &str) -> String {
    String::from_utf8(bytes(argument)).expect("UTF-8")
}
