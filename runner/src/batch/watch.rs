//! How long a case runs in this process, for where its engine does not end it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::course::{Course, Noted};
use crate::script::Observer;
use crate::script::source::Place;
use crate::verdict::DirectiveResult;

/// How long a case may take to come to its first directive, which is to read and parse it and to begin with the engine.
pub(super) const START: Duration = Duration::from_secs(30);

/// How long a case may go on when its time is over, to say so itself.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// Watches the attempts at one case: what it notes is what is known of one that is cut short or never comes back.
pub(super) struct Watch {
    course: Noted,
    attempt: Mutex<Attempt>,
}

#[derive(Default)]
struct Attempt {
    /// When it began, and when its first directive did.
    begun: Option<Instant>,
    first: Option<Instant>,
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
    pub(super) fn begin(&self) {
        let mut attempt = self.lock();
        let abandoned = attempt.abandoned;
        *attempt = Attempt { begun: Some(Instant::now()), first: None, abandoned };
    }

    /// Ends the attempt: nothing is overdue.
    pub(super) fn end(&self) {
        self.lock().begun = None;
    }

    /// Gives the attempt up where it runs for longer than `timeout` and did not end by itself; says how far it had come, and how long it ran.
    pub(super) fn abandon(&self, timeout: Duration) -> Option<(Course, Duration)> {
        let mut attempt = self.lock();
        let begun = attempt.begun?;
        let (since, limit) = match attempt.first {
            Some(first) => (first, timeout.saturating_add(GRACE)),
            None => (begun, timeout.saturating_add(GRACE).saturating_add(START)),
        };
        if since.elapsed() <= limit {
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

impl Observer for Watch {
    fn begins(&self, place: Place) {
        self.lock().first.get_or_insert_with(Instant::now);
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
