//! The complete official suite, where `WASSAY_OFFICIAL` says it lies: every directive of every
//! script passes, directly and through the protocol by which other engines are driven.

// A test prints what it found by itself.
#![allow(clippy::disallowed_macros)]
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use common::{Folder, run, wassay};
use wassay_engine::Features;
use wassay_reports::{Apart, Case, Key, Outcome, json};

/// Where the suite lies.
fn official() -> OsString {
    let suite =
        std::env::var_os("WASSAY_OFFICIAL").expect("WASSAY_OFFICIAL is the folder of the official suite");
    assert!(Path::new(&suite).join("i32.wast").is_file(), "no official suite in {}", suite.display());
    suite
}

/// Runs the suite with these variables of the environment besides.
fn cases(variables: &[(&str, &str)]) -> Vec<Case> {
    cases_of(variables, &[])
}

/// The same with more arguments.
fn cases_of(variables: &[(&str, &str)], more: &[&str]) -> Vec<Case> {
    let folder = Folder::new::<&str>(&[]);
    let report = folder.arg("report.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args(["test", "--report", &format!("json={report}")]).args(more).arg(official());
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

    // What a script needs is computed from the bytes of its modules, never guessed by its name.
    // Twelve more have valid modules of 2.0 alone, and a few assertions that hold only under a
    // newer version, such as what memory64 makes of an offset of 2^32.
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

#[test]
#[ignore = "needs WASSAY_OFFICIAL, the folder of the official suite"]
fn every_directive_passes_whenever_functions_are_compiled() {
    for when in ["tiered", "lazy", "quick", "eager", "stressed"] {
        assert_all_passed(&cases(&[("WASSAY_COMPILE", when)]));
        assert_all_passed(&cases(&[("WASSAY_COMPILE", when), ("WASSAY_STRESS", "1")]));
    }
}

/// The command of our own adapter.
fn own() -> String {
    format!("'{}' adapter", env!("CARGO_BIN_EXE_wassay"))
}

/// What became of each directive of a case that did not simply pass.
fn verdicts(case: &Case) -> HashMap<Key, (String, Option<Apart>)> {
    let failed = case.failures.iter().map(|failure| (failure.key, (failure.kind.clone(), None)));
    let noted = case.notes.iter().map(|note| (note.key, (note.outcome.to_string(), note.apart)));
    failed.chain(noted).map(|(key, verdict)| (key.expect("a key"), verdict)).collect()
}

#[test]
#[ignore = "needs WASSAY_OFFICIAL, the folder of the official suite"]
fn every_directive_has_the_same_verdict_through_the_protocol() {
    let (direct, driven) = (cases(&[]), cases_of(&[], &["--engine", &own()]));
    assert_eq!(direct.len(), driven.len());
    let (mut judged, mut not_applicable, mut differ) = (0, 0, Vec::new());
    for (direct, driven) in direct.iter().zip(&driven) {
        assert_eq!((&direct.name, &direct.keys), (&driven.name, &driven.keys));
        let (one, other) = (verdicts(direct), verdicts(driven));
        for key in &direct.keys {
            match (one.get(key), other.get(key)) {
                (_, Some((_, Some(Apart::NotApplicable)))) => not_applicable += 1,
                (one, other) if one == other => judged += 1,
                (one, other) => differ.push(format!("{} {key}: {one:?} and {other:?}", direct.name)),
            }
        }
    }
    println!("{judged} directives judged both ways, {not_applicable} directly alone");
    assert!(differ.is_empty(), "{differ:#?}");
    assert!(judged >= 65_800, "{judged}");
}

#[test]
#[ignore = "needs WASSAY_OFFICIAL, the folder of the official suite"]
fn no_altered_expectation_is_met() {
    let folder = Folder::new::<&str>(&[]);
    let (plan, answers) = (folder.arg("plan"), folder.arg("answers"));
    // Of several results, and of the lanes of a vector, the first and the last.
    for part in ["0", "15"] {
        let suite = official();
        let suite = suite.to_str().expect("a path in UTF-8");
        let ran = wassay(&["plan", suite, "--altered", part, "-o", &plan]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let script = format!("{} < '{plan}' > '{answers}'", own());
        let ran = run(Command::new("sh").args(["-c", &script]));
        assert_eq!(ran.code, 0, "{}", ran.err);
        let judged = wassay(&["judge", &plan, &answers]);
        println!("{}", judged.out);
        assert_eq!(judged.code, 0, "{}", judged.out);
        assert!(judged.out.contains(" 0 passed, "), "{}", judged.out);
    }
}
