//! Tests that scripts written by `wassay wast --repro` are small and fail in the same way.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::{Ran, run};

/// A wrong expectation on line 14, which needs the counter of `$a` to have been called twice, and
/// `$b` to be registered.
const SCRIPT: &str = r#"(module $unused (func (export "x")))
(module $a
  (memory 1)
  (global $n (mut i32) (i32.const 0))
  (func (export "count") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
  (func (export "noise")))
(register "a" $a)
(assert_return (invoke $a "noise"))
(module $b (import "a" "count" (func $count (result i32))) (func (export "twice") (result i32)
  (drop (call $count)) (call $count)))
(assert_return (invoke $b "twice") (i32.const 2))
(assert_malformed (module quote "(") "")
(assert_return (invoke $b "twice") (i32.const 5)) (assert_invalid (module (func (drop))) "type mismatch")
(thread $t (shared (module $a)) (assert_return (get $a "none")))
(wait $t)
(assert_return (invoke $unused "x"))
"#;

fn wassay(folder: &Path, args: &[&str]) -> Ran {
    run(Command::new(env!("CARGO_BIN_EXE_wassay")).current_dir(folder).args(args))
}

/// Writes the script to `a.wast` and asks for what fails on a line of it.
fn repro(folder: &Path, text: &str, line: &str) -> Ran {
    fs::write(folder.join("a.wast"), text).unwrap();
    wassay(folder, &["wast", "--repro", line, "a.wast"])
}

#[test]
fn it_is_small_and_fails_in_the_same_way() {
    let folder = tempfile::tempdir().unwrap();
    let ran = repro(folder.path(), SCRIPT, "14");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.out,
        r#";;! features = "3.0"
;; a.wast:14:1: wrong-value: result 0 has the wrong value
(module $a
  (global $n (mut i32) (i32.const 0))
  (func (export "count") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
  )
(register "a" $a)
(module $b (import "a" "count" (func $count (result i32))) (func (export "twice") (result i32)
  (drop (call $count)) (call $count)))
(assert_return (invoke $b "twice") (i32.const 2))
(assert_return (invoke $b "twice") (i32.const 5))
"#
    );
    assert!(ran.err.contains("a.wast:14:1: wrong-value: reduced from 8 to 5 directives\n"), "{ran:?}");
    fs::write(folder.path().join("b.wast"), &ran.out).unwrap();
    let again = wassay(folder.path(), &["wast", "b.wast"]);
    assert_eq!(again.code, 1);
    assert!(again.out.contains("wrong-value: result 0 has the wrong value"), "{again:?}");
    assert!(again.out.contains("actual   i32 4 (0x00000004)"), "{again:?}");
    assert!(again.out.ends_with("5 directives: 4 passed, 1 failed\n"), "{again:?}");
}

#[test]
fn a_failure_in_a_thread_is_one_of_its_wait() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        format!(";;! features = \"3.0,threads\"\n{}", SCRIPT.replace("(memory 1)", "(memory 1 1 shared)"));
    let ran = repro(folder.path(), &text, "16");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("(thread $t") && ran.out.ends_with("(wait $t)\n"), "{ran:?}");
    assert!(!ran.out.contains("$b") && !ran.out.contains("noise"), "{ran:?}");
}

#[test]
fn a_failure_to_compile_needs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{SCRIPT}(module $bad (func (result i32)))\n(assert_return (invoke $bad \"f\"))");
    let ran = repro(folder.path(), &text, "18");
    assert_eq!(ran.out.lines().count(), 3, "{ran:?}");
    // Its user fails since it does: the line that the message names is another one then.
    let ran = repro(folder.path(), &text, "19");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.ends_with("(module $bad (func (result i32)))\n(assert_return (invoke $bad \"f\"))\n"),
        "{ran:?}"
    );
}

#[test]
fn the_features_and_the_time_of_the_script_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let text = ";;! features = \"2.0,threads\"\n(module (func (export \"f\") (loop (br 0))))\n(module)(module (func (export \"f\") (loop (br 0))))\n(invoke \"f\")";
    fs::write(folder.path().join("a.wast"), text).unwrap();
    let ran = wassay(folder.path(), &["wast", "--repro", "4", "--timeout", "50ms", "a.wast"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with(";;! features = \"2.0,threads\"\n;; a.wast:4:1: timeout"), "{ran:?}");
    assert_eq!(ran.out.matches("(module").count(), 1, "{ran:?}");
}

#[test]
fn where_there_is_nothing_to_reproduce_it_says_why() {
    let folder = tempfile::tempdir().unwrap();
    for (line, code, message) in [
        ("9", 1, "error: a.wast:9: the directive on this line passes: there is no failure to reproduce\n"),
        ("99", 2, "error: a.wast:99: no directive begins on this line\n"),
    ] {
        let ran = repro(folder.path(), SCRIPT, line);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (code, "", message));
    }
    let ran = wassay(folder.path(), &["wast", "--repro", "1", "a.wast", "b.wast"]);
    assert_eq!((ran.code, ran.err.contains("--repro: expected exactly one file")), (2, true), "{ran:?}");
    let ran = wassay(folder.path(), &["wast", "--repro", "0", "a.wast"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let text = "(module (func (export \"f\") (loop (br 0))))\n(invoke \"f\")\n(invoke \"g\")";
    fs::write(folder.path().join("a.wast"), text).unwrap();
    let ran = wassay(folder.path(), &["wast", "--repro", "3", "--timeout", "50ms", "a.wast"]);
    assert_eq!((ran.code, ran.err.contains("a.wast:3: the directive was not reached")), (1, true), "{ran:?}");
}

#[test]
fn what_makes_the_value_wrong_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let text = "(module (memory 1) (data (i32.const 0) \"abc\") (data (i32.const 9) \"x\")\n\
        (func (export \"f\") (result i32) (i32.load8_u (i32.const 0))))\n(assert_return (invoke \"f\") (i32.const 98))";
    let ran = repro(folder.path(), text, "3");
    assert!(ran.out.contains("(data (i32.const 0) \"abc\")") && !ran.out.contains("\"x\""), "{ran:?}");
}

#[test]
fn the_name_of_a_file_does_not_steer_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a\u{1b}[31m.wast"), "(module)\n(invoke \"f\")").unwrap();
    for args in
        [&["wast", "a\u{1b}[31m.wast"][..], &["wast", "--repro", "2", "a\u{1b}[31m.wast"], &["test", "."]]
    {
        let ran = wassay(folder.path(), args);
        assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{ran:?}");
        assert!(ran.out.contains("\\u{1b}[31m.wast:2:1"), "{ran:?}");
        assert!(!ran.out.contains("no-such-export: no-such-export"), "the kind is said once: {ran:?}");
    }
}
