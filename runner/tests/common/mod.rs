//! Runs processes and captures their output; runs suites in this process.

// Each test binary uses a part. What goes wrong here is a failed test.
#![allow(dead_code, clippy::unwrap_used)]

pub(crate) mod engines;
pub(crate) mod guests;
pub(crate) mod program;
pub(crate) mod sleep;
pub(crate) mod terminal;
pub(crate) mod trials;

use std::path::{Path, PathBuf};
use std::process::Command;

use wassay::script::{EngineEmbedder, Options, run_script};
use wassay::verdict::Render;
use wassay_drive::program::path_with_default;
use wassay_engine::Config;

/// Runs a closure on a thread with the stack size for scripts.
pub(crate) fn with_stack<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(wassay::batch::STACK);
    thread.spawn(run).unwrap().join().unwrap()
}

/// Runs every script of suites on one embedder, which is dropped afterwards; each must pass.
pub(crate) fn pass_suites(names: &[&str], config: Config) {
    let mut embedder = EngineEmbedder::new(config);
    let suites = names.iter().map(|name| wassay_testsuite::catalogue::find(name).unwrap());
    for script in suites.flat_map(|suite| suite.scripts()) {
        let text = script.read().unwrap();
        let header = wassay_testsuite::header::parse(script.name(), &text).unwrap();
        let features = header.features.as_deref().unwrap_or(script.features()).parse().unwrap();
        let options = Options { features, ..Options::default() };
        let result = run_script(script.name(), &text, &options, &mut embedder).unwrap();
        assert!(result.is_success(), "{}", result.render(false));
    }
}

/// The result of a process.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit code.
    pub(crate) code: i32,
    /// Its standard output.
    pub(crate) out: String,
    /// Its standard error.
    pub(crate) err: String,
}

/// Environment variables that child processes inherit.
const KEPT: [&str; 2] = ["LD_LIBRARY_PATH", "LLVM_PROFILE_FILE"];

/// The cache of the tests, which is not the user's.
const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");

/// Settings without a cache, for a user who may not write there.
const NO_CACHE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/no-cache.toml");

/// Gives a command the variables that were set for it, [`KEPT`], a `TMPDIR` for any working
/// directory, a cache of the tests, and a `PATH` that has the system's tools: what else is set
/// where the tests run does not change what they find.
///
/// Tests start a shell and other tools of the system by their names in such a command.
pub(crate) fn clean(command: &mut Command) -> &mut Command {
    let set: Vec<_> = command
        .get_envs()
        .map(|(name, value)| (name.to_owned(), value.map(|value| value.to_owned())))
        .collect();
    command.env_clear();
    let kept = KEPT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
    let temporary = std::path::absolute(std::env::temp_dir()).unwrap();
    command.envs(kept).env("PATH", path_with_default()).env("TMPDIR", temporary);
    let is_ours = rustix::fs::access(env!("CARGO_TARGET_TMPDIR"), rustix::fs::Access::WRITE_OK).is_ok();
    if is_ours {
        command.env("XDG_CACHE_HOME", CACHE);
    } else if !set.iter().any(|(name, _)| name == "XDG_CACHE_HOME") {
        command.env("WASSAY_CONFIG", NO_CACHE);
    }
    for (name, value) in set {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Runs a command in a [`clean`] environment.
pub(crate) fn run(command: &mut Command) -> Ran {
    let output = clean(command).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().expect("an exit code, not a signal");
    Ran { code, out: text(output.stdout), err: text(output.stderr) }
}

/// Runs `wassay` with these arguments.
pub(crate) fn wassay<A: AsRef<std::ffi::OsStr>>(args: &[A]) -> Ran {
    run(Command::new(env!("CARGO_BIN_EXE_wassay")).args(args))
}

/// A folder with files.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// Creates a folder with these files; a `/` in a name creates subfolders.
    pub(crate) fn new<T: AsRef<[u8]>>(files: &[(&str, T)]) -> Folder {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Folder(folder)
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Its name as a suite.
    pub(crate) fn name(&self) -> &str {
        self.path().file_name().unwrap().to_str().unwrap()
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// A file in it, as an argument.
    pub(crate) fn arg(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }
}

/// Four directives, all of which pass.
pub(crate) const PASSES: &str = "\
(module (func (export \"seven\") (result i32) (i32.const 7)))
(assert_return (invoke \"seven\") (i32.const 7))
(assert_return (invoke \"seven\") (i32.const 7))
(invoke \"seven\")
";

/// Four directives, of which those on lines 2 and 4 fail.
pub(crate) const FAILS: &str = "\
(module (func (export \"seven\") (result i32) (i32.const 7)))
(assert_return (invoke \"seven\") (i32.const 8))
(assert_return (invoke \"seven\") (i32.const 7))
  (assert_trap (invoke \"seven\") \"unreachable\")
";
