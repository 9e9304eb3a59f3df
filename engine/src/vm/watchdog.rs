//! Deadlines of code that runs.
//!
//! Compiled code has no checks for this. When a deadline has passed, the watchdog of the process
//! marks the store, which long-running Rust code checks, and signals the thread repeatedly until
//! the thread is found in compiled code, whose frames own nothing and can be left (see
//! [`signal`](super::signal)). The signals also end system calls that the thread waits in.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

pub(super) use wassay_terms::time::Watch;

use super::layout::VmStore;
use crate::time::Deadline;

/// The signal by which the watchdog interrupts a thread. Its default action is to do nothing.
pub(super) const INTERRUPT: libc::c_int = libc::SIGURG;

/// How long the watchdog waits before it signals a thread again.
const AGAIN: Duration = Duration::from_millis(1);

/// Watches the running thread, which runs code of that store, until what this gives is dropped.
///
/// # Safety
///
/// The record is alive, and what this gives is dropped before the record or the thread goes away.
///
/// # Errors
///
/// Where the watchdog's thread could not be started.
pub(super) unsafe fn watch(store: *mut VmStore, deadline: Deadline) -> std::io::Result<Watch> {
    // SAFETY: has no preconditions.
    let entry = Entry { thread: unsafe { libc::pthread_self() }, store };
    wassay_terms::time::watch(deadline, move |now| entry.interrupt(now))
}

struct Entry {
    thread: libc::pthread_t,
    store: *mut VmStore,
}

// SAFETY: the watchdog's thread uses the record only by its atomic field, and only while the watch
// is held: by the contract of `watch` the record is alive then.
unsafe impl Send for Entry {}

impl Entry {
    /// Signals the thread; gives the time to do so again.
    fn interrupt(&self, now: Instant) -> Instant {
        // SAFETY: this is called under the watchdog's lock, under which the entry is removed when
        // the watch is dropped; by the contract of `watch` that is before the store's record or the
        // thread goes away.
        unsafe {
            (*self.store).interrupted.store(true, Ordering::Release);
            libc::pthread_kill(self.thread, INTERRUPT);
        }
        now + AGAIN
    }
}
