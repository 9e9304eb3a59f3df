//! Bytes that one thread writes while others wait for them.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::time::Deadline;

/// Bytes that one thread writes while others wait for them. Clones share the bytes.
///
/// ```
/// use std::time::{Duration, Instant};
/// use wassay_terms::Stream;
///
/// let stream = Stream::default();
/// stream.append(|bytes| bytes.extend_from_slice(b"ready\n"));
/// let until = Instant::now() + Duration::from_secs(1);
/// assert!(stream.wait(until, |bytes| bytes.ends_with(b"\n")));
/// assert_eq!(stream.take(), b"ready\n");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stream {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
}

impl Stream {
    /// Calls `write` with the bytes that have not been taken, for it to add some, and wakes those
    /// that wait.
    pub fn append<T>(&self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let written = write(&mut self.state().bytes);
        self.shared.changed.notify_all();
        written
    }

    /// Removes and returns the bytes.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().bytes)
    }

    /// Returns a copy of the bytes.
    pub fn peek(&self) -> Vec<u8> {
        self.state().bytes.clone()
    }

    /// Waits until `enough` is true for the bytes that have not been taken, [`end`](Stream::end) is
    /// called, or the deadline `until` passes. Returns whether `enough` is true.
    pub fn wait(&self, until: impl Into<Deadline>, enough: impl Fn(&[u8]) -> bool) -> bool {
        let until = until.into();
        let mut state = self.state();
        while !enough(&state.bytes) {
            let left = until.left();
            if state.ended || left.is_zero() {
                return false;
            }
            let woken = self.shared.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Marks the end, so that every [`wait`](Stream::wait) returns.
    pub fn end(&self) {
        self.state().ended = true;
        self.shared.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_wait_ends_with_what_it_waits_for_at_the_end_and_at_the_deadline() {
        let stream = Stream::default();
        let late = || Instant::now() + Duration::from_secs(60);
        std::thread::scope(|scope| {
            let writer = stream.clone();
            scope.spawn(move || {
                writer.append(|bytes| bytes.extend_from_slice(b"a"));
                writer.append(|bytes| bytes.extend_from_slice(b"b"));
            });
            assert!(stream.wait(late(), |bytes| bytes == b"ab"));
        });
        assert_eq!(
            (stream.peek(), stream.take(), stream.take()),
            (b"ab".to_vec(), b"ab".to_vec(), Vec::new())
        );
        assert!(!stream.wait(Instant::now(), |bytes| !bytes.is_empty()));
        stream.end();
        assert!(!stream.wait(late(), |bytes| !bytes.is_empty()));
    }
}
