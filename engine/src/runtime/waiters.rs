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

/// One thread that waits.
#[derive(Debug, Default)]
struct Waiter {
    /// Set, under the queues' lock, by whoever takes the waiter out of its queue.
    woken: AtomicBool,
    wakes: Condvar,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// It was notified.
    Woken,
    /// It did not begin: the value was another one.
    NotEqual,
    /// Nobody notified it in time.
    TimedOut,
}

impl Waiters {
    /// Waits at an address, if the value there is the expected one, until it is notified or no time
    /// is left; without an answer of `left`, for ever.
    pub(super) fn wait(
        &self,
        address: u64,
        is_expected: impl FnOnce() -> bool,
        left: impl Fn() -> Option<Duration>,
    ) -> Waited {
        let mut queues = self.lock();
        // The value is read under the lock: a thread that writes another one and then notifies
        // either finds the waiter in the queue, or wrote it before this read.
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

    /// Wakes up to `count` threads that wait at an address, those first that have waited longest;
    /// gives how many.
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
        // No step leaves the queues half-done: a thread that panicked has not damaged them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a waiter out of its queue that nobody has woken.
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
    fn a_waiter_whose_time_is_over_is_in_no_queue() {
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
