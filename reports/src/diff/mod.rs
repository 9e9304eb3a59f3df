//! What changed from one report to the next: what the engine does otherwise, apart from what the
//! suites ask otherwise.
//!
//! Suites and cases are matched by their names, directives by their [keys](crate::Key): a directive
//! that moved to another line, or a script that was renamed, is the same as before. What only one
//! of the reports has is [drift](Drift) of the suites and no change of the engine; what fails of it
//! is told as [new failures](Diff::new_failures), and where less is judged than before that is
//! [told](Less) too: neither is a comparison in which all is well.

mod compare;
mod less;
mod model;
mod text;

pub use self::compare::compare;
pub use self::less::Less;
pub use self::model::{CaseDrift, Change, Diff, Drift, Run, Slower, State, SuiteDrift, Verdict, What};
pub use self::text::render as text;
pub(crate) use self::text::{case_drift, notes, state, suite_drift, verdict, was};
