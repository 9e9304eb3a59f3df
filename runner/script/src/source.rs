//! The text of a script, positions in it, and errors of a text as a whole.

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wassay_testsuite::text::{line_starts, without_bom};

/// A span of a script's text, as byte offsets.
pub type Span = Range<usize>;

/// The text of a script, with its name in messages.
///
/// A line ends at a line feed, a carriage return or the two together (core spec, section 6.3.3).
#[derive(Debug)]
pub struct Source<'a> {
    name: String,
    text: &'a str,
    /// The line of every [`STRIDE`]th byte.
    marks: Vec<Mark>,
    /// The number of characters before every [`STRIDE`]th byte. Needed only for long lines.
    characters: OnceLock<Vec<usize>>,
}

/// A line: its number from 1, and the offset of its start.
#[derive(Clone, Copy, Debug)]
struct Mark {
    line: usize,
    start: usize,
}

/// The distance of marks in bytes: computing a position counts at most this many bytes, and no
/// memory is needed per line.
const STRIDE: usize = 256;

/// A line and a column, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Why a text cannot be split into forms: an unclosed parenthesis, string or comment, or an
/// unmatched closing parenthesis.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name}:{place}: {message}")]
pub struct SourceError {
    /// The name of the source.
    pub name: String,
    /// The start of the unclosed item.
    pub place: Place,
    /// What was found, and what was expected.
    pub message: String,
}

impl<'a> Source<'a> {
    /// Creates a source from a text and a name, usually the path of its file. A byte order mark is
    /// removed.
    pub fn new(name: impl Into<String>, text: &'a str) -> Self {
        let text = without_bom(text);
        Source { name: name.into(), text, marks: marks(text), characters: OnceLock::new() }
    }

    /// The name of the script in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The text of a span; empty if the span is out of range.
    pub fn slice(&self, span: &Span) -> &'a str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// The line of an offset, from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.line_of(offset).line
    }

    /// The line of an offset.
    fn line_of(&self, offset: usize) -> Mark {
        let bytes = self.text.as_bytes();
        let at = (offset / STRIDE).min(self.marks.len().saturating_sub(1));
        let mut found = self.marks.get(at).copied().unwrap_or(Mark { line: 1, start: 0 });
        let from = at * STRIDE;
        for after in memchr::memchr2_iter(b'\n', b'\r', bytes.get(from..offset).unwrap_or_default()) {
            let end = from + after;
            // CR LF is a single line ending (core spec, section 6.3.3).
            if !(bytes.get(end) == Some(&b'\r') && bytes.get(end + 1) == Some(&b'\n')) {
                found = Mark { line: found.line + 1, start: end + 1 };
            }
        }
        found
    }

    /// The line and column of an offset.
    pub fn place(&self, offset: usize) -> Place {
        let Mark { line, start } = self.line_of(offset);
        let before = if offset.saturating_sub(start) <= STRIDE {
            count(self.text.as_bytes().get(start..offset))
        } else {
            self.characters_before(offset).saturating_sub(self.characters_before(start))
        };
        Place { line, column: before + 1 }
    }

    /// The number of characters before an offset.
    fn characters_before(&self, offset: usize) -> usize {
        let bytes = self.text.as_bytes();
        let marks = self.characters.get_or_init(|| {
            let mut before = 0;
            let mark = |chunk| {
                let mark = before;
                before += count(Some(chunk));
                mark
            };
            bytes.chunks(STRIDE).map(mark).collect()
        });
        let mark = (offset / STRIDE).min(marks.len().saturating_sub(1));
        marks.get(mark).map_or(0, |before| before + count(bytes.get(mark * STRIDE..offset)))
    }
}

/// The lines of the first of every [`STRIDE`] bytes.
fn marks(text: &str) -> Vec<Mark> {
    let mut marks = Vec::with_capacity(text.len() / STRIDE + 1);
    let mut last = Mark { line: 0, start: 0 };
    for start in line_starts(text) {
        while marks.len() * STRIDE < start {
            marks.push(last);
        }
        last = Mark { line: last.line + 1, start };
    }
    while marks.len() * STRIDE <= text.len() {
        marks.push(last);
    }
    marks
}

/// The number of characters that begin in these bytes.
fn count(bytes: Option<&[u8]>) -> usize {
    bytes.unwrap_or_default().iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let source = Source::new("a.wast", "(a)\n(é b)\n");
        assert_eq!(source.place(0), Place { line: 1, column: 1 });
        assert_eq!(source.place(4), Place { line: 2, column: 1 });
        assert_eq!(source.place(8), Place { line: 2, column: 4 });
        assert_eq!(source.place(source.text().len()), Place { line: 3, column: 1 });
    }

    #[test]
    fn lines_end_at_every_newline_of_the_text_format() {
        let source = Source::new("a.wast", "(a)\r(b)\r\n(c)\n\r(d)\r");
        let lines = ['a', 'b', 'c', 'd'].map(|form| source.line(source.text().find(form).unwrap()));
        assert_eq!(lines, [1, 2, 3, 5]);
        assert_eq!(source.place(source.text().len()), Place { line: 6, column: 1 });
    }

    #[test]
    fn columns_of_a_long_line_count_characters_too() {
        for word in ["ab ", "é ", "\u{1f600} ", "a"] {
            let text = format!("(x)\n{}", word.repeat(1000));
            let source = Source::new("a.wast", &text);
            for (index, (offset, _)) in text["(x)\n".len()..].char_indices().enumerate() {
                assert_eq!(source.place(4 + offset), Place { line: 2, column: index + 1 }, "{word}");
            }
            let end = Place { line: 2, column: word.chars().count() * 1000 + 1 };
            assert_eq!(source.place(text.len()), end);
        }
    }

    #[test]
    fn lines_are_counted_from_marks() {
        for lines in ["\n", "\r", "\r\n", "\n\r", "abc\r\n", "a\rb\n", "\r\n\r"] {
            for lead in 0..3 {
                let text = "x".repeat(lead) + &lines.repeat(400);
                let source = Source::new("a.wast", &text);
                let starts: Vec<usize> = line_starts(&text).collect();
                for offset in 0..=text.len() {
                    let line = starts.partition_point(|start| *start <= offset);
                    let column = offset - starts[line - 1] + 1;
                    assert_eq!(source.place(offset), Place { line, column }, "{lines:?} {lead} {offset}");
                }
            }
        }
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_text() {
        let source = Source::new("a.wast", "\u{feff}(a)");
        assert_eq!((source.text(), source.place(0)), ("(a)", Place { line: 1, column: 1 }));
    }
}
