//! Deadlines for the engine's own work.

pub use wassay_terms::Deadline;

use crate::error::{Error, Result};

/// The number of small steps, such as one item of a section or one element each, between two checks
/// of a deadline.
pub(crate) const STEPS: usize = 1 << 12;

/// Fails if a deadline has passed.
///
/// # Errors
///
/// [`Interrupted`](crate::ErrorKind::Interrupted) if the deadline has passed.
pub(crate) fn in_time(deadline: Option<Deadline>) -> Result<()> {
    if deadline.is_some_and(Deadline::is_over) { Err(Error::interrupted()) } else { Ok(()) }
}
