//! Process tests of `--expectations` and `--bless-expectations`.

use crate::common::guests::{ENDLESS, NOTHING};
use crate::common::{Folder, Ran, wassay};

/// Three directives on three lines: the second fails, the third is endless.
const SCRIPT: &str =
    "(module (func (export \"one\") (result i32) (i32.const 1)) (func (export \"loop\") (loop (br 0))))
(assert_return (invoke \"one\") (i32.const 2))
(assert_return (invoke \"one\") (i32.const 1))
";

/// Runs that script with a file of expectations.
fn run(script: &str, expectations: &str, more: &[&str]) -> (Ran, String) {
    let folder = Folder::new(&[("s/a.wast", script), ("e.toml", expectations)]);
    let (suite, file) = (folder.arg("s"), folder.arg("e.toml"));
    let ran = wassay(&[&["test", &suite, "--expectations", &file], more].concat());
    let written = std::fs::read_to_string(&file).unwrap();
    let shown = |text: String| text.replace(&suite, "S").replace(&file, "e.toml");
    (Ran { out: shown(ran.out), err: shown(ran.err), ..ran }, written)
}

fn entry(key: &str, outcome: &str) -> String {
    format!(
        "[[expected]]\nscript = \"a.wast\"\nkey = \"{key}\"\noutcome = \"{outcome}\"\nreason = \"it is stale\"\n"
    )
}

/// The key of the directive that fails, as blessing finds it.
fn failing_key() -> String {
    let (_, written) = run(SCRIPT, "", &["--bless-expectations"]);
    let key = written.lines().find_map(|line| line.strip_prefix("key = \"")).expect("a key");
    key.trim_end_matches('"').to_owned()
}

#[test]
fn a_failure_that_is_expected_fails_no_run_and_tells_its_reason() {
    let (ran, _) = run(SCRIPT, &entry(&failing_key(), "xfail"), &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("S/a.wast:2:1: failed as expected: it is stale\n"), "{}", ran.out);
    let (ran, _) = run(SCRIPT, "", &[]);
    assert_eq!(ran.code, 1);
    assert!(!ran.out.contains("stale"), "{}", ran.out);
}

#[test]
fn the_report_has_the_kind_and_the_values_of_an_expected_failure() {
    let report = Folder::new::<&str>(&[]);
    let file = format!("json={}", report.arg("r.json"));
    let (ran, _) = run(SCRIPT, &entry(&failing_key(), "xfail"), &["--report", &file]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let json = std::fs::read_to_string(report.file("r.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let note = &json["suites"][0]["cases"][0]["notes"][0];
    let fields = ["outcome", "reason", "kind", "message", "expected", "actual"].map(|field| &note[field]);
    let expected = [
        "xfailed",
        "it is stale",
        "wrong-value",
        "result 0 has the wrong value",
        "i32 2 (0x00000002)",
        "i32 1 (0x00000001)",
    ];
    assert_eq!(fields.map(|field| field.as_str().unwrap_or_default()), expected);
}

#[test]
fn a_pass_that_was_to_fail_fails_the_run() {
    let key = failing_key();
    let right = SCRIPT.replace("(i32.const 1)) (func", "(i32.const 2)) (func");
    let (ran, _) = run(&right, &entry(&key, "xfail"), &[]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.contains("S/a.wast:2:1: passed, but was expected to fail: it is stale (e.toml:1)\n"),
        "{}",
        ran.out
    );
}

#[test]
fn what_is_skipped_is_not_run() {
    let endless = SCRIPT.replace("(assert_return (invoke \"one\") (i32.const 2))", "(invoke \"loop\")");
    let blessed = run(&endless.replace("(br 0)", "(unreachable)"), "", &["--bless-expectations"]).1;
    let skip = blessed.replace("\"xfail\"", "\"skip\"").replace("suite = \"s\"\n", "");
    let lines = skip.lines().filter(|line| !line.starts_with("kind = "));
    let skip = lines.map(|line| format!("{line}\n")).collect::<String>();
    let (ran, _) = run(&endless, &skip, &["--timeout", "10s"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("S/a.wast:2:1: skipped: "), "{}", ran.out);
}

#[test]
fn an_expectation_of_nothing_is_an_error() {
    let (ran, _) = run(SCRIPT, &entry("0123456789ab", "xfail"), &[]);
    assert_eq!(ran.code, 1);
    let message = "S/a.wast: e.toml:1: stale expectation: no directive has the key 0123456789ab";
    assert!(ran.out.contains(message), "{}", ran.out);
    let (ran, _) = run(SCRIPT, &entry("0123456789ab", "xfail").replace("a.wast", "b.wast"), &[]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(
        ran.err.contains("e.toml:1: b.wast 0123456789ab: the suites do not contain this case"),
        "{}",
        ran.err
    );
    let (ran, _) = run(SCRIPT, &entry("short", "xfail"), &[]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("e.toml:1: invalid key `short`"), "{}", ran.err);
}

#[test]
fn blessing_writes_what_failed_and_drops_what_passed() {
    let key = failing_key();
    let other = entry("0123456789ab", "xfail").replace("a.wast", "other.wast");
    let stale = entry("ffffffffffff", "xfail");
    let kept = entry(&key, "xfail");
    let (ran, written) = run(SCRIPT, &format!("{other}{stale}{kept}"), &["--bless-expectations"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(written.contains("other.wast") && written.contains("it is stale"), "{written}");
    assert!(
        written.contains(&key) && !written.contains("ffffffffffff") && !written.contains("blessed"),
        "{written}"
    );
    // A file that is not there is made; without `--expectations` there is none to write.
    let folder = Folder::new(&[("a.wast", SCRIPT)]);
    let (script, new) = (folder.arg("a.wast"), folder.arg("new.toml"));
    let ran = wassay(&["test", &script, "--expectations", &new]);
    assert!(ran.code == 2 && ran.err.ends_with("; --bless-expectations creates it\n"), "{}", ran.err);
    assert_eq!(wassay(&["test", &script, "--expectations", &new, "--bless-expectations"]).code, 0);
    assert_eq!(wassay(&["test", &script, "--expectations", &new]).code, 0);
    assert_eq!(wassay(&["test", &script, "--bless-expectations"]).code, 2);
}

/// The key is of the directive, which stays the same while the module that it calls changes.
#[test]
fn a_blessed_entry_covers_no_other_kind_of_failure() {
    let (ran, written) = run(SCRIPT, "", &["--bless-expectations"]);
    assert!(ran.code == 0 && written.contains("kind = \"wrong-value\"\n"), "{written}");
    let traps = SCRIPT.replace("(i32.const 1)) (func", "unreachable) (func");
    let (ran, _) = run(&traps, &written, &[]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("S/a.wast:2:1: unexpected-trap"), "{}", ran.out);
    let (ran, again) = run(&traps, &written, &["--bless-expectations"]);
    assert!(ran.out.contains("e.toml: 2 entries written, 0 kept, 1 removed\n"), "{}", ran.out);
    assert!(again.contains("kind = \"unexpected-trap\"") && !again.contains("wrong-value"), "{again}");
}

#[test]
fn a_time_that_is_over_is_expected_of_nothing() {
    let endless = SCRIPT.replace("(assert_return (invoke \"one\") (i32.const 2))", "(invoke \"loop\")");
    let (ran, written) = run(&endless, "", &["--timeout", "200ms", "--bless-expectations"]);
    assert_eq!(ran.code, 1);
    assert!(!written.contains("[[expected]]"), "{written}");
}

/// An entry with these lines, of which something is expected for a reason.
fn entry_of(lines: &str, outcome: &str) -> String {
    format!("[[expected]]\n{lines}\noutcome = \"{outcome}\"\nreason = \"it is known\"\n")
}

#[test]
fn an_entry_names_a_directive_by_what_is_read() {
    let text = "text = '(assert_return (invoke \"one\") (i32.const 2))'";
    let begin = "text = '(assert_return (invoke …'";
    for lines in ["line = 2", text, &format!("line = 2\n{begin}"), &format!("line = 2\n{text}")] {
        let (ran, _) = run(SCRIPT, &entry_of(&format!("script = \"a.wast\"\n{lines}"), "xfail"), &[]);
        assert_eq!(ran.code, 0, "{lines}: {}{}", ran.out, ran.err);
    }
    // A stale entry is named, with similar ones.
    let moved = format!("\n\n{SCRIPT}");
    let (ran, _) = run(&moved, &entry_of(&format!("script = \"a.wast\"\nline = 2\n{text}"), "xfail"), &[]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.contains("e.toml:1: stale expectation: ") && ran.out.contains(", but on line 4"),
        "{}",
        ran.out
    );
    // A beginning that two have is about both, and the one that passes is not a failure.
    let (ran, _) = run(SCRIPT, &entry_of(&format!("script = \"a.wast\"\n{begin}"), "xfail"), &[]);
    assert!(
        ran.code == 1 && ran.out.contains("S/a.wast:3:1: passed, but was expected to fail"),
        "{}",
        ran.out
    );
}

#[test]
fn an_entry_is_about_a_script_a_glob_or_a_kind() {
    for lines in [
        "script = \"a.wast\"",
        "script = \"*.wast\"",
        "kind = \"wrong-value\"",
        "kind = \"wrong\"",
        "suite = \"s\"\nkind = \"wrong-value\"\nscript = \"{a,b}.wast\"",
    ] {
        let (ran, _) = run(SCRIPT, &entry_of(lines, "xfail"), &[]);
        assert_eq!(ran.code, 0, "{lines}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains("S/a.wast:2:1: failed as expected: it is known\n"), "{}", ran.out);
        // If nothing fails in this way, the message says to remove the entry.
        let right = SCRIPT
            .replace("(i32.const 1)) (func", "(i32.const 2)) (func")
            .replace("const 1))\n", "const 2))\n");
        let (ran, _) = run(&right, &entry_of(lines, "xfail"), &[]);
        assert_eq!(ran.code, 1, "{lines}: {}", ran.out);
        assert!(
            ran.err.contains("error: e.toml:1: ") && ran.err.contains("nothing failed in this way"),
            "{}",
            ran.err
        );
    }
    let (ran, _) = run(SCRIPT, &entry_of("kind = \"wrong-type\"", "xfail"), &[]);
    assert_eq!(ran.code, 1, "another kind is not covered");
    let skipped = entry_of("script = \"a.wast\"", "skip");
    let (ran, _) = run("(module", &skipped, &[]);
    assert_eq!(ran.code, 1, "nothing was judged: {}{}", ran.out, ran.err);
    let (ran, _) = run("(module", &skipped, &["--allow-empty"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("S/a.wast: not run: it is known"), "{}", ran.out);
}

#[test]
fn a_timeout_is_expected_where_an_entry_says_so() {
    let endless = SCRIPT.replace("(assert_return (invoke \"one\") (i32.const 2))", "(invoke \"loop\")");
    let timeout = ["--timeout", "300ms"];
    let (ran, _) = run(&endless, &entry_of("script = \"a.wast\"\nkind = \"timeout\"", "xfail"), &timeout);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let isolated = ["--timeout", "300ms", "--isolate"];
    let (ran, _) = run(&endless, &entry_of("kind = \"timeout\"", "xfail"), &isolated);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let (ran, _) = run(&endless, &entry_of("script = \"a.wast\"", "xfail"), &timeout);
    assert_eq!(ran.code, 1, "a script that may fail does not have to hang");
}

#[test]
fn a_file_for_several_suites_serves_one_of_them() {
    let folder = Folder::new(&[
        ("one/a.wast", SCRIPT),
        ("two/b.wast", SCRIPT),
        ("three/c.wast", crate::common::PASSES),
    ]);
    let [one, two, three, file] = ["one", "two", "three", "e.toml"].map(|name| folder.arg(name));
    let test = |suites: &[&String], more: &[&str]| {
        let suites: Vec<&str> = suites.iter().map(|suite| suite.as_str()).collect();
        wassay(&[&["test", "--expectations", &file], more, &suites].concat())
    };
    assert_eq!(test(&[&one, &two, &three], &["--bless-expectations"]).code, 0);
    for suites in [&[&one, &two, &three][..], &[&one], &[&two], &[&two, &three]] {
        let ran = test(suites, &[]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    }
    // A suite of which the file says nothing: none of it would be looked at.
    let ran = test(&[&three], &[]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("no entry (of 2) applies to the suites that run: three"), "{}", ran.err);
    assert_eq!(test(&[&three], &["--allow-empty"]).code, 0);
    // Blessing one leaves the entries of the other.
    std::fs::write(folder.file("one/a.wast"), crate::common::PASSES).unwrap();
    let ran = test(&[&one], &["--bless-expectations"]);
    assert!(ran.out.contains("0 entries written, 1 kept, 1 removed"), "{}", ran.out);
    assert_eq!(test(&[&one, &two], &[]).code, 0);
}

#[test]
fn blessing_says_what_it_wrote_and_keeps_what_a_person_wrote() {
    let endless = format!("{SCRIPT}(invoke \"loop\")\n(invoke \"one\")\n");
    let timeout = ["--timeout", "300ms", "--bless-expectations"];
    let (ran, written) = run(&endless, "", &timeout);
    assert_eq!(ran.code, 1, "the timeout is not covered");
    assert!(ran.out.contains("e.toml: 1 entry written, 0 kept, 0 removed\n"), "{}", ran.out);
    assert!(ran.out.contains("left out: 2 failures"), "{}", ran.out);
    assert!(
        ran.out.contains("S/a.wast:4:1: timeout") && ran.out.contains("not-run: 1 directive"),
        "{}",
        ran.out
    );
    assert!(
        written.contains("line = 2\ntext = '(assert_return (invoke \"one\") (i32.const 2))'\n"),
        "{written}"
    );

    let mine =
        written.replace("blessed, to be explained: ", "").replace("[[expected]]", "# Mine.\n[[expected]]");
    let mine = format!("# About the file.\n\n{mine}\n# At the end.\n");
    let (ran, again) = run(&format!("\n{endless}"), &mine, &timeout);
    assert!(ran.out.contains("0 entries written, 1 kept, 0 removed"), "{}", ran.out);
    assert_eq!(again, mine.replace("line = 2\n", "line = 3\n"));
    // A bare key gets its line and its text; an entry about nothing goes.
    let bare = entry(&failing_key(), "xfail");
    let (_, located) = run(SCRIPT, &format!("# Old.\n{bare}"), &["--bless-expectations"]);
    assert!(located.starts_with("# Old.\n") && located.contains("line = 2\ntext = "), "{located}");
}

#[test]
fn an_entry_is_about_one_suite() {
    let folder = Folder::new(&[("p/t/a.wast", SCRIPT), ("q/t/a.wast", SCRIPT)]);
    let file = folder.arg("e.toml");
    let (p, q) = (folder.arg("p/t"), folder.arg("q/t"));
    let entry = "[[expected]]\nsuite = \"t\"\nscript = \"a.wast\"\noutcome = \"xfail\"\nreason = \"of p\"\n";
    std::fs::write(&file, entry).unwrap();
    assert_eq!(wassay(&["test", &p, "--expectations", &file]).code, 0);
    let ran = wassay(&["test", &p, &q, "--expectations", &file]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(
        ran.err.contains("e.toml:1: ") && ran.err.contains("the suite is ambiguous (p/t, q/t)"),
        "{}",
        ran.err
    );
}

#[test]
fn entries_hold_however_the_folder_is_typed() {
    let folder = Folder::new(&[("x/s/a.wast", SCRIPT), ("y/readme", "")]);
    std::os::unix::fs::symlink("x/s", folder.file("link")).unwrap();
    let file = folder.arg("e.toml");
    let test = |from: &str, suite: &str, more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wassay"));
        command.current_dir(folder.file(from)).args(["test", suite, "--expectations", &file]).args(more);
        crate::common::run(&mut command)
    };
    assert_eq!(test("x", "s", &["--bless-expectations"]).code, 0);
    let absolute = folder.arg("x/s");
    let typed = [
        ("x", "s/"),
        ("x", "./s"),
        ("x/s", "."),
        ("x/s", "./"),
        ("x/s", "../s"),
        ("y", "../x/s"),
        (".", "link"),
        (".", "link/"),
        ("y", absolute.as_str()),
    ];
    for (from, suite) in typed {
        let ran = test(from, suite, &[]);
        assert_eq!(ran.code, 0, "{from} {suite}: {}{}", ran.out, ran.err);
    }
    // Files with the path of an earlier invocation match too.
    let text = std::fs::read_to_string(&file).unwrap();
    for old in ["./s", "s/", "x/s", absolute.as_str()] {
        std::fs::write(&file, text.replace("suite = \"s\"", &format!("suite = \"{old}\""))).unwrap();
        assert_eq!(test("x", "s", &[]).code, 0, "{old}");
    }
}

/// Runs two guests, of which one does not exit as it should, with a file of expectations.
fn run_guests(code: &str, expectations: &str, more: &[&str]) -> (Ran, String) {
    let json = format!("{{\"exit_code\": {code}}}");
    let folder = Folder::new(&[
        ("s/bad.wat", NOTHING),
        ("s/bad.json", json.as_str()),
        ("s/good.wat", NOTHING),
        ("s/good.json", "{}"),
        ("e.toml", expectations),
    ]);
    let (suite, file) = (folder.arg("s"), folder.arg("e.toml"));
    let ran = wassay(&[&["test", &suite, "--expectations", &file], more].concat());
    let shown = |text: String| text.replace(&suite, "S").replace(&file, "e.toml");
    let written = std::fs::read_to_string(folder.file("e.toml")).unwrap();
    (Ran { out: shown(ran.out), err: shown(ran.err), ..ran }, written)
}

#[test]
fn an_entry_is_about_a_wasi_case() {
    for lines in [
        "case = \"bad.wat\"",
        "script = \"bad.wat\"",
        "case = \"b*.wat\"",
        "kind = \"wrong-exit-code\"",
        "suite = \"s\"\ncase = \"bad.wat\"\nkind = \"wrong\"",
    ] {
        for more in [&[][..], &["--isolate"]] {
            let (ran, _) = run_guests("3", &entry_of(lines, "xfail"), more);
            assert_eq!(ran.code, 0, "{lines}: {}{}", ran.out, ran.err);
            assert!(ran.out.contains("S/bad.wat: failed as expected: it is known\n"), "{}", ran.out);
        }
        // If nothing fails like this, the entry is to be removed.
        let (ran, _) = run_guests("0", &entry_of(lines, "xfail"), &[]);
        assert_eq!(ran.code, 1, "{lines}: {}", ran.out);
        assert!(ran.err.contains("e.toml:1: ") && ran.err.contains("remove the entry"), "{}", ran.err);
    }
    let (ran, _) = run_guests("3", &entry_of("case = \"bad.wat\"\nkind = \"wrong-stdout\"", "xfail"), &[]);
    assert!(ran.code == 1 && ran.out.contains("S/bad.wat: wrong-exit-code: "), "{}", ran.out);
    let (ran, _) = run_guests("3", &entry_of("case = \"bad.wat\"", "skip"), &[]);
    assert!(ran.code == 0 && ran.out.contains("S/bad.wat: not run: it is known"), "{}", ran.out);
    for (lines, message) in [
        ("case = \"gone.wat\"", "the suites do not contain this case"),
        ("case = \"bad.wat\"\nline = 1", "a WASI case has no directives: remove `key`, `line` and `text`"),
    ] {
        let (ran, _) = run_guests("3", &entry_of(lines, "xfail"), &[]);
        assert!(ran.code == 2 && ran.err.contains(message), "{lines}: {}", ran.err);
    }
}

#[test]
fn blessing_writes_wasi_cases() {
    let (ran, written) = run_guests("3", "", &["--bless-expectations"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let entry = "suite = \"s\"\ncase = \"bad.wat\"\nkind = \"wrong-exit-code\"\noutcome = \"xfail\"\n";
    assert!(written.contains(entry) && written.matches("[[expected]]").count() == 1, "{written}");
    let (ran, again) = run_guests("3", &written, &["--bless-expectations"]);
    assert!(ran.code == 0 && again == written, "{again}");
    let (ran, removed) = run_guests("0", &written, &["--bless-expectations"]);
    assert!(ran.out.contains("0 entries written, 0 kept, 1 removed"), "{}", ran.out);
    assert!(!removed.contains("[[expected]]"), "{removed}");
    // A person's reason is kept for the failure that it explains.
    let mine = entry_of("suite = \"s\"\ncase = \"bad.wat\"\nkind = \"wrong-stdout\"", "xfail");
    let (_, replaced) = run_guests("3", &mine, &["--bless-expectations"]);
    assert!(replaced.contains(entry) && !replaced.contains("it is known"), "{replaced}");
}

#[test]
fn a_wasi_case_that_hangs_is_expected_where_an_entry_says_so() {
    let folder = Folder::new(&[("s/a.wat", ENDLESS), ("s/a.json", "{}"), ("e.toml", "")]);
    let (suite, file) = (folder.arg("s"), folder.arg("e.toml"));
    for (lines, code) in [("case = \"a.wat\"\nkind = \"timeout\"", 0), ("case = \"a.wat\"", 1)] {
        std::fs::write(folder.file("e.toml"), entry_of(lines, "xfail")).unwrap();
        for more in [&["--timeout", "300ms"][..], &["--timeout", "300ms", "--isolate"]] {
            let ran = wassay(&[&["test", &suite, "--expectations", &file], more].concat());
            assert_eq!(ran.code, code, "{lines}: {}{}", ran.out, ran.err);
        }
    }
    let bless = ["test", &suite, "--expectations", &file, "--timeout", "300ms", "--bless-expectations"];
    std::fs::write(folder.file("e.toml"), "").unwrap();
    let ran = wassay(&bless);
    assert!(ran.code == 1 && ran.out.contains("left out: 1 failure"), "{}{}", ran.out, ran.err);
}
