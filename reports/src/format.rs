//! The serialised form of reports: totals are written, and recomputed on reading.

use std::borrow::Cow;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::aside::Aside;
use crate::json::Version;
use crate::key::{self, Key};
use crate::millis;
use crate::model::{Attempt, Case, Engine, Failure, MatchKind, Needs, Note, Report, Suite, Totals};
use crate::outcome::{Counts, Outcome};
use crate::shards::Shards;

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Report { engine, harness, match_kind, shards, interrupted, host, started, duration, suites } =
            self;
        let file = ReportFile {
            schema: Version,
            engine: Cow::Borrowed(engine),
            harness: harness.as_ref().map(Cow::Borrowed),
            match_kind: *match_kind,
            shards: shards.as_ref().map(Cow::Borrowed),
            interrupted: *interrupted,
            host: Cow::Borrowed(host),
            started: Cow::Borrowed(started),
            duration: *duration,
            suites: Cow::Borrowed(suites),
            totals: self.totals(),
        };
        file.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Report {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Report, D::Error> {
        let file = ReportFile::deserialize(deserializer)?;
        Ok(Report {
            engine: file.engine.into_owned(),
            harness: file.harness.map(Cow::into_owned),
            match_kind: file.match_kind,
            shards: file.shards.map(Cow::into_owned),
            interrupted: file.interrupted,
            host: file.host.into_owned(),
            started: file.started.into_owned(),
            duration: file.duration,
            suites: file.suites.into_owned(),
        })
    }
}

impl Serialize for Suite {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Suite { name, source, url, cases } = self;
        let reader_only = self.reader_only();
        SuiteOut { name, source, url: url.as_deref(), reader_only, cases }.serialize(serializer)
    }
}

/// The report of a wassay run: what was run, how each case ended, and which directives failed.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Report"))]
pub(crate) struct ReportFile<'a> {
    /// The version of this schema: it changes when a field goes or comes to mean something else.
    schema: Version,
    /// The engine that was tested.
    engine: Cow<'a, Engine>,
    /// The program that judged it; absent in reports of older versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    harness: Option<Cow<'a, Engine>>,
    /// How error texts were compared; absent in reports of older versions.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    match_kind: Option<MatchKind>,
    /// The shards of a sharded run that it contains; absent if the run was not sharded or all
    /// shards are included.
    #[serde(skip_serializing_if = "Option::is_none")]
    shards: Option<Cow<'a, Shards>>,
    /// Whether the run was interrupted, so that some cases are included as not run; absent if it
    /// was not.
    #[serde(default, skip_serializing_if = "is_false")]
    interrupted: bool,
    /// The host that it ran on.
    host: Cow<'a, str>,
    /// The start time, in RFC 3339 format.
    started: Cow<'a, str>,
    /// The wall-clock duration in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    #[cfg_attr(test, schemars(with = "f64", range(min = 0)))]
    duration: Duration,
    /// The suites that were run.
    suites: Cow<'a, [Suite]>,
    /// The totals of the suites.
    #[serde(skip_deserializing)]
    #[cfg_attr(test, schemars(!skip_deserializing))]
    totals: Totals,
}

/// A suite that was run.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Suite"))]
struct SuiteOut<'a> {
    /// Its name.
    name: &'a str,
    /// Where it came from, and whether it was edited there.
    source: &'a str,
    /// The base URL of its scripts: a line of a case is at this URL, a `/`, the case's name, `#L`
    /// and the line. Absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    /// The number of passed directives that were judged by the parser alone.
    reader_only: u64,
    /// Its cases.
    cases: &'a [Case],
}

#[cfg(test)]
impl schemars::JsonSchema for Suite {
    fn schema_name() -> Cow<'static, str> {
        SuiteOut::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        SuiteOut::json_schema(generator)
    }
}

/// The fields of a [`Case`] in a file. Older versions of wassay write fewer of them.
#[derive(Deserialize)]
#[serde(remote = "Case")]
struct CaseFields {
    name: String,
    outcome: Outcome,
    #[serde(rename = "duration_ms", with = "millis")]
    duration: Duration,
    directives: Counts,
    #[serde(default)]
    text_not_compared: u64,
    #[serde(default)]
    reader_only: u64,
    #[serde(default)]
    aside: Aside,
    features: Vec<String>,
    #[serde(default)]
    needs: Vec<Needs>,
    #[serde(default)]
    judged_under: Option<String>,
    #[serde(default)]
    file: Option<String>,
    failures: Vec<Failure>,
    #[serde(default)]
    notes: Vec<Note>,
    #[serde(default, with = "key::run")]
    keys: Vec<Key>,
    #[serde(default)]
    guest: Option<Key>,
    #[serde(default)]
    attempts: Vec<Attempt>,
}

impl<'de> Deserialize<'de> for Case {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Case, D::Error> {
        let case = CaseFields::deserialize(deserializer)?;
        let Case { name, outcome, directives, .. } = &case;
        let worst = directives.outcome();
        if *outcome < worst {
            return Err(D::Error::custom(format!(
                "the case `{name}` cannot be `{outcome}`, because it has a directive with outcome `{worst}`"
            )));
        }
        Ok(case)
    }
}

/// Takes a reference, as serde requires.
fn is_false(flag: &bool) -> bool {
    !*flag
}
