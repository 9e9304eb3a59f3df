//! The data of the page for the template.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use super::bar::{Segment, bar, width};
use super::failed::{Failed, failed};
use super::features::{FeatureRow, features};
use super::scripts::{Group, Place, scripts};
use super::shown::{cost, milliseconds, name, nonzero, other, shown, title};
use crate::apart::{Sum, sums};
use crate::describe::{caveats, has_reservations, link, verdict};
use crate::model::{Case, Report, Suite, Totals};
use crate::outcome::Outcome;
use crate::text::{grouped, percent_passed};

/// The maximum size of report data on the page, in bytes; the rest is for the template.
const ROOM: usize = 2_900_000;

/// The maximum number of rows of a table, except that of the scripts.
const MAX_ROWS: usize = 300;

/// The number of slowest cases to show.
const SLOWEST: usize = 10;

#[derive(Serialize)]
pub(super) struct View {
    pub(super) engine: String,
    harness: String,
    caveats: Vec<String>,
    host: String,
    started: String,
    pub(super) verdict: String,
    /// `good`, `bad`, or `odd` if nothing ran.
    mood: &'static str,
    tiles: Vec<Tile>,
    bar: Vec<Segment>,
    suites: Vec<SuiteRow>,
    suites_left: usize,
    sources: Vec<Source>,
    times: Vec<Time>,
    slowest: Vec<Time>,
    features: Vec<FeatureRow>,
    /// What was set aside, by reason.
    apart: Vec<ApartRow>,
    scripts: Vec<Group>,
    scripts_left: u64,
    failed: Vec<Failed>,
    failures: usize,
    failures_left: u64,
    text_not_compared: u64,
    reader_only: String,
    coarse: String,
}

/// A reason for setting directives aside.
#[derive(Serialize)]
struct ApartRow {
    word: &'static str,
    reason: String,
    directives: String,
    cases: String,
}

/// A headline number.
#[derive(Serialize)]
struct Tile {
    label: &'static str,
    value: String,
    /// The small text below it.
    note: String,
    mood: &'static str,
}

#[derive(Serialize)]
struct SuiteRow {
    name: String,
    url: Option<String>,
    scripts: String,
    odd: String,
    directives: String,
    passed: String,
    failed: String,
    reader_only: String,
    other: String,
    percent: String,
    mood: &'static str,
    bar: Vec<Segment>,
}

/// The source of some suites.
#[derive(Serialize)]
struct Source {
    source: String,
    suites: String,
}

#[derive(Serialize)]
struct Time {
    name: String,
    time: String,
    width: String,
}

impl SuiteRow {
    fn cost(&self) -> usize {
        let SuiteRow { name, url, other, .. } = self;
        // It also appears in the chart of times, with its name twice, and in the list of sources.
        1600 + 4 * cost(name) + cost(other) + url.as_ref().map_or(0, |url| cost(url))
    }
}

impl View {
    pub(super) fn of(report: &Report) -> View {
        let totals = report.totals();
        let mood = match totals.cases.outcome() {
            _ if report.is_unjudged() => "odd",
            outcome if outcome.is_expected() && has_reservations(report, &totals) => "odd",
            outcome => mood(outcome),
        };
        let suites: Vec<SuiteRow> = report.suites.iter().take(MAX_ROWS).map(suite_row).collect();
        let features = features(report, MAX_ROWS);
        let sources = sources(report);
        let apart: Vec<ApartRow> = sums(report).iter().map(apart_row).collect();
        let mut room = ROOM;
        sources.iter().for_each(|row| room = room.saturating_sub(100 + cost(&row.source)));
        suites.iter().for_each(|row| room = room.saturating_sub(row.cost()));
        features.iter().for_each(|row| room = room.saturating_sub(row.cost()));
        apart.iter().for_each(|row| room = room.saturating_sub(300 + cost(&row.reason)));
        // Rows are short; half of the space is reserved for failures.
        let mut half = room / 2;
        let (mut scripts, scripts_left) = scripts(report, &mut half);
        let (failed, failures_left) = failed(report, room / 2 + half);
        let details: HashMap<Place, &str> = failed.iter().map(|one| (one.place, one.id.as_str())).collect();
        for row in scripts.iter_mut().flat_map(|group| &mut group.rows) {
            row.details = details.get(&row.place).map(|id| (*id).to_owned());
        }
        View {
            engine: shown(&report.engine.title()),
            harness: report
                .harness
                .as_ref()
                .map_or_else(|| "wassay".to_owned(), |harness| shown(&harness.title())),
            caveats: caveats(report).iter().map(|caveat| shown(caveat)).collect(),
            host: shown(&report.host),
            started: shown(&report.started),
            verdict: verdict(report, &totals),
            mood,
            tiles: tiles(&totals, report.flaky()),
            bar: bar(&totals.directives, &totals.aside),
            suites,
            sources,
            suites_left: report.suites.len().saturating_sub(MAX_ROWS),
            times: times(report.suites.iter().map(|suite| (suite.name.clone(), suite.duration())), 40),
            slowest: slowest(report),
            features,
            apart,
            scripts,
            scripts_left,
            failures: failed.iter().map(Failed::entries).sum(),
            failed,
            failures_left,
            text_not_compared: report.text_not_compared(),
            reader_only: nonzero(totals.reader_only),
            coarse: nonzero(totals.aside.coarse),
        }
    }
}

fn mood(outcome: Outcome) -> &'static str {
    if outcome.is_expected() { "good" } else { "bad" }
}

fn apart_row(sum: &Sum) -> ApartRow {
    ApartRow {
        word: sum.apart.word(),
        reason: shown(&sum.reason),
        directives: grouped(sum.directives),
        cases: grouped(sum.cases),
    }
}

fn tiles(Totals { cases, directives, reader_only, aside }: &Totals, flaky: u64) -> Vec<Tile> {
    let odd = cases.failed.saturating_add(cases.xpassed);
    let as_expected =
        if odd == 0 { "all as expected".to_owned() } else { format!("{} not as expected", grouped(odd)) };
    let percent = percent_passed(directives).unwrap_or_default();
    let mut tiles = vec![
        Tile {
            label: "cases",
            value: grouped(cases.total()),
            note: as_expected,
            mood: if odd == 0 { "" } else { "warn" },
        },
        Tile { label: "directives", value: grouped(directives.total()), note: String::new(), mood: "" },
        Tile { label: "passed", value: grouped(directives.passed), note: percent, mood: "good" },
    ];
    if *reader_only > 0 {
        let note = "of the passed ones".to_owned();
        tiles.push(Tile { label: "parser only", value: grouped(*reader_only), note, mood: "" });
    }
    let failed = [("failed", directives.failed, "bad", true)];
    let apart = aside.by_kind().map(|(apart, count)| (apart.word(), count, "", false));
    let more = [
        ("skipped", aside.rest_of(directives.skipped), "odd", false),
        ("xfailed", directives.xfailed, "odd", false),
        ("xpassed", directives.xpassed, "bad", false),
    ];
    for (label, count, mood, always) in failed.into_iter().chain(apart).chain(more) {
        if always || count > 0 {
            let note = match label {
                "xfailed" => "expected failures",
                "xpassed" => "unexpected passes",
                "blocked" => "by an earlier failure",
                "not applicable" => "to this way of driving the engine",
                "limit" => "of engine or machine",
                "unsupported" => "validated, but not run",
                "superseded" => "by later versions",
                _ => "",
            };
            let mood = if count > 0 { mood } else { "" };
            tiles.push(Tile { label, value: grouped(count), note: note.to_owned(), mood });
        }
    }
    if flaky > 0 {
        let note = "cases that passed on retry".to_owned();
        tiles.push(Tile { label: "flaky", value: grouped(flaky), note, mood: "odd" });
    }
    tiles
}

fn suite_row(suite: &Suite) -> SuiteRow {
    let (cases, counts, aside) = (suite.outcomes(), suite.directives(), suite.aside());
    SuiteRow {
        name: name(&suite.name),
        url: link(suite, "", 0),
        scripts: grouped(cases.total()),
        odd: nonzero(cases.failed.saturating_add(cases.xpassed)),
        directives: grouped(counts.total()),
        passed: grouped(counts.passed),
        reader_only: nonzero(suite.reader_only()),
        failed: nonzero(counts.failed),
        other: other(&counts, &aside),
        percent: percent_passed(&counts).unwrap_or_default(),
        mood: mood(cases.outcome()),
        bar: bar(&counts, &aside),
    }
}

/// The sources of the suites, if they differ from the names, grouped by source.
fn sources(report: &Report) -> Vec<Source> {
    let mut sources: Vec<(&str, Vec<String>)> = Vec::new();
    for suite in report.suites.iter().take(MAX_ROWS).filter(|suite| suite.source != suite.name) {
        match sources.iter_mut().find(|(source, _)| *source == suite.source) {
            Some((_, names)) => names.push(name(&suite.name)),
            None => sources.push((&suite.source, vec![name(&suite.name)])),
        }
    }
    let source =
        |(source, names): (&str, Vec<String>)| Source { source: name(source), suites: names.join(", ") };
    sources.into_iter().map(source).collect()
}

/// The longest `most` durations, in descending order, relative to the longest.
fn times(named: impl Iterator<Item = (String, Duration)>, most: usize) -> Vec<Time> {
    let mut named: Vec<(String, Duration)> = named.collect();
    named.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    named.truncate(most);
    let longest = named.first().map_or(0.0, |(_, time)| time.as_secs_f64());
    let row = |(text, time): &(String, Duration)| Time {
        name: name(text),
        time: milliseconds(*time),
        width: width(time.as_secs_f64(), longest),
    };
    named.iter().map(row).collect()
}

fn slowest(report: &Report) -> Vec<Time> {
    let mut cases: Vec<(&Suite, &Case)> =
        report.suites.iter().flat_map(|suite| suite.cases.iter().map(move |case| (suite, case))).collect();
    cases.sort_by_key(|(_, case)| std::cmp::Reverse(case.duration));
    cases.truncate(SLOWEST);
    times(cases.into_iter().map(|(suite, case)| (title(report, suite, case), case.duration)), SLOWEST)
}
