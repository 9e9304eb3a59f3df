//! Tests of scripts on our own engine.

#![allow(clippy::unwrap_used)]

mod engine;
mod texts;
mod thread;

use crate::verdict::Outcome;

/// The outcome of a directive: `pass`, `skip`, or the kind of failure.
fn named(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => "pass".to_owned(),
        Outcome::Skipped(_) => "skip".to_owned(),
        Outcome::Failed(failure) => failure.kind.to_string(),
        Outcome::ExpectedFailure(..) | Outcome::UnexpectedPass(_) | Outcome::Apart(..) => {
            unreachable!("nothing is expected to fail or set aside here")
        }
    }
}
