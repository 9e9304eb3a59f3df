//! What a description says.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use wassay_script::selfcheck::Entry;

use crate::template::{Template, Word};
use crate::wasi::Need;

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

/// An engine that runs modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modules {
    /// The command, with `{module}` in it.
    pub run: Template,
    /// How it enters a module.
    pub entry: Entry,
    /// Variables of the environment that are set besides those of wassay.
    pub env: BTreeMap<String, Word>,
}

/// An engine that runs programs of WASI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wasi {
    /// How its command is made.
    pub way: WasiWay,
    /// What it has no way to give a program.
    pub cannot: Vec<Need>,
    /// The exit codes of a program that trapped.
    pub traps: Vec<i32>,
    /// Files of expectations in the form of the official test suite, from the folder of the
    /// description.
    pub expectations: Vec<PathBuf>,
    /// Variables of the environment of the engine's own process.
    pub own_env: BTreeMap<String, Word>,
}

/// How the command of a program is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WasiWay {
    /// By templates.
    Templates {
        /// The command.
        command: Template,
        /// The words of a folder.
        dir: Option<Template>,
        /// Those of one in which nothing can be changed.
        dir_read_only: Option<Template>,
        /// Those of a variable of the environment.
        env: Option<Template>,
    },
    /// By an adapter of the official test suite.
    Adapter {
        /// Its file.
        adapter: Word,
        /// Python; `python3` where it is not said.
        python: Option<Word>,
    },
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
