//! Deadlines: one thread of the process watches the clock for all others.
//!
//! Code has no checks for this. When a deadline has passed, the watchdog marks the store, which code
//! of ours that works for long looks at, and sends the thread a signal, again and again until the
//! thread is found in compiled code, whose frames own nothing and can be left (see
//! [`signal`](super::signal)). The signals also end what the thread waits for in the system.
//!
//! As long as a deadline lies ahead, the watchdog looks at the clock every few milliseconds, so that
//! it notices when the process was stopped (see [`time`](crate::time)).

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::signal::INTERRUPT;
use crate::time::{CLOCK, Deadline, TICK};
use crate::vm::layout::VmStore;
use crate::vm::ptr::VmPtr;

/// How long the watchdog waits before it signals a thread again.
const AGAIN: Duration = Duration::from_millis(1);

/// A thread under watch until this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    number: u64,
}

struct Watched {
    next: u64,
    /// When the watchdog looks at the clock next; never, while that is `None`.
    wakes: Option<Instant>,
    /// The last of the deadlines for which time is kept.
    last: Option<Deadline>,
    threads: BTreeMap<u64, Entry>,
}

struct Entry {
    deadline: Deadline,
    thread: libc::pthread_t,
    store: VmPtr<VmStore>,
}

struct Watchdog {
    watched: Mutex<Watched>,
    changed: Condvar,
}

/// Watches the running thread, which runs code of that store.
///
/// # Errors
///
/// Where the watchdog's own thread could not be started.
pub(crate) fn watch(store: VmPtr<VmStore>, deadline: Deadline) -> std::io::Result<Watch> {
    let watchdog = watchdog()?;
    let mut watched = watchdog.lock();
    let number = watched.next;
    watched.next += 1;
    // SAFETY: has no preconditions.
    let thread = unsafe { libc::pthread_self() };
    watched.threads.insert(number, Entry { deadline, thread, store });
    // A call that begins and ends in time is the rule: it must not wake a thread that would find nothing to do.
    watchdog.wake_by(watched, deadline);
    Ok(Watch { number })
}

/// Looks at the clock until that deadline has passed, so that it does not pass while the process is
/// stopped.
///
/// # Errors
///
/// As [`watch`].
pub(crate) fn keep_time(deadline: Deadline) -> std::io::Result<()> {
    let watchdog = watchdog()?;
    let mut watched = watchdog.lock();
    if watched.last.is_none_or(|last| last.instant() < deadline.instant()) {
        watched.last = Some(deadline);
    }
    watchdog.wake_by(watched, deadline);
    Ok(())
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Ok(watchdog) = watchdog() {
            watchdog.lock().threads.remove(&self.number);
        }
    }
}

fn watchdog() -> std::io::Result<&'static Watchdog> {
    static WATCHDOG: Watchdog = Watchdog { watched: Mutex::new(Watched::new()), changed: Condvar::new() };
    static STARTED: OnceLock<Result<(), std::io::ErrorKind>> = OnceLock::new();
    let started = STARTED.get_or_init(|| {
        let thread = std::thread::Builder::new().name("wassay-watchdog".into());
        thread.spawn(|| WATCHDOG.run()).map(drop).map_err(|error| error.kind())
    });
    started.map_err(std::io::Error::from)?;
    Ok(&WATCHDOG)
}

impl Watched {
    const fn new() -> Watched {
        Watched { next: 0, wakes: None, last: None, threads: BTreeMap::new() }
    }
}

impl Watchdog {
    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the watchdog where it would look at the clock too late for a deadline.
    fn wake_by(&self, watched: MutexGuard<'_, Watched>, deadline: Deadline) {
        let is_idle = watched.wakes.is_none();
        if is_idle {
            // From here on, before the watchdog's thread has come to it.
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
            let due = watched.threads.values().map(|entry| match entry.deadline.instant() {
                deadline if deadline <= now => entry.interrupt(now),
                deadline => deadline,
            });
            let due = due.min();
            let lies_ahead = watched.last.is_some_and(|last| last.instant() > now);
            let tick = (lies_ahead || due.is_some()).then_some(now + TICK);
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

impl Entry {
    /// Signals the thread; gives the time to do so again.
    fn interrupt(&self, now: Instant) -> Instant {
        // SAFETY: the entry is removed, under the lock that our caller holds, before the store's record or the thread goes away.
        unsafe {
            (*self.store.as_ptr()).interrupted.store(true, Ordering::Release);
            libc::pthread_kill(self.thread, INTERRUPT);
        }
        now + AGAIN
    }
}
