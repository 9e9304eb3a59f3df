//! The engines that `--engine` names.

use std::path::PathBuf;
use std::sync::Arc;

use wassay_drive::wasi::Runtime;

use super::Error;
use crate::engines::{Chosen, EngineError, Origin, choose as chosen};
use crate::printer;

/// What a run takes over from the description of its engine, or from the other runs of the same
/// command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Driven {
    /// The file of what is known to fail.
    pub(crate) expectations: Option<PathBuf>,
    /// What runs programs of WASI on it, or why nothing does.
    pub(crate) runtime: Option<Result<Arc<Runtime>, String>>,
    /// The files that are written besides the reports of the run.
    pub(crate) written: Vec<PathBuf>,
    /// Whether standard output is for one of these.
    pub(crate) takes_stdout: bool,
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Error {
        match error {
            EngineError::System { what, error } => Error::System { what, error },
            error => Error::Usage(format!("--engine: {error}")),
        }
    }
}

/// Finds the engine that a word names. A project's description is a command that the project has
/// written: that is said.
pub(crate) fn choose(word: &str) -> Result<Chosen, Error> {
    let chosen = chosen(word)?;
    if let Some(Origin::Project(path)) = chosen.origin() {
        printer::note(&format!("engine {word}: described by {}", path.display()));
    }
    Ok(chosen)
}
