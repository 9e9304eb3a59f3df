//! The self-test of an adapter: whether it speaks wap/1, and what is missing where it does not.
//!
//! | file | is |
//! |---|---|
//! | `talk` | requests that are sent as lines, and what their answers have to be |
//! | `requests` | each kind of request, in a script as documented |
//! | `errors` | the classes of errors |
//! | `lifecycle` | versions, order, flushing, and the end of the input |
//! | `judged` | small scripts with expectations that hold, and the same with expectations that do not |

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

/// Runs the self-test on the adapter that a command starts, and tells each finding. What is checked
/// depends on what the adapter says that it can do.
///
/// # Errors
///
/// It cannot be started, or does not answer `hello wap/1`: there is nothing to test.
pub fn run(command: &Command, limits: Limits, tell: &mut dyn FnMut(Finding)) -> Result<Hello, DriveError> {
    let known = Arc::new(Known::ask(command.clone(), limits)?);
    let hello = known.hello().clone();
    lifecycle::check(command, &limits, tell);
    requests::check(command, &limits, &hello, tell);
    errors::check(command, &limits, &hello, tell);
    judged::check(&known, tell);
    Ok(hello)
}
