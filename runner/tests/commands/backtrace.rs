//! Tests of backtraces of `wassay run`.

use std::fs;

use crate::common::{Folder, wassay};

/// The lines after the first, which is the trap, with all offsets replaced by `+0x…`.
fn frames(err: &str) -> Vec<String> {
    let without_offset = |line: &str| match line.split_once("+0x") {
        Some((before, after)) => {
            let digits = after.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(after.len());
            assert!((1..=5).contains(&digits), "{line}");
            format!("{before}+0x…{}", &after[digits..])
        }
        None => line.to_owned(),
    };
    err.lines().skip(1).map(without_offset).collect()
}

#[test]
fn a_trap_shows_the_functions_that_it_left() {
    let text = r#"(module
        (func $price (param $count i32) (result i32) (i32.div_u (i32.const 100) (local.get $count)))
        (func (drop (call $price (i32.const 0))))
        (func (export "_start") (call 1)))"#;
    let folder = Folder::new(&[("shop.wat", text)]);
    let file = folder.arg("shop.wat");
    let ran = wassay(&["run", &file]);
    assert_eq!((ran.code, ran.out.as_str()), (134, ""));
    assert_eq!(ran.err.lines().next(), Some(format!("error: {file}: trap: integer divide by zero").as_str()));
    let expected = ["  0: price (shop.wat+0x…)", "  1: func[1] (shop.wat+0x…)", "  2: _start (shop.wat+0x…)"];
    assert_eq!(frames(&ran.err), expected);
}

#[test]
fn offsets_are_those_in_the_binary() {
    // One function, whose body is `local.get 0`, `i32.eqz`, `unreachable`, `end`.
    let text = r#"(module (func (export "f") (param i32) (drop (i32.eqz (local.get 0))) unreachable))"#;
    let folder = Folder::new(&[("a.wat", text)]);
    let binary = wast::parser::ParseBuffer::new(text).unwrap();
    let binary = wast::parser::parse::<wast::Wat<'_>>(&binary).unwrap().encode().unwrap();
    let unreachable = binary.windows(5).position(|code| code == [0x20, 0, 0x45, 0x1a, 0]).unwrap() + 4;
    let ran = wassay(&["run", "--invoke=f", &folder.arg("a.wat"), "1"]);
    assert_eq!(ran.err.lines().nth(1), Some(format!("  0: f (a.wat+{unreachable:#x})").as_str()));
}

#[test]
fn start_functions_and_other_modules_are_shown_as_well() {
    let library = r#"(module (table 1 funcref)
        (func $go (export "go") (table.fill 0 (i32.const 2) (ref.null func) (i32.const 1))))"#;
    let start = r#"(module (import "l" "go" (func $go)) (func $begin (call $go)) (start $begin))"#;
    let reactor = r#"(module (import "l" "go" (func $go)) (func (export "_initialize") (call $go)))"#;
    let folder = Folder::new(&[("lib/library.wat", library), ("start.wat", start), ("reactor.wat", reactor)]);
    let preload = format!("--preload=l={}", folder.arg("lib/library.wat"));
    for (name, caller) in [("start.wat", "begin"), ("reactor.wat", "_initialize")] {
        let ran = wassay(&["run", &preload, &folder.arg(name)]);
        assert_eq!(ran.code, 134);
        assert_eq!(
            frames(&ran.err),
            ["  0: go (library.wat+0x…)".to_owned(), format!("  1: {caller} ({name}+0x…)")]
        );
    }
    let broken = r#"(module (func (export "_initialize") unreachable))"#;
    let folder = Folder::new(&[("broken.wat", broken), ("a.wat", "(module)")]);
    let preload = format!("--preload=l={}", folder.arg("broken.wat"));
    let ran = wassay(&["run", &preload, &folder.arg("a.wat")]);
    assert_eq!((ran.code, frames(&ran.err)), (134, vec!["  0: _initialize (broken.wat+0x…)".to_owned()]));
}

#[test]
fn a_stack_that_is_used_up_shows_its_two_ends() {
    let text = r#"(module (func $down (call $down) (nop)) (func (export "_start") (call $down)))"#;
    let folder = Folder::new(&[("a.wat", text)]);
    let ran = wassay(&["run", &folder.arg("a.wat")]);
    assert_eq!(ran.code, 134);
    let lines = frames(&ran.err);
    assert_eq!(lines.len(), 24 + 1 + 8);
    assert_eq!(lines[23], " 23: down (a.wat+0x…)");
    let more = lines[24].strip_prefix("     … ").and_then(|line| line.strip_suffix(" more …"));
    let more: usize = more.unwrap().parse().unwrap();
    assert!(more > 1000, "{more}");
    assert_eq!(lines[32], format!("{}: _start (a.wat+0x…)", 24 + more + 7));
}

#[test]
fn an_exception_that_nothing_caught_shows_where_it_was_thrown() {
    let text = r#"(module (tag $oops) (func $throw (throw $oops)) (func (export "_start") (call $throw)))"#;
    let folder = Folder::new(&[("a.wat", text)]);
    let file = folder.arg("a.wat");
    let ran = wassay(&["run", &file]);
    assert_eq!(ran.err.lines().next(), Some(format!("error: {file}: uncaught exception").as_str()));
    assert_eq!(frames(&ran.err), ["  0: throw (a.wat+0x…)", "  1: _start (a.wat+0x…)"]);
}

#[test]
fn a_guest_that_ends_by_itself_shows_nothing() {
    let text = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const 3))))"#;
    let folder = Folder::new(&[("a.wat", text)]);
    let ran = wassay(&["run", &folder.arg("a.wat")]);
    assert_eq!((ran.code, ran.err.as_str()), (3, ""));
}

#[test]
fn a_name_does_not_reach_the_terminal_as_a_command() {
    let text = "(module (func $a (@name \"red \\1b[31m\\n  9: fake\") unreachable) (func (export \"_start\") (call $a)))";
    let folder = Folder::new(&[("a.wat", text)]);
    let ran = wassay(&["run", &folder.arg("a.wat")]);
    assert_eq!(frames(&ran.err)[0], "  0: red \\u{1b}[31m\\n  9: fake (a.wat+0x…)");
}

/// The programs are built by `testsuite/guests/build.sh`: which lines a compiler gives depends on
/// its version.
#[test]
fn a_program_in_c_shows_its_lines() {
    for level in ["O0", "O2"] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../testsuite/guests/c/debug");
        let whole = fs::read(format!("{folder}/lines-{level}.wasm")).unwrap();
        let folder = Folder::new(&[("lines.wasm", &whole)]);
        let binary = folder.arg("lines.wasm");
        let ran = wassay(&["run", &binary]);
        assert_eq!(ran.code, 134);
        let lines = frames(&ran.err);
        let source = "/guests/c/debug/lines.c";
        assert_eq!(lines[0], format!("  0: divide (lines.wasm+0x…) at {source}:6:14"));
        assert_eq!(lines[1], format!("  1: check at {source}:11:12, inlined into"), "{}", ran.err);
        assert_eq!(lines[2], format!("     main (lines.wasm+0x…) at {source}:16:12"));
        // Without its DWARF, and with half of it.
        let at = whole.windows(11).position(|bytes| bytes == b".debug_info").unwrap();
        let (mut renamed, mut damaged) = (whole.clone(), whole);
        renamed[at + 1] = b'x';
        damaged[at + 40..at + 400].fill(0xa5);
        for bytes in [renamed, damaged] {
            fs::write(&binary, bytes).unwrap();
            let ran = wassay(&["run", &binary]);
            assert_eq!(ran.code, 134);
            assert_eq!(frames(&ran.err)[0].split(" at ").next(), Some("  0: divide (lines.wasm+0x…)"));
        }
    }
}
