//! `wassay wast` as a process.

use crate::common::{FAILS, Folder, PASSES, clean, run, wassay};
use rustix::fs::{CWD, Mode, mkfifoat};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

#[test]
fn a_script_that_passes_says_so_in_one_line() {
    let folder = Folder::new(&[("a.wast", PASSES)]);
    let ran = wassay(&["wast", &folder.arg("a.wast")]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "1 script, 4 directives: 4 passed, 0 failed\n"));
    assert_eq!(ran.err, "");
}

#[test]
fn every_failing_directive_is_shown_with_its_place_and_both_values() {
    let folder = Folder::new(&[("a.wast", FAILS), ("b.wast", PASSES)]);
    let file = folder.arg("a.wast");
    let ran = wassay(&["wast", &file, &folder.arg("b.wast")]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with(&format!("{file}:2:1: wrong-value: ")), "{}", ran.out);
    assert!(ran.out.contains(&format!("\n{file}:4:3: trap-expected: ")), "{}", ran.out);
    assert!(ran.out.contains("\n    (assert_return (invoke \"seven\") (i32.const 8))\n"), "{}", ran.out);
    assert!(ran.out.contains("0x00000008") && ran.out.contains("0x00000007"), "{}", ran.out);
    assert!(ran.out.ends_with("\n2 scripts, 8 directives: 6 passed, 2 failed\n"), "{}", ran.out);
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_the_place_and_the_others_run() {
    let folder = Folder::new(&[
        ("good.wast", PASSES.as_bytes()),
        ("latin.wast", b"(module)\n;; caf\xe9\n"),
        ("open.wast", b"(module)\n\n  (module (func)\n"),
        ("close.wast", b"(module)\n(module))\n"),
        ("string.wast", b"(module)\n(register \"m)\n"),
        ("header.wast", b";;! features = \"2.0,teleport\"\n(module)\n"),
        ("toml.wast", b"\n;;! features 2.0\n(module)\n"),
        ("folder/inside.wast", b"(module)"),
    ]);
    let good = folder.arg("good.wast");
    for (name, expected) in [
        ("gone.wast", ": "),
        ("folder", ": is a folder; expected a script (`wassay test "),
        ("latin.wast", ":2:7: invalid UTF-8"),
        ("open.wast", ":3:3: `(` is never closed"),
        ("close.wast", ":2:9: `)` closes nothing"),
        ("string.wast", ":2:11: "),
        ("header.wast", ":1: header: unknown feature `teleport`"),
        ("toml.wast", ":2:"),
    ] {
        let file = folder.arg(name);
        let ran = wassay(&["wast", &file, &good]);
        assert_eq!(ran.code, 2, "{name}: {ran:?}");
        assert!(ran.err.starts_with(&format!("error: {file}{expected}")), "{name}: {}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{name}: {}", ran.err);
        let last = "1 script, 4 directives: 4 passed, 0 failed; 1 file could not be run\n";
        assert_eq!(ran.out, last, "{name}");
    }
}

#[test]
fn bytes_of_all_kinds_end_in_an_error_and_never_in_a_panic() {
    let deep = format!("(module {}", "(func ".repeat(100_000));
    let closed = format!("{}{}", "(".repeat(50_000), ")".repeat(50_000));
    let nested = format!("(module (func {} {}))", "(block ".repeat(20_000), ")".repeat(20_000));
    let texts: [&[u8]; 9] = [
        b"\0",
        b"\xff\xfe",
        b"(",
        b")",
        b"\"",
        b"(; (;",
        deep.as_bytes(),
        closed.as_bytes(),
        nested.as_bytes(),
    ];
    for text in texts {
        let folder = Folder::new(&[("a.wast", text)]);
        let ran = wassay(&["wast", &folder.arg("a.wast")]);
        let begin = String::from_utf8_lossy(&text[..text.len().min(20)]);
        assert!([0, 1, 2].contains(&ran.code), "{begin}: {ran:?}");
        assert!(!ran.err.contains("panicked") && !ran.out.contains("crashed"), "{begin}: {ran:?}");
    }
}

#[test]
fn an_empty_script_warns_that_nothing_was_judged() {
    let folder = Folder::new(&[("a.wast", ";; nothing\n"), ("b.wast", "(@a)"), ("c.wast", "")]);
    for name in ["a.wast", "b.wast", "c.wast"] {
        let file = folder.arg(name);
        let warning = format!("warning: {file}: no directive in this script: nothing was judged\n");
        let ran = wassay(&["wast", &file]);
        assert_eq!((ran.code, ran.out.as_str()), (0, "1 script, 0 directives: 0 passed, 0 failed\n"));
        assert_eq!(ran.err, warning);
        assert!(wassay(&["test", &file]).err.contains(&warning));
    }
}

#[test]
fn a_byte_order_mark_and_foreign_annotations_are_accepted() {
    let folder = Folder::new(&[
        ("bom.wast", format!("\u{feff};;! features = \"1.0\"\n{FAILS}")),
        ("prose.wast", format!(";;! This file tests: seven!\n{PASSES}")),
        ("mac.wast", PASSES.replace('\n', "\r")),
        ("mac-fails.wast", FAILS.replace('\n', "\r")),
    ]);
    let ran = wassay(&["wast", &folder.arg("bom.wast")]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    assert!(ran.out.starts_with(&format!("{}:3:1: wrong-value: ", folder.arg("bom.wast"))), "{}", ran.out);
    let prose = folder.arg("prose.wast");
    let ran = wassay(&["wast", &prose]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "1 script, 4 directives: 4 passed, 0 failed\n"));
    assert!(
        ran.err.starts_with(&format!("warning: {prose}:1: ignored a `;;!` line that is not")),
        "{}",
        ran.err
    );
    assert_eq!(
        wassay(&["wast", &folder.arg("mac.wast")]).out,
        "1 script, 4 directives: 4 passed, 0 failed\n"
    );
    let ran = wassay(&["wast", "--lines", "4", &folder.arg("mac-fails.wast")]);
    assert!(ran.out.contains("mac-fails.wast:4:3: trap-expected: "), "{}", ran.out);
}

#[test]
fn a_script_may_come_from_standard_input_a_pipe_or_a_fifo() {
    let folder = Folder::new(&[("a.wast", FAILS)]);
    let judged = |args: &[&str], stdin: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        run(command.arg("wast").args(args).stdin(stdin))
    };
    let open = || Stdio::from(std::fs::File::open(folder.file("a.wast")).unwrap());
    for (word, name) in [("-", "<stdin>"), ("/dev/stdin", "/dev/stdin")] {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(FAILS.as_bytes()).unwrap();
        drop(writer);
        let ran = judged(&[word], reader.into());
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.out.starts_with(&format!("{name}:2:1: wrong-value: ")), "{}", ran.out);
        assert!(ran.out.contains(&format!("\n{name}:4:3: trap-expected: ")), "{}", ran.out);
        assert!(ran.out.ends_with("\n1 script, 4 directives: 2 passed, 2 failed\n"), "{}", ran.out);
    }
    let report = folder.arg("r.json");
    let ran = judged(&["--report", &format!("json={report}"), "-", "-"], open());
    assert!(ran.out.ends_with("\n1 script, 4 directives: 2 passed, 2 failed\n"), "{}", ran.out);
    let report = wassay_reports::json::parse(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(report.suites[0].cases[0].name, "<stdin>");
    let ran = judged(&["--repro", "2", "-"], open());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("<stdin>:2:1: wrong-value"), "{}", ran.out);
    let ran = judged(&["-"], Stdio::null());
    assert_eq!(ran.err, "warning: <stdin>: no directive in this script: nothing was judged\n");
    let fifo = folder.file("fifo");
    mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
    let writer = std::thread::spawn({
        let fifo = fifo.clone();
        move || std::fs::write(fifo, PASSES).unwrap()
    });
    assert_eq!(judged(&[&folder.arg("fifo")], Stdio::null()).code, 0);
    writer.join().unwrap();
}

#[test]
fn a_module_given_as_a_script_is_an_error_with_a_hint() {
    let folder = Folder::new(&[
        ("a.wasm", &b"\0asm\x01\0\0\0"[..]),
        ("b.WAT", b"(module)"),
        ("c.wat", b"(module)"),
        ("c.json", b"{}"),
        ("noname", b"\0asm\x01\0\0\0\x0a\xff"),
        ("wide.wast", b"\xff\xfe(\0m\0"),
    ]);
    for (name, expected) in [
        ("a.wasm", ": is a module; expected a script (`wassay run "),
        ("b.WAT", ": is a module; expected a script (`wassay run "),
        ("c.wat", ": is a module; expected a script (`wassay test "),
        ("noname", "expected a script, found a binary module; `wassay run` runs modules"),
        ("wide.wast", "looks like UTF-16: save it as UTF-8"),
    ] {
        let ran = wassay(&["wast", &folder.arg(name)]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.starts_with("error: ") && ran.err.contains(expected), "{name}: {}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    }
}

#[test]
fn a_stale_binding_fails_what_uses_it() {
    let text = "(module $m (func (export \"f\") (result i32) (i32.const 1)))
(module $m (func (export \"f\") (result i32) (i32.const 2) (typo)))
(assert_return (invoke \"f\") (i32.const 1))
(assert_return (invoke $m \"f\") (i32.const 1))
(register \"m\" $m)
(module (import \"m\" \"f\" (func (result i32))))
";
    let folder = Folder::new(&[("a.wast", text)]);
    let ran = wassay(&["wast", &folder.arg("a.wast")]);
    assert!(ran.out.ends_with("\n1 script, 6 directives: 1 passed, 5 failed\n"), "{}", ran.out);
    assert_eq!(
        ran.out.matches("the directive on line 2, which defines it, failed").count(),
        3,
        "{}",
        ran.out
    );
}

#[test]
fn an_interruption_keeps_what_was_judged() {
    let text = "(module (func (export \"f\")) (func (export \"hang\") (loop (br 0))))
(assert_return (invoke \"f\"))
(assert_trap (invoke \"f\") \"unreachable\")
(invoke \"hang\")
(invoke \"f\")
(invoke \"f\")
";
    let folder = Folder::new(&[("a.wast", text)]);
    let report = folder.arg("r.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args(["wast", "--report", &format!("json={report}"), &folder.arg("a.wast")]);
    let mut child = clean(&mut command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It hangs when its thread has used a second of the processor.
    let path = format!("/proc/{}/stat", child.id());
    let used = || {
        let stat = std::fs::read_to_string(&path).unwrap();
        stat.rsplit(' ').nth(52 - 14).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap()
    };
    while used() < 100 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{out}");
    assert!(out.contains("a.wast:3:1: trap-expected: ") && out.contains("a.wast:4:1: not-run: "), "{out}");
    assert!(out.contains("\n… and 2 more that were not run\n"), "{out}");
    let end = "1 script, 6 directives: 2 passed, 4 failed\ninterrupted: 0 of 1 case completed\n";
    assert!(out.ends_with(end), "{out}");
    let report = wassay_reports::json::parse(&std::fs::read_to_string(report).unwrap()).unwrap();
    let counts = report.suites[0].cases[0].directives;
    assert_eq!((counts.passed, counts.failed), (2, 4));
}

#[test]
fn only_selected_lines_are_judged_and_earlier_directives_run() {
    let folder = Folder::new(&[("a.wast", FAILS)]);
    let file = folder.arg("a.wast");
    let counts = |lines: &str| {
        let ran = wassay(&["wast", "--lines", lines, &file]);
        (ran.code, ran.out.lines().last().unwrap().to_owned())
    };
    assert_eq!(counts("3"), (0, "1 script, 1 directive: 1 passed, 0 failed".to_owned()));
    assert_eq!(counts("2-3"), (1, "1 script, 2 directives: 1 passed, 1 failed".to_owned()));
    let nothing = wassay(&["wast", "--lines", "80-90", &file]);
    assert_eq!((nothing.code, nothing.out.as_str()), (2, ""));
    assert_eq!(
        nothing.err,
        format!(
            "error: {file}: no directive on lines 80-90; --lines takes any lines of a directive, from its first to \
         its last\n"
        )
    );
    let several = Folder::new(&[("c.wast", "(module)\n(module\n(func)\n)\n")]);
    let inner = wassay(&["wast", "--lines", "3", &several.arg("c.wast")]);
    assert_eq!(
        inner.out, "1 script, 1 directive: 1 passed, 0 failed\n",
        "an inner line selects its directive"
    );
    let allowed = wassay(&["wast", "--lines", "80-90", "--allow-empty", &file]);
    assert_eq!((allowed.code, allowed.out.starts_with("1 script, 0 directives")), (0, true));
    // Each script has to have one: what another one has does not make up for it.
    let short = Folder::new(&[("b.wast", "(module)")]);
    let ran = wassay(&["wast", "--lines", "3", &file, &short.arg("b.wast")]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(
        ran.err.contains("b.wast: no directive") && ran.out.contains("1 passed"),
        "{}{}",
        ran.err,
        ran.out
    );
    for bad in ["0", "3-2", "x"] {
        assert_eq!(wassay(&["wast", "--lines", bad, &file]).code, 2);
    }
}

#[test]
fn fail_fast_ends_at_the_first_failure_and_the_total_stays() {
    let folder = Folder::new(&[("a.wast", FAILS), ("b.wast", PASSES), ("c.wast", FAILS)]);
    let ran =
        wassay(&["wast", "--fail-fast", &folder.arg("b.wast"), &folder.arg("c.wast"), &folder.arg("a.wast")]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains(&format!("{}:2:1: wrong-value", folder.arg("c.wast"))), "{}", ran.out);
    assert!(!ran.out.contains("trap-expected"), "{}", ran.out);
    assert!(ran.out.contains("a.wast: not-run: an earlier case failed"), "{}", ran.out);
    assert!(ran.out.contains("3 scripts, 12 directives: 5 passed"), "{}", ran.out);
}

#[test]
fn texts_of_errors_are_compared_as_asked() {
    let text =
        "(module (func (export \"f\") (unreachable)))\n(assert_trap (invoke \"f\") \"integer overflow\")\n";
    let folder = Folder::new(&[("a.wast", text)]);
    let file = folder.arg("a.wast");
    for (kind, code) in [("class", 1), ("exact", 1), ("prefix", 1), ("ignore", 0), ("loosely", 2)] {
        assert_eq!(wassay(&["wast", "--match", kind, &file]).code, code, "{kind}");
    }
    assert_eq!(wassay(&["wast", &file]).code, 1, "by class where nothing is said");
}

#[test]
fn features_come_from_option_suite_header_and_folder() {
    // v128 is not a value type in 1.0.
    let simd = "(module (func (param v128)))";
    let header = format!(";;! features = \"1.0\"\n{simd}");
    let tail_call = "(module (func $f (return_call $f)))";
    let folder = Folder::new(&[
        ("plain.wast", simd),
        ("header.wast", &header),
        ("proposals/multi-value/a.wast", simd),
        ("tail.wast", tail_call),
    ]);
    let code = |args: &[&str], file: &str| {
        let file = folder.arg(file);
        wassay(&[&["wast"], args, &[file.as_str()]].concat()).code
    };
    assert_eq!(code(&[], "plain.wast"), 0);
    assert_eq!(code(&[], "header.wast"), 1);
    assert_eq!(code(&[], "proposals/multi-value/a.wast"), 1);
    assert_eq!(code(&["--features", "2.0"], "header.wast"), 0);
    assert_eq!(code(&["--suite", "spec-v2"], "header.wast"), 0);
    assert_eq!(code(&["--features", "1.0,simd"], "plain.wast"), 0);
    assert_eq!(code(&["--features", "3.0,-simd,-relaxed-simd"], "plain.wast"), 1);
    assert_eq!(code(&["--suite", "spec-v1"], "plain.wast"), 1);
    assert_eq!((code(&[], "tail.wast"), code(&["--suite", "spec-v2"], "tail.wast")), (0, 1));
    assert_eq!(code(&["--suite", "spec-v9"], "plain.wast"), 2);
    assert_eq!(code(&["--features", "teleport"], "plain.wast"), 2);
    assert_eq!(code(&["--features", "2.0", "--suite", "spec-v2"], "plain.wast"), 2);
}

#[test]
fn an_unknown_key_of_a_header_warns_and_changes_nothing() {
    let folder = Folder::new(&[("a.wast", format!(";;! teleport = true\n{PASSES}"))]);
    let file = folder.arg("a.wast");
    let ran = wassay(&["wast", &file]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "1 script, 4 directives: 4 passed, 0 failed\n"));
    assert!(
        ran.err.starts_with(&format!("warning: {file}:1:5: unknown header key `teleport`")),
        "{}",
        ran.err
    );
}

#[test]
fn a_file_that_is_named_twice_is_run_once() {
    let folder = Folder::new(&[("a.wast", PASSES)]);
    let file = folder.arg("a.wast");
    assert!(wassay(&["wast", &file, &file]).out.starts_with("1 script, 4 directives"));
}

#[test]
fn a_report_has_every_file_also_those_that_could_not_be_run() {
    let folder = Folder::new(&[("a.wast", FAILS), ("b.wast", PASSES), ("open.wast", "(module")]);
    let (a, b, open) = (folder.arg("a.wast"), folder.arg("b.wast"), folder.arg("open.wast"));
    let report = folder.arg("report.json");
    let ran =
        wassay(&["wast", "--report", &format!("json={report}"), &a, &b, &open, &folder.arg("gone.wast")]);
    assert_eq!(ran.code, 2);
    let report = wassay_reports::json::parse(&std::fs::read_to_string(report).unwrap()).unwrap();
    let totals = report.totals();
    assert_eq!((totals.cases.passed, totals.cases.failed), (1, 3));
    assert_eq!((totals.directives.passed, totals.directives.failed), (6, 2));
    let case = report.suites[0].cases.iter().find(|case| case.name == a).unwrap();
    let places: Vec<(u32, u32, &str)> =
        case.failures.iter().map(|failure| (failure.line, failure.column, failure.kind.as_str())).collect();
    assert_eq!(places, [(2, 1, "wrong-value"), (4, 3, "trap-expected")]);
    let case = report.suites[0].cases.iter().find(|case| case.name == open).unwrap();
    assert_eq!((case.failures[0].line, case.failures[0].kind.as_str()), (1, "unusable"));
}

#[test]
fn colours_are_for_terminals_and_can_be_asked_for_or_refused() {
    let folder = Folder::new(&[("a.wast", FAILS)]);
    let colours = |variable: Option<(&str, &str)>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        command.args(["wast", &folder.arg("a.wast"), &folder.arg("gone.wast")]).envs(variable);
        let ran = run(&mut command);
        (ran.out.contains('\u{1b}'), ran.err.contains('\u{1b}'))
    };
    assert_eq!(colours(None), (false, false), "a pipe is not a terminal");
    assert_eq!(colours(Some(("CLICOLOR_FORCE", "1"))), (true, true));
    let mut both = Command::new(env!("CARGO_BIN_EXE_wassay"));
    both.args(["wast", &folder.arg("a.wast")]).envs([("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]);
    assert!(!run(&mut both).out.contains('\u{1b}'));
}

#[test]
fn a_script_that_does_not_end_is_ended_by_its_time() {
    let endless = "(module (func (export \"f\") (loop (br 0))))\n(invoke \"f\")\n(invoke \"f\")\n";
    let folder = Folder::new(&[("a.wast", endless), ("b.wast", PASSES)]);
    let report = folder.arg("r.json");
    let option = format!("json={report}");
    let ran = wassay(&[
        "wast",
        "--timeout",
        "100ms",
        "--report",
        &option,
        &folder.arg("a.wast"),
        &folder.arg("b.wast"),
    ]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("a.wast:2:1: timeout: "), "{}", ran.out);
    assert!(ran.out.contains("a.wast:3:1: not-run"), "{}", ran.out);
    assert!(ran.out.ends_with("2 scripts, 7 directives: 5 passed, 2 failed\n"), "{}", ran.out);
    let report = wassay_reports::json::parse(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(report.suites[0].cases[0].outcome, wassay_reports::Outcome::Timeout);
    assert_eq!(wassay(&["test", "--timeout", "100ms", &folder.arg("a.wast")]).code, 1);
    assert_eq!(wassay(&["wast", "--timeout", "soon", &folder.arg("a.wast")]).code, 2);
}

#[test]
fn a_failure_by_a_trap_shows_the_functions_that_it_left() {
    let text = r#"(module $shop (func $price (param i32) (result i32) (i32.div_u (i32.const 8) (local.get 0)))
  (func (export "total") (param i32) (result i32) (call $price (local.get 0))))
(assert_return (invoke "total" (i32.const 0)) (i32.const 8))
(assert_trap (invoke "total" (i32.const 0)) "integer divide by zero")
(assert_trap (invoke "total" (i32.const 0)) "unreachable")
(assert_exception (invoke "total" (i32.const 0)))
(invoke "total" (i32.const 0))
"#;
    let folder = Folder::new(&[("a.wast", text)]);
    let report = folder.arg("report.json");
    let ran = wassay(&["wast", &format!("--report=json={report}"), &folder.arg("a.wast")]);
    assert_eq!(ran.code, 1);
    let printed: Vec<&str> = ran.out.lines().map(str::trim).collect();
    let frames = |number: &str, name: &str| {
        let begin = format!("{number}: {name} (shop+0x");
        printed.iter().filter(|line| line.starts_with(&begin)).count()
    };
    assert_eq!((frames("0", "price"), frames("1", "total")), (4, 4), "{}", ran.out);
    assert!(!std::fs::read_to_string(report).unwrap().contains("shop+0x"), "no part of a report");
}
