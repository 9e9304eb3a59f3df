//! Processes in their own process groups, which are killed with everything that they start.

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

/// How many bytes of the end of standard error to keep.
const KEPT: usize = 2 << 10;
/// How often to check for the end of a process, if the system does not support waiting with a
/// timeout.
const LOOK: Duration = Duration::from_millis(2);

/// The IDs of running processes.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Kills every running engine with everything that it started; for the end of a process with
/// abandoned threads.
pub fn end_all() {
    let running = std::mem::take(&mut *running());
    for pid in running.into_iter().filter_map(Pid::from_raw) {
        let _ = kill_process_group(pid, Signal::KILL);
        // It may have changed its process group.
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn running() -> MutexGuard<'static, BTreeSet<i32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process with everything that it starts. It is killed on drop.
#[derive(Debug)]
pub(crate) struct Group {
    process: Child,
    /// Whether it was waited for.
    is_reaped: bool,
}

impl Group {
    /// Starts a command in its own process group, with a limit for its private writable memory.
    /// Reserved address space, as for guard pages, does not count.
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

    /// Takes its standard input, if that is a pipe.
    pub(crate) fn stdin(&mut self) -> Option<ChildStdin> {
        self.process.stdin.take()
    }

    /// Takes its standard output, likewise.
    pub(crate) fn stdout(&mut self) -> Option<ChildStdout> {
        self.process.stdout.take()
    }

    /// Takes its standard error, likewise.
    pub(crate) fn stderr(&mut self) -> Option<ChildStderr> {
        self.process.stderr.take()
    }

    /// Whether the process has ended; its ID is not reused before [`reap`](Group::reap).
    pub(crate) fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !self.is_reaped && matches!(waitid(WaitId::Pid(self.pid()), options), Ok(Some(_)))
    }

    /// Waits for the end of the process until the deadline; returns whether it has ended.
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
                    // After an interruption, check again.
                    let _ = poll(&mut [PollFd::new(descriptor, PollFlags::IN)], Some(&left));
                }
                _ => thread::sleep(LOOK.min(left)),
            }
        }
        true
    }

    /// Kills the process with everything that it started, and reaps it. Returns the exit status on
    /// the first call.
    pub(crate) fn reap(&mut self) -> Option<ExitStatus> {
        if std::mem::replace(&mut self.is_reaped, true) {
            return None;
        }
        // The ID is not reused before the process is reaped.
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

/// The last part of a process's standard error.
#[derive(Debug)]
pub(crate) struct StderrTail {
    kept: Arc<Mutex<Vec<u8>>>,
    /// Closed after everything was read.
    end: Receiver<()>,
}

impl StderrTail {
    /// Reads standard error to its end, on a separate thread.
    pub(crate) fn of(mut stderr: ChildStderr) -> io::Result<StderrTail> {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (reads, end) = channel::<()>();
        let stderr_tail = StderrTail { kept: Arc::clone(&kept), end };
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
        Ok(stderr_tail)
    }

    /// Waits until everything was read or the deadline.
    pub(crate) fn wait(&self, until: Instant) {
        let _ = self.end.recv_timeout(until.saturating_duration_since(Instant::now()));
    }

    /// How the process ended, with the last line of its standard error.
    pub(crate) fn after(&self, how: String) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let stderr_tail = String::from_utf8_lossy(&kept);
        match stderr_tail.lines().rev().map(str::trim).find(|line| !line.is_empty()) {
            Some(last) => format!("{how}; the last line of its standard error: {last}"),
            None => how,
        }
    }
}

/// Describes how a process ended.
pub(crate) fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("the engine exited with code {code}"),
        (None, Some(signal)) => format!("the engine was killed by signal {signal}"),
        (None, None) => "the engine ended".to_owned(),
    }
}
