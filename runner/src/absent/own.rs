//! What stands in for wassay's own engine in a build without the feature `engine`: the names of
//! `own`, and commands that say what to do instead.

use std::ffi::OsString;

use crate::commands::{Error, Exit};
use crate::script::Judges;
use crate::script::Options;
use crate::script::embed::Identity;
use crate::script::reading::Reading;
use crate::verdict::ScriptResult;

/// The version that `wassay --version` prints.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (without an engine of its own)");

/// An engine that cannot be made.
#[derive(Debug)]
pub(crate) enum Absent {}

impl Judges for Absent {
    const DRIVES_WASSAY: bool = true;

    fn identity(&self) -> Identity {
        match *self {}
    }

    fn judge(&mut self, _: &Reading<'_, '_>, _: &Options) -> ScriptResult {
        match *self {}
    }
}

/// What says which rule a module violates: nothing here.
pub(crate) const CLASSIFY: Option<wassay_audit::Classify> = None;

/// What makes engines where no other is named: nothing here.
pub(crate) fn maker() -> Option<fn() -> Absent> {
    None
}

/// Prepares the process, before it starts threads.
pub(crate) fn prepare() {}

/// `wassay run`, which needs the engine.
pub(crate) mod run {
    use super::{Error, Exit, OsString, needs_engine};

    /// Run a WASI program: not in this build, which has no engine of its own
    #[derive(Debug, clap::Args)]
    pub(crate) struct Args {
        /// The program and its arguments
        #[arg(value_name = "FILE", trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    }

    pub(crate) fn run(Args { words: _ }: Args) -> Result<Exit, Error> {
        Err(needs_engine("run"))
    }
}

/// `wassay adapter`, which needs the engine.
pub(crate) mod serve {
    use super::{Error, Exit, needs_engine};

    /// Answer requests of the protocol wap/1: not in this build, which has no engine of its own
    #[derive(Debug, clap::Args)]
    pub(crate) struct Args {}

    pub(crate) fn run(Args {}: Args) -> Result<Exit, Error> {
        Err(needs_engine("adapter"))
    }
}

/// Why a command that runs wassay's own engine and no other is refused.
fn needs_engine(command: &str) -> Error {
    Error::Usage(format!(
        "{command}: this build of wassay has no engine of its own; install it with its default features (`engine`)"
    ))
}
