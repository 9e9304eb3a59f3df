//! The workflows of docs/ci.md, docs/ci-engines.md, `action.yml` and `.github/workflows` do what
//! they say when they are copied: the commands of their steps are run in a fresh repository, job by
//! job, each with the checkout and the artifacts that it asks for and nothing else. Commands that
//! need the network are left out by name.

// A test prints what it found by itself.
#![allow(clippy::disallowed_macros)]
#![allow(clippy::unwrap_used)]

mod action;
#[path = "../common/mod.rs"]
mod common;
mod github;
mod gitlab;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::trials::{find, not_run};
use common::{FAILS, Folder, PASSES, clean};
use yaml_rust2::{Yaml, YamlLoader};

/// Copies a file, and the right to execute it where that is to stay.
///
/// A process of its own does so: a test that starts a process meanwhile would pass on a descriptor
/// that is open for writing, and as long as a process has that, a program that was copied is busy.
pub(crate) fn copy_file(from: &Path, to: &Path, keeps_mode: bool) {
    let mode = if keeps_mode { "--preserve=mode" } else { "--no-preserve=mode" };
    assert!(clean(Command::new("cp").arg(mode).arg(from).arg(to)).status().unwrap().success());
}

/// A folder below which jobs run, with a repository that they check out.
pub(crate) struct World {
    folder: Folder,
    /// Where the program is.
    program: PathBuf,
}

impl World {
    /// A repository with these files, committed.
    fn new(files: &[(&str, &str)]) -> World {
        let files: Vec<(String, &str)> =
            files.iter().map(|(name, text)| (format!("repository/{name}"), *text)).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        let folder = Folder::new(&files);
        let world = World { folder, program: Path::new(env!("CARGO_BIN_EXE_wassay")).to_owned() };
        let repository = world.path("repository");
        for args in [
            &["init", "--quiet", "--initial-branch=main"][..],
            &["add", "."],
            &["-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "-m", "scripts"],
        ] {
            assert!(git(&repository, args), "git {args:?}");
        }
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// An empty folder for a job.
    pub(crate) fn fresh(&self, name: &str) -> PathBuf {
        let folder = self.path(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Puts the repository into the folder of a job.
    pub(crate) fn check_out(&self, folder: &Path) {
        let repository = self.path("repository");
        assert!(git(folder, &["clone", "--quiet", repository.to_str().unwrap(), "."]));
    }

    /// Runs a script of a job with these variables; says whether it ended with 0, and what it
    /// printed.
    pub(crate) fn shell(
        &self,
        folder: &Path,
        script: &str,
        variables: &[(String, String)],
    ) -> (bool, String) {
        let bin = self.program.parent().unwrap();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]).current_dir(folder);
        command.env_clear().env("PATH", path).env("HOME", self.folder.path());
        let output = command.envs(variables.iter().cloned()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }
}

fn git(folder: &Path, args: &[&str]) -> bool {
    let mut command = Command::new("git");
    command.args(args).current_dir(folder).env("HOME", folder).env("GIT_CONFIG_NOSYSTEM", "1");
    clean(&mut command).status().unwrap().success()
}

/// Whether this machine has what jobs run on; if not, the test is not run, and says so.
fn has_tools() -> bool {
    let lack = ["bash", "git", "sha256sum", "tar"].iter().find_map(|tool| find(&[tool]).err());
    lack.iter().for_each(not_run);
    lack.is_none()
}

/// What of a step needs the network, or more than this machine has.
pub(crate) fn needs(script: &str) -> Option<&'static str> {
    let words = [
        ("cargo install", "it installs from a repository"),
        ("cargo +", "it installs from a repository"),
        ("cargo build", "the program is built already"),
        ("rustup ", "it installs a toolchain"),
        ("gh ", "it asks GitHub"),
        ("curl ", "it asks GitLab"),
    ];
    words.iter().find(|(word, _)| script.contains(word)).map(|(_, why)| *why)
}

/// Says what of a job is left out.
pub(crate) fn left_out(job: &str, step: &str, why: &str) {
    println!("left out: {job}: {step}: {why}");
}

/// The text at a key; empty where there is none.
pub(crate) fn text<'a>(yaml: &'a Yaml, key: &str) -> &'a str {
    yaml[key].as_str().unwrap_or_default()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn load(text: &str) -> Yaml {
    YamlLoader::load_from_str(text).unwrap().remove(0)
}

/// The blocks of YAML of a page.
fn blocks(page: &str) -> Vec<Yaml> {
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let blocks = text.split("\n```yaml\n").skip(1).filter_map(|rest| rest.split_once("\n```"));
    blocks.map(|(block, _)| load(block)).collect()
}

/// More scripts than one, fewer than four shards have to have.
const PASSING: [(&str, &str); 3] =
    [("tests/spec/a.wast", PASSES), ("tests/spec/deep/b.wast", PASSES), ("README", "no script\n")];

const FAILING: [(&str, &str); 3] =
    [("tests/spec/a.wast", PASSES), ("tests/spec/deep/b.wast", FAILS), ("README", "no script\n")];

#[test]
fn the_workflow_for_one_machine_passes_and_fails_with_the_scripts() {
    if !has_tools() {
        return;
    }
    let workflow = &blocks("docs/ci.md")[0];
    let ran = github::run(workflow, &World::new(&PASSING), None, &|script| script.to_owned());
    assert!(ran.is_success, "{}", ran.log);
    assert!(ran.summary.contains("2 of 2 cases") || ran.summary.contains('2'), "{}", ran.summary);
    assert!(ran.artifacts.iter().any(|file| file.ends_with("report/junit.xml")), "{:?}", ran.artifacts);
    let ran = github::run(workflow, &World::new(&FAILING), None, &|script| script.to_owned());
    assert!(!ran.is_success && !ran.summary.is_empty(), "{}", ran.log);
    assert!(ran.artifacts.iter().any(|file| file.ends_with("report/report.html")), "{:?}", ran.artifacts);
}

#[test]
fn the_workflow_with_shards_makes_one_report_and_compares_it() {
    if !has_tools() {
        return;
    }
    let workflow = &blocks("docs/ci.md")[1];
    let same = |script: &str| script.to_owned();
    let world = World::new(&PASSING);
    let first = github::run(workflow, &world, None, &same);
    assert!(first.is_success, "{}", first.log);
    let report = first.artifacts.iter().find(|file| file.ends_with("report/report.json")).unwrap();
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains("\"tests/spec\"") && report.contains("deep/b.wast"), "{report}");
    // On another machine, from another folder, and with a failure that is new.
    let second = github::run(workflow, &World::new(&FAILING), Some(&report), &same);
    assert!(!second.is_success, "{}", second.log);
    assert!(second.summary.contains("b.wast"), "{}", second.summary);
    let again = github::run(workflow, &World::new(&PASSING), Some(&report), &same);
    assert!(again.is_success, "{}", again.log);
}

#[test]
fn a_folder_without_scripts_fails() {
    if !has_tools() {
        return;
    }
    for workflow in &blocks("docs/ci.md")[..2] {
        let ran = github::run(workflow, &World::new(&[("tests/spec/a.txt", "")]), None, &|s| s.to_owned());
        assert!(!ran.is_success, "{}", ran.log);
    }
    let ran = gitlab::run(&blocks("docs/ci.md")[2], &World::new(&[("tests/spec/a.txt", "")]), None);
    assert!(!ran.is_success, "{}", ran.log);
}

#[test]
fn the_pipeline_of_gitlab_makes_one_report_and_compares_it() {
    if !has_tools() {
        return;
    }
    let pipeline = &blocks("docs/ci.md")[2];
    let first = gitlab::run(pipeline, &World::new(&PASSING), None);
    assert!(first.is_success, "{}", first.log);
    let report = &first.report;
    assert!(report.contains("\"tests/spec\""), "{report}");
    let second = gitlab::run(pipeline, &World::new(&FAILING), Some(report));
    assert!(!second.is_success && second.log.contains("b.wast"), "{}", second.log);
    assert!(gitlab::run(pipeline, &World::new(&PASSING), Some(report)).is_success);
}

#[test]
fn our_own_workflow_runs_too() {
    if !has_tools() {
        return;
    }
    let text = std::fs::read_to_string(root().join(".github/workflows/conformance.yml")).unwrap();
    // All the suites take a while in a debug build: a few stand for them.
    let few = |script: &str| {
        script.replace("./wassay test ", "./wassay test suite:scripts proposals/mutable-global ")
    };
    let world = World::new(&[("README", "")]);
    let first = github::run(&load(&text), &world, None, &few);
    assert!(first.is_success, "{}", first.log);
    assert!(first.artifacts.iter().any(|file| file.ends_with("report/badge.svg")), "{:?}", first.artifacts);
}

#[test]
fn a_workflow_names_what_it_installs() {
    for workflow in &blocks("docs/ci.md") {
        let text = format!("{workflow:?}");
        assert!(
            text.contains("--rev \\\"$WASSAY_REV\\\"") || text.contains("--rev \"$WASSAY_REV\""),
            "{text}"
        );
        // What is kept from run to run has the version in its name.
        let key = text.split("wassay-").nth(1).unwrap();
        assert!(key.contains("WASSAY_REV"), "{key}");
    }
}

/// An adapter that answers as if all were well, in a repository with scripts.
const MOCK: (&str, &str) = (
    "my adapter.sh",
    "#!/bin/sh
    while IFS= read -r line; do set -- $line; case $1 in hello) echo ok engine=mock version=1;;
    B|E) echo ok $2;; V) echo v 0;; *) echo ok;; esac; done",
);

#[test]
fn the_action_publishes_a_report_and_fails_with_the_scripts() {
    if !has_tools() {
        return;
    }
    let inputs = |suites| {
        [("engine", "sh 'my adapter.sh'"), ("suites", suites), ("args", "--jobs=1\n\n--timeout=10s\n")]
    };
    let world = World::new(&[&PASSING[..], &[MOCK]].concat());
    let first = action::run(&world, "", &inputs("tests/spec"));
    assert!(first.is_success, "{}", first.log);
    assert!(
        first.summary.contains("mock") && first.artifact.len() == 3,
        "{} {:?}",
        first.summary,
        first.artifact
    );
    let report = std::fs::read_to_string(&first.report).unwrap();
    assert!(report.contains("\"name\":\"mock\"") || report.contains("\"name\": \"mock\""), "{report}");

    let world = World::new(&[&FAILING[..], &[MOCK, ("old.json", &report)]].concat());
    let failed = action::run(&world, "", &[&inputs("tests/spec")[..], &[("baseline", "old.json")]].concat());
    assert!(!failed.is_success && failed.artifact.len() == 3, "{}", failed.log);
    assert!(failed.summary.contains("b.wast") && failed.log.contains("1 new failure"), "{}", failed.log);
    let none = action::run(&World::new(&[MOCK]), "", &inputs("tests/spec"));
    assert!(!none.is_success && none.artifact.is_empty(), "a suite that does not exist: {}", none.log);
}

#[test]
fn the_page_for_engine_maintainers_names_inputs_that_exist() {
    if !has_tools() {
        return;
    }
    let blocks = blocks("docs/ci-engines.md");
    let job = &blocks[1]["jobs"]["conformance"]["steps"].as_vec().unwrap()[2];
    for step in [&blocks[0].as_vec().unwrap()[0], job] {
        assert_eq!(text(step, "uses"), "OWNER/wassay@REV");
        let inputs: Vec<(&str, &str)> = (step["with"].as_hash().unwrap().iter())
            .map(|(name, value)| (name.as_str().unwrap(), value.as_str().unwrap()))
            .collect();
        let world = World::new(&[MOCK]);
        // What the page's `make my-adapter` stands for, and what it says is to be in the
        // repository.
        let prepare = "cp 'my adapter.sh' my-adapter; chmod +x my-adapter; : > wassay.toml";
        let ran = action::run(&world, prepare, &inputs);
        let report = std::fs::read_to_string(&ran.report).unwrap();
        assert!(ran.artifact.len() == 3 && report.contains("spec-v3"), "{}", ran.log);
        assert!(!ran.is_success, "an engine that says yes to everything: {}", ran.log);
    }
}

#[test]
fn the_template_of_gitlab_does_the_same() {
    if !has_tools() {
        return;
    }
    let pipeline = &blocks("docs/ci-engines.md")[2];
    let job = &pipeline["conformance"];
    let run = |files: &[(&str, &str)]| {
        let variables = [
            ("WASSAY_ENGINE", "sh 'my adapter.sh'"),
            ("WASSAY_RUN", "tests/spec"),
            ("WASSAY_ARGS", "--jobs=1"),
        ];
        action::run_template(&World::new(files), job, &variables)
    };
    let (is_success, log) = run(&[&PASSING[..], &[MOCK]].concat());
    assert!(is_success, "{log}");
    let (is_success, log) = run(&[&FAILING[..], &[MOCK]].concat());
    assert!(!is_success && log.contains("b.wast"), "{log}");
}

#[test]
fn a_release_has_a_program_that_runs_and_its_checksum() {
    if !has_tools() {
        return;
    }
    let text = std::fs::read_to_string(root().join(".github/workflows/release.yml")).unwrap();
    let files = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"].map(|name| (name, "text\n"));
    let ran = github::run(&load(&text), &World::new(&files), None, &|script| script.to_owned());
    assert!(ran.is_success, "{}", ran.log);
    let is = |file: &Path, end: &str| file.to_str().unwrap().ends_with(end);
    let archive = format!("dist/dist/wassay-{}-x86_64-linux.tar.gz", env!("CARGO_PKG_VERSION"));
    for end in [archive.as_str(), "dist/dist/SHA256SUMS"] {
        assert!(ran.artifacts.iter().any(|file| is(file, end)), "{end}: {:?}", ran.artifacts);
    }
}
