//! Tests of the commands that drive other engines.

use libtest_mimic::Trial;
use serde_json::Value;

use super::common::sleep::Sleep;
use super::common::trials::trial;
use super::common::{FAILS, Folder, PASSES, run, wassay};
use super::{node, own};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("commands::a_report_names_the_engine_that_was_driven", a_report_names_the_engine),
        trial("commands::failures_say_what_was_expected_and_what_came", failures_say_what_came),
        trial("commands::node_judges_scripts", || node().map(|node| node_judges(&node))),
        trial("commands::a_plan_is_judged_by_recorded_answers", a_plan_is_judged_by_recorded_answers),
        trial("commands::altered_expectations_fail_and_the_rest_is_named", altered_expectations_fail),
        trial("commands::a_plan_is_the_same_each_time", a_plan_is_the_same_each_time),
        trial("commands::plans_and_answers_that_are_none_are_wrong_usage", what_is_no_plan),
        trial("commands::no_engine_outlives_its_run", no_engine_outlives_its_run),
        trial("commands::an_engine_that_is_none_is_wrong_usage", what_is_no_engine),
    ]
}

fn json(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn a_report_names_the_engine() {
    let folder = Folder::new(&[("a.wast", PASSES)]);
    let (report, suite) = (folder.arg("out.json"), folder.path().to_str().unwrap().to_owned());
    let ran = wassay(&["test", &suite, "--engine", &own(), "--report", &format!("json={report}")]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = json(&report);
    assert_eq!((&report["engine"]["name"], &report["harness"]["name"]), (&"wassay".into(), &"wassay".into()));
    assert_eq!(report["engine"]["command"], Value::from(own().replace('\'', "")));
    assert_eq!(report["totals"]["directives"]["passed"], 4);
    let foreign =
        wassay(&["test", &suite, "--engine", "sh -c 'read l; echo ok engine=e%20e version=9; sleep 1'"]);
    assert_eq!(foreign.code, 1, "{foreign:?}");
    assert!(foreign.out.contains("the engine exited") || foreign.out.contains("closed"), "{foreign:?}");
}

fn failures_say_what_came() {
    let folder = Folder::new(&[("a.wast", FAILS)]);
    let direct = wassay(&["wast", &folder.arg("a.wast")]);
    let driven = wassay(&["wast", &folder.arg("a.wast"), "--engine", &own()]);
    assert_eq!((direct.code, driven.code), (1, 1), "{driven:?}");
    assert_eq!(driven.out, direct.out, "the same text for the same failures");
    assert!(driven.out.contains("actual   i32 7 (0x00000007)"), "{}", driven.out);
}

/// The control of an engine against false passes, as anybody can run it: `plan --altered`, the
/// adapter, `judge`.
fn altered_expectations_fail() {
    let script = "(module (func (export \"v\") (result v128) (v128.const i32x4 1 2 3 4)) (func (export \"t\") (unreachable)))
(assert_return (invoke \"v\") (v128.const i32x4 1 2 3 4))
(assert_trap (invoke \"t\") \"unreachable\")
(assert_invalid (module (func (result i32))) \"type mismatch\")
(assert_malformed (module quote \"(func\") \"x\")
(assert_malformed (module quote \"(func))\") \"x\")";
    let folder = Folder::new(&[("s/a.wast", script)]);
    let plan = folder.arg("altered.plan");
    let ran = wassay(&["plan", &folder.arg("s"), "--altered", "0", "-o", &plan]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let answers = folder.arg("answers");
    let own = format!("{} < '{plan}' > '{answers}'", own());
    let ran = run(std::process::Command::new("sh").args(["-c", &own]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let judged = wassay(&["judge", &plan, &answers]);
    let expected = "altered expectations: 4 failed as they should, 0 passed, 2 were not judged\n       2 not applicable: \
                    the text of the module is malformed, which only a text parser can check\n";
    assert_eq!((judged.code, judged.out.as_str()), (0, expected));
    // An engine that accepts everything passes some of them, and is detected.
    let yes = "while read -r a b c; do case $a in hello) echo ok engine=yes;; B|E) echo ok $b;; V) echo v 0;; \\#*) ;; \
               *) echo ok;; esac; done";
    let ran =
        run(std::process::Command::new("sh").args(["-c", &format!("({yes}) < '{plan}' > '{answers}'")]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let judged = wassay(&["judge", &plan, &answers]);
    assert_eq!(judged.code, 1, "{judged:?}");
    assert!(
        judged.out.contains(":4:1: assert_invalid passed with its expectation altered"),
        "{}",
        judged.out
    );
}

fn node_judges(node: &str) {
    let script = "(module (func (export \"v\") (result v128) (v128.const i32x4 1 2 3 4)) (func (export \"t\") (unreachable)))
(assert_return (invoke \"v\") (v128.const i32x4 1 2 3 4))
(assert_return (invoke \"v\") (v128.const i32x4 1 2 3 5))
(assert_trap (invoke \"t\") \"unreachable\")
(assert_invalid (module (func (result i32))) \"type mismatch\")
(assert_malformed (module quote \"(func\") \"x\")";
    let folder = Folder::new(&[("a.wast", script)]);
    let ran = wassay(&["wast", &folder.arg("a.wast"), "--engine", node]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.out.contains("a.wast:3:1: wrong-value: result 0, lane 3, has the wrong value"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("actual   v128 i32x4 [1 (0x00000001), 2 (0x00000002), 3 (0x00000003), 4"));
    let counts = "6 directives: 4 passed (2 without a comparison of the error text, 1 judged coarsely), \
                  1 failed, 1 skipped, 1 not applicable\n";
    assert!(ran.out.ends_with(counts), "{}", ran.out);
}

/// Runs a shell with these words as its arguments.
fn shell(script: &str, words: &[&str]) -> String {
    let mut command = std::process::Command::new("sh");
    let ran = run(command.args(["-c", script, "sh"]).args(words));
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out
}

fn a_plan_is_judged_by_recorded_answers() {
    let simd = FAILS.replacen("(module ", "(module (func (drop (v128.const i64x2 1 2)))", 1);
    let folder = Folder::new(&[("s/a.wast", PASSES), ("s/b.wast", &simd)]);
    let (suite, plan, answers) = (folder.arg("s"), folder.arg("plan.gz"), folder.arg("answers"));
    let ran = wassay(&["plan", &suite, "-o", &plan]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.starts_with("2 scripts, 8 directives: "), "{}", ran.err);
    shell("gunzip < \"$1\" | \"$2\" adapter > \"$3\"", &[&plan, env!("CARGO_BIN_EXE_wassay"), &answers]);
    let report = folder.arg("out.json");
    let ran = wassay(&["judge", &plan, &answers, "--report", &format!("json={report}")]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("b.wast:2:1: wrong-value: result 0 has the wrong value"), "{}", ran.out);
    assert!(ran.out.contains("actual   i32 7 (0x00000007)"), "the last of a wrapper is noted: {}", ran.out);
    let driven = wassay(&["test", &suite, "--engine", &own(), "--report", &format!("json={report}.live")]);
    assert_eq!(driven.code, 1, "{driven:?}");
    let (recorded, live) = (json(&report), json(&format!("{report}.live")));
    for at in [0, 1] {
        let (recorded, live) = (&recorded["suites"][0]["cases"][at], &live["suites"][0]["cases"][at]);
        assert_eq!((&recorded["name"], &recorded["keys"]), (&live["name"], &live["keys"]));
        assert_eq!(recorded["directives"], live["directives"]);
        assert!(live["needs"][0]["modules"]["passed"] == 1, "{live}");
        assert_eq!((&recorded["needs"], &recorded["features"]), (&live["needs"], &live["features"]));
        let lines = |case: &Value| {
            let failures = case["failures"].as_array().unwrap().iter();
            failures.map(|failure| failure["line"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(lines(recorded), lines(live));
    }
    // Answers that end early leave directives that were not run.
    let few = shell("head -n 12 \"$1\"", &[&answers]);
    std::fs::write(&answers, few).unwrap();
    let ran = wassay(&["judge", &plan, &answers]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("not-run: the answers end before") && ran.err.contains("12 answers"), "{ran:?}");
}

fn a_plan_is_the_same_each_time() {
    let folder = Folder::new::<&str>(&[]);
    let plans = ["a.plan", "b.plan", "a.gz", "b.gz"].map(|name| folder.arg(name));
    for plan in &plans {
        assert_eq!(wassay(&["plan", "scripts", "--filter", "a", "-o", plan]).code, 0);
    }
    let bytes = plans.map(|plan| std::fs::read(plan).unwrap());
    assert!(bytes[0] == bytes[1] && bytes[2] == bytes[3] && bytes[0].len() > 2 * bytes[2].len());
}

fn what_is_no_plan() {
    let folder =
        Folder::new(&[("a.wast", PASSES), ("empty", ""), ("text", "hello\n"), ("answers", "ok engine=e\n")]);
    let plan = folder.arg("a.plan");
    assert_eq!(wassay(&["plan", &folder.arg("a.wast"), "-o", &plan]).code, 0);
    let text = std::fs::read_to_string(&plan).unwrap();
    let cut = text.rsplit_once("# end").unwrap().0;
    std::fs::write(folder.file("cut.plan"), cut).unwrap();
    std::fs::write(folder.file("less.plan"), text.replacen("I 1 0\n", "", 1)).unwrap();
    for (plan, answers, message) in [
        ("empty", "answers", "line 1: the plan ends here"),
        ("text", "answers", "line 1: not a plan: expected `# wassay-plan/1 ..`"),
        ("cut.plan", "answers", "the plan ends here, without a line `# end`"),
        ("less.plan", "answers", "requests, found "),
        ("gone", "answers", "cannot read the plan"),
        ("a.plan", "empty", "expected an answer to each request, but the file has none"),
        ("a.plan", "text", "line 1: `hello` is not an answer"),
    ] {
        let ran = wassay(&["judge", &folder.arg(plan), &folder.arg(answers)]);
        assert_eq!(ran.code, 2, "{plan} {answers}: {ran:?}");
        assert!(ran.err.contains(message), "{plan} {answers}: {}", ran.err);
    }
    let ran = wassay(&["plan", &folder.arg("a.wast"), "-o", &folder.arg("a.wast")]);
    assert_eq!(ran.code, 2, "{ran:?}");
}

/// An interrupted run ends the engine that hangs, and what the engine started.
fn no_engine_outlives_its_run() {
    let folder = Folder::new(&[("a.wast", PASSES)]);
    let sleep = Sleep::new(617);
    let hanging = format!("sh -c 'read -r l; echo ok engine=e; {sleep}'");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.args(["test", &folder.arg("a.wast"), "--engine", &hanging]);
    let mut wassay = super::common::clean(&mut command).stdout(std::process::Stdio::null()).spawn().unwrap();
    let until = |wanted: bool| {
        let begun = std::time::Instant::now();
        while sleep.is_running() != wanted {
            assert!(begun.elapsed().as_secs() < 20, "still waiting for {wanted}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    until(true);
    let pid = rustix::process::Pid::from_child(&wassay);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert!(!wassay.wait().unwrap().success());
    until(false);
}

fn what_is_no_engine() {
    let folder = Folder::new(&[("a.wast", PASSES)]);
    for engine in ["", "  ", "'", "/no/such/adapter", "true", "echo hello"] {
        for command in ["wast", "test"] {
            let ran = wassay(&[command, &folder.arg("a.wast"), "--engine", engine]);
            assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{command} {engine}: {ran:?}");
            assert!(ran.err.contains("--engine"), "{engine}: {}", ran.err);
        }
    }
    let ran = wassay(&["test", &folder.arg("a.wast"), "--isolate", "--engine", &own()]);
    assert_eq!(ran.code, 2, "{ran:?}");
}
