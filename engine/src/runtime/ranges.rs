//! Ranges of memories, tables, arrays and segments: checked against the size, copied and filled.

use std::ops::Range;

use crate::error::Result;
use crate::trap::Trap;
use crate::vm::alarm::Alarm;

/// The range of that length from `start`, or the trap unless it lies inside `size`.
pub(crate) fn within(size: usize, start: u64, length: u64, past_end: Trap) -> Result<Range<usize>> {
    match start.checked_add(length) {
        Some(end) if end <= size as u64 => Ok(start as usize..end as usize),
        _ => Err(past_end.into()),
    }
}

/// Copies a range to another place in the same sequence; the two may overlap.
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

/// Copies a range of one sequence into another.
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

/// Sets a range of a sequence.
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

/// Two items that are not the same: the first to write, the second to read.
pub(crate) fn two<T>(items: &mut [T], write: usize, read: usize) -> (&mut T, &T) {
    match items.get_disjoint_mut([write, read]) {
        Ok([write, read]) => (write, read),
        Err(_) => unreachable!("two different things of the store"),
    }
}
