//! Why a word names no engine that can be driven.

use std::path::PathBuf;

use thiserror::Error;
use wassay_drive::description::{DescriptionError, NoRuntime, Unstartable};
use wassay_drive::modules::ModulesError;
use wassay_drive::{BadCommand, DriveError};

/// Why an engine cannot be used.
#[derive(Debug, Error)]
pub enum EngineError {
    /// It is neither the name of an engine nor a program.
    #[error(
        "`{word}` is neither an engine nor a program{meant}; `wassay engine list` lists the engines; for your own adapter, \
        give its command or a description that ends in .toml"
    )]
    Unknown {
        /// The word.
        word: String,
        /// A hint with a similar name.
        meant: String,
    },
    /// A description is unusable.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// The file name of a description differs from the name in it.
    #[error("{}: describes `{name}`, so the file must be named {name}.toml", path.display())]
    Misnamed {
        /// The file.
        path: PathBuf,
        /// The name in it.
        name: String,
    },
    /// The engine that is described cannot be started.
    #[error(transparent)]
    Unstartable(#[from] Unstartable),
    /// The command is invalid.
    #[error(transparent)]
    Command(#[from] BadCommand),
    /// The engine does not implement the protocol.
    #[error(transparent)]
    Drive(#[from] DriveError),
    /// The engine cannot be driven by the exit codes of its command.
    #[error(transparent)]
    Modules(#[from] ModulesError),
    /// The engine cannot run WASI programs.
    #[error(transparent)]
    NoRuntime(#[from] NoRuntime),
    /// A system call failed.
    #[error("{what}: {error}")]
    System {
        /// What failed.
        what: String,
        /// The error.
        error: std::io::Error,
    },
}
