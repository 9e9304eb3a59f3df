//! Threads that wait at addresses of a shared memory (threads proposal, "Wait and notify
//! operators").

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The queues of one memory, by address.
#[derive(Debug, Default)]
pub(super) struct Waiters(Mutex<HashMap<u64, VecDeque<Arc<Waiter>>>>);

type Queues<'a> = MutexGuard<'a, HashMap<u64, VecDeque<Arc<Waiter>>>>;

/// A waiting thread.
#[derive(Debug, Default)]
struct Waiter {
    /// Set by the thread that removes the waiter from its queue, while it holds the lock.
    woken: AtomicBool,
    wakes: Condvar,
}

/// The result of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// Woken by `notify`.
    Woken,
    /// The wait did not begin, because the value differed from the expected one.
    NotEqual,
    /// The timeout passed.
    TimedOut,
}

impl Waiters {
    /// Waits at an address, if the value there is the expected one, until the thread is woken or
    /// `left` returns zero. If `left` returns `None`, there is no timeout.
    pub(super) fn wait(
        &self,
        address: u64,
        is_expected: impl FnOnce() -> bool,
        left: impl Fn() -> Option<Duration>,
    ) -> Waited {
        let mut queues = self.lock();
        // The value is read under the lock. A thread that writes another value and then notifies
        // either finds the waiter in the queue, or wrote before this read.
        if !is_expected() {
            return Waited::NotEqual;
        }
        let waiter = Arc::new(Waiter::default());
        queues.entry(address).or_default().push_back(Arc::clone(&waiter));
        while !waiter.woken.load(Ordering::Relaxed) {
            queues = match left() {
                None => waiter.wakes.wait(queues).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => {
                    leave(&mut queues, address, &waiter);
                    return Waited::TimedOut;
                }
                Some(left) => {
                    waiter.wakes.wait_timeout(queues, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        Waited::Woken
    }

    /// Wakes up to `count` threads that wait at an address, in the order in which they began to
    /// wait. Returns the number of threads woken.
    pub(super) fn notify(&self, address: u64, count: u32) -> u32 {
        let mut queues = self.lock();
        let Some(queue) = queues.get_mut(&address) else { return 0 };
        let mut woken = 0;
        while woken < count
            && let Some(waiter) = queue.pop_front()
        {
            waiter.woken.store(true, Ordering::Relaxed);
            waiter.wakes.notify_one();
            woken += 1;
        }
        if queue.is_empty() {
            queues.remove(&address);
        }
        woken
    }

    fn lock(&self) -> Queues<'_> {
        // Every operation leaves the queues consistent, even if a thread panicked in between.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a waiter that was not woken from its queue.
fn leave(queues: &mut Queues<'_>, address: u64, waiter: &Arc<Waiter>) {
    if let Some(queue) = queues.get_mut(&address) {
        queue.retain(|other| !Arc::ptr_eq(other, waiter));
        if queue.is_empty() {
            queues.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn the_first_to_wait_is_the_first_to_wake() {
        let (waiters, order) = (Waiters::default(), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for number in 0..4 {
                let (waiters, order) = (&waiters, &order);
                scope.spawn(move || {
                    assert_eq!(waiters.wait(8, || true, || None), Waited::Woken);
                    order.lock().unwrap().push(number);
                });
                while waiters.lock().get(&8).map_or(0, VecDeque::len) <= number {
                    std::thread::yield_now();
                }
            }
            for woken in 1..=4 {
                assert_eq!(waiters.notify(16, 1), 0, "another address");
                assert_eq!(waiters.notify(8, 1), 1);
                while order.lock().unwrap().len() < woken {
                    std::thread::yield_now();
                }
            }
        });
        assert_eq!(order.into_inner().unwrap(), [0, 1, 2, 3]);
        assert!(waiters.lock().is_empty());
    }

    #[test]
    fn a_waiter_that_timed_out_is_removed_from_its_queue() {
        let waiters = Waiters::default();
        let until = Instant::now() + Duration::from_millis(20);
        let left = || Some(until.saturating_duration_since(Instant::now()));
        assert_eq!(waiters.wait(0, || true, left), Waited::TimedOut);
        assert!(Instant::now() >= until);
        assert_eq!(waiters.wait(0, || false, || None), Waited::NotEqual);
        assert!(waiters.lock().is_empty());
        assert_eq!(waiters.notify(0, u32::MAX), 0);
    }
}
