//! `wassay compile` and `wassay wasm2obj`: modules as machine code, and as object files for
//! binutils.

use std::fs;
use std::process::{Command, Stdio};

use crate::common::program::hello;
use crate::common::trials::{NotRun, find, not_run};
use crate::common::{Folder, Ran, run, wassay};

const TEXT: &str = r#"(module (memory 1)
  (func $divide (param i32) (result i32) (i32.div_u (i32.const 84) (local.get 0)))
  (func $half (export "half") (param i32) (result i32) (call $divide (local.get 0)))
  (func (export "exported") (param i32) (result i32) (i32.load (local.get 0)))
  (func))"#;

fn folder() -> Folder {
    Folder::new(&[("p.wat", TEXT), ("hello.wat", &hello(""))])
}

#[track_caller]
fn compiled(folder: &Folder, command: &str, from: &str, to: &str) {
    let ran = wassay(&[command, &folder.arg(from), "-o", &folder.arg(to)]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert!(ran.err.contains(to) && ran.err.contains("function"), "{}", ran.err);
}

#[test]
fn machine_code_runs_like_its_module_if_it_is_allowed() {
    let folder = folder();
    compiled(&folder, "compile", "p.wat", "p.cwasm");
    for (name, argument) in [("half", "2"), ("half", "0"), ("exported", "4"), ("exported", "-1")] {
        let call = |options: &[&str], file: &str| {
            let file = folder.arg(file);
            let words = ["run"].iter().chain(options).copied();
            wassay(&words.chain(["--invoke", name, &file, argument]).collect::<Vec<_>>())
        };
        let (plain, compiled) = (call(&[], "p.wat"), call(&["--allow-precompiled"], "p.cwasm"));
        assert_eq!((compiled.code, &compiled.out), (plain.code, &plain.out));
        assert_eq!(compiled.err, plain.err.replace("p.wat", "p.cwasm"), "with the same backtrace");
        let eager = call(&["--allow-precompiled", "--compile", "eager"], "p.cwasm");
        assert_eq!((eager.code, eager.out, eager.err), (compiled.code, compiled.out, compiled.err));
    }
    let refused = wassay(&["run", &folder.arg("p.cwasm")]);
    assert!(refused.code == 2 && refused.err.contains("--allow-precompiled"), "{}", refused.err);
    let preload = format!("m={}", folder.arg("p.cwasm"));
    let refused = wassay(&["run", "--allow-precompiled", "--preload", &preload, &folder.arg("hello.wat")]);
    assert_eq!(refused.code, 2, "FILE is allowed only: {}", refused.err);
}

#[test]
fn programs_in_machine_code_have_wasi() {
    let folder = folder();
    compiled(&folder, "wasm2obj", "hello.wat", "hello.o");
    let ran = wassay(&["run", "--allow-precompiled", &folder.arg("hello.o")]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "hello\n", ""));
}

#[test]
fn both_commands_write_the_same_file() {
    let folder = folder();
    compiled(&folder, "compile", "p.wat", "p.cwasm");
    compiled(&folder, "wasm2obj", "p.wat", "p.o");
    assert_eq!(fs::read(folder.file("p.cwasm")).unwrap(), fs::read(folder.file("p.o")).unwrap());
}

#[test]
fn other_settings_and_damaged_files_are_refused_in_one_line() {
    let folder = folder();
    let file = folder.arg("p.cwasm");
    let line = |ran: Ran, expected: &str| {
        assert_eq!((ran.code, ran.err.lines().count()), (1, 1), "{}", ran.err);
        assert!(ran.err.contains(expected) && ran.err.contains("p.cwasm"), "{expected}: {}", ran.err);
    };
    let run = || wassay(&["run", "--allow-precompiled", "--invoke", "half", &file, "2"]);
    let ran = wassay(&["compile", "--features", "2.0", &folder.arg("p.wat"), "-o", &file]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    line(run(), "for another settings");
    compiled(&folder, "compile", "p.wat", "p.cwasm");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    line(run(), "not an object file of wassay");
    let index = whole.windows(7).position(|bytes| bytes == b"wassay\0").unwrap();
    let mut changed = whole.clone();
    changed[index + 60] ^= 1;
    fs::write(&file, changed).unwrap();
    line(run(), "checksum");
    let module = whole.windows(4).position(|bytes| bytes == b"\0asm").unwrap();
    let mut changed = whole.clone();
    changed[module + 20] ^= 1;
    fs::write(&file, changed).unwrap();
    line(run(), "checksum");
}

#[test]
fn nothing_is_overwritten_by_mistake() {
    let folder = folder();
    let same = wassay(&["compile", &folder.arg("p.wat"), "-o", &folder.arg("p.wat")]);
    assert!(same.code == 2 && same.err.contains("the module itself"), "{}", same.err);
    assert_eq!(fs::read_to_string(folder.file("p.wat")).unwrap(), TEXT);
    fs::write(folder.file("bad.wat"), "(module (func (result i32)))").unwrap();
    fs::write(folder.file("out.o"), "mine").unwrap();
    let bad = wassay(&["compile", &folder.arg("bad.wat"), "-o", &folder.arg("out.o")]);
    assert!(bad.code == 1 && bad.err.contains("type mismatch"), "{}", bad.err);
    assert_eq!(fs::read_to_string(folder.file("out.o")).unwrap(), "mine");
}

/// The output of a tool of binutils. `None` if it is not installed, or does not work.
fn binutils(tool: &str, args: &[&str]) -> Option<String> {
    let found = find(&[tool]).and_then(|file| {
        let version = Command::new(&file).arg("--version").stdin(Stdio::null()).output();
        let is_usable =
            version.is_ok_and(|version| version.status.success() && version.stdout.starts_with(b"GNU"));
        if is_usable { Ok(file) } else { Err(NotRun(format!("no {tool} of GNU binutils that works"))) }
    });
    let file = found.inspect_err(not_run).ok()?;
    let ran = run(Command::new(file).args(args));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{tool}");
    Some(ran.out)
}

#[test]
fn binutils_show_functions_by_their_names() {
    let folder = folder();
    compiled(&folder, "wasm2obj", "p.wat", "p.o");
    let file = folder.arg("p.o");
    if let Some(names) = binutils("nm", &[&file]) {
        let names: Vec<&str> = names.lines().filter_map(|line| line.split_whitespace().next_back()).collect();
        assert_eq!(names, ["divide", "exported", "function[3]", "half"]);
    }
    if let Some(code) = binutils("objdump", &["-d", &file]) {
        let half = code.split("<half>:").nth(1).unwrap().split("\n\n").next().unwrap();
        assert!(half.contains("call") && half.contains("<divide>"), "{half}");
        assert!(!code.contains("(bad)"), "{code}");
    }
    if let Some(symbols) = binutils("readelf", &["-W", "-s", "-S", &file]) {
        for expected in ["FUNC", "half", ".text", ".wassay.index", ".wassay.module"] {
            assert!(symbols.contains(expected), "{expected}: {symbols}");
        }
    }
}
