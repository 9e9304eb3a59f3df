//! Requests of code in the first tier to be optimised.

use crate::error::Result;
use crate::runtime::StoreState;

/// The function at position `a` among those that the module defines has been called often.
pub(super) fn up(store: &mut StoreState, instance: usize, [a, ..]: [u64; 5]) -> Result<u64> {
    // The registers of the caller, which may hold references, are on the stack from here on.
    store.vm.note_depth();
    let (position, instance) = (a as usize, store.instance(instance));
    if store.vm.is_deep() {
        instance.optimize_now(position, store.running_deadline());
    } else {
        instance.tier_up(position);
    }
    Ok(0)
}

/// The loop with number `b` of the function at position `a` has run often. Returns the address of
/// the code that continues the function from there, with its `c` locals, or 0 if there is none yet.
pub(super) fn up_loop(store: &mut StoreState, instance: usize, [a, b, c, ..]: [u64; 5]) -> Result<u64> {
    store.vm.note_depth();
    let Some(code) = store.instance(instance).tier_up_loop(a as usize, b as u32) else { return Ok(0) };
    store.vm.reserve_locals(c as usize);
    Ok(code as u64)
}
