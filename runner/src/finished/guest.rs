//! The result of a guest.

use std::borrow::Cow;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde::{Deserialize, Serialize};
use wassay_reports::terminal::Text;
use wassay_reports::{Case, Counts, Failure, Note, Outcome};
use wassay_testsuite::expectation::{Expectation, Expected, Origin};

use crate::verdict::{BAD, FAINT, STRONG};

/// The maximum number of characters of a call to show.
const SHOWN: usize = 200;

/// The result of a guest.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GuestResult {
    /// Its name in messages.
    pub name: String,
    /// The number of steps to judge.
    pub checks: usize,
    /// The failures, at most one per step, including steps that were not reached.
    pub failures: Vec<Failure>,
    /// Whether it timed out.
    pub timed_out: bool,
    /// Why it is expected to fail, if it is.
    pub to_fail: Option<String>,
}

/// The kind of failure of a step that was not reached.
const NOT_RUN: &str = "not-run";
/// The kinds of failures that end a guest before it is judged.
const ENDS: [&str; 2] = ["timeout", "crashed"];

impl GuestResult {
    /// The result of a guest whose process crashed, with this number of steps.
    pub(crate) fn crashed(name: &str, message: &str, checks: usize) -> GuestResult {
        let (kind, message) = ("crashed".to_owned(), message.to_owned());
        let failures = vec![Failure { kind, message, ..Failure::default() }];
        GuestResult { name: name.to_owned(), checks, failures, ..GuestResult::default() }
    }

    /// The result of a guest whose process did not end in time, with this number of steps.
    pub(crate) fn timed_out(name: &str, message: &str, checks: usize) -> GuestResult {
        let (kind, message) = ("timeout".to_owned(), message.to_owned());
        let failures = vec![Failure { kind, message, ..Failure::default() }];
        GuestResult { name: name.to_owned(), checks, failures, timed_out: true, to_fail: None }
    }

    /// The result under what is expected, and the entries that cover one of its failures. The guest
    /// fails as expected if each of its failures is covered.
    pub(crate) fn under(mut self, expected: &[Expectation]) -> (GuestResult, Vec<Origin>) {
        let covering = |failure| covering(failure, expected);
        let mut used: Vec<Origin> =
            self.reached().filter_map(covering).map(|entry| entry.origin.clone()).collect();
        used.sort_unstable();
        used.dedup();
        let is_covered = self.reached().all(|failure| covering(failure).is_some());
        let reason = self.reached().find_map(covering).map(|entry| entry.reason.clone());
        if is_covered {
            self.to_fail = self.to_fail.or(reason);
        }
        (self, used)
    }

    /// The failures that no expectation covers, without those that ended the guest.
    pub(crate) fn uncovered<'a>(&'a self, expected: &'a [Expectation]) -> impl Iterator<Item = &'a Failure> {
        let is_end = |failure: &Failure| ENDS.contains(&failure.kind.as_str());
        self.reached().filter(move |failure| !is_end(failure) && covering(failure, expected).is_none())
    }

    /// The failures that ended the guest.
    pub(crate) fn ends(&self) -> impl Iterator<Item = &Failure> {
        self.failures.iter().filter(|failure| ENDS.contains(&failure.kind.as_str()))
    }

    /// The failures of steps that were reached.
    fn reached(&self) -> impl Iterator<Item = &Failure> {
        self.failures.iter().filter(|failure| failure.kind != NOT_RUN)
    }

    /// Whether everything was as expected.
    pub fn is_success(&self) -> bool {
        self.failures.is_empty() != self.to_fail.is_some()
    }

    /// Converts the result to a case of a report.
    pub fn to_case(&self, duration: Duration) -> Case {
        let failed = self.failures.len().min(self.checks);
        let (passed, failed) = ((self.checks - failed) as u64, failed as u64);
        let outcome = match (self.failures.is_empty(), self.timed_out, &self.to_fail) {
            (true, _, Some(_)) => Outcome::XPassed,
            (true, _, None) => Outcome::Passed,
            (false, _, Some(_)) => Outcome::XFailed,
            (false, true, None) => Outcome::Timeout,
            (false, false, None) => Outcome::Failed,
        };
        let directives = match outcome {
            Outcome::XPassed => Counts { xpassed: passed, ..Counts::default() },
            Outcome::XFailed => Counts { passed, xfailed: failed, ..Counts::default() },
            _ => Counts { passed, failed, ..Counts::default() },
        };
        let case = Case::new(self.name.clone(), outcome, duration, directives);
        let Some(reason) = self.to_fail.clone() else {
            return Case { failures: self.failures.clone(), ..case };
        };
        let note = Note::new(outcome, reason);
        let first = self.reached().next().or(self.failures.first()).cloned();
        let note = match first {
            Some(failure) => note.with_failure(failure),
            None => note,
        };
        Case { notes: vec![note], ..case }
    }

    /// Renders the unexpected results as text; empty if there are none.
    pub fn render(&self, colour: bool) -> Text {
        let mut text = Text::new(colour);
        if let Some(reason) = &self.to_fail {
            if self.failures.is_empty() {
                text.paint(STRONG, &self.name).put(": ").paint(BAD, "unexpected-pass");
                text.put(": passed, but was expected to fail: ").put(reason).end();
            } else {
                text.paint(STRONG, &self.name).put(": failed as expected: ").put(reason).end();
            }
            return text;
        }
        self.failures.iter().for_each(|failure| self.push(failure, &mut text));
        text
    }

    fn push(&self, failure: &Failure, text: &mut Text) {
        text.paint(STRONG, &self.name).put(": ").paint(BAD, &failure.kind);
        text.put(": ").put(&failure.message).end();
        for (label, value) in [("expected", &failure.expected), ("actual  ", &failure.actual)] {
            if let Some(value) = value.as_ref().filter(|_| failure.diff.is_none()) {
                let (first, rest) = value.split_once('\n').unwrap_or((value, ""));
                text.put("  ").paint(STRONG, label).put(" ").put(first).end();
                text.block("           ", rest, |_| Style::new());
            }
        }
        text.block("    ", failure.diff.as_deref().unwrap_or_default(), colour_of);
        if !failure.calls.is_empty() {
            text.put("  ").paint(STRONG, "last calls").end();
        }
        for call in &failure.calls {
            text.put("    ").paint(FAINT, shortened(call)).end();
        }
    }
}

/// The first expectation that covers a failure of a guest.
fn covering<'a>(failure: &Failure, expected: &'a [Expectation]) -> Option<&'a Expectation> {
    let is_end = ENDS.contains(&failure.kind.as_str());
    let mut to_fail = expected.iter().filter(|expectation| expectation.outcome == Expected::Xfail);
    to_fail.find(|expectation| expectation.covers(&failure.kind, is_end))
}

/// The style of a line of a unified diff.
fn colour_of(line: &str) -> Style {
    match line.bytes().next() {
        Some(b'-') => AnsiColor::Red.on_default(),
        Some(b'+') => AnsiColor::Green.on_default(),
        Some(b'@') => AnsiColor::Cyan.on_default(),
        _ => Style::new(),
    }
}

/// Shortens a line.
fn shortened(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)).into(),
        None => line.into(),
    }
}
