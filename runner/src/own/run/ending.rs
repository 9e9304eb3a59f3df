//! Exit codes of guests that did not return normally.

use std::path::Path;
use std::time::Duration;

use wassay_engine::Error;
use wassay_wasi::Exit as WasiExit;

use super::backtrace::{self, Loaded};
use crate::exit::Exit;
use crate::printer;

/// The exit code of a guest that was aborted: 128 plus SIGABRT.
const ABORTED: u8 = 134;

/// The exit code that replaces a nonzero one whose low 8 bits are zero.
const FAILED: u8 = 255;

/// The exit code of a guest that ended with an error. Errors other than an exit are printed to
/// standard error.
pub(super) fn of(file: &Path, error: Error, loaded: &Loaded) -> Exit {
    match error.into_payload::<WasiExit>() {
        Ok(exit) => {
            if let WasiExit::Signal(_) = exit {
                printer::error(&format!("{}: {exit}", file.display()));
            }
            Exit::Guest(low_bits(file, exit.code()))
        }
        Err(error) => {
            printer::error(&format!("{}: {error}", file.display()));
            if let Some(backtrace) = error.backtrace() {
                printer::tell(&backtrace::show(backtrace, loaded));
            }
            Exit::Guest(ABORTED)
        }
    }
}

/// The exit code of the process: the low 8 bits of the guest's code, but never 0 for a nonzero
/// code, which would report a failure as a success.
fn low_bits(file: &Path, code: u32) -> u8 {
    match code as u8 {
        0 if code != 0 => {
            let message = format!(
                "{}: the guest exited with code {code}, whose low 8 bits are zero; exiting with {FAILED} instead",
                file.display()
            );
            printer::warning(&message);
            FAILED
        }
        low => low,
    }
}

/// The exit code of a guest that timed out.
pub(super) fn of_time(file: &Path, timeout: Duration) -> Exit {
    printer::error(&format!("{}: timed out after {timeout:?} (--timeout)", file.display()));
    Exit::Guest(ABORTED)
}
