//! Whatever is given, the program ends with words and a status, never with a panic.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs `fsynclint check` with `args` in `dir` and returns its status and what it wrote.
fn check(dir: &Path, args: &[&str]) -> (i32, String) {
    let output: Output =
        Command::new(env!("CARGO_BIN_EXE_fsynclint")).arg("check").args(args).current_dir(dir).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!text.contains("panicked"), "{text}");
    (output.status.code().unwrap_or_else(|| panic!("killed: {:?}\n{text}", output.status)), text)
}

/// A file that holds `bytes` is survived, alone and beside a good one. Returns what was written.
fn survives(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.rs"), bytes).unwrap();
    fs::write(dir.path().join("good.rs"), "pub fn good() {}\n").unwrap();
    let (_, alone) = check(dir.path(), &["a.rs"]);
    let (status, text) = check(dir.path(), &[]);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("in 2 files"), "{text}");
    assert!(check(dir.path(), &["--format", "json"]).1.contains("\"version\": 1"), "{alone}");
    text
}

#[test]
fn nested_brackets() {
    // With an effect's name in it, so that no scan for names can skip the file.
    let head = "use std::fs::File; fn f() { File::create(p).unwrap().sync_all(); let x = ";
    for (open, close) in
        [("(", ")"), ("[", "]"), ("{", "}"), ("-", ""), ("&", ""), ("f(", ")"), ("if a {", "}"), ("|| ", ""), ("!", "")]
    {
        survives(format!("{head}{}1{}; }}", open.repeat(100_000), close.repeat(100_000)).as_bytes());
    }
    survives(format!("{head}{}", "((([[[{{{".repeat(30_000)).as_bytes());
    survives(format!("{head}1{}; }}", " + 1".repeat(100_000)).as_bytes());
    survives(format!("{head}a{}; }}", ".b()".repeat(100_000)).as_bytes());
    survives(format!("{head}a{}; }}", "?".repeat(100_000)).as_bytes());
    survives(format!("fn f(x: {}u8{}) {{ x.sync_all() }}", "Box<".repeat(50_000), ">".repeat(50_000)).as_bytes());
    survives(format!("use {}a{}; fn f() {{ x.sync_all() }}", "a::{".repeat(50_000), "}".repeat(50_000)).as_bytes());
    survives(format!("{}fn f() {{ x.sync_all() }}{}", "mod m {".repeat(50_000), "}".repeat(50_000)).as_bytes());
    survives(
        format!("fn f() {{ match x {{ {}_{} => x.sync_all() }} }}", "Some(".repeat(50_000), ")".repeat(50_000))
            .as_bytes(),
    );
    survives(format!("fn f() {{ if a {{ x.sync_all() }} {} }}", "else if a { } ".repeat(50_000)).as_bytes());
}

#[test]
fn a_file_too_large() {
    let text = survives("// a line of a file\n".repeat(50 << 20 >> 4).as_bytes());
    assert!(text.contains("a.rs:1: is 63 MiB large: files above 8 MiB are not read"), "{text}");
}

#[test]
fn bytes_that_are_no_text() {
    let text = survives(b"fn a() {}\n// \xff\xfe\n");
    assert!(text.contains("a.rs:2: is not UTF-8 (byte 0xff)"), "{text}");
    survives(b"\0\0\0\0");
    survives(b"fn f() { x.sync_all();\0 }");
    survives(b"\xef\xbb\xbfuse std::fs; fn f() { fs::rename(a, b); }");
    survives(b"#!/usr/bin/env run\nfn f() { x.sync_all() }");
    survives(b"");
    survives(b"fn f() { \"unterminated");
    survives("fn f\u{202e}() { x.sync_all() } \u{1b}[31m".as_bytes());
    survives(&(0..=255).cycle().take(1 << 16).collect::<Vec<u8>>());
}

#[test]
fn allows_of_every_kind() {
    let words = [
        "fsynclint:",
        "allow",
        "allow-file",
        "(",
        ")",
        ",",
        "rename-before-sync",
        "reason",
        "=",
        "\"",
        "é",
        "\u{202e}",
        "\r",
    ];
    let marks = ["// ", "/* ", "//! ", "/// ", "#[cfg_attr(fsynclint, allow(", "#![cfg_attr(fsynclint, "];
    // The same choices in every run: a small generator is enough.
    let mut state = 7usize;
    let mut pick = |bound: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % bound
    };
    let mut text = String::from("fn f() { x.sync_all(); }\n");
    for _ in 0..400 {
        text.push_str(marks[pick(4)]);
        text.push_str("fsynclint: ");
        (0..pick(8)).for_each(|_| text.push_str(words[pick(words.len())]));
        text.push_str([" */\n", "\n", "\nfn g() {}\n"][pick(3)]);
    }
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.rs"), &text).unwrap();
    check(dir.path(), &[]);
    for (m, mark) in marks.iter().enumerate() {
        for (e, ending) in words.iter().enumerate() {
            for (c, close) in ["", ")", ")]", "))]\nfn g() {}", "*/"].iter().enumerate() {
                let text = format!("fn f() {{}}\n{mark}fsynclint: allow({ending}{close}");
                fs::write(dir.path().join(format!("a{m}_{e}_{c}.rs")), text).unwrap();
            }
        }
    }
    let (_, text) = check(dir.path(), &[]);
    assert!(text.contains("unknown-allow") && text.contains("in 391 files"), "{text}");
}

/// A sequence of numbers without a pattern, the same in every run.
fn numbers(mut seed: u64) -> impl Iterator<Item = u64> {
    std::iter::repeat_with(move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    })
}

#[test]
fn damaged_texts_beside_a_sound_one() {
    let sound = include_str!("../fixtures/delete-before-sync/apply_wal_and_remove.rs");
    let dir = tempfile::tempdir().unwrap();
    let mut random = numbers(0x9e37_79b9_7f4a_7c15);
    let mut next = |below: usize| random.next().map_or(0, |number| (number % below as u64) as usize);
    for at in 0..200 {
        let mut bytes = sound.as_bytes().to_vec();
        match at % 4 {
            0 => bytes.truncate(next(bytes.len())),
            1 => (0..20).for_each(|_| {
                let place = next(bytes.len());
                bytes[place] = next(256) as u8;
            }),
            2 => (0..5).for_each(|_| {
                let place = next(bytes.len());
                bytes.insert(place, b"{}()[]\"'/<>#!"[next(13)]);
            }),
            _ => {
                let (from, length) = (next(bytes.len()), next(400));
                bytes.drain(from..(from + length).min(sound.len()));
            }
        }
        fs::write(dir.path().join(format!("damaged{at}.rs")), bytes).unwrap();
    }
    let noise: Vec<u8> = (0..1 << 18).map(|_| next(256) as u8).collect();
    fs::write(dir.path().join("noise.rs"), noise).unwrap();
    fs::write(dir.path().join("sound.rs"), sound).unwrap();
    let (status, text) = check(dir.path(), &["--format", "json"]);
    assert!(status == 0 || status == 1, "{status}: {text}");
    let report: serde_json::Value = serde_json::from_str(&text[..=text.rfind('}').unwrap()]).unwrap();
    assert_eq!(report["stats"]["files"], 202);
    let told: std::collections::BTreeSet<&str> =
        report["unparsed"].as_array().unwrap().iter().map(|problem| problem["path"].as_str().unwrap()).collect();
    assert!(told.contains("noise.rs") && !told.contains("sound.rs"), "{told:?}");
    assert!(told.len() > 100, "{told:?}");
    let found = report["findings"].as_array().unwrap();
    assert!(found.iter().any(|finding| finding["path"] == "sound.rs"), "the sound one is judged all the same: {text}");
}

#[test]
fn manifests_that_cannot_be_read() {
    let sound = include_str!("../fixtures/delete-before-sync/apply_wal_and_remove.rs");
    for manifest in [
        &b"[package"[..],
        b"\xff\xfe",
        b"",
        b"[package]\nname = 3\n",
        b"[package]\nname = \"a\"\n[workspace]\nmembers = [\"gone\", \"../..\"]\n",
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("src")).unwrap();
        fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
        fs::write(dir.path().join("src/lib.rs"), sound).unwrap();
        let (status, text) = check(dir.path(), &[]);
        let shown = String::from_utf8_lossy(manifest);
        assert_eq!(status, 1, "{shown}: {text}");
        assert!(text.contains("src/lib.rs"), "the code is judged all the same: {shown}: {text}");
        if !manifest.is_empty() {
            assert!(text.contains("Cargo.toml:"), "what is wrong with it is told: {shown}: {text}");
        }
    }
}

#[test]
fn a_text_without_branches_that_is_long() {
    let calls = "f.write_all(b\"x\")?; std::fs::rename(a, b)?; g(f)?;\n".repeat(20_000);
    survives(
        format!(
            "use std::fs::File; use std::io::Write;
            fn g(f: &mut File) -> std::io::Result<()> {{ f.set_len(0)?; f.sync_all() }}
            pub fn h(f: &mut File, a: &str, b: &str) -> std::io::Result<()> {{ {calls} Ok(()) }}"
        )
        .as_bytes(),
    );
}

#[test]
fn modules_in_a_circle() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("lib.rs"), "#[path = \"a.rs\"] mod a; mod lib; pub use a::*;").unwrap();
    fs::write(
        dir.path().join("a.rs"),
        "#[path = \"lib.rs\"] mod l; #[path = \"a.rs\"] mod a; pub use l::*; pub use self::a as b;",
    )
    .unwrap();
    assert_eq!(check(dir.path(), &[]).0, 0);
}

#[test]
fn recursion_and_large_graphs() {
    let chain: String =
        (0..3000).map(|n| format!("fn f{n}(x: &F) {{ x.sync_all(); f{}(x); }}\n", (n * 7 + 1) % 3000)).collect();
    survives(chain.as_bytes());
    let branches = "if a { x.write_all(b); } else { x.sync_all(); }\n".repeat(300);
    survives(format!("use std::fs::File; fn f(x: &mut File) {{ {branches} }}").as_bytes());
    let loops = format!("{}x.sync_all();{}", "while a { ".repeat(60), "}".repeat(60));
    survives(format!("use std::fs::File; fn f(x: &mut File) {{ {loops} }}").as_bytes());
}

#[test]
fn paths_that_are_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let (status, text) = check(dir.path(), &["nowhere"]);
    assert_eq!((status, text.as_str()), (2, "error: nowhere: no such file or folder\n"));
    let (status, text) = check(dir.path(), &[]);
    assert_eq!((status, text.as_str()), (0, "no Rust source files found\n"));
    fs::write(dir.path().join("notes.txt"), "x").unwrap();
    let (status, text) = check(dir.path(), &["notes.txt"]);
    assert_eq!(status, 2, "{text}");
    assert!(text.contains("notes.txt:1: is not a Rust source file"), "{text}");
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn links_in_a_circle_and_into_the_void() {
        let dir = tempfile::tempdir().unwrap();
        let src = dir.path().join("src");
        fs::create_dir_all(src.join("inner")).unwrap();
        fs::write(src.join("lib.rs"), "pub fn f() {}\n").unwrap();
        symlink(&src, src.join("inner/up")).unwrap();
        symlink(src.join("self"), src.join("self")).unwrap();
        symlink(dir.path().join("gone.rs"), src.join("gone.rs")).unwrap();
        symlink(src.join("b"), src.join("a")).unwrap();
        symlink(src.join("a"), src.join("b")).unwrap();
        let (status, text) = check(dir.path(), &[]);
        assert_eq!(status, 0, "{text}");
        assert!(text.contains("src/gone.rs:1: is a symbolic link that leads nowhere"), "{text}");
        assert!(text.contains("in 1 file,"), "{text}");
    }

    #[test]
    fn what_may_not_be_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("closed")).unwrap();
        fs::write(dir.path().join("closed/x.rs"), "").unwrap();
        fs::write(dir.path().join("secret.rs"), "").unwrap();
        fs::write(dir.path().join("good.rs"), "fn f() {}\n").unwrap();
        for (name, mode) in [("closed", 0), ("secret.rs", 0)] {
            fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        let privileged = fs::read(dir.path().join("secret.rs")).is_ok();
        let (status, text) = check(dir.path(), &[]);
        fs::set_permissions(dir.path().join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(status, 0, "{text}");
        if !privileged {
            assert!(text.contains("closed:1: folder cannot be listed: permission denied"), "{text}");
            assert!(text.contains("secret.rs:1: cannot be read: permission denied"), "{text}");
        }
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe.rs");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        fs::create_dir(dir.path().join("folder.rs")).unwrap();
        assert_eq!(check(dir.path(), &[]).0, 0);
        let (status, text) = check(dir.path(), &["pipe.rs"]);
        assert_eq!(status, 2, "{text}");
        assert!(text.contains("pipe.rs:1: is not a regular file"), "{text}");
    }

    #[test]
    fn names_that_are_no_text() {
        let dir = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"a\xff.rs");
        fs::write(dir.path().join(name), "fn f() { x.sync_all(); }\n").unwrap();
        assert_eq!(check(dir.path(), &[]).0, 0);
        assert!(check(dir.path(), &["--format", "json"]).1.contains("\"files\": 1"));
    }

    #[test]
    fn a_reader_that_leaves() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..3000 {
            fs::write(dir.path().join(format!("{n}.rs")), b"\xff").unwrap();
        }
        let script = "\"$0\" check --format json . 2>err | head -n 1; test ! -s err";
        let done = Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_fsynclint")])
            .current_dir(&dir)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&fs::read(dir.path().join("err")).unwrap()));
        assert_eq!(done.stdout, b"{\n");
    }
}
