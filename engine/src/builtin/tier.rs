//! Requests of code in the first tier to be optimised.

use crate::error::Result;
use crate::runtime::StoreState;

/// The function at position `a` among those that the module defines has been called often.
pub(super) fn up(store: &mut StoreState, instance: usize, [a, ..]: [u64; 5]) -> Result<u64> {
    // The registers of the caller, which may hold references, are on the stack from here on.
    store.vm.note_depth();
    if !optimize_if_deep(store, instance, a as usize) {
        store.instance(instance).tier_up(a as usize);
    }
    Ok(0)
}

/// The loop with number `b` of the function at position `a` has run often. Returns the address of
/// the code that continues the function from there, with its `c` locals, or 0 if there is none yet.
pub(super) fn up_loop(store: &mut StoreState, instance: usize, [a, b, c, ..]: [u64; 5]) -> Result<u64> {
    store.vm.note_depth();
    // The loop itself may go deeper by calls of the function.
    optimize_if_deep(store, instance, a as usize);
    let Some(code) = store.instance(instance).tier_up_loop(a as usize, b as u32) else { return Ok(0) };
    store.vm.reserve_locals(c as usize);
    Ok(code as u64)
}

/// Has the function at a position optimised for its next calls if little is left of the stack.
/// Returns whether that is so.
fn optimize_if_deep(store: &StoreState, instance: usize, position: usize) -> bool {
    let is_deep = store.vm.is_deep();
    if is_deep {
        store.instance(instance).optimize_now(position, store.running_deadline());
    }
    is_deep
}
