//! A case that is to be run, and what it is called.

use wassay_reports::terminal::printable;
use wassay_testsuite::expectation::Expectation;
use wassay_testsuite::{Case, Suite};

/// Reasons for cases that did not run, or not to their end.
pub(super) const NOT_BEGUN: &str = "an earlier case failed";
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

    /// The expectations for its directives.
    pub(super) fn expectations(&self) -> &[Expectation] {
        self.case.script().map_or(&[], |script| script.expectations())
    }
}

/// The name of a case in messages: its path if it has one, else its [full name](full_name). For a
/// guest with a variant, the variant is added.
pub fn label(suite: &Suite, case: &Case) -> String {
    let Some(path) = case.path() else {
        let given = case.script().filter(|script| script.is_given());
        return given.map_or_else(|| full_name(suite, case), |script| printable(script.name()).into_owned());
    };
    let variant = case.variant().map(|variant| format!("@{}", variant.name())).unwrap_or_default();
    printable(&format!("{}{variant}", path.display())).into_owned()
}

/// The full name of a case: `suite::script.wast`.
pub fn full_name(suite: &Suite, case: &Case) -> String {
    format!("{}::{}", suite.name(), case.name())
}
