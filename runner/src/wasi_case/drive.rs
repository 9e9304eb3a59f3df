//! Does with a guest what its specification says, step by step.

use std::collections::HashMap;
use std::io::{PipeWriter, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wassay_engine::{Engine, Features};
use wassay_reports::Failure;
use wassay_testsuite::wasi::spec::{Operation, Run, Spec, Stream};
use wassay_testsuite::wasi::{Guest, GuestError};
use wassay_wasi::{Access, WasiCtx, WasiCtxBuilder};

use super::process::{Calls, Ended, Process};
use super::result::GuestResult;
use crate::batch;

/// The code of a guest that a trap ended: as of a process that aborts, 128 and SIGABRT.
const ABORTED: u32 = 134;

/// Runs the steps of a case until one of them makes the others meaningless.
///
/// An error says what the case cannot be run for: that a folder it names is not there, or that its module is none.
pub(super) fn drive(
    label: &str,
    guest: &Guest,
    spec: &Spec,
    features: Features,
    timeout: Duration,
) -> Result<GuestResult, String> {
    let named = |message: String| format!("{label}: {message}");
    let mut drive = Drive {
        label,
        guest,
        spec,
        engine: batch::engine(features).map_err(|error| named(error.to_string()))?,
        module: guest.module().map_err(|error| named(format!("cannot be read: {error}")))?.into_owned(),
        deadline: Instant::now() + timeout,
        timeout,
        folders: HashMap::new(),
        running: None,
        left: Left::default(),
        failures: Vec::new(),
        timed_out: false,
    };
    for (at, operation) in spec.operations.iter().enumerate() {
        match drive.step(operation)? {
            Step::Done => {}
            Step::Failed(failure) => drive.failures.push(*failure),
            Step::Over(failure) => {
                drive.failures.push(*failure);
                let missed = spec.operations.len() - at - 1;
                drive.failures.extend((0..missed).map(|_| failed("not-run", "a step before it failed")));
                break;
            }
        }
    }
    let failures = drive.with_calls();
    Ok(GuestResult {
        name: label.to_owned(),
        checks: spec.operations.len(),
        failures,
        timed_out: drive.timed_out,
    })
}

/// What became of one step.
enum Step {
    /// It came as expected.
    Done,
    /// It did not, and others can be judged nevertheless.
    Failed(Box<Failure>),
    /// It did not, and no other can be judged.
    Over(Box<Failure>),
}

struct Drive<'a> {
    label: &'a str,
    guest: &'a Guest,
    spec: &'a Spec,
    engine: Engine,
    module: Vec<u8>,
    deadline: Instant,
    timeout: Duration,
    /// Fresh copies of the folders beside the module, by their names there.
    folders: HashMap<String, TempDir>,
    running: Option<Running>,
    /// What the guest that ran last left.
    left: Left,
    failures: Vec<Failure>,
    timed_out: bool,
}

/// A guest that runs, and what it is connected to.
struct Running {
    process: Process,
    stdin: Option<PipeWriter>,
    listeners: Vec<TcpListener>,
    addresses: HashMap<String, SocketAddr>,
    connections: HashMap<String, TcpStream>,
    /// How much of each output was read.
    read: HashMap<Stream, usize>,
}

/// What a guest left behind.
#[derive(Default)]
struct Left {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    calls: Calls,
}

impl Drive<'_> {
    fn step(&mut self, operation: &Operation) -> Result<Step, String> {
        match operation {
            Operation::Run(run) => {
                self.running = Some(self.start(run)?);
                return Ok(Step::Done);
            }
            Operation::Output { stream, payload } => return Ok(self.output(*stream, payload)),
            _ => {}
        }
        // That a guest runs is part of what the format asks for.
        let Some(running) = &mut self.running else {
            return Ok(Step::Over(failed("not-run", "no guest runs").into()));
        };
        let deadline = self.deadline;
        Ok(match operation {
            Operation::Wait { exit_code } => return self.wait(*exit_code),
            Operation::Read { stream, payload } => running.read(*stream, payload, deadline),
            Operation::Write { payload } => running.write(payload),
            Operation::Connect { id } => running.connect(id, deadline),
            Operation::Send { id, payload } => running.send(id, payload),
            Operation::Recv { id, payload } => running.receive(id, payload, deadline),
            Operation::Run(_) | Operation::Output { .. } => Step::Done,
        })
    }

    fn start(&mut self, run: &Run) -> Result<Running, String> {
        let failed = |what: &str, error: std::io::Error| format!("{}: cannot {what}: {error}", self.label);
        let access = if self.spec.extension.read_only { Access::ReadOnly } else { Access::ReadWrite };
        let mut context = self.given(run);
        for dir in &run.dirs {
            let folder = match self.folders.get(&dir.host) {
                Some(folder) => folder,
                None => {
                    let copy = fresh(self.guest, &dir.host)?;
                    self.folders.entry(dir.host.clone()).or_insert(copy)
                }
            };
            context = context
                .preopen(folder.path(), dir.guest.clone(), access)
                .map_err(|error| failed("give the guest a folder", error))?;
        }
        let (mut listeners, mut addresses) = (Vec::new(), HashMap::new());
        for name in &self.spec.extension.listen {
            let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| {
                addresses.insert(name.clone(), listener.local_addr()?);
                listeners.push(listener.try_clone()?);
                Ok(listener)
            });
            context = context.listener(listener.map_err(|error| failed("listen", error))?);
        }
        let mut stdin = None;
        if self.spec.operations.iter().any(|operation| matches!(operation, Operation::Write { .. })) {
            let (reader, writer) = std::io::pipe().map_err(|error| failed("make a pipe", error))?;
            context = context.stdin_file(reader);
            stdin = Some(writer);
        }
        let process = Process::start(&self.engine, &self.module, context, self.deadline)
            .map_err(|message| format!("{}: {message}", self.label))?;
        let (connections, read) = (HashMap::new(), HashMap::new());
        Ok(Running { process, stdin, listeners, addresses, connections, read })
    }

    /// The guest's name, arguments and environment.
    fn given(&self, run: &Run) -> WasiCtxBuilder {
        let name = self.guest.name().rsplit('/').next().unwrap_or_default();
        let context = WasiCtx::builder().arg(name).args(&run.args);
        run.env.iter().fold(context, |context, (name, value)| context.env(name, value))
    }

    /// Waits for the end of the guest.
    fn wait(&mut self, expected: u32) -> Result<Step, String> {
        let Some(Running { process, stdin, listeners, connections, .. }) = self.running.take() else {
            return Ok(Step::Done);
        };
        drop(stdin);
        let connections: Vec<TcpStream> = connections.into_values().collect();
        let ended = process.wait(&connections, &listeners);
        let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
        self.left = Left { stdout, stderr, calls: process.calls };
        let (code, how) = match ended {
            Ended::NotRunnable(message) => return Err(format!("{}: {message}", self.label)),
            Ended::TimeOver => {
                self.timed_out = true;
                let message = format!("it still ran after {:?}", self.timeout);
                return Ok(Step::Over(failed("timeout", message).into()));
            }
            Ended::Exited(code) => (code, format!("exit code {code}")),
            Ended::Trapped(error) => (ABORTED, error),
        };
        if code == expected {
            return Ok(Step::Done);
        }
        let kind = if code == ABORTED { "trap" } else { "wrong-exit-code" };
        let failure = Failure {
            expected: Some(format!("exit code {expected}")),
            actual: Some(self.with_errors(how)),
            ..failed(kind, "the guest did not end as expected")
        };
        Ok(Step::Failed(failure.into()))
    }

    /// What a guest ended by, with what it wrote to standard error: mostly the reason.
    fn with_errors(&self, how: String) -> String {
        let written = String::from_utf8_lossy(&self.left.stderr);
        if written.is_empty() { how } else { format!("{how}, and on standard error:\n{written}") }
    }

    fn output(&self, stream: Stream, expected: &str) -> Step {
        let written = match stream {
            Stream::Stdout => &self.left.stdout,
            Stream::Stderr => &self.left.stderr,
        };
        compare(
            &format!("wrong-{}", stream.name()),
            &format!("it wrote another text to {}", stream.name()),
            expected,
            written,
        )
    }

    /// The failures; the first has the last calls of the guest.
    fn with_calls(&mut self) -> Vec<Failure> {
        let calls = match &self.running {
            Some(running) => running.process.calls.lines(),
            None => self.left.calls.lines(),
        };
        let mut failures = std::mem::take(&mut self.failures);
        if let Some(first) = failures.first_mut() {
            first.calls = calls;
        }
        failures
    }
}

impl Running {
    fn read(&mut self, stream: Stream, expected: &str, deadline: Instant) -> Step {
        let capture = match stream {
            Stream::Stdout => &self.process.stdout,
            Stream::Stderr => &self.process.stderr,
        };
        let begin = self.read.get(&stream).copied().unwrap_or(0);
        let end = begin + expected.len();
        capture.wait(deadline, |bytes| bytes.len() >= end);
        let bytes = capture.peek();
        let came = bytes.get(begin..end.min(bytes.len())).unwrap_or_default();
        self.read.insert(stream, begin + came.len());
        let step = compare(
            &format!("wrong-{}", stream.name()),
            &format!("another text came from {}", stream.name()),
            expected,
            came,
        );
        over(step)
    }

    fn write(&mut self, payload: &str) -> Step {
        match self.stdin.as_mut().map(|stdin| stdin.write_all(payload.as_bytes())) {
            Some(Err(error)) => broken(&format!("cannot write to the guest's standard input: {error}")),
            _ => Step::Done,
        }
    }

    fn connect(&mut self, id: &str, deadline: Instant) -> Step {
        let address = match self.addresses.get(id) {
            Some(address) => *address,
            None => match self.written_address(deadline) {
                Ok(address) => address,
                Err(message) => return broken(&message),
            },
        };
        match TcpStream::connect_timeout(&address, left(deadline)) {
            Ok(connection) => {
                self.connections.insert(id.to_owned(), connection);
                Step::Done
            }
            Err(error) => broken(&format!("cannot connect to the guest at {address}: {error}")),
        }
    }

    /// The address that the guest writes as the next line of its standard output.
    fn written_address(&mut self, deadline: Instant) -> Result<SocketAddr, String> {
        let begin = self.read.get(&Stream::Stdout).copied().unwrap_or(0);
        let end = |bytes: &[u8]| bytes.get(begin..)?.iter().position(|byte| *byte == b'\n');
        self.process.stdout.wait(deadline, |bytes| end(bytes).is_some());
        let bytes = self.process.stdout.peek();
        let Some(length) = end(&bytes) else {
            return Err("it wrote no line with its address to standard output".to_owned());
        };
        self.read.insert(Stream::Stdout, begin + length + 1);
        let line = String::from_utf8_lossy(bytes.get(begin..begin + length).unwrap_or_default()).into_owned();
        let address = line.trim().parse();
        address.map_err(|_| format!("`{line}` is no address: expected one such as `127.0.0.1:8080`"))
    }

    fn send(&mut self, id: &str, payload: &str) -> Step {
        match self.connections.get_mut(id).map(|connection| connection.write_all(payload.as_bytes())) {
            Some(Ok(())) => Step::Done,
            Some(Err(error)) => broken(&format!("cannot send to `{id}`: {error}")),
            None => broken(&format!("no connection is called `{id}`")),
        }
    }

    fn receive(&mut self, id: &str, expected: &str, deadline: Instant) -> Step {
        let Some(connection) = self.connections.get_mut(id) else {
            return broken(&format!("no connection is called `{id}`"));
        };
        let mut bytes = vec![0; expected.len()];
        let mut count = 0;
        while count < bytes.len() {
            let received = connection
                .set_read_timeout(Some(left(deadline)))
                .and_then(|()| connection.read(bytes.get_mut(count..).unwrap_or_default()));
            match received {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) => return broken(&format!("cannot receive from `{id}`: {error}")),
            }
        }
        bytes.truncate(count);
        over(compare("wrong-received", &format!("another text came from `{id}`"), expected, &bytes))
    }
}

/// A fresh copy of a folder beside a guest's module.
fn fresh(guest: &Guest, name: &str) -> Result<TempDir, String> {
    let tree = guest.folder(name).map_err(|error: GuestError| error.to_string())?;
    let failed = |error| format!("cannot copy the folder `{name}`: {error}");
    let copy = tempfile::tempdir().map_err(failed)?;
    tree.write(copy.path()).map_err(failed)?;
    Ok(copy)
}

/// How long is left; never nothing, which would mean without end.
fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

fn compare(kind: &str, message: &str, expected: &str, actual: &[u8]) -> Step {
    if actual == expected.as_bytes() {
        return Step::Done;
    }
    let actual = String::from_utf8_lossy(actual).into_owned();
    Step::Failed(
        Failure { expected: Some(expected.to_owned()), actual: Some(actual), ..failed(kind, message) }.into(),
    )
}

fn failed(kind: &str, message: impl Into<String>) -> Failure {
    Failure { kind: kind.to_owned(), message: message.into(), ..Failure::default() }
}

fn broken(message: &str) -> Step {
    Step::Over(failed("no-exchange", message).into())
}

/// What a guest is told later depends on what it said so far.
fn over(step: Step) -> Step {
    match step {
        Step::Failed(failure) => Step::Over(failure),
        step => step,
    }
}
