//! What became of a directive.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wassay_reports::{Apart, Note};
use wassay_testsuite::expectation::{Expectation, Expected};

use crate::embed::{EmbedError, ErrorKind};
use crate::matching::MismatchKind;
use crate::source::Place;

/// What became of a directive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DirectiveResult {
    /// Where it begins.
    pub place: Place,
    /// The word that begins it.
    pub keyword: Cow<'static, str>,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether it passed by the kind of an error alone, since its text or the engine's is not in
    /// the table.
    pub text_not_compared: bool,
    /// Whether it passed by the judgement of the reader alone: nothing of it was asked of the
    /// engine.
    pub reader_only: bool,
    /// Whether it passed by an error that the engine's adapter does not tell apart from others.
    pub coarse: bool,
}

/// What can become of a directive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// It did what it says.
    Passed,
    /// It did not.
    Failed(Box<Failure>),
    /// It was not judged, for this reason.
    Skipped(String),
    /// It says nothing about the engine, in this way and for this reason.
    Apart(Apart, String),
    /// It failed, as was expected for this reason.
    ExpectedFailure(Box<Failure>, String),
    /// It passed although it was expected to fail for this reason; that is a failure of the run.
    UnexpectedPass(String),
}

/// Why a directive failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// In what way.
    pub kind: FailureKind,
    /// What is wrong, in one line.
    pub message: String,
    /// What the script expects.
    pub expected: Option<String>,
    /// What came instead.
    pub actual: Option<String>,
    /// The text of the directive.
    pub source: String,
    /// The functions of wasm code that were left, one a line: for people alone, no part of a
    /// report.
    pub backtrace: Option<Box<str>>,
}

/// The ways in which a directive can fail. Their names, in kebab case, are part of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureKind {
    /// Results differ from what `assert_return` expects.
    Mismatch(MismatchKind),
    /// It failed in the way expected, for another reason.
    WrongText,
    /// It did not fail, though it was expected to in this way.
    Missed(ErrorKind),
    /// It failed in another way than was expected.
    Instead {
        /// The way it failed.
        actual: ErrorKind,
        /// The way expected.
        expected: ErrorKind,
    },
    /// It failed, though nothing was to fail.
    Unexpected(ErrorKind),
    /// The instance it names does not exist, or failed to come into being.
    NoSuchInstance,
    /// The module definition it names does not exist, or failed to compile.
    NoSuchDefinition,
    /// No thread of the name it gives runs.
    NoSuchThread,
    /// The runner does not carry out this directive.
    Unsupported,
    /// The form is no directive.
    MalformedDirective,
    /// It took its process with it, or the runner panicked over it.
    Crashed,
    /// The time of the script was over before it, or its process had ended.
    NotRun,
}

impl FailureKind {
    /// Whether the time of the script was over.
    pub fn is_timeout(self) -> bool {
        matches!(
            self,
            FailureKind::Unexpected(ErrorKind::Timeout)
                | FailureKind::Instead { actual: ErrorKind::Timeout, .. }
        )
    }

    /// Whether the script ended with it or before it: it is expected of no directive, since it says
    /// nothing of one.
    pub fn is_end(self) -> bool {
        self.is_timeout() || matches!(self, FailureKind::Crashed | FailureKind::NotRun)
    }
}

impl DirectiveResult {
    /// What a report says of a directive that neither simply passed nor simply failed.
    pub(super) fn note(&self) -> Option<Note> {
        let reason = match &self.outcome {
            Outcome::Skipped(reason)
            | Outcome::ExpectedFailure(_, reason)
            | Outcome::UnexpectedPass(reason) => reason.clone(),
            Outcome::Apart(apart, reason) => format!("{}: {reason}", apart.word()),
            Outcome::Passed | Outcome::Failed(_) => return None,
        };
        let apart = if let Outcome::Apart(apart, _) = &self.outcome { Some(*apart) } else { None };
        let (line, column) = numbers(self.place);
        Some(Note { line, column, outcome: self.outcome.word(), reason, apart, key: None })
    }
}

impl Outcome {
    /// The outcome of a directive of which something else may be expected than that it passes: the
    /// first expectation that fits holds.
    pub fn under(self, expectations: &[Arc<Expectation>]) -> Outcome {
        let mut to_fail = expectations.iter().filter(|expectation| expectation.outcome == Expected::Xfail);
        match self {
            Outcome::Passed => match to_fail.find(|expectation| !expectation.is_broad()) {
                Some(expectation) => {
                    let Expectation { reason, origin, .. } = &**expectation;
                    Outcome::UnexpectedPass(format!("{reason} ({origin})"))
                }
                None => Outcome::Passed,
            },
            Outcome::Failed(failure) if !expectations.is_empty() => {
                let (kind, is_end) = (failure.kind.to_string(), failure.kind.is_end());
                match to_fail.find(|expectation| expectation.covers(&kind, is_end)) {
                    Some(expectation) => Outcome::ExpectedFailure(failure, expectation.reason.clone()),
                    None => Outcome::Failed(failure),
                }
            }
            outcome => outcome,
        }
    }

    /// The outcome as reports count it.
    pub fn word(&self) -> wassay_reports::Outcome {
        match self {
            Outcome::Passed => wassay_reports::Outcome::Passed,
            Outcome::Failed(failure) if failure.kind.is_timeout() => wassay_reports::Outcome::Timeout,
            Outcome::Failed(failure) if failure.kind == FailureKind::Crashed => {
                wassay_reports::Outcome::Crashed
            }
            Outcome::Failed(_) => wassay_reports::Outcome::Failed,
            Outcome::Skipped(_) | Outcome::Apart(..) => wassay_reports::Outcome::Skipped,
            Outcome::ExpectedFailure(..) => wassay_reports::Outcome::XFailed,
            Outcome::UnexpectedPass(_) => wassay_reports::Outcome::XPassed,
        }
    }
}

impl Failure {
    /// A failure of which there is no more to say than a line.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        let (expected, actual, source, backtrace) = (None, None, String::new(), None);
        let mut message = message.into();
        // An error's text may begin with what the kind says already.
        if let Some(rest) = message.strip_prefix(&format!("{kind}: ")) {
            message = rest.to_owned();
        }
        Failure { kind, message, expected, actual, source, backtrace }
    }

    /// The failure with what was expected and what came.
    pub fn with(self, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Failure { expected: Some(expected.into()), actual: Some(actual.into()), ..self }
    }

    /// The failure with the functions that an error left.
    pub fn left_by(self, error: &EmbedError) -> Self {
        Failure { backtrace: error.backtrace.as_ref().map(|left| left.0.to_string().into()), ..self }
    }

    /// The failure as reports have it.
    pub fn to_report(&self, place: Place) -> wassay_reports::Failure {
        let (line, column) = numbers(place);
        wassay_reports::Failure {
            line,
            column,
            kind: self.kind.to_string(),
            message: self.message.clone(),
            expected: self.expected.clone(),
            actual: self.actual.clone(),
            source: self.source.clone(),
            ..wassay_reports::Failure::default()
        }
    }
}

/// Line and column as reports have them.
fn numbers(place: Place) -> (u32, u32) {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (number(place.line), number(place.column))
}

/// What a panic was given to say.
pub fn panic_message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FailureKind::Mismatch(kind) => kind.name(),
            FailureKind::WrongText => "wrong-text",
            FailureKind::Missed(kind @ (ErrorKind::Trap | ErrorKind::Exhaustion | ErrorKind::Exception)) => {
                return write!(f, "{}-expected", kind.name());
            }
            FailureKind::Missed(kind) => return write!(f, "not-{}", kind.name()),
            FailureKind::Instead { actual: kind, .. } | FailureKind::Unexpected(kind)
                if speaks_for_itself(*kind) =>
            {
                kind.name()
            }
            FailureKind::Instead { actual, expected } => {
                return write!(f, "{}-instead-of-{}", actual.name(), expected.name());
            }
            FailureKind::Unexpected(kind) => return write!(f, "unexpected-{}", kind.name()),
            FailureKind::NoSuchInstance => "no-such-instance",
            FailureKind::NoSuchDefinition => "no-such-definition",
            FailureKind::NoSuchThread => "no-such-thread",
            FailureKind::Unsupported => "unsupported",
            FailureKind::MalformedDirective => "malformed-directive",
            FailureKind::Crashed => "crashed",
            FailureKind::NotRun => "not-run",
        })
    }
}

/// Whether a failure of that kind is named by it alone, whatever was expected.
fn speaks_for_itself(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NoSuchExport | ErrorKind::WrongArguments | ErrorKind::Timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_failures_say_what_came_and_what_was_expected() {
        let named = |kind: FailureKind| kind.to_string();
        assert_eq!(named(FailureKind::Missed(ErrorKind::Malformed)), "not-malformed");
        assert_eq!(named(FailureKind::Missed(ErrorKind::Trap)), "trap-expected");
        let instead = FailureKind::Instead { actual: ErrorKind::Invalid, expected: ErrorKind::Malformed };
        assert_eq!(named(instead), "invalid-instead-of-malformed");
        assert_eq!(named(FailureKind::Unexpected(ErrorKind::Trap)), "unexpected-trap");
        let missing = FailureKind::Instead { actual: ErrorKind::NoSuchExport, expected: ErrorKind::Trap };
        assert_eq!(named(missing), "no-such-export");
    }
}
