//! Builtins: functions that compiled code calls for instructions that are too large or too rare for
//! inline machine code.
//!
//! Each takes the store, the calling instance and up to five arguments, and returns one value. An
//! error unwinds compiled code. Builtins whose run time depends on a length check the bounds first,
//! then work in chunks and check the store's alarm between two of them.

mod array;
mod atomic;
mod host;
mod memory;
mod object;
mod reference;
mod table;

use crate::abi::builtin::Builtin;
use crate::error::Result;
use crate::runtime::StoreState;

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

/// Runs the builtin with this number.
fn run(number: usize, store: &mut StoreState, instance: usize, args: [u64; 5]) -> Result<u64> {
    BODIES[number].1(store, instance, args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builtins_are_in_the_order_of_their_numbers() {
        for (index, (builtin, _)) in BODIES.iter().enumerate() {
            assert_eq!(*builtin as usize, index);
        }
    }
}
