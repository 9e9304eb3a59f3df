//! The complete official suite, where `WASSAY_OFFICIAL` says it lies: every script passes that needs nothing newer than 2.0.
//!
//! What a script needs is computed from the bytes of its modules, never guessed by its name. The folders `custom`, `legacy`
//! and `proposals` are by definition about something newer.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{Folder, wassay};
use wassay_engine::Features;
use wassay_reports::{Case, Outcome, json};

#[test]
#[ignore = "needs WASSAY_OFFICIAL, the folder of the official suite"]
fn every_script_that_needs_nothing_newer_than_2_0_passes() {
    let suite =
        std::env::var_os("WASSAY_OFFICIAL").expect("WASSAY_OFFICIAL is the folder of the official suite");
    assert!(Path::new(&suite).join("i32.wast").is_file(), "no official suite in {}", suite.display());
    let folder = Folder::new::<&str>(&[]);
    let report = folder.arg("report.json");
    let ran = wassay(&["test", "--report", &format!("json={report}"), suite.to_str().unwrap()]);
    let report = json::parse(&std::fs::read_to_string(report).expect(&ran.err)).unwrap();
    let cases = &report.suites[0].cases;

    let is_newer = |name: &String| !Features::V2.contains(name);
    let within = |case: &Case| !case.name.contains('/') && !case.features.iter().any(is_newer);
    let (old, newer): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| within(case));
    let failed: Vec<String> = old
        .iter()
        .filter(|case| case.outcome != Outcome::Passed || case.text_not_compared > 0)
        .map(|case| format!("{}: {} {:?}", case.name, case.outcome, case.directives))
        .collect();
    let passed = newer.iter().filter(|case| case.outcome == Outcome::Passed).count();
    println!("{} scripts of 2.0, and of {} newer ones {passed} passed", old.len(), newer.len());
    assert!(failed.is_empty(), "{failed:#?}");
    // As many as there were when this was written: none gets lost by being taken for newer.
    assert!(old.len() >= 139, "only {} scripts were found to need nothing newer than 2.0", old.len());
    let vectors = old.iter().filter(|case| case.name.starts_with("simd_")).count();
    assert!(vectors >= 56, "only {vectors} of them are about vectors");
}
