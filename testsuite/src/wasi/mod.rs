//! Guests of WASI as cases: a module, what it is given, and what is expected of it.
//!
//! The format is that of the official suite (WebAssembly/wasi-testsuite, `doc/specification.md`): [`NAME.json`](spec) beside `NAME.wasm`
//! or `NAME.wat`. A module without such a file is a case where a `manifest.json` says that its folder holds cases; it is then given
//! nothing, and has to exit with 0.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::{fs, str};

use thiserror::Error;

pub mod spec;
pub mod tree;

pub use spec::{Spec, SpecError};
pub use tree::Tree;

/// The file that says of a folder that its modules are cases.
const MANIFEST: &str = "manifest.json";

/// A module and what is expected of it.
#[derive(Debug, Clone)]
pub struct Guest {
    name: String,
    module: PathBuf,
}

impl Guest {
    pub(crate) fn file(name: String, module: PathBuf) -> Guest {
        Guest { name, module }
    }

    /// The path of the module inside its suite, with `/` between folders. Unique within the suite.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the module lies on disk; `None` for an embedded one.
    pub fn path(&self) -> Option<&Path> {
        Some(&self.module)
    }

    /// The module, in the binary or the text format.
    ///
    /// # Errors
    ///
    /// Its file cannot be read.
    pub fn module(&self) -> io::Result<Cow<'static, [u8]>> {
        fs::read(&self.module).map(Cow::Owned)
    }

    /// What is done with it and expected of it.
    ///
    /// # Errors
    ///
    /// Its JSON file cannot be read, or is none that is understood.
    pub fn spec(&self) -> Result<Spec, GuestError> {
        let path = self.module.with_extension("json");
        let file = path.display().to_string();
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Spec::default()),
            read => read.map_err(|error| GuestError::Io { file: file.clone(), error })?,
        };
        let text = str::from_utf8(&bytes).map_err(|error| {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
            SpecError { file: file.clone(), line, column, message: "not UTF-8 from here on".to_owned() }
        })?;
        Ok(Spec::parse(&file, text)?)
    }

    /// What is in a folder beside the module, without what earlier runs left over.
    ///
    /// # Errors
    ///
    /// It is not there, or cannot be read.
    pub fn folder(&self, name: &str) -> Result<Tree, GuestError> {
        let path = self.module.with_file_name(name);
        let failed = |error| GuestError::Io { file: path.display().to_string(), error };
        if !fs::metadata(&path).map_err(failed)?.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
        let mut tree = Tree::read(&path).map_err(failed)?;
        tree.clean_up();
        Ok(tree)
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

/// Whether a file is the module of a case: it has a JSON file of its name beside it, or lies beside a `manifest.json`.
pub(crate) fn is_module(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wasm" || extension == "wat")
        && (path.with_extension("json").is_file() || path.with_file_name(MANIFEST).is_file())
}

/// Whether a folder is part of a case: what its guest leaves behind (`NAME.fs` beside `NAME.wasm` or `NAME.wat`), or what guests are given
/// (`NAME.dir` beside a `manifest.json`).
pub(crate) fn is_of_guest(folder: &Path) -> bool {
    match folder.extension().and_then(|extension| extension.to_str()) {
        Some("fs") => ["wasm", "wat"].iter().any(|extension| folder.with_extension(extension).is_file()),
        Some("dir") => folder.with_file_name(MANIFEST).is_file(),
        _ => false,
    }
}
