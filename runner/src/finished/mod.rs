//! The result of a case.

mod guest;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wassay_reports::terminal::Text;
use wassay_reports::{Apart, Aside, Attempt, Case, Counts, Failure, Key, Needs, Note, Outcome};
use wassay_script::source::Place;
use wassay_terms::Features;
use wassay_testsuite::expectation::Origin;

pub use self::guest::GuestResult;
use crate::verdict::{BAD, Render, STRONG, ScriptResult};

/// A case that has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finished {
    /// Its name in messages.
    pub label: String,
    /// Its duration, with reading and parsing.
    pub duration: Duration,
    /// Results of its directives by the features that each depends on, if requested
    /// ([`Settings::uses`]).
    ///
    /// [`Settings::uses`]: crate::settings::Settings::uses
    pub needs: Vec<Needs>,
    /// The features it was judged under, if it got that far.
    pub features: Option<String>,
    /// The key and the position of each directive, if requested ([`Settings::keys`]).
    ///
    /// [`Settings::keys`]: crate::settings::Settings::keys
    pub keys: Vec<(Place, Key)>,
    /// The key of a guest, if requested ([`Settings::keys`]).
    ///
    /// [`Settings::keys`]: crate::settings::Settings::keys
    pub guest: Option<Key>,
    /// A message for each expectation that matches no directive of the script.
    pub unmatched: Vec<String>,
    /// The expectation entries that applied to one of its directives.
    pub used: Vec<Origin>,
    /// Warnings about its header: one line each, with file and line.
    pub warnings: Vec<String>,
    /// Earlier failed attempts.
    pub earlier: Vec<Attempt>,
    /// Whether the run was interrupted while it ran; directives judged until then count.
    pub is_cut_short: bool,
    /// The outcome.
    pub end: End,
}

/// How a case ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum End {
    /// A script; every directive was judged.
    Judged(ScriptResult),
    /// A guest that was run.
    Ran(Box<GuestResult>),
    /// An unusable file: it cannot be read, or its text, header, module or JSON is invalid.
    Unusable {
        /// One line that names the file, and the position if there is one.
        message: String,
        /// That position; a column of 0 means the whole line.
        place: Option<Place>,
    },
    /// The runner panicked or its process ended before the first directive.
    Crashed {
        /// The panic message, or how the process ended.
        message: String,
        /// The number of its directives. None counts as passed.
        directives: usize,
    },
    /// It timed out before the first directive.
    TimedOut {
        /// Which time limit was exceeded.
        message: String,
        /// The number of its directives.
        directives: usize,
    },
    /// It cannot run here; this is not a failure.
    Skipped {
        /// The reason.
        message: String,
        /// The number of its directives.
        directives: usize,
        /// Why the skip says nothing about the engine, if that is the reason.
        apart: Option<Apart>,
    },
    /// It was not started.
    NotRun {
        /// The reason.
        message: String,
        /// The number of its directives.
        directives: usize,
    },
}

impl Finished {
    pub(crate) fn new(label: String, end: End) -> Finished {
        Finished {
            label,
            duration: Duration::ZERO,
            needs: Vec::new(),
            features: None,
            keys: Vec::new(),
            guest: None,
            unmatched: Vec::new(),
            used: Vec::new(),
            warnings: Vec::new(),
            earlier: Vec::new(),
            is_cut_short: false,
            end,
        }
    }

    /// Whether every result was as expected.
    pub fn is_expected(&self) -> bool {
        let is_success = match &self.end {
            End::Judged(result) => result.is_success(),
            End::Ran(result) => result.is_success(),
            End::Skipped { .. } => true,
            _ => false,
        };
        is_success && self.unmatched.is_empty()
    }

    /// Whether it failed in a way that a retry may change: an unparsable file stays unparsable, and
    /// an unexpected pass is not a failure.
    pub(crate) fn has_failed(&self) -> bool {
        match &self.end {
            End::Judged(result) => result.counts().failed > 0,
            End::Ran(result) => !result.is_success(),
            End::Crashed { .. } | End::TimedOut { .. } => true,
            End::Unusable { .. } | End::Skipped { .. } | End::NotRun { .. } => false,
        }
    }

    /// Whether it passed on a retry.
    pub fn is_flaky(&self) -> bool {
        !self.earlier.is_empty() && self.is_expected()
    }

    /// The result as a failed attempt that is retried.
    pub(crate) fn attempt(&self) -> Attempt {
        let Case { outcome, duration, failures, .. } = self.case(&self.label);
        Attempt { outcome, duration, failures }
    }

    /// The number of its directives, as far as it is known.
    pub fn directives(&self) -> usize {
        match &self.end {
            End::Judged(result) => result.directives.len(),
            End::Ran(result) => result.checks,
            End::Unusable { .. } => 0,
            End::Crashed { directives, .. }
            | End::TimedOut { directives, .. }
            | End::Skipped { directives, .. }
            | End::NotRun { directives, .. } => *directives,
        }
    }

    /// The result restricted to directives that begin on a line; the whole result if directives
    /// were not judged one by one.
    pub fn on_line(&self, line: usize) -> Finished {
        let end = match &self.end {
            End::Judged(result) => {
                let directives = result.on_line(line);
                End::Judged(ScriptResult { name: result.name.clone(), directives })
            }
            whole => whole.clone(),
        };
        Finished::new(self.label.clone(), end)
    }

    /// Every unexpected result, as text; empty if there is none.
    pub fn render(&self, colour: bool) -> Text {
        let mut text = Text::new(colour);
        let (word, message) = match &self.end {
            End::Judged(result) => {
                self.push_flaky(&mut text);
                text.append(&result.render(colour));
                self.unmatched.iter().for_each(|message| {
                    text.line(format_args!("{}: {message}", self.label));
                });
                return text;
            }
            End::Ran(result) => {
                self.push_flaky(&mut text);
                text.append(&result.render(colour));
                return text;
            }
            End::Skipped { message, .. } => {
                text.line(format_args!("{}: not run: {message}", self.label));
                return text;
            }
            // The message already names the file.
            End::Unusable { message, .. } => {
                text.line(message);
                return text;
            }
            End::Crashed { message, .. } => ("crashed", message),
            End::TimedOut { message, .. } => ("timeout", message),
            End::NotRun { message, .. } => ("not-run", message),
        };
        text.paint(STRONG, &self.label).put(": ").paint(BAD, word).put(": ").put(message).end();
        text
    }

    /// The case of a report, under this name.
    pub fn case(&self, name: &str) -> Case {
        let case = match &self.end {
            End::Judged(result) => {
                let case = self.with_keys(result.to_case(self.duration), result);
                self.with_unmatched(Case { needs: self.needs.clone(), features: union(&self.needs), ..case })
            }
            End::Ran(result) => result.to_case(self.duration),
            End::Unusable { message, place } => {
                // A report has the file and the position by themselves.
                let begin =
                    place.map_or(format!("{}: ", self.label), |place| format!("{}:{place}: ", self.label));
                let message = message.strip_prefix(&begin).unwrap_or(message);
                self.failed(Outcome::Failed, "unusable", message, *place)
            }
            End::Skipped { message, apart, .. } => return self.skipped(name, message, *apart),
            End::Crashed { message, .. } => self.failed(Outcome::Crashed, "crashed", message, None),
            End::TimedOut { message, .. } => self.failed(Outcome::Timeout, "timeout", message, None),
            End::NotRun { message, .. } => self.failed(Outcome::Failed, "not-run", message, None),
        };
        let (attempts, judged_under) = (self.earlier.clone(), self.features.clone());
        Case { name: name.to_owned(), attempts, judged_under, guest: self.guest, ..case }
    }

    /// The case of a report that failed as a whole.
    fn failed(&self, outcome: Outcome, kind: &str, message: &str, place: Option<Place>) -> Case {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let failure = Failure {
            line: place.map_or(0, |place| number(place.line)),
            column: place.map_or(0, |place| number(place.column)),
            kind: kind.to_owned(),
            message: message.to_owned(),
            ..Failure::default()
        };
        let directives = Counts { failed: self.directives() as u64, ..Counts::default() };
        Case {
            failures: vec![failure],
            keys: self.keys.iter().map(|(_, key)| *key).collect(),
            ..Case::new(String::new(), outcome, self.duration, directives)
        }
    }

    /// Reports a case that passed on a retry.
    fn push_flaky(&self, text: &mut Text) {
        if !self.is_flaky() {
            return;
        }
        for attempt in &self.earlier {
            let first = attempt.failures.first();
            // Failures of guests have no line.
            let place = first.filter(|first| first.line > 0);
            let place = place.map_or_else(String::new, |first| format!(":{}:{}", first.line, first.column));
            let what = first.map_or_else(String::new, |first| format!(": {}: {}", first.kind, first.message));
            text.line(format_args!("{}{place}: flaky{what}", self.label));
        }
        text.line(format_args!("{}: passed on attempt {}", self.label, self.earlier.len() + 1));
    }

    /// The skipped case of a report, with this reason.
    fn skipped(&self, name: &str, reason: &str, apart: Option<Apart>) -> Case {
        let reason = match apart {
            Some(apart) => format!("{}: {reason}", apart.word()),
            None => reason.to_owned(),
        };
        let note = Note { apart, ..Note::new(Outcome::Skipped, reason) };
        let mut aside = Aside::default();
        apart.into_iter().for_each(|apart| (0..self.directives()).for_each(|_| aside.record(apart)));
        let directives = Counts { skipped: self.directives() as u64, ..Counts::default() };
        let case = Case::new(name.to_owned(), Outcome::Skipped, self.duration, directives);
        Case { notes: vec![note], aside, ..case }
    }

    /// The case with its unmatched expectations, which fail it.
    fn with_unmatched(&self, mut case: Case) -> Case {
        for message in &self.unmatched {
            let (kind, message) = ("no-such-directive".to_owned(), message.clone());
            case.failures.push(Failure { kind, message, ..Failure::default() });
            case.outcome = case.outcome.max(Outcome::Failed);
        }
        case
    }

    /// The case with the keys of its judged directives.
    fn with_keys(&self, case: Case, result: &ScriptResult) -> Case {
        if self.keys.is_empty() {
            return case;
        }
        let key = |place: Place| {
            let at = self.keys.binary_search_by_key(&place, |(place, _)| *place).ok()?;
            self.keys.get(at).map(|(_, key)| *key)
        };
        let of = |line: u32, column: u32| key(Place { line: line as usize, column: column as usize });
        Case {
            failures: case.failures.into_iter().map(|f| Failure { key: of(f.line, f.column), ..f }).collect(),
            notes: case.notes.into_iter().map(|n| Note { key: of(n.line, n.column), ..n }).collect(),
            keys: result.directives.iter().filter_map(|directive| key(directive.place)).collect(),
            ..case
        }
    }
}

/// All features that some directive depends on.
pub(crate) fn union(needs: &[Needs]) -> Vec<String> {
    let is_needed = |name: &&str| needs.iter().any(|group| group.features.iter().any(|known| known == name));
    Features::names().filter(is_needed).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Directives;
    use wassay_script::keys;
    use wassay_script::source::Source;
    use wassay_script::{Options, parse, run};

    fn finished(end: End) -> Finished {
        Finished::new("d/a.wast".to_owned(), end)
    }

    #[test]
    fn a_crash_fails_every_directive_and_has_its_own_kind() {
        let crashed = finished(End::Crashed { message: "index out of bounds".into(), directives: 7 });
        let case = crashed.case("a.wast");
        assert_eq!((case.name.as_str(), case.outcome), ("a.wast", Outcome::Crashed));
        assert_eq!(case.directives, Counts { failed: 7, ..Counts::default() });
        assert_eq!((case.failures[0].kind.as_str(), case.failures[0].line), ("crashed", 0));
        assert_eq!(crashed.render(false), "d/a.wast: crashed: index out of bounds\n");
        assert!(crashed.render(true).contains("\u{1b}[31m") && !crashed.is_expected());
    }

    #[test]
    fn what_is_no_script_fails_with_its_place() {
        let place = Place { line: 3, column: 9 };
        let message = "d/a.wast:3:9: `(` is never closed".to_owned();
        let unusable = finished(End::Unusable { message: message.clone(), place: Some(place) });
        assert_eq!(unusable.render(true), format!("{message}\n"));
        let case = unusable.case("a.wast");
        assert_eq!((case.outcome, case.directives), (Outcome::Failed, Counts::default()));
        assert_eq!((case.failures[0].line, case.failures[0].column), (3, 9));
        assert_eq!(case.failures[0].message, "`(` is never closed");
        assert!(!unusable.is_expected());
    }

    #[test]
    fn a_script_that_was_not_begun_keeps_its_directives_in_the_total() {
        let not_run = finished(End::NotRun { message: "an earlier script failed".into(), directives: 4 });
        assert_eq!(not_run.case("a.wast").directives.total(), 4);
        assert_eq!((not_run.case("a.wast").outcome, not_run.is_expected()), (Outcome::Failed, false));
    }

    #[test]
    fn failures_and_cases_have_keys() {
        let text = "(module)\n(invoke \"f\") (invoke \"g\")\n(invoke \"h\")";
        let script = parse(Source::new("a.wast", text)).unwrap();
        let keys = keys::of(&script);
        let options = Options { lines: Some("2".parse().unwrap()), ..Options::default() };
        let result = run(&script, &options, &mut crate::batch::embedder());
        let case = Finished { keys: keys.clone(), ..finished(End::Judged(result)) }.case("a.wast");
        // Two were to be judged, and both failed.
        let expected = [keys[1].1, keys[2].1];
        assert_eq!(case.keys, expected);
        assert_eq!(case.failures.iter().map(|failure| failure.key.unwrap()).collect::<Vec<_>>(), expected);
        let crashed = finished(End::Crashed { message: "why".into(), directives: 4 });
        let case = Finished { keys: keys.clone(), ..crashed }.case("a.wast");
        assert_eq!((case.keys.len(), case.failures[0].key), (4, None));
    }

    #[test]
    fn a_script_without_a_directive_is_as_expected() {
        let result = ScriptResult { name: "d/a.wast".into(), directives: Directives::default() };
        let needs = vec![Needs { features: vec!["simd".to_owned()], ..Needs::default() }];
        let empty = Finished { needs, ..finished(End::Judged(result)) };
        assert!(empty.is_expected() && empty.render(false).is_empty());
        let case = empty.case("a.wast");
        assert_eq!((case.name.as_str(), case.features), ("a.wast", vec!["simd".to_owned()]));
    }
}
