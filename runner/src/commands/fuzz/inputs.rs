//! Fuzzes what reads texts and WASI calls: in a process that is started again when it ends.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use wassay_reports::terminal::Text;

use super::args::{Args, Target};
use super::folder::Folder;
use super::targets;
use crate::commands::{Console, Error, Exit, interrupt, plural};
use crate::printer;

/// The default time.
const TIME: Duration = Duration::from_secs(60);
/// How long a case may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many findings end a run.
const ENOUGH: usize = 20;

/// A process that runs cases.
struct Worker {
    process: Child,
    /// How long a case may take.
    patience: Duration,
    lines: Receiver<String>,
}

/// A case that failed, and why.
struct Failed {
    number: u64,
    why: String,
}

pub(super) fn run(args: &Args, target: Target, seed: u64) -> Result<Exit, Error> {
    let interrupt = interrupt()?;
    let folder = args.output.as_deref().map(Folder::open).transpose()?;
    let begin = Instant::now();
    let until = args.time.or_else(|| args.modules.is_none().then_some(TIME)).map(|time| begin + time);
    let end = args.modules.map_or(u64::MAX, |count| args.first.saturating_add(count));
    let (mut next, mut failed): (u64, Vec<Failed>) = (args.first, Vec::new());
    let is_over = || interrupt.is_set() || until.is_some_and(|until| Instant::now() >= until);
    while next < end && failed.len() < ENOUGH && !is_over() {
        let worker = Worker::start(target, seed, next, end - next)?;
        next = worker.watch(next, &mut failed, &is_over)?;
    }
    let mut text = Text::new(false);
    for Failed { number, why } in &failed {
        let input = targets::input(target, seed, *number);
        let place = match &folder {
            Some(folder) => {
                let name = format!("{target:?}-{seed}-{number}").to_lowercase();
                folder.keep_input(&input, &name, targets::extension(target))?.display().to_string()
            }
            None => format!("case {number} of seed {seed}"),
        };
        text.line(format_args!("finding: {why} ({place})"));
    }
    let (cases, seconds) = (next - args.first, begin.elapsed().as_secs_f64());
    let cases = plural(usize::try_from(cases).unwrap_or(usize::MAX), "case");
    text.line(format_args!("{cases} in {seconds:.1} s, seed {seed}: {}", plural(failed.len(), "finding")));
    Console::new(false).show(&text)?;
    Ok(match (interrupt.is_set(), failed.is_empty()) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Success,
        (false, false) => Exit::Failure,
    })
}

impl Worker {
    fn start(target: Target, seed: u64, first: u64, count: u64) -> Result<Worker, Error> {
        let failed = |error| Error::System { what: "cannot start a process for the cases".to_owned(), error };
        let name = format!("{target:?}").to_lowercase();
        let words = ["--seed".to_owned(), seed.to_string(), "--first".to_owned(), first.to_string()];
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(["fuzz", "--worker", "--target", &name]).args(words);
        command.args(["--modules", &count.to_string()]);
        Worker::spawn(&mut command, PATIENCE).map_err(failed)
    }

    fn spawn(command: &mut Command, patience: Duration) -> std::io::Result<Worker> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn()?;
        let (send, lines) = channel();
        if let Some(stdout) = process.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if send.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Worker { process, patience, lines })
    }

    /// Watches the process until it ends; returns the number of the next case.
    fn watch(
        mut self,
        first: u64,
        failed: &mut Vec<Failed>,
        is_over: &dyn Fn() -> bool,
    ) -> Result<u64, Error> {
        let mut current = first;
        let mut begun = Instant::now();
        loop {
            match self.lines.recv_timeout(Duration::from_millis(200)) {
                Ok(line) => {
                    let mut words = line.splitn(3, ' ');
                    let (word, number) = (words.next(), words.next().and_then(|word| word.parse().ok()));
                    match (word, number) {
                        (Some("case"), Some(number)) => (current, begun) = (number, Instant::now()),
                        (Some("failed"), Some(number)) => {
                            self.found(failed, number, words.next().unwrap_or_default().to_owned());
                        }
                        _ => {}
                    }
                    if is_over() || failed.len() >= ENOUGH {
                        return Ok(current);
                    }
                }
                Err(RecvTimeoutError::Timeout) if begun.elapsed() > self.patience => {
                    let why = format!("timed out after {} s", self.patience.as_secs());
                    self.found(failed, current, why);
                    return Ok(current + 1);
                }
                Err(RecvTimeoutError::Timeout) if is_over() => return Ok(current),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let ended = self.process.wait();
                    let status =
                        ended.map_err(|error| Error::System { what: "wassay fuzz".to_owned(), error })?;
                    if !status.success() {
                        self.found(failed, current, format!("the process ended: {status}"));
                    }
                    return Ok(current + 1);
                }
            }
        }
    }

    fn found(&self, failed: &mut Vec<Failed>, number: u64, why: String) {
        printer::note(&format!("finding: {why}; case {number}"));
        failed.push(Failed { number, why });
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use wassay_drive::program::path_with_default;

    use super::*;

    /// The next case after a process that runs this shell script, and the findings.
    fn watched(script: &str, patience: Duration) -> (u64, Vec<(u64, String)>) {
        let mut failed = Vec::new();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script]).env("PATH", path_with_default());
        let worker = Worker::spawn(&mut shell, patience).unwrap();
        let next = worker.watch(4, &mut failed, &|| false).unwrap();
        (next, failed.into_iter().map(|Failed { number, why }| (number, why)).collect())
    }

    #[test]
    fn a_case_that_fails_crashes_or_hangs_is_a_finding_and_others_follow() {
        let minute = Duration::from_secs(60);
        let panicked = || (5, "panicked: planted".to_owned());
        let lines = "echo case 4; echo case 5; echo failed 5 panicked: planted; echo case 6";
        assert_eq!(watched(lines, minute), (7, vec![panicked()]));
        let (next, failed) = watched(&format!("{lines}; kill -SEGV $$"), minute);
        assert_eq!((next, &failed[0], failed[1].0, failed.len()), (7, &panicked(), 6, 2));
        assert!(failed[1].1.starts_with("the process ended: signal: 11"), "{failed:?}");
        let (next, failed) = watched(&format!("{lines}; exec sleep 600"), Duration::from_secs(1));
        assert_eq!((next, failed), (7, vec![panicked(), (6, "timed out after 1 s".to_owned())]));
    }
}
