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
use std::sync::Arc;

use thiserror::Error;

pub(crate) use self::files::Files;
pub use self::manifest::is_module_name;
pub(crate) use self::manifest::{Names, has_suffix, is_module};
use self::spec::Stream;
pub use self::spec::{Spec, SpecError};
pub use self::tree::Tree;
use crate::access::{Budget, Root};

/// A module and what is expected of it.
#[derive(Debug, Clone)]
pub struct Guest {
    name: String,
    /// Its place on disk.
    path: Option<PathBuf>,
    files: Files,
    variant: Option<Variant>,
}

/// How large a JSON file may be, in bytes.
const LARGEST_JSON: u64 = 16 << 20;

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
#[derive(Debug, Clone, Default)]
pub struct Goldens {
    /// All that it writes to standard output.
    pub stdout: Option<Vec<u8>>,
    /// All that it writes to standard error.
    pub stderr: Option<Vec<u8>>,
    /// What is in its folders; where it has others than one that it sees as `/`, each below its name.
    pub files: Option<Tree>,
}

impl Guest {
    pub(crate) fn new(name: String, files: Files) -> Guest {
        let path = files.root().map(|root| root.join(Path::new(&name)));
        Guest { name, path, files, variant: None }
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
        self.path.as_deref()
    }

    /// The folder of its suite; `None` for an embedded one.
    pub(crate) fn root(&self) -> Option<&Arc<Root>> {
        self.files.root()
    }

    /// The bytes of its module; 0 where they cannot be told.
    pub fn size(&self) -> u64 {
        self.files.length(self.module_path()).unwrap_or(0)
    }

    /// The module, in the binary or the text format.
    ///
    /// # Errors
    ///
    /// Its file cannot be read.
    pub fn module(&self, budget: &mut Budget) -> Result<Cow<'static, [u8]>, GuestError> {
        self.read(self.module_path(), budget)
    }

    /// Gives its module and the files that say what is done with it and expected of it, those there are, each with its extension. Folders are
    /// not among them.
    ///
    /// # Errors
    ///
    /// One of them cannot be read.
    pub fn each_file(
        &self,
        budget: &mut Budget,
        mut give: impl FnMut(&'static str, &[u8]),
    ) -> Result<(), GuestError> {
        give("wasm", &self.module(budget)?);
        for extension in ["json", "stdin", Stream::Stdout.name(), Stream::Stderr.name()] {
            if let Some(bytes) = self.beside(extension, budget)? {
                give(extension, &bytes);
            }
        }
        Ok(())
    }

    /// What is done with it and expected of it.
    ///
    /// # Errors
    ///
    /// Its JSON file cannot be read, or is none that is understood.
    pub fn spec(&self) -> Result<Spec, GuestError> {
        let path = self.module_path().with_extension("json");
        if !self.has(&path)? {
            return Ok(Spec::default());
        }
        let bytes = self.read(&path, &mut Budget::new(LARGEST_JSON))?;
        let file = self.files.label(&path);
        let text = str::from_utf8(&bytes).map_err(|error| {
            let (line, column) = spec::end_of(&String::from_utf8_lossy(&bytes[..error.valid_up_to()]));
            SpecError { file: file.clone(), line, column, message: "not UTF-8 from here on".to_owned() }
        })?;
        let spec = Spec::parse(&file, text)?;
        let golden = self.module_path().with_extension("fs");
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
        let path = self.module_path().with_file_name(manifest::NAME);
        if !self.has(&path)? {
            return Ok(None);
        }
        let bytes = self.read(&path, &mut Budget::new(LARGEST_JSON))?;
        Ok(manifest::other_version(&self.files.label(&path), &bytes)?)
    }

    /// What is in a folder beside the module, without what earlier runs left over.
    ///
    /// # Errors
    ///
    /// It is not there, cannot be read, or has more entries than the budget allows.
    pub fn folder(&self, name: &str, budget: &mut Budget) -> Result<Tree, GuestError> {
        let path = self.module_path().with_file_name(name);
        let mut tree = self.files.tree(&path, budget).map_err(|error| self.unreadable(&path, error))?;
        tree.clean_up();
        Ok(tree)
    }

    /// What it reads from its standard input.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn stdin(&self, budget: &mut Budget) -> Result<Option<Cow<'static, [u8]>>, GuestError> {
        self.beside("stdin", budget)
    }

    /// Whether something says what it is to leave in its folders.
    ///
    /// # Errors
    ///
    /// It cannot be told.
    pub fn has_golden_files(&self) -> Result<bool, GuestError> {
        self.has(&self.module_path().with_extension(FILES))
    }

    /// What it is to leave behind.
    ///
    /// # Errors
    ///
    /// Something of that cannot be read.
    pub fn goldens(&self, budget: &mut Budget) -> Result<Goldens, GuestError> {
        let mut text =
            |stream: Stream| Ok::<_, GuestError>(self.beside(stream.name(), budget)?.map(Cow::into_owned));
        let (stdout, stderr) = (text(Stream::Stdout)?, text(Stream::Stderr)?);
        let path = self.module_path().with_extension(FILES);
        let files = match self.has(&path)? {
            true => Some(self.files.tree(&path, budget).map_err(|error| self.unreadable(&path, error))?),
            false => None,
        };
        Ok(Goldens { stdout, stderr, files })
    }

    /// Whether two trees have the same contents, of which one is the golden one.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or the time is over.
    pub fn has_same_files(&self, golden: &Tree, left: &Tree, budget: &Budget) -> Result<bool, GuestError> {
        let path = self.module_path().with_extension(FILES);
        golden.has_same_contents(left, budget).map_err(|error| self.unreadable(&path, error))
    }

    /// Puts what the guest wrote in the place of a golden file.
    ///
    /// # Errors
    ///
    /// There is no such file, or it cannot be written. That the guest is embedded is an error too.
    pub fn bless_stream(&self, stream: Stream, bytes: &[u8]) -> Result<PathBuf, GuestError> {
        let path = self.module_path().with_extension(stream.name());
        self.bless(&path, |root| root.replace_file(&path, bytes))
    }

    /// Puts what the guest left behind in the place of the golden folder.
    ///
    /// # Errors
    ///
    /// There is no such folder, or it cannot be written; something that was left cannot be read, or is more than the budget allows.
    pub fn bless_files(&self, tree: &Tree, budget: &mut Budget) -> Result<PathBuf, GuestError> {
        let path = self.module_path().with_extension(FILES);
        self.bless(&path, |root| {
            root.replace_folder(&path, |target| {
                tree.write(target, budget)?;
                tree.keep_in_git(target)
            })
        })
    }

    fn bless(&self, path: &Path, write: impl FnOnce(&Root) -> io::Result<()>) -> Result<PathBuf, GuestError> {
        let root = self.root().ok_or_else(|| self.unreadable(path, io::ErrorKind::Unsupported.into()))?;
        write(root).map_err(|error| GuestError::Unwritable { file: self.files.label(path), error })?;
        Ok(root.join(path))
    }

    /// How many steps of it are judged: its operations and golden files, under each preview.
    ///
    /// # Errors
    ///
    /// Its JSON file cannot be read, or is none that is understood.
    pub fn checks(&self) -> Result<usize, GuestError> {
        let (spec, module) = (self.spec()?, self.module_path());
        let mut goldens = 0;
        for extension in [Stream::Stdout.name(), Stream::Stderr.name(), FILES] {
            goldens += usize::from(self.has(&module.with_extension(extension))?);
        }
        Ok((spec.operations.len() + goldens) * spec.extension.previews.len().max(1))
    }

    /// The path of the module from the folder of its suite.
    fn module_path(&self) -> &Path {
        Path::new(&self.name)
    }

    /// The file of the module's name with this extension, where there is one.
    fn beside(&self, extension: &str, budget: &mut Budget) -> Result<Option<Cow<'static, [u8]>>, GuestError> {
        let path = self.module_path().with_extension(extension);
        match self.has(&path)? {
            true => self.read(&path, budget).map(Some),
            false => Ok(None),
        }
    }

    fn has(&self, path: &Path) -> Result<bool, GuestError> {
        self.files.has(path).map_err(|error| self.unreadable(path, error))
    }

    fn read(&self, path: &Path, budget: &mut Budget) -> Result<Cow<'static, [u8]>, GuestError> {
        self.files.read(path, budget).map_err(|error| self.unreadable(path, error))
    }

    fn unreadable(&self, path: &Path, error: io::Error) -> GuestError {
        GuestError::Io { file: self.files.label(path), error }
    }
}

/// The extension of the folder that has what a guest is to leave behind.
const FILES: &str = "fs";

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
    /// A golden file cannot be written.
    #[error("{file}: cannot be blessed: {error}")]
    Unwritable {
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
            GuestError::Io { .. } | GuestError::Unwritable { .. } => None,
        }
    }

    /// Whether there was no time left to read or write it.
    pub fn is_over_time(&self) -> bool {
        match self {
            GuestError::Spec(_) => false,
            GuestError::Io { error, .. } | GuestError::Unwritable { error, .. } => {
                Budget::is_over_time(error)
            }
        }
    }
}
