//! Guests of WASI as cases of `wassay test`: what each form of a case says is done and judged.

use crate::common::{Folder, Ran, wassay};
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
    let short = |text: &str| text.replace(path, ".").replace(folder.name(), ".");
    Ran { out: short(&ran.out), err: short(&ran.err), ..ran }
}

/// Runs the cases of a folder with this value of `BLESS`.
fn bless(path: &str, value: &str) -> Ran {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wassay"));
    crate::common::run(command.args(["test", path]).env("BLESS", value))
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
            ("c.wast", crate::common::PASSES),
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
    assert!(ran.out.starts_with("./a.wat: timeout: timed out after 200ms"), "{}", ran.out);
    assert!(ran.err.ends_with("1 case not as expected\n"), "{}", ran.err);
}

#[test]
fn json_that_is_not_understood_is_named_with_its_line_and_field() {
    for (json, message) in [
        ("{\n  \"exit_cod\": 1\n}", "./a.json:2:12: `exit_cod`: unknown field `exit_cod`, expected one of "),
        ("{\n\n  \"args\": [1]}", "./a.json:3:12: `args[0]`: invalid type: integer `1`, expected a string"),
        ("{\"exit_code\": -1}", "./a.json:1:16: `exit_code`: invalid value: integer `-1`, expected u32"),
        ("{\"root\": \"../x\"}", "./a.json:1:2: `root`: invalid folder `../x`"),
        ("{\"wassay\": {\"read_only\": [\"x\"]}}", "./a.json:1:13: `read_only`: the guest has no folder `x`"),
        ("{\"wassay\": {\"previews\": [2]}}", "./a.json:1:13: `previews`: unknown preview 2"),
        ("{\"operations\": [], \"args\": []}", "./a.json:1:20: `args`: cannot be combined with `operations`"),
        ("{\"operations\": []}", "./a.json:1:2: `operations`: is empty"),
        (
            "{\"operations\": [{\"type\": \"wait\"}]}",
            "./a.json:1:2: `operations`: operation 1: no guest is running",
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
        ("{} x", "./a.json:1:4: unexpected data after the JSON object"),
    ] {
        let ran = test(&[("a.wat", NOTHING), ("a.json", json)], &[]);
        assert_eq!(ran.code, 1, "{json}");
        assert!(ran.out.starts_with(message), "{json}: {}", ran.out);
    }
}

/// The text of one of our own guests.
fn guest(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../testsuite/guests/wat");
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

#[test]
fn our_own_guests_notice_an_answer_that_they_do_not_expect() {
    let json = r#"{"root": "x.dir", "wassay": {"read_only": ["/"]}}"#;
    let ran = test(&[("a.wat", &guest("files.wat")), ("a.json", json), ("x.dir/.gitkeep", "")], &[]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("expected exit code 0\n  actual   exit code 1\n"), "{}", ran.out);
    assert!(ran.out.contains("path_open(") && ran.out.contains("= ROFS\n"), "{}", ran.out);
}

#[test]
fn golden_files_are_compared_and_a_difference_is_a_diff() {
    let files = |stdout: &'static str, file: &'static str| {
        [
            ("a.wat", guest("files.wat")),
            ("a.json", r#"{"root": "x.dir", "wassay": {"previews": [0, 1]}}"#.to_owned()),
            ("a.stdout", stdout.to_owned()),
            (file, "          ".to_owned()),
            ("x.dir/.gitkeep", String::new()),
        ]
    };
    let run = |files: &[(&str, String)], args: &[&str]| {
        test(&files.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>(), args)
    };
    let shown = guest_left_in_files();
    let mut right = files("", "a.fs/file");
    right[3].1 = shown.clone();
    let ran = run(&right, &[]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.err.starts_with(".: 1 case, 8 directives, as expected"), "{}", ran.err);
    // Another file, another content, another output: each is a difference, under each preview.
    right[3].0 = "a.fs/other";
    let ran = run(&right, &[]);
    assert!(ran.out.contains("a.wat: wrong-files: preview 0: "), "{}", ran.out);
    assert!(
        ran.out.contains("    --- expected\n    +++ actual\n    @@ -1 +1 @@\n    -other\n    +file\n"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("wrong-files: preview 1: ") && !ran.out.contains('\u{1b}'), "{}", ran.out);
    let mut wrong = files("wrong\n", "a.fs/file");
    wrong[3].1 = format!("{shown}!");
    let ran = run(&wrong, &[]);
    assert!(ran.out.contains("    --- expected/file\n    +++ actual/file\n"), "{}", ran.out);
    assert!(ran.out.contains("a.wat: wrong-stdout: ") && ran.out.contains("\n    -wrong\n"), "{}", ran.out);
    assert!(ran.err.contains("1 case not as expected"), "{}", ran.err);
}

/// What `files.wat` leaves in the file that it makes.
fn guest_left_in_files() -> String {
    guest("files.fs/file")
}

#[test]
fn blessing_writes_golden_files_and_nothing_else() {
    let json = r#"{"root": "x.dir"}"#;
    let folder = Folder::new(&[
        ("a.wat", guest("files.wat").as_str()),
        ("a.json", json),
        ("a.stdout", "wrong\n"),
        ("a.fs/wrong", ""),
        ("x.dir/.gitkeep", ""),
        ("b.wat", HELLO),
        ("b.json", "{}"),
        ("b.stdout", "a guest that fails is not blessed\n"),
        ("c.wat", HELLO),
        ("c.json", r#"{"exit_code": 3}"#),
    ]);
    let path = folder.path().to_str().unwrap();
    let before = std::fs::read_to_string(folder.file("b.stdout")).unwrap();
    let bless = |value: &str| bless(path, value);
    assert_eq!(bless("0").err.matches("blessed: ").count(), 0);
    let ran = bless("1");
    assert_eq!(ran.code, 1, "b still fails");
    for name in ["a.stdout", "a.fs"] {
        assert_eq!(ran.err.matches(&format!("blessed: {path}/{name}\n")).count(), 1, "{}", ran.err);
    }
    assert_eq!(ran.err.matches("blessed: ").count(), 2, "{}", ran.err);
    assert_eq!(std::fs::read_to_string(folder.file("a.stdout")).unwrap(), "");
    assert_eq!(std::fs::read_to_string(folder.file("a.fs/file")).unwrap(), guest_left_in_files());
    assert!(!folder.file("a.fs/wrong").exists() && !folder.file("c.stdout").exists());
    assert_eq!(std::fs::read_to_string(folder.file("b.stdout")).unwrap(), before);
    let ran = wassay(&["test", path, "--filter", "a.wat"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
}

#[test]
fn a_folder_is_given_as_a_fresh_copy_without_what_was_left_over() {
    // `files.wat` makes `file` and expects that there is none.
    let json = r#"{"root": "x.dir", "wassay": {"previews": [1, 0]}}"#;
    let folder = Folder::new(&[
        ("a.wat", guest("files.wat").as_str()),
        ("a.json", json),
        ("a.fs/file", &guest_left_in_files()),
        ("a.fs/here/deep", "x"),
        ("x.dir/here/deep", "x"),
        ("x.dir/left.cleanup/deep", "x"),
        ("x.dir/here/left.cleanup", "x"),
    ]);
    std::os::unix::fs::symlink("nowhere", folder.file("x.dir/link")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.file("a.fs/link")).unwrap();
    std::fs::create_dir(folder.file("x.dir/empty")).unwrap();
    std::fs::create_dir(folder.file("a.fs/empty")).unwrap();
    for _ in 0..2 {
        let ran = wassay(&["test", folder.path().to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{}", ran.out);
    }
    assert!(!folder.file("x.dir/file").exists() && folder.file("x.dir/left.cleanup").exists());
    std::fs::remove_file(folder.file("a.fs/link")).unwrap();
    std::fs::remove_dir(folder.file("a.fs/empty")).unwrap();
    let ran = wassay(&["test", folder.path().to_str().unwrap()]);
    assert!(ran.out.contains("    +empty/\n") && ran.out.contains("    +link -> nowhere\n"), "{}", ran.out);
}

#[test]
fn a_folder_that_is_not_there_is_an_error_of_the_case_alone() {
    let ran = test(
        &[("a.wat", NOTHING), ("a.json", r#"{"root": "x.dir"}"#), ("b.wat", NOTHING), ("b.json", "{}")],
        &[],
    );
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("./x.dir: cannot be read: No such file"), "{}", ran.out);
    assert!(ran.out.contains("1 of 2 "), "{}", ran.out);
}

#[test]
fn a_case_of_another_version_is_not_run_and_says_so() {
    let manifest = r#"{"name": "later", "version": "wasm32-wasip3"}"#;
    let ran = test(&[("a.wasm", "\0asm component"), ("manifest.json", manifest)], &[]);
    // It is not a failure, but a run of nothing else judged nothing.
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.err.contains("error: nothing was judged: "), "{}", ran.err);
    assert!(
        ran.out.starts_with("./a.wasm: not run: its manifest requires wasm32-wasip3, but only preview 1 is"),
        "{}",
        ran.out
    );
    let ran = test(&[("a.wasm", "\0asm component"), ("manifest.json", "{\"verson\": 1}")], &[]);
    assert!(ran.out.starts_with("./manifest.json:1:9: `verson`: unknown field"), "{}", ran.out);
}

#[test]
fn a_module_that_cannot_be_run_is_named() {
    for (module, message) in [
        ("\0asm\u{1}", "./a.wat: "),
        ("(module (func (export \"_start\") (i32.const 0)))", "./a.wat: "),
        ("(module", "./a.wat: "),
        ("(module)", "./a.wat: it does not export a function `_start`"),
        ("(module (import \"env\" \"f\" (func)) (func (export \"_start\")))", "./a.wat: "),
    ] {
        let ran = test(&[("a.wat", module), ("a.json", "{}")], &[]);
        assert_eq!(ran.code, 1, "{module}");
        assert!(ran.out.starts_with(message), "{module}: {}", ran.out);
    }
}

#[test]
fn without_openat2_guests_do_the_same_in_processes_of_their_own() {
    let report = |args: &[&str]| {
        let folder = Folder::new::<&str>(&[]);
        let file = folder.arg("r.json");
        let ran = wassay(&[&["test", "--report", &format!("json={file}")], args].concat());
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        json::parse(&std::fs::read_to_string(file).unwrap()).unwrap().suites
    };
    let suites = report(&["wasi", "wasi@no-openat2"]);
    let passed = |suite: &wassay_reports::Suite| {
        let passed = suite.cases.iter().filter(|case| case.outcome == Outcome::Passed);
        passed.map(|case| (case.name.clone(), case.directives)).collect::<Vec<_>>()
    };
    assert_eq!(
        suites.iter().map(|suite| suite.name.as_str()).collect::<Vec<_>>(),
        ["wasi", "wasi@no-openat2"]
    );
    assert_eq!(passed(&suites[0]), passed(&suites[1]));
    assert_eq!(passed(&suites[1]).len(), suites[0].cases.len());
    // Any folder has the variant, and scripts are not among it.
    let folder = Folder::new(&[
        ("a.wat", NOTHING),
        ("a.json", "{\"exit_code\": 1}"),
        ("b.wast", crate::common::PASSES),
    ]);
    let path = format!("{}@no-openat2", folder.path().display());
    let ran = wassay(&["test", &path]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("/a.wat@no-openat2: wrong-exit-code: "), "{}", ran.out);
    assert!(
        ran.err.starts_with(&format!(
            "{}@no-openat2: 1 case, 2 directives, 1 case not as expected",
            folder.name()
        )),
        "{}",
        ran.err
    );
}

#[test]
fn where_no_call_can_be_blocked_the_variant_is_not_run_and_says_so() {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
    /// The number of `seccomp` on x86-64.
    const SECCOMP: i64 = 317;
    // The filter is this thread's, and that of the processes that it starts.
    let run = || {
        let target = TargetArch::try_from(std::env::consts::ARCH).unwrap();
        let rules = [(SECCOMP, Vec::new())].into();
        let filter =
            SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(1), target).unwrap();
        seccompiler::apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
        wassay(&["test", "wasi@no-openat2"])
    };
    let ran = std::thread::spawn(run).join().unwrap();
    assert_eq!(ran.code, 1, "nothing was judged: {}{}", ran.out, ran.err);
    let reason = "wat/files.wat: not run: openat2 cannot be blocked here: ";
    assert!(ran.out.contains(&format!("wasi@no-openat2::{reason}")), "{}", ran.out);
    assert!(ran.out.contains("skipped"), "{}", ran.out);
}

#[test]
fn a_failed_exchange_fails_its_step_and_later_ones() {
    let json = |reply: &str, connect: &str| {
        let run = r#"{"type": "run", "root": "x.dir"}"#;
        let talk = format!(
            r#"{connect} {{"type": "send", "id": "server", "payload": "hello"}}, {{"type": "recv", "id": "server", "payload": "{reply}"}},"#
        );
        let talk = if connect.is_empty() { String::new() } else { talk };
        format!(r#"{{"operations": [{run}, {talk} {{"type": "wait"}}], "wassay": {{"listen": ["server"]}}}}"#)
    };
    let accept = guest("accept.wat");
    let run = |json: &str| {
        let files = [("a.wat", accept.as_str()), ("a.json", json), ("x.dir/.gitkeep", "")];
        let begun = std::time::Instant::now();
        let ran = test(&files, &["--timeout", "2s"]);
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
        ran
    };
    let connect = r#"{"type": "connect"},"#;
    assert_eq!(run(&json("he", connect)).code, 0);
    let ran = run(&json("xy", connect));
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("./a.wat: wrong-reply: server differs"), "{}", ran.out);
    assert!(ran.out.contains("\n    -xy\n") && ran.out.contains("\n    +he\n"), "{}", ran.out);
    assert!(ran.out.contains("./a.wat: not-run: an earlier step failed"), "{}", ran.out);
    assert!(ran.err.starts_with(".: 1 case, 5 directives, 1 case not as expected"), "{}", ran.err);
    // Nobody connects: the guest waits in the system, and its time ends that too.
    let ran = run(&json("he", ""));
    assert!(ran.out.starts_with("./a.wat: timeout: timed out after 2s"), "{}", ran.out);
    assert!(ran.out.contains("sock_accept(fd=4, "), "{}", ran.out);
    // A guest that writes no address cannot be connected to.
    let other = r#"{"type": "connect", "id": "other"}, {"type": "connect"},"#;
    let ran = run(&json("he", other));
    assert!(
        ran.out.starts_with("./a.wat: no-exchange: it did not write a line with its address"),
        "{}",
        ran.out
    );
}

#[test]
fn blessing_leaves_alone_what_is_given_to_the_guest_and_what_links_lead_to() {
    let ran = test(&[("a.wat", NOTHING), ("a.json", r#"{"root": "a.fs"}"#), ("a.fs/precious", "x")], &[]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("a.json:1:1: `a.fs` is the golden folder"), "{}{}", ran.out, ran.err);
    let folder = Folder::new(&[("s/a.wat", HELLO), ("s/a.json", r#"{"exit_code": 3}"#), ("precious", "x")]);
    std::os::unix::fs::symlink(folder.file("precious"), folder.file("s/a.stdout")).unwrap();
    let ran = bless(&folder.arg("s"), "1");
    assert!(
        ran.out.contains("a.stdout: cannot be read: symbolic link leads out of the suite"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert_eq!(std::fs::read_to_string(folder.file("precious")).unwrap(), "x");
}

#[test]
fn a_folder_further_down_has_a_golden_one() {
    let files = [("a.wat", NOTHING), ("a.json", r#"{"dirs": ["d/e"]}"#), ("d/e/f", "x"), ("a.fs/old", "x")];
    let folder = Folder::new(&files);
    let bless = |value: &str| bless(folder.path().to_str().unwrap(), value);
    assert_eq!(bless("0").code, 1);
    let ran = bless("1");
    assert_eq!(std::fs::read_to_string(folder.file("a.fs/d/e/f")).unwrap(), "x", "{}{}", ran.out, ran.err);
    assert!(!folder.file("a.fs/old").exists());
    assert_eq!(bless("0").code, 0);
}
