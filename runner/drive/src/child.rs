//! The process of an adapter. Requests are written and answers read on separate threads, so that
//! neither side can block the other.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Command as Process, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::Command;
use crate::process::{Group, StderrTail, how};

/// The maximum length of an answer in bytes.
const LONGEST: u64 = 64 << 10;
/// The number of lines to read ahead.
const AHEAD: usize = 4096;
/// How long to wait for the end of a process that closed its output.
const ENDING: Duration = Duration::from_secs(2);
/// How long a process may take to end after its last request, such as to write collected data.
const GRACE: Duration = Duration::from_millis(500);

/// A running process. It is killed on drop.
#[derive(Debug)]
pub(crate) struct Child {
    group: Group,
    requests: Option<Sender<Vec<u8>>>,
    lines: Receiver<Line>,
    stderr_tail: StderrTail,
}

/// A line from the process.
#[derive(Debug)]
pub(crate) enum Line {
    /// A line without its line feed.
    Text(String),
    /// A line over the maximum length.
    TooLong,
}

/// Why there is no line.
#[derive(Debug)]
pub(crate) enum Silence {
    /// The deadline passed.
    Timeout,
    /// Standard output was closed; the text says how the process ended, with the last line of its
    /// standard error.
    Ended(String),
}

impl Child {
    /// Starts a process with a memory limit.
    pub(crate) fn start(command: &Command, memory: Option<u64>) -> io::Result<Child> {
        let (program, arguments) = command.words().split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut process = Process::new(program);
        let process = process.args(arguments).envs(command.env());
        let process = process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group::start(process, memory)?;
        let (requests, to_write) = channel();
        let (read, lines) = sync_channel(AHEAD);
        let stderr_tail = StderrTail::of(group.stderr().ok_or(io::ErrorKind::BrokenPipe)?)?;
        let (stdin, stdout) = (group.stdin(), group.stdout());
        let threads = [
            spawn("engine-requests", move || stdin.into_iter().for_each(|stdin| write(stdin, &to_write))),
            spawn("engine-answers", move || stdout.into_iter().for_each(|stdout| read_lines(stdout, &read))),
        ];
        let child = Child { group, requests: Some(requests), lines, stderr_tail };
        threads.into_iter().collect::<io::Result<Vec<()>>>()?;
        Ok(child)
    }

    /// Sends text. If the process has ended, the missing answers show it.
    pub(crate) fn send(&self, text: &str) {
        if let Some(requests) = &self.requests {
            let _ = requests.send(text.as_bytes().to_vec());
        }
    }

    /// The next line, if it arrives before the deadline.
    pub(crate) fn line(&mut self, until: Instant) -> Result<Line, Silence> {
        let left = until.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => Err(Silence::Timeout),
            Err(RecvTimeoutError::Disconnected) => Err(Silence::Ended(self.ended())),
        }
    }

    /// How a process that closed its output ended.
    fn ended(&mut self) -> String {
        let until = Instant::now() + ENDING;
        let status = if self.group.wait(until) { self.group.reap() } else { None };
        if status.is_some() {
            // Standard error may not have been read completely.
            self.stderr_tail.wait(until);
        }
        self.stderr_tail.after(status.map_or_else(|| "the engine closed its output".to_owned(), how))
    }

    /// Ends the process: closes its input, and kills it if it does not end within the grace period.
    pub(crate) fn close(mut self) {
        self.end_input();
        self.group.wait(Instant::now() + GRACE);
    }

    /// Closes its input after all requests are written.
    pub(crate) fn end_input(&mut self) {
        self.requests = None;
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
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
            // The output ended within a line, or the line is too long: not an answer in either
            // case.
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
