//! The commands, one per file, and their common parts.

pub(crate) mod audit;
pub(crate) mod cache;
mod checkout;
pub(crate) mod compile;
pub(crate) mod config;
mod coverage;
mod described;
mod destination;
mod driven;
pub(crate) mod engine;
mod expectations;
pub(crate) mod fuzz;
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
pub(crate) mod tips;
mod unjudged;
pub(crate) mod wast;
pub(crate) mod with_engine;
pub(crate) mod words;

use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Instant;

use wassay_drive::quantity::{duration, limit};
use wassay_reports::{Case, Report, Suite};
use wassay_script::Judges;
use wassay_script::embed::Identity;
use wassay_script::messages::MatchKind;
use wassay_script::suggest::did_you_mean;
use wassay_terms::{Features, UnknownFeature};

use crate::batch::{Finished, Interrupt, Selection, Workers};
use crate::console::{Console, print_document, show};
use crate::exit::{Error, Exit};
use crate::printer::{self, panic_message};

/// Starts threads to run cases, by default one per processor.
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

/// Returns the process-wide interrupt that signals set. After the first call signals no longer end
/// the process directly, so call it before starting an engine, which would otherwise be left
/// running.
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

/// Parses a list of features.
fn features(text: &str) -> Result<Features, String> {
    if text.split(',').all(|word| word.trim().is_empty()) {
        return Err("expected a version or names of features, such as `2.0,threads`".to_owned());
    }
    text.parse()
        .map_err(|error: UnknownFeature| format!("{error}{}", did_you_mean(error.name(), Features::names())))
}

/// Parses the kind of text comparison.
fn match_kind(text: &str) -> Result<MatchKind, String> {
    let kinds = ["class", "exact", "prefix", "ignore"];
    text.parse::<MatchKind>().map_err(|error| format!("{error}{}", did_you_mean(text, kinds)))
}

/// The start of a run, as a calendar time and as an instant.
struct Begin {
    calendar: jiff::Timestamp,
    clock: Instant,
}

impl Begin {
    fn now() -> Begin {
        Begin { calendar: jiff::Timestamp::now(), clock: Instant::now() }
    }

    /// Creates the report of a run of this engine that ends now.
    fn report(&self, engine: Identity, match_kind: MatchKind, suites: Vec<Suite>) -> Report {
        let host = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
        // Milliseconds are precise enough.
        let started = format!("{:.3}", self.calendar);
        let harness = Identity::new("wassay", env!("CARGO_PKG_VERSION"));
        let report = Report::new(engine, host, started, self.clock.elapsed(), suites).bounded();
        Report { harness: Some(harness), match_kind: Some(match_kind.into()), ..report }
    }
}

/// The identity of the engine under test.
fn identity<E: Judges>(make: &impl Fn() -> E) -> Result<Identity, Error> {
    catch_unwind(AssertUnwindSafe(|| make().identity())).map_err(|payload| Error::System {
        what: "cannot create the engine".to_owned(),
        error: io::Error::other(panic_message(&*payload)),
    })
}

/// Creates the suite of a report.
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

/// Formats a count with its noun.
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
