//! Engines that are driven by their adapters: our own, and what is found on the machine.

#![allow(clippy::disallowed_macros, clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod both_ways;
mod command_line;
mod commands;
mod described;
mod examples;
mod judging;
mod kept;
mod wasi;

use std::process::ExitCode;

use common::trials::{NotRun, working};
use libtest_mimic::Arguments;

/// The command of our own adapter.
fn own() -> String {
    format!("'{}' adapter", env!("CARGO_BIN_EXE_wassay"))
}

/// The command of the adapter for JavaScript hosts on node.
fn node() -> Result<String, NotRun> {
    let node = working(&["node", "nodejs"])?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/js/wap.js");
    Ok(format!("'{}' '{script}'", node.display()))
}

/// If this variable is set, the harness runs the suite in that folder instead of the trials.
const HARNESS: &str = "WASSAY_TEST_HARNESS";

fn main() -> ExitCode {
    if let Some(folder) = std::env::var_os(HARNESS) {
        return wassay::harness::run(vec![wassay_testsuite::directory::open(folder.as_ref()).unwrap()]);
    }
    let trials = [
        both_ways::trials(),
        command_line::trials(),
        commands::trials(),
        described::trials(),
        examples::trials(),
        kept::trials(),
        wasi::trials(),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials.into_iter().flatten().collect()).exit_code()
}
