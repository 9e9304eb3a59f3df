//! The scripts of the specification as tests of wasmi: `cargo test`.

#![allow(clippy::disallowed_macros)]

use std::process::ExitCode;

use wassay::{catalogue, harness};
use wassay_example_wasmi::Wasmi;

fn main() -> ExitCode {
    // A folder of scripts works as well: `catalogue::resolve("tests/scripts")`.
    match catalogue::resolve("spec-v2") {
        Ok(suite) => harness::run_with(vec![suite], Wasmi::default),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
