//! How long a case runs in this process, for where its engine does not end it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wassay_script::Observer;
use wassay_script::source::Place;
use wassay_terms::Deadline;

use super::course::{Course, Noted};
use crate::verdict::DirectiveResult;

/// How long a case may take to come to its first directive, which is to read and parse it and to
/// begin with the engine.
pub(super) const START: Duration = Duration::from_secs(30);

/// How long a case may go on when its time is over, to say so itself.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// Watches the attempts at one case: what it notes is what is known of one that is cut short or
/// never comes back.
pub(super) struct Watch {
    course: Noted,
    attempt: Mutex<Attempt>,
}

#[derive(Default)]
struct Attempt {
    /// When it began.
    begun: Option<Instant>,
    timeout: Option<Duration>,
    /// When it is given up.
    due: Option<Deadline>,
    /// Whether its first directive has begun.
    runs: bool,
    abandoned: bool,
}

impl Watch {
    /// A watch over a case that has not begun, which tells someone else of each directive too.
    pub(super) fn new(told: Option<Arc<dyn Observer>>) -> Watch {
        Watch { course: Noted::new(told), attempt: Mutex::default() }
    }

    /// How far the case has come since this was last asked.
    pub(super) fn take(&self) -> Course {
        self.course.take()
    }

    /// Begins an attempt in this process.
    pub(super) fn begin(&self, timeout: Option<Duration>) {
        let mut attempt = self.lock();
        let abandoned = attempt.abandoned;
        let due = timeout.and_then(|timeout| due(timeout.saturating_add(START)));
        *attempt = Attempt { begun: Some(Instant::now()), timeout, due, runs: false, abandoned };
    }

    /// Ends the attempt: nothing is overdue.
    pub(super) fn end(&self) {
        self.lock().begun = None;
    }

    /// Gives the attempt up where it runs for longer than its timeout and did not end by itself;
    /// says how far it had come, and how long it ran.
    pub(super) fn abandon(&self) -> Option<(Course, Duration)> {
        let mut attempt = self.lock();
        let begun = attempt.begun?;
        if !attempt.due?.is_over() {
            return None;
        }
        attempt.abandoned = true;
        attempt.begun = None;
        Some((self.course.take(), begun.elapsed()))
    }

    /// Whether it was given up.
    pub(super) fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Attempt> {
        self.attempt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a case is given up that was given so much time.
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
        self.course.begins(place);
    }

    fn judged(&self, result: &DirectiveResult) {
        self.course.judged(result);
    }

    fn ended(&self) {
        // What follows is no part of the script's time.
        self.end();
        self.course.ended();
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}
