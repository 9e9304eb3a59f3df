//! The JSON report: its snapshot, parsing it, and invalid reports.

mod common;

use common::{case, good, key, mixed, note, report, suite};
use serde_json::Value;
use wassay_reports::{Apart, Aside, Counts, Engine, MatchKind, Needs, Note, Outcome, Report, Shards, json};

fn everything() -> Report {
    report(vec![good(), mixed()])
}

/// The message for `text`, which must be no report.
fn refused(text: &str) -> String {
    json::parse(text).expect_err("no report").to_string()
}

#[test]
fn golden() {
    insta::assert_snapshot!(json::render(&everything()));
}

#[test]
fn what_is_written_is_read_back() {
    for report in [everything(), report(vec![]), report(vec![suite("empty", vec![])])] {
        let text = json::render(&report);
        assert!(text.ends_with("}\n") && !text.ends_with("\n\n"));
        assert_eq!(json::parse(&text).unwrap(), report);
    }
}

#[test]
fn what_is_hidden_is_written_as_an_escape_and_read_back() {
    let hostile = "a\u{1b}\u{7f}\u{9b}\u{202e}\u{feff}\u{e0041}\n::error::b ##[error]c é";
    let mut written = report(vec![suite(hostile, vec![good().cases.remove(0)])]);
    written.host = hostile.to_owned();
    let text = json::render(&written);
    let escaped = "a\\u001b\\u007f\\u009b\\u202e\\ufeff\\udb40\\udc41\\n::error::b #\\u0023[error]c é";
    assert!(text.contains(escaped), "{text}");
    assert_eq!(json::parse(&text).unwrap(), written);
}

#[test]
fn totals_are_computed_and_not_believed() {
    let report = everything();
    let totals = report.totals();
    assert_eq!(totals.cases, Counts { passed: 2, failed: 4, skipped: 1, xfailed: 1, xpassed: 1 });
    assert_eq!(totals.directives, Counts { passed: 2744, failed: 11, skipped: 4, xfailed: 3, xpassed: 1 });
    assert_eq!(report.text_not_compared(), 3);
    assert!(!report.is_expected());

    let text = json::render(&report);
    let lie = text.replace("\"failed\": 11", "\"failed\": 0").replace("\"total\": 9", "\"total\": 900");
    assert_ne!(lie, text);
    assert_eq!(json::parse(&lie).unwrap(), report);
    let (before, _) = text.split_once(",\n  \"totals\"").unwrap();
    assert_eq!(json::parse(&format!("{before}}}")).unwrap(), report);
}

#[test]
fn only_an_expected_case_leaves_the_run_as_expected() {
    use Outcome::{Crashed, Failed, Passed, Skipped, Timeout, XFailed, XPassed};
    for (outcome, expected) in [
        (Passed, true),
        (Skipped, true),
        (XFailed, true),
        (XPassed, false),
        (Failed, false),
        (Timeout, false),
        (Crashed, false),
    ] {
        let report = report(vec![good(), suite("s", vec![case("c", outcome, Counts::default())])]);
        assert_eq!(report.is_expected(), expected, "{outcome}");
    }
}

#[test]
fn unknown_fields_are_passed_over() {
    let text = json::render(&everything());
    let more = text
        .replace(
            "\"engine\": {",
            "\"new\": [{\"deep\": [1, null]}],\n  \"engine\": {\n    \"commit\": \"abc\",",
        )
        .replace("\"column\": 1,", "\"column\": 1, \"end\": 7,");
    assert_ne!(more, text);
    assert_eq!(json::parse(&more).unwrap(), everything());
}

#[test]
fn fields_that_came_later_may_be_absent() {
    let mut report = everything();
    let mut value: Value = serde_json::from_str(&json::render(&report)).unwrap();
    for suite in value["suites"].as_array_mut().unwrap() {
        suite.as_object_mut().unwrap().remove("url");
        for case in suite["cases"].as_array_mut().unwrap() {
            for field in ["notes", "keys"] {
                case.as_object_mut().unwrap().remove(field);
            }
            for failure in case["failures"].as_array_mut().unwrap() {
                for field in ["key", "diff", "calls"] {
                    failure.as_object_mut().unwrap().remove(field);
                }
            }
        }
    }
    for suite in &mut report.suites {
        suite.url = None;
        for case in &mut suite.cases {
            (case.notes, case.keys) = (Vec::new(), Vec::new());
            for failure in &mut case.failures {
                (failure.key, failure.diff, failure.calls) = (None, None, Vec::new());
            }
        }
    }
    assert_eq!(json::parse(&value.to_string()).unwrap(), report);
}

#[test]
fn an_error_names_the_place_and_what_was_expected() {
    let text = json::render(&everything());
    let swapped = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        refused(&text.replacen(from, to, 1))
    };
    assert_eq!(
        swapped("\"passed\": 120", "\"passed\": \"120\""),
        "line 22, column 27: not a report: suites[0].cases[0].directives.passed: invalid type: string \"120\", expected u64"
    );
    assert!(swapped("\"line\": 12,", "\"line\": -1,").contains("suites[1].cases[0].failures[0].line: "));
    assert!(swapped("\"line\": 12,", "\"line\": 4294967296,").contains("expected u32"));
    assert!(
        swapped("\"duration_ms\": 1.25", "\"duration_ms\": -1.25")
            .contains("expected a duration in milliseconds")
    );
    assert!(swapped("\"host\": \"x86_64-linux\",", "").contains("missing field `host`"));
    assert!(
        swapped("\"outcome\": \"passed\"", "\"outcome\": \"great\"")
            .contains("unknown variant `great`, expected")
    );
    assert!(
        swapped("\"name\": \"wassay\",", "\"name\": \"a\", \"name\": \"b\",")
            .contains("duplicate field `name`")
    );
    assert_eq!(refused(""), "line 1, column 0: not a report: EOF while parsing a value");
    assert!(refused("[]").contains("expected struct"), "{}", refused("[]"));
    assert!(refused(&format!("{text}x")).contains("trailing characters"));
}

#[test]
fn another_schema_is_refused() {
    let text = json::render(&everything()).replace("\"schema\": 1", "\"schema\": 2");
    assert_eq!(
        refused(&text),
        "line 2, column 13: not a report: schema: invalid value: integer `2`, expected schema 1, which this version of \
         wassay supports"
    );
}

#[test]
fn a_case_cannot_hide_its_directives() {
    let text = json::render(&everything()).replace("\"outcome\": \"failed\"", "\"outcome\": \"passed\"");
    let message = refused(&text);
    assert!(
        message.contains(
            "suites[1].cases[0]: the case `f32.wast` cannot be `passed`, because it has a directive with outcome `failed`"
        ),
        "{message}"
    );
}

#[test]
fn truncated_and_damaged_reports_are_refused_or_read_but_never_panic() {
    let text = json::render(&everything());
    let end = text.trim_end().len();
    for length in (0..end).filter(|&length| text.is_char_boundary(length)) {
        assert!(json::parse(&text[..length]).is_err(), "{length} bytes of {end}");
    }
    for (at, character) in text.char_indices() {
        for other in ["", "\"", "{", "]", "9", "-", "\\", "\0", "1e999"] {
            let damaged = format!("{}{other}{}", &text[..at], &text[at + character.len_utf8()..]);
            if let Ok(report) = json::parse(&damaged) {
                // What is read can be written, and read again.
                assert_eq!(json::parse(&json::render(&report)).unwrap(), report);
            }
        }
    }
}

#[test]
fn deep_and_huge_values_are_refused() {
    let deep = format!("{{\"schema\": 1, \"suites\": {}", "[".repeat(100_000));
    assert!(json::parse(&deep).is_err());
    let ignored = format!("{{\"x\": {}1{}, \"schema\": 1}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(json::parse(&ignored).is_err());
    let most = json::render(&everything()).replace("\"passed\": 120", &format!("\"passed\": {}", u64::MAX));
    let report = json::parse(&most).unwrap();
    assert_eq!(report.totals().directives.passed, u64::MAX);
    assert_eq!(json::parse(&json::render(&report)).unwrap(), report);
}

#[test]
fn a_report_of_an_older_version_is_read_and_says_what_it_says() {
    let mut value: Value = serde_json::from_str(&json::render(&everything())).unwrap();
    let fields = ["harness", "match", "shards", "interrupted"];
    fields.iter().for_each(|field| drop(value.as_object_mut().unwrap().remove(*field)));
    value["totals"].as_object_mut().unwrap().remove("reader_only");
    for suite in value["suites"].as_array_mut().unwrap() {
        suite.as_object_mut().unwrap().remove("reader_only");
        for case in suite["cases"].as_array_mut().unwrap() {
            for field in ["reader_only", "needs", "judged_under", "file"] {
                case.as_object_mut().unwrap().remove(field);
            }
        }
    }
    let read = json::parse(&value.to_string()).unwrap();
    assert_eq!((read.totals(), read.incomplete()), (everything().totals(), None));
    assert_eq!((read.harness, read.match_kind), (None, None));
}

#[test]
fn what_says_who_judged_what_and_how_is_written_and_read() {
    let mut report = everything();
    report.harness = Some(Engine::new("wassay", "0.1.0"));
    report.match_kind = Some(MatchKind::Prefix);
    report.interrupted = true;
    let shards = Shards { numbers: vec![1, 3], count: 4, selection: "c0ffee".to_owned(), cases: 12 };
    report.shards = Some(shards);
    let case = &mut report.suites[0].cases[0];
    case.reader_only = 7;
    case.judged_under = Some("2.0,threads".to_owned());
    case.file = Some("tests/a.wast".to_owned());
    let counts = Counts { passed: 3, failed: 1, ..Counts::default() };
    let modules = Counts { failed: 1, ..Counts::default() };
    let features = vec!["simd".to_owned(), "gc".to_owned()];
    let aside = Aside { blocked: 2, coarse: 1, ..Aside::default() };
    case.aside = aside;
    let not_passed = vec![key(7), key(9)];
    case.needs = vec![Needs { features, directives: counts, modules, aside, not_passed }];
    case.notes = vec![Note { apart: Some(Apart::Blocked), ..note(3, Outcome::Skipped, "blocked: why") }];
    report.engine = Engine {
        configuration: Some("all-on".to_owned()),
        flags: vec!["--all".to_owned()],
        adapter: Some("wap.js".to_owned()),
        command: Some("engine --all wap.js".to_owned()),
        package: Some("Debian engine 1".to_owned()),
        ..report.engine
    };
    let text = json::render(&report);
    assert_eq!(json::parse(&text).unwrap(), report);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["suites"][0]["reader_only"], 7);
    assert_eq!((&value["totals"]["reader_only"], &value["match"]), (&Value::from(7), &Value::from("prefix")));
    assert_eq!(value["shards"]["numbers"], serde_json::json!([1, 3]));
    let needs = &value["suites"][0]["cases"][0]["needs"][0];
    assert_eq!((&needs["directives"]["total"], &needs["modules"]["total"]), (&4.into(), &1.into()));
    assert_eq!(needs["not_passed"], "070707070707090909090909");
}
