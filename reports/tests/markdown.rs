//! The report as Markdown.

mod common;

use common::{case, failure, good, mixed, note, report, suite};
use wassay_reports::{Counts, Failure, Outcome, Report, diff, markdown};

fn failing(count: usize, failure: &Failure) -> Report {
    let mut cases = vec![case("a.wast", Outcome::Failed, Counts { failed: 30, ..Counts::default() }); count];
    for case in &mut cases {
        case.failures = vec![failure.clone(); 30];
    }
    report(vec![suite("s", cases)])
}

#[test]
fn golden() {
    insta::assert_snapshot!(markdown::render(&report(vec![good(), mixed()]), None));
}

#[test]
fn golden_of_what_passes_with_changes() {
    let (old, new) = (report(vec![good(), mixed()]), report(vec![good()]));
    let changes = diff::compare(&old, &new);
    insta::assert_snapshot!(markdown::render(&new, Some(&changes)));
}

#[test]
fn a_run_that_reached_limits_has_no_plain_tick() {
    let mut report = report(vec![good()]);
    let title = |report: &Report| markdown::render(report, None).lines().next().unwrap().to_owned();
    assert_eq!(title(&report), "## ✅ Conformance: 2 cases as expected in 1.23 s");
    report.suites[0].cases[0].aside.limit = 1;
    let expected =
        "## ⚠️ Conformance: 2 cases as expected in 1.23 s; 1 directive reached a limit of the engine";
    assert_eq!(title(&report), expected);
}

#[test]
fn it_fits_a_comment_however_much_failed() {
    let mut long = failure(1, &"<message> ".repeat(2000));
    long.source = "(\u{4f8b} `".repeat(5000);
    long.expected = Some("```".repeat(3000));
    for failing in [failing(1, &long), failing(400, &long), failing(2000, &failure(1, "short"))] {
        let text = markdown::render(&failing, Some(&diff::compare(&report(vec![]), &failing)));
        assert!(text.len() <= markdown::MAX_LENGTH, "{}", text.len());
        assert!(text.contains("<summary><code>s::a.wast</code>"), "something is shown");
        assert!(text.contains("… and "), "what is left out is counted");
    }
    let mut many = report((0..3000).map(|number| suite(&format!("s{number}"), vec![])).collect());
    many.suites[2999].cases = failing(1, &long).suites.remove(0).cases;
    many.engine.name = "e".repeat(1 << 20);
    many.host = "h".repeat(1 << 20);
    let text = markdown::render(&many, None);
    assert!(text.len() <= markdown::MAX_LENGTH, "{}", text.len());
    assert!(text.contains("| `s2999` |") && text.contains("leaves out 2940 suites"), "failed suites stay");
}

#[test]
fn names_and_messages_are_nothing_but_text() {
    let nasty = "`@team` <img src=x onerror=alert(1)> | [a](http://b) ``` \n# x";
    let mut one = failing(1, &failure(1, nasty));
    one.suites[0].name = nasty.to_owned();
    one.suites[0].cases[0].name = nasty.to_owned();
    one.suites[0].cases[0].failures.truncate(1);
    one.suites[0].cases[0].failures[0].source = "```\n# out\n````\n".to_owned();
    one.suites[0].cases[0].notes = vec![note(3, Outcome::XPassed, nasty)];
    one.suites[0].url = Some("javascript:alert(1)".to_owned());
    insta::assert_snapshot!(markdown::render(&one, None));
}
