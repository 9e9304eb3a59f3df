//! Judges assertions.

use super::judged::Judged;
use super::run::Interpreter;
use crate::embed::{EmbedError, Embedder, ErrorKind};
use crate::failures::{
    accepted, instead, missed, not_returned, patterns_written, results_written, wrong_text,
};
use crate::matching::match_results;
use crate::messages::{Comparison, MatchKind, Written, compare};
use crate::model::{Action, Definition, Instantiation};
use crate::value::Pattern;
use crate::verdict::{Failure, FailureKind};

/// Whether an exhausted call stack was expected by `assert_trap` and its text. In the specification
/// it is another kind of failure than a trap, but some engines and their scripts do not distinguish
/// them.
fn is_exhaustion_as_trap(error: &EmbedError, expected: ErrorKind, text: Option<&str>) -> bool {
    let is_same = |text: &str| compare(MatchKind::Prefix, text, error, Written::Binary) == Comparison::Same;
    expected == ErrorKind::Trap && error.kind == ErrorKind::Exhaustion && text.is_some_and(is_same)
}

impl<E: Embedder> Interpreter<'_, '_, '_, E> {
    pub(super) fn assert_return(&mut self, action: &Action, patterns: &[Pattern]) -> Result<Judged, Failure> {
        let results = match self.act(action)? {
            Ok(results) => results,
            Err(error) => return Err(not_returned(&error, patterns)),
        };
        match_results(&results, patterns).map(|()| Judged::Fully).map_err(|mismatch| {
            let failure = Failure::new(FailureKind::Mismatch(mismatch.kind), mismatch.message);
            let failure = failure.with(patterns_written(patterns), results_written(&results, patterns));
            failure.of_results(results.iter().copied().map(Some))
        })
    }

    /// The action must end with an error of this kind, and with this text if given.
    pub(super) fn assert_failing(
        &mut self,
        action: &Action,
        kind: ErrorKind,
        text: Option<&str>,
    ) -> Result<Judged, Failure> {
        match self.act(action)? {
            Ok(results) => Err(missed(kind, &results)),
            Err(error) => self.assert_error(&error, kind, text),
        }
    }

    pub(super) fn assert_not_instantiable(
        &mut self,
        instantiation: &Instantiation,
        kind: ErrorKind,
        text: &str,
    ) -> Result<Judged, Failure> {
        let instance =
            self.instantiable(instantiation)?.and_then(|module| self.embedder.instantiate(&module));
        match instance {
            Ok(_) => Err(accepted(kind, text, "the module was instantiated")),
            Err(error) => {
                self.assert_error(&error, kind, Some(text)).map_err(|failure| match instantiation {
                    Instantiation::Module(definition) => self.with_hint(failure, definition, error.kind),
                    Instantiation::Defined(_) => failure,
                })
            }
        }
    }

    /// The module must not decode or parse (core spec, sections 5 and 6).
    pub(super) fn assert_malformed(&mut self, module: &Definition, text: &str) -> Result<Judged, Failure> {
        match self.compile(module) {
            Ok(_) => Err(accepted(ErrorKind::Malformed, text, "the module was accepted")),
            Err(error) => {
                self.assert_error_of(&error, ErrorKind::Malformed, Some(text), module.form.written())
            }
        }
    }

    /// The module must decode and parse, and not validate (core spec, section 3).
    pub(super) fn assert_invalid(&mut self, module: &Definition, text: &str) -> Result<Judged, Failure> {
        match self.compile(module) {
            Ok(_) => Err(accepted(ErrorKind::Invalid, text, "the module was accepted")),
            Err(error) => self.assert_error(&error, ErrorKind::Invalid, Some(text)),
        }
    }

    pub(super) fn assert_error(
        &self,
        error: &EmbedError,
        expected: ErrorKind,
        text: Option<&str>,
    ) -> Result<Judged, Failure> {
        self.assert_error_of(error, expected, text, Written::Binary)
    }

    fn assert_error_of(
        &self,
        error: &EmbedError,
        expected: ErrorKind,
        text: Option<&str>,
        written: Written,
    ) -> Result<Judged, Failure> {
        let refused =
            error.kind == ErrorKind::Refused && matches!(expected, ErrorKind::Malformed | ErrorKind::Invalid);
        let coarse = refused || is_exhaustion_as_trap(error, expected, text);
        if error.kind != expected && !coarse {
            return Err(instead(error, expected, text));
        }
        let judged = text.map_or(Ok(Judged::Fully), |text| self.assert_text(error, text, written))?;
        Ok(if coarse { Judged::Coarsely } else { judged })
    }

    fn assert_text(&self, error: &EmbedError, text: &str, written: Written) -> Result<Judged, Failure> {
        // The engine does not use the texts of scripts.
        if self.options.match_kind == MatchKind::Class && !E::HAS_TEXTS {
            return Ok(Judged::ByKindAlone);
        }
        match compare(self.options.match_kind, text, error, written) {
            Comparison::Same => Ok(Judged::Fully),
            Comparison::NotCompared => Ok(Judged::ByKindAlone),
            Comparison::Different => Err(wrong_text(error, text, self.options.match_kind)),
        }
    }
}
