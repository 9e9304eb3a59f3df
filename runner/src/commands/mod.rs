//! The commands, one a file, and what they share.

pub(crate) mod audit;
mod checkout;
mod destination;
pub(crate) mod driven;
pub(crate) mod engine;
mod expectations;
pub(crate) mod judge;
pub(crate) mod matrix;
pub(crate) mod plan;
mod progress;
mod protect;
pub(crate) mod report;
mod report_file;
mod repro;
mod scripts;
mod several;
mod shard;
mod source_url;
pub(crate) mod suite;
pub(crate) mod test;
pub(crate) mod wast;
pub(crate) mod words;

use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Instant;

use thiserror::Error;
use wassay_drive::quantity::{duration, limit};
use wassay_reports::terminal::Text;
use wassay_reports::{Case, Report, Suite};
use wassay_terms::{Features, UnknownFeature};

use crate::batch::{Finished, INTERRUPTED, Interrupt, Selection, Workers};
use crate::catalogue::ResolveError;
use crate::expectations::ExpectationsError;
use crate::fetch::FetchError;
use crate::printer::{self, panic_message};
use crate::script::Judges;
use crate::script::embed::Identity;
use crate::script::messages::MatchKind;
use crate::suggest::did_you_mean;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All as expected.
    Success,
    /// Something was not as expected.
    Failure,
    /// Wrong usage, which includes a file that cannot be used.
    Usage,
    /// The run was interrupted.
    Interrupted,
    /// As the guest ended.
    #[cfg_attr(not(feature = "engine"), expect(dead_code, reason = "no guest runs without an engine"))]
    Guest(u8),
}

impl Exit {
    /// The exit code of the process.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
            Exit::Interrupted => INTERRUPTED,
            Exit::Guest(code) => code,
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A word names no suite.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A file of expectations cannot be used.
    #[error(transparent)]
    Expectations(#[from] ExpectationsError),
    /// A suite cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A module cannot be run.
    #[error("{0}")]
    Module(String),
    /// The system refused something.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        error: io::Error,
    },
}

impl Error {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Error::Usage(_) | Error::Resolve(_) | Error::Expectations(_) => Exit::Usage,
            Error::Fetch(_) | Error::Module(_) | Error::System { .. } => Exit::Failure,
        }
    }
}

/// Writes lines to standard output.
pub(crate) fn show(text: &Text) -> Result<(), Error> {
    printer::show(text).map_err(unwritable)
}

/// Writes what other programs read to standard output.
fn print_document(text: &str) -> Result<(), Error> {
    printer::document(printer::Stream::Out, text.as_bytes()).map_err(unwritable)
}

fn unwritable(error: io::Error) -> Error {
    Error::System { what: "cannot write to standard output".to_owned(), error }
}

/// Where lines for people go: to standard output, or to standard error where a report takes that.
#[derive(Clone, Copy)]
struct Console(printer::Stream);

impl Console {
    fn new(is_taken: bool) -> Console {
        Console(if is_taken { printer::Stream::Err } else { printer::Stream::Out })
    }

    fn has_colour(self) -> bool {
        self.0.has_colour()
    }

    fn show(self, text: &Text) -> Result<(), Error> {
        match self.0 {
            printer::Stream::Out => show(text),
            printer::Stream::Err => {
                printer::tell(text);
                Ok(())
            }
        }
    }
}

/// So many threads to run cases on; as many as there are processors where it is not said.
fn workers<E: Judges>(
    jobs: Option<NonZeroUsize>,
    cases: usize,
    make: impl Fn() -> E + Send + Sync + 'static,
) -> Result<Workers, Error> {
    let jobs = jobs.or_else(|| available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let jobs = jobs.min(NonZeroUsize::new(cases).unwrap_or(NonZeroUsize::MIN));
    let workers = Workers::start(jobs, make)
        .map_err(|error| Error::System { what: "cannot start a thread for the cases".to_owned(), error })?;
    workers.warning().iter().for_each(|warning| printer::warning(warning));
    Ok(workers)
}

/// Returns the interrupt that signals set, one for the process. From the first call on, signals no
/// longer end the process by themselves: the first call comes before an engine is started, which a
/// signal would otherwise leave running.
fn interrupt() -> Result<Interrupt, Error> {
    static MADE: Mutex<Option<Interrupt>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(interrupt) = &*made {
        return Ok(interrupt.clone());
    }
    let interrupt = Interrupt::by_signals()
        .map_err(|error| Error::System { what: "cannot handle signals".to_owned(), error })?;
    Ok(made.insert(interrupt).clone())
}

/// A list of features.
fn features(text: &str) -> Result<Features, String> {
    if text.split(',').all(|word| word.trim().is_empty()) {
        return Err("expected a version or names of features, such as `2.0,threads`".to_owned());
    }
    text.parse()
        .map_err(|error: UnknownFeature| format!("{error}{}", did_you_mean(error.name(), Features::names())))
}

/// How texts are compared.
fn match_kind(text: &str) -> Result<MatchKind, String> {
    let kinds = ["class", "exact", "prefix", "ignore"];
    text.parse::<MatchKind>().map_err(|error| format!("{error}{}", did_you_mean(text, kinds)))
}

/// When a run began, by the calendar and by the clock.
struct Begin {
    calendar: jiff::Timestamp,
    clock: Instant,
}

impl Begin {
    fn now() -> Begin {
        Begin { calendar: jiff::Timestamp::now(), clock: Instant::now() }
    }

    /// The report of a run of this engine that ends now.
    fn report(&self, engine: Identity, match_kind: MatchKind, suites: Vec<Suite>) -> Report {
        let host = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
        // To the millisecond: more is noise.
        let started = format!("{:.3}", self.calendar);
        let harness = Identity::new("wassay", env!("CARGO_PKG_VERSION"));
        let report = Report::new(engine, host, started, self.clock.elapsed(), suites).bounded();
        Report { harness: Some(harness), match_kind: Some(match_kind.into()), ..report }
    }
}

/// What the engine that is tested is called.
fn identity<E: Judges>(make: &impl Fn() -> E) -> Result<Identity, Error> {
    catch_unwind(AssertUnwindSafe(|| make().identity())).map_err(|payload| Error::System {
        what: "the engine cannot be made".to_owned(),
        error: io::Error::other(panic_message(&*payload)),
    })
}

/// A suite of a report.
fn suite_report(selection: &Selection, finished: &[Finished]) -> Suite {
    let cases = selection.cases.iter().zip(finished);
    let url = selection.cases.first().and_then(|case| source_url::of_file(case.path()?, case.name()));
    let cases = cases.map(|(case, finished)| Case {
        file: case.path().and_then(checkout::file),
        ..finished.case(case.name())
    });
    let (name, source) = (selection.suite.name().to_owned(), selection.suite.source().to_owned());
    Suite { url, ..Suite::new(name, source, cases.collect()) }
}

/// A number with its noun.
fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_when_it_began_in_the_words_of_rfc_3339() {
        let engine = Identity::new("e", "");
        let started = Begin::now().report(engine, MatchKind::default(), Vec::new()).started;
        let parsed: jiff::Timestamp = started.parse().unwrap();
        assert!(jiff::Timestamp::now().duration_since(parsed).as_secs() < 60, "{started}");
        assert!(started.ends_with('Z') && started.contains('T'), "{started}");
    }
}
