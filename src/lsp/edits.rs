//! What becomes of a place when the text around it is edited: findings of an older text are shown in a newer one.

use std::ops::Range;

/// `range` (bytes of the older text) was replaced by `inserted` bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    /// What was replaced.
    pub range: Range<usize>,
    /// Bytes in its place.
    pub inserted: usize,
}

impl TextEdit {
    /// The replacement of `range` in `text` by `by`, less what is the same at both ends: a client that sends a whole line, or the
    /// whole file, for one letter moves only what that letter moves. `None` if nothing changes.
    pub fn trimmed(text: &str, range: Range<usize>, by: &str) -> Option<TextEdit> {
        let old = &text.as_bytes()[range.clone()];
        let new = by.as_bytes();
        let most = old.len().min(new.len());
        let head = (0..most).take_while(|at| old[*at] == new[*at]).count();
        let tail = (0..most - head).take_while(|at| old[old.len() - 1 - at] == new[new.len() - 1 - at]).count();
        let inserted = new.len() - head - tail;
        let range = range.start + head..range.end - tail;
        (!range.is_empty() || inserted > 0).then_some(TextEdit { range, inserted })
    }

    /// Where `place` is afterwards: moved by edits before it, grown or shrunk by edits inside, cut by edits across one of its ends;
    /// `None` if nothing is left of it.
    pub fn moved(&self, place: &Range<usize>) -> Option<Range<usize>> {
        let Range { start, end } = self.range;
        let shift = |at: usize| at - (end - start) + self.inserted;
        let behind = start + self.inserted;
        if end <= place.start {
            return Some(shift(place.start)..shift(place.end));
        }
        if start >= place.end {
            return Some(place.clone());
        }
        let new = match (start <= place.start, end >= place.end) {
            (true, true) => return None,
            (false, false) => place.start..shift(place.end),
            (true, false) => behind..shift(place.end),
            (false, true) => place.start..start,
        };
        (!new.is_empty()).then_some(new)
    }
}

/// Where `place` is after all of `edits`, in their order.
pub fn moved<'a>(edits: impl IntoIterator<Item = &'a TextEdit>, place: Range<usize>) -> Option<Range<usize>> {
    edits.into_iter().try_fold(place, |place, edit| edit.moved(&place))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `what` of `text` is after `from` was replaced by `to`.
    fn after(text: &str, what: &str, from: &str, to: &str) -> Option<String> {
        let find = |part: &str| text.find(part).map(|at| at..at + part.len()).unwrap();
        let range = find(from);
        let edit = TextEdit::trimmed(text, range.clone(), to);
        let mut new = text.to_string();
        new.replace_range(range, to);
        moved(&edit, find(what)).map(|place| new[place].to_string())
    }

    #[test]
    fn places_move_with_the_text() {
        let text = "let a = 1; rename(&tmp, &path)?; Ok(())";
        let call = "rename(&tmp, &path)";
        let same = Some(call.to_string());
        assert_eq!(after(text, call, "let a = 1;", ""), same);
        assert_eq!(after(text, call, "let a = 1; ", "let abc = 1000;\n"), same);
        assert_eq!(after(text, call, "Ok(())", "fine()"), same);
        assert_eq!(after(text, call, "?", "x?"), same, "just behind it");
        assert_eq!(after(text, call, "= 1; ", "= 1; x"), same, "just before it");
    }

    #[test]
    fn places_change_with_their_own_text() {
        let text = "let a = 1; rename(&tmp, &path)?; Ok(())";
        let call = "rename(&tmp, &path)";
        assert_eq!(after(text, call, "&tmp", "&temporary"), Some("rename(&temporary, &path)".into()));
        assert_eq!(after(text, call, "&path)?; Ok", "x"), Some("rename(&tmp, ".into()));
        assert_eq!(after(text, call, "1; rename(", "y"), Some("&tmp, &path)".into()));
        assert_eq!(after(text, call, "rename(&tmp, &path)", "save()?"), None);
        assert_eq!(after(text, call, " rename(&tmp, &path)?;", ""), None);
    }

    #[test]
    fn a_whole_text_moves_what_changed() {
        let text = "fn a() {}\nfn b() { rename(x, y) }\nfn c() {}\n";
        let new = "fn a() {}\nfn b() { sync(); rename(x, y) }\nfn c() {}\n";
        assert_eq!(after(text, "rename(x, y)", text, new), Some("rename(x, y)".into()));
        assert_eq!(TextEdit::trimmed(text, 0..text.len(), text), None);
        assert_eq!(TextEdit::trimmed("aaa", 0..3, "aaaa"), Some(TextEdit { range: 3..3, inserted: 1 }));
    }

    #[test]
    fn edits_follow_each_other() {
        let edits = [TextEdit { range: 0..0, inserted: 4 }, TextEdit { range: 2..6, inserted: 0 }];
        assert_eq!(moved(&edits, 10..14), Some(10..14));
        assert_eq!(moved(&edits, 0..2), None);
        assert_eq!(moved(&edits, 0..3), Some(2..3));
    }
}
