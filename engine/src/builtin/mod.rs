//! What compiled code calls back into: the instructions that are too large, or too rare, to be machine code.
//!
//! Each takes the store, the instance that calls and up to five arguments, and gives one value; an error leaves compiled code. What works
//! for long checks the bounds first, then works piece by piece and asks the store's alarm between two of them.

mod array;
mod atomic;
mod memory;
mod object;
mod reference;
mod table;

use std::ops::Range;

use crate::error::Result;
use crate::runtime::StoreState;
use crate::trap::Trap;
use crate::vm::alarm::Alarm;

/// A builtin, by the number that compiled code passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Builtin {
    MemoryGrow,
    MemoryFill,
    MemoryCopy,
    MemoryInit,
    DataDrop,
    AtomicWait32,
    AtomicWait64,
    AtomicNotify,
    TableGrow,
    TableFill,
    TableCopy,
    TableInit,
    ElemDrop,
    IsSubtype,
    Allocate,
    ArrayNewData,
    ArrayNewElem,
    ElementsFill,
    ElementsCopy,
    ArrayInitData,
    ArrayInitElem,
}

type Body = fn(&mut StoreState, usize, [u64; 5]) -> Result<u64>;

/// The builtins in the order of their numbers.
const BODIES: [(Builtin, Body); 21] = [
    (Builtin::MemoryGrow, memory::grow),
    (Builtin::MemoryFill, memory::fill),
    (Builtin::MemoryCopy, memory::copy),
    (Builtin::MemoryInit, memory::init),
    (Builtin::DataDrop, memory::drop_data),
    (Builtin::AtomicWait32, atomic::wait32),
    (Builtin::AtomicWait64, atomic::wait64),
    (Builtin::AtomicNotify, atomic::notify),
    (Builtin::TableGrow, table::grow),
    (Builtin::TableFill, table::fill),
    (Builtin::TableCopy, table::copy),
    (Builtin::TableInit, table::init),
    (Builtin::ElemDrop, table::drop_elements),
    (Builtin::IsSubtype, reference::is_subtype),
    (Builtin::Allocate, object::allocate),
    (Builtin::ArrayNewData, array::new_data),
    (Builtin::ArrayNewElem, array::new_elements),
    (Builtin::ElementsFill, array::fill),
    (Builtin::ElementsCopy, array::copy),
    (Builtin::ArrayInitData, array::init_data),
    (Builtin::ArrayInitElem, array::init_elements),
];

/// Runs the builtin of that number.
pub(crate) fn run(number: usize, store: &mut StoreState, instance: usize, args: [u64; 5]) -> Result<u64> {
    BODIES[number].1(store, instance, args)
}

/// The range of that length from `start`, or the trap unless it lies inside `size`.
pub(crate) fn within(size: usize, start: u64, length: u64, past_end: Trap) -> Result<Range<usize>> {
    match start.checked_add(length) {
        Some(end) if end <= size as u64 => Ok(start as usize..end as usize),
        _ => Err(past_end.into()),
    }
}

/// Copies a range to another place in the same sequence; the two may overlap.
fn copy_within<T: Copy>(
    items: &mut [T],
    target: u64,
    source: u64,
    length: u64,
    past_end: Trap,
    alarm: Alarm,
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
    alarm: Alarm,
) -> Result<()> {
    let target = within(to.len(), target, length, past_end)?;
    let source = within(from.len(), source, length, past_end)?;
    alarm.copy(&mut to[target], &from[source])
}

/// Sets a range of a sequence.
fn fill<T: Copy>(
    items: &mut [T],
    start: u64,
    value: T,
    length: u64,
    past_end: Trap,
    alarm: Alarm,
) -> Result<()> {
    let range = within(items.len(), start, length, past_end)?;
    alarm.fill(&mut items[range], value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_its_place() {
        for (place, (builtin, _)) in BODIES.iter().enumerate() {
            assert_eq!(*builtin as usize, place);
        }
    }
}
