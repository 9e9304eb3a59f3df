//! The serialised form of reports: totals are written, and recomputed on reading.

use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use crate::aside::Aside;
use crate::json::{Version, millis};
use crate::key::{self, Key};
use crate::model::{Attempt, Case, Engine, Failure, MatchKind, Needs, Note, Report, Suite, Totals};
use crate::outcome::{Counts, Outcome};
use crate::shards::Shards;

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Report { engine, harness, match_kind, shards, interrupted, host, started, duration, suites } =
            self;
        let (schema, totals) = (Version, self.totals());
        let out = ReportOut {
            schema,
            engine,
            harness: harness.as_ref(),
            match_kind: *match_kind,
            shards: shards.as_ref(),
            interrupted: *interrupted,
            host,
            started,
            duration: *duration,
            suites,
            totals,
        };
        out.serialize(serializer)
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
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Report"))]
pub(crate) struct ReportOut<'a> {
    /// The version of this schema: it changes when a field goes or comes to mean something else.
    schema: Version,
    /// The engine that was tested.
    engine: &'a Engine,
    /// The program that judged it; absent in reports of older versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    harness: Option<&'a Engine>,
    /// How error texts were compared; absent in reports of older versions.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    match_kind: Option<MatchKind>,
    /// The shards of a sharded run that it contains; absent if the run was not sharded or all
    /// shards are included.
    #[serde(skip_serializing_if = "Option::is_none")]
    shards: Option<&'a Shards>,
    /// Whether the run was interrupted, so that some cases are included as not run; absent if it
    /// was not.
    #[serde(skip_serializing_if = "is_false")]
    interrupted: bool,
    /// The host that it ran on.
    host: &'a str,
    /// The start time, in RFC 3339 format.
    started: &'a str,
    /// The wall-clock duration in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    #[cfg_attr(test, schemars(with = "f64", range(min = 0)))]
    duration: Duration,
    /// The suites that were run.
    suites: &'a [Suite],
    /// The totals of the suites.
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
    fn schema_name() -> std::borrow::Cow<'static, str> {
        SuiteOut::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        SuiteOut::json_schema(generator)
    }
}

/// The fields of a report that are read: its totals are computed.
#[derive(Deserialize)]
pub(crate) struct ReportIn {
    #[serde(rename = "schema")]
    _schema: Version,
    engine: Engine,
    #[serde(default)]
    harness: Option<Engine>,
    #[serde(default, rename = "match")]
    match_kind: Option<MatchKind>,
    #[serde(default)]
    shards: Option<Shards>,
    #[serde(default)]
    interrupted: bool,
    host: String,
    started: String,
    #[serde(rename = "duration_ms", with = "millis")]
    duration: Duration,
    suites: Vec<Suite>,
}

impl From<ReportIn> for Report {
    fn from(read: ReportIn) -> Report {
        let ReportIn {
            _schema,
            engine,
            harness,
            match_kind,
            shards,
            interrupted,
            host,
            started,
            duration,
            suites,
        } = read;
        Report { engine, harness, match_kind, shards, interrupted, host, started, duration, suites }
    }
}

/// A case as read, before its outcome is checked against its directives.
#[derive(Deserialize)]
pub(crate) struct CaseIn {
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

impl TryFrom<CaseIn> for Case {
    type Error = String;

    fn try_from(read: CaseIn) -> Result<Case, String> {
        let CaseIn {
            name,
            outcome,
            duration,
            directives,
            text_not_compared,
            reader_only,
            aside,
            features,
            needs,
            judged_under,
            file,
            failures,
            notes,
            keys,
            guest,
            attempts,
        } = read;
        let worst = directives.outcome();
        if outcome < worst {
            return Err(format!(
                "the case `{name}` cannot be `{outcome}`, because it has a directive with outcome `{worst}`"
            ));
        }
        Ok(Case {
            name,
            outcome,
            duration,
            directives,
            text_not_compared,
            reader_only,
            aside,
            features,
            needs,
            judged_under,
            file,
            failures,
            notes,
            keys,
            guest,
            attempts,
        })
    }
}

/// Takes a reference, as serde requires.
fn is_false(flag: &bool) -> bool {
    !*flag
}
