//! What a run takes over from the description of its engine.

use std::path::PathBuf;
use std::sync::Arc;

use super::test;
use crate::engines::Chosen;

/// Fills in arguments that the command line does not set from the engine's description.
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
