//! What a comparison of two reports found.

use std::time::Duration;

use serde::Serialize;

use super::less::Less;
use crate::key::Key;
use crate::millis;
use crate::model::{Engine, MatchKind, Totals};
use crate::outcome::{Counts, Outcome};

/// The changes, in the order of the new report, followed by what only the old one has, in its
/// order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// The old run.
    pub old: Run,
    /// The new run.
    pub new: Run,
    /// The verdict on the new run.
    pub verdict: Verdict,
    /// Results that were as expected and no longer are.
    pub regressed: Vec<Change>,
    /// Unexpected results of what was not judged before: new or edited directives, new cases and
    /// suites, and directives that did not run.
    pub new_failures: Vec<Change>,
    /// Directives that were judged before and are skipped now.
    pub unjudged: Vec<Change>,
    /// Other losses of coverage.
    pub less: Vec<Less>,
    /// Directives that are expected to fail now, and passed, failed unexpectedly or did not exist
    /// before.
    pub excused: Vec<Change>,
    /// Directives that pass now and were not as expected.
    pub fixed: Vec<Change>,
    /// Results that changed otherwise, such as in their message.
    pub changed: Vec<Change>,
    /// How many more directives pass by the parser alone, in cases with the same directives.
    pub more_reader_only: u64,
    /// How many more directives pass without a comparison of error texts, in cases with the same
    /// directives.
    pub more_text_not_compared: u64,
    /// Slower scripts, among those with the same directives.
    pub slower: Vec<Slower>,
    /// Changes of the suites.
    pub drift: Drift,
}

/// The verdict on the new run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing regressed, nothing new fails, and nothing is judged less.
    Good,
    /// As good, but something is judged differently: it is expected to fail now, is judged under
    /// other features or less completely, or the old report is incomplete.
    Attention,
    /// Something regressed, something new fails, or less is judged.
    Bad,
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// The engine that was tested.
    pub engine: Engine,
    /// The program that judged it; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub harness: Option<Engine>,
    /// How error texts were compared; absent if unknown.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub match_kind: Option<MatchKind>,
    /// What is missing from the report; absent if it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
    /// When it started.
    pub started: String,
    /// The duration in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    pub duration: Duration,
    /// The totals.
    pub totals: Totals,
}

/// A changed result of a directive or of a whole case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The suite, by its name in the new report.
    pub suite: String,
    /// The case, by its name in the new report.
    pub case: String,
    /// The line in the new script, or in the old one for fixed directives; 0 if unknown.
    pub line: u32,
    /// The column, likewise.
    pub column: u32,
    /// The key of the directive; absent for a whole case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// The result before; absent if it did not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<State>,
    /// The result now.
    pub after: State,
    /// The text of the directive; empty if unknown.
    pub source: String,
    /// The URL of its source; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct State {
    /// The outcome.
    pub outcome: Outcome,
    /// The kind and message of the failure, or the reason for a skip or an expected failure; empty
    /// for a pass.
    pub message: String,
    /// The expected value, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The actual value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
}

/// A slower case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slower {
    /// The suite.
    pub suite: String,
    /// The case.
    pub case: String,
    /// The duration in milliseconds.
    #[serde(rename = "before_ms", with = "millis")]
    pub before: Duration,
    /// The new duration in milliseconds.
    #[serde(rename = "after_ms", with = "millis")]
    pub after: Duration,
}

/// How the suites differ.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Drift {
    /// Suites that were added, removed, or have another origin.
    pub suites: Vec<SuiteDrift>,
    /// Cases that were added, removed, renamed or edited, in suites of both reports.
    pub cases: Vec<CaseDrift>,
}

/// A change of a suite.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum SuiteDrift {
    /// Only the new report has it.
    New {
        /// The suite.
        suite: String,
        /// The outcomes of its cases.
        cases: Counts,
    },
    /// Only the old report has it.
    Gone {
        /// The suite.
        suite: String,
        /// The outcomes of its cases.
        cases: Counts,
    },
    /// Its name or its source changed.
    Origin {
        /// Its name before and now.
        suite: [String; 2],
        /// Its source before and now.
        source: [String; 2],
    },
}

/// A change of a case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseDrift {
    /// The suite.
    pub suite: String,
    /// The case, by its name in the new report unless it was removed.
    pub case: String,
    /// The kind of change.
    pub what: What,
    /// The old name of a renamed case, or the old features if these changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The new features, if these changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The number of added directives.
    pub directives_new: u64,
    /// The number of removed directives.
    pub directives_gone: u64,
    /// Unexpected results of its new directives, or of the whole case if it is new and has no
    /// directives.
    pub unexpected: Vec<Change>,
}

/// The kind of change of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Only the new report has it.
    New,
    /// Only the old report has it.
    Gone,
    /// It has another name and the same directives.
    Moved,
    /// It has other directives.
    Edited,
    /// It is judged under other features.
    Features,
}

impl Diff {
    /// Whether something regressed. New directives that fail are not regressions, but see
    /// [`Diff::is_failure`].
    pub fn is_regression(&self) -> bool {
        !self.regressed.is_empty()
    }

    /// Whether the new run is worse, or possibly worse: something regressed, something new fails,
    /// or less is judged. `allow_less` accepts the last.
    pub fn is_failure(&self, allow_less: bool) -> bool {
        let less = !self.less.is_empty() || !self.unjudged.is_empty();
        self.is_regression() || !self.new_failures.is_empty() || (less && !allow_less)
    }

    /// Whether the engine has no changes.
    pub fn is_empty(&self) -> bool {
        let lists =
            [&self.regressed, &self.new_failures, &self.unjudged, &self.excused, &self.fixed, &self.changed];
        lists.iter().all(|list| list.is_empty()) && self.less.is_empty() && self.slower.is_empty()
    }

    /// Determines the [verdict](Diff::verdict).
    pub(super) fn judge(&self) -> Verdict {
        let other_features = self.drift.cases.iter().any(|drift| drift.what == What::Features);
        let weaker = self.more_reader_only > 0 || self.more_text_not_compared > 0;
        match () {
            () if self.is_failure(false) => Verdict::Bad,
            () if !self.excused.is_empty() || other_features || weaker || self.old.incomplete.is_some() => {
                Verdict::Attention
            }
            () => Verdict::Good,
        }
    }

    /// Renders indented JSON with a final line feed.
    pub fn json(&self) -> String {
        crate::json::document(self)
    }
}

impl Drift {
    /// Whether the suites are unchanged.
    pub fn is_empty(&self) -> bool {
        self.suites.is_empty() && self.cases.is_empty()
    }
}
