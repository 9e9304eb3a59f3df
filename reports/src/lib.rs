//! What a run found, and how it is shown.
//!
//! [`Report`] is the one result model. Each renderer is a module with a function from a report to a
//! string; none of them touches the file system or the clock. Totals and the outcome of directives
//! are computed from what they sum up, never taken from a file.
//!
//! - [`json`] writes and reads the report that other programs work with; its schema lies in
//!   `schema/` of this crate.
//! - [`summary`] is the table at the end of a run; it is a text for [`terminal`]s, as that of
//!   [`diff`] is.
//! - [`markdown`] is for a comment or the summary of a step, [`html`] a page to read, [`junit`]
//!   what CI servers collect, and [`badge`] a picture for a readme.
//!
//! [`audit`] is what an audit of suites found, with renderers of its own.
//! [`matrix`] is a table of engines and proposals, made of several reports. [`merge`] makes one
//! report of the shards of a run, and [`diff`] tells what changed from one report to the next.

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
mod format;
mod key;
mod model;
mod outcome;
mod shards;
mod text;

pub use aside::{Apart, Aside};
pub use bounds::MAX_TEXT;
pub use key::{BadKey, Key};
pub use model::{Attempt, Case, Engine, Failure, MatchKind, Needs, Note, Report, Suite, Totals};
pub use outcome::{Counts, Outcome};
pub use shards::Shards;
