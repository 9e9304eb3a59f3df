//! One script: its name, its features by place, and its text.

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::access::{Budget, Root, read_named};
use crate::expectation::Expectation;
use crate::text;

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
    /// A file that the user has named.
    Named(PathBuf),
    /// A file of a suite, by its path in the folder of the suite, which is its name.
    InSuite {
        root: Arc<Root>,
        path: PathBuf,
    },
    /// What was read once and cannot be read again.
    Given(Arc<str>),
}

/// How large a script may be, in bytes: its tokens have to be counted in 32 bits, and a device may have no end.
const LARGEST: u64 = 1 << 30;

impl Script {
    pub(crate) fn embedded(name: String, features: &'static str, text: &'static str) -> Script {
        Script { name, features, text: Text::Embedded(text), expectations: Vec::new() }
    }

    /// A script that the user has named.
    pub(crate) fn named(name: String, features: &'static str, path: PathBuf) -> Script {
        Script { name, features, text: Text::Named(path), expectations: Vec::new() }
    }

    /// A script in the folder of a suite, whose path there is its name.
    pub(crate) fn in_suite(name: String, features: &'static str, root: Arc<Root>) -> Script {
        let path = root.join(Path::new(&name));
        Script { name, features, text: Text::InSuite { root, path }, expectations: Vec::new() }
    }

    /// A script that is read to its end now, from something that can be read once only: standard input, a pipe, a FIFO.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is not UTF-8; `name` is what the error calls it.
    pub fn given(name: &str, features: &'static str, from: impl Read) -> Result<Script, ReadError> {
        let text = read(Path::new(name), from, LARGEST)?.into();
        Ok(Script { name: name.to_owned(), features, text: Text::Given(text), expectations: Vec::new() })
    }

    /// Whether it was [given](Script::given).
    pub fn is_given(&self) -> bool {
        matches!(self.text, Text::Given(_))
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

    /// Where the script lies on disk; `None` for one that is embedded or [given](Script::given).
    pub fn path(&self) -> Option<&Path> {
        match &self.text {
            Text::Embedded(_) | Text::Given(_) => None,
            Text::Named(path) | Text::InSuite { path, .. } => Some(path),
        }
    }

    /// The folder of its suite; `None` for one that is in none on disk.
    pub(crate) fn root(&self) -> Option<&Arc<Root>> {
        match &self.text {
            Text::InSuite { root, .. } => Some(root),
            _ => None,
        }
    }

    /// The bytes of its file; 0 where they cannot be told.
    pub fn size(&self) -> u64 {
        match &self.text {
            Text::Embedded(text) => text.len() as u64,
            Text::Given(text) => text.len() as u64,
            Text::Named(path) => path.metadata().map_or(0, |metadata| metadata.len()),
            Text::InSuite { root, .. } => root.find(Path::new(&self.name)).map_or(0, |found| found.length),
        }
    }

    /// The text of the script, without a byte order mark before it.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or that is not UTF-8. An embedded script is always readable.
    pub fn read(&self) -> Result<Cow<'static, str>, ReadError> {
        self.read_within(&mut Budget::default())
    }

    /// The same, as far as a budget goes.
    ///
    /// # Errors
    ///
    /// Those of [`Script::read`], and a file that is larger than the budget.
    pub fn read_within(&self, budget: &mut Budget) -> Result<Cow<'static, str>, ReadError> {
        let (path, bytes) = match &self.text {
            Text::Embedded(text) => return Ok(Cow::Borrowed(text)),
            Text::Given(text) => return Ok(Cow::Owned(text.to_string())),
            Text::Named(path) => (path, read_named(path, budget)),
            Text::InSuite { root, path } => (path, root.read(Path::new(&self.name), budget)),
        };
        let bytes = bytes.map_err(|error| ReadError::Io { path: path.clone(), error })?;
        decode(path, bytes).map(Cow::Owned)
    }
}

/// The text that something holds, which errors call by this path; up to this many bytes.
fn read(path: &Path, from: impl Read, largest: u64) -> Result<String, ReadError> {
    let path = || path.to_owned();
    let mut bytes = Vec::new();
    from.take(largest + 1).read_to_end(&mut bytes).map_err(|error| ReadError::Io { path: path(), error })?;
    if bytes.len() as u64 > largest {
        let error =
            io::Error::other(format!("more than {largest} bytes, which is as large as a script may be"));
        return Err(ReadError::Io { path: path(), error });
    }
    decode(&path(), bytes)
}

/// The text of these bytes, which errors call by this path.
fn decode(path: &Path, bytes: Vec<u8>) -> Result<String, ReadError> {
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let (bytes, valid) = (error.as_bytes(), error.utf8_error().valid_up_to());
        let before = bytes.get(..valid).map(String::from_utf8_lossy).unwrap_or_default();
        let (line, column) = text::place(&before, before.len());
        let hint = match bytes {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "; this one begins as UTF-16 does: save it as UTF-8",
            [0, b'a', b's', b'm', ..] => "; this one begins as a binary module does: `wassay run` runs those",
            _ => "",
        };
        ReadError::NotUtf8 { path: path.to_owned(), line, column, hint }
    })?;
    if text::without_bom(&text).len() < text.len() {
        text.drain(..text.len() - text::without_bom(&text).len());
    }
    Ok(text)
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
    #[error("{}:{line}:{column}: not UTF-8 from here on; a script must be a UTF-8 text{hint}", path.display())]
    NotUtf8 {
        /// The script.
        path: PathBuf,
        /// The line of the first byte that is wrong, from 1.
        line: usize,
        /// Its column in characters, from 1.
        column: usize,
        /// What the file may be instead.
        hint: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn on_disk(bytes: &[u8]) -> (tempfile::TempDir, Script) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wast");
        fs::write(&path, bytes).unwrap();
        let script = Script::named("a.wast".to_owned(), "3.0", path);
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
            [(&b"\xff"[..], 1, 1), (b"(module)\n(\xc3\xa9\xff", 2, 3), (b"one\r\ntwo\r\xf0\x9f", 3, 1)]
        {
            let (_folder, script) = on_disk(bytes);
            match script.read().unwrap_err() {
                ReadError::NotUtf8 { line: l, column: c, .. } => assert_eq!((l, c), (line, column)),
                other => panic!("{other}"),
            }
        }
    }

    #[test]
    fn what_is_another_kind_of_file_says_so() {
        for (bytes, hint) in [(&b"\xff\xfe(\0"[..], "UTF-16"), (b"\0asm\x01\0\0\0\xff", "`wassay run`")] {
            let (_folder, script) = on_disk(bytes);
            let message = script.read().unwrap_err().to_string();
            assert!(message.contains(hint), "{message}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_left_out() {
        let (_folder, script) = on_disk(b"\xef\xbb\xbf(module)");
        assert_eq!(script.read().unwrap(), "(module)");
        let given = Script::given("<stdin>", "3.0", &b"\xef\xbb\xbf(module)"[..]).unwrap();
        assert_eq!((&*given.read().unwrap(), given.path(), given.name()), ("(module)", None, "<stdin>"));
    }

    #[test]
    fn a_script_has_an_end() {
        let error = read(Path::new("<stdin>"), io::repeat(b' '), 100).unwrap_err();
        assert!(error.to_string().starts_with("<stdin>: cannot read the script: more than 100 "), "{error}");
        assert_eq!(read(Path::new("<stdin>"), &[b' '; 100][..], 100).unwrap().len(), 100);
    }

    #[test]
    fn an_embedded_script_has_no_path() {
        let script = Script::embedded("a.wast".to_owned(), "1.0", "(module)");
        assert_eq!(script.path(), None);
        assert!(matches!(script.read().unwrap(), Cow::Borrowed("(module)")));
    }
}
