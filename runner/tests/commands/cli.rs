//! Process tests of `wassay test`, `wassay suite` and common behaviour of commands.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use crate::common::{FAILS, Folder, PASSES, Ran, clean, run, wassay};
use wassay_reports::{Outcome, Report, json};

fn report(path: &str) -> Report {
    json::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn wrong_usage_is_2_and_help_is_0() {
    let none: [&str; 0] = [];
    let wrong: [&[&str]; 9] = [
        &none,
        &["wast"],
        &["suite"],
        &["suite", "show"],
        &["bogus"],
        &["test", "--jobs", "0"],
        &["test", "--bogus"],
        &["test", "--report", "json"],
        &["test", "--report", "yaml=x"],
    ];
    for args in wrong {
        let ran = wassay(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}");
        assert!(!ran.err.is_empty(), "{args:?}");
    }
    let right: [&[&str]; 6] = [
        &["help"],
        &["--help"],
        &["help", "wast"],
        &["test", "--help"],
        &["--version"],
        &["help", "suite", "show"],
    ];
    for args in right {
        let ran = wassay(args);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
        assert!(!ran.out.is_empty() && !ran.out.contains('\u{1b}'), "{args:?}");
    }
    assert_eq!(wassay(&["--version"]).out, format!("wassay {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn an_option_of_another_command_is_known() {
    let of = |args: &[&str]| wassay(args).err;
    let shard = of(&["wast", "--shard", "1/2", "a.wast"]);
    assert!(shard.contains("tip: `--shard` is an option of `wassay test`, `wassay audit`\n"), "{shard}");
    let bless = of(&["wast", "--bless", "a.wast"]);
    assert!(bless.contains("tip: `--bless-expectations` is an option of `wassay test`\n"), "{bless}");
    // Its own option is suggested if the word begins its name.
    let own = of(&["test", "--bless"]);
    assert!(own.contains("tip: a similar argument exists: '--bless-expectations'\n"), "{own}");
    // Only a guest program can want an option as a value.
    let unknown = of(&["test", "--zzzz"]);
    assert!(unknown.contains("'--zzzz'") && !unknown.contains("tip:"), "{unknown}");
    assert!(of(&["run", "--zzzz", "a.wasm"]).contains("-- --zzzz"));
}

#[test]
fn a_folder_that_passes_is_0_and_one_that_fails_is_1() {
    let folder = Folder::new(&[("good/a.wast", PASSES), ("good/deep/b.wast", PASSES), ("bad/a.wast", FAILS)]);
    let (good, bad) = (folder.arg("good"), folder.arg("bad"));
    let Ran { code, out, err } = wassay(&["test", &good]);
    assert_eq!(code, 0, "{err}");
    let row: Vec<&str> = out.lines().nth(1).unwrap().split_whitespace().take(5).collect();
    assert_eq!(row, ["good", "2", "8", "8", "0"]);
    assert!(out.lines().last().unwrap().starts_with("2 cases as expected in "), "{out}");
    assert_eq!(err, "good: 2 cases, 8 directives, as expected\n");

    let Ran { code, out, .. } = wassay(&["test", &good, &bad]);
    assert_eq!(code, 1);
    assert!(out.starts_with(&format!("{bad}/a.wast:2:1: wrong-value: ")), "{out}");
    assert!(out.contains(&format!("\n{bad}/a.wast:4:3: trap-expected: ")), "{out}");
    assert!(out.lines().last().unwrap().starts_with("1 of 3 cases not as expected in "), "{out}");
}

#[test]
fn results_come_in_the_same_order_however_many_threads_there_are() {
    let files: Vec<(String, String)> = (0..20)
        .map(|number| (format!("{number:02}.wast"), format!("{}{FAILS}", "\n".repeat(number * 7 % 20))))
        .collect();
    let files: Vec<(&str, &String)> = files.iter().map(|(name, text)| (name.as_str(), text)).collect();
    let folder = Folder::new(&files.iter().map(|(name, text)| (*name, text.as_bytes())).collect::<Vec<_>>());
    let path = folder.path().to_str().unwrap();
    let failures = |jobs: &str| {
        let out = wassay(&["test", path, "--jobs", jobs]).out;
        let places = out.lines().filter(|line| line.starts_with(path) && line.contains(".wast:"));
        places.map(str::to_owned).collect::<Vec<_>>()
    };
    let one = failures("1");
    assert_eq!(one.len(), 40);
    assert!(one.is_sorted_by_key(|line| line.split(':').next().unwrap().to_owned()));
    assert_eq!(failures("4"), one);
}

#[test]
fn filters_choose_scripts_by_their_full_names() {
    let folder = Folder::new(&[("a.wast", PASSES), ("b.wast", PASSES), ("sub/c.wast", FAILS)]);
    let path = folder.path().to_str().unwrap();
    let scripts = |filters: &[&str]| {
        let filters = filters.iter().flat_map(|filter| ["--filter", filter]);
        let ran = wassay(&["test", path].into_iter().chain(filters).collect::<Vec<_>>());
        (ran.code, ran.out.lines().last().map(|line| line.split(" in ").next().unwrap().to_owned()))
    };
    assert_eq!(scripts(&["a.wast"]), (0, Some("1 case as expected".to_owned())));
    assert_eq!(scripts(&["a.wast", "::b"]), (0, Some("2 cases as expected".to_owned())));
    assert_eq!(scripts(&["sub/"]), (1, Some("1 of 1 case not as expected".to_owned())));
    let ran = wassay(&["test", path, "--filter", "a.wast", "--filter", "nothing"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.starts_with("error: --filter nothing: no case"), "{}", ran.err);
}

#[test]
fn an_unknown_suite_is_wrong_usage() {
    let folder = Folder::new(&[("readme.txt", "")]);
    let path = folder.path().to_str().unwrap();
    for (word, expected) in [
        ("spec-v9", "spec-v9: neither a suite (`wassay suite list` shows them) nor a folder".to_owned()),
        (path, format!("{path}: no cases found: ")),
    ] {
        for command in [&["test"][..], &["suite", "show"]] {
            let ran = wassay(&[command, &[word]].concat());
            assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{word}");
            assert!(ran.err.starts_with(&format!("error: {expected}")), "{}", ran.err);
            assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        }
    }
}

#[test]
fn a_script_that_cannot_be_run_fails_its_suite_and_no_other_script() {
    let folder =
        Folder::new(&[("a.wast", &b"(module"[..]), ("b.wast", b"\xff"), ("c.wast", PASSES.as_bytes())]);
    let path = folder.path().to_str().unwrap();
    let file = folder.arg("r.json");
    let ran = wassay(&["test", path, "--report", &format!("json={file}")]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with(&format!("{path}/a.wast:1:1: `(` is never closed")), "{}", ran.out);
    assert!(ran.out.contains(&format!("\n{path}/b.wast:1:1: invalid UTF-8")), "{}", ran.out);
    let report = report(&file);
    let outcomes: Vec<Outcome> = report.suites[0].cases.iter().map(|case| case.outcome).collect();
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Failed, Outcome::Passed]);
}

#[test]
fn the_report_says_what_was_run_and_how_it_ended() {
    let vector = format!("(module (func (param v128)))\n{PASSES}");
    let folder = Folder::new(&[("s/a.wast", vector.as_str()), ("s/b.wast", FAILS)]);
    let file = folder.arg("r.json");
    let suite = folder.arg("s");
    let ran = wassay(&["test", &suite, "scripts", "--report", &format!("json={file}")]);
    assert_eq!(ran.code, 1);
    let report = report(&file);
    assert_eq!(
        (report.engine.name.as_str(), report.engine.version.as_str()),
        ("wassay", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(report.host, format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS));
    let suites: Vec<(&str, &str)> =
        report.suites.iter().map(|suite| (suite.name.as_str(), suite.source.as_str())).collect();
    assert_eq!(suites, [("s", "s"), ("scripts", "written for wassay")]);
    let case = &report.suites[0].cases[1];
    assert_eq!((case.name.as_str(), case.outcome, case.failures.len()), ("b.wast", Outcome::Failed, 2));
    assert!(case.duration <= report.duration && !case.duration.is_zero());
    assert_eq!(report.suites[1].outcomes().failed, 0);
    // The features of modules are computed from their bytes, whatever features are enabled.
    let features: Vec<&[String]> =
        report.suites[0].cases.iter().map(|case| case.features.as_slice()).collect();
    assert_eq!(features, [&["simd".to_owned()][..], &[]]);
}

#[test]
fn an_unwritable_report_is_an_error_before_the_run() {
    let folder = Folder::new(&[("a.wast", PASSES)]);
    for place in [folder.arg("gone/r.json"), folder.path().to_str().unwrap().to_owned()] {
        let ran = wassay(&["test", &folder.arg("a.wast"), "--report", &format!("json={place}")]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""));
        assert!(ran.err.starts_with(&format!("error: {place}: cannot write the report: ")), "{}", ran.err);
    }
    let ran = wassay(&["test", &folder.arg("a.wast"), "--report", "json=/dev/full"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("error: /dev/full: cannot write the report: "), "{}", ran.err);
}

#[test]
fn the_embedded_suites_are_listed_and_shown() {
    let list = wassay(&["suite", "list"]);
    assert_eq!((list.code, list.err.as_str()), (0, ""));
    for name in ["scripts", "spec-v1", "spec-v2", "spec-v3", "spec", "proposals/gc", "proposals/threads"] {
        assert!(list.out.lines().any(|line| line.split_whitespace().next() == Some(name)), "{name}");
    }
    let show = wassay(&["suite", "show", "spec-v1"]);
    assert_eq!((show.code, show.err.as_str()), (0, ""));
    for line in ["features    1.0", "cases       73", "directives  19245", "default     yes", "i32.wast"] {
        assert!(show.out.lines().any(|shown| shown == line), "{line}: {}", show.out);
    }
    let folder = Folder::new(&[("a.wast", PASSES), ("legacy/b.wast", PASSES)]);
    let show = wassay(&["suite", "show", folder.path().to_str().unwrap()]);
    assert!(show.out.lines().any(|line| line == "a.wast"), "{}", show.out);
    assert!(show.out.lines().any(|line| line == "legacy/b.wast  3.0,legacy-exceptions"), "{}", show.out);
}

#[test]
fn features_and_texts_are_judged_as_asked() {
    let text = "(module (func (export \"f\") (param v128) (unreachable)))\n\
        (assert_trap (invoke \"f\" (v128.const i64x2 0 0)) \"integer overflow\")\n";
    let folder = Folder::new(&[("a.wast", text)]);
    let file = folder.arg("a.wast");
    assert_eq!(wassay(&["test", &file]).code, 1);
    assert_eq!(wassay(&["test", &file, "--match", "ignore"]).code, 0);
    assert_eq!(wassay(&["test", &file, "--match", "ignore", "--features", "1.0"]).code, 1);
}

#[test]
fn the_log_goes_to_standard_error_and_only_where_asked_for() {
    let folder = Folder::new(&[("a.wast", PASSES)]);
    let logged = |level: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        run(command.args(["wast", &folder.arg("a.wast")]).env("RUST_LOG", level))
    };
    let ran = logged("wassay=debug");
    assert!(ran.err.contains("running a script") && ran.err.contains("a.wast"), "{}", ran.err);
    assert_eq!((ran.code, ran.out.as_str()), (0, "1 script, 4 directives: 4 passed, 0 failed\n"));
    assert_eq!(logged("wassay=off").err, "");
    let bad = logged("wassay=loud");
    assert_eq!((bad.code, bad.out.as_str()), (2, ""));
    assert!(bad.err.starts_with("error: RUST_LOG: "), "{}", bad.err);
}

#[test]
fn a_closed_reader_is_not_an_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args(["suite", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = clean(&mut command).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_is_an_error_of_the_run() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args(["suite", "list"]).stdout(File::options().write(true).open("/dev/full").unwrap());
    command.stderr(Stdio::piped());
    let output = clean(&mut command).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.starts_with("error: cannot write to standard output: "), "{err}");
}

#[test]
fn a_suite_that_was_not_fetched_says_how_to_fetch_it() {
    let home = Folder::new(&[("fetched-elsewhere/readme", "")]);
    let wassay = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        run(command.args(args).env("XDG_CACHE_HOME", home.path()))
    };
    for name in ["wasi-official", "spec-official"] {
        for args in [&["test", name][..], &["suite", "show", name]] {
            let ran = wassay(args);
            let message = format!("error: {name}: not downloaded yet; run `wassay suite fetch {name}`\n");
            assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (2, "", message.as_str()));
        }
    }
    let ran = wassay(&["test", "wasi-official@no-openat2"]);
    assert_eq!((ran.code, ran.err.contains("`wassay suite fetch wasi-official`")), (2, true), "{}", ran.err);
    let list = wassay(&["suite", "list"]).out;
    let line = list.lines().find(|line| line.starts_with("wasi-official ")).unwrap();
    assert!(line.contains(" 72 ") && line.ends_with(" not fetched yet"), "{line}");
}

#[test]
fn a_suite_that_cannot_be_fetched_says_why() {
    let home = Folder::new(&[("fetched-elsewhere/readme", "")]);
    let wassay = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
        run(command.args(args).env("XDG_CACHE_HOME", home.path()))
    };
    let ran = wassay(&["suite", "fetch", "spec-v1"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.starts_with("error: unknown suite `spec-v1`; expected `wasi-official`"), "{}", ran.err);
    if let Err(why) = crate::common::trials::find(&["git"]) {
        return crate::common::trials::not_run(&why);
    }
    let ran = wassay(&["suite", "fetch", "wasi-official", "--from", "/nowhere"]);
    assert_eq!((ran.code, ran.err.lines().count()), (1, 1), "{}", ran.err);
    assert!(ran.err.contains("without a network, give a clone of it with --from DIR"), "{}", ran.err);
    let elsewhere = home.arg("fetched-elsewhere");
    let ran = wassay(&["suite", "fetch", "wasi-official", "--from", "/nowhere", "--to", &elsewhere]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.starts_with(&format!("error: {elsewhere}: the folder contains something other")),
        "{}",
        ran.err
    );
    assert!(home.file("fetched-elsewhere/readme").exists());
}
