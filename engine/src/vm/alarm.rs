//! Deadline checks between chunks of long work, so that the deadline of a store interrupts Rust
//! code as it interrupts compiled code.

use std::ops::Range;
use std::sync::atomic::Ordering;

use super::current::current;
use super::layout::VmStore;
use super::ptr::VmBox;
use crate::error::{Error, Result};

/// The number of bytes that are written or copied between two checks: less than a millisecond's
/// work, even if the system has to provide the memory first.
pub(crate) const PIECE: usize = 1 << 20;

/// Checks whether the deadline of a store has passed, while the store's record is borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alarm<'a>(&'a VmBox<VmStore>);

/// Whether the deadline has passed of a store, or of one whose code is waiting for it on this
/// thread. If so, marks the store as interrupted.
///
/// # Safety
///
/// The record is alive.
#[inline]
pub(super) unsafe fn is_over(own: *mut VmStore) -> bool {
    // SAFETY: by the condition above the record is alive, and so are the current store and those of
    // its chain (see `current`).
    unsafe { is_over_or(own, current()) }
}

/// [`is_over`], for the current store.
///
/// # Safety
///
/// The record is that of the [`current`] store.
#[inline]
pub(super) unsafe fn is_current_over(own: *mut VmStore) -> bool {
    // SAFETY: by the condition above the record and its chain are alive.
    unsafe { is_over_or(own, (*own).outer) }
}

/// Whether the deadline has passed of a store, or of one of another store's chain. If so, marks the
/// store as interrupted.
///
/// # Safety
///
/// The record is alive; the other is null, or it and the records of its chain are alive and belong
/// to stores whose code waits on this thread.
#[inline]
unsafe fn is_over_or(own: *mut VmStore, mut outer: *mut VmStore) -> bool {
    // SAFETY: by the condition above; only an atomic field is borrowed.
    let interrupted = unsafe { &(*own).interrupted };
    if interrupted.load(Ordering::Acquire) {
        return true;
    }
    while !outer.is_null() {
        // SAFETY: by the condition above it is alive, and only this thread writes `outer`.
        unsafe {
            if (*outer).interrupted.load(Ordering::Acquire) {
                interrupted.store(true, Ordering::Release);
                return true;
            }
            outer = (*outer).outer;
        }
    }
    false
}

impl<'a> Alarm<'a> {
    /// The alarm of a store.
    #[inline]
    pub(super) fn of(store: &'a VmBox<VmStore>) -> Alarm<'a> {
        Alarm(store)
    }

    /// Fails if the deadline has passed of the store, or of one whose code is waiting for it on
    /// this thread. No code of the store runs afterwards.
    ///
    /// # Errors
    ///
    /// [`Interrupted`](crate::ErrorKind::Interrupted) if a deadline has passed.
    #[inline]
    pub(crate) fn check(self) -> Result<()> {
        // SAFETY: the box that owns the record is borrowed.
        if unsafe { is_over(self.0.as_ptr()) } { Err(Error::interrupted()) } else { Ok(()) }
    }

    /// Processes `count` items of `size` bytes in chunks, in ascending order, until a deadline
    /// passes.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Alarm::check`].
    #[inline]
    pub(crate) fn in_pieces(
        self,
        count: usize,
        size: usize,
        mut work: impl FnMut(Range<usize>),
    ) -> Result<()> {
        let step = PIECE / size;
        let mut start = 0;
        while count - start > step {
            work(start..start + step);
            start += step;
            self.check()?;
        }
        work(start..count);
        Ok(())
    }

    /// Like [`Alarm::in_pieces`], in descending order.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Alarm::check`].
    pub(crate) fn in_pieces_backwards(
        self,
        count: usize,
        size: usize,
        mut work: impl FnMut(Range<usize>),
    ) -> Result<()> {
        let step = PIECE / size;
        let mut end = count;
        while end > step {
            work(end - step..end);
            end -= step;
            self.check()?;
        }
        work(0..end);
        Ok(())
    }

    /// Sets all items to a value.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Alarm::check`].
    #[inline]
    pub(crate) fn fill<T: Copy>(self, items: &mut [T], value: T) -> Result<()> {
        self.in_pieces(items.len(), size_of::<T>(), |piece| items[piece].fill(value))
    }

    /// Copies all items of a sequence to another one of the same length.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Alarm::check`].
    #[inline]
    pub(crate) fn copy<T: Copy>(self, to: &mut [T], from: &[T]) -> Result<()> {
        self.in_pieces(from.len(), size_of::<T>(), |piece| {
            to[piece.clone()].copy_from_slice(&from[piece]);
        })
    }

    /// Copies items within a sequence; the two ranges can overlap.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Alarm::check`].
    #[inline]
    pub(crate) fn copy_within<T: Copy>(
        self,
        items: &mut [T],
        source: Range<usize>,
        target: usize,
    ) -> Result<()> {
        self.in_order(source, target, size_of::<T>(), |source, target| items.copy_within(source, target))
    }

    /// Copies a range of items within a sequence in chunks, in the order in which no item is
    /// overwritten before it is copied. `copy` gets a chunk and its target, which can overlap.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Alarm::check`].
    #[inline]
    pub(crate) fn in_order(
        self,
        source: Range<usize>,
        target: usize,
        size: usize,
        mut copy: impl FnMut(Range<usize>, usize),
    ) -> Result<()> {
        let piece = |piece: Range<usize>| {
            copy(source.start + piece.start..source.start + piece.end, target + piece.start);
        };
        if target <= source.start || source.end <= target {
            self.in_pieces(source.len(), size, piece)
        } else {
            self.in_pieces_backwards(source.len(), size, piece)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::tests::{TestStore, record};

    #[test]
    fn copying_in_pieces_equals_copying_at_once() {
        let store: TestStore = record();
        let alarm = store.alarm();
        let count = 3 * PIECE / 8 + 5;
        let numbers: Vec<u64> = (0..count as u64).collect();
        for (source, target) in [(0, 0), (0, 1), (7, 0), (0, count / 2), (count / 2, 3), (0, count)] {
            let mut items = vec![0u64; 2 * count];
            items[source..source + count].copy_from_slice(&numbers);
            let mut expected = items.clone();
            expected.copy_within(source..source + count, target);
            alarm.copy_within(&mut items, source..source + count, target).unwrap();
            assert!(items == expected, "from {source} to {target}");
        }
        let mut copied = vec![0; count];
        alarm.copy(&mut copied, &numbers).unwrap();
        assert!(copied == numbers);
        alarm.fill(&mut copied, 7).unwrap();
        assert!(copied.iter().all(|number| *number == 7));
    }

    #[test]
    fn work_stops_after_the_first_piece_past_the_deadline() {
        let store: TestStore = record();
        let alarm = store.alarm();
        let mut bytes = vec![0u8; 3 * PIECE];
        alarm.fill(&mut bytes, 1).unwrap();
        store.interrupt();
        assert!(alarm.fill(&mut bytes, 2).is_err());
        assert_eq!((bytes[PIECE - 1], bytes[PIECE]), (2, 1));
        assert!(alarm.copy_within(&mut bytes, 0..2 * PIECE, 5).is_err());
        alarm.fill(&mut bytes[..8], 3).unwrap();
        assert!(alarm.check().is_err());
    }
}
