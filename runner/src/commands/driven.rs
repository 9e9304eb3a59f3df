//! The engines that `--engine` names.

use std::path::PathBuf;
use std::sync::Arc;

use wassay_drive::wasi::Runtime;

use super::Error;
use crate::engines::{Chosen, EngineError, Origin, choose as chosen};
use crate::printer;

/// Settings of a run from the description of its engine, or from other runs of the same command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Driven {
    /// The file of expected failures.
    pub(crate) expectations: Option<PathBuf>,
    /// How to run WASI programs on it, or why that is impossible.
    pub(crate) runtime: Option<Result<Arc<Runtime>, String>>,
    /// Output files besides the reports of the run.
    pub(crate) written: Vec<PathBuf>,
    /// Whether one of these is standard output.
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

/// Finds the engine that a word names. Prints a note if the description comes from the project,
/// since it is a command that will be run.
pub(crate) fn choose(word: &str) -> Result<Chosen, Error> {
    let chosen = chosen(word)?;
    if let Some(Origin::Project(path)) = chosen.origin() {
        printer::note(&format!("engine {word}: described by {}", path.display()));
    }
    Ok(chosen)
}
