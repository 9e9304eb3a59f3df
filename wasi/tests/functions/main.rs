//! Tests of each function of preview 1 with valid and invalid arguments: its result and the bytes
//! it writes.

// Tests that do not apply on this machine print the reason.
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

/// The addresses of input and output.
const AT: i64 = support::DATA as i64;
const TO: i64 = support::OUT as i64;
