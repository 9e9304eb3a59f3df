//! Other engines: where their descriptions are searched, and how a word on the command line selects
//! one.
//!
//! | word | names |
//! |---|---|
//! | `NAME` | the engine of that name, in its column `default` |
//! | `NAME:COLUMN` | the same in another column |
//! | `FILE.toml`, `FILE.toml:COLUMN` | the engine that the file describes |
//! | anything else | the command of an adapter that implements wap/1 |
//!
//! A name is searched as `NAME.toml` in the folders `.wassay/engines` of the current folder and of
//! those above it up to the root of its git repository, in `wassay/engines` of the user's
//! configuration (`XDG_CONFIG_HOME`), and among the built-in descriptions. The first match is used.
//! Folders of suites are never searched, because a description contains commands that are run.
//!
//! To run scripts on such an engine in a test binary:
//!
//! ```no_run
//! use wassay::{catalogue, engines, harness};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let suite = catalogue::resolve("tests/scripts")?;
//! harness::run_with(vec![suite], engines::choose("wasmi")?.drivers(None)?);
//! # Ok(())
//! # }
//! ```

mod builtin;
mod choose;
mod folder;
mod search;

use std::path::PathBuf;

use thiserror::Error;
use wassay_drive::description::{DescriptionError, NoRuntime, Unstartable};
use wassay_drive::modules::ModulesError;
use wassay_drive::{BadCommand, DriveError};

pub use self::builtin::ADAPTERS;
pub use self::choose::{Chosen, choose};
pub(crate) use self::search::named;
pub use self::search::{Found, Origin, PROJECT, Searched, all, by_name, user_folder};

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
