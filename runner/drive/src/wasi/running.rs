//! A guest running in its own process.

use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use wassay_terms::{Deadline, Stream};

use crate::process::Group;

/// How often to check whether a process should end.
const LOOK: Duration = Duration::from_millis(50);
/// How long to wait for the rest of the output after a process has ended.
const REST: Duration = Duration::from_secs(2);

/// The output of a running process.
#[derive(Clone, Debug)]
pub struct Output(Stream);

impl Output {
    /// Collects data from a pipe on a separate thread. Data over the limit is discarded.
    pub(crate) fn of(mut pipe: impl Read + Send + 'static, most: usize) -> io::Result<Output> {
        let stream = Stream::default();
        let output = Output(stream.clone());
        let read = move || {
            let mut part = vec![0; 64 << 10];
            loop {
                match pipe.read(&mut part) {
                    Ok(length @ 1..) => stream.append(|bytes| {
                        let room = most.saturating_sub(bytes.len()).min(length);
                        bytes.extend_from_slice(part.get(..room).unwrap_or_default());
                    }),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => return stream.end(),
                }
            }
        };
        thread::Builder::new().name("engine-output".to_owned()).spawn(read)?;
        Ok(output)
    }

    /// Waits until `enough` is true for the output that was not taken, the output ends, or the
    /// deadline passes. Returns whether `enough` is true.
    pub fn wait(&self, until: impl Into<Deadline>, enough: impl Fn(&[u8]) -> bool) -> bool {
        self.0.wait(until, enough)
    }

    /// Takes the data received since the last call.
    pub fn take(&self) -> Vec<u8> {
        self.0.take()
    }

    /// All data until the deadline.
    pub(crate) fn rest(&self, until: Instant) -> Vec<u8> {
        self.wait(until, |_| false);
        self.take()
    }
}

/// How a guest ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With this exit code.
    Exited(u32),
    /// By this signal.
    Signalled(i32),
    /// It timed out, or was ended before.
    Cut,
}

/// A running guest. It is killed, with everything that it started, on drop.
#[derive(Debug)]
pub struct Running {
    /// Its standard output.
    pub stdout: Output,
    /// Its standard error.
    pub stderr: Output,
    ended: Receiver<End>,
    is_cut: Arc<AtomicBool>,
}

impl Running {
    /// Starts a command whose standard input is set, with a deadline, a memory limit, and a limit
    /// for each output.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn start(
        command: &mut Command,
        until: Instant,
        memory: Option<u64>,
        most: usize,
    ) -> io::Result<Running> {
        use std::process::Stdio;
        let mut group = Group::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()), memory)?;
        let gone = || io::Error::other("a pipe is missing");
        let stdout = Output::of(group.stdout().ok_or_else(gone)?, most)?;
        let stderr = Output::of(group.stderr().ok_or_else(gone)?, most)?;
        let (sender, ended) = channel();
        let is_cut = Arc::new(AtomicBool::new(false));
        let (cut, outputs) = (Arc::clone(&is_cut), [stdout.clone(), stderr.clone()]);
        let wait = move || {
            let mut end = End::Cut;
            while Instant::now() < until && !cut.load(Ordering::Relaxed) {
                if group.wait(until.min(Instant::now() + LOOK)) {
                    end = group.reap().map_or(End::Cut, ended_so);
                    break;
                }
            }
            group.reap();
            let rest = Instant::now() + REST;
            outputs.iter().for_each(|output| {
                output.wait(rest, |_| false);
            });
            let _ = sender.send(end);
        };
        thread::Builder::new().name("guest-end".to_owned()).spawn(wait)?;
        Ok(Running { stdout, stderr, ended, is_cut })
    }

    /// Waits for its end; `None` after the timeout.
    pub fn end(&self, time: Duration) -> Option<End> {
        match self.ended.recv_timeout(time) {
            Ok(end) => Some(end),
            Err(RecvTimeoutError::Disconnected) => Some(End::Cut),
            Err(RecvTimeoutError::Timeout) => None,
        }
    }

    /// Ends it soon.
    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cut();
    }
}

fn ended_so(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exited(code.cast_unsigned()),
        (None, Some(signal)) => End::Signalled(signal),
        (None, None) => End::Cut,
    }
}
