//! A script: its name, its features and its text.

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::access::{Budget, Root, read_named};
use crate::conditions::Conditions;
use crate::expectation::Expectation;
use crate::text;

/// A script of a suite. A script on disk is read anew each time.
#[derive(Debug, Clone)]
pub struct Script {
    name: String,
    conditions: Conditions,
    text: Text,
    expectations: Vec<Expectation>,
}

#[derive(Debug, Clone)]
enum Text {
    Embedded(&'static str),
    /// A file that the user named.
    Named(PathBuf),
    /// A file of a suite. Its path in the suite's folder is the name of the script.
    InSuite {
        root: Arc<Root>,
        path: PathBuf,
    },
    /// Text from a stream that cannot be read again.
    Given(Arc<str>),
}

/// The maximum size of a script in bytes: its tokens are counted in 32 bits, and a stream may be
/// endless.
const MAX_SIZE: u64 = 1 << 30;

impl Script {
    pub(crate) fn embedded(name: String, conditions: Conditions, text: &'static str) -> Script {
        Script { name, conditions, text: Text::Embedded(text), expectations: Vec::new() }
    }

    /// A script that the user named.
    pub(crate) fn named(name: String, conditions: Conditions, path: PathBuf) -> Script {
        Script { name, conditions, text: Text::Named(path), expectations: Vec::new() }
    }

    /// A script in the folder of a suite; the name is its path there.
    pub(crate) fn in_suite(name: String, conditions: Conditions, root: Arc<Root>) -> Script {
        let path = root.join(Path::new(&name));
        Script { name, conditions, text: Text::InSuite { root, path }, expectations: Vec::new() }
    }

    /// Creates a script by reading a stream to its end, such as standard input or a pipe.
    ///
    /// # Errors
    ///
    /// Returns an error if the stream is not readable or not UTF-8. `name` is the name of the
    /// script in errors.
    pub fn given(name: &str, conditions: Conditions, from: impl Read) -> Result<Script, ReadError> {
        let text = read(Path::new(name), from, MAX_SIZE)?.into();
        Ok(Script { name: name.to_owned(), conditions, text: Text::Given(text), expectations: Vec::new() })
    }

    /// Whether it was read from a stream, by [`Script::given`].
    pub fn is_given(&self) -> bool {
        matches!(self.text, Text::Given(_))
    }

    /// The path of the script inside its suite, with `/` between folders: `address.wast`,
    /// `proposals/threads/atomic.wast`. Unique within the suite.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The feature expression of a `wassay.toml` above the script, of the nearest known folder, or
    /// of its suite. A [header](crate::header) in the script overrides it.
    pub fn features(&self) -> &str {
        &self.conditions.features
    }

    /// The conditions that it is judged under.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Sets the conditions that it is judged under.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// The expectations for its directives. For each directive, the first that matches applies.
    pub fn expectations(&self) -> &[Expectation] {
        &self.expectations
    }

    /// Adds expectations that override those so far.
    pub fn expect(&mut self, expectations: impl IntoIterator<Item = Expectation>) {
        self.expectations.splice(0..0, expectations);
    }

    /// The path on disk; `None` if the script is embedded or was read from a stream.
    pub fn path(&self) -> Option<&Path> {
        match &self.text {
            Text::Embedded(_) | Text::Given(_) => None,
            Text::Named(path) | Text::InSuite { path, .. } => Some(path),
        }
    }

    /// The folder of the suite; `None` if the script is not in one on disk.
    pub(crate) fn root(&self) -> Option<&Arc<Root>> {
        match &self.text {
            Text::InSuite { root, .. } => Some(root),
            _ => None,
        }
    }

    /// The size in bytes, or 0 if it is unknown.
    pub fn size(&self) -> u64 {
        match &self.text {
            Text::Embedded(text) => text.len() as u64,
            Text::Given(text) => text.len() as u64,
            Text::Named(path) => path.metadata().map_or(0, |metadata| metadata.len()),
            Text::InSuite { root, .. } => root.find(Path::new(&self.name)).map_or(0, |found| found.length),
        }
    }

    /// Reads the text of the script, without a byte order mark.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is unreadable or not UTF-8. Embedded scripts are always
    /// readable.
    pub fn read(&self) -> Result<Cow<'static, str>, ReadError> {
        self.read_within(&mut Budget::default())
    }

    /// Reads the text of the script within a budget.
    ///
    /// # Errors
    ///
    /// Those of [`Script::read`], and an error if the file exceeds the budget.
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

/// Reads a stream of at most `max_size` bytes as UTF-8. `path` is its name in errors.
fn read(path: &Path, from: impl Read, max_size: u64) -> Result<String, ReadError> {
    let path = || path.to_owned();
    let mut bytes = Vec::new();
    from.take(max_size + 1).read_to_end(&mut bytes).map_err(|error| ReadError::Io { path: path(), error })?;
    if bytes.len() as u64 > max_size {
        let error = io::Error::other(format!("larger than {max_size} bytes, the maximum size of a script"));
        return Err(ReadError::Io { path: path(), error });
    }
    decode(&path(), bytes)
}

/// Decodes UTF-8. `path` is the name of the file in errors.
fn decode(path: &Path, bytes: Vec<u8>) -> Result<String, ReadError> {
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let (bytes, valid) = (error.as_bytes(), error.utf8_error().valid_up_to());
        let before = bytes.get(..valid).map(String::from_utf8_lossy).unwrap_or_default();
        let (line, column) = text::position(&before, before.len());
        let hint = match bytes {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "; the file looks like UTF-16: save it as UTF-8",
            [0, b'a', b's', b'm', ..] => "; the file looks like a binary module: use `wassay run`",
            _ => "",
        };
        ReadError::NotUtf8 { path: path.to_owned(), line, column, hint }
    })?;
    if text::without_bom(&text).len() < text.len() {
        text.drain(..text.len() - text::without_bom(&text).len());
    }
    Ok(text)
}

/// An error of reading a script.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("{}: cannot read the script: {error}", path.display())]
    Io {
        /// The script.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The file is not UTF-8, the encoding of the text format (section 6.2.1).
    #[error("{}:{line}:{column}: invalid UTF-8; a script must be UTF-8 text{hint}", path.display())]
    NotUtf8 {
        /// The script.
        path: PathBuf,
        /// The line of the first invalid byte, from 1.
        line: usize,
        /// The column of the first invalid byte in characters, from 1.
        column: usize,
        /// A hint at what the file may be instead.
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
        let script = Script::named("a.wast".to_owned(), "3.0".into(), path);
        (folder, script)
    }

    #[test]
    fn a_file_is_read_anew_each_time() {
        let (_folder, script) = on_disk(b"(module)");
        assert_eq!(script.read().unwrap(), "(module)");
        fs::write(script.path().unwrap(), "(module $later)").unwrap();
        assert_eq!(script.read().unwrap(), "(module $later)");
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let (folder, script) = on_disk(b"");
        drop(folder);
        let message = script.read().unwrap_err().to_string();
        assert!(message.contains("a.wast: cannot read the script: "), "{message}");
    }

    #[test]
    fn the_first_invalid_byte_is_located() {
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
    fn other_kinds_of_files_are_recognised() {
        for (bytes, hint) in [(&b"\xff\xfe(\0"[..], "UTF-16"), (b"\0asm\x01\0\0\0\xff", "`wassay run`")] {
            let (_folder, script) = on_disk(bytes);
            let message = script.read().unwrap_err().to_string();
            assert!(message.contains(hint), "{message}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_removed() {
        let (_folder, script) = on_disk(b"\xef\xbb\xbf(module)");
        assert_eq!(script.read().unwrap(), "(module)");
        let given = Script::given("<stdin>", "3.0".into(), &b"\xef\xbb\xbf(module)"[..]).unwrap();
        assert_eq!((&*given.read().unwrap(), given.path(), given.name()), ("(module)", None, "<stdin>"));
    }

    #[test]
    fn the_size_of_a_script_is_limited() {
        let error = read(Path::new("<stdin>"), io::repeat(b' '), 100).unwrap_err();
        assert!(
            error.to_string().starts_with("<stdin>: cannot read the script: larger than 100 "),
            "{error}"
        );
        assert_eq!(read(Path::new("<stdin>"), &[b' '; 100][..], 100).unwrap().len(), 100);
    }

    #[test]
    fn an_embedded_script_has_no_path() {
        let script = Script::embedded("a.wast".to_owned(), "1.0".into(), "(module)");
        assert_eq!(script.path(), None);
        assert!(matches!(script.read().unwrap(), Cow::Borrowed("(module)")));
    }
}
