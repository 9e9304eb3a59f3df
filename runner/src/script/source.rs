//! Script text, how its places are named, and what is wrong with a text as a whole.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A stretch of a script's text, in bytes from its beginning.
pub type Span = Range<usize>;

/// The text of a script under the name that messages give it.
#[derive(Debug)]
pub struct Source<'a> {
    name: String,
    text: &'a str,
    /// The offset at which each line begins; the first is 0.
    lines: Vec<usize>,
}

/// A line and a column, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Why a text is no script at all: a parenthesis, a string or a comment that does not close, or a parenthesis that closes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name}:{place}: {message}")]
pub struct SourceError {
    /// The name of the source.
    pub name: String,
    /// Where what does not close begins.
    pub place: Place,
    /// What was met and what was expected.
    pub message: String,
}

impl<'a> Source<'a> {
    /// Takes a script's text under a name, usually the path of its file.
    pub fn new(name: impl Into<String>, text: &'a str) -> Self {
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        Source { name: name.into(), text, lines: std::iter::once(0).chain(breaks).collect() }
    }

    /// The name that messages give the script.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The text of a span; empty where the span is not within the text.
    pub fn slice(&self, span: &Span) -> &'a str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// The line of an offset, from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset)
    }

    /// The line and column of an offset.
    pub fn place(&self, offset: usize) -> Place {
        let line = self.line(offset);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        Place { line, column }
    }
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
}
