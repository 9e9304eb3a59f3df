//! Tests of runs with few threads, descriptors or little address space: they are slower, or report
//! what is missing.

#![allow(clippy::disallowed_macros, clippy::disallowed_methods, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::trials::{NotRun, find, not_run, reachable};
use crate::common::{Folder, PASSES, Ran, run};

/// A guest, and a module whose compilation is shared by threads.
const GUEST: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;

fn large() -> String {
    let body = "(drop (i32.add (i32.const 1) (i32.const 2)))".repeat(200);
    let functions: String =
        (0..200).map(|number| format!("(func (export \"f{number}\") {body})\n")).collect();
    format!("(module {functions})\n(assert_return (invoke \"f7\"))\n")
}

/// A suite with at least this number of cases of each kind, which another user can read.
fn suite(least: usize) -> Folder {
    let mut files: Vec<(String, String)> =
        (0..2 * least).map(|n| (format!("s/{n}.wast"), PASSES.to_owned())).collect();
    files.extend((0..least).map(|n| (format!("s/large{n}.wast"), large())));
    for number in 0..least {
        files.push((format!("s/guest{number}.wat"), GUEST.to_owned()));
        files.push((format!("s/guest{number}.json"), r#"{"root": "x.dir"}"#.to_owned()));
    }
    files.push(("s/x.dir/file".to_owned(), "x".to_owned()));
    files.push(("tmp/keep".to_owned(), String::new()));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Folder::new(&files)
}

/// Runs the suite under a limit of util-linux's prlimit(1).
fn limited(folder: &Folder, limit: &str, more: &[&str]) -> Ran {
    let mut command = Command::new("prlimit");
    command.args([limit, env!("CARGO_BIN_EXE_wassay"), "test", &folder.arg("s")]).args(more);
    run(command.env("TMPDIR", folder.file("tmp")))
}

#[track_caller]
fn assert_passes(ran: &Ran, told: &str) {
    assert!(!ran.err.contains("panicked") && !ran.out.contains("panicked"), "{told}: {}{}", ran.out, ran.err);
    assert_eq!(ran.code, 0, "{told}: {}{}", ran.out, ran.err);
    assert!(ran.out.contains("16 cases as expected"), "{told}: {}{}", ran.out, ran.err);
}

#[test]
fn sixteen_descriptors_are_enough() {
    if let Err(why) = find(&["prlimit"]) {
        return not_run(&why);
    }
    let folder = suite(4);
    for more in [&[][..], &["--jobs", "1"], &["--isolate"]] {
        let ran = limited(&folder, "--nofile=16:16", more);
        assert_passes(&ran, &format!("{more:?}"));
    }
}

#[test]
fn a_quarter_of_a_gibibyte_of_address_space_is_enough() {
    if let Err(why) = find(&["prlimit"]) {
        return not_run(&why);
    }
    let folder = suite(4);
    for more in [&["--jobs", "1"][..], &["--jobs", "2"], &["--jobs", "1", "--isolate"]] {
        let ran = limited(&folder, "--as=268435456", more);
        assert_passes(&ran, &format!("{more:?}"));
    }
}

/// Runs a command as a user without other processes, with a limit for its threads.
/// Root has no such limit (setrlimit(2)).
fn with_threads(folder: &Folder, threads: usize, binary: &Path, more: &[&str]) -> Option<Ran> {
    let may = if rustix::process::geteuid().is_root() {
        find(&["prlimit"]).and_then(|_| find(&["setpriv"])).and_then(|_| reachable(binary))
    } else {
        Err(NotRun("only root can become another user".to_owned()))
    };
    if let Err(why) = may {
        not_run(&why);
        return None;
    }
    // A user without other processes, since the limit counts all processes of a user.
    static USERS: AtomicU32 = AtomicU32::new(1_800_000_000);
    let user = (USERS.fetch_add(1 << 20, Ordering::Relaxed) + std::process::id() % (1 << 20)).to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "prlimit"]);
    command
        .arg(format!("--nproc={threads}:{threads}"))
        .arg(binary)
        .args(["test", &folder.arg("s")])
        .args(more);
    Some(run(command.env("TMPDIR", folder.file("tmp"))))
}

/// The binary where another user can run it.
fn copied(folder: &Folder) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let binary = folder.file("wassay");
    fs::copy(env!("CARGO_BIN_EXE_wassay"), &binary).unwrap();
    for (path, mode) in [(binary.as_path(), 0o755), (folder.path(), 0o755), (&folder.file("tmp"), 0o777)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    binary
}

#[test]
fn four_threads_are_enough() {
    let folder = suite(4);
    let binary = copied(&folder);
    for more in [&[][..], &["--jobs", "8"], &["--jobs", "1"]] {
        for threads in [4, 5, 6, 9] {
            let Some(ran) = with_threads(&folder, threads, &binary, more) else { return };
            assert_passes(&ran, &format!("{threads} threads {more:?}"));
            if threads == 4 && more == ["--jobs", "8"] {
                let warning = "warning: cannot start the threads for 8 cases at a time: ";
                assert!(
                    ran.err.contains(warning) && ran.err.contains("; continuing with 1\n"),
                    "{}",
                    ran.err
                );
            }
        }
    }
}

#[test]
fn missing_threads_are_reported_without_a_panic() {
    // A case waits for its thread, in vain.
    let folder = suite(1);
    let binary = copied(&folder);
    for more in [&[][..], &["--isolate"]] {
        for threads in [1, 2, 3, 5] {
            let Some(ran) = with_threads(&folder, threads, &binary, more) else { return };
            let told = format!("{threads} threads {more:?}: {}{}", ran.out, ran.err);
            assert!(!told.contains("panicked"), "{told}");
            assert!(ran.code == 0 || ran.code == 1, "{told}");
            assert!(ran.code == 0 || told.contains("thread"), "{told}");
        }
    }
    let left = fs::read_dir(folder.file("tmp")).unwrap().count();
    assert_eq!(left, 1, "the file that keeps it");
}
