//! The `wassay` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    wassay::cli::main()
}
