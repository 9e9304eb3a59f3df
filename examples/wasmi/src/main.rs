//! The command `wassay`, with wasmi as its engine: `cargo run --release -- test spec-v2`.

use std::process::ExitCode;

use wassay_example_wasmi::Wasmi;

fn main() -> ExitCode {
    wassay::cli::main_with(Wasmi::default)
}
