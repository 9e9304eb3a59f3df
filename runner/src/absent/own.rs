//! Replaces wassay's own engine in a build without the feature `engine`: the same names as `own`,
//! and commands that fail with a hint.

use std::ffi::OsString;
use std::path::Path;

use wassay_script::Judges;
use wassay_script::Options;
use wassay_script::embed::Identity;
use wassay_script::reading::Reading;
use wassay_terms::Features;

use crate::exit::{Error, Exit};
use crate::verdict::ScriptResult;

/// The version that `wassay --version` prints.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (without an engine of its own)");

/// An uninhabited engine type.
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

/// Determines which rule a module violates; absent in this build.
pub(crate) const CLASSIFY: Option<wassay_audit::Classify> = None;

/// The default engine factory: none in this build.
pub(crate) fn maker() -> Option<fn() -> Absent> {
    None
}

/// The engine in a configuration, of which this build has none.
pub(crate) fn embedder_in(configuration: configurations::Configuration) -> Absent {
    match configuration {}
}

/// Runs a WASI program in a folder; not in this build.
pub(crate) fn run_wasi(_: &[u8], _: &Path) -> Result<(), String> {
    Err("this build of wassay has no implementation of WASI".to_owned())
}

/// Compiles a module to an object file; not in this build.
pub(crate) fn object(_: &[u8]) -> Result<Vec<u8>, String> {
    Err("this build of wassay has no compiler".to_owned())
}

/// Runs a module in an object file; not in this build.
pub(crate) fn run_object(_: &[u8], _: &Path) -> Result<(), String> {
    object(&[]).map(drop)
}

/// Prepares the process before it starts threads.
pub(crate) fn prepare() {}

/// The configurations of the engine: none in this build.
pub(crate) mod configurations {
    use std::fmt;

    /// A way to configure the engine.
    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Configuration {}

    impl fmt::Display for Configuration {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            match *self {}
        }
    }

    /// All configurations.
    pub(crate) fn all() -> impl Iterator<Item = Configuration> {
        std::iter::empty()
    }
}

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

/// Compiles a module, which needs the engine.
pub(crate) fn compile(_: &Path, _: Features, _: &(dyn Fn(usize, usize) + Sync)) -> Result<Vec<u8>, Error> {
    Err(needs_engine("compile"))
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

/// The error for a command that needs wassay's own engine.
fn needs_engine(command: &str) -> Error {
    Error::Usage(format!(
        "{command}: this build of wassay has no built-in engine; install it with its default features (`engine`)"
    ))
}
