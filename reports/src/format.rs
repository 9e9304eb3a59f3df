//! The report as it is written and read: totals are written and never believed.

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
    /// What was tested.
    engine: &'a Engine,
    /// What judged it; absent in reports of older versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    harness: Option<&'a Engine>,
    /// How the texts of errors were compared; absent in reports of older versions.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    match_kind: Option<MatchKind>,
    /// Which shards of a sharded run it holds; absent where the run was not sharded or all shards
    /// are in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    shards: Option<&'a Shards>,
    /// Whether the run was interrupted, so that some cases are in it as not run; absent where it
    /// was not.
    #[serde(skip_serializing_if = "is_false")]
    interrupted: bool,
    /// What it ran on.
    host: &'a str,
    /// When it started: a date and time as in RFC 3339.
    started: &'a str,
    /// How long it took by the clock on the wall, in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    #[cfg_attr(test, schemars(with = "f64", range(min = 0)))]
    duration: Duration,
    /// What was run.
    suites: &'a [Suite],
    /// What the suites add up to.
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
    /// Where its scripts can be read: a line of a case is at this, a `/`, the case's name, `#L` and
    /// the line. Absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    /// How many of the directives that passed were judged by the reader alone.
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

/// A case as it is read, before its outcome is held against its directives.
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
                "the case `{name}` cannot be `{outcome}`: it has a directive that is `{worst}`"
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

/// By reference, as serde calls it.
fn is_false(flag: &bool) -> bool {
    !*flag
}
