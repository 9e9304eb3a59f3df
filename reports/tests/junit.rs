//! The report as JUnit XML.

mod common;

use common::{case, failure, good, mixed, report, suite};
use wassay_reports::{Counts, Outcome, junit};

#[test]
fn golden() {
    insta::assert_snapshot!(junit::render(&report(vec![good(), mixed()])));
}

#[test]
fn what_is_written_is_read_by_others() {
    let xml = junit::render(&report(vec![good(), mixed()]));
    let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert_eq!((read.tests, read.failures, read.errors), (9, 4, 1));
    assert_eq!(read.test_suites.iter().map(|suite| suite.skipped).sum::<usize>(), 2);
}

#[test]
fn no_text_breaks_the_xml() {
    let nasty = "]]>\u{0}\u{1b}[2J\u{fffe}<a href=\"x\">&amp;'\t\u{202e}";
    let mut case = case(nasty, Outcome::Failed, Counts { failed: 1, ..Counts::default() });
    case.features = vec![nasty.to_owned()];
    case.failures = vec![failure(1, nasty)];
    case.failures[0].source = nasty.to_owned();
    let mut report = report(vec![suite(nasty, vec![case])]);
    report.host = nasty.to_owned();
    let xml = junit::render(&report);
    let allowed = |c: char| matches!(c, '\n' | ' '..) && !matches!(c, '\u{fffe}' | '\u{ffff}');
    assert!(xml.chars().all(allowed), "{xml}");
    assert!(xml.contains("]]&gt;\\u{0}\\u{1b}[2J\\u{fffe}&lt;a href="), "{xml}");
    quick_junit::Report::deserialize_from_str(&xml).unwrap();
}

#[test]
fn thousands_of_failures_are_counted_and_not_all_written() {
    let mut case = case("a", Outcome::Failed, Counts { failed: 60_000, ..Counts::default() });
    case.failures = vec![failure(1, "no"); 60_000];
    let xml = junit::render(&report(vec![suite("s", vec![case])]));
    assert!(xml.len() < 100_000, "{}", xml.len());
    assert!(xml.contains("… and more failures") && xml.contains("(60000 directives failed)"));
}

#[test]
fn a_time_that_is_none_is_left_out() {
    let mut report = report(vec![good()]);
    assert!(junit::render(&report).contains("timestamp=\"2026-01-02T03:04:05.000+00:00\""));
    report.started = "yesterday".to_owned();
    assert!(!junit::render(&report).contains("timestamp"));
}
