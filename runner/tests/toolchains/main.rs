//! What needs compilers for WASI: programs in Go, and whether the programs of the repository are
//! what their sources say. Where there is no compiler, or another version, the trials say so.

// A harness of its own: its arguments and its output are those of a developer.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../programs/guests.rs"]
mod guests;

mod go;
mod machines;
mod prebuilt;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let trials = [go::trials(), machines::trials(), prebuilt::trials()].into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
