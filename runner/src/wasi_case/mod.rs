//! Runs guests of WASI as cases: gives each what its [specification](wassay_testsuite::wasi::spec) says, does with it what that says, and
//! judges what comes of it.
//!
//! A guest runs in this process, on a thread of its own, in a fresh copy of its folders, and until a deadline.

mod drive;
mod process;
mod result;

use wassay_testsuite::wasi::{Guest, GuestError};

pub use self::result::GuestResult;
use crate::batch::{End, Settings, TIMEOUT};
use crate::script::source::Place;

/// Runs a guest, and judges it.
pub(crate) fn run(label: &str, guest: &Guest, settings: &Settings) -> End {
    let spec = match guest.spec() {
        Ok(spec) => spec,
        Err(error) => return unusable(&error),
    };
    let timeout = settings.timeout.unwrap_or(TIMEOUT);
    match drive::drive(label, guest, &spec, settings.features.unwrap_or_default(), timeout) {
        Ok(result) => End::Ran(result),
        Err(message) => End::Unusable { message, place: None },
    }
}

/// How many steps of a guest are judged; 0 where that is not known.
pub(crate) fn checks(guest: &Guest) -> usize {
    guest.spec().map_or(0, |spec| spec.operations.len())
}

fn unusable(error: &GuestError) -> End {
    let place = error.place().map(|(line, column)| Place { line, column });
    End::Unusable { message: error.to_string(), place }
}
