//! What a run found, and how it is shown.
//!
//! [`Report`] is the one result model. Each renderer is a module with a function from a report to a string; none of them
//! touches the file system or the clock. Totals and the outcome of directives are computed from what they sum up, never
//! taken from a file.
//!
//! - [`json`] writes and reads the report that other programs work with; its schema lies in `schema/` of this crate.
//! - [`summary`] is the table at the end of a run.

pub mod json;
pub mod summary;

mod model;
mod outcome;

pub use model::{Case, Engine, Failure, Report, Suite, Totals};
pub use outcome::{Counts, Outcome};
