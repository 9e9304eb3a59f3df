//! Bounds checks, copies and fills for ranges of memories, tables, arrays and segments.

use std::ops::Range;

use crate::error::Result;
use crate::trap::Trap;
use crate::vm::alarm::Alarm;

/// Returns the range of `length` items from `start`, or the trap `past_end` if it exceeds `size`.
pub(crate) fn within(size: usize, start: u64, length: u64, past_end: Trap) -> Result<Range<usize>> {
    match start.checked_add(length) {
        Some(end) if end <= size as u64 => Ok(start as usize..end as usize),
        _ => Err(past_end.into()),
    }
}

/// Copies a range within a sequence; the two ranges can overlap.
pub(crate) fn copy_within<T: Copy>(
    items: &mut [T],
    target: u64,
    source: u64,
    length: u64,
    past_end: Trap,
    alarm: Alarm<'_>,
) -> Result<()> {
    let target = within(items.len(), target, length, past_end)?;
    let source = within(items.len(), source, length, past_end)?;
    alarm.copy_within(items, source, target.start)
}

/// Copies a range of one sequence to another.
pub(crate) fn copy_between<T: Copy>(
    (to, target): (&mut [T], u64),
    (from, source): (&[T], u64),
    length: u64,
    past_end: Trap,
    alarm: Alarm<'_>,
) -> Result<()> {
    let target = within(to.len(), target, length, past_end)?;
    let source = within(from.len(), source, length, past_end)?;
    alarm.copy(&mut to[target], &from[source])
}

/// Fills a range of a sequence.
pub(crate) fn fill<T: Copy>(
    items: &mut [T],
    start: u64,
    value: T,
    length: u64,
    past_end: Trap,
    alarm: Alarm<'_>,
) -> Result<()> {
    let range = within(items.len(), start, length, past_end)?;
    alarm.fill(&mut items[range], value)
}

/// Borrows two different items, the first mutably.
pub(crate) fn two<T>(items: &mut [T], write: usize, read: usize) -> (&mut T, &T) {
    match items.get_disjoint_mut([write, read]) {
        Ok([write, read]) => (write, read),
        Err(_) => unreachable!("two different things of the store"),
    }
}
