//! Process tests of `wassay report` and of reports of runs.

use crate::common::{FAILS, Folder, PASSES, Ran, wassay};
use wassay_reports::{Report, json};

fn read(path: &str) -> Report {
    json::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Runs a folder or a script and writes its report to a file of this name.
fn tested(folder: &Folder, what: &str, report: &str) -> String {
    let file = folder.arg(report);
    let ran = wassay(&["test", &folder.arg(what), "--report", &format!("json={file}")]);
    assert!(ran.code < 2, "{}", ran.err);
    file
}

#[test]
fn a_run_writes_every_format_and_each_can_be_rendered_later() {
    let folder = Folder::new(&[("s/a.wast", PASSES), ("s/b.wast", FAILS)]);
    let formats = [
        ("json", "r.json", "{\n  \"schema\": 1"),
        ("junit", "r.xml", "<?xml"),
        ("markdown", "r.md", "## ❌ "),
        ("html", "r.html", "<!doctype html>"),
        ("badge", "r.svg", "<svg "),
        ("badge", "badge.json", "{\n  \"schemaVersion\": 1"),
    ];
    for command in ["test", "wast"] {
        let what = if command == "test" { folder.arg("s") } else { folder.arg("s/b.wast") };
        let mut args = vec![command.to_owned(), what];
        for (format, file, _) in formats {
            args.extend(["--report".to_owned(), format!("{format}={}", folder.arg(file))]);
        }
        assert_eq!(wassay(&args).code, 1);
        for (format, file, begins) in formats {
            let text = std::fs::read_to_string(folder.file(file)).unwrap();
            assert!(text.starts_with(begins), "{format}: {text}");
            std::fs::rename(folder.file(file), folder.file(&format!("{command}-{file}"))).unwrap();
        }
    }
    let json = folder.arg("test-r.json");
    for (format, file, _) in formats {
        let out = folder.arg(file);
        let ran = wassay(&["report", "render", &json, "--to", format, "-o", &out]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
        let [now, then] =
            [file.to_owned(), format!("test-{file}")].map(|name| std::fs::read(folder.file(&name)).unwrap());
        assert!(now == then, "{file}");
    }
    // Without a file it goes to standard output.
    let ran = wassay(&["report", "render", &json, "--to", "markdown"]);
    assert_eq!((ran.code, ran.out), (0, std::fs::read_to_string(folder.file("test-r.md")).unwrap()));
}

#[test]
fn two_reports_for_one_file_are_wrong_usage() {
    let folder = Folder::new(&[("a.wast", PASSES)]);
    let file = folder.arg("r");
    let reports = ["--report", &format!("json={file}"), "--report", &format!("html={file}")];
    let ran = wassay(&[&["test", &folder.arg("a.wast")], &reports[..]].concat());
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("is named twice"), "{}", ran.err);
    assert!(!folder.file("r").exists());
}

#[test]
fn changes_are_matched_by_directive_even_if_lines_move() {
    // Two directives more, and the one that passes now fails: its value is another one.
    let edited =
        format!(";; moved\n\n{FAILS}(invoke \"seven\")\n(assert_return (invoke \"seven\") (i32.const 9))\n");
    let broken = FAILS.replace("(i32.const 7)))", "(i32.const 8)))");
    let folder = Folder::new(&[("1/a.wast", FAILS), ("2/a.wast", edited.as_str()), ("3/a.wast", &broken)]);
    let [old, moved, other] =
        ["1", "2", "3"].map(|number| tested(&folder, number, &format!("{number}.json")));

    let same = wassay(&["report", "diff", &old, &old]);
    assert_eq!(same.code, 0, "{}", same.err);
    assert!(same.out.ends_with("\nnothing regressed\n"), "{}", same.out);

    // An edited directive that fails is not a regression, but must be reported.
    let Ran { code, out, .. } = wassay(&["report", "diff", &old, &moved]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("a.wast was edited: 2 new, 1 not as expected, 0 gone"), "{out}");
    assert!(out.contains("\n1 new failure") && !out.contains("regressed"), "{out}");
    let markdown = wassay(&["report", "diff", &old, &moved, "--format", "markdown"]).out;
    assert!(markdown.starts_with("## ❌ Conformance: 1 new failure\n"), "{markdown}");
    assert!(markdown.contains("(assert_return (invoke \"seven\") (i32.const 9))"), "{markdown}");
    assert!(out.contains("a.wast:8:1: failed: wrong-value: "), "{out}");

    // The engine is the same; the module is another directive. All that it makes differ is told.
    let Ran { code, out, .. } = wassay(&["report", "diff", &old, &other]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("\n1 regressed:\n") && out.contains("a.wast:3:1: failed: wrong-value: "), "{out}");
    assert!(out.contains("\n1 fixed:\n") && out.contains("a.wast:2:1: passed"), "{out}");
    assert!(out.contains("\n1 changed otherwise:\n") && out.contains("was edited: 1 new, 1 gone"), "{out}");

    let markdown = wassay(&["report", "diff", &old, &other, "--format", "markdown"]);
    assert_eq!(markdown.code, 1);
    assert!(markdown.out.starts_with("## ❌ Conformance: 1 result regressed\n"), "{}", markdown.out);
    let json = wassay(&["report", "diff", &old, &other, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["regressed"][0]["line"], 3);
}

#[test]
fn a_baseline_tells_what_changed_since() {
    let folder = Folder::new(&[("s/a.wast", PASSES), ("s/b.wast", FAILS), ("s/c.wast", PASSES)]);
    let old = tested(&folder, "s", "old.json");
    let summary = format!("markdown={}", folder.arg("r.md"));
    let suite = folder.arg("s");
    let run =
        |more: &[&str]| wassay(&[&["test", &suite, "--baseline", &old, "--report", &summary], more].concat());
    let ran = run(&[]);
    assert_eq!(ran.code, 1, "it fails as it did");
    assert!(ran.out.ends_with("\nnothing regressed\n"), "{}", ran.out);
    // Cases excluded by a filter do not count as removed.
    let ran = run(&["--filter", "c.wast"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(!ran.out.contains("gone"), "{}", ran.out);

    std::fs::write(folder.file("s/c.wast"), PASSES.replacen("(i32.const 7)))", "(i32.const 6)))", 1))
        .unwrap();
    let ran = run(&[]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("\n2 regressed:\n"), "{}", ran.out);
    let text = std::fs::read_to_string(folder.file("r.md")).unwrap();
    assert!(text.contains("### Changes") && text.contains("<summary>2 regressed</summary>"), "{text}");

    let ran = wassay(&["test", &suite, "--baseline", &folder.arg("gone.json")]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "said before anything runs");
}

#[test]
fn shards_are_merged_into_what_one_run_finds() {
    let files: Vec<(String, &str)> =
        (0..9).map(|n| (format!("s/{}/{n}.wast", n % 2), if n == 4 { FAILS } else { PASSES })).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let folder = Folder::new(&files);
    let whole = read(&tested(&folder, "s", "whole.json"));
    let shards: Vec<String> = (0..4)
        .map(|number| {
            let file = folder.arg(&format!("{number}.json"));
            let filters: Vec<String> =
                (0..9).filter(|n| n % 4 == number).map(|n| format!("--filter=/{n}.wast")).collect();
            let mut args =
                vec!["test".to_owned(), folder.arg("s"), "--report".to_owned(), format!("json={file}")];
            args.extend(filters);
            assert!(wassay(&args).code < 2);
            file
        })
        .collect();
    let out = folder.arg("merged.json");
    let merge = |files: &[&str]| wassay(&[&["report", "merge", "-o", &out], files].concat());
    let files: Vec<&str> = shards.iter().map(String::as_str).collect();
    let ran = merge(&files);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    let merged = read(&out);
    assert_eq!(merged.totals(), whole.totals());
    let names =
        |report: &Report| report.suites[0].cases.iter().map(|case| case.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&merged), names(&whole));
    assert_eq!(wassay(&["report", "diff", &folder.arg("whole.json"), &out]).code, 0);

    std::fs::write(&out, "as it was").unwrap();
    let ran = merge(&[files[0], files[1], files[0]]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.starts_with(&format!("error: {}: the case `", files[0])), "{}", ran.err);
    let text =
        std::fs::read_to_string(files[1]).unwrap().replace("\"name\": \"wassay\"", "\"name\": \"other\"");
    std::fs::write(files[1], text).unwrap();
    let ran = merge(&files);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains(": tested other ") && ran.err.contains(" tested wassay "), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "as it was");
}

#[test]
fn what_is_no_report_is_wrong_usage_with_its_file_and_place() {
    let folder = Folder::new(&[
        ("empty.json", &b""[..]),
        ("bad.json", b"{\n  \"schema\": 2,\n  \"x\": 1\n}"),
        ("bin.json", b"\n\xff"),
    ]);
    let cases = [
        ("empty.json", "line 1, column 0: not a report: "),
        ("bad.json", "line 2, column 13: not a report: schema: "),
        ("bin.json", "line 2: not a report: not UTF-8"),
        ("gone.json", "cannot read the report: "),
    ];
    for (name, message) in cases {
        let file = folder.arg(name);
        let commands: [&[&str]; 3] = [
            &["report", "render", &file, "--to", "html"],
            &["report", "merge", &file],
            &["report", "diff", &file, &file],
        ];
        for args in commands {
            let ran = wassay(args);
            assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}");
            assert!(ran.err.starts_with(&format!("error: {file}: {message}")), "{}", ran.err);
            assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        }
    }
    let bad: [&[&str]; 4] = [
        &["report"],
        &["report", "render", "a"],
        &["report", "render", "a", "--to", "pdf"],
        &["report", "diff", "a", "b", "--format", "html"],
    ];
    for args in bad {
        assert_eq!(wassay(args).code, 2, "{args:?}");
    }
}

#[test]
fn a_report_knows_where_its_scripts_can_be_read() {
    let folder = Folder::new(&[("checkout/tests/deep/a.wast", FAILS)]);
    let file = folder.arg("r.json");
    let run = |command: &str, from: &str, what: &str| {
        let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_wassay"));
        process.args([command, what, "--report", &format!("json={file}")]).current_dir(folder.file(from));
        for name in ["CI_PROJECT_URL", "CI_COMMIT_SHA", "CI_PROJECT_DIR"] {
            process.env_remove(name);
        }
        process.envs([
            ("GITHUB_SERVER_URL", "https://example.org"),
            ("GITHUB_REPOSITORY", "o/r"),
            ("GITHUB_SHA", "c0ffee"),
        ]);
        process.env("GITHUB_WORKSPACE", folder.file("checkout"));
        assert_eq!(crate::common::run(&mut process).code, 1);
        read(&file).suites.remove(0).url
    };
    let tests = Some("https://example.org/o/r/blob/c0ffee/tests".to_owned());
    assert_eq!(run("test", "checkout", "tests"), tests);
    assert_eq!(run("test", ".", "./checkout/tests"), tests);
    assert_eq!(run("wast", "checkout/tests", "deep/a.wast"), tests);
    assert_eq!(run("wast", ".", &folder.arg("checkout/tests/deep/a.wast")), None);
    let ran = wassay(&["report", "render", &file, "--to", "markdown"]);
    assert!(!ran.out.contains("https://"), "{}", ran.out);
    run("test", "checkout", "tests");
    let ran = wassay(&["report", "render", &file, "--to", "markdown"]);
    assert!(ran.out.contains("(https://example.org/o/r/blob/c0ffee/tests/deep/a.wast#L2)"), "{}", ran.out);
}

#[test]
fn a_baseline_is_not_green_where_less_is_judged() {
    let folder = Folder::new(&[("s/a.wast", PASSES), ("s/b.wast", PASSES)]);
    let old = tested(&folder, "s", "old.json");
    std::fs::remove_file(folder.file("s/b.wast")).unwrap();
    let run = |more: &[&str]| wassay(&[&["test", &folder.arg("s"), "--baseline", &old], more].concat());
    let ran = run(&[]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(
        ran.out.contains("b.wast was removed: 4 directives") && ran.err.contains("--allow-less"),
        "{ran:?}"
    );
    assert_eq!(run(&["--allow-less"]).code, 0);
    // Suites that were not selected are not compared, and a message says so.
    let both = folder.arg("both.json");
    let report = format!("json={both}");
    assert_eq!(wassay(&["test", &folder.arg("s"), "proposals/wide-arithmetic", "--report", &report]).code, 0);
    let ran = wassay(&["test", "proposals/wide-arithmetic", "--baseline", &both]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("not in this run, so not compared: s\n"), "{}", ran.out);
    // Nor is it green where what failed is new: the run would fail, but for what is expected of it.
    std::fs::write(folder.file("s/b.wast"), FAILS).unwrap();
    let expectations = folder.arg("e.toml");
    let bless = ["--expectations", &expectations, "--bless-expectations"];
    assert_eq!(wassay(&[&["test", &folder.arg("s")], &bless[..]].concat()).code, 0);
    let ran = run(&["--expectations", &expectations]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.out.ends_with("\nnothing regressed; 2 results are expected to fail now\n"), "{}", ran.out);
}

#[test]
fn files_and_lines_are_in_junit_and_annotated_on_github() {
    let folder = Folder::new(&[("checkout/tests/deep/a.wast", FAILS), ("checkout/tests/b.wast", PASSES)]);
    let junit = folder.arg("r.xml");
    let run = |command: &str, from: &str, what: &str, github: bool| {
        let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_wassay"));
        process.args([command, what, "--report", &format!("junit={junit}")]).current_dir(folder.file(from));
        process.env_remove("CI_PROJECT_DIR").env("GITHUB_WORKSPACE", folder.file("checkout"));
        if github {
            process.env("GITHUB_ACTIONS", "true");
        }
        let ran = crate::common::run(&mut process);
        assert_eq!(ran.code, 1);
        (ran, std::fs::read_to_string(&junit).unwrap())
    };
    for (command, from, what) in [
        ("test", "checkout", "tests"),
        ("test", ".", "checkout/tests"),
        ("wast", "checkout/tests", "deep/a.wast"),
    ] {
        let (ran, xml) = run(command, from, what, true);
        let annotations: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("::")).collect();
        assert_eq!(annotations.len(), 2, "{}", ran.err);
        assert!(
            annotations[0].starts_with("::error file=tests/deep/a.wast,line=2,col=1,title="),
            "{}",
            ran.err
        );
        assert!(
            annotations[0].contains("::wrong-value: ") && annotations[0].contains("%0Aexpected i32 8"),
            "{}",
            ran.err
        );
        assert!(annotations[1].starts_with("::error file=tests/deep/a.wast,line=4,col=3,"), "{}", ran.err);
        assert!(xml.contains(" file=\"tests/deep/a.wast\" line=\"2\""), "{xml}");
        if command == "test" {
            assert!(
                xml.contains(" file=\"tests/b.wast\">") || xml.contains(" file=\"tests/b.wast\"/>"),
                "{xml}"
            );
        }
    }
    let (ran, _) = run("test", "checkout", "tests", false);
    assert!(!ran.err.contains("::error") && !ran.out.contains("::error"), "{}", ran.err);
}

#[test]
fn what_the_reader_judged_alone_is_counted_apart() {
    let script = format!("(assert_malformed (module quote \"(func\") \"unexpected token\")\n{PASSES}");
    let binary = "(assert_malformed (module binary \"\\00asm\") \"unexpected end\")\n(assert_invalid (module (func (result i32))) \"type mismatch\")\n";
    let folder = Folder::new(&[("s/a.wast", script.as_str()), ("s/b.wast", binary)]);
    let file = folder.arg("r.json");
    let ran = wassay(&["test", &folder.arg("s"), "--report", &format!("json={file}")]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.out.contains("1 directive passed by the parser alone"), "{}", ran.out);
    let report = read(&file);
    let counts: Vec<u64> = report.suites[0].cases.iter().map(|case| case.reader_only).collect();
    assert_eq!((counts.as_slice(), report.totals().reader_only), (&[1, 0][..], 1));
    let ran = wassay(&["wast", &folder.arg("s/a.wast")]);
    let line = "1 script, 5 directives: 5 passed (1 by the parser alone), 0 failed\n";
    assert_eq!(ran.out, line);
}
