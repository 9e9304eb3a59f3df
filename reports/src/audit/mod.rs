//! Results of an audit: which faults of an engine a test suite detects.
//!
//! Every script that a fault affects ran with that fault. The state of a fault is computed from the
//! recorded runs, so that the reports of several shards can be added up.

mod badge;
mod coverage;
mod html;
mod json;
mod markdown;
mod model;

pub use badge::{shields, svg};
pub use coverage::{Coverage, Covered, Group};
pub use html::render as html;
pub use json::{SCHEMA_VERSION, render as json};
pub use markdown::render as markdown;
pub use model::{Audit, Audited, Fault, Kill, ScriptKills, State, Tally};
