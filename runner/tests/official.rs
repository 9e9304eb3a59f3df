//! The complete official suite, where `WASSAY_OFFICIAL` says it lies: every directive of every script passes.

// A test prints what it found by itself.
#![allow(clippy::disallowed_macros)]
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Folder, run};
use wassay_engine::Features;
use wassay_reports::{Case, Outcome, json};

/// Runs the suite with these variables of the environment besides.
fn cases(variables: &[(&str, &str)]) -> Vec<Case> {
    let suite =
        std::env::var_os("WASSAY_OFFICIAL").expect("WASSAY_OFFICIAL is the folder of the official suite");
    assert!(Path::new(&suite).join("i32.wast").is_file(), "no official suite in {}", suite.display());
    let folder = Folder::new::<&str>(&[]);
    let report = folder.arg("report.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args(["test", "--report", &format!("json={report}")]).arg(&suite);
    let ran = run(command.envs(variables.iter().copied()));
    let mut report = json::parse(&std::fs::read_to_string(report).expect(&ran.err)).unwrap();
    report.suites.remove(0).cases
}

/// Everything passes, and there is as much as when this was written.
fn assert_all_passed(cases: &[Case]) {
    let failed: Vec<String> = cases
        .iter()
        .filter(|case| case.outcome != Outcome::Passed || case.text_not_compared > 0)
        .map(|case| format!("{}: {} {:?}", case.name, case.outcome, case.directives))
        .collect();
    let directives: u64 = cases.iter().map(|case| case.directives.total()).sum();
    println!("{} scripts, {directives} directives, {} scripts not passed", cases.len(), failed.len());
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(cases.len() >= 288 && directives >= 67_119, "{} scripts, {directives} directives", cases.len());
}

#[test]
#[ignore = "needs WASSAY_OFFICIAL, the folder of the official suite"]
fn every_directive_passes() {
    let cases = cases(&[]);
    assert_all_passed(&cases);

    // What a script needs is computed from the bytes of its modules, never guessed by its name. Twelve more have valid modules of 2.0
    // alone, and a few assertions that hold only under a newer version, such as what memory64 makes of an offset of 2^32.
    let is_newer = |name: &String| !Features::V2.contains(name);
    let old = |case: &&Case| !case.name.contains('/') && !case.features.iter().any(is_newer);
    let old: Vec<&Case> = cases.iter().filter(old).collect();
    assert!(old.len() >= 127, "only {} scripts were found to need nothing newer than 2.0", old.len());
    let vectors = old.iter().filter(|case| case.name.starts_with("simd_")).count();
    assert!(vectors >= 56, "only {vectors} of them are about vectors");
}

#[test]
#[ignore = "needs WASSAY_OFFICIAL, the folder of the official suite"]
fn every_directive_passes_when_every_allocation_collects() {
    assert_all_passed(&cases(&[("WASSAY_STRESS", "1")]));
}
