//! The process of an adapter: lines to it and from it, each on a thread of their own, so that
//! neither side can block the other.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Command as Process, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::Command;
use crate::process::{Group, Said, how};

/// The longest line of an answer, in bytes.
const LONGEST: u64 = 64 << 10;
/// How many lines are read ahead.
const AHEAD: usize = 4096;
/// How long a process that closed its output may take to end.
const ENDING: Duration = Duration::from_secs(2);
/// How long a process may take to end by itself after its last request, to write what it has
/// gathered.
const GRACE: Duration = Duration::from_millis(500);

/// A process that runs. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    group: Group,
    requests: Option<Sender<Vec<u8>>>,
    lines: Receiver<Line>,
    said: Said,
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
        let mut process = Process::new(program);
        let process = process.args(arguments).envs(command.env());
        let process = process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group::start(process, memory)?;
        let (requests, to_write) = channel();
        let (read, lines) = sync_channel(AHEAD);
        let said = Said::of(group.stderr().ok_or(io::ErrorKind::BrokenPipe)?)?;
        let (stdin, stdout) = (group.stdin(), group.stdout());
        let threads = [
            spawn("engine-requests", move || stdin.into_iter().for_each(|stdin| write(stdin, &to_write))),
            spawn("engine-answers", move || stdout.into_iter().for_each(|stdout| read_lines(stdout, &read))),
        ];
        let child = Child { group, requests: Some(requests), lines, said };
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
        let status = if self.group.wait(until) { self.group.reap() } else { None };
        if status.is_some() {
            // What it said may still be on its way.
            self.said.wait(until);
        }
        self.said.after(status.map_or_else(|| "the engine closed its output".to_owned(), how))
    }

    /// Ends the process in order: it has no more requests, and some time to end by itself before it
    /// is killed.
    pub(crate) fn close(mut self) {
        self.end_input();
        self.group.wait(Instant::now() + GRACE);
    }

    /// Lets it know that there are no more requests, once all are written.
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
            // The output ended within a line, or the line goes on for too long: no answer in either
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
