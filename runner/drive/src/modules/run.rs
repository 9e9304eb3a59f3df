//! One run of a command on one module.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::deadline::{Deadline, Late};
use crate::driver::Limits;
use crate::process::{Group, StderrTail, how};

/// The placeholder for the path of the module in a command.
pub const MODULE: &str = "{module}";

/// How long to wait for the rest of standard error after a process has ended.
const REST: Duration = Duration::from_secs(1);

/// The program that runs modules, and its limits.
#[derive(Debug)]
pub(super) struct Program {
    /// The program and its arguments, of which one contains [`MODULE`].
    pub(super) words: Vec<String>,
    /// Additional environment variables.
    pub(super) env: Vec<(String, String)>,
    pub(super) limits: Limits,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ran {
    /// With exit code 0.
    Well,
    /// With another exit code; with the message in standard error, if any.
    Badly(String),
    /// By a signal, with this message.
    Crashed(String),
    /// It timed out.
    TimedOut(Late),
    /// It was not run, because the script timed out.
    NotRun,
    /// It could not be started.
    Lost(String),
}

/// Runs modules one after the other.
#[derive(Debug)]
pub(super) struct Runner<'a> {
    program: &'a Program,
    /// The file that each module is written to.
    file: PathBuf,
    deadline: Deadline,
    /// The cached results of control modules, by a digest of their bytes.
    controls: HashMap<u64, bool>,
}

impl<'a> Runner<'a> {
    pub(super) fn new(program: &'a Program, file: PathBuf) -> Runner<'a> {
        let deadline = Deadline::begin(Duration::ZERO, Duration::ZERO);
        Runner { program, file, deadline, controls: HashMap::new() }
    }

    /// Sets the total time limit for the next runs.
    pub(super) fn begin(&mut self, time: Duration) {
        self.deadline = Deadline::begin(time, self.program.limits.request);
    }

    /// Runs a module.
    pub(super) fn run(&mut self, module: &[u8]) -> Ran {
        if self.deadline.is_over() {
            return Ran::NotRun;
        }
        if let Err(error) = std::fs::write(&self.file, module) {
            return Ran::Lost(format!("{}: cannot write the module: {error}", self.file.display()));
        }
        let ran =
            self.started().unwrap_or_else(|error| Ran::Lost(format!("cannot start the engine: {error}")));
        if let Ran::TimedOut(_) = ran {
            // If a run hangs, runs that search for the reason may hang too.
            self.deadline = self.deadline.hurried();
        }
        ran
    }

    /// Whether a control module succeeds, so that a failure of another one is meaningful. Results
    /// are cached.
    pub(super) fn runs_well(&mut self, module: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        module.hash(&mut hasher);
        let digest = hasher.finish();
        if let Some(known) = self.controls.get(&digest) {
            return *known;
        }
        let ran = self.run(module);
        let is_well = ran == Ran::Well;
        if is_well || matches!(ran, Ran::Badly(_)) {
            self.controls.insert(digest, is_well);
        }
        is_well
    }

    fn started(&self) -> io::Result<Ran> {
        let (begun, limit) = (Instant::now(), self.deadline.of_request());
        let mut command = self.program.command(&self.file)?;
        // Its output is not used.
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut group = Group::start(command, self.program.limits.memory)?;
        let stderr_tail = StderrTail::of(group.stderr().ok_or(io::ErrorKind::BrokenPipe)?)?;
        if !group.wait(limit) {
            return Ok(Ran::TimedOut(self.deadline.late(begun)));
        }
        let Some(status) = group.reap() else { return Ok(Ran::Lost("the engine was lost".to_owned())) };
        if status.success() {
            return Ok(Ran::Well);
        }
        stderr_tail.wait(Instant::now() + REST);
        // Remove the path of the module from the message.
        let ended = stderr_tail.after(how(status)).replace(&*self.file.to_string_lossy(), MODULE);
        Ok(if status.signal().is_some() { Ran::Crashed(ended) } else { Ran::Badly(ended) })
    }
}

impl Program {
    /// The command that runs the module in a file.
    fn command(&self, module: &Path) -> io::Result<Command> {
        let module =
            module.to_str().ok_or_else(|| io::Error::other("the folder for modules is not UTF-8"))?;
        let mut words = self.words.iter().map(|word| word.replace(MODULE, module));
        let mut command = Command::new(words.next().ok_or(io::ErrorKind::InvalidInput)?);
        command.args(words).envs(self.env.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}

impl Drop for Runner<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

/// The file of a runner in a folder.
pub(super) fn file_in(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number}.wasm"))
}
