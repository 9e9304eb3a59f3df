//! A case that is to be run, and what it is called.

use wassay_reports::terminal::printable;
use wassay_testsuite::expectation::Expectation;
use wassay_testsuite::{Case, Suite};

/// Why a case was not run: it was not begun after one that failed, or the run was interrupted.
pub(super) const NOT_BEGUN: &str = "a case before it failed";
pub(super) const NOT_REACHED: &str = "the run was interrupted before it";
pub(super) const CUT_SHORT: &str = "the run was interrupted while it ran";

/// A case to run.
#[derive(Clone, Debug)]
pub struct Task {
    /// What messages call it.
    pub(super) label: String,
    /// The name of its suite.
    pub(super) suite: String,
    pub(super) case: Case,
}

impl Task {
    /// A case of a suite.
    pub fn new(suite: &Suite, case: &Case) -> Task {
        Task { label: label(suite, case), suite: suite.name().to_owned(), case: case.clone() }
    }

    /// What is expected of its directives.
    pub(super) fn expectations(&self) -> &[Expectation] {
        self.case.script().map_or(&[], |script| script.expectations())
    }
}

/// What messages call a case: its path where it has one, else its [name among all](full_name). A
/// guest that is run as a variant says so.
pub fn label(suite: &Suite, case: &Case) -> String {
    let Some(path) = case.path() else {
        let given = case.script().filter(|script| script.is_given());
        return given.map_or_else(|| full_name(suite, case), |script| printable(script.name()).into_owned());
    };
    let variant = case.variant().map(|variant| format!("@{}", variant.name())).unwrap_or_default();
    printable(&format!("{}{variant}", path.display())).into_owned()
}

/// The name of a case among those of all suites: `suite::script.wast`.
pub fn full_name(suite: &Suite, case: &Case) -> String {
    format!("{}::{}", suite.name(), case.name())
}
