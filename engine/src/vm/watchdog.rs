//! Deadlines of running code.
//!
//! Compiled code does not check deadlines. When a deadline has passed, the watchdog of the process
//! marks the store, which long-running Rust code checks, and signals the thread repeatedly until a
//! signal finds the thread in compiled code, whose frames own nothing and can be unwound (see
//! [`signal`](super::signal)). The signals also interrupt blocking system calls of the thread.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

pub(super) use wassay_terms::time::Watch;

use super::layout::VmStore;
use crate::time::Deadline;

/// The signal by which the watchdog interrupts a thread. It is ignored by default.
pub(super) const INTERRUPT: libc::c_int = libc::SIGURG;

/// The interval between signals to a thread.
const AGAIN: Duration = Duration::from_millis(1);

/// Watches the current thread, which runs code of the store, until the returned watch is dropped.
///
/// # Safety
///
/// The record is alive, and the watch is dropped before the record is dropped or the thread exits.
///
/// # Errors
///
/// Returns an error if the watchdog's thread cannot be started.
pub(super) unsafe fn watch(store: *mut VmStore, deadline: Deadline) -> std::io::Result<Watch> {
    // SAFETY: has no preconditions.
    let entry = Entry { thread: unsafe { libc::pthread_self() }, store };
    wassay_terms::time::watch(deadline, move |now| entry.interrupt(now))
}

struct Entry {
    thread: libc::pthread_t,
    store: *mut VmStore,
}

// SAFETY: the watchdog's thread accesses only an atomic field of the record, and only while the
// watch exists: by the contract of `watch` the record is alive then.
unsafe impl Send for Entry {}

impl Entry {
    /// Signals the thread. Returns the time of the next signal.
    fn interrupt(&self, now: Instant) -> Instant {
        // SAFETY: this is called under the watchdog's lock, under which the entry is removed when
        // the watch is dropped; by the contract of `watch` that happens before the store's record
        // is dropped or the thread exits.
        unsafe {
            (*self.store).interrupted.store(true, Ordering::Release);
            libc::pthread_kill(self.thread, INTERRUPT);
        }
        now + AGAIN
    }
}
