//! Processes in groups of their own: what a process starts ends with it.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group,
    pidfd_open, prlimit, waitid,
};

use crate::program::not_started;

/// How much of the end of standard error is kept, in bytes.
const KEPT: usize = 2 << 10;
/// How often it is looked whether a process has ended, where the system cannot say.
const LOOK: Duration = Duration::from_millis(2);

/// The processes that run, by their ids.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Ends every engine that still runs, with all it started: for the end of a process that leaves
/// threads behind.
pub fn end_all() {
    let running = std::mem::take(&mut *running());
    for pid in running.into_iter().filter_map(Pid::from_raw) {
        let _ = kill_process_group(pid, Signal::KILL);
        // It may have gone to another group.
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn running() -> MutexGuard<'static, BTreeSet<i32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process with all that it starts. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Group {
    process: Child,
    /// Whether it was waited for.
    is_reaped: bool,
}

impl Group {
    /// Starts a command in a group of its own. Its data may have so many bytes: writable memory of
    /// its own, so that what is only reserved, as engines do for guard pages, does not count.
    ///
    /// # Errors
    ///
    /// The command cannot be started.
    pub(crate) fn start(command: &mut Command, memory: Option<u64>) -> io::Result<Group> {
        let started = command.process_group(0).spawn();
        let process = started.map_err(|error| not_started(command, error))?;
        running().insert(Pid::from_child(&process).as_raw_nonzero().get());
        let group = Group { process, is_reaped: false };
        if let Some(bytes) = memory {
            let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
            let _ = prlimit(Some(group.pid()), Resource::Data, limit);
        }
        Ok(group)
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    /// Its standard input, where that is a pipe that was not taken yet.
    pub(crate) fn stdin(&mut self) -> Option<ChildStdin> {
        self.process.stdin.take()
    }

    /// Its standard output, likewise.
    pub(crate) fn stdout(&mut self) -> Option<ChildStdout> {
        self.process.stdout.take()
    }

    /// Its standard error, likewise.
    pub(crate) fn stderr(&mut self) -> Option<ChildStderr> {
        self.process.stderr.take()
    }

    /// Whether the process has ended; its id is still its own then.
    pub(crate) fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !self.is_reaped && matches!(waitid(WaitId::Pid(self.pid()), options), Ok(Some(_)))
    }

    /// Waits until the process has ended, but no longer than until this time; says whether it has.
    pub(crate) fn wait(&self, until: Instant) -> bool {
        if self.is_reaped {
            return true;
        }
        let descriptor = pidfd_open(self.pid(), PidfdFlags::empty()).ok();
        while !self.has_ended() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            match (&descriptor, Timespec::try_from(left)) {
                (Some(descriptor), Ok(left)) => {
                    // An interruption is one more look.
                    let _ = poll(&mut [PollFd::new(descriptor, PollFlags::IN)], Some(&left));
                }
                _ => thread::sleep(LOOK.min(left)),
            }
        }
        true
    }

    /// Ends the process with all it started, and gives its id back; how it ended, where that was
    /// not asked before.
    pub(crate) fn reap(&mut self) -> Option<ExitStatus> {
        if std::mem::replace(&mut self.is_reaped, true) {
            return None;
        }
        // Nothing else can have the id before the process is waited for.
        let mut running = running();
        running.remove(&self.pid().as_raw_nonzero().get());
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let _ = self.process.kill();
        drop(running);
        self.process.wait().ok()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.reap();
    }
}

/// What a process says on standard error, of which the end is kept.
#[derive(Debug)]
pub(crate) struct Said {
    kept: Arc<Mutex<Vec<u8>>>,
    /// Closed when all of it was read.
    end: Receiver<()>,
}

impl Said {
    /// Reads what is said to its end, on a thread of its own.
    pub(crate) fn of(mut stderr: ChildStderr) -> io::Result<Said> {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (reads, end) = channel::<()>();
        let said = Said { kept: Arc::clone(&kept), end };
        let read = move || {
            let mut part = vec![0; 16 << 10];
            while let Ok(length @ 1..) = stderr.read(&mut part) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(part.get(..length).unwrap_or_default());
                let surplus = kept.len().saturating_sub(KEPT);
                kept.drain(..surplus);
            }
            drop(reads);
        };
        thread::Builder::new().name("engine-errors".to_owned()).spawn(read)?;
        Ok(said)
    }

    /// Waits until all of it was read, but no longer than until this time.
    pub(crate) fn wait(&self, until: Instant) {
        let _ = self.end.recv_timeout(until.saturating_duration_since(Instant::now()));
    }

    /// How the process ended, with the last line that it said.
    pub(crate) fn after(&self, how: String) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let said = String::from_utf8_lossy(&kept);
        match said.lines().rev().map(str::trim).find(|line| !line.is_empty()) {
            Some(last) => format!("{how}; the last line of its standard error: {last}"),
            None => how,
        }
    }
}

/// How a process ended, in words.
pub(crate) fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("the engine ended with exit code {code}"),
        (None, Some(signal)) => format!("the engine was ended by signal {signal}"),
        (None, None) => "the engine ended".to_owned(),
    }
}
