//! Runs each example and compares what it prints.

#![allow(clippy::unwrap_used)]

use std::process::Command;

fn stdout(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program}: {}\n{stdout}{stderr}", output.status);
    stdout
}

#[test]
fn typed_call() {
    let expected = "gcd(1071, 462) = 21\n\
        error: type mismatch: expected [f64] -> [f64], found [i32 i32] -> [i32]\n\
        greetings from wasm\n";
    assert_eq!(stdout(env!("CARGO_BIN_EXE_typed_call"), &[]), expected);
}

#[test]
fn host_state() {
    let expected = "the sum of 2 numbers is 42\n\
        error: invalid digit found in string (a ParseIntError: true)\n\
        3 calls\n";
    assert_eq!(stdout(env!("CARGO_BIN_EXE_host_state"), &[]), expected);
}

#[test]
fn wasi_program() {
    let program = env!("CARGO_BIN_EXE_wasi_program");
    assert_eq!(stdout(program, &[]), "I can see /data\nexit code 0\n");
    // A program of the user's: one that exits with a code.
    let exit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testsuite/guests/wat/exit.wat");
    assert_eq!(stdout(program, &[exit, "."]), "exit code 7\n");
}

#[test]
fn limits() {
    let expected = "grow by 15 pages: 1\n\
        grow by one more: -1\n\
        allocate: limit reached: the objects of a store can use at most 16777216 bytes\n\
        recurse: call stack exhausted\n\
        spin: timed out, after at least 50 ms: true\n\
        grow: timed out\n";
    assert_eq!(stdout(env!("CARGO_BIN_EXE_limits"), &[]), expected);
}
