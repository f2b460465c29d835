//! Messages over streams. Written out rather than taken from the protocol library because there the first malformed message is the end:
//! here it is answered, and the next one is read.

use crossbeam_channel::{Receiver, Sender};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};
use std::io::{self, BufRead, Read, Write};
use std::thread::JoinHandle;

/// Largest message that is read, in bytes: many times the largest file that is analysed.
const MAX_MESSAGE_BYTES: u64 = 256 << 20;

/// The header that every message has.
const LENGTH: &str = "content-length:";

/// A message in which the sender cannot be served, told to him.
#[derive(Debug, PartialEq)]
struct Refusal {
    /// The id of the request as far as there is one.
    id: Value,
    code: i32,
    message: String,
}

impl Refusal {
    fn new(id: Value, code: ErrorCode, message: impl Into<String>) -> Refusal {
        Refusal { id, code: code as i32, message: message.into() }
    }
}

/// Starts to read messages from `input` and to write them to `output`. The second part ends when the connection's sender is dropped and
/// everything was written; the reader ends with the input.
pub fn connect(
    input: impl BufRead + Send + 'static,
    output: impl Write + Send + 'static,
) -> io::Result<(Connection, JoinHandle<io::Result<()>>)> {
    let (sender, outgoing) = crossbeam_channel::unbounded();
    let (incoming, receiver) = crossbeam_channel::unbounded();
    let (refuse, refused) = crossbeam_channel::unbounded();
    std::thread::Builder::new().name("reader".into()).spawn(move || read(input, &incoming, &refuse))?;
    let writer = std::thread::Builder::new().name("writer".into()).spawn(move || write(output, &outgoing, &refused))?;
    Ok((Connection { sender, receiver }, writer))
}

fn read(input: impl BufRead, messages: &Sender<Message>, refusals: &Sender<Refusal>) {
    let mut frames = Frames::new(input);
    // An error of the stream itself is its end.
    while let Ok(Some(frame)) = frames.next() {
        let sent = match frame.and_then(|body| message(&body)) {
            Ok(message) => messages.send(message).is_ok(),
            Err(refusal) => refusals.send(refusal).is_ok(),
        };
        if !sent {
            break;
        }
    }
}

fn write(mut output: impl Write, messages: &Receiver<Message>, refusals: &Receiver<Refusal>) -> io::Result<()> {
    let mut open = refusals.clone();
    loop {
        crossbeam_channel::select! {
            recv(messages) -> message => match message {
                Ok(message) => message.write(&mut output)?,
                Err(_) => return refusals.try_iter().try_for_each(|refusal| write_refusal(&mut output, refusal)),
            },
            recv(open) -> refusal => match refusal {
                Ok(refusal) => write_refusal(&mut output, refusal)?,
                // The input has ended; what the server still has to say is written.
                Err(_) => open = crossbeam_channel::never(),
            },
        }
    }
}

/// A response whose id may be `null`, which the protocol library has no type for.
fn write_refusal(output: &mut impl Write, refusal: Refusal) -> io::Result<()> {
    let Refusal { id, code, message } = refusal;
    let body = json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}).to_string();
    write!(output, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    output.flush()
}

/// The messages of a stream, as bytes.
struct Frames<R> {
    input: R,
    /// The length of the message to come, where its header has begun.
    length: Option<u64>,
    /// Something stood where a header belongs, and was refused: everything up to the next header that can be read is passed over.
    lost: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(input: R) -> Frames<R> {
        Frames { input, length: None, lost: false }
    }

    /// The next message, or what is to be said of something that is none. `None` at the end.
    fn next(&mut self) -> io::Result<Option<Result<Vec<u8>, Refusal>>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.input.by_ref().take(MAX_MESSAGE_BYTES).read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_ascii_lowercase();
            if text.is_empty()
                && let Some(length) = self.length.take()
            {
                return self.body(length);
            }
            // A header can stand right behind the body of a message whose own header was no good.
            let (before, value) = match text.rfind(LENGTH) {
                Some(at) => (&text[..at], Some(text[at + LENGTH.len()..].trim())),
                None => (text.as_str(), None),
            };
            let length = value.and_then(|value| value.parse().ok());
            let wrong = match value {
                None if before.starts_with("content-type:") => continue,
                _ if length.is_none() || !before.is_empty() => {
                    Some(format!("a header was expected, not `{}`", shortened(&text)))
                }
                _ => None,
            };
            let said = self.lost;
            if length.is_some() {
                (self.length, self.lost) = (length, false);
            } else {
                (self.length, self.lost) = (None, true);
            }
            if let (Some(wrong), false) = (wrong, said) {
                return Ok(Some(Err(Refusal::new(Value::Null, ErrorCode::ParseError, wrong))));
            }
        }
    }

    fn body(&mut self, length: u64) -> io::Result<Option<Result<Vec<u8>, Refusal>>> {
        let refuse = |code, message| Ok(Some(Err(Refusal::new(Value::Null, code, message))));
        let mut body = self.input.by_ref().take(length);
        if length > MAX_MESSAGE_BYTES {
            io::copy(&mut body, &mut io::sink())?;
            let message = format!("a message of {length} bytes is too large: {MAX_MESSAGE_BYTES} are read");
            return refuse(ErrorCode::InvalidRequest, message);
        }
        let mut bytes = Vec::new();
        body.read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < length {
            return refuse(ErrorCode::ParseError, "the input ends inside a message".into());
        }
        Ok(Some(Ok(bytes)))
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The message in `body`.
fn message(body: &[u8]) -> Result<Message, Refusal> {
    let refuse = |id: &Value, message: &str| Refusal::new(id.clone(), ErrorCode::InvalidRequest, message);
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::new(Value::Null, ErrorCode::ParseError, format!("this is no JSON: {error}")))?;
    let Value::Object(mut fields) = value else {
        return Err(refuse(&Value::Null, "a message is an object"));
    };
    let params = fields.remove("params").unwrap_or_default();
    let id = fields.remove("id");
    let known = match &id {
        Some(Value::Number(number)) => number.as_i64().and_then(|id| i32::try_from(id).ok()).map(RequestId::from),
        Some(Value::String(text)) => Some(RequestId::from(text.clone())),
        _ => None,
    };
    let shown = known.as_ref().and(id.clone()).unwrap_or_default();
    match (fields.remove("method"), id, known) {
        (Some(Value::String(method)), Some(_), Some(id)) => Ok(Message::Request(Request { id, method, params })),
        (Some(Value::String(method)), None, _) => Ok(Message::Notification(Notification { method, params })),
        (Some(Value::String(_)), _, None) => Err(refuse(&shown, "the id of a request is a number or a text")),
        (Some(_), ..) => Err(refuse(&shown, "the method of a message is a text")),
        (None, _, Some(id)) => {
            let result = fields.remove("result").unwrap_or_default();
            let response_result = match fields.remove("error") {
                Some(error) => Err(serde_json::from_value(error)
                    .map_err(|error| refuse(&Value::Null, &format!("the error of a response: {error}")))?),
                None => Ok(result),
            };
            Ok(Message::Response(Response { id, response_result }))
        }
        // The client could not read a message of ours.
        (None, Some(Value::Null), None) if fields.contains_key("error") => {
            let params = json!({"error": fields.remove("error")});
            Ok(Message::Notification(Notification { method: "$/refused".into(), params }))
        }
        (None, ..) => Err(refuse(&shown, "a message has a method, or an id and a result")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    /// All that is read of `input`: methods of messages, codes and words of refusals.
    fn read_all(input: &str) -> Vec<String> {
        let mut frames = Frames::new(input.as_bytes());
        let mut all = Vec::new();
        while let Some(frame) = frames.next().unwrap() {
            all.push(match frame.and_then(|body| message(&body)) {
                Ok(Message::Request(request)) => format!("request {} {}", request.id, request.method),
                Ok(Message::Notification(notification)) => format!("notification {}", notification.method),
                Ok(Message::Response(response)) => format!("response {}", response.id),
                Err(refusal) => format!("{} {} {}", refusal.code, refusal.id, refusal.message),
            });
        }
        all
    }

    #[test]
    fn kinds_of_messages() {
        let input = [
            r#"{"jsonrpc":"2.0","id":1,"method":"a"}"#,
            r#"{"jsonrpc":"2.0","id":"x","method":"b","params":null}"#,
            r#"{"jsonrpc":"2.0","method":"c","params":{}}"#,
            r#"{"jsonrpc":"2.0","id":2,"result":null}"#,
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":1,"message":"m"}}"#,
        ];
        let expected = ["request 1 a", "request \"x\" b", "notification c", "response 2", "response 3"];
        assert_eq!(read_all(&input.map(framed).concat()), expected);
    }

    #[test]
    fn what_is_no_message_is_refused_and_the_next_is_read() {
        let good = framed(r#"{"method":"good"}"#);
        for (bad, code) in [
            ("{", "-32700 null this is no JSON"),
            ("[]", "-32600 null a message is an object"),
            (r#"{"id":1.5,"method":"a"}"#, "-32600 null the id"),
            (r#"{"id":99999999999,"method":"a"}"#, "-32600 null the id"),
            (r#"{"id":7,"method":8}"#, "-32600 7 the method"),
            (r#"{"id":null,"method":"a"}"#, "-32600 null the id"),
            ("{}", "-32600 null a message has"),
            (r#"{"id":3,"error":"none"}"#, "-32600 null the error"),
        ] {
            let read = read_all(&(framed(bad) + &good));
            assert!(read[0].starts_with(code), "{read:?}");
            assert_eq!(read[1..], ["notification good"], "{bad}");
        }
        let nested = read_all(&(framed(&"[".repeat(100_000)) + &good));
        assert!(nested[0].starts_with("-32700") && nested.len() == 2, "{nested:?}");
    }

    #[test]
    fn headers() {
        let body = r#"{"method":"good"}"#;
        let typed = format!("content-type: application/vscode-jsonrpc\r\ncontent-length:{}\r\n\r\n{body}", body.len());
        assert_eq!(read_all(&typed), ["notification good"]);
        assert_eq!(
            read_all(&format!("Content-Length: {}\n\n{body}", body.len())),
            ["notification good"],
            "bare line ends"
        );
        let long = "x\n".repeat(10_000);
        for bad in ["Content-Length: many\r\n\r\n{}", "Content-Length: -2\r\n\r\n", "nonsense\r\n", "\r\n", "{}", &long]
        {
            let read = read_all(&(bad.to_string() + &framed(body)));
            assert_eq!(read[1..], ["notification good"], "{bad:?} {read:?}");
        }
        assert!(read_all("nonsense\r\n")[0].starts_with("-32700 null a header was expected"));
        assert!(read_all("Content-Length: 10\r\n\r\n{}")[0].contains("ends inside a message"));
    }
}
