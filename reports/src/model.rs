//! The result model: a report has suites, a suite has cases, a case has the results of its
//! directives.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::aside::{Apart, Aside};
use crate::key::{self, Key};
use crate::millis;
use crate::outcome::{Counts, Outcome};
use crate::shards::Shards;

/// The results of a run. Suites and cases keep their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The engine that was tested.
    pub engine: Engine,
    /// The program that judged it; absent in reports of older versions.
    pub harness: Option<Engine>,
    /// How error texts were compared; absent in reports of older versions.
    pub match_kind: Option<MatchKind>,
    /// The shards of a sharded run that it contains; absent if the run was not sharded or all
    /// shards are included.
    pub shards: Option<Shards>,
    /// Whether the run was interrupted, so that some cases are included as not run.
    pub interrupted: bool,
    /// The host that it ran on, such as `x86_64-linux`.
    pub host: String,
    /// The start time, in RFC 3339 format.
    pub started: String,
    /// The wall-clock duration.
    pub duration: Duration,
    /// The suites that were run.
    pub suites: Vec<Suite>,
}

/// A program, such as the engine that was tested.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Engine {
    /// Its name.
    pub name: String,
    /// Its version; empty if unknown.
    pub version: String,
    /// The name of the tested configuration, such as `default` or `all-on`; absent if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// Its command-line flags; absent if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// The enabled features, a version and then names; absent if unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// The adapter that drove it; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// The command line that started it; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The package, if it was not packaged by its developers, such as `Debian nodejs 20.19.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
}

/// How error texts are compared, the strictest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum MatchKind {
    /// Not at all.
    Ignore,
    /// By the rule that they state.
    Class,
    /// The engine's text begins with the script's.
    Prefix,
    /// The texts are equal.
    Exact,
}

/// A suite that was run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// Where it came from, and whether it was edited there.
    pub source: String,
    /// The base URL of its scripts: a line of a case is at this URL, a `/`, the case's name, `#L`
    /// and the line. Absent if unknown.
    #[serde(default)]
    pub url: Option<String>,
    /// Its cases.
    pub cases: Vec<Case>,
}

/// One script or guest.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Case {
    /// Its name, unique within the suite.
    pub name: String,
    /// The worst outcome of its directives, or a worse one of the whole case.
    pub outcome: Outcome,
    /// The duration in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    #[cfg_attr(test, schemars(with = "f64", range(min = 0)))]
    pub duration: Duration,
    /// The results of its directives. Those that were not reached count as failed.
    pub directives: Counts,
    /// The number of directives that passed without a comparison of error texts; absent if zero.
    #[serde(skip_serializing_if = "is_zero")]
    pub text_not_compared: u64,
    /// The number of directives that passed by the parser alone, without the engine; absent if
    /// zero.
    #[serde(skip_serializing_if = "is_zero")]
    pub reader_only: u64,
    /// Directives that say nothing about the engine, or less than they could; absent if there are
    /// none.
    #[serde(default, skip_serializing_if = "Aside::is_empty")]
    pub aside: Aside,
    /// The features that its modules need.
    pub features: Vec<String>,
    /// The results of its directives by the features that each depends on; directives for which
    /// that is unknown are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Needs>,
    /// The features it was judged under, as an expression; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged_under: Option<String>,
    /// Its file, relative to the checkout or the current folder; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The failures, in the order of the script.
    pub failures: Vec<Failure>,
    /// Skipped directives, expected failures and unexpected passes, in the order of the script.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// The keys of the directives to judge, in the order of the script, twelve digits each; empty
    /// if the case has no directives or they are unknown.
    #[serde(skip_serializing_if = "Vec::is_empty", with = "key::run")]
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^([0-9a-f]{12})*$")))]
    pub keys: Vec<Key>,
    /// The key of a guest, a hash of its module and its expected results, twelve digits; absent for
    /// scripts and if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{12}$")))]
    pub guest: Option<Key>,
    /// Earlier failed attempts, the first one first; absent if it ran once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

/// The results of the directives that depend on the same features.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Needs {
    /// The names of the features; none for directives that need nothing beyond 1.0.
    pub features: Vec<String>,
    /// The results of the directives.
    pub directives: Counts,
    /// Of these, the modules that should compile: those that compiled count as passed, even if they
    /// could not be instantiated. Absent if there are none, and in reports of older versions.
    #[serde(default, skip_serializing_if = "Counts::is_none")]
    pub modules: Counts,
    /// What of the directives says nothing about the engine, or less than it could; absent where
    /// that is nothing.
    #[serde(default, skip_serializing_if = "Aside::is_empty")]
    pub aside: Aside,
    /// The keys of those that did not plainly pass, twelve digits each; absent if there are none or
    /// keys are unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "key::run")]
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^([0-9a-f]{12})*$")))]
    pub not_passed: Vec<Key>,
}

/// A failed attempt at a case that was retried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Attempt {
    /// The outcome.
    pub outcome: Outcome,
    /// The duration in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    #[cfg_attr(test, schemars(with = "f64", range(min = 0)))]
    pub duration: Duration,
    /// The failures, in the order of the script.
    pub failures: Vec<Failure>,
}

/// A directive that was not as expected, or a failure of a whole case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failure {
    /// The line of the directive, from 1; 0 if there is none.
    pub line: u32,
    /// The column of the directive in characters, from 1; 0 if there is none.
    pub column: u32,
    /// The kind of failure in kebab case, such as `wrong-value`.
    pub kind: String,
    /// The message, in a line.
    pub message: String,
    /// The expected value, if there is one.
    pub expected: Option<String>,
    /// The actual value.
    pub actual: Option<String>,
    /// The text of the directive.
    pub source: String,
    /// The key of the directive; absent if the failure is not of a single directive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{12}$")))]
    pub key: Option<Key>,
    /// A unified diff from the expected to the actual value, if available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// The last calls of the guest to its host, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
}

/// A directive that neither plainly passed nor plainly failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Note {
    /// The line of the directive, from 1; 0 if there is none.
    pub line: u32,
    /// The column of the directive in characters, from 1; 0 if there is none.
    pub column: u32,
    /// Whether it was skipped, failed as expected or passed unexpectedly.
    pub outcome: Outcome,
    /// Why it was skipped or expected to fail.
    pub reason: String,
    /// Why it says nothing about the engine, if that is why it was skipped; else absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<Apart>,
    /// The kind of an expected failure, in kebab case; absent for other outcomes and in reports of
    /// older versions. For a guest, kind and values are those of its first failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The message of an expected failure, in a line; absent as `kind` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The value that the directive expects, if it failed as expected and there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The actual value of an expected failure, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// The key of the directive; absent if the note is about the whole case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{12}$")))]
    pub key: Option<Key>,
}

/// The totals of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Totals {
    /// The cases of all suites.
    pub cases: Counts,
    /// The directives of all cases.
    pub directives: Counts,
    /// The number of passed directives that were judged by the parser alone.
    #[serde(default)]
    pub reader_only: u64,
    /// What of the directives says nothing about the engine, or less than it could; absent where
    /// that is nothing.
    #[serde(default, skip_serializing_if = "Aside::is_empty")]
    pub aside: Aside,
}

impl Report {
    /// Creates the report of a complete run.
    pub fn new(
        engine: Engine,
        host: String,
        started: String,
        duration: Duration,
        suites: Vec<Suite>,
    ) -> Report {
        let (harness, match_kind, shards, interrupted) = (None, None, None, false);
        Report { engine, harness, match_kind, shards, interrupted, host, started, duration, suites }
    }

    /// The totals of all suites.
    pub fn totals(&self) -> Totals {
        self.suites.iter().map(Suite::totals).fold(Totals::default(), |mut sum, suite| {
            sum.cases += suite.cases;
            sum.directives += suite.directives;
            sum.reader_only = sum.reader_only.saturating_add(suite.reader_only);
            sum.aside += suite.aside;
            sum
        })
    }

    /// Describes what is missing from the report; `None` if it is complete.
    pub fn incomplete(&self) -> Option<String> {
        let shards = self.shards.as_ref().and_then(Shards::describe);
        let interrupted = self.interrupted.then(|| "the run was interrupted".to_owned());
        let notes: Vec<String> = shards.into_iter().chain(interrupted).collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }

    /// Whether nothing was judged: there is no case, or none has a directive that ran.
    pub fn is_unjudged(&self) -> bool {
        let Totals { cases, directives, .. } = self.totals();
        cases.failed == 0 && directives.total() == directives.skipped
    }

    /// Whether all passed directives were judged by the parser alone, as for an engine that does
    /// nothing.
    pub fn is_by_reader_alone(&self) -> bool {
        let totals = self.totals();
        totals.reader_only > 0 && totals.by_engine().passed == 0
    }

    /// The number of directives that passed without a comparison of error texts.
    pub fn text_not_compared(&self) -> u64 {
        let cases = self.suites.iter().flat_map(|suite| &suite.cases);
        cases.fold(0, |sum, case| sum.saturating_add(case.text_not_compared))
    }

    /// Directives of all cases that say nothing about the engine, or less than they could.
    pub fn aside(&self) -> Aside {
        self.suites.iter().map(Suite::aside).sum()
    }

    /// The number of cases that passed on retry.
    pub fn flaky(&self) -> u64 {
        self.suites.iter().flat_map(|suite| &suite.cases).filter(|case| case.is_flaky()).count() as u64
    }

    /// Whether every case ended as expected. True of a report without cases, which is
    /// [unjudged](Report::is_unjudged).
    pub fn is_expected(&self) -> bool {
        self.suites.iter().flat_map(|suite| &suite.cases).all(|case| case.outcome.is_expected())
    }
}

impl Totals {
    /// The results of directives that involved the engine: all but those that passed by the parser
    /// alone.
    pub fn by_engine(&self) -> Counts {
        let passed = self.directives.passed.saturating_sub(self.reader_only);
        Counts { passed, ..self.directives }
    }
}

impl Engine {
    /// A program with only a name and a version.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Engine {
        Engine { name: name.into(), version: version.into(), ..Engine::default() }
    }

    /// Name and version, such as `wassay 0.1.0`.
    pub fn title(&self) -> String {
        format!("{} {}", self.name, self.version).trim().to_owned()
    }

    /// The same with the name of its configuration, or its flags if that has none:
    /// `node 26.10.0 (all-on)`.
    pub fn title_with_configuration(&self) -> String {
        match &self.configuration {
            Some(configuration) => format!("{} ({configuration})", self.title()),
            None if self.flags.is_empty() => self.title(),
            None => format!("{} ({})", self.title(), self.flags.join(" ")),
        }
    }
}

impl MatchKind {
    /// Its name on the command line.
    pub fn word(self) -> &'static str {
        match self {
            MatchKind::Ignore => "ignore",
            MatchKind::Class => "class",
            MatchKind::Prefix => "prefix",
            MatchKind::Exact => "exact",
        }
    }
}

impl Suite {
    /// A suite without a URL.
    pub fn new(name: String, source: String, cases: Vec<Case>) -> Suite {
        Suite { name, source, url: None, cases }
    }

    /// The outcomes of its cases.
    pub fn outcomes(&self) -> Counts {
        self.cases.iter().map(|case| case.outcome).collect()
    }

    /// The results of the directives of its cases.
    pub fn directives(&self) -> Counts {
        self.cases.iter().map(|case| case.directives).sum()
    }

    /// The number of passed directives that were judged by the parser alone.
    pub fn reader_only(&self) -> u64 {
        self.cases.iter().fold(0, |sum, case| sum.saturating_add(case.reader_only))
    }

    /// Directives of its cases that say nothing about the engine, or less than they could.
    pub fn aside(&self) -> Aside {
        self.cases.iter().map(|case| case.aside).sum()
    }

    /// The totals of its cases.
    pub fn totals(&self) -> Totals {
        let (cases, directives) = (self.outcomes(), self.directives());
        Totals { cases, directives, reader_only: self.reader_only(), aside: self.aside() }
    }

    /// The sum of the durations of its cases.
    pub fn duration(&self) -> Duration {
        self.cases.iter().fold(Duration::ZERO, |sum, case| sum.saturating_add(case.duration))
    }
}

impl Case {
    /// A case with only an outcome.
    pub fn new(name: String, outcome: Outcome, duration: Duration, directives: Counts) -> Case {
        Case {
            name,
            outcome,
            duration,
            directives,
            text_not_compared: 0,
            reader_only: 0,
            aside: Aside::default(),
            features: Vec::new(),
            needs: Vec::new(),
            judged_under: None,
            file: None,
            failures: Vec::new(),
            notes: Vec::new(),
            keys: Vec::new(),
            guest: None,
            attempts: Vec::new(),
        }
    }

    /// Whether it passed on a retry.
    pub fn is_flaky(&self) -> bool {
        !self.attempts.is_empty() && self.outcome.is_expected()
    }
}

impl Note {
    /// Creates a note about a whole case.
    pub fn new(outcome: Outcome, reason: String) -> Note {
        Note {
            line: 0,
            column: 0,
            outcome,
            reason,
            apart: None,
            kind: None,
            message: None,
            expected: None,
            actual: None,
            key: None,
        }
    }

    /// Adds the kind and the values of an expected failure.
    #[must_use]
    pub fn with_failure(self, failure: Failure) -> Note {
        let Failure { kind, message, expected, actual, .. } = failure;
        Note { kind: Some(kind), message: Some(message), expected, actual, ..self }
    }
}

impl Failure {
    /// The last of its [calls](Failure::calls), up to a limit.
    pub(crate) fn last_calls(&self) -> &[String] {
        self.calls.get(self.calls.len().saturating_sub(20)..).unwrap_or_default()
    }
}

/// Takes a reference, as serde requires.
fn is_zero(count: &u64) -> bool {
    *count == 0
}
