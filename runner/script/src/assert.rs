//! Judges assertions.

use super::embed::{EmbedError, Embedder, ErrorKind, Results};
use super::matching::match_results;
use super::messages::{Comparison, MatchKind, Written, compare};
use super::model::{Action, Definition, Instantiation};
use super::run::{Interpreter, missed};
use super::value::{Pattern, Value};
use crate::verdict::{Failure, FailureKind};

/// How completely a passing directive was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Judged {
    /// Completely.
    Fully,
    /// By the kind of an error only; its text is not in the table.
    ByKindAlone,
    /// By an error whose kind the engine does not distinguish from others.
    Coarsely,
}

impl<E: Embedder> Interpreter<'_, '_, '_, E> {
    pub(super) fn assert_return(&mut self, action: &Action, patterns: &[Pattern]) -> Result<Judged, Failure> {
        let results = match self.act(action)? {
            Ok(results) => results,
            Err(error) => return Err(not_returned(&error, patterns)),
        };
        match_results(&results, patterns).map(|()| Judged::Fully).map_err(|mismatch| {
            let failure = Failure::new(FailureKind::Mismatch(mismatch.kind), mismatch.message);
            failure.with(patterns_written(patterns), results_written(&results, patterns))
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
        let coarse =
            error.kind == ErrorKind::Refused && matches!(expected, ErrorKind::Malformed | ErrorKind::Invalid);
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

/// The failure if results were expected but the call ended with an error.
pub(super) fn not_returned(error: &EmbedError, patterns: &[Pattern]) -> Failure {
    let failure = Failure::new(FailureKind::Unexpected(error.kind), "expected the call to return");
    failure.with(patterns_written(patterns), error.to_string()).left_by(error)
}

/// The failure for an error of another kind.
pub(super) fn instead(error: &EmbedError, expected: ErrorKind, text: Option<&str>) -> Failure {
    let kind = FailureKind::Instead { actual: error.kind, expected };
    let message = format!("expected {}, got {}", expected.name(), error.kind.name());
    Failure::new(kind, message).with(wanted(expected, text), error.to_string()).left_by(error)
}

/// The failure for an error of the right kind with another text.
pub(super) fn wrong_text(error: &EmbedError, text: &str, match_kind: MatchKind) -> Failure {
    let message = format!("the text of the error does not match (--match {match_kind})");
    let failure = Failure::new(FailureKind::WrongText, message);
    failure.with(wanted(error.kind, Some(text)), error.to_string()).left_by(error)
}

/// Formats results for messages; vectors in the shapes of the corresponding patterns.
pub(super) fn results_written(results: &Results, patterns: &[Pattern]) -> String {
    let written =
        |(index, value): (usize, &Value)| value.in_shape(patterns.get(index).and_then(Pattern::shape));
    list_written(results.iter().enumerate().map(written))
}

pub(super) fn patterns_written(patterns: &[Pattern]) -> String {
    list_written(patterns.iter().map(Pattern::to_string))
}

pub(super) fn list_written(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "no result".to_owned() } else { items.join("; ") }
}

/// Formats the error that an assertion expects.
fn wanted(kind: ErrorKind, text: Option<&str>) -> String {
    text.map_or_else(|| kind.name().to_owned(), |text| format!("{}: {text}", kind.name()))
}

pub(super) fn accepted(kind: ErrorKind, text: &str, message: &str) -> Failure {
    Failure::new(FailureKind::Missed(kind), message).with(wanted(kind, Some(text)), "no error")
}
