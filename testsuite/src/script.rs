//! One script: its name, its features by place, and its text.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::{fs, io};

use thiserror::Error;

use crate::expectation::Expectation;

/// A script of a suite. The text of one that lies on disk is read when it is asked for, each time.
#[derive(Debug, Clone)]
pub struct Script {
    name: String,
    features: &'static str,
    text: Text,
    expectations: Vec<Expectation>,
}

#[derive(Debug, Clone)]
enum Text {
    Embedded(&'static str),
    File(PathBuf),
}

impl Script {
    pub(crate) fn embedded(name: String, features: &'static str, text: &'static str) -> Script {
        Script { name, features, text: Text::Embedded(text), expectations: Vec::new() }
    }

    pub(crate) fn file(name: String, features: &'static str, path: PathBuf) -> Script {
        Script { name, features, text: Text::File(path), expectations: Vec::new() }
    }

    /// The path of the script inside its suite, with `/` between folders: `address.wast`, `proposals/threads/atomic.wast`.
    /// Unique within the suite.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The feature expression that holds for the script's place: that of the nearest folder above it that is known, else
    /// that of its suite. A [header](crate::header) in the script goes before it.
    pub fn features(&self) -> &'static str {
        self.features
    }

    /// What is expected of its directives besides that they pass. The first that is about a directive holds.
    pub fn expectations(&self) -> &[Expectation] {
        &self.expectations
    }

    /// Expects something of its directives, and that before what was expected so far.
    pub fn expect(&mut self, expectations: impl IntoIterator<Item = Expectation>) {
        self.expectations.splice(0..0, expectations);
    }

    /// Where the script lies on disk; `None` for an embedded one.
    pub fn path(&self) -> Option<&Path> {
        match &self.text {
            Text::Embedded(_) => None,
            Text::File(path) => Some(path),
        }
    }

    /// The text of the script.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or that is not UTF-8. An embedded script is always readable.
    pub fn read(&self) -> Result<Cow<'static, str>, ReadError> {
        match &self.text {
            Text::Embedded(text) => Ok(Cow::Borrowed(text)),
            Text::File(path) => {
                let bytes = fs::read(path).map_err(|error| ReadError::Io { path: path.clone(), error })?;
                String::from_utf8(bytes).map(Cow::Owned).map_err(|error| {
                    let (line, column) = end_of(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
                    ReadError::NotUtf8 { path: path.clone(), line, column }
                })
            }
        }
    }
}

/// The line and the column, from 1, of what follows `text`. A column counts characters.
fn end_of(text: &[u8]) -> (usize, usize) {
    let text = String::from_utf8_lossy(text);
    let line = text.matches('\n').count() + 1;
    let column = text.chars().rev().take_while(|&c| c != '\n').count() + 1;
    (line, column)
}

/// Why the text of a script could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("{}: cannot read the script: {error}", path.display())]
    Io {
        /// The script.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file is not UTF-8, which the text format is written in (section 6.2.1).
    #[error("{}:{line}:{column}: not UTF-8 from here on; a script must be a UTF-8 text", path.display())]
    NotUtf8 {
        /// The script.
        path: PathBuf,
        /// The line of the first byte that is wrong, from 1.
        line: usize,
        /// Its column in characters, from 1.
        column: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_disk(bytes: &[u8]) -> (tempfile::TempDir, Script) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wast");
        fs::write(&path, bytes).unwrap();
        let script = Script::file("a.wast".to_owned(), "3.0", path);
        (folder, script)
    }

    #[test]
    fn a_file_is_read_when_asked_for() {
        let (_folder, script) = on_disk(b"(module)");
        assert_eq!(script.read().unwrap(), "(module)");
        fs::write(script.path().unwrap(), "(module $later)").unwrap();
        assert_eq!(script.read().unwrap(), "(module $later)");
    }

    #[test]
    fn a_file_that_is_gone_is_named() {
        let (folder, script) = on_disk(b"");
        drop(folder);
        let message = script.read().unwrap_err().to_string();
        assert!(message.contains("a.wast: cannot read the script: "), "{message}");
    }

    #[test]
    fn the_first_byte_that_is_not_utf_8_is_located() {
        for (bytes, line, column) in
            [(&b"\xff"[..], 1, 1), (b"(module)\n(\xc3\xa9\xff", 2, 3), (b"one\r\ntwo\n\xf0\x9f", 3, 1)]
        {
            let (_folder, script) = on_disk(bytes);
            match script.read().unwrap_err() {
                ReadError::NotUtf8 { line: l, column: c, .. } => assert_eq!((l, c), (line, column)),
                other => panic!("{other}"),
            }
        }
    }

    #[test]
    fn an_embedded_script_has_no_path() {
        let script = Script::embedded("a.wast".to_owned(), "1.0", "(module)");
        assert_eq!(script.path(), None);
        assert!(matches!(script.read().unwrap(), Cow::Borrowed("(module)")));
    }
}
