//! Cases of WASI in a build without the feature `engine`: they are counted, and not run.

#[path = "../wasi_case/result.rs"]
mod result;

use wassay_testsuite::wasi::Guest;

pub use self::result::GuestResult;
use crate::batch::{End, Settings};

/// Says that a guest is not run.
pub(crate) fn run(_: &str, guest: &Guest, _: &Settings) -> End {
    let message = "this build of wassay has no engine of its own to run WASI cases on".to_owned();
    End::Skipped { message, directives: checks(guest) }
}

/// How many steps of a guest are judged; 0 where that is not known.
pub(crate) fn checks(guest: &Guest) -> usize {
    guest.checks().unwrap_or(0)
}
