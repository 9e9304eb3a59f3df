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
mod judged;
mod lifecycle;
mod requests;
mod talk;

use std::sync::Arc;

use wassay_script::wap::Hello;

use crate::command::Command;
use crate::driver::{DriveError, Known, Limits};

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The description of the check.
    pub what: String,
    /// The verdict.
    pub verdict: Verdict,
}

/// The verdict of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Passed.
    Good,
    /// Allowed, with this disadvantage.
    Note(String),
    /// Failed.
    Bad {
        /// What happened.
        why: String,
        /// How to fix it.
        fix: String,
    },
}

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

/// Encodes a module.
fn module(text: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(text);
    let encoded = buffer.and_then(|buffer| wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode());
    encoded.unwrap_or_default()
}

impl Finding {
    fn good(what: &str) -> Finding {
        Finding { what: what.to_owned(), verdict: Verdict::Good }
    }

    fn note(what: &str, note: impl Into<String>) -> Finding {
        Finding { what: what.to_owned(), verdict: Verdict::Note(note.into()) }
    }

    fn bad(what: &str, why: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { what: what.to_owned(), verdict: Verdict::Bad { why: why.into(), fix: fix.into() } }
    }
}
