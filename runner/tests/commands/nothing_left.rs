//! Tests that runs leave no temporary folders and processes, however they end.
//!
//! `WASSAY_TEST_SIGNALS=200` sends that many signals at random moments; `WASSAY_TEST_BINARY=PATH`
//! tests another binary.

#![allow(clippy::disallowed_macros, reason = "a test prints by itself")]

use std::collections::hash_map::RandomState;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Folder, PASSES, clean};
use rustix::process::{Pid, Signal, kill_process};
use wassay_reports::json;

/// A guest that makes a folder in a folder, and so on, and a file in each.
const DEEP: &str = r#"(module
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "df")
  (func $inner (param $dir i32) (param $flags i32) (param $name i32) (result i32)
    (drop (call $open (local.get $dir) (i32.const 0) (local.get $name) (i32.const 1) (local.get $flags)
      (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 16)))
    (i32.load (i32.const 16)))
  (func (export "_start") (local $dir i32) (local $next i32)
    (local.set $dir (i32.const 3))
    (loop $deeper
      (drop (call $mkdir (local.get $dir) (i32.const 0) (i32.const 1)))
      (drop (call $close (call $inner (local.get $dir) (i32.const 1) (i32.const 1))))
      (local.set $next (call $inner (local.get $dir) (i32.const 2) (i32.const 0)))
      (if (i32.ne (local.get $dir) (i32.const 3)) (then (drop (call $close (local.get $dir)))))
      (local.set $dir (local.get $next))
      (br $deeper))))"#;

/// A guest that never ends, and a script that does not.
const ENDLESS: &str = r#"(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))"#;
const LOOPS: &str = "(module (func (export \"f\") (loop (br 0))))\n(invoke \"f\")\n";

const ROOT: &str = r#"{"root": "x.dir"}"#;

fn suite() -> Folder {
    Folder::new(&[
        ("s/deep.wat", DEEP),
        ("s/deep.json", ROOT),
        ("s/endless.wat", ENDLESS),
        ("s/endless.json", ROOT),
        ("s/x.dir/file", "x"),
        ("s/loops.wast", LOOPS),
        ("s/passes.wast", PASSES),
        ("p/passes.wast", PASSES),
        ("tmp/keep", ""),
    ])
}

fn binary() -> OsString {
    std::env::var_os("WASSAY_TEST_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_wassay").into())
}

fn wassay(folder: &Folder, args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(args).env("TMPDIR", folder.file("tmp")).stdout(Stdio::null()).stderr(Stdio::null());
    clean(&mut command);
    command
}

/// Begins to run the suite, with cases that do not end.
fn begin(folder: &Folder, more: &[&str]) -> Child {
    let (suite, report) = (folder.arg("s"), format!("json={}", folder.arg("r.json")));
    let args = [&["test", &suite, "--jobs", "4", "--timeout", "60s", "--report", &report], more].concat();
    let (out, err) = (File::create(folder.file("out")).unwrap(), File::create(folder.file("err")).unwrap());
    wassay(folder, &args).stdout(out).stderr(err).spawn().unwrap()
}

/// The output of a run.
fn printed(folder: &Folder) -> String {
    ["out", "err"]
        .map(|name| String::from_utf8_lossy(&fs::read(folder.file(name)).unwrap()).into_owned())
        .concat()
}

/// The contents of the folder for temporary files.
fn left(folder: &Folder) -> Vec<OsString> {
    let entries = fs::read_dir(folder.file("tmp")).unwrap();
    entries.map(|entry| entry.unwrap().file_name()).filter(|name| name != "keep").collect()
}

/// Waits until something is so.
#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The processes that have this folder's `tmp` for temporary files, or a folder in it: our
/// children, and theirs.
fn processes(folder: &Folder) -> Vec<OsString> {
    let value = [b"TMPDIR=", folder.file("tmp").as_os_str().as_bytes()].concat();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let is_one = |path: &Path| {
        let environment = fs::read(path.join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(&value))
    };
    let is_number = |name: &OsStr| name.as_bytes().iter().all(u8::is_ascii_digit);
    let found = entries.filter(|entry| is_number(&entry.file_name()) && is_one(&entry.path()));
    found.map(|entry| entry.file_name()).collect()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Whether the guests are at work: the folder of the process has one for a case, or the case's
/// process has one in that.
fn are_guests_at_work(folder: &Folder) -> bool {
    left(folder).iter().any(|name| {
        let cases = fs::read_dir(folder.file("tmp").join(name)).into_iter().flatten();
        cases.count() >= 2
    })
}

/// Ends a run by a signal, and looks at what is left.
#[track_caller]
fn end_by(folder: &Folder, mut child: Child, sent: Signal, is_begun: bool) {
    signal(&child, sent);
    let begun = Instant::now();
    let status = child.wait().unwrap();
    let after = begun.elapsed();
    wait_until("processes go on", || processes(folder).is_empty());
    if sent == Signal::KILL {
        let swept = wassay(folder, &["test", &folder.arg("p")]).status().unwrap();
        assert_eq!(swept.code(), Some(0));
    } else if is_begun || status.code().is_some() {
        assert_eq!(status.code(), Some(130), "{sent:?} {status:?}\n{}", printed(folder));
        let report = json::parse(&fs::read_to_string(folder.file("r.json")).unwrap()).unwrap();
        assert!(report.interrupted);
        assert_eq!(report.suites[0].cases.len(), 4);
        assert!(after < Duration::from_secs(10), "{sent:?} took {after:?}");
    }
    assert_eq!(left(folder), [""; 0], "{sent:?} after {after:?}");
}

/// The signals that end a run. A run leaves SIGHUP ignored if it was, as under nohup.
fn signals() -> Vec<Signal> {
    let mut signals = vec![Signal::INT, Signal::TERM, Signal::HUP, Signal::KILL];
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
    if u64::from_str_radix(ignored, 16).unwrap() >> (Signal::HUP.as_raw() - 1) & 1 == 1 {
        eprintln!("not run: SIGHUP, which is ignored here");
        signals.retain(|signal| *signal != Signal::HUP);
    }
    signals
}

#[test]
fn signals_leave_nothing_while_guests_are_at_work() {
    let folder = suite();
    for more in [&[][..], &["--isolate"]] {
        for sent in signals() {
            let child = begin(&folder, more);
            wait_until("the guests do not begin", || are_guests_at_work(&folder));
            std::thread::sleep(Duration::from_millis(100));
            end_by(&folder, child, sent, true);
        }
    }
}

#[test]
fn signals_at_random_moments_leave_nothing() {
    let folder = suite();
    let signals = signals();
    let count = std::env::var("WASSAY_TEST_SIGNALS").ok().and_then(|count| count.parse().ok()).unwrap_or(12);
    for number in 0..count {
        let is_plain = (number / signals.len()).is_multiple_of(2);
        let more = if is_plain { &[][..] } else { &["--isolate"] };
        let child = begin(&folder, more);
        let random = RandomState::new().build_hasher().finish();
        std::thread::sleep(Duration::from_micros(random % 400_000));
        end_by(&folder, child, signals[number % signals.len()], false);
    }
}

#[test]
fn a_second_signal_ends_it_at_once_and_leaves_nothing() {
    let folder = suite();
    for (first, second, code) in [
        (Some(Signal::INT), Signal::INT, Some(130)),
        (Some(Signal::TERM), Signal::HUP, Some(130)),
        (None, Signal::QUIT, None),
    ] {
        for more in [&[][..], &["--isolate"]] {
            let mut child = begin(&folder, more);
            wait_until("the guests do not begin", || are_guests_at_work(&folder));
            std::thread::sleep(Duration::from_millis(100));
            let begun = Instant::now();
            first.iter().for_each(|first| signal(&child, *first));
            // The run itself goes on for longer after the first.
            std::thread::sleep(Duration::from_millis(50));
            signal(&child, second);
            let status = child.wait().unwrap();
            assert_eq!(status.code(), code, "{status:?}");
            assert!(begun.elapsed() < Duration::from_secs(10));
            wait_until("processes go on", || processes(&folder).is_empty());
            assert_eq!(left(&folder), [""; 0], "{first:?} {second:?} {more:?}");
        }
    }
}

#[test]
fn a_run_that_ends_by_itself_leaves_nothing() {
    let folder = suite();
    for more in [&[][..], &["--isolate"]] {
        let suite = folder.arg("s");
        let args = [&["test", &suite, "--timeout", "1s"], more].concat();
        let status = wassay(&folder, &args).status().unwrap();
        assert_eq!(status.code(), Some(1));
        assert_eq!(left(&folder), [""; 0]);
    }
}

#[test]
fn a_hangup_that_is_ignored_stays_ignored() {
    let folder = suite();
    let mut command = Command::new("nohup");
    let (suite, tmp) = (folder.arg("s"), folder.file("tmp"));
    command.arg(binary()).args(["test", &suite, "--timeout", "2s", "--jobs", "4"]).env("TMPDIR", tmp);
    clean(&mut command).stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    let mut child = command.spawn().unwrap();
    wait_until("the guests do not begin", || are_guests_at_work(&folder));
    signal(&child, Signal::HUP);
    assert_eq!(child.wait().unwrap().code(), Some(1), "it goes on to its end");
}
