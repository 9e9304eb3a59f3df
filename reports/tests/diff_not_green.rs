//! The ways in which a comparison could be green although something was not judged, or not as
//! before: none of them is.

mod common;

use common::{case, failure, good, note, report, script, suite};
use wassay_reports::diff::{Diff, Less, Verdict, compare, text};
use wassay_reports::{Case, Counts, Engine, Failure, MatchKind, Outcome, Report, Shards, markdown};

fn one(cases: Vec<Case>) -> Report {
    report(vec![suite("s", cases)])
}

/// Compares, and holds the verdict against what each format shows of it.
fn compared(old: &Report, new: &Report) -> Diff {
    let diff = compare(old, new);
    let (text, markdown, json) = (text(&diff, true), markdown::changes(&diff), diff.json());
    let good = diff.verdict == Verdict::Good;
    assert_eq!(markdown.starts_with("## \u{2705}"), good, "{markdown}");
    // The last line is green in no other case.
    assert_eq!(text.trim_end().lines().last().expect("a line").starts_with("\u{1b}[32m"), good, "{text}");
    assert_eq!(diff.is_failure(false), diff.verdict == Verdict::Bad);
    assert!(json.contains(&format!("\"verdict\": \"{}\"", format!("{:?}", diff.verdict).to_lowercase())));
    diff
}

#[test]
fn a_comparison_with_nothing_to_say_is_green() {
    let same = report(vec![good(), suite("s", vec![script("a", &[1, 2], &[])])]);
    assert_eq!(compared(&same, &same).verdict, Verdict::Good);
    let more = report(vec![good(), suite("s", vec![script("a", &[1, 2, 3], &[]), script("b", &[4], &[])])]);
    assert_eq!(compared(&same, &more).verdict, Verdict::Good, "what is new passes");
    let edited = report(vec![good(), suite("s", vec![script("a", &[1, 3], &[])])]);
    assert_eq!(compared(&same, &edited).verdict, Verdict::Good, "what was edited passes");
}

#[test]
fn what_is_new_or_edited_and_fails_has_a_heading_and_details() {
    let old = one(vec![script("a", &[1, 2], &[])]);
    let mut fails = failure(3, "result 0 has the wrong value");
    (fails.expected, fails.actual) = (Some("i32 1".to_owned()), Some("i32 2".to_owned()));
    let edited = one(vec![script("a", &[1, 3], &[fails.clone()])]);
    let new_case = one(vec![script("a", &[1, 2], &[]), script("b", &[3], &[fails.clone()])]);
    let new_suite = report(vec![
        suite("s", vec![script("a", &[1, 2], &[])]),
        suite("t", vec![script("b", &[3], &[fails]), case("c", Outcome::Crashed, Counts::default())]),
    ]);
    for (new, failures) in [(edited, 1), (new_case, 1), (new_suite, 2)] {
        let diff = compared(&old, &new);
        assert_eq!((diff.new_failures.len(), diff.regressed.len()), (failures, 0));
        assert!(diff.is_failure(true), "whatever is judged");
        for text in [text(&diff, false).into_string(), markdown::changes(&diff)] {
            assert!(text.contains("new failures, of directives that were not judged before"), "{text}");
            assert!(!text.contains("nothing regressed"), "{text}");
            for detail in [
                "wrong-value: result 0 has the wrong value",
                "(assert_return (invoke \"f3\"))",
                "i32 1",
                "i32 2",
            ] {
                assert!(text.contains(detail), "{detail}: {text}");
            }
        }
    }
}

#[test]
fn what_is_gone_is_less() {
    let old = report(vec![good(), suite("s", vec![script("a", &[1, 2], &[]), script("b", &[3], &[])])]);
    let told = |suites: Vec<wassay_reports::Suite>| {
        let diff = compared(&old, &report(suites));
        assert!(diff.is_failure(false) && !diff.is_failure(true), "{diff:?}");
        diff.less
    };
    let less = told(vec![good()]);
    assert!(matches!(&less[..], [Less::Suite { suite, .. }] if suite == "s"), "{less:?}");
    let less = told(vec![good(), suite("s", vec![script("a", &[1, 2], &[])])]);
    assert!(matches!(&less[..], [Less::Case { case, .. }] if case == "b"), "{less:?}");
    let less = told(vec![good(), suite("s", vec![script("a", &[2], &[]), script("b", &[3], &[])])]);
    assert!(
        matches!(&less[..], [Less::Directives { case, before: 2, after: 1, .. }] if case == "a"),
        "{less:?}"
    );
    // Nothing was judged of what only was skipped.
    let skipped = Counts { skipped: 2, ..Counts::default() };
    let old = report(vec![good(), suite("t", vec![case("a", Outcome::Skipped, skipped)])]);
    assert_eq!(compared(&old, &report(vec![good()])).verdict, Verdict::Good);
}

#[test]
fn a_guest_with_fewer_checks_is_less() {
    let guest = |passed| one(vec![case("guest", Outcome::Passed, Counts { passed, ..Counts::default() })]);
    assert_eq!(compared(&guest(5), &guest(5)).verdict, Verdict::Good);
    assert!(matches!(
        compared(&guest(5), &guest(4)).less[..],
        [Less::Directives { before: 5, after: 4, .. }]
    ));
}

#[test]
fn a_report_of_nothing_is_less_also_than_nothing() {
    let nothing = report(vec![]);
    for old in [&nothing, &report(vec![good()])] {
        let diff = compared(old, &nothing);
        assert!(diff.less.contains(&Less::Nothing), "{diff:?}");
    }
    let skipped = Counts { skipped: 2, ..Counts::default() };
    let skipped = report(vec![suite("t", vec![case("a", Outcome::Skipped, skipped)])]);
    assert!(compared(&skipped, &skipped).less.contains(&Less::Nothing));
}

#[test]
fn an_incomplete_report_is_less_unless_the_old_one_is_the_same_part() {
    let of = |numbers: &[u32]| {
        let shards = Shards { numbers: numbers.to_vec(), count: 3, selection: "run".to_owned(), cases: 9 };
        Report { shards: Some(shards), ..report(vec![good()]) }
    };
    let (whole, interrupted) = (report(vec![good()]), Report { interrupted: true, ..report(vec![good()]) });
    for (old, new) in [(&whole, &of(&[1, 2])), (&of(&[1, 3]), &of(&[1, 2])), (&whole, &interrupted)] {
        let diff = compared(old, new);
        assert!(matches!(diff.less[..], [Less::Incomplete { .. }]), "{diff:?}");
    }
    for (old, new) in [(&of(&[1, 2]), &of(&[1, 2])), (&of(&[1, 2]), &whole), (&interrupted, &whole)] {
        assert_eq!(compared(old, new).verdict, Verdict::Attention);
    }
}

#[test]
fn what_was_not_run_before_and_fails_is_a_new_failure() {
    let not_run = |mut failure: Failure| {
        failure.kind = "not-run".to_owned();
        failure
    };
    // A directive after a timeout, and a case that was not begun.
    let was = one(vec![script("a", &[1, 2], &[failure(1, "is slow"), not_run(failure(2, ""))])]);
    let now = one(vec![script("a", &[1, 2], &[failure(1, "is slow"), failure(2, "no")])]);
    let diff = compared(&was, &now);
    assert_eq!((diff.new_failures.len(), diff.changed.len()), (1, 0), "{diff:?}");
    let mut whole = script("a", &[1, 2], &[]);
    whole.outcome = Outcome::Failed;
    whole.directives = Counts { failed: 2, ..Counts::default() };
    whole.failures = vec![not_run(Failure::default())];
    let diff = compared(&one(vec![whole.clone()]), &now);
    assert_eq!((diff.new_failures.len(), diff.changed.len()), (2, 0), "{diff:?}");
    assert_eq!(
        compared(&one(vec![whole.clone()]), &one(vec![whole])).verdict,
        Verdict::Good,
        "it is as it was"
    );
}

#[test]
fn texts_that_are_compared_less_strictly_are_less() {
    let by = |kind| Report { match_kind: Some(kind), ..report(vec![good()]) };
    let (exact, class, ignore) = (by(MatchKind::Exact), by(MatchKind::Class), by(MatchKind::Ignore));
    assert!(matches!(compared(&class, &ignore).less[..], [Less::Match { .. }]));
    assert!(matches!(compared(&exact, &class).less[..], [Less::Match { .. }]));
    assert_eq!(compared(&ignore, &class).verdict, Verdict::Good);
    assert_eq!(compared(&report(vec![good()]), &ignore).verdict, Verdict::Good, "how it was is not known");
}

#[test]
fn what_is_judged_by_less_or_under_other_features_is_no_tick() {
    let with = |change: fn(&mut Case)| {
        let mut case = script("a", &[1, 2], &[]);
        case.judged_under = Some("3.0".to_owned());
        change(&mut case);
        one(vec![case])
    };
    let plain = with(|_| {});
    let (reader, text) = (with(|case| case.reader_only = 1), with(|case| case.text_not_compared = 2));
    let features = with(|case| case.judged_under = Some("1.0".to_owned()));
    for (new, told) in [
        (&reader, "1 directive more passed by the parser alone"),
        (&text, "2 error texts more not compared"),
        (&features, "s::a is judged under 1.0, was under 3.0"),
    ] {
        let diff = compared(&plain, new);
        assert_eq!(diff.verdict, Verdict::Attention);
        let shown = wassay_reports::diff::text(&diff, false);
        assert!(shown.contains(told), "{shown}");
        assert_eq!(compared(new, new).verdict, Verdict::Good);
    }
}

#[test]
fn two_engines_are_named() {
    let of = |name: &str| Report { engine: Engine::new(name, ""), ..report(vec![good()]) };
    let diff = compared(&of("one"), &of("other"));
    for text in [text(&diff, false).into_string(), markdown::changes(&diff)] {
        assert!(text.contains("two engines are compared: one and other"), "{text}");
    }
    assert!(!text(&compared(&of("one"), &of("one")), false).contains("two engines"));
}

#[test]
fn what_is_new_and_expected_to_fail_is_no_tick() {
    let old = one(vec![script("a", &[1, 2], &[])]);
    let excused = |mut case: Case| {
        case.outcome = Outcome::XFailed;
        case.notes = vec![note(3, Outcome::XFailed, "a known bug")];
        case
    };
    let edited = one(vec![excused(script("a", &[1, 2, 3], &[]))]);
    let new = excused(script("b", &[3], &[]));
    let new_case = one(vec![script("a", &[1, 2], &[]), new.clone()]);
    let new_suite = report(vec![suite("s", vec![script("a", &[1, 2], &[])]), suite("t", vec![new])]);
    for new in [edited, new_case, new_suite] {
        let diff = compared(&old, &new);
        assert_eq!((diff.verdict, diff.excused.len()), (Verdict::Attention, 1));
        assert!(text(&diff, false).contains("xfailed: a known bug"));
    }
}
