//! Guests of WASI as cases of `wassay test`: what each form of a case says is done and judged.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Folder, Ran, wassay};
use wassay_reports::{Outcome, json};

/// A guest that writes `hello` to standard output and ends with the code 3.
const HELLO: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
  (func (export "_start")
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
    (call $proc_exit (i32.const 3))))"#;

/// A guest that never ends.
const ENDLESS: &str = r#"(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))"#;

/// A guest that ends at once.
const NOTHING: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;

fn test(files: &[(&str, &str)], args: &[&str]) -> Ran {
    let folder = Folder::new(files);
    let path = folder.path().to_str().unwrap();
    let ran = wassay(&[&["test", path], args].concat());
    Ran { out: ran.out.replace(path, "."), err: ran.err.replace(path, "."), ..ran }
}

#[test]
fn a_module_is_a_case_beside_its_json_or_a_manifest() {
    let passes = r#"{"exit_code": 3, "stdout": "hello\n"}"#;
    let ran = test(
        &[
            ("one/a.wat", HELLO),
            ("one/a.json", passes),
            ("one/no-case.wat", HELLO),
            ("two/manifest.json", "{}"),
            ("two/b.wat", NOTHING),
            ("two/x.dir/no-case.wat", HELLO),
            ("c.wast", common::PASSES),
        ],
        &[],
    );
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.err.starts_with(".: 3 cases, 9 directives, as expected"), "{}", ran.err);
}

#[test]
fn another_exit_code_or_output_fails_with_both_sides() {
    let json = r#"{"exit_code": 4, "stdout": "hallo\n"}"#;
    let folder = Folder::new(&[("a.wat", HELLO), ("a.json", json), ("b.wat", HELLO), ("b.json", "{}")]);
    let file = folder.arg("r.json");
    let ran = wassay(&["test", folder.path().to_str().unwrap(), "--report", &format!("json={file}")]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("a.wat: wrong-exit-code: "), "{}", ran.out);
    assert!(ran.out.contains("expected exit code 4\n  actual   exit code 3\n"), "{}", ran.out);
    assert!(ran.out.contains("fd_write(fd=1, "), "the last calls: {}", ran.out);
    let report = json::parse(&std::fs::read_to_string(file).unwrap()).unwrap();
    let [a, b] = &report.suites[0].cases[..] else { panic!("two cases") };
    assert_eq!(
        (a.name.as_str(), a.outcome, a.directives.passed, a.directives.failed),
        ("a.wat", Outcome::Failed, 1, 2)
    );
    assert_eq!(a.failures[1].kind, "wrong-stdout");
    assert_eq!(a.failures[1].expected.as_deref(), Some("hallo\n"));
    assert_eq!(a.failures[1].actual.as_deref(), Some("hello\n"));
    assert_eq!((b.name.as_str(), b.directives.failed), ("b.wat", 1));
}

#[test]
fn a_guest_that_does_not_end_is_a_timeout() {
    let ran = test(
        &[("a.wat", ENDLESS), ("a.json", "{}"), ("b.wat", NOTHING), ("b.json", "{}")],
        &["--timeout", "200ms"],
    );
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("./a.wat: timeout: it still ran after 200ms"), "{}", ran.out);
    assert!(ran.err.ends_with("1 case not as expected\n"), "{}", ran.err);
}

#[test]
fn json_that_is_not_understood_is_named_with_its_line_and_field() {
    for (json, message) in [
        ("{\n  \"exit_cod\": 1\n}", "./a.json:2:12: `exit_cod`: unknown field `exit_cod`, expected one of "),
        ("{\n\n  \"args\": [1]}", "./a.json:3:12: `args[0]`: invalid type: integer `1`, expected a string"),
        ("{\"exit_code\": -1}", "./a.json:1:16: `exit_code`: invalid value: integer `-1`, expected u32"),
        ("{\"root\": \"../x\"}", "./a.json:1:2: `root`: `../x` is no folder beside the module"),
        ("{\"operations\": [], \"args\": []}", "./a.json:1:20: `args`: cannot stand beside `operations`"),
        ("{\"operations\": []}", "./a.json:1:2: `operations`: is empty"),
        (
            "{\"operations\": [{\"type\": \"wait\"}]}",
            "./a.json:1:2: `operations`: operation 1: no guest runs",
        ),
        (
            "{\"operations\": [{\"type\": \"run\"}]}",
            "./a.json:1:2: `operations`: the last `run` has no `wait`",
        ),
        (
            "{\"operations\": [\n{\"type\": \"kill\"}]}",
            "./a.json:2:15: `operations[0].type`: unknown variant `kill`",
        ),
        ("{\"proposals\": [\"http\"]}", "./a.json:1:2: `proposals`: `http` is a proposal of later previews"),
        ("{", "./a.json:1:1: EOF while parsing an object"),
        ("{} x", "./a.json:1:4: expected nothing after the object"),
    ] {
        let ran = test(&[("a.wat", NOTHING), ("a.json", json)], &[]);
        assert_eq!(ran.code, 1, "{json}");
        assert!(ran.out.starts_with(message), "{json}: {}", ran.out);
    }
}
