//! Tests of `wassay run` with programs in C, Rust and text.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod checks;
mod guests;
mod tutorial;
