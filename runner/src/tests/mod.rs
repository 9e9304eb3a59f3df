//! Scripts on our own engine: real modules, real failures, and the texts of both.

#![allow(clippy::unwrap_used)]

mod engine;
mod texts;
mod thread;

use crate::verdict::Outcome;

/// What became of a directive: `pass`, `skip`, or the name of the failure.
fn named(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => "pass".to_owned(),
        Outcome::Skipped(_) => "skip".to_owned(),
        Outcome::Failed(failure) => failure.kind.to_string(),
        Outcome::ExpectedFailure(..) | Outcome::UnexpectedPass(_) | Outcome::Apart(..) => {
            unreachable!("nothing is expected to fail or put aside here")
        }
    }
}
