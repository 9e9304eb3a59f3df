//! Tests that `--max-memory` limits the process: its memory stays within the limit plus the
//! overhead stated in `docs/limits.md`.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::{Folder, clean};

/// The limit.
const LIMIT: u64 = 64 << 20;

/// What the process needs besides, by `docs/limits.md`; a debug build needs more than the release
/// build that it speaks of.
const BESIDES: u64 = if cfg!(debug_assertions) { 96 << 20 } else { 64 << 20 };

/// The most memory that `wassay` had while it ran with these arguments, and what it printed.
fn peak(args: &[&str], folder: &Folder) -> (u64, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    let output = fs::File::create(folder.file("output")).unwrap();
    command.args(args).stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
    let mut child = clean(&mut command).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kibibytes.unwrap_or(0) << 10);
        std::thread::sleep(Duration::from_millis(2));
    }
    (peak, fs::read_to_string(folder.file("output")).unwrap())
}

/// Runs a case under the limit.
#[track_caller]
fn stays_within<T: AsRef<[u8]>>(files: &[(&str, T)]) {
    let folder = Folder::new::<&str>(&[]);
    let cases = Folder::new(files);
    let cases = cases.path().to_str().unwrap();
    // What the process has at its very end is not always seen.
    const ATTEMPTS: usize = 10;
    for _ in 0..ATTEMPTS {
        let (peak, told) =
            peak(&["test", "--jobs", "1", "--timeout", "20s", "--max-memory", "64MiB", cases], &folder);
        assert!(
            ["panicked", "malformed", "invalid", "unlinkable"].iter().all(|word| !told.contains(word)),
            "{told}"
        );
        assert!(peak <= LIMIT + BESIDES, "{} MiB: {told}", peak >> 20);
        if peak > LIMIT / 2 {
            return;
        }
    }
    panic!("in {ATTEMPTS} attempts it used less than half of its limit");
}

fn script(fields: &str, body: &str) -> String {
    format!(
        ";;! features = \"3.0,threads\"\n(module {fields} (func (export \"f\") (local i32) {body}))\n(invoke \"f\")\n"
    )
}

/// Takes more again and again, until there is none.
fn until_refused(grow: &str) -> String {
    format!("(loop $again (br_if $again (i32.ne {grow} (i32.const -1))))")
}

const MEMORY: &str = "(memory.grow $m (i32.const 1))";
const TABLE: &str = "(table.grow $t (ref.func $g) (i32.const 10000))";
const TABLES: &str = "(table $t 0 funcref) (elem declare func $g) (func $g)";
const FILLED: &str = "(memory.fill $m (i32.const 0) (i32.const 1) (i32.shl (memory.size $m) (i32.const 16)))";

#[test]
fn memories_and_tables() {
    let both = format!("(memory $m 0) {TABLES}");
    stays_within(&[("memory.wast", script(&both, &format!("{} {FILLED}", until_refused(MEMORY))))]);
    stays_within(&[("table.wast", script(&both, &until_refused(TABLE)))]);
    stays_within(&[(
        "both.wast",
        script(
            &both,
            &format!(
                "(drop (memory.grow $m (i32.const 500))) {} {} {FILLED}",
                until_refused(TABLE),
                until_refused(MEMORY)
            ),
        ),
    )]);
}

#[test]
fn tables_with_a_large_minimum() {
    let one = "(module (table 7000000 (ref func) (ref.func $f)) (func $f))\n";
    stays_within(&[("tables.wast", one.repeat(20))]);
}

#[test]
fn tables_of_many_instances_and_segments() {
    let module = format!(
        "(module definition $m (table 10 funcref) (elem funcref {}) {})\n",
        "(ref.null func)".repeat(10_000),
        "(global (mut v128) (v128.const i64x2 0 0))".repeat(1000)
    );
    stays_within(&[("instances.wast", module + &"(module instance $m)\n".repeat(5000))]);
}

#[test]
fn objects() {
    let list =
        "(type $n (struct (field (ref null $n)) (field i64))) (global $h (mut (ref null $n)) (ref.null $n))";
    let more = "(loop $again (global.set $h (struct.new $n (global.get $h) (i64.const 1))) (br $again))";
    stays_within(&[("list.wast", script(list, more))]);
    let arrays = "(type $a (array (mut i8))) (type $n (struct (field (ref null $n)) (field (ref $a))))
        (global $h (mut (ref null $n)) (ref.null $n))";
    let more = "(loop $again (global.set $h (struct.new $n (global.get $h)
        (array.new $a (i32.const 1) (i32.const 100000)))) (br $again))";
    stays_within(&[("arrays.wast", script(arrays, more))]);
    // All that there is, once as a memory and then as objects.
    let both = format!("(memory $m 0) {list}");
    stays_within(&[(
        "both.wast",
        script(&both, &format!("(drop (memory.grow $m (i32.const 900))) {FILLED} {}", more_of_list())),
    )]);
}

fn more_of_list() -> &'static str {
    "(loop $again (global.set $h (struct.new $n (global.get $h) (i64.const 1))) (br $again))"
}

/// Objects that a collection finds all at once, so that it has to remember as many.
#[test]
fn objects_that_are_found_together() {
    let types = "(type $s (struct)) (type $a (array (mut (ref null $s)))) (type $n (struct (field (ref null $n)) (field (ref $a))))
        (global $h (mut (ref null $n)) (ref.null $n)) (global $a (mut (ref null $a)) (ref.null $a))";
    let body = "(loop $more
          (global.set $a (array.new_default $a (i32.const 400)))
          (local.set 0 (i32.const 0))
          (loop $each
            (array.set $a (global.get $a) (local.get 0) (struct.new $s))
            (br_if $each (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 400))))
          (global.set $h (struct.new $n (global.get $h) (ref.as_non_null (global.get $a))))
          (br $more))";
    stays_within(&[("together.wast", script(types, body))]);
}

#[test]
fn exceptions_in_flight() {
    let types = "(tag $t (param i64 i64)) (type $n (struct (field (ref null $n)) (field (ref null exn))))
        (global $h (mut (ref null $n)) (ref.null $n))";
    let text = format!("(module {types} (func (export \"f\") (local $e exnref)
        (loop $again
          (block $b (result i64 i64 exnref) (try_table (catch_ref $t $b) (throw $t (i64.const 1) (i64.const 2))) (unreachable))
          (local.set $e) (drop) (drop)
          (global.set $h (struct.new $n (global.get $h) (local.get $e)))
          (br $again))))\n(invoke \"f\")\n");
    stays_within(&[("exceptions.wast", text)]);
}

/// The threads of a script have what it has, together.
#[test]
fn threads() {
    let thread = |number: usize| {
        format!(
            "(thread $t{number} (shared (module $m))
               (module (memory $m 0) (func (export \"f\") {} {FILLED}))
               (invoke \"f\"))\n",
            until_refused(MEMORY)
        )
    };
    let shared = ";;! features = \"3.0,threads\"\n(module $m (memory (export \"m\") 1 1 shared))\n";
    let threads: String = (0..8).map(thread).collect();
    let waits: String = (0..8).map(|number| format!("(wait $t{number})\n")).collect();
    stays_within(&[("threads.wast", format!("{shared}{threads}{waits}"))]);
}

/// A shared memory that a thread has grown stays as large when the thread has ended.
#[test]
fn shared_memories_that_threads_grow() {
    let one = |number: usize| {
        format!(
            "(module $m{number} (memory (export \"m\") 1 1000 shared))\n(register \"s\" $m{number})
             (thread $t{number} (shared (module $m{number}))
               (register \"s\" $m{number})
               (module (import \"s\" \"m\" (memory $m 1 1000 shared)) (func (export \"f\") {} {FILLED}))
               (invoke \"f\"))\n(wait $t{number})\n",
            until_refused(MEMORY)
        )
    };
    let text: String = (0..8).map(one).collect();
    stays_within(&[("shared.wast", format!(";;! features = \"3.0,threads\"\n{text}"))]);
}

/// A guest that writes as much as it can to its outputs.
#[test]
fn outputs_of_a_guest() {
    let guest = "(module (import \"wasi_snapshot_preview1\" \"fd_write\" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export \"memory\") 2) (data (i32.const 16) \"\\00\\01\\00\\00\\00\\00\\01\\00\")
        (func (export \"_start\")
          (loop $out (br_if $out (i32.eqz (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 0)))))
          (loop $err (br_if $err (i32.eqz (call $write (i32.const 2) (i32.const 16) (i32.const 1) (i32.const 0)))))))";
    stays_within(&[("a.wat", guest), ("a.json", "{}")]);
    // What a guest wrote that fails is shown in part.
    let fails = guest.replace("(i32.const 0)))))))", "(i32.const 0))))) unreachable))");
    assert_ne!(fails, guest);
    stays_within(&[("a.wat", fails.as_str()), ("a.json", "{}")]);
}

/// A program has the same limit, and nothing of it but what its memories and tables hold.
#[test]
fn a_program() {
    let folder = Folder::new(&[(
        "a.wat",
        format!(
            "(module (memory $m 0) {TABLES} (func (export \"_start\")
               (drop (memory.grow $m (i32.const 500))) {} {} {FILLED}))",
            until_refused(TABLE),
            until_refused(MEMORY)
        ),
    )]);
    let (peak, told) = peak(&["run", "--max-memory", "64MiB", &folder.arg("a.wat")], &folder);
    assert_eq!(told, "");
    assert!(peak <= LIMIT + BESIDES, "{} MiB", peak >> 20);
}
