//! Tests of engines by name and by description.

use std::process::Command;

use libtest_mimic::Trial;
use serde_json::Value;

use super::common::trials::trial;
use super::common::{FAILS, Folder, PASSES, Ran, clean, run};
use super::node;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("described::a_report_says_how_an_engine_was_configured", a_report_says_the_configuration),
        trial("described::the_nearest_description_of_a_name_counts", the_nearest_description_counts),
        trial("described::a_suite_describes_no_engine", a_suite_describes_no_engine),
        trial(
            "described::what_a_description_says_holds_unless_the_command_line_does",
            what_a_description_says,
        ),
        trial("described::expectations_come_with_the_engine", expectations_come_with_the_engine),
        trial("described::a_word_that_names_no_engine_is_told", a_word_that_names_no_engine),
        trial("described::several_engines_have_a_report_each_and_a_matrix", several_engines),
        trial("described::what_is_about_one_engine_is_refused_for_several", refused_for_several),
        trial("described::an_interrupted_run_begins_no_other_engine", an_interrupted_run),
        trial("described::a_run_in_which_nothing_is_judged_fails", nothing_judged),
        trial("described::node_needs_no_path_of_its_adapter", || node().map(|_| node_by_name())),
        trial("described::cargo_test_runs_on_a_described_engine", cargo_test_runs_on_it),
    ]
}

/// Our own engine by another name, in two columns.
fn own(name: &str) -> String {
    format!(
        "name = \"{name}\"\npackage = \"Debian {name} 1-1\"\n[protocol]\ncommand = [\"{{wassay}}\", \"{{flags}}\", \"adapter\"]\n\
         [columns.default]\nfeatures = [\"3.0\"]\n[columns.all]\nfeatures = [\"3.0\", \"threads\"]\n"
    )
}

/// A shell adapter that runs `then` after `hello`, and reports its environment.
fn shell(name: &str, more: &str, then: &str) -> String {
    format!(
        "name = \"{name}\"\n{more}[protocol]\ncommand = [\"sh\", \"-c\", '''read -r l; echo ok engine=sh version=$V; {then}''']\n\
         env = {{ V = \"7\" }}\n"
    )
}

/// Runs `wassay` in a folder, whose `config` is that of the user.
fn wassay(folder: &Folder, current: &str, args: &[&str]) -> Ran {
    run(command(folder, current).args(args))
}

fn command(folder: &Folder, current: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wassay"));
    command.current_dir(folder.file(current)).env("XDG_CONFIG_HOME", folder.file("config"));
    command
}

fn json(folder: &Folder, name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.file(name)).unwrap()).unwrap()
}

fn a_report_says_the_configuration() {
    let folder = Folder::new(&[("a.wast", PASSES), (".wassay/engines/mine.toml", &own("mine"))]);
    let ran = wassay(&folder, ".", &["test", "a.wast", "--engine", "mine:all", "--report", "json=out.json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("described by ") && ran.err.contains("mine.toml"), "{}", ran.err);
    let engine = &json(&folder, "out.json")["engine"];
    let expected = serde_json::json!({
        "name": "mine",
        "version": env!("CARGO_PKG_VERSION"),
        "configuration": "all",
        "features": ["3.0", "threads"],
        "adapter": "wassay adapter",
        "command": "{wassay} adapter",
        "package": "Debian mine 1-1",
    });
    assert_eq!(engine, &expected);
    let ran = wassay(&folder, ".", &["test", "a.wast", "--engine", "mine", "--report", "json=out.json"]);
    assert_eq!((ran.code, &json(&folder, "out.json")["engine"]["configuration"]), (0, &"default".into()));
}

fn the_nearest_description_counts() {
    let named =
        |version: &str| shell("mine", "", "exec cat > /dev/null").replace("\"7\"", &format!("\"{version}\""));
    let folder = Folder::new(&[
        ("p/.git/HEAD", String::new()),
        ("p/a/b/s.wast", "(module)".to_owned()),
        ("p/a/.wassay/engines/mine.toml", named("near")),
        ("p/.wassay/engines/mine.toml", named("project")),
        ("config/wassay/engines/mine.toml", named("user")),
        ("config/wassay/engines/node.toml", shell("node", "", "exec cat > /dev/null")),
        ("outside/s.wast", "(module)".to_owned()),
        (".wassay/engines/mine.toml", named("above")),
    ]);
    let version = |current: &str, engine: &str| {
        let script = folder.arg("p/a/b/s.wast");
        let report = format!("json={}", folder.arg("out.json"));
        let args = ["wast", "--timeout", "1s", "--engine", engine, "--report", &report, &script];
        let ran = wassay(&folder, current, &args);
        assert_eq!(ran.code, 1, "{ran:?}");
        json(&folder, "out.json")["engine"]["version"].as_str().unwrap().to_owned()
    };
    assert_eq!(version("p/a/b", "mine"), "near");
    assert_eq!(version("p", "mine"), "project");
    assert_eq!(version("outside", "mine"), "user", "descriptions above the current folder are not used");
    assert_eq!(version(".", "mine"), "above");
    assert_eq!(version("p", "node"), "7", "the user's description overrides the built-in one");
    let file = folder.arg("config/wassay/engines/mine.toml");
    assert_eq!(version("p", &file), "user", "a file that is named itself");
}

/// A description is a command: one that a suite brings along is not run.
fn a_suite_describes_no_engine() {
    let folder = Folder::new(&[
        ("s/a.wast", PASSES.to_owned()),
        ("s/.wassay/engines/evil.toml", shell("evil", "", "touch evil")),
        ("s/.wassay/engines/wassay.toml", shell("wassay", "", "touch evil")),
        ("here/x", String::new()),
    ]);
    let ran = wassay(&folder, "here", &["test", "../s", "--engine", "evil"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("`evil` is neither an engine nor a program"), "{}", ran.err);
    let ran = wassay(&folder, "here", &["test", "../s", "--engine", "wassay"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!folder.file("here/evil").exists() && !folder.file("s/evil").exists());
}

fn what_a_description_says() {
    let hungry = "head -c 900000000 /dev/zero | tail -c 800000000 > /dev/null || exit 9";
    let folder = Folder::new(&[
        ("a.wast", "(module)".to_owned()),
        ("slow.toml", shell("slow", "timeout = \"900ms\"\n", "sleep 618")),
        ("hungry.toml", shell("hungry", "max-memory = \"64MiB\"\n", hungry)),
    ]);
    let timed = |args: &[&str]| {
        let begun = std::time::Instant::now();
        let ran = wassay(&folder, ".", args);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.out.contains("timeout: "), "{ran:?}");
        begun.elapsed().as_millis()
    };
    for command in ["test", "wast"] {
        assert!(timed(&[command, "a.wast", "--engine", "slow.toml"]) < 3500, "{command}");
        let later = timed(&[command, "a.wast", "--engine", "slow.toml", "--timeout", "6s"]);
        assert!(later >= 4000, "{command}: {later} ms");
    }
    let ran = wassay(&folder, ".", &["test", "a.wast", "--engine", "hungry.toml"]);
    assert!(ran.out.contains("exited with code 9"), "{ran:?}");
    let ran = wassay(&folder, ".", &["test", "a.wast", "--engine", "hungry.toml", "--max-memory", "4GiB"]);
    assert!(ran.out.contains("exited with code 0"), "{ran:?}");
}

fn expectations_come_with_the_engine() {
    let mine = own("mine").replace("\n[protocol]", "\nexpectations = \"known.toml\"\n[protocol]");
    let folder =
        Folder::new(&[("s/a.wast", FAILS), ("t/b.wast", PASSES), ("e/mine.toml", &mine), ("none.toml", "")]);
    let (known, engine) = (folder.arg("e/known.toml"), "e/mine.toml");
    let bless = ["test", "s", "--engine", "wassay", "--expectations", &known, "--bless-expectations"];
    assert_eq!(wassay(&folder, ".", &bless).code, 0);
    let ran = wassay(&folder, ".", &["test", "s", "--engine", engine]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // It need not be about what is run, and what the command line names counts instead.
    assert_eq!(wassay(&folder, ".", &["test", "t", "--engine", engine]).code, 0);
    let ran = wassay(&folder, ".", &["test", "s", "--engine", engine, "--expectations", "none.toml"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let ran = wassay(&folder, ".", &["test", "s", "--engine", engine, "--report", &format!("json={known}")]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("the command reads this file"), "{}", ran.err);
    std::fs::write(folder.file("s/a.wast"), PASSES).unwrap();
    let ran = wassay(&folder, ".", &["test", "s", "--engine", engine]);
    assert_eq!(ran.code, 1, "an expectation that is stale: {ran:?}");
}

fn a_word_that_names_no_engine() {
    let folder = Folder::new(&[
        ("a.wast", PASSES.to_owned()),
        (".wassay/engines/mine.toml", own("mine")),
        (".wassay/engines/other.toml", own("mine")),
        (".wassay/engines/broken.toml", "name = 7\n".to_owned()),
        ("absent.toml", own("absent").replace("{wassay}", "no-such-program-anywhere")),
    ]);
    for (engine, expected) in [
        ("mime", "`mime` is neither an engine nor a program; did you mean `mine`?"),
        ("nodee", "did you mean `node`?"),
        ("mine:alll", "mine has no column `alll`; did you mean `all`?; expected one of all, default"),
        ("other", "other.toml: describes `mine`, so the file must be named mine.toml"),
        ("broken", "broken.toml:1: invalid type: integer `7`"),
        ("gone.toml", "gone.toml: cannot read the engine description"),
        ("absent.toml", "absent is not installed: `no-such-program-anywhere` not found"),
        ("'", "unclosed quote"),
    ] {
        for command in ["test", "wast"] {
            let ran = wassay(&folder, ".", &[command, "a.wast", "--engine", engine]);
            assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{command} {engine}: {ran:?}");
            assert!(ran.err.contains("--engine: ") && ran.err.contains(expected), "{engine}: {}", ran.err);
            let lines = ran.err.lines().filter(|line| !line.contains("note: ")).count();
            assert_eq!(lines, 1, "{engine}: {}", ran.err);
        }
    }
}

fn several_engines() {
    let folder = Folder::new(&[
        ("s/a.wast", PASSES.to_owned()),
        ("s/b.wast", FAILS.to_owned()),
        (".wassay/engines/mine.toml", own("mine")),
    ]);
    let engines = ["--engine", "mine", "--engine", "mine:all", "--engine", "wassay"];
    let reports = ["--report", "json=out.json", "--report", "html=out.html", "--report", "junit=out.xml"];
    let ran = wassay(&folder, ".", &[["test", "s"].as_slice(), &engines, &reports].concat());
    assert_eq!(ran.code, 1, "{ran:?}");
    let version = env!("CARGO_PKG_VERSION");
    for line in [
        format!("engine mine {version} (default)\n"),
        format!("engine mine {version} (all)\n"),
        format!("wassay {version}: 6 of 8 directives passed, 2 failed, 0 skipped, in "),
    ] {
        assert!(ran.out.contains(&line), "{line}: {}", ran.out);
    }
    for engine in ["mine", "mine-all", "wassay"] {
        let report = json(&folder, &format!("out.{engine}.json"));
        assert_eq!(report["totals"]["directives"]["passed"], 6, "{engine}");
        assert!(folder.file(&format!("out.{engine}.html")).exists());
        assert!(folder.file(&format!("out.{engine}.xml")).exists());
    }
    let matrix = json(&folder, "out.json");
    assert_eq!(matrix["columns"].as_array().unwrap().len(), 3, "{matrix}");
    let page = std::fs::read_to_string(folder.file("out.html")).unwrap();
    assert!(page.contains("mine") && page.contains("wassay"));
    assert!(!folder.file("out.xml").exists(), "JUnit has no matrix");
    // On standard output the matrix is alone.
    let ran =
        wassay(&folder, ".", &[["test", "s"].as_slice(), &engines, &["--report", "markdown=-"]].concat());
    assert!(ran.out.starts_with('#') || ran.out.starts_with('|'), "{}", ran.out);
    assert!(!ran.out.contains("skipped, in ") && ran.err.contains("skipped, in "), "{ran:?}");
    // All as expected.
    std::fs::remove_file(folder.file("s/b.wast")).unwrap();
    assert_eq!(wassay(&folder, ".", &[["test", "s"].as_slice(), &engines].concat()).code, 0);
}

fn refused_for_several() {
    let folder = Folder::new(&[
        ("a.wast", PASSES.to_owned()),
        ("mine.toml", own("mine")),
        ("base.json", String::new()),
        ("broken.toml", shell("broken", "", "").replace("ok engine", "no engine")),
    ]);
    for (args, expected) in [
        (vec!["--engine", "wassay"], "--engine wassay: given twice"),
        (
            vec!["--engine", "mine.toml", "--baseline", "base.json"],
            "--baseline: not supported with more than one --engine",
        ),
        (
            vec!["--engine", "mine.toml", "--expectations", "e.toml", "--bless-expectations"],
            "--bless-expectations: not supported with more than one --engine",
        ),
        (vec!["--engine", "broken.toml"], "no answer to `hello wap/1`"),
        (
            vec!["--engine", "mine.toml", "--report", "json=a.json", "--report", "html=a.mine.json"],
            "a.mine.json is named twice",
        ),
    ] {
        let ran =
            wassay(&folder, ".", &[["test", "a.wast", "--engine", "wassay"].as_slice(), &args].concat());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(ran.err.contains(expected), "{args:?}: {}", ran.err);
    }
    assert!(!folder.file("a.json").exists() && !folder.file("a.wassay.json").exists());
}

/// An engine at its limits fails nothing, but a run of which it did nothing is not good.
fn nothing_judged() {
    let answers = "while read -r request script rest; do case $request in B|E) echo ok $script;; *) echo E limit full;; esac; done";
    let folder = Folder::new(&[("full.toml", shell("full", "", answers)), ("a.wast", PASSES.to_owned())]);
    for command in ["wast", "test"] {
        let ran = wassay(&folder, ".", &[command, "./a.wast", "--engine", "full.toml"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains("error: nothing was judged: "), "{ran:?}");
    }
}

fn an_interrupted_run() {
    let folder = Folder::new(&[
        ("a.wast", PASSES.to_owned()),
        ("slow.toml", shell("slow", "", "touch begun; sleep 619")),
        ("last.toml", shell("last", "", "touch last; sleep 1")),
    ]);
    let mut command = command(&folder, ".");
    command.args(["test", "a.wast", "--report", "json=out.json"]);
    command.args(["--engine", "wassay", "--engine", "slow.toml", "--engine", "last.toml"]);
    let mut child = clean(&mut command).stdout(std::process::Stdio::null()).spawn().unwrap();
    // Engines are asked who they are before any is run; the first report says that the second is
    // on.
    let begun = std::time::Instant::now();
    while !folder.file("out.wassay.json").exists() {
        assert!(begun.elapsed().as_secs() < 20);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::fs::remove_file(folder.file("last")).unwrap_or_default();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!folder.file("last").exists() && !folder.file("out.last.json").exists());
    assert_eq!(json(&folder, "out.slow.json")["interrupted"], true);
    let columns = json(&folder, "out.json")["columns"].as_array().unwrap().len();
    assert_eq!(columns, 1, "what was not run to its end is not in the matrix");
}

fn node_by_name() {
    let folder = Folder::new(&[("a.wast", PASSES)]);
    let ran = wassay(&folder, ".", &["test", "a.wast", "--engine", "node", "--report", "json=out.json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let engine = &json(&folder, "out.json")["engine"];
    assert_eq!((&engine["name"], &engine["adapter"]), (&"node".into(), &"js/wap.js".into()));
    assert_eq!(engine["command"], "node {adapters}/js/wap.js");
    let ran = wassay(&folder, ".", &["test", "a.wast", "--engine", "node:all", "--report", "json=out.json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let engine = &json(&folder, "out.json")["engine"];
    assert_eq!(
        (&engine["configuration"], &engine["flags"]),
        (&"all".into(), &serde_json::json!(["--wasm-staging"]))
    );
}

/// The harness of `cargo test`, in this very binary when the variable is set.
fn cargo_test_runs_on_it() {
    let folder = Folder::new(&[
        ("s/a.wast", PASSES.to_owned()),
        ("s/b.wast", FAILS.to_owned()),
        ("mine.toml", own("mine").replace("{wassay}", env!("CARGO_BIN_EXE_wassay"))),
        ("sick.toml", shell("sick", "", "exit 3")),
    ]);
    let isolated = |engine: &str, isolate: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(super::HARNESS, folder.file("s")).env("WASSAY_ENGINE", engine).current_dir(folder.path());
        run(command.env("WASSAY_ISOLATE", isolate))
    };
    let harness = |engine: &str| isolated(engine, "");
    for isolate in ["", "1"] {
        let ran = isolated("mine.toml", isolate);
        assert_eq!(ran.code, 101, "{ran:?}");
        assert!(ran.out.contains("1 passed; 1 failed") && ran.out.contains("actual   i32 7"), "{ran:?}");
    }
    let ran = harness("sick.toml");
    assert!(ran.out.contains("0 passed; 2 failed") && ran.out.contains("exited with code 3"), "{ran:?}");
    let ran = harness("mien");
    assert_eq!(ran.code, 101, "{ran:?}");
    assert!(ran.err.contains("WASSAY_ENGINE: `mien` is neither an engine nor a program"), "{ran:?}");
}
