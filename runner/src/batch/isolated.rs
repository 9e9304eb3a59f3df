//! A case in its own process: a crash there is the verdict of the case and does not end the run.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::time::Timespec;
use signal_hook::low_level::signal_name;
use wassay_drive::quantity::written;
use wassay_script::embed::ErrorKind;
use wassay_terms::Deadline;

use super::child::{Locator, MARKER, Message, Request, Setup, resident};
use super::mark::Mark;
use super::progress::ScriptProgress;
use super::task::Task;
use super::watch::{GRACE, START};
use crate::finished::Finished;
use crate::printer::Relay;
use crate::scratch::{self, Folder};
use crate::settings::Settings;
use crate::verdict::{Failure, FailureKind};

/// How often to check for interruption and timeouts.
const TICK: Duration = Duration::from_millis(20);

/// How often to check the memory of a child, if it is limited.
const WEIGH: Duration = Duration::from_millis(5);

/// How long to wait for the resources to start a process.
const PATIENCE: Duration = Duration::from_secs(1);

/// How much of a child's last output is kept, in bytes.
const TAIL: usize = 64 << 10;

/// The limit for messages of a child in bytes, in addition to [`OF_SIZE`].
const LARGEST: u64 = 64 << 20;

/// The limit for messages of a child, per byte of the case: a failing directive is sent twice, with
/// its text, both values and the backtrace.
const OF_SIZE: u64 = 1024;

/// How a case ended whose process sent no result.
#[derive(Debug)]
pub(super) enum Lost {
    /// Its process ended, or was killed after a timeout.
    Ended {
        /// The progress of the case.
        progress: ScriptProgress,
        /// What ended it.
        failure: Box<Failure>,
    },
    /// The run was interrupted.
    Interrupted {
        /// The progress of the case.
        progress: ScriptProgress,
    },
}

/// Runs a case in its own process.
///
/// # Errors
///
/// The process sent no result.
pub(super) fn run(task: &Task, settings: &Settings) -> Result<Finished, Lost> {
    let failed = |error: io::Error| {
        let message = format!("cannot start a process for the case: {error}");
        Lost::Ended {
            progress: ScriptProgress::default(),
            failure: Failure::new(FailureKind::Crashed, message).into(),
        }
    };
    let scratch = scratch::folder().map_err(failed)?;
    let mark = Mark::new().map_err(failed)?;
    let request = Request {
        parent: std::process::id(),
        mark: mark.path(),
        setup: [Setup::NoCore].into_iter().chain(task.case.variant().map(Setup::of)).collect(),
        label: task.label.clone(),
        case: Locator::of(&task.case, &task.suite),
        conditions: task.case.conditions().cloned(),
        expectations: task.expectations().to_vec(),
        settings: settings.clone(),
    };
    let mut process = start(&request, &scratch, task, settings).map_err(failed)?;
    let watched = process.watch(settings);
    let status = process.end().map_err(failed)?;
    if let Some(finished) = process.finished.take() {
        return Ok(Finished { label: task.label.clone(), ..*finished });
    }
    let progress =
        |process: &mut Process| ScriptProgress { begun: mark.get(), ..std::mem::take(&mut process.progress) };
    let failure = match watched {
        Ok(Watched::Ended) => Failure::new(FailureKind::Crashed, crash(status, &process.tail)),
        Ok(Watched::Senseless(what)) => Failure::new(FailureKind::Crashed, what),
        Ok(Watched::Overdue) => {
            let message = "timed out, and its process did not end; it was killed";
            Failure::new(FailureKind::Unexpected(ErrorKind::Timeout), message)
        }
        Ok(Watched::TooLarge { used, limit }) => {
            let message =
                format!("out of memory: {} in use, over --max-memory {}", written(used), written(limit));
            Failure::new(FailureKind::Crashed, message)
        }
        Ok(Watched::Interrupted) => return Err(Lost::Interrupted { progress: progress(&mut process) }),
        Err(error) => return Err(failed(error)),
    };
    Err(Lost::Ended { progress: progress(&mut process), failure: failure.into() })
}

/// Starts a process. If the system is short of descriptors or processes, waits until other cases
/// release theirs.
fn start(request: &Request, scratch: &Folder, task: &Task, settings: &Settings) -> io::Result<Process> {
    // Start one process at a time, so that two don't compete for the last descriptors.
    static STARTING: Mutex<()> = Mutex::new(());
    let until = Instant::now() + PATIENCE;
    loop {
        let starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let started = Process::start(request, scratch, task);
        drop(starting);
        let may_pass = |error: &io::Error| {
            let lacking = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM];
            Errno::from_io_error(error).is_some_and(|error| lacking.contains(&error))
        };
        match started {
            Err(error) if may_pass(&error) && Instant::now() < until && !settings.interrupt.is_set() => {
                std::thread::sleep(TICK);
            }
            started => return started,
        }
    }
}

/// A process that runs a case, and the messages it has sent. Dropping the value ends it.
struct Process {
    child: Child,
    /// The socket for its messages; `None` after it was closed.
    socket: Option<UnixStream>,
    /// The pipe for its output.
    output: Option<io::PipeReader>,
    /// The first part of an incomplete message.
    partial: Vec<u8>,
    /// Where its output goes.
    relay: Relay,
    /// The number of bytes received, and the limit.
    received: (u64, u64),
    tail: Vec<u8>,
    /// Its current phase.
    phase: Phase,
    is_script: bool,
    /// Its resident memory when the case started.
    resident: u64,
    /// The progress and failures of the case.
    progress: ScriptProgress,
    finished: Option<Box<Finished>>,
}

/// The phase of a process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No message yet.
    Starting,
    /// It is reading and parsing the case, or running a guest.
    Started,
    /// It is running directives.
    Running,
    /// It has run all directives and is sending the result.
    Telling,
}

/// Why watching a process ended.
enum Watched {
    Ended,
    /// It sent an invalid message, described by this text.
    Senseless(String),
    Overdue,
    TooLarge {
        used: u64,
        limit: u64,
    },
    Interrupted,
}

impl Process {
    /// Starts the process. Its temporary folder is `scratch`, which the parent removes.
    fn start(request: &Request, scratch: &Folder, task: &Task) -> io::Result<Process> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        let (mut socket, end) = UnixStream::pair()?;
        let (output, printed) = io::pipe()?;
        // The running executable, even if its path was replaced since.
        let mut command = Command::new("/proc/self/exe");
        if let Some(name) = std::env::args_os().next() {
            command.arg0(name);
        }
        // Its own process group, so that signals from a terminal reach only the parent.
        command.env(MARKER, "1").env("TMPDIR", scratch.path()).process_group(0);
        command.stdin(OwnedFd::from(end)).stdout(printed.try_clone()?).stderr(printed);
        let child = command.spawn()?;
        if let Err(error) = socket.write_all(&line) {
            // It ended before it read the request; its exit status decides.
            tracing::debug!(%error, pid = child.id(), "the child did not read the request");
        }
        Ok(Process {
            child,
            socket: Some(socket),
            output: Some(output),
            partial: Vec::new(),
            relay: Relay::default(),
            received: (0, LARGEST.saturating_add(OF_SIZE.saturating_mul(task.case.size()))),
            tail: Vec::new(),
            phase: Phase::Starting,
            is_script: task.case.script().is_some(),
            resident: 0,
            progress: ScriptProgress::default(),
            finished: None,
        })
    }

    /// Receives messages and output until the process ends, times out or the run is interrupted.
    fn watch(&mut self, settings: &Settings) -> io::Result<Watched> {
        let mut due = Deadline::after(START);
        let mut seen = (self.phase, self.received.0);
        let mut weighed = Instant::now();
        while self.socket.is_some() || self.output.is_some() {
            if settings.interrupt.is_set() {
                return Ok(Watched::Interrupted);
            }
            let now = (self.phase, self.received.0);
            // Parsing and sending the result don't count towards the timeout of the case. Sending
            // may take long as long as data arrives.
            if seen.0 != now.0 || (now.0 == Phase::Telling && seen.1 != now.1) {
                let beside = match now.0 {
                    Phase::Started if !self.is_script => Duration::ZERO,
                    Phase::Starting | Phase::Started => START,
                    Phase::Running | Phase::Telling => Duration::ZERO,
                };
                let own =
                    settings.timeout.map(|timeout| timeout.saturating_add(GRACE).saturating_add(beside));
                let allowed = if now.0 == Phase::Telling { Some(START) } else { own };
                due = allowed.and_then(Deadline::after);
            }
            seen = now;
            if due.is_some_and(Deadline::is_over) {
                return Ok(Watched::Overdue);
            }
            if let Some(limit) = settings.max_memory.filter(|_| weighed.elapsed() >= WEIGH) {
                weighed = Instant::now();
                let used = resident(&self.child.id().to_string()).saturating_sub(self.resident);
                if used > limit {
                    return Ok(Watched::TooLarge { used, limit });
                }
            }
            if let Err(what) = self.take_in(if settings.max_memory.is_some() { WEIGH } else { TICK })? {
                return Ok(Watched::Senseless(what));
            }
        }
        self.wait_for_end(settings)
    }

    /// Waits for a process that has closed its streams. Usually it has ended, but it may go on.
    fn wait_for_end(&mut self, settings: &Settings) -> io::Result<Watched> {
        let due = Instant::now() + GRACE;
        let mut pause = Duration::from_micros(50);
        while self.child.try_wait()?.is_none() {
            if settings.interrupt.is_set() {
                return Ok(Watched::Interrupted);
            }
            if Instant::now() >= due {
                let what = "its process closed its streams but did not end; it was killed";
                self.child.kill()?;
                return Ok(Watched::Senseless(what.to_owned()));
            }
            std::thread::sleep(pause);
            pause = (2 * pause).min(TICK);
        }
        Ok(Watched::Ended)
    }

    /// Waits for data, up to `tick`; the inner error describes an invalid message.
    fn take_in(&mut self, tick: Duration) -> io::Result<Result<(), String>> {
        let mut files = Vec::with_capacity(2);
        files.extend(
            self.socket.as_ref().map(|socket| PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)),
        );
        files.extend(
            self.output.as_ref().map(|output| PollFd::from_borrowed_fd(output.as_fd(), PollFlags::IN)),
        );
        let tick = Timespec { tv_sec: 0, tv_nsec: tick.subsec_nanos().into() };
        match poll(&mut files, Some(&tick)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut ready = files.iter().map(|file| !file.revents().is_empty()).collect::<Vec<_>>().into_iter();
        let socket_ready = self.socket.is_some() && ready.next().unwrap_or(false);
        let output_ready = self.output.is_some() && ready.next().unwrap_or(false);
        let mut buffer = [0; 64 << 10];
        let mut heard = Ok(());
        if socket_ready {
            match read(&mut self.socket, &mut buffer)? {
                0 => self.socket = None,
                count => heard = self.receive(buffer.get(..count).unwrap_or_default()),
            }
        }
        if output_ready {
            match read(&mut self.output, &mut buffer)? {
                0 => self.output = None,
                count => self.show(buffer.get(..count).unwrap_or_default()),
            }
        }
        Ok(heard)
    }

    /// Handles messages; the error describes an invalid one.
    fn receive(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.received.0 += bytes.len() as u64;
        if self.received.0 > self.received.1 {
            return Err("its process exceeded the limit for messages; it was killed".to_owned());
        }
        // A message may arrive in many pieces: search only the new part.
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            self.partial.extend_from_slice(line);
            rest = after.get(1..).unwrap_or_default();
            let message = serde_json::from_slice(&self.partial)
                .map_err(|error| format!("its process sent an invalid message and was killed: {error}"))?;
            self.partial.clear();
            self.take(message);
        }
        self.partial.extend_from_slice(rest);
        Ok(())
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Started(resident) => (self.phase, self.resident) = (Phase::Started, resident),
            Message::Begun => self.phase = Phase::Running,
            Message::Judged(result) => self.progress.note(Cow::Owned(result)),
            Message::Ended => self.phase = Phase::Telling,
            Message::Finished(finished) => {
                // The result includes all of these.
                self.progress = ScriptProgress::default();
                self.partial = Vec::new();
                self.finished = Some(finished);
            }
        }
    }

    /// Forwards output and keeps its last part.
    fn show(&mut self, bytes: &[u8]) {
        self.relay.pass(bytes);
        self.tail.extend_from_slice(bytes);
        let old = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..old);
    }

    /// Kills the process if it is still running, and waits for it.
    fn end(&mut self) -> io::Result<ExitStatus> {
        if self.socket.is_some() || self.output.is_some() {
            self.child.kill()?;
        }
        self.child.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Has no effect if it was already waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(file: &mut Option<impl Read>, buffer: &mut [u8]) -> io::Result<usize> {
    let Some(file) = file else { return Ok(0) };
    match file.read(buffer) {
        // The other end was closed with unread data: treat it as the end.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(0),
        read => read,
    }
}

/// How a process without a result ended, in a line.
fn crash(status: ExitStatus, tail: &[u8]) -> String {
    let how = match (status.signal(), status.code()) {
        (Some(signal), _) => {
            let name = signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned);
            format!("its process was ended by {name}")
        }
        (None, code) => {
            format!("its process exited with {} and no result", code.unwrap_or_default())
        }
    };
    let printed = String::from_utf8_lossy(tail);
    // Rust prints the backtrace after the reason.
    let is_reason = |line: &&str| {
        !line.is_empty()
            && !["stack backtrace:", "note: "].iter().any(|aside| line.starts_with(aside))
            && !line.starts_with(' ')
    };
    match printed.lines().map(str::trim_end).rfind(is_reason) {
        Some(last) => format!("{how}: {last}"),
        None => how,
    }
}

#[cfg(test)]
mod tests {
    use wassay_drive::program::path_with_default;

    use super::*;

    /// Watches a shell that runs this script with the socket as its standard input.
    fn watched(script: &str) -> (Watched, Vec<u8>, Duration) {
        let (socket, end) = UnixStream::pair().unwrap();
        let (output, printed) = io::pipe().unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).env("PATH", path_with_default()).stdin(OwnedFd::from(end));
        command.stdout(printed.try_clone().unwrap()).stderr(printed);
        let child = command.spawn().unwrap();
        drop(command);
        let mut process = Process {
            child,
            socket: Some(socket),
            output: Some(output),
            partial: Vec::new(),
            relay: Relay::default(),
            received: (0, LARGEST),
            tail: Vec::new(),
            phase: Phase::Starting,
            is_script: true,
            resident: 0,
            progress: ScriptProgress::default(),
            finished: None,
        };
        let settings = Settings { timeout: Some(Duration::from_millis(100)), ..Settings::default() };
        let begun = Instant::now();
        let watched = process.watch(&settings).unwrap();
        process.end().unwrap();
        (watched, std::mem::take(&mut process.partial), begun.elapsed())
    }

    #[track_caller]
    fn senseless(script: &str) -> String {
        match watched(script) {
            (Watched::Senseless(what), partial, elapsed) if elapsed < 4 * GRACE => {
                assert!(partial.capacity() as u64 <= 2 * LARGEST);
                what
            }
            (_, _, elapsed) => panic!("{script}: not senseless after {elapsed:?}"),
        }
    }

    #[test]
    fn invalid_messages_of_a_process_are_a_failure_of_its_case() {
        let garbage = senseless("echo garbage >&0; sleep 100");
        assert!(garbage.starts_with("its process sent an invalid message and was killed: "), "{garbage}");
        assert!(senseless(r#"echo '{"Judged":7}' >&0; sleep 100"#).contains("sent an invalid message"));
        let flood = "its process exceeded the limit for messages; it was killed";
        assert_eq!(senseless("head -c 200000000 /dev/zero >&0; sleep 100"), flood);
        let closed = "its process closed its streams but did not end; it was killed";
        assert_eq!(senseless("exec 0<&- >&- 2>&-; exec sleep 100"), closed);
        assert!(matches!(watched("printf '{\"Started\":1}'  >&0; exit 3").0, Watched::Ended));
    }

    #[test]
    fn the_time_of_a_case_is_from_its_first_directive_to_its_last() {
        // Running: 100 ms and the grace period. Sending the result may take longer.
        let running = "printf '{\"Started\":1}\\n\"Begun\"\\n' >&0; sleep 100";
        assert!(matches!(watched(running), (Watched::Overdue, _, elapsed) if elapsed < 2 * GRACE));
        let telling = "printf '{\"Started\":1}\\n\"Begun\"\\n\"Ended\"\\n' >&0; sleep 3";
        assert!(matches!(watched(telling).0, Watched::Ended));
        let parsing = "printf '{\"Started\":1}\\n' >&0; sleep 3";
        assert!(matches!(watched(parsing).0, Watched::Ended));
    }
}
