//! `--engine`: another engine than wassay's own, by the command of its adapter.

use std::sync::Arc;

use wassay_drive::{Command, Driver, Known, Limits};

use super::Error;

/// Reads the command line of an adapter.
pub(super) fn command(line: &str) -> Result<Command, String> {
    Command::read(line).map_err(|error| error.to_string())
}

/// What makes drivers of an engine whose process may have so many bytes.
///
/// # Errors
///
/// Wrong usage: the command does not start an adapter.
pub(crate) fn drivers(
    command: Command,
    max_memory: Option<u64>,
) -> Result<impl Fn() -> Driver + Clone + Send + Sync + 'static, Error> {
    let defaults = Limits::default();
    let limits = Limits { memory: max_memory.or(defaults.memory), ..defaults };
    let known = Known::ask(command, limits).map_err(|error| Error::Usage(format!("--engine: {error}")))?;
    let known = Arc::new(known);
    Ok(move || known.driver())
}
