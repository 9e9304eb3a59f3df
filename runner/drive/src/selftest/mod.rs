//! The self-test of an adapter: checks that it implements wap/1, with a hint for each failure.
//!
//! | file | is |
//! |---|---|
//! | `talk` | requests with expected answers |
//! | `requests` | each kind of request |
//! | `errors` | the classes of errors |
//! | `lifecycle` | versions, order, flushing, and the end of the input |
//! | `judged` | small scripts with correct and with wrong expectations |

mod errors;
mod finding;
mod judged;
mod lifecycle;
mod requests;
mod talk;

use std::sync::Arc;

use wassay_script::wap::Hello;

pub use self::finding::{Finding, Verdict};
use crate::command::Command;
use crate::driver::{DriveError, Known, Limits};

/// Runs the self-test on an adapter, and calls `tell` with each finding. The checks depend on the
/// adapter's declared capabilities.
///
/// # Errors
///
/// It cannot be started, or does not answer `hello wap/1`.
pub fn run(command: &Command, limits: Limits, tell: &mut dyn FnMut(Finding)) -> Result<Hello, DriveError> {
    let known = Arc::new(Known::ask(command.clone(), limits)?);
    let hello = known.hello().clone();
    lifecycle::check(command, &limits, tell);
    requests::check(command, &limits, &hello, tell);
    errors::check(command, &limits, &hello, tell);
    judged::check(&known, tell);
    Ok(hello)
}
