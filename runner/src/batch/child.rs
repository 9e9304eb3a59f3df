//! A process that runs one case, for a parent that survives it.
//!
//! The parent starts its own executable again with [`MARKER`] in the environment, and a socket as its standard input. Over that goes one
//! [`Request`], and back come [`Message`]s, each a line of JSON: the course of the case, so that a crash is pinned to its directive, and what
//! became of it. What else the process prints is no part of this.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{ExitCode, exit};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::process::{Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit};
use serde::{Deserialize, Serialize};
use wassay_testsuite::expectation::Expectation;
use wassay_testsuite::{Case, catalogue, directory};

use super::execute::execute;
use super::finished::Finished;
use super::{STACK, Settings};
use crate::script::source::Place;
use crate::script::{Embedder, Observer};
use crate::verdict::DirectiveResult;

/// The environment variable by which a process knows that it is to run one case.
pub(super) const MARKER: &str = "WASSAY_CHILD";

/// A case to run, and how.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// The process that asks. A child whose parent is another has lost its own.
    pub(super) parent: u32,
    /// What is done to the process before anything of the case is touched.
    pub(super) setup: Vec<Setup>,
    /// What messages call the case.
    pub(super) label: String,
    /// The case.
    pub(super) case: Locator,
    /// What is expected of its directives.
    pub(super) expectations: Vec<Expectation>,
    /// How it is run.
    pub(super) settings: Settings,
}

/// What is done to a process before it runs its case.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Setup {
    /// Leaves no image of its memory behind when it crashes.
    NoCore,
}

/// Where a case is found again by another process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Locator {
    /// In an embedded suite, by its name there.
    Embedded {
        /// The suite.
        suite: String,
        /// The case.
        name: String,
    },
    /// In a file.
    File(OsString),
}

/// What a child says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Message {
    /// The case begins.
    Started,
    /// A directive begins.
    Begins(Place),
    /// A directive was judged.
    Judged(DirectiveResult),
    /// The case has ended so.
    Finished(Box<Finished>),
}

impl Locator {
    fn case(&self) -> Result<Case, String> {
        match self {
            Locator::Embedded { suite, name } => {
                let cases = catalogue::find(suite).map(|suite| suite.cases()).unwrap_or_default();
                let case = cases.into_iter().find(|case| case.name() == name);
                case.ok_or_else(|| format!("no embedded case is called {suite}::{name}"))
            }
            Locator::File(path) => {
                let suite = directory::open(&PathBuf::from(path)).map_err(|error| error.to_string())?;
                suite.cases().pop().ok_or_else(|| format!("{}: no case", suite.name()))
            }
        }
    }
}

/// Runs the case that the parent asks for where this process is a child; `None` where it is not. `make` makes the engine.
///
/// A program that [isolates](Settings::isolate) its cases calls this first.
pub fn child<E: Embedder>(make: impl Fn() -> E + Send + 'static) -> Option<ExitCode> {
    std::env::var_os(MARKER)?;
    Some(match serve(make) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    })
}

fn serve<E: Embedder>(make: impl Fn() -> E + Send + 'static) -> Result<(), String> {
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
        return Err("the process that asked for this case is gone".to_owned());
    }
    for setup in &request.setup {
        setup.apply().map_err(|error| format!("{setup:?}: {error}"))?;
    }
    let case = request.case.case()?;
    let reply = Arc::new(Reply(Mutex::new(BufWriter::new(socket))));
    let thread = thread::Builder::new().name("case".to_owned()).stack_size(STACK);
    let run = move || {
        reply.send(&Message::Started, true);
        let settings =
            Settings { observer: Some(Arc::clone(&reply) as Arc<dyn Observer>), ..request.settings };
        let finished = execute(request.label, &case, &request.expectations, &settings, &mut None, &make);
        reply.send(&Message::Finished(Box::new(finished)), true);
        // What was said is all that is wanted: nothing is taken down first.
        exit(0)
    };
    let thread = thread.spawn(run).map_err(|error| failed("no thread", error))?;
    thread.join().map_err(|_| "the thread of the case panicked".to_owned())
}

impl Setup {
    fn apply(self) -> io::Result<()> {
        match self {
            Setup::NoCore => Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?),
        }
    }
}

/// Where a child says what it does.
#[derive(Debug)]
struct Reply(Mutex<BufWriter<UnixStream>>);

impl Reply {
    /// Says something, at once or with what comes next. Where the parent cannot be reached there is nothing more to do.
    fn send(&self, message: &Message, at_once: bool) {
        let mut socket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = serde_json::to_writer(&mut *socket, message)
            .map_err(io::Error::from)
            .and_then(|()| socket.write_all(b"\n"))
            .and_then(|()| if at_once { socket.flush() } else { Ok(()) });
        if sent.is_err() {
            exit(1);
        }
    }
}

impl Observer for Reply {
    fn begins(&self, place: Place) {
        self.send(&Message::Begins(place), true);
    }

    fn judged(&self, result: &DirectiveResult) {
        self.send(&Message::Judged(result.clone()), false);
    }
}
