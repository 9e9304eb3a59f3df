//! Each function of preview 1 with good and bad arguments: what it answers, and the bytes that it writes.

// A test prints what it found by itself.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)]

mod deadline;
mod files;
mod grants;
mod paths;
mod process;
#[path = "../support/mod.rs"]
mod support;
mod types;
mod waiting;

/// Where calls take something, and where they put something.
const AT: i64 = support::DATA as i64;
const TO: i64 = support::OUT as i64;
