//! Machines with other tools than the one that the repository's programs were built on: what cannot
//! be compared there is not run, says so, and fails nothing.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use libtest_mimic::Trial;

use crate::common::trials::{NotRun, Test, find, ignored, trial};
use crate::common::{Folder, Ran, run};
use crate::guests::sources;

/// In no trial's name.
const NONE: &str = "-";

/// The folder of a tool on a simulated machine.
const TOOLS: &str = "tools";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![trial("machines::without_tools_nothing_fails", without_tools_nothing_fails)];
    let with_bash: [(&str, Test); 3] = [
        ("machines::without_compilers_nothing_fails", without_compilers_nothing_fails),
        ("machines::another_clang_is_named", another_clang_is_named),
        ("machines::tools_that_do_not_work_are_not_run", tools_that_do_not_work_are_not_run),
    ];
    trials.extend(with_bash.map(|(name, test)| match find(&["bash"]) {
        Ok(_) => trial(name, test),
        Err(why) => ignored(name, why),
    }));
    trials
}

/// Puts a shell script that can be executed into a folder.
pub(crate) fn install(folder: &Folder, name: &str, script: &str) {
    let file = folder.file(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A folder whose [`TOOLS`] hold what scripts need and no compiler.
fn machine() -> Result<Folder, NotRun> {
    let folder = Folder::new(&[("tools/.gitkeep", "")]);
    let needed = [
        "basename",
        "bash",
        "cat",
        "chmod",
        "cp",
        "cut",
        "dirname",
        "env",
        "find",
        "grep",
        "mkdir",
        "mktemp",
        "rm",
        "rmdir",
        "sed",
        "sh",
        "sha256sum",
    ];
    for name in needed {
        symlink(find(&[name])?, folder.file(TOOLS).join(name)).unwrap();
    }
    Ok(folder)
}

/// The other trials of this binary, but for those whose names contain a text, where the PATH is
/// this.
fn again(path: &OsStr, skipped: &str) -> Ran {
    let mut tests = Command::new(std::env::current_exe().unwrap());
    let ran = run(tests.args(["--skip", "machines::", "--skip", skipped]).env("PATH", path));
    assert!(ran.code == 0 && ran.out.contains(" 0 failed; "), "{}{}", ran.out, ran.err);
    ran
}

/// The lines of what the trials print on one of them.
#[track_caller]
fn says(ran: &Ran, trial: &str, why: &str) {
    let line = ran.out.lines().find(|line| line.starts_with("test ") && line.contains(trial)).unwrap();
    assert!(line.contains("ignored") && line.contains(&format!("not run: {why}")), "{line}");
}

fn without_tools_nothing_fails() {
    let ran = again(Folder::new::<&str>(&[]).path().as_os_str(), NONE);
    for trial in [
        "prebuilt::programs_in_c_are_what_their_sources_say",
        "prebuilt::programs_in_rust_are_what_their_sources_say",
    ] {
        says(&ran, trial, "no bash");
    }
    says(&ran, "go::the_tutorial_s_copy", "no go");
}

fn without_compilers_nothing_fails() -> Result<(), NotRun> {
    let folder = machine()?;
    let ran = again(folder.file(TOOLS).as_os_str(), NONE);
    says(&ran, "prebuilt::programs_in_c_are_what_their_sources_say", "no clang");
    says(&ran, "go::a_server_serves_two_at_a_time", "no go");
    Ok(())
}

fn another_clang_is_named() -> Result<(), NotRun> {
    let folder = machine()?;
    // It finds whatever it is asked for, and its version is another one.
    let clang = "case $* in *-print-*) echo \"$0\" ;; *) echo 'clang version 99.0.0' ;; esac";
    install(&folder, "tools/clang", clang);
    let ran = again(folder.file(TOOLS).as_os_str(), NONE);
    let recorded = fs::read_to_string(sources().join("c/compilers")).unwrap();
    let why = format!("clang version 99.0.0 differs from the recorded {}", recorded.lines().next().unwrap());
    says(&ran, "prebuilt::programs_in_c_are_what_their_sources_say", &why);
    Ok(())
}

fn tools_that_do_not_work_are_not_run() -> Result<(), NotRun> {
    let folder = machine()?;
    install(&folder, "tools/clang", "echo 'this does not work' >&2; exit 1");
    install(&folder, "tools/go", "[ \"$1\" = version ] && echo go version go1.99.0 linux/amd64");
    let ran = again(folder.file(TOOLS).as_os_str(), "programs_in_rust");
    says(&ran, "prebuilt::programs_in_c_are_what_their_sources_say", "no clang for wasm32-wasi");
    says(&ran, "go::the_tutorial_s_copy", "go builds nothing for WASI: it does not say why");
    Ok(())
}
