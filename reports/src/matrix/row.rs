//! The rows: what is said of a feature, for each column.

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

/// So many features that nothing is known of have a row.
const MOST_UNKNOWN: usize = 40;

/// Rows that belong together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Group {
    /// The version or phase.
    pub standard: Standard,
    /// What the rows come to, for each column.
    pub summaries: Vec<Summary>,
    /// The features.
    pub rows: Vec<Row>,
}

/// What the rows of a group come to for a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Summary {
    /// How many features are supported.
    pub supported: u64,
    /// Of how many that is known.
    pub known: u64,
}

/// A feature, or a suite of guests of WASI.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Row {
    /// Its name in reports; empty for what needs nothing beyond 1.0.
    pub feature: String,
    /// What its cells count.
    pub unit: Unit,
    /// What it is called.
    pub title: String,
    /// Where its proposal can be read.
    pub url: Option<String>,
    /// What is said of it, for each column.
    pub cells: Vec<Cell>,
}

/// What cells count.
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

/// How far an engine supports a feature, or runs the guests of a suite, and what shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cell {
    /// How far.
    pub state: State,
    /// What became of the directives that say something about it.
    pub directives: Counts,
    /// Of these, the modules that are to compile: those that compiled are counted as passed.
    pub modules: Counts,
    /// What of the directives says nothing about the engine, or less than it could.
    pub aside: Aside,
    /// The other directives that depend on it.
    pub set_aside: Vec<SetAside>,
    /// Since when it is supported, where reports of other versions tell.
    pub since: Option<Since>,
    /// The directives that fail.
    pub failing: Vec<Failing>,
    /// How many more there are.
    pub failing_left: u64,
}

/// The rows of all features that any of the columns says something about.
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

/// The row of a suite of guests.
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
    /// How far the feature is supported, in a few words: `yes`, `3 fail`, `31 of 40 modules`.
    pub fn words(&self) -> String {
        match self.state {
            State::Deviates => format!("{} fail", grouped(bad(&self.directives))),
            State::Partly if bad(&self.modules) > 0 => {
                let (compiled, refused) = (good(&self.modules), bad(&self.modules));
                format!("{} of {} modules", grouped(compiled), grouped(compiled.saturating_add(refused)))
            }
            State::Partly => "compiles, and does nothing right".to_owned(),
            state => state.word().to_owned(),
        }
    }

    /// How many directives passed of those that were judged; empty where that says nothing.
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

    /// What is counted apart from passed and failed, in words; empty where there is nothing.
    pub fn apart(&self) -> String {
        let rest = [
            (self.aside.rest_of(self.directives.skipped), "skipped"),
            (self.directives.xfailed, "failed as expected"),
        ];
        let counts = self.aside.counts().chain(rest).filter(|(count, _)| *count > 0);
        counts.map(|(count, what)| format!("{} {what}", grouped(count))).collect::<Vec<_>>().join(", ")
    }
}

impl Since {
    /// In words: `since 20.1`, or `since 20.1 at least` where nothing older was run.
    pub fn words(&self) -> String {
        let least = if self.not_in.is_none() { " at least" } else { "" };
        format!("since {}{least}", self.version)
    }
}
