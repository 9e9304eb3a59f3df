//! A cell of the table, and the anchor of what shows that it is right.

use serde::Serialize;

use super::super::{Cell, State};
use crate::html::shown::name;

/// A cell: its state as a class, a mark and words, and the anchor of its evidence.
#[derive(Serialize)]
pub(super) struct CellView {
    pub(super) class: &'static str,
    pub(super) mark: &'static str,
    pub(super) words: String,
    passed: String,
    pub(super) since: String,
    details: String,
}

/// The anchor of the evidence for a cell.
pub(super) fn anchor(group: usize, row: usize, column: usize) -> String {
    format!("e{}-{}-{}", group + 1, row + 1, column + 1)
}

pub(super) fn cell_view(group: usize, row: usize, column: usize, cell: &Cell) -> CellView {
    let (class, mark) = match cell.state {
        State::Full => ("full", "✓"),
        State::Deviates => ("deviates", "≈"),
        State::Partly => ("partly", "◐"),
        State::No => ("no", "✗"),
        State::Unknown => ("unknown", "?"),
        State::NotRun => ("unknown", "–"),
    };
    CellView {
        class,
        mark,
        words: cell.words(),
        passed: cell.passed(),
        // The evidence notes if nothing older was tested.
        since: cell
            .since
            .as_ref()
            .filter(|since| since.not_in.is_some())
            .map_or_else(String::new, |since| name(&format!("since {}", short_version(&since.version)))),
        details: if cell.state == State::NotRun { String::new() } else { anchor(group, row, column) },
    }
}

/// A version without the part in parentheses.
pub(super) fn short_version(version: &str) -> &str {
    version.split_once(" (").map_or(version, |(short, _)| short)
}
