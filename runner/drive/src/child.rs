//! The process of an adapter: lines to it and from it, each on a thread of their own, so that neither side can block the other.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child as Process, ChildStderr, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process_group, prlimit, waitid,
};

use crate::command::Command;

/// The longest line of an answer, in bytes.
const LONGEST: u64 = 64 << 10;
/// How many lines are read ahead.
const AHEAD: usize = 4096;
/// How much of the end of standard error is kept, in bytes.
const KEPT: usize = 2 << 10;
/// How long a process that closed its output may take to end.
const ENDING: Duration = Duration::from_secs(2);
/// How long a process may take to end by itself after its last request, to write what it has gathered.
const GRACE: Duration = Duration::from_millis(500);
/// How often it is looked whether a process has ended.
const LOOK: Duration = Duration::from_millis(2);

/// The processes that run, by their ids.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Ends every engine that still runs, with all it started: for the end of a process that leaves threads behind.
pub fn end_all() {
    let running = std::mem::take(&mut *running());
    for pid in running.into_iter().filter_map(Pid::from_raw) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

fn running() -> MutexGuard<'static, BTreeSet<i32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process that runs. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    process: Process,
    requests: Option<Sender<Vec<u8>>>,
    lines: Receiver<Line>,
    errors: Arc<Mutex<Vec<u8>>>,
    /// Closed when all of its standard error was read.
    errors_end: Receiver<()>,
    /// Whether it was waited for.
    is_reaped: bool,
}

/// What comes from the process.
#[derive(Debug)]
pub(crate) enum Line {
    /// A line, without its end.
    Text(String),
    /// A line that is longer than an answer can be.
    TooLong,
}

/// Why no line came.
#[derive(Debug)]
pub(crate) enum Silence {
    /// The time was over.
    Timeout,
    /// Standard output was closed; how the process ended, and what it said last.
    Ended(String),
}

impl Child {
    /// Starts a process whose data may have so many bytes.
    pub(crate) fn start(command: &Command, memory: Option<u64>) -> io::Result<Child> {
        let (program, arguments) = command.words().split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut process = std::process::Command::new(program)
            .args(arguments)
            .envs(command.env())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // What the adapter starts ends with it.
            .process_group(0)
            .spawn()?;
        running().insert(pid(&process).as_raw_nonzero().get());
        if let Some(bytes) = memory {
            let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
            // Writable memory of its own: what is only reserved, as engines do for guard pages, does not count.
            let _ = prlimit(Some(pid(&process)), Resource::Data, limit);
        }
        let (requests, to_write) = channel();
        let (read, lines) = sync_channel(AHEAD);
        let errors = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&errors);
        let (reads, errors_end) = channel::<()>();
        let (stdin, stdout, stderr) = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let threads = [
            spawn("engine-requests", move || stdin.into_iter().for_each(|stdin| write(stdin, &to_write))),
            spawn("engine-answers", move || stdout.into_iter().for_each(|stdout| read_lines(stdout, &read))),
            spawn("engine-errors", move || {
                stderr.into_iter().for_each(|stderr| keep(stderr, &kept));
                drop(reads);
            }),
        ];
        let child = Child { process, requests: Some(requests), lines, errors, errors_end, is_reaped: false };
        threads.into_iter().collect::<io::Result<Vec<()>>>()?;
        Ok(child)
    }

    /// Sends text. Where the process has ended, that is noticed by its answers.
    pub(crate) fn send(&self, text: &str) {
        if let Some(requests) = &self.requests {
            let _ = requests.send(text.as_bytes().to_vec());
        }
    }

    /// The next line, where it comes before this time.
    pub(crate) fn line(&mut self, until: Instant) -> Result<Line, Silence> {
        let left = until.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => Err(Silence::Timeout),
            Err(RecvTimeoutError::Disconnected) => Err(Silence::Ended(self.ended())),
        }
    }

    /// How the process ended that closed its output.
    fn ended(&mut self) -> String {
        let until = Instant::now() + ENDING;
        self.wait(until);
        let status = if self.has_ended() { self.reap() } else { None };
        let how = status.map_or_else(|| "the engine closed its output".to_owned(), how);
        if self.is_reaped {
            // What it said may still be on its way.
            let _ = self.errors_end.recv_timeout(until.saturating_duration_since(Instant::now()));
        }
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let errors = String::from_utf8_lossy(&errors);
        match errors.lines().rev().find(|line| !line.trim().is_empty()) {
            Some(last) => format!("{how}; the last line of its standard error: {}", last.trim()),
            None => how,
        }
    }
}

impl Child {
    /// Ends the process in order: it has no more requests, and some time to end by itself before it is killed.
    pub(crate) fn close(mut self) {
        self.end_input();
        self.wait(Instant::now() + GRACE);
    }

    /// Lets it know that there are no more requests, once all are written.
    pub(crate) fn end_input(&mut self) {
        self.requests = None;
    }

    /// Waits until the process has ended, but no longer than until this time.
    fn wait(&self, until: Instant) {
        while !self.has_ended() && Instant::now() < until {
            thread::sleep(LOOK);
        }
    }

    /// Whether the process has ended; its id is still its own then.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !self.is_reaped && matches!(waitid(WaitId::Pid(pid(&self.process)), options), Ok(Some(_)))
    }

    /// Ends the process with all it started, and gives its id back.
    fn reap(&mut self) -> Option<ExitStatus> {
        if std::mem::replace(&mut self.is_reaped, true) {
            return None;
        }
        // Nothing else can have the id before the process is waited for.
        let mut running = running();
        running.remove(&pid(&self.process).as_raw_nonzero().get());
        let _ = kill_process_group(pid(&self.process), Signal::KILL);
        drop(running);
        self.process.wait().ok()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.requests = None;
        self.reap();
    }
}

fn pid(process: &Process) -> Pid {
    Pid::from_child(process)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("the engine ended with exit code {code}"),
        (None, Some(signal)) => format!("the engine was ended by signal {signal}"),
        (None, None) => "the engine ended".to_owned(),
    }
}

fn write(mut stdin: ChildStdin, requests: &Receiver<Vec<u8>>) {
    for text in requests {
        if stdin.write_all(&text).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

fn read_lines(stdout: ChildStdout, lines: &SyncSender<Line>) {
    let mut stdout = BufReader::with_capacity(64 << 10, stdout);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = stdout.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        if !matches!(read, Ok(1..)) {
            return;
        }
        let sent = match line.strip_suffix(b"\n") {
            Some(line) => {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                lines.send(Line::Text(String::from_utf8_lossy(line).into_owned()))
            }
            // The output ended within a line, or the line goes on for too long: no answer in either case.
            None if line.len() as u64 == LONGEST => {
                let _ = lines.send(Line::TooLong);
                return;
            }
            None => return,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Reads what is said on standard error, and keeps its end.
fn keep(mut stderr: ChildStderr, kept: &Mutex<Vec<u8>>) {
    let mut part = vec![0; 64 << 10];
    while let Ok(length @ 1..) = stderr.read(&mut part) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(part.get(..length).unwrap_or_default());
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
}
