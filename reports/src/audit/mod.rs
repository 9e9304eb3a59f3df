//! What an audit of suites found: which faults of an engine they would notice.
//!
//! Every fault was played to the scripts that it concerns. The state of a fault follows from what
//! is recorded of it, so that reports of several shards of an audit add up.

mod html;
mod json;
mod markdown;
mod model;

pub use html::render as html;
pub use json::{SCHEMA_VERSION, render as json};
pub use markdown::render as markdown;
pub use model::{Audit, Audited, Fault, Kill, State, Tally, Worth};
