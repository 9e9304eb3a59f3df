//! Builtins: functions that compiled code calls for instructions that are too large or too rare for
//! inline machine code.
//!
//! Each takes the store, the calling instance and up to five arguments, and returns one value. An
//! error unwinds compiled code. Builtins whose run time depends on a length check the bounds first,
//! then work in chunks and check the store's alarm between two of them.

mod array;
mod atomic;
mod continuation;
mod host;
mod memory;
mod object;
mod reference;
mod table;
mod tier;

use crate::abi::builtin::builtins;
use crate::error::Result;
use crate::runtime::StoreState;

type Body = fn(&mut StoreState, usize, [u64; 5]) -> Result<u64>;

macro_rules! bodies {
    ($($name:ident = $body:path,)*) => {
        /// The functions of the builtins, in the order of their numbers.
        const BODIES: &[Body] = &[$($body,)*];
    };
}

builtins!(bodies);

/// Runs the builtin with this number.
fn run(number: usize, store: &mut StoreState, instance: usize, args: [u64; 5]) -> Result<u64> {
    BODIES[number](store, instance, args)
}
