//! The table of features, with the results of the directives that depend on each.

use std::collections::BTreeMap;

use serde::Serialize;

use super::bar::{Segment, bar};
use super::shown::{cost, name, nonzero, other};
use crate::aside::Aside;
use crate::model::{Needs, Report};
use crate::outcome::Counts;
use crate::text::grouped;

/// A feature, or the row of directives that need none.
#[derive(Serialize)]
pub(super) struct FeatureRow {
    name: String,
    /// The filter that selects the cases.
    filter: Option<String>,
    directives: String,
    passed: String,
    failed: String,
    other: String,
    /// The total and passed directives that depend on this feature and no other.
    alone: String,
    alone_passed: String,
    bar: Vec<Segment>,
}

impl FeatureRow {
    pub(super) fn cost(&self) -> usize {
        1200 + 2 * cost(&self.name)
    }
}

/// The results of the directives that depend on a feature.
#[derive(Default)]
struct Row {
    all: Counts,
    aside: Aside,
    alone: Counts,
}

/// One row per feature, up to a maximum, after a row for directives that depend on none; empty if
/// the report has no such data. A directive that depends on several features counts for each.
pub(super) fn features(report: &Report, most: usize) -> Vec<FeatureRow> {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut plain = Row::default();
    let cases = report.suites.iter().flat_map(|suite| &suite.cases);
    for Needs { features, directives, aside, .. } in cases.flat_map(|case| &case.needs) {
        if features.is_empty() {
            plain.all += *directives;
            plain.aside += *aside;
        }
        for feature in features {
            let row = rows.entry(feature).or_default();
            row.all += *directives;
            row.aside += *aside;
            if features.len() == 1 {
                row.alone += *directives;
            }
        }
    }
    let named = rows.iter().take(most).map(|(feature, row)| {
        let filter = format!("uses:{}", name(feature));
        feature_row(name(feature), Some(filter), row)
    });
    let plain = (plain.all.total() > 0).then(|| feature_row("nothing beyond 1.0".to_owned(), None, &plain));
    plain.into_iter().chain(named).collect()
}

/// The row of a feature, or without a filter the row of directives that need none.
fn feature_row(name: String, filter: Option<String>, Row { all, aside, alone }: &Row) -> FeatureRow {
    let alone = filter.is_some().then_some(alone);
    FeatureRow {
        name,
        filter,
        directives: grouped(all.total()),
        passed: grouped(all.passed),
        failed: nonzero(all.failed),
        other: other(all, aside),
        alone: alone.map_or_else(String::new, |alone| grouped(alone.total())),
        alone_passed: alone.map_or_else(String::new, |alone| grouped(alone.passed)),
        bar: bar(all, aside),
    }
}
