//! WASI guests as cases: a module, its input, and its expected results.
//!
//! The format is that of the official suite (WebAssembly/wasi-testsuite, `doc/specification.md`):
//! [`NAME.json`](spec) beside `NAME.wasm` or `NAME.wat`. A module without such a file is a case if
//! there is a `manifest.json` in its folder. It then gets no input, and must exit with code 0.
//!
//! Further optional files are extensions: `NAME.stdin` is the guest's standard input. The *golden*
//! files are expected results: `NAME.stdout` and `NAME.stderr` are the complete output, and
//! `NAME.fs` has the contents of the guest's folders at the end.

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
use crate::expectation::Expectation;

/// A module with its input and expected results.
#[derive(Debug, Clone)]
pub struct Guest {
    name: String,
    /// The path on disk.
    path: Option<PathBuf>,
    files: Files,
    variant: Option<Variant>,
    expectations: Vec<Expectation>,
}

/// The maximum size of a JSON file in bytes.
const LARGEST_JSON: u64 = 16 << 20;

/// A change of the environment that guests run in. The name of a suite under a variant ends in `@`
/// and the name of the variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// The system does not have `openat2`, so that paths are resolved name by name.
    NoOpenat2,
}

impl Variant {
    /// All variants.
    pub const ALL: [Variant; 1] = [Variant::NoOpenat2];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Variant::NoOpenat2 => "no-openat2",
        }
    }

    /// Removes `@` and the name of the variant from the end of a word; `None` if it does not end
    /// like this.
    pub fn strip(self, word: &str) -> Option<&str> {
        word.strip_suffix(self.name())?.strip_suffix('@')
    }
}

/// The golden files of a guest.
#[derive(Debug, Clone, Default)]
pub struct Goldens {
    /// The expected standard output.
    pub stdout: Option<Vec<u8>>,
    /// The expected standard error.
    pub stderr: Option<Vec<u8>>,
    /// The expected contents of the guest's folders. If the guest has other folders than `/`, the
    /// contents of each are below its name.
    pub files: Option<Tree>,
}

impl Guest {
    pub(crate) fn new(name: String, files: Files) -> Guest {
        let path = files.root().map(|root| root.join(Path::new(&name)));
        Guest { name, path, files, variant: None, expectations: Vec::new() }
    }

    /// The variant that the guest is run under.
    pub fn variant(&self) -> Option<Variant> {
        self.variant
    }

    pub(crate) fn set_variant(&mut self, variant: Variant) {
        self.variant = Some(variant);
    }

    /// The expectations for it as a whole. For each failure, the first that covers it applies.
    pub fn expectations(&self) -> &[Expectation] {
        &self.expectations
    }

    /// Adds expectations that override those so far. Those for single directives are ignored.
    pub(crate) fn expect(&mut self, expectations: impl IntoIterator<Item = Expectation>) {
        self.expectations.splice(0..0, expectations.into_iter().filter(Expectation::is_broad));
    }

    /// The path of the module inside its suite, with `/` between folders. Unique within the suite.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path of the module on disk; `None` for an embedded guest.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The folder of the suite; `None` for an embedded guest.
    pub(crate) fn root(&self) -> Option<&Arc<Root>> {
        self.files.root()
    }

    /// The size of the module in bytes, or 0 if it is unknown.
    pub fn size(&self) -> u64 {
        self.files.length(self.module_path()).unwrap_or(0)
    }

    /// Reads the module, which may be in the binary or text format.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read.
    pub fn module(&self, budget: &mut Budget) -> Result<Cow<'static, [u8]>, GuestError> {
        self.read(self.module_path(), budget)
    }

    /// Calls `give` with the module and each file that belongs to its case, with their extensions.
    /// Folders are not included.
    ///
    /// # Errors
    ///
    /// Returns an error if a file is unreadable.
    pub fn each_file(
        &self,
        budget: &mut Budget,
        mut give: impl FnMut(&'static str, &[u8]),
    ) -> Result<(), GuestError> {
        give("wasm", &self.module(budget)?);
        for extension in ["json", "stdin", Stream::Stdout.name(), Stream::Stderr.name()] {
            if let Some(bytes) = self.with_extension(extension, budget)? {
                give(extension, &bytes);
            }
        }
        Ok(())
    }

    /// Reads the JSON file: what to do with the guest, and the expected results.
    ///
    /// # Errors
    ///
    /// Returns an error if the JSON file is unreadable or invalid.
    pub fn spec(&self) -> Result<Spec, GuestError> {
        let path = self.module_path().with_extension("json");
        if !self.has(&path)? {
            return Ok(Spec::default());
        }
        let bytes = self.read(&path, &mut Budget::new(LARGEST_JSON))?;
        let file = self.files.label(&path);
        let text = str::from_utf8(&bytes).map_err(|error| {
            let (line, column) = spec::end_of(&String::from_utf8_lossy(&bytes[..error.valid_up_to()]));
            SpecError { file: file.clone(), line, column, message: "invalid UTF-8".to_owned() }
        })?;
        let spec = Spec::parse(&file, text)?;
        let golden = self.module_path().with_extension("fs");
        let is_golden =
            |dir: &&spec::Dir| Path::new(&dir.host).components().next() == golden.components().next_back();
        if let Some(dir) = spec.operations.iter().flat_map(spec::Operation::dirs).find(is_golden) {
            let what = "is the golden folder, which blessing overwrites: use a different folder";
            return Err(
                SpecError { file, line: 1, column: 1, message: format!("`{}` {what}", dir.host) }.into()
            );
        }
        Ok(spec)
    }

    /// The version of WASI in the manifest, if it is not preview 1. Such a guest cannot be run.
    ///
    /// # Errors
    ///
    /// Returns an error if the manifest is unreadable or invalid.
    pub fn other_version(&self) -> Result<Option<String>, GuestError> {
        self.by_manifest(manifest::other_version)
    }

    /// The suite name in the manifest.
    ///
    /// # Errors
    ///
    /// Returns an error if the manifest is unreadable or invalid.
    pub fn suite(&self) -> Result<Option<String>, GuestError> {
        self.by_manifest(manifest::name)
    }

    /// Reads a value from the manifest, if there is one.
    fn by_manifest(
        &self,
        read: impl Fn(&str, &[u8]) -> Result<Option<String>, SpecError>,
    ) -> Result<Option<String>, GuestError> {
        let path = self.module_path().with_file_name(manifest::NAME);
        if !self.has(&path)? {
            return Ok(None);
        }
        let bytes = self.read(&path, &mut Budget::new(LARGEST_JSON))?;
        Ok(read(&self.files.label(&path), &bytes)?)
    }

    /// Lists a folder beside the module, without leftovers of earlier runs.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder is missing or unreadable, or exceeds the budget.
    pub fn folder(&self, name: &str, budget: &mut Budget) -> Result<Tree, GuestError> {
        let path = self.module_path().with_file_name(name);
        let mut tree = self.files.tree(&path, budget).map_err(|error| self.unreadable(&path, error))?;
        tree.clean_up();
        Ok(tree)
    }

    /// Reads the standard input for the guest.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is unreadable.
    pub fn stdin(&self, budget: &mut Budget) -> Result<Option<Cow<'static, [u8]>>, GuestError> {
        self.with_extension("stdin", budget)
    }

    /// Whether there is a file for standard input.
    ///
    /// # Errors
    ///
    /// Returns an error if the file system does.
    pub fn has_stdin(&self) -> Result<bool, GuestError> {
        self.has(&self.module_path().with_extension("stdin"))
    }

    /// Whether there is a golden folder.
    ///
    /// # Errors
    ///
    /// Returns an error if the path cannot be checked.
    pub fn has_golden_files(&self) -> Result<bool, GuestError> {
        self.has(&self.module_path().with_extension(FILES))
    }

    /// Reads the golden files.
    ///
    /// # Errors
    ///
    /// Returns an error if one of them is unreadable.
    pub fn goldens(&self, budget: &mut Budget) -> Result<Goldens, GuestError> {
        let mut text = |stream: Stream| {
            Ok::<_, GuestError>(self.with_extension(stream.name(), budget)?.map(Cow::into_owned))
        };
        let (stdout, stderr) = (text(Stream::Stdout)?, text(Stream::Stderr)?);
        let path = self.module_path().with_extension(FILES);
        let files = match self.has(&path)? {
            true => Some(self.files.tree(&path, budget).map_err(|error| self.unreadable(&path, error))?),
            false => None,
        };
        Ok(Goldens { stdout, stderr, files })
    }

    /// Whether the golden folder has the same contents as what the guest left.
    ///
    /// # Errors
    ///
    /// Returns an error if a file is unreadable, or the deadline has passed.
    pub fn has_same_files(&self, golden: &Tree, left: &Tree, budget: &Budget) -> Result<bool, GuestError> {
        let path = self.module_path().with_extension(FILES);
        golden.has_same_contents(left, budget).map_err(|error| self.unreadable(&path, error))
    }

    /// Replaces the golden file of a stream by what the guest wrote.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no golden file, if it cannot be written, or if the guest is
    /// embedded.
    pub fn bless_stream(&self, stream: Stream, bytes: &[u8]) -> Result<PathBuf, GuestError> {
        let path = self.module_path().with_extension(stream.name());
        self.bless(&path, |root| root.replace_file(&path, bytes))
    }

    /// Replaces the golden folder by what the guest left.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no golden folder, if it cannot be written, if a file of the
    /// guest cannot be read, or if the budget is exceeded.
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

    /// The number of checks: operations and golden files, for each preview.
    ///
    /// # Errors
    ///
    /// Returns an error if the JSON file is unreadable or invalid.
    pub fn checks(&self) -> Result<usize, GuestError> {
        let (spec, module) = (self.spec()?, self.module_path());
        let mut goldens = 0;
        for extension in [Stream::Stdout.name(), Stream::Stderr.name(), FILES] {
            goldens += usize::from(self.has(&module.with_extension(extension))?);
        }
        Ok((spec.operations.len() + goldens) * spec.extension.previews.len().max(1))
    }

    /// The path of the module in the folder of its suite.
    fn module_path(&self) -> &Path {
        Path::new(&self.name)
    }

    /// Reads the file with the module's name and this extension, if it exists.
    fn with_extension(
        &self,
        extension: &str,
        budget: &mut Budget,
    ) -> Result<Option<Cow<'static, [u8]>>, GuestError> {
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

/// The extension of the golden folder.
const FILES: &str = "fs";

impl Goldens {
    /// The number of golden files.
    pub fn count(&self) -> usize {
        [self.stdout.is_some(), self.stderr.is_some(), self.files.is_some()]
            .into_iter()
            .filter(|there| *there)
            .count()
    }
}

/// An error in the files of a case.
#[derive(Debug, Error)]
pub enum GuestError {
    /// The JSON file is invalid.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A file cannot be read.
    #[error("{file}: cannot be read: {error}")]
    Io {
        /// The name of the file.
        file: String,
        /// The system's error.
        error: io::Error,
    },
    /// A golden file cannot be written.
    #[error("{file}: cannot update the golden file: {error}")]
    Unwritable {
        /// The name of the file.
        file: String,
        /// The system's error.
        error: io::Error,
    },
}

impl GuestError {
    /// The position that the message names: line and column, from 1.
    pub fn position(&self) -> Option<(usize, usize)> {
        match self {
            GuestError::Spec(error) => Some((error.line, error.column)),
            GuestError::Io { .. } | GuestError::Unwritable { .. } => None,
        }
    }

    /// Whether the deadline passed before it was read or written.
    pub fn is_timeout(&self) -> bool {
        match self {
            GuestError::Spec(_) => false,
            GuestError::Io { error, .. } | GuestError::Unwritable { error, .. } => Budget::is_timeout(error),
        }
    }
}
