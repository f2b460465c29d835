//! A client for the tests: says what it is told to, and keeps what the server says until a test asks for it.

use fsynclint::lsp::{Ended, Options, serve};
use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// For how long something that has to come may take. A machine under load is slow, and no test waits in vain.
const LONG: Duration = Duration::from_secs(60);

/// A folder with files in it, gone when dropped.
pub struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    /// With these files.
    pub fn with(files: &[(&str, &str)]) -> Folder {
        let folder = Folder { dir: tempfile::tempdir().unwrap() };
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    /// Its path, without links.
    pub fn path(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The name of a file in the protocol.
    pub fn uri(&self, name: &str) -> String {
        uri(&self.path().join(name))
    }
}

/// The name of `path` in the protocol.
pub fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// What the server says of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    pub uri: String,
    pub version: Option<i64>,
    pub diagnostics: Vec<Value>,
}

impl Published {
    /// Rules that are reported, in order.
    pub fn codes(&self) -> Vec<&str> {
        self.diagnostics.iter().filter_map(|diagnostic| diagnostic["code"].as_str()).collect()
    }

    /// 0-based first lines of what is reported.
    pub fn lines(&self) -> Vec<u64> {
        self.diagnostics.iter().filter_map(|diagnostic| diagnostic["range"]["start"]["line"].as_u64()).collect()
    }
}

pub struct Client {
    connection: Option<Connection>,
    server: Option<JoinHandle<Ended>>,
    inbox: Vec<Message>,
    next: i32,
    /// Answers to what the server asks, by method.
    pub answers: Vec<(&'static str, Value)>,
    /// What the server has asked.
    pub asked: Vec<Request>,
    /// What the server said of itself.
    pub initialized: Value,
}

impl Client {
    /// A server that nobody has spoken to.
    pub fn unstarted() -> Client {
        Client::unstarted_with(Options { patience: Duration::from_millis(20), ..Options::default() })
    }

    pub fn unstarted_with(options: Options) -> Client {
        let cache = tempfile::tempdir().unwrap();
        let options = Options { cache: Some(cache.path().to_path_buf()), ..options };
        let (server, client) = Connection::memory();
        let server = std::thread::spawn(move || {
            let ended = serve(server, options).unwrap();
            drop(cache);
            ended
        });
        Client {
            connection: Some(client),
            server: Some(server),
            inbox: Vec::new(),
            next: 0,
            answers: Vec::new(),
            asked: Vec::new(),
            initialized: Value::Null,
        }
    }

    /// A server for `roots`, and a client that shows related information.
    pub fn start(roots: &[&Folder]) -> Client {
        let capabilities = json!({"textDocument": {"publishDiagnostics": {"relatedInformation": true}}});
        Client::start_with(roots, capabilities, Value::Null)
    }

    pub fn start_with(roots: &[&Folder], capabilities: Value, options: Value) -> Client {
        Client::unstarted().initialize(roots, capabilities, options)
    }

    pub fn initialize(mut self, roots: &[&Folder], capabilities: Value, options: Value) -> Client {
        let folders: Vec<Value> = roots.iter().map(|root| json!({"uri": root.uri(""), "name": "x"})).collect();
        let folders = if folders.is_empty() { Value::Null } else { json!(folders) };
        let params = json!({
            "processId": null, "rootUri": null, "capabilities": capabilities, "workspaceFolders": folders,
            "initializationOptions": options,
        });
        self.initialized = self.ask("initialize", params).unwrap();
        self.tell("initialized", json!({}));
        self
    }

    fn send(&self, message: impl Into<Message>) {
        self.connection.as_ref().unwrap().sender.send(message.into()).unwrap();
    }

    /// Sends a notification.
    pub fn tell(&self, method: &str, params: Value) {
        self.send(Notification { method: method.into(), params });
    }

    /// Sends a request and waits for its response: the result, or the error's code and message.
    pub fn ask(&mut self, method: &str, params: Value) -> Result<Value, (i32, String)> {
        self.next += 1;
        let id = RequestId::from(self.next);
        self.send(Request { id: id.clone(), method: method.into(), params });
        let response = self.wait(&format!("the answer to {method}"), |message| match message {
            Message::Response(response) if response.id == id => Some(response.clone()),
            _ => None,
        });
        response.response_result.map_err(|error| (error.code, error.message))
    }

    /// Waits for a message for which `wanted` gives something, and takes it out. Others are kept in their order.
    pub fn wait<T>(&mut self, what: &str, wanted: impl Fn(&Message) -> Option<T>) -> T {
        let end = Instant::now() + LONG;
        loop {
            let found = self.inbox.iter().enumerate().find_map(|(at, message)| Some((at, wanted(message)?)));
            if let Some((at, found)) = found {
                self.inbox.remove(at);
                return found;
            }
            self.receive(end.saturating_duration_since(Instant::now()))
                .unwrap_or_else(|error| panic!("{what} did not come: {error}; there was {:#?}", self.inbox));
        }
    }

    fn receive(&mut self, patience: Duration) -> Result<(), crossbeam_channel::RecvTimeoutError> {
        let connection = self.connection.as_ref().unwrap();
        let message = connection.receiver.recv_timeout(patience)?;
        if let Message::Request(request) = &message {
            let answer = self.answers.iter().find(|(method, _)| *method == request.method);
            let answer = answer.map_or(Value::Null, |(_, answer)| answer.clone());
            self.send(Response::new_ok(request.id.clone(), answer));
            self.asked.push(request.clone());
        } else {
            self.inbox.push(message);
        }
        Ok(())
    }

    /// Waits for something that the server says of `uri`, and that is `wanted`; all before it is passed over.
    pub fn published_that(&mut self, uri: &str, wanted: impl Fn(&Published) -> bool) -> Published {
        let found = self.wait(&format!("something about {uri}"), |message| {
            published(message).filter(|published| published.uri == uri && wanted(published))
        });
        self.inbox.retain(|message| published(message).is_none_or(|published| published.uri != uri));
        found
    }

    /// Waits for what the server says of `uri` in `version`.
    pub fn published(&mut self, uri: &str, version: i64) -> Published {
        self.published_that(uri, |published| published.version == Some(version))
    }

    /// Waits for a line in the log, or a message to the user, with `text` in it.
    pub fn said(&mut self, method: &str, text: &str) -> String {
        self.wait(&format!("{method} with `{text}`"), |message| match message {
            Message::Notification(notification) if notification.method == method => {
                notification.params["message"].as_str().filter(|said| said.contains(text)).map(str::to_string)
            }
            _ => None,
        })
    }

    /// Everything that has come and was not asked for, after the server has done what it was told so far.
    pub fn rest(&mut self) -> Vec<Message> {
        let _ = self.ask("$/nothing", Value::Null);
        std::mem::take(&mut self.inbox)
    }

    pub fn open(&self, uri: &str, version: i64, text: &str) {
        let document = json!({"uri": uri, "languageId": "rust", "version": version, "text": text});
        self.tell("textDocument/didOpen", json!({"textDocument": document}));
    }

    /// Replaces everything.
    pub fn replace(&self, uri: &str, version: i64, text: &str) {
        self.change(uri, version, json!([{"text": text}]));
    }

    /// Replaces what stands between two places, each a line and a column.
    pub fn edit(&self, uri: &str, version: i64, from: (u32, u32), to: (u32, u32), text: &str) {
        let range = json!({
            "start": {"line": from.0, "character": from.1}, "end": {"line": to.0, "character": to.1},
        });
        self.change(uri, version, json!([{"range": range, "text": text}]));
    }

    pub fn change(&self, uri: &str, version: i64, changes: Value) {
        let document = json!({"uri": uri, "version": version});
        self.tell("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}));
    }

    pub fn save(&self, uri: &str, text: Option<&str>) {
        self.tell("textDocument/didSave", json!({"textDocument": {"uri": uri}, "text": text}));
    }

    pub fn close(&self, uri: &str) {
        self.tell("textDocument/didClose", json!({"textDocument": {"uri": uri}}));
    }

    /// Says that files were changed (1: made, 2: changed, 3: gone).
    pub fn watched(&self, uri: &str, kind: u32) {
        self.tell("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": uri, "type": kind}]}));
    }

    /// Leaves, and says how the server took it.
    pub fn leave(mut self) -> Ended {
        assert_eq!(self.ask("shutdown", Value::Null), Ok(Value::Null));
        self.exit()
    }

    /// Says `exit` and nothing before.
    pub fn exit(mut self) -> Ended {
        self.tell("exit", Value::Null);
        self.server.take().unwrap().join().unwrap()
    }

    /// Is gone from one moment to the next.
    pub fn vanish(mut self) -> Ended {
        drop(self.connection.take());
        self.server.take().unwrap().join().unwrap()
    }
}

/// What `message` says of a file.
pub fn published(message: &Message) -> Option<Published> {
    let Message::Notification(notification) = message else { return None };
    let params = &notification.params;
    (notification.method == "textDocument/publishDiagnostics").then(|| Published {
        uri: params["uri"].as_str().unwrap().into(),
        version: params["version"].as_i64(),
        diagnostics: params["diagnostics"].as_array().unwrap().clone(),
    })
}
