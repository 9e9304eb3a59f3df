//! Descriptions of engines: what wassay has to know of one to run it, as a TOML file.
//!
//! ```toml
//! name = "my-engine"                    # what it is called on the command line and in reports
//! homepage = "https://example.org/"
//! notes = "built with the interpreter"  # for people
//! install = "cargo install my-engine"   # how to get it; shown where it is not there
//! package = "Debian my-engine"          # who packaged it, where that was not its makers
//! program = ["my-engine", "{dir}/target/release/my-engine"]   # {program}
//! version = ["{program}", "--version"]  # prints the version
//! timeout = "20s"                       # for a script, as --timeout
//! max-memory = "2GiB"                   # for the process, as --max-memory
//! expectations = "my-engine.toml"       # known failures, as for --expectations
//!
//! [protocol]                            # an adapter that speaks wap/1
//! command = ["{program}", "{flags}", "adapter"]
//! env = { MY_ENGINE_LOG = "0" }
//!
//! [columns.default]                     # a configuration to test
//! features = ["2.0", "threads"]
//!
//! [columns.all]
//! flags = ["--enable-all"]
//! features = ["3.0", "threads"]
//! expectations = "my-engine-all.toml"
//! ```
//!
//! Engines without an adapter have a table `[module]` or `[wasi]` (`ways`).
//!
//! `name` is required, and so is a way to drive the engine, such as `[protocol]`. Without
//! `[columns.NAME]` there is one column, `default`, without flags. Commands are lists of words,
//! which no shell reads; [`Template`] says what placeholders in them are. A program is looked for
//! in the folders of `PATH`, or is an absolute path.

mod read;
mod start;
mod start_ways;
mod template;
#[cfg(test)]
mod tests;
mod ways;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

pub use self::start::{Places, Unstartable};
pub use self::start_ways::NoRuntime;
pub use self::template::{Placeholder, Template, Word};
pub use self::ways::{Modules, Wasi, WasiWay};

/// The name of the column that is meant where none is named.
pub const DEFAULT_COLUMN: &str = "default";

/// What a file says of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// What it is called.
    pub name: String,
    /// Where to read about it.
    pub homepage: Option<String>,
    /// What people should know of it.
    pub notes: Option<String>,
    /// How to get it.
    pub install: Option<String>,
    /// Who packaged it, where that was not its makers.
    pub package: Option<String>,
    /// Where its program may be, the best place first; empty where commands name it themselves.
    pub program: Vec<Word>,
    /// The command that prints its version.
    pub version: Option<Template>,
    /// How long it may take for a script.
    pub timeout: Option<Duration>,
    /// How many bytes of writable memory its process may have.
    pub max_memory: Option<u64>,
    /// The file of what is known to fail, from the folder of the description.
    pub expectations: Option<PathBuf>,
    /// How to start an adapter that speaks wap/1.
    pub protocol: Option<Protocol>,
    /// How to run a module, whose exit code says how that ended.
    pub modules: Option<Modules>,
    /// How to run a program of WASI.
    pub wasi: Option<Wasi>,
    /// The configurations in which it is tested, by name; at least one.
    pub columns: BTreeMap<String, Column>,
}

/// How to start an adapter that speaks wap/1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Its command.
    pub command: Template,
    /// Variables of the environment that are set besides those of wassay.
    pub env: BTreeMap<String, Word>,
}

/// A configuration of an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// What stands for `{flags}` in commands.
    pub flags: Vec<String>,
    /// The features that are on, a version and then names, as reports publish them; empty where
    /// that is not said.
    pub features: Vec<String>,
    /// The file of what is known to fail in it, in the place of the description's.
    pub expectations: Option<PathBuf>,
}

/// A file that does not describe an engine.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}: {message}")]
pub struct BadDescription {
    /// What the reader calls the file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

/// A file of a description that cannot be used.
#[derive(Debug, Error)]
pub enum DescriptionError {
    /// It cannot be read, is no regular file or is too large.
    #[error("{}: cannot read the description of the engine: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is not understood.
    #[error(transparent)]
    Bad(#[from] BadDescription),
}

impl Description {
    /// Reads the text of a description; `file` is what messages call it.
    ///
    /// # Errors
    ///
    /// It is not TOML, has an unknown key or a value that is not understood, or does not say how
    /// the engine is driven.
    pub fn parse(file: &str, text: &str) -> Result<Description, BadDescription> {
        read::parse(file, text)
    }

    /// Reads a file, a regular one of 256 KiB at most, and gives its text too.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is not understood.
    pub fn read(path: &Path) -> Result<(Description, String), DescriptionError> {
        read::read(path)
    }

    /// Whether a word can be the name of an engine or a column: at most 64 letters, digits and any
    /// of `-_.+`, the first a letter or a digit, and not the name of a TOML file.
    pub fn is_name(word: &str) -> bool {
        read::is_name(word)
    }
}
