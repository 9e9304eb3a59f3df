//! Runs cases in one process for all engines, which takes a fraction of the time that a process for
//! each engine takes.
//!
//! Our own engine is called directly there, in all configurations, and other engines are driven as
//! usual. Only a case that shows a difference, that ends this process or that takes too long is run
//! again with a process for each engine, which reduces it.
//!
//! A request is a line with the number of a case; the answer is a line as [`Screened`] describes.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rustix::process::Resource;
use wassay_fuzz::{Class, Session, Uses};
use wassay_script::Judges;
use wassay_script::wap::{decoded, encoded};
use wassay_terms::Features;

use super::args::{Args, about};
use super::engines::{Engine, Place, engines, features};
use super::worker::{limit, on_large_stack};
use crate::commands::{Error, Exit, print_document};
use crate::own::CLASSIFY;

/// The memory that the process may write, in bytes.
const MEMORY: u64 = 3 << 30;

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Screened {
    /// This number does not yield a case: `none`.
    None,
    /// No engine differs: `same`, the number of compared directives, the script of the case if it
    /// uses something new, otherwise an empty word, and the reasons why comparisons ended early.
    Same { compared: usize, script: Option<String>, cut: Vec<String> },
    /// An engine differs: `other`, the kind of the difference, and both verdicts.
    Other { kind: String, verdicts: (String, String) },
    /// An engine takes too long: `late`. It may be slow, or the machine may be busy.
    Late,
    /// The process ended, in this way.
    Ended(String),
}

impl Screened {
    /// The line, with words in percent-encoding.
    fn line(&self) -> String {
        match self {
            Screened::None => "none".to_owned(),
            Screened::Same { compared, script, cut } => {
                let script = script.as_deref().map(encoded).unwrap_or_default();
                let cut: String = cut.iter().map(|why| format!(" {}", encoded(why))).collect();
                format!("same {compared} {script}{cut}")
            }
            Screened::Other { kind, verdicts: (a, b) } => {
                format!("other {} {} {}", encoded(kind), encoded(a), encoded(b))
            }
            Screened::Late => "late".to_owned(),
            Screened::Ended(how) => format!("ended {}", encoded(how)),
        }
    }

    fn read(line: &str) -> Option<Screened> {
        let words: Vec<&str> = line.split(' ').collect();
        Some(match words.as_slice() {
            ["none"] => Screened::None,
            ["same", compared, script, cut @ ..] => Screened::Same {
                compared: compared.parse().ok()?,
                script: Some(decoded(script)?).filter(|script| !script.is_empty()),
                cut: cut.iter().map(|why| decoded(why)).collect::<Option<_>>()?,
            },
            ["other", kind, a, b] => {
                Screened::Other { kind: decoded(kind)?, verdicts: (decoded(a)?, decoded(b)?) }
            }
            ["late"] => Screened::Late,
            ["ended", how] => Screened::Ended(decoded(how)?),
            _ => return None,
        })
    }
}

/// Answers requests on standard input.
pub(super) fn serve<E: Judges + 'static>(
    args: &Args,
    seed: u64,
    make: Option<impl Fn() -> E + Clone + Send + Sync + 'static>,
) -> Result<Exit, Error> {
    limit(Resource::Data, MEMORY);
    let engines = engines(args, make, Place::Here)?;
    let allowed = features(args, &engines.0, &engines.1)?;
    on_large_stack(|| answer(&engines, seed, allowed, args.timeout))?;
    Ok(Exit::Success)
}

fn answer(
    (first, others): &(Engine, Vec<Engine>),
    seed: u64,
    allowed: Features,
    time: Duration,
) -> Result<(), Error> {
    let mut session = Session {
        first: first.side(),
        others: others.iter().map(Engine::side).collect(),
        classify: CLASSIFY.filter(|_| first.is_own),
        time,
        reduction: Duration::ZERO,
    };
    let mut uses = Uses::default();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let Ok(number) = line.parse() else { continue };
        let screened = screened(&mut session, (seed, number), allowed, &mut uses);
        print_document(&(screened.line() + "\n"))?;
    }
    Ok(())
}

fn screened(
    session: &mut Session<'_>,
    (seed, number): (u64, u64),
    allowed: Features,
    uses: &mut Uses,
) -> Screened {
    let Some(case) = wassay_fuzz::case(seed, number, allowed) else { return Screened::None };
    let about = about(seed, number);
    let screened = session.screen(&case, &about, &mut |new| uses.add(new.clone()));
    match screened.difference {
        None => Screened::Same { compared: screened.compared, script: screened.script, cut: screened.cut },
        Some(difference) if matches!(difference.class, Class::Hang { .. }) => Screened::Late,
        Some(difference) => Screened::Other {
            kind: difference.class.to_string(),
            verdicts: (difference.a.to_string(), difference.b.to_string()),
        },
    }
}

/// A process that runs cases, started with the first one.
pub(super) struct Screen {
    /// The words of its command line.
    words: Vec<String>,
    /// How long a case may take.
    patience: Duration,
    process: Option<Process>,
}

struct Process {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<String>,
}

impl Screen {
    /// The process for these options, with the features that modules may use.
    pub(super) fn new(args: &Args, seed: u64, allowed: Features, engines: usize) -> Screen {
        let mut words: Vec<String> = ["fuzz", "--worker", "--seed"].map(str::to_owned).to_vec();
        words.extend([seed.to_string(), "--features".to_owned(), allowed.to_string()]);
        words.extend(["--timeout".to_owned(), format!("{}ms", args.timeout.as_millis())]);
        words.extend(args.against.iter().flat_map(|engine| ["--against".to_owned(), engine.clone()]));
        let engines = u32::try_from(engines).unwrap_or(u32::MAX);
        // The last time is for everything that no engine does.
        let patience = args.timeout.saturating_mul(engines.saturating_add(1));
        Screen { words, patience, process: None }
    }

    /// Runs a case.
    ///
    /// # Errors
    ///
    /// The process cannot be started.
    pub(super) fn case(&mut self, number: u64) -> Result<Screened, Error> {
        if self.process.is_none() {
            let mut command = Command::new(
                std::env::current_exe().map_err(|error| failed("cannot find wassay itself", error))?,
            );
            self.process = Some(Process::start(command.args(&self.words))?);
        }
        let Some(process) = &mut self.process else { return Ok(Screened::None) };
        let screened = process.case(number, self.patience);
        if matches!(screened, Screened::Late | Screened::Ended(_)) {
            self.process = None;
        }
        Ok(screened)
    }
}

impl Process {
    fn start(command: &mut Command) -> Result<Process, Error> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // An interrupt of the run from the terminal must not look like a crash.
        command.process_group(0);
        let mut child =
            command.spawn().map_err(|error| failed("cannot start a process for the cases", error))?;
        let (Some(requests), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            let error = std::io::Error::other("it has no standard input or output");
            return Err(failed("cannot start a process for the cases", error));
        };
        let (send, answers) = channel();
        let read = move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        };
        let reader = thread::Builder::new().spawn(read);
        let process = Process { child, requests, answers };
        reader.map_err(|error| failed("cannot start a thread", error))?;
        Ok(process)
    }

    fn case(&mut self, number: u64, patience: Duration) -> Screened {
        // If the process has ended, waiting for its answer says so.
        let _ = writeln!(self.requests, "{number}");
        match self.answers.recv_timeout(patience) {
            Ok(line) => Screened::read(&line)
                .unwrap_or_else(|| Screened::Ended(format!("it wrote an invalid line: {line}"))),
            Err(RecvTimeoutError::Timeout) => Screened::Late,
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait();
                Screened::Ended(status.map_or_else(|error| error.to_string(), |status| status.to_string()))
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn failed(what: &str, error: std::io::Error) -> Error {
    Error::System { what: what.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use wassay_drive::program::path_with_default;

    use super::*;

    #[test]
    fn answers_are_written_and_read_without_a_change() {
        let same = |script: Option<&str>, cut: &[&str]| Screened::Same {
            compared: 7,
            script: script.map(str::to_owned),
            cut: cut.iter().map(|why| (*why).to_owned()).collect(),
        };
        for screened in [
            Screened::None,
            same(None, &[]),
            same(None, &["a limit: 1", "", "x\ty"]),
            same(Some(";; a b\n(module)\n"), &["why"]),
            Screened::Other {
                kind: "other results".to_owned(),
                verdicts: ("a b\n".to_owned(), String::new()),
            },
            Screened::Late,
            Screened::Ended("signal: 11".to_owned()),
        ] {
            assert_eq!(Screened::read(&screened.line()), Some(screened));
        }
        for line in ["", "same", "same x ", "other a b", "none at all"] {
            assert_eq!(Screened::read(line), None, "{line}");
        }
    }

    /// The result of a case in a process that runs this shell script.
    fn in_process(script: &str, patience: Duration) -> Screened {
        let mut command = Command::new("/bin/sh");
        Process::start(command.args(["-c", script]).env("PATH", path_with_default()))
            .unwrap()
            .case(5, patience)
    }

    #[test]
    fn the_process_does_not_get_the_signals_of_the_terminal() {
        let script = "read n; read pid name state parent group rest < /proc/$$/stat; echo \"ended $group\"";
        let Screened::Ended(group) = in_process(script, Duration::from_secs(60)) else { panic!() };
        assert!(group.parse::<i32>().unwrap() != rustix::process::getpgrp().as_raw_nonzero().get());
    }

    #[test]
    fn a_process_that_ends_hangs_or_writes_anything_else_is_noticed() {
        let minute = Duration::from_secs(60);
        assert_eq!(in_process("read n; echo late", minute), Screened::Late);
        let echo = "read n; echo \"other $n a b\"";
        let verdicts = ("a".to_owned(), "b".to_owned());
        assert_eq!(in_process(echo, minute), Screened::Other { kind: "5".to_owned(), verdicts });
        assert!(matches!(in_process("kill -SEGV $$", minute), Screened::Ended(how) if how.contains("11")));
        assert!(
            matches!(in_process("read n; echo hello", minute), Screened::Ended(how) if how.contains("hello"))
        );
        assert_eq!(in_process("exec sleep 600", Duration::from_millis(300)), Screened::Late);
    }
}
