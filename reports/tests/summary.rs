//! The table at the end of a run.

mod common;

use std::time::Duration;

use common::{case, good, mixed, report, suite};
use wassay_reports::{Counts, Outcome, summary};

#[test]
fn one_suite_as_expected() {
    insta::assert_snapshot!(summary::render(&report(vec![good()]), false));
}

#[test]
fn several_suites_with_everything() {
    insta::assert_snapshot!(summary::render(&report(vec![good(), mixed()]), false));
}

#[test]
fn colours_change_nothing_but_colour() {
    let report = report(vec![good(), mixed()]);
    let coloured = summary::render(&report, true);
    insta::assert_snapshot!(coloured.replace('\u{1b}', "ESC"));
    let mut plain = String::new();
    let mut parts = coloured.split('\u{1b}');
    plain.push_str(parts.next().unwrap());
    parts.for_each(|part| plain.push_str(part.split_once('m').unwrap().1));
    assert_eq!(plain, summary::render(&report, false).into_string());
}

#[test]
fn nothing_at_all() {
    assert_eq!(summary::render(&report(vec![]), false), "no cases ran in 1.23 s\n");
}

#[test]
fn a_script_that_fails_without_directives_is_seen() {
    let unreadable = case("a.wast", Outcome::Failed, Counts::default());
    insta::assert_snapshot!(summary::render(&report(vec![suite("s", vec![unreadable])]), false));
}

#[test]
fn a_name_cannot_write_to_the_terminal() {
    let mut report = report(vec![good()]);
    report.suites[0].name = "a\u{1b}[2J\nb".to_owned();
    let text = summary::render(&report, false);
    assert!(text.contains("a\\u{1b}[2J\\nb") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn the_longest_run_has_a_time() {
    let mut report = report(vec![good()]);
    report.duration = Duration::MAX;
    report.suites[0].cases[0].duration = Duration::MAX;
    assert!(summary::render(&report, true).contains(" s\n"));
}

#[test]
fn limits_are_in_the_verdict_and_the_closing_has_no_table() {
    let mut report = report(vec![good()]);
    report.suites[0].cases[0].aside.limit = 3;
    let whole = summary::render(&report, false).into_string();
    let verdict = "2 cases as expected in 1.23 s; 3 directives reached a limit of the engine\n";
    assert!(whole.ends_with(verdict), "{whole}");
    assert_eq!(summary::closing(&report, false), verdict);
    report.interrupted = true;
    let caveat = "the report is incomplete: the run was interrupted\n";
    assert_eq!(summary::closing(&report, false), format!("{verdict}{caveat}"));
}
