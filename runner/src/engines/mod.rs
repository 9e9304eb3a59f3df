//! Other engines by name: where their descriptions are looked for, and what a word on the command
//! line names.
//!
//! | word | names |
//! |---|---|
//! | `NAME` | the engine of that name, in its column `default` |
//! | `NAME:COLUMN` | the same in another column |
//! | `FILE.toml`, `FILE.toml:COLUMN` | the engine that the file describes |
//! | anything else | the command of an adapter that speaks wap/1 |
//!
//! A name is looked for as `NAME.toml`, in the folders `.wassay/engines` of the current folder and
//! of those above it up to the root of its git repository, in `wassay/engines` of the user's
//! configuration (`XDG_CONFIG_HOME`), and among the descriptions that are built in. The first that
//! is found counts. Folders of suites are never searched: a description is a command that is run.
//!
//! A test binary runs scripts on such an engine so:
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
