//! Outcomes of directives and cases, and their counts.

use std::fmt;
use std::iter::Sum;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// The outcome of a directive or a case: a case has the worst outcome of its directives.
///
/// They are ordered by precedence, the worst last: `Passed < Skipped < XFailed < XPassed < Failed <
/// Timeout < Crashed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The assertion holds.
    Passed,
    /// It was not judged, for a stated reason.
    Skipped,
    /// It failed as expected.
    XFailed,
    /// It passed but was expected to fail. This fails a run, because the expectation is stale.
    XPassed,
    /// The assertion does not hold, or was not reached.
    Failed,
    /// It timed out.
    Timeout,
    /// It crashed its process.
    Crashed,
}

impl Outcome {
    /// Its word in reports: the name in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Skipped => "skipped",
            Outcome::XFailed => "xfailed",
            Outcome::XPassed => "xpassed",
            Outcome::Failed => "failed",
            Outcome::Timeout => "timeout",
            Outcome::Crashed => "crashed",
        }
    }

    /// Whether it counts as failed: failed, timeout or crashed.
    pub fn is_failure(self) -> bool {
        self >= Outcome::Failed
    }

    /// Whether a run with it is as expected. An unexpected pass is not.
    pub fn is_expected(self) -> bool {
        self < Outcome::XPassed
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The number of directives or cases by outcome; the total is the sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "CountsFields", into = "CountsFields")]
pub struct Counts {
    /// Passed.
    pub passed: u64,
    /// Failed, timed out or crashed.
    pub failed: u64,
    /// Skipped.
    pub skipped: u64,
    /// Failed as expected.
    pub xfailed: u64,
    /// Passed unexpectedly.
    pub xpassed: u64,
}

impl Counts {
    /// The total.
    pub fn total(&self) -> u64 {
        [self.passed, self.failed, self.skipped, self.xfailed, self.xpassed]
            .into_iter()
            .fold(0, u64::saturating_add)
    }

    /// Whether nothing was counted.
    pub fn is_none(&self) -> bool {
        self.total() == 0
    }

    /// Adds one.
    pub fn record(&mut self, outcome: Outcome) {
        self.record_many(outcome, 1);
    }

    /// Adds several.
    pub fn record_many(&mut self, outcome: Outcome, more: u64) {
        let count = match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Skipped => &mut self.skipped,
            Outcome::XFailed => &mut self.xfailed,
            Outcome::XPassed => &mut self.xpassed,
            Outcome::Failed | Outcome::Timeout | Outcome::Crashed => &mut self.failed,
        };
        *count = count.saturating_add(more);
    }

    /// The worst outcome with a nonzero count, or [`Outcome::Passed`]. Timeouts and crashes count
    /// as failed and are not distinguished here.
    pub fn outcome(&self) -> Outcome {
        let worst_first = [
            (self.failed, Outcome::Failed),
            (self.xpassed, Outcome::XPassed),
            (self.xfailed, Outcome::XFailed),
            (self.skipped, Outcome::Skipped),
        ];
        worst_first.into_iter().find(|&(count, _)| count > 0).map_or(Outcome::Passed, |(_, outcome)| outcome)
    }
}

impl AddAssign for Counts {
    /// Adds each count, saturating.
    fn add_assign(&mut self, other: Counts) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
        self.skipped = self.skipped.saturating_add(other.skipped);
        self.xfailed = self.xfailed.saturating_add(other.xfailed);
        self.xpassed = self.xpassed.saturating_add(other.xpassed);
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Counts>>(counts: I) -> Counts {
        counts.fold(Counts::default(), |mut sum, counts| {
            sum += counts;
            sum
        })
    }
}

impl FromIterator<Outcome> for Counts {
    fn from_iter<I: IntoIterator<Item = Outcome>>(outcomes: I) -> Counts {
        let mut counts = Counts::default();
        outcomes.into_iter().for_each(|outcome| counts.record(outcome));
        counts
    }
}

/// The number of directives or cases by outcome.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Counts"))]
pub(crate) struct CountsFields {
    /// The sum of the others.
    #[serde(skip_deserializing)]
    total: u64,
    /// Passed.
    passed: u64,
    /// Failed, timed out or crashed.
    failed: u64,
    /// Skipped.
    skipped: u64,
    /// Failed as expected.
    xfailed: u64,
    /// Passed unexpectedly.
    xpassed: u64,
}

impl From<Counts> for CountsFields {
    fn from(counts: Counts) -> CountsFields {
        let Counts { passed, failed, skipped, xfailed, xpassed } = counts;
        CountsFields { total: counts.total(), passed, failed, skipped, xfailed, xpassed }
    }
}

impl From<CountsFields> for Counts {
    fn from(fields: CountsFields) -> Counts {
        let CountsFields { total: _, passed, failed, skipped, xfailed, xpassed } = fields;
        Counts { passed, failed, skipped, xfailed, xpassed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Outcome; 7] = [
        Outcome::Passed,
        Outcome::Skipped,
        Outcome::XFailed,
        Outcome::XPassed,
        Outcome::Failed,
        Outcome::Timeout,
        Outcome::Crashed,
    ];

    #[test]
    fn the_order_is_that_of_precedence() {
        assert!(ALL.is_sorted_by(|a, b| a < b));
        let failures = ALL.map(Outcome::is_failure);
        assert_eq!(failures, [false, false, false, false, true, true, true]);
        let expected = ALL.map(Outcome::is_expected);
        assert_eq!(expected, [true, true, true, false, false, false, false]);
    }

    #[test]
    fn a_word_is_the_same_in_text_and_in_json() {
        for outcome in ALL {
            let json = serde_json::to_string(&outcome).unwrap();
            assert_eq!(json, format!("\"{outcome}\""));
            assert_eq!(serde_json::from_str::<Outcome>(&json).unwrap(), outcome);
        }
        assert!(serde_json::from_str::<Outcome>("\"Passed\"").is_err());
    }

    #[test]
    fn every_outcome_is_counted_once() {
        let counts: Counts = ALL.into_iter().collect();
        assert_eq!(counts, Counts { passed: 1, failed: 3, skipped: 1, xfailed: 1, xpassed: 1 });
        assert_eq!(counts.total(), 7);
    }

    #[test]
    fn the_worst_outcome_takes_precedence() {
        for outcome in &ALL[..5] {
            let counts: Counts = ALL.into_iter().filter(|other| other <= outcome).collect();
            assert_eq!(counts.outcome(), *outcome);
        }
        assert_eq!(Counts::default().outcome(), Outcome::Passed);
    }

    #[test]
    fn sums_saturate() {
        let most = Counts { passed: u64::MAX, failed: 1, ..Counts::default() };
        let mut sum: Counts = [most, most].into_iter().sum();
        sum.record(Outcome::Passed);
        assert_eq!(sum, Counts { passed: u64::MAX, failed: 2, ..Counts::default() });
        assert_eq!(sum.total(), u64::MAX);
    }

    #[test]
    fn a_total_is_written_but_recomputed_on_reading() {
        let counts = Counts { passed: 2, failed: 1, ..Counts::default() };
        let json = serde_json::to_string(&counts).unwrap();
        assert_eq!(json, r#"{"total":3,"passed":2,"failed":1,"skipped":0,"xfailed":0,"xpassed":0}"#);
        let lie = json.replace("\"total\":3", "\"total\":99");
        assert_eq!(serde_json::from_str::<Counts>(&lie).unwrap(), counts);
        let without = json.replace("\"total\":3,", "");
        assert_eq!(serde_json::from_str::<Counts>(&without).unwrap(), counts);
    }
}
