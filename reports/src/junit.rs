//! Renders the report as JUnit XML for CI servers: one test suite per suite, one test case per
//! script.
//!
//! A script has one verdict, with all its failures in the text. Expected failures are skipped cases
//! with their reason, and so are scripts with directives that were set aside, since JUnit has
//! nothing between passed and failed; a crash is an error. Properties have the number of directives
//! that were set aside, by kind.

use std::fmt::Write as _;

use chrono::DateTime;
use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestRerun, TestSuite, XmlString};

use crate::apart::groups;
use crate::aside::{Apart, Aside};
use crate::describe::headline;
use crate::model::{Attempt, Case, Failure, Note, Report, Suite};
use crate::outcome::{Counts, Outcome};
use crate::terminal::{self, Language, escaped, is_hidden};
use crate::text::{MAX_SHOWN, at, cut, plural};

/// The maximum size in bytes of the text of a script's failures; the JSON report has more.
const MAX_TEXT: usize = 64 << 10;

/// Renders the report as XML with a final line feed.
pub fn render(report: &Report) -> String {
    let name = match report.incomplete() {
        Some(why) => format!("{} (incomplete: {why})", report.engine.title()),
        None => report.engine.title(),
    };
    let mut out = quick_junit::Report::new(&*xml(&name));
    out.set_time(report.duration);
    out.add_test_suites(report.suites.iter().map(|suite| test_suite(report, suite)));
    // Writing to memory cannot fail, and all names and times are representable.
    let xml = out.to_string().expect("a report is representable as XML");
    terminal::document(xml, Language::Markup)
}

fn test_suite(report: &Report, suite: &Suite) -> TestSuite {
    let mut out = TestSuite::new(&*xml(&suite.name));
    out.set_time(suite.duration());
    // Readers reject invalid times, so leave them out.
    if let Ok(started) = DateTime::parse_from_rfc3339(&report.started) {
        out.set_timestamp(started);
    }
    out.extra.insert("hostname".into(), XmlString::new(&*xml(&report.host)));
    out.add_property(Property::new("source", &*xml(&suite.source)));
    out.add_property(Property::new("engine", &*xml(&report.engine.title())));
    out.add_property(Property::new("reader_only", suite.reader_only().to_string().as_str()));
    out.add_properties(aside(&suite.aside()));
    if let Some(why) = report.incomplete() {
        out.add_property(Property::new("incomplete", &*xml(&why)));
    }
    out.add_test_cases(suite.cases.iter().map(|case| test_case(suite, case)));
    out
}

fn test_case(suite: &Suite, case: &Case) -> TestCase {
    let mut status = status(case);
    // Earlier failures of a case that passes are flaky failures, of any other case rerun failures.
    status.add_reruns(case.attempts.iter().map(|attempt| rerun(case, attempt)));
    let mut out = TestCase::new(&*xml(&case.name), status);
    out.set_classname(&*xml(&suite.name));
    out.set_time(case.duration);
    out.set_assertions(usize::try_from(case.directives.total()).unwrap_or(usize::MAX));
    if let Some(file) = &case.file {
        out.extra.insert("file".into(), XmlString::new(&*xml(file)));
    }
    // The first known position; a case that failed as a whole has no line.
    let lines =
        case.failures.iter().map(|failure| failure.line).chain(case.notes.iter().map(|note| note.line));
    if let Some(line) = lines.into_iter().find(|line| *line > 0) {
        out.extra.insert("line".into(), XmlString::new(line.to_string()));
    }
    if !case.features.is_empty() {
        out.add_property(Property::new("features", &*xml(&case.features.join(" "))));
    }
    if case.reader_only > 0 {
        out.add_property(Property::new("reader_only", case.reader_only.to_string().as_str()));
    }
    out.add_properties(aside(&case.aside));
    out
}

/// Properties with the nonzero counts of directives that were set aside or passed coarsely.
fn aside(aside: &Aside) -> impl Iterator<Item = Property> {
    let apart = aside.by_kind().map(|(apart, count)| (apart.word().replace(' ', "_"), count));
    let counts = apart.into_iter().chain([("coarse".to_owned(), aside.coarse)]);
    let counts = counts.filter(|(_, count)| *count > 0);
    counts.map(|(name, count)| Property::new(name.as_str(), count.to_string().as_str()))
}

fn status(case: &Case) -> TestCaseStatus {
    let mut status = match case.outcome {
        Outcome::Passed => return TestCaseStatus::success(),
        Outcome::Skipped | Outcome::XFailed => TestCaseStatus::skipped(),
        outcome => TestCaseStatus::non_success(kind(outcome)),
    };
    let counted = if case.outcome.is_failure() { case.directives.failed } else { 0 };
    let more = if counted > 1 { format!(" ({counted} directives failed)") } else { String::new() };
    let note = case.notes.iter().find(|note| note.outcome == case.outcome).or(case.notes.first());
    let (kind, first) = match (case.failures.first(), note) {
        (Some(failure), _) => (failure.kind.as_str(), headline(failure)),
        (None, Some(note)) => (note.apart.map_or(note.outcome.as_str(), Apart::word), skipped(case, note)),
        (None, None) => (case.outcome.as_str(), case.outcome.to_string()),
    };
    status.set_message(&*xml(&format!("{first}{more}")));
    status.set_type(&*xml(kind));
    let text = text(case);
    if !text.is_empty() {
        status.set_description(&*xml(&text));
    }
    status
}

/// The reason for a skip, an expected failure or an unexpected pass: that of the first directive.
/// If other directives were judged, the number of skipped ones comes first, since a JUnit case has
/// one outcome.
fn skipped(case: &Case, note: &Note) -> String {
    let first = format!("{}: {}", note.outcome, cut(&note.reason, MAX_SHOWN));
    let Counts { skipped, .. } = case.directives;
    let total = case.directives.total();
    if note.outcome == Outcome::Skipped && (1..total).contains(&skipped) {
        return format!("{skipped} of {} not judged, the others passed; {first}", plural(total, "directive"));
    }
    first
}

fn kind(outcome: Outcome) -> NonSuccessKind {
    if outcome == Outcome::Crashed { NonSuccessKind::Error } else { NonSuccessKind::Failure }
}

/// An earlier failed attempt of a case.
fn rerun(case: &Case, attempt: &Attempt) -> TestRerun {
    let mut out = TestRerun::new(kind(attempt.outcome));
    out.set_time(attempt.duration);
    let (first, kind) = match attempt.failures.first() {
        Some(failure) => (headline(failure), failure.kind.as_str()),
        None => (attempt.outcome.to_string(), attempt.outcome.as_str()),
    };
    out.set_message(&*xml(&first));
    out.set_type(&*xml(kind));
    let mut text = String::new();
    attempt.failures.iter().for_each(|failure| {
        if text.len() < MAX_TEXT {
            push_failure(case, failure, &mut text);
        }
    });
    out.set_description(&*xml(&text));
    out
}

/// The text for a case that did not plainly pass.
fn text(case: &Case) -> String {
    let mut text = String::new();
    for failure in &case.failures {
        if text.len() >= MAX_TEXT {
            text.push_str("… and more failures\n");
            return text;
        }
        push_failure(case, failure, &mut text);
    }
    let notes = case.notes.iter().filter(|note| note.apart.is_none());
    let notes = notes.map(|note| (note, note.outcome.as_str(), note.reason.clone()));
    let apart = groups(case).into_iter();
    let apart =
        apart.filter_map(|group| Some((*group.notes.first()?, group.apart.word(), group.description())));
    for (note, word, reason) in notes.chain(apart) {
        if text.len() >= MAX_TEXT {
            text.push_str("… and more directives that were skipped or expected to fail\n");
            return text;
        }
        let place = at(&case.name, note.line, note.column);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{place}: {word}: {}", cut(&reason, MAX_SHOWN));
    }
    text
}

fn push_failure(case: &Case, failure: &Failure, text: &mut String) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}: {}", at(&case.name, failure.line, failure.column), headline(failure));
    for line in cut(&failure.source, MAX_SHOWN).lines() {
        let _ = writeln!(text, "    {line}");
    }
    for (label, value) in [("expected", &failure.expected), ("actual  ", &failure.actual)] {
        if let Some(value) = value {
            let _ = writeln!(text, "  {label} {}", cut(value, MAX_SHOWN));
        }
    }
    if let Some(diff) = &failure.diff {
        let _ = writeln!(text, "{}", cut(diff.trim_end(), MAX_SHOWN));
    }
    for call in failure.last_calls() {
        let _ = writeln!(text, "  call {}", cut(call, MAX_SHOWN));
    }
}

/// Escapes hidden characters in `text`, which include everything that XML cannot represent (XML
/// 1.0, section 2.2).
fn xml(text: &str) -> std::borrow::Cow<'_, str> {
    // Escape tabs too: the library would remove them.
    escaped(text, |c| is_hidden(c) && c != '\n')
}
