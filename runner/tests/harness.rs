//! The harness as a test binary: this one, which runs itself over a folder that `INNER` names.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::process::{Command, ExitCode};

use common::{FAILS, Folder, PASSES, Ran, run};
use libtest_mimic::{Arguments, Trial};
use wassay::{catalogue, harness};

/// The variable that names the suite to run.
const INNER: &str = "WASSAY_TEST_INNER";

fn main() -> ExitCode {
    if let Ok(word) = std::env::var(INNER) {
        return harness::run(vec![catalogue::resolve(&word).expect("a suite")]);
    }
    let tests: [(&str, fn()); 9] = [
        ("a_trial_a_script", a_trial_a_script),
        ("a_failing_trial_lists_its_failing_directives", a_failing_trial_lists_its_failing_directives),
        ("a_line_in_the_filter_gives_a_trial_a_line", a_line_in_the_filter_gives_a_trial_a_line),
        ("the_variable_gives_a_trial_a_line", the_variable_gives_a_trial_a_line),
        ("listing_neither_parses_nor_runs", listing_neither_parses_nor_runs),
        (
            "a_script_that_cannot_be_run_fails_in_every_grain",
            a_script_that_cannot_be_run_fails_in_every_grain,
        ),
        ("more_folders_come_from_the_environment", more_folders_come_from_the_environment),
        ("an_absent_folder_is_not_run", an_absent_folder_is_not_run),
        ("an_embedded_suite_passes_by_its_name", an_embedded_suite_passes_by_its_name),
    ];
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

fn inner(suite: &str, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(std::env::current_exe().unwrap());
    run(command.args(args).env(INNER, suite).envs(variables.iter().copied()))
}

fn path(folder: &Path) -> &str {
    folder.to_str().unwrap()
}

/// The names that a test binary lists.
fn listed(ran: &Ran) -> Vec<&str> {
    ran.out.lines().filter_map(|line| line.strip_suffix(": test")).collect()
}

const LIST: [&str; 3] = ["--list", "--format", "terse"];

fn a_trial_a_script() {
    let folder = Folder::new(&[("a.wast", PASSES), ("sub/b.wast", PASSES)]);
    let suite = path(folder.path());
    let ran = inner(suite, &LIST, &[]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(listed(&ran), [format!("{suite}::a.wast"), format!("{suite}::sub/b.wast")]);
    let ran = inner(suite, &[], &[]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("test result: ok. 2 passed; 0 failed"), "{}", ran.out);
    let ran = inner(suite, &["--exact", &format!("{suite}::a.wast"), "--nocapture"], &[]);
    assert!(ran.out.contains("test result: ok. 1 passed; 0 failed"), "{}", ran.out);
}

fn a_failing_trial_lists_its_failing_directives() {
    let folder = Folder::new(&[("a.wast", FAILS), ("b.wast", PASSES)]);
    let suite = path(folder.path());
    let ran = inner(suite, &[], &[]);
    assert_eq!(ran.code, 101);
    assert!(ran.out.contains("1 passed; 1 failed"), "{}", ran.out);
    // The same text as from the command.
    let shown = common::wassay(&["wast", &folder.arg("a.wast")]).out;
    let failures = shown.rsplit_once("1 script, ").unwrap().0;
    assert!(failures.lines().count() > 6 && ran.out.contains(failures), "{}\n{failures}", ran.out);
}

fn a_line_in_the_filter_gives_a_trial_a_line() {
    let folder = Folder::new(&[("a.wast", FAILS), ("b.wast", PASSES)]);
    let suite = path(folder.path());
    let counts = |args: &[&str]| {
        let ran = inner(suite, args, &[]);
        let result = ran.out.lines().find(|line| line.starts_with("test result: ")).unwrap();
        let counts = result.split(". ").nth(1).unwrap().split("; ").take(2);
        (ran.code, counts.collect::<Vec<_>>().join("; "))
    };
    assert_eq!(counts(&["a.wast:2"]), (101, "0 passed; 1 failed".to_owned()));
    assert_eq!(counts(&["a.wast:3"]), (0, "1 passed; 0 failed".to_owned()));
    assert_eq!(counts(&["--exact", &format!("{suite}::a.wast:4")]), (101, "0 passed; 1 failed".to_owned()));
    assert_eq!(counts(&["a.wast:80"]), (0, "0 passed; 0 failed".to_owned()));
    let many = Folder::new(&[("a.wast", PASSES.repeat(5))]);
    let ran = inner(path(many.path()), &["a.wast:1"], &[]);
    assert!(ran.out.contains("1 passed; 0 failed"), "line 1 alone, not 10 to 19: {}", ran.out);
    let ran = inner(suite, &["a.wast:2"], &[]);
    assert!(ran.out.contains("a.wast:2:1: wrong-value") && !ran.out.contains("a.wast:4:3"), "{}", ran.out);
}

fn the_variable_gives_a_trial_a_line() {
    let two_on_a_line = "(module) (module)\n(module)\n";
    let folder = Folder::new(&[("a.wast", FAILS), ("b.wast", two_on_a_line)]);
    let suite = path(folder.path());
    let lines = [("WASSAY_TRIALS", "directive")];
    let ran = inner(suite, &LIST, &lines);
    let expected = ["a.wast:1", "a.wast:2", "a.wast:3", "a.wast:4", "b.wast:1", "b.wast:2"];
    assert_eq!(listed(&ran), expected.map(|name| format!("{suite}::{name}")));
    let ran = inner(suite, &[], &lines);
    assert_eq!(ran.code, 101);
    assert!(ran.out.contains("4 passed; 2 failed"), "{}", ran.out);
}

fn listing_neither_parses_nor_runs() {
    // Neither a script that is no text nor a broken one is noticed before it is run.
    let folder = Folder::new(&[("a.wast", &b"\xff"[..]), ("b.wast", b"(module")]);
    let ran = inner(path(folder.path()), &LIST, &[]);
    assert_eq!((ran.code, listed(&ran).len(), ran.err.as_str()), (0, 2, ""));
}

fn a_script_that_cannot_be_run_fails_in_every_grain() {
    let folder = Folder::new(&[("a.wast", "(module\n")]);
    let suite = path(folder.path());
    for variables in [&[][..], &[("WASSAY_TRIALS", "directive")]] {
        let ran = inner(suite, &[], variables);
        assert_eq!(ran.code, 101);
        assert!(ran.out.contains("a.wast:1:1: `(` is never closed"), "{}", ran.out);
        assert!(ran.out.contains("0 passed; 1 failed"), "{}", ran.out);
    }
}

fn more_folders_come_from_the_environment() {
    let folder = Folder::new(&[("one/a.wast", PASSES), ("two/b.wast", PASSES), ("three/c.wast", FAILS)]);
    let more = format!("{}:{}", folder.arg("two"), folder.arg("three"));
    let ran = inner(&folder.arg("one"), &[], &[("WASSAY_SUITES", &more)]);
    assert_eq!(ran.code, 101);
    assert!(ran.out.contains("2 passed; 1 failed"), "{}", ran.out);
    let ran = inner(&folder.arg("one"), &LIST, &[("WASSAY_SUITES", &more)]);
    assert!(listed(&ran).contains(&format!("{}::b.wast", folder.arg("two")).as_str()), "{}", ran.out);
}

fn an_absent_folder_is_not_run() {
    let folder = Folder::new(&[("one/a.wast", PASSES), ("empty/readme", "")]);
    let gone = folder.arg("gone");
    let ran = inner(&folder.arg("one"), &[], &[("WASSAY_SUITES", &gone)]);
    assert_eq!(ran.code, 0);
    let line = ran.out.lines().find(|line| line.contains(&gone)).unwrap();
    assert!(line.contains("not run") && line.contains("ignored"), "{line}");
    assert!(ran.out.contains("1 passed; 0 failed; 1 ignored"), "{}", ran.out);
    // One that is there and holds no script is a mistake.
    let ran = inner(&folder.arg("one"), &[], &[("WASSAY_SUITES", &folder.arg("empty"))]);
    assert_eq!(ran.code, 101);
    assert!(ran.out.contains("no .wast file in this folder"), "{}", ran.out);
}

fn an_embedded_suite_passes_by_its_name() {
    let ran = inner("scripts", &[], &[]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    let ran = inner("scripts", &["scripts::memory/page-boundary.wast"], &[]);
    assert!(ran.out.contains("1 passed; 0 failed"), "{}", ran.out);
}
