//! The program itself, over its standard input and output.

use crate::client::Folder;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const FAULT: &str = "\
pub fn save(dir: &std::path::Path, data: &[u8]) -> std::io::Result<()> {
    std::fs::write(dir.join(\"state.tmp\"), data)?;
    std::fs::rename(dir.join(\"state.tmp\"), dir.join(\"state\"))
}
";

struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Program {
    fn start(folder: &Folder) -> Program {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fsynclint"))
            .args(["lsp", "--stdio"])
            .current_dir(folder.path())
            .env("XDG_CACHE_HOME", folder.path().join("cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Program { child, input, output }
    }

    fn send_bytes(&mut self, bytes: &[u8]) {
        self.input.as_mut().unwrap().write_all(bytes).unwrap();
    }

    fn send_text(&mut self, body: &str) {
        self.send_bytes(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        self.send_text(&message.to_string());
    }

    /// The next message. Anything else on standard output fails the test.
    fn receive(&mut self) -> Option<Value> {
        let mut header = String::new();
        if self.output.read_line(&mut header).unwrap() == 0 {
            return None;
        }
        let length = header.strip_prefix("Content-Length: ").and_then(|rest| rest.trim_end().parse().ok());
        let mut body = vec![0; length.unwrap_or_else(|| panic!("no protocol: {header:?}"))];
        let mut end = [0; 2];
        self.output.read_exact(&mut end).unwrap();
        assert_eq!(&end, b"\r\n");
        self.output.read_exact(&mut body).unwrap();
        let message: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(message["jsonrpc"], "2.0");
        Some(message)
    }

    fn receive_that(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.receive().expect("the program ended");
            if wanted(&message) {
                return message;
            }
        }
    }

    fn initialize(&mut self) {
        self.send(json!({"id": 1, "method": "initialize", "params": {"capabilities": {}}}));
        assert_eq!(self.receive_that(|message| message["id"] == 1)["result"]["serverInfo"]["name"], "fsynclint");
        self.send(json!({"method": "initialized", "params": {}}));
    }

    /// Waits for the end: its status, what was left on standard output, and standard error.
    fn end(mut self) -> (i32, Vec<Value>, String) {
        drop(self.input.take());
        let mut rest = Vec::new();
        while let Some(message) = self.receive() {
            rest.push(message);
        }
        let output = self.child.wait_with_output().unwrap();
        (output.status.code().unwrap(), rest, String::from_utf8(output.stderr).unwrap())
    }
}

#[test]
fn a_session_over_pipes() {
    let folder = Folder::with(&[("alone.rs", FAULT)]);
    let mut program = Program::start(&folder);
    program.initialize();
    let uri = folder.uri("alone.rs");
    let document = json!({"uri": uri, "languageId": "rust", "version": 1, "text": FAULT});
    program.send(json!({"method": "textDocument/didOpen", "params": {"textDocument": document}}));
    let told = program.receive_that(|message| message["params"]["version"] == 1);
    assert_eq!(
        (&told["params"]["uri"], &told["params"]["diagnostics"][0]["code"]),
        (&json!(uri), &json!("rename-before-sync"))
    );
    let link = told["params"]["diagnostics"][0]["codeDescription"]["href"].as_str().unwrap();
    assert!(link.starts_with(&folder.uri("cache/fsynclint/rules")) || cfg!(not(target_os = "linux")), "{link}");
    program.send(json!({"id": 2, "method": "shutdown"}));
    assert_eq!(program.receive_that(|message| message["id"] == 2)["result"], Value::Null);
    program.send(json!({"method": "exit"}));
    assert_eq!(program.end(), (0, vec![], String::new()));
}

#[test]
fn malformed_messages_are_answered_and_survived() {
    let folder = Folder::with(&[]);
    let mut program = Program::start(&folder);
    program.initialize();
    let refusals = |program: &mut Program, code: i32| {
        let refusal = program.receive_that(|message| message.get("error").is_some());
        assert_eq!((&refusal["id"], &refusal["error"]["code"]), (&Value::Null, &json!(code)), "{refusal}");
        refusal["error"]["message"].as_str().unwrap().to_string()
    };
    for body in ["{\"id\": 1, \"method\"", "", "null and void", "\u{1}"] {
        program.send_text(body);
        assert!(refusals(&mut program, -32700).starts_with("this is no JSON"));
    }
    for body in ["[]", "17", "{}", "{\"id\": {}, \"method\": \"x\"}"] {
        program.send_text(body);
        refusals(&mut program, -32600);
    }
    program.send_bytes(b"Content-Length: 4\r\n\r\n\xff\xfe\x00\x80");
    refusals(&mut program, -32700);
    program.send_bytes(b"Content-Length: forty\r\n\r\n{\"method\": \"lost\"}");
    program.send(json!({"id": 5, "method": "still/there"}));
    assert!(refusals(&mut program, -32700).contains("content-length: forty"));
    assert_eq!(program.receive_that(|message| message["id"] == 5)["error"]["code"], -32601);
    program.send(json!({"id": "text", "method": "shutdown"}));
    assert_eq!(program.receive_that(|message| message["id"] == "text")["result"], Value::Null);
    program.send(json!({"method": "exit"}));
    assert_eq!(program.end().0, 0);
}

#[test]
fn ends_without_a_word() {
    let folder = Folder::with(&[]);
    let program = Program::start(&folder);
    assert_eq!(program.end(), (1, vec![], String::new()), "nothing was said at all");
    let mut program = Program::start(&folder);
    program.initialize();
    program.send_bytes(b"Content-Length: 100\r\n\r\n{");
    let (status, rest, errors) = program.end();
    assert_eq!((status, errors.as_str()), (1, ""));
    assert_eq!(rest.last().map(|last| &last["error"]["code"]), Some(&json!(-32700)), "{rest:?}");
    let mut program = Program::start(&folder);
    program.initialize();
    program.send(json!({"method": "exit"}));
    assert_eq!(program.end().0, 1, "exit without shutdown");
}

/// The editor has gone, and its end of the pipe with it.
#[test]
fn nobody_reads_the_answers() {
    let folder = Folder::with(&[("alone.rs", FAULT)]);
    let mut program = Program::start(&folder);
    program.initialize();
    let Program { mut child, input, output } = program;
    drop(output);
    let mut input = input.unwrap();
    let body = json!({"jsonrpc": "2.0", "id": 3, "method": "x"}).to_string();
    for _ in 0..50 {
        // Refused sooner or later.
        let _ = write!(input, "Content-Length: {}\r\n\r\n{body}", body.len());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    drop(input);
    let output = child.wait();
    assert_eq!(output.unwrap().code(), Some(1));
    let mut errors = String::new();
    child.stderr.unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(errors, "");
}
