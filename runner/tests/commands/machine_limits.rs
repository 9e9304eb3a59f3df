//! Tests of suites under system limits: each directive passes, or reports a limit.

use std::process::Command;

use crate::common::{Folder, Ran, run};
use wassay_reports::{Report, json};

/// Runs `wassay` with a limit of the shell's `ulimit`, in KiB.
fn limited(option: &str, kibibytes: u64, args: &[&str]) -> Ran {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("ulimit -{option} {kibibytes} && exec \"$0\" \"$@\"")]);
    run(command.arg(env!("CARGO_BIN_EXE_wassay")).args(args))
}

/// Runs suites under limits, and gives the report of each run.
fn under_limits(suites: &[&str], option: &str, limits: &[u64]) {
    for kibibytes in limits {
        let folder = Folder::new::<&str>(&[]);
        let file = format!("json={}", folder.arg("r.json"));
        let args = [&["test"], suites, &["--jobs", "2", "--report", &file]].concat();
        let ran = limited(option, *kibibytes, &args);
        let told = format!("ulimit -{option} {kibibytes}: {}{}", ran.out, ran.err);
        assert!(!ran.err.contains("panicked"), "{told}");
        let report: Report = json::parse(&std::fs::read_to_string(folder.file("r.json")).unwrap()).unwrap();
        let failures = report.suites.iter().flat_map(|suite| &suite.cases).flat_map(|case| &case.failures);
        for failure in failures {
            let text = format!("{} {}", failure.message, failure.actual.as_deref().unwrap_or(""));
            assert!(text.contains("limit") || text.contains("no room"), "{told}\n{failure:?}");
        }
        assert_eq!(ran.code, 0, "{told}");
    }
}

/// A guest that takes all the memory, all the elements and all the objects that it gets leaves room
/// for what comes after it.
#[test]
fn a_guest_that_takes_what_there_is_leaves_the_process_alive() {
    let greedy = "(module (memory 0) (table $t 0 funcref) (type $a (array (mut i8)))
        (global $n (mut i32) (i32.const 0)) (type $l (struct (field (ref null $l) (ref $a))))
        (func (export \"memory\") (result i32)
          (loop $again
            (global.set $n (i32.add (global.get $n) (i32.const 1)))
            (br_if $again (i32.ne (memory.grow (i32.const 64)) (i32.const -1))))
          (i32.gt_u (global.get $n) (i32.const 10)))
        (func (export \"table\") (result i32)
          (loop $again (br_if $again (i32.ne (table.grow $t (ref.null func) (i32.const 100000)) (i32.const -1))))
          (table.size $t))
        (func (export \"objects\") (local $list (ref null $l))
          (loop $again
            (local.set $list (struct.new $l (local.get $list) (array.new_default $a (i32.const 1000000))))
            (br $again))))
      (assert_return (invoke \"memory\") (i32.const 1))
      (invoke \"table\")
      (invoke \"objects\")
      (module (memory 1) (func (export \"f\") (result i32) (i32.const 7)))
      (assert_return (invoke \"f\") (i32.const 7))";
    let folder = Folder::new(&[("greedy.wast", greedy)]);
    for (option, kibibytes) in [("v", 1_000_000), ("d", 300_000), ("d", 1_000_000)] {
        let ran = limited(option, kibibytes, &["test", &folder.arg("greedy.wast"), "--jobs", "1"]);
        let told = format!("ulimit -{option} {kibibytes}: {}{}", ran.out, ran.err);
        assert_eq!(ran.code, 1, "{told}");
        // The objects alone end in a limit, which is not expected.
        assert!(ran.out.contains("1 of 1 case not as expected"), "{told}");
        assert!(told.contains("memory for the heap") || told.contains("objects of a store"), "{told}");
        assert!(!ran.err.contains("panicked"), "{told}");
    }
}

#[test]
fn suites_pass_with_little_address_space() {
    let limits = [1_000_000, 2_000_000, 3_000_000, 4_000_000, 6_000_000, 8_000_000, 9_000_000];
    under_limits(&["scripts", "spec-v1"], "v", &limits);
    // Some memories have guard pages, and others have not.
    under_limits(&["scripts", "spec-v1", "proposals/threads"], "v", &[17_000_000, 24_000_000]);
    under_limits(&["proposals/gc", "proposals/threads"], "v", &[1_000_000, 8_000_000]);
}

/// With a limit of a few times their reservation, memories have guard pages, so that accesses are
/// not checked.
#[test]
fn memories_have_guard_pages_if_the_address_space_allows() {
    let folder = Folder::new(&[(
        "m.wat",
        "(module (memory 1) (func (export \"f\") (param i32) (result i32) (i32.load (local.get 0))))",
    )]);
    let object = |limit: Option<u64>| {
        let args = ["wasm2obj", &folder.arg("m.wat"), "-o", &folder.arg("m.o")];
        let ran = match limit {
            Some(kibibytes) => limited("v", kibibytes, &args),
            None => run(Command::new(env!("CARGO_BIN_EXE_wassay")).args(args)),
        };
        assert_eq!(ran.code, 0, "{limit:?}: {}{}", ran.out, ran.err);
        std::fs::read(folder.file("m.o")).unwrap()
    };
    let unlimited = object(None);
    assert!(object(Some(17_000_000)) == unlimited, "no code for guard pages");
    assert!(object(Some(8_000_000)) != unlimited, "code for guard pages that may not fit");
}

#[test]
fn suites_pass_with_little_that_may_be_written() {
    under_limits(&["scripts", "spec-v1", "proposals/gc"], "d", &[500_000, 1_000_000]);
}

/// The number of concurrent cases is limited by the address space, whatever `--jobs` says.
#[test]
fn many_threads_leave_address_space() {
    let ran = limited("v", 1_000_000, &["test", "scripts", "--jobs", "16"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("running 7 cases at a time instead of 16"), "{}", ran.err);
    let ran = limited("v", 4_000_000, &["test", "scripts", "--jobs", "16"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(!ran.err.contains("address space"), "{}", ran.err);
}
