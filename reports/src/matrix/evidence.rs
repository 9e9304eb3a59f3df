//! The failing directives of each cell.

use std::collections::HashSet;

use serde::Serialize;

use super::assess::bad;
use super::column::Picked;
use crate::describe::link;
use crate::key::Key;
use crate::model::{Case, Failure, Note, Suite};
use crate::outcome::Outcome;
use crate::text::{MAX_SHOWN, cut};

/// The maximum number of failing directives of a cell; the others are counted.
pub(super) const MOST: usize = 40;

/// A failing directive, or a case that failed as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failing {
    /// The suite.
    pub suite: String,
    /// The case in it.
    pub case: String,
    /// The URL of the directive's source, if known.
    pub url: Option<String>,
    /// The failure. Texts are cut at 4,000 characters.
    #[serde(flatten)]
    pub failure: Failure,
}

impl Failing {
    pub(super) fn of(suite: &Suite, case: &Case, failure: &Failure) -> Failing {
        let text = |text: &String| cut(text, MAX_SHOWN).into_owned();
        let Failure { line, column, kind, message, expected, actual, source, key, diff, calls } = failure;
        Failing {
            suite: suite.name.clone(),
            case: case.name.clone(),
            url: link(suite, &case.name, *line),
            failure: Failure {
                line: *line,
                column: *column,
                kind: text(kind),
                message: text(message),
                expected: expected.as_ref().map(text),
                actual: actual.as_ref().map(text),
                source: text(source),
                key: *key,
                diff: diff.as_ref().map(text),
                calls: calls.iter().rev().take(20).rev().map(text).collect(),
            },
        }
    }
}

/// Converts an expected failure, of which only the reason is known, to a failure.
pub(super) fn expected_failure(note: &Note) -> Failure {
    Failure {
        line: note.line,
        column: note.column,
        kind: Outcome::XFailed.as_str().to_owned(),
        message: format!("fails as expected: {}", note.reason),
        expected: note.expected.clone(),
        actual: note.actual.clone(),
        key: note.key,
        ..Failure::default()
    }
}

/// The failing directives that are relevant to a feature, and the number that are not listed.
pub(super) fn failing(column: &Picked<'_>, feature: &str) -> (Vec<Failing>, u64) {
    let (mut found, mut total) = (Vec::new(), 0u64);
    for (part, case) in column.cases() {
        let about = case.needs.iter().filter(|needs| column.assessment.is_about(&needs.features, feature));
        let (mut keys, mut failed) = (HashSet::<Key>::new(), 0u64);
        for needs in about {
            failed = failed.saturating_add(bad(&needs.directives));
            keys.extend(&needs.not_passed);
        }
        if failed == 0 {
            continue;
        }
        total = total.saturating_add(failed);
        let is_about = |failure: &Failure| failure.key.is_none_or(|key| keys.contains(&key));
        let expected =
            case.notes.iter().filter(|note| note.outcome == Outcome::XFailed).map(expected_failure);
        let failures = case.failures.iter().cloned().chain(expected).filter(is_about);
        let room = MOST.saturating_sub(found.len()).min(usize::try_from(failed).unwrap_or(MOST));
        found.extend(failures.take(room).map(|failure| Failing::of(part.suite, case, &failure)));
    }
    let left = total.saturating_sub(found.len() as u64);
    (found, left)
}

/// The failure of a guest, if it failed.
pub(super) fn guest_failure(case: &Case) -> Option<Failure> {
    let whole = || Failure {
        kind: case.outcome.as_str().to_owned(),
        message: "the guest failed as a whole".to_owned(),
        ..Failure::default()
    };
    if case.outcome.is_failure() {
        return Some(case.failures.first().cloned().unwrap_or_else(whole));
    }
    let is_expected = case.outcome == Outcome::XFailed;
    is_expected.then(|| case.notes.first().map_or_else(whole, expected_failure))
}

/// The failing guests of a suite, and the number that are not listed.
pub(super) fn failing_guests(column: &Picked<'_>, suite: &str) -> (Vec<Failing>, u64) {
    let of_suite = column.cases().filter(|(part, case)| part.suite.name == suite && case.guest.is_some());
    let failed =
        of_suite.filter_map(|(part, case)| Some(Failing::of(part.suite, case, &guest_failure(case)?)));
    let mut failing: Vec<Failing> = failed.collect();
    let left = failing.len().saturating_sub(MOST) as u64;
    failing.truncate(MOST);
    (failing, left)
}
