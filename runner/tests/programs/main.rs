//! Programs in C, Rust, Go and text, run by `wassay` as whoever has just built them would.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod checks;
mod go;
mod guests;
mod prebuilt;
mod tutorial;
