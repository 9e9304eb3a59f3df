//! `--expectations FILE`: what is expected of directives besides that they pass, and how such a file is renewed.

use std::fs;
use std::io;
use std::path::Path;

use wassay_testsuite::Case;
use wassay_testsuite::expectation::{Entry, Expectations, Expected};

use super::Error;
use crate::batch::{End, Finished, Selection};
use crate::verdict::Outcome;

/// Reads a file of expectations; one that is to be written may be missing.
pub(crate) fn read(path: &Path, may_be_missing: bool) -> Result<Expectations, Error> {
    let text = match fs::read_to_string(path) {
        Err(error) if may_be_missing && error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.map_err(|error| Error::System {
            what: format!("{}: cannot read the expectations", path.display()),
            error,
        })?,
    };
    Expectations::parse(&path.display().to_string(), &text).map_err(|error| Error::Usage(error.to_string()))
}

/// Gives each script what is expected of it. Where `complete`, every entry has to be about a script.
pub(crate) fn apply(
    expectations: &Expectations,
    path: &Path,
    selections: &mut [Selection],
    complete: bool,
) -> Result<(), Error> {
    for Selection { suite, cases } in &mut *selections {
        for script in cases.iter_mut().filter_map(Case::script_mut) {
            let of_script: Vec<_> = expectations.of(suite.name(), script.name()).collect();
            script.expect(of_script);
        }
    }
    let lost = expectations.entries.iter().find(|entry| complete && !is_of_any(entry, selections));
    lost.map_or(Ok(()), |entry| {
        let path = path.display();
        Err(Error::Usage(format!("{path}: {entry}: these suites have no such script; take the entry away")))
    })
}

fn is_of_any(entry: &Entry, selections: &[Selection]) -> bool {
    let is_of = |Selection { suite, cases }: &Selection| {
        cases.iter().filter_map(Case::script).any(|script| entry.is_of(suite.name(), script.name()))
    };
    selections.iter().any(is_of)
}

/// The expectations after a run: every directive that failed is expected to, none that passed is, and what was said of scripts that
/// were not run stays. Says also whether that covers all that was not as expected.
pub(crate) fn renewed(
    old: Expectations,
    selections: &[Selection],
    finished: &[Vec<Finished>],
) -> (Expectations, bool) {
    let (mut entries, mut covers) = (old.entries, true);
    for (Selection { suite, cases }, finished) in selections.iter().zip(finished) {
        for (script, finished) in cases.iter().zip(finished) {
            let End::Judged(result) = &finished.end else {
                covers = false;
                continue;
            };
            let (mut kept, mut failed) = (Vec::new(), Vec::new());
            for ((_, key), directive) in finished.keys.iter().zip(&result.directives) {
                match &directive.outcome {
                    Outcome::Skipped(_) | Outcome::ExpectedFailure(..) => kept.push(key.to_string()),
                    Outcome::Failed(failure) if failure.kind.is_end() => {
                        covers = false;
                    }
                    Outcome::Failed(failure) => failed.push(Entry {
                        suite: Some(suite.name().to_owned()),
                        script: script.name().to_owned(),
                        key: key.to_string(),
                        outcome: Expected::Xfail,
                        reason: format!("blessed, to be explained: {}: {}", failure.kind, failure.message),
                        link: None,
                    }),
                    Outcome::Passed | Outcome::UnexpectedPass(_) => {}
                }
            }
            entries.retain(|entry| !entry.is_of(suite.name(), script.name()) || kept.contains(&entry.key));
            entries.append(&mut failed);
        }
    }
    (Expectations { entries }, covers)
}

/// Writes a file of expectations.
pub(crate) fn write(expectations: &Expectations, path: &Path) -> Result<(), Error> {
    let failed =
        |error| Error::System { what: format!("{}: cannot write the expectations", path.display()), error };
    let text = expectations.render().map_err(|error| failed(io::Error::other(error)))?;
    fs::write(path, text).map_err(failed)
}
