//! `--expectations` and `--bless-expectations`, as processes.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Folder, Ran, wassay};

/// Three directives on three lines: the second fails, the third takes for ever.
const SCRIPT: &str =
    "(module (func (export \"one\") (result i32) (i32.const 1)) (func (export \"loop\") (loop (br 0))))
(assert_return (invoke \"one\") (i32.const 2))
(assert_return (invoke \"one\") (i32.const 1))
";

/// Runs that script with a file of expectations.
fn run(script: &str, expectations: &str, more: &[&str]) -> (Ran, String) {
    let folder = Folder::new(&[("s/a.wast", script), ("e.toml", expectations)]);
    let (suite, file) = (folder.arg("s"), folder.arg("e.toml"));
    let ran = wassay(&[&["test", &suite, "--expectations", &file], more].concat());
    let written = std::fs::read_to_string(&file).unwrap().replace(&suite, "S");
    (Ran { out: ran.out.replace(&suite, "S"), err: ran.err.replace(&file, "e.toml"), ..ran }, written)
}

fn entry(key: &str, outcome: &str) -> String {
    format!(
        "[[expected]]\nscript = \"a.wast\"\nkey = \"{key}\"\noutcome = \"{outcome}\"\nreason = \"it is stale\"\n"
    )
}

/// The key of the directive that fails, as blessing finds it.
fn failing_key() -> String {
    let (_, written) = run(SCRIPT, "", &["--bless-expectations"]);
    let key = written.lines().find_map(|line| line.strip_prefix("key = \"")).expect("a key");
    key.trim_end_matches('"').to_owned()
}

#[test]
fn a_failure_that_is_expected_fails_no_run_and_tells_its_reason() {
    let (ran, _) = run(SCRIPT, &entry(&failing_key(), "xfail"), &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("S/a.wast:2:1: failed as expected: it is stale\n"), "{}", ran.out);
    let (ran, _) = run(SCRIPT, "", &[]);
    assert_eq!(ran.code, 1);
    assert!(!ran.out.contains("stale"), "{}", ran.out);
}

#[test]
fn a_pass_that_was_to_fail_fails_the_run() {
    let key = failing_key();
    let right = SCRIPT.replace("(i32.const 1)) (func", "(i32.const 2)) (func");
    let (ran, _) = run(&right, &entry(&key, "xfail"), &[]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("S/a.wast:2:1: passed, and was expected to fail: it is stale\n"), "{}", ran.out);
}

#[test]
fn what_is_skipped_is_not_run() {
    let endless = SCRIPT.replace("(assert_return (invoke \"one\") (i32.const 2))", "(invoke \"loop\")");
    let blessed = run(&endless.replace("(br 0)", "(unreachable)"), "", &["--bless-expectations"]).1;
    let skip = blessed.replace("\"xfail\"", "\"skip\"").replace("suite = \"S\"\n", "");
    let (ran, _) = run(&endless, &skip, &["--timeout", "10s"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("S/a.wast:2:1: skipped: "), "{}", ran.out);
}

#[test]
fn an_expectation_of_nothing_is_an_error() {
    let (ran, _) = run(SCRIPT, &entry("0123456789ab", "xfail"), &[]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("S/a.wast: something is expected of the directive 0123456789ab"), "{}", ran.out);
    let (ran, _) = run(SCRIPT, &entry("0123456789ab", "xfail").replace("a.wast", "b.wast"), &[]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("e.toml: b.wast 0123456789ab: these suites have no such script"), "{}", ran.err);
    let (ran, _) = run(SCRIPT, &entry("short", "xfail"), &[]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("e.toml:1: `short` is no key"), "{}", ran.err);
}

#[test]
fn blessing_writes_what_failed_and_drops_what_passed() {
    let key = failing_key();
    let other = entry("0123456789ab", "xfail").replace("a.wast", "other.wast");
    let stale = entry("ffffffffffff", "xfail");
    let kept = entry(&key, "xfail");
    let (ran, written) = run(SCRIPT, &format!("{other}{stale}{kept}"), &["--bless-expectations"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(written.contains("other.wast") && written.contains("it is stale"), "{written}");
    assert!(
        written.contains(&key) && !written.contains("ffffffffffff") && !written.contains("blessed"),
        "{written}"
    );
    // A file that is not there is made; without `--expectations` there is none to write.
    let folder = Folder::new(&[("a.wast", SCRIPT)]);
    let (script, new) = (folder.arg("a.wast"), folder.arg("new.toml"));
    assert_eq!(wassay(&["test", &script, "--expectations", &new]).code, 1);
    assert_eq!(wassay(&["test", &script, "--expectations", &new, "--bless-expectations"]).code, 0);
    assert_eq!(wassay(&["test", &script, "--expectations", &new]).code, 0);
    assert_eq!(wassay(&["test", &script, "--bless-expectations"]).code, 2);
}

#[test]
fn a_time_that_is_over_is_expected_of_nothing() {
    let endless = SCRIPT.replace("(assert_return (invoke \"one\") (i32.const 2))", "(invoke \"loop\")");
    let (ran, written) = run(&endless, "", &["--timeout", "200ms", "--bless-expectations"]);
    assert_eq!(ran.code, 1);
    assert!(!written.contains("[[expected]]"), "{written}");
}
