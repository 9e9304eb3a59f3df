//! A child process that runs one case, so that the parent survives a crash.
//!
//! The parent starts its own executable again with [`MARKER`] in the environment, and a socket as
//! its standard input. The parent sends one [`Request`] over the socket; the child replies with
//! [`Message`]s, one line of JSON each: every directive that did not pass, so that a crash does not
//! lose it, and the result of the case. The position in the case is kept in shared memory (`mark`),
//! so that a crash is attributed to its directive. The output of the process is not part of the
//! protocol.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{ExitCode, exit};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit};
use serde::{Deserialize, Serialize};
use wassay_script::source::Place;
use wassay_script::{Judges, Observer};
use wassay_testsuite::access::Root;
use wassay_testsuite::conditions::Conditions;
use wassay_testsuite::expectation::Expectation;
use wassay_testsuite::wasi::Variant;
use wassay_testsuite::{Case, catalogue, directory};

use super::execute::{execute, skipped};
use super::filter::no_openat2;
use super::mark::Mark;
use super::progress::is_plain;
use super::watch::Watch;
use crate::finished::Finished;
use crate::printer;
use crate::settings::Settings;
use crate::threads;
use crate::verdict::{DirectiveResult, LISTED, Outcome};

/// The environment variable that marks a process as a child that runs one case.
pub(super) const MARKER: &str = "WASSAY_CHILD";

/// A case to run, and how.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// The parent's process ID. A child with a different parent is orphaned.
    pub(super) parent: u32,
    /// The path of the [`Mark`] where the child stores the position of the current directive.
    pub(super) mark: OsString,
    /// What to do to the process before it reads the case.
    pub(super) setup: Vec<Setup>,
    /// The name of the case in messages.
    pub(super) label: String,
    /// The case.
    pub(super) case: Locator,
    /// The conditions that it is judged under, if it is a script.
    pub(super) conditions: Option<Conditions>,
    /// The expectations for its directives.
    pub(super) expectations: Vec<Expectation>,
    /// How to run it.
    pub(super) settings: Settings,
}

/// A change to a process before it runs its case.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Setup {
    /// Disable core dumps.
    NoCore,
    /// Make `openat2` fail with ENOSYS.
    NoOpenat2,
}

/// Where another process finds a case.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Locator {
    /// A case of an embedded suite, by name.
    Embedded {
        /// The suite.
        suite: String,
        /// The case.
        name: String,
    },
    /// A case in a suite's folder, by name. The child resolves links under the same limits as the
    /// parent.
    InSuite {
        /// The folder.
        root: Root,
        /// The case.
        name: String,
    },
    /// A file that the user named.
    File(OsString),
}

/// A message from a child.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Message {
    /// The case starts. The number is the resident memory of the process, in bytes.
    Started(u64),
    /// The first directive starts.
    Begun,
    /// A directive has a result other than a plain pass.
    Judged(DirectiveResult),
    /// All directives were judged.
    Ended,
    /// The result of the case.
    Finished(Box<Finished>),
}

impl Locator {
    /// Locates a case of the suite with this name.
    pub(super) fn of(case: &Case, suite: &str) -> Locator {
        let name = case.name().to_owned();
        match (case.root(), case.path()) {
            (Some(root), _) => Locator::InSuite { root: Root::clone(root), name },
            (None, Some(path)) => Locator::File(path.as_os_str().to_owned()),
            (None, None) => Locator::Embedded { suite: suite.to_owned(), name },
        }
    }

    fn case(&self) -> Result<Case, String> {
        match self {
            Locator::Embedded { suite, name } => {
                let cases = catalogue::find(suite).map(|suite| suite.cases()).unwrap_or_default();
                let case = cases.into_iter().find(|case| case.name() == name);
                case.ok_or_else(|| format!("no embedded case is called {suite}::{name}"))
            }
            Locator::InSuite { root, name } => Ok(directory::case_in(root.clone(), name)),
            Locator::File(path) => {
                let script = directory::script(Path::new(path));
                Ok(Case::Script(script.map_err(|error| error.to_string())?))
            }
        }
    }
}

/// Runs the requested case if this process is a child; returns `None` otherwise. `make` creates the
/// engine.
///
/// A program that [isolates](Settings::isolate) its cases must call this first.
pub fn child<E: Judges>(make: impl Fn() -> E + Send + 'static) -> Option<ExitCode> {
    std::env::var_os(MARKER)?;
    Some(match serve(make) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            printer::error(&message);
            ExitCode::FAILURE
        }
    })
}

fn serve<E: Judges>(make: impl Fn() -> E + Send + 'static) -> Result<(), String> {
    let failed =
        |what: &str, error: io::Error| format!("{MARKER} is for the children of a run: {what}: {error}");
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| failed("no death signal", error.into()))?;
    let socket = io::stdin().as_fd().try_clone_to_owned().map_err(|error| failed("no socket", error))?;
    let nothing = File::open("/dev/null").map_err(|error| failed("no standard input", error))?;
    rustix::stdio::dup2_stdin(nothing).map_err(|error| failed("no standard input", error.into()))?;
    let socket = UnixStream::from(socket);
    let mut line = String::new();
    BufReader::new(&socket).read_line(&mut line).map_err(|error| failed("no request", error))?;
    let request: Request = serde_json::from_str(&line).map_err(|error| failed("no request", error.into()))?;
    let parent = getppid().map(|parent| parent.as_raw_nonzero().get().unsigned_abs());
    if parent != Some(request.parent) {
        return Err("the parent process of this case has ended".to_owned());
    }
    let mut case = request.case.case()?;
    request.conditions.into_iter().for_each(|conditions| case.set_conditions(conditions));
    let mark = Mark::open(&request.mark).map_err(|error| failed("no mark", error))?;
    let socket = Mutex::new(BufWriter::new(socket));
    let (begun, told) = (AtomicBool::new(false), AtomicUsize::new(0));
    let reply = Arc::new(Reply { socket, mark, begun, told });
    for setup in &request.setup {
        match (setup, setup.apply()) {
            (_, Ok(())) => {}
            (Setup::NoCore, Err(error)) => {
                return Err(format!("an image of memory cannot be forbidden: {error}"));
            }
            (Setup::NoOpenat2, Err(error)) => {
                let message = format!("openat2 cannot be blocked here: {error}");
                let finished = skipped(&request.label, &case, message);
                reply.send(&Message::Finished(Box::new(finished)));
                return Ok(());
            }
        }
    }
    let run = move || {
        reply.send(&Message::Started(resident("self")));
        let settings =
            Settings { observer: Some(Arc::clone(&reply) as Arc<dyn Observer>), ..request.settings };
        let watch = Arc::new(Watch::new(settings.observer.clone()));
        let finished =
            execute(request.label, &case, &request.expectations, &settings, &watch, &mut None, &make);
        reply.send(&Message::Finished(Box::new(finished)));
        // The parent has all results: exit without cleaning up.
        exit(0)
    };
    let thread = threads::start("case", run).map_err(|error| failed("no thread", error))?;
    thread.join().map_err(|_| "the thread of the case panicked".to_owned())
}

impl Setup {
    /// The change to a process for a variant.
    pub(super) fn of(variant: Variant) -> Setup {
        match variant {
            Variant::NoOpenat2 => Setup::NoOpenat2,
        }
    }

    fn apply(self) -> io::Result<()> {
        match self {
            Setup::NoCore => Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?),
            Setup::NoOpenat2 => no_openat2(),
        }
    }
}

/// The resident memory of a process in bytes (proc_pid_statm(5)); 0 if it has ended.
pub(super) fn resident(process: &str) -> u64 {
    let statm = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default().saturating_mul(rustix::param::page_size() as u64)
}

/// The child's side of the socket.
#[derive(Debug)]
struct Reply {
    socket: Mutex<BufWriter<UnixStream>>,
    mark: Mark,
    /// Whether the first directive has started.
    begun: AtomicBool,
    /// The number of failed directives sent so far.
    told: AtomicUsize,
}

impl Reply {
    /// Sends a message. If the parent is gone, there is nothing left to do: exit.
    fn send(&self, message: &Message) {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = serde_json::to_writer(&mut *socket, message)
            .map_err(io::Error::from)
            .and_then(|()| socket.write_all(b"\n"))
            .and_then(|()| socket.flush());
        if sent.is_err() {
            exit(1);
        }
    }
}

impl Observer for Reply {
    fn begins(&self, place: Place) {
        self.mark.set(place);
        if !self.begun.swap(true, Ordering::Relaxed) {
            self.send(&Message::Begun);
        }
    }

    fn judged(&self, result: &DirectiveResult) {
        let failed = !matches!(result.outcome, Outcome::Passed);
        // One more than the parent keeps, so that it can tell that there are more.
        let is_told = !failed || self.told.fetch_add(1, Ordering::Relaxed) <= LISTED;
        if !is_plain(result) && is_told {
            self.send(&Message::Judged(result.clone()));
        }
    }

    fn ended(&self) {
        self.send(&Message::Ended);
    }
}
