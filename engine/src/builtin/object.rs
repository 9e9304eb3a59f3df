//! Objects on the heap (core spec, section 4.6.9, "Reference Instructions", and 4.6.10, "Aggregate
//! Instructions").

use crate::error::Result;
use crate::runtime::StoreState;

/// Takes the type's number, the length for arrays, and the object's size in bytes. Returns the
/// object, which is zero except for its header.
pub(super) fn allocate(store: &mut StoreState, _: usize, [ty, length, size, ..]: [u64; 5]) -> Result<u64> {
    store.allocate_object(ty as u32, length as u32, size)
}
