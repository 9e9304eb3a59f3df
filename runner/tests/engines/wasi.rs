//! Tests of WASI programs on other engines, with templates and with adapters of the official test
//! suite.

use libtest_mimic::Trial;
use serde_json::Value;

use super::common::sleep::Sleep;
use super::common::trials::{find, trial, working};
use super::common::{Folder, Ran, wassay};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("wasi::our_own_engine_by_its_command_has_the_same_verdicts", same_verdicts),
        trial("wasi::what_is_wrong_fails_in_the_same_way", wrong_ones_fail),
        trial("wasi::node_runs_programs", || working(&["node", "nodejs"]).map(|_| on_node())),
        trial("wasi::an_adapter_of_the_official_suite_is_used_as_it_is", || {
            working(&["python3"]).map(|_| by_adapter())
        }),
        trial("wasi::an_adapter_that_does_not_work_is_told", || {
            working(&["python3"]).map(|_| broken_adapters())
        }),
        trial("wasi::expectations_of_the_official_suite_are_read", expectations),
        trial("wasi::an_engine_that_hangs_crashes_or_floods_has_verdicts", faults),
        trial("wasi::nothing_of_ours_runs_where_an_engine_runs_no_programs", nothing_of_ours),
        trial("wasi::wasmtime_runs_programs", || find(&["wasmtime"]).map(|_| on("wasmtime-cli"))),
    ]
}

const WASSAY: &str = env!("CARGO_BIN_EXE_wassay");

/// A program that writes its arguments to standard output, and exits with 3 if it has a folder,
/// else with 0.
const PROGRAM: &str = r#"(module
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 900) "made")
  (func (export "_start") (local $length i32)
    ;; The arguments after the program's own name, each with its zero byte.
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (drop (call $args (i32.const 1000) (i32.const 2000)))
    (local.set $length (i32.sub (i32.load (i32.const 4)) (i32.sub (i32.load (i32.const 1004)) (i32.const 2000))))
    (if (i32.gt_u (i32.load (i32.const 0)) (i32.const 1)) (then
      (i32.store (i32.const 16) (i32.load (i32.const 1004)))
      (i32.store (i32.const 20) (local.get $length))
      (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))))
    ;; What is on standard input, to standard error.
    (i32.store (i32.const 32) (i32.const 4000))
    (i32.store (i32.const 36) (i32.const 100))
    (drop (call $read (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 40)))
    (i32.store (i32.const 36) (i32.load (i32.const 40)))
    (drop (call $write (i32.const 2) (i32.const 32) (i32.const 1) (i32.const 44)))
    (drop (call $environ (i32.const 48) (i32.const 52)))
    (if (i32.eqz (call $prestat (i32.const 3) (i32.const 56))) (then
      (drop (call $mkdir (i32.const 3) (i32.const 900) (i32.const 4)))
      (call $exit (i32.add (i32.const 3) (i32.load (i32.const 48))))))))"#;

/// The files of some cases of that program.
fn cases() -> Vec<(&'static str, &'static str)> {
    vec![
        ("args.wat", PROGRAM),
        ("args.json", r#"{"args": ["one", "two words"], "stdout": "one\u0000two words\u0000"}"#),
        ("dir.wat", PROGRAM),
        ("dir.json", r#"{"root": "fs.dir", "env": {"A": "b c"}, "exit_code": 4}"#),
        ("dir.fs/file", "text"),
        ("dir.fs/made/.gitkeep", ""),
        ("fs.dir/file", "text"),
        ("input.wat", PROGRAM),
        ("input.json", "{}"),
        ("input.stdin", "given"),
        ("input.stderr", "given"),
        ("trap.wat", "(module (memory (export \"memory\") 1) (func (export \"_start\") (unreachable)))"),
        ("trap.json", r#"{"exit_code": 134}"#),
    ]
}

/// Runs a folder on an engine, with the report in JSON.
fn tested(folder: &Folder, engine: &str, more: &[&str]) -> (Ran, Value) {
    let report = folder.arg("report.json");
    let (suite, json) = (folder.arg("suite"), format!("json={report}"));
    let words = [&["test", &suite, "--engine", engine, "--report", &json], more].concat();
    let ran = wassay(&words);
    let text = std::fs::read_to_string(&report).unwrap_or_default();
    (ran, serde_json::from_str(&text).unwrap_or_default())
}

/// The outcome of each case of a report, by name.
fn outcomes(report: &Value) -> Vec<(String, String)> {
    let suites = report["suites"].as_array().into_iter().flatten();
    let cases = suites.flat_map(|suite| suite["cases"].as_array().into_iter().flatten());
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    cases.map(|case| (word(&case["name"]), word(&case["outcome"]))).collect()
}

fn suite(files: &[(&str, &str)]) -> Folder {
    let files: Vec<(String, &str)> =
        files.iter().map(|(name, text)| (format!("suite/{name}"), *text)).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    Folder::new(&files)
}

/// A description of our own engine by its command.
fn described(folder: &Folder, more: &str) -> String {
    let command = format!(
        "[\"{WASSAY}\", \"run\", \"--no-cache\", \"{{dirs}}\", \"{{env}}\", \"{{module}}\", \"{{args}}\"]"
    );
    let text = format!(
        "name = \"e\"\n[wasi]\ncommand = {command}\ndir = [\"--dir\", \"{{host}}::{{guest}}\"]\n\
         env = [\"--env\", \"{{name}}={{value}}\"]\ntraps = [134]\n{more}"
    );
    write(folder, "e.toml", &text)
}

fn write(folder: &Folder, name: &str, text: &str) -> String {
    std::fs::write(folder.file(name), text).unwrap();
    folder.arg(name)
}

/// The embedded suite on our own engine, directly and by its command: the same outcome, or it
/// cannot be asked.
fn same_verdicts() {
    let folder = Folder::new(&[("empty", "")]);
    let run = |engine: Option<&str>, name: &str| {
        let json = format!("json={}", folder.arg(name));
        let mut words = vec!["test", "suite:wasi", "--report", &json];
        words.extend(engine.into_iter().flat_map(|engine| ["--engine", engine]));
        let ran = wassay(&words);
        let text = std::fs::read_to_string(folder.file(name)).unwrap();
        (ran, serde_json::from_str::<Value>(&text).unwrap())
    };
    let ((_, direct), (ran, driven)) = (run(None, "direct.json"), run(Some("wassay-cli"), "driven.json"));
    assert_eq!(driven["engine"]["name"], "wassay-cli", "{ran:?}");
    let (direct, driven) = (outcomes(&direct), outcomes(&driven));
    assert!(direct.len() == driven.len() && direct.len() > 20, "{ran:?}");
    let mut same = 0;
    for (one, other) in direct.iter().zip(&driven) {
        assert!(one == other || other.1 == "skipped", "{one:?} and {other:?}: {}", ran.out);
        same += usize::from(one == other);
    }
    assert!(same > 15, "{same} of {}: {}", direct.len(), ran.out);
}

fn wrong_ones_fail() {
    let mut files = cases();
    for (name, text) in &mut files {
        match *name {
            "args.json" => *text = r#"{"args": ["one"], "stdout": "two"}"#,
            "dir.json" => *text = r#"{"root": "fs.dir", "exit_code": 5}"#,
            "dir.fs/file" => *text = "other",
            "input.stderr" => *text = "other",
            "trap.json" => *text = r#"{"exit_code": 0}"#,
            _ => {}
        }
    }
    let folder = suite(&files);
    let direct = wassay(&["test", &folder.arg("suite")]);
    let (ran, report) = tested(&folder, &described(&folder, ""), &[]);
    assert_eq!((direct.code, ran.code), (1, 1), "{ran:?}");
    let failed = outcomes(&report).into_iter().filter(|(_, outcome)| outcome == "failed").count();
    assert_eq!(failed, 4, "{ran:?}");
    for kind in ["wrong-stdout", "wrong-exit-code", "wrong-files", "wrong-stderr", "trap"] {
        assert!(direct.out.contains(kind) && ran.out.contains(kind), "{kind}: {}\n{}", direct.out, ran.out);
    }
}

fn on(engine: &str) {
    let folder = suite(&cases());
    let (ran, report) = tested(&folder, engine, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(outcomes(&report).iter().all(|(_, outcome)| outcome == "passed"), "{ran:?}");
    assert_eq!(report["totals"]["cases"]["passed"], 4, "{ran:?}");
}

fn on_node() {
    on("node");
}

/// An adapter in the form of the official suite, for our own engine.
const ADAPTER: &str = r#"
import os
import subprocess

WASSAY = os.getenv("MY_WASSAY")


def get_name():
    return "mine"


def get_version():
    result = subprocess.run([WASSAY, "--version"], encoding="UTF-8", capture_output=True, check=True)
    return result.stdout.split()[1]


def get_wasi_versions():
    return ["wasm32-wasip1", "wasm32-wasip3"]


def get_wasi_worlds():
    return ["wasi:cli/command"]


def compute_argv(test_path, args_env_root, proposals, wasi_world, wasi_version):
    print("this goes to standard error")
    args, env, root = args_env_root
    argv = [WASSAY, "run", "--no-cache"]
    for name, value in env.items():
        argv += ["--env", f"{name}={value}"]
    if root:
        argv += ["--dir", f"{root}::/"]
    return argv + [test_path] + args
"#;

fn by_adapter() {
    let folder = suite(&cases());
    write(&folder, "mine.py", ADAPTER);
    let described_by = |more: &str| {
        let text = format!(
            "name = \"mine\"\n[wasi]\nadapter = \"mine.py\"\ntraps = [134]\nown-env = {{ MY_WASSAY = \"{WASSAY}\" }}\n{more}"
        );
        write(&folder, "mine.toml", &text)
    };
    let (ran, report) = tested(&folder, &described_by(""), &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!((&report["engine"]["name"], &report["engine"]["version"]), (&"mine".into(), &version.into()));
    let (_, by_template) = tested(&folder, &described(&folder, ""), &[]);
    assert_eq!(outcomes(&report), outcomes(&by_template));
    assert_eq!(report["totals"]["cases"]["passed"], 4);
    let left = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name());
    assert!(left.into_iter().all(|name| name != "__pycache__"));
}

fn broken_adapters() {
    let folder = suite(&cases());
    let description = "name = \"mine\"\n[wasi]\nadapter = \"{dir}/mine.py\"\n";
    let engine = write(&folder, "mine.toml", description);
    let said = |adapter: &str| {
        write(&folder, "mine.py", adapter);
        let (ran, _) = tested(&folder, &engine, &[]);
        (ran.code, ran.err)
    };
    let (code, missing) = said(&ADAPTER.replace("def get_name", "def get_no_name"));
    assert!(code == 2 && missing.contains("get_name"), "{missing}");
    let (code, other) = said(
        &ADAPTER.replace("\"wasm32-wasip1\", ", "").replace("WASSAY, \"--version\"", "\"echo\", \"a 1\""),
    );
    assert!(
        code == 2 && other.contains("does not support wasm32-wasip1; it supports wasm32-wasip3"),
        "{other}"
    );
    let (code, wrong) = said("no Python");
    assert!(code == 2 && wrong.contains("SyntaxError"), "{wrong}");
    std::fs::remove_file(folder.file("mine.py")).unwrap();
    let (ran, _) = tested(&folder, &engine, &[]);
    assert!(ran.code == 2 && ran.err.contains("mine.py"), "{ran:?}");
    // An adapter that fails on a program fails that one.
    let adapter = "def get_name(): return \"n\"\ndef get_version(): return \"1\"\n\
        def compute_argv(test_path, args_env_root, proposals, wasi_world, wasi_version): return [1 // len(args_env_root[0])]";
    write(&folder, "mine.py", adapter);
    let (ran, report) = tested(&folder, &engine, &[]);
    assert!(
        ran.code == 1
            && ran.out.contains("ZeroDivisionError")
            && ran.out.contains("a non-empty list of strings"),
        "{ran:?}"
    );
    assert!(outcomes(&report).iter().all(|(_, outcome)| outcome == "failed"), "{ran:?}");
}

fn expectations() {
    let mut files = cases();
    files.push(("manifest.json", "{\"name\": \"Tests [wasm32-wasip1]\", \"version\": \"wasm32-wasip1\"}"));
    files
        .iter_mut()
        .filter(|(name, _)| *name == "args.json")
        .for_each(|(_, text)| *text = "{\"stdout\": \"other\"}");
    let folder = suite(&files);
    let expected = |tests: &str| format!("version = 1\n[[suite]]\nname = \"Tests [wasm32-wasip1]\"\n{tests}");
    let test = |name: &str, what: &str| format!("[[suite.test]]\nname = \"{name}\"\n{what}\n");
    let (fails, skips) = ("expected = \"fail\"", "action = \"skip\"");
    write(&folder, "linux.toml", &expected(&(test("args", fails) + &test("dir", skips))));
    write(&folder, "skip.json", "{\"Tests\": {\"input\": \"a reason\"}}");
    let engine = described(&folder, "expectations = [\"linux.toml\", \"skip.json\"]\n");
    let (ran, report) = tested(&folder, &engine, &[]);
    let named = |name: &str, outcome: &str| (name.to_owned(), outcome.to_owned());
    let outcomes_of = |report: &Value| {
        let mut outcomes = outcomes(report);
        outcomes.sort();
        outcomes
    };
    let expected_outcomes = [
        named("args.wat", "xfailed"),
        named("dir.wat", "skipped"),
        named("input.wat", "skipped"),
        named("trap.wat", "passed"),
    ];
    assert_eq!(outcomes_of(&report), expected_outcomes, "{ran:?}");
    assert_eq!(ran.code, 0, "{ran:?}");
    // An unexpected pass fails the run.
    write(&folder, "linux.toml", &expected(&(test("args", fails) + &test("trap", fails))));
    let (ran, report) = tested(&folder, &engine, &[]);
    assert_eq!(outcomes_of(&report)[3], named("trap.wat", "xpassed"), "{ran:?}");
    assert!(ran.code == 1 && ran.out.contains("trap.wat: unexpected-pass"), "{ran:?}");
    write(&folder, "linux.toml", "version = 7");
    let (ran, _) = tested(&folder, &engine, &[]);
    assert!(ran.code == 2 && ran.err.contains("unsupported version 7: expected 1"), "{ran:?}");
}

fn faults() {
    let folder = suite(&cases());
    let engine = |script: &str| {
        let text = format!(
            "name = \"e\"\n[wasi]\ncommand = [\"sh\", \"-c\", '{script}', \"{{module}}\", \"{{args}}\"]\n"
        );
        write(&folder, "e.toml", &text)
    };
    let ran = |script: &str, timeout: &str| {
        let (ran, report) = tested(&folder, &engine(script), &["--timeout", timeout, "--filter", "args.wat"]);
        assert_eq!(ran.code, 1, "{script}: {ran:?}");
        (outcomes(&report)[0].1.clone(), ran.out)
    };
    let sleep = Sleep::new(6618);
    let (hangs, _) = ran(&sleep.to_string(), "1s");
    assert_eq!(hangs, "timeout");
    let (crashes, said) = ran("echo oh >&2; kill -9 $$", "60s");
    assert!(
        crashes == "failed" && said.contains("crashed") && said.contains("signal 9") && said.contains("oh"),
        "{said}"
    );
    let (floods, said) = ran("head -c 200000000 /dev/zero; head -c 200000000 /dev/zero >&2", "60s");
    assert!(
        floods == "failed" && said.contains("wrong-stdout") && said.len() < 100_000,
        "{} bytes",
        said.len()
    );
    let (other, said) = ran("exit 7", "60s");
    assert!(other == "failed" && said.contains("exit code 7"), "{said}");
    assert!(!sleep.is_running());
    // Needs that the template does not cover are not applicable.
    let (ran, report) = tested(&folder, &engine("exit 0"), &["--filter", "dir.wat"]);
    assert_eq!(outcomes(&report)[0].1, "skipped", "{ran:?}");
    assert!(
        ran.out.contains("the engine does not support environment variables")
            || ran.out.contains("does not support folders"),
        "{ran:?}"
    );
}

fn nothing_of_ours() {
    let folder = suite(&cases());
    let engine = write(
        &folder,
        "e.toml",
        &format!("name = \"e\"\n[module]\nrun = [\"{WASSAY}\", \"run\", \"--no-cache\", \"{{module}}\"]\n"),
    );
    let (ran, report) = tested(&folder, &engine, &[]);
    assert!(outcomes(&report).iter().all(|(_, outcome)| outcome == "skipped"), "{ran:?}");
    assert!(ran.out.contains("whose description has `[wasi]`"), "{ran:?}");
    assert_eq!(report["totals"]["cases"]["passed"], 0);
    // And scripts are not judged where there is `[wasi]` alone.
    std::fs::write(folder.file("suite/a.wast"), "(module) (assert_malformed (module quote \"(\") \"x\")")
        .unwrap();
    let (ran, report) = tested(&folder, &described(&folder, ""), &["--filter", "a.wast"]);
    assert_eq!(report["totals"]["directives"]["passed"], 0, "{ran:?}");
}
