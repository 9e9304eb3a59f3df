//! Files of expected failures: applies them to the suites of a run and to single scripts, and finds
//! stale entries. The format is described in [`wassay_testsuite::expectation`].
//!
//! To use such a file in a test binary with the [harness](crate::harness):
//!
//! ```no_run
//! use std::path::Path;
//! use wassay::{catalogue, expectations, harness};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let file = expectations::read(Path::new("tests/expectations.toml"))?;
//! let suites = expectations::expecting(vec![catalogue::resolve("tests/scripts")?], file)?;
//! harness::run(suites);
//! # Ok(())
//! # }
//! ```

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use wassay_reports::Key;
use wassay_script::reading::Reading;
use wassay_script::source::{Place, Span};
use wassay_testsuite::access::{Budget, read_text};
use wassay_testsuite::expectation::{
    Entry, Expectation, ExpectationError, Expectations, Expected, Origin, Target,
};
use wassay_testsuite::{Case, Suite};

use crate::finished::{End, Finished};
use crate::verdict::{DirectiveResult, Outcome, ScriptResult};

/// Reads a file of expectations.
///
/// # Errors
///
/// It cannot be read or parsed.
pub fn read(path: &Path) -> Result<Expectations, ExpectationsError> {
    let text = read_text(path, &mut Budget::of_expectations())
        .map_err(|error| ExpectationsError::Unreadable { path: path.to_owned(), error })?;
    Ok(Expectations::parse(&path.display().to_string(), &text)?)
}

/// Applies the expectations to the suites. Entries about other suites are ignored.
///
/// # Errors
///
/// An entry names one of these suites but none of its scripts, or no entry applies to any of them.
pub fn expecting(
    suites: Vec<Suite>,
    expectations: impl Into<Arc<Expectations>>,
) -> Result<Vec<Suite>, ExpectationsError> {
    let expectations = expectations.into();
    let cases: Vec<Vec<Case>> = suites.iter().map(Suite::cases).collect();
    let (mut of_these, mut first) = (0, None);
    for entry in &expectations.entries {
        first = first.or(Some(entry));
        if let Some(suites) = meant_by(entry, &suites).filter(|names| names.len() > 1) {
            return Err(ExpectationsError::Ambiguous {
                entry: Box::new(entry.clone()),
                suites: suites.join(", "),
            });
        }
        if !suites.iter().any(|suite| entry.applies_to_suite(suite)) {
            continue;
        }
        let all =
            suites.iter().zip(&cases).flat_map(|(suite, cases)| cases.iter().map(move |case| (suite, case)));
        let of_entry: Vec<&Case> =
            all.filter(|(suite, case)| entry.applies_to(suite, case.name())).map(|(_, case)| case).collect();
        let entry = || Box::new(entry.clone());
        if !of_entry.iter().any(|case| matches!(case, Case::Script(_) | Case::Guest(_))) {
            return Err(ExpectationsError::NoCase { entry: entry() });
        }
        if !entry().is_broad() && of_entry.iter().all(|case| case.script().is_none()) {
            return Err(ExpectationsError::NoDirectives { entry: entry() });
        }
        of_these += 1;
    }
    if let Some(first) = first.filter(|_| of_these == 0) {
        let suites = suites.iter().map(Suite::name).collect::<Vec<_>>().join(", ");
        let (file, entries) = (first.origin().file.clone(), expectations.entries.len());
        return Err(ExpectationsError::NoEntry { file, entries, suites });
    }
    Ok(suites.into_iter().map(|suite| suite.expecting(Arc::clone(&expectations))).collect())
}

/// The suites of the run that match the suite name of an entry; `None` if the entry names none.
fn meant_by(entry: &Entry, suites: &[Suite]) -> Option<Vec<String>> {
    entry.suite()?;
    let meant = suites.iter().filter(|suite| entry.applies_to_suite(suite));
    Some(meant.map(|suite| suite.name().to_owned()).collect())
}

/// What to do about an error.
fn hint(error: &io::Error) -> &'static str {
    let is_absent = error.kind() == io::ErrorKind::NotFound;
    if is_absent { "; --bless-expectations creates it" } else { "" }
}

/// An unusable file of expectations.
#[derive(Debug, Error)]
pub enum ExpectationsError {
    /// It cannot be read.
    #[error("{}: cannot read the expectations: {error}{}", path.display(), hint(error))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error.
        error: io::Error,
    },
    /// It cannot be parsed.
    #[error(transparent)]
    Malformed(#[from] ExpectationError),
    /// An entry names a suite of the run, but none of its cases.
    #[error("{}: {entry}: the suites do not contain this case; remove the entry", entry.origin())]
    NoCase {
        /// The entry.
        entry: Box<Entry>,
    },
    /// An entry names a directive of a WASI case.
    #[error("{}: {entry}: a WASI case has no directives: remove `key`, `line` and `text`", entry.origin())]
    NoDirectives {
        /// The entry.
        entry: Box<Entry>,
    },
    /// The suite name of an entry is ambiguous.
    #[error("{}: {entry}: the suite is ambiguous ({suites}): write its full name, or run the suites separately", entry.origin())]
    Ambiguous {
        /// The entry.
        entry: Box<Entry>,
        /// The matching suites.
        suites: String,
    },
    /// No entry applies to a suite of the run.
    #[error("{file}: no entry (of {entries}) applies to the suites that run: {suites}")]
    NoEntry {
        /// The file.
        file: String,
        /// The number of its entries.
        entries: usize,
        /// The suites of the run.
        suites: String,
    },
}

/// The expectations for the directives of a script.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The expectations of each directive, by index, in order of precedence.
    pub(crate) by_number: HashMap<usize, Vec<Arc<Expectation>>>,
    /// A message for each expectation that matches no directive.
    pub(crate) unmatched: Vec<String>,
}

/// Matches expectations to directives. Entries about single directives override those about whole
/// scripts.
pub(crate) fn find(expectations: &[Expectation], reading: &Reading<'_, '_>, keys: &[(Place, Key)]) -> Found {
    let mut found = Found::default();
    if expectations.is_empty() {
        return found;
    }
    let spans: Vec<Span> = reading.spans().collect();
    let by_key: HashMap<String, usize> =
        keys.iter().enumerate().map(|(number, (_, key))| (key.to_string(), number)).collect();
    let text = |number: usize| spans.get(number).map_or("", |span| reading.source().slice(span));
    let (broad, single): (Vec<_>, Vec<_>) =
        expectations.iter().cloned().map(Arc::new).partition(|expectation| expectation.is_broad());
    for expectation in single {
        let numbers: Vec<usize> = match &expectation.target {
            Target::Key(key) => by_key.get(key).copied().into_iter().collect(),
            target => {
                let places = keys.iter().enumerate();
                let is = |(number, (place, key)): &(usize, &(Place, Key))| {
                    target.is(&key.to_string(), place.line, text(*number))
                };
                places.filter(is).map(|(number, _)| number).collect()
            }
        };
        if numbers.is_empty() {
            found.unmatched.push(unmatched(&expectation, keys, &text));
        }
        for number in numbers {
            found.by_number.entry(number).or_default().push(Arc::clone(&expectation));
        }
    }
    for (number, expectation) in (0..keys.len()).flat_map(|number| broad.iter().map(move |one| (number, one)))
    {
        found.by_number.entry(number).or_default().push(Arc::clone(expectation));
    }
    found
}

/// The message for an expectation that matches no directive.
fn unmatched<'a>(
    expectation: &Expectation,
    keys: &[(Place, Key)],
    text: &dyn Fn(usize) -> &'a str,
) -> String {
    let origin = &expectation.origin;
    let what = match &expectation.target {
        Target::Directive { line: Some(line), text: Some(said) } => {
            let elsewhere = Target::Directive { line: None, text: Some(said.clone()) };
            let now = keys.iter().enumerate().find(|(number, _)| elsewhere.is("", 0, text(*number)));
            let now = now.map(|(_, (place, _))| format!(", but on line {}", place.line));
            format!("no directive on line {line} contains `{said}`{}", now.unwrap_or_default())
        }
        Target::Directive { line: Some(line), .. } => format!("no directive begins on line {line}"),
        Target::Directive { text: Some(said), .. } => format!("no directive contains `{said}`"),
        Target::Key(key) => format!("no directive has the key {key}"),
        _ => "it has no directive".to_owned(),
    };
    format!("{origin}: stale expectation: {what}; correct or remove the entry")
}

impl Found {
    /// The expectations of each directive, by its position.
    fn by_place(&self, keys: &[(Place, Key)]) -> HashMap<Place, &[Arc<Expectation>]> {
        let places = keys.iter().enumerate();
        let expected =
            places.filter_map(|(number, (place, _))| Some((*place, self.by_number.get(&number)?.as_slice())));
        expected.collect()
    }
}

/// Applies expectations to the result of a script that ended early.
pub(crate) fn under(found: &Found, keys: &[(Place, Key)], mut result: ScriptResult) -> ScriptResult {
    let by_place = found.by_place(keys);
    result.directives = result.directives.altered(|directive| {
        let expected = by_place.get(&directive.place).copied().unwrap_or_default();
        let directive = directive.to_owned();
        DirectiveResult { outcome: directive.outcome.under(expected), ..directive }
    });
    result
}

/// The entries that applied to a directive of a script, given its results.
pub(crate) fn used(found: &Found, keys: &[(Place, Key)], result: &ScriptResult) -> Vec<Origin> {
    let by_place = found.by_place(keys);
    let mut used: Vec<Origin> = Vec::new();
    for directive in &result.directives {
        let expected = by_place.get(&directive.place);
        let came = |expectation: &&Arc<Expectation>| match directive.outcome {
            Outcome::Skipped(_) => expectation.outcome == Expected::Skip,
            Outcome::ExpectedFailure(failure, _) => {
                let kind = failure.kind;
                expectation.outcome == Expected::Xfail && expectation.covers(&kind.to_string(), kind.is_end())
            }
            _ => false,
        };
        if let Some(expectation) = expected.and_then(|expected| expected.iter().find(came)) {
            used.push(expectation.origin.clone());
        }
    }
    used.sort_unstable();
    used.dedup();
    used
}

/// Tracks which entries applied during a run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    used: HashSet<Origin>,
    /// The completed scripts and guests, by suite and name.
    ran: HashSet<(String, String)>,
}

impl Tally {
    /// Adds the result of a case.
    pub(crate) fn add(&mut self, suite: &str, case: &str, finished: &Finished) {
        self.used.extend(finished.used.iter().cloned());
        let is_whole = match &finished.end {
            End::Judged(result) => !result.failures().any(|(_, failure)| failure.kind.is_end()),
            End::Ran(result) => result.ends().next().is_none(),
            End::Skipped { .. } => true,
            _ => false,
        };
        if is_whole {
            self.ran.insert((suite.to_owned(), case.to_owned()));
        }
    }

    /// The `wanted` entries whose cases all completed and that applied to no directive and no
    /// guest.
    pub(crate) fn stale<'a>(&self, suites: &'a [Suite], wanted: impl Fn(&Entry) -> bool) -> Vec<&'a Entry> {
        let files: Vec<&Arc<Expectations>> = suites.iter().flat_map(Suite::expectations).collect();
        if files.is_empty() {
            return Vec::new();
        }
        let names = |suite: &Suite| suite.cases().iter().map(|case| case.name().to_owned()).collect();
        let suites: Vec<(&Suite, Vec<String>)> = suites.iter().map(|suite| (suite, names(suite))).collect();
        let mut seen: Vec<*const Expectations> = Vec::new();
        let mut stale = Vec::new();
        for file in files {
            if seen.contains(&Arc::as_ptr(file)) {
                continue;
            }
            seen.push(Arc::as_ptr(file));
            let wanted = file.entries.iter().filter(|entry| wanted(entry));
            stale.extend(wanted.filter(|entry| self.is_stale(entry, &suites)));
        }
        stale
    }

    fn is_stale(&self, entry: &Entry, suites: &[(&Suite, Vec<String>)]) -> bool {
        if self.used.contains(entry.origin()) {
            return false;
        }
        let mut scripts = 0;
        for (suite, names) in suites.iter().filter(|(suite, _)| entry.applies_to_suite(suite)) {
            for script in names.iter().filter(|script| entry.applies_to(suite, script)) {
                if !self.ran.contains(&(suite.name().to_owned(), script.clone())) {
                    return false;
                }
                scripts += 1;
            }
        }
        scripts > 0
    }
}

/// The message for an entry that applied to nothing.
pub(crate) fn stale_message(entry: &Entry) -> String {
    format!("{}: {entry}: stale expectation: nothing failed in this way; remove the entry", entry.origin())
}
