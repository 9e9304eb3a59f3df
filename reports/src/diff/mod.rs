//! Compares two reports: separates changes of the engine from changes of the suites.
//!
//! Suites and cases are matched by name, directives by [key](crate::Key): a directive that moved to
//! another line, or a script that was renamed, counts as unchanged. What only one of the reports
//! has is [drift](Drift) of the suites, not a change of the engine. Failures in it are listed as
//! [new failures](Diff::new_failures), and losses of coverage are [listed](Less) too: both make the
//! comparison fail.

mod compare;
mod less;
mod model;
mod text;

pub use self::compare::compare;
pub use self::less::Less;
pub use self::model::{CaseDrift, Change, Diff, Drift, Run, Slower, State, SuiteDrift, Verdict, What};
pub use self::text::render as text;
pub(crate) use self::text::{case_drift, notes, state, suite_drift, verdict, was};
