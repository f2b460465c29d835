//! The conversation with the editor. Whatever it says is answered, or logged where it expects no answer; nothing it says ends the
//! server but `exit`.

use super::analysis::{Job, Outcome, Worker};
use super::diagnostics::{self, Style};
use super::documents::{self, Documents};
use super::pages::Pages;
use super::position::Encoding;
use super::settings::Settings;
use crate::discover::{DiskTexts, Texts};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{self as notes, Notification as _};
use lsp_types::request::{self as asks, Request as _};
use lsp_types::*;
use rustc_hash::FxHashMap;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How a server works.
#[derive(Debug, Clone)]
pub struct Options {
    /// For how long nothing may be typed before an analysis starts.
    pub patience: Duration,
    /// What takes longer than this shows as progress.
    pub slow: Duration,
    /// The user's cache folder, for the pages of the rules that diagnostics link to.
    pub cache: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options { patience: Duration::from_millis(100), slow: Duration::from_secs(1), cache: None }
    }
}

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// `exit` after `shutdown`.
    Properly,
    /// `exit` without `shutdown`, or nobody is there any more.
    Abruptly,
}

/// Serves the client at the other end of `connection` until it leaves. Errors: no thread for the analyses.
pub fn serve(connection: Connection, options: Options) -> std::io::Result<Ended> {
    let worker = Worker::start()?;
    let Connection { sender, receiver } = connection;
    let mut server = Server::new(sender, worker.jobs, options);
    loop {
        let wake = server.wake().map_or_else(crossbeam_channel::never, crossbeam_channel::at);
        let mut outcome = None;
        crossbeam_channel::select! {
            recv(receiver) -> message => match message {
                Ok(message) => if let Some(ended) = server.take(message) { return Ok(ended) },
                Err(_) => return Ok(Ended::Abruptly),
            },
            recv(worker.outcomes) -> answer => outcome = answer.ok(),
            recv(wake) -> _ => {}
        }
        // What the client has already said comes first: an analysis of less than that is out of date.
        for message in receiver.try_iter() {
            if let Some(ended) = server.take(message) {
                return Ok(ended);
            }
        }
        if let Some(outcome) = outcome {
            server.finished(outcome);
        }
        server.start();
        server.show_slow_work();
        if server.deserted.get() {
            server.stop();
            return Ok(Ended::Abruptly);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Uninitialized,
    Running,
    ShutDown,
}

/// What the client is able to do.
#[derive(Debug, Clone, Copy)]
struct Client {
    style: Style,
    /// Watches files if asked to.
    watches: bool,
    /// Tells of changed settings if asked to.
    announces_settings: bool,
    /// Gives its settings if asked for them.
    gives_settings: bool,
    /// Shows progress.
    shows_progress: bool,
}

/// Work that is under way, however often it started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Busy {
    /// The client was not told of it yet.
    Since(Instant),
    /// The client was asked for a place to show it in, by this token.
    Announced(u64),
    /// It is shown there.
    Shown(u64),
}

/// What a request to the client was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Settings,
    Registration,
    Progress,
}

struct Server {
    sender: crossbeam_channel::Sender<Message>,
    jobs: crossbeam_channel::Sender<Job>,
    patience: Duration,
    pages: Pages,
    phase: Phase,
    client: Client,
    roots: Vec<PathBuf>,
    /// What the client gave when it started.
    options: Value,
    settings: Settings,
    documents: Documents,
    /// Counts the states of all that an analysis depends on, as far as the client tells.
    generation: u64,
    /// When to start the next analysis.
    due: Option<Instant>,
    /// Stops the analysis that is under way.
    running: Option<Arc<AtomicBool>>,
    slow: Duration,
    busy: Option<Busy>,
    /// What the client was last told, of files of which there is something to tell.
    published: BTreeMap<String, (Uri, Vec<Diagnostic>)>,
    asked: FxHashMap<RequestId, Asked>,
    requests: i32,
    /// Nobody reads what is sent.
    deserted: Cell<bool>,
}

impl Server {
    fn new(
        sender: crossbeam_channel::Sender<Message>,
        jobs: crossbeam_channel::Sender<Job>,
        options: Options,
    ) -> Server {
        let style = Style { encoding: Encoding::Utf16, shows_steps: false };
        Server {
            sender,
            jobs,
            patience: options.patience,
            pages: Pages::new(options.cache),
            phase: Phase::Uninitialized,
            client: Client {
                style,
                watches: false,
                announces_settings: false,
                gives_settings: false,
                shows_progress: false,
            },
            roots: Vec::new(),
            options: Value::Null,
            settings: Settings::default(),
            documents: Documents::default(),
            generation: 0,
            due: None,
            running: None,
            slow: options.slow,
            busy: None,
            published: BTreeMap::new(),
            asked: FxHashMap::default(),
            requests: 0,
            deserted: Cell::new(false),
        }
    }

    /// Takes one message. A mistake of this program in it costs that message alone.
    fn take(&mut self, message: Message) -> Option<Ended> {
        let request = match &message {
            Message::Request(request) => Some(request.id.clone()),
            _ => None,
        };
        let work = std::panic::AssertUnwindSafe(|| self.message(message));
        std::panic::catch_unwind(work).unwrap_or_else(|_| {
            let text = "internal error: this is a bug in fsynclint";
            match request {
                Some(id) => self.refuse(id, ErrorCode::InternalError, text.into()),
                None => self.log(MessageType::ERROR, text.into()),
            }
            None
        })
    }

    fn message(&mut self, message: Message) -> Option<Ended> {
        match message {
            Message::Request(request) => self.request(request),
            Message::Response(response) => self.response(response),
            Message::Notification(notification) if notification.method == notes::Exit::METHOD => {
                self.stop();
                let properly = self.phase == Phase::ShutDown;
                return Some(if properly { Ended::Properly } else { Ended::Abruptly });
            }
            Message::Notification(notification) if self.phase == Phase::Running => {
                let method = notification.method.clone();
                if let Err(error) = self.notification(notification) {
                    self.log(MessageType::ERROR, format!("{method}: {error}"));
                }
            }
            Message::Notification(_) => {}
        }
        None
    }

    fn request(&mut self, request: Request) {
        let Request { id, method, params } = request;
        match (self.phase, method.as_str()) {
            (Phase::Uninitialized, asks::Initialize::METHOD) => match self.initialize(&params) {
                Ok(result) => {
                    self.phase = Phase::Running;
                    self.send(Response::new_ok(id, result));
                }
                Err(error) => self.refuse(id, ErrorCode::InvalidParams, format!("{method}: {error}")),
            },
            (Phase::Uninitialized, _) => {
                self.refuse(id, ErrorCode::ServerNotInitialized, format!("`{method}` before `initialize`"));
            }
            (Phase::Running, asks::Initialize::METHOD) => {
                self.refuse(id, ErrorCode::InvalidRequest, "`initialize` is sent once".into());
            }
            (Phase::Running, asks::Shutdown::METHOD) => {
                self.phase = Phase::ShutDown;
                self.stop();
                self.send(Response::new_ok(id, Value::Null));
            }
            (Phase::Running, _) => {
                self.refuse(id, ErrorCode::MethodNotFound, format!("fsynclint does not answer `{method}`"));
            }
            (Phase::ShutDown, _) => {
                self.refuse(id, ErrorCode::InvalidRequest, format!("`{method}` after `shutdown`"));
            }
        }
    }

    /// Reads of the parameters what matters here and nothing else: a client may be newer than this server.
    fn initialize(&mut self, params: &Value) -> Result<Value, String> {
        if !params.is_object() {
            return Err("the parameters are no object".into());
        }
        let able = |path: &str| params.pointer(&format!("/capabilities/{path}")).and_then(Value::as_bool) == Some(true);
        let encodings = params.pointer("/capabilities/general/positionEncodings").cloned().unwrap_or_default();
        let encodings: Option<Vec<PositionEncodingKind>> = read(encodings)?;
        let encoding = Encoding::negotiate(&encodings.unwrap_or_default());
        let shows_steps = able("textDocument/publishDiagnostics/relatedInformation");
        self.client = Client {
            style: Style { encoding, shows_steps },
            watches: able("workspace/didChangeWatchedFiles/dynamicRegistration"),
            announces_settings: able("workspace/didChangeConfiguration/dynamicRegistration"),
            gives_settings: able("workspace/configuration"),
            shows_progress: able("window/workDoneProgress"),
        };
        let folders: Option<Vec<WorkspaceFolder>> = read(params["workspaceFolders"].clone())?;
        let root: Option<Uri> = read(params["rootUri"].clone())?;
        match (folders, root, params["rootPath"].as_str()) {
            (Some(folders), ..) => folders.iter().for_each(|folder| self.add_root(&folder.uri)),
            (None, Some(root), _) => self.add_root(&root),
            (None, None, Some(path)) if Path::new(path).is_absolute() => self.roots.push(path.into()),
            (None, None, Some(path)) => self.log(MessageType::WARNING, no_folder(path)),
            (None, None, None) => {}
        }
        self.options = params["initializationOptions"].clone();
        self.take_settings(&Value::Null);
        let sync = TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(SaveOptions { include_text: Some(true) }.into()),
            ..TextDocumentSyncOptions::default()
        };
        let folders =
            WorkspaceFoldersServerCapabilities { supported: Some(true), change_notifications: Some(OneOf::Left(true)) };
        let capabilities = ServerCapabilities {
            position_encoding: Some(encoding.kind()),
            text_document_sync: Some(sync.into()),
            workspace: Some(WorkspaceServerCapabilities {
                workspace_folders: Some(folders),
                file_operations: Some(file_operations()),
            }),
            ..ServerCapabilities::default()
        };
        Ok(json!({
            "capabilities": capabilities,
            "serverInfo": {"name": "fsynclint", "version": env!("CARGO_PKG_VERSION")},
        }))
    }

    fn notification(&mut self, notification: Notification) -> Result<(), String> {
        let Notification { method, params } = notification;
        match method.as_str() {
            notes::Initialized::METHOD => self.initialized(),
            notes::DidOpenTextDocument::METHOD => {
                let DidOpenTextDocumentParams { text_document } = read(params)?;
                let TextDocumentItem { uri, language_id, version, text } = text_document;
                self.documents.open(uri, &language_id, version, text);
                self.schedule(Duration::ZERO);
            }
            notes::DidChangeTextDocument::METHOD => self.changed(params)?,
            notes::DidSaveTextDocument::METHOD => {
                let DidSaveTextDocumentParams { text_document, text } = read(params)?;
                let revision = self.documents.next_revision();
                if let Some(document) = self.documents.get_mut(&text_document.uri) {
                    // Of a document that it has lost track of, what was saved is all that the server can know.
                    let on_disk = || document.lost.as_ref().and_then(|_| DiskTexts.read(&document.path).ok());
                    if let Some(text) = text.map(Into::into).or_else(on_disk) {
                        document.replace(&text, revision);
                    }
                }
                self.schedule(Duration::ZERO);
            }
            notes::DidCloseTextDocument::METHOD => {
                let DidCloseTextDocumentParams { text_document } = read(params)?;
                let closed = self.documents.close(&text_document.uri);
                closed.ok_or_else(|| not_open(&text_document.uri))?;
                self.schedule(Duration::ZERO);
            }
            notes::DidChangeWorkspaceFolders::METHOD => {
                let DidChangeWorkspaceFoldersParams { event } = read(params)?;
                let gone: Vec<PathBuf> =
                    event.removed.iter().filter_map(|folder| documents::path(&folder.uri)).collect();
                self.roots.retain(|root| !gone.contains(root));
                event.added.iter().for_each(|folder| self.add_root(&folder.uri));
                self.schedule(Duration::ZERO);
            }
            notes::DidChangeWatchedFiles::METHOD => {
                let DidChangeWatchedFilesParams { changes } = read(params)?;
                // Of an open document the editor's text counts, not the disk's.
                let matters = |change: &FileEvent| {
                    change.typ != FileChangeType::CHANGED || self.documents.get(&change.uri).is_none()
                };
                if changes.iter().any(matters) {
                    self.schedule(self.patience);
                }
            }
            // Of a folder that is moved or deleted, clients that watch files say no more than this.
            notes::DidCreateFiles::METHOD | notes::DidRenameFiles::METHOD | notes::DidDeleteFiles::METHOD => {
                self.schedule(self.patience);
            }
            notes::DidChangeConfiguration::METHOD => {
                if self.client.gives_settings {
                    self.ask_for_settings();
                } else {
                    let DidChangeConfigurationParams { settings } = read(params)?;
                    self.take_settings(&settings);
                    self.schedule(Duration::ZERO);
                }
            }
            // Every request is answered at once: there is none to cancel. Others are of no interest.
            _ => {}
        }
        Ok(())
    }

    fn initialized(&mut self) {
        let watch = |glob: &str| FileSystemWatcher { glob_pattern: GlobPattern::String(glob.into()), kind: None };
        let watchers = ["**/*.rs", "**/Cargo.toml", "**/fsynclint.toml"].map(watch).to_vec();
        let mut registrations = Vec::new();
        let mut register = |method: &str, options: Value| {
            let register_options = (!options.is_null()).then_some(options);
            registrations.push(Registration { id: method.into(), method: method.into(), register_options });
        };
        if self.client.watches {
            register(
                notes::DidChangeWatchedFiles::METHOD,
                json!(DidChangeWatchedFilesRegistrationOptions { watchers }),
            );
        }
        if self.client.announces_settings {
            register(notes::DidChangeConfiguration::METHOD, json!({"section": "fsynclint"}));
        }
        if !registrations.is_empty() {
            self.ask(
                asks::RegisterCapability::METHOD,
                json!(RegistrationParams { registrations }),
                Asked::Registration,
            );
        }
        if self.client.gives_settings {
            self.ask_for_settings();
        }
        // Settings that were asked for come soon: without them what is shown first could be wrong.
        self.schedule(if self.client.gives_settings { self.patience } else { Duration::ZERO });
    }

    fn changed(&mut self, params: Value) -> Result<(), String> {
        let encoding = self.client.style.encoding;
        let revision = self.documents.next_revision();
        let uri: Result<Uri, String> = read(params["textDocument"]["uri"].clone());
        let (uri, done) = match read(params) {
            Ok(DidChangeTextDocumentParams { text_document, content_changes }) => {
                let VersionedTextDocumentIdentifier { uri, version } = text_document;
                let document = self.documents.get_mut(&uri).ok_or_else(|| not_open(&uri))?;
                let done = document.change(&content_changes, version, revision, encoding);
                (uri, done)
            }
            // Something was changed, and what it was is not known.
            Err(error) => {
                let Some((uri, document)) = uri.ok().and_then(|uri| Some((uri.clone(), self.documents.get_mut(&uri)?)))
                else {
                    return Err(error);
                };
                document.lost = Some(error.clone());
                (uri, Err(error))
            }
        };
        self.schedule(self.patience);
        done.map_err(|error| {
            let name = uri.as_str();
            let text =
                format!("fsynclint has lost track of {name}: {error}. Save it, or open it again, to have it checked.");
            self.show(MessageType::WARNING, text);
            format!("{name}: {error}")
        })
    }

    fn response(&mut self, response: Response) {
        let Some(asked) = self.asked.remove(&response.id) else {
            self.log(MessageType::WARNING, format!("nothing was asked with the id {}", response.id));
            return;
        };
        match (asked, response.response_result) {
            (Asked::Settings, Ok(values)) => {
                self.take_settings(values.get(0).unwrap_or(&Value::Null));
                self.schedule(Duration::ZERO);
            }
            (Asked::Registration, Ok(_)) => {}
            (Asked::Progress, Ok(_)) => {
                if let Some(Busy::Announced(token)) = self.busy {
                    self.progress(token, json!({"kind": "begin", "title": "fsynclint", "message": "checking"}));
                    self.busy = Some(Busy::Shown(token));
                }
            }
            (_, Err(error)) => self.log(MessageType::WARNING, format!("the client refused: {}", error.message)),
        }
    }

    fn ask_for_settings(&mut self) {
        let items = vec![ConfigurationItem { scope_uri: None, section: Some("fsynclint".into()) }];
        self.ask(asks::WorkspaceConfiguration::METHOD, json!(ConfigurationParams { items }), Asked::Settings);
    }

    /// Where the client has no settings, the options that it started the server with hold.
    fn take_settings(&mut self, value: &Value) {
        let value = value.get("fsynclint").unwrap_or(value);
        let (settings, wrong) = Settings::read(if value.is_null() { &self.options } else { value });
        self.settings = settings;
        for text in wrong {
            self.show(MessageType::WARNING, text);
        }
    }

    fn add_root(&mut self, uri: &Uri) {
        match documents::path(uri) {
            Some(path) if !self.roots.contains(&path) => self.roots.push(path),
            Some(_) => {}
            None => self.log(MessageType::WARNING, no_folder(uri.as_str())),
        }
    }

    /// Something has changed: what is under way is out of date, and unless more changes within `patience`, an analysis starts.
    fn schedule(&mut self, patience: Duration) {
        self.stop();
        self.generation += 1;
        self.due = Some(Instant::now() + patience);
    }

    fn stop(&self) {
        if let Some(stop) = &self.running {
            stop.store(true, Ordering::Relaxed);
        }
    }

    /// When there is something to do though nobody says anything.
    fn wake(&self) -> Option<Instant> {
        let slow = match self.busy {
            Some(Busy::Since(start)) if self.client.shows_progress => Some(start + self.slow),
            _ => None,
        };
        self.due().into_iter().chain(slow).min()
    }

    /// Asks the client to show work that takes long.
    fn show_slow_work(&mut self) {
        if let Some(Busy::Since(start)) = self.busy
            && self.client.shows_progress
            && start.elapsed() >= self.slow
        {
            let token = self.generation;
            self.busy = Some(Busy::Announced(token));
            self.ask(asks::WorkDoneProgressCreate::METHOD, json!({"token": token_name(token)}), Asked::Progress);
        }
    }

    fn progress(&self, token: u64, value: Value) {
        self.notify(notes::Progress::METHOD, json!({"token": token_name(token), "value": value}));
    }

    /// When to call [`Server::start`] next.
    fn due(&self) -> Option<Instant> {
        self.due.filter(|_| self.running.is_none())
    }

    /// Starts an analysis if it is time for one.
    fn start(&mut self) {
        if self.phase != Phase::Running || self.due().is_none_or(|due| due > Instant::now()) {
            return;
        }
        self.due = None;
        let stop = Arc::new(AtomicBool::new(false));
        let job = Job {
            generation: self.generation,
            roots: self.roots.clone(),
            documents: self.documents.read().map(|document| document.snapshot()).collect(),
            config: self.settings.config(),
            stop: Arc::clone(&stop),
        };
        if self.jobs.send(job).is_ok() {
            self.running = Some(stop);
            self.busy.get_or_insert(Busy::Since(Instant::now()));
        }
    }

    /// An analysis has ended. Only if nothing changed since it started is it told.
    fn finished(&mut self, outcome: Outcome) {
        self.running = None;
        // What starts again at once is still the same work.
        if self.due.is_none()
            && let Some(Busy::Shown(token)) = self.busy.take()
        {
            self.progress(token, json!({"kind": "end"}));
        }
        for examined in &outcome.documents {
            if let Some(document) = self.documents.get_mut(&examined.uri) {
                document.learn(examined.revision, &examined.text, examined.problem.as_ref());
            }
        }
        if outcome.generation != self.generation || self.phase != Phase::Running {
            return;
        }
        match &outcome.answer {
            Ok(answer) => {
                let style = self.client.style;
                let now = diagnostics::diagnostics(&outcome, answer, &self.documents, style, &mut self.pages);
                self.publish(now);
            }
            Err(error) => self.log(MessageType::ERROR, error.clone()),
        }
    }

    /// Tells what is `now`, and of files of which there is nothing to tell any more that it is gone.
    fn publish(&mut self, mut now: BTreeMap<String, (Uri, Vec<Diagnostic>)>) {
        for document in self.documents.read() {
            now.entry(document.uri.as_str().into()).or_insert_with(|| (document.uri.clone(), Vec::new()));
        }
        for (name, (uri, _)) in &self.published {
            now.entry(name.clone()).or_insert_with(|| (uri.clone(), Vec::new()));
        }
        for (name, (uri, diagnostics)) in now {
            let document = self.documents.get(&uri);
            // Where the client has another text than the server, what was told last stays.
            if document.is_some_and(|document| document.lost.is_some()) {
                continue;
            }
            let version = document.map(|document| document.version);
            if version.is_none() && self.published.get(&name).is_some_and(|(_, told)| *told == diagnostics) {
                continue;
            }
            let params = PublishDiagnosticsParams { uri: uri.clone(), diagnostics: diagnostics.clone(), version };
            self.notify(notes::PublishDiagnostics::METHOD, json!(params));
            if diagnostics.is_empty() {
                self.published.remove(&name);
            } else {
                self.published.insert(name, (uri, diagnostics));
            }
        }
    }

    /// A line for the log of the client.
    fn log(&self, typ: MessageType, message: String) {
        self.notify(notes::LogMessage::METHOD, json!(LogMessageParams { typ, message }));
    }

    /// A message for the user.
    fn show(&self, typ: MessageType, message: String) {
        self.notify(notes::ShowMessage::METHOD, json!(ShowMessageParams { typ, message }));
    }

    fn notify(&self, method: &str, params: Value) {
        self.send(Notification { method: method.into(), params });
    }

    fn ask(&mut self, method: &str, params: Value, about: Asked) {
        self.requests += 1;
        let id = RequestId::from(self.requests);
        self.asked.insert(id.clone(), about);
        self.send(Request { id, method: method.into(), params });
    }

    fn refuse(&self, id: RequestId, code: ErrorCode, message: String) {
        self.send(Response::new_err(id, code as i32, message));
    }

    fn send(&self, message: impl Into<Message>) {
        if self.sender.send(message.into()).is_err() {
            self.deserted.set(true);
        }
    }
}

/// All that is made, moved or deleted in the client is to be told.
fn file_operations() -> WorkspaceFileOperationsServerCapabilities {
    let pattern = FileOperationPattern { glob: "**".into(), matches: None, options: None };
    let filters = vec![FileOperationFilter { scheme: Some("file".into()), pattern }];
    let all = Some(FileOperationRegistrationOptions { filters });
    WorkspaceFileOperationsServerCapabilities {
        did_create: all.clone(),
        did_rename: all.clone(),
        did_delete: all,
        ..WorkspaceFileOperationsServerCapabilities::default()
    }
}

fn token_name(token: u64) -> String {
    format!("fsynclint/{token}")
}

fn no_folder(name: &str) -> String {
    format!("{name} is no folder on this machine")
}

fn not_open(uri: &Uri) -> String {
    format!("{} is not open", uri.as_str())
}

/// Parameters of a message, or what is wrong with them.
fn read<T: DeserializeOwned>(params: Value) -> Result<T, String> {
    serde_json::from_value(params).map_err(|error| error.to_string())
}
