//! Helpers for tests that end a process.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

/// The environment variable with the case that a child process runs.
const CASE: &str = "WASSAY_TEST_CASE";

/// The case that this process runs, if it is a child.
pub(super) fn case() -> Option<String> {
    std::env::var(CASE).ok()
}

/// Runs the test with this path in a child process, for a case. Returns the signal that ended the
/// process, and its standard error.
pub(super) fn in_child(test: &str, case: &str) -> (Option<i32>, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(CASE, case).env_remove("RUST_BACKTRACE");
    let output = command.output().unwrap();
    (output.status.signal(), String::from_utf8_lossy(&output.stderr).into_owned())
}
