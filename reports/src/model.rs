//! The result model: a report holds suites, a suite cases, a case what became of its directives.

use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use crate::json::{Version, millis};
use crate::key::{self, Key};
use crate::outcome::{Counts, Outcome};

/// What one run found. Suites and cases keep the order they are given in.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "ReportIn")]
pub struct Report {
    /// What was tested.
    pub engine: Engine,
    /// What it ran on, such as `x86_64-linux`.
    pub host: String,
    /// When it started: a date and time as in RFC 3339.
    pub started: String,
    /// How long it took by the clock on the wall.
    pub duration: Duration,
    /// What was run.
    pub suites: Vec<Suite>,
}

/// The engine that was tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Engine {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A suite that was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// Where it came from, and whether it was edited there.
    pub source: String,
    /// Where its scripts can be read: a line of a case is at this, a `/`, the case's name, `#L` and the line. Absent where
    /// that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its cases.
    pub cases: Vec<Case>,
}

/// One script or guest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "CaseIn")]
#[cfg_attr(test, schemars(!try_from))]
pub struct Case {
    /// Its name, unique within the suite.
    pub name: String,
    /// How it ended: the worst outcome of its directives, or a worse one that is its own.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    #[cfg_attr(test, schemars(with = "f64", range(min = 0)))]
    pub duration: Duration,
    /// What became of its directives. Those that were not reached count as failed.
    pub directives: Counts,
    /// How many directives passed without a comparison of their error text; absent where there is none.
    #[serde(skip_serializing_if = "is_zero")]
    pub text_not_compared: u64,
    /// The features that its modules need.
    pub features: Vec<String>,
    /// What failed, in the order of the script.
    pub failures: Vec<Failure>,
    /// What was skipped, failed as expected or passed against expectation, in the order of the script.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// The keys of the directives that were to be judged, in the order of the script, each twelve digits; empty where the
    /// case has no directives or they are not known.
    #[serde(skip_serializing_if = "Vec::is_empty", with = "key::run")]
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^([0-9a-f]{12})*$")))]
    pub keys: Vec<Key>,
    /// What became of it before, the first time first, where it failed and was run again; absent where it was run once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

/// A time that a case was run and failed, before it was run again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Attempt {
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    #[cfg_attr(test, schemars(with = "f64", range(min = 0)))]
    pub duration: Duration,
    /// What failed, in the order of the script.
    pub failures: Vec<Failure>,
}

/// A directive that was not as expected, or what ended a case as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failure {
    /// The line of the directive, from 1; 0 where there is none.
    pub line: u32,
    /// The column of the directive in characters, from 1; 0 where there is none.
    pub column: u32,
    /// The kind of failure in kebab case, such as `wrong-value`.
    pub kind: String,
    /// What happened, in a line.
    pub message: String,
    /// What was expected, where there is something to compare.
    pub expected: Option<String>,
    /// What came instead.
    pub actual: Option<String>,
    /// The text of the directive.
    pub source: String,
    /// The directive, by what it says; absent where it was no single directive that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{12}$")))]
    pub key: Option<Key>,
    /// A unified diff from what was expected to what came, where that says it best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// The last calls of the guest to its host, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
}

/// A directive that neither simply passed nor simply failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Note {
    /// The line of the directive, from 1; 0 where there is none.
    pub line: u32,
    /// The column of the directive in characters, from 1; 0 where there is none.
    pub column: u32,
    /// Whether it was skipped, failed as expected or passed against expectation.
    pub outcome: Outcome,
    /// Why it was skipped or expected to fail.
    pub reason: String,
    /// The directive, by what it says; absent where the note is about the whole case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{12}$")))]
    pub key: Option<Key>,
}

/// What a report adds up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Totals {
    /// The cases of all suites.
    pub cases: Counts,
    /// The directives of all cases.
    pub directives: Counts,
}

impl Report {
    /// What all suites add up to.
    pub fn totals(&self) -> Totals {
        Totals {
            cases: self.suites.iter().map(Suite::outcomes).sum(),
            directives: self.suites.iter().map(Suite::directives).sum(),
        }
    }

    /// How many directives passed without a comparison of their error text.
    pub fn text_not_compared(&self) -> u64 {
        let cases = self.suites.iter().flat_map(|suite| &suite.cases);
        cases.fold(0, |sum, case| sum.saturating_add(case.text_not_compared))
    }

    /// How many cases ended as expected and had failed before.
    pub fn flaky(&self) -> u64 {
        self.suites.iter().flat_map(|suite| &suite.cases).filter(|case| case.is_flaky()).count() as u64
    }

    /// Whether every case ended as expected. True of a report without cases.
    pub fn is_expected(&self) -> bool {
        self.suites.iter().flat_map(|suite| &suite.cases).all(|case| case.outcome.is_expected())
    }
}

impl Suite {
    /// How its cases ended.
    pub fn outcomes(&self) -> Counts {
        self.cases.iter().map(|case| case.outcome).collect()
    }

    /// What became of the directives of its cases.
    pub fn directives(&self) -> Counts {
        self.cases.iter().map(|case| case.directives).sum()
    }

    /// How long its cases took, one after the other.
    pub fn duration(&self) -> Duration {
        self.cases.iter().fold(Duration::ZERO, |sum, case| sum.saturating_add(case.duration))
    }
}

impl Case {
    /// Whether it ended as expected and had failed before: it passes, and is not to be relied on.
    pub fn is_flaky(&self) -> bool {
        !self.attempts.is_empty() && self.outcome.is_expected()
    }
}

impl Failure {
    /// The last of its [calls](Failure::calls), as many as are worth showing.
    pub(crate) fn last_calls(&self) -> &[String] {
        self.calls.get(self.calls.len().saturating_sub(20)..).unwrap_or_default()
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Report { engine, host, started, duration, suites } = self;
        let (schema, totals) = (Version, self.totals());
        ReportOut { schema, engine, host, started, duration: *duration, suites, totals }.serialize(serializer)
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

/// The fields of a report that are read: its totals are computed.
#[derive(Deserialize)]
struct ReportIn {
    #[serde(rename = "schema")]
    _schema: Version,
    engine: Engine,
    host: String,
    started: String,
    #[serde(rename = "duration_ms", with = "millis")]
    duration: Duration,
    suites: Vec<Suite>,
}

impl From<ReportIn> for Report {
    fn from(read: ReportIn) -> Report {
        let ReportIn { _schema, engine, host, started, duration, suites } = read;
        Report { engine, host, started, duration, suites }
    }
}

/// A case as it is read, before its outcome is held against its directives.
#[derive(Deserialize)]
struct CaseIn {
    name: String,
    outcome: Outcome,
    #[serde(rename = "duration_ms", with = "millis")]
    duration: Duration,
    directives: Counts,
    #[serde(default)]
    text_not_compared: u64,
    features: Vec<String>,
    failures: Vec<Failure>,
    #[serde(default)]
    notes: Vec<Note>,
    #[serde(default, with = "key::run")]
    keys: Vec<Key>,
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
            features,
            failures,
            notes,
            keys,
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
            features,
            failures,
            notes,
            keys,
            attempts,
        })
    }
}

/// By reference, as serde calls it.
fn is_zero(count: &u64) -> bool {
    *count == 0
}
