//! Selects the runs for the columns, with notes on each.

use std::collections::BTreeMap;

use serde::Serialize;

use super::assess::Assessment;
use super::digest::digest;
use super::guests::Guests;
use super::version;
use crate::aside::Aside;
use crate::describe::link;
use crate::model::{Case, Engine, MatchKind, Report, Suite};
use crate::outcome::Counts;
use crate::text::{listed, plural};

/// The maximum number of columns.
const MOST: usize = 64;

/// A report, and its name in messages.
#[derive(Debug, Clone)]
pub struct Named {
    /// The name, such as that of its file.
    pub name: String,
    /// The report.
    pub report: Report,
}

/// An engine in one version and configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Column {
    /// The engine, with its flags.
    pub engine: Engine,
    /// The host that it ran on.
    pub host: String,
    /// The runs of its suites, the newest first.
    pub runs: Vec<Run>,
    /// The results of all directives.
    pub directives: Counts,
    /// The number of passed directives that were judged by the parser alone.
    pub reader_only: u64,
    /// Directives that say nothing about the engine, or less than they could.
    pub aside: Aside,
    /// Notes, one line each: such as that a newer run is incomplete, or that the engine was
    /// packaged by someone else.
    pub notes: Vec<String>,
}

/// A displayed run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Run {
    /// When it started.
    pub started: String,
    /// The program that judged it.
    pub harness: Option<Engine>,
    /// How error texts were compared.
    #[serde(rename = "match")]
    pub match_kind: Option<MatchKind>,
    /// The displayed suites of it.
    pub suites: Vec<Ran>,
}

/// A suite that was run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ran {
    /// Its name.
    pub name: String,
    /// Its source.
    pub source: String,
    /// Its URL, with the commit if known.
    pub url: Option<String>,
    /// Identifies its contents: sixteen hexadecimal digits of a hash of its directives.
    pub digest: String,
    /// The number of its cases.
    pub cases: u64,
    /// The results of its directives.
    pub directives: Counts,
}

/// A report that is in no column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeftOut {
    /// The name of the report.
    pub name: String,
    /// The engine that was tested.
    pub engine: String,
    /// The reason.
    pub why: String,
}

/// A selected column.
pub(super) struct Picked<'a> {
    /// The name of the report of its newest run.
    name: &'a str,
    pub(super) engine: &'a Engine,
    pub(super) host: &'a str,
    pub(super) parts: Vec<Part<'a>>,
    pub(super) assessment: Assessment<'a>,
    pub(super) guests: Guests<'a>,
    notes: Vec<String>,
}

/// A suite of a run.
pub(super) struct Part<'a> {
    pub(super) report: &'a Report,
    pub(super) suite: &'a Suite,
    pub(super) digest: String,
}

impl<'a> Picked<'a> {
    pub(super) fn cases(&self) -> impl Iterator<Item = (&Part<'a>, &'a Case)> {
        self.parts.iter().flat_map(|part| part.suite.cases.iter().map(move |case| (part, case)))
    }

    pub(super) fn column(&self) -> Column {
        let mut runs: Vec<(&Report, Run)> = Vec::new();
        for Part { report, suite, digest } in &self.parts {
            let ran = Ran {
                name: suite.name.clone(),
                source: suite.source.clone(),
                url: link(suite, "", 0),
                digest: digest.clone(),
                cases: suite.cases.len() as u64,
                directives: suite.directives(),
            };
            match runs.iter_mut().find(|(known, _)| std::ptr::eq(*known, *report)) {
                Some((_, run)) => run.suites.push(ran),
                None => {
                    let Report { started, harness, match_kind, .. } = report;
                    let (started, harness, suites) = (started.clone(), harness.clone(), vec![ran]);
                    runs.push((report, Run { started, harness, match_kind: *match_kind, suites }));
                }
            }
        }
        runs.sort_by(|a, b| b.1.started.cmp(&a.1.started));
        Column {
            engine: self.engine.clone(),
            host: self.host.to_owned(),
            runs: runs.into_iter().map(|(_, run)| run).collect(),
            directives: self.cases().map(|(_, case)| case.directives).sum(),
            reader_only: self.cases().fold(0, |sum, (_, case)| sum.saturating_add(case.reader_only)),
            aside: self.cases().map(|(_, case)| case.aside).sum(),
            notes: self.notes.clone(),
        }
    }
}

impl Column {
    /// Its title: the engine's name and version, and the name of its configuration, if any.
    pub fn title(&self) -> String {
        self.engine.title_with_configuration()
    }
}

/// The reason why a run cannot be a column: only complete runs show what an engine does not
/// support.
fn unusable(report: &Report) -> Option<String> {
    report.incomplete().or_else(|| report.is_unjudged().then(|| "nothing was judged".to_owned()))
}

/// The identity of a column: everything about the engine except the path of its command.
fn key(report: &Report) -> (Engine, &str) {
    (Engine { command: None, ..report.engine.clone() }, &report.host)
}

/// Whether a run is complete.
pub(super) fn is_usable(report: &Report) -> bool {
    unusable(report).is_none()
}

/// The identity common to all versions of an engine in a configuration.
pub(super) fn lineage<'a>(engine: &'a Engine, host: &'a str) -> (&'a str, &'a str, &'a [String], &'a str) {
    // Flags change between versions: identify a configuration by its name if it has one.
    let flags = if engine.configuration.is_some() { &[] } else { engine.flags.as_slice() };
    (&engine.name, engine.configuration.as_deref().unwrap_or_default(), flags, host)
}

/// Selects the columns, and the reports that are in none.
pub(super) fn pick<'a>(reports: &'a [Named], history: &'a [Named]) -> (Vec<Picked<'a>>, Vec<LeftOut>) {
    let mut groups: Vec<Vec<&Named>> = Vec::new();
    for named in reports {
        let same = |group: &&mut Vec<&Named>| {
            group.first().is_some_and(|first| key(&first.report) == key(&named.report))
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(named),
            None => groups.push(vec![named]),
        }
    }
    let (mut picked, mut left_out): (Vec<Picked<'a>>, Vec<LeftOut>) = Default::default();
    let mut substitutes: Vec<&Report> = Vec::new();
    for mut group in groups {
        group.sort_by(|a, b| b.report.started.cmp(&a.report.started));
        let mut usable: Vec<&Report> =
            group.iter().map(|named| &named.report).filter(|report| unusable(report).is_none()).collect();
        if usable.is_empty() {
            let stays = last_complete(&group, reports, history);
            usable.extend(
                stays.filter(|report| !substitutes.iter().any(|known| std::ptr::eq(*known, *report))),
            );
            substitutes.extend(&usable);
        }
        let shown = usable.first().map(|report| report.started.as_str());
        for named in
            group.iter().filter(|named| shown.is_none_or(|shown| named.report.started.as_str() > shown))
        {
            let Some(why) = unusable(&named.report) else { continue };
            let (name, engine) = (named.name.clone(), named.report.engine.title_with_configuration());
            left_out.push(LeftOut { name, engine, why });
        }
        if let Some(newest) = usable.first() {
            let notes = notes(newest, &group);
            let name = group.iter().find(|named| std::ptr::eq(&named.report, *newest));
            picked.push(column(name.map_or("", |named| &named.name), newest, &usable, notes));
        }
    }
    picked.sort_by(|a, b| {
        let name = |picked: &Picked<'a>| (picked.engine.name.to_lowercase(), picked.engine.name.clone());
        let order =
            name(a).cmp(&name(b)).then_with(|| version::compare(&a.engine.version, &b.engine.version));
        let configuration = |picked: &Picked<'a>| {
            // The default configuration comes first.
            let name = picked.engine.configuration.as_deref();
            (name.is_some_and(|name| name != "default"), name, picked.engine.flags.clone(), picked.host)
        };
        order.then_with(|| configuration(a).cmp(&configuration(b)))
    });
    for more in picked.split_off(picked.len().min(MOST)) {
        let engine = more.engine.title_with_configuration();
        let why = format!("a table has at most {MOST} columns");
        left_out.push(LeftOut { name: more.name.to_owned(), engine, why });
    }
    (picked, left_out)
}

/// The newest complete run of another version of the same engine in the same configuration, unless
/// it is a column itself.
fn last_complete<'a>(
    group: &[&'a Named],
    reports: &'a [Named],
    history: &'a [Named],
) -> impl Iterator<Item = &'a Report> {
    let of = |report: &'a Report| lineage(&report.engine, &report.host);
    let lineage = group.first().map(|named| of(&named.report));
    let is_column = |report: &Report| {
        let same = |named: &&Named| key(&named.report) == key(report);
        reports.iter().filter(same).any(|named| unusable(&named.report).is_none())
    };
    let candidates = history.iter().map(|named| &named.report);
    let candidates = candidates.filter(|report| Some(of(report)) == lineage);
    let candidates = candidates.filter(|report| unusable(report).is_none() && !is_column(report));
    candidates.max_by(|a, b| a.started.cmp(&b.started)).into_iter()
}

/// Notes on a column.
fn notes(newest: &Report, group: &[&Named]) -> Vec<String> {
    let mut notes = Vec::new();
    let later = group.iter().map(|named| &named.report).filter(|report| report.started > newest.started);
    for (report, why) in later.filter_map(|report| Some((report, unusable(report)?))).take(1) {
        let version = &report.engine.version;
        let of =
            if *version == newest.engine.version { String::new() } else { format!(" of version {version}") };
        let (started, shown) = (&report.started, &newest.started);
        notes.push(format!(
            "as of {shown}, the last complete run; that of {started}{of} is not complete ({why})"
        ));
    }
    if let Some(package) = &newest.engine.package {
        notes.push(format!("repackaged: {package}"));
    }
    if newest.is_by_reader_alone() {
        notes.push("all passed directives were judged by the parser alone, without the engine".to_owned());
    }
    notes
}

/// Creates a column with the newest run of each suite.
fn column<'a>(name: &'a str, newest: &'a Report, runs: &[&'a Report], notes: Vec<String>) -> Picked<'a> {
    let mut parts: Vec<Part<'a>> = Vec::new();
    for &report in runs {
        for suite in &report.suites {
            let digest = digest(suite);
            // A suite may have been moved or changed since.
            let known = |part: &Part<'_>| {
                !std::ptr::eq(part.report, report) && (part.suite.name == suite.name || part.digest == digest)
            };
            if !parts.iter().any(known) {
                parts.push(Part { report, suite, digest });
            }
        }
    }
    let assessment = Assessment::of(parts.iter().flat_map(|part| &part.suite.cases));
    let guests = Guests::of(parts.iter().map(|part| part.suite));
    Picked { name, engine: &newest.engine, host: &newest.host, parts, assessment, guests, notes }
}

/// Warnings about comparing the columns.
pub(super) fn warnings(picked: &[Picked<'_>]) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut versions: BTreeMap<&str, BTreeMap<&str, Vec<String>>> = BTreeMap::new();
    for column in picked {
        for Part { suite, digest, .. } in &column.parts {
            let columns = versions.entry(&suite.name).or_default().entry(digest).or_default();
            columns.push(column.engine.title_with_configuration());
        }
    }
    for (suite, digests) in versions.iter().filter(|(_, digests)| digests.len() > 1) {
        let sides = digests.iter().map(|(digest, columns)| {
            format!("{digest} for {}", listed(columns.iter().cloned(), columns.len() as u64))
        });
        let sides = sides.collect::<Vec<_>>().join("; ");
        let count = plural(digests.len() as u64, "version");
        warnings.push(format!(
            "`{suite}` was run in {count}, and only scripts that are the same are compared: {sides}"
        ));
    }
    let kinds = |column: &Picked<'_>| column.parts.iter().map(|part| part.report.match_kind).max();
    let first = picked.first().and_then(&kinds);
    if picked.iter().any(|column| kinds(column) != first) {
        warnings
            .push("error texts were compared in different ways (--match) for different columns".to_owned());
    }
    warnings
}
