//! `cont.bind`, and the parts of `resume`, `resume_throw` and `switch` that set up the stack of a
//! continuation (stack-switching proposal).

use crate::error::Result;
use crate::runtime::StoreState;

/// Takes a continuation, which is consumed. Returns the address of its stack.
pub(super) fn start(store: &mut StoreState, instance: usize, [continuation, ..]: [u64; 5]) -> Result<u64> {
    store.start_continuation(instance, continuation)
}

/// Takes a continuation, which is consumed, the number of the new one's type, and the number of
/// values that are bound. Returns the new one, in which these values are zero.
pub(super) fn bind(store: &mut StoreState, _: usize, [continuation, ty, count, ..]: [u64; 5]) -> Result<u64> {
    store.bind_continuation(continuation, ty as u32, count as u32)
}

/// Takes a continuation, which is consumed. Returns the address of its stack, or 0 if it was not
/// started.
pub(super) fn throw(store: &mut StoreState, _: usize, [continuation, ..]: [u64; 5]) -> Result<u64> {
    store.throw_into_continuation(continuation)
}
