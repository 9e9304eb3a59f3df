//! Runs a guest through the steps of its specification.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use wassay_reports::Failure;
use wassay_terms::Deadline;
use wassay_testsuite::access::{Budget, Root, Target};
use wassay_testsuite::wasi::spec::{Operation, Run, Spec, Stream};
use wassay_testsuite::wasi::{Goldens, Guest, GuestError, Tree};

use super::excerpt::{TEXT, cut, ends};
use super::exchange::Running;
use super::judge::{Judged, compare, compare_trees, failed};
use super::process::{Calls, Ended, GuestSetup, Host, Input, Preopen, Refused, output};
use crate::scratch::{self, Folder};

/// The exit code of a guest that trapped: 128 plus SIGABRT.
const ABORTED: u32 = 134;

/// A practically infinite timeout that the clock can represent.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);

/// A case before its guest is started.
pub(super) struct Setup<'a> {
    pub(super) label: &'a str,
    pub(super) guest: &'a Guest,
    pub(super) spec: &'a Spec,
    /// The number of its golden files.
    pub(super) goldens: usize,
    /// Whether to update them instead of comparing.
    pub(super) blesses: bool,
    /// The host that runs the guest.
    pub(super) host: &'a dyn Host,
    pub(super) module: &'a [u8],
    pub(super) timeout: Duration,
    pub(super) max_memory: Option<u64>,
}

/// Why a step was not performed.
pub(super) enum Stop {
    /// The case is unusable: a folder that it names does not exist, or its module is invalid.
    Unusable(String),
    /// It timed out while its files were read, copied or compared.
    OutOfTime,
}

impl From<GuestError> for Stop {
    fn from(error: GuestError) -> Stop {
        if error.is_timeout() { Stop::OutOfTime } else { Stop::Unusable(error.to_string()) }
    }
}

/// The outcome of all steps.
#[derive(Default)]
pub(super) struct Outcome {
    /// The failures, at most one per step; the first has the guest's last calls.
    pub(super) failures: Vec<Failure>,
    pub(super) timed_out: bool,
    /// The results to bless if the guest ended as expected, with the folders that contain them.
    pub(super) left: Option<(Goldens, Folders)>,
}

/// Runs the steps of a case until a failure makes the others meaningless.
///
/// The error says why the case is unusable: a folder that it names does not exist, or its module is
/// invalid.
pub(super) fn drive(setup: &Setup<'_>) -> Result<Outcome, String> {
    let deadline = due(setup.timeout).map_err(|why| format!("{}: {why}", setup.label))?;
    let mut drive = Drive {
        setup,
        deadline,
        folders: BTreeMap::new(),
        running: None,
        left: Results::default(),
        timed_out: false,
    };
    let (mut failures, mut steps) = (Vec::new(), 0);
    for operation in &setup.spec.operations {
        steps += 1;
        let judged = drive.step(operation);
        if let Err(failure) = drive.in_time(judged)? {
            failures.push(*failure);
            // After a failure the output of the guest is not meaningful; only its end and the files
            // that it left can be judged.
            let ends_alone = matches!(operation, Operation::Wait { .. } | Operation::Output { .. });
            if drive.timed_out || !ends_alone {
                if let Some(running) = &mut drive.running {
                    running.cut_off();
                }
                break;
            }
        }
    }
    let missed = setup.spec.operations.len() - steps;
    let mut left = None;
    if drive.timed_out || missed > 0 {
        failures.extend(not_run(missed + setup.goldens));
    } else if setup.goldens > 0 && setup.blesses {
        left = if failures.is_empty() { drive.left_to_bless()? } else { None };
    } else if setup.goldens > 0 {
        let judged = drive.judge();
        match drive.in_time(judged.map(Ok))? {
            Ok(wrong) => failures.extend(wrong),
            Err(failure) => {
                failures.push(*failure);
                failures.extend(not_run(setup.goldens - 1));
            }
        }
    }
    if let Some(first) = failures.first_mut() {
        first.calls = drive.calls();
    }
    let left = left.map(|left| (left, drive.folders));
    Ok(Outcome { failures, timed_out: drive.timed_out, left })
}

/// The deadline for a timeout from now.
pub(super) fn due(timeout: Duration) -> Result<Deadline, &'static str> {
    Deadline::after(timeout.min(FOR_EVER)).ok_or("the timeout is too large for the clock")
}

/// Failures for steps that were not reached.
fn not_run(count: usize) -> impl Iterator<Item = Failure> {
    (0..count).map(|_| failed("not-run", "an earlier step failed"))
}

struct Drive<'a> {
    setup: &'a Setup<'a>,
    deadline: Deadline,
    /// Copies of the folders beside the module, by their names on the host and in the guest.
    folders: Folders,
    running: Option<Running>,
    /// The results of the last guest.
    left: Results,
    timed_out: bool,
}

/// The copies of folders that a guest is given. They are removed on drop.
pub(super) type Folders = BTreeMap<(String, String), Folder>;

/// The results of a guest.
#[derive(Default)]
struct Results {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    calls: Calls,
}

impl Drive<'_> {
    /// The result of a step. A timeout is a failure too.
    fn in_time<T>(
        &mut self,
        done: Result<Result<T, Box<Failure>>, Stop>,
    ) -> Result<Result<T, Box<Failure>>, String> {
        match done {
            Ok(done) => Ok(done),
            Err(Stop::Unusable(message)) => Err(message),
            Err(Stop::OutOfTime) => {
                self.timed_out = true;
                let message = format!(
                    "timed out after {:?} while its files were read, copied or compared",
                    self.setup.timeout
                );
                Ok(Err(failed("timeout", message).into()))
            }
        }
    }

    /// The budget for reading and copying until the deadline.
    fn budget(&self) -> Budget {
        Budget::of_case(self.setup.max_memory).until(self.deadline.instant())
    }

    fn step(&mut self, operation: &Operation) -> Result<Judged, Stop> {
        // Waiting is allowed after the deadline: the guest may have ended before.
        if !matches!(operation, Operation::Wait { .. }) && self.budget().check_time().is_err() {
            return Err(Stop::OutOfTime);
        }
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
            // The format requires an earlier run.
            (_, None) => Ok(Err(failed("not-run", "no guest runs").into())),
        }
    }

    /// Copies the folders that a guest is given.
    fn copy_folders(&mut self, run: &Run) -> Result<(), Stop> {
        let mut budget = self.budget();
        for dir in &run.dirs {
            let key = (dir.host.clone(), dir.guest.clone());
            if !self.folders.contains_key(&key) {
                let tree = self.setup.guest.folder(&dir.host, &mut budget)?;
                let copy = fresh(&tree, &mut budget);
                let copy =
                    copy.map_err(|error| self.stopped(&format!("copy the folder `{}`", dir.host), error))?;
                self.folders.insert(key, copy);
            }
        }
        Ok(())
    }

    fn start(&mut self, run: &Run) -> Result<Running, Stop> {
        self.copy_folders(run)?;
        let Setup { label, guest, spec, host, module, max_memory, .. } = self.setup;
        let failed = |what: &str, error: io::Error| self.stopped(what, error);
        let mut folders = Vec::new();
        for dir in &run.dirs {
            if let Some(folder) = self.folders.get(&(dir.host.clone(), dir.guest.clone())) {
                let read_only = spec.extension.read_only.contains(&dir.guest);
                folders.push(Preopen { host: folder.path(), guest: &dir.guest, read_only });
            }
        }
        let (mut listeners, mut given, mut addresses) = (Vec::new(), Vec::new(), HashMap::new());
        for name in &spec.extension.listen {
            let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| {
                addresses.insert(name.clone(), listener.local_addr()?);
                listeners.push(listener.try_clone()?);
                Ok(listener)
            });
            given.push(listener.map_err(|error| failed("listen", error))?);
        }
        let mut stdin = None;
        let most = max_memory.map_or(Budget::default(), |_| Budget::new(output(*max_memory) as u64));
        let mut input = match guest.stdin(&mut most.until(self.deadline.instant()))? {
            Some(bytes) => Input::Bytes(bytes.into_owned()),
            None => Input::Nothing,
        };
        if spec.operations.iter().any(|operation| matches!(operation, Operation::Write { .. })) {
            let (reader, writer) = io::pipe().map_err(|error| failed("make a pipe", error))?;
            rustix::io::ioctl_fionbio(&writer, true).map_err(|error| failed("make a pipe", error.into()))?;
            input = Input::Pipe(reader);
            stdin = Some(writer);
        }
        let deadline = self.deadline;
        let started = host.start(GuestSetup {
            name: guest.name().rsplit('/').next().unwrap_or_default(),
            module,
            args: &run.args,
            env: &run.env,
            folders,
            listeners: given,
            stdin: input,
            deadline,
            max_memory: *max_memory,
        });
        let process = started.map_err(|refused| match refused {
            Refused::System(what, error) => failed(what, error),
            Refused::Unusable(message) => Stop::Unusable(format!("{label}: {message}")),
        })?;
        let (connections, read) = (HashMap::new(), HashMap::new());
        Ok(Running { process, deadline, stdin, listeners, addresses, connections, read })
    }

    /// Waits for the end of the guest.
    fn wait(&mut self, expected: u32) -> Result<Judged, Stop> {
        let Some(mut running) = self.running.take() else { return Ok(Ok(())) };
        let (ended, process) = (running.wait(), running.process);
        let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
        self.left = Results { stdout, stderr, calls: process.calls };
        let (code, how) = match ended {
            Ended::NotRunnable(message) => {
                return Err(Stop::Unusable(format!("{}: {}", self.setup.label, cut(message, TEXT))));
            }
            Ended::TimeOver => {
                self.timed_out = true;
                let message = format!("timed out after {:?}", self.setup.timeout);
                return Ok(Err(failed("timeout", message).into()));
            }
            Ended::Crashed(how) => {
                let how = how + &self.said();
                let message = "the process that ran the guest did not end";
                let expected = Some(format!("exit code {expected}"));
                return Ok(Err(Box::new(Failure {
                    expected,
                    actual: Some(how),
                    ..failed("crashed", message)
                })));
            }
            Ended::Exited(code) => (code, format!("exit code {code}")),
            Ended::Trapped(error) => (ABORTED, cut(error, TEXT)),
        };
        if code == expected {
            return Ok(Ok(()));
        }
        let kind = if code == ABORTED { "trap" } else { "wrong-exit-code" };
        let failure = Failure {
            expected: Some(format!("exit code {expected}")),
            actual: Some(how + &self.said()),
            ..failed(kind, "the guest did not end as expected")
        };
        Ok(Err(failure.into()))
    }

    /// The guest's standard error, as the reason for how it ended.
    fn said(&self) -> String {
        let written = ends(&self.left.stderr);
        if written.is_empty() { String::new() } else { format!(", with standard error:\n{written}") }
    }

    /// Compares the results of the guest with the expected ones. Its folders are compared only if
    /// the case has expectations for them.
    fn judge(&self) -> Result<Vec<Failure>, Stop> {
        let mut budget = self.budget();
        let expected = self.setup.guest.goldens(&mut budget)?;
        let mut judged = Vec::new();
        if let Some(stdout) = &expected.stdout {
            judged.push(compare(Stream::Stdout.name(), stdout, &self.left.stdout));
        }
        if let Some(stderr) = &expected.stderr {
            judged.push(compare(Stream::Stderr.name(), stderr, &self.left.stderr));
        }
        if let Some(files) = &expected.files {
            let left = self.left_in_folders(&mut budget)?;
            let compared = compare_trees(files, &left, &budget);
            judged.push(compared.map_err(|error| self.unreadable(error))?);
        }
        Ok(judged.into_iter().filter_map(Judged::err).map(|failure| *failure).collect())
    }

    /// The results to bless; `None` after a timeout.
    fn left_to_bless(&mut self) -> Result<Option<Goldens>, String> {
        let looked = self.setup.guest.has_golden_files().map_err(Stop::from).and_then(|has| match has {
            true => self.left_in_folders(&mut self.budget()).map(Some),
            false => Ok(None),
        });
        let files = self.in_time(looked.map(Ok))?;
        let Results { stdout, stderr, .. } = &self.left;
        Ok(files.ok().map(|files| Goldens {
            stdout: Some(stdout.clone()),
            stderr: Some(stderr.clone()),
            files,
        }))
    }

    /// The current contents of the guest's folders.
    fn left_in_folders(&self, budget: &mut Budget) -> Result<Tree, Stop> {
        let mut files = Tree::default();
        for ((_, name), folder) in &self.folders {
            let tree = Root::open(folder.path()).and_then(|root| Tree::read(&Arc::new(root), budget));
            let tree = tree.map_err(|error| self.unreadable(error))?;
            files.add_below(Path::new(name.trim_start_matches('/')), tree);
        }
        Ok(files)
    }

    fn unreadable(&self, error: io::Error) -> Stop {
        self.stopped("read the files that the guest left", error)
    }

    fn stopped(&self, what: &str, error: io::Error) -> Stop {
        if Budget::is_timeout(&error) {
            return Stop::OutOfTime;
        }
        Stop::Unusable(format!("{}: cannot {what}: {error}", self.setup.label))
    }

    fn calls(&self) -> Vec<String> {
        self.running.as_ref().map_or(&self.left.calls, |running| &running.process.calls).lines()
    }
}

/// Creates a private folder with these contents.
fn fresh(tree: &Tree, budget: &mut Budget) -> io::Result<Folder> {
    let copy = scratch::folder()?;
    tree.write(&Target::open(copy.path())?, budget)?;
    Ok(copy)
}
