//! Determines since when an engine supports a feature, from reports of its versions.

use std::collections::BTreeMap;

use serde::Serialize;

use super::assess::{Assessment, State};
use super::column::{Named, Picked, is_usable, lineage};
use super::guests::Guests;
use super::version;
use crate::model::Report;

/// Since when a feature is supported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Since {
    /// The first reported version that supports it, if all later ones do.
    pub version: String,
    /// The start time of the run that shows it.
    pub started: String,
    /// The version before it that does not support it; absent if there is no older report.
    pub not_in: Option<String>,
}

/// The reported versions of a column's engine, the oldest first.
pub(super) struct Timeline<'a> {
    points: Vec<Point<'a>>,
}

struct Point<'a> {
    version: &'a str,
    started: &'a str,
    features: BTreeMap<&'a str, State>,
    guests: BTreeMap<&'a str, State>,
}

/// What a version may support.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    /// A feature.
    Feature(&'a str),
    /// The guests of a suite.
    Guests(&'a str),
}

/// A timeline for each column, from complete runs of the same engine in the same configuration on
/// the same kind of host.
pub(super) fn timelines<'a>(
    picked: &[Picked<'a>],
    reports: &'a [Named],
    history: &'a [Named],
) -> Vec<Timeline<'a>> {
    let all: Vec<&Report> = reports.iter().chain(history).map(|named| &named.report).collect();
    let of = |column: &Picked<'a>| {
        let same = |report: &&&Report| {
            lineage(&report.engine, &report.host) == lineage(column.engine, column.host) && is_usable(report)
        };
        let mut points: Vec<Point<'a>> = all.iter().filter(same).map(|report| point(report)).collect();
        points.sort_by(|a, b| version::compare(a.version, b.version).then_with(|| a.started.cmp(b.started)));
        Timeline { points }
    };
    picked.iter().map(of).collect()
}

fn point(report: &Report) -> Point<'_> {
    let assessment = Assessment::of(report.suites.iter().flat_map(|suite| &suite.cases));
    let features = assessment.features().into_iter().chain([""]);
    let features = features.map(|feature| (feature, assessment.feature(feature).state)).collect();
    let guests = Guests::of(report.suites.iter());
    let guests = guests.suites().into_iter().map(|suite| (suite, guests.suite(suite).state)).collect();
    Point { version: &report.engine.version, started: &report.started, features, guests }
}

impl Timeline<'_> {
    /// Since when something that a version supports is supported; `None` without relevant reports
    /// of other versions.
    pub(super) fn since(&self, subject: Subject<'_>, in_version: &str) -> Option<Since> {
        let until = self.points.iter().filter(|point| version::compare(point.version, in_version).is_le());
        let known = until.filter_map(|point| {
            let state = match subject {
                Subject::Feature(feature) => point.features.get(feature)?,
                Subject::Guests(suite) => point.guests.get(suite)?,
            };
            state.is_known().then_some((point, state.is_supported()))
        });
        let (mut first, mut not_in, mut versions) = (None, None, 0);
        let mut last = None;
        for (point, is_supported) in known {
            if last != Some(point.version) {
                (last, versions) = (Some(point.version), versions + 1);
            }
            if is_supported {
                first = first.or(Some(point));
            } else {
                (first, not_in) = (None, Some(point.version.to_owned()));
            }
        }
        let first = first.filter(|_| versions > 1)?;
        // Ignore a version for which some runs show support and others do not.
        let not_in = not_in.filter(|version| version != first.version);
        Some(Since { version: first.version.to_owned(), started: first.started.to_owned(), not_in })
    }
}
