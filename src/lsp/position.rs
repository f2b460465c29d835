//! Places in a text as the protocol counts them: lines end at `\n`, `\r\n` or a lone `\r`, columns are counted in the units that
//! client and server agreed on.

use lsp_types::{Position, PositionEncodingKind, Range};

/// What a column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of UTF-16, which every client knows.
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// The first of what the client offers, by its own order of preference, that is known here. Clients that offer nothing count in
    /// UTF-16.
    pub fn negotiate(offered: &[PositionEncodingKind]) -> Encoding {
        let known = |kind: &PositionEncodingKind| match kind.as_str() {
            "utf-8" => Some(Encoding::Utf8),
            "utf-16" => Some(Encoding::Utf16),
            "utf-32" => Some(Encoding::Utf32),
            _ => None,
        };
        offered.iter().find_map(known).unwrap_or(Encoding::Utf16)
    }

    /// Its name in the protocol.
    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    fn width(self, letter: char) -> usize {
        match self {
            Encoding::Utf8 => letter.len_utf8(),
            Encoding::Utf16 => letter.len_utf16(),
            Encoding::Utf32 => 1,
        }
    }
}

/// Where the lines of a text start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    /// The lines of `text`. An empty text has one.
    pub fn new(text: &str) -> Lines {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == b'\n' || *byte == b'\r' && bytes.get(at + 1) != Some(&b'\n') {
                starts.push(at + 1);
            }
        }
        Lines { starts }
    }

    /// The position of byte `offset` of `text`; what lies behind the end is the end, what lies inside a character is its start.
    pub fn position(&self, text: &str, offset: usize, encoding: Encoding) -> Position {
        let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let before = &text[self.starts[line]..offset];
        let column: usize = match encoding {
            Encoding::Utf8 => before.len(),
            _ => before.chars().map(|letter| encoding.width(letter)).sum(),
        };
        Position::new(line as u32, column as u32)
    }

    /// The range of `start..end` (bytes) in `text`.
    pub fn range(&self, text: &str, start: usize, end: usize, encoding: Encoding) -> Range {
        Range::new(self.position(text, start, encoding), self.position(text, end, encoding))
    }

    /// The byte of `text` at `position`. A column behind the end of its line is that end, as the protocol has it, and the start of the
    /// line behind the last one is the end of the text, as editors have it. Errors say which line or column is not there.
    pub fn offset(&self, text: &str, position: Position, encoding: Encoding) -> Result<usize, String> {
        let (line, column) = (position.line as usize, position.character as usize);
        if (line, column) == (self.starts.len(), 0) {
            return Ok(text.len());
        }
        let Some(start) = self.starts.get(line).copied() else {
            return Err(format!("line {line} is outside of the text, which has {} lines", self.starts.len()));
        };
        let end = self.starts.get(line + 1).copied().unwrap_or(text.len());
        let content = text[start..end].trim_end_matches(['\n', '\r']);
        let mut units = 0;
        for (at, letter) in content.char_indices() {
            match units {
                _ if units == column => return Ok(start + at),
                _ if units > column => break,
                _ => units += encoding.width(letter),
            }
        }
        if units > column {
            return Err(format!("column {column} of line {line} is inside a character ({})", encoding.kind().as_str()));
        }
        Ok(start + content.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `é` is two bytes and one unit of UTF-16, `𝄞` four and two.
    const TEXT: &str = "aé𝄞b\r\nsecond\rthird\n";

    #[test]
    fn columns_are_counted_as_agreed() {
        let lines = Lines::new(TEXT);
        let b = TEXT.find('b').unwrap();
        for (encoding, column) in [(Encoding::Utf8, 7), (Encoding::Utf16, 4), (Encoding::Utf32, 3)] {
            let position = Position::new(0, column);
            assert_eq!(lines.position(TEXT, b, encoding), position);
            assert_eq!(lines.offset(TEXT, position, encoding), Ok(b));
        }
    }

    #[test]
    fn every_place_comes_back() {
        let lines = Lines::new(TEXT);
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            for (offset, _) in TEXT.char_indices() {
                let position = lines.position(TEXT, offset, encoding);
                let line_end = TEXT[offset..].starts_with('\n') && TEXT[..offset].ends_with('\r');
                let expected = if line_end { offset - 1 } else { offset };
                assert_eq!(lines.offset(TEXT, position, encoding), Ok(expected), "{offset} {position:?}");
            }
        }
    }

    #[test]
    fn each_kind_of_line_end_ends_a_line() {
        let lines = Lines::new(TEXT);
        let third = TEXT.find("third").unwrap();
        assert_eq!(lines.position(TEXT, third, Encoding::Utf16), Position::new(2, 0));
        assert_eq!(lines.offset(TEXT, Position::new(1, 6), Encoding::Utf16), Ok(third - 1));
        assert_eq!(Lines::new("").offset("", Position::new(0, 0), Encoding::Utf16), Ok(0));
    }

    #[test]
    fn places_outside() {
        let lines = Lines::new(TEXT);
        let offset = |line, column, encoding| lines.offset(TEXT, Position::new(line, column), encoding);
        assert_eq!(offset(0, 99, Encoding::Utf16), Ok(TEXT.find('\r').unwrap()), "behind the end of a line");
        assert_eq!(offset(4, 0, Encoding::Utf16), Ok(TEXT.len()), "just behind the last line");
        assert!(offset(4, 1, Encoding::Utf16).is_err_and(|error| error.contains("line 4 is outside of the text")));
        assert!(offset(9, 0, Encoding::Utf16).is_err_and(|error| error.contains("which has 4 lines")));
        assert!(offset(0, 3, Encoding::Utf16).is_err_and(|error| error.contains("inside a character (utf-16)")));
        assert!(offset(0, 2, Encoding::Utf8).is_err_and(|error| error.contains("inside a character (utf-8)")));
        assert_eq!(lines.position(TEXT, 1 << 30, Encoding::Utf8), Position::new(3, 0));
        assert_eq!(lines.position(TEXT, 2, Encoding::Utf8), Position::new(0, 1), "inside a character");
    }

    #[test]
    fn the_clients_order_counts() {
        let kinds =
            |names: &[&'static str]| names.iter().map(|name| PositionEncodingKind::new(name)).collect::<Vec<_>>();
        assert_eq!(Encoding::negotiate(&[]), Encoding::Utf16);
        assert_eq!(Encoding::negotiate(&kinds(&["ebcdic"])), Encoding::Utf16);
        assert_eq!(Encoding::negotiate(&kinds(&["ebcdic", "utf-8", "utf-16"])), Encoding::Utf8);
        assert_eq!(Encoding::negotiate(&kinds(&["utf-16", "utf-8"])), Encoding::Utf16);
    }
}
