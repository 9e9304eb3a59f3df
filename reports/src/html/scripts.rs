//! The table of scripts, by suite.

use serde::Serialize;

use super::shown::{cost, full_name, milliseconds, name, nonzero, other};
use crate::model::{Case, Report, Suite};
use crate::text::grouped;

/// The scripts of a suite.
#[derive(Serialize)]
pub(super) struct Group {
    name: String,
    count: usize,
    odd: String,
    pub(super) rows: Vec<Row>,
}

#[derive(Serialize)]
pub(super) struct Row {
    name: String,
    /// The text that filters search.
    search: String,
    outcome: &'static str,
    flaky: bool,
    passed: String,
    total: String,
    failed: String,
    other: String,
    time: String,
    features: String,
    /// The anchor of its failures.
    pub(super) details: Option<String>,
    #[serde(skip)]
    pub(super) place: Place,
}

/// The indices of a suite and of a case in it.
pub(super) type Place = (usize, usize);

/// The rows of all scripts by suite, and the number that did not fit. Unexpected results come first
/// and are left out last.
pub(super) fn scripts(report: &Report, room: &mut usize) -> (Vec<Group>, u64) {
    let mut left = 0u64;
    let mut groups = Vec::new();
    for (number, suite) in report.suites.iter().enumerate() {
        let mut cases: Vec<(usize, &Case)> = suite.cases.iter().enumerate().collect();
        cases.sort_by_key(|(_, case)| case.outcome.is_expected());
        *room = room.saturating_sub(600 + cost(&name(&suite.name)));
        let mut rows = Vec::new();
        for (at, case) in cases {
            let row = row(suite, case, (number, at));
            let cost = 420 + cost(&row.name) + cost(&row.search) + cost(&row.features);
            if cost > *room {
                left += 1;
                continue;
            }
            *room -= cost;
            rows.push(row);
        }
        let outcomes = suite.outcomes();
        let odd = nonzero(outcomes.failed.saturating_add(outcomes.xpassed));
        if !rows.is_empty() {
            groups.push(Group { name: name(&suite.name), count: rows.len(), odd, rows });
        }
    }
    (groups, left)
}

fn row(suite: &Suite, case: &Case, place: Place) -> Row {
    let full_name = full_name(suite, case);
    let features: Vec<String> = case.features.iter().take(30).map(|feature| name(feature)).collect();
    let uses: String = features.iter().map(|feature| format!(" uses:{feature}")).collect();
    let flaky = if case.is_flaky() { " is:flaky" } else { "" };
    Row {
        name: name(&case.name),
        search: format!("{full_name} is:{}{flaky}{uses}", case.outcome).to_lowercase(),
        outcome: case.outcome.as_str(),
        flaky: case.is_flaky(),
        passed: grouped(case.directives.passed),
        total: grouped(case.directives.total()),
        failed: nonzero(case.directives.failed),
        other: other(&case.directives, &case.aside),
        time: milliseconds(case.duration),
        features: features.join(" "),
        details: None,
        place,
    }
}
