//! Losses of coverage: they are not failures, but could hide some.

use serde::Serialize;

use crate::model::{Case, MatchKind, Report, Suite};
use crate::outcome::{Counts, Outcome};
use crate::shards::Shards;
use crate::terminal::printable;
use crate::text::plural;

/// A way in which the new report judges less than the old one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Less {
    /// No case of the new report ran.
    Nothing,
    /// The new report covers only a part of a run, or another part than the old one.
    Incomplete {
        /// A description of what is missing.
        why: String,
    },
    /// Error texts are compared less strictly.
    Match {
        /// The old comparison.
        before: MatchKind,
        /// The new comparison.
        after: MatchKind,
    },
    /// A suite was removed.
    Suite {
        /// The suite.
        suite: String,
        /// The outcomes of its cases.
        cases: Counts,
    },
    /// A case was removed.
    Case {
        /// The suite.
        suite: String,
        /// The case.
        case: String,
        /// The outcomes of its directives.
        directives: Counts,
    },
    /// Fewer directives of a case are judged.
    Directives {
        /// The suite.
        suite: String,
        /// The case.
        case: String,
        /// The old number.
        before: u64,
        /// The new number.
        after: u64,
    },
}

impl Less {
    /// Describes it in a line.
    pub(crate) fn describe(&self) -> String {
        let line = match self {
            Less::Nothing => "no case of the new report ran".to_owned(),
            Less::Incomplete { why } => format!("the new report is incomplete: {why}"),
            Less::Match { before, after } => {
                format!(
                    "error texts are compared with --match {}, before with {}",
                    after.word(),
                    before.word()
                )
            }
            Less::Suite { suite, cases } => {
                format!("the suite {suite} was removed: {}", plural(cases.total(), "case"))
            }
            Less::Case { suite, case, directives } => {
                format!("{suite}::{case} was removed: {}", plural(directives.total(), "directive"))
            }
            Less::Directives { suite, case, before, after } => {
                format!("{suite}::{case} has {} to judge, before {before}", plural(*after, "directive"))
            }
        };
        printable(&line).into_owned()
    }
}

/// The losses of the report as a whole.
pub(super) fn of_reports(old: &Report, new: &Report) -> Vec<Less> {
    let mut less = Vec::new();
    // A shard may be empty.
    let empty_shard = new.shards.is_some() && new.totals().cases.total() == 0;
    if new.is_unjudged() && !empty_shard {
        less.push(Less::Nothing);
    }
    let numbers = |report: &Report| {
        report.shards.as_ref().map(|Shards { numbers, count, .. }| (numbers.clone(), *count))
    };
    if let Some(why) = new.incomplete().filter(|_| new.interrupted || numbers(old) != numbers(new)) {
        less.push(Less::Incomplete { why });
    }
    if let (Some(before), Some(after)) = (old.match_kind, new.match_kind)
        && after < before
    {
        less.push(Less::Match { before, after });
    }
    less
}

/// The loss of a removed suite, if any of it was judged.
pub(super) fn suite_gone(suite: &Suite) -> Option<Less> {
    let (name, cases) = (suite.name.clone(), suite.outcomes());
    (cases.total() > cases.skipped).then_some(Less::Suite { suite: name, cases })
}

/// The loss of a removed case, if it was judged.
pub(super) fn case_gone(suite: &Suite, case: &Case) -> Option<Less> {
    let gone = Less::Case { suite: suite.name.clone(), case: case.name.clone(), directives: case.directives };
    (case.outcome != Outcome::Skipped || judged(case) > 0).then_some(gone)
}

/// The loss of directives of a case, unless they are listed individually, as skipped ones are.
pub(super) fn directives(suite: &Suite, old: &Case, new: &Case) -> Option<Less> {
    let by_directive = !old.keys.is_empty() && !new.keys.is_empty();
    let count = |case: &Case| if by_directive { case.directives.total() } else { judged(case) };
    let (before, after) = (count(old), count(new));
    // A case that is skipped as a whole now is listed as that.
    let skipped = new.outcome == Outcome::Skipped && !by_directive;
    (after < before && !skipped).then(|| Less::Directives {
        suite: suite.name.clone(),
        case: new.name.clone(),
        before,
        after,
    })
}

fn judged(case: &Case) -> u64 {
    case.directives.total().saturating_sub(case.directives.skipped)
}
