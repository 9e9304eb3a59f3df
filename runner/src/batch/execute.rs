//! Runs a case in this process, from its file to its result.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use wassay_reports::Key;
use wassay_script::keys;
use wassay_script::reading::Reading;
use wassay_script::source::{Place, Source, SourceError};
use wassay_script::split;
use wassay_script::{Grammar, Judges, Observer, Options};
use wassay_terms::{Deadline, Features};
use wassay_testsuite::access::Budget;
use wassay_testsuite::conditions::Dialect;
use wassay_testsuite::expectation::{Expectation, Expected};
use wassay_testsuite::wasi::Guest;
use wassay_testsuite::{Case, ReadError, Script};

use super::progress::ScriptProgress;
use super::task::{CUT_SHORT, NOT_REACHED, Task};
use super::uses;
use super::watch::Watch;
use crate::catalogue::judging;
use crate::finished::{End, Finished};
use crate::printer::panic_message;
use crate::settings::Settings;
use crate::verdict::{Apart, Failure, FailureKind};
use crate::{expectations, wasi_case};

/// Runs a case and catches panics. Uses only the expectations given here. `watch` records its
/// progress.
pub(super) fn execute<E: Judges>(
    label: String,
    case: &Case,
    expected: &[Expectation],
    settings: &Settings,
    watch: &Arc<Watch>,
    seat: &mut Option<E>,
    make: &dyn Fn() -> E,
) -> Finished {
    let skips = |expected: &&Expectation| expected.is_broad() && expected.outcome == Expected::Skip;
    if let Some(skip) = expected.iter().find(skips) {
        let used = vec![skip.origin.clone()];
        return Finished { used, ..skipped(&label, case, skip.reason.clone()) };
    }
    match case {
        Case::Script(script) => run_script(label, script, expected, settings, watch, seat, make),
        Case::Guest(_) if !E::DRIVES_WASSAY && settings.guests.is_none() => not_asked(&label, case, FOREIGN),
        Case::Guest(guest) if settings.guests.is_some() && guest.variant().is_some() => {
            not_asked(&label, case, VARIANT)
        }
        Case::Guest(guest) => run_guest(label, guest, expected, settings),
        Case::Unreadable(unreadable) => {
            let message = format!("{label}: cannot be read: {}", unreadable.reason());
            Finished::new(label, End::Unusable { message, place: None })
        }
    }
}

/// The reason for skipping a guest on an engine whose description has no `[wasi]`.
const FOREIGN: &str =
    "WASI cases run on wassay's own engine, and on engines whose description has `[wasi]`; this one has none";

/// The reason for skipping a variant of a guest on another engine.
const VARIANT: &str = "a variant changes the process of wassay, and other engines run in their own processes";

/// The reason for skipping a script in another dialect on an engine that is driven by plans.
const DIALECT: &str = "the script is in the dialect of another runner, which cannot be driven by a plan";

/// The reason for skipping a script that relies on canonical NaNs on another engine.
const CANONICAL: &str = "the script relies on canonical NaNs, which cannot be asked of this engine";

/// The result of a case that the engine was not given, for this reason.
fn not_asked(label: &str, case: &Case, why: &str) -> Finished {
    let (directives, _) = count(label, case, false);
    let (message, apart) = (why.to_owned(), Some(Apart::NotApplicable));
    Finished::new(label.to_owned(), End::Skipped { message, directives, apart })
}

/// The result of a case that was not run; its directives are counted.
pub(super) fn not_run(task: &Task, why: &str, settings: &Settings) -> Finished {
    let (directives, keys) = count(&task.label, &task.case, settings.keys);
    let end = End::NotRun { message: why.to_owned(), directives };
    Finished { keys, ..Finished::new(task.label.clone(), end) }
}

/// The result of a case that cannot run here, for this reason.
pub(super) fn skipped(label: &str, case: &Case, message: String) -> Finished {
    let (directives, _) = count(label, case, false);
    Finished::new(label.to_owned(), End::Skipped { message, directives, apart: None })
}

/// The result of a case whose process ended without one.
pub(super) fn lost(task: &Task, progress: ScriptProgress, failure: Failure, settings: &Settings) -> Finished {
    let label = task.label.clone();
    match &task.case {
        Case::Script(script) => {
            let text = script.read().unwrap_or_default();
            let features = features_of(script, &label, &text, settings);
            ended_by(label, &text, progress, (&failure, None), task.expectations(), settings, features)
        }
        Case::Guest(guest) => {
            let (end, used) = wasi_case::under(&label, end(failure, checks(guest)), task.expectations());
            Finished { used, ..Finished::new(label, end) }
        }
        Case::Unreadable(_) => Finished::new(label, end(failure, 0)),
    }
}

/// The result of a case that was running when the run was interrupted; directives judged until then
/// count.
pub(super) fn cut_short(task: &Task, progress: ScriptProgress, settings: &Settings) -> Finished {
    let finished = match &task.case {
        Case::Script(script) if progress.begun.is_some() => {
            let failure = Failure::new(FailureKind::NotRun, CUT_SHORT);
            let text = script.read().unwrap_or_default();
            let features = features_of(script, &task.label, &text, settings);
            let failure = (&failure, Some(NOT_REACHED));
            ended_by(task.label.clone(), &text, progress, failure, task.expectations(), settings, features)
        }
        _ => not_run(task, CUT_SHORT, settings),
    };
    Finished { is_cut_short: true, ..finished }
}

/// The features for a script, if they can be determined.
fn features_of(script: &Script, label: &str, text: &str, settings: &Settings) -> Option<Features> {
    judging(script, label, text, settings.features).ok().map(|judging| judging.features)
}

/// Runs a script, from its file to its result.
fn run_script<E: Judges>(
    label: String,
    script: &Script,
    expected: &[Expectation],
    settings: &Settings,
    watch: &Arc<Watch>,
    seat: &mut Option<E>,
    make: &dyn Fn() -> E,
) -> Finished {
    let text = match script.read_within(&mut Budget::of_case(settings.max_memory)) {
        Ok(text) => text,
        Err(error) => return Finished::new(label, unreadable(&error)),
    };
    let judging = match judging(script, &label, &text, settings.features) {
        Ok(judging) => judging,
        Err(error) => {
            let place = error.place().map(|(line, column)| Place { line, column });
            return Finished::new(label, End::Unusable { message: error.to_string(), place });
        }
    };
    if judging.nan_canonicalization && !E::CANONICALIZES_NANS {
        return not_asked(&label, &Case::Script(script.clone()), CANONICAL);
    }
    if judging.dialect != Dialect::default() && !E::KNOWS_DIALECTS {
        return not_asked(&label, &Case::Script(script.clone()), DIALECT);
    }
    let options = Options {
        features: judging.features,
        match_kind: settings.match_kind,
        lines: settings.lines.clone(),
        left_out: settings.left_out.iter().copied().collect(),
        fail_fast: settings.fail_fast,
        timeout: settings.timeout,
        max_memory: settings.max_memory,
        nan_canonicalization: judging.nan_canonicalization,
        dialect: judging.dialect,
        observer: Some(Arc::clone(watch) as Arc<dyn Observer>),
        ..Options::default()
    };
    tracing::debug!(script = label, features = %options.features, "running a script");
    let mut finished = run_caught(label, &text, expected, options, (settings, &**watch), seat, make);
    finished.warnings = judging.warnings;
    finished.features = Some(judging.features.to_string());
    if settings.lines.is_none()
        && matches!(&finished.end, End::Judged(result) if result.directives.is_empty())
    {
        finished
            .warnings
            .push(format!("{}: no directive in this script: nothing was judged", finished.label));
    }
    finished
}

/// Runs a script and catches panics.
fn run_caught<E: Judges>(
    label: String,
    text: &str,
    expected: &[Expectation],
    mut options: Options,
    (settings, watch): (&Settings, &Watch),
    seat: &mut Option<E>,
    make: &dyn Fn() -> E,
) -> Finished {
    // Drop the progress of an earlier attempt.
    watch.take();
    let run_all = || {
        let embedder = seat.get_or_insert_with(make);
        let source = Source::new(&label, text);
        let grammar = Grammar::of(options.features);
        let reading = Reading::within(&source, grammar, settings.max_memory)?;
        let wanted = settings.keys || !expected.is_empty();
        let keys = if wanted { keys::in_parts(&reading) } else { Vec::new() };
        let found = expectations::find(expected, &reading, &keys);
        options.expected.clone_from(&found.by_number);
        let deadline = options.timeout.and_then(Deadline::after);
        let result = embedder.judge(&reading, &options);
        let used = expectations::used(&found, &keys, &result);
        let needs = if settings.uses {
            uses::needs(&reading, &result, &keys, (options.features, deadline))
        } else {
            Vec::new()
        };
        let keys = if settings.keys { keys } else { Vec::new() };
        Ok::<_, SourceError>(Finished {
            needs,
            keys,
            unmatched: found.unmatched,
            used,
            ..Finished::new(label.clone(), End::Judged(result))
        })
    };
    match catch_unwind(AssertUnwindSafe(run_all)) {
        Ok(Ok(finished)) => finished,
        Ok(Err(error)) => {
            let (message, place) = (error.to_string(), Some(error.place));
            Finished::new(label, End::Unusable { message, place })
        }
        Err(payload) => {
            // The embedder may be in any state after a panic: don't even drop it.
            mem::forget(seat.take());
            let failure = Failure::new(FailureKind::Crashed, panicked(&*payload));
            let features = Some(options.features);
            ended_by(label, text, watch.take(), (&failure, None), expected, settings, features)
        }
    }
}

/// The result of a script that a failure ended during or before its directives, with the reason for
/// those that did not run. It was judged under these features.
fn ended_by(
    label: String,
    text: &str,
    progress: ScriptProgress,
    (failure, not_run): (&Failure, Option<&str>),
    expected: &[Expectation],
    settings: &Settings,
    features: Option<Features>,
) -> Finished {
    let begun = progress.begun;
    let judged_under = features.map(|features| features.to_string());
    let ended = || {
        let source = Source::new(&label, text);
        let reading = Reading::new(&source, Grammar::default()).ok()?;
        let wanted = settings.keys || !expected.is_empty();
        let keys = if wanted { keys::in_parts(&reading) } else { Vec::new() };
        let not_run = match (not_run, begun?) {
            (Some(why), _) => why.to_owned(),
            (None, place) => format!("the script ended earlier, at {place}"),
        };
        let result = progress.ended_by(failure, &not_run, &reading, settings.lines.as_ref())?;
        let found = expectations::find(expected, &reading, &keys);
        let result = expectations::under(&found, &keys, result);
        let used = expectations::used(&found, &keys, &result);
        let features = features.filter(|_| settings.uses);
        let needs = features
            .map(|features| uses::needs(&reading, &result, &keys, (features, None)))
            .unwrap_or_default();
        let keys = if settings.keys { keys } else { Vec::new() };
        Some(Finished {
            keys,
            used,
            needs,
            unmatched: found.unmatched,
            ..Finished::new(label.clone(), End::Judged(result))
        })
    };
    if begun.is_some()
        && let Ok(Some(finished)) = catch_unwind(AssertUnwindSafe(ended))
    {
        return Finished { features: judged_under, ..finished };
    }
    // Parsing may be what ended it: count forms if it cannot be parsed.
    let source = Source::new(&label, text);
    let directives = split(&source).map_or(0, |forms| forms.len());
    Finished::new(label, end(failure.clone(), directives))
}

/// The end of a case by a failure that belongs to no directive.
fn end(failure: Failure, directives: usize) -> End {
    let message = failure.message;
    match failure.kind {
        FailureKind::Crashed => End::Crashed { message, directives },
        _ => End::TimedOut { message, directives },
    }
}

/// Runs a guest and catches panics.
fn run_guest(label: String, guest: &Guest, expected: &[Expectation], settings: &Settings) -> Finished {
    let run = || wasi_case::run(&label, guest, settings);
    let end = catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|payload| End::Crashed { message: panicked(&*payload), directives: checks(guest) });
    let (end, used) = wasi_case::under(&label, end, expected);
    let guest = if settings.keys { wasi_case::key(guest, settings) } else { None };
    Finished { guest, used, ..Finished::new(label, end) }
}

/// The number of judged steps of a guest, if it can be determined.
fn checks(guest: &Guest) -> usize {
    catch_unwind(|| wasi_case::checks(guest)).unwrap_or(0)
}

/// The number of directives or steps of a case that is not run, and the keys of its directives if
/// requested.
fn count(label: &str, case: &Case, wants_keys: bool) -> (usize, Vec<(Place, Key)>) {
    match case {
        Case::Script(script) => {
            let text = script.read().unwrap_or_default();
            let counted = || {
                let source = Source::new(label, &text);
                let reading = Reading::new(&source, Grammar::default()).ok()?;
                let keys = if wants_keys { keys::in_parts(&reading) } else { Vec::new() };
                Some((reading.directives(), keys))
            };
            catch_unwind(counted).ok().flatten().unwrap_or_default()
        }
        Case::Guest(guest) => (checks(guest), Vec::new()),
        Case::Unreadable(_) => (0, Vec::new()),
    }
}

/// The message for a panic of the runner or the engine.
fn panicked(payload: &(dyn Any + Send)) -> String {
    format!("the runner panicked, which is a fault of its own: {}", panic_message(payload))
}

fn unreadable(error: &ReadError) -> End {
    let place = match error {
        ReadError::NotUtf8 { line, column, .. } => Some(Place { line: *line, column: *column }),
        _ => None,
    };
    End::Unusable { message: error.to_string(), place }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_say_what_they_were_given() {
        let text: Box<dyn Any + Send> = Box::new("why");
        let string: Box<dyn Any + Send> = Box::new("why".to_owned());
        let other: Box<dyn Any + Send> = Box::new(7);
        assert!(panicked(&*text).ends_with(": why") && panicked(&*string).ends_with(": why"));
        assert!(panicked(&*other).ends_with(": no message"));
    }
}
