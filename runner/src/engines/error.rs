//! Why a word names no engine that can be driven.

use std::path::PathBuf;

use thiserror::Error;
use wassay_drive::description::{DescriptionError, NoRuntime, Unstartable};
use wassay_drive::modules::ModulesError;
use wassay_drive::{BadCommand, DriveError};

/// Why a word names no engine that can be driven.
#[derive(Debug, Error)]
pub enum EngineError {
    /// It is neither the name of an engine nor a program.
    #[error(
        "`{word}` is neither an engine nor a program{meant}; `wassay engine list` shows the engines, and an adapter of your own is \
         named by its command, or by a file that ends in .toml"
    )]
    Unknown {
        /// The word.
        word: String,
        /// The engine that may have been meant.
        meant: String,
    },
    /// A description cannot be used.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// A description is found under another name than its own.
    #[error("{}: it describes `{name}`: the file has to be {name}.toml", path.display())]
    Misnamed {
        /// The file.
        path: PathBuf,
        /// The name in it.
        name: String,
    },
    /// The engine that is described cannot be started.
    #[error(transparent)]
    Unstartable(#[from] Unstartable),
    /// The command is none.
    #[error(transparent)]
    Command(#[from] BadCommand),
    /// The engine does not speak the protocol.
    #[error(transparent)]
    Drive(#[from] DriveError),
    /// The engine cannot be driven by the exit codes of its command.
    #[error(transparent)]
    Modules(#[from] ModulesError),
    /// The engine cannot run programs of WASI.
    #[error(transparent)]
    NoRuntime(#[from] NoRuntime),
    /// The system refused something.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        error: std::io::Error,
    },
}
