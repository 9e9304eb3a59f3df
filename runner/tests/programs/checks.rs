//! Programs that check what their language's library makes of WASI, and themselves say which check
//! failed.

use std::fs;
use std::process::{Command, Stdio};

use crate::common::{Folder, Ran, run};
use crate::guests::built;

/// Runs a program whose folder `/` has one file, with these options and arguments, and this
/// standard input; the folder is as before afterwards.
fn checked(program: &str, options: &[&str], args: &[&str], input: &str) -> Ran {
    let folder = Folder::new(&[("root/input.txt", "input\n"), ("input", input)]);
    let root = format!("{}::/", folder.arg("root"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args(["run", "--dir", &root]).args(options).arg(built(program)).args(args);
    let ran = run(command.stdin(Stdio::from(fs::File::open(folder.file("input")).unwrap())));
    let left: Vec<_> =
        fs::read_dir(folder.file("root")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["input.txt"], "{}", ran.err);
    ran
}

#[track_caller]
fn passes(program: &str) {
    let ran = checked(program, &[], &[], "");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "all checks passed\n", ""));
}

#[test]
fn files_in_c() {
    passes("c/files");
}

#[test]
fn a_large_directory_in_c() {
    passes("c/directory");
}

#[test]
fn clocks_and_waiting_in_c() {
    passes("c/waiting");
}

#[test]
fn many_small_calls_in_c() {
    let ran = checked("c/calls", &[], &["/"], "");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
}

#[test]
fn a_check_that_fails_is_seen() {
    let folder = Folder::new(&[("root/many", "")]);
    let root = format!("{}::/", folder.arg("root"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    let ran = run(command.args(["run", "--dir", &root]).arg(built("c/directory")));
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.ends_with(": mkdir(\"/many\", 0700) == 0: File exists\n"), "{}", ran.err);
}

#[test]
fn the_standard_library_of_rust() {
    let ran = checked(
        "rust/library",
        &["--env=GREETING=hello"],
        &["first", "second word", ""],
        "one\ntwo\nthree\n",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let line = "a line of standard output that is sixty-three characters long..\n";
    assert!(ran.out == line.repeat(4096), "{} bytes", ran.out.len());
}

#[test]
fn a_panic_in_rust_is_a_trap() {
    let ran = checked("rust/panics", &[], &[], "");
    assert_eq!((ran.code, ran.out.as_str()), (134, "before\n"));
    let said = "panicked at 'index out of bounds: the len is 0 but the index is 1'";
    let newer = "index out of bounds: the len is 0 but the index is 1";
    assert!(ran.err.contains(said) || ran.err.contains(newer), "{}", ran.err);
    let file = built("rust/panics");
    let trap = format!("error: {}: trap: unreachable", file.display());
    assert!(ran.err.lines().any(|line| line == trap), "{}", ran.err);
}
