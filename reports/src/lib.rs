//! The results of a run, and their renderers.
//!
//! [`Report`] is the result model. Each renderer is a module with a function from a report to a
//! string; none of them accesses the file system or the clock. Totals are always computed, never
//! taken from a file.
//!
//! - [`json`] reads and writes machine-readable reports; the schema is in `schema/` of this crate.
//! - [`summary`] renders the table at the end of a run; like [`diff`], it is text for a
//!   [`terminal`].
//! - [`markdown`] is for a comment or a step summary, [`html`] is a web page, [`junit`] is for CI
//!   servers, and [`badge`] is an image for a README.
//!
//! [`audit`] holds the results of an audit of suites, with its own renderers.
//! [`matrix`] combines several reports into a table of engines and proposals. [`merge`] combines
//! the shards of a run, and [`diff`] compares two reports.

pub mod audit;
pub mod badge;
pub mod diff;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod matrix;
pub mod merge;
pub mod summary;
pub mod terminal;

mod apart;
mod aside;
mod bounds;
mod describe;
mod format;
mod key;
mod millis;
mod model;
mod outcome;
mod shards;
mod text;

pub use aside::{Apart, Aside, COARSELY};
pub use bounds::MAX_TEXT;
pub use key::{BadKey, Key};
pub use model::{Attempt, Case, Engine, Failure, MatchKind, Needs, Note, Report, Suite, Totals};
pub use outcome::{Counts, Outcome};
pub use shards::Shards;

/// Runs the code of the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
