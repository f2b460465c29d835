//! Each snippet is lowered and compared, in part, with what the dump says of it.

use super::*;
use crate::discover::{Entry, FoundFile, SourcePackage};

/// Lowers files of one package `app`; the entry is `src/lib.rs`.
fn lower(files: &[(&str, &str)]) -> (String, Output) {
    lower_packages(&[("app", files)], &Options::default())
}

fn lower_packages(packages: &[(&str, &[(&str, &str)])], options: &Options) -> (String, Output) {
    let mut workspace = Workspace::default();
    let mut texts = MemoryTexts::default();
    for (name, files) in packages {
        let root = PathBuf::from(name);
        let mut package = SourcePackage { name: name.to_string(), ..SourcePackage::default() };
        for (path, text) in *files {
            let path = root.join(path);
            texts.0.insert(path.clone(), (*text).into());
            package.files.push(FoundFile { path: path.clone(), shown: path });
        }
        let entry = root.join("src/lib.rs");
        if texts.0.contains_key(&entry) {
            package.entries.push(Entry { path: entry, name: name.replace('-', "_"), library: true });
        }
        package.dependencies = packages.iter().map(|(name, _)| (name.replace('-', "_"), name.to_string())).collect();
        workspace.packages.push(package);
    }
    let apis = Apis::builtin("rust").unwrap();
    let mut sources = SourceMap::default();
    let output = read(&workspace, &texts, &mut sources, &apis, options);
    (dump::program(&output.program, &apis), output)
}

fn dump_of(text: &str) -> String {
    let text = format!(
        "use std::fs::{{self, File, OpenOptions}};\nuse std::io::{{self, BufWriter, Write}};\nuse std::path::{{Path, PathBuf}};\n{text}"
    );
    lower(&[("src/lib.rs", &text)]).0
}

/// The lines of the dump stand in this order (others may stand between them).
#[track_caller]
fn has(dump: &str, lines: &[&str]) {
    let mut rest = dump.lines();
    for line in lines {
        assert!(rest.any(|found| found.trim().contains(line)), "`{line}` is not (there) in\n{dump}");
    }
}

#[track_caller]
fn lowers(text: &str, lines: &[&str]) {
    has(&dump_of(text), lines);
}

#[track_caller]
fn lacks(text: &str, word: &str) {
    let dump = dump_of(text);
    assert!(!dump.contains(word), "`{word}` is in\n{dump}");
}

#[test]
fn question_marks_branch() {
    lowers(
        "fn f(p: &Path) -> io::Result<()> { let f = File::create(p)?; f.sync_all()?; Ok(()) }",
        &[
            "call api std::fs::File::create(&p)",
            "if succeeded _1 then",
            "f = _1",
            "call api std::fs::File::sync_all(&f)",
            "return _1 Failure",
            "drop f",
            "return _4 Success",
        ],
    );
}

#[test]
fn exits_tell_success_from_failure() {
    lowers("fn f(f: &File) -> io::Result<()> { f.sync_all() }", &["return _1 AsValue"]);
    lowers(
        "fn f(x: bool) -> io::Result<()> { if x { return Err(io::Error::other(\"no\")); } Ok(()) }",
        &["Failure(", "Failure", "Success(", "Success"],
    );
    lowers(
        "fn f(x: bool) -> Result<(), String> { match x { true => Ok(()), false => Err(String::new()) } }",
        &["return _3 Failure", "return _1 Success"],
    );
    lowers("fn f() -> Option<u8> { None }", &["return absent Success"]);
    lowers("fn f() -> Result<()> { bail!(\"no\") }", &["Failure"]);
    lowers("fn f() { panic!(\"no\") }", &["abort"]);
    lowers("fn f() { std::process::exit(1) }", &["abort"]);
    lowers("fn f(r: io::Result<()>) { r.unwrap(); }", &["if succeeded r then", "abort"]);
}

#[test]
fn matches_ask_the_same_value() {
    lowers(
        "fn f(p: &Path) { match File::open(p) { Ok(f) => { f.sync_all().ok(); } Err(e) => drop(e) } }",
        &["_1 = call api std::fs::File::open(&p)", "if succeeded _1 then", "f = _1", "drop f"],
    );
    lowers("fn f(o: Option<File>) { if let Some(f) = &o { f.sync_all().unwrap(); } }", &["if present o then", "f = o"]);
    lowers(
        "fn f(o: Option<File>) { let Some(f) = o else { return }; f.sync_all().unwrap(); }",
        &["if present o then", "f = o", "sync_all(&f)"],
    );
    lowers("fn f(r: &io::Result<()>) { if r.is_err() { g() } } fn g() {}", &["if succeeded r then b2 else b1"]);
    lowers(
        "enum Mode { A, B(File) } fn f(m: Mode) { match m { Mode::A => {}, Mode::B(f) => { f.sync_all().unwrap(); } } }",
        &["if m is Mode::A then", "f = m.B.0"],
    );
    lowers("enum Mode { A, B } fn f(m: Mode) -> bool { matches!(m, Mode::B) }", &["if m is Mode::B then"]);
    lowers("struct S { f: File } fn f(s: S) { let S { f } = s; f.sync_all().unwrap(); }", &["f = s.f", "sync_all(&f)"]);
    lowers(
        "fn f(n: u8) { if n == 1 && (n < 3 || !g()) { h() } } fn g() -> bool { true } fn h() {}",
        &["`==`(n, 1)", "call h()", "`<`(n, 3)", "call g()"],
    );
}

#[test]
fn wrappers_are_transparent() {
    let store = "use std::sync::{Arc, Mutex}; struct S { w: Arc<Mutex<Option<BufWriter<File>>>> }";
    lowers(
        &format!(
            "{store} impl S {{ fn f(&self) -> io::Result<()> {{ let mut g = self.w.lock().unwrap(); if let Some(w) = g.as_mut() {{ w.flush()?; w.get_ref().sync_all()?; }} Ok(()) }} }}"
        ),
        &["g = self.w", "if present g then", "api std::io::Write::flush(&mut w)", "api std::fs::File::sync_all("],
    );
    lowers(
        "struct W(File); impl std::ops::Deref for W { type Target = File; fn deref(&self) -> &File { &self.0 } } fn f(w: &W) { w.sync_all().unwrap(); }",
        &["api std::fs::File::sync_all("],
    );
    lowers(
        "type Log = Box<BufWriter<File>>; fn f(l: &mut Log) { l.write_all(b\"x\").unwrap(); }",
        &["api std::io::Write::write_all(&mut l"],
    );
    lowers(
        "struct S { f: Option<File> } fn f(s: &mut S) { if let Some(f) = s.f.take() { f.sync_all().unwrap(); } }",
        &["= s.f", "s.f = absent", "sync_all(&f)"],
    );
}

#[test]
fn combinators_run_inline() {
    lowers(
        "fn f(p: &Path) -> io::Result<()> { File::open(p).and_then(|f| f.sync_all()) }",
        &["if succeeded _1 then", "f = _1", "sync_all(&f)"],
    );
    lowers(
        "fn f(p: &Path) -> Result<File, String> { File::open(p).map_err(|e| e.to_string()) }",
        &["if succeeded _1 then", "e = _1", "Failure("],
    );
    lowers(
        "fn f(v: Vec<File>) -> io::Result<()> { v.iter().try_for_each(|f| f.sync_all()) }",
        &["f = v[]", "sync_all(&f)", "if succeeded"],
    );
    lowers(
        "fn f(v: &[PathBuf]) { for p in v { fs::remove_file(p).unwrap(); } }",
        &["p = v[]", "remove_file(&p)", "if ? then b1"],
    );
    lowers(
        "fn f(o: Option<File>) { o.map(|f| f.sync_all()).unwrap().unwrap(); }",
        &["if present o then", "sync_all(&f)"],
    );
    lacks("fn f(p: &Path) -> io::Result<()> { File::open(p).and_then(|f| f.sync_all()) }", "{closure}");
}

#[test]
fn closures_are_functions() {
    lowers(
        "fn retry(f: impl Fn() -> io::Result<()>) -> io::Result<()> { f() } fn g(p: PathBuf) -> io::Result<()> { retry(|| { File::open(&p)?.sync_all() }) }",
        &[
            "call value f()",
            "closure g::{closure} [p: p]",
            "call retry(",
            "fn g::{closure}(_0) fallible",
            "open(&_0.p)",
        ],
    );
    lowers(
        "fn f(p: PathBuf) { foreign::run(move || fs::remove_file(&p)); }",
        &["closure f::{closure} [p: p]", "call value", "remove_file(&_0.p)"],
    );
    lowers(
        "fn f(d: &Path) -> io::Result<()> { let go = |n: &str| fs::remove_file(d.join(n)); go(\"a\")?; go(\"b\") }",
        &["go = ", "call value go(\"a\")", "call value go(\"b\")"],
    );
}

#[test]
fn async_code_runs_where_it_stands() {
    lowers(
        "async fn f(p: &Path) -> io::Result<()> { let f = tokio::fs::File::create(p).await?; f.sync_all().await }",
        &["api tokio::fs::File::create(&p)", "api tokio::fs::File::sync_all(&mut f)"],
    );
    lowers(
        "fn f(f: File) -> impl Future<Output = io::Result<()>> { async move { f.sync_all()?; Ok(()) } }",
        &["sync_all(&f)", "return _2 Success", "return _1 Failure"],
    );
}

#[test]
fn tasks_that_nobody_waits_for_are_not_called() {
    let text = "async fn f(f: File) { tokio::spawn(async move { f.sync_all() }); }";
    lowers(text, &["closure f::{closure} [f: f]", "call unknown spawn(", "fn f::{closure}(_0)", "sync_all(&_0.f)"]);
    lowers(
        "fn f(f: File) { let t = std::thread::spawn(move || f.sync_all()); t.join().unwrap().unwrap(); }",
        &["call api std::thread::spawn("],
    );
}

#[test]
fn a_result_in_a_result_keeps_its_failure() {
    lowers("fn f(f: &File) -> io::Result<io::Result<()>> { Ok(f.sync_all()) }", &["sync_all(&f)", "return _1 AsValue"]);
    let text = "fn f(p: &Path) -> io::Result<io::Result<()>> { File::open(p).map(|f| f.sync_all()) }";
    lowers(text, &["_5 = call api std::fs::File::sync_all(", "_2 = _5"]);
}

#[test]
fn methods_are_those_that_can_be_used_so() {
    let of_both =
        "struct S; trait A { fn end(&mut self) -> u8; } trait B { async fn end(&mut self) -> io::Result<()>; }
        impl A for S { fn end(&mut self) -> u8 { fs::remove_file(\"a\"); 1 } }
        impl B for S { async fn end(&mut self) -> io::Result<()> { fs::remove_file(\"b\") } }";
    lowers(&format!("{of_both} fn f(s: &mut S) {{ s.end(); }}"), &["call S::end | S::end(&mut s)"]);
    lowers(&format!("{of_both} async fn f(s: &mut S) {{ s.end().await; }}"), &["call S::end(&mut s)"]);
    lowers(&format!("{of_both} fn f(s: &mut S) -> io::Result<()> {{ s.end()?; Ok(()) }}"), &["call S::end(&mut s)"]);
}

#[test]
fn a_call_that_its_function_would_not_take_is_none_of_it() {
    // The attribute makes something of that name which is asked for what the function is.
    let op = "#[op] fn op_put(p: &Path, text: &str) { fs::write(p, text).unwrap(); } struct S; impl S { fn at(&self, n: u8) { g() } }";
    let dump = dump_of(&format!("{op} fn all() -> Vec<Op> {{ vec![op_put(), S::at(s)] }} fn g() {{}}"));
    assert!(!dump.contains("call op_put") && !dump.contains("call S::at"), "{dump}");
    lowers(
        &format!("{op} fn f(p: &Path, s: S) {{ op_put(p, x); S::at(&s, 1) }} fn g() {{}}"),
        &["call op_put(", "call S::at("],
    );
}

#[test]
fn what_gives_nothing_is_no_call_that_can_fail() {
    lacks("fn f(buffer: &mut Unknown, n: usize) { unsafe { buffer.set_len(n); } }", "api std::fs::File::set_len");
    lowers("fn f(file: &Unknown) { file.sync_all(); }", &["call maybe api std::fs::File::sync_all(&file)"]);
    let cuts =
        ["file.set_len(0)?;", "let _ = file.set_len(0);", "file.set_len(0).unwrap();", "return file.set_len(0);"];
    for cut in cuts {
        lowers(
            &format!("fn f(file: &Unknown) -> io::Result<()> {{ {cut} Ok(()) }}"),
            &["call maybe api std::fs::File::set_len(&file, 0)"],
        );
    }
}

#[test]
fn an_impl_for_every_type_is_no_impl_for_what_its_bound_names() {
    let text = "struct C; struct E; trait OfErrors { fn told(self) -> E; } impl<X: Into<C>> OfErrors for X { fn told(self) -> E { E } }
        trait OfResults<T> { fn told(self) -> Result<T, E>; }
        impl<T, X: Into<C>> OfResults<T> for Result<T, X> { fn told(self) -> Result<T, E> { self.map_err(|x| x.told()) } }
        fn f(r: io::Result<()>, e: io::Error) -> Result<(), E> { e.told(); r.told()?; Ok(()) }";
    lowers(text, &["fn X::told(self) {", "fn f(r, e)", "call X::told(e)", "call told(r)"]);
}

#[test]
fn the_parts_of_a_path_are_joined() {
    lowers(
        "fn f(d: &str) { let p = [\"/a\", d, \"b\"].iter().collect::<PathBuf>(); }",
        &["_1 = `join`(\"/a\", d)", "`join`(_1, \"b\")"],
    );
    lowers("fn f(d: &str) { let p: PathBuf = [d, \"b\"].iter().collect(); }", &["`join`(d, \"b\")"]);
    lacks("fn f(d: &str) { let p = [d, \"b\"].iter().collect::<Vec<_>>(); }", "`join`");
}

#[test]
fn a_name_is_joined_to_a_directory() {
    lowers("fn f(x: &dyn Unseen) { let p = x.home().join(\"a.tmp\"); }", &["call maybe api std::path::Path::join("]);
    lacks("fn f(x: &dyn Unseen) { let p = x.parts().join(\", \"); }", "Path::join");
}

#[test]
fn what_is_written_into_an_own_writer_goes_through_its_text() {
    let text = "struct W { f: File } impl Write for W { fn write(&mut self, b: &[u8]) -> io::Result<usize> { self.f.write(b) } }
        fn f(r: &mut File, w: &mut W) -> io::Result<u64> { io::copy(r, w) }";
    lowers(text, &["call W::write(&mut w, "]);
    lacks(text, "std::io::copy");
}

#[test]
fn what_is_lent_does_not_go_away() {
    lacks(
        "fn f(o: &mut Option<(PathBuf, BufWriter<File>)>) { if let Some((_, w)) = o { w.flush().unwrap(); } }",
        "drop w",
    );
    lacks(
        "struct S { o: Option<(u8, File)> } impl S { fn f(&self) { if let Some((_, w)) = &self.o { w.sync_all().unwrap(); } } }",
        "drop w",
    );
}

#[test]
fn macros_are_read() {
    lowers(
        "fn f(w: &mut File, n: u8) -> io::Result<()> { write!(w, \"{n} {}\", 1) }",
        &["`format:{n} {}`(n, 1)", "api std::io::Write::write_fmt(&mut w"],
    );
    lowers(
        "fn f(dir: &str, n: u8, m: u8) -> String { format!(\"{} {n} {x}\", dir, x = m) }",
        &["`format:{} {n} {x}`(dir, n, m)"],
    );
    lowers("fn f(dir: &str) -> String { format!(\"{dir}/meta\") }", &["`join`(dir, \"meta\")"]);
    lowers(
        "fn f(dir: &str, n: u8) -> String { format!(\"{}/{n}.log\", dir) }",
        &["`format:{n}.log`(n)", "`join`(dir, "],
    );
    lowers(
        "macro_rules! fallible { ($e:expr) => { match $e { Ok(v) => v, Err(e) => return Err(e.into()) } } } fn f(f: &File) -> io::Result<()> { fallible!(f.sync_all()); Ok(()) }",
        &["sync_all(&f)", "if succeeded"],
    );
    lowers(
        "macro_rules! make { ($($n:ident => $p:expr),*) => { $(fn $n() { fs::remove_file($p).unwrap(); })* } } make!(a => \"x\", b => \"y\");",
        &["fn a()", "remove_file(\"x\")", "fn b()", "remove_file(\"y\")"],
    );
    lowers("fn f(f: &File) { log::info!(\"{:?}\", f.sync_all()); }", &["sync_all(&f)"]);
    lowers("fn f(f: &File) -> io::Result<()> { r#try!(f.sync_all()); Ok(()) }", &["sync_all(&f)", "Failure"]);
}

/// Else each call would be run as often as macros may be nested, three times as often at each level, and nothing would be left for
/// the macros behind it.
#[test]
fn a_macro_may_have_the_name_of_another_crates() {
    let namesake =
        "macro_rules! told { ($($a:tt)+) => { { ::a::told!($($a)+); b::told!(\"here\", $($a)+); told!($($a)+) } } }";
    let own = "macro_rules! fallible { ($e:expr) => { match $e { Ok(v) => v, Err(e) => return Err(e.into()) } } }";
    lowers(
        &format!(
            "{namesake} {own} fn f(f: &File) -> io::Result<()> {{ told!(f.metadata()); fallible!(f.sync_all()); Ok(()) }}"
        ),
        &["metadata(&f)", "sync_all(&f)", "if succeeded"],
    );
    // Its own crate's, by whose name it is called: another rule is meant.
    lowers(
        "macro_rules! save { (@go $p:expr) => { fs::remove_file($p) }; ($p:expr) => { mine::save!(@go $p) } } fn f() { save!(\"a\"); }",
        &["remove_file(\"a\")"],
    );
    // It is given less each time.
    lowers(
        "macro_rules! all { ($e:expr) => { $e.unwrap(); }; ($e:expr, $($r:expr),+) => { { all!($e); all!($($r),+) } } } fn f(f: &File) { all!(f.set_len(0), f.sync_data(), f.sync_all()); }",
        &["set_len(&f", "sync_data(&f)", "sync_all(&f)"],
    );
}

#[test]
fn traits_dispatch_to_every_implementation() {
    let store = "trait Store { fn save(&self); fn twice(&self) { self.save() } } struct A; struct B; impl Store for A { fn save(&self) {} } impl Store for B { fn save(&self) {} }";
    lowers(&format!("{store} fn f(s: &dyn Store) {{ s.save() }}"), &["fn f(s)", "call A::save | B::save(&s)"]);
    lowers(&format!("{store} fn f<S: Store>(s: S) {{ s.twice() }}"), &["fn f(s)", "call Store::twice(&s)"]);
    lowers(&format!("{store} fn f(a: A) {{ a.save() }}"), &["fn f(a)", "call A::save(&a)"]);
    lowers("fn f(w: &mut dyn Write) { w.write_all(b\"x\").unwrap(); }", &["api std::io::Write::write_all(&mut w"]);
    lowers("fn f<W: Write>(mut w: W) { w.flush().unwrap(); }", &["api std::io::Write::flush(&mut w"]);
    lowers(
        "struct L(File); impl Write for L { fn write(&mut self, b: &[u8]) -> io::Result<usize> { self.0.write(b) } fn flush(&mut self) -> io::Result<()> { Ok(()) } } fn f(l: &mut L) { l.write_all(b\"x\").unwrap(); }",
        &["fn f(l)", "call L::write(&mut l"],
    );
}

#[test]
fn things_go_away_at_the_end_of_scopes() {
    lowers(
        "fn f(p: &Path) { let a = File::create(p).unwrap(); let b = File::create(p).unwrap(); g(a); } fn g(f: File) {}",
        &["call g(a)", "drop b", "fn g(f)", "drop f"],
    );
    lacks("fn f(p: &Path) -> File { let a = File::create(p).unwrap(); a }", "drop a");
    lowers(
        "struct D(File); impl Drop for D { fn drop(&mut self) { self.0.sync_all().ok(); } } fn f(d: D) {}",
        &["fn f(d)", "call D::drop(&mut d)", "drop d"],
    );
    lowers(
        "fn f(p: &Path) -> io::Result<()> { File::create(p)?; g() } fn g() -> io::Result<()> { Ok(()) }",
        &["drop _1", "call g()"],
    );
    lowers("fn f(mut w: File, p: &Path) { w = File::create(p).unwrap(); }", &["drop w", "w = ", "drop w"]);
    lowers("fn f(w: File) { drop(w); g() } fn g() {}", &["drop w", "call g()"]);
}

#[test]
fn names_are_resolved_over_the_workspace() {
    let (dump, _) = lower(&[
        ("src/lib.rs", "mod disk; pub mod store; pub use disk::helper::sync_dir as sync;"),
        ("src/disk/mod.rs", "pub mod helper;"),
        (
            "src/disk/helper.rs",
            "use std::path::Path; pub fn sync_dir(p: &Path) { std::fs::File::open(p).unwrap().sync_all().unwrap(); }",
        ),
        (
            "src/store.rs",
            "use crate::*; use super::sync as again; fn a(p: &std::path::Path) { sync(p) } fn b(p: &std::path::Path) { again(p); crate::disk::helper::sync_dir(p) }",
        ),
    ]);
    has(
        &dump,
        &[
            "fn disk::helper::sync_dir(p)",
            "fn store::a(p)",
            "call disk::helper::sync_dir(&p)",
            "fn store::b(p)",
            "call disk::helper::sync_dir(&p)",
            "call disk::helper::sync_dir(&p)",
        ],
    );
    let base: &[(&str, &str)] = &[("src/lib.rs", "pub mod fs { pub fn replace() {} } pub use fs::replace;")];
    let app: &[(&str, &str)] =
        &[("src/lib.rs", "use base_lib::replace; fn f() { replace(); base_lib::fs::replace() }")];
    let (dump, _) = lower_packages(&[("base-lib", base), ("app", app)], &Options::default());
    has(&dump, &["fn f()", "call fs::replace()", "call fs::replace()"]);
}

#[test]
fn tests_and_other_platforms_are_left_out() {
    let text = "#[cfg(test)] mod t { fn a() {} } #[test] fn b() {} #[cfg(windows)] fn c() {} #[cfg(unix)] fn d() {} #[cfg(not(test))] fn e() {} fn g() { if cfg!(windows) { h() } } fn h() {} #[cfg(feature = \"test-utils\")] fn i() {}";
    let (dump, _) = lower(&[("src/lib.rs", text)]);
    for (name, there) in
        [("fn t::a", false), ("fn b", false), ("fn c", false), ("fn d", true), ("fn e", true), ("fn i", false)]
    {
        assert_eq!(dump.contains(&format!("{name}(")), there, "{name} in\n{dump}");
    }
    assert!(!dump.contains("call h()"), "{dump}");
    let windows = Options { platform: Platform::Windows, include_tests: true, ..Options::default() };
    let (dump, _) = lower_packages(&[("app", &[("src/lib.rs", text)])], &windows);
    assert!(dump.contains("fn c(") && !dump.contains("fn d(") && dump.contains("fn t::a("), "{dump}");
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_there() {
    let deep = format!("fn f() {{ {} }}", "(".repeat(100_000));
    let (dump, output) = lower(&[
        ("src/lib.rs", "mod a; mod b; mod c; mod a; fn ok() {}"),
        ("src/a.rs", "\n\nfn broken( {}"),
        ("src/b.rs", &deep),
        ("src/c.rs", "mod d; #[path = \"c.rs\"] mod again; fn fine() {}"),
    ]);
    has(&dump, &["fn c::fine()", "fn ok()"]);
    let problems: Vec<_> =
        output.problems.iter().map(|problem| (problem.path.to_string_lossy().into_owned(), problem.line)).collect();
    assert_eq!(problems, [("app/src/a.rs".to_string(), 3), ("app/src/b.rs".to_string(), 1)]);
}

#[test]
fn spans_are_bytes() {
    let text = "// ä\nfn ü() { let _s = \"ö\"; std::fs::rename(\"a\", \"b\").unwrap(); }";
    let (_, output) = lower(&[("src/lib.rs", text)]);
    let function = &output.program.functions[0];
    let cut = |span: crate::source::Span| &text[span.start as usize..span.end as usize];
    assert_eq!(cut(function.name_span), "ü");
    assert!(cut(function.span).starts_with("fn ü") && cut(function.span).ends_with('}'));
    let call = function.blocks[0].insts.iter().find(|inst| matches!(inst.kind, crate::ir::InstKind::Call(_))).unwrap();
    assert_eq!(cut(call.span), "std::fs::rename(\"a\", \"b\")");
}

/// `text` in a program of so many lines that not all of it is read.
fn in_a_large_program(text: &str) -> (String, Output) {
    let text = format!("use std::fs::{{self, File}};\nuse std::io;\nuse std::path::{{Path, PathBuf}};\n{text}");
    lower(&[("src/lib.rs", &text), ("src/lines.rs", &"\n".repeat(150_001))])
}

fn names(output: &Output) -> Vec<&str> {
    output.program.functions.iter().map(|function| function.name.as_str()).collect()
}

#[test]
fn of_a_large_program_what_does_something_its_callers_and_callees_are_lowered() {
    let (_, output) = in_a_large_program(
        "struct A { dir: PathBuf } struct B; struct C;
         impl A { fn save(&self, x: &[u8]) -> io::Result<()> { fs::write(self.place(), x) }
                  fn place(&self) -> PathBuf { self.below(1) }
                  fn below(&self, n: u8) -> PathBuf { self.dir.join(name(n)) } }
         impl B { fn save(&self, x: &[u8]) { drop(x) } }
         impl C { fn flush(&self) { self.0.send(1) } }
         fn name(n: u8) -> String { format!(\"{n}\") }
         fn one(a: &A) { a.save(b\"\").unwrap(); other(1) }
         fn of_b(b: &B) { b.save(b\"\") }
         fn two(a: &A) { one(a) }
         fn three(a: &A) { two(a) }
         fn other(n: u8) -> u8 { n }
         fn nobody() -> u8 { other(2) }",
    );
    assert_eq!(names(&output), ["A::save", "A::place", "A::below", "one", "two", "other"]);
}

#[test]
fn bodies_that_are_read_later_are_what_they_are() {
    let (dump, output) = in_a_large_program(
        "fn save(p: &Path) { fs::write(p, b\"\").unwrap(); }
         mod inner { pub fn place() -> &'static str { \"x\" } }
         fn caller(p: &Path) { #![allow(unused)] use inner::place as named; let ä = named(); /* ü */ save(p); }",
    );
    has(&dump, &["fn caller", "_1 = call inner::place()", "call save(&p)"]);
    let caller = output.program.functions.iter().find(|function| function.name == "caller").unwrap();
    let call = caller.blocks.iter().flat_map(|block| &block.insts).last().unwrap();
    let text = "use std::fs::{self, File};\nuse std::io;\nuse std::path::{Path, PathBuf};\n".len();
    assert!(call.focus.start as usize > text);
    assert!(output.problems.is_empty());
}

#[test]
fn what_is_declared_in_a_body_that_is_read_later_is_known() {
    let (dump, output) = in_a_large_program(
        "fn save(p: &Path) { fs::write(p, b\"\").unwrap(); }
         fn caller(p: &Path) { const NAME: &str = \"x\"; struct At(PathBuf); impl At { fn place(&self) -> PathBuf { self.0.join(NAME) } }
                               fn near(p: &Path) -> At { At(p.to_path_buf()) } save(&near(p).place()); }",
    );
    has(&dump, &["fn caller", "call caller::near(", "call caller::At::place(", "call save("]);
    has(&dump, &["fn caller::At::place", "call api std::path::Path::join(&self.0, &\"x\")"]);
    assert!(output.problems.is_empty());
}

#[test]
fn a_body_that_is_read_later_and_cannot_be_is_a_problem_of_its_own() {
    let (_, output) = in_a_large_program(
        "fn save(p: &Path) { fs::write(p, b\"\").unwrap(); }
         fn caller(p: &Path) {
            save(p);
            let x = = 1;
         }
         fn another(p: &Path) { save(p) }",
    );
    assert_eq!(names(&output), ["save", "another"]);
    let [problem] = output.problems.as_slice() else { panic!("{:?}", output.problems) };
    assert_eq!((problem.line, problem.path.as_path()), (7, Path::new("app/src/lib.rs")));
    assert!(problem.message.starts_with("cannot be parsed: "), "{}", problem.message);
}

#[test]
fn a_function_stands_in_its_own_file() {
    let files = [
        ("src/lib.rs", "#[cfg(a)] #[path = \"one.rs\"] mod imp; #[cfg(not(a))] #[path = \"two.rs\"] mod imp;"),
        ("src/one.rs", "pub fn one() -> u8 { 1 }"),
        ("src/two.rs", "\n\npub fn two() -> u8 { 2 }"),
    ];
    let (_, output) = lower(&files);
    let spot = |name: &str| {
        let function = output.program.functions.iter().find(|function| function.short_name == name).unwrap();
        (function.file, function.span.start)
    };
    let (one, two) = (spot("one"), spot("two"));
    assert_ne!(one.0, two.0);
    assert_eq!((one.1, two.1), (0, 2));
}
