//! Tests of the build without wassay's own engine (`--no-default-features`): its dependencies and
//! commands.
//!
//! `WASSAY_SLIM` names the binary, which `.ci/run` builds; without it only the dependencies are
//! looked at.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod common;

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use common::trials::{NotRun, find, trial};
use common::{Folder, PASSES, Ran, run, wassay};
use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let trials = vec![
        trial("it_depends_on_no_engine", it_depends_on_no_engine),
        trial("it_drives_other_engines_and_renders", || slim().map(|slim| it_drives_and_renders(&slim))),
        trial("it_says_what_needs_an_engine", || slim().map(|slim| it_says_what_needs_an_engine(&slim))),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The binary without an engine.
fn slim() -> Result<OsString, NotRun> {
    std::env::var_os("WASSAY_SLIM").ok_or_else(|| {
        NotRun("WASSAY_SLIM names no binary that was built with --no-default-features".to_owned())
    })
}

fn it_depends_on_no_engine() -> Result<(), NotRun> {
    let cargo = find(&["cargo"])?;
    let tree = |features: &[&str]| {
        let mut command = Command::new(&cargo);
        command.args(["tree", "--offline", "--locked", "-e", "normal", "--prefix", "none", "-p", "wassay"]);
        let kept = ["CARGO_HOME", "RUSTUP_HOME", "HOME", "RUSTUP_TOOLCHAIN"].into_iter();
        command.envs(kept.filter_map(|name| Some((name, std::env::var_os(name)?))));
        run(command.args(features).current_dir(env!("CARGO_MANIFEST_DIR")))
    };
    let full = tree(&[]);
    assert!(!full.err.contains("--locked"), "{}", full.err);
    if full.code != 0 {
        // The machine lacks the packages, or this user a compiler.
        let why = full.err.lines().next().unwrap_or_default();
        return Err(NotRun(format!("cargo tree fails: {why}")));
    }
    let slim = tree(&["--no-default-features"]);
    assert_eq!(slim.code, 0, "{}", slim.err);
    for package in ["wassay-engine", "wassay-wasi", "cranelift", "regalloc2", "addr2line", "rayon"] {
        assert!(full.out.contains(package), "{package} is a dependency of the full build");
        assert!(!slim.out.contains(package), "{package} is not one of the slim build:\n{}", slim.out);
    }
    assert!(slim.out.contains("wassay-drive") && slim.out.contains("wassay-reports"), "{}", slim.out);
    Ok(())
}

/// An adapter that answers as if every request went well.
const MOCK: &str = "while IFS= read -r line; do set -- $line; case $1 in
    hello) echo ok engine=mock version=1;; B|E) echo ok $2;; V) echo v 0;; '#'*|'') ;; *) echo ok;; esac; done";

fn it_drives_and_renders(slim: &OsString) {
    let folder = Folder::new(&[("s/a.wast", PASSES), ("mock.sh", MOCK)]);
    let slim = |args: &[&str]| -> Ran { run(Command::new(slim).args(args)) };
    let (suite, engine) = (folder.arg("s"), format!("sh '{}'", folder.arg("mock.sh")));
    let report = format!("json={}", folder.arg("r.json"));
    let ran = slim(&["test", &suite, "--engine", &engine, "--report", &report]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("1 case as expected"), "{}", ran.out);
    let ran = slim(&["wast", &folder.arg("s/a.wast"), "--engine", &engine]);
    assert!(ran.code == 0 && ran.out.contains("4 passed, 0 failed"), "{ran:?}");

    let (plan, answers) = (folder.arg("s.plan"), folder.arg("answers"));
    assert_eq!(slim(&["plan", &suite, "-o", &plan]).code, 0);
    let recorded = run(Command::new("sh").args(["-c", "sh \"$1\" < \"$2\" > \"$3\"", "sh"]).args([
        &folder.arg("mock.sh"),
        &plan,
        &answers,
    ]));
    assert_eq!(recorded.code, 0, "{recorded:?}");
    let judged = slim(&["judge", &plan, &answers]);
    assert!(judged.code == 0 && judged.out.contains("1 case as expected"), "{judged:?}");

    // Reports are the same as those of the full build.
    for (from, to) in [("matrix", "m.html"), ("matrix", "m.md"), ("report", "r.md"), ("report", "r.html")] {
        let args = |to: &str| match from {
            "matrix" => vec!["matrix".to_owned(), folder.arg("r.json"), "-o".to_owned(), folder.arg(to)],
            _ => {
                let format = if to.ends_with("md") { "markdown" } else { "html" };
                ["report", "render", &folder.arg("r.json"), "--to", format, "-o", &folder.arg(to)]
                    .map(str::to_owned)
                    .to_vec()
            }
        };
        let (slims, full) = (args(to), args(&format!("full-{to}")));
        let ran = slim(&slims.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(wassay(&full).code, 0);
        let read = |name: &str| std::fs::read_to_string(folder.file(name)).unwrap();
        assert_eq!(read(to), read(&format!("full-{to}")), "{to}");
        assert!(read(to).contains("mock"), "{to}");
    }
}

fn it_says_what_needs_an_engine(slim: &OsString) {
    let folder = Folder::new(&[("a.wast", PASSES), ("a.wat", "(module)")]);
    let (script, module) = (folder.arg("a.wast"), folder.arg("a.wat"));
    let slim = |args: &[&str]| -> Ran { run(Command::new(slim).args(args)) };
    for (args, what, remedy) in [
        (&["run", "--dir", ".", &module, "--x"][..], "run", "default features"),
        (&[module.as_str(), "x"], "run", "default features"),
        (&["adapter"], "adapter", "default features"),
        (&["test"], "test", "--engine"),
        (&["test", "spec-v1", "--filter", "i32"], "test", "--engine"),
        (&["wast", &script], "wast", "--engine"),
        (&["wast", "--repro", "2", &script], "wast", "--engine"),
    ] {
        let ran = slim(args);
        let message = format!("error: {what}: this build of wassay has no built-in engine; ");
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(ran.err.starts_with(&message) && ran.err.contains(remedy), "{args:?}: {ran:?}");
        assert_eq!(ran.err.lines().count(), 1, "{args:?}: {ran:?}");
    }
    let version = slim(&["--version"]);
    assert_eq!(
        version.out,
        concat!("wassay ", env!("CARGO_PKG_VERSION"), " (without an engine of its own)\n")
    );
    assert_eq!(slim(&["suite", "list"]).code, 0);
    assert_eq!(slim(&["run", "--help"]).code, 0);
}
