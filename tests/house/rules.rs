//! The rules themselves: each takes a path and a file and gives lines and what is wrong there.

use crate::lexer::Source;

/// A house rule.
pub type Rule = fn(&str, &Source) -> Vec<(usize, String)>;

/// Lines of code that name `word`.
fn naming(source: &Source, word: &str) -> Vec<usize> {
    source.lines().filter(|(_, line)| has_word(line, word)).map(|(at, _)| at).collect()
}

/// Whether `word` stands in `line` with no letter before or behind it.
fn has_word(line: &str, word: &str) -> bool {
    let inside = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let behind = line[at + word.len()..].chars().next();
        !before.is_some_and(inside) && !behind.is_some_and(inside)
    })
}

fn words(source: &Source, words: &[&str], why: &str) -> Vec<(usize, String)> {
    let found = words.iter().flat_map(|word| naming(source, word).into_iter().map(move |line| (line, word)));
    found.map(|(line, word)| (line, format!("names `{word}`: {why}"))).collect()
}

/// Strings that look like the path of an item of a library.
fn api_paths(source: &Source) -> Vec<(usize, String)> {
    let is_path = |text: &str| {
        text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
            .any(|part| part.split("::").filter(|segment| !segment.is_empty()).count() > 1)
    };
    let paths = source.strings.iter().filter(|(_, text)| is_path(text));
    paths
        .map(|(line, text)| {
            (*line, format!("holds the path \"{text}\": which call has which effect is said in rules/apis"))
        })
        .collect()
}

pub fn syntax_trees(path: &str, source: &Source) -> Vec<(usize, String)> {
    if path.starts_with("src/frontends/rust") {
        return vec![];
    }
    words(
        source,
        &["syn", "quote", "proc_macro2"],
        "syntax trees stay in src/frontends/rust; spans become byte ranges there",
    )
}

pub fn output_libraries(path: &str, source: &Source) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    if path != "src/report/human.rs" {
        wrong.extend(words(
            source,
            &["codespan_reporting"],
            "only src/report/human.rs knows how people are shown things",
        ));
    }
    if !path.starts_with("src/lsp/") {
        wrong.extend(words(source, &["lsp_types", "lsp_server"], "only src/lsp knows the editor"));
    }
    wrong
}

/// Words that name a language, or things that only one has.
const LANGUAGES: [&str; 9] = ["Rust", "rust", "Python", "python", "Golang", "goroutine", "cargo", "crate", "Java"];

/// Calls that a check could be tempted to name.
const CALLS: [&str; 9] = [
    "sync_all",
    "sync_data",
    "fdatasync(",
    "fsync(",
    "write_all",
    "set_len",
    "remove_file",
    "BufWriter",
    "OpenOptions",
];

pub fn checks(path: &str, source: &Source) -> Vec<(usize, String)> {
    if !path.starts_with("src/checks/") || path.ends_with("registry.rs") {
        return vec![];
    }
    let mut wrong = api_paths(source);
    for (line, text) in &source.strings {
        let calls = CALLS.iter().filter(|call| text.contains(**call));
        wrong.extend(
            calls.map(|call| (*line, format!("names the call `{call}`: say what is to happen, not by which function"))),
        );
        let languages = LANGUAGES.iter().filter(|word| has_word(text, word));
        wrong.extend(languages.map(|word| (*line, format!("names {word}: a rule holds for every language"))));
    }
    let modules = [
        "crate::apis",
        "crate::frontends",
        "crate::report",
        "crate::cli",
        "crate::discover",
        "serde_json",
        "termcolor",
    ];
    wrong.extend(words(source, &modules, "a check sees effects, flow and findings"));
    wrong.extend(words(source, &["println", "eprintln", "print", "dbg"], "a check returns findings"));
    wrong
}

pub fn flow(path: &str, source: &Source) -> Vec<(usize, String)> {
    let core = path.starts_with("src/flow");
    let low = ["src/ir.rs", "src/effects.rs", "src/apis.rs", "src/source.rs"].contains(&path);
    let mut wrong = Vec::new();
    if core {
        wrong.extend(api_paths(source));
        wrong.extend(words(source, &["crate::frontends"], "flow sees the IR, not where it came from"));
    }
    if core || low {
        let above = ["crate::finding", "crate::checks", "crate::report", "crate::cli"];
        wrong.extend(words(source, &above, "facts do not know what is made of them"));
    }
    if low {
        wrong.extend(words(source, &["crate::flow", "crate::frontends"], "the vocabulary knows nobody who speaks it"));
    }
    wrong
}

pub fn languages(path: &str, source: &Source) -> Vec<(usize, String)> {
    let mut wrong = Vec::new();
    if path.starts_with("src/flow") || path == "src/suppress.rs" {
        for (line, text) in &source.strings {
            let found = LANGUAGES.iter().filter(|word| has_word(text, word));
            wrong.extend(found.map(|word| (*line, format!("names {word}: this works for every language"))));
        }
    }
    if path == "src/ir.rs" {
        for (at, line) in source.text.lines().enumerate().filter(|(_, line)| !line.contains("use crate")) {
            let found = ["Rust", "Python", "Golang", "Java"].iter().filter(|word| has_word(line, word));
            wrong.extend(found.map(|word| (at + 1, format!("names {word}: the IR has no language"))));
        }
    }
    wrong
}

pub fn one_check(path: &str, source: &Source) -> Vec<(usize, String)> {
    if path == "src/check.rs" || path.starts_with("src/frontends") || path.starts_with("src/flow") {
        return vec![];
    }
    let inner = ["crate::frontends", "checks::run", "flow::analyse"];
    words(source, &inner, "the command line and the editor both go through check::check")
}

pub fn reading(path: &str, source: &Source) -> Vec<(usize, String)> {
    // The pages are fsynclint's own files, and written, not read.
    let writes_its_own = path == "src/lsp/pages.rs";
    if path.starts_with("src/discover") || path.starts_with("src/cli/") || writes_its_own {
        return vec![];
    }
    words(
        source,
        &["std::fs", "File::open", "read_to_string"],
        "only src/discover.rs reads files: everything else asks its Texts",
    )
}

pub fn printing(path: &str, source: &Source) -> Vec<(usize, String)> {
    let macros = ["println!(", "eprintln!(", "print!(", "eprint!(", "dbg!("];
    let lines = source
        .lines()
        .flat_map(|(at, line)| macros.iter().filter(|name| line.contains(**name)).map(move |name| (at, name)));
    let _ = path;
    lines.map(|(at, name)| (at, format!("prints with `{name}`: the core returns data, src/cli writes it"))).collect()
}

pub fn module_docs(_: &str, source: &Source) -> Vec<(usize, String)> {
    if source.text.starts_with("//!") { vec![] } else { vec![(1, "does not open with `//!` and what it is".into())] }
}

/// Longest function, in lines: 70 is the aim, a flat `match` may have more.
const LONGEST: usize = 110;

pub fn function_length(_: &str, source: &Source) -> Vec<(usize, String)> {
    let lines: Vec<&str> = source.code.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut wrong = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((_, name)) =
            line.split_once("fn ").filter(|_| has_word(line, "fn") && !line.trim_end().ends_with(';'))
        else {
            continue;
        };
        let name: String = name.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
        let close = |line: &&str| line.trim_start().starts_with('}') && indent(line) == indent(lines[at]);
        let length = lines[at..].iter().skip(1).position(close).map_or(0, |end| end + 2);
        let one_line = line.matches('{').count() > 0 && line.matches('{').count() == line.matches('}').count();
        if length > LONGEST && !one_line && !name.is_empty() {
            wrong.push((at + 1, format!("`{name}` has {length} lines: split it (aim at 70, {LONGEST} at most)")));
        }
    }
    wrong
}

/// Lines of `text` with a path that exists on one machine only.
pub fn machine_paths(text: &str) -> Vec<(usize, String)> {
    let roots = ["work", "home", "root", "Users"].map(|name| format!("/{name}/"));
    let starts_path = |line: &str, root: &String| {
        line.match_indices(root.as_str()).any(|(at, _)| {
            !line[..at]
                .chars()
                .next_back()
                .is_some_and(|before| before.is_alphanumeric() || "._-)]}/*".contains(before))
        })
    };
    let lines = text.lines().enumerate();
    let found = lines.filter(|(_, line)| roots.iter().any(|root| starts_path(line, root)));
    found.map(|(at, line)| (at + 1, format!("holds a machine's path: {}", line.trim()))).collect()
}
