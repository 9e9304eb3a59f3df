//! What a comparison of two reports found.

use std::time::Duration;

use serde::Serialize;

use super::less::Less;
use crate::key::Key;
use crate::millis;
use crate::model::{Engine, MatchKind, Totals};
use crate::outcome::{Counts, Outcome};

/// What changed. Everything stands in the order of the new report; what only the old one has, in
/// its order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// The old run.
    pub old: Run,
    /// The new run.
    pub new: Run,
    /// How it looks for the new run.
    pub verdict: Verdict,
    /// What was as expected and is no more.
    pub regressed: Vec<Change>,
    /// What is not as expected and was not judged before: directives that are new or were edited,
    /// those of new cases and suites, and those that were not run.
    pub new_failures: Vec<Change>,
    /// What was judged before and is skipped now.
    pub unjudged: Vec<Change>,
    /// What is judged less besides.
    pub less: Vec<Less>,
    /// What passed, failed unexpectedly or was not there, and is expected to fail now.
    pub excused: Vec<Change>,
    /// What passes and did not end as expected.
    pub fixed: Vec<Change>,
    /// What is as expected, or not, as it was, but in another way, such as with another message.
    pub changed: Vec<Change>,
    /// How many directives more pass by the judgement of the reader alone, in cases whose
    /// directives are the same.
    pub more_reader_only: u64,
    /// How many directives more pass without a comparison of their error text, in cases whose
    /// directives are the same.
    pub more_text_not_compared: u64,
    /// Scripts that take longer, of those whose directives are the same.
    pub slower: Vec<Slower>,
    /// What the suites have otherwise.
    pub drift: Drift,
}

/// How a comparison looks for the new run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All that was judged is judged, nothing regressed, and nothing that is new fails.
    Good,
    /// The same, but something is judged in another way: it is expected to fail now, is judged
    /// under other features or by less, or the old report is incomplete.
    Attention,
    /// Something regressed, something new fails, or less is judged than before.
    Bad,
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// What was tested.
    pub engine: Engine,
    /// What judged it; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub harness: Option<Engine>,
    /// How the texts of errors were compared; absent where that is not known.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub match_kind: Option<MatchKind>,
    /// What the report lacks of its run; absent where it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
    /// When it started.
    pub started: String,
    /// How long it took, in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    pub duration: Duration,
    /// What it adds up to.
    pub totals: Totals,
}

/// A directive that ended otherwise, or a case as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The suite, by its name in the new report.
    pub suite: String,
    /// The case, by its name in the new report.
    pub case: String,
    /// The line in the new script, in the old one for what was fixed; 0 where it is not known.
    pub line: u32,
    /// The column, likewise.
    pub column: u32,
    /// The directive; absent where it is the case as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// How it ended before; absent where it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<State>,
    /// How it ended now.
    pub after: State,
    /// The text of the directive; empty where it is not known.
    pub source: String,
    /// Where it can be read; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How something ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct State {
    /// The outcome.
    pub outcome: Outcome,
    /// The kind of the failure and its message, or the reason why it was skipped or expected to
    /// fail; empty where it passed.
    pub message: String,
    /// What was expected, where there is something to compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What came instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
}

/// A case that takes longer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slower {
    /// The suite.
    pub suite: String,
    /// The case.
    pub case: String,
    /// How long it took, in milliseconds.
    #[serde(rename = "before_ms", with = "millis")]
    pub before: Duration,
    /// How long it takes, in milliseconds.
    #[serde(rename = "after_ms", with = "millis")]
    pub after: Duration,
}

/// How the suites differ.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Drift {
    /// Suites that came, went, or are from elsewhere.
    pub suites: Vec<SuiteDrift>,
    /// Cases that came, went, moved or were edited, in suites that both reports have.
    pub cases: Vec<CaseDrift>,
}

/// What became of a suite.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum SuiteDrift {
    /// Only the new report has it.
    New {
        /// The suite.
        suite: String,
        /// How its cases ended.
        cases: Counts,
    },
    /// Only the old report has it.
    Gone {
        /// The suite.
        suite: String,
        /// How its cases ended.
        cases: Counts,
    },
    /// Its name or what it says of its origin changed.
    Origin {
        /// Its name before and now.
        suite: [String; 2],
        /// Its source before and now.
        source: [String; 2],
    },
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseDrift {
    /// The suite.
    pub suite: String,
    /// The case, by its name in the new report unless it is gone.
    pub case: String,
    /// What became of it.
    pub what: What,
    /// Its name before, where it moved; the features it was judged under before, where these
    /// changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The features it is judged under, where these changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How many directives it has that it did not have.
    pub directives_new: u64,
    /// How many directives it had that it has no more.
    pub directives_gone: u64,
    /// Those of its new directives that are not as expected, or the case as a whole where it is new
    /// and has no directives.
    pub unexpected: Vec<Change>,
}

/// What can become of a case.
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

    /// Whether the new run is worse, or cannot be told not to be: something regressed, something
    /// new fails, or less is judged. The last does not count with `allow_less`.
    pub fn is_failure(&self, allow_less: bool) -> bool {
        let less = !self.less.is_empty() || !self.unjudged.is_empty();
        self.is_regression() || !self.new_failures.is_empty() || (less && !allow_less)
    }

    /// Whether there is nothing to say about what the engine does.
    pub fn is_empty(&self) -> bool {
        let lists =
            [&self.regressed, &self.new_failures, &self.unjudged, &self.excused, &self.fixed, &self.changed];
        lists.iter().all(|list| list.is_empty()) && self.less.is_empty() && self.slower.is_empty()
    }

    /// The [verdict](Diff::verdict), by what was found.
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

    /// The same as indented JSON, with a line feed at its end.
    pub fn json(&self) -> String {
        crate::json::document(self)
    }
}

impl Drift {
    /// Whether the suites are the same.
    pub fn is_empty(&self) -> bool {
        self.suites.is_empty() && self.cases.is_empty()
    }
}
