//! A directive on a page: its text, and the expected and actual results.

use serde::Serialize;

use super::shown::{cost, name, shown};
use crate::model::Failure;
use crate::text::{MAX_SHOWN, cut};

/// The data for the macro `directive` of `parts.html`, and its heading.
#[derive(Serialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) place: String,
    /// The text that filters search.
    pub(crate) search: String,
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

/// The minimum size of an entry.
pub(crate) const LEAST: usize = 420;

impl Item {
    /// Creates an item for a failure, with a link if there is a URL.
    pub(crate) fn of(id: String, place: String, url: Option<String>, failure: &Failure) -> Item {
        Item {
            id,
            place,
            search: String::new(),
            url,
            kind: name(&failure.kind),
            message: shown(&failure.message),
            source: shown(&failure.source),
            expected: failure.expected.as_deref().map(shown),
            actual: failure.actual.as_deref().map(shown),
            diff: failure.diff.as_deref().map(diff).unwrap_or_default(),
            calls: failure.last_calls().iter().map(|call| shown(call)).collect::<Vec<_>>().join("\n"),
            key: failure.key.map_or_else(String::new, |key| key.to_string()),
        }
    }

    /// Its maximum size in bytes.
    pub(crate) fn cost(&self) -> usize {
        let Item { id, place, search, url, kind, message, source, expected, actual, diff, calls, key } = self;
        let texts = [id, place, search, kind, message, source, calls, key].into_iter();
        let texts: usize = texts.chain(url).chain(expected).chain(actual).map(|text| cost(text)).sum();
        let sides = [expected, actual].iter().filter(|side| side.is_some()).count() * 80;
        let more =
            [url.is_some(), !diff.is_empty(), !calls.is_empty()].iter().filter(|has| **has).count() * 70;
        let diff: usize = diff.iter().map(|line| 32 + cost(&line.text)).sum();
        LEAST + texts + 2 * id.len() + sides + more + diff
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
