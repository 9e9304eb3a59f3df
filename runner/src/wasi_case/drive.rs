//! Does with a guest what its specification says, step by step.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use wassay_engine::Engine;
use wassay_reports::Failure;
use wassay_testsuite::wasi::spec::{Operation, Run, Spec, Stream};
use wassay_testsuite::wasi::{Goldens, Guest, Tree};
use wassay_wasi::{Access, WasiCtx, WasiCtxBuilder};

use super::exchange::Running;
use super::judge::{Judged, compare, compare_trees, failed};
use super::process::{Calls, Ended, Process};
use crate::scratch::{self, Folder};

/// The code of a guest that a trap ended: as of a process that aborts, 128 and SIGABRT.
const ABORTED: u32 = 134;

/// A case, before anything is done with its guest.
pub(super) struct Setup<'a> {
    pub(super) label: &'a str,
    pub(super) guest: &'a Guest,
    pub(super) spec: &'a Spec,
    pub(super) goldens: &'a Goldens,
    pub(super) engine: &'a Engine,
    pub(super) module: &'a [u8],
    pub(super) timeout: Duration,
}

/// What came of all steps.
#[derive(Default)]
pub(super) struct Outcome {
    /// What was not as expected, at most one a step; the first has the guest's last calls.
    pub(super) failures: Vec<Failure>,
    pub(super) timed_out: bool,
    /// What the guest left, where it ended as expected.
    pub(super) left: Option<Goldens>,
}

/// Runs the steps of a case until one of them makes the others meaningless.
///
/// An error says what the case cannot be run for: that a folder it names is not there, or that its module is none.
pub(super) fn drive(setup: &Setup<'_>) -> Result<Outcome, String> {
    let deadline = Instant::now() + setup.timeout;
    let mut drive = Drive {
        setup,
        deadline,
        folders: BTreeMap::new(),
        running: None,
        left: Left::default(),
        timed_out: false,
    };
    let (mut failures, mut steps) = (Vec::new(), 0);
    for operation in &setup.spec.operations {
        steps += 1;
        if let Err(failure) = drive.step(operation)? {
            failures.push(*failure);
            // What a guest says depends on what it was told; all that can be judged by itself is how it ended, and what it left.
            let ends_alone = matches!(operation, Operation::Wait { .. } | Operation::Output { .. });
            if drive.timed_out || !ends_alone {
                if let Some(running) = &mut drive.running {
                    running.cut_off();
                }
                break;
            }
        }
    }
    let mut outcome = Outcome { timed_out: drive.timed_out, ..Outcome::default() };
    let missed = setup.spec.operations.len() - steps;
    if drive.timed_out || missed > 0 {
        let missed = missed + setup.goldens.count();
        failures.extend((0..missed).map(|_| failed("not-run", "a step before it failed")));
    } else {
        let ended_well = failures.is_empty();
        let left = drive.left_behind()?;
        failures.extend(judge(setup.goldens, &left));
        outcome.left = ended_well.then_some(left);
    }
    if let Some(first) = failures.first_mut() {
        first.calls = drive.calls();
    }
    Ok(Outcome { failures, ..outcome })
}

/// Compares what was left with what was to be.
fn judge(expected: &Goldens, left: &Goldens) -> Vec<Failure> {
    let of = |stream: Stream, expected: &Option<Vec<u8>>, left: &Option<Vec<u8>>| match (expected, left) {
        (Some(expected), Some(left)) => compare(stream.name(), expected, left),
        _ => Ok(()),
    };
    let files = match (&expected.files, &left.files) {
        (Some(expected), Some(left)) => compare_trees(expected, left),
        _ => Ok(()),
    };
    let judged = [
        of(Stream::Stdout, &expected.stdout, &left.stdout),
        of(Stream::Stderr, &expected.stderr, &left.stderr),
        files,
    ];
    judged.into_iter().filter_map(Judged::err).map(|failure| *failure).collect()
}

struct Drive<'a> {
    setup: &'a Setup<'a>,
    deadline: Instant,
    /// Fresh copies of the folders beside the module, by their names there and in the guest.
    folders: BTreeMap<(String, String), Folder>,
    running: Option<Running>,
    /// What the guest that ran last left.
    left: Left,
    timed_out: bool,
}

/// What a guest left behind.
#[derive(Default)]
struct Left {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    calls: Calls,
}

impl Drive<'_> {
    fn step(&mut self, operation: &Operation) -> Result<Judged, String> {
        match (operation, &mut self.running) {
            (Operation::Run(run), _) => {
                self.running = Some(self.start(run)?);
                Ok(Ok(()))
            }
            (Operation::Wait { exit_code }, _) => self.wait(*exit_code),
            (Operation::Output { stream, payload }, _) => {
                let written = match stream {
                    Stream::Stdout => &self.left.stdout,
                    Stream::Stderr => &self.left.stderr,
                };
                Ok(compare(stream.name(), payload.as_bytes(), written))
            }
            (_, Some(running)) => Ok(running.exchange(operation)),
            // The format asks for a run before it.
            (_, None) => Ok(Err(failed("not-run", "no guest runs").into())),
        }
    }

    fn start(&mut self, run: &Run) -> Result<Running, String> {
        let Setup { label, guest, spec, engine, module, .. } = self.setup;
        let failed = |what: &str, error: io::Error| format!("{label}: cannot {what}: {error}");
        let mut context = given(guest, run);
        for dir in &run.dirs {
            let key = (dir.host.clone(), dir.guest.clone());
            if !self.folders.contains_key(&key) {
                let tree = guest.folder(&dir.host).map_err(|error| error.to_string())?;
                let copy = fresh(&tree)
                    .map_err(|error| failed(&format!("copy the folder `{}`", dir.host), error))?;
                self.folders.insert(key.clone(), copy);
            }
            if let Some(folder) = self.folders.get(&key) {
                let is_read_only = spec.extension.read_only.contains(&dir.guest);
                let access = if is_read_only { Access::ReadOnly } else { Access::ReadWrite };
                context = context
                    .preopen(folder.path(), dir.guest.clone(), access)
                    .map_err(|error| failed("give the guest a folder", error))?;
            }
        }
        let (mut listeners, mut addresses) = (Vec::new(), HashMap::new());
        for name in &spec.extension.listen {
            let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| {
                addresses.insert(name.clone(), listener.local_addr()?);
                listeners.push(listener.try_clone()?);
                Ok(listener)
            });
            context = context.listener(listener.map_err(|error| failed("listen", error))?);
        }
        let mut stdin = None;
        if let Some(bytes) = guest.stdin().map_err(|error| error.to_string())? {
            context = context.stdin_bytes(bytes.into_owned());
        }
        if spec.operations.iter().any(|operation| matches!(operation, Operation::Write { .. })) {
            let (reader, writer) = io::pipe().map_err(|error| failed("make a pipe", error))?;
            rustix::io::ioctl_fionbio(&writer, true).map_err(|error| failed("make a pipe", error.into()))?;
            context = context.stdin_file(reader);
            stdin = Some(writer);
        }
        let deadline = self.deadline;
        let process = Process::start(engine, module, context, deadline)
            .map_err(|message| format!("{label}: {message}"))?;
        let (connections, read) = (HashMap::new(), HashMap::new());
        Ok(Running { process, deadline, stdin, listeners, addresses, connections, read })
    }

    /// Waits for the end of the guest.
    fn wait(&mut self, expected: u32) -> Result<Judged, String> {
        let Some(mut running) = self.running.take() else { return Ok(Ok(())) };
        let (ended, process) = (running.wait(), running.process);
        let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
        self.left = Left { stdout, stderr, calls: process.calls };
        let (code, how) = match ended {
            Ended::NotRunnable(message) => return Err(format!("{}: {message}", self.setup.label)),
            Ended::TimeOver => {
                self.timed_out = true;
                let message = format!("it still ran after {:?}", self.setup.timeout);
                return Ok(Err(failed("timeout", message).into()));
            }
            Ended::Exited(code) => (code, format!("exit code {code}")),
            Ended::Trapped(error) => (ABORTED, error),
        };
        if code == expected {
            return Ok(Ok(()));
        }
        let kind = if code == ABORTED { "trap" } else { "wrong-exit-code" };
        let written = String::from_utf8_lossy(&self.left.stderr);
        let reason =
            if written.is_empty() { String::new() } else { format!(", and on standard error:\n{written}") };
        let failure = Failure {
            expected: Some(format!("exit code {expected}")),
            actual: Some(how + &reason),
            ..failed(kind, "the guest did not end as expected")
        };
        Ok(Err(failure.into()))
    }

    /// What the guest that ran last wrote, and what is in the folders now.
    fn left_behind(&mut self) -> Result<Goldens, String> {
        let unreadable =
            |error| format!("{}: cannot read what the guest left behind: {error}", self.setup.label);
        let mut files = Tree::default();
        for ((_, name), folder) in &self.folders {
            let tree = Tree::read(folder.path()).map_err(unreadable)?;
            files.add_below(Path::new(name.trim_start_matches('/')), tree);
        }
        let Left { stdout, stderr, .. } = &self.left;
        Ok(Goldens { stdout: Some(stdout.clone()), stderr: Some(stderr.clone()), files: Some(files) })
    }

    fn calls(&self) -> Vec<String> {
        self.running.as_ref().map_or(&self.left.calls, |running| &running.process.calls).lines()
    }
}

/// The guest's name, arguments and environment.
fn given(guest: &Guest, run: &Run) -> WasiCtxBuilder {
    let name = guest.name().rsplit('/').next().unwrap_or_default();
    let context = WasiCtx::builder().arg(name).args(&run.args);
    run.env.iter().fold(context, |context, (name, value)| context.env(name, value))
}

/// A folder of its own with these contents.
fn fresh(tree: &Tree) -> io::Result<Folder> {
    let copy = scratch::folder()?;
    tree.write(copy.path())?;
    Ok(copy)
}
