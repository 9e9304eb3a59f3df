//! Subtype checks that compiled code cannot decide by one comparison (core spec, section 3.3.3,
//! "Matching", heap types).

use crate::error::Result;
use crate::runtime::StoreState;

/// Takes the numbers of two types. Returns 1 if the first is a subtype of the second, otherwise 0.
pub(super) fn is_subtype(store: &mut StoreState, _: usize, [sub, sup, ..]: [u64; 5]) -> Result<u64> {
    let types = store.engine().types();
    let below = types.is_subtype(types.id(sub as u32), types.id(sup as u32));
    Ok(u64::from(below))
}
