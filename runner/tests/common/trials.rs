//! Tests of a binary without libtest's harness. Where a machine lacks what a test needs, the test
//! is ignored and says why.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::{Completion, Trial};
use wassay_drive::program;

/// Why a test was not run.
#[derive(Clone, Debug)]
pub(crate) struct NotRun(pub(crate) String);

impl NotRun {
    fn message(&self) -> String {
        format!("not run: {}", self.0)
    }
}

/// A test that may find that it cannot be run here.
pub(crate) type Test = fn() -> Result<(), NotRun>;

/// The return value of a test function.
pub(crate) trait Verdict {
    /// Whether the test ran to its end.
    fn completion(self) -> Completion;
}

impl Verdict for () {
    fn completion(self) -> Completion {
        Completion::Completed
    }
}

impl Verdict for Result<(), NotRun> {
    fn completion(self) -> Completion {
        match self {
            Ok(()) => Completion::Completed,
            Err(why) => Completion::ignored_with(why.message()),
        }
    }
}

/// A trial that runs a function.
pub(crate) fn trial<V: Verdict>(name: &str, test: impl FnOnce() -> V + Send + 'static) -> Trial {
    Trial::ignorable_test(name, move || Ok(test().completion()))
}

/// A trial that is listed as ignored: what it needs was looked for and not found.
///
/// Runners that start a process for each trial see that it is ignored only if the list says so.
pub(crate) fn ignored(name: &str, why: NotRun) -> Trial {
    let kind = why.message();
    trial(name, move || Err(why)).with_kind(kind).with_ignored_flag(true)
}

/// Says on standard error, also where the output of tests is captured, that the rest of a test of
/// libtest is not run.
pub(crate) fn not_run(why: &NotRun) {
    #[allow(clippy::disallowed_methods, reason = "a test prints by itself")]
    std::io::stderr().write_all(format!("{}\n", why.message()).as_bytes()).unwrap();
}

/// Whether another user can reach this file: what the folders above it permit.
pub(crate) fn reachable(path: &Path) -> Result<(), NotRun> {
    let path = path.canonicalize().unwrap();
    let closed = path.ancestors().skip(1).find(|folder| {
        let mode = std::fs::metadata(folder).map_or(0, |metadata| metadata.permissions().mode());
        mode & 0o001 == 0
    });
    match closed {
        Some(folder) => Err(NotRun(format!("other users may not enter {}", folder.display()))),
        None => Ok(()),
    }
}

/// The file of the first of these programs that is on the PATH.
///
/// # Errors
///
/// None of the tools is installed.
pub(crate) fn find(programs: &[&str]) -> Result<PathBuf, NotRun> {
    let found = programs.iter().find_map(|name| std::path::absolute(program::find(name)?).ok());
    found.ok_or_else(|| NotRun(format!("no {}", programs[0])))
}

/// Like [`find`], for programs that tell their version if they work.
///
/// # Errors
///
/// None of the tools is installed, or the first that is does not work.
pub(crate) fn working(programs: &[&str]) -> Result<PathBuf, NotRun> {
    let file = find(programs)?;
    let told = Command::new(&file).arg("--version").stdin(Stdio::null()).output();
    match told {
        Ok(output) if output.status.success() => Ok(file),
        _ => Err(NotRun(format!("{} does not work", file.display()))),
    }
}
