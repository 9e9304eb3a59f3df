//! `--engine`: other engines than wassay's own, one or several.

use std::path::PathBuf;
use std::sync::Arc;

use wassay_drive::wasi::Runtime;

use super::{Error, Exit, audit, interrupt, several, test, wast};
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

/// `wassay test` with `--engine`.
pub(crate) fn test(mut args: test::Args) -> Result<Exit, Error> {
    interrupt()?;
    let words = std::mem::take(&mut args.engines);
    match words.as_slice() {
        [word] => {
            let chosen = choose(word)?;
            let make = drivers(&chosen, args.max_memory)?;
            test::run(as_described(args, &chosen), make)
        }
        words => several::run(&args, words),
    }
}

/// `wassay wast` with `--engine`.
pub(crate) fn wast(mut args: wast::Args, word: &str) -> Result<Exit, Error> {
    interrupt()?;
    let chosen = choose(word)?;
    let make = drivers(&chosen, args.max_memory)?;
    args.timeout = args.timeout.or(chosen.timeout());
    wast::run(args, make)
}

/// `wassay audit` with `--engine`.
pub(crate) fn audit(args: audit::Args, word: &str) -> Result<Exit, Error> {
    interrupt()?;
    let make = drivers(&choose(word)?, args.max_memory)?;
    audit::run(args, make)
}

/// The arguments with what the description of the engine says, where the command line does not.
pub(super) fn as_described(mut args: test::Args, chosen: &Chosen) -> test::Args {
    args.timeout = args.timeout.or(chosen.timeout());
    args.driven.runtime = match chosen.runtime(args.max_memory) {
        Ok(runtime) => runtime.map(|runtime| Ok(Arc::new(runtime))),
        Err(error) => Some(Err(error.to_string())),
    };
    if args.expectations.is_none() {
        args.driven.expectations = chosen.expectations().map(PathBuf::from);
    }
    args
}

fn drivers(
    chosen: &Chosen,
    max_memory: Option<u64>,
) -> Result<impl Fn() -> wassay_drive::Driven + Clone + Send + Sync + use<>, Error> {
    Ok(chosen.drivers(max_memory)?)
}
