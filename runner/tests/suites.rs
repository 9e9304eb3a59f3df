//! The suites that should pass, and those that `WASSAY_SUITES` names.

use std::process::ExitCode;

use wassay::harness;

fn main() -> ExitCode {
    harness::run(harness::default_suites())
}
