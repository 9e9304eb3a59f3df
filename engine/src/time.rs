//! Deadlines of the engine's own work.

pub use wassay_terms::Deadline;

use crate::error::Result;
use crate::vm::call::interrupted;

/// Fails where a deadline has passed.
///
/// # Errors
///
/// [`Interrupted`](crate::ErrorKind::Interrupted).
pub(crate) fn in_time(deadline: Option<Deadline>) -> Result<()> {
    if deadline.is_some_and(Deadline::is_over) { Err(interrupted()) } else { Ok(()) }
}
