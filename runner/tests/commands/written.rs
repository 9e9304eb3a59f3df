//! What is written to files and streams, and what happens where that cannot be.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Instant;

use crate::common::{FAILS, Folder, PASSES, Ran, clean, run, wassay};
use rustix::fs::{CWD, Mode, mkfifoat};

/// Runs a line of the shell in a folder; `$0` is `wassay`.
fn shell(folder: &Folder, line: &str) -> Ran {
    let mut command = Command::new("sh");
    run(command.args(["-c", line, env!("CARGO_BIN_EXE_wassay")]).current_dir(folder.path()))
}

fn suite() -> Folder {
    Folder::new(&[("s/a.wast", PASSES), ("s/b.wast", FAILS)])
}

fn is_report(folder: &Folder, name: &str) -> bool {
    fs::read_to_string(folder.file(name))
        .is_ok_and(|text| text.starts_with("{\n  \"schema\"") && text.ends_with("}\n"))
}

#[test]
fn output_that_cannot_be_written_is_an_error_with_a_message() {
    let folder = suite();
    assert_eq!(
        wassay(&["test", &folder.arg("s"), "--report", &format!("json={}", folder.arg("r.json"))]).code,
        1
    );
    for line in [
        "--help",
        "--version",
        "help test",
        "test --help",
        "suite list",
        "suite show spec-v1",
        "test s",
        "test --list s",
        "wast s/a.wast",
        "wast --repro 2 s/b.wast",
        "report diff r.json r.json",
        "report render r.json --to html",
        "report merge r.json",
        "test s/a.wast --report json=-",
        "test s/a.wast --report json=/dev/stdout",
        "test s/a.wast --report json=/dev/full",
    ] {
        let ran = shell(&folder, &format!("\"$0\" {line} > /dev/full"));
        assert_eq!(ran.code, 1, "{line}: {}", ran.err);
        assert!(ran.err.contains("cannot write") && ran.err.contains("No space left"), "{line}: {}", ran.err);
        assert!(!ran.err.contains("panicked"), "{line}: {}", ran.err);
    }
}

#[test]
fn a_report_is_written_though_standard_output_is_full() {
    let folder = suite();
    for line in ["test s", "wast s/a.wast"] {
        let ran = shell(&folder, &format!("\"$0\" {line} --report json=full.json > /dev/full"));
        assert_eq!(ran.code, 1, "{line}: {}", ran.err);
        assert!(
            ran.err.contains("standard output") && is_report(&folder, "full.json"),
            "{line}: {}",
            ran.err
        );
        fs::remove_file(folder.file("full.json")).unwrap();
    }
}

#[test]
fn a_file_that_would_be_larger_than_the_process_may_write_is_an_error() {
    let folder = suite();
    // 512 bytes, or a kilobyte where the shell has it so; the page is larger.
    for line in ["test s", "test s --isolate", "wast s/a.wast"] {
        let ran = shell(&folder, &format!("ulimit -f 1; \"$0\" {line} --report html=large.html"));
        assert_eq!(ran.code, 1, "{line}: {}", ran.err);
        assert!(ran.err.contains("cannot write the report: File too large"), "{line}: {}", ran.err);
    }
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["s"], "nothing is left");
}

#[test]
fn a_stream_that_is_full_closed_or_not_read_is_never_a_panic() {
    let folder = suite();
    for (redirection, passes) in
        [("2> /dev/full", true), ("2>&-", true), (">&-", true), (">&- 2>&-", true), ("| true", true)]
    {
        for (line, code) in [
            ("test s", 1),
            ("test s/a.wast", 0),
            ("wast s/a.wast", 0),
            ("--help", 0),
            ("test --bogus", 2),
            ("suite list", 0),
        ] {
            let piped = redirection.starts_with('|');
            let line = format!("\"$0\" {line} {redirection}; code=$?");
            let ran = shell(&folder, &format!("{line}; exit $code"));
            assert!(passes && !ran.err.contains("panicked"), "{line}: {}", ran.err);
            assert_eq!(ran.code, if piped { 0 } else { code }, "{line}: {}", ran.err);
        }
    }
}

#[test]
fn two_reports_to_one_file_are_noticed_however_it_is_spelled() {
    let folder = suite();
    fs::create_dir_all(folder.file("out/d")).unwrap();
    fs::write(folder.file("out/old"), "kept").unwrap();
    symlink("out", folder.file("link")).unwrap();
    symlink("new", folder.file("out/dangling")).unwrap();
    for (one, other) in [
        ("out/a", "out/a"),
        ("out/a", "out/../out/a"),
        ("out/a", "./out//a"),
        ("out/a", "link/a"),
        ("out/new", "out/dangling"),
        ("out/old", "link/d/../old"),
        ("-", "/dev/stdout"),
        ("/dev/stdout", "/dev/fd/1"),
        ("-", "-"),
        ("/dev/stderr", "/proc/self/fd/2"),
    ] {
        let ran = shell(&folder, &format!("\"$0\" test s --report json={one} --report html={other}"));
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{one} {other}: {}", ran.err);
        assert!(ran.err.contains("expected a file for each report"), "{one} {other}: {}", ran.err);
    }
    let ran = shell(&folder, "\"$0\" test s --report json=out/a > out/a");
    assert!(ran.code == 2 && ran.err.contains("standard output goes to this file too"), "{}", ran.err);
    assert_eq!(fs::read_to_string(folder.file("out/old")).unwrap(), "kept");
    assert!(!folder.file("out/new").exists());
    let ran = shell(&folder, "\"$0\" test s --report json=/dev/null --report html=/dev/null");
    assert_eq!(ran.code, 1, "{}", ran.err);
}

#[test]
fn a_link_a_mode_and_an_owner_stay() {
    let folder = suite();
    fs::create_dir(folder.file("out")).unwrap();
    symlink("out/new.json", folder.file("dangling")).unwrap();
    fs::write(folder.file("old.json"), "old").unwrap();
    fs::set_permissions(folder.file("old.json"), fs::Permissions::from_mode(0o640)).unwrap();
    let is_root = std::os::unix::fs::chown(folder.file("old.json"), Some(1234), Some(1235)).is_ok();
    let ran = shell(&folder, "\"$0\" test s --report json=dangling --report json=old.json");
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(folder.file("dangling").is_symlink() && is_report(&folder, "out/new.json"));
    let found = fs::metadata(folder.file("old.json")).unwrap();
    assert_eq!(found.mode() & 0o7777, 0o640);
    assert!(is_report(&folder, "old.json") && (!is_root || (found.uid(), found.gid()) == (1234, 1235)));
    fs::hard_link(folder.file("old.json"), folder.file("hard.json")).unwrap();
    let ran = shell(&folder, "\"$0\" test s --report json=hard.json");
    assert!(ran.code == 2 && ran.err.contains("2 names (hard links)"), "{}", ran.err);
}

#[test]
fn a_fifo_without_a_reader_hangs_no_run_and_loses_no_verdict() {
    let folder = suite();
    mkfifoat(CWD, folder.file("fifo"), Mode::from_raw_mode(0o600)).unwrap();
    let begun = Instant::now();
    let ran = shell(&folder, "\"$0\" test s --report json=fifo --report json=r.json");
    assert!((9..30).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert!(
        ran.code == 1 && ran.err.contains("fifo: cannot write the report: no process opened it"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("1 of 2 cases not as expected") && is_report(&folder, "r.json"), "{}", ran.out);
}

#[test]
fn fifos_and_descriptors_are_written_to() {
    let folder = suite();
    mkfifoat(CWD, folder.file("fifo"), Mode::from_raw_mode(0o600)).unwrap();
    let fifo = folder.file("fifo");
    let reader = thread::spawn(move || {
        let mut text = String::new();
        fs::File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
        text
    });
    let ran = shell(&folder, "\"$0\" test s --report json=fifo");
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(reader.join().unwrap().ends_with("}\n"));
    let ran = shell(&folder, "\"$0\" test s --report json=/dev/stdout");
    assert!(
        ran.out.starts_with("{\n") && ran.out.ends_with("}\n") && ran.err.contains("not as expected"),
        "{ran:?}"
    );
    let ran = shell(
        &folder,
        "{ echo before; \"$0\" test s --report json=/dev/fd/3; echo after >&3; } 3> three > /dev/null",
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    let three = fs::read_to_string(folder.file("three")).unwrap();
    assert!(three.starts_with("{\n") && three.ends_with("}\nafter\n"), "{three}");
    let ran = shell(&folder, "\"$0\" test s --report json=/dev/fd/9");
    assert!(ran.code == 2 && ran.err.contains("descriptor 9 is not open"), "{}", ran.err);
}

#[test]
fn a_report_does_not_take_the_place_of_what_the_command_reads_or_would_read() {
    let folder = Folder::new(&[
        ("s/a.wast", PASSES),
        ("s/g.wat", "(module (memory (export \"memory\") 1) (func (export \"_start\")))"),
        ("s/g.json", "{}"),
        ("s/g.dir/x", "kept"),
        ("e.toml", ""),
    ]);
    for (options, why) in [
        ("--report json=s/new.wast", "a script or a module"),
        ("--report json=s/g.stdout", "a WASI case of the suite"),
        ("--report json=s/g.dir/x", "a WASI case of the suite"),
        ("--report json=s/g.json", "the command reads this file"),
        ("--report json=e.toml --expectations e.toml", "the command reads this file"),
        (
            "--report json=new.toml --expectations ./new.toml --bless-expectations",
            "the command reads this file",
        ),
    ] {
        let ran = shell(&folder, &format!("\"$0\" test s {options}"));
        assert!(ran.code == 2 && ran.err.contains(why), "{options}: {} {}", ran.code, ran.err);
    }
    assert_eq!(fs::read_to_string(folder.file("s/g.dir/x")).unwrap(), "kept");
    assert_eq!(fs::read_dir(folder.file("s")).unwrap().count(), 4);
}

#[test]
fn reports_are_read_from_standard_input_and_after_a_byte_order_mark() {
    let folder = suite();
    assert_eq!(shell(&folder, "\"$0\" test s --report json=r.json").code, 1);
    let text = fs::read_to_string(folder.file("r.json")).unwrap();
    fs::write(folder.file("bom.json"), format!("\u{feff}{text}")).unwrap();
    for line in [
        "\"$0\" report diff - r.json < r.json",
        "\"$0\" report diff bom.json - < r.json",
        "\"$0\" report merge - < bom.json",
        "\"$0\" report render - --to markdown < r.json",
        "\"$0\" test s/a.wast --baseline - < r.json --allow-less",
    ] {
        let ran = shell(&folder, line);
        assert_eq!(ran.code, 0, "{line}: {}", ran.err);
    }
    let ran = shell(&folder, "\"$0\" report diff - - < r.json");
    assert!(ran.code == 2 && ran.err.contains("given twice"), "{}", ran.err);
    let ran = shell(&folder, "echo x | \"$0\" report render - --to html");
    assert!(ran.code == 2 && ran.err.contains("standard input: line 1"), "{}", ran.err);
}

#[test]
fn mistakes_on_the_command_line_get_hints() {
    let folder = Folder::new(&[("m.wast", "\0asm\u{1}\0\0\0"), ("a.wast", PASSES)]);
    for (line, code, said) in [
        ("\"$0\" test --filter '' a.wast", 2, "expected a part of a case's name"),
        ("\"$0\" test SPEC-V1", 2, "did you mean `spec-v1`?"),
        ("\"$0\" TEST a.wast", 2, "did you mean `wassay test`?"),
        ("\"$0\" wast m.wast", 2, "expected a script, found a binary module; `wassay run` runs modules"),
    ] {
        let ran = shell(&folder, line);
        assert!(ran.code == code && ran.err.contains(said), "{line}: {} {}", ran.code, ran.err);
    }
}

#[test]
fn a_report_stays_where_the_new_one_does_not_fit() {
    let folder = suite();
    fs::write(folder.file("r.json"), "old").unwrap();
    // What a process may write to a file is limited: to write more ends it by a signal, which is
    // ignored here.
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "trap '' XFSZ; ulimit -f 1; exec \"$0\" test s --report json=r.json",
        env!("CARGO_BIN_EXE_wassay"),
    ]);
    command.current_dir(folder.path()).stdin(Stdio::null());
    let Output { status, stderr, .. } = clean(&mut command).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert!(
        status.code() == Some(1) && said.contains("r.json: cannot write the report: File too large"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(folder.file("r.json")).unwrap(), "old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside it");
}
