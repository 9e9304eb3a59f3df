//! WASI guests: cases that are judged as a whole.
//!
//! Scripts are compared directive by directive, guests case by case; a suite of guests is a row of
//! the matrix.

use std::collections::{BTreeMap, BTreeSet};

use super::assess::{Assessed, State, Tally, bad, good};
use crate::model::Suite;
use crate::outcome::Counts;

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
