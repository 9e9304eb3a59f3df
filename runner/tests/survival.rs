//! What a run survives. This binary is its own command line, on an engine that [faults](fault) where a script asks for it, and its own
//! harness; so are the children that it starts.

#![allow(clippy::unwrap_used)]

mod common;
mod fault;

use std::process::{Command, ExitCode};

use common::{Folder, PASSES, Ran, run};
use fault::{Faulty, TRACES};
use libtest_mimic::{Arguments, Trial};
use wassay::{catalogue, cli, harness};
use wassay_reports::{Case, Outcome, Report, json};

/// What this process is, if it is not the tests: the command line, or the harness of a folder.
const ROLE: &str = "WASSAY_TEST_ROLE";

fn main() -> ExitCode {
    match std::env::var(ROLE).as_deref() {
        Ok("cli") => return cli::main_with(Faulty::new),
        Ok(folder) => return harness::run_with(vec![catalogue::resolve(folder).unwrap()], Faulty::new),
        Err(_) => {}
    }
    let tests: [(&str, fn()); 5] = [
        ("five_verdicts", five_verdicts),
        ("a_crash_says_how_and_where", a_crash_says_how_and_where),
        ("a_harness_isolates_too", a_harness_isolates_too),
        ("isolation_changes_no_report", isolation_changes_no_report),
        ("a_panic_is_told_with_its_directive", a_panic_is_told_with_its_directive),
    ];
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

/// This binary as the command line, with the folder that faults leave traces in.
fn cli(folder: &Folder, args: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(ROLE, "cli").env(TRACES, folder.path()).args(args);
    command
}

/// A script whose second directive does this to its process, between one that passes and two that would.
fn fault(name: &str) -> String {
    format!("{PASSES}  (invoke \"fault-{name}\")\n(invoke \"seven\")\n(invoke \"seven\")\n")
}

fn report(folder: &Folder, name: &str) -> Report {
    let text = std::fs::read_to_string(folder.file(name)).unwrap();
    let report = json::parse(&text).unwrap();
    assert_eq!(json::render(&report), text, "what was read is all that was written");
    report
}

fn case<'a>(report: &'a Report, name: &str) -> &'a Case {
    report.suites[0].cases.iter().find(|case| case.name == name).unwrap()
}

/// Runs a folder's scripts `s`, isolated, and reads the report.
fn isolated(folder: &Folder, more: &[&str]) -> (Ran, Report) {
    let (suite, file) = (folder.arg("s"), format!("json={}", folder.arg("r.json")));
    let args = [&["test", &suite, "--isolate", "--report", &file], more].concat();
    let ran = run(&mut cli(folder, &args));
    (ran, report(folder, "r.json"))
}

fn five_verdicts() {
    let recursion = "(module (func $f (export \"f\") (call $f)))\n(invoke \"f\")\n(module)\n";
    let folder = Folder::new(&[
        ("s/loop.wast", "(module (func (export \"f\") (loop (br 0))))\n(invoke \"f\")\n(module)\n"),
        ("s/overflow.wast", recursion),
        ("s/crash.wast", &fault("segv")),
        ("s/memory.wast", &fault("memory")),
        ("s/good.wast", PASSES),
    ]);
    let (ran, report) = isolated(&folder, &["--timeout", "300ms", "--max-memory", "256MiB"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let told = ["loop", "overflow", "crash", "memory", "good"].map(|name| {
        let case = case(&report, &format!("{name}.wast"));
        let kinds = case.failures.iter().map(|failure| format!("{} {}", failure.line, failure.kind));
        (case.outcome, case.directives.passed, kinds.collect::<Vec<_>>().join(", "))
    });
    assert_eq!(told[0], (Outcome::Timeout, 1, "2 timeout, 3 not-run".to_owned()));
    assert_eq!(told[1], (Outcome::Failed, 2, "2 unexpected-exhaustion".to_owned()));
    assert_eq!(told[2], (Outcome::Crashed, 4, "5 crashed, 6 not-run, 7 not-run".to_owned()));
    assert_eq!(told[3], (Outcome::Crashed, 4, "5 crashed, 6 not-run, 7 not-run".to_owned()));
    assert_eq!(told[4], (Outcome::Passed, 4, String::new()));
    let crash = &case(&report, "crash.wast").failures[0];
    assert_eq!((crash.column, crash.source.as_str()), (3, "(invoke \"fault-segv\")"));
    assert_eq!(crash.message, "its process was ended by SIGSEGV");
    assert!(ran.out.contains("/crash.wast:5:3: crashed: its process was ended by SIGSEGV\n"), "{}", ran.out);
    let memory = &case(&report, "memory.wast").failures[0].message;
    assert!(
        memory.starts_with("out of memory: ") && memory.ends_with(" in use, over --max-memory 256 MiB"),
        "{memory}"
    );
    let totals = report.totals();
    assert_eq!((totals.cases.total(), totals.cases.failed, totals.directives.total()), (5, 4, 24));
    assert!(case(&report, "crash.wast").keys.len() == 7, "every directive has its key");
}

fn a_crash_says_how_and_where() {
    let names = ["abort", "exit", "overflow", "panic", "allocation"];
    let files = names.map(|name| (format!("s/{name}.wast"), fault(name)));
    let folder = Folder::new(&files.each_ref().map(|(name, text)| (name.as_str(), text)));
    let (ran, report) = isolated(&folder, &[]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let told = names.map(|name| {
        let failure = &case(&report, &format!("{name}.wast")).failures[0];
        assert_eq!((failure.line, failure.kind.as_str()), (5, "crashed"));
        failure.message.as_str()
    });
    assert_eq!(told[0], "its process was ended by SIGABRT");
    assert_eq!(told[1], "its process exited with 3 and no result");
    assert!(
        told[2].starts_with("its process was ended by SIGABRT: ") && told[2].contains("overflow"),
        "{}",
        told[2]
    );
    assert!(told[3].ends_with("a fault of its own: the engine of the test panics"), "{}", told[3]);
    let refused = "ended by SIGABRT: memory allocation of 4611686018427387904 bytes failed";
    assert!(told[4].ends_with(refused), "{}", told[4]);
    // What a child prints is not lost.
    assert!(ran.err.contains("has overflowed its stack"), "{}", ran.err);
}

fn a_panic_is_told_with_its_directive() {
    let folder = Folder::new(&[("s/a.wast", &fault("panic"))]);
    let (_, isolated) = isolated(&folder, &[]);
    let file = format!("json={}", folder.arg("r.json"));
    assert_eq!(run(&mut cli(&folder, &["test", &folder.arg("s"), "--report", &file])).code, 1);
    let alone = report(&folder, "r.json");
    assert_eq!(alone.suites[0].cases[0].failures[0].line, 5);
    assert_eq!(without_times(alone), without_times(isolated));
}

fn a_harness_isolates_too() {
    let folder = Folder::new(&[("s/a.wast", &fault("segv")), ("s/b.wast", &PASSES.to_owned())]);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(ROLE, folder.arg("s")).env(TRACES, folder.path()).env("WASSAY_ISOLATE", "1");
    let ran = run(&mut command);
    assert_eq!(ran.code, 101, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("1 passed; 1 failed"), "{}", ran.out);
    assert!(ran.out.contains("a.wast:5:3: crashed: its process was ended by SIGSEGV"), "{}", ran.out);
}

/// A report as it is whenever it was made.
fn without_times(mut report: Report) -> Report {
    report.started = String::new();
    report.duration = std::time::Duration::ZERO;
    for case in report.suites.iter_mut().flat_map(|suite| &mut suite.cases) {
        case.duration = std::time::Duration::ZERO;
    }
    report
}

fn isolation_changes_no_report() {
    let folder = Folder::new(&[("e.toml", "")]);
    let args = |file: &str| format!("json={}", folder.arg(file));
    // With expectations, of the suite's own and of a file, and with a script that fails.
    let suites = ["scripts", "proposals/mutable-global", "proposals/threads"];
    let run = |file: &str, more: &[&str]| {
        let ran = common::wassay(&[&["test", "--report", &args(file)], &suites[..], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.out);
        without_times(report(&folder, file))
    };
    assert_eq!(run("one.json", &[]), run("two.json", &["--isolate"]));
}
