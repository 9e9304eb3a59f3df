//! Tests of the WASI "Application ABI", and of programs that violate it.

use crate::common::program::{expect, hello, program};
use crate::common::{Folder, wassay};

/// A process has 8 bits for its exit code.
#[test]
fn a_failure_of_the_guest_is_a_failure_whatever_its_exit_code() {
    for (code, low) in
        [("256", 255), ("512", 255), ("0x80000000", 255), ("257", 1), ("-1", 255), ("1000", 232)]
    {
        let folder = Folder::new(&[("a.wat", hello(&format!("(call $proc_exit (i32.const {code}))")))]);
        let file = folder.arg("a.wat");
        let ran = wassay(&["run", &file]);
        assert_eq!((ran.code, ran.out.as_str()), (low, "hello\n"), "{code}");
        let said = format!("warning: {file}: the guest exited with code ");
        let is_said = !["257", "-1", "1000"].contains(&code);
        assert_eq!(ran.err.starts_with(&said), is_said, "{code}: {}", ran.err);
        assert_eq!(ran.err.ends_with("; exiting with 255 instead\n"), is_said, "{code}: {}", ran.err);
    }
}

#[test]
fn a_module_that_is_a_command_and_a_reactor_is_warned_of() {
    let text = program(
        r#"(data (i32.const 64) "init\n") (data (i32.const 80) "start\n") (data (i32.const 96) "other\n")
  (func (export "_initialize") (call $write (i32.const 1) (i32.const 64) (i32.const 5)))
  (func (export "_start") (call $write (i32.const 1) (i32.const 80) (i32.const 6)) (call $proc_exit (i32.const 9)))
  (func (export "other") (call $write (i32.const 1) (i32.const 96) (i32.const 6)))"#,
    );
    let folder = Folder::new(&[("a.wat", text), ("b.wat", hello(""))]);
    let (file, other) = (folder.arg("a.wat"), folder.arg("b.wat"));
    let said = |called: &str| {
        format!(
            "warning: {file}: exports both `_start` (a command) and `_initialize` (a reactor); {called}\n"
        )
    };
    expect(&wassay(&["run", &file]), 9, "start\n", &said("calling `_start` only"));
    let ran = wassay(&["run", "--invoke=other", &file]);
    expect(&ran, 0, "init\nother\n", &said("calling `_initialize`, then `other`"));
    let ran = wassay(&["run", &format!("--preload=lib={file}"), &other]);
    expect(&ran, 0, "init\nhello\n", &said("calling `_initialize` only"));
}

#[test]
fn a_module_without_a_memory_for_wasi_is_warned_of() {
    let text = hello("");
    let folder = Folder::new(&[
        ("none.wat", text.replace("(memory (export \"memory\") 2)", "(memory 2)")),
        ("other.wat", text.replace("(export \"memory\")", "(export \"mem\")")),
        (
            "function.wat",
            text.replace("(memory (export \"memory\") 2)", "(memory 2) (func (export \"memory\"))"),
        ),
        (
            "numbers.wat",
            r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (func (export "_start") (call $exit (i32.const 3))))"#
                .to_owned(),
        ),
    ]);
    for (name, found) in [
        ("none.wat", "exports no memory named `memory`"),
        ("other.wat", "exports no memory named `memory`"),
        ("function.wat", "the export `memory` is a function, not a memory"),
    ] {
        let file = folder.arg(name);
        let said = format!(
            "warning: {file}: {found}; WASI functions that take pointers, such as `fd_write`, will fail with FAULT\n"
        );
        expect(&wassay(&["run", &file]), 0, "", &said);
        let numbers = folder.arg("numbers.wat");
        expect(&wassay(&["run", &format!("--preload=lib={file}"), &numbers]), 3, "", &said);
    }
    expect(&wassay(&["run", &folder.arg("numbers.wat")]), 3, "", "");
}

/// A library passes WASI functions on: by an import, a table, or its own code.
#[test]
fn a_call_works_on_the_memory_of_the_module_that_calls() {
    let library = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\08\00\00\00") (data (i32.const 16) "library\n")
  (table (export "table") 1 funcref) (elem (i32.const 0) $fd_write)
  (export "fd_write" (func $fd_write))
  (func (export "write") (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;
    let program = r#"(module
  (type $t (func (param i32 i32 i32 i32) (result i32)))
  (import "lib" "table" (table 1 funcref))
  (import "lib" "fd_write" (func $fd_write (type $t)))
  (import "lib" "write" (func $write))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\08\00\00\00") (data (i32.const 16) "program\n")
  (func $tail (param i32 i32 i32 i32) (result i32)
    (return_call_indirect (type $t)
      (local.get 0) (local.get 1) (local.get 2) (local.get 3) (i32.const 0)))
  (func (export "_start")
    (drop (call_indirect (type $t) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8) (i32.const 0)))
    (call $write)
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $write)
    (drop (call $tail (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;
    let folder = Folder::new(&[("lib.wat", library), ("a.wat", program)]);
    let preload = format!("--preload=lib={}", folder.arg("lib.wat"));
    let out = "program\nlibrary\nprogram\nlibrary\nprogram\n";
    expect(&wassay(&["run", &preload, &folder.arg("a.wat")]), 0, out, "");
}
