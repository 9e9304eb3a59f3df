//! One report of several.

mod common;

use std::time::Duration;

use common::{case, good, mixed, report, suite};
use wassay_reports::merge::{MergeError, merge};
use wassay_reports::{
    Case, Counts, MatchKind, Outcome, Report, Shards, badge, html, json, junit, markdown, summary,
};

fn named(reports: Vec<Report>) -> Vec<(String, Report)> {
    reports.into_iter().enumerate().map(|(at, report)| (format!("{at}.json"), report)).collect()
}

fn passing(name: &str) -> Case {
    case(name, Outcome::Passed, Counts { passed: 2, ..Counts::default() })
}

#[test]
fn shards_become_what_one_run_would_have_been() {
    let names = ["a.wast", "a/z.wast", "a-b.wast", "b.wast", "c/a.wast", "c/b/d.wast", "d.wast"];
    let mut cases = names.map(passing).to_vec();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    let whole = report(vec![suite("s", cases.clone()), mixed(), good()]);
    for count in 1..=4 {
        let mut shards = vec![whole.clone(); count];
        for (number, shard) in shards.iter_mut().enumerate() {
            for suite in &mut shard.suites {
                let mut at = 0;
                // The order in a shard need not be that of the whole.
                suite.cases.retain(|_| {
                    at += 1;
                    at % count == number
                });
                if suite.name == "s" {
                    suite.cases.reverse();
                }
            }
        }
        if count == 1 {
            shards = vec![whole.clone()];
        }
        let merged = merge(named(shards), false).unwrap();
        assert_eq!(merged.totals(), whole.totals());
        assert_eq!(merged.suites[0], whole.suites[0], "{count}");
        assert_eq!((&merged.engine, &merged.host), (&whole.engine, &whole.host));
    }
}

#[test]
fn the_order_of_a_suite_that_was_not_sharded_stays() {
    let one = report(vec![suite("s", vec![passing("z"), passing("a")])]);
    let merged = merge(named(vec![one.clone(), report(vec![good()])]), false).unwrap();
    assert_eq!(merged.suites, vec![one.suites[0].clone(), good()]);
}

#[test]
fn the_run_began_with_the_first_and_took_as_long_as_the_longest() {
    let (mut one, mut two) = (report(vec![good()]), report(vec![mixed()]));
    one.started = "2026-01-02T03:04:06.000Z".to_owned();
    two.started = "2026-01-02T03:04:05.000Z".to_owned();
    two.duration = Duration::from_secs(9);
    two.host = "aarch64-linux".to_owned();
    let merged = merge(named(vec![one, two]), false).unwrap();
    assert_eq!(merged.started, "2026-01-02T03:04:05.000Z");
    assert_eq!(
        (merged.duration, merged.host.as_str()),
        (Duration::from_secs(9), "x86_64-linux, aarch64-linux")
    );
}

#[test]
fn what_does_not_belong_together_is_refused_by_name() {
    let whole = report(vec![good()]);
    let refused = |reports| merge(named(reports), false).unwrap_err();
    let error = refused(vec![whole.clone(), report(vec![mixed()]), whole.clone()]);
    assert_eq!(
        error.to_string(),
        "2.json: the case `spec-v1::address.wast` is already in 0.json: merge each shard once"
    );
    let twice = report(vec![suite("s", vec![passing("a"), passing("a")])]);
    assert!(matches!(refused(vec![twice]), MergeError::Duplicate { files: [a, b], .. } if a == b));

    let mut other = report(vec![]);
    other.engine.version = "0.2.0\u{1b}".to_owned();
    assert_eq!(
        refused(vec![whole.clone(), other]).to_string(),
        "1.json: tested wassay 0.2.0\\u{1b}, but 0.json tested wassay 0.1.0: merge only the shards of one run, and compare \
         runs with `report diff`"
    );
    let mut moved = report(vec![suite("spec-v1", vec![])]);
    moved.suites[0].source = "elsewhere".to_owned();
    assert!(matches!(refused(vec![whole, moved]), MergeError::Sources { .. }));
    assert_eq!(refused(vec![]), MergeError::Nothing);
}

/// Shard `number` of four, of a run with eight cases; it has two.
fn shard(number: u32) -> Report {
    let cases = (0..2).map(|n| passing(&format!("{number}{n}.wast"))).collect();
    let shards = Shards { numbers: vec![number], count: 4, selection: "run".to_owned(), cases: 8 };
    Report { shards: Some(shards), ..report(vec![suite("s", cases)]) }
}

/// The results of merging, with and without `partial`.
fn told(reports: &[Report]) -> [Result<Option<String>, String>; 2] {
    [false, true].map(|partial| {
        let merged = merge(named(reports.to_vec()), partial).map_err(|error| error.to_string());
        merged.map(|merged| merged.incomplete())
    })
}

#[test]
fn all_shards_of_a_run_are_its_report() {
    let all: Vec<Report> = [3, 1, 4, 2].map(shard).into();
    assert_eq!(told(&all), [Ok(None), Ok(None)]);
    let merged = merge(named(all), false).unwrap();
    assert_eq!((merged.shards, merged.suites[0].cases.len()), (None, 8));
}

#[test]
fn missing_shards_are_refused_by_number_or_marked() {
    let missing = |what: &str| {
        Err(format!(
            "shard {what} of 4 is missing: add its report, or use --partial for a report that is marked as partial"
        ))
    };
    let marked = |what: &str| Ok(Some(what.to_owned()));
    assert_eq!(told(&[1, 2, 4].map(shard)), [missing("3"), marked("shard 3 of 4 is missing")]);
    assert_eq!(told(&[2, 4].map(shard)), [missing("1 and 3"), marked("shards 1 and 3 of 4 are missing")]);
    assert_eq!(told(&[shard(2)]), [missing("1, 3 and 4"), marked("shard 2 of 4")]);
    // The rest can come later.
    let half = merge(named([1, 3].map(shard).into()), true).unwrap();
    assert_eq!(half.shards.as_ref().unwrap().numbers, [1, 3]);
    let read = json::parse(&json::render(&half)).unwrap();
    assert_eq!(read, half);
    assert_eq!(told(&[read.clone(), shard(4), shard(2)]), [Ok(None), Ok(None)]);
    let [again, _] = told(&[read, shard(3)]);
    assert_eq!(again.unwrap_err(), "1.json: shard 3 of 4 is already in 0.json: merge each shard once");
}

#[test]
fn shards_that_are_not_of_one_run_are_refused_also_as_a_part() {
    let refused = |other: Report| {
        let [whole, part] = told(&[shard(1), other]);
        assert_eq!(whole, part);
        whole.unwrap_err()
    };
    let with = |change: fn(&mut Shards)| {
        let mut report = shard(2);
        change(report.shards.as_mut().unwrap());
        report
    };
    assert_eq!(refused(shard(1)), "1.json: shard 1 of 4 is already in 0.json: merge each shard once");
    assert!(
        refused(with(|shards| shards.count = 5)).starts_with("1.json: is of 5 shards, but 0.json of 4: ")
    );
    for other in [with(|shards| shards.selection.push('!')), with(|shards| shards.cases = 9)] {
        assert!(refused(other).starts_with("1.json: is a shard of a different selection than 0.json: "));
    }
    let no_shard = Report { shards: None, ..shard(2) };
    assert!(refused(no_shard.clone()).starts_with("0.json: is the report of a shard, but 1.json is not: "));
    let [reversed, _] = told(&[no_shard, shard(1)]);
    assert!(reversed.unwrap_err().starts_with("1.json: is the report of a shard, but 0.json is not: "));
    let mut engine = shard(2);
    engine.engine.name = "other".to_owned();
    assert!(refused(engine).contains(": tested other 0.1.0, but 0.json tested wassay 0.1.0: "));
    let ignored = Report { match_kind: Some(MatchKind::Ignore), ..shard(2) };
    assert!(refused(ignored).contains("(--match)"));
    // All are there, and one has lost a case.
    let mut all: Vec<Report> = [1, 2, 3, 4].map(shard).into();
    all[2].suites[0].cases.pop();
    let [lost, _] = told(&all);
    assert_eq!(lost.unwrap_err(), "the shards have 7 cases together, but their run has 8: run them again");
}

#[test]
fn an_incomplete_report_says_so_in_every_format() {
    let part = merge(named([1, 3].map(shard).into()), true).unwrap();
    let interrupted = Report { interrupted: true, ..report(vec![good()]) };
    for (report, why) in [(part, "shards 2 and 4 of 4 are missing"), (interrupted, "the run was interrupted")]
    {
        for text in [
            summary::render(&report, false).into_string(),
            markdown::render(&report, None),
            html::render(&report),
            junit::render(&report),
        ] {
            assert!(text.contains(why), "{text}");
        }
        assert!(!markdown::render(&report, None).contains('\u{2705}'));
        let badge = badge::shields(&report);
        assert!(badge.contains("100 % (incomplete)") && !badge.contains("green"), "{badge}");
        assert_eq!(json::parse(&json::render(&report)).unwrap().incomplete().as_deref(), Some(why));
    }
}

#[test]
fn what_was_interrupted_stays_so_when_it_is_merged() {
    let interrupted = Report { interrupted: true, ..report(vec![mixed()]) };
    let merged = merge(named(vec![report(vec![good()]), interrupted]), false).unwrap();
    assert!(merged.interrupted);
}
