//! Guests of WASI as cases: a module, what it is given, and what is expected of it.
//!
//! The format is that of the official suite (WebAssembly/wasi-testsuite, `doc/specification.md`): [`NAME.json`](spec) beside `NAME.wasm`
//! or `NAME.wat`. A module without such a file is a case where a `manifest.json` says that its folder holds cases; it is then given
//! nothing, and has to exit with 0.
//!
//! Ours adds files, each where it is there: `NAME.stdin`, what the guest reads; and golden ones, what it is to leave behind: `NAME.stdout` and
//! `NAME.stderr`, all that it writes, and `NAME.fs`, what is in its folder at the end.

mod files;
mod manifest;
pub mod spec;
pub mod tree;

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::str;

use thiserror::Error;

pub(crate) use self::files::Files;
pub use self::manifest::is_module_name;
pub(crate) use self::manifest::{has_suffix, is_module, is_of_guest};
use self::spec::Stream;
pub use self::spec::{Spec, SpecError};
pub use self::tree::Tree;

/// A module and what is expected of it.
#[derive(Debug, Clone)]
pub struct Guest {
    name: String,
    module: PathBuf,
    files: Files,
    variant: Option<Variant>,
}

/// Under what a guest is run besides. The name of a suite with all guests under one ends in `@` and the name of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// The system does not know `openat2`, so that paths are followed name by name.
    NoOpenat2,
}

impl Variant {
    /// All of them.
    pub const ALL: [Variant; 1] = [Variant::NoOpenat2];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Variant::NoOpenat2 => "no-openat2",
        }
    }

    /// What precedes the `@` and this name at the end of a word; `None` where it ends otherwise.
    pub fn strip(self, word: &str) -> Option<&str> {
        word.strip_suffix(self.name())?.strip_suffix('@')
    }
}

/// What a guest is to leave behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Goldens {
    /// All that it writes to standard output.
    pub stdout: Option<Vec<u8>>,
    /// All that it writes to standard error.
    pub stderr: Option<Vec<u8>>,
    /// What is in its folders; where it has others than one that it sees as `/`, each below its name.
    pub files: Option<Tree>,
}

impl Guest {
    pub(crate) fn new(name: String, module: PathBuf, files: Files) -> Guest {
        Guest { name, module, files, variant: None }
    }

    /// Under what it is run besides.
    pub fn variant(&self) -> Option<Variant> {
        self.variant
    }

    pub(crate) fn set_variant(&mut self, variant: Variant) {
        self.variant = Some(variant);
    }

    /// The path of the module inside its suite, with `/` between folders. Unique within the suite.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the module lies on disk; `None` for an embedded one.
    pub fn path(&self) -> Option<&Path> {
        self.files.are_on_disk().then_some(&self.module)
    }

    /// The module, in the binary or the text format.
    ///
    /// # Errors
    ///
    /// Its file cannot be read.
    pub fn module(&self) -> Result<Cow<'static, [u8]>, GuestError> {
        self.files.read(&self.module).map_err(|error| unreadable(&self.module, error))
    }

    /// What is done with it and expected of it.
    ///
    /// # Errors
    ///
    /// Its JSON file cannot be read, or is none that is understood.
    pub fn spec(&self) -> Result<Spec, GuestError> {
        let path = self.module.with_extension("json");
        let Some(bytes) = self.beside("json")? else { return Ok(Spec::default()) };
        let file = path.display().to_string();
        let text = str::from_utf8(&bytes).map_err(|error| {
            let (line, column) = spec::end_of(&String::from_utf8_lossy(&bytes[..error.valid_up_to()]));
            SpecError { file: file.clone(), line, column, message: "not UTF-8 from here on".to_owned() }
        })?;
        let spec = Spec::parse(&file, text)?;
        let golden = self.module.with_extension("fs");
        let is_golden =
            |dir: &&spec::Dir| Path::new(&dir.host).components().next() == golden.components().next_back();
        if let Some(dir) = spec.operations.iter().flat_map(spec::Operation::dirs).find(is_golden) {
            let what =
                "is what the guest is to leave behind, which blessing writes anew: give it another folder";
            return Err(
                SpecError { file, line: 1, column: 1, message: format!("`{}` {what}", dir.host) }.into()
            );
        }
        Ok(spec)
    }

    /// The version of WASI that its manifest names, where that is not preview 1: such a guest is none that can be run.
    ///
    /// # Errors
    ///
    /// The manifest cannot be read, or is none that is understood.
    pub fn other_version(&self) -> Result<Option<String>, GuestError> {
        let path = self.module.with_file_name(manifest::NAME);
        let bytes = match self.files.read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| unreadable(&path, error))?,
        };
        Ok(manifest::other_version(&path.display().to_string(), &bytes)?)
    }

    /// What is in a folder beside the module, without what earlier runs left over.
    ///
    /// # Errors
    ///
    /// It is not there, or cannot be read.
    pub fn folder(&self, name: &str) -> Result<Tree, GuestError> {
        let path = self.module.with_file_name(name);
        let mut tree = self.files.tree(&path).map_err(|error| unreadable(&path, error))?;
        tree.clean_up();
        Ok(tree)
    }

    /// What it reads from its standard input.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn stdin(&self) -> Result<Option<Cow<'static, [u8]>>, GuestError> {
        self.beside("stdin")
    }

    /// What it is to leave behind.
    ///
    /// # Errors
    ///
    /// Something of that cannot be read.
    pub fn goldens(&self) -> Result<Goldens, GuestError> {
        let text = |stream: Stream| Ok::<_, GuestError>(self.beside(stream.name())?.map(Cow::into_owned));
        let path = self.module.with_extension("fs");
        let files = match self.files.tree(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            tree => Some(tree.map_err(|error| unreadable(&path, error))?),
        };
        Ok(Goldens { stdout: text(Stream::Stdout)?, stderr: text(Stream::Stderr)?, files })
    }

    /// How many steps of it are judged: its operations and golden files, under each preview.
    ///
    /// # Errors
    ///
    /// As for those.
    pub fn checks(&self) -> Result<usize, GuestError> {
        let (spec, goldens) = (self.spec()?, self.goldens()?);
        Ok((spec.operations.len() + goldens.count()) * spec.extension.previews.len().max(1))
    }

    /// The file of the module's name with this extension, where there is one.
    fn beside(&self, extension: &str) -> Result<Option<Cow<'static, [u8]>>, GuestError> {
        let path = self.module.with_extension(extension);
        match self.files.read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some).map_err(|error| unreadable(&path, error)),
        }
    }
}

impl Goldens {
    /// How many there are.
    pub fn count(&self) -> usize {
        [self.stdout.is_some(), self.stderr.is_some(), self.files.is_some()]
            .into_iter()
            .filter(|there| *there)
            .count()
    }
}

/// Why what belongs to a case cannot be used.
#[derive(Debug, Error)]
pub enum GuestError {
    /// Its JSON file is none that is understood.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// Something cannot be read.
    #[error("{file}: cannot be read: {error}")]
    Io {
        /// What.
        file: String,
        /// What the system said.
        error: io::Error,
    },
}

impl GuestError {
    /// The line and the column that the message names, from 1.
    pub fn place(&self) -> Option<(usize, usize)> {
        match self {
            GuestError::Spec(error) => Some((error.line, error.column)),
            GuestError::Io { .. } => None,
        }
    }
}

fn unreadable(path: &Path, error: io::Error) -> GuestError {
    GuestError::Io { file: path.display().to_string(), error }
}
