//! The failures of directives, in words.

use crate::embed::{EmbedError, ErrorKind, Results};
use crate::env::Missing;
use crate::messages::MatchKind;
use crate::value::{Pattern, Value};
use crate::verdict::{Failure, FailureKind};

pub(crate) fn no_such(kind: FailureKind, what: &str, name: Option<&str>, missing: Missing) -> Failure {
    let name = name.map_or_else(|| format!("no {what}"), |name| format!("no {what} `${name}`"));
    let why = match missing {
        Missing::Undefined => "not defined earlier in the script".to_owned(),
        Missing::Failed(line) => format!("the directive on line {line}, which defines it, failed"),
        Missing::Skipped(line) => format!("the directive on line {line}, which defines it, was skipped"),
        Missing::Unclear(line) => {
            format!("the directive on line {line}, which may define it, failed")
        }
    };
    Failure::new(kind, format!("{name}: {why}"))
}

pub(crate) fn unsupported(keyword: &str) -> Failure {
    Failure::new(FailureKind::Unsupported, format!("unsupported directive `{keyword}`"))
}

/// The failure for an unexpected error.
pub(crate) fn unexpected(error: &EmbedError) -> Failure {
    Failure::new(FailureKind::Unexpected(error.kind), error.to_string()).left_by(error)
}

/// The failure for an action that returned instead of failing.
pub(crate) fn missed(expected: ErrorKind, results: &Results) -> Failure {
    let message = format!("expected {}, but the call returned", expected.name());
    Failure::new(FailureKind::Missed(expected), message).with(expected.name(), results_written(results, &[]))
}

/// The failure if results were expected but the call ended with an error.
pub(crate) fn not_returned(error: &EmbedError, patterns: &[Pattern]) -> Failure {
    let failure = Failure::new(FailureKind::Unexpected(error.kind), "expected the call to return");
    failure.with(patterns_written(patterns), error.to_string()).left_by(error)
}

/// The failure for an error of another kind.
pub(crate) fn instead(error: &EmbedError, expected: ErrorKind, text: Option<&str>) -> Failure {
    let kind = FailureKind::Instead { actual: error.kind, expected };
    let message = format!("expected {}, got {}", expected.name(), error.kind.name());
    Failure::new(kind, message).with(wanted(expected, text), error.to_string()).left_by(error)
}

/// The failure for an error of the right kind with another text.
pub(crate) fn wrong_text(error: &EmbedError, text: &str, match_kind: MatchKind) -> Failure {
    let message = format!("the text of the error does not match (--match {match_kind})");
    let failure = Failure::new(FailureKind::WrongText, message);
    failure.with(wanted(error.kind, Some(text)), error.to_string()).left_by(error)
}

pub(crate) fn accepted(kind: ErrorKind, text: &str, message: &str) -> Failure {
    Failure::new(FailureKind::Missed(kind), message).with(wanted(kind, Some(text)), "no error")
}

/// Formats results for messages; vectors in the shapes of the corresponding patterns.
pub(crate) fn results_written(results: &Results, patterns: &[Pattern]) -> String {
    let written =
        |(index, value): (usize, &Value)| value.in_shape(patterns.get(index).and_then(Pattern::shape));
    list_written(results.iter().enumerate().map(written))
}

pub(crate) fn patterns_written(patterns: &[Pattern]) -> String {
    list_written(patterns.iter().map(Pattern::to_string))
}

pub(crate) fn list_written(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "no result".to_owned() } else { items.join("; ") }
}

/// Formats the error that an assertion expects.
fn wanted(kind: ErrorKind, text: Option<&str>) -> String {
    text.map_or_else(|| kind.name().to_owned(), |text| format!("{}: {text}", kind.name()))
}

/// The error of a script that timed out.
pub(crate) fn interrupt() -> EmbedError {
    EmbedError::new(ErrorKind::Timeout, "timed out")
}
