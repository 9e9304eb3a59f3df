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
use crate::value::Value;

/// The result of a directive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DirectiveResult {
    /// Where it begins.
    pub place: Place,
    /// Its keyword.
    pub keyword: Cow<'static, str>,
    /// Its outcome.
    pub outcome: Outcome,
    /// Whether it passed by the kind of an error only, because its text or the engine's is not in
    /// the table.
    pub text_not_compared: bool,
    /// Whether it passed by the parser alone, without the engine.
    pub reader_only: bool,
    /// Whether it passed with an error that the engine's adapter does not distinguish from others.
    pub coarse: bool,
}

/// The outcome of a directive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It failed.
    Failed(Box<Failure>),
    /// It was not judged, for this reason.
    Skipped(String),
    /// It says nothing about the engine, with this category and reason.
    Apart(Apart, String),
    /// It failed as expected, for this reason.
    ExpectedFailure(Box<Failure>, String),
    /// It passed but was expected to fail for this reason, which fails the run.
    UnexpectedPass(String),
}

/// Why a directive failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of failure.
    pub kind: FailureKind,
    /// The message, in one line.
    pub message: String,
    /// The expected result.
    pub expected: Option<String>,
    /// The actual result.
    pub actual: Option<String>,
    /// The results of a call that returned. They are not included in reports, and do not leave the
    /// process.
    #[serde(skip)]
    pub returned: Option<Box<Returned>>,
    /// The text of the directive.
    pub source: Box<str>,
    /// The backtrace, one function per line. It is not included in reports.
    pub backtrace: Option<Box<str>>,
}

/// The results of a call, as far as they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned(pub Vec<Option<Value>>);

/// The kinds of failures. Their names, in kebab case, are part of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureKind {
    /// Results differ from what `assert_return` expects.
    Mismatch(MismatchKind),
    /// It ended with the expected kind of error, but another text.
    WrongText,
    /// It did not end with an error, but this kind was expected.
    Missed(ErrorKind),
    /// It ended with another kind of error than expected.
    Instead {
        /// The actual kind.
        actual: ErrorKind,
        /// The expected kind.
        expected: ErrorKind,
    },
    /// It ended with an unexpected error.
    Unexpected(ErrorKind),
    /// The instance that it names does not exist, or failed.
    NoSuchInstance,
    /// The module definition that it names does not exist, or failed to compile.
    NoSuchDefinition,
    /// The thread that it names does not exist.
    NoSuchThread,
    /// The runner does not support this directive.
    Unsupported,
    /// The form is not a directive.
    MalformedDirective,
    /// It crashed its process, or the runner panicked.
    Crashed,
    /// The script timed out or its process ended before it.
    NotRun,
}

impl FailureKind {
    /// Whether the script timed out.
    pub fn is_timeout(self) -> bool {
        matches!(
            self,
            FailureKind::Unexpected(ErrorKind::Timeout)
                | FailureKind::Instead { actual: ErrorKind::Timeout, .. }
        )
    }

    /// Whether the script ended with it or before it. Expectations for single directives don't
    /// cover such failures.
    pub fn is_end(self) -> bool {
        self.is_timeout() || matches!(self, FailureKind::Crashed | FailureKind::NotRun)
    }
}

impl DirectiveResult {
    /// The note of a report for a directive that neither plainly passed nor plainly failed.
    pub(super) fn note(&self) -> Option<Note> {
        let reason = match &self.outcome {
            Outcome::Skipped(reason)
            | Outcome::ExpectedFailure(_, reason)
            | Outcome::UnexpectedPass(reason) => reason.clone(),
            Outcome::Apart(apart, reason) => format!("{}: {reason}", apart.word()),
            Outcome::Passed | Outcome::Failed(_) => return None,
        };
        let (line, column) = numbers(self.place);
        let note = Note { line, column, ..Note::new(self.outcome.word(), reason) };
        Some(match &self.outcome {
            Outcome::Apart(apart, _) => Note { apart: Some(*apart), ..note },
            Outcome::ExpectedFailure(failure, _) => note.with_failure(failure.to_report(self.place)),
            _ => note,
        })
    }
}

impl Outcome {
    /// Applies expectations to the outcome: the first that matches applies.
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

    /// The outcome for counts in reports.
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
    /// Creates a failure with only a message.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        let (expected, actual, source, backtrace) = (None, None, Box::default(), None);
        let mut message = message.into();
        // Remove the kind from the start of the message.
        if let Some(rest) = message.strip_prefix(&format!("{kind}: ")) {
            message = rest.to_owned();
        }
        Failure { kind, message, expected, actual, returned: None, source, backtrace }
    }

    /// Sets the expected and actual results.
    pub fn with(self, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Failure { expected: Some(expected.into()), actual: Some(actual.into()), ..self }
    }

    /// The results of the call if it returned, as far as they are known.
    pub fn results(&self) -> &[Option<Value>] {
        self.returned.as_ref().map_or(&[], |returned| &returned.0)
    }

    /// Sets the results of a call.
    pub(crate) fn of_results(self, results: impl IntoIterator<Item = Option<Value>>) -> Self {
        Failure { returned: Some(Box::new(Returned(results.into_iter().collect()))), ..self }
    }

    /// Sets the backtrace of an error.
    pub fn left_by(self, error: &EmbedError) -> Self {
        Failure { backtrace: error.backtrace.as_ref().map(|left| left.0.to_string().into()), ..self }
    }

    /// Converts the failure for a report.
    pub fn to_report(&self, place: Place) -> wassay_reports::Failure {
        let (line, column) = numbers(place);
        wassay_reports::Failure {
            line,
            column,
            kind: self.kind.to_string(),
            message: self.message.clone(),
            expected: self.expected.clone(),
            actual: self.actual.clone(),
            source: self.source.to_string(),
            ..wassay_reports::Failure::default()
        }
    }
}

/// Line and column for a report.
fn numbers(place: Place) -> (u32, u32) {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (number(place.line), number(place.column))
}

/// The message of a panic.
pub fn panic_message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FailureKind::Mismatch(kind) => kind.name(),
            FailureKind::WrongText => "wrong-text",
            FailureKind::Missed(
                kind @ (ErrorKind::Trap
                | ErrorKind::Exhaustion
                | ErrorKind::Suspension
                | ErrorKind::Exception),
            ) => {
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

/// Whether the name of a failure is the kind only, without the expected one.
fn speaks_for_itself(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NoSuchExport | ErrorKind::WrongArguments | ErrorKind::Timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_failures_have_the_actual_and_the_expected_kind() {
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
