//! Progress of a script, for results when it ends before its last directive.

use std::borrow::Cow;
use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use wassay_script::Position;
use wassay_script::model::Directive;
use wassay_script::reading::Reading;
use wassay_script::source::Place;
use wassay_script::{LineRange, Observer};

use crate::verdict::{DirectiveResult, Directives, Failure, FailureKind, LISTED, Outcome, ScriptResult};

/// The progress of a script.
#[derive(Debug, Default)]
pub(super) struct ScriptProgress {
    /// The results that are not plain passes: all of them, unless `is_partial`.
    pub(super) judged: Vec<DirectiveResult>,
    /// Whether more directives failed than are recorded.
    pub(super) is_partial: bool,
    /// The number of recorded results that are failures.
    pub(super) failed: usize,
    /// The position of the last directive that was started.
    pub(super) begun: Option<Place>,
}

/// Records the progress of a script, and forwards it to another observer.
#[derive(Debug, Default)]
pub(super) struct Noted {
    progress: Mutex<ScriptProgress>,
    told: Option<Arc<dyn Observer>>,
}

impl Noted {
    pub(super) fn new(told: Option<Arc<dyn Observer>>) -> Noted {
        Noted { progress: Mutex::default(), told }
    }

    /// Takes what was recorded since the last call.
    pub(super) fn take(&self) -> ScriptProgress {
        mem::take(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Noted {
    fn begins(&self, place: Place) {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).begun = Some(place);
        if let Some(told) = &self.told {
            told.begins(place);
        }
    }

    fn judged(&self, result: &DirectiveResult) {
        if !is_plain(result) {
            self.progress.lock().unwrap_or_else(PoisonError::into_inner).note(Cow::Borrowed(result));
        }
        if let Some(told) = &self.told {
            told.judged(result);
        }
    }

    fn ended(&self) {
        if let Some(told) = &self.told {
            told.ended();
        }
    }
}

/// Whether a directive passed without any remark.
pub(super) fn is_plain(result: &DirectiveResult) -> bool {
    matches!(result.outcome, Outcome::Passed)
        && !result.text_not_compared
        && !result.reader_only
        && !result.coarse
}

impl ScriptProgress {
    /// Records a result that is not a plain pass, up to the limit of listed failures.
    pub(super) fn note(&mut self, result: Cow<'_, DirectiveResult>) {
        if !matches!(result.outcome, Outcome::Passed) {
            if self.failed == LISTED {
                self.is_partial = true;
                return;
            }
            self.failed += 1;
        }
        self.judged.push(result.into_owned());
    }

    /// The result of a script that ended in the directive that was started last, such as by a
    /// crash: earlier directives keep their results, later ones fail as not run, for this reason.
    /// `None` if no directive was started, none is at that position, or more failed than are
    /// recorded.
    pub(super) fn ended_by(
        self,
        failure: &Failure,
        not_run: &str,
        reading: &Reading<'_, '_>,
        lines: Option<&LineRange>,
    ) -> Option<ScriptResult> {
        let begun = self.begun.filter(|_| !self.is_partial)?;
        let mut judged: HashMap<Place, DirectiveResult> =
            self.judged.into_iter().map(|result| (result.place, result)).collect();
        let source = reading.source();
        let mut is_found = false;
        let mut of = |directive: &Directive| {
            let place = source.place(directive.span.start);
            let result = |outcome: Outcome| {
                let keyword = directive.command.keyword().into();
                DirectiveResult {
                    place,
                    keyword,
                    outcome,
                    text_not_compared: false,
                    reader_only: false,
                    coarse: false,
                }
            };
            let failed = |failure: Failure| {
                let source = source.slice(&directive.span).to_owned();
                result(Outcome::Failed(Box::new(Failure { source: source.into(), ..failure })))
            };
            if place == begun {
                is_found = true;
                return Some(failed(failure.clone()));
            }
            if lines.is_some_and(|lines| lines.position(source, &directive.span) != Position::Within) {
                return None;
            }
            Some(match judged.remove(&place) {
                Some(judged) => judged,
                None if place < begun => result(Outcome::Passed),
                None => failed(Failure::new(FailureKind::NotRun, not_run)),
            })
        };
        let mut directives = Directives::default();
        for part in reading.parts() {
            part.iter().filter_map(&mut of).for_each(|directive| directives.push(directive));
        }
        // A process with corrupted memory may have stored any position.
        is_found.then(|| ScriptResult { name: source.name().to_owned(), directives })
    }
}
