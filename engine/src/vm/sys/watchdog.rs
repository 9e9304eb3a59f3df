//! Deadlines: one thread of the process watches the clock for all others.
//!
//! Code has no checks for this. When a deadline has passed, the watchdog sends the thread a signal, again and again until the thread is
//! found in compiled code, whose frames own nothing and can be left (see [`signal`](super::signal)).

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::signal::INTERRUPT;
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
    threads: BTreeMap<u64, Entry>,
}

struct Entry {
    deadline: Instant,
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
pub(crate) fn watch(store: VmPtr<VmStore>, deadline: Instant) -> std::io::Result<Watch> {
    let watchdog = watchdog()?;
    let mut watched = watchdog.lock();
    let number = watched.next;
    watched.next += 1;
    // SAFETY: has no preconditions.
    let thread = unsafe { libc::pthread_self() };
    watched.threads.insert(number, Entry { deadline, thread, store });
    // A call that begins and ends in time is the rule: it must not wake a thread that would find nothing to do.
    let wakes_too_late = watched.wakes.is_none_or(|wakes| deadline < wakes);
    drop(watched);
    if wakes_too_late {
        watchdog.changed.notify_one();
    }
    Ok(Watch { number })
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
        Watched { next: 0, wakes: None, threads: BTreeMap::new() }
    }
}

impl Watchdog {
    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) -> ! {
        let mut watched = self.lock();
        loop {
            let now = Instant::now();
            let mut wake: Option<Instant> = None;
            for entry in watched.threads.values() {
                let due = if entry.deadline <= now { entry.interrupt(now) } else { entry.deadline };
                wake = Some(wake.map_or(due, |wake| wake.min(due)));
            }
            watched.wakes = wake;
            watched = match wake {
                Some(wake) => {
                    let wait = self.changed.wait_timeout(watched, wake.saturating_duration_since(now));
                    wait.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(watched).unwrap_or_else(PoisonError::into_inner),
            };
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
