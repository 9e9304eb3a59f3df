//! Deadlines that exclude the time in which the process is stopped.
//!
//! A stopped process (`SIGSTOP`, a suspended machine) does nothing, while the system's monotonic
//! clock continues. A process cannot find out how long it was stopped. Therefore a thread reads the
//! clock every `TICK` while there is a deadline in the future: a much larger step is time in which
//! the process did not run, and moves every deadline by that time.

use std::collections::BTreeMap;
use std::io;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How often the clock is read while there is a deadline in the future.
const TICK: Duration = Duration::from_millis(25);

/// A larger step of the clock counts as one [`TICK`]. A thread that waits for a processor rarely
/// waits longer.
const MAX_STEP: Duration = Duration::from_millis(100);

/// A point in time. Time in which the process is stopped does not count, except for at most 100 ms
/// of each stop.
///
/// ```
/// use std::time::Duration;
/// use wassay_terms::Deadline;
///
/// let deadline = Deadline::after(Duration::from_millis(20)).expect("the clock's range suffices");
/// assert!(!deadline.is_over());
/// std::thread::sleep(deadline.left());
/// assert!(deadline.is_over());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    /// When the deadline passes if the process is not stopped.
    at: Instant,
    /// The total time that the process had been stopped when the deadline was set.
    stopped: Duration,
}

impl Deadline {
    /// The deadline after this duration, or `None` if it is beyond the range of the clock.
    pub fn after(time: Duration) -> Option<Deadline> {
        Instant::now().checked_add(time).map(Deadline::from)
    }

    /// Whether the deadline has passed.
    pub fn is_over(self) -> bool {
        let (now, stopped) = CLOCK.now();
        self.moved(stopped) <= now
    }

    /// The time left, or zero if the deadline has passed.
    pub fn left(self) -> Duration {
        let (now, stopped) = CLOCK.now();
        self.moved(stopped).saturating_duration_since(now)
    }

    /// When the deadline passes if the process is not stopped until then.
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
        // If the thread cannot be started, stopped time counts.
        let _ = keep_time(deadline);
        deadline
    }
}

/// A callback for a watched deadline that has passed. It gets the current time and returns the time
/// at which to call it again.
type Overdue = Box<dyn FnMut(Instant) -> Instant + Send>;

/// A watched deadline. When this is dropped, the callback is not called any more.
#[derive(Debug)]
pub struct Watch {
    number: u64,
}

/// Calls a function when a deadline has passed, on a thread that watches the clock for the whole
/// process. The function must be short, because it delays all other deadlines.
///
/// # Errors
///
/// Returns an error if the thread cannot be started.
pub fn watch(
    deadline: Deadline,
    overdue: impl FnMut(Instant) -> Instant + Send + 'static,
) -> io::Result<Watch> {
    let watchdog = watchdog()?;
    let mut watched = watchdog.lock();
    let number = watched.next;
    watched.next += 1;
    watched.entries.insert(number, (deadline, Box::new(overdue)));
    // Most work finishes before its deadline, and should not wake a thread that would have nothing
    // to do.
    watchdog.wake_by(watched, deadline);
    Ok(Watch { number })
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Ok(watchdog) = watchdog() {
            watchdog.lock().entries.remove(&self.number);
        }
    }
}

/// Runs work that cannot be interrupted on a separate thread, with this name and stack size in
/// bytes. Returns `None` if the deadline passes first. The thread then continues in the background,
/// and its result is dropped. If no thread can be started, runs the work on this thread without a
/// deadline.
///
/// # Panics
///
/// Panics with the same payload if the work panics.
pub fn aside<T: Send + 'static>(
    deadline: Deadline,
    (name, stack): (&str, usize),
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    // If the thread cannot be started, its closure is dropped; the work is kept here.
    let work = Arc::new(Mutex::new(Some(work)));
    let take = |work: &Mutex<Option<_>>| work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (sender, receiver) = mpsc::channel();
    let theirs = Arc::clone(&work);
    let thread = std::thread::Builder::new().name(name.to_owned()).stack_size(stack).spawn(move || {
        // After the deadline, the receiver has been dropped.
        let _ = sender.send(take(&theirs).map(|work| work()));
    });
    let Ok(thread) = thread else {
        return take(&work).map(|work| work());
    };
    loop {
        match receiver.recv_timeout(deadline.left()) {
            Ok(done) => return done,
            Err(RecvTimeoutError::Timeout) if deadline.is_over() => return None,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panic) => resume_unwind(panic),
                Ok(()) => unreachable!("the thread sends before it ends"),
            },
        }
    }
}

/// Keeps reading the clock until that deadline has passed, so that it moves while the process is
/// stopped.
///
/// # Errors
///
/// Returns an error if the thread cannot be started.
fn keep_time(deadline: Deadline) -> io::Result<()> {
    let watchdog = watchdog()?;
    let mut watched = watchdog.lock();
    if watched.last.is_none_or(|last| last.instant() < deadline.instant()) {
        watched.last = Some(deadline);
    }
    watchdog.wake_by(watched, deadline);
    Ok(())
}

fn watchdog() -> io::Result<&'static Watchdog> {
    static WATCHDOG: Watchdog = Watchdog { watched: Mutex::new(Watched::new()), changed: Condvar::new() };
    static STARTED: OnceLock<Result<(), io::ErrorKind>> = OnceLock::new();
    let started = STARTED.get_or_init(|| {
        let thread = std::thread::Builder::new().name("wassay-watchdog".into());
        thread.spawn(|| WATCHDOG.run()).map(drop).map_err(|error| error.kind())
    });
    started.map_err(io::Error::from)?;
    Ok(&WATCHDOG)
}

/// The thread that watches the clock.
struct Watchdog {
    watched: Mutex<Watched>,
    changed: Condvar,
}

struct Watched {
    next: u64,
    /// When the thread will read the clock next; `None` if it sleeps until woken.
    wakes: Option<Instant>,
    /// The latest of the deadlines for which time is kept.
    last: Option<Deadline>,
    entries: BTreeMap<u64, (Deadline, Overdue)>,
}

impl Watched {
    const fn new() -> Watched {
        Watched { next: 0, wakes: None, last: None, entries: BTreeMap::new() }
    }
}

impl Watchdog {
    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the thread if it would read the clock too late for a deadline.
    fn wake_by(&self, watched: MutexGuard<'_, Watched>, deadline: Deadline) {
        let is_idle = watched.wakes.is_none();
        if is_idle {
            // Set here already, because the thread wakes up later.
            CLOCK.set_ticking(true);
        }
        if is_idle || watched.wakes.is_none_or(|wakes| deadline.instant() < wakes) {
            drop(watched);
            self.changed.notify_one();
        }
    }

    fn run(&self) -> ! {
        let mut watched = self.lock();
        loop {
            let now = CLOCK.tick();
            let due = watched.entries.values_mut().map(|(deadline, overdue)| match deadline.instant() {
                passed if passed <= now => overdue(now),
                ahead => ahead,
            });
            let due = due.min();
            let is_pending = watched.last.is_some_and(|last| last.instant() > now);
            let tick = (is_pending || due.is_some()).then_some(now + TICK);
            if tick.is_none() {
                (watched.last, watched.wakes) = (None, None);
                CLOCK.set_ticking(false);
                watched = self.changed.wait(watched).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            watched.wakes = due.into_iter().chain(tick).min();
            let wake = watched.wakes.unwrap_or(now);
            let wait = self.changed.wait_timeout(watched, wake.saturating_duration_since(now));
            watched = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The clock of the process.
static CLOCK: Clock = Clock {
    begin: OnceLock::new(),
    ticks: AtomicBool::new(false),
    seen: AtomicU64::new(0),
    stopped: AtomicU64::new(0),
    counting: Mutex::new(()),
};

/// The time that the process was stopped. Times are nanoseconds since `begin`.
#[derive(Debug)]
struct Clock {
    begin: OnceLock<Instant>,
    /// Whether the thread is reading the clock, so that a large step means that the process was
    /// stopped.
    ticks: AtomicBool,
    /// When the process was last known to run. Written after `stopped`, so that a thread that reads
    /// a recent time here also sees the stop before it.
    seen: AtomicU64,
    /// The total time that the process was stopped.
    stopped: AtomicU64,
    /// Held while a stop is counted.
    counting: Mutex<()>,
}

impl Clock {
    /// Returns the current time, and the time that the process was stopped until now. Read values
    /// to compare with after calling this, since the process may be stopped at any moment.
    fn now(&self) -> (Instant, Duration) {
        let now = Instant::now();
        let at = self.nanoseconds(now);
        if self.ticks.load(Ordering::Acquire) && self.is_step(at, self.seen.load(Ordering::Acquire)) {
            self.count_stop(at);
        }
        (now, Duration::from_nanos(self.stopped.load(Ordering::Acquire)))
    }

    /// Like [`Clock::now`], for the thread that reads the clock periodically.
    fn tick(&self) -> Instant {
        let (now, _) = self.now();
        self.seen.fetch_max(self.nanoseconds(now), Ordering::AcqRel);
        now
    }

    /// Sets whether the thread reads the clock periodically from now on.
    fn set_ticking(&self, ticks: bool) {
        self.seen.fetch_max(self.nanoseconds(Instant::now()), Ordering::AcqRel);
        self.ticks.store(ticks, Ordering::Release);
    }

    fn count_stop(&self, at: u64) {
        let _counting = self.counting.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = self.seen.load(Ordering::Acquire);
        if self.is_step(at, seen) {
            self.stopped.fetch_add(at - seen - TICK.as_nanos() as u64, Ordering::AcqRel);
            self.seen.fetch_max(at, Ordering::AcqRel);
        }
    }

    fn is_step(&self, at: u64, seen: u64) -> bool {
        at.saturating_sub(seen) > MAX_STEP.as_nanos() as u64
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
    fn work_that_misses_its_deadline_continues_in_the_background() {
        const THREAD: (&str, usize) = ("test", 1 << 20);
        let in_a_minute = Deadline::after(Duration::from_secs(60)).unwrap();
        assert_eq!(aside(in_a_minute, THREAD, || 7), Some(7));
        let soon = Deadline::after(Duration::from_millis(20)).unwrap();
        let (ends, ended) = mpsc::channel::<()>();
        assert_eq!(aside(soon, THREAD, move || ended.recv().is_ok()), None);
        drop(ends);
    }

    #[test]
    fn a_large_step_counts_as_a_tick() {
        let clock = Clock {
            begin: OnceLock::new(),
            ticks: AtomicBool::new(false),
            seen: AtomicU64::new(0),
            stopped: AtomicU64::new(0),
            counting: Mutex::new(()),
        };
        let sleep = || std::thread::sleep(MAX_STEP + Duration::from_millis(50));
        clock.now();
        sleep();
        assert_eq!(clock.now().1, Duration::ZERO, "nothing read the clock meanwhile");
        clock.set_ticking(true);
        assert_eq!(clock.now().1, Duration::ZERO);
        sleep();
        let (_, stopped) = clock.now();
        assert!(stopped >= MAX_STEP + Duration::from_millis(50) - TICK, "{stopped:?}");
        assert_eq!(clock.now().1, stopped, "a stop counts once");
        clock.tick();
        clock.set_ticking(false);
        sleep();
        assert_eq!(clock.now().1, stopped);
    }

    #[test]
    fn a_deadline_moves_by_the_stopped_time() {
        let (now, _) = CLOCK.now();
        let deadline = Deadline { at: now, stopped: Duration::ZERO };
        assert_eq!(deadline.moved(Duration::from_secs(3)), now + Duration::from_secs(3));
        assert!(Deadline { at: now, ..Deadline::from(now) }.is_over());
        assert!(Deadline::after(Duration::MAX).is_none());
    }
}
