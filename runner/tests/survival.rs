//! Tests of crash isolation. This binary acts as the command line and as the harness, with an
//! engine that [crashes](fault) on request, and so do its child processes.

// A harness of its own: its arguments and its output are those of a developer.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)]

mod common;
mod fault;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitCode, Stdio};

use common::{FAILS, Folder, PASSES, Ran, clean, run};
use fault::{Faulty, HANGS, LOCK, SURVIVED, TRACES, WILD};
use libtest_mimic::{Arguments, Trial};
use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::process::{Pid, Signal, kill_process};
use wassay::{catalogue, cli, harness};
use wassay_reports::{Case, Outcome, Report, json};

/// The role of this process if it does not run the tests: the command line, or the harness of a
/// folder.
const ROLE: &str = "WASSAY_TEST_ROLE";

fn main() -> ExitCode {
    match std::env::var(ROLE).as_deref() {
        Ok("cli") => return cli::main_with(Faulty::new),
        Ok(folder) => return harness::run_with(vec![catalogue::resolve(folder).unwrap()], Faulty::new),
        Err(_) => {}
    }
    let tests: [(&str, fn()); 15] = [
        ("five_verdicts", five_verdicts),
        ("a_crash_says_how_and_where", a_crash_says_how_and_where),
        ("a_wild_access_is_a_crash_and_no_trap", a_wild_access_is_a_crash_and_no_trap),
        ("a_harness_isolates_too", a_harness_isolates_too),
        ("isolation_changes_no_report", isolation_changes_no_report),
        ("guests_are_isolated_too", guests_are_isolated_too),
        ("a_panic_is_reported_with_its_directive", a_panic_is_reported_with_its_directive),
        ("a_case_that_does_not_end_is_ended", a_case_that_does_not_end_is_ended),
        ("a_crash_is_reproduced", a_crash_is_reproduced),
        ("what_fails_once_is_flaky", what_fails_once_is_flaky),
        ("what_fails_always_is_tried_so_often", what_fails_always_is_tried_so_often),
        ("an_interrupted_run_reports_what_it_found", an_interrupted_run_reports_what_it_found),
        ("a_second_interruption_ends_it_at_once", a_second_interruption_ends_it_at_once),
        ("a_killed_run_leaves_no_files", a_killed_run_leaves_no_files),
        ("memory_is_limited_in_the_store_too", memory_is_limited_in_the_store_too),
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
    command.env(ROLE, "cli").env(TRACES, folder.path()).env("TMPDIR", folder.path()).args(args);
    command
}

/// A script whose second directive does this to its process, between one that passes and two that
/// would.
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

fn a_wild_access_is_a_crash_and_no_trap() {
    let text = format!(
        "(module (memory 1) (data (i32.const 0) \"{WILD}\")
           (func (export \"fault-wild\"))
           (func (export \"load\") (result i32) (i32.load8_u (i32.const 0))))
         (assert_return (invoke \"load\") (i32.const 97))
         (invoke \"fault-wild\")
         (assert_trap (invoke \"load\") \"out of bounds memory access\")
         (module)"
    );
    let folder = Folder::new(&[("s/wild.wast", &text)]);
    let (ran, report) = isolated(&folder, &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let wild = case(&report, "wild.wast");
    assert_eq!((wild.outcome, wild.directives.passed), (Outcome::Crashed, 3));
    let failure = &wild.failures[0];
    assert_eq!((failure.line, failure.kind.as_str()), (6, "crashed"));
    assert!(failure.message.starts_with("its process was ended by SIGSEGV: "), "{}", failure.message);
    assert!(failure.message.contains("engine bug"), "{}", failure.message);
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
    // The output of a child process is not lost.
    assert!(ran.err.contains("has overflowed its stack"), "{}", ran.err);
}

fn a_panic_is_reported_with_its_directive() {
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

fn guests_are_isolated_too() {
    let guest =
        |body: &str| format!("(module (memory (export \"memory\") 1) (func (export \"_start\") {body}))");
    let folder = Folder::new(&[
        ("s/good.wat", guest("").as_str()),
        ("s/good.json", "{}"),
        ("s/trap.wat", &guest("unreachable")),
        ("s/trap.json", "{}"),
        ("s/loop.wat", &guest("(loop (br 0))")),
        ("s/loop.json", "{}"),
        ("s/broken.wat", "(module"),
        ("s/broken.json", "{"),
        ("s/a.wast", FAILS),
    ]);
    let (ran, isolated) = isolated(&folder, &["--timeout", "300ms"]);
    assert_eq!(ran.code, 1);
    let file = format!("json={}", folder.arg("r.json"));
    let args = ["test", &folder.arg("s"), "--timeout", "300ms", "--report", &file];
    let alone = run(&mut cli(&folder, &args));
    let lines =
        |out: &str| out.lines().filter(|line| line.contains("/s/")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&alone.out)[..3], lines(&ran.out)[..3]);
    assert_eq!(without_times(report(&folder, "r.json")), without_times(isolated));
}

fn a_case_that_does_not_end_is_ended() {
    let folder = Folder::new(&[("s/a.wast", &fault("hang")), ("s/b.wast", &PASSES.to_owned())]);
    let (ran, report) = isolated(&folder, &["--timeout", "1s"]);
    assert_eq!(ran.code, 1);
    let case = case(&report, "a.wast");
    assert_eq!((case.outcome, case.directives.passed, case.failures[0].line), (Outcome::Timeout, 4, 5));
    assert!(
        case.failures[0].message.ends_with("its process did not end; it was killed"),
        "{:?}",
        case.failures
    );
    assert_ended(&folder);
}

/// Waits for the end of the case that hung.
fn assert_ended(folder: &Folder) {
    let lock = File::open(folder.file(LOCK)).unwrap();
    // The system gives it back when its last process has ended.
    lock.lock().unwrap();
    assert!(!folder.file(SURVIVED.1).exists(), "the case went on to its end");
}

fn what_fails_once_is_flaky() {
    for more in [&[][..], &["--isolate"]] {
        let folder = Folder::new(&[("s/a.wast", &fault("once")), ("s/b.wast", &PASSES.to_owned())]);
        let (suite, json) = (folder.arg("s"), format!("json={}", folder.arg("r.json")));
        let others = ["junit", "markdown", "html"];
        let others = others.map(|format| format!("{format}={}", folder.arg(format)));
        let mut args = vec!["test", &suite, "--retries", "2", "--report", &json];
        others.iter().for_each(|other| args.extend(["--report", other]));
        args.extend(more);
        let ran = run(&mut cli(&folder, &args));
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert!(
            ran.out.contains("a.wast:5:3: flaky: unexpected-trap: trap: the first time\n"),
            "{}",
            ran.out
        );
        assert!(ran.out.contains("a.wast: passed on attempt 2\n"), "{}", ran.out);
        assert!(ran.out.ends_with("1 case flaky: failed, then passed on retry\n"), "{}", ran.out);
        let report = report(&folder, "r.json");
        let flaky = case(&report, "a.wast");
        assert_eq!((flaky.outcome, flaky.attempts.len(), flaky.failures.len()), (Outcome::Passed, 1, 0));
        assert_eq!((flaky.attempts[0].outcome, flaky.attempts[0].failures[0].line), (Outcome::Failed, 5));
        assert!(case(&report, "b.wast").attempts.is_empty());
        let [junit, markdown, html] =
            ["junit", "markdown", "html"].map(|name| std::fs::read_to_string(folder.file(name)).unwrap());
        assert!(junit.contains("<flakyFailure ") && !junit.contains("<failure "), "{junit}");
        assert!(markdown.contains("### Flaky") && markdown.contains("passed on attempt 2"), "{markdown}");
        assert!(html.contains("<span class=\"tag flaky\">flaky</span>"), "{html}");
    }
}

fn what_fails_always_is_tried_so_often() {
    let folder = Folder::new(&[("s/a.wast", FAILS), ("s/b.wast", "(module"), ("s/c.wast", PASSES)]);
    let json = format!("json={}", folder.arg("r.json"));
    let expectations = folder.arg("e.toml");
    let suite = folder.arg("s");
    let args = ["test", &suite, "--retries", "2", "--report", &json, "--expectations", &expectations];
    let blessed = run(&mut cli(&folder, &[&args[..], &["--bless-expectations"]].concat()));
    assert_eq!(blessed.code, 1, "the broken file is not covered");
    let case_of = |name: &str| case(&report(&folder, "r.json"), name).clone();
    assert_eq!((case_of("a.wast").outcome, case_of("a.wast").attempts.len()), (Outcome::Failed, 2));
    assert_eq!(case_of("b.wast").attempts.len(), 0, "a file that is no script stays none");
    // Expected failures are not retried.
    run(&mut cli(&folder, &args));
    assert_eq!((case_of("a.wast").outcome, case_of("a.wast").attempts.len()), (Outcome::XFailed, 0));
}

/// A run that has come to a case that hangs.
struct Hanging {
    child: Child,
    err: BufReader<std::process::ChildStderr>,
}

impl Hanging {
    /// Runs the scripts of a folder, one at a time, until one hangs.
    fn start(folder: &Folder, more: &[&str]) -> Hanging {
        let (suite, json) = (folder.arg("s"), format!("json={}", folder.arg("r.json")));
        let args = [&["test", &suite, "--jobs", "1", "--report", &json], more].concat();
        let mut command = cli(folder, &args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = clean(&mut command).spawn().unwrap();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains(HANGS) {
            line.clear();
            assert!(err.read_line(&mut line).unwrap() > 0, "the run ended before it hung");
        }
        Hanging { child, err }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end; the exit code, where there is one, and what was printed.
    fn end(mut self) -> (Option<i32>, String) {
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.err.read_to_string(&mut String::new()).unwrap();
        (self.child.wait().unwrap().code(), out)
    }
}

/// Three scripts, of which the second to be run, since scripts are run by their size, hangs.
fn hanging() -> Folder {
    let first = PASSES.repeat(20);
    Folder::new(&[("s/a.wast", first.as_str()), ("s/b.wast", &fault("hang")), ("s/c.wast", PASSES)])
}

fn an_interrupted_run_reports_what_it_found() {
    let folder = hanging();
    for (signal, more) in [
        (Signal::INT, &[][..]),
        (Signal::INT, &["--isolate"]),
        (Signal::TERM, &["--isolate", "--retries", "3"]),
    ] {
        let run = Hanging::start(&folder, more);
        run.signal(signal);
        let (code, out) = run.end();
        assert_eq!(code, Some(130), "{out}");
        assert!(out.ends_with("interrupted: 1 of 3 cases completed\n"), "{out}");
        let report = report(&folder, "r.json");
        let told = report.suites[0].cases.iter().map(|case| {
            let failures =
                case.failures.iter().map(|failure| format!("{}: {}", failure.kind, failure.message));
            (
                case.name.as_str(),
                case.outcome,
                case.directives.total(),
                failures.collect::<Vec<_>>().join(", "),
            )
        });
        let told: Vec<_> = told.collect();
        assert_eq!(told[0], ("a.wast", Outcome::Passed, 80, String::new()));
        let not_begun = "not-run: the run was interrupted before it";
        // Directives that were judged before it hung count.
        let cut_short = format!("not-run: the run was interrupted while it ran, {not_begun}, {not_begun}");
        assert_eq!(told[1], ("b.wast", Outcome::Failed, 7, cut_short));
        assert_eq!(report.suites[0].cases[1].directives.passed, 4);
        assert_eq!(told[2], ("c.wast", Outcome::Failed, 4, not_begun.to_owned()));
        assert_ended(&folder);
    }
}

fn a_second_interruption_ends_it_at_once() {
    let folder = hanging();
    // A report to a pipe that nobody reads: after the first signal the run waits for a reader.
    let pipe = folder.file("pipe");
    mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
    let report = format!("json={}", pipe.display());
    let mut run = Hanging::start(&folder, &["--report", &report]);
    run.signal(Signal::INT);
    let mut out = BufReader::new(run.child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("2 of 3 cases not as expected") {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "the run ended at the first signal");
    }
    run.child.stdout = Some(out.into_inner());
    run.signal(Signal::INT);
    assert_eq!(run.end().0, Some(130));
    assert_ended(&folder);
}

fn a_killed_run_leaves_no_files() {
    let folder = hanging();
    let whole = run(&mut cli(
        &folder,
        &[
            "test",
            &folder.arg("s"),
            "--filter",
            "a.wast",
            "--report",
            &format!("json={}", folder.arg("r.json")),
        ],
    ));
    assert_eq!(whole.code, 0);
    let before = std::fs::read_to_string(folder.file("r.json")).unwrap();
    // While a case runs.
    Hanging::start(&folder, &["--isolate"]).kill();
    assert_ended(&folder);
    assert_eq!(std::fs::read_to_string(folder.file("r.json")).unwrap(), before);
    // About the moment at which the report is written, which comes behind the table: it is the old
    // one or the new one.
    let mut sizes = std::collections::BTreeSet::new();
    for _ in 0..10 {
        let json = format!("json={}", folder.arg("r.json"));
        let filters = ["--filter", "a.wast", "--filter", "c.wast"];
        let suite = folder.arg("s");
        let args = [&["test", &suite, "--report", &json, "--isolate"], &filters[..]].concat();
        let mut command = cli(&folder, &args);
        let mut child = clean(&mut command).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("suite "), "{line}");
        child.kill().unwrap();
        child.wait().unwrap();
        sizes.insert(report(&folder, "r.json").suites[0].cases.len());
    }
    assert!(sizes.iter().all(|size| [1, 2].contains(size)), "{sizes:?}");
}

impl Hanging {
    /// Kills the run, and nothing else.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn memory_is_limited_in_the_store_too() {
    let script = "\
(module (memory (export \"m\") 1) (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0))))
(assert_return (invoke \"grow\" (i32.const 14)) (i32.const 1))
(assert_return (invoke \"grow\" (i32.const 2)) (i32.const -1))
(module (memory 17))
(module (table 131073 funcref))
";
    let folder = Folder::new(&[("s/a.wast", script)]);
    let file = folder.arg("s/a.wast");
    let kinds = |args: &[&str]| {
        let ran = run(&mut cli(&folder, args));
        (ran.code, ran.out.lines().filter_map(|line| line.split_once(": unexpected-limit: ")).count())
    };
    assert_eq!(kinds(&["test", &folder.arg("s"), "--max-memory", "1MiB"]), (1, 2));
    assert_eq!(kinds(&["wast", &file, "--max-memory", "1MiB"]), (1, 2));
    let ran = run(&mut cli(&folder, &["wast", &file]));
    assert_eq!(ran.code, 1, "without a limit it grows");
    assert!(ran.out.contains("a.wast:3:1: wrong-value"), "{}", ran.out);
    for bad in ["0", "1", "lots", "1MB"] {
        let ran = run(&mut cli(&folder, &["test", &folder.arg("s"), "--max-memory", bad]));
        assert_eq!(ran.code, if bad == "1" { 1 } else { 2 }, "{bad}: {}", ran.err);
    }
}

fn a_crash_is_reproduced() {
    let crash = fault("segv");
    let folder = Folder::new(&[("a.wast", format!("(module $unused)\n{crash}{PASSES}").as_str())]);
    let file = folder.arg("a.wast");
    let ran = run(&mut cli(&folder, &["wast", "--repro", "6", &file]));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let lines: Vec<&str> = ran.out.lines().collect();
    let [features, title, module, directive] = lines[..] else { panic!("{}", ran.out) };
    assert_eq!(features, ";;! features = \"3.0\"");
    assert_eq!(title, format!(";; {file}:6:3: crashed: its process was ended by SIGSEGV"));
    assert!(module.starts_with("(module"), "{module}");
    assert_eq!(directive, "(invoke \"fault-segv\")");
    assert!(ran.err.ends_with("a.wast:6:3: crashed: reduced from 6 to 2 directives\n"), "{}", ran.err);
}
