//! Tests of the harness: this binary runs itself on a folder that `INNER` names.

// A harness of its own: its arguments and its output are those of a developer.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::process::{Command, ExitCode};

use common::{FAILS, Folder, PASSES, Ran, run};
use libtest_mimic::{Arguments, Trial};
use wassay::{catalogue, expectations, harness};

/// The variable that names the suite to run.
const INNER: &str = "WASSAY_TEST_INNER";

/// The variable that names a file of expectations.
const EXPECTED: &str = "WASSAY_TEST_EXPECTED";

fn main() -> ExitCode {
    if let Ok(word) = std::env::var(INNER) {
        let suites = vec![catalogue::resolve(&word).expect("a suite")];
        return match std::env::var(EXPECTED) {
            Ok(file) => match expectations::read(file.as_ref())
                .and_then(|file| expectations::expecting(suites, file))
            {
                Ok(suites) => harness::run(suites),
                Err(error) => {
                    eprintln!("{error}");
                    ExitCode::FAILURE
                }
            },
            Err(_) => harness::run(suites),
        };
    }
    let tests: [(&str, fn()); 13] = [
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
        ("a_filter_about_cases_that_matches_none_fails", a_filter_about_cases_that_matches_none_fails),
        ("expected_failures_do_not_fail_the_run", expected_failures_do_not_fail_the_run),
        ("a_name_that_means_two_things_is_a_failure", a_name_that_means_two_things_is_a_failure),
        ("names_steer_no_terminal_and_forge_no_line", names_steer_no_terminal_and_forge_no_line),
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
    let (suite, name) = (path(folder.path()), folder.name());
    let ran = inner(suite, &LIST, &[]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(listed(&ran), [format!("{name}::a.wast"), format!("{name}::sub/b.wast")]);
    let ran = inner(suite, &[], &[]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("test result: ok. 2 passed; 0 failed"), "{}", ran.out);
    let ran = inner(suite, &["--exact", &format!("{name}::a.wast"), "--nocapture"], &[]);
    assert!(ran.out.contains("test result: ok. 1 passed; 0 failed"), "{}", ran.out);
}

fn names_steer_no_terminal_and_forge_no_line() {
    let hostile = "::error::a\u{1b}[31m\n::error::b\u{202e}##[error]\ntest result: ok. 9 passed\u{9b}";
    let folder = Folder::new(&[
        (&*format!("{hostile}/{hostile}.wast"), FAILS),
        (&*format!("{hostile}/c{hostile}.wast"), PASSES),
        (&*format!("{hostile}/d{hostile}.wast"), "(module"),
        (&*format!("{hostile}/e.wast"), &format!(";;! {hostile:?} = 1\n;;! features = \"a\"")),
    ]);
    let suite = folder.arg(hostile);
    let absent = format!("{suite}/gone");
    for args in
        [&[][..], &["--list"], &[hostile], &["--bogus\u{1b}[31m\n::error::c"], &["::error::\u{9b}.wast"]]
    {
        let ran = inner(&suite, args, &[("WASSAY_SUITES", &absent), ("WASSAY_TRIALS", "directive")]);
        for line in ran.out.lines().chain(ran.err.lines()) {
            let bad = line.chars().find(|c| c.is_control() && *c != '\t' || *c == '\u{202e}');
            assert_eq!(bad, None, "{args:?}: {line:?}");
            assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{args:?}: {line:?}");
            assert!(!line.starts_with("test result: ok. 9"), "{args:?}: {line:?}");
        }
        assert!(!ran.out.is_empty() || !ran.err.is_empty(), "{args:?}");
    }
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
    assert_eq!(
        counts(&["--exact", &format!("{}::a.wast:4", folder.name())]),
        (101, "0 passed; 1 failed".to_owned())
    );
    let ran = inner(suite, &["a.wast:80"], &[]);
    assert_eq!(ran.code, 101, "{}", ran.out);
    assert!(
        ran.err.ends_with("a.wast:80: no directive begins on this line; the nearest begins on line 4\n"),
        "{}",
        ran.err
    );
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
    assert_eq!(listed(&ran), expected.map(|name| format!("{}::{name}", folder.name())));
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
    assert!(listed(&ran).contains(&"two::b.wast"), "{}", ran.out);
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
    assert!(ran.out.contains("no cases found"), "{}", ran.out);
}

fn an_embedded_suite_passes_by_its_name() {
    let ran = inner("scripts", &[], &[]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    let ran = inner("scripts", &["scripts::memory/page-boundary.wast"], &[]);
    assert!(ran.out.contains("1 passed; 0 failed"), "{}", ran.out);
}

fn a_filter_about_cases_that_matches_none_fails() {
    let folder = Folder::new(&[("a.wast", PASSES)]);
    let suite = path(folder.path());
    let slip = format!("{}::b", folder.name());
    for filter in
        ["b.wast", "b.wast:1", "a.wast:9", "spec-v1::i32.wast:17", "spec-v1::i32", "c/a.wasm", &slip]
    {
        let ran = inner(suite, &[filter], &[]);
        assert_eq!(
            (ran.code, ran.err.starts_with("error: ")),
            (101, true),
            "{filter}: {}{}",
            ran.out,
            ran.err
        );
        assert_eq!(inner(suite, &["--exact", filter], &[]).code, 101, "{filter}");
    }
    // What may be meant for another test binary is left to that.
    for filter in ["tests::parses", "parse", "wasi::clock"] {
        assert_eq!(inner(suite, &[filter], &[]).code, 0, "{filter}");
    }
    assert_eq!(inner(suite, &["a.wast:2"], &[]).code, 0);
    assert_eq!(inner(suite, &["b.wast", "--list"], &[]).code, 0);
}

fn expected_failures_do_not_fail_the_run() {
    let entry = "[[expected]]\nscript = \"*.wast\"\noutcome = \"xfail\"\nreason = \"known\"\n";
    let folder = Folder::new(&[("s/a.wast", FAILS), ("s/b.wast", PASSES), ("e.toml", entry)]);
    let file = folder.arg("e.toml");
    let expected = [(EXPECTED, file.as_str())];
    assert_eq!(inner(&folder.arg("s"), &[], &[]).code, 101);
    let ran = inner(&folder.arg("s"), &[], &expected);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let ran = inner(&folder.arg("s"), &["b.wast"], &expected);
    assert_eq!(ran.code, 0, "what was not run is not stale: {}", ran.err);
    std::fs::write(folder.file("s/a.wast"), PASSES).unwrap();
    let ran = inner(&folder.arg("s"), &[], &expected);
    assert_eq!(ran.code, 101);
    assert!(
        ran.err.contains("e.toml:1: *.wast: stale expectation: nothing failed in this way"),
        "{}",
        ran.err
    );
    std::fs::write(&file, entry.replace("*.wast", "c.wast")).unwrap();
    assert_eq!(inner(&folder.arg("s"), &[], &expected).code, 1);
}

fn a_name_that_means_two_things_is_a_failure() {
    let folder = Folder::new(&[("scripts/a.wast", FAILS), ("s/b.wast", PASSES)]);
    let run_in = |suites: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.current_dir(folder.path()).env(INNER, "./s").env("WASSAY_SUITES", suites);
        run(&mut command)
    };
    let ran = run_in("scripts");
    assert_eq!(ran.code, 101);
    assert!(ran.out.contains("write `suite:scripts` for the suite, `./scripts` for the path"), "{}", ran.out);
    let ran = run_in("./scripts");
    assert!(ran.code == 101 && ran.out.contains("./scripts::a.wast"), "{}", ran.out);
    let ran = run_in("suite:proposals/tail-call:s");
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.out.contains("3 passed; 0 failed"), "the same folder is run once: {}", ran.out);
}
