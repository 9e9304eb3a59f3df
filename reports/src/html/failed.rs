//! Lists what did not pass, by script.

use std::borrow::Cow;

use serde::Serialize;

use super::item::{Item, LEAST};
use super::scripts::Place;
use super::shown::{cost, full_name, name, other, title};
use crate::apart::{Group, groups};
use crate::describe::{headline, link};
use crate::model::{Case, Failure, Note, Report, Suite};
use crate::text::{at, grouped};

/// A script and what did not pass in it.
#[derive(Serialize)]
pub(super) struct Failed {
    pub(super) id: String,
    name: String,
    search: String,
    outcome: &'static str,
    counts: String,
    items: Vec<Item>,
    left: usize,
    #[serde(skip)]
    pub(super) place: Place,
}

/// Lists what did not pass, and counts entries that did not fit.
pub(super) fn failed(report: &Report, mut room: usize) -> (Vec<Failed>, u64) {
    let mut left = 0u64;
    let mut all: Vec<Failed> = Vec::new();
    for (number, suite) in report.suites.iter().enumerate() {
        for (at, case) in suite.cases.iter().enumerate().filter(|(_, case)| has_details(case)) {
            let counts = &case.directives;
            let total = grouped(counts.total());
            let mut one = Failed {
                id: format!("s{}", all.len() + 1),
                name: title(report, suite, case),
                search: String::new(),
                outcome: if case.is_flaky() { "flaky" } else { case.outcome.as_str() },
                counts: match counts.failed {
                    _ if case.is_flaky() => format!("passed on attempt {}", case.attempts.len() + 1),
                    0 => other(counts, &case.aside),
                    failed => format!("{} of {total} failed", grouped(failed)),
                },
                items: Vec::new(),
                left: 0,
                place: (number, at),
            };
            one.search = format!("{} is:{}", full_name(suite, case), one.outcome).to_lowercase();
            room = room.saturating_sub(500 + cost(&one.name) + cost(&one.search));
            for (place, what) in entries(case) {
                if room < LEAST {
                    one.left += 1;
                    continue;
                }
                let item = item(suite, case, &format!("{}-{}", one.id, one.items.len() + 1), place, what);
                let cost = item.cost();
                if cost > room {
                    one.left += 1;
                    continue;
                }
                room -= cost;
                one.items.push(item);
            }
            left += one.left as u64;
            if room > 0 {
                all.push(one);
            }
        }
    }
    (all, left)
}

fn has_details(case: &Case) -> bool {
    !case.failures.is_empty()
        || !case.notes.is_empty()
        || !case.attempts.is_empty()
        || !case.outcome.is_expected()
}

impl Failed {
    /// The number of entries shown.
    pub(super) fn entries(&self) -> usize {
        self.items.len()
    }
}

/// A failure, a note, or a group of directives that were set aside for the same reason.
enum Entry<'a> {
    Failure(&'a Failure),
    Note(&'a Note),
    Apart(Group<'a>),
}

/// The entries with line and column, in the order of the script.
fn entries(case: &Case) -> Vec<((u32, u32), Entry<'_>)> {
    // Earlier failures of a case that failed again are only in the JSON report.
    let before = case.attempts.iter().filter(|_| case.is_flaky()).flat_map(|attempt| &attempt.failures);
    let failures = case
        .failures
        .iter()
        .chain(before)
        .map(|failure| ((failure.line, failure.column), Entry::Failure(failure)));
    let notes = case.notes.iter().filter(|note| note.apart.is_none());
    let notes = notes.map(|note| ((note.line, note.column), Entry::Note(note)));
    let apart = groups(case).into_iter().filter_map(|group| {
        let first = group.notes.first()?;
        Some(((first.line, first.column), Entry::Apart(group)))
    });
    let mut entries: Vec<((u32, u32), Entry<'_>)> = failures.chain(notes).chain(apart).collect();
    entries.sort_by_key(|(place, _)| *place);
    entries
}

fn item(suite: &Suite, case: &Case, id: &str, (line, column): (u32, u32), entry: Entry<'_>) -> Item {
    let place = name(&at(&case.name, line, column));
    let (failure, headline) = match entry {
        Entry::Failure(failure) => (Cow::Borrowed(failure), headline(failure)),
        Entry::Note(note) => {
            let (kind, message) = (note.outcome.as_str().to_owned(), note.reason.clone());
            (Cow::Owned(Failure { kind, message, key: note.key, ..Failure::default() }), ": ".to_owned())
        }
        Entry::Apart(group) => {
            let (kind, message) = (group.apart.word().to_owned(), group.description());
            let key = group.notes.first().filter(|_| group.notes.len() == 1).and_then(|note| note.key);
            let headline = format!("{kind}: {}", group.reason);
            (Cow::Owned(Failure { kind, message, key, ..Failure::default() }), headline)
        }
    };
    let search = format!("{}::{place} is:{} {}", name(&suite.name), case.outcome, name(&headline));
    let mut item = Item::of(id.to_owned(), place, link(suite, &case.name, line), &failure);
    item.search = search.to_lowercase();
    item
}
