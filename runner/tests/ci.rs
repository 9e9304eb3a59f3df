//! Tests of `.ci/run` and `.ci/engines` on machines that lack tools: what is installed, and what is
//! reported as not run. Tests of `.ci/machines` on test binaries that fail in some environments.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::trials::{NotRun, find, not_run};
use common::{Folder, Ran, run};

/// A program that only records its calls.
const NOTES: &str = "#!/bin/sh\necho \"${0##*/} $*\" >> \"$CALLS\"\n";

/// A fake `cargo` that creates the files that the scripts expect.
const CARGO: &str = "#!/bin/sh
echo \"cargo $*\" >> \"$CALLS\"
case \"$*\" in
*build*--release*) mkdir -p target/adapters/release; cp /bin/true target/adapters/release/wap-wasmi;;
*build*) mkdir -p target/debug; cp /bin/true target/debug/wassay;;
run*--release*) mkdir -p target/release; cp \"${0%/*}/wassay\" target/release/wassay;;
test*) echo 'test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured';;
esac
";

/// The system tools that the scripts use.
const TOOLS: [&str; 19] = [
    "awk", "basename", "bash", "cat", "chmod", "cp", "dirname", "env", "grep", "ln", "mkdir", "mktemp",
    "realpath", "rm", "sed", "sh", "sort", "tail", "tee",
];

/// A repository with the scripts, on a machine with fake programs.
struct Machine {
    folder: Folder,
    /// One machine at a time: a process that another test starts would pass on a program that is
    /// being written, which cannot be run then.
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl Machine {
    fn new(programs: &[(&str, &str)]) -> Machine {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let machine = Machine { folder: Folder::new(&[("calls", "")]), _alone: alone };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for script in ["run", "engines", "machines"] {
            let text = fs::read_to_string(root.join(".ci").join(script)).unwrap();
            machine.program(&format!("repository/.ci/{script}"), &text);
        }
        // `engines` reads the profile of the workspace.
        fs::copy(root.join("Cargo.toml"), machine.folder.file("repository/Cargo.toml")).unwrap();
        // No compiler for any guest.
        machine.program("repository/testsuite/guests/build.sh", "#!/bin/sh\nexit 1\n");
        let defaults = [
            ("cargo", CARGO),
            ("rustc", "#!/bin/sh\necho host: x86_64-unknown-linux-gnu\n"),
            ("id", "#!/bin/sh\necho 0\n"),
            ("apt-get", NOTES),
            ("python3", NOTES),
            ("wassay", "#!/bin/sh\necho \"wassay $*\" >> \"$CALLS\"\necho all as expected\n"),
        ];
        for (name, text) in defaults.iter().chain(programs) {
            machine.program(&format!("bin/{name}"), text);
        }
        // Of the machine that runs this the scripts get what every system has.
        for tool in TOOLS {
            let file = find(&[tool]).unwrap();
            std::os::unix::fs::symlink(file, machine.folder.file("bin").join(tool)).unwrap();
        }
        machine
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.folder.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn bin(&self) -> PathBuf {
        self.folder.file("bin")
    }

    /// Runs a script with these variables; returns its output and the programs called.
    fn run(&self, script: &str, args: &[&str], variables: &[(&str, &str)]) -> (Ran, String) {
        let mut command = Command::new(self.bin().join("bash"));
        command.arg(self.folder.file("repository/.ci").join(script)).args(args);
        command.env("PATH", self.bin()).env("CALLS", self.folder.file("calls"));
        let ran = run(command.envs(variables.iter().copied()));
        let calls = fs::read_to_string(self.folder.file("calls")).unwrap();
        fs::write(self.folder.file("calls"), "").unwrap();
        (ran, calls)
    }
}

/// The tools that the machine lacks, if any.
fn lacks() -> Option<NotRun> {
    TOOLS.iter().find_map(|tool| find(&[tool]).err())
}

#[test]
fn nothing_is_installed_unless_that_is_asked_for() {
    if let Some(why) = lacks() {
        return not_run(&why);
    }
    let machine = Machine::new(&[]);
    let installs = |calls: &str| calls.contains("apt-get install") || calls.contains("python3 -m venv");
    for variables in [&[][..], &[("CI", "false")], &[("WASSAY_CI_INSTALL", "0")], &[("CI", "")]] {
        let (ran, calls) = machine.run("run", &[], variables);
        assert_eq!(ran.code, 0, "{variables:?}: {ran:?}");
        assert!(!installs(&calls), "{variables:?}: {calls}");
        // What is missing is listed, and the last line counts.
        for lack in ["node: no node", "the official suite: there is no ", "dependencies: no cargo-deny"] {
            assert!(ran.out.contains("not run: ") && ran.out.contains(lack), "{lack}: {}", ran.out);
        }
        // One run of the example, one of the workspace.
        assert!(ran.out.trim_end().ends_with("\n6 passed, 0 failed, 2 skipped"), "{}", ran.out);
    }
    for variables in [&[("CI", "true")][..], &[("WASSAY_CI_INSTALL", "1")]] {
        let (ran, calls) = machine.run("run", &[], variables);
        assert_eq!(ran.code, 0, "{variables:?}: {ran:?}");
        assert!(installs(&calls) && calls.contains("clang lld wasi-libc"), "{variables:?}: {calls}");
    }
}

#[test]
fn the_official_suite_is_where_the_variable_says() {
    if let Some(why) = lacks() {
        return not_run(&why);
    }
    let machine = Machine::new(&[]);
    let official = |calls: &str| calls.contains("cargo test --locked --test official");
    let (ran, calls) = machine.run("run", &[], &[]);
    assert!(ran.code == 0 && !official(&calls), "{calls}");
    let elsewhere = machine.folder.file("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let (ran, calls) = machine.run("run", &[], &[("WASSAY_OFFICIAL", elsewhere.to_str().unwrap())]);
    assert!(ran.code == 0 && official(&calls), "{ran:?} {calls}");
    fs::create_dir_all(machine.folder.file("shared/suites/spec")).unwrap();
    let (ran, calls) = machine.run("run", &[], &[]);
    assert!(ran.code == 0 && official(&calls), "{ran:?} {calls}");
}

#[test]
fn an_engine_that_fails_its_suites_fails_the_run_and_one_that_is_absent_does_not() {
    if let Some(why) = lacks() {
        return not_run(&why);
    }
    let machine = Machine::new(&[]);
    let program = machine.bin().join("wassay");
    let program = program.to_str().unwrap();
    let (ran, calls) = machine.run("engines", &[program], &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("not run: node: no node\n") && ran.out.contains("WASSAY_CI_ENGINES=all"),
        "{ran:?}"
    );
    assert!(calls.contains("wap-wasmi' ") || calls.contains("wap-wasmi'"), "{calls}");
    assert!(calls.contains("--manifest-path examples/wasmi/Cargo.toml"), "{calls}");
    // All of them, of which this machine has none.
    let (ran, _) = machine.run("engines", &[program], &[("WASSAY_CI_ENGINES", "all")]);
    for engine in ["chromium", "firefox", "wazero"] {
        assert!(ran.code == 0 && ran.out.contains(&format!("not run: {engine}: no ")), "{engine}: {ran:?}");
    }
    let fails = "#!/bin/sh\necho \"wassay $*\" >> \"$CALLS\"\ncase \"$*\" in *--report*) exit 1;; *js/wap.js*) exit 1;; esac\n";
    drop(machine);
    let machine = Machine::new(&[("node", "#!/bin/sh\n"), ("wassay", fails)]);
    let program = machine.bin().join("wassay");
    let (ran, _) = machine.run("engines", &[program.to_str().unwrap()], &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.err.contains("error: node: the suites spec-v1 spec-v2 do not pass")
            && !ran.err.contains("wasmi:"),
        "{ran:?}"
    );
    // Where dependencies cannot be fetched, nothing can be said of the engine.
    let offline = "#!/bin/sh\ncase \"$*\" in *fetch*) exit 101;; esac\n";
    drop(machine);
    let machine = Machine::new(&[("cargo", offline)]);
    let program = machine.bin().join("wassay");
    let (ran, _) = machine.run("engines", &[program.to_str().unwrap()], &[]);
    assert!(
        ran.code == 0
            && ran.out.contains("not run: wasmi: ")
            && ran.out.contains("not run: examples/wasmi: "),
        "{ran:?}"
    );
    drop(machine);
    // An outdated lock file is an error of the repository.
    let stale = "#!/bin/sh\ncase \"$*\" in *fetch*) echo 'error: --locked was passed to prevent this' >&2; exit 101;; esac\n";
    let machine = Machine::new(&[("cargo", stale)]);
    let program = machine.bin().join("wassay");
    let (ran, _) = machine.run("engines", &[program.to_str().unwrap()], &[]);
    assert!(ran.code == 1 && ran.err.contains("examples/wasmi: its lock file is not up to date"), "{ran:?}");
}

/// A `cargo` that has built the test binaries `one` and `two`.
const BUILDS: &str = r#"#!/bin/sh
cd "${0%/*}/.."
for name in one two; do
    echo "{\"manifest_path\":\"$PWD/bin/Cargo.toml\",\"target\":{\"test\":true},\"features\":[],\"executable\":\"$PWD/bin/$name-0123\"}"
done
"#;

/// A machine with a test binary that passes everywhere, and one that needs `HOME` and misses tests
/// on a single thread.
fn built() -> Machine {
    let passes = "#!/bin/sh\necho 'test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured'\n";
    let needs = "#!/bin/sh
case $* in *--test-threads=1) echo 'test result: ok. 0 passed; 0 failed; 0 ignored'; exit;; esac
if [ -n \"${HOME+x}\" ]; then echo 'test result: ok. 1 passed; 0 failed; 0 ignored'; exit; fi
echo 'test at::home ... FAILED'
echo 'test result: FAILED. 0 passed; 1 failed; 0 ignored'
exit 101
";
    Machine::new(&[("cargo", BUILDS), ("one-0123", passes), ("two-0123", needs)])
}

#[test]
fn the_variation_that_fails_is_found() {
    if let Some(why) = lacks() {
        return not_run(&why);
    }
    let machine = built();
    let run = |args: &[&str]| {
        let (ran, _) = machine.run("machines", args, &[("HOME", "/")]);
        // The output of tests is kept in a folder.
        for (_, log) in ran.out.lines().filter_map(|line| line.split_once(": /")) {
            let kept = Path::new("/").join(log);
            fs::remove_dir_all(kept.parent().unwrap()).unwrap_or_default();
        }
        let lines = ran.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        (ran.code, lines.collect::<Vec<_>>())
    };
    let has = |lines: &[String], text: &str| lines.iter().any(|line| line.starts_with(text));
    let (code, lines) = run(&["--together", "HOME unset", "umask 077", "LANG=C"]);
    assert_eq!(code, 1, "{lines:#?}");
    assert!(has(&lines, "together: 3 2 passed 1 failed 1 ignored"), "{lines:#?}");
    assert!(has(&lines, "alone: HOME unset 0 passed 1 failed 0 ignored"), "{lines:#?}");
    assert!(has(&lines, "at::home"), "{lines:#?}");
    for passes in ["alone: umask 077 1 passed", "alone: LANG=C 1 passed"] {
        assert!(lines.iter().any(|line| line.starts_with(passes) && line.ends_with("ok")), "{lines:#?}");
    }
    let (code, lines) = run(&["--together", "--binary", "one", "HOME unset", "umask 077", "LANG=C"]);
    assert!(code == 0 && has(&lines, "together: 3 2 passed 0 failed 1 ignored"), "{lines:#?}");
    // A variation with fewer tests fails.
    let (code, lines) = run(&["as it is", "one thread"]);
    let fewer = |line: &String| line.starts_with("one thread 2 passed") && line.contains("OTHER TESTS");
    assert!(code == 1 && lines.iter().any(fewer), "{lines:#?}");
}
