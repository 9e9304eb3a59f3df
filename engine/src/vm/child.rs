//! Tests of what ends a process.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

/// Says which case the process is there for.
const CASE: &str = "WASSAY_TEST_CASE";

/// The case that this process is there for, if it is one.
pub(super) fn case() -> Option<String> {
    std::env::var(CASE).ok()
}

/// Runs the test of that path in a process of its own, for a case; gives the signal that ended it,
/// and what it wrote to standard error.
pub(super) fn in_child(test: &str, case: &str) -> (Option<i32>, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(CASE, case).env_remove("RUST_BACKTRACE");
    let output = command.output().unwrap();
    (output.status.signal(), String::from_utf8_lossy(&output.stderr).into_owned())
}
