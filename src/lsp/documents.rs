//! The documents that an editor has open: their texts as typed, what of that could be read last, and how to get from there to here.

use super::edits::{TextEdit, moved};
use super::position::{Encoding, Lines};
use crate::discover::{self, Problem};
use lsp_types::{TextDocumentContentChangeEvent, Uri};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// Counts the states of all documents: a larger one is newer.
pub type Revision = u64;

/// What a document is to fsynclint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To be analysed: its language is one that is read here.
    Source,
    /// It can hold settings.
    Settings,
    /// Nothing.
    Other,
}

/// A document that is open.
#[derive(Debug)]
pub struct Document {
    /// Its name as the client writes it.
    pub uri: Uri,
    /// Where it is, or would be if it was saved. A document that was never saved has its name for a path.
    pub path: PathBuf,
    /// Whether `path` can be on the disk.
    pub on_disk: bool,
    /// What it is to fsynclint.
    pub kind: Kind,
    /// The client's number of this state.
    pub version: i32,
    /// The own number of this state.
    pub revision: Revision,
    /// The text of this state.
    pub text: Arc<str>,
    lines: Option<Lines>,
    /// The newest state that is known to parse.
    good: Option<(Revision, Arc<str>)>,
    /// What the parser had to say, and of which state.
    verdict: Option<(Revision, Option<Problem>)>,
    /// The edits since the good state, or since it was opened, with the states that they lead to.
    edits: Vec<(Revision, TextEdit)>,
    /// A change could not be understood: the client has another text. What that was.
    pub lost: Option<String>,
}

/// A document as it is given to an analysis.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Its name, by which its text is found again.
    pub uri: Uri,
    /// As in [`Document`].
    pub path: PathBuf,
    /// As in [`Document`].
    pub on_disk: bool,
    /// As in [`Document`].
    pub kind: Kind,
    /// As in [`Document`].
    pub revision: Revision,
    /// The text now.
    pub text: Arc<str>,
    /// What is known of `text`: it parses, or why not.
    pub verdict: Option<Option<Problem>>,
    /// The newest text before that which parses.
    pub good: Option<(Revision, Arc<str>)>,
}

impl Document {
    /// Applies `changes` and takes `version` and `revision` for the result. On an error nothing of the document is to be trusted
    /// until its whole text comes again; what was shown of it stays.
    pub fn change(
        &mut self,
        changes: &[TextDocumentContentChangeEvent],
        version: i32,
        revision: Revision,
        encoding: Encoding,
    ) -> Result<(), String> {
        self.version = version;
        self.revision = revision;
        let mut text = self.text.to_string();
        // Lines below this one are still where `lines` has them: editors send several changes from the bottom up.
        let mut valid = usize::MAX;
        for change in changes {
            let Some(range) = change.range else {
                self.note(&text, 0..text.len(), &change.text, revision);
                text.clone_from(&change.text);
                self.lines = None;
                self.lost = None;
                continue;
            };
            if self.lost.is_some() {
                continue;
            }
            if range.start > range.end {
                return Err(self.lose(text, "its range ends before it starts".into()));
            }
            if range.end.line as usize >= valid {
                self.lines = None;
            }
            let lines = self.lines.get_or_insert_with(|| Lines::new(&text));
            let start = lines.offset(&text, range.start, encoding);
            let end = lines.offset(&text, range.end, encoding);
            let (start, end) = match (start, end) {
                (Ok(start), Ok(end)) => (start, end),
                (Err(error), _) | (_, Err(error)) => return Err(self.lose(text, error)),
            };
            valid = range.start.line as usize;
            self.note(&text, start..end, &change.text, revision);
            text.replace_range(start..end, &change.text);
        }
        self.text = text.into();
        self.lines = None;
        Ok(())
    }

    /// The text that the client has, whatever changes were sent before.
    pub fn replace(&mut self, text: &str, revision: Revision) {
        if *self.text == *text && self.lost.is_none() {
            return;
        }
        let old = Arc::clone(&self.text);
        self.note(&old, 0..old.len(), text, revision);
        self.revision = revision;
        self.text = text.into();
        self.lines = None;
        self.lost = None;
    }

    fn lose(&mut self, text: String, error: String) -> String {
        self.text = text.into();
        self.lines = None;
        self.lost = Some(error.clone());
        error
    }

    fn note(&mut self, text: &str, range: Range<usize>, by: &str, revision: Revision) {
        if let Some(edit) = TextEdit::trimmed(text, range, by) {
            self.edits.push((revision, edit));
        }
    }

    /// Takes what an analysis found out about the state `revision` of this document, whose text was `text`.
    pub fn learn(&mut self, revision: Revision, text: &Arc<str>, problem: Option<&Problem>) {
        if self.verdict.as_ref().is_some_and(|(known, _)| *known > revision) {
            return;
        }
        self.verdict = Some((revision, problem.cloned()));
        if problem.is_none() {
            self.good = Some((revision, Arc::clone(text)));
            self.edits.retain(|(later, _)| *later > revision);
        }
    }

    /// For an analysis.
    pub fn snapshot(&self) -> Snapshot {
        let verdict = self.verdict.as_ref().filter(|(revision, _)| *revision == self.revision);
        Snapshot {
            uri: self.uri.clone(),
            path: self.path.clone(),
            on_disk: self.on_disk,
            kind: self.kind,
            revision: self.revision,
            text: Arc::clone(&self.text),
            verdict: verdict.map(|(_, problem)| problem.clone()),
            good: self.good.clone(),
        }
    }

    /// Where `place` of the state `since` is now; `None` if it is gone.
    pub fn now(&self, since: Revision, place: Range<usize>) -> Option<Range<usize>> {
        moved(self.edits.iter().filter(|(revision, _)| *revision > since).map(|(_, edit)| edit), place)
    }
}

/// All open documents, by name.
#[derive(Debug, Default)]
pub struct Documents {
    open: BTreeMap<String, Document>,
    newest: Revision,
}

impl Documents {
    /// A number for the next state.
    pub fn next_revision(&mut self) -> Revision {
        self.newest += 1;
        self.newest
    }

    /// A document was opened. The client says which language it is in.
    pub fn open(&mut self, uri: Uri, language: &str, version: i32, text: String) {
        let revision = self.next_revision();
        let path = path(&uri);
        let on_disk = path.is_some();
        let untitled = uri.scheme().is_some_and(|scheme| scheme.as_str() == "untitled");
        let file = path.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        let kind = match file {
            discover::CONFIG_NAME | "Cargo.toml" => Kind::Settings,
            _ if file.ends_with(".rs") || untitled && language == "rust" => Kind::Source,
            _ => Kind::Other,
        };
        let document = Document {
            path: path.unwrap_or_else(|| PathBuf::from(format!("{}.rs", uri.as_str()))),
            on_disk,
            kind,
            version,
            revision,
            text: text.into(),
            lines: None,
            good: None,
            verdict: None,
            edits: Vec::new(),
            lost: None,
            uri: uri.clone(),
        };
        self.open.insert(uri.as_str().into(), document);
    }

    /// It was closed.
    pub fn close(&mut self, uri: &Uri) -> Option<Document> {
        self.open.remove(uri.as_str())
    }

    /// The document called `uri`.
    pub fn get(&self, uri: &Uri) -> Option<&Document> {
        self.open.get(uri.as_str())
    }

    /// The document called `uri`.
    pub fn get_mut(&mut self, uri: &Uri) -> Option<&mut Document> {
        self.open.get_mut(uri.as_str())
    }

    /// Those that matter.
    pub fn read(&self) -> impl Iterator<Item = &Document> {
        self.open.values().filter(|document| document.kind != Kind::Other)
    }
}

/// The file that `uri` names.
pub fn path(uri: &Uri) -> Option<PathBuf> {
    Url::parse(uri.as_str()).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok()
}

/// The name of the file at `path`, which has to be absolute.
pub fn uri(path: &Path) -> Option<Uri> {
    // The one library escapes as browsers do, the other one reads by the book.
    let escaped = Url::from_file_path(path).ok()?.as_str().replace('[', "%5B").replace(']', "%5D").replace('|', "%7C");
    escaped.replace('^', "%5E").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lsp_types::{Position, Range as LspRange};

    fn document(text: &str) -> (Documents, Uri) {
        let mut documents = Documents::default();
        let uri: Uri = "file:///p/src/a.rs".parse().unwrap();
        documents.open(uri.clone(), "rust", 1, text.into());
        (documents, uri)
    }

    fn change(from: (u32, u32), to: (u32, u32), text: &str) -> TextDocumentContentChangeEvent {
        let range = LspRange::new(Position::new(from.0, from.1), Position::new(to.0, to.1));
        TextDocumentContentChangeEvent { range: Some(range), range_length: None, text: text.into() }
    }

    #[test]
    fn changes_build_on_each_other() {
        let (mut documents, uri) = document("one\ntwo\nthree\n");
        let document = documents.get_mut(&uri).unwrap();
        let changes = [
            change((2, 0), (2, 5), "3"),
            change((0, 3), (1, 0), " "),
            change((0, 0), (0, 3), "1\n1"),
            change((1, 2), (1, 5), "zwei"),
        ];
        document.change(&changes, 2, 7, Encoding::Utf16).unwrap();
        assert_eq!(&*document.text, "1\n1 zwei\n3\n");
        assert_eq!((document.version, document.revision), (2, 7));
    }

    #[test]
    fn what_was_good_is_found_again() {
        let text = "fn f() { rename(x, y) }\n";
        let (mut documents, uri) = document(text);
        let document = documents.get_mut(&uri).unwrap();
        let first = document.revision;
        document.learn(first, &text.into(), None);
        document.change(&[change((0, 0), (0, 0), "// é\n")], 2, first + 1, Encoding::Utf16).unwrap();
        document
            .change(&[change((1, 24), (1, 24), "oops {"), change((1, 9), (1, 9), "  ")], 3, first + 2, Encoding::Utf16)
            .unwrap();
        let problem = Problem { path: "a.rs".into(), line: 2, message: "cannot be parsed".into() };
        document.learn(first + 2, &Arc::clone(&document.text), Some(&problem));
        let snapshot = document.snapshot();
        assert_eq!(snapshot.good.as_ref().map(|(revision, text)| (*revision, &**text)), Some((first, text)));
        assert_eq!(snapshot.verdict, Some(Some(problem)));
        let place = document.now(first, 9..21).unwrap();
        assert_eq!(&document.text[place], "rename(x, y)");
        // An analysis of an older state that ends late changes nothing.
        document.learn(first + 1, &"".into(), None);
        assert_eq!(document.snapshot().good.unwrap().0, first);
    }

    #[test]
    fn what_cannot_be_followed_is_lost_until_the_whole_text_comes() {
        let (mut documents, uri) = document("one\n");
        let document = documents.get_mut(&uri).unwrap();
        let error = document.change(&[change((9, 0), (9, 1), "x")], 2, 2, Encoding::Utf16).unwrap_err();
        assert!(error.contains("line 9 is outside of the text"), "{error}");
        assert!(document.change(&[change((0, 3), (0, 1), "x")], 3, 3, Encoding::Utf16).is_ok(), "said once");
        assert_eq!((&*document.text, document.lost.is_some()), ("one\n", true));
        document.replace("one\ntwo\n", 4);
        assert_eq!((&*document.text, document.lost.is_some()), ("one\ntwo\n", false));
        let backwards = document.change(&[change((0, 3), (0, 1), "x")], 5, 5, Encoding::Utf16).unwrap_err();
        assert!(backwards.contains("ends before it starts"), "{backwards}");
        let whole = TextDocumentContentChangeEvent { range: None, range_length: None, text: "new".into() };
        document.change(&[whole], 6, 6, Encoding::Utf16).unwrap();
        assert_eq!((&*document.text, document.lost.is_some()), ("new", false));
    }

    /// Many edits anywhere, several a change, counted in each encoding: the text is what the same edits make of it directly, and a
    /// place that no edit touches is found again.
    #[test]
    fn any_edits_in_any_encoding() {
        let mut seed = 1_u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as usize % below
        };
        let pieces = ["", "x", "é", "𝄞𝄞", "\n", "\r\n", "fn f() {\n}\n", "// a longer piece of text\n"];
        let kept = "rename(&tmp, &path)";
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            let mut expected = format!("one\r\ntwo é\n{kept}\nfour 𝄞\n");
            let start = expected.find(kept).unwrap();
            let (mut documents, uri) = document(&expected);
            let document = documents.get_mut(&uri).unwrap();
            let first = document.revision;
            document.learn(first, &expected.as_str().into(), None);
            for revision in 0..400 {
                let mut changes = Vec::new();
                for _ in 0..1 + random(3) {
                    // Between `\r` and `\n` there is no place.
                    let ends = |at: usize| expected.is_char_boundary(at) && !expected[..at].ends_with('\r');
                    let mut from = random(expected.len() + 1);
                    let mut to = (from + random(6)).min(expected.len());
                    from = (0..=from).rev().find(|at| ends(*at)).unwrap();
                    to = (from..=to).rev().find(|at| ends(*at)).unwrap();
                    let place = expected.find(kept).unwrap();
                    if from < place + kept.len() && to > place {
                        continue;
                    }
                    let by = pieces[random(pieces.len())];
                    let range = Lines::new(&expected).range(&expected, from, to, encoding);
                    changes.push(TextDocumentContentChangeEvent {
                        range: Some(range),
                        range_length: None,
                        text: by.into(),
                    });
                    expected.replace_range(from..to, by);
                }
                document.change(&changes, revision as i32, first + 1 + revision, encoding).unwrap();
                assert_eq!(*document.text, expected);
                let place = document.now(first, start..start + kept.len()).unwrap();
                assert_eq!(&document.text[place], kept);
            }
        }
    }

    #[test]
    fn names_and_paths() {
        for name in ["/p/a b/ü[1].rs", "/p/50%/x.rs", "/p/a#b?c|d^e.rs"] {
            let uri = uri(Path::new(name)).unwrap_or_else(|| panic!("{name} has no name"));
            assert_eq!(path(&uri), Some(PathBuf::from(name)), "{}", uri.as_str());
        }
        assert_eq!(path(&"untitled:Untitled-1".parse().unwrap()), None);
        assert_eq!(path(&"https://example.org/a.rs".parse().unwrap()), None);
    }
}
