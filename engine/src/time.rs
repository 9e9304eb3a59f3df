//! Deadlines that count only the time in which the process runs.
//!
//! A process that is stopped (`SIGSTOP`, a suspended machine) does nothing, while the system's
//! monotonic clock goes on. Nothing tells a process how long it was stopped, so a thread looks at
//! the clock every [`TICK`] as long as a deadline lies ahead: a step much larger than that is time
//! in which the process did not run, and moves every deadline.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::vm::call::interrupted;
use crate::vm::sys::watchdog;

/// How often the clock is looked at while a deadline lies ahead.
pub(crate) const TICK: Duration = Duration::from_millis(25);

/// A step of the clock that is larger than this counts as one of [`TICK`]. A thread that waits for a
/// processor rarely waits for longer.
const LONGEST: Duration = Duration::from_millis(100);

/// A point of time. The time in which the process is stopped does not bring it nearer, but for a
/// tenth of a second of each stop.
///
/// ```
/// use std::time::Duration;
/// use wassay_engine::Deadline;
///
/// let deadline = Deadline::after(Duration::from_millis(20)).expect("the clock goes further");
/// assert!(!deadline.is_over());
/// std::thread::sleep(deadline.left());
/// assert!(deadline.is_over());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    /// Where it lies unless the process is stopped.
    at: Instant,
    /// How long the process had been stopped in all when the deadline was set.
    stopped: Duration,
}

impl Deadline {
    /// The deadline after this much time, or `None` where the clock does not go so far.
    pub fn after(time: Duration) -> Option<Deadline> {
        Instant::now().checked_add(time).map(Deadline::from)
    }

    /// Whether it has passed.
    pub fn is_over(self) -> bool {
        let (now, stopped) = CLOCK.now();
        self.moved(stopped) <= now
    }

    /// How much time is left; zero after it has passed.
    pub fn left(self) -> Duration {
        let (now, stopped) = CLOCK.now();
        self.moved(stopped).saturating_duration_since(now)
    }

    /// The instant at which it passes unless the process is stopped before.
    pub fn instant(self) -> Instant {
        self.moved(CLOCK.now().1)
    }

    fn moved(self, stopped: Duration) -> Instant {
        let since = stopped.saturating_sub(self.stopped);
        self.at.checked_add(since).unwrap_or(self.at)
    }
}

impl From<Instant> for Deadline {
    fn from(at: Instant) -> Deadline {
        let deadline = Deadline { at, stopped: CLOCK.now().1 };
        // Where no thread can be started, stops count.
        let _ = watchdog::keep_time(deadline);
        deadline
    }
}

/// Fails where a deadline has passed.
///
/// # Errors
///
/// [`Interrupted`](crate::ErrorKind::Interrupted).
pub(crate) fn in_time(deadline: Option<Deadline>) -> Result<()> {
    if deadline.is_some_and(Deadline::is_over) { Err(interrupted()) } else { Ok(()) }
}

/// The clock of the process.
pub(crate) static CLOCK: Clock = Clock {
    begin: OnceLock::new(),
    ticks: AtomicBool::new(false),
    seen: AtomicU64::new(0),
    stopped: AtomicU64::new(0),
    noting: Mutex::new(()),
};

/// What is known of the time in which the process was stopped. Times are nanoseconds since `begin`.
#[derive(Debug)]
pub(crate) struct Clock {
    begin: OnceLock<Instant>,
    /// Whether a thread looks at the clock all the time, so that a large step means a stop.
    ticks: AtomicBool,
    /// When the process was last known to run. Written after `stopped`, so that whoever reads a
    /// recent time here finds the stop before it counted there.
    seen: AtomicU64,
    /// How long it was stopped in all.
    stopped: AtomicU64,
    /// Held by the thread that counts a stop.
    noting: Mutex<()>,
}

impl Clock {
    /// The time, and how long the process was stopped until then. What is compared with the time must
    /// not be read before it: the process may be stopped at any moment.
    pub(crate) fn now(&self) -> (Instant, Duration) {
        let now = Instant::now();
        let at = self.nanoseconds(now);
        if self.ticks.load(Ordering::Acquire) && self.is_step(at, self.seen.load(Ordering::Acquire)) {
            self.note(at);
        }
        (now, Duration::from_nanos(self.stopped.load(Ordering::Acquire)))
    }

    /// As [`Clock::now`], for the thread that looks at the clock all the time.
    pub(crate) fn tick(&self) -> Instant {
        let (now, _) = self.now();
        self.seen.fetch_max(self.nanoseconds(now), Ordering::AcqRel);
        now
    }

    /// Says whether a thread looks at the clock all the time from now on.
    pub(crate) fn set_ticking(&self, ticks: bool) {
        self.seen.fetch_max(self.nanoseconds(Instant::now()), Ordering::AcqRel);
        self.ticks.store(ticks, Ordering::Release);
    }

    fn note(&self, at: u64) {
        let _noting = self.noting.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = self.seen.load(Ordering::Acquire);
        if self.is_step(at, seen) {
            self.stopped.fetch_add(at - seen - TICK.as_nanos() as u64, Ordering::AcqRel);
            self.seen.fetch_max(at, Ordering::AcqRel);
        }
    }

    fn is_step(&self, at: u64, seen: u64) -> bool {
        at.saturating_sub(seen) > LONGEST.as_nanos() as u64
    }

    fn nanoseconds(&self, now: Instant) -> u64 {
        let begin = *self.begin.get_or_init(|| now);
        u64::try_from(now.saturating_duration_since(begin).as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_step_counts_as_a_tick() {
        let clock = Clock {
            begin: OnceLock::new(),
            ticks: AtomicBool::new(false),
            seen: AtomicU64::new(0),
            stopped: AtomicU64::new(0),
            noting: Mutex::new(()),
        };
        let sleep = || std::thread::sleep(LONGEST + Duration::from_millis(50));
        clock.now();
        sleep();
        assert_eq!(clock.now().1, Duration::ZERO, "nobody looked at the clock meanwhile");
        clock.set_ticking(true);
        assert_eq!(clock.now().1, Duration::ZERO);
        sleep();
        let (_, stopped) = clock.now();
        assert!(stopped >= LONGEST + Duration::from_millis(50) - TICK, "{stopped:?}");
        assert_eq!(clock.now().1, stopped, "a stop counts once");
        clock.tick();
        clock.set_ticking(false);
        sleep();
        assert_eq!(clock.now().1, stopped);
    }

    #[test]
    fn a_deadline_moves_by_the_time_of_a_stop() {
        let (now, _) = CLOCK.now();
        let deadline = Deadline { at: now, stopped: Duration::ZERO };
        assert_eq!(deadline.moved(Duration::from_secs(3)), now + Duration::from_secs(3));
        assert!(Deadline { at: now, ..Deadline::from(now) }.is_over());
        assert!(Deadline::after(Duration::MAX).is_none());
    }
}
