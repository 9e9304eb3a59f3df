//! WASI guests that exhaust resources, and cases that access files outside of their folders.

use super::Verdict;
use super::Verdict::{Ends, Failed, Passed, TimedOut};

/// A guest with its name, its verdict, its JSON and its text.
pub(crate) struct Guest {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    pub(crate) json: String,
    pub(crate) wat: String,
}

const ROOT: &str = r#"{"root": "empty.dir"}"#;

/// The guests. Descriptor 3 is a folder where the JSON gives one.
pub(crate) fn all() -> Vec<Guest> {
    let guests = BODIES.iter().map(|(name, verdict, json, body)| Guest {
        name: format!("guest-{name}.wat"),
        verdict: *verdict,
        json: (*json).to_owned(),
        wat: wat(body),
    });
    let jsons = jsons().into_iter().map(|(name, verdict, json)| Guest {
        name: format!("json-{name}.wat"),
        verdict,
        json,
        wat: wat(""),
    });
    guests.chain(jsons).collect()
}

/// What the guests do. Memory has 16 pages; a vector of 64 KiB is at 0, one of a byte at 8; the
/// result of a call goes to 32.
const BODIES: &[(&str, Verdict, &str, &str)] = &[
    ("good", Passed, "{}", ""),
    ("loop", TimedOut, "{}", "(loop (br 0))"),
    ("stdout", Ends, "{}", "(loop $l (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))) (br $l))"),
    ("stderr", Ends, "{}", "(loop $l (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 32))) (br $l))"),
    (
        "stderr-and-exit",
        Failed,
        "{}",
        "(local $n i32)
         (loop $l
           (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 32)))
           (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))
         (call $proc_exit (i32.const 3))",
    ),
    (
        "sleep",
        TimedOut,
        "{}",
        "(i64.store (i32.const 1048) (i64.const 1000000000000000)) (i32.store (i32.const 1040) (i32.const 1))
         (drop (call $poll_oneoff (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 32)))",
    ),
    (
        "random",
        TimedOut,
        "{}",
        "(loop $l (drop (call $random_get (i32.const 0) (i32.const 1048576))) (br $l))",
    ),
    (
        "sparse",
        Passed,
        ROOT,
        "(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 1) (i64.const 0x3fffffff) (i64.const 0) (i32.const 0) (i32.const 32)))
         (drop (call $fd_filestat_set_size (i32.load (i32.const 32)) (i64.const 0x200000000)))",
    ),
    (
        "sparse-and-golden",
        Failed,
        ROOT,
        "(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 1) (i64.const 0x3fffffff) (i64.const 0) (i32.const 0) (i32.const 32)))
         (drop (call $fd_filestat_set_size (i32.load (i32.const 32)) (i64.const 0x200000000)))",
    ),
    ("deep", Passed, ROOT, DEEP),
    ("deep-and-golden", Failed, ROOT, DEEP),
    (
        "wide",
        Ends,
        ROOT,
        "(loop $l
           (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
           (i32.store (i32.const 68) (i32.or (i32.const 0x40404040) (i32.and (i32.load (i32.const 64)) (i32.const 0x0f0f0f0f))))
           (i32.store (i32.const 72) (i32.or (i32.const 0x40404040) (i32.and (i32.shr_u (i32.load (i32.const 64)) (i32.const 4)) (i32.const 0x0f0f0f0f))))
           (drop (call $path_create_directory (i32.const 3) (i32.const 68) (i32.const 8)))
           (br_if $l (i32.lt_u (i32.load (i32.const 64)) (i32.const 20000))))",
    ),
    ("trap", Failed, "{}", "unreachable"),
    ("closed", Passed, "{}", "(drop (call $fd_close (i32.const 0))) (drop (call $fd_close (i32.const 1))) (drop (call $fd_close (i32.const 2)))"),
    ("descriptors", Ends, ROOT, "(loop $l (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 1) (i64.const 0x3fffffff) (i64.const 0) (i32.const 0) (i32.const 32))) (br $l))"),
];

/// Makes 1,500 folders, each in the one before.
const DEEP: &str = "(local $n i32) (local $fd i32)
  (local.set $fd (i32.const 3))
  (loop $l
    (drop (call $path_create_directory (local.get $fd) (i32.const 64) (i32.const 1)))
    (drop (call $path_open (local.get $fd) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 2) (i64.const 0x3fffffff) (i64.const 0x3fffffff) (i32.const 0) (i32.const 32)))
    (if (i32.ne (local.get $fd) (i32.const 3)) (then (drop (call $fd_close (local.get $fd)))))
    (local.set $fd (i32.load (i32.const 32)))
    (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1500))))";

/// JSON beside a guest that does nothing.
fn jsons() -> Vec<(&'static str, Verdict, String)> {
    let many = |text: &str, count: usize| text.repeat(count);
    vec![
        ("empty", Failed, String::new()),
        ("deep", Failed, many("[", 200_000)),
        ("escape", Failed, "{\"\u{1b}[31m\u{202e}\": 1}".to_owned()),
        ("escape-escaped", Failed, "{\"\\u001b[31m\\u202e\": 1}".to_owned()),
        ("number", Failed, "{\"exit_code\": 1e999}".to_owned()),
        ("arguments", Ends, format!("{{\"args\": [\"{}\"]}}", many("x", 10_000_000))),
        ("parent", Failed, "{\"root\": \"..\"}".to_owned()),
        ("absolute", Failed, "{\"root\": \"/etc\"}".to_owned()),
        ("runs", Ends, format!(
            "{{\"operations\": [{}{{\"type\": \"run\"}}, {{\"type\": \"wait\"}}]}}",
            many("{\"type\": \"run\"}, {\"type\": \"wait\"}, ", 50_000)
        )),
        ("read", Ends, "{\"operations\": [{\"type\": \"run\"}, {\"type\": \"read\", \"payload\": \"x\"}, {\"type\": \"wait\"}]}".to_owned()),
        ("connect", Failed, "{\"operations\": [{\"type\": \"run\"}, {\"type\": \"connect\", \"id\": \"x\"}, {\"type\": \"wait\"}]}".to_owned()),
    ]
}

fn wat(body: &str) -> String {
    format!(
        r#"(module $"\1b[31m\u{{202e}}"
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $fd_filestat_set_size (param i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $path_create_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (memory (export "memory") 17)
  (data (i32.const 0) "\00\00\01\00\00\00\01\00")
  (data (i32.const 64) "d")
  (func $"\1b[32m\u{{202e}}" (export "_start") {body}))"#
    )
}
