//! The rows of the matrix: a feature with a cell for each column.

use std::collections::BTreeSet;

use serde::Serialize;

use super::assess::{Assessed, SetAside, State, bad, good};
use super::column::Picked;
use super::evidence::{Failing, failing, failing_guests};
use super::history::{Since, Subject, Timeline};
use super::proposals::{PROPOSALS, Standard, find};
use crate::aside::Aside;
use crate::outcome::Counts;
use crate::text::grouped;

/// The maximum number of rows for unknown features.
const MOST_UNKNOWN: usize = 40;

/// A group of rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Group {
    /// The version or phase.
    pub standard: Standard,
    /// The summary of the rows for each column.
    pub summaries: Vec<Summary>,
    /// The features.
    pub rows: Vec<Row>,
}

/// The summary of a group for a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Summary {
    /// The number of supported features.
    pub supported: u64,
    /// The number of features whose state is known.
    pub known: u64,
}

/// A feature, or a suite of WASI guests.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Row {
    /// Its name in reports; empty for directives that need nothing beyond 1.0.
    pub feature: String,
    /// The unit that its cells count.
    pub unit: Unit,
    /// Its title.
    pub title: String,
    /// The URL of its proposal.
    pub url: Option<String>,
    /// The cells, one per column.
    pub cells: Vec<Cell>,
}

/// The unit that cells count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// The directives of scripts.
    Directive,
    /// Guests, each of which is judged as a whole.
    Case,
}

impl Unit {
    /// The word for one.
    pub fn word(self) -> &'static str {
        match self {
            Unit::Directive => "directive",
            Unit::Case => "case",
        }
    }
}

/// How well an engine supports a feature, or runs the guests of a suite, with evidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cell {
    /// The state of support.
    pub state: State,
    /// The results of the relevant directives.
    pub directives: Counts,
    /// Of these, the modules that should compile: those that compiled count as passed.
    pub modules: Counts,
    /// Directives that say nothing about the engine, or less than they could.
    pub aside: Aside,
    /// The other directives that depend on it.
    pub set_aside: Vec<SetAside>,
    /// Since when it is supported, if known from reports of other versions.
    pub since: Option<Since>,
    /// The failing directives.
    pub failing: Vec<Failing>,
    /// The number of further failing directives.
    pub failing_left: u64,
}

/// The rows of all features that any column has results for.
pub(super) fn groups(columns: &[Picked<'_>], timelines: &[Timeline<'_>]) -> Vec<Group> {
    let named: BTreeSet<&str> = columns.iter().flat_map(|column| column.assessment.features()).collect();
    let unknown: Vec<&str> =
        named.iter().copied().filter(|name| find(name).is_none()).take(MOST_UNKNOWN).collect();
    let row = |feature: &str, title: &str, url: Option<&str>| Row {
        feature: feature.to_owned(),
        unit: Unit::Directive,
        title: title.to_owned(),
        url: url.map(str::to_owned),
        cells: columns.iter().zip(timelines).map(|(column, time)| cell(column, time, feature)).collect(),
    };
    let mut groups = Vec::new();
    for standard in Standard::ALL {
        let known = PROPOSALS.iter().filter(|proposal| proposal.standard == standard);
        let known = known.filter(|proposal| proposal.feature.is_empty() || named.contains(proposal.feature));
        let mut rows: Vec<Row> =
            known.map(|proposal| row(proposal.feature, proposal.title, Some(proposal.url))).collect();
        if standard == Standard::Unknown {
            rows.extend(unknown.iter().map(|feature| row(feature, feature, None)));
        }
        if standard == Standard::Wasi {
            let suites: BTreeSet<&str> = columns.iter().flat_map(|column| column.guests.suites()).collect();
            rows.extend(
                suites.into_iter().take(MOST_UNKNOWN).map(|suite| guests_row(columns, timelines, suite)),
            );
        }
        rows.retain(|row| row.cells.iter().any(|cell| cell.state != State::NotRun));
        if !rows.is_empty() {
            let summaries = (0..columns.len()).map(|at| summary(&rows, at)).collect();
            groups.push(Group { standard, summaries, rows });
        }
    }
    groups
}

fn summary(rows: &[Row], at: usize) -> Summary {
    let states = || rows.iter().filter_map(|row| row.cells.get(at)).map(|cell| cell.state);
    Summary {
        supported: states().filter(|state| state.is_supported()).count() as u64,
        known: states().filter(|state| state.is_known()).count() as u64,
    }
}

/// The row of a suite of WASI guests.
fn guests_row(columns: &[Picked<'_>], timelines: &[Timeline<'_>], suite: &str) -> Row {
    let cell = |(column, timeline): (&Picked<'_>, &Timeline<'_>)| {
        let (assessed, failing) = (column.guests.suite(suite), failing_guests(column, suite));
        cell_of(assessed, failing, timeline, Subject::Guests(suite), column)
    };
    Row {
        feature: suite.to_owned(),
        unit: Unit::Case,
        title: suite.to_owned(),
        url: None,
        cells: columns.iter().zip(timelines).map(cell).collect(),
    }
}

fn cell(column: &Picked<'_>, timeline: &Timeline<'_>, feature: &str) -> Cell {
    let assessed = column.assessment.feature(feature);
    cell_of(assessed, failing(column, feature), timeline, Subject::Feature(feature), column)
}

fn cell_of(
    assessed: Assessed,
    (failing, failing_left): (Vec<Failing>, u64),
    timeline: &Timeline<'_>,
    subject: Subject<'_>,
    column: &Picked<'_>,
) -> Cell {
    let since = assessed.state.is_supported().then(|| timeline.since(subject, &column.engine.version));
    Cell {
        state: assessed.state,
        directives: assessed.tally.directives,
        modules: assessed.tally.modules,
        aside: assessed.tally.aside,
        set_aside: assessed.set_aside,
        since: since.flatten(),
        failing,
        failing_left,
    }
}

impl Cell {
    /// The state of support in a few words: `yes`, `3 fail`, `31 of 40 modules`.
    pub fn words(&self) -> String {
        match self.state {
            State::Deviates => format!("{} fail", grouped(bad(&self.directives))),
            State::Partly if bad(&self.modules) > 0 => {
                let (compiled, refused) = (good(&self.modules), bad(&self.modules));
                format!("{} of {} modules", grouped(compiled), grouped(compiled.saturating_add(refused)))
            }
            State::Partly => "compiles, but all results are wrong".to_owned(),
            state => state.word().to_owned(),
        }
    }

    /// How many of the judged directives passed; empty if that is not meaningful.
    pub fn passed(&self) -> String {
        let (passed, failed) = (good(&self.directives), bad(&self.directives));
        match self.state {
            State::Full => grouped(passed),
            State::Deviates | State::Partly => {
                format!("{} / {}", grouped(passed), grouped(passed.saturating_add(failed)))
            }
            _ => String::new(),
        }
    }

    /// Describes what is counted neither as passed nor as failed; empty if there is nothing.
    pub fn apart(&self) -> String {
        let rest = [
            (self.aside.rest_of(self.directives.skipped), "skipped"),
            (self.directives.xfailed, "expected failures"),
        ];
        let counts = self.aside.counts().chain(rest).filter(|(count, _)| *count > 0);
        counts.map(|(count, what)| format!("{} {what}", grouped(count))).collect::<Vec<_>>().join(", ")
    }
}

impl Since {
    /// In words: `since 20.1`, or `since 20.1 at least` if nothing older was tested.
    pub fn words(&self) -> String {
        let least = if self.not_in.is_none() { " at least" } else { "" };
        format!("since {}{least}", self.version)
    }
}
