//! The result model: a report holds suites, a suite cases, a case what became of its directives.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::aside::{Apart, Aside};
use crate::key::{self, Key};
use crate::millis;
use crate::outcome::{Counts, Outcome};
use crate::shards::Shards;

/// What one run found. Suites and cases keep the order they are given in.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What was tested.
    pub engine: Engine,
    /// What judged it; absent in reports of older versions.
    pub harness: Option<Engine>,
    /// How the texts of errors were compared; absent in reports of older versions.
    pub match_kind: Option<MatchKind>,
    /// Which shards of a sharded run it holds; absent where the run was not sharded or all shards
    /// are in it.
    pub shards: Option<Shards>,
    /// Whether the run was interrupted, so that some cases are in it as not run.
    pub interrupted: bool,
    /// What it ran on, such as `x86_64-linux`.
    pub host: String,
    /// When it started: a date and time as in RFC 3339.
    pub started: String,
    /// How long it took by the clock on the wall.
    pub duration: Duration,
    /// What was run.
    pub suites: Vec<Suite>,
}

/// A program, such as the engine that was tested.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Engine {
    /// Its name.
    pub name: String,
    /// Its version; empty where it is not known.
    pub version: String,
    /// The name of the configuration that it was tested in, such as `default` or `all-on`; absent
    /// where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// The flags that it was given; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// The features that are on in that configuration, a version and then names; absent where that
    /// is not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// What it was driven through; absent where nothing stands between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// The command line that started it; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Who packaged it, where that was not its makers, such as `Debian nodejs 20.19.2`; absent
    /// where they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
}

/// How the texts of errors are compared, the strictest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum MatchKind {
    /// Not at all.
    Ignore,
    /// By the rule that they name.
    Class,
    /// The engine's begins with the script's.
    Prefix,
    /// They are equal.
    Exact,
}

/// A suite that was run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// Where it came from, and whether it was edited there.
    pub source: String,
    /// Where its scripts can be read: a line of a case is at this, a `/`, the case's name, `#L` and
    /// the line. Absent where that is not known.
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
    /// How it ended: the worst outcome of its directives, or a worse one that is its own.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    #[cfg_attr(test, schemars(with = "f64", range(min = 0)))]
    pub duration: Duration,
    /// What became of its directives. Those that were not reached count as failed.
    pub directives: Counts,
    /// How many directives passed without a comparison of their error text; absent where there is
    /// none.
    #[serde(skip_serializing_if = "is_zero")]
    pub text_not_compared: u64,
    /// How many directives passed by the judgement of the reader alone, before the engine was asked
    /// anything; absent where there is none.
    #[serde(skip_serializing_if = "is_zero")]
    pub reader_only: u64,
    /// What of it says nothing about the engine, or less than it could; absent where that is
    /// nothing.
    #[serde(default, skip_serializing_if = "Aside::is_empty")]
    pub aside: Aside,
    /// The features that its modules need.
    pub features: Vec<String>,
    /// What became of its directives by the features that each depends on; those of which that
    /// cannot be told are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Needs>,
    /// The features it was judged under, as an expression; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged_under: Option<String>,
    /// Its file, from the folder of the checkout or the current one; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What failed, in the order of the script.
    pub failures: Vec<Failure>,
    /// What was skipped, failed as expected or passed against expectation, in the order of the
    /// script.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// The keys of the directives that were to be judged, in the order of the script, each twelve
    /// digits; empty where the case has no directives or they are not known.
    #[serde(skip_serializing_if = "Vec::is_empty", with = "key::run")]
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^([0-9a-f]{12})*$")))]
    pub keys: Vec<Key>,
    /// What tells a guest from others, and its versions from each other, by its module and what is
    /// expected of it, twelve digits; absent for scripts, and where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{12}$")))]
    pub guest: Option<Key>,
    /// What became of it before, the first time first, where it failed and was run again; absent
    /// where it was run once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

/// What became of the directives that depend on the same features.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Needs {
    /// The features, each by its name; none for directives that need nothing beyond 1.0.
    pub features: Vec<String>,
    /// What became of the directives.
    pub directives: Counts,
    /// Of these, the modules that are to compile: those that compiled are counted as passed, also
    /// where they could not be instantiated. Absent where there are none, and in reports of older
    /// versions.
    #[serde(default, skip_serializing_if = "Counts::is_none")]
    pub modules: Counts,
    /// What of the directives says nothing about the engine, or less than it could; absent where
    /// that is nothing.
    #[serde(default, skip_serializing_if = "Aside::is_empty")]
    pub aside: Aside,
    /// The keys of those that did not simply pass, each twelve digits; absent where there are none
    /// or keys are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "key::run")]
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^([0-9a-f]{12})*$")))]
    pub not_passed: Vec<Key>,
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
    /// Why it says nothing about the engine, where it was skipped for that; else absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<Apart>,
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
    /// How many of the directives that passed were judged by the reader alone.
    #[serde(default)]
    pub reader_only: u64,
    /// What of the directives says nothing about the engine, or less than it could; absent where
    /// that is nothing.
    #[serde(default, skip_serializing_if = "Aside::is_empty")]
    pub aside: Aside,
}

impl Report {
    /// The report of a whole run that ended by itself.
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

    /// What all suites add up to.
    pub fn totals(&self) -> Totals {
        self.suites.iter().map(Suite::totals).fold(Totals::default(), |mut sum, suite| {
            sum.cases += suite.cases;
            sum.directives += suite.directives;
            sum.reader_only = sum.reader_only.saturating_add(suite.reader_only);
            sum.aside += suite.aside;
            sum
        })
    }

    /// What the report lacks of the run that it is about, in words; `None` where it is complete.
    pub fn incomplete(&self) -> Option<String> {
        let shards = self.shards.as_ref().and_then(Shards::describe);
        let interrupted = self.interrupted.then(|| "the run was interrupted".to_owned());
        let notes: Vec<String> = shards.into_iter().chain(interrupted).collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }

    /// Whether nothing was judged, well or badly: there is no case, or none of them has a directive
    /// that was run.
    pub fn is_unjudged(&self) -> bool {
        let Totals { cases, directives, .. } = self.totals();
        cases.failed == 0 && directives.total() == directives.skipped
    }

    /// Whether directives passed, and all of them by the judgement of the reader alone: so it is of
    /// an engine that does nothing.
    pub fn is_by_reader_alone(&self) -> bool {
        let totals = self.totals();
        totals.reader_only > 0 && totals.by_engine().passed == 0
    }

    /// How many directives passed without a comparison of their error text.
    pub fn text_not_compared(&self) -> u64 {
        let cases = self.suites.iter().flat_map(|suite| &suite.cases);
        cases.fold(0, |sum, case| sum.saturating_add(case.text_not_compared))
    }

    /// What of all cases says nothing about the engine, or less than it could.
    pub fn aside(&self) -> Aside {
        self.suites.iter().map(Suite::aside).sum()
    }

    /// How many cases ended as expected and had failed before.
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
    /// The directives that the engine had a part in: all but those that passed by the judgement of
    /// the reader alone.
    pub fn by_engine(&self) -> Counts {
        let passed = self.directives.passed.saturating_sub(self.reader_only);
        Counts { passed, ..self.directives }
    }
}

impl Engine {
    /// A program of which no more is known than its name and version.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Engine {
        Engine { name: name.into(), version: version.into(), ..Engine::default() }
    }

    /// Name and version, as in `wassay 0.1.0`.
    pub fn title(&self) -> String {
        format!("{} {}", self.name, self.version).trim().to_owned()
    }

    /// The same with the name of its configuration, or with its flags where that has none:
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
    /// The word for it on the command line.
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
    /// A suite of which it is not known where it can be read.
    pub fn new(name: String, source: String, cases: Vec<Case>) -> Suite {
        Suite { name, source, url: None, cases }
    }

    /// How its cases ended.
    pub fn outcomes(&self) -> Counts {
        self.cases.iter().map(|case| case.outcome).collect()
    }

    /// What became of the directives of its cases.
    pub fn directives(&self) -> Counts {
        self.cases.iter().map(|case| case.directives).sum()
    }

    /// How many of the directives that passed were judged by the reader alone.
    pub fn reader_only(&self) -> u64 {
        self.cases.iter().fold(0, |sum, case| sum.saturating_add(case.reader_only))
    }

    /// What of its cases says nothing about the engine, or less than it could.
    pub fn aside(&self) -> Aside {
        self.cases.iter().map(|case| case.aside).sum()
    }

    /// What its cases add up to.
    pub fn totals(&self) -> Totals {
        let (cases, directives) = (self.outcomes(), self.directives());
        Totals { cases, directives, reader_only: self.reader_only(), aside: self.aside() }
    }

    /// How long its cases took, one after the other.
    pub fn duration(&self) -> Duration {
        self.cases.iter().fold(Duration::ZERO, |sum, case| sum.saturating_add(case.duration))
    }
}

impl Case {
    /// A case with nothing but its outcome.
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

/// By reference, as serde calls it.
fn is_zero(count: &u64) -> bool {
    *count == 0
}
