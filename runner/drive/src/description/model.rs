//! What a description says.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use wassay_script::selfcheck::Entry;

use crate::template::{Template, Word};
use crate::wasi::Need;

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

/// An engine that runs modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modules {
    /// The command, which contains `{module}`.
    pub run: Template,
    /// How it runs a module.
    pub entry: Entry,
    /// Additional environment variables.
    pub env: BTreeMap<String, Word>,
}

/// An engine that runs WASI programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wasi {
    /// How to create its command.
    pub way: WasiWay,
    /// What it cannot provide to a program.
    pub cannot: Vec<Need>,
    /// The exit codes for a trap.
    pub traps: Vec<i32>,
    /// Files of expectations in the format of the official test suite, relative to the folder of
    /// the description.
    pub expectations: Vec<PathBuf>,
    /// Environment variables of the engine's process.
    pub own_env: BTreeMap<String, Word>,
}

/// How to create the command of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WasiWay {
    /// By templates.
    Templates {
        /// The command.
        command: Template,
        /// The words for a folder.
        dir: Option<Template>,
        /// The words for a read-only folder.
        dir_read_only: Option<Template>,
        /// The words for an environment variable.
        env: Option<Template>,
    },
    /// By an adapter of the official test suite.
    Adapter {
        /// Its file.
        adapter: Word,
        /// Python; by default `python3`.
        python: Option<Word>,
    },
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
