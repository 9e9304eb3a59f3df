//! What is judged less than before: none of it is a failure by itself, and all of it could hide
//! one.

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
    /// The new report has no case that was run.
    Nothing,
    /// The new report is not of a whole run, or of another part than the old one.
    Incomplete {
        /// What it lacks, in words.
        why: String,
    },
    /// The texts of errors are compared less strictly.
    Match {
        /// How they were compared.
        before: MatchKind,
        /// How they are compared.
        after: MatchKind,
    },
    /// A suite is gone.
    Suite {
        /// The suite.
        suite: String,
        /// How its cases ended.
        cases: Counts,
    },
    /// A case is gone.
    Case {
        /// The suite.
        suite: String,
        /// The case.
        case: String,
        /// How its directives ended.
        directives: Counts,
    },
    /// A case has fewer directives that are judged.
    Directives {
        /// The suite.
        suite: String,
        /// The case.
        case: String,
        /// How many were judged.
        before: u64,
        /// How many are judged.
        after: u64,
    },
}

impl Less {
    /// The same in a line.
    pub(crate) fn describe(&self) -> String {
        let line = match self {
            Less::Nothing => "no case of the new report was run".to_owned(),
            Less::Incomplete { why } => format!("the new report is incomplete: {why}"),
            Less::Match { before, after } => {
                format!("error texts are compared by --match {}, were by {}", after.word(), before.word())
            }
            Less::Suite { suite, cases } => {
                format!("the suite {suite} is gone: {}", plural(cases.total(), "case"))
            }
            Less::Case { suite, case, directives } => {
                format!("{suite}::{case} is gone: {}", plural(directives.total(), "directive"))
            }
            Less::Directives { suite, case, before, after } => {
                format!("{suite}::{case} has {} to judge, had {before}", plural(*after, "directive"))
            }
        };
        printable(&line).into_owned()
    }
}

/// What of the new report as a whole is less.
pub(super) fn of_reports(old: &Report, new: &Report) -> Vec<Less> {
    let mut less = Vec::new();
    // A run may have more shards than cases.
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

/// A suite that is gone, where it had something that was judged.
pub(super) fn suite_gone(suite: &Suite) -> Option<Less> {
    let (name, cases) = (suite.name.clone(), suite.outcomes());
    (cases.total() > cases.skipped).then_some(Less::Suite { suite: name, cases })
}

/// A case that is gone, where it was judged.
pub(super) fn case_gone(suite: &Suite, case: &Case) -> Option<Less> {
    let gone = Less::Case { suite: suite.name.clone(), case: case.name.clone(), directives: case.directives };
    (case.outcome != Outcome::Skipped || judged(case) > 0).then_some(gone)
}

/// A case that has fewer directives to judge, where that is not told of single directives: skipped
/// ones are.
pub(super) fn directives(suite: &Suite, old: &Case, new: &Case) -> Option<Less> {
    let by_directive = !old.keys.is_empty() && !new.keys.is_empty();
    let count = |case: &Case| if by_directive { case.directives.total() } else { judged(case) };
    let (before, after) = (count(old), count(new));
    // A case that became skipped as a whole is told as that.
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
