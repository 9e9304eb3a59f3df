//! Watches the running time of cases in this process, in case the engine does not enforce it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wassay_script::Observer;
use wassay_script::source::Place;
use wassay_terms::Deadline;

use super::progress::{Noted, ScriptProgress};
use crate::verdict::DirectiveResult;

/// The time limit for a case to reach its first directive: reading, parsing and starting the
/// engine.
pub(super) const START: Duration = Duration::from_secs(30);

/// The grace period after a timeout, in which a case can end by itself.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// Watches the attempts at one case. Its records are the result of an attempt that is interrupted
/// or never returns.
pub(super) struct Watch {
    progress: Noted,
    attempt: Mutex<Attempt>,
    /// The number of directives judged so far.
    judged: AtomicU64,
}

#[derive(Default)]
struct Attempt {
    /// When the attempt started.
    begun: Option<Instant>,
    timeout: Option<Duration>,
    /// When to abandon it.
    due: Option<Deadline>,
    /// Whether its first directive has started.
    runs: bool,
    /// The number of directives judged at the last look, and when it was first seen.
    seen: Option<(u64, Instant)>,
    abandoned: bool,
}

impl Watch {
    /// Creates a watch for a case that has not started; directives are forwarded to `told`.
    pub(super) fn new(told: Option<Arc<dyn Observer>>) -> Watch {
        Watch { progress: Noted::new(told), attempt: Mutex::default(), judged: AtomicU64::new(0) }
    }

    /// Takes the progress since the last call.
    pub(super) fn take(&self) -> ScriptProgress {
        self.progress.take()
    }

    /// Starts an attempt in this process.
    pub(super) fn begin(&self, timeout: Option<Duration>) {
        let mut attempt = self.lock();
        let abandoned = attempt.abandoned;
        let due = timeout.and_then(|timeout| due(timeout.saturating_add(START)));
        *attempt = Attempt { begun: Some(Instant::now()), timeout, due, runs: false, seen: None, abandoned };
    }

    /// Ends the attempt: it is no longer overdue.
    pub(super) fn end(&self) {
        self.lock().begun = None;
    }

    /// Abandons the attempt if it is over its deadline and makes no progress; returns its progress
    /// and running time.
    ///
    /// While directives are judged after the deadline, the engine has returned: what remains is to
    /// record the directives that were not reached.
    pub(super) fn abandon(&self) -> Option<(ScriptProgress, Duration)> {
        let mut attempt = self.lock();
        let begun = attempt.begun?;
        let judged = self.judged.load(Ordering::Relaxed);
        let since = match attempt.seen {
            Some((seen, since)) if seen == judged => since,
            _ => attempt.seen.insert((judged, Instant::now())).1,
        };
        if !attempt.due?.is_over() || (judged > 0 && since.elapsed() < GRACE) {
            return None;
        }
        attempt.abandoned = true;
        attempt.begun = None;
        Some((self.progress.take(), begun.elapsed()))
    }

    /// Whether it was abandoned.
    pub(super) fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Attempt> {
        self.attempt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When to abandon a case with this time limit.
fn due(time: Duration) -> Option<Deadline> {
    Deadline::after(time.saturating_add(GRACE))
}

impl Observer for Watch {
    fn begins(&self, place: Place) {
        let mut attempt = self.lock();
        if !std::mem::replace(&mut attempt.runs, true) {
            attempt.due = attempt.timeout.and_then(due);
        }
        drop(attempt);
        self.progress.begins(place);
    }

    fn judged(&self, result: &DirectiveResult) {
        self.judged.fetch_add(1, Ordering::Relaxed);
        self.progress.judged(result);
    }

    fn ended(&self) {
        // What follows does not count towards the timeout.
        self.end();
        self.progress.ended();
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;
    use crate::verdict::Outcome;

    #[test]
    fn a_case_is_abandoned_after_its_deadline_if_no_directive_is_judged() {
        let watch = Watch::new(None);
        let result = DirectiveResult {
            place: Place { line: 1, column: 1 },
            keyword: "invoke".into(),
            outcome: Outcome::Skipped("the script timed out earlier".to_owned()),
            text_not_compared: false,
            reader_only: false,
            coarse: false,
        };
        watch.begin(Some(Duration::ZERO));
        watch.begins(Place { line: 1, column: 1 });
        let judging = Instant::now();
        while judging.elapsed() < GRACE + GRACE / 2 {
            watch.judged(&result);
            assert!(watch.abandon().is_none(), "{:?}", judging.elapsed());
            sleep(Duration::from_millis(20));
        }
        let waiting = Instant::now();
        while watch.abandon().is_none() {
            sleep(Duration::from_millis(20));
        }
        assert!(waiting.elapsed() > GRACE / 2 && watch.is_abandoned());
    }
}
