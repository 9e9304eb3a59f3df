//! Programs in C, Rust and text, run by `wassay` as a user who has just built them would.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod checks;
mod guests;
mod tutorial;
