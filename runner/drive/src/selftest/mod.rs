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
mod judged;
mod lifecycle;
mod requests;
mod talk;

use std::sync::Arc;

use wassay_script::wap::Hello;

use crate::command::Command;
use crate::driver::{DriveError, Known, Limits};

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked.
    pub what: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it has to be.
    Good,
    /// As it may be, which costs something: what.
    Note(String),
    /// Not as it has to be.
    Bad {
        /// What happened.
        why: String,
        /// What to do about it.
        fix: String,
    },
}

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

/// The bytes of a module that is written here.
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
