//! One report of several.

mod common;

use std::time::Duration;

use common::{case, good, mixed, report, suite};
use wassay_reports::merge::{MergeError, merge};
use wassay_reports::{Case, Counts, Outcome, Report};

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
        let merged = merge(named(shards)).unwrap();
        assert_eq!(merged.totals(), whole.totals());
        assert_eq!(merged.suites[0], whole.suites[0], "{count}");
        assert_eq!((&merged.engine, &merged.host), (&whole.engine, &whole.host));
    }
}

#[test]
fn the_order_of_a_suite_that_was_not_sharded_stays() {
    let one = report(vec![suite("s", vec![passing("z"), passing("a")])]);
    let merged = merge(named(vec![one.clone(), report(vec![good()])])).unwrap();
    assert_eq!(merged.suites, vec![one.suites[0].clone(), good()]);
}

#[test]
fn the_run_began_with_the_first_and_took_as_long_as_the_longest() {
    let (mut one, mut two) = (report(vec![good()]), report(vec![mixed()]));
    one.started = "2026-01-02T03:04:06.000Z".to_owned();
    two.started = "2026-01-02T03:04:05.000Z".to_owned();
    two.duration = Duration::from_secs(9);
    two.host = "aarch64-linux".to_owned();
    let merged = merge(named(vec![one, two])).unwrap();
    assert_eq!(merged.started, "2026-01-02T03:04:05.000Z");
    assert_eq!(
        (merged.duration, merged.host.as_str()),
        (Duration::from_secs(9), "x86_64-linux, aarch64-linux")
    );
}

#[test]
fn what_does_not_belong_together_is_refused_by_name() {
    let whole = report(vec![good()]);
    let refused = |reports| merge(named(reports)).unwrap_err();
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
