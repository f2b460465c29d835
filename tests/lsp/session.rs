//! Sessions with a server in this process.

use crate::client::{Client, Folder, Published, published, uri};
use fsynclint::lsp::{Ended, Options};
use lsp_server::Message;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A file is renamed into place before it is synced, in line 8.
pub const FAULT: &str = "\
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

pub fn save(dir: &Path, data: &[u8]) -> io::Result<()> {
    let mut file = File::create(dir.join(\"state.tmp\"))?;
    file.write_all(data)?;
    fs::rename(dir.join(\"state.tmp\"), dir.join(\"state\"))?;
    File::open(dir)?.sync_all()
}
";

/// The line of [`FAULT`] with its fault, 0-based.
pub const RENAME: u64 = 7;

/// What repairs it, before that line.
const SYNC: &str = "    file.sync_all()?;\n";

const RULE: &str = "rename-before-sync";

/// [`FAULT`] without its fault.
fn repaired() -> String {
    FAULT.replace("    fs::rename", &format!("{SYNC}    fs::rename"))
}

pub fn manifest(name: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
}

/// A package with `src/lib.rs`.
fn package(lib: &str) -> Folder {
    Folder::with(&[("Cargo.toml", &manifest("store")), ("src/lib.rs", lib)])
}

#[test]
fn a_file_that_is_opened_shows_its_findings() {
    let folder = package(FAULT);
    let mut client = Client::start(&[&folder]);
    let lib = folder.uri("src/lib.rs");
    client.open(&lib, 1, FAULT);
    let published = client.published(&lib, 1);
    assert_eq!(published.codes(), [RULE]);
    let finding = &published.diagnostics[0];
    assert_eq!(finding["severity"], 1, "an error");
    assert_eq!(finding["source"], "fsynclint");
    let range = json!({"start": {"line": RENAME, "character": 4}, "end": {"line": RENAME, "character": 56}});
    assert_eq!(finding["range"], range);
    let message = finding["message"].as_str().unwrap();
    assert!(message.starts_with("file is renamed into place before its content is durable\n"), "{message}");
    for part in ["\nafter a crash: the new name can lead to an empty", "\nhelp: sync the file after the last write"] {
        assert!(message.contains(part), "{message}");
    }
    let steps = finding["relatedInformation"].as_array().unwrap();
    let told: Vec<(u64, &str)> = steps
        .iter()
        .map(|step| (step["location"]["range"]["start"]["line"].as_u64().unwrap(), step["message"].as_str().unwrap()))
        .collect();
    assert_eq!(told[0], (6, "1: written: now only in the page cache"));
    assert_eq!(told[1], (RENAME, "2: renamed: the name is live, the content may not be"));
    assert!(steps.iter().all(|step| step["location"]["uri"] == lib.as_str()));
    let page = finding["codeDescription"]["href"].as_str().unwrap().strip_prefix("file://").unwrap();
    assert!(fs::read_to_string(page).unwrap().contains("rename-before-sync"), "{page}");
    assert_eq!(client.leave(), Ended::Properly);
}

#[test]
fn levels_are_severities() {
    let folder = Folder::with(&[]);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/example-store");
    let mut client = Client::start_with(&[], json!({}), Value::Null);
    let params = json!({"event": {"added": [{"uri": uri(&example), "name": "x"}], "removed": []}});
    client.tell("workspace/didChangeWorkspaceFolders", params);
    let found = of_workspace(&mut client, &folder);
    let severities: BTreeSet<(String, u64)> = found
        .values()
        .flatten()
        .map(|finding| (finding["code"].as_str().unwrap().into(), finding["severity"].as_u64().unwrap()))
        .collect();
    assert!(severities.contains(&(RULE.into(), 1)), "{severities:?}");
    assert!(severities.iter().any(|(_, severity)| *severity == 2), "{severities:?}");
}

/// The last that is said of each file by an analysis that is over when `folder/end.rs` is spoken of.
fn of_workspace(client: &mut Client, folder: &Folder) -> BTreeMap<String, Vec<Value>> {
    let end = folder.uri("end.rs");
    client.open(&end, 1, "");
    let mut found = BTreeMap::new();
    client.wait("the end of an analysis", |message| published(message).filter(|published| published.uri == end));
    for published in client.rest().iter().filter_map(published) {
        found.insert(published.uri, published.diagnostics);
    }
    found
}

#[test]
fn the_editor_and_the_command_line_say_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for case in ["fixtures/example-store", "engines"] {
        let output = Command::new(env!("CARGO_BIN_EXE_fsynclint"))
            .args(["check", "--format", "json"])
            .arg(root.join(case))
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let place = |path: &Value, line: &Value, column: &Value| {
            (uri(Path::new(path.as_str().unwrap())), line.as_u64().unwrap(), column.as_u64().unwrap())
        };
        let expected: BTreeSet<_> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| {
                let steps: Vec<_> = finding["steps"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|step| {
                        (
                            place(&step["path"], &step["line"], &step["column"]),
                            step["message"].as_str().unwrap().to_string(),
                        )
                    })
                    .collect();
                let place = place(&finding["path"], &finding["line"], &finding["column"]);
                (place, finding["rule"].as_str().unwrap().to_string(), steps)
            })
            .collect();
        assert!(!expected.is_empty());

        let folder = Folder::with(&[]);
        let mut client = Client::start_with(&[], json!({"general": {"positionEncodings": ["utf-32"]}}), Value::Null);
        let params = json!({"event": {"added": [{"uri": uri(&root.join(case)), "name": "x"}], "removed": []}});
        client.tell("workspace/didChangeWorkspaceFolders", params);
        let place = |uri: &str, range: &Value| {
            let start = &range["start"];
            (uri.to_string(), start["line"].as_u64().unwrap() + 1, start["character"].as_u64().unwrap() + 1)
        };
        let found = of_workspace(&mut client, &folder);
        let found: BTreeSet<_> = found
            .iter()
            .flat_map(|(uri, findings)| findings.iter().map(move |f| (uri, f)))
            .map(|(uri, finding)| {
                let steps: Vec<_> = finding["relatedInformation"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|step| {
                        let message = step["message"].as_str().unwrap().split_once(": ").unwrap().1.to_string();
                        (place(step["location"]["uri"].as_str().unwrap(), &step["location"]["range"]), message)
                    })
                    .collect();
                (place(uri, &finding["range"]), finding["code"].as_str().unwrap_or("none").to_string(), steps)
            })
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn unsaved_text_counts() {
    let folder = package(&repaired());
    let mut client = Client::start(&[&folder]);
    let lib = folder.uri("src/lib.rs");
    client.open(&lib, 1, &repaired());
    assert_eq!(client.published(&lib, 1).codes(), [""; 0]);
    client.edit(&lib, 2, (7, 0), (8, 0), "");
    assert_eq!(client.published(&lib, 2).lines(), [RENAME], "the sync was taken out");
    client.edit(&lib, 3, (0, 0), (0, 0), "// one\n// two\n");
    assert_eq!(client.published(&lib, 3).lines(), [RENAME + 2]);
    client.change(
        &lib,
        4,
        json!([
            {"range": {"start": {"line": 9, "character": 0}, "end": {"line": 9, "character": 0}}, "text": SYNC},
            {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 2, "character": 0}}, "text": ""},
        ]),
    );
    assert_eq!(client.published(&lib, 4).diagnostics, [] as [Value; 0], "and put back");
    client.replace(&lib, 5, FAULT);
    assert_eq!(client.published(&lib, 5).lines(), [RENAME], "the whole text at once");
    client.close(&lib);
    assert_eq!(
        client.published_that(&lib, |told| told.version.is_none()).diagnostics,
        [] as [Value; 0],
        "closed: as on the disk"
    );
}

#[test]
fn saving_looks_at_the_disk_again() {
    let folder = package("mod inner;\n");
    folder.write("src/inner.rs", "");
    // This client watches no files.
    let mut client = Client::start(&[&folder]);
    let (lib, inner) = (folder.uri("src/lib.rs"), folder.uri("src/inner.rs"));
    client.open(&lib, 1, "mod inner;\n");
    client.published(&lib, 1);
    folder.write("src/inner.rs", FAULT);
    client.save(&lib, None);
    assert_eq!(client.published_that(&inner, |_| true).lines(), [RENAME]);
}

#[test]
fn positions_are_counted_as_agreed() {
    // `é` has two bytes and one unit of UTF-16, `𝄞` four and two.
    let text = FAULT.replace("    fs::rename(", "    let _ = \"é𝄞\"; fs::rename(");
    for (offered, agreed, column) in [
        (json!(["utf-8", "utf-16"]), "utf-8", 22),
        (json!(["utf-16", "utf-8"]), "utf-16", 19),
        (json!(["utf-32"]), "utf-32", 18),
        (json!(["ebcdic"]), "utf-16", 19),
        (Value::Null, "utf-16", 19),
    ] {
        let folder = package(&text);
        let mut client =
            Client::start_with(&[&folder], json!({"general": {"positionEncodings": offered}}), Value::Null);
        assert_eq!(client.initialized["capabilities"]["positionEncoding"], agreed);
        let lib = folder.uri("src/lib.rs");
        client.open(&lib, 1, &text);
        let range = client.published(&lib, 1).diagnostics[0]["range"].clone();
        assert_eq!(range["start"], json!({"line": RENAME, "character": column}), "{agreed}");
        // Behind the letters, where each encoding has its own column: what is inserted lands where it belongs.
        client.edit(&lib, 2, (RENAME as u32, column), (RENAME as u32, column), "file.sync_all()?; ");
        assert_eq!(client.published(&lib, 2).diagnostics, [] as [Value; 0], "{agreed}");
    }
}

#[test]
fn several_roots_and_their_changes() {
    let (one, two) = (package(FAULT), package(FAULT));
    let mut client = Client::start(&[&one, &two]);
    let folders = &client.initialized["capabilities"]["workspace"]["workspaceFolders"];
    assert_eq!(folders, &json!({"supported": true, "changeNotifications": true}));
    assert_eq!(client.published_that(&one.uri("src/lib.rs"), |_| true).codes(), [RULE]);
    assert_eq!(client.published_that(&two.uri("src/lib.rs"), |_| true).codes(), [RULE]);
    let three = package(FAULT);
    let event = json!({"added": [{"uri": three.uri(""), "name": "3"}], "removed": [{"uri": one.uri(""), "name": "1"}]});
    client.tell("workspace/didChangeWorkspaceFolders", json!({ "event": event }));
    assert_eq!(client.published_that(&three.uri("src/lib.rs"), |_| true).codes(), [RULE]);
    assert_eq!(client.published_that(&one.uri("src/lib.rs"), |_| true).diagnostics, [] as [Value; 0]);
    // The root of old clients.
    let mut old = Client::unstarted();
    old.ask("initialize", json!({"rootUri": two.uri(""), "capabilities": {}})).unwrap();
    old.tell("initialized", json!({}));
    assert_eq!(old.published_that(&two.uri("src/lib.rs"), |_| true).codes(), [RULE]);
}

#[test]
fn roots_that_are_no_folders() {
    let folder = package(FAULT);
    let mut client = Client::start(&[&folder]);
    let added = json!([{"uri": "https://example.org/x", "name": "x"}, {"uri": folder.uri("gone"), "name": "y"}]);
    client.tell("workspace/didChangeWorkspaceFolders", json!({"event": {"added": added, "removed": []}}));
    client.said("window/logMessage", "https://example.org/x is no folder on this machine");
    let mut old = Client::unstarted();
    old.ask("initialize", json!({"rootPath": "not/absolute", "capabilities": {}})).unwrap();
    old.said("window/logMessage", "not/absolute is no folder on this machine");
    assert_eq!(client.published_that(&folder.uri("src/lib.rs"), |_| true).codes(), [RULE]);
    let gone = client.published_that(&folder.uri("gone"), |_| true);
    assert!(gone.diagnostics[0]["message"].as_str().unwrap().contains("no such file"), "{gone:?}");
}

#[cfg(unix)]
#[test]
fn a_root_under_two_names() {
    let folder = package(&repaired());
    let links = Folder::with(&[]);
    std::os::unix::fs::symlink(folder.path(), links.path().join("link")).unwrap();
    let mut client = Client::start(&[]);
    let event = json!({"added": [{"uri": links.uri("link"), "name": "x"}], "removed": []});
    client.tell("workspace/didChangeWorkspaceFolders", json!({ "event": event }));
    // The root is known by its link, the document by its real name: its text counts all the same, and it is told by that name.
    let lib = folder.uri("src/lib.rs");
    client.open(&lib, 1, FAULT);
    assert_eq!(client.published(&lib, 1).codes(), [RULE]);
    assert!(client.rest().iter().filter_map(published).all(|told| told.uri == lib || told.diagnostics.is_empty()));
}

#[test]
fn files_that_change_on_the_disk() {
    let folder = package("mod inner;\n");
    let watching = json!({"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}}});
    let mut client = Client::start_with(&[&folder], watching, Value::Null);
    let lib = folder.uri("src/lib.rs");
    client.open(&lib, 1, "mod inner;\n");
    client.published(&lib, 1);
    let _ = client.rest();
    let registered = json!(client.asked.iter().map(|request| &request.params).collect::<Vec<_>>()).to_string();
    for glob in ["**/*.rs", "**/Cargo.toml", "**/fsynclint.toml"] {
        assert!(registered.contains(glob), "{registered}");
    }
    let inner = folder.uri("src/inner.rs");
    folder.write("src/inner.rs", FAULT);
    client.watched(&inner, 1);
    assert_eq!(client.published_that(&inner, |_| true).codes(), [RULE], "a file was made");
    folder.write("src/inner.rs", &repaired());
    client.watched(&inner, 2);
    assert_eq!(client.published_that(&inner, |_| true).codes(), [""; 0], "it was repaired");
    folder.write("src/inner.rs", FAULT);
    client.watched(&inner, 2);
    assert_eq!(client.published_that(&inner, |_| true).codes(), [RULE]);
    fs::remove_file(folder.path().join("src/inner.rs")).unwrap();
    client.watched(&inner, 3);
    assert_eq!(client.published_that(&inner, |_| true).codes(), [""; 0], "it was deleted");
    // A member joins the workspace.
    folder.write("tool/Cargo.toml", &manifest("tool"));
    folder.write("tool/src/lib.rs", FAULT);
    client.watched(&folder.uri("tool/Cargo.toml"), 1);
    assert_eq!(client.published_that(&folder.uri("tool/src/lib.rs"), |_| true).codes(), [RULE]);
}

#[test]
fn settings_that_are_pushed() {
    let folder = package(FAULT);
    let mut client = Client::start_with(&[&folder], json!({}), json!({"minConfidence": "high"}));
    let lib = folder.uri("src/lib.rs");
    client.open(&lib, 1, FAULT);
    assert_eq!(client.published(&lib, 1).codes(), [RULE]);
    folder.write("tests/it.rs", FAULT);
    let it = folder.uri("tests/it.rs");
    client.tell("workspace/didChangeConfiguration", json!({"settings": {"fsynclint": {"includeTests": true}}}));
    assert_eq!(client.published_that(&it, |_| true).codes(), [RULE]);
    client.tell("workspace/didChangeConfiguration", json!({"settings": {}}));
    assert_eq!(client.published_that(&it, |_| true).codes(), [""; 0]);
    client.tell(
        "workspace/didChangeConfiguration",
        json!({"settings": {"fsynclint": {"minLevle": 1, "platform": "beos"}}}),
    );
    client.said("window/showMessage", "no setting `minLevle`");
    client.said("window/showMessage", "`fsynclint.platform` is \"unix\", \"windows\" or \"macos\"");
}

#[test]
fn settings_that_are_asked_for() {
    let folder = package(FAULT);
    folder.write("tests/it.rs", FAULT);
    let mut client = Client::unstarted();
    client.answers.push(("workspace/configuration", json!([{"includeTests": true}])));
    let able = json!({"workspace": {"configuration": true, "didChangeConfiguration": {"dynamicRegistration": true}}});
    let mut client = client.initialize(&[&folder], able, Value::Null);
    let it = folder.uri("tests/it.rs");
    assert_eq!(client.published_that(&it, |_| true).codes(), [RULE]);
    let asked: Vec<&str> = client.asked.iter().map(|request| request.method.as_str()).collect();
    assert_eq!(asked, ["client/registerCapability", "workspace/configuration"]);
    client.answers = vec![("workspace/configuration", json!([{}]))];
    client.tell("workspace/didChangeConfiguration", json!({"settings": null}));
    assert_eq!(client.published_that(&it, |_| true).codes(), [""; 0]);
    // A client that has no settings to give: what it started the server with holds.
    let mut client = Client::unstarted();
    client.answers.push(("workspace/configuration", json!([null])));
    let able = json!({"workspace": {"configuration": true}});
    let mut client = client.initialize(&[&folder], able, json!({"fsynclint": {"includeTests": true}}));
    assert_eq!(client.published_that(&it, |_| true).codes(), [RULE]);
    client.save(&it, None);
    assert_eq!(client.asked.len(), 1);
    client.open(&it, 1, FAULT);
    assert_eq!(client.published(&it, 1).codes(), [RULE]);
}

#[test]
fn settings_in_a_file() {
    let folder = package(FAULT);
    folder.write("fsynclint.toml", "[rules]\nrename-before-sync = \"off\"\n");
    let mut client = Client::start(&[&folder]);
    let (lib, settings) = (folder.uri("src/lib.rs"), folder.uri("fsynclint.toml"));
    client.open(&lib, 1, FAULT);
    assert_eq!(client.published(&lib, 1).codes(), [""; 0]);
    // As it is on the disk.
    folder.write("fsynclint.toml", "[rules]\nrename-before-sync = \"warning\"\n");
    client.watched(&settings, 2);
    assert_eq!(client.published_that(&lib, |told| !told.diagnostics.is_empty()).diagnostics[0]["severity"], 2);
    // As it is typed.
    let typed = "[rules]\nrename-before-sync = \"off\"\n";
    client.open(&settings, 1, typed);
    assert_eq!(client.published_that(&lib, |told| told.diagnostics.is_empty()).codes(), [""; 0]);
    client.replace(&settings, 2, "[rules]\n\nrename-before-sink = \"error\"\n");
    let told = client.published(&settings, 2);
    let range = json!({"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 18}});
    assert_eq!((&told.diagnostics[0]["range"], &told.diagnostics[0]["severity"]), (&range, &json!(1)));
    let message = told.diagnostics[0]["message"].as_str().unwrap();
    assert!(message.contains("`rename-before-sink`\nhelp: did you mean `rename-before-sync`"), "{message}");
    assert_eq!(client.published_that(&lib, |_| true).codes(), [RULE], "what can be read of it holds");
    client.replace(&settings, 3, "");
    assert_eq!(client.published(&settings, 3).diagnostics, [] as [Value; 0]);
}

#[test]
fn what_is_unsupported_is_answered() {
    let folder = package(FAULT);
    let mut client = Client::start(&[&folder]);
    for method in ["textDocument/hover", "textDocument/codeAction", "workspace/symbol", "$/whatever", "nonsense"] {
        let (code, message) = client.ask(method, json!({"x": [1]})).unwrap_err();
        assert_eq!(code, -32601, "{message}");
        assert!(message.contains(method), "{message}");
    }
    // Notifications have no answer.
    client.tell("workspace/didRenameFiles", json!({}));
    client.tell("$/setTrace", json!({"value": "verbose"}));
    client.tell("nonsense", json!([1, 2]));
    assert_eq!(client.published_that(&folder.uri("src/lib.rs"), |_| true).codes(), [RULE]);
    assert!(client.rest().is_empty());
    assert_eq!(client.leave(), Ended::Properly);
}

#[test]
fn start_and_end_go_by_the_protocol() {
    let folder = package(FAULT);
    let mut client = Client::unstarted();
    assert_eq!(client.ask("shutdown", Value::Null).unwrap_err().0, -32002, "not initialized");
    client.open(&folder.uri("src/lib.rs"), 1, FAULT);
    assert_eq!(client.ask("initialize", json!([])).unwrap_err().0, -32602, "invalid parameters");
    assert_eq!(client.ask("initialize", json!({"workspaceFolders": [{"uri": 7}]})).unwrap_err().0, -32602);
    let mut client = client.initialize(&[&folder], json!({}), Value::Null);
    assert_eq!(client.initialized["serverInfo"]["name"], "fsynclint");
    assert_eq!(client.ask("initialize", json!({"capabilities": {}})).unwrap_err().0, -32600, "twice");
    assert_eq!(client.ask("shutdown", Value::Null), Ok(Value::Null));
    assert_eq!(client.ask("shutdown", Value::Null).unwrap_err().0, -32600, "after shutdown");
    assert_eq!(client.ask("textDocument/hover", json!({})).unwrap_err().0, -32600);
    let _ = client.rest();
    client.open(&folder.uri("src/lib.rs"), 1, FAULT);
    std::thread::sleep(Duration::from_millis(300));
    assert!(client.rest().iter().filter_map(published).next().is_none(), "nothing is told after shutdown");
    assert_eq!(client.exit(), Ended::Properly);
    assert_eq!(Client::start(&[&folder]).exit(), Ended::Abruptly, "exit without shutdown");
    assert_eq!(Client::unstarted().exit(), Ended::Abruptly, "exit before initialize");
    assert_eq!(Client::start(&[&folder]).vanish(), Ended::Abruptly, "the client is gone");
}

#[test]
fn what_is_cancelled() {
    let folder = package(FAULT);
    let mut client = Client::start(&[&folder]);
    assert_eq!(client.ask("textDocument/hover", json!({})).unwrap_err().0, -32601);
    client.tell("$/cancelRequest", json!({"id": 1}));
    client.tell("$/cancelRequest", json!({"id": "never asked"}));
    client.tell("window/workDoneProgress/cancel", json!({"token": 1}));
    assert_eq!(client.published_that(&folder.uri("src/lib.rs"), |_| true).codes(), [RULE]);
    assert!(client.rest().is_empty());
}

#[test]
fn work_that_takes_long_is_shown() {
    let folder = package(FAULT);
    let progress = |message: &Message| match message {
        Message::Notification(notification) if notification.method == "$/progress" => {
            Some((notification.params["token"].clone(), notification.params["value"]["kind"].clone()))
        }
        _ => None,
    };
    let client = Client::unstarted_with(Options { slow: Duration::ZERO, ..Options::default() });
    let mut client = client.initialize(&[&folder], json!({"window": {"workDoneProgress": true}}), Value::Null);
    // The client may be slower to find a place for it than the work is done: then there is nothing to show, and it is done again.
    let lib = folder.uri("src/lib.rs");
    client.open(&lib, 1, FAULT);
    let begun = (0..100).find_map(|_| {
        client.save(&lib, None);
        client.wait("something", |message| match published(message) {
            Some(_) => Some(None),
            None => progress(message).map(Some),
        })
    });
    let (token, kind) = begun.unwrap();
    assert_eq!(kind, "begin");
    let asked = client.asked.last().unwrap();
    assert_eq!((asked.method.as_str(), &asked.params["token"]), ("window/workDoneProgress/create", &token));
    assert_eq!(client.wait("the end", progress), (token, json!("end")));
    // Neither what is quick nor what nobody shows.
    let client = Client::unstarted_with(Options { slow: Duration::from_secs(600), ..Options::default() });
    let mut quick = client.initialize(&[&folder], json!({"window": {"workDoneProgress": true}}), Value::Null);
    let mut blind = Client::unstarted_with(Options { slow: Duration::ZERO, ..Options::default() });
    blind = blind.initialize(&[&folder], json!({}), Value::Null);
    for client in [&mut quick, &mut blind] {
        client.published_that(&folder.uri("src/lib.rs"), |_| true);
        assert!(client.rest().iter().all(|message| progress(message).is_none()) && client.asked.is_empty());
    }
}

#[test]
fn single_files_without_a_root() {
    let folder = Folder::with(&[("alone.rs", FAULT), ("other.rs", FAULT)]);
    let mut client = Client::start(&[]);
    let alone = folder.uri("alone.rs");
    client.open(&alone, 1, FAULT);
    assert_eq!(client.published(&alone, 1).codes(), [RULE]);
    // The editor's name for what was never saved.
    client.open("untitled:Untitled-1", 1, FAULT);
    assert_eq!(client.published("untitled:Untitled-1", 1).codes(), [RULE]);
    assert!(client.rest().iter().filter_map(published).all(|told| !told.uri.ends_with("other.rs")), "nobody opened it");
    client.close(&alone);
    assert_eq!(client.published_that(&alone, |told| told.version.is_none()).codes(), [""; 0]);
    client.close("untitled:Untitled-1");
    assert_eq!(client.published_that("untitled:Untitled-1", |told| told.version.is_none()).codes(), [""; 0]);
    // Other languages and other places are nothing to read.
    client.tell(
        "textDocument/didOpen",
        json!({"textDocument": {"uri": folder.uri("x.py"), "languageId": "python", "version": 1, "text": FAULT}}),
    );
    client.open("git:/x/y.rs", 1, FAULT);
    client.open(&alone, 1, FAULT);
    client.published(&alone, 1);
    assert!(client.rest().iter().filter_map(published).all(|told| told.uri == alone));
}

/// A single file of a package is understood by the rest of it.
#[test]
fn a_single_file_brings_its_package() {
    let (caller, helper) = caller_and_helper("");
    let folder = package("mod caller;\nmod helper;\n");
    folder.write("src/caller.rs", caller);
    folder.write("src/helper.rs", &helper);
    let mut client = Client::start(&[]);
    let uri = folder.uri("src/caller.rs");
    client.open(&uri, 1, caller);
    let told = client.published(&uri, 1);
    assert_eq!(told.codes(), [RULE]);
    assert!(told.diagnostics[0]["relatedInformation"].to_string().contains("helper.rs"), "{told:?}");
}

/// A function that renames what another file's function has written, which does `end` before it returns.
fn caller_and_helper(end: &str) -> (&'static str, String) {
    let caller = "\
use std::fs;
use std::io;
use std::path::Path;

pub fn save(dir: &Path, data: &[u8]) -> io::Result<()> {
    let tmp = dir.join(\"state.tmp\");
    crate::helper::fill(&tmp, data)?;
    fs::rename(&tmp, dir.join(\"state\"))?;
    fs::File::open(dir)?.sync_all()
}
";
    let helper = format!(
        "\
use std::fs::File;
use std::io::{{self, Write}};
use std::path::Path;

pub fn fill(path: &Path, data: &[u8]) -> io::Result<()> {{
    let mut file = File::create(path)?;
    file.write_all(data)?;
    {end}
    Ok(())
}}
"
    );
    (caller, helper)
}

#[test]
fn an_edit_in_one_file_is_felt_in_another() {
    let (caller, helper) = caller_and_helper("file.sync_all()?;");
    let folder = package("mod caller;\nmod helper;\n");
    folder.write("src/caller.rs", caller);
    folder.write("src/helper.rs", &helper);
    let mut client = Client::start(&[&folder]);
    let (caller_uri, helper_uri) = (folder.uri("src/caller.rs"), folder.uri("src/helper.rs"));
    client.open(&helper_uri, 1, &helper);
    assert_eq!(client.published(&helper_uri, 1).codes(), [""; 0]);
    assert!(client.rest().iter().filter_map(published).all(|told| told.diagnostics.is_empty()));
    client.edit(&helper_uri, 2, (7, 4), (7, 21), "");
    let appeared = client.published_that(&caller_uri, |_| true);
    assert_eq!((appeared.codes(), appeared.lines(), appeared.version), (vec![RULE], vec![7], None));
    let written = &appeared.diagnostics[0]["relatedInformation"][1]["location"];
    assert_eq!((&written["uri"], &written["range"]["start"]["line"]), (&json!(helper_uri), &json!(6)));
    // A step moves with the text of its own file.
    client.edit(&helper_uri, 3, (0, 0), (0, 0), "\n\n");
    let moved = client.published_that(&caller_uri, |_| true);
    assert_eq!(moved.diagnostics[0]["relatedInformation"][1]["location"]["range"]["start"]["line"], 8);
    client.edit(&helper_uri, 4, (9, 4), (9, 4), "file.sync_all()?;");
    assert_eq!(client.published_that(&caller_uri, |_| true).codes(), [""; 0], "it vanishes");
}

#[test]
fn the_newest_text_wins() {
    let folder = package(FAULT);
    let mut client = Client::start(&[&folder]);
    let lib = folder.uri("src/lib.rs");
    client.open(&lib, 0, FAULT);
    // Each version has a line more at the top than the one before it. Every other one is repaired.
    let last = 120;
    for version in 1..=last {
        let line = |number: u64| json!({"line": number, "character": 0});
        let rename = RENAME + version as u64;
        let toggle = match version % 2 {
            1 => json!({"range": {"start": line(rename), "end": line(rename)}, "text": SYNC}),
            _ => json!({"range": {"start": line(rename), "end": line(rename + 1)}, "text": ""}),
        };
        let top = json!({"range": {"start": line(0), "end": line(0)}, "text": "\n"});
        client.change(&lib, version, json!([top, toggle]));
        std::thread::sleep(Duration::from_millis(version as u64 % 40));
    }
    let mut told: Vec<Published> = Vec::new();
    while told.last().is_none_or(|told| told.version != Some(last)) {
        told.push(client.wait("the last version", published));
    }
    // What is told of a version is true of that version and no older one.
    for told in &told {
        let version = told.version.unwrap_or_default() as u64;
        let expected = if version % 2 == 1 { vec![] } else { vec![RENAME + version] };
        assert_eq!(told.lines(), expected, "{told:?}");
    }
    assert!(told.windows(2).all(|pair| pair[0].version <= pair[1].version));
    assert!(told.len() < last as usize, "{} analyses for {last} changes", told.len());
}

#[test]
fn findings_stay_while_a_file_does_not_parse() {
    let folder = package(FAULT);
    let mut client = Client::start(&[&folder]);
    let lib = folder.uri("src/lib.rs");
    client.open(&lib, 1, FAULT);
    assert_eq!(client.published(&lib, 1).lines(), [RENAME]);
    // Something unfinished above it, with lines of its own.
    client.edit(&lib, 2, (4, 0), (4, 0), "pub fn half( {\n\n");
    let told = client.published(&lib, 2);
    assert_eq!(told.codes(), [RULE]);
    assert_eq!(told.diagnostics[0]["range"]["start"]["line"], RENAME + 2);
    let steps = &told.diagnostics[0]["relatedInformation"];
    assert_eq!(steps[0]["location"]["range"]["start"]["line"], 6 + 2);
    let remark = &told.diagnostics[1];
    assert_eq!((&remark["severity"], &remark["code"]), (&json!(3), &Value::Null));
    assert!(remark["message"].as_str().unwrap().starts_with("not checked as it is: cannot be"), "{remark}");
    // Typing inside of what is marked lets the mark grow.
    client.edit(&lib, 3, (9, 15), (9, 15), "&");
    let told = client.published(&lib, 3);
    let range = json!({"start": {"line": RENAME + 2, "character": 4}, "end": {"line": RENAME + 2, "character": 57}});
    assert_eq!(told.diagnostics[0]["range"], range);
    // The step that is deleted is no longer told, the finding that is deleted neither.
    client.edit(&lib, 4, (8, 0), (9, 0), "");
    let told = client.published(&lib, 4);
    assert_eq!(
        told.diagnostics[0]["relatedInformation"].as_array().unwrap().len(),
        steps.as_array().unwrap().len() - 1
    );
    client.edit(&lib, 5, (8, 0), (9, 0), "");
    assert_eq!(client.published(&lib, 5).codes(), [""; 0]);
    // And back.
    client.replace(&lib, 6, FAULT);
    let told = client.published(&lib, 6);
    assert_eq!((told.lines(), told.diagnostics.len()), (vec![RENAME], 1));
}

#[test]
fn others_see_what_parsed_last() {
    let (caller, helper) = caller_and_helper("");
    let folder = package("mod caller;\nmod helper;\n");
    folder.write("src/caller.rs", caller);
    folder.write("src/helper.rs", &helper);
    let mut client = Client::start(&[&folder]);
    let (caller_uri, helper_uri) = (folder.uri("src/caller.rs"), folder.uri("src/helper.rs"));
    client.open(&helper_uri, 1, &helper);
    client.open(&caller_uri, 1, caller);
    assert_eq!(client.published(&caller_uri, 1).codes(), [RULE]);
    client.edit(&helper_uri, 2, (3, 0), (3, 0), "\nfn half(\n");
    assert_eq!(client.published(&helper_uri, 2).codes(), [""; 0]);
    let told = client.published_that(&caller_uri, |_| true);
    assert_eq!(told.codes(), [RULE], "the helper that cannot be read still writes");
    assert_eq!(told.diagnostics[0]["relatedInformation"][1]["location"]["range"]["start"]["line"], 8);
}

#[test]
fn a_file_that_never_parsed() {
    let folder = package("fn half(\n");
    let mut client = Client::start(&[&folder]);
    let lib = folder.uri("src/lib.rs");
    let text = format!("fn half(\n{FAULT}");
    client.open(&lib, 1, &text);
    let told = client.published(&lib, 1);
    assert_eq!(told.diagnostics.len(), 1, "{told:?}");
    assert!(told.diagnostics[0]["message"].as_str().unwrap().starts_with("not checked as it is: cannot be"));
    client.edit(&lib, 2, (0, 0), (1, 0), "");
    let told = client.published(&lib, 2);
    assert_eq!((told.codes(), told.diagnostics.len()), (vec![RULE], 1));
}

#[test]
fn a_file_deleted_while_it_is_edited() {
    let folder = package("mod inner;\n");
    folder.write("src/deep/mod.rs", FAULT);
    let mut client = Client::start(&[&folder]);
    let deep = folder.uri("src/deep/mod.rs");
    client.open(&deep, 1, FAULT);
    assert_eq!(client.published(&deep, 1).codes(), [RULE]);
    fs::remove_dir_all(folder.path().join("src/deep")).unwrap();
    client.watched(&deep, 3);
    assert_eq!(client.published(&deep, 1).codes(), [RULE], "it is still in the editor");
    client.edit(&deep, 2, (0, 0), (0, 0), "\n");
    assert_eq!(client.published(&deep, 2).lines(), [RENAME + 1]);
    client.close(&deep);
    let told = client.published_that(&deep, |told| told.version.is_none());
    assert_eq!(told.diagnostics, [] as [Value; 0]);
    // The same for a file that belongs to nothing.
    let alone = Folder::with(&[("alone.rs", FAULT)]);
    let uri = alone.uri("alone.rs");
    client.open(&uri, 1, FAULT);
    assert_eq!(client.published(&uri, 1).codes(), [RULE]);
    fs::remove_file(alone.path().join("alone.rs")).unwrap();
    client.edit(&uri, 2, (0, 0), (0, 0), "\n");
    assert_eq!(client.published(&uri, 2).lines(), [RENAME + 1]);
}

#[test]
fn a_file_that_is_not_saved_yet() {
    let (caller, helper) = caller_and_helper("");
    let folder = package("mod caller;\nmod helper;\n");
    folder.write("src/caller.rs", caller);
    let mut client = Client::start(&[&folder]);
    let (caller_uri, helper_uri) = (folder.uri("src/caller.rs"), folder.uri("src/helper.rs"));
    client.open(&helper_uri, 1, &helper);
    assert_eq!(client.published_that(&caller_uri, |told| !told.diagnostics.is_empty()).codes(), [RULE]);
    client.close(&helper_uri);
    assert_eq!(
        client.published_that(&caller_uri, |_| true).codes(),
        [""; 0],
        "closed without saving: it was never there"
    );
    // Where nobody looks, nobody looks: build output, hidden folders.
    folder.write("target/x", "");
    client.open(&folder.uri("target/made.rs"), 1, FAULT);
    assert_eq!(client.published(&folder.uri("target/made.rs"), 1).codes(), [""; 0]);
}

#[test]
fn positions_outside_a_file() {
    let folder = package(FAULT);
    let mut client = Client::start(&[&folder]);
    let lib = folder.uri("src/lib.rs");
    client.open(&lib, 1, FAULT);
    assert_eq!(client.published(&lib, 1).codes(), [RULE]);
    client.edit(&lib, 2, (400, 0), (401, 0), "x");
    client.said("window/logMessage", "line 400 is outside of the text, which has 11 lines");
    client.said("window/showMessage", "lost track of");
    client.edit(&lib, 3, (0, 0), (0, 0), "\n");
    std::thread::sleep(Duration::from_millis(300));
    assert!(client.rest().iter().filter_map(published).next().is_none(), "what was told stays");
    client.save(&lib, Some(&repaired()));
    assert_eq!(client.published(&lib, 3).codes(), [""; 0], "the whole text is known again");
    client.edit(&lib, 4, (5, 2), (4, 0), "x");
    client.said("window/logMessage", "ends before it starts");
    client.replace(&lib, 5, FAULT);
    assert_eq!(client.published(&lib, 5).codes(), [RULE]);
    client.edit(&lib, 6, (7, 900), (7, 900), " // behind the end of a line is its end");
    assert_eq!(client.published(&lib, 6).codes(), [RULE]);
}

#[test]
fn malformed_parameters() {
    let folder = package(FAULT);
    let mut client = Client::start(&[&folder]);
    let lib = folder.uri("src/lib.rs");
    for method in [
        "textDocument/didOpen",
        "textDocument/didChange",
        "textDocument/didSave",
        "textDocument/didClose",
        "workspace/didChangeWorkspaceFolders",
        "workspace/didChangeWatchedFiles",
        "workspace/didChangeConfiguration",
    ] {
        for params in [json!(null), json!([]), json!(7), json!({}), json!({"textDocument": {"uri": "no uri"}})] {
            client.tell(method, params);
        }
        client.said("window/logMessage", method);
    }
    client.edit(&folder.uri("unknown.rs"), 2, (0, 0), (0, 0), "x");
    client.said("window/logMessage", "unknown.rs is not open");
    client.close(&folder.uri("unknown.rs"));
    client.said("window/logMessage", "unknown.rs is not open");
    client.open(&lib, 1, FAULT);
    client.open(&lib, 2, &repaired());
    assert_eq!(client.published(&lib, 2).codes(), [""; 0], "opened twice: the later one");
    assert_eq!(client.leave(), Ended::Properly);
}

/// A change that cannot be read leaves the server with another text than the client: nothing is told of it until they agree again.
#[test]
fn changes_that_cannot_be_read() {
    let folder = package(FAULT);
    let mut client = Client::start(&[&folder]);
    let lib = folder.uri("src/lib.rs");
    let place = |line: i64| json!({"line": line, "character": 0});
    for wrong in [
        json!([{"range": {"start": place(-1), "end": place(1)}, "text": "// a\n"}]),
        json!([{"range": {"start": place(0)}, "text": ""}]),
        json!([{"range": {"start": place(4294967296), "end": place(4294967296)}, "text": ""}]),
        json!([{"text": 7}]),
        json!("all of it"),
    ] {
        client.open(&lib, 1, FAULT);
        assert_eq!(client.published(&lib, 1).codes(), [RULE]);
        client.change(&lib, 2, wrong);
        client.said("window/logMessage", "textDocument/didChange");
        client.said("window/showMessage", "lost track of");
        client.edit(&lib, 3, (0, 0), (0, 0), "\n");
        std::thread::sleep(Duration::from_millis(100));
        assert!(client.rest().iter().filter_map(published).next().is_none(), "what was told stays");
        // This client does not send the text along: what was saved is on the disk.
        folder.write("src/lib.rs", &format!("\n{FAULT}"));
        client.save(&lib, None);
        assert_eq!(client.published(&lib, 3).lines(), [RENAME + 1]);
        client.edit(&lib, 4, (0, 0), (1, 0), "");
        assert_eq!(client.published(&lib, 4).lines(), [RENAME]);
        client.close(&lib);
    }
}

#[test]
fn a_folder_is_renamed() {
    let folder = package("mod deep;\nmod wide;\n");
    folder.write("src/deep/mod.rs", FAULT);
    let mut client = Client::start(&[&folder]);
    let operations = &client.initialized["capabilities"]["workspace"]["fileOperations"];
    for operation in ["didCreate", "didRename", "didDelete"] {
        assert_eq!(operations[operation]["filters"][0]["pattern"]["glob"], "**");
    }
    let (deep, wide) = (folder.uri("src/deep/mod.rs"), folder.uri("src/wide/mod.rs"));
    assert_eq!(client.published_that(&deep, |_| true).codes(), [RULE]);
    fs::rename(folder.path().join("src/deep"), folder.path().join("src/wide")).unwrap();
    let files = json!([{"oldUri": folder.uri("src/deep"), "newUri": folder.uri("src/wide")}]);
    client.tell("workspace/didRenameFiles", json!({ "files": files }));
    assert_eq!(client.published_that(&wide, |_| true).codes(), [RULE]);
    assert_eq!(client.published_that(&deep, |_| true).codes(), [""; 0]);
    fs::remove_dir_all(folder.path().join("src/wide")).unwrap();
    client.tell("workspace/didDeleteFiles", json!({"files": [{"uri": folder.uri("src/wide")}]}));
    assert_eq!(client.published_that(&wide, |_| true).codes(), [""; 0]);
}

#[test]
fn a_root_inside_another() {
    let folder = package(FAULT);
    folder.write("inner/Cargo.toml", &manifest("inner"));
    folder.write("inner/src/lib.rs", FAULT);
    let mut client = Client::start(&[&folder]);
    let (outer, inner) = (folder.uri("src/lib.rs"), folder.uri("inner/src/lib.rs"));
    let change = |client: &Client, added: &[String], removed: &[String]| {
        let list = |uris: &[String]| uris.iter().map(|uri| json!({"uri": uri, "name": "x"})).collect::<Vec<_>>();
        let event = json!({"added": list(added), "removed": list(removed)});
        client.tell("workspace/didChangeWorkspaceFolders", json!({ "event": event }));
    };
    change(&client, &[folder.uri("inner")], &[]);
    let end = folder.uri("end.rs");
    client.open(&end, 1, "");
    client.published(&end, 1);
    let told: Vec<Published> = client.rest().iter().filter_map(published).collect();
    assert!(told.iter().filter(|told| told.uri == inner).all(|told| told.codes() == [RULE]), "told once: {told:?}");
    // What goes with the inner one is still in the outer one.
    change(&client, &[], &[folder.uri("inner/")]);
    client.open(&end, 2, "");
    client.published(&end, 2);
    assert!(client.rest().iter().filter_map(published).all(|told| told.uri == end));
    change(&client, &[folder.uri("inner")], &[folder.uri("")]);
    assert_eq!(client.published_that(&outer, |_| true).codes(), [""; 0]);
    change(&client, &[], &[folder.uri("inner")]);
    assert_eq!(client.published_that(&inner, |_| true).codes(), [""; 0]);
}

/// The folder goes, the editor stays.
#[test]
fn a_root_deleted_while_a_file_in_it_is_edited() {
    let folder = package(FAULT);
    let mut client = Client::start(&[&folder]);
    let lib = folder.uri("src/lib.rs");
    client.open(&lib, 1, FAULT);
    assert_eq!(client.published(&lib, 1).codes(), [RULE]);
    let root = uri(&folder.path());
    fs::remove_dir_all(folder.path()).unwrap();
    client.edit(&lib, 2, (0, 0), (0, 0), "\n");
    assert_eq!(client.published(&lib, 2).lines(), [RENAME + 1]);
    let told = client.published_that(&root, |_| true);
    assert!(told.diagnostics[0]["message"].as_str().unwrap().contains("no such file"), "{told:?}");
}

/// The places in `value`, as JSON pointers; `own` is its own.
fn pointers(value: &Value, own: String) -> Vec<String> {
    let inner: Vec<String> = match value {
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| pointers(value, format!("{own}/{name}"))).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(at, value)| pointers(value, format!("{own}/{at}"))).collect()
        }
        _ => Vec::new(),
    };
    std::iter::once(own).chain(inner).collect()
}

/// Messages of all kinds with something wrong anywhere in them: whatever they do, a request behind them is answered, and a document is
/// checked.
#[test]
fn nothing_that_is_said_ends_the_server() {
    let mut seed = 7_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as usize % below
    };
    let folder = package(FAULT);
    let lib = folder.uri("src/lib.rs");
    let range = json!({"start": {"line": 3, "character": 0}, "end": {"line": 4, "character": 0}});
    let kinds = [
        (
            "textDocument/didOpen",
            json!({"textDocument": {"uri": lib, "languageId": "rust", "version": 1, "text": FAULT}}),
        ),
        (
            "textDocument/didChange",
            json!({
                "textDocument": {"uri": lib, "version": 2},
                "contentChanges": [{"range": range, "text": "fn f( {"}, {"range": range, "rangeLength": 3, "text": "é"}],
            }),
        ),
        ("textDocument/didSave", json!({"textDocument": {"uri": lib}, "text": FAULT})),
        ("textDocument/didClose", json!({"textDocument": {"uri": lib}})),
        (
            "workspace/didChangeWorkspaceFolders",
            json!({
                "event": {"added": [{"uri": folder.uri(""), "name": "x"}], "removed": [{"uri": folder.uri("a"), "name": "y"}]},
            }),
        ),
        ("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": lib, "type": 2}]})),
        ("workspace/didChangeConfiguration", json!({"settings": {"fsynclint": {"minLevel": "info"}}})),
        ("initialized", json!({})),
        ("$/cancelRequest", json!({"id": 1})),
    ];
    let wrong = [
        json!(null),
        json!(-1),
        json!(4294967296_u64),
        json!(1e300),
        json!(""),
        json!("file://host/x"),
        json!("\u{0}"),
        json!([]),
        json!({}),
        json!([[[[]]]]),
        json!(true),
        json!(99),
        json!(0),
    ];
    let mut client = Client::start(&[&folder]);
    for _ in 0..3000 {
        let (method, params) = &kinds[random(kinds.len())];
        let mut params = params.clone();
        let nodes = pointers(&params, String::new());
        if random(5) > 0 {
            *params.pointer_mut(&nodes[random(nodes.len())]).unwrap() = wrong[random(wrong.len())].clone();
        }
        client.tell(method, params);
        if random(50) == 0 {
            assert_eq!(client.ask(method, json!({})).unwrap_err().0, -32601);
        }
    }
    client.tell("workspace/didChangeConfiguration", json!({"settings": {"fsynclint": {}}}));
    client.open(&lib, 1_000_000, FAULT);
    assert_eq!(client.published(&lib, 1_000_000).codes(), [RULE]);
    assert_eq!(client.leave(), Ended::Properly);
}

#[test]
fn broken_inputs_are_told_at_their_place() {
    let folder = package(FAULT);
    folder.write("Cargo.toml", "[package]\nname = \"store\"\nversion = \n");
    fs::write(folder.path().join("src/bytes.rs"), b"fn a() {}\n// \xff\n").unwrap();
    let mut client = Client::start(&[&folder]);
    let told = client.published_that(&folder.uri("Cargo.toml"), |_| true);
    assert_eq!((told.lines(), &told.diagnostics[0]["severity"]), (vec![2], &json!(2)), "{told:?}");
    let told = client.published_that(&folder.uri("src/bytes.rs"), |_| true);
    assert_eq!(told.lines(), [1]);
    assert_eq!(told.diagnostics[0]["message"], "not checked: is not UTF-8 (byte 0xff)");
    folder.write("Cargo.toml", &manifest("store"));
    client.watched(&folder.uri("Cargo.toml"), 2);
    assert_eq!(client.published_that(&folder.uri("Cargo.toml"), |_| true).diagnostics, [] as [Value; 0]);
}

#[test]
fn settings_that_cannot_be_read() {
    let folder = package(FAULT);
    folder.write("fsynclint.toml/x", "");
    let mut client = Client::start(&[&folder]);
    let told = client.published_that(&folder.uri("fsynclint.toml"), |_| true);
    assert_eq!((told.lines(), &told.diagnostics[0]["severity"]), (vec![0], &json!(2)), "{told:?}");
    assert_eq!(told.diagnostics[0]["message"], "is not a regular file");
    assert_eq!(client.published_that(&folder.uri("src/lib.rs"), |_| true).codes(), [RULE], "the rest is checked");
    // Two files that cannot both hold.
    fs::remove_dir_all(folder.path().join("fsynclint.toml")).unwrap();
    folder.write("fsynclint.toml", "# One.\nplatform = \"unix\"\n");
    folder.write("src/fsynclint.toml", "platform = \"windows\"\n");
    client.watched(&folder.uri("src/fsynclint.toml"), 1);
    let told = client.published_that(&folder.uri("src/fsynclint.toml"), |_| true);
    let range = json!({"start": {"line": 0, "character": 11}, "end": {"line": 0, "character": 20}});
    assert_eq!((&told.diagnostics[0]["range"], &told.diagnostics[0]["severity"]), (&range, &json!(1)));
    let message = told.diagnostics[0]["message"].as_str().unwrap();
    assert!(message.starts_with("another platform than in ") && message.contains("fsynclint.toml:2"), "{message}");
}

#[test]
fn a_client_without_related_information_reads_the_steps() {
    let folder = package(FAULT);
    let mut client = Client::start_with(&[&folder], json!({}), Value::Null);
    let told = client.published_that(&folder.uri("src/lib.rs"), |_| true);
    let message = told.diagnostics[0]["message"].as_str().unwrap();
    assert!(message.contains("\n1: written: now only in the page cache (lib.rs:7)\n2: renamed:"), "{message}");
}
