//! Tests of selections on the command line: suites and folders, cases, output files; and errors for
//! ambiguous or empty ones.

use std::process::Command;

use crate::common::{FAILS, Folder, PASSES, Ran, run, wassay};

fn wassay_in(folder: &Folder, from: &str, args: &[&str]) -> Ran {
    run(Command::new(env!("CARGO_BIN_EXE_wassay")).args(args).current_dir(folder.file(from)))
}

#[test]
fn a_word_that_is_both_a_suite_and_a_path_is_wrong_usage() {
    let folder = Folder::new(&[
        ("scripts/a.wast", FAILS),
        ("spec-v1/readme", "no script"),
        ("spec", "a file"),
        ("wasi@no-openat2/a.wast", PASSES),
        ("wasi/a.wast", PASSES),
        ("spec-official/a.wast", PASSES),
        ("b.wast", PASSES),
    ]);
    for word in ["scripts", "spec-v1", "spec", "wasi@no-openat2", "wasi", "spec-official"] {
        let message = format!(
            "{word}: both a suite of wassay and a path here: write `suite:{word}` for the suite, `./{word}` for the path"
        );
        for command in [&["test"][..], &["suite", "show"], &["test", "--list"], &["test", "--allow-empty"]] {
            let ran = wassay_in(&folder, ".", &[command, &[word]].concat());
            let expected = (2, "", format!("error: {message}\n"));
            assert_eq!((ran.code, ran.out.as_str(), ran.err), expected, "{command:?}");
        }
        let ran = wassay_in(&folder, ".", &["wast", "--suite", word, "b.wast"]);
        assert_eq!(ran.code, 2, "{word}: {}", ran.err);
    }
    // A folder `wasi` may be meant by its variant, too.
    let only = Folder::new(&[("wasi/a.wast", PASSES)]);
    assert_eq!(wassay_in(&only, ".", &["test", "wasi@no-openat2", "--list"]).code, 2);

    let own = wassay_in(&folder, ".", &["test", "./scripts"]);
    assert!(own.code == 1 && own.out.contains("./scripts/a.wast:2:1: wrong-value"), "{}", own.out);
    let listed = wassay_in(&folder, ".", &["test", "--list", "suite:scripts", "./scripts"]);
    assert!(listed.out.contains("\nscripts::memory/page-boundary.wast\n"), "{}", listed.out);
    assert!(listed.out.ends_with("./scripts::a.wast\n"), "{}", listed.out);
    assert_eq!(wassay_in(&folder, ".", &["suite", "show", "suite:spec-v1"]).code, 0);
    assert_eq!(wassay_in(&folder, ".", &["wast", "--suite", "suite:spec-v1", "b.wast"]).code, 0);
    // From elsewhere there is no such folder.
    assert_eq!(wassay_in(&folder, "scripts", &["suite", "show", "spec-v1"]).code, 0);
}

#[test]
fn what_matches_nothing_fails() {
    let folder = Folder::new(&[("s/a.wast", PASSES), ("empty/readme", "")]);
    let nothing: [&[&str]; 6] = [
        &["test", "s", "--filter", "b"],
        &["test", "empty"],
        &["test", "spec-v1@no-openat2"],
        &["test", "s", "--list", "--filter", "b"],
        &["wast", "--lines", "90", "s/a.wast"],
        &["suite", "show", "empty"],
    ];
    for args in nothing {
        let ran = wassay_in(&folder, ".", args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}");
        assert!(ran.err.starts_with("error: ") && ran.err.lines().count() == 1, "{}", ran.err);
        // The catalogue's features of a suite apply if nothing else does.
        if args[0] != "suite" && args[1] != "spec-v1@no-openat2" {
            assert_eq!(wassay_in(&folder, ".", &[args, &["--allow-empty"]].concat()).code, 0, "{args:?}");
        }
    }
}

#[test]
fn a_slip_is_answered_with_what_may_have_been_meant() {
    let folder = Folder::new(&[("a.wast", PASSES)]);
    let file = folder.arg("a.wast");
    for (args, meant) in [
        (&["tset"][..], "did you mean `wassay test`?"),
        (&["reprot", "diff", "a", "b"], "did you mean `wassay report`?"),
        (&["spec-v1"], "did you mean `wassay test spec-v1`?"),
        (&["suite", "lst"], "'list'"),
        (&["test", "spce-v1"], "did you mean `spec-v1`?"),
        (&["test", "tail-call"], "did you mean `proposals/tail-call`?"),
        (&["suite", "show", "suite:spce-v1"], "did you mean `spec-v1`?"),
        (&["suite", "fetch", "wasi-oficial"], "did you mean `wasi-official`?"),
        (&["wast", "--suite", "spce-v1", &file], "did you mean `spec-v1`?"),
        (&["wast", "--features", "2.0,tail-calls", &file], "did you mean `tail-call`?"),
        (&["wast", "--features", "", &file], "expected a version or names of features"),
        (&["test", "--features", "simd,theads", &file], "did you mean `threads`?"),
        (&["wast", "--match", "clas", &file], "did you mean `class`?"),
        (&["test", "--report", "jsno=x", &file], "did you mean `json`?"),
        (&["test", "--fliter", "x"], "'--filter'"),
    ] {
        let ran = wassay(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}");
        assert!(ran.err.contains(meant), "{args:?}: {}", ran.err);
    }
    let header = Folder::new(&[("a.wast", ";;! features = \"2.0,tail-calls\"\n(module)")]);
    let ran = wassay(&["wast", &header.arg("a.wast")]);
    assert!(ran.err.ends_with("did you mean `tail-call`?\n"), "{}", ran.err);
}

#[test]
fn a_report_never_replaces_what_the_run_reads() {
    let folder = Folder::new(&[
        ("x.wast", PASSES),
        ("s/a.wast", PASSES),
        ("s/g.wat", "(module (func (export \"_start\")) (memory (export \"memory\") 1))"),
        ("s/g.json", "{}"),
        ("e.toml", ""),
        ("other.wast", PASSES),
    ]);
    let [old, hard] = ["old.json", "hard.wast"].map(|name| folder.file(name));
    assert_eq!(wassay_in(&folder, ".", &["test", "s", "--report", "json=old.json"]).code, 0);
    std::fs::hard_link(folder.file("x.wast"), hard).unwrap();
    std::os::unix::fs::symlink("x.wast", folder.file("link.json")).unwrap();
    let before = std::fs::read_to_string(&old).unwrap();
    let refused: [&[&str]; 14] = [
        &["wast", "--report", "json=x.wast", "x.wast"],
        &["wast", "--report", "json=./x.wast", "x.wast"],
        &["wast", "--report", "json=hard.wast", "x.wast"],
        &["wast", "--report", "json=link.json", "x.wast"],
        &["wast", "--report", "json=other.wast", "x.wast"],
        &["test", "x.wast", "--report", "html=s/../x.wast"],
        &["test", "s", "--report", "json=s/a.wast"],
        &["test", "s", "--report", "json=s/g.json"],
        &["test", "s", "--report", "json=e.toml", "--expectations", "e.toml"],
        &["test", "s", "--report", "json=old.json", "--baseline", "old.json"],
        &["test", "s", "--report", "json=old.json", "--shard", "1/1", "--timings", "old.json"],
        &["report", "render", "old.json", "--to", "html", "-o", "./old.json"],
        &["report", "merge", "old.json", "-o", "old.json"],
        &["test", "s", "--report", "json=-", "--report", "html=-"],
    ];
    for args in refused {
        let ran = wassay_in(&folder, ".", args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {}", ran.err);
    }
    assert_eq!(std::fs::read_to_string(folder.file("x.wast")).unwrap(), PASSES);
    assert_eq!(std::fs::read_to_string(&old).unwrap(), before);
    let ran = wassay_in(&folder, ".", &["test", "s", "--report", "json=old.json"]);
    assert_eq!(ran.code, 0, "an older report is replaced: {}", ran.err);
}

#[test]
fn a_report_goes_to_standard_output_alone() {
    let folder = Folder::new(&[("a.wast", FAILS)]);
    for command in ["test", "wast"] {
        let ran = wassay_in(&folder, ".", &[command, "--report", "json=-", "a.wast"]);
        assert_eq!(ran.code, 1);
        assert!(wassay_reports::json::parse(&ran.out).is_ok(), "{}", ran.out);
        assert!(ran.err.contains("a.wast:2:1: wrong-value"), "{}", ran.err);
        assert!(!folder.file("-").exists());
    }
    std::fs::write(
        folder.file("r.json"),
        wassay_in(&folder, ".", &["test", "--report", "json=-", "a.wast"]).out,
    )
    .unwrap();
    let ran = wassay_in(&folder, ".", &["report", "render", "r.json", "--to", "junit", "-o", "-"]);
    assert!(ran.code == 0 && ran.out.starts_with("<?xml"), "{}", ran.out);
}

#[test]
fn the_cases_are_listed_that_would_run() {
    let folder = Folder::new(&[("s/a.wast", PASSES), ("s/b.wast", "(module"), ("s/deep/c.wast", FAILS)]);
    let list = |more: &[&str]| {
        let ran = wassay_in(&folder, ".", &[&["test", "--list", "s"], more].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
        ran.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(list(&[]), ["s::a.wast", "s::b.wast", "s::deep/c.wast"]);
    assert_eq!(list(&["--filter", "deep"]), ["s::deep/c.wast"]);
    let mut shards: Vec<String> =
        (1..=3).flat_map(|number| list(&["--allow-empty", "--shard", &format!("{number}/3")])).collect();
    shards.sort_unstable();
    assert_eq!(shards, list(&[]));
    assert_eq!(wassay_in(&folder, ".", &["test", "--list", "s", "--report", "json=r.json"]).code, 2);
}

#[test]
fn a_run_ends_at_its_first_failure_where_that_is_asked_for() {
    let folder =
        Folder::new(&[("s/a.wast", PASSES), ("s/b.wast", FAILS), ("s/c.wast", PASSES), ("s/d.wast", PASSES)]);
    let ran =
        wassay_in(&folder, ".", &["test", "s", "--fail-fast", "--jobs", "1", "--report", "json=r.json"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.contains("s/b.wast:2:1: wrong-value") && !ran.out.contains("trap-expected"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("\n--fail-fast: 2 cases not run because of the first failure\n"), "{}", ran.out);
    let report = std::fs::read_to_string(folder.file("r.json")).unwrap();
    let totals = wassay_reports::json::parse(&report).unwrap().totals();
    assert_eq!((totals.cases.passed, totals.cases.failed, totals.directives.total()), (1, 3, 16));
}

#[test]
fn a_quiet_run_prints_failures_and_the_verdict() {
    const TEXT: &str = "(assert_malformed (module quote \"(func\") \"unexpected token\")";
    let folder = Folder::new(&[("good/a.wast", PASSES), ("bad/b.wast", FAILS), ("text/c.wast", TEXT)]);
    let ran = wassay_in(&folder, ".", &["test", "good", "--quiet"]);
    assert_eq!((ran.code, ran.err.as_str(), ran.out.lines().count()), (0, "", 1), "{}", ran.out);
    assert!(ran.out.starts_with("1 case as expected in "), "{}", ran.out);
    let ran = wassay_in(&folder, ".", &["test", "good", "bad", "-q"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    assert!(ran.out.starts_with("bad/b.wast:2:1: wrong-value") && !ran.out.contains("total"), "{}", ran.out);
    // Also if other lines follow the verdict in a run that is not quiet.
    let ran = wassay_in(&folder, ".", &["test", "text", "bad"]);
    assert!(ran.out.ends_with("\n1 directive passed by the parser alone\n"), "{}", ran.out);
    let ran = wassay_in(&folder, ".", &["test", "text", "bad", "-q"]);
    let last = ran.out.lines().last().unwrap();
    assert!(last.starts_with("1 of 2 cases not as expected in "), "{}", ran.out);
    // Expected failures are not printed.
    let ran = wassay(&["test", "proposals/mutable-global", "-q"]);
    assert_eq!((ran.code, ran.out.lines().count()), (0, 1), "{}", ran.out);
}

#[test]
fn a_module_that_wants_a_feature_says_how_to_switch_it_on() {
    let tail_call = "(module (func $f (export \"f\") (return_call $f)))";
    let folder = Folder::new(&[
        ("a.wast", format!(";;! features = \"2.0\"\n{tail_call}\n")),
        ("b.wast", format!(";;! features = \"2.0,tail-call\"\n{tail_call}\n")),
        ("c.wast", format!("(assert_unlinkable {tail_call} \"unknown import\")\n")),
    ]);
    let ran = wassay(&["wast", &folder.arg("a.wast")]);
    let hint = "it needs tail-call, which is not enabled: use `--features 2.0,tail-call`, or `;;! features = \"2.0,tail-call\"`";
    assert!(ran.code == 1 && ran.out.contains(hint), "{}", ran.out);
    assert_eq!(wassay(&["wast", &folder.arg("b.wast")]).code, 0);
    assert_eq!(wassay(&["wast", "--features", "2.0,tail-call", &folder.arg("a.wast")]).code, 0);
    let ran = wassay(&["wast", "--features", "2.0", &folder.arg("c.wast")]);
    assert!(ran.out.contains(hint), "{}", ran.out);
}

#[test]
fn a_module_is_not_taken_for_a_script() {
    let folder = Folder::new(&[
        ("a.wasm", &b"\0asm\x01\0\0\0"[..]),
        ("B.WASM", b"\0asm\x01\0\0\0"),
        ("c.wat", b"(module)"),
    ]);
    for name in ["a.wasm", "B.WASM"] {
        let ran = wassay(&["test", &folder.arg(name)]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
        assert!(ran.err.contains("a module is not a case by itself"), "{}", ran.err);
        assert!(ran.err.contains("use `wassay run` to run it"), "{}", ran.err);
    }
    assert_eq!(wassay(&["test", &folder.arg("c.wat")]).code, 0);
}

#[test]
fn the_list_of_suites_fits_a_hundred_columns() {
    let ran = wassay(&["suite", "list"]);
    let widest = ran.out.lines().map(|line| line.chars().count()).max();
    assert!(widest.unwrap() <= 100, "{}", ran.out);
}

#[test]
fn reports_of_one_suite_compare_wherever_it_was_checked_out() {
    let folder = Folder::new(&[
        ("one/checkout/.git/HEAD", ""),
        ("one/checkout/tests/spec/a.wast", PASSES),
        ("two/deep/elsewhere/.git/HEAD", ""),
        ("two/deep/elsewhere/tests/spec/a.wast", PASSES),
    ]);
    let report = |from: &str, suite: &str, name: &str| {
        let (path, file) = (folder.arg(name), format!("json={}", folder.arg(name)));
        assert_eq!(wassay_in(&folder, from, &["test", suite, "--report", &file]).code, 0);
        let report = wassay_reports::json::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let suite = &report.suites[0];
        (suite.name.clone(), suite.source.clone())
    };
    let expected = ("tests/spec".to_owned(), "tests/spec".to_owned());
    assert_eq!(report("one/checkout", "tests/spec", "1.json"), expected);
    assert_eq!(report("two/deep", "elsewhere/tests/spec/", "2.json"), expected);
    assert_eq!(report("one/checkout/tests/spec", ".", "3.json"), expected);
    let ran = wassay(&["report", "diff", &folder.arg("1.json"), &folder.arg("2.json")]);
    assert!(ran.code == 0 && !ran.out.contains("tests/spec"), "{}", ran.out);
    // Two folders of one run have names of their own.
    let ran = wassay_in(
        &folder,
        ".",
        &[
            "test",
            "--list",
            "one/checkout/tests/spec",
            "two/deep/elsewhere/tests/spec",
            "./one/checkout/tests/spec/",
        ],
    );
    assert_eq!(ran.out, "checkout/tests/spec::a.wast\nelsewhere/tests/spec::a.wast\n");
}
