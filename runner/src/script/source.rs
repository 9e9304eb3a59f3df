//! Script text: where it comes from, how its places are named, and what is wrong with a file as a whole.

use std::fmt;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Why a script cannot be run at all: one line that names the file and, where there is one, the place.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The file could not be read.
    #[error("{path}: cannot be read: {cause}")]
    Unreadable {
        /// The path as it was given.
        path: String,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The path names a directory.
    #[error("{path}: is a directory: expected a script file (`wassay test {path}` runs a whole directory)")]
    Directory {
        /// The path as it was given.
        path: String,
    },
    /// The bytes are not UTF-8, in which the text format is written (core spec, section 6.2.1).
    #[error("{path}:{place}: not UTF-8: byte {offset:#x} of the file begins no character")]
    NotUtf8 {
        /// The path as it was given.
        path: String,
        /// Where the first bad byte stands.
        place: Place,
        /// The offset of the first bad byte.
        offset: usize,
    },
    /// The text does not fall into top-level forms.
    #[error("{name}:{place}: {message}")]
    Unbalanced {
        /// The name of the source.
        name: String,
        /// Where the form, string or comment begins that does not end.
        place: Place,
        /// What was met and what was expected.
        message: String,
    },
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

/// Reads a script file.
///
/// # Errors
///
/// Where the path cannot be read, names a directory, or holds bytes that are not UTF-8.
pub fn read(path: &Path) -> Result<String, SourceError> {
    let name = || path.display().to_string();
    if path.is_dir() {
        return Err(SourceError::Directory { path: name() });
    }
    let bytes = fs::read(path).map_err(|cause| SourceError::Unreadable { path: name(), cause })?;
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..offset).map(String::from_utf8_lossy).unwrap_or_default();
        SourceError::NotUtf8 { path: name(), place: Source::new("", &before).place(offset), offset }
    })
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
    fn a_file_that_cannot_be_used_is_named_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.wast");
        let message = read(&missing).unwrap_err().to_string();
        assert!(message.contains("missing.wast: cannot be read"), "{message}");
        let message = read(folder.path()).unwrap_err().to_string();
        assert!(message.contains("is a directory"), "{message}");
        let latin = folder.path().join("latin.wast");
        fs::write(&latin, b"(module)\n;; caf\xe9\n").unwrap();
        let message = read(&latin).unwrap_err().to_string();
        assert!(message.contains("latin.wast:2:7: not UTF-8: byte 0xf"), "{message}");
    }
}
