//! WASI guests: cases that are judged as a whole.
//!
//! Scripts are compared directive by directive, guests case by case; a suite of guests is a row of
//! the matrix.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;

use super::assess::{Assessed, State, Tally, bad, good};
use super::column::Picked;
use super::evidence::{Failing, MOST, expected_failure};
use crate::key::Key;
use crate::model::{Case, Failure, Suite};
use crate::outcome::{Counts, Outcome};

/// The units of a case that are compared between engines: the directives of a script, or a whole
/// guest.
pub(super) fn units(case: &Case) -> &[Key] {
    case.guest.as_ref().map_or(&case.keys, slice::from_ref)
}

/// Whether a case ran at all: cases that an engine cannot run are skipped as a whole.
pub(super) fn is_run(case: &Case) -> bool {
    !units(case).is_empty() || case.directives.total() != case.directives.skipped
}

/// The failure of a guest, if it failed.
pub(super) fn failure(case: &Case) -> Option<Failure> {
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

/// The results of guests, by suite.
#[derive(Default)]
pub(super) struct Guests<'a> {
    suites: BTreeMap<&'a str, Counts>,
}

impl<'a> Guests<'a> {
    pub(super) fn of(suites: impl Iterator<Item = &'a Suite>) -> Guests<'a> {
        let mut guests = Guests::default();
        for suite in suites {
            for case in suite.cases.iter().filter(|case| case.guest.is_some()) {
                guests.suites.entry(&suite.name).or_default().record(case.outcome);
            }
        }
        guests
    }

    /// The suites that have guests.
    pub(super) fn suites(&self) -> BTreeSet<&'a str> {
        self.suites.keys().copied().collect()
    }

    /// Assesses a suite.
    pub(super) fn suite(&self, name: &str) -> Assessed {
        let cases = self.suites.get(name).copied().unwrap_or_default();
        let tally = Tally { directives: cases, ..Tally::default() };
        Assessed { state: state(&cases), tally, set_aside: Vec::new() }
    }
}

/// The state of support for the guests of a suite, by how many end as expected.
fn state(cases: &Counts) -> State {
    match (good(cases), bad(cases)) {
        _ if cases.is_none() => State::NotRun,
        (0, 0) => State::Unknown,
        (0, _) => State::No,
        (_, 0) => State::Full,
        _ => State::Deviates,
    }
}

/// The failing guests of a suite, and the number that are not listed.
pub(super) fn failing(column: &Picked<'_>, suite: &str) -> (Vec<Failing>, u64) {
    let of_suite = column.cases().filter(|(part, case)| part.suite.name == suite && case.guest.is_some());
    let failed = of_suite.filter_map(|(part, case)| Some(Failing::of(part.suite, case, &failure(case)?)));
    let mut failing: Vec<Failing> = failed.collect();
    let left = failing.len().saturating_sub(MOST) as u64;
    failing.truncate(MOST);
    (failing, left)
}
