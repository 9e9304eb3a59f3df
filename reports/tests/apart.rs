//! What says nothing about the engine, as each renderer shows it.

#![allow(clippy::unwrap_used)]

mod common;

use common::{case, failure, good, key, report, suite};
use wassay_reports::{Apart, Aside, Case, Counts, Note, Outcome, Report, html, json, junit, markdown};

fn note(line: u32, apart: Apart, reason: &str) -> Note {
    let reason = format!("{}: {reason}", apart.word());
    let key = u8::try_from(line).ok().map(key);
    Note { line, column: 1, apart: Some(apart), key, ..Note::new(Outcome::Skipped, reason) }
}

/// A run of another engine: a script of which all that was judged passed, and one that failed.
fn driven() -> Report {
    let text = "the text of the module is malformed";
    let counts = Counts { passed: 1200, skipped: 4, ..Counts::default() };
    let skipped = Case {
        aside: Aside { not_applicable: 3, limit: 1, coarse: 7, ..Aside::default() },
        notes: vec![
            note(3, Apart::NotApplicable, text),
            note(5, Apart::NotApplicable, text),
            note(7, Apart::Limit, "<16> MiB of code"),
            note(9, Apart::NotApplicable, text),
        ],
        ..case("skipped.wast", Outcome::Skipped, counts)
    };
    let counts = Counts { passed: 5, failed: 1, skipped: 3, ..Counts::default() };
    let failed = Case {
        aside: Aside { blocked: 1, superseded: 1, ..Aside::default() },
        failures: vec![failure(1, "refused")],
        notes: vec![
            note(2, Apart::Blocked, "it depends on the directive on line 1, which failed"),
            note(4, Apart::Superseded, "later versions say otherwise"),
            common::note(6, Outcome::Skipped, "not today"),
        ],
        ..case("failed.wast", Outcome::Failed, counts)
    };
    report(vec![suite("spec", vec![skipped, failed])])
}

/// The text between two others.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let at = text.find(from).unwrap_or_else(|| panic!("{from}: {text}"));
    text[at + from.len()..].split(to).next().unwrap()
}

#[test]
fn the_page_counts_them_apart_and_says_why() {
    let page = html::render(&driven());
    let tiles = between(&page, "<dl class=\"tiles\">", "</dl>");
    for (label, count) in [
        ("blocked", 1),
        ("not applicable", 3),
        ("limit", 1),
        ("superseded", 1),
        ("skipped", 1),
        ("failed", 1),
    ] {
        assert!(tiles.contains(&format!("<dt>{label}</dt><dd>{count}")), "{label}: {tiles}");
    }
    let bar = between(&page, "</dl>", "</span>");
    assert!(bar.contains("class=\"apart\"") && bar.contains("title=\"3 not applicable\""), "{bar}");
    let reasons = between(&page, "<h2 id=\"apart\">", "</table>");
    for part in [
        "a module or instance that they depend on does not exist",
        "the text of the module is malformed",
        "&lt;16&gt; MiB",
    ] {
        assert!(reasons.contains(part), "{part}: {reasons}");
    }
    // A script has its counts, and one entry a reason.
    let cases = between(&page, "<h2 id=\"scripts\">", "</section>");
    assert!(cases.contains("<small>3 not applicable, 1 limit</small>"), "{cases}");
    assert!(cases.contains("<small>1 blocked, 1 superseded, 1 skipped</small>"), "{cases}");
    let entries = between(&page, "<h2 id=\"failures\">", "</section>");
    let together = "the text of the module is malformed (3 directives, on lines 3, 5 and 9)";
    assert_eq!(entries.matches(together).count(), 1, "{entries}");
    assert!(entries.contains("it depends on the directive on line 1, which failed"), "{entries}");
    assert!(
        page.contains("7 of the directives that passed were judged coarsely: by an error whose kind"),
        "coarse"
    );
    // Counts of zero are not printed.
    let page = html::render(&report(vec![good()]));
    assert!(!page.contains("id=\"apart\"") && !page.contains("not applicable") && !page.contains("blocked"));
}

#[test]
fn junit_has_properties_and_skips_with_the_reason() {
    let xml = junit::render(&driven());
    for property in
        ["blocked\" value=\"1", "not_applicable\" value=\"3", "limit\" value=\"1", "coarse\" value=\"7"]
    {
        assert_eq!(
            xml.matches(&format!("<property name=\"{property}\"")).count(),
            2,
            "suite and case: {xml}"
        );
    }
    let skipped = between(&xml, "name=\"skipped.wast\"", "</testcase>");
    let message = "4 of 1204 directives not judged, the others passed; skipped: not applicable: the text";
    assert!(skipped.contains("<skipped ") && skipped.contains(message), "{skipped}");
    assert!(skipped.contains("type=\"not applicable\""), "{skipped}");
    assert!(skipped.contains("skipped.wast:7:1: limit: &lt;16&gt; MiB of code"), "{skipped}");
    let failed = between(&xml, "name=\"failed.wast\"", "</testcase>");
    assert!(failed.contains("<failure ") && failed.contains("blocked: it depends on"), "{failed}");
    let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert_eq!((read.tests, read.failures, read.test_suites[0].skipped), (2, 1, 1));
}

#[test]
fn markdown_has_columns_and_reasons() {
    let text = markdown::render(&driven(), None);
    let head = "| suite | cases | directives | passed | failed | judged coarsely | blocked | not applicable | limit | superseded | skipped | time |";
    assert!(text.contains(head), "{text}");
    assert!(text.contains(" | 7 | 1 | 3 | 1 | 1 | 1 | "), "{text}");
    let reasons = between(&text, "### Set aside", "###");
    assert!(
        reasons.contains("- not applicable: 3 directives in 1 case: `the text of the module is malformed`\n"),
        "{reasons}"
    );
    let failed = between(&text, "<summary><code>spec::failed.wast</code>", "</details>");
    assert!(
        failed.contains("`failed.wast:2:1`: blocked: `it depends on the directive on line 1"),
        "{failed}"
    );
    assert!(!markdown::render(&report(vec![good()]), None).contains("Set aside"));
}

#[test]
fn totals_in_json_have_them() {
    let value: serde_json::Value = serde_json::from_str(&json::render(&driven())).unwrap();
    let aside = &value["totals"]["aside"];
    assert_eq!(
        (&aside["not_applicable"], &aside["blocked"], &aside["coarse"]),
        (&3.into(), &1.into(), &7.into())
    );
    let plain: serde_json::Value = serde_json::from_str(&json::render(&report(vec![good()]))).unwrap();
    assert!(plain["totals"].get("aside").is_none());
}

#[test]
fn thousands_of_them_are_few_entries() {
    let many: Vec<Note> = (0..5000).map(|line| note(line, Apart::NotApplicable, "no text")).collect();
    let counts = Counts { passed: 1, skipped: 5000, ..Counts::default() };
    let aside = Aside { not_applicable: 5000, ..Aside::default() };
    let one = Case { aside, notes: many, ..case("a.wast", Outcome::Skipped, counts) };
    let driven = report(vec![suite("s", vec![one])]);
    let page = html::render(&driven);
    assert_eq!(page.matches(" data-failure>").count(), 1);
    assert!(page.contains("(5000 directives, on lines 0, 1, ") && page.contains(" and 4989 more)"));
    assert!(junit::render(&driven).len() < 4000 && markdown::render(&driven, None).len() < 4000);
}
