//! A case that failed and passed when it was run again, in every format.

mod common;

use std::time::Duration;

use common::{case, failure, good, report, suite};
use wassay_reports::{Attempt, Counts, Outcome, Report, html, json, junit, markdown, summary};

fn attempt(outcome: Outcome, message: &str) -> Attempt {
    Attempt { outcome, duration: Duration::from_millis(7), failures: vec![failure(3, message)] }
}

/// A case that passed on its third attempt, and one that failed both times.
fn flaky() -> Report {
    let mut passes = case("flaky.wast", Outcome::Passed, Counts { passed: 2, ..Counts::default() });
    passes.attempts = vec![attempt(Outcome::Failed, "the <first>"), attempt(Outcome::Crashed, "the second")];
    let mut fails = case("fails.wast", Outcome::Failed, Counts { failed: 1, ..Counts::default() });
    fails.failures = vec![failure(3, "the last")];
    fails.attempts = vec![attempt(Outcome::Failed, "the one before")];
    report(vec![suite("s", vec![passes, fails]), good()])
}

#[test]
fn only_what_passes_in_the_end_is_flaky() {
    let report = flaky();
    assert_eq!((report.flaky(), report.totals().cases.passed, report.totals().cases.failed), (1, 3, 1));
    assert_eq!(json::parse(&json::render(&report)), Ok(report));
    let one_run = json::render(&common::report(vec![good()]));
    assert!(!one_run.contains("attempts"), "{one_run}");
}

#[test]
fn the_summary_counts_it() {
    let lines = summary::render(&flaky(), false);
    assert!(lines.ends_with("\n1 case flaky: failed, then passed on retry\n"), "{lines}");
    assert!(!summary::render(&report(vec![good()]), false).contains("flaky"));
}

#[test]
fn junit_has_its_own_words_for_it() {
    let text = junit::render(&flaky());
    let count = |what: &str| text.matches(what).count();
    assert_eq!(
        (count("<flakyFailure "), count("<flakyError "), count("<rerunFailure ")),
        (1, 1, 1),
        "{text}"
    );
    assert!(text.contains("wrong-value: the &lt;first&gt;"), "{text}");
    assert!(text.contains("tests=\"4\" skipped=\"0\" failures=\"1\" errors=\"0\""), "{text}");
}

#[test]
fn markdown_lists_what_it_did_before() {
    let text = markdown::render(&flaky(), None);
    let section = text.split_once("### Flaky\n\n").expect("a section").1;
    let expected = "- `s::flaky.wast`: passed on attempt 3\n  - `attempt 1: flaky.wast:3:1: wrong-value: the <first>`\n  \
                    - `attempt 2: flaky.wast:3:1: wrong-value: the second`\n";
    assert_eq!(section, expected);
    assert!(!markdown::render(&report(vec![good()]), None).contains("Flaky"));
}

#[test]
fn the_page_marks_it_and_shows_what_it_did_before() {
    let page = html::render(&flaky());
    assert!(
        page.contains("<span class=\"tag flaky\">flaky</span> <span class=\"name\">s::flaky.wast</span>"),
        "{page}"
    );
    assert!(page.contains("passed on attempt 3") && page.contains("the &lt;first&gt;"), "{page}");
    assert!(page.contains("is:passed is:flaky"), "{page}");
    assert!(!page.contains("the one before"), "what fails says how it failed last");
    assert!(!html::render(&report(vec![good()])).contains("is:flaky"));
}
