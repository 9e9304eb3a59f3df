//! `--expectations FILE`: reads, applies and rewrites files of expected failures.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anstyle::Style;
use wassay_reports::terminal::Text;
use wassay_script::source::Place;
use wassay_testsuite::Suite;
use wassay_testsuite::access::{Budget, read_text};
use wassay_testsuite::expectation::{
    Added, Document, Entry, ExpectationError, Expectations, Expected, HEAD, one_line,
};

use super::{Error, destination, plural};
use crate::batch::{End, Finished, Selection};
use crate::expectations::{ExpectationsError, Tally, expecting};
use crate::verdict::{Failure, Outcome, ScriptResult};

/// The maximum number of characters of a directive's text in an entry.
const SHOWN: usize = 100;

/// A file of expectations.
pub(crate) struct File {
    path: PathBuf,
    text: String,
    expectations: Arc<Expectations>,
}

/// The changes of a file by blessing.
#[derive(Debug, Default)]
pub(crate) struct Blessed {
    written: usize,
    kept: usize,
    /// The entries that were removed.
    removed: Vec<String>,
    /// Failures without an entry.
    left_out: Vec<String>,
}

impl File {
    /// Reads a file. It may be missing if `may_be_missing`.
    pub(crate) fn read(path: &Path, may_be_missing: bool) -> Result<File, Error> {
        let text = match read_text(path, &mut Budget::of_expectations()) {
            Err(error) if may_be_missing && error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.map_err(|error| ExpectationsError::Unreadable { path: path.to_owned(), error })?,
        };
        let parsed = Expectations::parse(&path.display().to_string(), &text);
        let expectations = Arc::new(parsed.map_err(ExpectationsError::from)?);
        if may_be_missing {
            let what = format!("{}: cannot write the expectations", path.display());
            destination::check(path).map_err(|error| Error::Usage(format!("{what}: {error}")))?;
        }
        Ok(File { path: path.to_owned(), text, expectations })
    }

    /// Applies the file to the suites. Its entries must match something unless
    /// `may_be_about_nothing`.
    pub(crate) fn apply(&self, suites: Vec<Suite>, may_be_about_nothing: bool) -> Result<Vec<Suite>, Error> {
        match expecting(suites.clone(), Arc::clone(&self.expectations)) {
            Err(ExpectationsError::NoEntry { .. }) if may_be_about_nothing => Ok(suites),
            applied => Ok(applied?),
        }
    }

    /// Applies a file that will be rewritten to the suites.
    pub(crate) fn apply_to_bless(&self, suites: Vec<Suite>) -> Vec<Suite> {
        suites.into_iter().map(|suite| suite.expecting(Arc::clone(&self.expectations))).collect()
    }

    /// Rewrites the file to match a run's failures. Entries about scripts that did not run are
    /// kept.
    pub(crate) fn bless(
        &self,
        selections: &[Selection],
        finished: &[Vec<Finished>],
    ) -> Result<Blessed, Error> {
        let unclear = |error: &dyn std::fmt::Display| {
            let message = one_line(&error.to_string());
            let file = self.path.display().to_string();
            Error::from(ExpectationsError::from(ExpectationError { file, line: 1, message }))
        };
        let mut document = Document::parse(&self.text).map_err(|error| unclear(&error))?;
        let (mut blessed, mut added) = (Blessed::default(), Vec::new());
        let suites: Vec<Suite> = selections.iter().map(|selection| selection.suite.clone()).collect();
        let tally = tally(selections, finished);
        let stale = tally.stale(&suites, |_| true);
        let mut removed = Vec::new();
        for (index, entry) in self.expectations.entries.iter().enumerate() {
            if stale.iter().any(|stale| stale.origin() == entry.origin()) {
                removed.push(index);
                blessed.removed.push(format!("{}: {entry}", entry.origin()));
            }
        }
        for (Selection { suite, cases }, finished) in selections.iter().zip(finished) {
            for (case, finished) in cases.iter().zip(finished) {
                let of_case = self.expectations.entries.iter().enumerate();
                let of_case: Vec<(usize, &Entry)> =
                    of_case.filter(|(_, entry)| entry.applies_to(suite, case.name())).collect();
                match &finished.end {
                    End::Judged(result) => {
                        let judged = Judged { finished, result, of_case: &of_case };
                        judged.locate(&mut document);
                        added.extend(judged.failed(suite, case.name(), &mut blessed.left_out));
                    }
                    _ if finished.is_expected() => {}
                    _ => blessed.left_out.push(finished.render(false).trim_end().to_owned()),
                }
            }
        }
        // Replace entries that expect another kind of failure.
        for new in &added {
            for (index, old) in self.expectations.entries.iter().enumerate() {
                if old.is_about_key(&new.key) && old.is_in(new) && !removed.contains(&index) {
                    removed.push(index);
                    blessed.removed.push(format!("{}: {old}", old.origin()));
                }
            }
        }
        blessed.kept = self.expectations.entries.len() - removed.len();
        blessed.written = added.len();
        document.remove(&removed);
        document.add(&added);
        let text = document.to_string();
        let text = if text.is_empty() { HEAD.to_owned() } else { text };
        if text != self.text {
            let what = format!("{}: cannot write the expectations", self.path.display());
            destination::write(&self.path, text.as_bytes()).map_err(|error| Error::System { what, error })?;
        }
        Ok(blessed)
    }
}

/// Tallies which expectations the scripts of a run used.
pub(crate) fn tally(selections: &[Selection], finished: &[Vec<Finished>]) -> Tally {
    let mut tally = Tally::default();
    for (Selection { suite, cases }, finished) in selections.iter().zip(finished) {
        for (case, finished) in cases.iter().zip(finished) {
            tally.add(suite.name(), case.name(), finished);
        }
    }
    tally
}

impl Blessed {
    /// Whether the file now covers every unexpected result.
    pub(crate) fn covers_all(&self) -> bool {
        self.left_out.is_empty()
    }

    /// A summary of what was written and left out.
    pub(crate) fn render(&self, path: &Path) -> Text {
        let entries =
            |count: usize| if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
        let mut text = Text::new(false);
        text.line(format_args!(
            "{}: {} written, {} kept, {} removed",
            path.display(),
            entries(self.written),
            self.kept,
            self.removed.len()
        ));
        self.removed.iter().for_each(|entry| {
            text.line(format_args!("  removed: {entry}"));
        });
        if !self.left_out.is_empty() {
            let why = "timeouts, crashes and unusable files need an entry with a `kind` or with the outcome `skip`, \
            written by hand";
            text.line(format_args!("  left out: {}: {why}", plural(self.left_out.len(), "failure")));
            self.left_out.iter().for_each(|lines| {
                text.block("    ", lines, |_| Style::new());
            });
        }
        text
    }
}

/// A judged script, and the entries about it with their indices in the file.
struct Judged<'a> {
    finished: &'a Finished,
    result: &'a ScriptResult,
    of_case: &'a [(usize, &'a Entry)],
}

impl Judged<'_> {
    fn key(&self, place: Place) -> Option<String> {
        let at = self.finished.keys.binary_search_by_key(&place, |(place, _)| *place).ok()?;
        self.finished.keys.get(at).map(|(_, key)| key.to_string())
    }

    /// Updates the positions of directives in the entries that are kept.
    fn locate(&self, document: &mut Document) {
        for directive in self.result.directives.others() {
            let Outcome::ExpectedFailure(failure, _) = &directive.outcome else { continue };
            let Some(key) = self.key(directive.place) else { continue };
            for (index, _) in self.of_case.iter().filter(|(_, entry)| entry.is_about_key(&key)) {
                document.locate(*index, directive.place.line, &shortened(&failure.source));
            }
        }
    }

    /// Entries for the failures. Failures that ended the script, and directives that were not
    /// reached, are left out.
    fn failed(&self, suite: &Suite, script: &str, left_out: &mut Vec<String>) -> Vec<Added> {
        let mut added = Vec::new();
        let mut not_run = 0;
        for directive in self.result.directives.others() {
            let Outcome::Failed(failure) = &directive.outcome else { continue };
            let place = directive.place;
            if failure.kind == crate::verdict::FailureKind::NotRun {
                not_run += 1;
            } else if failure.kind.is_end() {
                left_out
                    .push(format!("{}:{place}: {}: {}", self.finished.label, failure.kind, failure.message));
            } else if let Some(key) = self.key(place) {
                added.push(entry(suite, script, key, place, failure));
            }
        }
        if let Some(message) = self.result.not_listed() {
            left_out.push(format!("{}: not-listed: {message}", self.finished.label));
        }
        if not_run > 0 {
            left_out.push(format!("{}: not-run: {}", self.finished.label, plural(not_run, "directive")));
        }
        added
    }
}

fn entry(suite: &Suite, script: &str, key: String, place: Place, failure: &Failure) -> Added {
    Added {
        suite: suite.name().to_owned(),
        script: script.to_owned(),
        key,
        line: place.line,
        text: shortened(&failure.source),
        kind: failure.kind.to_string(),
        outcome: Expected::Xfail,
        reason: format!("blessed, to be explained: {}", failure.message),
    }
}

/// The text of a directive, shortened to one line.
fn shortened(source: &str) -> String {
    let line = one_line(source);
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(&line).trim_end()),
        None => line,
    }
}
