//! The report as a page. What a browser makes of it is tested with the command line, which can
//! start one.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use common::{case, failure, good, key, mixed, note, report, suite};
use wassay_reports::{Counts, Needs, Outcome, Report, html};

fn body(report: &Report) -> String {
    let page = html::render(report);
    let (_, body) = page.split_once("<body>").unwrap();
    body.split_once("<script>").unwrap().0.to_owned()
}

#[test]
fn golden() {
    insta::assert_snapshot!(body(&report(vec![good(), mixed()])));
}

#[test]
fn golden_of_a_run_that_passes() {
    insta::assert_snapshot!(body(&report(vec![good()])));
}

#[test]
fn nothing_comes_from_elsewhere() {
    let page = html::render(&report(vec![good(), mixed()]));
    for loading in ["src=", "@import", "url(", "<link rel=\"stylesheet", "http-equiv=\"refresh"] {
        assert!(!page.contains(loading), "{loading}");
    }
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn everything_is_escaped() {
    let nasty = "</script><script>alert(1)</script><img src=x onerror=\"a\">'\"&{{ 7 * 7 }}\u{0}\u{202e}";
    let mut one = case(nasty, Outcome::Failed, Counts { failed: 1, ..Counts::default() });
    one.features = vec![nasty.to_owned()];
    one.failures = vec![failure(1, nasty)];
    let failure = &mut one.failures[0];
    failure.kind = nasty.to_owned();
    failure.source = nasty.to_owned();
    failure.expected = Some(nasty.to_owned());
    failure.actual = Some(nasty.to_owned());
    failure.diff = Some(format!("+{nasty}"));
    failure.calls = vec![nasty.to_owned()];
    one.notes = vec![note(2, Outcome::Skipped, nasty)];
    let mut report = report(vec![suite(nasty, vec![one])]);
    (report.host, report.started, report.engine.name) =
        (nasty.to_owned(), nasty.to_owned(), nasty.to_owned());
    report.suites[0].source = format!("{nasty}!");
    report.suites[0].url = Some(format!("https://example.org/{nasty}"));
    let page = html::render(&report);
    assert!(page.matches("alert(1)").count() > 20, "it is all shown");
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("</script").count(), 1);
    assert!(!page.contains("<img") && !page.contains("onerror=\""), "no tag and no attribute");
    assert!(!page.contains("href=\"https:"), "no address that is none");
    assert!(page.contains("{{ 7 * 7 }}") && !page.contains("49}}"));
    assert!(!page.contains('\0') && !page.contains('\u{202e}'));
}

/// Every directive of a suite of the official one's size failed.
fn broken() -> Report {
    let mut cases = Vec::new();
    for number in 0..300 {
        let counts = Counts { failed: 224, ..Counts::default() };
        let mut case = case(&format!("folder/script-{number}.wast"), Outcome::Failed, counts);
        case.failures = (0..224).map(|line| failure(line, "result 0 is <another> value")).collect();
        case.keys = (0..224).map(key).collect();
        cases.push(case);
    }
    report(vec![suite("spec", cases)])
}

#[test]
fn a_page_has_a_limit_and_says_what_it_leaves_out() {
    let broken = broken();
    assert!(broken.totals().directives.failed > 67_000);
    let begun = Instant::now();
    let page = html::render(&broken);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(page.len() < html::MAX_LENGTH, "{}", page.len());
    assert!(page.len() > html::MAX_LENGTH / 4, "there is room for more: {}", page.len());
    assert!(page.contains("more are in the JSON report"));
    assert_eq!(page.matches("<tr data-s=").count(), 300, "every script has its row");
}

#[test]
fn one_huge_text_does_not_make_it_huge() {
    let mut report = broken();
    report.suites[0].name = "\"".repeat(1 << 20);
    report.host = "<".repeat(1 << 20);
    report.suites[0].cases[0].features = (0..100_000).map(|number| format!("f{number}")).collect();
    report.suites[0].cases[1].failures[0].source = "<".repeat(4 << 20);
    report.suites[0].cases[2].failures[0].calls = vec!["<".repeat(1 << 10); 10_000];
    report.suites.extend((0..5000).map(|number| suite(&format!("<{number}>"), vec![])));
    assert!(html::render(&report).len() < html::MAX_LENGTH);
}

#[test]
fn a_feature_is_charged_with_the_directives_that_depend_on_it() {
    let needs = |features: &[&str], passed, failed| Needs {
        features: features.iter().map(|feature| (*feature).to_owned()).collect(),
        directives: Counts { passed, failed, ..Counts::default() },
        ..Needs::default()
    };
    let mut one = case("a.wast", Outcome::Failed, Counts { passed: 41, failed: 70, ..Counts::default() });
    one.needs = vec![
        needs(&[], 11, 1),
        needs(&["tail-call"], 30, 0),
        needs(&["tail-call", "function-references"], 0, 69),
    ];
    let page = html::render(&report(vec![suite("s", vec![one])]));
    let row = |name: &str| {
        let at = page.find(&format!("#q=uses:{name}\">{name}</a>")).unwrap();
        let row = &page[at..at + page[at..].find("</tr>").unwrap()];
        let text: String =
            row.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text)).collect();
        text.replace(name, "").trim().to_owned()
    };
    // All of them, passed, failed; then how many of those that need no other feature.
    assert_eq!(row("tail-call"), "99306930 of 30");
    assert_eq!(row("function-references"), "690690 of 0");
    assert!(page.contains("<em>nothing beyond 1.0</em></th><td class=\"num\" data-l=\"directives\">12</td>"));
}
