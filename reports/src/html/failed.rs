//! What did not pass, script by script.

use serde::Serialize;

use super::scripts::Place;
use super::view::{cost, full_name, name, other, shown, title};
use crate::model::{Case, Failure, Note, Report, Suite};
use crate::text::{MAX_SHOWN, at, cut, grouped, headline, link};

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

#[derive(Serialize)]
struct Item {
    id: String,
    place: String,
    search: String,
    url: Option<String>,
    kind: String,
    message: String,
    source: String,
    expected: Option<String>,
    actual: Option<String>,
    diff: Vec<DiffLine>,
    calls: String,
    key: String,
}

#[derive(Serialize)]
struct DiffLine {
    /// `add`, `del`, `at` or empty.
    class: &'static str,
    text: String,
}

/// What did not pass, and how many entries did not fit into the room.
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
                    0 => other(counts),
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
                let cost = item_cost(&item);
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
    /// How many entries are shown.
    pub(super) fn entries(&self) -> usize {
        self.items.len()
    }
}

/// A failure, or what is to say of a directive that is none.
enum Entry<'a> {
    Failure(&'a Failure),
    Note(&'a Note),
}

/// Line and column, and what is there; in the order of the script.
fn entries(case: &Case) -> Vec<((u32, u32), Entry<'_>)> {
    // What a case failed by before it failed again is in the JSON report.
    let before = case.attempts.iter().filter(|_| case.is_flaky()).flat_map(|attempt| &attempt.failures);
    let failures = case
        .failures
        .iter()
        .chain(before)
        .map(|failure| ((failure.line, failure.column), Entry::Failure(failure)));
    let notes = case.notes.iter().map(|note| ((note.line, note.column), Entry::Note(note)));
    let mut entries: Vec<((u32, u32), Entry<'_>)> = failures.chain(notes).collect();
    entries.sort_by_key(|(place, _)| *place);
    entries
}

fn item(suite: &Suite, case: &Case, id: &str, (line, column): (u32, u32), entry: Entry<'_>) -> Item {
    let none = Failure::default();
    let (kind, message, failure, key) = match entry {
        Entry::Failure(failure) => (failure.kind.as_str(), failure.message.as_str(), failure, failure.key),
        Entry::Note(note) => (note.outcome.as_str(), note.reason.as_str(), &none, note.key),
    };
    let place = name(&at(&case.name, line, column));
    Item {
        id: id.to_owned(),
        search: format!("{}::{place} is:{} {}", name(&suite.name), case.outcome, name(&headline(failure)))
            .to_lowercase(),
        place,
        url: link(suite, &case.name, line),
        kind: name(kind),
        message: shown(message),
        source: shown(&failure.source),
        expected: failure.expected.as_deref().map(shown),
        actual: failure.actual.as_deref().map(shown),
        diff: failure.diff.as_deref().map(diff).unwrap_or_default(),
        calls: failure.last_calls().iter().map(|call| shown(call)).collect::<Vec<_>>().join("\n"),
        key: key.map_or_else(String::new, |key| key.to_string()),
    }
}

fn diff(text: &str) -> Vec<DiffLine> {
    let class = |line: &str| match line.chars().next() {
        Some('+') => "add",
        Some('-') => "del",
        Some('@') => "at",
        _ => "",
    };
    cut(text, MAX_SHOWN).lines().map(|line| DiffLine { class: class(line), text: shown(line) }).collect()
}

/// What an entry of the page takes at least.
const LEAST: usize = 420;

fn item_cost(item: &Item) -> usize {
    let Item { id, place, search, url, kind, message, source, expected, actual, diff, calls, key } = item;
    let texts = [id, place, search, kind, message, source, calls, key].into_iter();
    let texts: usize = texts.chain(url).chain(expected).chain(actual).map(|text| cost(text)).sum();
    let sides = [expected, actual].iter().filter(|side| side.is_some()).count() * 80;
    let more = [url.is_some(), !diff.is_empty(), !calls.is_empty()].iter().filter(|has| **has).count() * 70;
    let diff: usize = diff.iter().map(|line| 32 + cost(&line.text)).sum();
    LEAST + texts + 2 * id.len() + sides + more + diff
}
