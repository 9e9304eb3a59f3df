//! Descriptions of engines: TOML files that say how to run them.
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

pub use self::start::{Places, Unstartable, find};
pub use self::start_ways::NoRuntime;
pub use self::template::{Placeholder, Template, Word};
pub use self::ways::{Modules, Wasi, WasiWay};

/// The name of the default column.
pub const DEFAULT_COLUMN: &str = "default";

/// The description of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its home page.
    pub homepage: Option<String>,
    /// Notes for readers.
    pub notes: Option<String>,
    /// How to install it.
    pub install: Option<String>,
    /// Its package, if it was not packaged by its developers.
    pub package: Option<String>,
    /// Possible locations of its program, in order of preference; empty if commands name it
    /// themselves.
    pub program: Vec<Word>,
    /// The command that prints its version.
    pub version: Option<Template>,
    /// The time limit for a script.
    pub timeout: Option<Duration>,
    /// The limit for writable memory of its process in bytes.
    pub max_memory: Option<u64>,
    /// The file of expected failures, relative to the folder of the description.
    pub expectations: Option<PathBuf>,
    /// How to start an adapter that implements wap/1.
    pub protocol: Option<Protocol>,
    /// How to run a module, with the result as exit code.
    pub modules: Option<Modules>,
    /// How to run a WASI program.
    pub wasi: Option<Wasi>,
    /// The configurations to test, by name; at least one.
    pub columns: BTreeMap<String, Column>,
}

/// How to start an adapter that implements wap/1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Its command.
    pub command: Template,
    /// Additional environment variables.
    pub env: BTreeMap<String, Word>,
}

/// A configuration of an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// The value of `{flags}` in commands.
    pub flags: Vec<String>,
    /// The enabled features, a version and then names, for reports; empty if unknown.
    pub features: Vec<String>,
    /// The file of expected failures, which replaces that of the description.
    pub expectations: Option<PathBuf>,
}

/// An invalid description.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}: {message}")]
pub struct BadDescription {
    /// The name of the file in messages.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The problem, and what was expected.
    pub message: String,
}

/// An unusable description.
#[derive(Debug, Error)]
pub enum DescriptionError {
    /// It cannot be read, is not a regular file, or is too large.
    #[error("{}: cannot read the engine description: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error.
        error: std::io::Error,
    },
    /// It is invalid.
    #[error(transparent)]
    Bad(#[from] BadDescription),
}

impl Description {
    /// Parses a description; `file` is its name in messages.
    ///
    /// # Errors
    ///
    /// It is not TOML, has an unknown key or an invalid value, or does not say how to drive the
    /// engine.
    pub fn parse(file: &str, text: &str) -> Result<Description, BadDescription> {
        read::parse(file, text)
    }

    /// Reads a regular file of at most 256 KiB, and also returns its text.
    ///
    /// # Errors
    ///
    /// It cannot be read or parsed.
    pub fn read(path: &Path) -> Result<(Description, String), DescriptionError> {
        read::read(path)
    }

    /// Whether a word can be the name of an engine or a column: at most 64 letters, digits and any
    /// of `-_.+`, the first a letter or a digit, and not the name of a TOML file.
    pub fn is_name(word: &str) -> bool {
        read::is_name(word)
    }
}
