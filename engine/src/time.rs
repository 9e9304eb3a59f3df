//! Deadlines of the engine's own work.

pub use wassay_terms::Deadline;

use crate::error::{Error, Result};

/// How many small steps, such as one item of a section or one element each, are taken between two
/// looks at the clock.
pub(crate) const STEPS: usize = 1 << 12;

/// Fails if a deadline has passed.
///
/// # Errors
///
/// [`Interrupted`](crate::ErrorKind::Interrupted).
pub(crate) fn in_time(deadline: Option<Deadline>) -> Result<()> {
    if deadline.is_some_and(Deadline::is_over) { Err(Error::interrupted()) } else { Ok(()) }
}
